//! How many of what, in words.

use std::fmt::Display;

/// `1 look`, `2 looks`, `1 process`, `0 processes`: `word` is the singular of a regular noun.
pub fn counted<N: Copy + Display + PartialEq + From<u8>>(count: N, word: &str) -> String {
    let ending = if count == N::from(1) {
        ""
    } else if word.ends_with('s') {
        "es"
    } else {
        "s"
    };
    format!("{count} {word}{ending}")
}

/// `1 of 1 object is`, `1 of 2 objects are`: the beginning of a sentence about some of all.
pub fn some_of<N: Copy + Display + PartialEq + From<u8>>(some: N, all: N, word: &str) -> String {
    let verb = if all == N::from(1) { "is" } else { "are" };
    format!("{some} of {} {verb}", counted(all, word))
}

#[cfg(test)]
mod tests {
    use super::{counted, some_of};

    #[test]
    fn one_is_not_said_as_several() {
        assert_eq!([0, 1, 2].map(|n| counted::<u32>(n, "look")), ["0 looks", "1 look", "2 looks"]);
        assert_eq!([1, 12].map(|n| counted::<u64>(n, "process")), ["1 process", "12 processes"]);
        assert_eq!(some_of::<u32>(1, 1, "object"), "1 of 1 object is");
        assert_eq!(some_of::<u32>(1, 2, "object"), "1 of 2 objects are");
    }
}
