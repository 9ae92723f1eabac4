//! Training again by a result's own record, to see whether it comes out again.

use crate::data::Dataset;
use crate::engine::checkpoint::Initial;
use crate::engine::fit::initial;
use crate::engine::network::Network;
use crate::engine::settings::Settings;
use crate::engine::threads::Threads;
use crate::engine::trainer::{Observer, PROTOCOL, Point, Run, Stop, train};
use crate::error::{Error, Result};
use serde::Deserialize;
use std::fmt;
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
    /// The seed, once more.
    #[serde(default)]
    pub seed: Option<u64>,
    /// What it was trained on.
    pub data: Data,
    /// What it was made by.
    pub engine: Build,
    /// Where it began.
    pub initial: Initial,
    /// The tests whose accuracy was counted.
    pub curve: Vec<Tested>,
    /// Whether and when the target was reached.
    #[serde(default)]
    pub target: Option<Target>,
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
    #[serde(default)]
    epoch: Option<f64>,
    #[serde(alias = "validation_accuracy")]
    test_accuracy: f64,
}

/// The target of a record, and the test that found it reached.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct Target {
    value: Option<f64>,
    hit: bool,
    images: Option<u64>,
    epoch: Option<f64>,
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

    /// Trains again from `loaded`, the network that the run was loaded from, or the drawn one.
    ///
    /// # Errors
    /// [`Error::Settings`] if the settings don't fit the data or the network, [`Error::Interrupted`] if `is_over` ends it.
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
        let of_weights = start.hidden().between(start.inputs(), start.outputs());
        let of_config = self.config.hidden.between(data.inputs, data.classes);
        if of_weights != of_config {
            return Err(Error::Settings {
                option: "--load",
                problem: format!(
                    "it began with weights of a network {of_weights}, but its network is {of_config}"
                ),
                cure: "give those that it began with".into(),
            });
        }
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
        compare("seed", &self.seed.unwrap_or(self.config.seed), &self.config.seed);
        compare("initial weights", &self.initial.weights_sha256, &initial);
        compare("final weights", &self.end.weights_sha256, &weights_sha256);
        compare("test accuracy", &self.end.test_accuracy, &run.test_accuracy());
        compare("images", &self.images, &run.last().images);
        compare("end", &self.stop.name(), &run.stop.name());
        if let Some(target) = self.target {
            let hit = run.hit();
            let (images, epoch) = (hit.map(|hit| hit.images), hit.map(|hit| hit.epoch));
            let now = Target { value: self.config.target, hit: hit.is_some(), images, epoch };
            compare("target", &target, &now);
        }
        let other = self.curve.iter().find(|test| !run.curve.iter().any(|point| test.is(point)));
        if let Some(test @ Tested { images, test_accuracy, .. }) = other {
            let epoch = test.epoch.map(|epoch| format!(", epoch {epoch}")).unwrap_or_default();
            differences
                .push(format!("curve: recorded {test_accuracy} after {images} images{epoch}, now otherwise"));
        }
        Replay { weights_sha256, differences }
    }
}

impl Tested {
    /// Whether it is this one.
    fn is(&self, point: &Point) -> bool {
        (self.images, self.test_accuracy) == (point.images, point.test_accuracy)
            && self.epoch.is_none_or(|epoch| epoch == point.epoch)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { value, hit, images, epoch } = self;
        match value {
            None => write!(f, "none")?,
            Some(value) => write!(f, "{value}")?,
        }
        match (hit, images, epoch) {
            (true, Some(images), Some(epoch)) => write!(f, " reached after {images} images, epoch {epoch}"),
            (true, ..) => write!(f, " reached, but nobody knows when"),
            (false, None, None) => write!(f, " not reached"),
            (false, ..) => write!(f, " not reached, but some time"),
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::optimizer::{Hyper, Optimizer};
    use crate::experiments::stripes;

    fn settings() -> Settings {
        let dlr = Optimizer::named("dlr", &Hyper::NONE).unwrap();
        Settings { epochs: 4, test_every: 3, target: None, ..Settings::new(3, dlr) }
    }

    type Change = fn(&mut Recorded);

    /// Ends a run after so many images.
    struct Impatient(Option<u64>);

    impl Observer for Impatient {
        fn stop(&mut self, images: u64) -> Option<Stop> {
            self.0.filter(|&end| images >= end).map(|_| Stop::Interrupted)
        }
    }

    /// What is recorded of such a run.
    fn recorded(config: Settings, end: Option<u64>) -> Recorded {
        let data = stripes();
        let start = initial(&config, &data);
        let initial = Initial { file: None, weights_sha256: start.sha256() };
        let run = train(&config, &data, start, Instant::now(), Threads::One, &mut Impatient(end)).unwrap();
        let [train_images, train_labels, test_images, test_labels] = data.hashes.clone();
        let hashes = Hashes { train_images, train_labels, test_images, test_labels };
        let [version, commit, rustc, simd] = ["1.2", "abc", "rustc 1.95", "avx2"].map(str::to_owned);
        let tested = |&Point { images, epoch, test_accuracy, .. }: &Point| Tested {
            images,
            epoch: Some(epoch),
            test_accuracy,
        };
        let hit = run.hit();
        let target = Target {
            value: config.target,
            hit: hit.is_some(),
            images: hit.map(|hit| hit.images),
            epoch: hit.map(|hit| hit.epoch),
        };
        Recorded {
            schema: "dlr-run/1".to_owned(),
            protocol: PROTOCOL,
            seed: Some(config.seed),
            config,
            target: Some(target),
            data: Data { name: data.name, hashes, transposed: false },
            engine: Build { version, commit, rustc, simd },
            initial,
            curve: run.curve.iter().map(tested).collect(),
            end: End { test_accuracy: run.test_accuracy(), weights_sha256: run.network.sha256() },
            images: run.last().images,
            stop: run.stop,
        }
    }

    fn replay(recorded: &Recorded) -> Replay {
        recorded.replay(&stripes(), None, Threads::One, &|| false).unwrap()
    }

    #[test]
    fn a_run_comes_out_again_however_it_ended() {
        for (settings, end, stop) in [
            (settings(), None, Stop::Epochs),
            (settings(), Some(4), Stop::Interrupted),
            (Settings { target: Some(0.0), ..settings() }, None, Stop::Target),
            (Settings { stall: Some(1), epochs: 50, ..settings() }, None, Stop::Stalled),
        ] {
            let recorded = recorded(settings, end);
            assert_eq!(recorded.stop, stop);
            let weights_sha256 = recorded.end.weights_sha256.clone();
            assert_eq!(replay(&recorded), Replay { weights_sha256, differences: Vec::new() }, "{stop:?}");
        }
    }

    #[test]
    fn tests_that_a_record_lacks_are_no_difference() {
        let mut recorded = recorded(settings(), None);
        assert!(recorded.curve.len() > 2);
        recorded.curve.truncate(1);
        assert_eq!(replay(&recorded).differences, [""; 0]);
    }

    #[test]
    fn what_comes_out_otherwise_is_named() {
        let good = recorded(settings(), None);
        let (began, ended) = (&good.initial.weights_sha256, &good.end.weights_sha256);
        let accuracy = good.end.test_accuracy;
        let changed = |change: Change| {
            let mut recorded = good.clone();
            change(&mut recorded);
            replay(&recorded).differences
        };
        let zeros = |now: &str| format!("recorded 00, now {now}");
        assert_eq!(
            changed(|run| run.initial.weights_sha256 = "00".to_owned()),
            [format!("initial weights: {}", zeros(began))]
        );
        assert_eq!(
            changed(|run| run.end.weights_sha256 = "00".to_owned()),
            [format!("final weights: {}", zeros(ended))]
        );
        assert_eq!(
            changed(|run| run.end.test_accuracy = 0.125),
            [format!("test accuracy: recorded 0.125, now {accuracy}")]
        );
        assert_eq!(changed(|run| run.images = 15), ["images: recorded 15, now 16"]);
        assert_eq!(changed(|run| run.stop = Stop::Stalled), ["end: recorded stalled, now epochs"]);
        assert_eq!(
            changed(|run| run.curve[1].test_accuracy = 0.125),
            ["curve: recorded 0.125 after 6 images, epoch 1.5, now otherwise"]
        );
        assert!(
            changed(|run| run.curve[1].epoch = Some(0.25)).concat().contains("epoch 0.25, now otherwise")
        );
        assert_eq!(changed(|run| run.seed = Some(2)), ["seed: recorded 2, now 1"]);
        let hit = |run: &mut Recorded| {
            run.target = Some(Target { value: None, hit: true, images: Some(3), epoch: Some(0.75) });
        };
        assert_eq!(
            changed(hit),
            ["target: recorded none reached after 3 images, epoch 0.75, now none not reached"]
        );
        // Older records lack some of this.
        let spare = |run: &mut Recorded| {
            (run.seed, run.target) = (None, None);
            run.curve.iter_mut().for_each(|test| test.epoch = None);
        };
        assert_eq!(changed(spare), [""; 0]);
        assert!(changed(|run| run.config.seed = 2).len() >= 2, "both weights are others");
    }

    #[test]
    fn a_replay_ends_when_it_is_to() {
        let recorded = recorded(settings(), None);
        let replay = recorded.replay(&stripes(), None, Threads::One, &|| true);
        assert!(matches!(replay, Err(Error::Interrupted)), "{replay:?}");
    }

    #[test]
    fn a_run_from_loaded_weights_is_made_again_from_them() {
        let mut recorded = recorded(settings(), None);
        let start = initial(&recorded.config, &stripes());
        recorded.config.init = None;
        let replay = |loaded| recorded.replay(&stripes(), loaded, Threads::One, &|| false);
        let told = replay(None).unwrap_err().to_string();
        assert_eq!(told, "--load: the run began with weights from a file; give that file");
        assert_eq!(replay(Some(start)).unwrap().weights_sha256, recorded.end.weights_sha256);
    }

    #[test]
    fn a_run_on_other_data_or_by_another_protocol_is_not_made_again() {
        let good = recorded(settings(), None);
        let changed = |change: Change| {
            let mut recorded = good.clone();
            change(&mut recorded);
            recorded.check(&stripes()).map_err(|(problem, _)| problem)
        };
        assert_eq!(changed(|_| ()), Ok(()));
        let cases: [(Change, &str); 5] = [
            (|run| run.data.hashes.train_images.clear(), "training images"),
            (|run| run.data.hashes.train_labels.clear(), "training labels"),
            (|run| run.data.hashes.test_images.clear(), "test images"),
            (|run| run.data.hashes.test_labels.clear(), "test labels"),
            (|run| run.data.transposed = true, "sides up"),
        ];
        for (change, other) in cases {
            assert_eq!(changed(change), Err(format!("a run on stripes, but stripes has other {other}")));
        }
        assert_eq!(changed(|run| run.protocol = 99), Err("a run by protocol 99, but this is 1".to_owned()));
    }

    #[test]
    fn another_build_is_told_by_what_is_otherwise() {
        let build = recorded(settings(), None).engine;
        assert_eq!(build.unlike("1.2", "abc", "rustc 1.95", "avx2"), [""; 0]);
        let unlike = build.unlike("1.3", "abc", "rustc 1.96", "sse2");
        let told = [
            "version 1.2 there, 1.3 here",
            "compiler rustc 1.95 there, rustc 1.96 here",
            "SIMD avx2 there, sse2 here",
        ];
        assert_eq!(unlike, told);
        assert_eq!(build.unlike("1.2", "abd", "rustc 1.95", "avx2"), ["commit abc there, abd here"]);
    }
}
