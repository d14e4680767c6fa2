//! The command line of start-stop-daemon, as `getopt_long` reads it: abbreviations, bundles, operands anywhere.

use crate::import::shell::Value;

/// Name, letter, whether it has a value.
const OPTIONS: [(&str, char, bool); 32] = [
    ("help", 'H', false),
    ("stop", 'K', false),
    ("start", 'S', false),
    ("status", 'T', false),
    ("version", 'V', false),
    ("startas", 'a', true),
    ("name", 'n', true),
    ("oknodo", 'o', false),
    ("pid", '\0', true),
    ("ppid", '\0', true),
    ("pidfile", 'p', true),
    ("quiet", 'q', false),
    ("signal", 's', true),
    ("test", 't', false),
    ("user", 'u', true),
    ("group", 'g', true),
    ("chroot", 'r', true),
    ("verbose", 'v', false),
    ("exec", 'x', true),
    ("chuid", 'c', true),
    ("nicelevel", 'N', true),
    ("procsched", 'P', true),
    ("iosched", 'I', true),
    ("umask", 'k', true),
    ("background", 'b', false),
    ("notify-await", '\0', false),
    ("notify-timeout", '\0', true),
    ("no-close", 'C', false),
    ("output", 'O', true),
    ("make-pidfile", 'm', false),
    ("remove-pidfile", '\0', false),
    ("retry", 'R', true),
];
/// `--chdir` beside them: the table has its short form.
const CHDIR: (&str, char, bool) = ("chdir", 'd', true);

/// What is to be done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Action {
    Start,
    Stop,
    Status,
    /// Help or version.
    Nothing,
}

/// A command line in parts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parsed {
    pub(crate) action: Option<Action>,
    /// In order, by long name; flags have no value.
    pub(crate) options: Vec<(&'static str, Option<Value>)>,
    /// What the program is given.
    pub(crate) operands: Vec<Value>,
    /// Words that can't be understood.
    pub(crate) wrong: Vec<String>,
    /// Words in the place of options whose value isn't known.
    pub(crate) unclear: Vec<Value>,
}

impl Parsed {
    /// The value of an option; the last one counts.
    pub(crate) fn value(&self, name: &str) -> Option<&Value> {
        self.options.iter().rev().find(|(known, _)| *known == name).and_then(|(_, value)| value.as_ref())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(known, _)| *known == name)
    }
}

/// Reads the words behind the program's name.
pub(crate) fn parse(words: &[Value]) -> Parsed {
    let mut parsed = Parsed::default();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let Some(text) = word.known() else {
            match word.pieces().first() {
                // `--pidfile=$(...)`: the name of the option is known.
                Some(crate::import::shell::Piece::Text(head))
                    if head.starts_with("--") && head.contains('=') =>
                {
                    long(word, head, &mut rest, &mut parsed);
                }
                _ => parsed.unclear.push(word.clone()),
            }
            continue;
        };
        match text {
            "--" => {
                parsed.operands.extend(rest.by_ref().cloned());
            }
            text if text.starts_with("--") => long(word, text, &mut rest, &mut parsed),
            text if text.len() > 1 && text.starts_with('-') => short(text, &mut rest, &mut parsed),
            _ => parsed.operands.push(word.clone()),
        }
    }
    parsed
}

fn all() -> impl Iterator<Item = (&'static str, char, bool)> {
    OPTIONS.into_iter().chain([CHDIR])
}

fn long<'v>(word: &Value, text: &str, rest: &mut impl Iterator<Item = &'v Value>, parsed: &mut Parsed) {
    let name = text.trim_start_matches("--").split('=').next().unwrap_or_default();
    let exact = all().find(|(known, ..)| *known == name);
    let mut near = all().filter(|(known, ..)| known.starts_with(name));
    let found = exact.or_else(|| match (near.next(), near.next()) {
        (Some(only), None) => Some(only),
        _ => None,
    });
    let Some((name, _, valued)) = found else {
        parsed.wrong.push(text.to_owned());
        return;
    };
    let given = text.contains('=').then(|| word.behind_equals());
    take(name, valued, given, rest, parsed);
}

fn short<'v>(text: &str, rest: &mut impl Iterator<Item = &'v Value>, parsed: &mut Parsed) {
    let letters = text.get(1..).unwrap_or_default();
    for (at, letter) in letters.char_indices() {
        let Some((name, _, valued)) = all().find(|(_, known, _)| *known == letter && letter != '\0') else {
            parsed.wrong.push(format!("-{letter}"));
            continue;
        };
        let tail = letters.get(at + letter.len_utf8()..).unwrap_or_default();
        if valued {
            let given = (!tail.is_empty()).then(|| Value::text(tail));
            take(name, true, given, rest, parsed);
            return;
        }
        take(name, false, None, rest, parsed);
    }
}

fn take<'v>(
    name: &'static str,
    valued: bool,
    given: Option<Value>,
    rest: &mut impl Iterator<Item = &'v Value>,
    parsed: &mut Parsed,
) {
    let value = match (valued, given) {
        (false, _) => None,
        (true, Some(value)) => Some(value),
        (true, None) => match rest.next() {
            Some(value) => Some(value.clone()),
            None => {
                parsed.wrong.push(format!("--{name} without a value"));
                return;
            }
        },
    };
    let action = match name {
        "start" => Some(Action::Start),
        "stop" => Some(Action::Stop),
        "status" => Some(Action::Status),
        "help" | "version" => Some(Action::Nothing),
        _ => None,
    };
    if let Some(action) = action {
        if parsed.action.is_some_and(|other| other != action) {
            parsed.wrong.push(format!("--{name} beside another command"));
        }
        parsed.action = parsed.action.or(Some(action));
    }
    parsed.options.push((name, value));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn parsed(line: &str) -> Parsed {
        parse(&line.split(' ').map(Value::text).collect::<Vec<_>>())
    }

    fn value(line: &str, name: &str) -> Option<String> {
        parsed(line).value(name).map(Value::shown)
    }

    #[test]
    fn options_are_read_as_getopt_long_does() {
        for (line, name, expected) in [
            ("--start --exec /a", "exec", Some("/a")),
            ("-S -x /a", "exec", Some("/a")),
            ("-Sx/a", "exec", Some("/a")),
            ("-Sqbx /a", "exec", Some("/a")),
            ("--start --exe=/a", "exec", Some("/a")),
            ("--start --pidf /p", "pidfile", Some("/p")),
            ("--start --exec /a --exec /b", "exec", Some("/b")),
            ("--start /arg --exec /a -- --exec /c", "exec", Some("/a")),
            ("--start --chd /x", "chdir", Some("/x")),
            ("--start", "exec", None),
        ] {
            assert_eq!(value(line, name).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn what_the_program_is_given_stands_behind_two_hyphens_or_among_the_options() {
        let operands = |line: &str| parsed(line).operands.iter().map(Value::shown).collect::<Vec<_>>();
        assert_eq!(operands("--start --exec /a -- -x --start"), ["-x", "--start"]);
        assert_eq!(operands("--start one --exec /a two"), ["one", "two"]);
    }

    #[test]
    fn wrong_words_are_said() {
        for (line, wrong) in [
            ("--start --p /x", "--p"),
            ("--start --nonsense", "--nonsense"),
            ("-S -Z", "-Z"),
            ("--start --exec", "--exec without a value"),
            ("--start --stop", "--stop beside another command"),
        ] {
            assert_eq!(parsed(line).wrong, [wrong], "{line}");
        }
    }
}
