//! Several optimizers on the same task, seed by seed: paired runs, taken in turns.

use crate::engine::settings::Settings;
use crate::error::Result;
use crate::experiments::sweep::Sweep;
use crate::experiments::sweep::run::{Keep, Outcome, Run, Times};
use std::ops::RangeInclusive;

/// A comparison that has been made.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The seeds, which give each contestant the same initial weights and orders.
    pub seeds: Vec<u64>,
    /// Who was compared.
    pub contestants: Vec<Contestant>,
}

/// An optimizer with its settings, and its runs.
#[derive(Clone, Debug)]
pub struct Contestant {
    /// What it is called.
    pub label: String,
    /// Its settings, but for the seed.
    pub settings: Settings,
    /// Its runs, in the order of the seeds, and how long they took, if that was measured.
    pub runs: Vec<(Outcome, Option<Times>)>,
}

impl Contestant {
    /// Epochs to the target of each run, `None` for a miss.
    pub fn epochs(&self) -> Vec<Option<f64>> {
        self.runs.iter().map(|(outcome, _)| outcome.epochs_to_target()).collect()
    }

    /// One of the clocks at the target, for each run; `None` for a miss. `None` altogether if times were not measured.
    pub fn seconds(&self, clock: fn(&Times) -> f64) -> Option<Vec<Option<f64>>> {
        let of_run = |(outcome, times): &(Outcome, Option<Times>)| {
            times.as_ref().map(|times| outcome.epochs_to_target().map(|_| clock(times)))
        };
        self.runs.iter().map(of_run).collect()
    }

    /// Seconds of training for each epoch, over all runs; `None` if times were not measured.
    pub fn seconds_per_epoch(&self) -> Option<f64> {
        let seconds: Option<f64> = self.runs.iter().map(|(_, times)| Some(times.as_ref()?.train_s)).sum();
        let epochs: f64 = self.runs.iter().map(|(outcome, _)| outcome.epochs).sum();
        seconds.filter(|_| epochs > 0.0).map(|seconds| seconds / epochs)
    }
}

/// Trains each of `contestants` from each of `seeds`. All contestants take their turn with a seed before the next seed
/// comes, so that whatever changes meanwhile changes for all.
///
/// # Errors
/// Those of [`Sweep::outcome`].
pub fn compare(
    sweep: &Sweep,
    contestants: Vec<(String, Settings)>,
    seeds: RangeInclusive<u64>,
    keep: Keep,
) -> Result<Comparison> {
    let seeds: Vec<u64> = seeds.collect();
    let turns: Vec<Run> = seeds
        .iter()
        .flat_map(|&seed| contestants.iter().map(move |(_, settings)| Settings { seed, ..settings.clone() }))
        .map(|settings| Run { keep, ..Run::new(settings) })
        .collect();
    sweep.wants(turns.len());
    let runs = sweep.each(&turns, |run| Ok((sweep.outcome(run)?, sweep.times(run))))?;
    let of_contestant = |place: usize| runs.iter().skip(place).step_by(contestants.len()).cloned().collect();
    let contestants = contestants
        .iter()
        .enumerate()
        .map(|(place, (label, settings))| Contestant {
            label: label.clone(),
            settings: settings.clone(),
            runs: of_contestant(place),
        })
        .collect();
    Ok(Comparison { seeds, contestants })
}
