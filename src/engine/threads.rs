//! Who does a run's work.

use crate::error::{Error, Result};
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::io;

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
