//! The protocol of a run: train, pause the clock and test, stop at the target.

use super::evaluator::count_right;
use super::images::Images;
use super::learner::Task;
use super::names::named;
use super::network::Network;
use super::settings::{Backprop, Order, Settings};
use super::streams::{Purpose, shuffle, stream};
use crate::data::Dataset;
use crate::error::{Error, Result};
use dlr_kernels::output;
use serde::Serialize;
use std::time::{Duration, Instant};

/// Training images between two looks at whether the user wants to stop.
const PATIENCE: u64 = 6_000;

/// The state of a run at one test.
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
        /// A weight was no longer finite.
        Diverged = "diverged",
        /// The user wanted to stop.
        Interrupted = "interrupted",
    }
}

/// A finished run.
#[derive(Clone, Debug)]
pub struct Run {
    /// Every test, in order; the last is at the end of training.
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
    /// Called after every test.
    fn tested(&mut self, point: &Point) {
        let _ = point;
    }

    /// Whether the run should end now; asked at every test and in between.
    fn wants_to_stop(&mut self) -> bool {
        false
    }
}

/// Nobody watches.
impl Observer for () {}

/// How many training images a run uses.
///
/// # Errors
/// [`Error::Settings`] if the settings want more than there are.
pub fn training_images(settings: &Settings, data: &Dataset) -> Result<usize> {
    let all = data.train.len();
    match settings.images {
        Some(images) if images > all => Err(Error::Settings {
            option: "--images",
            problem: format!("{images} asked for, but {} has {all} training images", data.name),
            cure: format!("give 1 to {all}"),
        }),
        images => Ok(images.unwrap_or(all)),
    }
}

/// Trains from `start` as `settings` say. Clocks count from `since`. Tests and batches spread over the current rayon
/// pool; the result does not depend on the number of its threads.
///
/// # Errors
/// [`Error::Settings`] if the settings don't fit the data.
pub fn train(
    settings: &Settings,
    data: &Dataset,
    start: Network,
    since: Instant,
    observer: &mut dyn Observer,
) -> Result<Run> {
    let used = training_images(settings, data)?;
    let train = Images::new(&data.train, settings.inputs);
    let test = Images::new(&data.test, settings.inputs);
    let (low, high) = settings.one_hot;
    let task = Task {
        batch: settings.batch,
        one_hot: output::OneHot { low: low as f32, high: high as f32 },
        backprop: match settings.backprop {
            Backprop::Mse => output::Backprop::Mse,
            Backprop::Authors => output::Backprop::Authors,
        },
    };
    let mut learner = settings.optimizer.learner(start, task);
    let mut order: Vec<u32> = (0..used as u32).collect();
    let mut rng = stream(settings.seed, Purpose::Order);

    let (mut curve, mut images, mut training) = (Vec::new(), 0_u64, Duration::ZERO);
    let mut next_test = settings.test_every;
    let mut stop = Stop::Epochs;
    'epochs: for epoch in 0..settings.epochs {
        match settings.order {
            Order::Shuffled => shuffle(&mut order, &mut rng),
            Order::Fixed if epoch == 0 => shuffle(&mut order, &mut rng),
            Order::Fixed | Order::File => {}
        }
        let mut rest = &order[..];
        while !rest.is_empty() {
            let wanted = (next_test - images).min(PATIENCE) as usize;
            let (now, later) = rest.split_at(wanted.next_multiple_of(settings.batch).min(rest.len()));
            rest = later;

            let started = Instant::now();
            learner.learn(&train, now);
            training += started.elapsed();
            images += now.len() as u64;

            if images >= next_test {
                next_test += settings.test_every * ((images - next_test) / settings.test_every + 1);
                let point = tested(&test, &*learner, images, used, training, since);
                observer.tested(&point);
                curve.push(point);
                if settings.target.is_some_and(|target| point.test_accuracy > target) {
                    stop = Stop::Target;
                }
                let (first, second) = learner.weights();
                if !(first.is_finite() && second.is_finite()) {
                    stop = Stop::Diverged;
                }
            }
            if stop == Stop::Epochs && observer.wants_to_stop() {
                stop = Stop::Interrupted;
            }
            if stop != Stop::Epochs {
                break 'epochs;
            }
        }
    }
    if curve.last().is_none_or(|last| last.images < images) {
        let point = tested(&test, &*learner, images, used, training, since);
        observer.tested(&point);
        curve.push(point);
        if stop == Stop::Epochs
            && images > 0
            && settings.target.is_some_and(|target| point.test_accuracy > target)
        {
            stop = Stop::Target;
        }
    }
    let network = learner.network();
    if !network.is_finite() {
        stop = Stop::Diverged;
    }
    Ok(Run { curve, stop, network })
}

fn tested(
    test: &Images,
    learner: &dyn super::learner::Learner,
    images: u64,
    epoch: usize,
    training: Duration,
    since: Instant,
) -> Point {
    let (first, second) = learner.weights();
    let right = count_right(test, first, second);
    Point {
        images,
        epoch: images as f64 / epoch as f64,
        train_s: training.as_secs_f64(),
        wall_s: since.elapsed().as_secs_f64(),
        test_accuracy: right as f64 / test.len() as f64,
    }
}
