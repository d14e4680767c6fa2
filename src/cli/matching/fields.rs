//! `--fields`: columns of any type, taken apart at the commas and checked like an expression.

use super::Question;
use crate::diagnostic::{Diagnostic, Source};
use crate::lang::{Reading, Schema, codes, compile_reading};
use crate::process::candidate;
use crate::report::Column;
use crate::units::Pid;

/// A column that was asked for.
pub(super) type Field = Reading;

/// Compiles the list of an option, or none.
///
/// # Errors
/// What is wrong with the fields, each in a source of its own.
pub(super) fn compile(list: Option<&str>, schema: &Schema) -> Result<Vec<Field>, Vec<Diagnostic>> {
    let mut fields = Vec::new();
    let mut problems = Vec::new();
    for text in list.map(split).unwrap_or_default() {
        let compiled = compile_reading(text, schema);
        let source = Source::new("<field>", text);
        let errors = compiled.diagnostics.into_iter().filter(Diagnostic::is_error);
        problems.extend(errors.map(|problem| parted(problem, text).in_source(&source)));
        fields.extend(compiled.reading);
    }
    if problems.is_empty() { Ok(fields) } else { Err(problems) }
}

/// Columns with blanks between them read like an expression that lacks its operators.
fn parted(problem: Diagnostic, text: &str) -> Diagnostic {
    let words: Vec<&str> = text.split_whitespace().collect();
    if problem.code != codes::MISSING_OPERATOR {
        return problem;
    }
    problem.help(format!("part the columns by commas: `{}`", words.join(",")))
}

/// At the commas that stand in no brackets and no quotes.
fn split(list: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut quoted, mut escaped, mut begin) = (0_i32, false, false, 0);
    for (at, c) in list.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.extend(list.get(begin..at));
                begin = at + 1;
            }
            _ => {}
        }
    }
    parts.extend(list.get(begin..));
    parts.into_iter().map(str::trim).collect()
}

/// The values of the fields for these processes.
pub(super) fn read(question: &Question<'_>, fields: &[Field], pids: &[Pid]) -> Vec<Column> {
    let facts = question.vocabularies();
    let outcomes = |field: &Field| pids.iter().map(|pid| field.of(&candidate(*pid), &facts)).collect();
    fields.iter().map(|field| Column { name: field.text().to_owned(), outcomes: outcomes(field) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::expression::schema;

    #[test]
    fn fields_are_parted_at_outer_commas() {
        for (list, parts) in [
            ("pid", vec!["pid"]),
            ("pid, user ,exe.path", vec!["pid", "user", "exe.path"]),
            (r#"env["A,B"],len(argv)"#, vec![r#"env["A,B"]"#, "len(argv)"]),
            (r#"assume(user, "a"),env["\",\""]"#, vec![r#"assume(user, "a")"#, r#"env["\",\""]"#]),
            ("pid,", vec!["pid", ""]),
        ] {
            assert_eq!(split(list), parts, "{list}");
        }
    }

    #[test]
    fn every_field_is_checked_and_every_mistake_named() {
        let Ok(fields) =
            compile(Some(r#"pid,user,rss,exe.path,parent.comm,env["HOME"],limits["nofile"].soft"#), schema())
        else {
            unreachable!("all of them are fields")
        };
        assert_eq!(fields.len(), 7);
        let problems = compile(Some("pid,usr,env,"), schema()).err().unwrap_or_default();
        assert_eq!(problems.len(), 3, "{problems:?}");
        let problems = compile(Some("pid user"), schema()).err().unwrap_or_default();
        let help = problems.first().and_then(|problem| problem.help.as_deref()).unwrap_or_default();
        assert!(help.ends_with("`pid,user`"), "{problems:?}");
    }
}
