//! Documents from standard input.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use super::support::{Bench, Ran, is_alive};

fn piped(bench: &Bench, args: &[&str], input: &str) -> Ran {
    let mut command = bench.command(args);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    Ran {
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        code: output.status.code().unwrap_or(-1),
    }
}

/// The text of a daemon's document; the file is taken away.
fn text(bench: &Bench, name: &str) -> String {
    let path = bench.daemon(name, "");
    assert!(path.exists());
    let file = bench.path(&format!("specs/{name}.yaml"));
    let text = fs::read_to_string(&file).unwrap();
    fs::remove_file(file).unwrap();
    text
}

#[test]
fn several_documents_and_lists_are_applied_and_nothing_is_pruned() {
    let bench = Bench::new();
    let (one, two, three) = (text(&bench, "one"), text(&bench, "two"), text(&bench, "three"));
    let item = |text: &str| format!("- {}\n", text.trim_end().replace('\n', "\n  "));
    let list = format!("apiVersion: v1\nkind: List\nitems:\n{}{}", item(&one), item(&two));
    let all = format!("{list}---\n{three}");
    let check = piped(&bench, &["check", "-"], &all);
    assert!(check.code == 0 && check.stdout.contains("3 objects in 1 file: good"), "{check:?}");
    let twice = bench.run(&["plan", "specs/absent.yaml", "specs/absent.yaml"]);
    assert_eq!(twice.stderr.matches("absent.yaml").count(), 1, "{twice:?}");
    let nothing = piped(&bench, &["apply", "-"], "");
    assert!(nothing.code == 0 && nothing.stderr.contains("no documents in standard input"), "{nothing:?}");
    let plan = piped(&bench, &["plan", "-"], &all);
    assert_eq!(plan.code, 2, "{plan:?}");
    let ran = piped(&bench, &["apply", "-"], &all);
    assert_eq!(ran.code, 0, "{ran:?}");
    let pids = ["one", "two", "three"].map(|name| bench.the_pid_of(name));
    // Fewer documents, and a directory beside them: what came through the pipe stays.
    let four = text(&bench, "four");
    bench.write("specs/four.yaml", &four);
    let ran = piped(&bench, &["apply", "-", "specs"], &three);
    assert_eq!(ran.code, 0, "{ran:?}");
    // One file by two names.
    let four = bench.path("specs/four.yaml");
    let check = bench.run(&["check", "specs", four.to_str().unwrap()]);
    assert!(check.code == 0 && check.stdout.contains("1 object in 1 file: good"), "{check:?}");
    bench.ok(&["apply", "specs"]);
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    assert_eq!(bench.starts().len(), 4);
    let wrong = piped(&bench, &["apply", "-"], "apiVersion: v1\nkind: List\nitems: [{kind: Sevice}]\n");
    assert!(wrong.code == 1 && wrong.stderr.contains("stdin:3"), "{wrong:?}");
}
