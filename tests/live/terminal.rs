//! The real program on a terminal of 80 columns and 24 rows.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Child;
use std::sync::{Arc, Mutex};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Termios, Winsize, tcgetattr, tcsetwinsize};

use super::support::{Bench, until};

/// A terminal, the program on it, and what a person would see.
struct Seat {
    child: Child,
    keys: File,
    screen: Arc<Mutex<vt100::Parser>>,
    /// Kept open, so that the settings can be read afterwards.
    line: OwnedFd,
    before: Termios,
}

impl Seat {
    fn new(bench: &Bench, args: &[&str]) -> Self {
        Self::of_kind("xterm", bench, args)
    }

    fn of_kind(kind: &str, bench: &Bench, args: &[&str]) -> Self {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let flags = rustix::fs::OFlags::RDWR | rustix::fs::OFlags::NOCTTY;
        let line = rustix::fs::open(name, flags, rustix::fs::Mode::empty()).unwrap();
        tcsetwinsize(&line, Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
        let before = tcgetattr(&line).unwrap();
        let end = || line.try_clone().unwrap();
        let child =
            bench.command(args).env("TERM", kind).stdin(end()).stdout(end()).stderr(end()).spawn().unwrap();
        let screen = Arc::new(Mutex::new(vt100::Parser::new(24, 80, 0)));
        let (mut out, into) = (File::from(master.try_clone().unwrap()), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = out.read(&mut bytes) {
                into.lock().unwrap().process(&bytes[..count]);
            }
        });
        Self { child, keys: File::from(master), screen, line, before }
    }

    fn contents(&self) -> String {
        self.screen.lock().unwrap().screen().contents()
    }

    fn resize(&self, columns: u16, rows: u16) {
        self.screen.lock().unwrap().screen_mut().set_size(rows, columns);
        tcsetwinsize(&self.line, Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 })
            .unwrap();
    }

    fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    #[track_caller]
    fn sees(&self, text: &str) {
        until(&format!("`{text}` on the screen"), || self.contents().contains(text));
    }

    /// Waits for the end: the terminal has to be as it was.
    #[track_caller]
    fn ends(mut self) -> Option<i32> {
        let mut status = None;
        until("the end", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        let after = tcgetattr(&self.line).unwrap();
        assert_eq!(after.local_modes, self.before.local_modes);
        assert_eq!(after.input_modes, self.before.input_modes);
        assert_eq!(after.output_modes, self.before.output_modes);
        until("the former screen", || !self.screen.lock().unwrap().screen().alternate_screen());
        until("a cursor", || !self.screen.lock().unwrap().screen().hide_cursor());
        status.unwrap().code()
    }
}

/// The rows of the screen.
fn rows(seat: &Seat) -> Vec<String> {
    seat.contents().lines().map(ToOwned::to_owned).collect()
}

/// The row below the one with this title.
fn below(seat: &Seat, title: &str) -> String {
    let all = rows(seat);
    let at = all.iter().position(|row| row.contains(title));
    at.and_then(|at| all.get(at + 1).cloned()).unwrap_or_default()
}

fn two() -> Bench {
    let mut bench = Bench::new();
    bench.daemon("one", "readiness: {aliveFor: 50ms}");
    bench.daemon("two", "readiness: {aliveFor: 50ms}");
    bench.watch(&[]);
    bench.until_running(&["one", "two"]);
    bench
}

#[test]
fn a_person_looks_around_and_acts() {
    let bench = two();
    let mut seat = Seat::new(&bench, &["status", "--watch"]);
    seat.sees("2 objects: 2 Running");
    seat.sees("%");
    seat.press("\u{1b}[B");
    seat.press("x");
    seat.sees("explanation of two");
    seat.sees("generation: 1 (observed 1)");
    seat.press("l");
    seat.sees("log of two");
    seat.press("e");
    let starts = bench.starts_of("two").len();
    seat.press("r");
    seat.sees("restart two? (y/n)");
    seat.press("y");
    until("the restart", || bench.starts_of("two").len() > starts);
    seat.sees("s ago  two: ");
    seat.press("s");
    // The view has to know of it before the same key means the opposite.
    seat.sees("Held");
    seat.press("s");
    until("the end of it", || bench.condition("two", "Suspended")["status"] != "True");
    seat.press("/one\r");
    until("only one", || !seat.contents().lines().nth(3).unwrap_or_default().starts_with("two"));
    seat.press("?");
    seat.sees("Any key closes this.");
    seat.press("q");
    seat.press("q");
    assert_eq!(seat.ends(), Some(0));
    assert_eq!(bench.starts_of("one").len(), 1);
}

/// A terminal that can't move its cursor got all that the picture is drawn with.
#[test]
fn a_dumb_terminal_gets_lines() {
    let bench = two();
    let seat = Seat::of_kind("dumb", &bench, &["status", "--watch"]);
    seat.sees("two ");
    assert!(!seat.screen.lock().unwrap().screen().alternate_screen());
    let first = seat.contents().lines().next().unwrap_or_default().to_owned();
    assert!(first.starts_with("NAME"), "{first}");
    bench.kill(i32::try_from(seat.child.id()).unwrap(), "TERM");
    assert_eq!(seat.ends(), Some(0));
}

#[test]
fn signals_and_ctrl_c_give_the_terminal_back() {
    let bench = two();
    for end in ["TERM", "INT", "HUP", "\u{3}"] {
        let mut seat = Seat::new(&bench, &["status", "--watch"]);
        seat.sees("2 objects");
        assert!(seat.screen.lock().unwrap().screen().alternate_screen());
        if end == "\u{3}" {
            seat.press(end);
        } else {
            bench.kill(i32::try_from(seat.child.id()).unwrap(), end);
        }
        assert_eq!(seat.ends(), Some(0), "{end:?}");
    }
}

/// Every key of the help that the story above doesn't press, and a terminal that becomes another size.
#[test]
fn rows_and_panes_are_gone_through_by_keys_at_any_size() {
    let bench = two();
    let mut seat = Seat::new(&bench, &["status", "--watch"]);
    seat.sees("2 objects: 2 Running");
    seat.press("x");
    seat.sees("explanation of one");
    // Down, up, and the same by arrows, pages, Home and End; each pane is about the chosen row.
    for (keys, chosen) in [
        ("j", "two"),
        ("k", "one"),
        ("G", "two"),
        ("g", "one"),
        ("\u{1b}[6~", "two"),
        ("\u{1b}[5~", "one"),
        ("\u{1b}[F", "two"),
        ("\u{1b}[H", "one"),
        ("\u{1b}[B", "two"),
        ("\u{1b}[A", "one"),
    ] {
        seat.press(keys);
        seat.sees(&format!("explanation of {chosen}"));
    }
    seat.press("\t");
    seat.sees("log of one");
    seat.press("\t");
    until("another pane", || !seat.contents().contains("log of one"));
    seat.press("\t");
    seat.sees("explanation of one");
    // A line farther, and back.
    until("its beginning", || below(&seat, "explanation of one").starts_with("one: "));
    seat.press("[");
    until("the next line", || !below(&seat, "explanation of one").starts_with("one: "));
    seat.press("]");
    until("its beginning again", || below(&seat, "explanation of one").starts_with("one: "));
    seat.press("/two\r");
    until("only two", || !rows(&seat).iter().any(|row| row.starts_with("one ")));
    seat.press("\u{1b}");
    until("both", || rows(&seat).iter().any(|row| row.starts_with("one ")));
    for (columns, rows_now) in [(120, 40), (40, 10), (80, 24)] {
        seat.resize(columns, rows_now);
        until(&format!("a picture of {columns} columns"), || {
            let last = rows(&seat).last().cloned().unwrap_or_default();
            last.starts_with("q quit") && rows(&seat).len() == usize::from(rows_now)
        });
    }
    seat.press("q");
    assert_eq!(seat.ends(), Some(0));
}

/// The watch ends, and begins again, in front of who looks on.
#[test]
fn the_view_goes_on_without_its_watch() {
    let mut bench = two();
    let mut seat = Seat::new(&bench, &["status", "--watch"]);
    seat.sees("2 objects: 2 Running");
    bench.end_watch("KILL");
    seat.sees("no watch is running; looked just now");
    seat.press("s");
    seat.sees("no watch is running that could be asked");
    seat.press("x");
    seat.sees("explanation of one");
    bench.watch(&[]);
    until("the watch", || !seat.contents().contains("no watch is running; looked just now"));
    seat.press("s");
    until("the wish", || bench.condition("one", "Suspended")["status"] == "True");
    seat.press("q");
    assert_eq!(seat.ends(), Some(0));
}
