//! The file with the engine's settings: where it is by default, and its content, if nobody else can change it.

use std::path::{Path, PathBuf};

use super::spec_dir::{FILE_BYTES_MAX, Trust, read_file};

/// Where the settings and the documents of this user are: `/etc/selfsame`, for others than root below their own
/// directory of configuration. `None`: nothing says where that is.
pub fn directory(uid: u32, config: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    if uid == 0 {
        return Some("/etc/selfsame".into());
    }
    let absolute = |path: &PathBuf| path.is_absolute();
    let base = config.filter(absolute).or_else(|| Some(home.filter(absolute)?.join(".config")));
    Some(base?.join("selfsame"))
}

/// What stands in it; `None`: it isn't there.
///
/// # Errors
/// A sentence: it can't be read, or others can change it.
pub fn read(path: &Path) -> Result<Option<Vec<u8>>, String> {
    match std::fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(super::errno::io_text(&error)),
        Ok(_) => {}
    }
    read_file(path, &Trust::own(), FILE_BYTES_MAX).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_has_etc_and_others_their_own() {
        let path = |text: &str| Some(PathBuf::from(text));
        assert_eq!(directory(0, path("/x"), path("/root")), path("/etc/selfsame"));
        assert_eq!(directory(7, path("/x"), path("/home/a")), path("/x/selfsame"));
        assert_eq!(directory(7, path("x"), path("/home/a")), path("/home/a/.config/selfsame"));
        assert_eq!(directory(7, None, None), None);
    }
}
