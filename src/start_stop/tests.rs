//! Criteria and the expression that is shown for them say the same.
