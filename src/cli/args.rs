//! The command line, declared. Help texts are written for the person who reads them in a terminal.

mod events;
mod git;
mod habits;
mod host;
mod import;
mod logs;
mod matching;
mod plugin;
mod record;
mod settings;
mod whole;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(super) use events::{EventsArgs, HistoryArgs, MetricsArgs, RollbackArgs};
pub(super) use git::GitArgs;
pub(super) use host::AsHostArgs;
pub(super) use import::{ImportArgs, ImportCommand, ImportKind};
pub(super) use logs::LogsArgs;
pub(super) use matching::{ActArgs, FormArgs, LiveArgs, MatchOutput, PickArgs};
pub(super) use plugin::{BenchArgs, BuildArgs, InspectArgs, NewArgs, PluginArgs, PluginVerb, TryArgs};
pub(super) use record::RecordArgs;
pub(super) use settings::{KeepSettings, LookSettings, WatchSettings};

use crate::plan::wanted::parse_selector;
use crate::units::{Signal, WallTime, parse_duration};

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

// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Spec files and directories, `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Exit with 3 if there are warnings
    #[arg(long)]
    pub strict: bool,
    /// Also name the files that were passed over
    #[arg(short, long)]
    pub verbose: bool,
    /// Take users and files from this snapshot instead of this host
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,
    /// Also use the Matcher and Plugin documents of this file or directory (can be given several times)
    #[arg(long, visible_alias = "plugins", value_name = "PATH")]
    pub matchers: Vec<PathBuf>,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: CheckOutput,
    /// Also say what each expression costs to decide, for one process
    #[arg(long)]
    pub cost: bool,
    #[command(flatten)]
    pub host: AsHostArgs,
    #[command(flatten)]
    pub settings: LookSettings,
}

// Arguments of `test`.
#[derive(Debug, Args)]
pub(super) struct TestArgs {
    /// Files and directories with Matcher and Policy documents
    #[arg(required_unless_present = "record", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Also use the Matcher and Plugin documents of this file or directory (can be given several times)
    #[arg(long, visible_alias = "plugins", value_name = "PATH")]
    pub matchers: Vec<PathBuf>,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
    #[command(flatten)]
    pub record: RecordArgs,
}

/// Form of the output of `check`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub(super) enum CheckOutput {
    /// For people
    #[default]
    Text,
    /// One array of mistakes
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations in the log of a GitHub workflow
    Github,
}

// Arguments of `plan`.
#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// Spec files and directories, `-` for standard input
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Plan for the host of this snapshot, with nothing on record, instead of this one
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,
    #[command(flatten)]
    pub host: AsHostArgs,
    /// Also keep the plan in this file, for `apply FILE`, with all that it relies on
    #[arg(long, value_name = "FILE", conflicts_with_all = ["snapshot", "as_host"])]
    pub out: Option<PathBuf>,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
    #[command(flatten)]
    pub settings: KeepSettings,
}

// Arguments of `apply`.
#[derive(Debug, Args)]
pub(super) struct ApplyArgs {
    /// Spec files and directories, `-` for standard input; objects whose file is gone from a directory are removed. Or one plan of
    /// `plan --out`, which is carried out exactly, or refused if the world has moved
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Remove what is held back as too much at once: exactly the objects that were named with this id (can be given several times)
    #[arg(long, value_name = "ID")]
    pub confirm_prune: Vec<String>,
    /// Go on although more than half of the objects would be restarted or stopped
    #[arg(long)]
    pub confirm_restarts: bool,
    /// How long to wait for another `apply` to end
    #[arg(long, default_value = "60s", value_name = "TIME", value_parser = duration)]
    pub lock_timeout: Duration,
    /// How long to wait until everything is ready [default: until it is ready or has failed]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
    #[command(flatten)]
    pub settings: KeepSettings,
}

// Arguments of `watch`.
#[derive(Debug, Args)]
pub(super) struct WatchArgs {
    /// Spec directories and files [default: those of `engine.yaml`, else `/etc/selfsame/specs`]
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Do without file notifications: look every 2 seconds
    #[arg(long)]
    pub no_hints: bool,
    #[command(flatten)]
    pub git: GitArgs,
    /// Serve metrics also at an address that other hosts reach
    #[arg(long)]
    pub metrics_remote: bool,
    /// Form of the events
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
    #[command(flatten)]
    pub settings: WatchSettings,
}

// Arguments of `status`.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Only these objects, with all that is known of them
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Only objects with these labels: `key=value,key2=value2`
    #[arg(short = 'l', long, value_name = "SELECTOR", value_parser = labels)]
    pub selector: Option<Labels>,
    /// Wait until all of them are so
    #[arg(long, value_name = "STATE")]
    pub wait: Option<WaitFor>,
    /// Keep showing it: a live view on a terminal (`?` lists its keys), else a line for each change
    #[arg(short, long, conflicts_with = "wait")]
    pub watch: bool,
    /// How long to wait
    #[arg(long, default_value = "90s", value_name = "TIME", value_parser = duration)]
    pub timeout: Duration,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}

/// What `status --wait` waits for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(super) enum WaitFor {
    /// All are as wanted and ready
    Ready,
}

// Arguments of `match`.
#[derive(Debug, Default, Args)]
#[command(after_help = matching::AFTER_HELP)]
pub(super) struct MatchArgs {
    /// For example `runs("/srv/shop.py") && user == "www-data"`
    #[arg(value_name = "EXPR")]
    pub expression: String,
    /// Bind a name of the expression: `startas=/srv/shop.py`
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = binding)]
    pub set: Vec<(String, String)>,
    /// Only this process (can be given several times)
    #[arg(long, value_name = "PID")]
    pub pid: Vec<i32>,
    /// Ask this snapshot instead of this host
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,
    /// Also use the Matcher and Plugin documents of this file or directory (can be given several times)
    #[arg(long, visible_alias = "plugins", value_name = "PATH")]
    pub matchers: Vec<PathBuf>,
    /// Time between the two looks that `cpu`, `rate(...)` and `changed(...)` need
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = matching::sample)]
    pub sample: Duration,
    #[command(flatten)]
    pub pick: PickArgs,
    #[command(flatten)]
    pub act: ActArgs,
    #[command(flatten)]
    pub live: LiveArgs,
    #[command(flatten)]
    pub form: FormArgs,
}

// Arguments of `explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The name of an object or a policy (`policy/NAME` where both have it), or an expression
    #[arg(value_name = "NAME|EXPR")]
    pub subject: String,
    /// The process to explain it for (can be given several times)
    #[arg(long, value_name = "PID")]
    pub pid: Vec<i32>,
    /// Bind a name of the expression: `startas=/srv/shop.py`
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = binding)]
    pub set: Vec<(String, String)>,
    /// Ask this snapshot instead of this host
    #[arg(long, value_name = "FILE")]
    pub snapshot: Option<PathBuf>,
    /// Also use the Matcher and Plugin documents of this file or directory (can be given several times)
    #[arg(long, visible_alias = "plugins", value_name = "PATH")]
    pub matchers: Vec<PathBuf>,
    /// Time between the two looks that `cpu`, `rate(...)` and `changed(...)` need
    #[arg(long, default_value = "1s", value_name = "TIME", value_parser = matching::sample)]
    pub sample: Duration,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}

// The objects that a verb is about.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(super) struct Objects {
    /// Objects by name
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Objects with these labels: `key=value,key2=value2`
    #[arg(short = 'l', long, value_name = "SELECTOR", value_parser = labels)]
    pub selector: Option<Labels>,
    /// All objects on record
    #[arg(long)]
    pub all: bool,
}

/// Labels that objects have.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Labels(pub BTreeMap<String, String>);

fn labels(text: &str) -> Result<Labels, String> {
    parse_selector(text).map(Labels)
}

// Arguments of `start` and `stop`.
#[derive(Debug, Args)]
pub(super) struct OverrideArgs {
    /// What the document says counts again after so long
    #[arg(long = "for", value_name = "TIME", value_parser = duration, conflicts_with = "until")]
    pub time: Option<Duration>,
    /// What the document says counts again at this moment: `2030-01-31T08:00:00Z`
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub until: Option<WallTime>,
    #[command(flatten)]
    pub wish: WishArgs,
}

// Arguments of `restart`, `reload`, `resume` and `release`.
#[derive(Debug, Args)]
pub(super) struct WishArgs {
    #[command(flatten)]
    pub objects: Objects,
    /// How long to wait until it is done
    #[arg(long, default_value = "90s", value_name = "TIME", value_parser = duration)]
    pub timeout: Duration,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}

// Arguments of `upgrade`.
#[derive(Debug, Args)]
pub(super) struct UpgradeArgs {
    /// How long to wait until it is done
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = duration)]
    pub timeout: Duration,
}

// Arguments of `signal`.
#[derive(Debug, Args)]
pub(super) struct SignalArgs {
    /// Its name or number: `HUP`, `USR1`
    #[arg(value_name = "SIGNAL", value_parser = signal)]
    pub signal: Signal,
    #[command(flatten)]
    pub wish: WishArgs,
}

// Arguments of `suspend`.
#[derive(Debug, Args)]
pub(super) struct SuspendArgs {
    /// Why, for those who see it in `status`
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub reason: String,
    /// Resume by itself after so long
    #[arg(long = "for", value_name = "TIME", value_parser = duration, conflicts_with = "until")]
    pub time: Option<Duration>,
    /// Resume by itself at this moment: `2030-01-31T08:00:00Z`
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub until: Option<WallTime>,
    #[command(flatten)]
    pub wish: WishArgs,
}

fn signal(text: &str) -> Result<Signal, String> {
    Signal::parse(text)
        .map_err(|_| format!("`{text}` is no signal; it stands before the names, as in `signal HUP shop`"))
}

fn moment(text: &str) -> Result<WallTime, String> {
    WallTime::parse(text).ok_or_else(|| "write it like `2030-01-31T08:00:00Z`".to_owned())
}

// Arguments of `adopt`.
#[derive(Debug, Args)]
pub(super) struct AdoptArgs {
    /// The process
    #[arg(value_name = "PID")]
    pub pid: i32,
    /// The object whose place it takes
    #[arg(long = "as", value_name = "NAME")]
    pub name: String,
    /// Although another supervisor keeps it or it belongs to another user; it must still be found by the identity rule
    #[arg(long)]
    pub force: bool,
    /// How long to wait until it is done
    #[arg(long, default_value = "90s", value_name = "TIME", value_parser = duration)]
    pub timeout: Duration,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}

// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(super) struct DoctorArgs {
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}

// Arguments of `snapshot`.
#[derive(Debug, Args)]
pub(super) struct SnapshotArgs {
    /// Only these processes [default: all that can be seen]
    #[arg(long, value_name = "PID")]
    pub pid: Vec<i32>,
    /// Write the value of this environment variable; others are `<redacted>`
    #[arg(long = "env", value_name = "KEY")]
    pub env: Vec<String>,
    /// Also write what is known of this file
    #[arg(long = "file", value_name = "PATH")]
    pub files: Vec<PathBuf>,
    /// Look twice, so long apart, and also write rates and changes
    #[arg(long, value_name = "TIME", value_parser = matching::sample)]
    pub sample: Option<Duration>,
}

// Arguments of `fmt`.
#[derive(Debug, Args)]
pub(super) struct FmtArgs {
    /// Spec files and directories; `-` formats standard input to standard output
    #[arg(required_unless_present = "expression", value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Write nothing: show what would change, and exit with 1 if there is something
    #[arg(long)]
    pub check: bool,
    /// Format this expression instead of files
    #[arg(long, value_name = "EXPR", conflicts_with = "paths")]
    pub expression: Option<String>,
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
