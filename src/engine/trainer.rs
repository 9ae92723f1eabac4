//! The protocol of a run: train, pause the clock and test, stop at the target.

use super::evaluator::Evaluator;
use super::images::Images;
use super::learner::{Learner, Task};
use super::names::named;
use super::network::Network;
use super::settings::{Order, Settings};
use super::streams::{Purpose, shuffle, stream};
use super::threads::Threads;
use crate::data::Dataset;
use crate::error::{Error, Result};
use dlr_kernels::output::OneHot;
use dlr_kernels::panel::Panel;
use serde::Serialize;
use std::time::{Duration, Instant};

/// The version of the protocol: what counts as a test, a hit, an epoch, and what a seed means. Results of different
/// protocols can't be compared.
pub const PROTOCOL: u32 = 1;

/// Weights times images between two looks at whether the user wants to stop: about a tenth of a second of training.
const PATIENCE: u64 = 100_000_000;

/// The state of a run at a test whose accuracy was counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Point {
    /// Images trained on so far.
    pub images: u64,
    /// The same in passes over the training images.
    pub epoch: f64,
    /// Seconds of training so far, tests not counted.
    pub train_s: f64,
    /// Seconds since the start, everything counted.
    pub wall_s: f64,
    /// The share of test images that were classified correctly.
    pub test_accuracy: f64,
}

named! {
    /// Why a run ended.
    pub enum Stop {
        /// Test accuracy was above the target.
        Target = "target",
        /// All epochs were over.
        Epochs = "epochs",
        /// The weights or their norm were no longer finite.
        Diverged = "diverged",
        /// The accuracy at the ends of epochs no longer rose.
        Stalled = "stalled",
        /// It could not win any more.
        Outrun = "outrun",
        /// The user wanted to stop.
        Interrupted = "interrupted",
    }
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The tests whose accuracy was counted, in order; the last is at the end of training.
    pub curve: Vec<Point>,
    /// Why it ended.
    pub stop: Stop,
    /// The trained network.
    pub network: Network,
}

impl Run {
    /// The state at the end.
    pub fn last(&self) -> &Point {
        self.curve.last().expect("a run ends with a test")
    }

    /// The first test above the target.
    pub fn hit(&self) -> Option<&Point> {
        (self.stop == Stop::Target).then(|| self.last())
    }
}

/// Whoever watches a run.
pub trait Observer {
    /// Whether the accuracy is wanted at the test after `images` training images. If not, the test only finds out
    /// whether it is above the target, which takes far fewer images. The last test of a run always counts.
    fn wants_accuracy(&mut self, images: u64) -> bool {
        let _ = images;
        true
    }

    /// Called after every test whose accuracy was counted.
    fn tested(&mut self, point: &Point) {
        let _ = point;
    }

    /// Called at every test with W1 and W2, before it.
    fn reached(&mut self, images: u64, first: &Panel, second: &Panel) {
        let _ = (images, first, second);
    }

    /// Why the run should end now, after so many images, if it should; asked after every test and in between.
    fn stop(&mut self, images: u64) -> Option<Stop> {
        let _ = images;
        None
    }
}

/// Nobody watches.
impl Observer for () {}

/// A function is called after every test.
impl<F: FnMut(&Point)> Observer for F {
    fn tested(&mut self, point: &Point) {
        self(point);
    }
}

/// How many training images a run uses.
///
/// # Errors
/// [`Error::Settings`] if the settings want more than there are, or none.
pub fn training_images(settings: &Settings, data: &Dataset) -> Result<usize> {
    let all = data.train.len();
    match settings.images {
        Some(images) if !(1..=all).contains(&images) => Err(Error::Settings {
            option: "--images",
            problem: format!("{images} asked for, but {} has {all} training images", data.name),
            cure: format!("give 1 to {all}"),
        }),
        images => Ok(images.unwrap_or(all)),
    }
}

/// Trains from `start` as `settings` say. Clocks count from `since`. The result does not depend on `threads`.
///
/// A test comes after every `test_every` images, or after the batch in which they are complete, and at the end; if
/// `stall` is set, at the end of every epoch, too.
///
/// # Errors
/// [`Error::Settings`] if the settings don't fit the data.
///
/// # Panics
/// If `test_every` or `batch` is zero, or `start` has not the shape that the settings and the data ask for.
pub fn train(
    settings: &Settings,
    data: &Dataset,
    start: Network,
    since: Instant,
    threads: Threads,
    observer: &mut dyn Observer,
) -> Result<Run> {
    let per_epoch = training_images(settings, data)?;
    assert!(settings.test_every > 0 && settings.batch > 0, "tests and batches need images");
    let shape = (start.inputs(), start.hidden(), start.outputs());
    assert_eq!(shape, (data.inputs, settings.hidden, data.classes), "inputs, hidden units and outputs");
    // Looks for the user's wish come some ten times a second, even where a step takes long.
    let patience = (PATIENCE / start.first.as_slice().len() as u64).clamp(1, settings.test_every);

    let train = Images::new(&data.train, settings.inputs);
    let (low, high) = settings.one_hot;
    let task = Task {
        batch: settings.batch.min(per_epoch),
        one_hot: OneHot { low: low as f32, high: high as f32 },
        backprop: settings.backprop.into(),
        threads,
    };
    let mut progress = Progress {
        learner: settings.optimizer.learner(start, task),
        test: Evaluator::new(Images::new(&data.test, settings.inputs), threads),
        target: settings.target,
        per_epoch,
        images: 0,
        training: Duration::ZERO,
        since,
        curve: Vec::new(),
        ends: Vec::new(),
        shown: None,
    };
    let mut order: Vec<u32> = (0..per_epoch as u32).collect();
    let mut rng = stream(settings.seed, Purpose::Order);
    let mut next_test = settings.test_every;

    let mut stop = 'run: {
        for epoch in 0..settings.epochs {
            match settings.order {
                Order::Shuffled => shuffle(&mut order, &mut rng),
                Order::Fixed if epoch == 0 => shuffle(&mut order, &mut rng),
                Order::Fixed | Order::File => {}
            }
            let mut rest = &order[..];
            while !rest.is_empty() {
                let wanted = (next_test - progress.images).min(patience) as usize;
                let (now, later) = rest.split_at(wanted.next_multiple_of(task.batch).min(rest.len()));
                rest = later;
                progress.learn(&train, now);
                if progress.images >= next_test {
                    next_test = (progress.images / settings.test_every + 1) * settings.test_every;
                    if let Some(stop) = progress.test(observer) {
                        break 'run stop;
                    }
                }
                if let Some(stop) = observer.stop(progress.images) {
                    break 'run stop;
                }
            }
            if let Some(patience) = settings.stall
                && let Some(stop) = progress.end_epoch(patience, observer)
            {
                break 'run stop;
            }
        }
        Stop::Epochs
    };
    if !progress.is_counted() {
        match progress.count(observer) {
            Some(Stop::Diverged) => stop = Stop::Diverged,
            Some(found) if stop == Stop::Epochs => stop = found,
            _ => {}
        }
    }
    Ok(Run { curve: progress.curve, stop, network: progress.learner.network() })
}

/// A run on its way.
struct Progress<'a> {
    learner: Box<dyn Learner>,
    test: Evaluator<'a>,
    target: Option<f64>,
    per_epoch: usize,
    images: u64,
    training: Duration,
    since: Instant,
    curve: Vec<Point>,
    /// Test accuracy at the end of each epoch so far, if runs may stall.
    ends: Vec<f64>,
    /// The images after which the observer has seen the weights last.
    shown: Option<u64>,
}

impl Progress<'_> {
    /// Trains on the images of `order`, with the clock running.
    fn learn(&mut self, train: &Images, order: &[u32]) {
        let started = Instant::now();
        self.learner.learn(train, order);
        self.training += started.elapsed();
        self.images += order.len() as u64;
    }

    /// Shows the weights to the observer, once after so many images.
    fn show(&mut self, observer: &mut dyn Observer) {
        if self.shown.replace(self.images) != Some(self.images) {
            let (first, second) = self.learner.weights();
            observer.reached(self.images, first, second);
        }
    }

    /// Whether the accuracy is known as it is now.
    fn is_counted(&self) -> bool {
        self.curve.last().is_some_and(|last| last.images == self.images)
    }

    /// Counts at the end of an epoch, and says whether that ends the run.
    fn end_epoch(&mut self, patience: u64, observer: &mut dyn Observer) -> Option<Stop> {
        if !self.is_counted()
            && let Some(stop) = self.count(observer)
        {
            return Some(stop);
        }
        let patience = patience as usize;
        let accuracy = self.curve.last().map_or(0.0, |last| last.test_accuracy);
        let before = self.ends.len().checked_sub(patience).filter(|&start| start > 0);
        let stalled = before.is_some_and(|start| self.ends[start..].iter().all(|&end| accuracy <= end));
        self.ends.push(accuracy);
        stalled.then_some(Stop::Stalled)
    }

    /// Tests, and says whether what was found ends the run.
    fn test(&mut self, observer: &mut dyn Observer) -> Option<Stop> {
        if observer.wants_accuracy(self.images) {
            return self.count(observer);
        }
        self.show(observer);
        let (first, second) = self.learner.weights();
        let ends = !(first.norm_is_finite() && second.norm_is_finite())
            || self.target.is_some_and(|target| self.test.is_above(target, first, second).above);
        ends.then(|| self.count(observer)).flatten()
    }

    /// Tests all images, and says whether what was found ends the run.
    fn count(&mut self, observer: &mut dyn Observer) -> Option<Stop> {
        self.show(observer);
        let (first, second) = self.learner.weights();
        let point = Point {
            images: self.images,
            epoch: self.images as f64 / self.per_epoch as f64,
            train_s: self.training.as_secs_f64(),
            test_accuracy: self.test.accuracy(first, second),
            wall_s: self.since.elapsed().as_secs_f64(),
        };
        observer.tested(&point);
        self.curve.push(point);
        if !(first.norm_is_finite() && second.norm_is_finite()) {
            return Some(Stop::Diverged);
        }
        self.target.is_some_and(|target| point.test_accuracy > target).then_some(Stop::Target)
    }
}
