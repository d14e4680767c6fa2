//! `--retry`: what is sent, how long is waited, and in which order.

use super::fault::Fault;
use super::numbers;

/// Names of signals that the oracle knows: exactly so, without `SIG`.
const SIGNALS: [(&str, i32); 19] = [
    ("ABRT", libc::SIGABRT),
    ("ALRM", libc::SIGALRM),
    ("FPE", libc::SIGFPE),
    ("HUP", libc::SIGHUP),
    ("ILL", libc::SIGILL),
    ("INT", libc::SIGINT),
    ("KILL", libc::SIGKILL),
    ("PIPE", libc::SIGPIPE),
    ("QUIT", libc::SIGQUIT),
    ("SEGV", libc::SIGSEGV),
    ("TERM", libc::SIGTERM),
    ("USR1", libc::SIGUSR1),
    ("USR2", libc::SIGUSR2),
    ("CHLD", libc::SIGCHLD),
    ("CONT", libc::SIGCONT),
    ("STOP", libc::SIGSTOP),
    ("TSTP", libc::SIGTSTP),
    ("TTIN", libc::SIGTTIN),
    ("TTOU", libc::SIGTTOU),
];

/// Items are shorter than this.
const ITEM_BYTES: usize = 20;

/// A signal by number, which isn't checked until it is sent, or by name.
pub fn signal(text: &[u8]) -> Option<i32> {
    numbers::unsigned(text, 10)
        .or_else(|| SIGNALS.iter().find(|(name, _)| name.as_bytes() == text).map(|(_, number)| *number))
}

/// One step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// Send this signal to whatever matches now.
    Signal(i32),
    /// Wait so many seconds for all of them to be gone.
    Wait(i32),
}

/// The steps, and where to go on after the last one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Schedule {
    steps: Vec<Step>,
    /// Index of the step behind `forever`.
    again: Option<usize>,
}

/// What an item is.
enum Part {
    Step(Step),
    Forever,
}

impl Schedule {
    /// Reads `TIMEOUT` or `ITEM/ITEM...`. `first` is the signal of the short form.
    ///
    /// # Errors
    /// [`Fault::Usage`].
    pub fn parse(text: &[u8], first: i32) -> Result<Self, Fault> {
        if !text.contains(&b'/') {
            return match part(text)? {
                Part::Step(wait @ Step::Wait(_)) => {
                    let steps = vec![Step::Signal(first), wait, Step::Signal(libc::SIGKILL), wait];
                    Ok(Self { steps, again: None })
                }
                Part::Step(Step::Signal(_)) | Part::Forever => {
                    usage("--retry takes timeout, or schedule list of at least two items")
                }
            };
        }
        let mut schedule = Self { steps: Vec::new(), again: None };
        for item in text.split(|byte| *byte == b'/') {
            if item.len() >= ITEM_BYTES {
                return usage("invalid schedule item: far too long (you must delimit items with slashes)");
            }
            match part(item)? {
                Part::Step(step) => schedule.steps.push(step),
                Part::Forever if schedule.again.is_some() => {
                    return usage("invalid schedule: 'forever' appears more than once");
                }
                Part::Forever => schedule.again = Some(schedule.steps.len()),
            }
        }
        if schedule.again == Some(schedule.steps.len()) {
            return usage("invalid schedule: 'forever' appears last, nothing to repeat");
        }
        Ok(schedule)
    }

    /// The step at this place. `None`: the schedule is at its end.
    pub fn step(&self, at: usize) -> Option<Step> {
        let length = self.steps.len();
        let at = match self.again {
            Some(again) if at >= length => again + (at - again) % (length - again),
            Some(_) | None => at,
        };
        self.steps.get(at).copied()
    }

    /// No step waits: repeated for ever, it would only burn the processor.
    pub fn never_waits(&self) -> bool {
        !self.steps.iter().any(|step| matches!(step, Step::Wait(_)))
    }
}

fn usage<T>(text: &str) -> Result<T, Fault> {
    Err(Fault::Usage(text.into()))
}

fn part(text: &[u8]) -> Result<Part, Fault> {
    if text == b"forever" {
        return Ok(Part::Forever);
    }
    if text.first().is_some_and(u8::is_ascii_digit) {
        return match numbers::unsigned(text, 10) {
            Some(seconds) => Ok(Part::Step(Step::Wait(seconds))),
            None => usage("invalid timeout value in schedule"),
        };
    }
    match signal(text.strip_prefix(b"-").unwrap_or(text)) {
        Some(number) => Ok(Part::Step(Step::Signal(number))),
        None => usage(
            "invalid schedule item (must be [-]<signal-name>, -<signal-number>, <timeout> or 'forever')",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first ten steps as `s15 w5`, or the beginning of the message.
    fn shown(text: &str) -> String {
        match Schedule::parse(text.as_bytes(), 2) {
            Ok(schedule) => (0..10)
                .map_while(|at| schedule.step(at))
                .map(|step| match step {
                    Step::Signal(number) => format!("s{number}"),
                    Step::Wait(seconds) => format!("w{seconds}"),
                })
                .collect::<Vec<_>>()
                .join(" "),
            Err(Fault::Usage(text) | Fault::Trouble(text)) => text.chars().take(24).collect(),
        }
    }

    #[test]
    fn schedules_are_read_and_stepped() {
        for (text, expected) in [
            ("5", "s2 w5 s9 w5"),
            ("0", "s2 w0 s9 w0"),
            ("TERM/5/KILL/2", "s15 w5 s9 w2"),
            ("-TERM/5", "s15 w5"),
            ("-9/5", "s9 w5"),
            ("5/TERM", "w5 s15"),
            ("TERM/forever/KILL/1", "s15 s9 w1 s9 w1 s9 w1 s9 w1 s9"),
            ("forever/TERM/1", "s15 w1 s15 w1 s15 w1 s15 w1 s15 w1"),
            ("-99/1", "s99 w1"),
            ("TERM", "--retry takes timeout, o"),
            ("forever", "--retry takes timeout, o"),
            ("", "invalid schedule item (m"),
            ("5/", "invalid schedule item (m"),
            ("/5", "invalid schedule item (m"),
            ("TERM//5", "invalid schedule item (m"),
            ("SIGTERM/5", "invalid schedule item (m"),
            ("term/5", "invalid schedule item (m"),
            ("WINCH/5", "invalid schedule item (m"),
            ("5s/KILL", "invalid timeout value in"),
            ("99999999999/KILL", "invalid timeout value in"),
            ("00000000000000000005/KILL", "invalid schedule item: f"),
            ("forever/1/forever/2", "invalid schedule: 'forev"),
            ("TERM/1/forever", "invalid schedule: 'forev"),
        ] {
            assert_eq!(shown(text), expected, "{text:?}");
        }
    }

    #[test]
    fn signals_are_numbers_or_the_oracles_names() {
        for (text, expected) in [
            ("TERM", Some(15)),
            ("0", Some(0)),
            ("99", Some(99)),
            ("SIGTERM", None),
            ("-1", None),
            ("", None),
            ("URG", None),
        ] {
            assert_eq!(signal(text.as_bytes()), expected, "{text}");
        }
    }
}
