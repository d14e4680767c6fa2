//! The command line, declared. Help texts are written for the person who reads them in a terminal.

mod documents;
mod events;
mod git;
mod habits;
mod host;
mod import;
mod logs;
mod looking;
mod matching;
mod plugin;
mod record;
mod settings;
mod whole;
mod wishes;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use documents::{ApplyArgs, CheckArgs, CheckOutput, FmtArgs, PlanArgs, TestArgs, WatchArgs};
pub(super) use events::{EventsArgs, HistoryArgs, MetricsArgs, RollbackArgs};
pub(super) use git::GitArgs;
pub(super) use host::AsHostArgs;
pub(super) use import::{ImportArgs, ImportCommand, ImportKind};
pub(super) use logs::LogsArgs;
pub(super) use looking::{DoctorArgs, ExplainArgs, MatchArgs, SnapshotArgs, StatusArgs, WaitFor};
pub(super) use matching::{ActArgs, FormArgs, LiveArgs, MatchOutput, PickArgs};
pub(super) use plugin::{BenchArgs, BuildArgs, InspectArgs, NewArgs, PluginArgs, PluginVerb, TryArgs};
pub(super) use record::{INTERVAL_MIN, RecordArgs};
pub(super) use settings::{KeepSettings, LookSettings, WatchSettings};
pub(super) use wishes::{
    AdoptArgs, Labels, Objects, OverrideArgs, SignalArgs, SuspendArgs, UpgradeArgs, WishArgs,
};

use crate::units::parse_duration;

const AFTER_HELP: &str = "\
Exit codes:
  0   done, nothing to do, all ready, found
  1   errors, failed tests; `match`: no process matches
  2   `plan`: changes; `match`: none matches, but some can't be decided
  3   `match`, `explain`: wrong expression or snapshot; `check --strict`: warnings
  4   `apply`: refused, the world moved
  5   `status`: not all ready; `match --wait`: not all exited in time
  6   another engine holds the state (its PID is named)
  7   held back: unknown, ambiguous, or waiting for a person; `match --signal`: incomplete
  64  wrong usage

Start here:  selfsame check specs && selfsame plan specs && selfsame watch specs";

/// The command line.
#[derive(Debug)]
pub(super) struct Cli {
    pub state_dir: Option<PathBuf>,
    pub color: Color,
    pub verb: Verb,
}

/// Keeps exactly the processes that spec files declare, and knows which ones they are.
#[derive(Debug, Parser)]
#[command(name = "selfsame", version, about, after_help = AFTER_HELP, max_term_width = 110, arg_required_else_help = true, disable_help_subcommand = true)]
struct Common {
    /// Put all state (records, lock, logs) under this directory [env: `SELFSAME_STATE_DIR`]
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,

    /// When to colour messages
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

/// When to use colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

// What to do. The arguments of a verb are declared when it is the one that is asked for: all of them together are a
// tenth of a small look. A doc comment on them would take the place of the verb's there,
// and one here that of the whole.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
pub(super) enum Verb {
    /// Load spec files and report every mistake in them; touches nothing
    Check(CheckArgs),
    /// Carry out the tests of Matcher and Policy documents; record what processes do, and have Policies judge a record
    Test(TestArgs),
    /// Show what `apply` would do, and why; touches nothing
    Plan(PlanArgs),
    /// Bring the host to what the specs say, wait until it is ready, and end
    Apply(ApplyArgs),
    /// Keep the host as the specs say, for ever; Ctrl-C leaves the services running
    Watch(WatchArgs),
    /// What is running, and what is the matter where something isn't
    Status(StatusArgs),
    /// What an object wrote, byte by byte, across the pieces that its files are cut into
    Logs(LogsArgs),
    /// What happened: who did what to which object, why, and which rule decided; kept over restarts, bounded
    Events(EventsArgs),
    /// The last sets of documents that were in force: when, by whom, and what changed
    History(HistoryArgs),
    /// What the running watch counts and measures, in the text format of Prometheus
    Metrics(MetricsArgs),
    /// Put an earlier set of documents in force, until the documents change again
    Rollback(RollbackArgs),
    /// Which processes an expression is true for: list, count, signal, wait for, watch (a pgrep that knows scripts)
    Match(MatchArgs),
    /// Why a process matches or not, with every value; or why an object is as it is
    Explain(ExplainArgs),
    /// What a code such as `W101` means, with a wrong and a mended example
    ExplainCode(ExplainCodeArgs),
    /// Start objects now; holds until their document changes, or for some time (`--for`)
    Start(OverrideArgs),
    /// Stop objects now; holds until their document changes, or for some time (`--for`)
    Stop(OverrideArgs),
    /// Stop and start objects now
    Restart(WishArgs),
    /// Have objects read their configuration anew, as their documents say how
    Reload(WishArgs),
    /// Send a signal to the main processes of objects
    Signal(SignalArgs),
    /// Leave objects alone: nothing is started, stopped or restarted until `resume`
    Suspend(SuspendArgs),
    /// End what `suspend` asked for
    Resume(WishArgs),
    /// Let the running watch become this binary: the services and all that is known of them stay as they are
    Upgrade(UpgradeArgs),
    /// Take over a process for an object, untouched, also where something else keeps it (`--force`)
    Adopt(AdoptArgs),
    /// Let the processes of objects go, untouched; nothing is done about them until their document changes
    Release(WishArgs),
    /// What this host allows, what is missing, and for what
    Doctor(DoctorArgs),
    /// Write Service documents from init scripts, units, configurations of supervisors, or a process that runs
    Import(ImportArgs),
    /// Make, look at, test and measure plugins: new fields and functions of expressions, from WebAssembly
    Plugin(PluginArgs),
    /// Write the facts of processes as YAML, for `match --snapshot` and tests
    Snapshot(SnapshotArgs),
    /// Write the expressions in spec files in their canonical form; all else stays as it is
    Fmt(FmtArgs),
    /// Serve an editor: mistakes, completion, hover and formatting over the Language Server Protocol (stdin, stdout)
    Lsp,
    /// Print the JSON Schema of the documents, for editors
    Schema,
    /// Measure evaluations, for comparison with other engines
    #[command(hide = true)]
    BenchEval,
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page of selfsame or of a verb, or write them all
    Man(ManArgs),
    /// Stand in for Debian's start-stop-daemon, whose options it takes (`--help` behind it lists them)
    StartStopDaemon(DropInArgs),
    /// Help for a verb; `help match [WORD]` is the reference of the language, `help Service [FIELD]` that of documents
    Help(HelpArgs),
}

/// Form of the output.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum Output {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text)
}

/// `role=web`
fn label(text: &str) -> Result<(String, String), String> {
    binding(text).map_err(|_| "write KEY=VALUE, for example `role=web`".to_owned())
}

fn binding(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write NAME=VALUE, for example `startas=/usr/sbin/daemon`".into()),
    }
}

// Arguments of `completions`.
#[derive(Debug, Args)]
pub(super) struct CompletionsArgs {
    /// For which shell
    pub shell: clap_complete::Shell,
}

// Arguments of `man`.
#[derive(Debug, Args)]
pub(super) struct ManArgs {
    /// A verb: `selfsame man watch | man -l -`
    #[arg(value_name = "VERB")]
    pub verb: Vec<String>,
    /// Write every page into this directory: `selfsame.1`, `selfsame-watch.1`, ...
    #[arg(long, value_name = "DIR", conflicts_with = "verb")]
    pub out: Option<PathBuf>,
}

// Arguments of `explain-code`.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct ExplainCodeArgs {
    /// As it stands in a message: `W101`
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// List all codes
    #[arg(long)]
    pub list: bool,
}

// Arguments of `start-stop-daemon`, which are none of ours.
#[derive(Debug, Args)]
#[command(
    disable_help_flag = true,
    after_help = "Called by the name `start-stop-daemon` the program does the same."
)]
pub(super) struct DropInArgs {
    /// Its options
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGS")]
    pub args: Vec<std::ffi::OsString>,
}

// Arguments of `help`.
#[derive(Debug, Args)]
pub(super) struct HelpArgs {
    /// A verb, and for `match` a field, function or section of the language; or a kind and a field of its documents
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// Also show what the Plugin documents of this file or directory add to the language (can be given several times)
    #[arg(long, visible_alias = "matchers", value_name = "PATH")]
    pub plugins: Vec<PathBuf>,
}
