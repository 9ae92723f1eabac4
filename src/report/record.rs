//! A run as one JSON object: everything needed to judge it and to run it again.

use super::machine::Engine;
use crate::data::Dataset;
use crate::engine::checkpoint::Initial;
use crate::engine::settings::Settings;
use crate::engine::trainer::{PROTOCOL, Point, Run, Stop};
use crate::error::of_json;
use crate::experiments::replay::Recorded;
use crate::text::readable;
use serde::Serialize;
use serde_json::Value;

/// The version of this record's form. All of its times may be `null`, where they would mean nothing.
pub const SCHEMA: &str = "dlr-run/1";

/// One run.
#[derive(Debug, Serialize)]
pub struct Record<'a> {
    schema: &'static str,
    protocol: u32,
    config: &'a Settings,
    seed: u64,
    data: Data<'a>,
    engine: &'a Engine,
    initial: &'a Initial,
    curve: Vec<Tested>,
    target: Target,
    #[serde(rename = "final")]
    end: End,
    train_s: Option<f64>,
    wall_s: Option<f64>,
    images: u64,
    ns_per_image: Option<f64>,
    stop: Stop,
}

/// The data set.
#[derive(Debug, Serialize)]
pub(super) struct Data<'a> {
    name: &'a str,
    train_images: usize,
    test_images: usize,
    inputs: usize,
    classes: usize,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    transposed: bool,
    hashes: Hashes<'a>,
}

/// SHA-256 of the inflated files.
#[derive(Debug, Serialize)]
struct Hashes<'a> {
    train_images: &'a str,
    train_labels: &'a str,
    test_images: &'a str,
    test_labels: &'a str,
}

impl<'a> Data<'a> {
    pub(super) fn of(data: &'a Dataset) -> Self {
        let [train_images, train_labels, test_images, test_labels] = &data.hashes;
        Self {
            name: &data.name,
            train_images: data.train.len(),
            test_images: data.test.len(),
            inputs: data.inputs,
            classes: data.classes,
            transposed: data.transposed,
            hashes: Hashes { train_images, train_labels, test_images, test_labels },
        }
    }
}

/// A [`Point`], whose clocks may not count.
#[derive(Debug, Serialize)]
struct Tested {
    images: u64,
    epoch: f64,
    train_s: Option<f64>,
    wall_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    test_accuracy: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_accuracy: Option<f64>,
}

#[derive(Debug, Serialize)]
struct Target {
    value: Option<f64>,
    hit: bool,
    images: Option<u64>,
    epoch: Option<f64>,
    train_s: Option<f64>,
    wall_s: Option<f64>,
}

#[derive(Debug, Serialize)]
struct End {
    test_accuracy: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    validation_accuracy: Option<f64>,
    weights_sha256: String,
}

impl<'a> Record<'a> {
    /// The record of `run`. If it shared its processor with other runs, so that it is not `timed`, all times are `null`.
    pub fn new(
        settings: &'a Settings,
        data: &'a Dataset,
        engine: &'a Engine,
        initial: &'a Initial,
        run: &Run,
        timed: bool,
    ) -> Self {
        let last = run.last();
        let hit = run.hit();
        let clock = |seconds: f64| timed.then_some(seconds);
        let tested = |point: &Point| Tested {
            images: point.images,
            epoch: point.epoch,
            train_s: clock(point.train_s),
            wall_s: clock(point.wall_s),
            test_accuracy: Some(point.test_accuracy).filter(|_| settings.validate.is_none()),
            validation_accuracy: Some(point.test_accuracy).filter(|_| settings.validate.is_some()),
        };
        Self {
            schema: SCHEMA,
            protocol: PROTOCOL,
            config: settings,
            seed: settings.seed,
            data: Data::of(data),
            engine,
            initial,
            curve: run.curve.iter().map(tested).collect(),
            target: Target {
                value: settings.target,
                hit: hit.is_some(),
                images: hit.map(|hit| hit.images),
                epoch: hit.map(|hit| hit.epoch),
                train_s: hit.and_then(|hit| clock(hit.train_s)),
                wall_s: hit.and_then(|hit| clock(hit.wall_s)),
            },
            end: End {
                test_accuracy: run.test_accuracy(),
                validation_accuracy: tested(last).validation_accuracy,
                weights_sha256: run.network.sha256(),
            },
            train_s: clock(last.train_s),
            wall_s: clock(last.wall_s),
            images: last.images,
            ns_per_image: ns_per_image(last).filter(|_| timed),
            stop: run.stop,
        }
    }
}

/// Reads records back, one on each line that is not blank: what it takes to run them again.
///
/// # Errors
/// What is wrong with which line, without the file's name, which the caller adds; or that there is none.
pub fn parse(text: &str) -> Result<Vec<Recorded>, String> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    let records = lines.map(|(number, line)| recorded(line).map_err(|what| format!("line {number} {what}")));
    match records.collect::<Result<Vec<_>, _>>() {
        Ok(none) if none.is_empty() => Err("an empty file".into()),
        read => read.map_err(|problem| readable(&problem)),
    }
}

/// The record in a line, or what is wrong with it.
fn recorded(line: &str) -> Result<Recorded, String> {
    let value: Value =
        serde_json::from_str(line).map_err(|error| format!("is no JSON ({})", of_json(&error)))?;
    match value["schema"].as_str() {
        Some(SCHEMA) => {
            serde_json::from_value(value).map_err(|error| format!("is no whole record ({error})"))
        }
        Some(other) => Err(format!("has schema {other:?}, expected {SCHEMA:?}")),
        None => Err("is no record of a run: it has no schema".into()),
    }
}

/// Nanoseconds of training per image, if there were any.
pub(super) fn ns_per_image(last: &Point) -> Option<f64> {
    (last.images > 0).then(|| last.train_s * 1e9 / last.images as f64)
}
