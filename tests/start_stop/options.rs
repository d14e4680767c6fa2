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

    /// The script uses it.
    pub(crate) fn stands_in(&self, script: &str) -> bool {
        script.split_whitespace().any(|word| word == format!("--{}", self.long))
    }

    /// Debian's program that never hears of it.
    pub(crate) fn deaf(&self) -> String {
        let names = self.names().join("|");
        let shift = if self.takes { "shift" } else { ":" };
        format!(
            "#!/bin/bash\nkept=()\nwhile [ $# -gt 0 ]; do\n  case $1 in\n    --) kept+=(\"$@\"); break ;;\n    \
             {names}) {shift} ;;\n    --{}=*) ;;\n    *) kept+=(\"$1\") ;;\n  esac\n  shift\ndone\n\
             exec {} \"${{kept[@]}}\"\n",
            self.long,
            super::ORACLE,
        )
    }
}
