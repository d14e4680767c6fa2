//! selfsame as a service of the host itself: under systemd's protocol, and from its init script.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "host_service/ending.rs"]
mod ending;
#[path = "cli/inside.rs"]
mod inside;
#[path = "host_service/own_limits.rs"]
mod own_limits;
#[path = "host_service/person.rs"]
mod person;
#[path = "host_service/settings.rs"]
mod settings;
#[path = "cli/support.rs"]
mod support;

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::time::Duration;

use inside::inside;
use support::{Bench, quick, until};

/// Lines that `ear` hears, until one begins with `last`.
fn heard(ear: &UnixDatagram, last: &str) -> Vec<String> {
    let mut lines = Vec::new();
    while !lines.iter().any(|line: &String| line.starts_with(last)) {
        let mut bytes = [0; 4096];
        let length = ear.recv(&mut bytes).unwrap_or_else(|error| panic!("{error} after {lines:?}"));
        lines.extend(String::from_utf8_lossy(&bytes[..length]).lines().map(str::to_owned));
    }
    lines
}

#[test]
fn a_service_manager_is_told_when_the_first_round_is_done_and_when_it_ends() {
    let bench = Bench::new();
    bench.daemon("shop", &quick(""));
    let ear = UnixDatagram::bind(bench.path("ear")).unwrap();
    ear.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    let log = fs::File::create(bench.path("watch.log")).unwrap();
    let mut watch = bench
        .command(&["watch", "specs"])
        .env("NOTIFY_SOCKET", bench.path("ear"))
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let lines = heard(&ear, "STATUS=1 of 1");
    assert!(lines.iter().any(|line| line == "READY=1"), "{lines:?}");
    bench.until_noted();
    assert_eq!(bench.starts_of("shop").len(), 1, "ready came before the first round was done");
    let pid = watch.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    assert!(heard(&ear, "STOPPING").contains(&"STOPPING=1".to_owned()));
    until("watch to end", || watch.try_wait().unwrap().is_some());
    assert_eq!(bench.alive_of("shop").len(), 1);
    // The service must not believe that it is asked to report.
    let environment = fs::read(format!("/proc/{}/environ", bench.alive_of("shop")[0])).unwrap();
    assert!(!String::from_utf8_lossy(&environment).contains("NOTIFY_SOCKET"));
}

#[test]
fn the_init_script_keeps_one_engine_and_its_end_leaves_the_services() {
    let bench = Bench::new();
    bench.daemon("shop", &quick(""));
    let script =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/host/selfsame.init")).unwrap();
    // Its places are those of a host; here they are those of the bench.
    let place = |name: &str| bench.path(name).display().to_string();
    let script = script
        .replace("/usr/bin/selfsame", env!("CARGO_BIN_EXE_selfsame"))
        .replace("/run/selfsame.pid", &place("engine.pid"))
        .replace("/var/log/selfsame.log", &place("engine.log"))
        .replace("/etc/default/selfsame", &place("default"));
    bench.write("default", &format!("SPECS={}\n", place("specs")));
    bench.script("init", &script);
    inside(
        &bench,
        r#"
./init status; code=$?; [ $code = 3 ] || fail "status before: $code"
./init start || fail "start: $?"
noted 1; shop=$(pid_of 1); engine=$(cat engine.pid)
./init status || fail "status: $?"
./init start || fail "second start: $?"
[ "$(cat engine.pid)" = "$engine" ] && lives "$engine" || fail "another engine"
./init reload || fail "reload: $?"
lives "$engine" || fail "reload ended it"
./init stop || fail "stop: $?"
gone "$engine"; lives "$shop" || fail "its end took the service along"
./init start || fail "third start: $?"
n=0
until [ -s engine.pid ] && selfsame status --wait=ready --timeout 10s > /dev/null; do n=$((n + 1)); [ $n -lt 600 ] || fail "no engine"; sleep 0.1; done
[ "$(starts)" = 1 ] || fail "a second copy"
./init stop; selfsame stop shop; gone "$shop"
done_ok
"#,
    );
}
