//! Starting processes: what they get, and what is said when they can't be started.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::process::{Command, Stdio};

use rustix::time::{ClockId, clock_gettime};
use selfsame::host::spawn::spawn;
use selfsame::plan::action::{Ids, Launch, OutputTarget};
use selfsame::plan::memory::Exit;
use selfsame::spec::{CpuPolicy, IoClass, Limit, Scheduling};
use selfsame::units::{Gid, Signal, Uid};

use crate::support::{Guarded, eventually, executing, exit, launch, needs_root, script, start_ticks};

fn slot() -> File {
    tempfile::tempfile().unwrap()
}

/// Started, and through with execve.
fn sleeping(launch: &Launch) -> Guarded {
    let process = Guarded(spawn(launch, Some(slot().as_fd())).unwrap());
    executing(&process);
    process
}

fn sleeper() -> Launch {
    launch(&["/bin/sleep", "1000"])
}

/// A file in `/proc` of the process.
fn proc_file(process: &Guarded, name: &str) -> String {
    fs::read_to_string(format!("/proc/{}/{name}", process.0.pid)).unwrap()
}

fn status_line(process: &Guarded, name: &str) -> String {
    let text = proc_file(process, "status");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("{name}:"))).unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn the_slot_holds_the_key_that_proc_shows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("slot");
    let file = File::create(&path).unwrap();
    let process = Guarded(spawn(&sleeper(), Some(file.as_fd())).unwrap());
    let start = start_ticks(process.0.pid.0);
    assert_eq!(process.0.start.0, start);
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{} {start}\n", process.0.pid));
}

/// The first are read, all others but for those at the edge of a tick told by the clock.
#[test]
fn each_start_is_the_one_that_proc_shows() {
    for _ in 0..200 {
        let process = Guarded(spawn(&sleeper(), Some(slot().as_fd())).unwrap());
        assert_eq!(process.0.start.0, start_ticks(process.0.pid.0));
    }
}

#[test]
fn exits_are_told() {
    for (text, expected) in [
        ("exit 0", Exit::Code(0)),
        ("exit 7", Exit::Code(7)),
        ("kill -TERM $$", Exit::Signal(Signal::TERM)),
        ("kill -9 $$", Exit::Signal(Signal::KILL)),
    ] {
        let spawned = spawn(&launch(&["/bin/sh", "-c", text]), Some(slot().as_fd())).unwrap();
        assert_eq!(exit(&spawned), expected, "{text}");
    }
}

#[test]
fn what_can_not_be_executed_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    script(&at("bad-interpreter"), "#!/does/not/exist\n");
    script(&at("text"), "hello\n");
    script(&at("no-name"), "#!   \n");
    script(&at("not-executable"), "#!/bin/sh\n");
    fs::set_permissions(at("not-executable"), fs::Permissions::from_mode(0o644)).unwrap();
    script(&at("deep0"), "#!/bin/sh\n");
    for depth in 1..8 {
        script(&at(&format!("deep{depth}")), &format!("#!{}\n", at(&format!("deep{}", depth - 1)).display()));
    }
    symlink(at("loop"), at("loop")).unwrap();
    for (name, errno, part) in [
        ("missing", libc::ENOENT, "missing"),
        ("bad-interpreter", libc::ENOENT, "`/does/not/exist`"),
        ("text", libc::ENOEXEC, "`#!`"),
        ("no-name", libc::ENOEXEC, "no interpreter"),
        ("not-executable", libc::EACCES, "permission denied"),
        ("deep7", libc::ELOOP, "deep6"),
        ("loop", libc::ELOOP, "loop"),
    ] {
        let path = at(name);
        let error = spawn(&launch(&[path.to_str().unwrap()]), Some(slot().as_fd())).unwrap_err();
        assert_eq!((error.step, error.errno), ("execute", errno), "{name}");
        assert!(error.to_string().contains(part), "{name}: {error}");
    }
}

#[test]
fn a_program_open_for_writing_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("true");
    assert!(Command::new("/bin/cp").arg("/bin/true").arg(&path).status().unwrap().success());
    // In a process of its own: a descriptor of this one is also its children's until they execute.
    let mut writer = Command::new("/bin/sh")
        .args(["-c", "exec 3>>\"$0\"; echo open; read line"])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    BufReader::new(writer.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
    let argv = [path.to_str().unwrap()];
    let error = spawn(&launch(&argv), Some(slot().as_fd())).unwrap_err();
    assert_eq!(error.errno, libc::ETXTBSY);
    drop(writer.stdin.take());
    writer.wait().unwrap();
    let spawned = spawn(&launch(&argv), Some(slot().as_fd())).unwrap();
    assert_eq!(exit(&spawned), Exit::Code(0));
}

#[test]
fn a_missing_working_directory_is_named() {
    let launch = Launch { working_directory: "/no/such/directory".into(), ..sleeper() };
    let error = spawn(&launch, Some(slot().as_fd())).unwrap_err();
    assert_eq!((error.step, error.errno), ("change to the working directory", libc::ENOENT));
    assert!(error.to_string().contains("`/no/such/directory`"), "{error}");
}

#[test]
fn a_limit_that_is_refused_is_named() {
    // More than `fs.nr_open` is refused to everybody, and to others more than they have.
    let most = Limit { soft: Some(5), hard: Some(1 << 40) };
    let few = Limit { soft: Some(0), hard: Some(0) };
    let limits = BTreeMap::from([("core".into(), few), ("nofile".into(), most)]);
    let error = spawn(&Launch { limits, ..sleeper() }, Some(slot().as_fd())).unwrap_err();
    assert_eq!((error.step, error.errno), ("set `limits`", libc::EPERM));
    let said = error.to_string();
    assert!(said.contains("`limits.nofile` to 5 (hard: 1099511627776)"), "{said}");
    assert!(said.contains("selfsame's own hard limit is ") || said.contains("fs/nr_open"), "{said}");
}

#[test]
fn a_slot_that_can_not_be_written_starts_nothing() {
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let dir = tempfile::tempdir().unwrap();
    let proof = dir.path().join("ran");
    let error = spawn(&launch(&["/bin/touch", proof.to_str().unwrap()]), Some(full.as_fd())).unwrap_err();
    assert_eq!((error.step, error.errno), ("write down the new process", libc::ENOSPC));
    assert!(!proof.exists());
}

#[test]
fn the_surroundings_are_those_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().canonicalize().unwrap();
    let launch = Launch {
        env: BTreeMap::from([("A".into(), "1".into()), ("B".into(), "x=y z".into())]),
        working_directory: real.clone(),
        umask: 0o027,
        limits: BTreeMap::from([
            ("nofile".into(), Limit { soft: Some(77), hard: Some(99) }),
            ("core".into(), Limit { soft: Some(0), hard: Some(0) }),
        ]),
        scheduling: Scheduling {
            nice: Some(5),
            io_class: Some(IoClass::Idle),
            policy: Some(CpuPolicy::Batch),
            cpu_affinity: Some(vec![0]),
            oom_score_adj: Some(500),
            ..Scheduling::default()
        },
        ..sleeper()
    };
    let process = sleeping(&launch);
    let environ = fs::read(format!("/proc/{}/environ", process.0.pid)).unwrap();
    assert_eq!(environ, b"A=1\0B=x=y z\0");
    assert_eq!(fs::read_link(format!("/proc/{}/cwd", process.0.pid)).unwrap(), real);
    assert_eq!(status_line(&process, "Umask"), "0027");
    assert_eq!(status_line(&process, "Cpus_allowed_list"), "0");
    let limits = proc_file(&process, "limits");
    let row = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    assert_eq!(row.split_whitespace().skip(3).collect::<Vec<_>>(), ["77", "99", "files"]);
    let stat = procfs::process::Process::new(process.0.pid.0).unwrap().stat().unwrap();
    assert_eq!((stat.nice, stat.policy), (5, Some(3)), "SCHED_BATCH");
    assert_eq!((stat.session, stat.pgrp), (process.0.pid.0, process.0.pid.0), "a session of its own");
    assert_eq!(proc_file(&process, "oom_score_adj").trim(), "500");
    let own = fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    assert_ne!(own.trim(), "500", "the shared memory has not carried it over");
}

#[test]
fn signals_are_as_in_a_fresh_process() {
    // Rust ignores SIGPIPE, and this thread blocks one more.
    let mut blocked = nix::sys::signal::SigSet::empty();
    blocked.add(nix::sys::signal::Signal::SIGUSR2);
    blocked.thread_block().unwrap();
    let process = sleeping(&sleeper());
    let zero = "0000000000000000";
    assert_eq!(
        (status_line(&process, "SigBlk"), status_line(&process, "SigIgn")),
        (zero.into(), zero.into())
    );
    let mask = nix::sys::signal::SigSet::thread_get_mask().unwrap();
    assert!(mask.contains(nix::sys::signal::Signal::SIGUSR2), "the mask of the engine is put back");
    assert!(!mask.contains(nix::sys::signal::Signal::SIGTERM));
}

#[test]
fn only_the_three_standard_descriptors_are_passed() {
    // Descriptors that somebody gave us without close-on-exec.
    let leaked = nix::unistd::dup(std::io::stderr().as_fd()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("out.log");
    // The loader of a program has libraries open for a moment: one that says something is past it.
    let stopped = launch(&["/bin/sh", "-c", "echo up; kill -STOP $$"]);
    let process = sleeping(&Launch { stdout: OutputTarget::File(log.clone()), ..stopped });
    eventually("the first line", || (fs::read(&log).ok()? == b"up\n").then_some(()));
    let dir = format!("/proc/{}/fd", process.0.pid);
    let mut names: Vec<_> =
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, ["0", "1", "2"]);
    let link = |n: u8| fs::read_link(format!("{dir}/{n}")).unwrap();
    assert_eq!((link(0), link(1), link(2)), ("/dev/null".into(), log, "/dev/null".into()));
    drop(leaked);
}

#[test]
fn output_is_appended() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    fs::write(&log, "before\n").unwrap();
    let target = OutputTarget::File(log.clone());
    let launch = Launch {
        stdout: target.clone(),
        stderr: target,
        ..launch(&["/bin/sh", "-c", "echo out; echo err >&2"])
    };
    exit(&spawn(&launch, Some(slot().as_fd())).unwrap());
    assert_eq!(fs::read_to_string(&log).unwrap(), "before\nout\nerr\n");
}

#[test]
fn planted_outputs_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    fs::write(at("victim"), "").unwrap();
    symlink(at("victim"), at("link")).unwrap();
    fs::hard_link(at("victim"), at("hard")).unwrap();
    nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    fs::create_dir(at("directory")).unwrap();
    for (name, part) in [
        ("link", "symbolic link"),
        ("hard", "second name"),
        ("fifo", "not a regular file"),
        ("directory", "directory"),
        ("missing/log", "no such file"),
    ] {
        let launch = Launch { stdout: OutputTarget::File(at(name)), ..sleeper() };
        let error = spawn(&launch, Some(slot().as_fd())).unwrap_err();
        assert!(error.to_string().contains(part), "{name}: {error}");
    }
}

#[test]
fn outputs_of_strangers_are_refused() {
    if needs_root("outputs_of_strangers_are_refused") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    fs::write(&log, "").unwrap();
    nix::unistd::chown(&log, Some(4321.into()), None).unwrap();
    let mut launch = Launch { stdout: OutputTarget::File(log), ..sleeper() };
    let error = spawn(&launch, Some(slot().as_fd())).unwrap_err();
    assert!(error.to_string().contains("belongs to user 4321"), "{error}");
    // The service's own file is fine.
    launch.ids = Some(Ids { uid: Uid(4321), gid: Gid(4321), groups: vec![] });
    sleeping(&launch);
    let ours = dir.path().join("link-of-a-stranger");
    symlink(dir.path(), &ours).unwrap();
    nix::unistd::fchownat(
        nix::fcntl::AT_FDCWD,
        &ours,
        Some(4321.into()),
        None,
        nix::fcntl::AtFlags::AT_SYMLINK_NOFOLLOW,
    )
    .unwrap();
    launch.stdout = OutputTarget::File(ours.join("new"));
    let error = spawn(&launch, Some(slot().as_fd())).unwrap_err();
    assert!(error.to_string().contains("symbolic link"), "{error}");
}

#[test]
fn ids_and_groups_are_taken_on() {
    if needs_root("ids_and_groups_are_taken_on") {
        return;
    }
    let ids = Ids { uid: Uid(4321), gid: Gid(4322), groups: vec![Gid(4323), Gid(4324)] };
    let process = sleeping(&Launch { ids: Some(ids), ..sleeper() });
    assert_eq!(status_line(&process, "Uid"), "4321 4321 4321 4321");
    assert_eq!(status_line(&process, "Gid"), "4322 4322 4322 4322");
    assert_eq!(status_line(&process, "Groups"), "4323 4324");
    assert_eq!(status_line(&process, "CapEff"), "0000000000000000");
    assert!(nix::unistd::geteuid().is_root(), "the engine keeps its own");
}

#[test]
fn without_privilege_ids_can_not_be_changed() {
    if crate::support::is_root() {
        eprintln!("skipped: this is root");
        return;
    }
    let ids = Ids { uid: Uid(0), gid: Gid(0), groups: vec![] };
    let error = spawn(&Launch { ids: Some(ids), ..sleeper() }, Some(slot().as_fd())).unwrap_err();
    assert_eq!((error.step, error.errno), ("change to the user and groups", libc::EPERM));
}

#[test]
fn arguments_with_a_nul_are_refused() {
    let error = spawn(&launch(&["/bin/echo", "a\0b"]), Some(slot().as_fd())).unwrap_err();
    assert_eq!((error.step, error.errno), ("pass the arguments and environment", libc::EINVAL));
    let huge = "x".repeat(200_000);
    let error = spawn(&launch(&["/bin/echo", &huge]), Some(slot().as_fd())).unwrap_err();
    assert_eq!((error.step, error.errno), ("execute", libc::E2BIG));
}

#[test]
fn the_cost_does_not_grow_with_the_engine() {
    let mut memory = vec![1u8; 256 << 20];
    memory.iter_mut().step_by(4096).for_each(|byte| *byte = 2);
    // The least of this thread's own time, which others on the machine take no part in.
    let own = || clock_gettime(ClockId::ThreadCPUTime);
    let mut least = i64::MAX;
    for _ in 0..20 {
        let before = own();
        let spawned = spawn(&launch(&["/bin/true"]), Some(slot().as_fd())).unwrap();
        let time = own() - before;
        least = least.min(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000);
        exit(&spawned);
    }
    // A fork with so much memory takes 16 ms and more for the page tables alone.
    assert!(least < 10_000, "{least} us");
    assert_eq!(memory.iter().step_by(4096).map(|byte| u64::from(*byte)).sum::<u64>(), 2 * 65_536);
}

#[test]
fn many_threads_may_start_at_once() {
    let threads: Vec<_> = (0..8)
        .map(|n| {
            std::thread::spawn(move || {
                for _ in 0..10 {
                    let code = format!("exit {n}");
                    let spawned = spawn(&launch(&["/bin/sh", "-c", &code]), Some(slot().as_fd())).unwrap();
                    assert_eq!(exit(&spawned), Exit::Code(n));
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
fn a_script_runs_under_its_own_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("hello.sh");
    script(&path, "#!/bin/sh\necho \"$0 $1\"\n");
    let log = dir.path().join("log");
    let launch = Launch { stdout: OutputTarget::File(log.clone()), ..launch(&[path.to_str().unwrap(), "x"]) };
    exit(&spawn(&launch, Some(slot().as_fd())).unwrap());
    let mut text = String::new();
    File::open(&log).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, format!("{} x\n", path.display()));
}
