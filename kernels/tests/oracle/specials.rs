//! NaN, infinities, negative zero and subnormals: in every lane they go through, neither lost nor spread beyond what the
//! formulas couple.

use crate::assembly::{Learner, Pattern, network};
use crate::errors::Tally;
use crate::helpers::{Numbers, bits, plain, unwritten};
use crate::layers::{Gradient, Place, RULES, lanes_share_norms, layer, optimizers};
use dlr_kernels::forward::{activate, hidden_sums};
use dlr_kernels::gradient::OfImage;
use dlr_kernels::lanes::{f32xN, vectors};
use dlr_kernels::lit::Lit;
use dlr_kernels::output::{hidden_deltas, output_sums};
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::{Backprop, Network, Optimizer};

/// The last two are the largest and the smallest subnormal.
const SPECIALS: [f32; 6] = [
    f32::NAN,
    f32::INFINITY,
    f32::NEG_INFINITY,
    -0.0,
    f32::MIN_POSITIVE - f32::from_bits(1),
    f32::from_bits(1),
];

/// One lane, around one vector of eight, parts of a second and more of them or of sixteen, and a second tile of either.
const WIDTHS: [usize; 7] = [1, 7, 8, 19, 30, 130, 258];
const LANES_IN_ALL: usize = 1 + 7 + 8 + 19 + 30 + 130 + 258;
/// Sets of four, and a remainder.
const INPUTS: usize = 7;
/// A whole vector of outputs, and a remainder.
const OUTPUTS: usize = 10;

/// Every special number in every lane of every width.
fn for_every_lane(mut test: impl FnMut(f32, usize, usize)) {
    for special in SPECIALS {
        for width in WIDTHS {
            (0..width).for_each(|lane| test(special, width, lane));
        }
    }
}

/// Demands `special` where `there` says so, and zero in all other lanes; NaN is equal to NaN here, and 0 to -0.
fn assert_only(got: &[f32xN], width: usize, special: f32, there: impl Fn(usize) -> bool) {
    for (lane, &x) in plain(got)[..width].iter().enumerate() {
        let want = if there(lane) { special } else { 0.0 };
        assert!(x == want || x.is_nan() && want.is_nan(), "{x:e} in lane {lane} of {width} for {want:e}");
    }
}

/// A panel that is zero but for `special` in one place.
fn planted(rows: usize, width: usize, place: (usize, usize), special: f32) -> Panel {
    Panel::from_fn(rows, width, |r, i| if (r, i) == place { special } else { 0.0 })
}

#[test]
fn a_special_weight_is_seen_in_its_sum_and_its_delta_alone() {
    let mut tally = Tally::default();
    let image = Pattern::new(&[1.0; INPUTS], 0, 1);
    for_every_lane(|special, width, lane| {
        for row in 0..INPUTS {
            let mut sums = unwritten(width);
            hidden_sums(image.lit(), &planted(INPUTS, width, (row, lane), special), &mut sums);
            assert_only(&sums, width, special, |i| i == lane);
            tally.case();
        }
        for row in 0..OUTPUTS {
            let weights = planted(OUTPUTS, width, (row, lane), special);
            let mut sums = unwritten(OUTPUTS);
            output_sums(&vec![f32xN::ONE; vectors(width)], &weights, &mut sums);
            assert_only(&sums, OUTPUTS, special, |k| k == row);

            // Twos, since h (1 - h) is then -2. A delta of a subnormal number is none.
            let (errors, twos) =
                (vec![f32xN::ONE; vectors(OUTPUTS)], vec![f32xN::splat(2.0); vectors(width)]);
            let mut deltas = unwritten(width);
            hidden_deltas(&errors, &weights, &twos, &mut deltas);
            let delta = if special.is_subnormal() { 0.0 } else { -2.0 * special };
            assert_only(&deltas, width, delta, |i| i == lane);
            tally.case();
        }
    });
    tally.finish("special weights", SPECIALS.len() * LANES_IN_ALL * (INPUTS + OUTPUTS));
}

#[test]
fn a_special_input_is_seen_in_every_unit_but_not_in_the_padding() {
    let mut tally = Tally::default();
    for special in SPECIALS {
        for width in WIDTHS {
            for row in 0..INPUTS {
                let index: Vec<u16> = (0..INPUTS as u16).collect();
                let value: Vec<f32> = (0..INPUTS).map(|j| if j == row { special } else { 0.0 }).collect();
                let ones = Panel::from_fn(INPUTS, width, |_, _| 1.0);
                let mut sums = unwritten(width);
                hidden_sums(Lit::new(&index, &value), &ones, &mut sums);
                assert_only(&sums, width, special, |_| true);

                // Infinity times a zero of the padding is NaN, and s(0) is a half: neither may stay there.
                activate(&mut sums, width);
                let (units, padding) = plain(&sums).split_at(width);
                assert!(units.iter().all(|unit| unit.is_nan() == special.is_nan()), "{units:?}");
                assert!(bits(padding).iter().all(|&lane| lane == 0), "{padding:?}");
                tally.case();
            }
        }
    }
    tally.finish("special inputs", SPECIALS.len() * WIDTHS.len() * INPUTS);
}

#[test]
fn a_special_activation_is_seen_in_every_output() {
    let mut tally = Tally::default();
    for_every_lane(|special, width, lane| {
        let hidden = planted(1, width, (0, lane), special);
        let ones = Panel::from_fn(OUTPUTS, width, |_, _| 1.0);
        let mut sums = unwritten(OUTPUTS);
        output_sums(hidden.as_vectors(), &ones, &mut sums);
        assert_only(&sums, OUTPUTS, special, |_| true);
        tally.case();
    });
    tally.finish("special activations", SPECIALS.len() * LANES_IN_ALL);
}

/// The rows of a layer, after one step for an image that leaves row 1 dark.
fn stepped(optimizer: Optimizer, start: Panel, deltas: &Panel) -> [Vec<f32>; 4] {
    let image = Pattern::new(&[1.0, 0.0, 0.5, 1.0], 0, 1);
    let mut layer = layer(optimizer, Place::First, start);
    layer.step(&Gradient::Image(OfImage { lit: image.lit(), deltas: deltas.as_vectors() }));
    [0, 1, 2, 3].map(|row| layer.weights().row(row).to_vec())
}

#[test]
fn a_special_weight_is_neither_lost_nor_spread_by_an_update() {
    let mut tally = Tally::default();
    for optimizer in optimizers(1.0) {
        for_every_lane(|special, width, lane| {
            let start =
                Panel::from_fn(
                    4,
                    width,
                    |r, i| if [1, 2].contains(&r) && i == lane { special } else { 0.25 },
                );
            let rows = stepped(optimizer, start, &Panel::from_fn(1, width, |_, _| 0.5));
            let place = format_args!("{special:e} in lane {lane} of {width}, {optimizer:?}");
            // Without a gradient, even the sign of a zero stays.
            let [dark, lit] = [rows[1][lane], rows[2][lane]];
            assert!(
                dark.to_bits() == special.to_bits() || dark.is_nan() && special.is_nan(),
                "{dark:e}, {place}"
            );
            assert_eq!(lit.is_finite(), special.is_finite(), "{lit:e}, {place}");
            for (i, &w) in rows[0].iter().chain(&rows[3]).enumerate().map(|(n, w)| (n % width, w)) {
                // Where a lane's weights share a norm that is infinite, their rate is zero.
                let shared = i == lane && lanes_share_norms(optimizer);
                let as_it_should = if !shared || special.is_finite() {
                    w.is_finite() && w != 0.25
                } else if special.is_nan() {
                    w.is_nan()
                } else {
                    w == 0.25
                };
                assert!(as_it_should, "{w:e} in lane {i}, {place}");
            }
            tally.case();
        });
    }
    tally.finish("special weights in an update", RULES * SPECIALS.len() * LANES_IN_ALL);
}

#[test]
fn a_special_delta_reaches_the_lit_weights_of_its_lane_alone() {
    let mut tally = Tally::default();
    for optimizer in optimizers(1.0) {
        for_every_lane(|special, width, lane| {
            let start = Panel::from_fn(4, width, |_, _| 0.25);
            let rows = stepped(optimizer, start, &planted(1, width, (0, lane), special));
            for (row, weights) in rows.iter().enumerate() {
                for (i, &w) in weights.iter().enumerate() {
                    let reached = row != 1 && i == lane && !special.is_finite();
                    let as_it_should = if reached { !w.is_finite() } else { w == 0.25 };
                    assert!(
                        as_it_should,
                        "{w:e} in row {row}, lane {i} of {width}, {special:e}, {optimizer:?}"
                    );
                }
            }
            tally.case();
        });
    }
    tally.finish("special deltas in an update", RULES * SPECIALS.len() * LANES_IN_ALL);
}

/// Divergence is seen: one NaN in either layer makes both of them NaN within two steps. Where padding is then not zero,
/// its whole row is NaN.
#[test]
fn one_nan_is_not_hidden() {
    let (mut numbers, mut tally) = (Numbers(17), Tally::default());
    for optimizer in optimizers(1.0) {
        for hidden in 1..=40 {
            let start = network(&mut numbers, INPUTS, hidden, OUTPUTS);
            let (n1, n2) = (numbers.below(INPUTS * hidden), numbers.below(hidden * OUTPUTS));
            let [mut first, mut second] = [start.clone(), start];
            first.w1[n1] = f64::NAN;
            second.w2[n2] = f64::NAN;
            for network in [first, second] {
                let mut learner = Learner::online(&network, optimizer, Backprop::Mse);
                for label in 0..2 {
                    learner.learn(&Pattern::new(&[1.0; INPUTS], label, OUTPUTS));
                }
                for weights in learner.weights() {
                    let place = format_args!("{optimizer:?}, H = {hidden}");
                    assert!(weights.as_slice().iter().any(|w| w.is_nan()), "{place}");
                    for row in 0..weights.rows() {
                        let (real, padding) = plain(weights.row_vectors(row)).split_at(hidden);
                        let all_nan = real.iter().all(|w| w.is_nan());
                        assert!(all_nan || padding.iter().all(|&w| w == 0.0), "{place}");
                    }
                }
                tally.case();
            }
        }
    }
    tally.finish("one NaN", RULES * 40 * 2);
}

/// Even in a row that stays dark, and at once.
#[test]
fn a_bad_weight_makes_the_norm_infinite_after_a_step_of_every_rule() {
    let (mut numbers, mut tally) = (Numbers(2), Tally::default());
    for optimizer in optimizers(1.0) {
        let start = network(&mut numbers, 3, 13, 4);
        let after_a_step = |start: &Network| {
            let mut learner = Learner::online(start, optimizer, Backprop::Mse);
            learner.learn(&Pattern::new(&[1.0, 0.0, 1.0], 1, 4));
            learner.weights()[0].norm_is_finite()
        };
        assert!(after_a_step(&start), "{optimizer:?}");
        for place in 0..13 {
            for bad in [f64::NAN, f64::INFINITY] {
                let mut start = start.clone();
                start.w1[13 + place] = bad; // of the second pixel
                assert!(!after_a_step(&start), "{bad} at {place}, {optimizer:?}");
                tally.case();
            }
        }
    }
    tally.finish("bad weights", RULES * 13 * 2);
}
