//! JSON to a manifest. Everything that is wrong is said, each with the entry that it is about.

use std::collections::BTreeSet;

use super::json::Json;
use super::{Entry, Field, Function, Manifest, Param, examples, fix, hides, literal, types};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::lang::Schema;
use crate::lang::schema::{Cost, Privilege, Trust};
use crate::lang::value::Type;
use crate::plugin::answer::is_unfit;
use crate::plugin::codes;
use crate::plugin::input::{Input, NoInput, stricter, weaker};
use crate::plugin::limits::{ENTRIES_MAX, MANIFEST_MAX, PARTS_MAX, TEXT_MAX};
use crate::plugin::own::Own;

/// The keys of a manifest.
const KEYS: [&str; 9] =
    ["name", "version", "summary", "enums", "types", "fields", "functions", "foreign", "files"];
/// The dearest class of cost.
pub(super) const COST_MAX: Cost = 6;

/// Reads and checks a manifest. `name` is what the document calls the plugin, `builtin` the schema of the built-in names.
/// The errors name the entry and the mend; they have no places, since a manifest has no text that a person wrote.
pub fn read(name: &str, bytes: &[u8], builtin: &Schema) -> Result<Manifest, Vec<Diagnostic>> {
    let json = parse(bytes)?;
    let mut reader = Reader { builtin, own: Own::default(), plugin: name.to_owned(), said: Vec::new() };
    let manifest = reader.manifest(name, &json);
    match manifest {
        Some(manifest) if reader.said.is_empty() => Ok(manifest),
        _ => Err(reader.said),
    }
}

fn parse(bytes: &[u8]) -> Result<Json, Vec<Diagnostic>> {
    let refuse =
        |message: String, help: String| vec![Diagnostic::error(codes::NOT_A_MANIFEST, message).help(help)];
    if bytes.len() > MANIFEST_MAX {
        let help = format!("a manifest has at most {} KiB: shorten texts and examples", MANIFEST_MAX >> 10);
        return Err(refuse(format!("the manifest has {} bytes", bytes.len()), help));
    }
    let text = std::str::from_utf8(bytes).map_err(|wrong| {
        let message = format!("the manifest is not UTF-8 from byte {} on", wrong.valid_up_to());
        refuse(message, "check pointer and length that `selfsame_manifest` returns".to_owned())
    })?;
    serde_json::from_str(text).map_err(|wrong| {
        let help = "`selfsame_manifest` returns pointer and length of a JSON text".to_owned();
        refuse(format!("the manifest is not JSON: {wrong}"), help)
    })
}

/// The state of a reading.
pub(super) struct Reader<'a> {
    pub(super) builtin: &'a Schema,
    /// The types of the plugin, once they were read.
    own: Own,
    plugin: String,
    said: Vec<Diagnostic>,
}

/// An object whose keys are all known.
#[derive(Clone, Copy)]
pub(super) struct Keys<'j> {
    entries: &'j [(String, Json)],
}

impl<'j> Keys<'j> {
    /// The value of a key, if there is one.
    pub(super) fn get(self, key: &str) -> Option<&'j Json> {
        self.entries.iter().find(|(known, _)| known == key).map(|(_, value)| value)
    }
}

impl Reader<'_> {
    /// Whether nothing is wrong so far.
    pub(super) fn is_fine(&self) -> bool {
        self.said.is_empty()
    }

    /// What literals are read by.
    pub(super) fn names(&self) -> literal::Names<'_> {
        literal::Names { builtin: self.builtin, own: &self.own }
    }

    /// An object of texts by texts that need not be there.
    pub(super) fn texts<'j>(
        &mut self,
        keys: Keys<'j>,
        place: &str,
        key: &str,
        most: usize,
    ) -> Vec<(&'j str, &'j str)> {
        let entries = match keys.get(key) {
            None | Some(Json::Null) => return Vec::new(),
            Some(Json::Object(entries)) if entries.len() <= most => entries,
            Some(_) => {
                let message = format!("`{key}` of {place} is no object of at most {most} texts");
                self.say(codes::VALUE, message, format!("write `\"{key}\": {{\"theirs\": \"ours\"}}`"));
                return Vec::new();
            }
        };
        let mut texts = Vec::new();
        for (theirs, ours) in entries {
            let ours = if let Json::Text(ours) = ours { ours.as_str() } else { "" };
            let fits = |text: &str| !text.is_empty() && text.len() <= TEXT_MAX && !text.chars().any(is_unfit);
            if fits(theirs) && fits(ours) {
                texts.push((theirs.as_str(), ours));
            } else {
                let message =
                    format!("`{}` in `{key}` of {place} is no text of one line", theirs.escape_debug());
                self.say(codes::VALUE, message, "write a name, and behind it what to write instead");
            }
        }
        texts
    }

    pub(super) fn say(&mut self, code: Code, message: String, help: impl Into<String>) {
        self.said.push(Diagnostic::error(code, message).help(help));
    }

    /// An object with no other keys than these.
    pub(super) fn object<'j>(&mut self, json: &'j Json, place: &str, known: &[&str]) -> Option<Keys<'j>> {
        let Json::Object(entries) = json else {
            let help = format!("write an object with the keys {}", known.join(", "));
            self.say(codes::VALUE, format!("{place} is {}, not an object", json.words()), help);
            return None;
        };
        for (key, _) in entries.iter().filter(|(key, _)| !known.contains(&key.as_str())) {
            let help = match did_you_mean(key, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("keys: {}", known.join(", ")),
            };
            self.say(
                codes::UNKNOWN_KEY,
                format!("{place} has an unknown key `{}`", key.escape_debug()),
                help,
            );
        }
        Some(Keys { entries })
    }

    /// The items of a list that need not be there.
    pub(super) fn list<'j>(&mut self, keys: Keys<'j>, place: &str, key: &str, most: usize) -> &'j [Json] {
        match keys.get(key) {
            None | Some(Json::Null) => &[],
            Some(Json::List(items)) if items.len() <= most => items,
            Some(Json::List(items)) => {
                let message = format!("`{key}` of {place} has {} items", items.len());
                self.say(codes::VALUE, message, format!("write at most {most}"));
                &[]
            }
            Some(other) => {
                let message = format!("`{key}` of {place} is {}, not a list", other.words());
                self.say(codes::VALUE, message, format!("write `\"{key}\": [...]`"));
                &[]
            }
        }
    }

    /// A text of one line.
    pub(super) fn text<'j>(&mut self, keys: Keys<'j>, place: &str, key: &str) -> Option<&'j str> {
        let text = match keys.get(key)? {
            Json::Null => return None,
            Json::Text(text) => text,
            other => {
                let message = format!("`{key}` of {place} is {}, not a text", other.words());
                self.say(codes::VALUE, message, format!("write `\"{key}\": \"...\"`"));
                return None;
            }
        };
        if text.len() > TEXT_MAX || text.chars().any(is_unfit) {
            let message = format!("`{key}` of {place} is longer than {TEXT_MAX} bytes, or no single line");
            self.say(codes::VALUE, message, "shorten it to one line without control characters");
            return None;
        }
        Some(text)
    }

    /// The same, which must be there.
    pub(super) fn needed<'j>(&mut self, keys: Keys<'j>, place: &str, key: &str) -> Option<&'j str> {
        let before = self.said.len();
        let text = self.text(keys, place, key).filter(|text| !text.is_empty());
        if text.is_none() && self.said.len() == before {
            let help = format!("write `\"{key}\": \"...\"`");
            self.say(codes::VALUE, format!("{place} has no `{key}`"), help);
        }
        text
    }

    fn flag(&mut self, keys: Keys<'_>, place: &str, key: &str) -> bool {
        match keys.get(key) {
            None | Some(Json::Null) => false,
            Some(Json::Bool(value)) => *value,
            Some(other) => {
                let message = format!("`{key}` of {place} is {}, not a boolean", other.words());
                self.say(codes::VALUE, message, format!("write `\"{key}\": true`"));
                false
            }
        }
    }

    fn manifest(&mut self, name: &str, json: &Json) -> Option<Manifest> {
        let place = "the manifest";
        let keys = self.object(json, place, &KEYS)?;
        let own = self.needed(keys, place, "name");
        if let Some(own) = own.filter(|own| *own != name) {
            let message = format!("the plugin calls itself `{own}`, the document calls it `{name}`");
            self.say(
                codes::NAME,
                message,
                format!("write `name: {own}` in the document, or mend the manifest"),
            );
        }
        if let Some(help) = fix(name) {
            self.say(codes::NAME, format!("`{name}` can't be the name of a plugin"), help);
        } else if let Some(why) = hides(name, self.builtin) {
            let message = format!("a plugin can't be called `{name}`: {why}");
            self.say(codes::TAKEN, message, "give the plugin another name");
        }
        let version = self.needed(keys, place, "version");
        let summary = self.text(keys, place, "summary").unwrap_or_default();
        let fields = self.list(keys, place, "fields", ENTRIES_MAX);
        let functions = self.list(keys, place, "functions", ENTRIES_MAX - fields.len().min(ENTRIES_MAX));
        if fields.is_empty() && functions.is_empty() && self.said.is_empty() {
            let help = "declare one under `fields` or `functions`";
            self.say(codes::VALUE, "the manifest has no fields and no functions".to_owned(), help);
        }
        let before = self.said.len();
        let (own, operations) = super::own::read(self, keys, name);
        if self.said.len() > before {
            // Whatever uses its types would be wrong as well.
            return None;
        }
        self.own = own;
        let mut taken = BTreeSet::new();
        let fields: Vec<Option<Field>> =
            fields.iter().map(|json| self.field(name, json, &mut taken)).collect();
        let functions: Vec<Option<Function>> =
            functions.iter().map(|json| self.function(name, json, &mut taken)).collect();
        let foreign = self.foreign(name, keys, &taken);
        let files = self.files(keys, place);
        Some(Manifest {
            name: name.to_owned(),
            version: version?.to_owned(),
            summary: summary.to_owned(),
            fields: fields.into_iter().collect::<Option<_>>()?,
            functions: functions.into_iter().collect::<Option<_>>()?,
            own: std::mem::take(&mut self.own),
            operations,
            foreign,
            files,
        })
    }

    fn files(&mut self, keys: Keys<'_>, place: &str) -> Vec<String> {
        let mut files = Vec::new();
        for item in self.list(keys, place, "files", PARTS_MAX) {
            match item {
                Json::Text(pattern)
                    if pattern.len() <= TEXT_MAX && crate::plugin::files::is_pattern(pattern) =>
                {
                    files.push(pattern.clone());
                }
                other => {
                    let shown = if let Json::Text(text) = other { text.as_str() } else { other.words() };
                    let message = format!("`{}` under `files` is no pattern of files", shown.escape_debug());
                    self.say(codes::VALUE, message, "write an absolute path or a glob: `/etc/app/*.conf`");
                }
            }
        }
        files
    }

    /// The word of an entry, which no other one has.
    fn name(
        &mut self,
        kind: &str,
        plugin: &str,
        keys: Keys<'_>,
        taken: &mut BTreeSet<String>,
    ) -> Option<String> {
        let word = self.needed(keys, &format!("a {kind}"), "name")?;
        if let Some(help) = fix(word) {
            self.say(codes::NAME, format!("`{word}` can't be the name of a {kind}"), help);
            return None;
        }
        let whole = format!("{plugin}.{word}");
        if !taken.insert(word.to_owned()) {
            self.say(codes::TAKEN, format!("two entries are called `{whole}`"), "rename one of them");
            return None;
        }
        let Type::Named(candidate) = self.builtin.candidate() else { return None };
        if self.builtin.field(candidate, &whole).is_some() || self.builtin.function(&whole).is_some() {
            self.say(codes::TAKEN, format!("`{whole}` is a built-in name"), "rename the entry");
            return None;
        }
        Some(whole)
    }

    fn field(&mut self, plugin: &str, json: &Json, taken: &mut BTreeSet<String>) -> Option<Field> {
        const KEYS: [&str; 10] =
            ["name", "type", "min", "max", "export", "inputs", "cost", "trust", "summary", "examples"];
        let keys = self.object(json, "a field", &KEYS)?;
        let name = self.name("field", plugin, keys, taken)?;
        let place = format!("field `{name}`");
        let ty = self.ty(keys, &place, "type");
        let (mut entry, privilege, trust) = self.entry(name, keys, &place)?;
        let trust = self.trust(keys, &place, trust);
        let ty = ty?;
        let bounds = self.bounds(keys, &place, &ty);
        entry.examples = examples::read(self, keys, &place, &entry, &ty, &[]);
        Some(Field { entry, ty, privilege, trust, bounds })
    }

    fn function(&mut self, plugin: &str, json: &Json, taken: &mut BTreeSet<String>) -> Option<Function> {
        const KEYS: [&str; 10] =
            ["name", "params", "result", "export", "inputs", "pure", "cost", "trust", "summary", "examples"];
        let keys = self.object(json, "a function", &KEYS)?;
        let name = self.name("function", plugin, keys, taken)?;
        let place = format!("function `{name}`");
        let result = self.ty(keys, &place, "result");
        let params = self.params(keys, &place);
        let (mut entry, _, trust) = self.entry(name, keys, &place)?;
        let trust = self.trust(keys, &place, trust);
        let pure = self.flag(keys, &place, "pure");
        if pure && !entry.inputs.is_empty() {
            let message = format!("{place} claims to be pure, and has inputs");
            self.say(codes::CLAIM, message, "remove `pure`: what has inputs depends on the process");
        }
        let (result, params) = (result?, params?);
        if matches!(result, Type::Map(_)) {
            let message = format!("{place} returns a map");
            self.say(codes::UNKNOWN_TYPE, message, "make it a field, or add a parameter for the key");
        }
        entry.examples = examples::read(self, keys, &place, &entry, &result, &params);
        let trust = (!entry.inputs.is_empty() || trust == Trust::SelfReported).then_some(trust);
        Some(Function { entry, params, result, pure, trust })
    }

    /// What fields and functions have in common, without the examples; privilege and trust of the inputs.
    fn entry(&mut self, name: String, keys: Keys<'_>, place: &str) -> Option<(Entry, Privilege, Trust)> {
        let export = self.needed(keys, place, "export");
        let summary = self.text(keys, place, "summary").unwrap_or_default().to_owned();
        let inputs = self.inputs(keys, place);
        let class = inputs.iter().map(|input| input.cost).max().unwrap_or(0);
        let cost = class.saturating_add(self.cost(keys, place)).min(COST_MAX);
        let privilege = inputs.iter().fold(Privilege::World, |all, input| stricter(all, input.privilege));
        let trust = inputs.iter().fold(Trust::Kernel, |all, input| weaker(all, input.trust));
        let entry = Entry { name, export: export?.to_owned(), inputs, cost, summary, examples: Vec::new() };
        Some((entry, privilege, trust))
    }

    fn ty(&mut self, keys: Keys<'_>, place: &str, key: &str) -> Option<Type> {
        let text = self.needed(keys, place, key)?;
        match types::parse(text, &self.plugin, &self.own) {
            Ok(ty) => Some(ty),
            Err(help) => {
                let message = format!("`{key}` of {place} is `{text}`, which is no type of a plugin");
                self.say(codes::UNKNOWN_TYPE, message, help);
                None
            }
        }
    }

    fn params(&mut self, keys: Keys<'_>, place: &str) -> Option<Vec<Param>> {
        let mut params: Vec<Param> = Vec::new();
        for json in self.list(keys, place, "params", PARTS_MAX) {
            let inner =
                self.object(json, &format!("a parameter of {place}"), &["name", "type", "default"])?;
            let word = self.needed(inner, &format!("a parameter of {place}"), "name")?;
            let place = format!("parameter `{word}` of {place}");
            if let Some(help) = fix(word) {
                self.say(codes::NAME, format!("`{word}` can't be the name of a parameter"), help);
            }
            if params.iter().any(|param| param.name == word) {
                self.say(codes::TAKEN, format!("there are two of {place}"), "rename one of them");
            }
            let ty = self.ty(inner, &place, "type")?;
            if matches!(ty, Type::Map(_)) {
                self.say(
                    codes::UNKNOWN_TYPE,
                    format!("{place} is a map"),
                    "take a list, or the field as an input",
                );
                return None;
            }
            let default = match inner.get("default") {
                None | Some(Json::Null) => None,
                Some(_) if !is_of_language(&ty) => {
                    let message = format!("{place} has a default, and is of a type of the plugin");
                    self.say(
                        codes::VALUE,
                        message,
                        "remove `default`: the value would have to be converted first",
                    );
                    None
                }
                Some(json) => match literal::value(json, &ty, self.names()) {
                    Ok(value) => Some(value),
                    Err(help) => {
                        self.say(codes::VALUE, format!("`default` of {place} is no {ty}"), help);
                        None
                    }
                },
            };
            params.push(Param { name: word.to_owned(), ty, default });
        }
        Some(params)
    }

    fn inputs(&mut self, keys: Keys<'_>, place: &str) -> Vec<Input> {
        let mut inputs: Vec<Input> = Vec::new();
        for json in self.list(keys, place, "inputs", PARTS_MAX) {
            let Some((field, optional, lazy)) = self.input(json, place) else { continue };
            if inputs.iter().any(|input| input.field == field) {
                let message = format!("{place} has the input `{field}` twice");
                self.say(codes::TAKEN, message, "remove one of them");
                continue;
            }
            match Input::find(field, optional, lazy, self.builtin) {
                Ok(input) => inputs.push(input),
                Err(NoInput::Unknown(help)) => {
                    let field = field.escape_debug();
                    let message = format!("{place} has the input `{field}`, which is no field");
                    self.say(codes::UNKNOWN_INPUT, message, help);
                }
                Err(NoInput::Type(ty, help)) => {
                    let message = format!("{place} can't have the input `{field}`, which is of type {ty}");
                    self.say(codes::UNKNOWN_INPUT, message, help);
                }
            }
        }
        inputs
    }

    fn input<'j>(&mut self, json: &'j Json, place: &str) -> Option<(&'j str, bool, bool)> {
        if let Json::Text(field) = json {
            return Some((field, false, false));
        }
        let place = format!("an input of {place}");
        let keys = self.object(json, &place, &["field", "optional", "lazy"])?;
        let field = self.needed(keys, &place, "field")?;
        Some((field, self.flag(keys, &place, "optional"), self.flag(keys, &place, "lazy")))
    }
}

/// Whether a constant of the type needs no plugin.
fn is_of_language(ty: &Type) -> bool {
    match ty {
        Type::List(of) | Type::Map(of) => is_of_language(of),
        Type::Named(_) => false,
        _ => true,
    }
}
