//! What a layer knows about the norms of its weights, for rules whose rates depend on them.
//!
//! Norms of rows are taken from the weights as an update finds them. Norms of lanes run over all rows, so an update keeps
//! account of what it changes in them.

use crate::lanes::{LANES, f32xN, sums_of_fours};
use crate::panel::Panel;
use crate::rule::Rule;
use wide::f32x8;

/// Where the rule wants norms of lanes, what is known about them; otherwise empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct LaneNorms {
    /// The rate of each lane.
    pub(crate) rates: Vec<f32xN>,
    /// The sum of squares of each lane's column.
    squares: Vec<f64>,
    /// What each block of rows changed in them, `[blocks][Hp]`.
    pub(crate) changes: Vec<f32xN>,
}

/// The squares of a row's weights, summed to one vector. In two chains, so that it waits for half of the latencies.
#[inline(always)]
pub(crate) fn sum_of_squares(weights: &[f32xN]) -> f32xN {
    let (pairs, rest) = weights.as_chunks::<2>();
    let [mut even, mut odd] = [f32xN::ZERO; 2];
    for [a, b] in pairs {
        (even, odd) = (a.mul_add(*a, even), b.mul_add(*b, odd));
    }
    rest.iter().fold(even, |sum, w| w.mul_add(*w, sum)) + odd
}

/// Room for the sums of squares of so many rows, four at a time as [`fours`](crate::lanes::fours) leaves them, and whole
/// vectors of rates.
pub(crate) const fn room(rows: usize) -> usize {
    rows.next_multiple_of(LANES) / 4
}

/// Turns the sums of squares of rows, four at a time, into the rates of these rows, packed.
#[inline(always)]
pub(crate) fn into_rates<R: Rule>(rule: &R, squares: &mut [f32x8], rows: usize) {
    // Rates take half as much room as squares, so that each vector of them lies where squares of its own rows or of those
    // before were, which have been read.
    for n in 0..rows.div_ceil(LANES) {
        let fours = squares[n * LANES / 4..].first_chunk().expect("there is room for whole vectors");
        let rates = rule.rate(sums_of_fours(*fours).sqrt());
        bytemuck::cast_slice_mut(squares)[n * LANES..][..LANES].copy_from_slice(rates.as_array());
    }
}

impl LaneNorms {
    pub(crate) fn of<R: Rule>(weights: &Panel, rule: &R) -> Self {
        let mut squares = vec![0.0; weights.stride()];
        for row in weights.as_slice().chunks_exact(weights.stride()) {
            for (sum, &w) in squares.iter_mut().zip(row) {
                *sum += f64::from(w) * f64::from(w);
            }
        }
        let mut norms = Self { rates: vec![f32xN::ZERO; weights.vectors()], squares, changes: Vec::new() };
        norms.renew(rule);
        norms
    }

    /// The sum of squares of each lane's column.
    pub(crate) fn squares(&self) -> &[f64] {
        &self.squares
    }

    /// Goes on from these sums, those of the padding left out.
    pub(crate) fn resume<R: Rule>(&mut self, squares: &[f64], rule: &R) {
        let (known, padding) = self.squares.split_at_mut(squares.len());
        known.copy_from_slice(squares);
        padding.fill(0.0);
        self.renew(rule);
    }

    /// Takes in the changes of all blocks, in their order, and sets the rates.
    pub(crate) fn renew<R: Rule>(&mut self, rule: &R) {
        for change in self.changes.chunks_exact_mut(self.rates.len()) {
            for (sum, &change) in self.squares.iter_mut().zip(bytemuck::cast_slice::<_, f32>(change)) {
                *sum += f64::from(change);
            }
            change.fill(f32xN::ZERO);
        }
        let (squares, _) = self.squares.as_chunks::<LANES>();
        for (rate, squares) in self.rates.iter_mut().zip(squares) {
            // Rounding can leave a sum just below zero where all weights have become zero; NaN stays NaN.
            let squares = squares.map(|sum| if sum < 0.0 { 0.0 } else { sum as f32 });
            *rate = rule.rate(f32xN::from(squares).sqrt());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::fours;
    use crate::rules::Dlr;

    #[test]
    fn rows_of_every_length_are_summed_whole() {
        for vectors in 0..=28_usize {
            let row: Vec<f32xN> = (0..vectors)
                .map(|v| f32xN::from(core::array::from_fn(|lane| (1 + v * LANES + lane) as f32)))
                .collect();
            let want = core::array::from_fn(|lane| {
                (0..vectors).map(|v| ((1 + v * LANES + lane) as f32).powi(2)).sum::<f32>()
            });
            assert_eq!(sum_of_squares(&row).to_array(), want, "{vectors} vectors: integers, so exact");
        }
    }

    /// Two numbers for each row, and as many rows as whole vectors of rates have.
    #[test]
    fn room_is_for_whole_vectors_of_rates() {
        assert_eq!([0, 1, LANES, LANES + 1].map(room), [0, LANES / 4, LANES / 4, LANES / 2]);
    }

    #[test]
    fn rates_of_every_number_of_rows_are_packed_in_their_order() {
        let rule = Dlr::<true> { lr: 2.0, alpha: 1.0 };
        for rows in 0..=37_usize {
            let row = |row: usize| f32xN::splat((row * row) as f32 / LANES as f32);
            let mut squares = vec![f32x8::splat(f32::NAN); room(rows)];
            for (n, four) in squares[..rows.div_ceil(4)].iter_mut().enumerate() {
                *four = fours([0, 1, 2, 3].map(|k| row(4 * n + k)));
            }
            into_rates(&rule, &mut squares, rows);
            let rates: &[f32] = bytemuck::cast_slice(&squares);
            for (row, &rate) in rates[..rows].iter().enumerate() {
                assert_eq!(rate, 2.0 / (row as f32 + 1.0), "row {row} of {rows}");
            }
        }
    }

    /// Whole numbers, so exact.
    #[test]
    fn lanes_are_kept_account_of() {
        let rule = Dlr::<false> { lr: 6.0, alpha: 1.0 };
        let expect = |norms: &LaneNorms, squares: [f64; 3], rates: [f32; 3]| {
            assert_eq!(norms.squares()[..3], squares);
            assert!(norms.squares()[3..].iter().all(|&padding| padding == 0.0));
            assert_eq!(norms.rates[0].to_array()[..3], rates);
        };
        let weights = Panel::from_fn(2, 3, |row, lane| [[3.0, 0.0, -5.0], [-4.0, 1.0, 12.0]][row][lane]);
        let mut norms = LaneNorms::of(&weights, &rule);
        expect(&norms, [25.0, 1.0, 169.0], [1.0, 3.0, 6.0 / 14.0]);

        // Two blocks, of which the second leaves less than nothing of a lane, as rounding may.
        let change = |lanes: [f32; 3]| Panel::from_fn(1, 3, |_, lane| lanes[lane]).as_vectors()[0];
        norms.changes = vec![change([-10.0, 3.0, 0.0]), change([-6.0, -5.0, 0.0])];
        norms.renew(&rule);
        expect(&norms, [9.0, -1.0, 169.0], [1.5, 6.0, 6.0 / 14.0]);
        // They are taken in once.
        norms.renew(&rule);
        expect(&norms, [9.0, -1.0, 169.0], [1.5, 6.0, 6.0 / 14.0]);

        norms.resume(&[0.0, 4.0, 25.0], &rule);
        expect(&norms, [0.0, 4.0, 25.0], [6.0, 2.0, 1.0]);
    }
}
