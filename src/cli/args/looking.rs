//! Arguments of the verbs that only look: at processes, at objects, at the host.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::wishes::labels;
use super::{ActArgs, FormArgs, Labels, LiveArgs, Output, PickArgs, binding, duration, matching};

// Arguments of `status`.
#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArgs {
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
pub(in crate::cli) enum WaitFor {
    /// All are as wanted and ready
    Ready,
}

// Arguments of `match`.
#[derive(Debug, Default, Args)]
#[command(after_help = matching::AFTER_HELP)]
pub(in crate::cli) struct MatchArgs {
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
pub(in crate::cli) struct ExplainArgs {
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

// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(in crate::cli) struct DoctorArgs {
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}

// Arguments of `snapshot`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SnapshotArgs {
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
