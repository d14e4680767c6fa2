//! Entries of `binfmt_misc` (`Documentation/admin-guide/binfmt-misc.rst`).

use std::sync::Arc;

use super::{lines, number, split_once};
use crate::facts::{Binfmt, BinfmtMatch};

/// Reads the file of one entry. `Some(None)` is an entry that is switched off.
#[allow(clippy::option_option, reason = "the outer one is malformed, the inner one switched off")]
pub fn parse_binfmt_entry(bytes: &[u8]) -> Option<Option<Binfmt>> {
    let mut rows = lines(bytes);
    match rows.next()? {
        b"enabled" => {}
        b"disabled" => return Some(None),
        _ => return None,
    }
    let (mut interpreter, mut flags) = (None, String::new());
    let (mut extension, mut offset, mut magic, mut mask) = (None, 0, None, None);
    for row in rows {
        let (key, value) = split_once(row, b' ').unwrap_or((row, b""));
        match key {
            // The kernel keeps it as a text that ends in a NUL.
            b"interpreter" => interpreter = (!value.contains(&0)).then(|| Arc::from(value)),
            b"flags:" => flags = String::from_utf8_lossy(value.trim_ascii()).into_owned(),
            b"extension" => extension = Some(value.strip_prefix(b".")?.to_vec()),
            b"offset" => offset = number(value)?,
            b"magic" => magic = Some(hex(value)?),
            b"mask" => mask = Some(hex(value)?),
            _ => {}
        }
    }
    // The kernel registers nothing that every file would match.
    let matches = match (extension, magic) {
        (Some(empty), _) | (None, Some(empty)) if empty.is_empty() => return None,
        (Some(extension), _) => BinfmtMatch::Extension(extension),
        (None, Some(magic)) => {
            let mask = mask.unwrap_or_else(|| vec![0xff; magic.len()]);
            (mask.len() == magic.len()).then_some(BinfmtMatch::Magic { offset, magic, mask })?
        }
        (None, None) => return None,
    };
    Some(Some(Binfmt { matches, interpreter: interpreter?, flags }))
}

fn hex(digits: &[u8]) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_chunks::<2>();
    let byte = |pair: &[u8; 2]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn entries_by_magic_and_by_extension_are_read() {
        let magic = parse_binfmt_entry(
            b"enabled\ninterpreter /usr/bin/qemu-arm\nflags: OCF\noffset 4\nmagic 7f45\nmask ff00\n",
        );
        let matches = BinfmtMatch::Magic { offset: 4, magic: vec![0x7f, 0x45], mask: vec![0xff, 0] };
        let interpreter = Arc::from(b"/usr/bin/qemu-arm".as_ref());
        assert_eq!(magic, Some(Some(Binfmt { matches, interpreter, flags: "OCF".into() })));
        let extension = parse_binfmt_entry(b"enabled\ninterpreter /usr/bin/a b\nflags: \nextension .jar\n");
        let read = extension.unwrap().unwrap();
        assert_eq!(read.matches, BinfmtMatch::Extension(b"jar".to_vec()));
        assert_eq!((read.interpreter.as_ref(), read.flags.as_str()), (b"/usr/bin/a b".as_ref(), ""));
    }

    #[test]
    fn an_entry_that_is_off_is_not_an_error() {
        assert_eq!(parse_binfmt_entry(b"disabled\ninterpreter /x\n"), Some(None));
        for wrong in ["", "maybe\n", "enabled\ninterpreter /x\n", "enabled\nmagic 7f4\ninterpreter /x\n"] {
            assert_eq!(parse_binfmt_entry(wrong.as_bytes()), None, "{wrong}");
        }
        assert_eq!(parse_binfmt_entry(b"enabled\ninterpreter /x\nmagic 7f45\nmask ff\n"), None);
        assert_eq!(parse_binfmt_entry(b"enabled\ninterpreter /x\nmagic \n"), None);
        assert_eq!(parse_binfmt_entry(b"enabled\ninterpreter /x\nextension .\n"), None);
        assert_eq!(parse_binfmt_entry(b"enabled\ninterpreter /x\0y\nextension .x\n"), None);
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn no_bytes_make_it_panic(bytes in "enabled\\n(magic|mask|offset|extension|flags:) ?[0-9a-f.]{0,20}\\n") {
            let _ = parse_binfmt_entry(bytes.as_bytes());
        }
    }
}
