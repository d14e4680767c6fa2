//! How the text of `/proc/PID/cmdline` is divided into arguments.

/// The arguments in all of the text: what stands between NULs. Empty ones are kept, only the final terminator is dropped.
pub fn words(text: &[u8]) -> Words<'_> {
    let body = text.strip_suffix(b"\0").unwrap_or(text);
    Words { rest: (!text.is_empty()).then_some(body) }
}

/// What stands between NULs. Thousands of processes have some hundred bytes each, so these are searched many at a time.
#[derive(Clone, Debug)]
pub struct Words<'a> {
    rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest?;
        // A search would take longer than what it finds where a title left a hundred of them.
        let end = if rest.first() == Some(&0) { Some(0) } else { memchr::memchr(0, rest) };
        let (word, behind) = match end.and_then(|at| rest.split_at_checked(at)) {
            Some((word, behind)) => (word, behind.get(1..)),
            None => (rest, None),
        };
        self.rest = behind;
        Some(word)
    }
}
