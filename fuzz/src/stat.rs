//! `/proc/PID/stat`: the same as the `procfs` crate where both accept the line.

use procfs::FromRead as _;
use selfsame::host::proc::parse::parse_stat;

const PAGE: u64 = 4096;

pub fn check(data: &[u8]) {
    let Some(ours) = parse_stat(data, PAGE) else { return };
    assert!(data.windows(ours.comm.len() + 2).any(|part| part == [b"(", &*ours.comm, b")"].concat()));
    // It reads names as text, and panics where that isn't ASCII or where nothing stands around the parentheses.
    let text = std::str::from_utf8(data).unwrap_or_default().trim();
    if !text.is_ascii()
        || text.starts_with('(')
        || text.rfind(')').is_none_or(|at| !text[at..].starts_with(") "))
    {
        return;
    }
    let Ok(theirs) = procfs::process::Stat::from_read(data) else { return };
    assert_eq!(std::str::from_utf8(&ours.comm), Ok(theirs.comm.as_str()));
    assert_eq!(ours.ppid.0, theirs.ppid);
    assert_eq!((ours.pgid.0, ours.sid.0, ours.tpgid), (theirs.pgrp, theirs.session, theirs.tpgid));
    assert_eq!(ours.tty, theirs.tty_nr.cast_unsigned());
    assert_eq!(ours.flags, theirs.flags);
    assert_eq!(ours.cpu_ticks[..2], [theirs.utime, theirs.stime]);
    let of_children = [theirs.cutime, theirs.cstime].map(|ticks| u64::try_from(ticks).unwrap_or(0));
    assert_eq!(ours.cpu_ticks[2..], of_children);
    assert_eq!((ours.priority, ours.nice, ours.threads), (theirs.priority, theirs.nice, theirs.num_threads));
    assert_eq!((ours.start.0, ours.vsize), (theirs.starttime, theirs.vsize));
    // It reads the number of pages without a sign.
    if let Ok(pages) = i64::try_from(theirs.rss) {
        assert_eq!(ours.rss, u64::try_from(pages).unwrap_or(0).saturating_mul(PAGE));
    }
    assert_eq!((Some(ours.rt_priority), Some(ours.policy)), (theirs.rt_priority, theirs.policy));
    assert_eq!((Some(ours.arg_range.0), Some(ours.arg_range.1)), (theirs.arg_start, theirs.arg_end));
}
