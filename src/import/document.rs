//! A Service as YAML: the fields that differ from their defaults, in the order of the reference, and the notes about
//! what isn't carried as comments. What is written is read again before anybody sees it.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::codes;
use super::found::{Found, Hold, Note, Weight};
use crate::diagnostic::Diagnostic;
use crate::process::expression::check_in_document;
use crate::process::paths::show;
use crate::spec::{
    API_VERSION, Account, AdoptPolicy, CpuPolicy, DesiredState, ExpressionRequest, IoClass, Limit,
    LoadContext, NoModules, Origin, Output, ReadinessCheck, Reload, Restart, RestartPolicy, Rotation,
    Scheduling, Security, Service, ServiceName, ServiceType, SpecFile, StopScope, load,
};
use crate::units::{format_duration, format_size, parse_size};

/// A document ready to be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Written {
    /// Name of the object.
    pub name: ServiceName,
    /// The YAML.
    pub text: String,
    /// What isn't in it.
    pub notes: Vec<Note>,
}

/// A document that would not be accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused {
    /// Why.
    pub problem: Diagnostic,
    /// What isn't in it.
    pub notes: Vec<Note>,
}

/// Writes all that was found. Names are made unique among them. What `check` would refuse is not written but said.
pub fn write(found: Vec<Found>) -> Vec<Result<Written, Box<Refused>>> {
    let mut taken = BTreeSet::new();
    found.into_iter().map(|found| one(found, &mut taken)).collect()
}

fn one(mut found: Found, taken: &mut BTreeSet<ServiceName>) -> Result<Written, Box<Refused>> {
    let near = ServiceName::near(&found.name);
    let mut name = near.clone();
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = near.numbered(number);
        number += 1;
    }
    match found.hold {
        Hold::Free => {}
        Hold::NoStart => found.service.adopt = AdoptPolicy::Require,
        Hold::Observe => found.service.state = DesiredState::Observed,
    }
    found.service.name = name.clone();
    let text = text(&found);
    let verified = if text.lines().any(|line| !line.starts_with('#') && line.contains('\u{fffd}')) {
        Err("a value is not UTF-8".to_owned())
    } else {
        verify(&text, &found.service)
    };
    match verified {
        Ok(()) => Ok(Written { name, text, notes: found.notes }),
        Err(why) => {
            let message =
                format!("the document of `{}` ({}) would not be accepted: {why}", found.name, found.place);
            let help = "mend the source, or write the document by hand";
            let problem = Diagnostic::error(codes::REFUSED, message).help(help);
            Err(Box::new(Refused { problem, notes: found.notes }))
        }
    }
}

/// Whether the text is accepted, and says what was meant.
fn verify(text: &str, meant: &Service) -> Result<(), String> {
    let compile = |request: &ExpressionRequest<'_>| {
        check_in_document(request.text, request.variables.clone(), request.replaces, request.library)
            .diagnostics
    };
    let limits = crate::spec::Limits::default();
    let context =
        LoadContext { limits, compile: &compile, names: None, modules: &NoModules, held: None, host: None };
    let file = SpecFile {
        name: "import.yaml".to_owned(),
        directory: PathBuf::from("/"),
        bytes: text.as_bytes().to_vec().into(),
    };
    let loaded = load(&[file], &context);
    if let Some(error) = loaded.diagnostics().find(|diagnostic| diagnostic.is_error()) {
        return Err(error.message.clone());
    }
    let Some(read) = loaded.services().next() else { return Err("it declares nothing".to_owned()) };
    let read = Service { origin: Origin::default(), ..read.clone() };
    if read == *meant { Ok(()) } else { Err("it does not read back as what was meant".to_owned()) }
}

fn text(found: &Found) -> String {
    let service = &found.service;
    let mut out = String::new();
    let _ = writeln!(out, "# from {}, by `selfsame import`", comment(&found.place.to_string()));
    for note in found.notes.iter().filter(|note| matches!(note.weight, Weight::Unclear | Weight::Lost)) {
        let line = format!("{}: {}: `{}`: {}", note.weight.words(), note.place, note.item, note.text);
        let _ = writeln!(out, "# {}", comment(&line));
    }
    let _ = writeln!(out, "apiVersion: {API_VERSION}\nkind: Service");
    metadata(&mut out, service);
    let _ = writeln!(out, "spec:");
    let mut default = Service::new(service.name.clone(), service.startas.clone());
    if service.service_type == ServiceType::Notify {
        default.readiness.check = ReadinessCheck::Notify;
    }
    fields(&mut out, found, &default);
    out
}

/// One line that YAML takes for a comment, whatever it says.
fn comment(text: &str) -> String {
    let mut text: String = show(text.as_bytes()).chars().filter(|c| is_plain_char(*c)).collect();
    if let Some((end, _)) = text.char_indices().nth(400) {
        text.truncate(end);
        text.push_str("...");
    }
    text
}

/// What can stand in YAML as it is, and does nothing to a terminal.
fn is_plain_char(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

fn metadata(out: &mut String, service: &Service) {
    if service.annotations.is_empty() {
        let _ = writeln!(out, "metadata: {{name: {}}}", service.name);
        return;
    }
    let _ = writeln!(out, "metadata:\n  name: {}\n  annotations:", service.name);
    for (key, value) in &service.annotations {
        let _ = writeln!(out, "    {}: {}", scalar(key), scalar(value));
    }
}

fn fields(out: &mut String, found: &Found, default: &Service) {
    let service = &found.service;
    let held = "something of it isn't known: complete it, then remove this line";
    match service.state {
        DesiredState::Running => {}
        DesiredState::Stopped => line(out, "state", "stopped"),
        DesiredState::Observed => {
            let why = if found.hold == Hold::Observe { held } else { "only looked at" };
            line(out, "state", &format!("observed  # {why}"));
        }
    }
    line(out, "startas", &scalar(&service.startas.to_string_lossy()));
    list(out, "args", &service.args);
    if let Some(path) = &service.becomes {
        line(out, "becomes", &scalar(&path.to_string_lossy()));
    }
    if let Some(expression) = &service.narrow {
        line(out, "match", &single_quoted(&expression.text));
    }
    if let Some(expression) = &*service.match_only {
        line(out, "matchOnly", &single_quoted(&expression.text));
    }
    match service.service_type {
        ServiceType::Simple => {}
        ServiceType::Forking => line(out, "type", "forking"),
        ServiceType::Notify => line(out, "type", "notify"),
    }
    if let Some(path) = &service.pidfile {
        line(out, "pidfile", &scalar(path));
    }
    account(out, "user", service.user.as_ref());
    account(out, "group", service.group.as_ref());
    let groups: Vec<String> = service.supplementary_groups.iter().map(account_scalar).collect();
    if !groups.is_empty() {
        line(out, "supplementaryGroups", &format!("[{}]", groups.join(", ")));
    }
    if service.umask != default.umask {
        line(out, "umask", &format!("0{:03o}", service.umask));
    }
    if service.working_directory != default.working_directory {
        line(out, "workingDirectory", &scalar(&service.working_directory.to_string_lossy()));
    }
    environment(out, service);
    security(out, &service.security);
    limits(out, service);
    scheduling(out, &service.scheduling);
    output(out, "stdout", &service.stdout, *service.stdout_rotation);
    output(out, "stderr", &service.stderr, *service.stderr_rotation);
    if service.replicas != 1 {
        line(out, "replicas", &service.replicas.to_string());
    }
    readiness(out, service, default);
    if service.start_timeout != default.start_timeout {
        line(out, "startTimeout", &format_duration(service.start_timeout));
    }
    restart(out, &service.restart);
    stop(out, service, default);
    reload(out, service.reload.as_ref());
    if service.adopt == AdoptPolicy::Require {
        let why = if found.hold == Hold::NoStart { held } else { "never started" };
        line(out, "adopt", &format!("require  # {why}"));
    }
}

fn line(out: &mut String, key: &str, value: &str) {
    let _ = writeln!(out, "  {key}: {value}");
}

fn list(out: &mut String, key: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let quoted: Vec<String> = items.iter().map(|item| double_quoted(item)).collect();
    let flow = format!("[{}]", quoted.join(", "));
    if flow.len() <= 90 {
        line(out, key, &flow);
        return;
    }
    let _ = writeln!(out, "  {key}:");
    for item in quoted {
        let _ = writeln!(out, "    - {item}");
    }
}

fn account(out: &mut String, key: &str, account: Option<&Account>) {
    if let Some(account) = account {
        line(out, key, &account_scalar(account));
    }
}

/// As the last part of a command, where one is named.
fn user_part(user: Option<&Account>) -> String {
    user.map(|user| format!(", user: {}", account_scalar(user))).unwrap_or_default()
}

fn account_scalar(account: &Account) -> String {
    match account {
        Account::Name(name) => scalar(name),
        Account::Id(id) => id.to_string(),
    }
}

fn environment(out: &mut String, service: &Service) {
    if !service.env.is_empty() {
        let _ = writeln!(out, "  env:");
        for (name, value) in &service.env {
            let _ = writeln!(out, "    {}: {}", scalar(name), double_quoted(value));
        }
    }
    if !service.env_from.is_empty() {
        let _ = writeln!(out, "  envFrom:");
        for from in &service.env_from {
            let optional = if from.optional { ", optional: true" } else { "" };
            let prefix = if from.prefix.is_empty() {
                String::new()
            } else {
                format!(", prefix: {}", scalar(&from.prefix))
            };
            let _ = writeln!(
                out,
                "    - {{file: {}{optional}{prefix}}}",
                double_quoted(&from.file.to_string_lossy())
            );
        }
    }
}

fn limits(out: &mut String, service: &Service) {
    if service.limits.is_empty() {
        return;
    }
    let amount = |amount: Option<u64>, name: &str| match amount {
        None => "unlimited".to_owned(),
        Some(bytes) if is_size(name) && bytes > 0 => format!("{bytes}B"),
        Some(number) => number.to_string(),
    };
    let one = |(name, limit): (&String, &Limit)| {
        if limit.soft == limit.hard {
            format!("{name}: {}", amount(limit.soft, name))
        } else {
            format!("{name}: {{soft: {}, hard: {}}}", amount(limit.soft, name), amount(limit.hard, name))
        }
    };
    let all: Vec<String> = service.limits.iter().map(one).collect();
    line(out, "limits", &format!("{{{}}}", all.join(", ")));
}

fn is_size(name: &str) -> bool {
    crate::spec::table::LIMIT_NAMES.iter().any(|(known, size)| *known == name && *size)
}

fn scheduling(out: &mut String, scheduling: &Scheduling) {
    let mut parts = Vec::new();
    let mut put =
        |key: &str, value: Option<String>| parts.extend(value.map(|value| format!("{key}: {value}")));
    put("nice", scheduling.nice.map(|n| n.to_string()));
    put(
        "ioClass",
        scheduling.io_class.map(|class| {
            match class {
                IoClass::RealTime => "real-time",
                IoClass::BestEffort => "best-effort",
                IoClass::Idle => "idle",
            }
            .to_owned()
        }),
    );
    put("ioPriority", scheduling.io_priority.map(|n| n.to_string()));
    put(
        "policy",
        scheduling.policy.map(|policy| {
            match policy {
                CpuPolicy::Other => "other",
                CpuPolicy::Batch => "batch",
                CpuPolicy::Idle => "idle",
                CpuPolicy::Fifo => "fifo",
                CpuPolicy::Rr => "rr",
            }
            .to_owned()
        }),
    );
    put("rtPriority", scheduling.rt_priority.map(|n| n.to_string()));
    put(
        "cpuAffinity",
        scheduling.cpu_affinity.as_ref().map(|cpus| {
            let cpus: Vec<String> = cpus.iter().map(u32::to_string).collect();
            format!("[{}]", cpus.join(", "))
        }),
    );
    put("oomScoreAdj", scheduling.oom_score_adj.map(|n| n.to_string()));
    if !parts.is_empty() {
        line(out, "scheduling", &format!("{{{}}}", parts.join(", ")));
    }
}

/// A size that is read as the same number.
fn exact_size(bytes: u64) -> String {
    Some(format_size(bytes))
        .filter(|text| parse_size(text) == Ok(bytes))
        .unwrap_or_else(|| format!("{bytes}B"))
}

fn output(out: &mut String, key: &str, output: &Output, rotation: Rotation) {
    let usual = Rotation::default();
    let mut parts = Vec::new();
    if let Output::File(path) = output {
        parts.push(format!("file: {}", double_quoted(&path.to_string_lossy())));
    }
    if rotation.max_size != usual.max_size {
        parts.push(format!(
            "maxSize: {}",
            rotation.max_size.map_or_else(|| "unlimited".to_owned(), exact_size)
        ));
    }
    if rotation.keep != usual.keep {
        parts.push(format!("keep: {}", rotation.keep));
    }
    if rotation.compress != usual.compress {
        parts.push(format!("compress: {}", rotation.compress));
    }
    match output {
        Output::Null => line(out, key, "null"),
        Output::Inherit => line(out, key, "inherit"),
        Output::Syslog => line(out, key, "syslog"),
        Output::Log if parts.is_empty() => {}
        Output::Log | Output::File(_) => line(out, key, &format!("{{{}}}", parts.join(", "))),
    }
}

fn check(check: &ReadinessCheck) -> String {
    match check {
        ReadinessCheck::AliveFor(time) => format!("aliveFor: {}", format_duration(*time)),
        ReadinessCheck::Pidfile => "pidfile: true".to_owned(),
        ReadinessCheck::Tcp { host, port } => format!("tcp: {{host: {}, port: {port}}}", double_quoted(host)),
        ReadinessCheck::Exec { command, user } => {
            let words: Vec<String> = command.iter().map(|word| double_quoted(word)).collect();
            format!("exec: {{command: [{}]{}}}", words.join(", "), user_part(user.as_ref()))
        }
        ReadinessCheck::Notify => "notify: true".to_owned(),
        ReadinessCheck::Http(http) => {
            let status: Vec<String> = http.status.iter().map(|(from, to)| format!("{from}-{to}")).collect();
            let headers: Vec<String> = http
                .headers
                .iter()
                .map(|(name, value)| format!("{}: {}", double_quoted(name), double_quoted(value)))
                .collect();
            format!(
                "http: {{host: {}, port: {}, path: {}, status: [{}], headers: {{{}}}}}",
                double_quoted(&http.host),
                http.port,
                double_quoted(&http.path),
                status.join(", "),
                headers.join(", ")
            )
        }
        ReadinessCheck::Unix { path } => format!("unix: {{path: {}}}", double_quoted(path)),
        ReadinessCheck::LogLine { regex } => format!("logLine: {{regex: {}}}", double_quoted(regex)),
        ReadinessCheck::When(when) => format!("when: {}", double_quoted(&when.text)),
    }
}

fn readiness(out: &mut String, service: &Service, default: &Service) {
    let (readiness, usual) = (&service.readiness, &default.readiness);
    if readiness == usual {
        return;
    }
    let mut parts = vec![check(&readiness.check)];
    if readiness.period != usual.period {
        parts.push(format!("period: {}", format_duration(readiness.period)));
    }
    if readiness.timeout != usual.timeout {
        parts.push(format!("timeout: {}", format_duration(readiness.timeout)));
    }
    if readiness.failure_threshold != usual.failure_threshold {
        parts.push(format!("failureThreshold: {}", readiness.failure_threshold));
    }
    line(out, "readiness", &format!("{{{}}}", parts.join(", ")));
}

fn restart(out: &mut String, restart: &Restart) {
    let usual = Restart::default();
    let mut parts = Vec::new();
    if restart.policy != usual.policy {
        let word = match restart.policy {
            RestartPolicy::Always => "always",
            RestartPolicy::OnFailure => "on-failure",
            RestartPolicy::Never => "never",
        };
        parts.push(format!("policy: {word}"));
    }
    if !restart.success_codes.is_empty() {
        let codes: Vec<String> = restart.success_codes.iter().map(i32::to_string).collect();
        parts.push(format!("successCodes: [{}]", codes.join(", ")));
    }
    if restart.backoff != usual.backoff {
        parts.push(format!("backoff: {}", format_duration(restart.backoff)));
    }
    if restart.max_backoff != usual.max_backoff {
        parts.push(format!("maxBackoff: {}", format_duration(restart.max_backoff)));
    }
    if !parts.is_empty() {
        line(out, "restart", &format!("{{{}}}", parts.join(", ")));
    }
}

fn stop(out: &mut String, service: &Service, default: &Service) {
    let mut parts = Vec::new();
    if service.stop.schedule != default.stop.schedule {
        let steps = service.stop.schedule.iter();
        let steps: Vec<String> = steps
            .map(|step| format!("{{signal: {}, wait: {}}}", step.signal, format_duration(step.wait)))
            .collect();
        parts.push(format!("schedule: [{}]", steps.join(", ")));
    }
    match service.stop.scope {
        None => {}
        Some(StopScope::Main) => parts.push("scope: main".to_owned()),
        Some(StopScope::Group) => parts.push("scope: group".to_owned()),
        Some(StopScope::Tree) => parts.push("scope: tree".to_owned()),
    }
    if !parts.is_empty() {
        line(out, "stop", &format!("{{{}}}", parts.join(", ")));
    }
}

/// What importers say of it.
fn security(out: &mut String, security: &Security) {
    let mut parts = Vec::new();
    parts.extend(security.no_new_privileges.map(|no_new| format!("noNewPrivileges: {no_new}")));
    parts.extend(security.private_tmp.then(|| "privateTmp: true".to_owned()));
    if !parts.is_empty() {
        line(out, "security", &format!("{{{}}}", parts.join(", ")));
    }
}

fn reload(out: &mut String, reload: Option<&Reload>) {
    match reload {
        None => {}
        Some(Reload::Signal(signal)) => line(out, "reload", &format!("{{signal: {signal}}}")),
        Some(Reload::Command { command, timeout, user }) => {
            let words: Vec<String> = command.iter().map(|word| double_quoted(word)).collect();
            let (words, time) = (words.join(", "), format_duration(*timeout));
            let user = user_part(user.as_ref());
            line(out, "reload", &format!("{{command: [{words}], timeout: {time}{user}}}"));
        }
    }
}

/// Plain where no reader of YAML could take it for something else, else in double quotes.
fn scalar(text: &str) -> String {
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/' || c == '_');
    let inner = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"/._-+".contains(&b));
    let words = ["true", "false", "null", "yes", "no", "on", "off", "y", "n"];
    let taken = words.iter().any(|word| word.eq_ignore_ascii_case(text));
    if first && inner && !taken { text.to_owned() } else { double_quoted(text) }
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_plain_char(c) => out.push(c),
            c => {
                let _ = match u32::from(c) {
                    code @ ..=0xff => write!(out, "\\x{code:02x}"),
                    code @ 0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    code => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push('"');
    out
}

/// Expressions have double quotes of their own.
fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
