//! `runs(path)` and `script`: which process is an execution of which file.

use crate::ask::{Asked, Faults, PID, host, rows, rows_with};

#[test]
fn scripts_as_they_show_in_argv() {
    rows(&[
        // Started directly.
        (
            "exe: /usr/bin/python3.11, comm: a.py, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py, x]",
            "runs(\"/srv/a.py\")",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "runs(\"/srv/b.py\")",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: ./a.py, argv: [/usr/bin/python3, ./a.py], cwd: /srv",
            "runs(\"/srv/a.py\")",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: ./a.py, argv: [/usr/bin/python3, ./a.py], cwd: /",
            "runs(\"/srv/a.py\")",
            "unknown; unresolved",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: ./link.py, argv: [/usr/bin/python3, ./link.py], cwd: /srv, comm: link.py",
            "runs(\"/srv/a.py\")",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "runs(\"/srv/link.py\")",
            "true",
        ),
        // Started by env: execfn is the interpreter.
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, /srv/e.py]",
            "runs(\"/srv/e.py\")",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, -u, -B, /srv/s.py]",
            "runs(\"/srv/s.py\")",
            "true",
        ),
        (
            "exe: /usr/bin/perl, execfn: /srv/t.pl, argv: [/usr/bin/perl, \"-w -T\", /srv/t.pl]",
            "runs(\"/srv/t.pl\")",
            "true",
        ),
        (
            "exe: /usr/bin/perl, execfn: /usr/bin/perl, argv: [perl, \"-w -T\", /srv/t.pl]",
            "runs(\"/srv/t.pl\")",
            "true",
        ),
        // Nested.
        (
            "exe: /usr/bin/python3.11, execfn: /srv/rec2, argv: [/usr/bin/python3, /srv/a.py, /srv/rec1, /srv/rec2], comm: rec2",
            "runs(\"/srv/rec2\")",
            "true",
        ),
        // By hand, with the interpreter named.
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "true",
        ),
        (
            "exe: /usr/bin/python3.12, execfn: /usr/bin/python3.12, argv: [python3.12, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "true; stale",
        ),
        (
            "exe: /usr/bin/node, execfn: /usr/bin/node, argv: [node, /srv/app.js]",
            "runs(\"/srv/app.js\")",
            "true",
        ),
        (
            "exe: /usr/bin/tclsh8.6, execfn: /srv/t.tcl, argv: [/usr/bin/tclsh, /srv/t.tcl], comm: t.tcl",
            "runs(\"/srv/t.tcl\")",
            "true",
        ),
        ("exe: /usr/bin/dash, execfn: /srv/s.sh, argv: [/bin/sh, /srv/s.sh]", "runs(\"/srv/s.sh\")", "true"),
        (
            "exe: /usr/bin/ruby3.1, execfn: /srv/r.rb, argv: [/usr/bin/ruby, /srv/r.rb]",
            "runs(\"/srv/r.rb\")",
            "true",
        ),
        (
            "exe: /usr/bin/php8.2, execfn: /srv/p.php, argv: [/usr/bin/php, /srv/p.php]",
            "runs(\"/srv/p.php\")",
            "true",
        ),
        (
            "exe: /usr/bin/php8.2, execfn: /usr/bin/php8.2, argv: [php, -f, /srv/p.php]",
            "runs(\"/srv/p.php\")",
            "true",
        ),
        (
            "exe: /usr/bin/lua5.4, execfn: /usr/bin/lua5.4, argv: [lua, /srv/l.lua]",
            "runs(\"/srv/l.lua\")",
            "true",
        ),
    ]);
}

#[test]
fn a_word_of_argv_is_not_an_execution() {
    rows(&[
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, -O, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, -W, ignore, -X, dev, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, -m, pdb, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, -c, \"import x\", /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /srv/b.py, argv: [/usr/bin/python3, /srv/b.py, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, /srv/b.py, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, \"-\"]",
            "runs(\"/srv/a.py\")",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3]",
            "runs(\"/srv/a.py\")",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [/srv/a.py]",
            "runs(\"/srv/a.py\")",
            "unknown; could be",
        ),
        (
            "exe: /usr/bin/bash, execfn: /usr/bin/bash, argv: [bash, -c, \"/srv/s.sh\"]",
            "runs(\"/srv/s.sh\")",
            "false",
        ),
        (
            "exe: /usr/bin/dash, execfn: /usr/bin/dash, argv: [sh, -ec, x, /srv/s.sh]",
            "runs(\"/srv/s.sh\")",
            "false",
        ),
        (
            "exe: /usr/bin/perl, execfn: /usr/bin/perl, argv: [perl, -ne, print, /srv/t.pl]",
            "runs(\"/srv/t.pl\")",
            "false",
        ),
        (
            "exe: /usr/bin/node, execfn: /usr/bin/node, argv: [node, -e, x, /srv/app.js]",
            "runs(\"/srv/app.js\")",
            "false",
        ),
        (
            "exe: /usr/bin/node, execfn: /usr/bin/node, argv: [node, -r, /srv/app.js, /srv/other.js]",
            "runs(\"/srv/app.js\")",
            "false",
        ),
        (
            "exe: /usr/bin/tail, execfn: /usr/bin/tail, argv: [tail, -f, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "false",
        ),
        ("exe: /usr/bin/perl, execfn: /usr/bin/perl, argv: [vim, /srv/a.py]", "runs(\"/srv/a.py\")", "false"),
        // An interpreter that no table knows: its words must be exactly those of the line.
        (
            "exe: /usr/bin/escript, execfn: /usr/bin/escript, argv: [escript, -x, /srv/es]",
            "runs(\"/srv/es\")",
            "true",
        ),
        (
            "exe: /usr/bin/escript, execfn: /usr/bin/escript, argv: [escript, /srv/es]",
            "runs(\"/srv/es\")",
            "false",
        ),
        (
            "exe: /usr/bin/escript, execfn: /usr/bin/escript, argv: [escript, -x, -y, /srv/es]",
            "runs(\"/srv/es\")",
            "false",
        ),
        // java names a class, a jar, or a source file.
        (
            "exe: /usr/lib/jvm/17/bin/java, execfn: /usr/bin/java, argv: [java, -Xmx1g, -jar, /srv/app.jar]",
            "script == \"/srv/app.jar\"",
            "true",
        ),
        (
            "exe: /usr/lib/jvm/17/bin/java, execfn: /usr/bin/java, argv: [java, -cp, /srv/app.jar, Main]",
            "has(script)",
            "false",
        ),
        (
            "exe: /usr/lib/jvm/17/bin/java, execfn: /usr/bin/java, argv: [java, /srv/M.java]",
            "script == \"/srv/M.java\"",
            "true",
        ),
    ]);
}

#[test]
fn a_title_hides_argv_and_execfn_still_tells() {
    let title = "argv: [\"gunicorn: master [app]\"], argvRewritten: true, comm: \"gunicorn: maste\"";
    let row = |rest: &str| format!("exe: /usr/bin/python3.11, {title}, {rest}");
    rows(&[
        (&row("execfn: /srv/a.py"), "runs(\"/srv/a.py\")", "true"),
        (&row("execfn: /srv/b.py"), "runs(\"/srv/a.py\")", "false"),
        (&row("execfn: /usr/bin/python3"), "runs(\"/srv/a.py\")", "unknown; could be"),
        (&row("unreadable: {execfn: denied}"), "runs(\"/srv/a.py\")", "unknown; could be"),
        (&row("execfn: /usr/bin/python3"), "runs(\"/usr/sbin/nginx\")", "false"),
        (&row("execfn: /usr/bin/python3"), "runs(\"/srv/t.pl\")", "false"),
        (&row("execfn: /srv/a.py"), "argv_rewritten", "true"),
        (&row("execfn: /srv/a.py"), "script == \"/srv/a.py\"", "true"),
        (&row("execfn: /usr/bin/python3"), "script == \"/srv/a.py\"", "unknown; unresolved"),
        (&row("execfn: /usr/bin/python3"), "arg(\"--port\") == \"1\"", "unknown; unresolved"),
        // perl's `$0 = "..."`: one word, the rest is gone.
        (
            "exe: /usr/bin/perl, argv: [\"postgrey --pidfile=/run/x\"], execfn: /srv/t.pl",
            "runs(\"/srv/t.pl\")",
            "true",
        ),
        (
            "exe: /usr/bin/perl, argv: [\"postgrey --pidfile=/run/x\"], execfn: /usr/bin/perl",
            "runs(\"/srv/t.pl\")",
            "unknown; could be",
        ),
        // node's `process.title`, started through env.
        (
            "exe: /usr/bin/node, argv: [http-server], argvRewritten: true, execfn: /usr/bin/node",
            "runs(\"/srv/app.js\")",
            "unknown; could be",
        ),
        // A native program's title changes nothing.
        (
            "exe: /usr/sbin/nginx, argv: [\"nginx: master process\"], argvRewritten: true, execfn: /usr/sbin/nginx",
            "runs(\"/usr/sbin/nginx\")",
            "true",
        ),
    ]);
}

#[test]
fn what_cannot_be_read_is_unknown_only_where_it_matters() {
    rows(&[
        ("exe: /usr/sbin/nginx, unreadable: {argv: denied, execfn: denied}", "runs(\"/srv/a.py\")", "false"),
        ("exe: /usr/bin/perl, unreadable: {argv: timeout, execfn: denied}", "runs(\"/srv/a.py\")", "false"),
        (
            "exe: /usr/bin/python3.11, unreadable: {argv: timeout, execfn: denied}",
            "runs(\"/srv/a.py\")",
            "unknown; timeout",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /srv/a.py, unreadable: {argv: timeout}",
            "runs(\"/srv/a.py\")",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /srv/b.py, unreadable: {argv: timeout}",
            "runs(\"/srv/a.py\")",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, argv: [python3, /srv/a.py], unreadable: {execfn: denied}",
            "runs(\"/srv/a.py\")",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, argv: [python3, /srv/b.py], unreadable: {execfn: denied}",
            "runs(\"/srv/a.py\")",
            "false",
        ),
        ("unreadable: {exe: denied, argv: denied, execfn: denied}", "runs(\"/srv/a.py\")", "unknown; denied"),
        (
            "unreadable: {exe: denied}, execfn: /srv/a.py, argv: [python3, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "true",
        ),
        ("unreadable: {\"*\": vanished}", "runs(\"/srv/a.py\")", "gone; vanished"),
        ("unreadable: {exe: vanished}", "runs(\"/usr/sbin/nginx\")", "gone; vanished"),
        ("state: zombie", "runs(\"/srv/a.py\")", "false"),
        ("state: idle, kernelThread: true, comm: kworker", "runs(\"/srv/a.py\")", "false"),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, a.py], cwd: /tmp",
            "runs(\"/srv/a.py\")",
            "unknown; unresolved",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, b.py], cwd: /tmp",
            "runs(\"/srv/a.py\")",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, a.py], unreadable: {cwd: denied}",
            "runs(\"/srv/a.py\")",
            "unknown; denied",
        ),
        // fexecve: the name is a descriptor of the process itself, never of the reader.
        (
            "exe: /usr/bin/python3.11, comm: python3.11, execfn: /dev/fd/3, argv: [/usr/bin/python3, /dev/fd/3]",
            "runs(\"/srv/a.py\")",
            "false",
        ),
        ("exe: /usr/sbin/nginx, execfn: /dev/fd/3, argv: [nginx]", "runs(\"/usr/sbin/nginx\")", "true"),
    ]);
}

#[test]
fn native_programs_and_the_names_they_go_by() {
    rows(&[
        ("exe: /usr/sbin/nginx, execfn: /usr/sbin/nginx, argv: [nginx]", "runs(\"/usr/sbin/nginx\")", "true"),
        (
            "exe: {path: \"/usr/sbin/nginx (deleted)\", id: [1, 9], nlink: 0}, execfn: /usr/sbin/nginx, argv: [nginx]",
            "runs(\"/usr/sbin/nginx\")",
            "true; stale",
        ),
        (
            "exe: {path: /usr/sbin/nginx.bak, id: [1, 9], nlink: 1}, execfn: /usr/sbin/nginx, argv: [nginx]",
            "runs(\"/usr/sbin/nginx\")",
            "true; stale; execfn",
        ),
        (
            "exe: {path: /usr/sbin/nginx.bak, id: [1, 9], nlink: 1}, execfn: /usr/sbin/nginx.bak, argv: [nginx]",
            "runs(\"/usr/sbin/nginx\")",
            "false",
        ),
        (
            "exe: {path: /usr/sbin/nginx.bak, id: [1, 9], nlink: 1}, unreadable: {execfn: denied}, argv: [/usr/sbin/nginx]",
            "runs(\"/usr/sbin/nginx\")",
            "unknown; could be",
        ),
        // A container's copy is none of ours.
        (
            "exe: {path: /usr/sbin/nginx, id: [9, 9], nlink: 1}, root: {path: /, id: [9, 2]}, execfn: /usr/sbin/nginx, argv: [nginx]",
            "runs(\"/usr/sbin/nginx\")",
            "false",
        ),
        // The interpreter itself, while it executes a script, is not an execution of the interpreter.
        (
            "exe: /usr/bin/python3.11, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "runs(\"/usr/bin/python3\")",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3]",
            "runs(\"/usr/bin/python3\")",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3.11, argv: [python3]",
            "runs(\"/usr/bin/python3\")",
            "true",
        ),
        (
            "exe: /usr/bin/redis-check-rdb, execfn: /usr/bin/redis-server, argv: [redis-server]",
            "runs(\"/usr/bin/redis-server\")",
            "true",
        ),
        (
            "exe: /usr/bin/redis-check-rdb, execfn: /usr/bin/redis-server, argv: [redis-server]",
            "runs(\"/usr/bin/redis-sentinel\")",
            "false",
        ),
        (
            "exe: /usr/bin/redis-check-rdb, execfn: /usr/bin/redis-check-rdb, argv: [x]",
            "runs(\"/usr/bin/redis-server\")",
            "true",
        ),
        (
            "exe: /usr/bin/redis-check-rdb, unreadable: {execfn: denied}, argv: [\"redis-server *:6379\"]",
            "runs(\"/usr/bin/redis-sentinel\")",
            "unknown; could be",
        ),
        // Applets.
        (
            "exe: /usr/bin/busybox, execfn: /usr/bin/httpd, argv: [httpd, -f]",
            "runs(\"/usr/bin/httpd\")",
            "true",
        ),
        (
            "exe: /usr/bin/busybox, execfn: /usr/bin/busybox, argv: [httpd, -f]",
            "runs(\"/usr/bin/httpd\")",
            "true",
        ),
        ("exe: /usr/bin/busybox, execfn: /usr/bin/tail, argv: [tail]", "runs(\"/usr/bin/httpd\")", "false"),
        (
            "exe: /usr/bin/busybox, unreadable: {execfn: denied, argv: denied}",
            "runs(\"/usr/bin/httpd\")",
            "unknown; could be",
        ),
        (
            "exe: /usr/bin/busybox, execfn: /srv/s.sh, argv: [sh, /srv/s.sh]",
            "runs(\"/usr/bin/httpd\")",
            "false",
        ),
        // Through the loader.
        (
            "exe: /usr/lib64/ld-linux-x86-64.so.2, execfn: /usr/lib64/ld-linux-x86-64.so.2, argv: [ld.so, --library-path, /x, /usr/sbin/nginx, -g]",
            "runs(\"/usr/sbin/nginx\")",
            "true",
        ),
        (
            "exe: /usr/lib64/ld-linux-x86-64.so.2, execfn: /usr/lib64/ld-linux-x86-64.so.2, argv: [ld.so, /usr/bin/perl, /usr/sbin/nginx]",
            "runs(\"/usr/sbin/nginx\")",
            "false",
        ),
    ]);
}

#[test]
fn an_interpreter_that_was_changed_under_a_script() {
    rows(&[
        (
            "exe: {path: \"/usr/bin/python3.11 (deleted)\", id: [1, 9], nlink: 0}, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "true; stale",
        ),
        (
            "exe: {path: \"/usr/bin/python3.11 (deleted)\", id: [1, 9], nlink: 0}, execfn: /usr/bin/python3, argv: [python3, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "true; stale",
        ),
        // The default is another version now.
        (
            "exe: /usr/bin/python3.12, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "true; stale",
        ),
        // The script was rewritten in another language while it ran.
        (
            "exe: /usr/bin/perl, execfn: /srv/a.py, argv: [/usr/bin/perl, /srv/a.py]",
            "runs(\"/srv/a.py\")",
            "true; stale; execfn",
        ),
    ]);
}

#[test]
fn names_are_those_of_the_process() {
    let roots = "  roots: [{id: [9, 2], files: {/srv/a.py: {id: [9, 201], head: \"#!/usr/bin/python3\\n\"}, /usr/bin/python3.11: {id: [9, 101], elf: true}}}]\n  files:";
    let mut faults = Faults::default();
    for (facts, expected) in [
        // A container with a script of the same name and its own interpreter.
        (
            "exe: {path: /usr/bin/python3.11, id: [9, 101]}, root: {path: /, id: [9, 2]}, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "false",
        ),
        // The interpreter is shared, the script is not.
        (
            "exe: {path: /usr/bin/python3.11, id: [1, 101]}, root: {path: /, id: [9, 2]}, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "false",
        ),
        (
            "exe: {path: /usr/bin/python3.11, id: [1, 101]}, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "true",
        ),
    ] {
        let yaml = host("", facts).replace("  files:", roots);
        faults.row(&Asked::default(), &yaml, PID, "runs(\"/srv/a.py\")", expected);
    }
    // A chroot on this file system: names inside are resolved inside.
    let jail = "
    /jail/srv/a.py: {id: [1, 800], head: \"#!/usr/bin/python3\\n\"}
    /jail/usr/bin/python3: {id: [1, 801], elf: true}
";
    let facts = "exe: /jail/usr/bin/python3, root: {path: /jail, id: [9, 3]}, cwd: /jail/srv, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]";
    let yaml = host(jail, facts).replace("  files:", "  roots: [{id: [9, 3], files: {/srv/a.py: {id: [1, 800], head: \"#!/usr/bin/python3\\n\"}, /usr/bin/python3: {id: [1, 801], elf: true}}}]\n  files:");
    faults.row(&Asked::default(), &yaml, PID, "runs(\"/srv/a.py\")", "false");
    faults.row(&Asked::default(), &yaml, PID, "runs(\"/jail/srv/a.py\")", "true; stale");
    faults.row(&Asked::default(), &yaml, PID, "script == \"/jail/srv/a.py\"", "true");
    faults.none();
}

#[test]
fn shims_and_the_unresolved_leave_it_open() {
    let files = "
    /opt/shims/python3: {id: [1, 604], head: \"#!/usr/bin/bash\\n\"}
    /srv/nopath: {id: [1, 605], head: \"#!/usr/bin/env nothing-here\\n\"}
    /srv/plain: {id: [1, 606], head: \"echo no line\\n\"}
    /opt/py/bin/python3: {id: [1, 607], elf: true}
";
    let mut faults = Faults::default();
    let shims = Asked::around(Some("/opt/shims:/usr/bin"), None);
    for (facts, expected) in [
        ("exe: /opt/py/bin/python3, execfn: /opt/py/bin/python3, argv: [python3, /srv/e.py]", "true"),
        ("exe: /opt/py/bin/python3, execfn: /opt/py/bin/python3, argv: [python3, /srv/b.py]", "false"),
        ("exe: /usr/sbin/nginx, execfn: /usr/sbin/nginx, argv: [nginx]", "false"),
        (
            "exe: /opt/py/bin/python3, execfn: /opt/py/bin/python3, argv: [title here], argvRewritten: true",
            "unknown; could be",
        ),
    ] {
        faults.row(&shims, &host(files, facts), PID, "runs(\"/srv/e.py\")", expected);
    }
    faults.none();
    rows_with(
        files,
        &[
            (
                "exe: /usr/sbin/nginx, execfn: /usr/sbin/nginx, argv: [nginx]",
                "runs(\"/srv/nopath\")",
                "false",
            ),
            (
                "exe: /usr/bin/bash, execfn: /srv/plain, argv: [bash, /srv/plain]",
                "runs(\"/srv/plain\")",
                "true",
            ),
            ("exe: /usr/sbin/nginx, execfn: /usr/sbin/nginx, argv: [nginx]", "runs(\"/srv/plain\")", "false"),
            ("exe: /usr/sbin/nginx, execfn: /usr/sbin/nginx, argv: [nginx]", "runs(\"/srv/none\")", "false"),
        ],
    );
}

#[test]
fn a_script_is_a_file_of_its_own() {
    rows(&[
        (
            "exe: /usr/bin/python3.11, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "script == \"/srv/link.py\"",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "script != \"/srv/b.py\"",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "script under \"/srv\"",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /srv/a.py, argv: [/usr/bin/python3, /srv/a.py]",
            "script like \"/srv/*.py\"",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, -m, http.server]",
            "has(script)",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, -c, x]",
            "script == \"/srv/a.py\"",
            "false",
        ),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, argv: [python3, a.py], cwd: /tmp",
            "has(script)",
            "unknown; unresolved",
        ),
        ("exe: /usr/sbin/nginx, execfn: /usr/sbin/nginx, argv: [nginx]", "has(script)", "false"),
        ("state: zombie", "has(script)", "false"),
        ("unreadable: {exe: denied}", "has(script)", "unknown; denied"),
        (
            "exe: /usr/bin/python3.11, execfn: /usr/bin/python3, unreadable: {argv: timeout}",
            "has(script)",
            "unknown; timeout",
        ),
    ]);
}
