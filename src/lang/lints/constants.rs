//! W106: what is never so, always so, or said twice.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast::CompareOp;
use crate::lang::catalog::Schema;
use crate::lang::codes;
use crate::lang::constant::{Alone, Logic, fingerprint};
use crate::lang::ir::{Builtin, Kind, Node};
use crate::lang::show::show;
use crate::lang::value::Value;

/// All of them, the smallest part that shows it each time.
pub(super) fn find(root: &Node, source: &str, schema: &Schema, found: &mut Vec<Diagnostic>) {
    let finder = Finder { logic: Logic::new(schema), likely: Logic::with_different_names(schema), source };
    finder.look(root, found);
}

struct Finder<'a> {
    logic: Logic<'a>,
    likely: Logic<'a>,
    source: &'a str,
}

impl Finder<'_> {
    fn look(&self, node: &Node, found: &mut Vec<Diagnostic>) {
        for child in node.children() {
            let said = matches!(node.kind, Kind::Not(_)) && child.span == node.span;
            if said {
                child.children().into_iter().for_each(|inner| self.look(inner, found));
            } else {
                self.look(child, found);
            }
        }
        match &node.kind {
            Kind::And(operands) => self.operands(&operands.items, true, found),
            Kind::Or(operands) => self.operands(&operands.items, false, found),
            // `x != y` is a negation without a text of its own.
            Kind::Not(inner) if inner.span == node.span => found.extend(self.alone(inner, false)),
            _ => found.extend(self.alone(node, true)),
        }
    }

    fn text(&self, node: &Node) -> &str {
        self.source.get(node.span.start..node.span.end).unwrap_or_default()
    }

    /// One comparison that can't be true, or that says only that there is a value.
    fn alone(&self, node: &Node, so: bool) -> Option<Diagnostic> {
        if !matches!(node.kind, Kind::Compare { .. } | Kind::Member { .. }) {
            return None;
        }
        let (subject, alone) = self.logic.alone(node)?;
        let (text, name) = (self.text(node), self.text(subject));
        let (message, help) = match alone {
            Alone::Sometimes => return None,
            Alone::Never if so => (format!("`{text}` is never true"), self.never_help(node, subject)),
            Alone::Never => (format!("`{text}` is always true"), self.never_help(node, subject)),
            Alone::Exists => {
                let (is, not) = if so { ("a", "") } else { ("no", "!") };
                (
                    format!("`{text}` says no more than that there is {is} value"),
                    format!("write `{not}has({name})`, or another value"),
                )
            }
        };
        let label = self.range_of(node, subject);
        Some(Diagnostic::warning(codes::CONSTANT, message).at(node.span, label).help(help))
    }

    /// What the subject can be, in a few words.
    fn range_of(&self, node: &Node, subject: &Node) -> String {
        if let Kind::Compare { left, right, .. } = &node.kind
            && fingerprint(left) == fingerprint(right)
        {
            return "both sides are the same".to_owned();
        }
        let name = self.text(subject);
        match self.logic.bounds(subject) {
            Some((low, i64::MAX)) => format!("`{name}` is at least {}", unit(node, low)),
            Some((low, high)) => format!("`{name}` is from {} to {}", unit(node, low), unit(node, high)),
            None => match &subject.kind {
                Kind::Builtin(Builtin::Lower, _) => "`lower` has no capital letters".to_owned(),
                Kind::Builtin(Builtin::Upper, _) => "`upper` has no small letters".to_owned(),
                Kind::Builtin(Builtin::Basename, _) => "a base name has no slash".to_owned(),
                _ => "no value is left for it".to_owned(),
            },
        }
    }

    fn never_help(&self, node: &Node, subject: &Node) -> String {
        let name = self.text(subject);
        if let Kind::Compare { left, right, .. } = &node.kind
            && let Some(value) = left.constant().or(right.constant())
        {
            if let (Kind::Builtin(builtin, _), Value::String(bytes)) = (&subject.kind, value) {
                let text = String::from_utf8_lossy(bytes);
                match builtin {
                    Builtin::Lower => return format!("write `\"{}\"`", text.to_ascii_lowercase()),
                    Builtin::Upper => return format!("write `\"{}\"`", text.to_ascii_uppercase()),
                    Builtin::Basename => return format!("leave `basename` out: `... == \"{text}\"`"),
                    _ => {}
                }
            }
            if matches!(value, Value::List(items) if items.is_empty()) {
                return "write the values into the list, or remove the condition".to_owned();
            }
        }
        match self.logic.bounds(subject) {
            Some((low, i64::MAX)) => format!("remove it, or write `{name} > {}`", unit(node, low)),
            Some((low, high)) => {
                format!("remove it, or compare with a value from {} to {}", unit(node, low), unit(node, high))
            }
            None => "remove it, or compare with something else".to_owned(),
        }
    }

    /// Operands of `&&` that exclude each other, operands of `||` that leave nothing out, and repeated ones.
    fn operands(&self, items: &[Node], and: bool, found: &mut Vec<Diagnostic>) {
        let mut seen: BTreeSet<(bool, Vec<u8>)> = BTreeSet::new();
        for item in items {
            let (positive, inner) = without_not(item);
            if !seen.insert((positive, fingerprint(inner))) {
                found.push(self.repeated(item));
            }
        }
        // The common case, in one pass: what is possible even if all names differ is possible.
        if self.likely.possible(items.iter().map(|item| (item, and))) {
            return;
        }
        match conflict(&self.logic, items, and) {
            Some(Conflict::Together(item, with)) => found.push(self.constant(item, with, and)),
            Some(Conflict::Alone) => {}
            None => {
                if let Some(Conflict::Together(item, with)) = conflict(&self.likely, items, and) {
                    found.push(two_names(item, with, and, self.source));
                }
            }
        }
    }

    fn repeated(&self, item: &Node) -> Diagnostic {
        Diagnostic::warning(codes::CONSTANT, format!("`{}` is said twice", self.text(item)))
            .at(item.span, "said before")
            .help("remove one of them")
    }

    fn constant(&self, item: &Node, with: Option<&Node>, and: bool) -> Diagnostic {
        let label = with.map_or("nothing is left for it after the others", |with| reason(item, with));
        let mut diagnostic =
            Diagnostic::warning(codes::CONSTANT, format!("this makes the condition always {}", !and))
                .at(item.span, label);
        if let Some(with) = with {
            diagnostic = diagnostic.at(with.span, "with this");
        }
        diagnostic.help(mend(item, with, and, self.source))
    }
}

/// How two conditions that exclude each other can be joined: `user == "a" && user == "b"` as `user in ["a", "b"]`.
fn mend(item: &Node, with: Option<&Node>, and: bool, source: &str) -> String {
    if !and {
        return "join them with `&&`".to_owned();
    }
    let text = |node: &Node| source.get(node.span.start..node.span.end).unwrap_or_default();
    let equation = |node: &Node| match &node.kind {
        Kind::Compare { op: CompareOp::Equal, left, right, .. } => {
            Some((text(left).to_owned(), text(right).to_owned()))
        }
        _ => None,
    };
    match (with.and_then(equation), equation(item)) {
        (Some((a, x)), Some((b, y))) if a == b => {
            format!("join them with `||`, or write `{a} in [{x}, {y}]`")
        }
        _ => "join them with `||`, or write `in [...]`".to_owned(),
    }
}

/// The first operand that, with those before it, leaves nothing over.
fn conflict<'n>(logic: &Logic<'_>, items: &'n [Node], and: bool) -> Option<Conflict<'n>> {
    let taken = |items: &'n [Node]| items.iter().map(move |item| (item, and));
    let at = (1..=items.len()).find(|end| !logic.possible(taken(items.get(..*end).unwrap_or_default())))?;
    let (item, before) = items.get(..at)?.split_last()?;
    // It is so by itself: said where it stands, or a constant.
    if before.iter().chain([item]).any(|one| !logic.possible([(one, and)])) {
        return Some(Conflict::Alone);
    }
    let with = before.iter().find(|other| !logic.possible([(*other, and), (item, and)]));
    Some(Conflict::Together(item, with))
}

enum Conflict<'n> {
    /// One operand is so by itself.
    Alone,
    /// This one, and the one before that suffices, if there is a single one.
    Together(&'n Node, Option<&'n Node>),
}

fn two_names(item: &Node, with: Option<&Node>, and: bool, source: &str) -> Diagnostic {
    let text = |span: Span| source.get(span.start..span.end).unwrap_or_default();
    let outcome = if and { "true" } else { "false" };
    let place = with.map_or_else(String::new, |with| format!(" and `{}`", text(with.span)));
    let message = format!("`{}`{place} are both {outcome} only if two names mean the same", text(item.span));
    Diagnostic::warning(codes::CONSTANT, message)
        .at(item.span, "another name")
        .help(mend(item, with, and, source))
}

fn without_not(node: &Node) -> (bool, &Node) {
    match &node.kind {
        Kind::Not(inner) => (false, inner),
        _ => (true, node),
    }
}

/// Why two conditions don't go together.
fn reason(item: &Node, with: &Node) -> &'static str {
    let ((a, x), (b, y)) = (without_not(item), without_not(with));
    if a != b && fingerprint(x) == fingerprint(y) {
        return "this is also said the other way round";
    }
    match (operator(x), operator(y)) {
        (Some(CompareOp::Equal), Some(CompareOp::Equal)) => "a single value cannot be both",
        (Some(a), Some(b)) if is_order(a) && is_order(b) => "nothing lies between these bounds",
        _ => "these exclude each other",
    }
}

fn operator(node: &Node) -> Option<CompareOp> {
    match &node.kind {
        Kind::Compare { op, .. } => Some(*op),
        _ => None,
    }
}

fn is_order(op: CompareOp) -> bool {
    use CompareOp::{Greater, GreaterEqual, Less, LessEqual};
    matches!(op, Less | LessEqual | Greater | GreaterEqual)
}

/// A bound as a literal of the type that is compared.
fn unit(node: &Node, number: i64) -> String {
    let like = match &node.kind {
        Kind::Compare { left, right, .. } => left.constant().or(right.constant()),
        _ => None,
    };
    show(&match like {
        Some(Value::Size(_)) => Value::Size(number),
        Some(Value::Duration(_)) => Value::Duration(number),
        Some(Value::Time(_)) => Value::Time(number),
        Some(Value::Ratio(_)) => Value::Ratio(number),
        _ => Value::Int(number),
    })
}
