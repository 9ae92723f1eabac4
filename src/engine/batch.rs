//! One training step from a batch of images: by lit pixels, or by dense products where the images are dense.
//!
//! Images are independent on the way forward and back, and rows are independent in the update, so both spread over
//! threads. Every sum is taken in an order of its own that the number of threads does not touch.

use super::images::Images;
use super::learner::Task;
use super::network::Network;
use dlr_kernels::forward::{activate, hidden_sums};
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::gradient::{Gradient, Lighters, OfBatch, OfMatrix};
use dlr_kernels::lanes::{LANES, f32x8};
use dlr_kernels::layer::Layer;
use dlr_kernels::lit::Lit;
use dlr_kernels::output::{hidden_deltas, output_deltas, output_sums};
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::Rule;
use rayon::prelude::*;

/// Images whose forward and backward pass is one piece of work for a thread.
const IMAGES_PER_PIECE: usize = 16;
/// Rows of the first layer whose update is one piece of work for a thread.
const ROWS_PER_PIECE: usize = 56;
/// Weights times images of a batch from which on several threads pay for their waking up (about 10 us).
const WORTH_THREADS: usize = 500_000;
/// Density from which on a batch goes through dense products: they do all the work at several times the speed.
const DENSE: f64 = 0.5;

/// What lies between the layers for a batch, a row per image, and the batch itself.
pub(super) struct Batch {
    lit: LitBatch,
    hidden: Panel,
    hidden_deltas: Panel,
    output_deltas: Panel,
    second_gradient: Panel,
    lighters: Lighters,
    dense: Option<Dense>,
}

/// The dense path's images, [batch][inputs], and gradient, [inputs][Hp].
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
            hidden: Panel::zeros(batch, hidden),
            hidden_deltas: Panel::zeros(batch, hidden),
            output_deltas: Panel::zeros(batch, outputs),
            second_gradient: Panel::zeros(outputs, hidden),
            lighters: Lighters::default(),
            dense: None,
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
    ) {
        let (inputs, stride, outputs) = (images.inputs(), first.weights().stride(), second.weights().rows());
        let threads = order.len() * first.weights().as_slice().len() >= WORTH_THREADS;
        let scale = 1.0 / order.len() as f32;
        let dense = images.density() >= DENSE;
        if dense {
            self.dense_sums(first.weights(), images, order);
        } else {
            self.lit.read(images, order);
        }

        let (lit, w1, w2) = (&self.lit, first.weights(), second.weights());
        let n = w1.vectors();
        let pieces = self
            .hidden
            .as_vectors_mut()
            .par_chunks_mut(n * IMAGES_PER_PIECE)
            .zip(self.hidden_deltas.as_vectors_mut().par_chunks_mut(n * IMAGES_PER_PIECE))
            .zip(
                self.output_deltas
                    .as_vectors_mut()
                    .par_chunks_mut(outputs.div_ceil(LANES) * IMAGES_PER_PIECE),
            )
            .zip(order.par_chunks(IMAGES_PER_PIECE))
            .enumerate();
        let piece =
            |(piece, (((hidden, d1), d2), order)): (usize, (((&mut [_], &mut [_]), &mut [_]), &[u32]))| {
                let mut y = vec![f32x8::ZERO; outputs.div_ceil(LANES)];
                let mut errors = y.clone();
                let rows = hidden.chunks_mut(n).zip(d1.chunks_mut(n)).zip(d2.chunks_mut(y.len()));
                for ((b, ((hidden, d1), d2)), &image) in (piece * IMAGES_PER_PIECE..).zip(rows).zip(order) {
                    if !dense {
                        hidden_sums(lit.of(b), w1, hidden);
                    }
                    activate(hidden, w1.width());
                    output_sums(hidden, w2, &mut y);
                    output_deltas(
                        &mut y,
                        images.label(image as usize),
                        task.one_hot,
                        task.backprop,
                        d2,
                        &mut errors,
                    );
                    hidden_deltas(&errors, w2, hidden, d1);
                }
            };
        if threads {
            pieces.for_each(piece)
        } else {
            pieces.with_min_len(usize::MAX).for_each(piece)
        }

        let d2 = View::new(self.output_deltas.as_slice(), order.len(), outputs, self.output_deltas.stride());
        let hidden = View::new(self.hidden.as_slice(), order.len(), stride, stride);
        let mut sums = ViewMut::new(self.second_gradient.as_mut_slice(), outputs, stride, stride);
        gemm(d2.transposed(), hidden, 0.0, &mut sums);
        second.update(&OfMatrix { sums: &self.second_gradient, scale });

        if let Some(Dense { images, gradient }) = self.dense.as_mut().filter(|_| dense) {
            let x = View::new(images, order.len(), inputs, inputs);
            let d1 = View::new(self.hidden_deltas.as_slice(), order.len(), stride, stride);
            gemm(x.transposed(), d1, 0.0, &mut ViewMut::new(gradient.as_mut_slice(), inputs, stride, stride));
            update(first, &OfMatrix { sums: gradient, scale }, threads);
        } else {
            self.lighters.turn(inputs, (0..order.len()).map(|b| lit.of(b)));
            update(first, &OfBatch { lighters: &self.lighters, deltas: &self.hidden_deltas, scale }, threads);
        }
    }

    /// The hidden units' net inputs by a dense product.
    fn dense_sums(&mut self, weights: &Panel, images: &Images, order: &[u32]) {
        let (inputs, stride) = (images.inputs(), weights.stride());
        let batch = self.hidden.rows();
        let dense = self.dense.get_or_insert_with(|| Dense {
            images: vec![0.0; batch * inputs],
            gradient: Panel::zeros(inputs, weights.width()),
        });
        for (row, &image) in dense.images.chunks_exact_mut(inputs).zip(order) {
            images.dense(image as usize, row);
        }
        let x = View::new(&dense.images, order.len(), inputs, inputs);
        let w = View::new(weights.as_slice(), inputs, stride, stride);
        gemm(x, w, 0.0, &mut ViewMut::new(self.hidden.as_mut_slice(), order.len(), stride, stride));
    }
}

/// One update, by several threads if that is worth it. Rows are independent, so the pieces' size decides nothing but
/// the speed, except where norms of lanes are summed piece by piece: it is the same for any number of threads.
fn update<R: Rule>(layer: &mut Layer<R>, gradient: &impl Gradient, threads: bool) {
    let mut blocks: Vec<_> = layer.blocks(ROWS_PER_PIECE).collect();
    if threads {
        blocks.par_iter_mut().for_each(|block| block.update(gradient));
    } else {
        blocks.iter_mut().for_each(|block| block.update(gradient));
    }
    drop(blocks);
    layer.settle();
}

/// A batch's lit pixels, read once for the way forward and the way back.
#[derive(Default)]
struct LitBatch {
    index: Vec<u16>,
    value: Vec<f32>,
    /// Image b's lit pixels end here, and start where those of the image before end.
    end: Vec<usize>,
}

impl LitBatch {
    fn read(&mut self, images: &Images, order: &[u32]) {
        self.index.clear();
        self.value.clear();
        self.end.clear();
        for &image in order {
            self.index.extend_from_slice(images.read(image as usize, &mut self.value));
            self.end.push(self.index.len());
        }
    }

    fn of(&self, b: usize) -> Lit<'_> {
        let range = if b == 0 { 0 } else { self.end[b - 1] }..self.end[b];
        Lit::new(&self.index[range.clone()], &self.value[range])
    }
}
