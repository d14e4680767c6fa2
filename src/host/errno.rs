//! Errors of system calls in words.

use std::io;

use nix::errno::Errno;

/// `no such file or directory (ENOENT)`
pub fn errno_text(errno: i32) -> String {
    let known = Errno::from_raw(errno);
    if known == Errno::UnknownErrno {
        return format!("error {errno}");
    }
    let text = known.desc();
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_ascii_lowercase()).into_iter();
    format!("{} ({known:?})", first.chain(letters).collect::<String>())
}

/// The same for an error of the standard library.
pub fn io_text(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), errno_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_words_with_their_names() {
        assert_eq!(errno_text(libc::ENOENT), "no such file or directory (ENOENT)");
        assert_eq!(errno_text(99_999), "error 99999");
        assert_eq!(io_text(&io::Error::from_raw_os_error(libc::EACCES)), "permission denied (EACCES)");
    }
}
