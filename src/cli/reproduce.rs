//! `dlr reproduce`: the paper's experiments, and the figures that come of them.

use super::args::whole;
use super::exit::{Code, complain, print};
use super::progress::SweepProgress;
use super::source::Source;
use super::stage::{Stage, journal};
use clap::{Args, ValueEnum};
use dlr::data::Dataset;
use dlr::experiments::paper::{Preset, Scale, beyond, clock, fig1, fig2, fig3};
use dlr::experiments::sweep::Sweep;
use dlr::experiments::sweep::journal::Header;
use dlr::experiments::sweep::shard::Shard;
use dlr::report::paper::{Reproduction, page, results, tables, timings};
use dlr::{Error, Result, files, text};
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// What to do where results can't be written.
const CURE: &str = "give --out a folder that can be written, with room for some megabytes";

/// Repeats the paper's experiments, and draws its figures beside the paper's numbers
#[derive(Debug, Args)]
#[command(override_usage = "dlr reproduce [OPTIONS] <FIGURE>...", max_term_width = 110)]
pub(crate) struct Reproduce {
    /// What to repeat, and tell on one page
    #[arg(value_enum, value_name = "FIGURE", required = true)]
    figures: Vec<Figure>,

    /// Whose settings: the author's experiments, the paper's text, or both
    #[arg(long, value_enum, value_name = "NAME", default_value = "authors")]
    preset: Presets,

    /// Fewer sizes, settings and runs: under three minutes in all
    #[arg(long)]
    quick: bool,

    /// Folder for journals and results; runs that are there already are not made again, but results, --quick or not, take the place
    /// of earlier ones
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
        args.figures.iter().try_for_each(|figure| figure.check_shared())?;
    }
    let stage = Stage::set(args.jobs, &Source::folder(args.data.as_deref()), args.quiet)?;
    let Stage { engine, data, .. } = &stage;
    let written = |source| Error::Write { path: args.out.clone(), source, cure: CURE };
    fs::create_dir_all(&args.out).map_err(written)?;

    let make_all = || {
        args.preset.all().iter().try_fold(Vec::new(), |mut all, &preset| {
            all.extend(make(args, preset, data, &stage.progress)?);
            Ok(all)
        })
    };
    let made: Vec<Reproduction> = match stage.run(Some(&args.out), make_all)? {
        Ok(made) => made,
        Err(code) => return Ok(code),
    };
    if let Some(shard) = args.shard {
        let out = super::sweep::quoted(&args.out).unwrap_or_else(|_| args.out.display().to_string());
        let out = text::printable(&out);
        complain(format_args!("part {shard} is complete; when all are, run: dlr sweep merge {out}"));
        return Ok(Code::Done);
    }
    let mut names = Vec::new();
    for (name, content) in results(&made).into_iter().chain(timings(&made)).chain([page(&made, data, engine)])
    {
        files::write(&args.out.join(&name), content.as_bytes(), CURE)?;
        names.push(name);
    }
    made.iter().try_for_each(|one| print(&tables(one)))?;
    print(&format!("\nfiles in {}: {}\n", text::name(&args.out), names.join(", ")))?;
    Ok(Code::Done)
}

/// Makes the figures under one preset; or a part of their runs, and then there is nothing to show.
fn make(
    args: &Reproduce,
    preset: Preset,
    data: &Dataset,
    progress: &SweepProgress,
) -> Result<Option<Reproduction>> {
    let scale = if args.quick { Scale::Quick } else { Scale::Full };
    let header = Header::new("reproduce", &json!({ "preset": preset }), data);
    let journal = journal(Some(&place(&args.out, preset, args.shard)), header)?;
    let sweep = Sweep::new(data, journal, progress);
    let wanted = |figure| args.figures.iter().any(|named| named.includes(figure));
    if let Some(shard) = args.shard {
        wanted(Figure::Fig1).then(|| fig1::part(&sweep, preset, scale, shard)).transpose()?;
        wanted(Figure::Fig2).then(|| fig2::part(&sweep, preset, scale, shard)).transpose()?;
        wanted(Figure::Beyond).then(|| beyond::part(&sweep, preset, scale, shard)).transpose()?;
        if wanted(Figure::Fig3) {
            complain(format_args!("fig3 is not made in parts, but by the command that draws the figures"));
        }
        sweep.complete()?;
        return Ok(None);
    }
    let made = Reproduction {
        preset,
        quick: args.quick,
        fig1: wanted(Figure::Fig1).then(|| fig1::fig1(&sweep, preset, scale)).transpose()?,
        fig2: wanted(Figure::Fig2).then(|| fig2::fig2(&sweep, preset, scale)).transpose()?,
        fig3: wanted(Figure::Fig3).then(|| fig3::fig3(&sweep, preset, scale)).transpose()?,
        beyond: wanted(Figure::Beyond).then(|| beyond::beyond(&sweep, preset, scale)).transpose()?,
        seconds: Vec::new(),
    };
    sweep.complete()?;
    // Now that nothing else runs.
    let sizes: Option<Vec<usize>> = made.fig1.as_ref().map(fig1::Fig1::sizes);
    let seconds = sizes.map(|sizes| clock::seconds(preset, &sizes, data, progress)).transpose()?;
    Ok(Some(Reproduction { seconds: seconds.unwrap_or_default(), ..made }))
}

/// The journal of a preset, or of a part of it.
fn place(out: &Path, preset: Preset, shard: Option<Shard>) -> PathBuf {
    shard.map_or_else(
        || out.join(format!("{}.journal", preset.name())),
        |shard| shard.path(out, preset.name()),
    )
}

/// What people see of it at once.
fn tables(made: &Reproduction) -> String {
    let figures = [
        made.fig1.as_ref().map(tables::fig1_table),
        made.fig2.as_ref().map(tables::fig2_table),
        made.fig3.as_ref().map(tables::fig3_table),
        made.beyond.as_ref().map(tables::beyond_table),
    ];
    figures.into_iter().flatten().collect()
}
