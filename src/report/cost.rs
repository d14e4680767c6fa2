//! What expressions cost, as a table.

use comfy_table::{ContentArrangement, Table, presets};

use crate::lang::Estimate;

/// The cost of one expression.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ExpressionCost {
    /// Where it stands: `web match`.
    pub place: String,
    /// What it costs.
    pub estimate: Estimate,
}

/// Dearest first. Empty if there is no expression.
pub fn cost_table(costs: &[ExpressionCost]) -> String {
    if costs.is_empty() {
        return "no expressions\n".to_owned();
    }
    let mut sorted: Vec<&ExpressionCost> = costs.iter().collect();
    sorted.sort_by_key(|cost| (std::cmp::Reverse(cost.estimate.worst), &cost.place));
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(["EXPRESSION", "CLASS", "FIRST", "WORST", "READS"]);
    for cost in sorted {
        let estimate = &cost.estimate;
        let facts: Vec<String> =
            estimate.facts.iter().map(|(name, class)| format!("{name} ({class})")).collect();
        table.add_row([
            cost.place.clone(),
            estimate.class.to_string(),
            micros(estimate.first),
            micros(estimate.worst),
            facts.join(", "),
        ]);
    }
    let text: String = table.lines().map(|line| format!("{}\n", line.trim_end())).collect();
    format!("{text}for one process: FIRST decides most of them, WORST is all of it, each fact read anew\n")
}

/// From tenths of a microsecond.
fn micros(tenths: u64) -> String {
    format!("{}.{} us", tenths / 10, tenths % 10)
}
