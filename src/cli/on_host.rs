//! For which host documents are taken: as the settings say, else as the watch that runs here says, else as the kernel says.

use super::args::AsHostArgs;
use crate::host::known_host;
use crate::host::presence::watcher;
use crate::host::state_dir::Dirs;
use crate::spec::KnownHost;
use crate::spec::engine::Settings;

/// This host.
pub(super) fn this_host(settings: &Settings, dirs: &Dirs) -> KnownHost {
    known(settings, Some(dirs))
}

/// The host that a verb only shows something for. Nothing is known of another one than this but what is given.
pub(super) fn shown_host(args: &AsHostArgs, settings: &Settings, dirs: Option<&Dirs>) -> KnownHost {
    let labels = args.labels.as_ref().map(|labels| labels.0.clone());
    let mut host = match &args.as_host {
        Some(name) => {
            KnownHost { name: name.clone(), labels: labels.unwrap_or_default(), ..KnownHost::default() }
        }
        None => {
            let known = known(settings, dirs);
            KnownHost { labels: labels.unwrap_or(known.labels), ..known }
        }
    };
    host.facts.extend(args.facts.iter().flat_map(|facts| facts.0.clone()));
    host
}

fn known(settings: &Settings, dirs: Option<&Dirs>) -> KnownHost {
    let own = known_host();
    let told = dirs.and_then(watcher).and_then(|watch| watch.host);
    let (name, labels) = told.map_or((own.name, own.labels), |told| (told.name, told.labels));
    let said = &settings.host;
    KnownHost {
        name: said.name.clone().unwrap_or(name),
        labels: if said.labels.is_empty() { labels } else { said.labels.clone() },
        facts: own.facts,
        is_known: own.is_known,
    }
}
