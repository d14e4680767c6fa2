//! Where a literal of one type stands for a value of another.

use super::{Checker, LIST_MAX};
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::lang::ast::{Expr, Kind as Ast};
use crate::lang::codes;
use crate::lang::ir::{Kind, Node};
use crate::lang::value::{Type, TypeName, Value};

impl Checker<'_> {
    /// An expression where a value of type `hint` would fit: bare words are looked up in an enumeration.
    pub(super) fn hinted(&mut self, expr: &Expr, hint: Option<&Type>) -> Option<Node> {
        match (hint, &expr.kind) {
            (Some(Type::Enum(name)), Ast::Name(words)) => match words.as_slice() {
                [word] => self.word(name, &word.text, expr),
                _ => self.infer(expr),
            },
            (Some(Type::List(element)), Ast::List(items)) => self.list(items, Some(element), expr.span),
            _ => self.infer(expr),
        }
    }

    fn word(&mut self, name: TypeName, text: &str, expr: &Expr) -> Option<Node> {
        let words = self.schema.enumeration(name).map(|decl| decl.words.clone()).unwrap_or_default();
        if let Some(word) = words.iter().find(|word| **word == text) {
            return Some(Node::new(Kind::Const(Value::Enum(name, word)), Type::Enum(name), expr.span));
        }
        if self.is_value_name(text) {
            return self.infer(expr);
        }
        let message = format!("`{text}` is not a {name}");
        let foreign = self.schema.foreign(&format!("{name} {text}"));
        let help = foreign.map_or_else(|| word_help(text, &words), |ours| format!("write `{ours}`"));
        self.fail(codes::UNKNOWN_WORD, expr.span, message, "no such word", help)
    }

    /// Whether a single word names a variable or field, so that it is no enum word.
    pub(super) fn is_value_name(&self, word: &str) -> bool {
        self.elements.iter().any(|(name, _)| name == word)
            || self.scope.variables.contains_key(word)
            || matches!(self.schema.candidate(), Type::Named(owner) if self.schema.field(owner, word).is_some())
    }

    /// A literal list. The first element says the type where nothing else does.
    pub(super) fn list(&mut self, items: &[Expr], hint: Option<&Type>, span: Span) -> Option<Node> {
        if items.len() > LIST_MAX {
            let message = format!("the list has {} values, at most {LIST_MAX} are read", items.len());
            return self.fail(codes::LIST_TOO_LONG, span, message, "too long", "split it");
        }
        let nodes: Vec<Option<Node>> = items.iter().map(|item| self.hinted(item, hint)).collect();
        let nodes: Vec<Node> = nodes.into_iter().collect::<Option<_>>()?;
        let Some(first) = nodes.first() else {
            let element = hint.cloned().unwrap_or(Type::String);
            return Some(Node::new(Kind::Const(Value::list([])), Type::list(element), span));
        };
        let element = first.ty.clone();
        // Literals for a named type may mix what it converts from: names and numbers of users. They stay
        // apart, so that a message about one of them can point at it.
        if let Some(Type::Named(_)) = hint {
            return Some(Node::new(Kind::List(nodes), Type::list(element), span));
        }
        if let Some(other) = nodes.iter().find(|node| node.ty != element) {
            let message = format!("a list of {element} cannot hold {}", other.ty);
            let (place, label) = (other.span, format!("this is of type {}", other.ty));
            return self.fail(codes::LIST_TYPES, place, message, label, "write values of one type");
        }
        Some(list_node(nodes, element, span))
    }

    /// The elements of a named list.
    pub(super) fn named_list(&mut self, name: &str, span: Span) -> Option<Node> {
        let scope = self.scope;
        let Some(list) = scope.library.find_list(name, scope.home.as_deref()) else {
            return self.unknown_list(name, span);
        };
        let (element, values) = (&list.element, &list.values);
        if values.len() > LIST_MAX {
            let message = format!("`@{name}` has {} values, at most {LIST_MAX} are read", values.len());
            return self.fail(codes::LIST_TOO_LONG, span, message, "too long", "split it");
        }
        let items = values.iter().map(|value| Node::new(Kind::Const(value.clone()), type_of(value), span));
        let mut nodes = Vec::new();
        for item in items {
            match self.coerce(item, element) {
                Ok(item) => nodes.push(item),
                Err(other) => {
                    let message = format!("`@{name}` is a list of {element} and holds {}", other.ty);
                    let said = Diagnostic::error(codes::LIST_TYPES, message).at(span, "used here");
                    let said = said.at_other(&list.source, list.name_at, "defined here");
                    self.report(said.help("mend the list's definition"));
                    return None;
                }
            }
        }
        Some(list_node(nodes, element.clone(), span))
    }

    fn unknown_list(&mut self, name: &str, span: Span) -> Option<Node> {
        let scope = self.scope;
        if let Some(unusable) = scope.library.unusable(name) {
            let message = format!("`@{name}` can't be used: {}", unusable.reason);
            let help = "mend the Matcher document that defines it";
            return self.fail(codes::UNUSABLE, span, message, "used here", help);
        }
        let help = match (scope.library.near_list(name, scope.home.as_deref()), name.split_once('.')) {
            (Some(near), _) => format!("did you mean `@{near}`?"),
            (None, Some(_)) if !scope.library.knows_document(name) => scope.library.elsewhere(name),
            (None, _) => "define it in a Matcher document under `lists`".to_owned(),
        };
        self.fail(codes::UNKNOWN_LIST, span, format!("unknown list `@{name}`"), "no such list", help)
    }

    /// The node as a value of type `to`, if it can be one.
    #[allow(clippy::result_large_err, reason = "the error is the node itself, handed back for the message")]
    pub(super) fn coerce(&self, node: Node, to: &Type) -> Result<Node, Node> {
        if node.ty == *to {
            return Ok(node);
        }
        match (&node.ty, to) {
            (Type::String, Type::Path) => Ok(to_path(node)),
            (_, Type::Named(name)) => self.convert(node, name),
            (Type::List(_), Type::List(element)) => self.coerce_list(node, element),
            _ => Err(node),
        }
    }

    #[allow(clippy::result_large_err, reason = "as for `coerce`")]
    fn convert(&self, node: Node, to: TypeName) -> Result<Node, Node> {
        let Some((id, decl)) = self.schema.named(to) else { return Err(node) };
        if !is_fixed(&node) {
            return Err(node);
        }
        let node = match (&node.ty, decl.from.contains(&node.ty)) {
            (_, true) => node,
            (Type::String, false) if decl.from.contains(&Type::Path) => to_path(node),
            _ => return Err(node),
        };
        let span = node.span;
        let kind = Kind::Convert { value: Box::new(node), to, vocabulary: id.vocabulary };
        Ok(Node::new(kind, Type::Named(to), span))
    }

    #[allow(clippy::result_large_err, reason = "as for `coerce`")]
    fn coerce_list(&self, node: Node, element: &Type) -> Result<Node, Node> {
        let items = match &node.kind {
            Kind::List(items) => items.clone(),
            Kind::Const(Value::List(values)) => {
                values.iter().map(|v| Node::new(Kind::Const(v.clone()), type_of(v), node.span)).collect()
            }
            _ => return Err(node),
        };
        let coerced: Result<Vec<Node>, Node> =
            items.into_iter().map(|item| self.coerce(item, element)).collect();
        coerced.map(|items| list_node(items, element.clone(), node.span)).map_err(|_| node)
    }
}

/// Whether a node has the same value for every candidate, so that it can be converted once.
pub(in crate::lang) fn is_fixed(node: &Node) -> bool {
    let own = !matches!(
        node.kind,
        Kind::Candidate | Kind::Element(_) | Kind::Field { .. } | Kind::Entry { .. } | Kind::Call { .. }
    );
    own && node.children().all(is_fixed)
}

fn to_path(node: Node) -> Node {
    let span = node.span;
    let kind = match node.kind {
        Kind::Const(Value::String(bytes)) => Kind::Const(Value::Path(bytes)),
        _ => Kind::ToPath(Box::new(node)),
    };
    Node::new(kind, Type::Path, span)
}

/// A list, constant if all its elements are.
pub(in crate::lang) fn list_node(items: Vec<Node>, element: Type, span: Span) -> Node {
    let values: Option<Vec<Value>> = items.iter().map(|item| item.constant().cloned()).collect();
    let kind = values.map_or(Kind::List(items), |values| Kind::Const(Value::list(values)));
    Node::new(kind, Type::list(element), span)
}

/// The type of a value; an empty list counts as one of strings.
pub fn type_of(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Int(_) => Type::Int,
        Value::String(_) => Type::String,
        Value::Path(_) => Type::Path,
        Value::Size(_) => Type::Size,
        Value::Duration(_) => Type::Duration,
        Value::Time(_) => Type::Time,
        Value::Ratio(_) => Type::Ratio,
        Value::Ip(_) => Type::Ip,
        Value::Cidr(..) => Type::Cidr,
        Value::List(items) => Type::list(items.first().map_or(Type::String, type_of)),
        Value::Enum(name, _) => Type::Enum(name),
        Value::Object(object) => Type::Named(object.type_name()),
    }
}

/// What to write in place of a word that an enumeration doesn't have.
pub fn word_help(text: &str, words: &[&str]) -> String {
    if let Some(near) = did_you_mean(text, words.iter().copied()) {
        return format!("did you mean `{near}`?");
    }
    let some: Vec<String> = words.iter().take(12).map(|word| format!("`{word}`")).collect();
    format!("write one of {}{}", some.join(", "), if words.len() > 12 { ", ..." } else { "" })
}
