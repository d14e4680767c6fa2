//! Uses of named matchers: the definition's checked body, with the checked arguments in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Checker;
use super::quantify::NESTING_MAX;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast::{Argument, Ident, dotted};
use crate::lang::ir::{Kind, Measure, Node, expand, occurrences};
use crate::lang::library::{Definition, Found, Unusable};
use crate::lang::value::Type;
use crate::lang::{DEPTH_MAX, NODES_MAX, codes};

impl<'a> Checker<'a> {
    /// The definition that a name or a call stands for.
    pub(super) fn find(&self, words: &[Ident]) -> Option<Found<'a>> {
        let scope = self.scope;
        scope.library.find(&dotted(words), scope.home.as_deref())
    }

    /// A use of it; without arguments a bare name.
    pub(super) fn definition(
        &mut self,
        found: Found<'a>,
        words: &[Ident],
        arguments: Option<&[Argument]>,
        span: Span,
    ) -> Option<Node> {
        let name = dotted(words);
        let place = words.first()?.span.to(words.last()?.span);
        match found {
            Found::Definition(definition) => self.named(definition, &name, arguments, place, span),
            Found::Unusable(at) => {
                self.look_at(arguments);
                self.unusable(&name, at, place)
            }
        }
    }

    /// Its own error is enough within one document.
    fn unusable(&mut self, name: &str, at: &str, place: Span) -> Option<Node> {
        let document = name.split_once('.').map(|(document, _)| document);
        if self.scope.home.is_some() && (document.is_none() || document == self.scope.home.as_deref()) {
            self.failed = true;
            return None;
        }
        let message = format!("`{name}` can't be used: its definition is in error");
        let help = format!("mend the definition in {at}");
        self.fail(codes::UNUSABLE, place, message, "used here", help)
    }

    /// A dotted name of something in a document that can't be used.
    pub(super) fn unusable_document(&self, name: &str, place: Span) -> Option<Diagnostic> {
        let Unusable { kind, reason } = self.scope.library.unusable(name)?;
        let (document, _) = name.split_once('.')?;
        let said = Diagnostic::error(codes::UNUSABLE, format!("`{name}` can't be used: {reason}"));
        Some(said.at(place, "used here").help(format!("mend the {kind} document `{document}`")))
    }

    /// A dotted name or call that means a definition which isn't there.
    pub(super) fn missing_definition(&mut self, name: &str, place: Span) -> Option<Diagnostic> {
        let scope = self.scope;
        let unknown = |help: String| {
            Diagnostic::error(codes::UNKNOWN_MATCHER, format!("unknown matcher `{name}`"))
                .at(place, "no such definition")
                .help(help)
        };
        if let Some(said) = self.unusable_document(name, place) {
            return Some(said);
        }
        if scope.library.lists().any(|list| list.name == name) {
            return Some(unknown(format!("it is a list: write `@{name}`")));
        }
        if let Some(near) = scope.library.near(name, scope.home.as_deref()) {
            return Some(unknown(format!("did you mean `{near}`?")));
        }
        let (document, _) = name.split_once('.').filter(|_| scope.library.knows_document(name))?;
        let of_document = scope.library.definitions().filter_map(|definition| {
            let full = definition.draft.written.name.as_str();
            full.strip_prefix(document)?.strip_prefix('.').map(|_| format!("`{full}`"))
        });
        let all: Vec<String> = of_document.take(12).collect();
        Some(unknown(match all.as_slice() {
            [] => format!("the Matcher document `{document}` defines lists only"),
            _ => format!("`{document}` defines {}", all.join(", ")),
        }))
    }

    fn look_at(&mut self, arguments: Option<&[Argument]>) {
        for argument in arguments.into_iter().flatten() {
            let _ = self.infer_any(&argument.value);
        }
    }

    fn named(
        &mut self,
        definition: &Arc<Definition>,
        name: &str,
        arguments: Option<&[Argument]>,
        place: Span,
        span: Span,
    ) -> Option<Node> {
        let params = definition.draft.params.len();
        let form = form(definition, name);
        match (arguments, params) {
            (Some(given), 0) => {
                self.look_at(Some(given));
                let message = format!("`{name}` takes no arguments");
                let said = Diagnostic::error(codes::ARGUMENT_COUNT, message).at(span, "");
                return self.refuse(definition, said.help(format!("write `{name}`")));
            }
            (None, 1..) => {
                let message = format!("`{name}` needs arguments");
                let said = Diagnostic::error(codes::ARGUMENT_COUNT, message).at(place, "without arguments");
                return self.refuse(definition, said.help(format!("write `{form}`")));
            }
            (None | Some(_), _) => {}
        }
        let values = self.arguments(definition, &form, arguments.unwrap_or_default(), span)?;
        self.within_limits(definition, name, &values, span)?;
        let slots = self.elements.len();
        let body = expand(&definition.body, &values, slots, &self.shared);
        self.expanded(definition, name, &body, span)?;
        self.used.extend(definition.written.clone());
        let definition = Arc::clone(&definition.draft.written);
        Some(Node::new(Kind::Named { definition, body: Box::new(body) }, Type::Bool, span))
    }

    /// An error about a use, with the place of the definition.
    fn refuse<T>(&mut self, definition: &Definition, said: Diagnostic) -> Option<T> {
        let draft = &definition.draft;
        self.report(said.at_other(&draft.written.source, draft.name_at, "defined here"));
        None
    }

    fn arguments<'d>(
        &mut self,
        definition: &'d Definition,
        form: &str,
        arguments: &[Argument],
        span: Span,
    ) -> Option<BTreeMap<&'d str, Node>> {
        let params = &definition.draft.params;
        let mut values = BTreeMap::new();
        let mut given = Vec::new();
        let mut complete = true;
        for (position, argument) in arguments.iter().enumerate() {
            let found = match &argument.name {
                Some(name) => params.iter().find(|param| param.name == name.text),
                None => params.get(position),
            };
            let Some(param) = found else {
                complete = false;
                let _ = self.infer_any(&argument.value);
                self.superfluous(definition, form, argument);
                continue;
            };
            if given.contains(&param.name.as_str()) {
                complete = false;
                let message = format!("`{}` is given twice", param.name);
                let said = Diagnostic::error(codes::ARGUMENT_NAME, message);
                let _: Option<()> = self.refuse(
                    definition,
                    said.at(argument.value.span, "again here").help("remove one of them"),
                );
                continue;
            }
            given.push(param.name.as_str());
            let before = self.diagnostics.len();
            match self.typed(&argument.value, &param.ty, form) {
                Some(value) => {
                    values.insert(param.name.as_str(), value);
                }
                None => complete = false,
            }
            // Where the argument itself is right and only doesn't fit, the parameter says why.
            for said in self.diagnostics.iter_mut().skip(before).filter(|d| d.code == codes::ARGUMENT_TYPE) {
                let source = &definition.draft.written.source;
                *said = said.clone().at_other(source, param.at, "declared here");
            }
        }
        for param in params.iter().filter(|param| !given.contains(&param.name.as_str())) {
            complete = false;
            let message = format!("`{form}` needs `{}`", param.name);
            let said = Diagnostic::error(codes::ARGUMENT_COUNT, message).at(span, "an argument is missing");
            let source = &definition.draft.written.source;
            self.report(said.at_other(source, param.at, "declared here").help(format!("write `{form}`")));
        }
        complete.then_some(values)
    }

    fn superfluous(&mut self, definition: &Definition, form: &str, argument: &Argument) {
        let name = &definition.draft.written.name;
        let said = match &argument.name {
            None => Diagnostic::error(codes::ARGUMENT_COUNT, format!("`{name}` takes fewer arguments"))
                .at(argument.value.span, "one too many")
                .help(format!("write `{form}`")),
            Some(written) => {
                let params = definition.draft.params.iter().map(|param| param.name.as_str());
                let help = crate::diagnostic::did_you_mean(&written.text, params)
                    .map_or_else(|| format!("write `{form}`"), |near| format!("did you mean `{near}`?"));
                Diagnostic::error(
                    codes::ARGUMENT_NAME,
                    format!("`{name}` has no parameter `{}`", written.text),
                )
                .at(written.span, "no such parameter")
                .help(help)
            }
        };
        let _: Option<()> = self.refuse(definition, said);
    }

    /// Before anything is cloned: how large it would get.
    fn within_limits(
        &mut self,
        definition: &Definition,
        name: &str,
        values: &BTreeMap<&str, Node>,
        span: Span,
    ) -> Option<()> {
        let occurrences = occurrences(&definition.body);
        let arguments = values.iter().map(|(param, value)| {
            occurrences.get(*param).copied().unwrap_or(0).saturating_mul(Measure::of(value).nodes)
        });
        let nodes = arguments.fold(definition.measure.nodes, usize::saturating_add);
        let said_before = self.nodes > NODES_MAX;
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes <= NODES_MAX {
            return Some(());
        }
        if said_before {
            return None;
        }
        let message = format!("the expression has more than {NODES_MAX} parts with `{name}` put in");
        let said = Diagnostic::error(codes::TOO_MANY_NODES, message).at(span, "one use too many");
        self.refuse(definition, said.help("use fewer or smaller definitions"))
    }

    fn expanded(&mut self, definition: &Definition, name: &str, body: &Node, span: Span) -> Option<()> {
        let measure = Measure::of(body);
        if measure.nesting + self.elements.len() > NESTING_MAX {
            let message =
                format!("with `{name}` put in, quantifiers are nested more than {NESTING_MAX} deep");
            let said = Diagnostic::error(codes::QUANTIFIER_DEPTH, message).at(span, "one level too many");
            return self.refuse(definition, said.help("use it outside of quantifiers"));
        }
        if measure.depth > DEPTH_MAX {
            let message =
                format!("with `{name}` put in, the expression is nested more than {DEPTH_MAX} deep");
            let said = Diagnostic::error(codes::TOO_DEEP, message).at(span, "one level too many");
            return self.refuse(definition, said.help("use definitions that build less on each other"));
        }
        Some(())
    }
}

/// `instance(app: path, port: int)`, by the name that is used.
fn form(definition: &Definition, name: &str) -> String {
    let params: Vec<String> =
        definition.draft.params.iter().map(|param| format!("{}: {}", param.name, param.ty)).collect();
    format!("{name}({})", params.join(", "))
}
