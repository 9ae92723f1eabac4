//! What can be said on the command line. Values are checked here as far as that is possible without the data.

use super::compare::Compare;
use super::config::Config;
use super::data::Data;
use super::evaluate::Evaluate;
use super::exit;
use super::hyper::HyperArgs;
use super::pages::{Completions, Manual};
use super::predict::Predict;
use super::protocol::Protocol;
use super::reproduce::Reproduce;
use super::source::Source;
use super::sweep::Sweep;
use super::tune::Tune;
use super::verify::Verify;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand};
use dlr::engine::checkpoint::Checkpoint;
use dlr::engine::hidden::{Hidden, MAX_HIDDEN};
use dlr::engine::optimizer::{Entry, OPTIMIZERS};
use dlr::engine::settings::Settings;
use dlr_kernels::simd::Level;
use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::str::FromStr;

/// Trains a small network of logistic units on images, MNIST's if nothing else is said, and tells how long that took.
#[derive(Debug, Parser)]
#[command(name = "dlr", bin_name = "dlr", version, long_version = long_version(), after_help = after_help(), max_term_width = 110,
    override_usage = "dlr [OPTIONS]\n       dlr COMMAND [OPTIONS]", args_conflicts_with_subcommands = true,
    disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,

    #[command(flatten)]
    pub(crate) train: Train,

    #[command(flatten)]
    pub(crate) config: Config,
}

impl Cli {
    /// The settings that no default of the command line tells, by their names in results.
    pub(crate) fn resolved(&self) -> dlr::Result<serde_json::Value> {
        match &self.command {
            None => self.train.resolved(),
            Some(Command::Compare(args)) => Ok(args.resolved()),
            Some(Command::Tune(args)) => Ok(args.resolved()),
            Some(_) => Ok(serde_json::Value::Null),
        }
    }
}

/// What else there is to do than to train.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Compare(Box<Compare>),
    Completions(Completions),
    Data(Data),
    Evaluate(Evaluate),
    Man(Manual),
    Predict(Predict),
    Profile(Profile),
    Reproduce(Reproduce),
    Sweep(Sweep),
    Tune(Box<Tune>),
    Verify(Verify),
}

/// Measures how fast optimizers train, where the time goes, and how near that is to the machine's peaks
#[derive(Debug, Args)]
#[command(override_usage = "dlr profile [OPTIONS]", after_help = profile_help(), max_term_width = 110)]
pub(crate) struct Profile {
    /// Hidden units, each 1 to 4096
    #[arg(long, value_name = "N,...", value_parser = whole(1..=MAX_HIDDEN as u64), default_value = "30,100,300",
        value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) hidden: Vec<u64>,

    /// Images whose gradients are averaged for one update; 1 is online learning
    #[arg(long, value_name = "B,...", value_parser = whole(1..=65_536), default_value = "1,100", value_delimiter = ',',
        allow_hyphen_values = true)]
    pub(crate) batch: Vec<u64>,

    /// Optimizers, with their defaults, or `all`; by default those of the paper
    #[arg(long, value_name = "NAME,...", value_parser = optimizers, default_value = "dlr,sgd,nesterov,adam")]
    pub(crate) optimizers: Optimizers,

    /// Threads for large batches and for tests; one image at a time is the work of one
    #[arg(long, value_name = "N", value_parser = whole(1..=256), default_value = "1", allow_hyphen_values = true)]
    pub(crate) threads: u64,

    /// Rounds over all cells [default: 5 to 40, until the spread is small or a minute has passed]
    #[arg(long, value_name = "N", value_parser = whole(1..=100_000), allow_hyphen_values = true)]
    pub(crate) rounds: Option<u64>,

    /// Images of a timed piece, rounded up to whole batches [default: as many as take 2.5 ms, at least 200]
    #[arg(long, value_name = "N", value_parser = whole(1..=1_000_000_000), allow_hyphen_values = true)]
    pub(crate) images: Option<u64>,

    #[command(flatten)]
    pub(super) source: Source,

    /// Print JSON on stdout: a line for the machine, and one for each cell
    #[arg(long)]
    pub(crate) json: bool,

    /// Draw the roofline to FILE
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,

    /// Compare with the profile in FILE, which --json has written, wherever both have the same cell
    #[arg(long, value_name = "FILE")]
    pub(crate) baseline: Option<PathBuf>,

    /// Exit with code 6 if a cell is slower than in --baseline by more than P, as in 5%
    #[arg(long, value_name = "P%", value_parser = percentage, requires = "baseline", allow_hyphen_values = true)]
    pub(crate) fail_if_slower: Option<f64>,

    /// No progress on stderr
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

/// Some optimizers of the list.
#[derive(Clone, Debug)]
pub(crate) struct Optimizers(pub(crate) Vec<&'static Entry>);

fn optimizers(text: &str) -> Result<Optimizers, String> {
    if text == "all" {
        return Ok(Optimizers(OPTIMIZERS.iter().collect()));
    }
    let mut chosen: Vec<&'static Entry> = Vec::new();
    for name in text.split(',') {
        let entry = Entry::find(name).ok_or_else(|| {
            let names: Vec<_> = OPTIMIZERS.iter().map(|entry| entry.name).collect();
            format!("there is no optimizer {name:?}; expected all, or some of {}", names.join(","))
        })?;
        if !chosen.iter().any(|earlier| earlier.name == entry.name) {
            chosen.push(entry);
        }
    }
    Ok(Optimizers(chosen))
}

/// A percentage as a share.
fn percentage(text: &str) -> Result<f64, String> {
    let percent = text.strip_suffix('%').and_then(|percent| percent.parse::<f64>().ok());
    percent
        .filter(|percent| (0.0..=1000.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "expected a percentage from 0% to 1000%, as in 5%".to_owned())
}

fn profile_help() -> String {
    format!("{PROFILE_HELP}\n\n{}", exit::HELP)
}

const PROFILE_HELP: &str = "\
How it is measured:
  A cell is an optimizer with some hidden units and a batch. All cells take
  turns, round after round, each going on with its own training on pieces of a
  shuffled epoch. A round's time for a cell is the median of five pieces of
  2.5 ms (or 200 images, if that is more), so that what interrupts one does not
  count; after every 600 images, as for a test, training begins anew within a
  piece. Told are the median of the rounds and their middle half (quartiles),
  and with --json the least. Warnings tell if the machine was busy or the rounds
  differ widely.

What the columns say:
  data      reading images' lit pixels; where several go through the first
            layer together, in batches or in turn, turning them around
  forward   to the hidden units' sums; after dark images, rows catch up here
            under Adam and, in batches, momentum
  output    hidden activations, outputs, and the deltas of both layers
  update    gradients and the update of both layers
  gap       the phases together beside the whole. Phases come from five more
            pieces, timed by the cycle counter in the real training loop, less
            what reading it costs; the whole is timed without it
  test      for each test image in a full count, catching up included
  x sgd     the median of the rounds' ratios to SGD of the same size and batch
  flop      the kernels' operations on lit pixels; where several images go
            together, on groups of four with any lit; padding to whole vectors
            included. A fused multiply-add (FMA) counts as two
  bytes     weights and optimizer's memory loaded and stored; where several
            images go together, also the deltas that gradients are summed from
  of FMA peak, of its bandwidth
            shares of the peaks measured in the same run: FMA in registers, and
            this mixture of loads and stores in the given level, the first that
            has room for the rows that one update works on. The larger share
            tells what limits a cell; where both are small, waiting does. More
            than 100 % means that most bytes came from a nearer level
  B/weight  bytes remembered beside each weight; norms of rows are not counted

Baselines:
  dlr profile --json > before.jsonl
  dlr profile --baseline before.jsonl --fail-if-slower 5%
  A cell counts as slower if its median and its least round both are by more
  than that, and the middle halves of both measurements lie apart: disturbances
  only ever make times longer, so that no single number proves anything. It
  takes 5 rounds or more on both sides, and the same data; of a baseline from
  another machine, a warning tells.";

#[derive(Debug, Args)]
pub(crate) struct Train {
    /// Hidden units, 1 to 4096; up to 8 layers from the inputs on as in 100,50 [default: 30, or those of --load]
    #[arg(long, value_name = "N,...", allow_hyphen_values = true)]
    pub(crate) hidden: Option<Hidden>,

    /// The optimizer [default: dlr]; they and their defaults are listed below
    #[arg(long, value_name = "NAME", value_parser = optimizer_names(), default_value = "dlr", hide_default_value = true,
        hide_possible_values = true)]
    optimizer: &'static Entry,

    #[command(flatten)]
    hyper: HyperArgs,

    #[command(flatten)]
    pub(crate) protocol: Protocol,

    /// Exit with code 3 if the target is not reached
    #[arg(long)]
    pub(crate) require_target: bool,

    /// Train N times, from the seeds --seed, --seed + 1, ..., a thread each, and tell what the runs say together
    #[arg(long, value_name = "N", value_parser = whole(1..=100_000), allow_hyphen_values = true,
        conflicts_with = "save")]
    pub(crate) runs: Option<u64>,

    /// Write the trained weights to FILE (safetensors, which PyTorch reads)
    #[arg(long, value_name = "FILE")]
    pub(crate) save: Option<PathBuf>,

    /// Start from the weights in FILE instead of drawing them
    #[arg(long, value_name = "FILE", conflicts_with = "init")]
    pub(crate) load: Option<PathBuf>,

    /// Write the state of the run to FILE when it ends or is interrupted, for --resume to go on from
    #[arg(long, value_name = "FILE", conflicts_with = "runs")]
    pub(crate) checkpoint: Option<PathBuf>,

    /// Write it after every N images, too, or at the first test or pause to look for signals after that; with --checkpoint
    #[arg(long, value_name = "N", value_parser = whole(1..=u64::MAX), requires = "checkpoint",
        allow_hyphen_values = true)]
    pub(crate) every: Option<u64>,

    /// Go on from the checkpoint in FILE, by its settings; only --epochs and --target may be others
    #[arg(long, value_name = "FILE", conflicts_with_all = ["hidden", "optimizer", "lr", "alpha",
        "norm", "momentum", "beta1", "beta2", "rho", "epsilon", "halving", "rates", "batch", "images", "validate", "stall",
        "test_every", "seed", "order", "init", "inputs", "one_hot", "backprop", "preset", "load", "runs"])]
    pub(crate) resume: Option<PathBuf>,

    /// Threads for tests and batches, or for --runs, which decide nothing but the speed [default: one per core]
    #[arg(long, value_name = "N", value_parser = whole(1..=256), allow_hyphen_values = true)]
    pub(crate) threads: Option<u64>,

    /// Print the result as one JSON object on stdout; with --runs, an object and a line for each
    #[arg(long)]
    pub(crate) json: bool,

    /// No progress on stderr
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

impl Train {
    /// The settings of a checkpoint, where these arguments don't say otherwise. What they say has to be to come: else the
    /// result would not be that of these settings.
    pub(crate) fn changed(&self, checkpoint: &Checkpoint) -> dlr::Result<Settings> {
        let settings = checkpoint.settings.clone();
        let settings = Settings {
            epochs: self.protocol.epochs.unwrap_or(settings.epochs),
            target: self.protocol.target.map_or(settings.target, |target| target.0),
            ..settings
        };
        let per_epoch = settings.images.map_or(u64::MAX, |images| images.max(1) as u64); // of none, training tells
        let done = checkpoint.images.div_ceil(per_epoch);
        if settings.epochs < done {
            return Err(dlr::Error::Settings {
                option: "--epochs",
                problem: format!("{} asked for, but the checkpoint is in its epoch {done}", settings.epochs),
                cure: format!("give {done} or more"),
            });
        }
        let passed = |target: f64| {
            let mut before = checkpoint.curve.iter().filter(|point| point.images < checkpoint.images);
            before.any(|point| point.test_accuracy > target)
        };
        if settings.target.is_some_and(passed) {
            return Err(dlr::Error::Settings {
                option: "--target",
                problem: "the run was above it before the checkpoint".into(),
                cure: "give a higher one, or none".into(),
            });
        }
        self.check_required(settings.target)?;
        Ok(settings)
    }

    /// Whether there is a target, if it has to be reached.
    fn check_required(&self, target: Option<f64>) -> dlr::Result<()> {
        if self.require_target && target.is_none() {
            return Err(dlr::Error::Settings {
                option: "--require-target",
                problem: "there is no target".into(),
                cure: "give --target a number, or leave this out".into(),
            });
        }
        Ok(())
    }

    /// The settings by their names in results, but for what a network in --load decides.
    fn resolved(&self) -> dlr::Result<serde_json::Value> {
        if self.resume.is_some() {
            return Ok(serde_json::Value::Null); // the settings are those of the checkpoint
        }
        let loaded = self.load.is_some().then(|| self.hidden.clone().unwrap_or_else(|| 1.into()));
        let mut settings = serde_json::to_value(self.settings(loaded)?).expect("settings are JSON");
        if self.load.is_some() {
            settings["hidden"].take();
        }
        Ok(settings)
    }

    /// The settings that these arguments mean, for a network of `loaded` hidden units if one was loaded.
    pub(crate) fn settings(&self, loaded: Option<Hidden>) -> dlr::Result<Settings> {
        let entry = self.optimizer;
        let defaults = self.protocol.defaults(entry);
        let is_drawn = loaded.is_none();
        let hidden = match (&self.hidden, loaded) {
            (Some(hidden), Some(loaded)) if *hidden != loaded => {
                return Err(dlr::Error::Settings {
                    option: "--hidden",
                    problem: format!(
                        "{hidden} asked for, but the network in --load has {loaded} hidden units"
                    ),
                    cure: format!("leave --hidden out, or give {loaded}"),
                });
            }
            (chosen, loaded) => loaded.or_else(|| chosen.clone()).unwrap_or_else(|| 30.into()),
        };
        self.check_required(self.protocol.target())?;
        let optimizer = entry.with(defaults, &self.hyper.into())?;
        let settings = self.protocol.settings(hidden, optimizer);
        Ok(Settings { init: settings.init.filter(|_| is_drawn), ..settings })
    }
}

pub(super) fn whole(range: RangeInclusive<u64>) -> impl TypedValueParser<Value = u64> {
    let parse = move |text: &str| {
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| format!("expected a whole number from {} to {}", range.start(), range.end()))
    };
    clap::builder::StringValueParser::new().try_map(move |text| parse(&text))
}

pub(super) fn choice<T>(names: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = String> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

pub(super) fn optimizer_names() -> impl TypedValueParser<Value = &'static Entry> {
    PossibleValuesParser::new(OPTIMIZERS.iter().map(|entry| entry.name))
        .map(|name| Entry::find(&name).expect("the name is one of the list"))
}

fn long_version() -> String {
    let (compiled, detected) = (Level::compiled().name(), Level::detected().name());
    format!(
        "{} ({})\n{}\nSIMD: compiled for {compiled}, this machine has {detected}",
        env!("CARGO_PKG_VERSION"),
        env!("DLR_COMMIT"),
        env!("DLR_RUSTC")
    )
}

fn after_help() -> String {
    let mut text = "Optimizers, with their defaults and those under --preset authors:\n".to_owned();
    for entry in OPTIMIZERS {
        let (name, about, defaults, authors) = (entry.name, entry.about, entry.defaults, entry.authors);
        writeln!(text, "  {name}\n      {about}\n      {defaults}\n      authors: {authors}")
            .expect("a string takes all");
    }
    write!(text, "\n{ENVIRONMENT}\n\n{}", exit::HELP).expect("a string takes all");
    text
}

const ENVIRONMENT: &str = "\
Environment:
  DLR_DATA   folder with the four IDX files, where --data does not name one
  DLR_CACHE  folder for the prepared data [default: dlr in $XDG_CACHE_HOME or
             ~/.cache, or else .dlr-cache beside the data]
  COLUMNS    width of this help, where the terminal does not tell
  Nothing is coloured, so there is nothing for NO_COLOR to switch off.";
