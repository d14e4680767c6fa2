//! `stdout` and `stderr`.

use std::path::PathBuf;

use super::super::decode::{Decoder, Object, Value};
use super::super::table;
use super::super::{Output, Rotation, codes};
use super::amount;

/// Less than a block can't be cut off.
const SIZE_MIN: u64 = 4096;

/// `stdout` or `stderr`, anything but an unquoted `null`.
pub(in super::super) fn output(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<(Output, Rotation)> {
    if let Some(scalar) = value.node.scalar() {
        if scalar.text.contains('/') {
            let message = format!("`{}` is a word or a mapping, here stands a path", value.path());
            let help =
                format!("write `{}: {{file: {}}}`", value.path().trim_start_matches("spec."), scalar.text);
            d.say(value.wrong(codes::WRONG_TYPE, message).help(help));
            return None;
        }
        let words = [("null", &Output::Null), ("inherit", &Output::Inherit), ("syslog", &Output::Syslog)];
        return value.word(&table::OUTPUTS, &words, d).map(|output| (output.clone(), Rotation::default()));
    }
    let object = Object::open(value, &table::OUTPUT, d)?;
    let mut file = None;
    let mut rotation = Rotation::default();
    object.set_some("file", &mut file, d, |v, d| v.runtime_path(&["logDir", "runDir"], d));
    object.set("maxSize", &mut rotation.max_size, d, size);
    object.set("keep", &mut rotation.keep, d, |v, d| v.integer(1, 1000, d));
    object.set("compress", &mut rotation.compress, d, Value::bool);
    Some((file.map_or(Output::Log, |file| Output::File(PathBuf::from(file))), rotation))
}

#[expect(clippy::option_option, reason = "outside: it was wrong, which is said; inside: no bound")]
fn size(value: &Value<'_>, d: &mut Decoder<'_>) -> Option<Option<u64>> {
    let size = amount(value, true, d)?.number();
    if size.is_some_and(|size| size < SIZE_MIN) {
        let message = format!("`{}` is at least 4KiB, since files are cut by the block", value.path());
        d.say(value.wrong(codes::INVALID_VALUE, message).help("write for example `16MiB`"));
        return None;
    }
    Some(size)
}
