//! `dlr predict`: what a saved network takes pictures for.

use super::args::choice;
use super::evaluate::load;
use super::exit::{self, Code, print};
use super::outputs::{CURE, Files};
use clap::{Args, ValueEnum};
use dlr::data::fit::{self, Image, fit};
use dlr::data::picture::{MAX_BYTES, Picture};
use dlr::engine::classify::classify_one;
use dlr::engine::images::Inputs;
use dlr::engine::saved::Saved;
use dlr::report::prediction::{Prediction, Table};
use dlr::report::sheet;
use dlr::{Error, Result, files};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Tells what a saved network takes pictures for
#[derive(Debug, Args)]
#[command(override_usage = "dlr predict [OPTIONS] <MODEL> <IMAGE>...", max_term_width = 110, after_help = HELP)]
pub(crate) struct Predict {
    /// The network, a file that `dlr --save` or `--checkpoint` has written
    #[arg(value_name = "MODEL")]
    model: PathBuf,

    /// PNG images, of any kind and size up to 4096 x 4096; - reads one from standard input
    #[arg(value_name = "IMAGE", required = true)]
    images: Vec<PathBuf>,

    /// What is darker or lighter than what it is drawn on; `auto` takes the border for paper
    #[arg(long, value_enum, value_name = "INK", default_value = "auto")]
    ink: Ink,

    /// How pictures become images: `mnist` scales and centres the ink, `none` takes them pixel by pixel
    #[arg(long, value_enum, value_name = "FIT", default_value = "mnist")]
    fit: Fit,

    /// Inputs for the grey level p: `unit` for p/255, `offset` for 0.01 + 0.99 p/255 [default: as it was trained]
    #[arg(long, value_parser = choice::<Inputs>(Inputs::NAMES), value_name = "INPUTS")]
    inputs: Option<Inputs>,

    /// Draw to FILE what the network sees of each image, and below it what it takes that for
    #[arg(long, value_name = "FILE")]
    png: Option<PathBuf>,

    /// Print JSON on stdout, a line for each image
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Ink {
    Auto,
    Dark,
    Light,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fit {
    Mnist,
    None,
}

/// Images beside one another on a sheet.
const ACROSS: usize = 10;

pub(super) fn run(args: &Predict, mut files: Files) -> Result<Code> {
    if args.images.iter().filter(|path| is_stdin(path)).count() > 1 {
        return Err(Error::Settings {
            option: "IMAGE",
            problem: "standard input (-) is given more than once".into(),
            cure: "give it once, since it holds one image".into(),
        });
    }
    files.reads("the model", Some(&args.model));
    let pictures = args.images.iter().filter(|path| !is_stdin(path));
    pictures.for_each(|path| files.reads("a picture to read", Some(path)));
    files.draws("--png", args.png.as_deref())?;
    let (saved, inputs) = load(&args.model, args.inputs)?;
    let side = side(&saved)?;
    let names = saved.classes.as_deref();
    let called: Vec<String> = args.images.iter().map(|path| called(path).display().to_string()).collect();
    let table = Table::new(called.iter().map(String::as_str), names);
    let (mut code, mut tiles) = (Code::Done, Vec::new());
    for (path, called) in args.images.iter().zip(called) {
        let answered = image(path, side, args).and_then(|seen| {
            let answers = classify_one(&saved.network, (side, side), &seen.grey, inputs)?;
            Ok((seen, answers))
        });
        let (seen, answers) = match answered {
            Ok(answered) => answered,
            // The others can be answered all the same.
            Err(error) => {
                exit::error(&error);
                code = Code::of(&error);
                continue;
            }
        };
        let prediction = Prediction::new(called, &seen, &answers, names);
        let heading = if tiles.is_empty() { table.heading() } else { String::new() };
        print(&if args.json { prediction.json() } else { heading + &table.row(&prediction) })?;
        tiles.push(prediction.tile(seen));
    }
    if let Some(path) = args.png.as_ref().filter(|_| !tiles.is_empty()) {
        files::write(path, &sheet::png(&tiles, (side, side), ACROSS), CURE)?;
    }
    Ok(code)
}

/// The side of the images that a network takes.
fn side(saved: &Saved) -> Result<usize> {
    let inputs = saved.network.inputs();
    let side = inputs.isqrt();
    if side * side != inputs {
        let problem = format!("a network of {inputs} inputs, which are no square image");
        return Err(Error::Data {
            path: saved.path.clone(),
            problem,
            cure: "give a network for square images".into(),
        });
    }
    Ok(side)
}

/// What the network sees of the picture in the file `path`.
fn image(path: &Path, side: usize, args: &Predict) -> Result<Image> {
    let how = match args.fit {
        Fit::Mnist => fit::Fit::Mnist,
        Fit::None => fit::Fit::None,
    };
    let ink = match args.ink {
        Ink::Auto => None,
        Ink::Dark => Some(fit::Ink::Dark),
        Ink::Light => Some(fit::Ink::Light),
    };
    let picture = Picture::decode(&read(path)?);
    picture.and_then(|picture| fit(&picture, side, how, ink)).map_err(|rejection| rejection.at(called(path)))
}

/// What a file is called, - being standard input.
fn called(path: &Path) -> &Path {
    if is_stdin(path) { Path::new("standard input") } else { path }
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The bytes of an image, which may be any file's.
fn read(path: &Path) -> Result<Vec<u8>> {
    let called = called(path);
    let failed =
        |source| Error::Read { path: called.to_owned(), source, cure: "give a PNG image that can be read" };
    let wrong =
        |problem: String, cure: &str| Error::Data { path: called.to_owned(), problem, cure: cure.into() };
    let mut bytes = Vec::new();
    let from: Box<dyn Read> = if is_stdin(path) {
        Box::new(io::stdin().lock())
    } else {
        // Looked at before it is opened: opening a named pipe would wait for its writer.
        let meta = fs::metadata(path).map_err(failed)?;
        if meta.is_dir() {
            return Err(wrong("a folder".into(), "give the PNG images in it"));
        }
        if !meta.is_file() {
            return Err(wrong("not a file".into(), "give a PNG image, or - to read one from standard input"));
        }
        Box::new(File::open(path).map_err(failed)?)
    };
    from.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        let problem = format!("more than {MAX_BYTES} bytes, which no such image has");
        return Err(wrong(problem, "give a PNG image"));
    }
    Ok(bytes)
}

const HELP: &str = "\
How pictures become images:
  As MNIST was made. Colours become grey, transparency shows white (or black, if
  nothing can be seen on white, or --ink is light). Paper is what most of the
  border is; ink is what is darker, or lighter. The box around the ink is scaled
  into 20 x 20 of 28 x 28 pixels, its proportions kept, and shifted so that its
  centre of mass lies in the middle. For networks of other sizes it is the same
  share of a square. A picture is to have one digit on it, on plain paper:
  shadows, lines and other digits are ink, too, and thin strokes on a large sheet
  become thinner than any that the network knows. --png shows what is seen. With
  --fit none, a picture has to have the network's size, and only dark ink is
  turned to light.

What is told:
  class     the class with the largest output, by its name if the model has names
  output    that output, from 0 to 1
  next      the class with the next largest output, and that output
  Outputs are logistic units, each trained to say yes or no to its own class. They
  are no probabilities, and need not add up to 1; a picture of something else
  gets an answer, too.

An image that cannot be read is told of on stderr, and the others are answered;
then the exit code is 4.";
