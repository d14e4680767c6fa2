//! Why a process matches or not: the tree with every value, as text and for programs.

use serde::Serialize;

use super::matching::{MatchRow, cut};
use super::printable;
use crate::facts::Why;
use crate::lang::schema::Text;
use crate::lang::{Explanation, Form, Missing, Outcome, Verdict};
use crate::plugin::Account;

/// Longest condition and longest value that a line shows.
const TEXT_MAX: usize = 72;
/// The column of costs stands no further right than this.
const LEFT_MAX: usize = 76;

/// One part of an expression with its value, for programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplanationRow {
    /// As written.
    pub text: String,
    /// `and`, `or`, `not` join their children; `named` is a use of a definition, its child what it stands for; `leaf` is a condition, a fact or an operand.
    pub form: &'static str,
    /// Its value as text, in full.
    pub value: String,
    /// `true`, `false`, or `unknown` if it can't be told; for anything but conditions too: what is absent is not so.
    pub truth: &'static str,
    /// Cost class.
    pub cost: u8,
    /// The kernel file or manual page section that the fact is read from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<Text>,
    /// Inside a quantifier: the element that this was asked of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// An evaluation would not have looked at it.
    pub skipped: bool,
    /// Its parts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub children: Vec<ExplanationRow>,
}

/// A leaf that fails, with the values of its facts.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FailingLeaf {
    /// As written.
    pub condition: String,
    /// `user = "root"`, in full.
    pub values: Vec<String>,
}

/// A process and why it matches or not, for programs.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedProcess {
    /// The verdict.
    #[serde(flatten)]
    pub row: MatchRow,
    /// What it was called with.
    pub command: String,
    /// The whole tree.
    pub tree: ExplanationRow,
    /// The fewest parts that would have to turn out otherwise, as written.
    pub smallest_failing: Vec<String>,
    /// The same with the values of their facts.
    pub failing: Vec<FailingLeaf>,
    /// What would help where something is unknown.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remedies: Vec<&'static str>,
}

/// For programs.
pub fn explanation_rows(explanation: &Explanation, row: &MatchRow, command: &str) -> ExplainedProcess {
    let failing = failing_leaves(explanation);
    let remedies = match explanation.verdict() {
        Verdict::Unknown(missing) => remedies(&missing),
        Verdict::Match | Verdict::NoMatch => Vec::new(),
    };
    ExplainedProcess {
        row: row.clone(),
        command: command.to_owned(),
        tree: tree(explanation),
        smallest_failing: failing.iter().map(|leaf| leaf.condition.clone()).collect(),
        failing,
        remedies,
    }
}

pub(super) fn tree(part: &Explanation) -> ExplanationRow {
    ExplanationRow {
        text: part.text.clone(),
        form: match part.form {
            Form::And => "and",
            Form::Or => "or",
            Form::Not => "not",
            Form::Named => "named",
            Form::Leaf => "leaf",
        },
        value: printable(part.value()),
        truth: truth(part),
        cost: part.cost,
        source: part.access.as_ref().and_then(|access| access.source.clone()),
        element: part.element.as_ref().map(printable),
        skipped: part.skipped,
        children: part.children.iter().map(tree).collect(),
    }
}

fn truth(part: &Explanation) -> &'static str {
    match part.outcome.truth() {
        Some(true) => "true",
        Some(false) => "false",
        None => "unknown",
    }
}

/// The smallest set of leaves that fails, or that can't be decided, with their values.
pub fn failing_leaves(explanation: &Explanation) -> Vec<FailingLeaf> {
    let leaf = |part: &&Explanation| FailingLeaf { condition: one_line(&part.text), values: values(part) };
    explanation.smallest_failing().iter().map(leaf).collect()
}

/// The facts directly behind a leaf: `user = "root"`. A leaf that is a fact itself has only its own value.
fn values(leaf: &Explanation) -> Vec<String> {
    let own = |part: &Explanation| format!("{} = {}", one_line(&part.text), printable(part.value()));
    let facts: Vec<String> =
        leaf.children.iter().filter(|part| part.element.is_none() && says_something(part)).map(own).collect();
    if facts.is_empty() && leaf.outcome.truth().is_none() { vec![own(leaf)] } else { facts }
}

/// For a person:
///
/// ```text
/// 812: false (/usr/bin/perl /srv/shop.pl)
///   VERDICT  CONDITION                           COST  SOURCE
///   false    all of
///   true     |- exe == interpreter(startas)      2     skipped
///            |    exe = /usr/bin/perl            2     /proc/PID/exe
///   false    `- user == "www-data"               1
///                 user = "root"                  1     owner of /proc/PID
///   fails in one place: user == "www-data", where user = "root"
/// ```
pub fn explanation_text(explanation: &Explanation, row: &MatchRow, command: &str) -> String {
    let mut text = format!("{}: {} ({command})\n", row.pid, row.verdict);
    text.push_str(&table(explanation, "  "));
    conclusion(&mut text, explanation);
    for note in &row.notes {
        text.push_str(&format!("  note: {note}\n"));
    }
    text
}

/// Puts what the answers of plugins cost beside where they come from: `plugin container 1.0.0, of cgroup; 1.2us, 340 fuel`.
pub fn account_for_plugins(part: &mut Explanation, accounts: &[Account]) {
    if let Some(access) = &mut part.access
        && let Some(account) = accounts.iter().find(|account| access.name == *account.entry)
    {
        access.source = Some(source_of(account).into());
    }
    for child in &mut part.children {
        account_for_plugins(child, accounts);
    }
}

fn source_of(account: &Account) -> String {
    let inputs =
        if account.inputs.is_empty() { String::new() } else { format!(", of {}", account.inputs.join(", ")) };
    let cost = match account.fuel {
        0 => "not called".to_owned(),
        fuel => {
            let tenths = account.time().as_nanos() / 100;
            format!("{}.{}us, {fuel} fuel", tenths / 10, tenths % 10)
        }
    };
    format!("plugin {} {}{inputs}; {cost}", account.plugin, account.version)
}

/// The tree alone.
pub(super) fn table(explanation: &Explanation, indent: &str) -> String {
    let mut text = String::new();
    let mut lines = vec![Line {
        verdict: "VERDICT",
        left: "CONDITION".into(),
        cost: "COST".into(),
        right: "SOURCE".into(),
    }];
    branch(&mut lines, explanation, "", "");
    let wide = lines.iter().map(|line| line.left.chars().count()).filter(|wide| *wide <= LEFT_MAX).max();
    let wide = wide.unwrap_or(LEFT_MAX);
    for line in lines {
        let Line { verdict, left, cost, right } = line;
        let whole = format!("{indent}{verdict:7}  {left:wide$}  {cost:4}  {right}");
        text.push_str(whole.trim_end());
        text.push('\n');
    }
    text
}

struct Line {
    verdict: &'static str,
    left: String,
    cost: String,
    right: String,
}

/// A condition, and below it its parts or the facts behind it. `first` stands before it, `rest` before what is below.
fn branch(lines: &mut Vec<Line>, part: &Explanation, first: &str, rest: &str) {
    let words = match part.form {
        Form::And => "all of".to_owned(),
        Form::Or => "one of".to_owned(),
        Form::Not => "not".to_owned(),
        Form::Named | Form::Leaf => cut(&one_line(&part.text), TEXT_MAX),
    };
    let is_leaf = part.form == Form::Leaf;
    let source = part.access.as_ref().and_then(|access| access.source.as_deref()).unwrap_or_default();
    lines.push(Line {
        verdict: truth(part),
        left: format!("{first}{words}"),
        cost: if is_leaf { part.cost.to_string() } else { String::new() },
        right: match (part.skipped, source) {
            (true, "") => "skipped".into(),
            (true, source) => format!("skipped; {source}"),
            (false, source) => source.into(),
        },
    });
    if is_leaf {
        facts(lines, part, &format!("{rest}    "));
        return;
    }
    let last = part.children.len().saturating_sub(1);
    for (at, child) in part.children.iter().enumerate() {
        let (mark, below) = if at == last { ("`- ", "   ") } else { ("|- ", "|  ") };
        branch(lines, child, &format!("{rest}{mark}"), &format!("{rest}{below}"));
    }
}

/// `user = "root"`, and what stands behind a call or a member. Of the elements of a quantifier, those that decide it.
fn facts(lines: &mut Vec<Line>, part: &Explanation, indent: &str) {
    for operand in part.children.iter().filter(|operand| operand.element.is_none()) {
        if says_something(operand) {
            lines.push(fact_line(operand, indent));
            facts(lines, operand, &format!("{indent}  "));
        }
    }
    elements(lines, part, indent);
}

fn fact_line(fact: &Explanation, indent: &str) -> Line {
    let source = fact.access.as_ref().and_then(|access| access.source.as_deref());
    Line {
        verdict: "",
        left: format!(
            "{indent}{} = {}",
            cut(&one_line(&fact.text), TEXT_MAX),
            cut(&printable(fact.value()), TEXT_MAX)
        ),
        cost: fact.cost.to_string(),
        right: source.unwrap_or_default().to_owned(),
    }
}

/// Elements of a quantifier: `a is 600 (sshd): false, a.comm = "sshd"`.
fn elements(lines: &mut Vec<Line>, part: &Explanation, indent: &str) {
    const SHOWN: usize = 6;
    let all: Vec<&Explanation> = part.children.iter().filter(|child| child.element.is_some()).collect();
    for child in all.iter().take(SHOWN) {
        let element = cut(&printable(child.element.as_deref().unwrap_or_default()), TEXT_MAX / 2);
        let mut words = vec![truth(child).to_owned()];
        words.extend(leaf_values(child));
        let left = format!("{indent}for {element}: {}", cut(&words.join(", "), TEXT_MAX));
        lines.push(Line { verdict: "", left, cost: String::new(), right: String::new() });
    }
    if all.len() > SHOWN {
        let left = format!("{indent}for {} more, not shown", all.len() - SHOWN);
        lines.push(Line { verdict: "", left, cost: String::new(), right: String::new() });
    }
}

/// The facts behind all leaves of a condition.
fn leaf_values(part: &Explanation) -> Vec<String> {
    match part.form {
        Form::Leaf => values(part),
        Form::And | Form::Or | Form::Not | Form::Named => {
            part.children.iter().flat_map(leaf_values).collect()
        }
    }
}

/// A literal says only what is written anyway.
fn says_something(part: &Explanation) -> bool {
    !matches!(part.outcome, Outcome::Known(_)) || part.text != part.value()
}

pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `user == "www-data", where user = "root"`, cut.
pub fn leaf_text(leaf: &FailingLeaf) -> String {
    let condition = cut(&leaf.condition, TEXT_MAX);
    if leaf.values.is_empty() {
        return condition;
    }
    let values: Vec<String> = leaf.values.iter().map(|value| cut(value, TEXT_MAX)).collect();
    format!("{condition}, where {}", values.join(", "))
}

fn conclusion(text: &mut String, explanation: &Explanation) {
    let leaves = failing_leaves(explanation);
    let (opening, missing) = match explanation.verdict() {
        Verdict::Match => return,
        Verdict::NoMatch => ("fails in", Vec::new()),
        Verdict::Unknown(missing) => ("can't be decided because of", missing),
    };
    match leaves.as_slice() {
        [leaf] if missing.is_empty() => {
            text.push_str(&format!("  {opening} one place: {}\n", leaf_text(leaf)));
        }
        leaves => {
            let places = if leaves.len() == 1 { "place" } else { "places" };
            text.push_str(&format!("  {opening} {} {places}:\n", leaves.len()));
            for leaf in leaves {
                text.push_str(&format!("    {}\n", leaf_text(leaf)));
            }
        }
    }
    for missing in &missing {
        let words = printable(format!("{} ({})", one_line(&missing.what), missing.reason));
        text.push_str(&format!("  could not be read: {words}\n"));
    }
    for help in remedies(&missing) {
        text.push_str(&format!("  what would help: {help}\n"));
    }
}

/// What would help to know it.
pub(super) fn remedies(missing: &[Missing]) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = missing.iter().map(|missing| remedy(missing.reason.why)).collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn remedy(why: Why) -> &'static str {
    match why {
        Why::Denied => {
            "run as the process's user or as root (CAP_SYS_PTRACE); or ask for what everybody may read: `user`, `comm`, `argv`"
        }
        Why::Vanished => "it exited while it was looked at; look again",
        Why::Timeout => "the process is stuck in the kernel; `state` and `user` can still be read",
        Why::Malformed => "the kernel's answer was not in the documented form; please report it",
        Why::Truncated => "its arguments or environment are longer than 2 MiB; ask for something else",
        Why::Unresolved => {
            "a path or program could not be found: see the detail above; if the title was overwritten, name the executable or a pidfile"
        }
        Why::Nss => "the user database did not answer; use the number instead of the name",
        Why::Plugin => "the plugin failed; see its own status",
        Why::Sampling => "one look can't tell; look twice (`--sample 1s`), or state it in the snapshot",
        Why::Budget => "the look took too long; ask for cheaper facts first",
    }
}
