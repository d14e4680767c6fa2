//! What a change of a document or of a watched file leads to.

use super::support::{Bench, is_alive, quick, until};
use super::{RELOADS, reloading, reloads};

#[test]
fn a_watched_file_leads_to_a_reload() {
    let mut bench = Bench::new();
    let file = bench.write("shop.conf", "a");
    reloading(
        &bench,
        "shop",
        &format!("reload: {{signal: HUP}}\nupdate: {{watchFiles: [{}]}}", file.display()),
    );
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let pid = bench.the_pid_of("shop");
    bench.write("shop.conf", "b");
    until("a reload", || reloads(&bench).len() == 1);
    bench.write("shop.conf", "c");
    until("another one", || reloads(&bench).len() == 2);
    assert_eq!(reloads(&bench), vec![("shop".to_owned(), pid); 2]);
    assert_eq!(bench.starts_of("shop").len(), 1);
    assert_eq!(bench.status_of("shop")["instances"][0]["restarts"], 0);
}

#[test]
fn without_a_reload_it_leads_to_a_restart() {
    let mut bench = Bench::new();
    let file = bench.write("shop.conf", "a");
    bench.daemon("shop", &format!("update: {{watchFiles: [{}]}}", file.display()));
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    bench.write("shop.conf", "b");
    until("the next one", || bench.starts_of("shop").len() == 2);
    bench.until_running(&["shop"]);
    assert_eq!(bench.alive_of("shop").len(), 1);
}

#[test]
fn a_change_of_many_services_at_once_by_one_file_is_held() {
    let mut bench = Bench::new();
    let file = bench.write("shared.conf", "a");
    let names = ["a", "b", "c", "d", "e"];
    for name in names {
        bench.daemon(name, &format!("update: {{watchFiles: [{}]}}", file.display()));
    }
    bench.watch(&[]);
    bench.until_running(&names);
    bench.write("shared.conf", "b");
    until("it to be held", || {
        names.iter().all(|name| bench.condition(name, "Blocked")["reason"] == "MassChange")
    });
    assert_eq!(bench.starts().len(), 5);
    bench.run(&["apply", "specs", "--confirm-restarts"]);
    until("all to be restarted", || bench.starts().len() == 10);
}

#[test]
fn manual_waits_for_a_person() {
    let mut bench = Bench::new();
    bench.daemon("shop", "args: [one]\nupdate: {strategy: manual}");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let pid = bench.the_pid_of("shop");
    bench.daemon_spec("shop", "args: [two]\nupdate: {strategy: manual}");
    until("it to be said", || bench.condition("shop", "UpToDate")["reason"] == "NeedsRestart");
    assert!(is_alive(pid) && bench.starts_of("shop").len() == 1);
    bench.ok(&["restart", "shop"]);
    until("the new one", || bench.starts_of("shop").last().is_some_and(|(_, words)| words == "two"));
}

#[test]
fn a_reload_suffices_where_the_document_says_so() {
    let mut bench = Bench::new();
    let more =
        |word: &str| format!("env: {{LEVEL: {word}}}\nreload: {{signal: HUP}}\nupdate: {{strategy: reload}}");
    reloading(&bench, "shop", &more("one"));
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let pid = bench.the_pid_of("shop");
    reloading(&bench, "shop", &more("two"));
    until("a reload", || reloads(&bench).len() == 1);
    bench.until_generation("shop", 2);
    assert_eq!(bench.the_pid_of("shop"), pid);
}

/// Exits at once if its argument says so, and else makes a file of this name.
const FRAGILE: &str = "#!/usr/bin/perl
$| = 1; (my $name = $0) =~ s{.*/}{};
open(my $f, '>>', '%STARTS%') or die; syswrite($f, \"$$ $name @ARGV\\n\"); close $f;
exit 3 if \"@ARGV\" eq 'bad';
open(my $r, '>', \"%STARTS%.@ARGV\"); close $r;
sleep 1 while 1;
";

#[test]
fn what_does_not_become_ready_is_rolled_back() {
    let mut bench = Bench::new();
    let script = bench.script("bin/shop", FRAGILE);
    let ready = bench.path("starts").display().to_string();
    let spec = |word: &str| {
        format!(
            "startas: {}\nargs: [{word}]\nupdate: {{onFailure: rollback}}\nreadiness: {{exec: {{command: [/usr/bin/test, -e, {ready}.{word}]}}, period: 50ms}}\nrestart: {{backoff: 50ms}}",
            script.display()
        )
    };
    bench.spec("shop", &spec("good"));
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    bench.spec("shop", &spec("bad"));
    until("the old one again", || bench.condition("shop", "UpToDate")["reason"] == "RolledBack");
    bench.until_running(&["shop"]);
    let words: Vec<String> = bench.starts_of("shop").into_iter().map(|(_, words)| words).collect();
    assert_eq!(words, ["good", "bad", "good"]);
    let told = bench.ok(&["events", "shop"]).stdout;
    let line = "shop: generation 2 of its document is rolled back, since it didn't become Ready: it exited with code 3";
    assert!(told.contains(line), "{told}");
    // It stays so, also for the next engine, until there is another document.
    bench.end_watch("KILL");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    assert_eq!(bench.condition("shop", "UpToDate")["reason"], "RolledBack");
    assert_eq!(bench.starts_of("shop").len(), 3);
    bench.spec("shop", &spec("better"));
    until("the next one", || bench.starts_of("shop").last().is_some_and(|(_, words)| words == "better"));
    until("it to be good", || bench.condition("shop", "UpToDate")["reason"] != "RolledBack");
}

#[test]
fn a_renamed_object_keeps_its_process() {
    let mut bench = Bench::new();
    let script = bench.daemon("shop", "");
    bench.watch(&[]);
    bench.until_running(&["shop"]);
    let pid = bench.the_pid_of("shop");
    let spec = format!(
        "apiVersion: selfsame/v1\nkind: Service\nmetadata: {{name: store, previousName: shop}}\nspec:\n  startas: {}\n  readiness: {{aliveFor: 150ms}}\n",
        script.display()
    );
    bench.write("specs/shop.yaml", &spec);
    bench.until_running(&["store"]);
    assert_eq!(bench.status_pids("store"), [pid]);
    assert_eq!(bench.status_of("store")["instances"][0]["adopted"], false, "its record came along");
    assert_eq!(bench.starts().len(), 1);
}

#[test]
fn a_trigger_and_a_replaced_program_lead_to_a_reload() {
    let mut bench = Bench::new();
    // What it is triggered by comes when it can take a signal.
    let ill = bench.path("ill").display().to_string();
    std::fs::create_dir(&ill).unwrap();
    let script = RELOADS.replace("sleep 1 while", &format!("chdir '{ill}';\nsleep 1 while"));
    let script = bench.script("bin/ill", &script).display().to_string();
    let trigger = format!("triggers: [{{when: 'cwd == \"{ill}\"', for: 100ms, do: reload}}]");
    bench.spec("ill", &quick(&format!("startas: {script}\nreload: {{signal: HUP}}\n{trigger}")));
    reloading(&bench, "new", "reload: {signal: HUP}\nbinaryChange: reload");
    bench.watch(&["--resync", "1s"]);
    bench.until_running(&["ill", "new"]);
    let pids = ["ill", "new"].map(|name| bench.the_pid_of(name));
    until("the trigger to lead to a reload", || reloads(&bench).contains(&("ill".to_owned(), pids[0])));
    bench.script("bin/new", &format!("{RELOADS}# a newer version\n"));
    until("the new file to lead to one", || reloads(&bench).contains(&("new".to_owned(), pids[1])));
    // Once, though the old file runs on and the condition still holds.
    let begun = std::time::Instant::now();
    until("several complete looks", || begun.elapsed() > std::time::Duration::from_secs(5));
    assert_eq!(reloads(&bench).len(), 2, "{:?}", reloads(&bench));
    assert_eq!((bench.starts_of("ill").len(), bench.starts_of("new").len()), (1, 1));
}
