//! W114: programs that set something and execute the program that their arguments name, in their place.

use super::codes;
use super::paths;
use super::world::{Root, World};
use crate::diagnostic::Diagnostic;
use crate::facts::{Fact, FileKind};

/// Their names, and the field that says what they do. None where no field does, or none has to.
const WRAPPERS: [(&str, Option<&str>); 21] = [
    ("chroot", Some("chroot")),
    ("chpst", Some("user")),
    ("chrt", Some("scheduling")),
    ("choom", Some("scheduling")),
    ("env", Some("env")),
    ("envdir", Some("env")),
    ("envuidgid", Some("user")),
    ("gosu", Some("user")),
    ("ionice", Some("scheduling")),
    ("nice", Some("scheduling")),
    ("nohup", None),
    ("numactl", None),
    ("prlimit", Some("limits")),
    ("setarch", None),
    ("setpriv", Some("user")),
    ("setsid", None),
    ("setuidgid", Some("user")),
    ("softlimit", Some("limits")),
    ("stdbuf", None),
    ("su-exec", Some("user")),
    ("taskset", Some("scheduling")),
];

/// Where they are installed. Elsewhere it is somebody's own program, of which the name says nothing.
const PLACES: [&[u8]; 5] = [b"/bin", b"/usr/bin", b"/usr/local/bin", b"/sbin", b"/usr/sbin"];

/// W114 of a Service that is to be known by its `startas`.
#[must_use]
pub fn wrapper(world: &dyn World, startas: &[u8]) -> Option<Diagnostic> {
    let name = paths::base_name(startas);
    let place = startas.strip_suffix(name)?.strip_suffix(b"/")?;
    let (name, field) = WRAPPERS.iter().find(|(known, _)| known.as_bytes() == name)?;
    let there =
        matches!(world.file(Root::Engine, startas), Fact::Known(file) if file.kind == FileKind::Regular);
    if !PLACES.contains(&place) || !there {
        return None;
    }
    let shown = paths::show(startas);
    let help = match field {
        Some(field) => format!("name that program in `startas`; what `{name}` sets is said by `{field}`"),
        None => "name that program in `startas`, or say with `matchOnly` what runs".to_owned(),
    };
    let message = format!("`{shown}` executes another program in its place");
    Some(Diagnostic::warning(codes::PROGRAM_WRAPPER, message).help(help))
}
