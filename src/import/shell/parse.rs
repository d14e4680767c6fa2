//! Commands: lists, pipelines, compound commands, functions.

use super::lex::{Chars, Token};
use super::syntax::{Assigned, Command, Kind, Link, Part, Redirect, Word};

/// Commands and words nest no deeper than this.
const DEPTH_MAX: usize = 60;
/// Characters of a script.
const CHARS_MAX: usize = 1 << 20;

/// The script can't be read as a shell would.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Malformed {
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Malformed {
    pub(super) fn new(line: usize, message: impl Into<String>) -> Self {
        Self { line, message: message.into() }
    }
}

/// Reads a script.
pub(crate) fn parse(text: &str) -> Result<Command, Malformed> {
    parse_at(text, 1)
}

/// Reads a script that begins on this line of something else.
pub(super) fn parse_at(text: &str, line: usize) -> Result<Command, Malformed> {
    if text.len() > CHARS_MAX {
        return Err(Malformed::new(1, "the script is larger than 1MiB"));
    }
    let mut parser = Parser { chars: Chars::new(text, line), depth: 0, heredocs: Vec::new(), next: None };
    parser.list_until("")
}

/// A here-document whose body has not come yet.
#[derive(Debug)]
struct Heredoc {
    end: String,
    strip: bool,
}

#[derive(Debug)]
pub(super) struct Parser {
    pub(super) chars: Chars,
    depth: usize,
    heredocs: Vec<Heredoc>,
    /// A token that was looked at, with its line.
    next: Option<(Token, usize)>,
}

impl Parser {
    /// Whatever is inside of something else.
    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Malformed>,
    ) -> Result<T, Malformed> {
        if self.depth >= DEPTH_MAX {
            return Err(Malformed::new(self.chars.line, "commands are nested too deeply"));
        }
        self.depth += 1;
        // What is inside of a word has tokens of its own.
        let outer = self.next.take();
        let result = read(self);
        self.next = outer;
        self.depth -= 1;
        result
    }

    /// A text of its own inside of the script: backticks.
    pub(super) fn inner(&self, text: &str, line: usize) -> Result<Command, Malformed> {
        if self.depth >= DEPTH_MAX {
            return Err(Malformed::new(line, "commands are nested too deeply"));
        }
        let mut parser =
            Parser { chars: Chars::new(text, line), depth: self.depth + 1, heredocs: Vec::new(), next: None };
        parser.list_until("")
    }

    pub(super) fn read_heredocs(&mut self) {
        for heredoc in std::mem::take(&mut self.heredocs) {
            while self.chars.peek().is_some() {
                let line = self.chars.rest_of_line();
                self.chars.next();
                let line = if heredoc.strip { line.trim_start_matches('\t') } else { &line };
                if line == heredoc.end {
                    break;
                }
            }
        }
    }

    pub(super) fn peek(&mut self) -> Result<&Token, Malformed> {
        if self.next.is_none() {
            self.chars.skip_blanks();
            let line = self.chars.line;
            let token = self.token()?;
            self.next = Some((token, line));
        }
        Ok(self.next.as_ref().map_or(&Token::End, |(token, _)| token))
    }

    pub(super) fn take(&mut self) -> Result<Token, Malformed> {
        self.peek()?;
        Ok(self.next.take().map_or(Token::End, |(token, _)| token))
    }

    pub(super) fn line(&mut self) -> Result<usize, Malformed> {
        self.peek()?;
        Ok(self.next.as_ref().map_or(self.chars.line, |(_, line)| *line))
    }

    pub(super) fn wrong<T>(&mut self, message: impl Into<String>) -> Result<T, Malformed> {
        Err(Malformed::new(self.line()?, message))
    }

    pub(super) fn is_operator(&mut self, operator: &str) -> Result<bool, Malformed> {
        Ok(matches!(self.peek()?, Token::Operator(found) if *found == operator))
    }

    /// The reserved word that comes, if one does.
    pub(super) fn reserved(&mut self) -> Result<Option<String>, Malformed> {
        const WORDS: [&str; 17] = [
            "if", "then", "elif", "else", "fi", "case", "esac", "for", "while", "until", "do", "done", "in",
            "{", "}", "!", "function",
        ];
        Ok(match self.peek()? {
            Token::Word(word) => word.literal().filter(|text| WORDS.contains(text)).map(str::to_owned),
            Token::Operator(_) | Token::Newline | Token::End => None,
        })
    }

    pub(super) fn is_reserved(&mut self, word: &str) -> Result<bool, Malformed> {
        Ok(self.reserved()?.as_deref() == Some(word))
    }

    pub(super) fn expect(&mut self, word: &str) -> Result<(), Malformed> {
        self.skip_newlines()?;
        if self.is_reserved(word)? {
            self.take()?;
            return Ok(());
        }
        self.wrong(format!("`{word}` is missing"))
    }

    pub(super) fn skip_newlines(&mut self) -> Result<(), Malformed> {
        while matches!(self.peek()?, Token::Newline) {
            self.take()?;
        }
        Ok(())
    }

    /// Commands up to `)` (which is read) or, with an empty end, to the end of the text.
    pub(super) fn list_until(&mut self, end: &str) -> Result<Command, Malformed> {
        let list = self.list()?;
        match self.peek()? {
            Token::End if end.is_empty() => {}
            Token::Operator(found) if *found == end => {
                self.next = None;
            }
            Token::End => return self.wrong(format!("`{end}` is missing")),
            _ => return self.wrong("a command is expected here"),
        }
        Ok(list)
    }

    /// Commands up to something that can't begin one.
    pub(super) fn list(&mut self) -> Result<Command, Malformed> {
        self.skip_newlines()?;
        let line = self.line()?;
        let mut commands = Vec::new();
        loop {
            self.skip_newlines()?;
            if !self.begins_command()? {
                break;
            }
            let command = self.and_or()?;
            let line = command.line;
            match self.peek()? {
                Token::Operator("&") => {
                    self.take()?;
                    commands.push(Command { line, kind: Kind::Background(Box::new(command)) });
                }
                Token::Operator(";") => {
                    self.take()?;
                    commands.push(command);
                }
                Token::Newline => commands.push(command),
                _ => {
                    commands.push(command);
                    break;
                }
            }
        }
        Ok(Command { line, kind: Kind::List(commands) })
    }

    fn begins_command(&mut self) -> Result<bool, Malformed> {
        let closing = ["then", "elif", "else", "fi", "esac", "do", "done", "in", "}"];
        if self.reserved()?.is_some_and(|word| closing.contains(&word.as_str())) {
            return Ok(false);
        }
        Ok(match self.peek()? {
            Token::Word(_) => true,
            Token::Operator(operator) => *operator == "(" || is_redirect(operator),
            Token::Newline | Token::End => false,
        })
    }

    fn and_or(&mut self) -> Result<Command, Malformed> {
        let line = self.line()?;
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let joined = match self.peek()? {
                Token::Operator("&&") => Link::And,
                Token::Operator("||") => Link::Or,
                _ => break,
            };
            self.take()?;
            self.skip_newlines()?;
            rest.push((joined, self.pipeline()?));
        }
        if rest.is_empty() {
            return Ok(first);
        }
        Ok(Command { line, kind: Kind::AndOr { first: Box::new(first), rest } })
    }

    fn pipeline(&mut self) -> Result<Command, Malformed> {
        let line = self.line()?;
        if self.is_reserved("!")? {
            self.take()?;
            let command = self.deeper(Self::pipeline)?;
            return Ok(Command { line, kind: Kind::Not(Box::new(command)) });
        }
        let mut commands = vec![self.command()?];
        while self.is_operator("|")? || self.is_operator("|&")? {
            self.take()?;
            self.skip_newlines()?;
            commands.push(self.command()?);
        }
        match (commands.pop(), commands.is_empty()) {
            (Some(only), true) => Ok(only),
            (last, _) => {
                commands.extend(last);
                Ok(Command { line, kind: Kind::Pipeline(commands) })
            }
        }
    }

    pub(super) fn command(&mut self) -> Result<Command, Malformed> {
        self.deeper(Self::command_inside)
    }

    /// A command in a command: the tokens go on.
    fn deeper(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<Command, Malformed>,
    ) -> Result<Command, Malformed> {
        if self.depth >= DEPTH_MAX {
            return self.wrong("commands are nested too deeply");
        }
        self.depth += 1;
        let command = read(self);
        self.depth -= 1;
        command
    }

    pub(super) fn closing(&mut self) -> Result<(), Malformed> {
        if self.is_operator(")")? {
            self.take()?;
            return Ok(());
        }
        self.wrong("`)` is missing")
    }

    /// A number right before a redirection.
    pub(super) fn is_descriptor(&mut self) -> Result<bool, Malformed> {
        let number = matches!(self.peek()?, Token::Word(word) if is_number(word));
        Ok(number && matches!(self.chars.peek(), Some('<' | '>')))
    }

    pub(super) fn simple(&mut self, line: usize) -> Result<Command, Malformed> {
        let (mut assigns, mut words, mut redirects) = (Vec::new(), Vec::new(), Vec::new());
        let mut descriptor: Option<String> = None;
        loop {
            if self.is_descriptor()? {
                if let Token::Word(word) = self.take()? {
                    descriptor = word.literal().map(str::to_owned);
                }
                continue;
            }
            match self.peek()? {
                Token::Word(_) => {
                    let Token::Word(word) = self.take()? else { break };
                    match assignment(&word) {
                        Some((name, append, value)) if words.is_empty() => {
                            let empty = value.0.is_empty();
                            let array = empty && self.chars.peek() == Some('(');
                            assigns.push((name, if array { self.array()? } else { assigned(append, value) }));
                        }
                        _ if words.is_empty() && word.literal() == Some("[[") => {
                            words.push(word);
                            self.long_test(&mut words)?;
                        }
                        _ => words.push(word),
                    }
                }
                Token::Operator("(") if words.len() == 1 && assigns.is_empty() && redirects.is_empty() => {
                    let name = words.first().and_then(Word::literal).map(str::to_owned);
                    self.take()?;
                    self.closing()?;
                    let Some(name) = name else { return self.wrong("a function needs a plain name") };
                    return Ok(Command { line, kind: self.function(name)? });
                }
                Token::Operator(operator) if is_redirect(operator) => {
                    let operator = *operator;
                    self.take()?;
                    let target = self.target(operator)?;
                    redirects.push(Redirect { descriptor: descriptor.take(), operator, target });
                }
                Token::Operator(_) | Token::Newline | Token::End => break,
            }
        }
        Ok(Command { line, kind: Kind::Simple { assigns, words, redirects } })
    }

    /// `NAME=( ... )`, before the parenthesis.
    fn array(&mut self) -> Result<Assigned, Malformed> {
        self.take()?;
        loop {
            match self.take()? {
                Token::Operator(")") => return Ok(Assigned::Array),
                Token::Word(_) | Token::Newline => {}
                Token::Operator(_) | Token::End => return self.wrong("`)` of an array is missing"),
            }
        }
    }

    /// Words up to `]]`; what is an operator elsewhere is a word in here.
    fn long_test(&mut self, words: &mut Vec<Word>) -> Result<(), Malformed> {
        loop {
            match self.take()? {
                Token::Word(word) => {
                    let end = word.literal() == Some("]]");
                    words.push(word);
                    if end {
                        return Ok(());
                    }
                }
                Token::Operator(operator) => words.push(Word(vec![Part::Text(operator.to_owned())])),
                Token::Newline => {}
                Token::End => return self.wrong("`]]` is missing"),
            }
        }
    }

    /// What follows a redirection.
    pub(super) fn target(&mut self, operator: &str) -> Result<Word, Malformed> {
        let Token::Word(word) = self.take()? else { return self.wrong("a redirection leads nowhere") };
        if operator == "<<" || operator == "<<-" {
            let end: String = word.0.iter().map(plain_text).collect();
            self.heredocs.push(Heredoc { end, strip: operator == "<<-" });
        }
        Ok(word)
    }
}

/// The end of a here-document is taken without its quotes.
fn plain_text(part: &Part) -> String {
    match part {
        Part::Text(text) | Part::Quoted(text) => text.clone(),
        Part::Double(parts) => parts.iter().map(plain_text).collect(),
        Part::Parameter(parameter) => parameter.text.clone(),
        Part::Command { text, .. } => text.clone(),
        Part::Arithmetic(text) => format!("$(({text}))"),
    }
}

pub(super) fn is_redirect(operator: &str) -> bool {
    matches!(operator, "<" | ">" | ">>" | "<<" | "<<-" | "<<<" | "<&" | ">&" | "<>" | ">|" | "&>" | "&>>")
}

fn is_number(word: &Word) -> bool {
    word.literal().is_some_and(|text| text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit()))
}

fn assigned(append: bool, value: Word) -> Assigned {
    if append { Assigned::Append(value) } else { Assigned::Word(value) }
}

/// `NAME=` or `NAME+=` at the beginning of a word.
fn assignment(word: &Word) -> Option<(String, bool, Word)> {
    let Some(Part::Text(first)) = word.0.first() else { return None };
    let (name, value) = first.split_once('=')?;
    let (name, append) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !good {
        return None;
    }
    let mut parts = Vec::new();
    if !value.is_empty() {
        parts.push(Part::Text(value.to_owned()));
    }
    parts.extend(word.0.iter().skip(1).cloned());
    Some((name.to_owned(), append, Word(parts)))
}
