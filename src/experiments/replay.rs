//! Training again by a result's own record, to see whether it comes out again.

use crate::data::Dataset;
use crate::engine::checkpoint::Initial;
use crate::engine::fit::initial;
use crate::engine::network::Network;
use crate::engine::settings::Settings;
use crate::engine::threads::Threads;
use crate::engine::trainer::{Observer, PROTOCOL, Run, Stop, train};
use crate::error::{Error, Result};
use serde::Deserialize;
use std::time::Instant;

/// What a record of a run has that decides its result, and the result.
#[derive(Clone, Debug, Deserialize)]
pub struct Recorded {
    /// The form of the record.
    pub schema: String,
    /// The protocol that it was made by.
    pub protocol: u32,
    /// All settings.
    pub config: Settings,
    /// What it was trained on.
    pub data: Data,
    /// What it was made by.
    pub engine: Build,
    /// Where it began.
    pub initial: Initial,
    /// The tests whose accuracy was counted.
    pub curve: Vec<Tested>,
    /// What came of it.
    #[serde(rename = "final")]
    pub end: End,
    /// Images trained on.
    pub images: u64,
    /// Why it ended.
    pub stop: Stop,
}

/// The data set of a record.
#[derive(Clone, Debug, Deserialize)]
pub struct Data {
    /// Its name.
    pub name: String,
    /// SHA-256 of its files.
    pub hashes: Hashes,
    /// Whether its images were transposed.
    #[serde(default)]
    pub transposed: bool,
}

/// SHA-256 of the inflated files.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Hashes {
    train_images: String,
    train_labels: String,
    test_images: String,
    test_labels: String,
}

/// The build of a record.
#[derive(Clone, Debug, Deserialize)]
pub struct Build {
    /// Its version.
    pub version: String,
    /// Its commit.
    pub commit: String,
    /// Its compiler.
    pub rustc: String,
    /// The instruction set of its kernels.
    pub simd: String,
}

/// One test of a record.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Tested {
    images: u64,
    #[serde(alias = "validation_accuracy")]
    test_accuracy: f64,
}

/// The end of a record.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct End {
    /// The share of test images that were classified correctly.
    pub test_accuracy: f64,
    /// As [`Network::sha256`].
    pub weights_sha256: String,
}

/// What was found by training again.
#[derive(Clone, Debug, PartialEq)]
pub struct Replay {
    /// The hash of the final weights now.
    pub weights_sha256: String,
    /// What came out otherwise than it was recorded, a sentence each.
    pub differences: Vec<String>,
}

impl Recorded {
    /// Checks that the run can be made again by this protocol on `data`.
    ///
    /// # Errors
    /// Why not, and what to do, without the record's name.
    pub fn check(&self, data: &Dataset) -> std::result::Result<(), (String, &'static str)> {
        if self.protocol != PROTOCOL {
            let problem = format!("a run by protocol {}, but this is {PROTOCOL}", self.protocol);
            return Err((problem, "verify it with the version of dlr that made it"));
        }
        let Hashes { train_images, train_labels, test_images, test_labels } = &self.data.hashes;
        let recorded = [
            ("training images", train_images),
            ("training labels", train_labels),
            ("test images", test_images),
            ("test labels", test_labels),
        ];
        let differ: Vec<_> = recorded
            .into_iter()
            .zip(&data.hashes)
            .filter(|((_, there), here)| there != here)
            .map(|((name, _), _)| name)
            .chain((self.data.transposed != data.transposed).then_some("sides up"))
            .collect();
        if differ.is_empty() {
            return Ok(());
        }
        let problem =
            format!("a run on {}, but {} has other {}", self.data.name, data.name, differ.join(", "));
        Err((problem, "name the folder of the data that it was trained on with --data"))
    }

    /// Trains again from `start`, the network that the run was loaded from, or the drawn one.
    ///
    /// # Errors
    /// [`Error::Settings`] if the settings don't fit the data, [`Error::Interrupted`] if `is_over` ends it.
    pub fn replay(
        &self,
        data: &Dataset,
        loaded: Option<Network>,
        threads: Threads,
        is_over: &dyn Fn() -> bool,
    ) -> Result<Replay> {
        let drawn = || self.config.init.map(|_| initial(&self.config, data));
        let start = loaded.or_else(drawn).ok_or_else(|| Error::Settings {
            option: "--load",
            problem: "the run began with weights from a file".into(),
            cure: "give that file".into(),
        })?;
        let began = start.sha256();
        let end = (self.stop == Stop::Interrupted).then_some(self.images);
        let mut watch = Watch { tests: &self.curve, end, is_over };
        let run = train(&self.config, data, start, Instant::now(), threads, &mut watch)?;
        if run.stop == Stop::Interrupted && run.last().images < self.images {
            return Err(Error::Interrupted);
        }
        Ok(self.compared(&run, &began))
    }

    fn compared(&self, run: &Run, initial: &str) -> Replay {
        let mut differences = Vec::new();
        let mut compare = |what: &str, recorded: &dyn std::fmt::Display, now: &dyn std::fmt::Display| {
            let (recorded, now) = (recorded.to_string(), now.to_string());
            if recorded != now {
                differences.push(format!("{what}: recorded {recorded}, now {now}"));
            }
        };
        let weights_sha256 = run.network.sha256();
        compare("initial weights", &self.initial.weights_sha256, &initial);
        compare("final weights", &self.end.weights_sha256, &weights_sha256);
        compare("test accuracy", &self.end.test_accuracy, &run.test_accuracy());
        compare("images", &self.images, &run.last().images);
        compare("end", &self.stop.name(), &run.stop.name());
        let again = run.curve.iter().map(|p| Tested { images: p.images, test_accuracy: p.test_accuracy });
        let again: Vec<_> = again.collect();
        let other = self.curve.iter().find(|test| !again.contains(test));
        if let Some(Tested { images, test_accuracy }) = other {
            differences.push(format!("curve: recorded {test_accuracy} after {images} images, now otherwise"));
        }
        Replay { weights_sha256, differences }
    }
}

impl Build {
    /// What of it is otherwise here, in words: all that can explain other bits.
    pub fn unlike(&self, version: &str, commit: &str, rustc: &str, simd: &str) -> Vec<String> {
        let parts = [
            ("version", &self.version, version),
            ("commit", &self.commit, commit),
            ("compiler", &self.rustc, rustc),
            ("SIMD", &self.simd, simd),
        ];
        let differ = parts.into_iter().filter(|(_, there, here)| there != here);
        differ.map(|(what, there, here)| format!("{what} {there} there, {here} here")).collect()
    }
}

/// Counts where the record did, and ends where it was interrupted.
struct Watch<'a> {
    tests: &'a [Tested],
    end: Option<u64>,
    is_over: &'a dyn Fn() -> bool,
}

impl Observer for Watch<'_> {
    fn wants_accuracy(&mut self, images: u64) -> bool {
        self.tests.iter().any(|test| test.images == images)
    }

    fn stop(&mut self, images: u64) -> Option<Stop> {
        let is_over = self.end.is_some_and(|end| images >= end) || (self.is_over)();
        is_over.then_some(Stop::Interrupted)
    }
}
