//! What the Debian package brings: maintainer scripts that never stop a service, settings and units that are right.
//!
//! The package itself is built and tried in a root of its own by `examples/host/packaging/try-deb`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{Bench, has};

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// What a maintainer script calls, a line each: every program is one that only notes how it was called.
fn calls(script: &str, args: &[&str], fails: &str) -> (i32, String) {
    let bench = Bench::new();
    for name in [
        "selfsame",
        "systemctl",
        "deb-systemd-helper",
        "deb-systemd-invoke",
        "update-rc.d",
        "invoke-rc.d",
        "mkdir",
        "rm",
        "rmdir",
    ] {
        let code = i32::from(name == fails);
        let text = format!("#!/bin/sh\necho \"{name} $*\" >> \"$CALLS\"\nexit {code}\n");
        bench.script(&format!("bin/{name}"), &text);
    }
    let output = Command::new("/bin/sh")
        .arg(here("examples/host/packaging/debian").join(script))
        .args(args)
        .env("PATH", bench.path("bin"))
        .env("CALLS", bench.path("calls"))
        .output()
        .unwrap();
    let calls = fs::read_to_string(bench.path("calls")).unwrap_or_default();
    (output.status.code().unwrap_or(-1), calls)
}

#[test]
fn no_script_stops_anything_on_an_upgrade() {
    for (script, args) in [
        ("prerm", &["upgrade", "0.2"][..]),
        ("prerm", &["failed-upgrade", "0.1"]),
        ("prerm", &["deconfigure", "in-favour", "other", "1"]),
        ("postrm", &["upgrade", "0.2"]),
        ("postrm", &["failed-upgrade", "0.1"]),
        ("postrm", &["abort-upgrade", "0.1"]),
        ("postinst", &["configure", "0.1"]),
        ("postinst", &["abort-upgrade", "0.2"]),
    ] {
        for fails in ["", "selfsame"] {
            let (code, calls) = calls(script, args, fails);
            assert_eq!(code, 0, "{script} {args:?}");
            let stops = |line: &&str| line.split_whitespace().any(|word| word == "stop" || word == "remove");
            assert_eq!(calls.lines().find(stops), None, "{script} {args:?}: {calls}");
        }
    }
    // The engine that runs becomes the new one; only where it refuses it is begun anew, and nowhere is one begun that nobody runs.
    let (_, calls) = calls("postinst", &["configure", "0.1"], "");
    assert!(calls.contains("selfsame upgrade\n"), "{calls}");
    assert!(!calls.contains("invoke"), "{calls}");
}

#[test]
fn a_new_package_begins_the_engine_and_a_removal_ends_it_alone() {
    let (code, begun) = calls("postinst", &["configure"], "");
    assert_eq!(code, 0);
    assert!(
        begun.contains("invoke-rc.d selfsame start") || begun.contains("start selfsame.service"),
        "{begun}"
    );
    assert!(begun.contains("mkdir -p -m 0755 /etc/selfsame/specs"), "{begun}");
    let (code, ended) = calls("prerm", &["remove"], "");
    assert_eq!(code, 0);
    assert!(
        ended.contains("invoke-rc.d selfsame stop") || ended.contains("stop selfsame.service"),
        "{ended}"
    );
    assert!(!ended.contains("selfsame stop --all"), "{ended}");
    let (code, purged) = calls("postrm", &["purge"], "");
    assert_eq!(code, 0);
    assert!(purged.contains("rm -rf /var/lib/selfsame"), "{purged}");
    assert!(!purged.contains("rm -rf /etc"), "spec files are a person's work: {purged}");
    // A host without an init system is no reason to leave the package half installed.
    assert_eq!(calls("postinst", &["configure"], "invoke-rc.d").0, 0);
    for script in ["postinst", "prerm", "postrm"] {
        assert_eq!(calls(script, &["nonsense"], "").0, 1);
    }
}

#[test]
fn every_file_of_the_package_exists_and_settings_are_kept_as_a_person_left_them() {
    let text = fs::read_to_string(here("Cargo.toml")).unwrap();
    let (_, section) = text.split_once("[package.metadata.deb]").unwrap();
    let section = section.split("\n[").next().unwrap();
    let rows: Vec<Vec<&str>> = section
        .lines()
        .filter(|line| line.starts_with("  [\""))
        .map(|line| line.split('"').skip(1).step_by(2).collect())
        .collect();
    assert!(rows.len() > 10, "{section}");
    for row in &rows {
        let source = row[0].split('*').next().unwrap();
        assert!(row[0].starts_with("target/package/") || here(source).exists(), "{}", row[0]);
    }
    for conffile in ["/etc/selfsame/engine.yaml", "/etc/init.d/selfsame"] {
        assert!(section.contains(&format!("\"{conffile}\"")), "{conffile}");
        assert!(rows.iter().any(|row| format!("/{}", row[1]) == conffile), "{conffile}");
    }
}

#[test]
fn the_settings_that_come_with_it_are_good_as_they_are_and_with_every_comment_in() {
    let bench = Bench::new();
    let text = fs::read_to_string(here("examples/host/packaging/engine.yaml")).unwrap();
    let whole: String = text.lines().map(|line| format!("{}\n", line.replacen("  # ", "  ", 1))).collect();
    assert_ne!(text, whole);
    for text in [text, whole] {
        let file = bench.write("engine.yaml", &text);
        let ran = bench.ok(&["check", "--strict", &file.display().to_string()]);
        assert_eq!(ran.stderr, "");
    }
}

/// The program of a host is that of this build for these.
fn placed(bench: &Bench, name: &str) -> PathBuf {
    let text = fs::read_to_string(here("examples/host").join(name)).unwrap();
    bench.write(&format!("units/{name}"), &text.replace("/usr/bin/selfsame", env!("CARGO_BIN_EXE_selfsame")))
}

#[test]
fn systemd_finds_nothing_wrong_with_the_units_and_they_end_selfsame_alone() {
    let bench = Bench::new();
    for (name, user) in [("selfsame.service", false), ("selfsame.user.service", true)] {
        let unit = placed(&bench, name);
        let text = fs::read_to_string(&unit).unwrap();
        for line in ["Type=notify", "KillMode=process", "Delegate=yes", "Restart=always"] {
            assert!(text.lines().any(|found| found == line), "{name}: {line}");
        }
        if !has("/usr/bin/systemd-analyze") {
            continue;
        }
        let mut command = Command::new("systemd-analyze");
        command.args(user.then_some("--user")).args(["verify", "--man=no"]).arg(&unit);
        let output = command.env("XDG_RUNTIME_DIR", bench.root()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && !said.contains("selfsame"), "{name}: {said}");
    }
}

#[test]
fn the_scripts_are_right_for_a_shell() {
    for name in [
        "examples/host/packaging/build-deb",
        "examples/host/packaging/try-deb",
        "examples/host/packaging/try-openrc",
        "examples/host/packaging/try-systemd",
        "examples/host/packaging/debian/postinst",
        "examples/host/packaging/debian/prerm",
        "examples/host/packaging/debian/postrm",
        "examples/host/selfsame.init",
        "examples/host/selfsame.openrc",
    ] {
        let output = Command::new("/bin/sh").arg("-n").arg(here(name)).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
