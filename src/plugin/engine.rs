//! The interpreter behind the interface. Only this module knows `wasmi`.
//!
//! Modules are interpreted: no page of ours is ever executable. Calls inside of a module are on a stack of the
//! interpreter, so that its depth is a number and not a danger. What a module asks for while it is called (lazy inputs,
//! files) suspends it; it goes on with the answer. So nothing that lives as long as an instance borrows from a look.

mod guest;
mod host;
mod module;
mod regexes;

pub(super) use guest::{Guest, Kept};
pub(super) use module::Module;
use regexes::Regexes;
