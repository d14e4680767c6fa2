//! Arguments of `events`, `history`, `rollback` and `metrics`.

use std::time::Duration;

use clap::Args;

use super::logs::{Since, since};
use super::{Output, duration};

// Arguments of `events`.
#[derive(Debug, Args)]
pub(in crate::cli) struct EventsArgs {
    /// Only what happened to these objects
    #[arg(value_name = "NAME")]
    pub names: Vec<String>,
    /// Go on with what happens, until Ctrl-C
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last ones, so many
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub last: Option<usize>,
    /// Only what happened since: `10m` ago, or a time such as `2030-01-31T08:00` (of this place) or `...T08:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<Since>,
    /// Only objects with these labels: `key=value,key2=value2`
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    pub selector: Option<String>,
    /// Form of the output; `json` is one line an event
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}

// Arguments of `metrics`.
#[derive(Debug, Args)]
pub(in crate::cli) struct MetricsArgs {
    /// Give up after so long
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub timeout: Duration,
}

// Arguments of `rollback`.
#[derive(Debug, Args)]
pub(in crate::cli) struct RollbackArgs {
    /// The set, as `history` numbers them
    #[arg(value_name = "NUMBER")]
    pub number: u64,
    /// Removals and restarts of more than half of the objects are meant
    #[arg(long)]
    pub confirm: bool,
    /// Give up after so long
    #[arg(long, value_name = "TIME", default_value = "2m", value_parser = duration)]
    pub timeout: Duration,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}

// Arguments of `history`.
#[derive(Debug, Args)]
pub(in crate::cli) struct HistoryArgs {
    /// Only this set, with every field that changed
    #[arg(value_name = "NUMBER")]
    pub number: Option<u64>,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}
