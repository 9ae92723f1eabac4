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
use dlr::report::machine::Engine;
use dlr::report::record::SCHEMA;
use dlr::{Error, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::{fs, io};

/// Trains again by the records that --json has printed, and compares the hash of the final weights
#[derive(Debug, Args)]
#[command(override_usage = "dlr verify [OPTIONS] RESULT.json", max_term_width = 110)]
pub(crate) struct Verify {
    /// A file of records, one on a line, as `dlr --json` or `dlr --runs N --json` prints them; `-` for standard input
    #[arg(value_name = "RESULT.json")]
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
            replay => replay?,
        };
        all_match &= replay.differences.is_empty();
        print(&told(record, &replay, &engine, args.json))?;
    }
    Ok(if all_match { Code::Done } else { Code::Otherwise })
}

/// The records in a file.
fn read(path: &Path) -> Result<Vec<Recorded>> {
    let cure = "give a file that `dlr --json` has printed";
    let failed = |source| Error::Read { path: path.to_owned(), source, cure };
    let text =
        if path == Path::new("-") { io::read_to_string(io::stdin()) } else { fs::read_to_string(path) };
    let wrong = |problem| Error::Data { path: path.to_owned(), problem, cure: cure.into() };
    let mut records = Vec::new();
    for (number, line) in (1..).zip(text.map_err(failed)?.lines()) {
        let value: Value = serde_json::from_str(line)
            .map_err(|error| wrong(format!("line {number} is no JSON ({error})")))?;
        match value["schema"].as_str() {
            Some(SCHEMA) => {}
            Some(other) => {
                return Err(wrong(format!("line {number} has schema {other:?}, expected {SCHEMA:?}")));
            }
            None => return Err(wrong(format!("line {number} is no record of a run: it has no schema"))),
        }
        records.push(
            serde_json::from_value(value)
                .map_err(|error| wrong(format!("line {number} is no whole record ({error})")))?,
        );
    }
    if records.is_empty() {
        return Err(wrong("an empty file".into()));
    }
    Ok(records)
}

/// The network that a run was loaded from, if it was.
fn loaded(record: &Recorded, args: &Verify) -> Result<Option<Network>> {
    args.load.as_deref().or(record.initial.file.as_deref()).map(model::load).transpose()
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
    let name = format!("{}, seed {seed}", record.config.optimizer);
    if matches {
        let how =
            if unlike.is_empty() { String::new() } else { format!(" (although {})", unlike.join("; ")) };
        return format!("the same       {name}: sha256 {}{how}\n", replay.weights_sha256);
    }
    let why = if unlike.is_empty() {
        "version, commit, compiler, SIMD and data are the same, so the record was changed, or this is a fault of dlr".to_owned()
    } else {
        format!("this may be why: {}", unlike.join("; "))
    };
    let mut text = format!("otherwise      {name}; {why}\n");
    for difference in &replay.differences {
        text += &format!("               {difference}\n");
    }
    text
}
