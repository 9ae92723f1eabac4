//! Values over two lists as a heat map: the darker, the more, with every value in its cell.

use super::axis::{Axis, Ruler, Scale};
use super::canvas::{Anchor, Area, Canvas, LINE, SMALL, TEXT, text_width, wrap};
use super::numbers::fixed;

/// A picture of a table of values.
#[derive(Clone, Debug, PartialEq)]
pub struct Heat {
    /// Its heading.
    pub title: String,
    /// What it shows, for those who cannot see it.
    pub about: String,
    /// What the columns are.
    pub x_title: String,
    /// What the rows are.
    pub y_title: String,
    /// The columns' names.
    pub columns: Vec<String>,
    /// The rows' names, from the top.
    pub rows: Vec<String>,
    /// The cells of every row; those that lack are missing.
    pub cells: Vec<Vec<Cell>>,
    /// What the colours mean: its title, its scale, and its ends if the data's are not wanted.
    pub value: Axis,
    /// Of the values in the cells.
    pub decimals: usize,
    /// The row and column of the cell to be framed.
    pub best: Option<[usize; 2]>,
    /// What is below it, before what crossed and hatched cells mean; nothing if empty.
    pub note: String,
}

/// A cell of a heat map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell {
    /// A value; one that is not finite is missing.
    Value(f64),
    /// A value of some of the runs; the others missed the target. In brackets.
    Partly(f64),
    /// Every run missed the target. Hatched.
    Missed,
    /// There were no runs. Crossed out.
    Missing,
}

impl Cell {
    fn value(self) -> Option<f64> {
        match self {
            Self::Value(value) | Self::Partly(value) if value.is_finite() => Some(value),
            _ => None,
        }
    }
}

/// The colours from little to much, blue; their lightness falls evenly.
const RAMP: [[f64; 3]; 6] = [
    [236.0, 243.0, 250.0],
    [198.0, 219.0, 239.0],
    [146.0, 191.0, 225.0],
    [84.0, 154.0, 204.0],
    [33.0, 113.0, 174.0],
    [8.0, 64.0, 124.0],
];

/// The height of a cell.
const ROW: f64 = 38.0;
/// The colour bar: how far it is from the cells, how wide, and in how many strips.
const BAR_GAP: f64 = 22.0;
const BAR: f64 = 16.0;
const STRIPS: usize = 40;

impl Heat {
    /// Without cells yet, values with one decimal.
    pub fn new(title: impl Into<String>, value: Axis, columns: &[String], rows: &[String]) -> Self {
        Self {
            title: title.into(),
            about: String::new(),
            x_title: String::new(),
            y_title: String::new(),
            columns: columns.to_vec(),
            rows: rows.to_vec(),
            cells: Vec::new(),
            value,
            decimals: 1,
            best: None,
            note: String::new(),
        }
    }

    /// The picture.
    pub fn svg(&self) -> String {
        let ruler = self.ruler();
        let left = 48.0 + widest(&self.rows, SMALL);
        let cell = (widest(&self.columns, SMALL) + 12.0).max(self.widest_value() + 18.0).max(58.0);
        let right = left + cell * self.columns.len() as f64;
        let width = (right + BAR_GAP + BAR + 12.0 + ruler.widest() + 34.0).max(320.0);
        let note = wrap(&self.all_notes(), width - 24.0, SMALL);
        let mut canvas = Canvas::new(width, 0.0);
        let top = canvas.heading(&self.title);
        let bottom = top + ROW * self.rows.len() as f64;
        let area = Area { left, top, right, bottom };
        canvas.resize(bottom + 54.0 + note.len() as f64 * LINE);
        self.draw_cells(&mut canvas, &ruler, area, cell);
        self.draw_names(&mut canvas, area, cell);
        self.draw_colours(&mut canvas, &ruler, area);
        canvas.paragraph("small soft", 12.0, bottom + 46.0, &note);
        canvas.finish(&self.title, &self.about)
    }

    /// The cell at `row` and `column`.
    fn cell(&self, row: usize, column: usize) -> Cell {
        let cell = self.cells.get(row).and_then(|cells| cells.get(column)).copied().unwrap_or(Cell::Missing);
        match cell {
            Cell::Value(value) | Cell::Partly(value) if !value.is_finite() => Cell::Missing,
            cell => cell,
        }
    }

    fn all_cells(&self) -> impl Iterator<Item = Cell> {
        (0..self.rows.len())
            .flat_map(move |row| (0..self.columns.len()).map(move |column| self.cell(row, column)))
    }

    /// From the least value to the most, without room.
    fn ruler(&self) -> Ruler {
        let positive = |value: &f64| self.value.scale == Scale::Linear || *value > 0.0;
        let values: Vec<f64> = self.all_cells().filter_map(Cell::value).filter(positive).collect();
        let ends = [values.iter().copied().reduce(f64::min), values.iter().copied().reduce(f64::max)];
        let axis =
            Axis { from: self.value.from.or(ends[0]), to: self.value.to.or(ends[1]), ..self.value.clone() };
        axis.ruler(values)
    }

    fn text_of(&self, cell: Cell) -> String {
        match cell {
            Cell::Value(value) => fixed(value, self.decimals),
            Cell::Partly(value) => format!("({})", fixed(value, self.decimals)),
            Cell::Missed | Cell::Missing => String::new(),
        }
    }

    fn widest_value(&self) -> f64 {
        self.all_cells().map(|cell| text_width(&self.text_of(cell), TEXT)).fold(0.0, f64::max)
    }

    /// The note, with what brackets, hatching and crosses mean where there are any.
    fn all_notes(&self) -> String {
        let has = |wanted: fn(&Cell) -> bool| self.all_cells().any(|cell| wanted(&cell));
        let mut notes = vec![self.note.clone()];
        let kinds: [(bool, &str); 3] = [
            (has(|cell| matches!(cell, Cell::Partly(_))), "In brackets: not every run hit."),
            (has(|cell| *cell == Cell::Missed), "Hatched: no run hit."),
            (has(|cell| *cell == Cell::Missing), "Crossed out: not run."),
        ];
        notes.extend(kinds.into_iter().filter(|(has, _)| *has).map(|(_, note)| note.to_owned()));
        notes.join(" ")
    }

    fn draw_cells(&self, canvas: &mut Canvas, ruler: &Ruler, area: Area, width: f64) {
        let place = |row: usize, column: usize| {
            let (left, top) = (area.left + width * column as f64, area.top + ROW * row as f64);
            Area { left: left + 1.0, top: top + 1.0, right: left + width - 1.0, bottom: top + ROW - 1.0 }
        };
        for row in 0..self.rows.len() {
            for column in 0..self.columns.len() {
                self.draw_cell(canvas, ruler, place(row, column), self.cell(row, column));
            }
        }
        if let Some([row, column]) =
            self.best.filter(|[r, c]| *r < self.rows.len() && *c < self.columns.len())
        {
            canvas.rect("best", place(row, column), "");
        }
    }

    fn draw_cell(&self, canvas: &mut Canvas, ruler: &Ruler, place: Area, cell: Cell) {
        let middle = [(place.left + place.right) / 2.0, (place.top + place.bottom) / 2.0 + 4.5];
        if let Some(value) = cell.value() {
            let share = ruler.share(value).clamp(0.0, 1.0);
            canvas.rect("cell", place, &format!(r#" fill="{}""#, colour(share)));
            let class = if share < 0.56 { "on-light" } else { "on-dark" };
            canvas.text(class, Anchor::Middle, middle, &self.text_of(cell));
            return;
        }
        canvas.rect("grid", place, "");
        if cell == Cell::Missed {
            canvas.hatch("soft", place, 7.0);
        } else {
            canvas.line("lead", [place.left, place.top], [place.right, place.bottom]);
            canvas.line("lead", [place.left, place.bottom], [place.right, place.top]);
        }
    }

    fn draw_names(&self, canvas: &mut Canvas, area: Area, width: f64) {
        for (column, name) in self.columns.iter().enumerate() {
            let x = area.left + width * (column as f64 + 0.5);
            canvas.text("small", Anchor::Middle, [x, area.bottom + 17.0], name);
        }
        for (row, name) in self.rows.iter().enumerate() {
            let y = area.top + ROW * (row as f64 + 0.5) + 4.0;
            canvas.text("small", Anchor::End, [area.left - 8.0, y], name);
        }
        canvas.text("", Anchor::Middle, [(area.left + area.right) / 2.0, area.bottom + 38.0], &self.x_title);
        canvas.turned_text("", [20.0, (area.top + area.bottom) / 2.0], -90.0, &self.y_title);
    }

    /// The colour bar, from its least value at the bottom.
    fn draw_colours(&self, canvas: &mut Canvas, ruler: &Ruler, area: Area) {
        let left = area.right + BAR_GAP;
        let strip = area.height() / STRIPS as f64;
        for number in 0..STRIPS {
            let share = (number as f64 + 0.5) / STRIPS as f64;
            let bottom = area.bottom - strip * number as f64;
            // Half a pixel over the next, so that no gap shows.
            let top = (bottom - strip - 0.5).max(area.top);
            let fill = format!(r#" fill="{}""#, colour(share));
            canvas.rect("cell", Area { left, top, right: left + BAR, bottom }, &fill);
        }
        for &tick in &ruler.ticks {
            let y = ruler.at(tick, [area.bottom, area.top]);
            canvas.line("axis", [left + BAR, y], [left + BAR + 4.0, y]);
            canvas.text("small", Anchor::Start, [left + BAR + 8.0, y + 4.0], &ruler.label(tick));
        }
        let x = left + BAR + 12.0 + ruler.widest() + 18.0;
        canvas.turned_text("", [x, (area.top + area.bottom) / 2.0], -90.0, &self.value.title);
    }
}

fn widest(names: &[String], size: f64) -> f64 {
    names.iter().map(|name| text_width(name, size)).fold(0.0, f64::max)
}

/// The colour so far along the ramp.
fn colour(share: f64) -> String {
    let along = share.clamp(0.0, 1.0) * (RAMP.len() - 1) as f64;
    let first = (along.floor() as usize).min(RAMP.len() - 2);
    let rest = along - first as f64;
    let [r, g, b] = [0, 1, 2].map(|channel| {
        let [low, high] = [RAMP[first][channel], RAMP[first + 1][channel]];
        (low + rest * (high - low)).round() as u8
    });
    format!("#{r:02x}{g:02x}{b:02x}")
}
