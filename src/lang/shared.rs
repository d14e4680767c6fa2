//! A part of a declaration: of the program itself, or counted, as those of plugins are, which come and go.

use std::ops::Deref;
use std::sync::Arc;

/// Either way it is cheap to copy; one of the program costs nothing to make, so that a start pays for no declaration that
/// isn't asked for.
#[derive(Debug)]
pub enum Shared<T: 'static> {
    /// It is part of the program.
    Program(&'static T),
    /// It lasts as long as somebody has it.
    Counted(Arc<T>),
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Program(of) => of,
            Self::Counted(of) => of,
        }
    }
}

impl<T> From<T> for Shared<T> {
    fn from(of: T) -> Self {
        Self::Counted(Arc::new(of))
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        match self {
            Self::Program(of) => Self::Program(of),
            Self::Counted(of) => Self::Counted(Arc::clone(of)),
        }
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Shared<T> {}

impl<T: std::hash::Hash> std::hash::Hash for Shared<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}
