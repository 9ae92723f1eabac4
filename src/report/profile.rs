//! A profile as tables for people and as lines of JSON.

use super::machine::Engine;
use super::summary::{grouped, line};
use crate::data::Dataset;
use crate::engine::phases::Phase;
use crate::experiments::peaks::Peaks;
use crate::experiments::profile::{Cell, Measured, Profile};
use crate::experiments::statistics::Spread;
use serde::Serialize;
use std::fmt::Write as _;

/// The version of the lines' form.
pub const SCHEMA: &str = "dlr-profile/1";

/// What a cell's numbers say of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Use {
    /// 10^9 floating-point operations a second.
    pub(super) gflops: f64,
    /// 10^9 bytes a second, loaded or stored.
    pub(super) gbs: f64,
    /// Floating-point operations for each byte.
    pub(super) intensity: f64,
    /// Where one update's working set has room.
    pub(super) level: &'static str,
    /// The share of the peak of fused multiply-adds.
    pub(super) of_peak: f64,
    /// The share of that level's bandwidth, for this mixture of loads and stores.
    pub(super) of_bandwidth: f64,
}

impl Use {
    pub(super) fn of(measured: &Measured) -> Self {
        let (work, ns) = (&measured.work, measured.whole.median);
        let level = measured.peaks.level_of(work.working_set);
        let (gflops, gbs) = (work.flops / ns, (work.loads + work.stores) / ns);
        Self {
            gflops,
            gbs,
            intensity: gflops / gbs,
            level: level.name,
            of_peak: gflops / measured.peaks.gflops,
            of_bandwidth: gbs / level.bandwidth(work.loads, work.stores),
        }
    }
}

/// The first line of JSON: what the others were measured on, and how.
#[derive(Serialize)]
struct Head<'a> {
    schema: &'static str,
    kind: &'static str,
    engine: &'a Engine,
    data: &'a str,
    inputs: usize,
    classes: usize,
    train_images: usize,
    rounds: u64,
    lap_ns: f64,
    peaks: &'a [Peaks],
    peak_memory_bytes: Option<u64>,
    others_processors: Option<f64>,
    stolen_processors: Option<f64>,
    interrupted: bool,
}

/// A line of JSON for a cell. Times are nanoseconds for an image.
#[derive(Serialize)]
struct Line<'a> {
    schema: &'static str,
    kind: &'static str,
    #[serde(flatten)]
    cell: &'a Cell,
    rounds: usize,
    piece_images: usize,
    ns: &'a Spread,
    phases_ns: Phases,
    phases_gap: f64,
    test_ns: f64,
    images_per_s: f64,
    epoch_ms: f64,
    times_sgd: Option<f64>,
    flops: f64,
    loaded_bytes: f64,
    stored_bytes: f64,
    working_set_bytes: f64,
    memory_bytes_per_weight: usize,
    #[serde(flatten)]
    used: Use,
}

#[derive(Serialize)]
struct Phases {
    data: f64,
    forward: f64,
    output: f64,
    update: f64,
}

/// The profile as lines of JSON: the machine, and then a line for each cell.
pub fn json_lines(profile: &Profile, data: &Dataset, engine: &Engine) -> String {
    let head = Head {
        schema: SCHEMA,
        kind: "machine",
        engine,
        data: &data.name,
        inputs: data.inputs,
        classes: data.classes,
        train_images: data.train.len(),
        rounds: profile.rounds,
        lap_ns: profile.lap_ns,
        peaks: &profile.peaks,
        peak_memory_bytes: profile.peak_memory,
        others_processors: profile.others.map(|others| others.used),
        stolen_processors: profile.others.map(|others| others.stolen),
        interrupted: profile.interrupted,
    };
    let mut text = json(&head);
    for measured in &profile.cells {
        let [data_ns, forward, output, update] = measured.phases;
        text += &json(&Line {
            schema: SCHEMA,
            kind: "cell",
            cell: &measured.cell,
            rounds: measured.rounds,
            piece_images: measured.images,
            ns: &measured.whole,
            phases_ns: Phases { data: data_ns, forward, output, update },
            phases_gap: measured.gap(),
            test_ns: measured.test,
            images_per_s: 1e9 / measured.whole.median,
            epoch_ms: epoch_ms(measured, data),
            times_sgd: measured.times_sgd,
            flops: measured.work.flops,
            loaded_bytes: measured.work.loads,
            stored_bytes: measured.work.stores,
            working_set_bytes: measured.work.working_set,
            memory_bytes_per_weight: measured.work.memory_per_weight,
            used: Use::of(measured),
        });
    }
    text
}

fn json(line: &impl Serialize) -> String {
    serde_json::to_string(line).expect("a line has only names for keys") + "\n"
}

fn epoch_ms(measured: &Measured, data: &Dataset) -> f64 {
    measured.whole.median * data.train.len() as f64 / 1e6
}

/// The profile as tables for people.
pub fn tables(profile: &Profile, data: &Dataset, engine: &Engine) -> String {
    let mut text = String::new();
    let (inputs, classes, images) = (data.inputs, data.classes, grouped(data.train.len() as u64));
    line(
        &mut text,
        "profile",
        &format!(
            "{inputs}-H-{classes} on {}, epochs of {images} images, {} round{}{}",
            data.name,
            profile.rounds,
            if profile.rounds == 1 { "" } else { "s" },
            if profile.interrupted { ", interrupted" } else { "" }
        ),
    );
    line(&mut text, "engine", &engine.to_string());
    line(
        &mut text,
        "simd",
        &format!("compiled for {}, this machine has {}", engine.simd, engine.simd_detected),
    );
    for peaks in &profile.peaks {
        let levels: Vec<_> = peaks
            .levels
            .iter()
            .map(|level| format!("{} {:.0}, {:.0}", level.name, level.load_gbs, level.renew_gbs))
            .collect();
        let plural = if peaks.threads == 1 { "" } else { "s" };
        let found = format!(
            "{} thread{plural}: FMA {:.1} GFLOP/s; GB/s loading, and loading and storing: {}",
            peaks.threads,
            peaks.gflops,
            levels.join("; ")
        );
        line(&mut text, "peaks", &found);
    }
    if let Some(bytes) = profile.peak_memory {
        line(&mut text, "peak memory", &format!("{:.0} MB, with all of these networks", bytes as f64 / 1e6));
    }

    let mut times = Table::new(&[
        "ns per image",
        "whole",
        "middle half",
        "data",
        "forward",
        "output",
        "update",
        "gap",
        "test",
        "images/s",
        "epoch ms",
        "x sgd",
    ]);
    let mut works = Table::new(&[
        "per image",
        "GFLOP/s",
        "flop",
        "bytes",
        "flop/byte",
        "GB/s",
        "of FMA peak",
        "level",
        "of its bandwidth",
        "B/weight",
    ]);
    let mut group = None;
    for measured in &profile.cells {
        let Measured { cell, whole, work, .. } = measured;
        let next = (cell.hidden, cell.batch);
        if group.replace(next) != Some(next) {
            let heading = format!("{inputs}-{}-{classes}, batch {}", cell.hidden, cell.batch);
            times.heading(&heading);
            works.heading(&heading);
        }
        let name = format!("  {}", cell.optimizer);
        let mut row = vec![name.clone(), ns(whole.median)];
        row.push(format!("{} - {}", ns(whole.first_quartile), ns(whole.third_quartile)));
        row.extend(measured.phases.map(ns));
        row.push(format!("{:+.1} %", 100.0 * measured.gap()));
        row.push(ns(measured.test));
        row.push(grouped((1e9 / whole.median).round() as u64));
        row.push(format!("{:.1}", epoch_ms(measured, data)));
        row.push(measured.times_sgd.map_or_else(String::new, |times| format!("{times:.2}")));
        times.rows.push(row);
        let used = Use::of(measured);
        works.rows.push(vec![
            name,
            format!("{:.1}", used.gflops),
            grouped(work.flops.round() as u64),
            grouped((work.loads + work.stores).round() as u64),
            format!("{:.2}", used.intensity),
            format!("{:.1}", used.gbs),
            format!("{:.0} %", 100.0 * used.of_peak),
            used.level.to_owned(),
            format!("{:.0} %", 100.0 * used.of_bandwidth),
            work.memory_per_weight.to_string(),
        ]);
    }
    write!(text, "\n{times}\n{works}").expect("a string takes all");
    text
}

/// Nanoseconds, with three digits at least.
fn ns(time: f64) -> String {
    if time < 99.95 { format!("{time:.1}") } else { grouped(time.round() as u64) }
}

/// The spread of a cell's rounds that is wide enough for a word.
const WIDE: f64 = 0.05;
/// By how much of the whole the phases may miss it without a word.
const PHASES_MISS: f64 = 0.05;

/// What may make the profile wrong, a line each.
pub fn warnings(profile: &Profile) -> Vec<String> {
    let mut warnings: Vec<String> = profile.others.iter().filter_map(|others| others.warning()).collect();
    let spread = |cell: &Measured| cell.whole.width();
    if let Some((count, worst)) = beyond(&profile.cells, WIDE, spread) {
        warnings.push(format!(
            "the middle half of the rounds is wider than {:.0} % of the median in {count}: {:.1} % for {}",
            100.0 * WIDE,
            100.0 * spread(worst),
            name(worst)
        ));
    }
    if let Some((count, worst)) = beyond(&profile.cells, PHASES_MISS, |cell| cell.gap().abs()) {
        warnings.push(format!(
            "the phases miss the whole by more than {:.0} % in {count}: {:+.1} % for {}",
            100.0 * PHASES_MISS,
            100.0 * worst.gap(),
            name(worst)
        ));
    }
    warnings
}

/// In how many of `cells` a value is beyond `limit`, in words, and where it is the worst; `None` if nowhere.
fn beyond(cells: &[Measured], limit: f64, value: impl Fn(&Measured) -> f64) -> Option<(String, &Measured)> {
    let worst = cells.iter().max_by(|one, other| value(one).total_cmp(&value(other)))?;
    let count = cells.iter().filter(|cell| value(cell) > limit).count();
    (count > 0).then(|| (format!("{count} of {} cells, at worst", cells.len()), worst))
}

fn name(measured: &Measured) -> String {
    let Cell { optimizer, hidden, batch, .. } = &measured.cell;
    format!("{optimizer} with {hidden} hidden units and batch {batch}")
}

/// Columns of text, the first to the left and the others to the right.
struct Table {
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(columns: &[&'static str]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// A line of its own above the rows that follow.
    fn heading(&mut self, text: &str) {
        self.rows.push(vec![text.to_owned()]);
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let header: Vec<String> = self.columns.iter().map(|&name| name.to_owned()).collect();
        let width = |column: usize| {
            let rows = self.rows.iter().filter(|row| row.len() > 1).chain([&header]);
            rows.map(|row| row[column].chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..header.len()).map(width).collect();
        for row in [&header].into_iter().chain(&self.rows) {
            let mut text = String::new();
            for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                if column == 0 {
                    write!(text, "{cell:<width$}")?;
                } else {
                    write!(text, "  {cell:>width$}")?;
                }
            }
            writeln!(f, "{}", text.trim_end())?;
        }
        Ok(())
    }
}

// The order of the phases in a line of JSON.
const _: () = assert!(matches!(Phase::ALL, [Phase::Data, Phase::Forward, Phase::Output, Phase::Update]));
