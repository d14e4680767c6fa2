//! A manifest as declarations: the same as those of built-in fields and functions.

use super::manifest::{Declared, Entry, Field, Function, Manifest};
use crate::lang::schema::{Declarations, FieldDecl, FunctionDecl, Origin, ParamDecl};
use crate::lang::value::Type;
use crate::process::objects::PROCESS;

/// What a plugin adds to the schema.
pub(super) fn declarations(manifest: &Manifest) -> Declarations {
    Declarations {
        origin: Some(Origin { name: manifest.name.clone().into(), version: manifest.version.clone().into() }),
        fields: manifest.fields.iter().map(|field| self::field(manifest, field)).collect(),
        functions: manifest.functions.iter().map(function).collect(),
        ..Declarations::default()
    }
}

fn field(manifest: &Manifest, field: &Field) -> FieldDecl {
    let entry = &field.entry;
    FieldDecl {
        owner: PROCESS,
        name: entry.name.clone().into(),
        ty: field.ty.clone(),
        cost: entry.cost,
        privilege: field.privilege,
        trust: field.trust,
        summary: entry.summary.clone().into(),
        source: source(manifest, entry).into(),
        example: example(Declared::Field(field)).into(),
    }
}

fn function(function: &Function) -> FunctionDecl {
    let entry = &function.entry;
    let param = |param: &super::manifest::Param| ParamDecl {
        name: param.name.clone().into(),
        ty: param.ty.clone(),
        default: param.default.clone(),
    };
    FunctionDecl {
        name: entry.name.clone().into(),
        params: function.params.iter().map(param).collect(),
        result: function.result.clone(),
        cost: entry.cost,
        pure: function.pure,
        trust: function.trust,
        summary: entry.summary.clone().into(),
        example: example(Declared::Function(function)).into(),
    }
}

/// Where a value comes from: `plugin container 1.0.0, of cgroup`.
fn source(manifest: &Manifest, entry: &Entry) -> String {
    let inputs: Vec<&str> = entry.inputs.iter().map(|input| input.field.as_str()).collect();
    let of = if inputs.is_empty() { String::new() } else { format!(", of {}", inputs.join(", ")) };
    format!("plugin {} {}{of}", manifest.name, manifest.version)
}

/// The first condition among its examples, or one of our own.
fn example(declared: Declared<'_>) -> String {
    let entry = declared.entry();
    if let Some(condition) = entry.examples.iter().find_map(|example| example.condition.clone()) {
        return condition;
    }
    let subject = match declared {
        Declared::Field(field) if matches!(field.ty, Type::Map(_)) => format!("{}[\"key\"]", entry.name),
        Declared::Field(_) => entry.name.clone(),
        Declared::Function(function) => {
            let needed = function.params.iter().filter(|param| param.default.is_none());
            let arguments: Vec<String> = needed.map(|param| sample(&param.ty)).collect();
            format!("{}({})", entry.name, arguments.join(", "))
        }
    };
    if *declared.result() == Type::Bool { subject } else { format!("has({subject})") }
}

/// A literal of the type.
fn sample(ty: &Type) -> String {
    match ty {
        Type::Bool => "true".to_owned(),
        Type::Int => "1".to_owned(),
        Type::String => "\"text\"".to_owned(),
        Type::Path => "\"/srv/app\"".to_owned(),
        Type::Size => "64KiB".to_owned(),
        Type::Duration => "90s".to_owned(),
        Type::Time => "@2026-01-02T03:04:05Z".to_owned(),
        Type::Ratio => "80%".to_owned(),
        Type::Ip => "10.0.0.1".to_owned(),
        Type::Cidr => "10.0.0.0/8".to_owned(),
        Type::List(of) => format!("[{}]", sample(of)),
        Type::Map(_) | Type::Enum(_) | Type::Named(_) => "\"\"".to_owned(),
    }
}
