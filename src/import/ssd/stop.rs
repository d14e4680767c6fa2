//! How a service is stopped, as a call of start-stop-daemon says it.

use std::time::Duration;

use super::options::{Action, Parsed, parse};
use super::schedule::schedule;
use crate::import::command;
use crate::import::found::{Found, Place, Weight};
use crate::import::shell::{Call, Value};
use crate::spec::StopStep;
use crate::units::Signal;

/// How a call of `start-stop-daemon --stop` stops. False: it isn't about this Service, or doesn't stop it.
pub(crate) fn stop(call: &Call, words: &[Value], found: &mut Found) -> bool {
    let parsed = parse(words);
    if parsed.action != Some(Action::Stop) || parsed.has("test") || !is_about(&parsed, found) {
        return false;
    }
    let place = &call.place;
    let signal = match parsed.value("signal") {
        None => Signal::TERM,
        Some(value) if value.known() == Some("0") => return false, // It only asks.
        Some(value) => match value.known().map(Signal::parse) {
            Some(Ok(signal)) => signal,
            Some(Err(_)) => {
                found.note(place, Weight::Unclear, format!("--signal {}", value.shown()), NO_SIGNAL);
                return true;
            }
            None => {
                let why = value.first_doubt().map(command::reason).unwrap_or_default();
                found.note(place, Weight::Unclear, format!("--signal {}", value.shown()), why);
                return true;
            }
        },
    };
    let step = |signal, seconds| StopStep { signal, wait: Duration::from_secs(seconds) };
    let Some(retry) = parsed.value("retry") else {
        if signal == Signal::TERM {
            found.changed(
                place,
                "--stop without --retry",
                "it signals once and doesn't wait; selfsame waits 30s for the exit and kills then",
            );
        } else {
            found.service.stop.schedule = vec![step(signal, 30), step(Signal::KILL, 5)];
        }
        return true;
    };
    match retry.known().map(|text| schedule(text, signal)) {
        Some(Ok((steps, lost))) => {
            for text in lost {
                found.changed(place, format!("--retry {}", retry.shown()), text);
            }
            found.service.stop.schedule = steps;
        }
        _ => found.note(place, Weight::Unclear, format!("--retry {}", retry.shown()), NO_SCHEDULE),
    }
    true
}

const NO_SIGNAL: &str = "it is not a signal";
const NO_SCHEDULE: &str = "the schedule can't be read";

/// What a call with `--start` says of stopping is read and not used; what can't be read it would refuse.
pub(super) fn beside_a_start(parsed: &Parsed, found: &mut Found, place: &Place) {
    let is_signal = |text: &str| text.parse::<u32>().is_ok() || Signal::parse(text).is_ok();
    let is_schedule = |text: &str| schedule(text, Signal::TERM).is_ok();
    if let Some(value) = parsed.value("signal") {
        let wrong = (!value.known().is_none_or(is_signal)).then_some(NO_SIGNAL);
        not_used(format!("--signal {}", value.shown()), wrong, found, place);
    }
    if let Some(value) = parsed.value("retry") {
        let wrong = (!value.known().is_none_or(is_schedule)).then_some(NO_SCHEDULE);
        not_used(format!("--retry {}", value.shown()), wrong, found, place);
    }
}

fn not_used(item: String, wrong: Option<&str>, found: &mut Found, place: &Place) {
    match wrong {
        Some(wrong) => found.unclear(place, item, format!("{wrong}: start-stop-daemon would refuse it")),
        None => found.needless(
            place,
            item,
            "`--start` sends no signal: how it is stopped is said by a `--stop` beside it",
        ),
    }
}

/// The stop is about what was started: the same pidfile, program or name, or it says nothing else.
fn is_about(parsed: &Parsed, found: &Found) -> bool {
    let same = |name: &str, own: &str| parsed.value(name).map(|value| value.known() == Some(own));
    let pidfile = found.service.pidfile.as_deref().map(|own| same("pidfile", own));
    let exec = same("exec", found.program());
    match (pidfile.flatten(), exec) {
        (Some(true), _) | (_, Some(true)) => true,
        (Some(false), _) | (_, Some(false)) => false,
        (None, None) => true,
    }
}
