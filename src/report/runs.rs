//! Several runs of one experiment as a few lines for people.

use super::machine::Engine;
use super::summary::{heading, line, percent};
use crate::data::Dataset;
use crate::engine::settings::Settings;
use crate::engine::trainer::Stop;
use crate::experiments::seeds::Outcome;
use crate::experiments::statistics::Sample;

/// The summary of `runs` over several seeds, of which so many were `wanted`, and `timed` if they ran one after another: a
/// line for each and what they say together. Interrupted runs say nothing.
pub fn summary(
    settings: &Settings,
    data: &Dataset,
    engine: &Engine,
    runs: &[Outcome],
    wanted: usize,
    timed: bool,
) -> String {
    let mut text = heading(settings, data);
    for Outcome { seed, stop, last, .. } in runs {
        let how = match stop {
            Stop::Target => "target after",
            Stop::Epochs => "trained for",
            Stop::Diverged => "diverged within",
            Stop::Stalled => "stalled after",
            Stop::Outrun => "outrun after",
            Stop::Interrupted => "interrupted after",
        };
        let accuracy = percent(last.test_accuracy);
        let found = format!("{how} {:.2} epochs, {} accuracy {accuracy}", last.epoch, settings.tested_on());
        line(&mut text, &format!("seed {seed}"), &found);
    }
    let (cut, whole): (Vec<_>, Vec<_>) = runs.iter().partition(|run| run.stop == Stop::Interrupted);
    let missing = wanted - runs.len();
    if !cut.is_empty() || missing > 0 {
        let words = format!("cut off: {}, not begun: {missing}; they count for nothing below", cut.len());
        line(&mut text, "interrupted", &words);
    }
    if let Some(target) = settings.target {
        let epochs = Sample::of(&each(&whole, |run| run.hit().map(|hit| hit.epoch)));
        let hits = format!("{} of {} runs above {}", epochs.hits, whole.len(), percent(target));
        line(&mut text, "hits", &hits);
        line(&mut text, "epochs", &words(&epochs, "", 2));
    }
    let accuracy = Sample::of(&each(&whole, |run| Some(run.last.test_accuracy * 100.0)));
    if settings.validate.is_some() {
        line(&mut text, "validation", &words(&accuracy, " %", 2));
    }
    let accuracy = Sample::of(&each(&whole, |run| Some(run.test_accuracy * 100.0)));
    line(&mut text, "test accuracy", &words(&accuracy, " %", 2));
    if timed {
        let seconds = Sample::of(&each(&whole, |run| Some(run.last.train_s)));
        line(&mut text, "training", &format!("{} (train_s, tests paused)", words(&seconds, " s", 3)));
    } else {
        line(&mut text, "training", "no times, since runs shared the processor; --threads 1 measures them");
    }
    line(&mut text, "engine", &engine.to_string());
    text
}

fn each(runs: &[&Outcome], value: impl Fn(&Outcome) -> Option<f64>) -> Vec<Option<f64>> {
    runs.iter().map(|run| value(run)).collect()
}

/// A sample in words.
fn words(sample: &Sample, unit: &str, decimals: usize) -> String {
    let Some(mean) = sample.mean else {
        return "none".to_owned();
    };
    let spread = sample
        .deviation
        .map_or_else(String::new, |sd| format!(" +- {sd:.decimals$}{unit} (standard deviation)"));
    let median =
        sample.median.map_or_else(|| "a miss".to_owned(), |median| format!("{median:.decimals$}{unit}"));
    format!("mean {mean:.decimals$}{unit}{spread}, median {median}")
}
