//! `match` and `explain EXPR`: an expression over the processes of this host or of a snapshot.

mod explain;
mod fields;
mod listing;
mod live;
mod question;
pub(super) mod sampling;
mod scope;
mod signalling;
mod tracing;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use question::Question;

use super::args::{ExplainArgs, MatchArgs, MatchOutput, Output, PickArgs};
use super::exit::Exit;
use super::terminal::Terminal;
use crate::diagnostic::{Diagnostic, Source};
use crate::engine::sources::Sources;
use crate::facts::Fact;
use crate::host::proc::LiveWorld;
use crate::lang::Predicate;
use crate::lang::value::{Type, Value};
use crate::plugin::{Look, in_order};
use crate::process::chain::Surroundings;
use crate::process::expression::{compile_alone, schema_of, variables};
use crate::process::select::{Family, Pick, select};
use crate::process::snapshot::Snapshot;
use crate::process::world::World;
use crate::process::{ProcessVocabulary, lints};
use crate::report::MatchRow;
use crate::spec::Names;
use crate::units::{Pid, format_duration};

/// From look to look; more often than that costs a processor and shows nothing more.
const INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Runs `match`.
pub(super) fn run_match(args: &MatchArgs, terminal: Terminal) -> Exit {
    if let Err(sentence) = possible(args, terminal) {
        terminal.say(&format!("error: {sentence}"));
        return Exit::Usage;
    }
    let json = matches!(args.form.form(), MatchOutput::Json | MatchOutput::Jsonl);
    let given = given(&args.matchers);
    let columns = match fields::compile(args.form.fields.as_deref(), schema_of(&given.0.library)) {
        Ok(columns) => columns,
        Err(problems) => {
            report_problems(&problems, json, terminal);
            return Exit::Warnings;
        }
    };
    let shows_false = args.pick.all || !args.pid.is_empty();
    let asked = Asked {
        expression: &args.expression,
        set: &args.set,
        snapshot: args.snapshot.as_deref(),
        pids: &args.pid,
        json,
        inverse: args.pick.inverse,
        containers: args.pick.containers,
        extra: match (args.live.trace, shows_false && args.form.form() != MatchOutput::Pids) {
            (true, _) => Extra::Account,
            (false, true) => Extra::NearMisses,
            (false, false) => Extra::Nothing,
        },
        explains: false,
        // A watch compares its own looks.
        sample: (!args.live.watch).then_some(args.sample),
        columns: &columns,
    };
    with_question(&asked, &given, terminal, |question| answer(args, &question, &columns, terminal))
}

/// What clap can't tell.
fn possible(args: &MatchArgs, terminal: Terminal) -> Result<(), String> {
    let acts = args.act.signal.is_some() || args.act.wait.is_some() || args.live.watch;
    if acts && args.snapshot.is_some() {
        return Err(
            "a snapshot's processes can't be signalled, waited for or watched; leave out `--snapshot`".into(),
        );
    }
    if args.act.signal.is_some() && !args.act.yes && !terminal.can_ask() {
        return Err("`--signal` asks before it sends, and nobody can be asked here; add `--yes`".into());
    }
    if args.live.interval < INTERVAL_MIN {
        return Err(format!("`--interval` is at least {}", format_duration(INTERVAL_MIN)));
    }
    if args.live.timeout.is_some() && args.act.wait.is_none() && !args.live.watch {
        return Err("`--timeout` ends `--wait` or `--watch`; add one of them".into());
    }
    let form = args.form.form();
    let plain = matches!(form, MatchOutput::Pids | MatchOutput::Tsv);
    let bare = args.form.count || args.live.watch || args.live.trace || !plain;
    if (args.form.null || args.form.delimiter.is_some()) && bare {
        return Err("`--delimiter` and `--null` are for the forms `pids` and `tsv`".into());
    }
    let acts_on_processes = args.act.signal.is_some() || args.act.wait.is_some();
    if form == MatchOutput::Tsv
        && (acts_on_processes || args.live.watch || args.live.trace || args.form.count)
    {
        return Err("the form `tsv` lists processes only; use `json`".into());
    }
    if form == MatchOutput::Pids && args.form.fields.is_some() {
        return Err("`--fields` needs columns; use the form `table`, `json`, `jsonl` or `tsv`".into());
    }
    Ok(())
}

/// From the question to what is done with its answer.
fn answer(args: &MatchArgs, question: &Question<'_>, columns: &[fields::Field], terminal: Terminal) -> Exit {
    if args.live.trace {
        return tracing::run(args, question, terminal);
    }
    if args.live.watch {
        return live::run(args, question, terminal);
    }
    // Rows of processes that don't match are needed to show them, or because they are what is asked for.
    let everything = args.pick.all || args.pick.inverse || !args.pid.is_empty();
    let rows = if everything { question.rows() } else { question.found() };
    if !args.form.quiet {
        scope::say_left_out(question.left_out.get(), terminal);
    }
    let pids = |is: fn(&MatchRow) -> bool| rows.iter().filter(|row| is(row)).map(|row| row.pid).collect();
    let (matching, undecided): (Vec<Pid>, Vec<Pid>) = (pids(MatchRow::is_match), pids(MatchRow::is_unknown));
    let (pick, family) = picking(&args.pick);
    let acts = args.act.signal.is_some() || args.act.wait.is_some();
    let chosen = match select(question.world, &matching, &undecided, pick, family) {
        Ok(chosen) => chosen,
        Err(sentence) => {
            if !args.form.quiet {
                terminal.say(&format!("nothing is chosen: {sentence}"));
            }
            return if acts { Exit::Held } else { Exit::Changes };
        }
    };
    if acts {
        return signalling::run(args, question, &chosen, &rows, terminal);
    }
    listing::print(args, question, columns, &listing::Found { rows: &rows, chosen: &chosen }, terminal);
    match (chosen.is_empty(), undecided.is_empty()) {
        (false, _) => Exit::Ok,
        (true, false) => Exit::Changes,
        (true, true) => Exit::Failed,
    }
}

fn picking(args: &PickArgs) -> (Pick, Family) {
    let pick = match (args.newest, args.oldest, args.limit) {
        (true, ..) => Pick::Newest,
        (_, true, _) => Pick::Oldest,
        (_, _, Some(most)) => Pick::First(most),
        (false, false, None) => Pick::All,
    };
    let family = match (args.children, args.tree) {
        (_, true) => Family::Tree,
        (true, false) => Family::Children,
        (false, false) => Family::Alone,
    };
    (pick, family)
}

/// Runs `explain EXPR`.
pub(super) fn run_explain(args: &ExplainArgs, terminal: Terminal) -> Exit {
    let asked = Asked {
        expression: &args.subject,
        set: &args.set,
        snapshot: args.snapshot.as_deref(),
        pids: &args.pid,
        json: args.output == Output::Json,
        inverse: false,
        containers: false,
        extra: Extra::NearMisses,
        explains: true,
        sample: Some(args.sample),
        columns: &[],
    };
    with_question(&asked, &given(&args.matchers), terminal, |question| {
        explain::run(&question, args.output, terminal)
    })
}

/// What the command line asks for.
#[expect(
    clippy::struct_excessive_bools,
    reason = "flags of the command line, each independent of the others"
)]
struct Asked<'a> {
    expression: &'a str,
    set: &'a [(String, String)],
    snapshot: Option<&'a Path>,
    pids: &'a [i32],
    json: bool,
    /// What matches is what the expression is false for.
    inverse: bool,
    /// Processes of other PID namespaces are asked about too.
    containers: bool,
    extra: Extra,
    /// Every answer of a plugin is accounted for.
    explains: bool,
    /// How long to wait between two looks where one doesn't tell.
    sample: Option<Duration>,
    columns: &'a [fields::Field],
}

/// What a look does besides answering.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Extra {
    Nothing,
    /// Near misses are noted: where processes that are false are shown.
    NearMisses,
    /// An account is kept of what is read.
    Account,
}

fn with_question(
    asked: &Asked<'_>,
    given: &Given,
    terminal: Terminal,
    then: impl FnOnce(Question<'_>) -> Exit,
) -> Exit {
    let source = Source::new("<expression>", asked.expression);
    let (names, said) = (&given.0, given.1.clone());
    let compiled = compile_alone(asked.expression, &names.library);
    let mut diagnostics = said;
    diagnostics.extend(compiled.diagnostics);
    let bindings = match &compiled.predicate {
        Some(predicate) => {
            let (bindings, problems) = bind_names(predicate, asked.set);
            diagnostics.extend(problems);
            bindings
        }
        None => BTreeMap::new(),
    };
    let samples = Rc::default();
    let opened = match (asked.snapshot, &compiled.predicate) {
        (None, Some(predicate)) => open_live().map(|live| {
            let live = sampling::twice(live, asked, predicate, &bindings, names, &samples);
            let live = if asked.extra == Extra::Account { live.with_account() } else { live };
            Box::new(live) as Box<dyn World>
        }),
        (snapshot, _) => open_world(snapshot),
    };
    let world = match opened {
        Ok(world) => Some(world),
        Err(problems) => {
            diagnostics.extend(problems);
            None
        }
    };
    // What isn't about a place in it is no mistake of the expression.
    let located = |said: Diagnostic| if said.span().is_some() { said.in_source(&source) } else { said };
    let diagnostics: Vec<Diagnostic> = diagnostics.into_iter().map(located).collect();
    let (Some(predicate), Some(world), false) =
        (compiled.predicate, world, diagnostics.iter().any(Diagnostic::is_error))
    else {
        report_problems(&diagnostics, asked.json, terminal);
        return Exit::Warnings;
    };
    let vocabulary = ProcessVocabulary::new(&*world);
    let vocabulary = if asked.extra == Extra::NearMisses { vocabulary.explaining() } else { vocabulary };
    let plugins = names.plugins();
    let look = if asked.explains { Look::explaining() } else { Look::default() };
    let answer = plugins.vocabularies(&vocabulary, &*world, &look);
    let bound = predicate.bind(&bindings, &in_order(&vocabulary, &answer));
    let files = lints::files(bound.matcher.root(), &*world, &Surroundings::default(), false);
    let images = lints::images(bound.matcher.root(), &*world);
    let bound_to = bound.diagnostics.into_iter().chain(files).chain(images).map(|d| d.in_source(&source));
    let all: Vec<Diagnostic> = diagnostics.into_iter().chain(bound_to).collect();
    terminal.diagnostics(&all);
    let (pids, all_pids) = match pids_of(&*world, asked.pids) {
        Ok(found) => found,
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Changes;
        }
    };
    let inverse = asked.inverse;
    let exit = then(Question {
        samples: &samples,
        world: &*world,
        vocabulary: &vocabulary,
        plugins: &plugins,
        answer: &answer,
        look: &look,
        matcher: &bound.matcher,
        pids,
        all_pids,
        inverse,
        everywhere: asked.containers || scope::asks_where(bound.matcher.root()),
        left_out: Cell::default(),
    });
    drop(answer);
    // The program ends: to give back what was learnt of each process piece by piece would be for nobody.
    std::mem::forget(world);
    exit
}

/// What the documents of these places give to expressions, and the errors in them.
pub(super) type Given = (Names, Vec<Diagnostic>);

pub(super) fn given(places: &[PathBuf]) -> Given {
    if places.is_empty() {
        return (Names::default(), Vec::new());
    }
    let look = Sources::new(Vec::new()).with_libraries(places.to_vec()).look();
    let errors = look.diagnostics.into_iter().filter(Diagnostic::is_error).collect();
    (look.names, errors)
}

fn report_problems(diagnostics: &[Diagnostic], json: bool, terminal: Terminal) {
    if json {
        terminal.json(&crate::report::diagnostic_rows(diagnostics));
    } else {
        terminal.diagnostics(diagnostics);
    }
}

/// The host that is asked: a snapshot file, or this one.
pub(super) fn open_world(snapshot: Option<&Path>) -> Result<Box<dyn World>, Vec<Diagnostic>> {
    let Some(path) = snapshot else { return Ok(Box::new(open_live()?)) };
    read_snapshot(path).map(|snapshot| Box::new(snapshot) as Box<dyn World>)
}

/// A snapshot file.
pub(super) fn read_snapshot(path: &Path) -> Result<Snapshot, Vec<Diagnostic>> {
    let name = path.display().to_string();
    let text = crate::host::read_text(path).map_err(|error| {
        vec![Diagnostic::error(super::codes::FILE, format!("`{name}` can't be read: {error}"))]
    })?;
    Snapshot::parse(&Source::new(name, text))
}

fn open_live() -> Result<LiveWorld, Vec<Diagnostic>> {
    LiveWorld::new().map(|live| live.with_patience().with_help()).map_err(|error| {
        vec![Diagnostic::error(super::codes::HOST, format!("this host's `/proc` can't be used: {error}"))]
    })
}

/// The processes asked for: those given, or all of them but selfsame itself.
fn pids_of(world: &dyn World, given: &[i32]) -> Result<(Vec<Pid>, bool), String> {
    if !given.is_empty() {
        return Ok((given.iter().copied().map(Pid).collect(), false));
    }
    match world.pids() {
        Fact::Known(pids) => {
            let own = world.self_pid().known();
            Ok((pids.iter().copied().filter(|pid| Some(*pid) != own).collect(), true))
        }
        Fact::Absent => Ok((Vec::new(), true)),
        Fact::Unknown(reason) => Err(format!("the processes can't be listed ({reason})")),
    }
}

/// Gives the names that `--set` binds their values, and points at names that nothing binds.
fn bind_names(predicate: &Predicate, set: &[(String, String)]) -> (BTreeMap<String, Value>, Vec<Diagnostic>) {
    let known = variables();
    let mut problems = Vec::new();
    let mut bindings: BTreeMap<String, Value> = BTreeMap::new();
    for (name, text) in set {
        match known.get(name) {
            Some(ty) => add_binding(&mut bindings, name, ty, text),
            None => problems.push(unknown_name(name, known.keys().map(String::as_str))),
        }
    }
    for name in predicate.needs().variables {
        if !bindings.contains_key(&name) {
            problems.push(
                Diagnostic::error(super::codes::UNBOUND, format!("`{name}` has no value here")).help(
                    match name.as_str() {
                        "args" => {
                            "write `argv` for the arguments of the process, or bind it: `--set args=VALUE`"
                                .to_owned()
                        }
                        _ => format!("bind it: `--set {name}=VALUE`"),
                    },
                ),
            );
        }
    }
    (bindings, problems)
}

fn add_binding(bindings: &mut BTreeMap<String, Value>, name: &str, ty: &Type, text: &str) {
    let value = match ty {
        Type::Path => Value::path(absolute(text)),
        Type::List(_) => Value::list(text.split_whitespace().map(Value::string)),
        _ => Value::string(text),
    };
    bindings.insert(name.to_owned(), value);
}

/// A path on the command line is meant from here.
fn absolute(text: &str) -> Vec<u8> {
    use std::os::unix::ffi::OsStringExt as _;
    std::path::absolute(text)
        .map_or_else(|_| text.as_bytes().to_vec(), |path| path.into_os_string().into_vec())
}

fn unknown_name<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Diagnostic {
    let list: Vec<String> = known.clone().map(|word| format!("`{word}`")).collect();
    let problem = Diagnostic::error(super::codes::UNBOUND, format!("`--set {name}=...` binds nothing"));
    match crate::diagnostic::did_you_mean(name, known) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(format!("names that can be bound: {}", list.join(", "))),
    }
}

/// What could not be decided goes to stderr, a few lines at most.
fn say_unknown(rows: &[MatchRow], terminal: Terminal) {
    const SHOWN: usize = 5;
    let unknown: Vec<&MatchRow> = rows.iter().filter(|row| row.is_unknown()).collect();
    for row in unknown.iter().take(SHOWN) {
        terminal.say(&format!("unknown: {}: {}", row.pid, row.reasons.join("; ")));
    }
    if unknown.len() > SHOWN {
        terminal.say(&format!("unknown: {} more; `--output table --all` lists them", unknown.len() - SHOWN));
    }
}
