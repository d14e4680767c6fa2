//! How other verbs find this watch: `run/watch.json`, and the socket beside it.

use super::Watch;
use crate::engine::told::Event;
use crate::host::presence;

impl Watch<'_> {
    /// Says that this watch holds the state. Where that can't be written, as on a full disk, it is tried again with each tick: nobody could
    /// have anything stopped otherwise.
    pub(super) fn announce(&mut self) {
        let said = presence::announce(self.host.dirs(), self.sources.places(), self.sources.host());
        let reason = said.err();
        if let Some(reason) = reason.as_ref().filter(|reason| self.unfound.as_ref() != Some(*reason)) {
            (self.tell)(Event::Trouble(reason));
        }
        self.unfound = reason;
    }

    /// Somebody removed the state directory: other verbs shall find this watch in the new one as well.
    pub(super) fn begin_again(&mut self) {
        (self.tell)(Event::Trouble(
            "the state directory was removed; it was made again with all that is remembered",
        ));
        self.chronicle.restored();
        self.policies.write_again();
        self.renew_hints();
        self.open_control_again();
        self.announce();
    }

    /// Somebody may have removed only what other verbs find this watch by.
    pub(super) fn be_found(&mut self) {
        if presence::watcher(self.host.dirs()).is_none() {
            self.announce();
        }
        if !presence::has_socket(self.host.dirs()) {
            self.open_control_again();
        }
    }
}
