//! `watch`: the loop, and what a person in front of it sees.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::args::{Output, WatchArgs};
use super::exit::Exit;
use super::settings::{self, Configured};
use super::state;
use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::sources::Sources;
use crate::engine::watch::{Ended, Event, Watch, WatchOptions};
use crate::host::linux::HostOptions;
use crate::host::presence;
use crate::host::state_dir::Dirs;
use crate::host::superior::Superior;
use crate::plan::action::Outcome;
use crate::plan::status::{PhaseWord, ServiceStatus};
use crate::report::{deed, held_text, printable, render_diagnostics, status_line};
use crate::spec::ServiceName;

/// Runs `watch`.
pub(super) fn run(args: &WatchArgs, dirs: &Dirs, terminal: Terminal) -> Exit {
    let over = args.settings.clone();
    let config = args.settings.keep.look.config.as_ref();
    let configured = settings::read(config, move |settings| over.put_over(settings), terminal);
    let Configured { settings, file } = match configured {
        Ok(configured) => configured,
        Err(exit) => return exit,
    };
    let places = settings::places(&args.paths, &settings);
    if places.is_empty() {
        terminal.say("error: nothing says what to keep\nhelp: name a directory of spec files");
        return Exit::Usage;
    }
    let opened = match state::open(
        dirs,
        HostOptions { signals: true, subreaper: true, ..HostOptions::default() },
        terminal,
    ) {
        Ok(opened) => opened,
        Err(reason) => return reason.report(terminal),
    };
    let this_host = super::on_host::this_host(&settings, dirs);
    if let Err(reason) = presence::announce(dirs, &places, &this_host, None) {
        terminal.say(&format!("warning: {reason}"));
    }
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
        phases: BTreeMap::new(),
        summary: String::new(),
        mistakes: BTreeSet::new(),
    };
    let mut tell = |event: Event<'_>| teller.tell(&event);
    let shelf = Rc::clone(opened.host.shelf());
    let in_use = shelf.in_use(&opened.memory);
    let sources = Sources::new(places).with_settings(&settings).on_host(this_host);
    let sources = sources.with_shelf(shelf).with_plugins(in_use);
    let watch = Watch::new(opened.host, sources, opened.memory, options, &mut tell);
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
    phases: BTreeMap<ServiceName, String>,
    summary: String,
    /// The mistakes of the last look, as they were shown.
    mistakes: BTreeSet<String>,
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
                        self.line(step.service.as_str(), &deed(step, outcome), failed);
                    }
                }
                if let Some(reason) = &tick.not_remembered {
                    self.terminal.say(&format!(
                        "warning: nothing new is started, since it can't be recorded: {reason}"
                    ));
                }
            }
            Event::Status(status) => self.status(status),
            Event::Request(request) => {
                let wanted = request.wanted.to_string();
                self.terminal.say(&format!("{} asks: {}", printable(&request.by), printable(&wanted)));
            }
            Event::Settings(problems) => self.terminal.diagnostics(problems),
            Event::Trouble(text) => self.terminal.say(&format!("warning: {}", printable(text))),
        }
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
    fn status(&mut self, status: &[ServiceStatus]) {
        for service in status {
            let line = status_line(service);
            let quiet = matches!(service.phase, PhaseWord::Pending | PhaseWord::Stopping);
            if self.phases.get(&service.name) != Some(&line) && !quiet {
                self.line(service.name.as_str(), &line, false);
                self.phases.insert(service.name.clone(), line);
            }
        }
        let wanted = status.iter().map(|service| service.instances.len()).sum::<usize>();
        let ready = |service: &ServiceStatus| {
            service.instances.iter().filter(|i| i.phase == PhaseWord::Running).count()
        };
        let ready: usize = status.iter().map(ready).sum();
        let summary = format!("{ready} of {wanted} instances are ready");
        if !self.told_ready {
            self.superior.tell("READY=1");
            self.told_ready = true;
        }
        if self.summary != summary {
            self.superior.tell(&format!("STATUS={summary}"));
            if ready == wanted && !self.json {
                self.terminal.data(&summary);
            }
            self.summary = summary;
        }
    }
}
