//! Settings that change while the loop runs.

use super::{Event, Watch};
use crate::spec::engine::Settings;

impl Watch<'_> {
    /// Takes up what the file of settings says now, if it says something else. A broken one changes nothing.
    pub(super) fn renew_settings(&mut self) {
        let Some(news) = self.options.file.as_mut().and_then(super::SettingsFile::news) else { return };
        match news {
            Ok(settings) => self.take_up(settings),
            Err(problems) => {
                (self.tell)(Event::Settings(&problems));
                (self.tell)(Event::Trouble("the settings stay as they were"));
            }
        }
    }

    fn take_up(&mut self, settings: Settings) {
        let former = &self.options.settings;
        let wait = settings.wait_for_restart(former);
        let settings = settings.taken_up_by(former);
        if settings != *former {
            (self.tell)(Event::Trouble("the settings were changed, and are taken up"));
        }
        if !wait.is_empty() {
            let names: Vec<String> = wait.iter().map(|name| format!("`{name}`")).collect();
            let counts = if names.len() == 1 { "counts" } else { "count" };
            (self.tell)(Event::Trouble(&format!(
                "the settings were changed: {} {counts} only when selfsame is started anew",
                names.join(", ")
            )));
        }
        self.sources.configure(&settings);
        self.looking.configure(&settings);
        self.max_starts = parallel_starts(&settings);
        self.options.settings = settings;
    }
}

/// So many instances may be being started at a time: as said, else four for each core. Which there are takes some thirty system
/// calls to find out (affinity, quotas of control groups), so no tick that a restart waits for does it.
pub fn parallel_starts(settings: &Settings) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let said = settings.max_parallel_starts.and_then(|said| usize::try_from(said).ok());
    said.unwrap_or_else(|| cores().saturating_mul(4))
}
