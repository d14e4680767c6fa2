//! Types that a plugin declares: enumerations, values that only it understands, numbers with bounds, names of others.

use std::collections::BTreeMap;
use std::sync::Arc;

use selfsame::lang::schema::{Operation, Vocabulary};
use selfsame::lang::value::{Type, Value};
use selfsame::lang::{Scope, compile, compile_reading};
use selfsame::plugin::manifest::read;
use selfsame::plugin::{Look, Opaque, Plugin, wire};
use selfsame::process::expression::schema;
use selfsame::process::{ProcessVocabulary, candidate};
use selfsame::units::Pid;

use crate::wat::{Place, Wat, constant, constant_at, echo, said, slice};

const RUNTIME: &str =
    r#""enums": [{"name": "runtime", "words": ["docker", "podman", "crio"], "foreign": {"cri-o": "crio"}}]"#;

/// A manifest with this beside its fields and functions.
fn manifest(more: &str, fields: &str, functions: &str) -> String {
    format!(r#"{{"name": "t", "version": "1", {more}, "fields": [{fields}], "functions": [{functions}]}}"#)
}

fn word(text: &str) -> Vec<u8> {
    tagged(0x0d, text.as_bytes())
}

fn tagged(tag: u8, bytes: &[u8]) -> Vec<u8> {
    [&[tag][..], &u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat()
}

/// A field `t.runtime` that is these bytes.
fn runtime(bytes: &[u8]) -> Arc<Plugin> {
    let fields = r#"{"name": "runtime", "type": "runtime", "export": "x"}"#;
    Wat::new(&manifest(RUNTIME, fields, ""), &constant("x", bytes)).plugin()
}

/// The first error or warning of an expression, with its help.
#[track_caller]
fn compiled(place: &Place, text: &str) -> String {
    let all =
        compile(text, place.plugins.schema(), &Scope::new(BTreeMap::new(), &Arc::default())).diagnostics;
    said(&all).into_iter().next().unwrap_or_default()
}

#[test]
fn words_of_an_enumeration_stand_bare() {
    let place = Place::of(vec![runtime(&word("docker"))]);
    for (text, is) in [
        ("t.runtime == docker", "true"),
        ("t.runtime == podman", "false"),
        ("t.runtime != podman", "true"),
        ("docker == t.runtime", "true"),
        ("t.runtime in [crio, docker]", "true"),
        ("(t.runtime ?? crio) == docker", "true"),
    ] {
        assert_eq!(place.ask(text, 600), is, "{text}");
    }
    for (text, begin) in [
        ("t.runtime == dokcer", "M204 `dokcer` is not a t.runtime | did you mean `docker`?"),
        (
            "t.runtime == \"docker\"",
            "M301 `==` does not compare t.runtime with string | write the word without quotes: `docker`",
        ),
        (
            "t.runtime == \"cri-o\"",
            "M301 `==` does not compare t.runtime with string | write the word without quotes: `crio`",
        ),
        ("t.runtime == docker && t.runtime == podman", "W106"),
    ] {
        let line = compiled(&place, text);
        assert!(line.starts_with(begin), "{text}: {line}");
    }
}

#[test]
fn another_word_is_no_value() {
    for (bytes, why) in [
        (word("dock"), "the result is `dock`, which is no t.runtime"),
        (word("Docker"), "the result is `Docker`, which is no t.runtime"),
        (word(""), "the result is ``, which is no t.runtime"),
        (word("\x1b[31m"), "the result is ` [31m`, which is no t.runtime"),
        (tagged(3, b"docker"), "the result is of type string, not t.runtime"),
        (tagged(0x0e, b"docker"), "the result is of type a type of the plugin, not t.runtime"),
        (vec![0x0d, 6, 0, 0, 0, b'd'], "the result ends in the middle of a value"),
        ([word("docker"), vec![0]].concat(), "1 bytes follow the result"),
    ] {
        let said = Place::of(vec![runtime(&bytes)]).ask("t.runtime == docker", 600);
        assert!(said.contains(why), "{said}");
    }
}

#[test]
fn words_go_in_and_come_out_of_functions_and_lists() {
    let functions = r#"
      {"name": "same", "params": [{"name": "a", "type": "runtime", "default": "crio"}], "result": "runtime", "export": "x", "pure": true,
       "examples": [{"match": "t.same(docker) == docker", "arguments": ["podman"], "value": "podman"}, {"value": "crio"}]},
      {"name": "all", "params": [{"name": "a", "type": "list<t.runtime>"}], "result": "list<runtime>", "export": "x"}"#;
    let place = Place::of(vec![Wat::new(&manifest(RUNTIME, "", functions), &echo("x")).plugin()]);
    for text in [
        "t.same(docker) == docker",
        "t.same() == crio",
        "t.all([docker, crio]) contains crio",
        "any(t.all([podman]), x => x == podman)",
    ] {
        assert_eq!(place.ask(text, 600), "true", "{text}");
    }
    assert!(
        compiled(&place, "t.same(\"docker\") == docker").contains("write the word without quotes: `docker`")
    );
    let wrong = functions.replace("\"value\": \"crio\"", "\"value\": \"cri-o\"");
    let all = said(&read("t", manifest(RUNTIME, "", &wrong).as_bytes(), schema()).unwrap_err());
    assert!(all[0].contains("is no t.runtime | did you mean `crio`?"), "{all:#?}");
}

#[test]
fn a_built_in_enumeration_can_be_an_input() {
    // The word, said to be a text.
    let body = "(func (export \"x\") (param i32 i32) (result i64)
        (i32.store8 (local.get 0) (i32.const 3))
        (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))";
    let field = r#"{"name": "x", "type": "string", "export": "x", "inputs": ["state"],
        "examples": [{"inputs": {"state": "zombie"}, "value": "zombie"}]}"#;
    let wasm = Wat::new(&crate::wat::manifest(field, ""), body).wasm();
    let grants = selfsame::plugin::Grants { fields: vec!["state".into()], files: Vec::new() };
    let plugin = Plugin::load("t", &wasm, &grants, schema()).unwrap();
    let host = "host: {now: 2026-03-01T12:00:00Z, boot: 2026-03-01T09:00:00Z}\nprocesses:\n  - {pid: 7, comm: a, state: stopped}\n";
    assert_eq!(Place::on(host, vec![plugin]).ask("t.x == \"stopped\" && state == stopped", 7), "true");
}

#[test]
fn enumerations_that_can_not_be() {
    let of = |enums: &str| {
        let text =
            manifest(&format!("\"enums\": [{enums}]"), r#"{"name": "x", "type": "int", "export": "x"}"#, "");
        said(&read("t", text.as_bytes(), schema()).expect_err("refused"))
    };
    for (enums, begin) in [
        (
            r#"{"name": "int", "words": ["a"]}"#,
            "P205 an enumeration of the plugin is called `int`, like a type",
        ),
        (r#"{"name": "A", "words": ["a"]}"#, "P204 `A` can't be the name of an enumeration | write `a`"),
        (r#"{"name": "e", "words": []}"#, "P203 enumeration `t.e` has no words"),
        (r#"{"name": "e"}"#, "P203 enumeration `t.e` has no words"),
        (r#"{"name": "e", "words": ["a", "a"]}"#, "P205 enumeration `t.e` has the word `a` twice"),
        (
            r#"{"name": "e", "words": ["cri-o"]}"#,
            "P204 `cri-o` can't be a word of enumeration `t.e` | write `cri_o`: letters",
        ),
        (
            r#"{"name": "e", "words": ["in"]}"#,
            "P204 `in` can't be a word of enumeration `t.e` | write letters",
        ),
        (r#"{"name": "e", "words": [1]}"#, "P203 `words` of enumeration `t.e` has a number, not a text"),
        (
            r#"{"name": "e", "words": ["a"], "foreign": {"b": "c"}}"#,
            "P203 `foreign` of enumeration `t.e` says `c` for `b`",
        ),
        (
            r#"{"name": "e", "words": ["a"]}, {"name": "e", "words": ["b"]}"#,
            "P205 two types are called `t.e`",
        ),
    ] {
        let all = of(enums);
        assert!(all[0].starts_with(begin), "{all:#?}");
    }
    let many = |count: usize| {
        let words: Vec<String> = (0..count).map(|n| format!("\"w{n}\"")).collect();
        of(&format!(r#"{{"name": "e", "words": [{}]}}"#, words.join(",")))
    };
    assert!(many(257)[0].contains("`words` of enumeration `t.e` has 257 items | write at most 256"));
    assert!(many(10_000)[0].contains("the manifest has"), "more than a manifest can have");
    let text = manifest(RUNTIME, r#"{"name": "x", "type": "runtim", "export": "x"}"#, "");
    assert!(said(&read("t", text.as_bytes(), schema()).unwrap_err())[0].ends_with("did you mean `runtime`?"));
}

/// A type that is made of texts and numbers, of which the first byte counts.
const VERSION: &str = r#""types": [{"name": "v", "from": ["string", "int"], "convert": "make", "equal": "equal", "less": "less",
    "text": "text", "cost": 0, "examples": ["a", "b", "c"]}]"#;

/// `store8` of this tag, and the input is the result.
fn retagged(export: &str, tag: u8) -> String {
    format!(
        "(func (export \"{export}\") (param i32 i32) (result i64)
            (i32.store8 (local.get 0) (i32.const {tag}))
            (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))"
    )
}

/// A test of the first bytes of two values.
fn test(export: &str, how: &str) -> String {
    format!(
        "(func (export \"{export}\") (param i32 i32) (result i64)
            (i32.store8 (i32.const 300000) (i32.const 1))
            (i32.store8 (i32.const 300001) ({how}
                (i32.load8_u (i32.add (local.get 0) (i32.const 5)))
                (i32.load8_u (i32.add (i32.add (local.get 0) (i32.const 10)) (i32.load (i32.add (local.get 0) (i32.const 1)))))))
            (i64.const {}))",
        slice(300_000, 2)
    )
}

const FIELD: &str = r#"{"name": "x", "type": "v", "export": "x"}"#;

/// The plugin with a field that is this value, and these operations.
fn own(value: &[u8], more: &str, operations: &[String]) -> Wat {
    let value = tagged(0x0e, value);
    Wat::new(&manifest(more, FIELD, ""), &format!("{}{}", constant("x", &value), operations.concat()))
}

fn operations() -> Vec<String> {
    vec![retagged("make", 0x0e), test("equal", "i32.eq"), test("less", "i32.lt_u"), retagged("text", 3)]
}

#[test]
fn values_of_a_type_are_compared_by_the_plugin() {
    let place = Place::of(vec![own(b"bx", VERSION, &operations()).plugin()]);
    for (text, is) in [
        ("t.x == \"b\"", "true"),
        ("\"b\" == t.x", "true"),
        ("t.x != \"c\"", "true"),
        ("t.x < \"c\"", "true"),
        ("t.x <= \"b\"", "true"),
        ("t.x > \"a\"", "true"),
        ("t.x >= \"c\"", "false"),
        ("\"a\" < t.x", "true"),
        ("t.x in [\"a\", \"b\"]", "true"),
        ("t.x not in [\"a\", \"c\"]", "true"),
        ("t.x in \"a\"..\"c\"", "true"),
        ("t.x == t.x", "true"),
        ("t.x like \"b*\"", "true"),
        ("t.x =~ \"^bx$\"", "true"),
        ("has(t.x)", "true"),
    ] {
        assert_eq!(place.ask(text, 600), is, "{text}");
    }
    assert!(compiled(&place, "t.x == 80%").contains("compare a t.v with: t.v, string, int"));
    assert!(compiled(&place, "t.x == name").contains("does not compare t.v with string"));
}

#[test]
fn a_value_is_shown_as_its_text() {
    let place = Place::of(vec![own(b"b\"x", VERSION, &operations()).plugin()]);
    let base = ProcessVocabulary::new(&place.snapshot);
    let plugins = place.plugins.vocabularies(&base, &place.snapshot, &Look::default());
    let facts = crate::wat::facts(&base, &plugins);
    let reading = compile_reading("t.x", place.plugins.schema()).reading.unwrap();
    assert_eq!(facts.words(&reading.of(&candidate(Pid(600)), &facts)), r#""b\"x""#);
}

#[test]
fn a_comparison_is_made_once_in_a_look() {
    let plugin = own(b"b", VERSION, &operations()).plugin();
    let place = Place::of(vec![Arc::clone(&plugin)]);
    let look = Look::default();
    let calls = |text: &str, pid: i32| {
        let before = plugin.health().calls;
        assert_eq!(place.ask_in(&look, text, pid), "true");
        plugin.health().calls - before
    };
    // The field, the literal and the comparison; then nothing, also of another process.
    assert_eq!(calls("t.x < \"c\"", 600), 3);
    assert_eq!(calls("t.x < \"c\"", 600), 0);
    assert_eq!(calls("t.x < \"c\"", 601), 0);
    assert_eq!(calls("t.x <= \"d\"", 600), 2);
}

#[test]
fn without_equal_the_bytes_are_compared() {
    let plain = r#""types": [{"name": "v", "from": ["string"], "convert": "make"}]"#;
    let place = Place::of(vec![own(b"bx", plain, &[retagged("make", 0x0e)]).plugin()]);
    assert_eq!(place.ask("t.x == \"bx\"", 600), "true");
    assert_eq!(place.ask("t.x == \"b\"", 600), "false");
    assert!(compiled(&place, "t.x < \"c\"").contains("`<` does not compare t.v with string"));
    assert!(compiled(&place, "t.x like \"c*\"").contains("`like` needs a text on its left"));
}

#[test]
fn operations_that_fail_are_unknown_and_hurt_nobody() {
    let trap =
        |export: &str| format!("(func (export \"{export}\") (param i32 i32) (result i64) unreachable)");
    let without = VERSION.replace(r#", "examples": ["a", "b", "c"]"#, "");
    let with = |at: usize, body: String| {
        let mut all = operations();
        all[at] = body;
        own(b"b", &without, &all).plugin()
    };
    for (at, text, why) in [
        (0, "t.x == \"b\"", "trapped"),
        (1, "t.x == \"b\"", "trapped"),
        (2, "t.x < \"b\"", "trapped"),
        (2, "t.x >= \"b\"", "trapped"),
        (3, "t.x like \"b*\"", "trapped"),
    ] {
        let export = ["make", "equal", "less", "text"][at];
        let place = Place::of(vec![with(at, trap(export))]);
        assert!(place.ask(text, 600).contains(why), "{text}");
        assert_eq!(place.ask("has(t.x)", 600), "true");
    }
    // Of another type than it must be.
    let rows = [
        (0, constant_at(400_000, "make", &tagged(3, b"b")), "t.x == \"b\"", "of type string, not t.v"),
        (
            0,
            constant_at(400_000, "make", &tagged(0x0e, &[0; 5000])),
            "t.x == \"b\"",
            "a value of a type of its own that is too long",
        ),
        (
            1,
            constant_at(400_000, "equal", &[2, 0, 0, 0, 0, 0, 0, 0, 0]),
            "t.x == \"b\"",
            "of type int, not bool",
        ),
        (1, constant_at(400_000, "equal", &tagged(15, b"who knows")), "t.x == \"b\"", "`t` says: who knows"),
        (3, constant_at(400_000, "text", &tagged(0x0e, b"b")), "t.x like \"b\"", "not string"),
    ];
    for (at, body, text, why) in rows {
        let said = Place::of(vec![with(at, body)]).ask(text, 600);
        assert!(said.contains(why), "{text}: {said}");
    }
}

#[test]
fn absent_makes_a_comparison_false_and_a_literal_nothing() {
    let without = VERSION.replace(r#", "examples": ["a", "b", "c"]"#, "");
    let absent = |export: &str| constant_at(400_000, export, &[0]);
    let mut all = operations();
    all[0] = absent("make");
    let place = Place::of(vec![own(b"b", &without, &all).plugin()]);
    assert_eq!(place.ask("t.x == \"b\"", 600), "false");
    let mut all = operations();
    all[1] = absent("equal");
    all[2] = absent("less");
    let place = Place::of(vec![own(b"b", &without, &all).plugin()]);
    assert_eq!(place.ask("t.x == \"b\" || t.x < \"c\" || t.x >= \"a\"", 600), "false");
}

#[test]
fn an_order_that_is_none_is_no_danger() {
    let without = VERSION.replace(r#", "examples": ["a", "b", "c"]"#, "");
    let always = "(func (export \"less\") (param i32 i32) (result i64)
        (i32.store8 (i32.const 300000) (i32.const 1)) (i32.store8 (i32.const 300001) (i32.const 1))";
    let mut all = operations();
    all[2] = format!("{always} (i64.const {}))", slice(300_000, 2));
    let place = Place::of(vec![own(b"b", &without, &all).plugin()]);
    for (text, is) in [("t.x < \"a\"", "true"), ("t.x > \"a\"", "false"), ("t.x in \"a\"..\"c\"", "false")] {
        assert_eq!(place.ask(text, 600), is, "{text}");
    }
    // Its own examples say that it is none.
    let refused = own(b"b", VERSION, &all).said();
    assert!(
        refused[0].starts_with("P302 of the examples of `t.v`, \"a\" < \"a\" is so | examples are"),
        "{refused:#?}"
    );
    let backwards = VERSION.replace(r#"["a", "b", "c"]"#, r#"["b", "a"]"#);
    assert!(own(b"b", &backwards, &operations()).said()[0].contains("\"b\" < \"a\" is not so"));
}

#[test]
fn values_of_others_are_not_asked_about() {
    let place = Place::of(vec![own(b"b", VERSION, &operations()).plugin()]);
    let base = ProcessVocabulary::new(&place.snapshot);
    let plugins = place.plugins.vocabularies(&base, &place.snapshot, &Look::default());
    let value = |ty: &'static str| Value::Object(Arc::new(Opaque { ty, bytes: Arc::from(&b"b"[..]) }));
    let (own, other, pid) = (value("t.v"), value("u.v"), candidate(Pid(600)));
    assert_eq!(plugins[0].compare(&pid, Operation::Equal, &own, &own).known(), Some(true));
    for (left, right) in
        [(&own, &other), (&other, &own), (&other, &other), (&own, &Value::Int(1)), (&pid, &own)]
    {
        for operation in [Operation::Equal, Operation::Less, Operation::Under, Operation::Text] {
            assert_eq!(plugins[0].compare(&pid, operation, left, right).known(), None);
        }
    }
    assert_eq!(plugins[0].compare(&pid, Operation::Under, &own, &own).known(), None);
    assert!(plugins[0].text(&other).known().is_none() && plugins[0].show(&other).is_none());
    assert!(plugins[0].convert(&Value::string("b"), "u.v").known().is_none());
    // Without the types of the plugin such bytes are no value.
    assert!(wire::answer(&tagged(0x0e, b"b"), &Type::Named("t.v")).is_err());
}

#[test]
fn a_value_can_be_an_argument_and_an_example() {
    let functions = r#"{"name": "same", "params": [{"name": "a", "type": "v"}], "result": "v", "export": "same", "pure": true,
        "examples": [{"match": "t.same(\"a\") < \"b\"", "arguments": ["a"], "value": "a"}]}"#;
    let body = format!("{}{}{}", constant("x", &tagged(0x0e, b"b")), echo("same"), operations().concat());
    let text = manifest(VERSION, FIELD, functions);
    let place = Place::of(vec![Wat::new(&text, &body).plugin()]);
    assert_eq!(place.ask("t.same(t.x) == \"b\" && t.same(\"a\") < t.x", 600), "true");
    assert!(compiled(&place, "t.same(name) == \"b\"").contains("takes t.v here, not string"));
    let other = text.replace("\"value\": \"a\"", "\"value\": \"b\"");
    assert!(Wat::new(&other, &body).said()[0].contains("gives t.v \"a\", not t.v \"b\""));
    let default = text.replace(r#""type": "v"}]"#, r#""type": "v", "default": "a"}]"#);
    assert!(Wat::new(&default, &body).said()[0].contains("has a default, and is of a type of the plugin"));
}

#[test]
fn types_that_can_not_be() {
    let of = |types: &str| {
        let text =
            manifest(&format!("\"types\": [{types}]"), r#"{"name": "x", "type": "int", "export": "x"}"#, "");
        said(&read("t", text.as_bytes(), schema()).expect_err("refused"))
    };
    for (types, begin) in [
        (
            r#"{"name": "v", "from": ["string"]}"#,
            "P203 type `t.v` has one of `from` and `convert` without the other",
        ),
        (
            r#"{"name": "v", "convert": "x"}"#,
            "P203 type `t.v` has one of `from` and `convert` without the other",
        ),
        (r#"{"name": "v", "from": ["file"], "convert": "x"}"#, "P206 `from` of type `t.v` has `file`"),
        (
            r#"{"name": "v", "from": ["int", "int"], "convert": "x"}"#,
            "P205 `from` of type `t.v` has int twice",
        ),
        (
            r#"{"name": "v", "from": ["int"], "convert": "x", "examples": ["a"]}"#,
            "P203 an example of type `t.v` is no literal of int",
        ),
        (r#"{"name": "map"}"#, "P205 a type of the plugin is called `map`"),
        (r#"{"name": "v", "lesser": "x"}"#, "P202 a type has an unknown key `lesser` | did you mean `less`?"),
    ] {
        let all = of(types);
        assert!(all[0].starts_with(begin), "{all:#?}");
    }
    let missing = own(b"b", VERSION, &operations()[..3]).said();
    assert_eq!(
        missing[0],
        "P104 `t.v (text)`: the module has no export `text` | export a function (i32, i32) -> i64 of this name"
    );
}

#[test]
fn numbers_stay_within_their_bounds() {
    let field = |more: &str, value: i64| {
        let field = format!(r#"{{"name": "n", "type": "int", {more}, "export": "x"}}"#);
        let bytes = [&[2][..], &value.to_le_bytes()].concat();
        Wat::new(&crate::wat::manifest(&field, ""), &constant("x", &bytes))
    };
    let percent = r#""min": 0, "max": 100"#;
    let place = Place::of(vec![field(percent, 100).plugin()]);
    assert_eq!(place.ask("t.n == 100", 600), "true");
    assert!(compiled(&place, "t.n > 100").starts_with("W106"), "{}", compiled(&place, "t.n > 100"));
    assert_eq!(compiled(&place, "t.n > 99"), "");
    for (more, value) in [(percent, 101), (percent, -1), (r#""min": 0"#, i64::MIN), (r#""max": 5"#, 6)] {
        let said = Place::of(vec![field(more, value).plugin()]).ask("t.n == 100", 600);
        assert!(said.contains("the result has a number outside of its `min` and `max`"), "{said}");
    }
    assert!(field(r#""min": 2, "max": 1"#, 1).said()[0].contains("`min` of field `t.n` is above its `max`"));
    assert!(
        field(r#""min": "a""#, 1).said()[0].starts_with("P203 `min` of field `t.n` is no number of type int")
    );
    let size = r#"{"name": "n", "type": "size", "min": "1KiB", "export": "x"}"#;
    let place = Place::of(vec![Wat::new(&crate::wat::manifest(size, ""), &echo("x")).plugin()]);
    assert!(compiled(&place, "t.n < 1KiB").starts_with("W106"));
    let text = r#"{"name": "n", "type": "string", "min": "a", "export": "x"}"#;
    assert!(
        Wat::new(&crate::wat::manifest(text, ""), &echo("x")).said()[0].contains("only numbers have bounds")
    );
}

#[test]
fn names_of_others_are_explained() {
    let of = |foreign: &str| {
        manifest(&format!("\"foreign\": {{{foreign}}}"), r#"{"name": "x", "type": "int", "export": "x"}"#, "")
    };
    let place = Place::of(vec![Wat::new(&of(r#""t.uid": "t.x", "shop.id": "t.x""#), &echo("x")).plugin()]);
    for name in ["t.uid", "shop.id"] {
        let line = compiled(&place, &format!("{name} == 1"));
        assert!(line.contains(&format!("`{name}` is a name of another tool | write `t.x`")), "{line}");
    }
    for (foreign, begin) in [
        (r#""name": "t.x""#, "P205 `name` under `foreign` is a name that there is"),
        (r#""t.x": "name""#, "P205 `t.x` under `foreign` is a name that there is"),
        (r#""a": 1"#, "P203 `a` in `foreign` of the manifest is no text of one line"),
        (r#""a": "\n""#, "P203 `a` in `foreign` of the manifest is no text of one line"),
    ] {
        let all = said(&read("t", of(foreign).as_bytes(), schema()).unwrap_err());
        assert!(all[0].starts_with(begin), "{all:#?}");
    }
}
