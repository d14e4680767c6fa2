//! One pass over the processes of this host, beside the least that the kernel must be asked for the same answer.
//!
//! `cargo bench --bench scan`: ratios within one run count. Start some thousand processes for figures that mean something.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench that can't go on has failed"
)]

use std::collections::BTreeMap;

use divan::Bencher;
use selfsame::host::proc::LiveWorld;
use selfsame::lang::Vocabularies;
use selfsame::process::ProcessVocabulary;
use selfsame::process::expression::compile_expression;
use selfsame::process::plain::Scan;
use selfsame::process::world::World as _;

fn main() {
    divan::main();
}

fn scan(bencher: Bencher<'_, '_>, texts: &[String]) {
    let first = LiveWorld::new().unwrap();
    let predicates: Vec<_> = texts.iter().map(|text| compile_expression(text).predicate.unwrap()).collect();
    bencher.bench_local(|| {
        let world = first.again();
        let vocabulary = ProcessVocabulary::new(&world);
        let facts = Vocabularies(vec![&vocabulary]);
        let matchers: Vec<_> =
            predicates.iter().map(|predicate| predicate.bind(&BTreeMap::new(), &facts).matcher).collect();
        let scan = Scan::new(&vocabulary, matchers.iter().map(|matcher| (matcher, &vocabulary)));
        let mut hits = 0;
        scan.each(&world.pids().known().unwrap(), |_, _, _| hits += 1);
        hits
    });
}

/// The limit of `exe ==`: a listing, and one stat through the link of each.
#[divan::bench]
fn stat_of_every_exe(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| {
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        pids.filter(|entry| std::fs::metadata(entry.path().join("exe")).is_ok()).count()
    });
}

#[divan::bench]
fn one_by_exe(bencher: Bencher<'_, '_>) {
    scan(bencher, &["exe == \"/usr/bin/perl\"".to_owned()]);
}

/// The limit of conditions on arguments: a listing, and the arguments of each.
#[divan::bench]
fn cmdline_of_every_process(bencher: Bencher<'_, '_>) {
    bencher.bench_local(|| {
        let pids = std::fs::read_dir("/proc").unwrap().flatten();
        pids.filter(|entry| std::fs::read(entry.path().join("cmdline")).is_ok()).count()
    });
}

#[divan::bench]
fn one_by_cmdline(bencher: Bencher<'_, '_>) {
    scan(bencher, &["cmdline contains \"no such words\"".to_owned()]);
}

#[divan::bench]
fn a_thousand_by_cmdline(bencher: Bencher<'_, '_>) {
    let texts: Vec<String> = (0..1000).map(|n| format!("cmdline contains \"svc-{n:05}\"")).collect();
    scan(bencher, &texts);
}

#[divan::bench]
fn a_thousand_by_exe_and_argument(bencher: Bencher<'_, '_>) {
    let texts: Vec<String> =
        (0..1000).map(|n| format!("exe == \"/usr/bin/perl\" && argv[2] == \"{n}\"")).collect();
    scan(bencher, &texts);
}
