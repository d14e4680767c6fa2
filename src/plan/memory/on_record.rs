//! How the end of a process stands in records.
//!
//! Former versions don't know [`Exit::Unwatched`], read the same format, and would lose the whole record over it: what runs would be on no record. What
//! they know is `unknown`, for which they take `{"unknown":null}` as well as `"unknown"`. The first says that nobody watched.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Exit;

/// An end in this form.
struct OnRecord<E>(E);

#[derive(Serialize, Deserialize)]
struct Unwatched {
    unknown: (),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Read {
    Unwatched(Unwatched),
    /// Also `"unwatched"`, as it was written for a while.
    Other(Exit),
}

impl Serialize for OnRecord<&Exit> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Exit::Unwatched => Unwatched { unknown: () }.serialize(serializer),
            exit => exit.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for OnRecord<Exit> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Read::deserialize(deserializer).map(|read| match read {
            Read::Unwatched(Unwatched { unknown: () }) => Self(Exit::Unwatched),
            Read::Other(exit) => Self(exit),
        })
    }
}

/// Writes an end.
pub(super) fn serialize<S: Serializer>(exit: &Exit, serializer: S) -> Result<S::Ok, S::Error> {
    OnRecord(exit).serialize(serializer)
}

/// Reads an end.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Exit, D::Error> {
    OnRecord::deserialize(deserializer).map(|OnRecord(exit)| exit)
}

/// The same where there may be none.
pub(super) mod optional {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    use super::{Exit, OnRecord};

    /// Writes an end.
    #[expect(clippy::ref_option, reason = "so it is called by what serde derives")]
    pub(in crate::plan::memory) fn serialize<S: Serializer>(
        exit: &Option<Exit>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        exit.as_ref().map(OnRecord).serialize(serializer)
    }

    /// Reads an end.
    pub(in crate::plan::memory) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Exit>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(|OnRecord(exit)| exit))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;
    use crate::facts::ProcessKey;
    use crate::plan::memory::{Exited, Instance, Phase, Process};
    use crate::spec::Rare;
    use crate::units::{BootId, BootTime, Pid, Signal, StartTicks};

    /// As former versions have them: with neither the new end nor a form of its own.
    #[derive(Deserialize, PartialEq, Debug)]
    #[serde(rename_all = "camelCase")]
    enum FormerExit {
        Code(i32),
        Signal(Signal),
        OutOfMemory,
        Unknown,
        Stopped,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct FormerInstance {
        phase: FormerPhase,
        #[serde(default)]
        last_exit: Option<FormerExit>,
    }

    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase", tag = "is")]
    enum FormerPhase {
        Stopping { exited: Option<Box<FormerExited>> },
    }

    #[derive(Deserialize)]
    struct FormerExited {
        exit: FormerExit,
    }

    fn ended(exit: Exit) -> Instance {
        let key = ProcessKey { boot: BootId("b".into()), pid: Pid(7), start: StartTicks(3) };
        let phase = Phase::Stopping {
            process: Process::bare(key),
            tree: Vec::new(),
            noted: true,
            main_gone: true,
            step: 0,
            sent: false,
            overdue: false,
            failed: false,
            since: BootTime::default(),
            because: String::new(),
            stop: Rare::default(),
            exited: Some(Box::new(Exited { exit: exit.clone(), ready_for: None })),
        };
        Instance { phase, last_exit: Some(exit), ..Instance::default() }
    }

    fn read<T: DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn former_versions_read_every_end_and_this_one_what_both_write() {
        for (exit, form, former) in [
            (Exit::Code(-3), json!({"code": -3}), FormerExit::Code(-3)),
            (Exit::Signal(Signal::TERM), json!({"signal": "TERM"}), FormerExit::Signal(Signal::TERM)),
            (Exit::OutOfMemory, json!("outOfMemory"), FormerExit::OutOfMemory),
            (Exit::Unknown, json!("unknown"), FormerExit::Unknown),
            (Exit::Unwatched, json!({"unknown": null}), FormerExit::Unknown),
            (Exit::Stopped, json!("stopped"), FormerExit::Stopped),
        ] {
            let instance = ended(exit);
            let text = serde_json::to_string(&instance).unwrap();
            let value: serde_json::Value = read(&text);
            for place in ["/lastExit", "/phase/exited/exit"] {
                assert_eq!(value.pointer(place), Some(&form), "{place}");
            }
            assert_eq!(read::<Instance>(&text), instance);
            let FormerInstance { phase: FormerPhase::Stopping { exited }, last_exit } = read(&text);
            assert_eq!(last_exit.as_ref(), Some(&former));
            assert_eq!(exited.unwrap().exit, former);
        }
    }

    #[test]
    fn what_was_written_for_a_while_is_read_and_what_nobody_writes_is_not() {
        let read = |end: serde_json::Value| {
            let text = json!({"phase": {"is": "vacant"}, "lastExit": end}).to_string();
            serde_json::from_str::<Instance>(&text).map(|instance| instance.last_exit)
        };
        assert_eq!(read(json!("unwatched")).unwrap(), Some(Exit::Unwatched));
        assert_eq!(read(json!(null)).unwrap(), None);
        for wrong in [json!("gone"), json!({"unknown": 1}), json!({}), json!(3)] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn people_and_programs_are_told_it_by_its_name() {
        assert_eq!(json!(Exit::Unwatched), json!("unwatched"));
    }
}
