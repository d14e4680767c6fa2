//! What a person asks for about objects: start, stop, leave alone, take over.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;

use super::{Output, duration};
use crate::plan::wanted::parse_selector;
use crate::units::{Signal, WallTime};

// The objects that a verb is about.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub(in crate::cli) struct Objects {
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
pub(in crate::cli) struct Labels(pub BTreeMap<String, String>);

pub(super) fn labels(text: &str) -> Result<Labels, String> {
    parse_selector(text).map(Labels)
}

// Arguments of `start` and `stop`.
#[derive(Debug, Args)]
pub(in crate::cli) struct OverrideArgs {
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
pub(in crate::cli) struct WishArgs {
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
pub(in crate::cli) struct UpgradeArgs {
    /// How long to wait until it is done
    #[arg(long, default_value = "30s", value_name = "TIME", value_parser = duration)]
    pub timeout: Duration,
}

// Arguments of `signal`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SignalArgs {
    /// Its name or number: `HUP`, `USR1`
    #[arg(value_name = "SIGNAL", value_parser = signal)]
    pub signal: Signal,
    #[command(flatten)]
    pub wish: WishArgs,
}

// Arguments of `suspend`.
#[derive(Debug, Args)]
pub(in crate::cli) struct SuspendArgs {
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
pub(in crate::cli) struct AdoptArgs {
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
