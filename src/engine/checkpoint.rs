//! A run in the middle, in a file from which it goes on to the same bits.
//!
//! The file is a [`model`] with its weights as they are now, so that it can be loaded and evaluated like any
//! other, and has beside them:
//!
//! | tensor | of each layer l, from the first, 0, to the last |
//! | --- | --- |
//! | `state.l.weights` | as they are stored, where rows that wait are behind, or what they are derived of, `[rows][H]` |
//! | `state.l.remembered` | what the optimizer remembers beside each weight, in its own unit, `[rows][numbers][H]` |
//! | `state.l.last` | the update that touched each row last, if rows may wait |
//! | `state.l.squares` | the sum of squares of each lane, if rates depend on it |
//! | `order` | the order of the images in this epoch |
//! | `curve.images` | images before each test whose accuracy was counted |
//! | `curve.numbers` | epoch, `train_s`, `wall_s` and accuracy of each of these tests, `[tests][4]` |
//! | `ends` | the accuracy at the end of each epoch, if the run may stall |
//!
//! The last three grow with the run, and the format's metadata may not grow beyond all bounds. All else is in the metadata:
//! the form of all this, [`SCHEMA`], the settings, how far the run has come, and a checksum of this and of all tensors.
//!
//! Optimizers go by their names: a run by [one's own](super::optimizer::Entry::own) can be read again once that is
//! [registered](super::optimizer::Entry::register).

use super::model::{self, Tensor};
use super::network::Network;
use super::settings::Settings;
use super::trainer::{PROTOCOL, Point};
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::files;
use crate::hash::hex;
use dlr_kernels::layer::State;
use dlr_kernels::simd::Level;
use safetensors::{Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::path::Path;

const SAVE_CURE: &str = "give --checkpoint a file in a folder that can be written";
const LOAD_CURE: &str = "give --resume a file that --checkpoint has written";
const SCHEMA_CURE: &str = "go on by the dlr that wrote it, or begin a new run with its weights by --load";
/// The form of a checkpoint: another one for every change of what is in it or what it means. Earlier ones had none.
pub const SCHEMA: &str = "dlr-checkpoint/2";
/// The key of what the metadata say beside a model's origin.
const ABOUT: &str = "checkpoint";
const ORDER: &str = "order";
const CURVE_IMAGES: &str = "curve.images";
const CURVE_NUMBERS: &str = "curve.numbers";
const ENDS: &str = "ends";

/// A run in the middle.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// What the run was told.
    pub settings: Settings,
    /// Images trained on so far.
    pub images: u64,
    /// Seconds of training so far, tests not counted.
    pub train_s: f64,
    /// Seconds so far, everything counted.
    pub wall_s: f64,
    /// The tests whose accuracy was counted.
    pub curve: Vec<Point>,
    /// Test accuracy at the end of each epoch, if the run may stall.
    pub ends: Vec<f64>,
    /// Where the random numbers of the order stand, in words of 32 bits.
    pub random_position: u128,
    /// The order of the images in this epoch.
    pub order: Vec<u32>,
    /// What each layer knows, from the first to the last.
    pub layers: Vec<State>,
    /// The network as it is.
    pub network: Network,
}

/// The weights that a run started from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Initial {
    /// The file that they were loaded from; `None` if they were drawn. Text, as far as the path is.
    pub file: Option<String>,
    /// As [`Network::sha256`].
    pub weights_sha256: String,
}

/// What a checkpoint was made by, and of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Origin {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// The version of this crate.
    pub version: String,
    /// The instruction set of the kernels, which the bits depend on.
    pub simd: String,
    /// The data set's name.
    pub data: String,
    /// The names of its classes.
    pub classes: Vec<String>,
    /// Its [hashes](Dataset::hashes).
    pub hashes: [String; 4],
    /// Whether its images were [transposed](Dataset::transposed).
    pub transposed: bool,
    /// Where the run began.
    pub initial: Initial,
}

impl Origin {
    /// This build and `data`, for a run that began with `initial`.
    pub fn here(data: &Dataset, initial: Initial) -> Self {
        Self {
            protocol: PROTOCOL,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            simd: Level::compiled().name().to_owned(),
            data: data.name.clone(),
            classes: data.class_names.clone(),
            hashes: data.hashes.clone(),
            transposed: data.transposed,
            initial,
        }
    }
}

/// What the metadata say of a checkpoint.
#[derive(Serialize, Deserialize)]
struct About {
    /// [`SCHEMA`].
    schema: String,
    origin: Origin,
    settings: Settings,
    images: u64,
    train_s: f64,
    wall_s: f64,
    /// Text, since JSON's numbers are too short.
    random_position: String,
    /// Updates of each layer.
    updates: Vec<u64>,
    /// SHA-256 of all tensors, one after another, and of all this, with nothing here.
    sha256: String,
}

impl Checkpoint {
    /// Whether the tests so far can have been: each later than the one before, none after the last image.
    pub(super) fn check_tests(&self) -> std::result::Result<(), String> {
        let is_share = |accuracy: f64| (0.0..=1.0).contains(&accuracy);
        let is_time = |seconds: f64| seconds.is_finite() && seconds >= 0.0;
        let rises = self.curve.windows(2).all(|pair| pair[0].images < pair[1].images);
        if !rises || self.curve.last().is_some_and(|last| last.images > self.images) {
            return Err("their images do not rise to those seen so far".to_owned());
        }
        let times = |point: &Point| [point.epoch, point.train_s, point.wall_s].into_iter().all(is_time);
        if !self.curve.iter().all(|point| times(point) && is_share(point.test_accuracy)) {
            return Err("a time or an accuracy is none".to_owned());
        }
        if self.ends.len() as u64 > self.settings.epochs || !self.ends.iter().all(|&end| is_share(end)) {
            return Err("the ends of epochs are not those of the epochs so far".to_owned());
        }
        Ok(())
    }

    /// Writes it to `path`, [in whole or not at all](files::write()).
    ///
    /// # Errors
    /// [`Error::Write`] if the folder can't be written to or the disk is full.
    pub fn save(&self, path: &Path, origin: &Origin) -> Result<()> {
        files::write(path, &self.to_bytes(origin), SAVE_CURE)
    }

    /// Whether [`save`](Self::save) could write to `path` now.
    ///
    /// # Errors
    /// [`Error::Write`] if not.
    pub fn check_place(path: &Path) -> Result<()> {
        files::check_place(path, SAVE_CURE)
    }

    /// Reads one from `path`, with what it was made by and of.
    ///
    /// # Errors
    /// [`Error::Read`] if the file can't be read; [`Error::Data`] if it is no checkpoint, of another form, or not as it was
    /// written.
    pub fn load(path: &Path) -> Result<(Self, Origin)> {
        Self::from_bytes(path, &model::read(path, LOAD_CURE)?)
    }

    /// The bytes of its file.
    pub fn to_bytes(&self, origin: &Origin) -> Vec<u8> {
        let tensors = self.tensors();
        let mut about = About {
            schema: SCHEMA.to_owned(),
            origin: origin.clone(),
            settings: self.settings.clone(),
            images: self.images,
            train_s: self.train_s,
            wall_s: self.wall_s,
            random_position: self.random_position.to_string(),
            updates: self.layers.iter().map(|state| state.updates).collect(),
            sha256: String::new(),
        };
        about.sha256 = checksum(&tensors, &about);
        // What evaluation asks a model for is where a model has it.
        let Origin { data, classes, .. } = origin;
        let about = json!({ "data": data, "classes": classes, "config": self.settings, ABOUT: about });
        model::serialize(&tensors, &about)
    }

    /// The same from the bytes of a file, which errors call `path`.
    ///
    /// # Errors
    /// [`Error::Data`] as [`load`](Self::load).
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<(Self, Origin)> {
        let damaged = |problem| Error::data(path, problem, LOAD_CURE);
        let file = model::parse(bytes).map_err(damaged)?;
        let about = Self::about(bytes);
        let no_checkpoint =
            || damaged("a model, but no checkpoint: it lacks what it takes to go on".to_owned());
        let about = about.ok_or_else(no_checkpoint)?;
        let problem = match about.get("schema") {
            Some(schema) if schema == SCHEMA => return Self::read(&file, about).map_err(damaged),
            Some(_) => format!("a checkpoint of another form than {SCHEMA}"),
            None => "a checkpoint of no named form, as earlier versions of dlr wrote them".to_owned(),
        };
        Err(Error::data(path, problem, SCHEMA_CURE))
    }

    /// What a file says of itself, if it is a checkpoint of any form.
    fn about(bytes: &[u8]) -> Option<Value> {
        model::origin(bytes)?.get_mut(ABOUT).map(Value::take)
    }

    /// Refuses the bytes of a checkpoint of this form that is not as it was written. Anything else may be a model.
    pub(super) fn check(bytes: &[u8]) -> std::result::Result<(), String> {
        match Self::about(bytes).filter(|about| about["schema"] == SCHEMA) {
            Some(about) => Self::read(&model::parse(bytes)?, about).map(drop),
            None => Ok(()),
        }
    }

    /// One of this form, from the tensors of its file and what that says of it.
    fn read(file: &SafeTensors, about: Value) -> std::result::Result<(Self, Origin), String> {
        let mut about: About = serde_json::from_value(about)
            .map_err(|error| format!("what it says of itself is damaged ({error})"))?;
        let sha256 = std::mem::take(&mut about.sha256);
        let layers = about.updates.iter().enumerate().map(|(l, &updates)| {
            Ok(State {
                updates,
                weights: numbers(file, &name(l, "weights"), f32::from_le_bytes)?,
                memory: numbers(file, &name(l, "remembered"), f32::from_le_bytes)?,
                last: numbers(file, &name(l, "last"), u64::from_le_bytes)?,
                lane_squares: numbers(file, &name(l, "squares"), f64::from_le_bytes)?,
            })
        });
        let checkpoint = Self {
            settings: about.settings.clone(),
            images: about.images,
            train_s: about.train_s,
            wall_s: about.wall_s,
            curve: curve(file)?,
            ends: numbers(file, ENDS, f64::from_le_bytes)?,
            random_position: about.random_position.parse().map_err(|_| "its random position is no number")?,
            order: numbers(file, ORDER, u32::from_le_bytes)?,
            layers: layers.collect::<std::result::Result<_, String>>()?,
            network: model::network(file)?,
        };
        if checksum(&checkpoint.tensors(), &about) != sha256 {
            return Err("its checksum is wrong: it is not as it was written".to_owned());
        }
        Ok((checkpoint, about.origin))
    }

    /// The weights, and the tensors beside them.
    fn tensors(&self) -> Vec<Tensor> {
        let mut tensors = model::tensors(&self.network);
        let mut add = |name: String, dtype, bytes: Vec<u8>, length| {
            tensors.push(Tensor { name, dtype, shape: vec![length], bytes });
        };
        for (l, State { weights, memory, last, lane_squares, .. }) in self.layers.iter().enumerate() {
            add(name(l, "weights"), Dtype::F32, bytes(weights, |x| x.to_le_bytes()), weights.len());
            add(name(l, "remembered"), Dtype::F32, bytes(memory, |x| x.to_le_bytes()), memory.len());
            add(name(l, "last"), Dtype::U64, bytes(last, |x| x.to_le_bytes()), last.len());
            add(name(l, "squares"), Dtype::F64, bytes(lane_squares, |x| x.to_le_bytes()), lane_squares.len());
        }
        add(ORDER.to_owned(), Dtype::U32, bytes(&self.order, |x| x.to_le_bytes()), self.order.len());
        let images: Vec<u64> = self.curve.iter().map(|point| point.images).collect();
        add(CURVE_IMAGES.to_owned(), Dtype::U64, bytes(&images, |x| x.to_le_bytes()), images.len());
        let four = |point: &Point| [point.epoch, point.train_s, point.wall_s, point.test_accuracy];
        let all: Vec<f64> = self.curve.iter().flat_map(four).collect();
        add(CURVE_NUMBERS.to_owned(), Dtype::F64, bytes(&all, |x| x.to_le_bytes()), all.len());
        add(ENDS.to_owned(), Dtype::F64, bytes(&self.ends, |x| x.to_le_bytes()), self.ends.len());
        tensors
    }
}

/// The tensor for a part of what layer `l` knows.
fn name(l: usize, part: &str) -> String {
    format!("state.{l}.{part}")
}

fn bytes<T: Copy, const N: usize>(numbers: &[T], to_bytes: fn(T) -> [u8; N]) -> Vec<u8> {
    numbers.iter().flat_map(|&number| to_bytes(number)).collect()
}

fn numbers<T, const N: usize>(
    file: &SafeTensors,
    name: &str,
    from_bytes: fn([u8; N]) -> T,
) -> std::result::Result<Vec<T>, String> {
    let tensor = file.tensor(name).map_err(|_| format!("no tensor {name}"))?;
    Ok(tensor.data().as_chunks().0.iter().map(|&bytes| from_bytes(bytes)).collect())
}

fn curve(file: &SafeTensors) -> std::result::Result<Vec<Point>, String> {
    let images = numbers(file, CURVE_IMAGES, u64::from_le_bytes)?;
    let all = numbers(file, CURVE_NUMBERS, f64::from_le_bytes)?;
    let (fours, rest) = all.as_chunks();
    if fours.len() != images.len() || !rest.is_empty() {
        return Err(format!("{CURVE_NUMBERS} has {} numbers, expected {}", all.len(), 4 * images.len()));
    }
    let point = |(images, &[epoch, train_s, wall_s, test_accuracy]): (u64, &[f64; 4])| Point {
        images,
        epoch,
        train_s,
        wall_s,
        test_accuracy,
    };
    Ok(images.into_iter().zip(fours).map(point).collect())
}

fn checksum(tensors: &[Tensor], about: &About) -> String {
    let mut hash = Sha256::new();
    tensors.iter().for_each(|tensor| hash.update(&tensor.bytes));
    hash.update(serde_json::to_vec(about).expect("what is said has only names for keys"));
    hex(hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_where_none_can_be_kept_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Checkpoint::check_place(&folder.path().join("new")).is_ok());
        let told = Checkpoint::check_place(folder.path()).unwrap_err().to_string();
        let cure = "is a directory; give --checkpoint a file in a folder that can be written";
        assert_eq!(told, format!("cannot write {}: {cure}", folder.path().display()));
    }

    /// Numbers without a test of theirs are none of a curve.
    #[test]
    fn a_curve_has_four_numbers_of_each_test() {
        let tensor = |name: &str, dtype, length: usize| Tensor {
            name: name.to_owned(),
            dtype,
            shape: vec![length],
            bytes: vec![0; 8 * length],
        };
        for length in 0..=12 {
            let tensors = [tensor(CURVE_IMAGES, Dtype::U64, 2), tensor(CURVE_NUMBERS, Dtype::F64, length)];
            let bytes = model::serialize(&tensors, &Value::Null);
            let told = format!("curve.numbers has {length} numbers, expected 8");
            let read = curve(&model::parse(&bytes).unwrap()).map(|points| points.len());
            assert_eq!(read, if length == 8 { Ok(2) } else { Err(told) });
        }
    }
}
