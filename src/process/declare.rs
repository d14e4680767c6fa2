//! Everything that an expression can name about processes. One row a field or function: what it is, what it
//! costs, who may read it, who says so, and how it is read. To add a field, add a row.

mod fields;
mod files;
mod foreign;
mod functions;
mod groups;
mod heavy;
mod rates;
mod stat;
mod status;

use std::borrow::Cow;

pub(super) use self::fields::{quote_text, whole as whole_arguments};
pub use self::rates::is_sampled;
use super::objects::{FILE, GROUP, LIMIT, NAMESPACE, PROCESS, PROTOCOL, SOCKET, SOCKET_STATE, TTY, USER};
use super::read::{POLICIES, SECCOMP, SIGNALS};
use super::vocabulary::ProcessVocabulary;
use crate::facts::{Fact, ProcessState, Protocol, Socket, SocketState};
use crate::lang::schema::{
    Cost, Declarations, EnumDecl, FieldDecl, FunctionDecl, Operation, OperatorDecl, Privilege, Trust,
    TypeDecl,
};
use crate::lang::shared::Shared;
use crate::lang::value::{Type, TypeName, Value};
use crate::units::{Capability, Pid};

use super::objects::{File, Limit};

/// How a row is read.
#[derive(Clone, Copy)]
pub(super) enum Reader {
    /// Of a process.
    Process(fn(&ProcessVocabulary<'_>, Pid) -> Fact<Value>),
    /// Of a file.
    File(fn(&ProcessVocabulary<'_>, &File) -> Fact<Value>),
    /// Of a socket.
    Socket(fn(&Socket) -> Fact<Value>),
    /// Of a limit.
    Limit(fn(&Limit) -> Fact<Value>),
    /// One entry of a map of a process.
    Entry(fn(&ProcessVocabulary<'_>, Pid, &[u8]) -> Fact<Value>),
}

/// A field and how it is read.
pub(super) struct Field {
    pub(super) decl: FieldDecl,
    pub(super) read: Reader,
}

/// How a function is called: with the candidate and its arguments.
pub(super) type Call = fn(&ProcessVocabulary<'_>, Pid, &[Value]) -> Fact<Value>;

/// A function and how it is called.
pub(super) struct Function {
    pub(super) decl: FunctionDecl,
    pub(super) call: Call,
}

/// The declarations of the process vocabulary, for the schema.
pub fn declarations() -> Declarations {
    Declarations {
        origin: None,
        types: Cow::Borrowed(TYPES),
        enums: Cow::Borrowed(ENUMS),
        fields: fields().iter().map(|field| Shared::Program(&field.decl)).collect(),
        functions: functions::TABLE.iter().map(|function| Shared::Program(&function.decl)).collect(),
        operators: Cow::Borrowed(OPERATORS),
        foreign: Cow::Borrowed(foreign::FOREIGN),
    }
}

/// All fields, in one order: what the schema says of each, and how it is read.
pub(super) fn fields() -> &'static [&'static Field] {
    static FIELDS: [&Field; all_of(&TABLES)] = in_one(&TABLES);
    &FIELDS
}

/// Name of a field, by its place in [`declarations`], and how it is read.
pub(super) fn reader(field: usize) -> Option<(&'static str, Reader)> {
    fields().get(field).map(|field| (&*field.decl.name, field.read))
}

/// Part of the program and not made when it starts: one that asks a single question would spend a good part of its time on
/// this.
static TABLES: [&[Field]; 11] = [
    fields::TABLE,
    stat::TABLE,
    stat::RELATIVES,
    status::TABLE,
    groups::TABLE,
    groups::NAMESPACES,
    files::TABLE,
    rates::TABLE,
    rates::CHANGES,
    heavy::TABLE,
    heavy::OF_SOCKETS,
];

#[expect(clippy::indexing_slicing, reason = "computed when the program is built")]
const fn all_of(tables: &[&[Field]]) -> usize {
    let (mut all, mut at) = (0, 0);
    while at < tables.len() {
        all += tables[at].len();
        at += 1;
    }
    all
}

#[expect(clippy::indexing_slicing, reason = "computed when the program is built")]
const fn in_one<const ALL: usize>(tables: &'static [&'static [Field]]) -> [&'static Field; ALL] {
    let mut all = [&tables[0][0]; ALL];
    let (mut table, mut row, mut at) = (0, 0, 0);
    while at < ALL {
        if row == tables[table].len() {
            (table, row) = (table + 1, 0);
        } else {
            all[at] = &tables[table][row];
            (row, at) = (row + 1, at + 1);
        }
    }
    all
}

/// All functions, in the order of [`declarations`].
pub(super) fn functions() -> &'static [Function] {
    functions::TABLE
}

/// Cost, privilege and trust of a row, in the letters of the language reference.
#[derive(Clone, Copy)]
struct Class(Cost, Privilege, Trust);

const fn class(cost: Cost, privilege: Privilege, trust: Trust) -> Class {
    Class(cost, privilege, trust)
}

/// Summary, kernel source and example of a row.
type Words = [&'static str; 3];

/// Highest possible PID: `PID_MAX_LIMIT` of 64-bit kernels, `proc_sys_kernel(5)`.
const PID_MAX: i64 = 4_194_304;

const STRINGS: Type = Type::List(Shared::Program(&Type::String));

const fn row(
    owner: TypeName,
    name: &'static str,
    ty: Type,
    class: Class,
    words: Words,
    read: Reader,
) -> Field {
    let Class(cost, privilege, trust) = class;
    let [summary, source, example] = words;
    let bounds = match ty {
        // What the kernel counts and measures never goes below nothing.
        Type::Size | Type::Duration | Type::Ratio => Some((0, i64::MAX)),
        _ => None,
    };
    let decl = FieldDecl {
        owner,
        name: Cow::Borrowed(name),
        ty,
        bounds,
        cost,
        privilege,
        trust,
        summary: Cow::Borrowed(summary),
        source: Cow::Borrowed(source),
        example: Cow::Borrowed(example),
    };
    Field { decl, read }
}

impl Field {
    /// The kernel never says less or more: a comparison with a number outside is a mistake.
    const fn within(mut self, low: i64, high: i64) -> Self {
        self.decl.bounds = Some((low, high));
        self
    }

    const fn unbounded(mut self) -> Self {
        self.decl.bounds = None;
        self
    }
}

const fn of_type(name: TypeName, summary: &'static str, from: &'static [Type]) -> TypeDecl {
    TypeDecl { name, summary: Cow::Borrowed(summary), from: Cow::Borrowed(from), bounds: None }
}

/// Of users and groups, which are numbers of 32 bits.
const fn of_account(name: TypeName, summary: &'static str) -> TypeDecl {
    let mut decl = of_type(name, summary, const { &[Type::String, Type::Int] });
    decl.bounds = Some((0, u32::MAX as i64));
    decl
}

static TYPES: &[TypeDecl] = &[
    of_type(PROCESS, "a process of the host", &[]),
    of_type(FILE, "a file by identity: device and inode, not text", &[]),
    of_account(USER, "a user, compared with a name or a number"),
    of_account(GROUP, "a group, compared with a name or a number"),
    of_type(TTY, "a terminal, compared with its name: `pts/0`", &[Type::String]),
    of_type(NAMESPACE, "a namespace, compared with that of another process or of the engine", &[]),
    of_type(LIMIT, "a resource limit: soft and hard", &[]),
    of_type(SOCKET, "a TCP, UDP or Unix socket that is bound or connected", &[]),
];

const fn of_words(name: TypeName, summary: &'static str, words: &'static [&'static str]) -> EnumDecl {
    EnumDecl { name, summary: Cow::Borrowed(summary), words: Cow::Borrowed(words) }
}

/// The words of all values of a type of facts.
macro_rules! words_of {
    ($of:ty) => {{
        #[expect(clippy::indexing_slicing, reason = "computed when the program is built")]
        const WORDS: [&str; <$of>::ALL.len()] = {
            let mut words = [""; <$of>::ALL.len()];
            let mut at = 0;
            while at < words.len() {
                words[at] = <$of>::ALL[at].word();
                at += 1;
            }
            words
        };
        &WORDS
    }};
}

static ENUMS: &[EnumDecl] = &[
    of_words("state", "what a process is doing", words_of!(ProcessState)),
    of_words(PROTOCOL, "what a socket speaks; the address tells IPv4 from IPv6", words_of!(Protocol)),
    of_words(
        SOCKET_STATE,
        "what a socket is doing; `unconnected` is a UDP or Unix socket without a peer",
        words_of!(SocketState),
    ),
    of_words("policy", "scheduling policies, sched(7)", &POLICIES),
    of_words("seccomp", "system call filters, seccomp(2)", &SECCOMP),
    of_words("capability", "capabilities(7)", &Capability::NAMES),
    of_words("signal", "signal(7), without the real-time ones", &SIGNALS),
];

const fn compared(left: Type, operation: Operation, right: Type, cost: Cost) -> OperatorDecl {
    OperatorDecl { left, operation, right, cost }
}

static OPERATORS: &[OperatorDecl] = {
    use Operation::{Equal, Less, Text, Under};
    &[
        // The path is looked up once a look; beyond the file that is compared with it, equality costs nothing.
        compared(Type::Named(FILE), Equal, Type::Path, 0),
        compared(Type::Named(FILE), Equal, Type::Named(FILE), 0),
        compared(Type::Named(FILE), Under, Type::Path, 2),
        compared(Type::Named(FILE), Text, Type::String, 2),
        compared(Type::Named(USER), Equal, Type::Named(USER), 0),
        compared(Type::Named(USER), Less, Type::Named(USER), 0),
        compared(Type::Named(USER), Text, Type::String, 0),
        compared(Type::Named(GROUP), Equal, Type::Named(GROUP), 0),
        compared(Type::Named(GROUP), Less, Type::Named(GROUP), 0),
        compared(Type::Named(GROUP), Text, Type::String, 0),
        compared(Type::Named(TTY), Equal, Type::Named(TTY), 0),
        compared(Type::Named(TTY), Text, Type::String, 0),
        compared(Type::Named(NAMESPACE), Equal, Type::Named(NAMESPACE), 0),
        compared(Type::Named(PROCESS), Equal, Type::Named(PROCESS), 0),
    ]
};

#[cfg(test)]
mod tests;
