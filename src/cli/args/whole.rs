//! From arguments to a verb. If the first of them is the name of one, no other is declared: clap copies each option that all verbs
//! have into every verb, which with that of the others was a seventh of a small look.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Command, CommandFactory as _, Error, FromArgMatches as _, Subcommand as _, ValueEnum as _};

use super::habits;
use super::{ApplyArgs, Cli, Color, Common, FormArgs, KeepSettings, MatchArgs, MatchOutput, Output, Verb};

impl Cli {
    /// The command line, with every verb.
    pub(in crate::cli) fn command() -> Command {
        with_verbs(Verb::augment_subcommands(Common::command()))
    }

    /// Reads the arguments, the program's name first.
    ///
    /// # Errors
    /// Wrong usage, or a question for help.
    pub(in crate::cli) fn read(args: &[OsString]) -> Result<Self, Error> {
        if let Some(plain) = plain(args).or_else(|| plain_apply(args)) {
            return Ok(plain);
        }
        let only = args.get(1).and_then(|first| command_of(first.to_str()?));
        // What there is to say is said by the whole.
        match only.map(|command| Self::read_as(command, args)) {
            Some(Ok(read)) => Ok(read),
            Some(Err(_)) | None => Self::read_as(Self::command(), args),
        }
    }

    fn read_as(mut command: Command, args: &[OsString]) -> Result<Self, Error> {
        let read = command.try_get_matches_from_mut(args).and_then(|mut matches| {
            let Common { state_dir, color } = Common::from_arg_matches_mut(&mut matches)?;
            Ok(Self { state_dir, color, verb: Verb::from_arg_matches_mut(&mut matches)? })
        });
        let read = read.map_err(|error| habits::with_tip(error, args).format(&mut command));
        let stays = matches!(&read, Ok(Self { verb: Verb::Watch(_), .. }));
        let_go(command, stays);
        read
    }
}

/// The look of scripts, `match EXPR [--output FORM]`, as clap reads it: that is a third of all that such a look computes
/// before it begins. Anything else is left to clap.
fn plain(args: &[OsString]) -> Option<Cli> {
    let [_, verb, expression, rest @ ..] = args else { return None };
    let expression = expression.to_str().filter(|text| verb == "match" && !text.starts_with('-'))?;
    let output = match rest {
        [] => None,
        [option, form] if option == "--output" || option == "-o" => {
            Some(MatchOutput::from_str(form.to_str()?, false).ok()?)
        }
        _ => return None,
    };
    let form = FormArgs { output, ..FormArgs::default() };
    // What clap gives it by default; a test compares all of them.
    let sample = Duration::from_secs(1);
    let args = MatchArgs { expression: expression.to_owned(), sample, form, ..MatchArgs::default() };
    Some(Cli { state_dir: None, color: Color::Auto, verb: Verb::Match(args) })
}

/// `apply PATH... [--state-dir DIR]`, as clap reads it, which takes longer than a running watch takes to read the document that it
/// is asked for. Anything else is left to clap.
fn plain_apply(args: &[OsString]) -> Option<Cli> {
    let [_, verb, rest @ ..] = args else { return None };
    if verb != "apply" {
        return None;
    }
    let (mut state_dir, mut paths) = (None, Vec::new());
    let mut rest = rest.iter();
    while let Some(arg) = rest.next() {
        let is_option = arg == "--state-dir" && state_dir.is_none();
        let value = PathBuf::from(if is_option { rest.next()? } else { arg });
        if value.as_os_str().is_empty() || value.as_os_str().as_bytes().starts_with(b"-") {
            return None;
        }
        if is_option {
            state_dir = Some(value);
        } else {
            paths.push(value);
        }
    }
    let args = ApplyArgs {
        paths,
        confirm_prune: Vec::new(),
        confirm_restarts: false,
        // As it is declared; a test compares all of them.
        lock_timeout: Duration::from_mins(1),
        timeout: None,
        output: Output::Text,
        settings: KeepSettings::default(),
    };
    (!args.paths.is_empty()).then_some(Cli { state_dir, color: Color::Auto, verb: Verb::Apply(args) })
}

/// To take it apart costs a tenth of a small look, and it is made once: only who stays for long gives back what it takes.
fn let_go(command: Command, stays: bool) {
    if stays {
        drop(command);
    } else {
        std::mem::forget(command);
    }
}

/// The command line with this verb alone.
fn command_of(verb: &str) -> Option<Command> {
    let all = Verb::augment_subcommands(Command::new("all"));
    let one = all.find_subcommand(verb).cloned();
    let_go(all, verb == "watch");
    one.map(|one| with_verbs(Common::command().subcommand(one)))
}

fn with_verbs(command: Command) -> Command {
    command.subcommand_required(true).arg_required_else_help(true)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Cli, Error> {
        let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        Cli::read(&args)
    }

    #[test]
    fn a_verb_is_read_the_same_wherever_it_stands() {
        for (first, last) in [
            ("selfsame match alive --count --color never", "selfsame --color never match alive --count"),
            ("selfsame status --state-dir /x", "selfsame --state-dir /x status"),
            (
                "selfsame plugin inspect a.wasm --color always",
                "selfsame --color always plugin inspect a.wasm",
            ),
        ] {
            assert_eq!(
                format!("{:?}", read(first).unwrap()),
                format!("{:?}", read(last).unwrap()),
                "{first}"
            );
        }
    }

    #[test]
    fn the_look_of_scripts_is_read_as_clap_reads_it() {
        for (line, is_plain) in [
            ("selfsame match alive", true),
            ("selfsame match pid==1 --output pids", true),
            ("selfsame match a -o json", true),
            ("selfsame match a --output=json", false),
            ("selfsame match a --count", false),
            ("selfsame match --count a", false),
            ("selfsame match a --output xml", false),
            ("selfsame match", false),
            ("selfsame explain alive", false),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let plain = plain(&args);
            assert_eq!(plain.is_some(), is_plain, "{line}");
            if let Some(plain) = plain {
                let whole = Cli::read_as(Cli::command(), &args).unwrap();
                assert_eq!(format!("{plain:?}"), format!("{whole:?}"), "{line}");
            }
        }
    }

    #[test]
    fn an_apply_is_read_as_clap_reads_it() {
        for (line, is_plain) in [
            ("selfsame apply specs", true),
            ("selfsame apply a b.yaml", true),
            ("selfsame apply specs --state-dir /x", true),
            ("selfsame apply --state-dir /x specs more", true),
            ("selfsame apply --state-dir=/x specs", false),
            ("selfsame apply --state-dir /x --state-dir /y specs", false),
            ("selfsame apply specs --state-dir", false),
            ("selfsame apply specs --state-dir -x", false),
            ("selfsame apply --state-dir /x", false),
            ("selfsame apply specs --timeout 1s", false),
            ("selfsame apply -", false),
            ("selfsame apply -- specs", false),
            ("selfsame apply ", false),
            ("selfsame apply", false),
            ("selfsame plan specs", false),
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let plain = plain_apply(&args);
            assert_eq!(plain.is_some(), is_plain, "{line}");
            if let Some(plain) = plain {
                let whole = Cli::read_as(Cli::command(), &args).unwrap();
                assert_eq!(format!("{plain:?}"), format!("{whole:?}"), "{line}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_as_by_the_whole_command_line() {
        for line in [
            "selfsame match",
            "selfsame match --cuont alive",
            "selfsame match --help",
            "selfsame stat",
            "selfsame",
        ] {
            let args: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let whole = Cli::read_as(Cli::command(), &args).unwrap_err();
            assert_eq!(read(line).unwrap_err().to_string(), whole.to_string(), "{line}");
        }
    }

    /// The text of the enumeration of verbs would take its place.
    #[test]
    fn the_whole_says_what_the_program_is_about() {
        for command in [Cli::command(), command_of("match").unwrap()] {
            assert!(command.get_about().unwrap().to_string().starts_with("Keeps exactly"));
        }
    }

    #[test]
    fn each_verb_can_stand_alone() {
        for verb in Cli::command().get_subcommands() {
            command_of(verb.get_name()).unwrap().debug_assert();
        }
        assert!(command_of("none").is_none());
    }
}
