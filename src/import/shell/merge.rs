//! Two ways that a script may have gone, as one state.

use std::collections::BTreeMap;

use super::machine::{State, Variable};
use super::value::{Doubt, Value};
use crate::import::found::Place;

/// What is the same both ways stays; what differs is a doubt about the test that decides.
pub(super) fn merge(one: State, other: &State, place: &Place) -> State {
    let mut merged = one;
    let names: Vec<String> = merged.variables.keys().chain(other.variables.keys()).cloned().collect();
    for name in names {
        let (a, b) = (merged.variables.get(&name), other.variables.get(&name));
        let joined = match (a, b) {
            (Some(a), Some(b)) if a.value == b.value => {
                Variable { value: a.value.clone(), exported: a.exported || b.exported }
            }
            (Some(a), Some(b)) => {
                Variable { value: differs(&name, place), exported: a.exported || b.exported }
            }
            // Not set is empty for whoever expands it.
            (Some(only), None) | (None, Some(only)) if only.value.is_empty() => only.clone(),
            (Some(only), None) | (None, Some(only)) => {
                Variable { value: differs(&name, place), exported: only.exported }
            }
            (None, None) => continue,
        };
        merged.variables.insert(name, joined);
    }
    for (name, body) in &other.functions {
        merged.functions.entry(name.clone()).or_insert_with(|| body.clone());
    }
    if merged.parameters != other.parameters {
        let longest = merged.parameters.len().max(other.parameters.len());
        merged.parameters = (1..=longest).map(|number| differs(&number.to_string(), place)).collect();
    }
    for (mine, theirs, what) in
        [(&mut merged.umask, &other.umask, "umask"), (&mut merged.directory, &other.directory, "cd")]
    {
        if mine != theirs {
            *mine = Some(decided(what, place));
        }
    }
    if merged.limits != other.limits {
        merged.limits = join_limits(&merged.limits, &other.limits, place);
    }
    merged
}

fn join_limits(
    one: &BTreeMap<String, Value>,
    other: &BTreeMap<String, Value>,
    place: &Place,
) -> BTreeMap<String, Value> {
    let names = one.keys().chain(other.keys());
    names
        .map(|name| match (one.get(name), other.get(name)) {
            (Some(a), Some(b)) if a == b => (name.clone(), a.clone()),
            _ => (name.clone(), decided(&format!("ulimit -{name}"), place)),
        })
        .collect()
}

fn differs(name: &str, place: &Place) -> Value {
    decided(&format!("${name}"), place)
}

fn decided(text: &str, place: &Place) -> Value {
    let why = "it depends on a test whose outcome isn't known".to_owned();
    Value::doubt(Doubt { text: text.to_owned(), why, place: place.clone() })
}
