//! From drafts to checked definitions: those that are used first, cycles refused.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::names::Uses;
use super::{Definition, Draft, Library};
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast::{Expr, Kind, dotted};
use crate::lang::check::Scope;
use crate::lang::{Parsed, Schema, codes, parse, predicate};

/// A library and what is wrong with its definitions.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Built {
    /// All that could be checked, and what was in it before.
    pub library: Library,
    /// By the full name of the definition, located in its source.
    pub diagnostics: Vec<(String, Diagnostic)>,
}

/// A draft, read.
struct Open {
    draft: Draft,
    expr: Option<Expr>,
    uses: BTreeSet<String>,
}

/// Checks definitions and adds them to a library. Each text can name those of its own document without a prefix.
/// Of two drafts with one name the first is taken; whoever made them says that there are two.
pub fn build(library: Library, drafts: Vec<Draft>, schema: &Schema) -> Built {
    let mut diagnostics = Vec::new();
    let names: BTreeSet<String> = drafts.iter().map(|draft| draft.written.name.clone()).collect();
    let mut open: BTreeMap<String, Open> = BTreeMap::new();
    for draft in drafts {
        let name = draft.written.name.clone();
        let (read, said) = read(draft, &library, &names, schema);
        diagnostics.extend(said.into_iter().map(|diagnostic| (name.clone(), diagnostic)));
        open.entry(name).or_insert(read);
    }
    // Shared with the scope of each check, and alone here again when that has ended: nothing is copied.
    let mut library = Arc::new(library);
    for name in order(&open) {
        let Some(Open { draft, expr, uses }) = open.remove(&name) else { continue };
        let (definition, said) = checked(&draft, expr.as_ref(), uses, &library, schema);
        diagnostics.extend(said.into_iter().map(|diagnostic| (name.clone(), diagnostic)));
        let library = Arc::make_mut(&mut library);
        match definition {
            Some(definition) => {
                library.definitions.insert(name, Arc::new(definition));
            }
            None => {
                library.broken.insert(name, place(&draft));
            }
        }
    }
    diagnostics.extend(cycles(&open));
    let mut library = Arc::unwrap_or_clone(library);
    library.broken.extend(open.into_iter().map(|(name, open)| (name, place(&open.draft))));
    Built { library, diagnostics }
}

/// `web` of `web.instance`.
fn home(name: &str) -> Option<&str> {
    name.split_once('.').map(|(document, _)| document)
}

fn place(draft: &Draft) -> String {
    let (line, column) = draft.written.source.position(draft.name_at.start);
    format!("{}:{line}:{column}", draft.written.source.name)
}

fn read(
    draft: Draft,
    library: &Library,
    names: &BTreeSet<String>,
    schema: &Schema,
) -> (Open, Vec<Diagnostic>) {
    let Parsed { expr, diagnostics } = parse(&draft.written.text);
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    let said = diagnostics.into_iter().map(|diagnostic| draft.written.locate(diagnostic)).collect();
    let document = home(&draft.written.name);
    let full = |name: &str| match name.strip_prefix('@') {
        Some(list) => library.find_list(list, document).map(|list| format!("@{}", list.name)),
        None => {
            super::full(name, document, |full| names.contains(full) || library.definitions.contains_key(full))
        }
    };
    let own = |word: &str| draft.params.iter().any(|param| param.name == word);
    let uses = Uses { schema, own: &own, full: &full };
    let uses = expr.as_ref().map(|expr| uses.of(expr)).unwrap_or_default();
    (Open { draft, expr: expr.filter(|_| !failed), uses }, said)
}

/// The definitions, those before others that these use. What is in a cycle or leads to one is left out.
fn order(open: &BTreeMap<String, Open>) -> Vec<String> {
    let among = |definition: &'_ Open| definition.uses.iter().filter(|used| open.contains_key(*used)).count();
    let mut waiting: BTreeMap<&String, usize> =
        open.iter().map(|(name, definition)| (name, among(definition))).collect();
    let mut users: BTreeMap<&String, Vec<&String>> = BTreeMap::new();
    for (name, definition) in open {
        definition.uses.iter().for_each(|used| users.entry(used).or_default().push(name));
    }
    let mut ready: VecDeque<&String> =
        waiting.iter().filter(|(_, count)| **count == 0).map(|(name, _)| *name).collect();
    let mut order = Vec::new();
    while let Some(name) = ready.pop_front() {
        order.push(name.clone());
        for user in users.get(name).into_iter().flatten() {
            if let Some(count) = waiting.get_mut(*user) {
                *count -= 1;
                if *count == 0 {
                    ready.push_back(user);
                }
            }
        }
    }
    order
}

fn checked(
    draft: &Draft,
    expr: Option<&Expr>,
    uses: BTreeSet<String>,
    library: &Arc<Library>,
    schema: &Schema,
) -> (Option<Definition>, Vec<Diagnostic>) {
    let Some(expr) = expr else { return (None, Vec::new()) };
    let written = &draft.written;
    let params = draft.params.iter().map(|param| (param.name.clone(), param.ty.clone()));
    let scope = Scope {
        variables: Arc::new(params.collect()),
        library: Arc::clone(library),
        home: home(&written.name).map(str::to_owned),
        defines: true,
    };
    let compiled = predicate::check(expr, &written.text, schema, &scope);
    let mut said: Vec<Diagnostic> =
        compiled.diagnostics.into_iter().map(|diagnostic| written.locate(diagnostic)).collect();
    let mentioned = mentioned(expr);
    let all_read = compiled.predicate.is_some();
    for param in draft.params.iter().filter(|param| all_read && !mentioned.contains(&param.name)) {
        said.push(
            Diagnostic::warning(codes::UNUSED, format!("the parameter `{}` is not used", param.name))
                .at(param.at, "")
                .in_source(&written.source)
                .help("remove it, here and where the definition is used"),
        );
    }
    let definition = compiled.predicate.map(|predicate| {
        let mut sizes = BTreeMap::from([(written.name.clone(), predicate.own_nodes())]);
        for used in uses.iter().filter_map(|name| library.definitions.get(name)) {
            sizes.extend(used.written.clone());
        }
        let measure = predicate.measure();
        Definition { draft: draft.clone(), measure, written: sizes, body: predicate.into_root(), uses }
    });
    (definition, said)
}

/// The first words of all names, and the variables of all interpolations.
fn mentioned(expr: &Expr) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut open = vec![expr];
    while let Some(expr) = open.pop() {
        match &expr.kind {
            Kind::Name(words) => found.extend(words.first().map(|word| word.text.clone())),
            Kind::Interpolated(pieces) => found.extend(pieces.iter().filter_map(|piece| match piece {
                crate::lang::ast::Piece::Variable(name) => Some(name.text.clone()),
                crate::lang::ast::Piece::Text(_) | crate::lang::ast::Piece::Value(_) => None,
            })),
            _ => {}
        }
        open.extend(expr.children());
    }
    found
}

/// Every cycle once, at the definition that comes first in it by name. What only leads to one is said where it is used.
fn cycles(open: &BTreeMap<String, Open>) -> Vec<(String, Diagnostic)> {
    let mut said: BTreeSet<String> = BTreeSet::new();
    let mut found = Vec::new();
    for start in open.keys() {
        let cycle = cycle_from(start, open);
        let Some(first) = cycle.iter().min() else { continue };
        if said.insert(first.clone()) {
            found.extend(cyclic(&cycle, open));
        }
    }
    let in_cycles: BTreeSet<&String> = found.iter().map(|(name, _)| name).collect();
    let rest: Vec<(String, Diagnostic)> = open
        .iter()
        .filter(|(name, _)| !in_cycles.contains(name))
        .filter_map(|(name, definition)| Some((name.clone(), leads_to_one(name, definition, open)?)))
        .collect();
    found.extend(rest);
    found
}

/// Follows the first open use of each until a name comes again.
fn cycle_from(start: &String, open: &BTreeMap<String, Open>) -> Vec<String> {
    let mut path: Vec<String> = Vec::new();
    let mut at = Some(start);
    while let Some(name) = at {
        if let Some(first) = path.iter().position(|known| known == name) {
            return path.split_off(first);
        }
        path.push(name.clone());
        at = open
            .get(name)
            .and_then(|definition| definition.uses.iter().find(|used| open.contains_key(*used)));
    }
    Vec::new()
}

/// One error for each definition of a cycle, so that each of their files is refused.
fn cyclic(cycle: &[String], open: &BTreeMap<String, Open>) -> Vec<(String, Diagnostic)> {
    let turned =
        |at: usize| -> Vec<&String> { cycle.iter().cycle().skip(at).take(cycle.len() + 1).collect() };
    (0..cycle.len())
        .filter_map(|at| {
            let names = turned(at);
            let (name, next) = (*names.first()?, *names.get(1)?);
            let shown: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            let message = match cycle.len() {
                1 => format!("`{name}` uses itself"),
                _ => format!("`{name}` uses itself: {}", shown.join(" -> ")),
            };
            let mut diagnostic =
                Diagnostic::error(codes::CYCLE, message).help("write one of them without the others");
            let of = open.get(name)?;
            diagnostic = diagnostic.at(of.draft.written.place(use_of(of, next)), "used here");
            diagnostic = diagnostic.in_source(&of.draft.written.source);
            for pair in names.windows(2).skip(1) {
                let [from, to] = pair else { continue };
                let of = open.get(*from)?;
                let place = of.draft.written.place(use_of(of, to));
                diagnostic = diagnostic.at_other(&of.draft.written.source, place, "used here");
            }
            Some((name.clone(), diagnostic))
        })
        .collect()
}

fn leads_to_one(name: &str, definition: &Open, open: &BTreeMap<String, Open>) -> Option<Diagnostic> {
    let used = definition.uses.iter().find(|used| open.contains_key(*used))?;
    // In one document the cycle itself is enough to mend.
    if home(name) == home(used) {
        return None;
    }
    let written = &definition.draft.written;
    Some(
        Diagnostic::error(codes::UNUSABLE, format!("`{used}` can't be used: it uses itself"))
            .at(written.place(use_of(definition, used)), "used here")
            .in_source(&written.source)
            .help("mend that definition first"),
    )
}

/// Where a definition names another.
fn use_of(definition: &Open, used: &str) -> Span {
    let document = home(&definition.draft.written.name);
    let is_it = |name: &str| name == used || document.is_some_and(|own| format!("{own}.{name}") == used);
    let mut open: Vec<&Expr> = definition.expr.iter().collect();
    let mut found = Vec::new();
    while let Some(expr) = open.pop() {
        match &expr.kind {
            Kind::Name(words) if is_it(&dotted(words)) => found.push(expr.span),
            Kind::Call { function, .. } if is_it(&dotted(function)) => found.push(expr.span),
            _ => {}
        }
        open.extend(expr.children());
    }
    found.into_iter().min().unwrap_or_default()
}
