//! Literals, operators and how tightly they bind.

use crate::ask::{PID, about, constants, host};

#[test]
fn literals_mean_what_they_say() {
    constants(&[
        (r#""a\x62c" == "abc""#, "true"),
        (r#""\u{e9}" == "é""#, "true"),
        (r#""\t" == "	""#, "true"),
        (r#"r"\d" == "\\d""#, "true"),
        (r##"r#"a"b"# == "a\"b""##, "true"),
        ("1_000 == 1000 && 0x1f == 31 && 0o755 == 493", "true"),
        ("1KiB == 1024B && 1KB == 1000B && 1.5GiB == 1536MiB", "true"),
        ("1MiB > 1MB", "true"),
        ("90s == 1m30s && 250ms < 1s && 7d == 168h", "true"),
        ("1h30m == 90m", "true"),
        ("@2026-01-02T03:04:05Z < @2026-01-02T03:04:06Z", "true"),
        ("@2026-01-02T03:04:05Z + 1s == @2026-01-02T03:04:06Z", "true"),
        ("80% < 90%", "true"),
        ("cidr_contains(10.0.0.0/8, 10.1.2.3)", "true"),
        ("cidr_contains(10.0.0.0/8, 11.1.2.3)", "false"),
        ("::1 == ::1", "true"),
        ("true # a comment\n&& true", "true"),
        ("9223372036854775807 > 0", "true"),
        ("2 - 5 == -3", "true"),
    ]);
}

#[test]
fn operators_bind_as_documented() {
    constants(&[
        ("true || false && false", "true"),
        ("(true || false) && false", "false"),
        ("false && false || true", "true"),
        ("!false && false", "false"),
        ("!(false && false)", "true"),
        ("!true || true", "true"),
        // `!` is looser than a comparison.
        ("!1 == 2", "true"),
        ("! 1 == 1", "false"),
        ("!!true", "true"),
        // `??` is tighter than a comparison, and `+` is tighter still.
        ("1 + 1 == 2", "true"),
        ("1 + 2 - 3 == 0", "true"),
        ("env[\"NO\"] ?? \"a\" == \"a\"", "true"),
        // Words for the signs.
        ("true and not false or false", "true"),
        ("not true", "false"),
    ]);
}

const APP: &str = "state: sleeping, exe: /usr/bin/perl, argv: [app, --port=80, \"\", --name, ann, --, --late], cwd: /opt/app, env: {A: \"1\", E: \"\"}, \
    user: www-data, group: www-data, comm: app, threads: 4, nice: -5, rss: 48MiB, groups: [www-data, adm]";

#[test]
fn texts_are_compared_by_bytes() {
    about(
        &host("", APP),
        PID,
        &[
            ("comm == \"app\"", "true"),
            ("comm != \"app\"", "false"),
            ("comm in [\"x\", \"app\"]", "true"),
            ("comm not in [\"x\", \"app\"]", "false"),
            ("comm in []", "false"),
            ("comm contains \"pp\"", "true"),
            ("comm starts_with \"ap\"", "true"),
            ("comm ends_with \"pp\"", "true"),
            ("comm starts_with \"\"", "true"),
            ("comm =~ r\"^a.p$\"", "true"),
            ("comm =~ r\"p{2}\"", "true"),
            ("comm !~ r\"^p\"", "true"),
            ("comm =~ r\"(?i)^APP$\"", "true"),
            ("comm like \"a*\"", "true"),
            ("comm like \"b*\"", "false"),
            ("comm == \"APP\"", "false"),
            ("lower(\"ABC\") == \"abc\" && upper(\"abc\") == \"ABC\"", "true"),
            ("lower(\"ÄB\") == \"Äb\"", "true"),
        ],
    );
}

#[test]
fn under_and_like_respect_components() {
    about(
        &host("", APP),
        PID,
        &[
            ("cwd under \"/opt/app\"", "true"),
            ("cwd under \"/opt\"", "true"),
            ("cwd under \"/\"", "true"),
            ("cwd under \"/opt/ap\"", "false"),
            ("cwd under \"/opt/app/\"", "true"),
            ("cwd under \"/opt/app/x\"", "false"),
            ("cwd under \"/opt/app2\"", "false"),
            ("exe under \"/usr/bin\"", "true"),
            ("exe.path under \"/usr\"", "true"),
            ("exe.path like \"/usr/*/perl\"", "true"),
            ("exe.path like \"/usr/*\"", "false"),
            ("exe.path like \"/usr/**\"", "true"),
            ("exe.path like \"/*/perl\"", "false"),
            ("exe like \"/usr/bin/p?rl\"", "true"),
            ("exe like \"/usr/bin/{perl,python3}\"", "true"),
            ("exe like \"/usr/bin/[a-p]erl\"", "true"),
            ("dirname(exe.path) == \"/usr/bin\"", "true"),
            ("basename(exe.path) == \"perl\"", "true"),
        ],
    );
}

#[test]
fn numbers_sizes_and_accounts() {
    about(
        &host("", APP),
        PID,
        &[
            (
                "threads == 4 && threads != 5 && threads < 5 && threads <= 4 && threads > 3 && threads >= 4",
                "true",
            ),
            ("threads in 1..=4", "true"),
            ("threads in 1..4", "false"),
            ("threads in 5..=9", "false"),
            ("nice == -5", "true"),
            ("nice < 0", "true"),
            ("nice + 10 > 0", "true"),
            ("rss == 48MiB", "true"),
            ("rss in ..512MiB", "true"),
            ("rss in 50MB..", "true"),
            ("rss + 16MiB == 64MiB", "true"),
            ("user == \"www-data\"", "true"),
            ("user == 33", "true"),
            ("33 == user", "true"),
            ("user != \"root\"", "true"),
            ("user in [\"root\", \"www-data\"]", "true"),
            ("user in [\"root\", 33]", "true"),
            ("user not in [0, 1000]", "true"),
            ("group == \"www-data\" && group == 33", "true"),
            ("user == uid(\"www-data\")", "true"),
            ("state == sleeping", "true"),
            ("state != running", "true"),
            ("state in [sleeping, idle]", "true"),
            ("groups contains \"adm\"", "true"),
            ("\"adm\" in groups", "true"),
            ("\"root\" not in groups", "true"),
            ("exe.mode == 0o755", "true"),
            ("exe.owner == \"root\"", "true"),
            ("exe.nlink == 1", "true"),
        ],
    );
}

#[test]
fn a_number_beyond_64_bits_is_unknown_at_run_time() {
    about(
        &host("", "threads: 2, state: sleeping"),
        PID,
        &[("threads + 9223372036854775807 > 0", "unknown"), ("9223372036854775807 - threads > 0", "true")],
    );
}
