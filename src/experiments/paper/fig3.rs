//! Fig. 3: DLR beside SGD at DLR's mean learning rate, which tells what it is worth that each synapse has a rate of its own.
//!
//! DLR's mean rate in each layer is recorded over training, the mean over the runs is fitted by a exp(b t^(1/3) + c t) + d
//! for t updates, and new networks learn with these rates by SGD. All runs go on for [`EPOCHS`] epochs, so that the
//! curves have the same runs everywhere.

use super::{Preset, Scale};
use crate::engine::optimizer::{Entry, Hyper};
use crate::engine::settings::Settings;
use crate::error::Result;
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
    /// DLR's setting.
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
