//! What the shared example answers.

use std::time::Duration;

use super::{HOST, parse};
use crate::facts::{Fact, ProcessState, Why};
use crate::process::snapshot::words::NAMESPACES;
use crate::process::world::{Namespace, Root, World};
use crate::units::{Gid, Pid, StartTicks, Uid};

fn why<T>(fact: Fact<T>) -> Option<Why> {
    match fact {
        Fact::Unknown(reason) => Some(reason.why),
        Fact::Known(_) | Fact::Absent => None,
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn stated_facts_are_answered() {
    let world = parse(HOST);
    let app = Pid(600);
    assert_eq!(world.pids().known().unwrap().to_vec(), [2, 600, 700, 701, 702].map(Pid));
    assert_eq!(world.owner(app), Fact::Known((Uid(33), Gid(33))));
    let stat = world.stat(app).known().unwrap();
    assert_eq!((stat.ppid, stat.state, stat.start), (Pid(1), ProcessState::Sleeping, StartTicks(360_000)));
    assert_eq!((stat.rss, text(&stat.comm)), (48 << 20, "a.py".to_owned()));
    let words = world.arguments(app).known().unwrap().words.clone();
    let words: Vec<String> = words.iter().map(|word| text(word)).collect();
    assert_eq!(words, ["/usr/bin/python3", "/srv/app/a.py", "", "--port=80"]);
    let environ = world.environ(app).known().unwrap();
    assert_eq!(text(&environ[0]), "APP_ENV=prod");
    assert_eq!(world.uptime().known().unwrap().0, Duration::from_hours(3));
    assert_eq!(world.user_id("www-data"), Fact::Known(Uid(33)));
    assert_eq!(world.user_name(Uid(33)).known().as_deref(), Some("www-data"));
    assert_eq!(world.groups_of(Uid(33)).known().unwrap().to_vec(), [Gid(33), Gid(4)]);
    assert_eq!(world.user_id("nobody"), Fact::Absent);
    assert_eq!(world.lock_holder(b"/run/app.pid"), Fact::Known(app));
    assert_eq!(world.content(b"/run/app.pid", 3).known().as_deref(), Some(&b"600"[..]));
    assert_eq!(world.default_path().known().as_deref(), Some(&b"/usr/bin:/bin"[..]));
    assert_eq!(world.self_pid(), Fact::Known(Pid(90)));
    assert_eq!(world.binfmt().known().unwrap().len(), 1);
}

#[test]
fn what_is_not_stated_is_absent_and_what_is_unreadable_is_unknown() {
    let world = parse(HOST);
    let app = Pid(600);
    assert_eq!(world.oom_score(app), Fact::Absent);
    assert_eq!(why(world.io(app)), Some(Why::Denied));
    assert_eq!(why(world.limit(app, "nofile")), Some(Why::Timeout));
    assert_eq!(world.gap(app, "rss"), None);
    assert_eq!(world.gap(app, "nice"), Some(Fact::Absent));
    assert_eq!(world.gap(app, "rt_priority"), Some(Fact::Absent));
    assert_eq!(world.gap(app, "age"), None);
    assert_eq!(world.gap(app, "caps.eff"), Some(Fact::Absent));
    assert_eq!(world.gap(app, "argv"), None);
    assert_eq!(world.stat(Pid(700)), Fact::Absent);
    let gone = Pid(702);
    assert_eq!(world.comm(gone).known().as_deref(), Some(&b"gone"[..]));
    for answer in
        [why(world.owner(gone)), why(world.stat(gone)), why(world.exe_file(gone)), why(world.root(gone))]
    {
        assert_eq!(answer, Some(Why::Vanished));
    }
    assert_eq!(why(world.comm(Pid(12345))), Some(Why::Vanished));
    match world.arguments(Pid(701)) {
        Fact::Unknown(reason) => assert_eq!(reason.to_string(), "timeout: argv of 701"),
        other => panic!("{other:?}"),
    }
}

/// It had the engine's, whichever it had lived in.
#[test]
fn a_zombie_has_no_namespaces_but_those_of_its_number_and_user() {
    let world = parse(
        "processes:\n- {pid: 9, state: zombie}\n- {pid: 10}\n- {pid: 11, state: zombie, tasks: [{tid: 12, state: running}]}\n",
    );
    let known = |pid| {
        let all = NAMESPACES.iter().filter(|(_, kind, _)| world.namespace(Pid(pid), *kind).known().is_some());
        all.map(|(key, ..)| *key).collect::<Vec<_>>()
    };
    assert_eq!(known(9), ["pid", "user"]);
    assert_eq!((known(10).len(), known(11).len()), (NAMESPACES.len(), NAMESPACES.len()));
}

#[test]
fn a_zombie_leader_with_a_living_thread_has_both() {
    let world = parse(HOST);
    let tasks = world.tasks(Pid(701)).known().unwrap();
    let seen: Vec<_> = tasks.iter().map(|task| (task.tid.0, task.state)).collect();
    assert_eq!(seen, [(701, ProcessState::Zombie), (709, ProcessState::Sleeping)]);
    assert_eq!(world.tasks(Pid(600)).known().unwrap().len(), 1);
}

#[test]
fn paths_lead_where_the_kernel_would_go() {
    let world = parse(HOST);
    let real = |path: &str| world.file(Root::Engine, path.as_bytes()).map(|file| text(&file.real)).known();
    for (path, leads_to) in [
        ("/usr/bin/python3", Some("/usr/bin/python3.11")),
        ("/bin/python3", Some("/usr/bin/python3.11")),
        ("/bin/sh", Some("/usr/bin/dash")),
        ("//usr/./bin/../bin//sh", Some("/usr/bin/dash")),
        ("/srv/current/a.py", Some("/srv/app/a.py")),
        ("/srv/current/../app", Some("/srv/app")),
        ("/../..", Some("/")),
        ("/bin/..", Some("/usr")),
        ("/srv/app/", Some("/srv/app")),
        ("/srv/none", None),
    ] {
        assert_eq!(real(path).as_deref(), leads_to, "{path}");
    }
    for (path, reason) in [
        ("/srv/loop", Why::Unresolved),
        ("/srv/app/a.py/x", Why::Unresolved),
        ("/srv/app/a.py/", Why::Unresolved),
        ("srv/app", Why::Unresolved),
        ("/srv/app/secret", Why::Denied),
    ] {
        assert_eq!(why(world.file(Root::Engine, path.as_bytes())), Some(reason), "{path}");
    }
    assert_eq!(why(world.head(Root::Engine, b"/srv/app/half")), Some(Why::Denied));
    assert!(world.file(Root::Engine, b"/srv/app/half").known().is_some());
    assert_eq!(world.head(Root::Engine, b"/srv/app/odd").known().as_deref(), Some(&b"#! \xff"[..]));
    assert_eq!(world.head(Root::Engine, b"/srv/app"), Fact::Absent);
}

#[test]
fn a_bare_exe_is_the_file_of_its_own_root() {
    let world = parse(HOST);
    let contained = world.exe_file(Pid(700)).known().unwrap();
    assert_eq!((contained.dev, contained.ino), (9, 101));
    assert!(!world.root(Pid(700)).known().unwrap().same);
    assert!(world.root(Pid(600)).known().unwrap().same);
    let inside = world.file(Root::Of(Pid(700)), b"/usr/bin/python3.11").known().unwrap();
    assert!(inside.same_file(&contained));
    assert_eq!(world.file(Root::Of(Pid(700)), b"/srv/app/a.py"), Fact::Absent);
    assert_eq!(world.namespace(Pid(700), Namespace::Pid), Fact::Known(4_026_532_200));
    assert_eq!(world.namespace(Pid(600), Namespace::Pid), world.own_namespace(Namespace::Pid));
}

#[test]
fn an_exe_that_is_not_listed_is_no_other_file() {
    let world = parse("processes: [{pid: 5, exe: \"/a (deleted)\"}, {pid: 6, exe: /b}, {pid: 7, exe: /b}]");
    let [a, b, c] = [5, 6, 7].map(|pid| world.exe_file(Pid(pid)).known().unwrap());
    assert_eq!((a.nlink, b.nlink), (0, 1));
    assert!(!a.same_file(&b) && b.same_file(&c));
}

#[test]
fn clocks_follow_from_what_is_stated() {
    let hours = |count: u64| Duration::from_secs(count * 3600);
    let world = parse("processes: [{pid: 5, startTicks: 1000, age: 2h}, {pid: 6, age: 1h}]");
    assert_eq!(world.uptime().known().unwrap().0, hours(2) + Duration::from_secs(10));
    assert_eq!(world.stat(Pid(6)).known().unwrap().start, StartTicks(361_000));
    let world = parse(
        "host: {now: 2026-01-01T05:00:00Z, boot: 2026-01-01T00:00:00Z}\nprocesses: [{pid: 5, started: 2026-01-01T01:00:00Z}]",
    );
    assert_eq!(world.stat(Pid(5)).known().unwrap().start, StartTicks(360_000));
    assert_eq!(world.uptime().known().unwrap().0, hours(5));
}

#[test]
fn users_that_did_not_answer_are_unknown() {
    let world = parse("host: {users: {root: 0}, unreadable: {users: nss}}");
    assert_eq!(world.user_id("root"), Fact::Known(Uid(0)));
    assert_eq!(why(world.user_id("www-data")), Some(Why::Nss));
    assert_eq!(why(world.user_name(Uid(5))), Some(Why::Nss));
}

#[test]
fn a_test_record_needs_no_pid_and_no_host() {
    let text =
        "process: {exe: /usr/bin/python3.11, argv: [a]}\nhost: {files: {/usr/bin/python3.11: {id: [1, 7]}}}";
    let source = crate::diagnostic::Source::new("matcher.yaml", text);
    let document = crate::yaml::parse(&source, &crate::yaml::Limits::default()).documents.remove(0);
    let (process, host) = (document.get("process").unwrap(), document.get("host"));
    let (world, pid) = crate::process::snapshot::Snapshot::of_test(&source, host, process).unwrap();
    assert_eq!(world.exe_file(pid).known().unwrap().ino, 7);
    let (world, pid) = crate::process::snapshot::Snapshot::of_test(&source, None, process).unwrap();
    assert_eq!(world.exe_text(pid).known().as_deref(), Some(&b"/usr/bin/python3.11"[..]));
}

#[test]
fn a_stated_fact_can_be_made_unreadable() {
    let world = parse(
        "processes: [{pid: 5, execfn: /a, argv: [a], state: sleeping, rss: 1MiB, unreadable: {execfn: denied, argv: timeout, state: budget}}]",
    );
    assert_eq!(why(world.execfn(Pid(5))), Some(Why::Denied));
    assert_eq!(why(world.arguments(Pid(5))), Some(Why::Timeout));
    assert_eq!(world.gap(Pid(5), "state").and_then(why), Some(Why::Budget));
    let world = parse("processes: [{pid: 5, argv: [a], unreadable: {argv: truncated}}]");
    assert!(world.arguments(Pid(5)).known().unwrap().truncated);
}
