//! Values on their way into a module.

use std::net::IpAddr;

use super::tag;
use crate::lang::value::Value;
use crate::plugin::own::Opaque;

/// A value of a type that is neither the language's own nor one of a plugin: there is no form for it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a value of a type that plugins don't know")]
pub struct Unplain;

/// Known not to exist.
pub fn absent(out: &mut Vec<u8>) {
    out.push(tag::ABSENT);
}

/// Not known, and why.
pub fn unknown(out: &mut Vec<u8>, reason: &str) {
    out.push(tag::UNKNOWN);
    text(out, reason.as_bytes());
}

/// A value. Nothing is written if there is no form for it.
pub fn value(out: &mut Vec<u8>, value: &Value) -> Result<(), Unplain> {
    let begin = out.len();
    put(out, value).inspect_err(|_| out.truncate(begin))
}

/// A map. Nothing is written if there is no form for one of its values.
pub fn map<'a>(
    out: &mut Vec<u8>,
    entries: impl ExactSizeIterator<Item = (&'a [u8], &'a Value)>,
) -> Result<(), Unplain> {
    let begin = out.len();
    out.push(tag::MAP);
    length(out, entries.len());
    for (key, value) in entries {
        text(out, key);
        put(out, value).inspect_err(|_| out.truncate(begin))?;
    }
    Ok(())
}

fn put(out: &mut Vec<u8>, value: &Value) -> Result<(), Unplain> {
    match value {
        Value::Bool(value) => out.extend([tag::BOOL, u8::from(*value)]),
        Value::Int(value) => number(out, tag::INT, *value),
        Value::String(bytes) => tagged(out, tag::STRING, bytes),
        Value::Path(bytes) => tagged(out, tag::PATH, bytes),
        Value::Size(value) => number(out, tag::SIZE, *value),
        Value::Duration(value) => number(out, tag::DURATION, *value),
        Value::Time(value) => number(out, tag::TIME, *value),
        Value::Ratio(value) => number(out, tag::RATIO, *value),
        Value::Ip(value) => {
            out.push(tag::IP);
            address(out, *value);
        }
        Value::Cidr(value, prefix) => {
            out.push(tag::CIDR);
            address(out, *value);
            out.push(*prefix);
        }
        Value::List(items) => {
            out.push(tag::LIST);
            length(out, items.len());
            for item in items.iter() {
                put(out, item)?;
            }
        }
        Value::Enum(_, word) => tagged(out, tag::ENUM, word.as_bytes()),
        Value::Object(_) => match value.object::<Opaque>() {
            Some(own) => tagged(out, tag::OPAQUE, &own.bytes),
            None => return Err(Unplain),
        },
    }
    Ok(())
}

fn number(out: &mut Vec<u8>, tag: u8, value: i64) {
    out.push(tag);
    out.extend(value.to_le_bytes());
}

fn tagged(out: &mut Vec<u8>, tag: u8, bytes: &[u8]) {
    out.push(tag);
    text(out, bytes);
}

/// Four gigabytes don't fit into the memory of a module, so that what is cut here is refused there.
fn length(out: &mut Vec<u8>, length: usize) {
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    length(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => {
            out.push(4);
            out.extend(address.octets());
        }
        IpAddr::V6(address) => {
            out.push(6);
            out.extend(address.octets());
        }
    }
}
