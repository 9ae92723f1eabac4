//! One image in one call is the sums and the update by themselves: the same bits, but for rules that want norms of rows, where
//! these are long. Their squares are then summed tile by tile on one way and at once on the other, and where there are sixteen
//! registers, their tiles are narrower than those of plain sums.

use crate::assembly::Pattern;
use crate::errors::{Tally, U};
use crate::helpers::{LIGHTINGS, Lighting, Numbers, bits, plain, unwritten};
use crate::layers::{Gradient, Place, RULES, layer, optimizers, rows_share_norms};
use dlr_kernels::gradient::OfImage;
use dlr_kernels::lanes::{LANES, f32xN};
use dlr_kernels::panel::Panel;

/// Around one, two and three vectors, and around one and two tiles of 16.
const WIDTHS: [usize; 15] = [1, 7, 8, 9, 16, 17, 24, 72, 128, 129, 136, 137, 256, 257, 273];
/// The longest row of which both ways take the sums in the same order, whatever the rule.
const SAME_ORDER: usize = if LANES == 16 { 16 * LANES } else { 4 * LANES };
const INPUTS: usize = 21;
const STEPS: usize = 30;

fn deltas_of(sums: &mut [f32xN]) {
    sums.iter_mut().for_each(|sum| *sum *= f32xN::splat(0.125));
}

#[test]
fn learning_in_one_call_is_the_sums_and_the_update() {
    let (mut numbers, mut tally) = (Numbers(41), Tally::default());
    let in_both = |optimizer| [Place::First, Place::Online].map(|place| (optimizer, place));
    for (optimizer, place) in optimizers(0.25).into_iter().flat_map(in_both) {
        for hidden in WIDTHS {
            for lighting in LIGHTINGS {
                let start = Panel::from_fn(INPUTS, hidden, |_, _| numbers.signed());
                let [mut one, mut two] = [(); 2].map(|()| layer(optimizer, place, start.clone()));
                for step in 0..STEPS {
                    let lighting = if step % 5 == 4 { Lighting::None } else { lighting };
                    let pattern = Pattern::random(&mut numbers, INPUTS, 1, lighting);
                    let place = format!("{optimizer:?}, {place:?}, H = {hidden}, {lighting:?}, step {step}");

                    let [mut sums, mut deltas] = [(); 2].map(|()| unwritten(hidden));
                    two.hidden_sums(pattern.lit(), &mut sums);
                    let mut seen = Vec::new();
                    one.learn(pattern.lit(), &mut deltas, &mut |sums| {
                        seen = sums.to_vec();
                        deltas_of(sums);
                    });
                    let own = seen.clone();
                    deltas_of(&mut seen);
                    two.step(&Gradient::Image(OfImage { lit: pattern.lit(), deltas: &seen }));

                    let (after, want) = (one.weights().clone(), two.weights().clone());
                    if rows_share_norms(optimizer) && hidden > SAME_ORDER {
                        // Two ways to sum 35 vectors or less and take the root: some roundings of each step, which is below 1.
                        for (got, want) in after.as_slice().iter().zip(want.as_slice()) {
                            let error = f64::from((got - want).abs());
                            tally.within(error, 4.0 * U * (step + 1) as f64, format_args!("{place}"));
                        }
                    } else {
                        assert_eq!(bits(plain(&own)), bits(plain(&sums)), "sums, {place}");
                        assert_eq!(bits(after.as_slice()), bits(want.as_slice()), "weights, {place}");
                    }
                }
                tally.case();
            }
        }
    }
    tally.finish("learning in one call", 2 * RULES * WIDTHS.len() * LIGHTINGS.len());
}
