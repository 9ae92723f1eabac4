//! Online learning of several images at once, where updates [add up](dlr_kernels::ahead): the first layer goes through all of
//! them together, and what lies above it through one after the other. One thread does it all: between two, the weights would
//! change hands too often to gain much.

use super::images::Images;
use super::inner::Rows;
use super::learner::{Above, Task};
use super::past::Past;
use super::phases::{Laps, Phase, Piece};
use super::threads::Threads;
use super::turned::Step;
use super::way::Way;
use dlr_kernels::ahead::Products;
use dlr_kernels::lanes::{LANES, f32xN};
use dlr_kernels::layer::Layer;
use dlr_kernels::lighters::Lighters;
use dlr_kernels::rule::Rule;

/// Images that are learned together at most: as many as are turned around together.
pub(super) const TOGETHER: usize = Lighters::IMAGES;

/// Fewer than these are not worth it: with 32, a third less is gained at H = 300, and nothing at H = 100.
const FEWEST: usize = 40;

/// Whether `first` learns faster so. The weights are read and written less often, but there are the images' products, and what
/// they do to each other. Of the time of one image after the other, this takes 1.11 at H = 30 and 0.89 at 64 under gradient descent.
/// Under momentum that is [soon gone](Layer::span), it takes 1.29 at H = 16 and 0.83 at 24; under other, 0.99 at 32 and 0.81 at 33.
/// With vectors of eight, 1.10 at 128 and 0.92 at 136, 1.15 at 32 and 0.99 at 40, and 0.99 at 88 and 0.92 at 104. With sixteen, that
/// was measured where [bytes can be multiplied](dlr_kernels::ahead), and before one image after the other took less.
///
/// Groups of inputs that are lit as a whole have no zeros to multiply, so of images that light more, fewer units suffice. With
/// vectors of eight, where half of the inputs are lit, it takes 1.01 at 64 under gradient descent, 0.86 at 16 under momentum that
/// is soon gone, and 1.00 at 32 under other; where all are, 0.83 at 8, 0.79 at 8, and 1.21 at 8 and 0.80 at 12. With sixteen, none of
/// that was measured, and with eight only before.
pub(super) fn pays<R: Rule>(first: &Layer<R>, density: f64) -> bool {
    let most = match (density, R::DERIVED, first.span() <= TOGETHER, LANES) {
        (1.0.., _, _, 16) => 16,
        (1.0.., ..) => 8,
        (0.5.., false, _, 16) => 32,
        (0.5.., false, ..) => 64,
        (0.5.., true, true, 16) => 16,
        (0.5.., true, true, _) => 8,
        (0.5.., true, false, _) => 32,
        (_, false, _, 16) => 32,
        (_, false, ..) => 128,
        (_, true, true, 16) => 16,
        (_, true, false, 16) | (_, true, true, _) => 32,
        (_, true, false, _) => 80,
    };
    R::ADDS_UP && first.stored().width() > most
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

/// What lies between the first layer and the next, and what images take from those before.
pub(super) struct Ahead {
    between: Rows,
    way: Way,
    past: Past,
}

impl Ahead {
    /// Room for images of a network with this first layer.
    pub(super) fn new<A: Rule>(first: &Layer<A>) -> Self {
        Self {
            between: Rows::new(TOGETHER, first.stored().width()),
            way: Way::default(),
            past: Past::new(first, TOGETHER),
        }
    }

    /// Learns from the images numbered in `order`, at most [`TOGETHER`], in that order. The next are those in `next`, if there
    /// are any in this call.
    pub(super) fn learn<A: Rule, I: Rule, B: Rule, L: Laps>(
        &mut self,
        first: &mut Layer<A>,
        above: &mut Above<I, B>,
        task: Task,
        images: &Images,
        (order, next): (&[u32], &[u32]),
        laps: &mut L,
    ) {
        let Self { between, way, past } = self;
        let (task, weights) = (Task { threads: Threads::One, ..task }, first.stored());
        let [step, coming] =
            [order, next].map(|order| Step::new(task, images, order, weights, &*laps).with_products());
        way.read(&step);
        way.sums(first.stored().as_vectors(), &mut between.hidden, &step);
        if A::DERIVED {
            past.meet(first, way, &mut between.hidden, &step);
        }
        one_by_one(first, above, between, way.products(), &step);
        step.serial(Phase::Update, || way.leap(first, &between.deltas, order.len()));
        if A::DERIVED {
            past.go_on(first, way, &mut between.deltas, &step, coming.order.is_empty());
        }
        way.go_on(&coming);
        first.settle_all(order.len());
        laps.lap_together();
    }
}

/// Takes every image from its net inputs by weights as they were before the first of them to its deltas, times the learning rate: to
/// what is taken off the stored weights for them.
fn one_by_one<A: Rule, I: Rule, B: Rule, L: Laps>(
    first: &Layer<A>,
    above: &mut Above<I, B>,
    Rows { hidden, deltas }: &mut Rows,
    products: &Products,
    step: &Step<L>,
) {
    let (n, images, mut watch) = (hidden.vectors(), step.order.len(), Piece::new(step.laps));
    let [hidden, deltas] = [hidden, deltas].map(|rows| &mut rows.as_vectors_mut()[..images * n]);
    for ((number, &image), rate) in step.order.iter().enumerate().zip(first.rates(images)) {
        products.meet(number, deltas, hidden);
        watch.own.lap(Phase::Forward);
        let row = number * n..(number + 1) * n;
        let (hidden, deltas) = (&mut hidden[row.clone()], &mut deltas[row]);
        above.learn(step.task, step.images.label(image as usize), hidden, deltas, &mut watch.own);
        deltas.iter_mut().for_each(|delta| *delta *= f32xN::splat(rate));
        watch.own.lap(Phase::Update);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlr_kernels::panel::Panel;
    use dlr_kernels::rules::{Dlr, Momentum, Sgd};

    #[test]
    fn images_are_learned_together_in_numbers_much_alike() {
        assert_eq!([1, 63, 64, 65, 600, 60_000].map(even), [1, 63, 64, 33, 60, 64]);
        assert_eq!(even(0), 1, "what no image is cut into");
        assert_eq!([0, 39, 40, 64, 65, 78, 79, 600].map(worthwhile), [0, 0, 40, 64, 64, 64, 79, 600]);
    }

    #[test]
    fn only_updates_that_add_up_are_made_together() {
        fn pays_by<R: Rule>(rule: R, units: usize, density: f64) -> bool {
            pays(&Layer::new(Panel::zeros(1, units), rule), density)
        }
        let [soon, late] = [0.8, 0.99].map(|mu| Momentum::nesterov(0.1, mu).at_rest());
        assert!(
            pays_by(Sgd { lr: 0.1 }, 1000, 0.2)
                && pays_by(soon, if LANES == 16 { 17 } else { 33 }, 0.2)
                && pays_by(late, 33, 0.5)
                && pays_by(Sgd { lr: 0.1 }, 17, 1.0)
        );
        assert!(!pays_by(Sgd { lr: 0.1 }, 30, 0.5) && !pays_by(soon, 8, 1.0) && !pays_by(late, 32, 0.2));
        assert!(!pays_by(Dlr::<true> { lr: 0.1, alpha: 1.0 }, 1000, 1.0));
    }
}
