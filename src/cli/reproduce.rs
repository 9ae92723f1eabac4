//! `dlr reproduce`: the paper's experiments, and the figures that come of them.

use super::args::whole;
use super::exit::{Code, complain, print, warn};
use super::progress::SweepProgress;
use super::signals::Signals;
use clap::{Args, ValueEnum};
use dlr::data::{self, Dataset};
use dlr::engine::threads::pool;
use dlr::experiments::paper::{Preset, Scale, fig1, fig2};
use dlr::experiments::sweep::Sweep;
use dlr::experiments::sweep::journal::{Header, Journal};
use dlr::experiments::sweep::shard::Shard;
use dlr::report::machine::Engine;
use dlr::report::paper as report;
use dlr::{Error, Result, files};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

/// What to do where results can't be written.
const CURE: &str = "give --out a folder that can be written, with room for some megabytes";

/// Repeats the paper's experiments, and draws its figures beside the paper's numbers
#[derive(Debug, Args)]
#[command(override_usage = "dlr reproduce [OPTIONS] <FIGURE>", max_term_width = 110)]
pub(crate) struct Reproduce {
    /// What to repeat
    #[arg(value_enum, value_name = "FIGURE")]
    figure: Figure,

    /// Whose settings: the author's experiments, the paper's text, or both
    #[arg(long, value_enum, value_name = "NAME", default_value = "authors")]
    preset: Presets,

    /// Fewer sizes, settings and runs: under three minutes in all
    #[arg(long)]
    quick: bool,

    /// Folder for journals and results; what is there already is not done again
    #[arg(long, value_name = "DIR", default_value = "reproduced")]
    out: PathBuf,

    /// Runs at once, a thread each [default: one per core]
    #[arg(long, value_name = "N", value_parser = whole(1..=256), allow_hyphen_values = true)]
    jobs: Option<u64>,

    /// Make only part I of N of the runs, into a journal of its own, for `dlr sweep merge` to join; `slurm` takes I and
    /// N from the array job
    #[arg(long, value_name = "I/N|slurm", value_parser = super::sweep::shard, allow_hyphen_values = true)]
    shard: Option<Shard>,

    /// Folder with the four IDX files, raw or .gz [default: $DLR_DATA, or data/mnist here or where dlr was built]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// No progress on stderr
    #[arg(long, short)]
    quiet: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Figure {
    /// Training time under each algorithm, for networks of eight sizes
    Fig1,
    /// The smallest network that reaches 96 %
    Fig2,
    /// DLR beside SGD at DLR's mean learning rate
    Fig3,
    /// What the paper leaves open: other optimizers, and the halves of DLR's rate
    Beyond,
    /// All of these
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Presets {
    /// The author's error of the hidden layer and grids
    Authors,
    /// The true gradient, and settings searched for
    Mse,
    /// One after the other
    Both,
}

impl Presets {
    fn all(self) -> &'static [Preset] {
        match self {
            Self::Authors => &[Preset::Authors],
            Self::Mse => &[Preset::Mse],
            Self::Both => &[Preset::Authors, Preset::Mse],
        }
    }
}

impl Figure {
    fn includes(self, figure: Self) -> bool {
        self == figure || self == Self::All
    }

    /// Refuses what can't be made in parts.
    pub(super) fn check_shared(self) -> Result<()> {
        if self != Self::Fig3 {
            return Ok(());
        }
        Err(Error::Settings {
            option: "fig3",
            problem: "its runs depend on one another, and take a minute".into(),
            cure: "make it by dlr reproduce fig3, without --shard".into(),
        })
    }
}

pub(super) fn run(args: &Reproduce) -> Result<Code> {
    if args.shard.is_some() {
        args.figure.check_shared()?;
    }
    let jobs =
        args.jobs.map_or_else(|| thread::available_parallelism().map_or(1, usize::from), |n| n as usize);
    let engine = Engine::here(jobs);
    engine.warnings().iter().for_each(|warning| warn(warning));
    let data = Dataset::open(&data::find(args.data.as_deref())?)?;
    data.warnings.iter().for_each(|warning| warn(warning));
    let written = |source| Error::Write { path: args.out.clone(), source, cure: CURE };
    fs::create_dir_all(&args.out).map_err(written)?;
    let signals = Signals::listen()?;
    let pool = pool(jobs)?;

    let progress = SweepProgress::new(args.quiet, signals.clone());
    let made = args.preset.all().iter().try_fold(Vec::new(), |mut all, &preset| {
        all.push(pool.install(|| make(args, preset, &data, &progress))?);
        Ok(all)
    });
    progress.finish();
    let made: Vec<Figures> = match made {
        Err(Error::Interrupted) if let Some(code) = signals.received() => {
            complain(format_args!("dlr: {}", Error::Interrupted));
            return Ok(code);
        }
        made => made?,
    };
    if let Some(shard) = args.shard {
        let out = super::sweep::quoted(&args.out).unwrap_or_else(|_| args.out.display().to_string());
        complain(format_args!("part {shard} is complete; when all are, run: dlr sweep merge {out}"));
        return Ok(Code::Done);
    }
    for figures in &made {
        print(&figures.text)?;
    }
    print(&format!("\nfiles in {}: {}\n", args.out.display(), names(&made)))?;
    Ok(Code::Done)
}

fn names(made: &[Figures]) -> String {
    made.iter().flat_map(|figures| &figures.files).map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// What was made under one preset.
#[derive(Default)]
struct Figures {
    text: String,
    files: Vec<String>,
}

/// Makes the figures, or a part of their runs, under one preset.
fn make(args: &Reproduce, preset: Preset, data: &Dataset, progress: &SweepProgress) -> Result<Figures> {
    let scale = if args.quick { Scale::Quick } else { Scale::Full };
    let header = Header::new("reproduce", &json!({ "preset": preset }), data);
    let journal = Journal::open(&place(&args.out, preset, args.shard), header)?;
    journal.warning.iter().for_each(|warning| warn(warning));
    let sweep = Sweep::new(data, journal, progress);
    let mut figures = Figures::default();
    if args.figure.includes(Figure::Fig1) {
        match args.shard {
            Some(shard) => fig1::part(&sweep, preset, scale, shard)?,
            None => {
                let found = fig1::fig1(&sweep, preset, scale)?;
                figures.add(&args.out, preset, "fig1.csv", &report::fig1_csv(&found))?;
                figures.text += &report::fig1_table(&found);
            }
        }
    }
    if args.figure.includes(Figure::Fig2) {
        match args.shard {
            Some(shard) => fig2::part(&sweep, preset, scale, shard)?,
            None => {
                let found = fig2::fig2(&sweep, preset, scale)?;
                figures.add(&args.out, preset, "fig2.csv", &report::fig2_csv(&found))?;
                figures.text += &report::fig2_table(&found);
            }
        }
    }
    sweep.complete()?;
    Ok(figures)
}

/// The journal of a preset, or of a part of it.
fn place(out: &Path, preset: Preset, shard: Option<Shard>) -> PathBuf {
    shard.map_or_else(
        || out.join(format!("{}.journal", preset.name())),
        |shard| shard.path(out, preset.name()),
    )
}

impl Figures {
    fn add(&mut self, out: &Path, preset: Preset, name: &str, content: &str) -> Result<()> {
        let name = format!("{}-{name}", preset.name());
        files::write(&out.join(&name), content.as_bytes(), CURE)?;
        self.files.push(name);
        Ok(())
    }
}
