//! Options that people bring along from other programs, and what is written here.

use std::ffi::OsString;

use clap::Error;
use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Options of `pgrep` and `pkill`, with what `match` has for them.
const OF_PGREP: &[(&[&str], &str)] = &[
    (
        &["-f", "--full"],
        "words of the command line are tested one by one, `any(argv, a => a contains \"shop\")`; a script by `runs(\"/srv/shop.py\")`",
    ),
    (&["-x", "--exact"], "`name == \"nginx\"` is exact"),
    (&["-i", "--ignore-case"], "write `lower(name) == \"nginx\"`"),
    (&["-u", "--euid"], "write `user == \"ann\"` into the expression"),
    (&["-U", "--uid"], "write `ruser == \"ann\"` into the expression"),
    (&["-g", "--pgroup"], "write `pgid == 812` into the expression"),
    (&["-G", "--group"], "write `rgroup == \"adm\"` into the expression"),
    (&["-P", "--parent"], "write `ppid == 812` into the expression"),
    (&["-s", "--session"], "write `sid == 812` into the expression"),
    (&["-t", "--terminal"], "write `tty == \"pts/0\"` into the expression"),
    (&["-F", "--pidfile"], "write `pidfile(\"/run/shop.pid\")` into the expression"),
    (&["-n"], "write `--newest`"),
    (&["-l", "--list-name"], "write `--fields pid,comm`"),
    (&["-a", "--list-full"], "write `--output table`"),
    (&["-e", "--echo"], "the process ids are always listed"),
];
/// What many programs call the form of their output.
const FORMS: [&str; 4] = ["--json", "--format", "--yaml", "--tsv"];

/// The error with a tip on what is written here, in place of clap's, where the option is one of another program.
pub(super) fn with_tip(mut error: Error, args: &[OsString]) -> Error {
    let Some(tip) = tip(&error, args) else { return error };
    for kind in [ContextKind::SuggestedArg, ContextKind::SuggestedValue] {
        error.remove(kind);
    }
    error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    error
}

fn tip(error: &Error, args: &[OsString]) -> Option<String> {
    let ContextValue::String(option) = error.get(ContextKind::InvalidArg)? else { return None };
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let option = option.split('=').next().unwrap_or(option);
    if FORMS.contains(&option) {
        return Some("write `--output json`".to_owned());
    }
    if !args.iter().any(|arg| arg == "match") {
        return None;
    }
    if let Some((_, tip)) = OF_PGREP.iter().find(|(names, _)| names.contains(&option)) {
        return Some((*tip).to_owned());
    }
    // `-9`, and the first letter of `-TERM`.
    let asked = args.iter().filter_map(|arg| arg.to_str()).find(|arg| arg.starts_with(option))?;
    let signal = asked.strip_prefix('-').filter(|signal| crate::units::Signal::parse(signal).is_ok())?;
    Some(format!("write `--signal {signal}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::args::Cli;

    #[test]
    fn options_of_other_programs_are_told_what_they_are_here() {
        for (line, tip) in [
            ("match -f shop", "`any(argv, a => a contains \"shop\")`"),
            ("match alive --list-full", "`--output table`"),
            ("match alive -9", "`--signal 9`"),
            ("match alive -TERM", "`--signal TERM`"),
            ("match alive --json", "`--output json`"),
            ("status --format=json", "`--output json`"),
        ] {
            let args: Vec<OsString> =
                ["selfsame"].into_iter().chain(line.split(' ')).map(OsString::from).collect();
            let said = Cli::read(&args).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(said.contains(tip) && !said.contains("-- -"), "{line}: {said}");
        }
    }
}
