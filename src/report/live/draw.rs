//! The picture: a summary, the table, the pane below it, and a line for keys or words.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span, Text};
use ratatui::widgets::{Block, Borders, Clear, Paragraph, Row as TableRow, Table, TableState, Wrap};

use super::columns::Columns;
use super::rows::Row;
use super::state::{Live, Mode, Pane};
use crate::plan::policy::PolicyStatus;
use crate::plan::status::PhaseWord;
use crate::report::status::{ago, phase_word};
use crate::units::{Now, WallTime};

const HELP: &str = " up, down, j, k     choose a row (also PageUp, PageDown, Home, End)
 /                  show only rows with a text in them; Escape shows all
 Tab                the next pane below the table
 e  x  l            events, explanation, end of the log
 [  ]               scroll the pane
 s                  suspend the object, or resume it
 r                  restart the object (asks first)
 q, Ctrl-C          quit; services and watch go on

 Any key closes this.";

/// Draws the view. Without `colour` there is none, only bold and reversed.
pub fn draw(live: &Live, colour: bool, frame: &mut Frame<'_>) {
    let area = frame.area();
    let below = (area.height / 2).saturating_sub(2).clamp(3, 24);
    let [head, table, pane, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(3),
        Constraint::Length(below),
        Constraint::Length(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(summary(live)), head);
    draw_table(live, colour, frame, table);
    draw_pane(live, frame, pane);
    frame.render_widget(Paragraph::new(foot_line(live)), foot);
    if live.mode == Mode::Help {
        draw_help(frame, area);
    }
}

/// `7 objects: 5 Running, 1 BackOff, 1 Held`
fn summary(live: &Live) -> Line<'static> {
    let objects = &live.snapshot.objects;
    let mut counts: Vec<(PhaseWord, usize)> = Vec::new();
    for service in objects {
        match counts.iter_mut().find(|(phase, _)| *phase == service.phase) {
            Some((_, count)) => *count += 1,
            None => counts.push((service.phase, 1)),
        }
    }
    counts.sort_unstable();
    let words: Vec<String> =
        counts.iter().map(|(phase, count)| format!("{count} {}", phase_word(*phase))).collect();
    let who = if live.snapshot.told { "" } else { "  (no watch is running; looked just now)" };
    let noun = if objects.len() == 1 { "object" } else { "objects" };
    let policies = policies_words(&live.snapshot.policies);
    let text = format!("selfsame: {} {noun}: {}{policies}{who}", objects.len(), words.join(", "));
    Line::styled(text, Style::new().add_modifier(Modifier::BOLD))
}

/// `; 4 policies, violated: no-telnet (2)`
fn policies_words(policies: &[PolicyStatus]) -> String {
    if policies.is_empty() {
        return String::new();
    }
    let violated = policies.iter().filter(|policy| policy.violated == Some(true));
    let violated: Vec<String> =
        violated.map(|policy| format!("{} ({})", policy.name, policy.violating)).collect();
    let noun = if policies.len() == 1 { "policy" } else { "policies" };
    let which = if violated.is_empty() {
        "none violated".to_owned()
    } else {
        format!("violated: {}", violated.join(", "))
    };
    format!("; {} {noun}, {which}", policies.len())
}

fn draw_table(live: &Live, colour: bool, frame: &mut Frame<'_>, area: Rect) {
    let rows = live.rows();
    let name = rows.iter().map(|row| row.cells.first().map_or(0, String::len)).max().unwrap_or(0);
    let columns = Columns::new(area.width, name);
    let shown = rows.iter().map(|row| table_row(row, &columns, colour));
    let table = Table::new(shown, columns.constraints())
        .header(TableRow::new(columns.head()).style(Style::new().add_modifier(Modifier::UNDERLINED)))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    let selected = (!rows.is_empty()).then(|| live.position());
    let mut state = TableState::default().with_selected(selected);
    frame.render_stateful_widget(table, area, &mut state);
    if rows.is_empty() {
        let text = if live.filter.is_empty() { "nothing is on record" } else { "no row has that in it" };
        let below = Rect { y: area.y + 1, height: area.height.saturating_sub(1), ..area };
        frame.render_widget(Paragraph::new(text), below);
    }
}

fn table_row(row: &Row, columns: &Columns, colour: bool) -> TableRow<'static> {
    let style = if colour { phase_style(row.phase) } else { Style::new() };
    let texts = row.cells.iter().chain([&row.conditions, &row.note]).enumerate();
    let cells: Vec<Span<'static>> = texts
        .map(|(at, text)| Span::styled(text.clone(), if at == 1 { style } else { Style::new() }))
        .collect();
    TableRow::new(columns.pick(&cells).cloned())
}

fn phase_style(phase: PhaseWord) -> Style {
    match phase {
        PhaseWord::Running => Style::new().fg(Color::Green),
        PhaseWord::Stopped => Style::new(),
        PhaseWord::Pending | PhaseWord::Starting | PhaseWord::Stopping => Style::new().fg(Color::Cyan),
        PhaseWord::Held | PhaseWord::Unknown => Style::new().fg(Color::Yellow),
        PhaseWord::BackOff => Style::new().fg(Color::Red),
    }
}

fn draw_pane(live: &Live, frame: &mut Frame<'_>, area: Rect) {
    let of = live.wants().map(|(_, name, index)| (name, index));
    let named = of.as_ref().map_or_else(String::new, |(name, _)| format!(" of {name}"));
    let title = match live.pane {
        Pane::Events => " events since this began ".to_owned(),
        Pane::Explain => format!(" explanation{named} "),
        Pane::Log => format!(" log{named} "),
    };
    let block = Block::new().borders(Borders::TOP).title(title);
    let inside = block.inner(area);
    let room = usize::from(inside.height);
    let detail =
        live.detail.as_ref().filter(|(key, _)| Some(key) == of.as_ref()).map(|(_, text)| text.as_str());
    let lines: Vec<Line<'static>> = match live.pane {
        Pane::Events => {
            let lines: Vec<String> =
                live.events.iter().map(|(at, text)| event_line(*at, text, live.snapshot.now)).collect();
            tail(&lines, room, live.scroll)
        }
        Pane::Log => {
            let lines: Vec<String> = detail.unwrap_or("...").lines().map(ToOwned::to_owned).collect();
            tail(&lines, room, live.scroll)
        }
        Pane::Explain => detail.unwrap_or("...").lines().map(|line| Line::raw(line.to_owned())).collect(),
    };
    let text = Paragraph::new(Text::from(lines)).block(block);
    let text = match live.pane {
        Pane::Explain => {
            let scroll = u16::try_from(live.scroll).unwrap_or(u16::MAX);
            text.wrap(Wrap { trim: false }).scroll((scroll, 0))
        }
        Pane::Events | Pane::Log => text,
    };
    frame.render_widget(text, area);
}

fn event_line(at: WallTime, text: &str, now: Now) -> String {
    format!("{:>6} ago  {text}", ago(at, now))
}

/// The last lines that there is room for, `back` lines before the end.
fn tail(lines: &[String], room: usize, back: usize) -> Vec<Line<'static>> {
    let end = lines.len().saturating_sub(back).max(room.min(lines.len()));
    let begin = end.saturating_sub(room);
    lines.get(begin..end).unwrap_or_default().iter().map(|line| Line::raw(line.clone())).collect()
}

fn foot_line(live: &Live) -> Line<'static> {
    match &live.mode {
        Mode::Confirm(deed, name) => {
            Line::styled(format!("{} {name}? (y/n)", deed.word()), Style::new().add_modifier(Modifier::BOLD))
        }
        Mode::Filter => Line::raw(format!("/{}_  (Enter: done, Escape: show all)", live.filter)),
        Mode::Table | Mode::Help if !live.message.is_empty() => Line::raw(live.message.clone()),
        Mode::Table | Mode::Help => {
            let filter =
                if live.filter.is_empty() { String::new() } else { format!("   only `{}`", live.filter) };
            Line::raw(format!(
                "q quit  ? help  / filter  e events  x explain  l log  s suspend  r restart{filter}"
            ))
        }
    }
}

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    let height = u16::try_from(HELP.lines().count()).unwrap_or(0) + 2;
    let (width, height) = (76.min(area.width), height.min(area.height));
    let place = Rect { x: (area.width - width) / 2, y: (area.height - height) / 2, width, height };
    frame.render_widget(Clear, place);
    frame.render_widget(Paragraph::new(HELP).block(Block::bordered().title(" keys ")), place);
}
