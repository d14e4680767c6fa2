//! `explain-code`: the page of a code.

use super::args::ExplainCodeArgs;
use super::codes::registered_codes;
use super::exit::Exit;
use super::terminal::Terminal;
use crate::diagnostic::did_you_mean;
use crate::report::{code_page, page_text};

/// Runs `explain-code`.
pub(super) fn run(args: &ExplainCodeArgs, terminal: Terminal) -> Exit {
    let all = registered_codes();
    let Some(asked) = &args.code else {
        let lines: String = all.iter().map(|(code, words)| format!("{}  {words}\n", code.0)).collect();
        terminal.data(&lines);
        return Exit::Ok;
    };
    // As it stands in a message: `[W101]`, `w101`.
    let code = asked.trim_matches(['[', ']']).to_ascii_uppercase();
    if let Some(page) = code_page(&code) {
        terminal.data(&page_text(&page));
        return Exit::Ok;
    }
    let help = match did_you_mean(&code, all.iter().map(|(code, _)| code.0)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "`selfsame explain-code --list` lists all codes".to_owned(),
    };
    terminal.say(&format!("error: there is no code `{asked}`\nhelp: {help}"));
    Exit::Usage
}
