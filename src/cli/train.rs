//! `dlr`: train one network, or one from each of several seeds, and tell how it went.

use super::args::Train;
use super::exit::{Code, is_read, print, warn};
use super::outputs::Files;
use super::progress::{Keeper, Progress, RunsProgress};
use super::protocol::seeds;
use super::signals::Signals;
use super::stage::jobs;
use dlr::data::Dataset;
use dlr::engine::checkpoint::{Checkpoint, Initial, Origin};
use dlr::engine::fit::initial;
use dlr::engine::model;
use dlr::engine::network::Network;
use dlr::engine::saved::Saved;
use dlr::engine::settings::Settings;
use dlr::engine::threads::{Threads, pool};
use dlr::engine::trainer::{PROTOCOL, Point, Run, Stop, resume, train, training_images};
use dlr::experiments::seeds::{Outcome, Seeded, over_seeds};
use dlr::report::machine::Engine;
use dlr::report::record::Record;
use dlr::report::{runs, summary};
use dlr::{Error, Result};
use rayon::ThreadPool;
use std::path::Path;
use std::time::Instant;

/// A training that has been checked and can start.
struct Job {
    args: Train,
    settings: Settings,
    data: Dataset,
    loaded: Option<Network>,
    resumed: Option<(Checkpoint, Origin)>,
    engine: Engine,
    signals: Signals,
    pool: ThreadPool,
}

pub(super) fn run(args: Train, files: Files, since: Instant) -> Result<Code> {
    let job = prepare(args, files)?;
    match job.args.runs {
        Some(runs) if runs > 1 => several(job, runs),
        _ => one(job, since),
    }
}

/// Everything that can be refused is refused here, before the training, not after it.
fn prepare(args: Train, mut files: Files) -> Result<Job> {
    let threads = jobs(args.threads);
    let engine = Engine::here(threads);
    engine.warnings().iter().for_each(|warning| warn(warning));
    let loaded = args.load.as_deref().map(Saved::load).transpose()?;
    let resumed = args.resume.as_deref().map(Checkpoint::load).transpose()?;
    let mut settings = match &resumed {
        Some((checkpoint, _)) => args.changed(checkpoint)?,
        None => args.settings(loaded.as_ref().map(|saved| saved.network.hidden()))?,
    };
    files.reads("the model", args.load.as_deref());
    files.reads("the checkpoint", args.resume.as_deref());
    files.writes("--save", args.save.as_deref(), model::check_place)?;
    files.writes("--checkpoint", args.checkpoint.as_deref(), Checkpoint::check_place)?;
    let data = args.protocol.source.or_known(resumed.as_ref().map(|(_, origin)| &*origin.data)).open()?;
    let images = training_images(&settings, &data)?;
    settings.images = Some(images);
    if resumed.is_none() {
        args.protocol.check_batch(images)?;
    }
    files.spare(&data)?;
    if let Some(saved) = &loaded {
        saved.check_fits(&data)?;
        warn_of_others(saved, &settings, &data);
    }
    if let (Some((_, origin)), Some(path)) = (&resumed, &args.resume) {
        check_origin(origin, path, &data)?;
    }
    let signals = Signals::listen()?;
    let pool = pool(threads)?;
    let loaded = loaded.map(|saved| saved.network);
    Ok(Job { args, settings, data, loaded, resumed, engine, signals, pool })
}

/// Warns if loaded weights were trained on other data, or for other inputs or targets, than those of this run.
fn warn_of_others(saved: &Saved, settings: &Settings, data: &Dataset) {
    let path = saved.path.display();
    if let Some(there) = saved.data.as_ref().filter(|there| **there != data.name) {
        warn(&format!("{path} was trained on {there}, and goes on with {}", data.name));
    }
    if let Some(inputs) = saved.inputs.filter(|inputs| *inputs != settings.inputs) {
        let (there, here) = (inputs.name(), settings.inputs.name());
        warn(&format!("{path} was trained with --inputs {there}, and goes on with {here}"));
    }
    if let Some((low, high)) = saved.one_hot.filter(|targets| *targets != settings.one_hot) {
        let here = settings.one_hot;
        warn(&format!(
            "{path} was trained with --one-hot {low},{high}, and goes on with {},{}",
            here.0, here.1
        ));
    }
}

/// Warns if there was nothing to go on with after a checkpoint.
fn warn_of_nothing(checkpoint: &Checkpoint, path: &Path, run: &Run) {
    let why = match run.stop {
        _ if run.last().images > checkpoint.images => return,
        Stop::Target => "it had reached its target; a higher --target, or none, has it go on",
        Stop::Stalled => "it had stalled",
        Stop::Epochs => "its epochs were over; more --epochs have it go on",
        _ => return,
    };
    warn(&format!("nothing was trained after {}: {why}", path.display()));
}

impl Job {
    /// The network that a run with `seed` starts from.
    fn start(&self, seed: u64) -> Network {
        let settings = || Settings { seed, ..self.settings.clone() };
        self.loaded.clone().unwrap_or_else(|| initial(&settings(), &self.data))
    }

    fn initial(&self, weights_sha256: String) -> Initial {
        let file = self.args.load.as_ref().map(|path| path.to_string_lossy().into_owned());
        Initial { file, weights_sha256 }
    }

    fn divergence(&self, seed: u64, last: &Point) -> Error {
        let optimizer = &self.settings.optimizer;
        let cure = if optimizer.hyper().lr.is_some() { "--lr" } else { "--rates" };
        Error::Diverged { optimizer: optimizer.name(), seed, images: last.images, cure }
    }
}

/// One run.
fn one(job: Job, since: Instant) -> Result<Code> {
    let Job { args, settings, data, engine, signals, pool, resumed, .. } = &job;
    let images = settings.images.unwrap_or(data.train.len()) as u64;
    let watch = |initial: &Option<Initial>| {
        let keeper = args.checkpoint.clone().zip(initial.clone()).map(|(path, initial)| Keeper {
            path,
            every: args.every,
            origin: Origin::here(data, initial),
            kept: resumed.as_ref().map_or(0, |(checkpoint, _)| checkpoint.images),
            failed: None,
        });
        let curve = args.json || keeper.is_some();
        Progress::new(args.quiet, curve, settings, images, signals.clone(), keeper)
    };
    let (began, mut progress, run);
    if let Some((checkpoint, origin)) = resumed {
        began = Some(origin.initial.clone());
        progress = watch(&began);
        let checkpoint = Checkpoint { settings: settings.clone(), ..checkpoint.clone() };
        run = pool.install(|| resume(&checkpoint, data, since, Threads::Pool, &mut progress)).map_err(
            |error| match (error, &args.resume) {
                (Error::Checkpoint { problem }, Some(path)) => Error::Data {
                    path: path.clone(),
                    problem,
                    cure: "give --resume a file that --checkpoint has written".into(),
                },
                (error, _) => error,
            },
        );
    } else {
        let start = job.start(settings.seed);
        began = (args.json || args.checkpoint.is_some()).then(|| job.initial(start.sha256()));
        progress = watch(&began);
        run = pool.install(|| train(settings, data, start, since, Threads::Pool, &mut progress));
    }
    progress.finish();
    let run = run?;
    if let (Some((checkpoint, _)), Some(path)) = (resumed, &args.resume) {
        warn_of_nothing(checkpoint, path, &run);
    }

    let saved = match args.save.as_deref() {
        Some(path) if run.stop != Stop::Diverged => {
            model::save(path, &run.network, origin(settings, data, engine, &run))
        }
        _ => Ok(()),
    };
    // The result is told even where it could not be saved.
    match &began {
        Some(initial) if args.json => {
            print(&json_line(&Record::new(settings, data, engine, initial, &run, true)))?
        }
        _ => print(&summary::summary(settings, data, engine, &run))?,
    }
    saved?;
    if let Some(error) = progress.failed() {
        return Err(error);
    }
    if run.stop == Stop::Diverged {
        return Err(job.divergence(settings.seed, run.last()));
    }
    Ok(outcome(args, &[run.stop], 1, signals))
}

/// A run from each of several seeds.
fn several(job: Job, runs: u64) -> Result<Code> {
    let Job { args, settings, data, engine, signals, pool, .. } = &job;
    let seeds = seeds(settings.seed, runs)?;
    let timed = pool.current_num_threads() == 1;
    let alone = Engine { threads: 1, ..engine.clone() };
    // Told as they come, so that a sweep that is killed has not been for nothing.
    let tell = |found: &Seeded| {
        if !args.json {
            return Ok(());
        }
        let initial = job.initial(found.initial_sha256.clone());
        let line = json_line(&Record::new(&found.settings, data, &alone, &initial, &found.run, timed));
        // Nothing else is kept of these runs, so without a reader the rest need not be made.
        if is_read(&line)? { Ok(()) } else { Err(Error::Interrupted) }
    };
    let progress = RunsProgress::new(args.quiet, args.json, runs, signals.clone());
    let found = pool
        .install(|| over_seeds(settings, seeds, data, |seed| job.start(seed), || progress.observer(), tell));
    progress.finish();
    let found = match found {
        Err(Error::Interrupted) => return Ok(signals.received().unwrap_or(Code::Done)),
        found => found?,
    };

    if !args.json {
        print(&runs::summary(settings, data, engine, &found, runs as usize, timed))?;
    }
    if let Some(Outcome { seed, last, .. }) = found.iter().find(|found| found.stop == Stop::Diverged) {
        return Err(job.divergence(*seed, last));
    }
    let stops: Vec<_> = found.iter().map(|found| found.stop).collect();
    Ok(outcome(args, &stops, runs as usize, signals))
}

fn json_line(record: &Record) -> String {
    serde_json::to_string(record).expect("a record has only names for keys") + "\n"
}

/// The exit code of runs that did not diverge, of which so many were `wanted`.
fn outcome(args: &Train, stops: &[Stop], wanted: usize, signals: &Signals) -> Code {
    let ended = |stop: Stop| stops.contains(&stop);
    match signals.received() {
        // A signal that came too late to interrupt anything changed nothing.
        Some(code) if ended(Stop::Interrupted) || stops.len() < wanted => code,
        _ if args.require_target && (ended(Stop::Epochs) || ended(Stop::Stalled)) => Code::TargetMissed,
        _ => Code::Done,
    }
}

/// Refuses to go on with other data or by another protocol, and warns where only the bits may differ.
fn check_origin(origin: &Origin, path: &Path, data: &Dataset) -> Result<()> {
    let refuse = |problem, cure: &str| Err(Error::Data { path: path.into(), problem, cure: cure.into() });
    let here = Origin::here(data, origin.initial.clone());
    if origin.protocol != PROTOCOL {
        let problem = format!("a run by protocol {}, but this is {PROTOCOL}", origin.protocol);
        return refuse(problem, "go on with the version of dlr that wrote it");
    }
    if (&origin.hashes, origin.transposed) != (&here.hashes, here.transposed) {
        let problem = format!("a run on {}, but {} is other data", origin.data, data.name);
        return refuse(problem, "name the folder of the data that it was trained on with --data");
    }
    if (&origin.version, &origin.simd) != (&here.version, &here.simd) {
        warn(&format!(
            "the run was begun by dlr {} with {}, and goes on by {} with {}: the last bits may differ",
            origin.version, origin.simd, here.version, here.simd
        ));
    }
    Ok(())
}

/// What a saved model says of its origin.
fn origin(settings: &Settings, data: &Dataset, engine: &Engine, run: &Run) -> serde_json::Value {
    serde_json::json!({
        "version": engine.version,
        "simd": engine.simd,
        "data": data.name,
        "classes": data.class_names,
        "config": settings,
        "images": run.last().images,
        "test_accuracy": run.test_accuracy(),
    })
}
