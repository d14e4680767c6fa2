//! What a policy says of a process, in the words of its document.

use super::Eyes;
use crate::host::conditions::Alone;
use crate::plugin::{Plugins, in_order};
use crate::process::candidate;
use crate::process::template::Template;
use crate::units::Pid;

/// `spec.message`, ready to be filled in.
#[derive(Debug)]
pub(super) struct Message {
    template: Template,
    plugins: Plugins,
}

impl Message {
    /// With the facts that are built in, and those of the plugins that one of the policy's conditions uses.
    pub(super) fn new(text: &str, conditions: &[&Option<Alone>]) -> Option<Self> {
        let sets = conditions.iter().filter_map(|alone| Some(alone.as_ref()?.plugins().clone()));
        let mut sets = std::iter::once(Plugins::none()).chain(sets);
        sets.find_map(|plugins| {
            let template = Template::compile(text, plugins.schema()).ok()?;
            Some(Self { template, plugins })
        })
    }

    /// Of a process, in this look.
    pub(super) fn of(&self, pid: Pid, eyes: &Eyes<'_>) -> String {
        let answer = self.plugins.vocabularies(&eyes.vocabulary, eyes.scene.world, &eyes.plugins);
        self.template.fill(&candidate(pid), &in_order(&eyes.vocabulary, &answer))
    }

    /// Where there is no process to speak of.
    pub(super) fn of_nobody(&self) -> String {
        self.template.fill_with_nothing()
    }
}
