//! Who does a run's work.
//!
//! A batch is soon done: after some tens of microseconds its threads wait for each other. One that falls asleep by then,
//! as rayon's do, has to be woken, which takes as long, and the system may put it beside another on the same core and leave
//! it there. So threads that share batches [stay awake](Threads::awake), and look for work until there is some.

use crate::error::{Error, Result};
use rayon::{ThreadPool, ThreadPoolBuilder, Yield};
use std::hint;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

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
    pub fn count(self) -> usize {
        match self {
            Self::One => 1,
            Self::Pool => rayon::current_num_threads(),
        }
    }

    /// Does `work`, with all threads awake until it is done.
    pub(super) fn awake(self, work: impl FnOnce() + Send) {
        if self.count() == 1 {
            return work();
        }
        let done = &AtomicBool::new(false);
        rayon::scope(|scope| {
            let own = rayon::current_thread_index();
            scope.spawn_broadcast(move |_, thread| {
                if own != Some(thread.index()) {
                    stay_until(|| done.load(Ordering::Acquire));
                }
            });
            let _done = OnDrop(|| done.store(true, Ordering::Release));
            work();
        });
    }

    /// Does `work` with each of `pieces`, in any order.
    pub(super) fn each<T: Send>(self, pieces: impl Iterator<Item = T> + Send, work: impl Fn(T) + Sync) {
        if self.count() == 1 {
            return pieces.for_each(work);
        }
        let (left, work) = (&AtomicUsize::new(0), &work);
        rayon::scope(|scope| {
            for piece in pieces {
                left.fetch_add(1, Ordering::Relaxed);
                scope.spawn(move |_| {
                    let _done = OnDrop(|| _ = left.fetch_sub(1, Ordering::Release));
                    work(piece);
                });
            }
            stay_until(|| left.load(Ordering::Acquire) == 0);
        });
    }

    /// Does both, in any order.
    pub(super) fn join(self, one: impl FnOnce() + Send, other: impl FnOnce() + Send) {
        if self.count() == 1 {
            one();
            return other();
        }
        let left = &AtomicBool::new(true);
        rayon::scope(|scope| {
            scope.spawn(move |_| {
                let _done = OnDrop(|| left.store(false, Ordering::Release));
                other();
            });
            one();
            stay_until(|| !left.load(Ordering::Acquire));
        });
    }
}

/// Does what other work there is until `done`, without falling asleep.
fn stay_until(done: impl Fn() -> bool) {
    /// Looks for work before the system is asked whether there is anything else to do: 0.2 ms of them. Whoever asks all the
    /// time looks idle, and is not given a core of its own.
    const LOOKS: usize = 10_000;
    while !done() {
        for _ in 0..LOOKS {
            if rayon::yield_now() == Some(Yield::Executed) || done() {
                break;
            }
            hint::spin_loop();
        }
        if !done() {
            thread::yield_now();
        }
    }
}

/// Does something when it goes, in a panic too: others are waiting.
struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
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
