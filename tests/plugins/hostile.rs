//! Plugins that mean harm. Each costs its own values, says so by its name, and nothing else.

use std::time::Duration;

use selfsame::plugin::{Look, Plugin};

use crate::wat::{Place, Wat, constant, echo, field, manifest, one, processor_time, slice};

/// What the field is, of a plugin with this export `x`.
fn value(body: &str) -> String {
    asked(&one("string", "\"comm\"", body))
}

#[track_caller]
fn asked(wat: &Wat) -> String {
    let place = Place::of(vec![wat.plugin()]);
    let begun = processor_time();
    let answer = place.ask("has(t.x)", 600);
    // About a millisecond; on a machine with much to do others may have the processor for longer than that.
    let took = processor_time().saturating_sub(begun);
    assert!(took < Duration::from_secs(10), "{took:?}");
    answer
}

fn doing(instructions: &str) -> String {
    format!("(func (export \"x\") (param i32 i32) (result i64) (local i32) {instructions})")
}

#[test]
fn endless_loops_end() {
    let long = "plugin: `t` took longer than a call may take (about 1 ms)";
    assert_eq!(value(&doing("(loop (br 0)) (i64.const 0)")), long);
    // Without a branch back: calls of each other.
    let pair = "(func $a (param i32) (if (local.get 0) (then (call $b (local.get 0)) (call $b (local.get 0)))))
        (func $b (param i32) (if (local.get 0) (then
            (call $a (i32.sub (local.get 0) (i32.const 1))) (call $a (i32.sub (local.get 0) (i32.const 1))))))";
    assert_eq!(value(&format!("{pair} {}", doing("(call $a (i32.const 60)) (i64.const 0)"))), long);
    // Work that one instruction does.
    let fill = "(loop (memory.fill (i32.const 0) (i32.const 7) (i32.const 500000)) (br 0)) (i64.const 0)";
    assert_eq!(value(&doing(fill)), long);
    let copy = "(loop (memory.copy (i32.const 0) (i32.const 1) (i32.const 500000)) (br 0)) (i64.const 0)";
    assert_eq!(value(&doing(copy)), long);
}

#[test]
fn host_functions_have_fuel_too() {
    let long = "plugin: `t` took longer than a call may take (about 1 ms)";
    let rows = [
        (
            "(import \"selfsame\" \"find\" (func $h (param i32 i32 i32 i32) (result i32)))",
            "(i32.const 0) (i32.const 500000) (i32.const 1) (i32.const 200000)",
        ),
        (
            "(import \"selfsame\" \"split\" (func $h (param i32 i32 i32 i32 i32) (result i32)))",
            "(i32.const 0) (i32.const 500000) (i32.const 0) (i32.const 0) (i32.const 60000)",
        ),
        (
            "(import \"selfsame\" \"regex\" (func $h (param i32 i32 i32 i32 i32 i32) (result i32)))",
            "(i32.const 0) (i32.const 500000) (i32.const 1024) (i32.const 3) (i32.const 0) (i32.const 4)",
        ),
        (
            "(import \"selfsame\" \"input\" (func $h (param i32 i32 i32) (result i32)))",
            "(i32.const 0) (i32.const 0) (i32.const 0)",
        ),
        (
            "(import \"selfsame\" \"file\" (func $h (param i32 i32 i32 i32) (result i32)))",
            "(i32.const 0) (i32.const 9) (i32.const 0) (i32.const 0)",
        ),
    ];
    for (import, arguments) in rows {
        let body = doing(&format!("(loop (drop (call $h {arguments})) (br 0)) (i64.const 0)"));
        assert_eq!(asked(&one("string", "\"comm\"", &body).importing(import)), long, "{import}");
    }
    let log = "(import \"selfsame\" \"log\" (func $h (param i32 i32 i32)))";
    let body = doing("(loop (call $h (i32.const 0) (i32.const 0) (i32.const 1000)) (br 0)) (i64.const 0)");
    assert_eq!(asked(&one("string", "\"comm\"", &body).importing(log)), long);
}

#[test]
fn memory_has_an_end() {
    // Growing fails as it does in other machines, and the plugin may go on.
    let grow = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
        (i32.store8 (i32.const 300000) (i32.const 0)) (i64.const 0x493e000000001)";
    assert_eq!(value(&doing(grow)), "false");
    let all = "(if (i32.ne (memory.grow (i32.const 65000)) (i32.const -1)) (then unreachable)) (i64.const 0x493e000000001)";
    assert_eq!(value(&doing(all)), "false");
    let table = format!(
        "(table $t 1 funcref) {}",
        doing(
            "(if (i32.ne (table.grow $t (ref.null func) (i32.const 100000)) (i32.const -1)) (then unreachable)) (i64.const 0x493e000000001)"
        )
    );
    assert_eq!(value(&table), "false");
    let touch = "(loop (i32.store (local.get 2) (i32.const 1)) (local.set 2 (i32.add (local.get 2) (i32.const 65536))) (br 0)) (i64.const 0)";
    assert!(value(&doing(touch)).starts_with("plugin: `t` trapped (out of bounds memory access)"));
}

#[test]
fn depth_has_an_end() {
    let recursion = format!(
        "(func $r (param i32) (call $r (local.get 0)) (drop (i32.const 1))) {}",
        doing("(call $r (i32.const 0)) (i64.const 0)")
    );
    assert!(value(&recursion).contains("`t` trapped (call stack exhausted)"), "{}", value(&recursion));
    // Frames as large as they come.
    let locals = "(local i64) ".repeat(2_000);
    let bomb = format!(
        "(func $r (param i32) {locals} (call $r (local.get 0)) (drop (i32.const 1))) {}",
        doing("(call $r (i32.const 0)) (i64.const 0)")
    );
    assert!(value(&bomb).contains("`t` trapped (call stack exhausted)"), "{}", value(&bomb));
    // Through a table, and nested as deep as a text can be.
    let indirect = format!(
        "(type $f (func)) (table 1 funcref) (elem (i32.const 0) $r) (func $r (call_indirect (type $f) (i32.const 0)) (drop (i32.const 1))) {}",
        doing("(call $r) (i64.const 0)")
    );
    assert!(value(&indirect).contains("`t` trapped"), "{}", value(&indirect));
    let blocks = format!("{}{}", "block ".repeat(3_000), "end ".repeat(3_000));
    assert_eq!(value(&format!("{} (func {blocks})", constant("x", &[0]))), "false");
}

#[test]
fn traps_in_the_middle() {
    let rows = [
        ("unreachable", "`t` trapped (wasm `unreachable` instruction executed)"),
        (
            "(drop (i32.div_s (i32.const 1) (local.get 2))) (i64.const 0)",
            "`t` trapped (integer divide by zero)",
        ),
        ("(drop (i32.load (i32.const -4))) (i64.const 0)", "`t` trapped (out of bounds memory access)"),
        ("(drop (i32.trunc_f32_s (f32.const nan))) (i64.const 0)", "`t` trapped ("),
        ("(call_indirect (i32.const 0)) (i64.const 0)", "`t` trapped ("),
    ];
    for (instructions, words) in rows {
        let answer = value(&format!("(table 1 funcref) {}", doing(instructions)));
        assert!(answer.contains(words), "{instructions}: {answer}");
    }
}

#[test]
fn results_that_are_none() {
    let rows: [(&str, &[u8], &str); 21] = [
        ("string", b"", "the result ends in the middle of a value"),
        ("string", b"\x03", "the result ends in the middle of a value"),
        ("string", b"\x03\xff\xff\xff\xff", "the result ends in the middle of a value"),
        ("string", b"\x03\x01\0\0\0ab", "1 bytes follow the result"),
        ("string", b"\x02\0\0\0\0\0\0\0\0", "the result is of type int, not string"),
        ("string", b"\x04\0\0\0\0", "the result is of type path, not string"),
        ("string", b"\x0c\0\0\0\0", "the result is of type map, not string"),
        ("string", b"\xff", "the result begins with 0xff, which is no type"),
        ("bool", b"\x01\x02", "a bool that is neither 0 nor 1"),
        ("size", b"\x05\xff\xff\xff\xff\xff\xff\xff\xff", "a size below zero"),
        ("ip", b"\x09\x05\0\0\0\0", "an address that is neither of version 4 nor of 6"),
        ("ip", b"\x09\x06\0\0\0\0", "the result ends in the middle of a value"),
        ("cidr", b"\x0a\x04\x0a\0\0\0\x21", "a network with too long a prefix"),
        ("list<int>", b"\x0b\xff\xff\xff\xff", "the result ends in the middle of a value"),
        ("list<int>", b"\x0b\x01\0\0\0\x03\0\0\0\0", "the result is of type string, not int"),
        ("list<int>", b"\x0b\x01\0\0\0\0", "the result ends in the middle of a value"),
        ("list<string>", b"\x0b\x01\0\0\0\0\0\0", "the result is of type absent, not string"),
        ("list<string>", b"\x0b\x01\0\0\0\x0f\0\0\0\0", "the result is of type unknown, not string"),
        ("map<string>", b"\x0c\xff\xff\xff\x7f", "the result ends in the middle of a value"),
        (
            "map<bool>",
            b"\x0c\x02\0\0\0\x01\0\0\0a\x01\x01\x01\0\0\0a\x01\x01",
            "a map with a key that stands in it twice",
        ),
        ("string", b"\x0f\xff\xff\xff\xff", "the result ends in the middle of a value"),
    ];
    for (ty, bytes, words) in rows {
        let place = Place::of(vec![one(ty, "", &constant("x", bytes)).plugin()]);
        let text = if ty.starts_with("map") { "has(t.x[\"a\"])" } else { "has(t.x)" };
        let answer = place.ask(text, 600);
        assert!(
            answer.starts_with("plugin: `t` gave a wrong result (") && answer.contains(words),
            "{ty} {bytes:?}: {answer}"
        );
    }
}

#[test]
fn lists_ten_thousand_deep_are_not_looked_into() {
    let mut bytes = b"\x0b\x01\0\0\0".repeat(10_000);
    bytes.push(0);
    for ty in ["list<list<list<list<int>>>>", "list<int>", "string"] {
        let place = Place::of(vec![one(ty, "", &constant("x", &bytes)).plugin()]);
        assert!(place.ask("has(t.x)", 600).contains("the result is of type list, not"), "{ty}");
    }
}

#[test]
fn texts_that_are_no_text_stay_bytes() {
    let place = Place::of(vec![one("string", "", &constant("x", b"\x03\x02\0\0\0\xff\xfe")).plugin()]);
    assert_eq!(place.ask("t.x == \"\\xff\\xfe\"", 600), "true");
    // A reason is shown to a person.
    let place = Place::of(vec![one("string", "", &constant("x", b"\x0f\x06\0\0\0\xff\n\x1b[1m")).plugin()]);
    assert_eq!(place.ask("has(t.x)", 600), "plugin: `t` says: \u{fffd}  [1m");
}

#[test]
fn pointers_that_lead_out() {
    let rows = [
        (slice(0xffff_ffff, 1), "pointed outside of its memory (the result: 1 bytes at 0xffffffff)"),
        (slice(0xffff_fff0, 0x20), "pointed outside of its memory"),
        (slice(524_288, 1), "pointed outside of its memory"),
        (slice(524_280, 9), "pointed outside of its memory"),
        (slice(0, 65_537), "gave a result of 65537 bytes, more than 65536"),
        (slice(0, 0xffff_ffff), "gave a result of 4294967295 bytes, more than 65536"),
        (u64::MAX, "gave a result of 4294967295 bytes"),
        (slice(0, 0), "gave a wrong result (the result ends in the middle of a value)"),
        (slice(524_288, 0), "gave a wrong result (the result ends in the middle of a value)"),
    ];
    for (place, words) in rows {
        let answer = value(&doing(&format!("(i64.const {place})")));
        assert!(answer.starts_with(&format!("plugin: `t` {words}")), "{place:#x}: {answer}");
    }
}

#[test]
fn buffers_that_lie() {
    let rows = [
        ("(i32.const 0)", "has no place for 8 bytes of input"),
        ("(i32.const -1)", "pointed outside of its memory (the buffer"),
        ("(i32.const 524287)", "pointed outside of its memory (the buffer"),
        ("(loop (br 0)) (i32.const 0)", "took longer than a call may take"),
        ("unreachable", "trapped ("),
    ];
    for (body, words) in rows {
        let mut wat = one("string", "\"comm\"", &echo("x"));
        wat.buffer = format!("(func (export \"selfsame_buffer\") (param i32) (result i32) {body})");
        let answer = asked(&wat);
        assert!(answer.starts_with(&format!("plugin: `t` {words}")), "{body}: {answer}");
    }
    // Where the manifest stands, or the result will: that is its own affair.
    let mut wat = one("string", "\"comm\"", &echo("x"));
    wat.buffer = "(func (export \"selfsame_buffer\") (param i32) (result i32) (i32.const 1024))".into();
    assert_eq!(asked(&wat), "true");
}

#[test]
fn pointers_given_to_the_host_are_checked() {
    let find = "(import \"selfsame\" \"find\" (func $h (param i32 i32 i32 i32) (result i32)))";
    let split = "(import \"selfsame\" \"split\" (func $h (param i32 i32 i32 i32 i32) (result i32)))";
    let regex = "(import \"selfsame\" \"regex\" (func $h (param i32 i32 i32 i32 i32 i32) (result i32)))";
    let log = "(import \"selfsame\" \"log\" (func $h (param i32 i32 i32)))";
    let input = "(import \"selfsame\" \"input\" (func $h (param i32 i32 i32) (result i32)))";
    let file = "(import \"selfsame\" \"file\" (func $h (param i32 i32 i32 i32) (result i32)))";
    let rows = [
        (
            find,
            "(drop (call $h (i32.const -1) (i32.const 1) (i32.const 0) (i32.const 1)))",
            "outside of its memory",
        ),
        (
            find,
            "(drop (call $h (i32.const 0) (i32.const 1) (i32.const 524288) (i32.const 1)))",
            "outside of its memory",
        ),
        (find, "(drop (call $h (i32.const 0) (i32.const -1) (i32.const 0) (i32.const 1)))", "took longer"),
        (
            split,
            "(drop (call $h (i32.const 1024) (i32.const 8) (i32.const 0) (i32.const 524284) (i32.const 9)))",
            "outside of its memory",
        ),
        (
            regex,
            "(drop (call $h (i32.const 0) (i32.const 8) (i32.const -8) (i32.const 4) (i32.const 0) (i32.const 9)))",
            "outside of its memory",
        ),
        (log, "(call $h (i32.const 0) (i32.const 524288) (i32.const 1))", "outside of its memory"),
        (
            input,
            "(drop (call $h (i32.const 0) (i32.const -4) (i32.const 100)))",
            "pointed outside of its memory (an answer",
        ),
        (
            file,
            "(drop (call $h (i32.const -4) (i32.const 100) (i32.const 0) (i32.const 0)))",
            "outside of its memory",
        ),
    ];
    for (import, call, words) in rows {
        let wat = one("string", "\"comm\"", &doing(&format!("{call} (i64.const 0)"))).importing(import);
        let answer = asked(&wat);
        assert!(answer.starts_with("plugin: `t` ") && answer.contains(words), "{call}: {answer}");
    }
    // The parts are written over the text that they are of.
    let over = format!(
        "(data (i32.const 400000) \"a;b;c;d;e;f;g\")
         {}",
        doing(
            "(drop (call $h (i32.const 400000) (i32.const 13) (i32.const 59) (i32.const 400000) (i32.const 2)))
             (i32.store8 (i32.const 399999) (i32.const 0))
             (if (i32.ne (i32.load (i32.const 400008)) (i32.const 2)) (then unreachable))
             (i64.const 0x61a7f00000001)"
        )
    );
    assert_eq!(asked(&one("string", "\"comm\"", &over).importing(split)), "false");
}

#[test]
fn regular_expressions_are_few_and_linear() {
    let regex = "(import \"selfsame\" \"regex\" (func $h (param i32 i32 i32 i32 i32 i32) (result i32)))";
    // A new one each time: the pattern is a counter.
    let body = doing(
        "(loop
            (i32.store (i32.const 300000) (i32.add (i32.const 0x41414141) (local.get 2)))
            (drop (call $h (i32.const 0) (i32.const 1) (i32.const 300000) (i32.const 4) (i32.const 0) (i32.const 0)))
            (local.set 2 (i32.add (local.get 2) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get 2) (i32.const 17))))
         (i64.const 0)",
    );
    let plugin = one("string", "\"comm\"", &body).importing(regex).plugin();
    let place = Place::of(vec![plugin]);
    for _ in 0..2 {
        assert_eq!(
            place.ask("has(t.x)", 600),
            "plugin: `t` trapped (more regular expressions than a plugin may use)"
        );
    }
    // One that would be large, and one that backtracking would never finish.
    let rows = [("(a{900}){900}", -1), ("(a*)*b", 0)];
    for (pattern, result) in rows {
        let body = format!(
            "(data (i32.const 400000) \"{pattern}\") (data (i32.const 410000) \"{}\") {}",
            "a".repeat(5_000),
            doing(&format!(
                "(if (i32.ne (call $h (i32.const 410000) (i32.const 5000) (i32.const 400000) (i32.const {}) (i32.const 0) (i32.const 0)) (i32.const {result}))
                    (then unreachable)) (i32.store8 (i32.const 300000) (i32.const 0)) (i64.const 0x493e000000001)",
                pattern.len()
            ))
        );
        assert_eq!(asked(&one("string", "\"comm\"", &body).importing(regex)), "false", "{pattern}");
    }
}

/// On the engines of `regex` 64 KiB and this pattern take half a second.
#[test]
fn a_regular_expression_has_its_price_before_it_is_tried() {
    let regex = "(import \"selfsame\" \"regex\" (func $h (param i32 i32 i32 i32 i32 i32) (result i32)))";
    for pattern in ["((?:[ab]?){200})*c?$", "([ab]*?a[ab]{200})$", "^(.*)(a)(.*)(b)(.*)$"] {
        let body = format!(
            "(data (i32.const 400000) \"{pattern}\") (data (i32.const 410000) \"{}\") {}",
            "ab".repeat(30_000),
            doing(&format!(
                "(drop (call $h (i32.const 410000) (i32.const 60000) (i32.const 400000) (i32.const {}) (i32.const 0) (i32.const 9))) (i64.const 0)",
                pattern.len()
            ))
        );
        let answer = asked(&one("string", "\"comm\"", &body).importing(regex));
        assert_eq!(answer, "plugin: `t` took longer than a call may take (about 1 ms)", "{pattern}");
    }
}

/// It counts its calls in its memory and gives the number.
fn counter() -> Wat {
    let body = "(global $n (mut i64) (i64.const 0))
        (func (export \"x\") (param i32 i32) (result i64)
            (global.set $n (i64.add (global.get $n) (i64.const 1)))
            (i64.store (i32.const 300001) (global.get $n))
            (i32.store8 (i32.const 300000) (i32.const 2))
            (i64.const 0x493e000000009))";
    one("int", "\"comm\"", body)
}

#[test]
fn a_mind_that_changes_is_made_up_for_the_length_of_a_look() {
    let place = Place::of(vec![counter().plugin()]);
    let look = Look::default();
    for _ in 0..3 {
        assert_eq!(place.ask_in(&look, "t.x == 1", 600), "true");
        assert_eq!(place.ask_in(&look, "t.x == 2", 601), "true");
    }
    assert_eq!(place.ask("t.x == 3", 600), "true");
}

#[test]
fn a_mind_that_changes_between_examples_is_found_out() {
    let text = r#"{"name": "x", "type": "int", "export": "x", "inputs": ["comm"], "examples": [{"inputs": {"comm": "a"}, "value": 1}]}"#;
    let wat = Wat { manifest: manifest(text, "").into_bytes(), ..counter() };
    assert_eq!(
        wat.said(),
        [
            "P302 example 1 of `t.x` gives 2 the second time, not 1 | mend the plugin, or `value` of the example"
        ]
    );
}

#[test]
fn a_manifest_that_changes_is_asked_for_once() {
    // The second time it would be another one.
    let good = manifest(&field("string", "\"comm\""), "");
    let mut wat = one("string", "\"comm\"", &format!("{} (global $n (mut i32) (i32.const 0))", echo("x")));
    wat.manifest_body = Some(format!(
        "(if (global.get $n) (then (return (i64.const 0)))) (global.set $n (i32.const 1)) (i64.const {})",
        slice(crate::wat::MANIFEST_AT, good.len())
    ));
    let plugin = wat.plugin();
    assert_eq!(plugin.manifest().fields.len(), 1);
    assert_eq!(Place::of(vec![plugin]).ask("t.x == comm", 600), "true");
}

#[test]
fn one_that_fails_does_not_fail_another() {
    let bad = one("string", "\"comm\"", &doing("(loop (br 0)) (i64.const 0)")).plugin();
    let text = manifest(&field("string", "\"comm\""), "").replace("\"name\": \"t\"", "\"name\": \"good\"");
    let good = Plugin::load(
        "good",
        &Wat::new(&text, &echo("x")).wasm(),
        &crate::wat::grants(),
        selfsame::process::expression::schema(),
    )
    .unwrap();
    let place = Place::of(vec![bad, good]);
    assert_eq!(place.ask("good.x == \"app\" || t.x == \"app\"", 600), "true");
    assert_eq!(place.ask("good.x == \"no\" && t.x == \"app\"", 600), "false");
    assert!(place.ask("good.x == \"app\" && t.x == \"app\"", 600).starts_with("plugin: `t` "));
    assert!(place.ask("assume(t.x, \"\") == \"\"", 600) == "true");
}
