//! `watch`: the loop, and what a person in front of it sees.

use std::collections::BTreeSet;
use std::hash::{BuildHasher as _, BuildHasherDefault, DefaultHasher};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use super::args::{Output, WatchArgs};
use super::each_once::each_once;
use super::exit::Exit;
use super::following;
use super::settings::{self, Configured};
use super::state;
use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::carried::Sum;
use crate::engine::metrics::Meter;
use crate::engine::sources::Sources;
use crate::engine::statuses::Statuses;
use crate::engine::watch::{Ended, Event, Watch, WatchOptions};
use crate::host::errno::io_text;
use crate::host::good_texts::GoodTexts;
use crate::host::linux::HostOptions;
use crate::host::own_limits;
use crate::host::state_dir::Dirs;
use crate::host::superior::Superior;
use crate::plan::action::Outcome;
use crate::plan::event::EventKind;
use crate::plan::status::PhaseWord;
use crate::report::{deed, event_words, held_text, lasting_line, printable, render_diagnostics, status_line};
use crate::spec::ServiceName;
use crate::spec::engine::Settings;
use crate::units::some_of;

/// A command that holds the state (`apply`, `stop`) is waited for, as it waits for another one: a watch that ended over it would be
/// missing from then on.
const SHORT_COMMANDS: Duration = Duration::from_mins(1);

/// Runs `watch`.
pub(super) fn run(args: &WatchArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    terminal.hold_nothing_up();
    let (over, over_git) = (args.settings.clone(), args.git.clone());
    let config = args.settings.keep.look.config.as_ref();
    let configured = settings::read(
        config,
        move |settings| {
            over.put_over(settings);
            over_git.put_over(settings);
        },
        terminal,
    );
    let Configured { settings, file } = match configured {
        Ok(configured) => configured,
        Err(exit) => return exit,
    };
    if let Err(exit) = following::judge(&args.git, &settings, terminal) {
        return exit;
    }
    // Who names a repository and no directory means the repository alone.
    let only_git = settings.git.is_some() && args.paths.is_empty() && settings.specs.is_empty();
    let places = if only_git {
        Vec::new()
    } else {
        each_once(&settings::places(&args.paths, &settings), settings.recursive)
    };
    if places.is_empty() && !only_git {
        terminal.say("error: nothing says what to keep\nhelp: name a directory of spec files");
        return Exit::Usage;
    }
    if let Some(exit) = exposed(&settings, args.metrics_remote, terminal) {
        return exit;
    }
    own_limits::take();
    let options = HostOptions {
        lock_timeout: SHORT_COMMANDS,
        signals: true,
        subreaper: true,
        ..HostOptions::default()
    };
    let mut opened = match state::open_unless_watched(dirs, options, terminal) {
        Ok(opened) => opened,
        Err(reason) => return reason.report(terminal),
    };
    let this_host = super::on_host::this_host(&settings, dirs);
    let followed = match following::follow(&mut opened.host, &settings, terminal) {
        Ok(followed) => followed,
        Err(exit) => return exit,
    };
    following::know_work_trees(&mut opened.host);
    let options = WatchOptions {
        settings: settings.clone(),
        file,
        hints: !args.no_hints,
        stop_on_exit: crate::host::is_init(),
    };
    let mut teller = Teller {
        terminal,
        superior: superior(terminal),
        told_ready: false,
        json: args.output == Output::Json,
        phases: Vec::new(),
        summary: String::new(),
        mistakes: BTreeSet::new(),
        unwritten: None,
    };
    let meter = Meter::default();
    let noting = Rc::clone(&meter);
    let mut tell = |event: Event<'_>| {
        noting.borrow_mut().note(&event);
        teller.tell(&event);
    };
    let shelf = Rc::clone(opened.host.shelf());
    let in_use = shelf.in_use(&opened.memory);
    let sources =
        Sources::new(places).in_a_loop().with_turned(followed).with_settings(&settings).on_host(this_host);
    let texts = GoodTexts::open(opened.host.dirs());
    let sources = sources.with_good_texts(texts).with_shelf(shelf).with_plugins(in_use);
    let mut watch = Watch::new(opened.host, sources, opened.memory, options, &mut tell).measured_by(meter);
    if let Some(address) = settings.metrics {
        watch = match serving(watch, address, terminal) {
            Ok(watch) => watch,
            Err(error) => {
                terminal.say(&format!("error: metrics can't be served at {address}: {}", io_text(&error)));
                return Exit::Failed;
            }
        };
    }
    let ended = watch.run();
    teller.superior.tell("STOPPING=1");
    match ended {
        Ok(Ended::TheyGoOn) => {
            terminal.say("selfsame ends; the services go on");
            Exit::Ok
        }
        Ok(Ended::Stopped { left }) if left.is_empty() => {
            terminal.say("selfsame ends; everything is stopped");
            Exit::Ok
        }
        Ok(Ended::Stopped { left }) => {
            let names: Vec<String> = left.iter().map(|name| format!("`{name}`")).collect();
            terminal.say(&format!("error: selfsame ends; not stopped: {}", names.join(", ")));
            Exit::Failed
        }
        Err(error) => {
            terminal.say(&format!("error: {error}; the services go on"));
            Exit::Failed
        }
    }
}

/// Whoever reaches the address is told, so it has to be meant that others than this host do.
fn exposed(settings: &Settings, meant: bool, terminal: Terminal) -> Option<Exit> {
    let address = settings.metrics.filter(|address| !address.ip().is_loopback() && !meant)?;
    let port = address.port();
    terminal.say(&format!(
        "error: `{address}` can be reached from other hosts, and nobody is asked who they are\nhelp: serve metrics at 127.0.0.1:{port}, or give `--metrics-remote` if it is meant"
    ));
    Some(Exit::Usage)
}

/// Says where, since a port 0 leaves the choice to the kernel.
fn serving(watch: Watch<'_>, address: SocketAddr, terminal: Terminal) -> std::io::Result<Watch<'_>> {
    let (watch, at) = watch.serving_metrics(address)?;
    terminal.say(&format!("metrics at http://{at}/metrics"));
    Ok(watch)
}

#[expect(clippy::disallowed_methods, reason = "the environment is read here, once")]
fn superior(terminal: Terminal) -> Superior {
    Superior::new(std::env::var_os("NOTIFY_SOCKET")).unwrap_or_else(|error| {
        terminal.say(&format!("warning: nobody is told that selfsame is ready: `NOTIFY_SOCKET`: {error}"));
        Superior::default()
    })
}

/// Turns events into lines. Data (what happened to services) to stdout, complaints to stderr.
struct Teller {
    terminal: Terminal,
    /// Whoever runs selfsame, and whether it knows that the first round is done.
    superior: Superior,
    told_ready: bool,
    json: bool,
    /// The line that was said of each object, by its hash, in the order of names: one piece of memory, since it grows between what starts need for a
    /// moment.
    phases: Vec<(ServiceName, u64)>,
    summary: String,
    /// The mistakes of the last look, as they were shown.
    mistakes: BTreeSet<String>,
    /// Why what is decided can't be written down, as it was said.
    unwritten: Option<String>,
}

impl Teller {
    /// Shows the mistakes that the last look didn't have: a change elsewhere is no reason to repeat the others.
    fn mistakes(&mut self, found: &[Diagnostic]) {
        let shown = |one: &Diagnostic| render_diagnostics(std::slice::from_ref(one), false);
        let fresh: Vec<Diagnostic> =
            found.iter().filter(|one| !self.mistakes.contains(&shown(one))).cloned().collect();
        self.terminal.diagnostics(&fresh);
        self.mistakes = found.iter().map(shown).collect();
    }

    fn tell(&mut self, event: &Event<'_>) {
        match event {
            Event::Sources(look) => self.mistakes(&look.diagnostics),
            Event::PruneHeld(held) => {
                self.terminal.say(&format!("held: {}", held_text(&held.plan(), &held.place)));
            }
            Event::Tick(tick) => {
                for (step, outcome) in &tick.outcomes {
                    if crate::engine::converge::is_worth_telling(step) {
                        let failed = matches!(outcome, Outcome::StartFailed { .. } | Outcome::Refused { .. });
                        self.line(step.service.as_str(), &deed(step, outcome, &tick.plan), failed);
                    }
                }
                self.unwritten(tick.not_remembered.as_ref());
            }
            Event::Policies(events) => {
                for event in *events {
                    let failed = matches!(event.kind, EventKind::PolicyFailed | EventKind::Violated);
                    self.line(
                        event.object.as_ref().map_or("", |name| name.as_str()),
                        &printable(event_words(event)),
                        failed,
                    );
                }
            }
            Event::Status { all, changed, sum } => self.status(all, changed, *sum),
            Event::Request(request) => {
                let wanted = request.wanted.to_string();
                self.terminal.say(&format!("{} asks: {}", printable(&request.by), printable(&wanted)));
            }
            // Measured, not told.
            Event::Looked { .. } | Event::Turned { .. } => {}
            Event::Settings(problems) => self.terminal.diagnostics(problems),
            Event::Revision { place, revision } => {
                let (place, revision) = (printable(place), printable(revision.to_string()));
                self.terminal.say(&format!("`{place}` is at {revision}"));
            }
            Event::Trouble(text) => self.terminal.say(&format!("warning: {}", printable(text))),
        }
    }

    /// It is tried again each second: said is when it begins, when the reason is another one, and when it is over.
    fn unwritten(&mut self, reason: Option<&String>) {
        if self.unwritten.as_ref() == reason {
            return;
        }
        self.terminal.say(&match reason {
            Some(reason) => {
                format!("warning: nothing is started, since it can't be recorded: {reason}")
            }
            None => "what is decided can be recorded again".to_owned(),
        });
        self.unwritten = reason.cloned();
    }

    fn line(&self, service: &str, text: &str, failed: bool) {
        if self.json {
            let row = serde_json::json!({ "service": service, "event": text, "failed": failed });
            self.terminal.data(&row.to_string());
        } else {
            self.terminal.data(text);
        }
    }

    /// Says what changed for each object, and the sum when it changed and is worth it.
    fn status(&mut self, status: &Statuses, changed: &BTreeSet<ServiceName>, sum: Sum) {
        for name in changed {
            let Some(service) = status.get(name.as_str()) else { continue };
            let line = status_line(&service);
            let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(&*lasting_line(&line));
            let quiet = matches!(service.phase, PhaseWord::Pending | PhaseWord::Stopping);
            if quiet {
                continue;
            }
            match self.phases.binary_search_by(|(known, _)| known.cmp(name)) {
                Ok(at) => {
                    let Some((_, known)) = self.phases.get_mut(at).filter(|(_, known)| *known != hash) else {
                        continue;
                    };
                    *known = hash;
                }
                Err(at) => self.phases.insert(at, (service.name.clone(), hash)),
            }
            self.line(service.name.as_str(), &line, false);
        }
        let Sum { instances, ready } = sum;
        let summary = format!("{} ready", some_of(ready, instances, "instance"));
        if !self.told_ready {
            self.superior.tell("READY=1");
            self.told_ready = true;
        }
        if self.summary != summary {
            self.superior.tell(&format!("STATUS={summary}"));
            if ready == instances && !self.json {
                self.terminal.data(&summary);
            }
            self.summary = summary;
        }
    }
}
