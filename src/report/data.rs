//! Data sets: where they are, and what is in one, for people, as JSON, and as a picture.

use super::sheet::{Tile, png};
use super::summary::{grouped, line, percent};
use crate::Result;
use crate::data::known::Known;
use crate::data::{Check, Dataset, Split};
use crate::text::name;
use serde_json::json;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// The version of the form of a data set's JSON.
pub const SCHEMA: &str = "dlr-data/1";

/// The version of the form of the list's JSON.
pub const LIST_SCHEMA: &str = "dlr-data-list/1";

/// Images of each class on a sheet.
const PER_CLASS: usize = 10;

/// A known data set, and where it was found.
#[derive(Debug)]
pub struct Place {
    /// The data set.
    pub known: &'static Known,
    /// What [`Known::search`] found.
    pub found: Result<Option<PathBuf>>,
}

impl Place {
    fn folder(&self) -> Option<&Path> {
        self.found.as_ref().ok()?.as_deref()
    }
}

/// Where each data set is, a line each; `usual` is the folder that is trained on if nothing else is said.
pub fn list(places: &[Place], usual: Option<&Path>) -> String {
    let mut text = format!("{:<16} found in\n", "data set");
    let mut told = "";
    for Place { known, found } in places {
        let place = match found {
            Ok(Some(folder)) if Some(&**folder) == usual => format!("{} (the default)", name(folder)),
            Ok(Some(folder)) => name(folder),
            Ok(None) if told == known.get => "nowhere; it is among the same files".to_owned(),
            Ok(None) => {
                told = known.get;
                format!("nowhere; {}", known.get)
            }
            Err(error) => error.to_string(),
        };
        writeln!(text, "{:<16} {place}", known.name).expect("a string takes all");
    }
    if let Some(default) = usual.filter(|usual| !places.iter().any(|place| place.folder() == Some(*usual))) {
        writeln!(text, "{:<16} {} (the default)", "", name(default)).expect("a string takes all");
    }
    text
}

/// The same as one JSON object on a line.
pub fn list_json(places: &[Place], usual: Option<&Path>) -> String {
    let sets = places.iter().map(|place| {
        json!({
            "name": place.known.name,
            "about": place.known.about,
            "folder": place.folder().map(shown),
            "problem": place.found.as_ref().err().map(ToString::to_string),
            "get": place.known.get,
        })
    });
    let object =
        json!({ "schema": LIST_SCHEMA, "default": usual.map(shown), "data_sets": sets.collect::<Vec<_>>() });
    format!("{object}\n")
}

/// A path as text, even if it is none.
fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// What is in a data set, several lines.
pub fn text(data: &Dataset) -> String {
    let mut text = String::new();
    let about = data.known.filter(|known| known.name == data.name).map(|known| known.about);
    line(&mut text, "data set", &about.map_or(data.name.clone(), |about| format!("{}: {about}", data.name)));
    let names = ["train images", "train labels", "test images", "test labels"];
    for (name, file) in names.iter().zip(&data.files) {
        line(&mut text, name, &file.display().to_string());
    }
    line(&mut text, "hashes", &verdict(data));
    if data.check != Check::Verified {
        for (name, hash) in names.iter().zip(&data.hashes) {
            line(&mut text, "", &format!("sha256 {hash}  {name}"));
        }
    }
    let (rows, columns) = data.shape;
    let upright = if data.transposed { ", transposed, since the files have them on their sides" } else { "" };
    line(&mut text, "images", &format!("{rows} x {columns}, {} inputs{upright}", data.inputs));
    line(&mut text, "training", &about_split(&data.train));
    line(&mut text, "test", &about_split(&data.test));
    line(&mut text, "classes", &classes(data));

    writeln!(text, "\nclass    train     test  name").expect("a string takes all");
    let counts = data.train.counts(data.classes).into_iter().zip(data.test.counts(data.classes));
    for (class, (train, test)) in counts.enumerate() {
        let (train, test) = (grouped(train as u64), grouped(test as u64));
        let name = &data.class_names[class];
        writeln!(text, "{class:>5} {train:>8} {test:>8}  {name}").expect("a string takes all");
    }
    text
}

/// What the hashes say.
fn verdict(data: &Dataset) -> String {
    let name = data.known.map_or("", |known| known.name);
    match data.check {
        Check::Verified => format!("verified: all four files are {name}'s"),
        Check::Unverified => format!(
            "unverified: said to be {name}, of which only the published .gz files' hashes are known here; these are others"
        ),
        Check::Differs => format!("not {name}'s, though --dataset says so"),
        Check::Unknown => "of no data set that is known here".to_owned(),
    }
}

fn about_split(split: &Split) -> String {
    let (images, grey) = (grouped(split.len() as u64), split.mean_grey());
    let lit = (split.density() * 1e4).round() / 1e4;
    format!("{images} images, {} of the pixels lit, mean grey {grey:.1}", percent(lit))
}

/// How many classes there are, and which of them have no image.
fn classes(data: &Dataset) -> String {
    let counts = data.train.counts(data.classes);
    let empty: Vec<_> =
        (0..data.classes).filter(|&class| counts[class] == 0).map(|n| n.to_string()).collect();
    match empty.len() {
        0 => data.classes.to_string(),
        1 => format!("{}, with no image to train on for class {}", data.classes, empty[0]),
        2..=10 => format!("{}, with no image to train on for classes {}", data.classes, empty.join(", ")),
        many => format!("{}, with no image to train on for {many} of them", data.classes),
    }
}

/// What is in a data set, as one JSON object on a line.
pub fn json(data: &Dataset) -> String {
    let (train, test) = (data.train.counts(data.classes), data.test.counts(data.classes));
    let classes = data.class_names.iter().enumerate().map(|(class, name)| {
        json!({ "class": class, "name": name, "train_images": train[class], "test_images": test[class] })
    });
    let split = |split: &Split| json!({ "images": split.len(), "density": split.density(), "mean_grey": split.mean_grey() });
    let check = match data.check {
        Check::Verified => "verified",
        Check::Unverified => "unverified",
        Check::Differs => "differs",
        Check::Unknown => "unknown",
    };
    let [train_images, train_labels, test_images, test_labels] = &data.hashes;
    let object = json!({
        "schema": SCHEMA,
        "name": data.name,
        "dataset": data.known.map(|known| known.name),
        "check": check,
        "files": data.files.each_ref().map(|file| shown(file)),
        "hashes": {
            "train_images": train_images,
            "train_labels": train_labels,
            "test_images": test_images,
            "test_labels": test_labels,
        },
        "rows": data.shape.0,
        "columns": data.shape.1,
        "inputs": data.inputs,
        "transposed": data.transposed,
        "train": split(&data.train),
        "test": split(&data.test),
        "classes": classes.collect::<Vec<_>>(),
    });
    format!("{object}\n")
}

/// A contact sheet, as PNG: a row for each class that `split` has, with its first images, named below the first.
pub fn sheet(data: &Dataset, split: &Split) -> Vec<u8> {
    let mut rows: Vec<Vec<Tile>> = vec![Vec::new(); data.classes];
    for (i, &label) in split.labels().iter().enumerate() {
        let row = &mut rows[usize::from(label)];
        if row.len() < PER_CLASS {
            let caption =
                if row.is_empty() { data.class_names[usize::from(label)].clone() } else { String::new() };
            row.push(Tile { grey: split.image(i), caption });
        }
    }
    rows.retain(|row| !row.is_empty());
    let across = rows.iter().map(Vec::len).max().unwrap_or(0);
    let dark = Tile { grey: vec![0; data.inputs], caption: String::new() };
    rows.iter_mut().for_each(|row| row.resize(across, dark.clone()));
    png(&rows.concat(), data.shape, across)
}
