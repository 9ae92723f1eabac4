//! A step from several images, shared by threads, and its first layer by lit pixels: both for batches and for images that are
//! [looked ahead](super::ahead) at.
//!
//! Images are independent on the way forward and back, and rows are independent in the update, so both spread over
//! threads: the images go forward in parts, and the rows in slices, and blocks of rows are updated. Reading the next images of
//! the same call needs nothing of the network, and is done while this step's rows are updated. Every sum is taken in an order
//! of its own that the number of threads does not touch.

use super::images::Images;
use super::learner::Task;
use super::phases::{Laps, Phase, Piece};
use super::threads::{Threads, useful_threads};
use dlr_kernels::ahead::Products;
use dlr_kernels::gradient::{Gradient, OfBatch};
use dlr_kernels::groups::GROUP;
use dlr_kernels::lanes::f32xN;
use dlr_kernels::layer::Layer;
use dlr_kernels::lighters::Lighters;
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::{Norms, Rule};
use dlr_kernels::tiled::Tiled;
use std::mem::swap;
use std::ops::Range;

/// Images at least of a part that a thread takes forward: with fewer, too few of them share the weights that are read.
const LEAST_PART: usize = 12;
/// Rows of the first layer whose update is one piece of work for a thread, if the pieces' size is not to depend on threads.
const ROWS_PER_PIECE: usize = 112;
/// Rows at least of other pieces, where there are many threads: a guess of what is worth handing out.
const LEAST_ROWS: usize = 16;
/// Pieces of the first layer's update for each thread. Several, since the rows at the edges of images have less to do, and a thread
/// may have had something else to do before. MNIST's have 14 bands, which two threads take as four pieces, the last one half as
/// large. With seven pieces instead, batches of 100 took 1.00 to 1.03 of the time at H = 30 to 1000, with five 1.00 to 1.20.
const PIECES_PER_THREAD: usize = 2;

/// What the parts of a step have in common.
pub(super) struct Step<'a, L: Laps> {
    pub(super) task: Task,
    pub(super) images: &'a Images<'a>,
    pub(super) order: &'a [u32],
    pub(super) threads: Threads,
    /// How many of them the work is cut for.
    count: usize,
    /// Images that are turned around together.
    part: usize,
    /// Slices of the first layer's rows, which go forward by themselves.
    slices: usize,
    /// Images that a thread takes from their net inputs to the outputs and back: a part or two, unless rows are sliced.
    pub(super) piece: usize,
    /// Whether the images' [`Products`] are to be found, too.
    wants_products: bool,
    pub(super) laps: &'a L,
}

impl<'a, L: Laps> Step<'a, L> {
    /// The step of a network whose first layer has such weights.
    ///
    /// Threads share the way forward in a grid, by slices of the rows and by parts of the images. A thread that has several parts
    /// takes two at a time.
    pub(super) fn new(
        task: Task,
        images: &'a Images<'a>,
        order: &'a [u32],
        weights: &Panel,
        laps: &'a L,
    ) -> Self {
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
        Self { task, images, order, threads, count, part, slices, piece, wants_products: false, laps }
    }

    /// The same step, in which the images' [`Products`] are wanted, too. It is the work of one thread, and they are one part.
    pub(super) fn with_products(self) -> Self {
        assert!(self.count == 1 && self.order.len() <= self.part, "products are those of one part");
        Self { wants_products: true, ..self }
    }

    /// The groups that each image lights, and their inputs' grey levels.
    pub(super) fn lists(&self) -> impl Iterator<Item = (&'a [u16], &'a [[u8; GROUP]])> {
        self.order.iter().map(|&image| self.images.groups().of(image as usize))
    }

    /// What the sums of gradients are multiplied by.
    pub(super) fn scale(&self) -> f32 {
        1.0 / self.order.len() as f32
    }

    /// Does what is one thread's work.
    pub(super) fn serial(&self, phase: Phase, work: impl FnOnce()) {
        let mut piece = Piece::new(self.laps);
        work();
        piece.own.lap(phase);
    }

    /// An update of the first layer, but for its [end](Layer::settle), in pieces that cut no [band](Gradient::band) of the
    /// gradient's rows. Rows are independent, so the pieces' size decides nothing but the speed, except where norms of lanes are
    /// summed piece by piece: it is the same for any number of threads.
    pub(super) fn update<R: Rule>(&self, layer: &mut Layer<R>, gradient: &impl Gradient) {
        let rows = layer.stored().rows();
        let rows = match self.count {
            _ if R::NORMS == Norms::OfLanes => ROWS_PER_PIECE,
            1 => rows,
            threads => rows.div_ceil(PIECES_PER_THREAD * threads).max(LEAST_ROWS),
        };
        let mut blocks: Vec<_> = layer.blocks(rows.next_multiple_of(gradient.band())).collect();
        self.threads.each(blocks.iter_mut(), |block| self.serial(Phase::Update, || block.update(gradient)));
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

/// The first layer by lit pixels: the images, turned around, and what is made of them on their way.
#[derive(Default)]
pub(super) struct Turned {
    /// The images of this step.
    pub(super) now: Pixels,
    /// Those of the next, or room for them.
    pub(super) next: Pixels,
    slices: Slices,
}

impl Turned {
    /// Reads the images of `step`, if nobody has read them ahead, and has their rows of `first` catch up.
    pub(super) fn look<R: Rule, L: Laps>(&mut self, first: &mut Layer<R>, step: &Step<L>) {
        self.read(step);
        let lit = self.now.lit.iter().map(|&row| usize::from(row));
        step.serial(Phase::Forward, || first.catch_up(lit));
    }

    /// Reads the images of `step`, if nobody has read them ahead.
    pub(super) fn read<L: Laps>(&mut self, step: &Step<L>) {
        let Self { now, .. } = self;
        debug_assert!(now.ahead == 0 || now.ahead == step.order.len(), "what was read ahead is what comes");
        if now.ahead == 0 {
            now.read(step);
        }
    }

    /// The net inputs of the first hidden layer, `sums(b, rows)`, which writes a row for each image from number b on.
    pub(super) fn sums<L: Laps>(
        &mut self,
        weights: &[f32xN],
        step: &Step<L>,
    ) -> impl Fn(usize, &mut [f32xN]) + Sync {
        let Self { now, slices, .. } = self;
        let n = weights.len() / step.images.inputs();
        if step.slices > 1 {
            slices.sum(now.parts(), weights, step);
        }
        move |image, rows| match step.slices {
            1 => {
                let parts = &now.parts()[image / step.part..];
                let of_piece = (rows.len() / n).div_ceil(step.part);
                Lighters::hidden_sums(&parts[..of_piece], weights, 0..n, rows);
            }
            _ => slices.put_together(image, rows, n),
        }
    }

    /// Ends the step: the next is that whose images have been read ahead, if there is any.
    pub(super) fn go_on(&mut self) {
        self.now.ahead = 0;
        swap(&mut self.now, &mut self.next);
    }
}

/// Cuts `rows`, one for each image of `step`, into tiles.
pub(super) fn tile<L: Laps>(rows: &Panel, tiled: &mut Tiled, step: &Step<L>) {
    let (images, n) = (step.order.len(), rows.vectors());
    let rows = rows.as_vectors()[..images * n].chunks(step.piece * n);
    let tiled = tiled.rewrite(images, n, step.piece).zip(rows);
    step.threads.each(tiled, |(tiled, rows)| step.serial(Phase::Output, || tiled.write(rows)));
}

/// Writes the rows of every piece by `write(b, rows)`, b being its first image.
pub(super) fn each_piece<L: Laps>(
    rows: &mut Panel,
    write: impl Fn(usize, &mut [f32xN]) + Sync,
    step: &Step<L>,
) {
    let (n, piece) = (rows.vectors(), step.piece);
    let rows = &mut rows.as_vectors_mut()[..step.order.len() * n];
    step.threads.each(rows.chunks_mut(piece * n).enumerate(), |(number, rows)| {
        step.serial(Phase::Forward, || write(number * piece, rows));
    });
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
    fn sum<L: Laps>(&mut self, parts: &[Lighters], weights: &[f32xN], step: &Step<L>) {
        let (images, n) = (step.order.len(), weights.len() / step.images.inputs());
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
pub(super) struct Pixels {
    room: Vec<Lighters>,
    /// How many images have been read ahead, for the step to come.
    ahead: usize,
    /// How many parts there are.
    parts: usize,
    /// The pixels of groups that any image lights.
    lit: Vec<u16>,
    products: Products,
}

/// Images ahead of the one being read that are asked for from memory: reading is soon done.
const AHEAD: usize = 8;

impl Pixels {
    /// Reads the images of `step`, if there are any.
    pub(super) fn read<L: Laps>(&mut self, step: &Step<L>) {
        let &Step { images, order, part, .. } = step;
        self.ahead = order.len();
        self.parts = order.len().div_ceil(part);
        if self.parts == 0 {
            return;
        }
        if self.room.first().is_some_and(|part| part.grouping() != images.grouping()) {
            self.room.clear();
        }
        if self.room.len() < self.parts {
            self.room.resize_with(self.parts, || Lighters::new(images.grouping()));
        }
        let one = |(number, lighters): (usize, &mut Lighters)| {
            step.serial(Phase::Data, || {
                let numbers = number * part..order.len().min((number + 1) * part);
                let groups = images.groups();
                images.ask_first(groups, &order[numbers.start..], AHEAD);
                lighters.turn(
                    images.levels(),
                    numbers.map(|n| {
                        images.ask_ahead(groups, order, n, AHEAD);
                        groups.of(order[n] as usize)
                    }),
                );
            });
        };
        step.threads.each(self.room[..self.parts].iter_mut().enumerate(), one);
        step.serial(Phase::Data, || Lighters::list(&self.room[..self.parts], &mut self.lit));
        if step.wants_products {
            step.serial(Phase::Forward, || self.products.of_lit(&self.room[0], step.lists()));
        }
    }

    /// The images' products with each other, if the step [wants](Step::with_products) them.
    pub(super) fn products(&mut self) -> &mut Products {
        &mut self.products
    }

    pub(super) fn parts(&self) -> &[Lighters] {
        &self.room[..self.parts]
    }

    /// The gradient that the images have with these deltas.
    pub(super) fn gradient<'a>(&'a self, deltas: &'a Tiled, scale: f32) -> OfBatch<'a> {
        OfBatch { parts: self.parts(), lit: &self.lit, deltas, scale }
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
