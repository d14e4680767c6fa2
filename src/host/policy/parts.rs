//! What Policies act with, of all that the host has.

use super::Acting;
use crate::host::commands::Commands;
use crate::host::exits::Exits;
use crate::host::groups::Groups;
use crate::host::output::Outputs;
use crate::host::proc::LiveWorld;
use crate::host::wake::Waker;

/// Parts of the host, each by itself.
pub(in crate::host) struct Parts<'a> {
    /// For the next looks.
    pub(in crate::host) world: &'a LiveWorld,
    /// Control groups.
    pub(in crate::host) groups: &'a mut Groups,
    /// Commands under way.
    pub(in crate::host) commands: &'a mut Commands,
    /// Processes whose end is waited for.
    pub(in crate::host) exits: &'a mut Exits,
    /// What the loop waits with.
    pub(in crate::host) waker: &'a Waker,
    /// Files of output that are looked after.
    pub(in crate::host) outputs: Option<&'a Outputs>,
    /// What policies have begun.
    pub(in crate::host) acting: &'a mut Acting,
    /// Where logs go.
    pub(in crate::host) log_dir: &'a str,
}
