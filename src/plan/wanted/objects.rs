//! Which objects somebody means.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::diagnostic::did_you_mean;
use crate::plan::memory::{Memory, Record};
use crate::spec::ServiceName;

/// Objects on record: by name, or those with some labels, or all of them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Objects {
    /// These.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// Those with all of these labels.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub selector: BTreeMap<String, String>,
    /// All that there are.
    #[serde(skip_serializing_if = "is_false")]
    pub all: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this form")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// Reads `key=value,key2=value2`.
///
/// # Errors
/// A sentence.
pub fn parse_selector(text: &str) -> Result<BTreeMap<String, String>, String> {
    text.split(',')
        .map(|part| match part.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                Ok((key.trim().to_owned(), value.trim_start_matches('=').trim().to_owned()))
            }
            _ => Err(format!("`{part}` is not a selector, write `key=value`")),
        })
        .collect()
}

/// Before the name of a policy, where an object may have the same one.
const POLICY: &str = "policy/";

/// Whether a text names this policy: `no-telnet` or `policy/no-telnet`.
pub fn names_policy(text: &str, name: &ServiceName) -> bool {
    text.strip_prefix(POLICY).unwrap_or(text) == name.as_str()
}

impl Objects {
    /// Takes out the names that mean policies: those that say so, and those that no object on record has.
    pub(super) fn take_policies(
        &mut self,
        memory: &Memory,
        is_policy: &dyn Fn(&ServiceName) -> bool,
    ) -> BTreeSet<ServiceName> {
        let mut policies = BTreeSet::new();
        self.names.retain(|text| {
            let said = text.strip_prefix(POLICY);
            let Ok(name) = ServiceName::new(said.unwrap_or(text)) else { return true };
            let means = is_policy(&name) && (said.is_some() || !memory.services.contains_key(&name));
            if means {
                policies.insert(name);
            }
            !means
        });
        policies
    }

    /// A single one.
    pub fn one(name: &ServiceName) -> Self {
        Self { names: vec![name.as_str().to_owned()], ..Self::default() }
    }

    /// Whether an object is meant. Nothing that is said of objects means all of them, for whoever only looks.
    pub fn covers(&self, name: &ServiceName, record: Option<&Record>) -> bool {
        let named = self.names.is_empty() || self.names.iter().any(|wanted| wanted == name.as_str());
        named && (self.selector.is_empty() || record.is_some_and(|record| self.labelled(record)))
    }

    fn labelled(&self, record: &Record) -> bool {
        self.selector.iter().all(|(key, value)| record.spec.labels.get(key) == Some(value))
    }

    /// The objects on record that are meant. What speaks against one that was named is an error; with `all` and with a
    /// selector it is left out.
    ///
    /// # Errors
    /// A sentence for each object that can't be had, or one that nothing was chosen.
    pub(super) fn resolve(
        &self,
        memory: &Memory,
        objection: &dyn Fn(&Record) -> Option<String>,
    ) -> Result<BTreeSet<ServiceName>, Vec<String>> {
        if self.names.is_empty() {
            return self.chosen(memory, objection);
        }
        let mut names = BTreeSet::new();
        let mut problems = Vec::new();
        for text in &self.names {
            let known = ServiceName::new(text).ok().and_then(|name| memory.services.get_key_value(&name));
            match known {
                Some((name, record)) => {
                    problems.extend(objection(record));
                    names.insert(name.clone());
                }
                None => problems.push(no_object(text, memory.services.keys().map(ServiceName::as_str))),
            }
        }
        if problems.is_empty() { Ok(names) } else { Err(problems) }
    }

    fn chosen(
        &self,
        memory: &Memory,
        objection: &dyn Fn(&Record) -> Option<String>,
    ) -> Result<BTreeSet<ServiceName>, Vec<String>> {
        if self.selector.is_empty() && !self.all {
            return Err(vec!["no object was named".to_owned()]);
        }
        let meant = |record: &Record| self.labelled(record) && objection(record).is_none();
        let chosen: BTreeSet<ServiceName> = memory
            .services
            .iter()
            .filter(|(_, record)| meant(record))
            .map(|(name, _)| name.clone())
            .collect();
        if chosen.is_empty() && !self.all {
            return Err(vec![format!("no object with `{}` is on record", self.labels())]);
        }
        Ok(chosen)
    }

    fn labels(&self) -> String {
        let labels: Vec<String> = self.selector.iter().map(|(key, value)| format!("{key}={value}")).collect();
        labels.join(",")
    }
}

/// `no object `shpo` is on record; did you mean `shop`?`
pub fn no_object<'a>(text: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let hint = did_you_mean(text, known).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    format!("no object `{text}` is on record{hint}")
}

impl fmt::Display for Objects {
    /// As it is typed: `shop other`, `-l team=shop`, `--all`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.names.is_empty(), self.selector.is_empty()) {
            (false, _) => f.write_str(&self.names.join(" ")),
            (true, false) => write!(f, "-l {}", self.labels()),
            (true, true) => f.write_str("--all"),
        }
    }
}
