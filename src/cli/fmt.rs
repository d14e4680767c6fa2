//! `fmt`: expressions in their canonical form, in files, on standard input or on the command line.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::args::FmtArgs;
use super::codes;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::diagnostic::{Diagnostic, Source};
use crate::editor::{Formatted, format, unified};
use crate::host;
use crate::lang::{Room, Unformatted};

/// The most that is read of standard input: the limit of a spec file.
const INPUT_MAX: u64 = host::spec_dir::FILE_BYTES_MAX;

/// What became of all files.
#[derive(Default)]
struct Count {
    formatted: usize,
    good: usize,
    failed: usize,
}

/// Runs `fmt`.
pub(super) fn run(args: &FmtArgs, terminal: Terminal) -> Exit {
    if let Some(text) = &args.expression {
        return expression(text, args.check, terminal);
    }
    let mut count = Count::default();
    for path in &args.paths {
        if path.as_os_str() == "-" {
            standard_input(args.check, &mut count, terminal);
            continue;
        }
        match files(path) {
            Ok(files) => files.iter().for_each(|file| one_file(file, args.check, &mut count, terminal)),
            Err(error) => unusable(path, &error, &mut count, terminal),
        }
    }
    if args.paths.iter().any(|path| path.as_os_str() != "-") {
        terminal.say(&summary(&count, args.check));
    }
    if count.failed > 0 || (args.check && count.formatted > 0) { Exit::Failed } else { Exit::Ok }
}

fn summary(count: &Count, check: bool) -> String {
    let files = |n: usize| format!("{n} file{}", if n == 1 { "" } else { "s" });
    let verb = if check { "would change" } else { "formatted" };
    let mut text = format!("{} {verb}, {} good", files(count.formatted), count.good);
    if count.failed > 0 {
        text.push_str(&format!(", {} left alone because of errors", count.failed));
    }
    text
}

fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if host::is_directory(path) { host::spec_dir::documents(path) } else { Ok(vec![path.to_owned()]) }
}

fn unusable(path: &Path, error: &io::Error, count: &mut Count, terminal: Terminal) {
    count.failed += 1;
    let message = format!("`{}` is not formatted: {}", path.display(), host::errno::io_text(error));
    terminal.diagnostics(&[Diagnostic::error(codes::FILE, message)]);
}

fn one_file(path: &Path, check: bool, count: &mut Count, terminal: Terminal) {
    if host::is_special(path) {
        return unusable(path, &io::Error::other("it is not a regular file"), count, terminal);
    }
    let text = match host::read_text(path) {
        Ok(text) => text,
        Err(error) => return unusable(path, &error, count, terminal),
    };
    let Some(formatted) = formatted(&path.display().to_string(), &text, count, terminal) else { return };
    if formatted.edits.is_empty() {
        count.good += 1;
    } else if check {
        count.formatted += 1;
        terminal.data(&unified(&path.display().to_string(), &text, &formatted.edits));
    } else if let Err(error) = host::replace_text(path, &text, &formatted.text) {
        unusable(path, &error, count, terminal);
    } else {
        count.formatted += 1;
        terminal.data(&path.display().to_string());
    }
}

/// The formatted text with its remarks said, or its errors.
fn formatted(name: &str, text: &str, count: &mut Count, terminal: Terminal) -> Option<Formatted> {
    let source = Source::new(name, text);
    match format(&source) {
        Ok(formatted) => {
            for remark in &formatted.remarks {
                let (line, column) = source.position(remark.span.start);
                terminal.say(&format!("{name}:{line}:{column}: {}", remark.text));
            }
            Some(formatted)
        }
        Err(errors) => {
            count.failed += 1;
            terminal.diagnostics(&errors);
            None
        }
    }
}

/// What has errors comes out as it went in, so that an editor's filter loses nothing.
fn standard_input(check: bool, count: &mut Count, terminal: Terminal) {
    let mut text = String::new();
    let read = io::stdin().lock().take(INPUT_MAX + 1).read_to_string(&mut text);
    let too_large = || io::Error::other("larger than 1MiB");
    if let Err(error) = read.and_then(|n| if n as u64 > INPUT_MAX { Err(too_large()) } else { Ok(()) }) {
        return unusable(Path::new("-"), &error, count, terminal);
    }
    let formatted = formatted("<stdin>", &text, count, terminal);
    let changed = formatted.as_ref().filter(|formatted| !formatted.edits.is_empty());
    count.formatted += usize::from(changed.is_some());
    match (check, changed) {
        (true, changed) => {
            terminal.exactly(&changed.map(|f| unified("<stdin>", &text, &f.edits)).unwrap_or_default());
        }
        (false, changed) => terminal.exactly(changed.map_or(&text, |formatted| &formatted.text)),
    }
}

fn expression(text: &str, check: bool, terminal: Terminal) -> Exit {
    let room = Room::Lines { broken: text.trim().contains('\n'), comments: true };
    match crate::lang::format(text.trim(), room) {
        Ok(formatted) if check => {
            if formatted == text.trim() {
                return Exit::Ok;
            }
            terminal.data(&formatted);
            Exit::Failed
        }
        Ok(formatted) => {
            terminal.data(&formatted);
            Exit::Ok
        }
        Err(Unformatted::Mistakes(found)) => {
            let source = Source::new("<expression>", text.trim());
            let located: Vec<Diagnostic> = found.into_iter().map(|d| d.in_source(&source)).collect();
            terminal.diagnostics(&located);
            Exit::Failed
        }
        Err(Unformatted::TooLong) => {
            terminal.say("error: its canonical text would be longer than an expression may be");
            Exit::Failed
        }
        Err(Unformatted::Comment(_)) => {
            terminal
                .say("error: a comment inside a condition would get lost; move it between the conditions");
            Exit::Failed
        }
    }
}
