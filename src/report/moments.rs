//! Moments of a status, as programs read them.

use std::time::Duration;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::units::WallTime;

/// A status, or what holds one, as JSON with each moment in RFC 3339: `"2030-01-31T08:00:00.000Z"`. Between an engine and the
/// verbs, and on record, a moment is a pair of numbers.
///
/// The moment of an interval, under `boot`, is told in seconds since the boot.
pub fn moments(status: &impl Serialize) -> Value {
    let mut value = serde_json::to_value(status).unwrap_or_default();
    rewrite("", &mut value);
    value
}

fn rewrite(key: &str, value: &mut Value) {
    match value {
        Value::Object(fields) => match pair(fields) {
            Some(since_boot) if key == "boot" => *value = since_boot.as_secs_f64().into(),
            Some(since_1970) => *value = WallTime(since_1970).rfc3339().into(),
            None => fields.iter_mut().for_each(|(key, value)| rewrite(key, value)),
        },
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(key, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Seconds and nanoseconds, if it is nothing else.
fn pair(fields: &Map<String, Value>) -> Option<Duration> {
    let number = |key: &str| fields.get(key).and_then(Value::as_u64);
    let (seconds, nanos) = (number("secs")?, u32::try_from(number("nanos")?).ok()?);
    (fields.len() == 2 && nanos < 1_000_000_000).then(|| Duration::new(seconds, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_texts_and_everything_else_stays() {
        let status = serde_json::json!({
            "since": {"secs": 60, "nanos": 5_000_000}, "restarts": 3, "lastExit": {"code": 1},
            "task": {"underWay": {"schedule": {"boot": {"secs": 12, "nanos": 500_000_000}}}, "next": null},
            "conditions": [{"lastTransitionTime": {"secs": 0, "nanos": 0}}],
        });
        let expected = serde_json::json!({
            "since": "1970-01-01T00:01:00.005Z", "restarts": 3, "lastExit": {"code": 1},
            "task": {"underWay": {"schedule": {"boot": 12.5}}, "next": null},
            "conditions": [{"lastTransitionTime": "1970-01-01T00:00:00.000Z"}],
        });
        assert_eq!(moments(&status), expected);
    }
}
