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
//! 1. rho v is taken as v - (1 - rho) v: the same, but 1 - rho keeps its precision in f32, where 0.999 itself would forget
//!    1.3e-5 of v.
//! 2. With g = 0 for k updates, v decays to rho^k v, and the weight stays. For the same reason, rho^k comes as a sum of two
//!    f32, of which the second counts where there is a fused multiply-add: without, v is off by up to 2e-5 at rho = 0.999.
//!
//! Cost per vector: reading, load; updating, 2 loads, square root, division, 4 multiplications, 3 FMA, addition,
//! subtraction, 2 stores.

use crate::lanes::f32xN;
use crate::rule::{Cost, Rule};
use std::sync::Arc;

/// A decaying mean of squared gradients for every weight.
#[derive(Clone, Debug)]
pub struct RmsProp {
    lr: f32xN,
    /// 1 - rho.
    new: f32xN,
    epsilon: f32xN,
    /// What 0, 1, 2, ... updates without gradient do.
    decays: Arc<[Decay; DECAYS]>,
}

/// What is left of v, rho^k: its f32, and what that lacks.
#[derive(Clone, Copy, Debug)]
pub struct Decay {
    left: f32,
    rest: f32,
}

/// One more than the longest pause, which is longer than nearly all of those between two images of MNIST that light the
/// same pixel; 8 KB, a quarter of which is ever in use.
const DECAYS: usize = 1024;

impl RmsProp {
    /// RMSProp before its first update. `rho` lies in `0..1`, `epsilon` is positive and no subnormal.
    pub fn new(lr: f64, rho: f64, epsilon: f32) -> Self {
        let [lr, new] = [lr, 1.0 - rho].map(|number| f32xN::splat(number as f32));
        let decays = Arc::new(core::array::from_fn(|k| Decay::over(k, rho)));
        Self { lr, new, epsilon: f32xN::splat(epsilon), decays }
    }
}

impl Decay {
    fn over(k: usize, rho: f64) -> Self {
        let power = rho.powf(k as f64);
        let left = power as f32;
        Self { left, rest: (power - f64::from(left)) as f32 }
    }
}

impl Rule for RmsProp {
    /// v.
    type Memory = f32xN;
    type Pause = Decay;
    const COST: Cost = Cost { step: 14, catch_up: 0 };
    const PEEKS: bool = true;
    const LONGEST_PAUSE: u64 = DECAYS as u64 - 1;

    #[inline(always)]
    fn pause(&self, missed: u64) -> Option<Decay> {
        self.decays.get(missed as usize).copied()
    }

    #[inline(always)]
    fn fade(&self, Decay { left, rest }: Decay, v: &mut f32xN) {
        *v = v.mul_add(f32xN::splat(left), *v * f32xN::splat(rest));
    }

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, v: &mut f32xN) -> f32xN {
        let gradient = a * b;
        *v = (gradient * self.new).mul_add(gradient, v.mul_neg_add(self.new, *v));
        weights - gradient * self.lr / (v.sqrt() + self.epsilon)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every update that has a gradient, and every pause, rounds v in either direction: over the last hundreds of them, that
    /// adds up to some 50 roundings. Without the second f32 of rho^k, each pause would round in the same direction. So it does
    /// where there is no fused multiply-add: the product is then rounded before the second adds what is lost on it.
    #[test]
    fn a_mean_over_many_pauses_does_not_drift() {
        for (rho, missed) in [(0.999, 1), (0.999, 2), (0.998, 1), (0.9985, 3)] {
            let rule = RmsProp::new(0.0, rho, 1e-8);
            let (mut v, mut want) = (f32xN::ZERO, 0.0_f64);
            for n in 0..20_000 {
                let gradient = ((f64::from(n) * 0.618_034).fract() - 0.5) as f32;
                rule.fade(rule.pause(missed).unwrap(), &mut v);
                rule.step(f32xN::ZERO, f32xN::splat(gradient), f32xN::ONE, &mut v);
                want = rho.powi(missed as i32 + 1) * want + (1.0 - rho) * f64::from(gradient).powi(2);
            }
            let [got, ..] = v.to_array();
            let error = (f64::from(got) / want - 1.0).abs();
            let bound = if cfg!(target_feature = "fma") { 4e-6 } else { 2e-5 };
            assert!(error < bound, "{rho}, {missed} missed: {got} for {want}, off by {error:e}");
        }
    }

    #[test]
    fn the_longest_pause_is_the_longest_at_hand() {
        let rule = RmsProp::new(0.1, 0.9, 1e-8);
        let [longest, longer] = [0, 1].map(|more| rule.pause(RmsProp::LONGEST_PAUSE + more));
        assert!(longest.is_some() && longer.is_none());
    }
}
