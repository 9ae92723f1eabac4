//! Whole networks put together from the kernels, step by step as the engine does it.

use crate::errors::{Tally, deviation, training};
use crate::helpers::{Lighting, Numbers, plain, unwritten, unwritten_panel};
use crate::layers::{AnyLayer, Gradient, Place, layer};
use crate::turned::{Turned, squarest};
use dlr_kernels::forward::activate;
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::gradient::{OfBatchOutputs, OfImage, OfMatrix, OfOutputs};
use dlr_kernels::lanes::f32xN;
use dlr_kernels::lit::Lit;
use dlr_kernels::output::{self, OneHot, hidden_deltas, output_deltas, output_sums};
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::{Backprop, Network, Optimizer, Trainer};
use dlr_kernels::tiled::Tiled;
use std::fmt;

pub const BACKPROPS: [Backprop; 2] = [Backprop::Mse, Backprop::Authors];

/// An image and its label, as lit pixels for the kernels and as dense f64 for the reference.
#[derive(Clone)]
pub struct Pattern {
    index: Vec<u16>,
    value: Vec<f32>,
    label: u8,
    pub x: Vec<f64>,
    pub target: Vec<f64>,
}

impl Pattern {
    pub fn new(image: &[f32], label: usize, outputs: usize) -> Self {
        let lit = || (0_u16..).zip(image).filter(|(_, x)| **x != 0.0);
        Self {
            index: lit().map(|(j, _)| j).collect(),
            value: lit().map(|(_, &x)| x).collect(),
            label: u8::try_from(label).expect("at most 256 outputs"),
            x: image.iter().map(|&x| f64::from(x)).collect(),
            target: (0..outputs).map(|k| f64::from(k == label)).collect(),
        }
    }

    pub fn random(numbers: &mut Numbers, inputs: usize, outputs: usize, lighting: Lighting) -> Self {
        let image = numbers.image(inputs, lighting, Numbers::unit);
        Self::new(&image, numbers.below(outputs), outputs)
    }

    /// Of grey levels, as batches are.
    pub fn grey(numbers: &mut Numbers, inputs: usize, outputs: usize, lighting: Lighting) -> Self {
        let image = numbers.image(inputs, lighting, Numbers::grey);
        Self::new(&image, numbers.below(outputs), outputs)
    }

    pub fn lit(&self) -> Lit<'_> {
        Lit::new(&self.index, &self.value)
    }
}

/// A network whose weights are exact in f32, and small enough that no unit saturates.
pub fn network(numbers: &mut Numbers, inputs: usize, hidden: usize, outputs: usize) -> Network {
    let mut draw =
        |count, limit: f32| (0..count).map(|_| f64::from(limit * numbers.signed())).collect::<Vec<f64>>();
    let w1 = draw(inputs * hidden, (inputs as f32).sqrt().recip());
    let w2 = draw(hidden * outputs, (hidden as f32).sqrt().recip());
    Network { inputs, hidden, outputs, w1, w2 }
}

/// One step of the reference.
pub fn step_reference(trainer: &mut Trainer, batch: &[&Pattern]) {
    let batch: Vec<(&[f64], &[f64])> = batch.iter().map(|p| (&p.x[..], &p.target[..])).collect();
    trainer.step(&batch);
}

/// The deviation of each layer's weights, relative to the largest of them.
pub fn deviations(got: &Network, want: &Network) -> [f64; 2] {
    [deviation(&got.w1, &want.w1), deviation(&got.w2, &want.w2)]
}

/// Demands that both layers of `got` are as near to the reference as [`training`] allows.
pub fn assert_near(tally: &mut Tally, got: &Network, trainer: &Trainer, place: fmt::Arguments) {
    let steps = usize::try_from(trainer.steps()).expect("few steps");
    for (layer, deviation) in (1..).zip(deviations(got, &trainer.network)) {
        let bound = training(trainer.optimizer, steps);
        tally.within(deviation, bound, format_args!("W{layer} after {steps} steps, {place}"));
    }
}

/// a^T b by a dense product, for a of so many columns; the padding of b goes through it like all else.
pub fn transposed_product(a: View, columns: usize, b: &Panel) -> Panel {
    let stride = b.stride();
    let mut product = unwritten_panel(columns, b.width());
    let b = View::new(b.as_slice(), b.rows(), stride, stride);
    gemm(a.transposed(), b, 0.0, &mut ViewMut::new(product.as_mut_slice(), columns, stride, stride));
    product
}

/// How a batch goes through the first layer.
#[derive(Clone, Copy, Debug)]
pub enum Path {
    /// By lit pixels: fused.
    Lit,
    /// By products of dense matrices.
    Dense,
}

/// A network that learns through the kernels.
pub struct Learner {
    first: Box<dyn AnyLayer>,
    second: Box<dyn AnyLayer>,
    backprop: output::Backprop,
}

/// What one pattern leaves between the layers.
struct Between {
    hidden: Vec<f32xN>,
    hidden_deltas: Vec<f32xN>,
    output_deltas: Vec<f32xN>,
}

impl Learner {
    /// A learner that starts from `network`.
    pub fn new(network: &Network, optimizer: Optimizer, backprop: Backprop) -> Self {
        Self::with(network, optimizer, backprop, Place::First)
    }

    /// One that learns no batches.
    pub fn online(network: &Network, optimizer: Optimizer, backprop: Backprop) -> Self {
        Self::with(network, optimizer, backprop, Place::Online)
    }

    fn with(network: &Network, optimizer: Optimizer, backprop: Backprop, first: Place) -> Self {
        let &Network { inputs, hidden, outputs, ref w1, ref w2 } = network;
        let w1 = Panel::from_fn(inputs, hidden, |j, i| w1[j * hidden + i] as f32);
        let w2 = Panel::from_fn(outputs, hidden, |k, i| w2[i * outputs + k] as f32);
        Self {
            first: layer(optimizer, first, w1),
            second: layer(optimizer, Place::Second, w2),
            backprop: match backprop {
                Backprop::Mse => output::Backprop::Mse,
                Backprop::Authors => output::Backprop::Authors,
            },
        }
    }

    /// Both layers' weights.
    pub fn weights(&mut self) -> [&Panel; 2] {
        [self.first.weights(), self.second.weights()]
    }

    /// The weights as the reference lays them out: W2 is \[hidden\]\[outputs\] there.
    pub fn network(&mut self) -> Network {
        let [first, second] = self.weights();
        let (inputs, hidden, outputs) = (first.rows(), first.width(), second.rows());
        let w1 = (0..inputs).flat_map(|j| first.row(j)).map(|&w| f64::from(w)).collect();
        let w2 = (0..hidden).flat_map(|i| (0..outputs).map(move |k| f64::from(second.row(k)[i]))).collect();
        Network { inputs, hidden, outputs, w1, w2 }
    }

    /// From the hidden units' net inputs to the outputs, and back to the hidden deltas.
    fn pass(&self, mut hidden: Vec<f32xN>, label: u8) -> Between {
        let w2 = self.second.stored();
        let [mut y, mut d2, mut errors] = [(); 3].map(|()| unwritten(w2.rows()));
        let mut d1 = unwritten(w2.width());
        activate(&mut hidden, w2.width());
        output_sums(&hidden, w2, &mut y);
        output_deltas(&mut y, label, OneHot { low: 0.0, high: 1.0 }, self.backprop, &mut d2, &mut errors);
        hidden_deltas(&errors, w2, &hidden, &mut d1);
        Between { hidden, hidden_deltas: d1, output_deltas: d2 }
    }

    /// Learns one pattern by the fused path.
    pub fn learn(&mut self, pattern: &Pattern) {
        let lit = pattern.lit();
        let mut sums = unwritten(self.first.stored().width());
        self.first.hidden_sums(lit, &mut sums);
        let Between { hidden, hidden_deltas, output_deltas } = self.pass(sums, pattern.label);
        let deltas = &plain(&output_deltas)[..self.second.stored().rows()];
        self.second.step(&Gradient::Outputs(OfOutputs { deltas, hidden: &hidden }));
        self.first.step(&Gradient::Image(OfImage { lit, deltas: &hidden_deltas }));
    }

    /// Learns a batch.
    pub fn learn_batch(&mut self, batch: &[&Pattern], path: Path) {
        /// Of no size that divides many others.
        const PART: usize = 5;
        let lits: Vec<Lit> = batch.iter().map(|pattern| pattern.lit()).collect();
        let turned = match path {
            Path::Lit => Some(Turned::new(&squarest(self.first.stored().rows()), &lits, PART)),
            Path::Dense => None,
        };
        if let Some(turned) = &turned {
            self.first.catch_up(&turned.rows());
        }
        let (w1, w2) = (self.first.stored(), self.second.stored());
        let (inputs, outputs, width, stride) = (w1.rows(), w2.rows(), w1.width(), w1.stride());
        let (images, scale) = (batch.len(), 1.0 / batch.len() as f32);
        let dense: Vec<f32> = batch.iter().flat_map(|pattern| &pattern.x).map(|&x| x as f32).collect();
        let x = View::new(&dense, images, inputs, inputs);

        let [mut hidden, mut d1] = [(); 2].map(|()| unwritten_panel(images, width));
        let mut d2 = unwritten_panel(images, outputs);
        match &turned {
            Some(turned) => turned.hidden_sums(w1, hidden.as_vectors_mut()),
            None => {
                let w1 = View::new(w1.as_slice(), inputs, stride, stride);
                gemm(x, w1, 0.0, &mut ViewMut::new(hidden.as_mut_slice(), images, stride, stride));
            }
        }
        for (b, pattern) in batch.iter().enumerate() {
            let between = self.pass(hidden.row_vectors(b).to_vec(), pattern.label);
            let set = |panel: &mut Panel, row: &[f32xN]| {
                panel.as_vectors_mut()[b * row.len()..][..row.len()].copy_from_slice(row);
            };
            set(&mut hidden, &between.hidden);
            set(&mut d1, &between.hidden_deltas);
            set(&mut d2, &between.output_deltas);
        }

        let gradient = OfBatchOutputs { deltas: &d2, hidden: &hidden, images, scale };
        self.second.step(&Gradient::BatchOutputs(gradient));
        match &turned {
            Some(turned) => {
                self.first.step(&Gradient::Batch(turned.gradient(&Tiled::of(&d1, images), scale)))
            }
            None => {
                let sums = transposed_product(x, inputs, &d1);
                self.first.step(&Gradient::Matrix(OfMatrix { sums: &sums, scale }));
            }
        }
    }
}
