//! Conditions that need no grammar: what is named or called, compared with what is written plainly, joined by `&&` and `||`, read at
//! once.
//!
//! ```text
//! exe.path == "/srv/web" && arg("--port") == "80" && !kernel_thread || age > 5s && user in ["a", "b"]
//! ```
//!
//! Most conditions have no other parts, and the grammar, which tries at each place whatever may stand there, takes more time than all
//! else that is done with them. Whatever is written otherwise isn't read here, parentheses, comments and mistakes among it. A property
//! test compares what is read here with what the grammar reads.

use super::{RESERVED, number};
use crate::diagnostic::Span;
use crate::lang::ast::{Argument, CompareOp, Expr, Ident, Kind, Literal};

/// More names and literals are left to who counts nodes.
const PARTS_MAX: usize = 256;
/// What stands deeper is left to who counts levels.
const DEPTH_MAX: usize = 8;

/// The operators with one spelling, longer ones before their beginnings.
const OPERATORS: [CompareOp; 14] = [
    CompareOp::Equal,
    CompareOp::NotEqual,
    CompareOp::Matches,
    CompareOp::NotMatches,
    CompareOp::LessEqual,
    CompareOp::Less,
    CompareOp::GreaterEqual,
    CompareOp::Greater,
    CompareOp::In,
    CompareOp::Like,
    CompareOp::Contains,
    CompareOp::StartsWith,
    CompareOp::EndsWith,
    CompareOp::Under,
];

/// The tree of such a text. `None`: it is not such a text.
pub(super) fn read(text: &str) -> Option<Expr> {
    let mut reader = Reader { text, at: 0, parts: 0, depth: 0 };
    let expr = reader.either()?;
    reader.rest().is_empty().then_some(expr)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Names and literals so far.
    parts: usize,
    /// Brackets and negations around.
    depth: usize,
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

    /// A name or literal that isn't one too many.
    fn part(&mut self, kind: Kind, span: Span) -> Option<Expr> {
        self.parts += 1;
        (self.parts <= PARTS_MAX).then(|| Expr::new(kind, span))
    }

    /// Whatever stands inside of one more level.
    fn inside<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        let found = if self.depth > DEPTH_MAX { None } else { read(self) };
        self.depth -= 1;
        found
    }

    fn either(&mut self) -> Option<Expr> {
        self.joined("||", Kind::Or, |reader| reader.joined("&&", Kind::And, Self::condition))
    }

    /// What is joined by an operator, or the only one.
    fn joined(
        &mut self,
        operator: &str,
        all: fn(Vec<Expr>) -> Kind,
        one: impl Fn(&mut Self) -> Option<Expr>,
    ) -> Option<Expr> {
        let first = one(self)?;
        if !self.rest().starts_with(operator) {
            return Some(first);
        }
        let mut span = first.span;
        let mut items = vec![first];
        while self.take(operator).is_some() {
            let next = one(self)?;
            span = span.to(next.span);
            items.push(next);
        }
        Some(Expr::new(all(items), span))
    }

    /// A condition, with the layout around its parts.
    fn condition(&mut self) -> Option<Expr> {
        self.skip_layout();
        if let Some(not) = self.take("!") {
            let inner = self.inside(Self::condition)?;
            let span = not.to(inner.span);
            return Some(Expr::new(Kind::Not(Box::new(inner)), span));
        }
        let left = self.operand()?;
        self.skip_layout();
        let Some((op, op_span)) = self.operator() else { return Some(left) };
        self.skip_layout();
        let right = self.operand()?;
        self.skip_layout();
        let span = left.span.to(right.span);
        Some(Expr::new(Kind::Compare { op, op_span, left: Box::new(left), right: Box::new(right) }, span))
    }

    /// Whatever goes on behind an operator isn't the beginning of an operand; a word could.
    fn operator(&mut self) -> Option<(CompareOp, Span)> {
        let rest = self.rest();
        let op = OPERATORS.into_iter().find(|op| rest.starts_with(op.symbol()))?;
        let behind = rest.get(op.symbol().len()..)?;
        let whole = !op.symbol().ends_with(in_word) || !behind.starts_with(in_word);
        whole.then(|| (op, self.pass(op.symbol().len())))
    }

    fn operand(&mut self) -> Option<Expr> {
        let rest = self.rest();
        if rest.starts_with('"') {
            self.string()
        } else if rest.starts_with("r\"") {
            self.raw_string()
        } else if rest.starts_with(|c: char| c.is_ascii_digit()) {
            self.number()
        } else if let Some(open) = self.take("[") {
            let (items, close) = self.row("]")?;
            Some(Expr::new(Kind::List(items), open.to(close)))
        } else {
            self.named()
        }
    }

    /// What a name stands for, one of its elements, or what it answers when it is called.
    fn named(&mut self) -> Option<Expr> {
        let (words, span) = self.name()?;
        if self.take("(").is_some() {
            let (values, close) = self.row(")")?;
            let arguments = values.into_iter().map(|value| Argument { name: None, value }).collect();
            return self.part(Kind::Call { function: words, arguments }, span.to(close));
        }
        let base = self.part(Kind::Name(words), span)?;
        if self.take("[").is_none() {
            return Some(base);
        }
        let index = if self.rest().starts_with('"') { self.string() } else { self.number() }?;
        let span = base.span.to(self.take("]")?);
        Some(Expr::new(Kind::Index { base: Box::new(base), index: Box::new(index) }, span))
    }

    /// Operands with commas between them, at least one, and the bracket that closes their row.
    fn row(&mut self, close: &str) -> Option<(Vec<Expr>, Span)> {
        self.inside(|reader| {
            let mut items = Vec::new();
            loop {
                reader.skip_layout();
                items.push(reader.operand()?);
                reader.skip_layout();
                match reader.take(close) {
                    Some(close) => return Some((items, close)),
                    None => reader.take(",")?,
                };
            }
        })
    }

    fn name(&mut self) -> Option<(Vec<Ident>, Span)> {
        let first = self.word()?;
        // `NOT` is a negation to whoever writes it, wherever a name may begin.
        if first.text == "NOT" || RESERVED.contains(&first.text.as_str()) {
            return None;
        }
        let mut span = first.span;
        let mut words = vec![first];
        while self.take(".").is_some() {
            let word = self.word()?;
            span = span.to(word.span);
            words.push(word);
        }
        Some((words, span))
    }

    fn word(&mut self) -> Option<Ident> {
        let text = self.word_ahead();
        let begins = text.starts_with(|c: char| !c.is_ascii_digit());
        begins.then(|| Ident { text: text.to_owned(), span: self.pass(text.len()) })
    }

    fn word_ahead(&self) -> &'a str {
        let rest = self.rest();
        rest.get(..rest.find(|c| !in_word(c)).unwrap_or(rest.len())).unwrap_or_default()
    }

    /// A number without a point, with its unit if it has one.
    fn number(&mut self) -> Option<Expr> {
        let digits = self.word_ahead();
        if !digits.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let span = self.pass(digits.len());
        let span = self.take("%").map_or(span, |percent| span.to(percent));
        let literal = number::number(self.text.get(span.start..span.end)?).ok()?;
        self.part(Kind::Literal(literal), span)
    }

    /// A text in which each character stands for itself.
    fn string(&mut self) -> Option<Expr> {
        let (inside, _) = self.rest().strip_prefix('"')?.split_once('"')?;
        if inside.contains(['\\', '$']) {
            return None;
        }
        let span = self.pass(inside.len() + r#""""#.len());
        self.part(Kind::Literal(Literal::String(inside.as_bytes().to_vec(), false)), span)
    }

    fn raw_string(&mut self) -> Option<Expr> {
        let (inside, _) = self.rest().strip_prefix("r\"")?.split_once('"')?;
        let span = self.pass(inside.len() + r#"r"""#.len());
        self.part(Kind::Literal(Literal::String(inside.as_bytes().to_vec(), true)), span)
    }
}

/// `word_char` of the grammar.
fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
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
            "a == r\"\\d$\" || !b && ! !c == d || e",
            "age>5s && rss<=512MiB && cpu>=1_0%",
            "exe == interpreter(startas) && runs( \"a\" , b[\"c\"] ) && d in [1, 2s ,f(x)]",
            "\"a\" in b && 0x1f==c && d==e[1]",
        ] {
            assert!(read(text).is_some(), "{text}");
        }
        for text in [
            "",
            "(a)",
            "a == \"${b}\"",
            "a == \"\\n\"",
            "a == r#\"b\"#",
            "a === \"b\"",
            "a == \"b\" == \"c\"",
            "a == \"b\" &&",
            "a == \"b\" & c == \"d\"",
            "a == \"b\" and c == \"d\"",
            "!",
            "not a",
            "NOT(a)",
            "a[ 1] == \"b\"",
            "a[-1] == \"b\"",
            "a[] == \"b\"",
            "a[1x] == \"b\"",
            "a[1].b == \"b\"",
            "a[1][2] == \"b\"",
            "a[1",
            "a[99999999999999999999] == \"b\"",
            "f()",
            "f(a,)",
            "f(a: b)",
            "f(a => b)",
            "f(a == b)",
            "f (a)",
            "f(a).b",
            "f(a",
            "a in []",
            "a in [1,]",
            "a in 1..2",
            "a == 1.5s",
            "a == 10.0.0.1",
            "a == -1",
            "a == 5 s",
            "a == 010",
            "in == \"b\"",
            "a == true",
            "a liker\"b\"",
            "a under1",
            "a <> b",
            "a # c\n== \"b\"",
            "a == \"b",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
        let row = |length| vec!["a == \"b\""; length].join(" && ");
        assert_eq!(read(&row(PARTS_MAX / 2)).map(|_| ()), Some(()));
        assert_eq!(read(&row(PARTS_MAX / 2 + 1)), None);
        let nested = |depth| ["f(".repeat(depth), "a".to_owned(), ")".repeat(depth)].concat();
        assert_eq!(read(&nested(DEPTH_MAX)).map(|_| ()), Some(()));
        assert_eq!(read(&nested(DEPTH_MAX + 1)), None);
    }

    /// Operands as they are written, right, wrong and left to the grammar.
    const OPERANDS: [&str; 52] = [
        "exe",
        "exe.path",
        "e",
        "r",
        "in",
        "a.in",
        "true",
        "not",
        "NOT",
        "NOT(a)",
        "NOT.x",
        "a.NOT",
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
        "env[\"A\"]",
        "a[r\"b\"]",
        "\"\"",
        "\"a b\"",
        "\"ü#'\n\"",
        "\"$x\"",
        "\"${x}\"",
        "\"\\\"\"",
        "r\"x\\\"",
        "r#\"x\"#",
        "'x'",
        "5s",
        "512MiB",
        "1.5GiB",
        "50%",
        "0x1f",
        "010",
        "5x",
        "10.0.0.1",
        "-1",
        "@users",
        "f(a)",
        "f( \"a\" ,g(1s))",
        "f(a, b: c)",
        "f(x => x)",
        "f()",
        "[a, \"b\"]",
        "[1 ,2,]",
        "(a)",
    ];
    const OPERATORS: [&str; 24] = [
        "==",
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
        "<=",
        ">",
        ">=",
        "<>",
        "===",
        "=",
        "matches",
        "..",
        "+",
        "??",
        " && ",
    ];
    const LAYOUTS: [&str; 6] = ["", " ", "\n", "  ", "\t", " # c\n"];
    const JOINS: [&str; 11] = ["&&", "&&", "&&", "||", "||", "&", "and", ")", "[1]", ".x", ".."];

    fn text() -> impl Strategy<Value = String> {
        let layout = || select(&LAYOUTS[..]);
        let condition = (
            (layout(), select(&["", "", "", "!", "! !", "not "][..]), select(&OPERANDS[..]), layout()),
            (select(&OPERATORS[..]), layout(), select(&OPERANDS[..]), layout()),
            select(&JOINS[..]),
        );
        proptest::collection::vec(condition, 1..4).prop_map(|conditions| {
            let mut text = String::new();
            for ((before, not, left, behind), (operator, between, right, end), join) in conditions {
                text.extend([before, not, left, behind, operator, between, right, end, join]);
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
