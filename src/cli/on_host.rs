//! For which host documents are taken: as the settings say, else as the watch that runs here says, else as the kernel says.

use super::args::AsHostArgs;
use crate::host::presence::watcher;
use crate::host::state_dir::Dirs;
use crate::spec::KnownHost;
use crate::spec::engine::Settings;

/// This host.
pub(super) fn this_host(settings: &Settings, dirs: &Dirs) -> KnownHost {
    known(settings, Some(dirs))
}

/// The host that a verb only shows something for. Another one than this has no labels but those that are given.
pub(super) fn shown_host(args: &AsHostArgs, settings: &Settings, dirs: Option<&Dirs>) -> KnownHost {
    let labels = args.labels.as_ref().map(|labels| labels.0.clone());
    match &args.as_host {
        Some(name) => KnownHost { name: name.clone(), labels: labels.unwrap_or_default() },
        None => {
            let known = known(settings, dirs);
            KnownHost { labels: labels.unwrap_or(known.labels), ..known }
        }
    }
}

fn known(settings: &Settings, dirs: Option<&Dirs>) -> KnownHost {
    let told = dirs.and_then(watcher).and_then(|watch| watch.host);
    let told = told.unwrap_or_else(|| KnownHost { name: crate::host::host_name(), ..KnownHost::default() });
    let said = &settings.host;
    KnownHost {
        name: said.name.clone().unwrap_or(told.name),
        labels: if said.labels.is_empty() { told.labels } else { said.labels.clone() },
    }
}
