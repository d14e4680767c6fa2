//! Arguments of `import`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Output, binding};

const AFTER_HELP: &str = "\
What can't be evaluated without executing something is reported with its place and never guessed; such a document
says `state: observed`, or `adopt: require`, until it is completed. The kinds, and what becomes of each of their
options, stand in docs/import.md.

Examples:
  selfsame import /etc/init.d/cron                         an init script, with its /etc/default file
  selfsame import start-stop-daemon --start --exec /usr/sbin/cron --pidfile /run/crond.pid
  selfsame import nginx.service --out specs                a unit with its drop-ins, into specs/nginx.yaml
  selfsame import --root /mnt /etc/init.d/*                scripts of another root
  selfsame import /etc/supervisor/supervisord.conf         every program, included files too
  selfsame import /etc/sv/web ./Procfile /etc/monit/monitrc
  selfsame import --pid 812 --env APP_ENV                  a process that runs

Exit codes:
  0   documents were written
  1   a source, or a part of one, gave no document
  3   `--strict`: something was not carried, or not evaluated
  64  wrong usage";

// Not a doc comment: it would take the place of the text of the verb.
#[derive(Debug, Args)]
#[command(after_help = AFTER_HELP, subcommand_precedence_over_arg = true)]
pub(in crate::cli) struct ImportArgs {
    #[command(subcommand)]
    pub command: Option<ImportCommand>,
    /// Files, units by name, service directories; the kind is told by what they say
    #[arg(value_name = "SOURCE")]
    pub sources: Vec<String>,
    /// The kind of the sources, where it can't be told
    #[arg(long, value_name = "KIND")]
    pub from: Option<ImportKind>,
    /// Import this process (can be given several times)
    #[arg(long, value_name = "PID")]
    pub pid: Vec<i32>,
    /// Take processes from this snapshot instead of this host
    #[arg(long, value_name = "FILE", requires = "pid")]
    pub snapshot: Option<PathBuf>,
    /// Write the value of this variable of a process; of others only names are said
    #[arg(long, value_name = "NAME", requires = "pid")]
    pub env: Vec<String>,
    /// Look up all files below this directory
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Give a variable of the source its value; `PATH` is where programs are looked up
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = binding)]
    pub set: Vec<(String, String)>,
    /// Call the object so, if there is one alone
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Write each document to `DIR/NAME.yaml`; a file that exists is never overwritten
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Exit with 3 if something was not carried, or not evaluated
    #[arg(long)]
    pub strict: bool,
    /// Also report what has no meaning for selfsame
    #[arg(short, long)]
    pub verbose: bool,
    /// Form of the output
    #[arg(short, long, default_value = "text", value_name = "FORM")]
    pub output: Output,
}

// What is imported from words instead of a file.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ImportCommand {
    /// A command line of start-stop-daemon, as words or as one text with shell quoting
    StartStopDaemon(CommandLine),
}

// As above.
#[derive(Debug, Args)]
#[command(disable_help_flag = true, disable_version_flag = true)]
pub(in crate::cli) struct CommandLine {
    /// For example `--start --exec /usr/sbin/cron`
    #[arg(value_name = "ARG", trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    pub words: Vec<String>,
}

/// Kinds of sources by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(in crate::cli) enum ImportKind {
    /// A file with command lines of start-stop-daemon
    StartStopDaemon,
    /// An init script
    Init,
    /// A unit
    Systemd,
    /// A configuration of supervisord
    Supervisord,
    /// A service directory of runit
    Runit,
    /// A service directory of s6
    S6,
    /// A control file of monit
    Monit,
    /// A Procfile
    Procfile,
}
