//! From words to values: parameters, substitutions, splitting.

use super::machine::Machine;
use super::pattern::{self, Element};
use super::syntax::{Change, Command, Parameter, Part, Word};
use super::value::{Piece, Value};

/// Variables that come from whoever runs the script.
const SURROUNDINGS: [&str; 17] = [
    "HOME", "USER", "LOGNAME", "SHELL", "TERM", "LANG", "LC_ALL", "PWD", "OLDPWD", "HOSTNAME", "UID", "EUID",
    "PPID", "RANDOM", "SECONDS", "OPTARG", "REPLY",
];

/// Fields in the making.
#[derive(Default)]
struct Fields {
    done: Vec<Value>,
    current: Value,
    /// There is a field, though it may be empty: a quote was in it.
    begun: bool,
    /// Characters outside of quotes that stand for file names.
    active: bool,
}

impl Fields {
    fn quoted(&mut self, value: &Value) {
        self.begun = true;
        self.current.push(value);
    }

    /// Text outside of quotes that was written so: not split.
    fn literal(&mut self, text: &str) {
        self.begun = true;
        let between =
            |open, close| text.find(open).is_some_and(|at| text.rfind(close).is_some_and(|end| end > at));
        self.active |= text.contains(['*', '?'])
            || between('[', ']')
            // Braces with a comma are several words to some shells.
            || (between('{', '}') && between('{', ',') && between(',', '}'));
        self.current.push_text(text);
    }

    /// What an expansion outside of quotes gave: split at blanks.
    fn split(&mut self, value: &Value) {
        for piece in value.pieces() {
            match piece {
                Piece::Doubt(_) => {
                    self.begun = true;
                    self.current.push_piece(piece);
                }
                Piece::Text(text) => {
                    let mut rest = text.as_str();
                    while !rest.is_empty() {
                        let word = rest.find([' ', '\t', '\n']).unwrap_or(rest.len());
                        let (head, tail) = rest.split_at(word);
                        if !head.is_empty() {
                            self.literal(head);
                        }
                        rest = tail.trim_start_matches([' ', '\t', '\n']);
                        if !tail.is_empty() {
                            self.end();
                        }
                    }
                }
            }
        }
    }

    fn end(&mut self) {
        if self.begun {
            self.done.push(std::mem::take(&mut self.current));
        }
        self.begun = false;
    }
}

impl Machine<'_> {
    /// The words of a command, as the program would be given them.
    pub(super) fn fields(&mut self, words: &[Word]) -> Vec<Value> {
        let mut all = Vec::new();
        for word in words {
            let mut fields = Fields::default();
            for part in &word.0 {
                self.field_part(part, &mut fields);
            }
            fields.end();
            if fields.active {
                let shown: Vec<String> = fields.done.iter().map(Value::shown).collect();
                let test = shown.first().is_some_and(|text| text == "[" || text == "[[" || text == "]]");
                if !test {
                    let doubt =
                        self.doubt(shown.join(" "), "it is a pattern, of which a shell makes other words");
                    fields.done = vec![doubt];
                }
            }
            all.append(&mut fields.done);
        }
        all
    }

    fn field_part(&mut self, part: &Part, fields: &mut Fields) {
        match part {
            Part::Text(text) => fields.literal(text),
            Part::Quoted(text) => fields.quoted(&Value::text(text.as_str())),
            Part::Double(parts) => self.double(parts, fields),
            Part::Parameter(parameter) if matches!(parameter.name.as_str(), "@" | "*") => {
                for value in self.state.parameters.clone() {
                    fields.split(&value);
                    fields.end();
                }
            }
            Part::Parameter(parameter) => match self.word_in_place(parameter) {
                // The word in `${NAME:+--option "$NAME"}` has quotes of its own.
                Some(word) => {
                    for part in &word.0 {
                        match part {
                            Part::Text(text) => fields.split(&Value::text(text.as_str())),
                            part => self.field_part(part, fields),
                        }
                    }
                }
                None => {
                    let value = self.parameter(parameter);
                    fields.split(&value);
                }
            },
            Part::Command { .. } | Part::Arithmetic(_) => {
                let value = self.part(part);
                fields.split(&value);
            }
        }
    }

    fn double(&mut self, parts: &[Part], fields: &mut Fields) {
        fields.begun |= !matches!(parts, [Part::Parameter(p)] if p.name == "@");
        for part in parts {
            match part {
                Part::Parameter(parameter) if parameter.name == "@" => {
                    let parameters = self.state.parameters.clone();
                    for (at, value) in parameters.iter().enumerate() {
                        if at > 0 {
                            fields.end();
                        }
                        fields.quoted(value);
                    }
                }
                part => {
                    let value = self.part(part);
                    fields.quoted(&value);
                }
            }
        }
    }

    /// A word as one value: nothing is split.
    pub(super) fn joined(&mut self, word: &Word) -> Value {
        let mut value = Value::default();
        for (at, part) in word.0.iter().enumerate() {
            match part {
                // `~` and `~user` at the beginning.
                Part::Text(text) if at == 0 && text.starts_with('~') => {
                    let doubt = self.doubt(text.as_str(), "it is somebody's home directory");
                    value.push(&doubt);
                }
                part => {
                    let more = self.part(part);
                    value.push(&more);
                }
            }
        }
        value
    }

    fn part(&mut self, part: &Part) -> Value {
        match part {
            Part::Text(text) | Part::Quoted(text) => Value::text(text.as_str()),
            Part::Double(parts) => {
                let mut value = Value::default();
                for part in parts {
                    let more = self.part(part);
                    value.push(&more);
                }
                value
            }
            Part::Parameter(parameter) => self.parameter(parameter),
            Part::Command { text, command } => self.substitute(text, command),
            Part::Arithmetic(text) => self.arithmetic(text),
        }
    }

    /// A number that is written, or the plain value of a variable; sums aren't computed.
    fn arithmetic(&mut self, text: &str) -> Value {
        let name = text.trim().trim_start_matches('$');
        if !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit()) {
            return Value::text(name);
        }
        self.doubt(format!("$(({text}))"), "arithmetic isn't computed")
    }

    /// What a command prints, without the newlines at its end.
    fn substitute(&mut self, text: &str, command: &Command) -> Value {
        let line = self.line;
        self.printed.push(Value::default());
        let calls = self.calls.len();
        self.subshell(command);
        // Programs that are called for what they print start nothing.
        self.calls.truncate(calls.max(self.first_start(calls)));
        self.line = line;
        let printed = self.printed.pop().unwrap_or_default();
        if printed.first_doubt().is_some_and(|doubt| doubt.text.is_empty()) {
            return self.doubt(text, "it is what a program prints");
        }
        match printed.known() {
            Some(known) => Value::text(known.trim_end_matches('\n')),
            None => printed,
        }
    }

    /// The calls behind this number that may start something, even in a substitution.
    fn first_start(&self, from: usize) -> usize {
        let starts = |call: &super::machine::Call| {
            call.words.first().and_then(Value::known).is_some_and(|name| name.ends_with("start-stop-daemon"))
        };
        self.calls.iter().skip(from).rposition(starts).map_or(from, |at| from + at + 1)
    }

    /// Adds to what is printed around here.
    pub(super) fn print(&mut self, value: &Value) {
        if let Some(printed) = self.printed.last_mut() {
            printed.push(value);
        }
    }

    /// Something prints what can't be known. The text of the doubt is that of the whole substitution.
    pub(super) fn print_doubt(&mut self, what: &str) {
        if !self.printed.is_empty() {
            let doubt = self.doubt("", format!("it is what {what} prints"));
            self.print(&doubt);
        }
    }

    /// What was printed one way and the other.
    pub(super) fn join_printed(&mut self, other: &[Value]) {
        if self.printed.last() != other.last() && !self.printed.is_empty() {
            let doubt = self.doubt("", "it depends on a test");
            if let Some(printed) = self.printed.last_mut() {
                *printed = doubt;
            }
        }
    }

    /// The word that an expansion is replaced by, where one is.
    fn word_in_place(&mut self, parameter: &Parameter) -> Option<Word> {
        match &parameter.change {
            Change::Instead { empty_too, word } if self.is_set(&parameter.name, *empty_too) == Some(true) => {
                Some(word.clone())
            }
            Change::Default { empty_too, word }
                if self.is_set(&parameter.name, *empty_too) == Some(false) =>
            {
                Some(word.clone())
            }
            _ => None,
        }
    }

    /// Whether a parameter is set, and with `empty_too` not empty. Not known where its value isn't.
    fn is_set(&self, name: &str, empty_too: bool) -> Option<bool> {
        let value = self.plain(name);
        match value {
            None => Some(false),
            Some(_) if !empty_too => Some(true),
            Some(value) if value.has_text() => Some(true),
            Some(value) => value.known().map(|text| !text.is_empty()),
        }
    }

    /// The value of a parameter without changes; `None` if it isn't set.
    fn plain(&self, name: &str) -> Option<Value> {
        if let Some(variable) = self.state.variables.get(name) {
            return Some(variable.value.clone());
        }
        if let Ok(number) = name.parse::<usize>() {
            return match number.checked_sub(1) {
                None => Some(Value::text(self.name.as_str())),
                Some(at) => self.state.parameters.get(at).cloned(),
            };
        }
        match name {
            "#" => Some(Value::text(self.state.parameters.len().to_string())),
            "@" | "*" => {
                let mut all = Value::default();
                for (at, value) in self.state.parameters.iter().enumerate() {
                    if at > 0 {
                        all.push_text(" ");
                    }
                    all.push(value);
                }
                (!self.state.parameters.is_empty()).then_some(all)
            }
            "?" => Some(match self.status {
                Some(true) => Value::text("0"),
                Some(false) => Value::text("1"),
                None => self.doubt("$?", "it is what a program says at its end"),
            }),
            "$" | "!" | "-" => Some(self.doubt(format!("${name}"), "it is different each time")),
            "PATH" => Some(Value::text(crate::import::DEFAULT_PATH)),
            "IFS" => Some(Value::text(" \t\n")),
            name if SURROUNDINGS.contains(&name) => {
                Some(self.doubt(format!("${name}"), "it comes from whoever runs the script"))
            }
            _ => None,
        }
    }

    fn parameter(&mut self, parameter: &Parameter) -> Value {
        let name = &parameter.name;
        match &parameter.change {
            Change::None => self.plain(name).unwrap_or_default(),
            Change::Length => match self.plain(name).unwrap_or_default().known() {
                Some(text) => Value::text(text.chars().count().to_string()),
                None => self.doubt(parameter.text.as_str(), "its value isn't known"),
            },
            Change::Default { empty_too, word } => match self.is_set(name, *empty_too) {
                Some(true) => self.plain(name).unwrap_or_default(),
                Some(false) => self.joined(word),
                None => self.undecided(parameter),
            },
            Change::Assign { empty_too, word } => match self.is_set(name, *empty_too) {
                Some(true) => self.plain(name).unwrap_or_default(),
                Some(false) => {
                    let value = self.joined(word);
                    self.set(name, value.clone());
                    value
                }
                None => self.undecided(parameter),
            },
            Change::Error { empty_too } => match self.is_set(name, *empty_too) {
                Some(true) => self.plain(name).unwrap_or_default(),
                _ => self.doubt(parameter.text.as_str(), "the script ends here unless it is set"),
            },
            Change::Instead { empty_too, word } => match self.is_set(name, *empty_too) {
                Some(true) => self.joined(word),
                Some(false) => Value::default(),
                None => self.undecided(parameter),
            },
            Change::Prefix { longest, pattern } => {
                let elements = self.pattern(pattern);
                self.cut(parameter, elements, |elements, text| {
                    pattern::without_prefix(elements, text, *longest)
                })
            }
            Change::Suffix { longest, pattern } => {
                let elements = self.pattern(pattern);
                self.cut(parameter, elements, |elements, text| {
                    pattern::without_suffix(elements, text, *longest)
                })
            }
            Change::Other => self.doubt(parameter.text.as_str(), "only some shells know this form"),
        }
    }

    fn undecided(&self, parameter: &Parameter) -> Value {
        let why = match self.plain(&parameter.name).as_ref().and_then(Value::first_doubt) {
            Some(doubt) if !doubt.text.is_empty() => format!("`{}` isn't known: {}", doubt.text, doubt.why),
            _ => "its value isn't known".to_owned(),
        };
        self.doubt(parameter.text.as_str(), why)
    }

    fn cut(
        &self,
        parameter: &Parameter,
        elements: Option<Vec<Element>>,
        cut: impl Fn(&[Element], &str) -> String,
    ) -> Value {
        let value = self.plain(&parameter.name).unwrap_or_default();
        match (elements, value.known()) {
            (Some(elements), Some(text)) => Value::text(cut(&elements, text)),
            _ => self.undecided(parameter),
        }
    }

    /// A word as a pattern; `None` if not all of it is known.
    pub(super) fn pattern(&mut self, word: &Word) -> Option<Vec<Element>> {
        let mut elements = Vec::new();
        for part in &word.0 {
            match part {
                Part::Text(text) => pattern::active(text, &mut elements),
                Part::Quoted(text) => pattern::plain(text, &mut elements),
                Part::Double(_) => pattern::plain(self.part(part).known()?, &mut elements),
                Part::Parameter(_) | Part::Command { .. } | Part::Arithmetic(_) => {
                    pattern::active(self.part(part).known()?, &mut elements);
                }
            }
        }
        Some(elements)
    }
}
