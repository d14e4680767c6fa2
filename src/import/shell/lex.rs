//! Words, operators and their quoting, character by character.

use std::sync::Arc;

use super::parse::{Malformed, Parser};
use super::syntax::{Change, Parameter, Part, Word};

/// Operators, longest first. A newline is one too.
const OPERATORS: [&str; 20] = [
    ";;&", "<<-", "<<<", "&>>", ";;", ";&", "&&", "||", "<<", ">>", "<&", ">&", "<>", ">|", "&>", "|&", "(",
    ")", ";", "&",
];
/// The rest, of one character.
const SHORT: [&str; 3] = ["|", "<", ">"];

/// The next thing in a script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Token {
    Word(Word),
    Operator(&'static str),
    Newline,
    End,
}

/// The characters of a script, and where we are.
#[derive(Debug)]
pub(super) struct Chars {
    text: Vec<char>,
    at: usize,
    pub(super) line: usize,
}

impl Chars {
    pub(super) fn new(text: &str, line: usize) -> Self {
        Self { text: text.chars().collect(), at: 0, line }
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    pub(super) fn ahead(&self, by: usize) -> Option<char> {
        self.text.get(self.at + by).copied()
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += 1;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    pub(super) fn starts(&self, text: &str) -> bool {
        text.chars().enumerate().all(|(by, c)| self.ahead(by) == Some(c))
    }

    pub(super) fn skip(&mut self, count: usize) {
        for _ in 0..count {
            self.next();
        }
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }

    /// What was read since.
    pub(super) fn since(&self, place: usize) -> String {
        self.text.get(place..self.at).unwrap_or_default().iter().collect()
    }

    /// To the end of the line, without it.
    pub(super) fn rest_of_line(&mut self) -> String {
        let start = self.at;
        while self.peek().is_some_and(|c| c != '\n') {
            self.next();
        }
        self.since(start)
    }

    /// Blanks, continued lines and comments.
    pub(super) fn skip_blanks(&mut self) {
        loop {
            match (self.peek(), self.ahead(1)) {
                (Some(' ' | '\t' | '\r'), _) => self.skip(1),
                (Some('\\'), Some('\n')) => self.skip(2),
                (Some('#'), _) => {
                    self.rest_of_line();
                }
                _ => return,
            }
        }
    }
}

/// Whether a word ends before this character.
fn ends_word(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n' | ';' | '&' | '|' | '<' | '>' | '(' | ')')
}

impl Parser {
    /// The operator at this place.
    pub(super) fn operator(&self) -> Option<&'static str> {
        OPERATORS.into_iter().chain(SHORT).find(|operator| self.chars.starts(operator))
    }

    /// Reads the next token.
    pub(super) fn token(&mut self) -> Result<Token, Malformed> {
        self.chars.skip_blanks();
        match self.chars.peek() {
            None => Ok(Token::End),
            Some('\n') => {
                self.chars.next();
                self.read_heredocs();
                Ok(Token::Newline)
            }
            Some(_) => match self.operator() {
                Some(operator) => {
                    self.chars.skip(operator.len());
                    Ok(Token::Operator(operator))
                }
                None => Ok(Token::Word(self.word(&ends_word)?)),
            },
        }
    }

    /// A word up to a character that ends it.
    pub(super) fn word(&mut self, ends: &dyn Fn(char) -> bool) -> Result<Word, Malformed> {
        let mut parts = Vec::new();
        let mut text = String::new();
        while let Some(c) = self.chars.peek() {
            if ends(c) {
                break;
            }
            match c {
                '\\' => {
                    self.chars.next();
                    match self.chars.next() {
                        Some('\n') => {}
                        Some(c) => push(&mut parts, &mut text, Part::Quoted(c.to_string())),
                        None => text.push('\\'),
                    }
                }
                '\'' => {
                    let quoted = self.single_quoted()?;
                    push(&mut parts, &mut text, Part::Quoted(quoted));
                }
                '"' => {
                    self.chars.next();
                    let inner = self.double_quoted(Some('"'))?;
                    push(&mut parts, &mut text, Part::Double(inner));
                }
                '$' if self.chars.ahead(1) == Some('\'') => {
                    self.chars.next();
                    let quoted = self.escaped()?;
                    push(&mut parts, &mut text, Part::Quoted(quoted));
                }
                '$' | '`' => match self.dollar()? {
                    Some(part) => push(&mut parts, &mut text, part),
                    None => text.push('$'),
                },
                c => {
                    text.push(c);
                    self.chars.next();
                }
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Word(parts))
    }

    fn single_quoted(&mut self) -> Result<String, Malformed> {
        let line = self.chars.line;
        self.chars.next();
        let start = self.chars.place();
        while let Some(c) = self.chars.peek() {
            if c == '\'' {
                let text = self.chars.since(start);
                self.chars.next();
                return Ok(text);
            }
            self.chars.next();
        }
        Err(Malformed::new(line, "a single quote is not closed"))
    }

    /// `$'...'` of bash, with the usual escapes.
    fn escaped(&mut self) -> Result<String, Malformed> {
        let line = self.chars.line;
        self.chars.next();
        let mut text = String::new();
        while let Some(c) = self.chars.next() {
            match c {
                '\'' => return Ok(text),
                '\\' => match self.chars.next() {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(c) => text.push(c),
                    None => {}
                },
                c => text.push(c),
            }
        }
        Err(Malformed::new(line, "a single quote is not closed"))
    }

    /// What stands in double quotes, or in a here-document (without an end).
    pub(super) fn double_quoted(&mut self, end: Option<char>) -> Result<Vec<Part>, Malformed> {
        let line = self.chars.line;
        let mut parts = Vec::new();
        let mut text = String::new();
        while let Some(c) = self.chars.peek() {
            if Some(c) == end {
                self.chars.next();
                if !text.is_empty() {
                    parts.push(Part::Text(text));
                }
                return Ok(parts);
            }
            match c {
                '\\' => {
                    self.chars.next();
                    match self.chars.peek() {
                        Some('\n') => self.chars.skip(1),
                        Some(c) if matches!(c, '$' | '`' | '"' | '\\') => {
                            text.push(c);
                            self.chars.next();
                        }
                        _ => text.push('\\'),
                    }
                }
                '$' | '`' => match self.dollar()? {
                    Some(part) => push(&mut parts, &mut text, part),
                    None => text.push('$'),
                },
                c => {
                    text.push(c);
                    self.chars.next();
                }
            }
        }
        if end.is_some() {
            return Err(Malformed::new(line, "a double quote is not closed"));
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(parts)
    }

    /// `$NAME`, `${...}`, `$(...)`, `$((...))`, backticks. `None`: a plain `$`, which is read.
    fn dollar(&mut self) -> Result<Option<Part>, Malformed> {
        if self.chars.peek() == Some('`') {
            return self.backticks().map(Some);
        }
        let start = self.chars.place();
        self.chars.next();
        match self.chars.peek() {
            Some('{') => {
                self.chars.next();
                self.braces(start).map(|parameter| Some(Part::Parameter(Box::new(parameter))))
            }
            Some('(') if self.chars.ahead(1) == Some('(') => self.arithmetic(start).map(Some),
            Some('(') => {
                self.chars.next();
                let command = self.nested(|parser| parser.list_until(")"))?;
                let text = self.chars.since(start);
                Ok(Some(Part::Command { text, command: Arc::new(command) }))
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                let name = self.name();
                let text = self.chars.since(start);
                Ok(Some(Part::Parameter(Box::new(Parameter { name, change: Change::None, text }))))
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '@' | '*' | '#' | '?' | '$' | '!' | '-') => {
                self.chars.next();
                let text = self.chars.since(start);
                let name = c.to_string();
                Ok(Some(Part::Parameter(Box::new(Parameter { name, change: Change::None, text }))))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn name(&mut self) -> String {
        let start = self.chars.place();
        while self.chars.peek().is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
            self.chars.next();
        }
        self.chars.since(start)
    }

    fn arithmetic(&mut self, start: usize) -> Result<Part, Malformed> {
        let line = self.chars.line;
        self.chars.skip(2);
        let inner = self.chars.place();
        let mut depth = 0usize;
        while let Some(c) = self.chars.peek() {
            match c {
                '(' => depth += 1,
                ')' if depth == 0 => {
                    let text = self.chars.since(inner);
                    self.chars.skip(2);
                    return Ok(Part::Arithmetic(text));
                }
                ')' => depth -= 1,
                _ => {}
            }
            self.chars.next();
        }
        let _ = start;
        Err(Malformed::new(line, "`$((` is not closed"))
    }

    fn backticks(&mut self) -> Result<Part, Malformed> {
        let line = self.chars.line;
        self.chars.next();
        let mut inner = String::new();
        while let Some(c) = self.chars.next() {
            match c {
                '`' => {
                    let command = self.inner(&inner, line)?;
                    return Ok(Part::Command { text: format!("`{inner}`"), command: Arc::new(command) });
                }
                '\\' => match self.chars.next() {
                    Some(c) if matches!(c, '`' | '\\' | '$') => inner.push(c),
                    Some(c) => inner.extend(['\\', c]),
                    None => {}
                },
                c => inner.push(c),
            }
        }
        Err(Malformed::new(line, "a backtick is not closed"))
    }

    /// Behind `${`.
    fn braces(&mut self, start: usize) -> Result<Parameter, Malformed> {
        let line = self.chars.line;
        let length = self.chars.peek() == Some('#')
            && self.chars.ahead(1).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
        if length {
            self.chars.next();
        }
        let mut name = self.name();
        if name.is_empty() {
            name = self.chars.next().map(String::from).unwrap_or_default();
        }
        let change = self.nested(|parser| parser.change(length))?;
        if self.chars.next() != Some('}') {
            return Err(Malformed::new(line, "`${` is not closed"));
        }
        let text = self.chars.since(start);
        Ok(Parameter { name, change, text })
    }

    /// Between the name and the closing brace.
    fn change(&mut self, length: bool) -> Result<Change, Malformed> {
        let first = self.chars.peek();
        if first == Some('}') {
            return Ok(if length { Change::Length } else { Change::None });
        }
        let empty_too = first == Some(':');
        let kind = if empty_too { self.chars.ahead(1) } else { first };
        let longest = !empty_too && self.chars.ahead(1) == kind;
        let size = match kind {
            Some('-' | '=' | '?' | '+') => 1 + usize::from(empty_too),
            Some('#' | '%') if !empty_too => 1 + usize::from(longest),
            _ => {
                self.brace_word()?;
                return Ok(Change::Other);
            }
        };
        self.chars.skip(size);
        let word = self.brace_word()?;
        Ok(match kind {
            Some('-') => Change::Default { empty_too, word },
            Some('=') => Change::Assign { empty_too, word },
            Some('?') => Change::Error { empty_too },
            Some('+') => Change::Instead { empty_too, word },
            Some('#') => Change::Prefix { longest, pattern: word },
            Some('%') => Change::Suffix { longest, pattern: word },
            _ => Change::Other,
        })
    }

    fn brace_word(&mut self) -> Result<Word, Malformed> {
        self.word(&|c| c == '}')
    }
}

fn push(parts: &mut Vec<Part>, text: &mut String, part: Part) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text)));
    }
    parts.push(part);
}
