//! `env` on a `#!` line: a program that looks for another one, in the PATH of the service.

use crate::ask::{Asked, Faults, PID, host};

const FILES: &str = "
    /opt/v/python3: {id: [1, 601], elf: true}
    /opt/v/plain: {id: [1, 602], elf: true, mode: \"0644\"}
    /usr/bin/plain: {id: [1, 603], elf: true}
    /opt/shims/python3: {id: [1, 604], head: \"#!/usr/bin/bash\\n\"}
    /opt/v/two words: {id: [1, 605], elf: true}
    /usr/bin/busyenv: {link: busybox}
    /opt/bb/env: {link: /usr/bin/busybox}
    /opt/v/bash: {kind: directory}
";

/// A row: what stands on the `#!` line, PATH and working directory of the spec, the image, the answer.
type Row = (&'static str, Option<&'static str>, Option<&'static str>, &'static str, &'static str);

fn answers(rows: &[Row]) {
    let mut faults = Faults::default();
    for (line, path, directory, exe, expected) in rows {
        let line = line.replace('\\', "\\\\").replace('"', "\\\"");
        let files = format!("{FILES}    /srv/x: {{id: [1, 500], head: \"#!{line}\\n\"}}\n");
        let yaml = host(&files, &format!("exe: \"{exe}\""));
        let asked = Asked::around(*path, *directory);
        faults.row(&asked, &yaml, PID, "exe == interpreter(\"/srv/x\")", expected);
    }
    faults.none();
}

const PYTHON: &str = "/usr/bin/python3.11";
const OTHER: &str = "/opt/v/python3";
const V: Option<&str> = Some("/opt/v:/usr/bin");
const LOST: &str = "unknown; unresolved";

#[test]
fn without_s_there_is_one_word() {
    answers(&[
        ("/usr/bin/env python3", None, None, PYTHON, "true"),
        ("/usr/bin/env  python3  ", None, None, PYTHON, "true"),
        ("/bin/env python3", None, None, PYTHON, "true"),
        ("/usr/bin/env python3 -u", None, None, PYTHON, LOST),
        ("/usr/bin/env two words", V, None, "/opt/v/two words", "true"),
        ("/usr/bin/env", None, None, PYTHON, LOST),
        ("/usr/bin/env nothing", None, None, PYTHON, LOST),
        ("/usr/bin/env /opt/v/python3", None, None, OTHER, "true"),
        ("/usr/bin/env -i python3", None, None, PYTHON, LOST),
        // The applet of a multi-call program.
        ("/opt/bb/env python3", None, None, PYTHON, "true"),
    ]);
}

#[test]
fn the_path_is_that_of_the_spec() {
    answers(&[
        ("/usr/bin/env python3", V, None, OTHER, "true"),
        ("/usr/bin/env python3", V, None, PYTHON, "false"),
        ("/usr/bin/env python3", Some("/nowhere"), None, PYTHON, LOST),
        ("/usr/bin/env python3", Some("/nowhere:/usr/bin"), None, PYTHON, "true"),
        // What nobody may execute, and what is a directory, is passed over.
        ("/usr/bin/env plain", V, None, "/usr/bin/plain", "true"),
        ("/usr/bin/env bash", V, None, "/usr/bin/bash", "true"),
        // An empty element is the working directory, and a name with a slash isn't looked up.
        ("/usr/bin/env python3", Some(":/usr/bin"), Some("/opt/v"), OTHER, "true"),
        ("/usr/bin/env python3", Some("v:/usr/bin"), Some("/opt"), OTHER, "true"),
        ("/usr/bin/env v/python3", None, Some("/opt"), OTHER, "true"),
        ("/usr/bin/env v/python3", None, None, OTHER, LOST),
        // A shim decides when it runs.
        ("/usr/bin/env python3", Some("/opt/shims:/usr/bin"), None, PYTHON, LOST),
        ("/usr/bin/env python3", Some("/opt/shims:/usr/bin"), None, "/usr/bin/bash", LOST),
    ]);
}

#[test]
fn with_s_the_string_is_split_as_coreutils_do() {
    answers(&[
        ("/usr/bin/env -S python3 -u -B", None, None, PYTHON, "true"),
        ("/usr/bin/env -Spython3 -u", None, None, PYTHON, "true"),
        ("/usr/bin/env --split-string=python3 -u", None, None, PYTHON, "true"),
        ("/usr/bin/env --split-string python3 -u", None, None, PYTHON, LOST),
        ("/usr/bin/env -vS python3 -u", None, None, PYTHON, "true"),
        ("/usr/bin/env -S 'python3' \"-u\"", None, None, PYTHON, "true"),
        ("/usr/bin/env -S pyt'hon'\"3\"", None, None, PYTHON, "true"),
        ("/usr/bin/env -S 'two words'", V, None, "/opt/v/two words", "true"),
        ("/usr/bin/env -S \"two\\_words\"", V, None, "/opt/v/two words", "true"),
        ("/usr/bin/env -S python3\\_-u", None, None, PYTHON, "true"),
        ("/usr/bin/env -S python3\\c and a lot more", None, None, PYTHON, "true"),
        ("/usr/bin/env -S python3 # a comment", None, None, PYTHON, "true"),
        ("/usr/bin/env -S python3#x", None, None, PYTHON, LOST),
        ("/usr/bin/env -S \\#python3", None, None, PYTHON, LOST),
        ("/usr/bin/env -S 'python3", None, None, PYTHON, LOST),
        ("/usr/bin/env -S \"python3\\c\"", None, None, PYTHON, LOST),
        ("/usr/bin/env -S python3\\q", None, None, PYTHON, LOST),
        ("/usr/bin/env -S python3\\", None, None, PYTHON, LOST),
        ("/usr/bin/env -S", None, None, PYTHON, LOST),
        ("/usr/bin/env -S ''", None, None, PYTHON, LOST),
        ("/usr/bin/env -S ${INTERPRETER}", None, None, PYTHON, "unknown; INTERPRETER"),
        ("/usr/bin/env -S $INTERPRETER", None, None, PYTHON, LOST),
        ("/usr/bin/env -S '${PATH}'", None, None, PYTHON, LOST),
        // env expands all of the string, and nobody knows here what it will become.
        ("/usr/bin/env -S python3 ${UNKNOWN}", None, None, PYTHON, "unknown; UNKNOWN"),
        ("/usr/bin/env -S PATH=/opt/v:${PATH} python3", None, None, OTHER, "true"),
    ]);
}

#[test]
fn options_and_assignments_come_before_the_program() {
    answers(&[
        ("/usr/bin/env -S A=1 B=2 python3", None, None, PYTHON, "true"),
        ("/usr/bin/env -S PATH=/opt/v python3", None, None, OTHER, "true"),
        ("/usr/bin/env -S PATH=/opt/v python3", None, None, PYTHON, "false"),
        ("/usr/bin/env -S -u HOME python3", None, None, PYTHON, "true"),
        ("/usr/bin/env -S -uHOME python3", None, None, PYTHON, "true"),
        ("/usr/bin/env -S --unset=HOME python3", None, None, PYTHON, "true"),
        ("/usr/bin/env -S --unset HOME python3", None, None, PYTHON, "true"),
        // Without PATH the C library looks in its own places.
        ("/usr/bin/env -S -i python3", V, None, PYTHON, "true"),
        ("/usr/bin/env -S - python3", V, None, PYTHON, "true"),
        ("/usr/bin/env -S -u PATH python3", V, None, PYTHON, "true"),
        ("/usr/bin/env -S --ignore-environment python3", V, None, PYTHON, "true"),
        ("/usr/bin/env -S -i PATH=/opt/v python3", None, None, OTHER, "true"),
        ("/usr/bin/env -S -C /opt v/python3", None, None, OTHER, "true"),
        ("/usr/bin/env -S -C/opt v/python3", None, None, OTHER, "true"),
        ("/usr/bin/env -S --chdir=/opt v/python3", None, None, OTHER, "true"),
        ("/usr/bin/env -S -C v ./python3", None, Some("/opt"), OTHER, "true"),
        ("/usr/bin/env -S -- python3", None, None, PYTHON, "true"),
        ("/usr/bin/env -S --nonsense python3", None, None, PYTHON, LOST),
        ("/usr/bin/env -S -Z python3", None, None, PYTHON, LOST),
        ("/usr/bin/env -S -u", None, None, PYTHON, LOST),
        // env that starts env.
        ("/usr/bin/env -S env python3", None, None, PYTHON, "true"),
        ("/usr/bin/env -S env -i PATH=/opt/v python3", None, None, OTHER, "true"),
    ]);
}
