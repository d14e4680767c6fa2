//! Reading values from the positioned tree. Every mistake is noted and reading goes on, so that one run
//! names all of them; a value that could not be read is `None`, and the whole snapshot is then refused.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use super::codes;
use super::time::parse_time;
use crate::diagnostic::{Code, Diagnostic, Span, did_you_mean};
use crate::facts::{FileId, Why};
use crate::process::world::Bytes;
use crate::units::{parse_duration, parse_size};
use crate::yaml::{Node, NodeKind};

/// Collects mistakes.
#[derive(Debug, Default)]
pub(super) struct Reader {
    pub(super) diagnostics: Vec<Diagnostic>,
}

/// The keys of one mapping.
#[derive(Debug)]
pub(super) struct Fields<'n> {
    entries: BTreeMap<&'n str, (Span, &'n Node)>,
    /// Where the mapping stands.
    pub(super) span: Span,
}

impl<'n> Fields<'n> {
    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.get(key).map(|(_, node)| *node)
    }

    /// As if a key had not been stated.
    pub(super) fn forget(&mut self, key: &str) {
        self.entries.remove(key);
    }

    /// Where a key stands.
    pub(super) fn key_span(&self, key: &str) -> Option<Span> {
        self.entries.get(key).map(|(span, _)| *span)
    }

    /// Every key, in the order of the alphabet.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'n str> {
        self.entries.keys().copied()
    }
}

impl Reader {
    /// Notes a mistake.
    pub(super) fn error(
        &mut self,
        code: Code,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.diagnostics.push(Diagnostic::error(code, message).at(span, "").help(help));
    }

    /// Notes that a text can't be read, with the sentence of whoever tried.
    pub(super) fn bad(&mut self, span: Span, sentence: &str) {
        // The parsers of units say the mend in the same sentence, after a comma.
        let diagnostic = match sentence.split_once(", write ") {
            Some((message, mend)) => Diagnostic::error(codes::VALUE, message).help(format!("write {mend}")),
            None => Diagnostic::error(codes::VALUE, sentence),
        };
        self.diagnostics.push(diagnostic.at(span, ""));
    }

    fn kind(&mut self, node: &Node, wanted: &str, help: &str) {
        let found = match node.kind {
            NodeKind::Refused => return,
            NodeKind::Scalar(_) => "a text",
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
            NodeKind::Null => "nothing",
        };
        self.error(codes::KIND, node.span, format!("{wanted} is expected here, this is {found}"), help);
    }

    /// The entries of a mapping with free keys, in the order of the file.
    pub(super) fn entries<'n>(&mut self, node: &'n Node, help: &str) -> Vec<(&'n str, Span, &'n Node)> {
        if let NodeKind::Mapping(entries) = &node.kind {
            return entries.iter().map(|(key, value)| (key.text.as_str(), key.span, value)).collect();
        }
        self.kind(node, "a mapping", help);
        Vec::new()
    }

    /// A mapping with these keys and no others.
    pub(super) fn fields<'n>(&mut self, node: &'n Node, of: &str, known: &[&str]) -> Option<Fields<'n>> {
        if !matches!(node.kind, NodeKind::Mapping(_)) {
            self.kind(node, "a mapping", &format!("the keys of {of} are {}", list_of(known)));
            return None;
        }
        let mut entries = BTreeMap::new();
        for (key, span, value) in self.entries(node, "") {
            if known.contains(&key) {
                entries.insert(key, (span, value));
            } else {
                self.unknown_key(key, span, of, known);
            }
        }
        Some(Fields { entries, span: node.span })
    }

    /// Notes a key that isn't one.
    pub(super) fn unknown_key(&mut self, key: &str, span: Span, of: &str, known: &[&str]) {
        let camel = camel_case(key);
        let near = if known.contains(&camel.as_str()) {
            Some(camel.as_str())
        } else {
            did_you_mean(key, known.iter().copied())
        };
        let help = near.map_or_else(
            || format!("the keys of {of} are {}", list_of(known)),
            |near| format!("did you mean `{near}`?"),
        );
        self.error(codes::UNKNOWN_KEY, span, format!("{of} has no key `{key}`"), help);
    }

    /// The items of a list.
    pub(super) fn items<'n>(&mut self, node: &'n Node, help: &str) -> &'n [Node] {
        if let NodeKind::Sequence(items) = &node.kind {
            return items;
        }
        self.kind(node, "a list", help);
        &[]
    }

    /// A text in any style.
    pub(super) fn text<'n>(&mut self, node: &'n Node, help: &str) -> Option<&'n str> {
        if let NodeKind::Scalar(scalar) = &node.kind {
            return Some(&scalar.text);
        }
        self.kind(node, "a text", help);
        None
    }

    /// A text, or `{hex: 232120ff}` for bytes that aren't one.
    pub(super) fn bytes(&mut self, node: &Node) -> Option<Bytes> {
        if let NodeKind::Mapping(_) = node.kind {
            let fields = self.fields(node, "a text in bytes", &["hex"])?;
            if let Some(hex) = fields.get("hex") {
                return self.hex(hex);
            }
            self.error(codes::MISSING, node.span, "`hex` is missing", "write for example `{hex: 232120ff}`");
            return None;
        }
        self.text(node, "write a text, or `{hex: 232120ff}` for bytes that are not UTF-8")
            .map(|text| text.as_bytes().into())
    }

    /// Bytes as pairs of hexadecimal digits.
    pub(super) fn hex(&mut self, node: &Node) -> Option<Bytes> {
        let text = self.text(node, "write pairs of hexadecimal digits, for example `232120ff`")?;
        let bytes: Option<Vec<u8>> = text.as_bytes().chunks(2).map(pair).collect();
        if bytes.is_none() {
            self.bad(
                node.span,
                &format!("`{text}` is not bytes, write pairs of hexadecimal digits, for example `232120ff`"),
            );
        }
        bytes.map(Into::into)
    }

    /// Something that is written as one word; `wrong` completes "`x` is not ...".
    pub(super) fn parsed<T>(
        &mut self,
        node: &Node,
        wrong: &str,
        help: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(node, help)?;
        let value = parse(text);
        if value.is_none() {
            self.error(codes::VALUE, node.span, format!("`{text}` is not {wrong}"), help);
        }
        value
    }

    /// A whole number in the range of its type; `0x` and `_` are understood.
    pub(super) fn number<T: FromStr + TryFrom<u128>>(&mut self, node: &Node) -> Option<T> {
        self.parsed(node, "a whole number of the range that this key has", "write for example `12`", |text| {
            let digits = text.replace('_', "");
            match digits.strip_prefix("0x") {
                Some(hex) => u128::from_str_radix(hex, 16).ok().and_then(|n| T::try_from(n).ok()),
                None => digits.parse().ok(),
            }
        })
    }

    /// `true` or `false`.
    pub(super) fn boolean(&mut self, node: &Node) -> Option<bool> {
        self.parsed(node, "a truth value", "write `true` or `false`", |text| text.parse().ok())
    }

    /// Permission bits: `"0644"`.
    pub(super) fn octal(&mut self, node: &Node) -> Option<u32> {
        self.parsed(node, "permission bits in octal digits", "write for example `\"0644\"`", |text| {
            let digits = text.strip_prefix("0o").unwrap_or(text);
            let octal = digits.starts_with('0') || digits.len() == 3 || digits.len() == 4 || text != digits;
            octal.then(|| u32::from_str_radix(digits, 8).ok()).flatten().filter(|bits| *bits <= 0o7777)
        })
    }

    /// `48MiB`, in bytes.
    pub(super) fn size(&mut self, node: &Node) -> Option<u64> {
        let text = self.text(node, "write for example `48MiB`")?;
        parse_size(text).map_err(|sentence| self.bad(node.span, &sentence)).ok()
    }

    /// `1h30m`.
    pub(super) fn duration(&mut self, node: &Node) -> Option<Duration> {
        let text = self.text(node, "write for example `90s`")?;
        parse_duration(text).map_err(|sentence| self.bad(node.span, &sentence)).ok()
    }

    /// `2026-01-02T03:04:05Z`.
    pub(super) fn time(&mut self, node: &Node) -> Option<Duration> {
        let text = self.text(node, "write for example `2026-01-02T03:04:05Z`")?;
        parse_time(text).map_err(|sentence| self.bad(node.span, &sentence)).ok()
    }

    /// `[device, inode]`.
    pub(super) fn file_id(&mut self, node: &Node) -> Option<FileId> {
        let help = "write the device and the inode, for example `[1, 201]`";
        match self.items(node, help) {
            [dev, ino] => Some(FileId { dev: self.number(dev)?, ino: self.number(ino)? }),
            items => {
                if matches!(node.kind, NodeKind::Sequence(_)) {
                    let message = format!("an id has two numbers, this has {}", items.len());
                    self.error(codes::VALUE, node.span, message, help);
                }
                None
            }
        }
    }

    /// One of these words.
    pub(super) fn word<T: Copy>(&mut self, node: &Node, what: &str, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let text = self.text(node, &format!("write one of {}", list_of(&names)))?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        if found.is_none() {
            let help = did_you_mean(text, names.iter().copied()).map_or_else(
                || format!("write one of {}", list_of(&names)),
                |near| format!("did you mean `{near}`?"),
            );
            self.error(codes::VALUE, node.span, format!("`{text}` is not {what}"), help);
        }
        found
    }

    /// Why something isn't known.
    pub(super) fn why(&mut self, node: &Node) -> Option<Why> {
        let words = Why::ALL.map(|why| (why.word(), why));
        self.word(node, "a reason for not knowing", &words)
    }

    /// The key `unreadable`: reasons by key. `known` says which keys there are.
    pub(super) fn unreadable(
        &mut self,
        node: &Node,
        of: &str,
        known: &[&str],
    ) -> (BTreeMap<String, Why>, Option<Why>) {
        let mut keys = BTreeMap::new();
        let mut rest = None;
        let help = "write reasons by key, for example `{execfn: denied}`";
        for (key, span, value) in self.entries(node, help) {
            let why = self.why(value);
            if key == "*" {
                rest = why;
            } else if known.contains(&key) {
                keys.extend(why.map(|why| (key.to_owned(), why)));
            } else {
                self.unknown_key(key, span, of, known);
            }
        }
        (keys, rest)
    }
}

fn pair(digits: &[u8]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|d| u8::try_from(d).ok());
    match digits {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    }
}

fn list_of(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A field of expressions as a key: `oom_score_adj` is `oomScoreAdj`.
pub(super) fn camel_case(name: &str) -> String {
    let mut upper = false;
    let mut text = String::with_capacity(name.len());
    for letter in name.chars() {
        if letter == '_' {
            upper = true;
        } else {
            text.push(if upper { letter.to_ascii_uppercase() } else { letter });
            upper = false;
        }
    }
    text
}
