//! What keys do, and what a refresh keeps.

use selfsame::report::live::{Command, Deed, Key, Live, Pane, changes};
use selfsame::spec::ServiceName;

use super::drawn::{instance, live, object, objects, picture, snapshot};

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

/// The selected row, by what a request would be about.
fn selected(live: &Live) -> String {
    let mut asked = live.clone();
    asked.press(Key::Char('x'));
    let (_, name, index) = asked.wants().unwrap();
    format!("{name} {index}")
}

#[test]
fn a_table_of_keys() {
    let web = |deed| Some(Command::Ask(deed, name("web")));
    let rows: [(&[Key], Option<Command>); 12] = [
        (&[Key::Char('q')], Some(Command::Quit)),
        (&[Key::Interrupt], Some(Command::Quit)),
        (&[Key::Char('/'), Key::Interrupt], Some(Command::Quit)),
        (&[Key::Char('/'), Key::Char('q')], Some(Command::Look)),
        (&[Key::Char('?'), Key::Char('q')], None),
        (&[Key::Char('r')], None),
        (&[Key::Char('r'), Key::Char('y')], Some(Command::Ask(Deed::Restart, name("kv")))),
        (&[Key::Char('r'), Key::Char('n')], None),
        (&[Key::Char('r'), Key::Enter], None),
        (&[Key::Char('s')], Some(Command::Ask(Deed::Suspend, name("kv")))),
        (&[Key::End, Key::Char('s')], web(Deed::Suspend)),
        (&[Key::Char('/'), Key::Char('w'), Key::Enter, Key::Char('s')], web(Deed::Suspend)),
    ];
    for (keys, expected) in rows {
        let mut live = live();
        let mut last = None;
        for key in keys {
            last = live.press(*key);
        }
        assert_eq!(last, expected, "{keys:?}");
    }
}

#[test]
fn what_is_suspended_is_resumed() {
    let mut live = Live::default();
    let conditions = [("Suspended", "True", "kv: suspended by ann")];
    live.take(snapshot(vec![object("kv", "Held", &[], &conditions)], 1));
    assert_eq!(live.press(Key::Char('s')), Some(Command::Ask(Deed::Resume, name("kv"))));
}

#[test]
fn without_a_watch_nothing_is_asked() {
    for key in ['s', 'r'] {
        let mut live = Live::default();
        let mut alone = snapshot(objects(0), 1);
        alone.told = false;
        live.take(alone);
        assert_eq!(live.press(Key::Char(key)), None);
        assert_eq!(live.press(Key::Char('y')), None);
    }
}

#[test]
fn the_selection_stays_with_its_row_while_others_come_and_go() {
    let mut live = live();
    live.press(Key::End);
    assert_eq!(selected(&live), "web 1");
    let mut more = objects(1);
    more.insert(0, object("a", "Stopped", &[], &[]));
    live.take(snapshot(more, 62));
    assert_eq!(selected(&live), "web 1");
    live.take(snapshot(vec![object("web", "Running", &[instance(0, "Running", 900, 0)], &[])], 63));
    assert_eq!(selected(&live), "web 0", "its row is gone");
    live.take(snapshot(Vec::new(), 64));
    assert_eq!(live.press(Key::Char('s')), None);
    live.take(snapshot(objects(1), 65));
    assert_eq!(selected(&live), "kv 0");
}

#[test]
fn panes_go_round() {
    let mut live = live();
    let mut seen = Vec::new();
    for _ in 0..3 {
        live.press(Key::Tab);
        seen.push(live.pane());
    }
    assert_eq!(seen, [Pane::Explain, Pane::Log, Pane::Events]);
}

#[test]
fn a_change_is_told_once_and_a_shorter_wait_is_none() {
    assert_eq!(changes(&objects(0), &objects(0)), []);
    let lines = changes(&objects(0), &objects(1));
    assert_eq!(lines, [(name("kv"), "kv: Running (pid 813); before that it died by signal KILL".to_owned())]);
    let waits = |message| vec![object("lost", "BackOff", &[], &[("BackOff", "True", message)])];
    assert_eq!(changes(&waits("lost: next start in 4s"), &waits("lost: next start in 3s")), []);
    assert_eq!(changes(&objects(0), &[]).len(), 4, "all are gone");
}

#[test]
fn the_first_refresh_is_no_change() {
    let mut live = Live::default();
    live.take(snapshot(objects(0), 60));
    assert!(!picture(&live, 80, 24).contains(" ago  "));
    live.take(snapshot(objects(1), 61));
    assert!(picture(&live, 80, 24).contains("0s ago  kv: Running"), "{}", picture(&live, 80, 24));
}
