//! Every field of the language against what its reference says: cost class, who may read it, who says so. And what
//! stands behind descriptors, over snapshots.

use std::collections::BTreeMap;

use selfsame::lang::schema::{FieldDecl, Privilege, Trust};
use selfsame::process::declarations;

use crate::ask::{PID, about, host, rows};

/// Names, the least and the highest cost class, `w`orld, `r`ead or `a`ttach, and `K`ernel or `S`elf-reported.
const FIELDS: &[(&str, u8, u8, char, char)] = &[
    ("pid", 0, 0, 'w', 'K'),
    ("user group", 1, 1, 'w', 'K'),
    ("ruser suser fsuser rgroup sgroup fsgroup groups", 4, 4, 'w', 'K'),
    ("login_user", 3, 3, 'w', 'K'),
    ("comm", 3, 4, 'w', 'S'),
    ("name", 3, 4, 'r', 'S'),
    ("state alive leader_exited kernel_thread", 4, 4, 'w', 'K'),
    ("ppid pgid sid tpgid tty threads", 4, 4, 'w', 'K'),
    ("nice priority policy rt_priority", 4, 4, 'w', 'K'),
    ("started start_ticks age cpu_time cpu_user cpu_sys children_cpu", 4, 4, 'w', 'K'),
    ("vsize rss rss_peak swap locked data", 4, 4, 'w', 'K'),
    ("pss uss", 6, 6, 'r', 'K'),
    ("exe cwd root same_root", 2, 2, 'r', 'K'),
    (
        "file.path file.deleted file.dev file.ino file.nlink file.mode file.owner file.group file.memfd file.size \
         file.mtime",
        2,
        2,
        'r',
        'K',
    ),
    ("argv cmdline", 3, 3, 'w', 'S'),
    ("argv_rewritten", 4, 4, 'r', 'K'),
    ("execfn", 3, 3, 'a', 'S'),
    // The name given to execve is one of its two sources, and needs more than reading.
    ("script", 2, 4, 'a', 'S'),
    ("env", 3, 3, 'r', 'S'),
    ("umask no_new_privs seccomp tracer_pid", 4, 4, 'w', 'K'),
    ("caps.eff caps.perm caps.inh caps.bnd caps.amb", 4, 4, 'w', 'K'),
    ("signals.caught signals.ignored signals.blocked", 4, 4, 'w', 'K'),
    ("ns.pid ns.mnt ns.net ns.user ns.uts ns.ipc ns.cgroup ns.time", 2, 2, 'r', 'K'),
    (
        "self.ns.pid self.ns.mnt self.ns.net self.ns.user self.ns.uts self.ns.ipc self.ns.cgroup self.ns.time",
        0,
        0,
        'w',
        'K',
    ),
    ("cgroup cgroup.v2 cgroup[] container", 4, 4, 'w', 'K'),
    ("oom_score_adj oom_score", 3, 3, 'w', 'K'),
    (
        "io.read_bytes io.write_bytes io.read_chars io.write_chars io.read_calls io.write_calls",
        3,
        3,
        'r',
        'K',
    ),
    (
        "rate(io.read_bytes) rate(io.write_bytes) rate(io.read_chars) rate(io.write_chars) rate(io.read_calls) \
         rate(io.write_calls)",
        3,
        3,
        'r',
        'K',
    ),
    (
        "cpu rate(cpu_time) rate(cpu_user) rate(cpu_sys) rate(faults.minor) rate(faults.major) \
         rate(switches.voluntary) rate(switches.involuntary) changed(ppid) changed(user)",
        4,
        4,
        'w',
        'K',
    ),
    ("changed(exe)", 4, 4, 'r', 'K'),
    ("faults.minor faults.major switches.voluntary switches.involuntary rss_share", 4, 4, 'w', 'K'),
    ("fds_share", 4, 4, 'r', 'K'),
    ("limits limit.soft limit.hard", 4, 4, 'w', 'K'),
    ("fds", 3, 4, 'r', 'K'),
    ("files listens sockets", 6, 6, 'r', 'K'),
    (
        "socket.proto socket.ip socket.port socket.state socket.peer_ip socket.peer_port socket.path",
        0,
        0,
        'r',
        'K',
    ),
    ("security_label", 3, 3, 'w', 'K'),
    ("parent ancestors children descendants session_leader group_leader", 4, 4, 'w', 'K'),
    ("self managed_as", 0, 0, 'w', 'K'),
];

/// Every function of the reference; those of the core are declared by the core.
const FUNCTIONS: &str = "interpreter runs pidfile basename dirname lower upper len has known assume realpath same_file file \
     arg flag env opt_env now boot uid in_group has_account cidr_contains matches_any any all none one count sum \
     rate changed";

fn name_of(field: &FieldDecl) -> String {
    if field.owner == "process" { field.name.to_string() } else { format!("{}.{}", field.owner, field.name) }
}

#[test]
fn the_fields_are_those_of_the_reference() {
    let declared = declarations().fields;
    let mut left: BTreeMap<String, &FieldDecl> =
        declared.iter().map(|field| (name_of(field), &**field)).collect();
    for (names, least, most, privilege, trust) in FIELDS {
        for name in names.split_whitespace() {
            let field = left.remove(name).unwrap_or_else(|| panic!("`{name}` is not declared"));
            assert!((*least..=*most).contains(&field.cost), "`{name}` costs {}", field.cost);
            let letter = match field.privilege {
                Privilege::World => 'w',
                Privilege::Read => 'r',
                Privilege::Attach => 'a',
            };
            assert_eq!(letter, *privilege, "{name}");
            assert_eq!(if field.trust == Trust::Kernel { 'K' } else { 'S' }, *trust, "{name}");
        }
    }
    assert!(left.is_empty(), "not in the reference: {:?}", left.keys());
}

#[test]
fn the_functions_are_those_of_the_reference() {
    let declared = declarations().functions;
    let core = selfsame::lang::CORE_FUNCTIONS.iter().map(|function| function.name);
    let known: Vec<&str> = declared.iter().map(|function| function.name.as_ref()).chain(core).collect();
    for name in FUNCTIONS.split_whitespace() {
        assert!(known.contains(&name), "{name}");
    }
}

#[test]
fn sockets_are_asked_like_any_list() {
    let listens = "listens: [{proto: tcp, ip: \"::\", port: 80, state: listen}]";
    rows(&[
        (listens, "any(listens, s => s.port == 80)", "true"),
        (listens, "any(listens, s => s.port == 443)", "false"),
        (listens, "any(listens, s => s.proto == tcp && s.ip == :: && s.state == listen)", "true"),
        (listens, "any(sockets, s => s.port == 80)", "true"),
        ("state: sleeping", "any(listens, s => s.port == 80)", "false"),
        ("listens: []", "none(listens, s => s.port == 80)", "true"),
        ("listens: []", "all(listens, s => s.port == 80)", "true"),
        ("unreadable: {listens: denied}", "any(listens, s => s.port == 80)", "unknown; denied"),
        ("unreadable: {sockets: timeout}", "any(listens, s => s.port == 80)", "unknown; timeout"),
        ("unreadable: {sockets: budget}", "len(sockets) > 0", "unknown; budget"),
        ("sockets: [{proto: udp, port: 53, state: unconnected}]", "len(listens) == 1", "true"),
        ("sockets: [{proto: udp, port: 53, state: established}]", "len(listens) == 0", "true"),
        ("sockets: [{ip: \"::ffff:10.0.0.1\", port: 1}]", "any(sockets, s => s.ip in 10.0.0.0/8)", "true"),
        ("sockets: [{proto: unix, path: /run/a}]", "any(sockets, s => has(s.port) || has(s.ip))", "false"),
        ("sockets: [{proto: unix, path: /run/a}]", "any(sockets, s => s.path under \"/run\")", "true"),
    ]);
}

#[test]
fn open_files_are_asked_by_identity() {
    let log = "\n    /var/log/a.log: {id: [1, 700]}\n    /var/log/link: {link: a.log}\n";
    about(
        &host(log, "files: [/var/log/a.log, {path: \"/tmp/gone (deleted)\", id: [1, 701], size: 2GiB}]"),
        PID,
        &[
            ("any(files, f => f == \"/var/log/a.log\")", "true"),
            ("any(files, f => f == \"/var/log/link\")", "true"),
            ("any(files, f => f.path == \"/var/log/link\")", "false"),
            ("any(files, f => f.deleted && f.size > 1GiB)", "true"),
            ("any(files, f => f.deleted && f.path == \"/tmp/gone\")", "true"),
            ("any(files, f => f under \"/var/log\")", "true"),
            ("len(files) == 2", "true"),
        ],
    );
    rows(&[
        ("unreadable: {files: timeout}", "any(files, f => f.deleted)", "unknown; timeout"),
        ("pss: 2GiB, uss: 1MiB", "pss > 1GiB && uss < 2MiB", "true"),
        ("pss: 2GiB", "has(uss)", "false"),
        ("unreadable: {pss: budget}", "pss > 1GiB", "unknown; budget"),
        ("container: web", "container == \"web\"", "true"),
        ("cgroup: {v2: /lxc.payload.web}", "container == \"web\"", "true"),
        ("cgroup: {v2: /system.slice/web.service}", "has(container)", "false"),
        ("unreadable: {cgroup: denied}", "has(container)", "unknown; denied"),
        ("env: {A: \"1\"}", "opt_env(\"A\") == \"1\" && !has(opt_env(\"B\"))", "true"),
    ]);
}
