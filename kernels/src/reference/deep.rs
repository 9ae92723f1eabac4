//! Networks of any depth: the same loops, layer by layer.
//!
//! With sizes n₀ (inputs), n₁, ..., n_L (outputs), activities h₀ = x and h_l = s(W_lᵀ h_(l-1)), and y = h_L:
//!
//! | quantity     | shape               | formula                                          |
//! | ------------ | ------------------- | ------------------------------------------------ |
//! | loss         | scalar              | E = ½ Σₖ (yₖ - tₖ)²                              |
//! | output delta | \[n_L\]               | d_L = (y - t) y (1 - y)                          |
//! | inner delta  | \[n_l\]               | d_l = (W_(l+1) d_(l+1)) h_l (1 - h_l)            |
//! | gradient     | \[n_(l-1)\]\[n_l\]      | G_l = h_(l-1) d_lᵀ                               |
//!
//! Under [`Backprop::Authors`], the last hidden layer receives W_L (y - t) instead of W_L d_L.

use super::{Backprop, Layer, LayerMemory, Optimizer, layer, outer_product, update};

/// A network of logistic units without biases, with any number of hidden layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// n₀, ..., n_L: numbers of inputs, of units in each hidden layer, and of output units.
    pub sizes: Vec<usize>,
    /// W₁, ..., W_L: one row per pre-synaptic unit, one column per post-synaptic unit.
    pub weights: Vec<Vec<f64>>,
}

impl Network {
    /// h₀, ..., h_L: the pattern `x`\[inputs\] itself, and the activities of each layer.
    ///
    /// # Panics
    /// If `x` or a matrix has not the length that the sizes demand.
    pub fn forward(&self, x: &[f64]) -> Vec<Vec<f64>> {
        assert_eq!(x.len(), self.sizes[0], "x is [inputs]");
        assert_eq!(self.weights.len() + 1, self.sizes.len(), "a matrix between each layer and the next");
        let mut activities = vec![x.to_vec()];
        for l in 0..self.weights.len() {
            let (rows, columns) = (self.sizes[l], self.sizes[l + 1]);
            assert_eq!(self.weights[l].len(), rows * columns, "a matrix is [pre-synaptic][post-synaptic]");
            activities.push(layer(&activities[l], &self.weights[l], columns));
        }
        activities
    }

    /// Squared error of one pattern, E = ½ Σₖ (yₖ - tₖ)².
    ///
    /// # Panics
    /// If a slice has not the length that the sizes demand.
    pub fn loss(&self, x: &[f64], target: &[f64]) -> f64 {
        let activities = self.forward(x);
        let y = &activities[self.weights.len()];
        assert_eq!(target.len(), y.len(), "target is [outputs]");
        let mut sum = 0.0;
        for k in 0..y.len() {
            sum += (y[k] - target[k]).powi(2);
        }
        0.5 * sum
    }

    /// G₁, ..., G_L for one pattern: the derivatives of [`loss`](Self::loss) under [`Backprop::Mse`].
    ///
    /// # Panics
    /// If a slice has not the length that the sizes demand.
    pub fn gradients(&self, x: &[f64], target: &[f64], backprop: Backprop) -> Vec<Vec<f64>> {
        let activities = self.forward(x);
        let last = self.weights.len();
        let y = &activities[last];
        assert_eq!(target.len(), y.len(), "target is [outputs]");

        let mut delta = vec![0.0; y.len()];
        let mut sent_back = vec![0.0; y.len()];
        for k in 0..y.len() {
            let error = y[k] - target[k];
            delta[k] = error * y[k] * (1.0 - y[k]);
            sent_back[k] = match backprop {
                Backprop::Mse => delta[k],
                Backprop::Authors => error,
            };
        }

        let mut gradients = vec![outer_product(&activities[last - 1], &delta)];
        for l in (1..last).rev() {
            let (h, weights, above) = (&activities[l], &self.weights[l], self.sizes[l + 1]);
            let mut inner = vec![0.0; h.len()];
            for j in 0..h.len() {
                let mut received = 0.0;
                for i in 0..above {
                    received += weights[j * above + i] * sent_back[i];
                }
                inner[j] = received * h[j] * (1.0 - h[j]);
            }
            gradients.insert(0, outer_product(&activities[l - 1], &inner));
            sent_back = inner;
        }
        gradients
    }
}

/// A network in training.
#[derive(Clone, Debug, PartialEq)]
pub struct Trainer {
    /// The network, with its weights after the last step.
    pub network: Network,
    /// The rule of the updates. Where it has numbers for each of two layers, the second are the last layer's, and the
    /// first are those of all others.
    pub optimizer: Optimizer,
    /// The error sent to the last hidden layer.
    pub backprop: Backprop,
    memory: Vec<LayerMemory>,
    steps: u64,
}

impl Trainer {
    /// Starts training with an empty memory.
    pub fn new(network: Network, optimizer: Optimizer, backprop: Backprop) -> Self {
        let memory = network.weights.iter().map(|weights| LayerMemory::new(weights.len())).collect();
        Self { network, optimizer, backprop, memory, steps: 0 }
    }

    /// One update of all weights with the gradient averaged over `batch`, pairs of x\[inputs\] and t\[outputs\].
    ///
    /// # Panics
    /// If `batch` is empty or a slice has not the length that the sizes demand.
    pub fn step(&mut self, batch: &[(&[f64], &[f64])]) {
        assert!(!batch.is_empty(), "a step needs at least one pattern");

        // All gradients belong to the weights before the step, so no layer moves until all are known.
        let mut means: Vec<Vec<f64>> = self.network.weights.iter().map(|w| vec![0.0; w.len()]).collect();
        for (x, target) in batch {
            let gradients = self.network.gradients(x, target, self.backprop);
            for l in 0..means.len() {
                for n in 0..means[l].len() {
                    means[l][n] += gradients[l][n] / batch.len() as f64;
                }
            }
        }

        self.steps += 1;
        for l in 0..means.len() {
            let place = if l + 1 == means.len() { Layer::Second } else { Layer::First };
            let columns = self.network.sizes[l + 1];
            let (weights, memory) = (&mut self.network.weights[l], &mut self.memory[l]);
            update(self.optimizer, self.steps, place, weights, columns, &means[l], memory);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{OPTIMIZERS, Uniform, assert_gradient, central_differences};
    use super::super::{self as shallow};
    use super::*;

    /// Sizes from inputs to outputs, with one to four hidden layers.
    const SIZES: [&[usize]; 6] =
        [&[3, 4, 2], &[3, 5, 4, 2], &[4, 1, 3, 2], &[2, 3, 1, 4], &[5, 4, 3, 4, 3], &[2, 3, 2, 3, 2, 2]];

    fn problem(sizes: &[usize], seed: u64) -> (Network, Vec<f64>, Vec<f64>) {
        let mut uniform = Uniform(seed);
        let weights = sizes.windows(2).map(|pair| uniform.take(pair[0] * pair[1])).collect();
        let x = uniform.take(sizes[0]);
        let mut target = vec![0.0; sizes[sizes.len() - 1]];
        target[0] = 1.0;
        (Network { sizes: sizes.to_vec(), weights }, x, target)
    }

    #[test]
    fn gradients_are_the_derivatives_of_the_loss_at_every_depth() {
        for (seed, sizes) in (1..).zip(SIZES) {
            let (network, x, target) = problem(sizes, seed);
            let gradients = network.gradients(&x, &target, Backprop::Mse);
            for l in 0..gradients.len() {
                let differences = central_differences(&network.weights[l], |weights| {
                    let mut moved = network.clone();
                    moved.weights[l] = weights.to_vec();
                    moved.loss(&x, &target)
                });
                assert_gradient(&gradients[l], &differences);
            }
        }
    }

    #[test]
    fn the_authors_send_back_the_derivative_of_the_cross_entropy() {
        for (seed, sizes) in (11..).zip(SIZES) {
            let (network, x, target) = problem(sizes, seed);
            let gradients = network.gradients(&x, &target, Backprop::Authors);
            let last = gradients.len() - 1;
            assert_eq!(gradients[last], network.gradients(&x, &target, Backprop::Mse)[last]);
            for l in 0..last {
                let differences = central_differences(&network.weights[l], |weights| {
                    let mut moved = network.clone();
                    moved.weights[l] = weights.to_vec();
                    let y = moved.forward(&x).pop().unwrap();
                    y.iter().zip(&target).map(|(y, t)| -t * y.ln() - (1.0 - t) * (1.0 - y).ln()).sum()
                });
                assert_gradient(&gradients[l], &differences);
            }
        }
    }

    #[test]
    fn with_one_hidden_layer_it_is_the_same_network() {
        for optimizer in OPTIMIZERS {
            for backprop in [Backprop::Mse, Backprop::Authors] {
                let (network, x, target) = problem(&[7, 5, 3], 21);
                let [w1, w2] = [0, 1].map(|l| network.weights[l].clone());
                let one = shallow::Network { inputs: 7, hidden: 5, outputs: 3, w1, w2 };
                let mut one = shallow::Trainer::new(one, optimizer, backprop);
                let mut any = Trainer::new(network, optimizer, backprop);
                for _ in 0..5 {
                    one.step(&[(&x, &target)]);
                    any.step(&[(&x, &target)]);
                }
                assert_eq!(any.network.weights, [one.network.w1, one.network.w2], "{optimizer:?}");
            }
        }
    }
}
