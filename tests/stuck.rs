//! A real process that is stuck on its memory map: one thread of it waits for a page that a file server never delivers
//! and holds the lock, a second one waits to change the map, and so everybody waits who wants to look.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use selfsame::facts::{Fact, Why};
use selfsame::host::proc::LiveWorld;
use selfsame::process::world::World;
use selfsame::units::Pid;
use support::{Bench, is_root};

/// The file server, in a mount namespace of its own, and the process that it keeps waiting. It speaks just enough of
/// `fuse(4)` for a file to be opened and mapped, and goes silent at the first read. Prints the number of the process;
/// ends, and lets the process go, when its input is closed.
const SERVER: &str = r#"
import ctypes, mmap, os, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
def stuck(at):
    file = os.open(at + "/f", os.O_RDONLY)
    area = mmap.mmap(file, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ)
    maps = [line for line in open("/proc/self/maps") if line.rstrip().endswith(at + "/f")]
    address = int(maps[0].partition("-")[0], 16)
    memory = os.open("/proc/self/mem", os.O_RDONLY)
    threading.Thread(target=os.pread, args=(memory, 1, address)).start()
    while True:
        mmap.mmap(-1, 4096)
at = os.path.realpath(sys.argv[1])
call("unshare", 0x20000)
call("mount", b"none", b"/", None, 0x4000 | 0x40000, None)
fuse = os.open("/dev/fuse", os.O_RDWR)
call("mount", b"stuck", at.encode(), b"fuse.stuck", 0, b"fd=%d,rootmode=40000,user_id=0,group_id=0" % fuse)
child = os.fork()
if child == 0:
    os.close(fuse)
    stuck(at)
def attributes(node):
    mode = 0o40755 if node == 1 else 0o100444
    return struct.pack("=6Q10I", node, 4096, 8, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)
while True:
    request = os.read(fuse, 1 << 20)
    _, kind, number, node = struct.unpack("=IIQQ", request[:24])
    answer = {
        26: struct.pack("=4I2H2I2HI", 7, 31, 0, 0, 1, 1, 4096, 1, 0, 0, 0) + b"\0" * 24,
        1: struct.pack("=4Q2I", 2, 0, 3600, 3600, 0, 0) + attributes(2),
        3: struct.pack("=QII", 3600, 0, 0) + attributes(node),
        14: struct.pack("=QII", 0, 0, 0),
    }
    if kind == 15:
        break
    body = answer.get(kind, b"")
    os.write(fuse, struct.pack("=IiQ", 16 + len(body), 0 if kind in answer else -38, number) + body)
while open("/proc/%d/stat" % child).read().rpartition(")")[2].split()[0] != "D":
    time.sleep(0.01)
print(child, flush=True)
sys.stdin.read()
os.kill(child, 9)
"#;

/// The server; the stuck process is let go with it.
struct Stuck {
    server: Child,
    pid: i32,
}

impl Drop for Stuck {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

/// A stuck process, if one can be made here.
fn stuck(bench: &Bench) -> Option<Stuck> {
    if !is_root() {
        eprintln!("skipped: only root can mount a file system that doesn't answer");
        return None;
    }
    let mount = bench.path("mount");
    std::fs::create_dir_all(&mount).unwrap();
    let mut command = Command::new("python3");
    command.args(["-c", SERVER]).arg(&mount);
    let mut server = match command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
        Ok(server) => server,
        Err(error) => {
            eprintln!("skipped: no python3 ({error})");
            return None;
        }
    };
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    if let Ok(pid) = line.trim().parse() {
        return Some(Stuck { server, pid });
    }
    server.wait().unwrap();
    eprintln!("skipped: no stuck process can be made here, for the reason above");
    None
}

/// A process with a name that the test asks for.
struct Named(Child);

impl Drop for Named {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Asks all processes for their arguments. Checks what is said of two of them, and returns those of the others that have no
/// verdict and are not gone either.
#[track_caller]
fn verdicts(bench: &Bench, stuck: i32, sought: i32) -> Vec<serde_json::Value> {
    let begun = Instant::now();
    let ran = bench.run(&["match", "argv[0] == \"/bin/sleep\"", "--all", "--output", "json"]);
    // It ends although its helper is still in the kernel.
    let time = begun.elapsed();
    assert!(time < Duration::from_mins(1), "{time:?}");
    let rows: Vec<serde_json::Value> = serde_json::from_str(&ran.stdout).unwrap();
    let of = |pid: i32| rows.iter().find(|row| row["pid"] == pid).unwrap();
    assert_eq!(of(stuck)["verdict"], "unknown", "{}", of(stuck));
    assert!(of(stuck)["reasons"].to_string().contains("timeout"), "{}", of(stuck));
    // The other test has a stuck process too.
    let is_theirs = |row: &serde_json::Value| {
        let comm = std::fs::read_to_string(format!("/proc/{}/comm", row["pid"])).unwrap_or_default();
        comm.trim() == "python3" && row["reasons"].to_string().contains("timeout")
    };
    let unknown = rows.iter().filter(|row| row["verdict"] == "unknown" && row["pid"] != stuck);
    let odd: Vec<_> = unknown.filter(|row| !is_theirs(row)).cloned().collect();
    assert!(!odd.is_empty() || of(sought)["verdict"] == "true", "{}", of(sought));
    odd
}

#[test]
fn it_costs_its_own_verdict_and_no_other() {
    let bench = Bench::new();
    let Some(stuck) = stuck(&bench) else { return };
    let mut command = Command::new("/bin/sleep");
    let sought = Named(command.arg("1000").stdin(Stdio::null()).spawn().unwrap());
    let sought = (i32::try_from(sought.0.id()).unwrap(), sought);
    support::until("the sought process", || {
        std::fs::read(format!("/proc/{}/cmdline", sought.0)).unwrap().starts_with(b"/bin/sleep\0")
    });

    // A busy machine may be late with others as well: one time in a few it isn't.
    let mut odd = Vec::new();
    for _ in 0..20 {
        odd = verdicts(&bench, stuck.pid, sought.0);
        if odd.is_empty() {
            break;
        }
    }
    assert!(odd.is_empty(), "{odd:?}");

    // What doesn't need its memory is known of it too.
    let pid = stuck.pid.to_string();
    let ran = bench.run(&["match", "comm == \"python3\" && alive && exe.nlink > 0", "--pid", &pid]);
    assert_eq!(ran.code, 0, "{ran:?}");
    for expression in ["uss > 0B", "has(env[\"PATH\"])", "has(execfn)"] {
        let ran = bench.run(&["match", expression, "--pid", &pid, "--output", "json"]);
        assert!(ran.code == 2 && ran.stdout.contains("timeout"), "{expression}: {ran:?}");
    }
}

#[test]
fn it_is_waited_for_once_and_no_longer_than_the_deadline() {
    let bench = Bench::new();
    let Some(stuck) = stuck(&bench) else { return };
    let why = |fact: Fact<()>| match fact {
        Fact::Unknown(reason) => Some(reason.why),
        Fact::Known(()) | Fact::Absent => None,
    };
    let pid = Pid(stuck.pid);
    let deadline = Duration::from_secs(1);
    let long = Duration::from_mins(1);
    let mut world = LiveWorld::new().unwrap().with_memory_deadline(deadline).with_budget(long);
    let begun = Instant::now();
    assert_eq!(why(world.arguments(pid).map(drop)), Some(Why::Timeout));
    assert!(begun.elapsed() >= deadline, "it was not waited for");
    assert_eq!(why(world.environ(pid).map(drop)), Some(Why::Timeout));
    assert_eq!(why(world.memory_use(pid).map(drop)), Some(Why::Timeout));
    // Neither in this look nor in later ones is it waited for again, whether it is asked alone or in a row with others.
    let begun = Instant::now();
    for _ in 0..20 {
        world = world.again();
        for other in world.visible_pids().iter() {
            let _ = world.arguments(*other);
        }
        assert_eq!(why(world.arguments(pid).map(drop)), Some(Why::Timeout));
        assert!(world.stat(pid).known().is_some() && world.exe_file(pid).known().is_some());
    }
    // The other test's stuck process is new to this one: it is waited for twice, in a row and alone. The rest is for a busy machine.
    let time = begun.elapsed();
    assert!(time < deadline * 15, "{time:?} for 20 looks");
    // Others are read as ever; and its helper comes back when it is let go.
    let own = Pid(i32::try_from(std::process::id()).unwrap());
    support::until("our own arguments", || world.again().arguments(own).known().is_some());
    drop(stuck);
    support::until("the end of the stuck process", || {
        !matches!(why(world.again().arguments(pid).map(drop)), Some(Why::Timeout))
    });
}
