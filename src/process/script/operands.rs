//! Which word of argv is the script, per interpreter. A table: one row an interpreter, from its manual page.

/// How an interpreter reads its options.
#[derive(Debug)]
pub(super) struct Interpreter {
    /// Names without version, see [`crate::process::paths::family`].
    families: &'static [&'static str],
    /// Letters whose value is the rest of the word, or the next word.
    valued: &'static [u8],
    /// Letters whose value can only be the rest of the word.
    attached: &'static [u8],
    /// Letters whose value is a number behind them, with further letters behind that (`-lne`, `-0777pe`).
    number: &'static [u8],
    /// Letters after which there is no script: code, a module, standard input.
    none: &'static [u8],
    /// Letters whose value is the script.
    file: &'static [u8],
    /// Long options whose value is the next word.
    long_valued: &'static [&'static str],
    /// Long options after which there is no script.
    long_none: &'static [&'static str],
    /// Long options whose value is the script.
    long_file: &'static [&'static str],
    /// Words of one dash are long options too (`-jar`).
    single_dash_long: bool,
    /// Words that begin with `+` are options (`+x`).
    plus: bool,
    /// The operand must end so to be a file: `java Main` names a class.
    suffix: &'static str,
    /// Options alone decide, the operand is code or data.
    no_operand: bool,
}

const PLAIN: Interpreter = Interpreter {
    families: &[],
    valued: b"",
    attached: b"",
    number: b"",
    none: b"",
    file: b"",
    long_valued: &[],
    long_none: &[],
    long_file: &[],
    single_dash_long: false,
    plus: false,
    suffix: "",
    no_operand: false,
};

/// Those of `node --help` (18 to 22) that take the next word.
const NODE_VALUED: &[&str] = &[
    "--allow-fs-read",
    "--allow-fs-write",
    "--build-snapshot-config",
    "--conditions",
    "--cpu-prof-dir",
    "--cpu-prof-interval",
    "--cpu-prof-name",
    "--debug-port",
    "--diagnostic-dir",
    "--disable-proto",
    "--disable-warning",
    "--dns-result-order",
    "--env-file",
    "--env-file-if-exists",
    "--experimental-default-type",
    "--experimental-loader",
    "--experimental-policy",
    "--heap-prof-dir",
    "--heap-prof-interval",
    "--heap-prof-name",
    "--heapsnapshot-near-heap-limit",
    "--heapsnapshot-signal",
    "--icu-data-dir",
    "--import",
    "--input-type",
    "--inspect-port",
    "--inspect-publish-uid",
    "--loader",
    "--localstorage-file",
    "--max-http-header-size",
    "--network-family-autoselection-attempt-timeout",
    "--openssl-config",
    "--policy-integrity",
    "--redirect-warnings",
    "--report-dir",
    "--report-directory",
    "--report-filename",
    "--report-signal",
    "--require",
    "--secure-heap",
    "--secure-heap-min",
    "--snapshot-blob",
    "--title",
    "--tls-cipher-list",
    "--tls-keylog",
    "--trace-event-categories",
    "--trace-event-file-pattern",
    "--unhandled-rejections",
    "--use-largepages",
    "--v8-pool-size",
    "--watch-path",
];

const TABLE: &[Interpreter] = &[
    Interpreter {
        families: &["python", "pypy"],
        valued: b"WXQ",
        none: b"cm",
        long_valued: &["--check-hash-based-pycs"],
        ..PLAIN
    },
    Interpreter {
        families: &["perl"],
        valued: b"I",
        attached: b"CDFimMxV",
        number: b"0l",
        none: b"eE",
        ..PLAIN
    },
    Interpreter {
        families: &["ruby", "jruby"],
        valued: b"IrCE",
        attached: b"FiKWx",
        number: b"0T",
        none: b"e",
        long_valued: &[
            "--encoding",
            "--external-encoding",
            "--internal-encoding",
            "--enable",
            "--disable",
            "--dump",
            "--parser",
            "--backtrace-limit",
        ],
        ..PLAIN
    },
    Interpreter {
        families: &["node", "nodejs"],
        valued: b"rC",
        none: b"ep",
        long_valued: NODE_VALUED,
        long_none: &["--eval", "--print"],
        ..PLAIN
    },
    Interpreter {
        families: &["sh", "dash", "bash", "ash", "hush", "ksh", "mksh", "zsh", "yash", "rbash"],
        valued: b"oO",
        none: b"cs",
        long_valued: &["--rcfile", "--init-file", "--emulate"],
        plus: true,
        ..PLAIN
    },
    Interpreter {
        families: &["php", "php-cgi"],
        valued: b"cdzt",
        none: b"rBRESa",
        file: b"fF",
        long_valued: &["--php-ini", "--define", "--zend-extension", "--docroot"],
        long_none: &["--run", "--process-begin", "--process-code", "--process-end", "--server"],
        long_file: &["--file", "--process-file"],
        ..PLAIN
    },
    Interpreter {
        families: &["java"],
        long_valued: &[
            "-cp",
            "-classpath",
            "--class-path",
            "-p",
            "--module-path",
            "--upgrade-module-path",
            "--add-modules",
            "--add-exports",
            "--add-opens",
            "--add-reads",
            "--enable-native-access",
            "--limit-modules",
            "--patch-module",
            "--source",
        ],
        long_none: &["-m", "--module"],
        long_file: &["-jar"],
        single_dash_long: true,
        suffix: ".java",
        ..PLAIN
    },
    Interpreter { families: &["lua", "luajit"], valued: b"elj", attached: b"O", ..PLAIN },
    Interpreter {
        families: &["tclsh", "wish"],
        long_valued: &["-encoding"],
        single_dash_long: true,
        ..PLAIN
    },
    Interpreter { families: &["expect"], valued: b"cD", file: b"fb", ..PLAIN },
    Interpreter { families: &["Rscript"], none: b"e", ..PLAIN },
    Interpreter {
        families: &["R"],
        file: b"f",
        none: b"e",
        long_file: &["--file"],
        no_operand: true,
        ..PLAIN
    },
    Interpreter {
        families: &["awk", "gawk", "mawk", "nawk"],
        valued: b"vFielW",
        attached: b"dDoLp",
        file: b"fE",
        long_valued: &["--assign", "--field-separator", "--include", "--load", "--source"],
        long_file: &["--file", "--exec"],
        no_operand: true,
        ..PLAIN
    },
];

/// Shells among the applets of a multi-call program.
const APPLET_SHELLS: &[&[u8]] = &[b"sh", b"ash", b"hush"];

/// What argv says about the script.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Operand {
    /// The script is this name; it, or the option that holds it, stands at this index of argv.
    Script {
        /// In argv.
        index: usize,
        /// As written.
        name: Vec<u8>,
    },
    /// It runs code, a module, a class or its standard input.
    None,
    /// No row of the table is about this interpreter.
    NoTable,
}

/// Whether the table knows the family.
pub fn is_interpreter(family: &[u8]) -> bool {
    row(family).is_some() || family == b"busybox"
}

/// Whether a program of one family may be what the name of the other leads to: `sh` is dash, bash or busybox,
/// `node` is nodejs. Their options are read the same way.
pub fn alike(family: &[u8], other: &[u8]) -> bool {
    let is_busybox = |name: &[u8]| name == b"busybox";
    match (row(family), row(other)) {
        _ if family == other => true,
        (Some(row), Some(other)) => std::ptr::eq(row, other),
        (Some(row), None) => row.is_shell() && is_busybox(other),
        (None, Some(row)) => row.is_shell() && is_busybox(family),
        (None, None) => false,
    }
}

fn row(family: &[u8]) -> Option<&'static Interpreter> {
    TABLE.iter().find(|row| row.families.iter().any(|name| name.as_bytes() == family))
}

/// The script among the words of an interpreter of that family.
pub fn operand<W: AsRef<[u8]>>(family: &[u8], argv: &[W]) -> Operand {
    let words: Vec<&[u8]> = argv.iter().map(AsRef::as_ref).collect();
    if family == b"busybox" {
        return applet(&words);
    }
    match row(family) {
        Some(row) => row.operand(&words, 1),
        None => Operand::NoTable,
    }
}

fn applet(words: &[&[u8]]) -> Operand {
    let is_shell = |at: usize| {
        words.get(at).is_some_and(|word| {
            let name = crate::process::paths::base_name(word);
            APPLET_SHELLS.contains(&name.strip_prefix(b"-").unwrap_or(name))
        })
    };
    match row(b"sh") {
        Some(row) if is_shell(0) => row.operand(words, 1),
        Some(row) if is_shell(1) => row.operand(words, 2),
        _ => Operand::None,
    }
}

enum Step {
    Go(usize),
    Done(Operand),
}

impl Interpreter {
    fn is_shell(&self) -> bool {
        self.families.contains(&"sh")
    }

    fn operand(&self, words: &[&[u8]], first: usize) -> Operand {
        let mut at = first;
        while let Some(word) = words.get(at) {
            let step = match word {
                // To a shell `-` is another `--` (`#!/bin/sh -`), to the others standard input.
                [b'-'] if !self.is_shell() => return Operand::None,
                [b'-'] | [b'-', b'-'] => return self.plain(words, at + 1),
                [b'-', b'-', ..] => self.long(words, at, word),
                [b'-', ..] if self.single_dash_long => self.long(words, at, word),
                [b'-', letters @ ..] => self.short(words, at, letters),
                [b'+', letters @ ..] if self.plus => self.short(words, at, letters),
                _ => return self.plain(words, at),
            };
            match step {
                Step::Go(next) => at = next,
                Step::Done(operand) => return operand,
            }
        }
        Operand::None
    }

    fn plain(&self, words: &[&[u8]], at: usize) -> Operand {
        match words.get(at) {
            Some(name) if !self.no_operand && name.ends_with(self.suffix.as_bytes()) => self.script(at, name),
            _ => Operand::None,
        }
    }

    /// Nothing can be opened by an empty name; and a hyphen is standard input, wherever it stands, but not to a shell.
    fn script(&self, index: usize, name: &[u8]) -> Operand {
        match name {
            [] => Operand::None,
            [b'-'] if !self.is_shell() => Operand::None,
            name => Operand::Script { index, name: name.to_vec() },
        }
    }

    fn long(&self, words: &[&[u8]], at: usize, word: &[u8]) -> Step {
        let equals = word.iter().position(|b| *b == b'=');
        let name = word.get(..equals.unwrap_or(word.len())).unwrap_or_default();
        let is = |list: &[&str]| list.iter().any(|known| known.as_bytes() == name);
        if is(self.long_none) {
            return Step::Done(Operand::None);
        }
        if is(self.long_file) {
            let value = equals.and_then(|end| word.get(end + 1..));
            return Step::Done(match (value, words.get(at + 1)) {
                (Some(value), _) => self.script(at, value),
                (None, Some(next)) => self.script(at + 1, next),
                (None, None) => Operand::None,
            });
        }
        Step::Go(if equals.is_none() && is(self.long_valued) { at + 2 } else { at + 1 })
    }

    fn short(&self, words: &[&[u8]], at: usize, letters: &[u8]) -> Step {
        let mut rest = letters;
        while let [letter, tail @ ..] = rest {
            if self.none.contains(letter) {
                return Step::Done(Operand::None);
            }
            if self.file.contains(letter) {
                return Step::Done(match words.get(at + 1) {
                    _ if !tail.is_empty() => self.script(at, tail),
                    Some(next) => self.script(at + 1, next),
                    None => Operand::None,
                });
            }
            if self.attached.contains(letter) {
                return Step::Go(at + 1);
            }
            if self.valued.contains(letter) {
                return Step::Go(if tail.is_empty() { at + 2 } else { at + 1 });
            }
            rest = if self.number.contains(letter) { behind_number(tail) } else { tail };
        }
        Step::Go(at + 1)
    }
}

/// What follows an octal number, or a hexadecimal one that begins with `x`; there may be none.
fn behind_number(word: &[u8]) -> &[u8] {
    let (digits, is_digit): (_, fn(&u8) -> bool) = match word {
        [b'x', digits @ ..] => (digits, u8::is_ascii_hexdigit),
        digits => (digits, u8::is_ascii_digit),
    };
    let end = digits.iter().position(|digit| !is_digit(digit)).unwrap_or(digits.len());
    digits.get(end..).unwrap_or_default()
}
