//! Which processes are meant: the typed form of the options, and the same as an expression of the match language.
//!
//! A run of the drop-in may not cost more than the C program, and compiling an expression costs as much as that altogether. So
//! [`Criteria::holds`] asks for the few facts itself, and a property test proves that it says what [`Criteria::expression`]
//! says, of any process in any state of knowledge.

use crate::facts::{Fact, Reason};
use crate::lang::show;
use crate::lang::value::Value;
use crate::process::identity::Ternary;
use crate::process::world::Bytes;
use crate::units::{Pid, Uid};

/// The facts that criteria rest on. A live host answers them with a system call or two each; any
/// [`World`](crate::process::world::World) can answer them through [`InWorld`](super::in_world::InWorld).
pub trait Facts {
    /// Effective user.
    fn owner(&self, pid: Pid) -> Fact<Uid>;
    /// Whether it executes the file, or a former version of it that was deleted or replaced.
    fn executes(&self, pid: Pid, file: &Executable) -> Fact<bool>;
    /// Its parent.
    fn parent(&self, pid: Pid) -> Fact<Pid>;
    /// The name of its first thread.
    fn comm(&self, pid: Pid) -> Fact<Bytes>;
    /// Not a zombie, or one with another thread that lives.
    fn alive(&self, pid: Pid) -> Fact<bool>;
}

/// The file of `--exec`, looked at once.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Executable {
    /// From our root directory.
    pub path: Vec<u8>,
    /// Device and inode.
    pub identity: (u64, u64),
}

/// How `--exec` is meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Exec {
    /// The kernel executes this very file.
    Image(Executable),
    /// It is executed by whatever its first line says: `runs`.
    Script(Vec<u8>),
}

/// What must hold, all of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Criteria {
    /// `--exec`
    pub exec: Option<Exec>,
    /// `--name`
    pub name: Option<Vec<u8>>,
    /// `--user`: its number, and how it was given.
    pub user: Option<(Uid, Vec<u8>)>,
    /// `--ppid`
    pub parent: Option<Pid>,
    /// `--pid`
    pub pid: Option<Pid>,
    /// `--match`
    pub expression: Option<String>,
    /// Those that exited and weren't waited for count as well.
    pub zombies: bool,
}

impl Criteria {
    /// Whether it is asked for more than facts that are cheap: of `runs` or of a written expression.
    pub fn has_more(&self) -> bool {
        matches!(self.exec, Some(Exec::Script(_))) || self.expression.is_some()
    }

    /// The criteria as an expression.
    pub fn expression(&self) -> String {
        let text = |bytes: &[u8]| show(&Value::string(bytes));
        let mut parts = Vec::new();
        match &self.exec {
            Some(Exec::Image(file)) => parts.push(format!("exe == {}", text(&file.path))),
            Some(Exec::Script(path)) => parts.push(format!("runs({})", text(path))),
            None => {}
        }
        if let Some(name) = &self.name {
            parts.push(format!("comm == {}", text(name)));
        }
        if let Some((uid, given)) = &self.user {
            let named = !given.iter().all(u8::is_ascii_digit);
            parts.push(if named { format!("user == {}", text(given)) } else { format!("user == {uid}") });
        }
        if let Some(parent) = self.parent {
            parts.push(format!("ppid == {parent}"));
        }
        if let Some(pid) = self.pid {
            parts.push(format!("pid == {pid}"));
        }
        if let Some(expression) = &self.expression {
            parts.push(format!("({expression})"));
        }
        if self.needs_alive() {
            parts.push("alive".into());
        }
        parts.join(" && ")
    }

    /// A zombie executes nothing, so that it has to be asked for only where nothing is said of the file.
    fn needs_alive(&self) -> bool {
        !self.zombies && self.exec.is_none()
    }

    /// Whether the cheap ones hold for a process: the cheapest first, and as soon as one doesn't, no further.
    pub fn holds(&self, facts: &dyn Facts, pid: Pid) -> Ternary {
        let mut unknown = Vec::new();
        if self.pid.is_some_and(|wanted| wanted != pid) {
            return Ternary::False;
        }
        for test in
            [Self::user_holds, Self::exec_holds, Self::name_holds, Self::parent_holds, Self::alive_holds]
        {
            match test(self, facts, pid) {
                None | Some(Fact::Known(true)) => {}
                Some(Fact::Known(false) | Fact::Absent) => return Ternary::False,
                Some(Fact::Unknown(reason)) => unknown.push(reason),
            }
        }
        if unknown.is_empty() { Ternary::True } else { Ternary::Unknown(unknown) }
    }

    fn user_holds(&self, facts: &dyn Facts, pid: Pid) -> Option<Fact<bool>> {
        self.user.as_ref().map(|(wanted, _)| facts.owner(pid).map(|uid| uid == *wanted))
    }

    fn exec_holds(&self, facts: &dyn Facts, pid: Pid) -> Option<Fact<bool>> {
        match &self.exec {
            Some(Exec::Image(file)) => Some(facts.executes(pid, file)),
            Some(Exec::Script(_)) | None => None,
        }
    }

    fn name_holds(&self, facts: &dyn Facts, pid: Pid) -> Option<Fact<bool>> {
        self.name.as_ref().map(|wanted| facts.comm(pid).map(|comm| comm.as_ref() == wanted.as_slice()))
    }

    fn parent_holds(&self, facts: &dyn Facts, pid: Pid) -> Option<Fact<bool>> {
        self.parent.map(|wanted| facts.parent(pid).map(|parent| parent == wanted))
    }

    fn alive_holds(&self, facts: &dyn Facts, pid: Pid) -> Option<Fact<bool>> {
        self.needs_alive().then(|| facts.alive(pid))
    }
}

/// Reasons in one line.
pub fn reasons(reasons: &[Reason]) -> String {
    reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
