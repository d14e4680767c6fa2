//! Whether a program can be started, and whether root may: what runs as root must not be for others to change.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::errno::io_text;
use super::outside::{outside, resolve as resolve_inside};
use super::walk;
use crate::facts::parse_shebang;
use crate::plan::action::Launch;
use crate::process::chain::{Program, Surroundings, resolve};
use crate::process::world::{Root, World};
use crate::spec::Service;
use crate::units::Uid;

/// As the kernel: so many scripts in a row.
const SCRIPTS_MAX: usize = 5;

/// Looks at the program of a service that will run as `uid`.
///
/// # Errors
/// A sentence: it isn't there, isn't executable, or is refused.
pub fn check(spec: &Service, uid: u32, world: &dyn World) -> Result<(), String> {
    if let Some(root) = &spec.chroot {
        inside_only(spec, root)?;
    }
    let spec = &*outside(spec);
    let program = &spec.startas;
    let stages =
        walk::stages(program).map_err(|error| format!("`{}`: {}", program.display(), io_text(&error)))?;
    if let Some(last) = stages.last() {
        if !last.meta.is_file() {
            return Err(format!("`{}` is not a regular file", program.display()));
        }
        if last.meta.mode() & 0o111 == 0 {
            let path = program.display();
            return Err(format!("`{path}` is not executable, mend it with `chmod +x {path}`"));
        }
    }
    if uid != 0 || spec.trust_executable {
        return Ok(());
    }
    // The end of the way to the program needs no way of its own: all that leads to it lies on this one.
    let end = stages.last().map(|last| last.path.clone());
    let others =
        files_that_run(spec, world).into_iter().filter(|file| file != program && Some(file) != end.as_ref());
    // What can't be followed fails in execve, with the kernel's own words.
    let mut ways = std::iter::once(stages).chain(others.filter_map(|file| walk::stages(&file).ok()));
    match ways.find_map(|stages| walk::weakest(&stages, &[])) {
        Some(weak) => Err(format!(
            "`{}` would run as root, and others can change what runs: {weak}; give another `user`, mend the \
             owner and mode, or set `trustExecutable: true`",
            program.display()
        )),
        None => Ok(()),
    }
}

/// Looks at the program of a command, which is begun as `launch` says: what runs as root must not be for others to change.
///
/// # Errors
/// A sentence: it is refused.
pub fn check_command(program: &Path, launch: &Launch) -> Result<(), String> {
    if launch.uid_or(Uid(super::own_uid())) != Uid(0) || launch.trust_executable {
        return Ok(());
    }
    let inside = launch.confinement.chroot.as_ref().and_then(|root| resolve_inside(root, program).ok());
    // What can't be followed fails in execve, with the kernel's own words.
    let Ok(stages) = walk::stages(inside.as_deref().unwrap_or(program)) else { return Ok(()) };
    match walk::weakest(&stages, &[]) {
        None => Ok(()),
        Some(weak) => Err(format!(
            "`{}` would run as root, and others can change it: {weak}; mend the owner and mode, or set \
             `trustExecutable: true`",
            program.display()
        )),
    }
}

/// What is to be executed with another root directory must be a program by itself: the interpreter of a script would be
/// one of in there, which can't be told from outside, and then nobody could recognise the process.
fn inside_only(spec: &Service, root: &Path) -> Result<(), String> {
    let shown = spec.startas.display();
    let place = resolve_inside(root, &spec.startas).map_err(|error| {
        format!("`{shown}` inside of the root directory `{}`: {}", root.display(), io_text(&error))
    })?;
    if parse_shebang(&walk::head_of(&place).unwrap_or_default()).is_ok() {
        return Err(format!(
            "`{shown}` is a script, and with a `chroot` it could not be recognised: give its interpreter as \
             `startas` and the script as the first of `args`"
        ));
    }
    Ok(())
}

/// The program, each interpreter of its `#!` chain, and what `env` finds in the end.
fn files_that_run(spec: &Service, world: &dyn World) -> Vec<PathBuf> {
    let mut files = vec![spec.startas.clone()];
    let mut at = spec.startas.clone();
    for _ in 0..SCRIPTS_MAX {
        let path = at.as_os_str().as_bytes();
        let Some(head) =
            world.head(Root::Engine, path).known().or_else(|| walk::head_of(&at).ok().map(Arc::from))
        else {
            break;
        };
        let Ok(line) = parse_shebang(&head) else { break };
        at = spec.working_directory.join(Path::new(std::ffi::OsStr::from_bytes(&line.interpreter)));
        files.push(at.clone());
    }
    let chain = resolve(world, spec.startas.as_os_str().as_bytes(), &surroundings(spec));
    if let Program::Image(facts) = chain.program {
        files.push(PathBuf::from(std::ffi::OsStr::from_bytes(&facts.real)));
    }
    files
}

/// Where relative names and bare program names of a service are looked up.
pub fn surroundings(spec: &Service) -> Surroundings {
    Surroundings {
        working_directory: Some(spec.working_directory.as_os_str().as_bytes().into()),
        path: spec.env.get("PATH").map(|path| path.as_bytes().into()),
    }
}
