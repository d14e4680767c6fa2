//! `%i` and its like (`systemd.unit(5)`), as the manager of the system puts them in.

/// Puts in what is known.
///
/// # Errors
/// The specifier whose value isn't known.
pub(super) fn expand(text: &str, unit: &str) -> Result<String, String> {
    let (prefix, instance) = parts(unit);
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('%') => out.push('%'),
            Some('n') => out.push_str(unit),
            Some('N') => out.push_str(unit.rsplit_once('.').map_or(unit, |(stem, _)| stem)),
            Some('p') => out.push_str(prefix),
            Some('P') => out.push_str(&unescape(prefix)),
            Some('i') => out.push_str(instance),
            Some('I') => out.push_str(&unescape(instance)),
            Some('j') => out.push_str(prefix.rsplit('-').next().unwrap_or(prefix)),
            Some('J') => out.push_str(&unescape(prefix.rsplit('-').next().unwrap_or(prefix))),
            Some('f') => {
                let name = unescape(if instance.is_empty() { prefix } else { instance });
                out.push_str(&if name.starts_with('/') { name } else { format!("/{name}") });
            }
            Some('t') => out.push_str("/run"),
            Some('S') => out.push_str("/var/lib"),
            Some('C') => out.push_str("/var/cache"),
            Some('L') => out.push_str("/var/log"),
            Some('E') => out.push_str("/etc"),
            Some('T') => out.push_str("/tmp"),
            Some('V') => out.push_str("/var/tmp"),
            Some('u' | 'g') => out.push_str("root"),
            Some('U' | 'G') => out.push('0'),
            Some('h') => out.push_str("/root"),
            Some(other) => return Err(format!("%{other}")),
            None => out.push('%'),
        }
    }
    Ok(out)
}

/// What stands before and behind the `@`.
fn parts(unit: &str) -> (&str, &str) {
    let stem = unit.rsplit_once('.').map_or(unit, |(stem, _)| stem);
    stem.split_once('@').unwrap_or((stem, ""))
}

/// `-` is a slash, `\x2d` a byte.
fn unescape(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((first, more)) = rest.split_first() {
        rest = more;
        match first {
            b'-' => bytes.push(b'/'),
            b'\\' if more.first() == Some(&b'x') => {
                let code = more.get(1..3).and_then(|hex| std::str::from_utf8(hex).ok());
                match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                    Some(byte) => {
                        bytes.push(byte);
                        rest = more.get(3..).unwrap_or_default();
                    }
                    None => bytes.push(b'\\'),
                }
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A template without an instance.
pub(super) fn is_template(unit: &str) -> bool {
    unit.contains("@.")
}

/// The template of an instance: `getty@tty1.service` is of `getty@.service`.
pub(super) fn template_of(unit: &str) -> Option<String> {
    let (stem, kind) = unit.rsplit_once('.')?;
    let (prefix, instance) = stem.split_once('@')?;
    (!instance.is_empty()).then(|| format!("{prefix}@.{kind}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    #[test]
    fn specifiers_are_put_in() {
        let unit = r"web-front@srv-shop\x2done.service";
        for (text, expected) in [
            ("%n", unit),
            ("%N", r"web-front@srv-shop\x2done"),
            ("%p %j", "web-front front"),
            ("%i", r"srv-shop\x2done"),
            ("%I", "srv/shop-one"),
            ("%f", "/srv/shop-one"),
            ("%t/x %S %L %E", "/run/x /var/lib /var/log /etc"),
            ("100%% %", "100% %"),
        ] {
            assert_eq!(expand(text, unit).as_deref(), Ok(expected), "{text}");
        }
        assert_eq!(expand("a%Hb", unit), Err("%H".to_owned()));
        assert_eq!(template_of("getty@tty1.service").as_deref(), Some("getty@.service"));
        assert_eq!(template_of("cron.service"), None);
        assert!(is_template("getty@.service"));
    }
}
