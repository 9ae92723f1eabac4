//! Whole steps of every rule by the fused path, against the f64 reference.

use crate::assembly::{BACKPROPS, Pattern, deviations, learner, network, optimizers, step_reference};
use crate::helpers::{LIGHTINGS, Lighting, Numbers, Tally, U, widths};
use dlr_kernels::reference::{Optimizer, Trainer};

/// How far a layer's weights may be off after so many steps, as a share of the largest: every step rounds each weight
/// once, and the gradient by a few units more, in sums of up to `width` terms. Adam divides the gradient by its own
/// size, so where a gradient nearly cancels, its rounding error becomes a part of a whole step: some
/// hundred roundings are allowed for.
fn bound(optimizer: Optimizer, width: usize, steps: usize) -> f64 {
    let roundings = (4.0 + (width as f64).sqrt()) * (steps as f64 + 3.0);
    match optimizer {
        Optimizer::Adam { .. } => 200.0 * U * (steps as f64 + 3.0),
        _ => roundings * U,
    }
}

/// Trains both ways on `steps` patterns, and compares after the first and after the last.
fn compare(
    tally: &mut Tally,
    hidden: usize,
    (inputs, outputs): (usize, usize),
    steps: usize,
    mut pattern: impl FnMut(&mut Numbers, usize) -> Pattern,
) {
    for optimizer in optimizers(1.0) {
        for backprop in BACKPROPS {
            let mut numbers = Numbers(hidden as u64);
            let start = network(&mut numbers, inputs, hidden, outputs);
            let mut fused = learner(&start, optimizer, backprop);
            let mut reference = Trainer::new(start, optimizer, backprop);
            for step in 1..=steps {
                let pattern = pattern(&mut numbers, step);
                fused.learn(&pattern);
                step_reference(&mut reference, &[&pattern]);
                if step == 1 || step == steps {
                    for (layer, off) in
                        deviations(&fused.network(), &reference.network).into_iter().enumerate()
                    {
                        tally.within(
                            off,
                            bound(optimizer, hidden.max(inputs), step),
                            format_args!(
                                "H = {hidden}, {optimizer:?}, {backprop:?}, layer {}, step {step}",
                                layer + 1
                            ),
                        );
                    }
                }
            }
            tally.case();
        }
    }
}

#[test]
fn every_rule_equals_the_reference_at_every_width_and_lighting() {
    let mut tally = Tally::default();
    let widths: Vec<usize> = widths().filter(|&h| h <= 300).collect();
    for &hidden in &widths {
        for lighting in LIGHTINGS {
            compare(&mut tally, hidden, (24, 10), 20, |numbers, _| {
                Pattern::random(numbers, 24, 10, lighting)
            });
        }
    }
    tally.finish("every rule", widths.len() * LIGHTINGS.len() * 6 * BACKPROPS.len());
}

#[test]
fn outputs_of_every_number_are_updated() {
    let mut tally = Tally::default();
    let outputs = [1, 2, 7, 8, 9, 16, 17, 256];
    for k in outputs {
        compare(&mut tally, 12, (9, k), 20, |numbers, _| Pattern::random(numbers, 9, k, Lighting::Fifth));
    }
    tally.finish("outputs", outputs.len() * 6 * BACKPROPS.len());
}

/// Dense semantics: a weight moves on by its memory while its pixel is dark, for as long as that lasts.
#[test]
fn rows_gone_dark_move_as_the_reference_does() {
    let mut tally = Tally::default();
    // Pixel j is lit at every (j + 1)-th step only, so gaps of all lengths up to 30 occur.
    compare(&mut tally, 13, (30, 4), 200, |numbers, step| {
        let label = numbers.below(4);
        let image: Vec<f32> =
            (1..=30).map(|gap| if step % gap == 0 { numbers.unit() } else { 0.0 }).collect();
        Pattern::new(&image, label, 4)
    });
    tally.finish("rows gone dark", 6 * BACKPROPS.len());
}
