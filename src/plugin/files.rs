//! Granted files.

use globset::{GlobBuilder, GlobMatcher};

use super::ask::Reply;
use super::limits::FILE_MAX;
use crate::facts::{Fact, FileKind};
use crate::process::world::{Root, World};

/// Whether a text is a pattern of absolute paths.
pub(super) fn is_pattern(text: &str) -> bool {
    is_clean(text.as_bytes()) && glob(text).is_some()
}

fn glob(text: &str) -> Option<GlobMatcher> {
    // A star stays inside of a directory.
    let built = GlobBuilder::new(text).literal_separator(true).backslash_escape(true).build();
    built.ok().map(|glob| glob.compile_matcher())
}

/// Absolute, and without parts that lead elsewhere than they say.
fn is_clean(path: &[u8]) -> bool {
    let Some(rest) = path.strip_prefix(b"/") else { return false };
    !path.contains(&0) && rest.split(|byte| *byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
}

/// The files that a plugin may see.
#[derive(Clone, Debug, Default)]
pub(super) struct Files(Vec<GlobMatcher>);

impl Files {
    pub(super) fn new(patterns: &[String]) -> Self {
        Self(patterns.iter().filter_map(|pattern| glob(pattern)).collect())
    }

    fn granted(&self, path: &[u8]) -> bool {
        use std::os::unix::ffi::OsStrExt;
        let name = std::path::Path::new(std::ffi::OsStr::from_bytes(path));
        is_clean(path) && self.0.iter().any(|glob| glob.is_match(name))
    }

    /// The content of a file. A link is followed only to what is granted as well, so that whoever can write into a granted
    /// directory can't show the plugin a file elsewhere. A file over the limit is not shown in part.
    pub(super) fn read(&self, world: &dyn World, path: &[u8]) -> Reply {
        if !self.granted(path) {
            return Reply::NotGranted;
        }
        let real = match world.file(Root::Engine, path) {
            Fact::Known(facts) if facts.kind == FileKind::Regular => facts.real,
            Fact::Known(_) | Fact::Unknown(_) => return Reply::Unreadable,
            Fact::Absent => return Reply::NotThere,
        };
        if !self.granted(&real) {
            return Reply::NotGranted;
        }
        match world.content(&real, FILE_MAX + 1) {
            Fact::Known(content) if content.len() <= FILE_MAX => Reply::Bytes(content.to_vec()),
            Fact::Known(_) | Fact::Unknown(_) => Reply::Unreadable,
            Fact::Absent => Reply::NotThere,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_absolute_and_leads_where_it_says() {
        for good in ["/etc/app.conf", "/etc/app/*.conf", "/srv/**/version", "/etc/{a,b}"] {
            assert!(is_pattern(good), "{good}");
        }
        for bad in ["etc/app", "", "/", "/etc/../shadow", "/etc//x", "/etc/./x", "/etc/", "/etc/[", "/a\0b"] {
            assert!(!is_pattern(bad), "{bad}");
        }
    }

    #[test]
    fn a_star_stays_in_its_directory() {
        let files = Files::new(&["/etc/app/*.conf".to_owned()]);
        assert!(files.granted(b"/etc/app/x.conf"));
        for other in [
            "/etc/app/x/y.conf",
            "/etc/app/../app/x.conf",
            "/etc/app//x.conf",
            "etc/app/x.conf",
            "/etc/shadow",
        ] {
            assert!(!files.granted(other.as_bytes()), "{other}");
        }
    }
}
