//! The form of units (`systemd.syntax(7)`).

use crate::import::found::Place;

/// A setting.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Entry {
    pub(super) section: String,
    pub(super) key: String,
    pub(super) value: String,
    pub(super) place: Place,
}

/// All settings in order; those of drop-ins come behind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Unit {
    pub(super) entries: Vec<Entry>,
}

impl Unit {
    /// Reads a file.
    ///
    /// # Errors
    /// The line that is none of a unit, and what is wrong with it.
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, (usize, String)> {
        let mut unit = Self::default();
        let mut section = String::new();
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.clone_into(&mut section);
                continue;
            }
            let mut whole = line.to_owned();
            // A backslash at the end goes on in the next line; comments may stand between.
            while whole.ends_with('\\') {
                whole.pop();
                match lines.find(|(_, next)| !next.trim_start().starts_with(['#', ';'])) {
                    Some((_, next)) => {
                        whole.push(' ');
                        whole.push_str(next.trim());
                    }
                    None => break,
                }
            }
            let Some((key, value)) = whole.split_once('=') else {
                return Err((number + 1, "neither a section nor `Name=value`".to_owned()));
            };
            if section.is_empty() {
                return Err((number + 1, "a setting stands before the first section".to_owned()));
            }
            unit.entries.push(Entry {
                section: section.clone(),
                key: key.trim().to_owned(),
                value: value.trim().to_owned(),
                place: Place::new(file, number + 1),
            });
        }
        Ok(unit)
    }

    /// The entries of a list setting that count: an empty one takes away those before it.
    pub(super) fn list(&self, section: &str, key: &str) -> Vec<&Entry> {
        let mut entries = Vec::new();
        for entry in self.entries.iter().filter(|entry| entry.section == section && entry.key == key) {
            if entry.value.is_empty() {
                entries.clear();
            } else {
                entries.push(entry);
            }
        }
        entries
    }

    /// The last entry of a setting, unless it is empty.
    pub(super) fn last(&self, section: &str, key: &str) -> Option<&Entry> {
        let last = self.entries.iter().rfind(|entry| entry.section == section && entry.key == key);
        last.filter(|entry| !entry.value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn settings_are_read_with_their_lines() {
        let text = "# c\n[Service]\nExecStart=/a \\\n  # between\n  -b\nUser = ann\nUser=\n; c\n[Install]\nWantedBy=x\n";
        let unit = Unit::parse("u", text).unwrap();
        let shown: Vec<String> = unit
            .entries
            .iter()
            .map(|e| format!("{}/{}={}@{}", e.section, e.key, e.value, e.place.line))
            .collect();
        assert_eq!(
            shown,
            ["Service/ExecStart=/a  -b@3", "Service/User=ann@6", "Service/User=@7", "Install/WantedBy=x@10"]
        );
        assert_eq!(unit.last("Service", "User"), None);
    }

    #[test]
    fn an_empty_value_empties_a_list() {
        let unit = Unit::parse("u", "[S]\nA=1\nA=2\nA=\nA=3\n").unwrap();
        let values: Vec<&str> = unit.list("S", "A").iter().map(|entry| entry.value.as_str()).collect();
        assert_eq!(values, ["3"]);
    }

    #[test]
    fn what_is_no_unit_is_said_with_its_line() {
        for (text, line) in [("A=1\n", 1), ("[S]\nno setting\n", 2)] {
            assert_eq!(Unit::parse("u", text).unwrap_err().0, line, "{text}");
        }
    }
}
