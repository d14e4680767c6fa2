//! What `hosts.when` can ask: the facts of a host, as a vocabulary of the language.
//!
//! A fact that isn't known of a host (another one, whose plan somebody wants to see) makes the answer unknown, and unknown is not
//! "no": the document is refused then, so that what was in force from it stays in force.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use super::KnownHost;
use crate::diagnostic::Diagnostic;
use crate::facts::{Fact, Reason, Why};
use crate::lang::schema::{Declarations, FieldDecl, Operation, Privilege, Trust, Vocabulary};
use crate::lang::value::{Object, Type, TypeName, Value};
use crate::lang::{Compiled, Schema, Scope, Verdict, Vocabularies, compile, compile_reading};

const HOST: TypeName = "host";

/// A fact of a host: name, type, what it is, where it comes from, an example.
type Row = (&'static str, Type, &'static str, &'static str, &'static str);

fn rows() -> [Row; 9] {
    let labels = Type::map(Type::String);
    [
        (
            "name",
            Type::String,
            "its name, with its domain where it says so",
            "gethostname(2)",
            "name like \"web-*\"",
        ),
        ("labels", labels, "what whoever runs it gave it", "`--host-labels`", "labels[\"role\"] == \"web\""),
        ("arch", Type::String, "its kind of processor", "uname(2), machine", "arch == \"aarch64\""),
        ("kernel", Type::String, "release of its kernel", "uname(2), release", "kernel like \"*-cloud-*\""),
        ("kernel.major", Type::Int, "first number of that", "uname(2), release", "kernel.major >= 6"),
        ("cpus", Type::Int, "processors that are online", "sysconf(3)", "cpus >= 4"),
        ("memory", Type::Size, "main memory", "sysinfo(2)", "memory > 8GiB"),
        ("os", Type::String, "its distribution", "os-release(5), ID", "os in [\"debian\", \"ubuntu\"]"),
        ("os.version", Type::String, "version of that", "os-release(5), VERSION_ID", "os.version == \"12\""),
    ]
}

/// Facts that can be told of another host, with the types that they have.
fn told() -> impl Iterator<Item = (&'static str, Type)> {
    rows()
        .into_iter()
        .filter(|(name, ..)| !matches!(*name, "name" | "labels" | "kernel.major"))
        .map(|(name, ty, ..)| (name, ty))
}

/// Everything that a condition on hosts can name.
pub fn schema() -> &'static Schema {
    static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
        let field = |(name, ty, summary, source, example): Row| FieldDecl {
            owner: HOST,
            name: name.into(),
            ty,
            bounds: None,
            cost: 0,
            privilege: Privilege::World,
            trust: Trust::Kernel,
            summary: summary.into(),
            source: source.into(),
            example: example.into(),
        };
        let mut schema = Schema::new(HOST);
        let fields = rows().into_iter().map(|row| field(row).into()).collect();
        schema.add(Declarations { fields, ..Declarations::default() });
        schema
    });
    &SCHEMA
}

/// Parses and checks a condition on hosts.
pub fn check(text: &str) -> Compiled {
    compile(text, schema(), &Scope::new(BTreeMap::new(), &Arc::default()))
}

/// Whether a host is as a condition wants it.
pub(super) fn holds(text: &str, host: &KnownHost) -> Verdict {
    // What is in force was checked; a text that is none any more says nothing of this host.
    let Some(predicate) = check(text).predicate else {
        return Verdict::Unknown(Vec::new());
    };
    let answers = Answers(host);
    let vocabularies = Vocabularies(vec![&answers]);
    let bound = predicate.bind(&BTreeMap::new(), &vocabularies);
    bound.matcher.eval(&Value::Object(Arc::new(Candidate)), &vocabularies)
}

/// Takes a fact that a person tells of a host: `memory`, `16GiB`.
///
/// # Errors
/// A sentence: there is no such fact, or it can't be that.
pub fn fact(name: &str, text: &str) -> Result<String, String> {
    let Some((_, ty)) = told().find(|(known, _)| *known == name) else {
        let all: Vec<String> = told().map(|(name, _)| format!("`{name}`")).collect();
        return Err(format!("`{name}` is no fact of a host, they are {}", all.join(", ")));
    };
    match ty {
        Type::Int | Type::Size => match constant(text, &ty) {
            Some(number) => Ok(number.to_string()),
            None => Err(format!("`{name}` takes a value of type {ty}, and `{text}` is none")),
        },
        _ => Ok(text.to_owned()),
    }
}

/// A number as the language reads it.
fn constant(text: &str, ty: &Type) -> Option<i64> {
    let reading = compile_reading(text, schema()).reading?;
    match (reading.root().constant()?, ty) {
        (Value::Int(number), Type::Int) | (Value::Size(number), Type::Size) if *number >= 0 => Some(*number),
        _ => None,
    }
}

/// The host itself.
#[derive(Debug)]
struct Candidate;

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("this host")
    }
}

impl Object for Candidate {
    fn type_name(&self) -> TypeName {
        HOST
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

struct Answers<'a>(&'a KnownHost);

impl Answers<'_> {
    /// As it stands among the facts.
    fn text(&self, name: &str) -> Fact<&str> {
        match self.0.facts.get(name) {
            Some(text) => Fact::Known(text),
            None if self.0.is_known => Fact::Absent,
            None => unknown(&format!("of `{}`", self.0.name)),
        }
    }
}

fn unknown<T>(what: &str) -> Fact<T> {
    Fact::Unknown(Reason::new(Why::Unresolved, what))
}

fn number<T: std::str::FromStr>(text: &str) -> Fact<T> {
    text.parse().map_or_else(|_| unknown("not a number"), Fact::Known)
}

impl Vocabulary for Answers<'_> {
    fn field(&self, _owner: &Value, field: usize) -> Fact<Value> {
        let Some((name, ty, ..)) = rows().into_iter().nth(field) else { return unknown("this field") };
        match (name, ty) {
            ("name", _) => Fact::Known(Value::string(&self.0.name)),
            ("kernel.major", _) => self.text("kernel").and_then(|release| {
                number(release.split(|c: char| !c.is_ascii_digit()).next().unwrap_or_default())
                    .map(Value::Int)
            }),
            (name, Type::Int) => self.text(name).and_then(number).map(Value::Int),
            (name, Type::Size) => self.text(name).and_then(number).map(Value::Size),
            (name, _) => self.text(name).map(Value::string),
        }
    }

    fn entry(&self, _owner: &Value, _field: usize, key: &[u8]) -> Fact<Value> {
        let label = std::str::from_utf8(key).ok().and_then(|key| self.0.labels.get(key));
        Fact::from_option(label.map(Value::string))
    }

    fn call(&self, _candidate: &Value, _function: usize, _arguments: &[Value]) -> Fact<Value> {
        unknown("this function")
    }

    fn compare(
        &self,
        _candidate: &Value,
        _operation: Operation,
        _left: &Value,
        _right: &Value,
    ) -> Fact<bool> {
        unknown("this comparison")
    }

    fn convert(&self, _literal: &Value, _to: TypeName) -> Fact<Value> {
        unknown("this literal")
    }

    fn text(&self, value: &Value) -> Fact<Value> {
        Fact::Known(value.clone())
    }

    fn take_notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What is to be said of a condition, positions in its own text.
pub(super) fn said(text: &str) -> Vec<Diagnostic> {
    check(text).diagnostics
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(facts: &[(&str, &str)], is_known: bool) -> KnownHost {
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        KnownHost {
            name: "web-3.example.org".into(),
            labels: of(&[("role", "web")]),
            facts: of(facts),
            is_known,
        }
    }

    #[test]
    fn the_example_of_each_fact_is_a_condition() {
        for (name, .., example) in rows() {
            assert_eq!(said(example), [], "{name}: {example}");
        }
    }

    #[test]
    fn a_condition_is_asked_of_the_facts() {
        let facts = [
            ("arch", "x86_64"),
            ("cpus", "4"),
            ("memory", "17179869184"),
            ("kernel", "6.12.3-cloud-amd64"),
            ("os", "debian"),
        ];
        let rows = [
            ("name like \"web-*\"", Some(true)),
            ("labels[\"role\"] == \"web\" && cpus >= 4", Some(true)),
            ("labels[\"zone\"] == \"a\"", Some(false)),
            ("!has(labels[\"zone\"])", Some(true)),
            ("memory > 8GiB && memory <= 16GiB", Some(true)),
            ("kernel.major >= 6 && kernel like \"*-cloud-*\"", Some(true)),
            ("arch == \"aarch64\"", Some(false)),
            ("os in [\"debian\", \"ubuntu\"]", Some(true)),
            ("os.version == \"12\"", Some(false)),
        ];
        let truth = |text: &str, host: &KnownHost| match holds(text, host) {
            Verdict::Match => Some(true),
            Verdict::NoMatch => Some(false),
            Verdict::Unknown(_) => None,
        };
        for (text, wanted) in rows {
            assert_eq!(truth(text, &host(&facts, true)), wanted, "{text}");
        }
        // Of another host only what was told is known, and what isn't known is not "no".
        let other = host(&[("cpus", "4")], false);
        let rows = [
            ("cpus >= 4", Some(true)),
            ("os.version == \"12\"", None),
            ("cpus < 4 && os == \"debian\"", Some(false)),
        ];
        for (text, wanted) in rows {
            assert_eq!(truth(text, &other), wanted, "{text}");
        }
    }

    #[test]
    fn facts_are_told_as_the_language_writes_them() {
        assert_eq!(fact("memory", "16GiB").as_deref(), Ok("17179869184"));
        assert_eq!(fact("cpus", "4").as_deref(), Ok("4"));
        assert_eq!(fact("os", "debian").as_deref(), Ok("debian"));
        assert_eq!(
            fact("cpus", "four"),
            Err("`cpus` takes a value of type int, and `four` is none".to_owned())
        );
        assert_eq!(
            fact("memory", "4"),
            Err("`memory` takes a value of type size, and `4` is none".to_owned())
        );
        assert!(fact("ram", "4").is_err_and(|sentence| sentence.contains("`memory`")));
    }
}
