//! The second layer, forwards, and the deltas that go back.
//!
//! ```text
//! y_k = s(sum_i h_i W2[k][i])
//! output delta   d2_k = (y_k - t_k) y_k (1 - y_k)
//! hidden delta   d1_i = (sum_k e_k W2[k][i]) h_i (1 - h_i)      e = d2, or y - t in the authors' variant
//!
//! h, d1  [Hp]     W2  [outputs][Hp]     y, d2, e  [Kp]: outputs padded to whole vectors, the padding never read
//!
//! plain:  for k in 0..K { y[k] = s(dot(h, w2[k])); d2[k] = (y[k] - t[k]) * y[k] * (1.0 - y[k]) }
//!         for i in 0..H { d1[i] = (0..K).map(|k| e[k] * w2[k][i]).sum() * h[i] * (1.0 - h[i]) }
//! ```
//!
//! Departures from the plain loops, and why each keeps the result:
//!
//! 1. Up to as many outputs as there are lanes are summed side by side, lane by lane, and their horizontal sums taken at
//!    once, by halving: a reordered sum. One output after the other, every FMA would wait for the one before.
//! 2. The target is made by comparing lane numbers with the label, not by storing a one in an array: a scalar store
//!    followed by a vector load of the same line would stall.
//! 3. The padding of d1 is zero because that of W2 and h is.
//! 4. Deltas below 2^-100 are taken for 0: they move no weight, and their products with inputs might be subnormal.
//!
//! Cost per image, K = 10: 2 passes over W2 (10 Hp/LANES loads and FMA each), some 20 shuffles, 16/LANES logistics.

use crate::lanes::{LANES, NUMBERS, f32xN, for_tile, for_tiles, sums};
use crate::logistic::logistic;
use crate::panel::Panel;
use core::array;

/// What the output layer should say: `high` for the label's unit, `low` for all others.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OneHot {
    /// The target of the units that are not the label's.
    pub low: f32,
    /// The target of the label's unit.
    pub high: f32,
}

/// Which error the hidden layer receives through W2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backprop {
    /// The output delta: the true gradient of the mean squared error.
    Mse,
    /// y - t, without the factor y (1 - y), as in the experiments of the paper's author.
    Authors,
}

/// The outputs' net inputs, `[Kp]` long: `sums[k] = sum_i hidden[i] weights[k][i]`.
///
/// # Panics
/// If a slice's length does not fit the shape of `weights`.
pub fn output_sums(hidden: &[f32xN], weights: &Panel, out: &mut [f32xN]) {
    let n = weights.vectors();
    assert_eq!(hidden.len(), n, "one activation per hidden unit");
    assert_eq!(out.len(), weights.rows().div_ceil(LANES), "one sum per output unit");
    for (out, rows) in out.iter_mut().zip(weights.as_vectors().chunks(LANES * n)) {
        *out = for_tile!(rows.len() / n, K => dots::<K>(hidden, rows), else unreachable!("at most one row for each lane"));
    }
}

/// The sums of K outputs, zero in the other lanes.
#[inline(always)]
fn dots<const K: usize>(hidden: &[f32xN], rows: &[f32xN]) -> f32xN {
    let n = hidden.len();
    let row: [&[f32xN]; K] = array::from_fn(|k| &rows[k * n..][..n]);
    let mut dot = [f32xN::ZERO; LANES];
    for v in 0..n {
        for k in 0..K {
            dot[k] = row[k][v].mul_add(hidden[v], dot[k]);
        }
    }
    sums(dot)
}

/// The outputs y in place of their net inputs, the output deltas d2, and the errors e that go back through W2; all `[Kp]`.
///
/// # Panics
/// If the slices differ in length.
#[inline]
pub fn output_deltas(
    sums: &mut [f32xN],
    label: u8,
    target: OneHot,
    backprop: Backprop,
    deltas: &mut [f32xN],
    errors: &mut [f32xN],
) {
    assert!(deltas.len() == sums.len() && errors.len() == sums.len(), "a delta and an error per output");
    let label = f32xN::splat(f32::from(label));
    let mut unit = f32xN::from(NUMBERS);
    for ((y, delta), error) in sums.iter_mut().zip(deltas).zip(errors) {
        *y = logistic(*y);
        let t = unit.simd_eq(label).select(f32xN::splat(target.high), f32xN::splat(target.low));
        *delta = unless_tiny((*y - t) * *y * (f32xN::ONE - *y));
        *error = match backprop {
            Backprop::Mse => *delta,
            Backprop::Authors => *y - t,
        };
        unit += f32xN::splat(LANES as f32);
    }
}

/// The hidden deltas d1, from the errors e at the outputs.
///
/// # Panics
/// If a slice's length does not fit the shape of `weights`.
pub fn hidden_deltas(errors: &[f32xN], weights: &Panel, hidden: &[f32xN], deltas: &mut [f32xN]) {
    let n = weights.vectors();
    assert_eq!((hidden.len(), deltas.len()), (n, n), "one activation and one delta per hidden unit");
    assert_eq!(errors.len(), weights.rows().div_ceil(LANES), "one error per output unit");
    let errors = &bytemuck::cast_slice(errors)[..weights.rows()];
    for_tiles!(n, first, T => {
        let (hidden, deltas) = (&hidden[first..], &mut deltas[first..]);
        let hidden = hidden.first_chunk::<T>().expect("a tile lies within a row");
        *deltas.first_chunk_mut().expect("a tile lies within a row") = back(errors, weights, first, hidden);
    });
}

/// The deltas of the T vectors from `first` on.
#[inline(always)]
fn back<const T: usize>(errors: &[f32], weights: &Panel, first: usize, hidden: &[f32xN; T]) -> [f32xN; T] {
    let mut deltas = [f32xN::ZERO; T];
    for (row, &error) in weights.as_vectors().chunks_exact(weights.vectors()).zip(errors) {
        let row = row[first..].first_chunk::<T>().expect("a tile lies within a row");
        let error = f32xN::splat(error);
        for v in 0..T {
            deltas[v] = row[v].mul_add(error, deltas[v]);
        }
    }
    array::from_fn(|v| delta(deltas[v], hidden[v]))
}

/// The delta of a logistic unit of activation h, of which the error is known.
#[inline(always)]
pub(crate) fn delta(error: f32xN, h: f32xN) -> f32xN {
    unless_tiny(error * (h * (f32xN::ONE - h)))
}

/// 2^-100.
const TINY: f32 = f32::from_bits((127 - 100) << 23);

/// A delta, or 0 where it is below 2^-100. Where units saturate, there may be nothing but such deltas, and some processors take
/// a hundred times as long for subnormal numbers.
#[inline(always)]
fn unless_tiny(delta: f32xN) -> f32xN {
    delta.abs().simd_lt(f32xN::splat(TINY)).select(f32xN::ZERO, delta)
}

/// The output unit with the largest net input, the first of equals; NaN is less than any number.
///
/// The logistic is monotone, so this is also the largest output, decided where the outputs themselves may have been
/// rounded to the same number.
///
/// # Panics
/// If there are fewer sums than `outputs`.
pub fn argmax(sums: &[f32xN], outputs: usize) -> usize {
    let sums: &[f32] = &bytemuck::cast_slice(sums)[..outputs];
    (1..outputs).fold(0, |best, k| if sums[k] > sums[best] || sums[best].is_nan() { k } else { best })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two more outputs than there are lanes.
    const OUTPUTS: usize = LANES + 2;

    fn row(numbers: &[f32]) -> Vec<f32xN> {
        Panel::from_fn(1, numbers.len(), |_, n| numbers[n]).as_vectors().to_vec()
    }

    fn numbers(vectors: &[f32xN]) -> &[f32] {
        bytemuck::cast_slice(vectors)
    }

    /// Three hidden units with weights, of which the last lies in the second vector.
    #[test]
    fn sums_and_hidden_deltas_by_hand() {
        let spread = |[a, b, c]: [f32; 3]| {
            let mut all = [0.0; LANES + 1];
            (all[0], all[1], all[LANES]) = (a, b, c);
            all
        };
        let (units, hidden) = (spread([1.0, 2.0, -1.0]), row(&spread([0.5, 0.25, 0.75])));
        for outputs in 1..=2 * LANES {
            let weights = Panel::from_fn(outputs, LANES + 1, |k, i| units[i] * (k + 1) as f32);
            let mut sums = vec![f32xN::splat(f32::NAN); outputs.div_ceil(LANES)];
            output_sums(&hidden, &weights, &mut sums);
            let quarters: Vec<f32> = (0..outputs).map(|k| 0.25 * (k + 1) as f32).collect();
            assert_eq!(numbers(&sums)[..outputs], quarters); // (0.5 + 0.5 - 0.75) (k + 1)

            // The last output sends back 2, the others nothing.
            let mut errors = vec![0.0; outputs];
            errors[outputs - 1] = 2.0;
            let mut deltas = [f32xN::splat(f32::NAN); 2];
            hidden_deltas(&row(&errors), &weights, &hidden, &mut deltas);
            let slopes = spread([0.25, 2.0 * 0.1875, -0.1875]);
            assert_eq!(numbers(&deltas)[..=LANES], slopes.map(|slope| 2.0 * slope * outputs as f32));
        }
    }

    #[test]
    fn a_tiny_delta_is_none() {
        let below = f32::from_bits(TINY.to_bits() - 1);
        assert_eq!(f64::from(TINY), 2.0_f64.powi(-100));
        for (delta, want) in [(TINY, TINY), (below, 0.0), (f32::from_bits(1), 0.0), (0.0, 0.0), (1.0, 1.0)] {
            for sign in [1.0, -1.0] {
                let got = unless_tiny(f32xN::splat(sign * delta)).to_array();
                assert_eq!(got, [sign * want; LANES], "{delta:e}");
            }
        }
        assert!(unless_tiny(f32xN::splat(f32::NAN)).is_nan().all());
        assert_eq!(unless_tiny(f32xN::splat(f32::NEG_INFINITY)), f32xN::splat(f32::NEG_INFINITY));
    }

    /// Outputs of about e^-80, which the label's error sends back, and hidden units of 2^-99 and 2^-98.
    #[test]
    fn no_delta_is_tiny() {
        let [mut y, mut deltas, mut errors] = [-80.0, f32::NAN, f32::NAN].map(|x| [f32xN::splat(x)]);
        output_deltas(&mut y, 0, OneHot { low: 0.0, high: 1.0 }, Backprop::Mse, &mut deltas, &mut errors);
        let (y, d2) = (numbers(&y), numbers(&deltas));
        assert!(y[0] > 0.0 && y[0] < TINY && d2.iter().all(|&delta| delta == 0.0), "{y:?}, {d2:?}");

        let (hidden, weights) = ([2.0 * TINY, 4.0 * TINY], Panel::from_fn(1, 2, |_, _| 1.0));
        let mut deltas = [f32xN::ONE];
        hidden_deltas(&row(&[0.25]), &weights, &row(&hidden), &mut deltas);
        assert_eq!(numbers(&deltas)[..2], [0.0, TINY]);
    }

    /// Net inputs of zero, of which s is 1/2 and its slope 1/4.
    #[test]
    fn output_deltas_by_hand() {
        let target = OneHot { low: 0.25, high: 1.0 };
        for (backprop, sent_back) in [(Backprop::Mse, [0.0625, -0.125]), (Backprop::Authors, [0.25, -0.5])] {
            for label in [1, OUTPUTS - 1] {
                let [mut y, mut deltas, mut errors] = [0.0, f32::NAN, f32::NAN].map(|x| [f32xN::splat(x); 2]);
                let label_u8 = u8::try_from(label).expect("few outputs");
                output_deltas(&mut y, label_u8, target, backprop, &mut deltas, &mut errors);
                for k in 0..OUTPUTS {
                    let which = usize::from(k == label);
                    let found = [&y, &deltas, &errors].map(|vectors| numbers(vectors)[k]);
                    assert_eq!(found, [0.5, [0.0625, -0.125][which], sent_back[which]], "{k}, {label}");
                }
            }
        }
    }

    #[test]
    fn the_largest_is_the_first_of_equals_and_a_number() {
        const NAN: f32 = f32::NAN;
        for (sums, largest) in [
            ([3.0, 1.0, 2.0], 0),
            ([1.0, 3.0, 3.0], 1),
            ([1.0, 2.0, 3.0], 2),
            ([1.0, 1.0, 1.0], 0),
            ([NAN, -1.0, -2.0], 1),
            ([-1.0, NAN, -2.0], 0),
        ] {
            assert_eq!(argmax(&row(&sums), 3), largest, "{sums:?}");
        }
    }
}
