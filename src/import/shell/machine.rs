//! The machine that walks through commands: its state, and what it notes.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::flow::Flow;
use super::parse::parse_at;
use super::syntax::Command;
use super::value::{Doubt, Value};
use crate::import::Request;
use crate::import::files::Files;
use crate::import::found::{Note, Place, Weight};

/// Commands that are gone through in one run.
const STEPS_MAX: usize = 100_000;
/// Calls that are noted.
const CALLS_MAX: usize = 2_000;
/// Functions in functions, files in files.
pub(super) const NESTING_MAX: usize = 24;

/// A variable.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Variable {
    pub(crate) value: Value,
    pub(crate) exported: bool,
}

/// A function and the file that it stands in.
#[derive(Clone, Debug)]
pub(super) struct Function {
    pub(super) body: Arc<Command>,
    pub(super) file: Arc<str>,
}

/// What a script changes as it goes.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) functions: BTreeMap<String, Function>,
    /// `$1` and on.
    pub(super) parameters: Vec<Value>,
    pub(super) umask: Option<Value>,
    pub(super) directory: Option<Value>,
    /// By the letter of `ulimit`.
    pub(super) limits: BTreeMap<String, Value>,
    /// Redirections of the shell itself: `exec 2>&1`.
    pub(super) streams: Vec<Stream>,
}

/// Where a descriptor leads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Stream {
    /// As it is written before the operator.
    pub(crate) descriptor: Option<String>,
    /// `>`, `>>`, `>&`, ...
    pub(crate) operator: &'static str,
    pub(crate) target: Value,
}

/// A program that is called.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The program and its arguments.
    pub(crate) words: Vec<Value>,
    pub(crate) place: Place,
    /// In place of the shell: `exec`.
    pub(crate) replaces: bool,
    /// `&`
    pub(crate) background: bool,
    /// What was redirected before it and for it, in order.
    pub(crate) streams: Vec<Stream>,
    /// A test whose outcome isn't known decides whether it is called.
    pub(crate) unsure: bool,
    /// What was exported, by a script or before the command.
    pub(crate) environment: BTreeMap<String, Value>,
    pub(crate) umask: Option<Value>,
    pub(crate) directory: Option<Value>,
    pub(crate) limits: BTreeMap<String, Value>,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ran {
    pub(crate) calls: Vec<Call>,
    pub(crate) notes: Vec<Note>,
    /// Where the script certainly ended before its last command, if it did.
    pub(crate) ended: Option<Place>,
}

/// Walks through scripts.
pub(crate) struct Machine<'f> {
    pub(super) files: &'f dyn Files,
    pub(super) request: &'f Request,
    pub(super) state: State,
    pub(super) calls: Vec<Call>,
    pub(super) notes: Vec<Note>,
    /// `$0`
    pub(super) name: String,
    /// The file that is being read.
    pub(super) file: Arc<str>,
    pub(super) line: usize,
    /// Where relative names are, if that is known.
    pub(super) home: Option<String>,
    /// Places have lines.
    pub(super) lines: bool,
    pub(super) steps: usize,
    pub(super) nesting: usize,
    /// Tests around here whose outcome isn't known.
    pub(super) unsure: usize,
    /// What `echo` and its like print, per substitution around here.
    pub(super) printed: Vec<Value>,
    /// States in which the function (or file) around here was left by `return`.
    pub(super) returns: Vec<Vec<State>>,
    /// States in which the loop around here was left.
    pub(super) breaks: Vec<Vec<State>>,
    pub(super) ended: Option<Place>,
    /// `exit` doesn't end anything, and what isn't done is gone through aside: for scripts that decide not to start.
    pub(super) goes_on: bool,
    pub(super) background: bool,
    /// What the last command said, if that is known.
    pub(super) status: Option<bool>,
}

impl<'f> Machine<'f> {
    /// A machine for a script of this name (`$0`).
    pub(crate) fn new(name: &str, files: &'f dyn Files, request: &'f Request) -> Self {
        let mut machine = Self {
            files,
            request,
            state: State::default(),
            calls: Vec::new(),
            notes: Vec::new(),
            name: name.to_owned(),
            file: Arc::from(name),
            line: 0,
            home: None,
            lines: true,
            steps: 0,
            nesting: 0,
            unsure: 0,
            printed: Vec::new(),
            returns: Vec::new(),
            breaks: Vec::new(),
            ended: None,
            goes_on: false,
            background: false,
            status: Some(true),
        };
        for (name, value) in &request.set {
            machine.set(name, Value::text(value.as_str()));
        }
        machine
    }

    /// `exit` is passed over, and ways that aren't taken are looked at for what they would call.
    pub(crate) fn going_on(mut self) -> Self {
        self.goes_on = true;
        self
    }

    /// The directory that it is run in, for files that are named relative to it.
    pub(crate) fn in_directory(mut self, directory: &str) -> Self {
        self.home = Some(directory.to_owned());
        self
    }

    /// `$1` and on.
    pub(crate) fn with_parameters(mut self, parameters: &[&str]) -> Self {
        self.state.parameters = parameters.iter().map(|text| Value::text(*text)).collect();
        self
    }

    /// Goes through the commands of a text. False: it can't be read, which is noted.
    pub(crate) fn run_text(&mut self, file: &str, text: &str) -> bool {
        self.run_text_at(&Place::new(file, 1), text)
    }

    /// The same for a text that begins on another line of its file.
    pub(crate) fn run_text_at(&mut self, begin: &Place, text: &str) -> bool {
        let file = begin.file.as_ref();
        match parse_at(text, begin.line) {
            Ok(command) => {
                self.run(file, &command);
                true
            }
            Err(malformed) => {
                let place = Place::new(file, malformed.line);
                self.note(&place, Weight::Unclear, file, format!("it can't be read: {}", malformed.message));
                false
            }
        }
    }

    /// Goes through commands of ours, which have no lines that a person could look at.
    pub(crate) fn run_model(&mut self, file: &str, text: &str) {
        self.lines = false;
        self.run_text(file, text);
        self.lines = true;
    }

    /// Goes through commands.
    pub(crate) fn run(&mut self, file: &str, command: &Command) {
        let outer = std::mem::replace(&mut self.file, Arc::from(file));
        let flow = self.execute(command);
        if flow == Flow::Exit && self.ended.is_none() {
            self.ended = Some(self.place());
        }
        self.file = outer;
    }

    /// What was found.
    pub(crate) fn finish(self) -> Ran {
        Ran { calls: self.calls, notes: self.notes, ended: self.ended }
    }

    /// The value of a variable of the script.
    pub(crate) fn variable(&self, name: &str) -> Option<&Value> {
        self.state.variables.get(name).map(|variable| &variable.value)
    }

    pub(super) fn place(&self) -> Place {
        Place { file: Arc::clone(&self.file), line: if self.lines { self.line } else { 0 } }
    }

    pub(super) fn note(&mut self, place: &Place, weight: Weight, item: &str, text: impl Into<String>) {
        let note = Note { place: place.clone(), weight, item: item.to_owned(), text: text.into() };
        if !self.notes.contains(&note) && self.notes.len() < CALLS_MAX {
            self.notes.push(note);
        }
    }

    pub(super) fn doubt(&self, text: impl Into<String>, why: impl Into<String>) -> Value {
        Value::doubt(Doubt { text: text.into(), why: why.into(), place: self.place() })
    }

    /// Assigns. What a shell exports from its own beginning stays exported.
    pub(super) fn set(&mut self, name: &str, value: Value) {
        let inherited =
            matches!(name, "PATH" | "HOME" | "LANG" | "USER" | "SHELL" | "LOGNAME" | "TERM" | "LC_ALL");
        let exported = self.state.variables.get(name).map_or(inherited, |variable| variable.exported);
        self.state.variables.insert(name.to_owned(), Variable { value, exported });
    }

    /// One more command: false when there were too many.
    pub(super) fn step(&mut self) -> bool {
        self.steps += 1;
        if self.steps == STEPS_MAX {
            let place = self.place();
            self.note(&place, Weight::Unclear, "script", "it takes too many steps to go through");
        }
        self.steps < STEPS_MAX
    }

    /// Notes a call.
    pub(super) fn call(
        &mut self,
        words: Vec<Value>,
        replaces: bool,
        streams: &[Stream],
        own: &[(String, Value)],
    ) {
        let exported = self.state.variables.iter().filter(|(_, variable)| variable.exported);
        let mut environment: BTreeMap<String, Value> =
            exported.map(|(name, variable)| (name.clone(), variable.value.clone())).collect();
        environment.extend(own.iter().cloned());
        let call = Call {
            words,
            place: self.place(),
            replaces,
            background: self.background,
            streams: self.state.streams.iter().chain(streams).cloned().collect(),
            unsure: self.unsure > 0,
            environment,
            umask: self.state.umask.clone(),
            directory: self.state.directory.clone(),
            limits: self.state.limits.clone(),
        };
        if self.calls.len() < CALLS_MAX {
            self.calls.push(call);
        }
    }
}
