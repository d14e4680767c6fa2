//! Which documents are in force while their directories are edited, broken, emptied and moved: one test a row of the rules of acceptance, most of
//! them with notifications and without.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

#[path = "sources_accept/checkout.rs"]
mod checkout;
#[path = "sources_accept/confirming.rs"]
mod confirming;
#[path = "sources_accept/policies.rs"]
mod policies;
#[path = "sources_accept/standing.rs"]
mod standing;
#[path = "sources_accept/truth.rs"]
mod truth;
