//! Builds the tree from the events of the parser, and refuses what would change a value behind the
//! author's back.

use std::collections::BTreeMap;

use granit_parser::{Event, Parser, Placement, ScalarStyle, Span as Marks};

use super::{Limits, Node, NodeKind, Parsed, Scalar, Style, block, codes, flow, syntax};
use crate::diagnostic::{Diagnostic, Span};

/// The tree of a text, or its first syntax error.
pub(super) fn build(text: &str, limits: &Limits) -> Parsed {
    let options = granit_parser::options! {
        disallow_directives: true,
        block_scalar_eof_without_line_feed: true,
        emit_unresolved_aliases: true,
        emit_anchor_events: true,
        flow_nesting_limit: limits.depth.saturating_add(1),
        block_nesting_limit: limits.depth.saturating_add(1),
        max_buffered_comment_events: limits.bytes,
    };
    let mut builder = Builder { text, limits: *limits, parsed: Parsed::default(), open: Vec::new() };
    for event in Parser::new_from_str_with_options(text, options) {
        let step = match event {
            Ok((event, marks)) => builder.event(event, marks),
            Err(error) => Err(Box::new(syntax::describe(text, &error, limits))),
        };
        if let Err(diagnostic) = step {
            builder.parsed.diagnostics.push(*diagnostic);
            builder.parsed.documents.clear();
            break;
        }
    }
    builder.parsed
}

/// A collection that is being read.
struct Open {
    start: usize,
    end: usize,
    refused: bool,
    items: Items,
}

enum Items {
    Sequence(Vec<Node>),
    Mapping { pairs: Vec<(Scalar, Node)>, key: Key, seen: Seen },
}

/// So many keys are gone through one by one, which costs less than a map of them.
const FEW: usize = 16;

/// Where the keys of a mapping of many stand.
#[derive(Default)]
struct Seen(BTreeMap<String, Span>);

impl Seen {
    /// Where a key stands among these pairs: the same ones as the last time, and perhaps some more behind them.
    fn find(&mut self, key: &str, pairs: &[(Scalar, Node)]) -> Option<Span> {
        if pairs.len() < FEW {
            return pairs.iter().find(|(other, _)| other.text == key).map(|(other, _)| other.span);
        }
        let fresh = pairs.iter().skip(self.0.len());
        self.0.extend(fresh.map(|(key, _)| (key.text.to_string(), key.span)));
        self.0.get(key).copied()
    }
}

/// The state between a key and its value.
enum Key {
    Awaited,
    Read(Scalar),
    /// Complained about: its value is dropped.
    Dropped,
}

struct Builder<'a> {
    text: &'a str,
    limits: Limits,
    parsed: Parsed,
    open: Vec<Open>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, marks: Marks) -> Result<(), Box<Diagnostic>> {
        let span = span_of(marks);
        match event {
            Event::Scalar(text, style, _, tag) => {
                let kind = match (tag, marks.tag_span()) {
                    (None, _) => self.scalar(&text, style, span),
                    (Some(_), tag) => {
                        self.refuse_tag(tag.map_or(span, span_of), span);
                        NodeKind::Refused
                    }
                };
                self.attach(Node { span, kind });
            }
            Event::SequenceStart(_, _, tag) => {
                self.enter(span, tag.is_some(), marks, Items::Sequence(Vec::new()))?;
            }
            Event::MappingStart(_, _, tag) => {
                let items = Items::Mapping { pairs: Vec::new(), key: Key::Awaited, seen: Seen::default() };
                self.enter(span, tag.is_some(), marks, items)?;
            }
            Event::SequenceEnd | Event::MappingEnd => self.leave(span),
            Event::Anchor(_, name) => self.refuse_anchor(&name, span),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.refuse_alias(span);
                self.attach(Node { span, kind: NodeKind::Refused });
            }
            Event::Comment(_, Placement::Right) => self.comment(span),
            // The other comments, and the ends of stream and documents, carry no value.
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, span: Span, tagged: bool, marks: Marks, items: Items) -> Result<(), Box<Diagnostic>> {
        if tagged {
            self.refuse_tag(marks.tag_span().map_or(span, span_of), span);
        }
        if self.open.len() >= self.limits.depth {
            return Err(Box::new(syntax::too_deep(span, &self.limits)));
        }
        self.open.push(Open { start: span.start, end: span.end, refused: tagged, items });
        Ok(())
    }

    fn leave(&mut self, span: Span) {
        let Some(open) = self.open.pop() else { return };
        // The end of a block collection is only known to lie before the next token.
        let end = if span.end > span.start { span.end } else { open.end };
        let kind = match open.items {
            _ if open.refused => NodeKind::Refused,
            Items::Sequence(nodes) => NodeKind::Sequence(nodes),
            Items::Mapping { pairs, .. } => NodeKind::Mapping(pairs),
        };
        self.attach(Node { span: Span::new(open.start, end), kind });
    }

    fn scalar(&mut self, text: &str, style: ScalarStyle, span: Span) -> NodeKind {
        let style = match style {
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::SingleQuoted => Style::SingleQuoted,
            ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
        };
        let omitted = span.start == span.end;
        if style == Style::Plain && (omitted || matches!(text, "~" | "null" | "Null" | "NULL")) {
            return NodeKind::Null;
        }
        let map = match style {
            Style::Plain | Style::SingleQuoted | Style::DoubleQuoted => {
                flow::map(self.text, span, style, text)
            }
            Style::Literal | Style::Folded => block::map(self.text, span, style, text),
        };
        if let Some(map) = map {
            return NodeKind::Scalar(Scalar { text: text.into(), style, span, comment: None, map });
        }
        self.complain(
            Diagnostic::error(codes::AMBIGUOUS, "readers of YAML understand this text differently")
                .at(span, "")
                .help("write it on one line in single quotes, or as a block after `|`"),
        );
        NodeKind::Refused
    }

    /// Hands a finished node to the collection around it, or makes it a document.
    fn attach(&mut self, node: Node) {
        let Some(open) = self.open.last_mut() else {
            self.parsed.documents.push(node);
            return;
        };
        open.end = open.end.max(node.span.end);
        match &mut open.items {
            Items::Sequence(nodes) => nodes.push(node),
            Items::Mapping { pairs, key, seen } => {
                let next = match std::mem::replace(key, Key::Awaited) {
                    Key::Read(scalar) => {
                        pairs.push((scalar, node));
                        return;
                    }
                    Key::Dropped => return,
                    Key::Awaited => accept_key(node, pairs, seen),
                };
                match next {
                    Ok(scalar) => *key = Key::Read(scalar),
                    Err(complaint) => {
                        *key = Key::Dropped;
                        self.parsed.diagnostics.extend(complaint.map(|complaint| *complaint));
                    }
                }
            }
        }
    }

    fn complain(&mut self, diagnostic: Diagnostic) {
        self.parsed.diagnostics.push(diagnostic);
    }

    fn refuse_tag(&mut self, tag: Span, value: Span) {
        let raw = self.text.get(tag.start..tag.end).unwrap_or("!");
        let line = syntax::line_end(self.text, tag.start).min(value.end.max(tag.end));
        let written = self.text.get(tag.start..line).unwrap_or(raw).trim_end();
        // A collection has no text that a `!` could belong to.
        let collection = self.text.get(value.start..).is_some_and(|rest| rest.starts_with(['[', '{']));
        let written = if collection { "" } else { written };
        let diagnostic = Diagnostic::error(
            codes::TAG,
            format!("`{raw}` is read as a YAML tag here and would be lost from the value"),
        )
        .at(tag, "a tag");
        self.complain(diagnostic.help(tag_help(written)));
    }

    fn refuse_anchor(&mut self, name: &str, span: Span) {
        self.complain(
            Diagnostic::error(
                codes::ANCHOR,
                format!("`&{name}` is read as a YAML anchor and not as part of the value"),
            )
            .at(span, "an anchor")
            .help("put the whole value in single quotes; to share values between objects write them out"),
        );
    }

    fn refuse_alias(&mut self, span: Span) {
        let raw = self.text.get(span.start..span.end).unwrap_or("*");
        self.complain(
            Diagnostic::error(
                codes::ALIAS,
                format!("`{raw}` is read as a YAML alias and not as part of the value"),
            )
            .at(span, "an alias")
            .help("put the whole value in single quotes; to share values between objects write them out"),
        );
    }

    /// Remembers a comment behind a plain scalar on the line where that ends.
    fn comment(&mut self, span: Span) {
        let text = self.text;
        let node = match self.open.last_mut().map(|open| &mut open.items) {
            Some(Items::Sequence(nodes)) => nodes.last_mut(),
            Some(Items::Mapping { pairs, .. }) => pairs.last_mut().map(|(_, node)| node),
            None => self.parsed.documents.last_mut(),
        };
        let Some(Node { kind: NodeKind::Scalar(scalar), .. }) = node else { return };
        let between = text.get(scalar.span.end..span.start);
        if scalar.style == Style::Plain
            && between.is_some_and(|gap| gap.bytes().all(|b| b == b' ' || b == b'\t'))
        {
            scalar.comment = Some(span);
        }
    }
}

/// A key that is a text and new, or what is wrong with it (nothing if that was said already).
fn accept_key(
    node: Node,
    pairs: &[(Scalar, Node)],
    seen: &mut Seen,
) -> Result<Scalar, Option<Box<Diagnostic>>> {
    let scalar = match node.kind {
        NodeKind::Scalar(scalar) => scalar,
        NodeKind::Refused => return Err(None),
        NodeKind::Sequence(_) | NodeKind::Mapping(_) | NodeKind::Null => {
            let diagnostic =
                Diagnostic::error(codes::KEY, format!("a key is a text, here stands {}", node.phrase()));
            return Err(Some(Box::new(diagnostic.at(node.span, "").help("write the key as `name:`"))));
        }
    };
    if scalar.style == Style::Plain && scalar.text == "<<" {
        let diagnostic = Diagnostic::error(codes::MERGE_KEY, "merge keys (`<<`) are not applied")
            .at(scalar.span, "")
            .help("write the fields out");
        return Err(Some(Box::new(diagnostic)));
    }
    if let Some(first) = seen.find(&scalar.text, pairs) {
        let diagnostic =
            Diagnostic::error(codes::DUPLICATE_KEY, format!("the key `{}` stands here twice", scalar.text))
                .at(scalar.span, "again")
                .at(first, "first")
                .help("keep one of the two");
        return Err(Some(Box::new(diagnostic)));
    }
    Ok(scalar)
}

fn tag_help(written: &str) -> String {
    match written.strip_prefix('!').map(str::trim_start) {
        Some(rest) if rest.starts_with(|c: char| c == '(' || c.is_ascii_alphabetic()) => {
            format!("write `not {rest}`, or the value in single quotes: {}", syntax::single_quoted(written))
        }
        _ => "leave the tag out; values have the type of their field".into(),
    }
}

/// Byte offsets are always known for a text in memory.
fn span_of(marks: Marks) -> Span {
    marks.byte_range().map_or_else(Span::default, |range| Span::new(range.start, range.end))
}
