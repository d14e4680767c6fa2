//! Wrong specs, and what is said about them.

use std::os::unix::fs::symlink;

use super::support::Bench;

/// `line:column code message` of each row of `check --output json`, with the help in a further line.
fn said(bench: &Bench, args: &[&str]) -> (i32, String) {
    let mut words = vec!["check"];
    words.extend(args);
    words.extend(["--output", "json"]);
    let ran = bench.run(&words);
    let rows: serde_json::Value =
        serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
    let text = |row: &serde_json::Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let line = |row: &serde_json::Value| {
        let mut line =
            format!("{}:{} {} {}", row["line"], row["column"], text(row, "code"), text(row, "message"));
        if row["help"].is_string() {
            line = line + "\n    " + &text(row, "help");
        }
        line
    };
    let lines: Vec<String> = rows.as_array().unwrap().iter().map(line).collect();
    (ran.code, lines.join("\n"))
}

struct Case {
    what: &'static str,
    text: &'static str,
    says: &'static str,
}

const CASES: &[Case] = &[
    Case {
        what: "an unknown field",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startsa: /bin/true
",
        says: "5:3 S020 unknown field `spec.startsa`
    did you mean `startas`?",
    },
    Case {
        what: "a field of another tool",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  command: /bin/true
",
        says: "5:3 S020 unknown field `spec.command`
    did you mean `startas`?",
    },
    Case {
        what: "an unknown field of the language",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  match: exe == interpreter(startas) && usr == \"www-data\"
",
        says: "6:41 M203 unknown field `usr`
    did you mean `user`?",
    },
    Case {
        what: "mistakes inside a block scalar",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  match: |
    exe == interpreter(startas)
      && comm = \"web\"
",
        says: "8:15 M109 there is no operator `=`
    write `==`",
    },
    Case {
        what: "several mistakes of one expression",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  match: usr == \"a\" && pid == \"b\" && nosuch(1)
",
        says: "6:10 M203 unknown field `usr`
    did you mean `user`?
6:28 M301 `==` does not compare int with string
    write values of the same type on both sides
6:38 M201 unknown function `nosuch`
    functions: all, any, any_ancestor_runs, arg, assume, basename, boot, changed, cidr_contains, count, dirname, env, file, flag, has, has_account, has_args, in_group, interpreter, known, len, lower, matches_any, none, now, one, opt_env, parent_runs, pidfile, rate, realpath, runs, same_file, sum, uid, upper",
    },
    Case {
        what: "a comment that cuts an expression",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  match: pid == 1 # && user == \"root\"
",
        says: "6:19 S050 a comment ends `spec.match` here
    if it belongs to the expression put all of that in single quotes, else move it to a line of its own",
    },
    Case {
        what: "an expression that YAML takes for a tag",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  match: !has(tty)
",
        says: "6:10 Y006 `!has(tty)` is read as a YAML tag here and would be lost from the value
    write `not has(tty)`, or the value in single quotes: '!has(tty)'",
    },
    Case {
        what: "a duration without a unit, a size that is none, a word that doesn't exist",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  startTimeout: 90
  limits: {fsize: 1XB}
  restart: {policy: allways}
",
        says: "6:17 S025 `90` has no unit, write for example `90s`
7:19 S025 `1XB` is not a size, write for example `512B`, `64KiB` or `10MB`
8:21 S026 `spec.restart.policy` can't be `allways`
    did you mean `always`?",
    },
    Case {
        what: "booleans of YAML 1.1",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  trustExecutable: yes
",
        says: "6:20 S024 `spec.trustExecutable` is `true` or `false`, not `yes`
    write `true`",
    },
    Case {
        what: "a name that can't be one, and a bare program",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: Web_1}
spec:
  startas: nginx
",
        says: "3:18 S030 `Web_1` can't be a name: a name has 1 to 63 lower-case letters, digits and inner hyphens
    write for example `web-1`
5:12 S025 `spec.startas` is a path, and `nginx` has no slash
    write `/usr/bin/nginx`, or `./nginx` for a file beside the spec file",
    },
    Case {
        what: "a field that is designed and not built",
        text: "apiVersion: selfsame/v1
kind: Task
metadata: {name: web}
spec:
  startas: /bin/true
  hooks: {preStart: [{command: [/bin/true]}]}
",
        says: "6:3 S021 `spec.hooks` is not supported yet
    leave it out; `startas` can be a script that does more",
    },
    Case {
        what: "a kind that doesn't exist",
        text: "apiVersion: selfsame/v1
kind: Servcie
metadata: {name: web}
",
        says: "1:1 S022 `spec` is missing
    add `spec: {startas: /srv/shop/shop.py}`
2:7 S012 unknown kind `Servcie`
    did you mean `Service`?",
    },
    Case {
        what: "two documents with one name",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec: {startas: /bin/true}
---
apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec: {startas: /bin/false}
",
        says: "8:18 S031 the Service `web` stands twice in this file
    give one of them another name",
    },
    Case {
        what: "a key that stands twice",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  umask: \"0022\"
  startas: /bin/false
",
        says: "7:3 Y005 the key `startas` stands here twice
    keep one of the two",
    },
    Case {
        what: "broken YAML",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web
spec:
  startas: /bin/true
",
        says: "4:5 Y003 while parsing a flow mapping, did not find expected ',' or '}'",
    },
    Case {
        what: "an unknown placeholder, and replicas that would share a pidfile",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  args: [\"--n=${idx}\"]
  replicas: 2
  pidfile: /run/web.pid
",
        says: "6:15 S040 nothing is known to put in for `${idx}`
    write `$${idx}` for a plain `${idx}`; known are `${index}`, `${name}`, `${runDir}`, `${logDir}`, `${specDir}`
8:3 S041 2 replicas would share the file `/run/web.pid` of `spec.pidfile`
    put `${index}` into it, for example `/run/web-${index}.pid`",
    },
    Case {
        what: "a mask in decimal, and a signal that doesn't exist",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  umask: 18
  stop: {schedule: [{signal: TREM, wait: 5s}]}
",
        says: "6:10 S025 `spec.umask` has octal permission bits from 0000 to 0777, not `18`
    write for example `0022`
7:30 S025 `TREM` is not a signal, write for example `TERM`, `HUP` or `RTMIN+1`",
    },
    Case {
        what: "a list in the place of a text, an empty value, a version that isn't ours",
        text: "apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  startas: [/bin/true]
  workingDirectory:
",
        says: "1:13 S011 `apiVersion: v1` is not a document of selfsame
    write `apiVersion: selfsame/v1`",
    },
    Case {
        what: "capabilities",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  security: {capabilities: {bounding: [CAP_CHOWN], ambient: [net_bind_servce, cap_kill]}}
",
        says: "6:62 S026 there is no capability `net_bind_servce`
    did you mean `CAP_NET_BIND_SERVICE`?",
    },
    Case {
        what: "a capability that is taken away",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  security: {capabilities: {bounding: [CAP_CHOWN], ambient: [CAP_KILL]}}
",
        says: "6:52 S060 `spec.security.capabilities.ambient` has CAP_KILL, which `bounding` takes away
    add CAP_KILL to `bounding`, or take it out of `ambient`",
    },
    Case {
        what: "sockets",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  sockets:
    - {name: http, listen: 'tcp://localhost:80'}
    - {name: 'a:b', listen: 'unix://relative.sock'}
    - {name: mail, listen: 'smtp://127.0.0.1'}
    - {name: dns, listen: 'udp://127.0.0.1:53', mode: 0660}
",
        says: "7:28 S025 `spec.sockets[0].listen` needs an address in numbers and a port, not `localhost:80`
    write `127.0.0.1:80` for this host alone, `0.0.0.0:80` or `[::]:80` for everybody
8:14 S030 `a:b` can't be the name of a socket
    printable ASCII without blanks and `:`: `http`
8:29 S025 `spec.sockets[1].listen` needs an absolute path, not `relative.sock`
    write for example `unix://${runDir}/${name}.sock`
9:28 S025 `spec.sockets[2].listen` can't be `smtp://127.0.0.1`
    write `tcp://127.0.0.1:8080`, `udp://127.0.0.1:53` or `unix:///run/shop.sock`
10:49 S060 `spec.sockets[3].mode` is of Unix sockets only
    leave it out",
    },
    Case {
        what: "what the fields of execution mean to each other",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: ./web
  chroot: /srv/jail
  secrets: [{name: KEY, file: /etc/key}, {name: KEY, file: /etc/other, as: env}]
  writePidfile: true
",
        says: "5:3 S060 `spec.startas` is a path inside of `spec.chroot`, and this one is relative
    write it from the root directory that the service has: `/bin/shop`
7:3 S060 a copy of a secret lies outside of `spec.chroot`
    write `as: env`
7:3 S060 two secrets are called `KEY`
    give one of them another name
8:3 S060 `spec.writePidfile` needs a `spec.pidfile`
    add `pidfile: ${runDir}/${name}.pid`",
    },
    Case {
        what: "a comma that belongs to an expression",
        text: "apiVersion: selfsame/v1
kind: Matcher
metadata: {name: web}
spec:
  define:
    listening: {expr: any(listens, s => s.port == 80)}
",
        says: "6:34 S050 a comma ends `spec.define.listening.expr` here
    put the whole expression in single quotes: a comma parts the entries of `{...}` and `[...]`
6:36 S020 unknown field `spec.define.listening.s => s.port == 80)`
    known here: `params`, `expr`",
    },
    Case {
        what: "a dependency as other tools write it",
        text: "apiVersion: selfsame/v1
kind: Service
metadata: {name: web}
spec:
  startas: /bin/true
  dependsOn: [db]
",
        says: "6:15 S024 `spec.dependsOn[0]` is a mapping, here stands a single value
    write `{name: db}`",
    },
];

#[test]
fn each_mistake_is_named_with_its_place_and_its_mend() {
    let mut wrong = Vec::new();
    for case in CASES {
        let bench = Bench::new();
        bench.write("specs/web.yaml", case.text);
        let (code, says) = said(&bench, &["specs"]);
        if code != 1 || says != case.says {
            wrong.push(format!("--- {} (exit {code})\n{says}\n--- expected\n{}\n", case.what, case.says));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn mistakes_of_all_files_come_in_one_run() {
    let bench = Bench::new();
    for (index, case) in CASES.iter().enumerate() {
        bench.write(
            &format!("specs/f{index:02}.yaml"),
            &case.text.replace("name: web", &format!("name: web{index}")),
        );
    }
    bench.daemon("good", "");
    let ran = bench.run(&["check", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for index in 0..CASES.len() {
        let name = format!("specs/f{index:02}.yaml:");
        assert!(
            ran.stderr.contains(&name) || ran.stdout.contains(&name),
            "{name} in\n{}{}",
            ran.stdout,
            ran.stderr
        );
    }
    assert!(!ran.stderr.contains("good.yaml"), "{}", ran.stderr);
    assert!(ran.stderr.contains("errors"), "they are counted: {}", ran.stderr);
}

#[test]
fn the_text_form_has_a_caret_under_the_mistake() {
    let bench = Bench::new();
    bench.write("specs/web.yaml", CASES[2].text);
    let ran = bench.run(&["check", "specs"]);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let quoted = lines.iter().position(|line| line.contains("usr == ")).unwrap_or_else(|| panic!("{ran:?}"));
    let under = lines[quoted + 1];
    assert_eq!(under.find('^'), lines[quoted].find("usr"), "{}", ran.stderr);
    assert_eq!(under.matches('^').count(), 3, "{}", ran.stderr);
    assert!(ran.stderr.contains("specs/web.yaml:6:41"), "{}", ran.stderr);
    assert!(ran.stderr.contains("did you mean `user`?"), "{}", ran.stderr);
}

#[test]
fn names_in_two_files_are_refused_in_both() {
    let bench = Bench::new();
    bench.daemon("web", "");
    let text = std::fs::read_to_string(bench.path("specs/web.yaml")).unwrap();
    bench.write("specs/copy.yaml", &text);
    let ran = bench.run(&["check", "specs"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(ran.stderr.contains("copy.yaml:") && ran.stderr.contains("web.yaml:"), "{ran:?}");
}

#[test]
fn warnings_count_only_with_strict() {
    let bench = Bench::new();
    bench.daemon("web", "matchOnly: exe == interpreter(startas) && comm =~ \"web\"");
    let plain = bench.run(&["check", "specs"]);
    let strict = bench.run(&["check", "specs", "--strict"]);
    assert!(plain.stderr.contains("warning"), "{plain:?}");
    assert_eq!((plain.code, strict.code), (0, 3), "{plain:?}");
}

#[test]
fn a_good_directory_is_a_success_and_touches_nothing() {
    let bench = Bench::new();
    bench.daemon("web", "match: exe == interpreter(startas)");
    let ran = bench.ok(&["check", "specs", "--strict"]);
    assert!(ran.stderr.is_empty(), "{ran:?}");
    assert!(bench.starts().is_empty());
    assert!(!bench.path("state").exists(), "check makes no state");
    let (code, rows) = said(&bench, &["specs"]);
    assert_eq!((code, rows.as_str()), (0, ""));
}

/// A directory whose documents stand one level deeper was `good`, and nothing was said of it.
#[test]
fn a_place_without_documents_is_named() {
    let bench = Bench::new();
    bench.daemon("web", "");
    for verb in ["check", "plan", "apply"] {
        let ran = bench.run(&[verb, "."]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("there are no documents in `.`; `--recursive`"), "{ran:?}");
        let ran = bench.run(&[verb, "specs"]);
        assert!(!ran.stderr.contains("no documents"), "{ran:?}");
    }
    let ran = bench.ok(&["check", "-v", "."]);
    assert!(ran.stderr.contains("specs: a directory, which only `--recursive` enters"), "{ran:?}");
}

/// The own example of `readiness.when` was warned of: what is asked of a service's own processes isn't read for every
/// process. Nor is a `match`, which is asked of what runs its program.
#[test]
fn what_conditions_on_own_processes_cost_is_no_matter() {
    let bench = Bench::new();
    let listens = "'any(listens, s => s.port == 8080)'";
    bench.daemon(
        "own",
        &format!(
            "match: {listens}\nreadiness: {{when: {listens}}}\ntriggers: [{{when: {listens}, do: restart}}]"
        ),
    );
    bench.ok(&["check", "specs", "--strict"]);
    bench.daemon("any", &format!("conditions: [{{when: {listens}}}]"));
    let (_, says) = said(&bench, &["specs"]);
    assert!(says.contains("W110 `listens` is read for every process"), "{says}");
}

#[test]
fn files_that_are_passed_over_are_named_when_asked() {
    let bench = Bench::new();
    bench.daemon("web", "");
    for name in [".hidden.yaml", "web.yaml~", "notes.txt"] {
        bench.write(&format!("specs/{name}"), "nonsense: [");
    }
    symlink("/nowhere", bench.path("specs/.#web.yaml")).unwrap();
    let quiet = bench.ok(&["check", "specs"]);
    assert!(!(quiet.stdout + &quiet.stderr).contains("notes.txt"));
    let verbose = bench.ok(&["check", "-v", "specs"]);
    let text = verbose.stdout + &verbose.stderr;
    for name in [".hidden.yaml", "web.yaml~", ".#web.yaml"] {
        assert!(text.contains(name), "{name} in\n{text}");
    }
}

#[test]
fn paths_that_cannot_be_read_are_errors() {
    let bench = Bench::new();
    let absent = bench.run(&["check", "absent"]);
    assert_eq!(absent.code, 1, "{absent:?}");
    assert!(absent.stderr.contains("absent"), "{absent:?}");
    std::fs::write(
        bench.path("specs/latin.yaml"),
        b"apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: caf\xe9}\n",
    )
    .unwrap();
    let latin = bench.run(&["check", "specs"]);
    assert_eq!(latin.code, 1, "{latin:?}");
    assert!(latin.stderr.contains("latin.yaml") && latin.stderr.contains("UTF-8"), "{latin:?}");
    std::fs::remove_file(bench.path("specs/latin.yaml")).unwrap();
    // A thousand million bytes that aren't there.
    let file = std::fs::File::create(bench.path("specs/huge.yaml")).unwrap();
    file.set_len(1 << 30).unwrap();
    drop(file);
    let began = std::time::Instant::now();
    let huge = bench.run(&["check", "specs"]);
    assert_eq!(huge.code, 1, "{huge:?}");
    assert!(huge.stderr.contains("huge.yaml"), "{huge:?}");
    assert!(began.elapsed() < std::time::Duration::from_secs(40), "{:?}", began.elapsed());
}

#[test]
fn nesting_and_size_have_limits() {
    let bench = Bench::new();
    let head = "apiVersion: selfsame/v1\nkind: Service\nmetadata: {name: web}\nspec:\n  startas: /bin/true\n";
    let deep = format!("{head}  x-deep: {}{}\n", "[".repeat(5000), "]".repeat(5000));
    let parens = format!("{head}  match: '{}pid == 1{}'\n", "(".repeat(3000), ")".repeat(3000));
    let nots = format!("{head}  match: '{}has(tty)'\n", "!".repeat(8000));
    let long = format!("{head}  match: '{}'\n", vec!["pid == 1"; 2000].join(" || "));
    for (what, text) in [("deep", deep), ("parens", parens), ("nots", nots), ("long", long)] {
        bench.write("specs/web.yaml", &text);
        let began = std::time::Instant::now();
        let ran = bench.run(&["check", "specs"]);
        assert_eq!(ran.code, 1, "{what}: {}", ran.stderr.chars().take(2000).collect::<String>());
        assert!(began.elapsed() < std::time::Duration::from_secs(40), "{what}: {:?}", began.elapsed());
    }
}
