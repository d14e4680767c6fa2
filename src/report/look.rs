//! What a look for the processes of an object found.

use super::printable;
use crate::plan::observation::{ArgumentsSeen, Candidate, Look};

/// The processes that the identity rule finds besides those on record, those it can't decide on, and its notes.
pub fn look_text(look: &Look) -> String {
    let mut text = String::new();
    if look.candidates.is_empty() && look.unknown.is_empty() {
        text.push_str("  no other process matches its identity rule\n");
    }
    for candidate in &look.candidates {
        text.push_str(&format!("  also matches: {}\n", candidate_words(candidate)));
    }
    for (pid, reasons) in &look.unknown {
        let reasons: Vec<String> = reasons.iter().map(ToString::to_string).collect();
        text.push_str(&format!(
            "  could be it: {pid}, but can't be decided: {}\n",
            printable(reasons.join("; "))
        ));
    }
    if !look.complete {
        text.push_str("  the list of processes was not complete: nothing follows from not finding one\n");
    }
    for note in &look.notes {
        text.push_str(&format!("  note: {}\n", printable(note)));
    }
    text
}

fn candidate_words(candidate: &Candidate) -> String {
    let mut words = vec![format!("{} of user {}", candidate.key.pid, candidate.uid)];
    words.push(match candidate.arguments {
        ArgumentsSeen::Equal => "with the same arguments".into(),
        ArgumentsSeen::Overwritten => "with overwritten arguments".into(),
        ArgumentsSeen::Different => "with other arguments".into(),
    });
    if candidate.anchored {
        words.push("named by the pidfile".into());
    }
    if candidate.foreign_user {
        words.push("of another user, so it is not taken".into());
    }
    if let Some(supervisor) = &candidate.foreign_supervisor {
        words.push(format!("kept by {}", printable(supervisor)));
    }
    if candidate.above {
        words.push("above selfsame, so it is left alone".into());
    }
    if let Some(name) = &candidate.recorded_for {
        words.push(format!("on record for `{name}`"));
    }
    if candidate.weak {
        words.push("by its own word only".into());
    }
    words.join(", ")
}
