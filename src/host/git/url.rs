//! Which repositories are followed: those whose way is protected, or whose commits are.

use crate::spec::engine::GitSource;

/// The one protocol that git may use for a repository.
///
/// # Errors
/// What is wrong with what is wanted, with the mend behind `help: ` on a line of its own.
pub fn judge(source: &GitSource) -> Result<String, String> {
    if source.require_signed && source.allowed_signers.is_none() {
        return Err(
            "signed commits are required, and nothing says whose\nhelp: add `--allowed-signers FILE`".into(),
        );
    }
    if let Some(branch) = &source.branch
        && !is_branch(branch)
    {
        return Err(format!("`{branch}` can't be the name of a branch"));
    }
    if let Some(path) = &source.path
        && !path.split('/').all(|part| !part.is_empty() && part != "." && part != ".." && part != ".git")
    {
        return Err(format!("`{path}` is no directory in a tree\nhelp: write it like `hosts/web`"));
    }
    let url = source.url.as_str();
    let protocol = protocol(url)?;
    if matches!(protocol, "http" | "git") && !source.require_signed {
        return Err(format!(
            "what comes by `{protocol}` can be changed on its way\nhelp: take `https` or `ssh`, or require signed commits"
        ));
    }
    Ok(protocol.to_owned())
}

fn protocol(url: &str) -> Result<&str, String> {
    const KNOWN: [&str; 5] = ["https", "ssh", "file", "http", "git"];
    if url.is_empty() || url.starts_with('-') || url.chars().any(char::is_control) {
        return Err("this is no address of a repository".into());
    }
    if url.starts_with('/') {
        return Ok("file");
    }
    if let Some((scheme, rest)) = url.split_once("://") {
        let Some(scheme) = KNOWN.into_iter().find(|known| *known == scheme) else {
            return Err(format!(
                "`{scheme}` is no protocol that is used\nhelp: take `https`, `ssh` or `file`"
            ));
        };
        let authority = rest.split('/').next().unwrap_or_default();
        let user = authority.rsplit_once('@').map_or("", |(user, _)| user);
        if user.contains(':') {
            let text = "a password in an address is shown to everybody who lists processes\nhelp: put it into `.netrc`";
            return Err(text.into());
        }
        return Ok(scheme);
    }
    // `user@host:path`, the short form of ssh; `helper::address` would start a program.
    let short = url.split_once(':').filter(|(host, path)| {
        !host.is_empty() && !host.contains('/') && !host.starts_with('-') && !path.starts_with(':')
    });
    if short.is_some() {
        return Ok("ssh");
    }
    Err(format!(
        "`{url}` is no address of a repository\nhelp: write for example `https://git.example/specs.git`"
    ))
}

/// As git-check-ref-format(1) has it, and nothing that is an option.
fn is_branch(name: &str) -> bool {
    let bad = |c: char| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c);
    let part = |part: &str| {
        !part.is_empty()
            && !part.starts_with('.')
            && std::path::Path::new(part).extension().is_none_or(|end| end != "lock")
    };
    !name.starts_with('-')
        && !name.ends_with('.')
        && !name.contains("..")
        && !name.contains("@{")
        && !name.chars().any(bad)
        && name.split('/').all(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_protocol_or_is_refused() {
        let rows: [(&str, Result<&str, &str>); 15] = [
            ("https://git.example/specs.git", Ok("https")),
            ("https://ann@git.example/specs.git", Ok("https")),
            ("ssh://git@git.example:22/specs.git", Ok("ssh")),
            ("git@git.example:specs.git", Ok("ssh")),
            ("/srv/specs.git", Ok("file")),
            ("file:///srv/specs.git", Ok("file")),
            ("https://ann:secret@git.example/specs.git", Err("password")),
            ("http://git.example/specs.git", Err("changed on its way")),
            ("git://git.example/specs.git", Err("changed on its way")),
            ("ext::sh -c id", Err("no address")),
            ("ftp://git.example/specs.git", Err("no protocol")),
            ("-upload-pack=id", Err("no address")),
            ("-host:specs", Err("no address")),
            ("specs.git", Err("no address")),
            ("", Err("no address")),
        ];
        for (url, wanted) in rows {
            let judged = judge(&GitSource::new(url.into()));
            match wanted {
                Ok(protocol) => assert_eq!(judged.as_deref(), Ok(protocol), "{url}"),
                Err(part) => {
                    assert!(judged.clone().is_err_and(|text| text.contains(part)), "{url}: {judged:?}");
                }
            }
        }
        let signed = GitSource {
            require_signed: true,
            allowed_signers: Some("/etc/signers".into()),
            ..GitSource::new("git://git.example/specs.git".into())
        };
        assert_eq!(judge(&signed).as_deref(), Ok("git"));
        assert!(judge(&GitSource { allowed_signers: None, ..signed }).is_err());
    }

    #[test]
    fn branches_and_paths_stay_what_they_are() {
        for (branch, good) in [
            ("main", true),
            ("team/a-b", true),
            ("-f", false),
            ("a..b", false),
            ("a:b", false),
            ("x.lock", false),
        ] {
            assert_eq!(is_branch(branch), good, "{branch}");
        }
        for (path, good) in [("a/b", true), ("../a", false), ("/a", false), ("a//b", false), (".git", false)]
        {
            let source = GitSource { path: Some(path.into()), ..GitSource::new("/srv/x".into()) };
            assert_eq!(judge(&source).is_ok(), good, "{path}");
        }
    }
}
