//! Bytes that come in pieces, as lines.

/// A line is longer than is taken. Nothing more comes out then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TooLong;

/// What has come and was not taken yet.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Lines {
    bytes: Vec<u8>,
    /// Up to here there is no line feed.
    searched: usize,
}

impl Lines {
    /// More has come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A line that was taken comes first again.
    pub fn put_back(&mut self, line: &[u8]) {
        self.bytes.splice(..0, line.iter().copied().chain([b'\n']));
        self.searched = 0;
    }

    /// Whether all of a line has come.
    pub fn has_line(&self) -> bool {
        memchr::memchr(b'\n', self.bytes.get(self.searched..).unwrap_or_default()).is_some()
    }

    /// The next line without its line feed, if all of it has come.
    ///
    /// # Errors
    /// It has more than `most` bytes.
    pub fn next(&mut self, most: usize) -> Result<Option<Vec<u8>>, TooLong> {
        let unseen = self.bytes.get(self.searched..).unwrap_or_default();
        match memchr::memchr(b'\n', unseen) {
            Some(at) if self.searched + at > most => Err(TooLong),
            Some(at) => {
                let end = self.searched + at;
                let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
                line.pop();
                self.searched = 0;
                Ok(Some(line))
            }
            None if self.bytes.len() > most => Err(TooLong),
            None => {
                self.searched = self.bytes.len();
                Ok(None)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use proptest::prelude::*;

    use super::*;

    const MOST: usize = 8;

    fn all(pieces: &[&[u8]]) -> (Vec<Vec<u8>>, bool) {
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.push(piece);
            loop {
                match lines.next(MOST) {
                    Ok(Some(line)) => found.push(line),
                    Ok(None) => break,
                    Err(TooLong) => return (found, true),
                }
            }
        }
        (found, false)
    }

    #[test]
    fn a_line_may_have_so_many_bytes_and_no_more() {
        assert_eq!(all(&[b"12345678\n"]), (vec![b"12345678".to_vec()], false));
        assert_eq!(all(&[b"123456789\n"]), (vec![], true));
        assert_eq!(all(&[b"1234", b"5678", b"9"]), (vec![], true), "before its end has come");
        assert_eq!(all(&[b"a\n\nb", b"c\n"]), (vec![b"a".to_vec(), vec![], b"bc".to_vec()], false));
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        /// However it is cut, the same lines come out.
        #[test]
        fn pieces_make_no_difference(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..64), size in 1..9usize) {
            let pieces: Vec<&[u8]> = bytes.chunks(size).collect();
            let (cut, cut_long) = all(&pieces);
            let (whole, whole_long) = all(&[&bytes]);
            prop_assert_eq!(cut, whole);
            prop_assert_eq!(cut_long, whole_long);
        }
    }
}
