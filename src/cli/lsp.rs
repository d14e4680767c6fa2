//! `lsp`: the streams of a language server. Messages come on standard input and go to standard output, each with a
//! header that says how long it is.

use std::io::{self, BufRead, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::exit::Exit;
use super::terminal::Terminal;
use crate::editor::{Session, SessionEnd};
use crate::host;
use crate::host::shelf::Shelf;
use crate::spec::SpecFile;

/// A longer message is no message of an editor.
const MESSAGE_MAX: usize = 64 << 20;
/// A longer line is no header.
const HEADER_MAX: u64 = 8 << 10;

/// Speaks until the editor says `exit` or hangs up.
pub(super) fn run(terminal: Terminal) -> Exit {
    let mut input = io::stdin().lock();
    let mut session = Session::new(neighbours, Box::<Shelf>::default());
    loop {
        let body = match message(&mut input) {
            Ok(Some(body)) => body,
            Ok(None) => return Exit::Failed,
            Err(error) => {
                terminal.say(&format!("error: {error}"));
                return Exit::Failed;
            }
        };
        for answer in session.take(&body) {
            if send(&answer).is_err() {
                return Exit::Failed;
            }
        }
        match session.end() {
            Some(SessionEnd::Orderly) => return Exit::Ok,
            Some(SessionEnd::Abrupt) => return Exit::Failed,
            None => {}
        }
    }
}

/// The Matcher and Plugin documents of a directory: what the documents in it can use. What can't be read defines nothing here;
/// `check` says so.
fn neighbours(directory: &Path) -> Vec<SpecFile> {
    let paths = host::spec_dir::documents(directory).unwrap_or_default();
    let file = |path: PathBuf| {
        let text =
            host::read_text(&path).ok().filter(|text| text.contains("Matcher") || text.contains("Plugin"))?;
        let name = path.to_str()?.to_owned();
        Some(SpecFile { name, directory: directory.to_owned(), bytes: text.into() })
    };
    paths.into_iter().take(host::spec_dir::FILES_MAX).filter_map(file).collect()
}

fn send(message: &Value) -> io::Result<()> {
    let text = message.to_string();
    let mut out = io::stdout().lock();
    write!(out, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    out.flush()
}

/// The body of the next message; `None` at the end. A header without a length is passed over.
fn message(input: &mut impl BufRead) -> io::Result<Option<Vec<u8>>> {
    loop {
        let Some(length) = header(input)? else { return Ok(None) };
        let Some(length) = length else { continue };
        if length > MESSAGE_MAX {
            return Err(io::Error::other(format!("a message of {length} bytes is too long")));
        }
        let mut body = Vec::new();
        let read = input.take(length as u64).read_to_end(&mut body)?;
        return Ok((read == length).then_some(body));
    }
}

/// The length that a header gives, if it gives one; `None` at the end of the input.
#[expect(
    clippy::option_option,
    reason = "no more input, and a header without a length, are different things"
)]
fn header(input: &mut impl BufRead) -> io::Result<Option<Option<usize>>> {
    let mut length = None;
    loop {
        let mut line = Vec::new();
        if input.by_ref().take(HEADER_MAX).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let line = String::from_utf8_lossy(&line);
        let line = line.trim();
        if line.is_empty() {
            return Ok(Some(length));
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = value.trim().parse().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_by_their_length_and_broken_headers_passed_over() {
        let text = "Content-Length: 2\r\nContent-Type: x\r\n\r\n{}nonsense\r\n\r\ncontent-length:3\n\nabc";
        let cut = format!("{text}Content-Length: 9\r\n\r\nab");
        let mut input = cut.as_bytes();
        let mut found = Vec::new();
        while let Ok(Some(body)) = message(&mut input) {
            found.push(body);
        }
        assert_eq!(found, [b"{}".to_vec(), b"abc".to_vec()]);
        let mut huge = "Content-Length: 99999999999\r\n\r\n".as_bytes();
        assert!(message(&mut huge).is_err());
    }
}
