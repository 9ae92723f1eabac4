//! Online learning of several images at once, where updates [add up](dlr_kernels::ahead): the first layer goes through all of
//! them together, and what lies above it through one after the other. One thread does it all: between two, the weights would
//! change hands too often to gain much.

use super::crew::Crew;
use super::dense;
use super::images::Images;
use super::inner::Rows;
use super::learner::{Above, Task};
use super::phases::{Laps, Phase, Piece};
use super::turned::{Step, Turned, each_piece};
use dlr_kernels::ahead::Products;
use dlr_kernels::gradient::OfMatrix;
use dlr_kernels::lanes::{LANES, f32xN};
use dlr_kernels::layer::Layer;
use dlr_kernels::lighters::Lighters;
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::{Echo, Rule};
use dlr_kernels::tiled::Tiled;
use std::mem::swap;

/// Images that are learned together at most: as many as are turned around together.
pub(super) const TOGETHER: usize = Lighters::IMAGES;

/// Fewer than these are not worth it: with 32, a third less is gained at H = 300, and nothing at H = 100.
const FEWEST: usize = 40;

/// Whether `first` learns faster so. The weights are read and written less often, but there are the images' products, and what
/// they do to each other. Of the time of one image after the other, this takes 1.12 at H = 30 and 0.89 at 64 under gradient descent.
/// Under momentum that is [soon gone](Layer::span), it takes 1.28 at H = 16 and 0.84 at 24; under other, 0.99 at 32 and 0.81 at 33.
/// With vectors of eight, 1.02 at 128 and 0.92 at 136, 1.06 at 32 and 0.94 at 33, and 1.13 at 80 and 0.89 at 96. With sixteen, that
/// was measured where [bytes can be multiplied](dlr_kernels::ahead).
pub(super) fn pays<R: Rule>(first: &Layer<R>, dense: bool) -> bool {
    let most = match (dense, R::DERIVED, first.span() <= TOGETHER, LANES) {
        (true, false, ..) => 48,
        (true, true, _, 16) => 32,
        (true, true, ..) => 24,
        (false, false, _, 16) => 32,
        (false, false, ..) => 128,
        (false, true, true, 16) => 16,
        (false, true, false, 16) | (false, true, true, _) => 32,
        (false, true, false, _) => 80,
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

/// Some images, and what the first layer makes of them.
pub(super) struct Ahead {
    turned: Turned,
    dense: Option<Dense>,
    between: Between,
    /// Deltas as the sweep goes through them.
    tiled: Tiled,
}

/// The dense path's images, those before them, and the sum of their gradients.
struct Dense {
    before: dense::Dense,
    images: dense::Dense,
    products: Products,
    sums: Panel,
}

/// What lies between the first layer and the next, a row per image.
struct Between {
    rows: Rows,
    /// Sums by what is remembered beside the weights that are stored, if they are derived of both; then what will be remembered of
    /// the deltas.
    past: Panel,
    before: Before,
}

/// The images before those at hand, if there are any of which these take what they would else take from what is remembered:
/// that is next to nothing but for them. Meanwhile, nothing is remembered.
struct Before {
    images: usize,
    /// Their deltas, times their rates.
    deltas: Panel,
    products: Products,
}

impl Ahead {
    /// Room for images of a network with such weights in its first layer.
    pub(super) fn new(weights: &Panel) -> Self {
        let room = || Panel::zeros(TOGETHER, weights.width());
        let before = Before { images: 0, deltas: room(), products: Products::default() };
        let between = Between { rows: Rows::new(TOGETHER, weights.width()), past: room(), before };
        Self { turned: Turned::default(), dense: None, between, tiled: Tiled::default() }
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
        // Whether the next images can take from these what they need of the past.
        let keeps = A::DERIVED && !next.is_empty() && first.span() <= order.len();
        if images.are_dense() {
            self.learn_dense(first, above, &step, keeps);
        } else {
            self.learn_lit(first, above, (&step, &coming), keeps);
        }
        self.between.go_on(order.len(), keeps);
        first.settle_all(order.len());
        laps.lap_together();
    }

    /// By lit pixels.
    fn learn_lit<A: Rule, I: Rule, B: Rule, L: Laps>(
        &mut self,
        first: &mut Layer<A>,
        above: &mut Above<I, B>,
        (step, coming): (&Step<L>, &Step<L>),
        keeps: bool,
    ) {
        let Self { turned, between, tiled, .. } = self;
        turned.look(first, step);
        each_piece(&mut between.rows.hidden, turned.sums(first.stored().as_vectors(), step), step);
        if A::DERIVED && between.before.images > 0 {
            let [before, ..] = turned.all();
            step.serial(Phase::Forward, || {
                let (images, products) = (step.order.len(), &mut between.before.products);
                products.of_lit_with(images, &before.parts()[0], step.lists(), first.span());
                between.meet_before(first, images);
            });
        } else if A::DERIVED {
            each_piece(&mut between.past, turned.sums(first.remembered(), step), step);
            step.serial(Phase::Forward, || between.meet_past(first, step.order.len()));
        }
        let [before, pixels, next] = turned.all();
        between.one_by_one(first, above, pixels.products(), step);
        step.serial(Phase::Update, || {
            tile(&between.rows.deltas, step.order.len(), tiled);
            first.whole().leap(&pixels.gradient(tiled, 1.0));
            if A::DERIVED && !keeps {
                between.remember(first, step.order.len(), |first, past, images, whose| {
                    tile(past, images, tiled);
                    let pixels = match whose {
                        Whose::Before => &*before,
                        Whose::Now => &*pixels,
                    };
                    first.whole().remember(&pixels.gradient(tiled, 1.0));
                });
            }
        });
        next.read(coming);
        turned.go_on(keeps);
    }

    /// By dense products.
    fn learn_dense<A: Rule, I: Rule, B: Rule, L: Laps>(
        &mut self,
        first: &mut Layer<A>,
        above: &mut Above<I, B>,
        step: &Step<L>,
        keeps: bool,
    ) {
        let Self { dense, between, .. } = self;
        let (w1, count) = (first.stored(), step.order.len());
        let Dense { before, images, products, sums } = dense.get_or_insert_with(|| Dense {
            before: dense::Dense::new(w1.rows()),
            images: dense::Dense::new(w1.rows()),
            products: Products::default(),
            sums: Panel::zeros(w1.rows(), w1.width()),
        });
        step.serial(Phase::Forward, || {
            images.read(step.images, step.order);
            images.sums(w1.as_vectors(), &mut between.rows.hidden);
            if A::DERIVED && between.before.images > 0 {
                between.before.products.of_dense_with(images.view(), before.view());
                between.meet_before(first, count);
            } else if A::DERIVED {
                images.sums(first.remembered(), &mut between.past);
                between.meet_past(first, count);
            }
            products.of_dense(images.view());
        });
        between.one_by_one(first, above, products, step);
        step.serial(Phase::Update, || {
            images.gradient(&between.rows.deltas, sums);
            first.whole().leap(&OfMatrix { sums, scale: 1.0 });
            if A::DERIVED && !keeps {
                between.remember(first, count, |first, past, _, whose| {
                    let images = match whose {
                        Whose::Before => &*before,
                        Whose::Now => &*images,
                    };
                    images.gradient(past, sums);
                    first.whole().remember(&OfMatrix { sums, scale: 1.0 });
                });
            }
        });
        if keeps {
            swap(before, images);
        }
    }
}

/// Of the images before those at hand, or of these.
enum Whose {
    Before,
    Now,
}

impl Between {
    /// Brings the images' sums by what is stored to net inputs, as far as these come of what was remembered before all of them.
    fn meet_past<A: Rule>(&mut self, first: &Layer<A>, images: usize) {
        let Self { rows: Rows { hidden, .. }, past, .. } = self;
        let n = hidden.vectors();
        let rows = hidden.as_vectors_mut().chunks_exact_mut(n).zip(past.as_vectors().chunks_exact(n));
        for (number, (sums, past)) in rows.take(images).enumerate() {
            first.foresee(number, sums, past);
        }
    }

    /// The same where there is nothing to be remembered but the images before.
    fn meet_before<A: Rule>(&mut self, first: &Layer<A>, images: usize) {
        let Self { rows: Rows { hidden, .. }, before: Before { deltas, products, .. }, .. } = self;
        let n = hidden.vectors();
        products.weigh_earlier(first.echoes(images).map(|echo| echo.to_come));
        let sums = &mut hidden.as_vectors_mut()[..images * n];
        products.meet_earlier(deltas.as_vectors(), sums, first.span());
    }

    /// Takes every image from its net inputs by weights as they were before the first of them to its deltas, times the learning
    /// rate: to what is taken off the stored weights for them.
    fn one_by_one<A: Rule, I: Rule, B: Rule, L: Laps>(
        &mut self,
        first: &Layer<A>,
        above: &mut Above<I, B>,
        products: &mut Products,
        step: &Step<L>,
    ) {
        let Rows { hidden, deltas } = &mut self.rows;
        let (n, images, mut watch) = (hidden.vectors(), step.order.len(), Piece::new(step.laps));
        let [hidden, deltas] = [hidden, deltas].map(|rows| &mut rows.as_vectors_mut()[..images * n]);
        if A::DERIVED {
            products.weigh(first.echoes(images).map(|echo| echo.seen));
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
    }

    /// Brings what is remembered to where it is after so many images: `add(first, past, images, whose)` adds what is remembered of
    /// images with deltas as in the first rows of `past`.
    fn remember<A: Rule>(
        &mut self,
        first: &mut Layer<A>,
        images: usize,
        mut add: impl FnMut(&mut Layer<A>, &Panel, usize, Whose),
    ) {
        let Self { rows: Rows { deltas, .. }, past, before } = self;
        if before.images == 0 {
            first.whole().rescale(images);
        } else {
            first.whole().forget();
            if images < first.span() {
                echo(&before.deltas, before.images, first.echoes(images).skip(images), past);
                add(first, past, before.images, Whose::Before);
            }
        }
        echo(deltas, images, first.echoes(images), past);
        add(first, past, images, Whose::Now);
    }

    /// Ends a step with so many images, which may be kept for the next.
    fn go_on(&mut self, images: usize, keeps: bool) {
        if keeps {
            swap(&mut self.rows.deltas, &mut self.before.deltas);
        }
        self.before.images = if keeps { images } else { 0 };
    }
}

/// What is remembered of the first `images` deltas, from the last to the first.
fn echo(deltas: &Panel, images: usize, echoes: impl Iterator<Item = Echo>, past: &mut Panel) {
    let n = deltas.vectors();
    let past = past.as_vectors_mut()[..images * n].chunks_exact_mut(n);
    let rows = deltas.as_vectors()[..images * n].chunks_exact(n).zip(past).rev();
    for ((deltas, past), echo) in rows.zip(echoes) {
        for (&delta, past) in deltas.iter().zip(past) {
            *past = delta * f32xN::splat(echo.remembered);
        }
    }
}

/// Cuts the first rows of a panel into tiles.
fn tile(rows: &Panel, count: usize, tiled: &mut Tiled) {
    let n = rows.vectors();
    tiled.rewrite(count, n, count).for_each(|piece| piece.write(&rows.as_vectors()[..count * n]));
}

#[cfg(test)]
mod tests {
    use super::*;
    use dlr_kernels::rules::{Dlr, Momentum, Sgd};

    #[test]
    fn images_are_learned_together_in_numbers_much_alike() {
        assert_eq!([1, 63, 64, 65, 600, 60_000].map(even), [1, 63, 64, 33, 60, 64]);
        assert_eq!(even(0), 1, "what no image is cut into");
        assert_eq!([0, 39, 40, 64, 65, 78, 79, 600].map(worthwhile), [0, 0, 40, 64, 64, 64, 79, 600]);
    }

    #[test]
    fn only_updates_that_add_up_are_made_together() {
        fn pays_by<R: Rule>(rule: R, units: usize, dense: bool) -> bool {
            pays(&Layer::new(Panel::zeros(1, units), rule), dense)
        }
        let [soon, late] = [0.8, 0.99].map(|mu| Momentum::nesterov(0.1, mu).at_rest());
        assert!(
            pays_by(Sgd { lr: 0.1 }, 1000, false) && pays_by(soon, 33, false) && pays_by(late, 1000, true)
        );
        assert!(!pays_by(Sgd { lr: 0.1 }, 30, false) && !pays_by(soon, 8, true) && !pays_by(late, 32, false));
        assert!(!pays_by(Dlr::<true> { lr: 0.1, alpha: 1.0 }, 1000, false));
    }
}
