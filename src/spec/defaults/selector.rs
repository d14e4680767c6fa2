//! Which labels are chosen, in the form that Kubernetes gave it.

use std::collections::BTreeMap;

/// Conditions on labels, all of which have to hold.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Selector {
    /// These labels with these values.
    pub labels: BTreeMap<String, String>,
    /// These conditions.
    pub requirements: Vec<Requirement>,
}

/// One condition.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Requirement {
    /// Name of the label.
    pub key: String,
    /// What is asked of it.
    pub operator: Operator,
    /// For `In` and `NotIn`.
    pub values: Vec<String>,
}

/// What is asked of a label.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_chosen_by_value_and_by_condition() {
        let labels: BTreeMap<String, String> =
            [("tier", "web"), ("zone", "a")].map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        let rows: [(&[(&str, &str)], &str, Operator, &[&str], bool); 10] = [
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
