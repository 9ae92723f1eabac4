//! What must hold for every rule, whatever the numbers: what stays as it is, and what does not pile up.

use crate::assembly::{BACKPROPS, Learner, Pattern, network};
use crate::errors::{Tally, drift, roundings};
use crate::helpers::{LIGHTINGS, Lighting, Numbers, bits};
use crate::layers::{AnyLayer, Gradient, Place, RULES, layer, optimizers, remembers};
use dlr_kernels::gradient::{OfImage, OfMatrix};
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::{Backprop, Norm, Optimizer};

const INPUTS: usize = 12;
const OUTPUTS: usize = 10;
/// Parts of one vector, whole ones, and more than a tile of them.
const WIDTHS: [usize; 6] = [1, 8, 9, 13, 30, 257];

#[test]
fn padding_is_zero_after_100_steps_of_every_rule() {
    let (mut numbers, mut tally) = (Numbers(12), Tally::default());
    for optimizer in optimizers(1.0) {
        for hidden in (1..=40).chain([65, 71]) {
            for backprop in BACKPROPS {
                let start = network(&mut numbers, INPUTS, hidden, OUTPUTS);
                let mut learner = Learner::online(&start, optimizer, backprop);
                for step in 0..100 {
                    learner.learn(&Pattern::random(&mut numbers, INPUTS, OUTPUTS, LIGHTINGS[step % 4]));
                }
                for weights in learner.weights() {
                    let finite = weights.as_slice().iter().all(|w| w.is_finite());
                    assert!(finite && weights.padding_is_zero(), "{optimizer:?}, H = {hidden}, {backprop:?}");
                }
                tally.case();
            }
        }
    }
    tally.finish("padding", RULES * 42 * BACKPROPS.len());
}

#[test]
fn a_rate_of_zero_leaves_the_bits_whatever_the_memory() {
    let (mut numbers, mut tally) = (Numbers(13), Tally::default());
    for optimizer in optimizers(0.0) {
        for hidden in WIDTHS {
            let start = network(&mut numbers, INPUTS, hidden, OUTPUTS);
            let mut learner = Learner::online(&start, optimizer, Backprop::Mse);
            let all = |learner: &mut Learner| learner.weights().map(|panel| bits(panel.as_slice()).to_vec());
            let before = all(&mut learner);
            for step in 0..20 {
                learner.learn(&Pattern::random(&mut numbers, INPUTS, OUTPUTS, LIGHTINGS[step % 4]));
            }
            assert_eq!(all(&mut learner), before, "{optimizer:?}, H = {hidden}");
            tally.case();
        }
    }
    tally.finish("a rate of zero", RULES * WIDTHS.len());
}

/// A step with the gradient `value` for every weight.
fn step_uniformly(layer: &mut dyn AnyLayer, value: f32) {
    let (rows, width) = (layer.weights().rows(), layer.weights().width());
    let sums = Panel::from_fn(rows, width, |_, _| 1.0);
    layer.step(&Gradient::Matrix(OfMatrix { sums: &sums, scale: value }));
}

/// Here the gradient is there and zero; `update` sees to rows that have none.
#[test]
fn a_zero_gradient_moves_every_weight_that_remembers_and_no_other() {
    let mut tally = Tally::default();
    for optimizer in optimizers(1.0) {
        for hidden in WIDTHS {
            for first in [0.0, 0.5] {
                let mut numbers = Numbers(14);
                let start = Panel::from_fn(INPUTS, hidden, |_, _| numbers.signed());
                let mut layer = layer(optimizer, Place::First, start);
                step_uniformly(&mut *layer, first);
                let before = layer.weights().clone();
                step_uniformly(&mut *layer, 0.0);
                let after = layer.weights();
                let moves = first != 0.0 && remembers(optimizer);
                for row in 0..INPUTS {
                    for (before, after) in bits(before.row(row)).iter().zip(bits(after.row(row))) {
                        let place = format_args!("{optimizer:?}, row {row}, H = {hidden}, first {first}");
                        assert_eq!(before != after, moves, "{place}");
                    }
                }
                tally.case();
            }
        }
    }
    tally.finish("a zero gradient", RULES * WIDTHS.len() * 2);
}

/// Among them DLR: its Eq. 1 and 2 are both printed with a minus sign, which together would climb.
#[test]
fn a_small_step_of_every_rule_lowers_the_loss() {
    let (mut numbers, mut tally) = (Numbers(15), Tally::default());
    for optimizer in optimizers(0.125) {
        for hidden in 1..=40 {
            let start = network(&mut numbers, INPUTS, hidden, OUTPUTS);
            let pattern = Pattern::random(&mut numbers, INPUTS, OUTPUTS, Lighting::All);
            let mut learner = Learner::online(&start, optimizer, Backprop::Mse);
            learner.learn(&pattern);
            let [before, after] = [start, learner.network()].map(|n| n.loss(&pattern.x, &pattern.target));
            assert!(after < before, "{optimizer:?}, H = {hidden}: from {before} to {after}");
            tally.case();
        }
    }
    tally.finish("the loss", RULES * 40);
}

/// What the next step would multiply each gradient by. A huge gradient shows it, as nothing of its step is lost beside the
/// weight.
fn rates(layer: &mut dyn AnyLayer) -> Vec<f64> {
    const HUGE: f32 = 1_048_576.0;
    let before = layer.weights().clone();
    step_uniformly(layer, HUGE);
    let after = layer.weights();
    let rows = (0..before.rows()).flat_map(|r| before.row(r).iter().zip(after.row(r)));
    rows.map(|(&before, &after)| (f64::from(before) - f64::from(after)) / f64::from(HUGE)).collect()
}

/// Steps by random gradients keep the weights moving; a fresh layer then measures what the trained one has amended.
#[test]
fn norms_of_rows_and_lanes_do_not_drift_from_the_weights() {
    const WIDTHS: [usize; 3] = [3, 13, 257];
    const STEPS: usize = 20_000;
    let mut tally = Tally::default();
    for norm in [Norm::Pre, Norm::Post] {
        for hidden in WIDTHS {
            let optimizer = Optimizer::Dlr { lr: 0.1, alpha: 0.5, norm };
            let mut numbers = Numbers(16);
            let start = Panel::from_fn(INPUTS, hidden, |_, _| numbers.signed());
            let mut trained = layer(optimizer, Place::First, start);
            for _ in 0..STEPS {
                let pattern = Pattern::random(&mut numbers, INPUTS, OUTPUTS, Lighting::Fifth);
                let deltas = Panel::from_fn(1, hidden, |_, _| numbers.signed());
                let gradient = OfImage { lit: pattern.lit(), deltas: deltas.as_vectors() };
                trained.step(&Gradient::Image(gradient));
            }
            let mut fresh = layer(optimizer, Place::First, trained.weights().clone());
            for (kept, fresh) in rates(&mut *trained).iter().zip(rates(&mut *fresh)) {
                tally.within(
                    (kept / fresh - 1.0).abs(),
                    drift(STEPS),
                    format_args!("{norm:?}, H = {hidden}"),
                );
            }
            tally.case();
        }
    }
    tally.finish("norms after many steps", 2 * WIDTHS.len());
}

/// What the weights lose is taken off a lane's sum of squares with a rounding of its own, so where they become zero, the sum
/// may end on either side of it, by a rounding of what it was. The root makes that a small norm, but no NaN.
#[test]
fn a_lane_whose_weights_become_zero_has_a_finite_rate() {
    const CASES: usize = 100;
    let (mut numbers, mut tally) = (Numbers(19), Tally::default());
    for _ in 0..CASES {
        let weight = numbers.unit();
        // The rate is then (w + w) / (w + w), and half of it takes off the whole weight.
        let optimizer =
            Optimizer::Dlr { lr: f64::from(2.0 * weight), alpha: f64::from(weight), norm: Norm::Post };
        let mut shrunk = layer(optimizer, Place::First, Panel::from_fn(1, 9, |_, _| weight));
        step_uniformly(&mut *shrunk, 0.5);
        assert!(shrunk.weights().row(0).iter().all(|&w| w == 0.0), "{weight}");
        let mut fresh = layer(optimizer, Place::First, Panel::zeros(1, 9));
        for (kept, fresh) in rates(&mut *shrunk).iter().zip(rates(&mut *fresh)) {
            tally.within(
                (kept / fresh - 1.0).abs(),
                roundings(1.0, 1.0).sqrt(),
                format_args!("from {weight}"),
            );
        }
        tally.case();
    }
    tally.finish("norms of zero", CASES);
}
