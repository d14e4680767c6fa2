//! Going through a script, and what init-d-script(5) does with one that only says names.

use crate::import::shell::Machine;

/// The functions of `/lib/init/init-d-script` in our own words; a script may define them anew.
const FUNCTIONS: &str = r#"
PATH=/usr/sbin:/usr/bin:/sbin:/bin
export PATH
do_start_cmd() {
    start-stop-daemon --start --quiet ${PIDFILE:+--pidfile "$PIDFILE"} ${COMMAND_NAME:+--name "$COMMAND_NAME"} \
        ${DAEMON:+--exec "$DAEMON"} $START_ARGS -- $DAEMON_ARGS
}
do_stop_cmd() {
    start-stop-daemon --stop --quiet --retry=TERM/0/CONT/30/KILL/5 ${PIDFILE:+--pidfile "$PIDFILE"} \
        ${COMMAND_NAME:+--name "$COMMAND_NAME"} ${DAEMON:+--exec "$DAEMON"} $STOP_ARGS
}
do_reload_signal() {
    start-stop-daemon --stop --signal $RELOAD_SIGNAL --quiet ${PIDFILE:+--pidfile "$PIDFILE"} \
        ${COMMAND_NAME:+--name "$COMMAND_NAME"} ${DAEMON:+--exec "$DAEMON"} $RELOAD_ARGS
}
"#;

/// What it does around the variables and functions of a script: defaults, the file in `/etc/default`, then the functions,
/// or what the script has in their place.
const COURSE: &str = r#"
NAME=${NAME:-${DAEMON##*/}}
COMMAND_NAME=${COMMAND_NAME:-$NAME}
if [ "$PIDFILE" = none ]; then PIDFILE=; elif [ -z "$PIDFILE" ]; then PIDFILE=/var/run/$NAME.pid; fi
if [ -r "/etc/default/$NAME" ]; then . "/etc/default/$NAME"; fi
if [ "$DAEMON" = none ]; then DAEMON=; fi
if [ "$COMMAND_NAME" = none ]; then COMMAND_NAME=; fi
case "$1" in
start)
    if type do_start_override; then do_start_override
    else
        if type do_start_prepare; then do_start_prepare; fi
        if type do_start_cmd_override; then do_start_cmd_override; else do_start_cmd; fi
        if type do_start_cleanup; then do_start_cleanup; fi
    fi
    ;;
stop)
    if type do_stop_override; then do_stop_override
    else
        if type do_stop_prepare; then do_stop_prepare; fi
        if type do_stop_cmd_override; then do_stop_cmd_override; else do_stop_cmd; fi
    fi
    ;;
reload)
    if type do_reload_cmd; then do_reload_cmd
    elif type do_reload; then do_reload
    elif [ -n "$RELOAD_SIGNAL" ]; then do_reload_signal
    fi
    ;;
esac
"#;

/// Goes through a script; one for init-d-script is followed by what that does.
pub(super) fn run(machine: &mut Machine<'_>, path: &str, text: &str) {
    let head = text.lines().next().unwrap_or_default();
    let sources = |line: &str| {
        let line = line.trim_start();
        !line.starts_with('#') && line.ends_with(". /lib/init/init-d-script")
    };
    let declares = head.starts_with("#!")
        && head.split_whitespace().any(|word| word.ends_with("/init-d-script"))
        || text.lines().any(sources);
    if declares {
        machine.run_model(path, FUNCTIONS);
    }
    machine.run_text(path, text);
    if declares {
        machine.run_model(path, COURSE);
    }
}
