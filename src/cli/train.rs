//! `dlr`: train one network and tell how it went.

use super::args::Train;
use super::exit::{Code, print};
use super::progress::Progress;
use super::signals::Signals;
use dlr::data::{self, Dataset};
use dlr::engine::network::Network;
use dlr::engine::settings::Settings;
use dlr::engine::trainer::{Run, Stop, train, training_images};
use dlr::engine::{model, trainer};
use dlr::report::machine::Engine;
use dlr::report::record::{Initial, Record};
use dlr::report::summary::summary;
use dlr::{Error, Result};
use std::thread;
use std::time::Instant;

pub(super) fn run(args: Train, since: Instant) -> Result<Code> {
    let threads =
        args.threads.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), |n| n as usize);
    let engine = Engine::here(threads);
    engine.warnings().iter().for_each(|warning| warn(warning));

    // Everything that can be refused is refused before the training, not after it.
    let loaded = args.load.as_deref().map(model::load).transpose()?;
    let mut settings = args.settings(loaded.as_ref().map(Network::hidden))?;
    if let Some(path) = &args.save {
        model::check_place(path)?;
    }
    let data = Dataset::open(&data::find(args.data.as_deref())?)?;
    data.warnings.iter().for_each(|warning| warn(warning));
    let images = training_images(&settings, &data)?;
    settings.images = Some(images);
    let start = match loaded {
        Some(network) => fitting(network, &args, &data)?,
        None => {
            let init = settings.init.expect("weights that are not loaded are drawn");
            Network::draw(data.inputs, settings.hidden, data.classes, init, settings.seed)
        }
    };
    let initial = Initial { file: args.load.clone(), weights_sha256: start.sha256() };

    let signals = Signals::listen().map_err(|source| no_resource("listen to signals", source))?;
    let mut progress = Progress::new(args.quiet, settings.epochs, images as u64, signals.clone());
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| no_resource("start threads", std::io::Error::other(error)))?;
    let run = pool.install(|| train(&settings, &data, start, since, &mut progress));
    progress.finish();
    let run = run?;

    let code = outcome(&args, &run, &signals);
    let saved = match args.save.as_deref() {
        Some(path) if run.stop != Stop::Diverged => {
            model::save(path, &run.network, origin(&settings, &data, &engine, run.last()))
        }
        _ => Ok(()),
    };
    // The result is told even where it could not be saved.
    if args.json {
        let record = Record::new(&settings, &data, &engine, &initial, &run);
        print(&(serde_json::to_string(&record).expect("a record has only names for keys") + "\n"))?;
    } else {
        print(&summary(&settings, &data, &engine, &run))?;
    }
    saved?;
    if run.stop == Stop::Diverged {
        return Err(Error::Diverged {
            optimizer: settings.optimizer.name(),
            images: run.last().images,
            cure: "--lr",
        });
    }
    Ok(code)
}

fn outcome(args: &Train, run: &Run, signals: &Signals) -> Code {
    match run.stop {
        Stop::Interrupted => signals.received().unwrap_or(Code::Interrupted),
        Stop::Diverged => Code::Diverged,
        Stop::Epochs if args.require_target => Code::TargetMissed,
        Stop::Epochs | Stop::Target => Code::Done,
    }
}

/// The loaded network, if it has the data's inputs and classes.
fn fitting(network: Network, args: &Train, data: &Dataset) -> Result<Network> {
    let (is, should) = ((network.inputs(), network.outputs()), (data.inputs, data.classes));
    if is == should {
        return Ok(network);
    }
    Err(Error::Data {
        path: args.load.clone().unwrap_or_default(),
        problem: format!(
            "a network of {} inputs and {} outputs, but {} has {} and {}",
            is.0, is.1, data.name, should.0, should.1
        ),
        cure: "give --load a network for this data set, or --data the set that it was trained on".into(),
    })
}

/// What a saved model says of its origin.
fn origin(settings: &Settings, data: &Dataset, engine: &Engine, last: &trainer::Point) -> serde_json::Value {
    serde_json::json!({
        "version": engine.version,
        "simd": engine.simd,
        "data": data.name,
        "config": settings,
        "images": last.images,
        "test_accuracy": last.test_accuracy,
    })
}

fn no_resource(action: &'static str, source: std::io::Error) -> Error {
    Error::Resource { action, source, cure: "try fewer --threads, or free some memory" }
}

fn warn(text: &str) {
    super::exit::complain(format_args!("dlr: warning: {text}"));
}
