//! How commands follow each other, and what happens where it isn't known which way they go.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::machine::{Function, Machine, NESTING_MAX, State, Stream};
use super::merge::merge;
use super::names;
use super::pattern;
use super::syntax::{Assigned, Command, Kind, Link, Redirect, Word};
use super::value::Value;
use crate::import::found::{Place, Weight};

/// Words of a `for` that are gone through one by one.
const ROUNDS_MAX: usize = 64;

/// Where it goes on after a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Flow {
    /// With the next one.
    On,
    /// Behind the loop.
    Break,
    /// With the next round of the loop.
    Continue,
    /// Behind the function or file.
    Return,
    /// Nowhere.
    Exit,
}

impl Machine<'_> {
    /// Goes through a command. What it says is in `status` afterwards.
    pub(super) fn execute(&mut self, command: &Command) -> Flow {
        if !self.step() {
            return Flow::Exit;
        }
        self.line = command.line;
        match &command.kind {
            Kind::Simple { assigns, words, redirects } => self.simple(assigns, words, redirects),
            Kind::List(list) => {
                for inner in list {
                    match self.execute(inner) {
                        Flow::On => {}
                        flow => return flow,
                    }
                }
                Flow::On
            }
            Kind::Not(inner) => {
                let flow = self.execute(inner);
                self.status = self.status.map(|status| !status);
                flow
            }
            Kind::AndOr { first, rest } => self.and_or(first, rest),
            Kind::Pipeline(list) => {
                // What one part prints goes into the next.
                let printed = self.printed.clone();
                for inner in list {
                    self.subshell(inner);
                }
                self.printed = printed;
                self.print_doubt("a pipeline");
                self.status = None;
                Flow::On
            }
            Kind::Background(inner) => {
                let outer = std::mem::replace(&mut self.background, true);
                self.subshell(inner);
                self.background = outer;
                self.status = Some(true);
                Flow::On
            }
            Kind::Subshell(inner) => {
                self.subshell(inner);
                Flow::On
            }
            Kind::If { arms, otherwise } => self.conditional(arms, otherwise.as_deref()),
            Kind::Case { word, arms } => self.case(word, arms),
            Kind::For { name, words, body } => self.counted(name, words.as_deref(), body),
            Kind::While { condition, body, .. } => self.repeated(condition, body),
            Kind::Function { name, body } => {
                let function = Function { body: Arc::clone(body), file: Arc::clone(&self.file) };
                self.state.functions.insert(name.clone(), function);
                self.status = Some(true);
                Flow::On
            }
            Kind::Arithmetic => {
                self.status = None;
                Flow::On
            }
        }
    }

    /// What it changes ends with it; that it was left by `exit` too.
    pub(super) fn subshell(&mut self, inner: &Command) {
        let before = self.state.clone();
        let ended = self.ended.clone();
        self.returns.push(Vec::new());
        self.execute(inner);
        self.returns.pop();
        self.state = before;
        self.ended = ended;
    }

    /// A way that isn't taken, for what it would call.
    fn aside(&mut self, way: impl FnOnce(&mut Self) -> Flow) {
        if !self.goes_on || self.nesting >= NESTING_MAX {
            return;
        }
        let (state, status, line) = (self.state.clone(), self.status, self.line);
        let (printed, returns, breaks) = (self.printed.clone(), self.returns.clone(), self.breaks.clone());
        self.nesting += 1;
        way(self);
        self.nesting -= 1;
        (self.state, self.status, self.line) = (state, status, line);
        (self.printed, self.returns, self.breaks) = (printed, returns, breaks);
    }

    fn and_or(&mut self, first: &Command, rest: &[(Link, Command)]) -> Flow {
        let mut flow = self.execute(first);
        for (link, next) in rest {
            if flow != Flow::On {
                return flow;
            }
            let wanted = *link == Link::And;
            flow = match self.status {
                Some(status) if status == wanted => self.execute(next),
                Some(_) => {
                    self.aside(|machine| machine.execute(next));
                    Flow::On
                }
                None => {
                    let place = self.place();
                    self.both(
                        &place,
                        |machine| machine.execute(next),
                        |machine| {
                            // It was not gone through since the last one said otherwise.
                            machine.status = Some(!wanted);
                            Flow::On
                        },
                    )
                }
            };
        }
        flow
    }

    /// Goes both ways and joins them.
    fn both(
        &mut self,
        place: &Place,
        one: impl FnOnce(&mut Self) -> Flow,
        other: impl FnOnce(&mut Self) -> Flow,
    ) -> Flow {
        self.unsure += 1;
        let before = self.state.clone();
        let printed = self.printed.clone();
        let first = one(self);
        let (first_state, first_status) = (std::mem::replace(&mut self.state, before), self.status);
        let first_printed = std::mem::replace(&mut self.printed, printed);
        let second = other(self);
        self.unsure -= 1;
        self.join_printed(&first_printed);
        match (first, second) {
            (Flow::On, Flow::On) => {
                let second_state = std::mem::take(&mut self.state);
                self.state = merge(first_state, &second_state, place);
                if self.status != first_status {
                    self.status = None;
                }
                Flow::On
            }
            (Flow::On, _) => {
                self.state = first_state;
                self.status = first_status;
                Flow::On
            }
            (_, Flow::On) => Flow::On,
            // Both leave; what comes behind the nearest of the two may still be reached.
            (Flow::Continue, _) | (_, Flow::Continue) => Flow::Continue,
            (Flow::Break, _) | (_, Flow::Break) => Flow::Break,
            (Flow::Return, _) | (_, Flow::Return) => Flow::Return,
            (Flow::Exit, Flow::Exit) => Flow::Exit,
        }
    }

    fn conditional(&mut self, arms: &[(Command, Command)], otherwise: Option<&Command>) -> Flow {
        let Some(((condition, body), rest)) = arms.split_first() else {
            self.status = Some(true);
            return otherwise.map_or(Flow::On, |body| self.execute(body));
        };
        let flow = self.execute(condition);
        if flow != Flow::On {
            return flow;
        }
        match self.status {
            Some(true) => {
                self.aside(|machine| machine.conditional(rest, otherwise));
                self.execute(body)
            }
            Some(false) => {
                self.aside(|machine| machine.execute(body));
                self.conditional(rest, otherwise)
            }
            None => {
                let place = Place::new(Arc::clone(&self.file), condition.line);
                self.both(&place, |m| m.execute(body), |m| m.conditional(rest, otherwise))
            }
        }
    }

    fn case(&mut self, word: &Word, arms: &[(Vec<Word>, Command)]) -> Flow {
        let value = self.joined(word);
        let place = self.place();
        self.case_from(&value, arms, &place)
    }

    fn case_from(&mut self, value: &Value, arms: &[(Vec<Word>, Command)], place: &Place) -> Flow {
        let Some(((patterns, body), rest)) = arms.split_first() else {
            self.status = Some(true);
            return Flow::On;
        };
        match self.any_fits(value, patterns) {
            Some(true) => {
                self.status = Some(true);
                self.execute(body)
            }
            Some(false) => self.case_from(value, rest, place),
            None => self.both(place, |m| m.execute(body), |m| m.case_from(value, rest, place)),
        }
    }

    /// Whether one of the patterns fits; not known where the value or a pattern isn't.
    fn any_fits(&mut self, value: &Value, patterns: &[Word]) -> Option<bool> {
        let mut answer = Some(false);
        for pattern in patterns {
            let elements = self.pattern(pattern);
            match (value.known(), elements) {
                (Some(text), Some(elements)) => {
                    if pattern::matches(&elements, text) {
                        return Some(true);
                    }
                }
                // Everything fits `*`.
                (None, Some(elements)) if elements == [pattern::Element::Many] => return Some(true),
                _ => answer = None,
            }
        }
        answer
    }

    fn counted(&mut self, name: &str, words: Option<&[Word]>, body: &Command) -> Flow {
        let values = match words {
            Some(words) => self.fields(words),
            None => self.state.parameters.clone(),
        };
        let place = self.place();
        if values.len() > ROUNDS_MAX || values.iter().any(|value| value.known().is_none()) {
            return self.some_rounds(body, &place, |machine| {
                let doubt = machine.doubt(format!("${name}"), "it is different in each round of a loop");
                machine.set(name, doubt);
                Flow::On
            });
        }
        for value in values {
            self.set(name, value);
            self.breaks.push(Vec::new());
            let flow = self.execute(body);
            let left = self.breaks.pop().unwrap_or_default();
            for state in &left {
                let now = std::mem::take(&mut self.state);
                self.state = merge(now, state, &place);
            }
            match flow {
                Flow::On | Flow::Continue => {}
                Flow::Break => break,
                flow => return flow,
            }
        }
        Flow::On
    }

    fn repeated(&mut self, condition: &Command, body: &Command) -> Flow {
        let place = self.place();
        self.some_rounds(body, &place, |machine| machine.execute(condition))
    }

    /// A body that is gone through an unknown number of times: whatever it assigns isn't known in it, nor behind it.
    fn some_rounds(&mut self, body: &Command, place: &Place, before: impl FnOnce(&mut Self) -> Flow) -> Flow {
        let mut names = BTreeSet::new();
        names::assigned(body, &mut names);
        let unchanged = self.state.clone();
        for name in names {
            let doubt = self.doubt(format!("${name}"), "it is assigned in a loop");
            self.set(&name, doubt);
        }
        let flow = before(self);
        if flow != Flow::On {
            return flow;
        }
        self.unsure += 1;
        self.breaks.push(Vec::new());
        self.execute(body);
        self.breaks.pop();
        self.unsure -= 1;
        let after = std::mem::take(&mut self.state);
        self.state = merge(after, &unchanged, place);
        self.status = None;
        Flow::On
    }

    fn simple(&mut self, assigns: &[(String, Assigned)], words: &[Word], redirects: &[Redirect]) -> Flow {
        let fields = self.fields(words);
        let line = self.line;
        if fields.is_empty() {
            // One after the other: the next may name the one before.
            for (name, assigned) in assigns {
                let value = self.assigned(name, assigned);
                self.set(name, value);
            }
            self.line = line;
            // `A=$(program)` says what the program says, which `substitute` has left.
            if words.is_empty() && !assigns.iter().any(|(_, value)| has_command(value)) {
                self.status = Some(true);
            }
            return Flow::On;
        }
        let values: Vec<(String, Value)> =
            assigns.iter().map(|(name, assigned)| (name.clone(), self.assigned(name, assigned))).collect();
        self.line = line;
        let streams = self.streams(redirects);
        self.invoke(&fields, &values, &streams)
    }

    fn streams(&mut self, redirects: &[Redirect]) -> Vec<Stream> {
        let plain = redirects.iter().filter(|redirect| !redirect.operator.starts_with("<<"));
        plain
            .map(|redirect| Stream {
                descriptor: redirect.descriptor.clone(),
                operator: redirect.operator,
                target: self.joined(&redirect.target),
            })
            .collect()
    }

    fn assigned(&mut self, name: &str, assigned: &Assigned) -> Value {
        match assigned {
            Assigned::Word(word) => self.joined(word),
            Assigned::Append(word) => {
                let mut value = self.variable(name).cloned().unwrap_or_default();
                let more = self.joined(word);
                value.push(&more);
                value
            }
            Assigned::Array => self.doubt(format!("${name}"), "arrays aren't followed"),
        }
    }

    /// Goes through a function with these parameters.
    pub(super) fn run_function(&mut self, function: &Function, parameters: Vec<Value>) -> Flow {
        if self.nesting >= NESTING_MAX {
            let place = self.place();
            self.note(&place, Weight::Unclear, "function", "functions call each other too deeply");
            self.status = None;
            return Flow::On;
        }
        let place = self.place();
        let outer_parameters = std::mem::replace(&mut self.state.parameters, parameters);
        let outer_file = std::mem::replace(&mut self.file, Arc::clone(&function.file));
        let flow = self.left_by_return(&place, |machine| machine.execute(&function.body));
        self.file = outer_file;
        self.line = place.line;
        self.state.parameters = outer_parameters;
        flow
    }

    /// Runs what `return` may leave, and joins the states in which it was left.
    pub(super) fn left_by_return(&mut self, place: &Place, inner: impl FnOnce(&mut Self) -> Flow) -> Flow {
        self.nesting += 1;
        self.returns.push(Vec::new());
        let outer_breaks = std::mem::take(&mut self.breaks);
        let flow = inner(self);
        self.breaks = outer_breaks;
        let left = self.returns.pop().unwrap_or_default();
        self.nesting -= 1;
        let mut states: Vec<State> = left;
        let several = !states.is_empty() && (flow == Flow::On || states.len() > 1);
        if matches!(flow, Flow::On | Flow::Break | Flow::Continue) {
            states.push(std::mem::take(&mut self.state));
        }
        let Some((first, others)) = states.split_first() else { return flow };
        let joined = others.iter().fold(first.clone(), |state, other| merge(state, other, place));
        self.state = joined;
        if several {
            self.status = None;
        }
        Flow::On
    }
}

fn has_command(assigned: &Assigned) -> bool {
    use super::syntax::Part;
    let in_part = |part: &Part| match part {
        Part::Command { .. } => true,
        Part::Double(parts) => parts.iter().any(|part| matches!(part, Part::Command { .. })),
        _ => false,
    };
    match assigned {
        Assigned::Word(word) | Assigned::Append(word) => word.0.iter().any(in_part),
        Assigned::Array => false,
    }
}
