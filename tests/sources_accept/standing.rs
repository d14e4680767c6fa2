//! What status says of the places.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::support::{Bench, until};

/// One condition of the only place.
fn condition(bench: &Bench, kind: &str) -> serde_json::Value {
    let status = bench.whole_status();
    let conditions = status["sources"][0]["conditions"].as_array().cloned().unwrap_or_default();
    conditions.into_iter().find(|condition| condition["type"] == kind).unwrap_or_default()
}

#[test]
fn a_place_that_is_fine_is_named_and_one_that_is_away_says_so() {
    let mut bench = Bench::new();
    bench.daemon("one", "");
    bench.watch(&["--resync", "300ms"]);
    bench.until_running(&["one"]);
    let status = bench.whole_status();
    assert_eq!(status["sources"][0]["place"], bench.path("specs").to_str().unwrap());
    assert_eq!(condition(&bench, "Available")["status"], "True");
    assert_eq!(condition(&bench, "Trusted")["status"], "True");
    assert!(!bench.run(&["status"]).stdout.contains("Available"), "{status}");
    fs::rename(bench.path("specs"), bench.path("away")).unwrap();
    until("it to be missed", || condition(&bench, "Available")["status"] == "Unknown");
    let text = bench.run(&["status"]).stdout;
    assert!(text.contains("Available=Unknown (SourceUnavailable)"), "{text}");
    fs::rename(bench.path("away"), bench.path("specs")).unwrap();
    until("it to be seen again", || condition(&bench, "Available")["status"] == "True");
}

#[test]
fn a_file_that_others_can_change_makes_a_place_untrusted() {
    let mut bench = Bench::new();
    bench.daemon("one", "");
    bench.watch(&["--resync", "300ms"]);
    bench.until_running(&["one"]);
    let path = bench.path("specs/one.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    until("it to be said", || condition(&bench, "Trusted")["status"] == "False");
    let told = condition(&bench, "Trusted");
    assert!(told["message"].as_str().is_some_and(|text| text.contains("one.yaml")), "{told}");
    assert_eq!(bench.alive_of("one").len(), 1);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    until("it to be trusted again", || condition(&bench, "Trusted")["status"] == "True");
}
