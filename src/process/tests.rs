//! Expressions of the language over processes, from text to verdict.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod adoption;
mod stories;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chain::Surroundings;
use super::objects::PROCESS;
use super::testing::{TestWorld, bytes, regular, words};
use super::{ProcessVocabulary, candidate, declarations, lints};
use crate::facts::{
    CgroupLine, Fact, FileFacts, LimitPair, MagicLink, MemoryUse, OpenFile, Protocol, Socket, SocketState,
    Why,
};
use crate::lang::value::{Type, Value};
use crate::lang::{Schema, Scope, Verdict, Vocabularies, compile};
use crate::units::{Gid, Pid, Uid};

fn schema() -> Schema {
    let mut schema = Schema::new(PROCESS);
    schema.add(declarations());
    schema
}

fn scope() -> Scope {
    let variables = [("startas", Type::Path), ("args", Type::list(Type::String))];
    let variables: BTreeMap<_, _> = variables.into_iter().map(|(name, of)| (name.to_owned(), of)).collect();
    Scope::new(variables, &Arc::default())
}

#[test]
fn every_example_type_checks() {
    let schema = schema();
    let declarations = declarations();
    let fields = declarations.fields.iter().map(|field| (&field.name, &field.example));
    for (name, example) in fields.chain(declarations.functions.iter().map(|f| (&f.name, &f.example))) {
        let compiled = compile(example, &schema, &scope());
        assert!(compiled.predicate.is_some(), "{name}: {example}: {:?}", compiled.diagnostics);
    }
}

fn world() -> TestWorld {
    let mut world = TestWorld::new();
    let argv = ["/usr/bin/python3", "/srv/a.py", "--port", "80"];
    let proc = world.start_script(600, 50, "/usr/bin/python3.11", &argv, "/srv/a.py");
    proc.owner = Fact::Known((Uid(33), Gid(33)));
    proc.cwd = Fact::Known(MagicLink { text: bytes("/srv/app"), dev: 1, ino: 9 });
    proc.environ = Fact::Known(vec![bytes("APP_ENV=prod")]);
    proc.limits.insert("nofile".into(), LimitPair { soft: Some(1024), hard: None });
    proc.cgroups = Fact::Known(vec![
        CgroupLine { controllers: vec!["memory".into()], v2: false, path: bytes("/mem") },
        CgroupLine { controllers: vec![], v2: true, path: bytes("/system.slice/app.service") },
    ]);
    if let Fact::Known(status) = &mut proc.status {
        status.caps = [0, 0, 1 << 12, 0, 0];
        status.groups = vec![Gid(4)];
    }
    if let Fact::Known(stat) = &mut proc.stat {
        stat.rss = 64 << 20;
        stat.tty = 0x8803;
    }
    world
}

/// `match`, `no` or `?why`.
fn verdict(world: &TestWorld, text: &str) -> String {
    verdict_of(world, 600, text)
}

fn verdict_of(world: &TestWorld, pid: i32, text: &str) -> String {
    let compiled = compile(text, &schema(), &scope());
    let Some(predicate) = compiled.predicate else { panic!("{text}: {:?}", compiled.diagnostics) };
    let vocabulary = ProcessVocabulary::new(world);
    let vocabularies = Vocabularies(vec![&vocabulary]);
    let bindings = BTreeMap::from([
        ("startas".to_owned(), Value::path("/srv/a.py")),
        ("args".to_owned(), Value::list(["--port", "80"].map(Value::string))),
    ]);
    match predicate.bind(&bindings, &vocabularies).matcher.eval(&candidate(Pid(pid)), &vocabularies) {
        Verdict::Match => "match".into(),
        Verdict::NoMatch => "no".into(),
        Verdict::Unknown(missing) => format!("?{}", missing.first().unwrap().reason.why),
    }
}

/// A socket by its words: `tcp 0.0.0.0 80 listen`.
fn socket(protocol: Protocol, ip: &str, port: u16, state: SocketState) -> Socket {
    Socket {
        protocol: Some(protocol),
        ip: ip.parse().ok(),
        port: Some(port),
        state: Some(state),
        ..Socket::default()
    }
}

#[test]
fn expressions_over_sockets_files_and_memory() {
    let mut world = world();
    let proc = world.procs.get_mut(&600).unwrap();
    proc.sockets = Fact::Known(vec![
        socket(Protocol::Tcp, "::", 80, SocketState::Listen),
        socket(Protocol::Udp, "127.0.0.1", 53, SocketState::Unconnected),
        Socket {
            peer_ip: "10.1.2.3".parse().ok(),
            peer_port: Some(5432),
            ..socket(Protocol::Tcp, "10.0.0.1", 40000, SocketState::CloseWait)
        },
        Socket {
            protocol: Some(Protocol::Unix),
            state: Some(SocketState::Listen),
            path: Some(bytes("/run/app/a.sock")),
            ..Socket::default()
        },
    ]);
    let log = FileFacts { nlink: 0, ..regular("", 77) };
    proc.open = Fact::Known(vec![OpenFile { text: bytes("/var/log/a.log (deleted)"), facts: log }]);
    proc.memory = Fact::Known(MemoryUse { pss: 700 << 20, uss: 1 << 20 });
    for (text, expected) in [
        ("any(listens, s => s.port == 80)", "match"),
        ("any(listens, s => s.port == 40000)", "no"),
        ("any(listens, s => s.proto == udp && s.port == 53)", "match"),
        ("any(listens, s => s.ip == ::)", "match"),
        ("any(listens, s => s.ip in 127.0.0.0/8)", "match"),
        ("any(listens, s => s.path == \"/run/app/a.sock\")", "match"),
        ("any(listens, s => s.path under \"/run/app\")", "match"),
        ("all(listens, s => s.state in [listen, unconnected])", "match"),
        ("len(sockets) == 4 && len(listens) == 3", "match"),
        ("any(sockets, s => s.peer_port == 5432 && s.peer_ip in 10.0.0.0/8)", "match"),
        ("count(sockets, s => s.state == close_wait) > 1", "no"),
        ("none(listens, s => has(s.peer_ip))", "match"),
        ("any(files, f => f.deleted && f.path under \"/var/log\")", "match"),
        ("any(files, f => f like \"/var/log/*.log\")", "match"),
        ("any(files, f => f == \"/var/log/a.log\")", "no"),
        ("any(files, f => f.memfd)", "no"),
        ("pss > 500MiB && uss <= 1MiB", "match"),
        ("any(parent.listens, s => s.port == 80)", "no"),
        ("opt_env(\"NONE\") ?? \"x\" == \"x\"", "match"),
    ] {
        assert_eq!(verdict(&world, text), expected, "{text}");
    }
    world.procs.get_mut(&600).unwrap().sockets = Fact::unknown(Why::Denied);
    assert_eq!(verdict(&world, "any(listens, s => s.port == 80)"), "?denied");
    assert_eq!(verdict(&world, "none(sockets, s => s.port == 80)"), "?denied");
}

#[test]
fn ancestors_are_followed_so_far_and_no_further() {
    let mut world = TestWorld::new();
    // 1 has no parent; every other one is the child of the one before it.
    for pid in 600..665 {
        world.start(pid, if pid == 600 { 1 } else { pid - 1 }, "/usr/bin/dash", &["sh"]);
    }
    let asked = |pid: i32, text: &str| verdict_of(&world, pid, text);
    assert_eq!(asked(663, "len(ancestors) == 64 && any(ancestors, a => a.pid == 1)"), "match");
    // One more than that: whether init is among them must not be answered with no.
    assert_eq!(asked(664, "any(ancestors, a => a.pid == 1)"), "?truncated");
    assert_eq!(asked(664, "any_ancestor_runs(\"/usr/sbin/init\")"), "?truncated");
    assert_eq!(asked(664, "any_ancestor_runs(\"/usr/bin/dash\")"), "match");
    assert_eq!(super::tree::ancestors(&world, Pid(664)).known().map(|all| all.len()), Some(64));
}

#[test]
fn expressions_over_a_script() {
    let world = world();
    for (text, expected) in [
        ("exe == interpreter(startas) && user == \"www-data\"", "match"),
        ("exe == interpreter(startas) && user == \"root\"", "no"),
        ("exe == interpreter(\"/srv/t.pl\")", "no"),
        ("exe == interpreter(\"/srv/none\")", "?unresolved"),
        ("exe != interpreter(\"/srv/none\")", "?unresolved"),
        ("exe == \"/usr/bin/python3\"", "match"),
        ("exe == \"/bin/python3\"", "match"),
        ("exe.path == \"/usr/bin/python3\"", "no"),
        ("exe.path == realpath(\"/usr/bin/python3\")", "match"),
        ("exe in [\"/usr/bin/perl\", \"/usr/bin/python3\"]", "match"),
        ("exe under \"/usr\"", "match"),
        ("exe like \"/usr/bin/python*\"", "match"),
        ("!exe.deleted && exe.owner == \"root\"", "match"),
        ("runs(startas) && has_args(args)", "match"),
        ("runs(\"/srv/e.py\")", "no"),
        ("script == startas", "match"),
        ("user == 33 && group == \"www-data\"", "match"),
        ("user in [\"root\", \"www-data\"]", "match"),
        ("user >= 30", "match"),
        ("user in 30..=33", "match"),
        ("user in 30..33", "no"),
        ("user in ..=33", "match"),
        ("user in \"www-data\"..=40", "match"),
        ("user not in 1000..=1999", "match"),
        ("group in 33..", "match"),
        ("user =~ r\"^www-\"", "match"),
        ("in_group(user, \"adm\")", "match"),
        ("any(groups, g => g == \"adm\")", "match"),
        ("arg(\"--port\") == \"80\"", "match"),
        ("arg(\"--host\") ?? \"any\" == \"any\"", "match"),
        ("has(arg(\"--host\"))", "no"),
        ("env[\"APP_ENV\"] == \"prod\" && env(\"APP_ENV\") == \"prod\"", "match"),
        ("env[\"NONE\"] == \"x\"", "no"),
        ("env[\"NONE\"] != \"x\"", "match"),
        ("argv[1] == startas", "match"),
        ("argv[-1] == \"80\" && len(argv) == 4", "match"),
        ("state == sleeping", "match"),
        ("CAP_NET_ADMIN in caps.eff", "match"),
        ("CAP_KILL in caps.eff", "no"),
        ("tty == \"pts/3\"", "match"),
        ("cwd under \"/srv\"", "match"),
        ("cgroup under \"/system.slice\"", "match"),
        ("cgroup.v2 == \"/system.slice/app.service\"", "match"),
        ("cgroup[\"memory\"] == \"/mem\"", "match"),
        ("has(cgroup[\"pids\"])", "no"),
        ("limits[\"nofile\"].soft >= 1024 && limits[\"nofile\"].hard > 1_000_000", "match"),
        ("rss > 32MiB && rss < 1GiB", "match"),
        ("age > 1h && started < now()", "match"),
        ("started > boot()", "match"),
        ("ns.pid == self.ns.pid", "match"),
        ("parent_runs(\"/usr/bin/selfsame\")", "match"),
        ("parent.exe.path == \"/usr/bin/selfsame\"", "match"),
        ("any(ancestors, a => a.exe == \"/usr/sbin/init\")", "match"),
        ("one(ancestors, a => a.pid == ppid)", "match"),
        ("same_file(\"/bin/sh\", \"/usr/bin/dash\")", "match"),
        ("file(\"/bin/sh\").owner == \"root\"", "match"),
        ("has(file(\"/none\"))", "no"),
        ("pidfile(\"/run/none.pid\", locked: true)", "no"),
        ("user == uid(\"www-data\")", "match"),
        ("!self && !kernel_thread && alive", "match"),
        ("has(managed_as)", "no"),
    ] {
        assert_eq!(verdict(&world, text), expected, "{text}");
    }
}

#[test]
fn what_is_not_readable_is_never_a_match() {
    let mut world = world();
    let proc = world.procs.get_mut(&600).unwrap();
    proc.exe = Fact::unknown(Why::Denied);
    proc.arguments = Fact::unknown(Why::Timeout);
    for (text, expected) in [
        ("exe == \"/usr/bin/python3\"", "?denied"),
        ("exe != \"/usr/bin/python3\"", "?denied"),
        ("exe == \"/usr/bin/python3\" && user == \"root\"", "no"),
        ("exe == \"/usr/bin/python3\" || user == \"www-data\"", "match"),
        ("has(exe)", "?denied"),
        ("known(exe)", "no"),
        ("arg(\"--port\") == \"80\"", "?timeout"),
        ("script == startas", "?denied"),
    ] {
        assert_eq!(verdict(&world, text), expected, "{text}");
    }
    world.procs.get_mut(&600).unwrap().exe = Fact::Absent;
    world.procs.get_mut(&600).unwrap().arguments = Fact::Absent;
    for (text, expected) in [
        ("exe == \"/usr/bin/python3\"", "no"),
        ("exe != \"/usr/bin/python3\"", "match"),
        ("has(exe)", "no"),
        ("has(argv)", "no"),
        ("exe.path like \"/usr/**\"", "no"),
        ("runs(startas)", "no"),
    ] {
        assert_eq!(verdict(&world, text), expected, "{text}");
    }
    world.procs.get_mut(&600).unwrap().arguments = Fact::Known(words(&["a title"]));
    assert_eq!(verdict(&world, "has_args(args)"), "?unresolved");
}

/// Codes of the lints of an expression, in the order of the text.
fn lints(world: &TestWorld, text: &str) -> String {
    let compiled = compile(text, &schema(), &scope());
    let Some(predicate) = compiled.predicate else { panic!("{text}: {:?}", compiled.diagnostics) };
    let vocabulary = ProcessVocabulary::new(world);
    let bindings = BTreeMap::from([("startas".to_owned(), Value::path("/srv/run.sh"))]);
    let bound = predicate.bind(&bindings, &Vocabularies(vec![&vocabulary]));
    let mut found = lints::condition(predicate.root());
    found.extend(lints::interpreter_only(predicate.root()));
    found.extend(lints::files(bound.matcher.root(), world, &Surroundings::default(), false));
    found.extend(lints::images(bound.matcher.root(), world));
    let codes: Vec<&str> = found.iter().map(|diagnostic| diagnostic.code.0).collect();
    codes.join(" ")
}

#[test]
fn lints_warn_of_what_is_rarely_meant() {
    let mut world = world();
    world.script("/srv/run.sh", "#!/bin/sh\nset -e\nexec python3 /srv/a.py \"$@\"\n");
    world.script("/srv/redirect.sh", "#!/bin/sh\nexec >/dev/null 2>&1\nexec 3<x\nsleep 1\n");
    world.script("/srv/plain.sh", "#!/bin/sh\n").mode = 0o644;
    world.script("/srv/tcl", "#!/bin/sh\n# the next line restarts it \\\nexec tclsh8.6 \"$0\" \"$@\"\n");
    world.add("/usr/bin", Fact::Absent);
    for (text, expected) in [
        ("exe == interpreter(\"/srv/a.py\")", "W101"),
        ("exe == interpreter(\"/srv/a.py\") && user == \"root\"", "W101"),
        ("exe == interpreter(\"/srv/a.py\") && runs(\"/srv/a.py\")", ""),
        ("exe == interpreter(\"/srv/a.py\") && argv[1] == \"/srv/a.py\"", ""),
        ("exe == interpreter(\"/srv/a.py\") && script == \"/srv/a.py\"", ""),
        ("exe == \"/usr/bin/perl\"", ""),
        ("comm == \"prometheus-node-exporter\"", "W102"),
        ("comm != \"prometheus-node-exporter\"", "W102"),
        ("comm starts_with \"prometheus-node-\"", "W102"),
        ("comm in [\"a\", \"prometheus-node-exporter\"]", "W102"),
        ("comm == \"prometheus-node\"", ""),
        ("name == \"prometheus-node-exporter\"", ""),
        ("cmdline contains \"--port\"", "W103"),
        ("cmdline =~ r\"--port=\\d+\"", "W103"),
        ("cmdline like \"*x*\"", "W103"),
        ("exe == \"/usr/bin/httpd\"", "W111"),
        ("exe == \"/usr/bin/busybox\"", "W111"),
        ("exe == \"/srv/none\"", "W113"),
        ("exe == \"/srv/plain.sh\"", ""),
        ("runs(\"/usr/bin/httpd\")", ""),
        ("runs(startas)", "W112"),
        ("runs(\"/srv/redirect.sh\")", ""),
        ("runs(\"/srv/tcl\")", ""),
        ("runs(\"/srv/plain.sh\")", "W113"),
        ("runs(\"/srv/none\")", "W113"),
        ("exe under \"\"", "W133"),
        ("cgroup under \"system.slice\"", "W133"),
        ("exe under \"/usr/bin\"", ""),
        ("exe under \"/bin\"", "W133"),
        ("exe under \"/srv/none\"", ""),
    ] {
        assert_eq!(lints(&world, text), expected, "{text}");
    }
}

#[test]
fn identity_by_the_interpreter_alone_is_an_error_where_it_replaces_the_rule() {
    use super::expression::{check_in_document, compile_expression, variables};
    let shown = |found: Vec<crate::diagnostic::Diagnostic>| -> Vec<(&'static str, bool)> {
        found.iter().map(|diagnostic| (diagnostic.code.0, diagnostic.is_error())).collect()
    };
    for (text, narrows, replaces, alone) in [
        ("exe == interpreter(startas)", vec![], vec![("W101", true)], vec![("W101", false)]),
        ("comm == \"x\"", vec![], vec![("W105", false)], vec![]),
        ("runs(startas)", vec![], vec![], vec![]),
        ("parent_runs(startas)", vec![], vec![("W105", false)], vec![]),
        ("exe == interpreter(startas) && runs(startas)", vec![], vec![], vec![]),
        (
            "exe == \"/x\" && comm == \"0123456789abcdef\"",
            vec![("W102", false)],
            vec![("W102", false)],
            vec![("W102", false)],
        ),
    ] {
        assert_eq!(
            shown(check_in_document(text, variables(), false, &Arc::default()).diagnostics),
            narrows,
            "match: {text}"
        );
        assert_eq!(
            shown(check_in_document(text, variables(), true, &Arc::default()).diagnostics),
            replaces,
            "matchOnly: {text}"
        );
        assert_eq!(shown(compile_expression(text).diagnostics), alone, "alone: {text}");
    }
}

#[test]
fn explanations_show_names_and_paths() {
    let world = world();
    for (text, expected) in [
        ("exe == \"/x\"", "exe = /usr/bin/python3.11"),
        ("user == \"root\"", "user = \"www-data\""),
        ("cwd under \"/x\"", "cwd = /srv/app"),
        (
            "exe == interpreter(startas)",
            "exe = /usr/bin/python3.11; interpreter(startas) = /usr/bin/python3.11",
        ),
    ] {
        let predicate = compile(text, &schema(), &scope()).predicate.unwrap();
        let vocabulary = ProcessVocabulary::new(&world);
        let facts = Vocabularies(vec![&vocabulary]);
        let bindings = BTreeMap::from([("startas".to_owned(), Value::path("/srv/a.py"))]);
        let explanation = predicate.bind(&bindings, &facts).matcher.explain(&candidate(Pid(600)), &facts);
        let operands: Vec<String> =
            explanation.children.iter().map(|part| format!("{} = {}", part.text, part.value())).collect();
        assert_eq!(operands.join("; "), expected, "{text}");
    }
}

#[test]
fn codes_are_unique_across_the_floors() {
    let mut seen = std::collections::BTreeSet::new();
    for (code, _) in super::codes::ALL.iter().chain(crate::lang::codes::ALL) {
        assert!(seen.insert(code.0), "{}", code.0);
    }
}
