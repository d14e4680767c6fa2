//! A row for every key of a process: it is read, it is written, and it reads back.

use super::parse;
use super::round_trip::check;
use crate::process::snapshot::keys;
use crate::process::snapshot::{WriteOptions, write};
use crate::units::Pid;

/// A key with a value, and what is written for it.
const KEYS: &[(&str, &str, &str)] = &[
    ("user", "www-data", "uid: 33"),
    ("uid", "33", "uid: 33"),
    ("group", "www-data", "gid: 33"),
    ("gid", "33", "gid: 33"),
    ("comm", "\"a) (b\"", "comm: \"a) (b\""),
    ("commHex", "ff61", "comm: {hex: \"ff61\"}"),
    ("exe", "/usr/bin/x", "path: /usr/bin/x"),
    ("exe", "{path: \"/x (deleted)\", id: [1, 5]}", "nlink: 0"),
    ("argv", "[a, \"\", b c]", "argv: [a, \"\", \"b c\"]"),
    ("argvHex", "[61, ff]", "argv: [a, {hex: \"ff\"}]"),
    ("execfn", "/srv/a.py", "execfn: /srv/a.py"),
    ("execfnHex", "2fff", "execfn: {hex: \"2fff\"}"),
    ("cwd", "/srv", "cwd: {path: /srv"),
    ("cwdHex", "2fff", "cwd: {path: {hex: \"2fff\"}"),
    ("root", "{path: /, id: [9, 2]}", "root: {path: /, id: [9, 2]}"),
    ("env", "{A: b}", "env: {A: b}"),
    ("environ", "[A=b, A=c, x]", "environ: [\"A=b\", \"A=c\", \"<redacted>\"]"),
    ("environHex", "[413d62]", "env: {A: b}"),
    ("ns", "{net: 7}", "net: 7"),
    ("cgroup", "{v2: /a, \"cpu,cpuacct\": /b}", "cgroup: {v2: /a, \"cpu,cpuacct\": /b}"),
    ("limits", "{nofile: {soft: 1, hard: unlimited}}", "limits: {nofile: {soft: 1, hard: unlimited}}"),
    ("loginUser", "root", "loginUser: 0"),
    ("oomScore", "12", "oomScore: 12"),
    ("oomScoreAdj", "-1000", "oomScoreAdj: -1000"),
    ("io", "{readBytes: 1MiB}", "io: {readBytes: 1MiB}"),
    ("io", "{readCalls: 7, writeChars: 1KiB}", "io: {writeChars: 1KiB, readCalls: 7}"),
    ("faults", "{minor: 7, major: 3}", "faults: {minor: 7, major: 3}"),
    ("switches", "{voluntary: 7}", "switches: {voluntary: 7}"),
    ("cpu", "12.5%", "rates: {cpuTime: 12.5%}"),
    (
        "rates",
        "{cpuUser: 200%, io: {writeBytes: 1MiB, readCalls: 9}, faults: {major: 3}, switches: {voluntary: 1}}",
        "rates: {cpuUser: 200%, faults: {major: 3}, io: {writeBytes: 1MiB, readCalls: 9}, switches: {voluntary: 1}}",
    ),
    ("changed", "{ppid: true, exe: false}", "changed: {ppid: true, exe: false}"),
    ("fds", "12", "fds: 12"),
    ("securityLabel", "unconfined", "securityLabel: unconfined"),
    ("securityLabelHex", "61", "securityLabel: a"),
    ("tasks", "[{tid: 9, state: running}]", "tasks: [{tid: 9, state: running}]"),
    ("managedAs", "web", "managedAs: web"),
    ("state", "traced", "state: traced"),
    ("ppid", "1", "ppid: 1"),
    ("pgid", "4", "pgid: 4"),
    ("sid", "4", "sid: 4"),
    ("tty", "pts/3", "tty: pts/3"),
    ("tpgid", "-1", "tpgid: -1"),
    ("threads", "4", "threads: 4"),
    ("nice", "-5", "nice: -5"),
    ("priority", "39", "priority: 39"),
    ("policy", "fifo", "policy: fifo"),
    ("rtPriority", "50", "rtPriority: 50"),
    ("startTicks", "1000", "startTicks: 1000"),
    ("started", "2026-03-01T10:00:00Z", "startTicks: 360000"),
    ("age", "2h", "startTicks: 360000"),
    ("cpuTime", "2s", "cpuTime: 2s"),
    ("cpuUser", "2s", "cpuUser: 2s"),
    ("cpuSys", "2s", "cpuSys: 2s"),
    ("childrenCpu", "2s", "childrenCpu: 2s"),
    ("cpuTicks", "[1, 2, 3, 4]", "cpuTicks: [1, 2, 3, 4]"),
    ("vsize", "1GiB", "vsize: 1GiB"),
    ("rss", "48MiB", "rss: 48MiB"),
    ("kernelThread", "true", "kernelThread: true"),
    ("flags", "0x400000", "flags: 0x400000"),
    ("argRange", "[0x10, 0x20]", "argRange: [0x10, 0x20]"),
    ("argvRewritten", "true", ""),
    ("ruser", "www-data", "ruser: 33"),
    ("euser", "33", "euser: 33"),
    ("suser", "33", "suser: 33"),
    ("fsuser", "33", "fsuser: 33"),
    ("rgroup", "33", "rgroup: 33"),
    ("egroup", "33", "egroup: 33"),
    ("sgroup", "33", "sgroup: 33"),
    ("fsgroup", "33", "fsgroup: 33"),
    ("groups", "[www-data, 4]", "groups: [33, 4]"),
    ("umask", "\"0027\"", "umask: \"0027\""),
    ("noNewPrivs", "true", "noNewPrivs: true"),
    ("seccomp", "filter", "seccomp: filter"),
    ("tracerPid", "77", "tracerPid: 77"),
    ("caps", "{eff: [CAP_NET_ADMIN], bnd: 0x1ffffffffff}", "bnd: 0x1ffffffffff"),
    ("signals", "{caught: [HUP, RTMIN+1]}", "signals: {caught: [HUP, RTMIN+1]}"),
    ("rssPeak", "1MiB", "rssPeak: 1MiB"),
    ("swap", "0B", "swap: 0B"),
    ("locked", "1B", "locked: 1B"),
    ("data", "1MiB", "data: 1MiB"),
    (
        "unreadable",
        "{exe: denied, argv: timeout, stat: malformed, status: budget, ns: plugin}",
        "exe: denied",
    ),
    (
        "listens",
        "[{proto: tcp, ip: \"::\", port: 80, state: listen}]",
        "sockets: [{proto: tcp, ip: \"::\", port: 80, state: listen}]",
    ),
    ("listens", "[{port: 80}, {proto: udp, port: 53}]", "{proto: udp, port: 53, state: unconnected}"),
    ("listens", "[{proto: udp}]", "listens: [{proto: udp, state: unconnected}]"),
    ("listens", "[{ip: \"::ffff:10.0.0.1\"}]", "{ip: \"10.0.0.1\", state: listen}"),
    (
        "sockets",
        "[{proto: tcp, ip: 10.0.0.1, port: 80, state: established, peerIp: \"::1\", peerPort: 4}, {proto: unix, path: /run/x}]",
        "peerIp: \"::1\", peerPort: 4}, {proto: unix, path: /run/x}]",
    ),
    ("sockets", "[]", "sockets: []"),
    ("files", "[/a, {path: \"/b (deleted)\", id: [1, 5]}]", "{path: \"/b (deleted)\", id: [1, 5]"),
    ("files", "[{hex: \"2fff\"}]", "files: [{path: {hex: \"2fff\"}"),
    ("pss", "1MiB", "pss: 1MiB"),
    ("uss", "1MiB", "uss: 1MiB"),
    ("container", "web", "container: web"),
];

fn host(key: &str, value: &str) -> String {
    format!(
        "host: {{users: {{root: 0, www-data: 33}}, groups: {{root: 0, www-data: 33}}, \
         now: 2026-03-01T12:00:00Z, boot: 2026-03-01T09:00:00Z}}\nprocesses:\n  - pid: 5\n    {key}: {value}\n"
    )
}

#[test]
fn every_key_is_read_and_written() {
    for (key, value, written) in KEYS {
        let text = host(key, value);
        let world = parse(&text);
        let options = WriteOptions { env_keys: vec!["A".into()], files: Vec::new(), redact: false };
        let again = write(&world, &[Pid(5)], &options);
        assert!(again.contains(written), "{key}: {value}\n{again}");
        if *key != "environ" {
            check(&text);
        }
    }
}

#[test]
fn every_key_has_a_row() {
    for key in keys::all() {
        assert!(key == "pid" || KEYS.iter().any(|(row, ..)| *row == key), "{key}");
    }
}
