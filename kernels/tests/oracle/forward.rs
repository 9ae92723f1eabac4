//! The first layer, forwards: net inputs exact on integers and within the reduction bound on reals; activations within
//! 2 ulp of the logistic of the same sums, and near those of the reference; padding zero.

use crate::assembly::Pattern;
use crate::errors::{Tally, dot, reduction, ulps};
use crate::helpers::{ALL_WIDTHS, LIGHTINGS, Numbers, bits, plain, unwritten, widths};
use dlr_kernels::forward::{activate, hidden_sums};
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::Network;

/// Images too small for one set of accumulators, around 8, larger, and of MNIST's size for some widths.
fn inputs(hidden: usize) -> impl Iterator<Item = usize> {
    let mnist = [9, 30, 129, 300].contains(&hidden);
    [1, 2, 7, 8, 40].into_iter().chain(mnist.then_some(784))
}

/// All widths by 5 sizes of images, 4 widths by one more, all in 4 lightings.
const CASES: usize = (ALL_WIDTHS * 5 + 4) * 4;

/// Calls `test` with every shape, an image and weights, drawn from `pixel` and `weight`.
fn for_every_shape(
    pixel: fn(&mut Numbers) -> f32,
    weight: fn(&mut Numbers) -> f32,
    mut test: impl FnMut(&[f32], &Panel),
) {
    let mut numbers = Numbers(1);
    for hidden in widths() {
        for inputs in inputs(hidden) {
            let weights = Panel::from_fn(inputs, hidden, |_, _| weight(&mut numbers));
            for lighting in LIGHTINGS {
                test(&numbers.image(inputs, lighting, pixel), &weights);
            }
        }
    }
}

#[test]
fn sums_of_integers_are_exact() {
    let mut tally = Tally::default();
    for_every_shape(Numbers::positive, Numbers::integer, |image, weights| {
        let mut sums = unwritten(weights.width());
        hidden_sums(Pattern::new(image, 0, 1).lit(), weights, &mut sums);
        let mut want = vec![0.0; weights.stride()];
        for (j, x) in image.iter().enumerate() {
            want.iter_mut().zip(weights.row(j)).for_each(|(sum, w)| *sum += x * w);
        }
        assert_eq!(plain(&sums), want, "{} to {}", image.len(), weights.width());
        tally.case();
    });
    tally.finish("hidden_sums, exact", CASES);
}

#[test]
fn sums_of_reals_are_within_the_reduction_bound_and_activations_within_ulps() {
    let (mut sums_tally, mut units_tally, mut whole) = (Tally::default(), Tally::default(), Tally::default());
    for_every_shape(Numbers::unit, Numbers::signed, |image, weights| {
        let (inputs, hidden) = (image.len(), weights.width());
        let pattern = Pattern::new(image, 0, 1);
        let w1: Vec<f64> = (0..inputs).flat_map(|j| weights.row(j)).map(|&w| f64::from(w)).collect();
        let network = Network { inputs, hidden, outputs: 1, w1, w2: vec![0.0; hidden] };
        let reference = network.forward(&pattern.x).hidden;

        let mut units = unwritten(hidden);
        hidden_sums(pattern.lit(), weights, &mut units);
        let sums = plain(&units).to_vec();
        activate(&mut units, hidden);
        let (units, padding) = plain(&units).split_at(hidden);

        for i in 0..hidden {
            let (want, magnitudes) = dot((0..inputs).map(|j| (image[j], weights.row(j)[i])));
            let bound = reduction(pattern.lit().len(), magnitudes);
            let (sum, unit) = (f64::from(sums[i]), f64::from(units[i]));
            let place = format_args!("{inputs} to {hidden}, unit {i}");
            sums_tally.within((sum - want).abs(), bound, place);
            let logistic = 1.0 / (1.0 + (-sum).exp());
            units_tally.within((unit - logistic).abs(), ulps(2.0, logistic), place);
            // The logistic's slope is at most 1/4.
            whole.within((unit - reference[i]).abs(), bound / 4.0 + ulps(2.0, logistic), place);
        }
        assert!(bits(padding).iter().all(|&x| x == 0), "{inputs} to {hidden}: {padding:?}");
        [&mut sums_tally, &mut units_tally, &mut whole].into_iter().for_each(Tally::case);
    });
    sums_tally.finish("hidden_sums, reduction", CASES);
    units_tally.finish("activate, ulps", CASES);
    whole.finish("hidden_sums and activate, reduction and ulps", CASES);
}
