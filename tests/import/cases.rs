//! Case files: sources in, documents and report out.
//!
//! ```text
//! ==== title
//! @ KIND PATH [NAME=VALUE]...         or `@ words ONE LINE`, or `@ pid NUMBER [NAME]...`
//! -- /path/of/a/file                  a `*` behind it: executable; `-- snapshot`: the host
//! its content
//! >>
//! what is expected
//! ```

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use selfsame::diagnostic::Source;
use selfsame::import::{
    Imported, Kind, Memory, Request, RunningOptions, import, import_command, running, write,
};
use selfsame::process::snapshot::Snapshot;
use selfsame::report::{import_notes, render_diagnostics};
use selfsame::units::Pid;

/// A case in parts.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) title: String,
    pub(crate) order: String,
    pub(crate) files: Vec<(String, String)>,
    pub(crate) expected: String,
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/cases")
}

/// Every case file with its cases.
pub(crate) fn all() -> Vec<(PathBuf, Vec<Case>)> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|e| e == "txt"));
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let cases = parse(&fs::read_to_string(&path).unwrap());
            (path, cases)
        })
        .collect()
}

fn parse(text: &str) -> Vec<Case> {
    let blocks = text.split("\n==== ").map(|block| block.strip_prefix("==== ").unwrap_or(block));
    blocks.filter(|block| !block.trim().is_empty()).map(case).collect()
}

fn case(block: &str) -> Case {
    let (title, rest) = block.split_once('\n').unwrap();
    let (order, rest) = rest.split_once('\n').unwrap();
    let (files, expected) = rest.split_once(">>\n").unwrap_or((rest, ""));
    let mut all: Vec<(String, String)> = Vec::new();
    for line in files.lines() {
        if let Some(path) = line.strip_prefix("-- ") {
            all.push((path.to_owned(), String::new()));
        } else {
            let (_, text) = all.last_mut().unwrap_or_else(|| panic!("{title}: text before a file"));
            text.push_str(line);
            text.push('\n');
        }
    }
    let order = order.strip_prefix("@ ").unwrap_or_else(|| panic!("{title}: no order")).to_owned();
    Case { title: title.to_owned(), order, files: all, expected: expected.to_owned() }
}

impl Case {
    pub(crate) fn snapshot(&self) -> Option<&str> {
        self.files.iter().find(|(path, _)| path == "snapshot").map(|(_, text)| text.as_str())
    }

    fn memory(&self) -> Memory {
        let files = self.files.iter().filter(|(path, _)| path != "snapshot");
        Memory::new(files.map(|(path, text)| (path.as_str(), text.as_str())))
    }

    /// Carries the order out.
    pub(crate) fn run(&self) -> Imported {
        let files = self.memory();
        let (verb, rest) = self.order.split_once(' ').unwrap();
        if verb == "words" {
            return import_command(&[rest.to_owned()], &files, &Request::default());
        }
        let mut words = rest.split(' ');
        let path = words.next().unwrap();
        if verb == "pid" {
            let source = Source::new("snapshot", self.snapshot().unwrap());
            let world = Snapshot::parse(&source).unwrap();
            let options = RunningOptions { env: words.map(str::to_owned).collect() };
            return running(Pid(path.parse().unwrap()), &world, &files, &options);
        }
        let pair = |word: &str| word.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let request = Request { set: words.map(pair).collect() };
        let kind = Kind::parse(verb).unwrap_or_else(|| panic!("{}: no kind `{verb}`", self.title));
        import(kind, path, &files, &request)
    }

    fn output(&self) -> String {
        let Imported { found, notes, problems } = self.run();
        let mut text = String::new();
        for written in write(found) {
            match written {
                Ok(written) => {
                    text.push_str(&written.text);
                    text.push_str(&import_notes(written.name.as_str(), &written.notes, true));
                }
                Err(refused) => text.push_str(&render_diagnostics(&[refused.problem], false)),
            }
        }
        text.push_str(&import_notes("-", &notes, true));
        text.push_str(&render_diagnostics(&problems, false));
        text
    }
}

#[test]
fn sources_become_documents() {
    let update = std::env::var_os("UPDATE_CASES").is_some();
    let mut wrong = String::new();
    for (path, cases) in all() {
        assert!(cases.len() >= 6, "{} has only {} cases", path.display(), cases.len());
        let mut whole = String::new();
        for case in cases {
            let output = case.output();
            if output.trim_end() != case.expected.trim_end() {
                let _ = write!(
                    wrong,
                    "{}: {}\n--- expected\n{}\n--- got\n{output}\n",
                    path.display(),
                    case.title,
                    case.expected
                );
            }
            let _ = writeln!(whole, "==== {}\n@ {}", case.title, case.order);
            for (name, text) in &case.files {
                let _ = write!(whole, "-- {name}\n{text}");
            }
            let _ = writeln!(whole, ">>\n{}\n", output.trim_end());
        }
        if update {
            fs::write(&path, format!("{}\n", whole.trim_end())).unwrap();
        }
    }
    assert!(update || wrong.is_empty(), "{wrong}");
}

#[test]
fn the_kind_of_every_source_is_told_by_what_it_says() {
    for (path, cases) in all() {
        for case in cases {
            let (verb, rest) = case.order.split_once(' ').unwrap();
            if matches!(verb, "words" | "pid") || case.title.contains("undetected") {
                continue;
            }
            let source = rest.split(' ').next().unwrap();
            let told = selfsame::import::detect(source, &case.memory());
            assert_eq!(told, Kind::parse(verb), "{}: {}", path.display(), case.title);
        }
    }
}
