//! Words and signs of a text that need not be an expression yet: for editors, and to find comments.
//!
//! Never fails and never nests. What no rule of the grammar would take becomes a sign of its own.

use crate::diagnostic::Span;

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TokenKind {
    /// A name with its dots, also one that ends in a dot: `exe.path`, `exe.`
    Word,
    /// `@admins`
    ListName,
    /// Begins with a digit.
    Number,
    /// Quotes included; whether it is closed.
    Text {
        /// Its closing quote is there.
        closed: bool,
    },
    /// From `#` to the end of the line.
    Comment,
    /// An operator or a bracket.
    Sign,
}

/// A token and its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where it stands.
    pub span: Span,
}

impl Token {
    /// As written in `text`.
    pub fn text(self, text: &str) -> &str {
        text.get(self.span.start..self.span.end).unwrap_or_default()
    }
}

/// Longer ones first.
const SIGNS: [&str; 12] = ["..=", "&&", "||", "==", "!=", "=~", "!~", "<=", ">=", "=>", "??", ".."];

/// All tokens of a text, in order.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let blank = rest.len() - rest.trim_start().len();
        if blank > 0 {
            at += blank;
            continue;
        }
        let (kind, length) = token(rest);
        found.push(Token { kind, span: Span::new(at, at + length) });
        at += length;
    }
    found
}

/// The comments of a text.
pub fn comments(text: &str) -> Vec<Span> {
    let all = tokens(text).into_iter();
    all.filter(|token| token.kind == TokenKind::Comment).map(|token| token.span).collect()
}

fn token(rest: &str) -> (TokenKind, usize) {
    let first = rest.chars().next().unwrap_or_default();
    if let Some((closed, length)) = raw(rest).or_else(|| quoted(rest)) {
        return (TokenKind::Text { closed }, length);
    }
    match first {
        '#' => (TokenKind::Comment, rest.find('\n').unwrap_or(rest.len())),
        '@' if rest.get(1..).is_some_and(|name| name.starts_with(is_word_start)) => {
            (TokenKind::ListName, 1 + rest.get(1..).map_or(0, dotted))
        }
        c if is_word_start(c) => (TokenKind::Word, dotted(rest)),
        c if c.is_ascii_digit() => (TokenKind::Number, number(rest)),
        c => {
            let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign));
            (TokenKind::Sign, sign.map_or(c.len_utf8(), |sign| sign.len()))
        }
    }
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// A name goes on behind a dot, unless that begins a range.
fn dotted(rest: &str) -> usize {
    let mut length = 0;
    loop {
        let part = rest.get(length..).unwrap_or_default();
        length += part.find(|c| !is_word(c)).unwrap_or(part.len());
        let tail = rest.get(length..).unwrap_or_default();
        if !tail.starts_with('.') || tail.starts_with("..") {
            return length;
        }
        length += 1;
    }
}

fn number(rest: &str) -> usize {
    let mut before = '0';
    for (at, c) in rest.char_indices() {
        let next = rest.get(at + c.len_utf8()..).unwrap_or_default();
        let fraction = c == '.' && before != '.' && next.starts_with(|c: char| c.is_ascii_digit());
        if !is_word(c) && !fraction && c != '%' {
            return at;
        }
        before = c;
    }
    rest.len()
}

fn raw(rest: &str) -> Option<(bool, usize)> {
    let fenced = rest.strip_prefix('r')?;
    let hashes = fenced.bytes().take_while(|b| *b == b'#').count();
    let inside = fenced.get(hashes..)?.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    Some(match inside.find(&close) {
        Some(end) => (true, 2 + hashes + end + close.len()),
        None => (false, rest.len()),
    })
}

fn quoted(rest: &str) -> Option<(bool, usize)> {
    rest.strip_prefix('"')?;
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => {
                chars.next();
            }
            '"' => return Some((true, at + 1)),
            _ => {}
        }
    }
    Some((false, rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let found: Vec<&str> = tokens(text).into_iter().map(|token| token.text(text)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn texts_are_cut_where_the_grammar_cuts_them() {
        check("exe == interpreter(startas)", &["exe", "==", "interpreter", "(", "startas", ")"]);
        check("exe.path!~r#\"a\"b\"#", &["exe.path", "!~", "r#\"a\"b\"#"]);
        check("a in 1..=9 # b \"c\nd", &["a", "in", "1", "..=", "9", "# b \"c", "d"]);
        check("exe.", &["exe."]);
        check("age > 1.5h30m && x == 80%", &["age", ">", "1.5h30m", "&&", "x", "==", "80%"]);
        check("x == \"a\\\"#", &["x", "==", "\"a\\\"#"]);
        check("user in @web.admins", &["user", "in", "@web.admins"]);
        check("é‽", &["é", "‽"]);
        check("", &[]);
    }

    #[test]
    fn only_comments_are_comments() {
        assert_eq!(comments("a == \"#\" && r#\"#\"# == b"), []);
        assert_eq!(comments("a # b\n&& c"), [Span::new(2, 5)]);
    }
}
