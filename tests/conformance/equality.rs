//! `exe == path`: identity of files, not of texts.

use crate::ask::{Asked, Faults, PID, host, rows, rows_with};

#[test]
fn what_the_same_file_is_called_makes_no_difference() {
    rows(&[
        // Merged /usr: the directory is a link.
        ("exe: /usr/bin/perl", "exe == \"/bin/perl\"", "true"),
        ("exe: /usr/bin/perl", "exe == \"/usr/bin/../lib/.././bin//perl\"", "true"),
        ("exe: /usr/bin/python3.11", "exe == \"/usr/bin/python3\"", "true"),
        ("exe: /usr/bin/python3.11", "exe == \"/usr/bin/python3.12\"", "false"),
        ("exe: /usr/lib/jvm/17/bin/java", "exe == \"/usr/bin/java\"", "true"),
        // Text and identity are two questions.
        ("exe: /usr/bin/python3.11", "exe.path == \"/usr/bin/python3\"", "false"),
        ("exe: /usr/bin/python3.11", "exe.path == realpath(\"/usr/bin/python3\")", "true"),
        ("exe: /usr/bin/perl", "\"/bin/perl\" == exe", "true"),
        ("exe: /usr/bin/perl", "exe in [\"/usr/bin/bash\", \"/bin/perl\"]", "true"),
        ("exe: /usr/bin/perl", "exe not in [\"/usr/bin/bash\", \"/bin/perl\"]", "false"),
    ]);
}

#[test]
fn links_of_all_kinds_lead_to_one_file() {
    let files = "
    /opt/hard: {id: [1, 103], elf: true, nlink: 2}
    /opt/loop1: {link: loop2}
    /opt/loop2: {link: loop1}
    /opt/odd (deleted): {id: [1, 300], elf: true}
    /opt/odd: {id: [1, 301], elf: true}
    /opt/.nfs0001: {id: [1, 302], elf: true}
    /opt/secret: {unreadable: denied}
    /opt/notdir: {id: [1, 303], elf: true}
";
    rows_with(
        files,
        &[
            // Hard links and bind mounts have two texts and one identity.
            ("exe: {path: /usr/bin/perl, id: [1, 103], nlink: 2}", "exe == \"/opt/hard\"", "true"),
            ("exe: {path: /mnt/perl, id: [1, 103]}", "exe == \"/usr/bin/perl\"", "true"),
            // A file that is really called so.
            (
                "exe: {path: \"/opt/odd (deleted)\", id: [1, 300], nlink: 1}",
                "exe == \"/opt/odd\"",
                "false; near miss",
            ),
            (
                "exe: {path: \"/opt/odd (deleted)\", id: [1, 300], nlink: 1}",
                "exe == \"/opt/odd (deleted)\"",
                "true",
            ),
            ("exe: {path: \"/opt/odd (deleted)\", id: [1, 300], nlink: 1}", "exe.deleted", "false"),
            (
                "exe: {path: \"/opt/odd (deleted)\", id: [1, 300], nlink: 1}",
                "exe.path == \"/opt/odd (deleted)\"",
                "true",
            ),
            // NFS keeps a removed file under another name: nothing says that it is the old one.
            ("exe: {path: /opt/.nfs0001, id: [1, 302], nlink: 1}", "exe == \"/opt/.nfs0001\"", "true"),
            // What can't be looked up can't be compared.
            ("exe: /usr/bin/perl", "exe == \"/opt/loop1\"", "unknown; unresolved"),
            ("exe: /usr/bin/perl", "exe == \"/opt/secret\"", "unknown; unresolved"),
            ("exe: /usr/bin/perl", "exe != \"/opt/secret\"", "unknown; unresolved"),
            ("exe: /usr/bin/perl", "exe == \"/opt/notdir/x\"", "unknown; unresolved"),
            // What isn't there is known not to run.
            ("exe: /usr/bin/perl", "exe == \"/opt/nothing\"", "false"),
            ("exe: /usr/bin/perl", "exe != \"/opt/nothing\"", "true"),
        ],
    );
}

#[test]
fn an_upgrade_by_rename_is_stale_and_still_the_same() {
    let old = "exe: {path: \"/usr/sbin/nginx (deleted)\", id: [1, 99], nlink: 0}";
    rows(&[
        (old, "exe == \"/usr/sbin/nginx\"", "true; stale"),
        (old, "exe != \"/usr/sbin/nginx\"", "false; stale"),
        (old, "exe == interpreter(\"/usr/sbin/nginx\")", "true; stale"),
        (old, "exe.deleted && exe.path == \"/usr/sbin/nginx\" && exe.nlink == 0", "true"),
        (old, "exe == \"/usr/bin/perl\"", "false"),
        // The program is gone altogether: only the text is left.
        (
            "exe: {path: \"/opt/gone (deleted)\", id: [1, 99], nlink: 0}",
            "exe == \"/opt/gone\"",
            "true; stale",
        ),
        // Deleted, but in another root directory: it never was this file.
        (
            "exe: {path: \"/usr/sbin/nginx (deleted)\", id: [1, 99], nlink: 0}, root: {path: /, id: [9, 2]}",
            "exe == \"/usr/sbin/nginx\"",
            "false; near miss",
        ),
        (
            "exe: {path: \"/usr/sbin/nginx (deleted)\", id: [1, 99], nlink: 0}, unreadable: {root: denied}",
            "exe == \"/usr/sbin/nginx\"",
            "unknown; denied",
        ),
        // The deleted file by its own identity: a second name of it.
        ("exe: {path: \"/x (deleted)\", id: [1, 103], nlink: 0}", "exe == \"/usr/bin/perl\"", "true"),
        // The interpreter was upgraded under a script.
        (
            "exe: {path: \"/usr/bin/python3.11 (deleted)\", id: [1, 98], nlink: 0}",
            "exe == interpreter(\"/srv/a.py\")",
            "true; stale",
        ),
    ]);
}

#[test]
fn an_equal_text_is_not_an_identity() {
    rows(&[
        // Container: same text, other root, other file.
        (
            "exe: {path: /usr/sbin/nginx, id: [9, 115]}, root: {path: /, id: [9, 2]}",
            "exe == \"/usr/sbin/nginx\"",
            "false; near miss; root",
        ),
        // The same root, but a mount hides one of the two.
        (
            "exe: {path: /usr/sbin/nginx, id: [8, 115], nlink: 1}",
            "exe == \"/usr/sbin/nginx\"",
            "false; near miss; mount",
        ),
        // Same file seen from another namespace.
        (
            "exe: {path: /usr/sbin/nginx, id: [1, 115]}, root: {path: /, id: [9, 2]}",
            "exe == \"/usr/sbin/nginx\"",
            "true",
        ),
        // A chroot on the same file system: the link shows the outer path.
        (
            "exe: {path: /jail/bin/d, id: [1, 400]}, root: {path: /jail, id: [1, 401]}",
            "exe == \"/bin/d\"",
            "false",
        ),
        // A service with a private /tmp has the same root.
        ("exe: /usr/sbin/nginx, root: same, ns: {mnt: 7}", "exe == \"/usr/sbin/nginx\"", "true"),
        // Moved aside, a new one in its place.
        (
            "exe: {path: /usr/sbin/nginx.bak, id: [1, 99], nlink: 1}",
            "exe == \"/usr/sbin/nginx\"",
            "false; near miss; moved aside",
        ),
    ]);
    let mut faults = Faults::default();
    let jail = host(
        "\n    /jail/bin/d: {id: [1, 400], elf: true}\n",
        "exe: {path: /jail/bin/d, id: [1, 400]}, root: {path: /jail, id: [1, 401]}",
    );
    faults.row(&Asked::default(), &jail, PID, "exe == \"/jail/bin/d\"", "true");
    faults.none();
}

#[test]
fn memory_and_multi_call_programs() {
    let memory = "exe: {path: \"/memfd:payload (deleted)\", id: [1, 77], nlink: 0}, comm: \"memfd:payload\", execfn: /dev/fd/3";
    rows(&[
        (memory, "exe.memfd", "true"),
        (memory, "exe == \"/memfd:payload\"", "false"),
        (memory, "runs(\"/memfd:payload\")", "false"),
        (memory, "exe == \"/usr/sbin/nginx\"", "false"),
        ("exe: /usr/bin/perl", "exe.memfd", "false"),
        // Identity of the image is what `exe` says: the applet is for `runs`.
        ("exe: /usr/bin/busybox, execfn: /usr/bin/tail, argv: [tail]", "exe == \"/usr/bin/httpd\"", "true"),
        ("exe: /usr/bin/busybox, execfn: /usr/bin/tail, argv: [tail]", "runs(\"/usr/bin/httpd\")", "false"),
        ("exe: /usr/bin/busybox, execfn: /usr/bin/httpd, argv: [httpd]", "runs(\"/usr/bin/httpd\")", "true"),
        (
            "exe: /usr/bin/redis-check-rdb, execfn: /usr/bin/redis-server, argv: [redis-server]",
            "exe == \"/usr/bin/redis-sentinel\"",
            "true",
        ),
    ]);
}

#[test]
fn absent_is_false_and_unreadable_is_unknown() {
    rows(&[
        ("state: idle, kernelThread: true", "exe == \"/usr/sbin/nginx\"", "false"),
        ("state: idle, kernelThread: true", "exe != \"/usr/sbin/nginx\"", "true"),
        ("state: zombie", "exe == \"/usr/sbin/nginx\"", "false"),
        ("unreadable: {exe: denied}", "exe == \"/usr/sbin/nginx\"", "unknown; denied"),
        ("unreadable: {exe: denied}", "exe != \"/usr/sbin/nginx\"", "unknown; denied"),
        ("unreadable: {exe: timeout}", "exe == interpreter(\"/srv/a.py\")", "unknown; timeout"),
        ("unreadable: {exe: vanished}", "exe == \"/usr/sbin/nginx\"", "gone; vanished"),
        // exe absent is false whatever is wrong with the other side.
        ("state: zombie", "exe == \"/srv/none/x\"", "false"),
        (
            "exe: /usr/bin/python3.11, user: www-data",
            "exe == interpreter(\"/srv/a.py\") && user == \"www-data\"",
            "true",
        ),
        (
            "exe: /usr/bin/python3.11, user: root",
            "exe == interpreter(\"/srv/a.py\") && user == \"www-data\"",
            "false",
        ),
        (
            "user: root, unreadable: {exe: denied}",
            "exe == interpreter(\"/srv/a.py\") && user == \"www-data\"",
            "false",
        ),
        (
            "user: www-data, unreadable: {exe: denied}",
            "exe == interpreter(\"/srv/a.py\") && user == \"www-data\"",
            "unknown; exe; denied",
        ),
    ]);
}

#[test]
fn the_headline_works_as_written() {
    let headline = "exe == interpreter(startas) && user == \"www-data\"";
    let mut faults = Faults::default();
    for (startas, facts, expected) in [
        ("/srv/a.py", "exe: /usr/bin/python3.11, user: www-data", "true"),
        ("/srv/a.py", "exe: /usr/bin/python3.12, user: www-data", "false"),
        ("/usr/sbin/nginx", "exe: /usr/sbin/nginx, uid: 33", "true"),
        ("/srv/none.py", "exe: /usr/bin/python3.11, user: www-data", "unknown; unresolved"),
        ("/srv/none.py", "exe: /usr/bin/python3.11, user: ann", "false"),
    ] {
        faults.row(&Asked::startas(startas), &host("", facts), PID, headline, expected);
    }
    faults.none();
}
