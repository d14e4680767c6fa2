//! Asks a snapshot an expression, and compares many answers at once.
//!
//! An expected answer is a verdict and, behind semicolons, parts that the reasons or notes must contain. Without
//! any, there must be no note; so a verdict that is right for a wrong reason is seen.

use std::collections::BTreeMap;

use selfsame::diagnostic::{Diagnostic, Source};
use selfsame::lang::Vocabularies;
use selfsame::lang::schema::Vocabulary as _;
use selfsame::lang::value::Value;
use selfsame::process::chain::Surroundings;
use selfsame::process::expression::compile_expression;
use selfsame::process::snapshot::Snapshot;
use selfsame::process::{ProcessVocabulary, candidate};
use selfsame::report::{MatchRow, render_diagnostics};
use selfsame::units::Pid;

/// The process that rows are about.
pub(crate) const PID: i32 = 600;

/// Programs that most rows need.
pub(crate) const FILES: &str = "
    /usr/bin/python3: {link: python3.11}
    /usr/bin/python3.11: {id: [1, 101], elf: true}
    /usr/bin/python3.12: {id: [1, 102], elf: true}
    /usr/bin/perl: {id: [1, 103], elf: true}
    /usr/bin/env: {id: [1, 104], elf: true}
    /usr/bin/dash: {id: [1, 105], elf: true}
    /usr/bin/bash: {id: [1, 106], elf: true}
    /usr/bin/busybox: {id: [1, 107], elf: true, multicall: true}
    /usr/bin/httpd: {link: busybox}
    /usr/bin/tail: {link: busybox}
    /usr/bin/sh: {link: dash}
    /usr/bin/node: {id: [1, 108], elf: true}
    /usr/bin/tclsh8.6: {id: [1, 109], elf: true}
    /usr/bin/tclsh: {link: tclsh8.6}
    /usr/bin/java: {link: /etc/alternatives/java}
    /etc/alternatives/java: {link: /usr/lib/jvm/17/bin/java}
    /usr/lib/jvm/17/bin/java: {id: [1, 110], elf: true}
    /usr/bin/ruby3.1: {id: [1, 111], elf: true}
    /usr/bin/ruby: {link: ruby3.1}
    /usr/bin/php8.2: {id: [1, 112], elf: true}
    /usr/bin/php: {link: php8.2}
    /usr/bin/lua5.4: {id: [1, 113], elf: true}
    /usr/bin/redis-check-rdb: {id: [1, 114], elf: true}
    /usr/bin/redis-server: {link: redis-check-rdb}
    /usr/bin/redis-sentinel: {link: redis-check-rdb}
    /usr/sbin/nginx: {id: [1, 115], elf: true}
    /usr/bin/escript: {id: [1, 116], elf: true}
    /usr/lib64/ld-linux-x86-64.so.2: {id: [1, 117], elf: true}
    /bin: {link: usr/bin}
    /srv/a.py: {id: [1, 201], head: \"#!/usr/bin/python3\\n\"}
    /srv/b.py: {id: [1, 202], head: \"#!/usr/bin/python3\\n\"}
    /srv/e.py: {id: [1, 203], head: \"#!/usr/bin/env python3\\n\"}
    /srv/s.py: {id: [1, 204], head: \"#!/usr/bin/env -S python3 -u -B\\n\"}
    /srv/t.pl: {id: [1, 205], head: \"#!/usr/bin/perl -w -T\\n\"}
    /srv/s.sh: {id: [1, 206], head: \"#!/bin/sh\\n\"}
    /srv/link.py: {link: a.py}
    /srv/app.js: {id: [1, 207], head: \"#!/usr/bin/env node\\n\"}
    /srv/t.tcl: {id: [1, 208], head: \"#!/usr/bin/tclsh\\n\"}
    /srv/r.rb: {id: [1, 209], head: \"#!/usr/bin/ruby\\n\"}
    /srv/p.php: {id: [1, 210], head: \"#!/usr/bin/php\\n\"}
    /srv/rec1: {id: [1, 211], head: \"#!/srv/a.py\\n\"}
    /srv/rec2: {id: [1, 212], head: \"#!/srv/rec1\\n\"}
    /srv/M.java: {id: [1, 213], head: \"class M {}\"}
    /srv/app.jar: {id: [1, 214], head: \"PK\"}
    /srv/es: {id: [1, 215], head: \"#!/usr/bin/escript -x\\n\"}
    /srv/l.lua: {id: [1, 216], head: \"#!/usr/bin/lua5.4\\n\"}
";

/// Everything else of the host.
pub(crate) const REST: &str = "
  users: {root: 0, www-data: 33, ann: 1000, ops: 1001}
  groups: {root: 0, www-data: 33, adm: 4}
  env: {PATH: \"/usr/bin:/bin\"}
";

/// A host with the usual files and these, and one process with these facts.
pub(crate) fn host(files: &str, facts: &str) -> String {
    format!("host:{REST}  files:{FILES}{files}\nprocesses:\n  - {{pid: {PID}, {facts}}}\n")
}

/// Reads a snapshot, which must be right.
#[track_caller]
pub(crate) fn snapshot(yaml: &str) -> Snapshot {
    match Snapshot::parse(&Source::new("snapshot.yaml", yaml)) {
        Ok(snapshot) => snapshot,
        Err(problems) => panic!("{yaml}\n{}", render_diagnostics(&problems, false)),
    }
}

/// A question with its surroundings.
#[derive(Clone, Default)]
pub(crate) struct Asked {
    /// `startas` and its like.
    pub set: BTreeMap<String, Value>,
    /// What a spec says about where names are looked up.
    pub around: Surroundings,
}

impl Asked {
    /// With `startas`.
    pub(crate) fn startas(path: &str) -> Self {
        let set = BTreeMap::from([("startas".to_owned(), Value::path(path.as_bytes()))]);
        Self { set, ..Self::default() }
    }

    /// With PATH and working directory of a spec.
    pub(crate) fn around(path: Option<&str>, directory: Option<&str>) -> Self {
        let bytes = |text: &str| text.as_bytes().into();
        let around = Surroundings { working_directory: directory.map(bytes), path: path.map(bytes) };
        Self { around, ..Self::default() }
    }

    /// The answer about one process.
    pub(crate) fn ask(
        &self,
        world: &Snapshot,
        pid: i32,
        expression: &str,
    ) -> Result<MatchRow, Vec<Diagnostic>> {
        let compiled = compile_expression(expression);
        let source = Source::new("<expression>", expression);
        let Some(predicate) = compiled.predicate else {
            return Err(compiled.diagnostics.into_iter().map(|d| d.in_source(&source)).collect());
        };
        let vocabulary = ProcessVocabulary::with_context(world, self.around.clone()).explaining();
        let facts = Vocabularies(vec![&vocabulary]);
        let bound = predicate.bind(&self.set, &facts);
        let verdict = bound.matcher.eval(&candidate(Pid(pid)), &facts);
        Ok(MatchRow::new(Pid(pid), &verdict, vocabulary.take_notes()))
    }

    /// What is wrong with the answer, if anything.
    fn fault(&self, world: &Snapshot, pid: i32, expression: &str, expected: &str) -> Option<String> {
        let answer = match self.ask(world, pid, expression) {
            Ok(answer) => answer,
            Err(problems) => {
                return Some(format!("{expression}\n{}", render_diagnostics(&problems, false)));
            }
        };
        let said = [answer.reasons.as_slice(), answer.notes.as_slice()].concat().join("; ");
        let mut parts = expected.split(';').map(str::trim);
        let verdict = parts.next().unwrap_or_default();
        let parts: Vec<&str> = parts.collect();
        let right = answer.verdict == verdict
            && parts.iter().all(|part| said.contains(part))
            && (!parts.is_empty() || answer.notes.is_empty());
        (!right).then(|| format!("{expression}\n    expected {expected}\n    is {} ({said})", answer.verdict))
    }
}

/// Collects what is wrong, to show all of it.
#[derive(Default)]
pub(crate) struct Faults(Vec<String>);

impl Faults {
    /// One row: the snapshot, who is asked about, the expression, the answer.
    pub(crate) fn row(&mut self, asked: &Asked, yaml: &str, pid: i32, expression: &str, expected: &str) {
        let about = yaml.lines().skip_while(|line| *line != "processes:").collect::<Vec<_>>().join("\n");
        let world = snapshot(yaml);
        self.0.extend(
            asked.fault(&world, pid, expression, expected).map(|fault| format!("{about}\n    {fault}")),
        );
    }

    /// Something else that should be so.
    pub(crate) fn same(&mut self, what: &str, is: &str, expected: &str) {
        if is != expected {
            self.0.push(format!("{what}\n    expected {expected}\n    is       {is}"));
        }
    }

    /// All rows were right.
    #[track_caller]
    pub(crate) fn none(self) {
        assert!(self.0.is_empty(), "{} rows are wrong\n\n{}", self.0.len(), self.0.join("\n\n"));
    }
}

/// Rows of (facts of the process, expression, answer) on the usual host.
#[track_caller]
pub(crate) fn rows(rows: &[(&str, &str, &str)]) {
    rows_with("", rows);
}

/// The same with more files.
#[track_caller]
pub(crate) fn rows_with(files: &str, rows: &[(&str, &str, &str)]) {
    let mut faults = Faults::default();
    for (facts, expression, expected) in rows {
        faults.row(&Asked::default(), &host(files, facts), PID, expression, expected);
    }
    faults.none();
}

/// Rows of (expression, answer) about one process of one snapshot.
#[track_caller]
pub(crate) fn about(yaml: &str, pid: i32, rows: &[(&str, &str)]) {
    let mut faults = Faults::default();
    for (expression, expected) in rows {
        faults.row(&Asked::default(), yaml, pid, expression, expected);
    }
    faults.none();
}

/// Rows of (expression, answer) that are about constants.
#[track_caller]
pub(crate) fn constants(rows: &[(&str, &str)]) {
    about(&host("", "state: sleeping"), PID, rows);
}
