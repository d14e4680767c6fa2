//! What a variable holds: text, and doubts where text can't be known.

use std::sync::Arc;

use crate::import::found::Place;

/// Characters of one value.
const TEXT_MAX: usize = 1 << 16;

/// Something that can't be known without executing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Doubt {
    /// As it is written: `$(hostname)`.
    pub(crate) text: String,
    /// Why: lower case, no full stop.
    pub(crate) why: String,
    /// Where it stands.
    pub(crate) place: Place,
}

/// A piece of a value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Piece {
    Text(String),
    Doubt(Arc<Doubt>),
}

/// A value in pieces.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Value(Vec<Piece>);

impl Value {
    pub(crate) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::default() } else { Self(vec![Piece::Text(text)]) }
    }

    pub(crate) fn doubt(doubt: Doubt) -> Self {
        Self(vec![Piece::Doubt(Arc::new(doubt))])
    }

    /// The text, if all of it is known.
    pub(crate) fn known(&self) -> Option<&str> {
        match self.0.as_slice() {
            [] => Some(""),
            [Piece::Text(text)] => Some(text),
            _ => None,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is surely more than nothing.
    pub(crate) fn has_text(&self) -> bool {
        self.0.iter().any(|piece| matches!(piece, Piece::Text(_)))
    }

    /// The first thing that isn't known of it.
    pub(crate) fn first_doubt(&self) -> Option<&Doubt> {
        self.doubts().next()
    }

    pub(crate) fn doubts(&self) -> impl Iterator<Item = &Doubt> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Doubt(doubt) => Some(doubt.as_ref()),
            Piece::Text(_) => None,
        })
    }

    pub(crate) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// For a person: doubts as they are written.
    pub(crate) fn shown(&self) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Doubt(doubt) => doubt.text.as_str(),
            })
            .collect()
    }

    pub(crate) fn push_text(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(Piece::Text(last)) => last.push_str(text),
            Some(Piece::Doubt(_)) | None => self.0.push(Piece::Text(text.to_owned())),
        }
        self.bound();
    }

    /// What stands behind the first `=`: of `--user=$USER`, `NAME=$VALUE`.
    pub(crate) fn behind_equals(&self) -> Self {
        let mut value = Self::default();
        let mut open = false;
        for piece in self.pieces() {
            match piece {
                Piece::Text(text) if !open => {
                    if let Some((_, rest)) = text.split_once('=') {
                        open = true;
                        value.push_text(rest);
                    }
                }
                piece => value.push_piece(piece),
            }
        }
        value
    }

    pub(crate) fn push_piece(&mut self, piece: &Piece) {
        match piece {
            Piece::Text(text) => self.push_text(text),
            Piece::Doubt(_) => {
                self.0.push(piece.clone());
                self.bound();
            }
        }
    }

    pub(crate) fn push(&mut self, other: &Self) {
        for piece in &other.0 {
            self.push_piece(piece);
        }
    }

    /// A value that grows without end (a loop, an expansion of itself) becomes a doubt.
    fn bound(&mut self) {
        let length: usize = self
            .0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.len(),
                Piece::Doubt(_) => 64,
            })
            .sum();
        if length > TEXT_MAX {
            let doubt = Doubt {
                text: "...".to_owned(),
                why: "the value is longer than 64KiB".to_owned(),
                place: Place::default(),
            };
            *self = Self::doubt(doubt);
        }
    }
}
