//! A real watch, asked over HTTP.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::support::{Bench, until};

/// A watch that serves metrics, and where.
fn serving(bench: &mut Bench) -> String {
    bench.watch(&["--metrics", "127.0.0.1:0", "--resync", "1s"]);
    let mut address = None;
    until("the address", || {
        let log = bench.watch_log();
        let behind = log.split("metrics at http://").nth(1);
        address = behind.and_then(|rest| rest.split_once("/metrics")).map(|(at, _)| at.to_owned());
        address.is_some()
    });
    address.unwrap()
}

fn get(address: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{head}");
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{head}");
    body.to_owned()
}

#[track_caller]
fn value(page: &str, series: &str) -> f64 {
    let line = page.lines().find_map(|line| line.strip_prefix(&format!("{series} ")));
    line.unwrap_or_else(|| panic!("no {series}\n{page}")).parse().unwrap()
}

#[test]
fn what_happens_to_services_is_counted() {
    let mut bench = Bench::new();
    bench.daemon("shop", "restart: {backoff: 100ms}\nreadiness: {aliveFor: 50ms}");
    // A script without an interpreter.
    let lost = bench.script("bin/lost", "exit 0\n");
    bench.spec("lost", &format!("startas: {}\nrestart: {{backoff: 100ms}}", lost.display()));
    let address = serving(&mut bench);
    bench.until_running(&["shop"]);
    until("a failed start", || value(&get(&address), "selfsame_start_failures_total{object=\"lost\"}") > 0.0);
    let page = get(&address);
    assert!(value(&page, "selfsame_starts_total{object=\"shop\"}") > 0.5);
    assert!(value(&page, "selfsame_steps_total{action=\"start\",result=\"done\"}") > 0.5);
    assert!(value(&page, "selfsame_ticks_total") > 0.5);
    assert!(value(&page, "selfsame_source_look_duration_seconds_count") > 0.5);
    assert!(value(&page, "selfsame_source_last_success_timestamp_seconds") > 1e9);
    assert!(value(&page, "process_resident_memory_bytes") > 1e6);
    assert!(value(&page, "process_start_time_seconds") > 1e9);
    bench.kill(bench.the_pid_of("shop"), "KILL");
    until("the restart to be counted", || {
        value(&get(&address), "selfsame_restarts_total{object=\"shop\"}") > 0.5
    });
    bench.write("specs/broken.yaml", "kind: Servcie\n");
    until("the broken file to be counted", || {
        let page = get(&address);
        value(&page, "selfsame_source_files_broken") > 0.5
            && value(&page, "selfsame_source_mistakes{severity=\"error\"}") > 0.5
    });
}

/// Slow and mute clients are the server's business alone: a service that dies meanwhile comes back.
#[test]
fn clients_that_keep_it_waiting_keep_no_service_waiting() {
    let mut bench = Bench::new();
    bench.daemon("shop", "restart: {backoff: 50ms}\nreadiness: {aliveFor: 50ms}");
    let address = serving(&mut bench);
    bench.until_running(&["shop"]);
    let mut mute: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(&address).unwrap()).collect();
    for (n, stream) in mute.iter_mut().enumerate() {
        let _ = stream.write_all(if n % 2 == 0 { b"GET /metrics HTTP/1.1\r\n" } else { b"\x00\xff\r\n\r\n" });
    }
    let starts = bench.starts_of("shop").len();
    bench.kill(bench.the_pid_of("shop"), "KILL");
    until("the next copy", || bench.starts_of("shop").len() > starts);
    drop(mute);
    until("an answer", || value(&get(&address), "selfsame_restarts_total{object=\"shop\"}") > 0.5);
}

#[test]
fn an_address_that_others_reach_has_to_be_meant() {
    let bench = Bench::new();
    let refused = bench.run(&["watch", "specs", "--metrics", "0.0.0.0:0"]);
    assert_eq!(refused.code, 64, "{refused:?}");
    assert!(refused.stderr.contains("--metrics-remote"), "{refused:?}");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = bench.run(&["watch", "specs", "--metrics", &address]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.stderr.contains(&address), "{refused:?}");
}

#[test]
fn the_verb_prints_what_a_watch_says_that_serves_nothing() {
    let mut bench = Bench::new();
    let nobody = bench.run(&["metrics"]);
    assert_eq!((nobody.code, nobody.stderr.contains("no watch runs here")), (1, true), "{nobody:?}");
    bench.daemon("shop", "");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let page = bench.ok(&["metrics"]).stdout;
    assert!(value(&page, "selfsame_starts_total{object=\"shop\"}") > 0.5);
    assert!(value(&page, "selfsame_objects{phase=\"running\"}") > 0.5);
}
