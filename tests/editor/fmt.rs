//! `selfsame fmt`: files, standard input, the command line.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::process::{Command, Stdio};

use crate::support::{Bench, Ran};

const GOOD: &str = "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: web}\nspec:\n  startas: /bin/sh\n  match: exe == startas && alive\n  # why\n";
const ODD: &str = "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: web}\nspec:\n  startas: /bin/sh\n  match: exe==startas and alive\n  # why\n";

#[track_caller]
fn ran(bench: &Bench, args: &[&str], code: i32) -> Ran {
    let ran = bench.run(args);
    assert_eq!(ran.code, code, "{args:?}: {ran:?}");
    ran
}

fn piped(bench: &Bench, args: &[&str], input: &str) -> Ran {
    let mut child = bench
        .command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap(),
    }
}

#[test]
fn files_are_rewritten_in_place_and_keep_mode_and_links() {
    let bench = Bench::new();
    let path = bench.write("specs/web.yaml", ODD);
    bench.write("specs/notes.txt", ODD);
    bench.write("specs/good.yaml", GOOD);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("specs/web.yaml", bench.path("link.yaml")).unwrap();
    let good = fs::metadata(bench.path("specs/good.yaml")).unwrap().ino();

    let out = ran(&bench, &["fmt", "--check", "specs"], 1);
    assert!(out.stdout.contains("-  match: exe==startas and alive\n+  match: exe == startas && alive\n"));
    assert_eq!(fs::read_to_string(&path).unwrap(), ODD, "--check writes nothing");

    let out = ran(&bench, &["fmt", "link.yaml"], 0);
    assert_eq!(out.stdout, "link.yaml\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), GOOD);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    assert!(fs::symlink_metadata(bench.path("link.yaml")).unwrap().is_symlink());

    let out = ran(&bench, &["fmt", "specs"], 0);
    assert_eq!((out.stdout.as_str(), out.stderr.trim()), ("", "0 files formatted, 2 good"));
    assert_eq!(
        fs::metadata(bench.path("specs/good.yaml")).unwrap().ino(),
        good,
        "a good file is not written"
    );
    assert_eq!(fs::read_to_string(bench.path("specs/notes.txt")).unwrap(), ODD, "not a document");
    let left: Vec<_> = fs::read_dir(bench.path("specs")).unwrap().collect();
    assert_eq!(left.len(), 3, "no temporary file stays: {left:?}");
}

#[test]
fn a_file_with_errors_is_reported_and_the_others_are_formatted() {
    let bench = Bench::new();
    let broken = ODD.replace("and alive", "and");
    let broken = bench.write("specs/a.yaml", &broken);
    let path = bench.write("specs/b.yaml", ODD);
    let before = fs::read_to_string(&broken).unwrap();
    let out = ran(&bench, &["fmt", "specs", "missing.yaml"], 1);
    assert!(out.stderr.contains("specs/a.yaml:6:"), "{}", out.stderr);
    assert!(out.stderr.contains("missing.yaml"), "{}", out.stderr);
    assert!(
        out.stderr.contains("1 file formatted, 0 good, 2 left alone because of errors"),
        "{}",
        out.stderr
    );
    assert_eq!(fs::read_to_string(&broken).unwrap(), before);
    assert_eq!(fs::read_to_string(path).unwrap(), GOOD);
}

#[test]
fn a_pipe_among_the_files_is_not_waited_for() {
    let bench = Bench::new();
    let path = bench.write("specs/b.yaml", ODD);
    let made = Command::new("mkfifo").arg(bench.path("specs/a.yaml")).status();
    assert!(made.unwrap().success());
    let out = ran(&bench, &["fmt", "specs"], 1);
    assert!(
        out.stderr.contains("`specs/a.yaml` is not formatted: it is not a regular file"),
        "{}",
        out.stderr
    );
    assert_eq!(fs::read_to_string(path).unwrap(), GOOD);
}

#[test]
fn the_owner_stays() {
    let bench = Bench::new();
    let path = bench.write("specs/a.yaml", ODD);
    let (user, group) = (65_534, 65_533);
    if chown(&path, Some(user), Some(group)).is_err() {
        return eprintln!("skipped: only root can give a file away");
    }
    ran(&bench, &["fmt", "specs"], 0);
    let meta = fs::metadata(&path).unwrap();
    assert_eq!((meta.uid(), meta.gid()), (user, group));
    assert_eq!(fs::read_to_string(path).unwrap(), GOOD);
}

#[test]
fn names_that_would_part_are_not_parted() {
    let bench = Bench::new();
    let path = bench.write("specs/a.yaml", ODD);
    fs::hard_link(&path, bench.path("other.yaml")).unwrap();
    let out = ran(&bench, &["fmt", "specs"], 1);
    assert!(out.stderr.contains("hard links"), "{}", out.stderr);
    assert_eq!(fs::read_to_string(path).unwrap(), ODD);
}

#[test]
fn standard_input_goes_to_standard_output() {
    let bench = Bench::new();
    let out = piped(&bench, &["fmt", "-"], ODD);
    assert_eq!((out.stdout.as_str(), out.stderr.as_str(), out.code), (GOOD, "", 0));
    let without_end = GOOD.trim_end();
    assert_eq!(piped(&bench, &["fmt", "-"], without_end).stdout, without_end, "byte for byte");
    let out = piped(&bench, &["fmt", "--check", "-"], ODD);
    assert!(out.code == 1 && out.stdout.contains("+  match: exe == startas"), "{out:?}");
    let broken = ODD.replace("and alive", "and");
    let out = piped(&bench, &["fmt", "-"], &broken);
    assert!(out.code == 1 && out.stdout == broken && out.stderr.contains("<stdin>:6:"), "{out:?}");
}

#[test]
fn one_expression_from_the_command_line() {
    let bench = Bench::new();
    assert_eq!(ran(&bench, &["fmt", "--expression", "not(a) and b"], 0).stdout, "!a && b\n");
    assert_eq!(ran(&bench, &["fmt", "--expression", "a and # c\nb"], 0).stdout, "a  # c\n&& b\n");
    ran(&bench, &["fmt", "--check", "--expression", "a && b"], 0);
    assert_eq!(ran(&bench, &["fmt", "--check", "--expression", "a and b"], 1).stdout, "a && b\n");
    let out = ran(&bench, &["fmt", "--expression", "exe =="], 1);
    assert!(out.stdout.is_empty() && out.stderr.contains("error["), "{out:?}");
    ran(&bench, &["fmt"], 64);
    ran(&bench, &["fmt", "specs", "--expression", "a"], 64);
}

#[test]
fn what_changes_its_style_is_said() {
    let bench = Bench::new();
    bench.write("specs/web.yaml", &ODD.replace("exe==startas and alive", "not alive"));
    let out = ran(&bench, &["fmt", "specs"], 0);
    assert!(
        out.stderr.contains("specs/web.yaml:6:10: `spec.match` is now in single quotes"),
        "{}",
        out.stderr
    );
    let text = fs::read_to_string(bench.path("specs/web.yaml")).unwrap();
    assert!(text.ends_with("  match: '!alive'\n  # why\n"), "{text}");
}

#[test]
fn the_samples_are_formatted() {
    let bench = Bench::new();
    let root = env!("CARGO_MANIFEST_DIR");
    let places =
        ["specs", "examples/specs-more", "examples/matchers"].map(|folder| format!("{root}/{folder}"));
    ran(&bench, &["fmt", "--check", &places[0], &places[1], &places[2]], 0);
}
