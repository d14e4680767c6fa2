//! What `pest` makes of `grammar/match.pest`. Its types stay inside [`super`].
#![allow(missing_docs, missing_debug_implementations, unreachable_pub, reason = "generated code")]

#[derive(pest_derive::Parser)]
#[grammar = "../grammar/match.pest"]
pub(super) struct Grammar;
