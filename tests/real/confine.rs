//! What a confined process sees and can do, read back by the process itself or from `/proc`.

use std::collections::BTreeSet;
use std::fs;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::Command;

use selfsame::host::spawn::spawn;
use selfsame::plan::action::{Ids, Launch, OutputTarget};
use selfsame::plan::exec::Confinement;
use selfsame::plan::memory::Exit;
use selfsame::units::{Capability, Gid, Uid};

use crate::support::{exit, launch, needs_root};

/// Runs a shell script confined, and gives back what it wrote.
#[track_caller]
fn says(script: &str, change: impl FnOnce(&mut Launch)) -> String {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("log");
    let mut launch = launch(&["/bin/sh", "-c", script]);
    launch.stdout = OutputTarget::File(log.clone());
    launch.stderr = OutputTarget::File(log.clone());
    launch.confinement.cover = dir.path().join("cover");
    change(&mut launch);
    let slot = tempfile::tempfile().unwrap();
    let spawned = spawn(&launch, Some(slot.as_fd())).unwrap();
    assert!(matches!(exit(&spawned), Exit::Code(_)));
    fs::read_to_string(&log).unwrap()
}

/// A row of `/proc/self/status` as the process sees it.
fn status(name: &str, change: impl FnOnce(&mut Launch)) -> String {
    let text = says(&format!("grep ^{name}: /proc/self/status"), change);
    text.split_whitespace().nth(1).unwrap_or_default().to_owned()
}

fn nobody() -> Option<Ids> {
    Some(Ids { uid: Uid(65534), gid: Gid(65534), groups: vec![] })
}

fn bits(capabilities: &[&str]) -> String {
    let all = capabilities.iter().fold(0, |all, name| all | Capability::parse(name).unwrap().bit());
    format!("{all:016x}")
}

fn set(capabilities: &[&str]) -> BTreeSet<Capability> {
    capabilities.iter().map(|name| Capability::parse(name).unwrap()).collect()
}

#[test]
fn no_new_privileges_is_set_where_it_is_asked_for() {
    assert_eq!(status("NoNewPrivs", |launch| launch.confinement.no_new_privileges = true), "1");
    assert_eq!(status("NoNewPrivs", |_| {}), "0");
}

#[test]
fn capabilities_are_those_that_were_asked_for() {
    if needs_root("capabilities") {
        return;
    }
    let bind = ["CAP_NET_BIND_SERVICE"];
    let ambient = |launch: &mut Launch| {
        launch.ids = nobody();
        launch.confinement.ambient = set(&bind);
        launch.confinement.no_new_privileges = true;
    };
    for name in ["CapEff", "CapPrm", "CapInh", "CapAmb"] {
        assert_eq!(status(name, ambient), bits(&bind), "{name}");
    }
    let bounded = |launch: &mut Launch| {
        launch.confinement.bounding = Some(set(&["CAP_CHOWN", "CAP_SETUID"]));
    };
    for name in ["CapBnd", "CapEff"] {
        assert_eq!(status(name, bounded), bits(&["CAP_CHOWN", "CAP_SETUID"]), "{name} of root");
    }
    let nothing = |launch: &mut Launch| {
        launch.ids = nobody();
        launch.confinement.bounding = Some(BTreeSet::new());
    };
    assert_eq!(status("CapBnd", nothing), bits(&[]));
    assert_ne!(status("CapBnd", |_| {}), bits(&[]), "the engine keeps its own");
}

#[test]
fn paths_are_read_only_or_not_seen_for_the_process_alone() {
    if needs_root("mounts") {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().canonicalize().unwrap().join(name);
    for name in ["fixed", "fixed/below", "hidden"] {
        fs::create_dir(at(name)).unwrap();
    }
    fs::write(at("hidden/key"), "secret").unwrap();
    fs::write(at("key"), "secret").unwrap();
    let script = format!(
        "cd {}; echo x > fixed/a; echo x > fixed/below/a; echo x > free; ls -A hidden; cat key; grep -c ^ key",
        at("").display()
    );
    let text = says(&script, |launch| {
        launch.confinement.read_only = vec![at("fixed")];
        launch.confinement.inaccessible = vec![at("hidden"), at("key")];
    });
    assert_eq!(text.matches("Read-only file system").count(), 2, "{text}");
    assert!(!text.contains("secret"), "{text}");
    assert!(at("free").exists(), "{text}");
    assert!(!at("fixed/a").exists());
    assert_eq!(fs::read_to_string(at("key")).unwrap(), "secret", "the engine sees it as before");
    fs::write(at("fixed/b"), "").unwrap();
    let own = fs::read_to_string("/proc/self/mountinfo").unwrap();
    assert!(!own.contains(&*at("").to_string_lossy()), "nothing is mounted outside: {own}");
}

#[test]
fn the_whole_file_system_can_be_read_only() {
    if needs_root("mounts") {
        return;
    }
    let text =
        says("echo x > /selfsame-test-file; echo x > /dev/null; echo x > /tmp/mine && cat /tmp/mine", |l| {
            l.confinement.read_only = vec!["/".into()];
            l.confinement.private_tmp = true;
        });
    assert!(text.contains("Read-only file system"), "{text}");
    assert!(text.ends_with("x\n"), "{text}");
    assert!(!Path::new("/selfsame-test-file").exists());
}

#[test]
fn a_tmp_of_its_own_is_empty_and_gone_afterwards() {
    if needs_root("mounts") {
        return;
    }
    let shared = tempfile::NamedTempFile::new_in("/tmp").unwrap();
    let script = "ls -A /tmp /var/tmp; touch /tmp/selfsame-private && echo made; stat -c %a /tmp";
    let text = says(script, |launch| {
        launch.ids = nobody();
        launch.confinement.private_tmp = true;
    });
    assert!(text.contains("made") && text.contains("1777"), "{text}");
    assert!(!text.contains(&*shared.path().file_name().unwrap().to_string_lossy()), "{text}");
    assert!(!Path::new("/tmp/selfsame-private").exists());
}

#[test]
fn a_path_that_is_not_there_is_named() {
    if needs_root("mounts") {
        return;
    }
    let missing = vec![PathBuf::from("/usr"), PathBuf::from("/no/such/path")];
    let rows = [
        (
            Confinement { read_only: missing.clone(), ..Confinement::default() },
            "make `/no/such/path` read-only",
        ),
        (Confinement { inaccessible: missing, ..Confinement::default() }, "hide `/no/such/path`"),
        (
            Confinement { chroot: Some("/no/such/path".into()), ..Confinement::default() },
            "change the root directory to `/no/such/path`",
        ),
    ];
    let dir = tempfile::tempdir().unwrap();
    for (confinement, part) in rows {
        let mut launch = launch(&["/bin/true"]);
        launch.confinement = Confinement { cover: dir.path().join("cover"), ..confinement };
        let slot = tempfile::tempfile().unwrap();
        let error = spawn(&launch, Some(slot.as_fd())).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(error.errno, libc::ENOENT);
    }
}

/// A root directory with a shell in it.
fn jail(root: &Path) -> bool {
    let build = "set -e; cd \"$0\"; mkdir -p bin etc tmp; cp /bin/sh bin/; cp /bin/cat bin/; \
        for f in $(ldd /bin/sh /bin/cat | grep -o '/[^ :]*\\.so[^ :]*'); do mkdir -p .${f%/*}; cp $f .$f; done; \
        echo inside > etc/name; ln -s /etc/name link; chmod 755 .";
    Command::new("/bin/sh").args(["-c", build]).arg(root).status().unwrap().success()
}

#[test]
fn a_root_directory_is_all_that_is_seen() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    if needs_root("chroot") || !jail(&root) {
        return;
    }
    let inside = |confinement: Confinement| {
        says("cat /etc/name; cd /; echo x > etc/new; echo x > tmp/new; cat /link", |launch| {
            let cover = launch.confinement.cover.clone();
            launch.confinement = Confinement { chroot: Some(root.clone()), cover, ..confinement };
        })
    };
    assert_eq!(inside(Confinement::default()), "inside\ninside\n");
    assert!(root.join("etc/new").exists());
    // Paths are those inside, and links lead nowhere else.
    let text =
        inside(Confinement { read_only: vec!["/".into()], private_tmp: true, ..Confinement::default() });
    assert_eq!(text.matches("Read-only file system").count(), 1, "{text}");
    assert_eq!(text.matches("inside\n").count(), 2, "{text}");
    let text = inside(Confinement { inaccessible: vec!["/link".into()], ..Confinement::default() });
    assert!(!text.contains("inside"), "{text}");
    assert_eq!(fs::read_to_string(root.join("etc/name")).unwrap(), "inside\n");
}
