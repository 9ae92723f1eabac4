//! What every command that makes many runs needs: data, threads, signals, progress, and a journal.

use super::exit::{Code, complain, warn};
use super::progress::SweepProgress;
use super::signals::Signals;
use super::source::Source;
use dlr::data::Dataset;
use dlr::engine::threads::pool;
use dlr::experiments::sweep::journal::{Header, Journal};
use dlr::report::machine::Engine;
use dlr::{Error, Result, files};
use rayon::ThreadPool;
use std::path::Path;
use std::thread;

/// What to do where a picture can't be written.
pub(super) const CURE: &str = "give a file in a folder that can be written";

/// The jobs that were chosen, or one for each core.
pub(super) fn jobs(chosen: Option<u64>) -> usize {
    chosen.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), |n| n as usize)
}

/// Whether a picture of runs could be written, and apart from the journal that keeps them.
pub(super) fn check_picture(svg: Option<&Path>, journal: Option<&Path>) -> Result<()> {
    let Some(svg) = svg else { return Ok(()) };
    check_apart("--svg", svg, journal, "the journal")?;
    files::check_place(svg, CURE)
}

/// Refuses to write over `input`, which is told as `what`. Either may be yet to come.
pub(super) fn check_apart(
    option: &'static str,
    output: &Path,
    input: Option<&Path>,
    what: &str,
) -> Result<()> {
    let place = |path: &Path| {
        let in_folder = || {
            let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            Some(folder.unwrap_or(Path::new(".")).canonicalize().ok()?.join(path.file_name()?))
        };
        path.canonicalize().ok().or_else(in_folder).unwrap_or_else(|| path.to_owned())
    };
    match input {
        Some(input) if place(input) == place(output) => Err(Error::Settings {
            option,
            problem: format!("{} is {what}, which would be overwritten", output.display()),
            cure: "give another file".into(),
        }),
        _ => Ok(()),
    }
}

/// Refuses to write over a file of the data set.
pub(super) fn check_not_data(option: &'static str, output: &Path, data: &Dataset) -> Result<()> {
    data.files.iter().try_for_each(|file| check_apart(option, output, Some(file), "a file of the data set"))
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
