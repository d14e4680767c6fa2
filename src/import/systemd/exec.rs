//! Command lines of units: prefixes, quoting, variables.

use std::collections::BTreeMap;

use crate::import::found::Place;
use crate::import::shell::{Doubt, Value};

/// What stands before the path in `ExecStart`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent prefixes, any of which may stand there")]
pub(super) struct Prefixes {
    /// `-`: a failure counts as a success.
    pub(super) ignores_failure: bool,
    /// `@`: the next word is `argv[0]`.
    pub(super) names_argv0: bool,
    /// `:`: variables stay what they are.
    pub(super) verbatim: bool,
    /// `+`: with all rights.
    pub(super) privileged: bool,
    /// `!` and `!!`: the program changes its user itself.
    pub(super) elevated: bool,
}

/// Takes the prefixes away.
pub(super) fn prefixes(line: &str) -> (Prefixes, &str) {
    let mut prefixes = Prefixes::default();
    let mut rest = line.trim_start();
    while let Some(c) = rest.chars().next() {
        match c {
            '-' => prefixes.ignores_failure = true,
            '@' => prefixes.names_argv0 = true,
            ':' => prefixes.verbatim = true,
            '+' => prefixes.privileged = true,
            '!' => prefixes.elevated = true,
            '|' => {}
            _ => break,
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
    }
    (prefixes, rest)
}

/// Splits into words: blanks, quotes at the beginning of a word or inside, C escapes.
///
/// # Errors
/// What is wrong with the quoting.
pub(super) fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        if chars.peek().is_none() {
            return Ok(words);
        }
        let mut word = String::new();
        let mut quote: Option<char> = None;
        while let Some(c) = chars.next() {
            match (c, quote) {
                (c, Some(open)) if c == open => quote = None,
                ('"' | '\'', None) => quote = Some(c),
                ('\\', _) => word.push_str(&escape(&mut chars)),
                (c, None) if c.is_whitespace() => break,
                (c, _) => word.push(c),
            }
        }
        if quote.is_some() {
            return Err("a quote is not closed".to_owned());
        }
        words.push(word);
    }
}

fn escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> String {
    match chars.next() {
        Some('n') => "\n".to_owned(),
        Some('t') => "\t".to_owned(),
        Some('r') => "\r".to_owned(),
        Some('s') => " ".to_owned(),
        Some('x') => {
            let hex: String = std::iter::from_fn(|| chars.next_if(char::is_ascii_hexdigit)).take(2).collect();
            let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
            code.map_or_else(|| format!("\\x{hex}"), String::from)
        }
        Some(c @ ('\\' | '"' | '\'')) => c.to_string(),
        Some(c) => format!("\\{c}"),
        None => "\\".to_owned(),
    }
}

/// Puts variables in: `$NAME` alone is a word for each of its words, `${NAME}` a part of one. `$$` is a dollar.
/// Variables whose value isn't known are doubts; those that aren't set are empty.
pub(super) fn substitute(
    words: &[String],
    variables: &BTreeMap<String, String>,
    unknown: Option<&str>,
    place: &Place,
) -> Vec<Value> {
    let value = |name: &str, text: &str| match (variables.get(name), unknown) {
        (Some(value), _) => Value::text(value.as_str()),
        (None, None) => Value::default(),
        (None, Some(why)) => {
            Value::doubt(Doubt { text: text.to_owned(), why: why.to_owned(), place: place.clone() })
        }
    };
    let mut out = Vec::new();
    for word in words {
        let whole = word.strip_prefix('$').filter(|name| is_name(name));
        if let Some(name) = whole {
            let value = value(name, word);
            match value.known() {
                Some(text) => out.extend(text.split_whitespace().map(Value::text)),
                None => out.push(value),
            }
            continue;
        }
        out.push(in_word(word, &value));
    }
    out
}

fn in_word(word: &str, value: &dyn Fn(&str, &str) -> Value) -> Value {
    let mut out = Value::default();
    let mut rest = word;
    while let Some((before, behind)) = rest.split_once('$') {
        out.push_text(before);
        if let Some(more) = behind.strip_prefix('$') {
            out.push_text("$");
            rest = more;
            continue;
        }
        match behind
            .strip_prefix('{')
            .and_then(|inner| inner.split_once('}'))
            .filter(|(name, _)| is_name(name))
        {
            Some((name, more)) => {
                out.push(&value(name, &format!("${{{name}}}")));
                rest = more;
            }
            None => {
                out.push_text("$");
                rest = behind;
            }
        }
    }
    out.push_text(rest);
    out
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn lines_are_split_as_systemd_does() {
        for (line, expected) in [
            ("/a b  c", vec!["/a", "b", "c"]),
            (r#"/a "b c" 'd "e'"#, vec!["/a", "b c", "d \"e"]),
            (r"/a \x41\sB \q", vec!["/a", "A B", "\\q"]),
            (r#"/a --x="1 2""#, vec!["/a", "--x=1 2"]),
        ] {
            assert_eq!(words(line).unwrap(), expected, "{line}");
        }
        assert!(words("/a 'b").is_err());
    }

    #[test]
    fn prefixes_are_taken_away() {
        let (found, rest) = prefixes("-@+/a b");
        assert_eq!(
            (found.ignores_failure, found.names_argv0, found.privileged, rest),
            (true, true, true, "/a b")
        );
        assert_eq!(prefixes("/a").0, Prefixes::default());
    }

    #[test]
    fn variables_are_put_in() {
        let variables = BTreeMap::from([("A".to_owned(), "1 2".to_owned()), ("E".to_owned(), String::new())]);
        let words: Vec<String> =
            ["/x", "$A", "${A}", "-p${A}", "$E", "$$A", "$B", "a$A"].map(str::to_owned).into();
        let put: Vec<String> =
            substitute(&words, &variables, None, &Place::default()).iter().map(Value::shown).collect();
        assert_eq!(put, ["/x", "1", "2", "1 2", "-p1 2", "$A", "a$A"]);
        let doubtful = substitute(&["$B".to_owned()], &variables, Some("why"), &Place::default());
        assert!(doubtful[0].first_doubt().is_some());
    }
}
