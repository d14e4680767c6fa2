//! What two attempts at the same script have in common, and what they don't.

use serde_json::Value;

/// A step may take so much longer than with the oracle, in seconds.
const SLACK: f64 = 5.0;

/// Every difference as a line; empty if the second can't be told from the first.
pub fn differences(oracle: &[Value], other: &[Value]) -> Vec<String> {
    let mut found = Vec::new();
    for (first, second) in oracle.iter().zip(other) {
        let step = first["step"].as_str().unwrap();
        for field in ["status", "stdout", "kept", "copies"] {
            if first[field] != second[field] {
                found.push(format!("{step}: {field}: {} and {}", first[field], second[field]));
            }
        }
        for line in parted(&first["state"]["pidfiles"], &second["state"]["pidfiles"]) {
            found.push(format!("{step}: pidfile {line}"));
        }
        for line in parted(&first["state"]["processes"], &second["state"]["processes"]) {
            found.push(format!("{step}: process {line}"));
        }
        let (before, after) = (first["seconds"].as_f64().unwrap(), second["seconds"].as_f64().unwrap());
        if after > before + SLACK {
            found.push(format!("{step}: {before:.1} s and {after:.1} s"));
        }
    }
    if oracle.len() != other.len() {
        found.push(format!("{} steps and {}", oracle.len(), other.len()));
    }
    found
}

/// What only one of two lists has, each as often as it has it more. Two objects that remain alone are compared by field.
fn parted(first: &Value, second: &Value) -> Vec<String> {
    let mut left: Vec<&Value> = first.as_array().unwrap().iter().collect();
    let mut right = Vec::new();
    for one in second.as_array().unwrap() {
        match left.iter().position(|other| *other == one) {
            Some(place) => drop(left.remove(place)),
            None => right.push(one),
        }
    }
    if let ([one], [other]) = (&left[..], &right[..])
        && let (Some(one), Some(other)) = (one.as_object(), other.as_object())
    {
        let fields = one.iter().filter(|(field, value)| other.get(*field) != Some(value));
        let name = one.get("comm").unwrap_or(&Value::Null);
        return fields
            .map(|(field, value)| format!("{name}: {field}: {value} and {}", other[field]))
            .collect();
    }
    let short = |one: &Value| match one["argv"].as_str() {
        Some(argv) => format!("{} ({argv})", one["comm"]),
        None => one.to_string(),
    };
    let gone = left.iter().map(|one| format!("only with the oracle: {}", short(one)));
    gone.chain(right.iter().map(|one| format!("only with the other: {}", short(one)))).collect()
}

/// One field of all steps, as a word each.
pub fn across(steps: &[Value], field: &str) -> String {
    let words = steps.iter().map(|step| step[field].to_string().trim_matches('"').to_owned());
    words.collect::<Vec<_>>().join(" ")
}
