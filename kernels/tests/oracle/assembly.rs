//! Whole networks put together from the kernels, step by step as the engine does it.

use crate::helpers::{Lighting, Numbers, deviation};
use dlr_kernels::forward::{activate, hidden_sums};
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::gradient::{Lighters, OfBatch, OfImage, OfMatrix, OfOutputs};
use dlr_kernels::lanes::{f32x8, vectors};
use dlr_kernels::layer::Layer;
use dlr_kernels::lit::Lit;
use dlr_kernels::output::{self, OneHot, hidden_deltas, output_deltas, output_sums};
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::{Backprop, Network, Norm, Optimizer, Trainer};
use dlr_kernels::rule::Rule;
use dlr_kernels::rules::{Adam, Dlr, Nesterov, NesterovAuthors, Sgd};

pub const BACKPROPS: [Backprop; 2] = [Backprop::Mse, Backprop::Authors];

/// Every rule, its rates times `scale`. All settings but Adam's betas, which its kernel takes as f64, are exact in f32.
pub fn optimizers(scale: f64) -> [Optimizer; 6] {
    [
        Optimizer::Sgd { lr: 0.5 * scale },
        Optimizer::Nesterov { lr: 0.125 * scale, momentum: 0.875 },
        Optimizer::NesterovAuthors { lr: 0.125 * scale, momentum: 0.75 },
        Optimizer::Adam { lr: 0.007_812_5 * scale, beta1: 0.9, beta2: 0.999, epsilon: 2.0_f64.powi(-27) },
        Optimizer::Dlr { lr: 0.625 * scale, alpha: 0.3125, norm: Norm::Pre },
        Optimizer::Dlr { lr: 0.625 * scale, alpha: 0.3125, norm: Norm::Post },
    ]
}

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

/// How a batch goes through the first layer.
#[derive(Clone, Copy, Debug)]
pub enum Path {
    /// By lit pixels: fused.
    Lit,
    /// By products of dense matrices.
    Dense,
}

/// A network that learns through the kernels.
pub trait Learner {
    /// Learns one pattern by the fused path.
    fn learn(&mut self, pattern: &Pattern);
    /// Learns a batch.
    fn learn_batch(&mut self, batch: &[&Pattern], path: Path);
    /// Both layers' weights.
    fn weights(&self) -> [&Panel; 2];

    /// The weights as the reference lays them out: W2 is \[hidden\]\[outputs\] there.
    fn network(&self) -> Network {
        let [first, second] = self.weights();
        let (inputs, hidden, outputs) = (first.rows(), first.width(), second.rows());
        let w1 = (0..inputs).flat_map(|j| first.row(j)).map(|&w| f64::from(w)).collect();
        let w2 = (0..hidden).flat_map(|i| (0..outputs).map(move |k| f64::from(second.row(k)[i]))).collect();
        Network { inputs, hidden, outputs, w1, w2 }
    }
}

/// A learner that starts from `network`.
pub fn learner(network: &Network, optimizer: Optimizer, backprop: Backprop) -> Box<dyn Learner> {
    fn boxed<A: Rule, B: Rule>(
        network: &Network,
        first: A,
        second: B,
        backprop: Backprop,
    ) -> Box<dyn Learner> {
        Box::new(Fused::new(network, first, second, backprop))
    }
    match optimizer {
        Optimizer::Sgd { lr } => {
            let rule = Sgd { lr: lr as f32 };
            boxed(network, rule, rule, backprop)
        }
        Optimizer::Nesterov { lr, momentum } => {
            let rule = Nesterov { lr: lr as f32, momentum: momentum as f32 };
            boxed(network, rule, rule, backprop)
        }
        Optimizer::NesterovAuthors { lr, momentum } => {
            let rule = NesterovAuthors { lr: lr as f32, momentum: momentum as f32 };
            boxed(network, rule, rule, backprop)
        }
        Optimizer::Adam { lr, beta1, beta2, epsilon } => {
            let rule = Adam::new(lr, beta1, beta2, epsilon as f32);
            boxed(network, rule, rule, backprop)
        }
        Optimizer::Dlr { lr, alpha, norm } => {
            let (lr, alpha) = (lr as f32, alpha as f32);
            let (by_row, by_lane) = (Dlr::<true> { lr, alpha }, Dlr::<false> { lr, alpha });
            // A row of W1 belongs to its pre-synaptic unit, a row of W2 to its post-synaptic unit.
            match norm {
                Norm::Pre => boxed(network, by_row, by_lane, backprop),
                Norm::Post => boxed(network, by_lane, by_row, backprop),
            }
        }
    }
}

/// Two layers with a rule each.
pub struct Fused<A: Rule, B: Rule> {
    pub first: Layer<A>,
    pub second: Layer<B>,
    backprop: output::Backprop,
}

/// What one pattern leaves between the layers.
struct Between {
    hidden: Vec<f32x8>,
    hidden_deltas: Vec<f32x8>,
    output_deltas: Vec<f32x8>,
}

/// Room for `width` numbers that must all be written before they are read.
pub fn unwritten(width: usize) -> Vec<f32x8> {
    vec![f32x8::splat(f32::NAN); vectors(width)]
}

fn unwritten_panel(rows: usize, width: usize) -> Panel {
    let mut panel = Panel::zeros(rows, width);
    panel.as_vectors_mut().fill(f32x8::splat(f32::NAN));
    panel
}

impl<A: Rule, B: Rule> Fused<A, B> {
    pub fn new(network: &Network, first: A, second: B, backprop: Backprop) -> Self {
        let &Network { inputs, hidden, outputs, ref w1, ref w2 } = network;
        Self {
            first: Layer::new(Panel::from_fn(inputs, hidden, |j, i| w1[j * hidden + i] as f32), first),
            second: Layer::new(Panel::from_fn(outputs, hidden, |k, i| w2[i * outputs + k] as f32), second),
            backprop: match backprop {
                Backprop::Mse => output::Backprop::Mse,
                Backprop::Authors => output::Backprop::Authors,
            },
        }
    }

    /// From the hidden units' net inputs to the outputs, and back to the hidden deltas.
    fn pass(&self, mut hidden: Vec<f32x8>, label: u8) -> Between {
        let w2 = self.second.weights();
        let [mut y, mut d2, mut errors] = [(); 3].map(|()| unwritten(w2.rows()));
        let mut d1 = unwritten(w2.width());
        activate(&mut hidden, w2.width());
        output_sums(&hidden, w2, &mut y);
        output_deltas(&mut y, label, OneHot { low: 0.0, high: 1.0 }, self.backprop, &mut d2, &mut errors);
        hidden_deltas(&errors, w2, &hidden, &mut d1);
        Between { hidden, hidden_deltas: d1, output_deltas: d2 }
    }
}

impl<A: Rule, B: Rule> Learner for Fused<A, B> {
    fn learn(&mut self, pattern: &Pattern) {
        let lit = pattern.lit();
        let mut sums = unwritten(self.first.weights().width());
        hidden_sums(lit, self.first.weights(), &mut sums);
        let Between { hidden, hidden_deltas, output_deltas } = self.pass(sums, pattern.label);
        let deltas = &bytemuck::cast_slice(&output_deltas)[..self.second.weights().rows()];
        self.second.update(&OfOutputs { deltas, hidden: &hidden });
        self.first.update(&OfImage { lit, deltas: &hidden_deltas });
    }

    fn learn_batch(&mut self, batch: &[&Pattern], path: Path) {
        let (inputs, outputs) = (self.first.weights().rows(), self.second.weights().rows());
        let (width, stride) = (self.first.weights().width(), self.first.weights().stride());
        let (images, scale) = (batch.len(), 1.0 / batch.len() as f32);
        let dense: Vec<f32> = batch.iter().flat_map(|pattern| &pattern.x).map(|&x| x as f32).collect();
        let x = View::new(&dense, images, inputs, inputs);

        let mut hidden = unwritten_panel(images, width);
        let mut d1 = unwritten_panel(images, width);
        let mut d2 = unwritten_panel(images, outputs);
        if let Path::Dense = path {
            let w1 = View::new(self.first.weights().as_slice(), inputs, stride, stride);
            gemm(x, w1, 0.0, &mut ViewMut::new(hidden.as_mut_slice(), images, stride, stride));
        }
        let (n, outputs_n) = (vectors(width), vectors(outputs));
        for (b, pattern) in batch.iter().enumerate() {
            let mut sums = hidden.row_vectors(b).to_vec();
            if let Path::Lit = path {
                hidden_sums(pattern.lit(), self.first.weights(), &mut sums);
            }
            let between = self.pass(sums, pattern.label);
            hidden.as_vectors_mut()[b * n..][..n].copy_from_slice(&between.hidden);
            d1.as_vectors_mut()[b * n..][..n].copy_from_slice(&between.hidden_deltas);
            d2.as_vectors_mut()[b * outputs_n..][..outputs_n].copy_from_slice(&between.output_deltas);
        }

        let h = View::new(hidden.as_slice(), images, stride, stride);
        let deltas = View::new(d2.as_slice(), images, outputs, d2.stride());
        let mut sums = unwritten_panel(outputs, width);
        gemm(deltas.transposed(), h, 0.0, &mut ViewMut::new(sums.as_mut_slice(), outputs, stride, stride));
        self.second.update(&OfMatrix { sums: &sums, scale });

        match path {
            Path::Lit => {
                let mut lighters = Lighters::default();
                lighters.turn(inputs, batch.iter().map(|pattern| pattern.lit()));
                self.first.update(&OfBatch { lighters: &lighters, deltas: &d1, scale });
            }
            Path::Dense => {
                let deltas = View::new(d1.as_slice(), images, stride, stride);
                let mut sums = unwritten_panel(inputs, width);
                let mut view = ViewMut::new(sums.as_mut_slice(), inputs, stride, stride);
                gemm(x.transposed(), deltas, 0.0, &mut view);
                self.first.update(&OfMatrix { sums: &sums, scale });
            }
        }
    }

    fn weights(&self) -> [&Panel; 2] {
        [self.first.weights(), self.second.weights()]
    }
}
