#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// Only matters where a test fails.
const FOREVER: Duration = Duration::from_mins(1);

fn found(name: &str, text: &str) -> Found {
    let directory = Path::new("/srv").to_owned();
    let file = SpecFile { name: name.into(), directory, bytes: text.as_bytes().to_vec().into() };
    Found::text(&file)
}

fn names(texts: &ReadTexts) -> Vec<&str> {
    texts.keys().map(String::as_str).collect()
}

/// A hostile text, until [`END`] lets it go; everything else is read as always.
fn spins(file: SpecFile) -> ReadText {
    while file.bytes.starts_with(b"hostile") && !END.load(Ordering::Relaxed) {
        std::hint::spin_loop();
    }
    ReadText::of(file, &yaml::Limits::default())
}

static END: AtomicBool = AtomicBool::new(false);

#[test]
fn a_text_that_takes_too_long_is_refused_and_stays_so_until_it_is_another_one() {
    let mut desk = Desk { limit: Duration::from_millis(50), read: spins, ..Desk::default() };
    let (bad, good) = (found("bad.yaml", "hostile"), found("good.yaml", "a: 1"));
    let sifted = desk.read(&[&bad, &good], FOREVER);
    assert_eq!(names(&sifted.ready), ["good.yaml"]);
    assert_eq!(sifted.refused["bad.yaml"], "reading its YAML takes more than 0.05 s of CPU time");
    assert!(sifted.pending.is_empty());

    // Nobody tries it again: there is one worker at it, and not two.
    let sifted = desk.read(&[&bad, &good], FOREVER);
    assert_eq!((names(&sifted.ready), sifted.refused.len()), (vec!["good.yaml"], 1));
    let patience = Patience::new(FOREVER);
    while desk.workers.are_busy() {
        assert!(!patience.is_over(), "the place of the good one is never given back");
        std::thread::yield_now();
    }

    // A second one takes the last place. What is asked for then waits, and nobody waits with it.
    let second = found("second.yaml", "hostile too");
    assert_eq!(desk.read(&[&bad, &second], FOREVER).refused.len(), 2);
    assert!(desk.workers.are_busy());
    let sifted = desk.read(&[&bad, &second, &good], Duration::from_millis(30));
    assert_eq!((names(&sifted.ready), sifted.pending), (vec![], vec!["good.yaml".to_owned()]));

    // The workers get through, and what waited is read. Their answers are nobody's.
    END.store(true, Ordering::Relaxed);
    let mended = found("bad.yaml", "mended: true");
    let sifted = desk.read(&[&mended, &second, &good], FOREVER);
    assert_eq!(names(&sifted.ready), ["bad.yaml", "good.yaml"]);
    assert_eq!(sifted.refused.into_keys().collect::<Vec<_>>(), ["second.yaml"]);
}

fn waits(file: SpecFile) -> ReadText {
    while !GO.load(Ordering::Relaxed) {
        std::thread::yield_now();
    }
    ReadText::of(file, &yaml::Limits::default())
}

static GO: AtomicBool = AtomicBool::new(false);

#[test]
fn what_isnt_read_yet_is_asked_for_later_and_answers_about_former_texts_are_dropped() {
    let mut desk = Desk { limit: FOREVER, read: waits, ..Desk::default() };
    let (first, second) = (found("a.yaml", "a: 1"), found("a.yaml", "a: 2"));
    assert_eq!(desk.read(&[&first], Duration::from_millis(5)).pending, ["a.yaml"]);
    assert_eq!(desk.read(&[&second], Duration::from_millis(5)).pending, ["a.yaml"]);
    GO.store(true, Ordering::Relaxed);
    let sifted = desk.read(&[&second], FOREVER);
    assert_eq!(names(&sifted.ready), ["a.yaml"]);
    assert!(format!("{:?}", sifted.ready["a.yaml"]).contains(&**second.file.digest()));
}

#[test]
fn a_reader_that_panics_refuses_its_own_text_only() {
    let panics = |file: SpecFile| {
        assert!(file.name != "bad.yaml", "meant by a test");
        ReadText::of(file, &yaml::Limits::default())
    };
    let mut desk = Desk { read: panics, ..Desk::default() };
    let (bad, good) = (found("bad.yaml", "x"), found("good.yaml", "x"));
    let sifted = desk.read(&[&bad, &good], FOREVER);
    assert_eq!(names(&sifted.ready), ["good.yaml"]);
    assert!(sifted.refused["bad.yaml"].contains("defect"));
}
