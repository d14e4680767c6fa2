//! Which columns the table has: in a narrow terminal those that say least are left out, so that the others can be read.

use ratatui::layout::Constraint;

/// From so many columns of the terminal on, the conditions have one of their own.
const WIDE: u16 = 110;
const NAME_MAX: u16 = 32;
/// Between two columns.
const GAP: u16 = 1;

/// What stands above each cell of a row, and how wide it is; the first one is as wide as the names, the last one takes what is left.
const COLUMNS: [(&str, u16); 9] = [
    ("NAME", 4),
    ("PHASE", 8),
    ("PID", 7),
    ("CPU", 6),
    ("MEMORY", 7),
    ("SINCE", 6),
    ("RST", 3),
    ("CONDITIONS", 20),
    ("NOTE", 8),
];
/// In this order columns are left out; name and phase never are.
const LEFT_OUT: [&str; 7] = ["CONDITIONS", "RST", "CPU", "MEMORY", "SINCE", "NOTE", "PID"];

/// The columns that there is room for.
pub(super) struct Columns {
    shown: Vec<usize>,
    name: u16,
}

impl Columns {
    /// In a terminal of this width, with names of this length.
    pub(super) fn new(width: u16, name: usize) -> Self {
        let mut fitting = Self {
            shown: (0..COLUMNS.len()).collect(),
            name: u16::try_from(name).unwrap_or(NAME_MAX).clamp(4, NAME_MAX),
        };
        for head in LEFT_OUT {
            if width < WIDE && head == "CONDITIONS" || fitting.width() > width {
                fitting.shown.retain(|at| COLUMNS.get(*at).is_some_and(|column| column.0 != head));
            }
        }
        let over = fitting.width().saturating_sub(width);
        Self { name: fitting.name.saturating_sub(over).max(1), ..fitting }
    }

    fn width(&self) -> u16 {
        self.widths().map(|width| width + GAP).sum::<u16>() - GAP
    }

    fn widths(&self) -> impl Iterator<Item = u16> {
        self.pick(&COLUMNS).map(|(head, width)| if *head == "NAME" { self.name } else { *width })
    }

    /// Of a row with all cells, those that are shown.
    pub(super) fn pick<'a, T>(&self, cells: &'a [T]) -> impl Iterator<Item = &'a T> {
        self.shown.iter().filter_map(|at| cells.get(*at))
    }

    /// What stands above them.
    pub(super) fn head(&self) -> impl Iterator<Item = &'static str> {
        self.pick(&COLUMNS).map(|(head, _)| *head)
    }

    /// How wide each is.
    pub(super) fn constraints(&self) -> Vec<Constraint> {
        let note = self.head().map(|head| head == "NOTE");
        let row = self.widths().zip(note);
        row.map(|(width, note)| if note { Constraint::Min(width) } else { Constraint::Length(width) })
            .collect()
    }
}
