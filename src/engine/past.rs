//! What images that are learned [ahead](super::ahead) of their turn take from the time before all of them, under momentum.
//!
//! Velocities fade. Where next to nothing is left of a gradient after a hundred updates or so, they are what the latest images have
//! made them: these are kept, and images meet them as they meet each other. So neither do images go through the velocities, nor do
//! gradients have to be added to these, but at the ends of a call.

use super::phases::{Laps, Phase};
use super::turned::{Pixels, Step};
use super::way::Way;
use dlr_kernels::ahead::Products;
use dlr_kernels::lanes::f32xN;
use dlr_kernels::layer::Layer;
use dlr_kernels::lighters::Lighters;
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::{Echo, Rule};
use std::mem::swap;

/// What is [remembered](Layer::remembered), as of a call's beginning, and the images since then, the latest of which are kept. Those
/// before them are next to nothing by now.
pub(super) struct Past {
    /// How many images since then.
    since: usize,
    /// From the latest to the earliest.
    kept: Vec<Kept>,
    /// Room for others.
    spare: Vec<Kept>,
    /// A row for each image of a step: sums by what is remembered, then what will be remembered of deltas.
    rows: Panel,
    /// What is [seen](Echo::seen) of a gradient, and what is [to come](Echo::to_come), after 0, 1, 2, ... further updates.
    seen: Vec<f32>,
    to_come: Vec<f32>,
}

/// The images of a step, and what they have done.
struct Kept {
    images: Pixels,
    count: usize,
    /// Times their rates.
    deltas: Panel,
    /// Those of the images at hand with them.
    products: Products,
}

impl Past {
    /// Before a call of `first`, in steps of at most so many images.
    pub(super) fn new<A: Rule>(first: &Layer<A>, images: usize) -> Self {
        let rows = Panel::zeros(images, first.stored().width());
        let echoes = first.echoes(0).take(LONGEST + 2 * Lighters::IMAGES);
        let (seen, to_come) = echoes.map(|echo| (echo.seen, echo.to_come)).unzip();
        Self { since: 0, kept: Vec::new(), spare: Vec::new(), rows, seen, to_come }
    }

    /// Brings the sums of a step's images by what `first` stores to their net inputs by the weights that the first of them
    /// meets, with what the time passing does to these, and weighs their products with each other.
    pub(super) fn meet<A: Rule, L: Laps>(
        &mut self,
        first: &Layer<A>,
        way: &mut Way,
        sums: &mut Panel,
        step: &Step<L>,
    ) {
        let (count, span, n) = (step.order.len(), first.span(), sums.vectors());
        if self.since < span {
            way.sums(first.remembered(), &mut self.rows, step);
        }
        step.serial(Phase::Forward, || {
            way.products().weigh(&self.seen);
            let sums = &mut sums.as_vectors_mut()[..count * n];
            if self.since < span {
                let rows = sums.chunks_exact_mut(n).zip(self.rows.as_vectors().chunks_exact(n));
                rows.enumerate().for_each(|(image, (sums, past))| first.foresee(image, sums, past));
            }
            let mut between = 0;
            for Kept { images, count: earlier, deltas, products } in &mut self.kept {
                way.products_with(images, span - between, step, products);
                products.weigh_earlier(&self.to_come[between..]);
                products.meet_earlier(deltas.as_vectors(), sums, span - between);
                between += *earlier;
            }
        });
    }

    /// Ends a step whose images have these `deltas`, times their rates. Both may be swapped for others.
    pub(super) fn go_on<A: Rule, L: Laps>(
        &mut self,
        first: &mut Layer<A>,
        way: &mut Way,
        deltas: &mut Panel,
        step: &Step<L>,
        is_last: bool,
    ) {
        let (count, span) = (step.order.len(), first.span());
        step.serial(Phase::Update, || {
            if self.since < span {
                first.whole().rescale(count);
            }
            if is_last || !is_short(first) {
                self.end(first, way, deltas, count);
            } else {
                self.keep(way, deltas, count, span);
            }
        });
    }

    /// Keeps the images of a step, and of those before it the ones that are not `span` updates old.
    fn keep(&mut self, way: &mut Way, deltas: &mut Panel, count: usize, span: usize) {
        let mut latest = self.spare.pop().unwrap_or_else(|| Kept {
            images: Pixels::default(),
            count: 0,
            deltas: Panel::zeros(deltas.rows(), deltas.width()),
            products: Products::default(),
        });
        way.swap(&mut latest.images);
        swap(deltas, &mut latest.deltas);
        latest.count = count;
        self.kept.insert(0, latest);
        self.since += count;
        let since_each = self.kept.iter().scan(0, |since, kept| {
            *since += kept.count;
            Some(*since - kept.count)
        });
        let recent = since_each.take_while(|&since| since < span).count();
        self.spare.extend(self.kept.drain(recent..));
    }

    /// Has `first` remember what is left of all images that are kept, and of those of the step.
    fn end<A: Rule>(&mut self, first: &mut Layer<A>, way: &mut Way, deltas: &Panel, count: usize) {
        let Self { since, kept, spare, rows, .. } = self;
        if *since >= first.span() {
            first.whole().forget();
        }
        let mut since_then = count;
        for kept in kept.drain(..) {
            if since_then < first.span() {
                echo(&kept.deltas, kept.count, first.echoes(count).skip(since_then), rows);
                way.remember(first, Some(&kept.images), rows, kept.count);
            }
            since_then += kept.count;
            spare.push(kept);
        }
        echo(deltas, count, first.echoes(count), rows);
        way.remember(first, None, rows, count);
        *since = 0;
    }
}

/// The longest [span](Layer::span) that pays: then there are some hundred images to meet, and some hundred products to make. Through
/// velocities, and in their update, there are some two hundred inputs each.
const LONGEST: usize = 2 * Lighters::IMAGES;

/// Whether what is remembered is gone so soon that images meet those before them instead.
pub(super) fn is_short<R: Rule>(first: &Layer<R>) -> bool {
    first.span() <= LONGEST
}

/// What is remembered of the first `count` deltas, from the last to the first.
fn echo(deltas: &Panel, count: usize, echoes: impl Iterator<Item = Echo>, rows: &mut Panel) {
    let n = deltas.vectors();
    let rows = rows.as_vectors_mut()[..count * n].chunks_exact_mut(n);
    let rows = deltas.as_vectors()[..count * n].chunks_exact(n).zip(rows).rev();
    for ((deltas, row), echo) in rows.zip(echoes) {
        for (&delta, remembered) in deltas.iter().zip(row) {
            *remembered = delta * f32xN::splat(echo.remembered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Split;
    use crate::engine::images::{Images, Inputs};
    use crate::engine::learner::Task;
    use crate::engine::threads::Threads;
    use dlr_kernels::ahead::NEIGHBOURS;
    use dlr_kernels::output::{Backprop, OneHot};
    use dlr_kernels::rules::Momentum;

    const INPUTS: usize = 16;
    const UNITS: usize = 3;
    /// Images of a step: of 19 updates, until less than 2^-19 is left, four steps are kept.
    const STEP: usize = 5;
    const MU: f64 = 0.5;
    /// Images of each call, whose last steps have 5, 3, 2, 5 and 1.
    const CALLS: [usize; 6] = [5, 3, 12, 60, 25, 31];

    fn grey(image: usize, input: usize) -> u8 {
        let is_lit = (image * image + 5 * input) % 7 < 2;
        if is_lit { (1 + (13 * image + 29 * input) % 255) as u8 } else { 0 }
    }

    fn delta(image: usize, unit: usize) -> f64 {
        ((7 * image + 3 * unit) % 11) as f64 - 5.0
    }

    /// Nesterov's momentum, as it is written.
    #[derive(Clone)]
    struct Plain {
        weights: [[f64; UNITS]; INPUTS],
        velocities: [[f64; UNITS]; INPUTS],
    }

    impl Plain {
        /// With a learning rate of 1.
        fn update(&mut self, gradient: impl Fn(usize, usize) -> f64) {
            for (j, (weights, velocities)) in self.weights.iter_mut().zip(&mut self.velocities).enumerate() {
                for (unit, (w, v)) in weights.iter_mut().zip(velocities).enumerate() {
                    *v = MU * *v + gradient(j, unit);
                    *w -= gradient(j, unit) + MU * *v;
                }
            }
        }
    }

    /// Goes through all calls, and demands that images meet the weights of plain momentum, and calls leave them.
    fn assert_is_momentum(inputs: Inputs) {
        let all: usize = CALLS.iter().sum();
        let pixels: Vec<u8> = (0..all).flat_map(|image| (0..INPUTS).map(move |j| grey(image, j))).collect();
        let split = Split::from_pixels(INPUTS, &pixels, &vec![0; all]).unwrap();
        let images = Images::new(&split, inputs);
        let x = |image: usize, j: usize| f64::from(images.levels()[usize::from(grey(image, j))]);

        let mut first = Layer::new(Panel::zeros(INPUTS, UNITS), Momentum::nesterov(1.0, MU).at_rest());
        let (mut way, mut past) = (Way::default(), Past::new(&first, NEIGHBOURS));
        let mut plain = Plain { weights: [[0.0; UNITS]; INPUTS], velocities: [[0.0; UNITS]; INPUTS] };
        let one_hot = OneHot { low: 0.0, high: 1.0 };
        let task = Task { batch: 1, one_hot, backprop: Backprop::Mse, threads: Threads::One };
        let (order, mut done, mut most_kept) = ((0..all as u32).collect::<Vec<_>>(), 0, 0);
        let assert_near = |got: f32, want: f64, largest: f64, what: &str| {
            assert!((f64::from(got) - want).abs() <= 4e-6 * largest, "{what}: {got}, not {want}");
        };
        for count in CALLS {
            let mut steps = order[done..done + count].chunks(STEP).peekable();
            done += count;
            while let Some(now) = steps.next() {
                let next = steps.peek().copied().unwrap_or_default();
                let [step, coming] = [now, next]
                    .map(|order| Step::new(task, &images, order, first.stored(), &()).with_products());
                let [mut sums, mut deltas] = [(); 2].map(|()| Panel::zeros(NEIGHBOURS, UNITS));
                way.read(&step);
                way.sums(first.stored().as_vectors(), &mut sums, &step);
                past.meet(&first, &mut way, &mut sums, &step);
                most_kept = most_kept.max(past.kept.len());

                let rate = f64::from(first.rates(1).next().unwrap());
                let mut without = plain.clone(); // their gradients
                for (row, &image) in now.iter().enumerate() {
                    let image = image as usize;
                    for unit in 0..UNITS {
                        let parts = |j: usize| x(image, j) * without.weights[j][unit];
                        let want = (0..INPUTS).map(parts).sum();
                        let largest = (0..INPUTS).map(|j| parts(j).abs()).sum::<f64>() + 1.0;
                        assert_near(
                            sums.row(row)[unit],
                            want,
                            largest,
                            &format!("unit {unit}, image {image}"),
                        );
                        deltas.row_mut(row)[unit] = (delta(image, unit) * rate) as f32;
                    }
                    without.update(|_, _| 0.0);
                    plain.update(|j, unit| x(image, j) * delta(image, unit));
                }
                way.leap(&mut first, &deltas, now.len());
                past.go_on(&mut first, &mut way, &mut deltas, &step, next.is_empty());
                way.go_on(&coming);
                first.settle_all(now.len());
            }
            let weights = first.weights();
            let largest = plain.weights.as_flattened().iter().fold(1.0_f64, |most, w| most.max(w.abs()));
            for (j, want) in plain.weights.iter().enumerate() {
                for (&got, &want) in weights.row(j).iter().zip(want) {
                    assert_near(got, want, largest, &format!("input {j} after {done}"));
                }
            }
        }
        assert_eq!(most_kept, 4);
    }

    #[test]
    fn images_meet_what_velocities_would_have_done() {
        assert_is_momentum(Inputs::Unit);
        assert_is_momentum(Inputs::Offset);
    }

    #[test]
    fn long_memories_are_kept_up_to_date_instead() {
        let with = |mu| is_short(&Layer::new(Panel::zeros(1, 1), Momentum::classical(0.1, mu).at_rest()));
        assert_eq!([0.0, 0.8, 0.902, 0.9025, 1.0 - 1e-9].map(with), [true, true, true, false, false]);
    }
}
