//! What a manifest claims of an entry beside its form: cost, trust, bounds; and what it says of the names of others.

use std::collections::BTreeSet;

use super::json::Json;
use super::read::{COST_MAX, Keys, Reader};
use super::{literal, number};
use crate::lang::schema::{Cost, Trust};
use crate::lang::value::Type;
use crate::plugin::codes;
use crate::plugin::input::weaker;
use crate::plugin::limits::FOREIGN_MAX;

impl Reader<'_> {
    pub(super) fn cost(&mut self, keys: Keys<'_>, place: &str) -> Cost {
        match keys.get("cost") {
            None | Some(Json::Null) => 0,
            Some(Json::Int(hint @ 0..=6)) => Cost::try_from(*hint).unwrap_or(COST_MAX),
            Some(_) => {
                let message = format!("`cost` of {place} is no number from 0 to {COST_MAX}");
                self.say(codes::CLAIM, message, "write what the plugin adds to the class of its inputs: `0`");
                0
            }
        }
    }

    pub(super) fn trust(&mut self, keys: Keys<'_>, place: &str, of_inputs: Trust) -> Trust {
        let claimed = match self.text(keys, place, "trust") {
            None => return of_inputs,
            Some("kernel") => Trust::Kernel,
            Some("self") => Trust::SelfReported,
            Some(other) => {
                let message = format!("`trust` of {place} is `{other}`");
                self.say(codes::CLAIM, message, "write `kernel`, `self`, or nothing");
                return of_inputs;
            }
        };
        if (claimed, of_inputs) == (Trust::Kernel, Trust::SelfReported) {
            let message =
                format!("{place} claims the trust of the kernel, and rests on what a process says of itself");
            self.say(codes::CLAIM, message, "remove `trust`: it can be lowered, never raised");
        }
        weaker(claimed, of_inputs)
    }

    /// `min` and `max` of a field of a number type; one that isn't there is as far as it goes.
    pub(super) fn bounds(&mut self, keys: Keys<'_>, place: &str, ty: &Type) -> Option<(i64, i64)> {
        let mut bound = |key: &str| {
            let json = keys.get(key).filter(|json| **json != Json::Null)?;
            let read = literal::value(json, ty, self.names());
            if let Some(number) = read.as_ref().ok().and_then(number) {
                return Some(number);
            }
            let message = format!("`{key}` of {place} is no number of type {ty}");
            let help = read.err().unwrap_or_else(|| format!("remove `{key}`: only numbers have bounds"));
            self.say(codes::VALUE, message, help);
            None
        };
        let (low, high) = (bound("min"), bound("max"));
        if low.is_none() && high.is_none() {
            return None;
        }
        let (low, high) = (low.unwrap_or(i64::MIN), high.unwrap_or(i64::MAX));
        if low > high {
            self.say(codes::VALUE, format!("`min` of {place} is above its `max`"), "mend one of them");
        }
        Some((low, high))
    }

    /// Names of other tools, with what to write instead. None of them means something already.
    pub(super) fn foreign(
        &mut self,
        plugin: &str,
        keys: Keys<'_>,
        own: &BTreeSet<String>,
    ) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (theirs, ours) in self.texts(keys, "the manifest", "foreign", FOREIGN_MAX) {
            let is_own = theirs
                .strip_prefix(plugin)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|word| own.contains(word));
            let Type::Named(candidate) = self.builtin.candidate() else { break };
            let is_builtin =
                self.builtin.field(candidate, theirs).is_some() || self.builtin.function(theirs).is_some();
            if is_own || is_builtin {
                let message = format!("`{theirs}` under `foreign` is a name that there is");
                self.say(codes::TAKEN, message, "remove it: only what means nothing is explained");
            }
            all.push((theirs.to_owned(), ours.to_owned()));
        }
        all
    }
}
