//! `dlr data`: which data sets there are, and what is in one.

use super::exit::{Code, print};
use super::outputs::{CURE, Files};
use super::source::Source;
use clap::{Args, ValueEnum};
use dlr::data::known::KNOWN;
use dlr::report::data::{self as report, Place};
use dlr::{Error, Result, files};
use std::path::PathBuf;

/// Lists the data sets that are found, or looks into one: checks its hashes, counts its images
#[derive(Debug, Args)]
#[command(override_usage = "dlr data [OPTIONS]", max_term_width = 110, after_help = HELP)]
pub(crate) struct Data {
    #[command(flatten)]
    source: Source,

    /// Print one JSON object on stdout
    #[arg(long)]
    json: bool,

    /// Draw the first images of each class to FILE
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,

    /// The images that --png draws: those to train on, or those to test on
    #[arg(long, value_enum, value_name = "SPLIT", default_value = "train")]
    split: Split,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Split {
    Train,
    Test,
}

pub(super) fn run(args: &Data, mut files: Files) -> Result<Code> {
    if !args.source.is_said() {
        return list(args);
    }
    files.draws("--png", args.png.as_deref())?;
    let data = args.source.open()?;
    files.spare(&data)?;
    let drawn = args.png.as_ref().map_or(Ok(()), |path| {
        let split = match args.split {
            Split::Train => &data.train,
            Split::Test => &data.test,
        };
        files::write(path, &report::sheet(&data, split), CURE)
    });
    // The result is told even where it could not be drawn.
    print(&if args.json { report::json(&data) } else { report::text(&data) })?;
    drawn.map(|()| Code::Done)
}

/// Where each data set is.
fn list(args: &Data) -> Result<Code> {
    if args.png.is_some() {
        return Err(Error::Settings {
            option: "--png",
            problem: "no data set was chosen".into(),
            cure: "choose one with --dataset or --data".into(),
        });
    }
    KNOWN[0].places()?; // a DLR_DATA that is wrong is wrong for all of them
    let usual = dlr::data::find(None).ok().filter(|folder| dlr::data::holds_one(folder));
    let places: Vec<_> = KNOWN.iter().map(|known| Place { known, found: known.search() }).collect();
    let usual = usual.as_deref();
    print(&if args.json { report::list_json(&places, usual) } else { report::list(&places, usual) })?;
    Ok(Code::Done)
}

const HELP: &str = "\
What is told:
  hashes    verified: all four files are, byte for byte, those of the data set;
            unverified: they are taken at --dataset's word, or their names',
            since only the hashes of the .gz files that it is published in are
            known here
  lit       the part of the pixels that are not 0; dark ones cost nothing
  grey      mean grey level of all pixels, 0 to 255
  class     the label in the files, which is also the number of the output;
            labels that no image has still have theirs

A data set is looked for in $DLR_DATA, in data here, in data where dlr was
built, and where Debian's package has it, by its name or torchvision's. Images
that lie on their sides, as EMNIST's do, are turned upright.";
