//! Built-in fields as inputs of a plugin.

use super::manifest::is_plain;
use super::wire;
use crate::diagnostic::did_you_mean;
use crate::facts::{Fact, Reason, Why};
use crate::lang::Schema;
use crate::lang::schema::{Cost, Privilege, Trust, Vocabulary};
use crate::lang::value::{Type, Value};

/// A built-in field that a plugin is given.
#[derive(Clone, Debug)]
pub struct Input {
    /// As in expressions: `exe.path`.
    pub field: String,
    /// Its type.
    pub ty: Type,
    /// Where it is unknown, the plugin is asked nevertheless.
    pub optional: bool,
    /// Read only if the plugin asks for it.
    pub lazy: bool,
    /// Cost class of the dearest step.
    pub cost: Cost,
    /// Who may read all of it.
    pub privilege: Privilege,
    /// The least trusted step.
    pub trust: Trust,
    /// Numbers of fields of the process vocabulary: each of a value of the one before it.
    steps: Vec<usize>,
}

/// Why a name is no input.
#[derive(Debug)]
pub(super) enum NoInput {
    /// There is no such field; what to do.
    Unknown(String),
    /// Its type is not one that plugins know; the type, and what to do.
    Type(Type, String),
}

impl Input {
    /// Finds a field by the name that it has in expressions.
    pub(super) fn find(name: &str, optional: bool, lazy: bool, builtin: &Schema) -> Result<Self, NoInput> {
        let words: Vec<&str> = name.split('.').collect();
        let mut ty = builtin.candidate();
        let mut input = Self {
            field: name.to_owned(),
            ty: ty.clone(),
            optional,
            lazy,
            cost: 0,
            privilege: Privilege::World,
            trust: Trust::Kernel,
            steps: Vec::new(),
        };
        let mut at = 0;
        while at < words.len() {
            let Type::Named(owner) = &ty else { return Err(unknown(name, builtin)) };
            let longest = (at + 1..=words.len()).rev().find_map(|end| {
                let (id, field) = builtin.field(owner, &words.get(at..end)?.join("."))?;
                (id.vocabulary == 0).then_some((end, id, field))
            });
            let Some((end, id, field)) = longest else { return Err(unknown(name, builtin)) };
            at = end;
            input.steps.push(id.index);
            input.cost = input.cost.max(field.cost);
            input.privilege = stricter(input.privilege, field.privilege);
            input.trust = weaker(input.trust, field.trust);
            ty = field.ty.clone();
        }
        if !is_plain(&ty) {
            return Err(not_plain(name, ty, builtin));
        }
        input.ty = ty;
        Ok(input)
    }

    /// Appends the value that the field has for a process, encoded.
    pub(super) fn encode(&self, out: &mut Vec<u8>, base: &dyn Vocabulary, candidate: &Value) -> Fact<()> {
        let Some((last, before)) = self.steps.split_last() else { return misfit() };
        let mut owner = candidate.clone();
        for step in before {
            match base.field(&owner, *step) {
                Fact::Known(value) => owner = value,
                Fact::Absent => return Fact::Absent,
                Fact::Unknown(reason) => return Fact::Unknown(reason),
            }
        }
        if matches!(self.ty, Type::Map(_)) {
            return base.entries(&owner, *last).and_then(|entries| {
                let entries: Vec<(&[u8], &Value)> = entries.iter().map(|(k, v)| (k.as_ref(), v)).collect();
                wire::map(out, entries.into_iter()).map_or_else(|_| misfit(), Fact::Known)
            });
        }
        base.field(&owner, *last)
            .and_then(|value| wire::value(out, &value).map_or_else(|_| misfit(), Fact::Known))
    }
}

fn misfit() -> Fact<()> {
    Fact::Unknown(Reason::new(Why::Malformed, "not of the declared type"))
}

/// The one that fewer may read.
pub(super) fn stricter(a: Privilege, b: Privilege) -> Privilege {
    let rank = |privilege| match privilege {
        Privilege::World => 0,
        Privilege::Read => 1,
        Privilege::Attach => 2,
    };
    if rank(b) > rank(a) { b } else { a }
}

/// The one to be trusted less.
pub(super) fn weaker(a: Trust, b: Trust) -> Trust {
    match (a, b) {
        (Trust::Kernel, Trust::Kernel) => Trust::Kernel,
        _ => Trust::SelfReported,
    }
}

/// Everything that can be an input, by the name that it has in expressions.
fn all(builtin: &Schema) -> Vec<String> {
    let Type::Named(candidate) = builtin.candidate() else { return Vec::new() };
    let mut names = Vec::new();
    for (_, field) in builtin.fields(candidate) {
        match &field.ty {
            Type::Named(owner) if *owner != candidate => {
                names.extend(plain_members(&field.name, owner, builtin));
            }
            ty if is_plain(ty) => names.push(field.name.to_string()),
            _ => {}
        }
    }
    names
}

fn plain_members(name: &str, owner: &str, builtin: &Schema) -> Vec<String> {
    let plain = builtin.fields(owner).filter(|(_, field)| is_plain(&field.ty));
    plain.map(|(_, field)| format!("{name}.{}", field.name)).collect()
}

fn unknown(name: &str, builtin: &Schema) -> NoInput {
    let known = all(builtin);
    NoInput::Unknown(match did_you_mean(name, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "an input is a built-in field, named as in expressions: `argv`, `exe.path`".to_owned(),
    })
}

fn not_plain(name: &str, ty: Type, builtin: &Schema) -> NoInput {
    let help = match &ty {
        Type::Named(owner) => {
            let members = plain_members(name, owner, builtin);
            let best =
                members.iter().find(|member| member.rsplit('.').next() == Some("path")).or(members.first());
            best.map(|member| format!("take `{member}`"))
        }
        _ => None,
    };
    NoInput::Type(
        ty,
        help.unwrap_or_else(|| "a plugin is given plain values, and lists and maps of them".to_owned()),
    )
}
