//! A Matcher document from its `spec`.

use std::sync::Arc;

use super::{Expectation, Expected, MatcherDocument, MatcherTest, reserved};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::lang::library::{Draft, NamedList, Parameter, Taken, Written, literal};
use crate::lang::value::{Type, Value as LangValue};
use crate::lang::{LIST_MAX, Library, codes as lang_codes, quote};
use crate::process::expression::{check_in_matcher, schema};
use crate::process::snapshot::Snapshot;
use crate::spec::decode::{Decoder, Object, Value};
use crate::spec::expression::sound_text;
use crate::spec::{codes, table};
use crate::yaml::{NodeKind, Scalar, Style};

/// Fills a document that has its name. What is wrong is said and left out.
pub(in crate::spec) fn read(value: &Value<'_>, document: &mut MatcherDocument, d: &mut Decoder<'_>) {
    let Some(object) = Object::open(value, &table::MATCHER, d) else { return };
    if let Some(lists) = object.get("lists", d) {
        for (key, value) in lists.entries(d).into_iter().flatten() {
            say_name(key, "a list", d);
            document.lists.extend(list(key, &value, document, d));
        }
    }
    if let Some(define) = object.get("define", d) {
        for (key, value) in define.entries(d).into_iter().flatten() {
            say_name(key, "a definition", d);
            document.drafts.extend(definition(key, &value, document, d));
        }
    }
    if let Some(tests) = object.get("tests", d) {
        for value in tests.items(d).into_iter().flatten() {
            document.tests.extend(test(&value, d));
        }
    }
    say_shadows(document, d);
}

/// The name of a document, list or definition.
pub(in crate::spec) fn say_name(key: &Scalar, of: &str, d: &mut Decoder<'_>) {
    let Some(taken) = reserved().refuses(&key.text) else { return };
    let message = format!("`{}` can't be the name of {of}: it {}", key.text, taken.phrase());
    let mended = mend(&key.text, taken);
    let help = match reserved().refuses(&mended) {
        None => format!("write for example `{mended}`"),
        Some(_) => "write for example `web`".to_owned(),
    };
    d.say(Diagnostic::error(codes::NAME, message).at(key.span, "").help(help));
}

/// A name that can be given instead.
pub(in crate::spec) fn mend(name: &str, taken: Taken) -> String {
    match taken {
        Taken::Form => {
            let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' };
            let mended: String = name.chars().map(fits).take(63).collect();
            mended.trim_start_matches(|c: char| !c.is_ascii_lowercase()).to_owned()
        }
        Taken::Word | Taken::Field | Taken::Function | Taken::Variable | Taken::Plugin => {
            format!("our_{name}")
        }
    }
}

fn list(
    key: &Scalar,
    value: &Value<'_>,
    document: &MatcherDocument,
    d: &mut Decoder<'_>,
) -> Option<NamedList> {
    let object = Object::open(value, &table::NAMED_LIST, d)?;
    let mut element = Some(Type::String);
    if let Some(value) = object.get("type", d) {
        element = ty(&value, d);
    }
    let items = object.get("items", d)?;
    let element = element?;
    let nodes = items.items(d)?;
    if nodes.len() > LIST_MAX {
        let message = format!("the list has {} values, at most {LIST_MAX} are read", nodes.len());
        d.say(items.wrong(codes::TOO_MUCH, message).help("split it"));
        return None;
    }
    let values: Vec<Option<LangValue>> = nodes.iter().map(|item| element_value(item, &element, d)).collect();
    Some(NamedList {
        name: format!("{}.{}", document.name, key.text),
        element,
        values: values.into_iter().collect::<Option<_>>()?,
        source: Arc::clone(&document.source),
        name_at: key.span,
    })
}

fn ty(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Type> {
    let scalar = value.scalar("a type", d)?;
    if let Some(ty) = Type::parse(&scalar.text, schema()) {
        return Some(ty);
    }
    let names = Type::names(schema());
    let near = did_you_mean(&scalar.text, names.iter().map(String::as_str));
    let help = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write one of {}, or a list of it, as `list<string>`", names.join(", ")),
    };
    d.say(value.wrong(codes::INVALID_VALUE, format!("`{}` is no type", scalar.text)).help(help));
    None
}

/// An element: texts as they are, numbers of users and groups as numbers, everything else as in an expression.
fn element_value(item: &Value<'_>, ty: &Type, d: &mut Decoder<'_>) -> Option<LangValue> {
    let scalar = item.scalar("a single value", d)?;
    let text = scalar.text.as_str();
    let number = scalar.style == Style::Plain && text.bytes().all(|byte| byte.is_ascii_digit());
    let value = match ty {
        Type::String => Some(LangValue::string(text)),
        Type::Path => Some(LangValue::path(text)),
        Type::Named(_) if !number => literal(&quote(text.as_bytes()), ty, schema()),
        _ => literal(text, ty, schema()),
    };
    if value.is_none() {
        let help = match ty {
            Type::Named(name) if literal("\"x\"", ty, schema()).is_none() => {
                format!("no text and no number stands for a {name}: there are no lists of it")
            }
            _ => format!("write a value of type {ty} as in an expression"),
        };
        d.say(item.wrong(codes::INVALID_VALUE, format!("`{text}` is no {ty}")).help(help));
    }
    value
}

fn definition(
    key: &Scalar,
    value: &Value<'_>,
    document: &MatcherDocument,
    d: &mut Decoder<'_>,
) -> Option<Draft> {
    let (params, text) = if matches!(value.node.kind, NodeKind::Mapping(_)) {
        let object = Object::open(value, &table::DEFINITION, d)?;
        let params = object.get("params", d).map(|value| params(&value, d)).unwrap_or_default();
        (params, object.get("expr", d)?)
    } else {
        (Vec::new(), value.clone())
    };
    let scalar = text.scalar("an expression", d)?;
    let sound = sound_text(&text, scalar, d)?;
    let name = format!("{}.{}", document.name, key.text);
    let written = Arc::new(Written::in_document(&name, sound, &document.source, scalar));
    Some(Draft { params, written, name_at: key.span })
}

fn params(value: &Value<'_>, d: &mut Decoder<'_>) -> Vec<Parameter> {
    let mut found = Vec::new();
    for (key, value) in value.entries(d).into_iter().flatten() {
        if !reserved().is_usable_parameter(&key.text) {
            let message = format!("`{}` can't be the name of a parameter", key.text);
            let help =
                "write lower-case letters, digits and `_`, a letter first, and no word of the language";
            d.say(Diagnostic::error(codes::NAME, message).at(key.span, "").help(help));
        }
        if let Some(hidden) = reserved().hidden_by(&key.text) {
            let message =
                format!("the parameter `{0}` hides what else `{0}` is: it {1}", key.text, hidden.phrase());
            let said = Diagnostic::warning(lang_codes::SHADOWS, message).at(key.span, "");
            d.say(said.help(format!("write for example `wanted_{}`", key.text)));
        }
        if let Some(ty) = ty(&value, d) {
            found.push(Parameter { name: key.text.to_string(), ty, at: key.span });
        }
    }
    found
}

/// Parameters that have the name of a definition beside them.
fn say_shadows(document: &MatcherDocument, d: &mut Decoder<'_>) {
    let own = |draft: &Draft| draft.written.name.split_once('.').map(|(_, own)| own.to_owned());
    let names: Vec<String> = document.drafts.iter().filter_map(own).collect();
    for param in document.drafts.iter().flat_map(|draft| &draft.params) {
        if names.contains(&param.name) {
            let message =
                format!("the parameter `{0}` hides the definition `{0}` of this document", param.name);
            let said = Diagnostic::warning(lang_codes::SHADOWS, message).at(param.at, "");
            d.say(said.help(format!("write for example `wanted_{}`", param.name)));
        }
    }
}

fn test(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<MatcherTest> {
    let object = Object::open(value, &table::MATCHER_TEST, d)?;
    let name = object.get("name", d).and_then(|value| Some((value.nonempty(d)?, value.node.span)));
    let mut expect = Vec::new();
    if let Some(value) = object.get("expect", d)
        && let Some(entries) = value.entries(d)
    {
        if entries.is_empty() {
            value.empty(d);
        }
        expect.extend(entries.into_iter().filter_map(|(key, value)| expectation(key, &value, d)));
    }
    let process = facts(&object, "process", d)?;
    let host = facts(&object, "host", d);
    match Snapshot::of_test(&d.source, host.as_ref().map(|value| value.node), process.node) {
        Ok((snapshot, pid)) => {
            let (name, at) = name?;
            Some(MatcherTest { name, at, snapshot, pid, expect })
        }
        Err(said) => {
            let place = format!("in `{}`", value.path());
            for diagnostic in said {
                d.say(diagnostic.note(place.clone()));
            }
            None
        }
    }
}

/// A part of a snapshot, whose own reader says what is wrong inside.
fn facts<'n>(object: &Object<'n>, name: &str, d: &mut Decoder<'_>) -> Option<Value<'n>> {
    let value = object.get(name, d)?;
    if !matches!(value.node.kind, NodeKind::Mapping(_)) {
        value.wrong_type("a mapping of facts", d);
        return None;
    }
    Some(value)
}

fn expectation(key: &Scalar, value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Expectation> {
    let words = [("true", Expected::True), ("false", Expected::False), ("unknown", Expected::Unknown)];
    let expected = value.word(&table::VERDICTS, &words, d)?;
    let written = Arc::new(Written::in_document("expect", key.text.trim_end(), &d.source, key));
    Some(Expectation { written, at: value.node.span, expected })
}

/// Checks the expressions of all tests of a document.
pub(in crate::spec) fn check_tests(document: &MatcherDocument, library: &Arc<Library>, d: &mut Decoder<'_>) {
    for expectation in document.tests.iter().flat_map(|test| &test.expect) {
        let written = &expectation.written;
        for diagnostic in check_in_matcher(&written.text, &document.name, library).diagnostics {
            d.say(written.locate(diagnostic));
        }
    }
}
