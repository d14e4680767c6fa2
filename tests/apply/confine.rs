//! Confined services through the whole program: found again, asked for readiness where they live, and refused in time.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::support::{Bench, is_root, until};

/// A root directory with a program that sleeps.
fn jail(root: &Path) -> bool {
    fs::create_dir_all(root).unwrap();
    let build = "set -e; cd \"$0\"; mkdir -p bin usr/bin; cp /bin/sleep usr/bin/; ln -s /usr/bin/sleep bin/nap; \
        for f in $(ldd /bin/sleep | grep -o '/[^ :]*\\.so[^ :]*'); do mkdir -p .${f%/*}; cp $f .$f; done";
    is_root() && Command::new("/bin/sh").args(["-c", build]).arg(root).status().unwrap().success()
}

const END: &str = "readiness: {aliveFor: 50ms}\nstop: {schedule: [{signal: KILL, wait: 5s}]}";

#[test]
fn a_service_in_a_root_directory_of_its_own_is_found_again() {
    let bench = Bench::new();
    let root = bench.path("jail");
    if !jail(&root) {
        eprintln!("skipped: a root directory can't be built here");
        return;
    }
    // By its name, and by a link that leads elsewhere outside.
    for (name, program, seconds) in [("plain", "/usr/bin/sleep", "4001"), ("linked", "/bin/nap", "4002")] {
        let spec = format!(
            "startas: {program}\nargs: [\"{seconds}\"]\nchroot: {}\ntrustExecutable: true\n{END}",
            root.display()
        );
        bench.spec(name, &spec);
    }
    bench.ok(&["apply", "specs"]);
    let before = [bench.status_pids("plain"), bench.status_pids("linked")];
    for pids in &before {
        let seen = fs::read_link(format!("/proc/{}/root", pids[0])).unwrap();
        assert_eq!(seen, root.canonicalize().unwrap());
    }
    // Nothing is on record any more: found by what they are.
    fs::remove_dir_all(bench.path("state/run")).unwrap();
    bench.ok(&["apply", "specs"]);
    assert_eq!([bench.status_pids("plain"), bench.status_pids("linked")], before);
    bench.spec("script", &format!("startas: /bin/hello\nchroot: {}\n{END}", root.display()));
    fs::write(root.join("bin/hello"), "#!/bin/sh\n").unwrap();
    Command::new("chmod").arg("755").arg(root.join("bin/hello")).status().unwrap();
    let ran = bench.run(&["plan", "specs"]);
    assert!(ran.stdout.contains("`/bin/hello` is a script"), "{ran:?}");
    fs::remove_file(bench.path("specs/script.yaml")).unwrap();
}

#[test]
fn a_probe_sees_what_the_service_sees() {
    if !is_root() {
        eprintln!("skipped: mounts need root");
        return;
    }
    let can_mount = Command::new("unshare").args(["--mount", "true"]).status();
    if !can_mount.is_ok_and(|status| status.success()) {
        eprintln!("skipped: no mount namespace to be had");
        return;
    }
    let bench = Bench::new();
    let lines = "startas: /bin/sh\nargs: [\"-c\", \"echo 1 > /tmp/selfsame-ready-test; exec sleep 4003\"]\n\
        becomes: /bin/sleep\nmatchOnly: 'exe == \"/bin/sleep\" && argv[1] == \"4003\"'\n\
        security: {privateTmp: true}\n\
        readiness: {exec: {command: [/usr/bin/test, -e, /tmp/selfsame-ready-test]}, period: 50ms}\n\
        startTimeout: 20s\nstop: {schedule: [{signal: KILL, wait: 5s}]}";
    bench.spec("one", lines);
    bench.ok(&["apply", "specs"]);
    assert!(!Path::new("/tmp/selfsame-ready-test").exists());
    assert_eq!(bench.condition("one", "Ready")["status"], "True");
}

#[test]
fn new_privileges_are_forbidden_unless_the_user_is_root() {
    let bench = Bench::new();
    bench.daemon("own", "");
    bench.daemon("allowed", "security: {noNewPrivileges: false}");
    bench.daemon("forbidden", "security: {noNewPrivileges: true}");
    bench.ok(&["apply", "specs"]);
    let says = |name: &str| {
        let text = fs::read_to_string(format!("/proc/{}/status", bench.status_pids(name)[0])).unwrap();
        text.lines().find_map(|line| line.strip_prefix("NoNewPrivs:")).unwrap().trim().to_owned()
    };
    let default = if is_root() { "0" } else { "1" };
    assert_eq!([says("own"), says("allowed"), says("forbidden")], [default, "0", "1"]);
}

#[test]
fn what_selfsame_can_not_do_here_is_said_before_anything_starts() {
    let bench = Bench::new();
    bench.spec("one", "startas: /tmp/one\nsecurity: {privateTmp: true}");
    let ran = bench.run(&["check", "specs"]);
    assert_eq!(ran.code, 1, "the program lies in /tmp: {ran:?}");
    assert!(
        ran.stderr.contains("`security.privateTmp` hides")
            || ran.stdout.contains("`security.privateTmp` hides")
    );
    if is_root() {
        // Without the capability, as in many containers.
        let state = bench.path("state");
        let specs = "startas: /bin/sleep\nargs: [\"4004\"]\nsecurity: {readOnlyPaths: [/usr]}";
        fs::remove_file(bench.path("specs/one.yaml")).unwrap();
        bench.spec("two", specs);
        let output = Command::new("setpriv")
            .args(["--bounding-set=-sys_admin", "--inh-caps=-all", env!("CARGO_BIN_EXE_selfsame")])
            .args(["plan", "specs"])
            .current_dir(bench.root())
            .env("SELFSAME_STATE_DIR", &state)
            .output();
        let Ok(output) = output else { return };
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(text.contains("`security.readOnlyPaths` needs CAP_SYS_ADMIN"), "{text}");
    }
}

#[test]
fn limits_and_scheduling_are_given_to_what_runs() {
    let bench = Bench::new();
    let script = bench.script("bin/two", "#!/bin/sh\nsleep 4005 &\nnice -n 9 sleep 4006 &\nwait\n");
    let spec = |lines: &str| bench.spec("two", &format!("startas: {}\n{lines}\n{END}", script.display()));
    spec("limits: {nofile: 300}\nscheduling: {nice: 2}");
    bench.ok(&["apply", "specs"]);
    let pid = bench.status_pids("two")[0];
    let child = |seconds: &str| {
        let listed = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
        listed.split_whitespace().find_map(|child| {
            let words = fs::read(format!("/proc/{child}/cmdline")).ok()?;
            // Not the shell, nor `nice`, that becomes it.
            (words == format!("sleep\0{seconds}\0").as_bytes()).then(|| child.parse::<i32>().unwrap())
        })
    };
    until("both children", || child("4005").is_some() && child("4006").is_some());
    let (follows, stays) = (child("4005").unwrap(), child("4006").unwrap());
    let nice = |pid: i32| super::support::stat_field(pid, 19);
    let limit = |pid: i32, name: &str| {
        let text = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
        let row = text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
        row.split_whitespace().next().unwrap().to_owned()
    };
    assert_eq!([nice(pid), nice(follows), nice(stays)], ["2", "2", "11"]);
    spec(
        "limits: {nofile: 200, fsize: {soft: 1MiB, hard: unlimited}}\nscheduling: {nice: 4, cpuAffinity: [0], oomScoreAdj: 123}",
    );
    let plan = bench.run(&["plan", "specs"]);
    assert!(plan.stdout.contains("two: adjust: `limits` and `scheduling` changed"), "{plan:?}");
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.status_pids("two"), [pid], "the same process");
    assert_eq!([nice(pid), nice(follows), nice(stays)], ["4", "4", "11"], "one that chose its own keeps it");
    for pid in [pid, follows] {
        assert_eq!(limit(pid, "Max open files"), "200");
        assert_eq!(limit(pid, "Max file size"), "1048576");
        assert_eq!(fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap().trim(), "123");
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        assert!(status.contains("Cpus_allowed_list:\t0\n"), "{status}");
    }
    let quiet = bench.run(&["plan", "specs"]);
    assert_eq!((quiet.code, quiet.stdout.as_str()), (0, "nothing to do\n"), "{quiet:?}");
    // What is no longer said is as the engine's own.
    // That takes a privilege where the hard limit had been lowered or the nice value raised: its restart is another test's.
    let nice_stays = if is_root() { "" } else { "\nscheduling: {nice: 4}" };
    spec(&format!("limits: {{nofile: 200}}{nice_stays}"));
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.status_pids("two"), [pid]);
    let own = fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    assert_eq!(fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap(), own);
    assert_eq!(limit(pid, "Max file size"), limit(std::process::id().cast_signed(), "Max file size"));
    // The stack is laid out when a program begins.
    spec(&format!("limits: {{nofile: 200, stack: 4MiB}}{nice_stays}"));
    bench.ok(&["apply", "specs"]);
    assert_ne!(bench.status_pids("two"), [pid], "started anew");
}
