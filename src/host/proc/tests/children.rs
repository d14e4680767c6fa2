//! What a look says of processes whose state the test has chosen.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::{MOST_STUCK, process_key};
use super::{Fact, LiveWorld, Pid, Running, Why, World, bytes, look, why};
use crate::facts::ProcessState;
use crate::host::testing::copied;
use crate::process::world::{Namespace, Root};
use crate::spec::ServiceName;
use crate::units::Uid;

fn words(world: &LiveWorld, pid: Pid) -> Vec<String> {
    let arguments = world.arguments(pid).known().unwrap();
    arguments.words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

#[test]
fn an_ordinary_child_is_known_in_every_respect() {
    let mut command = Command::new("/bin/sleep");
    let child = Running::start(command.arg("1000").env_clear().env("APP_ENV", "prod").current_dir("/tmp"));
    child.until_asleep();
    let (world, pid) = (look(), child.pid());
    let me = world.self_pid().known().unwrap();

    assert!(world.pids().known().unwrap().contains(&pid));
    assert_eq!(world.owner(pid).known().unwrap().0, Uid(rustix::process::geteuid().as_raw()));
    let exe = world.exe_file(pid).known().unwrap();
    assert!(exe.same_file(&world.file(Root::Engine, b"/bin/sleep").known().unwrap()));
    assert_eq!(world.exe_text(pid), world.file(Root::Engine, b"/bin/sleep").map(|file| file.real));
    let stat = world.stat(pid).known().unwrap();
    assert_eq!((stat.ppid, stat.state, stat.threads), (me, ProcessState::Sleeping, 1));
    assert_eq!(world.status(pid).known().unwrap().credentials.uid[1], rustix::process::geteuid().as_raw());
    assert_eq!(words(&world, pid), ["/bin/sleep", "1000"]);
    let environ = world.environ(pid).known().unwrap();
    assert_eq!(environ.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>(), [b"APP_ENV=prod"]);
    assert_eq!(world.execfn(pid).known().as_deref(), Some(b"/bin/sleep".as_ref()));
    assert_eq!(world.cwd(pid).known().unwrap().text.as_ref(), b"/tmp");
    assert!(world.root(pid).known().unwrap().same);
    for kind in [Namespace::Pid, Namespace::Mnt, Namespace::Net, Namespace::User, Namespace::Time] {
        assert_eq!(world.namespace(pid, kind), world.own_namespace(kind), "{kind:?}");
    }
    assert!(world.cgroups(pid).known().is_some());
    assert!(world.limit(pid, "nofile").known().is_some());
    assert_eq!(world.limit(pid, "nosuch"), Fact::Absent);
    assert!(world.oom_score(pid).known().is_some());
    assert_eq!(world.oom_score_adj(pid), world.oom_score_adj(me));
    assert!(world.io(pid).known().is_some());
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    assert_eq!(world.fd_count(pid), Fact::Known(u64::try_from(open).unwrap()));
    assert_eq!(why(&world.login_uid(pid)), None);
    assert_eq!(why(&world.security_label(pid)), None);
    assert_eq!(world.tasks(pid).known().unwrap()[0].tid, pid);
    assert_eq!(world.process_key(pid), process_key(pid));
}

#[test]
fn every_fact_may_be_the_first() {
    let child = Running::sleep();
    let (first, pid) = (look(), child.pid());
    let ask: [fn(&LiveWorld, Pid) -> bool; 8] = [
        |world, pid| world.owner(pid).known().is_some(),
        |world, pid| world.exe_file(pid).known().is_some(),
        |world, pid| world.exe_text(pid).known().is_some(),
        |world, pid| world.comm(pid).known().is_some(),
        |world, pid| world.stat(pid).known().is_some(),
        |world, pid| world.arguments(pid).known().is_some(),
        |world, pid| world.execfn(pid).known().is_some(),
        |world, pid| world.root(pid).known().is_some(),
    ];
    for (position, begin) in ask.iter().enumerate() {
        for listed in [false, true] {
            let world = first.again();
            if listed {
                assert!(world.pids().known().is_some());
            }
            assert!(begin(&world, pid), "{position}");
            for (next, question) in ask.iter().enumerate() {
                assert!(question(&world, pid), "{position} then {next}");
            }
        }
    }
}

#[test]
fn a_zombie_has_a_name_and_no_image() {
    let child = Running::start(&mut Command::new("/bin/true"));
    child.until(|world, pid| world.stat(pid).known().is_some_and(|s| s.state == ProcessState::Zombie));
    let (world, pid) = (look(), child.pid());
    assert_eq!(world.exe_file(pid), Fact::Absent);
    assert_eq!(world.exe_text(pid), Fact::Absent);
    assert_eq!(world.arguments(pid), Fact::Absent);
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: the kernel denies the rest to all but root");
        return;
    }
    assert_eq!(world.environ(pid), Fact::Absent);
    assert_eq!(world.execfn(pid), Fact::Absent);
    assert_eq!(world.cwd(pid), Fact::Absent);
    assert_eq!(world.comm(pid).known().as_deref(), Some(b"true".as_ref()));
    assert!(world.owner(pid).known().is_some());
    assert!(world.process_key(pid).known().is_some());
}

#[test]
fn a_process_that_exits_during_the_look_is_not_taken_for_a_zombie_without_image() {
    let mut child = Running::sleep();
    let (world, pid) = (look(), child.pid());
    assert!(world.exe_file(pid).known().is_some());
    assert!(world.stat(pid).known().is_some());
    child.0.kill().unwrap();
    child.until(|world, pid| world.stat(pid).known().is_some_and(|s| s.state == ProcessState::Zombie));
    assert_eq!(why(&world.arguments(pid)), Some(Why::Vanished));
    assert_eq!(why(&world.status(pid)), Some(Why::Vanished));
    assert!(world.exe_file(pid).known().is_some(), "what was told stays told");
}

#[test]
fn a_reaped_process_answers_vanished_from_then_on() {
    let child = Running::sleep();
    let (world, pid) = (look(), child.pid());
    let owner = world.owner(pid);
    assert!(world.comm(pid).known().is_some());
    child.end();
    assert_eq!(world.owner(pid), owner);
    assert_eq!(why(&world.stat(pid)), Some(Why::Vanished));
    assert_eq!(why(&world.exe_file(pid)), Some(Why::Vanished));
    assert_eq!(why(&world.arguments(pid)), Some(Why::Vanished));
    assert_eq!(why(&world.owner(Pid(i32::MAX))), Some(Why::Vanished));
    assert_eq!(process_key(pid), Fact::Absent);
}

#[test]
fn a_script_shows_its_interpreter_and_keeps_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("serve");
    crate::host::testing::program(&script, "#!/bin/sh\nread line\n");
    let child = Running::start(Command::new(&script).args(["", "x"]));
    // vfork returns a moment before exec is finished: argv is empty then.
    child.until(|world, pid| {
        world.comm(pid).known().is_some_and(|comm| *comm == *b"serve") && !words(world, pid).is_empty()
    });
    let (world, pid) = (look(), child.pid());
    let shell = world.file(Root::Engine, b"/bin/sh").known().unwrap();
    assert!(world.exe_file(pid).known().unwrap().same_file(&shell));
    assert_eq!(words(&world, pid), ["/bin/sh", script.to_str().unwrap(), "", "x"]);
    assert_eq!(world.execfn(pid).known().as_deref(), Some(bytes(&script)));
}

#[test]
fn of_arguments_and_environment_two_mebibytes_are_read() {
    // One word may be 128 KiB long, and a quarter of the stack's limit is theirs: so a shell raises it for a shell.
    let code = r#"ulimit -S -s 65536 || exit; long=$(head -c 120000 /dev/zero | tr '\0' x); set -- first; n=0
        while [ $n -lt 20 ]; do set -- "$@" "$long"; export "LONG_$n=$long"; n=$((n + 1)); done
        exec env LAST=1 /bin/sh -c 'echo ready; read line' "$@""#;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", code]).env_clear().env("APP_ENV", "prod").env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Running(command.spawn().unwrap());
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.0.stdout.take().unwrap()), &mut line)
        .unwrap();
    if line.trim() != "ready" {
        eprintln!("skipped: the limit of the stack can't be raised here");
        return;
    }
    let (world, pid) = (look(), child.pid());
    let arguments = world.arguments(pid).known().unwrap();
    assert!(arguments.truncated && !arguments.padded);
    assert_eq!(arguments.words.iter().map(|word| word.len() + 1).sum::<usize>(), (2 << 20) + 1);
    assert_eq!(words(&world, pid)[..2], ["/bin/sh", "-c"]);
    assert_eq!(why(&world.environ(pid)), Some(Why::Truncated));
    // What stands in the beginning is known, and what doesn't may stand in the rest.
    let known = |name: &str| world.variable(pid, name.as_bytes());
    assert!(["APP_ENV", "LONG_0"].into_iter().any(|name| known(name).known().is_some()));
    let all: Vec<String> = (0..20).map(|n| format!("LONG_{n}")).collect();
    assert!(all.iter().any(|name| why(&known(name)) == Some(Why::Truncated)));
    assert_eq!(why(&known("NONE")), Some(Why::Truncated));
}

#[test]
fn kernel_threads_have_no_image() {
    let world = look();
    let pid = Pid(2);
    if world.comm(pid).known().as_deref() != Some(b"kthreadd") {
        eprintln!("skipped: kernel threads are not visible here");
        return;
    }
    assert_eq!(world.exe_file(pid), Fact::Absent);
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: the kernel denies the rest to all but root");
        return;
    }
    for world in [world.again(), world] {
        assert_eq!(world.exe_file(pid), Fact::Absent);
        assert_eq!(world.arguments(pid), Fact::Absent);
        assert_eq!(world.cwd(pid), Fact::Absent);
        assert_eq!(world.execfn(pid), Fact::Absent);
        assert_eq!(world.environ(pid), Fact::Absent);
    }
}

#[test]
fn a_process_whose_leader_exited_is_read_through_a_live_thread() {
    let code = "import threading,time,ctypes\nthreading.Thread(target=time.sleep,args=(1000,)).start()\n\
        ctypes.CDLL(None).pthread_exit(None)";
    let Ok(child) = Command::new("python3").args(["-c", code]).spawn() else {
        eprintln!("skipped: no python3");
        return;
    };
    let child = Running(child);
    child.until(|world, pid| world.stat(pid).known().is_some_and(|s| s.state == ProcessState::Zombie));
    let (world, pid) = (look(), child.pid());
    assert!(world.exe_file(pid).known().is_some());
    assert!(world.exe_text(pid).known().is_some_and(|text| text.starts_with(b"/")));
    assert_eq!(words(&world, pid)[1..], ["-c", code]);
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: the kernel denies the rest to all but root");
        return;
    }
    assert!(world.execfn(pid).known().is_some());
    assert!(world.cwd(pid).known().is_some());
    let states: Vec<_> = world.tasks(pid).known().unwrap().iter().map(|task| task.state).collect();
    assert!(states.len() == 2 && states.contains(&ProcessState::Zombie));
}

#[test]
fn only_the_recorded_process_is_managed() {
    let (mine, other) = (Running::sleep(), Running::sleep());
    let world = look();
    let key = world.process_key(mine.pid()).known().unwrap();
    let mut recycled = world.process_key(other.pid()).known().unwrap();
    recycled.start.0 -= 1;
    let managed = BTreeMap::from([(key, ServiceName::near("web")), (recycled, ServiceName::near("old"))]);
    let world = world.again().with_managed(managed.into());
    assert_eq!(world.managed_as(mine.pid()), Fact::Known("web".into()));
    assert_eq!(world.managed_as(other.pid()), Fact::Absent);
    assert_eq!(world.managed_as(Pid(1)), Fact::Absent);
}

#[test]
fn memory_that_does_not_answer_is_a_timeout_and_nothing_else_waits() {
    let child = Running::sleep();
    let (world, pid) = (look(), child.pid());
    let gate = Arc::new(Mutex::new(()));
    let world = world.again().with_memory_deadline(Duration::from_millis(1));
    let closed = gate.lock().unwrap();
    for _ in 0..MOST_STUCK {
        let gate = Arc::clone(&gate);
        let _ = world.readers.run(Duration::from_millis(1), move || drop(gate.lock()));
    }
    assert_eq!(why(&world.arguments(pid)), Some(Why::Timeout));
    assert_eq!(why(&world.environ(pid)), Some(Why::Timeout));
    assert!(world.exe_file(pid).known().is_some());
    assert!(world.stat(pid).known().is_some());
    drop(closed);
}

#[test]
fn an_account_has_every_read_once() {
    let child = Running::start(Command::new("/bin/sleep").arg("1000"));
    child.until_asleep();
    let (world, pid) = (look().with_account(), child.pid());
    let _ = world.owner(pid);
    assert_eq!(world.take_reads(), ["."]);
    let _ = world.comm(pid);
    assert_eq!(world.take_reads().last().map(String::as_str), Some("comm"));
    let _ = (world.comm(pid), world.owner(pid));
    assert!(world.take_reads().is_empty(), "what is known isn't read again");
    let _ = (world.arguments(pid), world.exe_file(pid), world.namespace(pid, Namespace::Pid));
    let reads = world.take_reads();
    for file in ["cmdline", "exe", "ns/pid"] {
        assert_eq!(reads.iter().filter(|read| *read == file).count(), 1, "{file} in {reads:?}");
    }
    let _ = world.execfn(pid);
    assert_eq!(world.take_reads(), ["auxv", "mem"]);
    assert!(look().take_reads().is_empty(), "without an account there is none");
}

#[test]
fn the_name_beside_the_owner_is_of_the_same_process_and_stands_in_the_account() {
    let child = Running::sleep();
    let (world, pid) = (look().with_account(), child.pid());
    world.pids();
    assert!(world.owner(pid).known().is_some());
    assert_eq!(world.take_reads(), ["."]);
    assert_eq!(world.comm(pid).known().as_deref(), Some(b"sleep".as_ref()));
    assert_eq!(world.take_reads(), ["comm"]);
    child.end();
    // What comes next finds out that nobody is behind both any more.
    assert_eq!(why(&world.stat(pid)), Some(Why::Vanished));
}

#[test]
fn a_program_is_shown_by_the_name_that_it_was_executed_by_as_long_as_it_has_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().canonicalize().unwrap();
    let (first, second) = (dir.join("first"), dir.join("second (deleted)"));
    copied("/bin/sleep", &first);
    std::fs::hard_link(&first, &second).unwrap();
    let children = [&first, &second].map(|program| Running::start(Command::new(program).arg("1000")));
    // The kernel keeps 15 bytes of a name.
    children[0].until_asleep_as(b"first");
    children[1].until_asleep_as(b"second (deleted");
    let shown = |children: &[Running; 2]| {
        let world = look();
        let text = |child: &Running| {
            let (text, deleted) = world.exe_shown(child.pid());
            (String::from_utf8(text.unwrap().to_vec()).unwrap(), deleted)
        };
        children.each_ref().map(text)
    };
    let path = |path: &std::path::Path, more: &str| format!("{}{more}", path.display());
    assert_eq!(shown(&children), [(path(&first, ""), false), (path(&second, ""), false)]);
    std::fs::remove_file(&first).unwrap();
    let gone = " (deleted)";
    assert_eq!(shown(&children)[0], (path(&first, gone), false), "the file has another name still");
    let aside = dir.join("aside");
    std::fs::rename(&second, &aside).unwrap();
    assert_eq!(shown(&children)[1], (path(&aside, ""), false));
    std::fs::remove_file(&aside).unwrap();
    assert_eq!(shown(&children), [(path(&first, gone), true), (path(&aside, gone), true)]);
}

/// Whoever makes a process goes on as soon as that has left its memory: the new one has no arguments for a moment. A copy that somebody starts by
/// hand was taken for one without arguments then, which is none of a service that has some.
#[test]
fn who_is_just_being_executed_has_arguments_or_it_is_not_known() {
    let mut unknown = 0;
    for _ in 0..300 {
        let mut command = Command::new("/bin/sleep");
        let child = Running::start(command.arg("1000").env_clear().env("APP_ENV", "prod"));
        let (world, pid) = (look(), child.pid());
        // It has left our memory when it executes its own file.
        let executes = world
            .exe_text(pid)
            .known()
            .is_some_and(|text| text.ends_with(b"sleep") || text.ends_with(b"coreutils"));
        let (arguments, environ) = (world.arguments(pid), world.environ(pid));
        if !executes {
            continue;
        }
        match arguments {
            Fact::Known(arguments) => assert_eq!(arguments.words.len(), 2),
            Fact::Absent => panic!("it lives"),
            Fact::Unknown(reason) => {
                unknown += 1;
                assert_eq!(reason.why, Why::Timeout);
            }
        }
        assert_ne!(environ.known().map(|entries| entries.len()), Some(0));
    }
    assert!(unknown < 300, "{unknown}");
}
