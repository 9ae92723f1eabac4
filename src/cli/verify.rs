//! `dlr verify`: train again by a result's own record, and tell whether the same comes out.

use super::exit::{Code, complain, print, warn};
use super::signals::Signals;
use super::source::Source;
use super::stage::jobs;
use clap::Args;
use dlr::engine::model;
use dlr::engine::network::Network;
use dlr::engine::threads::{Threads, pool};
use dlr::experiments::replay::{Recorded, Replay};
use dlr::memory;
use dlr::report::machine::Engine;
use dlr::report::record;
use dlr::text::printable;
use dlr::{Error, Result};
use serde_json::json;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Trains again by the records that --json has printed, and tells whether the same comes out: tests, target and weights, bit for bit
#[derive(Debug, Args)]
#[command(override_usage = "dlr verify [OPTIONS] <RESULT>", max_term_width = 110)]
pub(crate) struct Verify {
    /// A file of records, one on a line, as `dlr --json` or `dlr --runs N --json` prints them; `-` for standard input
    #[arg(value_name = "RESULT")]
    result: PathBuf,

    /// The weights that the run began with, if it was given --load; by default the file that the record names
    #[arg(long, value_name = "FILE")]
    load: Option<PathBuf>,

    #[command(flatten)]
    source: Source,

    /// Threads for tests and batches, which decide nothing but the speed [default: one per core]
    #[arg(long, value_name = "N", value_parser = super::args::whole(1..=256), allow_hyphen_values = true)]
    threads: Option<u64>,

    /// Print JSON on stdout, an object for each run
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Verify) -> Result<Code> {
    let records = read(&args.result)?;
    let engine = Engine::here(jobs(args.threads));
    engine.warnings().iter().for_each(|warning| warn(warning));
    let data = args.source.or_known(records.first().map(|record| &*record.data.name)).open()?;
    let wrong = |(problem, cure): (String, &str)| Error::Data {
        path: args.result.clone(),
        problem,
        cure: cure.into(),
    };
    for record in &records {
        record.check(&data).map_err(wrong)?;
    }
    let signals = Signals::listen()?;
    let is_over = || signals.received().is_some();
    let pool = pool(engine.threads)?;
    let mut all_match = true;
    for record in &records {
        let loaded = loaded(record, args)?;
        let replay = match pool.install(|| record.replay(&data, loaded, Threads::Pool, &is_over)) {
            Err(Error::Interrupted) if let Some(code) = signals.received() => {
                complain(format_args!("dlr: interrupted; the runs told above are verified"));
                return Ok(code);
            }
            // What does not fit is the record's fault, not the command line's.
            Err(Error::Settings { problem, .. }) => {
                return Err(wrong((problem, "verify it as it was printed")));
            }
            replay => replay?,
        };
        all_match &= replay.differences.is_empty();
        print(&told(record, &replay, &engine, args.json))?;
    }
    Ok(if all_match { Code::Done } else { Code::Otherwise })
}

/// Far more than the records of all runs that anybody waits for, in bytes.
const MAX_BYTES: u64 = 1 << 30;

/// The records in a file.
fn read(path: &Path) -> Result<Vec<Recorded>> {
    let cure = "give a file that `dlr --json` has printed";
    let failed = |source| Error::Read { path: path.to_owned(), source, cure };
    let wrong = |problem| Error::Data { path: path.to_owned(), problem, cure: cure.into() };
    let text = memory::attempt(|| match path == Path::new("-") {
        true => io::read_to_string(io::stdin().take(MAX_BYTES)),
        false => File::open(path).and_then(|file| io::read_to_string(file.take(MAX_BYTES))),
    });
    let text = text.map_err(failed)?;
    if text.len() as u64 == MAX_BYTES {
        return Err(wrong(format!("more than {MAX_BYTES} bytes, which no records are")));
    }
    record::parse(&text).map_err(wrong)
}

/// The network that a run was loaded from, if it was.
fn loaded(record: &Recorded, args: &Verify) -> Result<Option<Network>> {
    let recorded = record.initial.file.as_deref().map(Path::new);
    let Some(path) = args.load.as_deref().or(recorded) else { return Ok(None) };
    let cure = "name the weights that the run began with by --load";
    let network = model::load(path).map_err(|error| match error {
        Error::Read { path, source, .. } => Error::Read { path, source, cure },
        error => error,
    })?;
    if network.sha256() != record.initial.weights_sha256 {
        let problem = "other weights than the run began with".to_owned();
        return Err(Error::Data { path: path.to_owned(), problem, cure: cure.into() });
    }
    Ok(Some(network))
}

/// One run's verdict, as text or JSON.
fn told(record: &Recorded, replay: &Replay, engine: &Engine, as_json: bool) -> String {
    let unlike = record.engine.unlike(engine.version, engine.commit, engine.rustc, engine.simd);
    let matches = replay.differences.is_empty();
    let seed = record.config.seed;
    if as_json {
        let verdict = json!({
            "schema": "dlr-verification/1",
            "seed": seed,
            "matches": matches,
            "recorded_sha256": record.end.weights_sha256,
            "weights_sha256": replay.weights_sha256,
            "differences": replay.differences,
            "unlike": unlike,
            "engine": engine,
        });
        return format!("{verdict}\n");
    }
    // For people from here on, and a record may say anything of its build.
    let unlike = printable(&unlike.join("; "));
    let name = format!("{}, seed {seed}", record.config.optimizer);
    if matches {
        let how = if unlike.is_empty() { String::new() } else { format!(" (although {unlike})") };
        return format!("the same       {name}: sha256 {}{how}\n", replay.weights_sha256);
    }
    let why = if unlike.is_empty() {
        "version, commit, compiler, SIMD and data are the same, so the record was changed, or this is a fault of dlr".to_owned()
    } else {
        format!("this may be why: {unlike}")
    };
    let mut text = format!("otherwise      {name}; {why}\n");
    for difference in &replay.differences {
        text += &format!("               {}\n", printable(difference));
    }
    text
}
