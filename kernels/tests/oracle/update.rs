//! Whole steps of a network, forwards, back and update, against the reference.

use crate::assembly::{BACKPROPS, Learner, Pattern, assert_near, network, step_reference};
use crate::errors::Tally;
use crate::helpers::{ALL_WIDTHS, LIGHTINGS, Lighting, Numbers, bits, widths};
use crate::layers::{RULES, optimizers, remembers};
use dlr_kernels::reference::{Backprop, Network, Optimizer, Trainer};
use std::fmt;

/// A network that learns twice, through the kernels and by the reference.
struct Twins {
    fused: Learner,
    reference: Trainer,
}

impl Twins {
    fn new(start: Network, optimizer: Optimizer, backprop: Backprop) -> Self {
        let fused = Learner::online(&start, optimizer, backprop);
        Self { fused, reference: Trainer::new(start, optimizer, backprop) }
    }

    fn learn(&mut self, pattern: &Pattern) {
        self.fused.learn(pattern);
        step_reference(&mut self.reference, &[pattern]);
    }

    fn assert_near(&mut self, tally: &mut Tally, place: fmt::Arguments) {
        assert_near(tally, &self.fused.network(), &self.reference, place);
    }
}

/// After the first step, which has nothing to remember, and after 20.
#[test]
fn every_rule_equals_the_reference_at_every_width_and_lighting() {
    const OUTPUTS: usize = 10;
    let (mut numbers, mut tally) = (Numbers(5), Tally::default());
    for hidden in widths() {
        let inputs = if hidden < 200 { 40 } else { 7 };
        // A step changes an output's net input by the changes of all its weights: keep that alike for all widths.
        let scale = 1.0 / (hidden / 32).max(1).next_power_of_two() as f64;
        for optimizer in optimizers(scale) {
            for lighting in LIGHTINGS {
                for backprop in BACKPROPS {
                    let start = network(&mut numbers, inputs, hidden, OUTPUTS);
                    let mut twins = Twins::new(start, optimizer, backprop);
                    for step in 1..=20 {
                        twins.learn(&Pattern::random(&mut numbers, inputs, OUTPUTS, lighting));
                        if [1, 20].contains(&step) {
                            let place =
                                format_args!("H = {hidden}, {lighting:?}, {optimizer:?}, {backprop:?}");
                            twins.assert_near(&mut tally, place);
                            tally.case();
                        }
                    }
                }
            }
        }
    }
    tally.finish("whole steps", ALL_WIDTHS * RULES * LIGHTINGS.len() * BACKPROPS.len() * 2);
}

/// The second layer's rows: fewer than a vector of outputs, around whole vectors of them, and as many as a label can name.
#[test]
fn every_number_of_outputs_equals_the_reference() {
    const INPUTS: usize = 9;
    const OUTPUTS: [usize; 8] = [1, 2, 7, 8, 9, 16, 17, 256];
    let (mut numbers, mut tally) = (Numbers(18), Tally::default());
    for optimizer in optimizers(1.0) {
        for outputs in OUTPUTS {
            for backprop in BACKPROPS {
                let start = network(&mut numbers, INPUTS, 12, outputs);
                let mut twins = Twins::new(start, optimizer, backprop);
                for _ in 0..20 {
                    twins.learn(&Pattern::random(&mut numbers, INPUTS, outputs, Lighting::Fifth));
                }
                twins.assert_near(&mut tally, format_args!("{optimizer:?}, {outputs} outputs, {backprop:?}"));
                tally.case();
            }
        }
    }
    tally.finish("numbers of outputs", RULES * OUTPUTS.len() * BACKPROPS.len());
}

/// Dense semantics: where a pixel is lit only sometimes, a rule with memory goes on moving its row by what it remembers,
/// for as long as that lasts, and a rule without leaves it as it is, bit for bit. So does every rule with a row that has
/// never been lit.
#[test]
fn a_dark_row_moves_by_memory_alone() {
    const OUTPUTS: usize = 4;
    const STEPS: usize = 200;
    const WIDTHS: [usize; 7] = [1, 8, 9, 13, 30, 64, 129];
    // Half of the pixels have a gap of their own between the steps that light them: all gaps up to 30, some so long that
    // little is left to remember, one that lasts to the last step, and one beyond. The other half are lit at random.
    let gaps: Vec<usize> = (1..=30).chain([64, 90, STEPS, STEPS + 1]).collect();
    let inputs = 2 * gaps.len();
    let (mut numbers, mut tally) = (Numbers(6), Tally::default());
    for optimizer in optimizers(1.0) {
        for hidden in WIDTHS {
            for backprop in BACKPROPS {
                let place = format_args!("{optimizer:?}, H = {hidden}, {backprop:?}");
                let start = network(&mut numbers, inputs, hidden, OUTPUTS);
                let mut twins = Twins::new(start, optimizer, backprop);
                let mut last_lit = vec![None; inputs];
                for step in 1..=STEPS {
                    let mut image = numbers.image(inputs, Lighting::Fifth, Numbers::unit);
                    for (pixel, gap) in image.iter_mut().zip(&gaps) {
                        *pixel = if step % gap == 0 { numbers.unit() } else { 0.0 };
                    }
                    let [before, _] = twins.fused.weights().map(Clone::clone);
                    twins.learn(&Pattern::new(&image, numbers.below(OUTPUTS), OUTPUTS));
                    twins.assert_near(&mut tally, place);

                    let [after, _] = twins.fused.weights();
                    for (j, last_lit) in last_lit.iter_mut().enumerate() {
                        let moved = bits(before.row(j)) != bits(after.row(j));
                        if image[j] != 0.0 {
                            *last_lit = Some(step);
                        } else if last_lit.is_none() || !remembers(optimizer) {
                            assert!(!moved, "row {j} has nothing to move by in step {step}, {place}");
                        } else if *last_lit == Some(step - 1) {
                            // Later, what is remembered may be less than half a unit in the last place.
                            assert!(moved, "row {j} remembers in step {step}, {place}");
                        }
                    }
                }
                tally.case();
            }
        }
    }
    tally.finish("dark rows", RULES * WIDTHS.len() * BACKPROPS.len());
}
