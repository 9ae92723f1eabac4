//! AdaGrad (Duchi, Hazan & Singer, 2011) in the form of PyTorch: G starts at zero, epsilon outside the root.
//!
//! ```text
//! G <- G + g^2
//! w <- w - lr g / (sqrt(G) + epsilon)
//! ```
//!
//! G never forgets, so a weight without gradient rests, and so does its G.
//!
//! Cost per vector: 2 loads, square root, division, 2 multiplications, FMA, addition, subtraction, 2 stores.

use crate::lanes::f32xN;
use crate::rule::{Cost, Rule};

/// The sum of squared gradients for every weight.
#[derive(Clone, Copy, Debug)]
pub struct AdaGrad {
    /// The learning rate: how far the first gradient moves a weight, whatever its size.
    pub lr: f32,
    /// What keeps a weight where it is that has never had a gradient. Positive and no subnormal.
    pub epsilon: f32,
}

impl Rule for AdaGrad {
    /// G.
    type Memory = f32xN;
    type Pause = ();
    const COST: Cost = Cost { step: 8, see: 0 };

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, sum: &mut f32xN) -> f32xN {
        let gradient = a * b;
        *sum = gradient.mul_add(gradient, *sum);
        weights - gradient * f32xN::splat(self.lr) / (sum.sqrt() + f32xN::splat(self.epsilon))
    }
}
