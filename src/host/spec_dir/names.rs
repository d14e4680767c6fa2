//! Which names in a directory are documents, and which are what editors and tools leave lying about.

/// Endings of temporary files, backups and leftovers of package tools, after a name that may look like a document.
const ENDINGS: [&[u8]; 12] = [
    b"~",
    b".swp",
    b".swx",
    b".tmp",
    b".bak",
    b".orig",
    b".rej",
    b".rpmnew",
    b".rpmsave",
    b".dpkg-new",
    b".dpkg-old",
    b".dpkg-dist",
];

/// A name that ends in `.yaml` or `.yml` and isn't hidden, a lock, a backup or a temporary file.
pub fn is_document(name: &[u8]) -> bool {
    let yaml = name.ends_with(b".yaml") || name.ends_with(b".yml");
    let hidden = name.starts_with(b".") || name.starts_with(b"#");
    let leftover = ENDINGS.iter().any(|ending| name.ends_with(ending));
    yaml && !hidden && !leftover
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_documents_are_documents() {
        for name in ["a.yaml", "a.yml", "a b.yaml", "a.b.yaml", "4913.yaml"] {
            assert!(is_document(name.as_bytes()), "{name}");
        }
        for name in [
            "4913",
            ".a.yaml",
            ".a.yaml.swp",
            ".#a.yaml",
            "#a.yaml#",
            "a.yaml~",
            "a.yaml.bak",
            "a.yaml.dpkg-new",
            "a.yaml.rpmsave",
            ".a.yaml.X3kq9z",
            "..data",
            "a.json",
            "yaml",
        ] {
            assert!(!is_document(name.as_bytes()), "{name}");
        }
    }
}
