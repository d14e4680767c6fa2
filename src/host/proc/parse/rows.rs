//! Small tables and single numbers: `/proc/PID/limits`, `/proc/PID/io`, `smaps_rollup`,
//! `oom_score`, `loginuid`.

use std::collections::BTreeMap;
use std::str::FromStr;

use super::{lines, number, split_once, words};
use crate::facts::{IoCounts, LimitPair, MemoryUse};

/// The kernel's labels and the names of `setrlimit(2)` in lower case.
const LIMITS: [(&str, &str); 16] = [
    ("Max cpu time", "cpu"),
    ("Max file size", "fsize"),
    ("Max data size", "data"),
    ("Max stack size", "stack"),
    ("Max core file size", "core"),
    ("Max resident set", "rss"),
    ("Max processes", "nproc"),
    ("Max open files", "nofile"),
    ("Max locked memory", "memlock"),
    ("Max address space", "as"),
    ("Max file locks", "locks"),
    ("Max pending signals", "sigpending"),
    ("Max msgqueue size", "msgqueue"),
    ("Max nice priority", "nice"),
    ("Max realtime priority", "rtprio"),
    ("Max realtime timeout", "rttime"),
];

/// Reads `/proc/PID/limits` (`proc_pid_limits(5)`). Rows of limits that are not in `setrlimit(2)` are left out.
pub fn parse_limits(bytes: &[u8]) -> Option<BTreeMap<&'static str, LimitPair>> {
    let mut rows = BTreeMap::new();
    for line in lines(bytes) {
        let row = LIMITS.iter().find_map(|(label, name)| Some((*name, line.strip_prefix(label.as_bytes())?)));
        if let Some((name, values)) = row {
            let mut values = words(values);
            rows.insert(name, LimitPair { soft: limit(values.next()?)?, hard: limit(values.next()?)? });
        }
    }
    (!rows.is_empty()).then_some(rows)
}

#[allow(clippy::option_option, reason = "the outer one is malformed, the inner one unlimited")]
fn limit(word: &[u8]) -> Option<Option<u64>> {
    if word == b"unlimited" { Some(None) } else { number(word).map(Some) }
}

/// Reads `/proc/PID/io` (`proc_pid_io(5)`).
pub fn parse_io(bytes: &[u8]) -> Option<IoCounts> {
    let value = |name: &[u8]| {
        let mut rows = lines(bytes).filter_map(|line| split_once(line, b':'));
        rows.find_map(|(key, value)| (key == name).then_some(value))
            .and_then(|value| number(value.trim_ascii()))
    };
    Some(IoCounts {
        read_bytes: value(b"read_bytes")?,
        write_bytes: value(b"write_bytes")?,
        read_chars: value(b"rchar")?,
        write_chars: value(b"wchar")?,
        read_calls: value(b"syscr")?,
        write_calls: value(b"syscw")?,
    })
}

/// Reads `MemTotal` of `/proc/meminfo` (`proc_meminfo(5)`), in bytes.
pub fn parse_memory_total(bytes: &[u8]) -> Option<u64> {
    let mut rows = lines(bytes).filter_map(|line| split_once(line, b':'));
    let (_, value) = rows.find(|(key, _)| *key == b"MemTotal")?;
    let kibibytes = number::<u64>(value.trim_ascii().strip_suffix(b" kB")?.trim_ascii())?;
    kibibytes.checked_mul(1024)
}

/// Reads `/proc/PID/smaps_rollup` (`proc_pid_smaps(5)`); its numbers are in KiB. Rows that an older kernel lacks
/// (`Private_Hugetlb`) count as nothing, `Pss` must be there.
pub fn parse_smaps_rollup(bytes: &[u8]) -> Option<MemoryUse> {
    let mut pss = None;
    let mut uss = 0_u64;
    for line in lines(bytes) {
        let Some((label, value)) = split_once(line, b':') else { continue };
        let kib = || number::<u64>(words(value).next()?)?.checked_mul(1024);
        match label {
            b"Pss" => pss = Some(kib()?),
            b"Private_Clean" | b"Private_Dirty" | b"Private_Hugetlb" => uss = uss.checked_add(kib()?)?,
            _ => {}
        }
    }
    pss.map(|pss| MemoryUse { pss, uss })
}

/// A file that holds one number.
pub fn parse_number<T: FromStr>(bytes: &[u8]) -> Option<T> {
    number(bytes.trim_ascii())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits_are_named_as_in_setrlimit() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
            Max cpu time              unlimited            unlimited            seconds   \n\
            Max core file size        0                    unlimited            bytes     \n\
            Max open files            1024                 524288               files     \n\
            Max nice priority         0                    0                    \n";
        let limits = parse_limits(text.as_bytes()).unwrap();
        assert_eq!(limits.get("cpu"), Some(&LimitPair { soft: None, hard: None }));
        assert_eq!(limits.get("core"), Some(&LimitPair { soft: Some(0), hard: None }));
        assert_eq!(limits.get("nofile"), Some(&LimitPair { soft: Some(1024), hard: Some(524_288) }));
        assert_eq!(limits.get("nice"), Some(&LimitPair { soft: Some(0), hard: Some(0) }));
        assert_eq!(parse_limits(b"Max open files x y\n"), None);
        assert_eq!(parse_limits(b""), None);
    }

    #[test]
    fn the_memory_of_the_host_is_a_row_of_many() {
        let text = b"MemTotal:       16384 kB\nMemFree:        1 kB\n";
        assert_eq!(parse_memory_total(text), Some(16 << 20));
        for bad in [b"MemFree: 1 kB\n".as_slice(), b"MemTotal: x kB\n", b"MemTotal: 1\n", b""] {
            assert_eq!(parse_memory_total(bad), None);
        }
    }

    #[test]
    fn io_counts_storage_and_calls_apart() {
        let text = b"rchar: 1\nwchar: 2\nsyscr: 3\nsyscw: 4\nread_bytes: 5\nwrite_bytes: 6\ncancelled_write_bytes: 7\n";
        assert_eq!(
            parse_io(text),
            Some(IoCounts {
                read_bytes: 5,
                write_bytes: 6,
                read_chars: 1,
                write_chars: 2,
                read_calls: 3,
                write_calls: 4,
            })
        );
        assert_eq!(parse_io(b"read_bytes: 5\nwrite_bytes: 6\n"), None);
        // The parser of the procfs crate, which was used here, panicked on this.
        assert_eq!(parse_io("read_bytes: 5\n00:\u{3dd}\u{159}s\u{159} 1\n".as_bytes()), None);
    }

    #[test]
    fn memory_is_summed_from_what_is_private() {
        let text = "55d0-7ffd ---p 00000000 00:00 0                          [rollup]\n\
            Rss:                1500 kB\nPss:                 700 kB\nPss_Anon:            300 kB\n\
            Shared_Clean:        900 kB\nPrivate_Clean:       100 kB\nPrivate_Dirty:       400 kB\n\
            Private_Hugetlb:    2048 kB\nSwapPss:              50 kB\n";
        let use_of = |pss: u64, uss: u64| Some(MemoryUse { pss: pss << 10, uss: uss << 10 });
        assert_eq!(parse_smaps_rollup(text.as_bytes()), use_of(700, 2548));
        assert_eq!(parse_smaps_rollup(b"Pss: 1 kB\n"), use_of(1, 0));
        assert_eq!(parse_smaps_rollup(b"Pss: x kB\n"), None);
        assert_eq!(parse_smaps_rollup(b""), None);
    }

    #[test]
    fn numbers_stand_alone() {
        assert_eq!(parse_number::<u32>(b"4294967295"), Some(u32::MAX));
        assert_eq!(parse_number::<i64>(b"-1000\n"), Some(-1000));
        assert_eq!(parse_number::<i64>(b"1 2\n"), None);
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn no_bytes_make_it_panic(bytes in "(Max (open files|cpu time)|Pss:|Private_Dirty:)?[ 0-9a-z:_\\n]{0,60}") {
            let bytes = bytes.as_bytes();
            let _ = (parse_limits(bytes), parse_io(bytes), parse_smaps_rollup(bytes));
        }
    }
}
