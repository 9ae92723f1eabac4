//! The best setting of an optimizer, searched for here: what the author's grids can't give, since they belong to the
//! author's error.
//!
//! Every optimizer has the same number of trials and the same seeds, none of which any result is reported for. The first
//! trial is the optimizer's own default, so that hopeless ones can be stopped from the start.

use super::{Preset, Scale};
use crate::engine::optimizer::{Entry, Hyper};
use crate::error::Result;
use crate::experiments::spaces::{setting, space};
use crate::experiments::sweep::Sweep;
use crate::experiments::tune::{Trial, Tuned, next_by_estimator, tune};

/// Trials after the default.
const TRIALS: usize = 40;
/// The same if little is to be done.
const QUICK_TRIALS: usize = 3;
/// Seeds to tune with.
pub const SEEDS: [u64; 3] = [1001, 1002, 1003];

/// Trials of a search, the default not counted.
pub fn trials(scale: Scale) -> usize {
    match scale {
        Scale::Full => TRIALS,
        Scale::Quick => QUICK_TRIALS,
    }
}

/// Searches by a tree-structured Parzen estimator for the best setting of an optimizer, with `fixed` in all of them, for
/// so many hidden units.
///
/// # Errors
/// Those of [`Sweep::outcome`].
pub fn search(
    sweep: &Sweep,
    preset: Preset,
    scale: Scale,
    hidden: usize,
    entry: &'static Entry,
    fixed: &Hyper,
) -> Result<Tuned> {
    let trials = trials(scale);
    let space = space(entry.name).expect("an optimizer of the paper's kind has a space");
    let default = *preset.optimizer(entry, fixed)?.hyper();
    let settings = |hyper: &Hyper, seed| Ok(preset.settings(hidden, preset.optimizer(entry, hyper)?, seed));
    let propose = |so_far: &[Trial]| {
        let Some((_, searched)) = so_far.split_first() else { return vec![default] };
        let points = next_by_estimator(&space, searched, trials);
        points.iter().map(|point| setting(&space, point, &default)).collect()
    };
    tune(sweep, &SEEDS, settings, propose, true)
}
