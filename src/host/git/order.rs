//! git as we run it: with settings of its own and nobody else's, and without asking anybody.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::child::Order;
use crate::host::probe::find_program;
use crate::host::walk;
use crate::plan::action::Launch;
use crate::spec::Limit;

/// For what doesn't wait for a network.
pub(super) const TIME: Duration = Duration::from_mins(2);
/// What a child that only reports may write.
pub(super) const WORDS_MAX: usize = 64 << 10;
/// A file that git writes, a pack above all, is no larger.
const FILE_MAX: u64 = 1 << 30;

/// The git of an environment's `PATH`.
///
/// # Errors
/// A sentence: there is none, or one that others than root can change would run as root.
pub(super) fn program(environment: &BTreeMap<String, String>) -> Result<PathBuf, String> {
    let path = environment.get("PATH").map_or("/usr/bin:/bin", String::as_str);
    let program = find_program("git", path);
    if !program.is_absolute() {
        return Err("there is no `git` in `PATH`".into());
    }
    if rustix::process::geteuid().is_root() {
        let weak = walk::stages(&program).ok().and_then(|stages| walk::weakest(&stages, &[]));
        if let Some(weak) = weak {
            return Err(format!(
                "`{}` would run as root, and others can change it: {weak}",
                program.display()
            ));
        }
    }
    Ok(program)
}

/// Runs git with these arguments. No hook, no monitor and no settings of the system or of a person count.
pub(super) fn git(program: &Path, env: &BTreeMap<String, String>, arguments: &[&str]) -> Order {
    const SETTINGS: [&str; 9] = [
        "core.hooksPath=/dev/null",
        "core.fsmonitor=false",
        "core.attributesFile=/dev/null",
        "core.symlinks=true",
        "gc.auto=0",
        "maintenance.auto=false",
        "log.showSignature=false",
        "http.lowSpeedLimit=100",
        "http.lowSpeedTime=60",
    ];
    let settings = SETTINGS.iter().flat_map(|setting| ["-c", *setting]);
    let fsck = ["-c", "fetch.fsckObjects=true"];
    let argv = ["git"].into_iter().chain(settings).chain(fsck).chain(arguments.iter().copied());
    let own = [
        ("LC_ALL", "C"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("GIT_ASKPASS", "/bin/false"),
        ("SSH_ASKPASS", "/bin/false"),
        ("GIT_SSH_COMMAND", "ssh -oBatchMode=yes -oConnectTimeout=30"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_ATTR_NOSYSTEM", "1"),
        ("GIT_NO_REPLACE_OBJECTS", "1"),
    ];
    let mut launch = Launch {
        argv: argv.map(str::to_owned).collect(),
        env: env.clone(),
        ..Launch::bare(program.to_owned())
    };
    launch.env.extend(own.map(|(name, value)| (name.to_owned(), value.to_owned())));
    launch.limits = [("fsize".to_owned(), Limit { soft: Some(FILE_MAX), hard: Some(FILE_MAX) })].into();
    Order { launch, timeout: TIME, most: WORDS_MAX, answer_only: false }
}
