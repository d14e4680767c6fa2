//! Values that are nearly always the usual one: a pointer, and nothing behind it, for those. A thousand documents that leave a
//! field out share one value of it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::{Deref, DerefMut};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What a value is where nobody says anything else.
pub trait Usual: Default + PartialEq + 'static {
    /// One of it, for all.
    fn usual() -> &'static Self;
}

/// A value that takes room only where it isn't the usual one. It is read, compared and written like the value itself.
#[derive(Clone)]
pub struct Rare<T>(Option<Box<T>>);

impl<T> Rare<T> {
    /// It takes no room, so it is the usual value. One that does may have become it since.
    pub fn is_usual(&self) -> bool {
        self.0.is_none()
    }
}

impl<T: PartialEq + 'static> Usual for Vec<T> {
    fn usual() -> &'static Self {
        const { &Self::new() }
    }
}

impl Usual for String {
    fn usual() -> &'static Self {
        const { &Self::new() }
    }
}

impl<K: PartialEq + 'static, V: PartialEq + 'static> Usual for BTreeMap<K, V> {
    fn usual() -> &'static Self {
        const { &Self::new() }
    }
}

/// Says of types that they have a usual value: their default.
#[macro_export]
macro_rules! usual {
    ($($name:ty),* $(,)?) => {$(
        impl $crate::spec::Usual for $name {
            fn usual() -> &'static Self {
                static USUAL: std::sync::LazyLock<$name> = std::sync::LazyLock::new(Default::default);
                &USUAL
            }
        }
    )*};
}

impl<T: Usual> Deref for Rare<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(own) => own,
            None => T::usual(),
        }
    }
}

impl<T: Usual> DerefMut for Rare<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.0.get_or_insert_default()
    }
}

impl<T: Usual> From<T> for Rare<T> {
    fn from(value: T) -> Self {
        Self((value != *T::usual()).then(|| Box::new(value)))
    }
}

#[allow(clippy::into_iter_without_iter, reason = "it has that of the value")]
impl<'a, T: Usual> IntoIterator for &'a Rare<T>
where
    &'a T: IntoIterator,
{
    type Item = <&'a T as IntoIterator>::Item;
    type IntoIter = <&'a T as IntoIterator>::IntoIter;

    fn into_iter(self) -> Self::IntoIter {
        (&**self).into_iter()
    }
}

impl<A, T: Usual + FromIterator<A>> FromIterator<A> for Rare<T> {
    fn from_iter<I: IntoIterator<Item = A>>(values: I) -> Self {
        T::from_iter(values).into()
    }
}

impl<T> Default for Rare<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Usual> PartialEq for Rare<T> {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(_), _) | (_, Some(_)) => **self == **other,
        }
    }
}

impl<T: Usual + Eq> Eq for Rare<T> {}

impl<T: Usual + fmt::Debug> fmt::Debug for Rare<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Usual + Serialize> Serialize for Rare<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl<'de, T: Usual + Deserialize<'de>> Deserialize<'de> for Rare<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::spec::{Hooks, Restart, RestartPolicy};

    #[test]
    fn only_what_is_unusual_takes_room() {
        let usual = Rare::<Restart>::default();
        let mut other = usual.clone();
        assert_eq!((usual.0.is_none(), &usual), (true, &other));
        other.policy = RestartPolicy::Never;
        assert_ne!(usual, other);
        assert_eq!(usual.policy, RestartPolicy::Always, "what all share stays as it is");
        other.policy = RestartPolicy::Always;
        assert_eq!((usual.clone(), Rare::from((*other).clone()).0.is_none()), (other, true));
        assert_eq!(size_of::<Rare<Hooks>>(), size_of::<usize>());
    }

    #[test]
    fn it_is_written_like_the_value_itself() {
        let own = Rare::from(Restart { jitter: 5, ..Restart::default() });
        for value in [Rare::default(), own] {
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(text, serde_json::to_string(&*value).unwrap());
            assert_eq!(serde_json::from_str::<Rare<Restart>>(&text).unwrap(), value);
        }
    }
}
