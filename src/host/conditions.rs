//! Written conditions: compiled once, bound for each look, asked for each process.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hash::{BuildHasher as _, RandomState};
use std::rc::Rc;

use super::checked;
use super::executable::surroundings;
use super::shelf::Shelf;
use super::spawn::close_up;
use crate::facts::{Reason, Why};
use crate::lang::value::{Type, Value};
use crate::lang::{Explanation, Matcher, Predicate, Scope, Verdict, compile};
use crate::plan::memory::Memory;
use crate::plan::observation::Prepared;
use crate::plan::substitute;
use crate::plugin::{Look, Plugins, in_order};
use crate::process::identity::Ternary;
use crate::process::plain::is_told;
use crate::process::world::World;
use crate::process::{ProcessVocabulary, candidate};
use crate::spec::{Expression, Service, Shape, variables};
use crate::units::Pid;

/// Compiled conditions are kept up to so many texts; then the cache begins anew.
const KEPT_MAX: usize = 4096;
/// So many stay at hand while nothing is looked at: each is some kilobytes, and compiled again within microseconds.
const KEPT_AT_REST: usize = 256;
/// Of so many it is kept what is known of them; then that begins anew.
const KNOWN_MAX: usize = 16 << 10;
/// Lines of plugins above this level are for their authors.
const WARNING: u8 = 1;
/// Functions whose answer for a process changes with an exec only, as long as files stay what they are.
pub const TOLD_FUNCTIONS: [&str; 7] =
    ["runs", "interpreter", "file", "realpath", "same_file", "args", "has_args"];
/// Fields that say whose a process is: a condition on one of them speaks for processes of other users.
const OF_USERS: [&str; 3] = ["user", "ruser", "suser"];

/// The conditions of the documents in force.
#[derive(Debug)]
pub struct Conditions {
    shelf: Rc<Shelf>,
    /// By text, the shape of the document, the definitions and the plugins in use.
    compiled: RefCell<BTreeMap<String, Rc<Ready>>>,
    /// What is known of those that use no plugins, by a hash of the same: they mean what they meant.
    known: RefCell<BTreeMap<u64, Traits>>,
    hashing: RandomState,
}

/// What is known of a condition without having it at hand.
#[derive(Clone, Copy, Debug)]
struct Traits {
    compiles: bool,
    /// The kernel tells of everything that it asks for.
    is_told: bool,
}

/// A condition as far as it could be made ready.
#[derive(Debug)]
struct Ready {
    /// `None`: it doesn't compile.
    predicate: Option<Predicate>,
    plugins: Plugins,
    /// It names a user, so that processes of other users are candidates.
    names_user: bool,
    /// It asks for what its document says.
    has_variables: bool,
    /// The kernel tells of everything that it asks for.
    is_told: bool,
}

impl Ready {
    fn new(predicate: Option<Predicate>, plugins: Plugins) -> Self {
        let schema = plugins.schema();
        let needs = predicate.as_ref().map(Predicate::needs).unwrap_or_default();
        let mut fields = needs.fields.iter().filter_map(|id| schema.field_by_id(*id));
        let names_user = fields.clone().any(|field| OF_USERS.contains(&field.name.as_ref()));
        let mut functions = needs.functions.iter().filter_map(|id| schema.function_by_id(*id));
        let tells = |name: &str| is_told(name) || TOLD_FUNCTIONS.contains(&name);
        let is_told =
            fields.all(|field| tells(&field.name)) && functions.all(|function| tells(&function.name));
        Self { predicate, plugins, names_user, has_variables: !needs.variables.is_empty(), is_told }
    }

    fn traits(&self) -> Traits {
        let compiles = self.predicate.is_some();
        Traits { compiles, is_told: compiles && self.is_told }
    }
}

impl Conditions {
    /// None yet; the plugins that they use come from here.
    pub fn new(shelf: Rc<Shelf>) -> Self {
        Self { shelf, compiled: RefCell::default(), known: RefCell::default(), hashing: RandomState::new() }
    }

    /// Where plugins come from.
    pub fn shelf(&self) -> &Rc<Shelf> {
        &self.shelf
    }

    /// Much was needed for a moment while these were found out.
    pub fn settle(&self) {
        close_up(&mut self.known.borrow_mut());
    }

    /// Nothing is looked at for a while: where there are many, only those stay at hand whose plugins would be lost with them.
    pub fn rest(&self) {
        // A complete look compiles some of many conditions anew, each between what it needed for a moment.
        let known = self.shelf.checked().clear();
        let mut compiled = self.compiled.borrow_mut();
        if compiled.len().max(known) > KEPT_AT_REST {
            compiled.retain(|_, ready| ready.plugins.iter().next().is_some());
        }
    }
}

/// A condition with the values of its document, for one look.
pub struct Bound<'w> {
    /// `Err`: this version can't compile it, or a plugin that it uses can't be had.
    pub(super) matcher: Result<Matcher, Reason>,
    pub(super) vocabulary: ProcessVocabulary<'w>,
    pub(super) plugins: Plugins,
    /// It names a user, so that processes of other users are candidates.
    pub(super) names_user: bool,
    world: &'w dyn World,
    look: Look,
    /// It holds for these, ascending, as was found out in this look.
    found: Vec<Pid>,
}

impl std::fmt::Debug for Bound<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("matcher", &self.matcher).finish_non_exhaustive()
    }
}

impl Conditions {
    /// What plugins said since this was last asked: errors and warnings.
    pub fn take_said(&self) -> Vec<String> {
        let compiled = self.compiled.borrow();
        let plugins = compiled.values().flat_map(|ready| ready.plugins.iter());
        let lines = plugins.flat_map(|plugin| {
            let said = plugin.take_log().into_iter().filter(|line| line.level <= WARNING);
            said.map(|line| format!("the plugin `{}` says: {}", plugin.name(), line.text)).collect::<Vec<_>>()
        });
        lines.collect()
    }

    /// Forgets plugins that nothing on record uses, here and in the state directory.
    ///
    /// # Errors
    /// As [`Shelf::sweep`].
    pub fn sweep(&self, memory: &Memory) -> Result<(), String> {
        if self.shelf.has_loaded() {
            let needed = self.shelf.needed(memory);
            let is_needed =
                |ready: &Ready| ready.plugins.iter().all(|plugin| needed.contains(plugin.digest()));
            self.compiled.borrow_mut().retain(|_, ready| is_needed(ready));
        }
        self.shelf.sweep(memory)
    }

    /// Binds a condition to the document that it stands in. `${...}` in variables has the values of the first replica.
    /// What plugins answer is kept in `look`, which is of this world.
    pub fn bind<'w>(
        &self,
        expression: &Expression,
        spec: &Service,
        places: &Prepared,
        world: &'w dyn World,
        look: &Look,
    ) -> Bound<'w> {
        let vocabulary = ProcessVocabulary::with_context(world, surroundings(spec));
        let (ready, missing) = match self.ready(expression, Some(spec)) {
            Ok(ready) => (ready, None),
            Err(reason) => (Rc::new(Ready::new(None, Plugins::none())), Some(reason)),
        };
        let matcher =
            match &ready.predicate {
                Some(predicate) => {
                    let variables = if ready.has_variables { variables(spec) } else { BTreeMap::new() };
                    let values = variables
                        .into_iter()
                        .map(|(name, (_, value))| (name, put_in(value, spec, places)))
                        .collect();
                    let answer = ready.plugins.vocabularies(&vocabulary, world, look);
                    Ok(predicate.bind(&values, &in_order(&vocabulary, &answer)).matcher)
                }
                // A record of an older version may hold what this one doesn't understand: never a match, never a "no".
                None => Err(missing
                    .unwrap_or_else(|| Reason::new(Why::Unresolved, "the condition can't be compiled"))),
            };
        let (plugins, names_user) = (ready.plugins.clone(), ready.names_user);
        Bound { matcher, vocabulary, plugins, names_user, world, look: look.clone(), found: Vec::new() }
    }

    /// A condition that is about no Service, as one of a Policy. What its constants stand for (accounts, files) is looked up
    /// now, and stays so.
    pub fn alone(&self, expression: &Expression, world: &dyn World, look: &Look) -> Alone {
        let ready = match self.ready(expression, None) {
            Ok(ready) => ready,
            Err(reason) => return Alone::unusable(reason),
        };
        let (Some(predicate), plugins) = (&ready.predicate, &ready.plugins) else {
            return Alone::unusable(Reason::new(Why::Unresolved, "the condition can't be compiled"));
        };
        let vocabulary = ProcessVocabulary::new(world);
        let answer = plugins.vocabularies(&vocabulary, world, look);
        let bound = predicate.bind(&BTreeMap::new(), &in_order(&vocabulary, &answer));
        Alone { matcher: Ok(bound.matcher), asks: asks(predicate, plugins), plugins: plugins.clone() }
    }

    /// Whether the kernel tells of everything that the conditions of a document ask for.
    pub fn are_told(&self, spec: &Service) -> bool {
        [&spec.narrow, &*spec.match_only].into_iter().flatten().all(|expression| {
            let known = self
                .traits(expression, spec)
                .or_else(|| self.ready(expression, Some(spec)).ok().map(|ready| ready.traits()));
            known.is_some_and(|traits| traits.is_told)
        })
    }

    /// Whether a condition is known to compile, without compiling it. One with plugins may have lost them.
    pub fn is_known_to_compile(&self, expression: &Expression, spec: &Service) -> bool {
        let key = key(expression, Some(Shape::of(spec)));
        let known = self.known.borrow().get(&self.hashing.hash_one(&key)).map(|traits| traits.compiles);
        expression.plugins.is_empty() && known.unwrap_or_else(|| self.shelf.checked().has(&key))
    }

    fn traits(&self, expression: &Expression, spec: &Service) -> Option<Traits> {
        let hash = self.hashing.hash_one(key(expression, Some(Shape::of(spec))));
        self.known.borrow().get(&hash).copied().filter(|_| expression.plugins.is_empty())
    }

    fn note(&self, key: &str, traits: Traits) {
        let mut known = self.known.borrow_mut();
        if known.len() >= KNOWN_MAX {
            known.clear();
        }
        known.insert(self.hashing.hash_one(key), traits);
    }

    /// The condition, compiled against exactly the plugins that it was accepted with, with the names of its document.
    fn ready(&self, expression: &Expression, spec: Option<&Service>) -> Result<Rc<Ready>, Reason> {
        let key = key(expression, spec.map(Shape::of));
        if let Some(known) = self.compiled.borrow().get(&key) {
            return Ok(Rc::clone(known));
        }
        let used: Result<Vec<_>, Reason> =
            expression.plugins.iter().map(|(name, used)| self.shelf.recorded(name, used)).collect();
        // What is missing now may be there at the next look: that is not kept.
        let plugins = Plugins::new(used?);
        let checked = self.shelf.checked().take(&key);
        let predicate = checked.or_else(|| {
            let scope =
                Scope::new(spec.map(types).unwrap_or_default(), &expression.library(plugins.schema()));
            compile(&expression.text, plugins.schema(), &scope).predicate
        });
        let mut compiled = self.compiled.borrow_mut();
        if compiled.len() > KEPT_MAX {
            compiled.clear();
        }
        let ready = Rc::new(Ready::new(predicate, plugins));
        if expression.plugins.is_empty() {
            self.note(&key, ready.traits());
        }
        compiled.insert(key, Rc::clone(&ready));
        Ok(ready)
    }
}

/// The variables of a document and their types.
fn types(spec: &Service) -> BTreeMap<String, Type> {
    variables(spec).into_iter().map(|(name, (of, _))| (name, of)).collect()
}

/// Names of the fields and functions that it may ask for.
fn asks(predicate: &Predicate, plugins: &Plugins) -> BTreeSet<String> {
    let (needs, schema) = (predicate.needs(), plugins.schema());
    let fields = needs.fields.iter().filter_map(|id| Some(schema.field_by_id(*id)?.name.to_string()));
    let functions =
        needs.functions.iter().filter_map(|id| Some(schema.function_by_id(*id)?.name.to_string()));
    fields.chain(functions).collect()
}

fn key(expression: &Expression, shape: Option<Shape>) -> String {
    let mut key = checked::key(&expression.text, shape);
    for (name, definition) in &expression.definitions {
        let _ = write!(key, "\0{name}={definition:?}");
    }
    for (name, used) in &expression.plugins {
        let _ = write!(key, "\0{name}={used:?}");
    }
    key
}

/// Placeholders get their values, in strings, paths and lists of them.
fn put_in(value: Value, spec: &Service, places: &Prepared) -> Value {
    let text = |bytes: &[u8]| match std::str::from_utf8(bytes) {
        Ok(text) => substitute(text, spec, 0, places).into_bytes(),
        Err(_) => bytes.to_vec(),
    };
    match value {
        Value::String(bytes) => Value::string(text(&bytes)),
        Value::Path(bytes) => Value::path(text(&bytes)),
        Value::List(items) => Value::list(items.iter().map(|item| put_in(item.clone(), spec, places))),
        other => other,
    }
}

impl Bound<'_> {
    /// The one leaf that a process fails, as written, with the values of its facts. `None` if it fails none or several.
    pub fn only_failure(&self, pid: Pid) -> Option<(String, Vec<String>)> {
        let answer = self.plugins.vocabularies(&self.vocabulary, self.world, &self.look);
        let facts = in_order(&self.vocabulary, &answer);
        only_failure(&self.matcher.as_ref().ok()?.explain(&candidate(pid), &facts))
    }

    /// Somebody found out in this look that it holds for these, ascending: they aren't asked again.
    pub(super) fn holds_for(&mut self, pids: Vec<Pid>) {
        self.found = pids;
    }

    /// Whether the condition holds for a process.
    pub fn holds(&self, pid: Pid) -> Ternary {
        match &self.matcher {
            Ok(_) if self.found.binary_search(&pid).is_ok() => Ternary::True,
            Ok(matcher) => ask(matcher, &self.plugins, (&self.vocabulary, self.world, &self.look), pid),
            Err(reason) => Ternary::Unknown(vec![reason.clone()]),
        }
    }
}

/// A condition that is about no Service, with its constants looked up.
#[derive(Clone, Debug)]
pub struct Alone {
    matcher: Result<Matcher, Reason>,
    plugins: Plugins,
    asks: BTreeSet<String>,
}

impl Alone {
    fn unusable(reason: Reason) -> Self {
        Self { matcher: Err(reason), plugins: Plugins::none(), asks: BTreeSet::new() }
    }

    /// For the short way to a verdict.
    ///
    /// # Errors
    /// Why it can't be had: then it is unknown of every process.
    pub fn matcher(&self) -> Result<&Matcher, &Reason> {
        self.matcher.as_ref()
    }

    /// The plugins that it uses.
    pub fn plugins(&self) -> &Plugins {
        &self.plugins
    }

    /// Names of all fields and functions that it may ask for.
    pub fn asks(&self) -> &BTreeSet<String> {
        &self.asks
    }

    /// The one leaf that a process fails while another one holds, as written, with the values of its facts.
    pub fn near_miss(
        &self,
        pid: Pid,
        vocabulary: &ProcessVocabulary<'_>,
        world: &dyn World,
        look: &Look,
    ) -> Option<(String, Vec<String>)> {
        let answer = self.plugins.vocabularies(vocabulary, world, look);
        let facts = in_order(vocabulary, &answer);
        let explanation = self.matcher.as_ref().ok()?.explain(&candidate(pid), &facts);
        // Else every process would only just not be what an expression with one condition is about.
        only_failure(&explanation).filter(|_| explanation.something_holds())
    }

    /// Whether it holds for a process, in a look that may be another one than that which it was bound in. The vocabulary is
    /// of this world.
    pub fn holds(
        &self,
        pid: Pid,
        vocabulary: &ProcessVocabulary<'_>,
        world: &dyn World,
        look: &Look,
    ) -> Ternary {
        match &self.matcher {
            Ok(matcher) => ask(matcher, &self.plugins, (vocabulary, world, look), pid),
            Err(reason) => Ternary::Unknown(vec![reason.clone()]),
        }
    }
}

fn only_failure(explanation: &Explanation) -> Option<(String, Vec<String>)> {
    let failing = explanation.smallest_failing();
    let ([leaf], Some(false)) = (failing.as_slice(), explanation.outcome.truth()) else { return None };
    let values = leaf.children.iter().filter(|part| part.element.is_none());
    let values = values.map(|part| format!("{} = {}", part.text, part.value())).collect();
    Some((leaf.text.split_whitespace().collect::<Vec<_>>().join(" "), values))
}

fn ask(
    matcher: &Matcher,
    plugins: &Plugins,
    (vocabulary, world, look): (&ProcessVocabulary<'_>, &dyn World, &Look),
    pid: Pid,
) -> Ternary {
    let answer = plugins.vocabularies(vocabulary, world, look);
    match matcher.eval(&candidate(pid), &in_order(vocabulary, &answer)) {
        Verdict::Match => Ternary::True,
        Verdict::NoMatch => Ternary::False,
        // It exited while it was looked at: it is no candidate any more.
        verdict if verdict.is_gone() => Ternary::False,
        Verdict::Unknown(missing) => Ternary::Unknown(
            missing.into_iter().map(|missing| Reason::new(missing.reason.why, missing.to_string())).collect(),
        ),
    }
}
