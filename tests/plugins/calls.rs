//! Fields and functions that work.

use selfsame::plugin::{Look, Plugins};

use crate::wat::{Place, Wat, constant, echo, field, manifest, one};

#[test]
fn a_field_of_each_type_is_answered_from_its_input_and_compared() {
    let rows = [
        ("string", "comm", "t.x == \"app\"", "true"),
        ("path", "exe.path", "t.x under \"/usr\"", "true"),
        ("int", "pid", "t.x == 600 && t.x > 599", "true"),
        ("list<string>", "argv", "t.x[1] == \"-u\" && len(t.x) == 3", "true"),
        ("map<string>", "env", "t.x[\"MODE\"] == \"prod\" && !has(t.x[\"NO\"])", "true"),
        ("string", "comm", "t.x starts_with \"b\"", "false"),
    ];
    for (ty, input, text, verdict) in rows {
        let place = Place::of(vec![one(ty, &format!("\"{input}\""), &echo("x")).plugin()]);
        assert_eq!(place.ask(text, 600), verdict, "{text}");
    }
}

#[test]
fn constants_of_all_types_come_through() {
    let rows: [(&str, &[u8], &str); 9] = [
        ("bool", &[1, 1], "t.x"),
        ("size", &[5, 0, 0, 1, 0, 0, 0, 0, 0], "t.x == 64KiB"),
        ("duration", &[6, 0, 0xca, 0x9a, 0x3b, 0, 0, 0, 0], "t.x == 1s"),
        ("time", &[7, 0, 0, 0, 0, 0, 0, 0, 0], "t.x == @1970-01-01T00:00:00Z"),
        ("percentage", &[8, 0, 0x35, 0x0c, 0, 0, 0, 0, 0], "t.x == 80%"),
        ("ip", &[9, 4, 10, 0, 0, 1], "t.x in 10.0.0.0/8"),
        ("cidr", &[10, 4, 10, 0, 0, 0, 8], "cidr_contains(t.x, 10.9.9.9)"),
        ("list<int>", &[11, 1, 0, 0, 0, 2, 7, 0, 0, 0, 0, 0, 0, 0], "t.x == [7]"),
        (
            "list<list<string>>",
            &[11, 1, 0, 0, 0, 11, 1, 0, 0, 0, 3, 1, 0, 0, 0, b'a'],
            "any(t.x, y => y == [\"a\"])",
        ),
    ];
    for (ty, bytes, text) in rows {
        let place = Place::of(vec![one(ty, "", &constant("x", bytes)).plugin()]);
        assert_eq!(place.ask(text, 600), "true", "{ty}: {text}");
    }
}

#[test]
fn absent_and_unknown_are_what_they_are_elsewhere() {
    let place = Place::of(vec![one("string", "", &constant("x", &[0])).plugin()]);
    assert_eq!(place.ask("has(t.x)", 600), "false");
    assert_eq!(place.ask("t.x == \"a\" || t.x != \"a\"", 600), "true");
    let place = Place::of(vec![one("string", "", &constant("x", b"\x0f\x03\0\0\0why")).plugin()]);
    assert_eq!(place.ask("has(t.x)", 600), "plugin: `t` says: why");
    let place = Place::of(vec![one("map<int>", "", &constant("x", &[0])).plugin()]);
    assert_eq!(place.ask("has(t.x[\"a\"])", 600), "false");
}

/// Returns its arguments, which is the first one where there is one.
fn function(more: &str) -> String {
    format!(
        r#"{{"name": "f", "params": [{{"name": "a", "type": "string", "default": "none"}}], "result": "string", "export": "f"{more}}}"#
    )
}

#[test]
fn functions_take_arguments_by_place_and_name_and_have_defaults() {
    let place = Place::of(vec![Wat::new(&manifest("", &function("")), &echo("f")).plugin()]);
    for text in
        ["t.f(\"a\") == \"a\"", "t.f(a: comm) == \"app\"", "t.f() == \"none\"", "!has(t.f(env[\"NO\"]))"]
    {
        assert_eq!(place.ask(text, 600), "true", "{text}");
    }
}

#[test]
fn a_pure_function_of_constants_is_computed_when_the_condition_is_bound() {
    let pure = Wat::new(&manifest("", &function(", \"pure\": true")), &echo("f")).plugin();
    let place = Place::of(vec![pure.clone()]);
    let look = Look::default();
    for pid in [600, 601, 602] {
        assert_eq!(place.ask_in(&look, "t.f(\"x\") == \"x\" && comm != \"\"", pid), "true");
    }
    // Bound three times in one look, called once.
    assert_eq!(pure.health().calls, 1);
}

#[test]
fn a_value_is_computed_once_a_look_whoever_asks() {
    let plugin = one("string", "\"comm\"", &echo("x")).plugin();
    let place = Place::of(vec![plugin.clone()]);
    let look = Look::default();
    for _ in 0..3 {
        assert_eq!(place.ask_in(&look, "t.x == comm", 600), "true");
        assert_eq!(place.ask_in(&look, "t.x == comm", 601), "true");
    }
    assert_eq!(plugin.health().calls, 2);
    assert_eq!(place.ask("t.x == comm", 600), "true");
    assert_eq!(plugin.health().calls, 3, "another look asks again");
}

#[test]
fn an_explaining_look_has_an_account() {
    let place = Place::of(vec![one("string", "\"comm\", \"argv\"", &constant("x", &[0])).plugin()]);
    let look = Look::explaining();
    assert_eq!(place.ask_in(&look, "has(t.x) || has(t.x)", 600), "false");
    let accounts = look.take_accounts();
    assert_eq!(accounts.len(), 1);
    let account = &accounts[0];
    assert_eq!(
        (account.plugin.as_str(), account.version.as_str(), account.entry.as_str()),
        ("t", "1.2.3", "t.x")
    );
    assert_eq!(account.inputs, ["comm", "argv"]);
    assert!(account.fuel > 0);
    assert!(look.take_accounts().is_empty());
}

#[test]
fn plugins_stand_behind_the_built_in_names_by_name() {
    let named = |name: &str| {
        let text = manifest(&field("string", "\"comm\""), "")
            .replace("\"name\": \"t\"", &format!("\"name\": \"{name}\""));
        let wasm = Wat::new(&text, &echo("x")).wasm();
        selfsame::plugin::Plugin::load(
            name,
            &wasm,
            &crate::wat::grants(),
            selfsame::process::expression::schema(),
        )
        .unwrap()
    };
    let place = Place::of(vec![named("zeta"), named("alpha"), named("zeta")]);
    let names: Vec<&str> = place.plugins.iter().map(|plugin| plugin.name()).collect();
    assert_eq!(names, ["alpha", "zeta"]);
    assert_eq!(place.ask("alpha.x == zeta.x && alpha.x == comm", 600), "true");
    let schema = place.plugins.schema();
    let (id, decl) = schema.field("process", "zeta.x").unwrap();
    assert_eq!((id.vocabulary, decl.source.as_ref()), (2, "plugin zeta 1.2.3, of comm"));
    assert!(Plugins::none().schema().field("process", "zeta.x").is_none());
    let only = place.plugins.only(["zeta", "none"]);
    assert_eq!(only.iter().len(), 1);
    assert_eq!(only.schema().field("process", "zeta.x").unwrap().0.vocabulary, 1);
}

#[test]
fn what_a_module_was_is_known_by_its_digest() {
    let wat = one("string", "\"comm\"", &echo("x"));
    let (a, b) = (wat.plugin(), wat.plugin());
    assert_eq!(a.digest(), b.digest());
    assert_eq!(a.digest().len(), 64);
    assert_eq!((a.name(), a.version(), a.summary()), ("t", "1.2.3", "a test"));
}
