//! `plugin test`: examples and case files.

use std::path::{Path, PathBuf};

use super::open::{Opened, open};
use super::refuse;
use crate::cli::args::{Output, TryArgs};
use crate::cli::codes;
use crate::cli::exit::Exit;
use crate::cli::matching::read_snapshot;
use crate::cli::terminal::Terminal;
use crate::diagnostic::{Diagnostic, Source};
use crate::host;
use crate::plugin::Plugins;
use crate::report::{PluginTests, plugin_tests_text};
use crate::workshop::{CaseFile, Trial, read_cases, trials};

const END: &str = ".cases.yaml";

/// Runs `plugin test`.
pub(super) fn run(args: &TryArgs, terminal: Terminal) -> Exit {
    let (mut rows, mut said) = (Vec::new(), Vec::new());
    for path in &args.paths {
        match one(path, args) {
            Ok(tests) => rows.push(tests),
            Err(wrong) => said.extend(wrong),
        }
    }
    if args.output == Output::Json {
        if !said.is_empty() {
            return refuse(&said, args.output, terminal);
        }
        terminal.json(&rows);
    } else {
        terminal.data(&plugin_tests_text(&rows));
        terminal.diagnostics(&said);
    }
    if said.is_empty() && rows.iter().all(PluginTests::passed) { Exit::Ok } else { Exit::Failed }
}

/// Loads one plugin, which runs its examples, and carries out its cases.
fn one(path: &Path, args: &TryArgs) -> Result<PluginTests, Vec<Diagnostic>> {
    let opened = open(path)?;
    let plugin = opened.load()?;
    let mut tests = PluginTests::new(&plugin);
    let plugins = Plugins::new(vec![plugin]);
    let mut said = Vec::new();
    for file in case_files(&opened, &args.cases)? {
        let (file, source) = match read(&file) {
            Ok(read) => read,
            Err(wrong) => {
                said.extend(wrong);
                continue;
            }
        };
        let all = trials(&file, &plugins);
        said.extend(all.iter().filter_map(|trial: &Trial<'_>| trial.found.clone().err()).flatten());
        tests.add(&source, &all);
    }
    if said.is_empty() { Ok(tests) } else { Err(said) }
}

/// The files that were named, and else those of the folder.
fn case_files(opened: &Opened, named: &[PathBuf]) -> Result<Vec<PathBuf>, Vec<Diagnostic>> {
    let folders = opened.folder.iter().flat_map(|folder| [folder.clone(), folder.join("tests")]);
    let places: Vec<PathBuf> = if named.is_empty() { folders.collect() } else { named.to_vec() };
    let mut files = Vec::new();
    for place in places {
        if named.contains(&place) && !host::is_directory(&place) {
            files.push(place);
            continue;
        }
        let found = host::files_in(&place, END);
        files.extend(found.map_err(|error| unreadable(&place, &error))?);
    }
    Ok(files)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Vec<Diagnostic> {
    vec![Diagnostic::error(codes::FILE, format!("`{}` can't be read: {error}", path.display()))]
}

fn read(path: &Path) -> Result<(CaseFile, String), Vec<Diagnostic>> {
    let name = path.display().to_string();
    let text = host::read_text(path).map_err(|error| unreadable(path, &error))?;
    let beside = |named: &str| read_snapshot(&path.parent().unwrap_or(Path::new("")).join(named));
    let file = read_cases(&Source::new(&name, text), &beside)?;
    Ok((file, name))
}
