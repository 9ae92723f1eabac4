//! One run of a sweep: what it is known by, and what is kept of it.

use crate::data::Dataset;
use crate::engine::fit::initial;
use crate::engine::network::Weights;
use crate::engine::settings::Settings;
use crate::engine::threads::Threads;
use crate::engine::trainer::{Observer, PROTOCOL, Point, Stop, train};
use crate::error::{Error, Result};
use crate::experiments::rates::mean_rates;
use crate::hash::hex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::time::{Duration, Instant};

/// A run that a sweep wants.
#[derive(Clone, Debug)]
pub struct Run {
    /// What to train. The initial weights are drawn, not loaded.
    pub settings: Settings,
    /// The run is [outrun](Stop::Outrun) if it has not hit its target after so many images: it can't win any more.
    pub limit: Option<u64>,
    /// What is kept beside the end.
    pub keep: Keep,
}

/// What is kept of a run beside its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// Nothing.
    End,
    /// The test accuracy of every test.
    Curve,
    /// That, and DLR's mean learning rate of the first and the last layer, at the start and at every test.
    Rates,
}

/// What came of a run: everything that is the same whenever it is run again by the same build.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Why it ended.
    pub stop: Stop,
    /// Images trained on.
    pub images: u64,
    /// The same in passes over the training images.
    pub epochs: f64,
    /// The share of the test set that is classified correctly at the end.
    pub test_accuracy: f64,
    /// The share of the held-out images, if tests during training saw these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validation_accuracy: Option<f64>,
    /// SHA-256 of the final weights.
    pub weights_sha256: String,
    /// Accuracy at every test, if it was to be kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<f64>,
    /// Mean learning rates of the first and the last layer, at the start and at every test, if they were to be kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates: Vec<[f64; 2]>,
}

impl Outcome {
    /// Epochs to the target; `None` if it was missed.
    pub fn epochs_to_target(&self) -> Option<f64> {
        (self.stop == Stop::Target).then_some(self.epochs)
    }

    /// Images to the target; `None` if it was missed.
    pub fn images_to_target(&self) -> Option<u64> {
        (self.stop == Stop::Target).then_some(self.images)
    }
}

/// How long a run took, which is another matter each time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// Seconds of training, tests not counted.
    pub train_s: f64,
    /// Seconds from the run's start to its end.
    pub wall_s: f64,
}

impl Run {
    /// A run of which only the end counts.
    pub fn new(settings: Settings) -> Self {
        Self { settings, limit: None, keep: Keep::End }
    }

    /// What it is known by: a hash of everything that decides its outcome.
    pub fn key(&self, data: &Dataset) -> String {
        let Self { settings, limit, keep } = self;
        let all = json!({
            "protocol": PROTOCOL,
            "data": data.hashes,
            "config": settings,
            "limit": limit,
            "keep": keep,
        });
        hash(&all)[..32].to_owned()
    }

    /// Trains it on one thread. It ends early when `is_over` says so.
    ///
    /// # Errors
    /// [`Error::Settings`] if the settings don't fit the data, [`Error::Interrupted`] if it ended early.
    pub fn train(&self, data: &Dataset, is_over: &(dyn Fn() -> bool + Sync)) -> Result<(Outcome, Times)> {
        let since = Instant::now();
        let settings = &self.settings;
        let start = initial(settings, data);
        let mut watch =
            Watch { run: self, is_over, watched: Duration::ZERO, curve: Vec::new(), rates: Vec::new() };
        watch.measure(&start.weights());
        let run = train(settings, data, start, since, Threads::One, &mut watch)?;
        if run.stop == Stop::Interrupted {
            return Err(Error::Interrupted);
        }
        let last = run.last();
        let outcome = Outcome {
            stop: run.stop,
            images: last.images,
            epochs: last.epoch,
            test_accuracy: run.test_accuracy(),
            validation_accuracy: settings.validate.map(|_| last.test_accuracy),
            weights_sha256: run.network.sha256(),
            curve: watch.curve,
            rates: watch.rates,
        };
        Ok((outcome, Times { train_s: last.train_s, wall_s: last.wall_s - watch.watched.as_secs_f64() }))
    }
}

/// SHA-256 of a value's JSON, in hexadecimal.
pub(super) fn hash(value: &serde_json::Value) -> String {
    hex(Sha256::digest(value.to_string()))
}

/// Keeps what is to be kept.
struct Watch<'a> {
    run: &'a Run,
    is_over: &'a (dyn Fn() -> bool + Sync),
    /// Time that this took.
    watched: Duration,
    curve: Vec<f64>,
    rates: Vec<[f64; 2]>,
}

impl Watch<'_> {
    fn measure(&mut self, weights: &Weights) {
        if self.run.keep == Keep::Rates {
            let since = Instant::now();
            self.rates.extend(mean_rates(&self.run.settings.optimizer, weights));
            self.watched += since.elapsed();
        }
    }
}

impl Observer for Watch<'_> {
    fn wants_accuracy(&mut self, _: u64) -> bool {
        self.run.keep != Keep::End
    }

    fn reached(&mut self, _: u64, weights: &Weights) {
        self.measure(weights);
    }

    fn tested(&mut self, point: &Point) {
        if self.run.keep != Keep::End {
            self.curve.push(point.test_accuracy);
        }
    }

    fn stop(&mut self, images: u64) -> Option<Stop> {
        if (self.is_over)() {
            return Some(Stop::Interrupted);
        }
        self.run.limit.filter(|&limit| images >= limit).map(|_| Stop::Outrun)
    }
}
