//! Types by name.

use crate::diagnostic::did_you_mean;
use crate::lang::value::Type;
use crate::plugin::limits::TYPE_DEPTH_MAX;
use crate::plugin::own::Own;

/// The plain types that stand for themselves.
const SCALARS: [Type; 10] = [
    Type::Bool,
    Type::Int,
    Type::String,
    Type::Path,
    Type::Size,
    Type::Duration,
    Type::Time,
    Type::Ratio,
    Type::Ip,
    Type::Cidr,
];

/// What other languages call them.
const FOREIGN: [(&str, &str); 13] = [
    ("boolean", "bool"),
    ("integer", "int"),
    ("number", "int"),
    ("i32", "int"),
    ("i64", "int"),
    ("u64", "int"),
    ("long", "int"),
    ("str", "string"),
    ("text", "string"),
    ("bytes", "size"),
    ("timestamp", "time"),
    ("ratio", "percentage"),
    ("array", "list<string>"),
];

/// Whether a plugin can be given a value of the type.
pub(in crate::plugin) fn is_plain(ty: &Type) -> bool {
    match ty {
        Type::Map(of) => is_value(of),
        other => is_value(other),
    }
}

/// The same without maps, which are no values of their own in the language.
fn is_value(ty: &Type) -> bool {
    match ty {
        Type::List(of) => is_value(of),
        Type::Enum(_) => true,
        scalar => SCALARS.contains(scalar),
    }
}

/// A type of a plugin by its name in messages and in the reference. `Err` says what to write.
pub(super) fn parse(text: &str, plugin: &str, own: &Own) -> Result<Type, String> {
    let (ty, depth) = nested(text, 0, &|name| own.find(plugin, name), own)?;
    if depth > TYPE_DEPTH_MAX {
        return Err(format!("nest at most {TYPE_DEPTH_MAX} lists"));
    }
    Ok(ty)
}

/// A type of the language that stands for itself.
pub(super) fn scalar(text: &str) -> Option<Type> {
    SCALARS.iter().find(|ty| ty.to_string() == text).cloned()
}

/// Whether a word is, or nearly is, a type of the language, so that no plugin has one of this name.
pub(super) fn is_taken(word: &str) -> bool {
    scalar(word).is_some()
        || matches!(word, "list" | "map")
        || FOREIGN.iter().any(|(theirs, _)| *theirs == word)
}

fn nested(
    text: &str,
    depth: usize,
    find: &dyn Fn(&str) -> Option<Type>,
    own: &Own,
) -> Result<(Type, usize), String> {
    let text = text.trim();
    if depth > TYPE_DEPTH_MAX {
        return Err(format!("nest at most {TYPE_DEPTH_MAX} lists"));
    }
    let inside = |head: &str| text.strip_prefix(head)?.trim_start().strip_prefix('<')?.strip_suffix('>');
    if let Some(of) = inside("list") {
        let (of, depth) = nested(of, depth + 1, find, own)?;
        return Ok((Type::list(of), depth));
    }
    if let Some(of) = inside("map") {
        if depth > 0 {
            return Err("only a field as a whole is a map".to_owned());
        }
        let (of, depth) = nested(of, depth + 1, find, own)?;
        return Ok((Type::map(of), depth));
    }
    if let Some(found) = scalar(text).or_else(|| find(text)) {
        return Ok((found, depth));
    }
    let mut names: Vec<String> = SCALARS.iter().map(Type::to_string).collect();
    names.extend(own.names().map(str::to_owned));
    if let Some((_, ours)) = FOREIGN.iter().find(|(theirs, _)| text.eq_ignore_ascii_case(theirs)) {
        return Err(format!("write `{ours}`"));
    }
    if matches!(text, "list" | "map") {
        return Err(format!("write `{text}<string>`"));
    }
    Err(match did_you_mean(text, names.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("types: {}, list<...>, map<...>", names.join(", ")),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn parse(text: &str) -> Result<Type, String> {
        super::parse(text, "t", &Own::default())
    }

    #[test]
    fn a_type_is_named_as_it_is_shown() {
        for name in ["bool", "percentage", "list<string>", "map<list<ip>>", "list<list<list<list<int>>>>"] {
            assert_eq!(parse(name).unwrap().to_string(), name);
        }
        assert_eq!(parse(" list< int > ").unwrap().to_string(), "list<int>");
    }

    #[test]
    fn what_is_no_type_gets_one_to_write() {
        let rows = [
            ("strin", "did you mean `string`?"),
            ("boolean", "write `bool`"),
            ("list", "write `list<string>`"),
            ("map<map<int>>", "only a field as a whole is a map"),
            ("list<map<int>>", "only a field as a whole is a map"),
            ("list<list<list<list<list<int>>>>>", "nest at most 4 lists"),
            (
                "file",
                "types: bool, int, string, path, size, duration, time, percentage, ip, cidr, list<...>, map<...>",
            ),
        ];
        for (text, help) in rows {
            assert_eq!(parse(text).unwrap_err(), help, "{text}");
        }
        assert!(parse(&"list<".repeat(10_000)).is_err());
        assert!(parse(&format!("{}int{}", "list<".repeat(10_000), ">".repeat(10_000))).is_err());
    }
}
