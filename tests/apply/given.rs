//! What selfsame makes for a service and looks after: listening sockets, secrets, pid files.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::support::{Bench, free_port, is_alive, is_root, until};

/// Answers each connection to its first two sockets with what it was given, one after the other.
const SERVER: &str = r#"#!/usr/bin/perl
use strict; use Socket; use IO::Handle;
open(my $note, '>>', '%STARTS%'); print $note "$$\n"; close $note;
my @sockets = map { my $s = IO::Handle->new_from_fd($_, '+<'); $s } (3, 4);
my $said = "pid=$$ for=$ENV{LISTEN_PID} fds=$ENV{LISTEN_FDS} names=$ENV{LISTEN_FDNAMES}";
while (1) {
  my $bits = ''; vec($bits, $_, 1) = 1 for (3, 4);
  select($bits, undef, undef, undef) > 0 or next;
  for my $s (@sockets) {
    next unless vec($bits, fileno($s), 1);
    accept(my $c, $s) or next; $c->autoflush(1); print $c $said; close $c;
  }
}
"#;

/// What the server says, of whichever life.
fn asked(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn tcp(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream
}

fn pid_in(text: &str) -> i32 {
    let word = text.split_whitespace().find_map(|word| word.strip_prefix("pid="));
    word.and_then(|pid| pid.parse().ok()).unwrap_or_else(|| panic!("no pid in `{text}`"))
}

/// A bench whose service `web` listens at a port and at `ctl.sock`.
fn served() -> (Bench, u16) {
    let bench = Bench::new();
    let port = free_port();
    bench.script("bin/web", SERVER);
    spec(&bench, port, "");
    (bench, port)
}

fn spec(bench: &Bench, port: u16, more: &str) {
    let lines = format!(
        "startas: {}\nsockets:\n  - {{name: http, listen: \"tcp://127.0.0.1:{port}\", backlog: 16}}\n  \
         - {{name: ctl, listen: \"unix://${{runDir}}/ctl.sock\", mode: \"0600\"}}\n\
         readiness: {{aliveFor: 50ms}}\nrestart: {{backoff: 2s, jitter: 0}}\n\
         stop: {{schedule: [{{signal: KILL, wait: 5s}}]}}\n{more}",
        bench.path("bin/web").display()
    );
    bench.spec("web", &lines);
}

#[test]
fn sockets_are_passed_and_wait_while_the_service_is_down() {
    let (mut bench, port) = served();
    bench.watch(&[]);
    bench.until_running(&["web"]);
    let first = asked(tcp(port));
    let pid = pid_in(&first);
    assert_eq!(first, format!("pid={pid} for={pid} fds=2 names=http:ctl"));
    let path = bench.path("state/run/ctl.sock");
    assert_eq!(asked(UnixStream::connect(&path).unwrap()), first);
    let meta = fs::metadata(&path).unwrap();
    assert_eq!(meta.permissions().mode() & 0o777, 0o600);
    let listed: Vec<String> = fs::read_dir(format!("/proc/{pid}/fd"))
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter(|fd| fd.parse::<i32>().is_ok_and(|fd| fd > 4))
        .filter(|fd| {
            let link = fs::read_link(format!("/proc/{pid}/fd/{fd}")).unwrap_or_default();
            link.to_string_lossy().starts_with("socket:")
        })
        .collect();
    assert_eq!(listed, [""; 0], "no other socket of the engine is passed");
    // Twice, so that the second one has to wait for its back-off.
    for _ in 0..2 {
        let before = bench.starts().len();
        let pid = *bench.starts().last().unwrap();
        bench.kill(pid, "KILL");
        until("its end", || !is_alive(pid));
        // Nothing runs, or something new does: nobody is refused.
        let answer = asked(tcp(port));
        assert_ne!(pid_in(&answer), pid, "{answer}");
        assert_eq!(bench.starts().len(), before + 1);
    }
}

#[test]
fn sockets_outlive_the_engine_and_the_service_one_after_the_other() {
    let (mut bench, port) = served();
    bench.watch(&[]);
    bench.until_running(&["web"]);
    let pid = pid_in(&asked(tcp(port)));
    bench.end_watch("KILL");
    assert_eq!(pid_in(&asked(tcp(port))), pid, "the service has them");
    let engine = bench.watch(&[]);
    if !is_root() {
        eprintln!("skipped: the rest needs the right to trace");
        return;
    }
    // The new engine takes its copies from the service: the same sockets wait when that is gone.
    let inode = |pid: i32, fd: i32| fs::metadata(format!("/proc/{pid}/fd/{fd}")).unwrap().ino();
    let before = [inode(pid, 3), inode(pid, 4)];
    let held = || {
        let entries = fs::read_dir(format!("/proc/{engine}/fd")).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some(fs::metadata(entry.path()).ok()?.ino())).collect::<Vec<u64>>()
    };
    until("the copies", || before.iter().all(|inode| held().contains(inode)));
    bench.kill(pid, "KILL");
    until("its end", || !is_alive(pid));
    let next = pid_in(&asked(tcp(port)));
    assert_ne!(next, pid);
    assert_eq!([inode(next, 3), inode(next, 4)], before);
    assert!(bench.path("state/run/ctl.sock").exists());
}

#[test]
fn sockets_of_what_shall_not_run_are_closed_and_a_new_address_is_taken() {
    let (mut bench, port) = served();
    bench.watch(&[]);
    bench.until_running(&["web"]);
    let other = free_port();
    spec(&bench, other, "");
    until("the new address", || TcpStream::connect(("127.0.0.1", other)).is_ok());
    asked(tcp(other));
    until("the old one's end", || TcpStream::connect(("127.0.0.1", port)).is_err());
    spec(&bench, other, "state: stopped");
    bench.until_phase(&["web"], "Stopped");
    until("the end", || TcpStream::connect(("127.0.0.1", other)).is_err());
    until("the file's end", || !bench.path("state/run/ctl.sock").exists());
}

#[test]
fn an_address_in_use_is_named() {
    let bench = Bench::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let datagrams = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rows = [
        format!("tcp://{}", taken.local_addr().unwrap()),
        format!("udp://{}", datagrams.local_addr().unwrap()),
        format!("unix://{}", bench.path("file").display()),
        format!("unix://{}", bench.path("taken.sock").display()),
    ];
    fs::write(bench.path("file"), "x").unwrap();
    let _listens = std::os::unix::net::UnixListener::bind(bench.path("taken.sock")).unwrap();
    let parts = ["in use", "in use", "something else than a socket", "somebody else listens"];
    for (row, part) in rows.iter().zip(parts) {
        bench.spec(
            "web",
            &format!("startas: /bin/sleep\nargs: [\"4100\"]\nsockets: [{{name: a, listen: \"{row}\"}}]"),
        );
        let ran = bench.run(&["apply", "specs"]);
        assert!(ran.stdout.contains("socket `a` at") && ran.stdout.contains(part), "{row}: {ran:?}");
        assert_eq!(bench.status_pids("web"), [0; 0]);
    }
    // A socket that nobody listens at any more is in nobody's way.
    let stale = bench.path("stale.sock");
    // Made by another process: a child that another test forks at this moment would keep one of ours open until its exec.
    let listen = "use Socket; socket(my $s, PF_UNIX, SOCK_STREAM, 0) or die; \
                  bind($s, pack_sockaddr_un($ARGV[0])) or die; listen($s, 1) or die";
    let made = std::process::Command::new("/usr/bin/perl").args(["-e", listen]).arg(&stale).status();
    assert!(made.unwrap().success());
    bench.spec(
        "web",
        &format!("startas: /bin/sleep\nargs: [\"4100\"]\nreadiness: {{aliveFor: 10ms}}\nstop: {{schedule: [{{signal: KILL, wait: 5s}}]}}\nsockets: [{{name: a, listen: \"unix://{}\"}}]", stale.display()),
    );
    bench.ok(&["apply", "specs"]);
    UnixStream::connect(&stale).unwrap().write_all(b"x").unwrap();
}

/// Every file below a directory that holds a text.
fn holding(directory: &Path, needle: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            holding(&path, needle, found);
        } else if String::from_utf8_lossy(&fs::read(&path).unwrap_or_default()).contains(needle) {
            found.push(path.display().to_string());
        }
    }
}

#[test]
fn secrets_reach_the_service_and_nobody_else() {
    let bench = Bench::new();
    let (first, second) = ("hunter2-first", "hunter2-second");
    fs::write(bench.path("password"), format!("{first}\n")).unwrap();
    fs::write(bench.path("key"), format!("{first}\n")).unwrap();
    for file in ["password", "key"] {
        fs::set_permissions(bench.path(file), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let user = if is_root() { "user: nobody\n" } else { "" };
    fs::write(bench.path("starts"), "").unwrap();
    fs::set_permissions(bench.path("starts"), fs::Permissions::from_mode(0o666)).unwrap();
    let lines = format!(
        "{user}secrets: [{{name: PASSWORD, file: {0}/password, as: env}}, {{name: KEY, file: {0}/key}}]",
        bench.root().display()
    );
    bench.daemon("one", &lines);
    let applied = bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    let variable = |pid: i32, name: &str| {
        let block = fs::read(format!("/proc/{pid}/environ")).unwrap();
        let text = String::from_utf8_lossy(&block).into_owned();
        text.split('\0').find_map(|row| row.strip_prefix(&format!("{name}="))).map(str::to_owned)
    };
    assert_eq!(variable(pid, "PASSWORD").as_deref(), Some(first));
    assert_eq!(variable(pid, "KEY"), None);
    let copy = variable(pid, "KEY_FILE").unwrap();
    assert_eq!(fs::read_to_string(&copy).unwrap(), format!("{first}\n"));
    let (meta, above) =
        (fs::metadata(&copy).unwrap(), fs::metadata(Path::new(&copy).parent().unwrap()).unwrap());
    assert_eq!((meta.mode() & 0o777, above.mode() & 0o777), (0o400, 0o500));
    let owner = fs::metadata(format!("/proc/{pid}")).unwrap().uid();
    assert_eq!((meta.uid(), above.uid()), (owner, owner));
    let mut found = Vec::new();
    holding(&bench.path("state"), "hunter2", &mut found);
    assert_eq!(found, std::slice::from_ref(&copy));
    let explained = bench.run(&["explain", "one"]);
    let status = bench.run(&["status", "one", "--output", "json"]);
    // Another content is another service.
    fs::write(bench.path("password"), format!("{second}\n")).unwrap();
    let plan = bench.run(&["plan", "specs"]);
    assert!(plan.stdout.contains("secrets: another content"), "{plan:?}");
    let again = bench.ok(&["apply", "specs"]);
    for ran in [&applied, &explained, &status, &plan, &again] {
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hunter2"), "{ran:?}");
    }
    let next = *bench.starts().last().unwrap();
    assert_eq!(variable(next, "PASSWORD").as_deref(), Some(second));
    // Nothing stays behind.
    bench.daemon_spec("one", &format!("{lines}\nstate: stopped"));
    bench.ok(&["apply", "specs"]);
    assert!(!Path::new(&copy).exists());
}

#[test]
fn a_secret_that_others_can_change_is_refused() {
    let bench = Bench::new();
    fs::write(bench.path("password"), "x").unwrap();
    fs::set_permissions(bench.path("password"), fs::Permissions::from_mode(0o666)).unwrap();
    let lines = format!("secrets: [{{name: P, file: {}/password, as: env}}]", bench.root().display());
    bench.daemon("one", &lines);
    let ran = bench.run(&["apply", "specs"]);
    assert!(ran.stdout.contains("secret `P`") && ran.stdout.contains("not to be trusted"), "{ran:?}");
    assert!(bench.starts().is_empty());
}

#[test]
fn the_pidfile_names_the_process_as_long_as_it_runs() {
    let mut bench = Bench::new();
    let lines =
        "pidfile: ${runDir}/${name}-${index}.pid\nwritePidfile: true\nreplicas: 2\nargs: [\"${index}\"]";
    bench.daemon("one", lines);
    bench.watch(&[]);
    bench.until_running(&["one"]);
    let named = |index: u32| {
        let text = fs::read_to_string(bench.path(&format!("state/run/one-{index}.pid"))).unwrap_or_default();
        text.trim().parse::<i32>().ok()
    };
    let mut pids = bench.status_pids("one");
    pids.sort_unstable();
    let mut found: Vec<i32> = (0..2).filter_map(named).collect();
    found.sort_unstable();
    assert_eq!(found, pids);
    bench.kill(pids[0], "KILL");
    until("the next number", || {
        let found: Vec<i32> = (0..2).filter_map(named).collect();
        found.len() == 2 && !found.contains(&pids[0])
    });
    bench.daemon_spec("one", &format!("{lines}\nstate: stopped"));
    bench.until_phase(&["one"], "Stopped");
    until("their end", || (0..2).all(|index| !bench.path(&format!("state/run/one-{index}.pid")).exists()));
    // A link that somebody planted is not followed.
    let victim = bench.path("victim");
    fs::write(&victim, "mine").unwrap();
    std::os::unix::fs::symlink(&victim, bench.path("state/run/two.pid")).unwrap();
    bench.end_watch("TERM");
    bench.daemon("two", "pidfile: ${runDir}/two.pid\nwritePidfile: true");
    let ran = bench.run(&["apply", "specs/two.yaml"]);
    assert!(ran.stdout.contains("two: not started: pidfile") && ran.code != 0, "{ran:?}");
    assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
}
