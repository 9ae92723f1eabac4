//! The library as its users have it: open the data, say the settings, draw a network, train.

use dlr::Result;
use dlr::data::{CachePolicy, Dataset};
use dlr::engine::evaluator::Evaluator;
use dlr::engine::images::{Images, Inputs};
use dlr::engine::learner::Task;
use dlr::engine::network::{Network, Weights};
use dlr::engine::optimizer::{Entry, Hyper, OPTIMIZERS, Rates};
use dlr::engine::settings::{Init, Settings};
use dlr::engine::threads::Threads;
use dlr::engine::trainer::{Observer, Point, Run, Stop, train};
use dlr_kernels::output::{Backprop, OneHot};
use dlr_kernels::panel::Panel;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Instant;

/// MNIST, by way of a cache that cargo keeps for the tests of this build.
static MNIST: LazyLock<Dataset> = LazyLock::new(|| {
    let cache = CachePolicy { folders: vec![concat!(env!("CARGO_TARGET_TMPDIR"), "/cache").into()] };
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/data/mnist"));
    Dataset::open_with(folder, &cache).expect("MNIST is whole")
});

/// One epoch of online learning with an optimizer's defaults, and all else as on the command line.
fn settings(optimizer: &str) -> Settings {
    let entry = Entry::find(optimizer).expect("the optimizer is one of the list");
    let optimizer = entry.with(&entry.defaults, &Hyper::default()).expect("defaults are complete");
    Settings { epochs: 1, target: None, test_every: 6_000, ..Settings::new(30, optimizer) }
}

/// The same with another learning rate, in both layers and for all time where that could be otherwise.
fn at_rate(optimizer: &str, lr: f64) -> Settings {
    let entry = Entry::find(optimizer).expect("the optimizer is one of the list");
    let chosen = match entry.defaults.rates {
        None => Hyper::lr(lr),
        Some(_) => Hyper { rates: Some(Rates::constant(lr)), ..Hyper::NONE },
    };
    Settings {
        optimizer: entry.with(&entry.defaults, &chosen).expect("it has a rate"),
        ..settings(optimizer)
    }
}

fn run_watched(settings: &Settings, observer: &mut dyn Observer) -> Result<Run> {
    let start = Network::draw(MNIST.inputs, &settings.hidden, MNIST.classes, Init::FanIn, settings.seed);
    train(settings, &MNIST, start, Instant::now(), Threads::Pool, observer)
}

fn run(settings: &Settings) -> Run {
    run_watched(settings, &mut ()).expect("the settings fit the data")
}

/// Test images that the network classifies correctly, by plain loops in double precision.
fn recount(network: &Network, inputs: Inputs) -> usize {
    let images = Images::new(&MNIST.test, inputs);
    let (hidden, outputs) = (network.first.width(), network.outputs());
    let first: Vec<&[f32]> = (0..network.inputs()).map(|j| network.first.row(j)).collect();
    let mut pixels = vec![0.0; images.inputs()];
    let is_right = |&n: &usize| {
        images.dense(n, &mut pixels);
        let mut sums = vec![0.0; hidden];
        for (&x, row) in pixels.iter().zip(&first).filter(|(x, _)| **x != 0.0) {
            sums.iter_mut().zip(*row).for_each(|(sum, &w)| *sum += f64::from(x) * f64::from(w));
        }
        let output = |k| {
            let terms = sums.iter().zip(network.last.row(k)).map(|(z, &w)| f64::from(w) / (1.0 + (-z).exp()));
            terms.sum::<f64>()
        };
        let class = (0..outputs).max_by(|&a, &b| output(a).total_cmp(&output(b)));
        class == Some(usize::from(images.label(n)))
    };
    (0..images.len()).filter(is_right).count()
}

/// The accuracy at the end, which has to be above `floor`; and all that must hold of any finished run.
#[track_caller]
fn assert_learned(settings: &Settings, floor: f64) {
    let run = run(settings);
    let accuracy = run.last().test_accuracy;
    assert!(accuracy > floor, "{settings:?}: {accuracy} after an epoch");
    assert!(
        run.network.weights().norms_are_finite()
            && run.network.weights().panels().all(Panel::padding_is_zero)
    );
    assert_eq!(run.stop, Stop::Epochs);
    assert_eq!(
        run.curve.iter().map(|point| point.images).collect::<Vec<_>>(),
        [6_000, 12_000, 18_000, 24_000, 30_000, 36_000, 42_000, 48_000, 54_000, 60_000]
    );

    // The returned network is the one that was tested last.
    let images = Images::new(&MNIST.test, settings.inputs);
    let right = Evaluator::new(images, Threads::Pool).count_right(&run.network.weights());
    assert_eq!(accuracy, right as f64 / 10_000.0);

    // Two outputs of an image may be equal but for rounding: one image in 10,000 is allowed to.
    let plain = recount(&run.network, settings.inputs);
    assert!(plain.abs_diff(right) <= 1, "{settings:?}: {right} images right, but {plain} by plain loops");
}

/// One percentage point below the worst of seeds 1 to 12 after an epoch with the defaults.
const FLOORS: [(&str, f64); 12] = [
    ("dlr", 0.9230),
    ("sgd", 0.9237),
    ("nesterov", 0.9213),
    ("adam", 0.9199),
    ("nesterov-authors", 0.9218),
    ("momentum", 0.9230),
    ("adagrad", 0.9307),
    ("rmsprop", 0.9196),
    ("sgd-decay", 0.9216),
    ("sgd-rates", 0.9237),
    ("dlr-numerator", 0.9151),
    ("dlr-denominator", 0.9212),
];

/// To tell the images' classes apart, in batches of so many.
fn task(batch: usize, threads: Threads) -> Task {
    Task { batch, one_hot: OneHot { low: 0.0, high: 1.0 }, backprop: Backprop::Mse, threads }
}

#[test]
fn every_optimizer_learns_with_its_defaults() {
    assert_eq!(FLOORS.len(), OPTIMIZERS.len(), "an optimizer has no floor");
    for (optimizer, floor) in FLOORS {
        assert_learned(&settings(optimizer), floor);
    }
}

/// The mean of a hundred gradients bears larger steps. The floors were found in the same way.
#[test]
fn batches_learn_as_well() {
    for (optimizer, lr, floor) in [("sgd", 3.0, 0.9044), ("dlr", 10.0, 0.9004), ("adam", 0.01, 0.8995)] {
        assert_learned(&Settings { batch: 100, ..at_rate(optimizer, lr) }, floor);
    }
}

/// With no input at zero, sums and gradients are dense. The floors were found in the same way.
#[test]
fn dense_inputs_learn_as_well() {
    for (batch, lr, floor) in [(1, 0.2, 0.9195), (100, 3.0, 0.9039)] {
        assert_learned(&Settings { inputs: Inputs::Offset, batch, ..at_rate("sgd", lr) }, floor);
    }
}

#[test]
fn a_rate_of_zero_leaves_every_bit() {
    let start = Network::draw(784, 30, 10, Init::FanIn, 1);
    for entry in OPTIMIZERS {
        for inputs in [Inputs::Unit, Inputs::Offset] {
            for batch in [1, 32] {
                let still = Settings { images: Some(100), inputs, batch, ..at_rate(entry.name, 0.0) };
                assert_eq!(run(&still).network, start, "{still:?}");
            }
        }
    }
}

#[test]
fn an_observer_sees_every_test_and_can_end_the_run() {
    #[derive(Default)]
    struct Patient {
        seen: Vec<Point>,
        asked: usize,
        tests: usize,
    }
    impl Observer for Patient {
        fn tested(&mut self, point: &Point) {
            self.seen.push(*point);
        }
        fn stop(&mut self, _: u64) -> Option<Stop> {
            self.asked += 1;
            (self.seen.len() >= self.tests).then_some(Stop::Interrupted)
        }
    }

    let mut observer = Patient { tests: 3, ..Patient::default() };
    let stopped = run_watched(&Settings { test_every: 1000, ..settings("sgd") }, &mut observer).unwrap();
    assert_eq!(stopped.stop, Stop::Interrupted);
    assert_eq!(stopped.curve.iter().map(|point| point.images).collect::<Vec<_>>(), [1000, 2000, 3000]);
    assert_eq!((observer.seen, observer.asked), (stopped.curve.clone(), 3));

    // What it has learned is what a run of that many steps would have.
    let mut until = settings("sgd");
    until.test_every = 3000;
    let mut observer = Patient { tests: 1, ..Patient::default() };
    let again = run_watched(&until, &mut observer).unwrap();
    assert_eq!(again.network, stopped.network);

    // Between tests it is asked as well, and the run still ends with one.
    let mut observer = Patient::default();
    let stopped = run_watched(&Settings { test_every: 60_000, ..settings("sgd") }, &mut observer).unwrap();
    assert_eq!(stopped.stop, Stop::Interrupted);
    assert!(stopped.last().images < 60_000, "{:?}", stopped.last());
    assert_eq!((stopped.curve.len(), observer.asked), (1, 1));
    assert_eq!(observer.seen, stopped.curve);
}

/// Asks at every test, like a run that draws no curve, whether the network is above some target, and counts what that
/// took.
#[test]
fn a_decision_is_the_full_count_s_with_a_fifth_of_its_work() {
    for (threads, inputs) in
        [(Threads::One, Inputs::Unit), (Threads::Pool, Inputs::Unit), (Threads::Pool, Inputs::Offset)]
    {
        let images = || Images::new(&MNIST.test, inputs);
        let (counter, mut decider) = (Evaluator::new(images(), threads), Evaluator::new(images(), threads));
        let optimizer = settings("dlr").optimizer;
        let mut learner = optimizer.learner(Network::draw(784, 30, 10, Init::FanIn, 1), task(1, threads));
        let train = Images::new(&MNIST.train, inputs);
        let (mut tests, mut classified) = (0, 0);
        for start in (0..24_000).step_by(600) {
            learner.learn(&train, &(start..start + 600).collect::<Vec<_>>());
            let weights = learner.weights();
            let right = counter.count_right(&weights);
            let decision = decider.is_above(0.96, &weights);
            assert_eq!(decision.above, right > 9_600);
            tests += 1;
            classified += decision.classified;

            // At the very edge: above one image less, but not above itself.
            for (count, above) in
                [(right - 1, true), (right, false), (right + 1, false), (0, true), (10_000, false)]
            {
                let mut fresh = Evaluator::new(images(), threads);
                let target = count as f64 / 10_000.0;
                assert_eq!(fresh.is_above(target, &weights).above, above, "{count} against {right}");
            }
        }
        assert!(classified * 5 <= tests * 10_000, "{inputs:?}: {classified} images for {tests} tests");
    }
}

#[test]
fn a_run_without_a_curve_ends_at_the_same_test() {
    struct Blind;
    impl Observer for Blind {
        fn wants_accuracy(&mut self, _: u64) -> bool {
            false
        }
    }

    for target in [0.9, 0.93, 0.999] {
        let settings = Settings { target: Some(target), test_every: 500, ..settings("dlr") };
        let (seeing, blind) = (run(&settings), run_watched(&settings, &mut Blind).unwrap());
        assert_eq!((blind.stop, &blind.network), (seeing.stop, &seeing.network));
        assert_eq!(blind.curve.len(), 1, "only the last test is counted");
        assert_eq!(
            (blind.last().images, blind.last().test_accuracy),
            (seeing.last().images, seeing.last().test_accuracy)
        );
    }
    let diverging = Settings { test_every: 500, ..at_rate("sgd", 1e20) };
    assert_eq!(run_watched(&diverging, &mut Blind).unwrap().stop, Stop::Diverged);
}

#[test]
fn a_run_stops_above_its_target_and_only_there() {
    let run = run(&Settings { target: Some(0.9), test_every: 500, ..settings("dlr") });
    assert_eq!(run.stop, Stop::Target);
    let (last, before) = run.curve.split_last().unwrap();
    assert!(last.test_accuracy > 0.9 && before.iter().all(|point| point.test_accuracy <= 0.9));
    assert_eq!(run.hit(), Some(last));
}

#[test]
fn settings_that_do_not_fit_the_data_are_refused() {
    let error = run_watched(&Settings { images: Some(60_001), ..settings("sgd") }, &mut ()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--images: 60001 asked for, but mnist has 60000 training images; give 1 to 60000"
    );
}

/// While a batch is learned, the next one's pixels are read: it must be the next one's, whatever came before, however many
/// threads there are, whether they share images or rows, and where the last batch is so small that one thread does it.
#[test]
fn batches_read_ahead_are_those_read_in_turn() {
    let images = || Images::new(&MNIST.train, Inputs::Unit);
    // Two epochs' worth of calls, that begin anywhere and end with batches of 64, 63, 20 and 1 images.
    let all: Vec<u32> = (0..2000).map(|n| n * 7919 % 60_000).collect();
    let calls = [&all[..256], &all[100..419], &all[1000..1084], &all[..65], &all[300..301], &all[64..576]];
    let mut cases = 0;
    for entry in OPTIMIZERS {
        let rule = entry.with(&entry.defaults, &Hyper::default()).expect("defaults are complete");
        for hidden in [30, 112, 240] {
            let learner =
                |threads| rule.learner(Network::draw(784, hidden, 10, Init::FanIn, 1), task(64, threads));
            // Batch by batch there is nothing to read ahead.
            let mut alone = learner(Threads::One);
            calls.iter().flat_map(|call| call.chunks(64)).for_each(|batch| alone.learn(&images(), batch));
            let want = alone.network();
            for threads in 1..=8 {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
                let got = pool.install(|| {
                    let mut ahead = learner(Threads::Pool);
                    calls.iter().for_each(|call| ahead.learn(&images(), call));
                    ahead.network()
                });
                assert!(got == want, "{}, H = {hidden}, {threads} threads", entry.name);
                cases += 1;
            }
        }
    }
    assert_eq!(cases, OPTIMIZERS.len() * 24);
}

/// Batches of several parts, the last one smaller; a slice of the rows for each thread, or for several together.
#[test]
fn threads_share_wide_rows() {
    let (images, order) = (Images::new(&MNIST.train, Inputs::Unit), (0..300).collect::<Vec<u32>>());
    for entry in OPTIMIZERS {
        let rule = entry.with(&entry.defaults, &Hyper::default()).expect("defaults are complete");
        for hidden in [100, 300, 656] {
            let learned = |threads| {
                let network = Network::draw(784, hidden, 10, Init::FanIn, 1);
                let mut learner = rule.learner(network, task(130, threads));
                learner.learn(&images, &order);
                learner.network()
            };
            let want = learned(Threads::One);
            for threads in [2, 3, 4, 5, 8, 24] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
                let got = pool.install(|| learned(Threads::Pool));
                assert!(got == want, "{}, H = {hidden}, {threads} threads", entry.name);
            }
        }
    }
}

#[test]
fn a_run_that_no_longer_rises_stalls() {
    // Nothing is learned at a rate of 0: epoch 7 is the first that ends no better than five others, the first not counted.
    let still =
        Settings { epochs: 30, images: Some(600), test_every: 250, stall: Some(5), ..at_rate("sgd", 0.0) };
    let stalled = run(&still);
    assert_eq!((stalled.stop, stalled.last().images), (Stop::Stalled, 7 * 600));
    let ends: Vec<_> = stalled.curve.iter().filter(|point| point.images.is_multiple_of(600)).collect();
    assert_eq!(ends.len(), 7, "epochs end with a count, even where no test is due");
    assert_eq!(run(&Settings { stall: Some(1), ..still.clone() }).last().images, 3 * 600);
    assert_eq!(run(&Settings { stall: None, ..still.clone() }).stop, Stop::Epochs);

    // One that learns goes on.
    let rising = run(&Settings { epochs: 8, ..Settings { optimizer: settings("sgd").optimizer, ..still } });
    let ends: Vec<_> = rising.curve.iter().filter(|point| point.images.is_multiple_of(600)).collect();
    let stalls = (6..ends.len())
        .any(|end| ends[end - 5..end].iter().all(|before| ends[end].test_accuracy <= before.test_accuracy));
    assert_eq!((rising.stop, stalls), (Stop::Epochs, false));
}

#[test]
fn an_observer_sees_the_weights_of_every_test() {
    struct Witness(Vec<(u64, Network)>);
    impl Observer for Witness {
        fn wants_accuracy(&mut self, images: u64) -> bool {
            images == 2000
        }
        fn reached(&mut self, images: u64, weights: &Weights) {
            self.0.push((images, weights.to_network()));
        }
    }
    for name in ["sgd", "adam"] {
        let mut witness = Witness(Vec::new());
        let whole = Settings { images: Some(3000), test_every: 1000, target: Some(0.999), ..settings(name) };
        let found = run_watched(&whole, &mut witness).unwrap();
        let places: Vec<_> = witness.0.iter().map(|(images, _)| *images).collect();
        assert_eq!(places, [1000, 2000, 3000], "each once");
        assert_eq!(witness.0[2].1, found.network);
        assert_ne!(witness.0[0].1, found.network);
    }
}

#[test]
fn held_out_images_are_tested_on_and_never_trained_on() {
    let whole = Settings { images: Some(5_000), ..settings("sgd") };
    let held_out = Settings { validate: Some(10_000), ..whole.clone() };
    let (plain, validated) = (run(&whole), run(&held_out));
    // The same first images in the same order, so the same network; only what tests see is another.
    assert_eq!(plain.network, validated.network);
    assert_eq!(validated.unseen, Some(plain.last().test_accuracy));
    assert_eq!((plain.unseen, plain.test_accuracy()), (None, plain.last().test_accuracy));
    let last = Images::new(&MNIST.train, Inputs::Unit).within(50_000..60_000);
    assert_eq!((last.len(), last.label(0)), (10_000, MNIST.train.label(50_000)));
    let right = Evaluator::new(last, Threads::One).accuracy(&validated.network.weights());
    assert_eq!(validated.last().test_accuracy, right);
    assert_ne!(right, plain.last().test_accuracy);

    // Without a number, all but those held out are trained on.
    let all = Settings { validate: Some(59_000), epochs: 2, ..settings("sgd") };
    assert_eq!(run(&all).last().images, 2_000);
    for (validate, images, option) in
        [(60_000, None, "--validate"), (0, None, "--validate"), (59_000, Some(1_001), "--images")]
    {
        let settings = Settings { validate: Some(validate), images, ..settings("sgd") };
        let error = run_watched(&settings, &mut ()).unwrap_err().to_string();
        assert!(error.starts_with(option), "{error}");
    }
}
