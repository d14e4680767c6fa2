//! What a launch is given besides arguments and environment, from the document and what was looked up for it.

use std::path::{Path, PathBuf};

use super::Words;
use crate::plan::exec::{Confinement, SecretOrder, SocketOrder};
use crate::plan::observation::Prepared;
use crate::spec::{Listen, SecretForm, Service};
use crate::units::Uid;

/// Below the run directory: lies over files that are not to be seen.
const COVER: &str = "cover";
/// Below the run directory: copies of secrets, a directory an instance.
const SECRETS: &str = "secrets";

pub(super) fn confinement(spec: &Service, prepared: &Prepared) -> Confinement {
    let security = &spec.security;
    Confinement {
        chroot: spec.chroot.clone(),
        no_new_privileges: security.no_new_privileges.unwrap_or(prepared.owner.uid != Uid(0)),
        bounding: security.bounding.clone(),
        ambient: security.ambient.clone(),
        read_only: security.read_only_paths.clone(),
        inaccessible: security.inaccessible_paths.clone(),
        private_tmp: security.private_tmp,
        join: None,
        cover: Path::new(&prepared.run_dir).join(COVER),
    }
}

pub(super) fn sockets(spec: &Service, prepared: &Prepared, words: &Words<'_>) -> Vec<SocketOrder> {
    let own = (prepared.owner.uid, prepared.owner.gid);
    let owners = prepared.socket_owners.iter().copied().chain(std::iter::repeat(own));
    let order = |(socket, owner): (&crate::spec::Socket, _)| SocketOrder {
        name: socket.name.clone(),
        listen: match &socket.listen {
            Listen::Unix(path) => Listen::Unix(words.substitute(path)),
            internet => internet.clone(),
        },
        backlog: socket.backlog,
        mode: socket.mode,
        owner,
    };
    spec.sockets.iter().zip(owners).map(order).collect()
}

pub(super) fn secrets(spec: &Service, index: u32, prepared: &Prepared) -> Vec<SecretOrder> {
    let directory = secrets_of(&prepared.run_dir, spec.name.as_str(), index);
    let order = |(secret, content): (&crate::spec::Secret, &crate::plan::exec::Hidden)| SecretOrder {
        name: secret.name.clone(),
        form: secret.form,
        path: directory.join(&secret.name),
        owner: prepared.owner.change_ids.then_some((prepared.owner.uid, prepared.owner.gid)),
        content: content.clone(),
    };
    spec.secrets.iter().zip(&prepared.secrets).map(order).collect()
}

/// Variables that say where copies of secrets lie.
pub(super) fn secret_paths(secrets: &[SecretOrder]) -> impl Iterator<Item = (String, String)> {
    secrets
        .iter()
        .filter(|secret| secret.form == SecretForm::File)
        .map(|secret| (format!("{}_FILE", secret.name), secret.path.display().to_string()))
}

/// The directory of the copies of one instance.
fn secrets_of(run_dir: &str, name: &str, index: u32) -> PathBuf {
    Path::new(run_dir).join(SECRETS).join(format!("{name}.{index}"))
}
