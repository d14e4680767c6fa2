//! Other users: the mode of the socket lets them look, and nothing else. Needs root, which is somebody else then.

use std::process::{Command, Stdio};

use super::support::{Bench, has, is_root};

/// Says a line as the user `nobody`, and hears one.
const ASK: &str = r#"use Socket;
socket(my $s, AF_UNIX, SOCK_STREAM, 0) or die;
chdir $ARGV[0] or die "chdir: $!";
connect($s, sockaddr_un("control")) or die "connect: $!";
syswrite($s, "$ARGV[1]\n" x ($ARGV[2] || 1));
for (1 .. $ARGV[2] || 1) { my $line = <$s>; print $line }
"#;

fn as_nobody(bench: &Bench, line: &str, times: u32) -> String {
    let run = bench.path("state/run").to_string_lossy().into_owned();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "perl", "-e", ASK, &run, line])
        .arg(times.to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[test]
fn another_user_may_look_at_roots_services_and_do_nothing() {
    if !is_root() || !has("/usr/bin/setpriv") {
        eprintln!("skipped: needs root and setpriv");
        return;
    }
    let mut bench = Bench::new();
    bench.daemon("shop", "");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    // The directories on the way may be closed to others.
    let reachable = as_nobody(&bench, r#"{"version":1,"ask":"hello"}"#, 1);
    if reachable.contains("chdir") {
        eprintln!("skipped: {reachable}");
        return;
    }
    assert!(reachable.contains(r#""rights":"look""#), "{reachable}");
    assert!(as_nobody(&bench, r#"{"version":1,"ask":{"status":{}}}"#, 1).contains(r#""phase":"Running""#));
    for ask in [r#"{"do":{"stop":{"objects":{"all":true}}}}"#, r#"{"explain":"shop"}"#] {
        let answer = as_nobody(&bench, &format!(r#"{{"version":1,"ask":{ask}}}"#), 1);
        assert!(answer.contains(r#""forbidden""#), "{answer}");
    }
    // Not faster than it may, and all the same answered.
    let begun = std::time::Instant::now();
    let many = as_nobody(&bench, r#"{"version":1,"ask":"hello"}"#, 100);
    assert_eq!(many.lines().filter(|line| line.contains("look")).count(), 100);
    assert!(begun.elapsed().as_millis() > 200, "{:?}", begun.elapsed());
    assert_eq!(bench.starts().len(), 1);
}
