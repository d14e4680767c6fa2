//! Values and types of the language. Types of a vocabulary (`file`, `user`, `process`) are named types:
//! the core passes their values around and asks the vocabulary about them.

use std::any::Any;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::shared::Shared;

/// Name of a type that a vocabulary declares.
pub type TypeName = &'static str;

/// A static type.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Type {
    /// true or false
    Bool,
    /// 64-bit signed
    Int,
    /// bytes, normally text
    String,
    /// a path: equality and globs are by components
    Path,
    /// bytes, e.g. `64KiB`
    Size,
    /// e.g. `90s`
    Duration,
    /// e.g. `@2026-01-02T03:04:05Z`
    Time,
    /// e.g. `80%`
    Ratio,
    /// an address
    Ip,
    /// a network
    Cidr,
    /// homogeneous
    List(Shared<Type>),
    /// keyed by strings: `limits["nofile"]`
    Map(Shared<Type>),
    /// a declared enumeration: `state`
    Enum(TypeName),
    /// a declared type: `file`
    Named(TypeName),
}

impl Type {
    /// Lists of this.
    pub fn list(of: Self) -> Self {
        Self::List(of.into())
    }

    /// Maps to this.
    pub fn map(of: Self) -> Self {
        Self::Map(of.into())
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::String => f.write_str("string"),
            Self::Path => f.write_str("path"),
            Self::Size => f.write_str("size"),
            Self::Duration => f.write_str("duration"),
            Self::Time => f.write_str("time"),
            Self::Ratio => f.write_str("percentage"),
            Self::Ip => f.write_str("ip"),
            Self::Cidr => f.write_str("cidr"),
            Self::List(of) => write!(f, "list<{}>", **of),
            Self::Map(of) => write!(f, "map<{}>", **of),
            Self::Enum(name) | Self::Named(name) => f.write_str(name),
        }
    }
}

/// A value at run time.
#[derive(Clone, Debug)]
pub enum Value {
    /// [`Type::Bool`]
    Bool(bool),
    /// [`Type::Int`]
    Int(i64),
    /// [`Type::String`]
    String(Arc<[u8]>),
    /// [`Type::Path`]
    Path(Arc<[u8]>),
    /// [`Type::Size`], bytes
    Size(i64),
    /// [`Type::Duration`], nanoseconds; may be negative after subtraction
    Duration(i64),
    /// [`Type::Time`], nanoseconds since the Unix epoch
    Time(i64),
    /// [`Type::Ratio`], millionths: `80%` is 800 000
    Ratio(i64),
    /// [`Type::Ip`]
    Ip(IpAddr),
    /// [`Type::Cidr`]: address and prefix length
    Cidr(IpAddr, u8),
    /// [`Type::List`]
    List(Arc<[Value]>),
    /// [`Type::Enum`]: the type and the word
    Enum(TypeName, &'static str),
    /// [`Type::Named`]: opaque to the core
    Object(Arc<dyn Object>),
}

/// A value of a vocabulary's own type. The vocabulary recognises it by downcasting.
pub trait Object: Any + fmt::Debug + fmt::Display + Send + Sync {
    /// The declared type.
    fn type_name(&self) -> TypeName;
    /// For downcasting.
    fn as_any(&self) -> &dyn Any;
}

impl Value {
    /// A string from text or bytes.
    pub fn string(text: impl AsRef<[u8]>) -> Self {
        Self::String(Arc::from(text.as_ref()))
    }

    /// A path from text or bytes.
    pub fn path(text: impl AsRef<[u8]>) -> Self {
        Self::Path(Arc::from(text.as_ref()))
    }

    /// A list.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// The object inside, if it is one of type `T`.
    pub fn object<T: 'static>(&self) -> Option<&T> {
        match self {
            Self::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }
}
