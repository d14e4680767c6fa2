//! The story: a daemon that is a script is recognised as itself, however it is written and started; a stranger
//! that runs another script of the same interpreter is never taken for it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

use std::os::unix::fs::symlink;

use support::{Bench, has, until};

const SPEC_END: &str = "readiness: {aliveFor: 100ms}\nstop: {schedule: [{signal: KILL, wait: 5s}]}";

struct Language {
    program: &'static str,
    body: &'static str,
}

const PERL: Language = Language {
    program: "/usr/bin/perl",
    body: "$| = 1; open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$\\n\"); close $f; sleep 1 while 1;\n",
};
const PYTHON: Language = Language {
    program: "/usr/bin/python3",
    body: "import os, time\nwith open('%STARTS%', 'a') as f: f.write(f'{os.getpid()}\\n')\nwhile True: time.sleep(1)\n",
};
const SH: Language =
    Language { program: "/bin/sh", body: "echo $$ >> '%STARTS%'\nwhile :; do sleep 0.2; done\n" };
const NODE: Language = Language {
    program: "/usr/bin/node",
    body: "require('fs').appendFileSync('%STARTS%', process.pid + '\\n'); setInterval(() => {}, 1000);\n",
};

impl Language {
    fn base(&self) -> &'static str {
        self.program.rsplit('/').next().unwrap()
    }

    fn direct(&self) -> String {
        format!("#!{}\n{}", self.program, self.body)
    }

    fn env(&self) -> String {
        format!("#!/usr/bin/env {}\n{}", self.base(), self.body)
    }

    /// An option that does nothing here, so that env has something to split.
    fn env_split(&self) -> String {
        let option = match self.base() {
            "perl" => "-w",
            "python3" | "sh" => "-u",
            _ => "--no-warnings",
        };
        format!("#!/usr/bin/env -S {} {option}\n{}", self.base(), self.body)
    }
}

/// Applies twice, then loses the state and applies again: one copy was started in all.
#[track_caller]
fn one_copy(bench: &Bench, what: &str) {
    let first = bench.ok(&["apply", "specs"]);
    until("the start to be noted", || bench.starts().len() == 1);
    let second = bench.ok(&["apply", "specs"]);
    assert!(second.stdout.contains("nothing to do"), "{what}: {}\n{}", first.stdout, second.stdout);
    std::fs::remove_dir_all(bench.path("state/run")).unwrap();
    let third = bench.ok(&["apply", "specs"]);
    assert_eq!(bench.starts().len(), 1, "{what}: {}\n{}\n{}", second.stdout, third.stdout, third.stderr);
    let status = bench.status_of("story");
    assert_eq!(status["instances"][0]["pid"], bench.starts()[0], "{what}: {status}");
    assert_eq!(status["instances"][0]["adopted"], true, "{what}: {status}");
}

/// The same interpreter, the same user, another script: it runs before the first apply and must stay what it is.
fn stranger(bench: &Bench, language: &Language) -> std::process::Child {
    let body = language.body.replace("%STARTS%", &bench.path("strangers").to_string_lossy());
    let script = bench.script("stranger/other", &format!("#!{}\n{body}", language.program));
    let child = bench.by_hand(bench.root(), &script.to_string_lossy(), &[]);
    until("the stranger to run", || {
        std::fs::read_to_string(bench.path("strangers")).is_ok_and(|t| t.contains('\n'))
    });
    child
}

/// Its name, and how the script is written.
type Form = (&'static str, fn(&Language) -> String);

fn every_form(language: &Language) {
    if !has(language.program) {
        return;
    }
    let forms: [Form; 3] =
        [("direct", Language::direct), ("env", Language::env), ("env -S", Language::env_split)];
    for (form, text) in forms {
        let bench = Bench::new();
        let mut other = stranger(&bench, language);
        let script = bench.script("bin/story", &text(language));
        bench.spec("story", &format!("startas: {}\n{SPEC_END}", script.display()));
        one_copy(&bench, form);
        assert!(other.try_wait().unwrap().is_none(), "{form}: the stranger was not touched");
        other.kill().unwrap();
        other.wait().unwrap();
    }
    via_symlink(language);
    via_shim(language);
    started_from_its_directory(language);
}

fn via_symlink(language: &Language) {
    let bench = Bench::new();
    bench.script("real/program", &language.direct());
    std::fs::create_dir_all(bench.path("bin")).unwrap();
    symlink(bench.path("real/program"), bench.path("bin/story")).unwrap();
    bench.spec("story", &format!("startas: {}\n{SPEC_END}", bench.path("bin/story").display()));
    one_copy(&bench, "symlink");
}

/// env finds a script of a version manager, whose last act is to execute the real interpreter.
fn via_shim(language: &Language) {
    let bench = Bench::new();
    let base = language.base();
    bench.script(
        &format!("shims/{base}"),
        &format!("#!/bin/bash\nset -e\nexec {} \"$@\"\n", language.program),
    );
    let script = bench.script("bin/story", &language.env());
    let path = format!("{}:/usr/bin:/bin", bench.path("shims").display());
    bench.spec("story", &format!("startas: {}\nenv: {{PATH: \"{path}\"}}\n{SPEC_END}", script.display()));
    one_copy(&bench, "shim");
}

/// Somebody started it as `./story` from its directory: apply adopts it and starts nothing.
fn started_from_its_directory(language: &Language) {
    let bench = Bench::new();
    bench.script("bin/story", &language.direct());
    bench.spec("story", &format!("startas: {}\n{SPEC_END}", bench.path("bin/story").display()));
    let mut child = bench.by_hand(&bench.path("bin"), "./story", &[]);
    until("it to run", || bench.starts().len() == 1);
    one_copy(&bench, "./name");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn a_daemon_in_perl_is_started_once() {
    every_form(&PERL);
}

#[test]
fn a_daemon_in_python_is_started_once() {
    every_form(&PYTHON);
}

#[test]
fn a_daemon_in_sh_is_started_once() {
    every_form(&SH);
}

#[test]
fn a_daemon_in_node_is_started_once() {
    every_form(&NODE);
}
