//! Policies in the loop: a turn after the ticks of each wake-up.

use std::collections::BTreeSet;

use super::{Deadlines, Event, QUIET, Watch};
use crate::engine::policy::Policies;
use crate::engine::policy::linux::OnLinux;
use crate::host::Host as _;
use crate::host::policies_file;
use crate::host::wake::Wakes;
use crate::plan::event::Who;
use crate::plan::policy::KeptPolicies;
use crate::plan::wanted::{Request, Wanted};
use crate::spec::ServiceName;
use crate::units::BootTime;

impl Watch<'_> {
    /// Goes on where the watch before left off.
    pub(super) fn take_up_policies(&mut self) {
        let kept = policies_file::read(self.host.dirs()).unwrap_or_else(|reason| {
            (self.tell)(Event::Trouble(&format!("{reason}; what policies saw and did begins anew")));
            KeptPolicies::default()
        });
        self.policies = Policies::new(self.host.boot().clone(), kept);
    }

    /// Waits until there is something for the loop to do. What processes did is the policies' business alone: a turn of theirs
    /// follows at once, and a tick only if they ask something of Services. Of documents that may have changed it is noted when to
    /// look, and nothing else is to be done before.
    pub(super) fn wait_for_more(&mut self, deadlines: &mut Deadlines) -> std::io::Result<Wakes> {
        loop {
            let (look, fetch) = (self.look_due, self.fetching.deadline());
            let wakes = self.wait(deadlines.earliest_with(look, fetch))?;
            if wakes.is_of_documents_only() && !self.desk.has_requests() {
                self.hear(&wakes);
                continue;
            }
            if self.rests(&wakes, deadlines) {
                continue;
            }
            let others = deadlines.of_others(look, fetch);
            let is_theirs = wakes.is_of_processes_only() && !wakes.due && !self.desk.has_requests();
            if !is_theirs || self.host.now().boot >= others {
                return Ok(wakes);
            }
            let asked;
            (asked, deadlines.policies) = self.police(false);
            if asked {
                return Ok(wakes);
            }
        }
    }

    /// Gives memory back once more where nothing has happened for a while since much was done. Says whether that was what the loop was woken for,
    /// as far as is known here: what the host waits for itself is due at the next wait as well.
    fn rests(&mut self, wakes: &Wakes, deadlines: &mut Deadlines) -> bool {
        let now = self.host.now().boot;
        if *wakes != (Wakes { due: true, ..Wakes::default() }) {
            deadlines.rest = deadlines.rest.map(|_| now.after(QUIET));
            return false;
        }
        let rests = deadlines.rest.take_if(|at| *at <= now).is_some();
        if rests {
            self.host.rest();
        }
        rests && now < deadlines.earliest_with(self.look_due, self.fetching.deadline())
    }

    /// Hears what processes do from now on. What is told ends the waiting where there are policies.
    pub(super) fn listen_to_processes(&mut self) {
        if self.options.hints {
            self.host.listen_to_processes(!self.set.policies.is_empty());
        }
    }

    /// One turn. Says whether something is asked of Services, and when the next turn is due.
    pub(super) fn police(&mut self, full: bool) -> (bool, Option<BootTime>) {
        self.listen_to_processes();
        let mut host = OnLinux { host: &mut self.host, onlooker: &mut self.onlooker };
        let turn = self.policies.turn(&mut host, &self.set, &mut self.memory, full);
        if !turn.events.is_empty() {
            self.chronicle.tell(&turn.events);
            (self.tell)(Event::Policies(&turn.events));
        }
        if let Some(reason) = &turn.trouble {
            (self.tell)(Event::Trouble(&format!("nothing is done for policies, since {reason}")));
        }
        for line in self.onlooker.take_said() {
            (self.tell)(Event::Trouble(&line));
        }
        if turn.moved {
            self.desk.has_news();
        }
        (turn.asked, turn.next)
    }

    /// What a person asks of policies; what is left of it is for objects.
    pub(super) fn ask_policies(
        &mut self,
        request: &Request,
        who: &Who,
    ) -> (Option<Wanted>, BTreeSet<ServiceName>) {
        let is_policy = |name: &ServiceName| self.set.policies.contains_key(name);
        let (rest, names) = request.wanted.without_policies(&self.memory, &is_policy);
        if names.is_empty() {
            return (rest, names);
        }
        let suspension = request.wanted.suspension(&request.by, self.host.now().wall);
        self.policies.suspend(&names, suspension.as_ref());
        let about: Vec<&ServiceName> = names.iter().collect();
        self.chronicle.asked(who, request.wanted.verb(), &request.wanted.to_string(), &about);
        (rest, names)
    }
}
