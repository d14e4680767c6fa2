//! The options of `match` beyond the question itself.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::duration;
use crate::units::Signal;

pub(super) const AFTER_HELP: &str = "\
Exit codes:
  0   found (with --signal: all were signalled; with --watch: ended by Ctrl-C or --timeout)
  1   no process matches
  2   none matches, but some can't be decided; or --newest, --oldest is in doubt
  3   the expression, a field or the snapshot is in error; nothing was looked at
  5   --wait: not all exited in time
  7   --signal: incomplete, something is unknown, in doubt, refused or declined
  64  wrong usage; --signal without --yes where nobody can be asked

docs/pgrep.md maps every option of pgrep, pkill and pidof.
`selfsame help match` is the reference of the language, `selfsame help match exe` one word of it.";

// Which of the matching processes.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Which of them")]
#[expect(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct PickArgs {
    /// Also list processes that don't match
    #[arg(long, conflicts_with_all = ["newest", "oldest", "limit", "children", "tree", "signal", "wait"])]
    pub all: bool,
    /// Turn the question around: processes that surely don't match. Unknown stays unknown
    #[arg(short = 'v', long)]
    pub inverse: bool,
    /// Also processes in PID namespaces of their own, which are left out unless the expression says `container` or `ns.pid`
    #[arg(long)]
    pub containers: bool,
    /// Only the one that started last; none if that is in doubt
    #[arg(long, conflicts_with_all = ["oldest", "limit"])]
    pub newest: bool,
    /// Only the one that started first; none if that is in doubt
    #[arg(long, conflicts_with = "limit")]
    pub oldest: bool,
    /// Only so many, the lowest process ids
    #[arg(long, value_name = "N", conflicts_with = "signal")]
    pub limit: Option<usize>,
    /// Also the children of each
    #[arg(long, conflicts_with = "tree")]
    pub children: bool,
    /// Also all descendants of each
    #[arg(long)]
    pub tree: bool,
}

// What is done with them.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Signals")]
pub(crate) struct ActArgs {
    /// Send this signal to them, after asking: `TERM`, `SIGHUP`, `9`, `RTMIN+1`
    #[arg(long, value_name = "SIGNAL", value_parser = Signal::parse)]
    pub signal: Option<Signal>,
    /// Don't ask before sending signals
    #[arg(short, long, requires = "signal")]
    pub yes: bool,
    /// Wait until they have exited, for ever or so long
    #[expect(clippy::option_option, reason = "an option whose value may be left out")]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub wait: Option<Option<Duration>>,
}

/// Times that `--sample` can be: processor time is counted in hundredths of a second.
pub(super) fn sample(text: &str) -> Result<Duration, String> {
    let time = duration(text)?;
    let (least, most) = (Duration::from_millis(100), Duration::from_mins(10));
    if (least..=most).contains(&time) { Ok(time) } else { Err("it is from 100ms to 10m".to_owned()) }
}

// Looking on.
#[derive(Debug, Args)]
#[command(next_help_heading = "Looking on")]
pub(crate) struct LiveArgs {
    /// Go on for ever: print processes as they begin and cease to match
    #[arg(long, conflicts_with_all = ["all", "newest", "oldest", "limit", "children", "tree", "signal", "wait", "trace"])]
    pub watch: bool,
    /// From look to look of `--watch`
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = duration, requires = "watch")]
    pub interval: Duration,
    /// End `--watch` or `--wait` after so long
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Show how each process was decided: what was read in which order, what was skipped, and the sums. Every process is
    /// evaluated in full, as with `--all`; the short way that a plain `match` tries first is left out
    #[arg(long, conflicts_with_all = [
        "inverse", "newest", "oldest", "limit", "children", "tree", "signal", "wait", "count", "fields", "quiet",
    ])]
    pub trace: bool,
}

impl Default for LiveArgs {
    fn default() -> Self {
        Self { watch: false, interval: Duration::from_secs(1), timeout: None, trace: false }
    }
}

/// Form of the output of `match`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum MatchOutput {
    /// One process id a line
    Pids,
    /// Process id, user, verdict, command; or the chosen fields
    Table,
    /// One array, an object a process, with verdict, reasons and notes
    Json,
    /// The same, one object a line
    Jsonl,
    /// Lines of columns behind a line of names: sizes in bytes, durations in seconds
    Tsv,
}

// How it is shown.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct FormArgs {
    /// Form of the output [default: pids; with `--fields`: table]
    #[arg(short, long, value_name = "FORM")]
    pub output: Option<MatchOutput>,
    /// Columns: any fields and functions, `pid,user,rss,exe.path,env["HOME"]`
    #[arg(long, value_name = "FIELDS", conflicts_with_all = ["signal", "wait", "watch"])]
    pub fields: Option<String>,
    /// Between process ids in place of a newline, or between the columns of `tsv`
    #[arg(short, long, value_name = "TEXT", conflicts_with = "null")]
    pub delimiter: Option<String>,
    /// End each process id, or line of `tsv`, with a NUL
    #[arg(short = '0', long)]
    pub null: bool,
    /// Only how many
    #[arg(short, long, conflicts_with_all = ["fields", "watch"])]
    pub count: bool,
    /// Nothing but the exit code
    #[arg(short, long, conflicts_with_all = ["count", "watch"])]
    pub quiet: bool,
}

impl FormArgs {
    /// The form that is meant.
    pub(crate) fn form(&self) -> MatchOutput {
        let default = if self.fields.is_some() { MatchOutput::Table } else { MatchOutput::Pids };
        self.output.unwrap_or(default)
    }

    /// What ends or separates lines, where they are plain.
    pub(crate) fn end(&self) -> &str {
        if self.null { "\0" } else { "\n" }
    }
}
