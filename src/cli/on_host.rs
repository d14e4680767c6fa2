//! For which host documents are taken: as the command line says, else as the watch that runs here says, else as the kernel says.

use super::args::{AsHostArgs, HostArgs};
use crate::host::presence::watcher;
use crate::host::state_dir::Dirs;
use crate::spec::HostIdentity;

/// This host, for a verb that acts on it.
pub(super) fn this_host(args: &HostArgs, dirs: &Dirs) -> HostIdentity {
    let known = known(Some(dirs));
    HostIdentity {
        name: args.host_name.clone().unwrap_or(known.name),
        labels: args.labels.as_ref().map_or(known.labels, |labels| labels.0.clone()),
    }
}

/// The host that a verb only shows something for. Another one than this has no labels but those that are given.
pub(super) fn shown_host(args: &AsHostArgs, dirs: Option<&Dirs>) -> HostIdentity {
    let known = known(dirs);
    let labels = args.labels.as_ref().map(|labels| labels.0.clone());
    match &args.as_host {
        Some(name) => HostIdentity { name: name.clone(), labels: labels.unwrap_or_default() },
        None => HostIdentity { labels: labels.unwrap_or(known.labels), ..known },
    }
}

fn known(dirs: Option<&Dirs>) -> HostIdentity {
    let told = dirs.and_then(watcher).and_then(|watch| watch.host);
    told.unwrap_or_else(|| HostIdentity { name: crate::host::host_name(), ..HostIdentity::default() })
}
