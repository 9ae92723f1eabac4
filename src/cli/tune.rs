//! `dlr tune`: which setting of an optimizer gets to the target first.

use super::args::whole;
use super::compare::contestant;
use super::exit::{Code, print};
use super::hyper::HyperArgs;
use super::outputs::{CURE, Files};
use super::protocol::{Protocol, seeds};
use super::stage::{Stage, journal};
use clap::{Args, ValueEnum};
use dlr::engine::hidden::Hidden;
use dlr::engine::optimizer::{Entry, Hyper};
use dlr::engine::trainer::training_images;
use dlr::experiments::search::{Dimension, Space, sobol};
use dlr::experiments::spaces::{dimension, searchable, setting, space};
use dlr::experiments::sweep::Sweep;
use dlr::experiments::sweep::journal::Header;
use dlr::experiments::tune::{ROUND, SEARCH_SEED, Trial, next_by_estimator, tune};
use dlr::report::tune::Search;
use dlr::{Error, Result, files};
use serde_json::json;
use std::path::PathBuf;

/// Searches for the setting of an optimizer that gets to the target first
#[derive(Debug, Args)]
#[command(override_usage = "dlr tune [OPTIONS] <OPTIMIZER>", max_term_width = 110, after_help = HELP)]
pub(crate) struct Tune {
    /// The optimizer
    #[arg(value_name = "OPTIMIZER", value_parser = super::args::optimizer_names(), hide_possible_values = true)]
    optimizer: &'static Entry,

    /// How settings are proposed
    #[arg(long, value_enum, value_name = "METHOD", default_value = "tpe")]
    method: Method,

    /// Settings to try beside the default; of a grid, at least so many that each dimension has as many values
    #[arg(long, value_name = "N", value_parser = whole(1..=10_000), default_value = "40", allow_hyphen_values = true)]
    trials: u64,

    /// Runs of each setting, from the seeds --seed, --seed + 1, and so on [default seeds: 1001, 1002, 1003]
    #[arg(long, value_name = "N", value_parser = whole(1..=1000), default_value = "3", allow_hyphen_values = true)]
    runs: u64,

    /// Where to search a number, in place of the usual range, or one that is usually not searched, and then comes
    /// first: lr=0.01..1; several with commas between
    #[arg(long, value_name = "NAME=LOW..HIGH,...", value_parser = range, value_delimiter = ',', allow_hyphen_values = true)]
    range: Vec<Range>,

    /// Hidden units, 1 to 4096; up to 8 layers from the inputs on as in 100,50
    #[arg(long, value_name = "N,...", default_value = "30", allow_hyphen_values = true)]
    hidden: Hidden,

    /// Runs at once, a thread each, which decide nothing but the speed [default: one per core]
    #[arg(long, value_name = "N", value_parser = whole(1..=256), allow_hyphen_values = true)]
    jobs: Option<u64>,

    /// Let every run go to its end, instead of stopping what can't win any more
    #[arg(long)]
    whole: bool,

    #[command(flatten)]
    fixed: HyperArgs,

    #[command(flatten)]
    protocol: Protocol,

    /// Keep each run in FILE as soon as it is over, so that the same command goes on where an earlier one was ended
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    /// Draw the trials, over the first one or two numbers searched, and how good the best of few is, to FILE
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Print JSON on stdout: a line for the search, and one for each trial
    #[arg(long)]
    json: bool,

    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Method {
    /// Equal steps, both ends among them
    Grid,
    /// Quasi-random points, spread evenly
    Sobol,
    /// Ten quasi-random points, then near the best ones: a tree-structured Parzen estimator
    Tpe,
}

/// A range in place of the usual one.
#[derive(Clone, Debug)]
struct Range {
    name: String,
    low: f64,
    high: f64,
}

fn range(text: &str) -> Result<Range, String> {
    let parts = text.split_once('=').and_then(|(name, ends)| Some((name, ends.split_once("..")?)));
    let number = |text: &str| text.parse().ok().filter(|number: &f64| number.is_finite());
    let range = parts.and_then(|(name, (low, high))| {
        Some(Range { name: name.trim().to_owned(), low: number(low)?, high: number(high)? })
    });
    range.filter(|range| !range.name.is_empty()).ok_or_else(|| "expected a range, as lr=0.01..1".to_owned())
}

/// The first of the seeds of the runs, unless --seed says otherwise: none that results are usually reported for.
const FIRST_SEED: u64 = 1001;

impl Tune {
    /// The settings that are the same for all trials, by their names in results.
    pub(super) fn resolved(&self) -> serde_json::Value {
        self.protocol.resolved(self.protocol.seed_or(FIRST_SEED))
    }
}

pub(super) fn run(args: &Tune, mut files: Files) -> Result<Code> {
    let default = default(args)?;
    let space = searched(args)?;
    files.reads("the journal", args.journal.as_deref());
    files.draws("--svg", args.svg.as_deref())?;
    let stage = Stage::set(args.jobs, &args.protocol.source, args.quiet)?;
    let Stage { engine, data, .. } = &stage;
    files.spare(data)?;
    let seeds: Vec<u64> = seeds(args.protocol.seed_or(FIRST_SEED), args.runs)?.collect();

    let settings = |hyper: &Hyper, seed| {
        let optimizer = args.optimizer.with(args.protocol.defaults(args.optimizer), hyper)?;
        let mut settings = args.protocol.settings(&args.hidden, optimizer);
        let images = training_images(&settings, data)?;
        args.protocol.check_batch(images)?;
        settings.images = Some(images);
        settings.seed = seed;
        Ok(settings)
    };
    let base = settings(&default, seeds[0])?;
    let path = args.journal.as_deref();
    let journal = journal(path, Header::new("tune", &json!({ "base": base, "seeds": seeds }), data))?;
    let sweep = Sweep::new(data, journal, &stage.progress);
    let propose = |so_far: &[Trial]| proposals(args, &space, &default, so_far);
    let found = match stage.run(path, || tune(&sweep, &seeds, settings, propose, !args.whole))? {
        Ok(found) => found,
        Err(code) => return Ok(code),
    };
    sweep.complete()?;

    let per_epoch = base.images.unwrap_or(data.train.len()) as u64;
    let name = args.optimizer.name;
    let search =
        Search { optimizer: name, settings: &base, space: &space, seeds: &seeds, tuned: &found, per_epoch };
    let draw = |path: &PathBuf| files::write(path, search.svg().as_bytes(), CURE);
    let drawn = args.svg.as_ref().map_or(Ok(()), draw);
    // The result is told even where it could not be drawn.
    print(&if args.json { search.json_lines(data, engine) } else { search.table(data, engine) })?;
    drawn.map(|()| Code::Done)
}

/// The setting that everything not searched for keeps.
fn default(args: &Tune) -> Result<Hyper> {
    let chosen: Hyper = args.fixed.into();
    args.protocol.check_target()?;
    Ok(*args.optimizer.with(args.protocol.defaults(args.optimizer), &chosen)?.hyper())
}

/// The optimizer's space, with the ranges given, and without the numbers given.
fn searched(args: &Tune) -> Result<Space> {
    let name = args.optimizer.name;
    let none = |problem: String, cure: String| Error::Settings { option: "OPTIMIZER", problem, cure };
    let fewer = || "choose another optimizer, or fewer options".to_owned();
    let usual = space(name).ok_or_else(|| none(format!("{name} has nothing to search for"), fewer()))?;
    let given = searchable(args.fixed.into());
    let mut free = searchable(args.optimizer.defaults);
    free.retain(|name| !given.contains(name));
    if free.is_empty() {
        return Err(none(
            "every number has been given, so that nothing is left to search for".into(),
            fewer(),
        ));
    }
    let mut dimensions: Vec<Dimension> = usual.dimensions().to_vec();
    dimensions.retain(|dimension| free.contains(&dimension.name));
    let mut unusual = Vec::new();
    for (place, Range { name: wanted, low, high }) in args.range.iter().enumerate() {
        let refused = |problem: String, cure: String| Error::Settings { option: "--range", problem, cure };
        if args.range[..place].iter().any(|before| before.name == *wanted) {
            return Err(refused(format!("{wanted} has two ranges"), "give each number one".into()));
        }
        let ranged = dimension(wanted, *low, *high).filter(|ranged| free.contains(&ranged.name));
        let ranged = ranged.ok_or_else(|| {
            let problem = match given.contains(&&wanted[..]) {
                true => format!("{wanted} has been given"),
                false => format!("{wanted} is no number of {name}'s that can be searched"),
            };
            refused(problem, format!("give a range of {}", free.join(" or ")))
        })?;
        // Both ends have to be what the option of that name would take.
        for end in [low, high] {
            contestant(&format!("{name} --{wanted} {end:?}"))
                .map_err(|problem| refused(problem, "give a range within that".into()))?;
        }
        match dimensions.iter_mut().find(|usual| usual.name == ranged.name) {
            Some(usual) => *usual = ranged,
            None => unusual.push(ranged),
        }
    }
    let dimensions = [unusual, dimensions].concat(); // in this order, since pictures show the first two
    if dimensions.is_empty() {
        let problem = "every number that is usually searched has been given".into();
        return Err(none(problem, format!("give a --range of {}, or fewer options", free.join(" or "))));
    }
    Space::new(dimensions).map_err(|error| match error {
        Error::Settings { option: number, problem, cure } => {
            Error::Settings { option: "--range", problem: format!("{number}: {problem}"), cure }
        }
        error => error,
    })
}

/// The next round, after the trials so far; of which the first is the default.
fn proposals(args: &Tune, space: &Space, default: &Hyper, so_far: &[Trial]) -> Vec<Hyper> {
    let Some((_, searched)) = so_far.split_first() else { return vec![*default] };
    let (dimensions, trials) = (space.dimensions().len(), args.trials as usize);
    let rest = |all: Vec<Vec<f64>>| all.into_iter().skip(searched.len()).take(ROUND).collect::<Vec<_>>();
    let points = match args.method {
        Method::Grid => rest(space.grid(each(trials, dimensions))),
        Method::Sobol => rest(sobol::sobol(trials, dimensions, SEARCH_SEED)),
        Method::Tpe => next_by_estimator(space, searched, trials),
    };
    points.iter().map(|point| setting(space, point, default)).collect()
}

/// The values of each dimension of a grid of so many settings, or more.
fn each(trials: usize, dimensions: usize) -> usize {
    (1..).find(|each: &usize| each.pow(dimensions as u32) >= trials).unwrap_or(1)
}

const HELP: &str = "\
How it is searched:
  A trial is a setting, tried from each of the seeds, which had better be others
  than those that results are reported for. Its time is that by which more than
  half of its runs have hit the target. The first trial is the default. Trials
  come in rounds of eight; a run is stopped when it can no longer beat the best
  of the rounds before. That changes neither the winner of a grid or of
  quasi-random points, nor its time; the estimator, which takes what was stopped
  for a miss, may go elsewhere for it. Numbers that are given as options, as
  --alpha 1, are not searched for; Adam's beta1 and beta2 only where they have a
  --range.

What is told:
  the best setting; every trial; how far the best is from others along each
  number, but for a default that lies beyond a --range; and the best that fewer
  trials would have found, on the average over their orders, which only a search
  with --whole and not by tpe tells exactly";
