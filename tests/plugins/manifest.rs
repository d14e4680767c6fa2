//! Manifests that lie, and what is said about them.

use selfsame::lang::schema::{Privilege, Trust};
use selfsame::plugin::manifest::read;
use selfsame::process::expression::schema;

use crate::wat::{echo, manifest, one, said};

/// What reading says about fields and functions.
#[track_caller]
fn of(fields: &str, functions: &str) -> Vec<String> {
    said(&read("t", manifest(fields, functions).as_bytes(), schema()).expect_err("refused"))
}

/// One field with these keys beside name, type and export.
#[track_caller]
fn with(more: &str) -> Vec<String> {
    of(&format!(r#"{{"name": "x", "type": "string", "export": "x", {more}}}"#), "")
}

#[test]
fn what_is_no_manifest() {
    let rows: [(&[u8], &str); 9] = [
        (b"", "P201 the manifest is not JSON"),
        (b"{", "P201 the manifest is not JSON"),
        (b"[]", "P203 the manifest is a list, not an object | write an object with the keys name, version"),
        (b"null", "P203 the manifest is null"),
        (
            b"{\"name\": \"t\", \"name\": \"u\"}",
            "P201 the manifest is not JSON: the key `name` stands there twice",
        ),
        (b"{\"name\": \"\xff\"}", "P201 the manifest is not UTF-8 from byte 10 on"),
        (b"{} {}", "P201 the manifest is not JSON"),
        (b"{\"name\": 1e999}", "P201 the manifest is not JSON"),
        (b"{}", "P203 the manifest has no `name` | write `\"name\": \"...\"`"),
    ];
    for (bytes, begin) in rows {
        let all = said(&read("t", bytes, schema()).unwrap_err());
        assert!(all[0].starts_with(begin), "{all:#?}");
    }
    let deep = [b"[".repeat(100_000), b"]".repeat(100_000)].concat();
    assert!(said(&read("t", &deep, schema()).unwrap_err())[0].contains("200000 bytes"));
    let deep = [b"[".repeat(30_000), b"]".repeat(30_000)].concat();
    assert!(said(&read("t", &deep, schema()).unwrap_err())[0].contains("recursion limit"));
}

#[test]
fn names_that_can_not_be() {
    let named = |name: &str| of(&format!(r#"{{"name": "{name}", "type": "int", "export": "x"}}"#), "");
    let rows = [
        ("Main-Class", "P204 `Main-Class` can't be the name of a field | write `main_class`"),
        ("in", "P204 `in` can't be the name of a field | `in` is a word of the language, write another name"),
        ("", "P203 a field has no `name`"),
        (
            "9",
            "P204 `9` can't be the name of a field | write lower-case letters, digits and `_`, a letter first",
        ),
        ("a.b", "P204 `a.b` can't be the name of a field | write `a_b`"),
    ];
    for (name, begin) in rows {
        let all = named(name);
        assert!(all[0].starts_with(begin), "{all:#?}");
    }
    assert!(named(&"x".repeat(41))[0].contains("write at most 40 characters"));
    let twice = of(
        r#"{"name": "x", "type": "int", "export": "x"}"#,
        r#"{"name": "x", "result": "int", "export": "y"}"#,
    );
    assert_eq!(twice, ["P205 two entries are called `t.x` | rename one of them"]);
}

#[test]
fn a_plugin_hides_nothing_that_is_built_in() {
    let whole = manifest(r#"{"name": "path", "type": "int", "export": "x"}"#, "");
    let called = |name: &str| {
        let text = whole.replace("\"name\": \"t\"", &format!("\"name\": \"{name}\""));
        said(&read(name, text.as_bytes(), schema()).err().unwrap_or_default())
    };
    for (name, why) in [
        ("exe", "which has fields itself"),
        ("parent", "which has fields itself"),
        ("spec", "`spec` is a variable of services"),
        ("startas", "`startas` is a variable of services"),
        ("io", "is a built-in field"),
        ("cgroup", "`cgroup.v2` is a built-in field"),
    ] {
        let all = called(name);
        assert!(
            all[0].starts_with(&format!("P205 a plugin can't be called `{name}`")) && all[0].contains(why),
            "{all:#?}"
        );
    }
    // A built-in field that has no fields can't be hidden.
    assert_eq!(called("container"), [""; 0]);
    let other = said(&read("other", whole.as_bytes(), schema()).unwrap_err());
    assert_eq!(
        other,
        [
            "P204 the plugin calls itself `t`, the document calls it `other` | write `name: t` in the document, or mend the manifest"
        ]
    );
}

#[test]
fn keys_types_and_inputs_that_are_nearly_right() {
    let rows = [
        (
            of(r#"{"name": "x", "typ": "int", "export": "x"}"#, ""),
            "P202 a field has an unknown key `typ` | did you mean `type`?",
        ),
        (
            of(r#"{"name": "x", "type": "strng", "export": "x"}"#, ""),
            "P206 `type` of field `t.x` is `strng`, which is no type of a plugin | did you mean `string`?",
        ),
        (of(r#"{"name": "x", "type": "file", "export": "x"}"#, ""), "P206 `type` of field `t.x` is `file`"),
        (
            with(r#""inputs": ["arg"]"#),
            "P207 field `t.x` has the input `arg`, which is no field | did you mean `argv`?",
        ),
        (
            with(r#""inputs": ["exe"]"#),
            "P207 field `t.x` can't have the input `exe`, which is of type file | take `exe.path`",
        ),
        (
            with(r#""inputs": ["listens"]"#),
            "P207 field `t.x` can't have the input `listens`, which is of type list<socket>",
        ),
        (
            with(r#""inputs": ["limits"]"#),
            "P207 field `t.x` can't have the input `limits`, which is of type map<limit>",
        ),
        (with(r#""inputs": ["argv", "argv"]"#), "P205 field `t.x` has the input `argv` twice"),
        (
            with(r#""inputs": [{"field": "argv", "lasy": true}]"#),
            "P202 an input of field `t.x` has an unknown key `lasy` | did you mean `lazy`?",
        ),
        (
            with(r#""inputs": [{"field": "argv", "lazy": 1}]"#),
            "P203 `lazy` of an input of field `t.x` is a number, not a boolean",
        ),
        (with(r#""inputs": "argv""#), "P203 `inputs` of field `t.x` is a text, not a list"),
        (with(r#""inputs": ["parent.parent.parent.comm.x"]"#), "P207 "),
        (
            with(r#""summary": "two\nlines""#),
            "P203 `summary` of field `t.x` is longer than 512 bytes, or no single line",
        ),
        (with(&format!(r#""summary": "{}""#, "x".repeat(600))), "P203 `summary` of field `t.x` is longer"),
        (with(r#""summary": "turned \u202e round""#), "P203 `summary` of field `t.x`"),
    ];
    for (all, begin) in rows {
        assert!(all.iter().any(|line| line.starts_with(begin)), "{begin}\n{all:#?}");
    }
}

#[test]
fn claims_that_are_too_good() {
    let rows = [
        (with(r#""cost": 200"#), "P208 `cost` of field `t.x` is no number from 0 to 6"),
        (with(r#""cost": -1"#), "P208 `cost` of field `t.x`"),
        (with(r#""cost": 1.5"#), "P208 `cost` of field `t.x`"),
        (
            with(r#""inputs": ["argv"], "trust": "kernel""#),
            "P208 field `t.x` claims the trust of the kernel, and rests on what a process says of itself",
        ),
        (
            with(r#""trust": "root""#),
            "P208 `trust` of field `t.x` is `root` | write `kernel`, `self`, or nothing",
        ),
        (
            of("", r#"{"name": "f", "result": "int", "export": "f", "pure": true, "inputs": ["argv"]}"#),
            "P208 function `t.f` claims to be pure, and has inputs",
        ),
        (
            of("", r#"{"name": "f", "result": "map<int>", "export": "f"}"#),
            "P206 function `t.f` returns a map",
        ),
        (
            of(
                "",
                r#"{"name": "f", "result": "int", "export": "f", "params": [{"name": "a", "type": "map<int>"}]}"#,
            ),
            "P206 parameter `a` of function `t.f` is a map",
        ),
        (
            of(
                "",
                r#"{"name": "f", "result": "int", "export": "f", "params": [{"name": "a", "type": "size", "default": 5}]}"#,
            ),
            "P203 `default` of parameter `a` of function `t.f` is no size | write a text such as `\"64KiB\"`",
        ),
        (
            of(
                "",
                r#"{"name": "f", "result": "int", "export": "f", "params": [{"name": "a", "type": "int"}, {"name": "a", "type": "int"}]}"#,
            ),
            "P205 there are two of parameter `a`",
        ),
    ];
    for (all, begin) in rows {
        assert!(all[0].starts_with(begin), "{begin}\n{all:#?}");
    }
}

#[test]
fn cost_trust_and_privilege_follow_from_the_inputs() {
    let field = |more: &str| {
        let text = manifest(&format!(r#"{{"name": "x", "type": "string", "export": "x", {more}}}"#), "");
        read("t", text.as_bytes(), schema()).unwrap().fields.remove(0)
    };
    let x = field(r#""inputs": ["pid"]"#);
    assert_eq!((x.entry.cost, x.trust, x.privilege), (0, Trust::Kernel, Privilege::World));
    let x = field(r#""inputs": ["pid", "argv"], "cost": 1"#);
    assert_eq!((x.entry.cost, x.trust, x.privilege), (4, Trust::SelfReported, Privilege::World));
    let x = field(r#""inputs": ["argv", "env"], "cost": 6"#);
    assert_eq!((x.entry.cost, x.trust, x.privilege), (6, Trust::SelfReported, Privilege::Read));
    let x = field(r#""inputs": ["execfn"]"#);
    assert_eq!(x.privilege, Privilege::Attach);
    let x = field(r#""inputs": ["pid"], "trust": "self""#);
    assert_eq!(x.trust, Trust::SelfReported);
    // What a script says of itself is not better for being a file.
    let x = field(r#""inputs": ["script.path"]"#);
    assert_eq!(x.trust, Trust::SelfReported);
}

#[test]
fn a_cost_is_at_least_what_the_examples_took() {
    let field = |cost: u8| {
        format!(
            r#"{{"name": "x", "type": "string", "export": "x", "inputs": ["pid"], "cost": {cost}, "examples": [{{"inputs": {{"pid": 1}}, "value": null}}]}}"#
        )
    };
    let looping = |turns: u32| {
        format!(
            "(func (export \"x\") (param i32 i32) (result i64) (local i32)
                (loop (br_if 0 (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const {turns}))))
                (i32.store8 (i32.const 300000) (i32.const 0)) (i64.const 0x493e000000001))"
        )
    };
    let cost = |cost: u8, turns: u32| {
        let plugin = crate::wat::Wat::new(&manifest(&field(cost), ""), &looping(turns)).plugin();
        assert_eq!(plugin.manifest().fields[0].entry.cost, plugin.declarations().fields[0].cost);
        plugin.declarations().fields[0].cost
    };
    assert_eq!(cost(0, 1), 0);
    assert_eq!(cost(3, 1), 3);
    assert_eq!(cost(0, 50_000), 6, "some hundreds of microseconds");
    assert!((1..=5).contains(&cost(0, 1_000)));
}

#[test]
fn there_are_limits_of_everything() {
    let many = |count: usize| {
        let fields: Vec<String> =
            (0..count).map(|n| format!(r#"{{"name": "x{n}", "type": "int", "export": "x"}}"#)).collect();
        fields.join(", ")
    };
    assert!(read("t", manifest(&many(128), "").as_bytes(), schema()).is_ok());
    assert_eq!(of(&many(129), "")[0], "P203 `fields` of the manifest has 129 items | write at most 128");
    let both = of(&many(128), r#"{"name": "f", "result": "int", "export": "f"}"#);
    assert_eq!(both, ["P203 `functions` of the manifest has 1 items | write at most 0"]);
    let files = manifest(&many(1), "")
        .replace("\"summary\"", "\"files\": [\"etc/passwd\", \"/etc/../x\", 5], \"summary\"");
    let all = said(&read("t", files.as_bytes(), schema()).unwrap_err());
    assert_eq!(all.len(), 3, "{all:#?}");
    assert!(
        all[0].starts_with("P203 `etc/passwd` under `files` is no pattern of files | write an absolute path")
    );
    assert_eq!(
        of("", "")[0],
        "P203 the manifest has no fields and no functions | declare one under `fields` or `functions`"
    );
}

#[test]
fn examples_are_read_by_the_types() {
    let example = |example: &str| with(&format!(r#""inputs": ["comm", "age"], "examples": [{example}]"#));
    let rows = [
        (example("{}"), "P203 example 1 of field `t.x` has no `value`"),
        (example(r#"{"value": 5}"#), "P203 `value` of example 1 of field `t.x` is no string | write a text"),
        (
            example(r#"{"value": "a", "inputs": {"com": "x"}}"#),
            "P202 `inputs` of example 1 of field `t.x` has an unknown key `com` | did you mean `comm`?",
        ),
        (
            example(r#"{"value": "a", "inputs": {"age": "5 minutes"}}"#),
            "P203 the input `age` of example 1 of field `t.x` is no duration | write a text such as `\"90s\"`",
        ),
        (
            example(r#"{"value": "a", "arguments": ["x"]}"#),
            "P203 example 1 of field `t.x` has 1 arguments, the function takes 0",
        ),
    ];
    for (all, begin) in rows {
        assert!(all[0].starts_with(begin), "{begin}\n{all:#?}");
    }
}

#[test]
fn examples_are_run_and_must_come_true() {
    let with = |examples: &str| {
        one("string", "", &echo("x")).clone_with(&format!(
            r#"{{"name": "x", "type": "string", "export": "x", "inputs": ["comm"], "examples": [{examples}]}}"#
        ))
    };
    with(r#"{"match": "t.x == \"a\"", "inputs": {"comm": "a"}, "value": "a"}, {"value": null}"#).plugin();
    let wrong = with(r#"{"inputs": {"comm": "a"}, "value": "b"}"#).said();
    assert_eq!(
        wrong,
        ["P302 example 1 of `t.x` gives \"a\", not \"b\" | mend the plugin, or `value` of the example"]
    );
    let wrong = with(r#"{"inputs": {}, "value": "b"}"#).said();
    assert!(wrong[0].starts_with("P302 example 1 of `t.x` gives absent, not \"b\""), "{wrong:#?}");
    let wrong = with(r#"{"match": "t.y == 1", "value": null}"#).said();
    assert!(
        wrong[0].starts_with(
            "P302 example 1 of `t.x` is no condition: unknown field `t.y` | did you mean `t.x`?"
        ),
        "{wrong:#?}"
    );
    let wrong = with(r#"{"match": "t.x > 1", "value": null}"#).said();
    assert!(wrong[0].starts_with("P302 example 1 of `t.x` is no condition"), "{wrong:#?}");
}

#[test]
fn grants_that_are_missing_are_named_with_the_line_to_add() {
    let text = manifest(
        r#"{"name": "x", "type": "int", "export": "x", "inputs": ["comm", {"field": "ppid", "lazy": true}]},
           {"name": "y", "type": "int", "export": "x", "inputs": ["ppid"]}"#,
        "",
    )
    .replace("\"summary\"", "\"files\": [\"/etc/app/*.conf\", \"/etc/other\"], \"summary\"");
    let all = crate::wat::Wat::new(&text, &echo("x")).said();
    assert_eq!(
        all,
        [
            "P301 `t.x`, `t.y` needs the field `ppid`, which is not granted | add `ppid` to `grants.fields`",
            "P301 the plugin needs the files `/etc/other`, which are not granted | add `/etc/other` to `grants.files`",
        ]
    );
}

impl crate::wat::Wat {
    /// The same module with this field.
    fn clone_with(&self, field: &str) -> Self {
        Self { manifest: manifest(field, "").into_bytes(), ..self.clone() }
    }
}
