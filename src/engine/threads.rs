//! Who does a run's work.

use crate::error::{Error, Result};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Whether the tests and batches of a run spread over threads, which decides nothing but the speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// One thread does it all: right where runs themselves are spread, a thread each.
    One,
    /// The threads of the current rayon pool share it, or, of a small batch, a few others. For one run at a time.
    Pool,
}

impl Threads {
    /// How many there are.
    pub(super) fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Pool => rayon::current_num_threads(),
        }
    }

    /// Does `work` with each of `pieces`, in any order. Threads take neighbours, and mostly the same ones every time, which
    /// leaves what they work on in their caches.
    pub(super) fn each<T: Send>(self, pieces: impl Iterator<Item = T>, work: impl Fn(T) + Send + Sync) {
        match self {
            Self::One => pieces.for_each(work),
            Self::Pool => pieces.collect::<Vec<_>>().into_par_iter().with_max_len(1).for_each(work),
        }
    }

    /// Does both, in any order.
    pub(super) fn join(self, one: impl FnOnce() + Send, other: impl FnOnce() + Send) {
        match self {
            Self::One => {
                one();
                other();
            }
            Self::Pool => _ = rayon::join(one, other),
        }
    }
}

/// A few threads for work that all those of the current pool, if there are more, would only hold up.
pub(super) struct Crew {
    most: usize,
    pool: OnceCell<Option<Arc<ThreadPool>>>,
}

impl Crew {
    /// At most so many threads.
    pub(super) fn new(most: usize) -> Self {
        Self { most, pool: OnceCell::new() }
    }

    /// Does `work` in a pool of so many threads, if the current one has more, and in the current one if the system has none left.
    pub(super) fn work(&self, threads: Threads, work: impl FnOnce() + Send) {
        // What is the work of one goes on where it is.
        let stays = self.most == 1 || threads.count() <= self.most;
        let other = if stays { None } else { self.pool.get_or_init(|| shared_pool(self.most)).as_ref() };
        match other {
            Some(pool) => pool.install(work),
            None => work(),
        }
    }
}

/// A pool of so many threads, the same for all who want one at the time: a profile has dozens of networks.
fn shared_pool(threads: usize) -> Option<Arc<ThreadPool>> {
    static POOLS: Mutex<BTreeMap<usize, Weak<ThreadPool>>> = Mutex::new(BTreeMap::new());
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    pools.get(&threads).and_then(Weak::upgrade).or_else(|| {
        let pool = Arc::new(pool(threads).ok()?);
        pools.insert(threads, Arc::downgrade(&pool));
        Some(pool)
    })
}

/// As many threads as do a step of training soonest, at least one: the more there are, the less is left for each, but the longer
/// they wait for each other. The step is that of a batch of so many images, in a network of so many inputs and, in its first
/// hidden layer, units.
///
/// Two pay from half a million weights times images on, and twice as many where there are four times as many of these. That is a
/// rule of thumb, for what was measured of up to 16 threads at H = 30 to 1000.
pub(super) fn useful_threads(images: usize, inputs: usize, units: usize) -> usize {
    let work = images as f64 * inputs as f64 * units as f64;
    // An even number can be cut into a grid.
    (((work / 120_000.0).sqrt() as usize) & !1).max(1)
}

/// A pool of so many threads.
///
/// # Errors
/// [`Error::Resource`] if the system has no more of them.
pub fn pool(threads: usize) -> Result<ThreadPool> {
    ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| Error::Resource {
        action: "start threads",
        source: io::Error::other(error),
        cure: "try fewer --threads, or free some memory",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_threads_share_more_work() {
        let of_mnist = |images| [30, 100, 300, 1000].map(|units| useful_threads(images, 784, units));
        assert_eq!(of_mnist(1), [1, 1, 1, 2]);
        assert_eq!(of_mnist(10), [1, 2, 4, 8]);
        assert_eq!(of_mnist(100), [4, 8, 14, 24]);
        assert_eq!(of_mnist(1000), [14, 24, 44, 80]);
    }

    #[test]
    fn a_crew_is_of_few_where_there_are_more() {
        let at_work = |threads, most| {
            let mut found = 0;
            Crew::new(most).work(threads, || found = rayon::current_num_threads());
            found
        };
        let all = pool(5).unwrap();
        assert_eq!(all.install(|| [1, 2, 5, 6].map(|most| at_work(Threads::Pool, most))), [5, 2, 5, 5]);
        assert_eq!(all.install(|| at_work(Threads::One, 2)), 5, "one thread works where it is");
    }

    #[test]
    fn a_pool_is_shared_while_anybody_has_it() {
        let size = 3; // no other test's
        let one = shared_pool(size).unwrap();
        assert!(Arc::ptr_eq(&one, &shared_pool(size).unwrap()));
        assert!(!Arc::ptr_eq(&one, &shared_pool(size + 2).unwrap()));
        let gone = Arc::downgrade(&one);
        drop(one);
        assert!(gone.upgrade().is_none());
        assert_eq!(shared_pool(size).unwrap().current_num_threads(), size);
    }
}
