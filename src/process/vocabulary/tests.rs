#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use Operation::{Equal, Less, Under};

use super::*;
use crate::facts::{
    Arguments, CgroupLine, LimitPair, MagicLink, MemoryUse, OpenFile, ProcessState, Protocol, SocketState,
    Task,
};
use crate::process::candidate;
use crate::process::objects::{FILE, GROUP, PROCESS, TTY, USER};
use crate::process::testing::{Proc, TestWorld, bytes, words};

fn show(value: &Value) -> String {
    match value {
        Value::Bool(is) => is.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Size(number) => format!("{number}B"),
        Value::Duration(nanos) => format!("{}ms", nanos / 1_000_000),
        Value::Time(nanos) => format!("@{}", nanos / 1_000_000_000),
        Value::String(text) | Value::Path(text) => paths::show(text),
        Value::Enum(_, word) => (*word).into(),
        Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(" ")),
        Value::Object(object) => object.to_string(),
        other => format!("{other:?}"),
    }
}

fn fact(fact: Fact<Value>) -> String {
    match fact {
        Fact::Known(value) => show(&value),
        Fact::Absent => "-".into(),
        Fact::Unknown(reason) => format!("?{}", reason.why),
    }
}

fn index(owner: &str, name: &str) -> usize {
    let declarations = declare::declarations();
    declarations.fields.iter().position(|field| field.owner == owner && field.name == name).unwrap()
}

fn field(world: &TestWorld, name: &str) -> String {
    let vocabulary = ProcessVocabulary::new(world);
    if let Some((map, key)) = name.split_once('#') {
        return fact(vocabulary.entry(&candidate(Pid(600)), index(PROCESS, map), key.as_bytes()));
    }
    fact(vocabulary.field(&candidate(Pid(600)), index(PROCESS, name)))
}

fn of_file(world: &TestWorld, field: &str) -> String {
    let vocabulary = ProcessVocabulary::new(world);
    let exe = vocabulary.field(&candidate(Pid(600)), index(PROCESS, "exe"));
    fact(exe.and_then(|exe| vocabulary.field(&exe, index(FILE, field))))
}

fn call(world: &TestWorld, name: &str, arguments: &[Value]) -> String {
    let vocabulary = ProcessVocabulary::new(world);
    let at = declare::declarations().functions.iter().position(|f| f.name == name).unwrap();
    fact(vocabulary.call(&candidate(Pid(600)), at, arguments))
}

fn world(change: impl FnOnce(&mut Proc)) -> TestWorld {
    let mut world = TestWorld::new();
    let proc = world.start_script(
        600,
        50,
        "/usr/bin/python3.11",
        &["/usr/bin/python3", "/srv/a.py", "--port=80", "-v"],
        "/srv/a.py",
    );
    proc.owner = Fact::Known((Uid(33), Gid(33)));
    proc.cwd = Fact::Known(MagicLink { text: bytes("/srv"), dev: 1, ino: 9 });
    proc.environ = Fact::Known(vec![bytes("APP_ENV=prod"), bytes("EMPTY="), bytes("broken")]);
    change(proc);
    world
}

fn plain() -> TestWorld {
    world(|proc| {
        if let Fact::Known(stat) = &mut proc.stat {
            stat.comm = bytes("a.py");
            stat.tty = 0x8803;
            stat.cpu_ticks = [100, 50, 7, 3];
            stat.rss = 4096;
            stat.policy = 1;
            stat.start = crate::units::StartTicks(9_000_000);
            (stat.pgid, stat.sid) = (Pid(600), Pid(50));
        }
        if let Fact::Known(status) = &mut proc.status {
            status.credentials.uid = [0, 33, 33, 33];
            status.groups = vec![Gid(4), Gid(33)];
            status.caps = [0, 1 << 12, 1 << 12 | 1, 0, 0];
            status.signals = [0, 1, 1 << 14];
            status.seccomp = Some(2);
            status.tracer = Some(Pid(0));
            status.umask = Some(0o022);
            status.swap = Some(1024);
        }
        proc.limits.insert("nofile".into(), LimitPair { soft: Some(1024), hard: None });
        proc.cgroups = Fact::Known(vec![
            CgroupLine { controllers: vec!["cpu".into(), "memory".into()], v2: false, path: bytes("/mem") },
            CgroupLine { controllers: vec![], v2: true, path: bytes("/system.slice/app.service") },
        ]);
        proc.managed = Fact::Known("web".into());
        proc.memory = Fact::Known(MemoryUse { pss: 700, uss: 500 });
        let open = |text: &str, nlink| OpenFile {
            text: bytes(text),
            facts: FileFacts { nlink, ..crate::process::testing::regular("", 77) },
        };
        proc.open = Fact::Known(vec![open("/dev/null", 1), open("/var/log/a.log (deleted)", 0)]);
        let socket = crate::facts::Socket {
            protocol: Some(Protocol::Tcp),
            state: Some(SocketState::Listen),
            ip: "::".parse().ok(),
            port: Some(80),
            ..crate::facts::Socket::default()
        };
        let connected = crate::facts::Socket {
            state: Some(SocketState::Established),
            peer_ip: "10.0.0.1".parse().ok(),
            peer_port: Some(4000),
            ..socket.clone()
        };
        let unix = crate::facts::Socket {
            protocol: Some(Protocol::Unix),
            path: Some(bytes("/run/x")),
            ..crate::facts::Socket::default()
        };
        proc.sockets = Fact::Known(vec![socket, connected, unix]);
    })
}

#[test]
fn fields_say_what_the_kernel_says() {
    let world = plain();
    for (name, expected) in [
        ("pid", "600"),
        ("self", "false"),
        ("managed_as", "web"),
        ("user", "33"),
        ("group", "33"),
        ("exe", "exe of 600"),
        ("cwd", "/srv"),
        ("root", "/"),
        ("same_root", "true"),
        ("comm", "a.py"),
        ("name", "a.py"),
        ("argv", "[/usr/bin/python3 /srv/a.py --port=80 -v]"),
        ("cmdline", "/usr/bin/python3 /srv/a.py --port=80 -v"),
        ("argv_rewritten", "false"),
        ("execfn", "/srv/a.py"),
        ("script", "/srv/a.py"),
        ("env#APP_ENV", "prod"),
        ("env#EMPTY", ""),
        ("env#NONE", "-"),
        ("env#APP", "-"),
        ("env#broken", "-"),
        ("login_user", "-"),
        ("state", "sleeping"),
        ("alive", "true"),
        ("leader_exited", "false"),
        ("kernel_thread", "false"),
        ("ppid", "50"),
        ("pgid", "600"),
        ("tty", "pts/3"),
        ("threads", "1"),
        ("policy", "fifo"),
        ("started", "@990000"),
        ("age", "10000000ms"),
        ("start_ticks", "9000000"),
        ("cpu_time", "1500ms"),
        ("cpu_user", "1000ms"),
        ("cpu_sys", "500ms"),
        ("children_cpu", "100ms"),
        ("rss", "4096B"),
        ("cgroup", "/system.slice/app.service"),
        ("cgroup.v2", "/system.slice/app.service"),
        ("cgroup[]#memory", "/mem"),
        ("cgroup[]#pids", "-"),
        ("container", "-"),
        ("oom_score_adj", "-17"),
        ("io.write_bytes", "2B"),
        ("limits#nofile", "1024:unlimited"),
        ("limits#core", "-"),
        ("fds", "3"),
        ("security_label", "-"),
        ("parent", "process 50"),
        ("ancestors", "[process 50 process 1]"),
        ("children", "[]"),
        ("descendants", "[]"),
        ("session_leader", "process 50"),
        ("group_leader", "process 600"),
        ("ns.pid", "1"),
        ("self.ns.pid", "1"),
        ("ruser", "0"),
        ("suser", "33"),
        ("groups", "[4 33]"),
        ("umask", "18"),
        ("seccomp", "filter"),
        ("tracer_pid", "-"),
        ("no_new_privs", "-"),
        ("caps.perm", "[CAP_NET_ADMIN]"),
        ("caps.eff", "[CAP_CHOWN CAP_NET_ADMIN]"),
        ("signals.ignored", "[HUP]"),
        ("signals.caught", "[TERM]"),
        ("swap", "1024B"),
        ("rss_peak", "-"),
        ("pss", "700B"),
        ("uss", "500B"),
        ("files", "[/dev/null /var/log/a.log (deleted)]"),
        ("sockets", "[tcp [::]:80 listen tcp [::]:80 -> 10.0.0.1:4000 established unix /run/x]"),
        ("listens", "[tcp [::]:80 listen]"),
    ] {
        assert_eq!(field(&world, name), expected, "{name}");
    }
}

#[test]
fn a_zombie_has_a_name_and_a_parent_but_no_image() {
    let zombie = |proc: &mut Proc| {
        proc.exe = Fact::Absent;
        proc.exe_text = Fact::Absent;
        proc.arguments = Fact::Absent;
        proc.environ = Fact::Absent;
        proc.execfn = Fact::Absent;
        proc.cwd = Fact::Absent;
        if let Fact::Known(stat) = &mut proc.stat {
            stat.state = ProcessState::Zombie;
        }
    };
    let mut world = world(zombie);
    for (name, expected) in [
        ("exe", "-"),
        ("argv", "-"),
        ("env#APP_ENV", "-"),
        ("cwd", "-"),
        ("script", "-"),
        ("argv_rewritten", "-"),
        ("comm", "x"),
        ("ppid", "50"),
        ("user", "33"),
        ("state", "zombie"),
        ("alive", "false"),
        ("leader_exited", "false"),
    ] {
        assert_eq!(field(&world, name), expected, "{name}");
    }
    world.procs.get_mut(&600).unwrap().tasks = vec![
        Task { tid: Pid(600), state: ProcessState::Zombie },
        Task { tid: Pid(601), state: ProcessState::Running },
    ];
    assert_eq!((field(&world, "alive"), field(&world, "leader_exited")), ("true".into(), "true".into()));
}

#[test]
fn a_kernel_thread_is_told_by_its_flags() {
    let world = world(|proc| {
        proc.exe = Fact::Absent;
        if let Fact::Known(stat) = &mut proc.stat {
            stat.flags = 0x0020_8040;
        }
    });
    assert_eq!((field(&world, "kernel_thread"), field(&world, "exe")), ("true".into(), "-".into()));
}

#[test]
fn unreadable_facts_stay_unknown() {
    let world = world(|proc| {
        proc.exe = Fact::unknown(Why::Denied);
        proc.arguments = Fact::unknown(Why::Timeout);
        proc.environ = Fact::unknown(Why::Denied);
        proc.stat = Fact::unknown(Why::Malformed);
        proc.status = Fact::unknown(Why::Denied);
    });
    for (name, expected) in [
        ("exe", "?denied"),
        ("argv", "?timeout"),
        ("cmdline", "?timeout"),
        ("argv_rewritten", "?timeout"),
        ("env#APP_ENV", "?denied"),
        ("state", "?malformed"),
        ("alive", "?malformed"),
        ("age", "?malformed"),
        ("parent", "?malformed"),
        ("script", "?denied"),
        ("caps.eff", "?denied"),
        ("groups", "?denied"),
    ] {
        assert_eq!(field(&world, name), expected, "{name}");
    }
    assert_eq!(call(&world, "flag", &[Value::string("-v")]), "?timeout");
    assert_eq!(call(&world, "runs", &[Value::path("/srv/a.py")]), "true");
    let gone = TestWorld::new();
    assert_eq!((field(&gone, "user"), field(&gone, "comm")), ("?vanished".into(), "?vanished".into()));
}

#[test]
fn a_cut_name_is_completed() {
    for (exe, argv0, expected) in [
        ("/opt/prometheus-node-exporter", "x", "prometheus-node-exporter"),
        ("/usr/bin/node", "/x/prometheus-node-exporter", "prometheus-node-exporter"),
        ("/usr/bin/node", "x", "prometheus-node"),
    ] {
        let mut world = TestWorld::new();
        world.elf("/opt/prometheus-node-exporter");
        let proc = world.start(600, 1, exe, &[argv0]);
        if let Fact::Known(stat) = &mut proc.stat {
            stat.comm = bytes("prometheus-node");
        }
        assert_eq!(field(&world, "name"), expected);
    }
}

#[test]
fn exe_has_fields_of_its_own() {
    let mut world = plain();
    for (name, expected) in [
        ("path", "/usr/bin/python3.11"),
        ("deleted", "false"),
        ("memfd", "false"),
        ("nlink", "1"),
        ("mode", "493"),
        ("owner", "0"),
        ("dev", "1"),
        ("size", "100B"),
        ("mtime", "@500000"),
    ] {
        assert_eq!(of_file(&world, name), expected, "{name}");
    }
    let proc = world.procs.get_mut(&600).unwrap();
    proc.exe_text = Fact::Known(bytes("/memfd:x (deleted)"));
    if let Fact::Known(exe) = &mut proc.exe {
        exe.nlink = 0;
    }
    assert_eq!((of_file(&world, "memfd"), of_file(&world, "deleted")), ("true".into(), "true".into()));
    assert_eq!(of_file(&world, "path"), "/memfd:x");
}

#[test]
fn titles_are_told_from_arguments() {
    let row = |arguments: Arguments, range, expected: &str| {
        let world = world(|proc| {
            proc.arguments = Fact::Known(arguments);
            if let Fact::Known(stat) = &mut proc.stat {
                stat.arg_range = range;
            }
        });
        assert_eq!(field(&world, "argv_rewritten"), expected);
    };
    row(words(&["a", "b"]), (100, 104), "false");
    row(words(&["a title that grew"]), (100, 104), "true");
    row(words(&["a", "", "b"]), (100, 105), "false");
    // It executed something else between the two reads: held for a title, it kept a service from being started until the next
    // look at everything.
    row(words(&["sleep", "1"]), (100, 104), "false");
    row(words(&["nginx: master process nginx"]), (0, 0), "true");
    row(words(&["nginx"]), (0, 0), "false");
    row(words(&["a", "b c"]), (0, 0), "false");
    row(Arguments { padded: true, ..words(&["node title"]) }, (0, 0), "true");
    row(Arguments { padded: true, ..words(&["node title", "", ""]) }, (100, 113), "true");
    // The last argument is empty, as in `app.py --name ""`: what looks like padding was taken for a title, which held every script of
    // that interpreter.
    row(Arguments { padded: true, ..words(&["perl", "/srv/a.pl", "", ""]) }, (100, 117), "false");
    row(Arguments { padded: true, ..words(&["perl", "a title that grew"]) }, (100, 117), "true");
    row(Arguments { truncated: true, ..words(&["a", "b"]) }, (100, 900), "false");
}

#[test]
fn options_are_found_in_argv() {
    let argv = [
        "/usr/bin/python3",
        "/srv/a.py",
        "--port=80",
        "--host",
        "::1",
        "-v",
        "--empty=",
        "--last",
        "--",
        "--after",
    ];
    let world = world(|proc| proc.arguments = Fact::Known(words(&argv)));
    for (name, expected) in [
        ("--port", "80"),
        ("--host", "::1"),
        ("--por", "-"),
        ("--empty", ""),
        ("--last", "-"),
        ("--after", "-"),
        ("-v", "-"),
    ] {
        let found = call(&world, "arg", &[Value::string(name)]);
        assert_eq!(found, expected, "{name}");
    }
    for (name, expected) in
        [("-v", "true"), ("--port", "false"), ("--after", "false"), ("/usr/bin/python3", "false")]
    {
        assert_eq!(call(&world, "flag", &[Value::string(name)]), expected, "{name}");
    }
    let list = |words: &[&str]| Value::list(words.iter().map(Value::string));
    assert_eq!(call(&world, "has_args", &[list(&["--", "--after"])]), "true");
    assert_eq!(call(&world, "has_args", &[list(&["--after", "--"])]), "false");
    let cut = self::world(|proc| {
        proc.arguments = Fact::Known(Arguments { truncated: true, ..words(&["a", "-v", "-p=1", "-c"]) });
    });
    assert_eq!(call(&cut, "flag", &[Value::string("-x")]), "?truncated");
    assert_eq!(call(&cut, "flag", &[Value::string("-v")]), "true");
    assert_eq!(
        call(&cut, "flag", &[Value::string("-c")]),
        "?truncated",
        "it may be the beginning of `-cold`"
    );
    assert_eq!(call(&cut, "arg", &[Value::string("-p")]), "?truncated", "the last one counts");
    let title = self::world(|proc| proc.arguments = Fact::Known(words(&["a: title"])));
    assert_eq!(call(&title, "arg", &[Value::string("--port")]), "?unresolved");
}

#[test]
fn functions_answer() {
    let mut world = plain();
    world.add("/run/app.pid", Fact::Known(bytes("600"))).mtime = 999_999_000_000_000;
    world.locks.insert("/run/app.pid".into(), 600);
    let path = |text: &str| Value::path(text);
    let user = Value::from(User(Uid(33)));
    let adm = ProcessVocabulary::new(&world).convert(&Value::string("adm"), GROUP).known().unwrap();
    for (name, arguments, expected) in [
        ("interpreter", vec![path("/srv/a.py")], "/usr/bin/python3.11"),
        ("interpreter", vec![path("/usr/bin/perl")], "/usr/bin/perl"),
        ("interpreter", vec![path("/srv/none")], "?unresolved"),
        ("runs", vec![path("/srv/a.py")], "true"),
        ("runs", vec![path("/srv/e.py")], "false"),
        ("parent_runs", vec![path("/usr/bin/selfsame")], "true"),
        ("any_ancestor_runs", vec![path("/usr/sbin/init")], "true"),
        ("pidfile", vec![path("/run/app.pid"), Value::Bool(false)], "true"),
        ("pidfile", vec![path("/run/app.pid"), Value::Bool(true)], "true"),
        ("pidfile", vec![path("/run/none.pid"), Value::Bool(false)], "false"),
        ("env", vec![Value::string("APP_ENV")], "prod"),
        ("env", vec![Value::string("NONE")], "-"),
        ("opt_env", vec![Value::string("APP_ENV")], "prod"),
        ("opt_env", vec![Value::string("NONE")], "-"),
        ("file", vec![path("/bin/sh")], "/usr/bin/dash"),
        ("file", vec![path("/none")], "-"),
        ("realpath", vec![path("/bin/sh")], "/usr/bin/dash"),
        ("realpath", vec![path("/none")], "-"),
        ("same_file", vec![path("/bin/sh"), path("/usr/bin/dash")], "true"),
        ("same_file", vec![path("/bin/sh"), path("/usr/bin/bash")], "false"),
        ("same_file", vec![path("/none"), path("/none")], "false"),
        ("in_group", vec![user.clone(), adm.clone()], "true"),
        ("in_group", vec![Value::from(User(Uid(1000))), adm], "false"),
        ("uid", vec![Value::string("www-data")], "33"),
        ("uid", vec![Value::string("nobody-here")], "-"),
        ("now", vec![], "@1000000"),
        ("boot", vec![], "@900000"),
    ] {
        assert_eq!(call(&world, name, &arguments), expected, "{name} {arguments:?}");
    }
    world.locks.insert("/run/app.pid".into(), 50);
    assert_eq!(call(&world, "pidfile", &[path("/run/app.pid"), Value::Bool(true)]), "false");
}

#[test]
fn values_compare_by_what_they_are() {
    let world = plain();
    let vocabulary = ProcessVocabulary::new(&world);
    let me = candidate(Pid(600));
    let get = |name| vocabulary.field(&me, index(PROCESS, name)).known().unwrap();
    let to = |text: &str, ty| vocabulary.convert(&Value::string(text), ty).known().unwrap();
    let user = |uid| Value::from(User(Uid(uid)));
    for (left, operation, right, expected) in [
        (get("user"), Equal, to("www-data", USER), true),
        (get("user"), Equal, to("root", USER), false),
        (get("user"), Equal, Value::Int(33), true),
        (user(33), Less, user(1000), true),
        (get("group"), Equal, to("www-data", GROUP), true),
        (get("tty"), Equal, to("pts/3", TTY), true),
        (get("tty"), Equal, to("/dev/pts/3", TTY), true),
        (get("tty"), Equal, to("pts/33", TTY), false),
        (get("exe"), Equal, Value::path("/usr/bin/python3"), true),
        (get("exe"), Equal, Value::path("/usr/bin/perl"), false),
        (get("exe"), Equal, get("script"), false),
        (get("exe"), Under, Value::path("/usr"), true),
        (get("exe"), Under, Value::path("/us"), false),
        (get("cwd"), Under, Value::path("/srv"), true),
        (get("script"), Equal, Value::path("/srv/a.py"), true),
        (get("ns.pid"), Equal, get("self.ns.pid"), true),
        (get("ns.pid"), Equal, get("ns.mnt"), false),
        (get("parent"), Equal, get("session_leader"), true),
    ] {
        assert_eq!(
            vocabulary.compare(&me, operation, &left, &right),
            Fact::Known(expected),
            "{left:?} {operation:?} {right:?}"
        );
    }
    assert_eq!(show(&vocabulary.text(&get("user")).known().unwrap()), "www-data");
    assert_eq!(show(&vocabulary.text(&user(4711)).known().unwrap()), "4711");
    assert_eq!(show(&vocabulary.text(&get("exe")).known().unwrap()), "/usr/bin/python3.11");
    assert!(matches!(vocabulary.convert(&Value::string("nobody-here"), USER), Fact::Absent));
}

#[test]
fn notes_tell_of_stale_images_recycled_numbers_and_near_misses() {
    let mut world = plain();
    world.elf("/usr/bin/python3.11");
    let me = candidate(Pid(600));
    let vocabulary = ProcessVocabulary::new(&world).explaining();
    let exe = vocabulary.field(&me, index(PROCESS, "exe")).known().unwrap();
    assert_eq!(
        vocabulary.compare(&me, Operation::Equal, &exe, &Value::path("/usr/bin/python3")),
        Fact::Known(false)
    );
    assert!(vocabulary.take_notes().iter().any(|note| note.starts_with("near miss: ")));
    assert!(vocabulary.take_notes().is_empty());
    let proc = world.procs.get_mut(&600).unwrap();
    proc.exe_text = Fact::Known(bytes("/usr/bin/python3.11 (deleted)"));
    if let Fact::Known(exe) = &mut proc.exe {
        exe.nlink = 0;
    }
    world.add("/run/app.pid", Fact::Known(bytes("600"))).mtime = 0;
    let vocabulary = ProcessVocabulary::new(&world);
    assert_eq!(
        vocabulary.compare(&me, Operation::Equal, &exe, &Value::path("/usr/bin/python3")),
        Fact::Known(true)
    );
    let at = declare::declarations().functions.iter().position(|f| f.name == "pidfile").unwrap();
    let named = vocabulary.call(&me, at, &[Value::path("/run/app.pid"), Value::Bool(false)]);
    assert_eq!(fact(named), "false");
    let notes = vocabulary.take_notes();
    assert!(notes.iter().any(|note| note.starts_with("stale: ")), "{notes:?}");
    assert!(notes.iter().any(|note| note.starts_with("recycled pid: ")), "{notes:?}");
}

#[test]
fn terminals_have_names() {
    for (number, expected) in [
        (0, None),
        (0x8800, Some("pts/0")),
        (0x0401, Some("tty1")),
        (0x0440, Some("ttyS0")),
        (0x0501, Some("console")),
    ] {
        assert_eq!(Tty::from_number(number).map(|tty| tty.0).as_deref(), expected);
    }
}
