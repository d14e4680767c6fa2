//! `interpreter(path)`: the image that the kernel would map, by the kernel's own rules.

use crate::ask::{Asked, Faults, PID, host};

/// A row: the first bytes of `/srv/x` as YAML, the facts, the answer to `exe == interpreter("/srv/x")`.
fn answers(rows: &[(&str, &str, &str)]) {
    let mut faults = Faults::default();
    for (head, exe, expected) in rows {
        let files = format!("\n    /srv/x: {{id: [1, 500], {head}}}\n");
        let yaml = host(&files, &format!("exe: {exe}"));
        faults.row(&Asked::default(), &yaml, PID, "exe == interpreter(\"/srv/x\")", expected);
    }
    faults.none();
}

const PYTHON: &str = "/usr/bin/python3.11";

#[test]
fn the_line_is_read_as_the_kernel_reads_it() {
    let unresolved = "unknown; unresolved";
    answers(&[
        ("elf: true", "/srv/x", "true"),
        ("elf: true", PYTHON, "false"),
        (r##"head: "#!/usr/bin/python3\n""##, PYTHON, "true"),
        (r##"head: "#!/usr/bin/python3""##, PYTHON, "true"),
        (r##"head: "#! \t /usr/bin/python3 \t \n""##, PYTHON, "true"),
        (r##"head: "#!/usr/bin/python3 -u -B\n""##, PYTHON, "true"),
        (r##"head: "#!/usr/bin/python3\0junk\n""##, PYTHON, "true"),
        (r##"head: "#!/usr/bin/python3\timport\n""##, PYTHON, "true"),
        // A carriage return belongs to the name.
        (r##"head: "#!/usr/bin/python3\r\n""##, PYTHON, unresolved),
        // To the argument, if there is one: the program is found.
        (r##"head: "#!/usr/bin/python3 -u\r\n""##, PYTHON, "true"),
        // A byte-order mark hides the line.
        ("headHex: \"efbbbf23212f7573722f62696e2f707974686f6e330a\"", PYTHON, unresolved),
        ("headHex: \"efbbbf23212f7573722f62696e2f707974686f6e330a\"", "/usr/bin/bash", unresolved),
        (r##"head: "# no line\n""##, "/usr/bin/dash", unresolved),
        (r#"head: """#, "/usr/bin/dash", unresolved),
        (r##"head: "#!\n""##, "/usr/bin/dash", unresolved),
        (r##"head: "#!   \n""##, "/usr/bin/dash", unresolved),
        (r#"head: " #!/usr/bin/python3\n""#, PYTHON, unresolved),
        (r##"head: "#!python3\n""##, PYTHON, unresolved),
        (r##"head: "#!./python3\n""##, PYTHON, unresolved),
        (r##"head: "#!/nowhere/python3\n""##, PYTHON, unresolved),
        (r##"head: "#!/usr/bin\n""##, PYTHON, unresolved),
        ("unreadable: {head: denied}", PYTHON, unresolved),
        ("kind: directory", PYTHON, unresolved),
        ("kind: other", PYTHON, unresolved),
        // Nobody may execute it: not what is asked.
        (r##"head: "#!/usr/bin/python3\n", mode: "0644""##, PYTHON, "true"),
    ]);
}

#[test]
fn a_line_of_255_bytes_works_and_one_of_256_does_not() {
    let mut faults = Faults::default();
    let directory = format!("/{}", "d".repeat(200));
    for (length, expected) in
        [(254, "true"), (255, "true"), (256, "unknown; unresolved"), (300, "unknown; unresolved")]
    {
        // The length of the line counts `#!`, without its newline.
        let name = "p".repeat(length - 2 - directory.len() - 1);
        let program = format!("{directory}/{name}");
        let head: String = format!("#!{program}\n").chars().take(256).collect();
        let quoted = head.replace('\n', "\\n");
        let files = format!(
            "\n    {program}: {{id: [1, 501], elf: true}}\n    /srv/x: {{id: [1, 500], head: \"{quoted}\"}}\n"
        );
        let yaml = host(&files, &format!("exe: {program}"));
        faults.row(&Asked::default(), &yaml, PID, "exe == interpreter(\"/srv/x\")", expected);
    }
    // A long argument is cut silently; the name in front of it is whole.
    let head: String = format!("#!/usr/bin/python3 {}", "a".repeat(400)).chars().take(256).collect();
    let files = format!("\n    /srv/x: {{id: [1, 500], head: \"{head}\"}}\n");
    let yaml = host(&files, "exe: /usr/bin/python3.11");
    faults.row(&Asked::default(), &yaml, PID, "exe == interpreter(\"/srv/x\")", "true");
    faults.none();
}

#[test]
fn five_scripts_in_a_row_work_and_the_sixth_is_refused() {
    let mut files = String::from("\n    /srv/n1: {id: [1, 501], head: \"#!/usr/bin/python3\\n\"}\n");
    for level in 2..=7 {
        let before = level - 1;
        files += &format!("    /srv/n{level}: {{id: [1, 50{level}], head: \"#!/srv/n{before}\\n\"}}\n");
    }
    files += "    /srv/me: {id: [1, 520], head: \"#!/srv/me\\n\"}\n";
    let yaml = host(&files, "exe: /usr/bin/python3.11");
    let mut faults = Faults::default();
    for (path, expected) in [
        ("/srv/n1", "true"),
        ("/srv/n2", "true"),
        ("/srv/n5", "true"),
        ("/srv/n6", "unknown; ELOOP"),
        ("/srv/n7", "unknown; ELOOP"),
        ("/srv/me", "unknown; ELOOP"),
    ] {
        faults.row(&Asked::default(), &yaml, PID, &format!("exe == interpreter(\"{path}\")"), expected);
        faults.row(&Asked::startas(path), &yaml, PID, "exe == interpreter(startas)", expected);
    }
    faults.none();
}

#[test]
fn a_relative_interpreter_is_taken_from_the_working_directory_of_the_spec() {
    let files = "
    /opt/py/python3: {id: [1, 601], elf: true}
    /srv/x: {id: [1, 500], head: \"#!python3\\n\"}
    /srv/y: {id: [1, 502], head: \"#!../py/python3\\n\"}
";
    let yaml = host(files, "exe: /opt/py/python3");
    let mut faults = Faults::default();
    for (directory, path, expected) in [
        (Some("/opt/py"), "/srv/x", "true"),
        (Some("/opt/zz"), "/srv/x", "unknown; unresolved"),
        // Neither the script's directory nor PATH.
        (Some("/srv"), "/srv/x", "unknown; unresolved"),
        (None, "/srv/x", "unknown; unresolved"),
        (Some("/opt/py"), "/srv/y", "true"),
    ] {
        let asked = Asked::around(Some("/opt/py:/usr/bin"), directory);
        faults.row(&asked, &yaml, PID, &format!("exe == interpreter(\"{path}\")"), expected);
    }
    faults.none();
}

#[test]
fn binfmt_comes_before_everything() {
    let mut faults = Faults::default();
    for (binfmt, path, exe, expected) in [
        ("absent", "/usr/sbin/nginx", "/usr/sbin/nginx", "true"),
        ("denied", "/usr/sbin/nginx", "/usr/sbin/nginx", "unknown; binfmt"),
        ("denied", "/srv/a.py", PYTHON, "unknown; binfmt"),
        // Even before ELF.
        (
            r"[{magicHex: 7f454c460201, interpreter: /usr/bin/qemu}]",
            "/usr/sbin/nginx",
            "/usr/sbin/nginx",
            "false",
        ),
        (r"[{magic: '#!', interpreter: /usr/bin/bash}]", "/srv/a.py", PYTHON, "false"),
        ("[{extension: py, interpreter: /usr/bin/perl}]", "/srv/a.py", "/usr/bin/perl", "true"),
        ("[{extension: py, interpreter: /usr/bin/perl}]", "/srv/a.py", PYTHON, "false"),
        ("[{extension: PY, interpreter: /usr/bin/perl}]", "/srv/a.py", PYTHON, "true"),
        (
            "[{extension: jar, interpreter: /usr/bin/java}]",
            "/srv/app.jar",
            "/usr/lib/jvm/17/bin/java",
            "true",
        ),
        ("[{magic: PK, interpreter: /usr/bin/java}]", "/srv/app.jar", "/usr/lib/jvm/17/bin/java", "true"),
        (
            "[{magic: K, offset: 1, interpreter: /usr/bin/java}]",
            "/srv/app.jar",
            "/usr/lib/jvm/17/bin/java",
            "true",
        ),
        (
            "[{magic: PX, maskHex: ff00, interpreter: /usr/bin/java}]",
            "/srv/app.jar",
            "/usr/lib/jvm/17/bin/java",
            "true",
        ),
        (
            "[{magic: PX, interpreter: /usr/bin/java}]",
            "/srv/app.jar",
            "/usr/lib/jvm/17/bin/java",
            "unknown; unresolved",
        ),
        // F: opened at registration, its path may be gone.
        (
            "[{magic: PK, interpreter: /gone/qemu, flags: F}]",
            "/srv/app.jar",
            "/usr/lib/jvm/17/bin/java",
            "unknown; unresolved",
        ),
    ] {
        let yaml =
            host("\n    /usr/bin/qemu: {id: [1, 700], headHex: \"7f454c4602aa\"}\n", &format!("exe: {exe}"))
                .replace("\n  files:", &format!("\n  binfmt: {binfmt}\n  files:"));
        faults.row(&Asked::default(), &yaml, PID, &format!("exe == interpreter(\"{path}\")"), expected);
    }
    faults.none();
}

#[test]
fn what_interpreter_says_of_other_things() {
    let yaml = host("", "exe: /usr/bin/python3.11");
    let mut faults = Faults::default();
    for (expression, expected) in [
        ("interpreter(\"/srv/a.py\") == interpreter(\"/srv/b.py\")", "true"),
        ("interpreter(\"/srv/a.py\") == interpreter(\"/srv/t.pl\")", "false"),
        ("interpreter(\"/srv/link.py\") == exe", "true"),
        ("interpreter(\"/usr/bin/python3\") == exe", "true"),
        ("interpreter(\"/srv/rec2\") == exe", "true"),
        ("interpreter(\"/srv/M.java\") == exe", "unknown; #!"),
        ("has(interpreter(\"/srv/none\"))", "unknown; unresolved"),
        ("known(interpreter(\"/srv/none\"))", "false"),
        ("known(interpreter(\"/srv/a.py\"))", "true"),
        ("interpreter(\"/srv/a.py\").path == \"/usr/bin/python3.11\"", "true"),
        ("assume(exe == interpreter(\"/srv/none\"), false)", "false"),
    ] {
        faults.row(&Asked::default(), &yaml, PID, expression, expected);
    }
    faults.none();
}
