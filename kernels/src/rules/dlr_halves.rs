//! The two halves of the [dynamic learning rate](super::dlr), each by itself, to tell which of them does what.
//!
//! ```text
//! numerator:    w_ij <- w_ij - lr (|w_ij| + alpha) / alpha g_ij
//! denominator:  w_ij <- w_ij - lr alpha / (||w_j|| + alpha) g_ij
//! ```
//!
//! The product of the two rates is lr times that of DLR, and where the weights vanish, all three are lr. Norms are those
//! of DLR, of rows or of lanes.
//!
//! Cost per vector: of the numerator, load, and, 2 FMA, store; of the denominator, load, multiplication, subtraction, store.
//! Norms come on top, as [`Norms::cost`](crate::rule::Norms::cost) says.

use super::dlr::by_strength;
use crate::lanes::f32xN;
use crate::rule::{Cost, Norms, Rule};

/// Strong synapses learn faster; the others of their unit do not matter.
#[derive(Clone, Copy, Debug)]
pub struct DlrNumerator {
    /// The learning rate of a weight of zero.
    pub lr: f32,
    /// The weight that learns twice as fast. Positive.
    pub alpha: f32,
}

/// Synapses of strong units learn more slowly, all alike: by the norms of a layer's rows (`BY_ROW`) or of its lanes' columns.
#[derive(Clone, Copy, Debug)]
pub struct DlrDenominator<const BY_ROW: bool> {
    /// The learning rate of a unit without weights.
    pub lr: f32,
    /// The norm of a unit that learns at half of that. Positive.
    pub alpha: f32,
}

impl Rule for DlrNumerator {
    type Memory = ();
    type Pause = ();
    const COST: Cost = Cost { step: 4, see: 0 };

    #[inline(always)]
    fn rate(&self, _: f32xN) -> f32xN {
        f32xN::splat(self.lr / self.alpha)
    }

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, (): &mut ()) -> f32xN {
        by_strength(self.alpha, weights, a, b)
    }
}

impl<const BY_ROW: bool> Rule for DlrDenominator<BY_ROW> {
    type Memory = ();
    type Pause = ();
    const COST: Cost = Cost { step: 2, see: 0 };
    const NORMS: Norms = if BY_ROW { Norms::OfRows } else { Norms::OfLanes };

    #[inline(always)]
    fn rate(&self, norms: f32xN) -> f32xN {
        let alpha = f32xN::splat(self.alpha);
        // The quotient first: lr alpha could overflow.
        f32xN::splat(self.lr) * (alpha / (norms + alpha))
    }

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, (): &mut ()) -> f32xN {
        weights - a * b
    }
}
