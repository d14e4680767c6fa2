//! What is written answers as what it was written from.

use super::{HOST, parse};
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
        format!("self {:?}", world.self_pid()),
    ];
    all.extend(KINDS.map(|kind| format!("own {kind:?} {:?}", world.own_namespace(kind))));
    for path in listed.host.files.paths() {
        let shown = String::from_utf8_lossy(path);
        all.push(format!("file {shown} {:?}", world.file(Root::Engine, path)));
        all.push(format!("head {shown} {:?}", world.head(Root::Engine, path)));
        all.push(format!("lock {shown} {:?}", world.lock_holder(path)));
    }
    for (name, id) in [("root", 0), ("www-data", 33)] {
        all.push(format!("user {:?} {:?}", world.user_id(name), world.user_name(Uid(id))));
        all.push(format!("group {:?} {:?}", world.group_id(name), world.group_name(Gid(id))));
        all.push(format!("groups {:?}", world.groups_of(Uid(id))));
    }
    for pid in listed.processes.keys() {
        all.extend(answers_of(world, *pid).into_iter().map(|answer| format!("{pid} {answer}")));
        for field in ["user", "group", "nice", "rss", "state", "caps.eff", "ruser", "age", "cpu_time", "swap"] {
            all.push(format!("{pid} gap {field} {:?}", world.gap(*pid, field)));
        }
    }
    all.iter().map(|answer| without_detail(answer)).collect()
}

fn everything(snapshot: &Snapshot) -> WriteOptions {
    let files = snapshot.host.files.paths().map(|path| path.as_slice().into()).collect();
    let env_keys = ["APP_ENV", "SECRET", "A", "B", "C"].map(str::to_owned).to_vec();
    WriteOptions { env_keys, files }
}

#[track_caller]
fn check(text: &str) {
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
    let options = WriteOptions { env_keys: vec!["APP_ENV".into()], files: Vec::new() };
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
