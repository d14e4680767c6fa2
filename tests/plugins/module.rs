//! Modules that are refused before anything of them is believed.

use selfsame::plugin::{Grants, Plugin};
use selfsame::process::expression::schema;

use crate::wat::{Wat, constant, echo, field, manifest, one, said};

fn refused(wasm: &[u8]) -> Vec<String> {
    said(&Plugin::load("t", wasm, &Grants::default(), schema()).expect_err("refused"))
}

fn good() -> Wat {
    one("string", "\"comm\"", &echo("x"))
}

#[test]
fn what_is_no_module() {
    let whole = good().wasm();
    assert!(refused(b"")[0].starts_with("P101 the file is no WebAssembly module | give the binary form"));
    assert!(refused(good().text().as_bytes())[0].starts_with("P101 the file is no WebAssembly module"));
    assert!(refused(b"\x7fELF")[0].starts_with("P101 the file is no WebAssembly module"));
    assert!(refused(b"\0asm\x0d\0\x01\0")[0].starts_with("P101 the file is a component"));
    assert!(
        refused(&vec![0; (4 << 20) + 1])[0]
            .starts_with("P102 the module has 4194305 bytes, more than 4194304")
    );
    for end in (8..whole.len()).step_by(3) {
        // Never a panic, and never a plugin.
        refused(&whole[..end]);
    }
}

#[test]
fn every_byte_of_a_module_may_be_wrong() {
    let whole = good().wasm();
    for at in 0..whole.len() {
        for bit in [1, 0x80] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            let _ = Plugin::load("t", &bytes, &crate::wat::grants(), schema());
        }
    }
}

#[test]
fn what_other_modules_may_use_and_plugins_may_not() {
    let rows = [
        "(func (result v128) (v128.const i32x4 0 0 0 0))",
        "(memory $second 1)",
        "(table i64 1 funcref)",
        "(func $f (result i32) (return_call $f))",
    ];
    for body in rows {
        let mut wat = good();
        wat.body.push_str(body);
        let all = wat.said();
        assert!(all[0].starts_with("P10"), "{body}: {all:#?}");
    }
    let mut wide = good();
    wide.memory = "(memory (export \"memory\") i64 1)".into();
    assert!(wide.said()[0].starts_with("P101"), "{:?}", wide.said());
}

#[test]
fn imports_are_named_with_what_there_is() {
    let rows = [
        (
            "(import \"env\" \"abort\" (func (param i32 i32 i32 i32)))",
            "P103 the module imports `env.abort`, which is not offered | build with `--use abort=`",
        ),
        (
            "(import \"wasi_snapshot_preview1\" \"fd_write\" (func))",
            "P103 the module imports `wasi_snapshot_preview1.fd_write`, which is not offered | build without WASI",
        ),
        (
            "(import \"selfsame\" \"imput\" (func (param i32 i32 i32) (result i32)))",
            "P103 the module imports `selfsame.imput`, which is not offered | did you mean `selfsame.input`?",
        ),
        (
            "(import \"selfsame\" \"now\" (func (result i32)))",
            "P103 the module imports `selfsame.now` as a function () -> i32 | declare it as a function () -> i64",
        ),
        (
            "(import \"selfsame\" \"log\" (global i32))",
            "P103 the module imports `selfsame.log` as a global | declare it as a function (i32, i32, i32)",
        ),
        (
            "(import \"js\" \"memory\" (memory 1))",
            "P103 the module imports `js.memory`, which is not offered | offered are `selfsame.log`",
        ),
    ];
    for (import, begin) in rows {
        let mut wat = good().importing(import);
        if import.contains("(memory") {
            wat.memory = String::new();
        }
        let all = wat.said();
        assert!(all[0].starts_with(begin), "{begin}\n{all:#?}");
    }
    // All of them at once.
    let all = good().importing("(import \"a\" \"b\" (func)) (import \"c\" \"d\" (func))").said();
    assert_eq!(all.len(), 2);
}

#[test]
fn exports_are_named_with_what_they_must_be() {
    let mut wat = good();
    wat.memory = "(memory 8)".into();
    assert!(wat.said()[0].starts_with("P104 the module exports no memory `memory`"));
    let mut wat = good();
    wat.abi = "(func (export \"selfsame_abi\") (result i64) i64.const 1)".into();
    assert_eq!(
        wat.said(),
        ["P104 the export `selfsame_abi` is a function () -> i64 | make it a function () -> i32"]
    );
    let mut wat = good();
    wat.buffer = "(global (export \"selfsame_buffer\") i32 (i32.const 1))".into();
    assert_eq!(
        wat.said(),
        ["P104 the export `selfsame_buffer` is a global | make it a function (i32) -> i32"]
    );
    let wat = one("string", "\"comm\"", &echo("xx"));
    assert_eq!(
        wat.said(),
        ["P104 `t.x`: the module has no export `x` | export a function (i32, i32) -> i64 of this name"]
    );
    let wat = Wat::new(
        &manifest(&field("string", "").replace("\"export\": \"x\"", "\"export\": \"contaner_id\""), ""),
        &echo("container_id"),
    );
    assert_eq!(
        wat.said(),
        ["P104 `t.x`: the module has no export `contaner_id` | did you mean `container_id`?"]
    );
    let wat = one("string", "\"comm\"", "(func (export \"x\") (param i32) (result i64) (i64.const 0))");
    assert!(wat.said()[0].starts_with("P104 `t.x`: the export `x` is a function (i32) -> i64"));
}

#[test]
fn the_version_of_the_interface_is_ours() {
    for version in ["0", "2", "-1", "1000000"] {
        let mut wat = good();
        wat.abi = format!("(func (export \"selfsame_abi\") (result i32) i32.const {version})");
        let all = wat.said();
        assert_eq!(
            all,
            [format!(
                "P105 the module was built for version {version} of the plugin interface | build it for version 1"
            )]
        );
    }
}

#[test]
fn limits_of_a_module() {
    let mut wat = good();
    wat.memory = "(memory (export \"memory\") 257)".into();
    assert_eq!(
        wat.said(),
        [
            "P102 the module begins with 257 pages of memory | it may have 256: make its stack and its data smaller"
        ]
    );
    let mut wat = good();
    wat.memory = "(memory (export \"memory\") 256)".into();
    wat.plugin();
    for body in ["(table 10001 funcref)", "(table 1000000 funcref)", "(table 4000000000 funcref)"] {
        let mut wat = good();
        wat.body.push_str(body);
        let all = wat.said();
        assert!(all[0].starts_with("P106 ") || all[0].starts_with("P10"), "{all:#?}");
    }
    let mut wat = good();
    wat.body.push_str(&"(table 9000 funcref)".repeat(5));
    assert!(wat.said()[0].starts_with("P106 "), "{:?}", wat.said());
    let mut wat = good();
    wat.body.push_str(&"(func)".repeat(10_001));
    assert!(wat.said()[0].starts_with("P102 "), "{:?}", wat.said());
    let mut wat = good();
    wat.body.push_str(&"(global i32 (i32.const 0))".repeat(1_001));
    assert!(wat.said()[0].starts_with("P102 "), "{:?}", wat.said());
}

#[test]
fn what_it_does_before_it_is_asked_is_limited_as_well() {
    let rows = [
        ("(func $s (loop (br 0))) (start $s)", "P106 the plugin took longer than a call may take"),
        (
            "(func $s unreachable) (start $s)",
            "P106 the plugin can't be started (wasm `unreachable` instruction executed), asked for its start",
        ),
        ("(func $s (call $s)) (start $s)", "P106 the plugin can't be started ("),
        ("(data (i32.const 900000) \"x\")", "P106 the plugin can't be started ("),
    ];
    for (body, begin) in rows {
        let mut wat = good();
        wat.body.push_str(body);
        let all = wat.said();
        assert!(all[0].starts_with(begin), "{all:#?}");
    }
    let bodies = [
        (
            "(loop (br 0)) (i64.const 0)",
            "P106 the plugin took longer than a call may take (about 1 ms), asked for its manifest",
        ),
        (
            "(i64.const -1)",
            "P106 the plugin pointed outside of its memory (the manifest: 65537 bytes at 0xffffffff)",
        ),
        (
            "(i64.const 0x7ffffff000000010)",
            "P106 the plugin pointed outside of its memory (the manifest: 16 bytes at 0x7ffffff0)",
        ),
        ("(i64.const 0xffffffff00000002)", "P106 the plugin pointed outside of its memory"),
        ("(i64.const 0)", "P201 the manifest is not JSON"),
        ("(i64.const 0x00020000)", "P201 the manifest has 65537 bytes"),
    ];
    for (body, begin) in bodies {
        let mut wat = good();
        wat.manifest_body = Some(body.into());
        let all = wat.said();
        assert!(all[0].starts_with(begin), "{all:#?}");
    }
}

#[test]
fn a_host_function_may_be_called_by_a_start_function() {
    let body = format!(
        "{} (func $s (call $log (i32.const 0) (i32.const 1024) (i32.const 4))) (start $s)",
        constant("x", &[0])
    );
    let wat =
        one("string", "", &body).importing("(import \"selfsame\" \"log\" (func $log (param i32 i32 i32)))");
    wat.plugin();
    let lazy = "(func $s (drop (call $input (i32.const 0) (i32.const 0) (i32.const 4)))) (start $s)";
    let body = format!("{} {lazy}", constant("x", &[0]));
    let wat = one("string", "", &body)
        .importing("(import \"selfsame\" \"input\" (func $input (param i32 i32 i32) (result i32)))");
    assert!(
        wat.said()[0].starts_with("P106 the plugin can't be started (waits for the host)"),
        "{:?}",
        wat.said()
    );
}

#[test]
fn a_plugin_can_be_shared_by_threads() {
    fn is<T: Send + Sync>(_: &T) {}
    is(&good().plugin());
    let plugin = good().plugin();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            let plugin = plugin.clone();
            scope.spawn(move || {
                let place = crate::wat::Place::of(vec![plugin]);
                for _ in 0..50 {
                    assert_eq!(place.ask("t.x == comm", 600), "true");
                }
            });
        }
    });
    assert_eq!(plugin.health().failures, 0);
}
