//! A profile as a roofline (Williams, Waterman and Patterson, 2009): how fast each cell works over how much work it does
//! for each byte, under the roofs of the machine. An SVG, for light and dark backgrounds.

use super::plot::axis::{Axis, Ruler, draw_x, draw_y};
use super::plot::canvas::{Anchor, Area, Canvas, escape};
use super::plot::look::Look;
use super::plot::numbers::px;
use super::profile::Use;
use crate::experiments::peaks::Peaks;
use crate::experiments::profile::{Measured, Profile};

/// Where the plot lies in the picture.
const LEFT: f64 = 70.0;
const TOP: f64 = 62.0;
const RIGHT: f64 = LEFT + 640.0;
/// Where the labels of its points begin.
const LABELS: f64 = RIGHT + 40.0;
/// The whole picture's width.
const ALL_WIDTH: f64 = LABELS + 240.0;
/// Between two labels.
const LINE: f64 = 17.0;
/// Height of the plot at least.
const HEIGHT: f64 = 440.0;

/// The frame and its axes.
struct Plan {
    area: Area,
    x: Ruler,
    y: Ruler,
}

impl Plan {
    fn of(profile: &Profile, cells: &[(&Measured, Use)]) -> Self {
        let bottom = TOP + HEIGHT.max(cells.len() as f64 * LINE);
        let area = Area { left: LEFT, top: TOP, right: RIGHT, bottom };
        let intensities = cells.iter().map(|(_, used)| used.intensity);
        // From the least of the points to where the lowest roof has met the peak.
        let ridges = profile.peaks.iter().flat_map(ridges).map(|ridge| ridge.min(16.0));
        let x = Axis::log2("").ruler(intensities.chain(ridges).flat_map(with_room));
        let peaks = profile.peaks.iter().map(|peaks| peaks.gflops);
        let y =
            Axis::log2("").ruler(cells.iter().map(|(_, used)| used.gflops).chain(peaks).flat_map(with_room));
        Self { area, x, y }
    }

    fn x(&self, value: f64) -> f64 {
        self.x.held(value, [self.area.left, self.area.right])
    }

    fn y(&self, value: f64) -> f64 {
        self.y.held(value, [self.area.bottom, self.area.top])
    }
}

/// Where the roofs of the levels meet the peak.
fn ridges(peaks: &Peaks) -> impl Iterator<Item = f64> {
    peaks.levels.iter().map(|level| peaks.gflops / level.load_gbs)
}

/// Values around `value` that keep it off the frame.
fn with_room(value: f64) -> [f64; 2] {
    [value / 1.3, value * 1.05]
}

/// The picture, whole.
pub fn svg(profile: &Profile) -> String {
    let cells: Vec<(&Measured, Use)> =
        profile.cells.iter().map(|measured| (measured, Use::of(measured))).collect();
    let plan = Plan::of(profile, &cells);
    let mut canvas = Canvas::new(ALL_WIDTH, plan.area.bottom + 60.0);
    let title = "Roofline of dlr";
    canvas.heading(title);
    let roofs = if profile.peaks.len() > 1 { "one thread, and of all (dashed)" } else { "one thread" };
    let about = format!(
        "Optimizer, hidden units, batch: GFLOP/s. Circles learn online, squares in batches; roofs are the peaks of {roofs}"
    );
    canvas.text("soft", Anchor::Start, [12.0, 46.0], &about);
    let across = [plan.area.left, plan.area.right];
    draw_x(
        &mut canvas,
        &plan.x,
        plan.area,
        across,
        "floating-point operations for each byte loaded or stored",
    );
    draw_y(&mut canvas, &plan.y, plan.area, 20.0, "GFLOP/s");
    canvas.rect("axis", plan.area, r#" fill="none""#);
    for (number, peaks) in profile.peaks.iter().enumerate() {
        draw_roofs(&mut canvas, &plan, peaks, number == 0);
    }
    draw_cells(&mut canvas, &plan, &cells);
    canvas.finish(title, &about)
}

/// The peak, and the bandwidths that lead to it; the first peaks' are drawn through and have their names.
fn draw_roofs(canvas: &mut Canvas, plan: &Plan, peaks: &Peaks, first: bool) {
    let class = if first { "roof" } else { "roof all" };
    let top = plan.y(peaks.gflops);
    let least_ridge = ridges(peaks).fold(f64::INFINITY, f64::min);
    canvas.line(class, [plan.x(least_ridge), top], [RIGHT, top]);
    let name = format!("FMA {:.0} GFLOP/s", peaks.gflops);
    canvas.text("small halo", Anchor::End, [RIGHT - 6.0, top - 5.0], &name);
    for level in &peaks.levels {
        // From the left, or from where the roof enters the picture, to the peak, or to the right.
        let from = plan.x.from.max(plan.y.from / level.load_gbs);
        let to = (peaks.gflops / level.load_gbs).min(plan.x.to);
        let [x1, y1] = [plan.x(from), plan.y(from * level.load_gbs)];
        let [x2, y2] = [plan.x(to), plan.y(to * level.load_gbs)];
        canvas.line(class, [x1, y1], [x2, y2]);
        if first {
            let angle = (y2 - y1).atan2(x2 - x1).to_degrees();
            let [x, y, angle] = [x1 + 0.03 * (x2 - x1), y1 + 0.03 * (y2 - y1), angle].map(px);
            let name = escape(level.name);
            canvas.add(&format!(
                r#"<text class="small halo" transform="translate({x} {y}) rotate({angle})" dy="-4">{name} {:.0} GB/s</text>"#,
                level.load_gbs
            ));
        }
    }
}

/// The points, and their labels in the order of their heights, so that their leads don't cross much.
fn draw_cells(canvas: &mut Canvas, plan: &Plan, cells: &[(&Measured, Use)]) {
    let mut names: Vec<&str> = Vec::new();
    for (measured, _) in cells {
        if !names.contains(&&*measured.cell.optimizer) {
            names.push(&measured.cell.optimizer);
        }
    }
    let mut order: Vec<&(&Measured, Use)> = cells.iter().collect();
    order.sort_by(|a, b| b.1.gflops.total_cmp(&a.1.gflops));
    let gap = plan.area.height() / cells.len().max(1) as f64;
    for (place, (measured, used)) in order.into_iter().enumerate() {
        let number = names.iter().position(|name| *name == measured.cell.optimizer).unwrap_or(0);
        let look = Look::of(&measured.cell.optimizer, number);
        draw_cell(canvas, plan, (measured, used), look, TOP + (place as f64 + 0.5) * gap);
    }
}

/// A point, and its label at the height `label`.
fn draw_cell(canvas: &mut Canvas, plan: &Plan, (measured, used): (&Measured, &Use), look: Look, label: f64) {
    let cell = &measured.cell;
    let [x, y] = [plan.x(used.intensity), plan.y(used.gflops)];
    let name = format!("{} {}, {}", cell.optimizer, cell.hidden, cell.batch);
    let said = escape(&format!(
        "{name}: {:.1} GFLOP/s, {:.2} flop for each byte, {:.0} ns for each image",
        used.gflops, used.intensity, measured.whole.median
    ));
    let [cx, cy, left, top, turn, at, end] =
        [x, y, x - 4.0, y - 4.0, RIGHT + 14.0, label, LABELS - 6.0].map(px);
    let shape = match cell.batch {
        1 => format!(r#"<circle class="point" cx="{cx}" cy="{cy}" r="4.5"/>"#),
        _ => format!(r#"<rect class="point" x="{left}" y="{top}" width="8" height="8"/>"#),
    };
    canvas.add(&format!(
        r#"<g class="solid {}"><path class="lead" d="M{cx} {cy}L{turn} {at}H{end}"/>{shape}<title>{said}</title></g>"#,
        look.class()
    ));
    canvas.text("small", Anchor::Start, [LABELS, label + 4.0], &format!("{name}: {:.1}", used.gflops));
}
