//! Fig. 2: the smallest hidden layer with which a network reaches 96 % under each algorithm.
//!
//! A run has the initial weights and the order of one seed. From [`START`] hidden units on, one after another is taken
//! away, as long as the network still reaches the target with any of the algorithm's settings. A network that is too small
//! to start with grows instead, until it reaches it.

use super::search::search;
use super::{Algorithm, Preset, Scale, grids};
use crate::engine::optimizer::Hyper;
use crate::error::Result;
use crate::experiments::search::Space;
use crate::experiments::spaces::{point, setting, space};
use crate::experiments::sweep::Sweep;
use crate::experiments::sweep::run::{Outcome, Run};
use crate::experiments::sweep::shard::Shard;

/// Hidden units to start with: the least of Fig. 1.
pub const START: usize = 45;
/// The most hidden units that are tried.
const MOST: usize = 100;

/// The figure: a search for each algorithm and seed.
#[derive(Clone, Debug)]
pub struct Fig2 {
    /// Whose settings.
    pub preset: Preset,
    /// The searches, in the order of [`Preset::algorithms`], each algorithm's by rising seed.
    pub searches: Vec<Search>,
}

/// A search for the smallest network.
#[derive(Clone, Debug)]
pub struct Search {
    /// The algorithm.
    pub algorithm: Algorithm,
    /// The seed of all of its runs.
    pub seed: u64,
    /// The runs in their order.
    pub runs: Vec<Step>,
    /// The smallest network that reached the target; `None` if none did.
    pub smallest: Option<usize>,
}

/// A run on the way.
#[derive(Clone, Debug)]
pub struct Step {
    /// Hidden units.
    pub hidden: usize,
    /// The setting.
    pub hyper: Hyper,
    /// What came of it.
    pub outcome: Outcome,
}

impl Fig2 {
    /// The smallest networks under the algorithm of that label, a number for each seed.
    pub fn smallest(&self, label: &str) -> Vec<Option<f64>> {
        let of_it = self.searches.iter().filter(|search| search.algorithm.label == label);
        of_it.map(|search| search.smallest.map(|hidden| hidden as f64)).collect()
    }
}

/// The searches that the figure consists of.
fn plan(preset: Preset, scale: Scale) -> Vec<(Algorithm, u64)> {
    let runs = match scale {
        Scale::Full => 5,
        Scale::Quick => 1,
    };
    preset
        .algorithms()
        .into_iter()
        .flat_map(|algorithm| (1..=runs).map(move |seed| (algorithm, seed)))
        .collect()
}

/// Makes all searches of the figure.
///
/// # Errors
/// Those of [`Sweep::outcome`].
pub fn fig2(sweep: &Sweep, preset: Preset, scale: Scale) -> Result<Fig2> {
    let searches = make(sweep, preset, scale, &plan(preset, scale))?;
    Ok(Fig2 { preset, searches })
}

/// Makes those searches that are part of `shard`.
///
/// # Errors
/// Those of [`Sweep::outcome`].
pub fn part(sweep: &Sweep, preset: Preset, scale: Scale, shard: Shard) -> Result<()> {
    make(sweep, preset, scale, &shard.of(&plan(preset, scale))).map(drop)
}

fn make(sweep: &Sweep, preset: Preset, scale: Scale, plan: &[(Algorithm, u64)]) -> Result<Vec<Search>> {
    // The settings of an algorithm are the same for all seeds, so they are looked for once, before these go apart.
    let algorithms: Vec<Algorithm> = preset.algorithms().into();
    let settings = sweep.each(&algorithms, |&algorithm| settings(sweep, preset, scale, algorithm))?;
    let of = |algorithm: Algorithm| {
        let place = algorithms.iter().position(|one| one.label == algorithm.label);
        settings[place.expect("it is one of the preset's")].clone()
    };
    sweep.each(plan, |&(algorithm, seed)| smallest(sweep, preset, algorithm, of(algorithm), seed))
}

fn smallest(
    sweep: &Sweep,
    preset: Preset,
    algorithm: Algorithm,
    mut settings: Vec<Hyper>,
    seed: u64,
) -> Result<Search> {
    // The settings that have worked are tried first: they will most likely do again.
    let mut runs = Vec::new();
    let mut reaches = |hidden: usize| -> Result<bool> {
        for place in 0..settings.len() {
            let hyper = settings[place];
            let optimizer = preset.optimizer(algorithm.entry, &hyper)?;
            sweep.wants(1);
            let outcome = sweep.outcome(&Run::new(preset.settings(hidden, optimizer, seed)))?;
            let hit = outcome.epochs_to_target().is_some();
            runs.push(Step { hidden, hyper, outcome });
            if hit {
                settings[..=place].rotate_right(1);
                return Ok(true);
            }
        }
        Ok(false)
    };
    let found = if reaches(START)? {
        let mut smallest = START;
        while smallest > 1 && reaches(smallest - 1)? {
            smallest -= 1;
        }
        Some(smallest)
    } else {
        let mut larger = START + 1..=MOST;
        loop {
            match larger.next() {
                Some(hidden) if reaches(hidden)? => break Some(hidden),
                Some(_) => {}
                None => break None,
            }
        }
    };
    Ok(Search { algorithm, seed, runs, smallest: found })
}

/// The settings to try at each size: the author's grid, or one of ours around the best of a search, at the size that
/// searches start with.
fn settings(sweep: &Sweep, preset: Preset, scale: Scale, algorithm: Algorithm) -> Result<Vec<Hyper>> {
    let all = match preset {
        Preset::Authors => grids::grid(algorithm.entry.name, START),
        Preset::Mse => {
            let found = search(sweep, preset, scale, START, algorithm.entry, &Hyper::NONE)?;
            let best = found.best().map_or(algorithm.entry.authors, |best| best.hyper);
            let space = space(algorithm.entry.name).expect("an algorithm of the paper has a space");
            around(&space, &best)
        }
    };
    Ok(match scale {
        Scale::Full => all,
        Scale::Quick => all.into_iter().skip(1).step_by(5).take(2).collect(),
    })
}

/// Twelve settings around `best`, itself among them, in equal steps of the space's own scales: a fifth of each range to
/// either side, or more for rates that are searched alone; smaller networks want smaller rates.
fn around(space: &Space, best: &Hyper) -> Vec<Hyper> {
    let centre = point(space, best).expect("what was searched lies within the space");
    let steps: Vec<Vec<f64>> = match centre.len() {
        1 => (-7..=4).map(|step| vec![0.05 * f64::from(step)]).collect(),
        _ => [0.0, -0.1, 0.1, -0.2]
            .into_iter()
            .flat_map(|rate| [0.0, -0.2, 0.2].map(|other| vec![rate, other]))
            .collect(),
    };
    let mut settings: Vec<Hyper> = Vec::new();
    for step in steps {
        let moved: Vec<f64> =
            centre.iter().zip(&step).map(|(at, step)| (at + step).clamp(0.0, 1.0)).collect();
        let hyper = setting(space, &moved, best);
        // At the edge of the space, two may become one.
        if !settings.contains(&hyper) {
            settings.push(hyper);
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::optimizer::Entry;

    #[test]
    fn a_grid_around_the_best_has_twelve_settings_and_the_best() {
        for name in ["sgd", "nesterov", "adam", "dlr"] {
            let space = space(name).unwrap();
            // The default, as the space spells it.
            let default = Entry::find(name).unwrap().defaults;
            let best = setting(&space, &point(&space, &default).unwrap(), &default);
            let all = around(&space, &best);
            assert_eq!(all.len(), 12, "{name}");
            assert!(all.contains(&best), "{name}: {best}");
            // Beyond an edge there is nothing: what would lie there lies on it, once.
            let low: Vec<f64> = vec![0.0; space.dimensions().len()];
            let cornered = around(&space, &setting(&space, &low, &default));
            assert!((4..12).contains(&cornered.len()), "{name}: {}", cornered.len());
        }
    }
}
