//! Plugins: fields, functions and types of expressions that a WebAssembly module answers.
//!
//! Floor 4: over the language, facts and the process vocabulary. A module is given as bytes and sees nothing but the
//! fields and files that it was granted; it has no clock, no chance, no file, no network. Nothing here reads a file or a
//! clock either: the inputs come from the process vocabulary and its [`crate::process::world::World`].
//!
//! ```text
//!  bytes --engine--> module --manifest--> declarations --> Schema
//!                      |                                      |
//!  inputs --wire--> instance --wire--> Answer --> Fact    PluginVocabulary, asked by evaluation
//!                      |
//!             limits, health: what fails is unknown, says whose fault it is, and is left alone for a while
//! ```
//!
//! A plugin that misbehaves costs its own values and nothing else: each call has fuel, each look has fuel for each
//! plugin, and after three failures in a row there are no calls until a back-off has passed.

mod answer;
#[cfg_attr(not(feature = "plugins"), allow(dead_code, reason = "there is no interpreter that asks or fails"))]
mod ask;
pub mod codes;
mod declare;
#[cfg(feature = "plugins")]
mod engine;
#[cfg(not(feature = "plugins"))]
#[path = "plugin/no_engine.rs"]
mod engine;
mod examples;
#[cfg_attr(not(feature = "plugins"), allow(dead_code, reason = "there is no interpreter that asks or fails"))]
mod failure;
mod files;
mod health;
mod input;
mod intern;
pub mod limits;
mod load;
mod look;
pub mod manifest;
mod own;
mod set;
mod vocabulary;
pub mod wire;

pub use answer::{Answer, Entries};
pub use health::Health;
pub use input::Input;
pub use load::{Grants, Logged, Plugin, Survey};
pub use look::{Account, Look};
pub use manifest::Manifest;
pub use own::{Enumeration, Opaque, Own, OwnType};
pub use set::{Plugins, in_order};
pub use vocabulary::PluginVocabulary;
