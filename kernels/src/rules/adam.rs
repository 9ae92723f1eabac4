//! Adam (Kingma & Ba, 2015, Algorithm 1), with bias correction, epsilon outside the root.
//!
//! ```text
//! m <- beta1 m + (1 - beta1) g          v <- beta2 v + (1 - beta2) g^2
//! w <- w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
//! ```
//!
//! A weight with a zero gradient still moves while its moments last. Departures from the formula:
//!
//! 1. The moments are averaged as m + (1 - beta1)(g - m): the same, but 1 - 0.999 keeps its precision in f32, where
//!    0.999 itself would forget 1.3e-5 of v.
//! 2. The two corrections depend only on the number of the update t, so they are folded into two scalars once per
//!    update, in f64.
//!
//! Cost per vector: 3 loads, 2 multiplications, 4 FMA, 2 subtractions, square root, division, 3 stores.

use crate::lanes::f32x8;
use crate::rule::Rule;

/// First and second moments for every weight.
#[derive(Clone, Copy, Debug)]
pub struct Adam {
    lr: f64,
    beta1: f64,
    beta2: f64,
    epsilon: f32,
    updates: i32,
    /// lr / (1 - beta1^t)
    step: f32,
    /// sqrt(1 / (1 - beta2^t))
    root: f32,
}

impl Adam {
    /// Adam before its first update. `epsilon` is positive, the betas lie in `0..1`.
    pub fn new(lr: f64, beta1: f64, beta2: f64, epsilon: f32) -> Self {
        Self { lr, beta1, beta2, epsilon, updates: 0, step: 0.0, root: 0.0 }
    }
}

impl Rule for Adam {
    /// m and v.
    type Memory = [f32x8; 2];
    const RESTS: bool = false;

    fn begin(&mut self) {
        self.updates = self.updates.saturating_add(1); // by i32::MAX both powers have long been zero
        let correction = |beta: f64| 1.0 - beta.powi(self.updates);
        self.step = (self.lr / correction(self.beta1)) as f32;
        self.root = correction(self.beta2).sqrt().recip() as f32;
    }

    #[inline(always)]
    fn step(&self, weights: f32x8, a: f32x8, b: f32x8, [m, v]: &mut [f32x8; 2]) -> f32x8 {
        let (new1, new2) = (f32x8::splat((1.0 - self.beta1) as f32), f32x8::splat((1.0 - self.beta2) as f32));
        let gradient = a * b;
        *m = (gradient - *m).mul_add(new1, *m);
        *v = gradient.mul_sub(gradient, *v).mul_add(new2, *v);
        let scale = v.sqrt().mul_add(f32x8::splat(self.root), f32x8::splat(self.epsilon));
        weights - *m * f32x8::splat(self.step) / scale
    }
}
