//! Tables: for people, beside the paper's numbers, and as CSV with a line for each run.

use super::pictures::fig1_cells;
use super::{mean_and_deviation, title};
use crate::engine::optimizer::Hyper;
use crate::experiments::curve_fit::Fit;
use crate::experiments::paper::beyond::Beyond;
use crate::experiments::paper::clock::Seconds;
use crate::experiments::paper::fig1::{Cell, Fig1};
use crate::experiments::paper::fig2::Fig2;
use crate::experiments::paper::fig3::Fig3;
use crate::experiments::paper::fig3::HIDDEN;
use crate::experiments::paper::numbers::Published;
use crate::experiments::paper::{grids, numbers};
use crate::experiments::statistics::Sample;
use crate::experiments::statistics::paired::{Paired, holm};
use crate::experiments::sweep::run::Outcome;
use crate::experiments::tune::Tuned;
use serde_json::Value;
use std::fmt::Write as _;

/// The hyper-parameters, each a column.
const HYPER: [&str; 9] = ["lr", "alpha", "norm", "momentum", "beta1", "beta2", "rho", "epsilon", "halving"];
const OUTCOME: [&str; 5] = ["stop", "epochs_to_target", "images", "test_accuracy", "weights_sha256"];

/// The rows behind a figure.
pub struct Rows {
    head: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// Columns of text; all others have numbers.
const TEXTS: [&str; 7] = ["preset", "algorithm", "name", "optimizer", "norm", "stop", "weights_sha256"];

impl Rows {
    fn new(head: &[&'static str], rows: impl Iterator<Item = Vec<String>>) -> Self {
        Self { head: head.to_vec(), rows: rows.collect() }
    }

    /// As CSV, with a line of names.
    pub fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(&self.head).expect("memory takes all");
        self.rows.iter().for_each(|row| writer.write_record(row).expect("a row has a field for each column"));
        String::from_utf8(writer.into_inner().expect("memory takes all")).expect("fields are text")
    }

    /// As JSON, an object on a line for each row, without the fields that are empty.
    pub fn json_lines(&self) -> String {
        let line = |row: &Vec<String>| {
            let fields = self.head.iter().zip(row).filter(|(_, field)| !field.is_empty());
            let value = |(&name, field): (&&str, &String)| {
                let number = serde_json::from_str(field).ok().filter(|_| !TEXTS.contains(&name));
                (name.to_owned(), number.unwrap_or_else(|| Value::from(field.as_str())))
            };
            Value::Object(fields.map(value).collect()).to_string() + "\n"
        };
        self.rows.iter().map(line).collect()
    }
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
pub fn fig1_data(fig1: &Fig1) -> Rows {
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
    Rows::new(&head, rows)
}

/// Fig. 1 in seconds: what is drawn from what an epoch costs on this machine, so that it is another matter each time.
pub fn seconds_data(fig1: &Fig1, seconds: &[Seconds]) -> Rows {
    let head = ["preset", "hidden", "algorithm", "seconds_per_epoch", "epochs_mean", "seconds_mean"];
    let rows = seconds.iter().filter_map(|Seconds { hidden, label, epoch }| {
        let cell = fig1.cells.iter().find(|cell| cell.hidden == *hidden && cell.algorithm.label == *label)?;
        let epochs = cell.best().sample().mean;
        let numbers = [Some(*epoch), epochs, epochs.map(|epochs| epochs * epoch)];
        let mut row = vec![fig1.preset.name().to_owned(), hidden.to_string(), (*label).to_owned()];
        row.extend(numbers.map(|number| number.map_or_else(String::new, |number| number.to_string())));
        Some(row)
    });
    Rows::new(&head, rows)
}

/// Every run of Fig. 2.
pub fn fig2_data(fig2: &Fig2) -> Rows {
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
    Rows::new(&head, rows)
}

/// Fig. 1 for people: a line for each size, a column for each algorithm.
pub fn fig1_table(fig1: &Fig1) -> String {
    let mut out = format!(
        "\nFig. 1, {}: epochs to 96 %, mean +- standard deviation over runs at each algorithm's best setting\n",
        title(fig1.preset)
    );
    let labels = fig1.preset.algorithms().map(|algorithm| algorithm.label);
    out += "hidden";
    labels.iter().for_each(|label| write!(out, "  {label:>18}").expect("a string takes all"));
    out.push('\n');
    for row in fig1_cells(fig1) {
        write!(out, "{:>6}", row[0]).expect("a string takes all");
        row[1..].iter().for_each(|cell| write!(out, "  {cell:>18}").expect("a string takes all"));
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

/// The best settings of Fig. 1, and whether they lie at the edge of the author's grid.
pub(super) fn fig1_settings(fig1: &Fig1) -> Vec<Vec<String>> {
    let row = |cell: &Cell| {
        let hyper = &cell.best().hyper;
        let name = cell.algorithm.entry.name;
        let at_edge = cell.search.is_none() && grids::is_at_edge(name, cell.hidden, hyper);
        let setting = format!("{hyper}{}", if at_edge { " (at the grid's edge)" } else { "" });
        vec![cell.hidden.to_string(), cell.algorithm.label.to_owned(), setting]
    };
    fig1.cells.iter().map(row).collect()
}

/// Every trial of every search.
pub fn searches_data<'a>(searches: impl Iterator<Item = (usize, &'a str, &'a Tuned)>) -> Rows {
    let head = [&["hidden", "optimizer", "trial"], &HYPER[..], &["images_to_target", "had_to_beat", "best"]]
        .concat();
    let rows = searches.flat_map(|(hidden, name, tuned)| {
        tuned.trials.iter().enumerate().map(move |(place, trial)| {
            let number = |images: Option<u64>| images.map_or_else(String::new, |images| images.to_string());
            let mut row = vec![hidden.to_string(), name.to_owned(), (place + 1).to_string()];
            row.extend(hyper_fields(&trial.hyper));
            row.extend([number(trial.images), number(trial.limit)]);
            row.push(u8::from(tuned.best == Some(place)).to_string());
            row
        })
    });
    Rows::new(&head, rows)
}

/// Fig. 3 as a table: what learned, epochs to 96 % here, and in the paper.
pub(super) fn fig3_rows(fig3: &Fig3) -> [[String; 3]; 2] {
    let row = |name: &str, runs, paper: Published| {
        let epochs = fig3.epochs(runs);
        let paper = format!("{:.2} +- {:.2}", paper.mean, paper.deviation);
        [name.to_owned(), mean_and_deviation(&Sample::of(&epochs), epochs.len()), paper]
    };
    [
        row("DLR", &fig3.dlr, numbers::DLR_EPOCHS),
        row("SGD at DLR's mean rates", &fig3.mean_rate, numbers::MEAN_RATE_EPOCHS),
    ]
}

/// The same for people.
pub fn fig3_table(fig3: &Fig3) -> String {
    let mut out = format!("\nFig. 3, {}: epochs to 96 %, {HIDDEN} hidden units\n", title(fig3.preset));
    out += "                               ours         paper\n";
    for [name, ours, paper] in fig3_rows(fig3) {
        writeln!(out, "{name:<24}{ours:>16}{paper:>14}").expect("a string takes all");
    }
    out
}

/// The numbers of the fits.
pub(super) fn fig3_fits(fig3: &Fig3) -> Vec<Vec<String>> {
    let row = |(layer, fit): (usize, &Fit)| {
        let numbers = fit.curve.numbers().map(|number| format!("{number:.4e}"));
        let share = fit.r_squared.map_or_else(String::new, |share| format!("{share:.5}"));
        [(layer + 1).to_string()].into_iter().chain(numbers).chain([share]).collect()
    };
    fig3.fits.iter().enumerate().map(row).collect()
}

/// The curves of Fig. 3: a line for each test.
pub fn fig3_data(fig3: &Fig3) -> Rows {
    let head = [
        "preset",
        "images",
        "epochs",
        "dlr_accuracy_median",
        "dlr_accuracy_q1",
        "dlr_accuracy_q3",
        "mean_rate_accuracy_median",
        "mean_rate_accuracy_q1",
        "mean_rate_accuracy_q3",
        "dlr_mean_rate_1",
        "dlr_mean_rate_2",
        "fit_1",
        "fit_2",
    ];
    let (dlr, mean) = (Fig3::accuracies(&fig3.dlr), Fig3::accuracies(&fig3.mean_rate));
    let rows = dlr.iter().zip(&mean).enumerate().map(|(test, (dlr, mean))| {
        let images = fig3.images(test);
        let mut row = vec![fig3.preset.name().to_owned(), images.to_string(), fig3.epoch(test).to_string()];
        let spreads = [dlr, mean]
            .into_iter()
            .flat_map(|spread| [spread.median, spread.first_quartile, spread.third_quartile]);
        row.extend(spreads.map(|accuracy| accuracy.to_string()));
        row.extend(fig3.rates[test + 1].map(|rate| rate.to_string()));
        row.extend(fig3.fits.map(|fit| fit.curve.at(images as f64).to_string()));
        row
    });
    Rows::new(&head, rows)
}

/// The runs of Fig. 3.
pub fn fig3_runs_data(fig3: &Fig3) -> Rows {
    let head = ["preset", "algorithm", "seed", "epochs_to_target", "test_accuracy", "weights_sha256"];
    let runs = |name: &'static str, runs: &'_ [Outcome]| -> Vec<Vec<String>> {
        let epochs = fig3.epochs(runs);
        let row = |(place, (run, epochs)): (usize, (&Outcome, Option<f64>))| {
            vec![
                fig3.preset.name().to_owned(),
                name.to_owned(),
                (place + 1).to_string(),
                epochs.map_or_else(String::new, |epochs| epochs.to_string()),
                run.test_accuracy.to_string(),
                run.weights_sha256.clone(),
            ]
        };
        runs.iter().zip(epochs).enumerate().map(row).collect()
    };
    Rows::new(
        &head,
        runs("DLR", &fig3.dlr).into_iter().chain(runs("SGD at DLR's mean rates", &fig3.mean_rate)),
    )
}

/// What the paper leaves open, a line for each size and optimizer: epochs, over SGD's, p against SGD and DLR, setting.
pub(super) fn beyond_cells(beyond: &Beyond) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for cells in beyond.cells.chunk_by(|a, b| a.hidden == b.hidden) {
        let of =
            |label: &str| cells.iter().find(|cell| cell.rival.label == label).map(|cell| cell.tried.epochs());
        let against = |label: &str| -> Vec<String> {
            let Some(theirs) = of(label) else { return vec![String::new(); cells.len()] };
            let p =
                |cell: &crate::experiments::paper::beyond::Cell| Paired::of(&cell.tried.epochs(), &theirs).p;
            let others = || cells.iter().filter(|cell| cell.rival.label != label);
            let mut corrected = holm(&others().map(p).collect::<Vec<_>>()).into_iter();
            let words = |label_of: &str| {
                if label_of == label {
                    String::new()
                } else {
                    corrected.next().map_or_else(String::new, |p| format!("{p:.3}"))
                }
            };
            cells.iter().map(|cell| cell.rival.label).map(words).collect()
        };
        let sgd = of("sgd").and_then(|epochs| Sample::of(&epochs).mean);
        for ((cell, p_sgd), p_dlr) in cells.iter().zip(against("sgd")).zip(against("dlr")) {
            let sample = cell.tried.sample();
            let ratio =
                sample.mean.zip(sgd).map_or_else(String::new, |(ours, sgd)| format!("{:.2}", ours / sgd));
            rows.push(vec![
                cell.hidden.to_string(),
                cell.rival.label.to_owned(),
                mean_and_deviation(&sample, cell.tried.runs.len()),
                ratio,
                p_sgd,
                p_dlr,
                cell.tried.hyper.to_string(),
            ]);
        }
    }
    rows
}

/// The same for people.
pub fn beyond_table(beyond: &Beyond) -> String {
    let mut out = format!(
        "\nBeyond the paper, {}: epochs to 96 % at the best setting of an equal search\n",
        title(beyond.preset)
    );
    out += "hidden  optimizer               epochs     x sgd   p, sgd   p, dlr  setting\n";
    for row in beyond_cells(beyond) {
        writeln!(
            out,
            "{:>6}  {:<16}{:>16}{:>8}{:>9}{:>9}  {}",
            row[0], row[1], row[2], row[3], row[4], row[5], row[6]
        )
        .expect("a string takes all");
    }
    out
}

/// Every run of it at the best settings.
pub fn beyond_data(beyond: &Beyond) -> Rows {
    let head = [&["preset", "hidden", "name", "optimizer"], &HYPER[..], &["seed"], &OUTCOME].concat();
    let rows = beyond.cells.iter().flat_map(|cell| {
        cell.tried.runs.iter().map(|(seed, outcome)| {
            let mut row = vec![beyond.preset.name().to_owned(), cell.hidden.to_string()];
            row.extend([cell.rival.label, cell.rival.entry.name].map(str::to_owned));
            row.extend(hyper_fields(&cell.tried.hyper));
            row.push(seed.to_string());
            row.extend(outcome_fields(outcome));
            row
        })
    });
    Rows::new(&head, rows)
}
