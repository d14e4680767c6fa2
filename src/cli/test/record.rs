//! `test --record`: what happens on this host, into a file for `--replay`.

use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use crate::cli::args::{INTERVAL_MIN, Output, TestArgs};
use crate::cli::exit::Exit;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::recording::{Ended, RecordOptions, Recorded, record};
use crate::engine::sources::Sources;
use crate::host::atomic::create_new;
use crate::process::expression::files_named;
use crate::process::snapshot::WriteOptions;
use crate::process::world::Bytes;
use crate::units::{counted, format_duration, format_size};

/// Command lines and names of files are nobody else's business.
const MODE: u32 = 0o600;

/// From look to look, where nothing asks for another.
const EVERY: Duration = Duration::from_secs(5);

/// Runs `test --record`.
pub(super) fn run(args: &TestArgs, length: Duration, out: &Path, terminal: Terminal) -> Exit {
    let Asked { files, every } = match asked(args) {
        Ok(asked) => asked,
        Err(problems) => {
            terminal.diagnostics(&problems);
            return Exit::Failed;
        }
    };
    let name = out.display();
    let mut file = match create_new(out, MODE) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            terminal.say(&format!("error: `{name}` exists already; take another name, or remove it"));
            return Exit::Failed;
        }
        Err(error) => {
            terminal.say(&format!("error: `{name}` can't be written: {error}"));
            return Exit::Failed;
        }
    };
    let given = &args.record;
    let write = WriteOptions { env_keys: given.env.clone(), files, redact: true };
    let every = given.interval.unwrap_or(every);
    let options = RecordOptions { length, every, bytes: given.max_size, write };
    let mut put = |text: &str| file.write_all(text.as_bytes());
    let begun = |recorded: &Recorded| {
        let until = format!("recording for {} into `{name}`; Ctrl-C ends it", format_duration(length));
        terminal.say(&until);
        if let Some(why) = &recorded.deaf {
            let every = format_duration(every);
            terminal.say(&format!(
                "warning: what lives for less than {every} may be missing: process events can't be had ({why})"
            ));
        }
    };
    match record(&options, &mut put, &begun) {
        Ok(recorded) => {
            told(&recorded, args.output, terminal);
            Exit::Ok
        }
        Err(error) => {
            terminal.say(&format!("error: the recording ended: {error}"));
            Exit::Failed
        }
    }
}

/// What the given documents ask for.
struct Asked {
    /// The files that they name, so that they are in the record.
    files: Vec<Bytes>,
    /// As often as the most impatient of them looks.
    every: Duration,
}

fn asked(args: &TestArgs) -> Result<Asked, Vec<Diagnostic>> {
    if args.paths.is_empty() {
        return Ok(Asked { files: Vec::new(), every: EVERY });
    }
    let look = Sources::new(args.paths.clone()).with_libraries(args.matchers.clone()).look();
    if look.diagnostics.iter().any(Diagnostic::is_error) {
        return Err(look.diagnostics);
    }
    let expressions = look.policies.iter().flat_map(|document| document.policy.expressions());
    let files =
        expressions.flat_map(|expression| files_named(&expression.text, &look.names.library)).collect();
    let every = look.policies.iter().map(|document| document.policy.every).min();
    Ok(Asked { files, every: every.unwrap_or(EVERY).max(INTERVAL_MIN) })
}

fn told(recorded: &Recorded, output: Output, terminal: Terminal) {
    let Recorded { looks, told, bytes, ended, .. } = recorded;
    if output == Output::Json {
        return terminal.json(&serde_json::json!({
            "looks": looks, "noticed": told, "bytes": bytes, "ended": ended.word(), "events": recorded.deaf.is_none(),
        }));
    }
    let why = match ended {
        Ended::Time => "",
        Ended::Size => "; it ended for want of room (`--max-size`)",
        Ended::Signal => "; it was ended",
    };
    let size = format_size(bytes >> 10 << 10);
    terminal.data(&format!(
        "{} and {} that the kernel told something, {size}{why}\n",
        counted(*looks, "look"),
        counted(*told, "time")
    ));
}
