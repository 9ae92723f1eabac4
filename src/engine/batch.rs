//! One training step from a batch of images: by lit pixels, or by dense products where the images are dense.
//!
//! Images are independent on the way forward and back, and rows are independent in the update, so both spread over
//! threads. Reading a batch's lit pixels and turning them around is serial, but needs nothing of the network: one thread
//! does it for the next batch of the same call while the others are at this one. The dense products stay on one thread.
//! Every sum is taken in an order of its own that the number of threads does not touch.

use super::evaluator::dense_sums;
use super::images::Images;
use super::inner::{self, Rows};
use super::learner::{Layers, Outputs, Task};
use super::network::Network;
use super::phases::{Laps, Phase, Piece};
use super::threads::Threads;
use dlr_kernels::forward::hidden_sums;
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::gradient::{Gradient, Lighters, OfBatch, OfMatrix};
use dlr_kernels::lanes::{f32xN, vectors};
use dlr_kernels::layer::Layer;
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::Rule;
use dlr_kernels::sweep::Block;
use rayon::prelude::*;

/// Images whose forward and backward pass is one piece of work for a thread, at least: few, so that threads end together.
const IMAGES_PER_PIECE: usize = 6;
/// Rows of the first layer whose update is one piece of work for a thread.
const ROWS_PER_PIECE: usize = 28;
/// Weights times images of a batch from which on several threads pay for their waking up (about 10 us).
const WORTH_THREADS: usize = 500_000;

/// What lies between the layers for a batch, a row per image, and the batch itself.
pub(super) struct Batch {
    now: Pixels,
    next: Pixels,
    dense: Option<Dense>,
    /// Of each hidden layer.
    rows: Vec<Rows>,
    output_deltas: Panel,
    /// Of each inner layer.
    inner_gradients: Vec<Panel>,
    last_gradient: Panel,
}

/// The dense path's images, `[batch][inputs]`, and gradient, `[inputs][Hp]`.
struct Dense {
    images: Vec<f32>,
    gradient: Panel,
}

impl Batch {
    pub(super) fn new(batch: usize, network: &Network) -> Self {
        let batch = if batch == 1 { 0 } else { batch };
        Self {
            now: Pixels::default(),
            next: Pixels::default(),
            dense: None,
            rows: network.hidden().layers().iter().map(|&units| Rows::new(batch, units)).collect(),
            output_deltas: Panel::zeros(batch, network.outputs()),
            inner_gradients: network.inner.iter().map(|w| Panel::zeros(w.rows(), w.width())).collect(),
            last_gradient: Panel::zeros(network.outputs(), network.last.width()),
        }
    }

    /// One update from the images numbered in `order`, at most as many as a batch has. The next is from those in `next`,
    /// if there are any.
    pub(super) fn learn<A: Rule, B: Rule, L: Laps>(
        &mut self,
        mut layers: Layers<A, B>,
        task: Task,
        images: &Images,
        (order, next): (&[u32], &[u32]),
        laps: &mut L,
    ) {
        let work = order.len() * layers.first.stored().as_slice().len();
        let step = Step {
            task,
            images,
            order,
            threads: if work >= WORTH_THREADS { task.threads } else { Threads::One },
            laps: &*laps,
        };
        if images.are_dense() {
            self.learn_dense(&mut layers, &step);
        } else {
            let (mut ahead, mut now) = (std::mem::take(&mut self.next), std::mem::take(&mut self.now));
            debug_assert!(now.ahead == 0 || now.ahead == order.len(), "what was read ahead is what comes");
            if std::mem::take(&mut now.ahead) == 0 {
                now.read(images, order, &step);
            }
            match step.threads {
                Threads::One => self.learn_lit(&mut layers, &now, &step),
                Threads::Pool if next.is_empty() => self.learn_lit(&mut layers, &now, &step),
                Threads::Pool => {
                    rayon::join(
                        || self.learn_lit(&mut layers, &now, &step),
                        || {
                            ahead.read(images, next, &step);
                            ahead.ahead = next.len();
                        },
                    );
                }
            }
            (self.now, self.next) = (ahead, now);
        }
        laps.lap_together();
    }

    /// By lit pixels.
    fn learn_lit<A: Rule, B: Rule, L: Laps>(
        &mut self,
        layers: &mut Layers<A, B>,
        pixels: &Pixels,
        step: &Step<L>,
    ) {
        step.serial(Phase::Forward, || layers.first.catch_up(pixels.lighters.pixels()));
        let w1 = layers.first.stored();
        let sums = |b, hidden: &mut [f32xN]| hidden_sums(pixels.of(step, b), w1, hidden);
        if layers.inner.is_empty() {
            self.pass(sums, layers.last.stored(), step);
        } else {
            each_row(&mut self.rows[0].hidden, sums, step);
            self.pass_inner(layers, step);
        }
        step.serial(Phase::Update, || self.update_upper(layers, step.order.len()));
        let (lighters, deltas) = (&pixels.lighters, &self.rows[0].deltas);
        step.update(layers.first, &OfBatch { lighters, deltas, scale: step.scale() });
    }

    /// By dense products. No row is behind here: dense gradients move all of them at every update.
    fn learn_dense<A: Rule, B: Rule, L: Laps>(&mut self, layers: &mut Layers<A, B>, step: &Step<L>) {
        let (inputs, w1) = (step.images.inputs(), layers.first.stored());
        let dense = self.dense.get_or_insert_with(|| Dense {
            images: vec![0.0; self.rows[0].hidden.rows() * inputs],
            gradient: Panel::zeros(inputs, w1.width()),
        });
        step.serial(Phase::Forward, || {
            dense_sums(step.images, step.order, &mut dense.images, w1, &mut self.rows[0].hidden);
        });
        if layers.inner.is_empty() {
            self.pass(|_, _| {}, layers.last.stored(), step);
        } else {
            self.pass_inner(layers, step);
        }
        step.serial(Phase::Update, || {
            self.update_upper(layers, step.order.len());
            self.dense_gradient(step.order.len());
        });
        let sums = &self.dense.as_ref().expect("made on the way forward").gradient;
        step.update(layers.first, &OfMatrix { sums, scale: step.scale() });
    }

    /// From the net inputs of the first hidden layer to the deltas of all of them, where there are several.
    fn pass_inner<A: Rule, B: Rule, L: Laps>(&mut self, layers: &Layers<A, B>, step: &Step<L>) {
        let images = step.order.len();
        step.serial(Phase::Output, || {
            for (l, inner) in layers.inner.iter().enumerate() {
                let (before, after) = pair(&mut self.rows, l);
                inner::forward(inner.layer.stored(), before, after, images);
            }
        });
        self.pass(|_, _| {}, layers.last.stored(), step);
        step.serial(Phase::Output, || {
            for (l, inner) in layers.inner.iter().enumerate().rev() {
                let (before, after) = pair(&mut self.rows, l);
                inner::backward(inner.layer.stored(), before, after, images);
            }
        });
    }

    /// Takes every image from its net inputs of the last hidden layer, which `sums(b, row)` writes unless they are there, to
    /// its deltas there and at the outputs.
    fn pass<L: Laps>(&mut self, sums: impl Fn(usize, &mut [f32xN]) + Sync, last: &Panel, step: &Step<L>) {
        let &Step { task, images, order, laps, .. } = step;
        let (n, k) = (last.vectors(), vectors(last.rows()));
        let room = || (Outputs::new(last.rows()), Piece::new(laps));
        let one = |(y, piece): &mut (Outputs, Piece<L>), (b, ((hidden, d1), d2)): (usize, OfOne)| {
            sums(b, hidden);
            piece.own.lap(Phase::Forward);
            y.pass(task, last, images.label(order[b] as usize), hidden, d1, d2);
            piece.own.lap(Phase::Output);
        };
        let Rows { hidden, deltas } = self.rows.last_mut().expect("a network has a hidden layer");
        let hidden = &mut hidden.as_vectors_mut()[..order.len() * n];
        let d1 = &mut deltas.as_vectors_mut()[..order.len() * n];
        let d2 = &mut self.output_deltas.as_vectors_mut()[..order.len() * k];
        match step.threads {
            Threads::Pool => hidden
                .par_chunks_exact_mut(n)
                .zip(d1.par_chunks_exact_mut(n))
                .zip(d2.par_chunks_exact_mut(k))
                .enumerate()
                .with_min_len(IMAGES_PER_PIECE)
                .for_each_init(room, one),
            Threads::One => {
                let mut room = room();
                let rows = hidden.chunks_exact_mut(n).zip(d1.chunks_exact_mut(n)).zip(d2.chunks_exact_mut(k));
                rows.enumerate().for_each(|rows| one(&mut room, rows));
            }
        }
    }

    /// The updates of all layers but the first, by dense products of deltas and hidden activations.
    fn update_upper<A: Rule, B: Rule>(&mut self, layers: &mut Layers<A, B>, images: usize) {
        for (l, (inner, gradient)) in layers.inner.iter_mut().zip(&mut self.inner_gradients).enumerate() {
            inner::update(&mut inner.layer, gradient, &self.rows[l], &self.rows[l + 1], images);
        }
        let (outputs, stride) = (layers.last.stored().rows(), layers.last.stored().stride());
        let d2 = View::new(self.output_deltas.as_slice(), images, outputs, self.output_deltas.stride());
        let hidden = &self.rows[self.rows.len() - 1].hidden;
        let hidden = View::new(hidden.as_slice(), images, stride, stride);
        let sums = self.last_gradient.as_mut_slice();
        gemm(d2.transposed(), hidden, 0.0, &mut ViewMut::new(sums, outputs, stride, stride));
        layers.last.update(&OfMatrix { sums: &self.last_gradient, scale: 1.0 / images as f32 });
    }

    /// The first layer's summed gradient by a dense product.
    fn dense_gradient(&mut self, images: usize) {
        let Dense { images: x, gradient } = self.dense.as_mut().expect("made on the way forward");
        let (inputs, stride) = (gradient.rows(), gradient.stride());
        let x = View::new(x, images, inputs, inputs);
        let d1 = View::new(self.rows[0].deltas.as_slice(), images, stride, stride);
        gemm(x.transposed(), d1, 0.0, &mut ViewMut::new(gradient.as_mut_slice(), inputs, stride, stride));
    }
}

/// What the parts of a step have in common.
struct Step<'a, L: Laps> {
    task: Task,
    images: &'a Images<'a>,
    order: &'a [u32],
    threads: Threads,
    laps: &'a L,
}

impl<L: Laps> Step<'_, L> {
    /// What the sums of gradients are multiplied by.
    fn scale(&self) -> f32 {
        1.0 / self.order.len() as f32
    }

    /// Does what is one thread's work.
    fn serial(&self, phase: Phase, work: impl FnOnce()) {
        let mut piece = Piece::new(self.laps);
        work();
        piece.own.lap(phase);
    }

    /// One update of the first layer. Rows are independent, so the pieces' size decides nothing but the speed, except where
    /// norms of lanes are summed piece by piece: it is the same for any number of threads.
    fn update<R: Rule>(&self, layer: &mut Layer<R>, gradient: &impl Gradient) {
        let one = |block: &mut Block<R>| self.serial(Phase::Update, || block.update(gradient));
        let mut blocks: Vec<_> = layer.blocks(ROWS_PER_PIECE).collect();
        match self.threads {
            Threads::One => blocks.iter_mut().for_each(one),
            Threads::Pool => blocks.par_iter_mut().for_each(one),
        }
        drop(blocks);
        layer.settle();
    }
}

/// What lies before and after an inner layer.
fn pair(rows: &mut [Rows], l: usize) -> (&mut Rows, &mut Rows) {
    let (before, after) = rows[l..].split_first_mut().expect("an inner layer has units before it");
    (before, after.first_mut().expect("an inner layer has units after it"))
}

/// Writes every image's row by `write(b, row)`.
fn each_row<L: Laps>(rows: &mut Panel, write: impl Fn(usize, &mut [f32xN]) + Sync, step: &Step<L>) {
    let n = rows.vectors();
    let rows = &mut rows.as_vectors_mut()[..step.order.len() * n];
    let one = |piece: &mut Piece<L>, (b, row): (usize, &mut [f32xN])| {
        write(b, row);
        piece.own.lap(Phase::Forward);
    };
    let room = || Piece::new(step.laps);
    match step.threads {
        Threads::Pool => {
            let rows = rows.par_chunks_exact_mut(n).enumerate().with_min_len(IMAGES_PER_PIECE);
            rows.for_each_init(room, one);
        }
        Threads::One => {
            let mut room = room();
            rows.chunks_exact_mut(n).enumerate().for_each(|row| one(&mut room, row));
        }
    }
}

/// One image's rows of hidden activations, hidden deltas and output deltas.
type OfOne<'a> = ((&'a mut [f32xN], &'a mut [f32xN]), &'a mut [f32xN]);

/// A batch's lit pixels, read once for the way forward and the way back.
#[derive(Default)]
struct Pixels {
    value: Vec<f32>,
    /// Image b's values end here, and start where those of the image before end.
    end: Vec<usize>,
    lighters: Lighters,
    /// How many images have been read ahead, for the batch to come.
    ahead: usize,
}

/// Images ahead of the one being read that are asked for from memory: reading is soon done.
const AHEAD: usize = 8;

impl Pixels {
    fn read<L: Laps>(&mut self, images: &Images, order: &[u32], step: &Step<L>) {
        step.serial(Phase::Data, || {
            self.value.clear();
            self.end.clear();
            for (n, &image) in order.iter().enumerate() {
                images.look_ahead(order, n, AHEAD);
                images.read(image as usize, &mut self.value);
                self.end.push(self.value.len());
            }
            let Self { value, end, lighters, .. } = self;
            lighters.turn(images.inputs(), (0..order.len()).map(|b| lit(value, end, images, order, b)));
        });
    }

    /// Image `b` of the step's batch.
    fn of<'a, L: Laps>(&'a self, step: &'a Step<L>, b: usize) -> Lit<'a> {
        lit(&self.value, &self.end, step.images, step.order, b)
    }
}

/// Image `b` of a batch, which is number `order[b]` of all, with its part of `value`.
fn lit<'a>(value: &'a [f32], end: &[usize], images: &'a Images, order: &[u32], b: usize) -> Lit<'a> {
    let start = if b == 0 { 0 } else { end[b - 1] };
    Lit::new(images.numbers(order[b] as usize), &value[start..end[b]])
}
