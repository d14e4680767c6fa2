//! What a script had set when it called a program.

use std::collections::BTreeMap;

use super::{reason, set_directory, set_variable};
use crate::import::found::{Found, Place, Weight};
use crate::import::quantity;
use crate::import::shell::{Call, Stream, Value};
use crate::spec::{Limit, Output};

/// Variables that selfsame sets itself for the service's user.
const OWN: [&str; 4] = ["HOME", "USER", "LOGNAME", "SHELL"];

/// Letters of `ulimit`, the limits they are, and the unit in bytes.
const LETTERS: [(&str, &str, u64); 14] = [
    ("c", "core", 512),
    ("d", "data", 1024),
    ("e", "nice", 1),
    ("f", "fsize", 512),
    ("i", "sigpending", 1),
    ("l", "memlock", 1024),
    ("m", "rss", 1024),
    ("n", "nofile", 1),
    ("q", "msgqueue", 1),
    ("r", "rtprio", 1),
    ("s", "stack", 1024),
    ("t", "cpu", 1),
    ("u", "nproc", 1),
    ("v", "as", 1024),
];

/// Environment, limits, mask and directory of a call.
#[derive(Clone, Debug)]
pub(crate) struct Surroundings<'c> {
    environment: &'c BTreeMap<String, Value>,
    umask: Option<&'c Value>,
    directory: Option<&'c Value>,
    limits: &'c BTreeMap<String, Value>,
    streams: &'c [Stream],
    place: Place,
}

impl<'c> Surroundings<'c> {
    pub(crate) fn of(call: &'c Call) -> Self {
        Self {
            environment: &call.environment,
            umask: call.umask.as_ref(),
            directory: call.directory.as_ref(),
            limits: &call.limits,
            streams: &call.streams,
            place: call.place.clone(),
        }
    }

    /// The place that is named in notes.
    pub(crate) fn at(mut self, place: &Place) -> Self {
        self.place = place.clone();
        self
    }

    pub(crate) fn environment(&self, found: &mut Found) {
        for (name, value) in self.environment {
            if OWN.contains(&name.as_str()) && value.known().is_none() {
                continue;
            }
            set_variable(found, name, value, &self.place);
        }
    }

    pub(crate) fn umask(&self, found: &mut Found) {
        let Some(value) = self.umask else { return };
        match value.known().and_then(quantity::octal) {
            Some(mask) => found.service.umask = mask,
            None => found.unclear(
                &self.place,
                format!("umask {}", value.shown()),
                why(value, "it is not an octal mask"),
            ),
        }
    }

    pub(crate) fn directory(&self, found: &mut Found) {
        let Some(value) = self.directory else { return };
        match value.known() {
            Some(directory) => {
                let from = found.service.working_directory.to_string_lossy().into_owned();
                set_directory(found, &crate::import::files::join(&from, directory), &self.place);
            }
            None => found.unclear(&self.place, format!("cd {}", value.shown()), why(value, "")),
        }
    }

    /// Where its output goes.
    pub(crate) fn streams(&self, found: &mut Found) {
        for redirection in self.streams {
            stream(redirection, found, &self.place);
        }
    }

    pub(crate) fn limits(&self, found: &mut Found) {
        for (letters, value) in self.limits {
            let side = letters.trim_end_matches(|c: char| c.is_ascii_lowercase() && c != 'S' && c != 'H');
            let letter = letters.trim_start_matches(['S', 'H']);
            let row = LETTERS.iter().find(|(known, ..)| *known == letter);
            let amount = match value.known() {
                Some("unlimited") => Some(None),
                Some(text) => text.parse::<u64>().ok().map(Some),
                None => None,
            };
            let (Some((_, name, unit)), Some(amount)) = (row, amount) else {
                let item = format!("ulimit -{letters} {}", value.shown());
                // It is the same program with the limit that is handed down.
                found.note(&self.place, Weight::Unclear, item, why(value, "it is not understood"));
                continue;
            };
            let amount = amount.map(|number| number.saturating_mul(*unit));
            if side == "S" {
                found.changed(&self.place, format!("ulimit -{letters}"), "the hard limit is set as well");
            }
            found.service.limits.insert((*name).to_owned(), Limit { soft: amount, hard: amount });
        }
    }
}

/// Puts one redirection where it belongs.
fn stream(stream: &Stream, found: &mut Found, place: &Place) {
    let descriptor = stream.descriptor.as_deref();
    let item = format!("{}{}{}", descriptor.unwrap_or_default(), stream.operator, stream.target.shown());
    let Some(target) = stream.target.known() else {
        found.note(place, Weight::Unclear, item, why(&stream.target, ""));
        return;
    };
    let (out, error) = (matches!(descriptor, None | Some("1")), descriptor == Some("2"));
    match stream.operator {
        "<" if target == "/dev/null" => {}
        ">&" if target == "1" && error => found.service.stderr = found.service.stdout.clone(),
        ">&" if target == "2" && out => found.service.stdout = found.service.stderr.clone(),
        ">" | ">>" | ">|" | "&>" | "&>>" if out || error => {
            let from = found.service.working_directory.to_string_lossy().into_owned();
            let path = crate::import::files::join(&from, target);
            let output = match path.as_str() {
                "/dev/null" => Output::Null,
                path if path.starts_with("/dev/") || path.ends_with('/') => {
                    found.changed(place, item, "it goes to a file in the log directory");
                    return;
                }
                path => Output::File(super::template(path).into()),
            };
            if !stream.operator.ends_with(">>") && output != Output::Null {
                found.changed(place, item, "it is appended to");
            }
            if error || stream.operator.starts_with('&') {
                found.service.stderr = output.clone();
            }
            if out {
                found.service.stdout = output;
            }
        }
        _ => found.lost(place, item, "only the two streams of output lead anywhere"),
    }
}

fn why(value: &Value, otherwise: &str) -> String {
    value.first_doubt().map_or_else(|| otherwise.to_owned(), reason)
}
