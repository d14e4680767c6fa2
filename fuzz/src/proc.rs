//! All other files of `/proc`: each is given to every parser, so that its seeds are real files.

use procfs::FromRead as _;
use selfsame::facts::BinfmtMatch;
use selfsame::host::proc::parse::{
    execfn_address, hidepid, mount_device, nested_pids, parse_binfmt_entry, parse_cgroups, parse_environ,
    parse_io, parse_limits, parse_locks, parse_number, parse_status,
};

pub fn check(data: &[u8]) {
    status(data);
    cgroups(data);
    mounts(data);
    memory(data);
    binfmt(data);
    rows(data);
}

fn status(data: &[u8]) {
    let ours = parse_status(data);
    assert!(nested_pids(data).is_none_or(|pids| pids.len() <= data.len()));
    // It cuts texts at places that need not be between characters.
    if !data.is_ascii() {
        return;
    }
    let (Some(ours), Ok(theirs)) = (ours, procfs::process::Status::from_read(data)) else { return };
    let [real, effective, saved, fs] = ours.credentials.uid;
    assert_eq!((real, effective, saved, fs), (theirs.ruid, theirs.euid, theirs.suid, theirs.fuid));
    let [real, effective, saved, fs] = ours.credentials.gid;
    assert_eq!((real, effective, saved, fs), (theirs.rgid, theirs.egid, theirs.sgid, theirs.fgid));
    let groups: Vec<i64> = ours.groups.iter().map(|gid| i64::from(gid.0)).collect();
    assert_eq!(groups, theirs.groups.iter().map(|gid| i64::from(*gid)).collect::<Vec<_>>());
    assert_eq!(ours.umask, theirs.umask);
    assert_eq!(ours.tracer.map(|pid| pid.0), Some(theirs.tracerpid));
    let kibibytes = |value: Option<u64>| value.and_then(|value| value.checked_mul(1024));
    assert_eq!(ours.rss_peak, kibibytes(theirs.vmhwm));
    assert_eq!(ours.swap, kibibytes(theirs.vmswap));
    assert_eq!((ours.locked, ours.data), (kibibytes(theirs.vmlck), kibibytes(theirs.vmdata)));
    assert_eq!(ours.signals, [theirs.sigblk, theirs.sigign, theirs.sigcgt]);
    assert_eq!(ours.caps[..3], [theirs.capinh, theirs.capprm, theirs.capeff]);
    assert_eq!(ours.seccomp, theirs.seccomp);
}

fn cgroups(data: &[u8]) {
    let Some(ours) = parse_cgroups(data) else { return };
    let lines = data.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    for (line, group) in lines.clone().zip(&*ours) {
        assert!(line.ends_with(&[b":", &*group.path].concat()), "the path is all that follows two colons");
        assert!(group.controllers.iter().all(|name| !name.contains([',', ':', '\n'])));
    }
    assert_eq!(lines.count(), ours.len(), "not only the first line");
}

fn mounts(data: &[u8]) {
    for mount in [1, 22, 29] {
        let Some((major, minor)) = mount_device(data, mount) else { continue };
        let number = format!("{major}:{minor}");
        if data.windows(number.len()).any(|part| part == number.as_bytes())
            && let Some(found) = hidepid(data, (major, minor))
        {
            assert!(found.mode != "0" && found.mode != "off");
            assert!(!found.shortens_listing() || found.mode != "noaccess");
        }
    }
    // The kernel writes one blank between fields and escapes every other one.
    let odd =
        data.iter().any(|byte| byte.is_ascii_whitespace() && !matches!(byte, b' ' | b'\n') || *byte == 0);
    if odd || data.windows(2).any(|two| two == b"  ") {
        return;
    }
    if let Ok(theirs) = procfs::process::MountInfos::from_read(data) {
        for mount in &theirs.0 {
            let first = theirs.0.iter().find(|other| other.mnt_id == mount.mnt_id);
            if let Some((major, minor)) =
                u64::try_from(mount.mnt_id).ok().and_then(|id| mount_device(data, id))
            {
                // As numbers: the kernel writes no zero before them.
                let theirs = first.and_then(|first| {
                    let (major, minor) = first.majmin.split_once(':')?;
                    Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
                });
                assert!(theirs.is_none_or(|theirs| theirs == (major, minor)), "{theirs:?} {major}:{minor}");
            }
        }
    }
}

fn memory(data: &[u8]) {
    let variables = parse_environ(data);
    assert!(variables.iter().all(|entry| !entry.is_empty() && !entry.contains(&0)));
    let kept: usize = variables.iter().map(|entry| entry.len()).sum();
    assert_eq!(kept, data.iter().filter(|byte| **byte != 0).count());
    if let Some(address) = execfn_address(data) {
        let narrow = u32::try_from(address).is_ok_and(|address| contains(data, &address.to_ne_bytes()));
        assert!(
            address != 0 && (narrow || contains(data, &address.to_ne_bytes())),
            "{address:#x} stands nowhere"
        );
    }
}

fn contains(data: &[u8], part: &[u8]) -> bool {
    data.windows(part.len()).any(|window| window == part)
}

fn binfmt(data: &[u8]) {
    let Some(entry) = parse_binfmt_entry(data) else { return };
    assert_eq!(
        entry.is_some(),
        data.split(|byte| *byte == b'\n').find(|line| !line.is_empty()) == Some(b"enabled")
    );
    let Some(entry) = entry else { return };
    assert!(!entry.interpreter.contains(&b'\n'));
    match entry.matches {
        BinfmtMatch::Magic { magic, mask, .. } => assert_eq!(magic.len(), mask.len()),
        BinfmtMatch::Extension(extension) => assert!(contains(data, &extension)),
    }
}

fn rows(data: &[u8]) {
    if let Some(limits) = parse_limits(data) {
        assert!(!limits.is_empty());
    }
    if let Some(locks) = parse_locks(data) {
        assert!(locks.len() <= data.split(|byte| *byte == b'\n').count());
    }
    if let (Some(ours), true) = (parse_io(data), data.is_ascii())
        && let Ok(theirs) = procfs::process::Io::from_read(data)
    {
        assert!(
            contains(data, theirs.read_bytes.to_string().as_bytes()) && contains(data, b"write_bytes"),
            "{ours:?}"
        );
    }
    if let Some(number) = parse_number::<i64>(data) {
        let text = std::str::from_utf8(data).unwrap();
        assert_eq!(text.trim().trim_start_matches('+').parse::<i64>(), Ok(number));
    }
}
