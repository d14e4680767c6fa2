//! What a service is given (ids, environment, limits, directory, mask, outputs), read back from `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use super::support::{Bench, is_root, stat_field, until};

fn environment(pid: i32) -> BTreeMap<String, String> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.split('\0')
        .filter_map(|row| row.split_once('='))
        .map(|(k, v)| (k.to_owned(), v.to_owned()))
        .collect()
}

/// The words of one line of `/proc/PID/status` or `/proc/PID/limits`, after its name.
fn line(pid: i32, file: &str, name: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let rest =
        text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_else(|| panic!("{name} in {text}"));
    rest.split_whitespace().map(str::to_owned).collect()
}

fn started(lines: &str) -> (Bench, i32) {
    let bench = Bench::new();
    bench.daemon("one", lines);
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    (bench, pid)
}

#[test]
fn the_environment_is_clean_and_complete() {
    let bench = Bench::new();
    fs::write(
        bench.path("a.env"),
        "# a comment\nFROM_A=a\nBOTH=a\n\nQUOTED=\"with blanks\"\nexport EXPORTED=yes\n",
    )
    .unwrap();
    fs::write(bench.path("b.env"), "BOTH=b\nOWN=file\n").unwrap();
    bench.daemon(
        "one",
        &format!(
            "envFrom: [{{file: {}}}, {{file: {}}}, {{file: {}, optional: true}}, {{file: {}, prefix: P_}}]\nenv: {{OWN: spec, NAME: \"${{name}}-${{index}}\", LITERAL: \"$${{index}} $HOME\"}}",
            bench.path("a.env").display(),
            bench.path("b.env").display(),
            bench.path("absent.env").display(),
            bench.path("b.env").display(),
        ),
    );
    let ran = bench.command(&["apply", "specs"]).env("LEAKED", "from the caller").output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let pid = bench.the_pid_of("one");
    let has = environment(pid);
    let expected = [
        ("FROM_A", "a"),
        ("BOTH", "b"),
        ("QUOTED", "with blanks"),
        ("P_OWN", "file"),
        ("OWN", "spec"),
        ("NAME", "one-0"),
        ("LITERAL", "${index} $HOME"),
    ];
    for (name, value) in expected {
        assert_eq!(has.get(name).map(String::as_str), Some(value), "{name} in {has:?}");
    }
    for name in ["PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG"] {
        assert!(has.contains_key(name), "{name} in {has:?}");
    }
    for name in ["LEAKED", "SELFSAME_STATE_DIR", "NO_COLOR", "CARGO_MANIFEST_DIR"] {
        assert!(!has.contains_key(name), "{name} in {has:?}");
    }
}

#[test]
fn a_changed_file_of_variables_is_a_change() {
    let bench = Bench::new();
    fs::write(bench.path("a.env"), "LEVEL=1\n").unwrap();
    bench.daemon("one", &format!("envFrom: [{{file: {}}}]", bench.path("a.env").display()));
    bench.ok(&["apply", "specs"]);
    fs::write(bench.path("a.env"), "LEVEL=2\n").unwrap();
    bench.ok(&["apply", "specs"]);
    super::support::until("the second note", || bench.starts().len() == 2);
    assert_eq!(environment(bench.the_pid_of("one"))["LEVEL"], "2");
}

#[test]
fn arguments_arrive_as_they_are() {
    let (bench, pid) =
        started("args: [\"a b\", \"\", \"$HOME\", \"*\", \"${name}\", \"$${name}\", 80, \"é\"]");
    let bytes = fs::read(format!("/proc/{pid}/cmdline")).unwrap();
    let words: Vec<String> =
        bytes.split(|b| *b == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect();
    // perl, the script, the arguments, and the end.
    assert_eq!(words[2..words.len() - 1], ["a b", "", "$HOME", "*", "one", "${name}", "80", "é"]);
    assert_eq!(words[1], bench.path("bin/one").to_string_lossy());
}

#[test]
fn mask_limits_nice_and_directory() {
    let bench = Bench::new();
    let lines = format!(
        "umask: \"0027\"\nlimits: {{nofile: 321, core: 0, fsize: 64MiB, stack: {{soft: 4MiB, hard: 16MiB}}}}\nscheduling: {{nice: 7, oomScoreAdj: 300, cpuAffinity: [0]}}\nworkingDirectory: {}",
        bench.root().display()
    );
    bench.daemon("one", &lines);
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    assert_eq!(line(pid, "status", "Umask:"), ["0027"]);
    assert_eq!(line(pid, "limits", "Max open files")[..2], ["321", "321"]);
    assert_eq!(line(pid, "limits", "Max core file size")[..2], ["0", "0"]);
    assert_eq!(line(pid, "limits", "Max file size")[..2], ["67108864", "67108864"]);
    assert_eq!(line(pid, "limits", "Max stack size")[..2], ["4194304", "16777216"]);
    assert_eq!(stat_field(pid, 19), "7");
    assert_eq!(fs::read_to_string(format!("/proc/{pid}/oom_score_adj")).unwrap().trim(), "300");
    assert_eq!(line(pid, "status", "Cpus_allowed_list:"), ["0"]);
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), fs::canonicalize(bench.root()).unwrap());
}

#[test]
fn defaults_are_those_of_the_design() {
    let (bench, pid) = started("");
    assert_eq!(line(pid, "status", "Umask:"), ["0022"]);
    assert_eq!(line(pid, "limits", "Max core file size")[0], "0");
    assert_eq!(fs::read_link(format!("/proc/{pid}/cwd")).unwrap(), PathBuf::from("/"));
    assert_eq!(stat_field(pid, 6), pid.to_string(), "leads its own session");
    // Field 7, the terminal: none.
    assert_eq!(stat_field(pid, 7), "0");
    assert_eq!(line(pid, "status", "SigBlk:"), ["0000000000000000"]);
    // perl ignores SIGFPE (8) by itself; nothing else may be ignored.
    let ignored = u64::from_str_radix(&line(pid, "status", "SigIgn:")[0], 16).unwrap();
    assert_eq!(ignored & !(1 << 7), 0, "{ignored:x}");
    assert_eq!(fs::read_link(format!("/proc/{pid}/fd/0")).unwrap(), PathBuf::from("/dev/null"));
    let script = fs::canonicalize(bench.path("bin/one")).unwrap();
    // perl keeps its script open, as the third descriptor, and its note until a moment after it wrote it; nothing else may have been
    // left to it.
    until("nothing else to be open", || {
        let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().map(|entry| entry.unwrap());
        let mut more = open.filter(|entry| !matches!(entry.file_name().to_str(), Some("0" | "1" | "2")));
        more.all(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == script))
    });
}

#[test]
fn outputs_go_where_the_spec_says() {
    let bench = Bench::new();
    let script = bench.script(
        "bin/talker",
        "#!/bin/sh\necho out; echo err >&2\necho $$ >> '%STARTS%'\nwhile :; do sleep 1; done\n",
    );
    let file = bench.path("one-${index}.txt");
    let end = "readiness: {aliveFor: 50ms}\nstop: {schedule: [{signal: KILL, wait: 5s}]}";
    bench.spec(
        "to-file",
        &format!(
            "startas: {}\nargs: [\"1\"]\nstdout: {{file: \"{}\"}}\nstderr: null\n{end}",
            script.display(),
            file.display()
        ),
    );
    bench.spec("to-log", &format!("startas: {}\nargs: [\"2\"]\n{end}", script.display()));
    bench.ok(&["apply", "specs"]);
    super::support::until("the lines", || {
        fs::read_to_string(bench.path("one-0.txt")).is_ok_and(|t| t == "out\n")
    });
    let logs = files_below(&bench.path("state/log"));
    let with = |part: &str| logs.iter().find(|path| path.to_string_lossy().contains(part)).cloned();
    let (out, err) = (with("to-log.stdout").unwrap(), with("to-log.stderr").unwrap());
    super::support::until("the log", || fs::read_to_string(&err).is_ok_and(|text| text == "err\n"));
    assert_eq!(fs::read_to_string(&out).unwrap(), "out\n");
    assert_eq!(fs::metadata(&out).unwrap().permissions().mode() & 0o007, 0, "logs are not for everybody");
    assert!(with("to-file").is_none(), "{logs:?}");
}

fn files_below(directory: &std::path::Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_below(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

#[test]
fn root_starts_it_as_another_user() {
    if !is_root() {
        eprintln!("skipped: this is about root");
        return;
    }
    let bench = Bench::new();
    fs::write(bench.path("starts"), "").unwrap();
    fs::set_permissions(bench.path("starts"), fs::Permissions::from_mode(0o666)).unwrap();
    bench.daemon("one", "user: nobody\ngroup: daemon\nsupplementaryGroups: [\"adm\", 7]");
    bench.daemon("two", "user: 65534");
    bench.ok(&["apply", "specs"]);
    let pid = bench.the_pid_of("one");
    let group = |name: &str| {
        let text = fs::read_to_string("/etc/group").unwrap();
        let line = text.lines().find(|line| line.starts_with(&format!("{name}:"))).unwrap().to_owned();
        line.split(':').nth(2).unwrap().to_owned()
    };
    assert_eq!(line(pid, "status", "Uid:"), ["65534"; 4]);
    assert_eq!(line(pid, "status", "Gid:"), vec![group("daemon"); 4]);
    let mut groups = line(pid, "status", "Groups:");
    groups.sort();
    let mut expected = vec![group("adm"), "7".to_owned()];
    expected.sort();
    assert_eq!(groups, expected);
    assert_eq!(line(pid, "status", "CapEff:"), ["0000000000000000"]);
    assert_eq!(environment(pid)["USER"], "nobody");
    let two = bench.the_pid_of("two");
    assert_eq!(line(two, "status", "Gid:"), ["65534"; 4]);
    assert!(line(two, "status", "Groups:").is_empty());
    // It is found again as that user's, also without a record.
    fs::remove_dir_all(bench.path("state/run")).unwrap();
    bench.ok(&["apply", "specs"]);
    assert_eq!(bench.starts().len(), 2);
    assert_eq!(bench.status_pids("one"), [pid]);
}

#[test]
fn an_ordinary_user_can_start_nothing_as_root() {
    if is_root() {
        eprintln!("skipped: this is about an ordinary user");
        return;
    }
    let bench = Bench::new();
    bench.daemon("one", "user: root");
    let ran = bench.run(&["apply", "specs"]);
    assert_ne!(ran.code, 0, "{ran:?}");
    assert!(bench.starts().is_empty());
}
