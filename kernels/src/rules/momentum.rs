//! Momentum: a velocity that gradients add to, and that moves the weight on while it decays.
//!
//! ```text
//! v <- mu v + rate g
//! w <- w - scale mu v - rate g      with the v before the update
//! ```
//!
//! What is called momentum differs in three numbers only, up to the unit that v is kept in:
//!
//! | | as it is written | rate | mu | scale |
//! | --- | --- | --- | --- | --- |
//! | [classical](Momentum::classical) | u <- m u + g; w <- w - lr u | lr | m | 1 |
//! | [Nesterov's](Momentum::nesterov) | u <- m u + g; w <- w - lr (g + m u) | (1 + m) lr | m | m / (1 + m) |
//! | [the author's](Momentum::nesterov_authors) | u <- (1 + m) lr g + m^2 u; w <- w - u | (1 + m) lr | m^2 | 1 |
//!
//! With g = 0 for k updates, v decays to mu^k v, and w moves by -scale (mu + mu^2 + ... + mu^k) v.
//!
//! Cost per vector: catching up, 2 loads, FMA, store; updating, 2 loads, 2 multiplications, 3 FMA, 2 stores.

use super::MomentumAtRest;
use crate::lanes::f32xN;
use crate::rule::{Cost, Rule};
use std::sync::Arc;

/// A velocity for every weight.
#[derive(Clone, Debug)]
pub struct Momentum {
    rate: f64,
    mu: f64,
    scale: f64,
    /// What 0, 1, 2, ... updates without gradient do.
    pauses: Arc<[Pause; PAUSES]>,
}

/// What some updates without gradient do.
#[derive(Clone, Copy, Debug)]
pub struct Pause {
    /// The part of the velocity that is left.
    left: f32,
    /// The part that has moved the weight.
    moved: f32,
}

/// One more than the longest pause, which is longer than nearly all of those between two images of MNIST that light the
/// same pixel; 8 KB, a quarter of which is ever in use.
const PAUSES: usize = 1024;

impl Momentum {
    /// Classical momentum, the heavy ball (Plaut, Nowlan & Hinton, 1986), as PyTorch has it. `momentum` lies in `0..1`.
    pub fn classical(lr: f64, momentum: f64) -> Self {
        Self::new(lr, momentum, 1.0)
    }

    /// Nesterov's momentum in the form of Sutskever et al. (2013), which PyTorch uses. `momentum` lies in `0..1`.
    pub fn nesterov(lr: f64, momentum: f64) -> Self {
        Self::new((1.0 + momentum) * lr, momentum, momentum / (1.0 + momentum))
    }

    /// What the experiments of the paper's author call Nesterov momentum: in effect a heavy ball with momentum mu^2 and
    /// learning rate (1 + mu) lr. `momentum` lies in `0..1`.
    pub fn nesterov_authors(lr: f64, momentum: f64) -> Self {
        Self::new((1.0 + momentum) * lr, momentum * momentum, 1.0)
    }

    fn new(rate: f64, mu: f64, scale: f64) -> Self {
        let pauses = Arc::new(core::array::from_fn(|k| Pause::over(k, mu, scale)));
        Self { rate, mu, scale, pauses }
    }

    /// The same for the first layer of a network that learns online.
    pub fn at_rest(&self) -> MomentumAtRest {
        MomentumAtRest::new(self.rate, self.mu, self.scale)
    }
}

impl Pause {
    /// Over k updates: mu^k and scale (mu + ... + mu^k) = scale mu (1 - mu^k) / (1 - mu).
    fn over(k: usize, mu: f64, scale: f64) -> Self {
        // expm1 keeps 1 - mu^k where mu is next to 1. The logarithm of 0 is minus infinity, which no update multiplies.
        let power = if k == 0 { 0.0 } else { k as f64 * mu.ln() };
        let gone = 0.0 - power.exp_m1(); // not negated, so that no pause moves a zero by a negative one
        let moved = scale * mu * gone / (1.0 - mu);
        Self { left: power.exp() as f32, moved: moved as f32 }
    }
}

impl Rule for Momentum {
    type Memory = f32xN;
    type Pause = Pause;
    const COST: Cost = Cost { step: 8, see: 2 };
    const LONGEST_PAUSE: u64 = PAUSES as u64 - 1;

    #[inline(always)]
    fn rate(&self, _: f32xN) -> f32xN {
        f32xN::splat(self.rate as f32)
    }

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, velocity: &mut f32xN) -> f32xN {
        let left = *velocity * f32xN::splat(self.mu as f32);
        *velocity = a.mul_add(b, left);
        a.mul_neg_add(b, left.mul_neg_add(f32xN::splat(self.scale as f32), weights))
    }

    #[inline(always)]
    fn pause(&self, missed: u64) -> Option<Pause> {
        self.pauses.get(missed as usize).copied()
    }

    #[inline(always)]
    fn catch_up(&self, Pause { moved, .. }: Pause, weights: f32xN, velocity: &f32xN) -> f32xN {
        velocity.mul_neg_add(f32xN::splat(moved), weights)
    }

    #[inline(always)]
    fn fade(&self, Pause { left, .. }: Pause, velocity: &mut f32xN) {
        *velocity *= f32xN::splat(left);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_form_is_the_sum() {
        for mu in [0.0, 1e-3, 0.5, 0.8, 0.99, 1.0 - 6e-8] {
            let (mut left, mut moved) = (1.0_f64, 0.0);
            for (k, found) in Momentum::new(0.1, mu, 0.3).pauses.iter().enumerate() {
                for (found, want) in [(found.left, left), (found.moved, moved)] {
                    // A rounding to f32, and one in f64 per term.
                    let error = (f64::from(found) - want).abs();
                    assert!(error <= want * 1.2e-7 + 1e-45, "{mu}, {k}: {found} for {want}");
                }
                left *= mu;
                moved += 0.3 * left;
            }
        }
    }

    /// Nothing has been missed then, and the velocity was zero.
    #[test]
    fn the_first_step_is_the_gradient_times_the_rate() {
        let rule = Momentum::classical(0.25, 0.9);
        let mut velocity = f32xN::ZERO;
        let weights = rule.step(f32xN::ONE, rule.rate(f32xN::ZERO), f32xN::splat(0.5), &mut velocity);
        assert_eq!((weights, velocity), (f32xN::splat(1.0 - 0.125), f32xN::splat(0.125)));
    }

    #[test]
    fn the_longest_pause_is_the_longest_at_hand() {
        let rule = Momentum::classical(0.1, 0.9);
        let [longest, longer] = [0, 1].map(|more| rule.pause(Momentum::LONGEST_PAUSE + more));
        assert!(longest.is_some() && longer.is_none());
    }
}
