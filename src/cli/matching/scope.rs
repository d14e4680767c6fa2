//! Processes in PID namespaces of their own (containers): left out unless they are meant, and then said.

use crate::cli::terminal::Terminal;
use crate::lang::ir::{Kind, Node};
use crate::process::objects::PROCESS;

/// Whether it asks where a process lives: then those that live elsewhere are meant.
pub(super) fn asks_where(root: &Node) -> bool {
    let mut found = false;
    root.walk(&mut |node| {
        found |= matches!(&node.kind, Kind::Field { field, .. }
            if field.owner == Some(PROCESS) && matches!(field.name.as_ref(), "container" | "ns.pid"));
    });
    found
}

/// Those of other PID namespaces that would match.
pub(super) fn say_left_out(left_out: usize, terminal: Terminal) {
    if left_out > 0 {
        terminal.say(&format!("left out: {left_out} in other PID namespaces; `--containers` takes them in"));
    }
}
