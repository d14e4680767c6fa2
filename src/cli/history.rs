//! `history`: the sets of documents that were in force, and what changed from one to the next.

use super::args::{HistoryArgs, Output};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::host::errno::io_text;
use crate::host::history::{KeptSet, find, pinned, services, sets};
use crate::host::state_dir::Dirs;
use crate::report::{SetRow, set_line, set_text};

/// Runs `history`.
pub(super) fn run(args: &HistoryArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let kept = match sets(dirs) {
        Ok(kept) => kept,
        Err(error) => {
            terminal.say(&format!("error: the history can't be read: {}", io_text(&error)));
            return Exit::Failed;
        }
    };
    let mut rows = Vec::new();
    for (at, set) in kept.iter().enumerate() {
        if args.number.is_none_or(|number| number == set.number) {
            match row(at.checked_sub(1).and_then(|before| kept.get(before)), set, dirs) {
                Ok(row) => rows.push(row),
                Err(sentence) => {
                    terminal.say(&format!("error: {sentence}"));
                    return Exit::Failed;
                }
            }
        }
    }
    if let Some(number) = args.number.filter(|_| rows.is_empty()) {
        if let Err(sentence) = find(&kept, number) {
            terminal.say(&format!("error: {sentence}"));
        }
        return Exit::Failed;
    }
    match (args.output, args.number) {
        (Output::Json, _) => terminal.json(&rows),
        (Output::Text, None) if rows.is_empty() => terminal.say("nothing was accepted yet"),
        (Output::Text, None) => terminal.data(&rows.iter().map(set_line).collect::<String>()),
        (Output::Text, Some(_)) => terminal.data(&rows.iter().map(set_text).collect::<String>()),
    }
    if let Some(pinned) = pinned(dirs) {
        terminal.say(&format!(
            "set {} is in force until the documents change: {} rolled back to it",
            pinned.number, pinned.by
        ));
    }
    Exit::Ok
}

fn row(before: Option<&KeptSet>, set: &KeptSet, dirs: &Dirs) -> Result<SetRow, String> {
    let now = services(dirs, set)?;
    let was = before.map(|before| services(dirs, before)).transpose();
    // What the set before was may be lost; what this one is, is not.
    Ok(SetRow::new(
        set.number,
        set.at,
        (&set.by, &set.why),
        (&was.unwrap_or_default().unwrap_or_default(), &now),
    ))
}
