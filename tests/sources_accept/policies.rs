//! Which Policies are in force while their files are broken, gone, and mended, also for the next engine.

use std::fs;

use selfsame::engine::accept::{Acceptance, PruneRules};
use selfsame::engine::sources::Sources;
use selfsame::host::good_texts::GoodTexts;
use selfsame::host::state_dir::Dirs;
use selfsame::spec::SpecSet;
use selfsame::units::BootTime;

use super::support::Bench;

fn policy(name: &str, every: &str) -> String {
    format!(
        "apiVersion: selfsame/v1\nkind: Policy\nmetadata: {{name: {name}}}\nspec: {{match: 'name == \"{name}\"', every: {every}}}\n"
    )
}

/// An engine's view of the documents.
struct Engine {
    sources: Sources,
    acceptance: Acceptance,
}

impl Engine {
    fn new(bench: &Bench) -> Self {
        let [run, lib, log] = ["run", "lib", "log"].map(|name| bench.path(name));
        fs::create_dir_all(&lib).unwrap();
        let texts = GoodTexts::open(&Dirs { run, lib, log });
        let sources = Sources::new(vec![bench.path("specs")]).with_good_texts(texts);
        Self { sources, acceptance: Acceptance::default() }
    }

    fn look(&mut self) -> SpecSet {
        let look = self.sources.look();
        self.acceptance.look(&look.seen, &PruneRules::default(), BootTime::default()).set
    }

    /// Names with their `every`, `*` behind what isn't in force by its present document.
    fn in_force(&mut self) -> String {
        let set = self.look();
        let word = |policy: &selfsame::spec::policy::Policy| {
            let stale = if set.stale_policies.contains_key(&policy.name) { "*" } else { "" };
            format!("{}={}{stale}", policy.name, policy.every.as_secs())
        };
        set.policies.values().map(|policy| word(policy)).collect::<Vec<_>>().join(" ")
    }
}

#[test]
fn a_broken_file_keeps_its_policies_for_the_next_engine_too() {
    let bench = Bench::new();
    let mut engine = Engine::new(&bench);
    bench.write("specs/a.yaml", &policy("a", "7s"));
    bench.write("specs/b.yaml", &policy("b", "8s"));
    assert_eq!(engine.in_force(), "a=7 b=8");
    bench.write("specs/a.yaml", &policy("a", "9s").replace("match", "mach"));
    assert_eq!(engine.in_force(), "a=7* b=8");
    let why = engine.look().stale_policies.into_values().next().unwrap();
    assert!(why.contains("unknown field `spec.mach`"), "{why}");
    let mut next = Engine::new(&bench);
    assert_eq!(next.in_force(), "a=7* b=8");
    fs::remove_file(bench.path("specs/b.yaml")).unwrap();
    assert_eq!(next.in_force(), "a=7*");
    bench.write("specs/a.yaml", &policy("a", "9s"));
    assert_eq!((next.in_force(), engine.in_force()), ("a=9".to_owned(), "a=9".to_owned()));
}

#[test]
fn a_directory_that_is_away_ends_no_policy() {
    let bench = Bench::new();
    let mut engine = Engine::new(&bench);
    bench.write("specs/a.yaml", &policy("a", "7s"));
    assert_eq!(engine.in_force(), "a=7");
    fs::rename(bench.path("specs"), bench.path("away")).unwrap();
    assert_eq!(engine.in_force(), "a=7*");
    fs::rename(bench.path("away"), bench.path("specs")).unwrap();
    assert_eq!(engine.in_force(), "a=7");
}
