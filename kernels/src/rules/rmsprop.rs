//! RMSProp (Hinton, Neural Networks for Machine Learning, 2012, lecture 6, slide 29) in the form of PyTorch: v starts at
//! zero, epsilon outside the root.
//!
//! ```text
//! v <- rho v + (1 - rho) g^2
//! w <- w - lr g / (sqrt(v) + epsilon)
//! ```
//!
//! Departures from the formula, and why each keeps the result:
//!
//! 1. v is kept in a unit that [decays](super::fading) as it does, so with g = 0 nothing changes: rows of dark pixels are left
//!    alone.
//!
//! Cost per vector: reading, load; updating, 2 loads, square root, division, 4 multiplications, FMA, addition, subtraction,
//! 2 stores.

use super::fading::Fading;
use crate::lanes::f32xN;
use crate::rule::{Cost, Rule};

/// What is kept of v is at least 2^-32 of it: so v is precise down to 2^-94, the square of a gradient of 7e-15.
const ROOM: f64 = 32.0;

/// A decaying mean of squared gradients for every weight.
#[derive(Clone, Copy, Debug)]
pub struct RmsProp {
    lr: f32xN,
    /// 1 - rho.
    new: f64,
    epsilon: f32xN,
    fading: Fading,
    /// What a square counts for at the next update, and what all of them are worth then.
    gain: f32xN,
    worth: f32xN,
}

impl RmsProp {
    /// RMSProp before its first update. `rho` lies in `0..1`, `epsilon` is positive and no subnormal.
    pub fn new(lr: f64, rho: f64, epsilon: f32) -> Self {
        let [lr, epsilon] = [lr as f32, epsilon].map(f32xN::splat);
        let (new, fading) = (1.0 - rho, Fading::new(rho, ROOM));
        let mut rule = Self { lr, new, epsilon, fading, gain: f32xN::ZERO, worth: f32xN::ZERO };
        rule.advance(0);
        rule
    }
}

impl Rule for RmsProp {
    /// v.
    type Memory = f32xN;
    type Pause = ();
    const COST: Cost = Cost { step: 10, see: 0 };

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, v: &mut f32xN) -> f32xN {
        let gradient = a * b;
        *v = (gradient * self.gain).mul_add(gradient, *v);
        weights - gradient * self.lr / ((*v * self.worth).sqrt() + self.epsilon)
    }

    #[inline(always)]
    fn advance(&mut self, updates: u64) {
        self.fading.advance(updates);
        let gain = self.fading.gain(1);
        [self.gain, self.worth] = [self.new * gain, 1.0 / gain].map(|number| f32xN::splat(number as f32));
    }

    #[inline(always)]
    fn rescale(&self, updates: usize) -> Option<f32> {
        self.fading.rescale(updates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Though what would be subnormal is forgotten whenever v changes its unit.
    #[test]
    fn squares_of_tiny_gradients_are_remembered() {
        let gradient = 1e-13_f32;
        for rho in [0.01, 0.5, 0.9, 0.999] {
            let mut rule = RmsProp::new(0.0, rho, 1e-30);
            let (mut v, mut want) = (f32xN::ZERO, 0.0_f64);
            for n in 0..3000 {
                v *= f32xN::splat(rule.rescale(1).unwrap_or(1.0));
                if v.to_array()[0] < f32::MIN_POSITIVE {
                    v = f32xN::ZERO;
                }
                rule.step(f32xN::ZERO, f32xN::splat(gradient), f32xN::ONE, &mut v);
                want = rho * want + (1.0 - rho) * f64::from(gradient).powi(2);
                let [got, ..] = (v * rule.worth).to_array();
                rule.advance(n + 1);
                let error = (f64::from(got) / want - 1.0).abs();
                assert!(error < 1e-4, "{rho}, {n}: {got} for {want}, off by {error:e}");
            }
        }
    }

    /// Every update that has a gradient rounds v in either direction: over the last hundreds of them, that adds up to some 50
    /// roundings.
    #[test]
    fn a_mean_over_many_pauses_does_not_drift() {
        for (rho, gap) in [(0.999, 2_u32), (0.999, 3), (0.998, 2), (0.9985, 4)] {
            let mut rule = RmsProp::new(0.0, rho, 1e-8);
            let (mut v, mut want, mut worth) = (f32xN::ZERO, 0.0_f64, f32xN::ONE);
            for n in 0..20_000 * gap {
                let gradient = ((f64::from(n) * 0.618_034).fract() - 0.5) as f32;
                v *= f32xN::splat(rule.rescale(1).unwrap_or(1.0));
                want *= rho;
                if n % gap == 0 {
                    rule.step(f32xN::ZERO, f32xN::splat(gradient), f32xN::ONE, &mut v);
                    want += (1.0 - rho) * f64::from(gradient).powi(2);
                }
                worth = rule.worth;
                rule.advance(u64::from(n) + 1);
            }
            let [got, ..] = (v * worth).to_array();
            let error = (f64::from(got) / want - 1.0).abs();
            assert!(error < 4e-6, "{rho}, every {gap}: {got} for {want}, off by {error:e}");
        }
    }
}
