//! What is remembered of policies across the death of an engine, in this boot.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{Acted, Fights, PolicyMemory};
use crate::plan::memory::Suspension;
use crate::spec::policy::Policy;
use crate::spec::{Origin, ServiceName};
use crate::units::BootId;

/// All of it. Times and keys are of one boot; in another one all of it is void.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeptPolicies {
    /// Of this boot.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub boot: Option<BootId>,
    /// By name.
    pub policies: BTreeMap<ServiceName, KeptPolicy>,
    /// What policies did lately.
    pub fights: Fights,
}

/// What is remembered of one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeptPolicy {
    /// Of a document with this meaning.
    pub meaning: String,
    /// What was seen and done.
    pub memory: PolicyMemory,
    /// What it did last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub acted: Option<Acted>,
    /// A person has it left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspension: Option<Suspension>,
}

/// Two documents with the same one lead to the same: it says nothing of where they stand.
pub fn meaning(policy: &Policy) -> String {
    let bare = Policy { origin: Origin::default(), labels: BTreeMap::new(), ..policy.clone() };
    let text = serde_json::to_vec(&bare).unwrap_or_default();
    Sha256::digest(&text).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
