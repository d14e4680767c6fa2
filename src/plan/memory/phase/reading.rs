//! How a phase is read: which one it is stands first, as it is written, so that the rest of the commonest one can be read as what it is. A form
//! that may say it anywhere is put aside as a whole before it is read, which was a sixth of reading a ledger.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeSeed, IntoDeserializer as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Phase;
use crate::plan::memory::Process;
use crate::units::BootTime;

impl Serialize for Phase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // As it is derived.
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Phase {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Reading)
    }
}

/// What `Phase::Running` holds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    process: Process,
    ready_since: BootTime,
    probe_failures: u32,
    #[serde(default)]
    probed: Option<BootTime>,
}

#[derive(Deserialize)]
struct Text<'t>(#[serde(borrow)] Cow<'t, str>);

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Phase;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a phase")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Phase, A::Error> {
        let key = map.next_key::<Text<'de>>()?.map(|Text(key)| key);
        let value = match &key {
            Some(key) if key == "is" => Some(map.next_value::<Text<'de>>()?.0),
            Some(_) | None => None,
        };
        if value.as_deref() == Some("running") {
            let Running { process, ready_since, probe_failures, probed } =
                Running::deserialize(MapAccessDeserializer::new(map))?;
            return Ok(Phase::Running { process, ready_since, probe_failures, probed });
        }
        Phase::deserialize(MapAccessDeserializer::new(Again { key, value, map }))
    }
}

/// A map of which the first key was read already, and its value if that is a text.
struct Again<'de, A> {
    key: Option<Cow<'de, str>>,
    value: Option<Cow<'de, str>>,
    map: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Again<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, A::Error> {
        match self.key.take() {
            Some(key) => seed.deserialize(key.into_deserializer()).map(Some),
            None => self.map.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        match self.value.take() {
            Some(value) => seed.deserialize(value.into_deserializer()),
            None => self.map.next_value_seed(seed),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::facts::ProcessKey;
    use crate::units::{BootId, Pid, StartTicks};

    fn process() -> Process {
        Process::bare(ProcessKey { boot: BootId("b".into()), pid: Pid(7), start: StartTicks(8) })
    }

    #[test]
    fn a_phase_is_read_wherever_it_says_which_one_it_is() {
        let since = BootTime::default();
        for phase in [
            Phase::Vacant,
            Phase::Finished,
            Phase::BackOff { until: since },
            Phase::Running { process: process(), ready_since: since, probe_failures: 3, probed: Some(since) },
            Phase::Starting { process: process(), since, starter: true, probed: None, left: Vec::new() },
        ] {
            let text = serde_json::to_string(&phase).unwrap();
            assert!(text.starts_with(r#"{"is":""#), "{text}");
            assert_eq!(serde_json::from_str::<Phase>(&text).unwrap(), phase);
            // By the order of names it comes later, where there is something before it.
            let value: serde_json::Value = serde_json::from_str(&text).unwrap();
            let mut rows: Vec<String> =
                value.as_object().unwrap().iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
            rows.reverse();
            assert_eq!(serde_json::from_str::<Phase>(&format!("{{{}}}", rows.join(","))).unwrap(), phase);
            rows.push("\"ofANewerVersion\":{\"is\":1}".into());
            rows.rotate_right(1);
            assert_eq!(serde_json::from_str::<Phase>(&format!("{{{}}}", rows.join(","))).unwrap(), phase);
            assert_eq!(serde_json::from_value::<Phase>(value).unwrap(), phase);
        }
        for text in
            ["{}", r#"{"is":"running"}"#, r#"{"is":"nothing"}"#, r#"{"is":1}"#, "[]", "7", r#"{"since":1}"#]
        {
            assert!(serde_json::from_str::<Phase>(text).is_err(), "{text}");
        }
    }
}
