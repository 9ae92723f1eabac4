//! Stochastic gradient descent at a rate that is the same for a whole layer, but not for all time.
//!
//! ```text
//! w <- w - rate(t) g      t = 0, 1, 2, ...: the updates before this one
//! ```
//!
//! | | rate(t) |
//! | --- | --- |
//! | [inverse time](Scheduled::inverse_time) | lr / (1 + t / T) |
//! | [stretched exponential](Scheduled::stretched_exponential) | a exp(b t^(1/3) + c t) + d |
//!
//! The rate is computed once an update, in f64, and rounded to f32.
//!
//! Cost per vector: load, multiplication, subtraction, store. Per update, a division, 3 ns, or a cube root and an exponential,
//! 20 ns.

use crate::lanes::f32xN;
use crate::rule::{Cost, Rule};

/// One learning rate for every weight, which changes with every update.
#[derive(Clone, Copy, Debug)]
pub struct Scheduled {
    schedule: Schedule,
    /// The rate of the update to come.
    rate: f32,
}

/// The rate as a function of the updates before.
#[derive(Clone, Copy, Debug)]
enum Schedule {
    InverseTime { lr: f64, halving: f64 },
    StretchedExponential([f64; 4]),
}

impl Scheduled {
    /// From `lr`, a rate that is half of it after `halving` updates, a third after twice as many, and so on: "search then
    /// converge" (Darken & Moody, 1990). `halving` is positive.
    pub fn inverse_time(lr: f64, halving: f64) -> Self {
        Self::new(Schedule::InverseTime { lr, halving })
    }

    /// The function of a, b, c and d that is fitted to the mean of DLR's rates in a layer, to see what they do if all
    /// synapses share them (Li, "Faster Biological Gradient Descent Learning", 2020, Fig. 3).
    pub fn stretched_exponential(abcd: [f64; 4]) -> Self {
        Self::new(Schedule::StretchedExponential(abcd))
    }

    fn new(schedule: Schedule) -> Self {
        Self { schedule, rate: schedule.rate(0) }
    }
}

impl Schedule {
    fn rate(self, updates: u64) -> f32 {
        let t = updates as f64;
        let rate = match self {
            Self::InverseTime { lr, halving } => lr / (1.0 + t / halving),
            Self::StretchedExponential([a, b, c, d]) => a * (b * t.cbrt() + c * t).exp() + d,
        };
        rate as f32
    }
}

impl Rule for Scheduled {
    type Memory = ();
    type Pause = ();
    const COST: Cost = Cost { step: 2, see: 0 };
    const ADDS_UP: bool = true;

    #[inline(always)]
    fn rate(&self, _: f32xN) -> f32xN {
        f32xN::splat(self.rate)
    }

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, (): &mut ()) -> f32xN {
        weights - a * b
    }

    fn advance(&mut self, updates: u64) {
        self.rate = self.schedule.rate(updates);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The rates of the updates 0, 1, ..., 1000.
    fn rates(mut rule: Scheduled) -> Vec<f32> {
        let at = |updates| {
            rule.advance(updates);
            let [rate, ..] = rule.rate(f32xN::ZERO).to_array();
            rate
        };
        (0..=1000).map(at).collect()
    }

    #[test]
    fn inverse_time_halves_when_it_says() {
        let rates = rates(Scheduled::inverse_time(0.6, 250.0));
        assert_eq!([0, 250, 500, 750, 1000].map(|t| rates[t]), [0.6, 0.3, 0.2, 0.15, 0.12]);
    }

    #[test]
    fn the_stretched_exponential_at_cubes() {
        let plain = rates(Scheduled::stretched_exponential([0.5, -0.25, 0.0, 0.125]));
        for (t, root) in [(0, 0.0_f64), (1, 1.0), (8, 2.0), (125, 5.0), (1000, 10.0)] {
            assert_eq!(plain[t], (0.5 * (-0.25 * root).exp() + 0.125) as f32, "{t}");
        }
        let linear = rates(Scheduled::stretched_exponential([2.0, 0.0, -0.002, 0.0]));
        assert_eq!([linear[0], linear[500]], [2.0, 2.0 * (-1.0_f64).exp() as f32]);
    }
}
