//! The text format: a `HELP` and a `TYPE` line for each family, then its samples.

use std::fmt::{Display, Write as _};

use super::families::{Family, Kind};
use super::histogram::Histogram;

/// A page that is being written, a family after the other.
#[derive(Debug, Default)]
pub(super) struct Page {
    text: String,
    name: &'static str,
}

impl Page {
    /// Begins a family.
    pub(super) fn begin(&mut self, family: &Family) {
        self.name = family.name;
        let _ = writeln!(self.text, "# HELP {} {}", family.name, escaped(family.help, false));
        let _ = writeln!(self.text, "# TYPE {} {}", family.name, family.kind.word());
    }

    /// A sample of the family that was begun.
    pub(super) fn sample(&mut self, labels: &[(&str, &str)], value: impl Display + Copy) {
        let name = self.name;
        self.line(name, "", labels, value);
    }

    /// A family with one sample and no labels.
    pub(super) fn single(&mut self, family: &Family, value: impl Display + Copy) {
        self.begin(family);
        self.sample(&[], value);
    }

    /// A family that is a histogram.
    pub(super) fn histogram(&mut self, family: &Family, histogram: &Histogram) {
        debug_assert_eq!(family.kind, Kind::Histogram, "{} is declared as another kind", family.name);
        self.begin(family);
        for (bound, count) in histogram.cumulated() {
            self.line(family.name, "_bucket", &[("le", &bound.to_string())], count);
        }
        self.line(family.name, "_bucket", &[("le", "+Inf")], histogram.count());
        self.line(family.name, "_sum", &[], histogram.sum());
        self.line(family.name, "_count", &[], histogram.count());
    }

    fn line(&mut self, name: &str, suffix: &str, labels: &[(&str, &str)], value: impl Display + Copy) {
        self.text.push_str(name);
        self.text.push_str(suffix);
        for (at, (label, text)) in labels.iter().enumerate() {
            let before = if at == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{label}=\"{}\"", escaped(text, true));
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = writeln!(self.text, " {value}");
    }

    /// The page.
    pub(super) fn into_text(self) -> String {
        self.text
    }
}

/// A backslash and the end of a line are escaped, in label values quotation marks too.
fn escaped(text: &str, label: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if label => escaped.push_str("\\\""),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::engine::metrics::families;

    #[test]
    fn label_values_are_escaped() {
        let mut page = Page::default();
        page.begin(&families::OBJECTS);
        page.sample(&[("phase", "a\"b\\c\nd")], 1.5);
        let text = page.into_text();
        assert!(text.ends_with("selfsame_objects{phase=\"a\\\"b\\\\c\\nd\"} 1.5\n"), "{text}");
    }

    #[test]
    fn a_bucket_counts_what_is_up_to_its_bound_and_all_that_is_below() {
        let mut histogram = Histogram::default();
        for ms in [0, 1, 2, 700, 60_000] {
            histogram.add(Duration::from_millis(ms));
        }
        let mut page = Page::default();
        page.histogram(&families::LOOK_DURATION, &histogram);
        let text = page.into_text();
        for line in [
            "_bucket{le=\"0.0001\"} 1",
            "_bucket{le=\"0.001\"} 2",
            "_bucket{le=\"0.005\"} 3",
            "_bucket{le=\"0.5\"} 3",
            "_bucket{le=\"1\"} 4",
            "_bucket{le=\"5\"} 4",
            "_bucket{le=\"+Inf\"} 5",
            "_sum 60.703",
            "_count 5",
        ] {
            assert!(
                text.contains(&format!("selfsame_source_look_duration_seconds{line}\n")),
                "{line}\n{text}"
            );
        }
    }
}
