//! Commands of policies: as whoever selfsame is, with what is known of the process in their environment, and their output in
//! a file of the policy. Begun and asked about later, as the hooks of services are, and ended with the engine.

use std::collections::BTreeMap;
use std::path::Path;

use super::course::Acting;
use super::parts::Parts;
use super::{Done, Ended, Occasion, Why};
use crate::facts::ProcessKey;
use crate::host::proc::{DEFAULT_PATH, LiveWorld};
use crate::host::{accounts, clock, own_uid};
use crate::plan;
use crate::plan::action::{Launch, OutputTarget};
use crate::plan::observation::CommandSeen;
use crate::plan::output::Kept;
use crate::plan::policy::PolicyStep;
use crate::process::world::World as _;
use crate::spec::policy::PolicyAction;
use crate::spec::{Rotation, ServiceName, StopCommand};
use crate::units::{Pid, Uid};

/// A value is cut after so many bytes: arguments can have two megabytes, and the environment is bounded.
const VALUE_MAX: usize = 4096;

/// Names in the environment, each with what it holds. Those about the process are absent where that isn't known.
pub const VARIABLES: [(&str, &str); 16] = [
    ("SELFSAME_POLICY", "name of the policy"),
    ("SELFSAME_SEVERITY", "`info`, `warning`, `error` or `critical`"),
    ("SELFSAME_MESSAGE", "`spec.message` with the facts in it"),
    ("SELFSAME_REASON", "what is so, since when, and of how many"),
    ("SELFSAME_SERVICE", "the Service here that the process belongs to, if it does to one"),
    ("SELFSAME_PID", "number of the process; without it there are too few processes"),
    ("SELFSAME_START", "when it was forked, in clock ticks since boot: with the number its identity"),
    ("SELFSAME_PPID", "number of its parent"),
    ("SELFSAME_COMM", "its name, as in `/proc/PID/comm`"),
    ("SELFSAME_EXE", "what it executes, as in `/proc/PID/exe`"),
    ("SELFSAME_ARGV", "its arguments with a blank between each two: the process says so itself"),
    ("SELFSAME_UID", "number of its effective user"),
    ("SELFSAME_USER", "name of that user; the number, if it has no name"),
    ("SELFSAME_CWD", "its working directory"),
    ("SELFSAME_CGROUP", "its control group of version 2"),
    ("SELFSAME_COMMAND", "which run of a command this is, told from all others"),
];

/// A command that runs.
#[derive(Debug)]
pub(in crate::host) struct Run {
    pub(super) nonce: String,
    policy: ServiceName,
    process: Option<ProcessKey>,
    command: StopCommand,
}

/// Begins the command. It is run also for a process that is gone or none any more that the policy means: it tells of what was.
pub(super) fn begin(
    parts: &mut Parts<'_>,
    command: &StopCommand,
    step: &PolicyStep,
    occasion: Occasion<'_>,
) -> Result<Done, Why> {
    let now = clock::now().boot;
    let name = &occasion.policy.name;
    parts.acting.begun = parts.acting.begun.saturating_add(1);
    let nonce = format!("policy {name} {:x} {}", now.0.as_nanos(), parts.acting.begun);
    let log = Path::new(parts.log_dir).join(format!("{name}.policy.log"));
    let mut env = environment(parts.world, step, occasion);
    let owner = match &command.user {
        Some(user) => Some(accounts::of_command(user).map_err(Why::Refused)?),
        None => None,
    };
    let ids = owner.and_then(|owner| {
        env.extend(plan::variables(&owner));
        plan::ids(&owner)
    });
    let launch = Launch {
        argv: command.command.clone(),
        env,
        ids,
        output_owner: Some(Uid(own_uid())),
        stdout: OutputTarget::File(log.clone()),
        stderr: OutputTarget::File(log.clone()),
        ..Launch::bare(command.command.first().map(Into::into).unwrap_or_default())
    };
    parts.commands.begin(&nonce, &launch, command.timeout, now);
    let words = command.command.join(" ");
    if let CommandSeen::Failed(error) = parts.commands.seen(&nonce) {
        return Err(Why::Refused(format!("`{words}` could not be begun: {error}")));
    }
    if let Some(outputs) = parts.outputs {
        let writer = Pid(rustix::process::getpid().as_raw_nonzero().get());
        let kept = Kept { rotation: Rotation::default(), writer, syslog: None, owners: Vec::new() };
        outputs.keep_also(BTreeMap::from([(log, kept)]));
    }
    let process = step.process.clone();
    parts.acting.runs.push(Run { nonce, policy: name.clone(), process, command: command.clone() });
    Ok(Done::Begun(format!("`{words}` was begun")))
}

/// The commands that have ended since this was last asked.
pub(super) fn ended(parts: &mut Parts<'_>) -> Vec<Ended> {
    let mut ended = Vec::new();
    let Acting { runs, .. } = &mut *parts.acting;
    for run in std::mem::take(runs) {
        let words = run.command.command.join(" ");
        let outcome = match parts.commands.seen(&run.nonce) {
            CommandSeen::Running => {
                runs.push(run);
                continue;
            }
            CommandSeen::Succeeded => Ok(format!("`{words}` succeeded")),
            CommandSeen::Failed(error) => Err(Why::Refused(format!("`{words}`: {error}"))),
            CommandSeen::Lost => Err(Why::Refused(format!("`{words}`: its end is not known"))),
        };
        let (policy, process) = (run.policy, run.process);
        ended.push(Ended { policy, process, action: PolicyAction::Exec(run.command), outcome });
    }
    ended
}

fn environment(world: &LiveWorld, step: &PolicyStep, occasion: Occasion<'_>) -> BTreeMap<String, String> {
    let mut env = BTreeMap::from([("PATH".to_owned(), DEFAULT_PATH.to_owned())]);
    let mut put = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            env.insert(format!("SELFSAME_{name}"), tidy(&value));
        }
    };
    put("POLICY", Some(occasion.policy.name.to_string()));
    put("SEVERITY", Some(occasion.policy.severity.word().to_owned()));
    put("MESSAGE", Some(occasion.message.to_owned()));
    put("REASON", Some(step.because.clone()));
    put("SERVICE", step.owner.as_ref().map(ToString::to_string));
    let Some(key) = &step.process else { return env };
    put("PID", Some(key.pid.to_string()));
    put("START", Some(key.start.to_string()));
    // Of one that is gone by now, what was seen of it.
    put("EXE", step.shown.exe.clone());
    put("USER", step.shown.user.clone());
    let world = world.again();
    // Of whoever has the number now nothing is told.
    if world.process_key(key.pid).known().as_ref() != Some(key) {
        return env;
    }
    let pid = key.pid;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    put("PPID", world.stat(pid).known().map(|stat| stat.ppid.to_string()));
    put("COMM", world.comm(pid).known().map(|comm| text(&comm)));
    put("EXE", world.exe_text(pid).known().map(|exe| text(&exe)));
    put("ARGV", world.arguments(pid).known().map(|argv| text(&argv.words.join(&b' '))));
    if let Some((uid, _)) = world.owner(pid).known() {
        put("UID", Some(uid.to_string()));
        let name = world.user_name(uid).known().map_or_else(|| uid.to_string(), |name| name.to_string());
        put("USER", Some(name));
    }
    put("CWD", world.cwd(pid).known().map(|link| text(&link.text)));
    let groups = world.cgroups(pid).known();
    put("CGROUP", groups.and_then(|lines| lines.iter().find(|line| line.v2).map(|line| text(&line.path))));
    env
}

/// No longer than is allowed, and without what ends a text for the kernel.
fn tidy(value: &str) -> String {
    let mut end = value.len().min(VALUE_MAX);
    while !value.is_char_boundary(end) {
        end -= 1;
    }
    value.get(..end).unwrap_or_default().replace('\0', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_is_documented() {
        let page = include_str!("../../../docs/policy-actions.md");
        for (name, what) in VARIABLES {
            assert!(page.contains(&format!("| `{name}` | {what} |")), "{name}");
        }
    }

    #[test]
    fn values_are_cut_between_characters() {
        assert_eq!(tidy("a\0b"), "a b");
        let long = "ä".repeat(VALUE_MAX);
        assert_eq!(tidy(&long).len(), VALUE_MAX);
        let odd = format!("x{long}");
        assert_eq!(tidy(&odd).len(), VALUE_MAX - 1);
    }
}
