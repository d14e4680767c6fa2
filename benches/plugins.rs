//! Plugins: a call, a call that asks the host, loading, and plugins that nobody uses.
//!
//! `cargo bench --bench plugins`. First it says how much fuel the interpreter uses up in a millisecond, which
//! `plugin::limits::FUEL_A_MILLISECOND` was set by.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use selfsame::diagnostic::Source;
use selfsame::lang::schema::Vocabulary;
use selfsame::lang::value::Value;
use selfsame::lang::{Scope, Vocabularies, compile};
use selfsame::plugin::{Grants, Look, Plugin, PluginVocabulary, Plugins};
use selfsame::process::expression::schema;
use selfsame::process::snapshot::Snapshot;
use selfsame::process::{ProcessVocabulary, candidate};
use selfsame::units::Pid;
use wasm_encoder::{
    CodeSection, ConstExpr, DataSection, EntityType, ExportKind, ExportSection, Function, FunctionSection,
    ImportSection, MemorySection, MemoryType, Module, TypeSection, ValType,
};

/// Calls in one look, so that its fuel is enough.
const CALLS: i64 = 1_000;

fn main() {
    fuel();
    divan::main();
}

/// A module with these functions beside those that every plugin has. `bulk` more functions are there for their size.
fn module(
    name: &str,
    entries: &str,
    bodies: &[Function],
    imports: &[(&str, &[ValType])],
    bulk: u32,
) -> Vec<u8> {
    use wasm_encoder::Instruction as I;
    let manifest = format!(r#"{{"name": "{name}", "version": "1", "functions": [{entries}]}}"#);
    let offset = u32::try_from(imports.len()).unwrap();
    let (mut types, mut import, mut functions) =
        (TypeSection::new(), ImportSection::new(), FunctionSection::new());
    types.ty().function([], [ValType::I32]);
    types.ty().function([], [ValType::I64]);
    types.ty().function([ValType::I32], [ValType::I32]);
    types.ty().function([ValType::I32, ValType::I32], [ValType::I64]);
    for (number, (name, params)) in imports.iter().enumerate() {
        types.ty().function(params.iter().copied(), [ValType::I32]);
        import.import("selfsame", name, EntityType::Function(4 + u32::try_from(number).unwrap()));
    }
    for ty in [0, 1, 2] {
        functions.function(ty);
    }
    for _ in bodies {
        functions.function(3);
    }
    for _ in 0..bulk {
        functions.function(3);
    }
    let mut memories = MemorySection::new();
    memories.memory(MemoryType {
        minimum: 4,
        maximum: None,
        memory64: false,
        shared: false,
        page_size_log2: None,
    });
    let mut exports = ExportSection::new();
    exports.export("memory", ExportKind::Memory, 0);
    for (number, name) in ["selfsame_abi", "selfsame_manifest", "selfsame_buffer"].into_iter().enumerate() {
        exports.export(name, ExportKind::Func, offset + u32::try_from(number).unwrap());
    }
    for number in 0..bodies.len() {
        let number = u32::try_from(number).unwrap();
        exports.export(&format!("f{number}"), ExportKind::Func, offset + 3 + number);
    }
    let mut code = CodeSection::new();
    let place = (1024 << 32) | i64::try_from(manifest.len()).unwrap();
    for instruction in [I::I32Const(1), I::I64Const(place), I::I32Const(65_536)] {
        let mut function = Function::new([]);
        function.instruction(&instruction);
        function.instruction(&I::End);
        code.function(&function);
    }
    for body in bodies {
        code.function(body);
    }
    for number in 0..bulk {
        code.function(&filler(number));
    }
    let mut data = DataSection::new();
    data.active(0, &ConstExpr::i32_const(1024), manifest.into_bytes());
    let mut whole = Module::new();
    whole.section(&types);
    if offset > 0 {
        whole.section(&import);
    }
    whole.section(&functions).section(&memories).section(&exports).section(&code).section(&data);
    whole.finish()
}

/// About a hundred bytes of arithmetic.
fn filler(number: u32) -> Function {
    use wasm_encoder::Instruction as I;
    let mut function = Function::new([(1, ValType::I64)]);
    for step in 0..14 {
        function.instruction(&I::LocalGet(2));
        function.instruction(&I::I64Const(i64::from(number + step)));
        function.instruction(&I::I64Mul);
        function.instruction(&I::LocalSet(2));
    }
    function.instruction(&I::LocalGet(2));
    function.instruction(&I::End);
    function
}

/// Returns its input as it came: `pointer << 32 | length`.
fn echo() -> Function {
    use wasm_encoder::Instruction as I;
    let mut function = Function::new([]);
    finish(&mut function);
    function.instruction(&I::End);
    function
}

fn finish(function: &mut Function) {
    use wasm_encoder::Instruction as I;
    for instruction in [
        I::LocalGet(0),
        I::I64ExtendI32U,
        I::I64Const(32),
        I::I64Shl,
        I::LocalGet(1),
        I::I64ExtendI32U,
        I::I64Or,
    ] {
        function.instruction(&instruction);
    }
}

/// The same after a search in its input.
fn searching() -> Function {
    use wasm_encoder::Instruction as I;
    let mut function = Function::new([]);
    for instruction in [I::LocalGet(0), I::LocalGet(1), I::LocalGet(0), I::I32Const(2), I::Call(0), I::Drop] {
        function.instruction(&instruction);
    }
    finish(&mut function);
    function.instruction(&I::End);
    function
}

/// The same after reading a lazy input, for which the module waits.
fn waiting() -> Function {
    use wasm_encoder::Instruction as I;
    let mut function = Function::new([]);
    for instruction in [I::I32Const(0), I::I32Const(131_072), I::I32Const(4096), I::Call(0), I::Drop] {
        function.instruction(&instruction);
    }
    finish(&mut function);
    function.instruction(&I::End);
    function
}

/// The same after so many turns of a loop of four instructions.
fn looping(turns: i32) -> Function {
    use wasm_encoder::{BlockType, Instruction as I};
    let mut function = Function::new([(1, ValType::I32)]);
    for instruction in [
        I::Loop(BlockType::Empty),
        I::LocalGet(2),
        I::I32Const(1),
        I::I32Add,
        I::LocalTee(2),
        I::I32Const(turns),
        I::I32LtS,
        I::BrIf(0),
        I::End,
    ] {
        function.instruction(&instruction);
    }
    finish(&mut function);
    function.instruction(&I::End);
    function
}

const ONE: &str = r#"{"name": "f", "params": [{"name": "n", "type": "int"}], "result": "int", "export": "f0", "examples": [{"arguments": [7], "value": 7}]}"#;
const LAZY: &str = r#"{"name": "f", "params": [{"name": "n", "type": "int"}], "result": "int", "export": "f0", "inputs": [{"field": "pid", "lazy": true}]}"#;

fn load(name: &str, wasm: &[u8]) -> Arc<Plugin> {
    let grants = Grants { fields: vec!["pid".to_owned()], files: Vec::new() };
    Plugin::load(name, wasm, &grants, schema()).unwrap()
}

/// A host at two moments: each is a new look.
fn moments() -> [Snapshot; 2] {
    ["10", "11"].map(|second| {
        let processes: String = (1..=1_000)
            .map(|pid| format!("  - {{pid: {pid}, user: root, comm: c{pid}, argv: [server, --port, '{pid}']}}\n"))
            .collect();
        let host = format!(
            "host:\n  now: 2026-03-01T12:00:{second}Z\n  boot: 2026-03-01T09:00:00Z\n  users: {{root: 0}}\nprocesses:\n{processes}"
        );
        Snapshot::parse(&Source::new("bench", host)).unwrap()
    })
}

/// So many calls with other arguments each, in looks that take turns.
fn calls(bencher: Bencher<'_, '_>, plugin: &Arc<Plugin>) {
    let moments = moments();
    let subject = candidate(Pid(1));
    let mut turn = 0_usize;
    bencher.counter(ItemsCount::new(usize::try_from(CALLS).unwrap())).bench_local(|| {
        turn += 1;
        let world = moments.get(turn % 2).unwrap();
        let base = ProcessVocabulary::new(world);
        let vocabulary = PluginVocabulary::new(plugin, &base, world);
        for n in 0..CALLS {
            let answer = vocabulary.call(&subject, 0, &[Value::Int(n)]);
            assert!(matches!(answer.known(), Some(Value::Int(back)) if back == n));
        }
    });
    assert_eq!(plugin.health().failures, 0);
}

/// A small function: argument in, value out, kept for the look.
#[divan::bench]
fn thousand_small_calls(bencher: Bencher<'_, '_>) {
    calls(bencher, &load("a", &module("a", ONE, &[echo()], &[], 0)));
}

/// With one call of the host, which is answered at once.
#[divan::bench]
fn thousand_calls_with_a_host_call(bencher: Bencher<'_, '_>) {
    let imports: [(&str, &[ValType]); 1] = [("find", &[ValType::I32; 4])];
    calls(bencher, &load("a", &module("a", ONE, &[searching()], &imports, 0)));
}

/// With one lazy input, for which the module waits.
#[divan::bench]
fn thousand_calls_with_a_lazy_input(bencher: Bencher<'_, '_>) {
    let imports: [(&str, &[ValType]); 1] = [("input", &[ValType::I32; 3])];
    calls(bencher, &load("a", &module("a", LAZY, &[waiting()], &imports, 0)));
}

/// What is known already.
#[divan::bench]
fn thousand_values_that_are_known(bencher: Bencher<'_, '_>) {
    let plugin = load("a", &module("a", ONE, &[echo()], &[], 0));
    let [world, _] = moments();
    let base = ProcessVocabulary::new(&world);
    let vocabulary = PluginVocabulary::new(&plugin, &base, &world);
    let subject = candidate(Pid(1));
    bencher.counter(ItemsCount::new(usize::try_from(CALLS).unwrap())).bench_local(|| {
        for n in 0..CALLS {
            black_box(vocabulary.call(&subject, 0, &[Value::Int(n)]));
        }
    });
}

/// A module of 100 KiB: checked, asked for its manifest, one example run twice.
#[divan::bench]
fn load_100_kib(bencher: Bencher<'_, '_>) {
    let wasm = module("a", ONE, &[echo()], &[], 930);
    assert!((100 << 10..110 << 10).contains(&wasm.len()), "{} bytes", wasm.len());
    bencher.bench_local(|| load("a", &wasm));
}

/// A small one.
#[divan::bench]
fn load_one_function(bencher: Bencher<'_, '_>) {
    let wasm = module("a", ONE, &[echo()], &[], 0);
    bencher.bench_local(|| load("a", &wasm));
}

/// 1 000 processes, two built-in facts each, with so many plugins that the condition doesn't name.
#[divan::bench(args = [0, 50])]
fn scan_with_plugins_that_nobody_uses(bencher: Bencher<'_, '_>, count: usize) {
    let all = (0..count).map(|n| {
        let name = format!("p{n}");
        load(&name, &module(&name, ONE, &[echo()], &[], 0))
    });
    let plugins = Plugins::new(all.collect());
    let text = "comm == \"c7\" || argv contains \"nothing\"";
    let predicate =
        compile(text, plugins.schema(), &Scope::new(BTreeMap::new(), &Arc::default())).predicate.unwrap();
    let [world, _] = moments();
    bencher.bench_local(|| {
        let base = ProcessVocabulary::new(&world);
        let others = plugins.vocabularies(&base, &world, &Look::default());
        let mut facts: Vec<&dyn Vocabulary> = vec![&base];
        facts.extend(others.iter().map(|other| other as &dyn Vocabulary));
        let facts = Vocabularies(facts);
        let matcher = predicate.bind(&BTreeMap::new(), &facts).matcher;
        (1..=1_000)
            .filter(|pid| matcher.eval(&candidate(Pid(*pid)), &facts) == selfsame::lang::Verdict::Match)
            .count()
    });
}

/// The same, with a call of another function in each turn.
fn calling(turns: i32) -> Function {
    use wasm_encoder::{BlockType, Instruction as I};
    let mut function = Function::new([(1, ValType::I32)]);
    for instruction in [
        I::Loop(BlockType::Empty),
        I::LocalGet(0),
        I::LocalGet(1),
        I::Call(4),
        I::Drop,
        I::LocalGet(2),
        I::I32Const(1),
        I::I32Add,
        I::LocalTee(2),
        I::I32Const(turns),
        I::I32LtS,
        I::BrIf(0),
        I::End,
    ] {
        function.instruction(&instruction);
    }
    finish(&mut function);
    function.instruction(&I::End);
    function
}

/// How much fuel a loop uses up in a millisecond, with and without calls.
fn fuel() {
    fuel_of("a tight loop", looping(20_000));
    fuel_of("calls", calling(20_000));
}

fn fuel_of(what: &str, body: Function) {
    let plugin = load("a", &module("a", ONE, &[body, echo()], &[], 0));
    let moments = moments();
    let subject = candidate(Pid(1));
    let mut best = 0_u128;
    for turn in 0..200_usize {
        let world = moments.get(turn % 2).unwrap();
        let base = ProcessVocabulary::new(world);
        let vocabulary = PluginVocabulary::new(&plugin, &base, world);
        let before = plugin.health().fuel;
        let begun = Instant::now();
        for n in 0..10 {
            assert!(
                vocabulary.call(&subject, 0, &[Value::Int(n)]).known().is_some(),
                "{:?}",
                plugin.health()
            );
        }
        let took = begun.elapsed().as_nanos().max(1);
        best = best.max(u128::from(plugin.health().fuel - before) * 1_000_000 / took);
    }
    println!("fuel a millisecond, {what}: {best}");
}
