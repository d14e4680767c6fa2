//! Events for a person: one line each.

use super::printable;
use crate::plan::event::{Event, EventKind, Recorded, Who};
use crate::plan::status::ConditionStatus;
use crate::units::Zone;

/// Events one below the other: `2026-11-26 08:00:00 UTC  shop: started as pid 412, because nothing matches`.
pub fn event_lines(events: &[Recorded]) -> String {
    events.iter().map(|recorded| event_line(recorded) + "\n").collect()
}

/// One event.
pub fn event_line(recorded: &Recorded) -> String {
    let times = match recorded.times {
        0 | 1 => String::new(),
        times => format!(" ({times} times since {})", Zone::utc().show(recorded.time)),
    };
    format!("{}  {}{times}", Zone::utc().show(recorded.last), printable(event_words(&recorded.event)))
}

/// What happened, as a sentence.
pub fn event_words(event: &Event) -> String {
    let object = match (&event.object, event.index) {
        (Some(object), Some(index)) => format!("{}: ", object.instance(index, event.replicas.unwrap_or(1))),
        (Some(object), None) => format!("{object}: "),
        (None, _) => String::new(),
    };
    let pid = event.pid.map_or_else(String::new, |pid| format!(" pid {pid}"));
    let message = &event.message;
    let because = if message.is_empty() { String::new() } else { format!(", because {message}") };
    let signal = event.signal.map_or_else(|| "a signal".to_owned(), |signal| signal.to_string());
    let fields = event.fields.iter().map(|field| format!("`{field}`")).collect::<Vec<_>>().join(", ");
    let what = match event.kind {
        EventKind::Accepted | EventKind::Removing | EventKind::Removed | EventKind::RolledBack => {
            message.clone()
        }
        EventKind::Asked => return object + &asked(event),
        EventKind::Started if event.reason == "FoundStarted" => format!("{message}:{pid}"),
        EventKind::Started => format!("started as{pid}{because}"),
        EventKind::NotStarted => format!("not started: {message}"),
        EventKind::Adopted => format!("adopted{pid}{because}"),
        EventKind::NotAdopted => format!("{} not adopted: {message}", pid.trim_start()),
        EventKind::Released => format!("let go of{pid}{because}"),
        EventKind::Stopping => format!("stops{pid}{because}"),
        EventKind::Signalled if event.reason == "AlreadyGone" => format!("{signal} for{pid}: already gone"),
        EventKind::Signalled => format!("{signal} sent to{pid}{because}"),
        EventKind::NotSignalled => format!("{signal} not sent to{pid}: {message}"),
        EventKind::Exited => format!("{}: {message}", pid.trim_start()),
        EventKind::Followed => format!("goes on as{pid}: {message}"),
        EventKind::Adjusted => format!("{fields} of{pid} set{because}"),
        EventKind::NotAdjusted => format!("{fields} of{pid} not set: {message}"),
        EventKind::Command | EventKind::RunEnded | EventKind::LeftOut => message.clone(),
        EventKind::CommandFailed => format!("a command failed: {message}"),
        EventKind::Condition => condition(event),
        EventKind::Violated
        | EventKind::NotViolated
        | EventKind::PolicyActed
        | EventKind::PolicyFailed
        | EventKind::PolicyWithheld => policy(event),
        EventKind::Engine | EventKind::Source | EventKind::Lost => message.clone(),
    };
    format!("{object}{what}{}", ground(event))
}

fn asked(event: &Event) -> String {
    let uid = match &event.who {
        Who::Person { uid: Some(uid), .. } => format!(" (uid {uid})"),
        Who::Person { uid: None, .. } | Who::Engine | Who::Schedule => String::new(),
    };
    format!("{}{uid} asked: {}", event.who, event.message)
}

/// `warning: pid 412 (/usr/bin/x): its memory is 3GiB`
fn policy(event: &Event) -> String {
    let note = event.policy.as_ref();
    let severity = match event.kind {
        EventKind::Violated => note.map(|note| format!("{}: ", note.severity.word())).unwrap_or_default(),
        _ => String::new(),
    };
    let exe = note.and_then(|note| note.exe.as_ref()).map_or_else(String::new, |exe| format!(" ({exe})"));
    let process = event.pid.map_or_else(String::new, |pid| format!("pid {pid}{exe}: "));
    format!("{severity}{process}{}", event.message)
}

/// `Ready=False (Exited): 412 exited`
fn condition(event: &Event) -> String {
    let Some(change) = event.condition else { return event.message.clone() };
    let status = match change.status {
        Some(ConditionStatus::True) => "True",
        Some(ConditionStatus::False) => "False",
        Some(ConditionStatus::Unknown) => "Unknown",
        None => return format!("{:?} is over: {}", change.kind, event.message),
    };
    format!("{:?}={status} ({}): {}", change.kind, event.reason, event.message)
}

/// Who or what decided, where the sentence doesn't say it.
fn ground(event: &Event) -> String {
    match (&event.who, &event.rule) {
        (Who::Engine, None) => String::new(),
        (Who::Engine, Some(rule)) => format!(" [{rule}]"),
        (Who::Schedule | Who::Person { .. }, Some(rule)) => format!(" [{}; {rule}]", event.who),
        (Who::Schedule | Who::Person { .. }, None) => format!(" [{}]", event.who),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::plan::event::{ConditionChange, PolicyNote};
    use crate::plan::memory::Exit;
    use crate::plan::status::ConditionType;
    use crate::spec::ServiceName;
    use crate::spec::policy::Severity;
    use crate::units::{BootId, BootTime, Pid, Signal, WallTime};

    fn recorded(event: Event, times: u64) -> Recorded {
        let at = |seconds| WallTime(std::time::Duration::from_secs(seconds));
        let shop = ServiceName::new("shop").unwrap();
        Recorded {
            seq: 1,
            times,
            time: at(0),
            last: at(3600),
            since_boot: BootTime::default(),
            boot: BootId("b".into()),
            event: event.of(&shop),
        }
    }

    #[test]
    fn an_event_is_a_sentence() {
        let new = |kind, message: &str| Event { pid: Some(Pid(7)), ..Event::new(kind, "Any", message) };
        let rule = |event, rule: &str| Event { rule: Some(rule.into()), ..event };
        let ready = ConditionChange { kind: ConditionType::Ready, status: Some(ConditionStatus::False) };
        let ann = Who::Person { name: "ann".into(), uid: Some(1000) };
        let rows = [
            (
                rule(new(EventKind::Started, "nothing matches"), "state: running"),
                "shop: started as pid 7, because nothing matches [state: running]",
            ),
            (
                Event { exit: Some(Exit::Code(1)), ..new(EventKind::Exited, "it exited with code 1") },
                "shop: pid 7: it exited with code 1",
            ),
            (
                Event { signal: Some(Signal::TERM), ..new(EventKind::Signalled, "ann asked for it") }
                    .by(ann.clone()),
                "shop: TERM sent to pid 7, because ann asked for it [ann]",
            ),
            (
                Event {
                    policy: Some(PolicyNote {
                        severity: Severity::Error,
                        exe: Some("/usr/bin/x".into()),
                        action: None,
                        withheld: None,
                    }),
                    ..new(EventKind::Violated, "it uses 3GiB")
                },
                "shop: error: pid 7 (/usr/bin/x): it uses 3GiB",
            ),
            (new(EventKind::Asked, "stop shop").by(ann), "shop: ann (uid 1000) asked: stop shop"),
            (
                Event { condition: Some(ready), ..new(EventKind::Condition, "it is not\nready") },
                "shop: Ready=False (Any): it is not\\nready",
            ),
        ];
        for (event, expected) in rows {
            assert_eq!(event_line(&recorded(event, 1)), format!("1970-01-01 01:00:00 UTC  {expected}"));
        }
        for (index, replicas, name) in [(0, None, "shop"), (0, Some(2), "shop[0]"), (1, Some(2), "shop[1]")] {
            let event = Event { index: Some(index), replicas, ..new(EventKind::Removed, "gone") };
            assert_eq!(event_line(&recorded(event, 1)), format!("1970-01-01 01:00:00 UTC  {name}: gone"));
        }
        let again = event_line(&recorded(new(EventKind::Removed, "gone"), 3));
        assert_eq!(again, "1970-01-01 01:00:00 UTC  shop: gone (3 times since 1970-01-01 00:00:00 UTC)");
    }
}
