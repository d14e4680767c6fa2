//! `/proc/PID/status` (`proc_pid_status(5)`).

use super::{lines, number, split_once, words};
use crate::facts::Status;
use crate::units::{Gid, Pid};

/// Reads `/proc/PID/status`. Lines that nobody asks about are passed over; the ids must be there.
///
/// The kernel escapes newlines in `Name`, so a process can't write lines of its own.
pub fn parse_status(bytes: &[u8]) -> Option<Status> {
    let mut status = Status::default();
    let mut ids = (false, false);
    for (key, value) in lines(bytes).filter_map(|line| split_once(line, b':')) {
        let value = value.trim_ascii();
        match key {
            b"Umask" => status.umask = Some(radix(value, 8)?.try_into().ok()?),
            b"TracerPid" => status.tracer = Some(Pid(number(value)?)),
            b"Uid" => (status.credentials.uid, ids.0) = (four(value)?, true),
            b"Gid" => (status.credentials.gid, ids.1) = (four(value)?, true),
            b"Groups" => status.groups = words(value).map(|w| number(w).map(Gid)).collect::<Option<_>>()?,
            b"VmHWM" => status.rss_peak = Some(kibibytes(value)?),
            b"VmSwap" => status.swap = Some(kibibytes(value)?),
            b"VmLck" => status.locked = Some(kibibytes(value)?),
            b"VmData" => status.data = Some(kibibytes(value)?),
            b"voluntary_ctxt_switches" => status.switches[0] = Some(number(value)?),
            b"nonvoluntary_ctxt_switches" => status.switches[1] = Some(number(value)?),
            b"NoNewPrivs" => status.no_new_privs = Some(number::<u32>(value)? != 0),
            b"Seccomp" => status.seccomp = Some(number(value)?),
            _ => bit_set(&mut status, key, value)?,
        }
    }
    (ids == (true, true)).then_some(status)
}

/// The effective capabilities alone, where nothing else of it is asked for.
pub fn effective(bytes: &[u8]) -> Option<u64> {
    let line = lines(bytes).find_map(|line| line.strip_prefix(b"CapEff:"))?;
    radix(line.trim_ascii(), 16)
}

fn bit_set(status: &mut Status, key: &[u8], value: &[u8]) -> Option<()> {
    let [inh, prm, eff, bnd, amb] = &mut status.caps;
    let [blk, ign, cgt] = &mut status.signals;
    let set = match key {
        b"CapInh" => inh,
        b"CapPrm" => prm,
        b"CapEff" => eff,
        b"CapBnd" => bnd,
        b"CapAmb" => amb,
        b"SigBlk" => blk,
        b"SigIgn" => ign,
        b"SigCgt" => cgt,
        _ => return Some(()),
    };
    *set = radix(value, 16)?;
    Some(())
}

fn radix(word: &[u8], base: u32) -> Option<u64> {
    u64::from_str_radix(std::str::from_utf8(word).ok()?, base).ok()
}

fn four(value: &[u8]) -> Option<[u32; 4]> {
    let ids: Option<Vec<u32>> = words(value).map(number).collect();
    ids?.try_into().ok()
}

/// `2048 kB` and nothing else.
fn kibibytes(value: &[u8]) -> Option<u64> {
    let mut words = words(value);
    let number = number::<u64>(words.next()?)?;
    (words.next() == Some(b"kB") && words.next().is_none()).then(|| number.checked_mul(1024))?
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests say what they expect")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DAEMON: &str = "Name:\tUid:\\n\nUmask:\t0022\nState:\tS (sleeping)\nTracerPid:\t7\nUid:\t1\t33\t3\t4\n\
        Gid:\t5\t6\t7\t8\nGroups:\t4 24 27 \nNStgid:\t9\nVmHWM:\t    2048 kB\nVmLck:\t       0 kB\n\
        VmData:\t     1 kB\nVmSwap:\t       3 kB\nSigQ:\t0/1\nSigBlk:\t0000000000010000\n\
        SigIgn:\t0000000000001000\nSigCgt:\t0000000180004002\nCapInh:\t0000000000000001\n\
        CapPrm:\t0000000000000002\nCapEff:\t000001ffffffffff\nCapBnd:\t0000000000000004\n\
        CapAmb:\t0000000000000005\nNoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t1\n";

    #[test]
    fn every_field_is_read_in_its_unit() {
        let status = parse_status(DAEMON.as_bytes()).unwrap();
        assert_eq!(status.credentials.uid, [1, 33, 3, 4]);
        assert_eq!(status.credentials.gid, [5, 6, 7, 8]);
        assert_eq!(status.groups, [Gid(4), Gid(24), Gid(27)]);
        assert_eq!((status.umask, status.tracer), (Some(0o022), Some(Pid(7))));
        assert_eq!((status.no_new_privs, status.seccomp), (Some(true), Some(2)));
        assert_eq!(status.caps, [1, 2, 0x1ff_ffff_ffff, 4, 5]);
        assert_eq!(effective(DAEMON.as_bytes()), Some(0x1ff_ffff_ffff));
        assert_eq!(effective(b"CapPrm:\t1\nCapEff:\tx\n"), None);
        assert_eq!(status.signals, [0x10000, 0x1000, 0x1_8000_4002]);
        assert_eq!((status.rss_peak, status.swap), (Some(2 << 20), Some(3 << 10)));
        assert_eq!((status.locked, status.data), (Some(0), Some(1 << 10)));
    }

    #[test]
    fn a_kernel_thread_has_no_memory_and_no_groups() {
        let status =
            parse_status(b"Name:\tkthreadd\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nGroups:\t \n").unwrap();
        assert_eq!((status.umask, status.rss_peak), (None, None));
        assert!(status.groups.is_empty());
    }

    #[test]
    fn missing_or_broken_ids_are_not_guessed() {
        for wrong in ["", "Uid:\t0\t0\t0\t0\n", "Uid:\t0\t0\t0\nGid:\t0\t0\t0\t0\n", "Uid:\tx\n"] {
            assert_eq!(parse_status(wrong.as_bytes()), None, "{wrong}");
        }
    }

    proptest! {
        #![proptest_config(crate::regressions::config())]

        #[test]
        fn no_bytes_make_it_panic(bytes in "(Uid|Gid|Groups|CapEff|VmHWM|Umask|x)?:?[\\t 0-9a-fkB\\n]{0,40}") {
            let _ = parse_status(bytes.as_bytes());
        }
    }
}
