//! What a change of the settings means for an engine that runs.

use super::Settings;

impl Settings {
    /// Settings that differ from `former` and count only when the engine is started anew, by their names in documents.
    pub fn wait_for_restart(&self, former: &Self) -> Vec<&'static str> {
        let differs = [
            ("specs", self.specs != former.specs),
            ("host", self.host != former.host),
            ("metrics", self.metrics != former.metrics),
            ("git", self.git != former.git),
        ];
        differs.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }

    /// These settings, with what counts only at a start as it was.
    #[must_use]
    pub fn taken_up_by(self, former: &Self) -> Self {
        let Self { specs, host, metrics, git, .. } = former.clone();
        Self { specs, host, metrics, git, ..self }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests say what they expect")]
mod tests {
    use super::super::HostIdentity;
    use super::*;
    use crate::spec::table::{Class, ENGINE};

    /// The table tells people what a change means; this is what is done.
    #[test]
    fn what_waits_for_a_restart_is_what_the_table_says() {
        let former = Settings::default();
        let mut changed = former.clone();
        changed.specs.push("/srv/specs".into());
        changed.host = HostIdentity { name: Some("web1".into()), ..HostIdentity::default() };
        changed.metrics = Some(([127, 0, 0, 1], 1).into());
        changed.git = Some(super::super::GitSource::new("/srv/repo".into()));
        changed.recursive = true;
        let waits = changed.wait_for_restart(&former);
        let of_table = ENGINE.fields.iter().filter(|field| field.class == Class::Restart);
        assert_eq!(waits, of_table.map(|field| field.name).collect::<Vec<_>>());
        let taken = changed.taken_up_by(&former);
        assert_eq!(taken, Settings { recursive: true, ..former });
    }
}
