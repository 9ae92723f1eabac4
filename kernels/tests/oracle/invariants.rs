//! What holds for every rule, whatever it does.

use crate::assembly::{BACKPROPS, Pattern, learner, network, optimizers};
use crate::helpers::{Lighting, Numbers, Tally};
use dlr_kernels::gradient::OfImage;
use dlr_kernels::lanes::f32x8;
use dlr_kernels::layer::Layer;
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::{Backprop, Optimizer};
use dlr_kernels::rule::Rule;
use dlr_kernels::rules::Dlr;

#[test]
fn padding_is_zero_after_100_steps_of_every_rule() {
    let mut tally = Tally::default();
    for hidden in (1..=40).chain([65, 71]) {
        for optimizer in optimizers(1.0) {
            for backprop in BACKPROPS {
                let mut numbers = Numbers(hidden as u64);
                let mut learner = learner(&network(&mut numbers, 9, hidden, 10), optimizer, backprop);
                for _ in 0..100 {
                    learner.learn(&Pattern::random(&mut numbers, 9, 10, Lighting::Fifth));
                }
                for weights in learner.weights() {
                    assert!(weights.padding_is_zero(), "H = {hidden}, {optimizer:?}");
                }
                tally.case();
            }
        }
    }
    tally.finish("padding", 42 * 6 * BACKPROPS.len());
}

#[test]
fn a_rate_of_zero_leaves_the_bits() {
    let mut tally = Tally::default();
    for optimizer in optimizers(0.0) {
        let mut numbers = Numbers(3);
        let start = network(&mut numbers, 9, 13, 4);
        let mut learner = learner(&start, optimizer, Backprop::Mse);
        for _ in 0..20 {
            learner.learn(&Pattern::random(&mut numbers, 9, 4, Lighting::All));
        }
        assert_eq!(learner.network(), start, "{optimizer:?}");
        tally.case();
    }
    tally.finish("a rate of zero", 6);
}

/// Under rules without memory; under the others it moves, as `update` shows.
#[test]
fn a_dark_row_keeps_its_bits_without_memory() {
    let mut tally = Tally::default();
    for optimizer in optimizers(1.0) {
        let mut numbers = Numbers(4);
        let start = network(&mut numbers, 2, 13, 4);
        let mut learner = learner(&start, optimizer, Backprop::Mse);
        learner.learn(&Pattern::new(&[1.0, 1.0], 0, 4));
        let after_light = learner.network();
        learner.learn(&Pattern::new(&[1.0, 0.0], 1, 4));
        let stays = after_light.w1[13..] == learner.network().w1[13..];
        let rests = matches!(optimizer, Optimizer::Sgd { .. } | Optimizer::Dlr { .. });
        assert_eq!(stays, rests, "{optimizer:?}");
        tally.case();
    }
    tally.finish("a dark row", 6);
}

/// Eq. 1's sign: the paper prints two minus signs, which together would climb.
#[test]
fn a_step_of_every_rule_lowers_the_loss() {
    let mut tally = Tally::default();
    for optimizer in optimizers(0.1) {
        let mut numbers = Numbers(6);
        let start = network(&mut numbers, 9, 13, 4);
        let pattern = Pattern::random(&mut numbers, 9, 4, Lighting::All);
        let mut learner = learner(&start, optimizer, Backprop::Mse);
        learner.learn(&pattern);
        let loss = |network: &dlr_kernels::reference::Network| network.loss(&pattern.x, &pattern.target);
        assert!(loss(&learner.network()) < loss(&start), "{optimizer:?}");
        tally.case();
    }
    tally.finish("the loss", 6);
}

/// 20,000 updates of a layer whose rates depend on norms that it only ever amends, and one more beside a fresh layer
/// that has just measured them: both must make the same step, to 1e-5 of it.
fn norms_do_not_drift<R: Rule>(rule: R) {
    let (inputs, hidden) = (23, 13);
    let mut numbers = Numbers(7);
    let mut layer = Layer::new(Panel::from_fn(inputs, hidden, |_, _| numbers.signed()), rule);
    let mut deltas = [f32x8::ZERO; 2];
    for _ in 0..20_000 {
        let lanes: &mut [f32] = bytemuck::cast_slice_mut(&mut deltas);
        lanes[..hidden].fill_with(|| numbers.signed());
        let pattern = Pattern::random(&mut numbers, inputs, 2, Lighting::Fifth);
        layer.update(&OfImage { lit: pattern.lit(), deltas: &deltas });
    }
    let before = layer.weights().clone();
    let mut fresh = Layer::new(before.clone(), rule);
    let (index, value): (Vec<u16>, Vec<f32>) = (0..inputs as u16).map(|j| (j, 1.0)).unzip();
    let deltas = [f32x8::ONE; 2];
    for layer in [&mut layer, &mut fresh] {
        layer.update(&OfImage { lit: Lit::new(&index, &value), deltas: &deltas });
    }
    let mut largest = 0.0_f32;
    for row in 0..inputs {
        for i in 0..hidden {
            let step = |layer: &Layer<R>| layer.weights().row(row)[i] - before.row(row)[i];
            let (kept, measured) = (step(&layer), step(&fresh));
            assert!(
                (kept - measured).abs() <= 1e-5 * measured.abs() + 2e-7,
                "row {row}, unit {i}: {kept} {measured}"
            );
            largest = largest.max(measured.abs());
        }
    }
    assert!(largest > 1e-2, "the steps are too small to tell anything: {largest}");
}

#[test]
fn norms_of_rows_do_not_drift() {
    norms_do_not_drift(Dlr::<true> { lr: 0.1, alpha: 0.5 });
}

#[test]
fn norms_of_lanes_do_not_drift() {
    norms_do_not_drift(Dlr::<false> { lr: 0.1, alpha: 0.5 });
}
