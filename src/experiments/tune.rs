//! Tuning: which setting of an optimizer gets to the target first.
//!
//! A trial is a setting, tried with each of some seeds. Its time is that by which more than half of the runs have hit the
//! target: the median, if the number of runs is odd. Trials come in rounds, of which all are known before the first
//! begins, so that threads can share a round and the outcome is the same for any number of them.
//!
//! Trials are stopped as soon as they can't beat the best of the rounds before: a run when it has not hit by the last test
//! that would still be earlier, a trial when too few of its runs are left. That is exact, since what counts is the time
//! itself: of the same proposals, the winner and its time are those that would have come out otherwise. Proposals that
//! depend on what was found, as an estimator's, see a stopped trial as a miss, and may then go elsewhere.

use crate::engine::optimizer::Hyper;
use crate::engine::settings::Settings;
use crate::engine::trainer::training_images;
use crate::error::Result;
use crate::experiments::search::{Space, tpe};
use crate::experiments::spaces::point;
use crate::experiments::sweep::Sweep;
use crate::experiments::sweep::run::{Outcome, Run};

/// Trials that are known together.
pub const ROUND: usize = 8;

/// The seed of a search's own random numbers.
pub const SEARCH_SEED: u64 = 1;

/// A setting that was tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The setting.
    pub hyper: Hyper,
    /// The images that it had to hit within, or by the batch in which they were complete, to be the best so far, if there was a
    /// best.
    pub limit: Option<u64>,
    /// Its runs by their seeds; fewer than there are seeds if it was stopped.
    pub runs: Vec<(u64, Outcome)>,
    /// Images by which more than half of the runs have hit; `None` if that was not within the limit, or never.
    pub images: Option<u64>,
}

/// A search that is over.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// All trials, in their order.
    pub trials: Vec<Trial>,
    /// The place of the best; `None` if none ever hit the target.
    pub best: Option<usize>,
}

impl Tuned {
    /// The best trial.
    pub fn best(&self) -> Option<&Trial> {
        self.best.map(|best| &self.trials[best])
    }
}

/// The next round of a search of so many `trials` by a Parzen estimator, after those that it has `searched`, as points of the
/// space.
pub fn next_by_estimator(space: &Space, searched: &[Trial], trials: usize) -> Vec<Vec<f64>> {
    let place = |trial: &Trial| point(space, &trial.hyper).expect("what was proposed lies within the space");
    let results: Vec<tpe::Trial> =
        searched.iter().map(|trial| (place(trial), trial.images.map(|images| images as f64))).collect();
    let next = ROUND.min(trials.saturating_sub(results.len()));
    tpe::propose(&results, space.dimensions().len(), next, SEARCH_SEED)
}

/// Tries what `propose` makes of the trials so far, until it proposes nothing, each with every one of `seeds`. Without
/// `stop_early`, every run goes to its end.
///
/// # Errors
/// Those of `settings` and of [`Sweep::outcome`].
///
/// # Panics
/// If there are no seeds.
pub fn tune(
    sweep: &Sweep,
    seeds: &[u64],
    settings: impl Fn(&Hyper, u64) -> Result<Settings> + Sync,
    mut propose: impl FnMut(&[Trial]) -> Vec<Hyper>,
    stop_early: bool,
) -> Result<Tuned> {
    assert!(!seeds.is_empty(), "a trial needs runs");
    let mut tuned = Tuned { trials: Vec::new(), best: None };
    loop {
        let round = propose(&tuned.trials);
        if round.is_empty() {
            return Ok(tuned);
        }
        let to_beat = tuned.best().and_then(|best| best.images).filter(|_| stop_early);
        sweep.wants(round.len() * seeds.len());
        let trials = sweep.each(&round, |hyper| trial(sweep, seeds, hyper, to_beat, &settings))?;
        tuned.trials.extend(trials);
        // The first of equals.
        let hits = tuned.trials.iter().enumerate().filter_map(|(place, trial)| Some((trial.images?, place)));
        tuned.best = hits.min().map(|(_, place)| place);
    }
}

/// The last test that comes before `images` is that of this number, by which tests are due: every `test_every` images, and perhaps
/// at ends of epochs. It comes after the batch in which these are complete.
fn last_test_before(images: u64, test_every: u64, per_epoch: u64) -> u64 {
    let before = images.saturating_sub(1);
    [test_every, per_epoch].map(|every| before / every * every).into_iter().max().unwrap_or(0)
}

fn trial(
    sweep: &Sweep,
    seeds: &[u64],
    hyper: &Hyper,
    to_beat: Option<u64>,
    settings: impl Fn(&Hyper, u64) -> Result<Settings>,
) -> Result<Trial> {
    let needed = seeds.len() / 2 + 1;
    let mut trial = Trial { hyper: *hyper, limit: None, runs: Vec::new(), images: None };
    let mut hits = Vec::new();
    for (place, &seed) in seeds.iter().enumerate() {
        let settings = settings(hyper, seed)?;
        let per_epoch = training_images(&settings, sweep.data)? as u64;
        trial.limit = to_beat.map(|images| last_test_before(images, settings.test_every, per_epoch));
        let outcome = sweep.outcome(&Run { limit: trial.limit, ..Run::new(settings) })?;
        hits.extend(outcome.images_to_target());
        trial.runs.push((seed, outcome));
        let left = seeds.len() - place - 1;
        if to_beat.is_some() && hits.len() + left < needed {
            sweep.wants_no_more(left);
            return Ok(trial);
        }
    }
    hits.sort_unstable();
    trial.images = hits.get(needed - 1).copied();
    Ok(trial)
}
