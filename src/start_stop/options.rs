//! The options, as they stand on the command line: texts that nothing was made of yet. The last one of a kind wins.

use std::ffi::OsString;

use super::fault::Fault;
use super::getopt::{Item, Scanner, Spec};

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// `--start`
    Start,
    /// `--stop`
    Stop,
    /// `--status`
    Status,
    /// `--pidof`, of newer versions.
    Pidof,
}

/// Which program is to be stood in for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Compat {
    /// Version 1.21.22 without its hazards.
    #[default]
    Safe,
    /// The same with the stricter rules and the new command of 1.23.
    Newer,
    /// Version 1.21.22 with those of its hazards that are only a nuisance.
    Strict,
}

/// How much is said.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Level {
    /// Errors and warnings only.
    Quiet,
    /// What was found.
    #[default]
    Normal,
    /// What is done as well.
    Verbose,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Name {
    Help,
    Version,
    Act(Action),
    Startas,
    Comm,
    Oknodo,
    Pid,
    Ppid,
    Pidfile,
    Quiet,
    Signal,
    Test,
    User,
    Group,
    Chroot,
    Verbose,
    Exec,
    Chuid,
    Nicelevel,
    Procsched,
    Iosched,
    Umask,
    Background,
    NotifyAwait,
    NotifyTimeout,
    NoClose,
    Output,
    MakePidfile,
    RemovePidfile,
    Retry,
    Chdir,
    Compat,
    Interpreted,
    Match,
    Explain,
}

const fn plain(long: &'static str, short: u8, name: Name) -> Spec<Name> {
    Spec { long, short: if short == 0 { None } else { Some(short) }, takes: false, abbreviates: true, name }
}

const fn valued(long: &'static str, short: u8, name: Name) -> Spec<Name> {
    Spec { takes: true, ..plain(long, short, name) }
}

const fn ours(spec: Spec<Name>) -> Spec<Name> {
    Spec { abbreviates: false, ..spec }
}

/// In the order of the oracle, which its messages about ambiguous abbreviations show. Behind them what it doesn't have.
const SPECS: &[Spec<Name>] = &[
    plain("help", b'H', Name::Help),
    plain("stop", b'K', Name::Act(Action::Stop)),
    plain("start", b'S', Name::Act(Action::Start)),
    plain("status", b'T', Name::Act(Action::Status)),
    plain("version", b'V', Name::Version),
    valued("startas", b'a', Name::Startas),
    valued("name", b'n', Name::Comm),
    plain("oknodo", b'o', Name::Oknodo),
    valued("pid", 0, Name::Pid),
    valued("ppid", 0, Name::Ppid),
    valued("pidfile", b'p', Name::Pidfile),
    plain("quiet", b'q', Name::Quiet),
    valued("signal", b's', Name::Signal),
    plain("test", b't', Name::Test),
    valued("user", b'u', Name::User),
    valued("group", b'g', Name::Group),
    valued("chroot", b'r', Name::Chroot),
    plain("verbose", b'v', Name::Verbose),
    valued("exec", b'x', Name::Exec),
    valued("chuid", b'c', Name::Chuid),
    valued("nicelevel", b'N', Name::Nicelevel),
    valued("procsched", b'P', Name::Procsched),
    valued("iosched", b'I', Name::Iosched),
    valued("umask", b'k', Name::Umask),
    plain("background", b'b', Name::Background),
    plain("notify-await", 0, Name::NotifyAwait),
    valued("notify-timeout", 0, Name::NotifyTimeout),
    plain("no-close", b'C', Name::NoClose),
    valued("output", b'O', Name::Output),
    plain("make-pidfile", b'm', Name::MakePidfile),
    plain("remove-pidfile", 0, Name::RemovePidfile),
    valued("retry", b'R', Name::Retry),
    valued("chdir", b'd', Name::Chdir),
    ours(plain("pidof", 0, Name::Act(Action::Pidof))),
    ours(valued("compat", 0, Name::Compat)),
    ours(plain("interpreted", 0, Name::Interpreted)),
    ours(valued("match", 0, Name::Match)),
    ours(plain("explain", 0, Name::Explain)),
];

/// The options of one command line.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
#[allow(missing_docs, reason = "named as the options are")]
pub struct Options<'a> {
    pub action: Option<Action>,
    pub level: Level,
    pub compat: Compat,
    pub startas: Option<&'a [u8]>,
    pub name: Option<&'a [u8]>,
    pub oknodo: bool,
    pub pid: Option<&'a [u8]>,
    pub ppid: Option<&'a [u8]>,
    pub pidfile: Option<&'a [u8]>,
    pub signal: Option<&'a [u8]>,
    pub test: bool,
    pub user: Option<&'a [u8]>,
    /// Of `--group`, or behind the colon of `--chuid`.
    pub group: Option<&'a [u8]>,
    pub chroot: Option<&'a [u8]>,
    pub exec: Option<&'a [u8]>,
    /// Of `--chuid`, before the colon.
    pub chuid: Option<&'a [u8]>,
    pub nicelevel: Option<&'a [u8]>,
    pub procsched: Option<&'a [u8]>,
    pub iosched: Option<&'a [u8]>,
    pub umask: Option<&'a [u8]>,
    pub background: bool,
    pub notify_await: bool,
    pub notify_timeout: Option<&'a [u8]>,
    pub no_close: bool,
    pub output: Option<&'a [u8]>,
    pub make_pidfile: bool,
    pub remove_pidfile: bool,
    pub retry: Option<&'a [u8]>,
    pub chdir: Option<&'a [u8]>,
    pub interpreted: bool,
    pub expression: Option<&'a [u8]>,
    pub explain: bool,
    pub operands: Vec<&'a [u8]>,
}

/// What the command line asks for at its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// `--help`, whatever else stands behind it.
    Help,
    /// `--version`, likewise.
    Version,
    /// To do something.
    Work,
}

impl<'a> Options<'a> {
    /// Reads the arguments behind the program's name. After an error the action says what was asked for until then.
    ///
    /// # Errors
    /// [`Fault::Usage`], but `--chuid user:` is [`Fault::Trouble`].
    pub fn read(&mut self, args: &'a [OsString], strict_order: bool) -> Result<Ending, Fault> {
        let mut scanner = Scanner::new(SPECS, args, strict_order);
        while let Some(item) = scanner.item()? {
            match item {
                Item::Operand(word) => self.operands.push(word),
                Item::Option(Name::Help, _) => return Ok(Ending::Help),
                Item::Option(Name::Version, _) => return Ok(Ending::Version),
                Item::Option(name, value) => self.set(name, value)?,
            }
        }
        Ok(Ending::Work)
    }

    fn set(&mut self, name: Name, value: &'a [u8]) -> Result<(), Fault> {
        match name {
            Name::Help | Name::Version => {}
            Name::Act(action) => self.act(action)?,
            Name::Startas => self.startas = Some(value),
            Name::Comm => self.name = Some(value),
            Name::Oknodo => self.oknodo = true,
            Name::Pid => self.pid = Some(value),
            Name::Ppid => self.ppid = Some(value),
            Name::Pidfile => self.pidfile = Some(value),
            Name::Quiet => self.level = Level::Quiet,
            Name::Signal => self.signal = Some(value),
            Name::Test => self.test = true,
            Name::User => self.user = Some(value),
            Name::Group => self.group = Some(value),
            Name::Chroot => self.chroot = Some(value),
            Name::Verbose => self.level = Level::Verbose,
            Name::Exec => self.exec = Some(value),
            Name::Chuid => self.owner(value)?,
            Name::Nicelevel => self.nicelevel = Some(value),
            Name::Procsched => self.procsched = Some(value),
            Name::Iosched => self.iosched = Some(value),
            Name::Umask => self.umask = Some(value),
            Name::Background => self.background = true,
            Name::NotifyAwait => self.notify_await = true,
            Name::NotifyTimeout => self.notify_timeout = Some(value),
            Name::NoClose => self.no_close = true,
            Name::Output => self.output = Some(value),
            Name::MakePidfile => self.make_pidfile = true,
            Name::RemovePidfile => self.remove_pidfile = true,
            Name::Retry => self.retry = Some(value),
            Name::Chdir => self.chdir = Some(value),
            Name::Compat => self.compat = compat(value)?,
            Name::Interpreted => self.interpreted = true,
            Name::Match => self.expression = Some(value),
            Name::Explain => self.explain = true,
        }
        Ok(())
    }

    fn act(&mut self, action: Action) -> Result<(), Fault> {
        match self.action {
            Some(before) if before != action => Err(Fault::Usage("only one command can be specified".into())),
            Some(_) => Ok(()),
            None => {
                self.action = Some(action);
                Ok(())
            }
        }
    }

    /// `USER[:GROUP]`. Without a group the one that was given before stays.
    fn owner(&mut self, value: &'a [u8]) -> Result<(), Fault> {
        let mut parts = value.splitn(2, |byte| *byte == b':');
        self.chuid = parts.next();
        match parts.next() {
            Some([]) => Err(Fault::Trouble("missing group name".into())),
            Some(group) => {
                self.group = Some(group);
                Ok(())
            }
            None => Ok(()),
        }
    }
}

fn compat(value: &[u8]) -> Result<Compat, Fault> {
    match value {
        b"1.21" => Ok(Compat::Safe),
        b"1.23" => Ok(Compat::Newer),
        b"strict" => Ok(Compat::Strict),
        _ => Err(Fault::Usage("--compat takes 1.21 (the default), 1.23 or strict".into())),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn every_letter_is_that_of_the_oracle() {
        let letters: String = SPECS.iter().filter_map(|spec| spec.short.map(char::from)).collect();
        assert_eq!(letters, "HKSTVanopqstugrvxcNPIkbCOmRd");
        let long: std::collections::BTreeSet<&str> = SPECS.iter().map(|spec| spec.long).collect();
        assert_eq!(long.len(), SPECS.len(), "each name once");
    }

    #[test]
    fn the_last_one_wins_and_a_colon_sets_both() {
        let line = args("-S -q -v -p a -p b --group g --chuid u -- x -y");
        let mut options = Options::default();
        assert_eq!(options.read(&line, false), Ok(Ending::Work));
        assert_eq!(options.level, Level::Verbose);
        assert_eq!(
            (options.pidfile, options.chuid, options.group),
            (Some(&b"b"[..]), Some(&b"u"[..]), Some(&b"g"[..]))
        );
        assert_eq!(options.operands, [b"x", &b"-y"[..]]);
        let line = args("-g g -c u:h:i");
        let mut options = Options::default();
        options.read(&line, false).unwrap();
        assert_eq!((options.chuid, options.group), (Some(&b"u"[..]), Some(&b"h:i"[..])));
    }

    #[test]
    fn the_first_command_decides_what_an_error_costs() {
        for (line, action, fault) in [
            ("--status --start", Some(Action::Status), "only one command can be specified"),
            ("--start --status", Some(Action::Start), "only one command can be specified"),
            ("--status --nope", Some(Action::Status), "unrecognized option '--nope'"),
            ("--nope --status", None, "unrecognized option '--nope'"),
            ("-K --chuid u:", Some(Action::Stop), "missing group name"),
            ("-K --compat 2", Some(Action::Stop), "--compat takes 1.21 (the default), 1.23 or strict"),
        ] {
            let line = args(line);
            let mut options = Options::default();
            let (Fault::Usage(text) | Fault::Trouble(text)) = options.read(&line, false).unwrap_err();
            assert_eq!((options.action, text.as_str()), (action, fault), "{line:?}");
        }
    }

    #[test]
    fn help_and_version_end_the_line_at_once() {
        for (line, ending) in
            [("-K -H --nope", Ending::Help), ("--version -K -S", Ending::Version), ("-Vz", Ending::Version)]
        {
            assert_eq!(Options::default().read(&args(line), false), Ok(ending), "{line}");
        }
    }
}
