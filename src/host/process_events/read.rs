//! The messages of the process connector: `struct nlmsghdr`, `struct cn_msg` (`include/uapi/linux/connector.h`), and
//! `struct proc_event` (`include/uapi/linux/cn_proc.h`), all in the machine's byte order.

use crate::units::Pid;

/// `CN_IDX_PROC` and `CN_VAL_PROC`: the connector, and its netlink group.
pub(super) const GROUP: u32 = 1;
const VALUE: u32 = 1;
/// `NLMSG_DONE`: what connectors send.
const DONE: u16 = 3;
/// Sizes of `nlmsghdr`, of `cn_msg`, and of what stands before the union of `proc_event`.
const NETLINK: usize = 16;
const CONNECTOR: usize = 20;
const EVENT: usize = 16;
/// All that stands before what is particular to an event.
pub(super) const HEADERS: usize = NETLINK + CONNECTOR + EVENT;

/// One thing that a process (never only a thread of it) did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProcessEvent {
    /// It came to be.
    Fork {
        /// Who forked.
        parent: Pid,
        /// The new one.
        child: Pid,
    },
    /// It executes another program.
    Exec {
        /// Which.
        pid: Pid,
    },
    /// Its users or groups changed.
    Ids {
        /// Which.
        pid: Pid,
    },
    /// It leads a new session.
    Session {
        /// Which.
        pid: Pid,
    },
    /// It took another name (`PR_SET_NAME`, or `/proc/PID/comm`).
    Name {
        /// Which.
        pid: Pid,
    },
    /// It is gone, all threads of it.
    Exit {
        /// Which.
        pid: Pid,
    },
}

impl ProcessEvent {
    /// Whom it is about; of a fork, the new one.
    pub fn pid(&self) -> Pid {
        match self {
            Self::Fork { child: pid, .. }
            | Self::Exec { pid }
            | Self::Ids { pid }
            | Self::Session { pid }
            | Self::Name { pid }
            | Self::Exit { pid } => *pid,
        }
    }

    /// In a word.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Fork { .. } => "fork",
            Self::Exec { .. } => "exec",
            Self::Ids { .. } => "ids",
            Self::Session { .. } => "session",
            Self::Name { .. } => "name",
            Self::Exit { .. } => "exit",
        }
    }
}

/// Asks the kernel to tell (`PROC_CN_MCAST_LISTEN`) or to stop it (`PROC_CN_MCAST_IGNORE`). Its answer goes to everybody who
/// listens, and bears the mark of whoever wished, plus one.
pub(super) fn wish(listen: bool, mark: u32) -> Vec<u8> {
    let operation: u32 = if listen { 1 } else { 2 };
    let length = u32::try_from(NETLINK + CONNECTOR + 4).unwrap_or_default();
    let mut message = length.to_ne_bytes().to_vec();
    message.extend([DONE, 0].into_iter().flat_map(u16::to_ne_bytes));
    // Sequence and port of netlink; identity, sequence and acknowledgement of the connector.
    message.extend([0, 0, GROUP, VALUE, 0, mark].into_iter().flat_map(u32::to_ne_bytes));
    message.extend([4u16, 0].into_iter().flat_map(u16::to_ne_bytes));
    message.extend(operation.to_ne_bytes());
    message
}

/// Whether this is the kernel's answer to the wish with this mark: an event of no kind, without an error. Somebody else's wish
/// may be granted while ours is passed over in silence, as in a PID namespace.
pub(super) fn is_answer(message: &[u8], mark: u32) -> bool {
    parts(message).any(|part| {
        word(part, NETLINK + 12) == Some(mark.wrapping_add(1))
            && word(part, NETLINK + CONNECTOR) == Some(0)
            && word(part, HEADERS) == Some(0)
    })
}

/// What a message tells. Events of threads, and kinds that say nothing about identity, are left out.
pub fn events_of(message: &[u8]) -> impl Iterator<Item = ProcessEvent> {
    parts(message).filter_map(event)
}

/// The netlink messages in a datagram.
fn parts(message: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = message;
    std::iter::from_fn(move || {
        let length = usize::try_from(word(rest, 0)?).ok()?;
        let part = rest.get(..length).filter(|part| part.len() >= NETLINK)?;
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(part)
    })
    .filter(|part| word(part, NETLINK) == Some(GROUP) && word(part, NETLINK + 4) == Some(VALUE))
}

fn event(part: &[u8]) -> Option<ProcessEvent> {
    let number = |index: usize| word(part, HEADERS + 4 * index);
    let pid = |index: usize| Some(Pid(i32::try_from(number(index)?).ok()?));
    // Of a thread both differ: the first is its own number, the second that of its process.
    let leader = || (pid(0)? == pid(1)?).then(|| pid(1)).flatten();
    match word(part, NETLINK + CONNECTOR)? {
        0x0000_0001 if pid(2)? == pid(3)? => Some(ProcessEvent::Fork { parent: pid(1)?, child: pid(3)? }),
        // After an exec there is only one thread, and it has the number of the process.
        0x0000_0002 => Some(ProcessEvent::Exec { pid: pid(1)? }),
        0x0000_0004 | 0x0000_0040 => Some(ProcessEvent::Ids { pid: pid(1)? }),
        0x0000_0080 => Some(ProcessEvent::Session { pid: pid(1)? }),
        0x0000_0200 => Some(ProcessEvent::Name { pid: leader()? }),
        0x8000_0000 => Some(ProcessEvent::Exit { pid: leader()? }),
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARK: u32 = u32::MAX;

    /// As the kernel writes it, to whoever wished with this mark.
    fn message(what: u32, numbers: &[u32]) -> Vec<u8> {
        let length = HEADERS + 4 * numbers.len();
        let mut bytes = u32::try_from(length).unwrap_or_default().to_ne_bytes().to_vec();
        bytes.extend([DONE, 0].into_iter().flat_map(u16::to_ne_bytes));
        bytes.extend([7, 0, GROUP, VALUE, 7, MARK.wrapping_add(1)].into_iter().flat_map(u32::to_ne_bytes));
        bytes.extend([40u16, 0].into_iter().flat_map(u16::to_ne_bytes));
        bytes.extend([what, 0, 0, 0].into_iter().flat_map(u32::to_ne_bytes));
        bytes.extend(numbers.iter().flat_map(|number| number.to_ne_bytes()));
        bytes
    }

    #[test]
    fn each_kind_is_read_and_threads_are_left_out() {
        let rows: &[(u32, &[u32], &str)] = &[
            (1, &[10, 10, 20, 20], "Some(Fork { parent: Pid(10), child: Pid(20) })"),
            (1, &[11, 10, 20, 20], "Some(Fork { parent: Pid(10), child: Pid(20) })"),
            (1, &[10, 10, 12, 10], "None"),
            (2, &[20, 20], "Some(Exec { pid: Pid(20) })"),
            (4, &[20, 20, 0, 33], "Some(Ids { pid: Pid(20) })"),
            (0x40, &[20, 20, 0, 33], "Some(Ids { pid: Pid(20) })"),
            (0x80, &[20, 20], "Some(Session { pid: Pid(20) })"),
            (0x200, &[20, 20, 0, 0, 0, 0], "Some(Name { pid: Pid(20) })"),
            (0x200, &[21, 20, 0, 0, 0, 0], "None"),
            (0x8000_0000, &[20, 20, 0, 17, 1, 1], "Some(Exit { pid: Pid(20) })"),
            (0x8000_0000, &[21, 20, 0, 17, 1, 1], "None"),
            (0x100, &[20, 20, 1, 1], "None"),
            (0, &[0], "None"),
        ];
        for (what, numbers, expected) in rows {
            let found = events_of(&message(*what, numbers)).next();
            assert_eq!(&format!("{found:?}"), expected, "{what:#x}");
        }
    }

    #[test]
    fn an_answer_is_told_from_a_refusal_and_from_events() {
        assert!(is_answer(&message(0, &[0]), MARK));
        assert!(!is_answer(&message(0, &[0]), 1), "of somebody else");
        assert!(!is_answer(&message(0, &[1]), MARK));
        assert!(!is_answer(&message(2, &[0, 0]), MARK));
    }

    #[test]
    fn pieces_and_strangers_say_nothing() {
        let whole = message(2, &[20, 20]);
        for length in 0..whole.len() {
            assert_eq!(events_of(whole.get(..length).unwrap_or_default()).next(), None, "{length}");
        }
        let mut other = whole.clone();
        other.splice(NETLINK..NETLINK + 4, 9u32.to_ne_bytes());
        assert_eq!(events_of(&other).next(), None);
        let two = [whole.clone(), whole].concat();
        assert_eq!(events_of(&two).count(), 2);
    }

    #[test]
    fn a_length_of_nothing_ends_the_reading() {
        assert_eq!(events_of(&[0; 64]).count(), 0);
    }
}
