//! Without a terminal: what is, and then a line for each object that is no longer as it was.

use std::io;

use super::loads::Loads;
use super::{REFRESH, Refresh};
use crate::cli::args::Output;
use crate::cli::terminal::Terminal;
use crate::host::clock;
use crate::host::wake::Waker;
use crate::plan::policy::PolicyStatus;
use crate::plan::status::ServiceStatus;
use crate::report::live::changes;
use crate::report::{moments, policies_table, policy_line, status_table};
use crate::spec::ServiceName;
use crate::units::WallTime;

/// Goes on until a signal comes or nobody reads any more.
///
/// # Errors
/// The kernel refuses to let it wait, or the status can't be had.
pub(super) fn run(source: &Refresh<'_>, terminal: Terminal) -> io::Result<()> {
    let mut waker = Waker::new(true)?;
    let json = source.args.output == Output::Json;
    let mut loads = Loads::default();
    let mut before: Option<Vec<ServiceStatus>> = None;
    let mut policies: Vec<PolicyStatus> = Vec::new();
    loop {
        let found = source.find().map_err(io::Error::other)?;
        let objects = super::snapshot(&found, &mut loads).objects;
        let first = before.is_none();
        let reads = match &before {
            None if json => told(&objects, &changes(&[], &objects), found.now.wall, true, terminal),
            None => terminal.line(status_table(&objects, found.now).trim_end()),
            Some(before) => told(&objects, &changes(before, &objects), found.now.wall, json, terminal),
        };
        let reads = reads
            && if first && !json {
                found.policies.is_empty()
                    || terminal.line(policies_table(&found.policies, found.now).trim_end())
            } else {
                told_policies(&policies, &found.policies, found.now.wall, json, terminal)
            };
        if !reads {
            return Ok(());
        }
        policies.clone_from(&found.policies);
        before = Some(objects);
        let woken = waker.wait(Some(clock::now().boot.after(REFRESH)))?;
        if woken.stop.is_some() || woken.reload {
            return Ok(());
        }
    }
}

/// False: nobody reads any more.
fn told(
    objects: &[ServiceStatus],
    lines: &[(ServiceName, String)],
    at: WallTime,
    json: bool,
    terminal: Terminal,
) -> bool {
    let time = at.rfc3339();
    lines.iter().all(|(name, line)| {
        if json {
            let status = objects.iter().find(|service| service.name == *name);
            terminal.line(
                &serde_json::json!({ "time": time, "name": name, "status": moments(&status) }).to_string(),
            )
        } else {
            terminal.line(&format!("{time} {line}"))
        }
    })
}

/// The same of policies that stand otherwise than before: facts that differ from look to look are no change.
fn told_policies(
    before: &[PolicyStatus],
    now: &[PolicyStatus],
    at: WallTime,
    json: bool,
    terminal: Terminal,
) -> bool {
    let time = at.rfc3339();
    let line_of = |name: &ServiceName| before.iter().find(|policy| policy.name == *name).map(policy_line);
    let changed = now.iter().filter(|policy| line_of(&policy.name).as_ref() != Some(&policy_line(policy)));
    let gone = before.iter().filter(|policy| now.iter().all(|other| other.name != policy.name));
    changed.map(|policy| (policy, true)).chain(gone.map(|policy| (policy, false))).all(|(policy, there)| {
        if json {
            let status = there.then_some(policy);
            terminal.line(
                &serde_json::json!({ "time": time, "policy": policy.name, "status": moments(&status) })
                    .to_string(),
            )
        } else if there {
            terminal.line(&format!("{time} {}", policy_line(policy)))
        } else {
            terminal.line(&format!("{time} {}: no longer in force", policy.name))
        }
    })
}
