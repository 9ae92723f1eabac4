//! What an epoch of each algorithm costs on this machine: measured apart from the runs, which share its processors, on one
//! thread and in turns.

use super::Preset;
use crate::data::Dataset;
use crate::engine::optimizer::Hyper;
use crate::engine::threads::pool;
use crate::error::{Error, Result};
use crate::experiments::profile::{LEAST_ROUNDS, Plan, Watcher, wholes};
use crate::experiments::sweep;

/// Seconds of training for an epoch, tests not counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Seconds {
    /// Hidden units.
    pub hidden: usize,
    /// The algorithm's label.
    pub label: &'static str,
    /// The median of some rounds.
    pub epoch: f64,
}

/// Measures each of the preset's algorithms on networks of these sizes: some seconds of work.
///
/// # Errors
/// [`Error::Interrupted`] if the watcher wants to stop, and those of [`wholes`].
pub fn seconds(
    preset: Preset,
    sizes: &[usize],
    data: &Dataset,
    watcher: &dyn sweep::Watcher,
) -> Result<Vec<Seconds>> {
    let algorithms = preset.algorithms();
    let optimizers = algorithms.map(|algorithm| preset.optimizer(algorithm.entry, &Hyper::NONE));
    let plan = Plan {
        optimizers: optimizers.into_iter().collect::<Result<_>>()?,
        hidden: sizes.to_vec(),
        batch: vec![1],
        images: None,
        rounds: Some(LEAST_ROUNDS),
    };
    let found = wholes(&plan, data, &pool(1)?, &mut Relay(watcher))?.ok_or(Error::Interrupted)?;
    let images = data.train.len() as f64;
    let cells = found.into_iter().map(|(cell, whole)| {
        let is_it = |algorithm: &&super::Algorithm| algorithm.entry.name == cell.optimizer;
        let algorithm = algorithms.iter().find(is_it).expect("only these were measured");
        Seconds { hidden: cell.hidden, label: algorithm.label, epoch: whole.median * images / 1e9 }
    });
    Ok(cells.collect())
}

/// Passes on whether to stop.
struct Relay<'a>(&'a dyn sweep::Watcher);

impl Watcher for Relay<'_> {
    fn round(&mut self, _: u64, _: u64, _: f64) {}

    fn wants_to_stop(&mut self) -> bool {
        self.0.wants_to_stop()
    }
}
