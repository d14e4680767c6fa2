//! execline: one chain of commands, each of which executes the rest. Blocks stand in braces.

use super::{Carried, problem};
use crate::import::command::{self, Context};
use crate::import::found::{Found, Place};
use crate::import::init::malformed;
use crate::import::quantity;
use crate::import::shell::Value;

/// A word or a block.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Item {
    Word { text: String, line: usize },
    Block(Vec<Item>),
}

/// Commands that execute what follows, and how many words of their own they have.
const CHAIN: [(&str, usize, &str); 12] = [
    ("fdmove", 2, "each stream has a file of its own"),
    ("fdclose", 1, "only the standard descriptors are open"),
    ("redirfd", 3, "output goes to files in the log directory"),
    ("fdblock", 1, "descriptors are as they were opened"),
    ("s6-notifyoncheck", 0, "there is no readiness by a descriptor"),
    ("emptyenv", 0, "the environment of a service is a clean one"),
    ("s6-setsid", 0, "each service has a session of its own"),
    ("unexport", 1, "the environment of a service is a clean one"),
    ("importas", 2, "variables aren't followed"),
    ("exec", 0, ""),
    ("s6-envuidgid", 1, "the environment doesn't name its user"),
    ("multisubstitute", 1, "variables aren't followed"),
];

/// Carries a chain.
pub(super) fn carry(run: &str, text: &str, found: &mut Found, context: Context<'_>) -> Carried {
    let items = lex(text).map_err(|(line, message)| Box::new(malformed(run, text, line, message)))?;
    let mut rest = items.as_slice();
    loop {
        let place = |line| Place::new(run, line);
        let Some((Item::Word { text: name, line }, more)) = rest.split_first() else {
            return Err(problem(&place(0), "it executes no program"));
        };
        let at = place(*line);
        let base = crate::import::files::base(name);
        match (base, more) {
            ("cd", [Item::Word { text, .. }, behind @ ..]) => {
                let from = found.service.working_directory.to_string_lossy().into_owned();
                command::set_directory(found, &crate::import::files::join(&from, text), &at);
                rest = behind;
            }
            ("umask", [Item::Word { text, .. }, behind @ ..]) => {
                match quantity::octal(text) {
                    Some(mask) => found.service.umask = mask,
                    None => found.unclear(&at, format!("umask {text}"), "it is not an octal mask"),
                }
                rest = behind;
            }
            ("export", [Item::Word { text: name, .. }, Item::Word { text: value, .. }, behind @ ..]) => {
                command::set_variable(found, name, &Value::text(value.as_str()), &at);
                rest = behind;
            }
            ("foreground" | "background" | "ifelse" | "if" | "ifte", [Item::Block(block), behind @ ..]) => {
                found.lost(
                    &at,
                    format!("{base} {{ {} }}", shown(block)),
                    "write it as one of `hooks.preStart`, with `user: root` there if it needs that",
                );
                rest = behind;
            }
            (name, more) => match CHAIN.iter().find(|(known, ..)| *known == name) {
                Some((_, own, why)) => {
                    let mut options = more.iter().take_while(|item| is_option(item)).count();
                    // The value that a variable has if it isn't set.
                    options += usize::from(
                        name == "importas"
                            && matches!(more.first(), Some(Item::Word { text, .. }) if text == "-D"),
                    );
                    let behind = more.get(options + own..).unwrap_or_default();
                    if !why.is_empty() {
                        let words = more.get(..options + own).unwrap_or_default();
                        found.changed(&at, format!("{name} {}", shown(words)), *why);
                    }
                    rest = behind;
                }
                None => return program(rest, found, &at, context),
            },
        }
    }
}

fn is_option(item: &Item) -> bool {
    matches!(item, Item::Word { text, .. } if text.len() > 1 && text.starts_with('-'))
}

fn program(items: &[Item], found: &mut Found, place: &Place, context: Context<'_>) -> Carried {
    let mut words = Vec::new();
    for item in items {
        match item {
            Item::Word { text, .. } if text.contains("${") => {
                words.push(Value::doubt(crate::import::shell::Doubt {
                    text: text.clone(),
                    why: "variables of execline aren't followed".to_owned(),
                    place: place.clone(),
                }));
            }
            Item::Word { text, .. } => words.push(Value::text(text.as_str())),
            Item::Block(block) => {
                found.unclear(
                    place,
                    format!("{{ {} }}", shown(block)),
                    "a block among the arguments isn't followed",
                );
            }
        }
    }
    command::carry(found, &words, place, context).map_err(|why| problem(place, &why))
}

fn shown(items: &[Item]) -> String {
    let words = items.iter().take(6).map(|item| match item {
        Item::Word { text, .. } => text.clone(),
        Item::Block(inner) => format!("{{ {} }}", shown(inner)),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Words, quotes, comments and blocks.
fn lex(text: &str) -> Result<Vec<Item>, (usize, &'static str)> {
    let mut stack: Vec<Vec<Item>> = vec![Vec::new()];
    let mut chars = text.chars().peekable();
    let mut line = 1;
    while let Some(c) = chars.next() {
        match c {
            '\n' => line += 1,
            c if c.is_whitespace() => {}
            '#' => while chars.next_if(|c| *c != '\n').is_some() {},
            c => {
                let begun = line;
                let mut word = String::new();
                let mut quoted = false;
                let mut next = Some(c);
                while let Some(c) = next {
                    match c {
                        '"' => quoted = !quoted,
                        '\\' => {
                            word.extend(chars.next().map(|c| if c == 'n' && quoted { '\n' } else { c }));
                        }
                        c => {
                            if c == '\n' {
                                line += 1;
                            }
                            word.push(c);
                        }
                    }
                    next = chars.next_if(|c| quoted || !c.is_whitespace());
                }
                if quoted {
                    return Err((begun, "a quote is not closed"));
                }
                place(word, begun, &mut stack)?;
            }
        }
    }
    match (stack.pop(), stack.is_empty()) {
        (Some(items), true) => Ok(items),
        _ => Err((line, "a block is not closed")),
    }
}

fn place(word: String, line: usize, stack: &mut Vec<Vec<Item>>) -> Result<(), (usize, &'static str)> {
    match word.as_str() {
        "{" if stack.len() > 60 => return Err((line, "blocks are nested too deeply")),
        "{" => stack.push(Vec::new()),
        "}" => {
            let block = stack.pop().unwrap_or_default();
            let Some(outer) = stack.last_mut() else { return Err((line, "`}` without `{`")) };
            outer.push(Item::Block(block));
        }
        _ => {
            if let Some(items) = stack.last_mut() {
                items.push(Item::Word { text: word, line });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn words_quotes_and_blocks() {
        let items = lex("#!/bin/execlineb -P\nforeground { echo \"a b\" } # c\nexec x\n").unwrap();
        let word = |text: &str, line| Item::Word { text: text.to_owned(), line };
        assert_eq!(
            items,
            [
                word("foreground", 2),
                Item::Block(vec![word("echo", 2), word("a b", 2)]),
                word("exec", 3),
                word("x", 3)
            ]
        );
        assert_eq!(lex("a {\nb").unwrap_err().0, 2);
        assert_eq!(lex("a }").unwrap_err().0, 1);
        assert_eq!(lex("a \"b").unwrap_err().0, 1);
    }
}
