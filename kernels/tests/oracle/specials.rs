//! NaN, infinity, minus zero and subnormal numbers are neither masked away nor made up, in any lane.

use crate::assembly::{Pattern, learner, network, optimizers};
use crate::helpers::{Numbers, Tally};
use dlr_kernels::forward::{activate, hidden_sums};
use dlr_kernels::lanes::f32x8;
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::Backprop;

const WIDTHS: [usize; 5] = [1, 7, 8, 30, 65];

/// The hidden sums of one lit pixel of value `x`, with `w` at unit `unit` and 1 elsewhere.
fn sums(hidden: usize, unit: usize, w: f32, x: f32) -> Vec<f32x8> {
    let weights = Panel::from_fn(3, hidden, |_, i| if i == unit { w } else { 1.0 });
    let mut sums = vec![f32x8::splat(f32::NAN); weights.vectors()];
    hidden_sums(Lit::new(&[1], &[x]), &weights, &mut sums);
    sums
}

#[test]
fn a_special_weight_is_seen_in_its_lane_and_nowhere_else() {
    let mut tally = Tally::default();
    for hidden in WIDTHS {
        for unit in 0..hidden {
            for w in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, -0.0, f32::MIN_POSITIVE / 4.0] {
                let got = sums(hidden, unit, w, 0.5);
                for (i, &z) in bytemuck::cast_slice::<_, f32>(&got)[..hidden].iter().enumerate() {
                    let want = if i == unit { w * 0.5 } else { 0.5 };
                    assert!(
                        z == want || z.is_nan() && want.is_nan(),
                        "{w} at {unit} of {hidden}: {z} at {i}"
                    );
                }
                tally.case();
            }
        }
    }
    tally.finish("special weights", WIDTHS.iter().sum::<usize>() * 5);
}

#[test]
fn nan_inputs_reach_every_unit_but_not_the_padding() {
    for hidden in WIDTHS {
        let mut h = sums(hidden, 0, 1.0, f32::NAN);
        activate(&mut h, hidden);
        let h: &[f32] = bytemuck::cast_slice(&h);
        assert!(h[..hidden].iter().all(|x| x.is_nan()), "H = {hidden}");
        assert!(h[hidden..].iter().all(|&x| x == 0.0), "H = {hidden}");
    }
}

#[test]
fn a_bad_weight_is_seen_after_a_step_of_every_rule() {
    let mut tally = Tally::default();
    for optimizer in optimizers(1.0) {
        for place in 0..13 {
            for bad in [f64::NAN, f64::INFINITY] {
                let mut numbers = Numbers(2);
                let mut start = network(&mut numbers, 3, 13, 4);
                start.w1[13 + place] = bad; // of the second pixel, which stays dark
                let mut learner = learner(&start, optimizer, Backprop::Mse);
                learner.learn(&Pattern::new(&[1.0, 0.0, 1.0], 1, 4));
                let [first, _] = learner.weights();
                assert!(!first.norm_is_finite(), "{bad} at {place}, {optimizer:?}");
                tally.case();
            }
        }
    }
    tally.finish("bad weights", 6 * 13 * 2);
}
