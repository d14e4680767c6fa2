//! The first line of a script as the kernel reads it (`fs/binfmt_script.c`, execve(2) "Interpreter scripts").

/// How much of a file the kernel looks at: `BINPRM_BUF_SIZE`.
pub const HEAD_BYTES: usize = 256;

/// `#!interpreter [one argument]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Shebang {
    /// The program, exactly as written; may be relative.
    pub interpreter: Vec<u8>,
    /// All the rest of the line, as one argument.
    pub argument: Option<Vec<u8>>,
}

/// Why execve would refuse the line with `ENOEXEC`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ShebangError {
    /// Doesn't begin with `#!`.
    None,
    /// Nothing after `#!`.
    NoInterpreter,
    /// The interpreter's name doesn't end within the 256 bytes that the kernel reads.
    TooLong,
}

/// Whether the file is an ELF image.
pub fn is_elf(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
}

/// Reads the `#!` line from the beginning of a file.
///
/// # Errors
/// What execve would answer with `ENOEXEC`.
pub fn parse_shebang(head: &[u8]) -> Result<Shebang, ShebangError> {
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    let line = head.strip_prefix(b"#!").ok_or(ShebangError::None)?;
    // The kernel's buffer is padded with NULs, and its scans stop at the first one.
    let text = line.split(|b| *b == 0).next().unwrap_or_default();
    let line = match text.iter().position(|b| *b == b'\n') {
        Some(newline) => trim_end(text.get(..newline).unwrap_or_default()),
        None => cut(text)?,
    };
    let line = trim_start(line);
    let (name, rest) = line.split_at(line.iter().position(|b| is_blank(*b)).unwrap_or(line.len()));
    if name.is_empty() {
        return Err(ShebangError::NoInterpreter);
    }
    // Only a newline or the end of the buffer takes blanks away: without either they belong to the argument, which
    // may then be empty.
    let argument = (!rest.is_empty()).then(|| trim_start(rest).to_vec());
    Ok(Shebang { interpreter: name.to_vec(), argument })
}

/// A line without newline. The kernel ends one that fills the buffer itself, with a NUL over the last byte, and takes
/// blanks before that place away.
fn cut(text: &[u8]) -> Result<&[u8], ShebangError> {
    let place = text.len() + 2;
    if place < HEAD_BYTES {
        return Ok(if place == HEAD_BYTES - 1 { trim_end(text) } else { text });
    }
    let line = trim_start(text);
    if !line.is_empty() && !line.iter().any(|b| is_blank(*b)) {
        return Err(ShebangError::TooLong);
    }
    Ok(trim_end(text.split_last().map_or(text, |(_, before)| before)))
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn trim_start(text: &[u8]) -> &[u8] {
    let start = text.iter().position(|b| !is_blank(*b)).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

fn trim_end(text: &[u8]) -> &[u8] {
    let end = text.iter().rposition(|b| !is_blank(*b)).map_or(0, |last| last + 1);
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &[u8]) -> Result<(String, Option<String>), ShebangError> {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        parse_shebang(head).map(|s| (text(s.interpreter), s.argument.map(text)))
    }

    #[test]
    fn the_argument_is_one_word() {
        assert_eq!(read(b"#!/usr/bin/perl -w -T \n"), Ok(("/usr/bin/perl".into(), Some("-w -T".into()))));
        assert_eq!(read(b"#! /bin/sh\nx"), Ok(("/bin/sh".into(), None)));
        assert_eq!(read(b"#!/bin/sh"), Ok(("/bin/sh".into(), None)));
        assert_eq!(read(b"#!/bin/sh\r\n"), Ok(("/bin/sh\r".into(), None)));
    }

    #[test]
    fn what_the_kernel_refuses_is_refused() {
        assert_eq!(read(b"\xef\xbb\xbf#!/bin/sh\n"), Err(ShebangError::None));
        assert_eq!(read(b"#! \t\n"), Err(ShebangError::NoInterpreter));
        assert_eq!(read(b"#!"), Err(ShebangError::NoInterpreter));
        let mut long = b"#!/".to_vec();
        long.resize(HEAD_BYTES, b'a');
        assert_eq!(read(&long), Err(ShebangError::TooLong));
        let mut fits = b"#!/".to_vec();
        fits.resize(HEAD_BYTES - 1, b'a');
        fits.push(b'\n');
        assert!(read(&fits).is_ok());
        let mut cut = b"#!/bin/sh ".to_vec();
        cut.resize(400, b'x');
        assert_eq!(read(&cut).ok().and_then(|(_, a)| a).map(|a| a.len()), Some(HEAD_BYTES - 11));
    }

    /// Measured with a program that prints the lengths of its arguments. The last byte of a cut argument was kept, and
    /// blanks before the end of the file were not.
    #[test]
    fn a_line_without_newline_is_cut_as_the_kernel_cuts_it() {
        let argument = |head: &[u8]| read(head).ok().and_then(|(_, argument)| argument);
        assert_eq!(argument(b"#!/bin/sh a  "), Some("a  ".into()));
        assert_eq!(argument(b"#!/bin/sh  "), Some(String::new()));
        assert_eq!(argument(b"#!/bin/sh a \0b\n"), Some("a ".into()));
        assert_eq!(argument(b"#!/bin/sh\0 b\n"), None);
        assert_eq!(argument(b"#!/bin/sh a  \n"), Some("a".into()));
        for (body, length) in [
            ("x".repeat(245), 245),
            ("x".repeat(246), 245),
            (format!("{}{}", "x".repeat(230), " ".repeat(50)), 230),
        ] {
            let head = format!("#!/bin/sh {body}");
            assert_eq!(argument(head.as_bytes()).map(|a| a.len()), Some(length), "{}", head.len());
        }
        assert_eq!(argument(format!("#!/bin/sh {}", " ".repeat(300)).as_bytes()), None);
        // With 255 bytes the place of the kernel's own NUL is behind the last byte.
        assert_eq!(
            argument(format!("#!/bin/sh {}  ", "x".repeat(243)).as_bytes()).map(|a| a.len()),
            Some(243)
        );
        assert_eq!(
            argument(format!("#!/bin/sh {}  ", "x".repeat(242)).as_bytes()).map(|a| a.len()),
            Some(244)
        );
    }
}
