//! The decision: from what is desired, observed and remembered to a list of steps with reasons.
//!
//! Floor 5. [`plan`] is a pure function: no clock, no chance, no environment, no logging, no input or
//! output. The same plan is printed, explained, simulated and carried out.
//!
//! ```text
//!  questions() -> host answers -> life (what became of each process) -> run / stop (what is to be done)
//!                                                                          |
//!                          memory with intents, steps, status, next deadline
//! ```
//!
//! What each part decides: [`questions()`] what has to be looked at; `life` says what became of a process, `follow`
//! what that leads to, `claims` whose it is; `occupy` says whether a place is free and `places` fills it; `ready`
//! counts readiness; `run` keeps an object running, `other_aims` lets it be stopped, removed, released or observed,
//! `outdated` restarts what is not as its document says, `adjusting` changes what can be changed without; `stop`
//! walks through the schedule; `depend` says who waits for whom, `update` what a change leads to; `errand` runs
//! commands, `asked` does what is asked of what runs; `backoff` waits; `conditions` tells it to people; [`fold()`]
//! takes outcomes into memory.

pub mod action;
pub mod adjust;
mod adjusting;
mod adopting;
mod aim;
mod asked;
mod asking;
mod backoff;
mod binary;
mod claims;
mod conditions;
mod decide;
mod depend;
mod draft;
mod ending;
mod errand;
pub mod event;
pub mod exec;
mod fold;
mod follow;
mod health;
mod launch;
mod life;
mod live;
pub mod memory;
pub mod observation;
mod occupy;
mod other_aims;
mod outdated;
pub mod output;
mod phase;
mod places;
pub mod policy;
mod questions;
mod ready;
mod recognized;
mod recorded;
mod requirements;
mod run;
pub mod settled;
mod slots;
pub mod sources;
mod starting;
pub mod status;
mod stop;
pub mod stored;
pub mod task;
mod triggers;
mod update;
pub mod wanted;

pub use aim::{Scope, meaning};
pub use decide::{plan, plan_of};
pub use draft::{Change, Doing, Outlook, Plan, PlanOptions};
pub use ending::{Ending, ending};
pub use fold::fold;
pub use launch::{FieldChange, ids, launched, notify_socket, output_marks, resolve, substitute, variables};
pub use life::exit_words;
pub use questions::{QuestionHints, questions, questions_of};
pub use recorded::{Executed, Recorded, Started, mark_of_arguments};
