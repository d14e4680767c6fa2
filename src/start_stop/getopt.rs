//! The rules of `getopt_long(3)` of the GNU C library: abbreviations, bundles, operands anywhere, `--`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;

use super::fault::Fault;

/// An option that there is.
#[derive(Clone, Copy, Debug)]
pub struct Spec<T> {
    /// Without the dashes.
    pub long: &'static str,
    /// Its letter.
    pub short: Option<u8>,
    /// A value follows.
    pub takes: bool,
    /// It may be abbreviated. Options of ours may not, or they would make abbreviations ambiguous that are in use.
    pub abbreviates: bool,
    /// What it is.
    pub name: T,
}

/// An option with its value, or an operand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item<'a, T> {
    /// Option.
    Option(T, &'a [u8]),
    /// Anything else.
    Operand(&'a [u8]),
}

/// Reads a command line from left to right.
#[derive(Debug)]
pub struct Scanner<'a, T: 'static> {
    specs: &'static [Spec<T>],
    args: &'a [OsString],
    at: usize,
    /// The rest of a bundle of letters.
    bundle: &'a [u8],
    /// Only operands follow.
    ended: bool,
    /// The first operand ends the options (`POSIXLY_CORRECT`).
    strict_order: bool,
}

impl<'a, T: Copy + 'static> Scanner<'a, T> {
    /// Of the arguments behind the program's name.
    pub fn new(specs: &'static [Spec<T>], args: &'a [OsString], strict_order: bool) -> Self {
        Self { specs, args, at: 0, bundle: &[], ended: false, strict_order }
    }

    /// The next item; `None` at the end.
    ///
    /// # Errors
    /// No such option, no value, or one too many.
    pub fn item(&mut self) -> Result<Option<Item<'a, T>>, Fault> {
        if let [letter, rest @ ..] = self.bundle {
            self.bundle = rest;
            return self.letter(*letter).map(Some);
        }
        let Some(word) = self.take() else { return Ok(None) };
        match word {
            _ if self.ended => Ok(Some(Item::Operand(word))),
            b"--" => {
                self.ended = true;
                self.item()
            }
            [b'-', b'-', long @ ..] => self.long(long).map(Some),
            [b'-', letter, rest @ ..] => {
                self.bundle = rest;
                self.letter(*letter).map(Some)
            }
            _ => {
                self.ended = self.strict_order;
                Ok(Some(Item::Operand(word)))
            }
        }
    }

    fn take(&mut self) -> Option<&'a [u8]> {
        let word = self.args.get(self.at)?;
        self.at += 1;
        Some(word.as_bytes())
    }

    fn letter(&mut self, letter: u8) -> Result<Item<'a, T>, Fault> {
        let shown = show(&[letter]);
        let spec = self
            .specs
            .iter()
            .find(|spec| spec.short == Some(letter))
            .ok_or_else(|| Fault::Usage(format!("invalid option -- '{shown}'")))?;
        if !spec.takes {
            return Ok(Item::Option(spec.name, &[]));
        }
        let rest = std::mem::take(&mut self.bundle);
        if !rest.is_empty() {
            return Ok(Item::Option(spec.name, rest));
        }
        let missing = || Fault::Usage(format!("option requires an argument -- '{shown}'"));
        self.take().map(|value| Item::Option(spec.name, value)).ok_or_else(missing)
    }

    fn long(&mut self, word: &'a [u8]) -> Result<Item<'a, T>, Fault> {
        let cut = word.iter().position(|byte| *byte == b'=');
        let name = cut.map_or(Some(word), |cut| word.get(..cut)).unwrap_or_default();
        let value = cut.and_then(|cut| word.get(cut + 1..));
        let spec = self.named(name, word)?;
        match (spec.takes, value) {
            (true, Some(value)) => Ok(Item::Option(spec.name, value)),
            (false, None) => Ok(Item::Option(spec.name, &[])),
            (false, Some(_)) => {
                Err(Fault::Usage(format!("option '--{}' doesn't allow an argument", spec.long)))
            }
            (true, None) => self
                .take()
                .map(|value| Item::Option(spec.name, value))
                .ok_or_else(|| Fault::Usage(format!("option '--{}' requires an argument", spec.long))),
        }
    }

    /// The option with this name, or the only one that begins with it.
    fn named(&self, name: &[u8], word: &[u8]) -> Result<&'static Spec<T>, Fault> {
        if let Some(spec) = self.specs.iter().find(|spec| spec.long.as_bytes() == name) {
            return Ok(spec);
        }
        let begins = |spec: &&Spec<T>| spec.abbreviates && spec.long.as_bytes().starts_with(name);
        let found: Vec<&Spec<T>> = self.specs.iter().filter(begins).collect();
        match found.as_slice() {
            [one] => Ok(one),
            [] => Err(Fault::Usage(format!("unrecognized option '--{}'", show(word)))),
            several => {
                let list: String = several.iter().map(|spec| format!(" '--{}'", spec.long)).collect();
                Err(Fault::Usage(format!("option '--{}' is ambiguous; possibilities:{list}", show(word))))
            }
        }
    }
}

fn show(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const SPECS: &[Spec<char>] = &[
        Spec { long: "start", short: Some(b'S'), takes: false, abbreviates: true, name: 'S' },
        Spec { long: "startas", short: Some(b'a'), takes: true, abbreviates: true, name: 'a' },
        Spec { long: "pid", short: None, takes: true, abbreviates: true, name: 'i' },
        Spec { long: "pidfile", short: Some(b'p'), takes: true, abbreviates: true, name: 'p' },
        Spec { long: "make-pidfile", short: Some(b'm'), takes: false, abbreviates: true, name: 'm' },
        Spec { long: "match", short: None, takes: true, abbreviates: false, name: 'x' },
    ];

    /// Items as `S`, `p=value`, `.operand`, or the message.
    fn shown(line: &str, strict: bool) -> String {
        let args: Vec<OsString> =
            line.split(' ').filter(|word| !word.is_empty()).map(OsString::from).collect();
        let mut scanner = Scanner::new(SPECS, &args, strict);
        let mut out = Vec::new();
        loop {
            match scanner.item() {
                Ok(None) => return out.join(" "),
                Ok(Some(Item::Operand(word))) => out.push(format!(".{}", show(word))),
                Ok(Some(Item::Option(name, []))) => out.push(name.to_string()),
                Ok(Some(Item::Option(name, value))) => out.push(format!("{name}={}", show(value))),
                Err(Fault::Usage(text) | Fault::Trouble(text)) => return text,
            }
        }
    }

    #[test]
    fn lines_are_read_as_getopt_reads_them() {
        for (line, expected) in [
            ("--start -p f", "S p=f"),
            ("-Sp f", "S p=f"),
            ("-Spf", "S p=f"),
            ("-mSpS", "m S p=S"),
            ("--pidf=f --ma", "p=f m"),
            ("--pidfile -S", "p=-S"),
            ("-p -- -S", "p=-- S"),
            ("a -S b -- -p", ".a S .b .-p"),
            ("- -S", ".- S"),
            ("--pid 5", "i=5"),
            ("--pidfile=", "p"),
            ("--m", "m"),
            ("--match x", "x=x"),
            ("--mat x", "unrecognized option '--mat'"),
            ("--star", "option '--star' is ambiguous; possibilities: '--start' '--startas'"),
            ("--p", "option '--p' is ambiguous; possibilities: '--pid' '--pidfile'"),
            ("--start=x", "option '--start' doesn't allow an argument"),
            ("--nope=x", "unrecognized option '--nope=x'"),
            ("--pidf", "option '--pidfile' requires an argument"),
            ("-Sp", "option requires an argument -- 'p'"),
            ("-z", "invalid option -- 'z'"),
            ("-S-", "invalid option -- '-'"),
        ] {
            assert_eq!(shown(line, false), expected, "{line}");
        }
    }

    #[test]
    fn the_first_operand_ends_the_options_where_posix_is_asked_for() {
        assert_eq!(shown("-S a -p f", true), "S .a .-p .f");
        assert_eq!(shown("-S -- -p", true), "S .-p");
    }
}
