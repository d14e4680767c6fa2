//! selfsame keeps exactly the processes that its spec files declare, and knows which ones they are.
//!
//! The library is a functional core with an imperative shell. Its modules are *floors*: each imports
//! only floors below it (`tests/floors.rs` checks that). ARCHITECTURE.md is the map.
//!
//! | floor | module | owns |
//! | --- | --- | --- |
//! | 0 | [`units`], [`diagnostic`], [`sharing`] | newtypes; spans, codes, messages; a map whose copies share |
//! | 1 | [`facts`], [`yaml`] | what is known about processes, and how surely; YAML with positions |
//! | 2 | [`lang`] | the match expression, which knows nothing of processes |
//! | 3 | [`process`] | the process vocabulary, identity, snapshots |
//! | 4 | [`plugin`] | fields and functions from WebAssembly modules |
//! | 5 | [`spec`] | documents: raw form to validated model |
//! | 6 | [`plan`], [`workshop`], [`import`] | the pure decision; what authors of plugins need; documents from what people have |
//! | 7 | [`host`] | the one door to the operating system |
//! | 8 | [`engine`] | the tick, wake-ups, ledger protocol |
//! | 8 | [`start_stop`] | the drop-in for Debian's `start-stop-daemon` |
//! | 9 | [`report`] | text, JSON, explanation |
//! | 10 | [`editor`] | formatting, answers to editors |
//! | 11 | [`cli`] | arguments, exit codes, wiring |

pub mod cli;
pub mod diagnostic;
pub mod editor;
pub mod engine;
pub mod facts;
pub mod host;
pub mod import;
pub mod lang;
pub mod plan;
pub mod plugin;
pub mod process;
#[cfg(test)]
mod regressions;
pub mod report;
pub mod sharing;
pub mod spec;
pub mod start_stop;
pub mod units;
pub mod workshop;
pub mod yaml;
