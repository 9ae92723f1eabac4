//! Training steps: the kernels put together, one image at a time; batches are next door.

use super::batch::Batch;
use super::images::Images;
use super::network::Network;
use super::phases::{Laps, Phase, Stopwatch};
use super::threads::Threads;
use super::work::{Shape, Visits, Work, work};
use dlr_kernels::forward::activate;
use dlr_kernels::gradient::OfOutputs;
use dlr_kernels::lanes::{f32x8, vectors};
use dlr_kernels::layer::Layer;
use dlr_kernels::output::{Backprop, OneHot, hidden_deltas, output_deltas, output_sums};
use dlr_kernels::panel::Panel;
use dlr_kernels::rule::Rule;

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
    /// The result does not depend on the number of its threads.
    fn learn(&mut self, images: &Images, order: &[u32]);

    /// The same, with the time of each phase added up by `watch`.
    fn learn_watched(&mut self, images: &Images, order: &[u32], watch: &mut Stopwatch);

    /// How much work that is for an image, where rows are visited so.
    fn work(&self, visits: &Visits) -> Work;

    /// W1 and W2 as they are now.
    fn weights(&mut self) -> (&Panel, &Panel);

    /// A copy of the network as it is now.
    fn network(&mut self) -> Network {
        let (first, second) = self.weights();
        Network { first: first.clone(), second: second.clone() }
    }
}

/// Images ahead of the one being learned that are asked for from memory.
const AHEAD: usize = 2;

/// The fused path: a rule for each layer, and room for what lies between them.
pub struct Fused<A: Rule, B: Rule> {
    first: Layer<A>,
    second: Layer<B>,
    task: Task,
    online: Online,
    batch: Batch,
}

/// What lies between the layers for one image.
struct Online {
    values: Vec<f32>,
    hidden: Vec<f32x8>,
    hidden_deltas: Vec<f32x8>,
    output_deltas: Vec<f32x8>,
    outputs: Outputs,
}

impl Online {
    fn new(hidden: usize, outputs: usize) -> Self {
        let room = |width| vec![f32x8::ZERO; vectors(width)];
        Self {
            values: Vec::new(),
            hidden: room(hidden),
            hidden_deltas: room(hidden),
            output_deltas: room(outputs),
            outputs: Outputs::new(outputs),
        }
    }
}

/// One image's outputs and the errors that go back, needed only on the way from its hidden sums to its deltas.
pub(super) struct Outputs {
    y: Vec<f32x8>,
    errors: Vec<f32x8>,
}

impl Outputs {
    pub(super) fn new(outputs: usize) -> Self {
        Self { y: vec![f32x8::ZERO; vectors(outputs)], errors: vec![f32x8::ZERO; vectors(outputs)] }
    }

    /// From an image's sums in `hidden` to its activations, which take their place, and the deltas d1 and d2.
    #[inline]
    pub(super) fn pass(
        &mut self,
        task: Task,
        second: &Panel,
        label: u8,
        hidden: &mut [f32x8],
        d1: &mut [f32x8],
        d2: &mut [f32x8],
    ) {
        activate(hidden, second.width());
        output_sums(hidden, second, &mut self.y);
        output_deltas(&mut self.y, label, task.one_hot, task.backprop, d2, &mut self.errors);
        hidden_deltas(&self.errors, second, hidden, d1);
    }
}

impl<A: Rule, B: Rule> Fused<A, B> {
    /// A learner that goes on from `network`, by `first` in the first layer and `second` in the second.
    pub fn boxed(network: Network, first: A, second: B, task: Task) -> Box<dyn Learner> {
        Box::new(Self {
            online: Online::new(network.hidden(), network.outputs()),
            batch: Batch::new(task.batch, &network),
            first: Layer::new(network.first, first),
            second: Layer::new(network.second, second),
            task,
        })
    }

    fn learn_with(&mut self, images: &Images, order: &[u32], laps: &mut impl Laps) {
        if self.task.batch == 1 {
            self.learn_online(images, order, laps);
        } else {
            let mut batches = order.chunks(self.task.batch).peekable();
            while let Some(now) = batches.next() {
                let next = batches.peek().copied().unwrap_or_default();
                let layers = (&mut self.first, &mut self.second);
                self.batch.learn(layers, self.task, images, (now, next), laps);
            }
        }
    }

    fn learn_online(&mut self, images: &Images, order: &[u32], laps: &mut impl Laps) {
        let outputs = self.second.stored().rows();
        let Online { values, hidden, hidden_deltas: d1, output_deltas: d2, outputs: y } = &mut self.online;
        for (n, &image) in order.iter().enumerate() {
            images.look_ahead(order, n, AHEAD);
            let image = image as usize;
            let lit = images.lit(image, values);
            let label = images.label(image);
            laps.lap(Phase::Data);
            self.first.learn(lit, hidden, |hidden| {
                laps.lap(Phase::Forward);
                y.pass(self.task, self.second.stored(), label, hidden, d1, d2);
                laps.lap(Phase::Output);
                self.second.update(&OfOutputs { deltas: &bytemuck::cast_slice(d2)[..outputs], hidden });
                d1
            });
            laps.lap(Phase::Update);
        }
    }
}

impl<A: Rule, B: Rule> Learner for Fused<A, B> {
    fn learn(&mut self, images: &Images, order: &[u32]) {
        self.learn_with(images, order, &mut ());
    }

    fn learn_watched(&mut self, images: &Images, order: &[u32], watch: &mut Stopwatch) {
        watch.start();
        self.learn_with(images, order, watch);
    }

    fn work(&self, visits: &Visits) -> Work {
        let (first, second) = (self.first.stored(), self.second.stored());
        let shape = Shape { inputs: first.rows(), hidden: first.width(), outputs: second.rows() };
        work::<A, B>(shape, visits)
    }

    fn weights(&mut self) -> (&Panel, &Panel) {
        (self.first.weights(), self.second.weights())
    }
}
