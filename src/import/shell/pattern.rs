//! Patterns of `case` and `${NAME#pattern}`, without backtracking into exponential time.

/// An element of a pattern.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Element {
    /// Itself.
    Char(char),
    /// `?`
    One,
    /// `*`
    Many,
    /// `[a-z]`, `[!a]`
    Set { negated: bool, ranges: Vec<(char, char)> },
}

/// Appends the elements of a text in which patterns are active.
pub(super) fn active(text: &str, elements: &mut Vec<Element>) {
    let chars: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        at += 1;
        match c {
            '?' => elements.push(Element::One),
            '*' => elements.push(Element::Many),
            '[' => match set(chars.get(at..).unwrap_or_default()) {
                Some((element, used)) => {
                    elements.push(element);
                    at += used;
                }
                None => elements.push(Element::Char('[')),
            },
            c => elements.push(Element::Char(*c)),
        }
    }
}

/// Appends the elements of a quoted text.
pub(super) fn plain(text: &str, elements: &mut Vec<Element>) {
    elements.extend(text.chars().map(Element::Char));
}

/// A set behind its `[`, and how many characters it has.
fn set(chars: &[char]) -> Option<(Element, usize)> {
    let negated = matches!(chars.first(), Some('!' | '^'));
    let mut at = usize::from(negated);
    let mut ranges = Vec::new();
    let first = at;
    loop {
        let c = *chars.get(at)?;
        if c == ']' && at > first {
            return Some((Element::Set { negated, ranges }, at + 1));
        }
        match (chars.get(at + 1), chars.get(at + 2)) {
            (Some('-'), Some(end)) if *end != ']' => {
                ranges.push((c, *end));
                at += 3;
            }
            _ => {
                ranges.push((c, c));
                at += 1;
            }
        }
    }
}

fn fits(element: &Element, c: char) -> bool {
    match element {
        Element::Char(own) => *own == c,
        Element::One | Element::Many => true,
        Element::Set { negated, ranges } => {
            ranges.iter().any(|(first, last)| (*first..=*last).contains(&c)) != *negated
        }
    }
}

/// The lengths, in characters, of the beginnings of a text that the pattern matches, as a row of flags.
fn beginnings(elements: &[Element], text: &[char]) -> Vec<bool> {
    // reached[i]: the elements so far match the first i characters.
    let mut reached = vec![false; text.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for element in elements {
        let mut next = vec![false; text.len() + 1];
        let mut open = false;
        for (at, flag) in next.iter_mut().enumerate() {
            let here = reached.get(at).copied().unwrap_or(false);
            if *element == Element::Many {
                open |= here;
                *flag = open;
            } else if at > 0 {
                let before = reached.get(at - 1).copied().unwrap_or(false);
                *flag = before && text.get(at - 1).is_some_and(|c| fits(element, *c));
            }
        }
        reached = next;
    }
    reached
}

/// Whether the pattern matches the whole text.
pub(super) fn matches(elements: &[Element], text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    beginnings(elements, &chars).last().copied().unwrap_or(false)
}

/// The text without its shortest or longest beginning that matches.
pub(super) fn without_prefix(elements: &[Element], text: &str, longest: bool) -> String {
    let chars: Vec<char> = text.chars().collect();
    let flags = beginnings(elements, &chars);
    let cut = if longest { flags.iter().rposition(|f| *f) } else { flags.iter().position(|f| *f) };
    chars.iter().skip(cut.unwrap_or(0)).collect()
}

/// The text without its shortest or longest end that matches.
pub(super) fn without_suffix(elements: &[Element], text: &str, longest: bool) -> String {
    let backwards: Vec<char> = text.chars().rev().collect();
    let reversed: Vec<Element> = elements.iter().rev().cloned().collect();
    let flags = beginnings(&reversed, &backwards);
    let cut = if longest { flags.iter().rposition(|f| *f) } else { flags.iter().position(|f| *f) };
    let kept = backwards.len() - cut.unwrap_or(0);
    text.chars().take(kept).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

    use super::*;

    fn elements(pattern: &str) -> Vec<Element> {
        let mut elements = Vec::new();
        active(pattern, &mut elements);
        elements
    }

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("start", "start", true),
            ("start", "restart", false),
            ("*start", "restart", true),
            ("s?op", "stop", true),
            ("[a-c]*", "bx", true),
            ("[!a-c]*", "bx", false),
            ("[]x]", "]", true),
            ("[", "[", true),
            ("*", "", true),
            ("?", "", false),
            ("a*b*c*d", "axxbyyczzd", true),
            ("y|n", "y", false),
        ] {
            assert_eq!(matches(&elements(pattern), text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn beginnings_and_ends_are_cut() {
        assert_eq!(without_prefix(&elements("*/"), "/usr/sbin/cron", false), "usr/sbin/cron");
        assert_eq!(without_prefix(&elements("*/"), "/usr/sbin/cron", true), "cron");
        assert_eq!(without_suffix(&elements(".*"), "a.b.c", false), "a.b");
        assert_eq!(without_suffix(&elements(".*"), "a.b.c", true), "a");
        assert_eq!(without_suffix(&elements("/*"), "/usr/sbin/cron", false), "/usr/sbin");
        assert_eq!(without_prefix(&elements("x"), "abc", true), "abc");
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let text = "a".repeat(2_000);
        assert!(!matches(
            &elements(&"*a".repeat(200)).into_iter().chain(elements("b")).collect::<Vec<_>>(),
            &text
        ));
    }
}
