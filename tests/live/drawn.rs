//! The picture, at the size of an old terminal and wider: `tests/live/*.txt`. `UPDATE_CASES=1` writes them anew.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use selfsame::plan::status::ServiceStatus;
use selfsame::report::live::{Key, Live, Load, Snapshot, draw};
use selfsame::spec::ServiceName;
use selfsame::units::{BootTime, Now, WallTime};
use serde_json::{Value, json};

/// An object, from JSON, so that fields which are added later need not be said.
pub(super) fn object(
    name: &str,
    phase: &str,
    instances: &[Value],
    conditions: &[(&str, &str, &str)],
) -> ServiceStatus {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(kind, status, message)| {
            json!({"type": kind, "status": status, "reason": "Because", "message": message,
                "lastTransitionTime": {"secs": 0, "nanos": 0}})
        })
        .collect();
    serde_json::from_value(json!({
        "name": name, "generation": 1, "observedGeneration": 1, "phase": phase, "nextAttemptMs": null,
        "source": {"file": "specs/a.yaml", "line": 1, "digest": ""},
        "instances": instances, "conditions": conditions,
    }))
    .unwrap()
}

pub(super) fn instance(index: u32, phase: &str, pid: i32, restarts: u64) -> Value {
    json!({"index": index, "phase": phase, "pid": pid, "startTicks": 5, "adopted": false, "exe": "/bin/sh",
        "since": {"secs": 1000, "nanos": 0}, "restarts": restarts, "lastExit": {"signal": "KILL"}})
}

pub(super) fn snapshot(objects: Vec<ServiceStatus>, seconds: u64) -> Snapshot {
    let now = Now {
        boot: BootTime(Duration::from_secs(seconds)),
        wall: WallTime(Duration::from_secs(1000 + seconds)),
    };
    Snapshot { objects, policies: Vec::new(), loads: BTreeMap::new(), told: true, now }
}

/// A store, two copies of a web server, one that can't start and a task.
pub(super) fn objects(restarts: u64) -> Vec<ServiceStatus> {
    vec![
        object(
            "kv",
            "Running",
            &[instance(0, "Running", 812 + i32::try_from(restarts).unwrap(), restarts)],
            &[],
        ),
        object(
            "lost",
            "BackOff",
            &[json!({"index": 0, "phase": "BackOff", "pid": null, "startTicks": null, "adopted": false,
                "exe": null, "since": null, "restarts": 0, "lastExit": null})],
            &[
                ("Ready", "False", "lost: 0 of 1 Ready"),
                (
                    "BackOff",
                    "True",
                    "lost: next start in 4s, after 3 failures: `/srv/lost`: no such file or directory (ENOENT)",
                ),
            ],
        ),
        object("nightly", "Stopped", &[], &[]),
        object("web", "Running", &[instance(0, "Running", 900, 0), instance(1, "Starting", 901, 2)], &[]),
    ]
}

pub(super) fn live() -> Live {
    let mut live = Live::default();
    live.take(snapshot(objects(0), 60));
    let mut second = snapshot(objects(1), 61);
    let mut load = |name: &str, index, cpu, memory| {
        second.loads.insert((ServiceName::new(name).unwrap(), index), Load { cpu, memory });
    };
    load("kv", 0, Some(12.34), 180 << 20);
    load("web", 0, Some(0.0), 9_000_000);
    load("web", 1, None, 1 << 20);
    live.take(second);
    live
}

pub(super) fn picture(live: &Live, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(live, false, frame)).unwrap();
    let buffer = terminal.backend().buffer().clone();
    let row = |y| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned();
    (0..height).map(|y| row(y) + "\n").collect()
}

#[track_caller]
fn check(name: &str, live: &Live, width: u16, height: u16) {
    let shown = picture(live, width, height);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live").join(format!("{name}.txt"));
    if std::env::var_os("UPDATE_CASES").is_some() {
        std::fs::write(&path, &shown).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), shown, "{name}");
}

#[test]
fn the_table_with_events() {
    check("events-80x24", &live(), 80, 24);
    check("events-140x40", &live(), 140, 40);
}

/// All columns were there and none could be read.
#[test]
fn a_narrow_terminal_has_the_columns_that_say_most() {
    let mut live = live();
    live.take(snapshot(
        vec![object("service-of-a-shop", "Running", &[instance(0, "Running", 812, 0)], &[])],
        60,
    ));
    let table = |width| picture(&live, width, 24).lines().skip(1).take(2).collect::<Vec<_>>().join("\n");
    assert_eq!(
        table(60),
        "NAME              PHASE    PID     MEMORY  SINCE  NOTE\nservice-of-a-shop Running  812             1m"
    );
    assert_eq!(table(34), "NAME              PHASE    PID\nservice-of-a-shop Running  812");
    assert_eq!(table(20), "NAME        PHASE\nservice-of- Running");
    assert_eq!(table(10), "N PHASE\ns Running");
}

#[test]
fn the_explanation_of_the_selected_object() {
    let mut live = live();
    live.press(Key::Down);
    live.press(Key::Char('x'));
    let (_, name, index) = live.wants().unwrap();
    live.show(name, index, "lost: BackOff\n  source: specs/a.yaml:1\n  a line that is longer than the terminal is wide, which is why it goes on in the next one\n".into());
    check("explain-80x24", &live, 80, 24);
}

/// It could be scrolled away, and as many keys were needed to bring it back.
#[test]
fn an_explanation_stays_in_sight() {
    let mut live = live();
    live.press(Key::Char('x'));
    let (_, name, index) = live.wants().unwrap();
    live.show(name, index, "its first line\nits last line\n".into());
    for _ in 0..100 {
        live.press(Key::Char('['));
    }
    let far = picture(&live, 80, 24);
    assert!(far.contains("its last line") && !far.contains("its first line"), "{far}");
    live.press(Key::Char(']'));
    assert!(picture(&live, 80, 24).contains("its first line"));
}

#[test]
fn the_log_of_the_selected_instance_is_its_end() {
    let mut live = live();
    live.press(Key::Char('l'));
    let (_, name, index) = live.wants().unwrap();
    live.show(name, index, (1..50).map(|n| format!("line {n}\n")).collect());
    check("log-80x24", &live, 80, 24);
}

#[test]
fn help_and_questions_and_filters() {
    let mut asked = live();
    asked.press(Key::Char('?'));
    check("help-80x24", &asked, 80, 24);
    let mut asked = live();
    asked.press(Key::Char('r'));
    assert!(picture(&asked, 80, 24).ends_with("restart kv? (y/n)\n"));
    let mut asked = live();
    for key in ['/', 'w', 'e'] {
        asked.press(Key::Char(key));
    }
    let shown = picture(&asked, 80, 24);
    assert!(shown.contains("web[1]") && !shown.contains("lost  "), "{shown}");
}

/// A terminal may have any size, and rows beyond it are scrolled to.
#[test]
fn no_size_is_too_small() {
    for (width, height) in [(1, 1), (3, 2), (20, 5), (80, 6), (400, 3)] {
        let mut live = live();
        for key in [Key::Char('x'), Key::End, Key::Char('?'), Key::Char('a'), Key::Char('l'), Key::Char('/')]
        {
            live.press(key);
            picture(&live, width, height);
        }
    }
    let many = (0..100).map(|n| object(&format!("o{n:02}"), "Stopped", &[], &[])).collect();
    let mut live = Live::default();
    live.take(snapshot(many, 1));
    live.press(Key::End);
    let shown = picture(&live, 80, 24);
    assert!(shown.contains("o99") && !shown.contains("o00"), "{shown}");
}

#[test]
fn what_a_service_says_of_itself_moves_no_cursor() {
    let mut live = Live::default();
    let message = "bad: \u{1b}[2J\u{7}evil\nnext";
    live.take(snapshot(vec![object("bad", "Held", &[], &[("Ready", "False", message)])], 1));
    live.press(Key::Char('l'));
    let (_, name, index) = live.wants().unwrap();
    live.show(name, index, "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}1m".into());
    let shown = picture(&live, 100, 24);
    assert!(!shown.chars().any(|c| c.is_control() && c != '\n'), "{shown:?}");
}
