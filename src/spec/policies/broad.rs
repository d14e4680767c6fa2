//! S094: a Policy that would act on whatever there is.
//!
//! One mistaken `match` with `do: stop` takes a host down, so that a Policy which acts on processes that no Service here owns
//! (`dryRun: false`) has to say which ones it means. Two looks at its condition, each enough to refuse it: nothing in it that
//! tells one program from another; and, tried on processes that every host runs, it is true of several that have nothing in common.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use crate::diagnostic::{Diagnostic, Source};
use crate::lang::ast::CompareOp;
use crate::lang::ir::{Builtin, Kind, Node};
use crate::lang::{Predicate, Verdict};
use crate::plugin::{Look, in_order};
use crate::process::snapshot::Snapshot;
use crate::process::{ProcessVocabulary, candidate};
use crate::spec::decode::{Decoder, Object};
use crate::spec::policy::{Policy, PolicyAction};
use crate::spec::{Names, codes};
use crate::units::Pid;

/// So many unlike processes satisfy no condition that means one of them.
const UNLIKE_MAX: usize = 2;

/// What tells one program, or one person's processes, from others: fields of processes and of files.
const TELLING: [&str; 22] = [
    "exe",
    "name",
    "comm",
    "argv",
    "cmdline",
    "execfn",
    "script",
    "cgroup",
    "container",
    "managed_as",
    "env",
    "cwd",
    "root",
    "sockets",
    "files",
    "tty",
    "pid",
    "security_label",
    "path",
    "realpath",
    "ino",
    "pidfile",
];

/// The functions that do.
const TELLING_CALLS: [&str; 9] = [
    "runs",
    "arg",
    "flag",
    "has_args",
    "listens",
    "any_ancestor_runs",
    "parent_runs",
    "interpreter",
    "opt_env",
];

/// The fields that hold accounts.
const ACCOUNTS: [&str; 5] = ["user", "ruser", "suser", "fsuser", "login_user"];

/// Refuses one that is too broad for what it does, and warns of one that rests on what processes say of themselves.
pub(in crate::spec) fn check(
    object: &Object<'_>,
    policy: &Policy,
    (subject, when): (Option<&Predicate>, Option<&Predicate>),
    d: &mut Decoder<'_>,
) {
    let Some(action) = policy.actions.iter().find(|action| is_harmful(action)) else { return };
    let (Some(subject), Some(false)) = (subject, policy.dry_run) else { return };
    let at = object.key("match").unwrap_or_default();
    let word = action.word();
    if policy.selector.is_none() {
        let names = d.names.clone();
        let tells = identifies(subject.root()) || when.is_some_and(|when| identifies(when.root()));
        let met = alike(subject, when, &names);
        let why = if met.len() > UNLIKE_MAX {
            Some(format!("it is as true of `{}`", met.join("`, `")))
        } else if tells {
            None
        } else {
            Some("nothing in it tells one program from another".to_owned())
        };
        if let Some(why) = why {
            let message = format!("`spec.match` is too broad for `do: {word}` with `dryRun: false`: {why}");
            let said = Diagnostic::error(codes::BROAD_POLICY, message);
            let said = said.at(at, "").at(object.key("dryRun").unwrap_or_default(), "");
            d.say(said.help("say which program is meant: `name == \"miner\"`, `runs(\"/usr/bin/miner\")`, `exe under \"/tmp\"`"));
            return;
        }
    }
    let reported = subject.self_reported().filter(|_| when.is_none_or(|when| when.self_reported().is_some()));
    if let Some(said) = reported {
        let whole = object.node("match").map_or(at, |node| node.span);
        let said = said.map_spans(|_| whole);
        d.say(said.note(format!("`do: {word}` with `dryRun: false` happens to whoever looks like this")));
    }
}

fn is_harmful(action: &PolicyAction) -> bool {
    match action {
        PolicyAction::Signal(_)
        | PolicyAction::Stop
        | PolicyAction::Renice(_)
        | PolicyAction::SetLimit(_)
        | PolicyAction::Move(_) => true,
        // A command is its author's, and Services are restarted that are here to be restarted.
        PolicyAction::Report | PolicyAction::Exec(_) | PolicyAction::Restart => false,
    }
}

/// Whatever satisfies it is one of few programs, or of one person.
fn identifies(node: &Node) -> bool {
    match &node.bare().kind {
        Kind::And(operands) => operands.items.iter().any(identifies),
        Kind::Or(operands) => operands.items.iter().all(identifies),
        Kind::Compare { op, left, right, .. } => {
            is_bound(*op) && (tells(left) || tells(right) || is_of_person(*op, left, right))
        }
        Kind::Regex { text, .. } | Kind::Glob { text, .. } | Kind::MatchesAny { text, .. } => tells(text),
        Kind::Member { value, .. } => tells(value),
        Kind::Call { function, .. } => TELLING_CALLS.contains(&function.name.as_ref()),
        Kind::Quantifier { list, body, .. } => tells(list) || identifies(body),
        _ => false,
    }
}

/// Comparisons that few values satisfy. An order is none of them: `pid > 0`.
fn is_bound(op: CompareOp) -> bool {
    match op {
        CompareOp::Equal
        | CompareOp::Matches
        | CompareOp::Like
        | CompareOp::In
        | CompareOp::Contains
        | CompareOp::StartsWith
        | CompareOp::EndsWith
        | CompareOp::Under => true,
        CompareOp::NotEqual
        | CompareOp::NotMatches
        | CompareOp::NotIn
        | CompareOp::Less
        | CompareOp::LessEqual
        | CompareOp::Greater
        | CompareOp::GreaterEqual => false,
    }
}

/// Whether a value belongs to few processes. `exe.deleted` doesn't, though `exe` does.
fn tells(node: &Node) -> bool {
    match &node.bare().kind {
        Kind::Field { field, .. } | Kind::Entry { field, .. } => TELLING.contains(&field.name.as_ref()),
        Kind::Call { function, .. } => TELLING_CALLS.contains(&function.name.as_ref()),
        Kind::Index { list: inner, .. }
        | Kind::Default { value: inner, .. }
        | Kind::ToPath(inner)
        | Kind::Text { value: inner, .. } => tells(inner),
        Kind::Builtin(Builtin::Lower | Builtin::Upper | Builtin::Basename | Builtin::Dirname, arguments) => {
            arguments.iter().any(tells)
        }
        _ => false,
    }
}

/// `user == "ann"`: processes of one account, and not of the one that runs everything.
fn is_of_person(op: CompareOp, left: &Node, right: &Node) -> bool {
    let is_account = |node: &Node| matches!(&node.bare().kind, Kind::Field { field, .. } if ACCOUNTS.contains(&field.name.as_ref()));
    if !matches!(op, CompareOp::Equal | CompareOp::In) || !is_account(left) {
        return false;
    }
    let mut root = false;
    let mut named = false;
    right.walk(&mut |inner| {
        if let Kind::Const(value) = &inner.kind {
            named = true;
            let text = crate::lang::show(value);
            root |= ["0", "\"root\"", "\"0\""].contains(&text.as_str()) || text.contains("\"root\"");
        }
    });
    named && !root
}

/// What every host runs and no Policy means together. `@` stands for what all of them have in common.
const EVERYWHERE: &str = r#"
host:
  users: {root: 0, messagebus: 101, syslog: 104, ann: 1000}
  files:
    /: {kind: directory, id: [1, 1]}
    /usr/lib/systemd/systemd: {id: [1, 10], elf: true}
    /usr/sbin/sshd: {id: [1, 11], elf: true}
    /sbin/init: {link: /usr/lib/systemd/systemd}
    /lib/systemd/systemd: {link: /usr/lib/systemd/systemd}
processes:
- {pid: 1, ppid: 0, comm: systemd, exe: {path: /usr/lib/systemd/systemd, id: [1, 10]}, argv: [/sbin/init], user: root, @}
- {pid: 2, ppid: 0, comm: kthreadd, kernelThread: true, user: root, state: sleeping}
- {pid: 300, ppid: 1, comm: systemd-journal, exe: /usr/lib/systemd/systemd-journald, argv: [/lib/systemd/systemd-journald], user: root, @}
- {pid: 600, ppid: 1, comm: sshd, exe: {path: /usr/sbin/sshd, id: [1, 11]}, argv: ["sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups"], user: root, @}
- {pid: 610, ppid: 1, comm: cron, exe: /usr/sbin/cron, argv: [/usr/sbin/cron, -f], user: root, @}
- {pid: 620, ppid: 1, comm: dbus-daemon, exe: /usr/bin/dbus-daemon, argv: [/usr/bin/dbus-daemon, --system], user: messagebus, @}
- {pid: 630, ppid: 1, comm: rsyslogd, exe: /usr/sbin/rsyslogd, argv: [/usr/sbin/rsyslogd, -n], user: syslog, @}
- {pid: 640, ppid: 1, comm: agetty, exe: /usr/sbin/agetty, argv: [/sbin/agetty, tty1], user: root, @}
- {pid: 650, ppid: 1, comm: unattended-upgr, exe: /usr/bin/python3.11, argv: [/usr/bin/python3, /usr/share/unattended-upgrades/unattended-upgrade-shutdown], user: root, @}
- {pid: 700, ppid: 600, comm: bash, exe: /usr/bin/bash, argv: [-bash], user: root, state: sleeping}
- {pid: 800, ppid: 600, comm: bash, exe: /usr/bin/bash, argv: [-bash], user: ann, state: sleeping}
"#;

/// What services have in common, and so tells none of them from another, whatever a condition says of it.
const COMMON: &str = r#"state: sleeping, cwd: /, root: same, tty: none, cgroup: /system.slice/any.service, securityLabel: unconfined, env: {LANG: C.UTF-8, PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin"}"#;

/// One process of each of these; two shells are one program.
const UNLIKE: [(i32, &str); 10] = [
    (1, "systemd"),
    (2, "kthreadd"),
    (300, "systemd-journald"),
    (600, "sshd"),
    (610, "cron"),
    (620, "dbus-daemon"),
    (630, "rsyslogd"),
    (640, "agetty"),
    (650, "python3"),
    (700, "bash"),
];

/// The host that runs them.
fn everywhere() -> std::sync::Arc<Source> {
    Source::new("everywhere", EVERYWHERE.replace('@', COMMON))
}

/// Those of them that satisfy the condition.
fn alike(subject: &Predicate, when: Option<&Predicate>, names: &Names) -> Vec<&'static str> {
    static HOST: LazyLock<Option<Snapshot>> = LazyLock::new(|| Snapshot::parse(&everywhere()).ok());
    let Some(host) = &*HOST else { return Vec::new() };
    let vocabulary = ProcessVocabulary::new(host);
    let plugins = names.plugins();
    let answer = plugins.vocabularies(&vocabulary, host, &Look::default());
    let facts = in_order(&vocabulary, &answer);
    let bind = |predicate: &Predicate| predicate.bind(&BTreeMap::new(), &facts).matcher;
    let (subject, when) = (bind(subject), when.map(bind));
    let satisfies = |pid: i32| {
        let process = candidate(Pid(pid));
        subject.eval(&process, &facts) == Verdict::Match
            && when.as_ref().is_none_or(|when| when.eval(&process, &facts) != Verdict::NoMatch)
    };
    UNLIKE.iter().filter(|(pid, _)| satisfies(*pid)).map(|(_, name)| *name).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::process::expression::compile_expression;

    fn judged(text: &str) -> (bool, usize) {
        let predicate = compile_expression(text).predicate.unwrap();
        (identifies(predicate.root()), alike(&predicate, None, &Names::default()).len())
    }

    #[test]
    fn the_processes_of_every_host_are_stated_without_a_mistake() {
        let host = Snapshot::parse(&everywhere()).unwrap();
        let pids = crate::process::world::World::pids(&host).known().unwrap();
        assert!(UNLIKE.iter().all(|(pid, _)| pids.contains(&Pid(*pid))), "{pids:?}");
    }

    #[test]
    fn what_means_everything_is_told_from_what_means_something() {
        let broad = |(tells, alike): (bool, usize)| !tells || alike > UNLIKE_MAX;
        for text in [
            r#"user == "root""#,
            "user == 0",
            "true",
            "pid > 0",
            "pid > 1",
            "alive",
            "ppid == 1",
            "rss > 1GiB",
            r#"user == "root" && age > 1h"#,
            r#"exe under "/usr""#,
            r#"name =~ ".""#,
            r#"comm like "*""#,
            r#"name != "cron""#,
            r#"name == "cron" || user == "root""#,
            r#"user in ["root", "ann"]"#,
            "!kernel_thread",
            "exe.deleted",
            "len(argv) > 3",
            "has(exe)",
            // What all services have: these were taken for something that tells programs apart.
            r#"cwd == "/""#,
            r#"cwd under "/""#,
            r#"cgroup under "/""#,
            r#"cgroup under "/system.slice""#,
            r#"parent_runs("/sbin/init")"#,
            r#"any_ancestor_runs("/lib/systemd/systemd")"#,
            r#"any(ancestors, a => a.name == "systemd")"#,
            r#"env["LANG"] == "C.UTF-8""#,
            r#"env["PATH"] contains "/usr/bin""#,
            r#"security_label == "unconfined""#,
            r#"exe under "/usr/bin""#,
        ] {
            assert!(broad(judged(text)), "{text}: {:?}", judged(text));
        }
        for text in [
            r#"name == "xmrig""#,
            r#"name == "cron""#,
            r#"exe under "/tmp""#,
            r#"runs("/usr/bin/miner") && user == "root""#,
            r#"user == "ann""#,
            r#"user == "root" && arg("--port") == "80""#,
            r#"cgroup starts_with "/user.slice" && rss > 1GiB"#,
            r#"exe.path like "/tmp/*""#,
            r#"env["ROLE"] == "batch""#,
            r#"any(ancestors, a => a.name == "sshd")"#,
            r#"name in ["a", "b"] || comm starts_with "kworker/evil""#,
        ] {
            assert!(!broad(judged(text)), "{text}: {:?}", judged(text));
        }
    }
}
