//! Conditions as most people write most of them, read without the grammar.
//!
//! ```text
//! user == "www-data" && cmdline contains "--port 80"     # names, comparisons with texts, one kind of joint
//! ```
//!
//! The grammar keeps all in mind that people write by habit, and was most of what a thousand short conditions cost. Whatever is
//! written otherwise isn't read here, wrong texts among it: who wants to know goes to the grammar. Tests compare both.

use crate::diagnostic::Span;
use crate::lang::ast::{CompareOp, Expr, Ident, Kind, Literal};

/// More comparisons, and longer names, are left to who counts nodes.
const MOST: usize = 16;

/// Words that are no names.
const RESERVED: [&str; 11] =
    ["true", "false", "and", "or", "not", "in", "like", "contains", "starts_with", "ends_with", "under"];

/// Those that compare with a text.
const COMPARISONS: [CompareOp; 7] = [
    CompareOp::Equal,
    CompareOp::NotEqual,
    CompareOp::Like,
    CompareOp::Contains,
    CompareOp::StartsWith,
    CompareOp::EndsWith,
    CompareOp::Under,
];

/// The tree of such a text. `None`: it is not such a text.
pub(super) fn read(text: &str) -> Option<Expr> {
    let mut reader = Reader { text, at: 0 };
    let mut items = vec![reader.comparison()?];
    let mut joint = None;
    while !reader.rest().is_empty() {
        let next = ["&&", "||"].into_iter().find(|joint| reader.rest().starts_with(joint))?;
        if *joint.get_or_insert(next) != next || items.len() >= MOST {
            return None;
        }
        reader.at += next.len();
        items.push(reader.comparison()?);
    }
    let span = items.first()?.span.to(items.last()?.span);
    match joint {
        None => items.pop(),
        Some("&&") => Some(Expr::new(Kind::And(items), span)),
        Some(_) => Some(Expr::new(Kind::Or(items), span)),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    fn skip_blanks(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start_matches(' ').len();
    }

    /// Goes on behind the next so many bytes, and blanks: where these stood.
    fn take(&mut self, length: usize) -> Span {
        let span = Span::new(self.at, self.at + length);
        self.at = span.end;
        self.skip_blanks();
        span
    }

    /// `name == "text"`, with the blanks around it.
    fn comparison(&mut self) -> Option<Expr> {
        self.skip_blanks();
        let left = self.name()?;
        let (op, op_span) = self.operator()?;
        let right = self.string()?;
        let span = left.span.to(right.span);
        let kind = Kind::Compare { op, op_span, left: Box::new(left), right: Box::new(right) };
        Some(Expr::new(kind, span))
    }

    fn name(&mut self) -> Option<Expr> {
        let written = self.until_blank()?;
        let mut words = Vec::new();
        let mut start = self.at;
        for word in written.split('.') {
            if !is_word(word) || words.len() >= MOST {
                return None;
            }
            let span = Span::new(start, start + word.len());
            words.push(Ident { text: word.to_owned(), span });
            start = span.end + 1;
        }
        let is_name = words.first().is_some_and(|word| !RESERVED.contains(&word.text.as_str()));
        let span = self.take(written.len());
        is_name.then(|| Expr::new(Kind::Name(words), span))
    }

    fn operator(&mut self) -> Option<(CompareOp, Span)> {
        let written = self.until_blank()?;
        let op = COMPARISONS.into_iter().find(|op| op.symbol() == written)?;
        Some((op, self.take(written.len())))
    }

    /// A text in which each character stands for itself.
    fn string(&mut self) -> Option<Expr> {
        let (text, _) = self.rest().strip_prefix('"')?.split_once('"')?;
        if text.contains(['\\', '$']) {
            return None;
        }
        let span = self.take(text.len() + 2);
        Some(Expr::new(Kind::Literal(Literal::String(text.as_bytes().to_vec(), false)), span))
    }

    fn until_blank(&self) -> Option<&'a str> {
        self.rest().split_once(' ').map(|(written, _)| written)
    }
}

fn is_word(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::lang::parse::by_grammar;

    /// What is read here is what the grammar says, places included.
    #[track_caller]
    fn agrees(text: &str) -> bool {
        let Some(read) = read(text) else { return false };
        let parsed = by_grammar(text);
        assert_eq!(parsed.diagnostics, [], "{text}");
        assert_eq!(parsed.expr, Some(read), "{text}");
        true
    }

    #[test]
    fn a_condition_as_people_write_it_is_evident() {
        for text in [
            "cmdline contains \"svc-00001\"",
            " user == \"www-data\"  &&   exe.path starts_with \"/usr/ü b#\" ",
            "name like \"a*\"||x.y_2 != \"\"",
            "_a under \"/\" && inner == \"(\"&& orange ends_with \"&& b\"",
            "pgrep == \"-u\"",
            "a == \"new\nline\"",
        ] {
            assert!(agrees(text), "{text}");
        }
    }

    #[test]
    fn what_only_the_grammar_can_tell_is_left_to_it() {
        for text in [
            "",
            "a",
            "a ==",
            "a == b",
            "a == 1",
            "a == \"b",
            "a == \"b\\n\"",
            "a == \"${b}\"",
            "a == \"b\".c",
            "a == \"b\"[0]",
            "a == \"b\" # c",
            "a == \"b\" ?? \"c\"",
            "a == \"b\" == \"c\"",
            "a == \"b\" && c == \"d\" || e == \"f\"",
            "a == \"b\" and c == \"d\"",
            "a == \"b\" &&",
            "!a == \"b\"",
            "not == \"b\"",
            "(a == \"b\")",
            "a(b) == \"c\"",
            "a..b == \"c\"",
            "1a == \"c\"",
            "a\t== \"c\"",
            "a = \"c\"",
            "a =~ \"c\"",
            "a in \"c\"",
            "\"a\" == \"c\"",
        ] {
            assert!(!agrees(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(crate::regressions::cases(2000))]

        #[test]
        fn what_is_evident_is_what_the_grammar_says(
            tokens in vec((
                prop::sample::select(vec![
                    "a ", "exe.path ", "in", "not ", "r", "r\"a\" ", "true ", "1", "..", "== ", "!= ", "contains ", "like ",
                    "starts_with ", "under ", "= ", "\"b\" ", "\"b\"", "\"\\\"\"", "\"$", "&& ", "&&", "|| ", "or ", "(", ")", "[0]",
                    ".c ", "# d", "\n", "\t", "é", "/b ", "+ ", "?? ", "@l ", "::1 ",
                ]),
                0usize..8,
            ), 0..5),
            mistakes in vec((any::<prop::sample::Index>(), "[ -~\n]", any::<bool>()), 0..2),
        ) {
            let whole = ["name == \"x\" ", "user.name contains \"y z\" ", "a like \"*\" && ", "b under \"/c\" || "];
            let mut text: String = tokens.iter().map(|(token, odd)| if *odd < 4 { whole[*odd] } else { *token }).collect();
            for (at, written, instead) in mistakes {
                if text.is_empty() || !text.is_ascii() {
                    break;
                }
                let at = at.index(text.len());
                text.replace_range(at..at + usize::from(instead), &written);
            }
            agrees(&text);
        }
    }
}
