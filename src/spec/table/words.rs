//! What the words of the fields mean, one line each, for editors and the reference.

/// Field, word, meaning.
const MEANINGS: &[(&str, &str, &str)] = &[
    ("kind", "Service", "a long-running process, one or more copies"),
    ("kind", "Matcher", "named conditions and lists for the expressions of other documents"),
    ("kind", "Plugin", "more fields and functions for the expressions of other documents"),
    ("kind", "Task", "runs to its end: once, on change, or on a schedule"),
    ("kind", "Defaults", "values for the Services and Tasks that labels choose"),
    ("kind", "Engine", "how the engine itself works; in a file of its own, `/etc/selfsame/engine.yaml`"),
    ("kind", "Policy", "what is not to be of the processes of this host, and what is done when it is"),
    ("severity", "info", "worth knowing"),
    ("severity", "warning", "to be looked at"),
    ("severity", "error", "to be mended"),
    ("severity", "critical", "at once"),
    ("do", "report", "only say it"),
    ("do", "stop", "stop the process: by its Service's own way, or TERM, 30s, KILL"),
    ("violated", "true", "the Policy is violated"),
    ("violated", "false", "it is kept"),
    ("violated", "unknown", "what is stated does not decide it"),
    ("run", "once", "once, ever"),
    ("run", "onChange", "at first, and whenever what it is started with has changed"),
    ("concurrency", "forbid", "the new run is left out"),
    ("concurrency", "replace", "the run under way is stopped"),
    ("concurrency", "allow", "both run"),
    ("onUnknown", "hold", "nothing runs until somebody asks or the document changes"),
    ("onUnknown", "goOn", "the next moment of the schedule comes as usual"),
    ("missed", "runOnce", "one run makes up for all of them"),
    ("missed", "skip", "they are left out"),
    ("operator", "In", "it has one of the values"),
    ("operator", "NotIn", "it has none of the values, or isn't there"),
    ("operator", "Exists", "it is there"),
    ("operator", "DoesNotExist", "it isn't there"),
    ("expect", "true", "the process matches"),
    ("expect", "false", "the process does not match"),
    ("expect", "unknown", "what is stated does not decide it"),
    ("state", "running", "keep it running"),
    ("state", "stopped", "keep it stopped"),
    ("state", "observed", "look and report, never act"),
    ("type", "simple", "the process that is started is the service"),
    ("type", "forking", "the process that is started forks twice and exits; the service is found by match"),
    ("type", "notify", "simple, and it says by sd_notify(3) when it is ready"),
    ("do", "restart", "stop the instance and start it again"),
    ("do", "reload", "have it read its configuration anew, as `reload` says"),
    ("binaryChange", "ignore", "do nothing"),
    ("binaryChange", "report", "say so in the status"),
    ("binaryChange", "restart", "start it anew, one copy at a time"),
    ("binaryChange", "reload", "do what `reload` says, for programs that execute their new file by that"),
    ("stdout", "null", "thrown away"),
    ("stdout", "inherit", "where selfsame's own goes"),
    ("stdout", "syslog", "the system's log, line by line, as daemon.info"),
    ("stderr", "null", "thrown away"),
    ("stderr", "inherit", "where selfsame's own goes"),
    ("stderr", "syslog", "the system's log, line by line, as daemon.err"),
    ("as", "file", "a copy that only the service's user can read, whose path is in NAME_FILE"),
    ("as", "env", "the content itself in the environment"),
    ("adopt", "ifMatches", "take over a process that matches and was not started here"),
    ("adopt", "never", "leave such a process alone and start one of our own"),
    ("adopt", "require", "only take over, never start"),
    ("duplicates", "report", "say so, touch nothing"),
    ("duplicates", "stopExtra", "stop the youngest that are ours"),
    ("duplicates", "refuse", "act on none of them"),
    ("onRemove", "stop", "stop the processes"),
    ("onRemove", "release", "let them run, without us"),
    ("ioClass", "real-time", "before all others; needs privilege"),
    ("ioClass", "best-effort", "by ioPriority"),
    ("ioClass", "idle", "only when nobody else wants the disk"),
    ("policy", "other", "the normal one, SCHED_OTHER"),
    ("policy", "batch", "for long computations, SCHED_BATCH"),
    ("policy", "idle", "only when nothing else runs, SCHED_IDLE"),
    ("policy", "fifo", "real time, SCHED_FIFO; needs privilege"),
    ("policy", "rr", "real time in turns, SCHED_RR; needs privilege"),
    ("policy", "always", "after every exit"),
    ("policy", "on-failure", "unless it exited with 0 or one of successCodes"),
    ("policy", "never", "leave it down"),
    ("condition", "started", "its replicas run"),
    ("condition", "ready", "its replicas are Ready"),
    ("condition", "healthy", "they are Ready, and alive by their liveness check"),
    ("condition", "completed", "it came to its end with success"),
    ("strategy", "auto", "a reload where only watched files changed and there is a `reload`, else a restart"),
    ("strategy", "reload", "always a reload"),
    ("strategy", "restart", "always a restart"),
    ("strategy", "manual", "nothing, until a person restarts it"),
    ("onFailure", "hold", "the other replicas stay as they are"),
    ("onFailure", "rollback", "the last document that became Ready is in force again"),
    ("onFailure", "abort", "the start counts as failed"),
    ("onFailure", "continue", "it is said, and all goes on"),
    ("scope", "main", "the process itself"),
    ("scope", "group", "the process and its process group, all at once"),
    ("scope", "tree", "the process and what descends from it"),
];

/// What a word of a field means.
pub fn meaning(field: &str, word: &str) -> Option<&'static str> {
    MEANINGS.iter().find(|(of, it, _)| *of == field && *it == word).map(|(_, _, meaning)| *meaning)
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, TABLES};
    use super::*;

    #[test]
    fn every_word_of_every_field_has_a_meaning_and_no_other_has() {
        let mut words = Vec::new();
        for field in TABLES.iter().flat_map(|table| table.fields) {
            let kind =
                if let Kind::Map(inner) | Kind::List(inner) = field.kind { *inner } else { field.kind };
            if let Some(of) = kind.words() {
                words.extend(of.now.iter().map(|word| (field.name, *word)));
            }
        }
        for (field, word) in &words {
            assert!(meaning(field, word).is_some(), "`{word}` of `{field}`");
        }
        for (field, word, _) in MEANINGS {
            assert!(words.contains(&(field, word)), "`{word}` of `{field}` is none");
        }
    }
}
