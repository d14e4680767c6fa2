//! Which names in a directory are documents, and which are what editors and tools leave lying about.

/// Why a directory in a place is passed over.
pub const DIRECTORY: &str = "a directory, which only `--recursive` enters";

/// Endings of temporary files, backups and leftovers of package tools, after a name that may look like a document.
const ENDINGS: [(&[u8], &str); 9] = [
    (b"~", "a backup"),
    (b".bak", "a backup"),
    (b".orig", "a backup"),
    (b".rej", "a patch that didn't apply"),
    (b".swp", "an editor's own"),
    (b".swx", "an editor's own"),
    (b".tmp", "a temporary file"),
    (b".rpmnew", "left by a package tool"),
    (b".rpmsave", "left by a package tool"),
];

/// A name that ends in `.yaml` or `.yml` and isn't hidden, a lock, a backup or a temporary file.
pub fn is_document(name: &[u8]) -> bool {
    why_ignored(name).is_none()
}

/// Why a name isn't taken for a document; nothing if it is one.
pub fn why_ignored(name: &[u8]) -> Option<&'static str> {
    match name {
        [b'.', b'#', ..] => return Some("an editor's lock"),
        [b'#', ..] | b"4913" => return Some("an editor's own"),
        [b'.', ..] => return Some("hidden"),
        _ => {}
    }
    if let Some((_, why)) = ENDINGS.iter().find(|(ending, _)| name.ends_with(ending)) {
        return Some(why);
    }
    if name.windows(6).any(|part| part == b".dpkg-") {
        return Some("left by a package tool");
    }
    let yaml = name.ends_with(b".yaml") || name.ends_with(b".yml");
    (!yaml).then_some("its name doesn't end in `.yaml` or `.yml`")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_documents_are_documents() {
        for name in ["a.yaml", "a.yml", "a b.yaml", "a.b.yaml", "4913.yaml", "A.yaml", "a.tmp.yaml"] {
            assert!(is_document(name.as_bytes()), "{name}");
        }
        for (name, why) in [
            ("4913", "editor"),
            (".a.yaml", "hidden"),
            (".a.yaml.swp", "hidden"),
            (".#a.yaml", "lock"),
            ("#a.yaml#", "editor"),
            ("a.yaml~", "backup"),
            ("a.yaml.bak", "backup"),
            ("a.yaml.orig", "backup"),
            ("a.yaml.rej", "patch"),
            ("a.yaml.swx", "editor"),
            ("a.yaml.tmp", "temporary"),
            ("a.yaml.dpkg-new", "package"),
            ("a.yaml.dpkg-old", "package"),
            ("a.yaml.dpkg-dist", "package"),
            ("a.yaml.rpmsave", "package"),
            ("a.yaml.rpmnew", "package"),
            (".a.yaml.X3kq9z", "hidden"),
            ("..data", "hidden"),
            ("a.json", "`.yaml`"),
            ("a.YAML", "`.yaml`"),
            ("yaml", "`.yaml`"),
        ] {
            assert!(why_ignored(name.as_bytes()).is_some_and(|found| found.contains(why)), "{name}");
        }
    }
}
