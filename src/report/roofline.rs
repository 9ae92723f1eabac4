//! A profile as a roofline (Williams, Waterman and Patterson, 2009): how fast each cell works over how much work it does
//! for each byte, under the roofs of the machine. An SVG, for light and dark backgrounds.

use super::profile::Use;
use crate::experiments::profile::{Measured, Profile};
use std::fmt::Write as _;

/// Where the plot lies in the picture, and where the labels of its points begin.
const LEFT: f64 = 70.0;
const TOP: f64 = 40.0;
const WIDTH: f64 = 640.0;
const LABELS: f64 = LEFT + WIDTH + 40.0;
/// The whole picture's width.
const ALL_WIDTH: f64 = LABELS + 210.0;
/// Between two labels.
const LINE: f64 = 15.0;
/// Height of the plot at least.
const HEIGHT: f64 = 440.0;

/// Colours that are told apart on white and on black, also by those who see fewer of them (Okabe and Ito).
const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999"];

const STYLE: &str = "\
:root{color-scheme:light dark}
svg{background:#fff;color:#222;font:12px sans-serif}
text{fill:currentColor}
.axis,.roof{stroke:currentColor;fill:none}
.grid{stroke:currentColor;opacity:.12}
.all{stroke-dasharray:6 4}
.lead{fill:none;opacity:.45}
.small{font-size:11px}
@media (prefers-color-scheme:dark){svg{background:#161616;color:#ddd}}
";

/// A logarithmic axis: values `from` to `to` over pixels `start` to `end`.
#[derive(Clone, Copy)]
struct Axis {
    from: f64,
    to: f64,
    start: f64,
    end: f64,
}

impl Axis {
    /// Over whole powers of two around `values`, with some room.
    fn around(values: impl Iterator<Item = f64> + Clone, start: f64, end: f64) -> Self {
        let least = values.clone().fold(f64::INFINITY, f64::min);
        let most = values.fold(0.0, f64::max);
        Self { from: (least / 1.3).log2().floor().exp2(), to: (most * 1.05).log2().ceil().exp2(), start, end }
    }

    fn at(&self, value: f64) -> f64 {
        let share = (value / self.from).log2() / (self.to / self.from).log2();
        self.start + share.clamp(0.0, 1.0) * (self.end - self.start)
    }

    /// Powers of two on it.
    fn ticks(&self) -> impl Iterator<Item = f64> {
        let (first, last) = (self.from.log2().round() as i32, self.to.log2().round() as i32);
        (first..=last).map(|power| f64::from(power).exp2())
    }
}

/// The picture, whole.
pub fn svg(profile: &Profile) -> String {
    let cells: Vec<(&Measured, Use)> =
        profile.cells.iter().map(|measured| (measured, Use::of(measured))).collect();
    let height = HEIGHT.max(cells.len() as f64 * LINE);
    let (right, bottom) = (LEFT + WIDTH, TOP + height);
    let intensities = cells.iter().map(|(_, used)| used.intensity);
    let roofs =
        || profile.peaks.iter().flat_map(|peaks| peaks.levels.iter().map(move |level| (peaks, level)));
    // From the least of the points to where the lowest roof has met the peak.
    let ridges = roofs().map(|(peaks, level)| peaks.gflops / level.load_gbs);
    let x = Axis::around(intensities.chain(ridges.map(|ridge| ridge.min(16.0))), LEFT, right);
    let rates =
        cells.iter().map(|(_, used)| used.gflops).chain(profile.peaks.iter().map(|peaks| peaks.gflops));
    let y = Axis::around(rates, bottom, TOP);

    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {ALL_WIDTH} {:.0}\" role=\"img\">\n\
         <title>Roofline of dlr</title>\n<style>\n{STYLE}</style>\n",
        bottom + 60.0
    );
    let mut add = |line: String| {
        out += &line;
        out.push('\n');
    };
    for tick in x.ticks() {
        let at = x.at(tick);
        add(format!(r#"<line class="grid" x1="{at:.1}" y1="{TOP}" x2="{at:.1}" y2="{bottom:.1}"/>"#));
        add(format!(r#"<text x="{at:.1}" y="{:.1}" text-anchor="middle">{tick}</text>"#, bottom + 18.0));
    }
    for tick in y.ticks() {
        let at = y.at(tick);
        add(format!(r#"<line class="grid" x1="{LEFT}" y1="{at:.1}" x2="{right}" y2="{at:.1}"/>"#));
        add(format!(r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{tick}</text>"#, LEFT - 8.0, at + 4.0));
    }
    add(format!(r#"<rect class="axis" x="{LEFT}" y="{TOP}" width="{WIDTH}" height="{height:.1}"/>"#));
    add(format!(
        r#"<text x="{:.1}" y="{:.1}" text-anchor="middle">floating-point operations for each byte loaded or stored</text>"#,
        LEFT + WIDTH / 2.0,
        bottom + 42.0
    ));
    let middle = TOP + height / 2.0;
    add(format!(
        r#"<text x="20" y="{middle:.1}" text-anchor="middle" transform="rotate(-90 20 {middle:.1})">GFLOP/s</text>"#
    ));
    add(format!(
        r#"<text x="{LEFT}" y="24">optimizer, hidden units, batch: GFLOP/s. Circles learn online, squares in batches; roofs are the peaks of {}</text>"#,
        if profile.peaks.len() > 1 { "one thread, and of all (dashed)" } else { "one thread" }
    ));

    for (number, peaks) in profile.peaks.iter().enumerate() {
        let class = if number == 0 { "roof" } else { "roof all" };
        let top = y.at(peaks.gflops);
        let least_ridge =
            peaks.levels.iter().map(|level| peaks.gflops / level.load_gbs).fold(f64::INFINITY, f64::min);
        add(format!(
            r#"<line class="{class}" x1="{:.1}" y1="{top:.1}" x2="{right}" y2="{top:.1}"/>"#,
            x.at(least_ridge)
        ));
        add(format!(
            r#"<text class="small" x="{:.1}" y="{:.1}" text-anchor="end">FMA {:.0} GFLOP/s</text>"#,
            right - 6.0,
            top - 5.0,
            peaks.gflops
        ));
        for level in &peaks.levels {
            // From the left, or from where the roof enters the picture, to the peak, or to the right.
            let from = x.from.max(y.from / level.load_gbs);
            let to = (peaks.gflops / level.load_gbs).min(x.to);
            let [x1, y1] = [x.at(from), y.at(from * level.load_gbs)];
            let [x2, y2] = [x.at(to), y.at(to * level.load_gbs)];
            add(format!(r#"<line class="{class}" x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}"/>"#));
            if number == 0 {
                let angle = (y2 - y1).atan2(x2 - x1).to_degrees();
                add(format!(
                    r#"<text class="small" transform="translate({:.1} {:.1}) rotate({angle:.1})" dy="-4">{} {:.0} GB/s</text>"#,
                    x1 + 0.03 * (x2 - x1),
                    y1 + 0.03 * (y2 - y1),
                    level.name,
                    level.load_gbs
                ));
            }
        }
    }

    // Labels in the order of their points' heights, so that their leads don't cross much.
    let mut order: Vec<usize> = (0..cells.len()).collect();
    order.sort_by(|&a, &b| cells[b].1.gflops.total_cmp(&cells[a].1.gflops));
    let mut names: Vec<&str> = Vec::new();
    for (measured, _) in &cells {
        if !names.contains(&&*measured.cell.optimizer) {
            names.push(&measured.cell.optimizer);
        }
    }
    let gap = height / cells.len().max(1) as f64;
    for (place, &number) in order.iter().enumerate() {
        let (Measured { cell, whole, .. }, used) = &cells[number];
        let colour = names.iter().position(|name| *name == cell.optimizer).unwrap_or(0) % COLOURS.len();
        let colour = COLOURS[colour];
        let (cx, cy) = (x.at(used.intensity), y.at(used.gflops));
        let at = TOP + (place as f64 + 0.5) * gap;
        let name = format!("{} {}, {}", cell.optimizer, cell.hidden, cell.batch);
        let mut point = String::new();
        write!(
            point,
            r#"<path class="lead" stroke="{colour}" d="M{cx:.1} {cy:.1}L{:.1} {at:.1}H{:.1}"/>"#,
            right + 14.0,
            LABELS - 6.0
        )
        .expect("a string takes all");
        let shape = if cell.batch == 1 {
            format!(r#"<circle class="point" fill="{colour}" cx="{cx:.1}" cy="{cy:.1}" r="4.5">"#)
        } else {
            format!(
                r#"<rect class="point" fill="{colour}" x="{:.1}" y="{:.1}" width="8" height="8">"#,
                cx - 4.0,
                cy - 4.0
            )
        };
        let end = if cell.batch == 1 { "circle" } else { "rect" };
        write!(
            point,
            "{shape}<title>{name}: {:.1} GFLOP/s, {:.2} flop for each byte, {:.0} ns for each image</title></{end}>",
            used.gflops, used.intensity, whole.median
        )
        .expect("a string takes all");
        write!(
            point,
            r#"<text class="small" x="{LABELS}" y="{:.1}">{name}: {:.1}</text>"#,
            at + 4.0,
            used.gflops
        )
        .expect("a string takes all");
        add(point);
    }
    add("</svg>".to_owned());
    out
}
