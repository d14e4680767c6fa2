//! A vocabulary of things with owners and documents, whose facts are stated by the test.

use std::any::Any;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source, Span};
use crate::facts::{Fact, Reason, Why};
use crate::lang::ast::{self, Expr, Literal};
use crate::lang::library::{Draft, NamedList, Parameter, Written, build};
use crate::lang::schema::{
    Declarations, EnumDecl, FieldDecl, FunctionDecl, Operation, OperatorDecl, ParamDecl, Privilege, Trust,
    TypeDecl, Vocabulary,
};
use crate::lang::value::{Object, Type, TypeName, Value};
use crate::lang::{Library, Schema, Scope, parse};

/// The candidate: facts by field name. What is not stated is absent.
#[derive(Clone, Debug, Default)]
pub(super) struct Thing(pub(super) BTreeMap<String, Fact<Value>>);

/// Somebody, by number.
#[derive(Clone, Debug)]
struct Who(i64);

/// A document, by path.
#[derive(Clone, Debug)]
struct Doc(Vec<u8>);

/// A pair of limits.
#[derive(Clone, Debug)]
struct Limit(i64);

macro_rules! object {
    ($ty:ty, $name:literal, $self:ident => $shown:expr) => {
        impl Object for $ty {
            fn type_name(&self) -> TypeName {
                $name
            }
            fn as_any(&self) -> &dyn Any {
                self
            }
        }
        impl fmt::Display for $ty {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let $self = self;
                f.write_str(&$shown)
            }
        }
    };
}
object!(Thing, "thing", this => format!("thing with {} facts", this.0.len()));
object!(Who, "who", this => NAMES.iter().find(|(_, id)| *id == this.0).map_or(this.0.to_string(), |(n, _)| (*n).to_owned()));
object!(Doc, "doc", this => String::from_utf8_lossy(&this.0));
object!(Limit, "limit", this => this.0.to_string());

const NAMES: [(&str, i64); 3] = [("root", 0), ("www-data", 33), ("ann", 1000)];

fn list(of: Type) -> Type {
    Type::list(of)
}

fn map(of: Type) -> Type {
    Type::map(of)
}

fn fields() -> Vec<(TypeName, &'static str, Type, u8, Trust)> {
    use Trust::{Kernel, SelfReported};
    vec![
        ("thing", "name", Type::String, 3, SelfReported),
        ("thing", "title", Type::String, 3, SelfReported),
        ("thing", "owner", Type::Named("who"), 1, Kernel),
        ("thing", "rowner", Type::Named("who"), 4, Kernel),
        ("thing", "members", list(Type::Named("who")), 4, Kernel),
        ("thing", "home", Type::Named("doc"), 2, Kernel),
        ("thing", "docs", list(Type::Named("doc")), 6, Kernel),
        ("thing", "place", Type::Path, 2, Kernel),
        ("thing", "group", Type::Path, 4, Kernel),
        ("thing", "group[]", map(Type::Path), 4, Kernel),
        ("thing", "size", Type::Size, 4, Kernel),
        ("thing", "age", Type::Duration, 4, Kernel),
        ("thing", "born", Type::Time, 4, Kernel),
        ("thing", "load", Type::Ratio, 4, Kernel),
        ("thing", "count_of", Type::Int, 0, Kernel),
        ("thing", "nice", Type::Int, 4, Kernel),
        ("thing", "slow", Type::Int, 6, Kernel),
        ("thing", "live", Type::Bool, 4, Kernel),
        ("thing", "state", Type::Enum("state"), 4, Kernel),
        ("thing", "caps.eff", list(Type::Enum("power")), 4, Kernel),
        ("thing", "caps.bnd", list(Type::Enum("power")), 4, Kernel),
        ("thing", "tags", list(Type::String), 3, SelfReported),
        ("thing", "ports", list(Type::Int), 6, Kernel),
        ("thing", "ip", Type::Ip, 4, Kernel),
        ("thing", "env", map(Type::String), 3, SelfReported),
        ("thing", "limits", map(Type::Named("limit")), 4, Kernel),
        ("thing", "parent", Type::Named("thing"), 4, Kernel),
        ("thing", "ancestors", list(Type::Named("thing")), 4, Kernel),
        ("limit", "soft", Type::Int, 0, Kernel),
        ("limit", "hard", Type::Int, 0, Kernel),
        ("doc", "path", Type::Path, 0, Kernel),
        ("doc", "owner", Type::Named("who"), 2, Kernel),
    ]
}

fn function(name: &'static str, params: &[(&'static str, Type)], result: Type, cost: u8) -> FunctionDecl {
    let params =
        params.iter().map(|(name, ty)| ParamDecl { name: (*name).into(), ty: ty.clone(), default: None });
    FunctionDecl {
        name: name.into(),
        params: params.collect(),
        result,
        cost,
        pure: false,
        trust: None,
        summary: "a function".into(),
        example: "live".into(),
    }
}

fn functions() -> Vec<FunctionDecl> {
    let mut lock = function("lock", &[("path", Type::Path)], Type::Bool, 3);
    lock.params.to_mut().push(ParamDecl {
        name: "held".into(),
        ty: Type::Bool,
        default: Some(Value::Bool(false)),
    });
    vec![
        lock,
        function("doc", &[("path", Type::Path)], Type::Named("doc"), 2),
        function("arg", &[("name", Type::String)], Type::String, 3),
        function("is", &[("state", Type::Enum("state"))], Type::Bool, 1),
        function("belongs", &[("who", Type::Named("who"))], Type::Bool, 1),
        function("now", &[], Type::Time, 0),
    ]
}

/// All that the toy declares.
pub(super) fn declarations() -> Declarations {
    let op = |left: Type, operation, right: Type| OperatorDecl { left, operation, right, cost: 1 };
    let (who, doc) = (Type::Named("who"), Type::Named("doc"));
    let named = |name: &'static str, from: &[Type]| TypeDecl {
        name,
        summary: "a type".into(),
        from: from.to_vec().into(),
        bounds: (name == "who").then_some((0, 65_535)),
    };
    let enumeration = |name, words: &[&'static str]| EnumDecl {
        name,
        summary: "words".into(),
        words: words.to_vec().into(),
    };
    Declarations {
        origin: None,
        types: vec![
            named("thing", &[]),
            named("who", &[Type::String, Type::Int]),
            named("doc", &[]),
            named("limit", &[]),
        ]
        .into(),
        enums: vec![
            enumeration("state", &["running", "sleeping", "stopped"]),
            enumeration("power", &["CAP_CHOWN", "CAP_KILL", "CAP_NET_ADMIN"]),
        ]
        .into(),
        fields: fields()
            .into_iter()
            .map(|(owner, name, ty, cost, trust)| FieldDecl {
                owner,
                name: name.into(),
                bounds: match name {
                    "count_of" => Some((0, 1_000)),
                    "size" => Some((0, i64::MAX)),
                    _ => None,
                },
                ty,
                cost,
                privilege: Privilege::World,
                trust,
                summary: "a field".into(),
                source: "the test".into(),
                example: "live".into(),
            })
            .map(Into::into)
            .collect(),
        functions: functions().into_iter().map(Into::into).collect(),
        operators: vec![
            op(who.clone(), Operation::Equal, who.clone()),
            op(who, Operation::Less, Type::Int),
            op(doc.clone(), Operation::Equal, doc.clone()),
            op(doc.clone(), Operation::Equal, Type::Path),
            op(doc.clone(), Operation::Under, Type::Path),
            op(doc, Operation::Text, Type::Path),
        ]
        .into(),
        foreign: [("proc.name", "name"), ("user", "owner"), ("cmdline", "title"), ("basepath", "basename")]
            .map(|(theirs, ours)| (theirs.into(), ours.into()))
            .to_vec()
            .into(),
    }
}

/// A schema with the toy alone.
pub(super) fn schema() -> Schema {
    let mut schema = Schema::new("thing");
    schema.add(declarations());
    schema
}

/// Variables and lists of the tests.
pub(super) fn scope() -> Scope {
    let variables = [
        ("startas", Type::Path),
        ("args", list(Type::String)),
        ("port", Type::Int),
        ("spec.user", Type::String),
        ("spec.name", Type::String),
    ];
    let lists = [
        ("admins", (Type::Named("who"), vec![Value::string("root"), Value::Int(1000)])),
        ("names", (Type::String, "abcdefghij".chars().map(|c| Value::string(c.to_string())).collect())),
        (
            "nets",
            (
                Type::Cidr,
                vec![Value::Cidr([10, 0, 0, 0].into(), 8), Value::Cidr([192, 168, 0, 0].into(), 16)],
            ),
        ),
        ("web.patterns", (Type::String, vec![Value::string("^a.*z$"), Value::string("foo")])),
    ];
    let mut library = Library::default();
    for (name, (element, values)) in lists {
        let source = Source::new("lists", "");
        library.add_list(NamedList { name: name.into(), element, values, source, name_at: Span::default() });
    }
    let variables: BTreeMap<_, _> = variables.into_iter().map(|(name, ty)| (name.to_owned(), ty)).collect();
    Scope::new(variables, &Arc::new(library))
}

/// The same scope with these definitions in its library, a line each: `web.x(port: int) = port == 80`.
pub(super) fn scope_with(lines: &[&str]) -> (Scope, Vec<(String, Diagnostic)>) {
    let mut scope = scope();
    let built = build((*scope.library).clone(), lines.iter().map(|line| draft(line)).collect(), &schema());
    scope.library = Arc::new(built.library);
    (scope, built.diagnostics)
}

fn draft(line: &str) -> Draft {
    let (head, text) = line.split_once(" = ").unwrap();
    let (name, params) = head.split_once('(').unwrap_or((head, ")"));
    let params = params.trim_end_matches(')').split(", ").filter(|param| !param.is_empty()).map(|param| {
        let (name, ty) = param.split_once(": ").unwrap();
        let ty = Type::parse(ty, &schema()).unwrap();
        Parameter { name: name.into(), ty, at: Span::default() }
    });
    let params = params.collect();
    let written = Arc::new(Written::alone(name, &Source::new(name, text)));
    Draft { params, written, name_at: Span::default() }
}

/// Values of the variables; `spec.name` has none.
pub(super) fn bindings() -> BTreeMap<String, Value> {
    [
        ("startas", Value::path("/srv/app")),
        ("args", Value::list([Value::string("-v"), Value::string("--port=80")])),
        ("port", Value::Int(80)),
        ("spec.user", Value::string("www-data")),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect()
}

/// Answers from the facts in the values themselves.
#[derive(Default)]
pub(super) struct Toy {
    declarations: Declarations,
    /// What was asked, in order.
    pub(super) asked: RefCell<Vec<String>>,
}

impl Toy {
    pub(super) fn new() -> Self {
        Self { declarations: declarations(), asked: RefCell::default() }
    }

    fn fact(&self, owner: &Value, name: &str) -> Fact<Value> {
        self.asked.borrow_mut().push(name.to_owned());
        if let Some(thing) = owner.object::<Thing>() {
            return thing.0.get(name).cloned().unwrap_or(Fact::Absent);
        }
        match (owner.object::<Doc>(), owner.object::<Limit>(), name) {
            (Some(doc), _, "path") => Fact::Known(Value::path(&doc.0)),
            (Some(_), _, "owner") => Fact::Known(who(33)),
            (_, Some(limit), "soft") => Fact::Known(Value::Int(limit.0)),
            (_, Some(limit), "hard") => Fact::Known(Value::Int(limit.0 * 2)),
            _ => Fact::Absent,
        }
    }
}

/// The number of a `who`.
pub(super) fn number_of(value: &Value) -> Option<i64> {
    value.object::<Who>().map(|who| who.0)
}

fn who(id: i64) -> Value {
    Value::Object(Arc::new(Who(id)))
}

impl Vocabulary for Toy {
    fn field(&self, owner: &Value, field: usize) -> Fact<Value> {
        self.fact(owner, &self.declarations.fields[field].name)
    }

    fn entry(&self, owner: &Value, field: usize, key: &[u8]) -> Fact<Value> {
        let name = self.declarations.fields[field].name.trim_end_matches("[]");
        self.fact(owner, &format!("{name}.{}", String::from_utf8_lossy(key)))
    }

    fn call(&self, candidate: &Value, function: usize, arguments: &[Value]) -> Fact<Value> {
        let name = &self.declarations.functions[function].name;
        match (name.as_ref(), arguments) {
            ("doc", [Value::Path(path)]) if path.starts_with(b"/none") => Fact::Absent,
            ("doc", [Value::Path(path)]) if path.starts_with(b"/secret") => {
                Fact::Unknown(Reason::new(Why::Denied, "/secret"))
            }
            ("doc", [Value::Path(path)]) => Fact::Known(Value::Object(Arc::new(Doc(path.to_vec())))),
            ("lock", [Value::Path(_), Value::Bool(held)]) => Fact::Known(Value::Bool(*held)),
            ("is", [state]) => self
                .fact(candidate, "state")
                .map(|found| Value::Bool(format!("{found:?}") == format!("{state:?}"))),
            ("belongs", [who]) => self
                .fact(candidate, "owner")
                .map(|found| Value::Bool(format!("{found:?}") == format!("{who:?}"))),
            ("arg", [Value::String(name)]) => {
                self.fact(candidate, &format!("arg.{}", String::from_utf8_lossy(name)))
            }
            ("now", []) => Fact::Known(Value::Time(0)),
            other => panic!("called {other:?}"),
        }
    }

    fn compare(&self, _: &Value, operation: Operation, left: &Value, right: &Value) -> Fact<bool> {
        if let (Some(left), operation) = (left.object::<Who>(), operation) {
            return Fact::Known(match (operation, right, right.object::<Who>()) {
                (Operation::Equal, _, Some(right)) => left.0 == right.0,
                (Operation::Equal, Value::Int(right), _) => left.0 == *right,
                (Operation::Less, Value::Int(right), _) => left.0 < *right,
                other => panic!("compared {other:?}"),
            });
        }
        let doc = left.object::<Doc>().expect("declared for documents");
        Fact::Known(match (operation, right, right.object::<Doc>()) {
            (Operation::Equal, Value::Path(path), _) => doc.0 == **path,
            (Operation::Equal, _, Some(right)) => doc.0 == right.0,
            (Operation::Under, Value::Path(path), _) => doc.0.starts_with(path),
            other => panic!("compared {other:?}"),
        })
    }

    fn convert(&self, literal: &Value, to: TypeName) -> Fact<Value> {
        assert_eq!(to, "who");
        match literal {
            Value::Int(id) => Fact::Known(who(*id)),
            Value::String(name) if **name == *b"broken" => Fact::unknown(Why::Nss),
            Value::String(name) => {
                let found = NAMES.iter().find(|(known, _)| known.as_bytes() == &**name);
                Fact::from_option(found.map(|(_, id)| who(*id)))
            }
            other => panic!("converted {other:?}"),
        }
    }

    fn text(&self, value: &Value) -> Fact<Value> {
        Fact::from_option(value.object::<Doc>().map(|doc| Value::path(&doc.0)))
    }

    fn take_notes(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A candidate from lines such as `name = "web"`, `home = /srv/x`, `size = absent`, `tags = denied`.
pub(super) fn thing(facts: &str) -> Value {
    let mut thing = Thing::default();
    for line in facts.split(';').map(str::trim).filter(|line| !line.is_empty()) {
        let (name, value) = line.split_once(" = ").unwrap_or_else(|| panic!("`{line}` is no fact"));
        thing.0.insert(name.to_owned(), fact(name, value));
    }
    Value::Object(Arc::new(thing))
}

fn fact(name: &str, text: &str) -> Fact<Value> {
    if text == "absent" {
        return Fact::Absent;
    }
    if let Some(why) = Why::ALL.into_iter().find(|why| why.word() == text) {
        return Fact::unknown(why);
    }
    let parsed = parse(text).expr.unwrap_or_else(|| panic!("`{text}` is no value"));
    Fact::Known(value(name, &parsed))
}

/// A literal, as the type of the field wants it.
fn value(field: &str, expr: &Expr) -> Value {
    let literal = match &expr.kind {
        ast::Kind::List(items) => return Value::list(items.iter().map(|item| value(field, item))),
        ast::Kind::Name(words) => {
            let word = ast::dotted(words);
            let decls = declarations();
            let mut found = decls.enums.iter().flat_map(|e| e.words.iter().map(|word| (e.name, *word)));
            let (name, word) = found.find(|(_, known)| *known == word).expect("a word of an enumeration");
            return Value::Enum(name, word);
        }
        ast::Kind::Call { function, arguments } => {
            assert_eq!(ast::dotted(function), "thing");
            let facts: Vec<String> = arguments
                .iter()
                .map(|a| format!("{} = {}", a.name.as_ref().expect("named").text, a.value))
                .collect();
            return thing(&facts.join("; "));
        }
        ast::Kind::Literal(literal) => literal,
        other => panic!("{other:?} is no value"),
    };
    match literal {
        Literal::Bool(value) => Value::Bool(*value),
        Literal::Int(id, _) if matches!(field, "owner" | "rowner" | "members") => who(*id),
        Literal::Int(soft, _) if field.starts_with("limits.") => Value::Object(Arc::new(Limit(*soft))),
        Literal::Int(value, _) => Value::Int(*value),
        Literal::String(bytes, _) if matches!(field, "home" | "docs") => {
            Value::Object(Arc::new(Doc(bytes.clone())))
        }
        Literal::String(bytes, _) if matches!(field, "place" | "group") || field.starts_with("group.") => {
            Value::path(bytes)
        }
        Literal::String(bytes, _) => Value::string(bytes),
        Literal::Size(value, _) => Value::Size(*value),
        Literal::Duration(value, _) => Value::Duration(*value),
        Literal::Time(value, _) => Value::Time(*value),
        Literal::Ratio(value, _) => Value::Ratio(*value),
        Literal::Ip(address) => Value::Ip(*address),
        Literal::Cidr(address, length) => Value::Cidr(*address, *length),
    }
}
