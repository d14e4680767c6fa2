//! What a watch gives itself it doesn't hand on.

use std::fs;
use std::process::Command;

use super::support::{Bench, quick, until};

/// Soft and hard limit of descriptors.
fn descriptors(pid: i32) -> (u64, u64) {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let row = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let mut numbers = row.split_whitespace().map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

fn oom_score_adj(pid: i32) -> i32 {
    fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap().trim().parse().unwrap()
}

/// Whether this host lets us lower it.
fn may_be_protected(own: i32) -> bool {
    let tried = Command::new("sh").args(["-c", "echo -900 > /proc/self/oom_score_adj"]).output().unwrap();
    own > -900 && tried.status.success()
}

/// A watch that was given 300 descriptors, and may take 600.
fn watch(bench: &mut Bench) -> i32 {
    let log = fs::File::options().create(true).append(true).open(bench.path("watch.log")).unwrap();
    let inner = bench.command(&["watch", "specs"]);
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "ulimit -Sn 300 && ulimit -Hn 600 && exec \"$0\" \"$@\""]);
    command.arg(inner.get_program()).args(inner.get_args()).current_dir(bench.root());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    bench.keep_watch(child);
    pid
}

#[test]
fn fault_73_a_watch_is_protected_and_its_services_have_what_it_was_given() {
    let mut bench = Bench::new();
    let own = oom_score_adj(std::process::id().cast_signed());
    let protected = may_be_protected(own);
    bench.daemon("plain", &quick(""));
    bench.daemon("given", &quick("limits: {nofile: {soft: 200, hard: 600}}\nscheduling: {oomScoreAdj: 321}"));
    let watch = watch(&mut bench);
    bench.until_running(&["plain", "given"]);
    let taken = || {
        assert_eq!(descriptors(watch), (600, 600));
        assert_eq!(oom_score_adj(watch), if protected { -900 } else { own });
    };
    taken();
    let (plain, given) = (bench.the_pid_of("plain"), bench.the_pid_of("given"));
    assert_eq!((descriptors(plain), oom_score_adj(plain)), ((300, 600), own));
    assert_eq!((descriptors(given), oom_score_adj(given)), ((200, 600), 321));

    // What a document no longer says is what was given again, without a restart.
    bench.daemon_spec("given", &quick(""));
    until("the limits to be what was given", || {
        descriptors(given) == (300, 600) && oom_score_adj(given) == own
    });
    assert_eq!(bench.starts_of("given").len(), 1, "{}", bench.watch_log());

    // The next image takes them anew, and knows what was given.
    bench.ok(&["upgrade"]);
    taken();
    bench.kill(plain, "KILL");
    until("the next one", || bench.starts_of("plain").len() == 2);
    bench.until_running(&["plain"]);
    let plain = bench.the_pid_of("plain");
    assert_eq!((descriptors(plain), oom_score_adj(plain)), ((300, 600), own));
    taken();
}
