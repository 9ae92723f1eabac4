//! A chart of series over an x: points with error bars joined by lines, or plain curves, with bands, rules and labels.

use super::axis::{Axis, Ruler, draw_x, draw_y};
use super::canvas::{Anchor, Area, Canvas, LINE, SMALL, TEXT, escape, text_width, wrap};
use super::look::Look;
use super::numbers::{about, px, short};
use std::fmt::Write as _;

/// A picture of series.
///
/// A value that is not a number is left out, and the line has a gap there. A value beyond an end of the y axis, infinite
/// ones too, is drawn as an arrow at that end, with the value beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// Its heading.
    pub title: String,
    /// What it shows, for those who cannot see it.
    pub about: String,
    /// The axis along.
    pub x: Axis,
    /// The axis upwards.
    pub y: Axis,
    /// What is drawn, the last on top.
    pub series: Vec<Series>,
    /// Lines across, such as a target.
    pub rules: Vec<Rule>,
    /// What is below it, such as what open markers mean; nothing if empty.
    pub note: String,
    /// How wide and high it is at least, in pixels.
    pub size: [f64; 2],
}

/// One line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Its label.
    pub name: String,
    /// Its colour, marker and dashes.
    pub look: Look,
    /// A plain curve; else every point has a marker.
    pub curve: bool,
    /// Its points, from left to right.
    pub points: Vec<Point>,
    /// What is shaded around it, from left to right.
    pub band: Vec<Span>,
}

/// A point of a series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Where it is along.
    pub x: f64,
    /// How high.
    pub y: f64,
    /// How far its error bar goes up and down.
    pub error: Option<f64>,
    /// With an open marker, such as for runs of which some missed the target.
    pub open: bool,
}

/// What a band covers at one x.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    /// Where it is along.
    pub x: f64,
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

/// A line across a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// How high.
    pub y: f64,
    /// What it is.
    pub label: String,
}

impl Point {
    /// A filled point without an error bar.
    pub fn new(x: f64, y: f64) -> Self {
        Self { x, y, error: None, open: false }
    }

    /// The same with an error bar.
    pub fn with_error(self, error: f64) -> Self {
        Self { error: Some(error), ..self }
    }

    /// The same with an open marker.
    pub fn opened(self) -> Self {
        Self { open: true, ..self }
    }
}

impl Series {
    /// Points with markers, joined by lines; it looks like the optimizer `name`, or like the `index`th other.
    pub fn points(name: impl Into<String>, index: usize, points: Vec<Point>) -> Self {
        let name = name.into();
        Self { look: Look::of(&name, index), name, curve: false, points, band: Vec::new() }
    }

    /// A plain curve.
    pub fn curve(name: impl Into<String>, index: usize, points: Vec<Point>) -> Self {
        Self { curve: true, ..Self::points(name, index, points) }
    }

    /// The same with a band.
    pub fn with_band(self, band: Vec<Span>) -> Self {
        Self { band, ..self }
    }
}

/// Where the things of a chart are.
struct Plan {
    /// The frame.
    area: Area,
    x: Ruler,
    y: Ruler,
    /// The pixels at the ends of the x axis, within the frame.
    across: [f64; 2],
}

impl Plan {
    fn x(&self, value: f64) -> f64 {
        self.x.at(value, self.across)
    }

    fn y(&self, value: f64) -> f64 {
        self.y.at(value, [self.area.bottom, self.area.top])
    }

    fn held_y(&self, value: f64) -> f64 {
        self.y.held(value, [self.area.bottom, self.area.top])
    }
}

/// From the frame to the labels of the series.
const LEAD: f64 = 16.0;
/// How wide the sample of a line is before its label.
const SAMPLE: f64 = 30.0;
/// Between the bars of two series at one x.
const DODGE: f64 = 5.0;
/// The values of so many arrows at one x are written beside them.
const MOST_VALUES: usize = 6;

impl Chart {
    /// A chart without series yet, 580 pixels wide.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        let (about, note) = (String::new(), String::new());
        Self {
            title: title.into(),
            about,
            x,
            y,
            series: Vec::new(),
            rules: Vec::new(),
            note,
            size: [580.0, 390.0],
        }
    }

    /// The picture.
    pub fn svg(&self) -> String {
        let note = wrap(&self.note, self.size[0] - 24.0, SMALL);
        let height = self.size[1].max((self.series.len() as f64 + 6.0) * LINE) + note.len() as f64 * LINE;
        let mut canvas = Canvas::new(self.size[0], height);
        let top = canvas.heading(&self.title);
        let plan = self.plan(top, height - note.len() as f64 * LINE - 50.0);
        draw_x(&mut canvas, &plan.x, plan.area, plan.across, &self.x.title);
        draw_y(&mut canvas, &plan.y, plan.area, 20.0, &self.y.title);
        canvas.rect("axis", plan.area, r#" fill="none""#);
        canvas.clip(plan.area);
        self.series.iter().for_each(|series| draw_band(&mut canvas, &plan, series));
        self.rules
            .iter()
            .filter(|rule| plan.y.holds(rule.y))
            .for_each(|rule| draw_rule(&mut canvas, &plan, rule));
        for (number, series) in self.series.iter().enumerate() {
            draw_line(&mut canvas, &plan, series, self.dodge(number));
        }
        canvas.end_clip();
        self.draw_arrows(&mut canvas, &plan);
        for (number, series) in self.series.iter().enumerate() {
            self.draw_points(&mut canvas, &plan, series, self.dodge(number));
        }
        self.rules
            .iter()
            .filter(|rule| plan.y.holds(rule.y))
            .for_each(|rule| label_rule(&mut canvas, &plan, rule));
        self.draw_labels(&mut canvas, &plan);
        canvas.paragraph("small soft", 12.0, plan.area.bottom + 46.0, &note);
        canvas.finish(&self.title, &self.about)
    }

    fn plan(&self, top: f64, bottom: f64) -> Plan {
        let points = || self.series.iter().flat_map(|series| &series.points);
        let bands = || self.series.iter().flat_map(|series| &series.band);
        let x = self.x.ruler(points().map(|point| point.x).chain(bands().map(|span| span.x)));
        let ends = |point: &Point| {
            let error = point.error.unwrap_or(0.0);
            [point.y - error, point.y, point.y + error]
        };
        let shaded = bands().flat_map(|span| [span.low, span.high]);
        let ruled = self.rules.iter().map(|rule| rule.y);
        let y = self.y.ruler(points().flat_map(ends).chain(shaded).chain(ruled));
        let left = 42.0 + y.widest();
        let names = self.series.iter().map(|series| text_width(&series.name, TEXT)).fold(0.0, f64::max);
        let margin = if self.series.is_empty() { 16.0 } else { LEAD + SAMPLE + names + 16.0 };
        let right = (self.size[0] - margin).max(left + 120.0);
        // Markers and their bars don't touch the frame.
        let inset = if self.series.iter().any(|series| !series.curve) { 18.0 } else { 0.0 };
        Plan { area: Area { left, top, right, bottom }, x, y, across: [left + inset, right - inset] }
    }

    /// How far series number `number` is moved aside, so that bars at one x don't cover one another.
    fn dodge(&self, number: usize) -> f64 {
        let barred = |series: &Series| series.points.iter().any(|point| point.error.is_some());
        if self.series[number].curve || !self.series.iter().any(barred) {
            return 0.0;
        }
        let of_points = |series: &&Series| !series.curve;
        let before = self.series[..number].iter().filter(of_points).count() as f64;
        let all = self.series.iter().filter(of_points).count() as f64;
        (before - (all - 1.0) / 2.0) * DODGE.min(28.0 / all)
    }

    fn draw_points(&self, canvas: &mut Canvas, plan: &Plan, series: &Series, dodge: f64) {
        if series.curve {
            return;
        }
        for point in series.points.iter().filter(|point| plan.x.holds(point.x) && plan.y.holds(point.y)) {
            let (x, y) = (plan.x(point.x) + dodge, plan.y(point.y));
            let mut said = format!("{}, {}: {}", series.name, short(point.x), short(point.y));
            if let Some(error) = point.error.filter(|error| error.is_finite() && *error >= 0.0) {
                draw_error(canvas, plan, series.look, [x, point.y], error);
                write!(said, " ± {}", short(error)).expect("a string takes all");
            }
            canvas.marker(series.look, point.open, [x, y], &said);
        }
    }

    /// Arrows at the ends of the y axis for what lies beyond them, and the values of those that have one.
    fn draw_arrows(&self, canvas: &mut Canvas, plan: &Plan) {
        let mut arrows: Vec<Arrow> = Vec::new();
        for (number, series) in self.series.iter().enumerate().filter(|(_, series)| !series.curve) {
            let beyond =
                |point: &&Point| !point.y.is_nan() && !plan.y.holds(point.y) && plan.x.holds(point.x);
            for point in series.points.iter().filter(beyond) {
                let x = plan.x(point.x);
                let (at, up, class) = (x + self.dodge(number), point.y > plan.y.to, series.look.class());
                let arrow = Arrow { x, at, y: point.y, up, class };
                arrow.draw(canvas, plan, series, point);
                arrows.push(arrow);
            }
        }
        for (number, arrow) in arrows.iter().enumerate().filter(|(_, arrow)| arrow.y.is_finite()) {
            // Those at one x have their values below one another, beside all of their arrows.
            let beside = |other: &&Arrow| other.up == arrow.up && (other.x - arrow.x).abs() < 20.0;
            let place = arrows[..number].iter().filter(|other| other.y.is_finite()).filter(beside).count();
            let end = arrows.iter().filter(beside).map(|other| other.at).fold(arrow.at, f64::max);
            let down = if arrow.up { plan.area.top + 15.0 } else { plan.area.bottom - 7.0 };
            let y = down + if arrow.up { 15.0 } else { -15.0 } * place as f64;
            let class = format!("small halo {}", arrow.class);
            if place < MOST_VALUES && end + 50.0 < plan.area.right {
                canvas.text(&class, Anchor::Start, [end + 9.0, y], &about(arrow.y));
            } else if place < MOST_VALUES {
                let start = arrows.iter().filter(beside).map(|other| other.at).fold(arrow.at, f64::min);
                canvas.text(&class, Anchor::End, [start - 9.0, y], &about(arrow.y));
            }
        }
    }

    /// The series' names right of the frame, with samples of their lines, as near to their ends as there is room.
    fn draw_labels(&self, canvas: &mut Canvas, plan: &Plan) {
        let ends: Vec<Option<[f64; 2]>> = self.series.iter().map(|series| plan.end_of(series)).collect();
        let wanted = ends.iter().map(|end| end.map_or(plan.area.bottom, |[_, y]| y));
        let heights =
            spread(&wanted.collect::<Vec<_>>(), [plan.area.top + 8.0, plan.area.bottom - 8.0], LINE + 1.0);
        let start = plan.area.right + LEAD;
        for ((number, series), y) in self.series.iter().enumerate().zip(heights) {
            let class = series.look.class();
            if let Some([x, from]) = ends[number].filter(|[x, _]| *x > plan.across[1] - 30.0) {
                let x = if series.curve { x } else { x + self.dodge(number) + 8.0 };
                canvas.line(&format!("lead {class}"), [x, from], [start - 2.0, y]);
            }
            let (from, to, at, dashes) = (px(start), px(start + 24.0), px(y), series.look.dashes());
            canvas.add(&format!(r#"<path class="curve {class}"{dashes} d="M{from} {at}H{to}"/>"#));
            if !series.curve {
                let (x, y, shape) = (px(start + 12.0), px(y), series.look.marker());
                canvas.add(&format!(
                    r#"<path class="solid {class}" transform="translate({x} {y})" d="{shape}"/>"#
                ));
            }
            canvas.text("", Anchor::Start, [start + SAMPLE, y + 4.5], &series.name);
        }
    }
}

/// An arrow at the upper or lower end of a chart.
struct Arrow {
    /// The x of its point in pixels, and where it is drawn.
    x: f64,
    at: f64,
    /// The value that it stands for.
    y: f64,
    up: bool,
    class: String,
}

impl Arrow {
    fn draw(&self, canvas: &mut Canvas, plan: &Plan, series: &Series, point: &Point) {
        let (tip, sign) = if self.up { (plan.area.top + 2.0, 1.0) } else { (plan.area.bottom - 2.0, -1.0) };
        let (class, fill) = (series.look.class(), if point.open { "open" } else { "solid" });
        let [left, middle, right] = [-4.5, 0.0, 4.5].map(|aside| px(self.at + aside));
        let [head, neck, tail] = [0.0, 9.0, 19.0].map(|far| px(tip + sign * far));
        let value = if self.y.is_finite() { short(self.y) } else { "beyond the picture".to_owned() };
        let said = escape(&format!("{}, {}: {value}", series.name, short(point.x)));
        canvas.add(&format!(
            "<g class=\"arrow {class}\"><title>{said}</title><path class=\"error\" d=\"M{middle} {neck}V{tail}\"/>\
             <path class=\"{fill}\" d=\"M{middle} {head}L{right} {neck}H{left}Z\"/></g>"
        ));
    }
}

impl Plan {
    /// Where the last point of `series` is, if it has one.
    fn end_of(&self, series: &Series) -> Option<[f64; 2]> {
        let seen = |point: &&Point| !point.y.is_nan() && self.x.holds(point.x);
        series.points.iter().rev().find(seen).map(|point| [self.x(point.x), self.held_y(point.y)])
    }
}

/// Heights as near to the `wanted` ones as labels that are `gap` apart can be, between two ends.
pub(super) fn spread(wanted: &[f64], [first, last]: [f64; 2], gap: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&a, &b| wanted[a].total_cmp(&wanted[b]));
    let gap = gap.min((last - first) / (wanted.len().max(2) - 1) as f64);
    // Labels that touch move as one block, whose middle is where the middle of what they want is.
    let mut blocks: Vec<(f64, usize)> = Vec::new();
    for &number in &order {
        let mut block = (wanted[number], 1);
        while let Some(&(middle, count)) = blocks.last() {
            let reach = gap * (count + block.1) as f64 / 2.0;
            if block.0 - middle >= reach - 1e-9 {
                break;
            }
            blocks.pop();
            let all = (count + block.1) as f64;
            block = ((middle * count as f64 + block.0 * block.1 as f64) / all, count + block.1);
        }
        let half = gap * (block.1 - 1) as f64 / 2.0;
        block.0 = block.0.min(last - half).max(first + half);
        blocks.push(block);
    }
    // A block that was held at an end may now touch its neighbour.
    let mut heights = vec![0.0; wanted.len()];
    let mut places = order.iter();
    for (middle, count) in blocks {
        for place in 0..count {
            let number = *places.next().expect("every label is in one block");
            heights[number] = middle + gap * (place as f64 - (count - 1) as f64 / 2.0);
        }
    }
    heights
}

fn draw_band(canvas: &mut Canvas, plan: &Plan, series: &Series) {
    let sound = |span: &&Span| plan.x.knows(span.x) && !span.low.is_nan() && !span.high.is_nan();
    let spans: Vec<&Span> = series.band.iter().filter(sound).collect();
    if spans.len() < 2 {
        return;
    }
    let mut path = String::from("M");
    let there = spans.iter().map(|span| (span.x, span.low));
    for (x, y) in there.chain(spans.iter().rev().map(|span| (span.x, span.high))) {
        write!(path, "{} {} ", px(plan.x(x)), px(plan.y(y))).expect("a string takes all");
    }
    canvas.add(&format!(r#"<path class="band {}" d="{}Z"/>"#, series.look.class(), path.trim_end()));
}

/// The line through a series' points, broken where one has no height.
fn draw_line(canvas: &mut Canvas, plan: &Plan, series: &Series, dodge: f64) {
    let mut path = String::new();
    let mut step = 'M';
    for point in series.points.iter().filter(|point| plan.x.knows(point.x)) {
        if !plan.y.knows(point.y) {
            step = 'M';
            continue;
        }
        write!(path, "{step}{} {}", px(plan.x(point.x) + dodge), px(plan.y(point.y)))
            .expect("a string takes all");
        step = 'L';
    }
    if path.contains('L') {
        let (class, dashes) = (series.look.class(), series.look.dashes());
        canvas.add(&format!(r#"<path class="curve {class}"{dashes} d="{path}"/>"#));
    }
}

/// An error bar; an end that has no place in the frame has no cap.
fn draw_error(canvas: &mut Canvas, plan: &Plan, look: Look, [x, y]: [f64; 2], error: f64) {
    let ends = [y - error, y + error];
    let [low, high] = ends.map(|end| px(plan.held_y(end)));
    let mut path = format!("M{} {low}V{high}", px(x));
    for end in ends.into_iter().filter(|end| plan.y.holds(*end)) {
        write!(path, "M{} {}h7", px(x - 3.5), px(plan.y(end))).expect("a string takes all");
    }
    canvas.add(&format!(r#"<path class="error {}" d="{path}"/>"#, look.class()));
}

fn draw_rule(canvas: &mut Canvas, plan: &Plan, rule: &Rule) {
    let y = plan.y(rule.y);
    canvas.line("rule all", [plan.area.left, y], [plan.area.right, y]);
}

fn label_rule(canvas: &mut Canvas, plan: &Plan, rule: &Rule) {
    let y = plan.y(rule.y);
    // Above the line, unless that is above the frame.
    let y = if y - 18.0 < plan.area.top { y + 14.0 } else { y - 6.0 };
    canvas.text("small halo", Anchor::Start, [plan.area.left + 8.0, y], &rule.label);
}
