//! What is kept when the record has grown to its bound.

use std::collections::BTreeMap;

use super::{Bounds, as_u64, line};

/// The newest lines: of each object as many as leave room in half of the bound, so that an object that has much to tell
/// takes nothing from the others.
pub(super) fn kept(bytes: &[u8], bounds: Bounds) -> Vec<u8> {
    let lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    let mut each = bounds.per_object;
    loop {
        let chosen = newest(&lines, each);
        let size: u64 = chosen.iter().map(|line| as_u64(line.len())).sum();
        if size <= bounds.bytes / 2 || each == 0 {
            return chosen.concat();
        }
        each /= 2;
    }
}

/// The newest `each` lines of each object, in order.
fn newest<'a>(lines: &[&'a [u8]], each: usize) -> Vec<&'a [u8]> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut chosen: Vec<&[u8]> = Vec::new();
    for text in lines.iter().rev() {
        let count = counts.entry(line::object(text)).or_default();
        *count += 1;
        if *count <= each {
            chosen.push(text);
        }
    }
    chosen.reverse();
    chosen
}
