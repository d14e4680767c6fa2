//! Places where a test kills the engine, lets a step fail, holds it up, or switches a promise's keeper off.
//!
//! Only builds with the cargo feature `failpoints` have any of it, and such a build can't be made without debug
//! assertions: in every other one the functions here are empty and the words of this module are not in the binary.
//!
//! ```text
//! SELFSAME_FAILPOINTS="start.spawned=kill@3 look=error/20 signal.send=delay:50"
//!                      point         = what @ only the third time, / every twentieth time
//! SELFSAME_FAILPOINTS_LOG=FILE         a line for each point that did something, before it does it
//! SELFSAME_BREAK=skip-intent           a deliberate fault, to see who notices
//! ```

/// Every point, in the order of a life. What each lies between is told where it is hit.
pub const POINTS: [&str; 33] = [
    "text.read",
    "remember",
    "file.written",
    "file.renamed",
    "ledger.half",
    "ledger.added",
    "record.remove",
    "remember.done",
    "start.slot",
    "start.clone",
    "child.key",
    "child.session",
    "child.exec",
    "start.spawned",
    "signal.verify",
    "signal.send",
    "signal.sent",
    "adopt",
    "release",
    "look",
    "life",
    "intent",
    "probe",
    "request.answer",
    "upgrade.exec",
    "upgrade.taken",
    "events.write",
    "events.appended",
    "events.counted",
    "events.compacted",
    "history.objects",
    "history.set",
    "wait",
];

/// A keeper of a promise that can be switched off, so that tests can show that its absence is noticed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Break {
    /// Starts are not written down before they happen (P1).
    SkipIntent,
    /// Signals go to a number, whoever has it by now (P2).
    SignalByNumber,
    /// What can't be told counts as "no" (P3).
    UnknownIsNo,
}

#[cfg(not(feature = "failpoints"))]
mod inert {
    use super::Break;

    /// Does nothing in this build.
    ///
    /// # Errors
    /// Never.
    #[inline]
    pub const fn hit(_point: &'static str) -> std::io::Result<()> {
        Ok(())
    }

    /// Nothing is broken in this build.
    #[inline]
    pub const fn broken(_what: Break) -> bool {
        false
    }
}
#[cfg(not(feature = "failpoints"))]
pub use inert::{broken, hit};

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("the feature `failpoints` is for test builds: it needs debug assertions");

#[cfg(feature = "failpoints")]
mod armed;
// Also where nothing obeys them, so that they are tested with everything else.
#[cfg(any(test, feature = "failpoints"))]
mod rules;
#[cfg(feature = "failpoints")]
pub use armed::{break_here, broken, child_plan, hit};
