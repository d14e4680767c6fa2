//! Ticks in a row, until nothing is left to do at once.

use super::carried::Carried;
use super::tick::{Tick, TickOptions, tick, tick_on};
use crate::host::Host;
use crate::plan::action::{Action, Step};
use crate::plan::memory::Memory;
use crate::spec::SpecSet;
use crate::units::Signal;

/// So many ticks in a row at the most: whatever wants more waits for the next wake-up, so that a service that dies at
/// once can't keep the loop from its other business.
const IN_A_ROW: usize = 16;

/// Whether a person wants to hear of it: everything but probes, and the CONT that lets a suspended process see the signal
/// before it.
pub fn is_worth_telling(step: &Step) -> bool {
    match step.action {
        Action::Probe { .. } | Action::Signal { signal: Signal::CONT, .. } => false,
        Action::Start { .. }
        | Action::Adopt { .. }
        | Action::Signal { .. }
        | Action::KillTree { .. }
        | Action::Constrain { .. }
        | Action::Release { .. }
        | Action::Run { .. }
        | Action::Adjust { .. } => true,
    }
}

/// Ticks until nothing is left to do at once. Each tick's deeds go to `tell` as they happen.
pub fn converge<H: Host>(
    host: &mut H,
    desired: &SpecSet,
    memory: &mut Memory,
    options: TickOptions,
    tell: &mut dyn FnMut(&Tick),
) -> Tick {
    in_a_row(options, &mut |options| tick(host, desired, memory, options), tell)
}

/// The same with what is carried from tick to tick: each is about what was touched.
pub fn converge_on<H: Host>(
    host: &mut H,
    desired: &SpecSet,
    memory: &mut Memory,
    options: TickOptions,
    carried: &mut Carried,
    tell: &mut dyn FnMut(&Tick),
) -> Tick {
    in_a_row(options, &mut |options| tick_on(host, desired, memory, options, carried), tell)
}

fn in_a_row(
    mut options: TickOptions,
    tick: &mut dyn FnMut(TickOptions) -> Tick,
    tell: &mut dyn FnMut(&Tick),
) -> Tick {
    let mut last = tick(options);
    tell(&last);
    for _ in 1..IN_A_ROW {
        if !last.again {
            break;
        }
        // The complete look was the first tick's; what follows looks where something is to be done.
        options.hints.full = false;
        last = tick(options);
        tell(&last);
    }
    last
}
