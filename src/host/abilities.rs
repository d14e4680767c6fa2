//! What the engine may do on this host, and what of a document it could therefore not carry out.

use std::sync::OnceLock;

use crate::spec::{Resources, Service};
use crate::units::Capability;

/// The effective capabilities of the engine, as a mask.
fn effective() -> u64 {
    static EFFECTIVE: OnceLock<u64> = OnceLock::new();
    *EFFECTIVE.get_or_init(|| mask("CapEff:"))
}

fn mask(line: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let bits = text.lines().find_map(|found| found.strip_prefix(line));
    bits.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or(0)
}

/// Whether the engine has a capability.
pub fn has(capability: Capability) -> bool {
    effective() & capability.bit() != 0
}

/// What the engine lacks for the confinement and the limits that a document asks for, a sentence each.
pub fn missing(spec: &Service) -> Vec<String> {
    let security = &spec.security;
    let mut missing = Vec::new();
    let mut needs = |field: &str, wanted: bool, capability: Capability| {
        if wanted && !has(capability) {
            missing.push(format!("`{field}` needs {capability}, which selfsame doesn't have here"));
        }
    };
    needs("chroot", spec.chroot.is_some(), Capability::SYS_CHROOT);
    needs("security.privateTmp", security.private_tmp, Capability::SYS_ADMIN);
    needs("security.readOnlyPaths", !security.read_only_paths.is_empty(), Capability::SYS_ADMIN);
    needs("security.inaccessiblePaths", !security.inaccessible_paths.is_empty(), Capability::SYS_ADMIN);
    needs("security.capabilities.bounding", security.bounding.is_some(), Capability::SETPCAP);
    for capability in &security.ambient {
        if !has(*capability) {
            missing.push(format!(
                "`security.capabilities.ambient` has {capability}, which selfsame doesn't have here itself"
            ));
        }
    }
    missing.extend(limits_above(spec));
    // Where groups are isn't looked up for a service without bounds.
    if *spec.resources != Resources::default()
        && let Err(sentence) = super::groups::Places::of_this_process().can(&spec.resources)
    {
        missing.push(sentence);
    }
    missing
}

/// Limits that only somebody with more rights can give.
fn limits_above(spec: &Service) -> Vec<String> {
    if spec.limits.is_empty() || has(Capability::SYS_RESOURCE) {
        return Vec::new();
    }
    let above = spec.limits.iter().filter_map(|(name, limit)| {
        let own = super::spawn::live::hard_limit(name)?;
        let wanted = limit.hard.unwrap_or(u64::MAX);
        let words = limit.hard.map_or_else(|| "unlimited".to_owned(), |hard| hard.to_string());
        (wanted > own).then(|| {
            format!(
                "`limits.{name}` of {words} is above selfsame's own hard limit of {own}: that needs {}, which \
                 selfsame doesn't have here",
                Capability::SYS_RESOURCE
            )
        })
    });
    above.collect()
}

/// What a start would meet on this host whatever selfsame may do, or because it runs as the user that it is: a sentence each,
/// which begins with the field. Not known of what lies behind another root directory.
pub fn unmet(spec: &Service) -> Vec<String> {
    let mut unmet = Vec::new();
    let field = [
        (spec.user.is_some(), "user"),
        (spec.group.is_some(), "group"),
        (!spec.supplementary_groups.is_empty(), "supplementaryGroups"),
    ];
    let field = field.into_iter().find_map(|(given, name)| given.then_some(name));
    if let Some(field) = field.filter(|_| super::own_uid() != 0)
        && let Err(sentence) = super::accounts::can_be_taken_on(spec)
    {
        unmet.push(format!("`{field}`: {sentence}"));
    }
    if super::own_uid() != 0
        && let Err(sentence) = super::accounts::can_run_commands(spec)
    {
        unmet.push(format!("`user`: {sentence}"));
    }
    unmet.extend(no_directory(spec).map(|problem| {
        format!("`workingDirectory`: `{}` {problem} on this host", spec.working_directory.display())
    }));
    unmet
}

/// What is wrong with the working directory, as a process of selfsame's own sees it. Nothing is known of one behind another root
/// directory or in a `/tmp` of the service's own, and its user may see more than selfsame.
pub(super) fn no_directory(spec: &Service) -> Option<&'static str> {
    let directory = &spec.working_directory;
    if directory.as_os_str() == "/" || spec.chroot.is_some() || spec.security.private_tmp {
        return None;
    }
    match std::fs::metadata(directory) {
        Ok(meta) if meta.is_dir() => None,
        Ok(_) => Some("is not a directory"),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Some("does not exist"),
        Err(_) => None,
    }
}
