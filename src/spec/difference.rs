//! In which fields two documents differ: the last word of history and events on "what changed".

use std::time::Duration;

use serde_json::{Map, Value};

use super::Service;
use crate::units::format_duration;

/// Deeper than that a part is compared as a whole.
const DEPTH: usize = 3;
/// Where a document stands and where values come from is no part of what it means.
const NO_MEANING: [&str; 2] = ["origin", "defaults"];

/// One field that differs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldDifference {
    /// As in documents: `args`, `readiness.period`.
    pub field: String,
    /// What it was; of variables of the environment nothing is told, since they may be secret.
    pub from: String,
    /// What it is.
    pub to: String,
}

/// The names of the fields that differ, in order.
pub fn changed_fields(was: &Service, is: &Service) -> Vec<String> {
    differences(was, is).into_iter().map(|difference| difference.field).collect()
}

/// The fields that differ, in order.
pub fn differences(was: &Service, is: &Service) -> Vec<FieldDifference> {
    let mut found = Vec::new();
    // A document can always be written as JSON: the ledger does so.
    if let (Ok(Value::Object(was)), Ok(Value::Object(is))) =
        (serde_json::to_value(was), serde_json::to_value(is))
    {
        of_maps("", &was, &is, DEPTH, &mut found);
    }
    found
}

fn of_maps(
    prefix: &str,
    was: &Map<String, Value>,
    is: &Map<String, Value>,
    depth: usize,
    found: &mut Vec<FieldDifference>,
) {
    let names: std::collections::BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    for name in names {
        let (before, now) = (was.get(name).unwrap_or(&Value::Null), is.get(name).unwrap_or(&Value::Null));
        if before == now || (prefix.is_empty() && NO_MEANING.contains(&name.as_str())) {
            continue;
        }
        let field = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        match (before, now) {
            (Value::Object(before), Value::Object(now))
                if depth > 1 && duration(before).is_none() && duration(now).is_none() =>
            {
                of_maps(&field, before, now, depth - 1, found);
            }
            _ if prefix == "env" => found.push(of_variable(field, before, now)),
            _ => found.push(FieldDifference { field, from: shown(before), to: shown(now) }),
        }
    }
}

fn of_variable(field: String, before: &Value, now: &Value) -> FieldDifference {
    let word = |value: &Value, other: &str| match value {
        Value::Null => "nothing".to_owned(),
        _ => other.to_owned(),
    };
    FieldDifference { field, from: word(before, "a value"), to: word(now, "another value") }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".into(),
        Value::Object(map) => duration(map).map_or_else(|| value.to_string(), format_duration),
        Value::String(text) => format!("{text:?}"),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => value.to_string(),
    }
}

/// The form that durations are kept in.
fn duration(map: &Map<String, Value>) -> Option<Duration> {
    let (secs, nanos) = (map.get("secs")?.as_u64()?, map.get("nanos")?.as_u64()?);
    (map.len() == 2).then(|| Duration::from_secs(secs).saturating_add(Duration::from_nanos(nanos)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::spec::ServiceName;

    #[test]
    fn fields_that_differ_are_named_as_in_documents() {
        let web = Service::new(ServiceName::new("web").unwrap(), "/bin/web".into());
        let mut other = web.clone();
        other.origin.line = 7;
        assert_eq!(differences(&web, &other), []);
        other.args = vec!["--port".into(), "81".into()];
        other.env.insert("TOKEN".into(), "secret".into());
        other.readiness.period = Duration::from_millis(1500);
        other.umask = 0o077;
        let words: Vec<String> = differences(&web, &other)
            .into_iter()
            .map(|difference| format!("{} {} {}", difference.field, difference.from, difference.to))
            .collect();
        let period = format_duration(web.readiness.period);
        assert_eq!(
            words,
            [
                "args [] [\"--port\",\"81\"]",
                "env.TOKEN nothing another value",
                &format!("readiness.period {period} 1.5s"),
                "umask 18 63",
            ]
        );
        assert!(!words.iter().any(|words| words.contains("secret")));
    }
}
