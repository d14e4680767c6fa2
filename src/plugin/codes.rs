//! The codes of what this floor says about plugins. A released code is never used for anything else. `P0xx` the build,
//! `P1xx` the module, `P2xx` the manifest, `P3xx` grants and examples.

use crate::diagnostic::Code;

macro_rules! codes {
    ($($name:ident = $code:literal: $summary:literal;)*) => {
        $(#[doc = $summary] pub const $name: Code = Code($code);)*
        /// Every code with its meaning.
        pub const ALL: &[(Code, &str)] = &[$(($name, $summary)),*];
    };
}

codes! {
    NO_PLUGINS = "P001": "a build without plugins";
    NOT_A_MODULE = "P101": "a module that is not WebAssembly, or uses what plugins can't have";
    TOO_LARGE = "P102": "a module over a limit";
    IMPORT = "P103": "a module that imports what is not offered";
    EXPORT = "P104": "a module without an export that it needs";
    INTERFACE = "P105": "a module for another version of the plugin interface";
    STARTS_BADLY = "P106": "a plugin that fails while it is loaded";
    NOT_A_MANIFEST = "P201": "a manifest that can't be read";
    UNKNOWN_KEY = "P202": "an unknown key of a manifest";
    VALUE = "P203": "a key of a manifest that is missing, or has a value that it can't have";
    NAME = "P204": "a name of a plugin or an entry that can't be one";
    TAKEN = "P205": "a name of a plugin or an entry that is taken";
    UNKNOWN_TYPE = "P206": "a type that a plugin can't use";
    UNKNOWN_INPUT = "P207": "an input that a plugin can't have";
    CLAIM = "P208": "a claim that a plugin can't make";
    KEPT = "P209": "more names of types and words than a process keeps";
    GRANT = "P301": "something that a plugin needs and was not granted";
    EXAMPLE = "P302": "an example of a plugin that fails";
}
