//! One training step from a batch of images: by lit pixels, or by dense products where the images are dense.
//!
//! Images are independent on the way forward and back, and rows are independent in the update, so both spread over
//! threads; reading the batch, turning its lit pixels around and the dense products stay on one. Every sum is taken in an
//! order of its own that the number of threads does not touch.

use super::evaluator::dense_sums;
use super::images::Images;
use super::learner::{Outputs, Task};
use super::network::Network;
use super::phases::{Laps, Phase, Piece};
use super::threads::Threads;
use dlr_kernels::forward::hidden_sums;
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::gradient::{Gradient, Lighters, OfBatch, OfMatrix};
use dlr_kernels::lanes::{f32x8, vectors};
use dlr_kernels::layer::Layer;
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::Rule;
use rayon::prelude::*;

/// Images whose forward and backward pass is one piece of work for a thread.
const IMAGES_PER_PIECE: usize = 16;
/// Rows of the first layer whose update is one piece of work for a thread.
const ROWS_PER_PIECE: usize = 56;
/// Weights times images of a batch from which on several threads pay for their waking up (about 10 us).
const WORTH_THREADS: usize = 500_000;

/// What lies between the layers for a batch, a row per image, and the batch itself.
pub(super) struct Batch {
    lit: LitBatch,
    lighters: Lighters,
    dense: Option<Dense>,
    between: Between,
    second_gradient: Panel,
}

/// What a batch's images write on their way forward and back, a row each.
struct Between {
    hidden: Panel,
    hidden_deltas: Panel,
    output_deltas: Panel,
}

/// The dense path's images, `[batch][inputs]`, and gradient, `[inputs][Hp]`.
struct Dense {
    images: Vec<f32>,
    gradient: Panel,
}

impl Batch {
    pub(super) fn new(batch: usize, network: &Network) -> Self {
        let batch = if batch == 1 { 0 } else { batch };
        let (hidden, outputs) = (network.hidden(), network.outputs());
        Self {
            lit: LitBatch::default(),
            lighters: Lighters::default(),
            dense: None,
            between: Between {
                hidden: Panel::zeros(batch, hidden),
                hidden_deltas: Panel::zeros(batch, hidden),
                output_deltas: Panel::zeros(batch, outputs),
            },
            second_gradient: Panel::zeros(outputs, hidden),
        }
    }

    /// One update from the images numbered in `order`, at most as many as a batch has.
    pub(super) fn learn<A: Rule, B: Rule>(
        &mut self,
        first: &mut Layer<A>,
        second: &mut Layer<B>,
        task: Task,
        images: &Images,
        order: &[u32],
        laps: &mut impl Laps,
    ) {
        let work = order.len() * first.stored().as_slice().len();
        let threads = if work >= WORTH_THREADS { task.threads } else { Threads::One };
        let scale = 1.0 / order.len() as f32;
        if !images.are_dense() {
            self.lit.read(images, order);
            self.lighters.turn(images.inputs(), (0..order.len()).map(|b| self.lit.of(images, order, b)));
            laps.lap(Phase::Data);
            first.catch_up(self.lighters.pixels());
            let (lit, w1) = (&self.lit, first.stored());
            let sums = |b: usize, hidden: &mut [f32x8]| hidden_sums(lit.of(images, order, b), w1, hidden);
            laps.lap(Phase::Forward);
            self.between.pass(sums, second.stored(), task, images, order, threads, laps);
            self.update_second(second, order.len());
            update(
                first,
                &OfBatch { lighters: &self.lighters, deltas: &self.between.hidden_deltas, scale },
                threads,
            );
        } else {
            // No row is behind here: dense gradients move all of them at every update.
            let inputs = images.inputs();
            let dense = self.dense.get_or_insert_with(|| Dense {
                images: vec![0.0; self.between.hidden.rows() * inputs],
                gradient: Panel::zeros(inputs, first.stored().width()),
            });
            dense_sums(images, order, &mut dense.images, first.stored(), &mut self.between.hidden);
            laps.lap(Phase::Forward);
            self.between.pass(|_, _| {}, second.stored(), task, images, order, threads, laps);
            self.update_second(second, order.len());
            update(first, &OfMatrix { sums: self.dense_gradient(order.len()), scale }, threads);
        }
        laps.lap(Phase::Update);
    }

    /// The second layer's update, by the dense product of output deltas and hidden activations.
    fn update_second<R: Rule>(&mut self, second: &mut Layer<R>, images: usize) {
        let (outputs, stride) = (second.stored().rows(), second.stored().stride());
        let d2 = View::new(
            self.between.output_deltas.as_slice(),
            images,
            outputs,
            self.between.output_deltas.stride(),
        );
        let hidden = View::new(self.between.hidden.as_slice(), images, stride, stride);
        let sums = self.second_gradient.as_mut_slice();
        gemm(d2.transposed(), hidden, 0.0, &mut ViewMut::new(sums, outputs, stride, stride));
        second.update(&OfMatrix { sums: &self.second_gradient, scale: 1.0 / images as f32 });
    }

    /// The first layer's summed gradient by a dense product.
    fn dense_gradient(&mut self, images: usize) -> &Panel {
        let Dense { images: x, gradient } = self.dense.as_mut().expect("made on the way forward");
        let (inputs, stride) = (gradient.rows(), gradient.stride());
        let x = View::new(x, images, inputs, inputs);
        let d1 = View::new(self.between.hidden_deltas.as_slice(), images, stride, stride);
        gemm(x.transposed(), d1, 0.0, &mut ViewMut::new(gradient.as_mut_slice(), inputs, stride, stride));
        gradient
    }
}

impl Between {
    /// Takes every image from its hidden sums, which `sums(b, row)` writes unless they are there, to its deltas.
    #[expect(clippy::too_many_arguments, reason = "what a step has at hand")]
    fn pass<L: Laps>(
        &mut self,
        sums: impl Fn(usize, &mut [f32x8]) + Sync,
        second: &Panel,
        task: Task,
        images: &Images,
        order: &[u32],
        threads: Threads,
        laps: &mut L,
    ) {
        let (n, k) = (second.vectors(), vectors(second.rows()));
        let one = |y: &mut Outputs, laps: &mut L, (b, ((hidden, d1), d2)): (usize, Rows)| {
            sums(b, hidden);
            laps.lap(Phase::Forward);
            y.pass(task, second, images.label(order[b] as usize), hidden, d1, d2);
            laps.lap(Phase::Output);
        };
        let room = || Outputs::new(second.rows());
        let hidden = &mut self.hidden.as_vectors_mut()[..order.len() * n];
        let d1 = &mut self.hidden_deltas.as_vectors_mut()[..order.len() * n];
        let d2 = &mut self.output_deltas.as_vectors_mut()[..order.len() * k];
        if threads == Threads::Pool {
            hidden
                .par_chunks_exact_mut(n)
                .zip(d1.par_chunks_exact_mut(n))
                .zip(d2.par_chunks_exact_mut(k))
                .enumerate()
                .with_min_len(IMAGES_PER_PIECE)
                .for_each_init(
                    || (room(), Piece::new(&*laps)),
                    |(y, piece), rows| one(y, &mut piece.own, rows),
                );
            laps.lap_together();
        } else {
            let mut y = room();
            let rows = hidden.chunks_exact_mut(n).zip(d1.chunks_exact_mut(n)).zip(d2.chunks_exact_mut(k));
            rows.enumerate().for_each(|rows| one(&mut y, laps, rows));
        }
    }
}

/// One image's rows of hidden activations, hidden deltas and output deltas.
type Rows<'a> = ((&'a mut [f32x8], &'a mut [f32x8]), &'a mut [f32x8]);

/// One update, by several threads if that is worth it. Rows are independent, so the pieces' size decides nothing but
/// the speed, except where norms of lanes are summed piece by piece: it is the same for any number of threads.
fn update<R: Rule>(layer: &mut Layer<R>, gradient: &impl Gradient, threads: Threads) {
    let mut blocks: Vec<_> = layer.blocks(ROWS_PER_PIECE).collect();
    if threads == Threads::Pool {
        blocks.par_iter_mut().for_each(|block| block.update(gradient));
    } else {
        blocks.iter_mut().for_each(|block| block.update(gradient));
    }
    drop(blocks);
    layer.settle();
}

/// The values of a batch's lit pixels, read once for the way forward and the way back.
#[derive(Default)]
struct LitBatch {
    value: Vec<f32>,
    /// Image b's values end here, and start where those of the image before end.
    end: Vec<usize>,
}

/// Images ahead of the one being read that are asked for from memory: reading is soon done.
const AHEAD: usize = 8;

impl LitBatch {
    fn read(&mut self, images: &Images, order: &[u32]) {
        self.value.clear();
        self.end.clear();
        for (n, &image) in order.iter().enumerate() {
            images.look_ahead(order, n, AHEAD);
            images.read(image as usize, &mut self.value);
            self.end.push(self.value.len());
        }
    }

    /// Image `b` of the batch, which is number `order[b]` of all.
    fn of<'a>(&'a self, images: &'a Images, order: &[u32], b: usize) -> Lit<'a> {
        let start = if b == 0 { 0 } else { self.end[b - 1] };
        Lit::new(images.numbers(order[b] as usize), &self.value[start..self.end[b]])
    }
}
