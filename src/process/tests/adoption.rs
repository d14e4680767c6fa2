//! The default rule over a whole host, as a snapshot.

use std::collections::BTreeSet;

use super::bytes;
use crate::diagnostic::Source;
use crate::process::identity::{Look, Query, look};
use crate::process::snapshot::Snapshot;
use crate::process::world::World;
use crate::units::Uid;

const HOST: &str = r##"
host:
  files:
    /usr/bin/python3.11: {id: [1, 101], elf: true}
    /usr/bin/python3:    {link: python3.11}
    /usr/sbin/nginx:     {id: [1, 110], elf: true}
    /srv/a.py:           {id: [1, 201], head: "#!/usr/bin/python3\n"}
    /run/nginx.pid:      {id: [1, 300], head: "700\n", mode: "0644", owner: root}
  users:  {root: 0, www-data: 33}
  self: 50
processes:
  - {pid: 1, user: root, startTicks: 1, exe: /sbin/init, argv: [/sbin/init]}
  - {pid: 50, ppid: 1, user: root, startTicks: 20, exe: /usr/bin/selfsame, argv: [selfsame, watch]}
  - {pid: 600, ppid: 1, user: root, startTicks: 1000, exe: /usr/bin/python3.11, argv: [/usr/bin/python3, /srv/a.py, --port, "80"], execfn: /srv/a.py}
  - {pid: 601, ppid: 1, user: root, startTicks: 1001, exe: /usr/bin/python3.11, argv: [/usr/bin/python3, /srv/a.py, --port, "81"], execfn: /srv/a.py}
  - {pid: 700, ppid: 1, user: root, startTicks: 2000, exe: /usr/sbin/nginx, argv: ["nginx: master process nginx"], execfn: /usr/sbin/nginx, argvRewritten: true}
  - {pid: 701, ppid: 700, user: www-data, startTicks: 2001, exe: /usr/sbin/nginx, argv: ["nginx: worker process"], execfn: /usr/sbin/nginx, argvRewritten: true}
"##;

fn find(startas: &str, args: &[&str], pidfile: Option<&str>) -> Look {
    let snapshot = Snapshot::parse(&Source::new("host.yaml", HOST)).unwrap();
    let query = Query {
        name: "web",
        startas: bytes(startas),
        args: args.iter().map(bytes).collect(),
        becomes: None,
        user: None,
        engine_uid: Uid(0),
        privileged: true,
        pidfile: pidfile.map(bytes),
        working_directory: bytes("/"),
        path: bytes(""),
        narrow: None,
        replace: None,
        names_user: false,
        recorded: BTreeSet::new(),
        replicas: 1,
        scope_all: false,
    };
    let pids = snapshot.pids().known().unwrap();
    look(&query, &snapshot, &pids)
}

#[test]
fn the_rule_over_a_whole_host() {
    for (startas, args, pidfile, expected) in [
        ("/srv/a.py", &["--port", "80"][..], None, "600"),
        ("/srv/a.py", &["--port", "81"], None, "601"),
        ("/srv/a.py", &["--port", "82"], None, ""),
        ("/srv/a.py", &[], None, ""),
        ("/usr/sbin/nginx", &["-g", "x"], None, "700"),
        ("/usr/sbin/nginx", &[], Some("/run/nginx.pid"), "700"),
        ("/usr/sbin/none", &[], None, ""),
    ] {
        let found = find(startas, args, pidfile);
        let pids: Vec<String> = found.adoptable().iter().map(|candidate| candidate.pid.to_string()).collect();
        assert_eq!(pids.join(" "), expected, "{startas} {args:?}");
        assert!(found.unknown.is_empty() && found.complete, "{startas}: {found:?}");
    }
}
