//! Which revision of their source documents are of.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::units::WallTime;

/// A revision of a git work tree or branch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Revision {
    /// The commit's whole name, in hexadecimal.
    pub commit: String,
    /// The branch, if one is checked out or followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The documents are not as they are in the commit.
    pub dirty: bool,
    /// Who signed it, if that was verified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// When it was committed, as the commit says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed: Option<WallTime>,
}

impl Revision {
    /// The beginning of the commit's name, as people write it.
    pub fn short(&self) -> &str {
        self.commit.get(..10).unwrap_or(&self.commit)
    }
}

impl fmt::Display for Revision {
    /// `3f2a1c9b04 (main), signed by ann@example.org, with changes that are not committed`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.short())?;
        if let Some(branch) = &self.branch {
            write!(f, " ({branch})")?;
        }
        if let Some(signer) = &self.signer {
            write!(f, ", signed by {signer}")?;
        }
        if self.dirty {
            f.write_str(", with changes that are not committed")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_said_in_one_line() {
        let plain = Revision {
            commit: "3f2a1c9b04aa0000000000000000000000000000".into(),
            branch: None,
            dirty: false,
            signer: None,
            committed: None,
        };
        let full = Revision {
            branch: Some("main".into()),
            dirty: true,
            signer: Some("ann@example.org".into()),
            ..plain.clone()
        };
        assert_eq!(plain.to_string(), "3f2a1c9b04");
        assert_eq!(
            full.to_string(),
            "3f2a1c9b04 (main), signed by ann@example.org, with changes that are not committed"
        );
    }
}
