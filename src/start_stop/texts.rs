//! What is said on stdout, letter by letter as the oracle says it: init scripts read it.

use std::fmt::Write as _;

use super::command::{Command, Start, Target};
use super::start::Account;

/// The version of the oracle that is stood in for.
const VERSION: &str = "1.21.22";

/// For `--version`.
pub(super) fn version() -> String {
    format!(
        "start-stop-daemon {VERSION} (selfsame {})\n\nA drop-in for the program of Debian's dpkg; see docs/start-stop-daemon.md.\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// For `--help`.
pub(super) const HELP: &str = "\
Usage: start-stop-daemon [<option>...] <command>

Commands:
  -S, --start -- <argument>...  start a program and pass <arguments> to it
  -K, --stop                    stop a program
  -T, --status                  get the program status
      --pidof                   print the process ids (with --compat 1.23)
  -H, --help                    print help information
  -V, --version                 print version

Matching options (at least one is required):
      --pid <pid>               pid to check
      --ppid <ppid>             parent pid to check
  -p, --pidfile <pid-file>      pid file to check
  -x, --exec <executable>       program to start/check if it is running
  -n, --name <process-name>     process name to check
  -u, --user <username|uid>     process owner to check
      --match <expression>      condition of the match language to check

Options:
  -g, --group <group|gid>       run process as this group
  -c, --chuid <name|uid[:group|gid]>
                                change to this user/group before starting
                                  process
  -s, --signal <signal>         signal to send (default TERM)
  -a, --startas <pathname>      program to start (default is <executable>)
  -r, --chroot <directory>      chroot to <directory> before starting
  -d, --chdir <directory>       change to <directory> (default is /)
  -N, --nicelevel <incr>        add incr to the process' nice level
  -P, --procsched <policy[:prio]>
                                use <policy> with <prio> for the kernel
                                  process scheduler (default prio is 0)
  -I, --iosched <class[:prio]>  use <class> with <prio> to set the IO
                                  scheduler (default prio is 4)
  -k, --umask <mask>            change the umask to <mask> before starting
  -b, --background              force the process to detach
      --notify-await            wait for a readiness notification
      --notify-timeout <int>    timeout after <int> seconds of notify wait
  -C, --no-close                do not close any file descriptor
  -O, --output <filename>       send stdout and stderr to <filename>
  -m, --make-pidfile            create the pidfile before starting
      --remove-pidfile          delete the pidfile after stopping
  -R, --retry <schedule>        check whether processes die, and retry
  -t, --test                    test mode, don't do anything
  -o, --oknodo                  exit status 0 (not 1) if nothing done
  -q, --quiet                   be more quiet
  -v, --verbose                 be more verbose
      --interpreted             the executable is a script: recognise it as such
      --explain                 print the condition as an expression, and what
                                  it is true of; do nothing
      --compat <1.21|1.23|strict>
                                be like that version (default 1.21 without its
                                  hazards); strict leaves in those that are
                                  only a nuisance

Retry <schedule> is <item>|/<item>/... where <item> is one of
 -<signal-num>|[-]<signal-name>  send that signal
 <timeout>                       wait that many seconds
 forever                         repeat remainder forever
or <schedule> may be just <timeout>, meaning <signal>/<timeout>/KILL/<timeout>

The process scheduler <policy> can be one of:
  other, fifo or rr

The IO scheduler <class> can be one of:
  real-time, best-effort or idle

Exit status:
  0 = done
  1 = nothing done (=> 0 if --oknodo)
  2 = with --retry, processes would not die; also whatever could not be done
      or could not be told
  3 = wrong usage
Exit status with --status and --pidof:
  0 = program is running
  1 = program is not running and the pid file exists
  3 = program is not running
  4 = unable to determine status
";

/// Bytes as text; what isn't UTF-8 can't be read by anybody.
pub(super) fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `--start`: there it is.
pub(super) fn already_running(target: &Target<'_>) -> String {
    let what = target.exec.as_deref().map_or_else(|| "process".to_owned(), show);
    format!("{what} already running.\n")
}

/// What `--stop` is about.
pub(super) fn what(target: &Target<'_>) -> String {
    if let Some(name) = target.name {
        return show(name);
    }
    if let Some(exec) = &target.exec {
        return show(exec);
    }
    if let Some(pidfile) = target.pidfile {
        return format!("process in pidfile '{}'", show(pidfile));
    }
    if let Some(pid) = target.pid {
        return format!("process with pid {pid}");
    }
    if let Some(parent) = target.ppid {
        return format!("process(es) with parent pid {parent}");
    }
    match target.user {
        Some(user) => format!("process(es) owned by '{}'", show(user)),
        None => format!("process(es) with {}", target.expression.unwrap_or_default()),
    }
}

/// `--start --test`. The blank behind each word is the oracle's.
pub(super) fn would_start(start: &Start<'_>, account: &Account) -> String {
    let mut text = format!("Would start {} ", show(start.program));
    for word in &start.arguments {
        let _ = write!(text, "{} ", show(word));
    }
    if let Some(user) = &account.user {
        let group = account.group_given.as_deref().unwrap_or_default();
        let _ = write!(text, " (as user {}[{}]", user.name, user.uid.0.cast_signed());
        let _ = write!(text, ", and group {group}[{}])", account.gid.map_or(0, |gid| gid.0.cast_signed()));
    }
    if let Some(root) = start.root {
        let _ = write!(text, " in directory {}", show(root));
    }
    if start.nice != 0 {
        let _ = write!(text, ", and add {} to the priority", start.nice);
    }
    if let Some(policy) = start.policy {
        let _ = write!(text, ", with scheduling policy {} with priority {}", policy.name, policy.priority);
    }
    if let Some(io) = start.io {
        let _ = write!(text, ", with IO scheduling class {} with priority {}", io.name, io.level);
    }
    text + ".\n"
}

/// Processes that got a signal, lowest number first, and how many signals went before.
pub(super) fn stopped(command: &Command<'_>, pids: &[i32], before: u32) -> String {
    let list: String = pids.iter().map(|pid| format!(" {pid}")).collect();
    let retry = if before > 0 { format!(", retry #{before}") } else { String::new() };
    format!("Stopped {} (pid{list}){retry}.\n", what(&command.target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_stopped_is_named_by_the_first_that_is_given() {
        let mut target = Target {
            exec: Some(b"/x".to_vec()),
            name: Some(b"n"),
            user: Some(b"u"),
            pid: Some(5),
            ppid: Some(6),
            pidfile: Some(b"f"),
            expression: Some("alive"),
            ..Target::default()
        };
        let mut named = |remove: fn(&mut Target<'_>), expected: &str| {
            assert_eq!(what(&target), expected);
            remove(&mut target);
        };
        named(|target| target.name = None, "n");
        named(|target| target.exec = None, "/x");
        named(|target| target.pidfile = None, "process in pidfile 'f'");
        named(|target| target.pid = None, "process with pid 5");
        named(|target| target.ppid = None, "process(es) with parent pid 6");
        named(|target| target.user = None, "process(es) owned by 'u'");
        named(|_| {}, "process(es) with alive");
    }
}
