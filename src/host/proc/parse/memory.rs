//! What a process keeps in its own memory: arguments, environment, and the name that execve was given.

use std::sync::{Arc, LazyLock};

use crate::facts::{Arguments, Words, words};

/// Key of the address of the file name in the auxiliary vector (`getauxval(3)`).
const AT_EXECFN: u64 = 31;

/// Splits `/proc/PID/cmdline` on NUL. Empty arguments are arguments: only the final terminator is dropped.
pub fn parse_arguments(bytes: &[u8], truncated: bool) -> Arguments {
    let (parts, padded) = split(bytes, truncated);
    // One piece of memory: collecting would ask for it three times, for each process of a look.
    let mut words = Vec::with_capacity(memchr::memchr_iter(0, bytes).count() + 1);
    words.extend(parts.map(word));
    Arguments { words, padded, truncated }
}

/// Whether all of `/proc/PID/cmdline` says the same as before.
pub fn are_arguments(bytes: &[u8], told: &Arguments) -> bool {
    let (parts, padded) = split(bytes, false);
    padded == told.padded && !told.truncated && parts.eq(told.words.iter().map(AsRef::as_ref))
}

/// The words, and whether the last of them may be padding.
fn split(bytes: &[u8], truncated: bool) -> (Words<'_>, bool) {
    // An empty last argument looks the same as padding; `padded` says that it may be either.
    let padded = !truncated
        && match bytes.strip_suffix(b"\0") {
            Some(body) => body.last() == Some(&0),
            None => true,
        };
    (words(bytes), padded)
}

/// The padding behind a title is read as some hundred empty words: they share one allocation.
fn word(bytes: &[u8]) -> Arc<[u8]> {
    static EMPTY: LazyLock<Arc<[u8]>> = LazyLock::new(|| Arc::from([]));
    if bytes.is_empty() { Arc::clone(&EMPTY) } else { Arc::from(bytes) }
}

/// Splits `/proc/PID/environ` on NUL. Empty entries, which a process leaves when it writes a title over its
/// environment, say nothing and are dropped.
pub fn parse_environ(bytes: &[u8]) -> Arc<[Arc<[u8]>]> {
    bytes.split(|b| *b == 0).filter(|entry| !entry.is_empty()).map(Arc::from).collect()
}

/// The address of the name that execve was given, from `/proc/PID/auxv`.
///
/// A 32-bit process under a 64-bit kernel has 32-bit pairs. Keys are small numbers, so the first word tells:
/// read as 64 bits, its upper half would be the first value.
pub fn execfn_address(auxv: &[u8]) -> Option<u64> {
    let narrow = |bytes: &[u8; 4]| u64::from(u32::from_ne_bytes(*bytes));
    let wide = |bytes: &[u8; 8]| u64::from_ne_bytes(*bytes);
    let first = auxv.first_chunk().map(wide)?;
    let found = if first > u64::from(u16::MAX) {
        find(auxv.as_chunks::<4>().0.iter().map(narrow))
    } else {
        find(auxv.as_chunks::<8>().0.iter().map(wide))
    };
    found.filter(|address| *address != 0)
}

fn find(mut words: impl Iterator<Item = u64>) -> Option<u64> {
    while let (Some(key), Some(value)) = (words.next(), words.next()) {
        match key {
            AT_EXECFN => return Some(value),
            0 => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(bytes: &[u8]) -> (Vec<String>, bool) {
        let arguments = parse_arguments(bytes, false);
        let words = arguments.words.iter().map(|w| String::from_utf8_lossy(w).into_owned()).collect();
        (words, arguments.padded)
    }

    #[test]
    fn empty_arguments_keep_their_place() {
        let table: [(&[u8], &[&str], bool); 8] = [
            (b"a\0b\0", &["a", "b"], false),
            (b"a\0\0b\0", &["a", "", "b"], false),
            (b"\0b\0", &["", "b"], false),
            (b"a\0\0", &["a", ""], true),
            (b"\0", &[""], false),
            (b"nginx: worker process", &["nginx: worker process"], true),
            (b"title\0\0\0\0", &["title", "", "", ""], true),
            (b"", &[], true),
        ];
        for (bytes, words, padded) in table {
            assert_eq!(shown(bytes), (words.iter().map(ToString::to_string).collect(), padded), "{bytes:?}");
        }
    }

    #[test]
    fn the_environment_is_split_and_padding_dropped() {
        let environ = parse_environ(b"A=1\0\0B=\xff\0\0\0");
        assert_eq!(environ.iter().map(AsRef::as_ref).collect::<Vec<&[u8]>>(), [b"A=1".as_ref(), b"B=\xff"]);
    }

    #[test]
    fn the_address_is_found_in_both_widths() {
        let pairs = [(33u64, 0x7fff_0000u64), (3, 0x40_0040), (31, 0x7fff_1234), (0, 0)];
        let wide: Vec<u8> =
            pairs.iter().flat_map(|(k, v)| [k.to_ne_bytes(), v.to_ne_bytes()].concat()).collect();
        let narrow: Vec<u8> = pairs
            .iter()
            .flat_map(|(k, v)| [*k, *v])
            .filter_map(|word| u32::try_from(word).ok())
            .flat_map(u32::to_ne_bytes)
            .collect();
        assert_eq!(execfn_address(&wide), Some(0x7fff_1234));
        assert_eq!(execfn_address(&narrow), Some(0x7fff_1234));
        assert_eq!(execfn_address(b""), None);
        assert_eq!(execfn_address(&[0; 16]), None);
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn joining_the_words_gives_the_bytes_back(words in proptest::collection::vec("[a-z]{0,3}", 1..8)) {
            let bytes: Vec<u8> = words.iter().flat_map(|w| [w.as_bytes(), b"\0"].concat()).collect();
            prop_assert_eq!(shown(&bytes).0, words);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (execfn_address(&bytes), parse_environ(&bytes), parse_arguments(&bytes, true));
        }
    }
}
