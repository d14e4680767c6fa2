//! `match` and `explain` on real processes and on a snapshot.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "tests"
)]

#[path = "cli/support.rs"]
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command};

use support::{Bench, DAEMON, Ran, has, is_root};

/// Processes that end with the test.
struct Guard(Vec<Child>);

impl Drop for Guard {
    fn drop(&mut self) {
        for child in &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// `shop --port 1`, `shop --port 2` and `other`: three daemons of one interpreter.
fn three() -> (Bench, Guard, [i32; 3]) {
    let bench = Bench::new();
    let shop = bench.script("bin/shop", DAEMON);
    let other = bench.script("bin/other", DAEMON);
    let run = |script: &Path, args: &[&str]| bench.by_hand(bench.root(), &script.to_string_lossy(), args);
    let children =
        vec![run(&shop, &["--port", "1"]), run(&shop, &["--port", "2"]), run(&other, &["--port=1"])];
    let pids = [0, 1, 2].map(|index: usize| i32::try_from(children[index].id()).unwrap());
    support::until("the three", || bench.starts().len() == 3);
    (bench, Guard(children), pids)
}

fn pids(ran: &Ran) -> Vec<i32> {
    ran.stdout.lines().map(|line| line.trim().parse().unwrap()).collect()
}

fn sorted(mut list: Vec<i32>) -> Vec<i32> {
    list.sort_unstable();
    list
}

#[test]
fn it_finds_what_runs_a_script() {
    let (bench, _guard, [one, two, other]) = three();
    let set = format!("startas={}", bench.path("bin/shop").display());
    let both = bench.ok(&["match", "runs(startas)", "--set", &set]);
    assert_eq!(sorted(pids(&both)), sorted(vec![one, two]), "{both:?}");
    let first = bench.ok(&["match", "runs(startas) && arg(\"--port\") == \"1\"", "--set", &set]);
    assert_eq!(pids(&first), [one]);
    let literal = bench.ok(&["match", &format!("runs(\"{}\")", bench.path("bin/other").display())]);
    assert_eq!(pids(&literal), [other]);
    // The interpreter says only what all three have in common.
    let user = String::from_utf8(Command::new("id").arg("-un").output().unwrap().stdout).unwrap();
    let headline = format!("exe == interpreter(startas) && user == \"{}\"", user.trim());
    let all = pids(&bench.ok(&["match", &headline, "--set", &set]));
    assert!([one, two, other].iter().all(|pid| all.contains(pid)), "{all:?}");
}

#[test]
fn exit_codes_tell_found_from_none_from_unknown_from_error() {
    let (bench, _guard, [one, ..]) = three();
    let pid = one.to_string();
    let code = |args: &[&str]| bench.run(args).code;
    assert_eq!(code(&["match", "pid == 1 || true", "--pid", &pid]), 0);
    let none = bench.run(&["match", "comm == \"nobody-is-so-called\""]);
    assert_eq!((none.code, none.stdout.as_str()), (1, ""), "{none:?}");
    let wrong = bench.run(&["match", "exe = \"/bin/sh\" && usr == \"root\""]);
    assert_eq!(wrong.code, 3, "{wrong:?}");
    assert!(wrong.stdout.is_empty(), "{wrong:?}");
    for part in ["`==`", "`usr`", "`user`", "^"] {
        assert!(wrong.stderr.contains(part), "`{part}` in\n{}", wrong.stderr);
    }
    assert_eq!(code(&["match", "true", "--snapshot", "absent.yaml"]), 3);
    assert_eq!(code(&["match"]), 64);
    assert_eq!(code(&["match", "true", "--set", "nonsense"]), 64);
    assert_eq!(code(&["explain", "exe = 1", "--pid", &pid]), 3);
}

#[test]
fn a_name_that_is_not_bound_is_an_error_with_the_mend() {
    let (bench, _guard, _) = three();
    let ran = bench.run(&["match", "exe == startas"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("--set startas="), "{ran:?}");
}

#[test]
fn processes_that_are_false_are_listed_when_asked_for() {
    let (bench, _guard, [one, two, _]) = three();
    let expression = "arg(\"--port\") == \"1\"";
    let (first, second) = (one.to_string(), two.to_string());
    let ran = bench.ok(&["match", expression, "--pid", &first, "--pid", &second, "--output", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let verdict =
        |pid: i32| rows.as_array().unwrap().iter().find(|row| row["pid"] == pid).unwrap()["verdict"].clone();
    assert_eq!((verdict(one), verdict(two)), ("true".into(), "false".into()), "{rows}");
    for row in rows.as_array().unwrap() {
        assert!(row["reasons"].is_array() && row["notes"].is_array(), "{row}");
    }
    let all = bench.ok(&["match", expression, "--all", "--output", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&all.stdout).unwrap();
    assert!(rows.as_array().unwrap().len() > 3);
    let table = bench.ok(&["match", expression, "--pid", &first, "--output", "table"]);
    for part in [first.as_str(), "bin/shop", "--port"] {
        assert!(table.stdout.contains(part), "`{part}` in\n{}", table.stdout);
    }
    let few = bench.ok(&["match", expression, "--output", "json"]);
    let rows: serde_json::Value = serde_json::from_str(&few.stdout).unwrap();
    assert!(rows.as_array().unwrap().iter().all(|row| row["verdict"] != "false"), "{rows}");
}

#[test]
fn a_process_that_is_not_there_matches_nothing() {
    let (bench, _guard, _) = three();
    let ran = bench.run(&["match", "comm == \"x\" || pid > 0", "--pid", "4194303"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.stdout, "");
}

#[test]
fn explain_shows_every_value_and_the_smallest_part_that_fails() {
    let (bench, _guard, [one, ..]) = three();
    let expression = "runs(startas) && arg(\"--port\") == \"9\" && pid > 1";
    let set = format!("startas={}", bench.path("bin/shop").display());
    let pid = one.to_string();
    let ran = bench.ok(&["explain", expression, "--pid", &pid, "--set", &set]);
    for part in ["runs(startas)", "arg(\"--port\") == \"9\"", "\"1\"", "true", "false", &pid] {
        assert!(ran.stdout.contains(part), "`{part}` in\n{}", ran.stdout);
    }
    let json = bench.ok(&["explain", expression, "--pid", &pid, "--set", &set, "--output", "json"]);
    let value: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert!(value.to_string().contains("arg("), "{value}");
}

#[test]
fn explain_of_an_object_names_its_process_and_why() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("shop");
    let ran = bench.ok(&["explain", "shop"]);
    for part in ["shop", &pid.to_string(), "shop.yaml"] {
        assert!(ran.stdout.contains(part), "`{part}` in\n{}", ran.stdout);
    }
}

const SNAPSHOT: &str = r##"host:
  files:
    /usr/bin/python3: {link: python3.11}
    /usr/bin/python3.11: {id: [1, 101], elf: true}
    /srv/app/a.py: {id: [1, 201], head: "#!/usr/bin/python3\n"}
    /srv/app/b.py: {id: [1, 202], head: "#!/usr/bin/python3\n"}
  users: {root: 0, www-data: 33}
  groups: {root: 0, www-data: 33}
processes:
  - {pid: 600, ppid: 1, startTicks: 1000, state: sleeping, user: www-data, comm: a.py, exe: /usr/bin/python3.11,
     argv: [/usr/bin/python3, /srv/app/a.py], execfn: /srv/app/a.py, cwd: /}
  - {pid: 601, ppid: 1, startTicks: 1001, state: sleeping, user: root, comm: b.py, exe: /usr/bin/python3.11,
     argv: [/usr/bin/python3, /srv/app/b.py], execfn: /srv/app/b.py, cwd: /}
  - {pid: 602, ppid: 1, startTicks: 1002, state: sleeping, user: root, comm: c, unreadable: {exe: denied, argv: denied}}
"##;

#[test]
fn a_snapshot_is_asked_instead_of_the_host() {
    let bench = Bench::new();
    bench.write("host.yaml", SNAPSHOT);
    let ask = |expression: &str, more: &[&str]| {
        let mut args = vec!["match", expression, "--snapshot", "host.yaml", "--set", "startas=/srv/app/a.py"];
        args.extend(more);
        bench.run(&args)
    };
    let rows: [(&str, i32, &str); 7] = [
        ("exe == interpreter(startas) && user == \"www-data\"", 0, "600\n"),
        ("runs(startas)", 0, "600\n"),
        ("user == \"root\" && known(exe)", 0, "601\n"),
        ("exe.path == \"/usr/bin/perl\"", 2, ""),
        ("exe.path == \"/usr/bin/perl\" && user == \"www-data\"", 1, ""),
        ("!(exe.path == \"/usr/bin/python3.11\")", 2, ""),
        ("pid == 1", 1, ""),
    ];
    for (expression, code, out) in rows {
        let ran = ask(expression, &[]);
        assert_eq!((ran.code, ran.stdout.as_str()), (code, out), "{expression}: {ran:?}");
    }
    let unknown = ask("exe.path == \"/usr/bin/perl\"", &["--output", "json"]);
    let value: serde_json::Value = serde_json::from_str(&unknown.stdout).unwrap();
    let row = value.as_array().unwrap().iter().find(|row| row["pid"] == 602).unwrap();
    assert_eq!(row["verdict"], "unknown");
    assert!(row["reasons"].to_string().contains("denied"), "{row}");
    let explained = bench.ok(&["explain", "exe.path == \"/x\"", "--snapshot", "host.yaml", "--pid", "602"]);
    assert!(explained.stdout.contains("denied"), "{explained:?}");
}

#[test]
fn a_snapshot_with_a_mistake_names_its_place() {
    let bench = Bench::new();
    bench.write("host.yaml", &SNAPSHOT.replace("comm: c,", "com: c,"));
    let ran = bench.run(&["match", "pid == 600", "--snapshot", "host.yaml"]);
    assert_eq!(ran.code, 3, "{ran:?}");
    assert!(ran.stderr.contains("host.yaml:14:"), "{ran:?}");
    assert!(ran.stderr.contains("`com`") && ran.stderr.contains("`comm`"), "{ran:?}");
}

#[test]
fn a_snapshot_of_this_host_gives_the_same_answers() {
    let (bench, _guard, numbers) = three();
    let mut args = vec!["snapshot".to_owned()];
    for pid in numbers {
        args.extend(["--pid".to_owned(), pid.to_string()]);
    }
    let shop = bench.path("bin/shop").display().to_string();
    args.extend(["--file".to_owned(), shop.clone()]);
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let written = bench.ok(&words);
    bench.write("host.yaml", &written.stdout);
    let set = format!("startas={shop}");
    let expressions = [
        "runs(startas)",
        "exe == interpreter(startas)",
        "arg(\"--port\") == \"1\"",
        "script == startas",
        "comm == \"shop\" || has(tty)",
        "threads == 1 && nice == 0",
        "env[\"PATH\"] == \"x\"",
        "cwd == \"/\"",
    ];
    for expression in expressions {
        let mut live = vec!["match", expression, "--set", &set, "--output", "json", "--all"];
        let mut stored = live.clone();
        let numbers = numbers.map(|pid| pid.to_string());
        for pid in &numbers {
            live.extend(["--pid", pid]);
        }
        stored.extend(["--snapshot", "host.yaml"]);
        let verdicts = |args: &[&str]| {
            let ran = bench.run(args);
            let rows: serde_json::Value =
                serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{args:?}: {ran:?}"));
            let mut rows: Vec<(i64, String)> = rows
                .as_array()
                .unwrap()
                .iter()
                .map(|row| (row["pid"].as_i64().unwrap(), row["verdict"].to_string()))
                .collect();
            rows.sort();
            rows
        };
        assert_eq!(verdicts(&live), verdicts(&stored), "{expression}");
    }
    assert!(!written.stdout.contains("CARGO_PKG_NAME: selfsame"), "values of variables are not written");
}

/// Somebody who may not read root's process learns that it is unknown, and what would help.
#[test]
fn what_an_ordinary_user_may_not_read_is_unknown() {
    let bench = Bench::new();
    let (program, before): (&str, Vec<&str>) = if is_root() {
        if !has("/usr/bin/setpriv") {
            return;
        }
        ("setpriv", vec!["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
    } else {
        ("/usr/bin/env", vec![])
    };
    // A copy in a place that everybody can reach.
    let place = tempfile::Builder::new().prefix("selfsame-test-").tempdir_in("/tmp").unwrap();
    std::fs::set_permissions(place.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let copy = place.path().join("selfsame");
    assert!(Command::new("cp").arg(env!("CARGO_BIN_EXE_selfsame")).arg(&copy).status().unwrap().success());
    let (_child, pid) = if is_root() {
        let child = bench.by_hand(bench.root(), "/bin/sleep", &["1000"]);
        let pid = child.id().to_string();
        (Guard(vec![child]), pid)
    } else {
        (Guard(Vec::new()), "1".to_owned())
    };
    let ask = |args: &[&str]| {
        let output = Command::new(program)
            .args(&before)
            .arg(&copy)
            .args(args)
            .env("NO_COLOR", "1")
            .current_dir("/")
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
    };
    if !is_root() && std::fs::metadata("/proc/1").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) != 0)
    {
        eprintln!("skipped: PID 1 isn't root's here");
        return;
    }
    let (code, out, err) = ask(&["match", "exe == \"/usr/bin/sleep\"", "--pid", &pid]);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    let (code, out, err) = ask(&["match", "!(exe == \"/usr/bin/sleep\")", "--pid", &pid]);
    assert_eq!((code, out.as_str()), (2, ""), "the negation isn't known either: {err}");
    let (code, out, err) = ask(&["match", "env[\"A\"] == \"b\"", "--pid", &pid, "--output", "json"]);
    assert_eq!(code, 2, "{out}{err}");
    assert!(out.contains("denied"), "{out}");
    let (_, out, err) = ask(&["explain", "exe == \"/usr/bin/sleep\"", "--pid", &pid]);
    assert!(out.contains("unknown"), "{out}{err}");
    assert!((out.clone() + &err).contains("root"), "what would help is said: {out}{err}");
    // What everybody may read is known.
    let (code, _, err) = ask(&["match", "user == \"root\"", "--pid", &pid]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn the_command_line_of_a_stranger_cannot_write_to_the_terminal() {
    let bench = Bench::new();
    let child =
        bench.by_hand(bench.root(), "/usr/bin/perl", &["-e", "sleep 1000", "\u{1b}]0;hi\u{7}\u{1b}[31m"]);
    let pid = child.id().to_string();
    let _guard = Guard(vec![child]);
    for args in [
        ["match", "pid > 1", "--pid", &pid, "--output", "table"],
        ["explain", "argv[3] == \"x\"", "--pid", &pid, "--output", "text"],
    ] {
        let ran = bench.run(&args);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains('\u{7}'), "{ran:?}");
    }
}

#[test]
fn who_listens_on_a_port_is_found_on_the_host_and_in_its_snapshot() {
    let bench = Bench::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let pid = std::process::id().to_string();
    let asked = format!("any(listens, s => s.port == {port} && s.ip == 127.0.0.1 && s.state == listen)");
    let other = format!("any(listens, s => s.port == {port} && s.proto == udp)");
    assert_eq!(bench.run(&["match", &asked, "--pid", &pid]).stdout.trim(), pid);
    assert_eq!(bench.run(&["match", &other, "--pid", &pid]).code, 1);
    let text = bench.ok(&["snapshot", "--pid", &pid]).stdout;
    let snapshot = bench.write("host.yaml", &text).display().to_string();
    let ran = bench.run(&["match", &asked, "--snapshot", &snapshot]);
    assert_eq!(ran.stdout.trim(), pid, "{ran:?}\n{text}");
    assert_eq!(bench.run(&["match", &other, "--snapshot", &snapshot]).code, 1);
    for part in ["pss: ", "uss: ", "files: ", "sockets: "] {
        assert!(text.contains(part), "`{part}` in\n{text}");
    }
    let open = bench.ok(&["match", "uss > 0B && pss >= uss && len(files) > 0", "--snapshot", &snapshot]);
    assert_eq!(open.stdout.trim(), pid);
}

/// One look says how much processor time was used since the fork. Who is busy now is told by two.
#[test]
fn what_one_look_can_not_tell_is_looked_at_twice() {
    let bench = Bench::new();
    let busy = bench.by_hand(bench.root(), "/bin/sh", &["-c", "while :; do :; done"]);
    let idle = bench.by_hand(bench.root(), "/bin/sleep", &["300"]);
    let (b, i) = (busy.id().to_string(), idle.id().to_string());
    let _guard = Guard(vec![busy, idle]);
    let found = bench.ok(&["match", "cpu > 2%", "--sample", "500ms", "--pid", &b, "--pid", &i]);
    assert_eq!(found.stdout.trim(), b, "{found:?}");
    let table =
        bench.ok(&["match", "pid > 1", "--fields", "cpu,changed(ppid)", "--sample", "200ms", "--pid", &i]);
    assert!(table.stdout.contains("0%") && table.stdout.contains("false"), "{table:?}");
    let twice = bench.ok(&["snapshot", "--sample", "200ms", "--pid", &b]).stdout;
    assert!(twice.contains("cpuTime: ") && twice.contains("changed: {ppid: false"), "{twice}");
    // One look states no rates, and who asks it hears that it doesn't know.
    let once = bench.ok(&["snapshot", "--pid", &b]).stdout;
    assert!(!once.contains("\n    rates: "), "{once}");
    let file = bench.write("once.yaml", &once);
    let asked = bench.run(&["match", "cpu > 2%", "--snapshot", &file.to_string_lossy()]);
    assert_eq!(asked.code, 2, "{asked:?}");
    assert!(asked.stderr.contains("sampling"), "{asked:?}");
}

/// It was said that they had not answered in time.
#[test]
fn where_no_thread_is_to_be_had_that_is_said() {
    if !is_root() || !has("/usr/bin/setpriv") || !has("/usr/bin/prlimit") {
        eprintln!("skipped: needs root, setpriv and prlimit");
        return;
    }
    for (expression, expected) in [
        ("user == \"no-such-user\"", "(nss: `no-such-user`: no thread is to be had to ask)"),
        ("env[\"A\"] == \"b\"", ": no thread is to be had to read it)"),
    ] {
        let mut command = Command::new("prlimit");
        // A user that has no other process.
        command.args(["--nproc=1", "setpriv", "--reuid=4444", "--regid=4444", "--clear-groups", "--"]);
        command.args([env!("CARGO_BIN_EXE_selfsame"), "match", expression]);
        let asked = command.env("HOME", "/").env_remove("XDG_CONFIG_HOME").output().unwrap();
        let said = String::from_utf8_lossy(&asked.stderr);
        assert_eq!(asked.status.code(), Some(2), "{said}");
        assert!(said.contains(expected), "{said}");
    }
}

/// Owners of many are read from both ends of the listing: each process still has its own, first and last ones too.
#[test]
fn among_many_everybody_has_the_owner_that_the_kernel_says() {
    const USERS: [u32; 3] = [4441, 4442, 4443];
    const EACH: usize = 120;
    if !is_root() || !has("/usr/bin/setpriv") {
        eprintln!("skipped: needs root and setpriv");
        return;
    }
    let start = |at: usize| {
        let user = USERS[at % USERS.len()];
        let ids = [format!("--reuid={user}"), format!("--regid={user}")];
        let mut command = Command::new("setpriv");
        command.args(ids).args(["--clear-groups", "--", "/bin/sleep", "1000"]).spawn().unwrap()
    };
    let guard = Guard((0..EACH * USERS.len()).map(start).collect());
    let bench = Bench::new();
    let executes = |child: &Child| {
        std::fs::read(format!("/proc/{}/comm", child.id())).is_ok_and(|name| name == b"sleep\n")
    };
    support::until("all sleep", || guard.0.iter().all(executes));
    for (first, user) in USERS.iter().enumerate() {
        let theirs = guard.0.iter().skip(first).step_by(USERS.len());
        let expected = theirs.map(|child| i32::try_from(child.id()).unwrap()).collect();
        let asked = bench.ok(&["match", &format!("user == {user} && comm == \"sleep\"")]);
        assert_eq!(sorted(pids(&asked)), sorted(expected), "{asked:?}");
    }
}
