//! A row for each setting that has a field, a sentence for each that has none.

use std::time::Duration;

use super::super::unit::{Entry, Unit};
use super::reload;
use crate::import::command;
use crate::import::found::{Found, account};
use crate::import::quantity;
use crate::spec::{
    CpuPolicy, IoClass, Limit, Output, Readiness, ReadinessCheck, RestartPolicy, ServiceType, StopScope,
    StopStep,
};
use crate::units::Signal;

/// Settings that are on or off, and mean something here.
const SWITCHES: [&str; 5] =
    ["DynamicUser", "NoNewPrivileges", "RemainAfterExit", "SendSIGHUP", "SendSIGKILL"];

/// Settings whose lines add up.
pub(super) fn is_list(key: &str) -> bool {
    key.starts_with("Exec")
        || matches!(
            key,
            "Environment"
                | "EnvironmentFile"
                | "PassEnvironment"
                | "UnsetEnvironment"
                | "SupplementaryGroups"
                | "SuccessExitStatus"
                | "RestartPreventExitStatus"
                | "RestartForceExitStatus"
                | "CPUAffinity"
                | "Documentation"
                | "After"
                | "Before"
                | "Wants"
                | "Requires"
                | "BindsTo"
                | "PartOf"
                | "Conflicts"
                | "WantedBy"
                | "RequiredBy"
                | "Alias"
                | "Also"
        )
        || key.starts_with("Condition")
        || key.starts_with("Assert")
}

/// A value that isn't known before the unit is loaded.
pub(super) fn unknown_specifier(entry: &Entry, specifier: &str, found: &mut Found) {
    let item = format!("{}={}", entry.key, entry.value);
    let why = format!("the value of `{specifier}` isn't known before the unit is loaded");
    match entry.key.as_str() {
        // Said where they are read.
        "Environment" | "ExecStart" => {}
        "User" | "Group" | "WorkingDirectory" | "RootDirectory" | "UMask" => {
            found.unclear(&entry.place, item, why);
        }
        _ => found.lost(&entry.place, item, why),
    }
}

/// Carries one setting.
pub(super) fn carry(entry: &Entry, unit: &Unit, found: &mut Found) {
    match entry.section.as_str() {
        "Unit" => of_unit(entry, found),
        "Install" => found.needless(&entry.place, item(entry), "a document that is there is in force"),
        _ if entry.section.starts_with("X-") || entry.key.starts_with("X-") => {
            found.needless(&entry.place, item(entry), "it means nothing to systemd either");
        }
        "Service" if SWITCHES.contains(&entry.key.as_str()) && switch(&entry.value).is_none() => {
            // systemd says so in its log, and goes by what is usual.
            wrong(entry, found);
        }
        "Service" => {
            if !(reload::carry(entry, unit, found)
                || execution(entry, found)
                || process(entry, found)
                || keeping(entry, unit, found)
                || streams(entry, found))
            {
                without_field(entry, found);
            }
        }
        _ => found.lost(
            &entry.place,
            format!("[{}] {}", entry.section, item(entry)),
            "there is no such section for a service",
        ),
    }
}

fn item(entry: &Entry) -> String {
    format!("{}={}", entry.key, entry.value)
}

fn wrong(entry: &Entry, found: &mut Found) -> bool {
    found.unclear(&entry.place, item(entry), "the value isn't understood");
    true
}

fn of_unit(entry: &Entry, found: &mut Found) {
    let key = entry.key.as_str();
    match key {
        "Description" => {
            found.service.annotations.insert("description".to_owned(), entry.value.clone());
        }
        "Documentation" => {
            let all = found.service.annotations.entry("documentation".to_owned()).or_default();
            if !all.is_empty() {
                all.push(' ');
            }
            all.push_str(&entry.value);
        }
        "After"
        | "Before"
        | "Wants"
        | "Requires"
        | "BindsTo"
        | "PartOf"
        | "Requisite"
        | "Upholds"
        | "DefaultDependencies" => {
            let services = entry.value.split_whitespace().any(|name| name.ends_with(".service"));
            if services {
                found.lost(
                    &entry.place,
                    item(entry),
                    "write it as `dependsOn`; without, a start that fails is tried again",
                );
            } else {
                found.needless(&entry.place, item(entry), "a start that comes too early is tried again");
            }
        }
        "StartLimitBurst" | "StartLimitIntervalSec" | "StartLimitInterval" => {
            found.changed(
                &entry.place,
                item(entry),
                "selfsame never gives up: the waits between starts grow to `restart.maxBackoff`",
            );
        }
        _ if key.starts_with("Condition") || key.starts_with("Assert") => {
            found.lost(&entry.place, item(entry), "write it as one of `conditions`");
        }
        _ => found.lost(&entry.place, item(entry), "there is no field for it"),
    }
}

/// Who and where.
fn execution(entry: &Entry, found: &mut Found) -> bool {
    let value = entry.value.as_str();
    match entry.key.as_str() {
        // Read before or behind all others.
        "ExecStart" | "Type" | "Environment" | "EnvironmentFile" => {}
        "User" => {
            found.service.user = account(value);
            command::initgroups(found);
        }
        "Group" => found.service.group = account(value),
        "SupplementaryGroups" => {
            found.service.supplementary_groups.extend(value.split_whitespace().filter_map(account));
        }
        "DynamicUser" if is_on(value) => {
            found.lost(
                &entry.place,
                item(entry),
                "the user is made at each start: give the service a user of its own",
            );
            found.observe();
        }
        "DynamicUser" => {}
        "WorkingDirectory" => match value.trim_start_matches('-') {
            "~" => found.unclear(&entry.place, item(entry), "it is the home of the user"),
            directory => command::set_directory(found, directory, &entry.place),
        },
        "NoNewPrivileges" => found.service.security.no_new_privileges = Some(is_on(value)),
        "PrivateTmp" => match switch(value) {
            Some(on) => found.service.security.private_tmp = on,
            None if value == "disconnected" => found.service.security.private_tmp = true,
            None => return wrong(entry, found),
        },
        "RootDirectory" | "RootImage" => {
            found.lost(
                &entry.place,
                item(entry),
                "another root isn't carried over: write `chroot`, and everything else as it is seen in there",
            );
            found.observe();
        }
        "UMask" => match quantity::octal(value) {
            Some(mask) => found.service.umask = mask,
            None => return wrong(entry, found),
        },
        "PIDFile" => {
            let path = if value.starts_with('/') { value.to_owned() } else { format!("/run/{value}") };
            command::set_pidfile(found, &path, &entry.place);
        }
        _ => return false,
    }
    true
}

/// Scheduling and limits.
fn process(entry: &Entry, found: &mut Found) -> bool {
    let value = entry.value.as_str();
    let scheduling = &mut found.service.scheduling;
    match entry.key.as_str() {
        "Nice" => match value.parse::<i32>().ok().filter(|nice| (-20..=19).contains(nice)) {
            Some(nice) => scheduling.nice = Some(nice),
            None => return wrong(entry, found),
        },
        "OOMScoreAdjust" => match value.parse::<i32>().ok().filter(|score| (-1000..=1000).contains(score)) {
            Some(score) => scheduling.oom_score_adj = Some(score),
            None => return wrong(entry, found),
        },
        "CPUSchedulingPolicy" => {
            scheduling.policy = match value {
                "other" => Some(CpuPolicy::Other),
                "batch" => Some(CpuPolicy::Batch),
                "idle" => Some(CpuPolicy::Idle),
                "fifo" => Some(CpuPolicy::Fifo),
                "rr" => Some(CpuPolicy::Rr),
                _ => return wrong(entry, found),
            };
        }
        "CPUSchedulingPriority" => match value.parse().ok().filter(|number| (1..=99).contains(number)) {
            Some(number) => scheduling.rt_priority = Some(number),
            None => return wrong(entry, found),
        },
        "IOSchedulingClass" => {
            scheduling.io_class = match value {
                "realtime" | "1" => Some(IoClass::RealTime),
                "best-effort" | "2" => Some(IoClass::BestEffort),
                "idle" | "3" => Some(IoClass::Idle),
                "none" | "0" => None,
                _ => return wrong(entry, found),
            };
        }
        "IOSchedulingPriority" => match value.parse().ok().filter(|number| *number <= 7) {
            Some(number) => scheduling.io_priority = Some(number),
            None => return wrong(entry, found),
        },
        "CPUAffinity" => match command::cpu_list(value) {
            Some(cpus) => scheduling.cpu_affinity.get_or_insert_default().extend(cpus),
            None => return wrong(entry, found),
        },
        key => return key.strip_prefix("Limit").is_some_and(|name| limit(name, entry, found)),
    }
    true
}

fn limit(name: &str, entry: &Entry, found: &mut Found) -> bool {
    let name = name.to_ascii_lowercase();
    let Some((name, _)) = crate::spec::table::LIMIT_NAMES.iter().find(|(known, _)| *known == name) else {
        return false;
    };
    let amount = |text: &str| match *name {
        "cpu" => quantity::time_span(text).map(|span| span.map(|span| span.as_secs())),
        "rttime" => quantity::time_span(text)
            .map(|span| span.map(|span| u64::try_from(span.as_micros()).unwrap_or(u64::MAX - 1))),
        // `LimitNICE=+5` is a nice level, a bare number what the kernel has.
        "nice" if text.starts_with(['+', '-']) => {
            text.parse::<i64>().ok().and_then(|nice| u64::try_from(20 - nice).ok()).map(Some)
        }
        _ => quantity::size(text),
    };
    let (soft, hard) = entry.value.split_once(':').unwrap_or((&entry.value, &entry.value));
    match (amount(soft.trim()), amount(hard.trim())) {
        (Some(soft), Some(hard)) => {
            found.service.limits.insert((*name).to_owned(), Limit { soft, hard });
            true
        }
        _ => wrong(entry, found),
    }
}

/// How it is kept: started again, stopped.
fn keeping(entry: &Entry, unit: &Unit, found: &mut Found) -> bool {
    let value = entry.value.as_str();
    let place = &entry.place;
    match entry.key.as_str() {
        "Restart" => restart(entry, found),
        "RestartSec" => match quantity::time_span(value) {
            Some(Some(span)) if !span.is_zero() => {
                found.service.restart.backoff = span;
                let longest = found.service.restart.max_backoff.max(span);
                found.service.restart.max_backoff = longest;
            }
            Some(_) => found.changed(
                place,
                item(entry),
                "there is a wait of a second: nothing is started without one for ever",
            ),
            None => return wrong(entry, found),
        },
        "RestartMaxDelaySec" => match quantity::time_span(value) {
            Some(Some(span)) if !span.is_zero() => {
                found.service.restart.max_backoff = span.max(found.service.restart.backoff);
            }
            Some(_) => found.needless(place, item(entry), "the default is 5m"),
            None => return wrong(entry, found),
        },
        "RestartSteps" | "StartLimitBurst" | "StartLimitInterval" | "StartLimitIntervalSec" => {
            found.changed(
                place,
                item(entry),
                "waits between starts double up to `restart.maxBackoff`, and go on for ever",
            );
        }
        "SuccessExitStatus" => {
            for word in value.split_whitespace() {
                match word.parse::<i32>().ok().filter(|code| (0..=255).contains(code)) {
                    Some(code) => found.service.restart.success_codes.push(code),
                    None => found.lost(
                        place,
                        format!("SuccessExitStatus={word}"),
                        "only numbers of exits are successes",
                    ),
                }
            }
        }
        "TimeoutStartSec" => match quantity::time_span(value) {
            Some(Some(span)) if !span.is_zero() => start_timeout(found, span),
            Some(_) => {
                start_timeout(found, Duration::from_hours(24));
                found.changed(place, item(entry), "a start may take a day");
            }
            None => return wrong(entry, found),
        },
        "TimeoutSec" => match quantity::time_span(value) {
            Some(Some(span)) if !span.is_zero() => start_timeout(found, span),
            Some(_) => start_timeout(found, Duration::from_hours(24)),
            None => return wrong(entry, found),
        },
        // Read together at the end.
        "TimeoutStopSec" | "KillSignal" | "SendSIGKILL" | "FinalKillSignal" | "KillMode" | "SendSIGHUP"
        | "ReloadSignal" => {}
        "RestartKillSignal" => found.lost(place, item(entry), "a restart stops as a stop does"),
        "RemainAfterExit" if !is_on(value) => {}
        "NotifyAccess" => found.needless(place, item(entry), "the service's own processes are listened to"),
        "GuessMainPID" if unit.last("Service", "PIDFile").is_some() => {
            found.needless(place, item(entry), "the process is found by what it runs");
        }
        _ => return false,
    }
    true
}

fn start_timeout(found: &mut Found, span: Duration) {
    found.service.start_timeout = span;
    if let ReadinessCheck::AliveFor(alive) = found.service.readiness.check
        && alive > span
    {
        found.service.readiness.check = ReadinessCheck::AliveFor(span);
    }
}

fn restart(entry: &Entry, found: &mut Found) {
    let policy = match entry.value.as_str() {
        "always" => RestartPolicy::Always,
        "on-failure" => RestartPolicy::OnFailure,
        "no" => RestartPolicy::Never,
        "on-success" => {
            found.changed(&entry.place, item(entry), "there is no restart after success alone: none is made");
            RestartPolicy::Never
        }
        "on-abnormal" | "on-abort" | "on-watchdog" => {
            found.changed(&entry.place, item(entry), "every failure leads to a restart");
            RestartPolicy::OnFailure
        }
        _ => {
            wrong(entry, found);
            return;
        }
    };
    found.service.restart.policy = policy;
}

/// Where output goes.
fn streams(entry: &Entry, found: &mut Found) -> bool {
    let output = match entry.key.as_str() {
        "StandardOutput" => &mut found.service.stdout,
        "StandardError" => &mut found.service.stderr,
        _ => return false,
    };
    let value = entry.value.as_str();
    let file = ["file:", "append:", "truncate:"].iter().find_map(|prefix| value.strip_prefix(prefix));
    match (value, file) {
        // See `error_beside_output`.
        ("inherit", _) if entry.key == "StandardError" => {}
        ("null", _) => *output = Output::Null,
        (_, Some(path)) if path.starts_with('/') && !path.ends_with('/') => {
            *output = Output::File(command::template(path).into());
            if !value.starts_with("append:") {
                found.changed(&entry.place, item(entry), "it is appended to");
            }
        }
        _ => found.changed(&entry.place, item(entry), "it goes to a file in the log directory"),
    }
    true
}

/// Unless it is said, standard error is where standard output is.
fn error_beside_output(unit: &Unit, found: &mut Found) {
    let inherits = unit.last("Service", "StandardError").is_none_or(|entry| entry.value == "inherit");
    if inherits && matches!(found.service.stdout, Output::Null | Output::File(_)) {
        found.service.stderr = found.service.stdout.clone();
    }
}

/// What is left: by kind, why there is nothing.
fn without_field(entry: &Entry, found: &mut Found) {
    let key = entry.key.as_str();
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| key.starts_with(prefix));
    let text = match key {
        "ExecStartPre" | "ExecCondition" => {
            "write it as one of `hooks.preStart`, with `user: root` there if it needs that"
        }
        "ExecStartPost" => "write it as one of `hooks.postStart`",
        "ExecStop" => "it is stopped by signals: write it as `stop.command` where these aren't enough",
        "ExecStopPost" => "write it as one of `hooks.postStop`",
        "RuntimeDirectory"
        | "StateDirectory"
        | "CacheDirectory"
        | "LogsDirectory"
        | "ConfigurationDirectory" => {
            "nothing makes the directory: see to it that it is there, also after a boot, with this owner"
        }
        "WatchdogSec" => "write it as `liveness: {notify: true, period: ...}`",
        "PassEnvironment" => {
            "nothing of the environment of selfsame is passed on: write the value into `env`"
        }
        "RemainAfterExit" => "a service that has exited doesn't run",
        "Sockets" | "NonBlocking" | "FileDescriptorStoreMax" => "write them as `sockets`",
        "BusName" => "nothing watches the bus",
        "PAMName" => "no session is opened",
        _ if !starts(&["MemoryDeny"])
            && starts(&[
                "Memory",
                "CPUQuota",
                "CPUWeight",
                "CPUShares",
                "Tasks",
                "IOWeight",
                "IORead",
                "IOWrite",
                "IODevice",
                "BlockIO",
                "StartupCPU",
                "IPAddress",
                "IPAccounting",
                "Device",
                "Slice",
                "Delegate",
                "AllowedCPUs",
            ]) =>
        {
            "write it as `resources`, which need control groups; `limits` are per process"
        }
        _ if starts(&[
            "Protect",
            "Private",
            "Restrict",
            "Capability",
            "Ambient",
            "NoNewPriv",
            "SystemCall",
            "Lock",
            "ReadOnly",
            "ReadWrite",
            "Inaccessible",
            "Bind",
            "Exec",
            "Temporary",
            "Remove",
            "Secure",
            "Keyring",
            "Mount",
            "Proc",
            "AppArmor",
            "SELinux",
            "Smack",
            "Memory",
        ]) =>
        {
            "it runs without this fence: see `security` for those that there are"
        }
        _ if starts(&["LoadCredential", "SetCredential", "ImportCredential"]) => {
            "write it as one of `secrets`"
        }
        _ if starts(&["Syslog", "Log", "TTY"]) => "output goes to files in the log directory",
        _ => "there is no field for it",
    };
    found.lost(&entry.place, item(entry), text);
}

/// What several settings say together.
pub(super) fn finish(unit: &Unit, found: &mut Found) {
    stopping(unit, found);
    error_beside_output(unit, found);
    super::reload::of_type(unit, found);
    if found.service.service_type == ServiceType::Forking && found.service.pidfile.is_some() {
        found.service.readiness = Readiness { check: ReadinessCheck::Pidfile, ..Readiness::default() }.into();
    }
    if unit.last("Service", "Restart").is_none() {
        found.service.restart.policy = RestartPolicy::Never;
    }
    let scheduling = &mut found.service.scheduling;
    if matches!(scheduling.policy, Some(CpuPolicy::Fifo | CpuPolicy::Rr)) {
        scheduling.rt_priority.get_or_insert(1);
    } else {
        scheduling.rt_priority = None;
    }
    if !matches!(scheduling.io_class, Some(IoClass::RealTime | IoClass::BestEffort)) {
        // A priority alone is one of the best-effort class.
        match (scheduling.io_class, scheduling.io_priority) {
            (None, Some(_)) => scheduling.io_class = Some(IoClass::BestEffort),
            _ => scheduling.io_priority = None,
        }
    }
    if let Some(cpus) = &mut scheduling.cpu_affinity {
        cpus.sort_unstable();
        cpus.dedup();
    }
    let groups = &mut found.service.supplementary_groups;
    let mut seen = Vec::new();
    groups.retain(|group| {
        let fresh = !seen.contains(group);
        seen.push(group.clone());
        fresh
    });
}

/// `KillSignal`, then SIGKILL after `TimeoutStopSec`.
fn stopping(unit: &Unit, found: &mut Found) {
    let last = |key: &str| unit.last("Service", key);
    let keys = [
        "TimeoutStopSec",
        "TimeoutSec",
        "KillSignal",
        "SendSIGKILL",
        "FinalKillSignal",
        "KillMode",
        "SendSIGHUP",
    ];
    let Some(first) = keys.iter().find_map(|key| last(key)) else { return };
    let mut wait = Duration::from_secs(90);
    if let Some(entry) = last("TimeoutStopSec").or(last("TimeoutSec")) {
        match quantity::time_span(&entry.value) {
            Some(Some(span)) if !span.is_zero() => wait = span,
            // Zero is no limit either, in systemd: as a wait it would be a KILL at once.
            Some(_) => {
                wait = Duration::from_hours(24);
                found.changed(&entry.place, item(entry), "a stop may take a day");
            }
            None => found.lost(&entry.place, item(entry), "the value isn't understood"),
        }
    }
    let mut signal =
        |key: &str, usual: Signal| match last(key).map(|entry| (entry, Signal::parse(&entry.value))) {
            None => usual,
            Some((_, Ok(signal))) => signal,
            Some((entry, Err(_))) => {
                found.lost(&entry.place, item(entry), "it is not a signal");
                usual
            }
        };
    let polite = signal("KillSignal", Signal::TERM);
    let forced = signal("FinalKillSignal", Signal::KILL);
    let mut schedule = vec![StopStep { signal: polite, wait }];
    if last("SendSIGKILL").is_none_or(|entry| switch(&entry.value) != Some(false)) {
        schedule.push(StopStep { signal: forced, wait: Duration::from_secs(5) });
    }
    if last("SendSIGHUP").is_some_and(|entry| is_on(&entry.value)) {
        found.lost(&first.place, "SendSIGHUP=yes", "one signal is sent in a step");
    }
    found.service.stop.schedule = schedule;
    let Some(entry) = last("KillMode") else { return };
    match entry.value.as_str() {
        "control-group" | "mixed" => {
            found.service.stop.scope = Some(StopScope::Tree);
            if entry.value == "mixed" {
                found.changed(
                    &entry.place,
                    item(entry),
                    "the main process gets the signal, what is left behind afterwards",
                );
            }
        }
        "process" => found.service.stop.scope = Some(StopScope::Main),
        _ => found.lost(&entry.place, item(entry), "a stop always signals the main process"),
    }
}

/// What `parse_boolean` of systemd takes.
fn switch(value: &str) -> Option<bool> {
    match value.to_ascii_lowercase().as_str() {
        "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
        "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
        _ => None,
    }
}

fn is_on(value: &str) -> bool {
    switch(value) == Some(true)
}
