//! Which kind of source something is: by what it says, where that is certain.

use super::files::{FileLook, Files, base};
use super::{monit, procfile, servicedir, supervisord, systemd};

/// Kinds of sources.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    /// A file with command lines of start-stop-daemon.
    Command,
    /// An init script.
    Init,
    /// A unit of systemd.
    Systemd,
    /// A configuration of supervisord.
    Supervisord,
    /// A service directory of runit or s6.
    Directory,
    /// A control file of monit.
    Monit,
    /// A Procfile.
    Procfile,
}

/// Every kind with its name on the command line.
pub const KINDS: [(Kind, &str); 8] = [
    (Kind::Command, "start-stop-daemon"),
    (Kind::Init, "init"),
    (Kind::Systemd, "systemd"),
    (Kind::Supervisord, "supervisord"),
    (Kind::Directory, "runit"),
    (Kind::Directory, "s6"),
    (Kind::Monit, "monit"),
    (Kind::Procfile, "procfile"),
];

impl Kind {
    /// What it is called.
    pub fn name(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, name)| name)
    }

    /// The kind of a name.
    pub fn parse(text: &str) -> Option<Self> {
        KINDS.iter().find(|(_, name)| *name == text).map(|(kind, _)| *kind)
    }
}

/// The kind of what is at a path; `None` if that isn't certain.
pub fn detect(path: &str, files: &dyn Files) -> Option<Kind> {
    let name = base(path);
    match files.look(path) {
        FileLook::Directory => return servicedir::is_directory(path, files).then_some(Kind::Directory),
        // A unit may be given by its name alone, and an instance has no file of its own.
        FileLook::Absent if name.ends_with(".service") => return Some(Kind::Systemd),
        _ => {}
    }
    let text = files.read(path).ok()?;
    if text.starts_with("#!") {
        let head = text.lines().next().unwrap_or_default();
        if name == "run" || head.contains("execline") {
            return Some(Kind::Directory);
        }
        let init = head.contains("init-d-script")
            || path.contains("/init.d/")
            || text.contains("### BEGIN INIT INFO")
            || calls_start_stop_daemon(&text);
        return init.then_some(Kind::Init);
    }
    if name.ends_with(".service") || systemd::is_unit(&text) {
        return Some(Kind::Systemd);
    }
    if supervisord::is_configuration(&text) {
        return Some(Kind::Supervisord);
    }
    if monit::is_control(&text) {
        return Some(Kind::Monit);
    }
    if name.starts_with("Procfile") && procfile::is_procfile(&text) {
        return Some(Kind::Procfile);
    }
    calls_start_stop_daemon(&text).then_some(Kind::Command)
}

fn calls_start_stop_daemon(text: &str) -> bool {
    text.lines().any(|line| !line.trim_start().starts_with('#') && line.contains("start-stop-daemon"))
}
