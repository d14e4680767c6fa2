//! A module that was checked: within the limits, with the exports that are needed and no import that isn't offered.

use wasmi::errors::ErrorKind;
use wasmi::{CompilationMode, Config, EnforcedLimits, Engine, Error, ExternType, FuncType, Linker, ValType};

use super::host::{self, Host, IMPORTS, NAME};
use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::plugin::codes;
use crate::plugin::limits::{MEMORY_MAX, MODULE_MAX, RECURSION_MAX, STACK_MAX};

/// The exports that every plugin has: name, parameters, result.
const EXPORTS: [(&str, &[ValType], ValType); 3] = [
    ("selfsame_abi", &[], ValType::I32),
    ("selfsame_manifest", &[], ValType::I64),
    ("selfsame_buffer", &[ValType::I32], ValType::I32),
];
/// Bytes of a page.
const PAGE: u64 = 65_536;

/// A module that can be started.
pub(in crate::plugin) struct Module {
    pub(super) code: wasmi::Module,
    pub(super) linker: Linker<Host>,
    /// It asks for lazy inputs or files, so that its calls must be able to wait.
    pub(super) suspends: bool,
    weight: u64,
}

impl std::fmt::Debug for Module {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Module").field("suspends", &self.suspends).finish_non_exhaustive()
    }
}

fn config() -> Config {
    let mut config = Config::default();
    config
        .consume_fuel(true)
        .ignore_custom_sections(true)
        .enforced_limits(EnforcedLimits::strict())
        .compilation_mode(CompilationMode::LazyTranslation)
        .set_max_recursion_depth(RECURSION_MAX)
        .set_max_stack_height(STACK_MAX)
        .set_max_cached_stacks(1)
        // What compilers for C, AssemblyScript and Rust use by default stays on.
        .wasm_multi_memory(false)
        .wasm_tail_call(false)
        .wasm_extended_const(false)
        .wasm_custom_page_sizes(false)
        .wasm_wide_arithmetic(false);
    config
}

impl Module {
    /// Checks a module. It isn't run.
    pub(in crate::plugin) fn new(wasm: &[u8]) -> Result<Self, Vec<Diagnostic>> {
        let one = |said: Diagnostic| vec![said];
        if wasm.len() > MODULE_MAX {
            let message = format!("the module has {} bytes, more than {MODULE_MAX}", wasm.len());
            let help = "build it optimised and without debug information: `-Os`, `--strip-all`";
            return Err(one(Diagnostic::error(codes::TOO_LARGE, message).help(help)));
        }
        // An engine of its own: what a module was translated to goes when the plugin goes.
        let engine = Engine::new(&config());
        let module = wasmi::Module::new(&engine, wasm).map_err(|error| one(refused(wasm, &error)))?;
        let mut linker = Linker::new(&engine);
        host::functions(&mut linker).map_err(|error| {
            one(Diagnostic::error(codes::NOT_A_MODULE, format!("the interpreter is of no use: {error}")))
        })?;
        let mut said = imports(&module);
        said.extend(exports(&module));
        if !said.is_empty() {
            return Err(said);
        }
        let suspends = module.imports().any(|import| matches!(import.name(), "input" | "file"));
        let weight = u64::try_from(wasm.len()).unwrap_or(u64::MAX);
        Ok(Self { code: module, linker, suspends, weight })
    }

    /// Fuel that starting it costs beside what it uses itself: data is copied.
    pub(in crate::plugin) fn weight(&self) -> u64 {
        self.weight
    }

    /// Whether there is a function of this name that can answer for an entry. `Err` says what there is.
    pub(in crate::plugin) fn answers(&self, export: &str) -> Result<(), String> {
        let wanted = (&[ValType::I32, ValType::I32][..], ValType::I64);
        match self.code.get_export(export) {
            Some(ExternType::Func(ty)) if is(&ty, wanted.0, wanted.1) => Ok(()),
            Some(found) => Err(format!("the export `{export}` is {}", words(&found))),
            None => Err(format!("the module has no export `{}`", export.escape_debug())),
        }
    }

    /// What it imports: `selfsame.find`.
    pub(in crate::plugin) fn imported(&self) -> Vec<String> {
        self.code.imports().map(|import| format!("{}.{}", import.module(), import.name())).collect()
    }

    /// The names of all exports, for a suggestion.
    pub(in crate::plugin) fn exported(&self) -> Vec<String> {
        self.code.exports().map(|export| export.name().to_owned()).collect()
    }
}

fn is(ty: &FuncType, params: &[ValType], result: ValType) -> bool {
    ty.params() == params && ty.results() == [result]
}

fn words(found: &ExternType) -> String {
    match found {
        ExternType::Func(ty) => signature(ty.params(), ty.results()),
        ExternType::Memory(_) => "a memory".to_owned(),
        ExternType::Table(_) => "a table".to_owned(),
        ExternType::Global(_) => "a global".to_owned(),
    }
}

fn signature(params: &[ValType], results: &[ValType]) -> String {
    let list = |types: &[ValType]| {
        let names: Vec<String> = types.iter().map(|ty| format!("{ty:?}").to_lowercase()).collect();
        names.join(", ")
    };
    match results {
        [] => format!("a function ({})", list(params)),
        results => format!("a function ({}) -> {}", list(params), list(results)),
    }
}

fn refused(wasm: &[u8], error: &Error) -> Diagnostic {
    if !wasm.starts_with(b"\0asm") {
        return Diagnostic::error(codes::NOT_A_MODULE, "the file is no WebAssembly module")
            .help("give the binary form, `.wasm`");
    }
    if wasm.get(4..8).is_some_and(|version| version != [1, 0, 0, 0]) {
        return Diagnostic::error(
            codes::NOT_A_MODULE,
            "the file is a component, or of another version of WebAssembly",
        )
        .help("build a core module: `--target=wasm32`, without WASI");
    }
    match error.kind() {
        ErrorKind::UserLimits(limit) => Diagnostic::error(codes::TOO_LARGE, limit.to_string().to_lowercase())
            .help("build it optimised, without what it doesn't use"),
        other => Diagnostic::error(
            codes::NOT_A_MODULE,
            format!("the module can't be used: {}", tidy(&other.to_string())),
        )
        .help("build it for WebAssembly 1.0 without vectors, threads and 64-bit memories"),
    }
}

/// The first line of what the engine says, without what only its authors understand.
fn tidy(text: &str) -> String {
    crate::plugin::answer::line(text.lines().next().unwrap_or_default().as_bytes(), 200)
}

fn imports(module: &wasmi::Module) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    for import in module.imports() {
        let (from, name) = (import.module(), import.name());
        let shown = format!("{}.{}", from.escape_debug(), name.escape_debug());
        let error = |message: String| Diagnostic::error(codes::IMPORT, message);
        let offered = IMPORTS.iter().find(|(known, ..)| from == NAME && *known == name);
        let Some((_, params, results)) = offered else {
            let near = did_you_mean(name, IMPORTS.map(|(name, ..)| name)).filter(|_| from == NAME);
            let help = match (near, from) {
                (Some(near), _) => format!("did you mean `{NAME}.{near}`?"),
                (None, "env") if name == "abort" => "build with `--use abort=`".to_owned(),
                (None, from) if from.starts_with("wasi") => {
                    "build without WASI: there are no files and no clock".to_owned()
                }
                (None, _) => {
                    format!("offered are {}", IMPORTS.map(|(name, ..)| format!("`{NAME}.{name}`")).join(", "))
                }
            };
            said.push(error(format!("the module imports `{shown}`, which is not offered")).help(help));
            continue;
        };
        let fits =
            matches!(import.ty(), ExternType::Func(ty) if ty.params() == *params && ty.results() == *results);
        if !fits {
            let message = format!("the module imports `{shown}` as {}", words(import.ty()));
            said.push(error(message).help(format!("declare it as {}", signature(params, results))));
        }
    }
    said
}

fn exports(module: &wasmi::Module) -> Vec<Diagnostic> {
    let mut said = Vec::new();
    let error = |message: String| Diagnostic::error(codes::EXPORT, message);
    match module.get_export("memory") {
        Some(ExternType::Memory(memory)) if memory.minimum().saturating_mul(PAGE) > MEMORY_MAX as u64 => {
            let message = format!("the module begins with {} pages of memory", memory.minimum());
            let help =
                format!("it may have {}: make its stack and its data smaller", MEMORY_MAX as u64 / PAGE);
            said.push(Diagnostic::error(codes::TOO_LARGE, message).help(help));
        }
        Some(ExternType::Memory(_)) => {}
        _ => said.push(
            error("the module exports no memory `memory`".to_owned())
                .help("link with `--export-memory`, or write `(memory (export \"memory\") 1)`"),
        ),
    }
    for (name, params, result) in EXPORTS {
        match module.get_export(name) {
            Some(ExternType::Func(ty)) if is(&ty, params, result) => {}
            Some(found) => {
                let message = format!("the export `{name}` is {}", words(&found));
                said.push(error(message).help(format!("make it {}", signature(params, &[result]))));
            }
            None => {
                let help = format!("export {} of this name", signature(params, &[result]));
                said.push(error(format!("the module has no export `{name}`")).help(help));
            }
        }
    }
    said
}
