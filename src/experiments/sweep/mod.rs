//! Sweeps: experiments of many runs that survive whatever ends the program.
//!
//! An experiment is a plain function that asks the [`Sweep`] for the outcome of one run after another, or of many at
//! once. The sweep looks it up in its [journal], or trains and writes it there. So an experiment that is started
//! again does nothing twice, whether its runs were known beforehand or depend on one another.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`run`] | one run: its key, its outcome |
//! | [`journal`] | the file of outcomes |
//! | [`shard`] | parts of a sweep on several machines, and how they are joined |
//! | [`times`] | how long runs took, apart from what came of them |

pub mod journal;
pub mod run;
pub mod shard;
pub mod times;

use crate::data::Dataset;
use crate::error::{Error, Result};
use journal::Journal;
use rayon::prelude::*;
use run::{Outcome, Run, Times};
use std::sync::Mutex;
use times::Clocks;

/// Whoever watches a sweep.
pub trait Watcher: Sync {
    /// Called when so many more runs are wanted, or may be.
    fn wanted(&self, runs: usize) {
        let _ = runs;
    }

    /// Called when so many runs turned out not to be needed.
    fn spared(&self, runs: usize) {
        let _ = runs;
    }

    /// Called when a run is over, in any order; `is_new` if it was trained now rather than read.
    fn finished(&self, is_new: bool) {
        let _ = is_new;
    }

    /// Whether the sweep should end now; asked often.
    fn wants_to_stop(&self) -> bool {
        false
    }
}

/// Nobody watches.
impl Watcher for () {}

/// A sweep on its way.
pub struct Sweep<'a> {
    /// What its runs learn.
    pub data: &'a Dataset,
    journal: Mutex<Journal>,
    /// How long the runs took, if each has the processor to itself.
    clocks: Option<Mutex<Clocks>>,
    watcher: &'a dyn Watcher,
}

impl<'a> Sweep<'a> {
    /// A sweep that goes on from `journal`.
    pub fn new(data: &'a Dataset, journal: Journal, watcher: &'a dyn Watcher) -> Self {
        Self { data, journal: Mutex::new(journal), clocks: None, watcher }
    }

    /// The same, with an eye on the clock: for runs that have the processor to themselves, one after another.
    pub fn timed(self, clocks: Clocks) -> Self {
        Self { clocks: Some(Mutex::new(clocks)), ..self }
    }

    /// Tells the watcher that so many more runs are wanted.
    pub fn wants(&self, runs: usize) {
        self.watcher.wanted(runs);
    }

    /// Tells the watcher that so many runs that were wanted are not needed any more.
    pub fn wants_no_more(&self, runs: usize) {
        self.watcher.spared(runs);
    }

    /// The outcome of `run`: the journal's, or that of training now, on this thread.
    ///
    /// # Errors
    /// [`Error::Interrupted`] if the watcher wants to stop, and those of [`Run::train`] and [`Journal::add`].
    pub fn outcome(&self, run: &Run) -> Result<Outcome> {
        let key = run.key(self.data);
        if let Some(outcome) = self.journal.lock().expect("no panic").get(&key) {
            self.watcher.finished(false);
            return Ok(outcome.clone());
        }
        if self.watcher.wants_to_stop() {
            return Err(Error::Interrupted);
        }
        let (outcome, times) = run.train(self.data, &|| self.watcher.wants_to_stop())?;
        if let Some(clocks) = &self.clocks {
            clocks.lock().expect("no panic").add(key.clone(), times)?;
        }
        self.journal.lock().expect("no panic").add(key, outcome.clone())?;
        self.watcher.finished(true);
        Ok(outcome)
    }

    /// What `one` makes of each item, in their order. The threads of the current rayon pool work on them, each on one at a
    /// time.
    ///
    /// # Errors
    /// One of those of `one`; items that were not begun by then are left.
    pub fn each<T: Sync, R: Send>(
        &self,
        items: &[T],
        one: impl Fn(&T) -> Result<R> + Sync,
    ) -> Result<Vec<R>> {
        items.par_iter().with_max_len(1).map(&one).collect()
    }

    /// How long `run` took, if that was measured.
    pub fn times(&self, run: &Run) -> Option<Times> {
        self.clocks.as_ref()?.lock().expect("no panic").get(&run.key(self.data))
    }

    /// Ends a complete sweep, whose journal then no longer depends on the order of its runs.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn complete(self) -> Result<()> {
        self.journal.into_inner().expect("no panic").seal()
    }
}
