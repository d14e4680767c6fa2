//! Metrics of a made-up status, read as Prometheus would.

use std::collections::BTreeSet;
use std::time::Duration;

use super::*;

/// From JSON, so that fields which are added later need not be said.
fn object(name: &str, phase: &str) -> ServiceStatus {
    serde_json::from_value(serde_json::json!({
        "name": name, "generation": 3, "observedGeneration": 3, "phase": phase, "nextAttemptMs": null,
        "source": {"file": "specs/a.yaml", "line": 1, "digest": ""},
        "instances": [{
            "index": 0, "phase": phase, "pid": null, "startTicks": null, "adopted": false, "exe": null,
            "since": {"secs": 1000, "nanos": 0}, "restarts": 4, "lastExit": null,
        }],
        "conditions": [{
            "type": "Ready", "status": "Unknown", "reason": "Because", "message": "nobody knows",
            "lastTransitionTime": {"secs": 0, "nanos": 0},
        }],
    }))
    .unwrap()
}

fn text(metrics: &mut Metrics, status: &[ServiceStatus], engine: bool) -> String {
    let engine = engine.then(OwnProcess::default);
    let policies = Policies::default();
    metrics.text(&Situation { status, policies: &policies, held: 2, now: Now::default(), engine })
}

/// Names, label names and kinds of a page, as a reader would take it in; panics where it isn't of the format.
fn families_in(page: &str) -> BTreeSet<&str> {
    let mut seen = BTreeSet::new();
    let mut family = None::<Family>;
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            let declared = FAMILIES.iter().find(|family| family.name == name);
            let declared = declared.unwrap_or_else(|| panic!("`{name}` is not declared"));
            assert_eq!(declared.kind.word(), kind, "{name}");
            assert!(seen.insert(name), "`{name}` begins twice");
            family = Some(*declared);
        } else if !line.starts_with("# HELP ") {
            let family = family.unwrap();
            let (series, value) = line.rsplit_once(' ').unwrap();
            value.parse::<f64>().unwrap_or_else(|_| panic!("{line}"));
            let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
            let suffix = name.strip_prefix(family.name).unwrap_or_else(|| panic!("{line}"));
            let suffixes: &[&str] = match family.kind {
                Kind::Histogram => &["_bucket", "_sum", "_count"],
                Kind::Counter | Kind::Gauge => &[""],
            };
            assert!(suffixes.contains(&suffix), "{line}");
            for label in family.labels {
                assert!(labels.contains(&format!("{label}=\"")), "{line}");
            }
            assert_eq!(
                labels.matches("=\"").count(),
                family.labels.len().max(usize::from(suffix == "_bucket"))
            );
        }
    }
    seen
}

#[test]
fn the_page_is_what_is_declared() {
    let status = [object("a", "Running"), object("b", "Held")];
    let page = text(&mut Metrics::default(), &status, true);
    let declared: BTreeSet<&str> = FAMILIES.iter().map(|family| family.name).collect();
    assert_eq!(families_in(&page), declared);
    for line in [
        "selfsame_objects{phase=\"held\"} 1",
        "selfsame_objects{phase=\"stopped\"} 0",
        "selfsame_object_phase{object=\"b\",phase=\"held\"} 1",
        "selfsame_object_condition{object=\"a\",type=\"Ready\",status=\"unknown\"} 1",
        "selfsame_object_ready_instances{object=\"a\"} 1",
        "selfsame_object_ready_instances{object=\"b\"} 0",
        "selfsame_restarts_total{object=\"a\"} 4",
        "selfsame_object_last_start_timestamp_seconds{object=\"a\"} 1000",
        "selfsame_starts_total{object=\"a\"} 0",
        "selfsame_prune_held_objects 2",
    ] {
        assert!(page.lines().any(|shown| shown == line), "{line}\n{page}");
    }
}

#[test]
fn who_is_not_the_engine_tells_nothing_of_it() {
    let page = text(&mut Metrics::default(), &[object("a", "Running")], false);
    assert!(page.contains("selfsame_restarts_total{object=\"a\"} 4"));
    for absent in ["selfsame_ticks_total", "process_", "selfsame_build_info", "selfsame_starts_total"] {
        assert!(!page.contains(absent), "{absent}");
    }
}

#[test]
fn names_and_help_follow_the_conventions() {
    for family in FAMILIES {
        let Family { name, kind, help, .. } = family;
        assert!(name.starts_with("selfsame_") || name.starts_with("process_"), "{name}");
        assert_eq!(name.ends_with("_total"), *kind == Kind::Counter, "{name}");
        assert!(!name.contains("milli") && !name.ends_with("_ms"), "{name}: base units");
        assert!(help.ends_with('.') && !help.contains('\n'), "{name}: {help}");
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '_'), "{name}");
    }
}

#[test]
fn the_number_of_series_is_bounded() {
    let status: Vec<ServiceStatus> =
        (0..OBJECTS_MAX + 7).map(|n| object(&format!("o{n:05}"), "Running")).collect();
    let page = text(&mut Metrics::default(), &status, true);
    assert!(page.contains("\nselfsame_objects_left_out 7\n"));
    assert!(page.contains(&format!("selfsame_objects{{phase=\"running\"}} {}\n", OBJECTS_MAX + 7)));
    let named = |family: &str| page.lines().filter(|line| line.starts_with(&format!("{family}{{"))).count();
    for family in ["selfsame_object_phase", "selfsame_restarts_total", "selfsame_starts_total"] {
        assert_eq!(named(family), OBJECTS_MAX, "{family}");
    }
}

#[test]
fn objects_that_are_gone_are_forgotten() {
    let mut metrics = Metrics::default();
    for name in ["a", "gone"] {
        metrics.starts.insert(ServiceName::new(name).unwrap(), Starts { done: 1, failed: 2 });
    }
    let page = text(&mut metrics, &[object("a", "Running")], true);
    assert!(page.contains("selfsame_start_failures_total{object=\"a\"} 2"));
    assert_eq!(metrics.starts.len(), 1);
}

#[test]
fn looks_and_turns_are_measured() {
    let mut metrics = Metrics::default();
    let at = Some(WallTime(Duration::from_secs(77)));
    metrics.note(&Event::Looked { took: Duration::from_millis(2), complete: at });
    metrics.note(&Event::Looked { took: Duration::from_millis(2), complete: None });
    metrics.note(&Event::Turned { took: Duration::from_millis(40) });
    metrics.note(&Event::Trouble("the disk is full"));
    let page = text(&mut metrics, &[], true);
    for line in [
        "selfsame_source_last_success_timestamp_seconds 77",
        "selfsame_source_look_duration_seconds_count 2",
        "selfsame_turn_duration_seconds_sum 0.04",
        "selfsame_troubles_total 1",
    ] {
        assert!(page.lines().any(|shown| shown == line), "{line}\n{page}");
    }
}
