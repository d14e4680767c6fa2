//! The form of a line. What changes when an event is counted stands in front, and is always as wide.

use std::sync::LazyLock;
use std::time::Duration;

use memchr::memmem::Finder;

use crate::host::clock;
use crate::plan::event::{Event, Recorded};
use crate::units::{BootId, WallTime};

/// What stands before the last moment.
const LAST: &[u8] = b",\"last\":\"";
/// It stands within so many bytes.
const HEAD: usize = 64;

static OBJECT: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b",\"object\":\""));

/// Room for a sentence that gets longer when it is counted.
const ROOM: usize = 48;

/// The whole line, with its end.
pub(super) fn text(recorded: &Recorded) -> String {
    let room = if recorded.event.kind.tells_facts() { ROOM } else { 0 };
    with_room(bare(recorded), room)
}

/// The same in exactly so many bytes, if it has room there.
pub(super) fn of_width(recorded: &Recorded, width: usize) -> Option<String> {
    let text = bare(recorded);
    let room = width.checked_sub(text.len() + 1)?;
    Some(with_room(text, room))
}

fn with_room(mut text: String, room: usize) -> String {
    text.extend(std::iter::repeat_n(' ', room).chain(['\n']));
    text
}

fn bare(recorded: &Recorded) -> String {
    let rest = Event { pid: None, start_ticks: None, ..recorded.event.clone() };
    let rest = serde_json::to_string(&rest).unwrap_or_default();
    let millis = u64::try_from(recorded.since_boot.0.as_millis()).unwrap_or(u64::MAX);
    format!(
        "{}\"time\":\"{}\",\"bootMs\":{millis},\"boot\":\"{}\",{}",
        head(recorded),
        recorded.time.rfc3339(),
        recorded.boot,
        rest.strip_prefix('{').unwrap_or("}")
    )
}

/// Its beginning, which is written anew when it is counted.
pub(super) fn head(recorded: &Recorded) -> String {
    let or_null = |number: Option<u64>| number.map_or_else(|| "null".to_owned(), |number| number.to_string());
    let pid = recorded.event.pid.and_then(|pid| u64::try_from(pid.0).ok());
    let start = recorded.event.start_ticks.map(|ticks| ticks.0);
    format!(
        "{{\"seq\":{:>20},\"times\":{:>10},\"last\":\"{}\",\"pid\":{:>10},\"startTicks\":{:>20},",
        recorded.seq,
        recorded.times,
        recorded.last.rfc3339(),
        or_null(pid),
        or_null(start)
    )
}

/// The number of a line, without reading all of it.
pub(super) fn seq(line: &[u8]) -> Option<u64> {
    number(line, b"{\"seq\":")
}

/// How often it was counted, without reading all of it.
pub(super) fn times(line: &[u8]) -> Option<u64> {
    let at = memchr::memchr(b',', line)?;
    number(line.get(at..)?, b",\"times\":")
}

fn number(line: &[u8], before: &[u8]) -> Option<u64> {
    let rest = line.strip_prefix(before)?;
    let end = memchr::memchr(b',', rest)?;
    std::str::from_utf8(rest.get(..end)?).ok()?.trim_start().parse().ok()
}

/// The object of a line, without reading all of it; empty for none. Within texts, quotes are escaped.
pub(super) fn object(line: &[u8]) -> &str {
    let Some(at) = OBJECT.find(line) else { return "" };
    let rest = line.get(at + OBJECT.needle().len()..).unwrap_or_default();
    let end = memchr::memchr(b'"', rest).unwrap_or_default();
    rest.get(..end).and_then(|name| std::str::from_utf8(name).ok()).unwrap_or_default()
}

/// Which lines may still be counted in: of this boot, and not older than that.
pub(super) struct Recent<'b> {
    /// The oldest moment of such a line, as lines say it.
    oldest: String,
    boot: &'b BootId,
}

impl<'b> Recent<'b> {
    pub(super) fn within(age: Duration, boot: &'b BootId) -> Self {
        let oldest = clock::now().wall.0.saturating_sub(age);
        Self { oldest: WallTime(oldest).rfc3339(), boot }
    }

    /// A whole line, if it is one of them. Most are older, and a look at the moment says so without reading them.
    pub(super) fn read(&self, line: &[u8]) -> Option<Recorded> {
        let head = line.get(..HEAD.min(line.len()))?;
        let at = memchr::memmem::find(head, LAST)? + LAST.len();
        let last = line.get(at..at.checked_add(self.oldest.len())?)?;
        if last < self.oldest.as_bytes() {
            return None;
        }
        Recorded::parse(line).filter(|recorded| recorded.boot == *self.boot)
    }
}
