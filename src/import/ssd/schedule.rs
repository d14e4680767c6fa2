//! `--retry`: how start-stop-daemon stops, as steps.

use std::time::Duration;

use crate::spec::StopStep;
use crate::units::Signal;

/// A schedule, and what of it has no step.
pub(crate) type Schedule = (Vec<StopStep>, Vec<&'static str>);

/// Reads a schedule. `signal` is that of `--signal`, for the short form.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn schedule(text: &str, signal: Signal) -> Result<Schedule, String> {
    if let Some(seconds) = seconds(text) {
        let step = |signal| StopStep { signal, wait: seconds };
        return Ok((vec![step(signal), step(Signal::KILL)], Vec::new()));
    }
    if !text.contains('/') {
        return Err(format!("`{text}` is neither a time nor a schedule"));
    }
    let (mut steps, mut lost): (Vec<StopStep>, _) = (Vec::new(), Vec::new());
    for item in text.split('/') {
        if let Some(wait) = seconds(item) {
            match steps.last_mut() {
                Some(step) => step.wait += wait,
                None => lost.push("it waits before its first signal"),
            }
        } else if item == "forever" {
            lost.push("it repeats its end for ever");
        } else {
            let name = item.strip_prefix('-').unwrap_or(item);
            let signal =
                Signal::parse(name).map_err(|_| format!("`{item}` is neither a time nor a signal"))?;
            steps.push(StopStep { signal, wait: Duration::ZERO });
        }
    }
    if steps.is_empty() {
        return Err("it has no signal".to_owned());
    }
    Ok((steps, lost))
}

fn seconds(text: &str) -> Option<Duration> {
    let digits = !text.is_empty() && text.len() < 10 && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok().map(Duration::from_secs)).flatten()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn schedules_become_steps() {
        for (text, expected, lost) in [
            ("5", "TERM 5s, KILL 5s", 0),
            ("TERM/30/KILL/5", "TERM 30s, KILL 5s", 0),
            ("HUP/10/TERM/5/KILL/1", "HUP 10s, TERM 5s, KILL 1s", 0),
            ("-15/30/-9/5", "TERM 30s, KILL 5s", 0),
            ("TERM/0/CONT/30/KILL/5", "TERM 0s, CONT 30s, KILL 5s", 0),
            ("QUIT/1/2/KILL/1", "QUIT 3s, KILL 1s", 0),
            ("TERM/30/forever/KILL/5", "TERM 30s, KILL 5s", 1),
            ("10/TERM/5", "TERM 5s", 1),
            ("forever/TERM/1", "TERM 1s", 1),
        ] {
            let (steps, said) = schedule(text, Signal::TERM).unwrap();
            let shown: Vec<String> =
                steps.iter().map(|step| format!("{} {}s", step.signal, step.wait.as_secs())).collect();
            assert_eq!((shown.join(", ").as_str(), said.len()), (expected, lost), "{text}");
        }
        for wrong in ["TERM", "forever", "", "5/", "/", "SOON/5", "0/30"] {
            assert!(schedule(wrong, Signal::TERM).is_err(), "{wrong}");
        }
    }
}
