//! What is kept for the length of one look.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use super::answer::Answer;
use super::health::time_of;
use super::limits::KEPT_MAX;
use super::load::Plugin;
use crate::facts::Fact;
use crate::units::Pid;

/// The answers of plugins during one look at a host, which all its vocabularies share: a field of a process is computed
/// once, however many objects ask for it. A clone is the same look. Another look needs another one of these, since
/// the answers rest on inputs.
#[derive(Clone, Debug, Default)]
pub struct Look {
    kept: Rc<RefCell<Kept>>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Held, so that a place in it means the same plugin all the time.
    plugins: Vec<(Arc<Plugin>, usize)>,
    answers: HashMap<Key, Fact<Answer>>,
    accounts: Option<Vec<Account>>,
}

/// What an answer is about.
#[derive(PartialEq, Eq, Hash, Debug)]
pub(super) struct Key {
    /// From [`Look::number`].
    pub(super) plugin: usize,
    /// Of the plugin.
    pub(super) entry: usize,
    /// `None` where it doesn't depend on the process.
    pub(super) pid: Option<Pid>,
    /// Encoded.
    pub(super) arguments: Box<[u8]>,
}

/// One answer of a plugin, for an explanation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// The plugin.
    pub plugin: String,
    /// Its version.
    pub version: String,
    /// The field or function: `container.id`.
    pub entry: String,
    /// Of which process; `None` where it doesn't depend on one.
    pub pid: Option<Pid>,
    /// What was read for it.
    pub inputs: Vec<String>,
    /// What the call used; 0 if it was not called for want of an input.
    pub fuel: u64,
}

impl Account {
    /// About how long the call took, by its fuel.
    pub fn time(&self) -> Duration {
        time_of(self.fuel)
    }
}

impl Look {
    /// The same, with an account of every answer.
    #[must_use]
    pub fn explaining() -> Self {
        let look = Self::default();
        look.kept.borrow_mut().accounts = Some(Vec::new());
        look
    }

    /// The answers that were computed since this was last asked; none unless the look is an explaining one.
    pub fn take_accounts(&self) -> Vec<Account> {
        self.kept.borrow_mut().accounts.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(super) fn account(&self, account: impl FnOnce() -> Account) {
        if let Some(accounts) = &mut self.kept.borrow_mut().accounts {
            accounts.push(account());
        }
    }

    /// The number of a plugin in this look.
    pub(super) fn number(&self, plugin: &Arc<Plugin>) -> usize {
        let plugins = &mut self.kept.borrow_mut().plugins;
        let known = plugins.iter().position(|(known, _)| Arc::ptr_eq(known, plugin));
        known.unwrap_or_else(|| {
            plugins.push((Arc::clone(plugin), 0));
            plugins.len() - 1
        })
    }

    pub(super) fn answer(&self, key: &Key) -> Option<Fact<Answer>> {
        self.kept.borrow().answers.get(key).cloned()
    }

    /// Keeps an answer, unless the plugin has filled its share.
    pub(super) fn keep(&self, key: Key, answer: &Fact<Answer>) {
        const EACH: usize = 160;
        let mut kept = self.kept.borrow_mut();
        let weight = match answer {
            Fact::Known(answer) => EACH + answer.weight(),
            Fact::Absent | Fact::Unknown(_) => EACH,
        } + key.arguments.len();
        let Some((_, share)) = kept.plugins.get_mut(key.plugin) else { return };
        if share.saturating_add(weight) <= KEPT_MAX {
            *share += weight;
            kept.answers.insert(key, answer.clone());
        }
    }
}
