//! What comes out of a plugin: its manifest, and the results of its calls.

use std::collections::BTreeSet;

use selfsame::diagnostic::Diagnostic;
use selfsame::lang::schema::Trust;
use selfsame::lang::value::Type;
use selfsame::lang::{Schema, Scope, compile};
use selfsame::plugin::manifest::{self, Manifest};
use selfsame::plugin::{Answer, wire};
use selfsame::process::expression::schema;

pub fn check(data: &[u8]) {
    if matches!(data.first(), Some(b'{' | b'[' | b' ' | b'"')) {
        return manifest(data);
    }
    // The first byte says which type was declared.
    if let Some((declared, result)) = data.split_first() {
        answer(result, &ty(*declared));
    }
}

fn ty(number: u8) -> Type {
    let scalars = [
        Type::Bool,
        Type::Int,
        Type::String,
        Type::Path,
        Type::Size,
        Type::Duration,
        Type::Time,
        Type::Ratio,
        Type::Ip,
        Type::Cidr,
    ];
    let scalar = scalars[usize::from(number) % scalars.len()].clone();
    match usize::from(number) / scalars.len() % 4 {
        0 => scalar,
        1 => Type::list(scalar),
        2 => Type::list(Type::list(scalar)),
        _ => Type::map(scalar),
    }
}

/// A result is refused, or is a value with the form that it came in. Of a map the order of its keys is ours.
fn answer(bytes: &[u8], declared: &Type) {
    let mut again = Vec::new();
    match wire::answer(bytes, declared) {
        Ok(Answer::Value(value)) => {
            wire::value(&mut again, &value).expect("what was read has a form");
            assert_eq!(again, bytes);
        }
        Ok(Answer::Map(entries)) => {
            let all = entries.iter().map(|(key, value)| (key.as_slice(), value));
            wire::map(&mut again, all).expect("what was read has a form");
            assert_eq!(again.len(), bytes.len());
        }
        Ok(Answer::Absent) => assert_eq!(bytes, [0]),
        Ok(Answer::Unknown(why)) => assert!(is_line(&why), "{why:?}"),
        Err(why) => assert!(is_line(&why.to_string()), "{why:?}"),
    }
}

fn is_line(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

/// A manifest is refused with reasons that can be shown, or keeps what it promises.
fn manifest(bytes: &[u8]) {
    match manifest::read("t", bytes, schema()) {
        Err(said) => refused(&said),
        Ok(manifest) => kept(&manifest),
    }
}

fn refused(said: &[Diagnostic]) {
    assert!(!said.is_empty(), "refused without a reason");
    for said in said {
        assert!(said.is_error() && !said.message.is_empty() && said.help.is_some(), "{said:?}");
        let texts = [&said.message].into_iter().chain(&said.help).chain(&said.notes);
        assert!(texts.into_iter().all(|text| is_line(text)), "{said:?}");
    }
}

fn kept(manifest: &Manifest) {
    let mut names = BTreeSet::new();
    for entry in manifest.entries().map(manifest::Declared::entry) {
        assert!(names.insert(entry.name.as_str()), "twice: {}", entry.name);
        assert!(entry.name.starts_with("t.") && entry.cost <= 6);
        assert!(
            entry.inputs.iter().all(|input| input.cost <= entry.cost),
            "cheaper than its inputs: {entry:?}"
        );
        assert!(is_line(&entry.summary));
    }
    for field in &manifest.fields {
        let reported = field.entry.inputs.iter().any(|input| input.trust == Trust::SelfReported);
        assert!(!reported || field.trust == Trust::SelfReported, "trusted more than its inputs: {field:?}");
    }
    assert!(manifest.functions.iter().all(|function| !function.pure || function.entry.inputs.is_empty()));
    let mut schema = Schema::clone(schema());
    let declared = manifest.declarations();
    schema.add(declared.clone());
    // What we write for an entry that shows no use of its own is a condition.
    let shown = |name: &str| {
        let entry = manifest.entries().map(manifest::Declared::entry).find(|entry| entry.name == name);
        entry.is_some_and(|entry| entry.examples.iter().any(|example| example.condition.is_some()))
    };
    let fields = declared.fields.iter().map(|field| (&field.name, &field.example));
    let functions = declared.functions.iter().map(|function| (&function.name, &function.example));
    for (_, example) in fields.chain(functions).filter(|(name, _)| !shown(name)) {
        assert!(compile(example, &schema, &Scope::default()).predicate.is_some(), "{example}");
    }
}
