//! Fields, variables, members and indexes.

use super::Checker;
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::lang::ast::{Expr, Ident, Kind as Ast, dotted};
use crate::lang::codes;
use crate::lang::ir::{Access, Id, Kind, Node};
use crate::lang::schema::FieldDecl;
use crate::lang::value::{Type, TypeName};

/// What other languages call absence.
pub(super) const NOTHING: [&str; 5] = ["null", "nil", "None", "none", "undefined"];
/// How other languages write truth.
const TRUTH: [&str; 4] = ["True", "False", "TRUE", "FALSE"];
/// The comparisons of test(1).
const SHELL: [(&str, &str); 6] =
    [("eq", "=="), ("ne", "!="), ("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">=")];

fn unknown_text(name: &str) -> String {
    format!("write `\"{name}\"` if a text is meant")
}

impl Checker<'_> {
    /// A dotted name: quantifier variable, scope variable, or field of the candidate.
    pub(super) fn name(&mut self, words: &[Ident], span: Span) -> Option<Node> {
        let first = words.first()?;
        let element = self.elements.iter().rposition(|(name, _)| *name == first.text);
        if let Some((slot, (_, ty))) = element.and_then(|slot| Some((slot, self.elements.get(slot)?))) {
            let node = Node::new(Kind::Element(slot), ty.clone(), first.span);
            return self.members(node, words.get(1..)?);
        }
        for length in (1..=words.len()).rev() {
            let (head, tail) = words.split_at_checked(length)?;
            let name = dotted(head);
            if let Some(ty) = self.scope.variables.get(&name) {
                let place = first.span.to(head.last()?.span);
                let node = Node::new(Kind::Variable(name), ty.clone(), place);
                return self.members(node, tail);
            }
        }
        let candidate =
            Node::new(Kind::Candidate, self.schema.candidate(), Span::new(span.start, span.start));
        if let Some((node, used)) = self.longest_field(&candidate, words) {
            return self.members(node, words.get(used..)?);
        }
        match self.find(words) {
            Some(found) => self.definition(found, words, None, span),
            None => self.unknown_name(words, span),
        }
    }

    /// `.name` after a call or an index.
    pub(super) fn member(&mut self, expr: &Expr) -> Option<Node> {
        let mut words = Vec::new();
        let mut base = expr;
        while let Ast::Member { base: inner, name } = &base.kind {
            words.insert(0, name.clone());
            base = inner;
        }
        let base = self.infer_any(base)?;
        self.members(base, &words)
    }

    /// The fields of a value, the longest declared name first.
    fn members(&mut self, mut node: Node, mut words: &[Ident]) -> Option<Node> {
        while let (Some(first), Some(last)) = (words.first(), words.last()) {
            let Some((next, used)) = self.longest_field(&node, words) else {
                return self.no_member(&node, words, first.span.to(last.span));
            };
            node = next;
            words = words.get(used..)?;
        }
        Some(node)
    }

    fn longest_field(&self, owner: &Node, words: &[Ident]) -> Option<(Node, usize)> {
        let Type::Named(name) = owner.ty else { return None };
        (1..=words.len()).rev().find_map(|length| {
            let head = words.get(..length)?;
            let (id, decl) = self.schema.field(name, &dotted(head))?;
            let start = if matches!(owner.kind, Kind::Candidate) { head.first()?.span } else { owner.span };
            let span = start.to(head.last()?.span);
            let kind = Kind::Field { owner: Box::new(owner.clone()), field: access(id, decl) };
            Some((Node::new(kind, decl.ty.clone(), span), length))
        })
    }

    fn no_member(&mut self, node: &Node, words: &[Ident], span: Span) -> Option<Node> {
        let written = self.text(node.span.to(span));
        if let Some(said) = self.unusable_document(written, node.span.to(span)) {
            self.report(said);
            return None;
        }
        let wanted = dotted(words);
        let whole = format!("{}.{wanted}", self.text(node.span));
        if let Some(ours) = self.schema.foreign(&whole) {
            let message = format!("`{whole}` is a name of another tool");
            let place = node.span.to(span);
            return self.fail(
                codes::FOREIGN_NAME,
                place,
                message,
                "not known here",
                format!("write `{ours}`"),
            );
        }
        let Type::Named(owner) = node.ty else {
            if let Some(help) = self.as_call(&whole).or_else(|| self.near_beside(node, &whole)) {
                let message = format!("unknown field `{whole}`");
                return self.fail(codes::UNKNOWN_NAME, span, message, "no such field", help);
            }
            let message = format!("`{}` is of type {} and has no fields", self.text(node.span), node.ty);
            let help = match (&node.ty, words) {
                (Type::List(_), [word]) => {
                    format!("write `any({}, x => x.{} == ...)`", self.text(node.span), word.text)
                }
                (Type::Map(_), [word, rest @ ..]) => {
                    let dot = if rest.is_empty() { "" } else { "." };
                    let (map, rest) = (self.text(node.span), dotted(rest));
                    format!("write `{map}[\"{}\"]{dot}{rest}`", word.text)
                }
                _ => "remove what follows the dot".to_owned(),
            };
            return self.fail(codes::NO_FIELDS, span, message, "no such field", help);
        };
        let names: Vec<&str> = self.schema.fields(owner).map(|(_, decl)| decl.name.as_ref()).collect();
        let base = self.text(node.span);
        let help = match did_you_mean(&wanted, names.iter().copied()) {
            Some(near) => format!("did you mean `{base}.{near}`?"),
            None if names.is_empty() => format!("type {owner} has no fields"),
            None => format!("the fields of type {owner}: {}", some(&names)),
        };
        self.fail(codes::UNKNOWN_NAME, span, format!("unknown field `{written}`"), "no such field", help)
    }

    /// A plugin may be called like a built-in field that has no fields: `container` and `container.id`.
    fn near_beside(&self, node: &Node, whole: &str) -> Option<String> {
        let Type::Named(owner) = self.schema.candidate() else { return None };
        let begins = format!("{}.", self.text(node.span));
        let fields = self.schema.fields(owner).map(|(_, decl)| decl.name.as_ref());
        let functions = self.schema.functions().map(|(_, decl)| decl.name.as_ref());
        let beside = fields.chain(functions).filter(|name| name.starts_with(&begins));
        did_you_mean(whole, beside).map(|near| format!("did you mean `{near}`?"))
    }

    /// How to call what was written like a field.
    fn as_call(&self, name: &str) -> Option<String> {
        let (_, decl) = self.schema.function(name)?;
        let params: Vec<&str> = decl.params.iter().map(|param| param.name.as_ref()).collect();
        Some(format!("it is a function: `{name}({})`", params.join(", ")))
    }

    fn unknown_name(&mut self, words: &[Ident], span: Span) -> Option<Node> {
        let name = dotted(words);
        if let Some(said) = self.unusable_document(&name, span) {
            self.report(said);
            return None;
        }
        if let Some(ours) = self.schema.foreign(&name) {
            let message = format!("`{name}` is a name of another tool");
            return self.fail(
                codes::FOREIGN_NAME,
                span,
                message,
                "not known here",
                format!("write `{ours}`"),
            );
        }
        if NOTHING.contains(&name.as_str()) {
            let help = "write `has(f)` for what exists, `!has(f)` for what is absent";
            return self.fail(
                codes::UNKNOWN_NAME,
                span,
                format!("there is no `{name}`"),
                "not a value",
                help,
            );
        }
        if TRUTH.contains(&name.as_str()) {
            let help = format!("write `{}`", name.to_lowercase());
            return self.fail(
                codes::UNKNOWN_NAME,
                span,
                format!("unknown name `{name}`"),
                "no such field",
                help,
            );
        }
        let Type::Named(owner) = self.schema.candidate() else { return None };
        let fields: Vec<&str> = self.schema.fields(owner).map(|(_, decl)| decl.name.as_ref()).collect();
        let variables = self.scope.variables.keys().map(String::as_str);
        let near_field = did_you_mean(&name, fields.iter().copied().chain(variables));
        if near_field.is_none()
            && let Some(said) = self.missing_definition(&name, span)
        {
            self.report(said);
            return None;
        }
        let inner: Vec<&str> = fields.iter().filter_map(|f| f.strip_prefix(&format!("{name}."))).collect();
        if !inner.is_empty() {
            let full: Vec<String> = inner.iter().map(|part| format!("{name}.{part}")).collect();
            let full: Vec<&str> = full.iter().map(String::as_str).collect();
            let message = format!("`{name}` is no field itself");
            let help = format!("write one of {}", some(&full));
            return self.fail(codes::GROUP_NAME, span, message, "only the beginning of a name", help);
        }
        let help = self.near_name(&name, span, &fields);
        let message = format!("unknown field `{name}`");
        self.fail(codes::UNKNOWN_NAME, span, message, "no such field or variable", help)
    }

    /// No field, variable, function, list or word of an enumeration is called so, or nearly.
    pub(super) fn means_nothing(&self, word: &str) -> bool {
        let Type::Named(owner) = self.schema.candidate() else { return false };
        let fields: Vec<&str> = self.schema.fields(owner).map(|(_, decl)| decl.name.as_ref()).collect();
        let begins = format!("{word}.");
        self.schema.foreign(word).is_none()
            && !NOTHING.contains(&word)
            && !TRUTH.contains(&word)
            && !fields.iter().any(|field| field.starts_with(&begins))
            && self.near_name(word, Span::default(), &fields) == unknown_text(word)
    }

    fn near_name(&self, name: &str, span: Span, fields: &[&str]) -> String {
        // `name -eq "x"`
        let after_dash = self.source.get(..span.start).is_some_and(|before| before.ends_with('-'));
        if let (true, Some((_, operator))) = (after_dash, SHELL.iter().find(|(word, _)| *word == name)) {
            return format!("write `{operator}` for `-{name}`");
        }
        let variables = self.scope.variables.keys().map(String::as_str);
        if let Some(near) = did_you_mean(name, fields.iter().copied().chain(variables)) {
            return format!("did you mean `{near}`?");
        }
        if let Some(call) = self.as_call(name) {
            return call;
        }
        if let Some(near) = self.scope.library.near_list(name, self.scope.home.as_deref()) {
            return format!("write `@{near}` for the list");
        }
        let mut enums = self.schema.enumerations();
        match enums.find(|decl| decl.words.contains(&name)) {
            Some(decl) => format!("it is a word of {}: compare a field of that type with it", decl.name),
            None if self.scope.defines => {
                format!("declare it under `params`, or write `\"{name}\"` if a text is meant")
            }
            None if name.contains('.') => {
                fields_beside(name, fields).unwrap_or_else(|| self.scope.library.elsewhere(name))
            }
            None => unknown_text(name),
        }
    }

    pub(super) fn unknown_variable(&mut self, name: &str, span: Span) {
        let near = did_you_mean(name, self.scope.variables.keys().map(String::as_str));
        let help = near.map_or_else(
            || "write `\\${` if the text itself is meant".to_owned(),
            |near| format!("did you mean `${{{near}}}`?"),
        );
        self.report(
            Diagnostic::error(codes::UNKNOWN_NAME, format!("unknown variable `{name}`"))
                .at(span, "no such variable")
                .help(help),
        );
    }

    /// `xs[i]` and `map["key"]`.
    pub(super) fn index(&mut self, base: &Expr, index: &Expr, span: Span) -> Option<Node> {
        let base = self.infer_any(base);
        let index = self.infer(index);
        let (base, index) = (base?, index?);
        match (&base.ty, &index.ty) {
            (Type::List(element), Type::Int) => {
                let ty = (**element).clone();
                let kind = Kind::Index { list: Box::new(base), index: Box::new(index) };
                Some(self.fold(Node::new(kind, ty, span)))
            }
            (Type::Map(element), Type::String) => {
                let ty = (**element).clone();
                let Kind::Field { owner, field } = base.kind else { return None };
                Some(Node::new(Kind::Entry { owner, field, key: Box::new(index) }, ty, span))
            }
            (_, Type::String) if let Some((map, ty)) = self.map_beside(&base) => {
                let Kind::Field { owner, .. } = base.kind else { return None };
                Some(Node::new(Kind::Entry { owner, field: map, key: Box::new(index) }, ty, span))
            }
            (Type::List(_), other) => {
                let message = format!("a list is indexed by an int, not by a {other}");
                let help = format!(
                    "write `{}[0]`, or `{}[-1]` for the last",
                    self.text(base.span),
                    self.text(base.span)
                );
                self.fail(codes::INDEX, index.span, message, "not an int", help)
            }
            (Type::Map(_), other) => {
                let message = format!("a map is indexed by a string, not by a {other}");
                let help = format!("write `{}[\"KEY\"]`", self.text(base.span));
                self.fail(codes::INDEX, index.span, message, "not a string", help)
            }
            (other, _) => {
                let message = format!("`{}` is of type {other} and has no elements", self.text(base.span));
                self.fail(codes::INDEX, span, message, "not a list", "remove the index")
            }
        }
    }

    /// A field that has a value of its own and entries as well, as `cgroup` and `cgroup["memory"]`, is
    /// declared twice: the map under the name with `[]` behind it.
    fn map_beside(&self, base: &Node) -> Option<(Access, Type)> {
        let Kind::Field { field, .. } = &base.kind else { return None };
        let (id, decl) = self.schema.field(field.owner?, &format!("{}[]", field.name))?;
        match &decl.ty {
            Type::Map(element) => Some((access(id, decl), (**element).clone())),
            _ => None,
        }
    }
}

pub(super) fn access(id: Id, decl: &FieldDecl) -> Access {
    let owner: TypeName = decl.owner;
    Access {
        id,
        name: decl.name.clone(),
        cost: decl.cost,
        source: Some(decl.source.clone()),
        trust: Some(decl.trust),
        owner: Some(owner),
        pure: false,
    }
}

fn some(names: &[&str]) -> String {
    let shown: Vec<String> =
        names.iter().filter(|name| !name.ends_with("[]")).take(12).map(|name| format!("`{name}`")).collect();
    format!("{}{}", shown.join(", "), if names.len() > 12 { ", ..." } else { "" })
}

/// The fields that begin with the same word as a name with a dot in it, if there are any.
fn fields_beside(name: &str, fields: &[&str]) -> Option<String> {
    let (word, _) = name.split_once('.')?;
    let begins = format!("{word}.");
    let mut beside: Vec<&str> = fields.iter().copied().filter(|field| field.starts_with(&begins)).collect();
    beside.sort_unstable();
    let names: Vec<String> = beside.iter().take(6).map(|field| format!("`{field}`")).collect();
    (!names.is_empty()).then(|| format!("`{word}` has {}", names.join(", ")))
}
