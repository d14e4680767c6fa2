//! `bench-eval`, hidden: what one evaluation costs, in nanoseconds, for comparison with other engines.
//!
//! Prints `ENGINE TAB CASE TAB MEDIAN TAB MINIMUM`. The facts are in memory, so the kernel has no part in it.

use std::hint::black_box;
use std::time::Instant;

use super::exit::Exit;
use super::terminal::Terminal;
use crate::diagnostic::Source;
use crate::lang::Vocabularies;
use crate::lang::ir::Id;
use crate::lang::quick::{Layout, Program, Record};
use crate::process::expression::compile_expression;
use crate::process::snapshot::Snapshot;
use crate::process::{ProcessVocabulary, candidate};
use crate::units::Pid;

const EXPRESSION: &str =
    r#"exe == "/usr/bin/python3.11" && user == "www-data" && cmdline contains "daemon.py""#;
/// What is looked at, by name: a match, a miss of the first condition, a miss of the last.
const CASES: [(&str, i32, bool); 3] =
    [("match", 601, true), ("miss-first", 602, false), ("miss-last", 603, false)];
const HOST: &str = "\
host:
  files:
    /usr/bin/python3.11: {id: [1, 101], elf: true}
    /usr/sbin/nginx: {id: [1, 102], elf: true}
  users: {www-data: 33}
processes:
  - {pid: 601, user: www-data, exe: /usr/bin/python3.11, argv: [/usr/bin/python3.11, -u, /srv/app/daemon.py, --config, /etc/app/main.conf, --workers, '4']}
  - {pid: 602, user: www-data, exe: /usr/sbin/nginx, argv: [/usr/bin/python3.11, -u, /srv/app/daemon.py, --config, /etc/app/main.conf, --workers, '4']}
  - {pid: 603, user: www-data, exe: /usr/bin/python3.11, argv: [/usr/bin/python3.11, -u, /srv/app/other.py, --config, /etc/app/main.conf, --workers, '4']}
";
const ROUNDS: usize = 15;

/// Runs `bench-eval`.
pub(super) fn run(terminal: Terminal) -> Exit {
    let snapshot = match Snapshot::parse(&Source::new("bench", HOST)) {
        Ok(snapshot) => snapshot,
        Err(problems) => {
            terminal.diagnostics(&problems);
            return Exit::Failed;
        }
    };
    let vocabulary = ProcessVocabulary::new(&snapshot);
    let facts = Vocabularies(vec![&vocabulary]);
    let Some(predicate) = compile_expression(EXPRESSION).predicate else { return Exit::Failed };
    let matcher = predicate.bind(&std::collections::BTreeMap::new(), &facts).matcher;
    let mut layout = Layout::default();
    let program = Program::new(&matcher, &mut layout, &vocabulary);
    let mut text = String::new();
    for (case, pid, expected) in CASES {
        let pid = Pid(pid);
        let read = |field: Id| vocabulary.datum(pid, field);
        let mut record = Record::new(&layout);
        if program.run(&record, &read) != Some(expected) {
            terminal.say(&format!("error: wrong answer for `{case}`: {record:?}"));
            return Exit::Failed;
        }
        let filled = measure(2_000_000, || program.run(black_box(&record), &read) == Some(true));
        text.push_str(&format!("selfsame (record filled once)\t{case}\t{:.1}\t{:.1}\n", filled.0, filled.1));
        let fresh = measure(300_000, || {
            record.clear();
            program.run(black_box(&record), &read) == Some(true)
        });
        text.push_str(&format!("selfsame (record filled anew)\t{case}\t{:.1}\t{:.1}\n", fresh.0, fresh.1));
        let subject = candidate(pid);
        let long =
            measure(100_000, || matcher.eval(black_box(&subject), &facts) == crate::lang::Verdict::Match);
        text.push_str(&format!("selfsame (the long way)\t{case}\t{:.1}\t{:.1}\n", long.0, long.1));
    }
    terminal.data(&text);
    Exit::Ok
}

/// Median and minimum of some rounds, in nanoseconds a call.
#[expect(clippy::disallowed_methods, reason = "a stopwatch: nothing is decided by it")]
fn measure(calls: u32, mut call: impl FnMut() -> bool) -> (f64, f64) {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let begun = Instant::now();
            let mut hits = 0_u32;
            for _ in 0..calls / 10 {
                hits += u32::from(call());
            }
            black_box(hits);
            begun.elapsed().as_secs_f64() * 1e9 / f64::from(calls / 10)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let at = |place: usize| rounds.get(place).copied().unwrap_or(0.0);
    (at(ROUNDS / 2), at(0))
}
