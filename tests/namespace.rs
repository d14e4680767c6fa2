//! Dangers that need a PID namespace of one's own: numbers that are really given out again, and pidfiles that lie.
//!
//! Each case is a small sh script that runs as PID 1 of its namespace, with the bench as its directory, and prints
//! `ok` at its end. A signal to PID 1 would be noted in the file `hit`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/inside.rs"]
mod inside;
#[path = "cli/support.rs"]
mod support;

use inside::inside;
use support::{Bench, DAEMON, quick};

fn shop(bench: &Bench, more: &str) {
    bench.daemon("shop", more);
    bench.script("bin/other", DEAF_TO_NOTHING);
}

/// A stranger that runs in the same interpreter and notes nothing.
const DEAF_TO_NOTHING: &str = "#!/usr/bin/perl\nsleep 1 while 1;\n";

/// Each kind of stranger that may get the number: another program, another script, the same script with other
/// arguments.
const STRANGERS: [&str; 3] = ["/bin/sleep 1000", "bin/other", "bin/shop --other"];

/// One of them under the number `$first`, as soon as it is what it is and has noted its start where it does that.
const STRANGER: &str = r#"
executes_another() { [ "$(readlink /proc/$1/exe)" != "$(readlink /proc/$$/exe)" ]; }
stranger() {
    count=$(starts); recycle $first "$@"
    until_so "the exec of $1" executes_another $first
    [ "$1" != bin/shop ] || noted $((count + 1))
}
"#;

#[test]
fn a_recorded_number_that_was_given_out_again_is_a_stranger() {
    for stranger in STRANGERS {
        let bench = Bench::new();
        shop(&bench, "");
        inside(
            &bench,
            &format!(
                r#"{STRANGER}
selfsame apply specs; [ $code = 0 ] || fail "first apply: $code"
noted 1; first=$(pid_of 1)
kill -9 $first; gone $first
stranger {stranger}; before=$(starts)
selfsame apply specs; [ $code = 0 ] || fail "second apply: $code"
noted $((before + 1)); second=$(tail -n 1 starts | cut -d' ' -f1)
[ $second != $first ] || fail "the stranger was taken for it"
lives $first || fail "the stranger was signalled"
selfsame status --output json; grep -q "\"pid\": *$second" out || fail "status doesn't name $second"
selfsame stop shop; [ $code = 0 ] || fail "stop: $code"
gone $second
lives $first || fail "stop signalled the stranger"
done_ok
"#
            ),
        );
    }
}

/// The record is made to tell of a start in the clock tick of the stranger's, which chance would take long to bring about.
#[test]
fn a_number_that_was_given_out_again_in_the_same_clock_tick_is_a_strangers() {
    let own = rustix::process::pidfd_open(rustix::process::getpid(), rustix::process::PidfdFlags::empty());
    if selfsame::host::pidfs::inode(own.unwrap()).is_none() {
        eprintln!("SKIPPED: this kernel tells them apart by nothing");
        return;
    }
    let bench = Bench::new();
    shop(&bench, "");
    inside(
        &bench,
        &format!(
            r#"{STRANGER}
began() {{ sed 's/.*) //' "/proc/$1/stat" | cut -d' ' -f20; }}
selfsame apply specs; [ $code = 0 ] || fail "first apply: $code"
noted 1; first=$(pid_of 1); start=$(began $first)
grep -rq "\"start\":$start.*\"inode\":" state || fail "no inode on record"
kill -9 $first; gone $first
stranger /bin/sleep 1000
sed -i "s/\"start\":$start\b/\"start\":$(began $first)/g" $(grep -rl "\"start\":$start\b" state)
selfsame stop shop; [ $code = 0 ] || fail "stop: $code"
lives $first || fail "stop signalled the stranger"
selfsame start shop; [ $code = 0 ] || fail "start: $code"
noted 2; second=$(pid_of 2)
[ $second != $first ] || fail "the stranger was taken for it"
lives $first || fail "the stranger was signalled"
selfsame stop shop; [ $code = 0 ] || fail "second stop: $code"
gone $second
lives $first || fail "stop signalled the stranger"
done_ok
"#
        ),
    );
}

#[test]
fn a_recorded_number_that_is_a_stranger_when_stop_comes_is_not_signalled() {
    for stranger in STRANGERS {
        let bench = Bench::new();
        shop(&bench, "");
        inside(
            &bench,
            &format!(
                r#"{STRANGER}
selfsame apply specs; [ $code = 0 ] || fail "first apply: $code"
noted 1; first=$(pid_of 1)
kill -9 $first; gone $first
stranger {stranger}
selfsame stop shop; [ $code = 0 ] || fail "stop: $code"
lives $first || fail "the stranger was signalled"
done_ok
"#
            ),
        );
    }
}

#[test]
fn a_pidfile_with_a_number_that_was_given_out_again_is_not_believed() {
    // Of another time, or as new as can be. In the latter case a file that only root can write and that names a process
    // of this very program is believed, whatever its arguments: that is drift, and not a stranger.
    let cases = [
        (STRANGERS[0], "-d '1 hour ago'"),
        (STRANGERS[1], "-d '1 hour ago'"),
        (STRANGERS[2], "-d '1 hour ago'"),
        (STRANGERS[0], ""),
        (STRANGERS[1], ""),
    ];
    for (stranger, time) in cases {
        {
            let bench = Bench::new();
            shop(&bench, &format!("pidfile: {}", bench.path("shop.pid").display()));
            inside(
                &bench,
                &format!(
                    r#"{STRANGER}
bin/shop & first=$!
noted 1
echo $first > shop.pid
kill -9 $first; gone $first
stranger {stranger}
touch {time} shop.pid; before=$(starts)
selfsame apply specs; [ $code = 0 ] || fail "apply: $code"
noted $((before + 1)); second=$(tail -n 1 starts | cut -d' ' -f1)
[ $second != $first ] || fail "the stranger was taken for it"
selfsame stop shop; [ $code = 0 ] || fail "stop: $code"
gone $second
lives $first || fail "the stranger was signalled"
done_ok
"#
                ),
            );
        }
    }
}

/// How the lying pidfile `shop.pid` is made.
const LIES: [(&str, &str); 16] = [
    ("zero", "echo 0 > shop.pid"),
    ("minus one", "echo -1 > shop.pid"),
    ("init", "echo 1 > shop.pid"),
    ("2^31", "echo 2147483648 > shop.pid"),
    ("2^32 + 1", "echo 4294967297 > shop.pid"),
    ("2^64 + 1", "echo 18446744073709551617 > shop.pid"),
    ("text", "echo shop > shop.pid"),
    ("number and text", "echo 1shop > shop.pid"),
    ("empty", ": > shop.pid"),
    ("blank lines", "printf '\\n\\n\\n' > shop.pid"),
    ("NUL", "printf '\\0001\\000' > shop.pid"),
    ("directory", "mkdir shop.pid"),
    ("FIFO", "mkfifo shop.pid"),
    ("device", "ln -s /dev/zero shop.pid"),
    ("loop of links", "ln -s shop.pid shop.pid"),
    ("huge", "truncate -s 1G shop.pid"),
];

#[test]
fn a_pidfile_with_nonsense_is_no_evidence_and_holds_nothing_up() {
    let one = |(what, make): &(&str, &str)| {
        format!(
            r#"
rm -rf shop.pid state starts; {make}
selfsame apply specs; [ $code = 0 ] || fail "{what}: apply: $code"
noted 1; pid=$(pid_of 1)
selfsame apply specs; grep -q 'nothing to do' out || fail "{what}: not the same"
selfsame stop shop; [ $code = 0 ] || fail "{what}: stop: $code"
gone $pid
[ "$(starts)" = 1 ] || fail "{what}: started $(starts) times"
"#
        )
    };
    let script: Vec<String> = LIES.iter().map(one).collect();
    let script = script.concat() + "done_ok\n";
    let bench = Bench::new();
    shop(&bench, &format!("pidfile: {}", bench.path("shop.pid").display()));
    inside(&bench, &script);
}

#[test]
fn a_pidfile_that_others_can_write_is_not_believed() {
    let bench = Bench::new();
    shop(&bench, &format!("pidfile: {}\nargs: [\"--wanted\"]", bench.path("open/shop.pid").display()));
    // What the file names does run the program, with other arguments: believed, it would be adopted as drifted.
    inside(
        &bench,
        r#"
for way in file directory; do
    rm -rf open state starts; mkdir -m 755 open
    bin/shop --mine & mine=$!
    noted 1
    echo $mine > open/shop.pid
    if [ $way = file ]; then chmod 666 open/shop.pid; else chmod 777 open; fi
    selfsame apply specs; [ $code = 0 ] || fail "$way: apply: $code"
    noted 2
    selfsame stop shop
    lives $mine || fail "$way: a process that only a forged file names was signalled"
    kill $mine; wait $mine
done
# Written by nobody else, it is the anchor, and other arguments are drift.
rm -rf open state starts; mkdir -m 755 open
bin/shop --mine & mine=$!
noted 1
echo $mine > open/shop.pid
selfsame apply specs; [ $code = 0 ] || fail "apply: $code"
[ "$(starts)" = 1 ] || fail "a second copy"
grep -q "$mine" out err || fail "not adopted"
lives $mine || fail "touched"
done_ok
"#,
    );
}

/// Forks away and writes a lie instead of its number.
const LIAR: &str = "#!/usr/bin/perl
use POSIX;
exit 0 if fork;
POSIX::setsid();
open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ liar\\n\"); close $f;
open(my $p, '>', $ARGV[0]) or die; print $p \"1\\n\"; close $p;
sleep 1 while 1;
";

#[test]
fn a_forking_daemon_whose_pidfile_names_init_never_leads_to_init() {
    let bench = Bench::new();
    let script = bench.script("bin/liar", LIAR);
    let file = bench.path("liar.pid");
    let lines = format!(
        "startas: {}\nargs: [\"{}\"]\ntype: forking\npidfile: {}",
        script.display(),
        file.display(),
        file.display()
    );
    bench.spec("liar", &quick(&lines));
    inside(
        &bench,
        r#"
selfsame apply specs; [ $code = 0 ] || fail "apply: $code"
noted 1; pid=$(pid_of 1)
selfsame status --output json; grep -q "\"pid\": *$pid" out || fail "status doesn't name $pid"
selfsame stop liar; [ $code = 0 ] || fail "stop: $code"
gone $pid
[ "$(starts)" = 1 ] || fail "more than one"
done_ok
"#,
    );
}

#[test]
fn an_expression_that_is_true_for_init_or_selfsame_adopts_and_signals_neither() {
    for expression in ["pid == 1", "pid >= 1", &format!("exe == \"{}\"", env!("CARGO_BIN_EXE_selfsame"))] {
        let bench = Bench::new();
        shop(&bench, &format!("matchOnly: '{expression}'"));
        inside(
            &bench,
            r#"
"$SELFSAME" watch specs > watch.log 2>&1 & watch=$!
until_so "the control socket" test -S state/run/control
selfsame status --output json
for pid in 1 $watch $$; do
    ! grep -q "\"pid\": *$pid[,}]" out || fail "adopted $pid"
done
selfsame stop shop
lives $watch || fail "watch was signalled"
kill $watch; wait $watch
done_ok
"#,
        );
    }
}

#[test]
fn the_same_daemon_in_a_container_is_another_one() {
    let bench = Bench::new();
    shop(&bench, "");
    inside(
        &bench,
        r#"
unshare --pid --fork --mount-proc bin/shop & container=$!
noted 1
selfsame apply specs; [ $code = 0 ] || fail "apply: $code"
noted 2; ours=$(pid_of 2)
selfsame stop shop; [ $code = 0 ] || fail "stop: $code"
gone $ours
lives $container || fail "the container ended"
[ "$(pgrep -c -f bin/shop)" -ge 1 ] || fail "what runs in the container was signalled"
kill -9 $container
done_ok
"#,
    );
}

#[test]
fn without_a_proc_of_its_own_nothing_is_started() {
    let bench = Bench::new();
    shop(&bench, "");
    inside(
        &bench,
        r#"
mount -t tmpfs none /proc || { echo ok; exit 0; }
selfsame apply specs
[ $code != 0 ] || fail "apply: $code"
[ "$(starts)" = 0 ] || fail "started"
done_ok
"#,
    );
}

#[test]
fn with_the_proc_of_another_namespace_nothing_is_started() {
    let bench = Bench::new();
    shop(&bench, "");
    inside(
        &bench,
        r#"
# A further namespace below, which sees this one's /proc.
unshare --pid --fork "$SELFSAME" apply specs > out 2> err; code=$?
cat out err
[ $code != 0 ] || fail "apply: $code"
[ "$(starts)" = 0 ] || fail "started"
done_ok
"#,
    );
}

/// Start times are shifted there: what ran was taken for gone, and itself for what it had left behind, which was ended.
#[test]
fn in_another_time_namespace_nothing_is_ended_nor_started() {
    let bench = Bench::new();
    shop(&bench, "");
    inside(
        &bench,
        r#"
shifted() { unshare --time --boottime -4 --monotonic -4 --fork "$@"; }
shifted true || { echo "skipped: no time namespace to be had"; done_ok; exit; }
selfsame apply specs; [ $code = 0 ] || fail "apply: $code"
noted 1; first=$(pid_of 1)
for verb in apply plan; do shifted "$SELFSAME" $verb specs; done
lives $first || fail "it was ended"
[ "$(starts)" = 1 ] || fail "a second one was started"
selfsame apply specs; [ $code = 0 ] || fail "apply afterwards: $code"
lives $first || fail "it was ended afterwards"
[ "$(starts)" = 1 ] || fail "a second one was started afterwards"
done_ok
"#,
    );
}

#[test]
fn as_pid_1_it_keeps_services_and_reaps() {
    let bench = Bench::new();
    shop(&bench, "");
    inside(
        &bench,
        r#"
unshare --pid --fork --mount-proc "$SELFSAME" watch specs > watch.log 2>&1 & namespace=$!
noted 1
is_ready() { "$SELFSAME" status > out 2>&1; }
until_so "the service to be ready" is_ready
kill -9 $namespace
done_ok
"#,
    );
}

/// A policy that would stop everything: the lint refuses it, and where the lint is got round by naming what runs here one by one, the
/// guard keeps it from who is spared, and its limit from most of the others.
#[test]
fn a_policy_with_a_broad_match_does_no_harm() {
    let bench = Bench::new();
    shop(&bench, "");
    let document = |matches: &str| {
        format!(
            "apiVersion: selfsame/v1\nkind: Policy\nmetadata: {{name: broad}}\nspec:\n  match: '{matches}'\n  do: stop\n  \
             dryRun: false\n  every: 100ms\n  limit: {{count: 2, per: 10m}}\n"
        )
    };
    bench.write("refused.yaml", &document("user == \"root\""));
    let named = format!("pid == 1 || exe == \"{}\" || exe == \"%PERL%\"", env!("CARGO_BIN_EXE_selfsame"));
    bench.write("named.yaml", &document(&named));
    inside(
        &bench,
        r#"
ended() { n=0; for p in $pids; do lives $p || n=$((n + 1)); done; echo $n; }
pids=
for one in 1 2 3 4 5 6; do bin/other & pids="$pids $!"; done
cp refused.yaml specs/broad.yaml
selfsame check specs; [ $code != 0 ] || fail "check: $code"
grep -q 'too broad' out err || fail "not for being too broad"
"$SELFSAME" watch specs > watch.log 2>&1 & watch=$!
noted 1
[ "$(ended)" = 0 ] || fail "a refused policy stopped $(ended)"

sed -i "s|%PERL%|$(readlink -f "$(command -v perl)")|" named.yaml
selfsame check named.yaml; [ $code = 0 ] || fail "check of the named one: $code"
mv named.yaml specs/broad.yaml
two_ended() { [ "$(ended)" -ge 2 ]; }
until_so "two to be stopped" two_ended
# Several looks more.
sleep 0.7
[ "$(ended)" = 2 ] || fail "$(ended) stopped, and the limit is 2"
lives $watch || fail "watch was stopped"
lives $(pid_of 1) || fail "the service was stopped"
kill $watch; wait $watch
kill $pids
done_ok
"#,
    );
}

#[test]
fn the_daemon_of_these_cases_runs() {
    let bench = Bench::new();
    assert!(DAEMON.contains("%STARTS%"));
    shop(&bench, "");
    inside(&bench, "bin/shop & noted 1; lives $(pid_of 1) || fail dead; done_ok\n");
}
