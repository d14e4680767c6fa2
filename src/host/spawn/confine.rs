//! The child's part of being confined: what it may see (root directory, mounts) and do (capabilities). Raw system calls
//! only, as everything in [`super::child`]; all that is needed was prepared by the parent.
//!
//! ```text
//! mount namespace -> nothing propagates back -> root directory -> read-only -> /tmp of its own -> what is not seen
//! ... descriptors ... bounding set -> ids, keeping capabilities -> ambient set ... no new privileges -> execve
//! ```
//!
//! Mounts are made after the change of the root directory, so that links inside lead nowhere else.

use std::ffi::{CStr, CString};
use std::sync::atomic::Ordering;

use super::Step;
use super::child::Report;
use super::raw::call;

/// What the child is to see and do, ready for the kernel.
#[derive(Debug)]
pub(super) struct RawConfinement<'a> {
    /// A mount namespace of its own.
    pub(super) mounts: bool,
    /// Or that of another process, with all that is mounted there: a descriptor; -1: none.
    pub(super) join: i32,
    pub(super) root: Option<&'a CStr>,
    pub(super) read_only: &'a [CString],
    pub(super) inaccessible: &'a [CString],
    pub(super) private_tmp: bool,
    /// An empty file without permissions.
    pub(super) cover: &'a CStr,
    /// A bit a capability that stays in the bounding set.
    pub(super) bounding: Option<u64>,
    pub(super) ambient: u64,
    pub(super) no_new_privileges: bool,
}

/// `struct mount_attr` of `mount_setattr(2)`.
#[repr(C)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

/// `struct __user_cap_header_struct` and two of `__user_cap_data_struct` of `capset(2)`, third version.
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    pid: i32,
}
#[repr(C)]
struct CapabilityWord {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}
const CAPABILITY_VERSION: u32 = 0x2008_0522;
/// Bits that a kernel could ever have.
const CAPABILITIES: u64 = 64;

const HERE: usize = (libc::AT_FDCWD as isize).cast_unsigned();
const MOUNT_ATTR_RDONLY: u64 = 1;
const RECURSIVE: usize = 0x8000;
const EMPTY_PATH: usize = 0x1000;
/// `OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH`
const CLONE_OF: usize = 1 | 0o2_000_000 | EMPTY_PATH;
/// `MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS`
const ONTO: usize = 0x4 | 0x10;

/// Mounts and the root directory.
///
/// # Safety
/// The pointers in `orders` are valid.
pub(super) unsafe fn see_less(orders: &RawConfinement<'_>, report: &Report) -> Result<(), i32> {
    let at = |step: Step, item: usize| {
        report.item.store(u32::try_from(item).unwrap_or(u32::MAX), Ordering::SeqCst);
        report.step.store(step as u32, Ordering::SeqCst);
    };
    // SAFETY: as the caller says; everything else is on this stack.
    unsafe {
        at(Step::Namespace, 0);
        if let Ok(join) = usize::try_from(orders.join) {
            call(libc::SYS_setns, [join, libc::CLONE_NEWNS.unsigned_abs() as usize, 0, 0, 0])?;
        } else if orders.mounts {
            call(libc::SYS_unshare, [libc::CLONE_NEWNS.unsigned_abs() as usize, 0, 0, 0, 0])?;
            mount(None, c"/", None, libc::MS_SLAVE | libc::MS_REC, None)?;
        }
        let makes_mounts = orders.mounts && orders.join < 0;
        let cover =
            if makes_mounts && !orders.inaccessible.is_empty() { open_path(orders.cover)? } else { 0 };
        if let Some(root) = orders.root {
            at(Step::Root, 0);
            if makes_mounts {
                // A mount of its own, so that it can be made read-only as a whole.
                mount(Some(root), root, None, libc::MS_BIND | libc::MS_REC, None)?;
            }
            call(libc::SYS_chroot, [root.as_ptr().addr(), 0, 0, 0, 0])?;
            call(libc::SYS_chdir, [c"/".as_ptr().addr(), 0, 0, 0, 0])?;
        }
        if !makes_mounts {
            return Ok(());
        }
        for (item, path) in orders.read_only.iter().enumerate() {
            at(Step::ReadOnly, item);
            read_only(path)?;
        }
        if orders.private_tmp {
            at(Step::PrivateTmp, 0);
            tmpfs(c"/tmp", libc::MS_NOSUID | libc::MS_NODEV, c"mode=1777")?;
            match tmpfs(c"/var/tmp", libc::MS_NOSUID | libc::MS_NODEV, c"mode=1777") {
                // A small root directory need not have it.
                Err(libc::ENOENT) => {}
                answer => answer?,
            }
        }
        for (item, path) in orders.inaccessible.iter().enumerate() {
            at(Step::Inaccessible, item);
            hide(path, cover)?;
        }
    }
    Ok(())
}

unsafe fn mount(
    source: Option<&CStr>,
    target: &CStr,
    kind: Option<&CStr>,
    flags: libc::c_ulong,
    options: Option<&CStr>,
) -> Result<(), i32> {
    let address = |text: Option<&CStr>| text.map_or(0, |text| text.as_ptr().addr());
    let (from, kind, options) = (address(source), address(kind), address(options));
    let flags = usize::try_from(flags).unwrap_or(usize::MAX);
    // SAFETY: texts that end in NUL, or null.
    unsafe { call(libc::SYS_mount, [from, target.as_ptr().addr(), kind, flags, options]) }.map(|_| ())
}

unsafe fn tmpfs(target: &CStr, flags: libc::c_ulong, options: &CStr) -> Result<(), i32> {
    // SAFETY: texts that end in NUL.
    unsafe { mount(Some(c"tmpfs"), target, Some(c"tmpfs"), flags, Some(options)) }
}

/// With all that is mounted below.
unsafe fn read_only(path: &CStr) -> Result<(), i32> {
    let attributes = MountAttributes { set: MOUNT_ATTR_RDONLY, clear: 0, propagation: 0, user_namespace: 0 };
    // SAFETY: the path ends in NUL; the attributes are on this stack and of the size that is passed.
    unsafe {
        // What is mounted on the root directory itself would not be seen by who is in it already.
        if path != c"/" {
            mount(Some(path), path, None, libc::MS_BIND | libc::MS_REC, None)?;
        }
        let (from, size) = ((&raw const attributes).addr(), size_of::<MountAttributes>());
        call(libc::SYS_mount_setattr, [HERE, path.as_ptr().addr(), RECURSIVE, from, size]).map(|_| ())
    }
}

/// An empty directory over a directory, an empty file over anything else.
unsafe fn hide(path: &CStr, cover: usize) -> Result<(), i32> {
    let flags = libc::MS_NOSUID | libc::MS_NODEV | libc::MS_NOEXEC | libc::MS_RDONLY;
    // SAFETY: texts that end in NUL, and a descriptor of ours.
    unsafe {
        match tmpfs(path, flags, c"mode=000,nr_inodes=1") {
            Err(libc::ENOTDIR) => {}
            answer => return answer,
        }
        let empty = c"".as_ptr().addr();
        let tree = call(libc::SYS_open_tree, [cover, empty, CLONE_OF, 0, 0])?;
        call(libc::SYS_move_mount, [tree, empty, HERE, path.as_ptr().addr(), ONTO]).map(|_| ())
    }
}

unsafe fn open_path(path: &CStr) -> Result<usize, i32> {
    let flags = (libc::O_PATH | libc::O_CLOEXEC | libc::O_NOFOLLOW).unsigned_abs() as usize;
    // SAFETY: the path ends in NUL.
    unsafe { call(libc::SYS_openat, [HERE, path.as_ptr().addr(), flags, 0, 0]) }
}

unsafe fn process_control(option: i32, first: usize, second: usize) -> Result<(), i32> {
    // SAFETY: no pointers.
    unsafe { call(libc::SYS_prctl, [option.unsigned_abs() as usize, first, second, 0, 0]) }.map(|_| ())
}

/// Before the ids are changed: takes capabilities out of the bounding set, and keeps those that are wanted later.
///
/// # Safety
/// As [`see_less`].
pub(super) unsafe fn bound(orders: &RawConfinement<'_>) -> Result<(), i32> {
    // SAFETY: no pointers.
    unsafe {
        if let Some(kept) = orders.bounding {
            for number in 0..CAPABILITIES {
                if kept >> number & 1 == 1 {
                    continue;
                }
                match process_control(libc::PR_CAPBSET_DROP, usize::try_from(number).unwrap_or(0), 0) {
                    // The kernel has no more of them.
                    Err(libc::EINVAL) => break,
                    answer => answer?,
                }
            }
        }
        if orders.ambient != 0 {
            process_control(libc::PR_SET_KEEPCAPS, 1, 0)?;
        }
    }
    Ok(())
}

/// After the ids are changed: the wanted capabilities and no others.
///
/// # Safety
/// As [`see_less`].
pub(super) unsafe fn take_ambient(ambient: u64) -> Result<(), i32> {
    if ambient == 0 {
        return Ok(());
    }
    let header = CapabilityHeader { version: CAPABILITY_VERSION, pid: 0 };
    let [low, high] = [ambient & u64::from(u32::MAX), ambient >> 32].map(|half| {
        let bits = u32::try_from(half).unwrap_or(0);
        CapabilityWord { effective: bits, permitted: bits, inheritable: bits }
    });
    let words = [low, high];
    // SAFETY: header and words are on this stack and of the sizes that capset(2) reads.
    unsafe {
        call(libc::SYS_capset, [(&raw const header).addr(), words.as_ptr().addr(), 0, 0, 0])?;
        for number in (0..CAPABILITIES).filter(|number| ambient >> number & 1 == 1) {
            let raise = libc::PR_CAP_AMBIENT_RAISE.unsigned_abs() as usize;
            process_control(libc::PR_CAP_AMBIENT, raise, usize::try_from(number).unwrap_or(0))?;
        }
    }
    Ok(())
}

/// Last: `PR_SET_NO_NEW_PRIVS`.
///
/// # Safety
/// As [`see_less`].
pub(super) unsafe fn forbid_new_privileges() -> Result<(), i32> {
    // SAFETY: no pointers.
    unsafe { process_control(libc::PR_SET_NO_NEW_PRIVS, 1, 0) }
}
