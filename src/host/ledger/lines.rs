//! The form of the ledger's lines, and of the files of one record that came before it.

use serde::{Deserialize, Serialize};

use super::FORMAT;
use crate::plan::memory::Record;
use crate::spec::ServiceName;
use crate::units::BootId;

#[derive(Serialize)]
struct Written<'a> {
    format: u64,
    boot: &'a BootId,
    name: &'a ServiceName,
    #[serde(skip_serializing_if = "Option::is_none")]
    record: Option<&'a Record>,
}

#[derive(Deserialize)]
struct Header {
    format: u64,
    boot: BootId,
    /// Absent in a file of one record: there the file says it.
    #[serde(default)]
    name: Option<ServiceName>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    record: Option<Record>,
}

/// What a line says.
pub(super) enum Row {
    /// The record of this object, from here on.
    Is(Option<ServiceName>, Box<Record>),
    /// The object is forgotten.
    Gone(ServiceName),
    /// Of another boot.
    OtherBoot,
    /// It can't be read, with the object that it is about if that can be told.
    Broken(Option<ServiceName>, String),
}

/// Adds the line of an object; `None`: it is forgotten.
pub(super) fn write(
    bytes: &mut Vec<u8>,
    boot: &BootId,
    name: &ServiceName,
    record: Option<&Record>,
) -> Result<(), String> {
    let line = Written { format: FORMAT, boot, name, record };
    serde_json::to_writer(&mut *bytes, &line)
        .map_err(|error| format!("{name}: the record can't be written: {error}"))?;
    bytes.push(b'\n');
    Ok(())
}

/// What a line says. `Err`: it is of this newer format.
pub(super) fn row(bytes: &[u8], boot: &BootId) -> Result<Row, u64> {
    // The header first: a newer body need not be in a form that we know.
    let Header { format, boot: of, name } = match serde_json::from_slice(bytes) {
        Ok(header) => header,
        Err(error) => return Ok(Row::Broken(None, error.to_string())),
    };
    if format > FORMAT {
        return Err(format);
    }
    if of != *boot {
        return Ok(Row::OtherBoot);
    }
    Ok(match (serde_json::from_slice::<Body>(bytes), name) {
        (Ok(Body { record: Some(record) }), name) => Row::Is(name, Box::new(record)),
        (Ok(Body { record: None }), Some(name)) => Row::Gone(name),
        (Ok(Body { record: None }), None) => Row::Broken(None, "it holds no record".into()),
        (Err(error), name) => Row::Broken(name, error.to_string()),
    })
}
