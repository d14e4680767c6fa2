//! The options of Debian's program, and that program without one of them.

/// An option by its names.
pub(crate) struct Opt {
    pub(crate) long: &'static str,
    pub(crate) short: &'static str,
    pub(crate) takes: bool,
}

const fn plain(long: &'static str, short: &'static str) -> Opt {
    Opt { long, short, takes: false }
}

const fn valued(long: &'static str, short: &'static str) -> Opt {
    Opt { long, short, takes: true }
}

/// All that do something.
pub(crate) const ALL: &[Opt] = &[
    plain("start", "S"),
    plain("stop", "K"),
    plain("status", "T"),
    plain("help", "H"),
    plain("version", "V"),
    valued("startas", "a"),
    valued("name", "n"),
    plain("oknodo", "o"),
    valued("pid", ""),
    valued("ppid", ""),
    valued("pidfile", "p"),
    plain("quiet", "q"),
    valued("signal", "s"),
    plain("test", "t"),
    valued("user", "u"),
    valued("group", "g"),
    valued("chroot", "r"),
    plain("verbose", "v"),
    valued("exec", "x"),
    valued("chuid", "c"),
    valued("nicelevel", "N"),
    valued("procsched", "P"),
    valued("iosched", "I"),
    valued("umask", "k"),
    plain("background", "b"),
    plain("notify-await", ""),
    valued("notify-timeout", ""),
    plain("no-close", "C"),
    valued("output", "O"),
    plain("make-pidfile", "m"),
    plain("remove-pidfile", ""),
    valued("retry", "R"),
    valued("chdir", "d"),
];

impl Opt {
    /// As they stand on a command line.
    pub(crate) fn names(&self) -> Vec<String> {
        let short = (!self.short.is_empty()).then(|| format!("-{}", self.short));
        [Some(format!("--{}", self.long)), short].into_iter().flatten().collect()
    }

    /// How often the script uses it.
    pub(crate) fn uses(&self, script: &str) -> usize {
        script.split_whitespace().filter(|word| *word == format!("--{}", self.long)).count()
    }

    /// Debian's program that never hears of it, in the lines of `wrapper.c`.
    pub(crate) fn deaf(&self) -> String {
        let mark = if self.takes { '=' } else { '-' };
        let names: String = self.names().iter().map(|name| format!("{mark}{name}\n")).collect();
        format!("!{}\n{names}", super::ORACLE)
    }
}
