//! Nesterov's momentum, in the form of Sutskever et al. (2013), which PyTorch uses.
//!
//! ```text
//! v <- mu v + g
//! w <- w - lr (g + mu v)
//! ```
//!
//! With g = 0 for k updates, v decays to mu^k v, and w moves by -lr mu (mu + mu^2 + ... + mu^k) v. An update after such a
//! pause is one more term of both, and the gradient:
//!
//! ```text
//! w <- w - lr mu (mu + ... + mu^(k+1)) v - lr (1 + mu) g
//! v <- mu^(k+1) v + g
//! ```
//!
//! Cost per vector: reading, 2 loads and FMA; updating, 2 loads, multiplication, 3 FMA, 2 stores.

use super::geometric::{Drift, Geometric};
use crate::lanes::f32x8;
use crate::rule::Rule;

/// A velocity for every weight.
#[derive(Clone, Debug)]
pub struct Nesterov {
    /// lr (1 + mu)
    rate: f32,
    pauses: Geometric,
}

impl Nesterov {
    /// For a learning rate and a momentum mu in `0..1`, the part of the velocity that is kept.
    pub fn new(lr: f64, momentum: f64) -> Self {
        Self { rate: (lr * (1.0 + momentum)) as f32, pauses: Geometric::new(momentum, lr * momentum) }
    }
}

impl Rule for Nesterov {
    type Memory = f32x8;
    /// Of one update more than were missed, too.
    type Pause = [Drift; 2];
    const PEEKS: bool = true;

    #[inline(always)]
    fn step(&self, weights: f32x8, a: f32x8, b: f32x8, velocity: &mut f32x8) -> f32x8 {
        self.step_after(self.pause(0), weights, a, b, velocity)
    }

    #[inline(always)]
    fn pause(&self, missed: u64) -> [Drift; 2] {
        [self.pauses.after(missed), self.pauses.after(missed + 1)]
    }

    #[inline(always)]
    fn catch_up(&self, [pause, _]: [Drift; 2], weights: f32x8, velocity: &mut f32x8) -> f32x8 {
        let moved = velocity.mul_neg_add(f32x8::splat(pause.drift), weights);
        *velocity *= f32x8::splat(pause.left);
        moved
    }

    #[inline(always)]
    fn step_after(
        &self,
        [_, pause]: [Drift; 2],
        weights: f32x8,
        a: f32x8,
        b: f32x8,
        velocity: &mut f32x8,
    ) -> f32x8 {
        let moved = velocity.mul_neg_add(f32x8::splat(pause.drift), weights);
        *velocity = a.mul_add(b, *velocity * f32x8::splat(pause.left));
        (a * f32x8::splat(self.rate)).mul_neg_add(b, moved)
    }
}
