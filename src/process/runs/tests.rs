#![allow(clippy::unwrap_used, reason = "tests")]

use super::*;
use crate::facts::{MagicLink, RootLink};
use crate::process::testing::{Node, Proc, TestWorld, bytes, words};

const PY: &str = "/usr/bin/python3.11";

fn around() -> Surroundings {
    Surroundings::default()
}

/// `true`, `stale`, `false` or `?why`; with `*` if only the process itself says so.
fn shown(world: &TestWorld, path: &str) -> String {
    let target = Target::new(world, path.as_bytes(), &around());
    let run = runs(world, Pid(600), &target);
    // What the list of those that may run it leaves out is none of it, in every row of these tests.
    let listed = Images::new(world, &[Pid(600)]).may_run(world, &[target]) == [Pid(600)];
    assert!(listed || matches!(run.holds, Fact::Known(false) | Fact::Absent), "{path}: left out of {run:?}");
    let mark = if run.self_reported { "*" } else { "" };
    match run.holds {
        Fact::Known(true) if run.stale => format!("stale{mark}"),
        Fact::Known(holds) => format!("{holds}{mark}"),
        Fact::Absent => "absent".into(),
        Fact::Unknown(reason) => format!("?{}", reason.why),
    }
}

#[track_caller]
fn row(case: &str, exe: &str, argv: &[&str], execfn: &str, path: &str, expected: &str) {
    changed(case, exe, argv, execfn, |_| {}, path, expected);
}

#[track_caller]
fn changed(
    case: &str,
    exe: &str,
    argv: &[&str],
    execfn: &str,
    change: impl FnOnce(&mut Proc),
    path: &str,
    expected: &str,
) {
    let mut world = TestWorld::new();
    world.link("/srv/link.py", "a.py");
    world.script("/srv/other.py", "#!/usr/bin/python3\n");
    world.script("/srv/rec1", "#!/srv/a.py\n");
    world.script("/srv/rec2", "#!/srv/rec1 arg\n");
    world.script("/srv/u.py", "#!/usr/bin/env -S python3 -u -B\n");
    world.script("/srv/web.js", "#!/usr/bin/env node\n");
    world.script("/srv/broken", "#!/no/such/python3\n");
    world.elf("/opt/gizmo");
    world.script("/srv/g", "#!/opt/gizmo\n");
    world.script("/srv/gone.g", "#!/usr/bin/env -S gizmo run -A\n");
    world.files.insert("/srv/secret".into(), Node::Unreadable(Why::Denied));
    let proc = world.start_script(600, 1, exe, argv, execfn);
    proc.cwd = Fact::Known(MagicLink { text: bytes("/srv"), dev: 1, ino: 9 });
    change(proc);
    assert_eq!(shown(&world, path), expected, "{case}");
}

fn title(proc: &mut Proc) {
    proc.arguments = Fact::Known(words(&["gunicorn: master [app]"]));
}

fn named(proc: &mut Proc, comm: &str) {
    if let Fact::Known(stat) = &mut proc.stat {
        stat.comm = bytes(comm);
    }
}

fn denied(proc: &mut Proc) {
    proc.execfn = Fact::unknown(Why::Denied);
}

#[test]
fn scripts_are_recognised_by_execfn_or_argv() {
    row("direct", PY, &["/usr/bin/python3", "/srv/a.py", "x"], "/srv/a.py", "/srv/a.py", "true");
    row("relative", PY, &["/usr/bin/python3", "./a.py"], "./a.py", "/srv/a.py", "true");
    row("through a link", PY, &["/usr/bin/python3", "./link.py"], "./link.py", "/srv/a.py", "true");
    row("asked for the link", PY, &["/usr/bin/python3", "/srv/a.py"], "/srv/a.py", "/srv/link.py", "true");
    row("env", PY, &["python3", "/srv/e.py"], "/usr/bin/python3", "/srv/e.py", "true");
    row("env -S", PY, &["python3", "-u", "-B", "/srv/u.py"], "/usr/bin/python3", "/srv/u.py", "true");
    row("options by hand", PY, &["python3", "-O", "/srv/a.py"], "/usr/bin/python3", "/srv/a.py", "true");
    row(
        "nested, the outer",
        PY,
        &["/usr/bin/python3", "/srv/a.py", "/srv/rec1", "arg", "/srv/rec2"],
        "/srv/rec2",
        "/srv/rec2",
        "true",
    );
    row(
        "nested, without execfn",
        PY,
        &["/usr/bin/python3", "/srv/a.py", "/srv/rec1", "arg", "/srv/rec2"],
        "/usr/bin/python3",
        "/srv/rec2",
        "true",
    );
    row(
        "perl's one argument",
        "/usr/bin/perl",
        &["/usr/bin/perl", "-w -T", "/srv/t.pl"],
        "/srv/t.pl",
        "/srv/t.pl",
        "true",
    );
    row("shell", "/usr/bin/dash", &["/bin/sh", "/srv/s.sh"], "/srv/s.sh", "/srv/s.sh", "true");
    row("another script", PY, &["/usr/bin/python3", "/srv/other.py"], "/srv/other.py", "/srv/a.py", "false");
    row(
        "the script as an argument",
        PY,
        &["python3", "/srv/other.py", "/srv/a.py"],
        "/srv/other.py",
        "/srv/a.py",
        "false",
    );
    row("a module", PY, &["python3", "-m", "pdb", "/srv/a.py"], "/usr/bin/python3", "/srv/a.py", "false");
    row(
        "a tool that reads it",
        PY,
        &["python3", "/srv/other.py", "/srv/a.py"],
        "/usr/bin/python3",
        "/srv/a.py",
        "false",
    );
    row("an editor", "/usr/bin/node", &["vim", "/srv/a.py"], "/usr/bin/node", "/srv/a.py", "false");
    row("argv[0] is never the script", PY, &["/srv/a.py"], "/usr/bin/python3", "/srv/a.py", "?unresolved");
    row("fexecve", PY, &["/usr/bin/python3", "/dev/fd/3"], "/dev/fd/3", "/srv/a.py", "false");
    row(
        "relative name that leads nowhere",
        PY,
        &["python3", "e.py"],
        "/usr/bin/python3",
        "/srv/e.py",
        "true",
    );
    changed(
        "relative, directory changed",
        PY,
        &["python3", "e.py"],
        "/usr/bin/python3",
        |p| p.cwd = Fact::Known(MagicLink { text: bytes("/"), dev: 1, ino: 2 }),
        "/srv/e.py",
        "?unresolved",
    );
    changed(
        "relative, another name",
        PY,
        &["python3", "z.py"],
        "/usr/bin/python3",
        |p| p.cwd = Fact::Known(MagicLink { text: bytes("/"), dev: 1, ino: 2 }),
        "/srv/e.py",
        "false",
    );
}

/// The words behind `env -S` were forgotten where its program isn't in PATH.
#[test]
fn an_interpreter_that_no_table_describes_is_known_by_the_words_of_the_line() {
    let gizmo = "/opt/gizmo";
    row("its line", gizmo, &["gizmo", "run", "-A", "/srv/gone.g"], gizmo, "/srv/gone.g", "true");
    row("by hand", gizmo, &["gizmo", "run", "/srv/gone.g"], gizmo, "/srv/gone.g", "false");
    row("by hand, found", gizmo, &["gizmo", "-x", "/srv/g"], gizmo, "/srv/g", "false");
}

/// It was none of either: a second copy would have been started beside each Tcl script that begins as a shell's.
#[test]
fn a_script_that_its_shell_gives_to_another_interpreter_is_still_itself() {
    let by = "/usr/bin/python3";
    row("given on", PY, &["python3", "/srv/s.sh", "x"], by, "/srv/s.sh", "true*");
    row("with options", PY, &["python3", "-u", "/srv/s.sh"], by, "/srv/s.sh", "true*");
    row("an argument", PY, &["python3", "/srv/a.py", "/srv/s.sh"], by, "/srv/s.sh", "false");
    row("another script", PY, &["/usr/bin/python3", "/srv/a.py"], "/srv/a.py", "/srv/s.sh", "false");
    row("no shell's", PY, &["python3", "/srv/t.pl"], by, "/srv/t.pl", "false");
    changed("a title", PY, &[], by, title, "/srv/s.sh", "false");
}

#[test]
fn a_title_leaves_execfn_only() {
    changed("execfn names it", PY, &[], "/srv/a.py", title, "/srv/a.py", "true");
    changed("execfn names another", PY, &[], "/srv/other.py", title, "/srv/a.py", "false");
    changed("env line", PY, &[], "/usr/bin/python3", title, "/srv/e.py", "?unresolved");
    changed(
        "execfn unreadable",
        PY,
        &[],
        "",
        |p| {
            title(p);
            denied(p);
        },
        "/srv/a.py",
        "?unresolved",
    );
    changed(
        "padded title",
        PY,
        &[],
        "/usr/bin/python3",
        |p| {
            let mut a = words(&["rq:worker"]);
            a.padded = true;
            p.arguments = Fact::Known(a);
        },
        "/srv/a.py",
        "?unresolved",
    );
    changed(
        "argv unreadable, execfn says",
        PY,
        &[],
        "/srv/a.py",
        |p| p.arguments = Fact::unknown(Why::Timeout),
        "/srv/a.py",
        "true",
    );
    changed(
        "argv unreadable, execfn says another",
        PY,
        &[],
        "/srv/other.py",
        |p| p.arguments = Fact::unknown(Why::Timeout),
        "/srv/a.py",
        "false",
    );
    changed(
        "argv unreadable, execfn no help",
        PY,
        &[],
        "/usr/bin/python3",
        |p| p.arguments = Fact::unknown(Why::Timeout),
        "/srv/a.py",
        "?timeout",
    );
    changed(
        "argv intact, execfn unreadable",
        PY,
        &["python3", "/srv/other.py"],
        "",
        denied,
        "/srv/a.py",
        "false",
    );
    changed(
        "argv names it, execfn unreadable",
        PY,
        &["python3", "/srv/a.py"],
        "",
        denied,
        "/srv/a.py",
        "true",
    );
    changed("node title", "/usr/bin/node", &[], "/usr/bin/node", title, "/srv/web.js", "?unresolved");
}

#[test]
fn an_upgraded_interpreter_still_runs_the_script() {
    row(
        "another version by path",
        "/usr/bin/python3.12",
        &["python3", "/srv/a.py"],
        "/srv/a.py",
        "/srv/a.py",
        "stale",
    );
    row(
        "rewritten for another interpreter",
        "/usr/bin/perl",
        &["perl", "/srv/a.py"],
        "/srv/a.py",
        "/srv/a.py",
        "stale*",
    );
    row(
        "another interpreter, another script",
        "/usr/bin/perl",
        &["perl", "/srv/t.pl"],
        "/srv/t.pl",
        "/srv/a.py",
        "false",
    );
    row(
        "the interpreter is gone",
        PY,
        &["/no/such/python3", "/srv/broken"],
        "/srv/broken",
        "/srv/broken",
        "true",
    );
}

#[test]
fn native_programs_need_a_fitting_name() {
    let nginx = "/usr/sbin/nginx";
    row("plain", nginx, &["nginx"], nginx, nginx, "true");
    row("another", nginx, &["nginx"], nginx, "/usr/bin/node", "false");
    row("argv is nothing to it", nginx, &["FAKE"], nginx, nginx, "true");
    row(
        "an interpreter as a service",
        PY,
        &["python3", "-m", "x"],
        "/usr/bin/python3",
        "/usr/bin/python3",
        "true",
    );
    row("but not its scripts", PY, &["python3", "/srv/a.py"], "/srv/a.py", "/usr/bin/python3", "false");
    let redis = "/usr/bin/redis-check-rdb";
    row(
        "a link by its name",
        redis,
        &["redis-server *:6379"],
        "/usr/bin/redis-server",
        "/usr/bin/redis-server",
        "true",
    );
    row("the target's name", redis, &["redis-check-rdb"], redis, "/usr/bin/redis-server", "true");
    row(
        "a sibling link",
        redis,
        &["redis-sentinel"],
        "/usr/bin/redis-sentinel",
        "/usr/bin/redis-server",
        "false",
    );
    changed(
        "execfn denied, argv[0] fits",
        redis,
        &["redis-server"],
        "",
        denied,
        "/usr/bin/redis-server",
        "true",
    );
    changed(
        "execfn denied, argv[0] doesn't",
        redis,
        &["x"],
        "",
        denied,
        "/usr/bin/redis-server",
        "?unresolved",
    );
    changed(
        "execfn not known to be",
        redis,
        &["x"],
        "",
        |p| p.execfn = Fact::Absent,
        "/usr/bin/redis-server",
        "true",
    );
    let busybox = "/usr/bin/busybox";
    row("applet by execfn", busybox, &["x"], "/usr/bin/httpd", "/usr/bin/httpd", "true");
    row("applet by argv[0]", busybox, &["httpd", "-f"], "/proc/self/exe", "/usr/bin/httpd", "true");
    row("another applet", busybox, &["tail", "-f"], "/usr/bin/tail", "/usr/bin/httpd", "false");
    changed("another applet, denied", busybox, &["tail"], "", denied, "/usr/bin/httpd", "false");
    changed(
        "unreadable applet",
        busybox,
        &[],
        "",
        |p| {
            denied(p);
            p.arguments = Fact::unknown(Why::Denied);
        },
        "/usr/bin/httpd",
        "?unresolved",
    );
}

fn unlinked(proc: &mut Proc, text: &str) {
    proc.exe_text = Fact::Known(bytes(text));
    if let Fact::Known(exe) = &mut proc.exe {
        exe.nlink = 0;
        exe.ino += 5_000;
    }
}

fn moved(proc: &mut Proc, text: &str) {
    proc.exe_text = Fact::Known(bytes(text));
    if let Fact::Known(exe) = &mut proc.exe {
        exe.ino += 5_000;
    }
}

#[test]
fn replaced_files_are_recognised_as_stale() {
    let nginx = "/usr/sbin/nginx";
    changed(
        "renamed over",
        nginx,
        &["nginx"],
        nginx,
        |p| unlinked(p, "/usr/sbin/nginx (deleted)"),
        nginx,
        "stale",
    );
    changed("moved aside", nginx, &["nginx"], nginx, |p| moved(p, "/usr/sbin/nginx.bak"), nginx, "stale*");
    changed(
        "dpkg's temporary name",
        nginx,
        &["nginx"],
        nginx,
        |p| unlinked(p, "/usr/sbin/nginx.dpkg-tmp (deleted)"),
        nginx,
        "stale*",
    );
    changed(
        "moved to another directory",
        nginx,
        &["nginx"],
        nginx,
        |p| moved(p, "/old/nginx"),
        nginx,
        "false",
    );
    changed(
        "moved aside in another root",
        nginx,
        &["nginx"],
        nginx,
        |p| {
            moved(p, "/usr/sbin/nginx.bak");
            p.root = Fact::Known(RootLink { text: bytes("/c"), dev: 9, ino: 9, same: false });
            p.execfn = Fact::Known(bytes("/x"));
        },
        nginx,
        "false",
    );
    changed(
        "a neighbour",
        nginx,
        &["other"],
        "/usr/sbin/other",
        |p| moved(p, "/usr/sbin/other"),
        nginx,
        "false",
    );
    changed(
        "a neighbour with its own name, execfn denied",
        nginx,
        &["other"],
        "",
        |p| {
            moved(p, "/usr/sbin/other");
            denied(p);
            named(p, "other");
        },
        nginx,
        "false",
    );
    changed(
        "moved aside, execfn denied",
        nginx,
        &[nginx],
        "",
        |p| {
            moved(p, "/usr/sbin/nginx.bak");
            denied(p);
        },
        nginx,
        "?unresolved",
    );
    changed(
        "file is gone",
        "/usr/bin/node",
        &["x"],
        "/opt/gone",
        |p| unlinked(p, "/opt/gone (deleted)"),
        "/opt/gone",
        "stale",
    );
    changed(
        "script is gone",
        PY,
        &["python3", "/srv/gone.py"],
        "/srv/gone.py",
        |_| {},
        "/srv/gone.py",
        "stale*",
    );
}

#[test]
fn what_can_not_be_read_is_unknown() {
    for (why, expected) in
        [(Why::Denied, "?denied"), (Why::Timeout, "?timeout"), (Why::Vanished, "?vanished")]
    {
        changed(
            "exe",
            PY,
            &["python3", "/srv/a.py"],
            "/usr/bin/python3",
            |p| p.exe = Fact::unknown(why),
            "/srv/a.py",
            expected,
        );
        changed(
            "exe of a native",
            PY,
            &["x"],
            "/x",
            |p| p.exe = Fact::unknown(why),
            "/usr/sbin/nginx",
            expected,
        );
    }
    changed(
        "exe, but execfn names it",
        PY,
        &["x"],
        "/srv/a.py",
        |p| p.exe = Fact::unknown(Why::Denied),
        "/srv/a.py",
        "true*",
    );
    changed("kernel thread or zombie", PY, &[], "", |p| p.exe = Fact::Absent, "/srv/a.py", "false");
    row("target denied, another name", PY, &["python3", "/srv/a.py"], "/srv/a.py", "/srv/secret", "false");
    row(
        "target denied, its name in argv",
        PY,
        &["python3", "/srv/secret"],
        "/srv/secret",
        "/srv/secret",
        "?unresolved",
    );
}

#[test]
fn the_loader_runs_its_operand() {
    let mut world = TestWorld::new();
    world.elf("/usr/lib/ld-linux-x86-64.so.2");
    world.start(
        600,
        1,
        "/usr/lib/ld-linux-x86-64.so.2",
        &["ld.so", "--library-path", "/x", "/usr/sbin/nginx", "-g"],
    );
    assert_eq!(shown(&world, "/usr/sbin/nginx"), "true");
    assert_eq!(shown(&world, "/usr/bin/node"), "false");
}

#[test]
fn a_shim_is_matched_by_family() {
    let mut world = TestWorld::new();
    world.script("/opt/shims/python3", "#!/bin/bash\n");
    world.elf("/opt/versions/python3.13");
    world.start(600, 1, "/opt/versions/python3.13", &["/opt/versions/python3", "/srv/e.py", "x"]);
    let around = Surroundings { working_directory: None, path: Some(bytes("/opt/shims")) };
    let ask = |world: &TestWorld| runs(world, Pid(600), &Target::new(world, b"/srv/e.py", &around));
    assert_eq!(ask(&world).holds, Fact::Known(true));
    assert_eq!(ask(&world).after, Some(2));
    world.procs.get_mut(&600).unwrap().arguments = Fact::Known(words(&["python3", "/srv/a.py"]));
    assert_eq!(ask(&world).holds, Fact::Known(false));
}

#[test]
fn a_shim_of_sh_leads_to_any_shell() {
    for (image, argv, expected) in [
        ("/usr/bin/dash", ["/bin/sh", "/srv/s"], true),
        ("/usr/bin/bash", ["/bin/sh", "/srv/s"], true),
        ("/usr/bin/busybox", ["/bin/sh", "/srv/s"], true),
        ("/usr/bin/dash", ["/bin/sh", "/srv/other"], false),
        ("/usr/bin/dash", ["/bin/sh", "-c"], false),
        ("/usr/bin/perl", ["/bin/sh", "/srv/s"], false),
    ] {
        let mut world = TestWorld::new();
        world.script("/opt/shims/sh", "#!/bin/bash\n");
        world.script("/srv/s", "#!/usr/bin/env sh\n");
        world.script("/srv/other", "#!/usr/bin/env sh\n");
        world.elf("/usr/bin/dash");
        world.start(600, 1, image, &argv);
        let around = Surroundings { working_directory: None, path: Some(bytes("/opt/shims")) };
        let run = runs(&world, Pid(600), &Target::new(&world, b"/srv/s", &around));
        assert_eq!(run.holds, Fact::Known(expected), "{image} {argv:?}");
    }
}

#[test]
fn a_shell_without_a_script_is_no_title() {
    let mut world = TestWorld::new();
    world.elf("/usr/bin/dash");
    world.link("/usr/bin/sh", "dash");
    world.script("/srv/s", "#!/usr/bin/sh\n");
    for word in ["sh", "-sh", "dash"] {
        world.start_script(600, 1, "/usr/bin/dash", &[word], "/usr/bin/sh");
        assert_eq!(shown(&world, "/srv/s"), "false", "{word}");
    }
}

#[test]
fn unrelated_programs_cost_no_read_of_execfn() {
    let mut world = TestWorld::new();
    for pid in 600..620 {
        world.start(pid, 1, "/usr/bin/node", &["node", "x"]);
    }
    let target = Target::new(&world, b"/usr/sbin/nginx", &around());
    for pid in 600..620 {
        assert_eq!(runs(&world, Pid(pid), &target).holds, Fact::Known(false));
    }
    assert_eq!((world.execfn_reads.get(), world.text_reads.get()), (0, 1), "one readlink for one program");
}

#[test]
fn relatives_are_asked_in_turn() {
    let mut world = TestWorld::new();
    world.start(600, 1, "/usr/sbin/nginx", &["nginx"]);
    world.start(601, 600, "/usr/bin/dash", &["sh"]);
    world.start(602, 601, "/usr/bin/node", &["node"]);
    let target = Target::new(&world, b"/usr/sbin/nginx", &around());
    assert_eq!(parent_runs(&world, Pid(601), &target), Fact::Known(true));
    assert_eq!(parent_runs(&world, Pid(602), &target), Fact::Known(false));
    assert_eq!(any_ancestor_runs(&world, Pid(602), &target), Fact::Known(true));
    assert_eq!(any_ancestor_runs(&world, Pid(600), &target), Fact::Known(false));
    assert_eq!(parent_runs(&world, Pid(1), &target), Fact::Known(false));
    world.procs.get_mut(&601).unwrap().exe = Fact::unknown(Why::Denied);
    assert_eq!(any_ancestor_runs(&world, Pid(602), &target), Fact::Known(true));
    world.procs.get_mut(&600).unwrap().exe = Fact::Absent;
    assert_eq!(any_ancestor_runs(&world, Pid(602), &target), Fact::unknown(Why::Denied));
}

/// Of many processes of one interpreter, only those are asked that may execute the script.
#[test]
fn processes_of_an_interpreter_are_asked_by_what_they_name() {
    let mut world = TestWorld::new();
    world.link("/srv/link.py", "a.py");
    world.script("/srv/other.py", "#!/usr/bin/python3\n");
    world.script("/srv/u.py", "#!/usr/bin/python3 -u\n");
    for (pid, argv, execfn) in [
        (600, &["/usr/bin/python3", "/srv/a.py", "-x"][..], "/srv/a.py"),
        (601, &["python3", "/srv/link.py"], "/usr/bin/python3"),
        (602, &["/usr/bin/python3", "/srv/other.py", "/srv/a.py"], "/srv/other.py"),
        (603, &["/usr/bin/python3", "-u", "/srv/u.py", "x"], "/srv/u.py"),
        (604, &["python3", "./any.py"], "/usr/bin/python3"),
        (605, &["gunicorn: master [app]"], "/srv/other.py"),
        (606, &["python3", "-m", "any"], "/usr/bin/python3"),
        (607, &["python3", "-u", "-O", "/srv/other.py"], "/usr/bin/python3"),
        (608, &["/usr/bin/python3", "/srv/other.py"], "/srv/other.py"),
    ] {
        world.start_script(pid, 1, PY, argv, execfn);
    }
    world.procs.get_mut(&608).unwrap().execfn = Fact::unknown(Why::Denied);
    let pids: Vec<Pid> = (600..609).map(Pid).collect();
    let images = Images::new(&world, &pids);
    let asked = |path: &str| {
        let target = Target::new(&world, path.as_bytes(), &around());
        images.may_run(&world, &[target]).into_iter().map(|pid| pid.0).collect::<Vec<i32>>()
    };
    // A relative name, a title, and what can't be read are everybody's doubt.
    assert_eq!(asked("/srv/a.py"), [600, 601, 604, 605, 608]);
    assert_eq!(asked("/srv/other.py"), [602, 604, 605, 607, 608]);
    assert_eq!(asked("/srv/u.py"), [603, 604, 605, 608]);
    assert_eq!(asked("/srv/gone.py"), pids.iter().map(|pid| pid.0).collect::<Vec<i32>>());
}
