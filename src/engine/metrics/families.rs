//! The families of metrics: names, kinds, labels and what they mean. `docs/metrics.md` is generated from this.
//!
//! By the conventions of Prometheus: base units (seconds, bytes), `_total` for what only grows, the unit last.

/// How a value behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Only grows, until whoever counts begins anew.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts of durations by size.
    Histogram,
}

impl Kind {
    /// As the format has it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// Metrics of one name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Family {
    /// Its name.
    pub name: &'static str,
    /// How it behaves.
    pub kind: Kind,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it says: one line.
    pub help: &'static str,
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels, help }
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    Family { name, kind: Kind::Counter, labels, help }
}

const fn histogram(name: &'static str, help: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, labels: &[], help }
}

pub(super) const OBJECTS: Family =
    gauge("selfsame_objects", &["phase"], "Objects on record, by phase; phases without any are zero.");
pub(super) const OBJECTS_LEFT_OUT: Family = gauge(
    "selfsame_objects_left_out",
    &[],
    "Objects beyond the 2000 that have series of their own, in the order of their names.",
);
pub(super) const PRUNE_HELD: Family = gauge(
    "selfsame_prune_held_objects",
    &[],
    "Objects whose documents are gone and whose removal is held back by a guard.",
);
pub(super) const PHASE: Family =
    gauge("selfsame_object_phase", &["object", "phase"], "1 for the phase that the object is in.");
pub(super) const CONDITION: Family = gauge(
    "selfsame_object_condition",
    &["object", "type", "status"],
    "1 for what a condition of the object is: true, false or unknown. Conditions that say nothing are missing.",
);
pub(super) const INSTANCES: Family =
    gauge("selfsame_object_instances", &["object"], "Instances that the object has or should have.");
pub(super) const READY_INSTANCES: Family =
    gauge("selfsame_object_ready_instances", &["object"], "Instances that run and are ready.");
pub(super) const GENERATION: Family = gauge(
    "selfsame_object_generation",
    &["object"],
    "Number of the accepted document's meaning; grows with each change.",
);
pub(super) const LAST_START: Family = gauge(
    "selfsame_object_last_start_timestamp_seconds",
    &["object"],
    "When the youngest process of the object was started or adopted, as seconds since 1970.",
);
pub(super) const RESTARTS: Family = counter(
    "selfsame_restarts_total",
    &["object"],
    "Starts after the first one, of all instances. Kept on record: an engine that begins anew goes on counting.",
);
pub(super) const TASK_ENDED: Family = gauge(
    "selfsame_task_last_run_timestamp_seconds",
    &["object"],
    "When the last run of the Task came to an end, as seconds since 1970.",
);
pub(super) const TASK_SUCCEEDED: Family = gauge(
    "selfsame_task_last_run_succeeded",
    &["object"],
    "1 if the last run of the Task succeeded, 0 if it failed, was stopped or nobody knows.",
);
pub(super) const TASK_NEXT: Family = gauge(
    "selfsame_task_next_run_timestamp_seconds",
    &["object"],
    "When the schedule of the Task begins its next run, as seconds since 1970.",
);
pub(super) const STARTS: Family =
    counter("selfsame_starts_total", &["object"], "Processes that this engine started for the object.");
pub(super) const START_FAILURES: Family = counter(
    "selfsame_start_failures_total",
    &["object"],
    "Starts that this engine tried and after which nothing ran. A program or a working directory that isn't there is not tried: the object isn't ready.",
);
pub(super) const STEPS: Family = counter(
    "selfsame_steps_total",
    &["action", "result"],
    "Changes to the host that this engine made, by action and by what came of it: done, failed, refused or gone.",
);
pub(super) const TICKS: Family =
    counter("selfsame_ticks_total", &[], "Rounds of observing, planning and acting.");
pub(super) const TURN_DURATION: Family = histogram(
    "selfsame_turn_duration_seconds",
    "Time from a wake-up until nothing was left to do at once; its count is the number of wake-ups.",
);
pub(super) const LOOK_DURATION: Family =
    histogram("selfsame_source_look_duration_seconds", "Time of a look at the documents.");
pub(super) const LAST_LOOK: Family = gauge(
    "selfsame_source_last_success_timestamp_seconds",
    &[],
    "When all places of documents were last seen completely, as seconds since 1970; 0 if not yet.",
);
pub(super) const SOURCE_FILES: Family =
    gauge("selfsame_source_files", &[], "Files with documents in the last look.");
pub(super) const SOURCE_FILES_BROKEN: Family = gauge(
    "selfsame_source_files_broken",
    &[],
    "Those of them that can't be used; what was accepted from them before stays in force.",
);
pub(super) const SOURCES_UNAVAILABLE: Family =
    gauge("selfsame_sources_unavailable", &[], "Places that could not be looked at in the last look.");
pub(super) const MISTAKES: Family =
    gauge("selfsame_source_mistakes", &["severity"], "Mistakes in documents in the last look.");
pub(super) const UNRECORDED: Family = counter(
    "selfsame_record_failures_total",
    &[],
    "Rounds whose records could not be written; nothing new is started in those.",
);
pub(super) const REQUESTS: Family =
    counter("selfsame_requests_total", &[], "What people asked this engine to do.");
pub(super) const TROUBLES: Family =
    counter("selfsame_troubles_total", &[], "Warnings of this engine about itself; its output has them.");
pub(super) const BUILD: Family = gauge("selfsame_build_info", &["version"], "1, with the engine's version.");
pub(super) const TOLD: Family = counter(
    "selfsame_process_events_total",
    &[],
    "What the kernel told this engine of processes: forks, executions, exits and the like.",
);
pub(super) const OVERRUNS: Family = counter(
    "selfsame_process_event_overruns_total",
    &[],
    "How often some of that was lost, so that all processes were looked at.",
);
pub(super) const UNTOLD: Family = counter(
    "selfsame_process_changes_untold_total",
    &[],
    "Processes that a look for policies found to be new or others without having been told.",
);
pub(super) const PROCESS_CPU: Family =
    counter("process_cpu_seconds_total", &[], "CPU time of the engine, in user and kernel mode.");
pub(super) const PROCESS_MEMORY: Family =
    gauge("process_resident_memory_bytes", &[], "Resident memory of the engine.");
pub(super) const PROCESS_START: Family =
    gauge("process_start_time_seconds", &[], "When the engine's process began, as seconds since 1970.");

pub(super) const POLICIES: Family = gauge(
    "selfsame_policies",
    &["severity"],
    "Policies in force, by severity; severities without any are zero.",
);
pub(super) const POLICY_VIOLATED: Family = gauge(
    "selfsame_policy_violated",
    &["policy", "severity"],
    "1 if the policy is violated, 0 if it isn't; missing until it was looked at.",
);
pub(super) const POLICY_VIOLATING: Family = gauge(
    "selfsame_policy_violating_processes",
    &["policy"],
    "Processes that violate the policy now, or are too many.",
);
pub(super) const POLICY_UNKNOWN: Family = gauge(
    "selfsame_policy_unknown_processes",
    &["policy"],
    "Processes of which it can't be told whether they match or violate the policy.",
);
pub(super) const POLICY_VIOLATIONS: Family = counter(
    "selfsame_policy_violations_total",
    &["policy"],
    "Violations that began to count, each process by itself.",
);
pub(super) const POLICY_ACTIONS: Family = counter(
    "selfsame_policy_actions_total",
    &["policy", "action", "result"],
    "What was done because of the policy, by action and by what came of it: done or failed.",
);
pub(super) const POLICY_WITHHELD: Family = counter(
    "selfsame_policy_withheld_total",
    &["policy", "action", "why"],
    "What was only said and not done: DryRun, NotOwned, Spared, Nobody, NoService, Fight or Limit.",
);

/// All of them, in the order of the page.
pub const FAMILIES: &[Family] = &[
    OBJECTS,
    OBJECTS_LEFT_OUT,
    PRUNE_HELD,
    PHASE,
    CONDITION,
    INSTANCES,
    READY_INSTANCES,
    GENERATION,
    LAST_START,
    RESTARTS,
    TASK_ENDED,
    TASK_SUCCEEDED,
    TASK_NEXT,
    POLICIES,
    POLICY_VIOLATED,
    POLICY_VIOLATING,
    POLICY_UNKNOWN,
    POLICY_VIOLATIONS,
    POLICY_ACTIONS,
    POLICY_WITHHELD,
    STARTS,
    START_FAILURES,
    STEPS,
    TICKS,
    TURN_DURATION,
    LOOK_DURATION,
    LAST_LOOK,
    SOURCE_FILES,
    SOURCE_FILES_BROKEN,
    SOURCES_UNAVAILABLE,
    MISTAKES,
    UNRECORDED,
    REQUESTS,
    TROUBLES,
    BUILD,
    PROCESS_CPU,
    PROCESS_MEMORY,
    PROCESS_START,
    TOLD,
    OVERRUNS,
    UNTOLD,
];
