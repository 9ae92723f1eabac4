//! Several hidden layers: what the engine learns is what the f64 reference learns, for every optimizer, online and in
//! batches, of images with few lit pixels and with many.

use dlr::data::Split;
use dlr::engine::evaluator::Evaluator;
use dlr::engine::hidden::Hidden;
use dlr::engine::images::{Images, Inputs};
use dlr::engine::learner::Task;
use dlr::engine::network::Network;
use dlr::engine::optimizer::{Entry, Hyper, Norm, OPTIMIZERS, Optimizer, Rates};
use dlr::engine::settings::Init;
use dlr::engine::threads::{Threads, pool};
use dlr_kernels::output::{Backprop, OneHot};
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::{self, deep};

const INPUTS: usize = 40;
const CLASSES: usize = 5;
const IMAGES: usize = 150;
/// Times that they are learned: the first of five layers moves little in one.
const PASSES: usize = 2;
/// Sizes of batches; the largest is turned around in three parts, of which two go forward together.
const BATCHES: [usize; 3] = [1, 7, 150];
/// Deviation from the reference, relative to the layer's largest weight. The worst measured is 2.3e-6.
const BOUND: f64 = 1e-5;
/// One layer, for comparison, and up to four, narrower and wider than vectors and tiles.
const HIDDEN: [&str; 6] = ["7", "9,6", "8,17,3", "30,16,24", WIDE, "5,4,3,8"];
const WIDE: &str = "200,140";

/// Images of which `lit` pixels in 256 are lit, the same every time: with squares of pixels as groups, and with pixels in a line.
fn splits(lit: u64) -> [Split; 2] {
    let mut state = 7_u64;
    let mut next = || {
        // Knuth's MMIX; the upper bits are the random ones.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let pixels: Vec<u8> =
        (0..IMAGES * INPUTS).map(|_| if next() % 256 < lit { (next() % 255 + 1) as u8 } else { 0 }).collect();
    let labels: Vec<u8> = (0..IMAGES).map(|_| (next() % CLASSES as u64) as u8).collect();
    [Split::from_images((5, 8), &pixels, &labels), Split::from_pixels(INPUTS, &pixels, &labels)]
        .map(|split| split.expect("little memory is needed"))
}

fn split(lit: u64) -> Split {
    let [squares, _] = splits(lit);
    squares
}

/// Every optimizer of the list, with norms of both kinds and rates that differ between layers, all rates times `scale`.
fn optimizers(scale: f64) -> Vec<Optimizer> {
    let rates = Rates([[0.4 * scale, -0.1, 0.0, 0.1 * scale], [0.3 * scale, 0.0, -0.01, 0.2 * scale]]);
    let mut all = Vec::new();
    for entry in OPTIMIZERS {
        let lr = entry.defaults.lr.map(|lr| lr * scale);
        let mut with = |chosen: Hyper| all.push(entry.with(&entry.defaults, &chosen).expect("it has these"));
        match entry.defaults {
            Hyper { norm: Some(_), .. } => {
                for norm in [Norm::Pre, Norm::Post] {
                    with(Hyper { norm: Some(norm), lr, ..Hyper::NONE });
                }
            }
            Hyper { rates: Some(_), .. } => with(Hyper { rates: Some(rates), ..Hyper::NONE }),
            _ => with(Hyper { lr, ..Hyper::NONE }),
        }
    }
    all
}

/// The same optimizer in the reference, with its numbers as f32 has them.
fn plain(optimizer: &Optimizer) -> reference::Optimizer {
    use reference::Optimizer as Plain;
    let h = optimizer.hyper();
    let number = |value: Option<f64>| value.expect("an optimizer's own numbers are set");
    let single = |value: Option<f64>| f64::from(number(value) as f32);
    let norm = |norm: Option<Norm>| match norm.expect("the optimizer has a norm") {
        Norm::Pre => reference::Norm::Pre,
        Norm::Post => reference::Norm::Post,
    };
    match optimizer.name() {
        "dlr" => Plain::Dlr { lr: single(h.lr), alpha: single(h.alpha), norm: norm(h.norm) },
        "sgd" => Plain::Sgd { lr: single(h.lr) },
        "nesterov" => Plain::Nesterov { lr: number(h.lr), momentum: number(h.momentum) },
        "nesterov-authors" => Plain::NesterovAuthors { lr: number(h.lr), momentum: number(h.momentum) },
        "momentum" => Plain::Momentum { lr: number(h.lr), momentum: number(h.momentum) },
        "adam" => Plain::Adam {
            lr: number(h.lr),
            beta1: number(h.beta1),
            beta2: number(h.beta2),
            epsilon: single(h.epsilon),
        },
        "adagrad" => Plain::AdaGrad { lr: single(h.lr), epsilon: single(h.epsilon) },
        "rmsprop" => Plain::RmsProp { lr: number(h.lr), rho: number(h.rho), epsilon: single(h.epsilon) },
        "sgd-decay" => Plain::SgdDecay { lr: number(h.lr), halving: number(h.halving) },
        "sgd-rates" => Plain::SgdRates { rates: h.rates.expect("sgd-rates has rates").0 },
        "dlr-numerator" => Plain::DlrNumerator { lr: single(h.lr), alpha: single(h.alpha) },
        "dlr-denominator" => {
            Plain::DlrDenominator { lr: single(h.lr), alpha: single(h.alpha), norm: norm(h.norm) }
        }
        other => panic!("{other} has no reference here"),
    }
}

/// A network with weights twice as large as usual, so that errors reach the first layer, but no unit saturates.
fn lively(hidden: Hidden) -> Network {
    let mut network = Network::draw(INPUTS, hidden, CLASSES, Init::FanIn, 3);
    let Network { first, inner, last } = &mut network;
    for panel in [first].into_iter().chain(inner).chain([last]) {
        panel.as_mut_slice().iter_mut().for_each(|w| *w *= 2.0);
    }
    network
}

/// The network as the reference lays it out: every matrix \[pre-synaptic\]\[post-synaptic\].
fn to_plain(network: &Network) -> deep::Network {
    let rows = |panel: &Panel| (0..panel.rows()).flat_map(|r| panel.row(r)).map(|&w| w.into()).collect();
    let mut weights: Vec<Vec<f64>> = [&network.first].into_iter().chain(&network.inner).map(rows).collect();
    let hidden = network.hidden();
    let last = (0..hidden.last()).flat_map(|i| (0..CLASSES).map(move |k| (k, i)));
    weights.push(last.map(|(k, i)| network.last.row(k)[i].into()).collect());
    let sizes = [&[INPUTS][..], hidden.layers(), &[CLASSES]].concat();
    deep::Network { sizes, weights }
}

fn task(batch: usize, backprop: Backprop, threads: Threads) -> Task {
    Task { batch, one_hot: OneHot { low: 0.0, high: 1.0 }, backprop, threads }
}

/// The inputs and targets of all images.
fn patterns(images: &Images) -> Vec<(Vec<f64>, Vec<f64>)> {
    let pattern = |n: usize| {
        let mut x = vec![0.0; INPUTS];
        images.dense(n, &mut x);
        let label = usize::from(images.label(n));
        let target = (0..CLASSES).map(|k| f64::from(k == label)).collect();
        (x.iter().map(|&x| x.into()).collect(), target)
    };
    (0..images.len()).map(pattern).collect()
}

/// Each layer's largest deviation from the reference, relative to the layer's largest weight.
fn deviations(ours: &Network, theirs: &deep::Network) -> Vec<f64> {
    let ours = to_plain(ours);
    let of_layer = |(ours, theirs): (&Vec<f64>, &Vec<f64>)| {
        let largest = theirs.iter().fold(0.0_f64, |most, w| most.max(w.abs()));
        let worst = ours.iter().zip(theirs).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        worst / largest
    };
    ours.weights.iter().zip(&theirs.weights).map(of_layer).collect()
}

#[test]
fn every_optimizer_learns_what_the_reference_learns() {
    // A quarter of the pixels lit, as in MNIST; three quarters, with all the others inputs, too.
    let (mut cases, mut worst) = (0, 0.0_f64);
    for (lit, hidden) in [64, 192].into_iter().flat_map(|lit| HIDDEN.map(|hidden| (lit, hidden))) {
        let splits = splits(lit);
        let inputs = if lit == 192 { Inputs::Offset } else { Inputs::Unit };
        let images = splits.each_ref().map(|split| Images::new(split, inputs));
        let order: Vec<u32> = (0..IMAGES as u32).collect();
        let patterns = patterns(&images[0]);
        let start = lively(hidden.parse().expect("these are sizes"));
        // The rates are for few units and few lit pixels: with more, units would be flung to and fro, and no two programs agree
        // for long. With three quarters of the pixels lit, rates three times as high, and the authors' error, one image makes
        // ten times as much of a difference between two networks, in double precision, too.
        let scale = if hidden == WIDE { 0.125 } else { 1.0 } * 64.0 / lit as f64;
        for optimizer in optimizers(scale) {
            for (batch, backprop) in BATCHES
                .into_iter()
                .flat_map(|b| [(b, reference::Backprop::Mse), (b, reference::Backprop::Authors)])
            {
                let ours = match backprop {
                    reference::Backprop::Mse => Backprop::Mse,
                    reference::Backprop::Authors => Backprop::Authors,
                };
                let mut learner = optimizer.learner(start.clone(), task(batch, ours, Threads::One));
                let mut trainer = deep::Trainer::new(to_plain(&start), plain(&optimizer), backprop);
                // Whatever groups the images before them had.
                (0..PASSES).for_each(|pass| learner.learn(&images[pass % 2], &order));
                for batch in (0..PASSES).flat_map(|_| patterns.chunks(batch)) {
                    let batch: Vec<_> = batch.iter().map(|(x, target)| (&x[..], &target[..])).collect();
                    trainer.step(&batch);
                }
                let network = learner.network();
                assert!(network.weights().panels().all(Panel::padding_is_zero));
                for (layer, deviation) in (1..).zip(deviations(&network, &trainer.network)) {
                    worst = worst.max(deviation);
                    assert!(
                        deviation <= BOUND,
                        "W{layer} of {hidden} by {optimizer}, batch {batch}, {backprop:?}: {deviation:e}"
                    );
                }
                let moved = deviations(&start, &trainer.network);
                let least = 5e-4 * scale * if batch > 7 { 0.01 } else { 1.0 };
                assert!(moved.iter().all(|&moved| moved > least), "{optimizer} moved only {moved:?}");
                cases += 1;
            }
        }
    }
    println!("the worst deviation is {worst:e}");
    assert_eq!(cases, 2 * HIDDEN.len() * (OPTIMIZERS.len() + 2) * BATCHES.len() * 2);
}

/// Images are learned one by one where calls have few, otherwise up to 64 together where updates add up. Groups of rows are dark
/// for up to 930 updates, in which what is remembered changes its unit, within calls and between them.
const CALLS: [usize; 12] = [3, 64, 3, 64, 1, 600, 65, 7, 130, 1_601, 100, 190];
/// A long memory, so that what one update forgets is still there after 64 more, and one that is gone after two times 64.
const LONG: f64 = 0.99;
const MIDDLE: f64 = 0.9;
/// How large rates may be under them, and under none, as parts of the default ones.
const LESS: [(f64, f64); 3] = [(LONG, 0.1), (MIDDLE, 0.3), (0.0, 3.0)];

/// As [`BOUND`], after so many images: under a long memory, what is off goes on for as long.
fn long_bound(images: usize) -> f64 {
    5e-6 + 4e-8 * images as f64
}
/// Whether most pixels are lit, what inputs are, units enough for images to be learned together, with vectors of any length, and
/// how large rates may be.
const TOGETHER: [(bool, Inputs, &str, f64); 5] = [
    (false, Inputs::Unit, "520", 0.0625),
    (false, Inputs::Unit, "520,9", 0.0625),
    (true, Inputs::Unit, "70", 0.25),
    (true, Inputs::Offset, "70", 0.25),
    (true, Inputs::Offset, "70,9", 0.25),
];

#[test]
fn what_is_learned_together_is_what_the_reference_learns_in_turn() {
    let all: usize = CALLS.iter().sum();
    let (mut cases, mut worst) = (0, 0.0_f64);
    for (dense, inputs, hidden, scale) in TOGETHER {
        let grey = |n: usize, j: usize| (1 + (7 * n + 31 * j + n * j % 13) % 255) as u8;
        let is_lit =
            |n: usize, j: usize| n.is_multiple_of(1 << (j / 4 + 1)) || dense && !(n + j).is_multiple_of(3);
        let pixels: Vec<u8> = (0..all)
            .flat_map(|n| (0..INPUTS).map(move |j| if is_lit(n, j) { grey(n, j) } else { 0 }))
            .collect();
        let labels: Vec<u8> = (0..all).map(|n| (n * n % 11 % CLASSES) as u8).collect();
        let split = Split::from_pixels(INPUTS, &pixels, &labels).expect("little memory is needed");
        let images = Images::new(&split, inputs);
        assert_eq!(images.density() > 0.5, dense);
        let (patterns, order) = (patterns(&images), (0..all as u32).collect::<Vec<_>>());
        let start = lively(hidden.parse().expect("these are sizes"));
        let add_up = ["sgd", "sgd-decay", "sgd-rates", "momentum", "nesterov", "nesterov-authors"];
        let with = |name: &str, (momentum, less): (f64, f64)| {
            let entry = Entry::find(name).expect("it is in the list");
            let lr = entry.defaults.lr.map(|lr| less * scale * lr);
            entry
                .with(&entry.defaults, &Hyper { lr, momentum: Some(momentum), ..Hyper::NONE })
                .expect("it has these")
        };
        let usual = optimizers(scale).into_iter().filter(|optimizer| add_up.contains(&optimizer.name()));
        let others = add_up[3..].iter().flat_map(|name| LESS.map(|momentum| with(name, momentum)));
        for optimizer in usual.chain(others) {
            let mut learner = optimizer.learner(start.clone(), task(1, Backprop::Mse, Threads::One));
            let mut trainer =
                deep::Trainer::new(to_plain(&start), plain(&optimizer), reference::Backprop::Mse);
            let mut done = 0;
            for count in CALLS {
                let call = done..done + count;
                done = call.end;
                learner.learn(&images, &order[call.clone()]);
                for (x, target) in &patterns[call.clone()] {
                    trainer.step(&[(&x[..], &target[..])]);
                }
                let network = learner.network();
                assert!(network.weights().panels().all(Panel::padding_is_zero));
                for (layer, deviation) in (1..).zip(deviations(&network, &trainer.network)) {
                    let bound =
                        if optimizer.hyper().momentum == Some(LONG) { long_bound(done) } else { BOUND };
                    worst = worst.max(deviation / bound);
                    assert!(
                        deviation <= bound,
                        "W{layer} of {hidden} by {optimizer}, {inputs:?}, dense: {dense}, images {call:?}: {deviation:e}"
                    );
                }
            }
            let moved = deviations(&start, &trainer.network);
            assert!(moved.iter().all(|&moved| moved > 1e-3), "{optimizer} moved only {moved:?}");
            cases += 1;
        }
    }
    println!("the worst deviation is {worst:.2} of its bound");
    assert_eq!(cases, TOGETHER.len() * (6 + LESS.len() * 3));
}

/// Rows that were dark for long have to catch up with the others.
#[test]
fn images_may_be_dense_after_others_were_not() {
    let splits = [8, 192].map(split);
    let images = splits.each_ref().map(|split| Images::new(split, Inputs::Unit));
    let density = images.each_ref().map(Images::density);
    assert!(density[0] < 0.1 && density[1] > 0.5, "{density:?}");
    let patterns = images.each_ref().map(patterns);
    let (start, batch) = (lively("9,6".parse().expect("these are sizes")), 7);
    for (name, lr) in [("adam", 0.02), ("momentum", 0.5), ("nesterov", 0.5)] {
        let optimizer = Optimizer::named(name, &Hyper::lr(lr)).expect("it is in the list");
        let mut learner = optimizer.learner(start.clone(), task(batch, Backprop::Mse, Threads::One));
        let mut trainer = deep::Trainer::new(to_plain(&start), plain(&optimizer), reference::Backprop::Mse);
        // A single dense batch at the end, by weights that have moved far.
        for ((images, patterns), count) in images.iter().zip(&patterns).zip([5 * batch, batch]) {
            learner.learn(images, &(0..count as u32).collect::<Vec<_>>());
            for batch in patterns[..count].chunks(batch) {
                let batch: Vec<_> = batch.iter().map(|(x, target)| (&x[..], &target[..])).collect();
                trainer.step(&batch);
            }
        }
        for (layer, deviation) in (1..).zip(deviations(&learner.network(), &trainer.network)) {
            assert!(deviation <= BOUND, "W{layer} by {optimizer}: {deviation:e}");
        }
    }
}

#[test]
fn a_deep_network_classifies_as_the_reference_does() {
    for lit in [64, 192] {
        let split = split(lit);
        for hidden in HIDDEN {
            let network =
                Network::draw(INPUTS, hidden.parse::<Hidden>().unwrap(), CLASSES, Init::Normal(1.0), 5);
            let (images, plain) = (Images::new(&split, Inputs::Unit), to_plain(&network));
            let is_right = |&n: &usize| {
                let mut x = vec![0.0; INPUTS];
                images.dense(n, &mut x);
                let x: Vec<f64> = x.iter().map(|&x| x.into()).collect();
                let y = plain.forward(&x).pop().expect("the last activities are the outputs");
                let class = (0..CLASSES).max_by(|&a, &b| y[a].total_cmp(&y[b]));
                class == Some(usize::from(images.label(n)))
            };
            let right = (0..IMAGES).filter(is_right).count();
            assert!((1..IMAGES).contains(&right), "{hidden}: {right} proves nothing");
            let mut test = Evaluator::new(Images::new(&split, Inputs::Unit), Threads::One);
            assert_eq!(test.count_right(&network.weights()), right, "{hidden}");
            let share = right as f64 / IMAGES as f64;
            assert!(!test.is_above(share, &network.weights()).above);
            assert!(test.is_above(share - 1e-9, &network.weights()).above);
        }
    }
}

#[test]
fn threads_decide_nothing() {
    let learned = |threads: usize, hidden: &str, lit, batch| {
        let split = split(lit);
        let images = Images::new(&split, Inputs::Unit);
        let start = Network::draw(INPUTS, hidden.parse::<Hidden>().unwrap(), CLASSES, Init::FanIn, 3);
        let order: Vec<u32> = (0..IMAGES as u32).collect();
        let pool = pool(threads).unwrap();
        optimizers(1.0)
            .iter()
            .map(|optimizer| {
                let mut learner = optimizer.learner(start.clone(), task(batch, Backprop::Mse, Threads::Pool));
                pool.install(|| (0..3).for_each(|_| learner.learn(&images, &order)));
                learner.network().sha256()
            })
            .collect::<Vec<_>>()
    };
    // Work for two threads, and for more of them: parts of the images, dense ones, slices of wide rows.
    for (hidden, lit, batch) in
        [("256,64,32", 64, 60), ("1024,32", 64, 150), ("2048,32", 192, 60), ("4096,32", 64, 18)]
    {
        let one = learned(1, hidden, lit, batch);
        for threads in [2, 4, 5] {
            assert_eq!(one, learned(threads, hidden, lit, batch), "{hidden}, {threads} threads");
        }
    }
}
