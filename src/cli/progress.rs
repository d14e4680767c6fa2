//! What a person sees while waiting. Nothing where nobody waits.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::terminal::Terminal;
use crate::plan::status::ServiceStatus;

/// A line that says how far it is.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    /// On a terminal only.
    pub(super) fn new(terminal: Terminal) -> Self {
        if !terminal.interactive {
            return Self { bar: None };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        Self { bar: Some(bar) }
    }

    /// So many of so many are done, and what is waited for.
    pub(super) fn show(&mut self, done: usize, all: usize, waiting: &[&ServiceStatus]) {
        const NAMED: usize = 3;
        if let Some(bar) = &self.bar {
            let names: Vec<&str> = waiting.iter().take(NAMED).map(|service| service.name.as_str()).collect();
            let more = if waiting.len() > NAMED { ", ..." } else { "" };
            bar.set_message(format!("{done} of {all} ready, waiting for {}{more}", names.join(", ")));
        }
    }

    /// Prints something without tearing the line.
    pub(super) fn above(&self, print: impl FnOnce()) {
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the line away.
    pub(super) fn clear(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}
