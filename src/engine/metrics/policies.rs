//! What policies say and did, as metrics.

use super::page::Page;
use super::{OBJECTS_MAX, families as family};
use crate::engine::policy::Policies;
use crate::plan::policy::PolicyStatus;
use crate::spec::policy::Severity;

const SEVERITIES: [Severity; 4] = [Severity::Info, Severity::Warning, Severity::Error, Severity::Critical];

/// Writes what there is to say of policies. What happened is counted from the start of the engine.
pub(super) fn write(page: &mut Page, policies: &Policies) {
    let status = policies.status();
    page.begin(&family::POLICIES);
    for severity in SEVERITIES {
        let count = status.iter().filter(|policy| policy.severity == severity).count();
        page.sample(&[("severity", severity.word())], count);
    }
    let told = status.get(..OBJECTS_MAX).unwrap_or(status);
    page.begin(&family::POLICY_VIOLATED);
    for (policy, violated) in told.iter().filter_map(|policy| Some((policy, policy.violated?))) {
        let labels = [("policy", policy.name.as_str()), ("severity", policy.severity.word())];
        page.sample(&labels, u8::from(violated));
    }
    for (family, number) in [
        (&family::POLICY_VIOLATING, (|policy| policy.violating as u64) as fn(&PolicyStatus) -> u64),
        (&family::POLICY_UNKNOWN, |policy| policy.unknown as u64),
        (&family::POLICY_VIOLATIONS, |policy| policy.violations),
    ] {
        page.begin(family);
        for policy in told {
            page.sample(&[("policy", policy.name.as_str())], number(policy));
        }
    }
    let counts = || policies.counts().take(OBJECTS_MAX);
    page.begin(&family::POLICY_ACTIONS);
    for (name, counts) in counts() {
        for ((action, result), count) in &counts.actions {
            page.sample(&[("policy", name.as_str()), ("action", action), ("result", result)], *count);
        }
    }
    page.begin(&family::POLICY_WITHHELD);
    for (name, counts) in counts() {
        for ((action, why), count) in &counts.withheld {
            page.sample(&[("policy", name.as_str()), ("action", action), ("why", why)], *count);
        }
    }
}
