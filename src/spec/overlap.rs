//! Two Services of one set that can claim the same process.
//!
//! Where no record says whose a process is, it is recognised by its program, user, arguments and conditions. Two documents
//! that agree in all of them claim the same one, and which of them gets it is chance. Said here is what the documents
//! alone show: nothing is reported where arguments, users, pid files or conditions may tell the two apart.

mod marks;

pub use marks::Marks;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsStr;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use super::file::LoadedFile;
use super::placeholders::substitute_some;
use super::{Service, codes, variables};
use crate::diagnostic::{Diagnostic, Source, Span};
use crate::lang::{Library, Predicate, quote};
use crate::process::expression::{compile_with, schema_of};

/// Device and inode of the file behind a path; `None` if that says nothing about which program it is.
pub type FileIdentity<'a> = &'a dyn Fn(&Path) -> Option<(u64, u64)>;

/// Replicas whose arguments are compared.
const REPLICAS_MAX: u32 = 64;
/// Services that one is compared with; a set with more of them alike has been told already.
const ALIKE_MAX: usize = 32;

/// A Service, and where its name stands.
#[derive(Clone, Copy)]
struct Claim<'a> {
    service: &'a Service,
    source: &'a Arc<Source>,
    at: Span,
    library: &'a Arc<Library>,
}

/// Warnings about all pairs of Services in these files, whose expressions use the library.
pub fn overlaps<'a>(
    files: impl Iterator<Item = &'a LoadedFile>,
    library: &'a Arc<Library>,
    identity: FileIdentity<'_>,
) -> Vec<Diagnostic> {
    let claims: Vec<Claim<'a>> = files
        .flat_map(|file| {
            let services = file.services().iter().zip(&file.name_places);
            services.map(|(service, at)| Claim { service, source: &file.source, at: *at, library })
        })
        .collect();
    let mut found = same_pidfile(&claims);
    if may_share_program(&claims, identity) {
        found.extend(same_program(&claims, identity));
    }
    found.extend(same_condition(&claims));
    found
}

/// What a program is known by: its file, or its path where there is none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Program<'a> {
    File(u64, u64),
    Path(&'a Path),
}

/// What the default rule looks for, but the user.
type Look<'a> = (Program<'a>, Vec<String>);

/// Whether two of them may look for one program with the same arguments: tried by hashes, since hardly ever any two do.
fn may_share_program(claims: &[Claim<'_>], identity: FileIdentity<'_>) -> bool {
    let mut identities: HashMap<&OsStr, Option<(u64, u64)>> = HashMap::new();
    let mut known: HashSet<u64> = HashSet::with_capacity(claims.len());
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    for claim in claims.iter().filter(|claim| claim.service.match_only.is_none()) {
        let service = claim.service;
        let plain = service.replicas <= 1 && !service.args.iter().any(|text| text.contains('$'));
        let filled = if plain { Vec::new() } else { instances(service, &service.args) };
        let filled = filled.iter().chain(plain.then_some(&service.args));
        let words: Vec<u64> = filled.map(|words| hasher.hash_one(words)).collect();
        for path in std::iter::once(&service.startas).chain(&service.becomes) {
            let name = path.as_os_str();
            let file = *identities.entry(name).or_insert_with(|| identity(path));
            let program = hasher.hash_one((file, file.is_none().then_some(name)));
            if words.iter().any(|words| !known.insert(hasher.hash_one((program, words)))) {
                return true;
            }
        }
    }
    false
}

fn same_program<'a>(claims: &[Claim<'a>], identity: FileIdentity<'_>) -> Vec<Diagnostic> {
    let mut known: BTreeMap<Look<'a>, Vec<Claim<'a>>> = BTreeMap::new();
    let mut found = Vec::new();
    // A set has a handful of programs.
    let mut identities: BTreeMap<&Path, Option<(u64, u64)>> = BTreeMap::new();
    for claim in claims.iter().filter(|claim| claim.service.match_only.is_none()) {
        let service = claim.service;
        let mut others: Vec<Claim<'a>> = Vec::new();
        for path in std::iter::once(&service.startas).chain(&service.becomes) {
            let program = match *identities.entry(path).or_insert_with(|| identity(path)) {
                Some((dev, ino)) => Program::File(dev, ino),
                None => Program::Path(path),
            };
            for words in instances(service, &service.args) {
                let alike = known.entry((program.clone(), words)).or_default();
                others.extend(alike.iter().take(ALIKE_MAX));
                alike.push(*claim);
            }
        }
        let other = others
            .into_iter()
            .find(|other| may_meet(other.service, service) && !conditions_exclude(other, claim));
        found.extend(other.map(|other| both_run(&other, claim)));
    }
    found
}

/// The texts of each instance, as far as the document says them.
fn instances(service: &Service, texts: &[String]) -> Vec<Vec<String>> {
    let mut all: Vec<Vec<String>> = (0..service.replicas.min(REPLICAS_MAX))
        .map(|index| {
            let value = |name: &str| match name {
                "index" => Some(index.to_string()),
                "name" => Some(service.name.to_string()),
                _ => None,
            };
            texts.iter().map(|text| substitute_some(text, value)).collect()
        })
        .collect();
    all.dedup();
    all
}

/// Two objects of one user, and not each with a pid file of its own, which says whose a process is. Names and numbers of
/// users are not looked up: `root` and `0` count as two, which reports less.
fn may_meet(a: &Service, b: &Service) -> bool {
    let own_files = matches!((&a.pidfile, &b.pidfile), (Some(a), Some(b)) if a != b);
    a.name != b.name && a.user == b.user && !own_files
}

fn conditions_exclude(a: &Claim<'_>, b: &Claim<'_>) -> bool {
    let condition = |claim: &Claim<'_>| claim.predicate(&claim.service.narrow.as_ref()?.text);
    let schema = schema_of(a.library);
    match (condition(a), condition(b)) {
        (Some(a), Some(b)) => a.excludes(&b, schema),
        _ => false,
    }
}

fn both_run(first: &Claim<'_>, second: &Claim<'_>) -> Diagnostic {
    let (a, b) = (&first.service.startas, &second.service.startas);
    let none = second.service.args.is_empty();
    let arguments = if none { "without arguments" } else { "with the same arguments" };
    let what = format!("both run `{}` {arguments}", b.display());
    let diagnostic = claimed(first, second, &what)
        .help("give them different `args` or `user`, or a `match` each that tells them apart");
    if a == b {
        return diagnostic;
    }
    diagnostic.note(format!("`{}` and `{}` are one program", a.display(), b.display()))
}

fn claimed(first: &Claim<'_>, second: &Claim<'_>, why: &str) -> Diagnostic {
    let (a, b) = (&first.service.name, &second.service.name);
    let message = format!("`{a}` and `{b}` can claim the same process: {why}");
    Diagnostic::warning(codes::OVERLAP, message).in_source(second.source).at(second.at, "this one").at_other(
        first.source,
        first.at,
        "and this one",
    )
}

/// `matchOnly` of one is true wherever the other finds its process.
fn same_condition(claims: &[Claim<'_>]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    // Each is compared with many others, and compiled once.
    let mut compiled: HashMap<usize, Option<Rc<Predicate>>> = HashMap::new();
    let mut whole = |at: usize, claim: &Claim<'_>| {
        compiled.entry(at).or_insert_with(|| claim.whole().map(Rc::new)).clone()
    };
    let all = || claims.iter().enumerate();
    for (at, claim) in all().filter(|(_, claim)| claim.service.match_only.is_some()).take(ALIKE_MAX) {
        let Some(own) = whole(at, claim) else { continue };
        let mut others = all().take(ALIKE_MAX * ALIKE_MAX);
        let other = others.find(|(at, other)| {
            // Of two with `matchOnly` the later one says it.
            (other.service.match_only.is_none() || other.stands_before(claim))
                && may_meet(other.service, claim.service)
                && whole(*at, other).is_some_and(|theirs| alike(&theirs, &own, other))
        });
        let why = "whatever is one of them satisfies `matchOnly` of the other";
        found.extend(other.map(|(_, other)| {
            claimed(other, claim, why).help("add a condition to `matchOnly` that only one of them satisfies")
        }));
    }
    found
}

impl Claim<'_> {
    /// An expression with the values of its document.
    fn predicate(&self, text: &str) -> Option<Predicate> {
        let variables = variables(self.service);
        let types: BTreeMap<_, _> =
            variables.iter().map(|(name, (ty, _))| (name.clone(), ty.clone())).collect();
        let values = variables.into_iter().map(|(name, (_, value))| (name, value)).collect();
        Some(compile_with(text, types, self.library).predicate?.with_values(&values))
    }

    /// All that the document asks of a process of this Service.
    fn whole(&self) -> Option<Predicate> {
        let service = self.service;
        if let Some(only) = &*service.match_only {
            return self.predicate(&only.text);
        }
        let startas = quote(service.startas.as_os_str().as_bytes());
        let text = match &service.narrow {
            Some(narrow) => format!("runs({startas}) && ({}\n)", narrow.text),
            None => format!("runs({startas})"),
        };
        self.predicate(&text)
    }

    fn stands_before(&self, other: &Self) -> bool {
        (&self.source.name, self.at) < (&other.source.name, other.at)
    }
}

fn alike(theirs: &Predicate, own: &Predicate, other: &Claim<'_>) -> bool {
    let schema = schema_of(other.library);
    theirs.implies(own, schema) || (other.service.match_only.is_some() && own.implies(theirs, schema))
}

fn same_pidfile(claims: &[Claim<'_>]) -> Vec<Diagnostic> {
    let mut known: BTreeMap<String, Claim<'_>> = BTreeMap::new();
    let mut found = Vec::new();
    for claim in claims {
        let Some(pidfile) = &claim.service.pidfile else { continue };
        for path in instances(claim.service, std::slice::from_ref(pidfile)).into_iter().flatten() {
            match known.get(&path) {
                Some(other) if other.service.name != claim.service.name => {
                    found.push(one_pidfile(other, claim, &path));
                    break;
                }
                Some(_) => {}
                None => {
                    known.insert(path, *claim);
                }
            }
        }
    }
    found
}

fn one_pidfile(first: &Claim<'_>, second: &Claim<'_>, path: &str) -> Diagnostic {
    let (a, b) = (&first.service.name, &second.service.name);
    Diagnostic::warning(codes::SAME_PIDFILE, format!("`{a}` and `{b}` have the same pid file `{path}`"))
        .in_source(second.source)
        .at(second.at, "this one")
        .at_other(first.source, first.at, "and this one")
        .help("give each a file of its own, for example `/run/${name}.pid`")
}
