//! The weights of a network: drawing and hashing them.

use super::hidden::Hidden;
use super::settings::Init;
use super::streams::{Purpose, numbered};
use crate::hash::hex;
use dlr_kernels::panel::Panel;
use rand_distr::{Distribution, StandardNormal};
use sha2::{Digest, Sha256};

/// One or more hidden layers of logistic units without bias.
#[derive(Clone, Debug, PartialEq)]
pub struct Network {
    /// W1, `[inputs][hidden]`: row j holds the outgoing weights of input j.
    pub first: Panel,
    /// The weights from one hidden layer to the next, if there are several, `[hidden][next hidden]`: row j holds the
    /// outgoing weights of unit j.
    pub inner: Vec<Panel>,
    /// The weights to the outputs, `[outputs][hidden]`: row k holds the incoming weights of output k.
    pub last: Panel,
}

/// A network's weights where they are: what it takes to classify by them.
#[derive(Clone, Debug)]
pub struct Weights<'a> {
    /// As [`Network::first`].
    pub first: &'a Panel,
    /// As [`Network::inner`].
    pub inner: Vec<&'a Panel>,
    /// As [`Network::last`].
    pub last: &'a Panel,
}

impl Weights<'_> {
    /// All of them in their order.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        [self.first].into_iter().chain(self.inner.iter().copied()).chain([self.last])
    }

    /// Whether every number is finite, and the sum of all squares of each layer is.
    pub fn norms_are_finite(&self) -> bool {
        self.panels().all(Panel::norm_is_finite)
    }

    /// A network with copies of them.
    pub fn to_network(&self) -> Network {
        let inner = self.inner.iter().copied().cloned().collect();
        Network { first: self.first.clone(), inner, last: self.last.clone() }
    }
}

impl Network {
    /// Draws the initial weights of a seed.
    ///
    /// Hidden units of the first layer are drawn one after another, each with its incoming weights and, if the next units
    /// are the outputs, its outgoing ones, so that the units of a smaller network are the first units of a larger one. Later
    /// hidden layers are drawn in the same way from random streams of their own.
    pub fn draw(inputs: usize, hidden: impl Into<Hidden>, outputs: usize, init: Init, seed: u64) -> Self {
        let hidden: Hidden = hidden.into();
        let scale = |fan_in: usize| match init {
            Init::Normal(deviation) => deviation,
            Init::FanIn => 1.0 / (fan_in as f64).sqrt(),
        };
        let mut before = inputs;
        let mut last = Panel::zeros(outputs, hidden.last());
        let mut layers = Vec::new();
        for (number, &units) in (0..).zip(hidden.layers()) {
            let mut rng = numbered(seed, Purpose::Weights, number);
            let mut draw = |scale: f64| -> f32 {
                let normal: f64 = StandardNormal.sample(&mut rng);
                (scale * normal) as f32
            };
            let is_last = layers.len() + 1 == hidden.layers().len();
            let mut layer = Panel::zeros(before, units);
            for unit in 0..units {
                (0..before).for_each(|row| layer.row_mut(row)[unit] = draw(scale(before)));
                if is_last {
                    (0..outputs).for_each(|output| last.row_mut(output)[unit] = draw(scale(units)));
                }
            }
            layers.push(layer);
            before = units;
        }
        let first = layers.remove(0);
        Self { first, inner: layers, last }
    }

    /// A network of zeros.
    pub fn zeros(inputs: usize, hidden: &Hidden, outputs: usize) -> Self {
        Self {
            first: Panel::zeros(inputs, hidden.first()),
            inner: hidden.inner().map(|(before, after)| Panel::zeros(before, after)).collect(),
            last: Panel::zeros(outputs, hidden.last()),
        }
    }

    /// Inputs of the network.
    pub fn inputs(&self) -> usize {
        self.first.rows()
    }

    /// Units of each hidden layer.
    ///
    /// # Panics
    /// If a layer has no units or more than [`MAX_HIDDEN`](super::hidden::MAX_HIDDEN), or there are more than
    /// [`MAX_LAYERS`](super::hidden::MAX_LAYERS).
    pub fn hidden(&self) -> Hidden {
        let layers = [&self.first].into_iter().chain(&self.inner).map(Panel::width).collect();
        Hidden::new(layers).unwrap_or_else(|expected| panic!("{expected}"))
    }

    /// Output units.
    pub fn outputs(&self) -> usize {
        self.last.rows()
    }

    /// Its weights where they are.
    pub fn weights(&self) -> Weights<'_> {
        Weights { first: &self.first, inner: self.inner.iter().collect(), last: &self.last }
    }

    /// The matrices as `torch.nn.Linear` has them, in which form weights are saved and hashed: `[units][units before]`,
    /// row-major, from the first layer to the last.
    pub fn to_torch(&self) -> Vec<Matrix> {
        let turned = |panel: &Panel| {
            let mut numbers = vec![0.0; panel.rows() * panel.width()];
            for row in 0..panel.rows() {
                for (unit, &w) in panel.row(row).iter().enumerate() {
                    numbers[unit * panel.rows() + row] = w;
                }
            }
            Matrix { units: panel.width(), before: panel.rows(), numbers }
        };
        let numbers = (0..self.outputs()).flat_map(|k| self.last.row(k)).copied().collect();
        let last = Matrix { units: self.outputs(), before: self.last.width(), numbers };
        [&self.first].into_iter().chain(&self.inner).map(turned).chain([last]).collect()
    }

    /// The network with these matrices, in the layout of [`to_torch`](Self::to_torch).
    ///
    /// # Panics
    /// If there are fewer than two, or they don't fit together.
    pub fn from_torch(matrices: &[Matrix]) -> Self {
        let fits = matrices.iter().all(|m| m.numbers.len() == m.units * m.before)
            && matrices.windows(2).all(|pair| pair[0].units == pair[1].before);
        let [first, inner @ .., last] = matrices else {
            panic!("a network has two layers of weights or more")
        };
        assert!(fits, "every matrix takes the units that the one before it makes");
        let turned = |m: &Matrix| Panel::from_fn(m.before, m.units, |j, i| m.numbers[i * m.before + j]);
        Self {
            first: turned(first),
            inner: inner.iter().map(turned).collect(),
            last: Panel::from_fn(last.units, last.before, |k, i| last.numbers[k * last.before + i]),
        }
    }

    /// SHA-256, in hexadecimal, of all weight matrices as little-endian f32 in the layout of
    /// [`to_torch`](Self::to_torch), one layer after another.
    pub fn sha256(&self) -> String {
        let mut hash = Sha256::new();
        for matrix in self.to_torch() {
            hash.update(little_endian(&matrix.numbers));
        }
        hex(hash.finalize())
    }
}

/// The weights between two layers of units, `[units][before]`, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Units of the layer.
    pub units: usize,
    /// Units of the layer before it, or inputs.
    pub before: usize,
    /// The weights: unit by unit, each with those from all units before it.
    pub numbers: Vec<f32>,
}

/// The bytes of `numbers` as they are in files.
pub(super) fn little_endian(numbers: &[f32]) -> Vec<u8> {
    numbers.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> Hidden {
        text.parse().unwrap()
    }

    #[test]
    fn a_smaller_network_has_the_first_units_of_a_larger_one() {
        let small = Network::draw(5, 3, 2, Init::Normal(0.01), 9);
        let large = Network::draw(5, 17, 2, Init::Normal(0.01), 9);
        for row in 0..5 {
            assert_eq!(small.first.row(row), &large.first.row(row)[..3]);
        }
        for row in 0..2 {
            assert_eq!(small.last.row(row), &large.last.row(row)[..3]);
        }
        // The last hidden layer of a deeper network is drawn likewise.
        let small = Network::draw(5, hidden("4,3"), 2, Init::Normal(0.01), 9);
        let large = Network::draw(5, hidden("4,17"), 2, Init::Normal(0.01), 9);
        assert_eq!(small.first, large.first);
        for row in 0..4 {
            assert_eq!(small.inner[0].row(row), &large.inner[0].row(row)[..3]);
        }
        for row in 0..2 {
            assert_eq!(small.last.row(row), &large.last.row(row)[..3]);
        }
    }

    /// What a seed means is promised, and the library that draws normal numbers could change it.
    #[test]
    fn seed_1_draws_what_it_always_did() {
        let network = Network::draw(784, hidden("100,16"), 10, Init::FanIn, 1);
        assert_eq!(network.sha256(), "db1ee8fc6ebb5b07e12b9a3b12906dfa3fbf86772cec720ada5d32ac21d2949a");
    }

    #[test]
    fn the_drawn_weights_have_the_deviation_asked_for() {
        let deviation = |panel: &Panel| {
            let all: Vec<f64> = (0..panel.rows()).flat_map(|r| panel.row(r)).map(|&w| w.into()).collect();
            (all.iter().map(|w| w * w).sum::<f64>() / all.len() as f64).sqrt()
        };
        let network = Network::draw(784, 100, 10, Init::FanIn, 1);
        assert!((deviation(&network.first) * 28.0 - 1.0).abs() < 0.01);
        assert!((deviation(&network.last) * 10.0 - 1.0).abs() < 0.1);
        let network = Network::draw(784, hidden("100,64,25"), 10, Init::FanIn, 1);
        let found = network.weights().panels().map(deviation).collect::<Vec<_>>();
        for (found, fan_in) in found.into_iter().zip([784.0_f64, 100.0, 64.0, 25.0]) {
            assert!((found * fan_in.sqrt() - 1.0).abs() < 0.1, "{found} for {fan_in} inputs");
        }
        let standard = [(&network.inner[0], 10.0), (&network.first, 28.0)]
            .map(|(weights, root)| weights.row(0)[0] * root);
        assert!((standard[0] - standard[1]).abs() > 1e-3, "streams of their own: {standard:?}");
    }

    #[test]
    fn torch_layout_round_trips() {
        let network = Network::draw(7, 11, 3, Init::FanIn, 4);
        let matrices = network.to_torch();
        assert_eq!(Network::from_torch(&matrices), network);
        assert_eq!(matrices[0].numbers[7 + 2], network.first.row(2)[1]);
        assert_eq!(matrices[1].numbers[11 + 2], network.last.row(1)[2]);

        let network = Network::draw(7, hidden("11,5,6"), 3, Init::FanIn, 4);
        let matrices = network.to_torch();
        assert_eq!(Network::from_torch(&matrices), network);
        assert_eq!(matrices[1].numbers[3 * 11 + 2], network.inner[0].row(2)[3]);
        let shapes: Vec<_> = matrices.iter().map(|m| (m.units, m.before)).collect();
        assert_eq!(shapes, [(11, 7), (5, 11), (6, 5), (3, 6)]);
    }
}
