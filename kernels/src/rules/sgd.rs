//! Stochastic gradient descent.
//!
//! ```text
//! w <- w - lr g
//! ```
//!
//! Cost per vector: load, multiplication, subtraction, store. An FMA instead seems to take turns with the store: on a Zen 3,
//! with rows in the nearest caches, learning took 1.08 of the time with it from H = 30 to 100.

use crate::lanes::f32xN;
use crate::rule::{Cost, Rule};

/// One learning rate for every weight.
#[derive(Clone, Copy, Debug)]
pub struct Sgd {
    /// The learning rate.
    pub lr: f32,
}

impl Rule for Sgd {
    type Memory = ();
    type Pause = ();
    const COST: Cost = Cost { step: 2, see: 0 };
    const ADDS_UP: bool = true;

    #[inline(always)]
    fn rate(&self, _: f32xN) -> f32xN {
        f32xN::splat(self.lr)
    }

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, (): &mut ()) -> f32xN {
        weights - a * b
    }
}
