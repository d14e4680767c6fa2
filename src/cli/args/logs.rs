//! Arguments of `logs`.

use std::time::Duration;

use clap::Args;

use crate::units::{WallTime, parse_duration};

// Arguments of `logs`.
#[derive(Debug, Args)]
pub(in crate::cli) struct LogsArgs {
    /// An object on record
    #[arg(value_name = "NAME")]
    pub name: String,
    /// Go on with what is written, across cuts and restarts
    #[arg(short, long)]
    pub follow: bool,
    /// Only the last lines, so many
    #[arg(short = 'n', long, value_name = "COUNT")]
    pub lines: Option<usize>,
    /// Only what was written since: `10m` ago, or a time such as `2030-01-31T08:00` (of this place) or `...T08:00:00Z`
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<Since>,
    /// Standard error instead of standard output
    #[arg(long)]
    pub stderr: bool,
    /// Which replica
    #[arg(long, default_value_t = 0, value_name = "INDEX")]
    pub replica: u32,
}

/// A moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::cli) enum Since {
    /// So long ago.
    Ago(Duration),
    /// Then.
    At(WallTime),
}

impl Since {
    /// The moment, as seen from `now`.
    pub(in crate::cli) fn moment(self, now: WallTime) -> WallTime {
        match self {
            Self::Ago(time) => WallTime(now.0.saturating_sub(time)),
            Self::At(time) => time,
        }
    }
}

pub(super) fn since(text: &str) -> Result<Since, String> {
    if let Ok(ago) = parse_duration(text) {
        return Ok(Since::Ago(ago));
    }
    let at = text.parse::<jiff::Timestamp>().or_else(|_| {
        let civil = text.parse::<jiff::civil::DateTime>()?;
        Ok::<_, jiff::Error>(civil.to_zoned(jiff::tz::TimeZone::system())?.timestamp())
    });
    let millis = at.ok().and_then(|at| u64::try_from(at.as_millisecond()).ok());
    millis.map(|millis| Since::At(WallTime(Duration::from_millis(millis)))).ok_or_else(|| {
        "write how long ago, for example `10m`, or a time, for example `2030-01-31T08:00`".to_owned()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_durations_and_times() {
        let at = |seconds| Ok(Since::At(WallTime(Duration::from_secs(seconds))));
        assert_eq!(since("10m"), Ok(Since::Ago(Duration::from_mins(10))));
        assert_eq!(since("1970-01-02T00:00:00Z"), at(86_400));
        assert_eq!(since("1970-01-02T01:00:00+01:00"), at(86_400));
        assert!(matches!(since("2030-01-31T08:00"), Ok(Since::At(_))));
        assert!(matches!(since("2030-01-31"), Ok(Since::At(_))));
        for wrong in ["", "yesterday", "10", "1969-01-01T00:00:00Z"] {
            assert!(since(wrong).is_err(), "{wrong}");
        }
    }
}
