//! Which labels are chosen, in the form that Kubernetes gave it.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Conditions on labels, all of which have to hold.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    /// These labels with these values.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// These conditions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requirements: Vec<Requirement>,
}

/// One condition.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requirement {
    /// Name of the label.
    pub key: String,
    /// What is asked of it.
    pub operator: Operator,
    /// For `In` and `NotIn`.
    pub values: Vec<String>,
}

/// What is asked of a label.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Operator {
    /// It has one of the values.
    In,
    /// It has none of the values, or isn't there.
    NotIn,
    /// It is there.
    Exists,
    /// It isn't there.
    DoesNotExist,
}

impl Selector {
    /// Whether these labels are chosen. One without conditions chooses everything.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.labels.iter().all(|(key, value)| labels.get(key) == Some(value))
            && self.requirements.iter().all(|requirement| requirement.holds(labels.get(&requirement.key)))
    }

    /// Whether it chooses everything.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.requirements.is_empty()
    }

    /// The first condition that these labels don't meet, as the object of a sentence.
    pub fn unmet(&self, labels: &BTreeMap<String, String>) -> Option<String> {
        let label = self.labels.iter().find(|(key, value)| labels.get(*key) != Some(*value));
        let label = label.map(|(key, value)| format!("the label `{key}: {value}`"));
        label.or_else(|| {
            let unmet = self.requirements.iter().find(|one| !one.holds(labels.get(&one.key)))?;
            Some(unmet.to_string())
        })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return write!(f, "whatever labels there are");
        }
        let labels = self.labels.iter().map(|(key, value)| format!("the label `{key}: {value}`"));
        let all: Vec<String> = labels.chain(self.requirements.iter().map(ToString::to_string)).collect();
        write!(f, "{}", all.join(" and "))
    }
}

impl Requirement {
    fn holds(&self, value: Option<&String>) -> bool {
        let among = value.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::In => among,
            Operator::NotIn => !among,
            Operator::Exists => value.is_some(),
            Operator::DoesNotExist => value.is_none(),
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let values: Vec<String> = self.values.iter().map(|value| format!("`{value}`")).collect();
        let (key, values) = (&self.key, values.join(", "));
        match self.operator {
            Operator::In => write!(f, "a label `{key}` that is one of {values}"),
            Operator::NotIn => write!(f, "a label `{key}` other than {values}"),
            Operator::Exists => write!(f, "a label `{key}`"),
            Operator::DoesNotExist => write!(f, "no label `{key}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Row<'a> = (&'a [(&'a str, &'a str)], &'a str, Operator, &'a [&'a str], bool);

    #[test]
    fn labels_are_chosen_by_value_and_by_condition() {
        let labels: BTreeMap<String, String> =
            [("tier", "web"), ("zone", "a")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let rows: [Row<'_>; 10] = [
            (&[], "tier", Operator::Exists, &[], true),
            (&[("tier", "web")], "zone", Operator::Exists, &[], true),
            (&[("tier", "api")], "zone", Operator::Exists, &[], false),
            (&[("other", "web")], "zone", Operator::Exists, &[], false),
            (&[], "tier", Operator::In, &["api", "web"], true),
            (&[], "tier", Operator::In, &["api"], false),
            (&[], "other", Operator::In, &["api"], false),
            (&[], "tier", Operator::NotIn, &["web"], false),
            (&[], "other", Operator::NotIn, &["web"], true),
            (&[], "other", Operator::DoesNotExist, &[], true),
        ];
        for (wanted, key, operator, values, chosen) in rows {
            let values = values.iter().map(|value| (*value).to_owned()).collect();
            let selector = Selector {
                labels: wanted.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
                requirements: vec![Requirement { key: key.into(), operator, values }],
            };
            assert_eq!(selector.matches(&labels), chosen, "{wanted:?} {key} {operator:?}");
        }
        assert!(Selector::default().matches(&BTreeMap::new()));
    }
}
