//! What is written answers as what it was written from.

use super::{HOST, parse};
use crate::facts::{Counter, Fact, Trait};
use crate::process::snapshot::{Snapshot, WriteOptions, write};
use crate::process::world::{Namespace, Root, World};
use crate::units::{Gid, Pid, Uid};

const KINDS: [Namespace; 8] = [
    Namespace::Pid,
    Namespace::Mnt,
    Namespace::Net,
    Namespace::User,
    Namespace::Uts,
    Namespace::Ipc,
    Namespace::Cgroup,
    Namespace::Time,
];

fn answers_of(world: &Snapshot, pid: Pid) -> Vec<String> {
    let mut all = vec![
        format!("owner {:?}", world.owner(pid)),
        format!("exe_file {:?}", world.exe_file(pid)),
        format!("exe_text {:?}", world.exe_text(pid)),
        format!("stat {:?}", world.stat(pid)),
        format!("comm {:?}", world.comm(pid)),
        format!("status {:?}", world.status(pid)),
        format!("arguments {:?}", world.arguments(pid)),
        format!("environ {:?}", world.environ(pid)),
        format!("execfn {:?}", world.execfn(pid)),
        format!("cwd {:?}", world.cwd(pid)),
        format!("root {:?}", world.root(pid)),
        format!("cgroups {:?}", world.cgroups(pid)),
        format!("login {:?}", world.login_uid(pid)),
        format!("oom {:?} {:?}", world.oom_score(pid), world.oom_score_adj(pid)),
        format!("io {:?}", world.io(pid)),
        format!("fds {:?}", world.fd_count(pid)),
        format!("rates {:?}", Counter::ALL.map(|counter| world.pace(pid, counter))),
        format!("changed {:?}", Trait::ALL.map(|of| world.changed(pid, of))),
        format!("memory {:?}", world.memory_use(pid)),
        format!("files {:?}", world.files(pid)),
        format!("sockets {:?}", world.sockets(pid)),
        format!("listens {:?}", world.listens(pid)),
        format!("container {:?}", world.container(pid)),
        format!("label {:?}", world.security_label(pid)),
        format!("tasks {:?}", world.tasks(pid)),
        format!("managed {:?}", world.managed_as(pid)),
    ];
    all.extend(KINDS.map(|kind| format!("ns {kind:?} {:?}", world.namespace(pid, kind))));
    all.extend(["nofile", "core", "stack"].map(|name| format!("limit {name} {:?}", world.limit(pid, name))));
    all
}

/// Reasons name the fact that the reader looked at: only why matters here.
fn without_detail(answer: &str) -> String {
    let mut parts = answer.split("detail: ");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
    }
    text
}

/// Every answer of a world to everything that can be asked about what another one lists.
fn answers(world: &Snapshot, listed: &Snapshot) -> Vec<String> {
    let mut all = vec![
        format!("boot {:?}", world.boot_id()),
        format!("pids {:?}", world.pids()),
        format!("binfmt {:?}", world.binfmt()),
        format!("path {:?}", world.default_path()),
        format!("clock {:?} {:?} {}", world.now(), world.uptime(), world.ticks_per_second()),
        format!("self {:?} memory {:?}", world.self_pid(), world.memory_total()),
    ];
    all.extend(KINDS.map(|kind| format!("own {kind:?} {:?}", world.own_namespace(kind))));
    for path in listed.host.files.paths() {
        let shown = String::from_utf8_lossy(path);
        all.push(format!("file {shown} {:?}", world.file(Root::Engine, path)));
        all.push(format!("head {shown} {:?}", world.head(Root::Engine, path)));
        all.push(format!("lock {shown} {:?}", world.lock_holder(path)));
    }
    let owners = listed.processes.keys().filter_map(|pid| listed.owner(*pid).known());
    for (uid, gid) in owners.chain([(Uid(0), Gid(0))]) {
        all.push(format!("user {:?} {:?}", world.user_name(uid), world.groups_of(uid)));
        all.push(format!("group {:?}", world.group_name(gid)));
        if let Fact::Known(name) = listed.user_name(uid) {
            all.push(format!("ids {:?} {:?}", world.user_id(&name), world.group_id(&name)));
        }
    }
    for pid in listed.processes.keys() {
        all.extend(answers_of(world, *pid).into_iter().map(|answer| format!("{pid} {answer}")));
        for field in [
            "user", "group", "nice", "rss", "state", "caps.eff", "ruser", "age", "cpu_time", "swap", "pss",
            "uss",
        ] {
            all.push(format!("{pid} gap {field} {:?}", world.gap(*pid, field)));
        }
    }
    all.iter().map(|answer| without_detail(answer)).collect()
}

fn everything(snapshot: &Snapshot) -> WriteOptions {
    let files = snapshot.host.files.paths().map(|path| path.as_slice().into()).collect();
    let env_keys = ["APP_ENV", "SECRET", "A", "B", "C"].map(str::to_owned).to_vec();
    WriteOptions { env_keys, files, redact: false }
}

#[track_caller]
pub(super) fn check(text: &str) {
    let first = parse(text);
    let pids: Vec<Pid> = first.processes.keys().copied().collect();
    let written = write(&first, &pids, &everything(&first));
    let second = parse(&written);
    for (was, is) in answers(&first, &first).iter().zip(answers(&second, &first)) {
        assert_eq!(*was, is, "{text}\n{written}");
    }
}

#[test]
fn the_example_reads_back() {
    check(HOST);
}

#[test]
fn values_of_the_environment_are_redacted_unless_asked_for() {
    let world = parse(HOST);
    let options = WriteOptions { env_keys: vec!["APP_ENV".into()], files: Vec::new(), redact: false };
    let text = write(&world, &[Pid(600)], &options);
    assert!(text.contains("APP_ENV: prod") && text.contains("SECRET: \"<redacted>\""), "{text}");
    assert!(!text.contains("hush"), "{text}");
}

#[test]
fn the_files_of_a_script_are_written_without_being_asked_for() {
    let world = parse(HOST);
    let again = parse(&write(&world, &[Pid(600)], &WriteOptions::default()));
    for path in ["/srv/app/a.py", "/usr/bin/python3", "/usr/bin/python3.11"] {
        let path = path.as_bytes();
        assert_eq!(again.file(Root::Engine, path), world.file(Root::Engine, path));
        assert_eq!(again.head(Root::Engine, path), world.head(Root::Engine, path));
    }
}

/// It was written as one without files, in which `/` exists.
#[test]
fn a_root_of_which_nothing_is_known_stays_that() {
    let world = parse("processes: [{pid: 3, exe: /a, root: {path: /, id: [9, 2]}}]");
    let again = parse(&write(&world, &[Pid(3)], &WriteOptions::default()));
    for path in [&b"/"[..], b"/a"] {
        assert_eq!(again.file(Root::Of(Pid(3)), path), world.file(Root::Of(Pid(3)), path));
    }
}

mod generated {
    use proptest::prelude::*;

    /// A process with some of these keys.
    fn process() -> impl Strategy<Value = String> {
        let some = |key: &'static str, value: BoxedStrategy<String>| {
            proptest::option::of(value).prop_map(move |value| value.map(|value| format!("{key}: {value}")))
        };
        let word = "[a-z./ \\\\:#'{}é-]{1,12}".prop_map(|text| format!("{text:?}")).boxed();
        let hex = proptest::collection::vec("[0-9a-f]{2}", 0..6)
            .prop_map(|pairs| format!("\"{}\"", pairs.concat()));
        let number = (0u32..100_000).prop_map(|n| n.to_string()).boxed();
        let size = (0u64..1 << 40).prop_map(|n| format!("{n}B")).boxed();
        let path = prop::sample::select(vec!["/a", "/a/b", "/l", "/l/b", "/none", "\"/a/b (deleted)\""]);
        let states = vec!["running", "sleeping", "zombie", "disk", "dead", "idle", "stopped", "traced"];
        let whys = "(exe|cwd|comm|stat|status|ns|root|fds|user|tasks|files|sockets|listens|pss|container|cgroup): (denied|timeout|vanished|budget)";
        let port = "(, port: [0-9]{1,4})?(, ip: (10[.]0[.]0[.]1|\"::\"))?(, state: (listen|established))?";
        let socket = format!("\\{{proto: (tcp|udp|unix){port}(, path: /[a-z]{{1,4}})?\\}}");
        let sockets = proptest::string::string_regex(&format!("\\[({socket}(, {socket})?)?\\]"))
            .unwrap_or_else(|error| panic!("{error}"))
            .boxed();
        let group = prop::sample::select(vec![
            "{v2: /a.slice}",
            "{v2: /lxc/web}",
            "/docker/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        ]);
        let third = (
            some("sockets", sockets.clone()),
            some("listens", sockets),
            some("files", "\\[(/a/b|/l|\"/x [(]deleted[)]\")?\\]".boxed()),
            some("pss", size.clone()),
            some("uss", size.clone()),
            some("container", "[a-z]{1,8}".boxed()),
            some("cgroup", group.prop_map(str::to_owned).boxed()),
        );
        let first = (
            some("uid", number.clone()),
            some("startTicks", number.clone()),
            some("state", prop::sample::select(states).prop_map(str::to_owned).boxed()),
            some("execfn", word.clone()),
            some(
                "argvHex",
                proptest::collection::vec(hex, 0..4).prop_map(|w| format!("[{}]", w.join(", "))).boxed(),
            ),
            some("env", word.clone().prop_map(|value| format!("{{A: {value}, B: \"\"}}")).boxed()),
            some("io", size.clone().prop_map(|size| format!("{{writeBytes: {size}}}")).boxed()),
            some("swap", size.clone()),
        );
        let second = (
            some("exe", path.prop_map(str::to_owned).boxed()),
            some("rss", size),
            some("securityLabel", word),
            some("threads", number.clone()),
            some("managedAs", "[a-z]{1,8}".boxed()),
            some("signals", "[0-9a-f]{1,16}".prop_map(|set| format!("{{caught: 0x{set}}}")).boxed()),
            some(
                "root",
                prop::sample::select(vec!["same", "{path: /, id: [9, 2]}"]).prop_map(str::to_owned).boxed(),
            ),
            some("gid", number),
        );
        let unread =
            proptest::option::of(whys).prop_map(|why| why.map(|why| format!("unreadable: {{{why}}}")));
        (first, second, third, unread).prop_map(|(a, b, c, unread)| {
            let mut keys: Vec<String> =
                [a.0, a.1, a.2, a.3, a.4, a.5, a.6, a.7].into_iter().flatten().collect();
            keys.extend([b.0, b.1, b.2, b.3, b.4, b.5, b.6, b.7].into_iter().flatten());
            keys.extend([c.0, c.1, c.2, c.3, c.4, c.5, c.6].into_iter().flatten());
            // A fact is stated or unreadable, never both.
            let clash = |why: &String| {
                let key = why.trim_start_matches("unreadable: {").split(':').next().unwrap_or_default();
                keys.iter().any(|stated| stated.starts_with(&format!("{key}:"))) || key == "user"
            };
            keys.extend(unread.filter(|why| !clash(why)));
            keys.iter().map(|key| format!("    {key}\n")).collect()
        })
    }

    proptest! {
        #![proptest_config(crate::regressions::cases(200))]

        #[test]
        fn generated_snapshots_read_back(
            processes in proptest::collection::vec(process(), 0..4),
            head in "[#!/a-z \n]{0,20}",
            link in "(\\.\\./)?(a|l|a/b|/a|/)",
            reason in "(denied|timeout|nss)",
        ) {
            let mut text = format!(
                "host:\n  uptime: 5h\n  files:\n    /a/b: {{id: [1, 1], head: {head:?}}}\n    /l: {{link: {link}}}\n    /u: {{unreadable: {reason}}}\n  roots: [{{id: [9, 2], files: {{/a/b: {{id: [9, 9]}}}}}}]\nprocesses:\n"
            );
            for (number, process) in processes.iter().enumerate() {
                text.push_str(&format!("  - pid: {}\n{process}", number + 1));
            }
            super::check(&text);
        }
    }
}
