//! `/proc/PID/cmdline`: words, titles that were written over them, operands of interpreters, options.

use selfsame::facts::Arguments;
use selfsame::host::proc::parse::parse_arguments;
use selfsame::lang::Verdict;
use selfsame::process::arguments::{flag, is_title, option, rewritten};
use selfsame::process::expression::compile_expression;
use selfsame::process::script::{Operand, operand};
use selfsame::process::world::World;

use super::staged::{EXECFN, PID, Staged, host, verdicts};

const FAMILIES: [&str; 16] = [
    "python", "perl", "ruby", "node", "sh", "bash", "php", "java", "lua", "tclsh", "expect", "Rscript", "R",
    "awk", "busybox", "other",
];

pub fn check(data: &[u8]) {
    let whole = parse_arguments(data, false);
    let cut = parse_arguments(data, true);
    words_are_the_bytes(data, &whole);
    assert_eq!(whole.words, cut.words);
    assert!(!cut.padded && cut.truncated && !whole.truncated);
    for family in FAMILIES {
        operand_is_a_word(family, &whole);
    }
    titles(data, &whole);
    identity(&whole);
    shown(&whole);
}

fn words_are_the_bytes(data: &[u8], arguments: &Arguments) {
    assert!(arguments.words.iter().all(|word| !word.contains(&0)));
    assert_eq!(arguments.words.join(&0_u8), data.strip_suffix(b"\0").unwrap_or(data));
}

fn operand_is_a_word(family: &str, arguments: &Arguments) {
    if let Operand::Script { index, name } = operand(family.as_bytes(), &arguments.words) {
        assert!(index > 0, "argv[0] is no operand");
        assert!(arguments.words[index].ends_with(&name), "{family}");
        let shell = matches!(family, "sh" | "bash" | "busybox");
        assert!(!name.is_empty() && (shell || name != b"-"), "{family}: standard input is no file");
    }
}

/// What execve left is never taken for a title, and one word of another length always is.
fn titles(data: &[u8], arguments: &Arguments) {
    let length = u64::try_from(data.len()).unwrap();
    for range in [(0, 0), (4096, 4096 + length), (4096, 4097 + length)] {
        let world =
            Staged { arguments: Some(arguments.clone()), arg_range: Some(range), ..Staged::new(host()) };
        let title = is_title(&world, PID, arguments);
        assert_eq!(rewritten(&world, PID).known(), Some(title));
        match range.1 - range.0 {
            // Several words with empty ones behind them are arguments, the last of which are empty.
            _ if arguments.padded => {
                let said = arguments.words.iter().filter(|word| !word.is_empty()).count();
                assert!(
                    title || said > 1,
                    "one word, without a terminator or with more than one, is a title"
                );
            }
            0 => assert!(!title || arguments.words.len() == 1, "several words are no title"),
            // Several words of another length were read before or after another execve than the range.
            known => {
                assert_eq!(
                    title,
                    known != length && arguments.words.len() < 2,
                    "the length of one word decides"
                );
            }
        }
        let (value, is_set) = (option(&world, PID, b"--port"), flag(&world, PID, b"-v"));
        assert_eq!(
            value.clone().known().is_none() && is_set.clone().known().is_none(),
            is_set.known().is_none()
        );
        if title {
            assert!(matches!(value, selfsame::facts::Fact::Unknown(_)), "an option of a title");
        }
        if let Some(value) = value.known() {
            assert!(arguments.words.iter().any(|word| word.ends_with(&value)));
        }
    }
}

/// The kernel's word for the script stands above whatever argv says; without it, a title decides nothing.
fn identity(arguments: &Arguments) {
    let runs = compile_expression("runs(\"/srv/app/a.py\")").predicate.unwrap();
    let world = Staged { arguments: Some(arguments.clone()), ..Staged::new(host()) };
    let verdict = |world: &Staged<'_>| verdicts(&runs, world, &[PID]).remove(0);
    assert_eq!(verdict(&world), Verdict::Match, "execfn is the script");
    let without = Staged { hidden: EXECFN, ..world };
    let decided = verdict(&without);
    if is_title(&without, PID, arguments) {
        assert!(matches!(decided, Verdict::Unknown(_)), "a title decides: {decided:?}");
    }
}

/// The command line as it is shown can be pasted into a shell.
fn shown(arguments: &Arguments) {
    use selfsame::lang::schema::Vocabulary as _;
    use selfsame::lang::value::Value;
    use selfsame::process::{ProcessVocabulary, candidate, declarations};

    let place = declarations().fields.iter().position(|field| field.name == "cmdline").unwrap();
    let world = Staged { arguments: Some(arguments.clone()), ..Staged::new(host()) };
    assert!(world.arguments(PID).known().is_some());
    let value = ProcessVocabulary::new(&world).field(&candidate(PID), place).known();
    let Some(Value::String(line)) = value else { return };
    let words: Vec<Vec<u8>> = arguments.words.iter().map(|word| word.to_vec()).collect();
    if !is_title(&world, PID, arguments) {
        assert_eq!(unquoted(&line), words);
    }
}

/// As `sh` splits a line that has nothing but blanks, single quotes and backslashes.
fn unquoted(line: &[u8]) -> Vec<Vec<u8>> {
    let (mut words, mut word, mut quoted) = (Vec::new(), None::<Vec<u8>>, false);
    let mut bytes = line.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            b' ' if !quoted => words.extend(word.take()),
            b'\\' if !quoted => word.get_or_insert_default().extend(bytes.next()),
            other => word.get_or_insert_default().push(*other),
        }
    }
    words.extend(word);
    words
}
