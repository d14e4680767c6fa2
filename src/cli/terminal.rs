//! Where words go: data to stdout, everything else to stderr. A reader who closes the pipe is no error.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{Mutex, OnceLock, PoisonError};

use super::args::{Cli, Color};
use crate::diagnostic::Diagnostic;
use crate::host::errno::io_text;
use crate::host::outlets::Outlets;
use crate::report::{render_diagnostics, render_in_short, summary_line};

/// Why some of the output is nowhere, if it is.
static LOST: OnceLock<String> = OnceLock::new();

/// Words that nothing waits for, where something goes on that must not be held up.
static UNHURRIED: OnceLock<Mutex<Outlets>> = OnceLock::new();

/// Writes by way of [`UNHURRIED`]. Nothing if it isn't so here.
fn unhurried(write: impl FnOnce(&mut Outlets) -> io::Result<()>) -> Option<io::Result<()>> {
    let outlets = UNHURRIED.get()?;
    Some(write(&mut outlets.lock().unwrap_or_else(PoisonError::into_inner)))
}

/// Whether it was written. A closed pipe means that the reader has seen enough; anything else is kept for [`lost`].
fn written(result: &io::Result<()>) -> bool {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            LOST.get_or_init(|| io_text(error));
        }
        Ok(()) | Err(_) => {}
    }
    result.is_ok()
}

/// Why the output isn't whole, other than that nobody reads any more.
pub(super) fn lost() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

/// A terminal that shows lines and no more: neither colour nor a cursor that moves.
#[expect(clippy::disallowed_methods, reason = "the environment is read here")]
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|kind| kind == "dumb")
}

/// What clap has to say, to where it says it.
pub(super) fn print(error: &clap::Error) {
    written(&error.print());
}

/// The terminal, or what stands in for it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    colour: bool,
    /// A person waits in front of it.
    pub interactive: bool,
    /// Something else has the screen: no words.
    silent: bool,
}

impl Terminal {
    /// Decides on colour once.
    #[expect(clippy::disallowed_methods, reason = "the environment is read here, once")]
    pub(super) fn new(cli: &Cli) -> Self {
        let interactive = io::stderr().is_terminal();
        let colour = match cli.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                interactive && !is_dumb() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        Self { colour, interactive, silent: false }
    }

    /// Whether a picture can be drawn for a person.
    #[expect(clippy::unused_self, reason = "it is asked of the terminal")]
    pub(super) fn can_draw(self) -> bool {
        !is_dumb() && io::stdout().is_terminal() && io::stdin().is_terminal()
    }

    /// The same without words for a person: something else has the screen.
    #[must_use]
    pub(super) fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// From now on nothing waits until its words are read; what nobody takes is left out.
    #[expect(clippy::unused_self, reason = "all output goes through the terminal")]
    pub(super) fn hold_nothing_up(self) {
        if let Ok(outlets) = Outlets::of_this_process() {
            let _ = UNHURRIED.set(Mutex::new(outlets));
        }
    }

    /// Whether messages have colour.
    #[cfg(feature = "tui")]
    pub(super) fn colour(self) -> bool {
        self.colour
    }

    /// Data, to stdout, followed by a newline if it has none.
    #[expect(clippy::unused_self, reason = "all output goes through the terminal")]
    pub(super) fn data(self, text: &str) {
        let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        let wrote = unhurried(|outlets| outlets.out(&format!("{text}{end}"))).unwrap_or_else(|| {
            let mut out = io::stdout().lock();
            out.write_all(text.as_bytes())
                .and_then(|()| out.write_all(end.as_bytes()))
                .and_then(|()| out.flush())
        });
        written(&wrote);
    }

    /// Data as it is: ended by whatever it ends with.
    #[expect(clippy::unused_self, reason = "all output goes through the terminal")]
    pub(super) fn exactly(self, text: &str) {
        let mut out = io::stdout().lock();
        written(&out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    }

    /// Bytes as they are: false when nobody reads any more.
    #[expect(clippy::unused_self, reason = "all output goes through the terminal")]
    pub(super) fn bytes(self, bytes: &[u8]) -> bool {
        let mut out = io::stdout().lock();
        written(&out.write_all(bytes).and_then(|()| out.flush()))
    }

    /// A line of a stream: false when nobody reads any more.
    #[expect(clippy::unused_self, reason = "all output goes through the terminal")]
    pub(super) fn line(self, text: &str) -> bool {
        let mut out = io::stdout().lock();
        written(&writeln!(out, "{text}").and_then(|()| out.flush()))
    }

    /// Whether a person is there to be asked.
    pub(super) fn can_ask(self) -> bool {
        self.interactive && io::stdin().is_terminal()
    }

    /// Asks on the terminal; only a plain yes is one.
    #[expect(clippy::unused_self, reason = "all output goes through the terminal")]
    pub(super) fn confirms(self, question: &str) -> bool {
        let mut err = io::stderr().lock();
        let _ = write!(err, "{question}").and_then(|()| err.flush());
        drop(err);
        let mut answer = String::new();
        io::stdin().read_line(&mut answer).is_ok()
            && matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")
    }

    /// A value as JSON, to stdout.
    pub(super) fn json(self, value: &impl serde::Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.data(&text),
            Err(error) => self.say(&format!("error: {error}")),
        }
    }

    /// Words for a person, to stderr.
    pub(super) fn say(self, text: &str) {
        if self.silent {
            return;
        }
        let text = text.trim_end_matches('\n');
        let _ = unhurried(|outlets| outlets.err(&format!("{text}\n")))
            .unwrap_or_else(|| writeln!(io::stderr().lock(), "{text}"));
    }

    /// Diagnostics with carets and a count, to stderr.
    pub(super) fn diagnostics(self, diagnostics: &[Diagnostic]) {
        if let Some(summary) = summary_line(diagnostics) {
            self.say(&format!("{}{summary}", render_diagnostics(diagnostics, self.colour)));
        }
    }

    /// The same for who asked for something else than diagnostics: of many warnings of one kind the first few.
    pub(super) fn diagnostics_in_short(self, diagnostics: &[Diagnostic]) {
        if let Some(summary) = summary_line(diagnostics) {
            self.say(&format!("{}{summary}", render_in_short(diagnostics, self.colour)));
        }
    }
}
