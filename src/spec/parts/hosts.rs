//! `hosts`: which hosts an object is for.

use crate::diagnostic::Diagnostic;
use crate::lang::Missing;
use crate::spec::decode::{Decoder, Object, Value};
use crate::spec::{Hosts, codes, defaults, expression, table};

/// Reads it.
pub(in crate::spec) fn hosts(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Hosts> {
    let object = Object::open(value, &table::HOSTS, d)?;
    let mut hosts = Some(Hosts::default());
    if let Some(value) = object.get("names", d) {
        let names = value.list(d, name);
        if names.as_ref().is_some_and(Vec::is_empty) {
            let message = format!("`{}` is empty, so it is for no host", value.path());
            d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `names: [web-*]`"));
        }
        hosts = hosts.zip(names).map(|(hosts, names)| Hosts { names, ..hosts });
    }
    if let Some(value) = object.get("selector", d) {
        let selector = defaults::read_selector(&value, d);
        hosts = hosts.zip(selector).map(|(hosts, selector)| Hosts { selector, ..hosts });
    }
    if let Some(value) = object.get("when", d) {
        let when = expression::host_condition(&value, d);
        hosts = hosts.zip(when).map(|(hosts, when)| Hosts { when: Some(when), ..hosts });
        let undecided = hosts.as_ref().zip(d.context.host).and_then(|(hosts, host)| hosts.undecided(host));
        if let Some(missing) = undecided {
            d.say(cannot_tell(&value, &missing));
        }
    }
    if !object.has("names") && !object.has("selector") && !object.has("when") {
        let message = format!("`{}` says nothing", value.path());
        d.say(value.wrong(codes::MISSING_FIELD, message).help("write for example `hosts: {names: [web-*]}`"));
    }
    hosts
}

/// Unknown is not "no": a document that may be for this host isn't taken for one that isn't.
fn cannot_tell(value: &Value<'_>, missing: &[Missing]) -> Diagnostic {
    let mut what: Vec<String> = missing.iter().map(ToString::to_string).collect();
    what.dedup();
    let message = format!("cannot tell whether it is for this host, for want of {}", what.join(", "));
    value
        .wrong(codes::HOST_UNKNOWN, message)
        .help("tell it, as `--facts os=debian,memory=16GiB`, or ask the host itself")
}

fn name(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<String> {
    let name = value.nonempty(d)?;
    match globset::Glob::new(&name) {
        Ok(_) => Some(name),
        Err(error) => {
            let message = format!("`{}` is no name of a host: {}", value.path(), error.kind());
            d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `web-*`"));
            None
        }
    }
}
