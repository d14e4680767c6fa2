//! One evaluation over facts in memory, beside what a person would write by hand.
//!
//! `cargo bench --bench evaluate`: compare within one run; the closure is the limit.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench that can't go on has failed")]

use std::collections::BTreeMap;

use divan::{Bencher, black_box};
use selfsame::diagnostic::Source;
use selfsame::lang::Vocabularies;
use selfsame::lang::ir::Id;
use selfsame::lang::quick::{Layout, Program, Record};
use selfsame::process::expression::compile_expression;
use selfsame::process::snapshot::Snapshot;
use selfsame::process::{ProcessVocabulary, candidate};
use selfsame::units::Pid;

const EXPRESSION: &str =
    r#"exe == "/usr/bin/python3.11" && user == "www-data" && cmdline contains "daemon.py""#;
const HOST: &str = "\
host:
  files: {/usr/bin/python3.11: {id: [1, 101], elf: true}}
  users: {www-data: 33}
processes:
  - {pid: 601, user: www-data, exe: /usr/bin/python3.11, argv: [/usr/bin/python3.11, -u, /srv/app/daemon.py, --workers, '4']}
";

fn main() {
    divan::main();
}

/// The limit: three comparisons of texts, written out.
#[divan::bench]
fn closure_by_hand(bencher: Bencher<'_, '_>) {
    struct Facts {
        exe: String,
        user: String,
        cmdline: String,
    }
    let facts = Facts {
        exe: "/usr/bin/python3.11".into(),
        user: "www-data".into(),
        cmdline: "/usr/bin/python3.11 -u /srv/app/daemon.py --workers 4".into(),
    };
    let holds = |facts: &Facts| {
        facts.exe == "/usr/bin/python3.11" && facts.user == "www-data" && facts.cmdline.contains("daemon.py")
    };
    bencher.bench_local(|| holds(black_box(&facts)));
}

/// The short way, facts at hand.
#[divan::bench]
fn program_on_a_filled_record(bencher: Bencher<'_, '_>) {
    with_program(|vocabulary, layout, program| {
        let read = |field: Id| vocabulary.datum(Pid(601), field);
        let record = Record::new(layout);
        assert_eq!(program.run(&record, &read), Some(true));
        bencher.bench_local(|| program.run(black_box(&record), &read));
    });
}

/// The short way, each fact taken from the snapshot anew.
#[divan::bench]
fn program_on_a_fresh_record(bencher: Bencher<'_, '_>) {
    with_program(|vocabulary, layout, program| {
        let read = |field: Id| vocabulary.datum(Pid(601), field);
        let mut record = Record::new(layout);
        bencher.bench_local(|| {
            record.clear();
            program.run(black_box(&record), &read)
        });
    });
}

/// The long way, which also knows the reasons.
#[divan::bench]
fn matcher_with_reasons(bencher: Bencher<'_, '_>) {
    let snapshot = Snapshot::parse(&Source::new("bench", HOST)).unwrap();
    let vocabulary = ProcessVocabulary::new(&snapshot);
    let facts = Vocabularies(vec![&vocabulary]);
    let matcher = compile_expression(EXPRESSION).predicate.unwrap().bind(&BTreeMap::new(), &facts).matcher;
    let subject = candidate(Pid(601));
    bencher.bench_local(|| matcher.eval(black_box(&subject), &facts));
}

fn with_program(bench: impl FnOnce(&ProcessVocabulary<'_>, &Layout, &Program)) {
    let snapshot = Snapshot::parse(&Source::new("bench", HOST)).unwrap();
    let vocabulary = ProcessVocabulary::new(&snapshot);
    let facts = Vocabularies(vec![&vocabulary]);
    let matcher = compile_expression(EXPRESSION).predicate.unwrap().bind(&BTreeMap::new(), &facts).matcher;
    let mut layout = Layout::default();
    let program = Program::new(&matcher, &mut layout, &vocabulary);
    bench(&vocabulary, &layout, &program);
}
