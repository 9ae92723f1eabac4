//! What every command that makes many runs needs: data, threads, signals, progress, and a journal.

use super::exit::{Code, complain, warn};
use super::progress::SweepProgress;
use super::signals::Signals;
use super::source::Source;
use dlr::data::Dataset;
use dlr::engine::threads::pool;
use dlr::experiments::sweep::journal::{Header, Journal};
use dlr::report::machine::Engine;
use dlr::{Error, Result};
use rayon::ThreadPool;
use std::path::Path;
use std::thread;

/// The jobs that were chosen, or one for each core.
pub(super) fn jobs(chosen: Option<u64>) -> usize {
    chosen.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), |n| n as usize)
}

pub(super) struct Stage {
    pub(super) engine: Engine,
    pub(super) data: Dataset,
    pub(super) progress: SweepProgress,
    signals: Signals,
    pool: ThreadPool,
}

impl Stage {
    /// Everything ready for so many jobs at once, or one for each core, on the data of `source`.
    pub(super) fn set(jobs: Option<u64>, source: &Source, quiet: bool) -> Result<Self> {
        let jobs = self::jobs(jobs);
        let engine = Engine::here(jobs);
        engine.warnings().iter().for_each(|warning| warn(warning));
        let data = source.open()?;
        let signals = Signals::listen()?;
        let progress = SweepProgress::new(quiet, signals.clone());
        Ok(Self { engine, data, progress, signals, pool: pool(jobs)? })
    }

    /// Whether each run has the processor to itself.
    pub(super) fn is_alone(&self) -> bool {
        self.pool.current_num_threads() == 1
    }

    /// What `work` makes, by the threads of this stage; or the exit code, if the user has ended it. `kept` is where its
    /// runs are kept, if they are.
    pub(super) fn run<T: Send>(
        &self,
        kept: Option<&Path>,
        work: impl FnOnce() -> Result<T> + Send,
    ) -> Result<Result<T, Code>> {
        let made = self.pool.install(work);
        self.progress.finish();
        match made {
            Err(Error::Interrupted) if let Some(code) = self.signals.received() => {
                match kept {
                    Some(_) => complain(format_args!("dlr: {}", Error::Interrupted)),
                    None => complain(format_args!(
                        "dlr: interrupted; nothing was kept, since no --journal was given"
                    )),
                }
                Ok(Err(code))
            }
            made => made.map(Ok),
        }
    }
}

/// The journal at `path`, mended if its end was cut off; or one that lives no longer than the program.
pub(super) fn journal(path: Option<&Path>, header: Header) -> Result<Journal> {
    let journal = path
        .map_or_else(|| Ok(Journal::in_memory(header.clone())), |path| Journal::open(path, header.clone()))?;
    journal.warning.iter().for_each(|warning| warn(warning));
    Ok(journal)
}
