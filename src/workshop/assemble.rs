//! WebAssembly as text, made into a module.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Source};

/// The module that a text is.
///
/// # Errors
/// Where the text is none.
#[cfg(feature = "plugins")]
pub fn assemble(source: &Arc<Source>) -> Result<Vec<u8>, Vec<Diagnostic>> {
    use wast::Wat;
    use wast::parser::{self, ParseBuffer};

    let said = |error: &wast::Error| {
        use super::codes;
        use crate::diagnostic::Span;

        let at = error.span().offset();
        let message = format!("the text is no WebAssembly: {}", error.message());
        let said = Diagnostic::error(codes::NOT_WAT, message).at(Span::new(at, at + 1), "");
        vec![said.in_source(source).help("mend the text here; its names begin with `$`")]
    };
    let buffer = ParseBuffer::new(&source.text).map_err(|error| said(&error))?;
    let mut text = parser::parse::<Wat<'_>>(&buffer).map_err(|error| said(&error))?;
    text.encode().map_err(|error| said(&error))
}

/// The module that a text is: none in a build without plugins.
///
/// # Errors
/// Always.
#[cfg(not(feature = "plugins"))]
pub fn assemble(source: &Arc<Source>) -> Result<Vec<u8>, Vec<Diagnostic>> {
    let said = Diagnostic::error(crate::plugin::codes::NO_PLUGINS, "this build has no plugins");
    Err(vec![
        said.in_source(source).help("build it with the cargo feature `plugins`, which is on by default"),
    ])
}

#[cfg(all(test, feature = "plugins"))]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_a_module_or_has_a_place_where_it_is_not() {
        let good =
            assemble(&Source::new("a.wat", "(module (func (export \"f\") (result i32) (i32.const 1)))"));
        assert!(good.is_ok_and(|bytes| bytes.starts_with(b"\0asm\x01\0\0\0")));
        let said =
            assemble(&Source::new("a.wat", "(module\n  (func (i32.nonsense)))")).err().unwrap_or_default();
        let [one] = said.as_slice() else { unreachable!("{said:?}") };
        assert_eq!((one.code.0, one.span().map(|span| span.start)), ("P403", Some(17)), "{one:?}");
    }
}
