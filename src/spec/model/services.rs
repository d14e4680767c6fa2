//! Services by name: a value that costs nothing to copy, and whose versions are compared by what differs.

use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::sync::Arc;

use super::{Service, ServiceName};
use crate::sharing::{SharedMap, Told};

/// Services by name.
pub type Services = SharedMap<ServiceName, Arc<Service>, Origins>;

/// What is so of the Services of a part, so that whoever looks for some passes over all other parts.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origins {
    /// The files that they come from.
    pub files: FileMarks,
    /// One of them watches files.
    pub watches: bool,
    /// One of them had another name before.
    pub is_renamed: bool,
}

/// Files, each by one of a few marks: small enough to lie in the part itself, where there are hundreds of these, and true of some
/// others as well.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct FileMarks(u128);

impl FileMarks {
    fn mark(file: &str) -> u128 {
        1 << (BuildHasherDefault::<DefaultHasher>::default().hash_one(file) % u64::from(u128::BITS))
    }

    /// Whether this may be one of them.
    pub fn may_contain(self, file: &str) -> bool {
        self.0 & Self::mark(file) != 0
    }
}

impl<'a> FromIterator<&'a str> for FileMarks {
    fn from_iter<I: IntoIterator<Item = &'a str>>(files: I) -> Self {
        Self(files.into_iter().map(Self::mark).fold(0, std::ops::BitOr::bitor))
    }
}

impl Told<ServiceName, Arc<Service>> for Origins {
    fn of(rows: &[(ServiceName, Arc<Service>)]) -> Self {
        Self {
            files: rows.iter().map(|(_, service)| &*service.origin.file).collect(),
            is_renamed: rows.iter().any(|(_, service)| service.previous_name.is_some()),
            watches: rows.iter().any(|(_, service)| !service.update.watch_files.is_empty()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_by_their_marks_leave_none_out_and_rule_most_others_out() {
        let name = |number: usize| format!("/etc/selfsame/specs/{number}.yaml");
        let names: Vec<String> = (0..12).map(name).collect();
        let files: FileMarks = names.iter().map(String::as_str).collect();
        assert!(names.iter().all(|name| files.may_contain(name)));
        let others = (12..1012).filter(|number| files.may_contain(&name(*number))).count();
        assert!((1..200).contains(&others), "{others} of 1000");
    }
}
