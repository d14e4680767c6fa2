//! `match --watch`: a line for each process that begins or ceases to match.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{MatchArgs, MatchOutput, Question, Terminal, pids_of};
use crate::cli::exit::Exit;
use crate::engine::live::{Change, LiveOptions, Standing, watch};
use crate::facts::ProcessKey;
use crate::lang::Verdict;
use crate::plan::memory::Exit as End;
use crate::plugin::Look;
use crate::process::world::World;
use crate::process::{ProcessVocabulary, candidate};
use crate::report::{command_of, exit_words, failing_leaves, leaf_text, printable};
use crate::units::{Pid, WallTime};

/// Goes on until Ctrl-C, `--timeout`, or nobody reads any more.
pub(super) fn run(args: &MatchArgs, question: &Question<'_>, terminal: Terminal) -> Exit {
    let json = matches!(args.form.form(), MatchOutput::Json | MatchOutput::Jsonl);
    let judge = |world: &dyn World, known: &BTreeSet<Pid>| judge(args, question, world, known);
    // What a process was called with can't be read any more once it has exited.
    let mut commands: BTreeMap<ProcessKey, String> = BTreeMap::new();
    let mut tell = |time: WallTime, key: &ProcessKey, change: &Change, world: &dyn World| {
        let time = time.rfc3339();
        let known = commands.remove(key).filter(|_| matches!(change, Change::Exited(_)));
        let command = known.unwrap_or_else(|| command_of(world, key.pid));
        if matches!(change, Change::Begins { .. } | Change::Undecided(_)) {
            commands.insert(key.clone(), command.clone());
        }
        let line = if json {
            json_line(&time, key, change, &command)
        } else {
            text_line(&time, key, change, &command)
        };
        terminal.line(&line)
    };
    let options = LiveOptions { interval: args.live.interval, limit: args.live.timeout };
    match watch(&judge, options, &mut tell) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            terminal.say(&format!("error: this host can't be watched: {error}"));
            Exit::Warnings
        }
    }
}

/// A look of its own for each round: of the given processes, or of all.
fn judge(
    args: &MatchArgs,
    question: &Question<'_>,
    world: &dyn World,
    known: &BTreeSet<Pid>,
) -> Vec<(Pid, Standing)> {
    let vocabulary = ProcessVocabulary::new(world);
    // A list that fails for once is none; what was known is told to have been lost by its own look-up.
    let Ok((pids, all_pids)) = pids_of(world, &args.pid) else { return Vec::new() };
    let look = Look::default();
    let answer = question.plugins.vocabularies(&vocabulary, world, &look);
    let round = Question {
        world,
        vocabulary: &vocabulary,
        answer: &answer,
        look: &look,
        pids,
        all_pids,
        left_out: Cell::default(),
        ..*question
    };
    let facts = round.vocabularies();
    let mut found = Vec::new();
    for pid in round.pids.iter().copied().filter(|pid| round.is_there(*pid)) {
        let verdict = round.verdict(pid, &facts);
        let row = round.row_of(pid, &verdict);
        let standing = match verdict {
            Verdict::Match if row.is_match() => Standing::Matches,
            Verdict::Unknown(_) if row.is_unknown() => Standing::Undecided(row.reasons),
            Verdict::Unknown(_) if row.is_gone() => continue,
            _ if known.contains(&pid) => {
                let explanation = round.matcher.explain(&candidate(pid), &facts);
                Standing::Fails(failing_leaves(&explanation).iter().map(leaf_text).collect())
            }
            Verdict::Match | Verdict::NoMatch | Verdict::Unknown(_) => continue,
        };
        found.push((pid, standing));
    }
    found
}

/// `+`, `-` or `?`, and why.
fn words(change: &Change) -> (&'static str, String) {
    match change {
        Change::Begins { already: true, .. } => ("+", "matches already".into()),
        Change::Begins { new: true, .. } => ("+", "started".into()),
        Change::Begins { .. } => ("+", "now matches".into()),
        Change::Exited(End::Unknown) => ("-", "exited".into()),
        Change::Exited(exit) => ("-", exit_words(exit)),
        Change::Ceases(why) if why.is_empty() => ("-", "no longer matches".into()),
        Change::Ceases(why) => ("-", format!("no longer matches: {}", why.join("; "))),
        Change::Undecided(why) => ("?", format!("can't be decided: {}", why.join("; "))),
    }
}

fn text_line(time: &str, key: &ProcessKey, change: &Change, command: &str) -> String {
    let (mark, why) = words(change);
    let command = if command.is_empty() { String::new() } else { format!("  ({command})") };
    format!("{time}  {mark} {:>7}  {}{command}", key.pid, printable(why))
}

fn json_line(time: &str, key: &ProcessKey, change: &Change, command: &str) -> String {
    let event = match change {
        Change::Begins { .. } => "begins",
        Change::Exited(_) => "exited",
        Change::Ceases(_) => "ceases",
        Change::Undecided(_) => "unknown",
    };
    let (_, why) = words(change);
    let already = matches!(change, Change::Begins { already: true, .. });
    json!({
        "time": time, "event": event, "pid": key.pid, "startTicks": key.start, "already": already, "reason": why,
        "command": command,
    })
    .to_string()
}
