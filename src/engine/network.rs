//! The weights of a network: drawing and hashing them.

use super::settings::Init;
use super::streams::{Purpose, stream};
use dlr_kernels::panel::Panel;
use rand_distr::{Distribution, StandardNormal};
use sha2::{Digest, Sha256};

/// The most hidden units that a network may have.
pub const MAX_HIDDEN: usize = 4096;

/// One hidden layer of logistic units without bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// W1, `[inputs][hidden]`: row j holds the outgoing weights of input j.
    pub first: Panel,
    /// W2, `[outputs][hidden]`: row k holds the incoming weights of output k.
    pub second: Panel,
}

impl Network {
    /// Draws the initial weights of a seed.
    ///
    /// Hidden units are drawn one after another, each with its incoming weights and then its outgoing ones, so the units
    /// of a smaller network are the first units of a larger one.
    pub fn draw(inputs: usize, hidden: usize, outputs: usize, init: Init, seed: u64) -> Self {
        let (first_scale, second_scale) = match init {
            Init::Normal(deviation) => (deviation, deviation),
            Init::FanIn => (1.0 / (inputs as f64).sqrt(), 1.0 / (hidden as f64).sqrt()),
        };
        let mut rng = stream(seed, Purpose::Weights);
        let mut draw = |scale: f64| -> f32 {
            let normal: f64 = StandardNormal.sample(&mut rng);
            (scale * normal) as f32
        };
        let mut network = Self { first: Panel::zeros(inputs, hidden), second: Panel::zeros(outputs, hidden) };
        for unit in 0..hidden {
            for input in 0..inputs {
                network.first.row_mut(input)[unit] = draw(first_scale);
            }
            for output in 0..outputs {
                network.second.row_mut(output)[unit] = draw(second_scale);
            }
        }
        network
    }

    /// Inputs of the network.
    pub fn inputs(&self) -> usize {
        self.first.rows()
    }

    /// Hidden units.
    pub fn hidden(&self) -> usize {
        self.first.width()
    }

    /// Output units.
    pub fn outputs(&self) -> usize {
        self.second.rows()
    }

    /// W1 as `[hidden][inputs]` and W2 as `[outputs][hidden]`, row-major: the layout of `torch.nn.Linear`, in which weights
    /// are saved and hashed.
    pub fn to_torch(&self) -> [Vec<f32>; 2] {
        let mut first = vec![0.0; self.inputs() * self.hidden()];
        for input in 0..self.inputs() {
            for (unit, &w) in self.first.row(input).iter().enumerate() {
                first[unit * self.inputs() + input] = w;
            }
        }
        let second = (0..self.outputs()).flat_map(|k| self.second.row(k)).copied().collect();
        [first, second]
    }

    /// The network with these weights, in the layout of [`to_torch`](Self::to_torch).
    ///
    /// # Panics
    /// If a slice's length does not fit the sizes.
    pub fn from_torch(inputs: usize, hidden: usize, outputs: usize, first: &[f32], second: &[f32]) -> Self {
        assert_eq!((first.len(), second.len()), (hidden * inputs, outputs * hidden));
        Self {
            first: Panel::from_fn(inputs, hidden, |j, i| first[i * inputs + j]),
            second: Panel::from_fn(outputs, hidden, |k, i| second[k * hidden + i]),
        }
    }

    /// SHA-256, in hexadecimal, of both weight matrices as little-endian f32 in the layout of
    /// [`to_torch`](Self::to_torch), the first layer before the second.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for matrix in self.to_torch() {
            hash.update(little_endian(&matrix));
        }
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The bytes of `numbers` as they are in files.
pub(super) fn little_endian(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_smaller_network_has_the_first_units_of_a_larger_one() {
        let small = Network::draw(5, 3, 2, Init::Normal(0.01), 9);
        let large = Network::draw(5, 17, 2, Init::Normal(0.01), 9);
        for row in 0..5 {
            assert_eq!(small.first.row(row), &large.first.row(row)[..3]);
        }
        for row in 0..2 {
            assert_eq!(small.second.row(row), &large.second.row(row)[..3]);
        }
    }

    #[test]
    fn the_drawn_weights_have_the_deviation_asked_for() {
        let network = Network::draw(784, 100, 10, Init::FanIn, 1);
        let deviation = |panel: &Panel| {
            let all: Vec<f64> = (0..panel.rows()).flat_map(|r| panel.row(r)).map(|&w| w.into()).collect();
            (all.iter().map(|w| w * w).sum::<f64>() / all.len() as f64).sqrt()
        };
        assert!((deviation(&network.first) * 28.0 - 1.0).abs() < 0.01);
        assert!((deviation(&network.second) * 10.0 - 1.0).abs() < 0.1);
    }

    #[test]
    fn torch_layout_round_trips() {
        let network = Network::draw(7, 11, 3, Init::FanIn, 4);
        let [first, second] = network.to_torch();
        assert_eq!(Network::from_torch(7, 11, 3, &first, &second), network);
        assert_eq!(first[7 + 2], network.first.row(2)[1]);
        assert_eq!(second[11 + 2], network.second.row(1)[2]);
    }
}
