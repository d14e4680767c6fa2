//! What is said, where, and how loud.

use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write as _};

use super::fault::Fault;
use super::options::{Compat, Level};

/// Data and news go to stdout, everything else to stderr with the program's name before it.
#[derive(Clone, Debug)]
pub struct Voice {
    /// As it was called.
    pub program: String,
    /// How much is said on stdout. Warnings are said always.
    pub level: Level,
    /// The oracle loses what it says on the way into the program, unless a terminal reads it or something fails: its buffers
    /// are given up.
    pub loses: bool,
    held: RefCell<String>,
}

impl Voice {
    /// Before anything is known of the options.
    pub fn new(program: String) -> Self {
        Self { program, level: Level::Normal, loses: false, held: RefCell::default() }
    }

    /// With what the options say.
    pub fn set(&mut self, level: Level, compat: Compat) {
        self.level = level;
        self.loses = compat == Compat::Strict;
    }

    /// What was found or would be done.
    pub fn say(&self, text: &str) {
        if self.level >= Level::Normal {
            exactly(text);
        }
    }

    /// What is done.
    pub fn tell(&self, text: &str) {
        if self.level >= Level::Verbose {
            exactly(text);
        }
    }

    /// The same on the way into the program.
    pub fn tell_on_the_way(&self, text: &str) {
        if !self.loses || io::stdout().is_terminal() {
            self.tell(text);
        } else if self.level >= Level::Verbose {
            self.held.borrow_mut().push_str(text);
        }
    }

    /// Something that isn't as it should be.
    pub fn warn(&self, text: &str) {
        let _ = writeln!(io::stderr(), "{}: warning: {text}", self.program);
    }

    /// Why nothing more is done.
    pub fn fail(&self, fault: &Fault) {
        exactly(&self.held.take());
        let mut err = io::stderr().lock();
        let _ = match fault {
            Fault::Usage(text) => {
                writeln!(err, "{0}: {text}\nTry '{0} --help' for more information.", self.program)
            }
            Fault::Trouble(text) => writeln!(err, "{}: {text}", self.program),
        };
    }
}

/// To stdout, at once: what stands in a buffer when another program is executed is lost.
pub fn exactly(text: &str) {
    if text.is_empty() {
        return;
    }
    let mut out = io::stdout().lock();
    // A closed pipe means that nobody wants to know.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}
