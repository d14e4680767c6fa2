//! Where names as given start from, asked once for a look instead of for each file.

use std::path::{Path, PathBuf};

use super::absolute;

/// The working directory, as it was when a look began.
#[derive(Clone, Debug, Default)]
pub(super) struct Here(Option<PathBuf>);

impl Here {
    pub(super) fn now() -> Self {
        Self(std::path::absolute(".").ok())
    }

    /// By name alone, as [`absolute`].
    pub(super) fn absolute(&self, name: &str) -> String {
        // There is nothing to be left out of it, as nearly always.
        if name.starts_with('/') && !name.contains("//") && !name.contains("/.") {
            return name.to_owned();
        }
        match &self.0 {
            Some(here) if !name.is_empty() => absolute(&here.join(name)),
            Some(_) | None => absolute(Path::new(name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_what_the_path_alone_would_give() {
        let here = Here::now();
        for name in [
            "/etc/a.yaml",
            "/etc/a.d/",
            "/",
            "/..",
            "/a/../b",
            "//x",
            "/a.",
            "a.yaml",
            "./a.yaml",
            "../x/./a.yaml",
            "/etc/./a.yaml",
            "specs//a.yaml",
            "",
            "a/../b",
        ] {
            assert_eq!(here.absolute(name), absolute(Path::new(name)), "{name}");
            assert_eq!(Here::default().absolute(name), absolute(Path::new(name)), "{name}");
        }
    }
}
