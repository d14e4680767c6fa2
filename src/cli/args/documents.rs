//! Arguments of the verbs that documents are given to.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{AsHostArgs, GitArgs, KeepSettings, LookSettings, Output, RecordArgs, WatchSettings, duration};

// Arguments of `check`.
#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
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
pub(in crate::cli) struct TestArgs {
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
pub(in crate::cli) enum CheckOutput {
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
pub(in crate::cli) struct PlanArgs {
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
pub(in crate::cli) struct ApplyArgs {
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
pub(in crate::cli) struct WatchArgs {
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

// Arguments of `fmt`.
#[derive(Debug, Args)]
pub(in crate::cli) struct FmtArgs {
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
