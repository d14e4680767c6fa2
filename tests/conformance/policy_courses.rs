//! What each fragment of a Policy in docs/policies.md leads to, look by look: `policy_courses.txt`.

use std::path::PathBuf;
use std::time::Duration;

use selfsame::facts::{Fact, ProcessKey, Why};
use selfsame::plan::policy::{Fights, PolicyLook, PolicyMemory, PolicyStep, Shown, Subject, decide};
use selfsame::spec::policy::{Policy, PolicyAction};
use selfsame::spec::{Limits, LoadContext, NoModules, ServiceName, SpecFile, load};
use selfsame::units::{BootId, BootTime, Pid, StartTicks};

const COURSES: &str = include_str!("policy_courses.txt");

/// A row, its fragment, and what is seen.
struct Course {
    row: &'static str,
    fragment: &'static str,
    lines: Vec<&'static str>,
}

fn courses() -> Vec<Course> {
    let mut lines = COURSES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).peekable();
    let mut courses = Vec::new();
    while let Some(line) = lines.next() {
        let row = line.strip_prefix("row ").unwrap_or_else(|| panic!("`row ...`, not `{line}`"));
        let fragment = lines.next().unwrap();
        let mut course = Course { row, fragment, lines: Vec::new() };
        while let Some(line) = lines.next_if(|line| !line.starts_with("row ")) {
            course.lines.push(line);
        }
        courses.push(course);
    }
    courses
}

/// Which rows have a course for which fragment.
pub(crate) fn fragments_of(row: &str) -> Vec<&'static str> {
    courses().into_iter().filter(|course| course.row == row).map(|course| course.fragment).collect()
}

fn policy(fragment: &str) -> Policy {
    let inner = fragment.trim_start_matches('{').strip_suffix('}').unwrap();
    let text = format!(
        "apiVersion: selfsame/v1\nkind: Policy\nmetadata: {{name: row}}\n\
         spec: {{match: 'exe == \"/srv/shop\"', {inner}}}\n"
    );
    let file =
        SpecFile { name: "row.yaml".into(), directory: PathBuf::from("/etc/specs"), bytes: text.into() };
    let context = LoadContext {
        limits: Limits::default(),
        compile: &|_| Vec::new(),
        names: None,
        modules: &NoModules,
        held: None,
        host: None,
    };
    let loaded = load(&[file], &context);
    let policies = loaded.files[0].policies();
    assert_eq!(policies.len(), 1, "{fragment}: {:?}", loaded.files[0].diagnostics);
    Policy::clone(&policies[0].policy)
}

fn look(text: &str) -> PolicyLook {
    let mut look = PolicyLook { complete: true, ..PolicyLook::default() };
    for word in text.split_whitespace().filter(|word| *word != "-") {
        if word == "~" {
            look.complete = false;
            continue;
        }
        let (word, owner) = word.split_once('@').map_or((word, None), |(word, owner)| (word, Some(owner)));
        let (pid, state) = word.split_at(word.len() - 1);
        let pid: u32 = pid.parse().unwrap();
        look.subjects.push(Subject {
            key: ProcessKey {
                boot: BootId("b".into()),
                pid: Pid(i32::try_from(pid).unwrap()),
                start: StartTicks(u64::from(pid)),
            },
            violates: match state {
                "x" => Fact::Known(true),
                "." => Fact::Known(false),
                "?" => Fact::unknown(Why::Denied),
                other => panic!("`{other}`"),
            },
            owner: owner.map(|owner| ServiceName::new(owner).unwrap()),
            spared: None,
            shown: Shown::default(),
        });
    }
    look
}

/// A step in the words of the table.
fn words(step: &PolicyStep) -> String {
    let whom = step.process.as_ref().map_or("nobody".to_owned(), |key| key.pid.to_string());
    let what = match &step.action {
        PolicyAction::Report => format!("report {whom}"),
        PolicyAction::Exec(command) => format!("exec {} for {whom}", command.command.join(" ")),
        PolicyAction::Signal(schedule) => {
            let signals: Vec<String> = schedule
                .iter()
                .map(|(signal, wait)| match wait.as_secs() {
                    0 => signal.to_string(),
                    seconds => format!("{signal} {seconds}s"),
                })
                .collect();
            format!("signal {} to {whom}", signals.join(" "))
        }
        PolicyAction::Restart => {
            let owner = step.owner.as_ref().map_or("nothing".to_owned(), ToString::to_string);
            format!("restart {owner} for {whom}")
        }
        PolicyAction::Stop => format!("stop {whom}"),
        other => panic!("no row has {other:?}"),
    };
    let withheld = step.withheld.as_ref().map_or(String::new(), |why| format!(" ({})", why.word()));
    format!("{what}{withheld}")
}

#[test]
fn each_fragment_leads_to_what_its_row_says() {
    let courses = courses();
    assert!(courses.len() >= 20, "{}", courses.len());
    for Course { row, fragment, lines } in courses {
        let policy = policy(fragment);
        let (mut memory, mut fights) = (PolicyMemory::default(), Fights::default());
        let mut now = Duration::from_secs(1_000);
        for line in lines {
            if let Some(wait) = line.strip_prefix("wait ") {
                let minutes: u64 = wait.strip_suffix('m').unwrap().parse().unwrap();
                now += Duration::from_secs(60 * minutes);
                continue;
            }
            let (seen, expected) = line.split_once("=>").unwrap();
            let outcome = decide(&policy, &look(seen), &mut memory, &mut fights, BootTime(now));
            let found: Vec<String> = outcome.steps.iter().map(words).collect();
            assert_eq!(found.join(", "), expected.trim(), "{row}: {fragment}: {line}");
            now += Duration::from_secs(10);
        }
    }
}
