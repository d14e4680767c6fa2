//! Paths as bytes: file names of the other side need not be UTF-8.

use super::world::Bytes;

/// What the kernel appends to the text of a magic link whose file has no name any more.
const DELETED: &[u8] = b" (deleted)";

/// The part after the last `/`.
pub fn base_name(path: &[u8]) -> &[u8] {
    path.rsplit(|b| *b == b'/').next().unwrap_or_default()
}

/// The part before the last `/`: `/` for files of the root directory, empty without any `/`.
pub fn parent(path: &[u8]) -> &[u8] {
    match path.iter().rposition(|b| *b == b'/') {
        Some(0) => b"/",
        Some(at) => path.get(..at).unwrap_or_default(),
        None => b"",
    }
}

/// Whether it begins at the root directory.
pub fn is_absolute(path: &[u8]) -> bool {
    path.first() == Some(&b'/')
}

/// `path` taken relative to `directory`; an absolute one stays what it is.
pub fn join(directory: &[u8], path: &[u8]) -> Vec<u8> {
    if is_absolute(path) {
        return path.to_vec();
    }
    let mut joined = directory.to_vec();
    if joined.last() != Some(&b'/') {
        joined.push(b'/');
    }
    joined.extend_from_slice(path);
    joined
}

/// Without empty and `.` components. `..` stays: what it leads to depends on links.
pub fn tidy(path: &[u8]) -> Vec<u8> {
    let mut tidied = Vec::with_capacity(path.len());
    for part in path.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".") {
        if is_absolute(path) || !tidied.is_empty() {
            tidied.push(b'/');
        }
        tidied.extend_from_slice(part);
    }
    if tidied.is_empty() && is_absolute(path) {
        tidied.push(b'/');
    }
    tidied
}

/// Whether `path` is `directory` or lies below it, by components: `/opt/app` covers not `/opt/app2`. Nothing lies below an
/// empty name, which is what an unset variable leaves of one.
pub fn is_under(path: &[u8], directory: &[u8]) -> bool {
    let (path, directory) = (tidy(path), tidy(directory));
    if directory.is_empty() {
        return false;
    }
    if directory == b"/" {
        return is_absolute(&path);
    }
    match path.strip_prefix(directory.as_slice()) {
        Some(rest) => rest.is_empty() || rest.first() == Some(&b'/'),
        None => false,
    }
}

/// The text of a magic link without the kernel's mark, if it has one.
pub fn strip_deleted(text: &[u8]) -> Option<&[u8]> {
    text.strip_suffix(DELETED)
}

/// For messages: readable, and never a line break or an escape sequence of a terminal.
pub fn show(path: &[u8]) -> String {
    String::from_utf8_lossy(path)
        .chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect::<Vec<_>>() } else { vec![c] })
        .collect()
}

/// Shared bytes from any.
pub fn shared(bytes: impl AsRef<[u8]>) -> Bytes {
    Bytes::from(bytes.as_ref())
}

/// The family of a program: its base name without version and login dash, `python3.11` is `python`.
pub fn family(name: &[u8]) -> &[u8] {
    let name = base_name(name);
    let name = name.strip_prefix(b"-").unwrap_or(name);
    let end =
        name.iter().rposition(|b| !(b.is_ascii_digit() || matches!(b, b'.' | b'-'))).map_or(0, |at| at + 1);
    match name.get(..end) {
        Some(stem) if !stem.is_empty() => stem,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_goes_by_components() {
        for (path, directory, expected) in [
            ("/opt/app", "/opt/app", true),
            ("/opt/app/x", "/opt/app", true),
            ("/opt/app2", "/opt/app", false),
            ("/opt//app/./x", "/opt/app/", true),
            ("/x", "/", true),
            ("x", "/", false),
            ("/opt", "/opt/app", false),
            // It was true of every path.
            ("/opt", "", false),
            ("/opt", ".", false),
            ("/opt", "opt", false),
            ("opt/app", "opt", true),
        ] {
            assert_eq!(is_under(path.as_bytes(), directory.as_bytes()), expected, "{path} under {directory}");
        }
    }

    #[test]
    fn paths_are_taken_apart_and_put_together() {
        assert_eq!(base_name(b"/usr/bin/x"), b"x");
        assert_eq!(base_name(b"x"), b"x");
        assert_eq!(parent(b"/usr/bin/x"), b"/usr/bin");
        assert_eq!(parent(b"/x"), b"/");
        assert_eq!(parent(b"x"), b"");
        assert_eq!(join(b"/a", b"b"), b"/a/b");
        assert_eq!(join(b"/", b"b"), b"/b");
        assert_eq!(join(b"/a", b"/b"), b"/b");
        assert_eq!(tidy(b"/a//./b/"), b"/a/b");
        assert_eq!(tidy(b"/"), b"/");
        assert_eq!(strip_deleted(b"/x (deleted)"), Some(&b"/x"[..]));
        assert_eq!(show(b"/a\n\x1b"), "/a\\n\\u{1b}");
    }

    #[test]
    fn a_family_has_no_version() {
        for (name, expected) in [
            ("/usr/bin/python3.11", "python"),
            ("python3", "python"),
            ("-bash", "bash"),
            ("tclsh8.6", "tclsh"),
            ("php8.2", "php"),
            ("php-fpm8.2", "php-fpm"),
            ("7", "7"),
            ("ruby3.1", "ruby"),
            ("lua5.4", "lua"),
        ] {
            let shown = String::from_utf8_lossy(family(name.as_bytes())).into_owned();
            assert_eq!(shown, expected, "{name}");
        }
    }
}
