//! The paper's experiments as tables: for people, beside the paper's numbers, and as CSV with a line for each run.

use crate::engine::optimizer::Hyper;
use crate::experiments::paper::fig1::{Cell, Fig1};
use crate::experiments::paper::fig2::Fig2;
use crate::experiments::paper::{Preset, numbers};
use crate::experiments::statistics::Sample;
use crate::experiments::sweep::run::Outcome;
use serde_json::Value;
use std::fmt::Write as _;

/// The hyper-parameters that the paper's algorithms have, each a column.
const HYPER: [&str; 7] = ["lr", "alpha", "norm", "momentum", "beta1", "beta2", "epsilon"];
const OUTCOME: [&str; 5] = ["stop", "epochs_to_target", "images", "test_accuracy", "weights_sha256"];

/// A table as CSV.
fn csv(head: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(head).expect("memory takes all");
    rows.for_each(|row| writer.write_record(row).expect("a row has a field for each column"));
    String::from_utf8(writer.into_inner().expect("memory takes all")).expect("fields are text")
}

/// The fields of a setting, empty where it has none.
fn hyper_fields(hyper: &Hyper) -> impl Iterator<Item = String> + use<> {
    let value = serde_json::to_value(hyper).expect("hyper-parameters are JSON");
    HYPER.map(|name| value.get(name).map_or_else(String::new, text)).into_iter()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn outcome_fields(outcome: &Outcome) -> [String; 5] {
    [
        outcome.stop.name().to_owned(),
        outcome.epochs_to_target().map_or_else(String::new, |epochs| epochs.to_string()),
        outcome.images.to_string(),
        outcome.test_accuracy.to_string(),
        outcome.weights_sha256.clone(),
    ]
}

/// Every run of Fig. 1.
pub fn fig1_csv(fig1: &Fig1) -> String {
    let head =
        [&["preset", "hidden", "algorithm", "optimizer"], &HYPER[..], &["best", "seed"], &OUTCOME].concat();
    let rows = fig1.cells.iter().flat_map(|cell| {
        cell.tried.iter().enumerate().flat_map(move |(place, tried)| {
            tried.runs.iter().map(move |(seed, outcome)| {
                let Cell { hidden, algorithm, .. } = cell;
                let mut row = vec![fig1.preset.name().to_owned(), hidden.to_string()];
                row.extend([algorithm.label, algorithm.entry.name].map(str::to_owned));
                row.extend(hyper_fields(&tried.hyper));
                row.extend([u8::from(place == cell.best).to_string(), seed.to_string()]);
                row.extend(outcome_fields(outcome));
                row
            })
        })
    });
    csv(&head, rows)
}

/// Every run of Fig. 2.
pub fn fig2_csv(fig2: &Fig2) -> String {
    let head = [&["preset", "algorithm", "optimizer", "seed", "hidden"], &HYPER[..], &OUTCOME].concat();
    let rows = fig2.searches.iter().flat_map(|search| {
        search.runs.iter().map(|step| {
            let algorithm = search.algorithm;
            let mut row = vec![fig2.preset.name().to_owned()];
            row.extend([algorithm.label, algorithm.entry.name].map(str::to_owned));
            row.extend([search.seed.to_string(), step.hidden.to_string()]);
            row.extend(hyper_fields(&step.hyper));
            row.extend(outcome_fields(&step.outcome));
            row
        })
    });
    csv(&head, rows)
}

/// Fig. 1 for people: a line for each size, a column for each algorithm.
pub fn fig1_table(fig1: &Fig1) -> String {
    let mut out = format!(
        "\nFig. 1, {}: epochs to 96 %, mean +- standard deviation over runs at each algorithm's best setting\n",
        title(fig1.preset)
    );
    let labels = fig1.preset.algorithms().map(|algorithm| algorithm.label);
    out += "hidden";
    labels.iter().for_each(|label| write!(out, "  {label:>14}").expect("a string takes all"));
    out.push('\n');
    for row in fig1.cells.chunks(labels.len()) {
        write!(out, "{:>6}", row[0].hidden).expect("a string takes all");
        for cell in row {
            write!(out, "  {:>14}", mean_and_deviation(&cell.best().sample(), cell.best().runs.len()))
                .expect("a string takes all");
        }
        out.push('\n');
    }
    out
}

/// Fig. 2 for people.
pub fn fig2_table(fig2: &Fig2) -> String {
    let mut out = format!("\nFig. 2, {}: the smallest hidden layer that reaches 96 %\n", title(fig2.preset));
    out += "algorithm            ours         paper\n";
    for algorithm in fig2.preset.algorithms() {
        let smallest = fig2.smallest(algorithm.label);
        let ours = mean_and_deviation(&Sample::of(&smallest), smallest.len());
        let paper = numbers::smallest(algorithm.label)
            .map_or_else(String::new, |paper| format!("{:.1} +- {:.1}", paper.mean, paper.deviation));
        writeln!(out, "{:<9}{ours:>16}{paper:>14}", algorithm.label).expect("a string takes all");
    }
    out
}

fn title(preset: Preset) -> &'static str {
    match preset {
        Preset::Authors => "the author's settings",
        Preset::Mse => "true gradient",
    }
}

/// As the paper gives its numbers, and how many runs hit, if not all did.
fn mean_and_deviation(sample: &Sample, runs: usize) -> String {
    let Some(mean) = sample.mean else { return format!("0 of {runs}") };
    let deviation = sample.deviation.map_or_else(String::new, |deviation| format!(" +- {deviation:.2}"));
    let misses = if sample.hits < runs { format!(" ({}/{runs})", sample.hits) } else { String::new() };
    format!("{mean:.2}{deviation}{misses}")
}
