//! The tables of docs/policies.md: every expression is true of the first of the two processes there and false of the second, and
//! every fragment of a Policy is accepted and has a test of what it does.

use std::path::Path;

use selfsame::process::snapshot::Snapshot;
use selfsame::report::render_diagnostics;

use crate::ask::{Asked, snapshot};
use crate::policy_courses::fragments_of;

const PAGE: &str = include_str!("../../docs/policies.md");

/// The host of the page.
fn host() -> Snapshot {
    let begin = PAGE.find("```yaml\n").unwrap() + "```yaml\n".len();
    let end = PAGE[begin..].find("```\n").unwrap();
    snapshot(&PAGE[begin..begin + end])
}

/// The cells of each row of the tables.
fn rows() -> Vec<[String; 3]> {
    let lines = PAGE.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let rows = lines.map(|line| {
        let inner = line.trim_start_matches("| ").trim_end_matches(" |").replace("\\|", "\u{1}");
        let cells: Vec<String> = inner.split(" | ").map(|cell| cell.replace('\u{1}', "|")).collect();
        <[String; 3]>::try_from(cells).unwrap_or_else(|cells| panic!("three cells: {cells:?}"))
    });
    rows.filter(|[_, ours, _]| ours != "here").collect()
}

/// What stands between backticks.
fn spans(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

fn is_fragment(span: &str) -> bool {
    span.starts_with('{')
}

#[test]
fn expressions_are_true_of_the_first_and_false_of_the_second() {
    let world = host();
    let mut tried = 0;
    for [theirs, ours, yes] in rows() {
        let expressions: Vec<&str> = spans(&ours)
            .into_iter()
            .filter(|span| !is_fragment(span) && (span.contains(' ') || span.contains('(')))
            .filter(|span| !span.starts_with("selfsame "))
            .collect();
        for expression in expressions {
            // Said to be the opposite.
            let (first, second) = if ours.contains(&format!("the other way round `{expression}`")) {
                (false, true)
            } else {
                (true, false)
            };
            for (pid, expected) in [(600, first), (601, second)] {
                let row = Asked::default().ask(&world, pid, expression).unwrap_or_else(|problems| {
                    panic!("{theirs}: {}", render_diagnostics(&problems, false));
                });
                let reasons = row.reasons.join("; ");
                assert_eq!(
                    row.verdict,
                    expected.to_string(),
                    "{theirs}: `{expression}` of {pid} ({reasons})"
                );
            }
            tried += 1;
        }
        let fragments = spans(&ours).into_iter().any(is_fragment);
        assert!(yes == "yes" || fragments, "{theirs}: a test is named and there is nothing to accept");
    }
    assert!(tried > 50, "{tried}");
}

#[test]
fn every_row_is_there_and_every_named_test_exists() {
    for [theirs, ours, yes] in rows() {
        if yes == "yes" {
            assert!(!spans(&ours).is_empty(), "{theirs}");
            let courses = fragments_of(&theirs);
            for fragment in spans(&ours).into_iter().filter(|span| is_fragment(span)) {
                assert!(courses.contains(&fragment), "{theirs}: no course of `{fragment}`");
            }
            continue;
        }
        let (file, name) =
            yes.split_once(' ').unwrap_or_else(|| panic!("{theirs}: write `FILE FUNCTION`, not `{yes}`"));
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file))
            .unwrap_or_else(|error| panic!("{theirs}: {file}: {error}"));
        assert!(text.contains(&format!("fn {name}(")), "{theirs}: {file} has no test `{name}`");
    }
    for test in [
        "exist",
        "changed pid",
        "changed ppid",
        "uptime",
        "uid",
        "euid",
        "gid",
        "cpu",
        "total cpu",
        "threads",
        "children",
        "memory usage",
        "total memory usage",
        "read activity",
        "write activity",
        "disk read",
        "disk write",
        "operations/s",
        "security attribute",
        "filedescriptors",
        "total filedescriptors",
        "matching",
        "pidfile",
        "cycles",
        "times within",
        "alert",
        "exec",
        "restart",
        "start",
        "stop",
        "unmonitor",
        "every",
        "command",
        "pgid",
        "ppid",
        "process_owner",
        "priority",
        "process_result",
        "rsize",
        "vsize",
        "status",
        "stime_range",
        "ttime_range",
        "tty",
        "process_count",
        "match_range",
        "in_range_define",
        "out_of_range_define",
        "signals",
        "process_stop",
        "restart_class",
        "process_select",
    ] {
        assert!(rows().iter().any(|[theirs, ..]| theirs.contains(test)), "no row for `{test}`");
    }
}

#[test]
fn every_fragment_is_accepted() {
    let directory = tempfile::tempdir().unwrap();
    let mut written = 0;
    for [theirs, ours, _] in rows() {
        for fragment in spans(&ours).into_iter().filter(|span| is_fragment(span)) {
            written += 1;
            let inner = fragment.trim_start_matches('{').strip_suffix('}').unwrap();
            let text = format!(
                "# {theirs}\napiVersion: selfsame/v1\nkind: Policy\nmetadata: {{name: row-{written}}}\n\
                 spec: {{match: 'exe == \"/srv/shop-{written}\"', {inner}}}\n"
            );
            std::fs::write(directory.path().join(format!("row-{written:02}.yaml")), text).unwrap();
        }
    }
    assert!(written > 20, "{written}");
    let ran = std::process::Command::new(env!("CARGO_BIN_EXE_selfsame"))
        .args(["check", directory.path().to_str().unwrap()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr);
    assert!(!said.contains("error"), "{said}");
    assert!(ran.status.success(), "{said}");
}
