//! The protocol of a run: train, pause the clock and test, stop at the target.

use super::checkpoint::Checkpoint;
use super::evaluator::Evaluator;
use super::images::Images;
use super::learner::{Learner, Task};
use super::names::named;
use super::network::{Network, Weights};
use super::settings::{Order, Settings};
use super::streams::{Purpose, shuffle, stream};
use super::threads::Threads;
use crate::data::{Dataset, Split};
use crate::error::{Error, Result};
use dlr_kernels::output::OneHot;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// The version of the protocol: what counts as a test, a hit, an epoch, and what a seed means. Results of different
/// protocols can't be compared.
pub const PROTOCOL: u32 = 1;

/// Weights of the hidden units times images between two looks at whether the user wants to stop: a tenth of a second of training
/// where every image moves all of them, and less where it does not.
const PATIENCE: u64 = 500_000_000;

/// Images between two looks, if there are so many weights of hidden units: of all up to the next test, always much the same number.
/// Where one after the other is learned, 8 to 127 become 64 at most, as many as learners [put together](Learner::learn).
fn patience(weights: u64, batch: usize, test_every: u64) -> u64 {
    let most = match (PATIENCE / weights).max(1) {
        8..128 if batch == 1 => 64,
        images => images,
    };
    test_every.div_ceil(test_every.div_ceil(most))
}

/// The longest that a checkpoint's clocks may have run: what is added to them doesn't overflow.
const LONGEST: Duration = Duration::from_secs(u64::MAX / 2);

/// The state of a run at a test whose accuracy was counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Images trained on so far.
    pub images: u64,
    /// The same in passes over the training images.
    pub epoch: f64,
    /// Seconds of training so far, tests not counted.
    pub train_s: f64,
    /// Seconds since the start, everything counted.
    pub wall_s: f64,
    /// The share of images that were classified correctly: of the test set, or of those
    /// [held out](Settings::validate).
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
    /// The share of the test set that it classifies correctly, if tests during training did not see it.
    pub unseen: Option<f64>,
}

impl Run {
    /// The state at the end.
    pub fn last(&self) -> &Point {
        self.curve.last().expect("a run ends with a test")
    }

    /// The share of the test set that the trained network classifies correctly.
    pub fn test_accuracy(&self) -> f64 {
        self.unseen.unwrap_or(self.last().test_accuracy)
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

    /// Called at every test with the weights, before it.
    fn reached(&mut self, images: u64, weights: &Weights) {
        let _ = (images, weights);
    }

    /// Whether the state after so many images should be kept, so that the run can go on from there; asked where the run
    /// could stop.
    fn wants_checkpoint(&mut self, images: u64) -> bool {
        let _ = images;
        false
    }

    /// Whether the state at the end should be kept, whatever ends the run short of divergence.
    fn wants_last_checkpoint(&mut self) -> bool {
        false
    }

    /// Called with a state that was to be kept.
    fn checkpoint(&mut self, checkpoint: &Checkpoint) {
        let _ = checkpoint;
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
    let held_out = settings.validate.unwrap_or(0);
    if settings.validate.is_some_and(|images| !(1..all).contains(&images)) {
        return Err(Error::Settings {
            option: "--validate",
            problem: format!("{held_out} asked for, but {} has {all} training images", data.name),
            cure: match all {
                ..2 => "train without it".to_owned(),
                _ => format!("give 1 to {}", all - 1),
            },
        });
    }
    let all = all - held_out;
    let used = settings.images.unwrap_or(all);
    if !(1..=all).contains(&used) {
        return Err(Error::Settings {
            option: "--images",
            problem: match held_out {
                0 => format!("{used} asked for, but {} has {all} training images", data.name),
                _ => format!("{used} asked for, but {} has {all} that are not held out", data.name),
            },
            cure: format!("give 1 to {all}"),
        });
    }
    Ok(used)
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
    let shape = (start.inputs(), &start.hidden(), start.outputs());
    assert_eq!(shape, (data.inputs, &settings.hidden, data.classes), "inputs, hidden units and outputs");
    let mut progress = Progress::new(settings, data, start, since, threads)?;
    let stop = progress.run(observer);
    Ok(progress.end(stop, observer))
}

/// Goes on from `checkpoint`, by its settings, to the same result, bit for bit, as if the run had never been interrupted.
/// Clocks count from `since`, and what the checkpoint has counted comes on top.
///
/// # Errors
/// [`Error::Settings`] if the settings don't fit the data, [`Error::Checkpoint`] if the checkpoint does not fit them.
pub fn resume(
    checkpoint: &Checkpoint,
    data: &Dataset,
    since: Instant,
    threads: Threads,
    observer: &mut dyn Observer,
) -> Result<Run> {
    let network = Network::zeros(data.inputs, &checkpoint.settings.hidden, data.classes);
    let mut progress = Progress::new(&checkpoint.settings, data, network, since, threads)?;
    progress.go_on_from(checkpoint).map_err(|problem| Error::Checkpoint { problem })?;
    let stop = match () {
        () if progress.has_hit() => Stop::Target,
        () if progress.has_stalled() => Stop::Stalled,
        () => progress.run(observer),
    };
    Ok(progress.end(stop, observer))
}

/// A run on its way.
struct Progress<'a> {
    settings: &'a Settings,
    learner: Box<dyn Learner>,
    /// The training images, as they lie, and as they are read.
    split: &'a Split,
    train: Images<'a>,
    test: Evaluator<'a>,
    /// The test set, if tests don't see it.
    unseen: Option<Evaluator<'a>>,
    /// Images of an epoch, and of a batch.
    per_epoch: usize,
    batch: usize,
    /// Images between two looks at what the observer wants.
    patience: u64,
    order: Vec<u32>,
    rng: ChaCha8Rng,
    images: u64,
    next_test: u64,
    training: Duration,
    /// What the clock had counted before.
    before: Duration,
    since: Instant,
    curve: Vec<Point>,
    /// Test accuracy at the end of each epoch so far, if runs may stall.
    ends: Vec<f64>,
    /// The images after which the observer has seen the weights last.
    shown: Option<u64>,
}

impl<'a> Progress<'a> {
    fn new(
        settings: &'a Settings,
        data: &'a Dataset,
        start: Network,
        since: Instant,
        threads: Threads,
    ) -> Result<Self> {
        let per_epoch = training_images(settings, data)?;
        assert!(settings.test_every > 0 && settings.batch > 0, "tests and batches need images");
        let hidden: usize = [&start.first].into_iter().chain(&start.inner).map(|w| w.as_slice().len()).sum();
        let test_set = || Evaluator::new(Images::new(&data.test, settings.inputs), threads);
        let held_out = settings.validate.map(|images| {
            let all = data.train.len();
            Evaluator::new(Images::new(&data.train, settings.inputs).within(all - images..all), threads)
        });
        let (low, high) = settings.one_hot;
        let task = Task {
            batch: settings.batch.min(per_epoch),
            one_hot: OneHot { low: low as f32, high: high as f32 },
            backprop: settings.backprop.into(),
            threads,
        };
        Ok(Self {
            settings,
            learner: settings.optimizer.learner(start, task),
            split: &data.train,
            train: Images::new(&data.train, settings.inputs),
            test: held_out.unwrap_or_else(test_set),
            unseen: settings.validate.map(|_| test_set()),
            per_epoch,
            batch: task.batch,
            // Looks for the user's wish come some ten times a second, even where steps take long.
            patience: patience(hidden as u64, task.batch, settings.test_every),
            order: (0..per_epoch as u32).collect(),
            rng: stream(settings.seed, Purpose::Order),
            images: 0,
            next_test: settings.test_every,
            training: Duration::ZERO,
            before: Duration::ZERO,
            since,
            curve: Vec::new(),
            ends: Vec::new(),
            shown: None,
        })
    }

    /// Trains until something ends the run.
    fn run(&mut self, observer: &mut dyn Observer) -> Stop {
        let mut kept = self.images;
        // A run that goes on to a higher target may have ended at that of an epoch, and not counted it.
        if let Some(stop) = self.end_epoch(observer) {
            return stop;
        }
        loop {
            if self.images >= self.all_images() {
                return Stop::Epochs;
            }
            if self.images > kept
                && observer.wants_checkpoint(self.images)
                && self.learner.weights().norms_are_finite()
            {
                kept = self.images;
                observer.checkpoint(&self.checkpoint());
            }
            if self.is_between_epochs() {
                self.put_in_order();
                self.move_images();
            }
            self.learn();
            if self.images >= self.next_test {
                self.next_test = self.test_after();
                if let Some(stop) = self.test(observer) {
                    return stop;
                }
            }
            // Before the observer is asked, who might not wait for a hit that this finds.
            if let Some(stop) = self.end_epoch(observer) {
                return stop;
            }
            if let Some(stop) = observer.stop(self.images) {
                return stop;
            }
        }
    }

    /// The finished run: with a last test, if that was not one.
    fn end(mut self, mut stop: Stop, observer: &mut dyn Observer) -> Run {
        // The last test may be yet to come, and find that the weights have no bound.
        if observer.wants_last_checkpoint() && self.learner.weights().norms_are_finite() {
            observer.checkpoint(&self.checkpoint());
        }
        if !self.is_counted() {
            match self.count(observer) {
                Some(Stop::Diverged) => stop = Stop::Diverged,
                Some(found) if stop == Stop::Epochs => stop = found,
                _ => {}
            }
        }
        let unseen = self.unseen.as_ref().map(|test| test.accuracy(&self.learner.weights()));
        Run { curve: self.curve, stop, network: self.learner.network(), unseen }
    }

    /// Everything that it takes to go on from here.
    fn checkpoint(&mut self) -> Checkpoint {
        Checkpoint {
            settings: self.settings.clone(),
            images: self.images,
            train_s: self.training.as_secs_f64(),
            wall_s: (self.before + self.since.elapsed()).as_secs_f64(),
            curve: self.curve.clone(),
            ends: self.ends.clone(),
            random_position: self.rng.get_word_pos(),
            order: self.order.clone(),
            layers: self.learner.states(),
            network: self.learner.network(),
        }
    }

    /// Takes in a checkpoint, or says why that can't be.
    fn go_on_from(&mut self, checkpoint: &Checkpoint) -> Result<(), String> {
        let shape = |network: &Network| (network.inputs(), network.hidden(), network.outputs());
        if shape(&checkpoint.network) != shape(&self.learner.network()) {
            return Err("its network is not that of its settings and the data".to_owned());
        }
        let mut numbers = checkpoint.order.clone();
        numbers.sort_unstable();
        if !numbers.into_iter().eq(0..self.per_epoch as u32) {
            return Err(format!("its order is not one of {} images", self.per_epoch));
        }
        if checkpoint.images > self.all_images() {
            return Err(format!("it has seen {} images, but its epochs have fewer", checkpoint.images));
        }
        let updates = self.updates_after(checkpoint.images);
        if let Some(other) = checkpoint.layers.iter().find(|layer| layer.updates != updates) {
            return Err(format!("a layer has had {} updates, but its images make {updates}", other.updates));
        }
        if !self.learner.resume(&checkpoint.layers) {
            return Err("its layers are not those of its settings".to_owned());
        }
        checkpoint.check_tests().map_err(|problem| format!("its tests: {problem}"))?;
        let seconds = |seconds| match Duration::try_from_secs_f64(seconds) {
            Ok(time) if time <= LONGEST => Ok(time),
            Ok(_) => Err(format!("its clock: {seconds:e} seconds are too many")),
            Err(error) => Err(format!("its clock: {error}")),
        };
        (self.training, self.before) = (seconds(checkpoint.train_s)?, seconds(checkpoint.wall_s)?);
        self.rng.set_word_pos(checkpoint.random_position);
        self.order.clone_from(&checkpoint.order);
        self.images = checkpoint.images;
        self.next_test = self.test_after();
        (self.curve, self.ends) = (checkpoint.curve.clone(), checkpoint.ends.clone());
        Ok(())
    }

    /// Images of all epochs.
    fn all_images(&self) -> u64 {
        self.settings.epochs.saturating_mul(self.per_epoch as u64)
    }

    /// Updates of each layer after so many images: one for each batch, the last of an epoch being what is left.
    fn updates_after(&self, images: u64) -> u64 {
        let (per_epoch, batch) = (self.per_epoch as u64, self.batch as u64);
        (images / per_epoch) * per_epoch.div_ceil(batch) + (images % per_epoch).div_ceil(batch)
    }

    /// Whether the last test was above the target, which may be another than it was then.
    fn has_hit(&self) -> bool {
        let last = self.curve.last().filter(|last| last.images == self.images);
        last.zip(self.settings.target).is_some_and(|(last, target)| last.test_accuracy > target)
    }

    /// The next test to come.
    fn test_after(&self) -> u64 {
        (self.images / self.settings.test_every).saturating_add(1).saturating_mul(self.settings.test_every)
    }

    fn is_between_epochs(&self) -> bool {
        self.images.is_multiple_of(self.per_epoch as u64)
    }

    /// The order of the epoch to come.
    fn put_in_order(&mut self) {
        match self.settings.order {
            Order::Fixed if self.images > 0 => {}
            Order::Shuffled | Order::Fixed => shuffle(&mut self.order, &mut self.rng),
            Order::File => {}
        }
    }

    /// From the second epoch on, has images that are read in no order lie in [large pages](Images::move_to_large_pages), with the clock
    /// running. To copy all of them takes as long as an epoch or two gains, so what ends sooner is not held up.
    fn move_images(&mut self) {
        let are_most = 2 * self.per_epoch >= self.split.len();
        if self.images > 0 && are_most && self.settings.order != Order::File {
            let started = Instant::now();
            let per_call = self.patience.min(self.per_epoch as u64) as usize;
            let form = self.learner.form(&self.train, per_call);
            self.train.move_to_large_pages(self.split, form);
            self.training += started.elapsed();
        }
    }

    /// Trains, with the clock running: on whole batches up to the next test or end of the epoch, or for as long as nobody
    /// has to be asked.
    fn learn(&mut self) {
        let rest = &self.order[(self.images % self.per_epoch as u64) as usize..];
        let wanted = (self.next_test - self.images).min(self.patience) as usize;
        let now = &rest[..wanted.next_multiple_of(self.batch).min(rest.len())];
        let started = Instant::now();
        self.learner.learn(&self.train, now);
        self.training += started.elapsed();
        self.images += now.len() as u64;
    }

    /// Shows the weights to the observer, once after so many images.
    fn show(&mut self, observer: &mut dyn Observer) {
        if self.shown.replace(self.images) != Some(self.images) {
            observer.reached(self.images, &self.learner.weights());
        }
    }

    /// Whether the accuracy is known as it is now.
    fn is_counted(&self) -> bool {
        self.curve.last().is_some_and(|last| last.images == self.images)
    }

    /// Counts at the end of an epoch, if this is one and runs may stall, and says whether that ends this one.
    fn end_epoch(&mut self, observer: &mut dyn Observer) -> Option<Stop> {
        self.settings.stall?;
        if !self.is_between_epochs() || self.ends.len() as u64 == self.images / self.per_epoch as u64 {
            return None; // there is none, or it has been counted
        }
        if !self.is_counted()
            && let Some(stop) = self.count(observer)
        {
            return Some(stop);
        }
        self.ends.push(self.curve.last().map_or(0.0, |last| last.test_accuracy));
        self.has_stalled().then_some(Stop::Stalled)
    }

    /// Whether the last epoch ended no more accurate than any of so many before it, of which the first counts for nothing.
    fn has_stalled(&self) -> bool {
        let Some((patience, (last, before))) = self.settings.stall.zip(self.ends.split_last()) else {
            return false;
        };
        let start = before.len().checked_sub(patience as usize).filter(|&start| start > 0);
        start.is_some_and(|start| before[start..].iter().all(|end| last <= end))
    }

    /// Tests, and says whether what was found ends the run.
    fn test(&mut self, observer: &mut dyn Observer) -> Option<Stop> {
        if observer.wants_accuracy(self.images) {
            return self.count(observer);
        }
        self.show(observer);
        let weights = self.learner.weights();
        let ends = !weights.norms_are_finite()
            || self.settings.target.is_some_and(|target| self.test.is_above(target, &weights).above);
        ends.then(|| self.count(observer)).flatten()
    }

    /// Tests all images, and says whether what was found ends the run.
    fn count(&mut self, observer: &mut dyn Observer) -> Option<Stop> {
        self.show(observer);
        let weights = self.learner.weights();
        let point = Point {
            images: self.images,
            epoch: self.images as f64 / self.per_epoch as f64,
            train_s: self.training.as_secs_f64(),
            test_accuracy: self.test.accuracy(&weights),
            wall_s: (self.before + self.since.elapsed()).as_secs_f64(),
        };
        observer.tested(&point);
        self.curve.push(point);
        if !weights.norms_are_finite() {
            return Some(Stop::Diverged);
        }
        self.settings.target.is_some_and(|target| point.test_accuracy > target).then_some(Stop::Target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_come_often_and_evenly() {
        assert_eq!(patience(784 * 32, 1, 600), 600);
        assert_eq!(patience(784 * 304, 1, 3000), 1500, "two alike, of 2,097 at most");
        assert_eq!(patience(784 * 5040, 1, 600), 60, "64 at most, that are learned together");
        assert_eq!(patience(784 * 5040, 100, 600), 120, "126 at most");
        assert_eq!(patience(200_000_000, 1, 600), 2);
        assert_eq!(patience(1_000_000_000, 1, 600), 1);
    }
}
