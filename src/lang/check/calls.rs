//! Calls: the functions of the core, and those that vocabularies declare.

use super::Checker;
use crate::diagnostic::{Diagnostic, Span, did_you_mean};
use crate::lang::ast::{Argument, CompareOp, Expr, Ident, Kind as Ast, dotted};
use crate::lang::codes;
use crate::lang::functions::OF_FIELDS;
use crate::lang::ir::{Access, Builtin, Id, Kind, Node, Quantifier};
use crate::lang::schema::{FunctionDecl, Operation, ParamDecl};
use crate::lang::value::{Type, TypeName};

use super::names::access;
use super::type_of;

impl Checker<'_> {
    pub(super) fn call(&mut self, words: &[Ident], arguments: &[Argument], span: Span) -> Option<Node> {
        let name = dotted(words);
        if let Some((quantifier, name)) = Quantifier::ALL.into_iter().find(|(_, known)| *known == name) {
            return self.quantifier((quantifier, name), arguments, span);
        }
        if let Some((builtin, _, form)) = Builtin::ALL.into_iter().find(|(_, known, _)| *known == name) {
            return self.builtin(builtin, form, arguments, span);
        }
        if name == "matches_any" {
            let [text, patterns] = self.plain("matches_any(s, @patterns)", arguments, span)?;
            let (text, patterns) = (self.infer(text), self.infer(patterns));
            return self.matches_any(text?, &patterns?, span);
        }
        if OF_FIELDS.contains(&name.as_str()) {
            return self.of_field(&name, arguments, span);
        }
        let schema = self.schema;
        if let Some((id, decl)) = schema.function(&name) {
            return self.declared_call(id, decl, arguments, span);
        }
        match self.find(words) {
            Some(found) => self.definition(found, words, Some(arguments), span),
            None => self.unknown_function(words, &name, arguments),
        }
    }

    /// `rate(io.write_bytes)`: the field of this name beside the one that is named.
    fn of_field(&mut self, form: &str, arguments: &[Argument], span: Span) -> Option<Node> {
        let [subject] = self.plain(&format!("{form}(f)"), arguments, span)?;
        let node = self.infer_any(subject)?;
        let Kind::Field { owner, field } = &node.kind else {
            let message = format!("`{form}` takes a field");
            let help = format!("write for example {}", self.fields_of(form, None));
            return self.fail(codes::ARGUMENT_TYPE, node.span, message, "not the name of a field", help);
        };
        let beside = format!("{form}({})", field.name);
        let found = field.owner.and_then(|owner| self.schema.field(owner, &beside));
        let Some((id, decl)) = found else {
            let message = format!("there is no `{beside}`");
            let help = format!("write one of {}", self.fields_of(form, field.owner));
            return self.fail(codes::ARGUMENT_TYPE, node.span, message, "not such a field", help);
        };
        let kind = Kind::Field { owner: owner.clone(), field: access(id, decl) };
        Some(Node::new(kind, decl.ty.clone(), span))
    }

    /// What the form can be written of.
    fn fields_of(&self, form: &str, owner: Option<TypeName>) -> String {
        let of_candidate = match self.schema.candidate() {
            Type::Named(name) => Some(name),
            _ => None,
        };
        let Some(owner) = owner.or(of_candidate) else { return String::new() };
        let begins = format!("{form}(");
        let fields = self.schema.fields(owner).map(|(_, decl)| decl.name.as_ref());
        let names: Vec<String> =
            fields.filter(|name| name.starts_with(&begins)).map(|name| format!("`{name}`")).collect();
        names.join(", ")
    }

    /// Exactly so many arguments without names.
    fn plain<'e, const N: usize>(
        &mut self,
        form: &str,
        arguments: &'e [Argument],
        span: Span,
    ) -> Option<[&'e Expr; N]> {
        let values: Vec<&Expr> =
            arguments.iter().filter(|argument| argument.name.is_none()).map(|a| &a.value).collect();
        let count = arguments.len();
        if let (Ok(values), true) = (<[&Expr; N]>::try_from(values), count == N) {
            return Some(values);
        }
        for argument in arguments {
            let _ = self.infer_any(&argument.value);
        }
        let message =
            format!("`{form}` takes {N} {}, not {count}", if N == 1 { "argument" } else { "arguments" });
        self.fail(codes::ARGUMENT_COUNT, span, message, "", format!("write `{form}`"))
    }

    fn builtin(&mut self, builtin: Builtin, form: &str, arguments: &[Argument], span: Span) -> Option<Node> {
        let (nodes, ty) = match builtin {
            Builtin::Assume => {
                let [subject, instead] = self.plain(form, arguments, span)?;
                return self.assume(subject, instead, span);
            }
            Builtin::CidrContains => {
                let [network, address] = self.plain(form, arguments, span)?;
                let network = self.typed(network, &Type::Cidr, form);
                let address = self.typed(address, &Type::Ip, form);
                (vec![network?, address?], Type::Bool)
            }
            Builtin::Has | Builtin::Known => {
                let [subject] = self.plain(form, arguments, span)?;
                (vec![self.infer(subject)?], Type::Bool)
            }
            Builtin::Len | Builtin::Lower | Builtin::Upper | Builtin::Basename | Builtin::Dirname => {
                let [subject] = self.plain(form, arguments, span)?;
                let node = self.infer(subject)?;
                let list = builtin == Builtin::Len && matches!(node.ty, Type::List(_));
                let node = if list { node } else { self.text_argument(node, form)? };
                let ty = match builtin {
                    Builtin::Len => Type::Int,
                    Builtin::Dirname => Type::Path,
                    _ => Type::String,
                };
                (vec![node], ty)
            }
        };
        let node = Node::new(Kind::Builtin(builtin, nodes), ty, span);
        Some(self.fold(node))
    }

    fn text_argument(&mut self, node: Node, form: &str) -> Option<Node> {
        let has_text = match &node.ty {
            Type::String | Type::Path => true,
            Type::Named(_) => self.schema.operators(Operation::Text).any(|(_, decl)| decl.left == node.ty),
            _ => false,
        };
        if !has_text {
            let label = format!("this is of type {}", node.ty);
            let help = format!("`{form}` takes a string or path");
            return self.fail(
                codes::ARGUMENT_TYPE,
                node.span,
                format!("`{form}` does not take {}", node.ty),
                label,
                help,
            );
        }
        self.textual(node, CompareOp::Matches)
    }

    fn assume(&mut self, subject: &Expr, instead: &Expr, span: Span) -> Option<Node> {
        let subject = self.infer(subject);
        let instead = self.hinted(instead, subject.as_ref().map(|subject| &subject.ty));
        let (subject, instead) = (subject?, instead?);
        let ty = subject.ty.clone();
        let written = self.text(subject.span);
        let instead = match self.coerce(instead, &ty) {
            Ok(instead) => instead,
            Err(other) => {
                let message = format!("`assume` takes {ty} in place of `{written}`, not {}", other.ty);
                let label = format!("this is of type {}", other.ty);
                return self.fail(
                    codes::ARGUMENT_TYPE,
                    other.span,
                    message,
                    label,
                    format!("write a value of type {ty}"),
                );
            }
        };
        self.report(
            Diagnostic::warning(codes::ASSUMED, format!("`assume` decides even if `{written}` is not known"))
                .at(span, "hides what is not known")
                .help(format!("write `{written}` alone to hold the decision until it is known")),
        );
        Some(Node::new(Kind::Builtin(Builtin::Assume, vec![subject, instead]), ty, span))
    }

    pub(super) fn typed(&mut self, expr: &Expr, ty: &Type, function: &str) -> Option<Node> {
        let node = self.hinted(expr, Some(ty))?;
        match self.coerce(node, ty) {
            Ok(node) => Some(node),
            Err(other) => {
                let message = format!("`{function}` takes {ty} here, not {}", other.ty);
                let written = self.text(other.span);
                let help = match (ty, &other.ty) {
                    (Type::Enum(name), Type::String) => {
                        self.unquoted(name, written.trim_matches('"')).unwrap_or_default()
                    }
                    (Type::String | Type::Path, Type::Int) if matches!(other.kind, Kind::Variable(_)) => {
                        format!("write `\"${{{written}}}\"`")
                    }
                    (Type::String | Type::Path, Type::Int) => {
                        format!("write `\"{}\"`", self.text(other.span))
                    }
                    (Type::Path | Type::String, Type::Named(_)) => {
                        format!("write `{}.path`, or a literal", self.text(other.span))
                    }
                    _ => format!("write a value of type {ty}"),
                };
                self.fail(
                    codes::ARGUMENT_TYPE,
                    other.span,
                    message,
                    format!("this is of type {}", other.ty),
                    help,
                )
            }
        }
    }

    fn declared_call(
        &mut self,
        id: Id,
        decl: &FunctionDecl,
        arguments: &[Argument],
        span: Span,
    ) -> Option<Node> {
        let form = form(decl);
        let mut given: Vec<Option<Option<Node>>> = decl.params.iter().map(|_| None).collect();
        let mut complete = true;
        for (position, argument) in arguments.iter().enumerate() {
            let Some((index, param)) = self.parameter(decl, position, argument) else {
                complete = false;
                let _ = self.infer_any(&argument.value);
                continue;
            };
            let node = self.typed(&argument.value, &param.ty, &form);
            let repeated = given.get(index).is_some_and(Option::is_some);
            if let (Some(slot), false) = (given.get_mut(index), repeated) {
                *slot = Some(node);
            } else {
                complete = false;
                let message = format!("`{}` is given twice", param.name);
                self.fail::<Node>(
                    codes::ARGUMENT_NAME,
                    argument.value.span,
                    message,
                    "again here",
                    "remove one of them",
                );
            }
        }
        let mut nodes = Vec::new();
        for (param, node) in decl.params.iter().zip(given) {
            match (node, &param.default) {
                (Some(node), _) => nodes.push(node),
                (None, Some(value)) => {
                    let span = Span::new(span.end, span.end);
                    let default = Node::new(Kind::Const(value.clone()), type_of(value), span);
                    nodes.push(Some(default));
                }
                (None, None) => {
                    complete = false;
                    let message = format!("`{form}` needs `{}` of type {}", param.name, param.ty);
                    self.fail::<Node>(
                        codes::ARGUMENT_COUNT,
                        span,
                        message,
                        "an argument is missing",
                        format!("write `{form}`"),
                    );
                }
            }
        }
        let arguments: Vec<Node> = nodes.into_iter().collect::<Option<_>>()?;
        let function = Access {
            id,
            name: decl.name.clone(),
            cost: decl.cost,
            source: None,
            trust: decl.trust,
            owner: None,
            pure: decl.pure,
        };
        complete.then(|| Node::new(Kind::Call { function, arguments }, decl.result.clone(), span))
    }

    fn parameter<'d>(
        &mut self,
        decl: &'d FunctionDecl,
        position: usize,
        argument: &Argument,
    ) -> Option<(usize, &'d ParamDecl)> {
        let Some(name) = &argument.name else {
            if let Some(param) = decl.params.get(position) {
                return Some((position, param));
            }
            let (message, help) =
                (format!("`{}` takes fewer arguments", decl.name), format!("write `{}`", form(decl)));
            return self.fail(codes::ARGUMENT_COUNT, argument.value.span, message, "one too many", help);
        };
        if let Some(found) = decl.params.iter().enumerate().find(|(_, param)| param.name == name.text) {
            return Some(found);
        }
        let near = did_you_mean(&name.text, decl.params.iter().map(|param| param.name.as_ref()));
        let help =
            near.map_or_else(|| format!("write `{}`", form(decl)), |near| format!("did you mean `{near}`?"));
        let message = format!("`{}` has no argument `{}`", decl.name, name.text);
        self.fail(codes::ARGUMENT_NAME, name.span, message, "no such argument", help)
    }

    fn unknown_function(&mut self, words: &[Ident], name: &str, arguments: &[Argument]) -> Option<Node> {
        let place = words.first()?.span.to(words.last()?.span);
        for argument in arguments {
            if let Ast::Lambda { .. } = argument.value.kind {
                continue;
            }
            let _ = self.infer_any(&argument.value);
        }
        if let Some(said) = self.unusable_document(name, place) {
            self.report(said);
            return None;
        }
        if let Some(ours) = self.schema.foreign(name) {
            let message = format!("`{name}` is a function of another tool");
            return self.fail(
                codes::FOREIGN_NAME,
                place,
                message,
                "not known here",
                format!("write `{ours}`"),
            );
        }
        if let Some(said) = self.missing_definition(name, place) {
            self.report(said);
            return None;
        }
        if let Some(help) = method_help(words, arguments) {
            let message = format!("unknown function `{name}`");
            return self.fail(codes::UNKNOWN_FUNCTION, place, message, "values have no methods", help);
        }
        let core = Builtin::ALL.into_iter().map(|(_, name, _)| name);
        let quantifiers = Quantifier::ALL.into_iter().map(|(_, name)| name);
        let schema = self.schema;
        let declared = schema.functions().map(|(_, decl)| decl.name.as_ref());
        let mut known: Vec<&str> =
            core.chain(quantifiers).chain(["matches_any"]).chain(OF_FIELDS).chain(declared).collect();
        known.sort_unstable();
        known.dedup();
        let near = did_you_mean(name, known.iter().copied());
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.is_value_name(name) => format!("`{name}` is a field: write it without parentheses"),
            None if name.contains('.') => self.scope.library.elsewhere(name),
            None => format!("functions: {}", known.join(", ")),
        };
        self.fail(
            codes::UNKNOWN_FUNCTION,
            place,
            format!("unknown function `{name}`"),
            "no such function",
            help,
        )
    }
}

/// `pidfile(path, locked)`
fn form(decl: &FunctionDecl) -> String {
    let params: Vec<&str> = decl.params.iter().map(|param| param.name.as_ref()).collect();
    format!("{}({})", decl.name, params.join(", "))
}

/// `argv.contains("x")` as `argv contains "x"`.
fn method_help(words: &[Ident], arguments: &[Argument]) -> Option<String> {
    let (method, subject) = words.split_last()?;
    if subject.is_empty() {
        return None;
    }
    let subject = dotted(subject);
    let snake: String = method
        .text
        .chars()
        .flat_map(|c| if c.is_ascii_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] })
        .collect();
    let spelled = match snake.as_str() {
        "startswith" => "starts_with",
        "endswith" => "ends_with",
        "matches" | "match" => "=~",
        other => other,
    };
    if let (Some(op), [argument]) = (CompareOp::ALL.into_iter().find(|op| op.symbol() == spelled), arguments)
    {
        return Some(format!("write `{subject} {} {}`", op.symbol(), argument.value));
    }
    let function = Builtin::ALL.into_iter().map(|(_, name, _)| name);
    let quantifier = Quantifier::ALL.into_iter().map(|(_, name)| name);
    let known = function
        .chain(quantifier)
        .find(|name| *name == spelled || (*name == "len" && matches!(spelled, "size" | "length")))?;
    let rest: Vec<String> = arguments.iter().map(|argument| argument.value.to_string()).collect();
    let all: Vec<String> = std::iter::once(subject).chain(rest).collect();
    Some(format!("write `{known}({})`", all.join(", ")))
}
