//! The dynamic learning rate: strong synapses learn faster (Li, "Faster Biological Gradient Descent Learning", 2020,
//! Eq. 1 to 3).
//!
//! ```text
//! w_ij <- w_ij - lr (|w_ij| + alpha) / (||w_j|| + alpha) g_ij
//! ```
//!
//! Eq. 1 and Eq. 2 are both printed with a minus sign; taken literally they would climb. The norm is over the outgoing
//! weights of the pre-synaptic unit j (Eq. 1) or the incoming weights of the post-synaptic unit i (Eq. 3), as they are
//! before the update. A row of `W1` is a pre-synaptic unit and a row of `W2` a post-synaptic one, so Eq. 1 takes
//! `Dlr<true>` in the first layer and `Dlr<false>` in the second; Eq. 3 the other way round.
//!
//! The denominator is the same for a whole row or lane. Rates of rows are taken from the weights as an update finds them;
//! those of lanes are kept account of.
//!
//! Cost per vector: load, and, 2 FMA, store. Norms come on top, as [`Norms::cost`](crate::rule::Norms::cost) says.

use crate::lanes::f32xN;
use crate::rule::{Cost, Norms, Rule};

/// DLR by the norms of a layer's rows (`BY_ROW`) or of its lanes' columns.
#[derive(Clone, Copy, Debug)]
pub struct Dlr<const BY_ROW: bool> {
    /// eta0, the learning rate of a weight as large as its unit's norm.
    pub lr: f32,
    /// How much all weights are alike: rates are equal as alpha grows without bound. Positive.
    pub alpha: f32,
}

impl<const BY_ROW: bool> Rule for Dlr<BY_ROW> {
    type Memory = ();
    type Pause = ();
    const COST: Cost = Cost { step: 4, see: 0 };
    const NORMS: Norms = if BY_ROW { Norms::OfRows } else { Norms::OfLanes };

    #[inline(always)]
    fn rate(&self, norms: f32xN) -> f32xN {
        f32xN::splat(self.lr) / (norms + f32xN::splat(self.alpha))
    }

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, (): &mut ()) -> f32xN {
        by_strength(self.alpha, weights, a, b)
    }
}

/// w - (|w| + alpha) a b.
#[inline(always)]
pub(super) fn by_strength(alpha: f32, weights: f32xN, a: f32xN, b: f32xN) -> f32xN {
    // In a sweep, a and a alpha are the same for a whole row: one operation less than (|w| + alpha) a b, and two registers. With
    // |w| b + b alpha, a tile would need two for every vector, and sixteen registers would not do.
    weights.abs().mul_add(a, a * f32xN::splat(alpha)).mul_neg_add(b, weights)
}
