#![allow(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::{MOST, SharedMap, Told};

/// The largest value of a part.
#[derive(Debug)]
struct Largest(u32);

impl Told<u16, Arc<u32>> for Largest {
    fn of(rows: &[(u16, Arc<u32>)]) -> Self {
        Self(rows.iter().map(|(_, value)| **value).max().unwrap_or_default())
    }
}

type Map = SharedMap<u16, Arc<u32>, Largest>;
type Plain = BTreeMap<u16, Arc<u32>>;

#[derive(Clone, Debug)]
enum Edit {
    Insert(u16, u32),
    Remove(u16),
    Change(u16, u32),
    KeepBelow(u32),
    ChangeAll,
    Many(u16),
}

fn edit() -> impl Strategy<Value = Edit> {
    let key = 0..400u16;
    prop_oneof![
        8 => (key.clone(), any::<u32>()).prop_map(|(key, value)| Edit::Insert(key, value)),
        8 => key.clone().prop_map(Edit::Remove),
        4 => (key.clone(), any::<u32>()).prop_map(|(key, value)| Edit::Change(key, value)),
        1 => any::<u32>().prop_map(Edit::KeepBelow),
        1 => Just(Edit::ChangeAll),
        2 => key.prop_map(Edit::Many),
    ]
}

fn apply(edit: &Edit, map: &mut Map, plain: &mut Plain) {
    match edit {
        Edit::Insert(key, value) => {
            assert_eq!(map.insert(*key, Arc::new(*value)), plain.insert(*key, Arc::new(*value)));
        }
        Edit::Remove(key) => assert_eq!(map.remove(key), plain.remove(key)),
        Edit::Change(key, value) => {
            let (one, other) = (map.get_mut(key), plain.get_mut(key));
            assert_eq!(one, other);
            if let (Some(one), Some(other)) = (one, other) {
                (*one, *other) = (Arc::new(*value), Arc::new(*value));
            }
        }
        Edit::KeepBelow(bound) => {
            map.retain(|_, value| **value < *bound);
            plain.retain(|_, value| **value < *bound);
        }
        Edit::ChangeAll => {
            map.values_mut().chain(plain.values_mut()).for_each(|value| *value = Arc::new(**value / 2));
        }
        Edit::Many(from) => {
            let rows = || (*from..*from + 100).map(|key| (key, Arc::new(u32::from(key))));
            map.extend(rows());
            plain.extend(rows());
        }
    }
}

fn by_hand(was: &Plain, is: &Plain) -> Vec<(u16, Option<u32>, Option<u32>)> {
    let keys: std::collections::BTreeSet<u16> = was.keys().chain(is.keys()).copied().collect();
    let value = |map: &Plain, key: u16| map.get(&key).map(|value| **value);
    let all = keys.into_iter().map(|key| (key, value(was, key), value(is, key)));
    all.filter(|(_, was, is)| was != is).collect()
}

proptest! {
    #![proptest_config(crate::regressions::cases(128))]

    /// However it is edited, it is what a map of the standard library is, and so are all versions that were kept.
    #[test]
    fn it_is_a_map_and_so_is_each_copy(edits in prop::collection::vec(edit(), 1..60), kept in 0..60usize) {
        let (mut map, mut plain) = (Map::default(), Plain::new());
        let mut former = (map.clone(), plain.clone());
        for (at, edit) in edits.iter().enumerate() {
            if at == kept {
                former = (map.clone(), plain.clone());
            }
            apply(edit, &mut map, &mut plain);
            prop_assert!(map.iter().eq(&plain) && map.iter().rev().eq(plain.iter().rev()));
            prop_assert_eq!((map.len(), map.is_empty(), map.iter().len()), (plain.len(), plain.is_empty(), plain.len()));
            let sizes: Vec<usize> = map.parts.iter().map(|part| part.rows.len()).collect();
            prop_assert!(sizes.iter().all(|size| (1..=MOST).contains(size)), "{:?}", sizes);
            for key in 0..500 {
                prop_assert_eq!(map.get(&key), plain.get(&key));
            }
            // What parts say is asked before and after each change.
            let large = map.rows_where(|told| told.0 > u32::MAX / 2).filter(|(_, value)| ***value > u32::MAX / 2);
            prop_assert!(large.eq(plain.iter().filter(|(_, value)| ***value > u32::MAX / 2)));
        }
        prop_assert!(former.0.iter().eq(&former.1), "a copy changed with the original");
        let changes = map.changes_since(&former.0);
        let changes: Vec<_> =
            changes.map(|change| (*change.key, change.was.map(|was| **was), change.is.map(|is| **is))).collect();
        let differing: Vec<_> = changes.iter().filter(|(_, was, is)| was != is).copied().collect();
        prop_assert_eq!(differing, by_hand(&former.1, &plain));
        prop_assert_eq!(map == former.0, plain == former.1);
        let anew: Map = plain.clone().into_iter().collect();
        prop_assert_eq!(&anew, &map);
        let text = serde_json::to_string(&map).unwrap();
        prop_assert_eq!(&text, &serde_json::to_string(&plain).unwrap());
        prop_assert_eq!(serde_json::from_str::<Map>(&text).unwrap(), map);
    }
}

#[test]
fn a_change_costs_its_part() {
    let mut map: Map = (0..5_000).map(|key| (key, Arc::new(u32::from(key)))).collect();
    let former = map.clone();
    assert!(map.is_same(&former));
    map.insert(2_500, Arc::new(7));
    let shared = map.parts.iter().zip(former.parts.iter()).filter(|(one, other)| Arc::ptr_eq(one, other));
    assert_eq!(shared.count() + 1, map.parts.len());
    let apart = map.apart(&former).count();
    assert!(apart <= MOST, "{apart} rows were looked at");
    let changes: Vec<u16> = map.changes_since(&former).map(|change| *change.key).collect();
    assert_eq!(changes, [2_500]);
}

#[test]
fn what_comes_in_order_fills_its_parts() {
    let map: Map = {
        let mut map = Map::default();
        map.extend((0..1_000).map(|key| (key, Arc::new(0))));
        map
    };
    assert_eq!(map.parts.len(), 1_000usize.div_ceil(MOST));
    assert_eq!(map.into_iter().count(), 1_000);
}

#[test]
fn a_row_that_is_put_in_again_has_the_key_that_came_with_it() {
    let [former, key] = [Arc::<str>::from("shop"), Arc::from("shop")];
    let mut map: SharedMap<Arc<str>, u32> = SharedMap::default();
    assert_eq!(map.insert(Arc::clone(&former), 1), None);
    assert_eq!(map.insert(Arc::clone(&key), 2), Some(1));
    let (kept, value) = map.iter().next().unwrap();
    assert_eq!((Arc::ptr_eq(kept, &key), Arc::strong_count(&former), *value), (true, 1, 2));
}
