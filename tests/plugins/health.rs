//! Failures in a row, the fuel of a look, and recovery.

use std::sync::Arc;
use std::time::Duration;

use selfsame::plugin::limits::LOOK_FUEL;
use selfsame::plugin::{Look, Plugin};

use crate::wat::{HOST, Place, one, processor_time};

/// It fails for the process `app` (its name has three letters) and answers for others.
const FUSSY: &str = "(func (export \"x\") (param i32 i32) (result i64)
    (if (i32.eq (i32.load8_u (i32.add (local.get 0) (i32.const 1))) (i32.const 3)) (then unreachable))
    (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))";

/// The host so many seconds later.
fn later(plugin: &Arc<Plugin>, seconds: u64) -> Place {
    let host = HOST.replace("12:00:00Z", &format!("12:00:{seconds:02}Z"));
    Place::on(&host, vec![plugin.clone()])
}

#[test]
fn three_failures_in_a_row_and_it_is_left_alone_until_the_wait_is_over() {
    let plugin = one("string", "\"comm\"", FUSSY).plugin();
    let place = later(&plugin, 0);
    for _ in 0..3 {
        assert!(place.ask("has(t.x)", 600).contains("`t` trapped"));
    }
    // Also for those that it would answer for; it is not called.
    assert!(
        place
            .ask("has(t.x)", 601)
            .starts_with("plugin: `t` is left alone for 2s after 3 failures in a row: it trapped (")
    );
    let health = plugin.health();
    assert_eq!((health.calls, health.failures, health.in_a_row), (3, 3, 3));
    assert!(health.quarantined_until.is_some() && health.last_failure.is_some());
    // The names are declared all the while, so that conditions go on compiling.
    assert_eq!(place.plugins.schema().field("process", "t.x").unwrap().0.vocabulary, 1);

    let place = later(&plugin, 1);
    assert!(place.ask("has(t.x)", 600).contains("`t` trapped"), "one try");
    assert!(place.ask("has(t.x)", 601).contains("left alone for 3s after 4 failures"));
    let place = later(&plugin, 2);
    assert!(place.ask("has(t.x)", 601).contains("left alone"));
    let place = later(&plugin, 3);
    assert_eq!(place.ask("t.x == \"other\"", 601), "true");
    let health = plugin.health();
    assert_eq!((health.in_a_row, health.quarantined_until), (0, None));
    assert!(place.ask("has(t.x)", 600).contains("`t` trapped"));
    assert_eq!(place.ask("t.x == \"other\"", 601), "true", "one failure is none");
}

#[test]
fn a_failure_is_one_for_a_process_and_look_however_many_ask() {
    let plugin = one("string", "\"comm\"", FUSSY).plugin();
    let place = later(&plugin, 0);
    let look = Look::default();
    for _ in 0..10 {
        assert!(place.ask_in(&look, "has(t.x)", 600).contains("`t` trapped"));
    }
    assert_eq!(plugin.health().failures, 1);
}

#[test]
fn a_look_has_fuel_for_fifty_milliseconds_and_no_more() {
    // Most of a millisecond for each argument.
    let body = "(func (export \"f\") (param i32 i32) (result i64) (local i32)
        (loop (br_if 0 (i32.lt_u (local.tee 2 (i32.add (local.get 2) (i32.const 1))) (i32.const 60000))))
        (i64.or (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 32)) (i64.extend_i32_u (local.get 1))))";
    let text =
        r#"{"name": "f", "params": [{"name": "a", "type": "string"}], "result": "string", "export": "f"}"#;
    let plugin = crate::wat::Wat::new(&crate::wat::manifest("", text), body).plugin();
    let place = later(&plugin, 0);
    let look = Look::default();
    let begun = processor_time();
    let answers: Vec<String> =
        (0..5_000).map(|n| place.ask_in(&look, &format!("has(t.f(\"{n}\"))"), 600)).collect();
    let enough = answers.iter().take_while(|answer| *answer == "true").count();
    assert!((20..2_000).contains(&enough), "{enough} calls");
    assert!(
        answers[enough..]
            .iter()
            .all(|answer| answer == "plugin: `t` used up its time of this look (about 50 ms)"),
        "{:?}",
        &answers[enough..enough + 3]
    );
    let took = processor_time().saturating_sub(begun);
    assert!(took < Duration::from_mins(1), "{took:?}");
    let health = plugin.health();
    assert!(health.failures <= 1, "it counts once: {health:?}");
    assert!((LOOK_FUEL..LOOK_FUEL + LOOK_FUEL / 50).contains(&health.fuel), "{health:?}");
    // The next look has its own.
    assert_eq!(later(&plugin, 1).ask("has(t.f(\"0\"))", 600), "true");
}

#[test]
fn the_same_module_apart_has_a_health_of_its_own() {
    let plugin = one("string", "\"comm\"", FUSSY).plugin();
    let apart = Arc::new(plugin.apart());
    let place = later(&apart, 0);
    for _ in 0..5 {
        place.ask("has(t.x)", 600);
    }
    assert!(apart.health().quarantined_until.is_some());
    assert_eq!(plugin.health(), selfsame::plugin::Health::default());
    assert_eq!(later(&plugin, 0).ask("t.x == \"other\"", 601), "true");
}

#[test]
fn an_instance_that_failed_is_gone_with_what_it_had_in_its_memory() {
    // It counts, and traps at the third call.
    let body = "(global $n (mut i64) (i64.const 0))
        (func (export \"x\") (param i32 i32) (result i64)
            (global.set $n (i64.add (global.get $n) (i64.const 1)))
            (if (i64.eq (global.get $n) (i64.const 3)) (then unreachable))
            (i64.store (i32.const 300001) (global.get $n))
            (i32.store8 (i32.const 300000) (i32.const 2))
            (i64.const 0x493e000000009))";
    let plugin = one("int", "\"comm\"", body).plugin();
    let place = later(&plugin, 0);
    assert_eq!(place.ask("t.x == 1", 600), "true");
    assert_eq!(place.ask("t.x == 2", 600), "true");
    assert!(place.ask("t.x == 3", 600).contains("trapped"));
    assert_eq!(place.ask("t.x == 1", 600), "true");
}
