//! Tables of files before and after, and the promises of the formatter for files by chance.

use proptest::prelude::*;

use crate::diagnostic::Source;
use crate::editor::{Formatted, apply, format, unified};
use crate::spec::{Service, SpecFile};

const HEAD: &str = "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: a}\nspec:\n  startas: /a\n";

fn formatted(text: &str) -> Formatted {
    format(&Source::new("t", text)).unwrap_or_else(|errors| panic!("{text}\n{errors:?}"))
}

/// Below `spec:`, in lines with their indentation.
#[track_caller]
fn check(before: &str, after: &str, remark: Option<&str>) {
    for (line_end, bom) in [("\n", ""), ("\r\n", "\u{feff}")] {
        let whole = |text: &str| format!("{bom}{}", format!("{HEAD}{text}").replace('\n', line_end));
        let (before, after) = (whole(before), whole(after));
        let found = formatted(&before);
        assert_eq!(found.text, after, "{before:?}");
        assert_eq!(apply(&before, &found.edits), after, "the edits give the text");
        let remarks: Vec<&str> = found.remarks.iter().map(|r| r.text.as_str()).collect();
        match remark {
            Some(part) => assert!(remarks.len() == 1 && remarks[0].contains(part), "{remarks:?}"),
            None => assert!(remarks.is_empty(), "{remarks:?}"),
        }
        assert_eq!(formatted(&after).edits, [], "a second time: {after:?}");
    }
}

#[test]
fn each_style_of_scalar_is_kept() {
    check(
        "  match: exe  == startas and user==\"a\"  \n",
        "  match: exe == startas && user == \"a\"  \n",
        None,
    );
    check("  match: 'not (user == \"it''s\")'\n", "  match: '!(user == \"it''s\")'\n", None);
    check("  match: \"user==\\\"a\\\"\" # why\n", "  match: \"user == \\\"a\\\"\" # why\n", None);
    check("  match: |\n    exe==startas\n", "  match: |\n    exe == startas\n", None);
    check(
        "  match: >-\n     exe==startas and\n     has(tty)\n",
        "  match: >-\n     exe == startas\n     && has(tty)\n",
        None,
    );
    check(
        "  match: |2\n      exe==startas\n  umask: 0022\n",
        "  match: |2\n    exe == startas\n  umask: 0022\n",
        None,
    );
}

#[test]
fn nothing_else_changes() {
    check(
        "  # exe==startas\n  args: [ 'a==b',   \"c and d\" ]\n  match:    exe==startas\n\n\n  env: {match: a==b}\n",
        "  # exe==startas\n  args: [ 'a==b',   \"c and d\" ]\n  match:    exe == startas\n\n\n  env: {match: a==b}\n",
        None,
    );
    check("  match: exe == startas", "  match: exe == startas", None);
    check("  match: exe==startas", "  match: exe == startas", None);
    check(
        "  match: |+\n    exe==startas\n\n\n  umask: 0022\n",
        "  match: |+\n    exe == startas\n\n\n  umask: 0022\n",
        None,
    );
}

#[test]
fn what_a_style_cannot_hold_goes_to_the_nearest_that_can() {
    check("  match: not has(tty)\n", "  match: '!has(tty)'\n", Some("in single quotes"));
    check(
        "  match: 'not has(tty) && user == \"it''s\"'\n",
        "  match: '!has(tty) && user == \"it''s\"'\n",
        None,
    );
    check(
        "  match: >\n    argv[0] == r\"a\n\n    b\" and alive\n",
        "  match: >\n    argv[0] == r\"a\n\n    b\" and alive\n",
        Some("YAML would read it differently"),
    );
}

#[test]
fn long_chains_in_blocks_have_one_operand_a_line() {
    let one = "cmdline contains \"a rather long text that stands here\"";
    check(
        &format!("  match: |\n    {one} and {one} and (alive or {one})\n"),
        &format!("  match: |\n    {one}\n    && {one}\n    && (alive || {one})\n"),
        None,
    );
    check(&format!("  match: {one} and {one}\n"), &format!("  match: {one} && {one}\n"), None);
    check(
        &format!("  match: {one}\n    and {one}\n"),
        &format!("  match: |\n    {one}\n    && {one}\n"),
        Some("now a block"),
    );
}

#[test]
fn comments_in_blocks_survive() {
    check(
        "  match: |\n    # who\n    exe==startas   # it\n    and alive\n",
        "  match: |\n    # who\n    exe == startas  # it\n    && alive\n",
        None,
    );
    check(
        "  match: |\n    exe==startas and (alive # why\n    or has(tty))\n",
        "  match: |\n    exe==startas and (alive # why\n    or has(tty))\n",
        Some("comment would get lost"),
    );
}

#[test]
fn documents_of_others_are_not_looked_into() {
    let text = "apiVersion: v1\nkind: Pod\nspec:\n  match: a==b\n---\n- match: a==b\n";
    assert_eq!(formatted(text).edits, []);
}

#[test]
fn definitions_and_what_tests_expect_are_formatted_too() {
    let text = |a: &str, b: &str, c: &str, d: &str| {
        format!(
            "apiVersion: selfsame/v1\nkind: Matcher\nmetadata: {{name: web}}\nspec:\n  define:\n    worker: {a}\n    instance:\n      params: {{port: int}}\n      expr: |\n        {b}\n  tests:\n    - name: a==b\n      expect:\n        {c}: true\n      process: {{uid: 0}}\n    - name: b\n      expect: {{{d}: unknown}}\n      process: {{uid: 0}}\n"
        )
    };
    let before = text("comm==\"a\"", "arg(\"--port\")==\"${port}\"", "worker and alive", "'instance( 80 )'");
    let after = text("comm == \"a\"", "arg(\"--port\") == \"${port}\"", "worker && alive", "'instance(80)'");
    let found = formatted(&before);
    assert_eq!(found.text, after);
    assert_eq!(formatted(&after).edits, []);
    let found = formatted(&text("alive", "alive", "not alive", "alive"));
    assert_eq!(found.text, text("alive", "alive", "'!alive'", "alive"));
    assert!(found.remarks[0].text.contains("in single quotes"), "{:?}", found.remarks);
}

#[test]
fn flow_mappings_keep_their_brackets() {
    let text = |m: &str| {
        format!(
            "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: a}}\nspec: {{startas: /a, match: {m}, umask: 0022}}\n"
        )
    };
    assert_eq!(formatted(&text("exe==startas")).text, text("exe == startas"));
    assert_eq!(formatted(&text("'user in [\"a\",\"b\"]'")).text, text("'user in [\"a\", \"b\"]'"));
    assert_eq!(formatted(&text("alive and not self")).text, text("alive && !self"));
}

#[test]
fn files_with_mistakes_are_left_alone_and_located() {
    for (text, code, line) in [
        ("  match: exe ==\n", "M102", 6),
        ("  match: |\n    exe == startas\n    && user == 'a\n", "M1", 8),
        ("  match: !alive\n", "Y006", 6),
        ("  match: alive # && self\n", "S050", 6),
    ] {
        let source = Source::new("t", format!("{HEAD}{text}"));
        let errors = format(&source).unwrap_err();
        let (at, _) = source.position(errors[0].span().unwrap().start);
        assert!(errors[0].code.0.starts_with(&code[..2]) && at == line, "{text} {errors:?}");
    }
}

#[test]
fn a_diff_shows_lines_and_their_surroundings() {
    let text =
        format!("{HEAD}  match: exe==startas\n  umask: 0022\n---\n{HEAD}  match: |\n    alive\n    and self");
    let found = formatted(&text);
    let diff = unified("a.yaml", &text, &found.edits);
    let expected = "\
--- a.yaml
+++ a.yaml (formatted)
@@ -3,7 +3,7 @@
 metadata: {name: a}
 spec:
   startas: /a
-  match: exe==startas
+  match: exe == startas
   umask: 0022
 ---
 apiVersion: selfsame/v1
@@ -13,4 +13,4 @@
   startas: /a
   match: |
     alive
-    and self
\\ No newline at end of file
+    && self
\\ No newline at end of file
";
    assert_eq!(diff, expected);
}

/// Expressions that people write, badly.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "alive",
        "user==\"www-data\"",
        "comm  in [\"a: b\",\"c # d\"]",
        "argv[1] =~ r\"^--id='\\d+$\"",
        "name == \"it's \\\"é\\\" 🦀\"",
        "age>1h30m",
        "any( ancestors,a=>a.comm==\"cron\" )",
        "env[\"K\"] ?? \"x\" == \"${startas}\"",
        "rss in 1KiB..2MiB",
        "cmdline contains \"a rather long text to make lines long enough to be broken\"",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 16, 3, |inner| {
        prop_oneof![
            (inner.clone(), prop::sample::select(vec![" and ", "||", " or\n", "\n&& "]), inner.clone())
                .prop_map(|(a, op, b)| format!("{a}{op}{b}")),
            inner.clone().prop_map(|a| format!("not ({a})")),
            inner.prop_map(|a| format!("( {a} )")),
        ]
    })
}

/// The expression as a scalar of some style below `spec:`.
fn written(text: &str, style: usize) -> String {
    let flat = text.replace('\n', " ");
    let lines = |indent: &str| text.replace('\n', &format!("\n{indent}"));
    match style {
        0 => format!("  match: '{}'\n", flat.replace('\'', "''")),
        1 => format!("  match: \"{}\"\n", flat.replace('\\', "\\\\").replace('"', "\\\"")),
        2 => format!("  match: |\n     {}\n  umask: 0022\n", lines("     ")),
        3 => format!("  match: >-\n    {}\n", lines("    ")),
        4 => format!("  match: {flat}\n"),
        5 => format!("  match: '{}'\n", text.replace('\'', "''").replace('\n', "\n      ")),
        _ => format!("  match: |  # why\n    # first\n    {}  # last\n", lines("    ")),
    }
}

fn services(text: &str) -> Vec<Service> {
    let file = SpecFile { name: "t".into(), directory: "/".into(), bytes: text.as_bytes().to_vec().into() };
    let loaded = crate::engine::sources::load_files(&[file], None, &crate::spec::NoModules, None, None);
    let mut services: Vec<Service> = loaded.services().cloned().collect();
    for service in &mut services {
        service.origin.digest = "".into();
        if let Some(narrow) = &mut service.narrow {
            let parsed = crate::lang::parse(&narrow.text);
            narrow.text = parsed.expr.map(|expr| expr.to_string()).unwrap_or_default();
        }
    }
    services
}

proptest! {
    #![proptest_config(crate::regressions::config())]

    #[test]
    fn formatting_is_idempotent_and_keeps_meaning_and_all_other_bytes(
        text in expression(), style in 0usize..7, crlf in any::<bool>(),
    ) {
        let mut text = format!("{HEAD}{}  # a==b\n", written(&text, style));
        if crlf {
            text = text.replace('\n', "\r\n");
        }
        let Ok(found) = format(&Source::new("t", text.as_str())) else { return Ok(()) };
        let again = format(&Source::new("t", found.text.as_str()));
        prop_assert_eq!(again.as_ref().map(|f| f.text.as_str()), Ok(found.text.as_str()));
        prop_assert_eq!(services(&text), services(&found.text));
        prop_assert!(found.edits.len() <= 1);
        for edit in &found.edits {
            let head = text.find("match:").unwrap();
            prop_assert!(edit.span.start > head && edit.span.end <= text.len() - "  # a==b".len());
        }
        let ends = |text: &str| (text.matches("\r\n").count(), text.matches('\n').count());
        let (carriage, all) = ends(&found.text);
        prop_assert!(carriage == if crlf { all } else { 0 }, "{:?}", found.text);
    }

    #[test]
    fn whatever_the_file_the_formatter_ends(text in "[ -~\n]{0,200}") {
        let _ = format(&Source::new("t", format!("{HEAD}  match: {text}")));
    }
}
