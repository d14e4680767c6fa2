//! The grammar of match expressions for tree-sitter: colours, folds and selections in editors.

use tree_sitter_language::LanguageFn;

unsafe extern "C" {
    fn tree_sitter_selfsame() -> *const ();
}

/// The language, for `tree_sitter::Parser::set_language`.
// SAFETY: the function is that of the generated parser, which takes nothing and gives a pointer to a constant.
pub const LANGUAGE: LanguageFn = unsafe { LanguageFn::from_raw(tree_sitter_selfsame) };

/// Queries for colours.
pub const HIGHLIGHTS_QUERY: &str = include_str!("../../queries/highlights.scm");
