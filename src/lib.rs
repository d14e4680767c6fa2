//! selfsame keeps exactly the processes that its spec files declare, and knows which ones they are.
//!
//! The library is a functional core with an imperative shell. Its modules are *floors*: each imports
//! only floors below it (`tests/floors.rs` checks that). ARCHITECTURE.md is the map.
//!
//! | floor | module | owns |
//! | --- | --- | --- |
//! | 0 | [`units`], [`diagnostic`] | newtypes; spans, codes, messages |
//! | 1 | [`facts`], [`yaml`] | what is known about processes, and how surely; YAML with positions |
//! | 2 | [`lang`] | the match expression, which knows nothing of processes |
//! | 3 | [`process`] | the process vocabulary, identity, snapshots |
//! | 4 | [`spec`] | documents: raw form to validated model |
//! | 5 | [`plan`], [`import`] | the pure decision; documents from what people have |
//! | 6 | [`host`] | the one door to the operating system |
//! | 7 | [`engine`] | the tick, wake-ups, ledger protocol |
//! | 8 | [`report`] | text, JSON, explanation |
//! | 9 | [`editor`] | formatting, answers to editors |
//! | 10 | [`cli`] | arguments, exit codes, wiring |

pub mod cli;
pub mod diagnostic;
pub mod editor;
pub mod engine;
pub mod facts;
pub mod host;
pub mod import;
pub mod lang;
pub mod plan;
pub mod process;
pub mod report;
pub mod spec;
pub mod units;
pub mod yaml;
