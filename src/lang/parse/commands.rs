//! Whole texts that are something else: options of pgrep typed as an expression.

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::codes;
use crate::lang::print::quote;

/// Programs whose command line people paste.
const PROGRAMS: [&str; 5] = ["pgrep", "pkill", "pidof", "killall", "ps"];

/// What an option of pgrep(1) asks for.
enum Meaning {
    /// A condition on its value; `{}` stands for the value as a text, `#` for it as it is.
    Value(&'static str),
    /// How the pattern is meant.
    Whole,
    Full,
    /// How processes are shown, or chosen among those found.
    Nothing,
}

fn meaning(option: &str) -> Option<Meaning> {
    use Meaning::{Full, Nothing, Value, Whole};
    Some(match option {
        "-u" | "--euid" => Value("user == {}"),
        "-U" | "--uid" => Value("ruser == {}"),
        "-G" | "--group" => Value("rgroup == {}"),
        "-P" | "--parent" => Value("ppid == #"),
        "-p" | "--pid" => Value("pid == #"),
        "-g" | "--pgroup" => Value("pgid == #"),
        "-s" | "--session" => Value("sid == #"),
        "-t" | "--terminal" => Value("tty == {}"),
        "-r" | "--runstates" => Value("state == #"),
        "-x" | "--exact" => Whole,
        "-f" | "--full" => Full,
        "-l" | "-a" | "-c" | "-n" | "-o" | "-i" | "-d" | "--newest" | "--oldest" | "--count"
        | "--list-name" | "--list-full" => Nothing,
        _ => return None,
    })
}

/// Says that a text is a command line, with the expression that asks the same.
pub(super) fn command_line(text: &str) -> Option<Diagnostic> {
    let mut words = text.split_whitespace().peekable();
    let program = words.next_if(|word| PROGRAMS.contains(word));
    let first = words.peek()?;
    let is_option =
        first.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c == '-' || c.is_alphabetic()));
    if program.is_none() && !is_option {
        return None;
    }
    // `ps == 1` begins with the name of a program and is none.
    if program.is_some() && !is_option && !is_word(first) {
        return None;
    }
    let help = match translated(&mut words) {
        Some(expression) => format!("write `{expression}`"),
        None => "write conditions on fields, for example `name == \"nginx\" && user == \"root\"`".to_owned(),
    };
    let start = text.len() - text.trim_start().len();
    Some(
        Diagnostic::error(codes::COMMAND_LINE, "this is a command line, not an expression")
            .at(Span::new(start, text.trim_end().len()), "options of another program")
            .help(help),
    )
}

fn is_word(text: &str) -> bool {
    text.starts_with(char::is_alphabetic) && text.chars().all(|c| c.is_alphanumeric() || "_-.@".contains(c))
}

fn translated<'t>(words: &mut impl Iterator<Item = &'t str>) -> Option<String> {
    let (mut conditions, mut whole, mut full, mut pattern) = (Vec::new(), false, false, None);
    while let Some(word) = words.next() {
        if !word.starts_with('-') {
            pattern = Some(word.trim_matches(['"', '\'']));
            continue;
        }
        let (option, given) = match word.split_once('=') {
            Some((option, value)) => (option, Some(value)),
            None => (word, None),
        };
        match meaning(option)? {
            Meaning::Value(form) => {
                let value = given.or_else(|| words.next())?;
                conditions.push(form.replace("{}", &quote(value.as_bytes())).replace('#', value));
            }
            Meaning::Whole => whole = true,
            Meaning::Full => full = true,
            Meaning::Nothing => {}
        }
    }
    if let Some(pattern) = pattern {
        let text = quote(pattern.as_bytes());
        conditions.insert(
            0,
            match (full, whole) {
                (true, _) => format!("any(argv, a => a contains {text})"),
                (false, true) => format!("name == {text}"),
                (false, false) => format!("name contains {text}"),
            },
        );
    }
    (!conditions.is_empty()).then(|| conditions.join(" && "))
}
