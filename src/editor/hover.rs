//! What stands at a place: a name, an operator, a key; and the parameters of the call around it.

use std::sync::Arc;

use super::describe;
use super::names::{Before, Meaning, Names};
use super::place::{Expression, Place, place};
use crate::diagnostic::{Source, Span};
use crate::lang::{Library, Token, TokenKind, tokens};

/// Markdown about what stands at a place, and its extent.
pub(super) fn hover(text: &str, offset: usize, library: &Arc<Library>) -> Option<(Span, String)> {
    match place(text, offset)? {
        Place::Key(field, span) => Some((span, describe::document_field(field))),
        Place::Expression(expression) => {
            in_expression(&expression, offset, &Names::within(library, &expression))
        }
    }
}

/// Where the definition or list that is named at a place is declared.
pub(super) fn definition(text: &str, offset: usize, library: &Arc<Library>) -> Option<(Arc<Source>, Span)> {
    let Some(Place::Expression(expression)) = place(text, offset) else { return None };
    let names = Names::within(library, &expression);
    let at = offset.checked_sub(expression.start)?;
    let token = tokens(&expression.text).into_iter().find(|t| t.span.start <= at && at <= t.span.end)?;
    let written = token.text(&expression.text);
    if let Some(name) = written.strip_prefix('@') {
        return names.list(name).map(|list| (Arc::clone(&list.source), list.name_at));
    }
    let draft = names.definition(written).map(|definition| &definition.draft)?;
    Some((Arc::clone(&draft.written.source), draft.name_at))
}

fn in_expression(expression: &Expression, offset: usize, names: &Names) -> Option<(Span, String)> {
    let Expression { start, text, .. } = expression;
    let at = offset.checked_sub(*start)?;
    let all = tokens(text);
    let number = all.iter().position(|token| token.span.start <= at && at < token.span.end)?;
    let token = all.get(number)?;
    let placed = |span: Span| Span::new(span.start + start, span.end + start);
    let written = token.text(text);
    if let Some((span, described)) = negated_in(&all, number, text) {
        return Some((placed(span), described));
    }
    if let Some(described) = describe::operator(written) {
        return Some((placed(token.span), described));
    }
    if let Some(list) = written.strip_prefix('@').and_then(|name| names.list(name)) {
        return Some((placed(token.span), describe::meaning(&Meaning::List(list))));
    }
    if token.kind != TokenKind::Word {
        return None;
    }
    if let Some(definition) = names.definition(written) {
        return Some((placed(token.span), describe::meaning(&Meaning::Definition(definition))));
    }
    let called = all.get(number + 1).is_some_and(|next| next.text(text) == "(");
    let around = Before::new(text, token.span.start).around(names);
    // Up to the end of the part that is pointed at: `parent` in `parent.name`.
    let behind = written.get(at - token.span.start..)?;
    let length = at - token.span.start + behind.find('.').unwrap_or(behind.len());
    if called && length == written.len() {
        let meaning = names.function(written)?;
        return Some((placed(token.span), describe::meaning(&meaning)));
    }
    // Of a name that means something only as a whole (`ns.pid`), the whole.
    let meaning = |name: &str| names.meaning(name, &around).map(|found| describe::meaning(&found));
    let part = meaning(written.get(..length)?).map(|described| (length, described));
    let (length, described) =
        part.or_else(|| meaning(written).map(|described| (written.len(), described)))?;
    Some((placed(Span::new(token.span.start, token.span.start + length)), described))
}

/// `not in`, on either word.
fn negated_in(all: &[Token], number: usize, text: &str) -> Option<(Span, String)> {
    let word = |at: usize| all.get(at).map(|token| token.text(text));
    let first = if word(number) == Some("in") { number.checked_sub(1)? } else { number };
    if word(first) != Some("not") || word(first + 1) != Some("in") {
        return None;
    }
    Some((all.get(first)?.span.to(all.get(first + 1)?.span), describe::operator("not in")?))
}

/// The signature of a call, its parameters, which of them is written, and what the function does.
pub(super) struct Signature {
    /// `runs(path: path): bool`
    pub(super) label: String,
    /// As they stand in the label.
    pub(super) parameters: Vec<String>,
    /// Which is being written.
    pub(super) active: usize,
    /// Markdown.
    pub(super) documentation: String,
}

/// The call around a place.
pub(super) fn signature(text: &str, offset: usize, library: &Arc<Library>) -> Option<Signature> {
    let Some(Place::Expression(expression)) = place(text, offset) else { return None };
    let names = Names::within(library, &expression);
    let before = Before::new(&expression.text, offset.checked_sub(expression.start)?);
    let open = before.open.iter().rev().find(|open| open.function.is_some())?;
    let meaning = names.function(open.function.as_deref()?)?;
    let (label, parameters) = match &meaning {
        Meaning::Function(decl, _) => describe::signature(decl),
        Meaning::Core(core) => {
            let inside = core.form.split_once('(').map_or("", |(_, params)| params.trim_end_matches(')'));
            (core.form.to_owned(), inside.split(", ").map(str::to_owned).collect())
        }
        Meaning::Definition(definition) => describe::definition_signature(definition),
        Meaning::Field(_) | Meaning::Variable(..) | Meaning::Element(..) | Meaning::List(_) => return None,
    };
    let documentation = describe::meaning(&meaning);
    Some(Signature { label, parameters, active: open.argument, documentation })
}
