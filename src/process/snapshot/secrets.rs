//! Words of command lines that look like secrets: `--password=x`, `--token x`, `https://user:x@host`, keys of well-known forms.
//!
//! A guess, and meant as one: what looks like nothing is kept, so a record of a host is still to be handled with care.

use std::borrow::Cow;

use crate::process::world::Bytes;

/// What stands in place of a secret.
pub(super) const REDACTED: &[u8] = b"<redacted>";

/// Parts of names whose values are secrets.
const NAMES: [&str; 13] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "apikey",
    "api-key",
    "api_key",
    "accesskey",
    "access-key",
    "access_key",
    "credential",
    "private-key",
];
/// Ends of names whose values say where a secret is, and are none.
const PLACES: [&str; 7] = ["file", "path", "dir", "url", "uri", "name", "id"];
/// Beginnings of keys that services give out.
const FORMS: [&str; 13] = [
    "AKIA",
    "ASIA",
    "ghp_",
    "gho_",
    "ghs_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "sk-",
    "sk_live_",
    "hvs.",
    "eyJ",
];
/// Shorter words are no keys.
const FORM_MIN: usize = 16;
/// Programs that take a password right behind `-p`.
const SHORT_OPTION: [&str; 8] =
    ["mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "mariadb-admin", "sshpass", "7z"];

/// The same words without what looks like a secret.
pub(super) fn redacted(words: &[Bytes]) -> Vec<Cow<'_, [u8]>> {
    let program = words.first().map(|program| name_of(program)).unwrap_or_default();
    let (short, next) = (SHORT_OPTION.iter().any(|known| known.as_bytes() == program), program == b"sshpass");
    let mut follows = false;
    let each = words.iter().map(|word| {
        let is_value = std::mem::replace(&mut follows, false) && !word.starts_with(b"-");
        if is_value {
            return Cow::Borrowed(REDACTED);
        }
        follows = announces(word) || (next && **word == *b"-p");
        if short && word.len() > 2 && word.starts_with(b"-p") {
            return Cow::Owned([b"-p", REDACTED].concat());
        }
        of_word(word)
    });
    each.collect()
}

fn name_of(program: &[u8]) -> &[u8] {
    program.rsplit(|byte| *byte == b'/').next().unwrap_or_default()
}

/// `--token`, whose value is the next word.
fn announces(word: &[u8]) -> bool {
    word.starts_with(b"-") && !word.contains(&b'=') && is_secret(word)
}

/// Whether a variable or an option of this name has a secret.
fn is_secret(name: &[u8]) -> bool {
    let name = String::from_utf8_lossy(name).to_ascii_lowercase();
    NAMES.iter().any(|known| name.contains(known)) && !PLACES.iter().any(|end| name.ends_with(end))
}

fn of_word(word: &[u8]) -> Cow<'_, [u8]> {
    if FORMS.iter().any(|form| word.starts_with(form.as_bytes()))
        && word.len() >= FORM_MIN
        && !word.contains(&b'/')
    {
        return Cow::Borrowed(REDACTED);
    }
    if let Some(end) = header_end(word) {
        return Cow::Owned([word.get(..end).unwrap_or_default(), b" ", REDACTED].concat());
    }
    if let Some(equals) = word.iter().position(|byte| *byte == b'=') {
        let (name, value) = word.split_at(equals.saturating_add(1));
        if !value.is_empty() && is_secret(name.strip_suffix(b"=").unwrap_or(name)) {
            return Cow::Owned([name, REDACTED].concat());
        }
    }
    without_password(word).map_or(Cow::Borrowed(word), Cow::Owned)
}

/// Where the name of a header ends that carries a secret: `Authorization: Bearer x`.
fn header_end(word: &[u8]) -> Option<usize> {
    let colon = word.iter().position(|byte| *byte == b':')?;
    let name = String::from_utf8_lossy(word.get(..colon)?).to_ascii_lowercase();
    let carries = name.ends_with("authorization") || name.ends_with("cookie") || name.ends_with("-token");
    (carries && word.len() > colon + 1).then_some(colon + 1)
}

/// `scheme://user:x@host` without its `x`.
fn without_password(word: &[u8]) -> Option<Vec<u8>> {
    let scheme = word.windows(3).position(|three| three == b"://")? + 3;
    let rest = word.get(scheme..)?;
    let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let authority = rest.get(..end)?;
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority.get(..at)?.iter().position(|byte| *byte == b':')?;
    let kept = word.get(..=scheme + colon)?;
    Some([kept, REDACTED, word.get(scheme + at..)?].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn line(words: &str, expected: &str) {
        let words: Vec<Bytes> = words.split(' ').map(|word| Bytes::from(word.as_bytes())).collect();
        let found = redacted(&words).join(&b' ');
        assert_eq!(String::from_utf8_lossy(&found), expected);
    }

    #[test]
    fn what_looks_like_a_secret_is_left_out() {
        line("app --password=hush -v", "app --password=<redacted> -v");
        line("app --token hush -v", "app --token <redacted> -v");
        line("java -Ddb.password=hush -jar a.jar", "java -Ddb.password=<redacted> -jar a.jar");
        line("env AWS_SECRET_ACCESS_KEY=hush app", "env AWS_SECRET_ACCESS_KEY=<redacted> app");
        line("curl https://ann:hush@host/a@b", "curl https://ann:<redacted>@host/a@b");
        line("psql postgres://ann:hush@db", "psql postgres://ann:<redacted>@db");
        line("tool ghp_0123456789abcdefghij", "tool <redacted>");
        line("sshpass -p hush ssh host", "sshpass -p <redacted> ssh host");
        line("/usr/bin/mysql -phush -u root", "/usr/bin/mysql -p<redacted> -u root");
    }

    #[test]
    fn what_is_none_stays() {
        for same in [
            "nginx -g daemon off;",
            "app --password-file=/etc/app/secret",
            "app --token -v",
            "ssh -p2222 host",
            "curl https://host/a:b@c",
            "app --secret-name web",
            "python3 /srv/tokens/run.py",
            "x user@host:dir",
        ] {
            line(same, same);
        }
    }

    #[test]
    fn a_header_keeps_its_name() {
        let words = [
            Bytes::from(&b"curl"[..]),
            Bytes::from(&b"-H"[..]),
            Bytes::from(&b"Authorization: Bearer hush"[..]),
        ];
        let found = redacted(&words);
        assert_eq!(found.last().map(AsRef::as_ref), Some(&b"Authorization: <redacted>"[..]));
    }
}
