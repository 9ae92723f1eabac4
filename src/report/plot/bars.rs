//! Bars in groups: ours beside somebody else's.

use super::axis::{Axis, Ruler, draw_y};
use super::canvas::{Anchor, Area, Canvas, LINE, SMALL, TEXT, text_width, wrap};
use super::look::Look;
use super::numbers::{fixed, px};

/// A picture of bars. A value that is not finite has a dash for a bar.
#[derive(Clone, Debug, PartialEq)]
pub struct Bars {
    /// Its heading.
    pub title: String,
    /// What it shows, for those who cannot see it.
    pub about: String,
    /// The axis upwards.
    pub y: Axis,
    /// What the first, second, ... bar of every group is. The first are filled, the second hatched, others empty.
    pub sets: Vec<String>,
    /// The groups, from left to right.
    pub groups: Vec<Group>,
    /// Of the values above the bars.
    pub decimals: usize,
    /// What is below it; nothing if empty.
    pub note: String,
    /// How wide and high it is, in pixels.
    pub size: [f64; 2],
}

/// Bars that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What is below it.
    pub name: String,
    /// Its colour.
    pub look: Look,
    /// A bar for every set.
    pub bars: Vec<Option<Bar>>,
}

/// A bar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bar {
    /// How high.
    pub value: f64,
    /// How far its error bar goes up and down.
    pub error: Option<f64>,
}

impl Group {
    /// A group that looks like the optimizer `name`, or like the `index`th other.
    pub fn new(name: impl Into<String>, index: usize, bars: Vec<Option<Bar>>) -> Self {
        let name = name.into();
        Self { look: Look::of(&name, index), name, bars }
    }
}

impl Bar {
    /// A bar with an error bar.
    pub fn new(value: f64, error: Option<f64>) -> Self {
        Self { value, error }
    }

    /// Its upper end, with that of its error bar.
    fn top(&self) -> f64 {
        self.value + self.error.filter(|error| error.is_finite()).unwrap_or(0.0)
    }
}

impl Bars {
    /// Without groups yet, 580 pixels wide, values with one decimal.
    pub fn new(title: impl Into<String>, y: Axis, sets: &[&str]) -> Self {
        Self {
            title: title.into(),
            about: String::new(),
            y,
            sets: sets.iter().map(|set| (*set).to_owned()).collect(),
            groups: Vec::new(),
            decimals: 1,
            note: String::new(),
            size: [580.0, 370.0],
        }
    }

    /// The picture.
    pub fn svg(&self) -> String {
        let note = wrap(&self.note, self.size[0] - 24.0, SMALL);
        let below = note.len() as f64 * LINE;
        let mut canvas = Canvas::new(self.size[0], self.size[1] + below);
        let mut top = canvas.heading(&self.title);
        if self.sets.len() > 1 {
            self.draw_key(&mut canvas, top);
            top += LINE + 12.0;
        }
        let y = self.ruler();
        let area = Area {
            left: 42.0 + y.widest(),
            top,
            right: self.size[0] - 14.0,
            bottom: self.size[1] - 22.0 - LINE * self.name_lines(&y) as f64,
        };
        draw_y(&mut canvas, &y, area, 20.0, &self.y.title);
        for (number, group) in self.groups.iter().enumerate() {
            self.draw_group(&mut canvas, &y, area, number, group);
        }
        canvas.line("axis", [area.left, area.bottom], [area.right, area.bottom]);
        canvas.paragraph("small soft", 12.0, self.size[1] - 10.0, &note);
        canvas.finish(&self.title, &self.about)
    }

    fn ruler(&self) -> Ruler {
        let bars = self.groups.iter().flat_map(|group| group.bars.iter().flatten());
        let axis = match self.y.scale {
            super::Scale::Linear if self.y.from.is_none() => self.y.clone().starting_at(0.0),
            _ => self.y.clone(),
        };
        // With room for the values above.
        axis.ruler(bars.flat_map(|bar| [bar.value, bar.top() * 1.06]))
    }

    /// The width of a group, with the room around it.
    fn group_width(&self, area: Area) -> f64 {
        area.width() / self.groups.len().max(1) as f64
    }

    /// How many lines the longest of the groups' names has.
    fn name_lines(&self, y: &Ruler) -> usize {
        let width = (self.size[0] - 56.0 - y.widest()) / self.groups.len().max(1) as f64;
        self.groups.iter().map(|group| name_lines(&group.name, width).len()).max().unwrap_or(1)
    }

    /// What filled, hatched and empty bars are.
    fn draw_key(&self, canvas: &mut Canvas, top: f64) {
        let mut x = 12.0;
        for (set, name) in self.sets.iter().enumerate() {
            let area = Area { left: x, top: top + 1.0, right: x + 22.0, bottom: top + 13.0 };
            fill(canvas, "c", set, area);
            canvas.text("", Anchor::Start, [x + 28.0, top + 12.0], name);
            x += 28.0 + text_width(name, TEXT) + 18.0;
        }
    }

    fn draw_group(&self, canvas: &mut Canvas, y: &Ruler, area: Area, number: usize, group: &Group) {
        let width = self.group_width(area);
        let middle = area.left + width * (number as f64 + 0.5);
        let count = self.sets.len().max(1);
        let each = (width * 0.8 / count as f64).min(64.0);
        for (set, bar) in group.bars.iter().take(count).enumerate() {
            let left = middle + each * (set as f64 - count as f64 / 2.0) + 2.0;
            let bar = bar.filter(|bar| bar.value.is_finite());
            let place = Area { left, right: left + each - 4.0, ..area };
            self.draw_bar(canvas, y, place, set, group.look, bar);
        }
        let mut below = area.bottom + 18.0;
        for line in name_lines(&group.name, width) {
            canvas.text("", Anchor::Middle, [middle, below], &line);
            below += LINE - 1.0;
        }
    }

    /// A bar within its column `place`; one that is higher than it ends in an arrow.
    fn draw_bar(
        &self,
        canvas: &mut Canvas,
        y: &Ruler,
        place: Area,
        set: usize,
        look: Look,
        bar: Option<Bar>,
    ) {
        let middle = (place.left + place.right) / 2.0;
        let Some(bar) = bar else {
            canvas.text("", Anchor::Middle, [middle, place.bottom - 7.0], "–");
            return;
        };
        let span = [place.bottom, place.top];
        let above = !y.holds(bar.value) && bar.value > y.to;
        let top = if above { place.top + 34.0 } else { y.held(bar.value, span) };
        let class = look.class();
        fill(canvas, &class, set, Area { top, ..place });
        let mut label = top;
        if above {
            let [x, left, right] = [middle, middle - 7.0, middle + 7.0].map(px);
            let [tip, foot] = [top - 14.0, top - 3.0].map(px);
            canvas.add(&format!(r#"<path class="solid {class}" d="M{x} {tip}L{right} {foot}H{left}Z"/>"#));
            label = top - 14.0;
        } else if let Some(error) = bar.error.filter(|error| error.is_finite() && *error >= 0.0) {
            let [low, high] = [bar.value - error, bar.value + error].map(|end| y.held(end, span));
            let [x, cap, low_at, high_at] = [middle, middle - 5.0, low, high].map(px);
            let path = format!("M{x} {low_at}V{high_at}M{cap} {low_at}h10M{cap} {high_at}h10");
            canvas.add(&format!(r#"<path class="halo" fill="none" d="{path}"/>"#));
            canvas.add(&format!(r#"<path class="error ink" d="{path}"/>"#));
            label = high;
        }
        canvas.text("small halo", Anchor::Middle, [middle, label - 6.0], &fixed(bar.value, self.decimals));
    }
}

/// Fills `area` as the bars of that set are.
fn fill(canvas: &mut Canvas, class: &str, set: usize, area: Area) {
    if set == 0 {
        canvas.rect(&format!("bar {class}"), area, "");
        return;
    }
    canvas.rect(&format!("open {class}"), area, "");
    if set == 1 {
        canvas.hatch(class, area, 6.0);
    }
}

/// A group's name in lines, broken at spaces and after hyphens where it is too long.
fn name_lines(name: &str, width: f64) -> Vec<String> {
    if text_width(name, TEXT) <= width - 4.0 {
        return vec![name.to_owned()];
    }
    wrap(&name.replace('-', "- "), width - 4.0, TEXT)
}
