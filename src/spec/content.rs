//! What a file holds: nearly always a text, which whoever shows it shares.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use sha2::{Digest as _, Sha256};

use super::file::hex;

/// The content of a file. It is read like bytes; a copy costs nothing.
#[derive(Clone, Debug)]
pub struct Content {
    /// INVARIANT: bytes that are a text are one.
    bytes: Result<Arc<str>, Arc<[u8]>>,
    /// Once somebody has asked: a copy need not find it out again.
    digest: OnceLock<Arc<str>>,
}

impl Content {
    fn of(bytes: Result<Arc<str>, Arc<[u8]>>) -> Self {
        Self { bytes, digest: OnceLock::new() }
    }

    /// The text, unless it isn't UTF-8.
    pub fn text(&self) -> Option<&Arc<str>> {
        self.bytes.as_ref().ok()
    }

    /// SHA-256 in hexadecimal.
    pub fn digest(&self) -> &Arc<str> {
        self.digest.get_or_init(|| hex(&Sha256::digest(&**self)).into())
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Content {}

impl From<Vec<u8>> for Content {
    fn from(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(error) => Self::of(Err(error.into_bytes().into())),
        }
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        Self::of(Ok(text.into()))
    }
}

impl From<Arc<str>> for Content {
    fn from(text: Arc<str>) -> Self {
        Self::of(Ok(text))
    }
}

impl Deref for Content {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Ok(text) => text.as_bytes(),
            Err(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_like_what_it_was_made_of() {
        for (bytes, text) in [(&b"a: 1"[..], Some("a: 1")), (b"\xff\xfe", None), (b"", Some(""))] {
            let content = Content::from(bytes.to_vec());
            assert_eq!((&*content, content.text().map(|text| &**text)), (bytes, text));
        }
        let text: Arc<str> = "a".into();
        let content = Content::from(Arc::clone(&text));
        assert!(content.text().is_some_and(|shared| Arc::ptr_eq(shared, &text)));
        assert_eq!(content, Content::from(b"a".to_vec()));
        assert!(Arc::ptr_eq(content.digest(), content.clone().digest()));
        // Of the standard's "abc" (FIPS 180-4), its first four bytes.
        assert!(Content::from(b"abc".to_vec()).digest().starts_with("ba7816bf"));
    }
}
