//! The comment block of LSB at the head of an init script.

use crate::import::found::{Found, Place, Weight};

/// A line of the block.
#[derive(Clone, Debug)]
pub(super) struct Part {
    place: Place,
    key: String,
    value: String,
}

/// The lines between `### BEGIN INIT INFO` and its end.
pub(super) fn read(path: &str, text: &str) -> Vec<Part> {
    let lines =
        text.lines().enumerate().skip_while(|(_, line)| !line.starts_with("### BEGIN INIT INFO")).skip(1);
    lines
        .take_while(|(_, line)| !line.starts_with("### END INIT INFO"))
        .filter_map(|(number, line)| {
            let (key, value) = line.trim_start_matches('#').trim_start().split_once(':')?;
            let good = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
            good.then(|| Part {
                place: Place::new(path, number + 1),
                key: key.to_owned(),
                value: value.trim().to_owned(),
            })
        })
        .collect()
}

/// Puts a line where it belongs.
pub(super) fn add(found: &mut Found, part: Part) {
    let Part { place, key, value } = part;
    match key.as_str() {
        "Short-Description" if !value.is_empty() => {
            found.service.annotations.insert("description".to_owned(), value);
        }
        "Required-Start" | "Should-Start" | "X-Start-Before" | "X-Stop-After" => {
            let named: Vec<&str> = value.split_whitespace().filter(|word| !word.starts_with('$')).collect();
            if named.is_empty() {
                found.needless(
                    &place,
                    format!("{key}: {value}"),
                    "a start that comes too early is tried again",
                );
            } else {
                let text = format!(
                    "an order isn't carried over: {} may come later, and a start that fails is tried again; write `dependsOn` where that isn't enough",
                    named.join(", ")
                );
                found.lost(&place, format!("{key}: {value}"), text);
            }
        }
        "Provides" | "Default-Start" | "Default-Stop" | "Required-Stop" | "Should-Stop" | "Description"
        | "X-Interactive" | "Short-Description"
            if !value.is_empty() =>
        {
            found.note(
                &place,
                Weight::Needless,
                format!("{key}: {value}"),
                "a document that is there is in force",
            );
        }
        _ => {}
    }
}
