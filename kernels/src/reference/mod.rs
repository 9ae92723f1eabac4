//! The oracle: one-hidden-layer logistic networks and their optimizers in plain scalar `f64`.
//!
//! The fast kernels are tested against this module, so it shares no code and no type with them, and it is
//! written to be read beside the formulas: dense loops in natural order, no blocking, no skipped zeros, no
//! fused steps. The paper is Ho Ling Li, "Faster Biological Gradient Descent Learning" (2020), and equation
//! numbers refer to it.
//!
//! With one pattern x\[inputs\] and its target t\[outputs\], where s(z) = 1 / (1 + e^-z):
//!
//! | quantity     | shape              | formula                                             |
//! | ------------ | ------------------ | --------------------------------------------------- |
//! | hidden       | \[hidden\]           | h = s(W1ᵀ x)                                        |
//! | output       | \[outputs\]          | y = s(W2ᵀ h)                                        |
//! | loss         | scalar             | E = ½ Σₖ (yₖ - tₖ)²                                 |
//! | output delta | \[outputs\]          | d2 = (y - t) y (1 - y)                              |
//! | hidden delta | \[hidden\]           | d1 = (W2 d2) h (1 - h), or see [`Backprop::Authors`] |
//! | gradient 2   | \[hidden\]\[outputs\]  | G2 = h d2ᵀ                                          |
//! | gradient 1   | \[inputs\]\[hidden\]   | G1 = x d1ᵀ                                          |
//!
//! Both weight matrices have one row per pre-synaptic unit (the sender) and one column per post-synaptic unit
//! (the receiver), and are stored row by row. There are no biases and no regularisation (Methods).
//!
//! Networks with several hidden layers are [next door](deep).

#![allow(clippy::needless_range_loop, reason = "the indices are those of the formulas")]

pub mod deep;

/// An optimizer and its settings. All of them descend: a positive `lr` lowers the loss.
///
/// g is the gradient averaged over the batch; every formula holds for each weight w separately, and the
/// updates are dense: a weight whose gradient is zero still moves while its memory is not zero.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent: w -= lr g.
    Sgd {
        /// Learning rate, η.
        lr: f64,
    },
    /// Classical momentum (Plaut, Nowlan & Hinton 1986) in the form of PyTorch: v = μ v + g, then w -= lr v.
    Momentum {
        /// Learning rate, η.
        lr: f64,
        /// Momentum, μ.
        momentum: f64,
    },
    /// Nesterov momentum in the form of PyTorch (after Sutskever et al. 2013):
    /// v = μ v + g, then w -= lr (g + μ v).
    Nesterov {
        /// Learning rate, η.
        lr: f64,
        /// Momentum, μ.
        momentum: f64,
    },
    /// What the paper's author ran under the name of Nesterov: D = (1 + μ) lr g + μ² D, then w -= D. This is
    /// heavy-ball momentum with coefficient μ² and learning rate (1 + μ) lr.
    NesterovAuthors {
        /// Learning rate, η.
        lr: f64,
        /// Momentum, μ.
        momentum: f64,
    },
    /// Adam with bias correction (Kingma & Ba 2015, Algorithm 1), in step n = 1, 2, ...:
    /// m = β₁ m + (1 - β₁) g and v = β₂ v + (1 - β₂) g², then
    /// w -= lr (m / (1 - β₁ⁿ)) / (√(v / (1 - β₂ⁿ)) + ε).
    Adam {
        /// Step size; Kingma & Ba call it α.
        lr: f64,
        /// Decay of the first moment, β₁.
        beta1: f64,
        /// Decay of the second moment, β₂.
        beta2: f64,
        /// Added to the root, outside of it, ε.
        epsilon: f64,
    },
    /// AdaGrad (Duchi et al. 2011) in the form of PyTorch: v = v + g², then w -= lr g / (√v + ε).
    AdaGrad {
        /// Learning rate, η.
        lr: f64,
        /// Added to the root, outside of it, ε.
        epsilon: f64,
    },
    /// RMSProp (Hinton 2012) in the form of PyTorch: v = ρ v + (1 - ρ) g², then w -= lr g / (√v + ε).
    RmsProp {
        /// Learning rate, η.
        lr: f64,
        /// Decay of the mean of squares, ρ.
        rho: f64,
        /// Added to the root, outside of it, ε.
        epsilon: f64,
    },
    /// Gradient descent at a rate that decays with the number t = 0, 1, ... of updates before:
    /// w -= lr / (1 + t / T) g.
    SgdDecay {
        /// Learning rate of the first update, η.
        lr: f64,
        /// Updates after which the rate has halved, T.
        halving: f64,
    },
    /// Gradient descent at a rate of each layer that depends on the number t = 0, 1, ... of updates before:
    /// w -= (a exp(b ∛t + c t) + d) g, the function that the paper fits to DLR's mean rates (Fig. 3).
    SgdRates {
        /// a, b, c and d of W1, then those of W2.
        rates: [[f64; 4]; 2],
    },
    /// The paper's dynamic learning rate: w -= η g with the rate η of each weight from [`dlr_rates`].
    Dlr {
        /// Base learning rate, η₀.
        lr: f64,
        /// The paper's α, in units of a weight.
        alpha: f64,
        /// The weights that share one norm.
        norm: Norm,
    },
    /// The numerator of DLR's rate alone: w -= lr (|w| + α) / α g.
    DlrNumerator {
        /// Base learning rate, η₀.
        lr: f64,
        /// The paper's α, in units of a weight.
        alpha: f64,
    },
    /// The denominator of DLR's rate alone: w -= lr α / (‖w‖ + α) g.
    DlrDenominator {
        /// Base learning rate, η₀.
        lr: f64,
        /// The paper's α, in units of a weight.
        alpha: f64,
        /// The weights that share one norm.
        norm: Norm,
    },
}

/// The norm in the denominator of DLR's learning rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Eq. 1: over all outgoing weights of the pre-synaptic unit, a row of the weight matrix.
    Pre,
    /// Eq. 3: over all incoming weights of the post-synaptic unit, a column of the weight matrix.
    Post,
}

/// The error that the output layer sends back to the hidden layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backprop {
    /// W2 d2, which makes both gradients those of the mean squared error, as the paper's Methods say.
    Mse,
    /// W2 (y - t), as the paper's author ran it: without the factor y (1 - y), which the output layer's own
    /// gradient keeps. W1 then descends the cross-entropy -Σₖ (tₖ ln yₖ + (1 - tₖ) ln(1 - yₖ)) while W2
    /// descends the squared error.
    Authors,
}

/// The activities of all units for one pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Activations {
    /// h, shape \[hidden\].
    pub hidden: Vec<f64>,
    /// y, shape \[outputs\].
    pub output: Vec<f64>,
}

/// The gradients of both layers, in the layout of the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// G1, shape \[inputs\]\[hidden\].
    pub w1: Vec<f64>,
    /// G2, shape \[hidden\]\[outputs\].
    pub w2: Vec<f64>,
}

/// A network of logistic units with one hidden layer and no biases.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// Number of inputs.
    pub inputs: usize,
    /// Number of hidden units.
    pub hidden: usize,
    /// Number of output units.
    pub outputs: usize,
    /// W1, shape \[inputs\]\[hidden\]: row i holds the outgoing weights of input i.
    pub w1: Vec<f64>,
    /// W2, shape \[hidden\]\[outputs\]: row j holds the outgoing weights of hidden unit j.
    pub w2: Vec<f64>,
}

impl Network {
    /// Activities of the hidden and the output units for the pattern `x`\[inputs\].
    ///
    /// # Panics
    /// If `x`, `w1` or `w2` has not the length that the shape demands.
    pub fn forward(&self, x: &[f64]) -> Activations {
        assert_eq!(x.len(), self.inputs, "x is [inputs]");
        assert_eq!(self.w1.len(), self.inputs * self.hidden, "w1 is [inputs][hidden]");
        assert_eq!(self.w2.len(), self.hidden * self.outputs, "w2 is [hidden][outputs]");
        let hidden = layer(x, &self.w1, self.hidden);
        let output = layer(&hidden, &self.w2, self.outputs);
        Activations { hidden, output }
    }

    /// Squared error of one pattern, E = ½ Σₖ (yₖ - tₖ)², with `x`\[inputs\] and `target`\[outputs\].
    ///
    /// # Panics
    /// If a slice has not the length that the shape demands.
    pub fn loss(&self, x: &[f64], target: &[f64]) -> f64 {
        assert_eq!(target.len(), self.outputs, "target is [outputs]");
        let output = self.forward(x).output;
        let mut sum = 0.0;
        for k in 0..self.outputs {
            sum += (output[k] - target[k]).powi(2);
        }
        0.5 * sum
    }

    /// Gradients for one pattern, with `x`\[inputs\] and `target`\[outputs\]. They are the derivatives of
    /// [`loss`](Self::loss) under [`Backprop::Mse`].
    ///
    /// # Panics
    /// If a slice has not the length that the shape demands.
    pub fn gradients(&self, x: &[f64], target: &[f64], backprop: Backprop) -> Gradients {
        assert_eq!(target.len(), self.outputs, "target is [outputs]");
        let Activations { hidden, output } = self.forward(x);

        let mut output_delta = vec![0.0; self.outputs];
        let mut sent_back = vec![0.0; self.outputs];
        for k in 0..self.outputs {
            let error = output[k] - target[k];
            output_delta[k] = error * output[k] * (1.0 - output[k]);
            sent_back[k] = match backprop {
                Backprop::Mse => output_delta[k],
                Backprop::Authors => error,
            };
        }

        let mut hidden_delta = vec![0.0; self.hidden];
        for j in 0..self.hidden {
            let mut received = 0.0;
            for k in 0..self.outputs {
                received += self.w2[j * self.outputs + k] * sent_back[k];
            }
            hidden_delta[j] = received * hidden[j] * (1.0 - hidden[j]);
        }

        Gradients { w1: outer_product(x, &hidden_delta), w2: outer_product(&hidden, &output_delta) }
    }
}

/// What an optimizer remembers of one layer's past, one number per weight in the layout of the weights.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerMemory {
    /// Velocity v of [`Optimizer::Momentum`] and [`Optimizer::Nesterov`], previous step D of
    /// [`Optimizer::NesterovAuthors`], or first moment m of [`Optimizer::Adam`]; zeros for the others.
    pub m: Vec<f64>,
    /// Second moment v of [`Optimizer::Adam`] and [`Optimizer::RmsProp`], sum of squares v of
    /// [`Optimizer::AdaGrad`]; zeros for the others.
    pub v: Vec<f64>,
}

impl LayerMemory {
    fn new(weights: usize) -> Self {
        Self { m: vec![0.0; weights], v: vec![0.0; weights] }
    }
}

/// What an optimizer remembers of both layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Memory {
    /// Of W1, shape \[inputs\]\[hidden\].
    pub w1: LayerMemory,
    /// Of W2, shape \[hidden\]\[outputs\].
    pub w2: LayerMemory,
}

/// A network in training.
#[derive(Clone, Debug, PartialEq)]
pub struct Trainer {
    /// The network, with its weights after the last step.
    pub network: Network,
    /// The rule of the updates.
    pub optimizer: Optimizer,
    /// The error sent to the hidden layer.
    pub backprop: Backprop,
    memory: Memory,
    steps: u64,
}

impl Trainer {
    /// Starts training with an empty memory.
    pub fn new(network: Network, optimizer: Optimizer, backprop: Backprop) -> Self {
        let memory =
            Memory { w1: LayerMemory::new(network.w1.len()), w2: LayerMemory::new(network.w2.len()) };
        Self { network, optimizer, backprop, memory, steps: 0 }
    }

    /// One update of all weights with the gradient averaged over `batch`, pairs of x\[inputs\] and
    /// t\[outputs\]. Online learning is a batch of one pattern.
    ///
    /// # Panics
    /// If `batch` is empty or a slice has not the length that the shape demands.
    pub fn step(&mut self, batch: &[(&[f64], &[f64])]) {
        assert!(!batch.is_empty(), "a step needs at least one pattern");

        // Both gradients belong to the weights before the step, so neither layer moves until both are known.
        let mut mean1 = vec![0.0; self.network.w1.len()];
        let mut mean2 = vec![0.0; self.network.w2.len()];
        for (x, target) in batch {
            let gradients = self.network.gradients(x, target, self.backprop);
            for n in 0..mean1.len() {
                mean1[n] += gradients.w1[n] / batch.len() as f64;
            }
            for n in 0..mean2.len() {
                mean2[n] += gradients.w2[n] / batch.len() as f64;
            }
        }

        self.steps += 1;
        let Network { hidden, outputs, w1, w2, .. } = &mut self.network;
        let Memory { w1: memory1, w2: memory2 } = &mut self.memory;
        update(self.optimizer, self.steps, Layer::First, w1, *hidden, &mean1, memory1);
        update(self.optimizer, self.steps, Layer::Second, w2, *outputs, &mean2, memory2);
    }

    /// What the optimizer remembers after the last step.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// Number of steps taken.
    pub fn steps(&self) -> u64 {
        self.steps
    }
}

/// DLR's learning rate of each weight of one layer (Eq. 1 or 3), laid out as `weights`\[rows\]\[columns\]:
///
/// η = lr (|w| + α) / (‖w‖ + α)
///
/// with ‖w‖ the L2 norm of the weight's row ([`Norm::Pre`]) or column ([`Norm::Post`]). The equations as
/// printed carry a minus sign here and a second one in Eq. 2, which together would climb; descent needs the
/// second alone. With `alpha` = 0 the rates of an all-zero row or column are 0 / 0, NaN.
///
/// # Panics
/// If the length of `weights` is no multiple of `columns`.
pub fn dlr_rates(lr: f64, alpha: f64, norm: Norm, weights: &[f64], columns: usize) -> Vec<f64> {
    let norms = norms(norm, weights, columns);
    let mut rates = vec![0.0; weights.len()];
    for n in 0..weights.len() {
        rates[n] = lr * (weights[n].abs() + alpha) / (norms[n] + alpha);
    }
    rates
}

/// ‖w‖ of each weight's row or column, laid out as `weights`\[rows\]\[columns\].
fn norms(norm: Norm, weights: &[f64], columns: usize) -> Vec<f64> {
    assert!(weights.len().is_multiple_of(columns), "weights is [rows][columns]");
    let rows = weights.len() / columns;
    let mut row_squares = vec![0.0; rows];
    let mut column_squares = vec![0.0; columns];
    for r in 0..rows {
        for c in 0..columns {
            let square = weights[r * columns + c].powi(2);
            row_squares[r] += square;
            column_squares[c] += square;
        }
    }

    let mut norms = vec![0.0; weights.len()];
    for r in 0..rows {
        for c in 0..columns {
            let squares = match norm {
                Norm::Pre => row_squares[r],
                Norm::Post => column_squares[c],
            };
            norms[r * columns + c] = squares.sqrt();
        }
    }
    norms
}

/// Activities of a layer of logistic units: s(Wᵀ x), with x\[rows\] and W\[rows\]\[columns\].
fn layer(x: &[f64], weights: &[f64], columns: usize) -> Vec<f64> {
    let mut activity = vec![0.0; columns];
    for c in 0..columns {
        let mut z = 0.0;
        for r in 0..x.len() {
            z += x[r] * weights[r * columns + c];
        }
        activity[c] = logistic(z);
    }
    activity
}

/// s(z) = 1 / (1 + e^-z). Far below zero e^-z overflows to infinity, and the quotient is the right limit, 0.
fn logistic(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// The matrix a bᵀ, shape \[a\]\[b\].
fn outer_product(a: &[f64], b: &[f64]) -> Vec<f64> {
    let mut product = vec![0.0; a.len() * b.len()];
    for r in 0..a.len() {
        for c in 0..b.len() {
            product[r * b.len() + c] = a[r] * b[c];
        }
    }
    product
}

/// Which of the matrices: the last, or one before it.
#[derive(Clone, Copy, Debug)]
enum Layer {
    First,
    Second,
}

/// Step number `step` (the first is 1) of one layer: `weights`\[rows\]\[columns\] and `gradient` alike.
fn update(
    optimizer: Optimizer,
    step: u64,
    layer: Layer,
    weights: &mut [f64],
    columns: usize,
    gradient: &[f64],
    memory: &mut LayerMemory,
) {
    let LayerMemory { m, v } = memory;
    match optimizer {
        Optimizer::Sgd { lr } => {
            for n in 0..weights.len() {
                weights[n] -= lr * gradient[n];
            }
        }
        Optimizer::Momentum { lr, momentum } => {
            for n in 0..weights.len() {
                m[n] = momentum * m[n] + gradient[n];
                weights[n] -= lr * m[n];
            }
        }
        Optimizer::Nesterov { lr, momentum } => {
            for n in 0..weights.len() {
                m[n] = momentum * m[n] + gradient[n];
                weights[n] -= lr * (gradient[n] + momentum * m[n]);
            }
        }
        Optimizer::NesterovAuthors { lr, momentum } => {
            for n in 0..weights.len() {
                m[n] = (1.0 + momentum) * lr * gradient[n] + momentum.powi(2) * m[n];
                weights[n] -= m[n];
            }
        }
        Optimizer::Adam { lr, beta1, beta2, epsilon } => {
            let correction1 = 1.0 - beta1.powf(step as f64);
            let correction2 = 1.0 - beta2.powf(step as f64);
            for n in 0..weights.len() {
                m[n] = beta1 * m[n] + (1.0 - beta1) * gradient[n];
                v[n] = beta2 * v[n] + (1.0 - beta2) * gradient[n].powi(2);
                weights[n] -= lr * (m[n] / correction1) / ((v[n] / correction2).sqrt() + epsilon);
            }
        }
        Optimizer::AdaGrad { lr, epsilon } => {
            for n in 0..weights.len() {
                v[n] += gradient[n].powi(2);
                weights[n] -= lr * gradient[n] / (v[n].sqrt() + epsilon);
            }
        }
        Optimizer::RmsProp { lr, rho, epsilon } => {
            for n in 0..weights.len() {
                v[n] = rho * v[n] + (1.0 - rho) * gradient[n].powi(2);
                weights[n] -= lr * gradient[n] / (v[n].sqrt() + epsilon);
            }
        }
        Optimizer::SgdDecay { lr, halving } => {
            let rate = lr / (1.0 + (step - 1) as f64 / halving);
            for n in 0..weights.len() {
                weights[n] -= rate * gradient[n];
            }
        }
        Optimizer::SgdRates { rates: [first, second] } => {
            let [a, b, c, d] = match layer {
                Layer::First => first,
                Layer::Second => second,
            };
            let t = (step - 1) as f64;
            let rate = a * (b * t.powf(1.0 / 3.0) + c * t).exp() + d;
            for n in 0..weights.len() {
                weights[n] -= rate * gradient[n];
            }
        }
        Optimizer::Dlr { lr, alpha, norm } => {
            // All rates belong to the weights before the step, so no weight moves until all rates are known.
            let rates = dlr_rates(lr, alpha, norm, weights, columns);
            for n in 0..weights.len() {
                weights[n] -= rates[n] * gradient[n];
            }
        }
        Optimizer::DlrNumerator { lr, alpha } => {
            for n in 0..weights.len() {
                weights[n] -= lr * (weights[n].abs() + alpha) / alpha * gradient[n];
            }
        }
        Optimizer::DlrDenominator { lr, alpha, norm } => {
            let norms = norms(norm, weights, columns);
            for n in 0..weights.len() {
                weights[n] -= lr * alpha / (norms[n] + alpha) * gradient[n];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shapes \[inputs, hidden, outputs\] of the tests that run over several.
    const SHAPES: [[usize; 3]; 7] =
        [[1, 1, 1], [1, 1, 4], [1, 5, 1], [6, 1, 1], [2, 2, 2], [7, 5, 3], [12, 9, 4]];

    /// Every rule, with settings that move the weights visibly within a few steps.
    pub(super) const OPTIMIZERS: [Optimizer; 14] = optimizers(1.0);

    /// The same with all rates multiplied by `scale`.
    const fn optimizers(scale: f64) -> [Optimizer; 14] {
        let rates = [[0.4 * scale, -0.1, 0.0, 0.1 * scale], [0.3 * scale, 0.0, -0.01, 0.2 * scale]];
        [
            Optimizer::Sgd { lr: 0.5 * scale },
            Optimizer::Momentum { lr: 0.1 * scale, momentum: 0.8 },
            Optimizer::Nesterov { lr: 0.1 * scale, momentum: 0.8 },
            Optimizer::NesterovAuthors { lr: 0.1 * scale, momentum: 0.8 },
            Optimizer::Adam { lr: 0.01 * scale, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 },
            Optimizer::AdaGrad { lr: 0.05 * scale, epsilon: 1e-10 },
            Optimizer::RmsProp { lr: 0.01 * scale, rho: 0.9, epsilon: 1e-8 },
            Optimizer::SgdDecay { lr: 0.5 * scale, halving: 10.0 },
            Optimizer::SgdRates { rates },
            Optimizer::Dlr { lr: 0.6 * scale, alpha: 0.3, norm: Norm::Pre },
            Optimizer::Dlr { lr: 0.6 * scale, alpha: 0.3, norm: Norm::Post },
            Optimizer::DlrNumerator { lr: 0.2 * scale, alpha: 0.3 },
            Optimizer::DlrDenominator { lr: 0.6 * scale, alpha: 0.3, norm: Norm::Pre },
            Optimizer::DlrDenominator { lr: 0.6 * scale, alpha: 0.3, norm: Norm::Post },
        ]
    }

    /// Numbers in \[-1, 1): the top 53 bits of Steele's SplitMix64 from the given seed.
    pub(super) struct Uniform(pub(super) u64);

    impl Uniform {
        fn next(&mut self) -> f64 {
            self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = self.0;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            (z >> 11) as f64 / 2_f64.powi(52) - 1.0
        }

        pub(super) fn take(&mut self, count: usize) -> Vec<f64> {
            (0..count).map(|_| self.next()).collect()
        }
    }

    /// A network and a pattern, weights and inputs in \[-1, 1), with the target 1 at the first output.
    fn problem([inputs, hidden, outputs]: [usize; 3], seed: u64) -> (Network, Vec<f64>, Vec<f64>) {
        let mut uniform = Uniform(seed);
        let w1 = uniform.take(inputs * hidden);
        let w2 = uniform.take(hidden * outputs);
        let x = uniform.take(inputs);
        let mut target = vec![0.0; outputs];
        target[0] = 1.0;
        (Network { inputs, hidden, outputs, w1, w2 }, x, target)
    }

    /// The 1-1-1 network with h = s(0) = 1/2 and y = s(ln 3) = 3/4 for x = 1.
    fn by_hand() -> Network {
        Network { inputs: 1, hidden: 1, outputs: 1, w1: vec![0.0], w2: vec![2.0 * 3_f64.ln()] }
    }

    fn cross_entropy(network: &Network, x: &[f64], target: &[f64]) -> f64 {
        let output = network.forward(x).output;
        (0..output.len())
            .map(|k| -(target[k] * output[k].ln() + (1.0 - target[k]) * (1.0 - output[k]).ln()))
            .sum()
    }

    /// Central differences of `loss` as a function of one layer's `weights`, over each of them.
    pub(super) fn central_differences(weights: &[f64], loss: impl Fn(&[f64]) -> f64) -> Vec<f64> {
        const STEP: f64 = 1e-5;
        let mut moved = weights.to_vec();
        (0..weights.len())
            .map(|n| {
                moved[n] = weights[n] + STEP;
                let above = loss(&moved);
                moved[n] = weights[n] - STEP;
                let below = loss(&moved);
                moved[n] = weights[n];
                (above - below) / (2.0 * STEP)
            })
            .collect()
    }

    /// Demands |gradient - differences| <= 1e-9 and a gradient that is far above it.
    ///
    /// With a step of δ = 1e-5, central differences err by δ²/6 |E'''| from truncation and by the error of E
    /// over δ from rounding. E''' is the third derivative along one weight. As |w|, |x| and h are at most 1,
    /// the bounds |s'| <= 1/4, |s''| <= 0.0963 and |s'''| <= 1/8 give |E'''| <= 0.2 for each of at most 4
    /// outputs: truncation <= 1.4e-11. E stays below 5, and an error of 9 half-ulps, 5e-15, makes 5e-10 over
    /// δ. The largest deviation seen is 9.3e-11.
    #[track_caller]
    pub(super) fn assert_gradient(gradient: &[f64], differences: &[f64]) {
        assert_eq!(gradient.len(), differences.len());
        for n in 0..gradient.len() {
            let deviation = (gradient[n] - differences[n]).abs();
            assert!(deviation <= 1e-9, "weight {n}: {} against {}", gradient[n], differences[n]);
        }
        let largest = gradient.iter().fold(0_f64, |largest, g| largest.max(g.abs()));
        assert!(largest > 1e-5, "a gradient of {largest} proves nothing");
    }

    #[track_caller]
    fn assert_close(left: &[f64], right: &[f64], tolerance: f64) {
        assert_eq!(left.len(), right.len());
        for n in 0..left.len() {
            assert!((left[n] - right[n]).abs() <= tolerance, "{n}: {} against {}", left[n], right[n]);
        }
    }

    #[test]
    fn forward_and_gradients_by_hand() {
        let network = by_hand();
        let activations = network.forward(&[1.0]);
        assert_close(&activations.hidden, &[0.5], 0.0);
        assert_close(&activations.output, &[0.75], 1e-15);
        // E = (3/4 - 1)² / 2 = 1/32.
        assert_close(&[network.loss(&[1.0], &[1.0])], &[0.03125], 1e-15);

        // d2 = (3/4 - 1) * 3/4 * 1/4 = -3/64, G2 = d2 / 2 = -3/128, G1 = 2 ln 3 * d2 * 1/4 = -3 ln 3 / 128.
        let mse = network.gradients(&[1.0], &[1.0], Backprop::Mse);
        assert_close(&mse.w2, &[-3.0 / 128.0], 1e-15);
        assert_close(&mse.w1, &[-3.0 * 3_f64.ln() / 128.0], 1e-15);

        // Without the factor 3/4 * 1/4: G1 = 2 ln 3 * -1/4 * 1/4 = -ln 3 / 8.
        let authors = network.gradients(&[1.0], &[1.0], Backprop::Authors);
        assert_close(&authors.w2, &[-3.0 / 128.0], 1e-15);
        assert_close(&authors.w1, &[-3_f64.ln() / 8.0], 1e-15);
    }

    #[test]
    fn logistic_has_its_limits() {
        assert_eq!(logistic(0.0), 0.5);
        assert_eq!(logistic(-1e4), 0.0);
        assert_eq!(logistic(1e4), 1.0);
        assert!(logistic(f64::NAN).is_nan());
    }

    #[test]
    fn mse_gradients_are_the_derivatives_of_the_loss() {
        for (seed, shape) in (1..).zip(SHAPES) {
            let (network, x, target) = problem(shape, seed);
            let gradients = network.gradients(&x, &target, Backprop::Mse);
            let first = |w1: &[f64]| Network { w1: w1.to_vec(), ..network.clone() }.loss(&x, &target);
            let second = |w2: &[f64]| Network { w2: w2.to_vec(), ..network.clone() }.loss(&x, &target);
            assert_gradient(&gradients.w1, &central_differences(&network.w1, first));
            assert_gradient(&gradients.w2, &central_differences(&network.w2, second));
        }
    }

    #[test]
    fn authors_hidden_gradient_is_the_derivative_of_the_cross_entropy() {
        for (seed, shape) in (1..).zip(SHAPES) {
            let (network, x, target) = problem(shape, seed);
            let gradients = network.gradients(&x, &target, Backprop::Authors);
            let loss =
                |w1: &[f64]| cross_entropy(&Network { w1: w1.to_vec(), ..network.clone() }, &x, &target);
            assert_gradient(&gradients.w1, &central_differences(&network.w1, loss));
        }
    }

    #[test]
    fn authors_differs_from_mse_in_w1_only() {
        for (seed, shape) in (1..).zip(SHAPES) {
            let (network, x, target) = problem(shape, seed);
            let mse = network.gradients(&x, &target, Backprop::Mse);
            let authors = network.gradients(&x, &target, Backprop::Authors);
            assert_eq!(mse.w2, authors.w2);
            for n in 0..mse.w1.len() {
                assert_ne!(mse.w1[n], authors.w1[n], "weight {n} of {shape:?}");
            }
        }
    }

    #[test]
    fn dlr_rates_by_hand() {
        //           column 0  column 1 | norm of the row
        // row 0:       1.2      -0.5   |     1.3
        // row 1:       0.9       1.2   |     1.5
        // norm of the
        // column:      1.5       1.3
        let weights = [1.2, -0.5, 0.9, 1.2];
        // With alpha = 0.5: numerators |w| + 0.5 = 1.7, 1.0, 1.4, 1.7; denominators 1.3 + 0.5 = 1.8 and 2.0.
        let pre = dlr_rates(2.0, 0.5, Norm::Pre, &weights, 2);
        assert_close(&pre, &[3.4 / 1.8, 2.0 / 1.8, 2.8 / 2.0, 3.4 / 2.0], 1e-15);
        let post = dlr_rates(2.0, 0.5, Norm::Post, &weights, 2);
        assert_close(&post, &[3.4 / 2.0, 2.0 / 1.8, 2.8 / 2.0, 3.4 / 1.8], 1e-15);
    }

    #[test]
    fn dlr_norms_follow_the_layout_of_both_layers() {
        // A 1-3-2 network: W1 is a single row, and each of its columns a single weight. Under Eq. 3 the norm
        // is then |w| itself and every rate of W1 is lr; under Eq. 1 it is smaller, and in W2 under both.
        let (network, x, target) = problem([1, 3, 2], 5);
        for (norm, whole_rate) in [(Norm::Pre, false), (Norm::Post, true)] {
            let optimizer = Optimizer::Dlr { lr: 0.6, alpha: 0.3, norm };
            let mut trainer = Trainer::new(network.clone(), optimizer, Backprop::Mse);
            trainer.step(&[(&x, &target)]);
            let gradients = network.gradients(&x, &target, Backprop::Mse);
            for n in 0..3 {
                let rate = (network.w1[n] - trainer.network.w1[n]) / gradients.w1[n];
                assert_eq!((rate - 0.6).abs() < 1e-12, whole_rate, "W1 {n}, {norm:?}: {rate}");
                assert!(rate < 0.6 + 1e-12);
            }
            for n in 0..6 {
                let rate = (network.w2[n] - trainer.network.w2[n]) / gradients.w2[n];
                assert!(rate < 0.6 - 1e-3, "W2 {n}, {norm:?}: {rate}");
            }
        }
    }

    #[test]
    fn a_dlr_step_descends_and_the_printed_double_minus_would_climb() {
        for norm in [Norm::Pre, Norm::Post] {
            for (seed, shape) in (1..).zip(SHAPES) {
                let (network, x, target) = problem(shape, seed);
                let before = network.loss(&x, &target);
                let after = |lr| {
                    let optimizer = Optimizer::Dlr { lr, alpha: 0.3, norm };
                    let mut trainer = Trainer::new(network.clone(), optimizer, Backprop::Mse);
                    trainer.step(&[(&x, &target)]);
                    trainer.network.loss(&x, &target)
                };
                assert!(after(0.1) < before);
                // Eq. 1 as printed makes the rate negative, and Eq. 2 subtracts it.
                assert!(after(-0.1) > before);
            }
        }
    }

    /// The weight, from 1, after each of two steps with the gradients `first` and `second`.
    fn two_steps(optimizer: Optimizer, first: f64, second: f64) -> [f64; 2] {
        let mut weight = [1.0];
        let mut memory = LayerMemory::new(1);
        update(optimizer, 1, Layer::Second, &mut weight, 1, &[first], &mut memory);
        let [after_one] = weight;
        update(optimizer, 2, Layer::Second, &mut weight, 1, &[second], &mut memory);
        [after_one, weight[0]]
    }

    #[test]
    fn momentum_by_hand() {
        // v = 2, step 0.1 * 2 = 0.2; then v = 0.5 * 2 + 4 = 5, step 0.5.
        let weights = two_steps(Optimizer::Momentum { lr: 0.1, momentum: 0.5 }, 2.0, 4.0);
        assert_close(&weights, &[0.8, 0.3], 1e-15);
    }

    #[test]
    fn nesterov_by_hand() {
        // v = 2, step 0.1 (2 + 0.5 * 2) = 0.3; then v = 0.5 * 2 + 4 = 5, step 0.1 (4 + 0.5 * 5) = 0.65.
        let weights = two_steps(Optimizer::Nesterov { lr: 0.1, momentum: 0.5 }, 2.0, 4.0);
        assert_close(&weights, &[0.7, 0.05], 1e-15);
    }

    #[test]
    fn nesterov_authors_by_hand() {
        // D = 1.5 * 0.1 * 2 = 0.3; then D = 1.5 * 0.1 * 4 + 0.25 * 0.3 = 0.675.
        let weights = two_steps(Optimizer::NesterovAuthors { lr: 0.1, momentum: 0.5 }, 2.0, 4.0);
        assert_close(&weights, &[0.7, 0.025], 1e-15);
    }

    #[test]
    fn adam_by_hand() {
        // Step 1: the corrected moments are g = 2 and g² = 4, so w moves by 0.1 * 2 / (2 + 0.5) = 0.08.
        // Step 2: m = 1/2 * 1 + 1/2 * 4 = 5/2, over 1 - (1/2)² = 3/4 makes 10/3;
        //         v = 3/4 * 1 + 1/4 * 16 = 19/4, over 1 - (3/4)² = 7/16 makes 76/7.
        let optimizer = Optimizer::Adam { lr: 0.1, beta1: 0.5, beta2: 0.75, epsilon: 0.5 };
        let second = 0.1 * (10.0 / 3.0) / ((76_f64 / 7.0).sqrt() + 0.5);
        assert_close(&two_steps(optimizer, 2.0, 4.0), &[0.92, 0.92 - second], 1e-15);
    }

    #[test]
    fn adagrad_by_hand() {
        // v = 9, step 0.2 * 3 / (3 + 1) = 0.15; then v = 9 + 16 = 25, step 0.2 * 4 / (5 + 1).
        let weights = two_steps(Optimizer::AdaGrad { lr: 0.2, epsilon: 1.0 }, 3.0, 4.0);
        assert_close(&weights, &[0.85, 0.85 - 0.8 / 6.0], 1e-15);
    }

    #[test]
    fn rmsprop_by_hand() {
        // v = 1/4 * 4² = 4, step 0.1 * 4 / (2 + 0.5) = 0.16; then v = 3/4 * 4 + 1/4 * 2² = 4, step 0.08.
        let weights = two_steps(Optimizer::RmsProp { lr: 0.1, rho: 0.75, epsilon: 0.5 }, 4.0, 2.0);
        assert_close(&weights, &[0.84, 0.76], 1e-15);
    }

    #[test]
    fn scheduled_rates_by_hand() {
        // The first rate is that of t = 0, the second that of t = 1.
        let weights = two_steps(Optimizer::SgdDecay { lr: 0.3, halving: 0.5 }, 1.0, 1.0);
        assert_close(&weights, &[0.7, 0.6], 1e-15);
        let rates = [[f64::NAN; 4], [0.5, 2.0, 1.0, -0.25]];
        let weights = two_steps(Optimizer::SgdRates { rates }, 1.0, 0.5);
        assert_close(&weights, &[0.75, 0.875 - 0.25 * 3_f64.exp()], 1e-15);
    }

    #[test]
    fn each_layer_has_a_schedule_of_its_own() {
        let (network, x, target) = problem([7, 5, 3], 6);
        for moving in 0..2 {
            let mut rates = [[0.0; 4]; 2];
            rates[moving] = [0.0, 0.0, 0.0, 0.5];
            let mut trainer = Trainer::new(network.clone(), Optimizer::SgdRates { rates }, Backprop::Mse);
            trainer.step(&[(&x, &target)]);
            assert_eq!(trainer.network.w1 != network.w1, moving == 0);
            assert_eq!(trainer.network.w2 != network.w2, moving == 1);
        }
    }

    /// What [`dlr_rates`] are by hand, these rates make by their product.
    #[test]
    fn the_halves_of_dlr_multiply_to_it() {
        let weights = [1.2, -0.5, 0.9, 1.2, 0.0, -2.0];
        let rates = |optimizer| {
            let mut stepped = weights;
            let mut memory = LayerMemory::new(6);
            update(optimizer, 1, Layer::First, &mut stepped, 2, &[1.0; 6], &mut memory);
            (0..6).map(|n| weights[n] - stepped[n]).collect::<Vec<f64>>()
        };
        let (lr, alpha) = (2.0, 0.5);
        let numerator = rates(Optimizer::DlrNumerator { lr, alpha });
        assert_close(&numerator, &[6.8, 4.0, 5.6, 6.8, 2.0, 10.0], 1e-14);
        for norm in [Norm::Pre, Norm::Post] {
            let denominator = rates(Optimizer::DlrDenominator { lr, alpha, norm });
            let product: Vec<f64> = (0..6).map(|n| numerator[n] * denominator[n] / lr).collect();
            assert_close(&product, &dlr_rates(lr, alpha, norm, &weights, 2), 1e-14);
        }
    }

    #[test]
    fn a_weight_with_memory_moves_without_a_gradient() {
        for optimizer in OPTIMIZERS {
            let remembers = matches!(
                optimizer,
                Optimizer::Momentum { .. }
                    | Optimizer::Nesterov { .. }
                    | Optimizer::NesterovAuthors { .. }
                    | Optimizer::Adam { .. }
            );
            let [first, second] = two_steps(optimizer, 2.0, 0.0);
            assert_eq!(second < first, remembers, "{optimizer:?}");
            assert_eq!(two_steps(optimizer, 0.0, 0.0), [1.0, 1.0], "{optimizer:?}");
        }
    }

    #[test]
    fn memory_is_what_the_rule_says() {
        let (network, x, target) = problem([7, 5, 3], 1);
        let gradients = network.gradients(&x, &target, Backprop::Mse);
        for optimizer in OPTIMIZERS {
            let mut trainer = Trainer::new(network.clone(), optimizer, Backprop::Mse);
            trainer.step(&[(&x, &target)]);
            assert_eq!(trainer.steps(), 1);
            let (m, v) = match optimizer {
                Optimizer::Sgd { .. } | Optimizer::SgdDecay { .. } | Optimizer::SgdRates { .. } => (0.0, 0.0),
                Optimizer::Dlr { .. } | Optimizer::DlrNumerator { .. } | Optimizer::DlrDenominator { .. } => {
                    (0.0, 0.0)
                }
                Optimizer::Momentum { .. } | Optimizer::Nesterov { .. } => (1.0, 0.0),
                Optimizer::NesterovAuthors { lr, momentum } => ((1.0 + momentum) * lr, 0.0),
                Optimizer::Adam { beta1, beta2, .. } => (1.0 - beta1, 1.0 - beta2),
                Optimizer::AdaGrad { .. } => (0.0, 1.0),
                Optimizer::RmsProp { rho, .. } => (0.0, 1.0 - rho),
            };
            let Memory { w1, w2 } = trainer.memory();
            for (memory, gradient) in [(w1, &gradients.w1), (w2, &gradients.w2)] {
                let expected_m: Vec<f64> = gradient.iter().map(|g| m * g).collect();
                let expected_v: Vec<f64> = gradient.iter().map(|g| v * g * g).collect();
                assert_close(&memory.m, &expected_m, 1e-15);
                assert_close(&memory.v, &expected_v, 1e-15);
            }
        }
    }

    #[test]
    fn a_batch_is_averaged() {
        let (network, x, target) = problem([7, 5, 3], 1);
        let (_, other_x, _) = problem([7, 5, 3], 2);
        let other_target = [0.0, 0.0, 1.0];
        let one = network.gradients(&x, &target, Backprop::Mse);
        let other = network.gradients(&other_x, &other_target, Backprop::Mse);

        let mut trainer = Trainer::new(network.clone(), Optimizer::Sgd { lr: 0.5 }, Backprop::Mse);
        trainer.step(&[(&x, &target), (&other_x, &other_target)]);
        let stepped = |weights: &[f64], one: &[f64], other: &[f64]| -> Vec<f64> {
            (0..weights.len()).map(|n| weights[n] - 0.5 * (one[n] + other[n]) / 2.0).collect()
        };
        assert_close(&trainer.network.w1, &stepped(&network.w1, &one.w1, &other.w1), 1e-15);
        assert_close(&trainer.network.w2, &stepped(&network.w2, &one.w2, &other.w2), 1e-15);
    }

    #[test]
    fn every_rule_lowers_the_loss_over_twenty_steps() {
        for optimizer in OPTIMIZERS {
            for backprop in [Backprop::Mse, Backprop::Authors] {
                let (network, x, target) = problem([7, 5, 3], 3);
                let before = network.loss(&x, &target);
                let mut trainer = Trainer::new(network, optimizer, backprop);
                for _ in 0..20 {
                    trainer.step(&[(&x, &target)]);
                }
                assert!(trainer.network.loss(&x, &target) < before, "{optimizer:?}, {backprop:?}");
            }
        }
    }

    #[test]
    fn a_rate_of_zero_moves_nothing() {
        for optimizer in optimizers(0.0) {
            let (network, x, target) = problem([7, 5, 3], 4);
            let mut trainer = Trainer::new(network.clone(), optimizer, Backprop::Mse);
            for _ in 0..5 {
                trainer.step(&[(&x, &target)]);
            }
            assert_eq!(trainer.network, network, "{optimizer:?}");
        }
    }
}
