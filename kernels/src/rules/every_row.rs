//! A rule for layers of which every update moves every row, as all but the first: there are no pauses to think of.

use crate::lanes::f32xN;
use crate::rule::{Cost, Norms, Rule};

/// The same rule, which must not be used where a row may be left out of an update.
#[derive(Clone, Debug)]
pub struct EveryRow<R>(pub R);

impl<R: Rule> Rule for EveryRow<R> {
    type Memory = R::Memory;
    type Pause = ();
    /// At most: of what a rule does after a pause, the part that is for the pause is left out.
    const COST: Cost = Cost { step: R::COST.step, see: 0 };
    const NORMS: Norms = {
        assert!(!R::DERIVED, "other layers than the first read weights as they are stored");
        R::NORMS
    };

    #[inline(always)]
    fn rate(&self, norms: f32xN) -> f32xN {
        self.0.rate(norms)
    }

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, memory: &mut R::Memory) -> f32xN {
        self.0.step(weights, a, b, memory)
    }

    #[inline(always)]
    fn advance(&mut self, updates: u64) {
        self.0.advance(updates);
    }

    #[inline(always)]
    fn rescale(&self, updates: usize) -> Option<f32> {
        self.0.rescale(updates)
    }
}
