//! A command line that makes sense: every value read, every rule about which options go together kept. Nothing of the host
//! was asked yet.

use super::fault::Fault;
use super::numbers;
use super::options::{Action, Compat, Level, Options};
use super::schedule::Schedule;
use super::values::{IoPriority, Policy, Values};

/// Longer names are never those of a task (`TASK_COMM_LEN` without its NUL).
const NAME_BYTES_MAX: usize = 15;

/// What is to be done, and to what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Command<'a> {
    /// What.
    pub action: Action,
    /// Like which program.
    pub compat: Compat,
    /// How much is said.
    pub level: Level,
    /// Nothing done is a success.
    pub oknodo: bool,
    /// Only say what would be done.
    pub test: bool,
    /// Only say what is looked for.
    pub explain: bool,
    /// The process.
    pub target: Target<'a>,
    /// For `--start`.
    pub start: Start<'a>,
    /// For `--stop`.
    pub stop: Stop,
}

/// The process, as the options say it: all of them must hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Target<'a> {
    /// `--exec`, made absolute as the oracle does it: below `--chdir`.
    pub exec: Option<Vec<u8>>,
    /// The same from outside of `--chroot`.
    pub exec_outside: Option<Vec<u8>>,
    /// `--exec` is a script, or its interpreter doesn't count.
    pub interpreted: bool,
    /// `--name`
    pub name: Option<&'a [u8]>,
    /// `--user`, a name or a number.
    pub user: Option<&'a [u8]>,
    /// `--pid`
    pub pid: Option<i32>,
    /// `--ppid`
    pub ppid: Option<i32>,
    /// `--pidfile`
    pub pidfile: Option<&'a [u8]>,
    /// `--match`
    pub expression: Option<&'a str>,
}

/// How the program is started.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Start<'a> {
    /// The path that is executed, and argv\[0\].
    pub program: &'a [u8],
    /// Behind argv\[0\].
    pub arguments: Vec<&'a [u8]>,
    /// `--chuid`: name or number.
    pub user: Option<&'a [u8]>,
    /// `--group`: name or number.
    pub group: Option<&'a [u8]>,
    /// `--chroot`
    pub root: Option<&'a [u8]>,
    /// `--chdir`
    pub directory: &'a [u8],
    /// Added to the nice level; 0: it stays.
    pub nice: i32,
    /// `--procsched`
    pub policy: Option<Policy>,
    /// `--iosched`
    pub io: Option<IoPriority>,
    /// `--umask`
    pub umask: Option<i32>,
    /// `--background`
    pub background: bool,
    /// Seconds for `--notify-await`.
    pub notify: Option<i32>,
    /// `--no-close`
    pub no_close: bool,
    /// `--output`
    pub output: Option<&'a [u8]>,
    /// `--make-pidfile`
    pub make_pidfile: bool,
}

/// How the program is stopped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stop {
    /// `--signal`
    pub signal: i32,
    /// `--retry`
    pub schedule: Option<Schedule>,
    /// `--remove-pidfile`
    pub remove_pidfile: bool,
}

impl<'a> Command<'a> {
    /// Reads and checks the options, whether the command uses them or not, in the oracle's order.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn new(options: &Options<'a>) -> Result<Self, Fault> {
        let values = Values::read(options)?;
        let action = action(options)?;
        needs_target(options)?;
        let program = options.startas.or(options.exec);
        if action == Action::Start && program.is_none() {
            return usage("--start needs --exec or --startas");
        }
        together(options, action)?;
        let directory = options.chdir.unwrap_or(b"/");
        let exec = options.exec.map(|exec| below(directory, exec));
        let outside = |exec: &Vec<u8>| options.chroot.map_or_else(|| exec.clone(), |root| joined(root, exec));
        Ok(Self {
            action,
            compat: options.compat,
            level: options.level,
            oknodo: options.oknodo,
            test: options.test,
            explain: options.explain,
            target: Target {
                exec_outside: exec.as_ref().map(outside),
                exec,
                interpreted: options.interpreted,
                name: options.name,
                user: options.user,
                pid: values.pid,
                ppid: values.ppid,
                pidfile: options.pidfile,
                expression: expression(options)?,
            },
            start: Start {
                program: program.unwrap_or_default(),
                arguments: options.operands.clone(),
                user: options.chuid,
                group: options.group,
                root: options.chroot,
                directory,
                nice: options.nicelevel.map_or(0, numbers::leading),
                policy: values.policy,
                io: values.io,
                umask: values.umask,
                background: options.background,
                notify: (options.notify_await && options.background).then_some(values.timeout),
                no_close: options.no_close,
                output: options.output,
                make_pidfile: options.make_pidfile,
            },
            stop: Stop {
                signal: values.signal,
                schedule: values.schedule,
                remove_pidfile: options.remove_pidfile,
            },
        })
    }

    /// The hazards that are only a nuisance are left in.
    pub fn is_strict(&self) -> bool {
        self.compat == Compat::Strict
    }
}

impl Target<'_> {
    /// A name that no task can have: a warning.
    pub fn name_too_long(&self) -> bool {
        self.name.is_some_and(|name| name.len() > NAME_BYTES_MAX)
    }

    /// Nothing but the pid file says which process it is.
    pub fn only_pidfile(&self) -> bool {
        self.pidfile.is_some() && self.ppid.is_none() && self.user.is_none() && !self.says_what_it_is()
    }

    /// Something says what the process is, and not only whose.
    pub fn says_what_it_is(&self) -> bool {
        self.exec.is_some() || self.name.is_some() || self.expression.is_some()
    }
}

fn usage<T>(text: &str) -> Result<T, Fault> {
    Err(Fault::Usage(text.into()))
}

fn action(options: &Options<'_>) -> Result<Action, Fault> {
    match options.action {
        Some(Action::Pidof) if options.compat != Compat::Newer => {
            usage("unrecognized option '--pidof' (it is of newer versions: add --compat 1.23)")
        }
        Some(action) => Ok(action),
        None if options.compat == Compat::Newer => {
            usage("need one of --start or --stop or --status or --pidof")
        }
        None => usage("need one of --start or --stop or --status"),
    }
}

fn needs_target(options: &Options<'_>) -> Result<(), Fault> {
    let given = [options.exec, options.pid, options.ppid, options.pidfile, options.user, options.name];
    if given.iter().all(Option::is_none) && options.expression.is_none() {
        return usage("need at least one of --exec, --pid, --ppid, --pidfile, --user or --name");
    }
    Ok(())
}

/// Which options go together.
fn together(options: &Options<'_>, action: Action) -> Result<(), Fault> {
    let newer = options.compat == Compat::Newer;
    let wrong = [
        (options.make_pidfile && options.pidfile.is_none(), "--make-pidfile requires --pidfile"),
        (options.remove_pidfile && options.pidfile.is_none(), "--remove-pidfile requires --pidfile"),
        (options.pid.is_some() && options.pidfile.is_some(), "need either --pid or --pidfile, not both"),
        (options.background && action != Action::Start, "--background is only relevant with --start"),
        (options.no_close && !options.background, "--no-close is only relevant with --background"),
        (options.output.is_some() && !options.background, "--output is only relevant with --background"),
        (
            newer && options.notify_await && !options.background,
            "--notify-await is only relevant with --background",
        ),
        (
            newer && options.notify_timeout.is_some() && !options.notify_await,
            "--notify-timeout is only relevant with --notify-await",
        ),
        (
            options.interpreted && options.exec.is_none(),
            "--interpreted is about the file of --exec, which is missing",
        ),
    ];
    wrong.iter().find(|(is, _)| *is).map_or(Ok(()), |(_, text)| usage(text))
}

fn expression<'a>(options: &Options<'a>) -> Result<Option<&'a str>, Fault> {
    let Some(text) = options.expression else { return Ok(None) };
    std::str::from_utf8(text).map(Some).or_else(|_| usage("the expression of --match is not UTF-8"))
}

/// A relative path is taken from `directory`. Joined as the oracle does it, whose texts show it.
fn below(directory: &[u8], path: &[u8]) -> Vec<u8> {
    if path.first() == Some(&b'/') { path.to_vec() } else { joined(directory, path) }
}

fn joined(directory: &[u8], path: &[u8]) -> Vec<u8> {
    [directory, b"/", path].concat()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::ffi::OsString;

    use super::*;

    /// The message, with `!` before it where it is trouble and no wrong usage; empty if all is well.
    fn fault(line: &str) -> String {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let mut options = Options::default();
        let read = options.read(&args, false).and_then(|_| Command::new(&options).map(|_| ()));
        match read {
            Ok(()) => String::new(),
            Err(Fault::Usage(text)) => text,
            Err(Fault::Trouble(text)) => format!("!{text}"),
        }
    }

    #[test]
    fn what_is_wrong_is_said_in_the_oracles_words() {
        for (line, expected) in [
            ("-S -n x -a /y", ""),
            ("-S -n x", "--start needs --exec or --startas"),
            ("-n x", "need one of --start or --stop or --status"),
            ("-T -a /y", "need at least one of --exec, --pid, --ppid, --pidfile, --user or --name"),
            ("-T --pid 0", "pid value must be a number greater than 0"),
            ("-T --ppid x", "ppid value must be a number greater than 0"),
            ("-T -n x -s FOO", "signal value must be numeric or name of signal (KILL, INT, ...)"),
            ("-T -n x -k 0888", "umask value must be a positive number"),
            ("-T -n x -O y", "--output file needs to be an absolute filename"),
            ("-T -n x -O /y", "--output is only relevant with --background"),
            ("-T -n x --notify-timeout x", "invalid notify timeout value"),
            ("-S -n x -a /y -m", "--make-pidfile requires --pidfile"),
            ("-S -n x -a /y --remove-pidfile", "--remove-pidfile requires --pidfile"),
            ("-T --pid 1 -p x", "need either --pid or --pidfile, not both"),
            ("-T -n x -b", "--background is only relevant with --start"),
            ("-S -n x -a /y -C", "--no-close is only relevant with --background"),
            ("-S -n x -a /y -P rr", "process scheduler priority less than min"),
            ("-S -n x -a /y -P fifo:100", "process scheduler priority greater than max"),
            ("-S -n x -a /y -P rr:x", "!invalid process scheduler priority"),
            ("-S -n x -a /y -P :5", "invalid process scheduler policy"),
            ("-S -n x -a /y -P ::rr:5", "!invalid process scheduler priority"),
            ("-S -n x -a /y -P rr:", "!invalid process scheduler priority"),
            ("-S -n x -a /y -P :fifo", "!invalid process scheduler priority"),
            ("-S -n x -a /y -I best-effort:", "!invalid IO scheduler priority"),
            ("-S -n x -a /y -P rr:5:6", "!invalid process scheduler priority"),
            ("-S -n x -a /y -P other:3", ""),
            ("-S -n x -a /y -I best-effort:8", "IO scheduler priority greater than max"),
            ("-S -n x -a /y -I best-effort:-1", "!invalid IO scheduler priority"),
            ("-S -n x -a /y -I idle:99", ""),
            ("-S -n x -a /y -I slow", "invalid IO scheduler policy"),
            ("-S -n x -a /y --notify-await --notify-timeout 5", ""),
            (
                "-S -n x -a /y --notify-await --compat 1.23",
                "--notify-await is only relevant with --background",
            ),
            (
                "-S -n x -a /y -b --notify-timeout 5 --compat 1.23",
                "--notify-timeout is only relevant with --notify-await",
            ),
            ("--pidof -n x --compat 1.23", ""),
            ("--pidof -n x", "unrecognized option '--pidof' (it is of newer versions: add --compat 1.23)"),
            ("-T --match alive", ""),
            ("-T -n x --interpreted", "--interpreted is about the file of --exec, which is missing"),
            // The order: values before the rest, whichever comes first on the line.
            ("-k z --pid 0", "pid value must be a number greater than 0"),
            (
                "-O y -R z",
                "invalid schedule item (must be [-]<signal-name>, -<signal-number>, <timeout> or 'forever')",
            ),
            ("-k z", "umask value must be a positive number"),
        ] {
            assert_eq!(fault(line), expected, "{line}");
        }
    }

    #[test]
    fn paths_are_joined_as_the_oracle_joins_them() {
        for (line, inside, outside) in [
            ("-T -x bin/a", "//bin/a", "//bin/a"),
            ("-T -x a -d /usr", "/usr/a", "/usr/a"),
            ("-T -x a -d /usr/ -r /jail", "/usr//a", "/jail//usr//a"),
            ("-T -x /a -d /usr -r /jail", "/a", "/jail//a"),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let mut options = Options::default();
            options.read(&args, false).unwrap();
            let target = Command::new(&options).unwrap().target;
            assert_eq!(target.exec.unwrap(), inside.as_bytes(), "{line}");
            assert_eq!(target.exec_outside.unwrap(), outside.as_bytes(), "{line}");
        }
    }
}
