//! `explain EXPR`: the tree of given processes, or what a whole host says to the expression.

use super::{Exit, Output, Question, Terminal};
use crate::lang::Explanation;
use crate::process::candidate;
use crate::report::{
    MatchRow, Overview, SeenProcess, account_for_plugins, command_of, explanation_rows, explanation_text,
    failing_leaves, overview_text, user_of,
};
use crate::units::Pid;

/// An explanation is given, whatever the verdict in it.
pub(super) fn run(question: &Question<'_>, output: Output, terminal: Terminal) -> Exit {
    if question.all_pids {
        overview(question, output, terminal);
    } else {
        trees(question, output, terminal);
    }
    Exit::Ok
}

fn trees(question: &Question<'_>, output: Output, terminal: Terminal) {
    let facts = question.vocabularies();
    let mut texts = Vec::new();
    let mut rows = Vec::new();
    for pid in &question.pids {
        let mut explanation = question.matcher.explain(&candidate(*pid), &facts);
        account_for_plugins(&mut explanation, &question.look.take_accounts());
        let row = question.row(*pid, &facts);
        let command = command_of(question.world, *pid);
        match output {
            Output::Text if row.is_gone() => texts.push(format!("{pid}: gone\n")),
            Output::Text => texts.push(explanation_text(&explanation, &row, &command)),
            Output::Json => rows.push(explanation_rows(&explanation, &row, &command)),
        }
    }
    match output {
        Output::Json => terminal.json(&rows),
        Output::Text => terminal.data(&texts.join("\n")),
    }
}

fn overview(question: &Question<'_>, output: Output, terminal: Terminal) {
    let facts = question.vocabularies();
    let mut found = Overview { looked_at: question.pids.len(), ..Overview::default() };
    let mut near = Vec::new();
    for pid in &question.pids {
        let row = question.row(*pid, &facts);
        if row.is_match() {
            found.matches.push(seen(question, *pid, row, None));
            continue;
        }
        let explanation = question.matcher.explain(&candidate(*pid), &facts);
        if row.is_unknown() {
            found.unknown.push(seen(question, *pid, row, Some(&explanation)));
        } else if !row.is_gone() && is_near(&explanation, &row) {
            near.push(seen(question, *pid, row, Some(&explanation)));
        }
    }
    let found = found.with_near_misses(near);
    match output {
        Output::Json => terminal.json(&found),
        Output::Text => terminal.data(&overview_text(&found)),
    }
}

fn seen(question: &Question<'_>, pid: Pid, row: MatchRow, explanation: Option<&Explanation>) -> SeenProcess {
    SeenProcess {
        row,
        user: user_of(question.world, pid),
        command: command_of(question.world, pid),
        failing: explanation.map(failing_leaves).unwrap_or_default(),
    }
}

/// It fails in one place, and something else speaks for it: a condition that holds, or what the vocabulary noted. By the
/// first alone every process would be a near miss of an expression with one condition.
fn is_near(explanation: &Explanation, row: &MatchRow) -> bool {
    explanation.smallest_failing().len() == 1 && (explanation.something_holds() || !row.notes.is_empty())
}
