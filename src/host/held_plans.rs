//! Removals that were shown to a person and wait to be confirmed: `run/held.json`, so that it can be said in what way
//! the world has moved since.

use std::io;

use super::errno::io_text;
use super::state_dir::Dirs;
use super::{atomic, requests};
use crate::plan::sources::HeldPlan;

/// So many are remembered; the oldest is forgotten first.
const PLANS_MAX: usize = 16;
const BYTES_MAX: u64 = 16 << 20;

/// Remembers a plan.
///
/// # Errors
/// A sentence.
pub fn note(dirs: &Dirs, plan: &HeldPlan) -> Result<(), String> {
    let mut plans = all(dirs);
    if plans.iter().any(|known| known.id == plan.id) {
        return Ok(());
    }
    plans.push(plan.clone());
    let surplus = plans.len().saturating_sub(PLANS_MAX);
    plans.drain(..surplus);
    requests::write_json(&dirs.held_plans(), &plans, 0o644)
}

/// A plan that was shown under this id.
pub fn find(dirs: &Dirs, id: &str) -> Option<HeldPlan> {
    all(dirs).into_iter().find(|plan| plan.id == id)
}

/// What can't be read is forgotten: nothing is done because of it.
fn all(dirs: &Dirs) -> Vec<HeldPlan> {
    let own = rustix::process::geteuid().as_raw();
    let bytes = atomic::read(&dirs.held_plans(), &[0, own], BYTES_MAX);
    let plans = bytes.map_err(|error: io::Error| io_text(&error)).and_then(|bytes| requests::content(&bytes));
    plans.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_last_plans_are_remembered() {
        let dir = tempfile::tempdir().unwrap();
        let dirs = Dirs { run: dir.path().into(), lib: dir.path().into(), log: dir.path().into() };
        let plan = |id: usize| HeldPlan { id: id.to_string(), names: Vec::new(), reason: "why".into() };
        assert_eq!(find(&dirs, "1"), None);
        for id in 0..=PLANS_MAX {
            note(&dirs, &plan(id)).unwrap();
            note(&dirs, &plan(id)).unwrap();
        }
        assert_eq!((find(&dirs, "0"), find(&dirs, "1")), (None, Some(plan(1))));
        std::fs::write(dirs.held_plans(), "{").unwrap();
        assert_eq!(find(&dirs, "1"), None);
    }
}
