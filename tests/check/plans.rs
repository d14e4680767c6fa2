//! Plans for the host of a snapshot: no process, no file and no account of this host counts.

use crate::support::Bench;

const SPEC: &str = "\
apiVersion: selfsame/v1
kind: Service
metadata: {name: shop}
spec:
  startas: /srv/a.py
  args: [\"--port\", \"80\"]
  user: shopkeeper
";
const HOST: &str = "\
host:
  files:
    /usr/bin/python3: {link: python3.11}
    /usr/bin/python3.11: {id: [1, 1], elf: true}
    /srv/a.py: {id: [1, 2], head: \"#!/usr/bin/python3\\n\", mode: \"0755\"}
  users: {root: 0, shopkeeper: 33}
processes:
";
const SHOP: &str = "  - {pid: 600, ppid: 1, user: shopkeeper, startTicks: 1000, exe: /usr/bin/python3.11, argv: [/usr/bin/python3, /srv/a.py, --port, '80'], execfn: /srv/a.py}\n";
const OTHER: &str = "  - {pid: 601, ppid: 1, user: shopkeeper, startTicks: 1000, exe: /usr/bin/python3.11, argv: [/usr/bin/python3, /srv/b.py], execfn: /srv/b.py}\n";
const DENIED: &str = "  - {pid: 602, ppid: 1, user: shopkeeper, startTicks: 1000, comm: a.py, unreadable: {exe: denied, argv: denied, execfn: denied}}\n";

#[track_caller]
fn planned(processes: &str, code: i32, expected: &str) {
    let bench = Bench::new();
    bench.write("specs/shop.yaml", SPEC);
    bench.write("host.yaml", &format!("{HOST}{processes}"));
    let ran = bench.run(&["plan", "specs", "--snapshot", "host.yaml"]);
    assert_eq!(ran.code, code, "{ran:?}");
    assert!(ran.stdout.contains(expected), "{ran:?}");
}

#[test]
fn what_runs_there_is_adopted() {
    planned(&format!("{OTHER}{SHOP}"), 2, "shop: adopt: pid 600 matches and ran before us\n");
}

#[test]
fn what_does_not_run_there_is_started() {
    planned(OTHER, 2, "shop: start: nothing that matches runs\n");
}

#[test]
fn what_cannot_be_told_there_is_held() {
    planned(&format!("{OTHER}{DENIED}"), 7, "602");
}
