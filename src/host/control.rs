//! The control socket of a running watch: `run/control`, a Unix stream socket. Lines of JSON go both ways.
//!
//! ```text
//! verb: Line --connect--> [ accept: who is it? how many has its user? ] --> Guest
//!        |                                                                    | Lines: bytes --> one line at a time
//!        |<-- Answer: {"version":1,"id":7,"reply":...} <-- engine <-- Call: {"version":1,"id":7,"ask":...}
//! ```
//!
//! Whoever connects is believed in nothing but what the kernel says of it. What it sends is bounded in size and in time,
//! and so is what waits for it to be read. Nothing in here ever waits: all of it hangs in an epoll of its own, which is part
//! of the loop's.

mod door;
mod guest;
mod line;
mod lines;
mod pace;
mod peer;
mod protocol;
mod server;

pub use line::{Line, LineError};
pub use lines::{Lines, TooLong};
pub use peer::{Peer, Rights};
pub use protocol::{
    Answer, Ask, Call, Documents, EventsWanted, Explained, ExplainedPolicy, Hello, HistoryWanted, Refusal,
    Reply, Told, ToldEvents, Unsettled, VERSION, call, reply_line,
};
pub use server::{Asked, Bell, Control, Token};
