//! What a service may see and do, and what it is given: security, secrets, sockets.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::diagnostic::{Diagnostic, did_you_mean};
use crate::spec::decode::{Decoder, Object, Value};
use crate::spec::{Listen, Secret, SecretForm, Security, Socket, codes, table};
use crate::units::Capability;

/// Longest path of a Unix socket, without its NUL (`unix(7)`).
const UNIX_PATH_MAX: usize = 107;
/// Connections that wait at most where nothing is said; the kernel may allow fewer (`net.core.somaxconn`).
const BACKLOG: u32 = 4096;
/// Its owner and group connect to a Unix socket.
const SOCKET_MODE: u32 = 0o660;

/// `security`
pub(in crate::spec) fn security(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Security> {
    let object = Object::open(value, &table::SECURITY, d)?;
    let mut security = Security::default();
    object.set_some("noNewPrivileges", &mut security.no_new_privileges, d, Value::bool);
    if let Some(value) = object.get("capabilities", d) {
        capability_sets(&value, &mut security, d);
    }
    object.set("readOnlyPaths", &mut security.read_only_paths, d, paths);
    object.set("inaccessiblePaths", &mut security.inaccessible_paths, d, paths);
    object.set("privateTmp", &mut security.private_tmp, d, Value::bool);
    Some(security)
}

fn paths(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Vec<PathBuf>> {
    value.list(d, Value::absolute_path)
}

fn capability_sets(value: &Value<'_>, security: &mut Security, d: &mut Decoder<'_>) {
    let Some(object) = Object::open(value, &table::CAPABILITIES, d) else { return };
    object.set_some("bounding", &mut security.bounding, d, capabilities);
    object.set("ambient", &mut security.ambient, d, capabilities);
    let Some(bounding) = &security.bounding else { return };
    if let Some(outside) = security.ambient.difference(bounding).next() {
        let message = format!("`{}.ambient` has {outside}, which `bounding` takes away", value.path());
        d.say(
            Diagnostic::error(codes::CONFLICT, message)
                .at(object.key("ambient").unwrap_or_default(), "")
                .help(format!("add {outside} to `bounding`, or take it out of `ambient`")),
        );
    }
}

fn capabilities(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<BTreeSet<Capability>> {
    let read = value.list(d, |value, d| {
        let scalar = value.scalar("a capability", d)?;
        match Capability::parse(&scalar.text) {
            Ok(capability) => Some(capability),
            Err(message) => {
                let wanted = str::to_ascii_uppercase(&scalar.text);
                let wanted = if wanted.starts_with("CAP_") { wanted } else { format!("CAP_{wanted}") };
                let near = did_you_mean(&wanted, Capability::NAMES);
                let help = near.map_or_else(
                    || "capabilities have their capabilities(7) names: `CAP_NET_BIND_SERVICE`".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                );
                d.say(value.wrong(codes::UNKNOWN_WORD, message).help(help));
                None
            }
        }
    })?;
    Some(read.into_iter().collect())
}

/// An entry of `secrets`.
pub(in crate::spec) fn secret(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Secret> {
    let object = Object::open(value, &table::SECRET, d)?;
    let (mut name, mut file, mut form) = (None, None, SecretForm::default());
    object.set_some("name", &mut name, d, variable_name);
    object.set_some("file", &mut file, d, Value::source_path);
    let forms = [("file", SecretForm::File), ("env", SecretForm::Env)];
    object.set_word("as", &mut form, &forms, d);
    Some(Secret { name: name?, file: file?, form })
}

fn variable_name(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<String> {
    let text = value.nonempty(d)?;
    let fits = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit())
        && text.len() <= 200;
    if !fits {
        let message = format!("`{text}` can't be the name of a variable");
        d.say(value.wrong(codes::NAME, message).help("letters, digits and `_`: `DB_PASSWORD`"));
    }
    fits.then_some(text)
}

/// An entry of `sockets`.
pub(in crate::spec) fn socket(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Socket> {
    let object = Object::open(value, &table::SOCKET, d)?;
    let (mut name, mut at) = (None, None);
    object.set_some("name", &mut name, d, socket_name);
    object.set_some("listen", &mut at, d, listen);
    let (mut backlog, mut mode) = (BACKLOG, SOCKET_MODE);
    object.set("backlog", &mut backlog, d, |value, d| value.integer(1, 65_535, d));
    object.set("mode", &mut mode, d, Value::mode);
    let (mut user, mut group) = (None, None);
    object.set_some("user", &mut user, d, Value::account);
    object.set_some("group", &mut group, d, Value::account);
    let at = at?;
    for field in ["mode", "user", "group"].into_iter().filter(|field| object.has(field)) {
        if !matches!(at, Listen::Unix(_)) {
            let message = format!("`{}.{field}` is of Unix sockets only", value.path());
            let place = object.key(field).unwrap_or_default();
            d.say(Diagnostic::error(codes::CONFLICT, message).at(place, "").help("leave it out"));
        }
    }
    if matches!(at, Listen::Udp(_)) && object.has("backlog") {
        let place = object.key("backlog").unwrap_or_default();
        let message = format!("`{}.backlog` is of connections, which `udp` has not", value.path());
        d.say(Diagnostic::error(codes::CONFLICT, message).at(place, "").help("leave it out"));
    }
    Some(Socket { name: name?, listen: at, backlog, mode, user, group })
}

fn socket_name(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<String> {
    let text = value.nonempty(d)?;
    let fits = text.bytes().all(|b| b.is_ascii_graphic() && b != b':') && text.len() <= 255;
    if !fits {
        let message = format!("`{text}` can't be the name of a socket");
        d.say(value.wrong(codes::NAME, message).help("printable ASCII without blanks and `:`: `http`"));
    }
    fits.then_some(text)
}

fn listen(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Listen> {
    let text = value.template(d)?;
    let wrong = |message: String, help: String, d: &mut Decoder<'_>| {
        d.say(value.wrong(codes::INVALID_VALUE, message).help(help));
        None
    };
    match text.split_once("://") {
        Some(("tcp", at)) => internet(value, at, d).map(Listen::Tcp),
        Some(("udp", at)) => internet(value, at, d).map(Listen::Udp),
        Some(("unix", path)) => {
            let below = |base: &str| path.starts_with(base) && path.len() > base.len();
            if !(path.starts_with('/') && !path.ends_with('/') || below("${runDir}/")) {
                let message = format!("`{}` needs an absolute path, not `{path}`", value.path());
                return wrong(message, "write for example `unix://${runDir}/${name}.sock`".into(), d);
            }
            if path.len() > UNIX_PATH_MAX {
                let message = format!("the path of a Unix socket has at most {UNIX_PATH_MAX} bytes");
                return wrong(message, "write a shorter one".into(), d);
            }
            Some(Listen::Unix(path.to_owned()))
        }
        Some(_) | None => {
            let message = format!("`{}` can't be `{text}`", value.path());
            let help = "write `tcp://127.0.0.1:8080`, `udp://127.0.0.1:53` or `unix:///run/shop.sock`";
            wrong(message, help.into(), d)
        }
    }
}

/// Numbers only: a name would be looked up at each start, and may mean several addresses.
fn internet(value: &Value<'_>, at: &str, d: &mut Decoder<'_>) -> Option<SocketAddr> {
    let read = at.parse::<SocketAddr>().ok().filter(|address| address.port() > 0);
    if read.is_none() {
        let port = at.rsplit_once(':').map_or(at, |(_, port)| port);
        let port = port.parse::<u16>().ok().filter(|port| *port > 0).unwrap_or(8080);
        let message = format!("`{}` needs an address in numbers and a port, not `{at}`", value.path());
        d.say(value.wrong(codes::INVALID_VALUE, message).help(format!(
            "write `127.0.0.1:{port}` for this host alone, `0.0.0.0:{port}` or `[::]:{port}` for everybody"
        )));
    }
    read
}

/// What these fields mean to each other and to others; `has` are the fields that are given.
pub(in crate::spec) fn check_together(
    object: &Object<'_>,
    service: &crate::spec::Service,
    d: &mut Decoder<'_>,
) {
    let mut conflict = |field: &str, message: String, help: &str| {
        let place = object.key(field).unwrap_or_default();
        d.say(Diagnostic::error(codes::CONFLICT, message).at(place, "").help(help));
    };
    let own_tmp = |path: &std::path::Path| path.starts_with("/tmp") || path.starts_with("/var/tmp");
    if service.security.private_tmp && own_tmp(&service.startas) {
        let message = "`spec.startas` lies in a directory that `security.privateTmp` hides".to_owned();
        conflict("startas", message, "put the program elsewhere, or leave `privateTmp` out");
    }
    if service.chroot.is_some() && service.secrets.iter().any(|secret| secret.form == SecretForm::File) {
        let message = "a copy of a secret lies outside of `spec.chroot`".to_owned();
        conflict("secrets", message, "write `as: env`");
    }
    if service.write_pidfile && service.pidfile.is_none() {
        let message = "`spec.writePidfile` needs a `spec.pidfile`".to_owned();
        conflict("writePidfile", message, "add `pidfile: ${runDir}/${name}.pid`");
    }
    if service.write_pidfile && service.service_type == crate::spec::ServiceType::Forking {
        let message = "a service of type `forking` writes its pidfile itself".to_owned();
        conflict("writePidfile", message, "leave `writePidfile` out");
    }
    let twice = |names: Vec<&str>| {
        let mut seen = BTreeSet::new();
        names.into_iter().find(|name| !seen.insert(*name)).map(str::to_owned)
    };
    if let Some(name) = twice(service.secrets.iter().map(|secret| secret.name.as_str()).collect()) {
        conflict("secrets", format!("two secrets are called `{name}`"), "give one of them another name");
    }
    if let Some(name) = twice(service.sockets.iter().map(|socket| socket.name.as_str()).collect()) {
        conflict("sockets", format!("two sockets are called `{name}`"), "give one of them another name");
    }
    let chrooted_beside = object.node("startas").and_then(|node| node.scalar());
    if service.chroot.is_some() && chrooted_beside.is_some_and(|scalar| !scalar.text.starts_with('/')) {
        let message = "`spec.startas` is a path inside of `spec.chroot`, and this one is relative".to_owned();
        conflict("startas", message, "write it from the root directory that the service has: `/bin/shop`");
    }
}
