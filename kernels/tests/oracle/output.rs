//! The second layer, forwards and back: net inputs and hidden deltas exact on integers and within the reduction bound on
//! reals, output deltas within ulps, and which output is the largest.

use crate::errors::{Tally, dot, reduction, roundings, ulps};
use crate::helpers::{ALL_WIDTHS, Numbers, padded, plain, unwritten, widths};
use dlr_kernels::lanes::{LANES, f32xN};
use dlr_kernels::output::{Backprop, OneHot, argmax, hidden_deltas, output_deltas, output_sums};
use dlr_kernels::panel::Panel;

/// One output, around one and two vectors of them, of eight and sixteen, and as many as a label can name.
const OUTPUTS: [usize; 12] = [1, 2, 7, 8, 9, 10, 15, 16, 17, 32, 33, 256];

/// Widths by numbers of outputs.
const CASES: usize = ALL_WIDTHS * OUTPUTS.len();

#[test]
fn sums_and_deltas_of_integers_are_exact() {
    let (mut numbers, mut tally) = (Numbers(2), Tally::default());
    for hidden in widths() {
        for outputs in OUTPUTS {
            let weights = Panel::from_fn(outputs, hidden, |_, _| numbers.integer());
            // With quarters for h, h (1 - h) is a whole number of sixteenths.
            let h = padded(hidden, || numbers.integer() / 4.0);
            let mut sums = unwritten(outputs);
            output_sums(&h, &weights, &mut sums);
            let sum = |k| weights.row(k).iter().zip(plain(&h)).map(|(w, h)| w * h).sum::<f32>();
            let want: Vec<f32> = (0..outputs).map(sum).collect();
            assert_eq!(plain(&sums)[..outputs], want, "sums, {hidden} to {outputs}");

            let errors = padded(outputs, || numbers.integer());
            let mut deltas = unwritten(hidden);
            hidden_deltas(&errors, &weights, &h, &mut deltas);
            let mut want = vec![0.0; weights.stride()];
            for (k, error) in plain(&errors)[..outputs].iter().enumerate() {
                want.iter_mut().zip(weights.row(k)).for_each(|(sum, w)| *sum += error * w);
            }
            want.iter_mut().zip(plain(&h)).for_each(|(sum, h)| *sum *= h * (1.0 - h));
            assert_eq!(plain(&deltas), want, "deltas, {outputs} to {hidden}, the padding too");
            tally.case();
        }
    }
    tally.finish("output_sums and hidden_deltas, exact", CASES);
}

#[test]
fn sums_and_deltas_of_reals_are_within_the_reduction_bound() {
    let (mut numbers, mut forwards, mut back) = (Numbers(3), Tally::default(), Tally::default());
    for hidden in widths() {
        for outputs in OUTPUTS {
            let weights = Panel::from_fn(outputs, hidden, |_, _| numbers.signed());
            let h = padded(hidden, || numbers.unit());
            let mut sums = unwritten(outputs);
            output_sums(&h, &weights, &mut sums);
            for k in 0..outputs {
                let products = weights.row(k).iter().copied().zip(plain(&h).iter().copied());
                let (want, magnitudes) = dot(products);
                let error = (f64::from(plain(&sums)[k]) - want).abs();
                forwards.within(
                    error,
                    reduction(hidden, magnitudes),
                    format_args!("{hidden} to {outputs}, {k}"),
                );
            }

            // What lies beyond the last output is never read.
            let errors: Vec<f32> = (0..outputs.next_multiple_of(LANES))
                .map(|k| if k < outputs { numbers.signed() } else { f32::NAN })
                .collect();
            let vectors: Vec<f32xN> = errors.as_chunks().0.iter().map(|&lanes| f32xN::from(lanes)).collect();
            let mut deltas = unwritten(hidden);
            hidden_deltas(&vectors, &weights, &h, &mut deltas);
            for i in 0..hidden {
                let (sum, magnitudes) = dot((0..outputs).map(|k| (errors[k], weights.row(k)[i])));
                let unit = f64::from(plain(&h)[i]);
                let slope = unit * (1.0 - unit);
                let error = (f64::from(plain(&deltas)[i]) - sum * slope).abs();
                // The slope's three roundings are what the factor of 2 in the bound is for.
                let place = format_args!("{outputs} to {hidden}, {i}");
                back.within(error, reduction(outputs, magnitudes * slope), place);
            }
            assert!(plain(&deltas)[hidden..].iter().all(|&x| x == 0.0), "padding, {outputs} to {hidden}");
            [&mut forwards, &mut back].into_iter().for_each(Tally::case);
        }
    }
    forwards.finish("output_sums, reduction", CASES);
    back.finish("hidden_deltas, reduction", CASES);
}

/// Of net inputs z, y is within 2 ulp of s(z). As a function of y, y - t has the slope 1 and
/// (y - t) y (1 - y) no slope steeper than 1; to that they add one and four roundings of their own.
#[test]
fn output_deltas_are_within_ulps() {
    let one_hots = [OneHot { low: 0.0, high: 1.0 }, OneHot { low: 0.01, high: 0.99 }];
    let (mut numbers, mut tally) = (Numbers(4), Tally::default());
    for outputs in OUTPUTS {
        for target in one_hots {
            for backprop in [Backprop::Mse, Backprop::Authors] {
                for label in 0..outputs {
                    let z = padded(outputs, || 20.0 * numbers.signed().powi(3));
                    let (mut y, mut d2, mut errors) = (z.clone(), unwritten(outputs), unwritten(outputs));
                    let label_u8 = u8::try_from(label).expect("at most 256 outputs");
                    output_deltas(&mut y, label_u8, target, backprop, &mut d2, &mut errors);
                    for k in 0..outputs {
                        let t = f64::from(if k == label { target.high } else { target.low });
                        let want = 1.0 / (1.0 + (-f64::from(plain(&z)[k])).exp());
                        let delta = (want - t) * want * (1.0 - want);
                        let (error, error_bound) = match backprop {
                            Backprop::Mse => (delta, roundings(4.0, delta)),
                            Backprop::Authors => (want - t, roundings(1.0, want - t)),
                        };
                        let place = format_args!("{k} of {outputs}, label {label}, {backprop:?}, {target:?}");
                        let off = |got: &[f32xN], want: f64| (f64::from(plain(got)[k]) - want).abs();
                        let of_y = ulps(2.0, want);
                        tally.within(off(&y, want), of_y, place);
                        tally.within(off(&d2, delta), of_y + roundings(4.0, delta), place);
                        tally.within(off(&errors, error), of_y + error_bound, place);
                    }
                    tally.case();
                }
            }
        }
    }
    tally.finish("output_deltas, ulps", 4 * OUTPUTS.iter().sum::<usize>());
}

/// The class of outputs that are `low`, but for those in `special`.
fn class(outputs: usize, low: f32, special: &[(usize, f32)]) -> usize {
    let mut k = 0..;
    // The padding would win, were it looked at.
    let mut sums: Vec<f32> = vec![low; outputs];
    special.iter().for_each(|&(k, value)| sums[k] = value);
    sums.resize(outputs.next_multiple_of(LANES), f32::INFINITY);
    let sums = padded(sums.len(), || sums[k.next().expect("endless")]);
    argmax(&sums, outputs)
}

#[test]
fn the_first_of_equals_is_the_largest() {
    let mut tally = Tally::default();
    for outputs in OUTPUTS {
        assert_eq!(class(outputs, -1.0, &[]), 0, "{outputs} equals");
        for first in 0..outputs {
            assert_eq!(class(outputs, -1.0, &[(first, 2.0)]), first, "of {outputs}");
            for second in first + 1..outputs {
                assert_eq!(
                    class(outputs, -1.0, &[(second, 2.0), (first, 2.0)]),
                    first,
                    "{second} of {outputs}"
                );
                tally.case();
            }
        }
    }
    tally.finish("argmax, ties", OUTPUTS.iter().map(|k| k * (k - 1) / 2).sum());
}

#[test]
fn nan_is_not_the_largest() {
    let mut tally = Tally::default();
    for outputs in &OUTPUTS[1..] {
        for nan in 0..*outputs {
            let largest = (nan + 1) % outputs;
            let got = class(*outputs, -1.0, &[(nan, f32::NAN), (largest, 2.0)]);
            assert_eq!(got, largest, "NaN at {nan} of {outputs}");
            tally.case();
        }
    }
    tally.finish("argmax, NaN", OUTPUTS[1..].iter().sum());
}
