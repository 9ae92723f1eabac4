//! Runs that differ in nothing but their seeds. They are independent, so each takes one thread, and as many run at once
//! as the current rayon pool has threads.

use crate::data::Dataset;
use crate::engine::network::Network;
use crate::engine::settings::Settings;
use crate::engine::threads::Threads;
use crate::engine::trainer::{Observer, Run, train};
use crate::error::Result;
use rayon::prelude::*;
use std::time::Instant;

/// One of the runs.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// The common settings, with the run's own seed.
    pub settings: Settings,
    /// SHA-256 of the weights that it started from.
    pub initial_sha256: String,
    /// What came of it. Clocks count from the start of this run.
    pub run: Run,
}

/// Trains by `settings` from each of `seeds`, from the network that `start` has for a seed. `observer` makes an observer
/// for each run, or refuses it, which leaves it out: so the rest of the runs are called off.
///
/// The runs come in the order of `seeds`, and are the same for any number of threads, except for their clocks: **times
/// that were measured while runs shared a processor mean nothing.**
///
/// # Errors
/// Those of [`train`].
pub fn over_seeds<O: Observer>(
    settings: &Settings,
    seeds: impl IntoIterator<Item = u64>,
    data: &Dataset,
    start: impl Fn(u64) -> Network + Sync,
    observer: impl Fn() -> Option<O> + Sync,
) -> Result<Vec<Seeded>> {
    let one = |seed: u64| {
        let mut observer = observer()?;
        let since = Instant::now();
        let settings = Settings { seed, ..settings.clone() };
        let start = start(seed);
        let initial_sha256 = start.sha256();
        let run = train(&settings, data, start, since, Threads::One, &mut observer);
        Some(run.map(|run| Seeded { settings, initial_sha256, run }))
    };
    let seeds: Vec<u64> = seeds.into_iter().collect();
    let runs: Vec<_> = seeds.into_par_iter().with_max_len(1).map(one).collect();
    runs.into_iter().flatten().collect()
}
