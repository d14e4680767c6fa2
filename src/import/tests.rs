//! What each format becomes.
