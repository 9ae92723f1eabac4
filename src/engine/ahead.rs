//! Online learning of several images at once, where updates [add up](dlr_kernels::ahead): the first layer goes through all of
//! them together, and what lies above it through one after the other. One thread does it all: between two, the weights would
//! change hands too often to gain much.

use super::crew::{Crew, Pieces};
use super::dense;
use super::images::Images;
use super::inner::Rows;
use super::learner::{Above, Task};
use super::phases::{Laps, Phase, Piece};
use super::turned::{Step, Turned, each_piece, tile};
use dlr_kernels::ahead::Products;
use dlr_kernels::gradient::OfMatrix;
use dlr_kernels::lanes::{LANES, f32xN};
use dlr_kernels::layer::Layer;
use dlr_kernels::lighters::Lighters;
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::Rule;
use dlr_kernels::tiled::Tiled;

/// Images that are learned together at most: as many as are turned around together.
pub(super) const TOGETHER: usize = Lighters::IMAGES;

/// Fewer than these are not worth it: with 32, a third less is gained at H = 300, and nothing at H = 100.
const FEWEST: usize = 40;

/// Whether a first layer with so many units learns faster so. The weights are read and written less often, but
/// there are the images' products, and what they do to each other. Of the time of one image after the other, this takes 1.15 at
/// H = 30, 0.98 at 40 and 0.89 at 64 under gradient descent, and 1.00, 0.81 and 0.73 under momentum; with vectors of eight, 1.10 at
/// 128 and 0.97 at 160, and 1.17 at 80 and 0.98 at 88. With sixteen, that was measured where [bytes can be
/// multiplied](dlr_kernels::ahead).
pub(super) fn pays<R: Rule>(units: usize, dense: bool) -> bool {
    let most = match (dense, R::DERIVED, LANES) {
        (true, false, _) => 48,
        (true, true, 16) => 32,
        (true, true, _) => 24,
        (false, _, 16) => 32,
        (false, false, _) => 144,
        (false, true, _) => 80,
    };
    R::ADDS_UP && units > most
}

/// How many of so many images are worth it: all of them, unless they are few, or would be cut into few.
pub(super) fn worthwhile(images: usize) -> usize {
    match images {
        _ if even(images) >= FEWEST => images,
        TOGETHER.. => TOGETHER,
        _ => 0,
    }
}

/// How many of so many images are learned together: as many as can be, and, up to some thousand, always much the same number.
pub(super) fn even(images: usize) -> usize {
    images.div_ceil(images.div_ceil(TOGETHER).max(1)).max(1)
}

/// Some images, and what the first layer makes of them.
pub(super) struct Ahead {
    turned: Turned,
    dense: Option<Dense>,
    between: Between,
    taken: Tiled,
    remembered: Tiled,
}

/// The dense path's images, and two sums of their gradients.
struct Dense {
    images: dense::Dense,
    products: Products,
    taken: Panel,
    remembered: Panel,
}

/// What lies between the first layer and the next, a row per image.
struct Between {
    rows: Rows,
    /// Sums by what weights are derived of besides those that are stored, if they are; then what will be remembered of the deltas.
    past: Panel,
}

impl Ahead {
    /// Room for images of a network with such weights in its first layer.
    pub(super) fn new(weights: &Panel) -> Self {
        Self {
            turned: Turned::default(),
            dense: None,
            between: Between {
                rows: Rows::new(TOGETHER, weights.width()),
                past: Panel::zeros(TOGETHER, weights.width()),
            },
            taken: Tiled::default(),
            remembered: Tiled::default(),
        }
    }

    /// Learns from the images numbered in `order`, at most [`TOGETHER`], in that order. The next are those in `next`, if there
    /// are any.
    pub(super) fn learn<A: Rule, I: Rule, B: Rule, L: Laps>(
        &mut self,
        first: &mut Layer<A>,
        above: &mut Above<I, B>,
        task: Task,
        images: &Images,
        (order, next): (&[u32], &[u32]),
        laps: &mut L,
    ) {
        let (by, weights) = ((task, &Crew::ALONE), first.stored());
        let [step, coming] =
            [order, next].map(|order| Step::new(by, images, order, weights, &*laps).with_products());
        if images.are_dense() {
            self.learn_dense(first, above, &step);
        } else {
            self.learn_lit(first, above, &step, &coming);
        }
        first.settle_all(order.len());
        laps.lap_together();
    }

    /// By lit pixels.
    fn learn_lit<A: Rule, I: Rule, B: Rule, L: Laps>(
        &mut self,
        first: &mut Layer<A>,
        above: &mut Above<I, B>,
        step: &Step<L>,
        coming: &Step<L>,
    ) {
        let Self { turned, between, taken, remembered, .. } = self;
        turned.look(first, step);
        each_piece(&mut between.rows.hidden, turned.sums(first.stored().as_vectors(), step), step);
        if A::DERIVED {
            each_piece(&mut between.past, turned.sums(first.remembered(), step), step);
        }
        between.one_by_one(first, above, turned.products(), step);
        tile(&between.rows.deltas, taken, step);
        if A::DERIVED {
            tile(&between.past, remembered, step);
        }
        let (pixels, next) = turned.both();
        let [taken, remembered] = [taken, remembered].map(|deltas| pixels.gradient(deltas, 1.0));
        let blocks = Pieces::new(step.blocks(first, &taken), |mut block| {
            step.serial(Phase::Update, || block.leap(step.order.len(), &taken, &remembered));
        });
        step.crew.share(&[&blocks, &next.turn(coming)]);
        next.list(coming);
        turned.go_on();
    }

    /// By dense products.
    fn learn_dense<A: Rule, I: Rule, B: Rule, L: Laps>(
        &mut self,
        first: &mut Layer<A>,
        above: &mut Above<I, B>,
        step: &Step<L>,
    ) {
        let Self { dense, between, .. } = self;
        let inputs = first.stored().rows();
        let w1 = first.stored();
        let Dense { images, products, taken, remembered } = dense.get_or_insert_with(|| Dense {
            images: dense::Dense::new(inputs),
            products: Products::default(),
            taken: Panel::zeros(inputs, w1.width()),
            remembered: Panel::zeros(if A::DERIVED { inputs } else { 0 }, w1.width()),
        });
        step.serial(Phase::Forward, || {
            images.read(step.images, step.order);
            images.sums(w1.as_vectors(), &mut between.rows.hidden);
            if A::DERIVED {
                images.sums(first.remembered(), &mut between.past);
            }
            products.of_dense(images.view());
        });
        between.one_by_one(first, above, products, step);
        step.serial(Phase::Update, || {
            images.gradient(&between.rows.deltas, taken);
            if A::DERIVED {
                images.gradient(&between.past, remembered);
            }
        });
        let [taken, remembered] = [&*taken, &*remembered].map(|sums| OfMatrix { sums, scale: 1.0 });
        step.crew.each(step.blocks(first, &taken), |mut block| {
            step.serial(Phase::Update, || block.leap(step.order.len(), &taken, &remembered));
        });
    }
}

impl Between {
    /// Takes every image from its net inputs by what the first of them finds stored to its deltas, times the learning rate: to what
    /// is taken off that for them, and to what will be remembered after the last image.
    fn one_by_one<A: Rule, I: Rule, B: Rule, L: Laps>(
        &mut self,
        first: &Layer<A>,
        above: &mut Above<I, B>,
        products: &mut Products,
        step: &Step<L>,
    ) {
        let Self { rows: Rows { hidden, deltas }, past } = self;
        let (n, images, mut watch) = (hidden.vectors(), step.order.len(), Piece::new(step.laps));
        let [hidden, deltas, past] =
            [hidden, deltas, past].map(|rows| &mut rows.as_vectors_mut()[..images * n]);
        if A::DERIVED {
            products.weigh(first.echoes(images).map(|echo| echo.seen));
            let rows = hidden.chunks_exact_mut(n).zip(past.chunks_exact(n));
            rows.enumerate().for_each(|(number, (sums, past))| first.foresee(number, sums, past));
        }
        for ((number, &image), rate) in step.order.iter().enumerate().zip(first.rates(images)) {
            products.meet(number, deltas, hidden);
            watch.own.lap(Phase::Forward);
            let row = number * n..(number + 1) * n;
            let (hidden, deltas) = (&mut hidden[row.clone()], &mut deltas[row]);
            above.learn(step.task, step.images.label(image as usize), hidden, deltas, &mut watch.own);
            deltas.iter_mut().for_each(|delta| *delta *= f32xN::splat(rate));
            watch.own.lap(Phase::Update);
        }
        if A::DERIVED {
            let rows = deltas.chunks_exact(n).zip(past.chunks_exact_mut(n)).rev();
            for ((deltas, past), echo) in rows.zip(first.echoes(images)) {
                for (&delta, past) in deltas.iter().zip(past) {
                    *past = delta * f32xN::splat(echo.remembered);
                }
            }
            watch.own.lap(Phase::Update);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlr_kernels::rules::{Dlr, MomentumAtRest, Sgd};

    #[test]
    fn images_are_learned_together_in_numbers_much_alike() {
        assert_eq!([1, 63, 64, 65, 600, 60_000].map(even), [1, 63, 64, 33, 60, 64]);
        assert_eq!(even(0), 1, "what no image is cut into");
        assert_eq!([0, 39, 40, 64, 65, 78, 79, 600].map(worthwhile), [0, 0, 40, 64, 64, 64, 79, 600]);
    }

    #[test]
    fn only_updates_that_add_up_are_made_together() {
        assert!(pays::<Sgd>(1000, false) && pays::<MomentumAtRest>(1000, true));
        assert!(!pays::<Sgd>(30, false) && !pays::<MomentumAtRest>(8, true));
        assert!(!pays::<Dlr<true>>(1000, false));
    }
}
