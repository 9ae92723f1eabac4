//! Who does a run's work.

use crate::error::{Error, Result};
use dlr_kernels::lanes::{LANES, vectors};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::io;

/// Whether the tests and batches of a run spread over threads, which decides nothing but the speed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Threads {
    /// One thread does it all: right where runs themselves are spread, a thread each.
    One,
    /// The threads of the current rayon pool share it.
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

/// As many threads as do a step soonest: the more there are, the less is left for each, but the longer they wait for each other.
/// The step is that of a batch of so many images, in a network of so many inputs and hidden units.
///
/// Two pay from half a million weights times images on, and each further doubling takes four times as many: so it was with up to
/// 16 threads of a processor whose cores are slow to see what others have written.
pub fn sharing(images: usize, inputs: usize, units: usize) -> usize {
    let work = images as f64 * inputs as f64 * (vectors(units) * LANES) as f64;
    // An even number can be cut into a grid.
    (((work / 125_000.0).sqrt() as usize) & !1).max(1)
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
    use super::sharing;

    #[test]
    fn more_threads_share_more_work() {
        let of_mnist = |images| [30, 100, 300, 1000].map(|units| sharing(images, 784, units));
        assert_eq!(of_mnist(1), [1, 1, 1, 2]);
        assert_eq!(of_mnist(10), [1, 2, 4, 6]);
        assert_eq!(of_mnist(100), [4, 8, 12, 24]);
        assert_eq!(of_mnist(1000), [14, 26, 42, 78]);
    }
}
