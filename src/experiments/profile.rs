//! How fast every optimizer trains, and where the time goes: a cell for every optimizer, size and batch.
//!
//! Cells are visited in turn, round after round, so that whatever the machine does meanwhile meets all of them. In a visit,
//! a cell trains on short pieces of a shuffled epoch, cut about as often as users' training pauses for tests, by turns as users
//! do and with a [watch](Stopwatch) on its phases: the whole is timed without watch, so that it is no accident if the phases
//! add up to it. The medians of a visit's pieces are its times, since pieces that were interrupted are few as long as they are
//! short. Then it counts the test set in full. Images lie where training has them from its second epoch on: in
//! [large pages](Images::move_to_large_pages).

use super::noise::{Noise, Others};
use super::peaks::Peaks;
use super::statistics::Spread;
use crate::data::Dataset;
use crate::engine::evaluator::Evaluator;
use crate::engine::images::Images;
use crate::engine::learner::{Learner, Task};
use crate::engine::network::Network;
use crate::engine::optimizer::Optimizer;
use crate::engine::phases::Stopwatch;
use crate::engine::settings::{Init, Settings};
use crate::engine::streams::{Purpose, shuffle, stream};
use crate::engine::threads::{self, Threads};
use crate::engine::work::Work;
use crate::error::{Error, Result};
use dlr_kernels::output::OneHot;
use rayon::ThreadPool;
use serde::{Deserialize, Serialize};
use std::fs;
use std::time::{Duration, Instant};

/// A piece of training, unless told otherwise: shorter than what the system gives a program at a time, so that most pieces
/// are not interrupted even on a busy machine.
const PIECE: Duration = Duration::from_micros(2_500);
/// Images of such a piece at least: their lit pixels differ by a quarter from image to image, and so by 2 % from piece to
/// piece.
const LEAST_IMAGES: usize = 200;
/// Pieces of a visit with a watch, and as many without.
const PIECES: usize = 5;
/// Images that a visit begins with, untimed, until the cell's weights are back in the caches.
const WARM_UP: usize = 100;
/// Images that a cell begins with, untimed: Adam's first updates are slower than all others.
const BEGINNING: usize = 600;

/// Rounds at least, for quartiles to mean something, unless told otherwise.
pub const LEAST_ROUNDS: u64 = 5;
/// Rounds at most.
const MOST_ROUNDS: u64 = 40;
/// No round begins later than this.
const PATIENCE: Duration = Duration::from_secs(60);
/// The spread that is small enough: the width of the middle half of the rounds, as a share of the median.
const STEADY: f64 = 0.02;

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Optimizers, with their hyper-parameters.
    pub optimizers: Vec<Optimizer>,
    /// Sizes of the hidden layer.
    pub hidden: Vec<usize>,
    /// Images of an update.
    pub batch: Vec<usize>,
    /// Images of a piece; `None`: as many as take a few milliseconds.
    pub images: Option<usize>,
    /// Rounds; `None`: until the spread is small, within limits.
    pub rounds: Option<u64>,
}

impl Plan {
    /// Whether it can be measured on `data`.
    ///
    /// # Errors
    /// [`Error::Settings`] if a batch or a piece is larger than the training set, or none.
    pub fn check(&self, data: &Dataset) -> Result<()> {
        let all = data.train.len();
        let wanted = self.batch.iter().map(|&batch| ("--batch", batch));
        let wanted = wanted.chain(self.images.map(|images| ("--images", images)));
        match wanted.into_iter().find(|&(_, images)| !(1..=all).contains(&images)) {
            Some((option, images)) => Err(Error::Settings {
                option,
                problem: format!("{images} asked for, but {} has {all} training images", data.name),
                cure: format!("give 1 to {all}"),
            }),
            None => Ok(()),
        }
    }
}

/// What is measured by one number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cell {
    /// The optimizer's name.
    pub optimizer: String,
    /// Hidden units.
    pub hidden: usize,
    /// Images of an update.
    pub batch: usize,
    /// Threads for batches and tests.
    pub threads: usize,
}

/// What was found of a cell. Times are in nanoseconds for an image.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The cell.
    pub cell: Cell,
    /// Images of a piece.
    pub images: usize,
    /// Rounds.
    pub rounds: usize,
    /// Training without a watch.
    pub whole: Spread,
    /// Each of [`Phase::ALL`](crate::engine::phases::Phase::ALL), the median.
    pub phases: [f64; 4],
    /// Classifying a test image in a full count, the median.
    pub test: f64,
    /// How many times as long as SGD it takes, the median over the rounds; `None` without SGD.
    pub times_sgd: Option<f64>,
    /// What training does for an image.
    pub work: Work,
    /// What one thread could do, or, for batches, all of them: of that, small batches, which are the work of a few, use little.
    pub peaks: Peaks,
}

impl Measured {
    /// By how much the phases together are above the whole, as a share of it.
    pub fn gap(&self) -> f64 {
        self.phases.iter().sum::<f64>() / self.whole.median - 1.0
    }
}

/// All that was found.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The cells, by size, batch and optimizer, as in the plan.
    pub cells: Vec<Measured>,
    /// Rounds that were begun.
    pub rounds: u64,
    /// What it costs to read the clock once, in nanoseconds; already taken off the phases.
    pub lap_ns: f64,
    /// The peaks of one thread, and of all if there are more.
    pub peaks: Vec<Peaks>,
    /// The most memory that the process has had before the peaks were measured, in bytes, where the system tells.
    pub peak_memory: Option<u64>,
    /// What else the machine did meanwhile, where the system tells.
    pub others: Option<Others>,
    /// Whether it was ended by whoever watched.
    pub interrupted: bool,
}

/// Whoever watches a profile being made.
pub trait Watcher: Send {
    /// Round `round` is over; `widest` is the widest [spread](Spread::width) so far.
    fn round(&mut self, round: u64, at_most: u64, widest: f64);

    /// Whether to end now, with what there is.
    fn wants_to_stop(&mut self) -> bool;
}

/// Measures all cells of `plan` on `data`, by the threads of `pool`.
///
/// # Errors
/// Those of [`Plan::check`], and [`Error::Resource`] if the system has no more threads.
///
/// # Panics
/// If no layer has so many hidden units as the plan says: 1 to 4096.
pub fn profile(
    plan: &Plan,
    data: &Dataset,
    pool: &ThreadPool,
    watcher: &mut impl Watcher,
) -> Result<Profile> {
    plan.check(data)?;
    let noise = Noise::now();
    let mut watch = Stopwatch::new();
    let lap_ns = watch.lap_nanoseconds();
    let order = order(data);
    let (mut benches, rounds, interrupted) = after_rounds(plan, data, &order, pool, &mut watch, watcher);
    let peak_memory = peak_memory();
    let mut peaks = vec![Peaks::measure(&threads::pool(1)?)];
    if pool.current_num_threads() > 1 {
        peaks.push(Peaks::measure(pool));
    }
    let others = noise.and_then(|noise| noise.others_since());
    benches.retain(|bench| !bench.visits.is_empty());
    let cells = benches.iter().map(|bench| bench.measured(&benches, &peaks)).collect();
    Ok(Profile { cells, rounds, lap_ns, peaks, peak_memory, others, interrupted })
}

/// Measures of all cells of `plan` only how long they train, as [`Measured::whole`] has it, without the memory and the time that
/// peaks take. `None` if the watcher has ended it.
///
/// # Errors
/// Those of [`Plan::check`].
pub fn wholes(
    plan: &Plan,
    data: &Dataset,
    pool: &ThreadPool,
    watcher: &mut impl Watcher,
) -> Result<Option<Vec<(Cell, Spread)>>> {
    plan.check(data)?;
    let order = order(data);
    let (benches, _, interrupted) = after_rounds(plan, data, &order, pool, &mut Stopwatch::new(), watcher);
    let whole = |bench: Bench| (bench.cell.clone(), bench.whole().expect("every cell has been visited"));
    Ok((!interrupted).then(|| benches.into_iter().map(whole).collect()))
}

/// All training images, shuffled.
fn order(data: &Dataset) -> Vec<u32> {
    let mut order: Vec<u32> = (0..data.train.len() as u32).collect();
    shuffle(&mut order, &mut stream(1, Purpose::Order));
    order
}

/// The benches of `plan` after their rounds; how many rounds were begun, and whether the watcher ended them.
fn after_rounds<'a>(
    plan: &Plan,
    data: &'a Dataset,
    order: &'a [u32],
    pool: &ThreadPool,
    watch: &mut Stopwatch,
    watcher: &mut impl Watcher,
) -> (Vec<Bench<'a>>, u64, bool) {
    pool.install(|| {
        let mut benches = benches(plan, data, order, pool.current_num_threads());
        let (rounds, interrupted) = run_rounds(plan, &mut benches, watch, watcher);
        (benches, rounds, interrupted)
    })
}

/// Rounds over all benches until they are steady; how many were begun, and whether the watcher ended them.
fn run_rounds(
    plan: &Plan,
    benches: &mut [Bench],
    watch: &mut Stopwatch,
    watcher: &mut impl Watcher,
) -> (u64, bool) {
    let started = Instant::now();
    let at_most = plan.rounds.unwrap_or(MOST_ROUNDS);
    for round in 1..=at_most {
        for bench in &mut *benches {
            if watcher.wants_to_stop() {
                return (round, true);
            }
            bench.visit(watch);
        }
        let widest = benches.iter().filter_map(Bench::whole).map(|whole| whole.width()).fold(0.0, f64::max);
        watcher.round(round, at_most, widest);
        let steady = round >= LEAST_ROUNDS && widest <= STEADY;
        if plan.rounds.is_none() && (steady || started.elapsed() >= PATIENCE) {
            return (round, false);
        }
    }
    (at_most, false)
}

/// A cell at work.
struct Bench<'a> {
    cell: Cell,
    learner: Box<dyn Learner>,
    test: Evaluator<'a>,
    pieces: Pieces<'a>,
    visits: Vec<Visit>,
}

/// The images of an epoch in their order, a piece at a time, and over again.
struct Pieces<'a> {
    images: Images<'a>,
    order: &'a [u32],
    next: usize,
    /// Images of a piece: whole batches, unless the epoch has no more.
    length: usize,
    /// Images of a call at most: those from one test of a training to the next, in whole batches. What is remembered there may
    /// have to be made anew, so that ends of calls cost time.
    call: usize,
}

/// What a visit found, in nanoseconds for an image.
struct Visit {
    whole: f64,
    phases: [f64; 4],
    test: f64,
}

/// A bench for every cell.
fn benches<'a>(plan: &Plan, data: &'a Dataset, order: &'a [u32], threads: usize) -> Vec<Bench<'a>> {
    let mut benches = Vec::new();
    for &hidden in &plan.hidden {
        let network = Network::draw(data.inputs, hidden, data.classes, Init::FanIn, 1);
        for &batch in &plan.batch {
            for optimizer in &plan.optimizers {
                benches.push(Bench::new(optimizer, network.clone(), batch, threads, plan, data, order));
            }
        }
    }
    benches
}

impl<'a> Bench<'a> {
    fn new(
        optimizer: &Optimizer,
        network: Network,
        batch: usize,
        threads: usize,
        plan: &Plan,
        data: &'a Dataset,
        order: &'a [u32],
    ) -> Self {
        let hidden = network.first.width();
        let settings = Settings::new(hidden, optimizer.clone());
        let (low, high) = settings.one_hot;
        let who = if threads == 1 { Threads::One } else { Threads::Pool };
        let task = Task {
            batch,
            one_hot: OneHot { low: low as f32, high: high as f32 },
            backprop: settings.backprop.into(),
            threads: who,
        };
        let learner = optimizer.learner(network, task);
        let call = (settings.test_every as usize).next_multiple_of(batch);
        let mut images = Images::new(&data.train, settings.inputs);
        let form = learner.form(&images, call);
        images.move_to_large_pages(&data.train, form);
        let mut bench = Self {
            cell: Cell { optimizer: optimizer.name().to_owned(), hidden, batch, threads },
            learner,
            test: Evaluator::new(Images::new(&data.test, settings.inputs), who),
            pieces: Pieces { images, order, next: 0, length: 0, call },
            visits: Vec::new(),
        };
        bench.begin(plan.images);
        bench
    }

    /// The first images, and how many shall be a piece.
    fn begin(&mut self, images: Option<usize>) {
        let (batch, all) = (self.cell.batch, self.pieces.order.len());
        let whole = |images: usize| images.next_multiple_of(batch).min(all);
        let (beginning, trial) = (whole(BEGINNING), whole(WARM_UP));
        self.pieces.train(beginning, |images, order| self.learner.learn(images, order));
        let started = Instant::now();
        self.pieces.train(trial, |images, order| self.learner.learn(images, order));
        let each = started.elapsed().as_secs_f64() / trial as f64;
        let wanted = images.unwrap_or(((PIECE.as_secs_f64() / each) as usize).max(LEAST_IMAGES));
        self.pieces.length = whole(wanted);
    }

    fn visit(&mut self, watch: &mut Stopwatch) {
        let Self { learner, test, pieces, cell, .. } = self;
        let length = pieces.length;
        pieces.train(WARM_UP.next_multiple_of(cell.batch), |images, order| learner.learn(images, order));
        let (mut wholes, mut watched) = (Vec::new(), Vec::new());
        for _ in 0..PIECES {
            wholes.push(pieces.train(length, |images, order| learner.learn(images, order)));
            watch.restart();
            pieces.train(length, |images, order| learner.learn_watched(images, order, watch));
            watched.push(watch.nanoseconds().map(|ns| ns / length as f64));
        }
        wholes.sort_by(f64::total_cmp);
        let sum = |phases: &[f64; 4]| phases.iter().sum::<f64>();
        watched.sort_by(|one, other| sum(one).total_cmp(&sum(other)));

        let started = Instant::now();
        std::hint::black_box(test.count_right(&learner.weights()));
        let test = started.elapsed().as_secs_f64() * 1e9 / test.len().max(1) as f64;
        self.visits.push(Visit { whole: wholes[PIECES / 2], phases: watched[PIECES / 2], test });
    }

    fn whole(&self) -> Option<Spread> {
        Spread::of(self.visits.iter().map(|visit| visit.whole))
    }

    /// What the visits say together, and beside SGD, if it is among `benches`.
    fn measured(&self, benches: &[Self], peaks: &[Peaks]) -> Measured {
        let median = |time: &dyn Fn(&Visit) -> f64| {
            Spread::of(self.visits.iter().map(time)).expect("there was a visit").median
        };
        let sgd = Cell { optimizer: "sgd".to_owned(), ..self.cell.clone() };
        let ratios = benches.iter().find(|bench| bench.cell == sgd).and_then(|sgd| {
            Spread::of(self.visits.iter().zip(&sgd.visits).map(|(one, sgd)| one.whole / sgd.whole))
        });
        // One image at a time is the work of one thread.
        let peaks = if self.cell.batch == 1 { peaks.first() } else { peaks.last() };
        Measured {
            cell: self.cell.clone(),
            images: self.pieces.length,
            rounds: self.visits.len(),
            whole: self.whole().expect("there was a visit"),
            phases: std::array::from_fn(|phase| median(&|visit| visit.phases[phase])),
            test: median(&|visit| visit.test),
            times_sgd: ratios.map(|ratios| ratios.median),
            work: {
                let Pieces { images, order, length, call, .. } = &self.pieces;
                self.learner.work(images, order, *length.min(call))
            },
            peaks: peaks.expect("peaks were measured").clone(),
        }
    }
}

impl Pieces<'_> {
    /// Runs `train` on the next so many images, a call at a time; nanoseconds for an image.
    fn train(&mut self, length: usize, mut train: impl FnMut(&Images, &[u32])) -> f64 {
        let length = length.min(self.order.len());
        if self.next + length > self.order.len() {
            self.next = 0;
        }
        let piece = &self.order[self.next..self.next + length];
        self.next += length;
        let started = Instant::now();
        piece.chunks(self.call).for_each(|call| train(&self.images, call));
        started.elapsed().as_secs_f64() * 1e9 / length as f64
    }
}

/// The most memory that this process has had, in bytes, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}
