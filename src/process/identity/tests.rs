#![allow(clippy::unwrap_used, clippy::similar_names, reason = "tests")]

use super::*;
use crate::facts::{CgroupLine, Fact, ProcessState, Task, Why};
use crate::process::testing::{Node, Proc, TestWorld, bytes, regular, words};
use crate::process::world::Namespace;

mod titles;

const PY: &str = "/usr/bin/python3.11";

fn query(startas: &str, args: &[&str]) -> Query<'static> {
    Query {
        name: "web",
        startas: bytes(startas),
        args: args.iter().map(bytes).collect(),
        becomes: None,
        user: None,
        engine_uid: Uid(0),
        privileged: true,
        pidfile: None,
        working_directory: bytes("/"),
        path: bytes(""),
        narrow: None,
        replace: None,
        names_user: false,
        recorded: BTreeSet::new(),
        replicas: 1,
        scope_all: false,
    }
}

/// Candidates as `pid` with marks: `=` equal, `~` overwritten, `/` different, `!` anchor, `u` foreign user,
/// `s` supervisor, `o` stale, `a` above the engine; then `?pid` for the unknown ones.
fn shown(look: &Look) -> String {
    let mark = |on: bool, mark: &'static str| if on { mark } else { "" };
    let mut text: Vec<String> = look
        .candidates
        .iter()
        .map(|c| {
            let arguments = match c.arguments {
                ArgumentMatch::Equal => "=",
                ArgumentMatch::Overwritten => "~",
                ArgumentMatch::Different => "/",
            };
            let supervisor = c.foreign_supervisor.is_some();
            format!(
                "{}{arguments}{}{}{}{}{}",
                c.pid,
                mark(c.anchor, "!"),
                mark(c.foreign_user, "u"),
                mark(supervisor, "s"),
                mark(c.stale, "o"),
                mark(c.above, "a")
            )
        })
        .collect();
    text.extend(look.unknown.iter().map(|(pid, _)| format!("?{pid}")));
    text.join(" ")
}

fn adoptable(look: &Look) -> String {
    let pids: Vec<String> = look.adoptable().iter().map(|candidate| candidate.pid.to_string()).collect();
    pids.join(" ")
}

#[track_caller]
fn check(case: &str, world: &TestWorld, query: &Query<'_>, expected: &str, adopt: &str) {
    let look = look(query, world, &world.pid_list());
    assert_eq!((shown(&look).as_str(), adoptable(&look).as_str()), (expected, adopt), "{case}");
    assert!(look.complete, "{case}");
}

fn app(world: &mut TestWorld, pid: i32, ppid: i32, rest: &[&str]) {
    let argv = [&["/usr/bin/python3", "/srv/a.py"], rest].concat();
    world.start_script(pid, ppid, PY, &argv, "/srv/a.py");
}

fn change(world: &mut TestWorld, pid: i32) -> &mut Proc {
    world.procs.get_mut(&pid).unwrap()
}

fn owned(world: &mut TestWorld, pid: i32, uid: u32) {
    change(world, pid).owner = Fact::Known((Uid(uid), crate::units::Gid(uid)));
}

#[test]
fn the_scan_adopts_by_arguments() {
    let q = query("/srv/a.py", &["--port", "80"]);
    let mut world = TestWorld::new();
    check("nothing runs", &world, &q, "", "");
    app(&mut world, 600, 1, &["--port", "80"]);
    check("one with equal arguments", &world, &q, "600=", "600");
    app(&mut world, 601, 1, &["--port", "81"]);
    check("another instance beside it", &world, &q, "600= 601/", "600");
    app(&mut world, 602, 1, &["--port", "80"]);
    check("two equal are ambiguous", &world, &q, "600= 601/ 602=", "600 602");
    let mut world = TestWorld::new();
    app(&mut world, 601, 1, &["--port", "81"]);
    check("different arguments never", &world, &q, "601/", "");
    app(&mut world, 602, 1, &["-v", "--port", "80"]);
    check("more arguments are different", &world, &q, "601/ 602/", "");
    change(&mut world, 602).arguments = Fact::Known(words(&["gunicorn: master [app]"]));
    check("overwritten, where none is equal", &world, &q, "601/ 602~", "602");
    app(&mut world, 603, 1, &["--port", "80"]);
    check("equal goes before overwritten", &world, &q, "601/ 602~ 603=", "603");
    check(
        "a spec without arguments takes none that has some",
        &world,
        &query("/srv/a.py", &[]),
        "601/ 602~ 603/",
        "602",
    );
}

#[test]
fn native_programs_are_compared_the_same_way() {
    let mut world = TestWorld::new();
    world.start(600, 1, "/usr/sbin/nginx", &["nginx", "-c", "x"]);
    world.start(601, 1, "/usr/sbin/nginx", &["/usr/sbin/nginx"]);
    check("with arguments", &world, &query("/usr/sbin/nginx", &["-c", "x"]), "600= 601/", "600");
    check("without", &world, &query("/usr/sbin/nginx", &[]), "600/ 601=", "601");
    change(&mut world, 600).arguments = Fact::Known(words(&["nginx: master process nginx"]));
    check("a title", &world, &query("/usr/sbin/nginx", &["-c", "x"]), "600~ 601/", "600");
}

#[test]
fn only_the_topmost_is_an_instance() {
    let mut world = TestWorld::new();
    app(&mut world, 600, 1, &[]);
    app(&mut world, 601, 600, &[]);
    world.start(602, 600, "/usr/bin/dash", &["sh", "-c", "x"]);
    app(&mut world, 603, 602, &[]);
    let q = query("/srv/a.py", &[]);
    check("workers belong to it", &world, &q, "600=", "600");
    let found = look(&q, &world, &world.pid_list());
    assert_eq!(found.candidates.first().unwrap().descendants, [Pid(601), Pid(603)]);
}

#[test]
fn of_one_that_ends_during_the_look_the_workers_may_live_on() {
    let q = query("/srv/a.py", &[]);
    let mut world = TestWorld::new();
    app(&mut world, 600, 1, &[]);
    change(&mut world, 600).cgroups = Fact::unknown(Why::Vanished);
    check("alone it is none", &world, &q, "", "");
    app(&mut world, 601, 600, &[]);
    check("its worker may be one by now", &world, &q, "?600", "");
}

#[test]
fn what_is_left_alone_and_what_is_never_a_candidate() {
    let mut world = TestWorld::new();
    app(&mut world, 60, 1, &[]);
    change(&mut world, 50).stat = Fact::Known(crate::process::testing::stat(60, 1));
    let q = query("/srv/a.py", &[]);
    check("an ancestor of the engine", &world, &q, "60=a", "60");
    let other = query("/srv/a.py", &["--other"]);
    check("it with other arguments", &world, &other, "60/a", "");
    check("the engine", &world, &query("/usr/bin/selfsame", &["watch"]), "", "");
    check("pid 1", &world, &query("/usr/sbin/init", &[]), "1=a", "1");
    let mut world = TestWorld::new();
    app(&mut world, 600, 1, &[]);
    if let Fact::Known(stat) = &mut change(&mut world, 600).stat {
        stat.state = ProcessState::Zombie;
    }
    check("a zombie", &world, &q, "", "");
    change(&mut world, 600).tasks = vec![Task { tid: Pid(609), state: ProcessState::Sleeping }];
    check("a zombie with a live thread", &world, &q, "600=", "600");
    let all = |_: Pid| Ternary::True;
    let mut world = TestWorld::new();
    world.start(2, 0, "/usr/bin/node", &[]).exe = Fact::Absent;
    if let Fact::Known(stat) = &mut change(&mut world, 2).stat {
        stat.flags = 0x0020_0000;
    }
    check(
        "a kernel thread, whatever the condition says",
        &world,
        &Query { replace: Some(&all), ..q },
        "",
        "",
    );
}

#[test]
fn users_decide_who_is_looked_at() {
    let mut world = TestWorld::new();
    app(&mut world, 600, 1, &[]);
    owned(&mut world, 600, 33);
    let q = query("/srv/a.py", &[]);
    check("another user's is foreign", &world, &q, "600=u", "");
    check("the spec's user", &world, &Query { user: Some(Uid(33)), ..q.clone() }, "600=", "600");
    check("not the spec's user", &world, &Query { user: Some(Uid(1000)), ..q.clone() }, "", "");
    check("a condition names the user", &world, &Query { names_user: true, ..q.clone() }, "600=", "600");
    let mine = Query { privileged: false, engine_uid: Uid(33), ..q.clone() };
    check("an ordinary user's own", &world, &mine, "600=", "600");
    let other = Query { privileged: false, engine_uid: Uid(1000), ..q };
    check("an ordinary user sees no others", &world, &other, "", "");
    assert!(look(&other, &world, &world.pid_list()).notes.iter().any(|note| note.contains("uid 1000")));
}

fn pid_file(world: &mut TestWorld, pid: i32, change: impl FnOnce(&mut crate::facts::FileFacts)) {
    let mut file = regular("/run/app.pid", 999);
    file.mode = 0o644;
    file.mtime = 999_999_000_000_000;
    change(&mut file);
    world.files.insert("/run/app.pid".into(), Node::File(file, Fact::Known(bytes(format!("{pid}\n")))));
}

#[test]
fn a_believed_pid_file_anchors() {
    let q = Query { pidfile: Some(bytes("/run/app.pid")), ..query("/srv/a.py", &["x"]) };
    let mut world = TestWorld::new();
    app(&mut world, 600, 1, &["x"]);
    app(&mut world, 601, 1, &["x"]);
    pid_file(&mut world, 601, |_| {});
    check("two, the file says which", &world, &q, "601=! 600=", "601");
    app(&mut world, 601, 1, &["y"]);
    check("other arguments are drift", &world, &q, "601/! 600=", "601");
    owned(&mut world, 601, 33);
    check("of another user", &world, &q, "601/! 600=", "601");
    pid_file(&mut world, 601, |file| file.uid = Uid(33));
    check("owned by its account", &world, &q, "601/! 600=", "601");
    app(&mut world, 602, 601, &["x"]);
    pid_file(&mut world, 602, |_| {});
    check("the child of a launcher", &world, &q, "602=! 600=", "602");
    world.start(603, 601, "/usr/bin/node", &["node"]);
    pid_file(&mut world, 603, |_| {});
    let found = look(&q, &world, &world.pid_list());
    assert_eq!(found.candidates.first().map(|c| (c.pid, c.anchor)), Some((Pid(603), true)));
}

#[test]
fn a_forged_pid_file_anchors_nothing() {
    let q = Query { pidfile: Some(bytes("/run/app.pid")), ..query("/srv/a.py", &["x"]) };
    let mut world = TestWorld::new();
    app(&mut world, 600, 1, &["x"]);
    world.start(700, 1, "/usr/bin/node", &["node"]);
    pid_file(&mut world, 700, |_| {});
    check("names a stranger", &world, &q, "600=", "600");
    pid_file(&mut world, 1, |_| {});
    check("names init", &world, &q, "600=", "600");
    pid_file(&mut world, 999, |_| {});
    check("names nobody", &world, &q, "600=", "600");
    app(&mut world, 601, 1, &["x"]);
    pid_file(&mut world, 601, |file| file.mtime = 900_000_000_000_000);
    check("number used again", &world, &q, "600= 601=", "600 601");
    assert!(look(&q, &world, &world.pid_list()).notes.iter().any(|note| note.contains("recycled pid")));
    pid_file(&mut world, 601, |file| file.mode = 0o666);
    check("writable by others", &world, &q, "600= 601=", "600 601");
    pid_file(&mut world, 601, |file| file.uid = Uid(1000));
    check("a stranger's file", &world, &q, "600= 601=", "600 601");
}

#[test]
fn conditions_narrow_or_replace() {
    let mut world = TestWorld::new();
    app(&mut world, 600, 1, &[]);
    app(&mut world, 601, 1, &[]);
    world.start(602, 1, "/usr/bin/node", &["node"]);
    let q = query("/srv/a.py", &[]);
    let is_601 = |pid: Pid| if pid == Pid(601) { Ternary::True } else { Ternary::False };
    check("narrowed", &world, &Query { narrow: Some(&is_601), ..q.clone() }, "601=", "601");
    let unsure = |pid: Pid| match pid {
        Pid(601) => Ternary::Unknown(vec![Reason::new(crate::facts::Why::Timeout, "x")]),
        _ => Ternary::True,
    };
    check("narrowed, one unknown", &world, &Query { narrow: Some(&unsure), ..q.clone() }, "600= ?601", "600");
    let is_602 = |pid: Pid| if pid == Pid(602) { Ternary::True } else { Ternary::False };
    check("replaced", &world, &Query { replace: Some(&is_602), ..q.clone() }, "602~", "602");
    check(
        "replaced, unknown",
        &world,
        &Query { replace: Some(&unsure), narrow: Some(&is_601), ..q.clone() },
        "?601",
        "",
    );
    let gone = |_: Pid| Ternary::Unknown(vec![Reason::new(crate::facts::Why::Vanished, "x")]);
    check("gone meanwhile", &world, &Query { narrow: Some(&gone), ..q }, "", "");
}

#[test]
fn the_record_and_its_tree_are_no_candidates() {
    let mut world = TestWorld::new();
    app(&mut world, 600, 1, &[]);
    app(&mut world, 601, 600, &[]);
    app(&mut world, 602, 1, &[]);
    let q = Query { recorded: BTreeSet::from([Pid(600)]), ..query("/srv/a.py", &[]) };
    check("only the duplicate is left", &world, &q, "602=", "602");
}

#[test]
fn what_can_not_be_told_is_unknown() {
    let q = query("/srv/a.py", &["x"]);
    let row = |case: &str, arrange: &dyn Fn(&mut Proc), expected: &str| {
        let mut world = TestWorld::new();
        app(&mut world, 600, 1, &["x"]);
        arrange(change(&mut world, 600));
        check(case, &world, &q, expected, "");
    };
    let py = || Fact::Known(bytes("/usr/bin/python3"));
    row(
        "exe denied",
        &|p| {
            p.exe = Fact::unknown(Why::Denied);
            p.execfn = py();
        },
        "?600",
    );
    row("exe vanished", &|p| p.exe = Fact::unknown(Why::Vanished), "");
    row(
        "title and env",
        &|p| {
            p.arguments = Fact::Known(words(&["a title"]));
            p.execfn = py();
        },
        "?600",
    );
    row(
        "argv timed out",
        &|p| {
            p.arguments = Fact::unknown(Why::Timeout);
            p.execfn = py();
        },
        "?600",
    );
    row("stat unreadable", &|p| p.stat = Fact::unknown(Why::Malformed), "?600");
    row("owner unreadable", &|p| p.owner = Fact::unknown(Why::Denied), "?600");
    row("owner vanished", &|p| p.owner = Fact::unknown(Why::Vanished), "");
    row("cgroup unreadable", &|p| p.cgroups = Fact::unknown(Why::Denied), "?600");
    row(
        "namespace unreadable",
        &|p| {
            p.ns.insert(Namespace::Pid as u8, Fact::unknown(Why::Denied));
        },
        "?600",
    );
    row(
        "exe denied, arguments different",
        &|p| {
            p.exe = Fact::unknown(Why::Denied);
            p.execfn = py();
            p.arguments = Fact::Known(words(&["/usr/lib/agent", "--session", "3"]));
        },
        "",
    );
    row(
        "namespace unreadable of a stranger",
        &|p| {
            p.ns.insert(Namespace::Pid as u8, Fact::unknown(Why::Denied));
            p.arguments = Fact::Known(words(&["python3", "/srv/z.py"]));
            p.execfn = py();
        },
        "",
    );
}

#[test]
fn containers_are_left_out_unless_asked_for() {
    let mut world = TestWorld::new();
    app(&mut world, 600, 1, &[]);
    change(&mut world, 600).ns.insert(Namespace::Pid as u8, Fact::Known(2));
    let q = query("/srv/a.py", &[]);
    check("nested namespace", &world, &q, "", "");
    check("scope: all", &world, &Query { scope_all: true, ..q }, "600=", "600");
}

fn unit(path: &str) -> Fact<Vec<CgroupLine>> {
    Fact::Known(vec![CgroupLine { controllers: vec![], v2: true, path: bytes(path) }])
}

#[test]
fn who_else_would_bring_it_back() {
    let q = query("/srv/a.py", &[]);
    for (path, expected) in [
        ("/system.slice/app.service", "600=s"),
        ("/system.slice/app.service/sub", "600=s"),
        ("/user.slice/user-0.slice/user@0.service/app.slice/x.service", "600=s"),
        ("/user.slice/user-0.slice/session-1.scope", "600="),
        ("/user.slice/user-0.slice/user@0.service/app.slice/x.scope", "600="),
        ("/system.slice/selfsame.service", "600="),
        ("/", "600="),
    ] {
        let mut world = TestWorld::new();
        change(&mut world, 50).cgroups = unit("/system.slice/selfsame.service");
        app(&mut world, 600, 1, &[]);
        change(&mut world, 600).cgroups = unit(path);
        check(path, &world, &q, expected, "600");
    }
    for (comm, expected) in [
        ("runsv", "600=s"),
        ("s6-supervise", "600=s"),
        ("supervise", "600=s"),
        ("supervisord", "600=s"),
        ("supervise-daemo", "600=s"),
        ("containerd-shim", "600=s"),
        ("conmon", "600=s"),
        ("sshd", "600="),
        ("bash", "600="),
    ] {
        let mut world = TestWorld::new();
        world.start(500, 1, "/usr/bin/node", &["x"]);
        if let Fact::Known(stat) = &mut change(&mut world, 500).stat {
            stat.comm = bytes(comm);
        }
        app(&mut world, 600, 500, &[]);
        check(comm, &world, &q, expected, "600");
        change(&mut world, 50).stat = Fact::Known(crate::process::testing::stat(500, 1));
        check("it supervises the engine as well", &world, &q, "600=", "600");
    }
    let mut world = TestWorld::new();
    world.script("/usr/bin/supervisord", "#!/usr/bin/env python3\n");
    world.start(500, 1, PY, &["python3", "/usr/bin/supervisord", "-n"]);
    app(&mut world, 600, 500, &[]);
    check("a script started through env", &world, &q, "600=s", "600");
}

#[test]
fn what_it_becomes_is_the_same_service() {
    let mut world = TestWorld::new();
    world.script("/srv/run.sh", "#!/bin/sh\nexec python3 /srv/a.py \"$@\"\n");
    app(&mut world, 600, 1, &["--port", "80"]);
    let q = query("/srv/run.sh", &["--port", "80"]);
    check("not without being told", &world, &q, "", "");
    check("told", &world, &Query { becomes: Some(bytes("/srv/a.py")), ..q }, "600=", "600");
}

#[test]
fn an_old_version_is_still_the_service() {
    let mut world = TestWorld::new();
    world.start(600, 1, "/usr/sbin/nginx", &["nginx"]);
    world.elf("/usr/sbin/nginx");
    let proc = change(&mut world, 600);
    proc.exe_text = Fact::Known(bytes("/usr/sbin/nginx (deleted)"));
    if let Fact::Known(exe) = &mut proc.exe {
        exe.nlink = 0;
    }
    check("stale", &world, &query("/usr/sbin/nginx", &[]), "600=o", "600");
}

#[test]
fn the_order_of_the_listing_changes_nothing() {
    let mut world = TestWorld::new();
    for pid in [600, 601, 602, 603] {
        app(&mut world, pid, if pid == 603 { 600 } else { 1 }, &[]);
    }
    let q = query("/srv/a.py", &[]);
    let mut pids = world.pid_list();
    let first = look(&q, &world, &pids);
    pids.reverse();
    assert_eq!(look(&q, &world, &pids), first);
}
