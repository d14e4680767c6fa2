//! What is asked, and what is answered.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use serde_json::{Value, json};

use super::support::{Bench, is_alive, until};

fn watched() -> Bench {
    let mut bench = Bench::new();
    bench.daemon("db", "");
    bench.daemon("shop", "dependsOn: [{name: db, condition: started}]");
    let path = bench.path("specs/shop.yaml");
    let labelled = std::fs::read_to_string(&path)
        .unwrap()
        .replace("{name: shop}", "{name: shop, labels: {team: front}}");
    bench.write("specs/shop.yaml", &labelled);
    bench.watch(&[]);
    bench.until_running(&["db", "shop"]);
    bench
}

/// A connection on which more than one thing is said.
struct Talk {
    stream: UnixStream,
    lines: BufReader<UnixStream>,
}

impl Talk {
    fn with(bench: &Bench) -> Self {
        let stream = bench.connect().unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap());
        Self { stream, lines }
    }

    fn say(&mut self, line: &Value) {
        self.stream.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// The next line; nothing when the other end is closed.
    fn hear(&mut self) -> Option<Value> {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        (!line.is_empty()).then(|| serde_json::from_str(&line).unwrap())
    }

    #[track_caller]
    fn ask(&mut self, id: u64, ask: &Value) -> Value {
        self.say(&json!({"version": 1, "id": id, "ask": ask}));
        let answer = self.hear().unwrap();
        assert_eq!((&answer["version"], &answer["id"]), (&json!(1), &json!(id)), "{answer}");
        answer["reply"].clone()
    }
}

fn names(reply: &Value) -> Vec<&str> {
    let objects = reply["status"]["objects"].as_array().unwrap();
    objects.iter().map(|object| object["name"].as_str().unwrap()).collect()
}

#[test]
fn many_calls_go_over_one_connection() {
    let bench = watched();
    let mut talk = Talk::with(&bench);
    let hello = talk.ask(1, &json!("hello"));
    assert_eq!(hello["hello"]["rights"], "all");
    assert_eq!(hello["hello"]["places"], json!([bench.path("specs")]));
    assert_eq!(names(&talk.ask(2, &json!({"status": {}}))), ["db", "shop"]);
    let some = talk.ask(3, &json!({"status": {"names": ["shop", "none"]}}));
    assert_eq!((names(&some), &some["status"]["missing"]), (vec!["shop"], &json!(["none"])));
    assert_eq!(names(&talk.ask(4, &json!({"status": {"selector": {"team": "front"}}}))), ["shop"]);
    let explained = talk.ask(5, &json!({"explain": "db"}));
    assert_eq!(explained["explained"]["status"]["name"], "db");
    assert!(explained["explained"]["record"]["spec"].is_object(), "{explained}");
    let unknown = talk.ask(6, &json!({"do": {"stop": {"objects": {"names": ["shpo"]}}}}));
    assert_eq!(
        unknown["refused"]["impossible"],
        json!(["no object `shpo` is on record; did you mean `shop`?"])
    );
    let done = talk.ask(7, &json!({"do": {"restart": {"selector": {"team": "front"}}}}));
    assert_eq!(done["done"]["objects"], json!(["shop"]));
    until("another copy", || bench.starts_of("shop").len() == 2);
    // Two at once are answered one after the other.
    talk.say(&json!({"version": 1, "id": 8, "ask": "hello"}));
    talk.say(&json!({"version": 1, "id": 9, "ask": "hello"}));
    let ids: Vec<Value> = (0..2).map(|_| talk.hear().unwrap()["id"].clone()).collect();
    assert_eq!(ids, [json!(8), json!(9)]);
}

#[test]
fn who_follows_is_told_what_changes_until_the_next_call() {
    let bench = watched();
    let mut talk = Talk::with(&bench);
    let now = talk.ask(1, &json!({"follow": {"names": ["shop"]}}));
    assert_eq!(now["status"]["objects"][0]["phase"], "Running");
    bench.ok(&["stop", "shop"]);
    let mut phases = Vec::new();
    while phases.last().is_none_or(|phase| phase != "Stopped") {
        let told = talk.hear().unwrap();
        assert_eq!(told["id"], 1);
        phases.push(told["reply"]["status"]["objects"][0]["phase"].as_str().unwrap().to_owned());
    }
    // Something that it doesn't follow, and then a call: that comes first of all.
    bench.ok(&["restart", "db"]);
    assert_eq!(talk.ask(2, &json!("hello"))["hello"]["rights"], "all", "{phases:?}");
}

#[test]
fn a_call_that_cannot_be_read_is_answered_and_ends_the_connection() {
    let bench = watched();
    let long = format!("{{\"version\":1,\"by\":\"{}\",\"ask\":\"hello\"}}", "x".repeat(70_000));
    let rows = [
        ("junk", "malformed"),
        ("", "malformed"),
        (r#"{"version":1,"ask":"dance"}"#, "malformed"),
        (r#"{"version":2,"id":5,"ask":"hello"}"#, "version"),
        (&long, "malformed"),
    ];
    for (line, kind) in rows {
        let mut talk = Talk::with(&bench);
        talk.stream.write_all(format!("{line}\n").as_bytes()).unwrap();
        let answer = talk.hear().unwrap();
        assert!(answer["reply"]["refused"][kind].is_string(), "{kind}: {answer}");
        assert_eq!(talk.lines.read_line(&mut String::new()).unwrap_or(0), 0, "{kind}: the connection ends");
    }
    // Whoever says all at once and then only listens is answered as well.
    let mut talk = Talk::with(&bench);
    talk.say(&json!({"version": 1, "ask": "hello"}));
    talk.stream.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(talk.hear().unwrap()["reply"]["hello"].is_object());
    assert_eq!(talk.hear(), None);
}

#[test]
fn all_are_stopped_in_reverse_order_of_dependence_and_labels_choose() {
    let bench = watched();
    let (db, shop) = (bench.the_pid_of("db"), bench.the_pid_of("shop"));
    bench.ok(&["restart", "-l", "team=front"]);
    until("another shop", || !is_alive(shop) && bench.alive_of("shop").len() == 1);
    assert!(is_alive(db));
    assert_eq!(bench.run(&["restart", "-l", "team=none"]).code, 1);
    bench.ok(&["stop", "--all"]);
    assert!(bench.alive().is_empty());
    let log = bench.watch_log();
    let (first, second) = (log.rfind("shop: TERM"), log.rfind("db: TERM"));
    assert!(first < second, "{log}");
    bench.ok(&["start", "--all"]);
    bench.until_running(&["db", "shop"]);
}

#[test]
fn status_and_explain_say_the_same_without_a_watch() {
    let mut bench = watched();
    let shown = |bench: &Bench, args: &[&str]| {
        let text = bench.run(args).stdout;
        // How long ago something was is another text a second later.
        let lasts = |line: &&str| !line.contains("since") && !line.contains("ago");
        text.lines().filter(lasts).map(str::to_owned).collect::<Vec<_>>()
    };
    let told = (shown(&bench, &["explain", "shop"]), bench.status_of("shop")["instances"].clone());
    bench.end_watch("TERM");
    assert_eq!((shown(&bench, &["explain", "shop"]), bench.status_of("shop")["instances"].clone()), told);
    assert!(bench.run(&["status"]).stderr.contains("no watch is running"));
}

/// A watch that hangs kept a verb waiting for a minute and a half in silence.
#[test]
fn a_verb_says_that_it_waits_for_a_watch_that_does_not_answer() {
    let mut bench = watched();
    let watch = bench.take_watch();
    let pid = watch.id();
    let signal = |signal| {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(pid).unwrap());
        nix::sys::signal::kill(pid, signal).unwrap();
    };
    signal(nix::sys::signal::Signal::SIGSTOP);
    let verbs: [&[&str]; 2] = [&["stop", "shop", "--timeout", "5s"], &["upgrade", "--timeout", "5s"]];
    let ran = std::thread::scope(|scope| {
        verbs.map(|verb| scope.spawn(|| bench.run(verb))).map(|verb| verb.join().unwrap())
    });
    signal(nix::sys::signal::Signal::SIGCONT);
    bench.give_watch(watch);
    let held = format!("it is suspended by a signal; `kill -CONT {pid}` lets it go on");
    let said = format!(
        "waiting for the watch (pid {pid}), which holds the state and hasn't answered yet; {held}\n\
         error: the watch doesn't answer: {held}\n"
    );
    for ran in ran {
        assert_eq!((ran.code, &ran.stderr), (1, &said), "{ran:?}");
    }
}

/// A name for the socket is longer than an address may be.
#[test]
fn a_long_path_is_no_hindrance() {
    let bench = Bench::new();
    bench.daemon("shop", "");
    let state = bench.path(&format!("{}/{}", "d".repeat(100), "e".repeat(60)));
    std::fs::create_dir_all(&state).unwrap();
    let state = state.to_string_lossy().into_owned();
    let mut watch = bench.command(&["--state-dir", &state, "watch", "specs"]).spawn().unwrap();
    until("it to be told", || bench.run(&["--state-dir", &state, "status", "shop"]).code == 0);
    let ran = bench.run(&["--state-dir", &state, "stop", "shop"]);
    watch.kill().unwrap();
    watch.wait().unwrap();
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.stderr.is_empty(), "through the watch: {ran:?}");
}

/// The state directory was removed: who comes later finds the watch in the new one.
#[test]
fn the_socket_comes_back_with_the_state() {
    let bench = watched();
    // At one stroke: watch makes it again while it is being removed.
    std::fs::rename(bench.path("state/run"), bench.path("removed")).unwrap();
    std::fs::remove_dir_all(bench.path("removed")).unwrap();
    bench.daemon("third", "");
    until("the socket", || bench.connect().is_ok());
    bench.until_running(&["db", "shop", "third"]);
    bench.ok(&["stop", "third"]);
}

/// From the past on, without a gap: what comes is told on the same connection.
#[test]
fn events_are_told_as_they_come() {
    let bench = watched();
    let mut talk = Talk::with(&bench);
    let past = talk.ask(1, &json!({"events": {"names": ["shop"], "follow": true}}));
    let past = past["events"]["events"].as_array().unwrap().clone();
    assert!(past.iter().any(|event| event["kind"] == "Started"), "{past:?}");
    assert!(past.iter().all(|event| event["object"] == "shop"), "{past:?}");
    let other = bench.call(&json!({"version": 1, "ask": {"do": {"restart": {"names": ["db"]}}}}).to_string());
    assert!(other["reply"]["done"].is_object(), "{other}");
    bench.ok(&["restart", "shop"]);
    let mut told: Vec<Value> = Vec::new();
    while !told.iter().any(|event| event["kind"] == "Started") {
        let heard = talk.hear().unwrap();
        assert_eq!(heard["id"], 1, "{heard}");
        told.extend(heard["reply"]["events"]["events"].as_array().unwrap().iter().cloned());
    }
    assert!(told.iter().any(|event| event["kind"] == "Asked"), "{told:?}");
    assert!(told.iter().all(|event| event["object"] == "shop"), "{told:?}");
    // Another call ends it; what was on its way comes before the answer.
    talk.say(&json!({"version": 1, "id": 2, "ask": {"status": {"names": ["db"]}}}));
    let answer = loop {
        let heard = talk.hear().unwrap();
        if heard["id"] == 2 {
            break heard;
        }
    };
    assert_eq!(names(&answer["reply"]), ["db"]);
    let history = talk.ask(3, &json!({"history": {}}));
    assert!(history["history"]["sets"].is_array(), "{history}");
}
