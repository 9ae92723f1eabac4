//! `dlr evaluate`: what a saved network gets right, and what it mistakes for what.

use super::args::{choice, whole};
use super::exit::{Code, print, warn};
use super::outputs::{CURE, Files};
use super::source::Source;
use super::stage::jobs;
use clap::{Args, ValueEnum};
use dlr::engine::classify::classify;
use dlr::engine::images::{Images, Inputs};
use dlr::engine::saved::Saved;
use dlr::engine::threads::{Threads, pool};
use dlr::experiments::evaluation::Evaluation;
use dlr::report::evaluation::Report;
use dlr::report::machine::Engine;
use dlr::{Result, files};
use std::path::{Path, PathBuf};

/// Tells what a saved network gets right, and what it mistakes for what
#[derive(Debug, Args)]
#[command(override_usage = "dlr evaluate [OPTIONS] <MODEL>", max_term_width = 110, after_help = HELP)]
pub(crate) struct Evaluate {
    /// The network, a file that `dlr --save` or `--checkpoint` has written
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// Which images: those to test on, or those to train on
    #[arg(long, value_enum, value_name = "NAME", default_value = "test")]
    split: Half,

    /// Inputs for the grey level p: `unit` for p/255, `offset` for 0.01 + 0.99 p/255 [default: as it was trained]
    #[arg(long, value_parser = choice::<Inputs>(Inputs::NAMES), value_name = "INPUTS")]
    inputs: Option<Inputs>,

    #[command(flatten)]
    source: Source,

    /// Images with the largest errors that --json lists and --png shows
    #[arg(long, value_name = "N", value_parser = whole(1..=10_000), default_value = "50", allow_hyphen_values = true)]
    worst: u64,

    /// Draw the confusion matrix to FILE
    #[arg(long, value_name = "FILE")]
    svg: Option<PathBuf>,

    /// Draw the images with the largest errors to FILE
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,

    /// Threads, which decide nothing but the speed [default: one per core]
    #[arg(long, value_name = "N", value_parser = whole(1..=256), allow_hyphen_values = true)]
    threads: Option<u64>,

    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,
}

/// The halves of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Half {
    Test,
    Train,
}

pub(super) fn run(args: &Evaluate, mut files: Files) -> Result<Code> {
    let engine = Engine::here(jobs(args.threads));
    engine.warnings().iter().for_each(|warning| warn(warning));
    files.reads("the model", Some(&args.model));
    files.draws("--svg", args.svg.as_deref())?;
    files.draws("--png", args.png.as_deref())?;
    let (saved, inputs) = load(&args.model, args.inputs)?;
    let data = args.source.or_known(saved.data.as_deref()).open()?;
    saved.check_fits(&data)?;
    files.spare(&data)?;
    if !args.source.is_said()
        && let Some(trained_on) = saved.data.as_ref().filter(|name| **name != data.name)
    {
        let name = &data.name;
        warn(&format!(
            "the network was trained on {trained_on}, and this is {name}; --data names another folder"
        ));
    }

    let (images, split) = match args.split {
        Half::Test => (&data.test, "test"),
        Half::Train => (&data.train, "train"),
    };
    let answers = pool(engine.threads)?
        .install(|| classify(&saved.network, &Images::new(images, inputs), Threads::Pool));
    let one_hot = saved.one_hot.unwrap_or((0.0, 1.0));
    let found = Evaluation::of(&answers, images, one_hot, args.worst as usize);
    let report =
        Report { saved: &saved, inputs, one_hot, data: &data, split, found: &found, engine: &engine };

    let draw = |path: &Option<PathBuf>, picture: &dyn Fn() -> Vec<u8>| {
        path.as_ref().map_or(Ok(()), |path| files::write(path, &picture(), CURE))
    };
    let drawn = [draw(&args.svg, &|| report.svg().into_bytes()), draw(&args.png, &|| report.png())];
    // The result is told even where it could not be drawn.
    print(&if args.json { report.json() } else { report.text() })?;
    drawn.into_iter().collect::<Result<Vec<()>>>()?;
    Ok(Code::Done)
}

/// The model in a file, and how its inputs are made: as was chosen, or as the file says.
pub(super) fn load(path: &Path, chosen: Option<Inputs>) -> Result<(Saved, Inputs)> {
    let saved = Saved::load(path)?;
    let inputs = chosen.or(saved.inputs).unwrap_or_else(|| {
        let path = path.display();
        warn(&format!("{path} does not say how its inputs are made; they are taken for --inputs unit"));
        Inputs::Unit
    });
    Ok((saved, inputs))
}

const HELP: &str = "\
What is told:
  accuracy  the share of images that are put in their class, and Wilson's 95 %
            interval for images of this kind. A test set that training looked at
            to stop is too kind to it
  error     half the sum of the squared errors of an image's outputs, which is
            what training lowers; the mean over images. The targets are those of
            the training, or 0 and 1 if the model does not say
  precision of the images that are put in a class, the part that belongs there
  recall    of the images of a class, the part that is put there
  F1        the harmonic mean of both

  In the confusion matrix, rows are the classes of the images, columns are those
  that the network puts them in. The worst images are those with the largest
  errors: the network is surest of something wrong. Below each on the sheet of
  --png is its class, >, and the one it is put in.";
