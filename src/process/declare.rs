//! Everything that an expression can name about processes. One row a field or function: what it is, what it
//! costs, who may read it, who says so, and how it is read. To add a field, add a row.

mod bounds;
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
use std::sync::LazyLock;

pub(super) use self::fields::{quoted_text, whole as whole_arguments};
pub use self::rates::is_sampled;
use super::objects::{FILE, GROUP, LIMIT, NAMESPACE, PROCESS, PROTOCOL, SOCKET, SOCKET_STATE, TTY, USER};
use super::read::{POLICIES, SECCOMP, SIGNALS};
use super::vocabulary::ProcessVocabulary;
use crate::facts::{Fact, ProcessState, Protocol, Socket, SocketState};
use crate::lang::schema::{
    Cost, Declarations, EnumDecl, FieldDecl, FunctionDecl, Operation, OperatorDecl, Privilege, Text, Trust,
    TypeDecl,
};
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
    let fields = fields().decls.as_slice();
    let foreign = |(theirs, ours): &(&'static str, &'static str)| ((*theirs).into(), (*ours).into());
    Declarations {
        origin: None,
        types: types(),
        enums: enums(),
        bounds: bounds::table(fields),
        fields: Cow::Borrowed(fields),
        functions: functions().into_iter().map(|function| function.decl).collect(),
        operators: operators(),
        foreign: foreign::FOREIGN.iter().map(foreign).collect(),
    }
}

/// All fields, in one order: what the schema says of each, and its name and how it is read.
struct Fields {
    decls: Vec<FieldDecl>,
    readers: Vec<(Text, Reader)>,
}

/// Made once and in place: a program that asks one question spends a good part of its time on this.
fn fields() -> &'static Fields {
    /// More than there are: a table that grows is copied at each step.
    const ROOM: usize = 256;
    static FIELDS: LazyLock<Fields> = LazyLock::new(|| {
        let tables = [
            fields::table,
            stat::table,
            stat::relatives,
            status::table,
            groups::table,
            files::table,
            rates::table,
            heavy::table,
            heavy::of_sockets,
        ];
        let mut all = Fields { decls: Vec::with_capacity(ROOM), readers: Vec::with_capacity(ROOM) };
        for Field { decl, read } in tables.into_iter().flat_map(|table: fn() -> Vec<Field>| table()) {
            all.readers.push((decl.name.clone(), read));
            all.decls.push(decl);
        }
        all
    });
    &FIELDS
}

/// Name and reader of every field, in the order of [`declarations`].
pub(super) fn readers() -> &'static [(Text, Reader)] {
    &fields().readers
}

/// How every function is called, in the order of [`declarations`].
pub(super) fn calls() -> &'static [Call] {
    static CALLS: LazyLock<Vec<Call>> =
        LazyLock::new(|| functions().into_iter().map(|function| function.call).collect());
    &CALLS
}

/// All functions, in the order of [`declarations`].
pub(super) fn functions() -> Vec<Function> {
    functions::table()
}

/// Cost, privilege and trust of a row, in the letters of the language reference.
#[derive(Clone, Copy)]
struct Class(Cost, Privilege, Trust);

const fn class(cost: Cost, privilege: Privilege, trust: Trust) -> Class {
    Class(cost, privilege, trust)
}

/// Summary, kernel source and example of a row.
type Words = [&'static str; 3];

fn row(owner: TypeName, name: &'static str, ty: Type, class: Class, words: Words, read: Reader) -> Field {
    let Class(cost, privilege, trust) = class;
    let [summary, source, example] = words;
    let [name, summary, source, example] = [name, summary, source, example].map(Into::into);
    Field { decl: FieldDecl { owner, name, ty, cost, privilege, trust, summary, source, example }, read }
}

fn types() -> Vec<TypeDecl> {
    let declare = |name, summary: &'static str, from: &[Type]| TypeDecl {
        name,
        summary: summary.into(),
        from: from.to_vec(),
    };
    vec![
        declare(PROCESS, "a process of the host", &[]),
        declare(FILE, "a file by identity: device and inode, not text", &[]),
        declare(USER, "a user, compared with a name or a number", &[Type::String, Type::Int]),
        declare(GROUP, "a group, compared with a name or a number", &[Type::String, Type::Int]),
        declare(TTY, "a terminal, compared with its name: `pts/0`", &[Type::String]),
        declare(NAMESPACE, "a namespace, compared with that of another process or of the engine", &[]),
        declare(LIMIT, "a resource limit: soft and hard", &[]),
        declare(SOCKET, "a TCP, UDP or Unix socket that is bound or connected", &[]),
    ]
}

fn enums() -> Vec<EnumDecl> {
    vec![
        EnumDecl {
            name: "state",
            summary: "what a process is doing".into(),
            words: ProcessState::ALL.iter().map(|state| state.word()).collect(),
        },
        EnumDecl {
            name: PROTOCOL,
            summary: "what a socket speaks; the address tells IPv4 from IPv6".into(),
            words: Protocol::ALL.iter().map(|protocol| protocol.word()).collect(),
        },
        EnumDecl {
            name: SOCKET_STATE,
            summary: "what a socket is doing; `unconnected` is a UDP or Unix socket without a peer".into(),
            words: SocketState::ALL.iter().map(|state| state.word()).collect(),
        },
        EnumDecl {
            name: "policy",
            summary: "scheduling policies, sched(7)".into(),
            words: POLICIES.to_vec(),
        },
        EnumDecl {
            name: "seccomp",
            summary: "system call filters, seccomp(2)".into(),
            words: SECCOMP.to_vec(),
        },
        EnumDecl { name: "capability", summary: "capabilities(7)".into(), words: Capability::NAMES.to_vec() },
        EnumDecl {
            name: "signal",
            summary: "signal(7), without the real-time ones".into(),
            words: SIGNALS.to_vec(),
        },
    ]
}

fn operators() -> Vec<OperatorDecl> {
    use Operation::{Equal, Less, Text, Under};
    let named = Type::Named;
    let declare = |left, operation, right, cost| OperatorDecl { left, operation, right, cost };
    vec![
        // The path is looked up once a look; beyond the file that is compared with it, equality costs nothing.
        declare(named(FILE), Equal, Type::Path, 0),
        declare(named(FILE), Equal, named(FILE), 0),
        declare(named(FILE), Under, Type::Path, 2),
        declare(named(FILE), Text, Type::String, 2),
        declare(named(USER), Equal, named(USER), 0),
        declare(named(USER), Less, named(USER), 0),
        declare(named(USER), Text, Type::String, 0),
        declare(named(GROUP), Equal, named(GROUP), 0),
        declare(named(GROUP), Less, named(GROUP), 0),
        declare(named(GROUP), Text, Type::String, 0),
        declare(named(TTY), Equal, named(TTY), 0),
        declare(named(TTY), Text, Type::String, 0),
        declare(named(NAMESPACE), Equal, named(NAMESPACE), 0),
        declare(named(PROCESS), Equal, named(PROCESS), 0),
    ]
}

#[cfg(test)]
mod tests;
