//! Functions about processes, files and accounts.

use std::borrow::Cow;

use super::{Call, Function, STRINGS};
use crate::facts::Fact;
use crate::lang::schema::{Cost, FunctionDecl, ParamDecl, Trust};
use crate::lang::value::{Type, Value};
use crate::process::objects::{FILE, File, GROUP, USER};
use crate::process::pidfile::{self, Trust as Belief};
use crate::process::read::{misfit, path, string, time, user};
use crate::process::vocabulary::{ProcessVocabulary, bytes};
use crate::process::world::{Bytes, Root};
use crate::process::{arguments, runs};
use crate::units::Pid;

const KERNEL: Option<Trust> = Some(Trust::Kernel);
const OWN: Option<Trust> = Some(Trust::SelfReported);
const PATH: &[ParamDecl] = &[need("path", Type::Path)];

const fn need(name: &'static str, ty: Type) -> ParamDecl {
    ParamDecl { name: Cow::Borrowed(name), ty, default: None }
}

const fn or(name: &'static str, ty: Type, default: Value) -> ParamDecl {
    ParamDecl { name: Cow::Borrowed(name), ty, default: Some(default) }
}

const fn row(
    name: &'static str,
    params: &'static [ParamDecl],
    result: Type,
    cost: Cost,
    trust: Option<Trust>,
    [summary, example]: [&'static str; 2],
    call: Call,
) -> Function {
    Function {
        decl: FunctionDecl {
            name: Cow::Borrowed(name),
            params: Cow::Borrowed(params),
            result,
            cost,
            pure: false,
            trust,
            summary: Cow::Borrowed(summary),
            example: Cow::Borrowed(example),
        },
        call,
    }
}

pub(super) static TABLE: &[Function] = &[
    row(
        "interpreter",
        PATH,
        Type::Named(FILE),
        2,
        None,
        ["the ELF image that the kernel runs for a path", "exe == interpreter(\"/srv/app.py\")"],
        interpreter,
    ),
    row(
        "runs",
        PATH,
        Type::Bool,
        4,
        // The image that the kernel attests comes first; of a script, argv and execfn say which.
        Some(Trust::Both),
        ["the process is an execution of that file, script or not", "runs(\"/srv/app.py\")"],
        |v, p, a| with_path(v, p, a, |v, p, path| v.runs(p, path).holds.map(Value::Bool)),
    ),
    row(
        "parent_runs",
        PATH,
        Type::Bool,
        4,
        OWN,
        ["its parent is an execution of that file", "parent_runs(\"/usr/sbin/nginx\")"],
        |v, p, a| {
            with_path(v, p, a, |v, p, path| runs::parent_runs(v.world, p, &v.target(path)).map(Value::Bool))
        },
    ),
    row(
        "any_ancestor_runs",
        PATH,
        Type::Bool,
        4,
        OWN,
        ["one of its ancestors is an execution of that file", "!any_ancestor_runs(\"/usr/sbin/sshd\")"],
        |v, p, a| {
            with_path(v, p, a, |v, p, path| {
                runs::any_ancestor_runs(v.world, p, &v.target(path)).map(Value::Bool)
            })
        },
    ),
    row(
        "pidfile",
        const { &[need("path", Type::Path), or("locked", Type::Bool, Value::Bool(false))] },
        Type::Bool,
        4,
        KERNEL,
        [
            "a pid file that can be believed names the process; with `locked` it holds a lock on it as well",
            "pidfile(\"/run/app.pid\", locked: true)",
        ],
        pid_file,
    ),
    row(
        "arg",
        const { &[need("name", Type::String)] },
        Type::String,
        3,
        OWN,
        ["value of an option: `--port=80` or `--port 80`", "arg(\"--port\") == \"80\""],
        |v, p, a| with_path(v, p, a, |v, p, name| arguments::option(v.world, p, name).map(string)),
    ),
    row(
        "flag",
        const { &[need("name", Type::String)] },
        Type::Bool,
        3,
        OWN,
        ["a word of argv is that flag", "flag(\"--foreground\")"],
        |v, p, a| with_path(v, p, a, |v, p, name| arguments::flag(v.world, p, name).map(Value::Bool)),
    ),
    row(
        "has_args",
        const { &[need("args", STRINGS)] },
        Type::Bool,
        3,
        OWN,
        ["argv ends in these words", "has_args([\"-c\", \"/etc/app.conf\"])"],
        has_args,
    ),
    row(
        "env",
        const { &[need("name", Type::String)] },
        Type::String,
        3,
        OWN,
        ["value of a variable of the initial environment", "env(\"APP_ENV\") == \"prod\""],
        environment,
    ),
    row(
        "opt_env",
        const { &[need("name", Type::String)] },
        Type::String,
        3,
        OWN,
        [
            "the same as `env()`: absent where the variable is not set, so `??` can say what then",
            "(opt_env(\"APP_ENV\") ?? \"prod\") == \"prod\"",
        ],
        environment,
    ),
    row(
        "file",
        PATH,
        Type::Named(FILE),
        2,
        None,
        ["a file of the host; absent if it doesn't exist", "file(\"/etc/hosts\").owner == \"root\""],
        |v, p, a| with_path(v, p, a, |v, _, path| found(v.world.file(Root::Engine, path))),
    ),
    row(
        "realpath",
        PATH,
        Type::Path,
        2,
        None,
        [
            "the path with every link followed; absent if it doesn't exist",
            "exe.path == realpath(\"/usr/bin/python3\")",
        ],
        |v, p, a| {
            with_path(v, p, a, |v, _, at| v.world.file(Root::Engine, at).map(|facts| path(&facts.real)))
        },
    ),
    row(
        "same_file",
        const { &[need("a", Type::Path), need("b", Type::Path)] },
        Type::Bool,
        2,
        None,
        ["both paths lead to the same file", "same_file(\"/bin/sh\", \"/usr/bin/dash\")"],
        same_file,
    ),
    row(
        "in_group",
        const { &[need("user", Type::Named(USER)), need("group", Type::Named(GROUP))] },
        Type::Bool,
        3,
        None,
        ["the user is a member of the group, by the user database", "in_group(user, \"adm\")"],
        in_group,
    ),
    row(
        "has_account",
        const { &[need("user", Type::Named(USER))] },
        Type::Bool,
        3,
        None,
        ["the user database has an account of that name or number", "!has_account(user)"],
        has_account,
    ),
    row(
        "uid",
        const { &[need("name", Type::String)] },
        Type::Named(USER),
        1,
        None,
        ["the user of that name; absent if there is none", "user == uid(\"www-data\")"],
        |v, p, a| {
            with_path(v, p, a, |v, _, name| match std::str::from_utf8(name) {
                Ok(name) => v.world.user_id(name).map(|uid| user(uid.0)),
                Err(_) => Fact::Absent,
            })
        },
    ),
    row(
        "now",
        &[],
        Type::Time,
        0,
        None,
        ["the moment of the look, wall clock", "started < now()"],
        |v, _, _| v.world.now().map(|now| time(i128::try_from(now.0.as_nanos()).unwrap_or(i128::MAX))),
    ),
    row(
        "boot",
        &[],
        Type::Time,
        0,
        None,
        ["when the host was booted, wall clock", "started > boot()"],
        |v, _, _| pidfile::booted(v.world).map(time),
    ),
];

/// For functions of one path or string.
fn with_path(
    v: &ProcessVocabulary<'_>,
    pid: Pid,
    arguments: &[Value],
    call: impl FnOnce(&ProcessVocabulary<'_>, Pid, &[u8]) -> Fact<Value>,
) -> Fact<Value> {
    match arguments.first().map(|value| text(v, value)) {
        Some(Fact::Known(text)) => call(v, pid, &text),
        Some(Fact::Absent) => Fact::Absent,
        Some(Fact::Unknown(reason)) => Fact::Unknown(reason),
        None => misfit("a call without its argument"),
    }
}

fn text(v: &ProcessVocabulary<'_>, value: &Value) -> Fact<Bytes> {
    match (bytes(value), value.object::<File>()) {
        (Some(text), _) => Fact::Known(text),
        (None, Some(file)) => v.path_of(file),
        (None, None) => misfit("this argument"),
    }
}

fn found(file: Fact<crate::facts::FileFacts>) -> Fact<Value> {
    file.map(|facts| File::Found(Box::new(facts)).into())
}

fn interpreter(v: &ProcessVocabulary<'_>, pid: Pid, arguments: &[Value]) -> Fact<Value> {
    with_path(v, pid, arguments, |v, _, path| found(v.target(path).chain().image()))
}

fn pid_file(v: &ProcessVocabulary<'_>, pid: Pid, arguments: &[Value]) -> Fact<Value> {
    let locked = matches!(arguments.get(1), Some(Value::Bool(true)));
    with_path(v, pid, arguments, |v, pid, path| {
        let believed = pidfile::trust(v.world, path, pid).map(|trust| match trust {
            Belief::Believed => true,
            Belief::Other => false,
            Belief::Refused(why) => {
                v.note(why);
                false
            }
        });
        if !locked || believed != Fact::Known(true) {
            return believed.map(Value::Bool);
        }
        match v.world.lock_holder(path) {
            Fact::Known(holder) => Fact::Known(Value::Bool(holder == pid)),
            Fact::Absent => Fact::Known(Value::Bool(false)),
            Fact::Unknown(reason) => Fact::Unknown(reason),
        }
    })
}

fn has_args(v: &ProcessVocabulary<'_>, pid: Pid, given: &[Value]) -> Fact<Value> {
    let Some(Value::List(items)) = given.first() else { return misfit("a call without its list") };
    let words: Option<Vec<Bytes>> = items.iter().map(bytes).collect();
    let Some(words) = words else { return misfit("this list") };
    arguments::ends_in(v.world, pid, &words).map(Value::Bool)
}

fn environment(v: &ProcessVocabulary<'_>, pid: Pid, arguments: &[Value]) -> Fact<Value> {
    with_path(v, pid, arguments, super::fields::environment)
}

fn same_file(v: &ProcessVocabulary<'_>, _pid: Pid, arguments: &[Value]) -> Fact<Value> {
    let [a, b] = arguments else { return misfit("a call without its two paths") };
    let look = |value| text(v, value).and_then(|path| v.world.file(Root::Engine, &path));
    match (look(a), look(b)) {
        (Fact::Known(a), Fact::Known(b)) => Fact::Known(Value::Bool(a.same_file(&b))),
        (Fact::Unknown(reason), _) | (_, Fact::Unknown(reason)) => Fact::Unknown(reason),
        (Fact::Absent, _) | (_, Fact::Absent) => Fact::Known(Value::Bool(false)),
    }
}

fn has_account(v: &ProcessVocabulary<'_>, _pid: Pid, arguments: &[Value]) -> Fact<Value> {
    let [user] = arguments else { return misfit("a call without its user") };
    match v.user(user).and_then(|uid| v.world.user_name(uid)) {
        Fact::Known(_) => Fact::Known(Value::Bool(true)),
        Fact::Absent => Fact::Known(Value::Bool(false)),
        Fact::Unknown(reason) => Fact::Unknown(reason),
    }
}

fn in_group(v: &ProcessVocabulary<'_>, _pid: Pid, arguments: &[Value]) -> Fact<Value> {
    let [member, of] = arguments else { return misfit("a call without user and group") };
    let group = v.group(of);
    let groups = v.user(member).and_then(|uid| v.world.groups_of(uid));
    match (groups, group) {
        (Fact::Known(groups), Fact::Known(group)) => Fact::Known(Value::Bool(groups.contains(&group))),
        (Fact::Unknown(reason), _) | (_, Fact::Unknown(reason)) => Fact::Unknown(reason),
        (Fact::Absent, _) | (_, Fact::Absent) => Fact::Known(Value::Bool(false)),
    }
}
