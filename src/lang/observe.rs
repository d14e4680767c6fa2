//! Watching an evaluation while it happens: for traces.
//!
//! What is watched is the evaluation itself, not a second one, so that it can't tell another story.

use super::ir::Node;
use super::verdict::Outcome;

/// Is told of every node that an evaluation comes to, in the order in which it does. Nodes nest: what is entered after
/// a node and left before it belongs to it. What is never entered was skipped.
pub trait Observer {
    /// The value of this node is wanted.
    fn enter(&self, node: &Node);

    /// This is its value. Whoever asks a vocabulary in here changes what the evaluation finds cached.
    fn leave(&self, node: &Node, outcome: &Outcome);
}
