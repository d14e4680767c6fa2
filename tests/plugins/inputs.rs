//! Inputs, lazy and eager, known and not; files; the time; the functions of the host.

use crate::wat::{HOST, Place, Wat, constant, echo, field, manifest, one};

const INPUT: &str = "(import \"selfsame\" \"input\" (func $input (param i32 i32 i32) (result i32)))";
const FILE: &str = "(import \"selfsame\" \"file\" (func $file (param i32 i32 i32 i32) (result i32)))";

/// Returns what the expression leaves at 300 000, so many bytes.
fn returning(length: &str) -> String {
    format!(
        "(func (export \"x\") (param i32 i32) (result i64)
            (i64.or (i64.shl (i64.const 300000) (i64.const 32)) (i64.extend_i32_u {length})))"
    )
}

/// Returns the number that the expression gives, as an int.
fn number(value: &str) -> String {
    format!(
        "(func (export \"x\") (param i32 i32) (result i64)
            (i64.store (i32.const 300001) (i64.extend_i32_s {value}))
            (i32.store8 (i32.const 300000) (i32.const 2))
            (i64.or (i64.shl (i64.const 300000) (i64.const 32)) (i64.const 9)))"
    )
}

#[test]
fn an_unknown_input_makes_the_value_unknown_without_a_call() {
    let plugin = one("map<string>", "\"env\"", &echo("x")).plugin();
    let place = Place::of(vec![plugin.clone()]);
    assert_eq!(place.ask("has(t.x[\"A\"])", 601), "denied: env of 601");
    assert_eq!(plugin.health().calls, 0);
    assert_eq!(place.ask("t.x[\"A\"] == \"b\"", 600), "true");
}

#[test]
fn an_optional_input_that_is_unknown_is_passed_with_its_reason() {
    let plugin = one("map<string>", r#"{"field": "env", "optional": true}"#, &echo("x")).plugin();
    let place = Place::of(vec![plugin.clone()]);
    assert!(place.ask("has(t.x[\"A\"])", 601).contains("`t` says: denied"), "the echo of it");
    assert_eq!(plugin.health().calls, 1);
}

#[test]
fn a_process_that_is_gone_is_gone_for_plugins_too() {
    let place = Place::of(vec![one("string", "\"comm\"", &echo("x")).plugin()]);
    assert!(place.ask("has(t.x)", 999).contains("vanished"));
}

#[test]
fn absent_inputs_are_absent() {
    let place = Place::of(vec![one("path", "\"exe.path\"", &echo("x")).plugin()]);
    assert_eq!(place.ask("t.x == \"/usr/bin/python3\"", 600), "true");
    let gone = HOST.replace("comm: third, argv: [x]", "comm: third, kernelThread: true");
    let place = Place::on(&gone, vec![one("path", "\"exe.path\"", &echo("x")).plugin()]);
    assert_eq!(place.ask("has(t.x)", 602), "false");
}

#[test]
fn a_lazy_input_is_read_when_it_is_asked_for() {
    // The second input, into 300 000.
    let lazy = r#""comm", {"field": "argv", "lazy": true}"#;
    let body = returning("(call $input (i32.const 1) (i32.const 300000) (i32.const 4096))");
    let place = Place::of(vec![one("list<string>", lazy, &body).importing(INPUT).plugin()]);
    assert_eq!(place.ask("t.x == argv && len(t.x) == 3", 600), "true");
    // One that doesn't fit is not written, and its length is told.
    let body = number("(call $input (i32.const 1) (i32.const 300000) (i32.const 4))");
    let place = Place::of(vec![one("int", lazy, &body).importing(INPUT).plugin()]);
    assert_eq!(place.ask("t.x == 5 + 5 + 7 + 5 + 2 + 5 + 4", 600), "true");
    let body = number("(call $input (i32.const 7) (i32.const 300000) (i32.const 4096))");
    let place = Place::of(vec![one("int", lazy, &body).importing(INPUT).plugin()]);
    assert_eq!(place.ask("t.x == -1", 600), "true");
}

#[test]
fn a_lazy_input_that_is_unknown_matters_only_if_it_is_asked_for() {
    let lazy = r#"{"field": "env", "lazy": true}"#;
    let asks = one("int", lazy, &number("(call $input (i32.const 0) (i32.const 300100) (i32.const 4096))"));
    let place = Place::of(vec![asks.importing(INPUT).plugin()]);
    assert_eq!(place.ask("has(t.x)", 601), "denied: env of 601");
    assert_eq!(place.ask("t.x > 10", 600), "true");
    let place = Place::of(vec![one("int", lazy, &number("(i32.const 3)")).importing(INPUT).plugin()]);
    assert_eq!(place.ask("t.x == 3", 601), "true");
}

/// A plugin that reads the file at this path.
fn reading(path: &str) -> Wat {
    let body = format!(
        "(data (i32.const 400000) \"{path}\")
         (func (export \"x\") (param i32 i32) (result i64) (local i32)
            (local.set 2 (call $file (i32.const 400000) (i32.const {}) (i32.const 300005) (i32.const 4096)))
            (if (i32.lt_s (local.get 2) (i32.const 0)) (then
                (i32.store8 (i32.const 300005) (i32.add (i32.const 48) (i32.sub (i32.const 0) (local.get 2))))
                (local.set 2 (i32.const 1))))
            (i32.store8 (i32.const 300000) (i32.const 3))
            (i32.store (i32.const 300001) (local.get 2))
            (i64.or (i64.shl (i64.const 300000) (i64.const 32))
                (i64.extend_i32_u (i32.add (local.get 2) (i32.const 5)))))",
        path.len()
    );
    let text = manifest(&field("string", ""), "")
        .replace("\"version\"", "\"files\": [\"/etc/app/*.conf\"], \"version\"");
    Wat::new(&text, &body).importing(FILE)
}

#[test]
fn granted_files_are_read_and_no_others() {
    let rows = [
        ("/etc/app/a.conf", "port=80"),
        ("/etc/app/none.conf", "1"),
        ("/etc/shadow", "3"),
        ("/etc/app/../shadow", "3"),
        // A link that leads out of what is granted.
        ("/etc/app/out.conf", "3"),
        ("etc/app/a.conf", "3"),
        ("/etc/app/sub/a.conf", "3"),
    ];
    for (path, content) in rows {
        let place = Place::of(vec![reading(path).plugin()]);
        assert_eq!(place.ask(&format!("t.x == \"{content}\""), 600), "true", "{path}");
    }
}

#[test]
fn the_time_is_that_of_the_look() {
    let import = "(import \"selfsame\" \"now\" (func $now (result i64)))";
    let body = "(func (export \"x\") (param i32 i32) (result i64)
        (i64.store (i32.const 300001) (call $now))
        (i32.store8 (i32.const 300000) (i32.const 7))
        (i64.or (i64.shl (i64.const 300000) (i64.const 32)) (i64.const 9)))";
    let plugin = one("time", "", body).importing(import).plugin();
    let place = Place::of(vec![plugin.clone()]);
    assert_eq!(place.ask("t.x == @2026-03-01T12:00:00Z", 600), "true");
    let timeless = HOST.replace("  now: 2026-03-01T12:00:00Z\n", "");
    let place = Place::on(&timeless, vec![plugin.clone()]);
    assert!(place.ask("has(t.x)", 600).contains("time of the look"), "{}", place.ask("has(t.x)", 600));
    assert_eq!(plugin.health().failures, 0);
}

#[test]
fn a_pure_function_has_no_time_and_no_files() {
    let import = "(import \"selfsame\" \"now\" (func $now (result i64)))";
    let function = r#"{"name": "f", "result": "int", "export": "f", "pure": true}"#;
    let body = "(func (export \"f\") (param i32 i32) (result i64) (call $now))";
    let place = Place::of(vec![Wat::new(&manifest("", function), body).importing(import).plugin()]);
    assert!(place.ask("t.f() == 1", 600).contains("`t` trapped (a pure function asked for the time)"));
}

#[test]
fn the_host_finds_splits_and_matches() {
    let find = "(import \"selfsame\" \"find\" (func $find (param i32 i32 i32 i32) (result i32)))";
    let split = "(import \"selfsame\" \"split\" (func $split (param i32 i32 i32 i32 i32) (result i32)))";
    let regex = "(import \"selfsame\" \"regex\" (func $regex (param i32 i32 i32 i32 i32 i32) (result i32)))";
    let data = "(data (i32.const 400000) \"a=1;bb=22;;\") (data (i32.const 410000) \"bb(=)(x)?([0-9]+)\") (data (i32.const 420000) \"(\")";
    let rows = [
        ("(call $find (i32.const 400000) (i32.const 11) (i32.const 400004) (i32.const 2))", 4),
        ("(call $find (i32.const 400000) (i32.const 11) (i32.const 410000) (i32.const 3))", -1),
        ("(call $find (i32.const 400000) (i32.const 11) (i32.const 410000) (i32.const 0))", 0),
        // Four parts, two fit.
        (
            "(call $split (i32.const 400000) (i32.const 11) (i32.const 59) (i32.const 300000) (i32.const 2))",
            4,
        ),
        ("(call $split (i32.const 400000) (i32.const 0) (i32.const 59) (i32.const 300000) (i32.const 2))", 1),
        (
            "(call $regex (i32.const 400000) (i32.const 11) (i32.const 410000) (i32.const 17) (i32.const 300000) (i32.const 9))",
            4,
        ),
        (
            "(call $regex (i32.const 400000) (i32.const 3) (i32.const 410000) (i32.const 17) (i32.const 300000) (i32.const 9))",
            0,
        ),
        (
            "(call $regex (i32.const 400000) (i32.const 3) (i32.const 420000) (i32.const 1) (i32.const 300000) (i32.const 9))",
            -1,
        ),
    ];
    for (call, result) in rows {
        let wat = one("int", "", &format!("{data} {}", number(call)));
        let place = Place::of(vec![wat.importing(find).importing(split).importing(regex).plugin()]);
        assert_eq!(place.ask(&format!("t.x == {result}"), 600), "true", "{call}");
    }
    // The offsets: `22` is the third group, the second takes no part.
    let offsets = format!(
        "{data} (func (export \"x\") (param i32 i32) (result i64)
            (drop (call $regex (i32.const 400000) (i32.const 11) (i32.const 410000) (i32.const 17) (i32.const 300005) (i32.const 9)))
            (i32.store8 (i32.const 300000) (i32.const 3))
            (i32.store (i32.const 300001) (i32.const 32))
            (i64.or (i64.shl (i64.const 300000) (i64.const 32)) (i64.const 37)))"
    );
    let place = Place::of(vec![one("string", "", &offsets).importing(regex).plugin()]);
    let wanted: Vec<u32> = vec![4, 5, 6, 1, u32::MAX, 0, 7, 2];
    let text: String =
        wanted.iter().flat_map(|n| n.to_le_bytes()).map(|byte| format!("\\x{byte:02x}")).collect();
    assert_eq!(place.ask(&format!("t.x == \"{text}\""), 600), "true");
}

#[test]
fn what_a_plugin_says_is_kept_for_who_asks() {
    let import = "(import \"selfsame\" \"log\" (func $log (param i32 i32 i32)))";
    let body = format!(
        "(data (i32.const 400000) \"half\\0aline\\1b[31m\")
         (func $say (param i32) (call $log (local.get 0) (i32.const 400000) (i32.const 14)))
         {} (func (export \"x\") (param i32 i32) (result i64) (local i32)
            (call $say (i32.const 3)) (call $say (i32.const 0)) (call $say (i32.const -5))
            (loop (call $say (i32.const 1)) (br_if 0 (i32.lt_s (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 500))))
            (i64.const {}))",
        constant("y", &[1, 1]),
        crate::wat::slice(crate::wat::RESULT_AT, 2)
    );
    let plugin = one("bool", "", &body).importing(import).plugin();
    let place = Place::of(vec![plugin.clone()]);
    assert_eq!(place.ask("t.x", 600), "true");
    let log = plugin.take_log();
    assert_eq!(log.len(), 16, "so many in one look");
    assert_eq!((log[0].level, log[1].level, log[2].level), (3, 0, 0));
    assert_eq!(log[0].text, "half line [31m");
    assert!(plugin.take_log().is_empty());
}
