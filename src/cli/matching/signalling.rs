//! `match --signal` and `--wait`: from the chosen processes to what became of them.
//!
//! ```text
//! chosen --protected--> said, left alone
//!        --the rest---> asked on the terminal --yes--> a fresh look: each is held by a pidfd, its key and the expression
//!                                                      verified under it --> all of them signalled --> awaited
//! ```
//!
//! All are held before the first signal is sent: what a signal to a parent does to its children can't change who they are.

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::time::Duration;

use serde_json::json;

use super::{MatchArgs, MatchOutput, Question, Terminal, listing, say_unknown};
use crate::cli::exit::Exit;
use crate::facts::{Fact, ProcessKey, Reason, Why};
use crate::host::errno::io_text;
use crate::host::farewell::{make_room, wait_for_exits};
use crate::host::proc::LiveWorld;
use crate::host::signal::{NotHeld, Target, hold, protected, verify};
use crate::lang::{Verdict, Vocabularies};
use crate::plan::action::Outcome;
use crate::plugin::{Look, in_order};
use crate::process::select::Chosen;
use crate::process::world::World;
use crate::process::{ProcessVocabulary, tree};
use crate::report::{Fate, MatchRow, SignalledProcess, command_of, question_text, signalled_text, user_of};
use crate::units::{Pid, Signal};

/// Signals or awaits them, or both.
pub(super) fn run(
    args: &MatchArgs,
    question: &Question<'_>,
    chosen: &[Chosen],
    rows: &[MatchRow],
    terminal: Terminal,
) -> Exit {
    // What would be left alone anyhow leaves nothing incomplete.
    let counts = |row: &&MatchRow| args.act.signal.is_none() || protected(row.pid).is_none();
    let undecided: Vec<MatchRow> =
        rows.iter().filter(|row| row.is_unknown()).filter(counts).cloned().collect();
    let unknown = !undecided.is_empty();
    if !args.form.quiet {
        say_unknown(&undecided, terminal);
    }
    let mut all: Vec<Aimed> = chosen.iter().map(|chosen| aimed(question, *chosen, args.act.signal)).collect();
    // Those who are picked come before their families: a parent that is told first brings no child forth any more.
    all.sort_by_key(|aimed| (aimed.chosen.with.is_some(), aimed.chosen.pid));
    if let Some(signal) = args.act.signal.filter(|_| !args.act.yes && all.iter().any(Aimed::is_open)) {
        say_left(&all, args, terminal);
        let list: Vec<(Pid, String, String)> = all
            .iter()
            .filter(|aimed| aimed.is_open())
            .map(|aimed| {
                (aimed.seen.pid, user_of(question.world, aimed.seen.pid), aimed.seen.command.clone())
            })
            .collect();
        if !terminal.confirms(&question_text(signal, &list)) {
            terminal.say("nothing was sent");
            return Exit::Held;
        }
    }
    make_room(all.len());
    if let Err(error) = take_aim(question, &mut all, args.act.signal) {
        terminal.say(&format!("error: this host's `/proc` can't be used: {error}"));
        return Exit::Held;
    }
    all.iter_mut().for_each(Aimed::fire);
    let late = args.act.wait.is_some_and(|wait| !await_all(&mut all, shorter(wait, args.live.timeout)));
    print(args, &all, unknown, terminal);
    exit_of(&all, unknown, late)
}

/// A chosen process on its way.
struct Aimed {
    chosen: Chosen,
    key: Option<ProcessKey>,
    seen: SignalledProcess,
    held: Option<Grip>,
}

/// How it is held.
enum Grip {
    /// For a signal.
    Target(Target),
    /// Only to see its exit.
    Watched(OwnedFd),
}

impl Aimed {
    /// Nothing has been decided about it.
    fn is_open(&self) -> bool {
        self.seen.reason.is_none() && self.seen.fate != Fate::Gone
    }

    fn close(&mut self, fate: Fate, reason: Option<String>) {
        self.seen.fate = fate;
        self.seen.reason = reason;
    }

    fn close_with(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Gone => self.close(Fate::Gone, None),
            Outcome::Refused { error } => {
                let prefix = format!("process {}: ", self.seen.pid);
                let error = error.strip_prefix(&prefix).unwrap_or(&error).to_owned();
                self.close(Fate::Refused, Some(error));
            }
            Outcome::Done | Outcome::Started(_) | Outcome::StartFailed { .. } | Outcome::NotLive { .. } => {}
        }
    }

    fn fire(&mut self) {
        if let (Some(Grip::Target(target)), Some(signal)) = (&self.held, self.seen.signal) {
            let outcome = target.send(signal);
            self.close_with(outcome);
        }
    }

    fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        match self.held.as_ref().filter(|_| self.is_open())? {
            Grip::Target(target) => Some(target.as_fd()),
            Grip::Watched(pidfd) => Some(pidfd.as_fd()),
        }
    }
}

fn aimed(question: &Question<'_>, chosen: Chosen, signal: Option<Signal>) -> Aimed {
    let Chosen { pid, .. } = chosen;
    let seen = SignalledProcess {
        pid,
        command: command_of(question.world, pid),
        signal,
        fate: if signal.is_some() { Fate::Sent } else { Fate::Awaited },
        reason: None,
        exited: None,
    };
    let mut aimed = Aimed { chosen, key: None, seen, held: None };
    let key = key_of(question.world, pid);
    if let Some(why) = signal.and_then(|_| protected(pid)) {
        // Its family isn't: by this key it is known again as their parent.
        aimed.key = key.known();
        aimed.close(Fate::Protected, Some(why.into()));
        return aimed;
    }
    match key {
        Fact::Known(key) => aimed.key = Some(key),
        Fact::Absent => aimed.close(Fate::Gone, None),
        Fact::Unknown(reason) if reason.why == Why::Vanished => aimed.close(Fate::Gone, None),
        Fact::Unknown(reason) => {
            aimed.close(Fate::Refused, Some(format!("its start time can't be read: {reason}")));
        }
    }
    aimed
}

fn key_of(world: &dyn World, pid: Pid) -> Fact<ProcessKey> {
    let boot = world.boot_id();
    boot.and_then(|boot| world.stat(pid).map(|stat| ProcessKey { boot, pid, start: stat.start }))
}

/// Holds every process that is still open, for a signal only after it was matched again in a look of its own.
fn take_aim(question: &Question<'_>, all: &mut [Aimed], signal: Option<Signal>) -> std::io::Result<()> {
    let world = LiveWorld::new()?.with_samples(Rc::clone(question.samples));
    let vocabulary = ProcessVocabulary::new(&world);
    let answer = question.plugins.vocabularies(&vocabulary, &world, &Look::default());
    let facts = in_order(&vocabulary, &answer);
    let before: Vec<(Pid, ProcessKey)> =
        all.iter().filter_map(|aimed| Some((aimed.seen.pid, aimed.key.clone()?))).collect();
    let again = Again { question, world: &world, vocabulary: &vocabulary, facts: &facts, before: &before };
    for aimed in all.iter_mut().filter(|aimed| aimed.is_open()) {
        let Some(key) = aimed.key.clone() else { continue };
        if signal.is_some() {
            match verify(&key, || again.holds(aimed.chosen)) {
                Ok(target) => aimed.held = Some(Grip::Target(target)),
                Err(outcome) => aimed.close_with(outcome),
            }
        } else {
            match hold(&key) {
                Ok(held) => aimed.held = Some(Grip::Watched(held.pidfd)),
                Err(NotHeld::Gone(..)) => aimed.seen.exited = Some(true),
                Err(NotHeld::Failed(error)) => aimed.close(Fate::Refused, Some(io_text(&error))),
            }
        }
    }
    Ok(())
}

/// The question, asked again.
struct Again<'a> {
    question: &'a Question<'a>,
    world: &'a LiveWorld,
    vocabulary: &'a ProcessVocabulary<'a>,
    facts: &'a Vocabularies<'a>,
    /// The keys of the first look.
    before: &'a [(Pid, ProcessKey)],
}

impl Again<'_> {
    /// Whether what it was chosen for is still so.
    fn holds(&self, chosen: Chosen) -> Fact<bool> {
        match chosen.with {
            None => self.matches(chosen.pid),
            Some(parent) => match tree::ancestors(self.world, chosen.pid) {
                Fact::Known(above) if above.contains(&parent) => self.matches(parent),
                Fact::Known(_) | Fact::Absent => Fact::Known(false),
                Fact::Unknown(reason) => Fact::Unknown(reason),
            },
        }
    }

    fn matches(&self, pid: Pid) -> Fact<bool> {
        let same = self.world.process_key(pid).map(|key| self.before.iter().any(|(_, old)| *old == key));
        same.and_then(|same| {
            if !same {
                return Fact::Known(false);
            }
            self.vocabulary.take_own_word();
            match self.question.verdict(pid, self.facts) {
                // In doubt, don't: anybody can say so of itself.
                Verdict::Match if self.vocabulary.take_own_word() => {
                    let words = "only its own word (execfn) says that it runs the file; name it by `exe` or by `--pid` and `comm`";
                    Fact::Unknown(Reason::new(Why::Unresolved, words))
                }
                Verdict::Match => Fact::Known(true),
                Verdict::NoMatch => Fact::Known(false),
                verdict if verdict.is_gone() => Fact::Absent,
                Verdict::Unknown(missing) => {
                    let words: Vec<String> = missing.iter().map(ToString::to_string).collect();
                    Fact::Unknown(Reason::new(Why::Unresolved, words.join("; ")))
                }
            }
        })
    }
}

/// The shorter of two limits, of which neither need be there.
fn shorter(wait: Option<Duration>, limit: Option<Duration>) -> Option<Duration> {
    match (wait, limit) {
        (Some(wait), Some(limit)) => Some(wait.min(limit)),
        (one, other) => one.or(other),
    }
}

/// Whether all have exited in time.
fn await_all(all: &mut [Aimed], limit: Option<Duration>) -> bool {
    let held: Vec<BorrowedFd<'_>> = all.iter().filter_map(Aimed::pidfd).collect();
    let mut exited = wait_for_exits(&held, limit).into_iter();
    let mut complete = true;
    for aimed in all.iter_mut() {
        if aimed.pidfd().is_some() {
            let over = exited.next().unwrap_or(false);
            aimed.seen.exited = Some(over);
            complete &= over;
        }
    }
    complete
}

fn say_left(all: &[Aimed], args: &MatchArgs, terminal: Terminal) {
    if !args.form.quiet {
        all.iter().filter_map(|aimed| signalled_text(&aimed.seen)).for_each(|line| terminal.say(&line));
    }
}

/// The processes that were signalled, or that were waited for and have exited.
fn is_done(seen: &SignalledProcess) -> bool {
    match seen.fate {
        Fate::Sent => true,
        Fate::Awaited => seen.exited == Some(true),
        Fate::Gone | Fate::Protected | Fate::Refused => false,
    }
}

fn print(args: &MatchArgs, all: &[Aimed], unknown: bool, terminal: Terminal) {
    if args.form.quiet {
        return;
    }
    let seen: Vec<&SignalledProcess> = all.iter().map(|aimed| &aimed.seen).collect();
    let done = || seen.iter().filter(|seen| is_done(seen));
    let json = matches!(args.form.form(), MatchOutput::Json | MatchOutput::Jsonl);
    match args.form.form() {
        _ if args.form.count && json => terminal.json(&json!({ "count": done().count() })),
        _ if args.form.count => terminal.data(&done().count().to_string()),
        MatchOutput::Json => terminal.json(&seen),
        MatchOutput::Jsonl => {
            let lines: String = seen.iter().map(|seen| format!("{}\n", json!(seen))).collect();
            terminal.data(&lines);
        }
        MatchOutput::Pids | MatchOutput::Tsv => {
            terminal.exactly(&listing::pid_lines(args, done().map(|seen| seen.pid)));
        }
        MatchOutput::Table => {
            let word = |seen: &SignalledProcess| seen.signal.map_or("exited".to_owned(), |s| s.to_string());
            let lines: String =
                done().map(|seen| format!("{}  {}  {}\n", seen.pid, word(seen), seen.command)).collect();
            terminal.data(&lines);
        }
    }
    // Whoever was asked has read who is left alone.
    let asked = args.act.signal.is_some() && !args.act.yes;
    let worth = all.iter().filter(|aimed| !(asked && aimed.seen.fate == Fate::Protected));
    for line in worth.filter_map(|aimed| signalled_text(&aimed.seen)) {
        terminal.say(&line);
    }
    let incomplete = unknown || seen.iter().any(|seen| seen.fate == Fate::Refused);
    if args.act.signal.is_some() && incomplete {
        terminal.say("incomplete: not every process could be decided, verified and signalled");
    }
}

fn exit_of(all: &[Aimed], unknown: bool, late: bool) -> Exit {
    let any = |fate| all.iter().any(|aimed| aimed.seen.fate == fate);
    let signals = all.iter().any(|aimed| aimed.seen.signal.is_some());
    let some = any(Fate::Sent) || any(Fate::Awaited);
    if any(Fate::Refused) || (unknown && (signals || !some)) || (any(Fate::Protected) && !some) {
        Exit::Held
    } else if late {
        Exit::NotReady
    } else if some {
        Exit::Ok
    } else {
        Exit::Failed
    }
}
