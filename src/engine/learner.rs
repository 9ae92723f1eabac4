//! Training steps: the kernels put together, one image at a time. Next door are batches, and images that are learned one after
//! the other, but go through the first layer together.

use super::ahead::{Ahead, even, pays, worthwhile};
use super::batch::Batch;
use super::images::{Form, Images};
use super::inner::Inner;
use super::network::{Network, Weights};
use super::past::is_short;
use super::phases::{Laps, Phase, Stopwatch};
use super::threads::{Crew, Threads, useful_threads};
use super::work::{Before, Shape, Visits, Work, work};
use dlr_kernels::forward::activate;
use dlr_kernels::gradient::OfOutputs;
use dlr_kernels::lanes::{f32xN, vectors};
use dlr_kernels::layer::{Layer, State};
use dlr_kernels::output::{Backprop, OneHot, hidden_deltas, output_deltas, output_sums};
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::Rule;
use std::iter;

/// What is learned: how large the steps' batches are, what the outputs should be, what goes back, and who does it.
#[derive(Clone, Copy, Debug)]
pub struct Task {
    /// Images whose gradients are averaged for one update; 1 is online learning.
    pub batch: usize,
    /// The targets.
    pub one_hot: OneHot,
    /// The error that the hidden layer receives.
    pub backprop: Backprop,
    /// Who works on large batches.
    pub threads: Threads,
}

/// A network that learns by some optimizer.
pub trait Learner: Send {
    /// Learns from the images numbered in `order`, in that order, in batches; the last may be smaller.
    ///
    /// The result does not depend on the number of its threads. Where several images are learned together, though each by itself,
    /// they are images of one call: where it ends decides the last bits.
    fn learn(&mut self, images: &Images, order: &[u32]);

    /// The same, with the time of each phase added up by `watch`.
    fn learn_watched(&mut self, images: &Images, order: &[u32], watch: &mut Stopwatch);

    /// In which form it reads images, if calls have so many.
    fn form(&self, images: &Images, per_call: usize) -> Form;

    /// How much work that is for an image, the mean over those in `order`, if there is one hidden layer, and calls have so many
    /// images.
    fn work(&self, images: &Images, order: &[u32], per_call: usize) -> Work;

    /// The weights as they are now.
    fn weights(&mut self) -> Weights<'_>;

    /// All that its layers know, from the first to the last.
    fn states(&self) -> Vec<State>;

    /// Goes on from `states`, if they fit a learner of this form that has learned nothing yet; says whether they do.
    fn resume(&mut self, states: &[State]) -> bool;

    /// A copy of the network as it is now.
    fn network(&mut self) -> Network {
        self.weights().to_network()
    }
}

/// Images ahead of the one being learned that are asked for from memory.
const AHEAD: usize = 2;

/// The fused path: a rule for the first layer, one for those between two hidden ones, one for the last, and room for what lies
/// between them.
pub struct Fused<A: Rule, I: Rule, B: Rule> {
    first: Layer<A>,
    inner: Vec<Inner<I>>,
    last: Layer<B>,
    task: Task,
    online: Online,
    batch: Batch,
    ahead: Option<Ahead>,
    crew: Crew,
}

/// What lies between the layers for one image: beside each inner layer's own, that of the first and the last.
struct Online {
    values: Vec<f32>,
    hidden: Vec<f32xN>,
    hidden_deltas: Vec<f32xN>,
    top: Top,
}

/// The outputs of one image and their deltas.
pub(super) struct Top {
    outputs: Outputs,
    deltas: Vec<f32xN>,
}

impl Online {
    fn new(network: &Network) -> Self {
        let room = |width| vec![f32xN::ZERO; vectors(width)];
        Self {
            values: Vec::new(),
            hidden: room(network.first.width()),
            hidden_deltas: room(network.first.width()),
            top: Top { outputs: Outputs::new(1, network.outputs()), deltas: room(network.outputs()) },
        }
    }
}

/// Outputs of some images and the errors that go back, needed only on the way from hidden sums to deltas.
pub(super) struct Outputs {
    y: Vec<f32xN>,
    errors: Vec<f32xN>,
}

impl Outputs {
    /// Images whose ways had better be gone together, step by step, since the steps of one wait for each other: with eight instead
    /// of one, batches of 100 take 21 ns an image less at H = 30, 100 and 300.
    pub(super) const AT_ONCE: usize = 8;

    /// Room for so many images together, of so many output units.
    pub(super) fn new(images: usize, outputs: usize) -> Self {
        let room = vec![f32xN::ZERO; images * vectors(outputs)];
        Self { y: room.clone(), errors: room }
    }

    /// From images' sums in `hidden` to their activations, which take their place, and the deltas d1 and d2: a row of each for
    /// every image.
    #[inline]
    pub(super) fn pass(
        &mut self,
        task: Task,
        last: &Panel,
        mut labels: impl Iterator<Item = u8>,
        hidden: &mut [f32xN],
        d1: &mut [f32xN],
        d2: &mut [f32xN],
    ) {
        let (n, k) = (last.vectors(), vectors(last.rows()));
        let together = self.y.len() / k;
        let rows =
            hidden.chunks_mut(together * n).zip(d1.chunks_mut(together * n)).zip(d2.chunks_mut(together * k));
        for ((hidden, d1), d2) in rows {
            for (hidden, y) in hidden.chunks_exact_mut(n).zip(self.y.chunks_exact_mut(k)) {
                activate(hidden, last.width());
                output_sums(hidden, last, y);
            }
            let outputs = self.y.chunks_exact_mut(k).zip(self.errors.chunks_exact_mut(k));
            for ((d2, (y, errors)), label) in d2.chunks_exact_mut(k).zip(outputs).zip(&mut labels) {
                output_deltas(y, label, task.one_hot, task.backprop, d2, errors);
            }
            let hidden = hidden.chunks_exact(n).zip(d1.chunks_exact_mut(n));
            for ((hidden, d1), errors) in hidden.zip(self.errors.chunks_exact(k)) {
                hidden_deltas(errors, last, hidden, d1);
            }
        }
    }
}

impl<A: Rule, I: Rule, B: Rule> Fused<A, I, B> {
    /// A learner that goes on from `network`, by these rules of its first layer, its inner layers and its last.
    ///
    /// # Panics
    /// If it learns in batches by weights that are [derived](Rule::DERIVED). Those of other layers than the first cannot be.
    pub fn boxed(network: Network, (first, inner, last): (A, I, B), task: Task) -> Box<dyn Learner> {
        const { assert!(!I::DERIVED && !B::DERIVED, "only the first layer's weights can be derived") };
        assert!(task.batch == 1 || !A::DERIVED, "a batch goes through weights that are stored");
        let inner = network.inner.iter().map(|weights| Inner::new(weights.clone(), inner.clone())).collect();
        Box::new(Self {
            online: Online::new(&network),
            batch: Batch::new(task.batch, &network),
            ahead: None,
            crew: Crew::new(useful_threads(task.batch, network.inputs(), network.first.width())),
            first: Layer::new(network.first, first),
            inner,
            last: Layer::new(network.last, last),
            task,
        })
    }

    fn learn_with(&mut self, images: &Images, order: &[u32], laps: &mut impl Laps) {
        if self.task.batch > 1 {
            self.learn_batches(images, order, laps);
        } else {
            let (together, rest) = order.split_at(self.together(images, order.len()));
            self.learn_together(images, together, laps);
            self.learn_online(images, rest, laps);
        }
    }

    /// How many of the first of `count` images are learned together, though each by itself.
    fn together(&self, images: &Images, count: usize) -> usize {
        let pays = self.task.batch == 1 && pays(&self.first, images.density());
        if pays { worthwhile(count) } else { 0 }
    }

    fn learn_batches(&mut self, images: &Images, order: &[u32], laps: &mut impl Laps) {
        let Self { first, inner, last, task, batch, crew, .. } = self;
        crew.work(task.threads, || {
            let mut batches = order.chunks(task.batch).peekable();
            while let Some(now) = batches.next() {
                let next = batches.peek().copied().unwrap_or_default();
                batch.learn(Layers { first, inner, last }, *task, images, (now, next), laps);
            }
        });
    }

    fn learn_online(&mut self, images: &Images, order: &[u32], laps: &mut impl Laps) {
        let Self { first, inner, last, task, online, .. } = self;
        let Online { values, hidden, hidden_deltas: d1, top } = online;
        let mut above = Above { inner, last, top };
        for (n, &image) in order.iter().enumerate() {
            images.ask_ahead(images.pixels(), order, n, AHEAD);
            let image = image as usize;
            let lit = images.lit(image, values);
            let label = images.label(image);
            laps.lap(Phase::Data);
            first.learn(lit, hidden, |hidden| {
                laps.lap(Phase::Forward);
                above.learn(*task, label, hidden, d1, laps);
                d1
            });
            laps.lap(Phase::Update);
        }
    }

    /// The same for several images at a time.
    fn learn_together(&mut self, images: &Images, order: &[u32], laps: &mut impl Laps) {
        let Self { first, inner, last, task, online, ahead, .. } = self;
        let mut above = Above { inner, last, top: &mut online.top };
        let mut all = order.chunks(even(order.len())).peekable();
        while let Some(now) = all.next() {
            let next = all.peek().copied().unwrap_or_default();
            let ahead = ahead.get_or_insert_with(|| Ahead::new(first));
            ahead.learn(first, &mut above, *task, images, (now, next), laps);
        }
    }
}

/// The layers above the first one, which learn from one image after the other.
pub(super) struct Above<'a, I: Rule, B: Rule> {
    inner: &'a mut [Inner<I>],
    last: &'a mut Layer<B>,
    top: &'a mut Top,
}

impl<I: Rule, B: Rule> Above<'_, I, B> {
    /// One image, with all of their updates: from the net inputs of the first hidden layer, which become activations, to its
    /// deltas.
    #[inline]
    pub(super) fn learn(
        &mut self,
        task: Task,
        label: u8,
        hidden: &mut [f32xN],
        deltas: &mut [f32xN],
        laps: &mut impl Laps,
    ) {
        let Self { inner, last, top: Top { outputs, deltas: d2 } } = self;
        let mut top = |hidden: &mut [f32xN], d1: &mut [f32xN]| {
            outputs.pass(task, last.stored(), iter::once(label), hidden, d1, d2);
            laps.lap(Phase::Output);
            let units = last.stored().rows();
            last.update(&OfOutputs { deltas: &bytemuck::cast_slice(d2)[..units], hidden });
        };
        if inner.is_empty() {
            top(hidden, deltas);
        } else {
            rise(inner, hidden, deltas, &mut top);
        }
    }
}

/// What lies above a hidden layer, for one image: from the net inputs of its units to their deltas, with the updates of all
/// layers on the way; `top` does so for the last one.
fn rise<R: Rule>(
    inner: &mut [Inner<R>],
    hidden: &mut [f32xN],
    deltas: &mut [f32xN],
    top: &mut dyn FnMut(&mut [f32xN], &mut [f32xN]),
) {
    match inner.split_first_mut() {
        None => top(hidden, deltas),
        Some((next, rest)) => {
            next.learn(hidden, deltas, |hidden, deltas| rise(rest, hidden, deltas, top));
        }
    }
}

/// All layers of a network that learns.
pub(super) struct Layers<'a, A: Rule, I: Rule, B: Rule> {
    pub(super) first: &'a mut Layer<A>,
    pub(super) inner: &'a mut [Inner<I>],
    pub(super) last: &'a mut Layer<B>,
}

impl<A: Rule, I: Rule, B: Rule> Learner for Fused<A, I, B> {
    fn learn(&mut self, images: &Images, order: &[u32]) {
        self.learn_with(images, order, &mut ());
    }

    fn learn_watched(&mut self, images: &Images, order: &[u32], watch: &mut Stopwatch) {
        watch.start();
        self.learn_with(images, order, watch);
    }

    fn form(&self, images: &Images, per_call: usize) -> Form {
        let go_together = self.task.batch > 1 || self.together(images, per_call) > 0;
        if go_together { Form::Groups } else { Form::Pixels }
    }

    fn work(&self, images: &Images, order: &[u32], per_call: usize) -> Work {
        let all = self.together(images, per_call);
        let (together, span) = (even(all), self.first.span());
        let before = || match A::DERIVED {
            false => Before::NOTHING,
            true if is_short(&self.first) => Before::in_span(all, together, span),
            true => Before::REMEMBERED,
        };
        let visits = &match all {
            0 => Visits::count(images, order, self.task.batch, None),
            _ => Visits::count(images, order, together, Some(before())),
        };
        let (first, last) = (self.first.stored(), self.last.stored());
        let shape = Shape { inputs: first.rows(), hidden: first.width(), outputs: last.rows() };
        work::<A, B>(shape, visits)
    }

    fn states(&self) -> Vec<State> {
        let inner = self.inner.iter().map(|inner| inner.layer.state());
        [self.first.state()].into_iter().chain(inner).chain([self.last.state()]).collect()
    }

    fn resume(&mut self, states: &[State]) -> bool {
        let [first, inner @ .., last] = states else { return false };
        let fit = inner.len() == self.inner.len()
            && self.first.takes(first)
            && self.inner.iter().zip(inner).all(|(own, state)| own.layer.takes(state))
            && self.last.takes(last);
        if fit {
            self.first.resume(first);
            self.ahead = None;
            self.inner.iter_mut().zip(inner).for_each(|(own, state)| own.layer.resume(state));
            self.last.resume(last);
        }
        fit
    }

    fn weights(&mut self) -> Weights<'_> {
        Weights {
            first: self.first.weights(),
            inner: self.inner.iter_mut().map(|inner| inner.layer.weights()).collect(),
            last: self.last.weights(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Split;
    use crate::engine::images::Inputs;
    use crate::engine::optimizer::{Hyper, Optimizer};
    use crate::engine::settings::Init;

    #[test]
    fn images_are_read_in_groups_where_they_go_together() {
        let split = Split::from_pixels(4, &[0, 7, 0, 0], &[0]).unwrap();
        let images = Images::new(&split, Inputs::Unit);
        let form = |name, hidden: usize, batch, per_call| {
            let (one_hot, network) =
                (OneHot { low: 0.0, high: 1.0 }, Network::draw(4, hidden, 2, Init::FanIn, 1));
            let task = Task { batch, one_hot, backprop: Backprop::Mse, threads: Threads::One };
            let optimizer = Optimizer::named(name, &Hyper::default()).unwrap();
            optimizer.learner(network, task).form(&images, per_call)
        };
        assert_eq!(form("sgd", 300, 1, 600), Form::Groups);
        assert_eq!(form("sgd", 300, 1, 39), Form::Pixels, "too few at a time");
        assert_eq!(form("sgd", 8, 1, 600), Form::Pixels, "too narrow");
        assert_eq!(form("dlr", 300, 1, 600), Form::Pixels, "updates that do not add up");
        assert_eq!(form("dlr", 8, 2, 600), Form::Groups);
    }
}
