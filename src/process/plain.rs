//! Facts of processes as plain data, for the short way to a verdict ([`crate::lang::quick`]).
//!
//! Plain is what equality can be told from: a uid, device and inode of an image that has a name, texts. An image without
//! a name (deleted, a memfd) is not: whether it is an old version of a file takes the rule of [`super::exe`].

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use super::candidate;
use super::declare::{self, Reader, whole_arguments};
use super::objects::{File, Group, User};
use super::vocabulary::{DERIVED, ProcessVocabulary, bytes};
use crate::facts::{Fact, FileFacts, words};
use crate::lang::Matcher;
use crate::lang::ir::{Id, Kind, Node};
use crate::lang::quick::{Datum, Index, Layout, Plain, Program, Record};
use crate::lang::schema::Vocabulary;
use crate::lang::value::Value;
use crate::units::Pid;

/// Functions whose value depends on their arguments and the host, not on the candidate.
const OF_THE_HOST: [&str; 3] = ["interpreter", "file", "realpath"];

/// Where the plain form of a field is had without the detour over its value.
#[derive(Clone, Copy)]
enum Shortcut {
    User,
    Group,
    Exe,
    Argv,
    Cmdline,
    None,
}

static SHORTCUTS: LazyLock<Vec<Shortcut>> = LazyLock::new(|| {
    let of = |name: &str| match name {
        "user" => Shortcut::User,
        "group" => Shortcut::Group,
        "exe" => Shortcut::Exe,
        "argv" => Shortcut::Argv,
        "cmdline" => Shortcut::Cmdline,
        _ => Shortcut::None,
    };
    let all = declare::fields().iter();
    all.map(|field| match field.read {
        Reader::Process(_) => of(&field.decl.name),
        _ => Shortcut::None,
    })
    .collect()
});

fn shortcut(field: Id) -> Shortcut {
    SHORTCUTS.get(field.index).copied().unwrap_or(Shortcut::None)
}

impl ProcessVocabulary<'_> {
    /// A field of a process as plain data.
    pub fn datum(&self, pid: Pid, field: Id) -> Datum {
        let Some((name, Reader::Process(read))) = declare::reader(field.index) else {
            return Datum::Opaque;
        };
        match self.world.gap(pid, name) {
            None | Some(Fact::Known(())) => {}
            Some(Fact::Absent) if DERIVED.contains(&name) => {}
            Some(Fact::Absent) => return Datum::Absent,
            Some(Fact::Unknown(_)) => return Datum::Opaque,
        }
        let at_hand = if self.sieving { self.at_hand(pid, shortcut(field)) } else { None };
        if let Some(datum) = at_hand {
            return datum;
        }
        match shortcut(field) {
            Shortcut::User => plain(self.world.owner(pid), |(uid, _)| Datum::Int(uid.0.into())),
            Shortcut::Group => plain(self.world.owner(pid), |(_, gid)| Datum::Int(gid.0.into())),
            Shortcut::Exe => plain(self.world.exe_file(pid), |file| named(&file)),
            Shortcut::Argv => {
                plain(whole_arguments(self, pid), |arguments| Datum::Words(arguments.words.as_slice().into()))
            }
            Shortcut::Cmdline | Shortcut::None => plain(read(self, pid), |value| of_value(&value)),
        }
    }

    /// What arguments say, without a place of their own for those of each process.
    fn at_hand(&self, pid: Pid, shortcut: Shortcut) -> Option<Datum> {
        let mut datum = None;
        let mut use_text = |text: &[u8]| {
            datum = match shortcut {
                Shortcut::Cmdline => {
                    let mut line = self.line.borrow_mut();
                    declare::quote_text(text, &mut line);
                    Some(Datum::Bytes(line.as_slice().into()))
                }
                Shortcut::Argv => Some(Datum::Words(words(text).map(Arc::from).collect())),
                Shortcut::User | Shortcut::Group | Shortcut::Exe | Shortcut::None => None,
            };
        };
        if matches!(shortcut, Shortcut::Cmdline | Shortcut::Argv) {
            self.world.glance_at_arguments(pid, &mut use_text);
        }
        datum
    }
}

impl Plain for ProcessVocabulary<'_> {
    fn constant(&self, field: Id, value: &Value) -> Option<Datum> {
        match (shortcut(field), value.object::<File>()) {
            (Shortcut::Exe, Some(File::Found(file))) => Some(Datum::File(file.dev, file.ino)),
            (Shortcut::Exe, None) => self.wanted(&bytes(value)?).plain(),
            _ => match of_value(value) {
                datum @ Datum::Int(_)
                    if value.object::<User>().is_some() || value.object::<Group>().is_some() =>
                {
                    Some(datum)
                }
                _ => None,
            },
        }
    }

    fn fixed(&self, node: &Node) -> Option<Value> {
        let Kind::Call { function, arguments } = &node.kind else { return None };
        let values: Option<Vec<Value>> =
            arguments.iter().map(|argument| argument.constant().cloned()).collect();
        if !OF_THE_HOST.contains(&function.name.as_ref()) {
            return None;
        }
        self.call(&candidate(Pid(0)), function.id.index, &values?).known()
    }
}

fn plain<T>(fact: Fact<T>, known: impl FnOnce(T) -> Datum) -> Datum {
    match fact {
        Fact::Known(value) => known(value),
        Fact::Absent => Datum::Absent,
        Fact::Unknown(_) => Datum::Opaque,
    }
}

fn named(image: &FileFacts) -> Datum {
    if image.nlink > 0 { Datum::File(image.dev, image.ino) } else { Datum::Opaque }
}

fn of_value(value: &Value) -> Datum {
    if let Some(user) = value.object::<User>() {
        return Datum::Int(user.0.0.into());
    }
    match value.object::<Group>() {
        Some(group) => Datum::Int(group.0.0.into()),
        None => Datum::of(value),
    }
}

/// Whether a field of a process changes with an exec, a change of its identity or its name only: what the kernel tells of as
/// it happens. (Of its arguments it may write others itself, which only a look finds out.)
pub fn is_told(field: &str) -> bool {
    TOLD.contains(&field)
}

const TOLD: [&str; 12] = [
    "pid",
    "self",
    "user",
    "group",
    "exe",
    "comm",
    "name",
    "argv",
    "cmdline",
    "start_ticks",
    "started",
    "kernel_thread",
];

static TOLD_FIELDS: LazyLock<Vec<bool>> =
    LazyLock::new(|| declare::fields().iter().map(|field| is_told(&field.decl.name)).collect());

/// Which facts a [`Sieve`] may go by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Grounds {
    /// All of them.
    All,
    /// Those of [`is_told`]: what it leaves out stays out until something is told of the process.
    Told,
}

/// Many conditions and their index, without the look: it can be used in several.
#[derive(Debug)]
pub struct Sieve {
    layout: Layout,
    programs: Vec<Program>,
    index: Index,
}

impl Sieve {
    /// Of bound conditions, each with the vocabulary that says what its constants are in plain data. `None`: one that has to
    /// be asked the long way of everybody.
    pub fn new<'m, 'w: 'm>(
        conditions: impl IntoIterator<Item = (Option<&'m Matcher>, &'m ProcessVocabulary<'w>)>,
    ) -> Self {
        let mut layout = Layout::default();
        let program = |matcher: Option<&Matcher>, bound_by: &ProcessVocabulary<'w>, layout: &mut Layout| {
            matcher.map_or_else(Program::long, |matcher| Program::new(matcher, layout, bound_by))
        };
        let programs: Vec<Program> = conditions
            .into_iter()
            .map(|(matcher, bound_by)| program(matcher, bound_by, &mut layout))
            .collect();
        let index = Index::new(&programs, &layout);
        Self { layout, programs, index }
    }

    /// Tells for each process which conditions (by number) are true of it (`Some(true)`) or have to be asked the long way
    /// (`None`). Those that are false are not told, nor those that aren't among the numbers that are asked for.
    pub fn each(
        &self,
        vocabulary: &ProcessVocabulary<'_>,
        (grounds, only): (Grounds, Option<&BTreeSet<usize>>),
        pids: &[Pid],
        mut tell: impl FnMut(Pid, usize, Option<bool>),
    ) {
        let mut record = Record::new(&self.layout);
        let mut found = Vec::new();
        for pid in pids {
            record.clear();
            let read = |field: Id| {
                let may = grounds == Grounds::All || TOLD_FIELDS.get(field.index) == Some(&true);
                if may { vocabulary.datum(*pid, field) } else { Datum::Opaque }
            };
            found.clear();
            self.index.candidates(&record, &read, &mut found);
            for number in found.iter().filter(|number| only.is_none_or(|only| only.contains(number))) {
                let Some(program) = self.programs.get(*number) else { continue };
                match program.run(&record, &read) {
                    Some(false) => {}
                    verdict => tell(*pid, *number, verdict),
                }
            }
        }
    }
}

/// Many conditions over the processes of one look, each fact of a process read at most once.
#[derive(Debug)]
pub struct Scan<'v, 'w> {
    vocabulary: &'v ProcessVocabulary<'w>,
    sieve: Sieve,
}

impl<'v, 'w> Scan<'v, 'w> {
    /// Of bound conditions, each with the vocabulary that it was bound by. `vocabulary` reads the facts.
    pub fn new<'m>(
        vocabulary: &'v ProcessVocabulary<'w>,
        conditions: impl IntoIterator<Item = (&'m Matcher, &'m ProcessVocabulary<'w>)>,
    ) -> Self
    where
        'w: 'm,
    {
        let conditions = conditions.into_iter().map(|(matcher, bound_by)| (Some(matcher), bound_by));
        Self { vocabulary, sieve: Sieve::new(conditions) }
    }

    /// As [`Sieve::each`], by all facts.
    pub fn each(&self, pids: &[Pid], tell: impl FnMut(Pid, usize, Option<bool>)) {
        self.sieve.each(self.vocabulary, (Grounds::All, None), pids, tell);
    }
}
