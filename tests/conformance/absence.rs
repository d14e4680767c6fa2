//! What is known not to exist, and what could not be read: two different things in every operator.

use crate::ask::{PID, about, host, rows};

/// cwd is absent, env has no `NO`; tty is none; execfn can't be read.
const FACTS: &str = "state: sleeping, startTicks: 100, exe: /usr/bin/perl, argv: [a, b], env: {A: \"1\"}, unreadable: {execfn: denied, user: nss, threads: malformed}";

#[test]
fn absent_makes_positive_comparisons_false_and_negative_ones_true() {
    about(
        &host("", FACTS),
        PID,
        &[
            ("env[\"NO\"] == \"1\"", "false"),
            ("env[\"NO\"] != \"1\"", "true"),
            ("limits[\"core\"].soft < 1", "false"),
            ("limits[\"core\"].soft >= 0", "false"),
            ("env[\"NO\"] =~ r\".*x\"", "false"),
            ("env[\"NO\"] !~ r\".*x\"", "true"),
            ("env[\"NO\"] like \"*\"", "false"),
            ("env[\"NO\"] in [\"1\"]", "false"),
            ("env[\"NO\"] not in [\"1\"]", "true"),
            ("env[\"NO\"] contains \"\"", "false"),
            ("env[\"NO\"] starts_with \"\"", "false"),
            ("env[\"NO\"] ends_with \"\"", "false"),
            ("cwd under \"/\"", "false"),
            ("cwd == \"/\"", "false"),
            ("cwd != \"/\"", "true"),
            ("cwd like \"**\"", "false"),
            ("argv[7] == \"x\"", "false"),
            ("argv[7] != \"x\"", "true"),
            ("argv[-7] == \"x\"", "false"),
            ("argv[-1] == \"b\"", "true"),
            ("tty == \"pts/0\"", "false"),
            ("tty != \"pts/0\"", "true"),
            ("managed_as == \"web\"", "false"),
            ("!(env[\"NO\"] == \"1\")", "true"),
            ("!(env[\"NO\"] != \"1\")", "false"),
            // Two absent values are not equal: nothing equals what doesn't exist.
            ("env[\"NO\"] == env[\"NEITHER\"]", "false"),
            ("env[\"NO\"] != env[\"NEITHER\"]", "true"),
        ],
    );
}

#[test]
fn has_known_and_the_default() {
    about(
        &host("", FACTS),
        PID,
        &[
            ("has(env[\"A\"])", "true"),
            ("has(env[\"NO\"])", "false"),
            ("!has(env[\"NO\"])", "true"),
            ("has(argv[1])", "true"),
            ("has(argv[2])", "false"),
            ("has(execfn)", "unknown; denied"),
            ("known(execfn)", "false"),
            ("known(env[\"NO\"])", "true"),
            ("known(exe)", "true"),
            ("!known(execfn)", "true"),
            ("env[\"NO\"] ?? \"x\" == \"x\"", "true"),
            ("env[\"A\"] ?? \"x\" == \"1\"", "true"),
            ("env[\"NO\"] ?? env[\"A\"] ?? \"x\" == \"1\"", "true"),
            // A default stands for what doesn't exist, not for what can't be read.
            ("execfn ?? \"/x\" == \"/x\"", "unknown; denied"),
            ("assume(execfn, \"/x\") == \"/x\"", "true"),
            ("assume(execfn == \"/x\", false)", "false"),
            ("assume(comm == \"x\", true)", "false"),
            ("threads ?? 1 == 1", "unknown; malformed"),
        ],
    );
}

#[test]
fn unknown_goes_through_the_connectives_as_kleene_says() {
    about(
        &host("", FACTS),
        PID,
        &[
            ("execfn == \"/x\"", "unknown; execfn; denied"),
            ("execfn != \"/x\"", "unknown; denied"),
            ("!(execfn == \"/x\")", "unknown; denied"),
            ("execfn == \"/x\" && false", "false"),
            ("false && execfn == \"/x\"", "false"),
            ("execfn == \"/x\" && argv[0] == \"z\"", "false"),
            ("execfn == \"/x\" && argv[0] == \"a\"", "unknown; denied"),
            ("execfn == \"/x\" || argv[0] == \"a\"", "true"),
            ("argv[0] == \"a\" || execfn == \"/x\"", "true"),
            ("execfn == \"/x\" || argv[0] == \"z\"", "unknown; denied"),
            ("execfn =~ r\"x+\"", "unknown; denied"),
            ("execfn like \"/x/*\"", "unknown; denied"),
            ("execfn in [\"/x\"]", "unknown; denied"),
            ("execfn not in [\"/x\"]", "unknown; denied"),
            ("execfn under \"/x\"", "unknown; denied"),
            ("threads > 1", "unknown; malformed"),
            ("user == \"root\"", "unknown; nss"),
            // Both are named.
            ("execfn == \"/x\" && threads > 1", "unknown; execfn; threads"),
            ("execfn == \"/x\" || threads > 1", "unknown; execfn; threads"),
            // What nothing depends on isn't named.
            ("(execfn == \"/x\" && argv[0] == \"z\") || threads > 1", "unknown; threads"),
        ],
    );
}

#[test]
fn every_reason_is_shown_by_its_word() {
    rows(&[
        ("unreadable: {cwd: denied}", "cwd == \"/\"", "unknown; denied"),
        ("unreadable: {cwd: timeout}", "cwd == \"/\"", "unknown; timeout"),
        ("unreadable: {cwd: malformed}", "cwd == \"/\"", "unknown; malformed"),
        ("unreadable: {cwd: truncated}", "cwd == \"/\"", "unknown; truncated"),
        ("unreadable: {cwd: unresolved}", "cwd == \"/\"", "unknown; unresolved"),
        ("unreadable: {cwd: nss}", "cwd == \"/\"", "unknown; nss"),
        ("unreadable: {cwd: plugin}", "cwd == \"/\"", "unknown; plugin"),
        ("unreadable: {cwd: budget}", "cwd == \"/\"", "unknown; budget"),
        ("unreadable: {cwd: vanished}", "cwd == \"/\"", "gone; vanished"),
        ("unreadable: {cwd: vanished}", "cwd == \"/\" && false", "false"),
        ("unreadable: {\"*\": denied}", "comm == \"x\"", "unknown; denied"),
        ("comm: x, unreadable: {\"*\": denied}", "comm == \"x\"", "true"),
        ("unreadable: {\"*\": vanished}", "comm == \"x\" || user == 0", "gone; vanished"),
        // Truncated arguments: nobody knows what follows.
        ("argv: [a, b], unreadable: {argv: truncated}", "argv[2] == \"b\"", "unknown; truncated"),
        ("argv: [a, b], unreadable: {argv: truncated}", "len(argv) == 2", "unknown; truncated"),
        ("argv: [a, --x=1], unreadable: {argv: truncated}", "flag(\"--y\")", "unknown; truncated"),
        ("argv: [a, b], unreadable: {argv: truncated}", "\"c\" in argv", "unknown; truncated"),
        ("argv: [a, b], unreadable: {argv: truncated}", "any(argv, x => x == \"c\")", "unknown; truncated"),
        ("argv: [a, b], unreadable: {argv: truncated}", "all(argv, x => x != \"c\")", "unknown; truncated"),
        ("argv: [a, b], unreadable: {argv: truncated}", "cmdline contains \"c\"", "unknown; truncated"),
    ]);
}

#[test]
fn zombies_threads_and_kernel_threads() {
    rows(&[
        ("state: zombie, comm: x", "comm == \"x\"", "true"),
        ("state: zombie, comm: x", "alive", "false"),
        ("state: zombie, comm: x", "has(exe) || has(argv[0]) || has(cwd)", "false"),
        ("state: zombie, comm: x", "leader_exited", "false"),
        (
            "state: zombie, tasks: [{tid: 709, state: sleeping}], exe: /usr/bin/perl",
            "alive && leader_exited",
            "true",
        ),
        (
            "state: zombie, tasks: [{tid: 709, state: sleeping}], exe: /usr/bin/perl",
            "exe == \"/usr/bin/perl\"",
            "true",
        ),
        ("state: zombie, tasks: [{tid: 709, state: zombie}]", "alive", "false"),
        ("state: zombie, unreadable: {tasks: denied}", "alive", "unknown; denied"),
        ("state: sleeping, unreadable: {tasks: denied}", "alive", "true"),
        ("state: dead", "alive", "false"),
        ("state: idle, kernelThread: true, comm: kworker/0:1", "kernel_thread && alive", "true"),
        ("state: idle, kernelThread: true, comm: kworker/0:1", "has(exe)", "false"),
        ("state: sleeping, argv: []", "kernel_thread", "false"),
        ("state: stopped", "state == stopped && alive", "true"),
        ("unreadable: {state: denied}", "alive", "unknown; denied"),
    ]);
}
