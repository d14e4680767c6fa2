//! A list that nearly always has one value, which takes no memory of its own then. There are thousands of these.

use std::ops::{Deref, DerefMut};
use std::slice;

/// The list. Who reads it has a slice.
#[derive(Clone, Debug)]
pub struct Few<T>(List<T>);

#[derive(Clone, Debug)]
enum List<T> {
    One(T),
    Any(Box<[T]>),
}

impl<T> Deref for Few<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match &self.0 {
            List::One(one) => slice::from_ref(one),
            List::Any(all) => all,
        }
    }
}

impl<T> DerefMut for Few<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.0 {
            List::One(one) => slice::from_mut(one),
            List::Any(all) => all,
        }
    }
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self(List::Any(Box::default()))
    }
}

impl<T> From<Vec<T>> for Few<T> {
    fn from(all: Vec<T>) -> Self {
        Self(match <[T; 1]>::try_from(all) {
            Ok([one]) => List::One(one),
            Err(all) => List::Any(all.into()),
        })
    }
}

impl<T> FromIterator<T> for Few<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Vec::from_iter(values).into()
    }
}

impl<'a, T> IntoIterator for &'a Few<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T: PartialEq> PartialEq for Few<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: PartialEq, const N: usize> PartialEq<[T; N]> for Few<T> {
    fn eq(&self, other: &[T; N]) -> bool {
        **self == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_list_that_it_was_made_of() {
        for number in 0..4 {
            let list: Vec<u8> = (0..number).collect();
            let mut few: Few<u8> = list.iter().copied().collect();
            assert_eq!(&*few, list);
            assert_eq!(matches!(few.0, List::One(_)), number == 1);
            assert!(few.iter_mut().all(|value| std::mem::replace(value, 9) != 9));
            assert!(few.iter().all(|value| *value == 9));
        }
        assert_eq!(Few::from(vec![7]), [7]);
        assert_ne!(Few::from(vec![7]), Few::default());
    }
}
