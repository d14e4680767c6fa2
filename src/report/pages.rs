//! The pages about codes: what each means, why it matters, a wrong example and the mended one.
//!
//! They are written in `docs/codes/`, one file a class, and are part of the program. A page begins with a heading
//! `## CODE: summary` and has paragraphs and fenced blocks; the word after the language of a fence says what an
//! example is (`wrong`, `mended`), and a test tries every one of them.

/// One page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// `W101`
    pub code: &'static str,
    /// The rest of the heading.
    pub summary: &'static str,
    /// In the order of the page.
    pub parts: Vec<PagePart>,
}

/// A piece of a page.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum PagePart {
    /// A paragraph, its lines joined.
    Text(String),
    /// A fenced block.
    Example {
        /// What stands behind the fence: `match wrong`.
        info: &'static str,
        /// The lines, without the fences.
        text: String,
    },
}

const FILES: &[&str] = &[
    include_str!("../../docs/codes/M.md"),
    include_str!("../../docs/codes/W.md"),
    include_str!("../../docs/codes/S.md"),
    include_str!("../../docs/codes/Y.md"),
    include_str!("../../docs/codes/N.md"),
    include_str!("../../docs/codes/F.md"),
    include_str!("../../docs/codes/I.md"),
    include_str!("../../docs/codes/P.md"),
];

/// All pages, in the order of the files.
pub fn code_pages() -> Vec<Page> {
    FILES.iter().flat_map(|file| file.split("\n## ").skip(1)).filter_map(page).collect()
}

/// The page of a code.
pub fn code_page(code: &str) -> Option<Page> {
    code_pages().into_iter().find(|page| page.code.eq_ignore_ascii_case(code))
}

fn page(text: &'static str) -> Option<Page> {
    let (heading, body) = text.split_once('\n')?;
    let (code, summary) = heading.split_once(": ")?;
    let (mut parts, mut paragraph) = (Vec::new(), Vec::new());
    let mut lines = body.lines();
    while let Some(line) = lines.next() {
        if let Some(info) = line.strip_prefix("```") {
            let example: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            parts.push(PagePart::Example { info, text: example.join("\n") });
        } else if line.is_empty() {
            parts.extend(joined(&mut paragraph));
        } else {
            paragraph.push(line);
        }
    }
    parts.extend(joined(&mut paragraph));
    Some(Page { code, summary, parts })
}

fn joined(lines: &mut Vec<&str>) -> Option<PagePart> {
    let text = std::mem::take(lines).join(" ");
    (!text.is_empty()).then_some(PagePart::Text(text))
}

/// A page for a terminal.
pub fn page_text(page: &Page) -> String {
    let mut text = format!("{}: {}\n", page.code, page.summary);
    for part in &page.parts {
        text.push('\n');
        match part {
            PagePart::Text(paragraph) => text.push_str(&wrapped(paragraph)),
            PagePart::Example { info, text: example } => {
                text.push_str(&title(info));
                for line in example.lines() {
                    text.push_str(&format!("    {line}\n"));
                }
            }
        }
    }
    text
}

fn title(info: &str) -> String {
    let mut words = info.split(' ');
    let (language, role) = (words.next().unwrap_or_default(), words.next());
    let what = match language {
        "spec" => " (under `spec:` of a Service)",
        "document" => " (a document)",
        "snapshot" => " (a snapshot)",
        _ => "",
    };
    match role {
        Some("wrong") => format!("Wrong{what}:\n"),
        Some("mended") => format!("Mended{what}:\n"),
        _ => String::new(),
    }
}

/// Words in lines of at most 88 characters.
fn wrapped(paragraph: &str) -> String {
    const WIDTH: usize = 88;
    let (mut text, mut width) = (String::new(), 0);
    for word in paragraph.split(' ') {
        let length = word.chars().count();
        if width > 0 && width + 1 + length > WIDTH {
            text.push('\n');
            width = 0;
        } else if width > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(word);
        width += length;
    }
    text.push('\n');
    text
}

/// What stands first on a page, without examples: for tools that show one paragraph.
pub(super) fn page_paragraph(page: &Page) -> &str {
    let paragraph = page.parts.iter().find_map(|part| match part {
        PagePart::Text(text) => Some(text.as_str()),
        PagePart::Example { .. } => None,
    });
    paragraph.unwrap_or(page.summary)
}
