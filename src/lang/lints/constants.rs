//! W106: what is never so, always so, or said twice.

use std::collections::BTreeMap;

use crate::diagnostic::Diagnostic;
use crate::lang::ast::CompareOp;
use crate::lang::catalog::Schema;
use crate::lang::codes;
use crate::lang::constant::{Alone, Logic, are_apart, fingerprint};
use crate::lang::ir::{Builtin, Kind, Node, Trail};
use crate::lang::show::show;
use crate::lang::value::Value;

/// All of them, the smallest part that shows it each time.
pub(super) fn find(root: &Node, source: &str, schema: &Schema, found: &mut Vec<Diagnostic>) {
    let finder = Finder { logic: Logic::new(schema), likely: Logic::with_different_names(schema), source };
    // `x != y` is a negation without a text of its own: what is inside it is said of the whole.
    let mut negated: Vec<&Node> = Vec::new();
    root.walk_trail(&mut |node, trail| {
        // What is so whatever the arguments are was said where the definition is.
        if trail.is_inside() && !node.has_argument() {
            return;
        }
        match &node.kind {
            Kind::And(operands) => finder.operands(&operands.items, true, trail, found),
            Kind::Or(operands) => finder.operands(&operands.items, false, trail, found),
            Kind::Not(inner) if inner.span == node.span => {
                found.extend(finder.alone(inner, false, trail));
                negated.push(inner);
            }
            _ if negated.last().is_some_and(|inner| std::ptr::eq(*inner, node)) => {
                negated.pop();
            }
            _ => found.extend(finder.alone(node, true, trail)),
        }
    });
}

struct Finder<'a> {
    logic: Logic<'a>,
    likely: Logic<'a>,
    source: &'a str,
}

/// An operand of `&&` or `||`, definitions seen through.
struct Operand<'n> {
    node: &'n Node,
    /// Where it is written.
    trail: Trail,
    /// The operand as written that it belongs to.
    whole: usize,
}

/// The operands, and those of definitions that join the same way.
fn operands<'n>(items: &'n [Node], and: bool, trail: &Trail) -> Vec<Operand<'n>> {
    let mut found = Vec::new();
    for (whole, item) in items.iter().enumerate() {
        flatten(item, and, trail.clone(), whole, &mut found);
    }
    found
}

fn flatten<'n>(node: &'n Node, and: bool, mut trail: Trail, whole: usize, found: &mut Vec<Operand<'n>>) {
    if let Kind::Named { definition, body } = &node.kind {
        trail.enter(definition, node.span);
        return match (&body.kind, and) {
            (Kind::And(inner), true) | (Kind::Or(inner), false) => {
                for item in &inner.items {
                    flatten(item, and, trail.clone(), whole, found);
                }
            }
            _ => flatten(body, and, trail, whole, found),
        };
    }
    found.push(Operand { node, trail, whole });
}

impl Operand<'_> {
    fn text<'t>(&'t self, source: &'t str) -> &'t str {
        self.trail.text(source, self.node.span)
    }

    fn at(&self, diagnostic: Diagnostic, label: &str) -> Diagnostic {
        self.trail.at(diagnostic, self.node.span, label)
    }
}

impl Finder<'_> {
    /// One comparison that can't be true, or that says only that there is a value.
    fn alone(&self, node: &Node, so: bool, trail: &Trail) -> Option<Diagnostic> {
        if !matches!(node.kind, Kind::Compare { .. } | Kind::Member { .. }) || self.logic.is_plain(node) {
            return None;
        }
        let (subject, alone) = self.logic.alone(node)?;
        let (text, name) = (trail.text(self.source, node.span), trail.text(self.source, subject.span));
        let (message, help) = match alone {
            Alone::Sometimes => return None,
            Alone::Never if so => (format!("`{text}` is never true"), self.never_help(node, subject, name)),
            Alone::Never => (format!("`{text}` is always true"), self.never_help(node, subject, name)),
            Alone::Exists => {
                let (is, not) = if so { ("a", "") } else { ("no", "!") };
                (
                    format!("`{text}` says no more than that there is {is} value"),
                    format!("write `{not}has({name})`, or another value"),
                )
            }
        };
        let label = self.range_of(node, subject, name);
        Some(trail.at(Diagnostic::warning(codes::CONSTANT, message).help(help), node.span, label))
    }

    /// What the subject can be, in a few words.
    fn range_of(&self, node: &Node, subject: &Node, name: &str) -> String {
        if let Kind::Compare { left, right, .. } = &node.kind
            && fingerprint(left) == fingerprint(right)
        {
            return "both sides are the same".to_owned();
        }
        if let Kind::Compare { right, .. } = &node.kind
            && matches!(right.constant(), Some(Value::String(bytes) | Value::Path(bytes)) if bytes.is_empty())
        {
            return "every text has the empty one in it".to_owned();
        }
        match self.logic.bounds(subject) {
            Some((low, i64::MAX)) => format!("`{name}` is at least {}", unit(node, low)),
            Some((low, high)) => format!("`{name}` is from {} to {}", unit(node, low), unit(node, high)),
            None => match &subject.bare().kind {
                Kind::Builtin(Builtin::Lower, _) => "`lower` has no capital letters".to_owned(),
                Kind::Builtin(Builtin::Upper, _) => "`upper` has no small letters".to_owned(),
                Kind::Builtin(Builtin::Basename, _) => "a base name has no slash".to_owned(),
                _ => "no value is left for it".to_owned(),
            },
        }
    }

    fn never_help(&self, node: &Node, subject: &Node, name: &str) -> String {
        if let Kind::Compare { left, right, .. } = &node.kind
            && let Some(value) = left.constant().or(right.constant())
        {
            if let (Kind::Builtin(builtin, _), Value::String(bytes)) = (&subject.bare().kind, value) {
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
    fn operands(&self, items: &[Node], and: bool, trail: &Trail, found: &mut Vec<Diagnostic>) {
        if are_apart(items) {
            return;
        }
        let items = operands(items, and, trail);
        let mut seen: BTreeMap<(bool, Vec<u8>), usize> = BTreeMap::new();
        for item in &items {
            let (positive, inner) = without_not(item.node);
            match seen.insert((positive, fingerprint(inner)), item.whole) {
                // Two conditions of one definition were compared where it is defined.
                Some(whole) if whole != item.whole => found.push(self.repeated(item)),
                Some(_) | None => {}
            }
        }
        // The common case, in one pass: what is possible even if all names differ is possible.
        if self.likely.possible(items.iter().map(|item| (item.node, and))) {
            return;
        }
        match conflict(&self.logic, &items, and) {
            Some(Conflict::Together(item, with)) => found.push(self.constant(item, with, and)),
            Some(Conflict::Alone) => {}
            None => {
                if let Some(Conflict::Together(item, with)) = conflict(&self.likely, &items, and) {
                    found.push(self.two_names(item, with, and));
                }
            }
        }
    }

    fn repeated(&self, item: &Operand<'_>) -> Diagnostic {
        let message = format!("`{}` is said twice", item.text(self.source));
        item.at(Diagnostic::warning(codes::CONSTANT, message).help("remove one of them"), "said before")
    }

    fn constant(&self, item: &Operand<'_>, with: Option<&Operand<'_>>, and: bool) -> Diagnostic {
        let label =
            with.map_or("nothing is left for it after the others", |with| reason(item.node, with.node));
        let said = Diagnostic::warning(codes::CONSTANT, format!("this makes the condition always {}", !and))
            .help(self.mend(item, with, and));
        let said = item.at(said, label);
        match with {
            Some(with) => with.at(said, "with this"),
            None => said,
        }
    }

    fn two_names(&self, item: &Operand<'_>, with: Option<&Operand<'_>>, and: bool) -> Diagnostic {
        let outcome = if and { "true" } else { "false" };
        let place = with.map_or_else(String::new, |with| format!(" and `{}`", with.text(self.source)));
        let text = item.text(self.source);
        let message = format!("`{text}`{place} are both {outcome} only if two names mean the same");
        item.at(
            Diagnostic::warning(codes::CONSTANT, message).help(self.mend(item, with, and)),
            "another name",
        )
    }

    /// How two conditions that exclude each other can be joined: `user == "a" && user == "b"` as `user in ["a", "b"]`.
    fn mend(&self, item: &Operand<'_>, with: Option<&Operand<'_>>, and: bool) -> String {
        if !and {
            return "join them with `&&`".to_owned();
        }
        let equation = |operand: &Operand<'_>| match &operand.node.kind {
            Kind::Compare { op: CompareOp::Equal, left, right, .. } => {
                let text = |node: &Node| operand.trail.text(self.source, node.span).to_owned();
                Some((text(left), text(right)))
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
}

/// The first operand that, with those before it, leaves nothing over.
fn conflict<'n, 'o>(logic: &Logic<'_>, items: &'o [Operand<'n>], and: bool) -> Option<Conflict<'n, 'o>> {
    let taken = |items: &'o [Operand<'n>]| items.iter().map(move |item| (item.node, and));
    let at = (1..=items.len()).find(|end| !logic.possible(taken(items.get(..*end).unwrap_or_default())))?;
    let (item, before) = items.get(..at)?.split_last()?;
    // It is so by itself, or within one definition: said where it stands.
    let alone = before.iter().chain([item]).any(|one| !logic.possible([(one.node, and)]));
    if alone || before.iter().all(|other| other.whole == item.whole) {
        return Some(Conflict::Alone);
    }
    let with = before.iter().find(|other| !logic.possible([(other.node, and), (item.node, and)]));
    Some(Conflict::Together(item, with))
}

enum Conflict<'n, 'o> {
    /// One operand is so by itself.
    Alone,
    /// This one, and the one before that suffices, if there is a single one.
    Together(&'o Operand<'n>, Option<&'o Operand<'n>>),
}

fn without_not(node: &Node) -> (bool, &Node) {
    match &node.bare().kind {
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
    match &node.bare().kind {
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
