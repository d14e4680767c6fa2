//! `%(program_name)s`, `%(process_num)02d`, `%(ENV_HOME)s`: Python's formatting of strings.

use crate::import::Request;

/// What stands for a name.
pub(super) struct Names<'n> {
    pub(super) program: &'n str,
    pub(super) number: u32,
    /// Put in for the number where it stands plainly, in place of it.
    pub(super) placeholder: Option<&'n str>,
    pub(super) here: &'n str,
    pub(super) count: u32,
    pub(super) request: &'n Request,
}

/// Puts values in.
///
/// # Errors
/// The expression whose value isn't known, as it is written.
pub(super) fn expand(
    text: &str,
    names: &Names<'_>,
    escape: impl Fn(&str) -> String,
) -> Result<String, String> {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('%') {
        out.push_str(&escape(before));
        if let Some(more) = behind.strip_prefix('%') {
            out.push('%');
            rest = more;
            continue;
        }
        let Some((name, tail)) = behind.strip_prefix('(').and_then(|inner| inner.split_once(')')) else {
            return Err(format!("%{}", behind.chars().take(8).collect::<String>()));
        };
        let end = tail.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (format, more) = tail.split_at_checked(end).unwrap_or((tail, ""));
        let letter = more.chars().next().unwrap_or('s');
        rest = more.get(letter.len_utf8()..).unwrap_or_default();
        let written = format!("%({name}){format}{letter}");
        out.push_str(&value(name, format, names, &escape).ok_or(written)?);
    }
    out.push_str(&escape(rest));
    Ok(out)
}

fn value(name: &str, format: &str, names: &Names<'_>, escape: &dyn Fn(&str) -> String) -> Option<String> {
    let text = match name {
        "program_name" | "group_name" => escape(names.program),
        "here" => escape(names.here),
        "numprocs" => names.count.to_string(),
        "process_num" => match (names.placeholder, format.is_empty()) {
            (Some(placeholder), true) => placeholder.to_owned(),
            _ => names.number.to_string(),
        },
        _ => escape(names.request.value(name.strip_prefix("ENV_")?)?),
    };
    let width = format.trim_start_matches('0').parse::<usize>().unwrap_or(0);
    if format.starts_with('0') {
        return Some(format!("{text:0>width$}"));
    }
    Some(format!("{text:>width$}"))
}

/// Whether the number stands in a text in a form that `${index}` hasn't.
pub(super) fn has_formatted_number(text: &str) -> bool {
    text.split("%(process_num)").skip(1).any(|tail| !tail.starts_with(['d', 's']))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn names_are_put_in() {
        let request = Request { set: vec![("HOME".to_owned(), "/home/ann".to_owned())] };
        let names =
            Names { program: "web", number: 3, placeholder: None, here: "/etc", count: 4, request: &request };
        for (text, expected) in [
            ("/a %(program_name)s", Ok("/a web")),
            ("%(process_num)02d", Ok("03")),
            ("%(process_num)d of %(numprocs)d", Ok("3 of 4")),
            ("%(here)s/x 100%%", Ok("/etc/x 100%")),
            ("%(ENV_HOME)s", Ok("/home/ann")),
            ("%(ENV_NONE)s", Err("%(ENV_NONE)s")),
            ("50% off", Err("% off")),
        ] {
            let got = expand(text, &names, str::to_owned);
            assert_eq!(got.as_deref().map_err(String::as_str), expected, "{text}");
        }
        let indexed = Names { placeholder: Some("${index}"), ..names };
        assert_eq!(expand("p%(process_num)d", &indexed, str::to_owned).as_deref(), Ok("p${index}"));
        assert!(has_formatted_number("%(process_num)02d") && !has_formatted_number("%(process_num)d"));
    }
}
