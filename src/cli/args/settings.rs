//! Settings of the engine as flags: each one a field of a document of kind Engine, with dashes for its dots and capitals.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{duration, label};
use crate::spec::Account;
use crate::spec::engine::Settings;
use crate::units::parse_size;

const HEADING: &str = "Settings";

// Of every verb that looks at spec files.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = HEADING)]
pub(in super::super) struct LookSettings {
    /// Take the settings from this file [default: `/etc/selfsame/engine.yaml`, if it is there]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Also enter the directories in spec directories, but for hidden ones
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub recursive: Option<bool>,
    /// Spec files may also be this user's (can be given several times)
    #[arg(long, value_name = "USER", value_parser = account)]
    pub trust_owner: Vec<Account>,
    /// So many spec files at the most [default: 10000]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub limits_files: Option<u32>,
    /// All spec files together may have so much [default: 64MiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub limits_bytes: Option<u64>,
    /// A spec file may have so much [default: 1MiB]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub limits_file_bytes: Option<u64>,
    /// Name of this host, which `hosts` of documents choose by [default: the kernel's]
    #[arg(long, value_name = "NAME")]
    pub host_name: Option<String>,
    /// Labels of this host
    #[arg(long, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    pub host_labels: Vec<(String, String)>,
}

// Of the verbs that remove and start things.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = HEADING)]
pub(in super::super) struct KeepSettings {
    #[command(flatten)]
    pub look: LookSettings,
    /// At once no larger part of a place's objects is removed than this without a confirmation [default: 0.5]
    #[arg(long, value_name = "FRACTION", value_parser = fraction)]
    pub prune_max_fraction: Option<u32>,
    /// A place may become empty without a confirmation
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub prune_allow_empty: Option<bool>,
    /// So many services with a readiness check are being started at a time [default: 4 for each core]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_parallel_starts: Option<u32>,
}

// Of `watch`.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = HEADING)]
pub(in super::super) struct WatchSettings {
    #[command(flatten)]
    pub keep: KeepSettings,
    /// Look at everything so often even if nothing seems to have changed [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub resync: Option<Duration>,
    /// Wait for so long a quiet time after a change [default: 100ms]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub settle: Option<Duration>,
    /// Wait no longer than that for the quiet time [default: 2s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub settle_max: Option<Duration>,
    /// An object is gone when its document was missing for so long [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub prune_delay: Option<Duration>,
    /// On TERM, INT or QUIT stop everything, in reverse order of dependence, and then end [default: only as PID 1]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    pub stop_on_exit: Option<bool>,
    /// Serve metrics at this address and port: `127.0.0.1:9464`
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,
}

impl LookSettings {
    /// Puts what was given over the settings.
    pub(in super::super) fn put_over(&self, settings: &mut Settings) {
        put(self.recursive, &mut settings.recursive);
        if !self.trust_owner.is_empty() {
            settings.trust_owners.clone_from(&self.trust_owner);
        }
        put(self.limits_files.and_then(|files| usize::try_from(files).ok()), &mut settings.limits.files);
        put(self.limits_bytes, &mut settings.limits.bytes);
        put(self.limits_file_bytes, &mut settings.limits.file_bytes);
        put(self.host_name.clone().map(Some), &mut settings.host.name);
        if !self.host_labels.is_empty() {
            settings.host.labels = self.host_labels.iter().cloned().collect();
        }
    }
}

impl KeepSettings {
    /// Puts what was given over the settings.
    pub(in super::super) fn put_over(&self, settings: &mut Settings) {
        self.look.put_over(settings);
        put(self.prune_max_fraction, &mut settings.prune.max_fraction);
        put(self.prune_allow_empty, &mut settings.prune.allow_empty);
        put(self.max_parallel_starts.map(Some), &mut settings.max_parallel_starts);
    }
}

impl WatchSettings {
    /// Puts what was given over the settings.
    pub(in super::super) fn put_over(&self, settings: &mut Settings) {
        self.keep.put_over(settings);
        put(self.resync, &mut settings.resync);
        put(self.settle, &mut settings.settle);
        put(self.settle_max, &mut settings.settle_max);
        put(self.prune_delay, &mut settings.prune.delay);
        put(self.stop_on_exit.map(Some), &mut settings.stop_on_exit);
        put(self.metrics.map(Some), &mut settings.metrics);
    }
}

fn put<T>(given: Option<T>, target: &mut T) {
    if let Some(given) = given {
        *target = given;
    }
}

fn account(text: &str) -> Result<Account, String> {
    if text.is_empty() {
        return Err("write the name or number of a user".into());
    }
    Ok(text.parse().map_or_else(|_| Account::Name(text.to_owned()), Account::Id))
}

pub(in super::super) fn size(text: &str) -> Result<u64, String> {
    match parse_size(text)? {
        0 => Err("write a size above 0, for example `64MiB`".into()),
        size => Ok(size),
    }
}

fn fraction(text: &str) -> Result<u32, String> {
    crate::spec::fraction(text)
        .ok_or_else(|| "write a fraction from 0 to 1, for example `0.5` or `50%`".into())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect")]
mod tests;
