//! A script is imported while its daemon runs: what is written is accepted, takes over exactly what runs, and then there is
//! nothing left to do.

use std::path::Path;

use serde_json::Value;

use crate::scenario::{Manner, Outcome, Script, attempt};

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

/// What came of it, as a line; or what is wrong.
pub fn import(script: &Script, program: &Path) -> Result<String, String> {
    let manner = Manner {
        binaries: vec![("/usr/local/bin/selfsame".to_owned(), program.to_owned())],
        steps: steps(script),
        ..Manner::default()
    };
    match attempt(script, &manner) {
        Outcome::Seen(steps) if steps[START]["copies"] == 0 => {
            Ok("SKIPPED its daemon does not come up here".to_owned())
        }
        Outcome::Seen(steps) => judged(&steps),
        Outcome::Skipped(reason) => Ok(format!("SKIPPED {reason}")),
        Outcome::Failed(reason) => Err(reason),
    }
}

fn judged(steps: &[Value]) -> Result<String, String> {
    let said = |place: usize| {
        let step = &steps[place];
        let [out, errors] = ["stdout", "stderr"].map(|field| step[field].as_str().unwrap_or_default());
        format!("{}: exit status {}\n{out}{errors}", step["step"], step["status"])
    };
    let document = || format!("of\n{}", said(steps.len() - 1));
    for (place, statuses) in [(IMPORT, &["0"][..]), (CHECK, &["0"]), (PLAN, &["2"]), (APPLY, &["0"])] {
        if !statuses.iter().any(|status| steps[place]["status"] == **status) {
            return Err(format!("{} {}", said(place), document()));
        }
    }
    let planned: Value = serde_json::from_str(steps[PLAN]["stdout"].as_str().unwrap()).map_err(|_| said(PLAN))?;
    let actions: Vec<&str> = planned.as_array().unwrap().iter().filter_map(|step| step["action"].as_str()).collect();
    if actions.is_empty() || actions.iter().any(|action| *action != "adopt") {
        return Err(format!("{} {}", said(PLAN), document()));
    }
    // Nothing left to do, and nothing done: the same processes, and all with the number that they had.
    for place in [PLAN_AGAIN, APPLY_AGAIN] {
        if steps[place]["status"] != "0" {
            return Err(format!("{} {}", said(place), document()));
        }
    }
    let running = steps[START]["state"]["processes"].as_array().unwrap().len();
    for place in IMPORT..=APPLY_AGAIN {
        if steps[place]["state"] != steps[START]["state"] || steps[place]["kept"] != running {
            return Err(format!("{} changed what runs: {} and {}", said(place), steps[START]["state"], steps[place]["state"]));
        }
    }
    Ok(format!("adopted {} and nothing else done", actions.len()))
}
