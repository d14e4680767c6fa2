//! `check`: every mistake of all files, in one run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use super::args::{CheckArgs, CheckOutput};
use super::codes::registered_codes;
use super::exit::Exit;
use super::settings;
use super::terminal::Terminal;
use crate::diagnostic::Diagnostic;
use crate::engine::sources::SourcesLook;
use crate::host::shelf::Shelf;
use crate::host::state_dir::Dirs;
use crate::process::expression::compile_with;
use crate::report::{ExpressionCost, cost_table, diagnostic_rows, github_annotations, printable, sarif};
use crate::spec::matcher::Trial;
use crate::spec::policies::PolicyTrial;
use crate::spec::{Expression, Service, variables};
use crate::units::counted;

/// Runs `check`.
pub(super) fn run(args: &CheckArgs, dirs: Option<&Dirs>, terminal: Terminal) -> Exit {
    if args.cost && args.output != CheckOutput::Text {
        terminal.say("error: `--cost` is a table for people\nhelp: leave out `--output`");
        return Exit::Usage;
    }
    let over = args.settings.clone();
    let config = args.settings.config.as_ref();
    let settings = match settings::read(config, move |settings| over.put_over(settings), terminal) {
        Ok(configured) => configured.settings,
        Err(exit) => return exit,
    };
    let host = super::on_host::shown_host(&args.host, &settings, dirs);
    let made = |paths: Vec<PathBuf>| super::lint::sources(&paths, &args.matchers, args.snapshot.as_deref());
    let sources = match super::piped::sources(&args.paths, &settings, made) {
        Ok(sources) => sources,
        Err(sentence) => {
            terminal.say(&format!("error: {sentence}"));
            return Exit::Failed;
        }
    };
    let shelf = Rc::new(Shelf::default());
    let mut look = sources.with_shelf(Rc::clone(&shelf)).on_host(host).look();
    let trials = super::test::all(&look);
    let failed = trials.matchers.iter().filter_map(Trial::failure);
    let failed: Vec<Diagnostic> =
        failed.chain(trials.policies.iter().filter_map(PolicyTrial::failure)).collect();
    look.diagnostics.extend(failed);
    let hints = super::lint::on_host(&look, args.snapshot.as_deref(), shelf.checked());
    look.diagnostics.extend(hints);
    if args.snapshot.is_none() {
        let lacking = super::lint::lacking(&look);
        look.diagnostics.extend(lacking);
    }
    let errors = look.diagnostics.iter().filter(|d| d.is_error()).count();
    let warnings = look.diagnostics.len() - errors;
    match args.output {
        CheckOutput::Json => terminal.json(&diagnostic_rows(&look.diagnostics)),
        CheckOutput::Sarif => terminal.json(&sarif(&look.diagnostics, &registered_codes())),
        CheckOutput::Github => terminal.data(&github_annotations(&look.diagnostics)),
        CheckOutput::Text => terminal.diagnostics(&look.diagnostics),
    }
    super::one_look::say_empty(&look, &args.paths, terminal);
    if args.verbose {
        for ignored in &look.ignored {
            let path = printable(ignored.path.as_os_str().as_encoded_bytes());
            terminal.say(&format!("passed over: {path}: {}", ignored.why));
        }
        for (name, why) in look.seen.elsewhere.iter().chain(&look.policies_elsewhere) {
            terminal.say(&format!("{name}: not for this host: {}", printable(why)));
        }
        for service in look.services().into_iter().filter(|service| !service.defaults.is_empty()) {
            terminal.say(&format!("{}: {}", service.name, origins(service)));
        }
    }
    if args.cost {
        terminal.data(&cost_table(&costs(&look)));
    }
    if errors > 0 {
        return Exit::Failed;
    }
    if args.output == CheckOutput::Text {
        let others = look.matchers.len() + look.policies.len() + look.names.defaults.documents().len();
        let count = look.services().len() + others;
        terminal.data(&format!("{} in {}: good\n", counted(count, "object"), counted(look.files(), "file")));
    }
    if args.strict && warnings > 0 { Exit::Warnings } else { Exit::Ok }
}

fn costs(look: &SourcesLook) -> Vec<ExpressionCost> {
    let of_services = look.services().into_iter().flat_map(|service| of_service(service, look));
    of_services.chain(of_policies(look)).collect()
}

fn of_policies(look: &SourcesLook) -> Vec<ExpressionCost> {
    let policies = look.policies.iter().map(|document| &document.policy);
    let conditions = policies.flat_map(|policy| {
        let one = |key: &'static str, text: &Option<Expression>| {
            let predicate =
                compile_with(&text.as_ref()?.text, BTreeMap::new(), &look.names.library).predicate?;
            Some(ExpressionCost { place: format!("{} {key}", policy.name), estimate: predicate.estimate() })
        };
        [one("match", &policy.subject), one("when", &policy.when)]
    });
    conditions.flatten().collect()
}

fn of_service<'a>(service: &'a Service, look: &SourcesLook) -> Vec<ExpressionCost> {
    let health = |rule: Option<&'a crate::spec::Readiness>| rule.and_then(|rule| rule.check.expression());
    let one = [
        ("match", service.narrow.as_ref()),
        ("matchOnly", service.match_only.as_ref()),
        ("readiness.when", health(Some(&service.readiness))),
        ("liveness.when", health(service.liveness.as_ref())),
    ];
    let triggers = service.triggers.iter().map(|trigger| ("triggers", Some(&trigger.when)));
    let conditions = service.conditions.iter().map(|condition| ("conditions", condition.expression()));
    let fields = one.into_iter().chain(triggers).chain(conditions);
    let types: std::collections::BTreeMap<_, _> =
        variables(service).into_iter().map(|(name, (ty, _))| (name, ty)).collect();
    let estimate = |(key, text): (&str, &crate::spec::Expression)| {
        let predicate = compile_with(&text.text, types.clone(), &look.names.library).predicate?;
        Some(ExpressionCost { place: format!("{} {key}", service.name), estimate: predicate.estimate() })
    };
    fields.filter_map(|(key, text)| estimate((key, text?))).collect()
}

/// `user` and `env.LANG` from the Defaults `base`
fn origins(service: &Service) -> String {
    let mut by_name: std::collections::BTreeMap<&str, Vec<String>> = std::collections::BTreeMap::new();
    for (field, defaults) in &service.defaults {
        by_name.entry(defaults).or_default().push(format!("`{}`", printable(field)));
    }
    let each =
        |(name, fields): (&str, Vec<String>)| format!("{} from the Defaults `{name}`", fields.join(" and "));
    by_name.into_iter().map(each).collect::<Vec<_>>().join(", ")
}
