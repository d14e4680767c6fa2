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
    // The kernel's buffer is zero-padded, and its scans stop at the first NUL.
    let head = head.get(..HEAD_BYTES).unwrap_or(head);
    let line = head.strip_prefix(b"#!").ok_or(ShebangError::None)?;
    let newline = line.iter().position(|b| *b == b'\n');
    let padded_end = line.iter().position(|b| *b == 0);
    let short_file = head.len() < HEAD_BYTES;
    let end = newline.or(padded_end).unwrap_or(line.len());
    let whole = line.get(..end).unwrap_or(line);
    let start = whole.iter().position(|b| !is_blank(*b)).ok_or(ShebangError::NoInterpreter)?;
    let text = whole.get(start..).unwrap_or_default();
    let name_end = text.iter().position(|b| is_blank(*b) || *b == 0);
    if newline.is_none() && padded_end.is_none() && !short_file && name_end.is_none() {
        return Err(ShebangError::TooLong);
    }
    let (interpreter, rest) = text.split_at(name_end.unwrap_or(text.len()));
    if interpreter.is_empty() {
        return Err(ShebangError::NoInterpreter);
    }
    Ok(Shebang { interpreter: interpreter.to_vec(), argument: argument(rest) })
}

fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

fn argument(rest: &[u8]) -> Option<Vec<u8>> {
    let rest = rest.split(|b| *b == 0).next().unwrap_or_default();
    let start = rest.iter().position(|b| !is_blank(*b))?;
    let end = rest.iter().rposition(|b| !is_blank(*b))?;
    rest.get(start..=end).map(<[u8]>::to_vec)
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
        assert_eq!(read(&cut).ok().and_then(|(_, a)| a).map(|a| a.len()), Some(HEAD_BYTES - 10));
    }
}
