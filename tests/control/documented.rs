//! What docs/control.md shows is what is said.

use serde_json::Value;

use super::support::Bench;

/// Calls and the answers below them: lines that begin with `>` and `<`.
fn examples() -> Vec<(Value, Value)> {
    let text = include_str!("../../docs/control.md");
    let lines: Vec<(char, Value)> = text
        .lines()
        .filter_map(|line| {
            let mark = line.chars().next().filter(|mark| matches!(mark, '>' | '<'))?;
            let json = line.get(1..).unwrap_or_default().trim();
            Some((mark, serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"))))
        })
        .collect();
    lines
        .chunks(2)
        .map(|pair| {
            assert_eq!((pair[0].0, pair[1].0), ('>', '<'), "a call, and its answer: {pair:?}");
            (pair[0].1.clone(), pair[1].1.clone())
        })
        .collect()
}

/// Whether all that the page shows is there, with values of the same kind. `null` stands for whatever it may be.
fn shows(shown: &Value, found: &Value) -> bool {
    match (shown, found) {
        (Value::Object(shown), Value::Object(found)) => {
            shown.iter().all(|(key, value)| found.get(key).is_some_and(|found| shows(value, found)))
        }
        (Value::Array(shown), Value::Array(found)) => {
            shown.len() <= found.len() && shown.iter().zip(found).all(|(shown, found)| shows(shown, found))
        }
        (Value::Number(_), Value::Number(_)) | (Value::Null, _) => true,
        (shown, found) => shown == found,
    }
}

#[test]
fn the_examples_of_the_page_are_answered_as_it_says() {
    let mut bench = Bench::new();
    bench.daemon("shop", "reload: {signal: HUP}");
    let mut reaped = bench.by_hand(bench.root(), "/bin/true", &[]);
    reaped.wait().unwrap();
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let all = examples();
    assert!(all.len() > 8, "{}", all.len());
    for (call, answer) in all {
        let found = bench.call(&call.to_string());
        assert!(shows(&answer, &found), "{call}\nthe page: {answer}\nfound:    {found}");
    }
}

/// Every word of the protocol stands on the page.
#[test]
fn the_page_names_every_call_and_every_refusal() {
    let text = include_str!("../../docs/control.md");
    let words = [
        "hello",
        "status",
        "follow",
        "explain",
        "metrics",
        "documents",
        "unsettled",
        "events",
        "history",
        "do",
        "start",
        "stop",
        "restart",
        "reload",
        "signal",
        "suspend",
        "resume",
        "release",
        "adopt",
        "apply",
        "upgrade",
        "malformed",
        "version",
        "forbidden",
        "busy",
        "impossible",
        "failed",
    ];
    for word in words {
        assert!(text.contains(&format!("`{word}`")), "{word}");
    }
}
