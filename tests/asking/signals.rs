//! `match --signal` and `--wait`, in a PID namespace of its own: it reaches those who were meant, or nobody.

use std::process::Command;

use crate::inside::inside;
use crate::napper;
use crate::support::{Bench, has, is_root};

/// What the scripts share: nappers by number of their argument.
const NAPPERS: &str = r#"
# runs PID COMMAND...: waits until it executes this: in the middle of an exec there is a name, and no argument yet
runs() { who=$1; shift; n=0; until [ "$(tr '\0' ' ' < /proc/$who/cmdline)" = "$* " ]; do n=$((n + 1)); [ $n -lt 3000 ] || fail "no exec of $*"; sleep 0.01; done; }
nap() { bin/napper "$1" & pid=$!; runs $pid bin/napper "$1"; }
over() { n=0; while lives $1; do n=$((n + 1)); [ $n -lt 3000 ] || fail "$1 lives on"; sleep 0.02; done; }
"#;

#[track_caller]
fn case(script: &str) {
    let bench = Bench::new();
    napper(&bench);
    inside(&bench, &format!("{NAPPERS}{script}"));
}

#[test]
fn exactly_those_that_match_are_signalled() {
    case(
        r#"
nap 1001; a=$pid; nap 1002; b=$pid; nap 1002; c=$pid
selfsame match 'comm == "napper" && argv[1] == "1002"' --signal SIGTERM --yes
[ $code = 0 ] || fail "code $code"
over $b; over $c; lives $a || fail "a stranger was signalled"
[ "$(cat out)" = "$(printf '%s\n%s' $b $c)" ] || fail "listed: $(cat out)"
# By number, of the newest only, awaited, as JSON.
nap 1003; d=$pid
selfsame match 'comm == "napper"' --signal 9 --yes --newest --wait 60s --output json
[ $code = 0 ] || fail "code $code"
grep -q '"exited": true' out || fail "not awaited"
over $d; lives $a || fail "the oldest was signalled"
# A real-time signal ends it as well.
selfsame match 'comm == "napper"' --signal RTMIN+1 --yes --pid $a; [ $code = 0 ] || fail "code $code"
over $a
selfsame match 'comm == "napper"' --signal TERM --yes; [ $code = 1 ] || fail "none: code $code"
done_ok
"#,
    );
}

#[test]
fn without_a_terminal_and_a_yes_nothing_is_sent() {
    case(
        r#"
nap 1000; a=$pid
selfsame match 'comm == "napper"' --signal KILL
[ $code = 64 ] || fail "code $code"
grep -q -- '--yes' err || fail "it doesn't say what to do"
lives $a || fail "signalled"
done_ok
"#,
    );
}

#[test]
fn what_only_the_process_says_of_itself_is_no_ground_for_a_signal() {
    case(
        r#"
nap 1001; a=$pid
mv bin/napper bin/napper.old; cp bin/napper.old bin/napper
nap 1002; b=$pid
selfsame match "runs(\"$PWD/bin/napper\")"
[ "$(sort out)" = "$(printf '%s\n%s\n' $a $b | sort)" ] || fail "listed: $(cat out)"
selfsame match "runs(\"$PWD/bin/napper\")" --signal TERM --yes
[ $code = 7 ] || fail "code $code"
grep -q 'own word' err || fail "it doesn't say why"
over $b; lives $a || fail "signalled on its own word"
done_ok
"#,
    );
}

#[test]
fn init_the_caller_and_itself_are_left_alone_and_named() {
    case(
        r#"
nap 1000; a=$pid
# Everything but the processes that only this script needs.
selfsame match 'pid >= 1' --signal USR1 --yes
[ $code = 0 ] || fail "code $code"
grep -q "left alone: 1 " err || fail "init isn't named"
grep -q "left alone: .*ancestor" err || fail "the caller isn't named"
over $a
selfsame match 'pid == 1' --signal USR1 --yes
[ $code = 7 ] || fail "only what is left alone: code $code"
done_ok
"#,
    );
}

/// The answer is typed in front of a pseudo-terminal.
const TYPED: &str = r#"
# ask ANSWER BETWEEN ARGS...: starts match on a terminal, does something when it asks, then types the answer
mkfifo keys
ask() {
    answer=$1; between=$2; shift 2
    rm -f typed; : > typed
    script -qefc "\"$SELFSAME\" $*; echo code \$?" typed < keys > /dev/null 2>&1 & asking=$!
    exec 9> keys
    n=0; until grep -q '\[y/N\]' typed; do n=$((n + 1)); [ $n -lt 3000 ] || { cat typed; fail "it doesn't ask"; }; sleep 0.02; done
    $between
    echo "$answer" >&9
    n=0; until grep -q '^code' typed; do n=$((n + 1)); [ $n -lt 3000 ] || { cat typed; fail "it doesn't end"; }; sleep 0.02; done
    exec 9>&-
    wait $asking; cat typed
}
"#;

#[test]
fn the_terminal_is_asked_and_only_a_yes_is_one() {
    if !has("/usr/bin/script") {
        return;
    }
    case(&format!(
        r#"{TYPED}
nap 1000; a=$pid; nap 1001; b=$pid
for no in n '' yo; do
    ask "$no" : match "'comm == \"napper\"'" --signal TERM
    grep -q 'code 7' typed || fail "declined with '$no'"
    grep -q "$a" typed && grep -q "$b" typed && grep -q 'napper 1001' typed || fail "not listed"
    lives $a && lives $b || fail "signalled without a yes"
done
ask y : match "'comm == \"napper\"'" --signal TERM
grep -q 'code 0' typed || fail "yes"
over $a; over $b
done_ok
"#
    ));
}

#[test]
fn what_changes_between_the_question_and_the_answer_is_not_signalled() {
    if !has("/usr/bin/script") {
        return;
    }
    case(&format!(
        r#"{TYPED}
# It exits, and its number is given out again: to a process that matches as well.
nap 1000; a=$pid; nap 1001; b=$pid
swap() {{ kill -9 $a; wait $a 2>/dev/null; sleep 0.03; recycle $a bin/napper 5000; runs $a bin/napper 5000; }}
ask y swap match "'comm == \"napper\"'" --signal TERM
grep -q "gone before: $a" typed || fail "not said to be gone"
over $b
lives $a || fail "the stranger with its number was signalled"
kill -9 $a; over $a
# It lives and no longer matches.
sh -c 'until [ -e go ]; do sleep 0.01; done; exec bin/napper 1000' waiter & c=$!
n=0; until [ "$(tr '\0' '\n' < /proc/$c/cmdline | tail -n 1)" = waiter ]; do n=$((n + 1)); [ $n -lt 3000 ] || fail exec; sleep 0.01; done
turn() {{ touch go; runs $c bin/napper 1000; }}
ask y turn match "'argv contains \"waiter\"'" --signal TERM
grep -q "not signalled: $c" typed || fail "not said"
grep -q 'code 7' typed || fail "incomplete isn't told"
lives $c || fail "signalled although it matches no more"
kill -9 $c
done_ok
"#
    ));
}

#[test]
fn a_family_is_signalled_as_it_was_seen() {
    case(
        r#"
sh -c 'bin/napper 1000 & bin/napper 1001 & wait' tree & top=$!
n=0; until [ "$("$SELFSAME" match 'comm == "napper"' --count)" = 2 ]; do n=$((n + 1)); [ $n -lt 3000 ] || fail "no family"; sleep 0.02; done
nap 1002; stranger=$pid
below=$("$SELFSAME" match "ppid == $top")
selfsame match 'argv contains "tree"' --tree --signal KILL --yes --wait --timeout 60s
[ $code = 0 ] || fail "code $code"
for p in $top $below; do over $p; done
lives $stranger || fail "a stranger was signalled"
[ "$(wc -l < out)" = 3 ] || fail "listed: $(cat out)"
done_ok
"#,
    );
}

#[test]
fn the_children_of_the_caller_are_signalled_though_it_is_not() {
    // The parent, left alone as an ancestor, wasn't recognised in the second look: `pkill -P $$` had no equal here.
    case(
        r#"
nap 1000; a=$pid; nap 1001; b=$pid
selfsame match "pid == $$" --children --signal KILL --yes
[ $code = 0 ] || fail "code $code: $(cat err)"
over $a; over $b
grep -q "left alone: $$ " err || fail "the caller isn't named"
[ "$(cat out)" = "$(printf '%s\n%s' $a $b)" ] || fail "listed: $(cat out)"
done_ok
"#,
    );
}

#[test]
fn what_does_not_end_in_time_is_told_by_the_exit_code() {
    case(
        r#"
nap 1000; a=$pid
selfsame match 'comm == "napper"' --signal CONT --yes --wait 100ms
[ $code = 5 ] || fail "code $code"
grep -q "has not exited: $a" err || fail "not said"
selfsame match 'comm == "napper"' --wait 100ms
[ $code = 5 ] || fail "waiting alone: code $code"
"$SELFSAME" match 'comm == "napper"' --wait > waited & waiting=$!
n=0; until ls -l /proc/$waiting/fd | grep -q pidfd; do n=$((n + 1)); [ $n -lt 3000 ] || fail "it waits for nobody"; sleep 0.01; done
kill $a; wait $waiting || fail "waited: $?"
[ "$(cat waited)" = $a ] || fail "waited for $(cat waited)"
done_ok
"#,
    );
}

/// An ordinary user can't read the image of root's process: it isn't signalled, and that is said.
#[test]
fn what_is_unknown_is_not_signalled_and_leaves_the_action_incomplete() {
    if !is_root() || !has("/usr/bin/setpriv") {
        eprintln!("skipped: needs root and setpriv");
        return;
    }
    let bench = Bench::new();
    napper(&bench);
    // A place that everybody can reach.
    let place = tempfile::Builder::new().prefix("selfsame-test-").tempdir_in("/tmp").unwrap();
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(place.path(), open).unwrap();
    for (from, to) in [(env!("CARGO_BIN_EXE_selfsame"), "selfsame"), ("/bin/sleep", "napper")] {
        assert!(Command::new("cp").arg(from).arg(place.path().join(to)).status().unwrap().success());
    }
    let script = r#"
drop='setpriv --reuid=65534 --regid=65534 --clear-groups --'
%PLACE%/napper 1000 & a=$!
$drop %PLACE%/napper 1001 & b=$!
runs $a %PLACE%/napper 1000; runs $b %PLACE%/napper 1001
cd /
$drop %PLACE%/selfsame match 'exe == "%PLACE%/napper"' --signal TERM --yes > %PLACE%.out 2> %PLACE%.err; code=$?
cat %PLACE%.out %PLACE%.err
[ $code = 7 ] || fail "code $code"
grep -q "unknown: $a:" %PLACE%.err && grep -q incomplete %PLACE%.err || fail "not said"
over $b; lives $a || fail "signalled"
# Known, and not allowed to be signalled.
$drop %PLACE%/selfsame match 'comm == "napper"' --signal TERM --yes > %PLACE%.out 2> %PLACE%.err; code=$?
cat %PLACE%.out %PLACE%.err
[ $code = 7 ] && grep -q "not signalled: $a" %PLACE%.err || fail "denied: $code"
# The newest is in doubt.
$drop %PLACE%/selfsame match 'exe == "%PLACE%/napper"' --newest --signal TERM --yes > %PLACE%.out 2> %PLACE%.err; code=$?
[ $code = 7 ] && grep -q 'in doubt' %PLACE%.err || fail "doubt: $code"
rm -f %PLACE%.out %PLACE%.err
done_ok
"#;
    let script = script.replace("%PLACE%", &place.path().display().to_string());
    inside(&bench, &format!("{NAPPERS}{script}"));
}
