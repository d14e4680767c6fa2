//! Metrics of the loop, and those who ask for them.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;

use super::Watch;
use crate::engine::metrics::{Meter, OwnProcess, Situation};
use crate::host::Host as _;
use crate::host::scrape::Scrapes;
use crate::host::usage;
use crate::plan::status::ServiceStatus;
use crate::units::BootTime;

impl Watch<'_> {
    /// Answers from these counters, which somebody notes every event in.
    #[must_use]
    pub fn measured_by(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Serves metrics over HTTP at this address; also says at which, since the kernel chooses for port 0.
    ///
    /// # Errors
    /// The address can't be had.
    pub fn serving_metrics(self, address: SocketAddr) -> io::Result<(Self, SocketAddr)> {
        let scrapes = Scrapes::listen(address)?;
        self.host.watch_scrapes(&scrapes)?;
        let at = scrapes.address()?;
        Ok((Self { scrapes: Some(scrapes), ..self }, at))
    }

    /// All metrics as they are now, in the text format of Prometheus.
    pub(super) fn metrics(&self) -> String {
        let (told, overruns) = self.host.table().counts();
        let own = usage::own();
        let own = own.map(|(usage, began)| OwnProcess {
            cpu: usage.cpu,
            memory: usage.memory,
            began,
            ..OwnProcess::default()
        });
        let engine = OwnProcess { told, overruns, untold: self.onlooker.untold(), ..own.unwrap_or_default() };
        let status: Vec<ServiceStatus> = self.status.iter().map(Cow::into_owned).collect();
        let situation = Situation {
            status: &status,
            policies: &self.policies,
            held: self.held.iter().map(|held| held.names.len()).sum(),
            now: self.host.now(),
            engine: Some(engine),
        };
        self.meter.borrow_mut().text(&situation)
    }

    /// Answers who asks over HTTP.
    pub(super) fn serve_metrics(&mut self, now: BootTime) {
        let Some(mut scrapes) = self.scrapes.take() else { return };
        scrapes.serve(now, &mut || self.metrics());
        self.scrapes = Some(scrapes);
    }
}
