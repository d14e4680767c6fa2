//! Junk, half messages, a thousand that say nothing, and readers that don't read: a service that crashes meanwhile is started
//! again as if nobody were there.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::support::{Bench, until};

/// The longest time from a crash to the next copy. It is 10 ms where nobody disturbs; the test shares its machine.
const PATIENCE: Duration = Duration::from_secs(40);

fn junk(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        u8::try_from(state & 0xff).unwrap()
    };
    (0..length).map(|_| byte()).collect()
}

/// One attack after the other, until it is over.
fn attack(bench: &Bench, over: &AtomicBool, done: &AtomicUsize) {
    let mut quiet: Vec<UnixStream> = Vec::new();
    let mut round = 0u64;
    while !over.load(Ordering::Relaxed) {
        round += 1;
        let Ok(mut stream) = bench.connect() else { continue };
        let _ = stream.set_write_timeout(Some(Duration::from_millis(200)));
        let _ = stream.set_read_timeout(Some(Duration::from_millis(200)));
        match round % 6 {
            0 => drop(stream.write_all(&junk(round, 3000))),
            1 => drop(stream.write_all(b"{\"version\":1,\"ask\":{\"status\"")),
            2 => drop(stream.write_all(&vec![b'x'; 200_000])),
            // Much is asked for and nothing of it read.
            3 => drop(stream.write_all("{\"version\":1,\"ask\":{\"status\":{}}}\n".repeat(200).as_bytes())),
            4 => drop(stream.write_all(b"{\"version\":1,\"ask\":{\"follow\":{}}}\n")),
            _ => {
                let _ = stream.write_all(b"{\"version\":1,\"ask\":\"hello\"}\n");
                let _ = stream.read(&mut [0; 64]);
            }
        }
        done.fetch_add(1, Ordering::Relaxed);
        quiet.push(stream);
        if quiet.len() > 100 {
            quiet.drain(..50);
        }
    }
}

fn withstands(time: Duration) {
    let mut bench = Bench::new();
    bench.daemon("shop", "restart: {backoff: 1ms, maxBackoff: 1ms}\nreadiness: {aliveFor: 1ms}");
    bench.daemon("other", "");
    let watch = bench.watch(&[]);
    bench.until_running(&["shop", "other"]);
    let (over, done) = (AtomicBool::new(false), AtomicUsize::new(0));
    let begun = Instant::now();
    let mut longest = Duration::ZERO;
    let mut crashes = 1;
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| attack(&bench, &over, &done));
        }
        // For so long, and where the machine is busy until there was something to withstand.
        while begun.elapsed() < time || done.load(Ordering::Relaxed) <= 50 || crashes <= 5 {
            assert!(begun.elapsed() < time + 10 * PATIENCE, "{done:?} attacks, {crashes} crashes");
            let pid = *bench.starts_of("shop").last().map(|(pid, _)| pid).unwrap();
            bench.kill(pid, "KILL");
            let crash = Instant::now();
            until("another copy", || bench.starts_of("shop").len() > crashes);
            crashes += 1;
            longest = longest.max(crash.elapsed());
            std::thread::sleep(Duration::from_millis(50));
        }
        over.store(true, Ordering::Relaxed);
    });
    assert!(longest < PATIENCE, "{longest:?} from a crash to the next copy");
    assert!(done.load(Ordering::Relaxed) > 50 && crashes > 5, "{done:?} attacks, {crashes} crashes");
    assert_eq!(bench.starts_of("other").len(), 1);
    assert_eq!(bench.alive_of("shop").len(), 1);
    until("all to be well", || bench.run(&["status", "--output", "json"]).code == 0);
    assert!(memory_of(watch) < 200 << 10, "{} KiB", memory_of(watch));
    eprintln!("{} attacks, {crashes} crashes, {longest:?} at most", done.load(Ordering::Relaxed));
}

/// In KiB.
fn memory_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_crash_is_answered_while_others_disturb() {
    withstands(Duration::from_secs(3));
}

#[test]
#[ignore = "takes a minute: cargo test --test control -- --ignored --nocapture"]
fn a_minute_of_disturbance_misses_no_crash() {
    withstands(Duration::from_mins(1));
}

/// How often the kernel switched away from the watch since it began.
fn switches(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("voluntary_ctxt_switches")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn a_thousand_quiet_connections_cost_nothing_and_keep_nobody_out() {
    use nix::sys::resource::{Resource, getrlimit, setrlimit};
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    if hard < 1500 {
        eprintln!("skipped: only {hard} descriptors are to be had");
        return;
    }
    setrlimit(Resource::RLIMIT_NOFILE, soft.max(1500), hard).unwrap();
    let mut bench = Bench::new();
    bench.daemon("shop", "");
    let watch = bench.watch(&[]);
    bench.until_running(&["shop"]);
    let mut quiet: Vec<UnixStream> = Vec::new();
    for _ in 0..1000 {
        quiet.push(bench.connect().unwrap());
    }
    bench.ok(&["status"]);
    let held = fs::read_dir(format!("/proc/{watch}/fd")).unwrap().count();
    assert!(held < 150, "{held} descriptors");
    // It may still be at work on what came before.
    until("a second in which it is woken three times at most", || {
        let before = switches(watch);
        std::thread::sleep(Duration::from_secs(1));
        switches(watch) - before <= 3
    });
    // The newest are still connected and heard, and others come in.
    let newest = quiet.last_mut().unwrap();
    newest.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
    newest.write_all(b"{\"version\":1,\"ask\":\"hello\"}\n").unwrap();
    assert!(newest.read(&mut [0; 64]).unwrap() > 0);
    bench.ok(&["stop", "shop"]);
    assert!(bench.alive().is_empty());
}
