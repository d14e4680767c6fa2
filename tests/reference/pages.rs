//! Every code has a page, and what a page shows is so: its wrong example gives the code, its mended one does not.

use std::collections::{BTreeMap, BTreeSet};

use selfsame::cli::registered_codes;
use selfsame::diagnostic::{Diagnostic, Source};
use selfsame::plugin::{Grants, Plugin};
use selfsame::process::expression::schema;
use selfsame::report::{Page, PagePart, code_pages};
use selfsame::workshop;

use super::support::Bench;

const HOST: &str = include_str!("host.yaml");

/// Codes whose mistake can't be shown in a few lines, or not without a host that has it.
const NOT_SHOWN: &[&str] = &[
    "S013", "S027", "M401", "M402", "M405", "M408", "W120", "S001", "S002", "S051", "Y001", "Y002", "Y004",
    "Y011", "F001", "F002", "C001", "C002", "C003", "C004", "I001", "I002", "I003", "I004", "I005", "I006",
    "I007", "S070", "S071", "S072", "S092", "S131", "S093", "S193", "F003", "F004", "C005", "P001", "P101",
    "P102", "P209", "P405", "F005", "S095",
];

#[test]
fn every_code_has_a_page_of_its_own() {
    let pages = code_pages();
    let codes: BTreeMap<&str, &str> =
        registered_codes().iter().map(|(code, words)| (code.0, *words)).collect();
    assert_eq!(codes.len(), registered_codes().len(), "a code stands in two registries");
    let mut seen = BTreeSet::new();
    for page in &pages {
        assert!(seen.insert(page.code), "two pages about {}", page.code);
        assert!(codes.contains_key(page.code), "a page about {}, which is no code", page.code);
        assert!(
            matches!(page.parts.first(), Some(PagePart::Text(text)) if text.len() > 40),
            "{} says too little",
            page.code
        );
        assert!(
            page.parts.iter().any(|part| matches!(part, PagePart::Example { .. })),
            "{} shows nothing",
            page.code
        );
    }
    let missing: Vec<&str> = codes.keys().copied().filter(|code| !seen.contains(code)).collect();
    assert!(missing.is_empty(), "no page in docs/codes about {missing:?}");
}

/// The codes that selfsame gives for an example.
fn given(bench: &Bench, info: &str, text: &str) -> BTreeSet<String> {
    let mut words = info.split(' ');
    let host = bench.write("host.yaml", HOST).display().to_string();
    let ran = match words.next().unwrap() {
        "match" => {
            let mut args = vec!["match", text, "--snapshot", &host, "--set", "startas=/srv/app.py"];
            let set: Vec<&str> = words.skip(2).collect();
            for binding in &set {
                args.extend(["--set", binding]);
            }
            bench.run(&args)
        }
        "spec" => {
            bench.spec("example", text);
            bench.run(&["check", "specs/example.yaml", "--snapshot", &host])
        }
        "document" => {
            bench.write("specs/example.yaml", text);
            bench.run(&["check", "specs/example.yaml", "--snapshot", &host])
        }
        "snapshot" => {
            let file = bench.write("example.yaml", text).display().to_string();
            bench.run(&["match", "pid > 1", "--snapshot", &file])
        }
        "manifest" => {
            let read = selfsame::plugin::manifest::read("t", text.as_bytes(), schema());
            return codes_of(read.err().unwrap_or_default());
        }
        "module" => {
            let wasm = wat::parse_str(text).unwrap();
            return codes_of(
                Plugin::load("t", &wasm, &Grants::default(), schema()).err().unwrap_or_default(),
            );
        }
        "cases" => {
            let none = |name: &str| panic!("the example names the snapshot {name}");
            return codes_of(
                workshop::read_cases(&Source::new("cases", text), &none).err().unwrap_or_default(),
            );
        }
        "wat" => return codes_of(workshop::assemble(&Source::new("wat", text)).err().unwrap_or_default()),
        "plugin" => {
            return codes_of(workshop::read_document(&Source::new("plugin", text)).err().unwrap_or_default());
        }
        other => panic!("`{other}` is no kind of example"),
    };
    let codes = |mark: &str| -> Vec<String> {
        ran.stderr.split(mark).skip(1).map(|rest| rest.split(']').next().unwrap().to_owned()).collect()
    };
    codes("error[").into_iter().chain(codes("warning[")).collect()
}

fn codes_of(said: Vec<Diagnostic>) -> BTreeSet<String> {
    said.into_iter().map(|said| said.code.0.to_owned()).collect()
}

fn examples<'p>(page: &'p Page, role: &str) -> Vec<(&'p str, &'p str)> {
    let parts = page.parts.iter().filter_map(|part| match part {
        PagePart::Example { info, text } => Some((*info, text.as_str())),
        PagePart::Text(_) => None,
    });
    parts.filter(|(info, _)| info.split(' ').nth(1) == Some(role)).collect()
}

#[test]
fn wrong_examples_give_their_code_and_mended_ones_give_none() {
    let bench = Bench::new();
    let mut problems = Vec::new();
    for page in code_pages() {
        let (wrong, mended) = (examples(&page, "wrong"), examples(&page, "mended"));
        let shown = !wrong.is_empty() && !mended.is_empty();
        assert_eq!(shown, !NOT_SHOWN.contains(&page.code), "{}: wrong and mended", page.code);
        // Without plugins no module says anything but that.
        let tried = |info: &str| {
            cfg!(feature = "plugins") || !(info.starts_with("module") || info.starts_with("wat"))
        };
        for (info, text) in wrong.into_iter().filter(|(info, _)| tried(info)) {
            let codes = given(&bench, info, text);
            if !codes.contains(page.code) {
                problems.push(format!("{} is not among {codes:?} of\n{text}", page.code));
            }
        }
        for (info, text) in mended.into_iter().filter(|(info, _)| tried(info)) {
            let codes = given(&bench, info, text);
            if !codes.is_empty() {
                problems.push(format!("the mended example of {} gives {codes:?}\n{text}", page.code));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

#[test]
fn a_code_is_explained_as_it_stands_in_a_message() {
    let bench = Bench::new();
    for asked in ["W101", "w101", "[W101]"] {
        let page = bench.ok(&["explain-code", asked]).stdout;
        for part in ["W101: ", "Wrong:\n    exe == interpreter(startas)", "Mended:\n    runs(startas)"] {
            assert!(page.contains(part), "{part} in\n{page}");
        }
    }
    let list = bench.ok(&["explain-code", "--list"]).stdout;
    assert_eq!(list.lines().count(), registered_codes().len());
    for (code, words) in registered_codes() {
        assert!(list.contains(&format!("{}  {words}\n", code.0)), "{}", code.0);
        assert!(bench.ok(&["explain-code", code.0]).stdout.starts_with(&format!("{}: ", code.0)));
    }
}

#[test]
fn an_unknown_code_is_wrong_usage() {
    let bench = Bench::new();
    for (asked, help) in
        [("W1O1", "did you mean `W101`?"), ("nonsense", "`selfsame explain-code --list` lists all codes")]
    {
        let ran = bench.run(&["explain-code", asked]);
        assert_eq!(ran.code, 64, "{ran:?}");
        assert!(ran.stderr.contains(help) && ran.stdout.is_empty(), "{ran:?}");
    }
    assert_eq!(bench.run(&["explain-code"]).code, 64);
    assert_eq!(bench.run(&["explain-code", "W101", "--list"]).code, 64);
}
