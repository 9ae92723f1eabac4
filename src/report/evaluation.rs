//! An evaluation as tables for people, as JSON, as a heat map of its confusion matrix, and as a sheet of its worst images.

use super::machine::Engine;
use super::plot::{Axis, Cell, Heat};
use super::record::Data;
use super::sheet::{self, Tile};
use super::summary::{grouped, line, percent};
use crate::data::{Dataset, Split};
use crate::engine::images::Inputs;
use crate::engine::saved::Saved;
use crate::experiments::evaluation::{Class, Evaluation, Mistake};
use crate::experiments::statistics::proportion::LEVEL;
use crate::text::printable;
use serde::Serialize;
use std::borrow::Cow;
use std::fmt::Write as _;

/// The version of the JSON's form.
pub const SCHEMA: &str = "dlr-evaluation/1";

/// The confusion matrix is printed whole if its lines are no longer than this; else only what is confused most.
const LONGEST_LINE: usize = 160;
/// Confusions that are listed if there is no room for the matrix.
const CONFUSIONS: usize = 20;
/// Images beside one another on a sheet.
const ACROSS: usize = 10;

/// An evaluation, and of what it is.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The model.
    pub saved: &'a Saved,
    /// How grey levels became its inputs.
    pub inputs: Inputs,
    /// What its outputs should be: (others, right).
    pub one_hot: (f64, f64),
    /// The data set.
    pub data: &'a Dataset,
    /// Which of its splits it is about: "test" or "train".
    pub split: &'static str,
    /// What was found.
    pub found: &'a Evaluation,
    /// What found it.
    pub engine: &'a Engine,
}

#[derive(Serialize)]
struct Record<'a> {
    schema: &'static str,
    model: Model<'a>,
    data: Data<'a>,
    split: &'static str,
    engine: &'a Engine,
    images: u64,
    right: u64,
    accuracy: f64,
    accuracy_interval: Interval,
    /// The mean over images of 1/2 sum_k (y_k - t_k)^2.
    half_squared_error: f64,
    /// The mean over images and outputs of (y_k - t_k)^2.
    mean_squared_error: f64,
    classes: Vec<Named<'a>>,
    /// `[true class][predicted class]`
    confusion: &'a [Vec<u64>],
    worst: &'a [Mistake],
}

#[derive(Serialize)]
struct Model<'a> {
    /// Text, as far as the path is.
    file: Cow<'a, str>,
    weights_sha256: String,
    /// Units in each layer, inputs first.
    layers: Vec<usize>,
    inputs: Inputs,
    one_hot: (f64, f64),
    /// The name of the data set that it was trained on, if its file says so.
    trained_on: Option<&'a str>,
}

/// Wilson's.
#[derive(Serialize)]
struct Interval {
    level: f64,
    low: f64,
    high: f64,
}

#[derive(Serialize)]
struct Named<'a> {
    class: usize,
    name: &'a str,
    #[serde(flatten)]
    about: Class,
}

impl Report<'_> {
    /// What a class is called, for people: its name, or its number.
    fn name(&self, class: usize) -> String {
        printable(&self.saved.classes.as_ref().unwrap_or(&self.data.class_names)[class])
    }

    /// The names of all classes.
    fn names(&self) -> Vec<String> {
        (0..self.found.confusion.len()).map(|class| self.name(class)).collect()
    }

    /// The images it is about.
    fn images(&self) -> &Split {
        if self.split == "train" { &self.data.train } else { &self.data.test }
    }

    /// The evaluation for people.
    pub fn text(&self) -> String {
        let Self { saved, found, .. } = self;
        let mut out = String::new();
        let net = &saved.network;
        let layers = net.hidden().between(net.inputs(), net.outputs());
        let network = format!("{layers}, inputs {}, from {}", self.inputs.name(), saved.path.display());
        line(&mut out, "network", &network);
        line(&mut out, "weights", &format!("sha256 {}", saved.network.sha256()));
        let trained_on = saved.data.as_ref().filter(|name| **name != self.data.name);
        let trained_on =
            trained_on.map_or_else(String::new, |name| format!("; the network was trained on {name}"));
        let data =
            format!("{} {} images of {}{trained_on}", grouped(found.images), self.split, self.data.name);
        line(&mut out, "data", &data);
        let [low, high] = found.accuracy_interval();
        let accuracy = format!(
            "{} ({} right, {} wrong), {:.0} % interval {:.2} % - {:.2} %",
            percent(found.accuracy()),
            grouped(found.right),
            grouped(found.images - found.right),
            100.0 * LEVEL,
            100.0 * low,
            100.0 * high
        );
        line(&mut out, "accuracy", &accuracy);
        let (low, high) = self.one_hot;
        let error = format!(
            "{:.5} an image (half the sum of its outputs' squared errors, targets {low} and {high}), {:.5} an output \
             (mean squared error)",
            found.half_squared_error,
            found.mean_squared_error()
        );
        line(&mut out, "error", &error);
        line(&mut out, "engine", &self.engine.to_string());
        out.push('\n');
        self.write_classes(&mut out);
        out.push('\n');
        self.write_confusion(&mut out);
        out
    }

    fn write_classes(&self, out: &mut String) {
        let names = self.names();
        let width = widest(&names).max("class".len());
        let mut row = |cells: [&str; 6]| {
            let [name, images, predicted, precision, recall, f1] = cells;
            let name = padded(name, width);
            writeln!(out, "{name}  {images:>8}  {predicted:>9}  {precision:>9}  {recall:>9}  {f1:>9}")
                .expect("a string takes all");
        };
        row(["class", "images", "predicted", "precision", "recall", "F1"]);
        let share = |share: Option<f64>| {
            share.map_or_else(|| "-".to_owned(), |share| format!("{:.2} %", 100.0 * share))
        };
        for (name, class) in names.iter().zip(self.found.classes()) {
            let (support, predicted) = (grouped(class.support), grouped(class.predicted));
            row([
                name,
                &support,
                &predicted,
                &share(class.precision),
                &share(class.recall),
                &share(class.f1),
            ]);
        }
    }

    /// The confusion matrix, or what is confused most where there is no room for it.
    fn write_confusion(&self, out: &mut String) {
        const CORNER: &str = "true \\ put in";
        let names = self.names();
        let cells: Vec<Vec<String>> =
            self.found.confusion.iter().map(|row| row.iter().map(cell).collect()).collect();
        let first = widest(&names).max(CORNER.len());
        let column = |class: usize| widest(cells.iter().map(|row| &row[class]).chain([&names[class]])) + 2;
        let columns: Vec<usize> = (0..names.len()).map(column).collect();
        if first + columns.iter().sum::<usize>() > LONGEST_LINE {
            return self.write_confusions(out);
        }
        let mut row = |name: &str, cells: &[String]| {
            *out += &padded(name, first);
            for (cell, &width) in cells.iter().zip(&columns) {
                *out += &" ".repeat(width - cell.chars().count());
                *out += cell;
            }
            out.push('\n');
        };
        row(CORNER, &names);
        names.iter().zip(&cells).for_each(|(name, cells)| row(name, cells));
    }

    fn write_confusions(&self, out: &mut String) {
        let mut all: Vec<(u64, usize, usize)> = Vec::new();
        for (label, row) in self.found.confusion.iter().enumerate() {
            let others =
                row.iter().enumerate().filter(|(predicted, count)| *predicted != label && **count > 0);
            all.extend(others.map(|(predicted, &count)| (count, label, predicted)));
        }
        all.sort_by(|a, b| b.0.cmp(&a.0).then(a.cmp(b)));
        let width = widest(&self.names()).max("put in".len());
        let mut row = |[label, predicted, count]: [&str; 3]| {
            writeln!(out, "{}  {}  {count:>8}", padded(label, width), padded(predicted, width))
                .expect("a string takes all");
        };
        row(["true", "put in", "images"]);
        for (count, label, predicted) in all.iter().take(CONFUSIONS) {
            row([&self.name(*label), &self.name(*predicted), &grouped(*count)]);
        }
        if all.len() > CONFUSIONS {
            let rest = all.len() - CONFUSIONS;
            writeln!(out, "not shown: {rest} pairs; --json and --svg have the whole confusion matrix")
                .expect("a string takes all");
        }
    }

    /// The evaluation for programs: one object.
    pub fn json(&self) -> String {
        let Self { saved, found, .. } = self;
        let [low, high] = found.accuracy_interval();
        let name = |class: usize| &*saved.classes.as_ref().unwrap_or(&self.data.class_names)[class];
        let classes = found.classes().into_iter().enumerate();
        let network = &saved.network;
        let record = Record {
            schema: SCHEMA,
            model: Model {
                file: saved.path.to_string_lossy(),
                weights_sha256: saved.network.sha256(),
                layers: network.hidden().with_ends(network.inputs(), network.outputs()),
                inputs: self.inputs,
                one_hot: self.one_hot,
                trained_on: saved.data.as_deref(),
            },
            data: Data::of(self.data),
            split: self.split,
            engine: self.engine,
            images: found.images,
            right: found.right,
            accuracy: found.accuracy(),
            accuracy_interval: Interval { level: LEVEL, low, high },
            half_squared_error: found.half_squared_error,
            mean_squared_error: found.mean_squared_error(),
            classes: classes.map(|(class, about)| Named { class, name: name(class), about }).collect(),
            confusion: &found.confusion,
            worst: &found.worst,
        };
        serde_json::to_string(&record).expect("a record has only names for keys") + "\n"
    }

    /// The confusion matrix as a picture.
    pub fn svg(&self) -> String {
        let (found, names) = (self.found, self.names());
        let title = format!(
            "{} of {} images are put in their class",
            percent(found.accuracy()),
            grouped(found.images)
        );
        let value = Axis::log10("images").starting_at(1.0);
        let cells = |row: &Vec<u64>| row.iter().map(|&count| Cell::Value(count as f64)).collect();
        Heat {
            about: format!(
                "Confusion matrix of a network on the {} images of {}: a row for each class, a column for each class \
                 that the network puts images in.",
                self.split, self.data.name
            ),
            x_title: "the network says".into(),
            y_title: "class".into(),
            cells: found.confusion.iter().map(cells).collect(),
            decimals: 0,
            ..Heat::new(title, value, &names, &names)
        }
        .svg()
    }

    /// The images with the largest errors as a PNG, the largest first: below each, its class and the one it is put in.
    pub fn png(&self) -> Vec<u8> {
        let tile = |worst: &Mistake| Tile {
            grey: self.images().image(worst.image),
            caption: format!("{}>{}", self.name(worst.label.into()), self.name(worst.predicted.into())),
        };
        let tiles: Vec<Tile> = self.found.worst.iter().map(tile).collect();
        sheet::png(&tiles, self.data.shape, ACROSS)
    }
}

/// A cell of the confusion matrix for people, who are not interested in nothing.
fn cell(count: &u64) -> String {
    if *count == 0 { ".".to_owned() } else { grouped(*count) }
}

fn widest<'a>(names: impl IntoIterator<Item = &'a String>) -> usize {
    names.into_iter().map(|name| name.chars().count()).max().unwrap_or(0)
}

fn padded(name: &str, width: usize) -> String {
    format!("{name:<width$}")
}
