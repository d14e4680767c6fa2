//! The codes of what is wrong with the files of an author of plugins. A released code is never used for anything else.

use crate::diagnostic::Code;

/// A case file has another form than it needs.
pub const FORM: Code = Code("P401");
/// An expected value can't be one.
pub const EXPECTED: Code = Code("P402");
/// A text is no WebAssembly.
pub const NOT_WAT: Code = Code("P403");
/// The document of a plugin can't be used by its author's tools.
pub const DOCUMENT: Code = Code("P404");
/// The digest in the document is not that of the module.
pub const DIGEST: Code = Code("P405");

/// Every code with a few words.
pub const ALL: &[(Code, &str)] = &[
    (FORM, "a case file of another form"),
    (EXPECTED, "an expected value that can't be one"),
    (NOT_WAT, "a text that is no WebAssembly"),
    (DOCUMENT, "a document of a plugin that can't be used"),
    (DIGEST, "a digest that is not that of the module"),
];
