//! One file: bytes to Matcher documents and Services, as a whole or not at all.

use std::collections::BTreeMap;
use std::mem::take;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use crate::diagnostic::{Code, Diagnostic, Source, Span};
use crate::yaml::{self, Node};

use super::content::Content;
use super::decode::Decoder;
use super::defaults::{Applied, DefaultsDocument, applied};
use super::document::{self, Document};
use super::engine::EngineDocument;
use super::few::Few;
use super::matcher::{self, MatcherDocument};
use super::plugin::PluginDocument;
use super::policies::PolicyDocument;
use super::untold::without_values;
use super::{KnownHost, LoadContext, Names, Origin, Service, ServiceName, codes, raw};

/// A file as the host read it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SpecFile {
    /// Its name in messages and in [`Origin::file`].
    pub name: String,
    /// Its directory, absolute and without links: what `${specDir}` and relative paths mean.
    pub directory: PathBuf,
    /// Its content.
    pub bytes: Content,
}

impl SpecFile {
    /// The digest of its content: SHA-256 in hexadecimal.
    pub fn digest(&self) -> &Arc<str> {
        self.bytes.digest()
    }
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct LoadedFile {
    /// Its name and text; what is not UTF-8 is replaced.
    pub source: Arc<Source>,
    /// SHA-256 in hexadecimal.
    pub digest: Arc<str>,
    /// By position, with their source.
    pub diagnostics: Vec<Diagnostic>,
    /// The names it declares, as far as they could be read, also where it is rejected.
    pub declares: Few<ServiceName>,
    pub(super) name_places: Few<Span>,
    services: Few<Arc<Service>>,
    /// Most files give nothing but Services for this host.
    others: Option<Box<Others>>,
    /// Matcher or Plugin documents stand in it, usable or not.
    pub(super) defines: bool,
    /// Documents that say they are Policies stand in it, usable or not.
    has_policies: bool,
}

/// What a file gives besides Services for this host.
#[derive(Clone, Debug, Default)]
struct Others {
    /// Services for other hosts, and why.
    elsewhere: Vec<(ServiceName, String)>,
    defaults: Vec<DefaultsDocument>,
    matchers: Vec<MatcherDocument>,
    plugins: Vec<PluginDocument>,
    engines: Vec<EngineDocument>,
    policies: Vec<PolicyDocument>,
    /// Policies for other hosts, and why.
    policies_elsewhere: Vec<(ServiceName, String)>,
}

impl Others {
    /// What was read of these kinds. Nothing where there are none.
    fn read(reading: &mut Reading) -> Option<Box<Self>> {
        let Reading { defaults, matchers, plugins, engines, .. } = reading;
        if defaults.is_empty() && matchers.is_empty() && plugins.is_empty() && engines.is_empty() {
            return None;
        }
        let (defaults, matchers) = (take(defaults), take(matchers));
        let (plugins, engines) = (take(plugins), take(engines));
        Some(Box::new(Self { defaults, matchers, plugins, engines, ..Self::default() }))
    }
}

/// What stays of a file and its Services.
#[derive(Clone, Copy, Debug)]
pub struct Stays<'a> {
    source: &'a Source,
    digest: &'a Arc<str>,
    services: &'a [Arc<Service>],
    declares: &'a [ServiceName],
    name_places: &'a [Span],
}

/// Copies of what stays, which share nothing with it but the digest.
#[derive(Debug)]
pub struct Copies {
    source: Arc<Source>,
    digest: Arc<str>,
    services: Few<Arc<Service>>,
    declares: Few<ServiceName>,
    name_places: Few<Span>,
}

impl Stays<'_> {
    /// How many Services these are.
    pub fn count(&self) -> usize {
        self.services.len()
    }

    /// Copies of all of it.
    pub fn copied(&self) -> Copies {
        let source = Source::shared(&self.source.name, Arc::clone(&self.source.text));
        let digest = Arc::clone(self.digest);
        let copied = |one: &Arc<Service>| Arc::new(one.copied(&source.name, &digest));
        let services: Few<_> = self.services.iter().map(copied).collect();
        let names = || services.iter().map(|service| &service.name);
        let declares = if names().eq(self.declares) {
            names().cloned().collect()
        } else {
            self.declares.iter().cloned().collect()
        };
        Copies { source, digest, declares, name_places: self.name_places.iter().copied().collect(), services }
    }
}

impl LoadedFile {
    /// Its Services for this host in the order of the file; none if it was rejected.
    pub fn services(&self) -> &[Arc<Service>] {
        &self.services
    }

    /// Its documents stand in this file from now on, by whatever name it was read.
    pub fn stands_in(&mut self, file: &str) {
        let file: Arc<str> = file.into();
        for service in self.services.iter_mut() {
            if service.origin.file != file {
                Arc::make_mut(service).origin.file = Arc::clone(&file);
            }
        }
        for document in self.others.iter_mut().flat_map(|others| &mut others.policies) {
            if document.policy.origin.file != file {
                Arc::make_mut(&mut document.policy).origin.file = Arc::clone(&file);
            }
        }
    }

    /// What stays of it as long as the file is as it is.
    pub fn stays(&self) -> Stays<'_> {
        Stays {
            source: &self.source,
            digest: &self.digest,
            services: &self.services,
            declares: &self.declares,
            name_places: &self.name_places,
        }
    }

    /// Copies of what stays stand for it.
    pub fn says_the_same(&mut self, copies: Copies) {
        let Copies { source, digest, services, declares, name_places } = copies;
        if self.services == services && self.declares == declares && self.name_places == name_places {
            (self.services, self.declares, self.name_places) = (services, declares, name_places);
        }
        self.digest = digest;
        // What is said of it holds its text, which would lie there twice.
        if self.diagnostics.is_empty() && self.source == source {
            self.source = source;
        }
    }

    fn other<T>(&self, list: impl Fn(&Others) -> &Vec<T>) -> &[T] {
        self.others.as_deref().map_or(&[], |others| list(others))
    }

    fn others_mut(&mut self) -> &mut Others {
        self.others.get_or_insert_default()
    }

    /// Its Policies for this host in the order of the file; none if it was rejected.
    pub fn policies(&self) -> &[PolicyDocument] {
        self.other(|others| &others.policies)
    }

    /// Its Policies for other hosts, and why; nothing if it was rejected.
    pub fn policies_elsewhere(&self) -> &[(ServiceName, String)] {
        self.other(|others| &others.policies_elsewhere)
    }

    /// What is for other hosts, and why; nothing if it was rejected.
    pub fn elsewhere(&self) -> &[(ServiceName, String)] {
        self.other(|others| &others.elsewhere)
    }

    /// Its Matcher documents in the order of the file; none if it was rejected.
    pub fn matchers(&self) -> &[MatcherDocument] {
        self.other(|others| &others.matchers)
    }

    /// Its Defaults documents in the order of the file; none if it was rejected.
    pub fn defaults(&self) -> &[DefaultsDocument] {
        self.other(|others| &others.defaults)
    }

    /// Its Plugin documents in the order of the file, also if it was rejected: what they are made of is looked at again.
    pub fn plugins(&self) -> &[PluginDocument] {
        self.other(|others| &others.plugins)
    }

    /// Its Engine documents in the order of the file, also if it was rejected. Nothing among spec files follows from them.
    pub fn engines(&self) -> &[EngineDocument] {
        self.other(|others| &others.engines)
    }

    /// Whether others may depend on it: Matcher or Plugin documents stand in it, usable or not.
    pub fn defines(&self) -> bool {
        self.defines
    }

    /// The first error, if it was rejected.
    pub fn rejected(&self) -> Option<&Diagnostic> {
        self.diagnostics.iter().find(|diagnostic| diagnostic.is_error())
    }

    /// No document at all stands in it: it is empty, or holds comments only.
    pub fn is_empty(&self) -> bool {
        let says =
            self.defines || self.has_policies || !self.engines().is_empty() || !self.defaults().is_empty();
        !says && self.declares.is_empty() && self.rejected().is_none()
    }

    /// It counts, and gives nothing but Services for this host.
    pub fn has_only_services(&self) -> bool {
        let gives_else = self.defines || self.has_policies || !self.engines().is_empty();
        let lacks = self.services.len() != self.declares.len() || !self.elsewhere().is_empty();
        !gives_else && !lacks && !self.services.is_empty() && self.rejected().is_none()
    }

    /// Whether both declare the same Services, wherever in the file these stand.
    pub fn declares_the_same(&self, other: &Self) -> bool {
        let same = |one: &Arc<Service>, other: &Arc<Service>| {
            let one = Service { origin: other.origin.clone(), ..Service::clone(one) };
            one == **other
        };
        self.services.len() == other.services.len()
            && self.services.iter().zip(&other.services).all(|(one, other)| same(one, other))
    }

    /// Why it was rejected, in one line and without values of it: `specs/a.yaml:3:5: unknown field ...`.
    pub fn reason(&self) -> Option<String> {
        let error = self.rejected()?;
        let (line, column) = self.source.position(error.span().map_or(0, |span| span.start));
        let told = without_values(error, &self.source, &self.declares);
        Some(format!("{}:{line}:{column}: {}", self.source.name, told))
    }
}

/// A file whose text was read; expressions in its Services wait for the library.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    pub(super) source: Arc<Source>,
    digest: Arc<str>,
    directory: Option<String>,
    documents: Vec<Node>,
    /// Usable if there are no errors.
    pub(super) matchers: Vec<MatcherDocument>,
    /// The same.
    pub(super) plugins: Vec<PluginDocument>,
    /// The same.
    pub(super) defaults: Vec<DefaultsDocument>,
    pub(super) engines: Vec<EngineDocument>,
    /// How many documents say that they are Defaults.
    pub(super) defaults_seen: usize,
    diagnostics: Vec<Diagnostic>,
}

impl Reading {
    fn new(Written { source, digest }: Written) -> Self {
        Self {
            source,
            digest,
            directory: None,
            documents: Vec::new(),
            matchers: Vec::new(),
            plugins: Vec::new(),
            defaults: Vec::new(),
            engines: Vec::new(),
            defaults_seen: 0,
            diagnostics: Vec::new(),
        }
    }

    /// Something in it is wrong, so that it gives nothing.
    pub(super) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Whether others may depend on it.
    pub(super) fn defines(&self) -> bool {
        !self.matchers.is_empty() || !self.plugins.is_empty() || self.defaults_seen > 0
    }

    /// Something in it is wrong, and a plugin may be declared there that is not among [`Self::plugins`].
    pub(super) fn may_hold_plugin(&self) -> bool {
        self.has_errors() && (self.is_unread() || self.documents.iter().any(document::is_plugin))
    }

    /// Nobody knows what stands in it.
    pub(super) fn is_unread(&self) -> bool {
        self.documents.is_empty() && self.has_errors()
    }
}

/// The text of a file: what stays of it.
#[derive(Clone, Debug)]
pub(super) struct Written {
    source: Arc<Source>,
    digest: Arc<str>,
}

/// The text of a file and its YAML: what can be found out about a file by itself, whoever wants to know.
#[derive(Clone, Debug)]
pub(super) struct Text {
    written: Written,
    /// Not there where the bytes are no text.
    parsed: Option<yaml::Parsed>,
    /// What is wrong with the bytes.
    diagnostics: Vec<Diagnostic>,
}

/// What files give to others may name none of what others give.
static NO_NAMES: LazyLock<Names> = LazyLock::new(Names::default);

/// A byte order mark, which is no column.
const MARK: char = '\u{feff}';

/// Takes the text of one file.
pub(super) fn written(file: &SpecFile) -> Written {
    let source = match file.bytes.text().filter(|text| !text.starts_with(MARK)) {
        Some(text) => Source::shared(&file.name, Arc::clone(text)),
        None => {
            let text = String::from_utf8_lossy(&file.bytes);
            Source::new(&file.name, text.strip_prefix(MARK).unwrap_or(&text))
        }
    };
    Written { source, digest: Arc::clone(file.digest()) }
}

/// Reads the YAML of one file, twice where readers may differ: both must agree.
pub(super) fn text(file: &SpecFile, written: Written, limits: &yaml::Limits) -> Text {
    let source = &written.source;
    if let Err(error) = std::str::from_utf8(&file.bytes) {
        let diagnostics = vec![not_text(source, &file.bytes, error.valid_up_to())];
        return Text { written, parsed: None, diagnostics };
    }
    let mut parsed = yaml::parse(source, limits);
    if parsed.diagnostics.is_empty() && !parsed.is_evident {
        parsed.diagnostics.extend(raw::disagreement(&source.text, &parsed.documents));
    }
    Text { written, parsed: Some(parsed), diagnostics: Vec::new() }
}

/// A file that is larger than a file may be.
pub(super) fn too_large(file: &SpecFile, limits: &yaml::Limits) -> Option<(Code, String)> {
    let message = || format!("the file has {} bytes, the limit is {}", file.bytes.len(), limits.bytes);
    (file.bytes.len() > limits.bytes).then(|| (yaml::codes::TOO_LARGE, message()))
}

/// A file that is not looked into. There may be fewer files the next time, so it is never as it was: it has the digest of no text.
pub(super) fn refused(file: &SpecFile, code: Code, message: String) -> Reading {
    let source = Source::new(&file.name, "");
    let diagnostic = Diagnostic::error(code, message).at(Span::default(), "").in_source(&source);
    let mut reading = Reading::new(Written { source, digest: "".into() });
    reading.diagnostics.push(diagnostic);
    reading
}

/// Reads what one file gives to others.
pub(super) fn read(file: &SpecFile, text: Text, context: &LoadContext<'_>) -> Reading {
    let Text { written, parsed, diagnostics } = text;
    let mut reading = Reading { diagnostics, ..Reading::new(written) };
    let Some(parsed) = parsed else { return reading };
    reading.directory = file.directory.to_str().map(str::to_owned);
    let mut decoder = Decoder { diagnostics: parsed.diagnostics, ..decoder(&reading, &NO_NAMES, context) };
    let documents: Vec<Node> = parsed.documents.into_iter().flat_map(document::items).collect();
    let matchers = documents.iter().filter(|node| document::is_matcher(node));
    let matchers: Vec<MatcherDocument> =
        matchers.filter_map(|node| document::read_matcher(node, &mut decoder)).collect();
    let named = matchers.iter().map(|matcher| (matcher.name.as_str(), matcher.name_at));
    say_defined_twice("Matcher", named, &mut decoder);
    let plugins = documents.iter().filter(|node| document::is_plugin(node));
    let plugins: Vec<PluginDocument> =
        plugins.filter_map(|node| document::read_plugin(node, &mut decoder)).collect();
    let named = plugins.iter().map(|plugin| (plugin.name.as_str(), plugin.name_at));
    say_defined_twice("Plugin", named, &mut decoder);
    let defaults: Vec<&Node> = documents.iter().filter(|node| document::is_defaults(node)).collect();
    let defaults_seen = defaults.len();
    let defaults: Vec<DefaultsDocument> =
        defaults.into_iter().filter_map(|node| document::read_defaults(node, &mut decoder)).collect();
    let named = defaults.iter().map(|document| (document.name.as_str(), document.name_at));
    say_defined_twice("Defaults document", named, &mut decoder);
    let engines = documents.iter().filter(|node| document::is_engine(node));
    let engines: Vec<EngineDocument> =
        engines.filter_map(|node| document::read_engine(node, &mut decoder)).collect();
    let diagnostics = decoder.diagnostics;
    Reading { documents, matchers, plugins, defaults, engines, defaults_seen, diagnostics, ..reading }
}

fn decoder<'a>(reading: &'a Reading, names: &Names, context: &'a LoadContext<'a>) -> Decoder<'a> {
    Decoder {
        context,
        directory: reading.directory.as_deref(),
        source: Arc::clone(&reading.source),
        names: names.clone(),
        diagnostics: Vec::new(),
    }
}

/// Reads the Services of a file and says everything about it. `of_definitions` is what the library found.
pub(super) fn complete(
    mut reading: Reading,
    of_definitions: Vec<Diagnostic>,
    names: &Names,
    context: &LoadContext<'_>,
) -> LoadedFile {
    let mut decoder = decoder(&reading, names, context);
    decoder.diagnostics.extend(reading.diagnostics.iter().cloned().chain(of_definitions));
    let gives = |node: &Node| {
        document::is_matcher(node)
            || document::is_plugin(node)
            || document::is_defaults(node)
            || document::is_engine(node)
            || document::is_policy(node)
    };
    let services = reading.documents.iter().filter(|node| !gives(node));
    let documents: Vec<Document> = services.filter_map(|node| with_defaults(node, &mut decoder)).collect();
    say_duplicates(&documents, context.host, &mut decoder);
    let policies = reading.documents.iter().filter(|node| document::is_policy(node));
    let has_policies = policies.clone().next().is_some();
    let policies: Vec<PolicyDocument> =
        policies.filter_map(|node| document::read_policy(node, &mut decoder)).collect();
    let meant = policies.iter().filter(|document| match &document.policy.hosts {
        Some(hosts) => context.host.is_some_and(|host| hosts.excludes(host).is_none()),
        None => true,
    });
    let meant = meant.map(|document| (document.policy.name.as_str(), document.name_at));
    say_defined_twice("Policy", meant, &mut decoder);
    for matcher in &reading.matchers {
        matcher::check_tests(matcher, &names.library, &mut decoder);
    }
    let diagnostics = finish(decoder.diagnostics, &reading.source, context.limits.mistakes);
    let defines = reading.defines();
    let mut loaded = LoadedFile {
        diagnostics,
        declares: Few::default(),
        name_places: Few::default(),
        services: Few::default(),
        others: Others::read(&mut reading),
        source: reading.source,
        digest: reading.digest,
        defines,
        has_policies,
    };
    accept(&mut loaded, documents, context.host);
    accept_policies(&mut loaded, policies, context.host);
    loaded
}

/// Reads a document with the values of Defaults under it. What is wrong with those is said where they are put in.
fn with_defaults(node: &Node, d: &mut Decoder<'_>) -> Option<Document> {
    let names = d.names.clone();
    let Applied { node, origins, at, note, refused } = applied(node, &names.defaults);
    let before = d.diagnostics.len();
    let document = document::read(&node, d);
    let said: Vec<Diagnostic> = d.diagnostics.split_off(before);
    d.diagnostics.extend(said.into_iter().map(|said| {
        let from_there = !origins.is_empty() && said.span() == Some(at);
        if from_there { said.note(note.clone()) } else { said }
    }));
    d.diagnostics.extend(refused);
    let mut document = document?;
    if !origins.is_empty() {
        Arc::make_mut(&mut document.service).defaults = origins.into();
    }
    Some(document)
}

fn not_text(source: &Arc<Source>, bytes: &[u8], at: usize) -> Diagnostic {
    let mark = if bytes.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
    let byte = bytes.get(at).copied().unwrap_or(0);
    let at = at.saturating_sub(mark);
    Diagnostic::error(codes::NOT_TEXT, format!("the byte 0x{byte:02x} is not UTF-8"))
        .at(Span::new(at, at), "")
        .in_source(source)
        .help("save the file as UTF-8")
}

fn say_defined_twice<'n>(kind: &str, all: impl Iterator<Item = (&'n str, Span)>, d: &mut Decoder<'_>) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for (name, at) in all {
        match seen.get(name) {
            Some(first) => {
                let message = format!("the {kind} `{name}` stands twice in this file");
                let said = Diagnostic::error(codes::DUPLICATE_NAME, message).at(at, "again");
                d.say(said.at(*first, "first").help("give one of them another name"));
            }
            None => {
                seen.insert(name, at);
            }
        }
    }
}

/// Two documents for different hosts may have one name. Where it isn't known for whom they are loaded, it isn't known either
/// whether that is so.
fn say_duplicates(documents: &[Document], host: Option<&KnownHost>, d: &mut Decoder<'_>) {
    let mut seen: BTreeMap<&ServiceName, Span> = BTreeMap::new();
    let is_meant = |document: &&Document| match &*document.service.hosts {
        Some(hosts) => host.is_some_and(|host| hosts.excludes(host).is_none()),
        None => true,
    };
    for document in documents.iter().filter(is_meant) {
        let name = &document.service.name;
        match seen.get(name) {
            Some(first) => d.say(
                Diagnostic::error(
                    codes::DUPLICATE_NAME,
                    format!("the {} `{name}` stands twice in this file", document.service.kind()),
                )
                .at(document.name_at, "again")
                .at(*first, "first")
                .help("give one of them another name"),
            ),
            None => {
                seen.insert(name, document.name_at);
            }
        }
    }
}

/// By position, each said once, and not more than a person reads.
fn finish(diagnostics: Vec<Diagnostic>, source: &Arc<Source>, most: usize) -> Vec<Diagnostic> {
    let mut diagnostics: Vec<Diagnostic> =
        diagnostics.into_iter().map(|diagnostic| diagnostic.in_source(source)).collect();
    diagnostics.sort_by_key(|diagnostic| (diagnostic.span(), diagnostic.code));
    diagnostics.dedup();
    let errors = diagnostics.iter().filter(|diagnostic| diagnostic.is_error()).count();
    if diagnostics.len() > most {
        let rest = diagnostics.len() - most;
        let must_keep_error = errors > 0 && !diagnostics.iter().take(most).any(Diagnostic::is_error);
        if must_keep_error {
            diagnostics.sort_by_key(|diagnostic| !diagnostic.is_error());
        }
        diagnostics.truncate(most);
        if let Some(last) = diagnostics.last_mut() {
            last.notes.push(format!("{rest} more in this file"));
        }
    }
    diagnostics.shrink_to_fit();
    diagnostics
}

fn accept(loaded: &mut LoadedFile, documents: Vec<Document>, host: Option<&KnownHost>) {
    loaded.declares = documents.iter().map(|document| document.service.name.clone()).collect();
    if loaded.rejected().is_some() {
        if let Some(others) = &mut loaded.others {
            others.matchers.clear();
            others.defaults.clear();
        }
        return;
    }
    // Documents stand in the order of the text, so one walk counts all lines.
    let (mut counted, mut line) = (0, 1);
    let file = Arc::clone(&loaded.source.name);
    let (mut name_places, mut services) = (Vec::new(), Vec::new());
    for Document { name_at, at, mut service } in documents {
        let between = loaded.source.text.get(counted..at.start).unwrap_or("");
        line += between.bytes().filter(|byte| *byte == b'\n').count();
        counted = at.start;
        let excluded = service.hosts.as_ref().zip(host).and_then(|(hosts, host)| hosts.excludes(host));
        if let Some(why) = excluded {
            loaded.others_mut().elsewhere.push((service.name.clone(), why));
            continue;
        }
        let (file, digest) = (Arc::clone(&file), Arc::clone(&loaded.digest));
        Arc::make_mut(&mut service).origin = Origin { file, line, digest, revision: None };
        name_places.push(name_at);
        services.push(service);
    }
    (loaded.name_places, loaded.services) = (name_places.into(), services.into());
}

fn accept_policies(loaded: &mut LoadedFile, documents: Vec<PolicyDocument>, host: Option<&KnownHost>) {
    if loaded.rejected().is_some() {
        return;
    }
    for mut document in documents {
        let policy = Arc::make_mut(&mut document.policy);
        let excluded = policy.hosts.as_ref().zip(host).and_then(|(hosts, host)| hosts.excludes(host));
        if let Some(why) = excluded {
            loaded.others_mut().policies_elsewhere.push((policy.name.clone(), why));
            continue;
        }
        let (line, _) = loaded.source.position(document.at.start);
        let (file, digest) = (Arc::clone(&loaded.source.name), Arc::clone(&loaded.digest));
        policy.origin = Origin { file, line, digest, revision: None };
        loaded.others_mut().policies.push(document);
    }
}

/// Two digits for each byte, in lower case.
pub fn hex(bytes: &[u8]) -> String {
    let digit = |value: u8| value + if value < 10 { b'0' } else { b'a' - 10 };
    // One piece of memory: collecting would ask for it four times.
    let mut text = Vec::with_capacity(2 * bytes.len());
    text.extend(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]));
    String::from_utf8(text).unwrap_or_default()
}
