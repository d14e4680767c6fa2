//! The files of scenarios: reading, writing, and what is wrong with a pair of transcripts.

use std::fs;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scenario {
    pub(crate) file: PathBuf,
    pub(crate) name: String,
    pub(crate) differs: Option<String>,
    pub(crate) script: String,
    pub(crate) oracle: String,
    pub(crate) ours: String,
}

impl Scenario {
    fn new(file: &Path, name: &str) -> Self {
        Self {
            file: file.into(),
            name: name.into(),
            differs: None,
            script: String::new(),
            oracle: String::new(),
            ours: String::new(),
        }
    }
}

pub(crate) fn files() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/start_stop/scenarios");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

pub(crate) fn read(file: &Path) -> Vec<Scenario> {
    let text = fs::read_to_string(file).unwrap();
    let mut found: Vec<Scenario> = Vec::new();
    let mut part = 0;
    for line in text.lines() {
        if let Some(name) = line.strip_prefix("== ") {
            found.push(Scenario::new(file, name));
            part = 0;
            continue;
        }
        let Some(scenario) = found.last_mut() else {
            assert!(
                line.is_empty() || line.starts_with('#'),
                "{}: `{line}` before a scenario",
                file.display()
            );
            continue;
        };
        match (part, line) {
            (_, "-- oracle") => part = 1,
            (_, "-- ours") => part = 2,
            (0, line) => match line.strip_prefix("differs: ") {
                Some(why) => scenario.differs = Some(why.into()),
                None => scenario.script += &format!("{line}\n"),
            },
            (1, line) => scenario.oracle += &format!("{line}\n"),
            (_, line) => scenario.ours += &format!("{line}\n"),
        }
    }
    for scenario in &mut found {
        for text in [&mut scenario.script, &mut scenario.oracle, &mut scenario.ours] {
            *text = text.trim_end().to_owned() + if text.trim().is_empty() { "" } else { "\n" };
        }
    }
    found
}

/// Writes the transcripts of scenarios that differ into their files.
pub(crate) fn rewrite(file: &Path, scenarios: &[Scenario]) {
    let text = fs::read_to_string(file).unwrap();
    let header = text.split("== ").next().unwrap();
    fs::write(file, written(header, scenarios)).unwrap();
}

fn written(header: &str, scenarios: &[Scenario]) -> String {
    let mut text = header.to_owned();
    for scenario in scenarios {
        text += &format!("== {}\n", scenario.name);
        if let Some(why) = &scenario.differs {
            text += &format!("differs: {why}\n");
        }
        text += &scenario.script;
        if scenario.differs.is_some() {
            text += &format!("-- oracle\n{}-- ours\n{}", scenario.oracle, scenario.ours);
        }
        text += "\n";
    }
    text.trim_end().to_owned() + "\n"
}

/// What is wrong with the pair of transcripts, if anything is.
pub(crate) fn verdict(scenario: &Scenario, oracle: &str, ours: &str) -> Option<String> {
    let shown = || format!("-- oracle\n{oracle}-- ours\n{ours}");
    // A script that didn't come to what it is about shows nothing, even if it does so twice.
    if ["TIMEOUT: ", "RECYCLE: ", "HANGS", "SCRIPT: "].iter().any(|word| oracle.contains(word)) {
        return Some(format!("the script doesn't work:\n{}", shown()));
    }
    match &scenario.differs {
        None if oracle == ours => None,
        None => Some(format!("they differ:\n{}", difference(oracle, ours))),
        Some(_) if oracle == ours => Some(format!("they are said to differ, and don't:\n{}", shown())),
        Some(_) if scenario.oracle == oracle && scenario.ours == ours => None,
        Some(_) => Some(format!(
            "not the difference that is written down:\n{}",
            difference(&format!("{}{}", scenario.oracle, scenario.ours), &format!("{oracle}{ours}"))
        )),
    }
}

/// Lines that stand in one only, in order.
fn difference(left: &str, right: &str) -> String {
    let (left, right): (Vec<&str>, Vec<&str>) = (left.lines().collect(), right.lines().collect());
    let only = |mark: char, these: &[&str], others: &[&str]| {
        these
            .iter()
            .filter(|line| !others.contains(line))
            .map(|line| format!("{mark} {line}\n"))
            .collect::<String>()
    };
    let text = only('-', &left, &right) + &only('+', &right, &left);
    if text.is_empty() { format!("in order or number only:\n{left:#?}\n{right:#?}") } else { text }
}
