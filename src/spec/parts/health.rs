//! `readiness`, `liveness`, `triggers`, `conditions`.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::spec::decode::{Decoder, Object, Value};
use crate::spec::expression::{Purpose, expression};
use crate::spec::table::{self, Table};
use crate::spec::{
    Expression, HttpCheck, Readiness, ReadinessCheck, Service, StartCondition, Trigger, TriggerAction, codes,
};
use crate::yaml::NodeKind;

/// A compiled regular expression of a document takes no more bytes than that.
const REGEX_MAX: usize = 1 << 20;

/// `readiness`; exactly one of its forms, or the default where none is given.
pub(in crate::spec) fn readiness(
    value: &Value<'_>,
    service: &Service,
    d: &mut Decoder<'_>,
) -> Option<Readiness> {
    rule(value, (&table::READINESS, Readiness::clone(&service.readiness)), service, d)
}

/// `liveness`; exactly one of its forms.
pub(in crate::spec) fn liveness(
    value: &Value<'_>,
    service: &Service,
    d: &mut Decoder<'_>,
) -> Option<Readiness> {
    let usual = Readiness { period: Duration::from_secs(10), ..Readiness::default() };
    let rule = rule(value, (&table::LIVENESS, usual), service, d)?;
    let known = |name: &str| table::LIVENESS.field(name).is_some();
    let misspelt = matches!(&value.node.kind, NodeKind::Mapping(pairs) if pairs.iter().any(|(key, _)| !known(&key.text)));
    if matches!(rule.check, ReadinessCheck::AliveFor(_)) && misspelt {
        return None;
    }
    if matches!(rule.check, ReadinessCheck::AliveFor(_)) {
        let message = format!("`{}` doesn't say what to ask", value.path());
        let help = "add one of `exec`, `tcp`, `http`, `unix`, `notify`, `pidfile`, `logLine` and `when`";
        d.say(value.wrong(codes::MISSING_FIELD, message).help(help));
        return None;
    }
    Some(rule)
}

fn rule(
    value: &Value<'_>,
    (table, usual): (&'static Table, Readiness),
    service: &Service,
    d: &mut Decoder<'_>,
) -> Option<Readiness> {
    let object = Object::open(value, table, d)?;
    let mut rule = usual;
    object.set("period", &mut rule.period, d, Value::positive_duration);
    object.set("timeout", &mut rule.timeout, d, Value::positive_duration);
    object.set("failureThreshold", &mut rule.failure_threshold, d, |v, d| v.integer(1, 1000, d));
    let mut forms = Vec::new();
    for field in table.fields {
        if matches!(field.name, "period" | "timeout" | "failureThreshold") {
            continue;
        }
        let Some(value) = object.get(field.name, d) else { continue };
        let check = match field.name {
            "aliveFor" => value.duration(d).map(ReadinessCheck::AliveFor),
            "pidfile" => match value.bool(d) {
                Some(false) => continue,
                given => given.map(|_| ReadinessCheck::Pidfile),
            },
            "notify" => match value.bool(d) {
                Some(false) => continue,
                given => given.map(|_| ReadinessCheck::Notify),
            },
            "tcp" => tcp(&value, d),
            "http" => http(&value, d).map(|check| ReadinessCheck::Http(Box::new(check))),
            "unix" => unix(&value, d),
            "exec" => exec(&value, object.has("timeout"), &mut rule, d),
            "logLine" => log_line(&value, d),
            _ => expression(&value, Purpose::OfOwn, service, d).map(ReadinessCheck::When),
        };
        forms.push((value, check));
    }
    if let [(first, _), (second, _), ..] = forms.as_slice() {
        let message =
            format!("`{}` and `{}` are both given, one of them decides", first.path(), second.path());
        d.say(
            Diagnostic::error(codes::CONFLICT, message).at(second.key, "").at(first.key, "").help("keep one"),
        );
    }
    match forms.into_iter().next() {
        Some((_, Some(check))) => rule.check = check,
        // What is wrong with it is said; it isn't missing as well.
        Some((_, None)) => return None,
        None => {}
    }
    Some(rule)
}

fn tcp(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<ReadinessCheck> {
    let object = Object::open(value, &table::TCP, d)?;
    let mut port = None;
    let mut host = "127.0.0.1".to_owned();
    object.set_some("port", &mut port, d, |v, d| v.integer::<u16>(1, 65_535, d));
    object.set("host", &mut host, d, Value::nonempty);
    Some(ReadinessCheck::Tcp { host, port: port? })
}

fn unix(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<ReadinessCheck> {
    let object = Object::open(value, &table::UNIX, d)?;
    let mut path = None;
    object.set_some("path", &mut path, d, |v, d| v.runtime_path(&["runDir"], d));
    Some(ReadinessCheck::Unix { path: path? })
}

fn log_line(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<ReadinessCheck> {
    let object = Object::open(value, &table::LOG_LINE, d)?;
    let value = object.get("regex", d)?;
    let regex = value.nonempty(d)?;
    if let Err(error) = regex::bytes::RegexBuilder::new(&regex).size_limit(REGEX_MAX).build() {
        let text = error.to_string();
        let last = text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let message = format!("`{}` is no regular expression: {last}", value.path());
        d.say(value.wrong(codes::INVALID_VALUE, message).help("put a `\\` before a sign that means itself"));
        return None;
    }
    Some(ReadinessCheck::LogLine { regex })
}

fn exec(
    value: &Value<'_>,
    timeout_given: bool,
    rule: &mut Readiness,
    d: &mut Decoder<'_>,
) -> Option<ReadinessCheck> {
    let object = Object::open(value, &table::EXEC, d)?;
    if let Some(timeout) = object.get("timeout", d) {
        if timeout_given {
            let message = format!("`{}` is given beside `exec` as well", timeout.path());
            d.say(Diagnostic::error(codes::CONFLICT, message).at(timeout.key, "").help("keep one"));
        }
        if let Some(timeout) = timeout.positive_duration(d) {
            rule.timeout = timeout;
        }
    }
    let value = object.get("command", d)?;
    let command = value.list(d, Value::verbatim)?;
    let Some(program) = command.first() else {
        d.say(
            value
                .wrong(codes::INVALID_VALUE, format!("`{}` is empty", value.path()))
                .help("write the program and its arguments"),
        );
        return None;
    };
    if !program.starts_with('/') {
        let message = format!("`{}` begins with an absolute path, not `{program}`", value.path());
        d.say(
            value
                .wrong(codes::INVALID_VALUE, message)
                .help(format!("write for example `/usr/bin/{program}`")),
        );
        return None;
    }
    let mut user = None;
    object.set_some("user", &mut user, d, Value::account);
    Some(ReadinessCheck::Exec { command, user })
}

fn http(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<HttpCheck> {
    let object = Object::open(value, &table::HTTP, d)?;
    let mut check = HttpCheck {
        host: "127.0.0.1".into(),
        port: 80,
        path: "/".into(),
        status: vec![(200, 399)],
        headers: BTreeMap::new(),
    };
    let (mut given, mut good) = (object.has("url"), true);
    if let Some(value) = object.get("url", d) {
        for other in ["port", "host", "path"] {
            if let Some(key) = object.key(other) {
                let message = format!("`{}` says already what `{other}` says", value.path());
                d.say(Diagnostic::error(codes::CONFLICT, message).at(key, "").help("keep one"));
            }
        }
        good &= url(&value, &mut check, d).is_some();
    }
    if let Some(value) = object.get("port", d) {
        given = true;
        match value.integer::<u16>(1, 65_535, d) {
            Some(port) => check.port = port,
            None => good = false,
        }
    }
    object.set("host", &mut check.host, d, Value::nonempty);
    object.set("path", &mut check.path, d, request_path);
    object.set("status", &mut check.status, d, statuses);
    object.set("headers", &mut check.headers, d, headers);
    if !given {
        let message = format!("`{}` has neither `port` nor `url`", value.path());
        d.say(value.wrong(codes::MISSING_FIELD, message).help("add `port: 8080`"));
        return None;
    }
    good.then_some(check)
}

fn url(value: &Value<'_>, check: &mut HttpCheck, d: &mut Decoder<'_>) -> Option<()> {
    let text = value.nonempty(d)?;
    let mut refuse = |message: String, help: &str| {
        d.say(value.wrong(codes::INVALID_VALUE, message).help(help));
    };
    if text.starts_with("https://") {
        let message = format!("`{}` is asked over plain TCP, `https` isn't spoken", value.path());
        refuse(message, "use `exec: {command: [/usr/bin/curl, -fsS, ...]}`");
        return None;
    }
    let example = "write for example `http://127.0.0.1:8080/health`";
    let Some(rest) = text.strip_prefix("http://") else {
        refuse(format!("`{}` begins with `http://`, not as `{text}` does", value.path()), example);
        return None;
    };
    let slash = rest.find('/').unwrap_or(rest.len());
    let (place, path) = rest.split_at_checked(slash).unwrap_or((rest, ""));
    // A colon inside brackets is one of an address of version 6.
    let colon = place.rfind(':').filter(|colon| place.rfind(']').is_none_or(|bracket| bracket < *colon));
    let (host, port) = match colon.and_then(|colon| place.split_at_checked(colon)) {
        Some((host, port)) => (host, port.trim_start_matches(':').parse::<u16>().ok().filter(|p| *p > 0)),
        None => (place, Some(80)),
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '@' || c == '#';
    match port {
        Some(port) if !host.is_empty() && !text.contains(bad) => {
            (check.host, check.port) = (host.to_owned(), port);
            check.path = if path.is_empty() { "/".into() } else { path.to_owned() };
            Some(())
        }
        Some(_) | None => {
            refuse(format!("`{}` is no address: `{text}`", value.path()), example);
            None
        }
    }
}

fn request_path(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<String> {
    let path = value.nonempty(d)?;
    let bad = |c: char| c.is_whitespace() || c.is_control() || c == '#';
    if !path.starts_with('/') || path.contains(bad) {
        let message = format!("`{}` begins with `/` and has no blanks, not `{path}`", value.path());
        d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `/health?full=1`"));
        return None;
    }
    Some(path)
}

fn statuses(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Vec<(u16, u16)>> {
    let ranges = value.list(d, |value, d| {
        let text = value.text(d)?;
        let (from, to) = text.split_once('-').unwrap_or((&text, &text));
        let number = |text: &str| text.trim().parse::<u16>().ok().filter(|code| (100..=599).contains(code));
        let range = number(from).zip(number(to)).filter(|(from, to)| from <= to);
        if range.is_none() {
            let message = format!("`{}` is a status or a range of them, not `{text}`", value.path());
            d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `[200-299, 404]`"));
        }
        range
    })?;
    if ranges.is_empty() {
        d.say(
            value.wrong(codes::INVALID_VALUE, format!("`{}` is empty, so no answer is good", value.path())),
        );
        return None;
    }
    Some(ranges)
}

fn headers(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    for (key, value) in value.entries(d)? {
        let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
        if key.text.is_empty() || !key.text.bytes().all(token) {
            let message = format!("`{}` can't be the name of a header", key.text);
            d.say(Diagnostic::error(codes::NAME, message).at(key.span, "").help("write `Name: value`"));
        }
        let Some(text) = value.text(d) else { continue };
        if text.chars().any(char::is_control) {
            let message = format!("`{}` has a line break or another control character", value.path());
            d.say(value.wrong(codes::INVALID_VALUE, message).help("leave it out"));
        }
        headers.insert(key.text.to_string(), text);
    }
    Some(headers)
}

/// `triggers`
pub(in crate::spec) fn triggers(
    value: &Value<'_>,
    service: &Service,
    d: &mut Decoder<'_>,
) -> Option<Vec<Trigger>> {
    value.list(d, |value, d| {
        let object = Object::open(value, &table::TRIGGER, d)?;
        let (mut when, mut action, mut lasting) = (None, None, Duration::from_mins(1));
        object.set_some("when", &mut when, d, |value, d| expression(value, Purpose::OfOwn, service, d));
        object.set("for", &mut lasting, d, Value::positive_duration);
        let actions = [("restart", TriggerAction::Restart), ("reload", TriggerAction::Reload)];
        object.set_some_word("do", &mut action, &actions, d);
        Some(Trigger { when: when?, lasting, action: action? })
    })
}

/// `conditions`
pub(in crate::spec) fn conditions(
    value: &Value<'_>,
    service: &Service,
    d: &mut Decoder<'_>,
) -> Option<Vec<StartCondition>> {
    value.list(d, |value, d| condition(value, service, d))
}

fn condition(value: &Value<'_>, service: &Service, d: &mut Decoder<'_>) -> Option<StartCondition> {
    let object = Object::open(value, &table::CONDITION, d)?;
    let mut found = Vec::new();
    if let Some(value) = object.get("pathExists", d) {
        found.push((value.key, value.absolute_path(d).map(StartCondition::PathExists)));
    }
    if let Some(value) = object.get("fileNotEmpty", d) {
        found.push((value.key, value.absolute_path(d).map(StartCondition::FileNotEmpty)));
    }
    if let Some(value) = object.get("host", d) {
        found.push((value.key, host(&value, d).map(StartCondition::Host)));
    }
    if let Some(value) = object.get("when", d) {
        let when: Option<Expression> = expression(&value, Purpose::OfAny, service, d);
        found.push((value.key, when.map(StartCondition::When)));
    }
    if found.is_empty() && !table::CONDITION.fields.iter().any(|field| object.has(field.name)) {
        let message = format!("`{}` says nothing", value.path());
        d.say(value.wrong(codes::MISSING_FIELD, message).help("write for example `- pathExists: /srv/shop`"));
    }
    if let [_, (second, _), ..] = found.as_slice() {
        let message = format!("`{}` has two conditions", value.path());
        d.say(
            Diagnostic::error(codes::CONFLICT, message)
                .at(*second, "")
                .help("make it an item of its own: all items have to be met"),
        );
    }
    found.into_iter().next()?.1
}

fn host(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<String> {
    let name = value.nonempty(d)?;
    if let Err(error) = globset::Glob::new(&name) {
        let message = format!("`{}` is no name of a host: {}", value.path(), error.kind());
        d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `web-*`"));
        return None;
    }
    Some(name)
}
