//! Verdicts. A file has sections; in each the facts of a host and of processes, then rows.
//!
//! ```text
//! @ host                       facts of the host for all sections that follow (YAML below `host:`)
//! [name]                       a section, with its processes (YAML below `processes:`)
//! set startas=/srv/a.py        binds a name in this section
//! > EXPRESSION --> true        verdict on the only process, or `7 ?8 gone:9` (`-` for none)
//! > EXPRESSION --> unknown ; a ; b      and what the reasons and notes say
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use selfsame::diagnostic::Source;
use selfsame::facts::Fact;
use selfsame::lang::Vocabularies;
use selfsame::lang::schema::Vocabulary as _;
use selfsame::lang::value::{Type, Value};
use selfsame::process::expression::{compile_expression, variables};
use selfsame::process::snapshot::Snapshot;
use selfsame::process::world::World as _;
use selfsame::process::{ProcessVocabulary, candidate};
use selfsame::report::MatchRow;

#[derive(Default)]
struct Section {
    name: String,
    host: String,
    processes: String,
    set: BTreeMap<String, String>,
    rows: Vec<(String, String)>,
}

fn sections(text: &str) -> Vec<Section> {
    let mut host = String::new();
    let mut in_host = false;
    let mut all: Vec<Section> = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with("//")) {
        if line == "@ host" {
            (host, in_host) = (String::new(), true);
        } else if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            in_host = false;
            all.push(Section { name: name.into(), host: host.clone(), ..Section::default() });
        } else if in_host {
            host.push_str(&format!("{line}\n"));
        } else if let Some(row) = line.strip_prefix("> ") {
            let (expression, answer) = row.rsplit_once(" --> ").unwrap_or_else(|| panic!("{line}"));
            all.last_mut().unwrap().rows.push((expression.trim().into(), answer.trim().into()));
        } else if let Some((name, value)) = line.strip_prefix("set ").and_then(|rest| rest.split_once('=')) {
            all.last_mut().unwrap().set.insert(name.into(), value.into());
        } else if !line.trim().is_empty() {
            all.last_mut().unwrap().processes.push_str(&format!("  {line}\n"));
        }
    }
    all
}

impl Section {
    fn snapshot(&self) -> Snapshot {
        let host =
            if self.host.trim().is_empty() { "host: {}\n".into() } else { format!("host:\n{}", self.host) };
        let text = format!("{host}processes:\n{}", self.processes);
        Snapshot::parse(&Source::new(self.name.clone(), text.clone())).unwrap_or_else(|problems| {
            let said: Vec<String> = problems.iter().map(|p| format!("{} {:?}", p.message, p.help)).collect();
            panic!("[{}] {said:#?}\n{text}", self.name)
        })
    }

    fn bindings(&self) -> BTreeMap<String, Value> {
        let known = variables();
        let value = |name: &str, text: &str| match known[name] {
            Type::Path => Value::path(text),
            Type::List(_) => Value::list(text.split_whitespace().map(Value::string)),
            _ => Value::string(text),
        };
        self.set.iter().map(|(name, text)| (name.clone(), value(name, text))).collect()
    }

    /// The answers to one expression, and all that was said about them.
    fn ask(&self, world: &Snapshot, expression: &str) -> (String, String) {
        let compiled = compile_expression(expression);
        let Some(predicate) = compiled.predicate else {
            let said: Vec<String> = compiled.diagnostics.into_iter().map(|d| d.message).collect();
            return ("error".into(), said.join("; "));
        };
        // As `explain` and `match --all` do.
        let vocabulary = ProcessVocabulary::new(world).explaining();
        let facts = Vocabularies(vec![&vocabulary]);
        let matcher = predicate.bind(&self.bindings(), &facts).matcher;
        let Fact::Known(pids) = world.pids() else { panic!("[{}] no processes", self.name) };
        let mut said = Vec::new();
        let mut answers = Vec::new();
        for pid in pids.iter().copied() {
            let verdict = matcher.eval(&candidate(pid), &facts);
            let row = MatchRow::new(pid, &verdict, vocabulary.take_notes());
            said.extend(row.reasons.iter().chain(&row.notes).cloned());
            match row.verdict {
                "true" => answers.push(format!("{pid}")),
                "unknown" => answers.push(format!("?{pid}")),
                "gone" => answers.push(format!("gone:{pid}")),
                _ => {}
            }
            if pids.len() == 1 {
                answers = vec![row.verdict.into()];
            }
        }
        if answers.is_empty() {
            answers.push("-".into());
        }
        (answers.join(" "), said.join("; "))
    }
}

fn check(file: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/acceptance").join(file);
    let mut wrong = Vec::new();
    let mut count = 0;
    for section in sections(&fs::read_to_string(path).unwrap()) {
        let world = section.snapshot();
        for (expression, wanted) in &section.rows {
            count += 1;
            let mut parts = wanted.split(" ; ");
            let verdicts = parts.next().unwrap_or_default().trim();
            let (got, said) = section.ask(&world, expression);
            let lacks = parts.filter(|part| !said.contains(part.trim())).count();
            if got != verdicts || lacks > 0 {
                wrong.push(format!(
                    "[{}] {expression}\n    wanted {wanted}\n    got    {got} ; {said}",
                    section.name
                ));
            }
        }
    }
    assert!(count > 10, "{file}: only {count} rows");
    assert!(wrong.is_empty(), "{} of {count} rows of {file}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn equality_of_programs() {
    check("equality.txt");
}

#[test]
fn interpreters_and_what_env_does() {
    check("interpreter.txt");
}

#[test]
fn executions_of_a_file() {
    check("runs.txt");
}

#[test]
fn absent_and_unknown() {
    check("absent.txt");
}

#[test]
fn operators_quantifiers_functions() {
    check("values.txt");
}
