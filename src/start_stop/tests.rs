//! Criteria and the expression that is shown for them say the same, of any process in any state of knowledge.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::criteria::{Criteria, Exec, Executable, Facts as _};
use super::in_world::InWorld;
use crate::diagnostic::Source;
use crate::facts::Fact;
use crate::lang::{Verdict, Vocabularies};
use crate::process::expression::compile_expression;
use crate::process::identity::Ternary;
use crate::process::snapshot::Snapshot;
use crate::process::world::World as _;
use crate::process::{ProcessVocabulary, candidate};
use crate::units::{Pid, Uid};

const HOST: &str = "\
host:
  now: 2026-03-01T12:00:00Z
  boot: 2026-03-01T09:00:00Z
  ticksPerSecond: 100
  self: 90
  ns: {pid: 4026531836, mnt: 4026531841}
  files:
    /usr/bin/a: {id: [1, 101], elf: true}
    /usr/bin/b: {id: [1, 102], elf: true}
    /usr/bin/link: {link: a}
    /usr/bin/secret: {unreadable: denied}
  users: {root: 0, www-data: 33}
processes:
";

/// Lines about one process, a choice for each fact: said, missing, unreadable.
fn process(pid: i32) -> impl Strategy<Value = String> {
    let exe = prop::sample::select(vec![
        "    exe: {path: /usr/bin/a, id: [1, 101], nlink: 1}\n",
        "    exe: {path: /usr/bin/b, id: [1, 102], nlink: 1}\n",
        "    exe: {path: /usr/bin/a, id: [1, 77], nlink: 0}\n",
        "    exe: {path: /usr/bin/gone, id: [1, 78], nlink: 0}\n",
        "",
    ]);
    let root = prop::sample::select(vec!["    root: same\n", "    root: {path: /, id: [9, 2]}\n", ""]);
    let state = prop::sample::select(vec![
        "    state: sleeping\n",
        "    state: zombie\n",
        "    state: zombie\n    tasks: [{tid: 709, state: sleeping}]\n",
        "    state: zombie\n    tasks: [{tid: 709, state: zombie}]\n",
        "",
    ]);
    let comm = prop::sample::select(vec!["    comm: a\n", "    comm: \"b c\"\n", ""]);
    let user = prop::sample::select(vec!["    user: root\n", "    user: www-data\n", "    user: 33\n", ""]);
    let parent = prop::sample::select(vec!["    ppid: 1\n", "    ppid: 600\n", "    ppid: 0\n", ""]);
    let unreadable = prop::sample::subsequence(vec!["exe", "root", "comm", "stat", "user", "tasks"], 0..=3);
    let reason = prop::sample::select(vec!["denied", "vanished", "timeout"]);
    (exe, root, state, comm, user, parent, unreadable, reason).prop_map(
        move |(exe, root, state, comm, user, parent, unreadable, reason)| {
            let mut text = format!("  - pid: {pid}\n{exe}{root}{state}{comm}{user}{parent}");
            if !unreadable.is_empty() {
                let list: Vec<String> = unreadable.iter().map(|name| format!("{name}: {reason}")).collect();
                let _ = writeln!(text, "    unreadable: {{{}}}", list.join(", "));
            }
            text
        },
    )
}

fn criteria() -> impl Strategy<Value = Criteria> {
    let path = prop::sample::select(vec![
        "/usr/bin/a",
        "/usr/bin/link",
        "/usr/bin/b",
        "/usr/bin/gone",
        "/usr/bin/secret",
    ]);
    let exec = prop::option::of(
        path.prop_map(|path| Exec::Image(Executable { path: path.into(), identity: (0, 0) })),
    );
    let name = prop::option::of(
        prop::sample::select(vec!["a", "b c", "a\"\\b", ""]).prop_map(|name| name.as_bytes().to_vec()),
    );
    let user =
        prop::sample::select(vec![(0, "root"), (33, "www-data"), (33, "33"), (4_294_967_295, "4294967295")])
            .prop_map(|(uid, given)| (Uid(uid), given.as_bytes().to_vec()));
    let parent = prop::option::of(prop::sample::select(vec![Pid(1), Pid(600), Pid(7)]));
    let pid = prop::option::of(prop::sample::select(vec![Pid(600), Pid(601)]));
    (exec, name, prop::option::of(user), parent, pid).prop_map(|(exec, name, user, parent, pid)| Criteria {
        exec,
        name,
        user,
        parent,
        pid,
        expression: None,
        zombies: false,
    })
}

/// What the language says.
fn by_language(criteria: &Criteria, snapshot: &Snapshot, pid: Pid) -> Ternary {
    let text = criteria.expression();
    let compiled = compile_expression(&text);
    let predicate = compiled.predicate.unwrap_or_else(|| panic!("`{text}`: {:?}", compiled.diagnostics));
    let vocabulary = ProcessVocabulary::new(snapshot);
    let facts = Vocabularies(vec![&vocabulary]);
    let matcher = predicate.bind(&BTreeMap::new(), &facts).matcher;
    match matcher.eval(&candidate(pid), &facts) {
        Verdict::Match => Ternary::True,
        Verdict::NoMatch => Ternary::False,
        Verdict::Unknown(missing) => {
            Ternary::Unknown(missing.into_iter().map(|missing| missing.reason).collect())
        }
    }
}

fn kind(answer: &Ternary) -> &'static str {
    match answer {
        Ternary::True => "true",
        Ternary::False => "false",
        Ternary::Unknown(_) => "unknown",
    }
}

proptest! {
    #![proptest_config(crate::regressions::cases(600))]

    #[test]
    fn criteria_hold_where_their_expression_does(
        first in process(600),
        second in process(601),
        criteria in criteria(),
    ) {
        let text = format!("{HOST}{first}{second}");
        let snapshot = Snapshot::parse(&Source::new("host.yaml", text.clone()))
            .unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
        for pid in [Pid(600), Pid(601)] {
            let ours = criteria.holds(&InWorld(&snapshot), pid);
            let theirs = by_language(&criteria, &snapshot, pid);
            prop_assert_eq!(kind(&ours), kind(&theirs), "{} of {}\n{}", criteria.expression(), pid, text);
        }
    }
}

#[test]
fn all_three_answers_come_up() {
    // The property would hold of a world in which everything is false as well.
    let text = format!(
        "{HOST}  - pid: 600\n    exe: {{path: /usr/bin/a, id: [1, 101], nlink: 1}}\n    unreadable: {{user: denied}}\n"
    );
    let snapshot = Snapshot::parse(&Source::new("host.yaml", text)).unwrap();
    let exec = |path: &str| Some(Exec::Image(Executable { path: path.into(), identity: (0, 0) }));
    let user = Some((Uid(33), b"www-data".to_vec()));
    for (criteria, expected) in [
        (Criteria { exec: exec("/usr/bin/a"), ..Criteria::default() }, "true"),
        (Criteria { exec: exec("/usr/bin/b"), ..Criteria::default() }, "false"),
        (Criteria { exec: exec("/usr/bin/a"), user: user.clone(), ..Criteria::default() }, "unknown"),
        (Criteria { exec: exec("/usr/bin/b"), user, ..Criteria::default() }, "false"),
    ] {
        assert_eq!(
            kind(&criteria.holds(&InWorld(&snapshot), Pid(600))),
            expected,
            "{}",
            criteria.expression()
        );
    }
    assert_eq!(InWorld(&snapshot).comm(Pid(600)), snapshot.comm(Pid(600)));
    assert!(matches!(InWorld(&snapshot).owner(Pid(600)), Fact::Unknown(_)));
}

#[test]
fn criteria_are_shown_as_expressions() {
    let mut criteria = Criteria {
        exec: Some(Exec::Image(Executable { path: b"/usr/sbin/daemon".to_vec(), identity: (1, 2) })),
        user: Some((Uid(33), b"www-data".to_vec())),
        ..Criteria::default()
    };
    assert_eq!(criteria.expression(), r#"exe == "/usr/sbin/daemon" && user == "www-data""#);
    criteria.exec = Some(Exec::Script(b"/srv/a.py".to_vec()));
    criteria.user = Some((Uid(33), b"33".to_vec()));
    assert_eq!(criteria.expression(), r#"runs("/srv/a.py") && user == 33"#);
    let criteria = Criteria {
        name: Some(b"a b".to_vec()),
        parent: Some(Pid(1)),
        pid: Some(Pid(7)),
        expression: Some("age > 1h || rss > 1GiB".into()),
        ..Criteria::default()
    };
    assert_eq!(
        criteria.expression(),
        r#"comm == "a b" && ppid == 1 && pid == 7 && (age > 1h || rss > 1GiB) && alive"#
    );
    assert_eq!(Criteria { zombies: true, ..Criteria::default() }.expression(), "");
}
