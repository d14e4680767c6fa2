//! What is remembered of the health of an instance.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};

use crate::spec::Rare;
use crate::units::BootTime;

crate::usual!(Said);

/// The health of one process; begins anew with each process.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Health {
    /// What the service said of itself.
    pub said: Rare<Said>,
    /// When liveness was last asked for.
    pub probed: Option<BootTime>,
    /// Liveness failed so often in a row.
    pub failures: u32,
    /// The last answer about liveness.
    pub lives: Option<bool>,
    /// It gave signs of life that liveness rests on.
    pub beaten: bool,
    /// Why the last answer about readiness was no.
    pub detail: Rare<String>,
    /// Why the last answer about liveness was no, or none.
    pub ailment: Rare<String>,
    /// The program on disk, as it was when the process was first seen.
    pub image: Option<Image>,
    /// Whether the identity rule of its document finds the process; `None` until that was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recognized: Option<bool>,
    /// Another program stands there now, since this moment.
    pub replaced: Option<Box<(Image, BootTime)>>,
    /// A reload was asked for because of this one.
    pub reloaded_for: Option<Box<Image>>,
    /// The process shall be started anew: why, as the end of a sentence.
    pub restart: Option<String>,
}

/// What a service said of itself by `sd_notify(3)`.
#[expect(clippy::struct_excessive_bools, reason = "words, each said or not")]
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Said {
    /// `READY=1`
    pub ready: bool,
    /// `STOPPING=1`
    pub stopping: bool,
    /// `STATUS=`, for people.
    pub status: String,
    /// `WATCHDOG=trigger`: it calls itself dead.
    pub dead: bool,
    /// `EXTEND_TIMEOUT_USEC`: its start may take until then.
    pub until: Option<BootTime>,
    /// Nobody listened for a time since it began, so that it may have said more than is known.
    pub deaf: bool,
}

/// Which program a path led to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Image {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Bytes.
    pub size: u64,
    /// Last change of its content, nanoseconds since the epoch.
    #[serde(deserialize_with = "at_most")]
    pub modified: i64,
}

/// Former versions wrote moments of any century.
fn at_most<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    let modified = i128::deserialize(deserializer)?;
    Ok(i64::try_from(modified).unwrap_or(if modified < 0 { i64::MIN } else { i64::MAX }))
}

/// Where a trigger stands. It outlives the process, so that a restart that didn't help isn't repeated.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TriggerState {
    /// The condition has been what it is since then, as far as it was seen.
    pub since: Option<BootTime>,
    /// What it was last.
    pub holds: bool,
    /// It acted, and the condition wasn't false for long enough since.
    pub fired: bool,
    /// The last look couldn't tell: the time since then counts for nothing.
    pub blind: bool,
    /// When it was last looked at.
    pub asked: Option<BootTime>,
}

/// By the text of the condition.
pub type Triggers = BTreeMap<String, TriggerState>;

impl Health {
    /// Nothing worth writing down.
    pub fn is_blank(&self) -> bool {
        *self == Self::default()
    }
}

impl Said {
    /// Takes in what was heard since.
    pub fn hear(&mut self, news: &Self) {
        self.ready |= news.ready;
        self.stopping |= news.stopping;
        self.dead |= news.dead;
        if !news.status.is_empty() {
            self.status.clone_from(&news.status);
        }
        self.until = self.until.max(news.until);
        self.deaf |= news.deaf;
    }
}
