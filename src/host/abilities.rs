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

/// What the engine lacks for the confinement that a document asks for, a sentence each.
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
    // Where groups are isn't looked up for a service without bounds.
    if *spec.resources != Resources::default()
        && let Err(sentence) = super::groups::Places::of_this_process().can(&spec.resources)
    {
        missing.push(sentence);
    }
    missing
}
