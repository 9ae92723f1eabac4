//! What the experiments of the paper's author call Nesterov momentum: in effect a heavy ball with momentum mu^2 and
//! learning rate (1 + mu) lr.
//!
//! ```text
//! d <- (1 + mu) lr g + mu^2 d
//! w <- w - d
//! ```
//!
//! Cost per vector: 2 loads, 2 multiplications, FMA, subtraction, 2 stores.

use crate::lanes::f32x8;
use crate::rule::Rule;

/// The previous step of every weight.
#[derive(Clone, Copy, Debug)]
pub struct NesterovAuthors {
    /// The learning rate.
    pub lr: f32,
    /// mu; its square is the part of the previous step that is kept.
    pub momentum: f32,
}

impl Rule for NesterovAuthors {
    type Memory = f32x8;
    const RESTS: bool = false;

    #[inline(always)]
    fn rate(&self, _: f32x8) -> f32x8 {
        f32x8::splat((1.0 + self.momentum) * self.lr)
    }

    #[inline(always)]
    fn step(&self, weights: f32x8, a: f32x8, b: f32x8, step: &mut f32x8) -> f32x8 {
        *step = step.mul_add(f32x8::splat(self.momentum * self.momentum), a * b);
        weights - *step
    }
}
