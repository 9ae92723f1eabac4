//! The library from outside, without the program: each example does what it says, as its reader would run it.

#[path = "examples/own_data.rs"]
mod own_data;
#[path = "examples/own_optimizer.rs"]
mod own_optimizer;
#[path = "examples/sweep.rs"]
mod sweep;
#[path = "examples/train.rs"]
mod train;

use dlr::{Dataset, Hyper, Optimizer, Point, Settings, Stop, fit};

#[test]
fn mnist_with_a_word_on_every_test() {
    train::main().unwrap();
    let dlr = Optimizer::named("dlr", &Hyper::NONE).unwrap();
    let run = train::train(&Settings { target: Some(0.9), ..Settings::new(20, dlr) }).unwrap();
    assert_eq!(run.stop, Stop::Target);
    assert!(run.last().test_accuracy > 0.9);
}

#[test]
fn a_callback_sees_every_test_of_the_curve() {
    let data = Dataset::open(&dlr::data::find(None).unwrap()).unwrap();
    let sgd = Optimizer::named("sgd", &Hyper::NONE).unwrap();
    let settings =
        Settings { images: Some(1000), epochs: 2, test_every: 300, target: None, ..Settings::new(9, sgd) };
    let mut seen: Vec<Point> = Vec::new();
    let run = fit(&settings, &data, &mut |test: &Point| seen.push(*test)).unwrap();
    assert_eq!(seen, run.curve);
    let images: Vec<u64> = seen.iter().map(|test| test.images).collect();
    assert_eq!(images, [300, 600, 900, 1200, 1500, 1800, 2000]);
}

#[test]
fn arrays_of_ones_own() {
    own_data::main().unwrap();
    let run = own_data::train().unwrap();
    assert_eq!((run.stop, run.network.inputs(), run.network.outputs()), (Stop::Target, 64, 2));
}

/// It learns, and from the same start as the others.
#[test]
fn an_optimizer_of_ones_own() {
    own_optimizer::main().unwrap();
    let data = Dataset::open(&dlr::data::find(None).unwrap()).unwrap();
    let clipped = |lr| own_optimizer::clipped(lr, &data).unwrap();
    assert!(clipped(0.3).last().test_accuracy > 0.8, "{:?}", clipped(0.3).last());
    let resting = clipped(0.0).network.sha256();
    let sgd = Optimizer::named("sgd", &Hyper::lr(0.0)).unwrap();
    assert_eq!(resting, own_optimizer::train(sgd, &data).unwrap().network.sha256(), "the same start");
    assert_ne!(resting, clipped(0.3).network.sha256());
}

#[test]
fn a_sweep_over_cores_is_the_same_as_one_by_one() {
    sweep::main().unwrap();
    let rates = [0.001, 0.02, 0.05];
    let one_by_one: Vec<f64> = rates.iter().map(|&lr| sweep::sweep(&[lr], 3000).unwrap()[0]).collect();
    assert_eq!(sweep::sweep(&rates, 3000).unwrap(), one_by_one);
    assert!(one_by_one[0] < one_by_one[1], "too small a rate learns less: {one_by_one:?}");
}

#[test]
fn an_unknown_optimizer_is_refused_with_the_list() {
    let error = Optimizer::named("adamw", &Hyper::NONE).unwrap_err().to_string();
    assert!(
        error.starts_with("--optimizer: there is no optimizer \"adamw\"; choose one of dlr, sgd, "),
        "{error}"
    );
}
