//! Arguments of `events`, `history` and `rollback`.

use clap::Args;

use super::Output;
use super::logs::{Since, since};

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
