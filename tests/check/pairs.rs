//! Two Services that can claim one process are pointed out, and only those.

use super::support::Bench;

const HOST: &str = "
host:
  users: {root: 0, www-data: 33}
  files:
    /bin/dash: {id: [1, 1], elf: true, mode: \"0755\"}
    /bin/sh: {link: dash}
    /bin/busybox: {id: [1, 2], elf: true, multicall: true, mode: \"0755\"}
    /bin/ash: {link: busybox}
    /bin/vi: {link: busybox}
    /srv/a.py: {id: [1, 3], head: \"#!/bin/sh\\n\", mode: \"0755\"}
    /srv/b.py: {id: [1, 3], head: \"#!/bin/sh\\n\", mode: \"0755\"}
    /srv/c.py: {id: [1, 4], head: \"#!/bin/sh\\n\", mode: \"0755\"}
processes: []
";

/// The codes of `check` for a set of specs, by what stands under `spec:`.
fn codes(specs: &[&str]) -> Vec<String> {
    let bench = Bench::new();
    let host = bench.write("host.yaml", HOST).display().to_string();
    for (number, spec) in specs.iter().enumerate() {
        bench.spec(&format!("s{number}"), spec);
    }
    let ran = bench.run(&["check", "specs", "--snapshot", &host, "--output", "json"]);
    let rows: serde_json::Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    rows.as_array().unwrap().iter().map(|row| row["code"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pairs_are_told_by_program_user_arguments_and_conditions() {
    let alike: &[(&str, &str)] = &[
        ("startas: /srv/a.py", "startas: /srv/a.py"),
        ("startas: /srv/a.py", "startas: /srv/b.py"),
        ("startas: /bin/sh\nargs: [x]", "startas: /bin/dash\nargs: [x]"),
        ("startas: /srv/none", "startas: /srv/none"),
        ("startas: /srv/a.py", "startas: /srv/c.py\nbecomes: /srv/b.py"),
        ("startas: /srv/a.py\nuser: root", "startas: /srv/a.py\nuser: root"),
        ("startas: /srv/a.py\npidfile: /run/a.pid", "startas: /srv/a.py"),
        ("startas: /srv/a.py\nreplicas: 2\nargs: [\"${index}\"]", "startas: /srv/a.py\nargs: [\"1\"]"),
        ("startas: /srv/a.py\nmatch: flag(\"-x\")", "startas: /srv/a.py"),
        ("startas: /srv/a.py\nmatch: env[\"K\"] == \"a\"", "startas: /srv/a.py\nmatch: env[\"K\"] != \"b\""),
        (
            "startas: /srv/a.py\nmatchOnly: exe == \"/bin/dash\" && user == \"root\"",
            "startas: /srv/c.py\nmatchOnly: exe == \"/bin/dash\" && user == \"root\"",
        ),
        (
            "startas: /srv/a.py\nmatchOnly: exe == \"/bin/dash\" && user == \"root\" && flag(\"x\")",
            "startas: /srv/c.py\nmatchOnly: exe == \"/bin/dash\" && user == \"root\"",
        ),
        (
            "startas: /srv/c.py\nmatchOnly: runs(\"/srv/a.py\") && user == \"root\"",
            "startas: /srv/a.py\nmatch: user == \"root\"",
        ),
        ("startas: /srv/c.py\nmatchOnly: runs(startas)", "startas: /srv/c.py\nargs: [x]"),
    ];
    for (a, b) in alike {
        for specs in [[*a, *b], [*b, *a]] {
            assert!(codes(&specs).contains(&"S120".to_owned()), "{specs:#?}");
        }
    }
    let apart: &[(&str, &str)] = &[
        ("startas: /srv/a.py", "startas: /srv/c.py"),
        ("startas: /bin/ash", "startas: /bin/vi"),
        ("startas: /srv/a.py\nargs: [x]", "startas: /srv/a.py\nargs: [y]"),
        ("startas: /srv/a.py\nargs: [\"${name}\"]", "startas: /srv/a.py\nargs: [\"${name}\"]"),
        ("startas: /srv/a.py\nreplicas: 2\nargs: [\"${index}\"]", "startas: /srv/a.py\nargs: [\"2\"]"),
        ("startas: /srv/a.py\nuser: root", "startas: /srv/a.py\nuser: www-data"),
        ("startas: /srv/a.py\nuser: root", "startas: /srv/a.py"),
        ("startas: /srv/a.py\npidfile: /run/a.pid", "startas: /srv/a.py\npidfile: /run/b.pid"),
        ("startas: /srv/a.py\nmatch: env[\"K\"] == \"a\"", "startas: /srv/a.py\nmatch: env[\"K\"] == \"b\""),
        ("startas: /srv/a.py\nmatch: cwd == \"/a\" && has(tty)", "startas: /srv/a.py\nmatch: '!has(tty)'"),
        (
            "startas: /srv/a.py\nmatchOnly: exe == \"/bin/dash\" && user == \"root\"",
            "startas: /srv/c.py\nmatchOnly: exe == \"/bin/dash\" && user == \"www-data\"",
        ),
        ("startas: /srv/c.py\nmatchOnly: runs(startas) && has(user)", "startas: /srv/a.py"),
    ];
    for (a, b) in apart {
        assert!(!codes(&[a, b]).contains(&"S120".to_owned()), "{a}\n--\n{b}");
    }
}

#[test]
fn one_pid_file_of_two_is_pointed_out() {
    let with = |path: &str, args: &str| format!("startas: /srv/a.py\nargs: [{args}]\npidfile: {path}");
    let of = |a: &str, b: &str| codes(&[&with(a, "x"), &with(b, "y")]);
    assert_eq!(of("/run/a.pid", "/run/a.pid"), ["S121"]);
    assert_eq!(of("/run/s1.pid", "/run/${name}.pid"), ["S121"]);
    assert!(of("/run/${name}.pid", "/run/${name}.pid").is_empty());
}

#[test]
fn replicas_of_one_service_are_no_pair() {
    assert!(codes(&["startas: /srv/a.py\nreplicas: 3"]).is_empty());
}

/// Links on the real host are followed, and `plan` says it as well.
#[test]
fn check_and_plan_say_it_with_both_places() {
    let bench = Bench::new();
    let program = bench.script("run.sh", "#!/bin/sh\nsleep 60\n");
    std::os::unix::fs::symlink(&program, bench.path("link.sh")).unwrap();
    bench.spec("a", &format!("startas: {}\nstate: observed", program.display()));
    bench.spec("b", &format!("startas: {}\nstate: observed", bench.path("link.sh").display()));
    for verb in ["check", "plan"] {
        let ran = bench.run(&[verb, "specs"]);
        for part in [
            "warning[S120]: `a` and `b` can claim the same process",
            "specs/b.yaml:3",
            "specs/a.yaml:3",
            "are one program",
        ] {
            assert!(ran.stderr.contains(part), "{verb}: {part} in\n{}", ran.stderr);
        }
    }
    assert_eq!(bench.run(&["check", "--strict", "specs"]).code, 3);
}

/// A thousand alike are told one by one, each with one other, and quickly.
#[test]
fn many_alike_are_no_burden() {
    let bench = Bench::new();
    let text: String = (0..1000)
        .map(|n| format!("---\napiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: s{n}}}\nspec: {{startas: /bin/true, match: 'age > {n}s'}}\n"))
        .collect();
    bench.write("specs/all.yaml", &text);
    let ran = bench.run(&["check", "specs", "--output", "json"]);
    assert_eq!(ran.stdout.matches("\"S120\"").count(), 999);
}
