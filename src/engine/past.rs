//! What images that are learned [ahead](super::ahead) of their turn take from the time before all of them, under momentum.
//!
//! Velocities fade. Where next to nothing is left of a gradient after some hundred updates, they are what the latest images have
//! made them: these are kept, and images meet them as they meet each other. So neither do images go through the velocities, nor do
//! gradients have to be added to these, but at the ends of a call.

use super::phases::{Laps, Phase};
use super::turned::Step;
use super::ways::Way;
use dlr_kernels::ahead::Products;
use dlr_kernels::lanes::f32xN;
use dlr_kernels::layer::Layer;
use dlr_kernels::lighters::Lighters;
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::{Echo, Rule};
use std::mem::swap;

/// What is [remembered](Layer::remembered), as of a call's beginning, and the images since then, the latest of which are kept. Those
/// before them are next to nothing by now.
pub(super) struct Past<I> {
    /// How many images since then.
    since: usize,
    /// From the latest to the earliest.
    kept: Vec<Kept<I>>,
    /// Room for others.
    spare: Vec<Kept<I>>,
    /// A row for each image of a step: sums by what is remembered, then what will be remembered of deltas.
    rows: Panel,
    /// What is [seen](Echo::seen) of a gradient, and what is [to come](Echo::to_come), after 0, 1, 2, ... further updates.
    seen: Vec<f32>,
    to_come: Vec<f32>,
}

/// The images of a step, and what they have done.
struct Kept<I> {
    images: I,
    count: usize,
    /// Times their rates.
    deltas: Panel,
    /// Those of the images at hand with them.
    products: Products,
}

impl<I> Past<I> {
    /// Before a call; of steps with at most so many images, and a layer with so many units.
    pub(super) fn new(images: usize, units: usize) -> Self {
        let rows = Panel::zeros(images, units);
        Self { since: 0, kept: Vec::new(), spare: Vec::new(), rows, seen: Vec::new(), to_come: Vec::new() }
    }

    /// Brings the sums of a step's images by what `first` stores to their net inputs by the weights that the first of them
    /// meets, with what the time passing does to these, and weighs their products with each other.
    pub(super) fn meet<A: Rule, L: Laps>(
        &mut self,
        first: &Layer<A>,
        way: &mut impl Way<Images = I>,
        sums: &mut Panel,
        step: &Step<L>,
    ) {
        let (count, span, n) = (step.order.len(), first.span(), sums.vectors());
        if self.since < span {
            way.sums(first.remembered(), &mut self.rows, step);
        }
        step.serial(Phase::Forward, || {
            if self.seen.is_empty() {
                let echoes = first.echoes(count).take(LONGEST + 2 * Lighters::IMAGES);
                (self.seen, self.to_come) = echoes.map(|echo| (echo.seen, echo.to_come)).unzip();
            }
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
        way: &mut impl Way<Images = I>,
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
    fn keep(&mut self, way: &mut impl Way<Images = I>, deltas: &mut Panel, count: usize, span: usize) {
        let mut latest = self.spare.pop().unwrap_or_else(|| Kept {
            images: way.room(),
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
    fn end<A: Rule>(
        &mut self,
        first: &mut Layer<A>,
        way: &mut impl Way<Images = I>,
        deltas: &Panel,
        count: usize,
    ) {
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

/// The longest [span](Layer::span) that pays: there are some hundred products for each image then, as many as groups of lit pixels.
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
