//! Quantifiers, lists and families of processes.

use crate::ask::{PID, about, host};

#[test]
fn quantifiers_of_lists() {
    about(
        &host("", "argv: [app, -v, \"\", -x], env: {A: \"1\"}, groups: [adm], state: sleeping"),
        PID,
        &[
            ("any(argv, x => x == \"-v\")", "true"),
            ("any(argv, x => x == \"-q\")", "false"),
            ("all(argv, x => x != \"-q\")", "true"),
            ("all(argv, x => x starts_with \"-\")", "false"),
            ("none(argv, x => x == \"-q\")", "true"),
            ("none(argv, x => x == \"-v\")", "false"),
            ("one(argv, x => x == \"-v\")", "true"),
            ("one(argv, x => x starts_with \"-\")", "false"),
            ("count(argv, x => x starts_with \"-\") == 2", "true"),
            ("len(argv) == 4", "true"),
            ("len(comm ?? \"abc\") == 3", "true"),
            // Empty arguments are kept.
            ("argv[2] == \"\"", "true"),
            ("argv[3] == \"-x\" && argv[-1] == \"-x\" && argv[-4] == \"app\"", "true"),
            ("has(argv[4]) || has(argv[-5])", "false"),
            ("argv contains \"-v\"", "true"),
            ("any(argv, x => any(groups, g => x == \"-v\" && g == \"adm\"))", "true"),
            ("any([\"a\", \"b\"], x => x == \"b\")", "true"),
        ],
    );
}

#[test]
fn an_empty_list_has_none_and_all() {
    about(
        &host("", "argv: [], groups: [], state: sleeping"),
        PID,
        &[
            ("any(argv, x => true || x == \"\")", "false"),
            ("all(argv, x => x == \"a\")", "true"),
            ("none(argv, x => x == \"a\")", "true"),
            ("one(argv, x => x == \"a\")", "false"),
            ("count(argv, x => x == \"a\") == 0", "true"),
            ("len(argv) == 0", "true"),
            ("any(children, c => c.pid > 0)", "false"),
            ("all(children, c => c.pid < 0)", "true"),
            ("len(children) == 0", "true"),
        ],
    );
}

const TREE: &str = "
  users: {root: 0, www-data: 33}
  groups: {root: 0, www-data: 33}
  self: 50
  files:
    /usr/sbin/nginx: {id: [1, 115], elf: true}
    /usr/sbin/init: {id: [1, 100], elf: true}
processes:
  - {pid: 1, ppid: 0, sid: 1, pgid: 1, startTicks: 1, state: sleeping, comm: init, user: root, exe: /usr/sbin/init, argv: [init]}
  - {pid: 50, ppid: 1, sid: 50, pgid: 50, startTicks: 50, state: sleeping, comm: selfsame, user: root, argv: [selfsame]}
  - {pid: 100, ppid: 1, sid: 100, pgid: 100, startTicks: 100, state: sleeping, comm: nginx, user: root, exe: /usr/sbin/nginx, execfn: /usr/sbin/nginx, argv: [nginx]}
  - {pid: 101, ppid: 100, sid: 100, pgid: 100, startTicks: 101, state: sleeping, comm: nginx, user: www-data, exe: /usr/sbin/nginx, execfn: /usr/sbin/nginx, argv: [nginx]}
  - {pid: 102, ppid: 100, sid: 100, pgid: 100, startTicks: 102, state: sleeping, comm: nginx, unreadable: {user: denied, exe: denied, argv: denied, execfn: denied}}
  - {pid: 103, ppid: 101, sid: 103, pgid: 103, startTicks: 103, state: zombie, comm: cgi, user: www-data}
  - {pid: 104, ppid: 102, sid: 104, pgid: 104, startTicks: 104, state: sleeping, comm: cgi, user: www-data}
";

fn tree() -> String {
    format!("host:{TREE}")
}

#[test]
fn families_are_lists_of_processes() {
    about(
        &tree(),
        103,
        &[
            ("parent.pid == 101", "true"),
            ("parent.user == \"www-data\"", "true"),
            ("parent.parent.pid == 100", "true"),
            ("len(ancestors) == 3", "true"),
            ("ancestors[0].pid == 101 && ancestors[-1].pid == 1", "true"),
            ("none(ancestors, a => a.pid == pid)", "true"),
            ("any(ancestors, a => a.exe == \"/usr/sbin/nginx\")", "true"),
            ("any_ancestor_runs(\"/usr/sbin/nginx\")", "true"),
            ("parent_runs(\"/usr/sbin/nginx\")", "true"),
            ("parent_runs(\"/usr/sbin/init\")", "false"),
            ("has(session_leader.pid)", "true"),
            // A bare field inside a lambda is the candidate's.
            ("any(ancestors, a => comm == \"cgi\")", "true"),
            ("any(ancestors, a => a.comm == \"cgi\")", "false"),
        ],
    );
    about(
        &tree(),
        100,
        &[
            ("len(children) == 2", "true"),
            ("len(descendants) == 4", "true"),
            ("any(descendants, d => d.state == zombie)", "true"),
            ("count(children, c => c.comm == \"nginx\") == 2", "true"),
            ("session_leader.pid == pid", "true"),
            ("group_leader.pid == 100", "true"),
            ("parent.pid == ppid", "true"),
            ("self", "false"),
        ],
    );
    about(&tree(), 50, &[("self", "true"), ("!self", "false")]);
    about(
        &tree(),
        1,
        &[
            ("has(parent.pid)", "false"),
            ("parent.pid == 0", "false"),
            ("parent.pid != 5", "true"),
            ("len(ancestors) == 0", "true"),
            ("parent_runs(\"/usr/sbin/init\")", "false"),
            ("any_ancestor_runs(\"/usr/sbin/init\")", "false"),
            ("any(ancestors, a => a.pid == 1)", "false"),
        ],
    );
}

#[test]
fn an_element_that_is_unknown_counts_only_where_it_decides() {
    about(
        &tree(),
        100,
        &[
            // 101 is www-data, 102 can't be read.
            ("any(children, c => c.user == \"www-data\")", "true"),
            ("any(children, c => c.user == \"root\")", "unknown; denied"),
            ("all(children, c => c.user == \"www-data\")", "unknown; denied"),
            ("all(children, c => c.user == \"root\")", "false"),
            ("none(children, c => c.user == \"www-data\")", "false"),
            ("none(children, c => c.user == \"root\")", "unknown; denied"),
            ("one(children, c => c.user == \"www-data\")", "unknown; denied"),
            ("one(children, c => c.user == \"root\")", "unknown; denied"),
            ("one(children, c => c.comm == \"nginx\" || c.user == \"root\")", "false"),
            ("count(children, c => c.user == \"www-data\") == 1", "unknown; denied"),
            ("count(children, c => c.comm == \"nginx\") == 2", "true"),
        ],
    );
    about(
        &tree(),
        104,
        &[
            ("parent_runs(\"/usr/sbin/nginx\")", "unknown; denied"),
            ("any_ancestor_runs(\"/usr/sbin/nginx\")", "true"),
            ("any_ancestor_runs(\"/usr/sbin/init\")", "true"),
            ("any_ancestor_runs(\"/usr/bin/other\")", "unknown; denied"),
        ],
    );
}

#[test]
fn loops_and_strangers_end_a_family() {
    // A torn look may show a circle, or a parent that isn't listed.
    let yaml = "host: {}\nprocesses:\n  - {pid: 10, ppid: 11, startTicks: 5, state: sleeping, comm: a}\n  - {pid: 11, ppid: 10, startTicks: 4, state: sleeping, comm: b}\n  - {pid: 12, ppid: 99, startTicks: 6, state: sleeping, comm: c}\n";
    about(yaml, 10, &[("len(ancestors) <= 64", "true"), ("len(descendants) < 3", "true")]);
    about(yaml, 12, &[("parent.comm == \"x\"", "gone; vanished")]);
}
