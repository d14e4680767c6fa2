//! Arguments of `test --record` and `test --replay`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::duration;
use super::settings::size;

/// The least time from look to look.
pub(in super::super) const INTERVAL_MIN: Duration = Duration::from_millis(100);
const HEADING: &str = "Try policies on what happened";

// Of `test`: writing a host down, and policies on what was written.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = HEADING)]
pub(in super::super) struct RecordArgs {
    /// Write down what the processes of this host are and do, for so long (Ctrl-C ends it sooner)
    #[arg(long, value_name = "TIME", value_parser = duration, requires = "out", conflicts_with = "replay")]
    pub record: Option<Duration>,
    /// Into this new file, which only its owner can read
    #[arg(long, value_name = "FILE", requires = "record")]
    pub out: Option<PathBuf>,
    /// Time from look to look, otherwise the shortest `every` of the given policies, or 5s; what the kernel tells (root, not in a container) is written down at once
    #[arg(long, value_name = "TIME", value_parser = interval, requires = "record")]
    pub interval: Option<Duration>,
    /// End when the record has become so large
    #[arg(long, value_name = "SIZE", value_parser = record_size, default_value = "32MiB", requires = "record")]
    pub max_size: u64,
    /// Write the value of this environment variable; others, and what looks like a secret, are `<redacted>`
    #[arg(long = "env", value_name = "KEY", requires = "record")]
    pub env: Vec<String>,
    /// Say what the policies would have done while this record was made: when, to which process, and what would have been withheld
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
}

fn interval(text: &str) -> Result<Duration, String> {
    let interval = duration(text)?;
    if interval < INTERVAL_MIN {
        return Err("write at least `100ms`".into());
    }
    Ok(interval)
}

/// What is larger could not be read again.
fn record_size(text: &str) -> Result<u64, String> {
    match size(text)? {
        size if size > 60 << 20 => Err("a record has at most `60MiB`; take a longer `--interval`".into()),
        size => Ok(size),
    }
}
