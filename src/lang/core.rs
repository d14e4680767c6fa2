//! What the core itself can say about two values: equality, order, text, paths, networks, sums.
//! All functions answer `None` for values of types that the check would have refused.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::ast::{ArithmeticOp, CompareOp};
use super::value::{Type, Value};

/// The bytes of a string or path.
pub(super) fn bytes(value: &Value) -> Option<&[u8]> {
    match value {
        Value::String(bytes) | Value::Path(bytes) => Some(bytes),
        _ => None,
    }
}

/// Equality. Paths are equal by components: `//a/./b/` is `/a/b`, but `..` stays what it is.
pub(super) fn equal(left: &Value, right: &Value) -> Option<bool> {
    Some(match (left, right) {
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(a), Value::Int(b))
        | (Value::Size(a), Value::Size(b))
        | (Value::Duration(a), Value::Duration(b))
        | (Value::Time(a), Value::Time(b))
        | (Value::Ratio(a), Value::Ratio(b)) => a == b,
        (Value::String(a), Value::String(b)) => a == b,
        (Value::Path(a) | Value::String(a), Value::Path(b) | Value::String(b)) => same_path(a, b),
        (Value::Ip(a), Value::Ip(b)) => a == b,
        (Value::Cidr(a, m), Value::Cidr(b, n)) => m == n && network(*a, *m) == network(*b, *n),
        (Value::Enum(t, a), Value::Enum(u, b)) => t == u && a == b,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| equal(a, b) == Some(true))
        }
        _ => return None,
    })
}

/// Order of numbers and quantities of one type.
pub(super) fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Int(a), Value::Int(b))
        | (Value::Size(a), Value::Size(b))
        | (Value::Duration(a), Value::Duration(b))
        | (Value::Time(a), Value::Time(b))
        | (Value::Ratio(a), Value::Ratio(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Whether an element of a list, or a network of a list of networks, covers `value`.
pub(super) fn covers(value: &Value, element: &Value) -> Option<bool> {
    match (value, element) {
        (Value::Ip(address), Value::Cidr(base, length)) => Some(in_network(*address, *base, *length)),
        _ => equal(value, element),
    }
}

/// A comparison of two known values; `in` and `contains` on lists are not here.
pub(super) fn compare(op: CompareOp, left: &Value, right: &Value) -> Option<bool> {
    match op {
        CompareOp::Equal => equal(left, right),
        CompareOp::Less => order(left, right).map(Ordering::is_lt),
        CompareOp::LessEqual => order(left, right).map(Ordering::is_le),
        CompareOp::Greater => order(left, right).map(Ordering::is_gt),
        CompareOp::GreaterEqual => order(left, right).map(Ordering::is_ge),
        CompareOp::In => covers(left, right),
        CompareOp::Contains => Some(contains(bytes(left)?, bytes(right)?)),
        CompareOp::StartsWith => Some(bytes(left)?.starts_with(bytes(right)?)),
        CompareOp::EndsWith => Some(bytes(left)?.ends_with(bytes(right)?)),
        CompareOp::Under => Some(under(bytes(left)?, bytes(right)?)),
        CompareOp::NotEqual
        | CompareOp::NotIn
        | CompareOp::Matches
        | CompareOp::NotMatches
        | CompareOp::Like => None,
    }
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    part.is_empty() || text.windows(part.len()).any(|window| window == part)
}

fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|b| *b == b'/').filter(|part| !part.is_empty() && *part != b".")
}

fn same_path(a: &[u8], b: &[u8]) -> bool {
    a.starts_with(b"/") == b.starts_with(b"/") && components(a).eq(components(b))
}

/// Component-wise: `/opt/app` covers itself and `/opt/app/x`, not `/opt/app2`.
fn under(path: &[u8], base: &[u8]) -> bool {
    let mut parts = components(path);
    path.starts_with(b"/") == base.starts_with(b"/")
        && components(base).all(|part| parts.next() == Some(part))
}

fn network(address: IpAddr, length: u8) -> u128 {
    let (bits, width) = match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let host = width - u32::from(length).min(width);
    bits.checked_shr(host).unwrap_or(0)
}

fn in_network(address: IpAddr, base: IpAddr, length: u8) -> bool {
    // An IPv4 address that a socket of both families shows is still an IPv4 address.
    let address = if base.is_ipv4() { address.to_canonical() } else { address };
    address.is_ipv4() == base.is_ipv4() && network(address, length) == network(base, length)
}

/// What follows the last slash, trailing slashes aside; `/` itself for the root.
pub(super) fn basename(path: &[u8]) -> &[u8] {
    match components(path).last() {
        Some(last) => last,
        None if path.starts_with(b"/") => b"/",
        None => path,
    }
}

/// What precedes the last slash, `.` where there is none.
pub(super) fn dirname(path: &[u8]) -> Vec<u8> {
    let parts: Vec<&[u8]> = components(path).collect();
    let (_, above) = parts.split_last().unwrap_or((&&b""[..], &[]));
    let joined = above.join(&b'/');
    match (path.starts_with(b"/"), joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

/// A sum or difference; `Err` if it leaves 64 bits.
pub(super) fn arithmetic(op: ArithmeticOp, left: &Value, right: &Value) -> Option<Result<Value, ()>> {
    type Make = fn(i64) -> Value;
    let (a, b, make): (i64, i64, Make) = match (left, right) {
        (Value::Int(a), Value::Int(b)) => (*a, *b, Value::Int),
        (Value::Size(a), Value::Size(b)) => (*a, *b, Value::Size),
        (Value::Duration(a), Value::Duration(b)) => (*a, *b, Value::Duration),
        (Value::Ratio(a), Value::Ratio(b)) => (*a, *b, Value::Ratio),
        (Value::Time(a), Value::Duration(b)) => (*a, *b, Value::Time),
        (Value::Duration(a), Value::Time(b)) if op == ArithmeticOp::Add => (*a, *b, Value::Time),
        (Value::Time(a), Value::Time(b)) if op == ArithmeticOp::Subtract => (*a, *b, Value::Duration),
        _ => return None,
    };
    let result = match op {
        ArithmeticOp::Add => a.checked_add(b),
        ArithmeticOp::Subtract => a.checked_sub(b),
    };
    Some(result.map(make).ok_or(()))
}

/// The number of a type that adds nothing to others; `None` if its values can't be added up.
pub(super) fn nothing(ty: &Type) -> Option<Value> {
    match ty {
        Type::Int => Some(Value::Int(0)),
        Type::Size => Some(Value::Size(0)),
        Type::Duration => Some(Value::Duration(0)),
        Type::Ratio => Some(Value::Ratio(0)),
        _ => None,
    }
}

/// Bytes that are the same for exactly the equal values of one type; `None` where equality is not the core's.
pub(super) fn key(value: &Value) -> Option<Vec<u8>> {
    Some(match value {
        Value::String(bytes) => bytes.to_vec(),
        Value::Path(bytes) => {
            let mut normal = if bytes.starts_with(b"/") { b"/".to_vec() } else { Vec::new() };
            normal.extend(components(bytes).collect::<Vec<_>>().join(&b'/'));
            normal
        }
        Value::Int(n) | Value::Size(n) | Value::Duration(n) | Value::Time(n) | Value::Ratio(n) => {
            n.to_be_bytes().to_vec()
        }
        Value::Enum(_, word) => word.as_bytes().to_vec(),
        Value::Ip(address) => address.to_string().into_bytes(),
        Value::Bool(_) | Value::Cidr(..) | Value::List(_) | Value::Object(_) => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn under_is_by_components() {
        for (path, base, expected) in [
            ("/opt/app", "/opt/app", true),
            ("/opt/app/x", "/opt/app", true),
            ("/opt/app/x", "/opt/app/", true),
            ("/opt/app2", "/opt/app", false),
            ("/opt", "/opt/app", false),
            ("//opt/./app/x", "/opt/app", true),
            ("/x", "/", true),
            ("opt/app", "/opt", false),
        ] {
            assert_eq!(under(path.as_bytes(), base.as_bytes()), expected, "{path} under {base}");
        }
    }

    #[test]
    fn names_of_files_and_directories() {
        for (path, base, dir) in [
            ("/usr/bin/x", "x", "/usr/bin"),
            ("x", "x", "."),
            ("/x", "x", "/"),
            ("/", "/", "/"),
            ("a/b/", "b", "a"),
            ("", "", "."),
        ] {
            assert_eq!(basename(path.as_bytes()), base.as_bytes(), "{path}");
            assert_eq!(dirname(path.as_bytes()), dir.as_bytes(), "{path}");
        }
    }

    #[test]
    fn networks_cover_their_addresses() {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap_or(IpAddr::from([0, 0, 0, 0]));
        for (address, base, length, expected) in [
            ("10.1.2.3", "10.0.0.0", 8, true),
            ("11.1.2.3", "10.0.0.0", 8, false),
            ("11.1.2.3", "0.0.0.0", 0, true),
            ("::1", "::", 0, true),
            ("::1", "0.0.0.0", 0, false),
            ("::ffff:10.1.2.3", "10.0.0.0", 8, true),
            ("fe80::1", "fe80::", 10, true),
        ] {
            assert_eq!(in_network(ip(address), ip(base), length), expected, "{address} in {base}/{length}");
        }
    }
}
