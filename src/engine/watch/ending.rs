//! The end of the loop: the services go on, or all of them are stopped first, who depends on others before these.

use std::io;

use super::{Event, Watch};
use crate::host::Host as _;
use crate::plan::ending;
use crate::spec::ServiceName;
use crate::units::Signal;

/// What became of the services at the end of a watch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Ended {
    /// They go on.
    TheyGoOn,
    /// They were stopped, but for these.
    Stopped {
        /// Objects that still have processes.
        left: Vec<ServiceName>,
    },
}

impl Watch<'_> {
    /// Ends, as the settings say. A second signal ends it at once, with the services as they are then.
    pub(super) fn end(&mut self, signal: Signal) -> io::Result<Ended> {
        if !self.options.settings.stop_on_exit.unwrap_or(self.options.stop_on_exit) {
            return Ok(Ended::TheyGoOn);
        }
        (self.tell)(Event::Trouble(&format!("{signal} was received: everything is stopped")));
        self.set.ending = true;
        // The first round is about all objects, whatever was left out of the last one.
        let mut full = true;
        loop {
            let next = self.converge(full);
            full = false;
            let now = self.host.now();
            let ending = ending(&self.set, &self.memory, now);
            if ending.under_way.is_empty() && next.is_none_or(|next| next > now.boot) {
                return Ok(Ended::Stopped { left: ending.left });
            }
            let wakes = self.host.wait(next)?;
            if wakes.stop.is_some() {
                let left = ending.under_way.into_iter().chain(ending.left).collect();
                return Ok(Ended::Stopped { left });
            }
        }
    }
}
