//! Snapshots that are refused, each with the place and the mend.

use super::{HOST, shown};
use crate::diagnostic::Source;
use crate::process::snapshot::{Snapshot, codes};

/// Text, and the beginning of each line of the report.
const BAD: &[(&str, &[&str])] = &[
    ("hosts: {}", &["1:1 N002 a snapshot has no key `hosts` / did you mean `host`?"]),
    ("host: 5", &["1:7 N003 a mapping is expected here, this is a text"]),
    ("processes: {pid: 1}", &["1:12 N003 a list is expected here, this is a mapping"]),
    ("processes: [{comm: x}]", &["1:13 N006 a process needs its `pid` / write for example `pid: 600`"]),
    ("processes: [{pid: 0}]", &["1:19 N004 no process has the pid 0"]),
    ("processes: [{pid: x}]", &["1:19 N004 `x` is not a whole number"]),
    ("processes: [{pid: 5}, {pid: 5}]", &["1:29 N007 5 is listed twice"]),
    ("processes: [{pid: 5, usr: root}]", &["1:22 N002 a process has no key `usr` / did you mean `user`?"]),
    (
        "processes: [{pid: 5, start_ticks: 1}]",
        &["1:22 N002 a process has no key `start_ticks` / did you mean `startTicks`?"],
    ),
    ("processes: [{pid: 5, user: ann}]", &["1:28 N009 `host.users` has no `ann` / add it to `host.users`"]),
    ("processes: [{pid: 5, user: 0, uid: 0}]", &["1:22 N007 `user` is stated twice in two forms"]),
    ("processes: [{pid: 5, argv: /bin/sh}]", &["1:28 N003 a list is expected here, this is a text"]),
    (
        "processes: [{pid: 5, argv: [a, ]}, {pid: 6, comm: }]",
        &["1:49 N003 a text is expected here, this is nothing"],
    ),
    ("processes: [{pid: 5, argvHex: [2]}]", &["1:32 N004 `2` is not bytes / write pairs"]),
    (
        "processes: [{pid: 5, state: asleep}]",
        &["1:29 N004 `asleep` is not a state of a process / write one of `running`"],
    ),
    (
        "processes: [{pid: 5, state: sleepin}]",
        &["1:29 N004 `sleepin` is not a state of a process / did you mean `sleeping`?"],
    ),
    ("processes: [{pid: 5, rss: 48M}]", &["1:27 N004 `48M` can mean two sizes / write `48MiB`"]),
    ("processes: [{pid: 5, rss: 48}]", &["1:27 N004 `48` has no unit / write for example `48MiB`"]),
    ("processes: [{pid: 5, age: 2 hours}]", &["1:27 N004 `2 hours` is not a duration / write `2h`"]),
    (
        "processes: [{pid: 5, started: yesterday}]",
        &["1:31 N004 `yesterday` is not a time / write for example"],
    ),
    ("processes: [{pid: 5, umask: 18}]", &["1:29 N004 `18` is not permission bits"]),
    ("processes: [{pid: 5, tty: screen}]", &["1:27 N004 `screen` is not a terminal"]),
    (
        "processes: [{pid: 5, caps: {eff: [CAP_NET_ADMN]}}]",
        &["1:35 N004 `CAP_NET_ADMN` is not a capability / write for example `CAP_NET_ADMIN`"],
    ),
    ("processes: [{pid: 5, caps: {effective: []}}]", &["1:29 N002 `caps` has no key `effective`"]),
    (
        "processes: [{pid: 5, limits: {nofiles: 5}}]",
        &["1:31 N002 `limits` has no key `nofiles` / did you mean `nofile`?"],
    ),
    ("processes: [{pid: 5, limits: {nofile: {soft: 5}}}]", &["1:39 N006 a limit needs `soft` and `hard`"]),
    (
        "processes: [{pid: 5, unreadable: {exe: forbidden}}]",
        &["1:40 N004 `forbidden` is not a reason for not knowing / write one of `denied`"],
    ),
    (
        "processes: [{pid: 5, unreadable: {exec: denied}}]",
        &["1:35 N002 a process has no key `exec` / did you mean `exe`?"],
    ),
    (
        "processes: [{pid: 5, alive: true}]",
        &["1:22 N008 `alive` is not stated, it follows from `state` and `tasks`"],
    ),
    ("processes: [{pid: 5, leader_exited: true}]", &["1:22 N008 `leader_exited` is not stated"]),
    (
        "processes: [{pid: 5, kernelThread: true, flags: 0}]",
        &["1:22 N005 `kernelThread: true` disagrees with `flags`"],
    ),
    ("processes: [{pid: 5, exe: {path: /a, inode: 5}}]", &["1:38 N002 `exe` has no key `inode`"]),
    ("processes: [{pid: 5, exe: {path: /a, id: [1]}}]", &["1:42 N004 an id has two numbers, this has 1"]),
    ("processes: [{pid: 5, tasks: [{tid: 6}]}]", &["1:30 N006 a task needs its `tid` and its `state`"]),
    (
        "processes: [{pid: 5, listens: [{proto: tcp6}]}]",
        &["1:40 N004 `tcp6` is not a protocol of sockets / did you mean `tcp`?"],
    ),
    (
        "processes: [{pid: 5, listens: [{state: listening}]}]",
        &["1:40 N004 `listening` is not a state of a socket / write one of `established`"],
    ),
    ("processes: [{pid: 5, sockets: [{ip: localhost}]}]", &["1:37 N004 `localhost` is not an address"]),
    ("processes: [{pid: 5, sockets: [{port: 65536}]}]", &["1:39 N004 `65536` is not a whole number"]),
    ("processes: [{pid: 5, files: [{id: [1, 2]}]}]", &["1:30 N006 an open file needs its `path`"]),
    ("processes: [{pid: 5, cpuTime: 3s, cpuUser: 1s, cpuSys: 1s}]", &["1:22 N005 `cpuTime` is not the sum"]),
    (
        "host: {uptime: 1h}\nprocesses: [{pid: 5, startTicks: 180000, age: 1h}]",
        &["2:42 N005 `age: 1h` disagrees with `startTicks: 180000` / write `age: 30m`, or leave it out"],
    ),
    (
        "processes: [{pid: 5, startTicks: 0, age: 1h}, {pid: 6, startTicks: 0, age: 2h}]",
        &["1:71 N005 `age: 2h` disagrees"],
    ),
    (
        "host: {uptime: 1h}\nprocesses: [{pid: 5, age: 2h}]",
        &["2:22 N005 the process is older than its host, 1h"],
    ),
    (
        "host: {boot: 2026-01-01T00:00:00Z}\nprocesses: [{pid: 5, startTicks: 100, started: 2026-01-01T00:01:00Z}]",
        &["2:39 N005 `started: 2026-01-01T00:01:00Z` disagrees"],
    ),
    ("host: {now: 2025-01-01T00:00:00Z, boot: 2026-01-01T00:00:00Z}", &["1:7 N005 `now` is before `boot`"]),
    ("host: {ticksPerSecond: 0}", &["1:24 N004 a second has no ticks"]),
    ("host: {files: {a/b: {}}}", &["1:16 N004 `a/b` is not an absolute path"]),
    ("host: {files: {/a/../b: {}}}", &["1:16 N004 `/a/../b` is not an absolute path without `..`"]),
    ("host: {files: {/a: {}, //a: {}}}", &["1:24 N007 `//a` is listed twice"]),
    ("host: {files: {/a: {link: b, mode: \"0644\"}}}", &["1:30 N005 a link has no `mode` of its own"]),
    (
        "host: {files: {/a: {link: b}, /a/c: {}}}",
        &["1:31 N005 `/a/c` can't be reached, because `/a` is a link"],
    ),
    (
        "host: {files: {/a: {id: [1, 2]}, /a/c: {}}}",
        &["1:34 N005 `/a/c` can't be reached, because `/a` is not a directory"],
    ),
    ("host: {files: {/a: {elf: true, head: \"#!\"}}}", &["1:38 N005 an ELF file does not begin like this"]),
    ("host: {files: {/a: {mode: rw}}}", &["1:27 N004 `rw` is not permission bits"]),
    ("host: {files: {/a: {size: 5}}}", &["1:27 N004 `5` has no unit"]),
    ("host: {files: {/a: {unreadable: forbidden}}}", &["1:33 N004 `forbidden` is not a reason"]),
    ("host: {users: {root: zero}}", &["1:22 N004 `zero` is not a whole number"]),
    ("host: {roots: [{files: {}}]}", &["1:16 N006 a root needs its `id`"]),
    ("host: {binfmt: nowhere}", &["1:16 N004 `nowhere` is not a reason"]),
    ("host: {binfmt: [{interpreter: /x}]}", &["1:17 N006 an entry of `binfmt` has either"]),
    ("host: {unreadable: {user: nss}}", &["1:21 N002 a host has no key `user` / did you mean `users`?"]),
    ("host: {}\n---\nhost: {}", &["3:1 N001 a snapshot is one document, this has 2"]),
    ("host: {ns: {pid: 1, pid: 2}}", &["1:21 Y005"]),
];

#[test]
fn mistakes_are_said_with_their_place_and_mend() {
    for (text, wanted) in BAD {
        let found = match Snapshot::parse(&Source::new("bad.yaml", *text)) {
            Ok(_) => String::from("accepted"),
            Err(diagnostics) => shown(&diagnostics),
        };
        let lines: Vec<&str> = found.lines().collect();
        assert_eq!(lines.len(), wanted.len(), "{text}\n{found}");
        for (line, beginning) in lines.iter().zip(*wanted) {
            assert!(line.starts_with(beginning), "{text}\nwanted {beginning}\nfound  {line}");
        }
    }
}

#[test]
fn all_mistakes_are_found_in_one_run() {
    let text = "host: {fils: {}, now: x}\nprocesses: [{pid: 5, usr: 0, rss: 1}, {pid: y}]";
    let found = Snapshot::parse(&Source::new("bad.yaml", text)).map(|_| ()).unwrap_err();
    assert_eq!(found.len(), 5, "{}", shown(&found));
}

#[test]
fn a_snapshot_that_nests_too_deeply_is_refused() {
    let text = format!("host: {}{}", "[".repeat(80), "]".repeat(80));
    let found = Snapshot::parse(&Source::new("deep.yaml", text)).map(|_| ()).unwrap_err();
    assert!(shown(&found).contains("Y004"), "{}", shown(&found));
}

#[test]
fn any_cut_of_a_snapshot_is_read_or_refused() {
    for end in (0..HOST.len()).step_by(7) {
        let _either = Snapshot::parse(&Source::new("cut.yaml", &HOST[..end]));
    }
}

#[test]
fn every_code_is_registered_once() {
    let mut seen: Vec<&str> = codes::ALL.iter().map(|(code, _)| code.0).collect();
    seen.dedup();
    assert_eq!(seen.len(), codes::ALL.len());
}
