//! Which hosts a document is for, so that one directory can serve many.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::lang::{Missing, Verdict};
use crate::spec::defaults::Selector;
use crate::spec::host_facts;

/// `spec.hosts`: the hosts that an object is for. Everything that is given has to hold.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hosts {
    /// Globs, one of which the host's name matches, with or without its domain. Empty: any name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<String>,
    /// What the host's labels are. Without conditions: any.
    #[serde(default, skip_serializing_if = "Selector::is_empty")]
    pub selector: Selector,
    /// A condition on the facts of the host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
}

/// What a host is called, for `spec.hosts`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KnownHost {
    /// Its name, with its domain where it says so.
    pub name: String,
    /// What it was given by whoever runs it.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What else is known of it, by the names that conditions give it; sizes in bytes.
    #[serde(default)]
    pub facts: BTreeMap<String, String>,
    /// What isn't among the facts is known not to be there; else it isn't known.
    #[serde(default)]
    pub is_known: bool,
}

impl Hosts {
    /// Why an object isn't for this host, as the end of a sentence; nothing if it is.
    pub fn excludes(&self, host: &KnownHost) -> Option<String> {
        if !self.names.is_empty() && !self.names.iter().any(|pattern| host.is_called(pattern)) {
            let names: Vec<String> = self.names.iter().map(|name| format!("`{name}`")).collect();
            return Some(format!("`{}` is not {}", host.name, names.join(" or ")));
        }
        if let Some(wanted) = self.selector.unmet(&host.labels) {
            return Some(format!("`{}` doesn't have {wanted}", host.name));
        }
        let when = self.when.as_ref()?;
        match host_facts::holds(when, host) {
            Verdict::NoMatch => Some(format!("`{}` is not as `{when}` wants it", host.name)),
            // Who asks whether it is known refuses the document.
            Verdict::Match | Verdict::Unknown(_) => None,
        }
    }

    /// What isn't known of this host, if it can't be told for want of it whether an object is for it.
    pub fn undecided(&self, host: &KnownHost) -> Option<Vec<Missing>> {
        let others = Self { when: None, ..self.clone() };
        match host_facts::holds(self.when.as_ref()?, host) {
            Verdict::Unknown(missing) if others.excludes(host).is_none() => Some(missing),
            Verdict::Unknown(_) | Verdict::Match | Verdict::NoMatch => None,
        }
    }
}

impl KnownHost {
    /// Whether this glob is its name, with or without its domain. A pattern that is none matches nothing: reading refused it.
    pub fn is_called(&self, pattern: &str) -> bool {
        let short = self.name.split('.').next().unwrap_or_default();
        globset::Glob::new(pattern).is_ok_and(|glob| {
            let glob = glob.compile_matcher();
            glob.is_match(&self.name) || glob.is_match(short)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::defaults::{Operator, Requirement};

    fn host(name: &str, labels: &[(&str, &str)]) -> KnownHost {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        KnownHost { name: name.into(), labels, ..KnownHost::default() }
    }

    #[test]
    fn a_document_says_which_hosts_it_is_for() {
        let web = host("web-3.example.org", &[("role", "web"), ("zone", "a")]);
        let role = |role: &str| Selector {
            labels: [("role".to_owned(), role.to_owned())].into(),
            requirements: Vec::new(),
        };
        let elsewhere = Selector {
            labels: BTreeMap::new(),
            requirements: vec![Requirement {
                key: "zone".into(),
                operator: Operator::NotIn,
                values: vec!["a".into(), "b".into()],
            }],
        };
        let rows: [(&[&str], Selector, Option<&str>); 8] = [
            (&[], Selector::default(), None),
            (&["web-*"], Selector::default(), None),
            (&["web-3"], role("web"), None),
            (&["web-3.example.org"], Selector::default(), None),
            (&["db-*", "web-?"], Selector::default(), None),
            (&["db-*", "mail"], Selector::default(), Some("`web-3.example.org` is not `db-*` or `mail`")),
            (&["web-*"], role("db"), Some("`web-3.example.org` doesn't have the label `role: db`")),
            (&[], elsewhere, Some("`web-3.example.org` doesn't have a label `zone` other than `a`, `b`")),
        ];
        for (names, selector, why) in rows {
            let names = names.iter().map(|name| (*name).to_owned()).collect();
            let hosts = Hosts { names, selector, when: None };
            assert_eq!(hosts.excludes(&web).as_deref(), why, "{hosts:?}");
        }
    }
}
