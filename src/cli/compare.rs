//! `dlr compare`: several optimizers on the same task, from the same seeds.

use super::args::whole;
use super::exit::{Code, print};
use super::hyper::HyperArgs;
use super::outputs::{CURE, Files};
use super::protocol::{Protocol, seeds};
use super::stage::{Stage, journal};
use super::usage;
use clap::{Args, Command, FromArgMatches as _};
use dlr::engine::hidden::Hidden;
use dlr::engine::optimizer::{Entry, Hyper, OPTIMIZERS};
use dlr::engine::settings::Settings;
use dlr::engine::trainer::training_images;
use dlr::experiments::compare::compare;
use dlr::experiments::sweep::Sweep;
use dlr::experiments::sweep::journal::Header;
use dlr::experiments::sweep::run::Keep;
use dlr::experiments::sweep::times::Clocks;
use dlr::report::compare as report;
use dlr::{Error, Result, files};
use std::path::{Path, PathBuf};

/// Trains several optimizers from the same seeds, and tells which gets to the target first
#[derive(Debug, Args)]
#[command(override_usage = "dlr compare [OPTIONS] [OPTIMIZER]...", max_term_width = 110, after_help = HELP)]
pub(crate) struct Compare {
    /// Optimizers, each by its name and, in one word with it, its options: sgd 'dlr --norm post --lr 0.5'
    #[arg(value_name = "OPTIMIZER", value_parser = contestant, default_values = ["sgd", "nesterov", "adam", "dlr"])]
    optimizers: Vec<Contestant>,

    /// Hidden units, 1 to 4096; up to 8 layers from the inputs on as in 100,50
    #[arg(long, value_name = "N,...", default_value = "30", allow_hyphen_values = true)]
    hidden: Hidden,

    /// Runs of each optimizer, from the seeds --seed, --seed + 1, and so on
    #[arg(long, value_name = "N", value_parser = whole(1..=100_000), default_value = "10", allow_hyphen_values = true)]
    runs: u64,

    /// Runs at once, a thread each; 1 also measures times [default: one per core]
    #[arg(long, value_name = "N", value_parser = whole(1..=256), allow_hyphen_values = true)]
    jobs: Option<u64>,

    #[command(flatten)]
    protocol: Protocol,

    /// Keep each run in FILE as soon as it is over, so that the same command goes on where an earlier one was ended
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,

    /// Draw the median of the test accuracies to FILE, which takes tests in full
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Print JSON on stdout: a line for the comparison, one for each optimizer, and one for each run
    #[arg(long)]
    json: bool,

    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

/// An optimizer, and the numbers chosen for it.
#[derive(Clone, Debug)]
pub(super) struct Contestant {
    /// As it was given.
    label: String,
    entry: &'static Entry,
    chosen: Hyper,
}

pub(super) fn contestant(text: &str) -> Result<Contestant, String> {
    let mut words = text.split_whitespace();
    let name = words.next().ok_or("expected the name of an optimizer")?;
    let entry = Entry::find(name).ok_or_else(|| {
        let names: Vec<_> = OPTIMIZERS.iter().map(|entry| entry.name).collect();
        format!("there is no optimizer {name:?}; expected one of {}", names.join(", "))
    })?;
    let parser =
        HyperArgs::augment_args(Command::new("optimizer").no_binary_name(true).disable_help_flag(true));
    let wrong = |error: clap::Error| usage::sentence(&error);
    let matches = parser.try_get_matches_from(words).map_err(wrong)?;
    let chosen = HyperArgs::from_arg_matches(&matches).map_err(wrong)?;
    let label = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Ok(Contestant { label, entry, chosen: chosen.into() })
}

impl Compare {
    /// The settings that are the same for all optimizers, by their names in results.
    pub(super) fn resolved(&self) -> serde_json::Value {
        self.protocol.resolved(self.protocol.seed())
    }
}

pub(super) fn run(args: &Compare, mut files: Files) -> Result<Code> {
    let mut contestants = contestants(args)?;
    let seeds = seeds(args.protocol.seed(), args.runs)?;
    files.reads("the journal", args.journal.as_deref());
    files.reads("the journal's times", args.journal.as_deref().map(beside).as_deref());
    files.draws("--svg", args.svg.as_deref())?;
    let stage = Stage::set(args.jobs, &args.protocol.source, args.quiet)?;
    let Stage { engine, data, .. } = &stage;
    files.spare(data)?;
    for (_, settings) in &mut contestants {
        let images = training_images(settings, data)?;
        args.protocol.check_batch(images)?;
        settings.images = Some(images);
    }

    let path = args.journal.as_deref();
    let journal = journal(path, Header::new("compare", &contestants, data))?;
    let mut sweep = Sweep::new(data, journal, &stage.progress);
    if stage.is_alone() {
        let clocks = path.map(|path| Clocks::open(&beside(path))).transpose()?;
        sweep = sweep.timed(clocks.unwrap_or_default());
    }
    let keep = if args.svg.is_some() { Keep::Curve } else { Keep::End };
    let found = match stage.run(path, || compare(&sweep, contestants, seeds, keep))? {
        Ok(found) => found,
        Err(code) => return Ok(code),
    };
    sweep.complete()?;

    let draw = |path: &PathBuf| files::write(path, report::svg(&found).as_bytes(), CURE);
    let drawn = args.svg.as_ref().map_or(Ok(()), draw);
    // The result is told even where it could not be drawn.
    print(&if args.json {
        report::json_lines(&found, data, engine)
    } else {
        report::table(&found, data, engine)
    })?;
    drawn.map(|()| Code::Done)
}

/// The file of times beside a journal.
fn beside(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".times");
    name.into()
}

/// The contestants' settings, each once.
fn contestants(args: &Compare) -> Result<Vec<(String, Settings)>> {
    let mut all: Vec<(String, Settings)> = Vec::new();
    for Contestant { label, entry, chosen } in &args.optimizers {
        let optimizer = entry.with(args.protocol.defaults(entry), chosen)?;
        if all.iter().any(|(_, other)| other.optimizer == optimizer) {
            return Err(Error::Settings {
                option: "OPTIMIZER",
                problem: format!("{label} is there twice"),
                cure: "give each optimizer once, or with other options".into(),
            });
        }
        all.push((label.clone(), args.protocol.settings(&args.hidden, optimizer)));
    }
    args.protocol.check_target()?;
    Ok(all)
}

const HELP: &str = "\
How it is compared:
  With one seed, all optimizers have the same initial weights and the same order
  of the images. They take turns, seed by seed, or half of the seeds each where
  two jobs share them. A run that misses the target counts as later than any
  that hits.

What the columns say:
  hits      runs above the target
  median    epochs to the target, and its 95 % interval by the bootstrap, whose
            end may be beyond all hits (inf)
  mean      of those that hit, and their standard deviation
  ratio     the median over SGD's, and its interval, seeds drawn in pairs; none (-)
            where SGD's is a miss. If sgd is there more than once, it is that
            without options, or the first
  p         of no difference from SGD (and from the best, which these same runs
            choose: the least median) by Wilcoxon's exact signed-rank test over
            seeds, two-sided, corrected for their number as Holm has it
  s/epoch, train s, wall s
            with --jobs 1 only, since runs that share a processor slow each
            other down: seconds for an epoch, and medians to the target on both
            clocks, without tests and with them";
