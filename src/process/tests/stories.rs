//! Whole hosts as snapshots, and what expressions say about their processes.

use super::*;
use crate::diagnostic::Source;
use crate::process::snapshot::Snapshot;
use crate::process::world::World;

const HOST: &str = r##"
host:
  files:
    /usr/bin/python3:      {link: python3.11}
    /usr/bin/python3.11:   {id: [1, 101], elf: true}
    /usr/bin/env:          {id: [1, 102], elf: true}
    /usr/bin/busybox:      {id: [1, 106], elf: true, multicall: true}
    /usr/bin/httpd:        {link: busybox}
    /usr/sbin/nginx:       {id: [1, 110], elf: true}
    /srv/app/a.py:         {id: [1, 201], head: "#!/usr/bin/python3\n"}
    /srv/app/e.py:         {id: [1, 202], head: "#!/usr/bin/env python3\n"}
    /srv/app/secret:       {unreadable: denied}
    /run/nginx.pid:        {id: [1, 300], head: "700\n", mode: "0644", owner: root}
  users:  {root: 0, www-data: 33}
  groups: {root: 0, www-data: 33}
  env:    {PATH: "/usr/bin:/bin"}
  roots:
    - id: [9, 2]
      files: {/usr/sbin/nginx: {id: [9, 110], elf: true}}
processes:
  - {pid: 600, ppid: 1, startTicks: 1000, state: sleeping, user: www-data, comm: a.py, exe: /usr/bin/python3.11, argv: [/usr/bin/python3, /srv/app/a.py], execfn: /srv/app/a.py, cwd: /, age: 2h}
  - {pid: 601, ppid: 1, user: root, comm: python3, exe: {path: /usr/bin/python3.11, id: [1, 101], nlink: 1}, argv: [python3, /srv/app/e.py], execfn: /usr/bin/python3, cwd: /}
  - {pid: 602, ppid: 1, user: root, comm: python3, exe: /usr/bin/python3.11, argv: ["app: a title"], execfn: /usr/bin/python3, cwd: /, argvRewritten: true}
  - {pid: 603, ppid: 1, user: root, comm: nginx, exe: {path: "/usr/sbin/nginx (deleted)", id: [1, 99], nlink: 0}, argv: [nginx], execfn: /usr/sbin/nginx}
  - {pid: 604, ppid: 1, user: root, comm: nginx, exe: {path: /usr/sbin/nginx.old, id: [1, 98], nlink: 1}, argv: [nginx], execfn: /usr/sbin/nginx}
  - {pid: 605, ppid: 1, user: root, comm: nginx, exe: {path: /usr/sbin/nginx, id: [9, 110]}, root: {path: /, id: [9, 2]}, argv: [nginx], execfn: /usr/sbin/nginx}
  - {pid: 606, ppid: 1, user: root, comm: x, state: zombie}
  - {pid: 607, ppid: 2, user: root, comm: kworker, kernelThread: true}
  - {pid: 608, ppid: 1, user: root, comm: tail, exe: /usr/bin/busybox, argv: [tail, -f, x], execfn: /usr/bin/tail}
  - {pid: 609, ppid: 1, user: root, comm: x, unreadable: {exe: denied, argv: timeout, execfn: denied}}
  - {pid: 610, ppid: 1, user: root, comm: x, unreadable: {"*": vanished}}
  - {pid: 611, ppid: 1, user: root, comm: httpd, exe: /usr/bin/busybox, argv: [httpd, -f], execfn: /usr/bin/httpd}
"##;

#[track_caller]
fn check(text: &str, expected: &str) {
    let source = Source::new("host.yaml", HOST);
    let snapshot = Snapshot::parse(&source).unwrap();
    let compiled = compile(text, &schema(), &scope());
    let Some(predicate) = compiled.predicate else { panic!("{text}: {:?}", compiled.diagnostics) };
    let vocabulary = ProcessVocabulary::new(&snapshot);
    let vocabularies = Vocabularies(vec![&vocabulary]);
    let bindings = BTreeMap::from([("startas".to_owned(), Value::path("/srv/app/a.py"))]);
    let matcher = predicate.bind(&bindings, &vocabularies).matcher;
    let mut found = Vec::new();
    for pid in snapshot.pids().known().unwrap().iter() {
        match matcher.eval(&candidate(*pid), &vocabularies) {
            Verdict::Match => found.push(pid.to_string()),
            Verdict::Unknown(missing) if missing.iter().any(|m| m.reason.why == Why::Vanished) => {}
            Verdict::Unknown(_) => found.push(format!("?{pid}")),
            Verdict::NoMatch => {}
        }
    }
    assert_eq!(found.join(" "), expected, "{text}");
}

#[test]
fn a_host_of_many_kinds_of_processes() {
    check("exe == interpreter(startas) && user == \"www-data\"", "600");
    check("exe == interpreter(startas)", "600 601 602 ?609");
    check("runs(startas)", "600 ?602 ?609");
    check("runs(\"/srv/app/e.py\")", "601 ?602 ?609");
    check("exe == \"/usr/sbin/nginx\"", "603 ?609");
    check("runs(\"/usr/sbin/nginx\")", "603 604 ?609");
    check("exe.path == \"/usr/sbin/nginx\"", "603 605 ?609");
    check("exe == \"/usr/bin/httpd\"", "608 ?609 611");
    check("runs(\"/usr/bin/httpd\")", "?609 611");
    check("state == zombie", "606");
    check("kernel_thread", "607");
    check("!has(exe)", "606 607 ?609");
    check("same_root == false", "605");
    check("age > 1h", "600");
    check("exe == interpreter(\"/srv/app/secret\")", "?600 ?601 ?602 ?603 ?604 ?605 ?608 ?609 ?611");
}
