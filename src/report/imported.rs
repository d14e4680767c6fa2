//! What came of an import: lines for people, rows for programs.

use serde::Serialize;

use super::printable;
use crate::import::{Note, Weight};

/// An imported document for a program.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImportedRow {
    /// Name of the object.
    pub name: String,
    /// What it was read from.
    pub source: String,
    /// Where it was written to, if to a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The document, if it was not written to a file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// What isn't in it.
    pub notes: Vec<Note>,
}

/// The notes of a document, a line each, by weight and place. Those that are not needed are said only if asked for.
pub fn import_notes(name: &str, notes: &[Note], all: bool) -> String {
    let mut shown: Vec<&Note> = notes.iter().filter(|note| all || note.weight != Weight::Needless).collect();
    shown.sort_by_key(|note| note.weight);
    let line = |note: &&Note| {
        let item = shortened(&note.item);
        let text = format!("{}: {}: `{item}` {}: {}", note.place, name, note.weight.words(), note.text);
        format!("{}\n", printable(text))
    };
    shown.iter().map(line).collect()
}

/// One line says how much it was.
pub fn import_summary(documents: usize, notes: &[Note]) -> String {
    let count = |weight: Weight| notes.iter().filter(|note| note.weight == weight).count();
    let plural = if documents == 1 { "" } else { "s" };
    let mut text = format!("{documents} document{plural}");
    let weights = [Weight::Unclear, Weight::Lost, Weight::Changed, Weight::Needless];
    for weight in weights {
        let number = count(weight);
        if number > 0 {
            text.push_str(&format!(", {number} {}", weight.words()));
        }
    }
    text
}

fn shortened(text: &str) -> String {
    let mut text = text.replace('\n', " ");
    if let Some((end, _)) = text.char_indices().nth(100) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::Place;

    fn note(weight: Weight, item: &str) -> Note {
        Note { place: Place::new("/etc/x", 3), weight, item: item.to_owned(), text: "why".to_owned() }
    }

    #[test]
    fn notes_are_lines_by_weight() {
        let notes =
            [note(Weight::Needless, "a"), note(Weight::Changed, "b\u{1b}"), note(Weight::Unclear, "c")];
        assert_eq!(
            import_notes("web", &notes, false),
            "/etc/x:3: web: `c` not evaluated: why\n/etc/x:3: web: `b\\u{1b}` carried differently: why\n"
        );
        assert_eq!(import_notes("web", &notes, true).lines().count(), 3);
        assert_eq!(
            import_summary(1, &notes),
            "1 document, 1 not evaluated, 1 carried differently, 1 not needed"
        );
        assert_eq!(import_summary(2, &[]), "2 documents");
    }
}
