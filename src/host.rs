//! The one door to the operating system. Nothing in here decides anything.
//!
//! Floor 6.

#![allow(
    clippy::disallowed_methods,
    reason = "this is the module that may read clocks and files and start processes"
)]

pub mod abilities;
pub mod accounts;
mod adjust;
pub mod aside;
pub mod atomic;
pub mod become_program;
mod boot;
pub mod checked;
pub mod clock;
pub mod commands;
pub mod conditions;
pub mod control;
pub mod doctor;
pub mod errno;
pub mod events;
pub mod executable;
pub mod exits;
pub mod failpoint;
pub mod farewell;
mod files;
#[doc(hidden)]
pub mod fuzzing;
pub mod git;
mod given;
pub mod good_texts;
pub mod groups;
pub mod held_plans;
pub mod history;
pub mod imagined;
mod import_files;
mod known_host;
pub mod ledger;
pub mod linux;
pub mod log_lines;
mod look;
pub mod name_service;
pub mod notify;
pub mod outlets;
pub mod output;
mod outside;
pub mod own_limits;
pub mod patience;
pub mod pidfile;
pub mod pidfs;
pub mod policies_file;
pub mod policy;
pub mod presence;
pub mod probe;
pub mod proc;
pub mod process_events;
mod rewrite;
pub mod say;
pub mod scrape;
mod seam;
mod secrets;
pub mod settings_file;
pub mod shelf;
pub mod signal;
mod sockets;
pub mod spawn;
pub mod spec_dir;
pub mod stack;
pub mod start_lock;
pub mod state_dir;
pub mod stored_plan;
pub mod superior;
pub mod table;
pub mod takeover;
#[cfg(test)]
pub(crate) mod testing;
pub mod usage;
mod versioned;
pub mod wake;
pub mod walk;
pub mod watched;
mod way;
mod work_tree;
pub mod writers;

pub use files::{
    caller, create_directory, create_text, exists, files_in, host_name, is_directory, is_init, is_special,
    make_directories, own_pid, own_uid, person, program_identity, read_bytes, read_text, real_path,
};
pub use import_files::ImportFiles;
pub use known_host::known_host;
pub use linux::{HostOptions, LinuxHost, OpenError};
pub use rewrite::replace_text;
pub use seam::Host;
