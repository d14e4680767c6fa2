//! Conditions that need no grammar: names, or elements of what they name, compared with texts, joined by `&&`, read at once.
//!
//! ```text
//! exe.path == "/srv/web" && argv[1] == "--port=80"
//! ```
//!
//! Many documents have no others, and the grammar, which tries at each place whatever may stand there, takes more time than all
//! else that is done with them. Whatever is written otherwise isn't read here, mistakes among it. A property test compares what is
//! read here with what the grammar reads.

use super::number;
use crate::diagnostic::Span;
use crate::lang::ast::{CompareOp, Expr, Ident, Kind, Literal};

/// More conditions are left to who counts nodes.
const MOST: usize = 64;

/// Words that name nothing where a name begins: `reserved` of the grammar.
const RESERVED: [&str; 11] =
    ["true", "false", "and", "or", "not", "in", "like", "contains", "starts_with", "ends_with", "under"];

/// The operators with one spelling, whose right side may be a text.
const OPERATORS: [CompareOp; 9] = [
    CompareOp::Equal,
    CompareOp::NotEqual,
    CompareOp::Matches,
    CompareOp::NotMatches,
    CompareOp::Like,
    CompareOp::Contains,
    CompareOp::StartsWith,
    CompareOp::EndsWith,
    CompareOp::Under,
];

/// The tree of such a text. `None`: it is not such a text.
pub(super) fn read(text: &str) -> Option<Expr> {
    let mut reader = Reader { text, at: 0 };
    let first = reader.comparison()?;
    let mut span = first.span;
    let mut all = vec![first];
    while !reader.rest().is_empty() {
        reader.take("&&").filter(|_| all.len() < MOST)?;
        let next = reader.comparison()?;
        span = span.to(next.span);
        all.push(next);
    }
    if all.len() == 1 { all.pop() } else { Some(Expr::new(Kind::And(all), span)) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// Goes on behind a part of this length: where it stands.
    fn pass(&mut self, length: usize) -> Span {
        let begin = self.at;
        self.at += length;
        Span::new(begin, self.at)
    }

    fn skip_layout(&mut self) {
        let rest = self.rest();
        self.pass(rest.len() - rest.trim_start_matches([' ', '\n']).len());
    }

    /// Where this token stands, if it stands here.
    fn take(&mut self, token: &str) -> Option<Span> {
        self.rest().starts_with(token).then(|| self.pass(token.len()))
    }

    /// A condition, with the layout around its parts.
    fn comparison(&mut self) -> Option<Expr> {
        self.skip_layout();
        let name = self.name()?;
        let left = self.element(name)?;
        self.skip_layout();
        // Whatever goes on behind it isn't the beginning of a text.
        let (op, op_span) = OPERATORS.into_iter().find_map(|op| Some((op, self.take(op.symbol())?)))?;
        self.skip_layout();
        let right = self.string()?;
        self.skip_layout();
        let span = left.span.to(right.span);
        Some(Expr::new(Kind::Compare { op, op_span, left: Box::new(left), right: Box::new(right) }, span))
    }

    fn name(&mut self) -> Option<Expr> {
        let first = self.word().filter(|word| !RESERVED.contains(&word.text.as_str()))?;
        let mut span = first.span;
        let mut words = vec![first];
        while self.take(".").is_some() {
            let word = self.word()?;
            span = span.to(word.span);
            words.push(word);
        }
        Some(Expr::new(Kind::Name(words), span))
    }

    /// The element of a list that is named by its place, where one is.
    fn element(&mut self, base: Expr) -> Option<Expr> {
        if self.take("[").is_none() {
            return Some(base);
        }
        let rest = self.rest();
        let digits = rest.get(..rest.find(|c: char| !c.is_ascii_digit())?)?;
        let place = Kind::Literal(number::number(digits).ok()?);
        let index = Box::new(Expr::new(place, self.pass(digits.len())));
        let span = base.span.to(self.take("]")?);
        Some(Expr::new(Kind::Index { base: Box::new(base), index }, span))
    }

    fn word(&mut self) -> Option<Ident> {
        let rest = self.rest();
        let length = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let text = rest.get(..length)?;
        let begins = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        begins.then(|| Ident { text: text.to_owned(), span: self.pass(length) })
    }

    /// A text in which each character stands for itself.
    fn string(&mut self) -> Option<Expr> {
        let (inside, _) = self.rest().strip_prefix('"')?.split_once('"')?;
        if inside.contains(['\\', '$']) {
            return None;
        }
        let literal = Literal::String(inside.as_bytes().to_vec(), false);
        Some(Expr::new(Kind::Literal(literal), self.pass(inside.len() + 2)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    #[test]
    fn conditions_on_texts_are_read_here_and_nothing_else() {
        for text in [
            "cmdline contains \"svc-1\"",
            " exe.path\n== \"/srv/ü\" && name!=\"a b\"&&argv like \"\" \n",
            "argv[2] == \"b\" && a.b[0]!=\"c\"",
            "a.in =~ \"^x\" && b !~\"y\" && c starts_with \"z\" && d ends_with \"z\" && e under\"/\"",
        ] {
            assert!(read(text).is_some(), "{text}");
        }
        for text in [
            "",
            "a == 1",
            "a == \"${b}\"",
            "a == \"\\n\"",
            "a == r\"b\"",
            "a === \"b\"",
            "a == \"b\" == \"c\"",
            "a == \"b\" &&",
            "a == \"b\" & c == \"d\"",
            "a == \"b\" || c == \"d\"",
            "!a == \"b\"",
            "f(a) == \"b\"",
            "a[ 1] == \"b\"",
            "a[-1] == \"b\"",
            "a[] == \"b\"",
            "a[1s] == \"b\"",
            "a[1].b == \"b\"",
            "a[1][2] == \"b\"",
            "a[1",
            "a[99999999999999999999] == \"b\"",
            "in == \"b\"",
            "a in \"b\"",
            "a # c\n== \"b\"",
            "a == \"b",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        assert_eq!(read(&vec!["a == \"b\""; MOST].join(" && ")).map(|_| ()), Some(()));
        assert_eq!(read(&vec!["a == \"b\""; MOST + 1].join(" && ")), None);
    }

    fn text() -> impl Strategy<Value = String> {
        let names = [
            "exe",
            "exe.path",
            "e",
            "r",
            "in",
            "a.in",
            "true",
            "not",
            "contains",
            "_x9.y.z",
            "ps",
            "9",
            "argv[2]",
            "a.b[00]",
            "a[9z]",
            "a[1.5]",
            "a[1][2]",
            "in[1]",
            "a[99999999999999999999]",
        ];
        let operators = [
            "==",
            "!=",
            "=~",
            "!~",
            "like",
            "contains",
            "starts_with",
            "ends_with",
            "under",
            "in",
            "not in",
            "<",
            "===",
            "=",
            "matches",
            "..",
        ];
        let strings =
            ["\"\"", "\"a b\"", "\"ü#'\n\"", "\"$x\"", "\"${x}\"", "\"\\\"\"", "r\"x\"", "'x'", "1", "x"];
        let layouts = ["", " ", "\n", "  ", "\t", " # c\n"];
        let joins = ["&&", "&&", "&&", "&", "||", "and", ")", "[1]", ".x", ".."];
        let layout = move || select(layouts.to_vec());
        let condition = (
            (layout(), select(names.to_vec()), layout()),
            (select(operators.to_vec()), layout(), select(strings.to_vec()), layout()),
            select(joins.to_vec()),
        );
        proptest::collection::vec(condition, 1..4).prop_map(|conditions| {
            let mut text = String::new();
            for ((before, name, behind), (operator, between, string, end), join) in conditions {
                text.extend([before, name, behind, operator, between, string, end, join]);
            }
            // Sometimes the last join stays, as a mistake.
            if text.len().is_multiple_of(5) {
                text
            } else {
                text.strip_suffix("&&").unwrap_or(&text).to_owned()
            }
        })
    }

    proptest! {
        #![proptest_config(crate::regressions::cases(4096))]

        #[test]
        fn what_is_read_here_is_what_the_grammar_reads(text in text()) {
            if let Some(expr) = read(&text) {
                let mut diagnostics = Vec::new();
                prop_assert_eq!(super::super::whole(&text, &mut diagnostics), Some(expr));
                prop_assert!(diagnostics.is_empty(), "{:?}", diagnostics);
            }
        }
    }
}
