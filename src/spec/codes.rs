//! Codes of mistakes in documents. `S0xx` are errors, `S1xx` warnings.

use crate::diagnostic::Code;

/// Not UTF-8.
pub const NOT_TEXT: Code = Code("S001");
/// More files or bytes than allowed.
pub const TOO_MUCH: Code = Code("S002");
/// A document that is not a mapping.
pub const NOT_A_DOCUMENT: Code = Code("S010");
/// An `apiVersion` that is not ours.
pub const API_VERSION: Code = Code("S011");
/// A kind that does not exist.
pub const UNKNOWN_KIND: Code = Code("S012");
/// A kind that does not exist yet.
pub const LATER_KIND: Code = Code("S013");
/// A field that does not exist.
pub const UNKNOWN_FIELD: Code = Code("S020");
/// A field that does not exist yet.
pub const LATER_FIELD: Code = Code("S021");
/// A required field that isn't there.
pub const MISSING_FIELD: Code = Code("S022");
/// A field without a value.
pub const EMPTY_VALUE: Code = Code("S023");
/// A list where a text is expected, and the like.
pub const WRONG_TYPE: Code = Code("S024");
/// A value that its field can't have.
pub const INVALID_VALUE: Code = Code("S025");
/// A word that is none of the words of its field.
pub const UNKNOWN_WORD: Code = Code("S026");
/// A word that does not exist yet.
pub const LATER_WORD: Code = Code("S027");
/// A name that can't be one.
pub const NAME: Code = Code("S030");
/// Two documents with one name.
pub const DUPLICATE_NAME: Code = Code("S031");
/// A `${...}` that is not replaced by anything.
pub const PLACEHOLDER: Code = Code("S040");
/// A file that several replicas would share.
pub const SHARED_FILE: Code = Code("S041");
/// An expression that ends at a comment, or is empty.
pub const CUT_EXPRESSION: Code = Code("S050");
/// Two readers of YAML disagree about the text.
pub const SECOND_OPINION: Code = Code("S051");
/// Fields that exclude or need each other.
pub const CONFLICT: Code = Code("S060");
/// A test of a Matcher or Policy document that fails.
pub const TEST_FAILED: Code = Code("S061");
/// Services that wait for themselves.
pub const DEPENDENCY_CIRCLE: Code = Code("S062");
/// A dependency that no document declares.
pub const MISSING_DEPENDENCY: Code = Code("S122");
/// A Policy that would act on whatever there is.
pub const BROAD_POLICY: Code = Code("S094");
/// A host of which it isn't known what `hosts.when` asks.
pub const HOST_UNKNOWN: Code = Code("S095");
/// Policies that pull in different directions.
pub const CONTRARY_POLICIES: Code = Code("S123");
/// A Policy that looks too seldom for what it waits for.
pub const POLICY_TIMES: Code = Code("S124");
/// A Policy whose selector chooses nothing.
pub const IDLE_POLICY: Code = Code("S194");
/// Arguments in `startas`.
pub const ARGUMENTS_IN_STARTAS: Code = Code("S101");
/// Two Services that can claim the same process.
pub const OVERLAP: Code = Code("S120");
/// Two Services with one pid file.
pub const SAME_PIDFILE: Code = Code("S121");

/// The module of a Plugin document can't be read.
pub const MODULE: Code = Code("S070");
/// The module of a Plugin document is another one than its `sha256` says.
pub const DIGEST: Code = Code("S071");
/// A new version of a plugin is not taken.
pub const PLUGIN_HELD: Code = Code("S072");
/// A plugin may see something that it doesn't need.
pub const UNUSED_GRANT: Code = Code("S131");

/// A time of cron that is none.
pub const CRON: Code = Code("S090");
/// A time zone that doesn't exist.
pub const TIME_ZONE: Code = Code("S091");
/// Defaults that may choose a document and can't be used.
pub const DEFAULTS: Code = Code("S092");
/// A file that the engine's settings can't be taken from.
pub const SETTINGS: Code = Code("S093");
/// Settings of the engine among spec files.
pub const UNUSED_SETTINGS: Code = Code("S193");
/// Defaults that choose nothing.
pub const UNUSED_DEFAULTS: Code = Code("S192");

/// Every code of this module with a few words.
pub const ALL: &[(Code, &str)] = &[
    (NOT_TEXT, "not UTF-8"),
    (TOO_MUCH, "more files or bytes than allowed"),
    (NOT_A_DOCUMENT, "document is not a mapping"),
    (API_VERSION, "wrong apiVersion"),
    (UNKNOWN_KIND, "unknown kind"),
    (LATER_KIND, "kind not supported yet"),
    (UNKNOWN_FIELD, "unknown field"),
    (LATER_FIELD, "field not supported yet"),
    (MISSING_FIELD, "missing field"),
    (EMPTY_VALUE, "field without value"),
    (WRONG_TYPE, "wrong type"),
    (INVALID_VALUE, "invalid value"),
    (UNKNOWN_WORD, "unknown word"),
    (LATER_WORD, "word not supported yet"),
    (NAME, "invalid name"),
    (DUPLICATE_NAME, "two documents with one name"),
    (PLACEHOLDER, "unknown placeholder"),
    (SHARED_FILE, "file shared by replicas"),
    (CUT_EXPRESSION, "expression cut short"),
    (SECOND_OPINION, "readers of YAML disagree"),
    (CONFLICT, "fields contradict each other"),
    (TEST_FAILED, "a test of a Matcher or Policy document fails"),
    (MODULE, "a module of a plugin that can't be read"),
    (DIGEST, "a module with another digest"),
    (PLUGIN_HELD, "a new version of a plugin that is not taken"),
    (DEPENDENCY_CIRCLE, "Services that wait for themselves"),
    (MISSING_DEPENDENCY, "a dependency that no document declares"),
    (ARGUMENTS_IN_STARTAS, "arguments in startas"),
    (OVERLAP, "two Services that can claim the same process"),
    (SAME_PIDFILE, "two Services with one pid file"),
    (CRON, "not a time of cron"),
    (TIME_ZONE, "unknown time zone"),
    (DEFAULTS, "Defaults that can't be used"),
    (SETTINGS, "a file that is not the engine's settings"),
    (UNUSED_SETTINGS, "settings of the engine among spec files"),
    (UNUSED_DEFAULTS, "Defaults that choose nothing"),
    (HOST_UNKNOWN, "a host of which not enough is known"),
    (BROAD_POLICY, "a Policy that would act on whatever there is"),
    (CONTRARY_POLICIES, "Policies that pull in different directions"),
    (POLICY_TIMES, "a Policy that looks too seldom"),
    (IDLE_POLICY, "a Policy whose selector chooses nothing"),
    (UNUSED_GRANT, "a grant that a plugin doesn't need"),
];
