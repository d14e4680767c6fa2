//! Text to matcher: a thousand different conditions, as a large set of documents has them.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench that can't go on has failed")]

use divan::Bencher;
use selfsame::process::expression::compile_expression;

fn main() {
    divan::main();
}

fn thousand() -> Vec<String> {
    (0..1000)
        .map(|n| match n % 4 {
            0 => format!("exe == \"/srv/app{n}/bin/server\" && user == \"www-data\""),
            1 => format!("runs(\"/srv/app{n}.py\") && arg(\"--port\") == \"{n}\""),
            2 => format!("comm starts_with \"w{n}\" && age > {n}s && rss < 512MiB"),
            _ => format!("argv[1] == \"serve-{n}\" || argv =~ r\"^x{n}\" || env[\"APP\"] == \"a{n}\""),
        })
        .map(|text| text.replace("argv =~", "comm =~"))
        .collect()
}

/// Parse, check and lint.
#[divan::bench]
fn a_thousand_expressions(bencher: Bencher<'_, '_>) {
    let texts = thousand();
    bencher.bench_local(|| texts.iter().filter(|text| compile_expression(text).predicate.is_some()).count());
    assert!(texts.iter().all(|text| compile_expression(text).predicate.is_some()));
}
