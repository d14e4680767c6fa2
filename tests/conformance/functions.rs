//! The functions of processes, files and accounts, and the fields beside them.

use crate::ask::{Asked, Faults, PID, about, host, rows};

#[test]
fn options_of_the_command_line() {
    rows(&[
        ("argv: [app, --port=80]", "arg(\"--port\") == \"80\"", "true"),
        ("argv: [app, --port, \"80\"]", "arg(\"--port\") == \"80\"", "true"),
        ("argv: [app, --port=80, --port=81]", "arg(\"--port\") == \"81\"", "true"),
        ("argv: [app, --portal=80]", "has(arg(\"--port\"))", "false"),
        ("argv: [app, --port]", "has(arg(\"--port\"))", "false"),
        ("argv: [app, --port=]", "arg(\"--port\") == \"\"", "true"),
        ("argv: [app, --, --port=80]", "has(arg(\"--port\"))", "false"),
        // argv[0] is no option.
        ("argv: [--port=80]", "has(arg(\"--port\"))", "false"),
        ("argv: [app]", "arg(\"--port\") != \"80\"", "true"),
        ("argv: [app]", "arg(\"--port\") ?? \"80\" == \"80\"", "true"),
        ("argv: [app, --foreground]", "flag(\"--foreground\")", "true"),
        ("argv: [app, --foreground=1]", "flag(\"--foreground\")", "false"),
        ("argv: [app, --, --foreground]", "flag(\"--foreground\")", "false"),
        ("argv: [--foreground]", "flag(\"--foreground\")", "false"),
        ("state: zombie", "flag(\"--foreground\")", "false"),
        ("unreadable: {argv: timeout}", "flag(\"--foreground\")", "unknown; timeout"),
        ("argv: [app, -c, /etc/a]", "has_args([\"-c\", \"/etc/a\"])", "true"),
        ("argv: [app, -c, /etc/a, x]", "has_args([\"-c\", \"/etc/a\"])", "false"),
        ("argv: [app]", "has_args([])", "true"),
        ("env: {A: \"1\", E: \"\"}", "env(\"A\") == \"1\" && env[\"A\"] == \"1\"", "true"),
        ("env: {A: \"1\", E: \"\"}", "has(env(\"E\")) && env(\"E\") == \"\"", "true"),
        ("env: {A: \"1\"}", "has(env(\"B\"))", "false"),
        ("unreadable: {env: denied}", "env(\"A\") == \"1\"", "unknown; denied"),
    ]);
}

#[test]
fn files_and_accounts() {
    about(
        &host("\n    /etc/app: {id: [1, 900], head: x, owner: ann, group: adm, mode: \"0640\", size: 5KiB}\n    /etc/no: {unreadable: denied}\n", "user: ann, group: ann1, state: sleeping")
            .replace("groups: {root: 0,", "groups: {ann1: 1000, root: 0,")
            .replace("ann: 1000,", "ann: {uid: 1000, groups: [ann1, adm]},"),
        PID,
        &[
            ("file(\"/etc/app\").owner == \"ann\"", "true"),
            ("file(\"/etc/app\").group == \"adm\"", "true"),
            ("file(\"/etc/app\").mode == 0o640", "true"),
            ("file(\"/etc/app\").size == 5KiB", "true"),
            ("has(file(\"/etc/none\"))", "false"),
            ("file(\"/etc/none\").owner == \"ann\"", "false"),
            ("file(\"/etc/none\").owner != \"ann\"", "true"),
            ("file(\"/etc/no\").owner == \"ann\"", "unknown; denied"),
            ("same_file(\"/bin/sh\", \"/usr/bin/dash\")", "true"),
            ("same_file(\"/bin/sh\", \"/usr/bin/bash\")", "false"),
            ("realpath(\"/usr/bin/python3\") == \"/usr/bin/python3.11\"", "true"),
            ("has(realpath(\"/etc/none\"))", "false"),
            ("in_group(user, \"adm\")", "true"),
            ("in_group(user, \"root\")", "false"),
            ("has_account(user)", "true"),
            ("has_account(\"nobody-here\")", "false"),
            ("user == uid(\"ann\")", "true"),
            ("user == uid(\"nobody-here\")", "false"),
            ("has(uid(\"nobody-here\"))", "false"),
            ("basename(\"/a/b.c\") == \"b.c\" && dirname(\"/a/b.c\") == \"/a\"", "true"),
            ("len(\"é\") == 2", "true"),
        ],
    );
}

/// A process that began 1000 s after boot, i.e. 00:16:40.
fn with_pidfile(file: &str, directory: &str) -> String {
    let files =
        format!("\n    /run: {{kind: directory, {directory}}}\n    /run/app.pid: {{id: [1, 950], {file}}}\n");
    host(&files, "user: www-data, group: www-data, startTicks: 100000, state: sleeping, comm: app")
        .replace("\n  files:", "\n  boot: 2026-01-01T00:00:00Z\n  now: 2026-01-01T01:00:00Z\n  files:")
}

#[test]
fn pid_files_are_evidence_by_one_rule() {
    let fresh = "mtime: 2026-01-01T00:20:00Z";
    let mut faults = Faults::default();
    for (file, directory, expression, expected) in [
        (
            "head: \"600\\n\", owner: root, mode: \"0644\"",
            "mode: \"0755\"",
            "pidfile(\"/run/app.pid\")",
            "true",
        ),
        (
            "head: \"600\\n\", owner: www-data, mode: \"0644\"",
            "mode: \"0755\"",
            "pidfile(\"/run/app.pid\")",
            "true",
        ),
        (
            "head: \"  600 \\n/usr/x\\n5432\\n\", owner: root",
            "mode: \"0755\"",
            "pidfile(\"/run/app.pid\")",
            "true",
        ),
        ("head: \"601\\n\", owner: root", "mode: \"0755\"", "pidfile(\"/run/app.pid\")", "false"),
        ("head: \"\", owner: root", "mode: \"0755\"", "pidfile(\"/run/app.pid\")", "false"),
        ("head: \"600x\", owner: root", "mode: \"0755\"", "pidfile(\"/run/app.pid\")", "false"),
        ("head: \"-600\", owner: root", "mode: \"0755\"", "pidfile(\"/run/app.pid\")", "false"),
        ("head: \"600\\n\", owner: ann", "mode: \"0755\"", "pidfile(\"/run/app.pid\")", "false; belongs"),
        (
            "head: \"600\\n\", owner: root, mode: \"0666\"",
            "mode: \"0755\"",
            "pidfile(\"/run/app.pid\")",
            "false; writable",
        ),
        (
            "head: \"600\\n\", owner: root, mode: \"0664\"",
            "mode: \"0755\"",
            "pidfile(\"/run/app.pid\")",
            "true",
        ),
        ("head: \"600\\n\", owner: root", "mode: \"0777\"", "pidfile(\"/run/app.pid\")", "false; writable"),
        ("head: \"600\\n\", owner: root", "mode: \"1777\"", "pidfile(\"/run/app.pid\")", "false; writable"),
        ("kind: other, owner: root", "mode: \"0755\"", "pidfile(\"/run/app.pid\")", "false"),
        ("unreadable: {head: denied}", "mode: \"0755\"", "pidfile(\"/run/app.pid\")", "unknown; denied"),
        (
            "head: \"600\\n\", owner: root, lockedBy: 600",
            "mode: \"0755\"",
            "pidfile(\"/run/app.pid\", locked: true)",
            "true",
        ),
        (
            "head: \"600\\n\", owner: root, lockedBy: 601",
            "mode: \"0755\"",
            "pidfile(\"/run/app.pid\", locked: true)",
            "false",
        ),
        (
            "head: \"600\\n\", owner: root",
            "mode: \"0755\"",
            "pidfile(\"/run/app.pid\", locked: true)",
            "false",
        ),
        ("head: \"600\\n\", owner: root", "mode: \"0755\"", "pidfile(\"/run/none.pid\")", "false"),
        ("head: \"600\\n\", owner: root", "mode: \"0755\"", "!pidfile(\"/run/app.pid\")", "false"),
    ] {
        faults.row(
            &Asked::default(),
            &with_pidfile(&format!("{file}, {fresh}"), directory),
            PID,
            expression,
            expected,
        );
    }
    for (mtime, expected) in [
        ("2026-01-01T00:16:40Z", "true"),
        // Clocks are coarse: a second and a half.
        ("2026-01-01T00:16:39Z", "true"),
        ("2026-01-01T00:16:38Z", "false; recycled pid"),
        ("2025-01-01T00:00:00Z", "false; recycled pid"),
    ] {
        let yaml = with_pidfile(&format!("head: \"600\", owner: root, mtime: {mtime}"), "mode: \"0755\"");
        faults.row(&Asked::default(), &yaml, PID, "pidfile(\"/run/app.pid\")", expected);
    }
    faults.none();
}

#[test]
fn times_follow_from_ticks() {
    about(
        &host("", "startTicks: 100000, state: sleeping")
            .replace("\n  files:", "\n  boot: 2026-01-01T00:00:00Z\n  now: 2026-01-01T01:00:00Z\n  files:"),
        PID,
        &[
            ("start_ticks == 100000", "true"),
            ("started == @2026-01-01T00:16:40Z", "true"),
            ("age == 43m20s", "true"),
            ("age > 43m && age < 44m", "true"),
            ("started > boot() && started < now()", "true"),
            ("now() - started == age", "true"),
        ],
    );
}

#[test]
fn names_are_completed_where_the_kernel_cut_them() {
    let cut = "comm: prometheus-node";
    let row = |rest: &str| format!("{cut}, {rest}");
    rows(&[
        (cut, "name == \"prometheus-node\"", "true"),
        (&row("exe: /usr/bin/prometheus-node-exporter"), "name == \"prometheus-node-exporter\"", "true"),
        (&row("execfn: /usr/bin/prometheus-node-exporter"), "name == \"prometheus-node-exporter\"", "true"),
        (&row("argv: [prometheus-node-exporter]"), "name == \"prometheus-node-exporter\"", "true"),
        (&row("exe: /usr/bin/other"), "name == \"prometheus-node\"", "true"),
        (&row("unreadable: {exe: denied}"), "name == \"prometheus-node-exporter\"", "unknown; denied"),
        (
            &row("argv: [prometheus-node-exporter], unreadable: {exe: denied}"),
            "name == \"prometheus-node-exporter\"",
            "true",
        ),
        ("comm: short, exe: /usr/bin/shorter", "name == \"short\"", "true"),
        ("comm: short, unreadable: {exe: denied}", "name == \"short\"", "true"),
        ("commHex: \"6129206228\", state: sleeping", "comm == \"a) b(\"", "true"),
        ("commHex: ff0a", "comm == \"\\xff\\n\"", "true"),
    ]);
}

#[test]
fn every_field_can_be_stated() {
    about(
        &host(
            "",
            "ppid: 1, pgid: 600, sid: 600, tpgid: -1, tty: pts/0, threads: 4, nice: 5, priority: 25, policy: fifo, rtPriority: 3, startTicks: 5, \
             cpuUser: 2s, cpuSys: 1s, childrenCpu: 4s, vsize: 1GiB, rss: 48MiB, rssPeak: 50MiB, swap: 1MiB, user: www-data, group: www-data, ruser: root, suser: ann, \
             fsuser: www-data, rgroup: root, groups: [adm], umask: 0o027, noNewPrivs: true, seccomp: filter, tracerPid: 0, caps: {eff: [CAP_NET_ADMIN]}, \
             signals: {ignored: [HUP]}, oomScore: 10, oomScoreAdj: -500, io: {readBytes: 1MiB, writeBytes: 2MiB}, fds: 12, limits: {nofile: {soft: 1024, hard: unlimited}}, \
             ns: {pid: 4026531836, net: 7}, cgroup: {v2: /system.slice/app.service, memory: /app}, securityLabel: unconfined, loginUser: ann, managedAs: web, comm: app, state: sleeping",
        ),
        PID,
        &[
            ("ppid == 1 && pgid == pid && sid == pid && tpgid == -1", "true"),
            ("tty == \"pts/0\"", "true"),
            ("nice == 5 && priority == 25 && policy == fifo && rt_priority == 3", "true"),
            ("cpu_user == 2s && cpu_sys == 1s && cpu_time == 3s && children_cpu == 4s", "true"),
            ("vsize == 1GiB && rss_peak == 50MiB && swap == 1MiB", "true"),
            ("ruser == \"root\" && suser == \"ann\" && fsuser == user && rgroup == \"root\"", "true"),
            ("umask == 0o027 && no_new_privs && seccomp == filter", "true"),
            ("CAP_NET_ADMIN in caps.eff", "true"),
            ("CAP_SYS_ADMIN in caps.eff", "false"),
            ("signals.ignored contains HUP", "true"),
            ("oom_score == 10 && oom_score_adj == -500", "true"),
            ("io.read_bytes == 1MiB && io.write_bytes == 2MiB && fds == 12", "true"),
            ("limits[\"nofile\"].soft == 1024 && limits[\"nofile\"].hard > 1000000", "true"),
            ("ns.pid == self.ns.pid", "true"),
            ("ns.net == self.ns.net", "false"),
            ("cgroup under \"/system.slice\" && cgroup.v2 == \"/system.slice/app.service\"", "true"),
            ("cgroup[\"memory\"] == \"/app\"", "true"),
            ("has(cgroup[\"cpu\"])", "false"),
            ("security_label == \"unconfined\" && login_user == \"ann\" && managed_as == \"web\"", "true"),
        ],
    );
}
