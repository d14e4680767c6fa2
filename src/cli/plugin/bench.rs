//! `plugin bench`: what a plugin costs.

use std::time::{Duration, Instant};

use super::open::open;
use super::refuse;
use crate::cli::args::{BenchArgs, Output};
use crate::cli::exit::Exit;
use crate::cli::matching::open_world;
use crate::cli::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::plugin::Plugins;
use crate::report::{BenchReport, bench_text};
use crate::units::Pid;
use crate::workshop::{examples, processes};

/// Runs `plugin bench`.
pub(super) fn run(args: &BenchArgs, terminal: Terminal) -> Exit {
    match measure(args) {
        Ok(report) => {
            match args.output {
                Output::Json => terminal.json(&report),
                Output::Text => terminal.data(&bench_text(&report)),
            }
            Exit::Ok
        }
        Err(said) => refuse(&said, args.output, terminal),
    }
}

fn measure(args: &BenchArgs) -> Result<BenchReport, Vec<Diagnostic>> {
    let opened = open(&args.path)?;
    let manifest = opened.survey()?.manifest;
    let plugin = opened.load()?;
    let rounds = usize::try_from(args.rounds).unwrap_or(1);
    let of_examples = examples(&plugin, &manifest, rounds, &mut timed);
    let mut of_processes = Vec::new();
    if args.live || args.snapshot.is_some() {
        let world = open_world(args.snapshot.as_deref())?;
        let pids: Vec<Pid> = world.pids().known().map(|pids| pids.to_vec()).unwrap_or_default();
        let plugins = Plugins::new(vec![plugin.clone()]);
        of_processes = processes(&plugins, &plugin, &*world, &pids, &mut timed);
    }
    Ok(BenchReport::new(&of_examples, &of_processes))
}

#[expect(clippy::disallowed_methods, reason = "a stopwatch: nothing is decided by it")]
fn timed(work: &mut dyn FnMut()) -> Duration {
    let begun = Instant::now();
    work();
    begun.elapsed()
}
