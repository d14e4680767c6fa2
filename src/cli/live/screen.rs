//! The terminal of the live view: taken, waited at, and given back whatever happens.

use std::io;
use std::panic;
use std::sync::Arc;

use ratatui::Terminal as Drawn;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};

use super::loads::Loads;
use super::{REFRESH, Refresh, detail};
use crate::host::clock;
use crate::host::control::{Ask, Line};
use crate::host::wake::Waker;
use crate::plan::wanted::{Objects, Wanted};
use crate::report::live::{Command, Deed, Key, Live, draw};
use crate::spec::ServiceName;
use crate::units::BootTime;

/// Shows the view until somebody ends it: `q`, Ctrl-C, a signal, or a terminal that closes.
///
/// # Errors
/// The terminal or the status can't be had.
pub(super) fn run(source: &Refresh<'_>, colour: bool) -> io::Result<()> {
    let mut screen = Screen::open()?;
    let mut view = View { live: Live::default(), loads: Loads::default(), next: BootTime::default() };
    loop {
        if view.next <= clock::now().boot {
            view.refresh(source);
        }
        screen.drawn.draw(|frame| draw(&view.live, colour, frame))?;
        let woken = screen.waker.wait(Some(view.next))?;
        if woken.stop.is_some() || woken.reload {
            return Ok(());
        }
        while event::poll(std::time::Duration::ZERO)? {
            let command = key(&event::read()?).and_then(|key| view.live.press(key));
            match command {
                Some(Command::Quit) => return Ok(()),
                Some(Command::Look) => view.look_closer(source),
                Some(Command::Ask(deed, name)) => view.ask(deed, &name, source),
                None => {}
            }
        }
    }
}

struct View {
    live: Live,
    loads: Loads,
    next: BootTime,
}

impl View {
    fn refresh(&mut self, source: &Refresh<'_>) {
        match source.find() {
            Ok(found) => {
                self.live.take(super::snapshot(&found, &mut self.loads));
                self.look_closer(source);
            }
            Err(sentence) => self.live.say(&format!("error: {sentence}")),
        }
        self.next = clock::now().boot.after(REFRESH);
    }

    /// Looks up what the pane shows.
    fn look_closer(&mut self, source: &Refresh<'_>) {
        let Some((pane, name, index)) = self.live.wants() else { return };
        let text = detail::text(pane, (&name, index), source.dirs, source.terminal);
        self.live.show(name, index, text);
    }

    /// Asks the watch for it. What becomes of it is seen in the view.
    fn ask(&mut self, deed: Deed, name: &ServiceName, source: &Refresh<'_>) {
        let objects = Objects::one(name);
        let wanted = match deed {
            Deed::Restart => Wanted::Restart(objects),
            Deed::Resume => Wanted::Resume(objects),
            Deed::Suspend => Wanted::Suspend { objects, reason: String::new(), until: None },
        };
        let asked = Line::connect(source.dirs, ANSWER)
            .and_then(|mut line| line.ask_as(crate::host::caller(), Ask::Do(wanted), ANSWER));
        match asked {
            Ok(_) => self.live.say(&format!("asked: {} {name}", deed.word())),
            Err(error) => self.live.say(&format!("error: {error}")),
        }
        self.next = clock::now().boot;
    }
}

/// The view stands still no longer than that for an answer.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(2);

type Hook = Arc<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync>;

/// The terminal, while it is ours.
struct Screen {
    drawn: Drawn<CrosstermBackend<io::Stdout>>,
    waker: Waker,
    former: Hook,
}

impl Screen {
    fn open() -> io::Result<Self> {
        // Signals first: one that comes later ends the loop, which gives the terminal back.
        let waker = Waker::new(true)?;
        waker.watch_probes(io::stdin())?;
        enable_raw_mode()?;
        // The words of a panic would be lost in the view's screen.
        let former: Hook = Arc::from(panic::take_hook());
        let after = Arc::clone(&former);
        panic::set_hook(Box::new(move |info| {
            give_back();
            after(info);
        }));
        let opened = execute!(io::stdout(), EnterAlternateScreen)
            .and_then(|()| Drawn::new(CrosstermBackend::new(io::stdout())));
        match opened {
            Ok(drawn) => Ok(Self { drawn, waker, former }),
            Err(error) => {
                give_back();
                Err(error)
            }
        }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
        if !std::thread::panicking() {
            let former = Arc::clone(&self.former);
            panic::set_hook(Box::new(move |info| former(info)));
        }
    }
}

/// As it was before. What fails here can't be helped.
fn give_back() {
    let _ = execute!(io::stdout(), LeaveAlternateScreen, Show);
    let _ = disable_raw_mode();
}

/// What a key means to the view.
fn key(event: &Event) -> Option<Key> {
    let Event::Key(event) = event else { return None };
    if event.kind == KeyEventKind::Release {
        return None;
    }
    let control = event.modifiers.contains(KeyModifiers::CONTROL);
    Some(match event.code {
        KeyCode::Char('c') if control => Key::Interrupt,
        KeyCode::Char(_) if control => return None,
        KeyCode::Char(c) => Key::Char(c),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Home => Key::Home,
        KeyCode::End => Key::End,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        KeyCode::Backspace => Key::Backspace,
        KeyCode::Tab => Key::Tab,
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::disallowed_methods, reason = "tests")]
mod tests {
    use std::fs::File;
    use std::io::Read as _;
    use std::process::Command;

    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use rustix::termios::tcgetattr;

    use super::*;

    /// Not a test of its own: the one below runs it on a terminal.
    #[test]
    #[ignore = "panics on a terminal, for another test"]
    fn with_the_terminal_taken() {
        let _screen = Screen::open().unwrap();
        panic!("it was meant");
    }

    #[test]
    fn a_panic_gives_the_terminal_back_before_it_speaks() {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let line = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let before = tcgetattr(&line).unwrap();
        let end = || line.try_clone().unwrap();
        let inner = "cli::live::screen::tests::with_the_terminal_taken";
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", inner, "--ignored", "--nocapture", "--test-threads=1"])
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .unwrap();
        let (mut out, mut text) = (File::from(master), Vec::new());
        let mut bytes = [0; 4096];
        // The line stays open here, so that the end of the output is not the end of the file.
        while !String::from_utf8_lossy(&text).contains("test result") {
            let count = out.read(&mut bytes).unwrap();
            text.extend(bytes.iter().take(count));
        }
        assert!(!child.wait().unwrap().success());
        let text = String::from_utf8_lossy(&text);
        let at = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what:?} in {text:?}"));
        assert!(at("\u{1b}[?1049h") < at("\u{1b}[?1049l"), "{text:?}");
        assert!(at("\u{1b}[?1049l") < at("it was meant"), "{text:?}");
        let after = tcgetattr(&line).unwrap();
        assert_eq!((after.local_modes, after.input_modes), (before.local_modes, before.input_modes));
    }
}
