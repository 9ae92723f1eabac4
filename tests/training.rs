//! The library as its users have it: open the data, say the settings, draw a network, train.

use dlr::Result;
use dlr::data::{CachePolicy, Dataset};
use dlr::engine::evaluator::count_right;
use dlr::engine::images::{Images, Inputs};
use dlr::engine::network::Network;
use dlr::engine::optimizer::{Entry, Hyper, OPTIMIZERS};
use dlr::engine::settings::{Backprop, Init, Order, Settings};
use dlr::engine::trainer::{Observer, Point, Run, Stop, train};
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
    Settings {
        hidden: 30,
        optimizer: entry.with(&entry.defaults, &Hyper::default()).expect("defaults are complete"),
        batch: 1,
        epochs: 1,
        images: None,
        target: None,
        test_every: 6_000,
        seed: 1,
        order: Order::Shuffled,
        init: Some(Init::FanIn),
        inputs: Inputs::Unit,
        one_hot: (0.0, 1.0),
        backprop: Backprop::Mse,
    }
}

/// The same with another learning rate.
fn at_rate(optimizer: &str, lr: f64) -> Settings {
    let entry = Entry::find(optimizer).expect("the optimizer is one of the list");
    let chosen = Hyper { lr: Some(lr), ..Hyper::default() };
    Settings {
        optimizer: entry.with(&entry.defaults, &chosen).expect("it has a rate"),
        ..settings(optimizer)
    }
}

fn run_watched(settings: &Settings, observer: &mut dyn Observer) -> Result<Run> {
    let start = Network::draw(MNIST.inputs, settings.hidden, MNIST.classes, Init::FanIn, settings.seed);
    train(settings, &MNIST, start, Instant::now(), observer)
}

fn run(settings: &Settings) -> Run {
    run_watched(settings, &mut ()).expect("the settings fit the data")
}

/// Test images that the network classifies correctly, by plain loops in double precision.
fn recount(network: &Network, inputs: Inputs) -> usize {
    let images = Images::new(&MNIST.test, inputs);
    let (hidden, outputs) = (network.hidden(), network.outputs());
    let first: Vec<&[f32]> = (0..network.inputs()).map(|j| network.first.row(j)).collect();
    let mut pixels = vec![0.0; images.inputs()];
    let is_right = |&n: &usize| {
        images.dense(n, &mut pixels);
        let mut sums = vec![0.0; hidden];
        for (&x, row) in pixels.iter().zip(&first).filter(|(x, _)| **x != 0.0) {
            sums.iter_mut().zip(*row).for_each(|(sum, &w)| *sum += f64::from(x) * f64::from(w));
        }
        let output = |k| {
            let terms =
                sums.iter().zip(network.second.row(k)).map(|(z, &w)| f64::from(w) / (1.0 + (-z).exp()));
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
        run.network.first.norm_is_finite()
            && run.network.second.norm_is_finite()
            && run.network.first.padding_is_zero()
            && run.network.second.padding_is_zero()
    );
    assert_eq!(run.stop, Stop::Epochs);
    assert_eq!(
        run.curve.iter().map(|point| point.images).collect::<Vec<_>>(),
        [6_000, 12_000, 18_000, 24_000, 30_000, 36_000, 42_000, 48_000, 54_000, 60_000]
    );

    // The returned network is the one that was tested last.
    let images = Images::new(&MNIST.test, settings.inputs);
    let right = count_right(&images, &run.network.first, &run.network.second);
    assert_eq!(accuracy, right as f64 / 10_000.0);

    // Two outputs of an image may be equal but for rounding: one image in 10,000 is allowed to.
    let plain = recount(&run.network, settings.inputs);
    assert!(plain.abs_diff(right) <= 1, "{settings:?}: {right} images right, but {plain} by plain loops");
}

/// One percentage point below the worst of seeds 1 to 12 after an epoch with the defaults.
const FLOORS: [(&str, f64); 5] =
    [("dlr", 0.9230), ("sgd", 0.9237), ("nesterov", 0.9213), ("adam", 0.9199), ("nesterov-authors", 0.9218)];

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
        fn wants_to_stop(&mut self) -> bool {
            self.asked += 1;
            self.seen.len() >= self.tests
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
