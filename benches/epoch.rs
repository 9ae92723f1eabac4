//! Online and batch training on real MNIST, a tenth of an epoch at a time, for every optimizer; beside a plain dense loop
//! for those of the paper, with whose weights ours must agree before anything is timed.
//!
//! `cargo bench --bench epoch` times; `cargo bench -- --test` runs everything once.

mod plain;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use dlr::data::{self, Dataset};
use dlr::engine::evaluator::Evaluator;
use dlr::engine::images::{Images, Inputs};
use dlr::engine::learner::{Learner, Task};
use dlr::engine::network::Network;
use dlr::engine::optimizer::{Entry, Hyper, OPTIMIZERS};
use dlr::engine::settings::Init;
use dlr::engine::threads::Threads;
use dlr_kernels::output::{Backprop, OneHot};
use plain::{Plain, Rule};
use std::hint::black_box;

const HIDDEN: [usize; 3] = [30, 100, 300];
/// Images of one timed call: a tenth of an epoch, in the file's order.
const IMAGES: usize = 6_000;

fn dataset() -> Dataset {
    let folder = data::find(None).expect("MNIST lies in data/mnist");
    Dataset::open(&folder).expect("MNIST is whole")
}

fn draw(hidden: usize) -> Network {
    Network::draw(784, hidden, 10, Init::FanIn, 1)
}

fn learner(entry: &'static Entry, hidden: usize, batch: usize) -> Box<dyn Learner> {
    let optimizer = entry.with(&entry.defaults, &Hyper::default()).expect("defaults are complete");
    let one_hot = OneHot { low: 0.0, high: 1.0 };
    let task = Task { batch, one_hot, backprop: Backprop::Mse, threads: Threads::Pool };
    optimizer.learner(draw(hidden), task)
}

/// The plain loop's rule with the same hyper-parameters, if it knows the optimizer.
fn plain_rule(entry: &Entry) -> Option<Rule> {
    let h = entry.defaults;
    let number = |value: Option<f64>| value.expect("the optimizer has it") as f32;
    Some(match entry.name {
        "sgd" => Rule::Sgd { lr: number(h.lr) },
        "dlr" => Rule::Dlr { lr: number(h.lr), alpha: number(h.alpha) },
        "nesterov" => Rule::Nesterov { lr: number(h.lr), momentum: number(h.momentum) },
        "adam" => Rule::Adam {
            lr: number(h.lr),
            beta1: number(h.beta1),
            beta2: number(h.beta2),
            epsilon: number(h.epsilon),
        },
        _ => return None,
    })
}

fn plain(rule: Rule, hidden: usize) -> Plain {
    let network = draw(hidden);
    let unpadded = |rows, row: &dyn Fn(usize) -> Vec<f32>| (0..rows).flat_map(row).collect();
    let first = unpadded(784, &|j| network.first.row(j).to_vec());
    let second = unpadded(10, &|k| network.last.row(k).to_vec());
    Plain::new(hidden, rule, first, second)
}

/// Both paths must agree on 100 images before they race: to 1e-4 of the largest weight, which leaves room for sums in
/// another order, and for Adam's steps, which are as large for rounding errors as for gradients.
fn check(entry: &'static Entry, rule: Rule, hidden: usize, images: &Images, dense: &[Vec<f32>]) {
    let mut ours = learner(entry, hidden, 1);
    let mut theirs = plain(rule, hidden);
    let order: Vec<u32> = (0..100).collect();
    ours.learn(images, &order);
    for (n, x) in dense.iter().take(100).enumerate() {
        theirs.learn(x, usize::from(images.label(n)));
    }
    let weights = ours.weights();
    for (ours, theirs) in [(weights.first, &theirs.first), (weights.last, &theirs.second)] {
        let largest = theirs.iter().fold(0.0_f32, |most, w| most.max(w.abs()));
        let rows = theirs.chunks_exact(hidden).enumerate();
        let worst = rows
            .flat_map(|(r, row)| ours.row(r).iter().zip(row).map(|(a, b)| (a - b).abs()))
            .fold(0.0_f32, f32::max);
        assert!(worst <= 1e-4 * largest, "{} at H = {hidden}: {worst} of {largest}", entry.name);
    }
}

fn online(c: &mut Criterion) {
    let data = dataset();
    let images = Images::new(&data.train, Inputs::Unit);
    let dense: Vec<Vec<f32>> = (0..IMAGES)
        .map(|n| {
            let mut x = vec![0.0; 784];
            images.dense(n, &mut x);
            x
        })
        .collect();
    let order: Vec<u32> = (0..IMAGES as u32).collect();
    let mut group = c.benchmark_group("online");
    group.sample_size(10).throughput(Throughput::Elements(IMAGES as u64));
    for hidden in HIDDEN {
        for entry in OPTIMIZERS {
            let mut ours = learner(entry, hidden, 1);
            if let Some(rule) = plain_rule(entry) {
                check(entry, rule, hidden, &images, &dense);
                let mut theirs = plain(rule, hidden);
                group.bench_function(
                    BenchmarkId::new(format!("{} plain dense loop", entry.name), hidden),
                    |b| {
                        b.iter(|| {
                            for (n, x) in dense.iter().enumerate() {
                                theirs.learn(x, usize::from(images.label(n)));
                            }
                        });
                    },
                );
            }
            group.bench_function(BenchmarkId::new(entry.name, hidden), |b| {
                b.iter(|| ours.learn(&images, black_box(&order)));
            });
        }
    }
    group.finish();
}

fn batches(c: &mut Criterion) {
    let data = dataset();
    let order: Vec<u32> = (0..IMAGES as u32).collect();
    let mut group = c.benchmark_group("batch 100");
    group.sample_size(10).throughput(Throughput::Elements(IMAGES as u64));
    for (inputs, path) in [(Inputs::Unit, "lit"), (Inputs::Offset, "dense")] {
        let images = Images::new(&data.train, inputs);
        for hidden in HIDDEN {
            for entry in OPTIMIZERS {
                let mut ours = learner(entry, hidden, 100);
                group.bench_function(BenchmarkId::new(format!("{} {path}", entry.name), hidden), |b| {
                    b.iter(|| ours.learn(&images, black_box(&order)));
                });
            }
        }
    }
    group.finish();
}

fn tests(c: &mut Criterion) {
    let data = dataset();
    let mut group = c.benchmark_group("test of 10,000");
    group.sample_size(10).throughput(Throughput::Elements(data.test.len() as u64));
    for (inputs, path) in [(Inputs::Unit, "lit"), (Inputs::Offset, "dense")] {
        let evaluator = Evaluator::new(Images::new(&data.test, inputs), Threads::Pool);
        for hidden in HIDDEN {
            let network = draw(hidden);
            group.bench_function(BenchmarkId::new(path, hidden), |b| {
                b.iter(|| evaluator.count_right(black_box(&network.weights())));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, online, batches, tests);
criterion_main!(benches);
