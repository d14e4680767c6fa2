//! Sockets that the test has opened itself: what a look says of them must be what was opened.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixListener, UnixStream};
use std::process::{Command, Stdio};
use std::sync::Arc;

use super::super::sockets::Kind;
use super::super::{LiveWorld, raw};
use super::{Fact, Pid, Running, World, eventually, is_root, look};
use crate::process::world::Namespace;

/// A process that has this socket and no other.
fn with(socket: impl Into<OwnedFd>) -> Running {
    let mut command = Command::new("/bin/sleep");
    command.arg("1000").stdin(Stdio::from(socket.into())).stdout(Stdio::null()).stderr(Stdio::null());
    asleep(&mut command)
}

fn asleep(command: &mut Command) -> Running {
    let child = Running(command.spawn().unwrap());
    child.until_asleep();
    child
}

/// As people read them, without those that every child of whoever runs the tests inherits.
fn shown(sockets: &Fact<Arc<[crate::facts::Socket]>>) -> Vec<String> {
    let Fact::Known(sockets) = sockets else { panic!("{sockets:?}") };
    let inherited = look().sockets(Running::sleep().pid()).known().unwrap();
    let own = sockets.iter().filter(|socket| !inherited.contains(socket));
    own.map(ToString::to_string).collect()
}

/// What is said of a process with this one socket, and whether it waits for others.
#[track_caller]
fn check(socket: impl Into<OwnedFd>, expected: &str, waits: bool) {
    let child = with(socket);
    let world = look();
    assert_eq!(shown(&world.sockets(child.pid())), [expected]);
    assert_eq!(shown(&world.listens(child.pid())).len(), usize::from(waits), "{expected}");
    assert!(of_text(&world, child.pid()).contains(&expected.to_owned()), "/proc/PID/net: {expected}");
}

/// The same by the files below `/proc/PID/net` alone.
fn of_text(world: &LiveWorld, pid: Pid) -> Vec<String> {
    let entry = world.entry(pid);
    let dir = world.dir(&entry).unwrap();
    let inodes = world.socket_inodes(&entry).known().unwrap();
    let tables = Kind::ALL.map(|kind| world.as_text(&dir, kind).unwrap());
    let found = inodes.iter().filter_map(|inode| tables.iter().find_map(|table| table.get(inode)));
    found.map(ToString::to_string).collect()
}

#[test]
fn every_kind_of_socket_is_known_by_what_it_was_opened_with() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let client = TcpStream::connect(at).unwrap();
    let (served, from) = listener.accept().unwrap();
    check(client, &format!("tcp {from} -> {at} established"), false);
    drop(served);
    check(listener, &format!("tcp {at} listen"), true);

    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = udp.local_addr().unwrap();
    let connected = UdpSocket::bind("127.0.0.1:0").unwrap();
    connected.connect(at).unwrap();
    let from = connected.local_addr().unwrap();
    check(connected, &format!("udp {from} -> {at} established"), false);
    check(udp, &format!("udp {at} unconnected"), true);
}

#[test]
fn ipv4_in_the_clothes_of_ipv6_is_ipv4() {
    let Ok(listener) = TcpListener::bind("[::]:0") else {
        eprintln!("skipped: no IPv6 here");
        return;
    };
    let at = listener.local_addr().unwrap();
    let client = TcpStream::connect(("127.0.0.1", at.port())).unwrap();
    let (served, _) = listener.accept().unwrap();
    let from = client.local_addr().unwrap();
    check(served, &format!("tcp 127.0.0.1:{} -> {from} established", at.port()), false);
    check(listener, &format!("tcp [::]:{} listen", at.port()), true);
    if let Ok(udp) = UdpSocket::bind("[::1]:0") {
        let at = udp.local_addr().unwrap();
        check(udp, &format!("udp {at} unconnected"), true);
    }
}

#[test]
fn unix_sockets_are_known_by_their_path() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a socket");
    let listener = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    let (served, _) = listener.accept().unwrap();
    check(served, &format!("unix {} established", path.display()), false);
    check(client, "unix established", false);
    check(listener, &format!("unix {} listen", path.display()), true);
    let name = format!("selfsame-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    check(UnixDatagram::bind_addr(&address).unwrap(), &format!("unix @{name} unconnected"), false);
}

#[test]
fn a_socket_with_two_descriptors_is_one_socket() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut command = Command::new("/bin/sleep");
    command.arg("1000").stdin(Stdio::from(OwnedFd::from(listener.try_clone().unwrap())));
    command.stdout(Stdio::from(OwnedFd::from(listener))).stderr(Stdio::null());
    assert_eq!(shown(&look().sockets(asleep(&mut command).pid())).len(), 1);
}

#[test]
fn a_namespace_is_asked_once_in_a_look() {
    let first = with(TcpListener::bind("127.0.0.1:0").unwrap());
    let world = look();
    assert_eq!(shown(&world.listens(first.pid())).len(), 1);
    let later = with(TcpListener::bind("127.0.0.1:0").unwrap());
    assert_eq!(shown(&world.listens(later.pid())), [""; 0], "the same look asked the kernel again");
    assert_eq!(shown(&world.again().listens(later.pid())).len(), 1);
}

/// Runs a program in a network namespace of its own.
fn unshared() -> Command {
    let options: &[&str] = if is_root() { &["--net"] } else { &["--user", "--map-root-user", "--net"] };
    let mut command = Command::new("unshare");
    command.args(options);
    command
}

/// A python program in a network namespace of its own, if there is one to be had. It listens and then waits.
fn elsewhere(code: &str) -> Option<Running> {
    let mut command = unshared();
    command.args(["python3", "-c", code]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = match command.spawn() {
        Ok(child) => Running(child),
        Err(error) => {
            eprintln!("skipped: no unshare ({error})");
            return None;
        }
    };
    let mut line = String::new();
    let read = BufReader::new(child.0.stdout.take().unwrap()).read_line(&mut line);
    if read.is_err() || line.trim() != "ready" {
        eprintln!("skipped: no network namespace or no python3 to be had");
        return None;
    }
    Some(child)
}

const SERVER: &str = "import socket, sys\n\
    one = socket.socket(); one.bind(('0.0.0.0', 7777)); one.listen()\n\
    two = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); two.bind(('0.0.0.0', 53))\n\
    three = socket.socket(socket.AF_UNIX); three.bind(b'\\0selfsame-elsewhere'); three.listen()\n\
    print('ready', flush=True); sys.stdin.read()";

#[test]
fn sockets_of_another_network_namespace_are_seen_too() {
    let Some(child) = elsewhere(SERVER) else { return };
    let world = look();
    let own = world.own_namespace(Namespace::Net);
    assert_ne!(world.namespace(child.pid(), Namespace::Net), own);
    let expected =
        ["tcp 0.0.0.0:7777 listen", "udp 0.0.0.0:53 unconnected", "unix @selfsame-elsewhere listen"];
    assert_eq!(shown(&world.listens(child.pid())), expected);
    let text = of_text(&world, child.pid());
    assert!(expected.iter().all(|one| text.iter().any(|other| other == one)), "/proc/PID/net: {text:?}");
    assert_eq!(world.again().own_namespace(Namespace::Net), own, "the test itself has moved");
    // Nothing of it is in ours.
    let here = with(TcpListener::bind("127.0.0.1:0").unwrap());
    assert_eq!(shown(&world.listens(here.pid())).len(), 1);
}

#[test]
fn a_socket_that_was_handed_into_another_namespace_is_found() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap();
    let mut command = unshared();
    command.args(["/bin/sleep", "1000"]).stdin(Stdio::from(OwnedFd::from(listener)));
    let Ok(child) = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn() else {
        eprintln!("skipped: no unshare");
        return;
    };
    let child = Running(child);
    let comm = |name: &[u8]| look().comm(child.pid()).known().is_some_and(|comm| *comm == *name);
    let has_ended = || look().stat(child.pid()).known().is_some_and(|stat| stat.state.word() == "zombie");
    eventually(|| comm(b"sleep") || has_ended());
    if has_ended() {
        eprintln!("skipped: no network namespace to be had");
        return;
    }
    assert_eq!(shown(&look().listens(child.pid())), [format!("tcp {at} listen")]);
}

#[test]
fn descriptors_lead_to_files_also_to_deleted_ones() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    let log = std::fs::File::create(&path).unwrap();
    let memory = rustix::fs::memfd_create("selfsame", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
    let mut command = Command::new("/bin/sleep");
    command.arg("1000").stdin(Stdio::null()).stdout(Stdio::from(log)).stderr(Stdio::from(memory));
    let child = asleep(&mut command);
    let listed = look().files(child.pid()).known().unwrap();
    let real = std::fs::canonicalize(&path).unwrap();
    let texts: Vec<String> = listed.iter().map(|f| String::from_utf8_lossy(&f.text).into_owned()).collect();
    // Whoever runs the tests may have left it more.
    assert_eq!(
        texts[..3],
        ["/dev/null".into(), real.display().to_string(), "/memfd:selfsame (deleted)".into()]
    );
    let stat = raw::stat_at(rustix::fs::CWD, c"/dev/null").unwrap();
    assert_eq!((listed[0].facts.dev, listed[0].facts.ino), (stat.st_dev, stat.st_ino));
    assert_eq!((listed[1].facts.nlink, listed[2].facts.nlink), (1, 0));
    std::fs::remove_file(&path).unwrap();
    let listed = look().files(child.pid()).known().unwrap();
    assert!(listed[1].text.ends_with(b"log (deleted)") && listed[1].facts.nlink == 0, "{listed:?}");
}
