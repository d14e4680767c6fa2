//! `match --watch`: beginnings and ends of matching, as they happen.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use crate::support::Bench;
use crate::{Guard, is_napper, json, napper};

/// A running `match --watch` and its lines.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(bench: &Bench, args: &[&str]) -> Self {
        let mut all = vec!["match"];
        all.extend(args);
        all.push("--watch");
        let mut child = bench.command(&all).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, lines }
    }

    /// The next line with this word in it.
    #[track_caller]
    fn line(&self, word: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(Duration::from_mins(1));
            let line = line.unwrap_or_else(|_| panic!("waited in vain for `{word}`"));
            if line.contains(word) {
                return line;
            }
        }
    }

    fn interrupt(mut self) -> i32 {
        assert!(
            Command::new("kill").args(["-INT", &self.child.id().to_string()]).status().unwrap().success()
        );
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

#[test]
fn it_tells_who_is_there_who_comes_and_who_goes() {
    let bench = Bench::new();
    let program = napper(&bench);
    let first = bench.by_hand(bench.root(), &program, &["1000"]);
    let pid = first.id().to_string();
    let mut guard = Guard(vec![first]);
    let expression = is_napper(&program);
    // In the middle of an exec there is a name, and no argument yet.
    let whole = format!("{expression} && len(argv) == 2");
    crate::support::until("exec", || bench.run(&["match", &whole, "--pid", &pid]).code == 0);
    // A look every minute: what is told sooner comes from the exit itself.
    let slow = Watching::start(&bench, &[&expression, "--interval", "60s", "--output", "jsonl"]);
    let fast = Watching::start(&bench, &[&whole, "--interval", "50ms"]);
    let begins = json(&slow.line(&pid));
    assert_eq!((&begins["event"], &begins["already"]), (&"begins".into(), &true.into()), "{begins}");
    assert!(begins["time"].as_str().unwrap().ends_with('Z'), "{begins}");
    assert!(fast.line(&pid).contains("  + "));
    let second = bench.by_hand(bench.root(), &program, &["2000"]);
    let other = second.id().to_string();
    guard.0.push(second);
    let line = fast.line(&other);
    assert!(line.contains("  + ") && line.contains("2000"), "{line}");
    guard.0[0].kill().unwrap();
    guard.0[0].wait().unwrap();
    let gone = json(&slow.line(&pid));
    assert_eq!(gone["event"], "exited", "{gone}");
    assert!(gone["command"].as_str().unwrap().contains("1000"), "{gone}");
    let line = fast.line(&pid);
    assert!(line.contains("  - "), "{line}");
    assert_eq!(slow.interrupt(), 0);
    assert_eq!(fast.interrupt(), 0);
}

#[test]
fn what_changes_its_mind_ceases_to_match_with_the_reason() {
    let bench = Bench::new();
    let program = napper(&bench);
    let script = format!("until [ -e go ]; do /bin/sleep 0.02; done; exec {program} 1000");
    let child = bench.by_hand(bench.root(), "/bin/sh", &["-c", &script]);
    let pid = child.id().to_string();
    let _guard = Guard(vec![child]);
    let shell = "comm == \"sh\"";
    crate::support::until("exec", || bench.run(&["match", shell, "--pid", &pid]).code == 0);
    // One that matches already says when the first look was made.
    let marker = bench.by_hand(bench.root(), &program, &["1000"]);
    let other = marker.id().to_string();
    let _marker = Guard(vec![marker]);
    let from = Watching::start(&bench, &[shell, "--pid", &pid, "--interval", "50ms"]);
    let both =
        ["comm == \"napper\"", "--pid", &pid, "--pid", &other, "--interval", "50ms", "--timeout", "10m"];
    let to = Watching::start(&bench, &both);
    to.line(&other);
    assert!(from.line(&pid).contains("matches already"));
    bench.write("go", "");
    let line = from.line(&pid);
    assert!(line.contains("no longer matches") && line.contains("comm = \"napper\""), "{line}");
    assert!(to.line(&pid).contains("now matches"));
    assert_eq!(from.interrupt(), 0);
    assert_eq!(to.interrupt(), 0);
}

#[test]
fn it_ends_by_its_time_limit() {
    let bench = Bench::new();
    let ran = bench.run(&["match", "comm == \"nobody-is-so-called\"", "--watch", "--timeout", "200ms"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{ran:?}");
}
