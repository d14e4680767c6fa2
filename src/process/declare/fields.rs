//! Fields of a process that stand in files of their own: who it is and what it executes.

use std::sync::Arc;

use super::stat::share;
use super::{Field, PID_MAX, Reader, STRINGS, class, row};
use crate::facts::{Arguments, Fact, Reason, Why, words};
use crate::lang::schema::Privilege::{Attach, Read, World};
use crate::lang::schema::Trust::{Kernel, SelfReported};
use crate::lang::shared::Shared;
use crate::lang::value::{Type, Value};
use crate::process::objects::{FILE, File, GROUP, LIMIT, Limit, PROCESS, USER};
use crate::process::read::{group, int, path, size, string, user};
use crate::process::runs::COMM_MAX;
use crate::process::vocabulary::ProcessVocabulary;
use crate::process::world::Bytes;
use crate::process::{arguments, exe, paths, script};
use crate::units::Pid;

pub(super) static TABLE: &[Field] = {
    use Reader::{Entry, Process};
    let stat = class(4, World, Kernel);
    let link = class(2, Read, Kernel);
    &[
        row(
            PROCESS,
            "pid",
            Type::Int,
            class(0, World, Kernel),
            ["number in the engine's namespace", "/proc listing", "pid > 1"],
            Process(|_, p| Fact::Known(int(p.0))),
        )
        .within(1, PID_MAX),
        row(
            PROCESS,
            "self",
            Type::Bool,
            class(0, World, Kernel),
            ["the engine itself", "getpid(2)", "!self"],
            Process(|v, p| v.world.self_pid().map(|me| Value::Bool(me == p))),
        ),
        row(
            PROCESS,
            "managed_as",
            Type::String,
            class(0, World, Kernel),
            ["name of the object that the engine keeps it for", "ledger", "!has(managed_as)"],
            Process(|v, p| v.world.managed_as(p).map(|name| Value::string(name.as_bytes()))),
        ),
        row(
            PROCESS,
            "user",
            Type::Named(USER),
            class(1, World, Kernel),
            ["effective user", "owner of /proc/PID", "user == \"www-data\""],
            Process(|v, p| v.world.owner(p).map(|(uid, _)| user(uid.0))),
        ),
        row(
            PROCESS,
            "group",
            Type::Named(GROUP),
            class(1, World, Kernel),
            ["effective group", "group of /proc/PID", "group == \"www-data\""],
            Process(|v, p| v.world.owner(p).map(|(_, gid)| group(gid.0))),
        ),
        row(
            PROCESS,
            "exe",
            Type::Named(FILE),
            link,
            [
                "the file it executes, by identity; absent for kernel threads and zombies",
                "/proc/PID/exe",
                "exe == interpreter(\"/srv/app.py\")",
            ],
            Process(|v, p| v.world.exe_file(p).map(|_| File::Exe(p).into())),
        ),
        row(
            PROCESS,
            "cwd",
            Type::Named(FILE),
            link,
            ["working directory", "/proc/PID/cwd", "cwd under \"/srv\""],
            Process(|v, p| {
                v.world.cwd(p).map(|l| File::Link { text: l.text, dev: l.dev, ino: l.ino }.into())
            }),
        ),
        row(
            PROCESS,
            "root",
            Type::Named(FILE),
            link,
            ["root directory", "/proc/PID/root", "root == \"/\""],
            Process(|v, p| {
                v.world.root(p).map(|l| File::Link { text: l.text, dev: l.dev, ino: l.ino }.into())
            }),
        ),
        row(
            PROCESS,
            "same_root",
            Type::Bool,
            link,
            ["its root directory is the engine's", "/proc/PID/root", "same_root"],
            Process(|v, p| v.world.root(p).map(|root| Value::Bool(root.same))),
        ),
        row(
            PROCESS,
            "comm",
            Type::String,
            class(3, World, SelfReported),
            ["name of the task, at most 15 bytes", "/proc/PID/comm", "comm == \"nginx\""],
            Process(|v, p| v.world.comm(p).map(string)),
        ),
        row(
            PROCESS,
            "name",
            Type::String,
            class(3, Read, SelfReported),
            [
                "comm, completed where it was cut",
                "/proc/PID/comm, exe, auxv, cmdline",
                "name == \"prometheus-node-exporter\"",
            ],
            Process(name),
        ),
        row(
            PROCESS,
            "argv",
            STRINGS,
            class(3, World, SelfReported),
            ["arguments; empty ones are kept", "/proc/PID/cmdline", "argv[1] == \"serve\""],
            Process(|v, p| whole(v, p).map(|a| Value::list(a.words.iter().cloned().map(string)))),
        ),
        row(
            PROCESS,
            "cmdline",
            Type::String,
            class(3, World, SelfReported),
            [
                "arguments quoted as a shell would, for display",
                "/proc/PID/cmdline",
                "cmdline contains \"--verbose\"",
            ],
            Process(|v, p| whole(v, p).map(|a| Value::string(quoted(a.words.iter().map(AsRef::as_ref))))),
        ),
        row(
            PROCESS,
            "argv_rewritten",
            Type::Bool,
            class(4, Read, Kernel),
            ["a title stands where argv was", "/proc/PID/cmdline, /proc/PID/stat 48-49", "!argv_rewritten"],
            Process(|v, p| arguments::rewritten(v.world, p).map(Value::Bool)),
        ),
        row(
            PROCESS,
            "execfn",
            Type::Path,
            class(3, Attach, SelfReported),
            ["the name given to execve", "AT_EXECFN, getauxval(3)", "execfn == \"/srv/app.py\""],
            Process(|v, p| v.world.execfn(p).map(path)),
        ),
        row(
            PROCESS,
            "script",
            Type::Named(FILE),
            class(4, Attach, SelfReported),
            ["the script that an interpreter executes", "execfn, cmdline", "script == \"/srv/app.py\""],
            Process(|v, p| script::script(v.world, p).map(|found| File::Found(Box::new(found)).into())),
        ),
        row(
            PROCESS,
            "env",
            Type::Map(Shared::Program(&Type::String)),
            class(3, Read, SelfReported),
            ["initial environment", "/proc/PID/environ", "env[\"APP_ENV\"] == \"prod\""],
            Entry(environment),
        ),
        row(
            PROCESS,
            "login_user",
            Type::Named(USER),
            class(3, World, Kernel),
            ["who logged in; absent for services", "/proc/PID/loginuid", "!has(login_user)"],
            Process(|v, p| v.world.login_uid(p).map(|uid| user(uid.0))),
        ),
        row(
            PROCESS,
            "oom_score_adj",
            Type::Int,
            class(3, World, Kernel),
            [
                "adjustment for the out-of-memory choice, -1000 to 1000",
                "/proc/PID/oom_score_adj",
                "oom_score_adj < 0",
            ],
            Process(|v, p| v.world.oom_score_adj(p).map(int)),
        )
        .within(-1000, 1000),
        row(
            PROCESS,
            "oom_score",
            Type::Int,
            class(3, World, Kernel),
            [
                "how likely the kernel would choose it when out of memory",
                "/proc/PID/oom_score",
                "oom_score > 500",
            ],
            Process(|v, p| v.world.oom_score(p).map(int)),
        )
        .within(0, i64::MAX),
        row(
            PROCESS,
            "io.read_bytes",
            Type::Size,
            class(3, Read, Kernel),
            ["bytes fetched from storage", "proc_pid_io(5)", "io.read_bytes > 1GiB"],
            Process(|v, p| v.world.io(p).map(|io| size(io.read_bytes))),
        ),
        row(
            PROCESS,
            "io.write_bytes",
            Type::Size,
            class(3, Read, Kernel),
            ["bytes sent to storage", "proc_pid_io(5)", "io.write_bytes > 1GiB"],
            Process(|v, p| v.world.io(p).map(|io| size(io.write_bytes))),
        ),
        row(
            PROCESS,
            "io.read_chars",
            Type::Size,
            class(3, Read, Kernel),
            [
                "bytes that calls like read(2) gave, from wherever: files, caches, sockets, pipes",
                "proc_pid_io(5)",
                "io.read_chars > 1GiB",
            ],
            Process(|v, p| v.world.io(p).map(|io| size(io.read_chars))),
        ),
        row(
            PROCESS,
            "io.write_chars",
            Type::Size,
            class(3, Read, Kernel),
            ["bytes that calls like write(2) took, wherever to", "proc_pid_io(5)", "io.write_chars > 1GiB"],
            Process(|v, p| v.world.io(p).map(|io| size(io.write_chars))),
        ),
        row(
            PROCESS,
            "io.read_calls",
            Type::Int,
            class(3, Read, Kernel),
            ["number of calls like read(2)", "proc_pid_io(5)", "io.read_calls > 1000000"],
            Process(|v, p| v.world.io(p).map(|io| int(io.read_calls))),
        )
        .within(0, i64::MAX),
        row(
            PROCESS,
            "io.write_calls",
            Type::Int,
            class(3, Read, Kernel),
            ["number of calls like write(2)", "proc_pid_io(5)", "io.write_calls > 1000000"],
            Process(|v, p| v.world.io(p).map(|io| int(io.write_calls))),
        )
        .within(0, i64::MAX),
        row(
            PROCESS,
            "limits",
            Type::Map(Shared::Program(&Type::Named(LIMIT))),
            stat,
            [
                "resource limits by their names in lower case",
                "/proc/PID/limits, getrlimit(2)",
                "limits[\"nofile\"].soft >= 1024",
            ],
            Entry(limit),
        ),
        row(
            PROCESS,
            "fds",
            Type::Int,
            class(4, Read, Kernel),
            ["number of open descriptors", "/proc/PID/fd", "fds > 1000"],
            Process(|v, p| v.world.fd_count(p).map(int)),
        )
        .within(0, i64::MAX),
        row(
            PROCESS,
            "fds_share",
            Type::Ratio,
            class(4, Read, Kernel),
            [
                "open descriptors as a part of the soft limit; absent where there is none",
                "/proc/PID/fd, /proc/PID/limits",
                "fds_share > 90%",
            ],
            Process(|v, p| {
                let soft = v.world.limit(p, "nofile").and_then(|limit| Fact::from_option(limit.soft));
                v.world.fd_count(p).and_then(|count| soft.and_then(|soft| share(count, soft)))
            }),
        ),
        row(
            PROCESS,
            "security_label",
            Type::String,
            class(3, World, Kernel),
            ["label of the security module", "/proc/PID/attr/current", "!has(security_label)"],
            Process(|v, p| v.world.security_label(p).map(string)),
        ),
    ]
};

/// argv with its end: what can be said of the beginning alone, functions say (`flag`, `arg`).
pub(in crate::process) fn whole(v: &ProcessVocabulary<'_>, pid: Pid) -> Fact<Arc<Arguments>> {
    v.world.arguments(pid).and_then(|arguments| {
        if arguments.truncated {
            return Fact::Unknown(Reason::new(Why::Truncated, format!("argv of {pid}")));
        }
        Fact::Known(arguments)
    })
}

/// comm where it is shorter than its 15 bytes; else the first longer name that begins with it.
fn name(v: &ProcessVocabulary<'_>, pid: Pid) -> Fact<Value> {
    let comm = match v.world.comm(pid) {
        Fact::Known(comm) => comm,
        Fact::Absent => return Fact::Absent,
        Fact::Unknown(reason) => return Fact::Unknown(reason),
    };
    if comm.len() < COMM_MAX {
        return Fact::Known(string(comm));
    }
    let argv0 = || v.world.arguments(pid).and_then(|a| Fact::from_option(a.words.first().cloned()));
    let sources: [&dyn Fn() -> Fact<Bytes>; 3] =
        [&|| exe::path(v.world, pid).map(paths::shared), &|| v.world.execfn(pid), &argv0];
    let mut unread = None;
    for source in sources {
        match source() {
            Fact::Known(whole) if paths::base_name(&whole).starts_with(&comm) => {
                return Fact::Known(Value::string(paths::base_name(&whole)));
            }
            Fact::Known(_) | Fact::Absent => {}
            Fact::Unknown(reason) => unread = unread.or(Some(reason)),
        }
    }
    // A source that can't be read may hold the rest of a name that was cut.
    unread.map_or_else(|| Fact::Known(string(comm)), Fact::Unknown)
}

pub(super) fn environment(v: &ProcessVocabulary<'_>, pid: Pid, key: &[u8]) -> Fact<Value> {
    v.world.variable(pid, key).map(string)
}

fn limit(v: &ProcessVocabulary<'_>, pid: Pid, key: &[u8]) -> Fact<Value> {
    let key = String::from_utf8_lossy(key);
    v.world.limit(pid, &key).map(|pair| Limit(pair).into())
}

/// Bytes that mean nothing to a shell.
#[expect(clippy::indexing_slicing, reason = "computed when the program is built")]
const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%";
    let mut at = 0;
    while at < plain.len() {
        table[plain[at] as usize] = true;
        at += 1;
    }
    table
};

/// As a shell would need it: words with anything unusual in single quotes.
fn quoted<'a>(words: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    // Titles leave a hundred empty words behind them: room for these as well.
    let mut line = Vec::with_capacity(512);
    quote(words, &mut line);
    line
}

/// The same, put behind what is in the line.
fn quote<'a>(words: impl Iterator<Item = &'a [u8]>, line: &mut Vec<u8>) {
    let plain = |b: &u8| PLAIN.get(usize::from(*b)).copied().unwrap_or(false);
    for (at, word) in words.enumerate() {
        if word.is_empty() {
            line.extend_from_slice(if at > 0 { b" ''" } else { b"''" });
            continue;
        }
        if at > 0 {
            line.push(b' ');
        }
        if word.iter().all(plain) {
            line.extend_from_slice(word);
            continue;
        }
        line.push(b'\'');
        for byte in word {
            match byte {
                b'\'' => line.extend_from_slice(b"'\\''"),
                other => line.push(*other),
            }
        }
        line.push(b'\'');
    }
}

/// As [`quoted`] does the words of the text of `/proc/PID/cmdline`, in the place of what was in `line`. What a title leaves behind it, a hundred empty words as a
/// rule, isn't gone through.
pub(in crate::process) fn quote_text(text: &[u8], line: &mut Vec<u8>) {
    line.clear();
    let body = text.strip_suffix(b"\0").unwrap_or(text);
    let said = body.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    match body.split_at_checked(said) {
        Some((said, padding)) if !said.is_empty() => {
            quote(words(said), line);
            for _ in padding {
                line.extend_from_slice(b" ''");
            }
        }
        _ => quote(words(text), line),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_quoted_as_its_words_are() {
        let texts: [&[u8]; 10] = [
            b"",
            b"\0",
            b"\0\0\0",
            b"a",
            b"a\0",
            b"a\0b c\0",
            b"a\0\0",
            b"title\0\0\0\0",
            b"\0a\0\0b\0\0",
            b"it's\0\0\0",
        ];
        let mut line = Vec::new();
        for text in texts {
            quote_text(text, &mut line);
            assert_eq!(line, quoted(words(text)), "{text:?}");
        }
    }
}
