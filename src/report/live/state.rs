//! What is kept between refreshes, and what keys do.

use std::collections::VecDeque;

use super::rows::{Row, RowKey, rows};
use super::{Snapshot, changes};
use crate::plan::status::{ConditionStatus, ConditionType};
use crate::report::printable;
use crate::spec::ServiceName;
use crate::units::WallTime;

/// So many changes are kept for the pane.
const EVENTS_MAX: usize = 500;
const FILTER_MAX: usize = 64;
/// Rows that a page key goes.
const PAGE: usize = 10;

/// A key, as far as it means something here.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Key {
    /// A character.
    Char(char),
    /// Cursor keys and their like.
    Up,
    /// Down.
    Down,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the first row.
    Home,
    /// To the last row.
    End,
    /// Enter.
    Enter,
    /// Escape.
    Escape,
    /// Backspace.
    Backspace,
    /// Tab.
    Tab,
    /// Ctrl-C.
    Interrupt,
}

/// What somebody wants done about an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Deed {
    /// Leave it alone.
    Suspend,
    /// No longer.
    Resume,
    /// Stop and start it.
    Restart,
}

impl Deed {
    /// The verb.
    pub fn word(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Restart => "restart",
        }
    }
}

/// What a key asks of whoever runs the view.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Ask the watch for it.
    Ask(Deed, ServiceName),
    /// The visible pane needs other content.
    Look,
    /// End.
    Quit,
}

/// What the lower part shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Pane {
    /// What has changed.
    #[default]
    Events,
    /// All that is known of the selected object.
    Explain,
    /// The end of what the selected instance wrote.
    Log,
}

/// What keys mean at the moment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) enum Mode {
    /// They move and do.
    #[default]
    Table,
    /// They are the text of the filter.
    Filter,
    /// Any of them closes the help.
    Help,
    /// `y` does it.
    Confirm(Deed, ServiceName),
}

/// The view.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Live {
    pub(super) snapshot: Snapshot,
    pub(super) events: VecDeque<(WallTime, String)>,
    pub(super) pane: Pane,
    /// What the pane says, of which row.
    pub(super) detail: Option<(RowKey, String)>,
    pub(super) mode: Mode,
    pub(super) filter: String,
    pub(super) message: String,
    /// Lines that the pane is scrolled back from its end (events, log) or on from its beginning (explain).
    pub(super) scroll: usize,
    selected: Option<RowKey>,
    begun: bool,
}

impl Live {
    /// Takes a refresh in.
    pub fn take(&mut self, snapshot: Snapshot) {
        if self.begun {
            for (_, line) in changes(&self.snapshot.objects, &snapshot.objects) {
                self.events.push_back((snapshot.now.wall, line));
            }
            let surplus = self.events.len().saturating_sub(EVENTS_MAX);
            self.events.drain(..surplus);
        }
        self.begun = true;
        let at = self.position();
        self.snapshot = snapshot;
        self.stay(at);
    }

    /// What the pane is to show of the selected row, as far as it needs to be looked up: a name and the instance.
    pub fn wants(&self) -> Option<(Pane, ServiceName, u32)> {
        let (name, index) = self.selected.clone()?;
        match self.pane {
            Pane::Events => None,
            Pane::Explain | Pane::Log => Some((self.pane, name, index)),
        }
    }

    /// Takes what was looked up for it.
    pub fn show(&mut self, name: ServiceName, index: u32, text: String) {
        self.detail = Some(((name, index), text));
    }

    /// Says something in the last line.
    pub fn say(&mut self, text: &str) {
        self.message = printable(text);
    }

    /// What the pane is to show.
    pub fn pane(&self) -> Pane {
        self.pane
    }

    /// Takes a key in.
    pub fn press(&mut self, key: Key) -> Option<Command> {
        self.message.clear();
        match (&self.mode, key) {
            (_, Key::Interrupt) => Some(Command::Quit),
            (Mode::Help, _) => {
                self.mode = Mode::Table;
                None
            }
            (Mode::Confirm(deed, name), key) => {
                let (deed, name) = (*deed, name.clone());
                self.mode = Mode::Table;
                match key {
                    Key::Char('y' | 'Y') => Some(Command::Ask(deed, name)),
                    _ => None,
                }
            }
            (Mode::Filter, key) => {
                self.edit_filter(key);
                Some(Command::Look)
            }
            (Mode::Table, key) => self.press_in_table(key),
        }
    }

    fn edit_filter(&mut self, key: Key) {
        let at = self.position();
        match key {
            Key::Char(c) if self.filter.len() < FILTER_MAX && !c.is_control() => self.filter.push(c),
            Key::Backspace => {
                self.filter.pop();
            }
            Key::Escape => {
                self.filter.clear();
                self.mode = Mode::Table;
            }
            Key::Enter => self.mode = Mode::Table,
            _ => {}
        }
        self.stay(at);
    }

    fn press_in_table(&mut self, key: Key) -> Option<Command> {
        match key {
            Key::Char('q') => return Some(Command::Quit),
            Key::Char('?' | 'h') => self.mode = Mode::Help,
            Key::Char('/') => self.mode = Mode::Filter,
            Key::Char('s') => return self.suspend_or_resume(),
            Key::Char('r') => self.confirm(Deed::Restart),
            Key::Char('e') => return Some(self.open(Pane::Events)),
            Key::Char('x') | Key::Enter => return Some(self.open(Pane::Explain)),
            Key::Char('l') => return Some(self.open(Pane::Log)),
            Key::Tab => {
                let next = match self.pane {
                    Pane::Events => Pane::Explain,
                    Pane::Explain => Pane::Log,
                    Pane::Log => Pane::Events,
                };
                return Some(self.open(next));
            }
            Key::Up | Key::Char('k') => return Some(self.go(|at, _| at.saturating_sub(1))),
            Key::Down | Key::Char('j') => return Some(self.go(|at, _| at + 1)),
            Key::PageUp => return Some(self.go(|at, _| at.saturating_sub(PAGE))),
            Key::PageDown => return Some(self.go(|at, _| at + PAGE)),
            Key::Home | Key::Char('g') => return Some(self.go(|_, _| 0)),
            Key::End | Key::Char('G') => return Some(self.go(|_, count| count)),
            Key::Char('[') => self.scroll = self.scroll.saturating_add(1).min(self.last_line()),
            Key::Char(']') => self.scroll = self.scroll.saturating_sub(1),
            Key::Escape => {
                self.filter.clear();
            }
            Key::Char(_) | Key::Backspace | Key::Interrupt => {}
        }
        None
    }

    /// How far the pane can be scrolled: a line of it stays in sight.
    fn last_line(&self) -> usize {
        let lines = match self.pane {
            Pane::Events => self.events.len(),
            Pane::Explain | Pane::Log => self.detail.as_ref().map_or(0, |(_, text)| text.lines().count()),
        };
        lines.saturating_sub(1)
    }

    fn open(&mut self, pane: Pane) -> Command {
        self.pane = pane;
        self.scroll = 0;
        self.detail = None;
        Command::Look
    }

    fn confirm(&mut self, deed: Deed) {
        if !self.snapshot.told {
            "no watch is running that could be asked".clone_into(&mut self.message);
        } else if let Some((name, _)) = &self.selected {
            self.mode = Mode::Confirm(deed, name.clone());
        }
    }

    fn suspend_or_resume(&mut self) -> Option<Command> {
        if !self.snapshot.told {
            "no watch is running that could be asked".clone_into(&mut self.message);
            return None;
        }
        let (name, _) = self.selected.as_ref()?;
        let service = self.snapshot.objects.iter().find(|service| service.name == *name)?;
        let is_suspended = service.conditions.iter().any(|condition| {
            condition.kind == ConditionType::Suspended && condition.status == ConditionStatus::True
        });
        Some(Command::Ask(if is_suspended { Deed::Resume } else { Deed::Suspend }, name.clone()))
    }

    fn go(&mut self, to: impl FnOnce(usize, usize) -> usize) -> Command {
        let count = self.rows().len();
        self.select(to(self.position(), count));
        self.scroll = 0;
        Command::Look
    }

    /// The rows that are shown.
    pub(super) fn rows(&self) -> Vec<Row> {
        rows(&self.snapshot, &self.filter)
    }

    /// Where the selected row is.
    pub(super) fn position(&self) -> usize {
        self.position_in(&self.rows()).unwrap_or(0)
    }

    fn position_in(&self, rows: &[Row]) -> Option<usize> {
        rows.iter().position(|row| Some(&row.key) == self.selected.as_ref())
    }

    /// Keeps to the selected row if it is still shown; else to what is now in its place.
    fn stay(&mut self, at: usize) {
        if self.position_in(&self.rows()).is_none() {
            self.select(at);
        }
    }

    /// Selects the row at this place, or the last one.
    fn select(&mut self, at: usize) {
        let rows = self.rows();
        let last = rows.len().saturating_sub(1);
        self.selected = rows.get(at.min(last)).map(|row| row.key.clone());
    }
}
