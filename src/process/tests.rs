//! Expressions of the language over processes, from text to verdict.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod adoption;
mod stories;

use std::collections::BTreeMap;
use std::sync::Arc;

use super::chain::Surroundings;
use super::objects::PROCESS;
use super::testing::{TestWorld, bytes, words};
use super::{ProcessVocabulary, candidate, declarations, lints};
use crate::facts::{CgroupLine, Fact, LimitPair, MagicLink, Why};
use crate::lang::value::{Type, Value};
use crate::lang::{Schema, Scope, Verdict, Vocabularies, compile};
use crate::units::{Gid, Pid, Uid};

fn schema() -> Schema {
    let mut schema = Schema::new(PROCESS);
    schema.add(declarations());
    schema
}

fn scope() -> Scope {
    let mut scope = Scope::default();
    scope.variables.insert("startas".into(), Type::Path);
    scope.variables.insert("args".into(), Type::List(Box::new(Type::String)));
    scope
}

#[test]
fn every_example_type_checks() {
    let schema = schema();
    let declarations = declarations();
    let fields = declarations.fields.iter().map(|field| (field.name, field.example));
    for (name, example) in fields.chain(declarations.functions.iter().map(|f| (f.name, f.example))) {
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
    let compiled = compile(text, &schema(), &scope());
    let Some(predicate) = compiled.predicate else { panic!("{text}: {:?}", compiled.diagnostics) };
    let vocabulary = ProcessVocabulary::new(world);
    let vocabularies = Vocabularies(vec![&vocabulary]);
    let bindings = BTreeMap::from([
        ("startas".to_owned(), Value::path("/srv/a.py")),
        ("args".to_owned(), Value::list(["--port", "80"].map(Value::string))),
    ]);
    match predicate.bind(&bindings, &vocabularies).matcher.eval(&candidate(Pid(600)), &vocabularies) {
        Verdict::Match => "match".into(),
        Verdict::NoMatch => "no".into(),
        Verdict::Unknown(missing) => format!("?{}", missing.first().unwrap().reason.why),
    }
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
    found.extend(lints::files(bound.matcher.root(), world, &Surroundings::default()));
    let codes: Vec<&str> = found.iter().map(|diagnostic| diagnostic.code.0).collect();
    codes.join(" ")
}

#[test]
fn lints_warn_of_what_is_rarely_meant() {
    let mut world = world();
    world.script("/srv/run.sh", "#!/bin/sh\nset -e\nexec python3 /srv/a.py \"$@\"\n");
    world.script("/srv/redirect.sh", "#!/bin/sh\nexec >/dev/null 2>&1\nexec 3<x\nsleep 1\n");
    world.script("/srv/plain.sh", "#!/bin/sh\n").mode = 0o644;
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
        ("runs(\"/usr/bin/httpd\")", ""),
        ("runs(startas)", "W112"),
        ("runs(\"/srv/redirect.sh\")", ""),
        ("runs(\"/srv/plain.sh\")", "W113"),
        ("runs(\"/srv/none\")", "W113"),
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
        ("runs(startas)", vec![], vec![("W105", false)], vec![]),
        ("exe == interpreter(startas) && runs(startas)", vec![], vec![], vec![]),
        (
            "exe == \"/x\" && comm == \"0123456789abcdef\"",
            vec![("W102", false)],
            vec![("W102", false)],
            vec![("W102", false)],
        ),
    ] {
        assert_eq!(
            shown(check_in_document(text, variables(), false, &Arc::default())),
            narrows,
            "match: {text}"
        );
        assert_eq!(
            shown(check_in_document(text, variables(), true, &Arc::default())),
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
