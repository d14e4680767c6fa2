//! From a document to a process to be: substitution, environment, names of log files. Pure: what has to be
//! looked up was looked up before. Also what "the same" means between a launch and a later document.

mod given;

use std::borrow::{Borrow, Cow};
use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use super::action::{Ids, Launch};
use super::backoff::hash;
use super::health;
use super::memory::{Fields, Launched, are_same};
use super::observation::{Owner, Prepared};
use super::output::{self, Stream};
use crate::spec::{Account, Limit, Output, ReadinessCheck, Service, ServiceName, ServiceType};

/// Not a field of documents: the digest of what `secrets` hold.
const SECRET_CONTENTS: &str = "secrets (contents)";
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The digest of what environment files hold.
const ENV_FROM: &str = "envFrom";

/// What a watched file stands under among the fields, before its path.
const WATCHED: &str = "watchFiles ";

/// Whether a field is the content of a file of `update.watchFiles`.
pub(super) fn is_watched_file(field: &str) -> bool {
    field.starts_with(WATCHED)
}

/// Whether a field tells what is in files, which the document alone doesn't.
pub(super) fn is_of_files(field: &str) -> bool {
    field == ENV_FROM || is_watched_file(field)
}

/// A restart-class field that isn't what it was.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldChange {
    /// Name in the document.
    pub field: String,
    /// What the process was launched with; for `env` names only, since values may be secret.
    pub from: String,
    /// What the document says.
    pub to: String,
}

/// The restart-class fields as they stand in the document. The content of `envFrom` is known only
/// with what was looked up; without it, it is not compared.
///
/// As written, not as looked up: a user that gets another number, or a moved state directory, is no change of meaning.
pub fn launched(spec: &Service, prepared: Option<&Prepared>) -> Launched {
    written(spec, prepared, Fields::new())
}

/// The fields that nearly every process has, in the order of their names, each with the value that it usually has: what a document leads to
/// that says nothing. `Launched` keeps these in fewer bytes, and nothing else follows from them.
pub(super) fn usual() -> Vec<(&'static str, &'static str)> {
    let spec = Service::new(ServiceName::near("usual"), PathBuf::new());
    let said = written(&spec, None, Fields::in_full());
    let looked_up = [(ENV_FROM, &*digest(&BTreeMap::new()))];
    // Whatever their names are, these are never the usual ones.
    let files = Stream::BOTH.map(|stream| (stream.file_word(), ""));
    let all = said.iter().chain(looked_up).chain(files);
    let mut all: Vec<(&str, &str)> = all.collect();
    all.sort_unstable();
    // They are there as long as the program runs, in one piece: each by itself would hold a page of what is needed for a moment when they are made.
    let mut rest: &'static str = Box::leak(all.iter().flat_map(|(name, value)| [*name, *value]).collect());
    let mut next = |text: &str| {
        let (own, behind) = rest.split_at_checked(text.len()).unwrap_or_default();
        rest = behind;
        own
    };
    all.iter().map(|(name, value)| (next(name), next(value))).collect()
}

fn written(spec: &Service, prepared: Option<&Prepared>, mut fields: Fields) -> Launched {
    let limits = spec.limits.iter().map(|(name, limit)| format!("{name}={}", limit_text(limit)));
    fields.add_json("args", &spec.args, spec.args.is_empty());
    fields.add("chroot", &path_text(spec.chroot.as_deref()));
    fields.add_json("env", &spec.env, spec.env.is_empty());
    if let Some(prepared) = prepared {
        fields.add(ENV_FROM, &digest(&prepared.env_from));
    }
    fields.add("group", &account_text(spec.group.as_ref()));
    fields.add("limits", &list(limits));
    fields.add_json("scheduling", &spec.scheduling, spec.scheduling.is_usual());
    fields.add_json("secrets", &spec.secrets, spec.secrets.is_empty());
    if let Some(prepared) = prepared.filter(|_| !spec.secrets.is_empty()) {
        fields.add(SECRET_CONTENTS, &digest_of_secrets(prepared));
    }
    fields.add_json("security", &spec.security, spec.security.is_usual());
    fields.add_json("sockets", &spec.sockets, spec.sockets.is_empty());
    fields.add("startas", &spec.startas.to_string_lossy());
    fields.add("stderr", &output_text(&spec.stderr));
    fields.add("stdout", &output_text(&spec.stdout));
    fields.add(
        "supplementaryGroups",
        &list(spec.supplementary_groups.iter().map(|group| account_text(Some(group)))),
    );
    fields.add("type", type_text(spec.service_type));
    fields.add("umask", &format!("{:04o}", spec.umask));
    fields.add("user", &account_text(spec.user.as_ref()));
    for (path, digest) in prepared.iter().flat_map(|prepared| &prepared.watched) {
        fields.add(&format!("{WATCHED}{path}"), digest);
    }
    fields.add("workingDirectory", &spec.working_directory.to_string_lossy());
    fields.into()
}

fn list(texts: impl Iterator<Item = impl Borrow<str>>) -> String {
    texts.collect::<Vec<_>>().join(",")
}

fn path_text(path: Option<&Path>) -> Cow<'_, str> {
    path.map_or(Cow::Borrowed(""), Path::to_string_lossy)
}

fn account_text(account: Option<&Account>) -> Cow<'_, str> {
    match account {
        None => "".into(),
        Some(Account::Name(name)) => name.into(),
        Some(Account::Id(id)) => id.to_string().into(),
    }
}

fn type_text(service_type: ServiceType) -> &'static str {
    match service_type {
        ServiceType::Simple => "simple",
        ServiceType::Forking => "forking",
        ServiceType::Notify => "notify",
    }
}

fn limit_text(limit: &Limit) -> String {
    let one = |value: Option<u64>| value.map_or_else(|| "unlimited".to_owned(), |value| value.to_string());
    format!("{}:{}", one(limit.soft), one(limit.hard))
}

fn output_text(output: &Output) -> Cow<'_, str> {
    match output {
        Output::Log => "log".into(),
        Output::File(path) => path.to_string_lossy(),
        Output::Null => "null".into(),
        Output::Inherit => "inherit".into(),
        Output::Syslog => "syslog".into(),
    }
}

/// The content of environment files may be secret: only its digest is kept.
fn digest(variables: &BTreeMap<String, String>) -> Cow<'static, str> {
    /// Hardly any document has any.
    static OF_NONE: LazyLock<String> = LazyLock::new(|| digest_of(std::iter::empty()));
    if variables.is_empty() {
        return OF_NONE.as_str().into();
    }
    digest_of(variables.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()])).into()
}

fn digest_of_secrets(prepared: &Prepared) -> String {
    digest_of(prepared.secrets.iter().map(|secret| secret.0.as_slice()))
}

fn digest_of<'a>(texts: impl Iterator<Item = &'a [u8]>) -> String {
    let mut hash = Sha256::new();
    for text in texts {
        hash.update(text);
        hash.update([0]);
    }
    let mut hex = String::new();
    for byte in hash.finalize() {
        hex.push(char::from_digit(u32::from(byte >> 4), 16).unwrap_or('?'));
        hex.push(char::from_digit(u32::from(byte & 15), 16).unwrap_or('?'));
    }
    hex
}

/// Before the names of variables that have another value.
const ANOTHER: &str = "another ";

/// What a change is to, of which the content must not be seen.
const PRESENT: &str = "its present content";

/// A change as a part of a sentence.
pub(super) fn change_words(change: &FieldChange) -> String {
    let FieldChange { field, from, to } = change;
    match (field.as_str(), to.strip_prefix(ANOTHER)) {
        _ if to == PRESENT => format!("`{field}` has another content"),
        ("env", names) => {
            let old = from.strip_prefix(ANOTHER);
            let mut names: Vec<&str> = old.iter().chain(&names).flat_map(|names| names.split(", ")).collect();
            names.sort_unstable();
            names.dedup();
            format!("`env` changed in {}", names.join(", "))
        }
        _ => format!("`{field}` changed from {from} to {to}"),
    }
}

/// Field by field; a field that either side doesn't know is not a difference.
pub(super) fn changes(was: &Launched, is: &Launched) -> Vec<FieldChange> {
    // Both are in the order of their names.
    let mut present = is.iter().peekable();
    let mut value = |field: &str| {
        loop {
            match present.peek()?.0.cmp(field) {
                Ordering::Less => {
                    present.next();
                }
                Ordering::Equal => return present.next().map(|(_, to)| to),
                Ordering::Greater => return None,
            }
        }
    };
    let both = was.iter().filter_map(|(field, from)| Some((field, from, value(field)?)));
    both.filter(|(_, from, to)| !are_same(from.as_bytes(), to.as_bytes()))
        .map(|(field, from, to)| match field {
            "env" => env_change(from, to),
            field if is_watched_file(field) => change(field, "another content", PRESENT),
            ENV_FROM => change(field, "another content", PRESENT),
            SECRET_CONTENTS => change("secrets", "another content", PRESENT),
            _ => change(field, from, to),
        })
        .collect()
}

fn change(field: &str, from: &str, to: &str) -> FieldChange {
    FieldChange { field: field.into(), from: from.into(), to: to.into() }
}

/// Names of the variables that differ, on either side.
fn env_change(from: &str, to: &str) -> FieldChange {
    let read = |text: &str| serde_json::from_str::<BTreeMap<String, String>>(text).unwrap_or_default();
    let (old, new) = (read(from), read(to));
    let names = |of: &BTreeMap<String, String>, other: &BTreeMap<String, String>| {
        let differing: Vec<&str> = of
            .iter()
            .filter(|(name, value)| other.get(*name) != Some(*value))
            .map(|(n, _)| n.as_str())
            .collect();
        if differing.is_empty() { "nothing".into() } else { format!("{ANOTHER}{}", differing.join(", ")) }
    };
    FieldChange { field: "env".into(), from: names(&old, &new), to: names(&new, &old) }
}

/// Everything that execution needs.
pub fn resolve(spec: &Service, index: u32, prepared: &Prepared) -> Launch {
    let dirs = (prepared.run_dir.as_str(), prepared.log_dir.as_str());
    let words = words(spec, index, dirs);
    let program = spec.startas.clone();
    let mut argv = vec![program.display().to_string()];
    argv.extend(spec.args.iter().map(|arg| words.substitute(arg)));
    let secrets = given::secrets(spec, index, prepared);
    let mut env = environment(spec, prepared, &words);
    env.extend(given::secret_paths(&secrets));
    let stdout = output::target(spec, &spec.stdout, Stream::Out, index, dirs);
    let stderr = output::target(spec, &spec.stderr, Stream::Err, index, dirs);
    Launch {
        argv,
        env,
        working_directory: spec.working_directory.clone(),
        ids: ids(&prepared.owner),
        output_owner: None,
        umask: spec.umask,
        limits: limits(spec),
        scheduling: (*spec.scheduling).clone(),
        resources: *spec.resources,
        group: None,
        launched: output::with_files(&launched(spec, Some(prepared)), [&stderr, &stdout]),
        stdout,
        stderr,
        trust_executable: spec.trust_executable,
        marks_output: matches!(spec.readiness.check, ReadinessCheck::LogLine { .. }),
        confinement: given::confinement(spec, prepared),
        sockets: given::sockets(spec, prepared, &words),
        secrets,
        pidfile: spec
            .pidfile
            .as_ref()
            .filter(|_| spec.write_pidfile)
            .map(|path| PathBuf::from(words.substitute(path))),
        program,
    }
}

/// The same for a command of the service, which may name a user of its own: it has that user's ids and variables, and else what
/// the service has. `None`: who that is wasn't looked up.
pub(super) fn resolve_as(
    user: Option<&Account>,
    spec: &Service,
    index: u32,
    prepared: &Prepared,
) -> Option<Launch> {
    let Some(user) = user else { return Some(resolve(spec, index, prepared)) };
    let owner = prepared.others.get(user)?.clone();
    let launch = resolve(spec, index, &Prepared { owner, ..prepared.clone() });
    // Output and copies of secrets stay those of the service.
    let secrets = given::secrets(spec, index, prepared);
    Some(Launch { output_owner: Some(prepared.owner.uid), secrets, ..launch })
}

/// What a process that is to be somebody's takes on; `None`: it is as the engine.
pub fn ids(owner: &Owner) -> Option<Ids> {
    owner.change_ids.then(|| Ids { uid: owner.uid, gid: owner.gid, groups: owner.groups.clone() })
}

/// Where a replica finds the socket that it says things of itself to. Its whole path has to fit into an address of a Unix
/// socket (107 bytes), and so its name is a number.
pub fn notify_socket(run_dir: &str, name: &ServiceName, index: u32) -> PathBuf {
    Path::new(run_dir).join("notify").join(format!("{:016x}", hash(name.as_str(), index)))
}

/// Where it is noted at which place the output of a replica began.
pub fn output_marks(run_dir: &str, name: &ServiceName, index: u32) -> PathBuf {
    Path::new(run_dir).join("marks").join(format!("{name}.{index}.json"))
}

/// `text` with its `${...}` replaced, as a launch of this replica does it.
pub fn substitute(text: &str, spec: &Service, index: u32, prepared: &Prepared) -> String {
    words(spec, index, (&prepared.run_dir, &prepared.log_dir)).substitute(text)
}

/// What `${...}` stands for, with the directories of records and of logs.
pub(super) fn words<'a>(spec: &'a Service, index: u32, (run_dir, log_dir): (&'a str, &'a str)) -> Words<'a> {
    Words::new(&spec.name, index, (run_dir, log_dir))
}

fn limits(spec: &Service) -> BTreeMap<String, Limit> {
    let mut limits = BTreeMap::clone(&spec.limits);
    // Core dumps hold secrets and fill disks: off, unless the document says otherwise.
    limits.entry("core".into()).or_insert(Limit { soft: Some(0), hard: Some(0) });
    limits
}

fn environment(spec: &Service, prepared: &Prepared, words: &Words<'_>) -> BTreeMap<String, String> {
    let clean =
        [("PATH", PATH), ("LANG", "C.UTF-8")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut env = BTreeMap::from(clean);
    env.extend(variables(&prepared.owner));
    if health::listens(spec) {
        let socket = notify_socket(&prepared.run_dir, &spec.name, words.index);
        env.insert("NOTIFY_SOCKET".into(), socket.display().to_string());
    }
    if let Some(period) = health::watchdog(spec) {
        env.insert("WATCHDOG_USEC".into(), period.as_micros().to_string());
    }
    env.extend(prepared.env_from.clone());
    env.extend(spec.env.iter().map(|(name, value)| (name.clone(), words.substitute(value))));
    env
}

/// The variables that say whose a process is.
pub fn variables(owner: &Owner) -> [(String, String); 4] {
    let Owner { name, home, shell, .. } = owner;
    [("HOME", home), ("USER", name), ("LOGNAME", name), ("SHELL", shell)]
        .map(|(variable, value)| (variable.to_owned(), value.clone()))
}

/// The values of `${...}`.
pub(super) struct Words<'a> {
    name: &'a str,
    index: u32,
    run_dir: &'a str,
    log_dir: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn new(name: &'a ServiceName, index: u32, (run_dir, log_dir): (&'a str, &'a str)) -> Self {
        Self { name: name.as_str(), index, run_dir, log_dir }
    }

    fn value(&self, word: &str) -> Option<String> {
        match word {
            "index" => Some(self.index.to_string()),
            "name" => Some(self.name.to_owned()),
            "runDir" => Some(self.run_dir.to_owned()),
            "logDir" => Some(self.log_dir.to_owned()),
            _ => None,
        }
    }

    /// One pass from left to right: what was put in is not looked at again.
    pub(super) fn substitute(&self, text: &str) -> String {
        let mut result = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(plain) = before.strip_suffix('$') {
                result.push_str(plain);
                result.push_str("${");
                rest = after;
                continue;
            }
            result.push_str(before);
            let known = after.split_once('}').and_then(|(word, tail)| Some((self.value(word)?, tail)));
            // Documents with other words are refused when they are loaded; kept as text if one gets here.
            let (value, tail) = known.unwrap_or_else(|| ("${".to_owned(), after));
            result.push_str(&value);
            rest = tail;
        }
        result.push_str(rest);
        result
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;
    use crate::plan::action::OutputTarget;
    use crate::plan::observation::Owner;
    use crate::spec::ServiceName;
    use crate::units::{Gid, Uid};

    fn prepared() -> Prepared {
        Prepared {
            owner: Owner {
                uid: Uid(33),
                gid: Gid(33),
                groups: vec![Gid(4)],
                change_ids: true,
                name: "www-data".into(),
                home: "/var/www".into(),
                shell: "/bin/sh".into(),
            },
            others: BTreeMap::from([(
                Account::Name("root".into()),
                Owner {
                    uid: Uid(0),
                    gid: Gid(0),
                    groups: Vec::new(),
                    change_ids: false,
                    name: "root".into(),
                    home: "/root".into(),
                    shell: "/bin/sh".into(),
                },
            )]),
            env_from: BTreeMap::from([("A".into(), "file".into()), ("B".into(), "file".into())]),
            secrets: Vec::new(),
            socket_owners: Vec::new(),
            run_dir: "/run/selfsame".into(),
            log_dir: "/var/log/selfsame".into(),
            watched: BTreeMap::new(),
        }
    }

    fn web() -> Service {
        Service::new(ServiceName::new("web").unwrap(), "/srv/web.py".into())
    }

    #[test]
    fn words_are_substituted_once() {
        let words = Words { name: "web", index: 2, run_dir: "/run/${name}", log_dir: "/var/log" };
        let rows = [
            ("plain", "plain"),
            ("${index}-${name}", "2-web"),
            ("$${index}", "${index}"),
            ("$$${index}", "$${index}"),
            ("${runDir}/x", "/run/${name}/x"),
            ("${other} ${name", "${other} ${name"),
            ("a$ ${name}$", "a$ web$"),
        ];
        for (text, expected) in rows {
            assert_eq!(words.substitute(text), expected, "{text}");
        }
    }

    #[test]
    fn the_environment_is_clean_and_the_document_wins() {
        let mut spec = web();
        spec.env = BTreeMap::from([("B".into(), "own-${index}".into())]);
        let launch = resolve(&spec, 1, &prepared());
        let expected = [
            ("A", "file"),
            ("B", "own-1"),
            ("HOME", "/var/www"),
            ("LANG", "C.UTF-8"),
            ("LOGNAME", "www-data"),
            ("PATH", PATH),
            ("SHELL", "/bin/sh"),
            ("USER", "www-data"),
        ];
        let env: Vec<_> = launch.env.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(env, expected);
        assert_eq!(launch.argv, ["/srv/web.py"]);
        assert_eq!(launch.stdout, OutputTarget::File("/var/log/selfsame/web.stdout.log".into()));
        assert_eq!(launch.limits["core"].hard, Some(0));
        spec.replicas = 2;
        let second = resolve(&spec, 1, &prepared());
        assert_eq!(second.stderr, OutputTarget::File("/var/log/selfsame/web.1.stderr.log".into()));
    }

    #[test]
    fn differences_are_found_by_field_and_values_of_variables_stay_secret() {
        let old = web();
        let mut new = web();
        new.args = vec!["-x".into()];
        new.env = BTreeMap::from([("KEY".into(), "hunter2".into())]);
        new.replicas = 3;
        let found = changes(&launched(&old, Some(&prepared())), &launched(&new, None));
        let fields: Vec<&str> = found.iter().map(|change| change.field.as_str()).collect();
        assert_eq!(fields, ["args", "env"]);
        assert_eq!(found[1].to, "another KEY");
        assert!(!format!("{found:?}").contains("hunter2"));
    }

    #[test]
    fn a_field_that_an_older_record_lacks_is_no_difference() {
        let mut older = launched(&web(), None);
        older.remove("umask");
        let mut new = web();
        new.umask = 0o077;
        assert_eq!(changes(&older, &launched(&new, None)), []);
        let mut other = prepared();
        other.env_from.clear();
        let found = changes(&launched(&web(), Some(&prepared())), &launched(&web(), Some(&other)));
        assert_eq!(found.len(), 1);
    }
}
