//! What a plugin may use. All of it is checked by us or by the engine; nothing relies on the plugin.

/// Bytes of a module.
pub const MODULE_MAX: usize = 4 << 20;
/// Bytes of the memory of an instance.
pub const MEMORY_MAX: usize = 16 << 20;
/// Elements of all its tables, each.
pub const TABLE_MAX: usize = 10_000;
/// Tables of an instance.
pub const TABLES_MAX: usize = 4;
/// Bytes of a manifest.
pub const MANIFEST_MAX: usize = 64 << 10;
/// Fields and functions of a plugin.
pub const ENTRIES_MAX: usize = 128;
/// Parameters of a function, inputs of an entry, examples of an entry, patterns of files.
pub const PARTS_MAX: usize = 16;
/// Enumerations and types of a plugin, together.
pub const TYPES_MAX: usize = 16;
/// Words of an enumeration.
pub const WORDS_MAX: usize = 256;
/// Names of other tools that a plugin knows, and those of the words of an enumeration.
pub const FOREIGN_MAX: usize = 64;
/// Names of types and words of enumerations that a process keeps, of all plugins that it ever loaded; each once.
pub const KEPT_TEXTS_MAX: usize = 4_096;
/// Bytes of all of them.
pub const KEPT_TEXTS_BYTES_MAX: usize = 256 << 10;
/// Bytes of a value of a plugin's own type.
pub const OPAQUE_MAX: usize = 4 << 10;
/// Bytes of a text in a manifest: a summary, a condition.
pub const TEXT_MAX: usize = 512;
/// Bytes of the encoded result of a call.
pub const OUTPUT_MAX: usize = 64 << 10;
/// Bytes of a granted file that a plugin gets to see.
pub const FILE_MAX: usize = 64 << 10;
/// Lists and maps inside each other in a type.
pub const TYPE_DEPTH_MAX: usize = 4;
/// Calls inside each other in a module. They are on the engine's own stack, never on ours.
pub const RECURSION_MAX: usize = 512;
/// Bytes of that stack.
pub const STACK_MAX: usize = 512 << 10;

/// Fuel that the interpreter uses up in a millisecond where it is slowest, about one for each instruction: calls through a
/// table. Measured with an optimised build: those 1.2 million, calls 1.4, loads from all over the memory 1.6, filling and
/// copying 2.1 to 2.8, divisions 4.0, a tight loop 4.4, loads one after the other 5.8. `cargo bench --bench plugins` says
/// two of them.
pub const FUEL_A_MILLISECOND: u64 = 1_200_000;
/// The same in the middle: what is said about the time of a call is told by its fuel.
pub const FUEL_TYPICAL: u64 = 3_000_000;
/// Fuel of one call, about 1 ms. Starting an instance, the manifest and asking for a buffer have as much, each.
pub const CALL_FUEL: u64 = FUEL_A_MILLISECOND;
/// Fuel of a plugin in one look, about 50 ms.
pub const LOOK_FUEL: u64 = 50 * FUEL_A_MILLISECOND;
/// Fuel for the first use of a module, when its functions are translated.
pub const LOAD_FUEL: u64 = 20 * FUEL_A_MILLISECOND;

/// Failures without a success between them, after which a plugin is left alone.
pub const FAILURES_MAX: u32 = 3;
/// Seconds that it is left alone at first; twice as long each time after.
pub const BACKOFF_MIN_SECONDS: u64 = 1;
/// Seconds that it is left alone at most.
pub const BACKOFF_MAX_SECONDS: u64 = 300;

/// Bytes of a line of its log.
pub const LOG_LINE_MAX: usize = 1 << 10;
/// Lines of its log in one look.
pub const LOG_LINES_MAX: u32 = 16;
/// Lines of its log that wait to be taken.
pub const LOG_KEPT_MAX: usize = 64;
/// Bytes of a regular expression.
pub const PATTERN_MAX: usize = 1 << 10;
/// Regular expressions that are kept compiled.
pub const PATTERNS_MAX: usize = 16;
/// Bytes of a compiled regular expression.
pub const PATTERN_SIZE_MAX: usize = 128 << 10;
/// Bytes of values that are kept for the rest of a look, of one plugin.
pub const KEPT_MAX: usize = 8 << 20;
