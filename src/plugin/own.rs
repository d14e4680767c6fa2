//! The types that a plugin declares itself: enumerations, whose words are ours to check, and types whose values are bytes
//! that only the plugin understands.

use std::fmt;
use std::sync::Arc;

use crate::lang::show;
use crate::lang::value::{Object, Type, TypeName, Value};

/// The types of one plugin.
#[derive(Clone, Debug, Default)]
pub struct Own {
    /// Compared by bare words.
    pub enums: Vec<Enumeration>,
    /// Compared by the plugin.
    pub types: Vec<OwnType>,
}

/// An enumeration of a plugin.
#[derive(Clone, Debug)]
pub struct Enumeration {
    /// With the name of the plugin: `container.runtime`.
    pub name: TypeName,
    /// One line.
    pub summary: String,
    /// The words.
    pub words: Vec<&'static str>,
    /// What others call them, with our word: `("cri-o", "crio")`.
    pub foreign: Vec<(String, String)>,
}

/// A type of a plugin. What it can do is a place in [`super::Manifest::operations`].
#[derive(Clone, Debug)]
pub struct OwnType {
    /// With the name of the plugin: `version.semver`.
    pub name: TypeName,
    /// One line.
    pub summary: String,
    /// Literals of these types stand for a value.
    pub from: Vec<Type>,
    /// Makes a value of a literal; there is one if there is something to convert from.
    pub convert: Option<usize>,
    /// `==`. Without it values are equal if their bytes are.
    pub equal: Option<usize>,
    /// `<`, and with it the other three.
    pub less: Option<usize>,
    /// The text for `like` and `=~`, and for people.
    pub text: Option<usize>,
    /// Literals of different values, in ascending order where there is one; tried while the plugin is loaded.
    pub examples: Vec<Value>,
}

impl Own {
    /// A type of this plugin by its word or whole name.
    pub fn find(&self, plugin: &str, text: &str) -> Option<Type> {
        let is = |name: &str| {
            name == text || name.strip_prefix(plugin).and_then(|n| n.strip_prefix('.')) == Some(text)
        };
        let named = self.enums.iter().find(|one| is(one.name)).map(|one| Type::Enum(one.name));
        named.or_else(|| self.types.iter().find(|one| is(one.name)).map(|one| Type::Named(one.name)))
    }

    /// The names as they are written in a manifest, without that of the plugin.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let all = self.enums.iter().map(|one| one.name).chain(self.types.iter().map(|one| one.name));
        all.map(|name| name.split_once('.').map_or(name, |(_, word)| word))
    }

    /// The words of an enumeration.
    pub fn words(&self, name: &str) -> Option<&[&'static str]> {
        self.enums.iter().find(|one| one.name == name).map(|one| one.words.as_slice())
    }

    /// A type by its whole name.
    pub fn named(&self, name: &str) -> Option<&OwnType> {
        self.types.iter().find(|one| one.name == name)
    }
}

/// A value of a type of a plugin. Nobody but the plugin knows what the bytes mean.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Opaque {
    /// The type.
    pub ty: TypeName,
    /// What the plugin gave.
    pub bytes: Arc<[u8]>,
}

impl fmt::Display for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 64;
        if self.bytes.len() <= SHOWN {
            return write!(f, "{} {}", self.ty, show(&Value::String(Arc::clone(&self.bytes))));
        }
        write!(f, "{} of {} bytes", self.ty, self.bytes.len())
    }
}

impl Object for Opaque {
    fn type_name(&self) -> TypeName {
        self.ty
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

/// A value as a manifest states it: by the literal that it is to be converted from.
#[derive(Clone, Debug)]
pub(super) struct Stated {
    pub(super) ty: TypeName,
    pub(super) literal: Value,
}

impl fmt::Display for Stated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.ty, show(&self.literal))
    }
}

impl Object for Stated {
    fn type_name(&self) -> TypeName {
        self.ty
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}
