//! Which container a process is in, by the name of its control group.
//!
//! Engines name the group after the container. That is the one trace that everybody may read and that the process
//! can't change; namespaces say only that there is some container, and browsers make those too.

use crate::facts::CgroupLine;

/// The control group that says most: version 2, else that of systemd, else the first. A host with version 1 keeps a
/// version 2 group that nothing is in, so one with a path comes first.
pub fn path(lines: &[CgroupLine]) -> Option<&[u8]> {
    let unified = lines.iter().find(|line| line.v2);
    let systemd = lines.iter().find(|line| line.controllers.iter().any(|name| name == "systemd"));
    let best = unified.filter(|line| line.path.len() > 1).or(systemd).or(unified).or(lines.first());
    best.map(|line| &*line.path)
}

/// Id (64 hexadecimal digits) or name of the container; of nested ones the innermost.
pub fn of_cgroups(lines: &[CgroupLine]) -> Option<&[u8]> {
    let parts: Vec<&[u8]> = path(lines)?.split(|byte| *byte == b'/').collect();
    parts.windows(2).rev().find_map(|pair| match pair {
        [above, part] => name_in(part, above),
        _ => None,
    })
}

/// The container that one part of a path is named after.
fn name_in<'a>(part: &'a [u8], above: &[u8]) -> Option<&'a [u8]> {
    let stem = [&b".scope"[..], b".service"].iter().find_map(|end| part.strip_suffix(*end)).unwrap_or(part);
    let mut words = stem.rsplit(|byte| matches!(byte, b'-' | b':'));
    let id = words.next().unwrap_or(stem);
    if id.len() == 64 && id.iter().all(u8::is_ascii_hexdigit) {
        // The monitor of a container is named after it and stands beside it.
        return words.all(|word| word != b"conmon").then_some(id);
    }
    // A virtual machine has the same class, and is no container.
    let machine = stem.strip_prefix(b"machine-").filter(|name| !name.starts_with(b"qemu\\x2d"));
    let payload = stem.strip_prefix(b"lxc.payload.").or_else(|| stem.strip_prefix(b"systemd-nspawn@"));
    let below = (above == b"lxc").then_some(stem);
    payload.or(machine).or(below).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn line(controllers: &[&str], path: &str) -> CgroupLine {
        CgroupLine {
            controllers: controllers.iter().map(|name| (*name).to_owned()).collect(),
            v2: controllers.is_empty(),
            path: Arc::from(path.as_bytes()),
        }
    }

    #[test]
    fn engines_name_the_group_after_the_container() {
        let id = "0123456789abcdef".repeat(4);
        for (path, expected) in [
            (format!("/system.slice/docker-{id}.scope"), Some(id.as_str())),
            (format!("/docker/{id}"), Some(&id)),
            (format!("/docker/{id}/init.scope"), Some(&id)),
            (format!("/kubepods.slice/kubepods-pod1.slice/cri-containerd-{id}.scope"), Some(&id)),
            (format!("/kubepods/burstable/pod12/{id}"), Some(&id)),
            (format!("/system.slice/containerd.service/kubepods-x:cri-containerd:{id}"), Some(&id)),
            (format!("/machine.slice/libpod-{id}.scope/container"), Some(&id)),
            (format!("/machine.slice/libpod-conmon-{id}.scope"), None),
            ("/lxc.payload.web/system.slice/nginx.service".into(), Some("web")),
            ("/lxc.monitor.web".into(), None),
            ("/lxc/web".into(), Some("web")),
            ("/machine.slice/machine-web\\x2d1.scope".into(), Some("web\\x2d1")),
            ("/machine.slice/machine-qemu\\x2d1\\x2dvm.scope".into(), None),
            ("/machine.slice/systemd-nspawn@web.service/payload".into(), Some("web")),
            ("/system.slice/nginx.service".into(), None),
            ("/user.slice/user-0.slice/session-1.scope".into(), None),
            ("/".into(), None),
            (String::new(), None),
        ] {
            let lines = [line(&[], &path)];
            let found = of_cgroups(&lines).map(|name| String::from_utf8_lossy(name).into_owned());
            assert_eq!(found.as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn the_hierarchy_with_something_in_it_says_more() {
        let id = "f".repeat(64);
        let docker = format!("/docker/{id}");
        let lines = [line(&["cpu"], "/x"), line(&["systemd"], &docker), line(&[], "/")];
        assert_eq!(of_cgroups(&lines), Some(id.as_bytes()));
        assert_eq!(path(&lines), Some(docker.as_bytes()));
        assert_eq!(path(&[]), None);
    }
}
