//! Mappings of an author's files, read with every mistake said.

use crate::diagnostic::{Code, Diagnostic, Span, did_you_mean};
use crate::yaml::{Node, NodeKind, Scalar};

/// Collects what is wrong.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) code: Code,
    pub(super) said: Vec<Diagnostic>,
}

impl Reader {
    /// Notes a mistake.
    pub(super) fn say(&mut self, at: Span, message: impl Into<String>, help: impl Into<String>) {
        self.said.push(Diagnostic::error(self.code, message).at(at, "").help(help));
    }

    fn kind(&mut self, node: &Node, what: &str, wanted: &str, help: &str) {
        if node.kind != NodeKind::Refused {
            self.say(node.span, format!("{what} is {}, not {wanted}", node.phrase()), help);
        }
    }

    /// The entries of a mapping with these keys and no others.
    pub(super) fn mapping<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&str],
    ) -> Option<&'n [(Scalar, Node)]> {
        let entries = self.entries(node, what)?;
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.text.as_str())) {
            let help = match did_you_mean(&key.text, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("keys: {}", known.join(", ")),
            };
            self.say(key.span, format!("{what} has no key `{}`", key.text), help);
        }
        Some(entries)
    }

    /// The entries of a mapping with any keys.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n [(Scalar, Node)]> {
        match &node.kind {
            NodeKind::Mapping(entries) => Some(entries),
            _ => {
                self.kind(node, what, "a mapping", "write `key: value`");
                None
            }
        }
    }

    /// The items of a list.
    pub(super) fn items<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.kind {
            NodeKind::Sequence(items) => items,
            _ => {
                self.kind(node, what, "a list", "write each on a line that begins with `- `");
                &[]
            }
        }
    }

    /// A single value.
    pub(super) fn scalar<'n>(&mut self, node: &'n Node, what: &str) -> Option<&'n Scalar> {
        let scalar = node.scalar();
        if scalar.is_none() {
            self.kind(node, what, "a single value", "write a text or a number");
        }
        scalar
    }

    /// The value of a key that must be there.
    pub(super) fn needed<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        key: &str,
        help: &str,
    ) -> Option<&'n Node> {
        let found = node.get(key);
        if found.is_none() && matches!(node.kind, NodeKind::Mapping(_)) {
            self.say(node.span, format!("{what} has no `{key}`"), help);
        }
        found
    }
}
