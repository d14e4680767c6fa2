//! The examples of types, tried; and values that the examples of entries state by literals.

use std::collections::BTreeMap;

use super::put;
use crate::diagnostic::Diagnostic;
use crate::facts::{Fact, Reason, Why};
use crate::lang::show;
use crate::lang::value::Value;
use crate::plugin::answer::Answer;
use crate::plugin::ask::Reply;
use crate::plugin::codes;
use crate::plugin::load::{Moment, Plugin};
use crate::plugin::own::{OwnType, Stated};

/// A value with everything that a literal stands for in it.
pub(super) fn settled(plugin: &Plugin, value: &Value) -> Fact<Value> {
    match value {
        Value::List(items) => {
            let mut all = Vec::new();
            for item in items.iter() {
                match settled(plugin, item) {
                    Fact::Known(item) => all.push(item),
                    other => return other,
                }
            }
            Fact::Known(Value::list(all))
        }
        Value::Object(_) => match value.object::<Stated>() {
            Some(stated) => {
                let convert = plugin.manifest().own.named(stated.ty).and_then(|own| own.convert);
                operate(plugin, convert, std::slice::from_ref(&stated.literal)).0
            }
            None => Fact::Known(value.clone()),
        },
        other => Fact::Known(other.clone()),
    }
}

/// What comes of an operation of a type, and the fuel that it used.
fn operate(plugin: &Plugin, operation: Option<usize>, arguments: &[Value]) -> (Fact<Value>, u64) {
    let misfit = || Fact::Unknown(Reason::new(Why::Malformed, "not of the declared type"));
    let Some(operation) = operation else { return (misfit(), 0) };
    let mut input = Vec::new();
    for argument in arguments {
        put(&mut input, &Answer::Value(argument.clone()));
    }
    let number = plugin.manifest().operation(operation);
    let (answer, used) = plugin.ask(number, Moment::none(), &input, &mut |_| Reply::NotThere);
    let value = answer.and_then(|answer| match answer {
        Answer::Value(value) => Fact::Known(value),
        Answer::Absent => Fact::Absent,
        Answer::Unknown(why) => Fact::Unknown(Reason::new(Why::Plugin, why)),
        Answer::Map(_) => misfit(),
    });
    (value, used)
}

/// The examples of a type: all of them are something, each equals itself alone, and each is before those behind it.
pub(super) struct Types<'a> {
    pub(super) plugin: &'a Plugin,
    /// Fuel of each call, by the number of the entry.
    fuel: BTreeMap<usize, Vec<u64>>,
}

impl<'a> Types<'a> {
    pub(super) fn of(plugin: &'a Plugin) -> Self {
        Self { plugin, fuel: BTreeMap::new() }
    }

    /// What each operation used in the middle: there are many calls, and a plugin may tidy up its memory in some of them.
    pub(super) fn fuel(self) -> impl Iterator<Item = (usize, u64)> {
        self.fuel.into_iter().filter_map(|(number, mut all)| {
            all.sort_unstable();
            Some((number, *all.get(all.len() / 2)?))
        })
    }

    /// Tries those of one type.
    pub(super) fn own(&mut self, own: &OwnType) -> Option<Diagnostic> {
        let what = self.tried(own).err()?;
        let help =
            "examples are different values, in ascending order if there is one: mend them, or the plugin";
        let message = format!("of the examples of `{}`, {what}", own.name);
        Some(Diagnostic::error(codes::EXAMPLE, message).help(help))
    }

    /// `Err`: what is wrong.
    fn tried(&mut self, own: &OwnType) -> Result<(), String> {
        let mut values = Vec::new();
        for literal in &own.examples {
            let shown = show(literal);
            let value = self.operate(own.convert, std::slice::from_ref(literal));
            let value = value.map_err(|why| format!("{shown} {why}"))?;
            if own.text.is_some() {
                self.operate(own.text, std::slice::from_ref(&value))
                    .map_err(|why| format!("the text of {shown} {why}"))?;
            }
            values.push((shown, value));
        }
        for (at, (left, a)) in values.iter().enumerate() {
            for (other, (right, b)) in values.iter().enumerate() {
                let pair = [a.clone(), b.clone()];
                let asked = [("==", own.equal, at == other), ("<", own.less, at < other)];
                for (symbol, operation, expected) in asked {
                    if operation.is_none() {
                        continue;
                    }
                    let so = self.operate(operation, &pair);
                    let so = so.map_err(|why| format!("{left} {symbol} {right} {why}"))?;
                    if !matches!(so, Value::Bool(so) if so == expected) {
                        let not = if expected { "not " } else { "" };
                        return Err(format!("{left} {symbol} {right} is {not}so"));
                    }
                }
            }
        }
        Ok(())
    }

    /// `Err`: in words that follow what was asked.
    fn operate(&mut self, operation: Option<usize>, arguments: &[Value]) -> Result<Value, String> {
        let (value, fuel) = operate(self.plugin, operation, arguments);
        if let Some(operation) = operation {
            self.fuel.entry(self.plugin.manifest().operation(operation)).or_default().push(fuel);
        }
        match value {
            Fact::Known(value) => Ok(value),
            Fact::Absent => Err("is absent".to_owned()),
            Fact::Unknown(why) => Err(format!("is unknown: {}", why.detail.as_deref().unwrap_or_default())),
        }
    }
}
