//! The beginning of a script: the `#!` line as the kernel reads it, the chain behind it, and `env -S`.

use selfsame::facts::{HEAD_BYTES, Shebang, ShebangError, parse_shebang};
use selfsame::host::proc::parse::parse_binfmt_entry;
use selfsame::lang::Verdict;
use selfsame::process::chain::{Chain, Program, Surroundings, resolve, split_string};
use selfsame::process::expression::compile_expression;
use selfsame::process::paths;

use super::staged::{PID, SCRIPT, Staged, host, verdicts};

pub fn check(data: &[u8]) {
    line(data);
    chain(data);
    split(data);
}

/// The same as a transcription of the kernel's own code.
fn line(data: &[u8]) {
    let read = parse_shebang(data);
    match (&read, kernel(data)) {
        (Ok(ours), Some((interpreter, argument))) => {
            assert_eq!((&ours.interpreter, &ours.argument), (&interpreter, &argument));
            well_formed(ours);
        }
        (Err(_), None) => {}
        (ours, kernel) => panic!("we say {ours:?}, the kernel {kernel:?}"),
    }
    assert_eq!(read == Err(ShebangError::None), !data.starts_with(b"#!"));
}

fn well_formed(line: &Shebang) {
    assert!(!line.interpreter.is_empty());
    assert!(line.interpreter.iter().all(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | 0)));
    if let Some(argument) = &line.argument {
        assert!(argument.iter().all(|byte| !matches!(byte, b'\n' | 0)));
        assert!(!matches!(argument.first(), Some(b' ' | b'\t')));
    }
}

/// `load_script` of `fs/binfmt_script.c` (6.x), by places in the padded buffer as there.
fn kernel(data: &[u8]) -> Option<(Vec<u8>, Option<Vec<u8>>)> {
    let mut buf = [0_u8; HEAD_BYTES];
    let length = data.len().min(HEAD_BYTES);
    buf[..length].copy_from_slice(&data[..length]);
    if &buf[..2] != b"#!" {
        return None;
    }
    let buf_end = HEAD_BYTES - 1;
    let mut i_end = match buf.iter().take_while(|byte| **byte != 0).position(|byte| *byte == b'\n') {
        Some(newline) => newline,
        None => {
            let i_end = next_non_spacetab(&buf, 2, buf_end)?;
            next_terminator(&buf, i_end, buf_end)?;
            buf_end
        }
    };
    while spacetab(buf[i_end - 1]) {
        i_end -= 1;
    }
    let i_name = next_non_spacetab(&buf, 2, i_end).filter(|at| *at != i_end)?;
    let i_sep = next_terminator(&buf, i_name, i_end);
    let i_arg = i_sep.filter(|at| buf[*at] != 0).and_then(|i_sep| next_non_spacetab(&buf, i_sep, i_end));
    buf[i_end] = 0;
    if i_arg.is_some() {
        buf[i_sep?] = 0;
    }
    let text = |from: usize| buf[from..].iter().copied().take_while(|byte| *byte != 0).collect::<Vec<u8>>();
    // An interpreter without a name is not found.
    Some((text(i_name), i_arg.map(text))).filter(|(name, _)| !name.is_empty())
}

fn spacetab(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn next_non_spacetab(buf: &[u8], first: usize, last: usize) -> Option<usize> {
    (first..=last).find(|at| !spacetab(buf[*at]))
}

fn next_terminator(buf: &[u8], first: usize, last: usize) -> Option<usize> {
    (first..=last).find(|at| spacetab(buf[*at]) || buf[*at] == 0)
}

/// The chain ends, and everything in argv is a word that execve can pass on.
fn chain(data: &[u8]) {
    let head = Some(paths::shared(data.get(..HEAD_BYTES).unwrap_or(data)));
    let binfmt = parse_binfmt_entry(data).flatten();
    let plain = Staged { head, binfmt, ..Staged::new(host()) };
    let places = [
        Surroundings::default(),
        Surroundings {
            working_directory: Some(paths::shared("/srv/app")),
            path: Some(paths::shared("/srv/app:/usr/bin")),
        },
        Surroundings { working_directory: None, path: Some(paths::shared(data)) },
    ];
    for around in &places {
        let chain = resolve(&plain, SCRIPT, around);
        let has_nul = around.path.as_ref().is_some_and(|path| path.contains(&0));
        assert!(has_nul || words_of(&chain).all(|word| !word.contains(&0)), "{chain:?}");
        assert!(
            !chain.script || chain.argv0.is_some() || matches!(chain.program, Program::Unresolved(..)),
            "{chain:?}"
        );
        if let Program::Image(facts) = &chain.program {
            assert!(facts.real.starts_with(b"/"), "{chain:?}");
        }
        assert_eq!(chain.image().known().is_some(), matches!(chain.program, Program::Image(_)));
    }
    // What can't be told is never "no".
    let same = compile_expression("exe == interpreter(\"/srv/app/a.py\")").predicate.unwrap();
    let verdict = verdicts(&same, &plain, &[PID]).remove(0);
    let image = resolve(&plain, SCRIPT, &Surroundings::default()).image().known();
    assert_eq!(matches!(verdict, Verdict::Unknown(_)), image.is_none(), "{verdict:?}");
}

fn words_of(chain: &Chain) -> impl Iterator<Item = &Vec<u8>> {
    chain.words.iter().chain(&chain.argv0)
}

/// Words that are written so that nothing in them is special are split into themselves.
fn split(data: &[u8]) {
    for path in [None, Some(&b"/bin"[..])] {
        let Ok(words) = split_string(data, path) else { continue };
        assert!(data.contains(&0) || words.iter().all(|word| !word.contains(&0)));
        let written: Vec<Vec<u8>> = words.iter().map(|word| quoted(word)).collect();
        assert_eq!(split_string(&written.join(&b' '), path), Ok(words));
    }
}

fn quoted(word: &[u8]) -> Vec<u8> {
    let mut text = vec![b'\''];
    for byte in word {
        if matches!(byte, b'\'' | b'\\') {
            text.push(b'\\');
        }
        text.push(*byte);
    }
    text.push(b'\'');
    text
}
