//! What the experiments of the paper's author call Nesterov momentum: in effect a heavy ball with momentum mu^2 and
//! learning rate (1 + mu) lr.
//!
//! ```text
//! d <- (1 + mu) lr g + mu^2 d
//! w <- w - d
//! ```
//!
//! With g = 0 for k updates, d decays to mu^2k d, and w moves by -(mu^2 + mu^4 + ... + mu^2k) d. An update after such a
//! pause is one more term of both, and the gradient.
//!
//! Cost per vector: reading, 2 loads and FMA; updating, 2 loads, multiplication, 3 FMA, 2 stores.

use super::geometric::{Drift, Geometric};
use crate::lanes::f32x8;
use crate::rule::Rule;

/// The previous step of every weight.
#[derive(Clone, Debug)]
pub struct NesterovAuthors {
    /// (1 + mu) lr
    rate: f32,
    pauses: Geometric,
}

impl NesterovAuthors {
    /// For a learning rate and a momentum mu in `0..1`, whose square is the part of the previous step that is kept.
    pub fn new(lr: f64, momentum: f64) -> Self {
        Self { rate: (lr * (1.0 + momentum)) as f32, pauses: Geometric::new(momentum * momentum, 1.0) }
    }
}

impl Rule for NesterovAuthors {
    type Memory = f32x8;
    /// Of one update more than were missed, too.
    type Pause = [Drift; 2];
    const PEEKS: bool = true;

    #[inline(always)]
    fn rate(&self, _: f32x8) -> f32x8 {
        f32x8::splat(self.rate)
    }

    #[inline(always)]
    fn step(&self, weights: f32x8, a: f32x8, b: f32x8, step: &mut f32x8) -> f32x8 {
        self.step_after(self.pause(0), weights, a, b, step)
    }

    #[inline(always)]
    fn pause(&self, missed: u64) -> [Drift; 2] {
        [self.pauses.after(missed), self.pauses.after(missed + 1)]
    }

    #[inline(always)]
    fn catch_up(&self, [pause, _]: [Drift; 2], weights: f32x8, step: &mut f32x8) -> f32x8 {
        let moved = step.mul_neg_add(f32x8::splat(pause.drift), weights);
        *step *= f32x8::splat(pause.left);
        moved
    }

    #[inline(always)]
    fn step_after(
        &self,
        [_, pause]: [Drift; 2],
        weights: f32x8,
        a: f32x8,
        b: f32x8,
        step: &mut f32x8,
    ) -> f32x8 {
        let moved = step.mul_neg_add(f32x8::splat(pause.drift), weights);
        *step = a.mul_add(b, *step * f32x8::splat(pause.left));
        a.mul_neg_add(b, moved)
    }
}
