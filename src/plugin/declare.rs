//! A manifest as declarations: the same as those of built-in fields and functions.

use super::manifest::{Declared, Entry, Field, Function, Manifest};
use super::own::{Enumeration, OwnType};
use crate::lang::schema::{
    Declarations, EnumDecl, FieldDecl, FunctionDecl, Operation, OperatorDecl, Origin, ParamDecl, Text,
    TypeDecl,
};
use crate::lang::show;
use crate::lang::value::Type;
use crate::process::objects::PROCESS;

/// What a plugin adds to the schema.
pub(super) fn declarations(manifest: &Manifest) -> Declarations {
    Declarations {
        origin: Some(Origin { name: manifest.name.clone().into(), version: manifest.version.clone().into() }),
        fields: manifest.fields.iter().map(|field| self::field(manifest, field).into()).collect(),
        functions: manifest
            .functions
            .iter()
            .map(|function| self::function(manifest, function).into())
            .collect(),
        types: manifest.own.types.iter().map(named).collect(),
        enums: manifest.own.enums.iter().map(enumeration).collect(),
        operators: manifest.own.types.iter().flat_map(|own| operators(manifest, own)).collect(),
        foreign: foreign(manifest).into(),
    }
}

fn named(own: &OwnType) -> TypeDecl {
    TypeDecl {
        name: own.name,
        summary: own.summary.clone().into(),
        from: own.from.clone().into(),
        bounds: None,
    }
}

fn enumeration(own: &Enumeration) -> EnumDecl {
    EnumDecl { name: own.name, summary: own.summary.clone().into(), words: own.words.clone().into() }
}

/// What a type can be compared by. Values that the plugin doesn't compare are equal by their bytes, which costs nothing.
fn operators(manifest: &Manifest, own: &OwnType) -> Vec<OperatorDecl> {
    let ty = Type::Named(own.name);
    let cost = |operation: Option<usize>| {
        operation.and_then(|at| manifest.operations.get(at)).map_or(0, |function| function.entry.cost)
    };
    let between = |operation, right, cost| OperatorDecl { left: ty.clone(), operation, right, cost };
    let mut all = vec![between(Operation::Equal, ty.clone(), cost(own.equal))];
    if own.less.is_some() {
        all.push(between(Operation::Less, ty.clone(), cost(own.less)));
    }
    if own.text.is_some() {
        all.push(between(Operation::Text, Type::String, cost(own.text)));
    }
    all
}

/// Names of other tools; words of enumerations behind the name of their type.
fn foreign(manifest: &Manifest) -> Vec<(Text, Text)> {
    let words = manifest.own.enums.iter().flat_map(|own| {
        own.foreign
            .iter()
            .map(|(theirs, ours)| (format!("{} {theirs}", own.name).into(), ours.clone().into()))
    });
    let names = manifest.foreign.iter().map(|(theirs, ours)| (theirs.clone().into(), ours.clone().into()));
    names.chain(words).collect()
}

fn field(manifest: &Manifest, field: &Field) -> FieldDecl {
    let entry = &field.entry;
    FieldDecl {
        owner: PROCESS,
        name: entry.name.clone().into(),
        ty: field.ty.clone(),
        bounds: field.bounds,
        cost: entry.cost,
        privilege: field.privilege,
        trust: field.trust,
        summary: entry.summary.clone().into(),
        source: source(manifest, entry).into(),
        example: example(manifest, Declared::Field(field)).into(),
    }
}

fn function(manifest: &Manifest, function: &Function) -> FunctionDecl {
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
        example: example(manifest, Declared::Function(function)).into(),
    }
}

/// Where a value comes from: `plugin container 1.0.0, of cgroup`.
fn source(manifest: &Manifest, entry: &Entry) -> String {
    let inputs: Vec<&str> = entry.inputs.iter().map(|input| input.field.as_str()).collect();
    let of = if inputs.is_empty() { String::new() } else { format!(", of {}", inputs.join(", ")) };
    format!("plugin {} {}{of}", manifest.name, manifest.version)
}

/// The first condition among its examples, or one of our own.
fn example(manifest: &Manifest, declared: Declared<'_>) -> String {
    let entry = declared.entry();
    if let Some(condition) = entry.examples.iter().find_map(|example| example.condition.clone()) {
        return condition;
    }
    let subject = match declared {
        Declared::Field(field) if matches!(field.ty, Type::Map(_)) => format!("{}[\"key\"]", entry.name),
        Declared::Field(_) => entry.name.clone(),
        Declared::Function(function) => {
            let needed = function.params.iter().filter(|param| param.default.is_none());
            let arguments: Option<Vec<String>> = needed.map(|param| sample(&param.ty, manifest)).collect();
            // Values that only another function gives: nothing can be said that fits here.
            let Some(arguments) = arguments else { return "true".to_owned() };
            format!("{}({})", entry.name, arguments.join(", "))
        }
    };
    if *declared.result() == Type::Bool { subject } else { format!("has({subject})") }
}

/// A value of the type as it is written, if there is one.
fn sample(ty: &Type, manifest: &Manifest) -> Option<String> {
    let own = &manifest.own;
    Some(match ty {
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
        Type::List(of) => format!("[{}]", sample(of, manifest)?),
        Type::Enum(name) => (*own.words(name)?.first()?).to_owned(),
        Type::Named(name) => {
            let own = own.named(name)?;
            let stated = own.examples.first().map(show);
            let literal = || sample(own.from.first()?, manifest);
            let field = || Some(manifest.fields.iter().find(|field| field.ty == *ty)?.entry.name.clone());
            stated.or_else(literal).or_else(field)?
        }
        Type::Map(_) => return None,
    })
}
