//! An expression: read, printed, checked, and asked about every process of a small host.

use std::sync::Arc;

use selfsame::diagnostic::{Source, Span};
use selfsame::lang::ast::{Expr, Kind};
use selfsame::lang::{Room, SOURCE_MAX, Scope, Verdict, check as check_tree, format, parse};
use selfsame::process::expression::{compile_expression, compile_with, schema, variables};
use selfsame::process::world::World;

use super::staged::{Staged, host, verdicts};

pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let source = Source::new("expression", text);
    let parsed = parse(text);
    super::assert_shown(&parsed.diagnostics, &source);
    let compiled = compile_expression(text);
    super::assert_shown(&compiled.diagnostics, &source);
    for diagnostic in &compiled.diagnostics {
        assert!(diagnostic.span().is_some() && diagnostic.help.is_some(), "{diagnostic:?}");
    }
    let errors = compiled.diagnostics.iter().any(selfsame::diagnostic::Diagnostic::is_error);
    assert_eq!(compiled.predicate.is_none(), errors, "{:?}", compiled.diagnostics);
    let Some(expr) = parsed.expr.filter(|_| parsed.diagnostics.is_empty()) else {
        assert!(errors, "unreadable and yet usable");
        return;
    };
    prints_back(&expr);
    formats_for_good(&expr, text);
    if compiled.predicate.is_some() {
        decides(&expr, text);
    }
}

fn without_spans(mut expr: Expr) -> Expr {
    expr.map_spans(&|_| Span::default());
    expr
}

/// What is printed is read as the same tree, and printed the same.
fn prints_back(expr: &Expr) {
    let printed = expr.to_string();
    if printed.len() > SOURCE_MAX {
        return;
    }
    let again = parse(&printed);
    assert!(again.diagnostics.is_empty(), "{printed}\n{:?}", again.diagnostics);
    let again = again.expr.unwrap();
    assert_eq!(again.to_string(), printed);
    assert_eq!(without_spans(again), without_spans(expr.clone()), "{printed}");
}

/// Formatting keeps the meaning, and a second time changes nothing.
fn formats_for_good(expr: &Expr, text: &str) {
    let rooms = [
        Room::Line,
        Room::Lines { broken: false, comments: true },
        Room::Lines { broken: true, comments: true },
    ];
    for room in rooms {
        let Ok(formatted) = format(text, room) else { continue };
        assert_eq!(format(&formatted, room).as_ref(), Ok(&formatted));
        assert_eq!(
            without_spans(parse(&formatted).expr.unwrap()),
            without_spans(expr.clone()),
            "{formatted}"
        );
    }
}

/// Neither the order of operands nor what is hidden turns a verdict into another one.
fn decides(expr: &Expr, text: &str) {
    let predicate = compile_with(text, variables(), &Arc::default()).predicate.unwrap();
    let pids = host().pids().known().unwrap();
    let verdicts_of = |world: &dyn World| verdicts(&predicate, world, &pids);
    let full = verdicts_of(host());

    let mut turned = expr.clone();
    turn(&mut turned);
    let scope = Scope::new(variables(), &Arc::default());
    let other = check_tree(&turned, text, schema(), &scope).predicate.expect("another order has no errors");
    assert_eq!(verdicts(&other, host(), &pids), full, "the order of operands matters in {text}");

    // Whether something is known is asked for in order to decide otherwise.
    if asks_what_is_known(expr) {
        return;
    }
    for hidden in curtains(text.as_bytes()) {
        let less = verdicts_of(&Staged { hidden, ..Staged::new(host()) });
        for ((pid, less), full) in pids.iter().zip(less).zip(&full) {
            let same = matches!(less, Verdict::Unknown(_)) || less == *full;
            let undecided = matches!(full, Verdict::Unknown(_));
            assert!(same || undecided, "{text}\nof {pid} is {full:?}, and {less:?} without {hidden:#x}");
        }
    }
}

/// The operands of every `&&` and `||` the other way round.
fn turn(expr: &mut Expr) {
    if let Kind::And(operands) | Kind::Or(operands) = &mut expr.kind {
        operands.reverse();
    }
    expr.children_mut().into_iter().for_each(turn);
}

fn asks_what_is_known(expr: &Expr) -> bool {
    let here = match &expr.kind {
        Kind::Call { function, .. } => {
            function.iter().any(|word| matches!(word.text.as_str(), "known" | "assume"))
        }
        _ => false,
    };
    here || expr.children().into_iter().any(asks_what_is_known)
}

/// Three selections of facts to withhold, of which the first ones withhold little. They follow from the text, so
/// that an input always does the same.
fn curtains(text: &[u8]) -> [u64; 3] {
    let mut hash = text.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut next = || {
        hash ^= hash << 13;
        hash ^= hash >> 7;
        hash ^= hash << 17;
        hash
    };
    [1 << (next() % 39), next() & next() & next(), next()]
}
