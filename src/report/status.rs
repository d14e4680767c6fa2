//! Status for a person: a table, and what stands behind each row.

use std::borrow::Cow;

use comfy_table::{ContentArrangement, Table, presets};

use super::printable;
use crate::plan::memory::{Exit, TaskResult};
use crate::plan::status::{
    Condition, ConditionStatus, ConditionType, InstanceStatus, NEXT_START, PhaseWord, ServiceStatus,
    TaskStatus,
};
use crate::units::{Now, WallTime, Zone, format_duration};

/// One row an instance.
pub fn status_table(services: &[ServiceStatus], now: Now) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["NAME", "PHASE", "PID", "SINCE", "RESTARTS", "NOTE"]);
    for service in services {
        if service.instances.is_empty() {
            table.add_row([
                service.name.to_string(),
                phase_word(service.phase).into(),
                String::new(),
                String::new(),
                String::new(),
                note(service),
            ]);
        }
        for instance in &service.instances {
            table.add_row(instance_row(service, instance, now));
        }
    }
    plain_rows(&table)
}

fn instance_row(service: &ServiceStatus, instance: &InstanceStatus, now: Now) -> [String; 6] {
    let many = service.instances.len() > 1;
    [
        instance_name(service, instance),
        phase_word(instance.phase).into(),
        instance.pid.map(|pid| pid.to_string()).unwrap_or_default(),
        instance.since.map(|since| ago(since, now)).unwrap_or_default(),
        instance.restarts.to_string(),
        if instance.index == 0 || !many { note(service) } else { String::new() },
    ]
}

fn instance_name(service: &ServiceStatus, instance: &InstanceStatus) -> String {
    service.name.instance(instance.index, u32::try_from(service.instances.len()).unwrap_or(u32::MAX))
}

/// How long ago, to the second.
pub(super) fn ago(since: WallTime, now: Now) -> String {
    let seconds = now.wall.0.saturating_sub(since.0).as_secs();
    let rounded = match seconds {
        0..=599 => seconds,
        600..=86_399 => seconds / 60 * 60,
        _ => seconds / 3600 * 3600,
    };
    format_duration(std::time::Duration::from_secs(rounded))
}

/// The one thing worth saying in a table: the cause rather than the consequence.
pub(super) fn note(service: &ServiceStatus) -> String {
    let worth = service.conditions.iter().filter(|condition| is_remarkable(condition));
    match worth.min_by_key(|condition| rank(condition.kind)) {
        Some(condition) => without_name(service, &printable(&condition.message)),
        None if service.instances.iter().any(|i| i.adopted) => "adopted".into(),
        None if service.task.is_some() => {
            let ready = service.conditions.iter().find(|condition| condition.kind == ConditionType::Ready);
            ready.map_or_else(String::new, |ready| without_name(service, &printable(&ready.message)))
        }
        None => String::new(),
    }
}

/// The types of the conditions that are not as they should be, causes first.
#[cfg(feature = "tui")]
pub(super) fn remarkable_conditions(service: &ServiceStatus) -> String {
    let mut worth: Vec<&Condition> = service.conditions.iter().filter(|one| is_remarkable(one)).collect();
    worth.sort_by_key(|condition| rank(condition.kind));
    let words = worth.iter().map(|condition| match condition.status {
        ConditionStatus::True => format!("{:?}", condition.kind),
        ConditionStatus::False => format!("!{:?}", condition.kind),
        ConditionStatus::Unknown => format!("{:?}?", condition.kind),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// The name stands in front already.
fn without_name(service: &ServiceStatus, message: &str) -> String {
    message.strip_prefix(&format!("{}: ", service.name)).unwrap_or(message).to_owned()
}

/// Causes first.
fn rank(kind: ConditionType) -> u8 {
    match kind {
        ConditionType::Degraded => 0,
        ConditionType::Blocked | ConditionType::Suspended => 1,
        ConditionType::Owned => 2,
        ConditionType::Unique => 3,
        ConditionType::BackOff => 4,
        ConditionType::Accepted => 5,
        ConditionType::UpToDate => 6,
        ConditionType::Ready => 7,
        ConditionType::Healthy => 7,
        ConditionType::Progressing => 8,
    }
}

fn is_remarkable(condition: &Condition) -> bool {
    match condition.kind {
        ConditionType::Accepted
        | ConditionType::Ready
        | ConditionType::Healthy
        | ConditionType::UpToDate
        | ConditionType::Owned
        | ConditionType::Unique => condition.status != ConditionStatus::True,
        // That nothing is to happen to it: it was let go, or is only observed.
        ConditionType::Progressing => condition.status == ConditionStatus::False,
        ConditionType::Blocked
        | ConditionType::BackOff
        | ConditionType::Suspended
        | ConditionType::Degraded => condition.status != ConditionStatus::False,
    }
}

/// The phase as people read it.
pub(super) fn phase_word(phase: PhaseWord) -> &'static str {
    match phase {
        PhaseWord::Running => "Running",
        PhaseWord::Stopped => "Stopped",
        PhaseWord::Pending => "Pending",
        PhaseWord::Starting => "Starting",
        PhaseWord::Stopping => "Stopping",
        PhaseWord::BackOff => "BackOff",
        PhaseWord::Held => "Held",
        PhaseWord::Unknown => "Unknown",
    }
}

/// One line about an object, for progress: `web: Running (pid 412)`.
pub fn status_line(service: &ServiceStatus) -> String {
    let pids: Vec<String> =
        service.instances.iter().filter_map(|i| i.pid).map(|pid| pid.to_string()).collect();
    let mut line = format!("{}: {}", service.name, phase_word(service.phase));
    if !pids.is_empty() {
        line.push_str(&format!(" (pid {})", pids.join(", ")));
    }
    let note = note(service);
    if !note.is_empty() {
        line.push_str(": ");
        line.push_str(&note);
    }
    line
}

/// A [`status_line`] without the wait before the next start, which every look finds shorter: what is left is the same as long as
/// nothing has happened.
pub fn lasting_line(line: &str) -> Cow<'_, str> {
    let wait =
        line.split_once(NEXT_START).and_then(|(before, rest)| Some((before, rest.split_once(", ")?.1)));
    wait.map_or(Cow::Borrowed(line), |(before, after)| Cow::Owned(format!("{before}{after}")))
}

/// Everything that is known of one object.
pub fn status_details(service: &ServiceStatus, now: Now) -> String {
    let mut text = format!(
        "{}: {}\n  source: {}:{}\n  generation: {} (observed {})\n",
        service.name,
        phase_word(service.phase),
        printable(&*service.source.file),
        service.source.line,
        service.generation,
        service.observed_generation
    );
    for instance in &service.instances {
        let name = instance_name(service, instance);
        text.push_str(&format!("  {name}: {}", phase_word(instance.phase)));
        if let Some(pid) = instance.pid {
            text.push_str(&format!(", pid {pid}"));
        }
        if let Some(since) = instance.since {
            let verb = if instance.adopted { "adopted" } else { "started" };
            text.push_str(&format!(", {verb} {} ago", ago(since, now)));
        }
        if let Some(exe) = &instance.exe {
            text.push_str(&format!(", executes {}", printable(exe)));
        }
        let noun = if instance.restarts == 1 { "restart" } else { "restarts" };
        text.push_str(&format!(", {} {noun}", instance.restarts));
        if let Some(exit) = &instance.last_exit {
            text.push_str(&format!(", before that it {}", exit_words(exit)));
        }
        if !instance.says.is_empty() {
            text.push_str(&format!(", says `{}`", printable(&instance.says)));
        }
        text.push('\n');
    }
    if let Some(task) = &service.task {
        text.push_str(&task_lines(task, now));
    }
    for condition in &service.conditions {
        let status = match condition.status {
            ConditionStatus::True => "True",
            ConditionStatus::False => "False",
            ConditionStatus::Unknown => "Unknown",
        };
        text.push_str(&format!(
            "  {:?}={status} ({}): {}\n",
            condition.kind,
            condition.reason,
            printable(&condition.message)
        ));
    }
    text
}

/// The runs of a Task.
fn task_lines(task: &TaskStatus, now: Now) -> String {
    let mut text = String::new();
    if let Some(last) = &task.last {
        let result = match &last.result {
            TaskResult::Succeeded => "it succeeded".to_owned(),
            TaskResult::Failed(why) => format!("it failed: {}", printable(why)),
            TaskResult::Stopped => "it was stopped".to_owned(),
            TaskResult::Unknown => "nobody knows how it ended".to_owned(),
        };
        let attempts =
            if last.attempts > 1 { format!(", {} attempts", last.attempts) } else { String::new() };
        text.push_str(&format!("  last run: ended {} ago, {result}{attempts}\n", ago(last.ended, now)));
    }
    if let Some(next) = task.next {
        let zone = task.time_zone.clone().unwrap_or_else(Zone::utc);
        text.push_str(&format!(
            "  next run: {}, in {}\n",
            zone.show(next),
            ago(now.wall, Now { wall: next, ..now })
        ));
    }
    if let Some(left_out) = &task.left_out {
        let because = printable(&left_out.because);
        text.push_str(&format!("  left out: a run {} ago, because {because}\n", ago(left_out.at, now)));
    }
    text
}

/// How a process ended, in words.
pub fn exit_words(exit: &Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with code {code}"),
        Exit::Signal(signal) => format!("died by signal {signal}"),
        Exit::OutOfMemory => "was killed for want of memory (OOMKilled)".into(),
        Exit::Unknown => "ended, nobody knows how".into(),
        Exit::Unwatched => "ended while no engine watched it".into(),
        Exit::Stopped => "was stopped".into(),
    }
}

/// The table without a frame and without the padding at both ends.
pub(super) fn plain_rows(table: &Table) -> String {
    let rows: Vec<String> =
        table.lines().map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned()).collect();
    rows.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_wait_is_left_out_of_what_lasts() {
        let rows = [
            ("a: BackOff: next start in 1.2s, after 2 failures: x, y", "a: BackOff: after 2 failures: x, y"),
            ("a: BackOff: next start in 9m59s, after a failure: z", "a: BackOff: after a failure: z"),
            ("a: Running (pid 7)", "a: Running (pid 7)"),
        ];
        for (line, lasts) in rows {
            assert_eq!(lasting_line(line), lasts);
        }
    }
}
