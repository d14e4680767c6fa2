//! What the kernel would run for `execve(path)`: `binfmt_misc`, ELF, `#!` (`fs/exec.c`, `fs/binfmt_script.c`,
//! `fs/binfmt_misc.c`), and what `env` makes of its arguments.
//!
//! ```text
//!  path --binfmt_misc?--> interpreter --+
//!       --ELF?---------> the image      |  at most five times
//!       --#! line?-----> interpreter ---+--> env? --> program looked up in PATH
//! ```

mod binfmt;
mod env;

use std::sync::Arc;

use super::paths;
use super::world::{Bytes, Root, World};
use crate::facts::{Fact, FileFacts, FileKind, Reason, ShebangError, Why, is_elf, parse_shebang};

pub use env::split_string;

/// Scripts that may stand in a row before the image: the sixth is refused with `ELOOP` (`exec_binprm`).
const SCRIPTS_MAX: usize = 5;
/// `env` started by `env` that is followed.
const ENVS_MAX: usize = 8;
/// Where a program without `PATH` in its environment looks: `confstr(_CS_PATH)` of glibc.
const NO_PATH: &[u8] = b"/bin:/usr/bin";

/// Where relative names and bare program names of a spec are looked up.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The spec's working directory; without it relative interpreters are unresolved.
    pub working_directory: Option<Bytes>,
    /// `PATH` of the spec's environment; without it the default for services.
    pub path: Option<Bytes>,
}

/// The image that a chain ends in.
#[derive(Clone, Debug)]
pub enum Program {
    /// This file is mapped.
    Image(FileFacts),
    /// A shim: a script found by `env` in `PATH`, whose last act is not predictable. Only the family is known,
    /// the name without version: `python`.
    Family(Bytes),
    /// It can't be told. The family is that of the interpreter's name, where there is one.
    Unresolved(Reason, Option<Bytes>),
}

/// The answer for one path.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The file itself; unknown or absent if it can't be looked at.
    pub file: Fact<FileFacts>,
    /// It is run by another program.
    pub script: bool,
    /// What stands in argv between argv\[0\] and the path of the script.
    pub words: Vec<Vec<u8>>,
    /// argv\[0\] of the image; `None` for a native program, whose caller chooses it.
    pub argv0: Option<Vec<u8>>,
    /// What runs in the end.
    pub program: Program,
}

impl Chain {
    /// The image, as `interpreter(path)` gives it.
    pub fn image(&self) -> Fact<FileFacts> {
        match &self.program {
            Program::Image(facts) => Fact::Known(facts.clone()),
            Program::Family(family) => Fact::Unknown(unresolved(format!(
                "the program is a shim of the family `{}` that decides at run time, name the real program with `becomes`",
                paths::show(family)
            ))),
            Program::Unresolved(reason, _) => Fact::Unknown(reason.clone()),
        }
    }

    /// The family of the image: its name without version.
    pub fn family(&self) -> Option<&[u8]> {
        match &self.program {
            Program::Image(facts) => Some(paths::family(&facts.real)),
            Program::Family(family) | Program::Unresolved(_, Some(family)) => Some(family),
            Program::Unresolved(_, None) => None,
        }
    }
}

/// Follows `path`. A relative one is taken from the working directory.
pub fn resolve(world: &dyn World, path: &[u8], around: &Surroundings) -> Chain {
    let search = around.path.clone().map_or_else(|| world.default_path(), Fact::Known);
    let search = search.known().unwrap_or_else(|| paths::shared(NO_PATH));
    let directory = around.working_directory.as_deref().map(<[u8]>::to_vec);
    let mut walk = Walk { world, directory, search, words: Vec::new(), hops: 0 };
    let start = walk.absolute(path);
    let file =
        start.as_deref().map_or_else(|| Fact::unknown(Why::Unresolved), |p| world.file(Root::Engine, p));
    let program = match start {
        Some(start) => walk.follow(start, path),
        None => Program::Unresolved(relative(path), None),
    };
    let script = walk.hops > 0;
    let argv0 = (!walk.words.is_empty()).then(|| walk.words.remove(0));
    Chain { file, script, words: walk.words, argv0, program }
}

fn unresolved(detail: impl Into<Arc<str>>) -> Reason {
    Reason::new(Why::Unresolved, detail)
}

fn relative(name: &[u8]) -> Reason {
    unresolved(format!(
        "`{}` is relative and taken from the caller's directory, set `workingDirectory` or write it with its directory",
        paths::show(name)
    ))
}

struct Walk<'w> {
    world: &'w dyn World,
    directory: Option<Vec<u8>>,
    search: Bytes,
    /// argv of the image so far, without the script's own path.
    words: Vec<Vec<u8>>,
    hops: usize,
}

impl Walk<'_> {
    fn absolute(&self, name: &[u8]) -> Option<Vec<u8>> {
        if paths::is_absolute(name) {
            return Some(name.to_vec());
        }
        self.directory.as_ref().map(|directory| paths::join(directory, name))
    }

    /// `path` is where it is, `named` what the kernel was given, which goes into argv.
    fn follow(&mut self, mut path: Vec<u8>, first: &[u8]) -> Program {
        let mut named = first.to_vec();
        loop {
            if self.hops > SCRIPTS_MAX {
                return self
                    .lost(unresolved(format!("more than {SCRIPTS_MAX} scripts in a row (ELOOP)")), &named);
            }
            let (facts, head) = match self.open(&path) {
                Ok(opened) => opened,
                Err(reason) => return self.lost(reason, &named),
            };
            match self.next(&path, &facts, &head) {
                Err(reason) => return self.lost(reason, &named),
                Ok(Next::Image) => return self.finish(facts, &named),
                Ok(Next::Interpreter { name, argument }) => {
                    self.prepend(&name, argument, &named);
                    self.hops += 1;
                    let Some(next) = self.absolute(&name) else {
                        return self.lost(relative(&name), &name);
                    };
                    (path, named) = (next, name);
                }
            }
        }
    }

    fn open(&self, path: &[u8]) -> Result<(FileFacts, Bytes), Reason> {
        let facts = match self.world.file(Root::Engine, path) {
            Fact::Known(facts) => facts,
            Fact::Absent => return Err(unresolved(format!("`{}` does not exist", paths::show(path)))),
            Fact::Unknown(reason) => return Err(because(path, &reason)),
        };
        if facts.kind != FileKind::Regular {
            return Err(unresolved(format!("`{}` is not a regular file", paths::show(path))));
        }
        match self.world.head(Root::Engine, path) {
            Fact::Known(head) => Ok((facts, head)),
            Fact::Absent => Err(unresolved(format!("`{}` does not exist", paths::show(path)))),
            Fact::Unknown(reason) => Err(because(path, &reason)),
        }
    }

    fn next(&self, path: &[u8], facts: &FileFacts, head: &[u8]) -> Result<Next, Reason> {
        if let Some(entry) = binfmt::find(self.world, path, head)? {
            return Ok(Next::Interpreter { name: entry.interpreter.to_vec(), argument: None });
        }
        if is_elf(head) {
            return Ok(Next::Image);
        }
        let shown = paths::show(&facts.real);
        match parse_shebang(head) {
            Ok(line) => Ok(Next::Interpreter { name: line.interpreter, argument: line.argument }),
            Err(ShebangError::None) => Err(unresolved(format!(
                "`{shown}` is neither an ELF image nor begins with `#!`: add a `#!` line, only shells run it without one"
            ))),
            Err(ShebangError::NoInterpreter) => {
                Err(unresolved(format!("the `#!` line of `{shown}` is empty")))
            }
            Err(ShebangError::TooLong) => {
                Err(unresolved(format!("the `#!` line of `{shown}` does not end within 256 bytes")))
            }
        }
    }

    /// Puts the interpreter and its argument before what stands there already (`load_script`).
    fn prepend(&mut self, name: &[u8], argument: Option<Vec<u8>>, script: &[u8]) {
        let nested = self.hops > 0;
        let outer = std::mem::take(&mut self.words);
        self.words.push(name.to_vec());
        self.words.extend(argument);
        // The script of this level is a word of argv, unless it is the outermost, which is not counted here.
        // argv[0] of the outer level is that script, by the name that its `#!` line used.
        if nested {
            self.words.push(script.to_vec());
            self.words.extend(outer.into_iter().skip(1));
        }
    }

    fn finish(&mut self, facts: FileFacts, named: &[u8]) -> Program {
        if self.hops == 0 || !is_env(&facts, named) {
            return Program::Image(facts);
        }
        let search = Some(self.search.clone());
        self.through_env(search.as_ref(), 0)
    }

    /// `search` is PATH as `env` finds it, `before` how many others ran it.
    fn through_env(&mut self, search: Option<&Bytes>, before: usize) -> Program {
        let given: Vec<Vec<u8>> = std::mem::take(&mut self.words).into_iter().skip(1).collect();
        let run = match env::command(given, search) {
            Ok(run) => run,
            Err(text) => return Program::Unresolved(unresolved(text), None),
        };
        if let Some(directory) = &run.directory {
            self.directory = self.absolute(directory);
        }
        let family = paths::shared(paths::family(&run.program));
        // What argv will be doesn't depend on where the program is, and tells those that another PATH started.
        self.words.push(run.program.clone());
        self.words.extend(run.rest.iter().cloned());
        let found = match self.look_up(&run) {
            Ok(found) => found,
            Err(reason) => return Program::Unresolved(reason, Some(family)),
        };
        match self.open(&found) {
            Ok((facts, head)) => match self.next(&found, &facts, &head) {
                Ok(Next::Image) if is_env(&facts, &run.program) && before < ENVS_MAX => {
                    self.through_env(run.path.as_ref(), before + 1)
                }
                Ok(Next::Image) => Program::Image(facts),
                Ok(Next::Interpreter { .. }) => Program::Family(family),
                Err(reason) => Program::Unresolved(reason, Some(family)),
            },
            Err(reason) => Program::Unresolved(reason, Some(family)),
        }
    }

    /// As execvp(3): names with a slash as they are, others in the directories of `PATH`.
    fn look_up(&self, run: &env::Command) -> Result<Vec<u8>, Reason> {
        if run.program.contains(&b'/') {
            return self.absolute(&run.program).ok_or_else(|| relative(&run.program));
        }
        let search = run.path.as_deref().unwrap_or(NO_PATH);
        for directory in search.split(|b| *b == b':') {
            let Some(place) = self.absolute(directory) else { continue };
            let place = paths::join(&place, &run.program);
            match self.world.file(Root::Engine, &place) {
                Fact::Known(facts) if facts.kind == FileKind::Regular && facts.mode & 0o111 != 0 => {
                    return Ok(place);
                }
                Fact::Unknown(reason) if reason.why != Why::Denied => return Err(because(&place, &reason)),
                Fact::Known(_) | Fact::Absent | Fact::Unknown(_) => {}
            }
        }
        if run.program.iter().any(u8::is_ascii_whitespace) {
            return Err(unresolved(format!(
                "`{}` is not found, because `env` takes it as one name: write `env -S`",
                paths::show(&run.program)
            )));
        }
        Err(unresolved(format!(
            "`{}` is not found in PATH `{}`, set PATH in the environment of the spec",
            paths::show(&run.program),
            paths::show(search)
        )))
    }

    fn lost(&self, reason: Reason, named: &[u8]) -> Program {
        let family = (self.hops > 0).then(|| paths::shared(paths::family(named)));
        Program::Unresolved(reason, family)
    }
}

/// Also an applet of that name.
fn is_env(facts: &FileFacts, named: &[u8]) -> bool {
    paths::base_name(&facts.real) == b"env" || (facts.multicall && paths::base_name(named) == b"env")
}

fn because(path: &[u8], reason: &Reason) -> Reason {
    unresolved(format!("`{}` can't be looked at ({})", paths::show(path), reason.why))
}

enum Next {
    Image,
    Interpreter { name: Vec<u8>, argument: Option<Vec<u8>> },
}

#[cfg(test)]
mod tests;
