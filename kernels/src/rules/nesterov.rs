//! Nesterov's momentum, in the form of Sutskever et al. (2013), which PyTorch uses.
//!
//! ```text
//! v <- mu v + g
//! w <- w - lr (g + mu v)
//! ```
//!
//! A weight with a zero gradient still moves while its velocity lasts.
//!
//! Cost per vector: 2 loads, multiplication, 3 FMA, 2 stores.

use crate::lanes::f32x8;
use crate::rule::Rule;

/// A velocity for every weight.
#[derive(Clone, Copy, Debug)]
pub struct Nesterov {
    /// The learning rate.
    pub lr: f32,
    /// mu, the part of the velocity that is kept.
    pub momentum: f32,
}

impl Rule for Nesterov {
    type Memory = f32x8;
    const RESTS: bool = false;

    #[inline(always)]
    fn step(&self, weights: f32x8, a: f32x8, b: f32x8, velocity: &mut f32x8) -> f32x8 {
        let (lr, mu) = (f32x8::splat(self.lr), f32x8::splat(self.momentum));
        let gradient = a * b;
        *velocity = velocity.mul_add(mu, gradient);
        velocity.mul_add(mu, gradient).mul_neg_add(lr, weights)
    }
}
