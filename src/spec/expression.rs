//! Match expressions in documents: what they can name, and errors with a caret inside the document.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use crate::diagnostic::{Diagnostic, Span};
use crate::lang::value::{Type, Value as LangValue};
use crate::lang::{Library, Predicate, codes as lang_codes};
use crate::process::expression::{check_in_policy, schema_of};
use crate::yaml::{Scalar, Style};

use super::decode::{Decoder, Value};
use super::{Account, Expression, Names, Service, codes, host_facts};

/// An expression to be checked.
#[derive(Debug)]
pub struct ExpressionRequest<'a> {
    /// Its text.
    pub text: &'a str,
    /// The variables of the document.
    pub variables: Arc<BTreeMap<String, Type>>,
    /// It replaces the look of the default identity rule (`matchOnly`), so that weak identity is an error.
    pub replaces: bool,
    /// The named matchers and lists of all good files.
    pub library: &'a Arc<Library>,
}

/// The variables that expressions in the document of a Service can use, with their values: `startas`, `args`,
/// `pidfile`, and `spec.` with the name of a field. `args` and `pidfile` are as written, placeholders in them
/// included; whoever looks for one instance puts its own values in their place.
pub fn variables(service: &Service) -> BTreeMap<String, (Type, LangValue)> {
    let mut variables = BTreeMap::new();
    each_variable(service, &mut |name, of, value| {
        variables.insert(name.to_owned(), (of, value()));
    });
    variables
}

/// The same without the values, which nobody needs who checks: those of all documents of one shape.
fn types(service: &Service) -> Arc<BTreeMap<String, Type>> {
    static OF_SHAPES: [OnceLock<Arc<BTreeMap<String, Type>>>; Shape::ALL] =
        [const { OnceLock::new() }; Shape::ALL];
    let make = || {
        let mut types = BTreeMap::new();
        each_variable(service, &mut |name, of, _| {
            types.insert(name.to_owned(), of);
        });
        Arc::new(types)
    };
    OF_SHAPES
        .get(usize::from(Shape::of(service).0))
        .map_or_else(make, |known| Arc::clone(known.get_or_init(make)))
}

/// Is given the name, the type and who makes the value, which most don't need.
type Put<'a> = dyn FnMut(&'static str, Type, &dyn Fn() -> LangValue) + 'a;

fn each_variable(service: &Service, put: &mut Put<'_>) {
    use std::os::unix::ffi::OsStrExt;
    let mut path = |name, path: &Path| {
        put(name, Type::Path, &|| LangValue::path(path.as_os_str().as_bytes()));
    };
    path("startas", &service.startas);
    path("spec.startas", &service.startas);
    path("spec.workingDirectory", &service.working_directory);
    if let Some(pidfile) = &service.pidfile {
        path("pidfile", pidfile.as_ref());
        path("spec.pidfile", pidfile.as_ref());
    }
    if let Some(becomes) = &service.becomes {
        path("spec.becomes", becomes);
    }
    let args = || LangValue::list(service.args.iter().map(LangValue::string));
    put("args", Type::list(Type::String), &args);
    put("spec.args", Type::list(Type::String), &args);
    put("spec.name", Type::String, &|| LangValue::string(service.name.as_str()));
    put("spec.replicas", Type::Int, &|| LangValue::Int(i64::from(service.replicas)));
    put("spec.umask", Type::Int, &|| LangValue::Int(i64::from(service.umask)));
    for (name, account) in [("spec.user", &service.user), ("spec.group", &service.group)] {
        match account {
            Some(Account::Name(account)) => put(name, Type::String, &|| LangValue::string(account)),
            Some(Account::Id(id)) => put(name, Type::Int, &|| LangValue::Int(i64::from(*id))),
            None => {}
        }
    }
}

/// What tells the variables of one document from those of others: which of those it binds that not all do, and of what type
/// its accounts are. Documents of one shape bind the same names with the same types.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Shape(u8);

impl Shape {
    /// How many there are.
    const ALL: usize = 1 << 6;
    const NAME: u8 = 1;
    const ID: u8 = 2;

    fn new(pidfile: bool, becomes: bool, user: u8, group: u8) -> Self {
        Self(u8::from(pidfile) | u8::from(becomes) << 1 | user << 2 | group << 4)
    }

    /// Of a document.
    pub fn of(service: &Service) -> Self {
        let account = |account: &Option<Account>| match account {
            None => 0,
            Some(Account::Name(_)) => Self::NAME,
            Some(Account::Id(_)) => Self::ID,
        };
        let (user, group) = (account(&service.user), account(&service.group));
        Self::new(service.pidfile.is_some(), service.becomes.is_some(), user, group)
    }

    /// Of the types of its variables.
    pub fn of_types(types: &BTreeMap<String, Type>) -> Self {
        let account = |name: &str| match types.get(name) {
            None => 0,
            Some(Type::Int) => Self::ID,
            Some(_) => Self::NAME,
        };
        let has = |name: &str| types.contains_key(name);
        Self::new(has("pidfile"), has("spec.becomes"), account("spec.user"), account("spec.group"))
    }

    /// A letter for each.
    pub fn letter(self) -> char {
        char::from(b'0' + self.0)
    }
}

/// What an expression in the document of a Service is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Purpose {
    /// Asked of any process: a condition on the host.
    OfAny,
    /// Stands in for it.
    Replaces,
    /// Asked of processes that the object has, or that run its program (it narrows the default identity rule): what it
    /// costs isn't paid for every process of the host.
    OfOwn,
}

/// Reads an expression and has it checked.
pub(super) fn expression(
    value: &Value<'_>,
    purpose: Purpose,
    service: &Service,
    d: &mut Decoder<'_>,
) -> Option<Expression> {
    let scalar = value.scalar("an expression", d)?;
    let text = sound_text(value, scalar, d)?;
    let variables = types(service);
    let names = d.names.clone();
    let library = &names.library;
    let replaces = purpose == Purpose::Replaces;
    let request = ExpressionRequest { text, variables, replaces, library };
    let mut found = (d.context.compile)(&request);
    found.retain(|said| purpose != Purpose::OfOwn || said.code != lang_codes::UNGUARDED);
    let good = !found.iter().any(Diagnostic::is_error);
    say_all(found, value, scalar, d);
    good.then(|| accepted(text, &request.variables, &names))
}

/// Reads a condition over any process: that of a Policy, which has no names of its own.
pub(super) fn condition(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<(Expression, Predicate)> {
    let scalar = value.scalar("an expression", d)?;
    let text = sound_text(value, scalar, d)?;
    let names = d.names.clone();
    let compiled = check_in_policy(text, &names.library);
    say_all(compiled.diagnostics, value, scalar, d);
    Some((accepted(text, &BTreeMap::new(), &names), compiled.predicate?))
}

/// Reads a condition on the facts of a host.
pub(super) fn host_condition(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<String> {
    let scalar = value.scalar("an expression", d)?;
    let text = sound_text(value, scalar, d)?;
    let found = host_facts::said(text);
    let good = !found.iter().any(Diagnostic::is_error);
    say_all(found, value, scalar, d);
    good.then(|| text.to_owned())
}

fn say_all(found: Vec<Diagnostic>, value: &Value<'_>, scalar: &Scalar, d: &mut Decoder<'_>) {
    for diagnostic in found {
        d.say(
            diagnostic
                .map_spans(|span| within(scalar.source_span(span), scalar.span))
                .note(format!("in `{}`", value.path())),
        );
    }
}

/// With all that the expression means beyond its text, so that it still means that when a definition or a plugin has
/// changed.
fn accepted(text: &str, variables: &BTreeMap<String, Type>, names: &Names) -> Expression {
    let library = &names.library;
    if library.is_empty() && names.plugins.is_empty() {
        return Expression::new(text);
    }
    let own = |word: &str| variables.keys().any(|name| name.split('.').next() == Some(word));
    let used = library.closure(library.used_by(text, None, schema_of(library), &own));
    let plugins = library.plugins_of(text, &used).into_iter().filter_map(|name| {
        let record = names.plugins.get(&name)?.record();
        Some((name, record))
    });
    Expression { plugins: plugins.collect(), definitions: library.record(used).into(), text: text.to_owned() }
}

/// The text of an expression, unless YAML took a part of it.
pub(super) fn sound_text<'n>(value: &Value<'_>, scalar: &'n Scalar, d: &mut Decoder<'_>) -> Option<&'n str> {
    if let Some(comment) = scalar.comment {
        d.say(
            Diagnostic::error(codes::CUT_EXPRESSION, format!("a comment ends `{}` here", value.path()))
                .at(comment, "not part of the expression")
                .help("if it belongs to the expression put all of that in single quotes, else move it to a line of its own"),
        );
        return None;
    }
    let text = scalar.text.trim_end();
    if is_cut_by_comma(text, scalar, d) {
        let behind = Span::new(scalar.span.end, scalar.span.end + 1);
        d.say(
            Diagnostic::error(codes::CUT_EXPRESSION, format!("a comma ends `{}` here", value.path()))
                .at(behind, "not part of the expression")
                .help("put the whole expression in single quotes: a comma parts the entries of `{...}` and `[...]`"),
        );
        return None;
    }
    if text.is_empty() {
        let diagnostic =
            value.wrong(codes::CUT_EXPRESSION, format!("`{}` is an empty expression", value.path()));
        d.say(diagnostic.help("leave it out"));
        return None;
    }
    Some(text)
}

/// `{expr: any(argv, a => a == "x")}`: YAML takes the comma of the call for one between its entries.
fn is_cut_by_comma(text: &str, scalar: &Scalar, d: &Decoder<'_>) -> bool {
    let behind = d.source.text.get(scalar.span.end..).unwrap_or_default();
    if scalar.style != Style::Plain || !behind.starts_with(',') {
        return false;
    }
    let (mut open, mut quoted, mut escaped) = (0_i32, false, false);
    for c in text.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' if !quoted => open += 1,
            ')' | ']' if !quoted => open -= 1,
            _ => {}
        }
    }
    open > 0 || quoted
}

/// A place for a position behind the text: a caret belongs to the scalar, not to what follows it.
fn within(span: Span, whole: Span) -> Span {
    Span::new(span.start.min(whole.end), span.end.min(whole.end))
}
