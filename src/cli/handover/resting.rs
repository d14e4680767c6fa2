//! Waits until everything that the documents declare has come to rest, and is told of what isn't as wanted alone: of five thousand
//! objects that nobody touched nothing is said.
//!
//! ```text
//! apply --> what changed --> what isn't as wanted? --none on its way--> done
//!                                    ^        \--some--> follow these --come to rest--\
//!                                    \------------------------------------------------/
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::{Handover, Standing, await_rest, names_same_places, stands};
use crate::cli::args::ApplyArgs;
use crate::cli::line::{reach, unexpected};
use crate::cli::terminal::Terminal;
use crate::host::control::{Ask, Line, LineError, Reply, Unsettled};
use crate::host::patience::Patience;
use crate::host::state_dir::Dirs;
use crate::plan::settled::{Settled, settled};
use crate::plan::status::ServiceStatus;
use crate::spec::ServiceName;

/// How everything stands in the end.
pub(super) struct Rested {
    /// What changed, what was waited for, and what isn't as wanted.
    pub told: Vec<ServiceStatus>,
    /// So many objects are declared.
    pub objects: usize,
    /// Something became of them meanwhile.
    pub went_on: bool,
}

/// What the watch says, if the documents are the ones that were given and nothing is to be said of them.
///
/// # Errors
/// It doesn't know the question, or is gone; then the connection is over.
pub(super) fn first(
    line: &mut Option<Line>,
    moved: &BTreeSet<ServiceName>,
    args: &ApplyArgs,
    patience: &Patience,
) -> Result<Option<Unsettled>, LineError> {
    let told = line.as_mut().ok_or(LineError::Ended).and_then(|line| ask(line, moved, patience));
    if told.is_err() {
        *line = None;
    }
    told.map(|told| Some(told).filter(|told| told.clean && names_same_places(args, &told.places)))
}

fn ask(line: &mut Line, named: &BTreeSet<ServiceName>, patience: &Patience) -> Result<Unsettled, LineError> {
    match line.ask(Ask::Unsettled(named.clone()), patience.left())? {
        Reply::Unsettled(told) => Ok(told),
        other => Err(unexpected(&other)),
    }
}

/// Waits, beginning with what was told first.
///
/// # Errors
/// How the handover ended, if it isn't so.
pub(super) fn rest(
    mut told: Unsettled,
    mut named: BTreeSet<ServiceName>,
    patience: &Patience,
    dirs: &Dirs,
    terminal: Terminal,
) -> Result<Rested, Handover> {
    let mut first: BTreeMap<ServiceName, Standing> = BTreeMap::new();
    loop {
        for status in &told.told {
            first.entry(status.name.clone()).or_insert_with(|| stands(status));
        }
        let on_its_way = told.told.iter().filter(|status| settled(status) == Settled::NotYet);
        let mut waiting: BTreeSet<ServiceName> = on_its_way.map(|status| status.name.clone()).collect();
        waiting.append(&mut told.unknown);
        if waiting.is_empty() {
            let went_on = told.told.iter().any(|status| first.get(&status.name) != Some(&stands(status)));
            return Ok(Rested { told: told.told, objects: told.objects, went_on });
        }
        await_rest(None, &waiting, patience, dirs, terminal)?;
        named.append(&mut waiting);
        told = again(&named, patience, dirs, terminal)?;
    }
}

/// Another watch may have taken over meanwhile.
fn again(
    named: &BTreeSet<ServiceName>,
    patience: &Patience,
    dirs: &Dirs,
    terminal: Terminal,
) -> Result<Unsettled, Handover> {
    loop {
        match reach(dirs, patience).and_then(|mut line| ask(&mut line, named, patience)) {
            Ok(told) => return Ok(told),
            Err(error) => super::bear(&error, named, patience, dirs, terminal)?,
        }
    }
}
