//! The engine's settings for a verb: the file, and the flags over it.

use std::path::PathBuf;
use std::rc::Rc;

use super::exit::Exit;
use super::terminal::Terminal;
use crate::engine::settings::{Over, SettingsFile};
use crate::host::settings_file;
use crate::spec::engine::Settings;

/// Settings, and where they come from.
pub(super) struct Configured {
    pub settings: Settings,
    /// Nothing: no place is known for it, so that only flags count.
    pub file: Option<SettingsFile>,
}

/// Reads the file that `--config` names, or the default one if it is there, and puts the flags over it.
pub(super) fn read(
    config: Option<&PathBuf>,
    over: impl Fn(&mut Settings) + 'static,
    terminal: Terminal,
) -> Result<Configured, Exit> {
    let over: Over = Rc::new(over);
    let Some(path) = config.cloned().or_else(|| Some(directory()?.join("engine.yaml"))) else {
        let mut settings = Settings::default();
        over(&mut settings);
        return Ok(Configured { settings, file: None });
    };
    let path = std::path::absolute(&path).unwrap_or(path);
    let mut file = SettingsFile::new(path, config.is_some(), over);
    match file.news() {
        Some(Ok(settings)) => Ok(Configured { settings, file: Some(file) }),
        Some(Err(problems)) => {
            terminal.diagnostics(&problems);
            Err(Exit::Failed)
        }
        // It was never asked before.
        None => Ok(Configured { settings: Settings::default(), file: Some(file) }),
    }
}

/// The places to keep: those of the command line, else those of the settings, else the default directory.
pub(super) fn places(given: &[PathBuf], settings: &Settings) -> Vec<PathBuf> {
    if !given.is_empty() {
        return given.to_vec();
    }
    if !settings.specs.is_empty() {
        return settings.specs.clone();
    }
    directory().map(|directory| directory.join("specs")).into_iter().collect()
}

#[expect(clippy::disallowed_methods, reason = "the environment is read here, once")]
fn directory() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    settings_file::directory(crate::host::own_uid(), variable("XDG_CONFIG_HOME"), variable("HOME"))
}
