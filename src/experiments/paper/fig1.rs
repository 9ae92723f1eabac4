//! Fig. 1: the training time to 96 % under each algorithm, for networks of several sizes, each algorithm at its best
//! setting for the size.

use super::search::search;
use super::{Algorithm, Preset, Scale, grids};
use crate::engine::optimizer::{Entry, Hyper};
use crate::error::Result;
use crate::experiments::statistics::Sample;
use crate::experiments::sweep::Sweep;
use crate::experiments::sweep::run::{Outcome, Run};
use crate::experiments::sweep::shard::Shard;
use crate::experiments::tune::Tuned;
use std::cmp::Ordering;

/// The figure: a cell for each size and algorithm, by rising size, in the order of [`Preset::algorithms`].
#[derive(Clone, Debug)]
pub struct Fig1 {
    /// Whose settings.
    pub preset: Preset,
    /// The cells.
    pub cells: Vec<Cell>,
}

impl Fig1 {
    /// The numbers of hidden units, each once.
    pub fn sizes(&self) -> Vec<usize> {
        let mut sizes: Vec<usize> = self.cells.iter().map(|cell| cell.hidden).collect();
        sizes.dedup();
        sizes
    }
}

/// An algorithm on networks of one size.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Hidden units.
    pub hidden: usize,
    /// The algorithm.
    pub algorithm: Algorithm,
    /// Settings that were tried, each with the same seeds: the author's grid, or the one that a search has found.
    pub tried: Vec<Tried>,
    /// The place of the best one among them.
    pub best: usize,
    /// The search, if there was one, by other seeds.
    pub search: Option<Tuned>,
}

/// A setting, and the runs with it.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The setting, complete.
    pub hyper: Hyper,
    /// A run for each seed.
    pub runs: Vec<(u64, Outcome)>,
}

impl Tried {
    /// Makes a run from each of the seeds 1 to `runs`.
    ///
    /// # Errors
    /// Those of [`Sweep::outcome`].
    pub fn make(
        sweep: &Sweep,
        preset: Preset,
        hidden: usize,
        entry: &'static Entry,
        hyper: &Hyper,
        runs: u64,
    ) -> Result<Self> {
        let optimizer = preset.optimizer(entry, hyper)?;
        let seeds: Vec<u64> = (1..=runs).collect();
        let outcomes = sweep.each(&seeds, |&seed| {
            sweep.outcome(&Run::new(preset.settings(hidden, optimizer.clone(), seed)))
        })?;
        Ok(Self { hyper: *optimizer.hyper(), runs: seeds.into_iter().zip(outcomes).collect() })
    }

    /// Epochs to the target of each run, `None` for a miss.
    pub fn epochs(&self) -> Vec<Option<f64>> {
        self.runs.iter().map(|(_, outcome)| outcome.epochs_to_target()).collect()
    }

    /// Their statistics.
    pub fn sample(&self) -> Sample {
        Sample::of(&self.epochs())
    }

    /// More hits come first, then the lower mean of those that hit.
    pub fn order(&self, other: &Self) -> Ordering {
        let (ours, theirs) = (self.sample(), other.sample());
        let mean = |sample: &Sample| sample.mean.unwrap_or(f64::INFINITY);
        theirs.hits.cmp(&ours.hits).then(mean(&ours).total_cmp(&mean(&theirs)))
    }
}

impl Cell {
    /// The best setting.
    pub fn best(&self) -> &Tried {
        &self.tried[self.best]
    }
}

/// The cells' sizes and algorithms.
fn cells(preset: Preset, scale: Scale) -> Vec<(usize, Algorithm)> {
    let sizes: &[usize] = match scale {
        Scale::Full => &grids::SIZES,
        Scale::Quick => &[45, 100],
    };
    sizes.iter().flat_map(|&hidden| preset.algorithms().map(|algorithm| (hidden, algorithm))).collect()
}

/// Runs of each setting: the seeds 1 to this number.
fn runs(preset: Preset, scale: Scale) -> u64 {
    match (scale, preset) {
        (Scale::Quick, _) => 2,
        (Scale::Full, Preset::Authors) => 5, // as the author made
        (Scale::Full, Preset::Mse) => 10,
    }
}

/// Makes all runs of the figure, and the figure of them.
///
/// # Errors
/// Those of [`Sweep::outcome`].
pub fn fig1(sweep: &Sweep, preset: Preset, scale: Scale) -> Result<Fig1> {
    let cells = match preset {
        Preset::Authors => by_grid(sweep, scale)?,
        Preset::Mse => sweep
            .each(&cells(preset, scale), |&(hidden, algorithm)| searched(sweep, scale, hidden, algorithm))?,
    };
    Ok(Fig1 { preset, cells })
}

/// Makes those runs of the figure that are part of `shard`.
///
/// # Errors
/// Those of [`Sweep::outcome`].
pub fn part(sweep: &Sweep, preset: Preset, scale: Scale, shard: Shard) -> Result<()> {
    match preset {
        Preset::Authors => {
            let units = shard.of(&units(scale));
            sweep.wants(units.len() * runs(preset, scale) as usize);
            sweep.each(&units, |unit| unit.run(sweep, preset, scale)).map(drop)
        }
        Preset::Mse => {
            let cells = shard.of(&cells(preset, scale));
            sweep.each(&cells, |&(hidden, algorithm)| searched(sweep, scale, hidden, algorithm)).map(drop)
        }
    }
}

/// A cell at the best setting of a search, tried with other seeds than those of the search.
fn searched(sweep: &Sweep, scale: Scale, hidden: usize, algorithm: Algorithm) -> Result<Cell> {
    let preset = Preset::Mse;
    let search = search(sweep, preset, scale, hidden, algorithm.entry, &Hyper::NONE)?;
    let hyper = search.best().map_or(Hyper::NONE, |best| best.hyper);
    sweep.wants(runs(preset, scale) as usize);
    let tried = Unit { hidden, algorithm, hyper }.run(sweep, preset, scale)?;
    Ok(Cell { hidden, algorithm, tried: vec![tried], best: 0, search: Some(search) })
}

/// Cells of the author's grids.
fn by_grid(sweep: &Sweep, scale: Scale) -> Result<Vec<Cell>> {
    let preset = Preset::Authors;
    let units = units(scale);
    sweep.wants(units.len() * runs(preset, scale) as usize);
    let mut tried = sweep.each(&units, |unit| unit.run(sweep, preset, scale))?.into_iter();
    let mut cells: Vec<Cell> = Vec::new();
    for unit in &units {
        let new = tried.next().expect("each unit has been tried");
        match cells.last_mut() {
            Some(cell) if cell.hidden == unit.hidden && cell.algorithm.label == unit.algorithm.label => {
                cell.tried.push(new);
            }
            _ => cells.push(Cell {
                hidden: unit.hidden,
                algorithm: unit.algorithm,
                tried: vec![new],
                best: 0,
                search: None,
            }),
        }
    }
    for cell in &mut cells {
        let best = (0..cell.tried.len()).min_by(|&a, &b| cell.tried[a].order(&cell.tried[b]));
        cell.best = best.expect("a cell has a setting");
    }
    Ok(cells)
}

/// A setting to be tried with every seed.
#[derive(Clone, Copy, Debug)]
struct Unit {
    hidden: usize,
    algorithm: Algorithm,
    hyper: Hyper,
}

/// The author's settings.
fn units(scale: Scale) -> Vec<Unit> {
    let settings = |(hidden, algorithm): (usize, Algorithm)| {
        let all = grids::grid(algorithm.entry.name, hidden);
        let stride = match scale {
            Scale::Full => 1,
            Scale::Quick => all.len().div_ceil(3), // from the middle of each third
        };
        let some: Vec<Hyper> = all.into_iter().skip(stride / 2).step_by(stride).collect();
        some.into_iter().map(move |hyper| Unit { hidden, algorithm, hyper })
    };
    cells(Preset::Authors, scale).into_iter().flat_map(settings).collect()
}

impl Unit {
    fn run(&self, sweep: &Sweep, preset: Preset, scale: Scale) -> Result<Tried> {
        let runs = runs(preset, scale);
        Tried::make(sweep, preset, self.hidden, self.algorithm.entry, &self.hyper, runs)
    }
}
