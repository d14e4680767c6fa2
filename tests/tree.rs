//! Whole trees on the real kernel: with control groups where this host lets us make them, else by descent and session.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use support::{Bench, is_alive, until};

/// A service with a child, a grandchild in a session of its own whose parent has exited, and one that ignores TERM. The
/// others are another program, so that the identity rule doesn't find them. Each notes its PID.
const FAMILY: &str = r#"#!/usr/bin/perl
use POSIX;
$SIG{TERM} = sub { exit 0 };
open my $tree, '>>', "%STARTS%.tree" or die; $tree->autoflush(1);
sub note { syswrite $tree, "$$ $_[0]\n" }
if (!fork) { $SIG{TERM} = 'DEFAULT'; note('child'); exec '/bin/sleep', 1000 }
if (!fork) { POSIX::setsid(); my $mid = $$;
  if (!fork) { select(undef, undef, undef, 0.01) while getppid() == $mid; note('escaped'); exec '/bin/sleep', 1000 } exit 0 }
if (!fork) { $SIG{TERM} = 'IGNORE'; note('stubborn'); exec '/bin/sleep', 1000 }
note('main');
open my $starts, '>>', "%STARTS%" or die; syswrite $starts, "$$ family\n";
sleep 1 while 1;
"#;

const QUICK: &str = "readiness: {aliveFor: 300ms}\nrestart: {backoff: 100ms}\n\
    stop: {schedule: [{signal: TERM, wait: 500ms}, {signal: KILL, wait: 2s}]}";

/// Whether this host lets these tests have control groups of their own.
fn has_groups(bench: &Bench) -> bool {
    offered(bench, "control groups")
}

fn tree(bench: &Bench) -> Vec<(i32, String)> {
    let text = fs::read_to_string(bench.path("starts.tree")).unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(pid, what)| (pid.parse().unwrap(), what.to_owned()))
        .collect()
}

fn living(bench: &Bench) -> Vec<String> {
    tree(bench).into_iter().filter(|(pid, _)| is_alive(*pid)).map(|(_, what)| what).collect()
}

fn family(bench: &Bench, more: &str) {
    bench.script("bin/family", FAMILY);
    let path = bench.path("bin/family");
    bench.spec("family", &format!("startas: {}\n{QUICK}\n{more}", path.display()));
    bench.ok(&["apply", "specs"]);
    until("the tree to be complete", || tree(bench).len() >= 4);
}

#[test]
fn a_stop_takes_the_whole_tree() {
    let bench = Bench::new();
    let grouped = has_groups(&bench);
    family(&bench, "");
    bench.ok(&["stop", "family"]);
    let left = living(&bench);
    // Without a group nobody can tell whose the one is that left its session and lost its parent.
    let expected: Vec<String> = if grouped { vec![] } else { vec!["escaped".into()] };
    assert_eq!(left, expected);
    end_all(&bench);
}

fn end_all(bench: &Bench) {
    for (pid, _) in tree(bench).into_iter().filter(|(pid, _)| is_alive(*pid)) {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}

/// Notes which signals it finds blocked and ignored, and what is open, as its first program found it.
const FRESH: &str = r#"#!/usr/bin/perl
opendir my $open, "/proc/self/fd" or die;
my @open = grep { /^\d+$/ && readlink("/proc/self/fd/$_") !~ m{/fd$|/fresh$} } readdir $open;
open my $status, '<', "/proc/self/status" or die;
my @signals = map { /^Sig(?:Blk|Ign):\s*(\w+)/ ? $1 : () } <$status>;
open my $note, '>', "%STARTS%.fresh~" or die;
print $note join(' ', @signals, sort @open); close $note;
rename "%STARTS%.fresh~", "%STARTS%.fresh" or die;
open my $starts, '>>', "%STARTS%" or die; syswrite $starts, "$$ fresh\n";
sleep 1 while 1;
"#;

/// Where there are groups, children are made in another way than elsewhere.
#[test]
fn a_service_begins_as_a_fresh_process() {
    let bench = Bench::new();
    bench.script("bin/fresh", FRESH);
    bench.spec("fresh", &format!("startas: {}\n{QUICK}", bench.path("bin/fresh").display()));
    bench.ok(&["apply", "specs"]);
    let note = bench.path("starts.fresh");
    until("its note", || note.exists());
    let note = fs::read_to_string(note).unwrap();
    let words: Vec<&str> = note.split(' ').collect();
    let signals = |at: usize| u64::from_str_radix(words[at], 16).unwrap();
    // Perl itself ignores SIGFPE.
    assert_eq!((signals(0), signals(1) & !(1 << 7)), (0, 0), "{note}");
    assert_eq!(words[2..], ["0", "1", "2"], "{note}");
    bench.ok(&["stop", "fresh"]);
}

#[test]
fn scope_main_leaves_the_others_alone() {
    let bench = Bench::new();
    family(&bench, "");
    bench.spec(
        "family",
        &format!(
            "startas: {}\n{}",
            bench.path("bin/family").display(),
            QUICK.replace("stop: {", "stop: {scope: main, ")
        ),
    );
    bench.ok(&["apply", "specs"]);
    bench.ok(&["stop", "family"]);
    let mut left = living(&bench);
    left.sort();
    assert_eq!(left, ["child", "escaped", "stubborn"]);
    end_all(&bench);
}

#[test]
fn scope_group_takes_the_process_group_at_once() {
    let bench = Bench::new();
    bench.script("bin/family", FAMILY);
    let path = bench.path("bin/family");
    let quick = QUICK.replace("stop: {", "stop: {scope: group, ");
    bench.spec("family", &format!("startas: {}\n{quick}", path.display()));
    bench.ok(&["apply", "specs"]);
    until("the tree to be complete", || tree(&bench).len() >= 4);
    bench.ok(&["stop", "family"]);
    assert_eq!(living(&bench), ["escaped"]);
    end_all(&bench);
}

#[test]
fn what_a_dead_main_process_leaves_behind_is_gone_before_the_next_start() {
    let mut bench = Bench::new();
    family(&bench, "");
    bench.watch(&[]);
    until("the watch to answer", || bench.run(&["status"]).code == 0);
    let main = tree(&bench).into_iter().find(|(_, what)| what == "main").unwrap().0;
    let first: Vec<i32> = tree(&bench).into_iter().map(|(pid, _)| pid).collect();
    let grouped = has_groups(&bench);
    // Before the signal: `kill` may come back late.
    let begin = Instant::now();
    assert!(Command::new("kill").args(["-9", &main.to_string()]).status().unwrap().success());
    until("the second start", || bench.starts().len() == 2);
    // The stubborn one had its TERM, its grace and its KILL first.
    assert!(begin.elapsed() >= Duration::from_millis(450), "{:?}", begin.elapsed());
    let old: Vec<i32> = first.into_iter().filter(|pid| is_alive(*pid)).collect();
    assert!(old.len() == usize::from(!grouped), "{old:?}\n{}", bench.watch_log());
    bench.ok(&["stop", "family"]);
    end_all(&bench);
}

/// A service with one worker that is the same program with the same arguments, and outlives it.
const PREFORK: &str = r#"#!/usr/bin/perl
open my $starts, '>>', "%STARTS%" or die; syswrite $starts, "$$ prefork\n"; close $starts;
if (!fork) { open my $note, '>', "%STARTS%.worker" or die; print $note $$; close $note; sleep 1000; exit }
sleep 1 while 1;
"#;

/// One who was killed hands nothing over: a worker that is left is not the service, however like it.
#[test]
fn a_worker_that_outlives_a_killed_main_process_is_not_taken_for_it() {
    let mut bench = Bench::new();
    bench.script("bin/prefork", PREFORK);
    bench.spec("prefork", &format!("startas: {}\n{QUICK}", bench.path("bin/prefork").display()));
    bench.watch(&[]);
    until("it to be ready", || bench.run(&["status"]).code == 0);
    let noted = || fs::read_to_string(bench.path("starts.worker")).unwrap_or_default().parse::<i32>();
    until("its worker", || noted().is_ok());
    let (main, worker) = (bench.starts()[0], noted().unwrap());
    assert!(Command::new("kill").args(["-9", &main.to_string()]).status().unwrap().success());
    until("the second start", || bench.starts().len() == 2);
    assert!(!is_alive(worker), "{}", bench.watch_log());
    bench.ok(&["stop", "prefork"]);
}

/// Two state directories of one path, the second over the first.
const TWO_OF_ONE_PATH: &str = r#"
for state in first second; do
    mkdir -p state && mount -t tmpfs -o mode=755 none state && "$0" apply specs && cat state/run/groups.json && echo && "$0" stop --all || exit 99
done
"#;

/// Engines with a `/run` of their own each share the path of their state, and removed each other's empty groups when they
/// began.
#[test]
fn state_directories_of_one_path_have_groups_of_their_own() {
    let bench = Bench::new();
    if !has_groups(&bench) {
        return;
    }
    bench.daemon("one", "");
    let output = Command::new("unshare")
        .args(["-m", "/bin/sh", "-c", TWO_OF_ONE_PATH, env!("CARGO_BIN_EXE_selfsame")])
        .current_dir(bench.root())
        .env("SELFSAME_STATE_DIR", bench.path("state"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let groups: Vec<&str> = text.lines().filter(|line| line.contains("selfsame-")).collect();
    assert!(output.status.success() && groups.len() == 2 && groups[0] != groups[1], "{output:?}");
}

/// A group can bound what runs in it, and the bounds change without a restart. Processor time and numbers of processes are
/// what most hosts let tests bound.
#[test]
fn resources_bound_the_group_and_change_live() {
    let bench = Bench::new();
    // Sixteen children, as far as it may.
    bench.script(
        "bin/crowd",
        "#!/usr/bin/perl\nopen my $starts, '>>', \"%STARTS%\" or die; syswrite $starts, \"$$ crowd\\n\";\n\
         for (1..16) { my $pid = fork; if (defined $pid && !$pid) { open my $t, '>>', \"%STARTS%.tree\"; \
         syswrite $t, \"$$ child\\n\"; exec '/bin/sleep', 1000 } }\nsleep 1 while 1;\n",
    );
    let spec = |pids: u32| {
        format!(
            "startas: {}\n{QUICK}\nresources: {{pids: {{max: {pids}}}, cpu: {{max: 50%}}}}",
            bench.path("bin/crowd").display()
        )
    };
    bench.spec("crowd", &spec(8));
    let applied = bench.run(&["apply", "specs", "--timeout", "60s"]);
    if !offered(&bench, "controller pids") || !offered(&bench, "controller cpu") {
        // Refused with the reason, and nothing runs.
        assert_ne!(applied.code, 0);
        assert!(applied.stdout.contains("can't be had here"), "{}{}", applied.stdout, applied.stderr);
        assert_eq!(bench.starts(), Vec::<i32>::new());
        return;
    }
    assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
    until("seven children", || tree(&bench).len() == 7);
    let main = bench.starts()[0];
    let file = |controller: &str, name: &str| {
        let text = fs::read_to_string(format!("/proc/{main}/cgroup")).unwrap();
        let line =
            text.lines().find(|line| line.split(':').nth(1).unwrap().split(',').any(|c| c == controller));
        let group = line.or(text.lines().find(|line| line.starts_with("0::"))).unwrap();
        let group = group.rsplit(':').next().unwrap().rsplit("selfsame-").next().unwrap().to_owned();
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let mut dirs =
            mounts.lines().filter(|line| line.contains("cgroup")).map(|line| line.split(' ').nth(1).unwrap());
        let find = |dir: &str| {
            let listed =
                Command::new("find").args([dir, "-path", &format!("*{group}/{name}")]).output().unwrap();
            let found = String::from_utf8_lossy(&listed.stdout).lines().next().map(str::to_owned);
            found.and_then(|path| fs::read_to_string(path).ok())
        };
        dirs.find_map(find).unwrap_or_default().trim().to_owned()
    };
    assert_eq!(file("pids", "pids.max"), "8");
    let quota = file("cpu", "cpu.cfs_quota_us");
    assert!(quota == "50000" || file("cpu", "cpu.max") == "50000 100000", "{quota}");
    bench.spec("crowd", &spec(32));
    bench.ok(&["apply", "specs"]);
    assert_eq!(file("pids", "pids.max"), "32");
    assert_eq!(bench.starts(), [main], "it was not restarted");
    bench.spec("crowd", &format!("startas: {}\n{QUICK}", bench.path("bin/crowd").display()));
    bench.ok(&["apply", "specs"]);
    assert_eq!(file("pids", "pids.max"), "max");
    assert_eq!(bench.starts(), [main], "it was not restarted");
    bench.ok(&["stop", "crowd"]);
    assert_eq!(living(&bench), Vec::<String>::new());
}

/// Whether a line of `doctor` is `ok` here.
fn offered(bench: &Bench, check: &str) -> bool {
    let rows: serde_json::Value = serde_json::from_str(&bench.run(&["doctor", "-o", "json"]).stdout).unwrap();
    rows.as_array().unwrap().iter().any(|row| row["check"] == check && row["state"] == "ok")
}

#[test]
fn fault_73_a_service_that_the_kernel_kills_for_want_of_memory_is_told_as_that() {
    let mut bench = Bench::new();
    // With room to swap it would grow into that first.
    let swaps = fs::read_to_string("/proc/swaps").map_or(1, |text| text.lines().count().saturating_sub(1));
    if !offered(&bench, "controller memory") || swaps > 0 {
        eprintln!("skipped: no memory controller here, or swap beside it");
        return;
    }
    // Grows without end; how soon the bound is met doesn't matter.
    bench.script(
        "bin/glutton",
        "#!/usr/bin/perl\nopen my $starts, '>>', \"%STARTS%\" or die; syswrite $starts, \"$$ glutton\\n\";\n\
         my @all; push @all, 'x' x 1048576 for 1..200; sleep 1 while 1;\n",
    );
    let path = bench.path("bin/glutton");
    bench.spec(
        "glutton",
        &format!(
            "startas: {}\nrestart: {{policy: never}}\nresources: {{memory: {{max: 24MiB}}}}",
            path.display()
        ),
    );
    bench.watch(&[]);
    bench.until_phase(&["glutton"], "Stopped");
    let ran = bench.run(&["status", "glutton"]);
    assert!(ran.stdout.contains("OOMKilled"), "{}", ran.stdout);
    assert_eq!(bench.starts().len(), 1, "{}", bench.watch_log());
}

#[test]
fn a_process_is_adopted_by_name_and_let_go_untouched() {
    let bench = Bench::new();
    bench.daemon("shop", "adopt: never");
    let mut child = Command::new(bench.path("bin/shop")).spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    until("the daemon to note itself", || bench.starts() == [pid]);
    let held = bench.run(&["apply", "specs"]);
    assert_eq!(held.code, 7, "{}", held.stdout);
    let other = bench.run(&["adopt", "1", "--as", "shop"]);
    assert_eq!((other.code, other.stderr.contains("first process")), (4, true), "{}", other.stderr);
    let mut stranger = Command::new("/bin/sleep").arg("1000").spawn().unwrap();
    let refused = bench.run(&["adopt", &stranger.id().to_string(), "--as", "shop", "--force"]);
    assert_eq!((refused.code, refused.stderr.contains("identity rule")), (4, true), "{}", refused.stderr);
    stranger.kill().unwrap();
    stranger.wait().unwrap();
    bench.ok(&["adopt", &pid.to_string(), "--as", "shop"]);
    assert_eq!(bench.status_of("shop")["instances"][0]["pid"], pid);
    bench.ok(&["release", "shop"]);
    let status = bench.status_of("shop");
    assert_eq!(status["instances"].as_array().map(Vec::len), Some(0), "{status}");
    assert!(is_alive(pid), "it was touched");
    // Left alone, also by an apply, until somebody asks or the document changes.
    assert_eq!(bench.run(&["apply", "specs"]).code, 7);
    bench.ok(&["adopt", &pid.to_string(), "--as", "shop"]);
    bench.ok(&["stop", "shop"]);
    let mut ended = false;
    until("the adopted process to be stopped", || {
        ended |= child.try_wait().unwrap().is_some();
        ended
    });
    assert_eq!(bench.starts(), [pid]);
}

/// It was told as one that the dead process had brought forth.
#[test]
fn who_is_adopted_in_the_place_of_a_dead_process_did_not_come_from_it() {
    let bench = Bench::new();
    bench.daemon("shop", "adopt: never");
    bench.ok(&["apply", "specs"]);
    let first = bench.starts()[0];
    bench.kill(first, "KILL");
    until("it to be gone", || !is_alive(first));
    let mut second = bench.by_hand(bench.root(), bench.path("bin/shop").to_str().unwrap(), &[]);
    until("the daemon to note itself", || bench.starts().len() == 2);
    bench.ok(&["adopt", &second.id().to_string(), "--as", "shop"]);
    let told = bench.ok(&["events", "shop"]).stdout;
    assert!(told.contains(&format!("shop: adopted pid {}", second.id())), "{told}");
    assert!(told.contains(&format!("shop: pid {first}: it ")) && !told.contains("goes on as"), "{told}");
    second.kill().unwrap();
    second.wait().unwrap();
}

#[test]
fn the_exit_of_an_adopted_process_is_known_where_the_kernel_keeps_it() {
    let mut bench = Bench::new();
    bench.script(
        "bin/brief",
        "#!/usr/bin/perl\n$SIG{USR1} = sub { exit 7 };\n\
         open my $starts, '>>', \"%STARTS%\" or die; syswrite $starts, \"$$ brief\\n\";\nsleep 1 while 1;\n",
    );
    let path = bench.path("bin/brief");
    bench.spec(
        "brief",
        &format!("startas: {}\nreadiness: {{aliveFor: 50ms}}\nrestart: {{policy: never}}", path.display()),
    );
    let mut child = Command::new(&path).spawn().unwrap();
    let pid = i32::try_from(child.id()).unwrap();
    until("it to note itself", || bench.starts() == [pid]);
    bench.watch(&[]);
    bench.until_running(&["brief"]);
    assert!(Command::new("kill").args(["-s", "USR1", &pid.to_string()]).status().unwrap().success());
    child.wait().unwrap();
    bench.until_phase(&["brief"], "Stopped");
    let rows: serde_json::Value = serde_json::from_str(&bench.run(&["doctor", "-o", "json"]).stdout).unwrap();
    let kept =
        rows.as_array().unwrap().iter().any(|row| row["check"] == "exit status" && row["state"] == "ok");
    let exit = &bench.status_of("brief")["instances"][0]["lastExit"];
    let expected = if kept { serde_json::json!({"code": 7}) } else { serde_json::json!("unknown") };
    assert_eq!(*exit, expected);
}

/// Forks, and each child forks on, until there are 64.
const FORKER: &str = r#"#!/usr/bin/perl
$SIG{TERM} = 'IGNORE';
open my $starts, '>>', "%STARTS%" or die; syswrite $starts, "$$ forker\n";
my $until = time + 20;
my $n = 0;
while (time < $until) { select undef, undef, undef, 0.002; fork if $n++ < 6 }
"#;

#[test]
fn a_tree_that_forks_all_the_time_is_ended_at_once() {
    let bench = Bench::new();
    bench.script("bin/forker", FORKER);
    let path = bench.path("bin/forker");
    bench.spec(
        "forker",
        &format!(
            "startas: {}\nreadiness: {{aliveFor: 50ms}}\nstop: {{schedule: [{{signal: KILL, wait: 5s}}]}}",
            path.display()
        ),
    );
    bench.ok(&["apply", "specs"]);
    bench.ok(&["stop", "forker"]);
    let running = |word: &str| {
        let listed = Command::new("pgrep").args(["-fc", word]).output().unwrap();
        String::from_utf8_lossy(&listed.stdout).trim().parse::<u32>().unwrap()
    };
    assert_eq!(running(&path.display().to_string()), 0);
}

/// Whoever was made from such a group into another one is ended before his first step (Linux 6.18): he enters it by himself then.
#[test]
fn services_start_from_a_group_that_was_ended_as_a_whole_before() {
    let bench = Bench::new();
    let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
    let mut words = mounts.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let root = words.find(|words| words[2] == "cgroup2").map(|words| words[1].to_owned());
    let Some(root) = root.filter(|_| has_groups(&bench)) else {
        eprintln!("skipped: no group to be had");
        return;
    };
    let group = std::path::Path::new(&root).join(format!("selfsame-test-{}", std::process::id()));
    if fs::create_dir(&group).is_err() {
        eprintln!("skipped: no group to be had");
        return;
    }
    bench.daemon("one", "readiness: {aliveFor: 0s}");
    let script =
        "echo 1 > \"$GROUP/cgroup.kill\"; echo $$ > \"$GROUP/cgroup.procs\" && exec \"$0\" apply specs";
    let ended = bench.command(&[]).get_program().to_owned();
    let applied = Command::new("sh")
        .args(["-c", script])
        .arg(ended)
        .current_dir(bench.root())
        .env("GROUP", &group)
        .env("SELFSAME_STATE_DIR", bench.path("state"))
        .output()
        .unwrap();
    assert!(applied.status.success(), "{applied:?}");
    let pid = bench.the_pid_of("one");
    let own = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    assert!(own.lines().any(|line| line.contains("/one-")), "in the group of its own: {own}");
    bench.ok(&["stop", "one"]);
    fs::remove_dir(&group).unwrap();
}
