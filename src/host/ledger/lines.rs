//! The form of the ledger's lines, and of the files of one record that came before it.

use std::collections::HashSet;

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

/// A line in a form that is known, all of it.
#[derive(Deserialize)]
struct Whole {
    format: u64,
    boot: BootId,
    #[serde(default)]
    name: Option<ServiceName>,
    #[serde(default)]
    record: Option<Record>,
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
    if let Ok(Whole { format: FORMAT, boot: of, name, record }) = serde_json::from_slice(bytes) {
        return Ok(if of == *boot { says(name, record) } else { Row::OtherBoot });
    }
    // Something of it is otherwise. The header first: a newer body need not be in a form that we know.
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
        (Ok(Body { record }), name) => says(name, record),
        (Err(error), name) => Row::Broken(name, error.to_string()),
    })
}

fn says(name: Option<ServiceName>, record: Option<Record>) -> Row {
    match (record, name) {
        (Some(record), name) => Row::Is(name, Box::new(record)),
        (None, Some(name)) => Row::Gone(name),
        (None, None) => Row::Broken(None, "it holds no record".into()),
    }
}

/// The lines of a ledger that were written to their end.
pub(super) fn ended(bytes: &[u8]) -> Vec<&[u8]> {
    let mut begin = 0;
    let line = |end: usize| bytes.get(std::mem::replace(&mut begin, end + 1)..end);
    memchr::memchr_iter(b'\n', bytes).filter_map(line).collect()
}

/// The lines that say what is on record, in order: of an object the last one does. Where it can't be told without reading a line
/// whose it is, it is among them.
pub(super) fn that_count<'b>(lines: &[&'b [u8]], boot: &BootId) -> Vec<&'b [u8]> {
    let begin = format!("{{\"format\":{FORMAT},\"boot\":{},\"name\":\"", json(boot));
    let mut known = HashSet::new();
    let mut count: Vec<&[u8]> = lines.to_vec();
    count.reverse();
    count.retain(|&line| named(line, begin.as_bytes()).is_none_or(|name| known.insert(name)));
    count.reverse();
    count
}

fn json(boot: &BootId) -> String {
    serde_json::to_string(boot).unwrap_or_default()
}

/// The name in a line that begins as [`write()`] lets it begin.
fn named<'b>(line: &'b [u8], begin: &[u8]) -> Option<&'b [u8]> {
    let rest = line.strip_prefix(begin)?;
    let name = rest.get(..rest.iter().position(|byte| *byte == b'"')?)?;
    Some(name).filter(|name| !name.contains(&b'\\'))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::spec::Service;

    #[test]
    fn a_line_without_an_end_is_none() {
        for (text, lines) in [("", &[][..]), ("a", &[]), ("\n", &[""]), ("a\n\nb\nc", &["a", "", "b"])] {
            assert_eq!(ended(text.as_bytes()), lines.iter().map(|line| line.as_bytes()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn of_an_object_the_last_line_counts_and_what_is_otherwise_does() {
        let boot = BootId("b \"1\"".into());
        let line = |name: &str, runs: bool| {
            let name = ServiceName::near(name);
            let record = runs.then(|| Record::new(Service::new(name.clone(), "/bin/true".into())));
            let mut bytes = Vec::new();
            write(&mut bytes, &boot, &name, record.as_ref()).unwrap();
            bytes.pop();
            bytes
        };
        let other = b"{\"boot\":\"b\"}".to_vec();
        let lines =
            [line("a", true), line("b", true), other.clone(), line("a", false), other, line("c", true)];
        let lines: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let expected: Vec<&[u8]> = lines.iter().skip(1).copied().collect();
        assert_eq!(that_count(&lines, &boot), expected);
        assert_eq!(that_count(&lines, &BootId("another".into())), lines);
    }
}
