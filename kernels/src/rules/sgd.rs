//! Stochastic gradient descent.
//!
//! ```text
//! w <- w - lr g
//! ```
//!
//! Cost per vector: load, FMA, store.

use crate::lanes::f32x8;
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
    const COST: Cost = Cost { step: 2, catch_up: 0 };

    #[inline(always)]
    fn rate(&self, _: f32x8) -> f32x8 {
        f32x8::splat(self.lr)
    }

    #[inline(always)]
    fn step(&self, weights: f32x8, a: f32x8, b: f32x8, (): &mut ()) -> f32x8 {
        a.mul_neg_add(b, weights)
    }
}
