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

/// Conditions with parts that are read by the grammar: parentheses, quantifiers, ranges, words for operators, sums, defaults.
fn thousand_of_the_grammar() -> Vec<String> {
    let one = |n| match n % 4 {
        0 => format!(
            "(exe under \"/srv/app{n}\" || exe == \"/usr/bin/app{n}\") && user not in [\"root\", \"daemon\"]"
        ),
        1 => format!("any(argv, a => a starts_with \"--port={n}\") and not kernel_thread"),
        2 => format!("threads in 1..={n} && rss < 512MiB + {n}KiB"),
        _ => format!("len(argv) > 2 && (env[\"APP\"] ?? \"\") == \"a{n}\""),
    };
    (0..1000).map(one).collect()
}

/// Parse, check and lint.
#[divan::bench]
fn a_thousand_expressions(bencher: Bencher<'_, '_>) {
    compile_all(bencher, &thousand());
}

/// The same.
#[divan::bench]
fn a_thousand_expressions_of_the_grammar(bencher: Bencher<'_, '_>) {
    compile_all(bencher, &thousand_of_the_grammar());
}

fn compile_all(bencher: Bencher<'_, '_>, texts: &[String]) {
    for text in texts {
        let compiled = compile_expression(text);
        assert!(compiled.predicate.is_some(), "{text}: {:?}", compiled.diagnostics);
    }
    bencher.bench_local(|| texts.iter().filter(|text| compile_expression(text).predicate.is_some()).count());
}
