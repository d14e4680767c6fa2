//! What `env` does with its arguments, as coreutils does it (`src/env.c`): options, `-S`, assignments, program.

use crate::process::paths;
use crate::process::world::Bytes;

/// Strings of `-S` within strings of `-S` that are followed: a `PATH` that names itself would never end.
const SPLITS_MAX: usize = 16;

/// The program that `env` would execute.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Command {
    /// As written.
    pub(super) program: Vec<u8>,
    /// Arguments before the script's path.
    pub(super) rest: Vec<Vec<u8>>,
    /// `PATH` in the resulting environment; `None` if it has none.
    pub(super) path: Option<Bytes>,
    /// `-C`.
    pub(super) directory: Option<Vec<u8>>,
}

/// Reads the arguments that stand before the script's path.
///
/// # Errors
/// A sentence why `env` would fail, or why its work can't be predicted.
pub(super) fn command(given: Vec<Vec<u8>>, path: Option<&Bytes>) -> Result<Command, String> {
    let path = path.cloned();
    let mut state = State { words: given, at: 0, inherited: path.clone(), path, directory: None, splits: 0 };
    state.options()?;
    state.assignments();
    let program =
        state.take().ok_or("`env` is given no program and would run the script again without end")?;
    let rest = state.words.split_off(state.at);
    if program.is_empty() {
        return Err("`env` is given an empty program name".into());
    }
    Ok(Command { program, rest, path: state.path, directory: state.directory })
}

struct State {
    words: Vec<Vec<u8>>,
    at: usize,
    /// What `${PATH}` stands for, whatever the options remove.
    inherited: Option<Bytes>,
    path: Option<Bytes>,
    directory: Option<Vec<u8>>,
    splits: usize,
}

impl State {
    fn take(&mut self) -> Option<Vec<u8>> {
        let word = self.words.get(self.at).cloned();
        self.at += usize::from(word.is_some());
        word
    }

    fn options(&mut self) -> Result<(), String> {
        while let Some(word) = self.words.get(self.at).cloned() {
            if word == b"-" {
                self.at += 1;
                self.path = None;
            } else if word == b"--" {
                self.at += 1;
                return Ok(());
            } else if let Some(long) = word.strip_prefix(b"--") {
                self.at += 1;
                self.long(long)?;
            } else if word.first() == Some(&b'-') {
                self.at += 1;
                self.short(word.get(1..).unwrap_or_default())?;
            } else {
                return Ok(());
            }
        }
        Ok(())
    }

    fn long(&mut self, option: &[u8]) -> Result<(), String> {
        let (name, value) = match option.iter().position(|b| *b == b'=') {
            Some(at) => (
                option.get(..at).unwrap_or_default(),
                Some(option.get(at + 1..).unwrap_or_default().to_vec()),
            ),
            None => (option, None),
        };
        match name {
            b"ignore-environment" => self.path = None,
            b"debug" | b"list-signal-handling" | b"block-signal" | b"default-signal" | b"ignore-signal" => {}
            b"unset" | b"chdir" | b"split-string" => {
                let value = match value {
                    Some(value) => value,
                    None => self.value(name)?,
                };
                match name {
                    b"unset" => self.unset(&value),
                    b"chdir" => self.directory = Some(value),
                    _ => self.split(&value)?,
                }
            }
            _ => return Err(format!("`env` does not know the option `--{}`", paths::show(name))),
        }
        Ok(())
    }

    fn short(&mut self, cluster: &[u8]) -> Result<(), String> {
        for (at, letter) in cluster.iter().enumerate() {
            match letter {
                b'i' => self.path = None,
                b'v' => {}
                b'u' | b'C' | b'S' => {
                    let tail = cluster.get(at + 1..).unwrap_or_default();
                    let value = if tail.is_empty() { self.value(&[*letter])? } else { tail.to_vec() };
                    match letter {
                        b'u' => self.unset(&value),
                        b'C' => self.directory = Some(value),
                        _ => self.split(&value)?,
                    }
                    return Ok(());
                }
                b' ' | b'\t' => {
                    return Err("the `#!` line gives `env` all its words as one, write `env -S`".into());
                }
                _ => {
                    return Err(format!("`env` does not know the option `-{}`", paths::show(&[*letter])));
                }
            }
        }
        Ok(())
    }

    fn value(&mut self, option: &[u8]) -> Result<Vec<u8>, String> {
        self.take().ok_or_else(|| format!("the option `{}` of `env` lacks its value", paths::show(option)))
    }

    fn unset(&mut self, name: &[u8]) {
        if name == b"PATH" {
            self.path = None;
        }
    }

    /// Replaces the rest of the arguments by the words of the string and what followed it.
    fn split(&mut self, text: &[u8]) -> Result<(), String> {
        self.splits += 1;
        if self.splits > SPLITS_MAX {
            return Err("`env -S` splits a string again and again".into());
        }
        let mut words = split_string(text, self.inherited.as_deref())?;
        words.extend(self.words.split_off(self.at));
        self.words = words;
        self.at = 0;
        Ok(())
    }

    fn assignments(&mut self) {
        while let Some(word) = self.words.get(self.at) {
            let Some(at) = word.iter().position(|b| *b == b'=') else { return };
            if word.get(..at) == Some(b"PATH") {
                self.path = Some(paths::shared(word.get(at + 1..).unwrap_or_default()));
            }
            self.at += 1;
        }
    }
}

/// Splits a string as `env -S` does. `${PATH}` is `path`; other variables can't be known here.
///
/// # Errors
/// A sentence why `env` would refuse the string, or that it names a variable.
pub fn split_string(text: &[u8], path: Option<&[u8]>) -> Result<Vec<Vec<u8>>, String> {
    let mut split = Splitter { words: Vec::new(), word: None, single: false, double: false };
    let mut rest = text;
    while let Some((byte, mut tail)) = rest.split_first() {
        match byte {
            b'\'' if !split.double => {
                split.single = !split.single;
                split.word.get_or_insert_default();
            }
            b'"' if !split.single => {
                split.double = !split.double;
                split.word.get_or_insert_default();
            }
            b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r' if !split.quoted() => split.end(),
            b'#' if !split.quoted() && split.word.is_none() => break,
            b'\\' => match split.escape(tail)? {
                Some(after) => tail = after,
                None => break,
            },
            b'$' if !split.single => tail = split.variable(tail, path)?,
            other => split.push(*other),
        }
        rest = tail;
    }
    if split.quoted() {
        return Err("a quote in the string of `env -S` is not closed".into());
    }
    split.end();
    Ok(split.words)
}

struct Splitter {
    words: Vec<Vec<u8>>,
    word: Option<Vec<u8>>,
    single: bool,
    double: bool,
}

impl Splitter {
    fn quoted(&self) -> bool {
        self.single || self.double
    }

    fn push(&mut self, byte: u8) {
        self.word.get_or_insert_default().push(byte);
    }

    fn end(&mut self) {
        self.words.extend(self.word.take());
    }

    /// What follows a backslash; `None` ends the string (`\c`).
    fn escape<'t>(&mut self, tail: &'t [u8]) -> Result<Option<&'t [u8]>, String> {
        let Some((code, after)) = tail.split_first() else {
            if self.single {
                self.push(b'\\');
                return Ok(Some(tail));
            }
            return Err("the string of `env -S` ends in a backslash".into());
        };
        if self.single && !matches!(code, b'\\' | b'\'') {
            self.push(b'\\');
            return Ok(Some(tail));
        }
        let byte = match code {
            b'"' | b'#' | b'$' | b'\'' | b'\\' => *code,
            b'_' if !self.double => {
                self.end();
                return Ok(Some(after));
            }
            b'_' => b' ',
            b'c' if self.double => return Err("`\\c` may not stand in double quotes of `env -S`".into()),
            b'c' => return Ok(None),
            b'f' => 0x0c,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'v' => 0x0b,
            other => return Err(format!("`env -S` does not know `\\{}`", paths::show(&[*other]))),
        };
        self.push(byte);
        Ok(Some(after))
    }

    fn variable<'t>(&mut self, tail: &'t [u8], path: Option<&[u8]>) -> Result<&'t [u8], String> {
        let name = tail.strip_prefix(b"{").and_then(|open| {
            let end = open.iter().position(|b| *b == b'}')?;
            Some((open.get(..end)?, open.get(end + 1..)?))
        });
        let Some((name, after)) = name else {
            return Err("`env -S` knows variables only as `${NAME}`".into());
        };
        if name != b"PATH" {
            return Err(format!("the `#!` line depends on the variable `{}`", paths::show(name)));
        }
        if let Some(path) = path {
            self.word.get_or_insert_default().extend_from_slice(path);
        }
        Ok(after)
    }
}
