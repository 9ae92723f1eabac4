//! The way back through an inner layer: exact on integers, and within the reduction bound on reals.

use crate::errors::{Tally, dot, reduction};
use crate::helpers::{ALL_WIDTHS, Numbers, padded, plain, unwritten, widths};
use dlr_kernels::inner::deltas_before;
use dlr_kernels::panel::Panel;

/// Units before the layer: around one, two and four vectors of eight or sixteen, and many.
const BEFORE: [usize; 9] = [1, 7, 8, 9, 17, 30, 32, 65, 300];

#[test]
fn deltas_before_a_layer() {
    let (mut numbers, mut exact, mut real) = (Numbers(6), Tally::default(), Tally::default());
    for after in widths() {
        for before in BEFORE {
            let weights = Panel::from_fn(before, after, |_, _| numbers.integer());
            let deltas = padded(after, || numbers.integer());
            // With quarters for h, h (1 - h) is a whole number of sixteenths.
            let h = padded(before, || numbers.integer() / 4.0);
            let mut found = unwritten(before);
            deltas_before(&weights, &deltas, &h, &mut found);
            let mut want = vec![0.0; plain(&h).len()];
            for (j, (want, h)) in want.iter_mut().zip(plain(&h)).enumerate().take(before) {
                let sum: f32 = weights.row(j).iter().zip(plain(&deltas)).map(|(w, d)| w * d).sum();
                *want = sum * (h * (1.0 - h));
            }
            assert_eq!(plain(&found), want, "{after} to {before}, the padding too");
            exact.case();

            let weights = Panel::from_fn(before, after, |_, _| numbers.signed());
            let (deltas, h) = (padded(after, || numbers.signed()), padded(before, || numbers.unit()));
            let mut found = unwritten(before);
            deltas_before(&weights, &deltas, &h, &mut found);
            for j in 0..before {
                let products = weights.row(j).iter().copied().zip(plain(&deltas).iter().copied());
                let (sum, magnitudes) = dot(products);
                let unit = f64::from(plain(&h)[j]);
                let slope = unit * (1.0 - unit);
                let error = (f64::from(plain(&found)[j]) - sum * slope).abs();
                let place = format_args!("{after} to {before}, {j}");
                real.within(error, reduction(after, magnitudes * slope), place);
            }
            assert!(plain(&found)[before..].iter().all(|&x| x == 0.0), "padding, {after} to {before}");
            real.case();
        }
    }
    exact.finish("deltas_before, exact", ALL_WIDTHS * BEFORE.len());
    real.finish("deltas_before, reduction", ALL_WIDTHS * BEFORE.len());
}

#[test]
#[should_panic(expected = "a delta for each activation")]
fn as_many_deltas_as_activations() {
    let weights = Panel::zeros(17, 8);
    deltas_before(&weights, &unwritten(8), &unwritten(8), &mut unwritten(17));
}
