//! What the shell does itself, and the few programs whose output can be told without them.

use super::flow::Flow;
use super::machine::{Machine, NESTING_MAX, Stream, Variable};
use super::value::Value;
use crate::import::files::{FileLook, base, join, parent, search};
use crate::import::found::{Place, Weight};

/// Libraries of functions that are known by what they are documented to do, and aren't read.
const LIBRARIES: [&str; 12] = [
    "/lib/lsb/init-functions",
    "/usr/lib/lsb/init-functions",
    "/lib/init/vars.sh",
    "/usr/lib/init/vars.sh",
    "/lib/init/splash-functions-base",
    "/lib/init/tmpfs.sh",
    "/lib/init/init-d-script",
    "/usr/lib/init/init-d-script",
    "/etc/init.d/functions",
    "/etc/rc.d/init.d/functions",
    "/etc/rc.status",
    "/etc/sysconfig/network",
];

impl Machine<'_> {
    /// Does what a simple command says. `own` is assigned for it alone.
    pub(super) fn invoke(&mut self, words: &[Value], own: &[(String, Value)], streams: &[Stream]) -> Flow {
        let Some((first, rest)) = words.split_first() else { return Flow::On };
        let Some(name) = first.known().map(str::to_owned) else {
            self.call(words.to_vec(), false, streams, own);
            self.print_doubt("a program");
            self.status = None;
            return Flow::On;
        };
        if let Some(function) = self.state.functions.get(&name).cloned() {
            for (variable, value) in own {
                self.set(variable, value.clone());
            }
            return self.run_function(&function, rest.to_vec());
        }
        self.builtin(&name, rest, streams).unwrap_or_else(|| {
            self.program(&name, words, own, streams);
            Flow::On
        })
    }

    fn builtin(&mut self, name: &str, rest: &[Value], streams: &[Stream]) -> Option<Flow> {
        self.status = match name {
            ":" | "true" | "set" | "trap" | "shopt" | "hash" | "times" | "wait" | "alias" => {
                if name == "set" {
                    self.set_parameters(rest);
                }
                Some(true)
            }
            "false" => Some(false),
            "[" | "[[" => {
                let inner = rest.split_last().map_or(rest, |(_, inner)| inner);
                self.test(inner)
            }
            "test" => self.test(rest),
            "exit" => return Some(self.exit()),
            "return" => return Some(self.leave(rest)),
            "break" | "continue" => {
                let state = self.state.clone();
                if let Some(breaks) = self.breaks.last_mut() {
                    breaks.push(state);
                    return Some(if name == "break" { Flow::Break } else { Flow::Continue });
                }
                Some(true)
            }
            "." | "source" => return Some(self.source(rest)),
            "eval" => return Some(self.eval(rest)),
            "export" | "readonly" | "local" | "declare" | "typeset" => {
                self.declare(name, rest);
                Some(true)
            }
            "unset" => {
                for variable in rest.iter().filter_map(Value::known) {
                    self.state.variables.remove(variable);
                    self.state.functions.remove(variable);
                }
                Some(true)
            }
            "shift" => {
                let count = rest.first().and_then(Value::known).and_then(|n| n.parse().ok()).unwrap_or(1);
                let count = self.state.parameters.len().min(count);
                self.state.parameters.drain(..count);
                Some(true)
            }
            "umask" => {
                self.state.umask = rest.iter().find(|word| word.known() != Some("-S")).cloned();
                Some(true)
            }
            "cd" => {
                self.state.directory =
                    Some(rest.first().cloned().unwrap_or_else(|| self.doubt("cd", "no directory")));
                Some(true)
            }
            "ulimit" => {
                self.limit(rest);
                Some(true)
            }
            "read" | "getopts" => {
                for variable in rest.iter().filter_map(Value::known).filter(|word| !word.starts_with('-')) {
                    let doubt = self.doubt(format!("${variable}"), "it is read while the script runs");
                    self.set(variable, doubt);
                }
                None
            }
            "exec" => return Some(self.exec(rest, streams)),
            "command" | "builtin" => return Some(self.command(rest, streams)),
            "type" => rest.first().and_then(Value::known).map(|name| self.state.functions.contains_key(name)),
            "echo" | "printf" | "basename" | "dirname" | "which" => self.printer(name, rest),
            name if name.starts_with("log_") || name == "print_status" || name == "rc_status" => Some(true),
            _ => return None,
        };
        Some(Flow::On)
    }

    fn program(&mut self, name: &str, words: &[Value], own: &[(String, Value)], streams: &[Stream]) {
        // What reads or tests only is called for its answer, and starts nothing.
        self.call(words.to_vec(), false, streams, own);
        self.print_doubt(&format!("`{}`", base(name)));
        self.status = None;
    }

    fn exit(&mut self) -> Flow {
        if self.goes_on {
            return Flow::On;
        }
        if self.unsure == 0 && self.ended.is_none() {
            self.ended = Some(self.place());
        }
        Flow::Exit
    }

    fn leave(&mut self, rest: &[Value]) -> Flow {
        if let Some(code) = rest.first() {
            self.status = code.known().and_then(|code| code.parse::<i64>().ok()).map(|code| code == 0);
        }
        let state = self.state.clone();
        match self.returns.last_mut() {
            Some(returns) => {
                returns.push(state);
                Flow::Return
            }
            None => self.exit(),
        }
    }

    /// `.`
    fn source(&mut self, rest: &[Value]) -> Flow {
        let place = self.place();
        let Some(value) = rest.first() else { return Flow::On };
        let Some(path) = value.known().map(str::to_owned) else {
            let why = value.first_doubt().map(|doubt| doubt.why.clone()).unwrap_or_default();
            self.note(
                &place,
                Weight::Unclear,
                &format!(". {}", value.shown()),
                format!("which file isn't known: {why}"),
            );
            self.status = None;
            return Flow::On;
        };
        let path = match &self.home {
            Some(home) if self.state.directory.is_none() => join(home, path.trim_start_matches("./")),
            _ => path,
        };
        if path.ends_with("/init-d-script") && !self.state.parameters.is_empty() {
            // It is given the name of the script before the action.
            self.state.parameters.remove(0);
        }
        if LIBRARIES.contains(&path.as_str()) {
            self.status = Some(true);
            return Flow::On;
        }
        if !path.starts_with('/') || self.nesting >= NESTING_MAX {
            self.note(
                &place,
                Weight::Unclear,
                &format!(". {path}"),
                "it isn't followed: not an absolute path",
            );
            self.status = None;
            return Flow::On;
        }
        match self.files.read(&path) {
            Ok(text) => self.sourced(&path, &text),
            // Scripts go on where their shell would end: the tests before it are for that.
            Err(FileLook::Absent) => {
                self.note(&place, Weight::Needless, &format!(". {path}"), "the file does not exist here");
                self.status = Some(false);
                Flow::On
            }
            Err(look) => {
                self.note(
                    &place,
                    Weight::Unclear,
                    &format!(". {path}"),
                    format!("the file can't be read: {}", look.words()),
                );
                self.status = None;
                Flow::On
            }
        }
    }

    fn sourced(&mut self, path: &str, text: &str) -> Flow {
        match super::parse::parse(text) {
            Ok(command) => {
                let place = self.place();
                let outer = std::mem::replace(&mut self.file, path.into());
                let flow = self.left_by_return(&place, |machine| machine.execute(&command));
                self.file = outer;
                self.line = place.line;
                flow
            }
            Err(malformed) => {
                let place = Place::new(path, malformed.line);
                self.note(&place, Weight::Unclear, path, format!("it can't be read: {}", malformed.message));
                self.status = None;
                Flow::On
            }
        }
    }

    fn eval(&mut self, rest: &[Value]) -> Flow {
        // Only said: `eval log_end_msg 1 "$(...)"`.
        if rest.first().and_then(Value::known).is_some_and(|name| name.starts_with("log_")) {
            self.status = Some(true);
            return Flow::On;
        }
        let mut text = Value::default();
        for (at, word) in rest.iter().enumerate() {
            if at > 0 {
                text.push_text(" ");
            }
            text.push(word);
        }
        let place = self.place();
        let parsed = text.known().and_then(|text| super::parse::parse(text).ok());
        match parsed.filter(|_| self.nesting < NESTING_MAX) {
            Some(command) => {
                self.nesting += 1;
                let flow = self.execute(&command);
                self.nesting -= 1;
                self.line = place.line;
                flow
            }
            None => {
                self.note(
                    &place,
                    Weight::Unclear,
                    &format!("eval {}", text.shown()),
                    "what it evaluates isn't known",
                );
                self.status = None;
                Flow::On
            }
        }
    }

    fn declare(&mut self, how: &str, rest: &[Value]) {
        for word in rest {
            let shown = word.shown();
            let name = shown.split('=').next().unwrap_or_default().to_owned();
            if name.starts_with('-') || name.is_empty() {
                continue;
            }
            if shown.contains('=') {
                let value = after_equals(word);
                self.set(&name, value);
            } else if how == "local" {
                self.state.variables.insert(name.clone(), Variable::default());
            }
            if how == "export" {
                self.state.variables.entry(name).or_default().exported = true;
            }
        }
    }

    /// `set -- a b`; options change nothing of what is called.
    fn set_parameters(&mut self, rest: &[Value]) {
        if let Some(at) = rest.iter().position(|word| word.known() == Some("--")) {
            self.state.parameters = rest.get(at + 1..).unwrap_or_default().to_vec();
        } else if rest.first().is_some_and(|word| !word.shown().starts_with(['-', '+'])) {
            self.state.parameters = rest.to_vec();
        } else if rest.iter().any(|word| word.known() == Some("-a")) {
            let place = self.place();
            self.note(&place, Weight::Needless, "set -a", "which variables it exports isn't followed");
        }
    }

    /// `ulimit -n 1024`
    fn limit(&mut self, rest: &[Value]) {
        let mut letter = "f".to_owned();
        for word in rest {
            match word.known() {
                Some(option) if option.starts_with('-') && option.len() > 1 => {
                    option.trim_start_matches('-').clone_into(&mut letter);
                }
                _ => {
                    self.state.limits.insert(letter.clone(), word.clone());
                }
            }
        }
    }

    /// With words it ends the shell; without it only redirects.
    fn exec(&mut self, rest: &[Value], streams: &[Stream]) -> Flow {
        let words: Vec<Value> = rest
            .iter()
            .skip_while(|word| matches!(word.known(), Some("-c" | "-l" | "--")))
            .cloned()
            .collect();
        if words.is_empty() {
            self.state.streams.extend_from_slice(streams);
            self.status = Some(true);
            return Flow::On;
        }
        self.call(words, true, streams, &[]);
        // Nothing behind it is reached.
        if self.unsure == 0 && self.ended.is_none() {
            self.ended = Some(self.place());
        }
        Flow::Exit
    }

    fn command(&mut self, rest: &[Value], streams: &[Stream]) -> Flow {
        match rest.split_first() {
            Some((option, names)) if matches!(option.known(), Some("-v" | "-V")) => {
                let name = names.first().and_then(Value::known).map(str::to_owned);
                let function = name.as_ref().is_some_and(|name| self.state.functions.contains_key(name));
                self.status =
                    if function { Some(true) } else { self.printer("which", names).or(Some(false)) };
                Flow::On
            }
            Some(_) => {
                let functions = std::mem::take(&mut self.state.functions);
                let flow = self.invoke(rest, &[], streams);
                self.state.functions.extend(functions);
                flow
            }
            None => Flow::On,
        }
    }

    /// Programs whose output can be told.
    fn printer(&mut self, name: &str, rest: &[Value]) -> Option<bool> {
        let texts: Option<Vec<&str>> = rest.iter().map(Value::known).collect();
        let printed = match (name, texts.as_deref()) {
            ("echo", _) => {
                let words: Vec<&Value> =
                    rest.iter().skip_while(|word| matches!(word.known(), Some("-n" | "-e"))).collect();
                Some(spaced(&words))
            }
            ("printf", _) => match rest {
                [format, value] if matches!(format.known(), Some("%s" | "%s\\n")) => Some(value.clone()),
                [only] if only.known().is_some_and(|text| !text.contains(['%', '\\'])) => Some(only.clone()),
                _ => None,
            },
            ("basename", Some([path])) => Some(Value::text(base(path.trim_end_matches('/')))),
            ("basename", Some([path, suffix])) => {
                let name = base(path.trim_end_matches('/'));
                Some(Value::text(name.strip_suffix(suffix).filter(|rest| !rest.is_empty()).unwrap_or(name)))
            }
            ("dirname", Some([path])) => Some(Value::text(parent(path.trim_end_matches('/')))),
            ("which", Some([program])) => {
                let path = self.variable("PATH").and_then(Value::known).unwrap_or(self.request.search_path());
                let found = if program.contains('/') {
                    self.files.look(program).is_program().then(|| (*program).to_owned())
                } else {
                    search(self.files, path, program)
                };
                match found {
                    Some(path) => Some(Value::text(path)),
                    // It isn't here; it may be where the documents are for.
                    None => {
                        self.print_doubt("`which`");
                        return None;
                    }
                }
            }
            _ => None,
        };
        match printed {
            Some(value) => {
                self.print(&value);
                Some(true)
            }
            None => {
                self.print_doubt(&format!("`{name}`"));
                None
            }
        }
    }
}

fn spaced(words: &[&Value]) -> Value {
    let mut value = Value::default();
    for (at, word) in words.iter().enumerate() {
        if at > 0 {
            value.push_text(" ");
        }
        value.push(word);
    }
    value
}

/// What stands behind the first `=`.
fn after_equals(word: &Value) -> Value {
    let mut value = Value::default();
    let mut open = false;
    for piece in word.pieces() {
        match piece {
            super::value::Piece::Text(text) if !open => {
                if let Some((_, rest)) = text.split_once('=') {
                    open = true;
                    value.push_text(rest);
                }
            }
            piece if open => value.push_piece(piece),
            _ => {}
        }
    }
    value
}
