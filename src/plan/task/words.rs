//! A Task in words.

use crate::plan::memory::{Due, Moment, Phase, Record, Run, TaskResult};
use crate::plan::status::{ConditionStatus, PhaseWord, TaskStatus};
use crate::spec::{Rhythm, Service, ServiceName, TaskRun};
use crate::units::{WallTime, Zone};

/// Why a run begins, as the end of a sentence.
pub(in crate::plan) fn because(run: &Run, spec: &Service) -> String {
    let why = match &run.due {
        Due::Once => "it is to run once".to_owned(),
        Due::Change => "it has not run yet as it is now".to_owned(),
        Due::Schedule(Moment::Wall(moment)) => format!("it is due at {}", shown(*moment, spec)),
        Due::Schedule(Moment::Boot(_)) => "its interval is over".to_owned(),
        Due::Asked(by) => format!("{by} asked for it"),
        Due::Found => "it ran before us".to_owned(),
    };
    match run.failed {
        0 => why,
        failed => format!("{why}, attempt {}", failed.saturating_add(1)),
    }
}

/// A moment by the clock of the schedule.
fn shown(moment: WallTime, spec: &Service) -> String {
    let rhythm = spec.task.as_ref().and_then(|plan| plan.schedule()).map(|schedule| &schedule.rhythm);
    match rhythm {
        Some(Rhythm::Cron { time_zone, .. }) => time_zone.show(moment),
        Some(Rhythm::Every(_)) | None => Zone::utc().show(moment),
    }
}

/// What a Task is that has no process and is not about to get one.
pub(in crate::plan) fn idle_word(record: &Record) -> PhaseWord {
    if record.task.past.held { PhaseWord::Unknown } else { PhaseWord::Stopped }
}

/// What `Ready` says of a Task that may run.
pub(in crate::plan) fn ready(name: &ServiceName, record: &Record) -> (ConditionStatus, &'static str, String) {
    let past = &record.task.past;
    let run = record.instances.values().find_map(|instance| Some((instance, instance.run.as_ref()?)));
    let scheduled = record.spec.task.as_ref().is_some_and(|plan| plan.schedule().is_some());
    if past.held {
        let message = format!(
            "{name}: nobody knows how its last run ended, so it isn't run again by itself; `selfsame start {name}` runs it"
        );
        return (ConditionStatus::Unknown, "ExitUnknown", message);
    }
    match (run, past.last.as_ref().map(|last| (&last.result, last.attempts))) {
        (Some((instance, run)), _) if !scheduled => {
            let message = match &instance.phase {
                Phase::Stopping { because, .. } => format!("{name}: is being stopped: {because}"),
                phase => {
                    let what = if phase.process().is_some() { "runs" } else { "is about to run" };
                    format!("{name}: {what}, since {}", because(run, &record.spec))
                }
            };
            (ConditionStatus::False, "NotCompleted", message)
        }
        (_, Some((TaskResult::Failed(why), attempts))) => {
            let tried = if attempts > 1 { format!(" after {attempts} attempts") } else { String::new() };
            (ConditionStatus::False, "Failed", format!("{name}: its last run failed{tried}: {why}"))
        }
        (_, Some((TaskResult::Stopped, _))) if !scheduled => {
            (ConditionStatus::False, "RunStopped", format!("{name}: its last run was stopped"))
        }
        (_, Some((TaskResult::Unknown, _))) => {
            (ConditionStatus::Unknown, "ExitUnknown", format!("{name}: nobody knows how its last run ended"))
        }
        (_, Some((TaskResult::Succeeded | TaskResult::Stopped, _)) | None) if scheduled => {
            (ConditionStatus::True, "Scheduled", format!("{name}: {}", next_words(record)))
        }
        (_, Some((TaskResult::Succeeded | TaskResult::Stopped, _))) => {
            (ConditionStatus::True, "Completed", format!("{name}: its last run succeeded"))
        }
        (_, None) => (ConditionStatus::False, "NotCompleted", format!("{name}: it has not run yet")),
    }
}

fn next_words(record: &Record) -> String {
    match record.task.next {
        Some(next) => format!("runs next at {}", shown(next.shown, &record.spec)),
        None => "waits for its next moment".to_owned(),
    }
}

/// What a person is told of a Task besides its phase.
pub(in crate::plan) fn status(record: &Record) -> Option<TaskStatus> {
    let plan = record.spec.task.as_ref()?;
    let past = &record.task.past;
    let (run, zone) = match &plan.run {
        TaskRun::Once => ("once", None),
        TaskRun::OnChange => ("onChange", None),
        TaskRun::Schedule(schedule) => match &schedule.rhythm {
            Rhythm::Cron { time_zone, .. } => ("schedule", Some(time_zone.clone())),
            Rhythm::Every(_) => ("schedule", None),
        },
    };
    let waits = |phase: &Phase| !matches!(phase, Phase::Stopping { .. });
    let current = record.instances.values().filter(|instance| waits(&instance.phase));
    Some(TaskStatus {
        run: run.to_owned(),
        under_way: current.filter_map(|instance| instance.run.as_ref()).map(|run| run.due.clone()).next(),
        last: past.last.clone(),
        next: plan.schedule().and(record.task.next).map(|next| next.shown),
        time_zone: zone,
        left_out: past.left_out.clone(),
    })
}
