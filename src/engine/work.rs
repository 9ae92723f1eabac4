//! How much work training is, by what the kernels say of themselves: for profiles to set against the time it takes.
//!
//! Everything is counted as the kernels do it on one thread: lit pixels only, with their groups where several images go through
//! the first layer together; lanes of padding included, since the machine works on them too. What stays in registers, is only
//! as long as an image (its activations and deltas), or is the sums of a narrow tile of rows costs no loads; what is done in
//! whole numbers (images' products with each other) is no floating-point operation. Left out are gradients that are put down.

use super::images::Images;
use dlr_kernels::ahead::NEIGHBOURS;
use dlr_kernels::groups::GROUP;
use dlr_kernels::lanes::{LANES, vectors};
use dlr_kernels::lighters::Lighters;
use dlr_kernels::rule::{Norms, Rule, rests};

/// Floating-point operations of the logistic function, and of what else is done to each hidden unit and to each output,
/// by the documentation of the kernels.
const LOGISTIC: f64 = 28.0;
const PER_HIDDEN: f64 = LOGISTIC + 3.0;
const PER_OUTPUT: f64 = LOGISTIC + 4.0;

/// How updates visit the rows of the first layer: means over an epoch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Visits {
    /// Images that go through the first layer together.
    pub batch: f64,
    /// Where these are learned one after the other, each with an update of its own in the layers above, what they take from before.
    pub ahead: Option<Before>,
    /// Inputs of an image that are worked on: its lit pixels, where several go together with their [groups](GROUP). What is missing
    /// of groups at the edges of odd images is left out, though it is multiplied.
    pub lit: f64,
    /// Rows that any image of an update has worked on.
    pub rows: f64,
    /// Those of them that the update before did not light, though an earlier one did.
    pub woken: f64,
}

/// What images that go through the first layer together, but are learned one after the other, take from before all of them, under
/// a rule that remembers it: means over all images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Before {
    /// The part of them that take it from what is remembered, and the part that are added to that.
    pub remembered: f64,
    /// How many images of those that came before all of them each meets.
    pub met: f64,
    /// How many are kept for that.
    pub kept: f64,
}

impl Before {
    /// Where nothing is remembered.
    pub(super) const NOTHING: Self = Self { remembered: 0.0, met: 0.0, kept: 0.0 };

    /// Where all that is remembered is up to date.
    pub(super) const REMEMBERED: Self = Self { remembered: 1.0, ..Self::NOTHING };

    /// Where what is remembered is gone after `span` updates: so many images, `together` at a time, meet those of the last of them,
    /// and only the first take anything from what is remembered.
    pub(super) fn in_span(images: usize, together: usize, span: usize) -> Self {
        let whole = span.next_multiple_of(together);
        let (mut met, mut kept) = (0, 0);
        for image in 0..images {
            let (step, since) = (image % together, image - image % together);
            met += span.saturating_sub(step).min(since);
            kept += whole.min(since);
        }
        let [met, kept, whole] =
            [met, kept, whole.clamp(together, images)].map(|sum| sum as f64 / images as f64);
        Self { remembered: whole, met, kept }
    }
}

impl Visits {
    /// Counts them along `order`, where so many images go through the first layer together, be it as a batch or ahead of their
    /// turn.
    ///
    /// # Panics
    /// If `batch` is zero.
    pub(super) fn count(images: &Images, order: &[u32], batch: usize, ahead: Option<Before>) -> Self {
        let mut last = vec![0_u32; images.inputs()]; // the update that lit a row last, counted from 1
        let (mut lit, mut rows, mut woken, mut updates) = (0_u64, 0_u64, 0_u64, 0_u32);
        let mut visited: Vec<u16> = Vec::new();
        for images_of_update in order.chunks(batch) {
            updates += 1;
            for &image in images_of_update {
                let image = image as usize;
                visited.clear();
                if batch == 1 || images.density() >= 1.0 {
                    visited.extend(images.numbers(image));
                } else {
                    for &group in images.groups().of(image).0 {
                        visited.extend(images.grouping().inputs_of(group.into()));
                    }
                }
                for row in visited.iter().copied().map(usize::from) {
                    let last = &mut last[row];
                    lit += 1;
                    rows += u64::from(*last != updates);
                    woken += u64::from(*last != 0 && *last + 1 < updates);
                    *last = updates;
                }
            }
        }
        let (images_seen, updates) = (order.len().max(1) as f64, f64::from(updates.max(1)));
        Self {
            batch: images_seen / updates,
            ahead,
            lit: lit as f64 / images_seen,
            rows: rows as f64 / updates,
            woken: woken as f64 / updates,
        }
    }
}

/// What training does for an image, the mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Work {
    /// Floating-point operations, a fused multiply-add counted as two.
    pub flops: f64,
    /// Bytes of weights and of what is remembered beside them that are loaded; where several images go together, of the deltas
    /// that the gradient is summed from, too.
    pub loads: f64,
    /// Bytes of weights and of what is remembered beside them that are stored.
    pub stores: f64,
    /// Bytes that one update works on.
    pub working_set: f64,
    /// Bytes remembered beside each weight of the first layer.
    pub memory_per_weight: usize,
}

/// The numbers of inputs, hidden units and outputs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) inputs: usize,
    pub(super) hidden: usize,
    pub(super) outputs: usize,
}

/// The work of a network whose layers learn by `A` and `B`.
pub(super) fn work<A: Rule, B: Rule>(shape: Shape, visits: &Visits) -> Work {
    let Visits { batch, ahead, lit, rows, woken } = *visits;
    let padded = |width: usize| (vectors(width) * LANES) as f64;
    let (hidden, outputs) = (padded(shape.hidden), shape.outputs as f64);
    let row = 4.0 * hidden;
    let (one_memory, other_memory) = (memory::<A>() * hidden, memory::<B>() * hidden);
    let step = |cost: u32, norms: Norms| f64::from(cost + norms.cost()) * hidden;
    let (first_step, second_step) = (step(A::COST.step, A::NORMS), step(B::COST.step, B::NORMS));
    let see = f64::from(A::COST.see) * hidden;
    let Before { remembered, met, kept } = ahead.unwrap_or(Before::NOTHING);
    let online = batch == 1.0;

    // Forward: a multiplication and an addition for each weight of a row. Where several images go together, W1 is read once for
    // every two parts.
    let mut flops = 2.0 * lit * hidden;
    let parts = (batch / Lighters::IMAGES as f64).ceil();
    let mut loads = match online {
        true => lit * row,
        false => shape.inputs as f64 * row * (parts / Lighters::TOGETHER as f64).ceil() / batch,
    };
    let mut stores = 0.0;
    if A::DERIVED && online {
        flops += lit * see;
        loads += lit * one_memory;
    } else if !rests::<A>() {
        // Rows are renewed one by one before they are read; online, what is remembered is left to the update.
        let renewed = row + one_memory;
        flops += woken / batch * see;
        loads += woken / batch * renewed;
        stores += woken / batch * if online { row } else { renewed };
    }

    // Ahead of their turn, images also go past each other, and past those before or through what is remembered: neighbours' deltas
    // are loaded for each of them, and net inputs once for all neighbours before.
    if ahead.is_some() {
        let before = (batch - 1.0) / 2.0;
        let neighbourhoods = ((batch / NEIGHBOURS as f64 - 1.0) / 2.0).max(0.0) + met / NEIGHBOURS as f64;
        flops += 2.0 * (before + met) * hidden;
        loads += row * (before.min((NEIGHBOURS - 1) as f64 / 2.0) + neighbourhoods);
        stores += row * neighbourhoods;
        flops += remembered * (2.0 * lit * hidden + see);
        loads += remembered * shape.inputs as f64 * one_memory / batch;
    }

    // The second layer, forwards and backwards; what is done to every unit.
    flops += 4.0 * outputs * hidden + PER_HIDDEN * hidden + PER_OUTPUT * padded(shape.outputs);
    loads += 2.0 * outputs * row;

    // The gradients, where they are summed over images: from the hidden deltas and, in batches, activations. Deltas are loaded
    // for every group of inputs, activations for every group of outputs.
    if !online {
        let sums = 1.0 + remembered;
        let groups = if ahead.is_some() { 0.0 } else { (outputs / GROUP as f64).ceil() };
        flops += 2.0 * (sums * lit + groups * GROUP as f64) * hidden;
        loads += sums * lit / GROUP as f64 * row + groups * row;
    }
    // The updates; ahead, what is remembered is read and written for a part of the images only. In batches, norms of rows are taken
    // from rows that are read once more.
    let (rows_each, outputs_each) = (rows / batch, if ahead.is_some() { outputs } else { outputs / batch });
    let (first_step, one_memory) = match ahead {
        Some(_) if A::DERIVED => (first_step * (1.0 + remembered) / 2.0, one_memory * remembered),
        _ => (first_step, one_memory),
    };
    if A::NORMS == Norms::OfRows && !online {
        loads += rows_each * row;
    }
    flops += rows_each * first_step + outputs_each * second_step;
    let renewed = rows_each * (row + one_memory) + outputs_each * (row + other_memory);
    loads += renewed;
    stores += renewed;

    // Rows between the layers, the deltas of images that are kept, and all of these images' grey levels, turned around.
    let rows_of_images = if ahead.is_some() && A::DERIVED { 3.0 * batch + kept } else { 2.0 * batch };
    let between = if online { 0.0 } else { rows_of_images * row };
    let greys = if online { 0.0 } else { (shape.inputs * Lighters::IMAGES) as f64 * (parts + kept / batch) };
    let working_set = rows * (row + one_memory) + outputs * (row + other_memory) + between + greys;
    Work { flops, loads, stores, working_set, memory_per_weight: memory::<A>() as usize }
}

/// Bytes that a rule remembers beside each weight.
fn memory<R: Rule>() -> f64 {
    (size_of::<R::Memory>() / LANES) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Split;
    use crate::engine::images::Inputs;
    use dlr_kernels::rules::{Adam, Dlr, EveryRow, Momentum, MomentumAtRest, RmsProp, Sgd};

    #[test]
    fn visits_of_four_small_images() {
        let pixels = [1, 1, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1];
        let split = Split::from_pixels(4, &pixels, &[0; 4]).unwrap();
        let images = Images::new(&split, Inputs::Unit);
        let count = |batch| Visits::count(&images, &[0, 1, 2, 3], batch, None);
        let online = Visits { batch: 1.0, ahead: None, lit: 1.25, rows: 1.25, woken: 0.25 };
        assert_eq!(count(1), online, "only pixel 0 of image 2 had a pause");
        assert_eq!(count(2), Visits { batch: 2.0, lit: 4.0, rows: 4.0, woken: 0.0, ..online }, "one group");
        let all = Visits::count(&Images::new(&split, Inputs::Offset), &[0, 1, 2, 3], 4, None);
        assert_eq!(all, Visits { batch: 4.0, lit: 4.0, rows: 4.0, woken: 0.0, ..online });
    }

    #[test]
    fn work_by_hand() {
        let shape = Shape { inputs: 784, hidden: 30, outputs: 10 };
        let online = Visits { batch: 1.0, ahead: None, lit: 150.0, rows: 150.0, woken: 80.0 };
        let units = 31.0 * 32.0 + 32.0 * 16.0;
        let sgd = work::<Sgd, Sgd>(shape, &online);
        // A multiplication and an addition for every weight read and updated, and for W2 twice on its way.
        assert_eq!(sgd.flops, 32.0 * (4.0 * 150.0 + 6.0 * 10.0) + units);
        assert_eq!((sgd.loads, sgd.stores), (128.0 * (300.0 + 30.0), 128.0 * 160.0));
        assert_eq!((sgd.working_set, sgd.memory_per_weight), (128.0 * 160.0, 0));

        let nesterov = work::<MomentumAtRest, EveryRow<Momentum>>(shape, &online);
        // Of what is stored for a weight, it is made by an FMA; in W1, an update takes two operations more than SGD's, in W2 six.
        assert_eq!(nesterov.flops, sgd.flops + 32.0 * (150.0 * (2.0 + 2.0) + 10.0 * 6.0));
        assert_eq!(nesterov.loads, sgd.loads + 128.0 * 310.0);
        assert_eq!((nesterov.working_set, nesterov.memory_per_weight), (2.0 * sgd.working_set, 4));

        let rmsprop = work::<RmsProp, RmsProp>(shape, &online);
        assert_eq!(rmsprop.flops, sgd.flops + 32.0 * 160.0 * 8.0);
        assert_eq!((rmsprop.loads, rmsprop.stores), (sgd.loads + 128.0 * 160.0, nesterov.stores));

        let adam = work::<Adam, EveryRow<Adam>>(shape, &online);
        assert_eq!(adam.flops, sgd.flops + 32.0 * (160.0 * 13.0 + 80.0 * 12.0));
        assert_eq!(adam.loads, sgd.loads + 128.0 * (2.0 * 160.0 + 3.0 * 80.0));
        assert_eq!(adam.stores, 128.0 * (3.0 * 160.0 + 80.0));

        let batch = Visits { batch: 100.0, lit: 200.0, rows: 600.0, woken: 1.0, ..online };
        let sgd = work::<Sgd, Sgd>(shape, &batch);
        assert_eq!(sgd.flops, 32.0 * (4.0 * 200.0 + 4.0 * 10.0 + 2.0 * 12.0 + 2.0 * 6.1) + units);
        assert_eq!(sgd.stores, 128.0 * 6.1);
        // W1 once for two parts of a batch, W2 twice an image, deltas for each of 50 groups, activations for three, and what is
        // updated.
        assert_eq!(sgd.loads, 128.0 * (7.84 + 20.0 + 50.0 + 3.0 + 6.1));
        let three_parts = Visits { batch: 150.0, rows: 900.0, ..batch };
        assert_eq!(
            work::<Sgd, Sgd>(shape, &three_parts).loads,
            sgd.loads + 128.0 * (2.0 * 784.0 / 150.0 - 7.84 + 10.0 / 150.0 - 0.1)
        );

        // Eight neighbourhoods of eight images that are learned one after the other, all of W2 for each.
        let ahead = Visits { batch: 64.0, ahead: Some(Before::NOTHING), ..batch };
        let sgd_ahead = work::<Sgd, Sgd>(shape, &ahead);
        let updated = 600.0 / 64.0 + 10.0;
        assert_eq!(
            sgd_ahead.flops,
            32.0 * (4.0 * 200.0 + 63.0 + 4.0 * 10.0 + 2.0 * updated) + units,
            "an image meets 31.5 others"
        );
        assert_eq!(sgd_ahead.stores, 128.0 * (3.5 + updated));
        assert_eq!(sgd_ahead.loads, 128.0 * (784.0 / 64.0 + 3.5 + 3.5 + 20.0 + 50.0 + updated));
        let ahead_by =
            |past| work::<MomentumAtRest, EveryRow<Momentum>>(shape, &Visits { ahead: Some(past), ..ahead });
        let nesterov_ahead = ahead_by(Before::REMEMBERED);
        assert_eq!(
            nesterov_ahead.flops,
            sgd_ahead.flops + 32.0 * (4.0 * 200.0 + 2.0 + 2.0 * (updated - 10.0) + 6.0 * 10.0)
        );
        // Of ten times 64 images, all but the first 64 meet 28.6 of those before them.
        let (soon_gone, met) = (Before::in_span(640, 64, 60), 0.9 * 28.59375);
        assert_eq!(soon_gone, Before { remembered: 0.1, met, kept: 0.9 * 64.0 });
        // 64 meet nobody, 64 the first, but for three pairs, and 64 the last 125 to 62.
        let met = (64.0 * 64.0 - 3.0 * 2.0 / 2.0 + (62..=125).sum::<usize>() as f64) / 192.0;
        assert_eq!(Before::in_span(192, 64, 125), Before { remembered: 2.0 / 3.0, met, kept: 64.0 });
        assert_eq!(Before::in_span(64, 64, 10), Before::REMEMBERED);
        let met = soon_gone.met;
        let nesterov_soon = ahead_by(soon_gone);
        let flops = 2.0 * met + 0.1 * (2.0 * 200.0 + 2.0 + 2.0 * 200.0 + 2.0 * (updated - 10.0)) + 6.0 * 10.0;
        assert!((nesterov_soon.flops - sgd_ahead.flops - 32.0 * flops).abs() < 1e-6);
        let loads = met / 8.0 + 10.0 + 0.1 * (784.0 / 64.0 + 50.0 + updated - 10.0);
        assert!((nesterov_soon.loads - sgd_ahead.loads - 128.0 * loads).abs() < 1e-6);

        let dlr = work::<Dlr<true>, Dlr<false>>(shape, &batch);
        assert_eq!(dlr.loads, sgd.loads + 128.0 * 6.0);
    }
}
