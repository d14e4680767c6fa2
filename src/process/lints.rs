//! Warnings about conditions on processes: what is legal and rarely meant.
//!
//! [`condition`] and [`interpreter_only`] need the condition alone; [`files`] and [`program`] look at the files
//! that it names.

use super::chain::{Surroundings, resolve};
use super::declare::is_sampled;
use super::objects::PROCESS;
use super::runs::COMM_MAX;
use super::script::is_interpreter;
use super::world::{Bytes, Root, World};
use super::{codes, paths};
use crate::diagnostic::Diagnostic;
use crate::facts::{Fact, FileKind};
use crate::lang::ast::CompareOp;
use crate::lang::ir::{Kind, Node};
use crate::lang::value::Value;

/// How much of a script is searched for `exec`.
const SCRIPT_BYTES: usize = 65_536;
/// Facts that tell the scripts of one interpreter apart.
const TELLING: &[&str] = &[
    "runs", "script", "argv", "cmdline", "execfn", "arg", "flag", "has_args", "pidfile", "env", "comm",
    "name",
];
/// Shells, by the family of their program.
const SHELLS: &[&str] = &["sh", "dash", "bash", "ash", "ksh", "mksh", "zsh", "busybox"];

/// W102, W103 and W133: mistakes that the condition alone shows.
#[must_use]
pub fn condition(root: &Node) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    root.walk_trail(&mut |node, trail| {
        // What is so whatever the arguments are was said where the definition is.
        if !trail.is_inside() || node.has_argument() {
            found.extend(long_comm(node).map(|said| trail.at(said, node.span, "never true")));
            found.extend(joined(node).map(|said| trail.at(said, node.span, "tests the joined text")));
            found
                .extend(without_directory(node).map(|said| trail.at(said, node.span, "without a directory")));
        }
    });
    found
}

/// M319: what needs two looks, in a condition that tells which process a service is. Each start, stop and adoption rests on
/// one look, where it would never be known; and a process isn't another one for being busy.
#[must_use]
pub fn one_look(root: &Node) -> Option<Diagnostic> {
    let mut place = None;
    root.walk_trail(&mut |node, trail| {
        if let Kind::Field { field, .. } = &node.kind
            && field.owner == Some(PROCESS)
            && is_sampled(&field.name)
        {
            place.get_or_insert_with(|| (trail.outermost(node.span), field.name.clone()));
        }
    });
    let (place, name) = place?;
    let message = format!("`{name}` takes two looks, and which process it is is told by one");
    Some(
        Diagnostic::error(codes::ONE_LOOK, message)
            .at(place, "not known after one look")
            .help("say it in the `when` of a Policy, which looks again and again"),
    )
}

/// W101: `exe == interpreter(x)` and nothing that says which script. Every script of that language matches. It
/// matters where the condition stands alone, which the caller knows; in a `match` it only narrows.
#[must_use]
pub fn interpreter_only(root: &Node) -> Option<Diagnostic> {
    let (mut place, mut told) = (None, false);
    root.walk_trail(&mut |node, trail| {
        told |= node.access().is_some_and(|access| TELLING.contains(&access.name.as_ref()));
        if let Kind::Compare { op: CompareOp::Equal, left, right, .. } = &node.kind
            && is_field(left, "exe")
            && is_call(right, "interpreter")
        {
            place.get_or_insert((trail.outermost(node.span), program_of(right)));
        }
    });
    let (place, program) = place.filter(|_| !told)?;
    Some(
        Diagnostic::warning(codes::INTERPRETER_ONLY, "this matches every script of the same interpreter")
            .at(place, "the interpreter, not the script")
            .help(format!("write `runs({program})` in its place")),
    )
}

/// The argument of `interpreter`, as it is written in `runs`.
fn program_of(call: &Node) -> String {
    let argument = call.bare().children().next();
    match argument.map(|argument| (literal(argument), &argument.bare().kind)) {
        Some((Some(path), _)) => crate::lang::quote(&path),
        Some((None, Kind::Variable(name))) => name.clone(),
        _ => "startas".to_owned(),
    }
}

/// W111, W112, W113 and W133: what the files show that a bound condition names. `may_lack`: it may name programs that aren't there,
/// as a Policy does that forbids what nobody has installed.
#[must_use]
pub fn files(root: &Node, world: &dyn World, around: &Surroundings, may_lack: bool) -> Vec<Diagnostic> {
    // Which interpreter a file has that isn't there can't be told, so that such a condition is never true.
    let may_be_absent = |function: &str, path: &[u8]| {
        may_lack && function == "runs" && world.file(Root::Engine, path) == Fact::Absent
    };
    let mut found = Vec::new();
    root.walk_trail(&mut |node, trail| match &node.kind {
        Kind::Compare { op: CompareOp::Equal, left, right, .. } if is_field(left, "exe") => {
            let said = literal(right).and_then(|path| multi_call(world, &path));
            found.extend(said.map(|said| trail.at(said, node.span, "")));
        }
        Kind::Compare { op: CompareOp::Under, left, right, .. }
            if FILES.iter().any(|name| is_field(left, name)) =>
        {
            let said = literal(right).and_then(|path| linked(world, &path));
            found.extend(said.map(|said| trail.at(said, node.span, "a link")));
        }
        Kind::Call { function, arguments } if matches!(function.name.as_ref(), "runs" | "interpreter") => {
            if let Some(path) = arguments.first().and_then(literal)
                && !may_be_absent(&function.name, &path)
            {
                let said = program(world, &path, around).into_iter();
                found.extend(said.map(|said| trail.at(said, node.span, "")));
            }
        }
        _ => {}
    });
    found
}

/// W113: images that aren't there, so that nothing runs from them. Not for Policies, which name what should not be there.
#[must_use]
pub fn images(root: &Node, world: &dyn World) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    root.walk_trail(&mut |node, trail| {
        if let Kind::Compare { op: CompareOp::Equal, left, right, .. } = &node.kind
            && is_field(left, "exe")
        {
            let said = literal(right).and_then(|path| missing(world, &path));
            found.extend(said.map(|said| trail.at(said, node.span, "")));
        }
    });
    found
}

/// W112 and W113 about one program: the spec's `startas`, or the path of a `runs`.
#[must_use]
pub fn program(world: &dyn World, path: &[u8], around: &Surroundings) -> Vec<Diagnostic> {
    let mut found: Vec<Diagnostic> = not_executable(world, path).into_iter().collect();
    let shown = paths::show(path);
    if let Some(line) = wrapped(world, path, around) {
        let message = format!("`{shown}` is a shell script that executes another program in its place");
        let program = line.split(u8::is_ascii_whitespace).find(|word| !word.is_empty()).unwrap_or_default();
        let plain = program.starts_with(b"/") && !program.iter().any(|b| b"$`\\\"'*".contains(b));
        let help = if plain {
            format!("name the program that it turns into: `becomes: {}`", paths::show(program))
        } else {
            "name the program that it turns into with `becomes`".to_owned()
        };
        found.push(Diagnostic::warning(codes::SHELL_WRAPPER, message).help(help));
    }
    found
}

/// W113 of an image that isn't there. What it is otherwise (no longer executable, say) is no matter to what runs from it.
fn missing(world: &dyn World, path: &[u8]) -> Option<Diagnostic> {
    // A bare name has a warning of its own.
    let absent = path.starts_with(b"/") && world.file(Root::Engine, path) == Fact::Absent;
    absent.then(|| not_executable(world, path)).flatten()
}

fn not_executable(world: &dyn World, path: &[u8]) -> Option<Diagnostic> {
    let shown = paths::show(path);
    let (problem, help) = match world.file(Root::Engine, path) {
        Fact::Absent => ("does not exist on this host", "install it, or mend the path".to_owned()),
        Fact::Known(file) if file.kind != FileKind::Regular => {
            ("is not a regular file", "name the program itself".to_owned())
        }
        Fact::Known(file) if file.mode & 0o111 == 0 => {
            ("is not executable", format!("run `chmod +x {shown}`"))
        }
        Fact::Known(_) | Fact::Unknown(_) => return None,
    };
    Some(Diagnostic::warning(codes::NOT_EXECUTABLE, format!("`{shown}` {problem}")).help(help))
}

/// What follows `exec` in a shell script that turns into something else.
fn wrapped(world: &dyn World, path: &[u8], around: &Surroundings) -> Option<Vec<u8>> {
    let chain = resolve(world, path, around);
    let shell = chain.family().is_some_and(|family| SHELLS.iter().any(|shell| shell.as_bytes() == family));
    if !chain.script || !shell {
        return None;
    }
    let text = world.content(path, SCRIPT_BYTES).known()?;
    let mut lines =
        text.split(|b| *b == b'\n').filter_map(|line| line.trim_ascii_start().strip_prefix(b"exec "));
    // `exec >log` and `exec 3<file` only redirect.
    let runs = |rest: &&[u8]| {
        let first = rest.trim_ascii_start().first();
        first.is_some_and(|b| !b.is_ascii_digit() && !matches!(b, b'<' | b'>' | b'&'))
    };
    // `exec tclsh "$0" "$@"` executes the script itself, by which it is known.
    let gives_on = |rest: &&[u8]| {
        let mut words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
        words.next().is_some_and(|program| is_interpreter(paths::family(program)))
            && words.any(|word| matches!(word, b"$0" | b"\"$0\""))
    };
    lines.find(|rest| runs(rest) && !gives_on(rest)).map(<[u8]>::to_vec)
}

fn multi_call(world: &dyn World, path: &[u8]) -> Option<Diagnostic> {
    let file = world.file(Root::Engine, path).known().filter(|file| file.multicall)?;
    let (shown, real) = (paths::show(path), paths::show(&file.real));
    let message = format!("`{shown}` is `{real}`, one program under many names: all of them match");
    Some(Diagnostic::warning(codes::MULTI_CALL, message).help(format!("write `runs(\"{shown}\")`")))
}

fn long_comm(node: &Node) -> Option<Diagnostic> {
    let long = match &node.kind {
        Kind::Compare { op, left, right, .. } if is_field(left, "comm") => long_text(*op, right)?,
        Kind::Member { value, set } if is_field(value, "comm") => {
            set.iter().find(|text| text.len() > COMM_MAX).map(paths::shared)?
        }
        _ => return None,
    };
    let long = paths::show(&long);
    Some(
        Diagnostic::warning(codes::COMM_TOO_LONG, format!("comm has at most 15 bytes and is never `{long}`"))
            .help(format!("write `name == \"{long}\"`")),
    )
}

/// The first text that is longer than comm can be.
fn long_text(op: CompareOp, right: &Node) -> Option<Bytes> {
    match (op, &right.bare().kind) {
        (CompareOp::In, Kind::Const(Value::List(items))) => {
            items.iter().find_map(|item| too_long(text(item)?))
        }
        (CompareOp::In, Kind::List(items)) => items.iter().find_map(|item| too_long(literal(item)?)),
        _ => too_long(literal(right)?),
    }
}

fn too_long(name: Bytes) -> Option<Bytes> {
    (name.len() > COMM_MAX).then_some(name)
}

/// Fields that hold absolute paths.
const ABSOLUTE: &[&str] = &["exe", "script", "cwd", "root", "cgroup", "cgroup.v2"];
/// Those of them that hold files, whose paths the kernel writes with every link followed.
const FILES: &[&str] = &["exe", "script", "cwd"];

/// A file is compared with a bare name, which leads nowhere: PATH is not searched. Nor is anything found by an empty path, or
/// below a relative one.
fn without_directory(node: &Node) -> Option<Diagnostic> {
    let (path, is_directory) = match &node.kind {
        Kind::Compare { op: CompareOp::Equal, left, right, .. }
            if is_field(left, "exe") || is_field(left, "script") =>
        {
            (literal(right)?, false)
        }
        Kind::Compare { op: CompareOp::Under, left, right, .. }
            if ABSOLUTE.iter().any(|name| is_field(left, name)) =>
        {
            (literal(right)?, true)
        }
        Kind::Call { function, arguments } if function.name == "runs" => {
            (literal(arguments.first()?)?, false)
        }
        _ => return None,
    };
    let warning =
        |message: String, help: String| Some(Diagnostic::warning(codes::NOT_A_PATH, message).help(help));
    if path.is_empty() {
        return warning(
            "the path is empty: nothing is found by it".into(),
            "write the whole path; if a shell put it in, its variable is not set".into(),
        );
    }
    let shown = paths::show(&path);
    if is_directory {
        return if paths::is_absolute(&path) {
            None
        } else {
            warning(
                format!("`{shown}` is not absolute: nothing lies below it"),
                "write the whole path, from `/` on".into(),
            )
        };
    }
    // Patterns are told to be patterns.
    if path.contains(&b'/') || path.contains(&b'*') {
        return None;
    }
    warning(
        format!("`{shown}` is a name and not a path: no file is found by it"),
        format!("write `name == \"{shown}\"`, or the whole path such as `\"/usr/bin/{shown}\"`"),
    )
}

/// A directory by a link: what lies below it has the name that the link leads to (`/bin` is `/usr/bin`).
fn linked(world: &dyn World, path: &[u8]) -> Option<Diagnostic> {
    let directory = world.file(Root::Engine, path).known().filter(|_| paths::is_absolute(path))?;
    if directory.real.is_empty() || paths::tidy(path) == *directory.real {
        return None;
    }
    let (shown, real) = (paths::show(path), paths::show(&directory.real));
    let message = format!("`{shown}` leads to `{real}`, and the path of no file begins with it");
    Some(Diagnostic::warning(codes::NOT_A_PATH, message).help(format!("write `{real}`")))
}

fn joined(node: &Node) -> Option<Diagnostic> {
    let tested = match &node.kind {
        Kind::Compare { left, .. } => left,
        Kind::Regex { text, .. } | Kind::Glob { text, .. } | Kind::MatchesAny { text, .. } => text,
        _ => return None,
    };
    is_field(tested, "cmdline").then(|| {
        let message =
            "the command line is joined for display, a word of it can't be told from a part of a word";
        Diagnostic::warning(codes::CMDLINE_TEXT, message).help(word_test(node))
    })
}

/// The test of words that a test of the whole line was probably meant to be.
fn word_test(node: &Node) -> String {
    let general = "test a word: `arg(\"--port\") == \"80\"`, `flag(\"-v\")`, `argv[1] == ...`".to_owned();
    match &node.kind {
        Kind::Compare { op: CompareOp::Contains, right, .. } => {
            let Some(text) = literal(right) else { return general };
            let text = String::from_utf8_lossy(&text).into_owned();
            match text.trim().split_once(['=', ' ']) {
                Some((option, value)) if option.starts_with('-') && !value.contains(' ') => {
                    format!("write `arg(\"{option}\") == \"{value}\"`")
                }
                None if text.starts_with('-') => format!("write `flag(\"{text}\")`"),
                _ => format!("write `any(argv, a => a contains {})`", crate::lang::quote(text.as_bytes())),
            }
        }
        Kind::Regex { regex, .. } if !regex.as_str().contains([' ', '^', '$', '"']) => {
            format!("write `any(argv, a => a =~ r\"{}\")`", regex.as_str())
        }
        _ => general,
    }
}

fn is_field(node: &Node, name: &str) -> bool {
    matches!(&node.bare().kind, Kind::Field { field, .. } if field.name == name && field.owner == Some(PROCESS))
}

fn is_call(node: &Node, name: &str) -> bool {
    matches!(&node.bare().kind, Kind::Call { function, .. } if function.name == name)
}

/// The text of a literal, also where it is converted.
fn literal(node: &Node) -> Option<Bytes> {
    match &node.bare().kind {
        Kind::Const(value) => text(value),
        Kind::ToPath(inner) | Kind::Convert { value: inner, .. } => literal(inner),
        _ => None,
    }
}

fn text(value: &Value) -> Option<Bytes> {
    match value {
        Value::String(text) | Value::Path(text) => Some(text.clone()),
        _ => None,
    }
}
