//! `match` and `explain EXPR`: an expression over the processes of this host or of a snapshot.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{ExplainArgs, MatchArgs, MatchOutput, Output};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::diagnostic::{Diagnostic, Source};
use crate::engine::sources::Sources;
use crate::facts::{Fact, Reason, Why};
use crate::lang::schema::Vocabulary as _;
use crate::lang::value::{Type, Value};
use crate::lang::{Library, Matcher, Missing, Predicate, Verdict, Vocabularies};
use crate::process::chain::Surroundings;
use crate::process::expression::{compile_alone, variables};
use crate::process::plain::Scan;
use crate::process::snapshot::Snapshot;
use crate::process::world::{Namespace, World};
use crate::process::{ProcessVocabulary, candidate, lints};
use crate::report::{MatchRow, explanation_rows, explanation_text, match_table};
use crate::units::Pid;

/// Runs `match`.
pub(super) fn run_match(args: &MatchArgs, terminal: Terminal) -> Exit {
    let asked = Asked {
        expression: &args.expression,
        set: &args.set,
        snapshot: args.snapshot.as_deref(),
        matchers: &args.matchers,
        pids: &args.pid,
        json: args.output == MatchOutput::Json,
        explaining: args.output != MatchOutput::Pids && (args.all || !args.pid.is_empty()),
    };
    with_question(&asked, terminal, |question| {
        let everything = args.all || !args.pid.is_empty();
        let rows = if everything { question.rows() } else { question.found() };
        print_rows(args, terminal, question.world, &rows, everything);
        exit_of(&rows)
    })
}

/// Runs `explain EXPR`.
pub(super) fn run_explain(args: &ExplainArgs, terminal: Terminal) -> Exit {
    let asked = Asked {
        expression: &args.subject,
        set: &args.set,
        snapshot: args.snapshot.as_deref(),
        matchers: &args.matchers,
        pids: &args.pid,
        json: args.output == Output::Json,
        explaining: true,
    };
    with_question(&asked, terminal, |question| explain(&question, args.output, terminal))
}

/// What the command line asks for.
struct Asked<'a> {
    expression: &'a str,
    set: &'a [(String, String)],
    snapshot: Option<&'a Path>,
    /// Files and directories of Matcher documents.
    matchers: &'a [PathBuf],
    pids: &'a [i32],
    json: bool,
    /// Near misses are noted: where processes that are false are shown.
    explaining: bool,
}

/// A bound expression and the processes it is about.
struct Question<'a> {
    world: &'a dyn World,
    vocabulary: &'a ProcessVocabulary<'a>,
    matcher: &'a Matcher,
    pids: Vec<Pid>,
    all_pids: bool,
}

fn with_question(asked: &Asked<'_>, terminal: Terminal, then: impl FnOnce(Question<'_>) -> Exit) -> Exit {
    let source = Source::new("<expression>", asked.expression);
    let (library, said) = library(asked.matchers);
    let compiled = compile_alone(asked.expression, &library);
    let mut diagnostics = said;
    diagnostics.extend(compiled.diagnostics);
    let bindings = match &compiled.predicate {
        Some(predicate) => {
            let (bindings, problems) = bind_names(predicate, asked.set);
            diagnostics.extend(problems);
            bindings
        }
        None => BTreeMap::new(),
    };
    let world = match open_world(asked.snapshot) {
        Ok(world) => Some(world),
        Err(problems) => {
            diagnostics.extend(problems);
            None
        }
    };
    let diagnostics: Vec<Diagnostic> = diagnostics.into_iter().map(|d| d.in_source(&source)).collect();
    let (Some(predicate), Some(world), false) =
        (compiled.predicate, world, diagnostics.iter().any(Diagnostic::is_error))
    else {
        report_problems(&diagnostics, asked.json, terminal);
        return Exit::Warnings;
    };
    let vocabulary = ProcessVocabulary::new(&*world);
    let vocabulary = if asked.explaining { vocabulary.explaining() } else { vocabulary };
    let bound = predicate.bind(&bindings, &Vocabularies(vec![&vocabulary]));
    let files = lints::files(bound.matcher.root(), &*world, &Surroundings::default());
    let bound_to = bound.diagnostics.into_iter().chain(files).map(|d| d.in_source(&source));
    let all: Vec<Diagnostic> = diagnostics.into_iter().chain(bound_to).collect();
    terminal.diagnostics(&all);
    let (pids, all_pids) = match pids_of(&*world, asked.pids) {
        Ok(found) => found,
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Changes;
        }
    };
    then(Question { world: &*world, vocabulary: &vocabulary, matcher: &bound.matcher, pids, all_pids })
}

/// The named matchers and lists of these places, and the errors in them.
fn library(places: &[PathBuf]) -> (Arc<Library>, Vec<Diagnostic>) {
    if places.is_empty() {
        return (Arc::default(), Vec::new());
    }
    let look = Sources::new(Vec::new()).with_libraries(places.to_vec()).look();
    let errors = look.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
    (look.library, errors)
}

fn report_problems(diagnostics: &[Diagnostic], json: bool, terminal: Terminal) {
    if json {
        terminal.json(&crate::report::diagnostic_rows(diagnostics));
    } else {
        terminal.diagnostics(diagnostics);
    }
}

/// The host that is asked: a snapshot file, or this one.
pub(super) fn open_world(snapshot: Option<&Path>) -> Result<Box<dyn World>, Vec<Diagnostic>> {
    let Some(path) = snapshot else {
        let live = crate::host::proc::LiveWorld::new().map_err(|error| {
            vec![Diagnostic::error(super::codes::HOST, format!("this host's `/proc` can't be used: {error}"))]
        })?;
        return Ok(Box::new(live));
    };
    read_snapshot(path).map(|snapshot| Box::new(snapshot) as Box<dyn World>)
}

/// A snapshot file.
pub(super) fn read_snapshot(path: &Path) -> Result<Snapshot, Vec<Diagnostic>> {
    let name = path.display().to_string();
    let text = crate::host::read_text(path).map_err(|error| {
        vec![Diagnostic::error(super::codes::FILE, format!("`{name}` can't be read: {error}"))]
    })?;
    Snapshot::parse(&Source::new(name, text))
}

/// The processes asked for: those given, or all of them but selfsame itself.
fn pids_of(world: &dyn World, given: &[i32]) -> Result<(Vec<Pid>, bool), String> {
    if !given.is_empty() {
        return Ok((given.iter().copied().map(Pid).collect(), false));
    }
    match world.pids() {
        Fact::Known(pids) => {
            let own = world.self_pid().known();
            Ok((pids.iter().copied().filter(|pid| Some(*pid) != own).collect(), true))
        }
        Fact::Absent => Ok((Vec::new(), true)),
        Fact::Unknown(reason) => Err(format!("the processes can't be listed ({reason})")),
    }
}

/// Gives the names that `--set` binds their values, and points at names that nothing binds.
fn bind_names(predicate: &Predicate, set: &[(String, String)]) -> (BTreeMap<String, Value>, Vec<Diagnostic>) {
    let known = variables();
    let mut problems = Vec::new();
    let mut bindings: BTreeMap<String, Value> = BTreeMap::new();
    for (name, text) in set {
        match known.get(name) {
            Some(ty) => add_binding(&mut bindings, name, ty, text),
            None => problems.push(unknown_name(name, known.keys().map(String::as_str))),
        }
    }
    for name in predicate.needs().variables {
        if !bindings.contains_key(&name) {
            problems.push(
                Diagnostic::error(super::codes::UNBOUND, format!("`{name}` has no value here")).help(
                    match name.as_str() {
                        "args" => {
                            "write `argv` for the arguments of the process, or bind it: `--set args=VALUE`"
                                .to_owned()
                        }
                        _ => format!("bind it: `--set {name}=VALUE`"),
                    },
                ),
            );
        }
    }
    (bindings, problems)
}

fn add_binding(bindings: &mut BTreeMap<String, Value>, name: &str, ty: &Type, text: &str) {
    let value = match ty {
        Type::Path => Value::path(absolute(text)),
        Type::List(_) => Value::list(text.split_whitespace().map(Value::string)),
        _ => Value::string(text),
    };
    bindings.insert(name.to_owned(), value);
}

/// A path on the command line is meant from here.
fn absolute(text: &str) -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt as _;
    std::path::absolute(text)
        .map_or_else(|_| text.as_bytes().to_vec(), |path| path.into_os_string().into_vec())
}

fn unknown_name<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    let list: Vec<String> = known.clone().map(|word| format!("`{word}`")).collect();
    let problem = Diagnostic::error(super::codes::UNBOUND, format!("`--set {name}=...` binds nothing"));
    match crate::diagnostic::did_you_mean(name, known) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("names that can be bound: {}", list.join(", "))),
    }
}

impl Question<'_> {
    fn vocabularies(&self) -> Vocabularies<'_> {
        Vocabularies(vec![self.vocabulary])
    }

    /// The verdict on every process asked for. If something exited while the whole host was looked at and nothing was
    /// found, one process may have taken the place of another: the caller sees it as gone.
    fn rows(&self) -> Vec<MatchRow> {
        let facts = self.vocabularies();
        self.pids.iter().map(|pid| self.row(*pid, &facts)).collect()
    }

    /// The same without the processes that don't match, most of which the short way decides.
    fn found(&self) -> Vec<MatchRow> {
        let facts = self.vocabularies();
        let scan = Scan::new(self.vocabulary, [(self.matcher, self.vocabulary)]);
        let mut rows = Vec::new();
        scan.each(&self.pids, |pid, _, _| rows.push(self.row(pid, &facts)));
        rows.retain(|row| row.verdict != "false");
        rows
    }

    fn row(&self, pid: Pid, facts: &Vocabularies<'_>) -> MatchRow {
        if !self.is_there(pid) {
            // An expression that reads no fact (`pid > 1`) would be true for any number.
            let gone = Missing { what: "pid".into(), reason: Reason::new(Why::Vanished, format!("{pid}")) };
            return MatchRow::new(pid, &Verdict::Unknown(vec![gone]), Vec::new());
        }
        let verdict = self.matcher.eval(&candidate(pid), facts);
        let mut notes = self.vocabulary.take_notes();
        let foreign = matches!(verdict, Verdict::Match | Verdict::Unknown(_)) && self.is_elsewhere(pid);
        if foreign {
            notes.push("in another pid namespace".into());
        }
        MatchRow::new(pid, if foreign { &Verdict::NoMatch } else { &verdict }, notes)
    }

    /// Not there is only what a complete listing lacks.
    fn is_there(&self, pid: Pid) -> bool {
        self.all_pids || self.world.pids().known().is_none_or(|pids| pids.contains(&pid))
    }

    /// In a PID namespace of its own (a container): not this host's process unless it was asked for by number.
    fn is_elsewhere(&self, pid: Pid) -> bool {
        let own = self.world.own_namespace(Namespace::Pid).known();
        let its = self.world.namespace(pid, Namespace::Pid).known();
        self.all_pids && own.is_some() && its.is_some() && own != its
    }
}

fn exit_of(rows: &[MatchRow]) -> Exit {
    if rows.iter().any(MatchRow::is_match) {
        Exit::Ok
    } else if rows.iter().any(MatchRow::is_unknown) {
        Exit::Changes
    } else {
        Exit::Failed
    }
}

fn print_rows(args: &MatchArgs, terminal: Terminal, world: &dyn World, rows: &[MatchRow], everything: bool) {
    let shown: Vec<&MatchRow> =
        rows.iter().filter(|row| everything || row.is_match() || row.is_unknown()).collect();
    match args.output {
        MatchOutput::Pids => {
            let text: String =
                rows.iter().filter(|row| row.is_match()).map(|row| format!("{}\n", row.pid)).collect();
            terminal.data(&text);
            say_unknown(rows, terminal);
        }
        MatchOutput::Json => terminal.json(&shown),
        MatchOutput::Table => terminal.data(&match_table(&shown, world)),
    }
}

/// What could not be decided goes to stderr, a few lines at most.
fn say_unknown(rows: &[MatchRow], terminal: Terminal) {
    const SHOWN: usize = 5;
    let unknown: Vec<&MatchRow> = rows.iter().filter(|row| row.is_unknown()).collect();
    for row in unknown.iter().take(SHOWN) {
        terminal.say(&format!("unknown: {}: {}", row.pid, row.reasons.join("; ")));
    }
    if unknown.len() > SHOWN {
        terminal.say(&format!("unknown: {} more; `--output table --all` lists them", unknown.len() - SHOWN));
    }
}

/// The tree with every value for the processes given; without any, for those that match or nearly do.
fn explain(question: &Question<'_>, output: Output, terminal: Terminal) -> Exit {
    let facts = question.vocabularies();
    let mut texts = Vec::new();
    let mut rows = Vec::new();
    let chosen = if question.all_pids { question.worth_explaining() } else { question.pids.clone() };
    for pid in &chosen {
        let explanation = question.matcher.explain(&candidate(*pid), &facts);
        let row = question.row(*pid, &facts);
        match output {
            Output::Text => texts.push(explanation_text(&explanation, &row)),
            Output::Json => texts.push(String::new()),
        }
        rows.push(explanation_rows(&explanation, &row));
    }
    match output {
        Output::Json => terminal.json(&rows),
        Output::Text if chosen.is_empty() => {
            terminal.data("no process matches, and none fails in one place only\n");
        }
        Output::Text => terminal.data(&texts.join("\n")),
    }
    // An explanation was asked for and given, whatever the verdict in it.
    Exit::Ok
}

impl Question<'_> {
    /// Without `--pid`: what matches or can't be decided, else what fails in exactly one place.
    fn worth_explaining(&self) -> Vec<Pid> {
        const SHOWN: usize = 10;
        let facts = self.vocabularies();
        let rows = self.rows();
        let decided: Vec<Pid> = rows
            .iter()
            .filter(|row| row.is_match() || row.is_unknown())
            .map(|row| row.pid)
            .take(SHOWN)
            .collect();
        if !decided.is_empty() {
            return decided;
        }
        let near = |pid: &Pid| self.matcher.explain(&candidate(*pid), &facts).smallest_failing().len() == 1;
        self.pids.iter().copied().filter(near).take(SHOWN).collect()
    }
}
