//! Regular expressions and globs: literals, compiled once, here.

use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};
use regex::bytes::{Regex, RegexBuilder, RegexSetBuilder};

use super::Checker;
use crate::diagnostic::{Diagnostic, Span};
use crate::lang::ast::{CompareOp, Expr, Kind as Ast, Literal};
use crate::lang::codes;
use crate::lang::ir::{Kind, Node};
use crate::lang::print::quote;
use crate::lang::value::{Type, Value};

/// Largest compiled regular expression, bytes.
pub(in crate::lang) const REGEX_MAX: usize = 1 << 20;
/// Most stars of a glob; each run of them counts once.
pub(in crate::lang) const STARS_MAX: usize = 8;

impl Checker<'_> {
    pub(super) fn regex(&mut self, left: &Expr, right: &Expr, span: Span) -> Option<Node> {
        let left_node = self.infer(left);
        let text = left_node.and_then(|node| self.textual(node, CompareOp::Matches));
        let pattern = self.pattern(right, "=~", r#"r"^--id=\d+$""#)?;
        let regex = self.compile_regex(&pattern, right.span);
        let (text, regex) = (text?, regex?);
        self.plain_regex(&pattern, &text, right.span);
        Some(Node::new(Kind::Regex { text: Box::new(text), regex }, Type::Bool, span))
    }

    pub(super) fn glob(&mut self, left: &Expr, right: &Expr, span: Span) -> Option<Node> {
        let left_node = self.infer(left);
        let text = left_node.and_then(|node| self.textual(node, CompareOp::Like));
        let pattern = self.pattern(right, "like", r#""/srv/*/bin/**""#)?;
        let text = text?;
        let glob = self.compile_glob(&pattern, text.ty == Type::Path, right.span)?;
        Some(Node::new(Kind::Glob { text: Box::new(text), glob }, Type::Bool, span))
    }

    fn pattern(&mut self, expr: &Expr, operator: &str, example: &str) -> Option<String> {
        if let Ast::Literal(Literal::String(bytes, _)) = &expr.kind
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            return Some(text.to_owned());
        }
        let message = format!("`{operator}` needs a literal pattern on its right");
        let help = format!("write it out, for example `{operator} {example}`, or compare with `==`");
        let _ = self.infer(expr);
        self.fail(codes::PATTERN_LITERAL, expr.span, message, "not a literal string", help)
    }

    fn compile_regex(&mut self, pattern: &str, span: Span) -> Option<Regex> {
        match RegexBuilder::new(pattern).size_limit(REGEX_MAX).build() {
            Ok(regex) => Some(regex),
            // Who writes `*.py` thinks of file names.
            Err(_) if pattern.starts_with('*') => {
                let help = format!("write `like {}` for a pattern of names", quote(pattern.as_bytes()));
                self.fail(
                    codes::REGEX,
                    span,
                    "not a regular expression: nothing to repeat before `*`",
                    "a glob",
                    help,
                )
            }
            Err(error) => self.regex_error(&error, span),
        }
    }

    fn regex_error<T>(&mut self, error: &regex::Error, span: Span) -> Option<T> {
        if let regex::Error::CompiledTooBig(_) = error {
            let message = "the regular expression is larger than 1 MiB when compiled";
            let help = "repeat less, or write `[0-9]` and `[a-z]` for `\\d` and `\\w`";
            return self.fail(codes::REGEX_TOO_LARGE, span, message, "too large", help);
        }
        let shown = error.to_string();
        let reason = shown.lines().last().unwrap_or_default().trim_start_matches("error: ").trim();
        let message = format!("not a regular expression: {}", reason.to_lowercase());
        self.fail(
            codes::REGEX,
            span,
            message,
            "not well formed",
            "escape special characters with `\\` in a raw string `r\"...\"`",
        )
    }

    fn compile_glob(&mut self, pattern: &str, path: bool, span: Span) -> Option<GlobMatcher> {
        let stars = pattern.split(|c| c != '*').filter(|run| !run.is_empty()).count();
        if stars > STARS_MAX {
            let message = format!("the glob has {stars} stars, at most {STARS_MAX} are allowed");
            return self.fail(
                codes::TOO_MANY_STARS,
                span,
                message,
                "too many",
                "use `**` for several levels of directories",
            );
        }
        match GlobBuilder::new(pattern).literal_separator(path).backslash_escape(true).build() {
            Ok(glob) => Some(glob.compile_matcher()),
            Err(error) => {
                let message = format!("not a glob: {}", error.kind().to_string().to_lowercase());
                self.fail(
                    codes::GLOB,
                    span,
                    message,
                    "not well formed",
                    "escape special characters with `\\\\`",
                )
            }
        }
    }

    /// A pattern that an operator without patterns does as well says less than that operator.
    fn plain_regex(&mut self, pattern: &str, text: &Node, span: Span) {
        let (start, rest) = pattern.strip_prefix('^').map_or((false, pattern), |rest| (true, rest));
        let (end, inner) = rest.strip_suffix('$').map_or((false, rest), |rest| (true, rest));
        if inner.is_empty() || regex::escape(inner) != inner {
            return;
        }
        let operator = match (start, end) {
            (true, true) => "==",
            (true, false) => "starts_with",
            (false, true) => "ends_with",
            (false, false) => "contains",
        };
        let left = self.text(text.span);
        self.report(
            Diagnostic::warning(codes::PLAIN_REGEX, "this regular expression has no metacharacters")
                .at(span, "plain text")
                .help(format!("write `{left} {operator} {}`", quote(inner.as_bytes()))),
        );
    }

    /// `matches_any(text, patterns)`: regular expressions, one automaton for all.
    pub(super) fn matches_any(&mut self, text: Node, patterns: &Node, span: Span) -> Option<Node> {
        let text = self.textual(text, CompareOp::Matches)?;
        let Some(Value::List(values)) = patterns.constant() else {
            let help = "write `matches_any(s, [r\"...\", r\"...\"])`, or name a list: `@patterns`";
            let message = "`matches_any` needs a list of patterns that is known at once";
            return self.fail(codes::PATTERN_LITERAL, patterns.span, message, "not a list of literals", help);
        };
        let sources: Option<Vec<&str>> = values
            .iter()
            .map(|value| crate::lang::core::bytes(value).and_then(|bytes| std::str::from_utf8(bytes).ok()))
            .collect();
        let Some(sources) = sources else {
            let message = "`matches_any` needs a list of strings";
            let label = format!("this is of type {}", patterns.ty);
            return self.fail(
                codes::ARGUMENT_TYPE,
                patterns.span,
                message,
                label,
                "write `[r\"...\", r\"...\"]`",
            );
        };
        match RegexSetBuilder::new(sources).size_limit(REGEX_MAX).build() {
            Ok(set) => {
                let kind = Kind::MatchesAny { text: Box::new(text), patterns: Arc::new(set) };
                let node = Node::new(kind, Type::Bool, span);
                Some(self.fold(node))
            }
            Err(error) => self.regex_error(&error, patterns.span),
        }
    }
}
