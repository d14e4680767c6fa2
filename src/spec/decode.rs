//! Reads mappings by their tables: unknown, later, empty and missing fields are said here, once for all.

use std::rc::Rc;
use std::sync::Arc;

use crate::diagnostic::{Code, Diagnostic, Source, Span, did_you_mean};
use crate::yaml::{Node, NodeKind, Scalar};

use super::table::{Field, Table, Words};
use super::{LoadContext, Names, Rare, Usual, codes};

/// What is read and what was found wrong so far, for one file.
pub(super) struct Decoder<'a> {
    /// From the caller.
    pub(super) context: &'a LoadContext<'a>,
    /// The directory of the file; nothing if its name is not UTF-8, which documents can't hold.
    pub(super) directory: Option<&'a str>,
    /// The file itself.
    pub(super) source: Arc<Source>,
    /// What expressions can name.
    pub(super) names: Names,
    /// Without a source; the file adds it.
    pub(super) diagnostics: Vec<Diagnostic>,
}

impl Decoder<'_> {
    /// Notes a mistake.
    pub(super) fn say(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }
}

/// Where a value stands in its document. Most are right, and nobody asks what they are called.
#[derive(Clone)]
struct Place<'n> {
    /// Of what it stands in.
    above: Option<Rc<Place<'n>>>,
    step: Step<'n>,
}

/// From a value to one in it.
#[derive(Clone, Copy)]
enum Step<'n> {
    /// To the document itself.
    Document,
    /// To a field of a table, or to an entry whose name the author chose.
    Key(&'n str),
    /// To an item of a list, from 0 on.
    Item(usize),
}

impl<'n> Place<'n> {
    const DOCUMENT: Self = Self { above: None, step: Step::Document };

    fn below(above: &Rc<Self>, step: Step<'n>) -> Self {
        Self { above: Some(Rc::clone(above)), step }
    }

    /// As [`Value::path`].
    fn path(&self) -> String {
        let mut path = String::new();
        self.put(&mut path);
        path
    }

    /// The same, put behind what is there.
    fn put(&self, path: &mut String) {
        if let Some(above) = &self.above {
            above.put(path);
        }
        match self.step {
            Step::Document => {}
            Step::Key(name) if path.is_empty() => path.push_str(name),
            Step::Key(name) => path.extend([".", name]),
            Step::Item(at) => path.push_str(&format!("[{at}]")),
        }
    }
}

/// A value with the name that messages use for it.
#[derive(Clone)]
pub(super) struct Value<'n> {
    place: Place<'n>,
    /// The value.
    pub(super) node: &'n Node,
    /// Where its key stands; for an item of a list, the item.
    pub(super) key: Span,
    /// A value that can be pasted.
    pub(super) example: &'static str,
}

impl<'n> Value<'n> {
    /// A whole document.
    pub(super) fn document(node: &'n Node) -> Self {
        Self { place: Place::DOCUMENT, node, key: Span::default(), example: "" }
    }

    /// What messages call it: `stop.schedule[1].signal`.
    pub(super) fn path(&self) -> String {
        self.place.path()
    }

    /// A mistake with this value.
    pub(super) fn wrong(&self, code: Code, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message).at(self.node.span, "")
    }

    /// The value is `{expected}` and something else stands here.
    pub(super) fn wrong_type(&self, expected: &str, d: &mut Decoder<'_>) {
        if self.node.kind == NodeKind::Refused {
            return;
        }
        let message = format!("`{}` is {expected}, here stands {}", self.path(), self.node.phrase());
        let written = self.example;
        let diagnostic = self.wrong(codes::WRONG_TYPE, message);
        d.say(if written.is_empty() { diagnostic } else { diagnostic.help(self.for_example()) });
    }

    /// What can be pasted in its place, or for an item in that of its list.
    fn for_example(&self) -> String {
        let path = self.path();
        let (field, _item) = last_name(&path).split_once('[').unwrap_or((last_name(&path), ""));
        format!("write for example `{field}: {}`", self.example)
    }

    /// The scalar, or a complaint. Nothing for an omitted item of a list.
    pub(super) fn scalar(&self, expected: &str, d: &mut Decoder<'_>) -> Option<&'n Scalar> {
        if self.node.kind == NodeKind::Null {
            self.empty(d);
            return None;
        }
        let scalar = self.node.scalar();
        if scalar.is_none() {
            self.wrong_type(expected, d);
        }
        scalar
    }

    /// Complains that there is no value.
    pub(super) fn empty(&self, d: &mut Decoder<'_>) {
        let place = if self.node.span.end > self.node.span.start { self.node.span } else { self.key };
        // `null` and `~` are words of YAML for nothing.
        let help = match d.source.text.get(self.node.span.start..self.node.span.end) {
            Some(word @ ("null" | "Null" | "NULL" | "~")) => {
                format!("give it one or leave it out; as a text it is written `\"{word}\"`")
            }
            _ => "give it one or leave it out; an empty text is written `''`".to_owned(),
        };
        d.say(
            Diagnostic::error(codes::EMPTY_VALUE, format!("`{}` has no value", self.path()))
                .at(place, "")
                .help(help),
        );
    }

    /// A single value where a list is expected is most often a list without brackets.
    fn not_a_list(&self, d: &mut Decoder<'_>) {
        let Some(scalar) = self.node.scalar() else { return self.wrong_type("a list", d) };
        let words: Vec<String> = scalar.text.split_whitespace().map(|word| format!("{word:?}")).collect();
        let message = format!("`{}` is a list, here stands a single value", self.path());
        let help = if self.example.starts_with("[{") {
            self.for_example()
        } else {
            format!("write `{}: [{}]`", last_name(&self.path()), words.join(", "))
        };
        d.say(self.wrong(codes::WRONG_TYPE, message).help(help));
    }

    /// The items of a list; each one is read on its own, so that all mistakes are found.
    pub(super) fn items(&self, d: &mut Decoder<'_>) -> Option<Vec<Value<'n>>> {
        let NodeKind::Sequence(nodes) = &self.node.kind else {
            self.not_a_list(d);
            return None;
        };
        let above = Rc::new(self.place.clone());
        let item = |(at, node): (usize, &'n Node)| Value {
            place: Place::below(&above, Step::Item(at)),
            node,
            key: node.span,
            example: self.example,
        };
        Some(nodes.iter().enumerate().map(item).collect())
    }

    /// All items through `read`; `None` if one of them is wrong.
    pub(super) fn list<T>(
        &self,
        d: &mut Decoder<'_>,
        mut read: impl FnMut(&Value<'n>, &mut Decoder<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let items = self.items(d)?;
        let read: Vec<Option<T>> = items.iter().map(|item| read(item, d)).collect();
        read.into_iter().collect()
    }

    /// The entries of a mapping with names of the author's choice.
    pub(super) fn entries(&self, d: &mut Decoder<'_>) -> Option<Vec<(&'n Scalar, Value<'n>)>> {
        let NodeKind::Mapping(pairs) = &self.node.kind else {
            self.wrong_type("a mapping", d);
            return None;
        };
        let above = Rc::new(self.place.clone());
        let entry = |(key, node): &'n (Scalar, Node)| {
            let place = Place::below(&above, Step::Key(&key.text));
            (key, Value { place, node, key: key.span, example: "" })
        };
        Some(pairs.iter().map(entry).collect())
    }
}

fn last_name(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// A mapping that has a table.
pub(super) struct Object<'n> {
    table: &'static Table,
    /// What it was opened by: what that has no field for was refused, and isn't there.
    opened: &'static Table,
    value: Value<'n>,
    /// That of the mapping, for what stands in it.
    above: Rc<Place<'n>>,
    pairs: &'n [(Scalar, Node)],
    /// Of each pair the field of `opened`, looked up once.
    fields: Rc<[Option<&'static Field>]>,
}

impl<'n> Object<'n> {
    /// Opens a mapping: says what is no field of the table, and what is missing.
    pub(super) fn open(value: &Value<'n>, table: &'static Table, d: &mut Decoder<'_>) -> Option<Self> {
        let NodeKind::Mapping(pairs) = &value.node.kind else {
            value.wrong_type("a mapping", d);
            return None;
        };
        let above = Rc::new(value.place.clone());
        let fields = pairs.iter().map(|(key, _)| table.field(&key.text)).collect();
        let object = Self { table, opened: table, value: value.clone(), above, pairs, fields };
        for ((key, _), field) in pairs.iter().zip(&*object.fields) {
            if field.is_none() && !key.text.starts_with("x-") {
                d.say(object.unknown(key));
            }
        }
        for field in table.fields.iter().filter(|field| field.default == "required") {
            let is_there = |key: &Scalar| key.text == field.name;
            // A misspelt one is not missing as well. Asked last: nearness is dear, and most fields are there.
            let is_meant = |key: &Scalar| object.near(&key.text) == Some(field.name);
            let mut keys = pairs.iter().map(|(key, _)| key);
            if !keys.clone().any(is_there) && !keys.any(is_meant) {
                d.say(object.missing(field));
            }
        }
        Some(object)
    }

    /// The same mapping by the rows of another table, whose unknown and missing fields were said already.
    pub(super) fn by(&self, table: &'static Table) -> Self {
        let (value, above) = (self.value.clone(), Rc::clone(&self.above));
        Self { table, value, above, fields: Rc::clone(&self.fields), ..*self }
    }

    fn path(&self, name: &str) -> String {
        Place::below(&self.above, Step::Key(name)).path()
    }

    fn unknown(&self, key: &Scalar) -> Diagnostic {
        let name = key.text.as_str();
        if let Some((_, advice)) = self.table.later.iter().find(|(later, _)| *later == name) {
            let message = format!("`{}` is not supported yet", self.path(name));
            let help =
                if advice.is_empty() { "leave it out".to_owned() } else { format!("leave it out; {advice}") };
            return Diagnostic::error(codes::LATER_FIELD, message).at(key.span, "").help(help);
        }
        let diagnostic =
            Diagnostic::error(codes::UNKNOWN_FIELD, format!("unknown field `{}`", self.path(name)))
                .at(key.span, "no such field");
        diagnostic.help(match self.near(name) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.table.fields.len() > 8 => "begin its name with `x-` to have it ignored".into(),
            None => {
                let names: Vec<String> =
                    self.table.fields.iter().map(|field| format!("`{}`", field.name)).collect();
                format!("known here: {}", names.join(", "))
            }
        })
    }

    /// The field that is probably meant by the name of none.
    fn near(&self, name: &str) -> Option<&'static str> {
        let fields = self.table.fields.iter().map(|field| field.name);
        let foreign = self.table.foreign.iter().find(|(foreign, _)| *foreign == name).map(|(_, ours)| *ours);
        foreign.or_else(|| {
            did_you_mean(name, fields.clone())
                .or_else(|| fields.clone().find(|field| field.eq_ignore_ascii_case(name)))
        })
    }

    /// Whether a key that is none is probably meant to be this one.
    pub(super) fn is_meant(&self, name: &str) -> bool {
        let unknown = self.pairs.iter().filter(|(key, _)| self.table.field(&key.text).is_none());
        unknown.into_iter().any(|(key, _)| self.near(&key.text) == Some(name))
    }

    fn missing(&self, field: &Field) -> Diagnostic {
        let place = self.pairs.first().map_or(self.value.node.span, |(key, _)| key.span);
        let place = if self.value.key == Span::default() { place } else { self.value.key };
        Diagnostic::error(codes::MISSING_FIELD, format!("`{}` is missing", self.path(field.name)))
            .at(place, "")
            .help(format!("add `{}: {}`", field.name, field.example))
    }

    /// The value of a field, if it is given; one without a value is complained about.
    pub(super) fn get(&self, name: &str, d: &mut Decoder<'_>) -> Option<Value<'n>> {
        debug_assert!(
            self.table.field(name).is_some(),
            "`{name}` is not in the table of {}",
            self.table.name
        );
        // Most fields aren't given, and the table is long.
        let ((key, node), field) = self.pair(name)?;
        let field = if std::ptr::eq(self.table, self.opened) { Some(field) } else { self.table.field(name) };
        let example = field.map_or("", |field| field.example);
        let place = Place::below(&self.above, Step::Key(&key.text));
        let value = Value { place, node, key: key.span, example };
        match node.kind {
            NodeKind::Null => {
                value.empty(d);
                None
            }
            NodeKind::Refused => None,
            NodeKind::Scalar(_) | NodeKind::Sequence(_) | NodeKind::Mapping(_) => Some(value),
        }
    }

    /// Whether a field is given, rightly or not.
    pub(super) fn has(&self, name: &str) -> bool {
        self.node(name).is_some()
    }

    fn pair(&self, name: &str) -> Option<(&'n (Scalar, Node), &'static Field)> {
        let mut pairs = self.pairs.iter().zip(&*self.fields);
        pairs.find_map(|(pair, field)| Some((pair, (*field).filter(|_| pair.0.text == name)?)))
    }

    /// What stands behind the key of a field.
    pub(super) fn node(&self, name: &str) -> Option<&'n Node> {
        self.pair(name).map(|((_, node), _)| node)
    }

    /// Where the key of a field stands.
    pub(super) fn key(&self, name: &str) -> Option<Span> {
        self.pair(name).map(|((key, _), _)| key.span)
    }

    /// The words of a field.
    pub(super) fn words(&self, name: &str) -> Option<&'static Words> {
        self.table.field(name)?.kind.words()
    }

    /// Puts the value of a field into `target`, if it is given and right.
    pub(super) fn set<T>(
        &self,
        name: &str,
        target: &mut T,
        d: &mut Decoder<'_>,
        read: impl FnOnce(&Value<'n>, &mut Decoder<'_>) -> Option<T>,
    ) {
        if let Some(value) = self.get(name, d)
            && let Some(read) = read(&value, d)
        {
            *target = read;
        }
    }

    /// The same for a target that mostly stays the usual one.
    pub(super) fn set_rare<T: Usual>(
        &self,
        name: &str,
        target: &mut Rare<T>,
        d: &mut Decoder<'_>,
        read: impl FnOnce(&Value<'n>, &mut Decoder<'_>) -> Option<T>,
    ) {
        self.set(name, target, d, |value, d| read(value, d).map(Rare::from));
    }

    /// The same for a target without default.
    pub(super) fn set_some<T>(
        &self,
        name: &str,
        target: &mut Option<T>,
        d: &mut Decoder<'_>,
        read: impl FnOnce(&Value<'n>, &mut Decoder<'_>) -> Option<T>,
    ) {
        self.set(name, target, d, |value, d| read(value, d).map(Some));
    }
}
