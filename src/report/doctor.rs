//! What `doctor` found, for a person.

use comfy_table::{ContentArrangement, Table, presets};

use super::status::plain_rows;
use crate::host::doctor::{Finding, State};

/// A table, and a sentence for each thing that isn't as it could be.
pub fn doctor_text(findings: &[Finding]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    for finding in findings {
        let word = match finding.state {
            State::Ok => "ok",
            State::Limited => "limited",
            State::Broken => "broken",
        };
        table.add_row([word, finding.check.as_str(), finding.found.as_str()]);
    }
    let mut text = plain_rows(&table);
    text.push('\n');
    let lacking: Vec<&Finding> = findings.iter().filter(|finding| finding.state != State::Ok).collect();
    if !lacking.is_empty() {
        text.push_str("\nwhat that means:\n");
    }
    for finding in lacking {
        text.push_str(&format!("  {}: {}\n", finding.check, finding.matters));
    }
    text
}
