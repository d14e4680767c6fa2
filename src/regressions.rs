//! How the properties of the tests in here are tried: what failed once is kept below `tests/regressions`, and comes first from then on.

use proptest::test_runner::{Config, FileFailurePersistence};

/// With as many cases as is usual.
pub(crate) fn config() -> Config {
    Config::with_failure_persistence(FileFailurePersistence::SourceParallel("tests/regressions"))
}

/// With so many cases.
pub(crate) fn cases(cases: u32) -> Config {
    Config { cases, ..config() }
}
