//! A bound expression, the processes it is about, and its verdict on each.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use crate::facts::{Reason, Why};
use crate::lang::schema::Vocabulary as _;
use crate::lang::{Matcher, Missing, Verdict, Vocabularies};
use crate::plugin::{Look, PluginVocabulary, Plugins, in_order};
use crate::process::plain::Scan;
use crate::process::samples::Samples;
use crate::process::world::{Namespace, World};
use crate::process::{ProcessVocabulary, candidate};
use crate::report::MatchRow;
use crate::units::Pid;

/// A bound expression and the processes it is about.
pub(super) struct Question<'a> {
    /// What the looks of this host are compared by.
    pub(super) samples: &'a Rc<RefCell<Samples>>,
    pub(super) world: &'a dyn World,
    pub(super) vocabulary: &'a ProcessVocabulary<'a>,
    pub(super) plugins: &'a Plugins,
    /// What these answer in this look.
    pub(super) answer: &'a [PluginVocabulary<'a>],
    pub(super) look: &'a Look,
    pub(super) matcher: &'a Matcher,
    pub(super) pids: Vec<Pid>,
    pub(super) all_pids: bool,
    pub(super) inverse: bool,
    /// Processes of other PID namespaces are meant too: by an option, or by what the expression asks.
    pub(super) everywhere: bool,
    /// How many were left out because they live in another one.
    pub(super) left_out: Cell<usize>,
}

impl Question<'_> {
    pub(super) fn vocabularies(&self) -> Vocabularies<'_> {
        in_order(self.vocabulary, self.answer)
    }

    /// The verdict on every process asked for.
    pub(super) fn rows(&self) -> Vec<MatchRow> {
        let facts = self.vocabularies();
        self.pids.iter().map(|pid| self.row(*pid, &facts)).collect()
    }

    /// The same without the processes that don't match, most of which the short way decides.
    pub(super) fn found(&self) -> Vec<MatchRow> {
        let facts = self.vocabularies();
        let scan = Scan::new(self.vocabulary, [(self.matcher, self.vocabulary)]);
        let mut rows = Vec::new();
        scan.each(&self.pids, |pid, _, _| rows.push(self.row(pid, &facts)));
        rows.retain(|row| row.verdict != "false");
        rows
    }

    pub(super) fn row(&self, pid: Pid, facts: &Vocabularies<'_>) -> MatchRow {
        if !self.is_there(pid) {
            return missing_row(pid);
        }
        let verdict = self.verdict(pid, facts);
        self.row_of(pid, &verdict)
    }

    pub(super) fn verdict(&self, pid: Pid, facts: &Vocabularies<'_>) -> Verdict {
        match self.matcher.eval(&candidate(pid), facts) {
            Verdict::Match if self.inverse => Verdict::NoMatch,
            Verdict::NoMatch if self.inverse => Verdict::Match,
            verdict => verdict,
        }
    }

    /// The row of a verdict, unless the process is out of scope.
    pub(super) fn row_of(&self, pid: Pid, verdict: &Verdict) -> MatchRow {
        let mut notes = self.vocabulary.take_notes();
        notes.extend(self.answer.iter().flat_map(PluginVocabulary::take_notes));
        let foreign = matches!(verdict, Verdict::Match | Verdict::Unknown(_)) && self.is_elsewhere(pid);
        if foreign {
            self.left_out.set(self.left_out.get() + 1);
            notes.push("in another PID namespace".into());
        }
        MatchRow::new(pid, if foreign { &Verdict::NoMatch } else { verdict }, notes)
    }

    /// Not there is only what a complete listing lacks.
    pub(super) fn is_there(&self, pid: Pid) -> bool {
        self.all_pids || self.world.pids().known().is_none_or(|pids| pids.contains(&pid))
    }

    /// In a PID namespace of its own (a container): not this host's process unless it was asked for.
    pub(super) fn is_elsewhere(&self, pid: Pid) -> bool {
        if self.everywhere {
            return false;
        }
        let own = self.world.own_namespace(Namespace::Pid).known();
        let its = self.world.namespace(pid, Namespace::Pid).known();
        self.all_pids && own.is_some() && its.is_some() && own != its
    }
}

/// A number that nobody has. An expression that reads no fact (`pid > 1`) would be true for any.
pub(super) fn missing_row(pid: Pid) -> MatchRow {
    let gone = Missing { what: "pid".into(), reason: Reason::new(Why::Vanished, format!("{pid}")) };
    MatchRow::new(pid, &Verdict::Unknown(vec![gone]), Vec::new())
}
