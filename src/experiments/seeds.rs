//! Runs that differ in nothing but their seeds. They are independent, so each takes one thread, and as many run at once
//! as the current rayon pool has threads.

use crate::data::Dataset;
use crate::engine::network::Network;
use crate::engine::settings::Settings;
use crate::engine::threads::Threads;
use crate::engine::trainer::{Observer, Point, Run, Stop, train};
use crate::error::Result;
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::time::Instant;

/// One of the runs, just finished.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// The common settings, with the run's own seed.
    pub settings: Settings,
    /// SHA-256 of the weights that it started from.
    pub initial_sha256: String,
    /// What came of it. Clocks count from the start of this run.
    pub run: Run,
}

/// What is kept of a run.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// Why it ended.
    pub stop: Stop,
    /// Its last test.
    pub last: Point,
    /// As [`Run::test_accuracy`].
    pub test_accuracy: f64,
}

impl Outcome {
    /// The test above the target, if there was one.
    pub fn hit(&self) -> Option<&Point> {
        (self.stop == Stop::Target).then_some(&self.last)
    }
}

/// Trains by `settings` from each of `seeds`, from the network that `start` has for a seed. `observer` makes an observer
/// for each run, or refuses it, and so calls off the runs that have not begun. `finished` is told of each run when it is
/// over, in the order of the seeds; of its network, nothing is kept.
///
/// The outcomes come in the order of the seeds, and are the same for any number of threads, except for their clocks:
/// **times that were measured while runs shared a processor mean nothing.**
///
/// # Errors
/// Those of [`train`], and the first of `finished`, after which no run is begun.
pub fn over_seeds<O: Observer>(
    settings: &Settings,
    seeds: RangeInclusive<u64>,
    data: &Dataset,
    start: impl Fn(u64) -> Network + Sync,
    observer: impl Fn() -> Option<O> + Sync,
    finished: impl FnMut(&Seeded) -> Result<()> + Send,
) -> Result<Vec<Outcome>> {
    let queue = Mutex::new(seeds.enumerate());
    let done = Mutex::new(InOrder { waiting: Vec::new(), outcomes: Vec::new(), failed: None, finished });
    let one = |seed: u64, mut observer: O| {
        let since = Instant::now();
        let settings = Settings { seed, ..settings.clone() };
        let start = start(seed);
        let initial_sha256 = start.sha256();
        let run = train(&settings, data, start, since, Threads::One, &mut observer)?;
        Ok(Seeded { settings, initial_sha256, run })
    };
    // In functions of their own, since a lock that a loop's condition takes is held throughout its body.
    let next = || queue.lock().expect("no panic").next();
    let has_failed = || done.lock().expect("no panic").failed.is_some();
    rayon::broadcast(|_| {
        while !has_failed()
            && let Some(observer) = observer()
            && let Some((place, seed)) = next()
        {
            let run = one(seed, observer);
            done.lock().expect("no panic").take(place, run);
        }
    });
    let InOrder { outcomes, failed, .. } = done.into_inner().expect("no panic");
    failed.map_or(Ok(outcomes), Err)
}

/// Runs that come in any order and leave in that of their places.
struct InOrder<F> {
    waiting: Vec<(usize, Seeded)>,
    outcomes: Vec<Outcome>,
    failed: Option<crate::Error>,
    finished: F,
}

impl<F: FnMut(&Seeded) -> Result<()>> InOrder<F> {
    fn take(&mut self, place: usize, run: Result<Seeded>) {
        match run {
            Ok(run) => self.waiting.push((place, run)),
            Err(error) => self.failed = Some(error),
        }
        while self.failed.is_none()
            && let Some(next) = self.waiting.iter().position(|(place, _)| *place == self.outcomes.len())
        {
            let (_, seeded) = self.waiting.swap_remove(next);
            self.failed = (self.finished)(&seeded).err();
            let Seeded { settings, run, .. } = seeded;
            let (last, test_accuracy) = (*run.last(), run.test_accuracy());
            self.outcomes.push(Outcome { seed: settings.seed, stop: run.stop, last, test_accuracy });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::stripes;
    use crate::{Error, Hyper, Init, Optimizer};
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Trains from seeds 3 to 6 to a target, as long as there are observers, and fails when run number `last` is finished.
    /// Gives what came of it, and the seeds in the order in which they were finished.
    fn trained(threads: usize, observers: usize, last: usize) -> (Result<Vec<Outcome>>, Vec<u64>) {
        let dlr = Optimizer::named("dlr", &Hyper::lr(2.0)).unwrap();
        let settings = Settings { epochs: 300, target: Some(0.9), ..Settings::new(3, dlr) };
        let start = |seed| Network::draw(4, 3, 2, Init::FanIn, seed);
        let taken = AtomicUsize::new(0);
        let observer = || (taken.fetch_add(1, Ordering::Relaxed) < observers).then_some(());
        let mut seeds = Vec::new();
        let finished = |one: &Seeded| {
            assert_eq!(one.initial_sha256, start(one.settings.seed).sha256());
            seeds.push(one.settings.seed);
            let is_last = seeds.len() == last;
            if is_last { Err(Error::data(Path::new("last"), "full", "make room")) } else { Ok(()) }
        };
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let outcomes = pool.install(|| over_seeds(&settings, 3..=6, &stripes(), start, observer, finished));
        (outcomes, seeds)
    }

    #[test]
    fn runs_are_finished_in_the_order_of_their_seeds_by_any_number_of_threads() {
        let [alone, together] = [1, 3].map(|threads| {
            let (outcomes, finished) = trained(threads, usize::MAX, usize::MAX);
            assert_eq!(finished, [3, 4, 5, 6]);
            outcomes.unwrap()
        });
        for (one, other) in alone.iter().zip(&together) {
            assert_eq!((one.seed, one.last.images), (other.seed, other.last.images));
            assert_eq!(one.hit().map(|hit| hit.images), Some(one.last.images));
            assert!(one.test_accuracy > 0.9, "{one:?}");
            let missed = Outcome { stop: Stop::Epochs, ..*one };
            assert!(missed.hit().is_none());
        }
        let seeds = |outcomes: &[Outcome]| outcomes.iter().map(|one| one.seed).collect::<Vec<_>>();
        assert_eq!((seeds(&alone), seeds(&together)), (vec![3, 4, 5, 6], vec![3, 4, 5, 6]));
    }

    #[test]
    fn no_run_is_begun_without_an_observer_or_after_an_error() {
        let (outcomes, finished) = trained(1, 2, usize::MAX);
        assert_eq!((outcomes.unwrap().len(), finished), (2, vec![3, 4]));
        let (outcomes, finished) = trained(1, usize::MAX, 2);
        assert_eq!(
            (outcomes.unwrap_err().to_string(), finished),
            ("last: full; make room".into(), vec![3, 4])
        );
    }
}
