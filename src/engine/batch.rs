//! One training step from a batch of images: by lit pixels, or by dense products where the images are dense.
//!
//! Images are independent on the way forward and back, and rows are independent in the update, so both spread over
//! threads: the batch goes forward in parts, and the rows in slices, and blocks of rows are updated. Reading the next batch of
//! the same call needs nothing of the network, and is done while this one's rows are updated. The dense products stay on one
//! thread. Every sum is taken in an order of its own that the number of threads does not touch.

use super::evaluator::dense_sums;
use super::images::Images;
use super::inner::{self, Inner, Rows};
use super::learner::{Layers, Outputs, Task};
use super::network::Network;
use super::phases::{Laps, Phase, Piece};
use super::threads::{Threads, useful_threads};
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::gradient::{Gradient, OfBatch, OfMatrix};
use dlr_kernels::lanes::{f32xN, vectors};
use dlr_kernels::layer::Layer;
use dlr_kernels::lighters::{GROUP, Lighters};
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::{Norms, Rule};
use dlr_kernels::tiled::{RowsMut, Tiled};
use std::ops::Range;

/// Images at least of a part that a thread takes forward: with fewer, too few of them share the weights that are read.
const LEAST_PART: usize = 12;
/// Rows of the first layer whose update is one piece of work for a thread, if the pieces' size is not to depend on threads.
const ROWS_PER_PIECE: usize = 112;
/// Rows at least of other pieces, where there are many threads: a guess of what is worth handing out.
const LEAST_ROWS: usize = 16;

/// What lies between the layers for a batch, a row per image, and the batch itself.
pub(super) struct Batch {
    now: Pixels,
    next: Pixels,
    slices: Slices,
    dense: Option<Dense>,
    /// Of each hidden layer.
    rows: Vec<Rows>,
    /// Those of the first.
    deltas: Tiled,
    output_deltas: Panel,
    upper: Upper,
}

/// The gradients of all layers but the first.
struct Upper {
    inner: Vec<Panel>,
    last: Panel,
}

impl Upper {
    fn new(network: &Network) -> Self {
        let inner = network.inner.iter().map(|weights| Panel::zeros(weights.rows(), weights.width()));
        Self { inner: inner.collect(), last: Panel::zeros(network.outputs(), network.last.width()) }
    }

    /// The updates of these layers, by dense products of deltas and hidden activations.
    fn update<A: Rule, B: Rule>(
        &mut self,
        inner: &mut [Inner<A>],
        last: &mut Layer<B>,
        rows: &[Rows],
        output_deltas: &Panel,
        images: usize,
    ) {
        for ((inner, gradient), rows) in inner.iter_mut().zip(&mut self.inner).zip(rows.windows(2)) {
            inner::update(&mut inner.layer, gradient, &rows[0], &rows[1], images);
        }
        let (outputs, stride) = (self.last.rows(), self.last.stride());
        let d2 = View::new(output_deltas.as_slice(), images, outputs, output_deltas.stride());
        let hidden = View::new(rows[rows.len() - 1].hidden.as_slice(), images, stride, stride);
        let sums = self.last.as_mut_slice();
        gemm(d2.transposed(), hidden, 0.0, &mut ViewMut::new(sums, outputs, stride, stride));
        last.update(&OfMatrix { sums: &self.last, scale: 1.0 / images as f32 });
    }
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
            slices: Slices::default(),
            dense: None,
            rows: network.hidden().layers().iter().map(|&units| Rows::new(batch, units)).collect(),
            deltas: Tiled::default(),
            output_deltas: Panel::zeros(batch, network.outputs()),
            upper: Upper::new(network),
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
        let weights = layers.first.stored();
        let [step, coming] = [order, next].map(|order| Step::new(task, images, order, weights, &*laps));
        if images.are_dense() {
            self.learn_dense(&mut layers, &step);
        } else {
            self.learn_lit(&mut layers, &step, &coming);
        }
        laps.lap_together();
    }

    /// By lit pixels.
    fn learn_lit<A: Rule, B: Rule, L: Laps>(
        &mut self,
        layers: &mut Layers<A, B>,
        step: &Step<L>,
        coming: &Step<L>,
    ) {
        let (mut ahead, mut now) = (std::mem::take(&mut self.next), std::mem::take(&mut self.now));
        debug_assert!(now.ahead == 0 || now.ahead == step.order.len(), "what was read ahead is what comes");
        if now.ahead == 0 {
            now.read(step);
        }
        step.serial(Phase::Forward, || layers.first.catch_up(now.lit.iter().map(|&row| usize::from(row))));
        let w1 = layers.first.stored();
        let mut slices = std::mem::take(&mut self.slices);
        if step.slices > 1 {
            slices.sum(now.parts(), w1, step);
        }
        let sums = |image: usize, rows: &mut [f32xN]| match step.slices {
            1 => {
                let parts = &now.parts()[image / step.part..];
                let of_piece = (rows.len() / w1.vectors()).div_ceil(step.part);
                Lighters::hidden_sums(&parts[..of_piece], w1, 0..w1.vectors(), rows);
            }
            _ => slices.put_together(image, rows, w1.vectors()),
        };
        let mut deltas = std::mem::take(&mut self.deltas);
        if layers.inner.is_empty() {
            self.pass(sums, Some(&mut deltas), layers.last.stored(), step);
        } else {
            each_piece(&mut self.rows[0].hidden, sums, step);
            self.pass_inner(layers, step);
            let (images, n) = (step.order.len(), w1.vectors());
            let rows = self.rows[0].deltas.as_vectors()[..images * n].chunks(step.piece * n);
            let tiled = deltas.rewrite(images, n, step.piece).zip(rows);
            step.threads.each(tiled, |(tiled, rows)| step.serial(Phase::Output, || tiled.write(rows)));
        }
        (self.slices, self.deltas) = (slices, deltas);
        let Self { rows, deltas, output_deltas, upper, .. } = self;
        let Layers { first, inner, last } = layers;
        let gradient = OfBatch { parts: now.parts(), lit: &now.lit, deltas, scale: step.scale() };
        let update = || step.update(first, &gradient);
        let update_upper = || {
            let images = step.order.len();
            step.serial(Phase::Update, || upper.update(inner, last, rows, output_deltas, images));
        };
        let read_next = || {
            if !coming.order.is_empty() {
                ahead.read(coming);
            }
        };
        step.threads.join(update, || step.threads.join(update_upper, read_next));
        now.ahead = 0;
        (self.now, self.next) = (ahead, now);
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
            self.pass(|_, _| {}, None, layers.last.stored(), step);
        } else {
            self.pass_inner(layers, step);
        }
        step.serial(Phase::Update, || {
            let Layers { inner, last, .. } = layers;
            self.upper.update(inner, last, &self.rows, &self.output_deltas, step.order.len());
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
        self.pass(|_, _| {}, None, layers.last.stored(), step);
        step.serial(Phase::Output, || {
            for (l, inner) in layers.inner.iter().enumerate().rev() {
                let (before, after) = pair(&mut self.rows, l);
                inner::backward(inner.layer.stored(), before, after, images);
            }
        });
    }

    /// Takes every image from its net inputs of the last hidden layer, which `sums(b, rows)` writes from that of image b on
    /// unless they are there, to its deltas there and at the outputs. The former are also kept in `tiled`, if there is any.
    fn pass<L: Laps>(
        &mut self,
        sums: impl Fn(usize, &mut [f32xN]) + Sync,
        tiled: Option<&mut Tiled>,
        last: &Panel,
        step: &Step<L>,
    ) {
        let &Step { task, images, order, laps, piece, .. } = step;
        let (n, k) = (last.vectors(), vectors(last.rows()));
        let one = |(number, OfPiece { hidden, d1, d2, tiled }): (usize, OfPiece)| {
            let (mut y, mut watch) = (Outputs::new(last.rows()), Piece::new(laps));
            sums(number * piece, hidden);
            watch.own.lap(Phase::Forward);
            let rows = hidden.chunks_exact_mut(n).zip(d1.chunks_exact_mut(n)).zip(d2.chunks_exact_mut(k));
            for (((hidden, d1), d2), &image) in rows.zip(&order[number * piece..]) {
                y.pass(task, last, images.label(image as usize), hidden, d1, d2);
            }
            if let Some(tiled) = tiled {
                tiled.write(d1);
            }
            watch.own.lap(Phase::Output);
        };
        let Rows { hidden, deltas } = self.rows.last_mut().expect("a network has a hidden layer");
        let hidden = hidden.as_vectors_mut()[..order.len() * n].chunks_mut(piece * n);
        let d1 = deltas.as_vectors_mut()[..order.len() * n].chunks_mut(piece * n);
        let d2 = self.output_deltas.as_vectors_mut()[..order.len() * k].chunks_mut(piece * k);
        let mut tiled = tiled.map(|tiled| tiled.rewrite(order.len(), n, piece));
        let pieces = hidden.zip(d1).zip(d2).map(|((hidden, d1), d2)| {
            let tiled = tiled.as_mut().map(|tiled| tiled.next().expect("as many pieces"));
            OfPiece { hidden, d1, d2, tiled }
        });
        step.threads.each(pieces.enumerate(), one);
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
    /// How many of them the work is cut for.
    count: usize,
    /// Images that are turned around together.
    part: usize,
    /// Slices of the first layer's rows, which go forward by themselves.
    slices: usize,
    /// Images that a thread takes from their net inputs to the outputs and back: a part or two, unless rows are sliced.
    piece: usize,
    laps: &'a L,
}

impl<'a, L: Laps> Step<'a, L> {
    /// The step of a network whose first layer has such weights.
    ///
    /// Threads share the way forward in a grid, by slices of the rows and by parts of the images. A thread that has several parts
    /// takes two at a time.
    fn new(task: Task, images: &'a Images<'a>, order: &'a [u32], weights: &Panel, laps: &'a L) -> Self {
        let useful = useful_threads(order.len(), weights.rows(), weights.width());
        let threads = if useful > 1 { task.threads } else { Threads::One };
        let (all, count) = (order.len(), threads.count().min(useful));
        let slices = slices(all, weights, count);
        let threads_per_slice = count / slices;
        let fewest = all.div_ceil(Lighters::IMAGES);
        let together = fewest.div_ceil(threads_per_slice).clamp(1, Lighters::TOGETHER);
        // As many pieces for every thread; a single one takes what there is.
        let even = if threads_per_slice == 1 { 1 } else { threads_per_slice * together };
        let parts = fewest.next_multiple_of(even);
        let part = all.div_ceil(parts.max(1)).max(LEAST_PART);
        let piece = if slices == 1 { together * part } else { all.div_ceil(count).max(1) };
        Self { task, images, order, threads, count, part, slices, piece, laps }
    }

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
        let rows = layer.stored().rows();
        let rows = match self.count {
            _ if R::NORMS == Norms::OfLanes => ROWS_PER_PIECE,
            1 => rows,
            threads => {
                let pieces = threads * pieces_per_thread(layer.stored().vectors());
                rows.div_ceil(pieces).max(LEAST_ROWS).next_multiple_of(GROUP)
            }
        };
        let mut blocks: Vec<_> = layer.blocks(rows).collect();
        self.threads.each(blocks.iter_mut(), |block| self.serial(Phase::Update, || block.update(gradient)));
        drop(blocks);
        layer.settle();
    }
}

/// Into how many slices the rows of `weights` are cut for so many threads, and so many images. To read weights that other
/// threads have just written takes long, and of a slice there are fewer: with eight slices instead of two, sixteen threads took
/// 0.73 of the time at H = 300. A slice is two vectors wide at least, and wider where fewer threads gain less by it. With many
/// images, more is lost by putting their sums together: batches of 1000 were better off without.
fn slices(images: usize, weights: &Panel, threads: usize) -> usize {
    let (n, narrowest) = (weights.vectors(), (16 / threads).max(2));
    let most = if 2 * images > weights.rows() { 1 } else { n / narrowest };
    // As many as leave no thread with a third more to do than an even share.
    let is_even = |&slices: &usize| 3 * n.div_ceil(slices) * threads < 4 * n * (threads / slices);
    (1..=most.min(threads)).rev().find(is_even).unwrap_or(1)
}

/// Pieces of the first layer's update for each thread, if rows have so many vectors. Several, since the rows at the edges of
/// images have less to do, and a thread may have had something else to do before; and the more, the longer each would take. With
/// four instead of two, two threads took 0.90 of the time at H = 1000, and 0.84 with six; at H = 100 and 300, no less.
fn pieces_per_thread(vectors: usize) -> usize {
    (vectors / 10).clamp(2, 6)
}

/// What lies before and after an inner layer.
fn pair(rows: &mut [Rows], l: usize) -> (&mut Rows, &mut Rows) {
    let (before, after) = rows[l..].split_first_mut().expect("an inner layer has units before it");
    (before, after.first_mut().expect("an inner layer has units after it"))
}

/// Writes the rows of every piece by `write(b, rows)`, b being its first image.
fn each_piece<L: Laps>(rows: &mut Panel, write: impl Fn(usize, &mut [f32xN]) + Sync, step: &Step<L>) {
    let (n, piece) = (rows.vectors(), step.piece);
    let rows = &mut rows.as_vectors_mut()[..step.order.len() * n];
    step.threads.each(rows.chunks_mut(piece * n).enumerate(), |(number, rows)| {
        step.serial(Phase::Forward, || write(number * piece, rows));
    });
}

/// A piece's rows of hidden activations, hidden deltas and output deltas, and where the hidden deltas lie in tiles.
struct OfPiece<'a> {
    hidden: &'a mut [f32xN],
    d1: &'a mut [f32xN],
    d2: &'a mut [f32xN],
    tiled: Option<RowsMut<'a>>,
}

/// Net inputs of the first hidden layer, slice by slice of its rows.
#[derive(Default)]
struct Slices {
    count: usize,
    images: usize,
    /// `[slice][image][vector]`.
    sums: Vec<f32xN>,
}

impl Slices {
    /// The vectors of a slice, where rows have n of them.
    fn vectors(count: usize, slice: usize, n: usize) -> Range<usize> {
        slice * n / count..(slice + 1) * n / count
    }

    /// Sums every slice of the rows of every part.
    fn sum<L: Laps>(&mut self, parts: &[Lighters], weights: &Panel, step: &Step<L>) {
        let (images, n) = (step.order.len(), weights.vectors());
        (self.count, self.images) = (step.slices, images);
        self.sums.resize(images * n, f32xN::ZERO);
        // As many pieces as threads, or fewer.
        let of_piece = parts.len().div_ceil(step.count / step.slices);
        let mut rest = &mut self.sums[..];
        let pieces = (0..step.slices).flat_map(|slice| {
            let vectors = Self::vectors(step.slices, slice, n);
            let sums = rest.split_off_mut(..images * vectors.len()).expect("room for all slices");
            let rows = sums.chunks_mut(of_piece * step.part * vectors.len());
            parts.chunks(of_piece).zip(rows).map(move |(parts, sums)| (parts, vectors.clone(), sums))
        });
        step.threads.each(pieces, |(parts, vectors, sums)| {
            step.serial(Phase::Forward, || Lighters::hidden_sums(parts, weights, vectors, sums));
        });
    }

    /// Writes the whole `rows` of n vectors from that of `image` on.
    fn put_together(&self, image: usize, rows: &mut [f32xN], n: usize) {
        for slice in 0..self.count {
            let vectors = Self::vectors(self.count, slice, n);
            let start = vectors.start * self.images + image * vectors.len();
            let sums = self.sums[start..].chunks_exact(vectors.len());
            for (row, sums) in rows.chunks_exact_mut(n).zip(sums) {
                row[vectors.clone()].copy_from_slice(sums);
            }
        }
    }
}

/// A batch's lit pixels, turned around in parts for the way forward and the way back.
#[derive(Default)]
struct Pixels {
    room: Vec<Lighters>,
    /// How many images have been read ahead, for the step to come.
    ahead: usize,
    /// How many parts there are.
    parts: usize,
    /// The pixels of groups that any image lights.
    lit: Vec<u16>,
}

/// Images ahead of the one being read that are asked for from memory: reading is soon done.
const AHEAD: usize = 8;

impl Pixels {
    /// Reads the images of a step.
    fn read<L: Laps>(&mut self, step: &Step<L>) {
        let &Step { images, order, part, .. } = step;
        self.ahead = order.len();
        self.parts = order.len().div_ceil(part);
        if self.room.len() < self.parts {
            self.room.resize_with(self.parts, || Lighters::new(images.inputs()));
        }
        let one = |(number, lighters): (usize, &mut Lighters)| {
            step.serial(Phase::Data, || {
                let numbers = number * part..order.len().min((number + 1) * part);
                let groups = images.groups();
                images.look_at_first(groups, &order[numbers.start..], AHEAD);
                lighters.turn(
                    images.levels(),
                    numbers.map(|n| {
                        images.look_ahead(groups, order, n, AHEAD);
                        groups.of(order[n] as usize)
                    }),
                );
            });
        };
        step.threads.each(self.room[..self.parts].iter_mut().enumerate(), one);
        step.serial(Phase::Data, || Lighters::list(&self.room[..self.parts], &mut self.lit));
    }

    fn parts(&self) -> &[Lighters] {
        &self.room[..self.parts]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlr_kernels::lanes::LANES;

    #[test]
    fn threads_share_rows_in_slices_where_these_are_even_and_images_few() {
        let weights = |vectors| Panel::zeros(784, vectors * LANES);
        let of = |vectors| [1, 2, 4, 7, 8, 16].map(|threads| slices(100, &weights(vectors), threads));
        assert_eq!(of(2), [1, 1, 1, 1, 1, 1]);
        assert_eq!(of(7), [1, 1, 1, 1, 2, 2]);
        assert_eq!(of(15), [1, 1, 2, 3, 4, 5]);
        assert_eq!(of(19), [1, 2, 4, 7, 8, 8]);
        assert_eq!(of(63), [1, 2, 4, 7, 8, 16]);
        assert_eq!([392, 393].map(|images| slices(images, &weights(63), 2)), [2, 1]);
    }
}
