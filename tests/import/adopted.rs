//! What runs is adopted: planned with snapshots, and with real processes in a PID namespace.

use selfsame::import::write;

use super::cases::all;
use super::inside::inside;
use super::support::Bench;

/// Every case that comes with a host: `plan` says adopt, and not start.
#[test]
fn what_runs_in_a_snapshot_is_adopted() {
    let bench = Bench::new();
    let mut seen = 0;
    for (path, cases) in all() {
        for case in cases {
            let Some(snapshot) = case.snapshot() else { continue };
            if case.title.contains("not adopted") {
                continue;
            }
            let host = bench.write("host.yaml", snapshot).display().to_string();
            for written in write(case.run().found) {
                let written =
                    written.unwrap_or_else(|refused| panic!("{}: {}", case.title, refused.problem.message));
                let spec = bench.write("specs/a.yaml", &written.text).display().to_string();
                let ran = bench.run(&["plan", &spec, "--snapshot", &host]);
                let plan = format!("{}{}", ran.stdout, ran.stderr);
                assert!(
                    plan.contains(": adopt: ") && !plan.contains(": start: "),
                    "{}: {}\n{plan}\n{}",
                    path.display(),
                    case.title,
                    written.text
                );
                seen += 1;
            }
        }
    }
    assert!(seen >= 12, "only {seen} cases have a host");
}

/// A daemon in a shell, kept busy without children of its own.
const SHELL_DAEMON: &str = "#!/bin/sh\nmkfifo \"%STARTS%.$$\" 2>/dev/null\necho \"$$ shelly $*\" >> %STARTS%\nwhile :; do read line < \"%STARTS%.$$\"; done\n";
const PYTHON_DAEMON: &str = "import os, sys, time\nf = open('%STARTS%', 'a'); f.write('%d snake %s\\n' % (os.getpid(), ' '.join(sys.argv[1:]))); f.close()\nwhile True: time.sleep(1)\n";
const PIDFILE_DAEMON: &str = "#!/usr/bin/perl\nuse POSIX;\nexit 0 if fork;\nPOSIX::setsid();\nopen(my $p, '>', $ARGV[1]) or die; print $p \"$$\\n\"; close $p;\nopen(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ pidly @ARGV\\n\"); close $f;\nsleep 1 while 1;\n";

/// Imported from its process, planned, applied, and applied once more: one copy, never a second.
const ADOPTS: &str = r#"
adopts() {
    wanted=$1; shift
    selfsame "$@" > spec.out 2>&1
    "$SELFSAME" "$@" > specs/a.yaml 2> report || { cat report; fail "import: $*"; }
    cat specs/a.yaml report
    selfsame check specs; [ $code = 0 ] || fail "check: $code"
    before=$(starts)
    selfsame plan specs; grep -q ": adopt: pid $wanted " out || fail "not adopted: $wanted"
    ! grep -q ': start: ' out || fail "planned a start"
    selfsame apply specs; [ $code = 0 ] || fail "apply: $code"
    selfsame apply specs; grep -q 'nothing to do' out || fail "something left to do"
    [ "$(starts)" = "$before" ] || fail "a second copy"
    lives $wanted || fail "touched"
    rm -rf state specs/a.yaml
}
"#;

#[test]
fn a_script_under_sh_is_adopted_from_its_process() {
    let bench = Bench::new();
    bench.script("bin/shelly", SHELL_DAEMON);
    inside(
        &bench,
        &format!(
            "{ADOPTS}
bin/shelly --port 80 & noted 1; pid=$(pid_of 1)
adopts $pid import --pid $pid
done_ok
"
        ),
    );
}

#[test]
fn an_interpreter_that_is_given_a_script_is_adopted_from_its_process() {
    if !super::support::has("/usr/bin/python3") {
        return;
    }
    let bench = Bench::new();
    bench.write("srv/snake.py", &PYTHON_DAEMON.replace("%STARTS%", &bench.path("starts").to_string_lossy()));
    inside(
        &bench,
        &format!(
            "{ADOPTS}
/usr/bin/python3 -u {}/srv/snake.py --colour green & noted 1; pid=$(pid_of 1)
adopts $pid import --pid $pid
done_ok
",
            bench.root().display()
        ),
    );
}

#[test]
fn a_daemon_with_a_pidfile_is_adopted_from_its_init_script() {
    let bench = Bench::new();
    let daemon = bench.script("bin/pidly", PIDFILE_DAEMON).display().to_string();
    let file = bench.path("pidly.pid").display().to_string();
    bench.write("etc/default/pidly", &format!("DAEMON_OPTS=\"-p {file}\"\n"));
    let script = format!(
        "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: pidly\n### END INIT INFO\nDAEMON={daemon}\nPIDFILE={file}\n. {}\ncase \"$1\" in\nstart)\n  start-stop-daemon --start --quiet --pidfile $PIDFILE --exec $DAEMON -- $DAEMON_OPTS\n  ;;\nstop)\n  start-stop-daemon --stop --quiet --pidfile $PIDFILE --retry TERM/2/KILL/2\n  ;;\nesac\n",
        bench.path("etc/default/pidly").display()
    );
    bench.write("etc/init.d/pidly", &script);
    inside(
        &bench,
        &format!(
            "{ADOPTS}
bin/pidly -p {file}; noted 1; pid=$(pid_of 1)
n=0; until [ -s {file} ]; do n=$((n + 1)); [ $n -lt 3000 ] || fail 'no pidfile'; sleep 0.02; done
adopts $pid import etc/init.d/pidly
adopts $pid import --pid $pid
done_ok
"
        ),
    );
}

#[test]
fn a_daemon_that_calls_itself_something_else_is_taken_over_and_never_started() {
    let bench = Bench::new();
    bench.script("bin/titled", "#!/usr/bin/perl\nopen(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ titled @ARGV\\n\"); close $f;\n$0 = 'titled: waiting for work';\nsleep 1 while 1;\n");
    inside(
        &bench,
        &format!(
            "{ADOPTS}
bin/titled --port 80 & noted 1; pid=$(pid_of 1)
n=0; until grep -q waiting /proc/$pid/cmdline; do n=$((n + 1)); [ $n -lt 3000 ] || fail 'no title'; sleep 0.02; done
\"$SELFSAME\" import --pid $pid > specs/a.yaml 2> report
grep -q '^  adopt: require' specs/a.yaml || {{ cat specs/a.yaml; fail 'it could be started'; }}
grep -q 'a title' report || fail 'not said'
adopts $pid import --pid $pid
kill -9 $pid; gone $pid
\"$SELFSAME\" import --pid $$ > specs/a.yaml 2> report && fail 'init was imported'
done_ok
"
        ),
    );
}
