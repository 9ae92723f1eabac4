//! What the documentation says panics does, with the words that name the mistake: a slice that is too short or too long, a
//! row or pixel that is not there.

use crate::errors::Tally;
use crate::helpers::unwritten;
use crate::layers::{AnyLayer, Gradient, Pieces, Place, RULES, layer, optimizers};
use crate::turned::Turned;
use dlr_kernels::forward::{activate, hidden_sums};
use dlr_kernels::gradient::{OfBatchOutputs, OfImage, OfMatrix, OfOutputs};
use dlr_kernels::groups::{GROUP, Groups};
use dlr_kernels::inner::{deltas_before, through_logistic};
use dlr_kernels::lanes::{LANES, f32xN, tail_mask, vectors};
use dlr_kernels::layer::Layer;
use dlr_kernels::lighters::Lighters;
use dlr_kernels::lit::Lit;
use dlr_kernels::output::{Backprop, OneHot, argmax, hidden_deltas, output_deltas, output_sums};
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::Optimizer;
use dlr_kernels::rules::{Momentum, Sgd};
use dlr_kernels::tiled::Tiled;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Demands that `call` panics, and that its message contains `words`.
fn refuses(tally: &mut Tally, words: &str, call: impl FnOnce()) {
    let panic = catch_unwind(AssertUnwindSafe(call)).expect_err(words);
    let message = panic.downcast_ref::<String>().map(String::as_str);
    let message = message.or(panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    assert!(message.contains(words), "{message:?} does not say {words:?}");
    tally.case();
}

/// A vector of slices that are a vector shorter and longer than they should be.
fn wrong(width: usize) -> [Vec<f32xN>; 2] {
    let vectors = unwritten(width).len();
    [vectors - 1, vectors + 1].map(|n| vec![f32xN::ZERO; n])
}

/// A whole row in one tile, one of some tiles, and one whose gradients may be put down before they are used.
const WIDTHS: [usize; 3] = [19, 265, 983];
const ROWS: usize = 11;

#[test]
fn slices_of_a_wrong_length() {
    let mut tally = Tally::default();
    let target = OneHot { low: 0.0, high: 1.0 };
    for width in WIDTHS {
        let weights = Panel::zeros(ROWS, width);
        let [row, column] = [width, ROWS].map(|n| vec![f32xN::ZERO; unwritten(n).len()]);
        for mut of_row in wrong(width) {
            let [one, unit] = ["one sum per hidden unit", "one activation per hidden unit"];
            let both = "one activation and one delta per hidden unit";
            refuses(&mut tally, one, || hidden_sums(Lit::new(&[], &[]), &weights, &mut of_row.clone()));
            refuses(&mut tally, one, || activate(&mut of_row.clone(), width));
            refuses(&mut tally, unit, || output_sums(&of_row, &weights, &mut column.clone()));
            refuses(&mut tally, unit, || deltas_before(&weights, &of_row, &column, &mut column.clone()));
            refuses(&mut tally, both, || hidden_deltas(&column, &weights, &of_row, &mut row.clone()));
            refuses(&mut tally, both, || hidden_deltas(&column, &weights, &row, &mut of_row));
        }
        for mut of_column in wrong(ROWS) {
            let [sum, delta] = ["one sum per output unit", "a delta for each activation"];
            let [error, both] = ["one error per output unit", "a delta and an error per output"];
            refuses(&mut tally, sum, || output_sums(&row, &weights, &mut of_column.clone()));
            refuses(&mut tally, delta, || deltas_before(&weights, &row, &of_column, &mut column.clone()));
            refuses(&mut tally, "an error for each activation", || {
                through_logistic(&of_column, &mut column.clone())
            });
            refuses(&mut tally, error, || hidden_deltas(&of_column, &weights, &row, &mut row.clone()));
            let mut deltas = |[y, d, e]: [&Vec<f32xN>; 3]| {
                let [mut y, mut d, mut e] = [y, d, e].map(Clone::clone);
                refuses(&mut tally, both, || {
                    output_deltas(&mut y, 0, target, Backprop::Mse, &mut d, &mut e);
                });
            };
            deltas([&of_column, &column, &column]);
            deltas([&column, &of_column, &column]);
            deltas([&column, &column, &of_column]);
            of_column.truncate(1);
            refuses(&mut tally, "range end index", || _ = argmax(&of_column, LANES + 1));
        }
    }
    refuses(&mut tally, "a lit pixel is an index and a value", || _ = Lit::new(&[1, 2], &[1.0]));
    refuses(&mut tally, "a lit pixel is an index and a value", || _ = Lit::new(&[1], &[1.0, 2.0]));
    refuses(&mut tally, "at least one column", || _ = Panel::zeros(3, 0));
    refuses(&mut tally, "at least one column", || _ = Panel::from_fn(3, 0, |_, _| 0.0));
    refuses(&mut tally, "not too large", || _ = Panel::zeros(usize::MAX / 2, 33));
    refuses(&mut tally, "no numbers have no last vector", || _ = tail_mask(0));
    tally.finish("wrong lengths", WIDTHS.len() * 2 * (6 + 8) + 6);
}

/// A layer that has had an update, under a rule.
fn used(optimizer: Optimizer, width: usize) -> Box<dyn AnyLayer> {
    let mut used = layer(optimizer, Place::First, Panel::from_fn(ROWS, width, |_, _| 0.5));
    let deltas = vec![f32xN::ONE; unwritten(width).len()];
    used.step(&Gradient::Image(OfImage { lit: Lit::new(&[1, 4], &[1.0; 2]), deltas: &deltas }));
    used
}

#[test]
fn layers_and_gradients_that_do_not_fit() {
    const AS_LONG: &str = "the gradient's rows are as long as the layer's";
    const A_ROW: &str = "a row of the gradient is one of the layer's";
    const BEYOND: u16 = ROWS as u16;
    let mut tally = Tally::default();
    let image = |index: &'static [u16]| Lit::new(index, &[1.0; 2][..index.len()]);
    for optimizer in optimizers(1.0) {
        for width in WIDTHS {
            let row = vec![f32xN::ONE; unwritten(width).len()];
            let fresh = || used(optimizer, width);
            let turned = Turned::new(&Groups::of_inputs(ROWS + 1), &[image(&[0, 4]), image(&[4])], 2);

            // Rows of another length, from every source of gradients, in one piece and in blocks.
            for pieces in [Pieces::Whole, Pieces::Blocks(4)] {
                for of_row in wrong(width) {
                    let deltas = Panel::zeros(2, of_row.len() * LANES);
                    let tiled = Tiled::of(&deltas, 2);
                    let [one, two] = [[1.0; 1].as_slice(), &[1.0; 2]];
                    for gradient in [
                        Gradient::Image(OfImage { lit: image(&[0, 4]), deltas: &of_row }),
                        Gradient::Image(OfImage { lit: image(&[]), deltas: &of_row }),
                        Gradient::Outputs(OfOutputs { deltas: one, hidden: &of_row }),
                        Gradient::Outputs(OfOutputs { deltas: two, hidden: &of_row }),
                        Gradient::BatchOutputs(OfBatchOutputs {
                            deltas: &Panel::zeros(2, ROWS),
                            hidden: &deltas,
                            images: 2,
                            scale: 1.0,
                        }),
                        Gradient::Matrix(OfMatrix { sums: &deltas, scale: 1.0 }),
                        Gradient::Batch(turned.gradient(&tiled, 1.0)),
                    ] {
                        refuses(&mut tally, AS_LONG, || fresh().step_in(pieces, &gradient));
                    }
                }
                // A batch with fewer deltas than images.
                let deltas = Tiled::of(&Panel::zeros(1, width), 1);
                let gradient = Gradient::Batch(turned.gradient(&deltas, 1.0));
                refuses(&mut tally, "", || fresh().step_in(pieces, &gradient));
                for [of_deltas, of_hidden] in [[2, 1], [1, 2]] {
                    let gradient = Gradient::BatchOutputs(OfBatchOutputs {
                        deltas: &Panel::zeros(of_deltas, ROWS),
                        hidden: &Panel::zeros(of_hidden, width),
                        images: 2,
                        scale: 1.0,
                    });
                    refuses(&mut tally, "", || fresh().step_in(pieces, &gradient));
                }
            }

            // Blocks that cut through groups.
            let deltas = Tiled::of(&Panel::zeros(2, width), 2);
            let gradient = Gradient::Batch(turned.gradient(&deltas, 1.0));
            refuses(&mut tally, "ends where a band does", || fresh().step_in(Pieces::Blocks(3), &gradient));

            // Rows that are not there.
            let turned = Turned::new(&Groups::of_inputs(ROWS + 1), &[image(&[0, BEYOND])], 1);
            let one = Tiled::of(&Panel::zeros(1, width), 1);
            for gradient in [
                Gradient::Image(OfImage { lit: image(&[0, BEYOND]), deltas: &row }),
                Gradient::Image(OfImage { lit: image(&[u16::MAX]), deltas: &row }),
                Gradient::Outputs(OfOutputs { deltas: &[1.0; ROWS + 1], hidden: &row }),
                Gradient::BatchOutputs(OfBatchOutputs {
                    deltas: &Panel::zeros(1, ROWS + 1),
                    hidden: &Panel::zeros(1, width),
                    images: 1,
                    scale: 1.0,
                }),
                Gradient::Matrix(OfMatrix { sums: &Panel::zeros(ROWS + 1, width), scale: 1.0 }),
                Gradient::Batch(turned.gradient(&one, 1.0)),
            ] {
                refuses(&mut tally, A_ROW, || fresh().step(&gradient));
            }
            for lit in [image(&[0, BEYOND]), image(&[BEYOND]), image(&[u16::MAX])] {
                let mut sums = row.clone();
                refuses(&mut tally, "", || hidden_sums(lit, &Panel::zeros(ROWS, width), &mut sums));
                refuses(&mut tally, "", || fresh().hidden_sums(lit, &mut sums));
                refuses(&mut tally, "", || fresh().learn(lit, &mut sums, &mut |_| {}));
            }

            for mut of_row in wrong(width) {
                let lit = image(&[0, 4]);
                let one = "one sum per hidden unit";
                refuses(&mut tally, one, || fresh().hidden_sums(lit, &mut of_row));
                refuses(&mut tally, one, || fresh().learn(lit, &mut of_row, &mut |_| {}));
            }
            let none = Pieces::Blocks(0);
            let gradient = Gradient::Image(OfImage { lit: image(&[0]), deltas: &row });
            refuses(&mut tally, "a block has at least one row", || fresh().step_in(none, &gradient));
            let state = fresh().state();
            refuses(&mut tally, "a state that it takes", || fresh().resume(&state));
            let mut other = layer(optimizer, Place::First, Panel::zeros(ROWS + 1, width));
            refuses(&mut tally, "a state that it takes", || other.resume(&state));
        }
    }
    for mut of_row in wrong(19) {
        let lit = image(&[0, 4]);
        let mut fresh = Layer::new(Panel::zeros(ROWS, 19), Sgd { lr: 1.0 });
        refuses(&mut tally, AS_LONG, || fresh.clone().descend(lit, &of_row));
        refuses(&mut tally, AS_LONG, || fresh.clone().learn(lit, &mut unwritten(19), |_| &of_row));
        refuses(&mut tally, "one sum per hidden unit", || fresh.look(lit, &mut of_row));
    }
    let missing = [ROWS].into_iter();
    let mut waiting = Layer::new(Panel::zeros(ROWS, 19), Momentum::classical(0.1, 0.9));
    refuses(&mut tally, "index out of bounds", || waiting.catch_up(missing));
    let (inputs, levels) = (Lighters::new(&Groups::of_inputs(ROWS)), &[0.0; 256]);
    let turn = |groups: &[u16]| {
        inputs.clone().turn(levels, [(groups, &[[1; GROUP]; 2][..groups.len()])].into_iter());
    };
    refuses(&mut tally, "index out of bounds", || turn(&[ROWS.div_ceil(GROUP) as u16]));
    refuses(&mut tally, "index out of bounds", || turn(&[0, u16::MAX]));
    let dark: (&[u16], &[[u8; GROUP]]) = (&[], &[]);
    refuses(&mut tally, "at most 64 images", || inputs.clone().turn(levels, [dark; 65].into_iter()));
    for (groups, greys) in [(&[0, 1][..], &[[1; GROUP]][..]), (&[0], &[[1; GROUP]; 2])] {
        refuses(&mut tally, "a lit group is a number and its levels", || {
            inputs.clone().turn(levels, [(groups, greys)].into_iter());
        });
    }
    // Nothing to do.
    Lighters::hidden_sums(&[], Panel::zeros(ROWS, 265).as_vectors(), 0..vectors(265), &mut []);
    let mut two = [inputs.clone(), inputs];
    two[1].turn(levels, [dark; 2].into_iter());
    Lighters::hidden_sums(&two[..1], Panel::zeros(ROWS, 265).as_vectors(), 0..vectors(265), &mut []);
    Lighters::hidden_sums(&two, Panel::zeros(ROWS, 19).as_vectors(), 1..1, &mut []);
    for (rows, sums) in [(ROWS - 1, 2), (ROWS + 1, 2), (ROWS, 1), (ROWS, 3)] {
        let words = if rows == ROWS { "one sum per image" } else { "a row of weights for each input" };
        let mut sums = Panel::zeros(sums, 19);
        let weights = Panel::zeros(rows, 19);
        refuses(&mut tally, words, || {
            Lighters::hidden_sums(&two, weights.as_vectors(), 0..weights.vectors(), sums.as_vectors_mut());
        });
    }
    let beyond = vectors(19)..vectors(19) + 1;
    refuses(&mut tally, "lies within it", || {
        Lighters::hidden_sums(&two, Panel::zeros(ROWS, 19).as_vectors(), beyond, &mut [f32xN::ZERO; 2]);
    });
    for groups in
        [[Groups::of_inputs(11), Groups::of_inputs(12)], [Groups::of_inputs(8), Groups::of_images(2, 4)]]
    {
        let (weights, parts) = (Panel::zeros(groups[0].inputs(), 19), groups.map(|one| Lighters::new(&one)));
        refuses(&mut tally, "the same groups", || {
            Lighters::hidden_sums(&parts, weights.as_vectors(), 0..1, &mut [f32xN::ZERO; 2]);
        });
    }
    tally.finish(
        "layers and gradients",
        RULES * WIDTHS.len() * (2 * (2 * 7 + 3) + 1 + 6 + 3 * 3 + 2 * 2 + 3) + 2 * 3 + 1 + 2 + 4 + 6,
    );
}

/// Where it costs nothing that matters: a sum over the same row twice would be no mistake of memory, only of arithmetic.
#[test]
#[cfg(debug_assertions)]
fn lit_pixels_out_of_order() {
    let mut tally = Tally::default();
    for index in [[2, 1], [1, 1]] {
        refuses(&mut tally, "strictly ascending", || _ = Lit::new(&index, &[1.0; 2]));
    }
    tally.finish("order", 2);
}
