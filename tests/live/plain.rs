//! Without a terminal: lines.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use super::support::{Bench, until};

/// `status --watch` with its lines as they come.
fn lines(bench: &Bench, args: &[&str]) -> (std::process::Child, Arc<Mutex<Vec<String>>>) {
    let mut child = bench.command(args).stdout(Stdio::piped()).spawn().unwrap();
    let out = child.stdout.take().unwrap();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&lines);
    std::thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            into.lock().unwrap().push(line);
        }
    });
    (child, lines)
}

#[test]
fn a_line_for_each_change() {
    let mut bench = Bench::new();
    bench.daemon("one", "restart: {backoff: 50ms}\nreadiness: {aliveFor: 50ms}");
    bench.watch(&[]);
    bench.until_running(&["one"]);
    let (mut text, seen) = lines(&bench, &["status", "--watch"]);
    let (mut json, rows) = lines(&bench, &["status", "--watch", "--output", "json"]);
    until("the table", || seen.lock().unwrap().iter().any(|line| line.starts_with("one ")));
    until("the first row", || !rows.lock().unwrap().is_empty());
    let old = bench.the_pid_of("one");
    bench.kill(old, "KILL");
    until("the change", || {
        let seen = seen.lock().unwrap();
        seen.iter().any(|line| line.contains("Z one: Running") && !line.contains(&format!("pid {old}")))
    });
    until("the change as JSON", || {
        let rows = rows.lock().unwrap();
        let rows = rows.iter().map(|row| serde_json::from_str::<serde_json::Value>(row).unwrap());
        rows.filter(|row| row["status"]["phase"] == "Running")
            .any(|row| row["status"]["instances"][0]["pid"] != old)
    });
    for child in [&mut text, &mut json] {
        let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
}
