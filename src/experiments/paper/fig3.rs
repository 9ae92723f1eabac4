//! Fig. 3: DLR beside SGD at DLR's mean learning rate, which tells what it is worth that each synapse has a rate of its own.
//!
//! DLR's mean rate in each layer is recorded over training, the mean over the runs is fitted by a exp(b t^(1/3) + c t) + d
//! for t updates, and new networks learn with these rates by SGD. All runs go on for [`EPOCHS`] epochs, so that the
//! curves have the same runs everywhere.

use super::search::search;
use super::{Preset, Scale};
use crate::engine::optimizer::{Entry, Hyper, Optimizer, Rates};
use crate::engine::settings::Settings;
use crate::error::{Error, Result};
use crate::experiments::curve_fit::{self, Fit};
use crate::experiments::statistics::Spread;
use crate::experiments::sweep::Sweep;
use crate::experiments::sweep::run::{Keep, Outcome, Run};

/// Hidden units.
pub const HIDDEN: usize = 100;
/// Passes over the training images.
pub const EPOCHS: u64 = 2;
/// The accuracy to reach.
const TARGET: f64 = 0.96;

/// The figure.
#[derive(Clone, Debug)]
pub struct Fig3 {
    /// Whose settings.
    pub preset: Preset,
    /// DLR's setting, complete.
    pub hyper: Hyper,
    /// Images of an epoch.
    pub per_epoch: u64,
    /// Images between tests.
    pub test_every: u64,
    /// DLR's runs, by rising seed from 1.
    pub dlr: Vec<Outcome>,
    /// SGD's at the mean rates, by the same seeds.
    pub mean_rate: Vec<Outcome>,
    /// DLR's mean rate of each layer over its runs, at the start and at every test.
    pub rates: Vec<[f64; 2]>,
    /// What they were fitted by.
    pub fits: [Fit; 2],
}

/// Runs of each.
fn seeds(scale: Scale) -> Vec<u64> {
    match scale {
        Scale::Full => (1..=20).collect(),
        Scale::Quick => (1..=5).collect(),
    }
}

/// Makes all runs of the figure, with DLR at its best setting: that of the author, or of a search.
///
/// # Errors
/// Those of [`Sweep::outcome`]; [`Error::Settings`] if the mean rates can't be fitted.
pub fn fig3(sweep: &Sweep, preset: Preset, scale: Scale) -> Result<Fig3> {
    let hyper = match preset {
        Preset::Authors => Hyper::NONE,
        Preset::Mse => {
            let found = search(sweep, preset, scale, HIDDEN, entry("dlr"), &Hyper::NONE)?;
            found.best().map_or(Hyper::NONE, |best| best.hyper)
        }
    };
    let seeds = seeds(scale);
    sweep.wants(2 * seeds.len());
    let runs = |optimizer: &Optimizer, keep| {
        sweep.each(&seeds, |&seed| {
            let settings = preset.settings(HIDDEN, optimizer.clone(), seed);
            let through = Settings { target: None, stall: None, epochs: EPOCHS, ..settings };
            sweep.outcome(&Run { keep, ..Run::new(through) })
        })
    };
    let optimizer = preset.optimizer(entry("dlr"), &hyper)?;
    let hyper = *optimizer.hyper();
    let dlr = runs(&optimizer, Keep::Rates)?;

    let per_epoch = sweep.data.train.len() as u64;
    let test_every = preset.settings(HIDDEN, optimizer, 1).test_every;
    let rates = mean_over_runs(&dlr);
    let times: Vec<f64> =
        (0..rates.len()).map(|test| (test as u64 * test_every).min(EPOCHS * per_epoch) as f64).collect();
    let fit = |layer: usize| {
        let rates: Vec<f64> = rates.iter().map(|rates| rates[layer]).collect();
        curve_fit::fit(&times, &rates).map_err(|error| Error::Settings {
            option: "dlr reproduce fig3",
            problem: format!("DLR's mean rates can't be fitted: {error}"),
            cure: "look at them in the journal".into(),
        })
    };
    let fits = [fit(0)?, fit(1)?];
    let curves = Rates(fits.map(|fit| fit.curve.numbers()));
    let scheduled = preset.optimizer(entry("sgd-rates"), &Hyper { rates: Some(curves), ..Hyper::NONE })?;
    let mean_rate = runs(&scheduled, Keep::Curve)?;
    Ok(Fig3 { preset, hyper, per_epoch, test_every, dlr, mean_rate, rates, fits })
}

fn entry(name: &str) -> &'static Entry {
    Entry::find(name).expect("the optimizer is one of the list")
}

fn mean_over_runs(runs: &[Outcome]) -> Vec<[f64; 2]> {
    let tests = runs.iter().map(|run| run.rates.len()).min().unwrap_or_default();
    let mean = |test: usize, layer: usize| {
        runs.iter().map(|run| run.rates[test][layer]).sum::<f64>() / runs.len() as f64
    };
    (0..tests).map(|test| [mean(test, 0), mean(test, 1)]).collect()
}

impl Fig3 {
    /// Epochs to the target of each of `runs`, which went on after it; `None` for a miss.
    pub fn epochs(&self, runs: &[Outcome]) -> Vec<Option<f64>> {
        let of_run = |run: &Outcome| {
            let test = run.curve.iter().position(|&accuracy| accuracy > TARGET)?;
            Some(self.epoch(test))
        };
        runs.iter().map(of_run).collect()
    }

    /// The images after which a test came, counted from 0; the last comes at the end, whether it is due or not.
    pub fn images(&self, test: usize) -> u64 {
        ((test as u64 + 1) * self.test_every).min(EPOCHS * self.per_epoch)
    }

    /// The epochs after which a test came, counted from 0.
    pub fn epoch(&self, test: usize) -> f64 {
        self.images(test) as f64 / self.per_epoch as f64
    }

    /// The median of the runs' test accuracies at each test, and the quartiles around it.
    pub fn accuracies(runs: &[Outcome]) -> Vec<Spread> {
        let tests = runs.iter().map(|run| run.curve.len()).min().unwrap_or_default();
        (0..tests).filter_map(|test| Spread::of(runs.iter().map(|run| run.curve[test]))).collect()
    }
}
