//! The inputs of the fuzz targets, without a fuzzer: every seed, and every input that once broke a promise.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests"
)]

#[path = "../fuzz/src/lib.rs"]
mod promises;

use promises::{TARGETS, seeds};

#[test]
fn every_seed_keeps_its_promise() {
    for target in TARGETS {
        let all = seeds::of(target.name);
        assert!(all.len() > 3, "{}: no corpus", target.name);
        for (name, bytes) in all {
            // The name of the file first, since a promise that is broken says nothing of it.
            println!("{}/{name}", target.name);
            (target.check)(&bytes);
        }
    }
}

#[test]
fn seeds_cut_short_keep_their_promise_too() {
    for target in TARGETS {
        for (name, bytes) in seeds::committed(target.name) {
            for end in (0..bytes.len().min(2048)).step_by(7) {
                println!("{}/{name} up to {end}", target.name);
                (target.check)(&bytes[..end]);
            }
        }
    }
}

/// A fuzzer's first minute, the same each time: bytes are changed, doubled and moved. `SELFSAME_MUTATIONS` says how often.
#[test]
fn sources_of_imports_that_are_changed_keep_their_promise() {
    let often = std::env::var("SELFSAME_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(60u64);
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut chance = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).unwrap()
    };
    let special = b"'\"$`\\{}()[]<>|&;#=%@!~*? \n\0";
    for target in TARGETS.iter().filter(|target| target.name.starts_with("import_")) {
        let all = seeds::of(target.name);
        for round in 0..often {
            let (name, mut bytes) = all[chance(all.len())].clone();
            for _ in 0..=chance(4) {
                let at = chance(bytes.len());
                let end = (at + chance(40)).min(bytes.len());
                match chance(5) {
                    0 if at < bytes.len() => bytes[at] = special[chance(special.len())],
                    1 => drop(bytes.drain(at..end)),
                    2 => bytes.extend_from_within(at..end),
                    3 => bytes.rotate_left(at),
                    _ => bytes.insert(at, special[chance(special.len())]),
                }
            }
            println!("{}/{name} in round {round}:\n{}", target.name, String::from_utf8_lossy(&bytes));
            (target.check)(&bytes);
        }
    }
}

/// A seed that is refused at the door fuzzes nothing behind it.
#[test]
fn records_of_the_corpus_are_accepted() {
    let boot = selfsame::units::BootId("boot-1".into());
    for (name, bytes) in seeds::committed("state") {
        let is = |what: &str| name.starts_with(what);
        assert_eq!(selfsame::host::fuzzing::record(&bytes, &boot).is_some(), is("record"), "{name}");
    }
}

#[test]
fn dictionaries_are_in_the_form_that_the_fuzzer_reads() {
    for target in TARGETS {
        let dictionary = seeds::dictionary(target.name);
        assert!(dictionary.lines().count() > 5, "{}", target.name);
        for line in dictionary.lines() {
            assert!(line.len() > 2 && line.starts_with('"') && line.ends_with('"'), "{line}");
            assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "{line}");
        }
    }
    assert!(seeds::dictionary("expression").contains("\"runs(\"\n"));
}

#[test]
fn what_a_target_begins_with_is_written_where_it_is_said() {
    let place = tempfile::tempdir().unwrap();
    seeds::write("stat", Some(place.path().into()));
    let dictionary = std::fs::read_to_string(place.path().join("dictionary")).unwrap();
    assert_eq!(dictionary, seeds::dictionary("stat"));
    for (name, bytes) in seeds::of("stat") {
        assert_eq!(std::fs::read(place.path().join("seeds").join(name)).unwrap(), bytes);
    }
}
