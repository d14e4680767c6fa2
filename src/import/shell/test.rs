//! `[ ... ]`: what can be told of texts and files.

use super::machine::Machine;
use super::value::Value;
use crate::import::files::FileLook;

impl Machine<'_> {
    /// The outcome of a test, if it can be told.
    pub(super) fn test(&self, words: &[Value]) -> Option<bool> {
        let or = |word: &Value| matches!(word.known(), Some("-o" | "||"));
        let and = |word: &Value| matches!(word.known(), Some("-a" | "&&"));
        if words.len() > 3 {
            if let Some(at) = words.iter().position(or) {
                return any(self.test(words.get(..at)?), self.test(words.get(at + 1..)?));
            }
            if let Some(at) = words.iter().position(and) {
                let (one, other) = (self.test(words.get(..at)?), self.test(words.get(at + 1..)?));
                return any(one.map(|b| !b), other.map(|b| !b)).map(|b| !b);
            }
        }
        if words.len() > 1
            && let Some((first, rest)) = words.split_first()
            && first.known() == Some("!")
        {
            return self.test(rest).map(|outcome| !outcome);
        }
        match words {
            [] => Some(false),
            [word] => filled(word),
            [operator, word] => self.one(operator.known()?, word),
            [left, operator, right] => compare(left, operator.known()?, right),
            _ => None,
        }
    }

    fn one(&self, operator: &str, word: &Value) -> Option<bool> {
        match operator {
            "-n" => return filled(word),
            "-z" => return filled(word).map(|filled| !filled),
            _ => {}
        }
        let path = word.known()?;
        if path.is_empty() {
            return Some(false);
        }
        if !path.starts_with('/') {
            return None;
        }
        let look = self.files.look(path);
        if let FileLook::Unreadable(_) = look {
            return None;
        }
        // Files that programs make and remove say nothing about the next start.
        let fleeting = ["/run/", "/var/run/", "/var/lock/", "/tmp/", "/proc/", "/sys/", "/dev/"];
        if fleeting.iter().any(|place| path.starts_with(place)) && path != "/dev/null" {
            return None;
        }
        Some(match operator {
            "-e" => look.exists(),
            "-f" | "-r" => look.exists() && (operator == "-r" || matches!(look, FileLook::File { .. })),
            // A program that isn't installed here may be where the documents are for.
            "-x" if !look.exists() => return None,
            "-x" => look.is_program() || look == FileLook::Directory,
            "-d" => look == FileLook::Directory,
            "-s" => matches!(look, FileLook::File { filled: true, .. } | FileLook::Directory),
            _ => return None,
        })
    }
}

/// `a || b` where one may not be known.
fn any(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(true), _) | (_, Some(true)) => Some(true),
        (Some(false), Some(false)) => Some(false),
        _ => None,
    }
}

fn filled(word: &Value) -> Option<bool> {
    if word.has_text() {
        return Some(true);
    }
    word.known().map(|text| !text.is_empty())
}

fn compare(left: &Value, operator: &str, right: &Value) -> Option<bool> {
    let (left, right) = (left.known()?, right.known()?);
    let numbers = || Some((left.trim().parse::<i64>().ok()?, right.trim().parse::<i64>().ok()?));
    Some(match operator {
        "=" | "==" => left == right,
        "!=" => left != right,
        "-eq" => numbers().map(|(a, b)| a == b)?,
        "-ne" => numbers().map(|(a, b)| a != b)?,
        "-lt" => numbers().map(|(a, b)| a < b)?,
        "-le" => numbers().map(|(a, b)| a <= b)?,
        "-gt" => numbers().map(|(a, b)| a > b)?,
        "-ge" => numbers().map(|(a, b)| a >= b)?,
        _ => return None,
    })
}
