//! The variables that commands may assign: what a loop makes uncertain.

use std::collections::BTreeSet;

use super::syntax::{Command, Kind, Word};

/// Builtins that assign the variables that they are given.
const SETTERS: [&str; 8] = ["read", "export", "readonly", "local", "declare", "typeset", "unset", "getopts"];

/// Every name that something in here may assign, functions not entered.
pub(super) fn assigned(command: &Command, names: &mut BTreeSet<String>) {
    match &command.kind {
        Kind::Simple { assigns, words, .. } => {
            names.extend(assigns.iter().map(|(name, _)| name.clone()));
            if words.first().and_then(Word::literal).is_some_and(|name| SETTERS.contains(&name)) {
                names.extend(words.iter().skip(1).filter_map(|word| {
                    let Some(super::syntax::Part::Text(text)) = word.0.first() else { return None };
                    Some(text.split('=').next().unwrap_or(text).to_owned())
                }));
            }
        }
        Kind::Pipeline(list) | Kind::List(list) => {
            for inner in list {
                assigned(inner, names);
            }
        }
        Kind::Not(inner) | Kind::Background(inner) => assigned(inner, names),
        Kind::AndOr { first, rest } => {
            assigned(first, names);
            for (_, inner) in rest {
                assigned(inner, names);
            }
        }
        // What a subshell assigns ends with it.
        Kind::Subshell(_) | Kind::Function { .. } | Kind::Arithmetic => {}
        Kind::If { arms, otherwise } => {
            for (condition, body) in arms {
                assigned(condition, names);
                assigned(body, names);
            }
            if let Some(inner) = otherwise {
                assigned(inner, names);
            }
        }
        Kind::Case { arms, .. } => {
            for (_, body) in arms {
                assigned(body, names);
            }
        }
        Kind::For { name, body, .. } => {
            names.insert(name.clone());
            assigned(body, names);
        }
        Kind::While { condition, body, .. } => {
            assigned(condition, names);
            assigned(body, names);
        }
    }
}
