//! Single faults by their numbers, where the matrix doesn't say enough.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::inside::inside;
use crate::matrix::{Hidden, faulty, living, one_copy_each, reached, two, with_fault};
use crate::support::{Bench, is_alive, until};

#[test]
fn fault_6_readiness_goes_on_with_what_was_left_of_its_time() {
    // Most of it is over when the engine is killed, so that beginning anew would take far longer than what is left.
    let (whole, killed) = (Duration::from_secs(8), Duration::from_millis(6500));
    let mut bench = Bench::new();
    bench.daemon("slow", "readiness: {aliveFor: 8s}");
    let began = Instant::now();
    bench.watch(&[]);
    until("its note", || bench.starts().len() == 1);
    until("most of the time to be over", || began.elapsed() > killed);
    bench.end_watch("KILL");
    let again = Instant::now();
    bench.watch(&[]);
    bench.until_running(&["slow"]);
    let (all, second) = (began.elapsed(), again.elapsed());
    assert!(all > whole, "{all:?}");
    assert!(second < whole, "begun anew: {second:?}");
    assert_eq!(bench.starts().len(), 1);
}

#[test]
fn fault_6_an_engine_that_dies_at_each_probe_still_comes_to_ready() {
    let bench = Bench::new();
    bench.daemon("probed", "readiness: {exec: {command: [/bin/true]}, period: 200ms}");
    for _ in 0..3 {
        with_fault(&bench, "probe=kill@1", &["apply", "specs", "--timeout", "60s"]);
    }
    assert_eq!(reached(&bench), 3);
    bench.ok(&["apply", "specs"]);
    one_copy_each(&bench, &["probed"]).unwrap();
    assert_eq!(bench.starts().len(), 1);
}

#[test]
fn faults_28_29_a_fork_that_fails_is_no_start_and_is_tried_again() {
    let bench = two();
    let _hidden = Hidden(&bench);
    let mut watch = faulty(&bench, "start.clone=error@1", &["watch", "specs"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    bench.until_running(&["plain", "hidden"]);
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(reached(&bench), 1);
    one_copy_each(&bench, &["plain", "hidden"]).unwrap();
    assert_eq!(bench.starts().len(), 2);
}

#[test]
fn fault_69_a_look_that_cannot_tell_starts_nothing_and_says_so() {
    let bench = two();
    let ran = with_fault(&bench, "look=error", &["apply", "specs", "--timeout", "2s"]);
    assert_eq!(ran.code, 7, "{ran:?}");
    assert!(reached(&bench) > 0);
    assert!(bench.starts().is_empty());
}

#[test]
fn fault_69_a_process_of_which_nothing_can_be_told_is_neither_stopped_nor_doubled() {
    let bench = two();
    let _hidden = Hidden(&bench);
    bench.ok(&["apply", "specs"]);
    until("their notes", || bench.starts().len() == 2);
    let before = (living(&bench, "plain"), living(&bench, "hidden"));
    for args in [vec!["apply", "specs", "--timeout", "2s"], vec!["stop", "--all", "--timeout", "2s"]] {
        let ran = with_fault(&bench, "life=error", &args);
        assert_ne!(ran.code, 0, "{ran:?}");
        assert_eq!((living(&bench, "plain"), living(&bench, "hidden")), before);
    }
    assert_eq!(bench.starts().len(), 2);
}

#[test]
fn an_intent_that_cannot_be_read_holds_its_object() {
    let bench = two();
    let _hidden = Hidden(&bench);
    with_fault(&bench, "start.spawned=kill@1", &["apply", "specs"]);
    let ran = with_fault(&bench, "intent=error", &["apply", "specs", "--timeout", "2s"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    // Both were meant to be started, and of neither it can be told whether it was.
    until("the note of the first", || bench.starts().len() == 1);
    bench.ok(&["apply", "specs"]);
    one_copy_each(&bench, &["plain", "hidden"]).unwrap();
    assert_eq!(bench.starts().len(), 2);
}

#[test]
fn fault_74_without_control_groups_bounds_are_refused_and_everything_else_works() {
    let bench = Bench::new();
    bench.daemon("shop", "readiness: {aliveFor: 1ms}");
    bench.daemon("bound", "readiness: {aliveFor: 1ms}\nresources: {pids: {max: 20}}");
    // None at all; those of version 1 alone, of which none can be written; and the old ones again.
    inside(
        &bench,
        r#"
without() {
    selfsame doctor; grep -q '^ok  *control groups' out && fail "$1: there are control groups"
    selfsame apply specs --timeout 3s; [ $code != 0 ] || fail "$1: apply says that all is well"
    grep -q "can't be had here" out err || fail "$1: the reason is missing"
    noted 1
    grep -q ' shop' starts || fail "$1: the other one wasn't started"
    grep -q ' bound' starts && fail "$1: the bound one was started without its bound"
    [ "$(starts)" = 1 ] || fail "$1: $(starts) starts"
    selfsame stop --all; [ $code = 0 ] || fail "$1: stop: $code"
    lives $(pid_of 1) && fail "$1: it lives on"
    rm -rf state starts
}
mount -t tmpfs none /sys/fs/cgroup || { echo ok; exit 0; }
without none
mkdir /sys/fs/cgroup/pids && mount -t cgroup -o pids,ro none /sys/fs/cgroup/pids 2>/dev/null && without 'version 1, read-only'
done_ok
"#,
    );
}

/// A long text is read beside the loop: however long that takes, everything else goes on, and its file counts as it last did.
#[test]
fn a_text_that_takes_long_to_read_holds_nothing_up() {
    let mut bench = Bench::new();
    bench.daemon("plain", "readiness: {aliveFor: 1ms}");
    let log = fs::File::create(bench.path("watch.log")).unwrap();
    let mut watch = faulty(&bench, "text.read=delay:15000@1", &["watch", "specs"]);
    let watch = watch.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    bench.keep_watch(watch);
    bench.until_running(&["plain"]);
    let text = fs::read_to_string(bench.path("specs/plain.yaml")).unwrap();
    let slow = format!("{}# {}\n", text.replace("spec:", "spec:\n  args: [another]"), "x".repeat(20_000));
    bench.write("plain.yaml", &slow);
    fs::rename(bench.path("plain.yaml"), bench.path("specs/plain.yaml")).unwrap();
    until("its text to be read", || reached(&bench) == 1);
    let first = bench.the_pid_of("plain");
    bench.kill(first, "KILL");
    until("the next start", || bench.starts_of("plain").len() == 2);
    assert!(!bench.watch_log().contains("another"), "{}", bench.watch_log());
    bench.until_generation("plain", 2);
    until("the start with what was read", || bench.starts_of("plain").len() == 3);
    one_copy_each(&bench, &["plain"]).unwrap();
    assert!(bench.watch_log().contains("`args` changed"), "{}", bench.watch_log());
}

/// Stands still between the check and the signal; meanwhile the number comes to be a stranger's.
pub(crate) const BETWEEN: &str = r#"
selfsame apply specs; [ $code = 0 ] || fail "apply: $code"
noted 1; first=$(pid_of 1)
SELFSAME_FAILPOINTS=signal.send=stop@1 "$SELFSAME" stop shop > out 2>&1 & engine=$!
n=0
until grep -q '^State:.*T' /proc/$engine/status; do n=$((n + 1)); [ $n -lt 3000 ] || fail "it doesn't stand still"; sleep 0.02; done
kill -9 $first; gone $first
recycle $first /bin/sleep 1000
# Until it executes it is a shell that handles signals.
n=0; until [ "$(cat /proc/$first/comm)" = sleep ]; do n=$((n + 1)); [ $n -lt 3000 ] || fail "no stranger"; sleep 0.02; done
kill -CONT $engine
wait $engine
# A signal takes effect when the process is scheduled next.
n=0; while lives $first && [ $n -lt ${PATIENCE:-25} ]; do n=$((n + 1)); sleep 0.02; done
"#;

#[test]
fn fault_36_a_number_that_is_given_out_between_check_and_signal_gets_none() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    inside(&bench, &format!("{BETWEEN}\nlives $first || fail 'the stranger was signalled'\ndone_ok\n"));
}

/// Two versions take each other's place all the time, so that what is looked at before a start is often not what is executed.
#[test]
fn fault_33_a_program_that_is_replaced_while_it_is_started_is_known_as_what_it_is() {
    let bench = Bench::new();
    bench.daemon("shop", "readiness: {aliveFor: 1ms}");
    let program = bench.path("bin/shop");
    let text = fs::read_to_string(&program).unwrap();
    let versions = ["one", "two"].map(|version| {
        let path = bench.path(&format!("bin/{version}"));
        // By another process, so that no child forked here holds it open for writing.
        let copied = Command::new("cp").arg("-p").arg(&program).arg(&path).status().unwrap();
        assert!(copied.success() && !text.is_empty());
        path
    });
    let over = Arc::new(AtomicBool::new(false));
    let swapper = thread::spawn({
        let (over, program, next) = (Arc::clone(&over), program.clone(), bench.path("bin/next"));
        move || {
            let mut swaps = 0;
            for version in versions.iter().cycle().take_while(|_| !over.load(Ordering::Relaxed)) {
                // The links are moved, so that the path is never missing.
                fs::hard_link(version, &next).unwrap();
                fs::rename(&next, &program).unwrap();
                // Of two links to one file rename removes neither.
                let _ = fs::remove_file(&next);
                swaps += 1;
            }
            swaps
        }
    });
    for round in 1..=15 {
        let ran = bench.run(&["start", "shop"]);
        let ran = if round == 1 { bench.run(&["apply", "specs"]) } else { ran };
        assert_eq!(ran.code, 0, "{round}: {ran:?}");
        one_copy_each(&bench, &["shop"]).unwrap();
        assert_eq!(bench.starts().len(), round);
        let ran = bench.run(&["stop", "shop"]);
        assert_eq!((ran.code, bench.alive()), (0, vec![]), "{round}: {ran:?}");
    }
    over.store(true, Ordering::Relaxed);
    assert!(swapper.join().unwrap() > 15);
}

#[test]
fn fault_38_records_of_another_boot_are_dead_at_once() {
    let bench = two();
    inside(
        &bench,
        r#"
selfsame apply specs; [ $code = 0 ] || fail "apply: $code"
noted 2
plain=$(grep plain starts | cut -d' ' -f1); hidden=$(grep hidden starts | cut -d' ' -f1)
echo 11111111-2222-3333-4444-555555555555 > boot_id
mount --bind boot_id /proc/sys/kernel/random/boot_id || { echo ok; exit 0; }
# After a boot neither would live; that they do shows that the records count for nothing.
selfsame stop plain
lives $plain || fail "signalled by a record of another boot"
lives $hidden || fail "signalled by a record of another boot"
selfsame apply specs; [ $code = 0 ] || fail "apply after boot: $code"
grep -q "$plain" out err || fail "what matches is adopted"
[ "$(grep -c plain starts)" = 1 ] || fail "a second plain"
kill $hidden $(tail -n 1 starts | cut -d' ' -f1)
done_ok
"#,
    );
}

#[test]
fn fault_10_a_record_is_the_old_or_the_new_one() {
    for rule in [
        "file.written=kill@1",
        "file.renamed=kill@1",
        "file.written=error@1",
        "ledger.half=kill@1",
        "ledger.half=error@1",
        "ledger.added=kill@1",
    ] {
        let bench = two();
        let _hidden = Hidden(&bench);
        with_fault(&bench, rule, &["apply", "specs", "--timeout", "3s"]);
        let text = fs::read_to_string(bench.path("state/run/ledger.jsonl")).unwrap_or_default();
        // What stands behind the last end of a line counts for nothing.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        for line in whole.lines() {
            serde_json::from_str::<serde_json::Value>(line)
                .unwrap_or_else(|e| panic!("{rule}: {line:?}: {e}"));
        }
        bench.ok(&["apply", "specs"]);
        one_copy_each(&bench, &["plain", "hidden"]).unwrap();
    }
}

#[test]
fn fault_12_a_stop_that_takes_the_engines_time_changes_nothing() {
    let bench = two();
    let _hidden = Hidden(&bench);
    bench.ok(&["apply", "specs"]);
    until("their notes", || bench.starts().len() == 2);
    let mut watch = faulty(&bench, "wait=stop@2", &["watch", "specs", "--resync", "1s"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let state = || fs::read_to_string(format!("/proc/{}/stat", watch.id())).unwrap_or_default();
    until("it to stand still", || state().contains(") T"));
    let pid = living(&bench, "plain")[0];
    std::process::Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap();
    until("its end", || !is_alive(pid));
    std::process::Command::new("kill").args(["-CONT", &watch.id().to_string()]).status().unwrap();
    until("another one", || bench.starts_of("plain").len() == 2);
    bench.until_running(&["plain", "hidden"]);
    let result = one_copy_each(&bench, &["plain", "hidden"]);
    watch.kill().unwrap();
    watch.wait().unwrap();
    result.unwrap();
    assert_eq!(bench.starts().len(), 3);
}
