//! `history`: the sets of documents that were in force, and what changed from one to the next.

use std::time::Duration;

use super::args::{HistoryArgs, Output};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::host::control::{Ask, HistoryWanted, Line, LineError, Reply};
use crate::host::history::{ToldHistory, told};
use crate::host::state_dir::Dirs;
use crate::report::{SetRow, printable, set_line, set_text};

/// A watch that takes longer isn't waited for.
const ANSWER: Duration = Duration::from_secs(10);

/// Runs `history`.
pub(super) fn run(args: &HistoryArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let history = match of_watch(args.number, dirs).unwrap_or_else(|| told(dirs, args.number)) {
        Ok(history) => history,
        Err(sentence) => {
            terminal.say(&format!("error: {}", printable(sentence)));
            return Exit::Failed;
        }
    };
    let rows: Vec<SetRow> = history.sets.into_iter().map(SetRow::new).collect();
    match (args.output, args.number) {
        (Output::Json, _) => terminal.json(&rows),
        (Output::Text, None) if rows.is_empty() => terminal.say("nothing was accepted yet"),
        (Output::Text, None) => terminal.data(&rows.iter().map(set_line).collect::<String>()),
        (Output::Text, Some(_)) => terminal.data(&rows.iter().map(set_text).collect::<String>()),
    }
    if let Some(pinned) = history.pinned {
        terminal.say(&format!(
            "set {} is in force until the documents change: {} rolled back to it",
            pinned.number,
            printable(pinned.by)
        ));
    }
    Exit::Ok
}

/// As the watch tells it. `None`: none runs that could.
fn of_watch(number: Option<u64>, dirs: &Dirs) -> Option<Result<ToldHistory, String>> {
    let asked = Line::connect(dirs, ANSWER)
        .and_then(|mut line| line.ask(Ask::History(HistoryWanted { number }), ANSWER));
    match asked {
        Ok(Reply::History(history)) => Some(Ok(history)),
        Err(LineError::Refused(refusal)) if !refusal.ends() => Some(Err(refusal.sentences().join("; "))),
        // No watch, or an earlier one that doesn't know the question: the files say the same.
        Ok(_) | Err(_) => None,
    }
}
