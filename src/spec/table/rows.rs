//! The rows. `class` says what a change of the field means for the running process.

use super::change::{DEPENDENCY, HOOK, HOOKS, RELOAD, SUSPEND, UPDATE};
use super::engine::{ENGINE, ENGINE_DOCUMENT, ENGINE_LIMITS, ENGINE_METADATA, GIT, HOST, PRUNE};
use super::health::{
    BINARY_CHANGES, CONDITION, EXEC, HTTP, LIVENESS, LOG_LINE, READINESS, TCP, TRIGGER, UNIX,
};
use super::hosts::HOSTS;
use super::policies::{
    POLICY, POLICY_ACTION, POLICY_DOCUMENT, POLICY_EXEC, POLICY_EXPECT, POLICY_GROUP, POLICY_LIMIT,
    POLICY_METADATA, POLICY_SIGNAL, POLICY_TEST,
};
use super::tasks::{
    DEFAULTS, DEFAULTS_DOCUMENT, DEFAULTS_METADATA, REQUIREMENT, RETRY, SCHEDULE, SELECTOR, TASK,
    TASK_DOCUMENT,
};
use super::{Class, Field, Kind, Table, Words};

pub(super) const fn row(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    class: Class,
    example: &'static str,
    summary: &'static str,
) -> Field {
    Field { name, kind, default, class, example, summary }
}

pub(super) const REQUIRED: &str = "required";

use Class::{Live, New, Restart};

/// A document.
pub const DOCUMENT: Table = Table {
    name: "document",
    fields: &[
        row(
            "apiVersion",
            Kind::Text,
            REQUIRED,
            New,
            crate::spec::API_VERSION,
            "version of the document format",
        ),
        row("kind", Kind::Words(&KINDS), REQUIRED, New, "Service", "what the document declares"),
        row("metadata", Kind::Object(&METADATA), REQUIRED, Live, "{name: shop}", "name and labels"),
        row("spec", Kind::Object(&SERVICE), REQUIRED, Live, "{startas: /srv/shop/shop.py}", "what is wanted"),
    ],
    later: &[],
    foreign: &[],
};

/// The kinds.
pub const KINDS: Words =
    Words { now: &["Service", "Matcher", "Plugin", "Task", "Defaults", "Engine", "Policy"], later: &[] };

/// `metadata`
pub const METADATA: Table = Table {
    name: "metadata",
    fields: &[
        row("name", Kind::Text, REQUIRED, New, "shop", "name of the object, unique among Services and Tasks"),
        row("labels", Kind::Map(&Kind::Text), "{}", Live, "{tier: web}", "for selectors"),
        row("annotations", Kind::Map(&Kind::Text), "{}", Live, "{owner: ann}", "for people and other tools"),
        row(
            "previousName",
            Kind::Text,
            "none",
            Live,
            "old-shop",
            "object whose process this one may take over",
        ),
    ],
    later: &[],
    foreign: &[("label", "labels")],
};

/// A document of kind Matcher.
pub const MATCHER_DOCUMENT: Table = Table {
    name: "matcher document",
    fields: &[
        row(
            "apiVersion",
            Kind::Text,
            REQUIRED,
            New,
            crate::spec::API_VERSION,
            "version of the document format",
        ),
        row("kind", Kind::Words(&KINDS), REQUIRED, New, "Matcher", "what the document declares"),
        row("metadata", Kind::Object(&MATCHER_METADATA), REQUIRED, Live, "{name: web}", "name and labels"),
        row(
            "spec",
            Kind::Object(&MATCHER),
            REQUIRED,
            Live,
            "{define: {php_worker: 'comm starts_with \"php-fpm\"'}}",
            "named conditions and lists, and their tests",
        ),
    ],
    later: &[],
    foreign: &[],
};

/// `metadata` of a Matcher
pub const MATCHER_METADATA: Table = Table {
    name: "matcher metadata",
    fields: &[
        row(
            "name",
            Kind::Text,
            REQUIRED,
            New,
            "web",
            "what its names begin with: `web.instance`, `@web.admins`",
        ),
        row("labels", Kind::Map(&Kind::Text), "{}", Live, "{tier: web}", "for people and other tools"),
        row("annotations", Kind::Map(&Kind::Text), "{}", Live, "{owner: ann}", "for people and other tools"),
    ],
    later: &[],
    foreign: &[("label", "labels")],
};

/// `spec` of a Matcher.
pub const MATCHER: Table = Table {
    name: "matcher",
    fields: &[
        row(
            "lists",
            Kind::Map(&Kind::Object(&NAMED_LIST)),
            "{}",
            Live,
            "{admins: {type: user, items: [root]}}",
            "named lists, used as `user in @web.admins`",
        ),
        row(
            "define",
            Kind::Map(&Kind::ExpressionOrObject(&DEFINITION)),
            "{}",
            Live,
            "{php_worker: 'comm starts_with \"php-fpm\"'}",
            "named conditions, used as `web.php_worker` or `web.instance(startas, 80)`",
        ),
        row(
            "tests",
            Kind::List(&Kind::Object(&MATCHER_TEST)),
            "[]",
            Live,
            "[{name: root, expect: {'user == 0': true}, process: {uid: 0}}]",
            "what expressions are of stated facts, for `check` and `test`",
        ),
    ],
    later: &[],
    foreign: &[("list", "lists"), ("defines", "define"), ("matchers", "define"), ("test", "tests")],
};

/// A document of kind Plugin.
pub const PLUGIN_DOCUMENT: Table = Table {
    name: "plugin document",
    fields: &[
        row(
            "apiVersion",
            Kind::Text,
            REQUIRED,
            New,
            crate::spec::API_VERSION,
            "version of the document format",
        ),
        row("kind", Kind::Words(&KINDS), REQUIRED, New, "Plugin", "what the document declares"),
        row("metadata", Kind::Object(&PLUGIN_METADATA), REQUIRED, Live, "{name: php}", "name and labels"),
        row(
            "spec",
            Kind::Object(&PLUGIN),
            REQUIRED,
            Live,
            "{wasm: ./php.wasm, sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855}",
            "the module, and what it may see",
        ),
    ],
    later: &[],
    foreign: &[],
};

/// `metadata` of a Plugin
pub const PLUGIN_METADATA: Table = Table {
    name: "plugin metadata",
    fields: &[
        row(
            "name",
            Kind::Text,
            REQUIRED,
            New,
            "php",
            "what its names begin with: `php.pool`, `php.newer(...)`",
        ),
        row("labels", Kind::Map(&Kind::Text), "{}", Live, "{tier: web}", "for people and other tools"),
        row("annotations", Kind::Map(&Kind::Text), "{}", Live, "{owner: ann}", "for people and other tools"),
    ],
    later: &[],
    foreign: &[("label", "labels")],
};

/// `spec` of a Plugin.
pub const PLUGIN: Table = Table {
    name: "plugin",
    fields: &[
        row(
            "wasm",
            Kind::Path,
            REQUIRED,
            Live,
            "./php.wasm",
            "the WebAssembly module: absolute, or relative to this file",
        ),
        row(
            "sha256",
            Kind::Text,
            REQUIRED,
            Live,
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "SHA-256 of the module in hexadecimal; another module is refused",
        ),
        row(
            "grants",
            Kind::Object(&GRANTS),
            "{}",
            Live,
            "{fields: [argv], files: [/etc/php/*.conf]}",
            "what it may see; what it needs and isn't granted is an error",
        ),
    ],
    later: &[],
    foreign: &[("module", "wasm"), ("path", "wasm"), ("digest", "sha256"), ("grant", "grants")],
};

/// `grants` of a Plugin.
pub const GRANTS: Table = Table {
    name: "grants",
    fields: &[
        row(
            "fields",
            Kind::List(&Kind::Text),
            "[]",
            Live,
            "[argv, cgroup]",
            "built-in fields of the process",
        ),
        row("files", Kind::List(&Kind::Text), "[]", Live, "[/etc/php/*.conf]", "paths and globs of files"),
    ],
    later: &[],
    foreign: &[("field", "fields"), ("file", "files")],
};

/// A named list.
pub const NAMED_LIST: Table = Table {
    name: "named list",
    fields: &[
        row("type", Kind::Type, "string", Live, "string", "type of the elements"),
        row("items", Kind::List(&Kind::Text), REQUIRED, Live, "[root]", "the elements"),
    ],
    later: &[],
    foreign: &[("of", "type"), ("values", "items"), ("elements", "items")],
};

/// A definition with parameters.
pub const DEFINITION: Table = Table {
    name: "definition",
    fields: &[
        row(
            "params",
            Kind::Map(&Kind::Type),
            "{}",
            Live,
            "{port: int}",
            "parameters with their types, in the order of positional arguments",
        ),
        row("expr", Kind::Expression, REQUIRED, Live, "'user == \"www-data\"'", "the condition"),
    ],
    later: &[],
    foreign: &[("parameters", "params"), ("args", "params"), ("expression", "expr"), ("match", "expr")],
};

/// What a test expects.
pub const VERDICTS: Words = Words { now: &["true", "false", "unknown"], later: &[] };

/// A test of a Matcher document.
pub const MATCHER_TEST: Table = Table {
    name: "matcher test",
    fields: &[
        row("name", Kind::Text, REQUIRED, Live, "root is an admin", "what it shows"),
        row(
            "expect",
            Kind::Map(&Kind::Words(&VERDICTS)),
            REQUIRED,
            Live,
            "{'user == 0': true}",
            "expressions, and whether they are true, false or unknown",
        ),
        row(
            "process",
            Kind::Facts,
            REQUIRED,
            Live,
            "{uid: 0}",
            "the process, in the form of a snapshot; what isn't stated is absent",
        ),
        row("host", Kind::Facts, "{}", Live, "{users: {root: 0}}", "the host, in the form of a snapshot"),
    ],
    later: &[],
    foreign: &[("expected", "expect"), ("proc", "process")],
};

const STATES: Words = Words { now: &["running", "stopped", "observed"], later: &[] };
const TYPES: Words = Words { now: &["simple", "forking", "notify"], later: &[] };
const ADOPT: Words = Words { now: &["ifMatches", "never", "require"], later: &[] };
const DUPLICATES: Words = Words { now: &["report", "stopExtra", "refuse"], later: &[] };
const ON_REMOVE: Words = Words { now: &["stop", "release"], later: &[] };

/// `spec` of a Service.
pub const SERVICE: Table = Table {
    name: "spec",
    fields: &[
        row(
            "state",
            Kind::Words(&STATES),
            "running",
            Live,
            "running",
            "what is wanted: running, stopped, or observed (look, report, never act)",
        ),
        row(
            "startas",
            Kind::Path,
            REQUIRED,
            Restart,
            "/srv/shop/shop.py",
            "path to execute, an ELF file or a script; a relative one is relative to the spec file",
        ),
        row(
            "args",
            Kind::List(&Kind::Text),
            "[]",
            Restart,
            "[\"--port\", \"8080\"]",
            "arguments after the program's name",
        ),
        row(
            "match",
            Kind::Expression,
            "none",
            Live,
            "'user == \"www-data\"'",
            "a further condition on the default identity rule",
        ),
        row(
            "matchOnly",
            Kind::Expression,
            "none",
            Live,
            "'name == \"shop\"'",
            "replaces the look of the default identity rule",
        ),
        row(
            "becomes",
            Kind::Path,
            "none",
            Live,
            "/usr/bin/shop-server",
            "path the process ends up executing, when startas is a wrapper",
        ),
        row(
            "type",
            Kind::Words(&TYPES),
            "simple",
            Restart,
            "forking",
            "how the process comes to be: simple, forking (double-forks), or notify (says itself when it is ready)",
        ),
        row("pidfile", Kind::Path, "none", Live, "/run/shop.pid", "a hint, never proof"),
        row(
            "writePidfile",
            Kind::Bool,
            "false",
            Live,
            "true",
            "selfsame writes the number of the process into pidfile, and removes it afterwards",
        ),
        row(
            "user",
            Kind::Account,
            "the engine's own user",
            Restart,
            "www-data",
            "name or number of the user",
        ),
        row(
            "group",
            Kind::Account,
            "the user's primary group",
            Restart,
            "www-data",
            "name or number of the group",
        ),
        row(
            "supplementaryGroups",
            Kind::List(&Kind::Account),
            "[]",
            Restart,
            "[adm]",
            "further groups, exactly these",
        ),
        row("umask", Kind::Mode, "0022", Restart, "0027", "permission bits taken away from new files"),
        row("workingDirectory", Kind::Path, "/", Restart, "/srv/shop", "absolute path"),
        row(
            "chroot",
            Kind::Path,
            "none",
            Restart,
            "/srv/jail",
            "root directory of the service; startas, becomes and workingDirectory are inside",
        ),
        row(
            "security",
            Kind::Object(&SECURITY),
            "{noNewPrivileges: true} unless the user is root",
            Restart,
            "{privateTmp: true, readOnlyPaths: [/etc]}",
            "what it may see and do",
        ),
        row(
            "env",
            Kind::Map(&Kind::Text),
            "a clean environment",
            Restart,
            "{LANG: C.UTF-8}",
            "environment variables",
        ),
        row(
            "envFrom",
            Kind::List(&Kind::Object(&ENV_FROM)),
            "[]",
            Restart,
            "[{file: /etc/default/shop, optional: true}]",
            "files with lines NAME=value",
        ),
        row(
            "secrets",
            Kind::List(&Kind::Object(&SECRET)),
            "[]",
            Restart,
            "[{name: DB_PASSWORD, file: /etc/shop/password}]",
            "contents of files that appear nowhere else",
        ),
        row(
            "sockets",
            Kind::List(&Kind::Object(&SOCKET)),
            "[]",
            Restart,
            "[{name: http, listen: tcp://127.0.0.1:8080}]",
            "listening sockets that selfsame opens, keeps across restarts and passes (LISTEN_FDS)",
        ),
        row(
            "limits",
            Kind::Map(&Kind::Limit),
            "inherited, core 0",
            Live,
            "{nofile: 4096}",
            "resource limits by their setrlimit(2) name; stack takes a restart",
        ),
        row(
            "scheduling",
            Kind::Object(&SCHEDULING),
            "inherited",
            Live,
            "{nice: 5}",
            "CPU and I/O scheduling",
        ),
        row(
            "resources",
            Kind::Object(&RESOURCES),
            "not bounded",
            Live,
            "{memory: {max: 512MiB}}",
            "what all processes of an instance may use together, by control groups; refused where they can't be had",
        ),
        row(
            "stdout",
            Kind::WordsOrObject(&OUTPUTS, &OUTPUT),
            "a file in the log directory",
            Restart,
            "{file: /var/log/shop.log}",
            "where standard output goes",
        ),
        row(
            "stderr",
            Kind::WordsOrObject(&OUTPUTS, &OUTPUT),
            "a file in the log directory",
            Restart,
            "{file: /var/log/shop.err}",
            "where standard error goes",
        ),
        row("replicas", Kind::Integer(1, 1000), "1", Live, "2", "how many copies"),
        row(
            "readiness",
            Kind::Object(&READINESS),
            "{aliveFor: 1s}",
            Live,
            "{tcp: {port: 8080}}",
            "when it counts as Ready",
        ),
        row(
            "liveness",
            Kind::Object(&LIVENESS),
            "none",
            Live,
            "{http: {port: 8080, path: /health}, period: 10s}",
            "whether it makes progress; where it doesn't, it is restarted",
        ),
        row(
            "triggers",
            Kind::List(&Kind::Object(&TRIGGER)),
            "[]",
            Live,
            "[{when: rss > 1GiB, for: 5m, do: restart}]",
            "what follows when a condition over its process holds for long",
        ),
        row(
            "conditions",
            Kind::List(&Kind::Object(&CONDITION)),
            "[]",
            Live,
            "[{pathExists: /srv/shop}]",
            "what must be so before it is started",
        ),
        row(
            "binaryChange",
            Kind::Words(&BINARY_CHANGES),
            "report",
            Live,
            "restart",
            "what is done when the program on disk was replaced",
        ),
        row("startTimeout", Kind::Duration, "90s", Live, "90s", "how long a start may take until Ready"),
        row(
            "restart",
            Kind::Object(&RESTART),
            "{policy: always}",
            Live,
            "{policy: on-failure}",
            "whether and when it is started again",
        ),
        row(
            "stop",
            Kind::Object(&STOP),
            "TERM, 30s, KILL",
            Live,
            "{schedule: [{signal: TERM, wait: 30s}, {signal: KILL, wait: 5s}]}",
            "how it is stopped",
        ),
        row(
            "adopt",
            Kind::Words(&ADOPT),
            "ifMatches",
            Live,
            "ifMatches",
            "take over a matching process that was not started here, without touching it",
        ),
        row(
            "duplicates",
            Kind::Words(&DUPLICATES),
            "report",
            Live,
            "report",
            "what to do about more matching processes than replicas",
        ),
        row(
            "onRemove",
            Kind::Words(&ON_REMOVE),
            "stop; release for adopted processes",
            Live,
            "release",
            "what to do when the document disappears",
        ),
        row(
            "hosts",
            Kind::Object(&HOSTS),
            "every host",
            Live,
            "{names: [web-*]}",
            "the hosts that it is for; elsewhere it is as if it weren't there",
        ),
        row(
            "dependsOn",
            Kind::List(&Kind::Object(&DEPENDENCY)),
            "[]",
            Live,
            "[{name: db, condition: ready}]",
            "what a start waits for, and so a restart; a stop of both goes the other way round",
        ),
        row(
            "update",
            Kind::Object(&UPDATE),
            "{strategy: auto}",
            Live,
            "{strategy: manual}",
            "what a change leads to",
        ),
        row(
            "reload",
            Kind::Object(&RELOAD),
            "none",
            Live,
            "{signal: HUP}",
            "how it is told to read its configuration anew",
        ),
        row(
            "hooks",
            Kind::Object(&HOOKS),
            "none",
            Live,
            "{preStart: [{command: [/usr/bin/shopctl, migrate]}]}",
            "commands before and after a start and a stop",
        ),
        row(
            "suspend",
            Kind::Object(&SUSPEND),
            "none",
            Live,
            "{reason: moving house}",
            "everything about it is left alone",
        ),
        row(
            "trustExecutable",
            Kind::Bool,
            "false",
            Live,
            "true",
            "run it as root although others than root can write it",
        ),
    ],
    later: &[],
    foreign: &[
        ("command", "startas"),
        ("cmd", "startas"),
        ("exec", "startas"),
        ("execStart", "startas"),
        ("ExecStart", "startas"),
        ("program", "startas"),
        ("path", "startas"),
        ("arguments", "args"),
        ("environment", "env"),
        ("environmentFile", "envFrom"),
        ("cwd", "workingDirectory"),
        ("chdir", "workingDirectory"),
        ("directory", "workingDirectory"),
        ("uid", "user"),
        ("gid", "group"),
        ("groups", "supplementaryGroups"),
        ("ulimits", "limits"),
        ("rlimits", "limits"),
        ("nice", "scheduling"),
        ("restartPolicy", "restart"),
        ("instances", "replicas"),
        ("numprocs", "replicas"),
        ("stopSignal", "stop"),
        ("readinessProbe", "readiness"),
        ("livenessProbe", "liveness"),
        ("startsecs", "readiness"),
        ("log", "stdout"),
    ],
};

/// `resources`
pub const RESOURCES: Table = Table {
    name: "resources",
    fields: &[
        row("memory", Kind::Object(&RESOURCES_MEMORY), "not bounded", Live, "{max: 512MiB}", "memory"),
        row("cpu", Kind::Object(&RESOURCES_CPU), "not bounded", Live, "{max: 1.5}", "processor time"),
        row(
            "pids",
            Kind::Object(&RESOURCES_PIDS),
            "not bounded",
            Live,
            "{max: 256}",
            "processes and threads",
        ),
        row("io", Kind::Object(&RESOURCES_IO), "as all others", Live, "{weight: 50}", "the disks' time"),
    ],
    later: &[],
    foreign: &[("tasks", "pids"), ("cpus", "cpu"), ("blkio", "io")],
};

/// `resources.memory`
pub const RESOURCES_MEMORY: Table = Table {
    name: "memory",
    fields: &[
        row(
            "max",
            Kind::LimitValue,
            "unlimited",
            Live,
            "512MiB",
            "what can't be exceeded: the kernel ends a process instead (OOMKilled)",
        ),
        row("high", Kind::LimitValue, "unlimited", Live, "400MiB", "above it is slowed down and reclaimed"),
    ],
    later: &[],
    foreign: &[("limit", "max"), ("soft", "high")],
};

/// `resources.cpu`
pub const RESOURCES_CPU: Table = Table {
    name: "cpu",
    fields: &[
        row("max", Kind::Processors, "unlimited", Live, "1.5", "processor time, as a number of processors"),
        row(
            "weight",
            Kind::Integer(1, 10_000),
            "100",
            Live,
            "200",
            "share of the processors when there isn't enough time for all",
        ),
    ],
    later: &[],
    foreign: &[("limit", "max"), ("quota", "max"), ("shares", "weight")],
};

/// `resources.pids`
pub const RESOURCES_PIDS: Table = Table {
    name: "pids",
    fields: &[row("max", Kind::Integer(1, 4_194_304), "unlimited", Live, "256", "how many at most")],
    later: &[],
    foreign: &[("limit", "max")],
};

/// `resources.io`
pub const RESOURCES_IO: Table = Table {
    name: "io",
    fields: &[row(
        "weight",
        Kind::Integer(1, 10_000),
        "100",
        Live,
        "50",
        "share of the disks when there isn't enough time for all",
    )],
    later: &[],
    foreign: &[],
};

/// `security`
pub const SECURITY: Table = Table {
    name: "security",
    fields: &[
        row(
            "noNewPrivileges",
            Kind::Bool,
            "true unless the user is root",
            Restart,
            "true",
            "set-user-ID programs and file capabilities give it nothing (PR_SET_NO_NEW_PRIVS)",
        ),
        row(
            "capabilities",
            Kind::Object(&CAPABILITIES),
            "those of the user",
            Restart,
            "{bounding: [CAP_NET_BIND_SERVICE], ambient: [CAP_NET_BIND_SERVICE]}",
            "capabilities(7)",
        ),
        row(
            "readOnlyPaths",
            Kind::List(&Kind::Path),
            "[]",
            Restart,
            "[/etc, /usr]",
            "absolute paths that it sees as read-only, with all that is mounted below",
        ),
        row(
            "inaccessiblePaths",
            Kind::List(&Kind::Path),
            "[]",
            Restart,
            "[/home, /root]",
            "absolute paths of which it sees an empty directory or file instead",
        ),
        row(
            "privateTmp",
            Kind::Bool,
            "false",
            Restart,
            "true",
            "/tmp and /var/tmp of its own (tmpfs), empty at each start",
        ),
    ],
    later: &[],
    foreign: &[
        ("NoNewPrivileges", "noNewPrivileges"),
        ("PrivateTmp", "privateTmp"),
        ("readOnly", "readOnlyPaths"),
        ("inaccessible", "inaccessiblePaths"),
        ("bounding", "capabilities"),
        ("ambient", "capabilities"),
    ],
};

/// `security.capabilities`
pub const CAPABILITIES: Table = Table {
    name: "capabilities",
    fields: &[
        row(
            "bounding",
            Kind::List(&Kind::Text),
            "all",
            Restart,
            "[CAP_NET_BIND_SERVICE]",
            "what it and all that it executes can ever have; [] is nothing",
        ),
        row(
            "ambient",
            Kind::List(&Kind::Text),
            "[]",
            Restart,
            "[CAP_NET_BIND_SERVICE]",
            "what it has although its user isn't root",
        ),
    ],
    later: &[],
    foreign: &[("drop", "bounding"), ("add", "ambient")],
};

/// An entry of `secrets`.
pub const SECRET: Table = Table {
    name: "secret",
    fields: &[
        row(
            "name",
            Kind::Text,
            REQUIRED,
            Restart,
            "DB_PASSWORD",
            "name of the variable; for a file the variable is NAME_FILE and has its path",
        ),
        row("file", Kind::Path, REQUIRED, Restart, "/etc/shop/password", "where its content is read"),
        row(
            "as",
            Kind::Words(&SECRET_FORMS),
            "file",
            Restart,
            "env",
            "file (a copy that only the service's user can read), or env",
        ),
    ],
    later: &[],
    foreign: &[("path", "file"), ("form", "as")],
};

const SECRET_FORMS: Words = Words { now: &["file", "env"], later: &[] };

/// An entry of `sockets`.
pub const SOCKET: Table = Table {
    name: "socket",
    fields: &[
        row("name", Kind::Text, REQUIRED, Restart, "http", "its name in LISTEN_FDNAMES"),
        row(
            "listen",
            Kind::Text,
            REQUIRED,
            Restart,
            "tcp://127.0.0.1:8080",
            "tcp://ADDRESS:PORT, udp://ADDRESS:PORT or unix://PATH",
        ),
        row(
            "backlog",
            Kind::Integer(1, 65_535),
            "4096",
            Restart,
            "128",
            "connections that wait at most; the kernel may allow fewer",
        ),
        row("mode", Kind::Mode, "0660", Restart, "0666", "permission bits of a Unix socket"),
        row("user", Kind::Account, "the service's", Restart, "root", "owner of a Unix socket"),
        row("group", Kind::Account, "the service's", Restart, "www-data", "group of a Unix socket"),
    ],
    later: &[],
    foreign: &[("address", "listen"), ("stream", "listen"), ("permissions", "mode"), ("owner", "user")],
};

/// An entry of `envFrom`.
pub const ENV_FROM: Table = Table {
    name: "envFrom",
    fields: &[
        row("file", Kind::Path, REQUIRED, Restart, "/etc/default/shop", "lines of NAME=value"),
        row("optional", Kind::Bool, "false", Restart, "true", "a missing file is an empty one"),
        row("prefix", Kind::Text, "none", Restart, "SHOP_", "put before each name"),
    ],
    later: &[],
    foreign: &[("path", "file")],
};

/// `limits.NAME` in its long form.
pub const LIMIT: Table = Table {
    name: "limit",
    fields: &[
        row("soft", Kind::LimitValue, "the hard limit", Live, "1024", "what applies"),
        row("hard", Kind::LimitValue, "the soft limit", Live, "4096", "how far the process may raise it"),
    ],
    later: &[],
    foreign: &[],
};

const IO_CLASSES: Words = Words { now: &["real-time", "best-effort", "idle"], later: &[] };
const POLICIES: Words = Words { now: &["other", "batch", "idle", "fifo", "rr"], later: &[] };

/// `scheduling`
pub const SCHEDULING: Table = Table {
    name: "scheduling",
    fields: &[
        row("nice", Kind::Integer(-20, 19), "inherited", Live, "5", "-20 (first) to 19 (last)"),
        row("ioClass", Kind::Words(&IO_CLASSES), "inherited", Live, "idle", "class of ioprio_set(2)"),
        row(
            "ioPriority",
            Kind::Integer(0, 7),
            "4",
            Live,
            "7",
            "0 (first) to 7 (last), with ioClass real-time or best-effort",
        ),
        row("policy", Kind::Words(&POLICIES), "inherited", Live, "batch", "policy of sched(7)"),
        row("rtPriority", Kind::Integer(1, 99), "none", Live, "10", "1 to 99, with policy fifo or rr"),
        row("cpuAffinity", Kind::Cpus, "inherited", Live, "[0, 2-3]", "CPU numbers"),
        row(
            "oomScoreAdj",
            Kind::Integer(-1000, 1000),
            "inherited",
            Live,
            "-500",
            "-1000 (never chosen) to 1000",
        ),
    ],
    later: &[],
    foreign: &[("priority", "nice")],
};

/// Words for `stdout` and `stderr`.
pub const OUTPUTS: Words = Words { now: &["null", "inherit", "syslog"], later: &[] };

/// `stdout` and `stderr`
pub const OUTPUT: Table = Table {
    name: "output",
    fields: &[
        row(
            "file",
            Kind::Path,
            "a file in the log directory",
            Restart,
            "/var/log/shop.log",
            "opened for appending",
        ),
        row(
            "maxSize",
            Kind::LimitValue,
            "16MiB",
            Live,
            "64MiB",
            "its head is moved to a piece beside it when it has so much, or `unlimited`",
        ),
        row("keep", Kind::Integer(1, 1000), "5", Live, "10", "so many pieces are kept"),
        row("compress", Kind::Bool, "false", Live, "true", "pieces are compressed (gzip)"),
    ],
    later: &[],
    foreign: &[
        ("path", "file"),
        ("size", "maxSize"),
        ("maxBytes", "maxSize"),
        ("rotate", "keep"),
        ("backups", "keep"),
    ],
};

const RESTART_POLICIES: Words = Words { now: &["always", "on-failure", "never"], later: &[] };

/// `restart`
pub const RESTART: Table = Table {
    name: "restart",
    fields: &[
        row("policy", Kind::Words(&RESTART_POLICIES), "always", Live, "on-failure", "after which exits"),
        row(
            "successCodes",
            Kind::List(&Kind::Integer(0, 255)),
            "[]",
            Live,
            "[3]",
            "exit codes that count as success besides 0",
        ),
        row("backoff", Kind::Duration, "1s", Live, "2s", "the first wait, doubled with each failure"),
        row("maxBackoff", Kind::Duration, "5m", Live, "1m", "the longest wait"),
        row("jitter", Kind::Fraction, "0.1", Live, "0.2", "fraction of the wait that chance adds or takes"),
        row(
            "resetAfter",
            Kind::Duration,
            "10m",
            Live,
            "5m",
            "after so long in good health the next wait is the first one again",
        ),
    ],
    later: &[],
    foreign: &[("delay", "backoff"), ("maxDelay", "maxBackoff")],
};

const SCOPES: Words = Words { now: &["main", "group", "tree"], later: &[] };

/// `stop`
pub const STOP: Table = Table {
    name: "stop",
    fields: &[
        row(
            "schedule",
            Kind::List(&Kind::Object(&STOP_STEP)),
            "TERM, 30s, KILL, 5s",
            Live,
            "[{signal: TERM, wait: 30s}, {signal: KILL, wait: 5s}]",
            "signals in order, each with the time to wait for the exit",
        ),
        row(
            "scope",
            Kind::Words(&SCOPES),
            "tree; main for adopted processes",
            Live,
            "main",
            "who gets the signals: main, group (its process group, at once), or tree (main first, then what is left of all it brought forth)",
        ),
        row(
            "command",
            Kind::List(&Kind::Text),
            "none",
            Live,
            "[/usr/sbin/nginx, -s, quit]",
            "asks it to end, before the first signal",
        ),
        row(
            "commandTimeout",
            Kind::Duration,
            "30s",
            Live,
            "10s",
            "how long the command and the exit that it asks for may take; then the schedule begins",
        ),
        row(
            "commandUser",
            Kind::Account,
            "that of the service",
            Live,
            "root",
            "name or number of the user who runs the command",
        ),
    ],
    later: &[],
    foreign: &[("signal", "schedule"), ("timeout", "schedule"), ("gracePeriod", "schedule")],
};

/// A step of `stop.schedule`.
pub const STOP_STEP: Table = Table {
    name: "step",
    fields: &[
        row("signal", Kind::Signal, REQUIRED, Live, "TERM", "what is sent"),
        row("wait", Kind::Duration, REQUIRED, Live, "30s", "how long to wait for the exit"),
    ],
    later: &[],
    foreign: &[("timeout", "wait")],
};

/// Names of limits; the second word says whether sizes such as `64MiB` can be given.
pub const LIMIT_NAMES: &[(&str, bool)] = &[
    ("as", true),
    ("core", true),
    ("cpu", false),
    ("data", true),
    ("fsize", true),
    ("locks", false),
    ("memlock", true),
    ("msgqueue", true),
    ("nice", false),
    ("nofile", false),
    ("nproc", false),
    ("rss", true),
    ("rtprio", false),
    ("rttime", false),
    ("sigpending", false),
    ("stack", true),
];

/// Every mapping with a table, for checks and the reference.
pub const TABLES: &[&Table] = &[
    &DOCUMENT,
    &METADATA,
    &SERVICE,
    &ENV_FROM,
    &LIMIT,
    &RESOURCES,
    &RESOURCES_MEMORY,
    &RESOURCES_CPU,
    &RESOURCES_PIDS,
    &RESOURCES_IO,
    &SCHEDULING,
    &SECURITY,
    &CAPABILITIES,
    &SECRET,
    &SOCKET,
    &OUTPUT,
    &READINESS,
    &LIVENESS,
    &TCP,
    &HTTP,
    &UNIX,
    &LOG_LINE,
    &EXEC,
    &TRIGGER,
    &CONDITION,
    &RESTART,
    &STOP,
    &STOP_STEP,
    &HOSTS,
    &DEPENDENCY,
    &UPDATE,
    &RELOAD,
    &HOOKS,
    &HOOK,
    &SUSPEND,
    &MATCHER_DOCUMENT,
    &MATCHER_METADATA,
    &MATCHER,
    &NAMED_LIST,
    &DEFINITION,
    &MATCHER_TEST,
    &PLUGIN_DOCUMENT,
    &PLUGIN_METADATA,
    &PLUGIN,
    &GRANTS,
    &TASK_DOCUMENT,
    &TASK,
    &SCHEDULE,
    &RETRY,
    &ENGINE_DOCUMENT,
    &ENGINE_METADATA,
    &ENGINE,
    &PRUNE,
    &ENGINE_LIMITS,
    &HOST,
    &GIT,
    &DEFAULTS_DOCUMENT,
    &DEFAULTS_METADATA,
    &DEFAULTS,
    &SELECTOR,
    &REQUIREMENT,
    &POLICY_DOCUMENT,
    &POLICY_METADATA,
    &POLICY,
    &POLICY_ACTION,
    &POLICY_EXEC,
    &POLICY_SIGNAL,
    &POLICY_GROUP,
    &POLICY_LIMIT,
    &POLICY_TEST,
    &POLICY_EXPECT,
];
