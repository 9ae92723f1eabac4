//! An inner layer, backwards: from the deltas of the hidden units after it to those of the units before it.
//!
//! ```text
//! b_j = h_j (1 - h_j) sum_i W[j][i] d_i
//!
//! W  [before][Hp]     d  deltas after it, [Hp]     h, b  activations and deltas before it, [before], padded to vectors
//!
//! plain:  for j in 0..before {
//!             for i in 0..H { b[j] += w[j][i] * d[i] }
//!             b[j] *= h[j] * (1 - h[j])
//!         }
//! ```
//!
//! Row j of W holds the outgoing weights of unit j, as everywhere but in the last layer, so that the way back takes the
//! dot product of each row with d: the very sums that the output layer takes on its way forward, from which the departures
//! from the plain loop come, too. As there, what is below 2^-100 is taken for 0. The padding of b is zero because that of the
//! sums is.
//!
//! Cost per row: Hp/LANES loads and FMA, and its part of the horizontal sums.

use crate::lanes::f32xN;
use crate::output::{delta, output_sums};
use crate::panel::Panel;

/// The deltas `before` a layer, from those `after` it and the activations `hidden` before it.
///
/// # Panics
/// If a slice's length does not fit the shape of `weights`.
pub fn deltas_before(weights: &Panel, after: &[f32xN], hidden: &[f32xN], before: &mut [f32xN]) {
    assert_eq!(hidden.len(), before.len(), "a delta for each activation");
    output_sums(after, weights, before);
    through_logistic(hidden, before);
}

/// Turns errors at the activations of logistic units into errors at their net inputs: e_j <- e_j h_j (1 - h_j).
///
/// # Panics
/// If the slices differ in length.
#[inline]
pub fn through_logistic(hidden: &[f32xN], errors: &mut [f32xN]) {
    assert_eq!(hidden.len(), errors.len(), "an error for each activation");
    for (error, &h) in errors.iter_mut().zip(hidden) {
        *error = delta(*error, h);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::LANES;

    /// Two units after the layer, of which the second sends back twice what the first does; activations of 1/4, 1/2 and 3/4, of
    /// which the slopes are 3/16, 4/16 and 3/16.
    #[test]
    fn deltas_by_hand() {
        let row = |number: &dyn Fn(usize) -> f32, width| Panel::from_fn(1, width, |_, n| number(n));
        let before = LANES + 3;
        let weights = Panel::from_fn(before, 2, |j, i| [16.0, 8.0 * j as f32][i]);
        let after = row(&|i| [1.0, 2.0][i], 2);
        let hidden = row(&|j| [0.25, 0.5, 0.75][j % 3], before);
        let mut deltas = [f32xN::splat(f32::NAN); 2];
        deltas_before(&weights, after.as_vectors(), hidden.as_vectors(), &mut deltas);
        let want = row(&|j| [3.0, 4.0, 3.0][j % 3] * (1.0 + j as f32), before);
        assert_eq!(deltas, want.as_vectors());

        let mut errors = [f32xN::splat(2.0_f32.powi(-98)), f32xN::splat(2.0_f32.powi(-99))];
        through_logistic(&[f32xN::splat(0.5); 2], &mut errors);
        assert_eq!(errors, [f32xN::splat(2.0_f32.powi(-100)), f32xN::ZERO], "a tiny delta is none");
    }
}
