//! Configuration files in sections, as Python's `ConfigParser` reads them for supervisord.

use super::found::Place;

/// A value with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Item {
    pub(super) key: String,
    pub(super) value: String,
    pub(super) place: Place,
}

/// A section with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) items: Vec<Item>,
}

impl Section {
    /// The value of a key; the last one counts.
    pub(super) fn item(&self, key: &str) -> Option<&Item> {
        self.items.iter().rfind(|item| item.key == key)
    }
}

/// Reads a file. Lines that begin with a blank go on with the value before them; ` ;` begins a comment.
///
/// # Errors
/// The line that is of no such file, and what is wrong.
pub(super) fn parse(file: &str, text: &str) -> Result<Vec<Section>, (usize, String)> {
    let mut sections: Vec<Section> = Vec::new();
    for (number, raw) in text.lines().enumerate() {
        let place = Place::new(file, number + 1);
        let line = without_comment(raw);
        if line.trim().is_empty() {
            continue;
        }
        if let Some(name) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push(Section { name: name.trim().to_owned(), place, items: Vec::new() });
            continue;
        }
        let Some(section) = sections.last_mut() else {
            return Err((number + 1, "a setting stands before the first section".to_owned()));
        };
        if raw.starts_with([' ', '\t'])
            && let Some(last) = section.items.last_mut()
        {
            last.value.push('\n');
            last.value.push_str(line.trim());
            continue;
        }
        let Some((key, value)) = line.split_once(['=', ':']) else {
            return Err((number + 1, "neither a section nor `name=value`".to_owned()));
        };
        section.items.push(Item {
            key: key.trim().to_ascii_lowercase(),
            value: value.trim().to_owned(),
            place,
        });
    }
    Ok(sections)
}

fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with(['#', ';']) {
        return "";
    }
    match line.find(" ;").or_else(|| line.find("\t;")) {
        Some(at) => line.get(..at).unwrap_or(line),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn sections_items_and_continued_lines() {
        let text = "; c\n[program:a]\ncommand=/a b ; why\nEnvironment = A=\"1\",\n  B=2\n# c\n[b]\nx:y\n";
        let sections = parse("f", text).unwrap();
        let shown: Vec<String> = sections
            .iter()
            .flat_map(|s| {
                s.items.iter().map(move |i| format!("{}.{}={}@{}", s.name, i.key, i.value, i.place.line))
            })
            .collect();
        assert_eq!(shown, ["program:a.command=/a b@3", "program:a.environment=A=\"1\",\nB=2@4", "b.x=y@8"]);
        assert_eq!(parse("f", "x=1\n").unwrap_err().0, 1);
        assert_eq!(parse("f", "[a]\nnothing\n").unwrap_err().0, 2);
    }
}
