//! Commands that have others inside: conditions, loops, groups, functions.

use std::sync::Arc;

use super::lex::Token;
use super::parse::{Malformed, Parser, is_redirect};
use super::syntax::{Command, Kind};

impl Parser {
    pub(super) fn command_inside(&mut self) -> Result<Command, Malformed> {
        let line = self.line()?;
        let kind = match self.reserved()?.as_deref() {
            Some("if") => self.conditional()?,
            Some("case") => self.case()?,
            Some("for") => self.counted()?,
            Some(word @ ("while" | "until")) => {
                let until = word == "until";
                self.take()?;
                let condition = Box::new(self.list()?);
                let body = Box::new(self.body()?);
                Kind::While { until, condition, body }
            }
            Some("{") => {
                self.take()?;
                let list = self.list()?;
                self.expect("}")?;
                list.kind
            }
            Some("function") => {
                self.take()?;
                let Token::Word(name) = self.take()? else {
                    return self.wrong("the name of a function is missing");
                };
                if self.is_operator("(")? {
                    self.take()?;
                    self.closing()?;
                }
                self.function(name.literal().unwrap_or_default().to_owned())?
            }
            Some(other) => return self.wrong(format!("`{other}` is not expected here")),
            None if self.is_operator("(")? => {
                self.take()?;
                if self.chars.peek() == Some('(') {
                    return self.arithmetic_command(line);
                }
                let list = self.list()?;
                self.closing()?;
                Kind::Subshell(Box::new(list))
            }
            None => return self.simple(line),
        };
        let kind = self.redirected(line, kind)?;
        Ok(Command { line, kind })
    }

    /// `(( ... ))`, behind the first parenthesis.
    fn arithmetic_command(&mut self, line: usize) -> Result<Command, Malformed> {
        while self.chars.peek().is_some() && !self.chars.starts("))") {
            self.chars.next();
        }
        if self.chars.peek().is_none() {
            return Err(Malformed::new(line, "`((` is not closed"));
        }
        self.chars.skip(2);
        Ok(Command { line, kind: Kind::Arithmetic })
    }

    /// Redirections of a compound command say nothing about what is called in it.
    fn redirected(&mut self, line: usize, kind: Kind) -> Result<Kind, Malformed> {
        let mut inner = kind;
        loop {
            // `done 2>/dev/null`: the digit is a word here.
            if self.is_descriptor()? {
                self.take()?;
                continue;
            }
            let operator = match self.peek()? {
                Token::Operator(operator) if is_redirect(operator) => *operator,
                _ => return Ok(inner),
            };
            self.take()?;
            self.target(operator)?;
            inner = Kind::List(vec![Command { line, kind: inner }]);
        }
    }

    fn conditional(&mut self) -> Result<Kind, Malformed> {
        let mut arms = Vec::new();
        let mut otherwise = None;
        self.take()?;
        loop {
            let condition = self.list()?;
            self.expect("then")?;
            let body = self.list()?;
            arms.push((condition, body));
            match self.reserved()?.as_deref() {
                Some("elif") => {
                    self.take()?;
                }
                Some("else") => {
                    self.take()?;
                    otherwise = Some(Box::new(self.list()?));
                    self.expect("fi")?;
                    break;
                }
                _ => {
                    self.expect("fi")?;
                    break;
                }
            }
        }
        Ok(Kind::If { arms, otherwise })
    }

    fn case(&mut self) -> Result<Kind, Malformed> {
        self.take()?;
        let Token::Word(word) = self.take()? else { return self.wrong("`case` has no word") };
        self.expect("in")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.is_reserved("esac")? {
                self.take()?;
                break;
            }
            if self.is_operator("(")? {
                self.take()?;
            }
            let mut patterns = Vec::new();
            loop {
                let Token::Word(pattern) = self.take()? else {
                    return self.wrong("a pattern of `case` is missing");
                };
                patterns.push(pattern);
                if !self.is_operator("|")? {
                    break;
                }
                self.take()?;
            }
            self.closing()?;
            let body = self.list()?;
            arms.push((patterns, body));
            self.skip_newlines()?;
            if matches!(self.peek()?, Token::Operator(";;" | ";&" | ";;&")) {
                self.take()?;
            } else if !self.is_reserved("esac")? {
                return self.wrong("`;;` or `esac` is missing");
            }
        }
        Ok(Kind::Case { word, arms })
    }

    fn counted(&mut self) -> Result<Kind, Malformed> {
        self.take()?;
        if self.is_operator("(")? && self.chars.peek() == Some('(') {
            let line = self.line()?;
            self.take()?;
            let condition = Box::new(self.arithmetic_command(line)?);
            if self.is_operator(";")? {
                self.take()?;
            }
            let body = Box::new(self.body()?);
            return Ok(Kind::While { until: false, condition, body });
        }
        let Token::Word(name) = self.take()? else { return self.wrong("the variable of `for` is missing") };
        let name = name.literal().unwrap_or_default().to_owned();
        self.skip_newlines()?;
        let words = if self.is_reserved("in")? {
            self.take()?;
            let mut words = Vec::new();
            while let Token::Word(_) = self.peek()? {
                if let Token::Word(word) = self.take()? {
                    words.push(word);
                }
            }
            Some(words)
        } else {
            None
        };
        if self.is_operator(";")? {
            self.take()?;
        }
        let body = Box::new(self.body()?);
        Ok(Kind::For { name, words, body })
    }

    fn body(&mut self) -> Result<Command, Malformed> {
        self.expect("do")?;
        let list = self.list()?;
        self.expect("done")?;
        Ok(list)
    }

    pub(super) fn function(&mut self, name: String) -> Result<Kind, Malformed> {
        self.skip_newlines()?;
        let body = self.command()?;
        Ok(Kind::Function { name, body: Arc::new(body) })
    }
}
