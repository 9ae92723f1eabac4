//! Every kernel by itself, on the first 64 images of MNIST in turn (150 of 784 pixels lit), one call per image.
//!
//! The bound that each is named with is for Zen 4 and its kin, in cycles of some 3.6 GHz: two 256-bit FMA, two loads and one
//! store a cycle; a root 5 cycles, a division 3.3. A build with vectors of sixteen needs as many there, and about half of them
//! with units as wide as its vectors. With n vectors of eight in a row of hidden units and 150 lit rows, of which 80 had a
//! pause:
//!
//! | kernel | bound by | cycles per image |
//! | --- | --- | --- |
//! | hidden sums | loads: 150 n | 75 n |
//! | activate | n logistics of about 20 operations | 10 n |
//! | output sums, hidden deltas | loads: 10 n each | 5 n |
//! | learn, first layer (forward, and update by given deltas): SGD | 75 n, and stores: 150 n | 225 n |
//! | DLR by rows | FMA ports, 4 a vector: 2 x 150 n; 19 roots and divisions | 300 n + 158 |
//! | DLR by lanes | FMA ports, 2 additions beside them: 75 n, and 4 x 75 n | 375 n |
//! | Nesterov | loads: 2 x 75 n, and stores: 2 x 150 n | 450 n |
//! | products of 64 images, each with those before it | 50 groups x 4.5 vectors x 7 operations, 4 ports | 394 |
//! | the same with vectors of sixteen and products of bytes | 50 groups x 2.5 vectors x 2 products, 2 ports | 125 |
//! | products of 64 images with 64 before, the last 60 before each | 50 groups x 4 vectors x 7 operations, 4 ports | 350 |
//! | the same with vectors of sixteen and products of bytes | 50 groups x 2.25 vectors x 2 products, 2 ports | 113 |
//! | what 64 images do to each other's net inputs | FMA ports: 31.5 n | 16 n |
//! | what those before do to them | FMA ports: 32 n | 16 n |
//! | update of the second layer by a batch, groups of four outputs | FMA ports: 12 n | 6 n |
//! | Adam | root and division: 150 n x 8.3, and 80 n divisions of pauses | 1509 n |
//!
//! What the bounds leave out: every row also loads its pixel's number and value; rows come from the second-level cache, 32
//! bytes a cycle at best; sweeps begin and end.

use criterion::{Criterion, criterion_group, criterion_main};
use dlr::data::{self, Dataset};
use dlr::engine::images::{Images, Inputs};
use dlr::engine::network::Network;
use dlr::engine::settings::Init;
use dlr_kernels::ahead::Products;
use dlr_kernels::forward::{activate, hidden_sums};
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::gradient::{OfBatch, OfBatchOutputs, OfOutputs};
use dlr_kernels::lanes::{f32xN, vectors};
use dlr_kernels::layer::Layer;
use dlr_kernels::lighters::Lighters;
use dlr_kernels::lit::Lit;
use dlr_kernels::logistic::logistic;
use dlr_kernels::output::{Backprop, OneHot, hidden_deltas, output_deltas, output_sums};
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::Rule;
use dlr_kernels::rules::{Adam, Dlr, EveryRow, Momentum, Sgd};
use dlr_kernels::tiled::Tiled;
use std::hint::black_box;

const HIDDEN: [usize; 3] = [30, 100, 300];
const IMAGES: usize = 64;

fn mnist() -> Dataset {
    let folder = data::find(None).expect("MNIST lies in data/mnist");
    Dataset::open(&folder).expect("MNIST is whole")
}

/// Some images' lit pixels, ready for the kernels.
struct Pixels(Vec<(Vec<u16>, Vec<f32>)>);

impl Pixels {
    fn of_mnist() -> Self {
        let data = mnist();
        let images = Images::new(&data.train, Inputs::Unit);
        let mut room = Vec::new();
        let pixels = (0..IMAGES).map(|n| {
            let lit = images.lit(n, &mut room);
            (lit.index().to_vec(), lit.value().to_vec())
        });
        Self(pixels.collect())
    }

    fn lit(&self, n: usize) -> Lit<'_> {
        let (index, value) = &self.0[n % IMAGES];
        Lit::new(index, value)
    }
}

fn draw(hidden: usize) -> Network {
    Network::draw(784, hidden, 10, Init::FanIn, 1)
}

/// Calls `body` with 0, 1, 2, ...
fn per_image(c: &mut Criterion, name: &str, hidden: usize, mut body: impl FnMut(usize)) {
    let mut n = 0;
    c.bench_function(&format!("{name}/{hidden}"), |b| {
        b.iter(|| {
            body(n);
            n += 1;
        });
    });
}

fn forward(c: &mut Criterion) {
    let pixels = Pixels::of_mnist();
    for hidden in HIDDEN {
        let network = draw(hidden);
        let n = hidden.div_ceil(8);
        let mut h = vec![f32xN::ZERO; network.first.vectors()];
        let bound = format!("hidden sums (bound {} cycles)", 75 * n);
        per_image(c, &bound, hidden, |image| {
            hidden_sums(pixels.lit(image), &network.first, black_box(&mut h))
        });
        let bound = format!("activate (bound {} cycles)", 10 * n);
        let sums = h.clone();
        per_image(c, &bound, hidden, |_| {
            h.copy_from_slice(&sums);
            activate(black_box(&mut h), hidden);
        });
        let mut y = vec![f32xN::ZERO; vectors(10)];
        let bound = format!("output sums (bound {} cycles)", 5 * n);
        per_image(c, &bound, hidden, |_| output_sums(black_box(&h), &network.last, &mut y));
        let mut d1 = h.clone();
        let errors = vec![f32xN::splat(0.1); vectors(10)];
        let bound = format!("hidden deltas (bound {} cycles)", 5 * n);
        per_image(c, &bound, hidden, |_| hidden_deltas(black_box(&errors), &network.last, &h, &mut d1));
    }
    c.bench_function("logistic of a vector", |b| b.iter(|| logistic(black_box(f32xN::splat(0.5)))));
    let [mut y, mut d2, mut errors] = [(); 3].map(|()| vec![f32xN::ONE; vectors(10)]);
    c.bench_function("output deltas of 10", |b| {
        let target = OneHot { low: 0.0, high: 1.0 };
        b.iter(|| output_deltas(black_box(&mut y), 3, target, Backprop::Mse, &mut d2, &mut errors));
    });
}

fn learn_first<R: Rule>(
    c: &mut Criterion,
    pixels: &Pixels,
    name: &str,
    bound: impl Fn(usize) -> usize,
    rule: R,
) {
    for hidden in HIDDEN {
        let mut layer = Layer::new(draw(hidden).first, rule.clone());
        let deltas = vec![f32xN::splat(1e-3); layer.stored().vectors()];
        let mut sums = deltas.clone();
        let name = format!("learn first layer: {name} (bound {} cycles)", bound(hidden.div_ceil(8)));
        per_image(c, &name, hidden, |image| {
            layer.learn(pixels.lit(image), &mut sums, |sums| {
                black_box(sums);
                &deltas
            });
        });
    }
}

fn update_second<R: Rule>(c: &mut Criterion, name: &str, rule: R) {
    for hidden in HIDDEN {
        let mut layer = Layer::new(draw(hidden).last, rule.clone());
        let h = vec![f32xN::splat(1e-3); layer.stored().vectors()];
        let name = format!("update second layer: {name}");
        per_image(c, &name, hidden, |_| {
            layer.update(&OfOutputs { deltas: black_box(&[1e-3; 10]), hidden: &h })
        });
    }
}

fn updates(c: &mut Criterion) {
    let pixels = Pixels::of_mnist();
    let (lr, alpha) = (1e-3, 1.0);
    learn_first(c, &pixels, "sgd", |n| 225 * n, Sgd { lr });
    learn_first(c, &pixels, "dlr by rows", |n| 300 * n + 158, Dlr::<true> { lr, alpha });
    learn_first(c, &pixels, "dlr by lanes", |n| 375 * n, Dlr::<false> { lr, alpha });
    let nesterov = Momentum::nesterov(1e-3, 0.9);
    let adam = Adam::new(1e-3, 0.9, 0.999, 1e-8);
    learn_first(c, &pixels, "nesterov", |n| 450 * n, nesterov.at_rest());
    learn_first(c, &pixels, "adam", |n| 1_509 * n, adam.clone());
    update_second(c, "sgd", Sgd { lr });
    update_second(c, "dlr by rows", Dlr::<true> { lr, alpha });
    update_second(c, "dlr by lanes", Dlr::<false> { lr, alpha });
    update_second(c, "nesterov", EveryRow(nesterov));
    update_second(c, "adam", EveryRow(adam));
}

/// 64 updates of the first layer in one, by lit pixels, and what is remembered of them under momentum.
fn leap(c: &mut Criterion, hidden: usize, lighters: &[Lighters], lit: &[u16]) {
    let deltas = Tiled::of(&Panel::from_fn(IMAGES, hidden, |_, _| 1e-3), IMAGES);
    let gradient = OfBatch { parts: lighters, lit, deltas: &deltas, scale: 1.0 };
    let mut layer = Layer::new(draw(hidden).first, Sgd { lr: 1e-3 });
    c.bench_function(&format!("64 updates of the first layer in one/{hidden}"), |b| {
        b.iter(|| layer.whole().leap(&gradient));
    });
    let mut layer = Layer::new(draw(hidden).first, Momentum::nesterov(1e-3, 0.9).at_rest());
    c.bench_function(&format!("what is remembered of them: nesterov/{hidden}"), |b| {
        b.iter(|| layer.whole().remember(&gradient));
    });
}

/// A batch of 64 in the first layer: by lit pixels and by dense products.
fn batch(c: &mut Criterion) {
    let pixels = Pixels::of_mnist();
    let mut dense = vec![0.0; IMAGES * 784];
    for (row, n) in dense.chunks_exact_mut(784).zip(0..) {
        let lit = pixels.lit(n);
        lit.index().iter().zip(lit.value()).for_each(|(&j, &x)| row[usize::from(j)] = x);
    }
    let data = mnist();
    let images = Images::new(&data.train, Inputs::Unit);
    let (mut lighters, mut lit) = ([Lighters::new(images.grouping())], Vec::new());
    let turn = |to: &mut Lighters| to.turn(images.levels(), (0..IMAGES).map(|n| images.groups().of(n)));
    c.bench_function("turn a batch of 64", |b| b.iter(|| turn(&mut lighters[0])));
    turn(&mut lighters[0]); // whatever benches have been chosen
    c.bench_function("list the lit groups of a batch of 64", |b| {
        b.iter(|| Lighters::list(&lighters, &mut lit));
    });
    Lighters::list(&lighters, &mut lit);
    let mut products = Products::default();
    c.bench_function("products of 64 images (394 cycles an image, or 125)", |b| {
        b.iter(|| products.of_lit(&lighters[0], (0..IMAGES).map(|n| images.groups().of(n))));
    });
    let (mut earlier, span) = (Products::default(), 60);
    c.bench_function("products of 64 images with those before, span 60 (350 cycles an image, or 113)", |b| {
        b.iter(|| {
            earlier.of_lit_with(IMAGES, &lighters[0], (0..IMAGES).map(|n| images.groups().of(n)), span);
        });
    });
    for hidden in HIDDEN {
        let weights = draw(hidden).first;
        let stride = weights.stride();
        let cycles = 2 * stride;
        c.bench_function(&format!("64 images meet each other ({cycles} cycles an image)/{hidden}"), |b| {
            let mut sums = Panel::zeros(IMAGES, hidden);
            let deltas = Panel::from_fn(IMAGES, hidden, |_, _| 1e-3);
            b.iter(|| {
                for image in 0..IMAGES {
                    products.meet(image, deltas.as_vectors(), sums.as_vectors_mut());
                }
            });
        });
        c.bench_function(&format!("64 images meet those before ({cycles} cycles an image)/{hidden}"), |b| {
            let mut sums = Panel::zeros(IMAGES, hidden);
            let deltas = Panel::from_fn(IMAGES, hidden, |_, _| 1e-3);
            b.iter(|| earlier.meet_earlier(deltas.as_vectors(), sums.as_vectors_mut(), span));
        });
        leap(c, hidden, &lighters, &lit);
        let deltas = Tiled::of(&Panel::from_fn(IMAGES, hidden, |_, _| 1e-3), IMAGES);
        let mut layer = Layer::new(weights.clone(), Sgd { lr: 1e-3 });
        c.bench_function(&format!("update first layer, batch of 64 by lit pixels: sgd/{hidden}"), |b| {
            let gradient = OfBatch { parts: &lighters, lit: &lit, deltas: &deltas, scale: 1.0 / 64.0 };
            b.iter(|| layer.update(&gradient));
        });
        let [d2, h] = [10, hidden].map(|width| Panel::from_fn(IMAGES, width, |_, _| 1e-3));
        let mut last = Layer::new(draw(hidden).last, Sgd { lr: 1e-3 });
        let cycles = 6 * hidden.div_ceil(8);
        let name = format!("update second layer, batch of 64: sgd ({cycles} cycles an image)/{hidden}");
        c.bench_function(&name, |b| {
            let gradient = OfBatchOutputs { deltas: &d2, hidden: &h, images: IMAGES, scale: 1.0 / 64.0 };
            b.iter(|| last.update(&gradient));
        });
        let mut sums = Panel::zeros(IMAGES, hidden);
        c.bench_function(&format!("hidden sums, batch of 64 by lit pixels/{hidden}"), |b| {
            b.iter(|| {
                Lighters::hidden_sums(
                    &lighters,
                    weights.as_vectors(),
                    0..weights.vectors(),
                    sums.as_vectors_mut(),
                )
            });
        });
        let pair = [lighters[0].clone(), lighters[0].clone()];
        let mut both = Panel::zeros(2 * IMAGES, hidden);
        c.bench_function(&format!("hidden sums, two parts of 64 together/{hidden}"), |b| {
            b.iter(|| {
                Lighters::hidden_sums(
                    &pair,
                    weights.as_vectors(),
                    0..weights.vectors(),
                    both.as_vectors_mut(),
                )
            });
        });
        let flops = 2 * IMAGES * 784 * stride;
        c.bench_function(&format!("dense product forward, batch of 64 ({flops} flop)/{hidden}"), |b| {
            let x = View::new(&dense, IMAGES, 784, 784);
            let w = View::new(weights.as_slice(), 784, stride, stride);
            b.iter(|| gemm(x, w, 0.0, &mut ViewMut::new(sums.as_mut_slice(), IMAGES, stride, stride)));
        });
    }
}

criterion_group!(benches, forward, updates, batch);
criterion_main!(benches);
