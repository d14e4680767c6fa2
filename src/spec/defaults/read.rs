//! A document of kind Defaults from its `spec`.

use std::path::PathBuf;
use std::sync::Arc;

use super::{DefaultsDocument, Operator, Requirement, Selector};
use crate::spec::decode::{Decoder, Object, Value};
use crate::spec::{Service, ServiceName, codes, service, table};
use crate::yaml::Scalar;

/// Reads the `spec` of a document with this name, and tries its values on a Service that has nothing else.
pub(in crate::spec) fn read(
    value: &Value<'_>,
    name: &Scalar,
    d: &mut Decoder<'_>,
) -> Option<DefaultsDocument> {
    if let Err(message) = ServiceName::new(&name.text) {
        let said = format!("`{}` can't be a name: {message}", name.text);
        let said = crate::diagnostic::Diagnostic::error(codes::NAME, said).at(name.span, "");
        d.say(said.help("write for example `base`"));
        return None;
    }
    let object = Object::open(value, &table::DEFAULTS, d)?;
    let mut selector = Some(Selector::default());
    if let Some(value) = object.get("selector", d) {
        selector = read_selector(&value, d);
    }
    let mut weight = 0;
    object.set("weight", &mut weight, d, |value, d| value.integer(-1000, 1000, d));
    let values = object.get("values", d)?;
    let mut trial = Service::new(ServiceName::new("trial").ok()?, PathBuf::from("/"));
    service::read_values(&values, &mut trial, d);
    Some(DefaultsDocument {
        name: name.text.to_string(),
        source: Arc::clone(&d.source),
        name_at: name.span,
        selector: selector?,
        weight,
        values: values.node.clone(),
        directory: d.directory.map(str::to_owned),
    })
}

/// Reads a selector of labels.
pub(in crate::spec) fn read_selector(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Selector> {
    let object = Object::open(value, &table::SELECTOR, d)?;
    let (mut labels, mut requirements) = (Some(std::collections::BTreeMap::new()), Some(Vec::new()));
    if let Some(value) = object.get("matchLabels", d) {
        labels = service::texts(&value, true, d);
    }
    if let Some(value) = object.get("matchExpressions", d) {
        requirements = value.list(d, requirement);
    }
    Some(Selector { labels: labels?, requirements: requirements? })
}

fn requirement(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Requirement> {
    let object = Object::open(value, &table::REQUIREMENT, d)?;
    let (mut key, mut operator, mut values) = (None, None, Vec::new());
    object.set_some("key", &mut key, d, Value::nonempty);
    let operators = [
        ("In", Operator::In),
        ("NotIn", Operator::NotIn),
        ("Exists", Operator::Exists),
        ("DoesNotExist", Operator::DoesNotExist),
    ];
    object.set_some_word("operator", &mut operator, &operators, d);
    object.set("values", &mut values, d, |value, d| value.list(d, Value::text));
    let asks = matches!(operator?, Operator::In | Operator::NotIn);
    if asks == values.is_empty() {
        let message = if asks {
            format!("`{}` asks for one of no values", value.path())
        } else {
            format!("`{}` asks for no values, and some are given", value.path())
        };
        let help = if asks { "add `values: [web]`" } else { "leave `values` out, or write `operator: In`" };
        d.say(value.wrong(codes::CONFLICT, message).help(help));
        return None;
    }
    Some(Requirement { key: key?, operator: operator?, values })
}
