//! Typical mistakes: where they are pointed at, by which code, and the mend that is offered.

use selfsame::diagnostic::Source;
use selfsame::process::expression::compile_expression;
use selfsame::report::diagnostic_rows;

use crate::ask::Faults;

/// Code, line:column-endColumn and the mend of the first mistake.
fn first(expression: &str) -> (String, String) {
    let source = Source::new("<expression>", expression);
    let problems: Vec<_> =
        compile_expression(expression).diagnostics.into_iter().map(|d| d.in_source(&source)).collect();
    let Some(row) = diagnostic_rows(&problems).into_iter().next() else {
        return ("none".into(), String::new());
    };
    let number = |place: Option<usize>| place.unwrap_or(0);
    let place = format!("{}:{}-{}", number(row.line), number(row.column), number(row.end_column));
    let words = [Some(row.message), row.help].into_iter().flatten().collect::<Vec<_>>().join(" / ");
    (format!("{} {place}", row.code), words)
}

#[test]
fn each_mistake_is_met_with_its_mend() {
    let mut faults = Faults::default();
    for (expression, place, part) in [
        ("exe = \"/bin/sh\"", "M109 1:5-6", "`==`"),
        ("comm === \"x\"", "M109 1:6-9", "`==`"),
        ("comm <> \"x\"", "M109 1:6-8", "`!=`"),
        ("true & false", "M109 1:6-7", "`&&`"),
        ("true | false", "M109 1:6-7", "`||`"),
        ("proc.name == \"nginx\"", "M205 1:1-10", "`name`"),
        ("cmd == \"nginx\"", "M205 1:1-4", "argv"),
        ("uid == 0", "M205 1:1-4", "`user`"),
        ("comm == 'nginx'", "M110 1:9-16", "\"nginx\""),
        ("1 < 2 < 3", "M112 1:7-8", "&&"),
        ("argv == \"x\"", "M302 1:6-8", "any(argv, x => x == \"x\")"),
        ("argv != \"x\"", "M302 1:6-8", "any(argv, x => x != \"x\")"),
        ("rss > 5M", "M108 1:7-9", "MiB"),
        ("rss > 5K", "M108 1:7-9", "KiB"),
        ("comm == \"nginx", "M106 1:9-10", "\""),
        ("comm == nginx", "M203 1:9-14", "\"nginx\""),
        ("exe == /usr/bin/perl", "M114 1:8-21", "\"/usr/bin/perl\""),
        ("usr == \"root\"", "M203 1:1-4", "`user`"),
        ("exe == interpreter(startas) && usr == \"www-data\"", "M203 1:32-35", "`user`"),
        ("exe.pth == \"/x\"", "M203 1:5-8", "`exe.path`"),
        ("rnus(\"/x\")", "M201 1:1-5", "`runs`"),
        ("state == sleping", "M204 1:10-17", "`sleeping`"),
        ("user in @admins", "M202 1:9-16", "admins"),
        ("comm =~ \"[\"", "M308 1:9-12", ""),
        ("comm =~ comm", "M307 1:9-13", ""),
        ("comm", "M303 1:1-5", ""),
        ("1 + \"a\" == 2", "M311 1:1-8", ""),
        ("(true", "M105 1:1-2", "closing bracket"),
        ("true &&", "M103 1:8-8", ""),
        ("&& true", "M103 1:1-1", ""),
        ("", "M101", ""),
        ("   # nothing", "M101", ""),
        ("comm == \"\\q\"", "M107 1:10-12", ""),
        ("runs()", "M306 1:1-7", ""),
        ("runs(5)", "M305 1:6-7", ""),
        ("env == \"x\"", "M313 1:1-4", "env[\"KEY\"]"),
        ("threads == 9223372036854775808", "M315 1:12-31", ""),
        ("threads in 5..=1", "M316 1:12-17", ""),
        ("any(argv, x => any(argv, y => any(argv, z => z == \"\")))", "M404", "2"),
        ("alive\n&& usr == 1", "M203 2:4-7", "`user`"),
        ("comm == \"é\" && usr == 1", "M203 1:16-19", "`user`"),
    ] {
        let (is, words) = first(expression);
        if !is.starts_with(place) {
            faults.same(expression, &format!("{is} ({words})"), place);
        }
        if !words.contains(part) {
            faults.same(expression, &words, &format!("... {part} ..."));
        }
    }
    faults.none();
}

#[test]
fn other_words_for_the_signs_and_other_spellings_are_understood() {
    let mut faults = Faults::default();
    for expression in [
        "true and true",
        "true or false",
        "not false",
        "user == 33",
        "user == \"nobody-here\"",
        "comm =~ r\"^a\"",
        "(true)",
        "exe == interpreter(startas) && user == \"www-data\"",
        "runs(startas) && has_args(args)",
        "pidfile(pidfile)",
        "user == spec.user && cwd == spec.workingDirectory",
    ] {
        let problems = compile_expression(expression);
        let errors = problems.diagnostics.iter().filter(|d| d.is_error()).count();
        faults.same(expression, &errors.to_string(), "0");
    }
    faults.none();
}

#[test]
fn all_mistakes_are_reported_at_once() {
    let found = |text: &str| {
        compile_expression(text).diagnostics.iter().map(|d| d.code.0).collect::<Vec<_>>().join(" ")
    };
    let mut faults = Faults::default();
    faults.same("two names", &found("usr == \"a\" && com == \"b\""), "M203 M203");
    faults.same("sign and name", &found("exe = \"/x\" && usr == \"root\""), "M109 M203");
    faults.none();
}

#[test]
fn limits_are_kept() {
    let mut faults = Faults::default();
    let code = |text: &str| first(text).0.split(' ').next().unwrap_or_default().to_owned();
    faults.same("8 KiB", &code(&format!("comm == \"{}\"", "a".repeat(9000))), "M401");
    faults.same("depth 64", &code(&format!("{}true{}", "(".repeat(70), ")".repeat(70))), "M403");
    faults.same("negations", &code(&format!("{}true", "!".repeat(70))), "M403");
    faults.same("stars", &code("exe.path like \"/*/*/*/*/*/*/*/*/*\""), "M407");
    faults.same("program size", &code(r#"comm =~ r"(\w{200}){200}""#), "M406");
    faults.none();
}
