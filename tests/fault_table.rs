//! The table of faults names the test of each, and those tests exist.

#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

const TABLE: &str = include_str!("faults/table");

/// `NUMBER  fault  FILE::test ...`, columns apart by two spaces at least.
fn rows() -> Vec<(u32, &'static str, Vec<&'static str>)> {
    let rows = TABLE.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
    rows.map(|line| {
        let mut columns = line.split("  ").map(str::trim).filter(|column| !column.is_empty());
        let number = columns.next().unwrap().parse().unwrap();
        let fault = columns.next().unwrap();
        (number, fault, columns.flat_map(str::split_whitespace).collect())
    })
    .collect()
}

#[test]
fn each_fault_has_its_number_once_in_order_and_a_test() {
    let rows = rows();
    let numbers: Vec<u32> = rows.iter().map(|(number, ..)| *number).collect();
    let mut sorted = numbers.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(numbers, sorted);
    for (number, fault, tests) in &rows {
        assert!(!fault.is_empty() && !tests.is_empty(), "{number} {fault}");
    }
}

#[test]
fn the_tests_that_the_table_names_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = BTreeSet::new();
    for (number, _, tests) in rows() {
        for test in tests {
            let (file, name) = test.split_once("::").unwrap();
            let text = fs::read_to_string(root.join(file)).unwrap_or_default();
            if !text.contains(&format!("fn {name}(")) {
                missing.insert(format!("{number}: {test}"));
            }
        }
    }
    assert_eq!(missing, BTreeSet::new());
}
