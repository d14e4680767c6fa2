//! The form of values: what goes in comes out, and nothing else comes out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use selfsame::lang::value::{Type, Value};
use selfsame::plugin::{Answer, Enumeration, Opaque, Own, OwnType, wire};

fn scalar() -> impl Strategy<Value = (Type, Value)> {
    prop_oneof![
        any::<bool>().prop_map(|value| (Type::Bool, Value::Bool(value))),
        any::<i64>().prop_map(|value| (Type::Int, Value::Int(value))),
        vec(any::<u8>(), 0..40).prop_map(|bytes| (Type::String, Value::string(bytes))),
        vec(any::<u8>(), 0..40).prop_map(|bytes| (Type::Path, Value::path(bytes))),
        (0..=i64::MAX).prop_map(|value| (Type::Size, Value::Size(value))),
        any::<i64>().prop_map(|value| (Type::Duration, Value::Duration(value))),
        any::<i64>().prop_map(|value| (Type::Time, Value::Time(value))),
        any::<i64>().prop_map(|value| (Type::Ratio, Value::Ratio(value))),
        any::<IpAddr>().prop_map(|value| (Type::Ip, Value::Ip(value))),
        (any::<IpAddr>(), 0_u8..=128).prop_map(|(address, prefix)| {
            let widest = if address.is_ipv4() { 32 } else { 128 };
            (Type::Cidr, Value::Cidr(address, prefix.min(widest)))
        }),
    ]
}

/// A value with its type, lists of equal values among them.
fn value() -> impl Strategy<Value = (Type, Value)> {
    scalar().prop_recursive(3, 64, 5, |inner| {
        (inner, 0_usize..5).prop_map(|((ty, value), count)| (Type::list(ty), Value::list(vec![value; count])))
    })
}

/// An enumeration `t.e` and a type `t.v`.
fn own() -> Own {
    let (name, words) = ("t.e", vec!["a", "other"]);
    let e = Enumeration { name, summary: String::new(), words, foreign: Vec::new() };
    let v = OwnType {
        name: "t.v",
        summary: String::new(),
        from: Vec::new(),
        convert: None,
        equal: None,
        less: None,
        text: None,
        examples: Vec::new(),
    };
    Own { enums: vec![e], types: vec![v] }
}

/// A value of one of its types, in lists.
fn own_value() -> impl Strategy<Value = (Type, Value)> {
    let one = prop_oneof![
        prop_oneof![Just("a"), Just("other")].prop_map(|word| (Type::Enum("t.e"), Value::Enum("t.e", word))),
        vec(any::<u8>(), 0..40).prop_map(|bytes| {
            (Type::Named("t.v"), Value::Object(Arc::new(Opaque { ty: "t.v", bytes: bytes.into() })))
        }),
    ];
    one.prop_recursive(2, 16, 3, |inner| {
        (inner, 0_usize..3).prop_map(|((ty, value), count)| (Type::list(ty), Value::list(vec![value; count])))
    })
}

/// Values have no equality of their own; their form has.
fn form(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    wire::value(&mut bytes, value).unwrap();
    bytes
}

proptest! {
    #[test]
    fn a_value_comes_back_as_it_went((ty, value) in value()) {
        let bytes = form(&value);
        let Ok(Answer::Value(back)) = wire::answer(&bytes, &ty) else { panic!("{ty}: {bytes:?}") };
        prop_assert_eq!(form(&back), bytes.clone());
        // One byte less or more is no value.
        prop_assert!(wire::answer(&bytes[..bytes.len() - 1], &ty).is_err());
        prop_assert!(wire::answer(&[&bytes[..], &[0]].concat(), &ty).is_err());
    }

    #[test]
    fn a_map_comes_back_as_it_went((ty, value) in value(), keys in btree_map(vec(any::<u8>(), 0..8), Just(()), 0..6)) {
        let mut bytes = Vec::new();
        let entries: BTreeMap<Vec<u8>, Value> = keys.into_keys().map(|key| (key, value.clone())).collect();
        wire::map(&mut bytes, entries.iter().map(|(key, value)| (key.as_slice(), value))).unwrap();
        let Ok(Answer::Map(back)) = wire::answer(&bytes, &Type::map(ty)) else { panic!("{bytes:?}") };
        prop_assert!(back.keys().eq(entries.keys()));
        prop_assert!(back.values().all(|other| form(other) == form(&value)));
    }

    /// Whatever the bytes are, they are refused or are a value of that type, which has the same form again.
    #[test]
    fn bytes_of_chance_are_no_danger((ty, _) in value(), bytes in vec(prop_oneof![0_u8..16, any::<u8>()], 0..80)) {
        if let Ok(Answer::Value(value)) = wire::answer(&bytes, &ty) {
            prop_assert_eq!(form(&value), bytes);
        }
    }

    #[test]
    fn a_form_that_was_touched_is_no_danger((ty, value) in value(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let mut bytes = form(&value);
        let at = at.index(bytes.len());
        bytes[at] ^= 1 << bit;
        if let Ok(Answer::Value(value)) = wire::answer(&bytes, &ty) {
            prop_assert_eq!(form(&value), bytes);
        }
    }
}

proptest! {
    #[test]
    fn a_value_of_its_own_types_comes_back_as_it_went((ty, value) in own_value(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
        let bytes = form(&value);
        let Ok(Answer::Value(back)) = wire::answer_of(&bytes, &ty, &own()) else { panic!("{ty}: {bytes:?}") };
        prop_assert_eq!(form(&back), bytes.clone());
        prop_assert!(wire::answer_of(&bytes[..bytes.len() - 1], &ty, &own()).is_err());
        // Of a plugin without such types it is none.
        prop_assert!(matches!(ty, Type::List(_)) || wire::answer(&bytes, &ty).is_err());
        let mut touched = bytes;
        let at = at.index(touched.len());
        touched[at] ^= 1 << bit;
        if let Ok(Answer::Value(value)) = wire::answer_of(&touched, &ty, &own()) {
            prop_assert_eq!(form(&value), touched);
        }
    }
}

#[test]
fn values_of_other_types_have_no_form() {
    let mut bytes = vec![7];
    {
        let value = selfsame::process::candidate(selfsame::units::Pid(1));
        assert_eq!(wire::value(&mut bytes, &value), Err(wire::Unplain));
        assert_eq!(wire::value(&mut bytes, &Value::list([Value::Int(1), value.clone()])), Err(wire::Unplain));
        let entries = [(&b"a"[..], &value)];
        assert_eq!(wire::map(&mut bytes, entries.into_iter()), Err(wire::Unplain));
    }
    assert_eq!(bytes, [7], "and nothing of it is left");
}
