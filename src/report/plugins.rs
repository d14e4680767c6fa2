//! What authors of plugins are told: what a plugin declares, how its cases went, what it costs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::diagnostics::DiagnosticRow;
use super::printable;
use super::status::plain_rows;
use crate::lang::schema::{Privilege, Trust};
use crate::lang::{Outcome, show};
use crate::plugin::manifest::{Declared, Manifest, Param};
use crate::plugin::{Enumeration, Grants, Input, OwnType, Plugin};
use crate::units::counted;
use crate::workshop::{Measured, Trial, hint};

/// A plugin as it is shown to who may use it.
#[derive(Debug)]
pub struct Inspection<'a> {
    /// What it says of itself.
    pub manifest: &'a Manifest,
    /// What it imports.
    pub imports: &'a [String],
    /// Of the module.
    pub bytes: usize,
    /// The version of the interface.
    pub abi: i32,
    /// Of the module.
    pub sha256: String,
    /// What it asks for.
    pub grants: &'a Grants,
    /// What stands between it and its use.
    pub mistakes: Vec<DiagnosticRow>,
}

impl Inspection<'_> {
    /// For programs.
    pub fn row(&self) -> Json {
        let entries: Vec<Json> = self.manifest.entries().map(entry_row).collect();
        json!({
            "name": self.manifest.name, "version": self.manifest.version, "summary": self.manifest.summary,
            "abi": self.abi, "bytes": self.bytes, "sha256": self.sha256, "imports": self.imports,
            "entries": entries,
            "enums": self.manifest.own.enums.iter().map(enum_row).collect::<Vec<_>>(),
            "types": self.manifest.own.types.iter().map(type_row).collect::<Vec<_>>(),
            "foreign": self.manifest.foreign.iter().cloned().collect::<BTreeMap<_, _>>(),
            "grants": {"fields": self.grants.fields, "files": self.grants.files},
            "mistakes": self.mistakes,
        })
    }
}

fn entry_row(declared: Declared<'_>) -> Json {
    let entry = declared.entry();
    let inputs: Vec<Json> = entry
        .inputs
        .iter()
        .map(|input| json!({"field": input.field, "type": input.ty.to_string(), "optional": input.optional, "lazy": input.lazy}))
        .collect();
    let params: Vec<Json> = declared
        .params()
        .iter()
        .map(|param| {
            json!({"name": param.name, "type": param.ty.to_string(), "default": param.default.as_ref().map(show)})
        })
        .collect();
    let kind = if matches!(declared, Declared::Field(_)) { "field" } else { "function" };
    json!({
        "name": entry.name, "kind": kind, "type": declared.result().to_string(), "params": params,
        "pure": declared.pure(), "cost": entry.cost, "trust": trust(declared), "privilege": privilege(declared),
        "min": bound(declared, |(low, _)| low), "max": bound(declared, |(_, high)| high),
        "inputs": inputs, "summary": entry.summary, "export": entry.export, "examples": entry.examples.len(),
    })
}

/// One of the bounds of a field, in the unit of its type.
fn bound(declared: Declared<'_>, which: fn((i64, i64)) -> i64) -> Option<i64> {
    match declared {
        Declared::Field(field) => {
            field.bounds.map(which).filter(|bound| !matches!(*bound, i64::MIN | i64::MAX))
        }
        Declared::Function(_) => None,
    }
}

fn enum_row(own: &Enumeration) -> Json {
    let foreign: BTreeMap<&str, &str> =
        own.foreign.iter().map(|(theirs, ours)| (theirs.as_str(), ours.as_str())).collect();
    json!({"name": own.name, "summary": own.summary, "words": own.words, "foreign": foreign})
}

fn type_row(own: &OwnType) -> Json {
    let from: Vec<String> = own.from.iter().map(ToString::to_string).collect();
    json!({
        "name": own.name, "summary": own.summary, "from": from, "operators": operators(own),
        "examples": own.examples.iter().map(show).collect::<Vec<_>>(),
    })
}

/// What a type can be compared by.
fn operators(own: &OwnType) -> Vec<&'static str> {
    let mut all = vec!["==", "!="];
    if own.less.is_some() {
        all.extend(["<", "<=", ">", ">="]);
    }
    if own.text.is_some() {
        all.extend(["like", "=~"]);
    }
    all
}

/// A line for each type that it declares.
fn types_text(manifest: &Manifest) -> String {
    let mut text = String::new();
    for own in &manifest.own.enums {
        let _ = writeln!(text, "{}: {}: {}", own.name, printable(&own.summary), own.words.join(" "));
    }
    for own in &manifest.own.types {
        let from: Vec<String> = own.from.iter().map(ToString::to_string).collect();
        let (from, operators) = (from.join(", "), operators(own).join(" "));
        let _ = writeln!(text, "{}: {}: of {from}; {operators}", own.name, printable(&own.summary));
    }
    text
}

fn trust(declared: Declared<'_>) -> &'static str {
    let trust = match declared {
        Declared::Field(field) => Some(field.trust),
        Declared::Function(function) => function.trust,
    };
    match trust {
        Some(Trust::Kernel) => "kernel",
        Some(Trust::SelfReported) => "self-reported",
        Some(Trust::Both) => "kernel, self-reported",
        None => "its arguments",
    }
}

fn privilege(declared: Declared<'_>) -> &'static str {
    let inputs = declared.entry().inputs.iter().map(|input| input.privilege);
    let strictest = inputs.max_by_key(|privilege| match privilege {
        Privilege::World => 0,
        Privilege::Read => 1,
        Privilege::Attach => 2,
    });
    match strictest {
        Some(Privilege::Attach) => "attach",
        Some(Privilege::Read) => "read",
        Some(Privilege::World) | None => "world",
    }
}

fn signature(declared: Declared<'_>) -> String {
    let name = &declared.entry().name;
    match declared {
        Declared::Field(_) => name.clone(),
        Declared::Function(function) => {
            let params: Vec<String> = function.params.iter().map(param).collect();
            format!("{name}({})", params.join(", "))
        }
    }
}

fn param(param: &Param) -> String {
    let default = param.default.as_ref().map(|value| format!(" = {}", show(value))).unwrap_or_default();
    format!("{}: {}{default}", param.name, param.ty)
}

fn input(input: &Input) -> String {
    let lazy = if input.lazy { "~" } else { "" };
    let optional = if input.optional { "?" } else { "" };
    format!("{lazy}{}{optional}", input.field)
}

/// A list of YAML in one line.
fn listed(items: &[String]) -> String {
    let quoted = items.iter().map(|item| {
        let plain = item.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._/-".contains(&byte));
        if plain { item.clone() } else { format!("'{}'", item.replace('\'', "''")) }
    });
    quoted.collect::<Vec<_>>().join(", ")
}

/// For a person: what it is, a line for each entry, and what to grant.
pub fn inspection_text(inspection: &Inspection<'_>) -> String {
    let manifest = inspection.manifest;
    let mut text = format!("{} {}: {}\n", manifest.name, manifest.version, printable(&manifest.summary));
    let _ = writeln!(
        text,
        "interface {}, {} bytes, sha256 {}",
        inspection.abi, inspection.bytes, inspection.sha256
    );
    let imports =
        if inspection.imports.is_empty() { "nothing".to_owned() } else { inspection.imports.join(", ") };
    let _ = writeln!(text, "imports {}\n", printable(imports));
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["NAME", "TYPE", "COST", "READ BY", "SAYS", "INPUTS", "SUMMARY"]);
    for declared in manifest.entries() {
        let entry = declared.entry();
        let inputs: Vec<String> = entry.inputs.iter().map(input).collect();
        table.add_row([
            signature(declared),
            declared.result().to_string(),
            entry.cost.to_string(),
            privilege(declared).to_owned(),
            trust(declared).to_owned(),
            if inputs.is_empty() { "-".to_owned() } else { inputs.join(" ") },
            printable(&entry.summary),
        ]);
    }
    text.push_str(&plain_rows(&table));
    let types = types_text(manifest);
    if !types.is_empty() {
        let _ = write!(text, "\n\ntypes\n{}", types.trim_end());
    }
    text.push_str("\n\nin its document:\n  grants:\n");
    let _ = writeln!(text, "    fields: [{}]", listed(&inspection.grants.fields));
    if !inspection.grants.files.is_empty() {
        let _ = writeln!(text, "    files: [{}]", listed(&inspection.grants.files));
    }
    if manifest
        .entries()
        .flat_map(|declared| &declared.entry().inputs)
        .any(|input| input.lazy || input.optional)
    {
        text.push_str("\n`~` is read only if the plugin asks for it; with `?` it is asked also where the input is unknown\n");
    }
    text
}

/// How the tests of one plugin went.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct PluginTests {
    /// The plugin.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// How many examples its manifest has; all were as they say, or it would not have been loaded.
    pub examples: usize,
    /// In the order of their names.
    pub files: Vec<CaseFileTests>,
}

/// How the cases of one file went.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct CaseFileTests {
    /// The file.
    pub file: String,
    /// How many cases it has.
    pub cases: usize,
    /// How many values they expect.
    pub values: usize,
    /// What is not as expected.
    pub failed: Vec<FailedValue>,
}

/// A value that is not as expected.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FailedValue {
    /// The case.
    pub case: String,
    /// The expression.
    pub expression: String,
    /// In the file, from 1.
    pub line: usize,
    /// As the file says.
    pub expected: String,
    /// As it is.
    pub found: String,
}

impl PluginTests {
    /// Of a plugin that was loaded.
    pub fn new(plugin: &Plugin) -> Self {
        Self {
            plugin: plugin.name().to_owned(),
            version: plugin.version().to_owned(),
            examples: plugin.manifest().entries().map(|declared| declared.entry().examples.len()).sum(),
            files: Vec::new(),
        }
    }

    /// Adds the trials of a file.
    pub fn add(&mut self, file: &str, trials: &[Trial<'_>]) {
        let failed = trials.iter().filter(|trial| !trial.passed()).map(failed_value).collect();
        let cases = trials.chunk_by(|a, b| std::ptr::eq(a.case, b.case)).count();
        self.files.push(CaseFileTests { file: file.to_owned(), cases, values: trials.len(), failed });
    }

    /// Whether all is as expected.
    pub fn passed(&self) -> bool {
        self.files.iter().all(|file| file.failed.is_empty())
    }
}

fn failed_value(trial: &Trial<'_>) -> FailedValue {
    let found = match &trial.found {
        // A text without its quotes, as the file has it.
        Ok((
            Outcome::Known(crate::lang::value::Value::String(bytes) | crate::lang::value::Value::Path(bytes)),
            _,
        )) => printable(bytes),
        Ok((_, words)) => printable(words),
        Err(_) => "no expression".to_owned(),
    };
    FailedValue {
        case: printable(&trial.case.name),
        expression: printable(&trial.expectation.expression.text),
        line: trial.file.source.position(trial.expectation.at.start).0,
        expected: printable(trial.expectation.expected.words()),
        found,
    }
}

/// For a person: a line for each file, below it what isn't as expected, and at the end the sums.
///
/// ```text
/// container 1.0.0: 8 examples
/// tests/paths.cases.yaml: 57 cases, 1 of 281 values not as expected
///   docker, cgroupfs driver: container.runtime (tests/paths.cases.yaml:8)
///     expected  podman
///     found     docker
/// ```
pub fn plugin_tests_text(all: &[PluginTests]) -> String {
    let mut text = String::new();
    for tests in all {
        let _ = writeln!(text, "{} {}: {}", tests.plugin, tests.version, counted(tests.examples, "example"));
        for file in &tests.files {
            let sums = match file.failed.len() {
                0 => format!("{} as expected", counted(file.values, "value")),
                failed => format!("{failed} of {} not as expected", counted(file.values, "value")),
            };
            let _ = writeln!(text, "{}: {}, {sums}", file.file, counted(file.cases, "case"));
            for failed in &file.failed {
                let FailedValue { case, expression, line, expected, found } = failed;
                let _ = writeln!(text, "  {case}: {expression} ({}:{line})", file.file);
                let _ = writeln!(text, "    expected  {expected}\n    found     {found}");
            }
        }
    }
    text
}

/// What the entries of a plugin cost.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct BenchReport {
    /// The examples of the manifest.
    pub examples: Vec<BenchRow>,
    /// The fields, for processes; their time is that of the inputs too.
    pub processes: Vec<BenchRow>,
}

/// What one entry cost.
#[derive(Clone, PartialEq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BenchRow {
    /// `container.id`
    pub entry: String,
    /// Calls.
    pub calls: usize,
    /// In the middle.
    pub fuel: u64,
    /// Of the dearest call.
    pub fuel_most: u64,
    /// Microseconds, in the middle.
    pub micros: f64,
    /// Microseconds of the slowest call.
    pub micros_most: f64,
    /// Values that were unknown.
    pub unknown: usize,
    /// Class of cost that it has.
    pub cost: u8,
    /// What `cost` in the manifest should be, if the class that it declares is too low for its examples.
    pub hint: Option<u8>,
}

impl BenchReport {
    /// Of what was measured.
    pub fn new(examples: &[Measured], processes: &[Measured]) -> Self {
        let rows = |all: &[Measured]| all.iter().map(bench_row).collect();
        Self { examples: rows(examples), processes: rows(processes) }
    }
}

fn bench_row(measured: &Measured) -> BenchRow {
    let (mut fuel, mut time) = (measured.fuel.clone(), measured.time.clone());
    fuel.sort_unstable();
    time.sort_unstable();
    let micros = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1e6);
    BenchRow {
        entry: measured.entry.clone(),
        calls: time.len(),
        fuel: fuel.get(fuel.len() / 2).copied().unwrap_or(0),
        fuel_most: fuel.last().copied().unwrap_or(0),
        micros: micros(time.get(time.len() / 2)),
        micros_most: micros(time.last()),
        unknown: measured.unknown,
        cost: measured.class,
        hint: hint(measured),
    }
}

/// For a person.
pub fn bench_text(report: &BenchReport) -> String {
    let mut text = String::from("examples\n");
    text.push_str(&bench_table(&report.examples));
    if !report.processes.is_empty() {
        text.push_str("\n\nprocesses, with their inputs\n");
        text.push_str(&bench_table(&report.processes));
    }
    text.push('\n');
    for row in report.examples.iter().chain(&report.processes) {
        let Some(hint) = row.hint else { continue };
        let _ = writeln!(
            text,
            "warning: the examples of `{}` use up to {} fuel, so that it has class {} when it is loaded and not the one that it declares\nhelp: write `\"cost\": {hint}` in its part of the manifest, or make it cheaper",
            row.entry, row.fuel_most, row.cost
        );
    }
    text
}

fn bench_table(rows: &[BenchRow]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["ENTRY", "CALLS", "FUEL", "MOST", "MICROSECONDS", "MOST", "UNKNOWN", "COST"]);
    for row in rows {
        table.add_row([
            row.entry.clone(),
            row.calls.to_string(),
            row.fuel.to_string(),
            row.fuel_most.to_string(),
            format!("{:.1}", row.micros),
            format!("{:.1}", row.micros_most),
            row.unknown.to_string(),
            row.cost.to_string(),
        ]);
    }
    plain_rows(&table)
}
