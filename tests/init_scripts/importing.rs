//! A script is imported while its daemon runs: what is written is accepted, takes over exactly what runs, and then there is
//! nothing left to do.

use std::path::Path;

use serde_json::Value;

use crate::scenario::{Manner, Outcome, Script, attempt, here};

/// Steps by place.
const START: usize = 0;
const IMPORT: usize = 1;
const CHECK: usize = 2;
const PLAN: usize = 3;
const APPLY: usize = 4;
const PLAN_AGAIN: usize = 5;
const APPLY_AGAIN: usize = 6;

fn steps(script: &Script) -> Vec<(String, String, String)> {
    let path = format!("/etc/init.d/{}", script.name);
    let steps = [
        ("start", format!("{path} start"), "up"),
        ("import", format!("mkdir /specs && selfsame import {path} --out /specs"), "look"),
        ("check", "selfsame check /specs".to_owned(), "look"),
        ("plan", "selfsame plan /specs --output json".to_owned(), "look"),
        ("apply", "selfsame apply /specs --timeout 30s".to_owned(), "look"),
        ("plan again", "selfsame plan /specs --output json".to_owned(), "look"),
        ("apply again", "selfsame apply /specs --timeout 30s".to_owned(), "look"),
        ("specs", "cat /specs/*".to_owned(), "look"),
    ];
    steps.map(|(name, command, wait)| (name.to_owned(), command, wait.to_owned())).to_vec()
}

/// What came of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Imported {
    /// `adopted`, `observed`, `held` or `nothing` (no document), and what was said about it.
    As(&'static str, String),
    /// This host can't, and why.
    Skipped(String),
    /// Something happened that must not.
    Wrong(String),
}

pub fn import(script: &Script, program: &Path) -> Imported {
    let manner = Manner {
        binaries: vec![("/usr/bin/selfsame".to_owned(), program.to_owned())],
        steps: steps(script),
        ..Manner::default()
    };
    match attempt(script, &manner) {
        Outcome::Seen(steps) if steps[START]["copies"] == 0 => {
            Imported::Skipped("its daemon does not come up here".to_owned())
        }
        Outcome::Seen(steps) => judged(&steps),
        Outcome::Skipped(reason) => Imported::Skipped(reason),
        Outcome::Failed(reason) => Imported::Wrong(reason),
    }
}

/// What `tests/init_scripts/imports` says that a script is imported as.
pub fn promised(script: &str) -> String {
    let text = std::fs::read_to_string(here("imports")).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    let fields = rows.map(|line| line.splitn(3, '|').map(str::trim).collect::<Vec<_>>());
    let mut own =
        fields.filter(|fields| fields[0] == script && fields.len() == 3).map(|fields| fields[1].to_owned());
    own.next_back().unwrap_or_else(|| "adopted".to_owned())
}

fn judged(steps: &[Value]) -> Imported {
    let word = |place: usize, field: &str| steps[place][field].as_str().unwrap_or_default();
    let said = |place: usize| {
        let [name, status, out, errors] =
            ["step", "status", "stdout", "stderr"].map(|field| word(place, field));
        format!("{name}: exit status {status}\n{out}{errors}")
    };
    // Whatever is planned: the same processes, and all with the number that they had.
    let running = steps[START]["state"]["processes"].as_array().unwrap().len();
    for place in IMPORT..=APPLY_AGAIN {
        if steps[place]["state"] != steps[START]["state"] || steps[place]["kept"] != running {
            let [before, after] = [START, place].map(|place| &steps[place]["state"]);
            return Imported::Wrong(format!("{} changed what runs: {before} and {after}", said(place)));
        }
    }
    if word(IMPORT, "status") != "0" {
        return Imported::As("nothing", said(IMPORT));
    }
    let planned: Value = serde_json::from_str(word(PLAN, "stdout")).unwrap_or_default();
    let rows = planned.as_array().map(Vec::as_slice).unwrap_or_default();
    let every = |action: &str| !rows.is_empty() && rows.iter().all(|row| row["action"] == action);
    let statuses = [CHECK, PLAN, APPLY, PLAN_AGAIN, APPLY_AGAIN].map(|place| word(place, "status"));
    let all =
        || format!("{}of {}", (CHECK..steps.len() - 1).map(said).collect::<String>(), said(steps.len() - 1));
    match statuses {
        ["0", "2", "0", "0", "0"] if every("adopt") => Imported::As("adopted", String::new()),
        ["0", "0", "0" | "7", "0", "0" | "7"] if every("nothing") => Imported::As("observed", all()),
        ["0", "7", "7", "7", "7"] if every("held") => Imported::As("held", all()),
        _ => Imported::Wrong(all()),
    }
}
