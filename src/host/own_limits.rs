//! Limits that a watch has of its own and doesn't hand on.
//!
//! It holds a descriptor for each process on record, so it takes as many as its hard limit allows; and when memory is short it
//! should be among the last to go, since nobody starts anything again without it. A service gets what the watch was given:
//! three daemons of four were written for 1024 descriptors (select(2)), and one that is protected from the OOM killer lets
//! another one die in its place.

use std::sync::Mutex;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// `/proc/PID/oom_score_adj` of processes that others depend on; -1000 would be never; see `proc_pid_oom_score_adj(5)`.
const OOM_SCORE_ADJ: i32 = -900;
const OOM_SCORE_ADJ_FILE: &str = "/proc/self/oom_score_adj";
/// As many descriptors as a million services need are never needed.
const MOST_DESCRIPTORS: u64 = 1 << 20;

/// What the process was given, where it has something else now.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Given {
    descriptors: Option<Rlimit>,
    oom_score_adj: Option<i32>,
}

/// A look with all its helpers, or a watch with one service, has about half as many open.
const FEWEST_DESCRIPTORS: u64 = 64;

static GIVEN: Mutex<Given> = Mutex::new(Given { descriptors: None, oom_score_adj: None });

fn with_given<T>(work: impl FnOnce(&mut Given) -> T) -> T {
    work(&mut GIVEN.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Takes them for the rest of this process. What can't be had stays as it is.
pub fn take() {
    with_given(|given| {
        given.descriptors = given.descriptors.or_else(take_descriptors);
        given.oom_score_adj = given.oom_score_adj.or_else(take_protection);
    });
}

/// Whether this process may have as many descriptors as any look needs: with fewer, whatever comes first finds none, and says
/// that it can't be done or isn't known.
///
/// # Errors
/// A sentence: it may not.
pub(super) fn enough_descriptors() -> Result<(), String> {
    match getrlimit(Resource::Nofile).current.filter(|most| *most < FEWEST_DESCRIPTORS) {
        None => Ok(()),
        Some(most) => Err(format!(
            "{most} descriptors at most may be open here, and it takes {FEWEST_DESCRIPTORS}; raise the limit \
             (`ulimit -n 1024`, in a unit `LimitNOFILE=1024`)"
        )),
    }
}

/// Back to what was given, before this process becomes another program, which takes its own.
pub(super) fn give_back() {
    with_given(|given| {
        if let Some(limit) = given.descriptors.take() {
            let _ = setrlimit(Resource::Nofile, limit);
        }
        if let Some(score) = given.oom_score_adj.take() {
            let _ = std::fs::write(OOM_SCORE_ADJ_FILE, score.to_string());
        }
    });
}

/// Soft and hard limit of descriptors for whoever is started, where it isn't this process's own; `u64::MAX` is unlimited.
pub(super) fn descriptors_of_services() -> Option<[u64; 2]> {
    let part = |part: Option<u64>| part.unwrap_or(u64::MAX);
    with_given(|given| given.descriptors).map(|limit| [part(limit.current), part(limit.maximum)])
}

/// The same for `oom_score_adj`.
pub(super) fn oom_score_adj_of_services() -> Option<i32> {
    with_given(|given| given.oom_score_adj)
}

fn take_descriptors() -> Option<Rlimit> {
    let given = getrlimit(Resource::Nofile);
    let most = given.maximum.unwrap_or(u64::MAX).min(MOST_DESCRIPTORS);
    given.current.filter(|current| *current < most)?;
    let taken = Rlimit { current: Some(most), maximum: given.maximum };
    setrlimit(Resource::Nofile, taken).ok().map(|()| given)
}

fn take_protection() -> Option<i32> {
    let given: i32 = std::fs::read_to_string(OOM_SCORE_ADJ_FILE).ok()?.trim().parse().ok()?;
    if given <= OOM_SCORE_ADJ {
        return None;
    }
    // Needs CAP_SYS_RESOURCE.
    std::fs::write(OOM_SCORE_ADJ_FILE, OOM_SCORE_ADJ.to_string()).ok().map(|()| given)
}
