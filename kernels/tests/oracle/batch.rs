//! Batches: by lit pixels and by dense products, against the reference and each other; blocks of rows against the whole.

use crate::assembly::{BACKPROPS, Path, Pattern, deviations, learner, network, optimizers, step_reference};
use crate::helpers::{LIGHTINGS, Numbers, Tally, U};
use dlr_kernels::gradient::OfImage;
use dlr_kernels::lanes::f32x8;
use dlr_kernels::layer::Layer;
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::{Optimizer, Trainer};
use dlr_kernels::rule::{Norms, Rule};
use dlr_kernels::rules::{Adam, Dlr, Nesterov, NesterovAuthors, Sgd};

const WIDTHS: [usize; 8] = [1, 7, 8, 30, 33, 64, 65, 100];
const BATCHES: [usize; 3] = [1, 7, 32];
const STEPS: usize = 10;

#[test]
fn both_paths_equal_the_reference() {
    let mut tally = Tally::default();
    for hidden in WIDTHS {
        for lighting in LIGHTINGS {
            for size in BATCHES {
                for optimizer in optimizers(1.0) {
                    for backprop in BACKPROPS {
                        let mut numbers = Numbers(hidden as u64);
                        let start = network(&mut numbers, 24, hidden, 10);
                        let mut lit = learner(&start, optimizer, backprop);
                        let mut dense = learner(&start, optimizer, backprop);
                        let mut reference = Trainer::new(start, optimizer, backprop);
                        for _ in 0..STEPS {
                            let patterns: Vec<Pattern> =
                                (0..size).map(|_| Pattern::random(&mut numbers, 24, 10, lighting)).collect();
                            let batch: Vec<&Pattern> = patterns.iter().collect();
                            lit.learn_batch(&batch, Path::Lit);
                            dense.learn_batch(&batch, Path::Dense);
                            step_reference(&mut reference, &batch);
                        }
                        // Roundings per step: one of the weight, and those of a gradient that is much smaller. Adam's
                        // steps are as large for a gradient that nearly cancels, see `update`.
                        let roundings = 2.0 + 0.5 * (hidden.max(24) as f64).sqrt();
                        let factor = if let Optimizer::Adam { .. } = optimizer { 10.0 } else { 1.0 };
                        let bound = factor * roundings * (STEPS as f64 + 3.0) * U;
                        let place =
                            format!("H = {hidden}, {lighting:?}, batch {size}, {optimizer:?}, {backprop:?}");
                        for (path, learner) in [("lit", &lit), ("dense", &dense)] {
                            for off in deviations(&learner.network(), &reference.network) {
                                tally.within(off, bound, format_args!("{place}, {path}"));
                            }
                        }
                        for off in deviations(&lit.network(), &dense.network()) {
                            tally.within(off, 2.0 * bound, format_args!("{place}, lit against dense"));
                        }
                        tally.case();
                    }
                }
            }
        }
    }
    tally.finish("batches", WIDTHS.len() * LIGHTINGS.len() * BATCHES.len() * 6 * BACKPROPS.len());
}

/// 20 updates in blocks of `rows` rows, in the order of the blocks or against it.
fn in_blocks<R: Rule>(hidden: usize, rule: R, rows: usize, reversed: bool) -> Panel {
    let mut numbers = Numbers(5);
    let mut layer = Layer::new(Panel::from_fn(61, hidden, |_, _| numbers.signed()), rule);
    for _ in 0..20 {
        let pattern = Pattern::random(&mut numbers, 61, 2, crate::helpers::Lighting::Fifth);
        let mut deltas = vec![f32x8::ZERO; layer.weights().vectors()];
        let lanes: &mut [f32] = bytemuck::cast_slice_mut(&mut deltas);
        lanes[..hidden].fill_with(|| numbers.signed());
        let gradient = OfImage { lit: pattern.lit(), deltas: &deltas };
        let mut blocks: Vec<_> = layer.blocks(rows).collect();
        if reversed {
            blocks.reverse();
        }
        blocks.iter_mut().for_each(|block| block.update(&gradient));
        drop(blocks);
        layer.settle();
    }
    layer.weights().clone()
}

fn blocks_do_not_matter<R: Rule>(tally: &mut Tally, rule: R) {
    for hidden in WIDTHS {
        let whole = in_blocks(hidden, rule, 61, false);
        for rows in [1, 3, 56, 60] {
            let blocks = in_blocks(hidden, rule, rows, false);
            assert_eq!(
                blocks,
                in_blocks(hidden, rule, rows, true),
                "H = {hidden}, blocks of {rows} backwards"
            );
            if R::NORMS == Norms::OfLanes {
                // The changes in the norms are summed block by block: another order.
                let off =
                    blocks.as_slice().iter().zip(whole.as_slice()).map(|(a, b)| f64::from((a - b).abs()));
                let largest = whole.as_slice().iter().fold(0.0, |most: f64, w| most.max(w.abs().into()));
                tally.within(
                    off.fold(0.0, f64::max) / largest,
                    8.0 * U,
                    format_args!("H = {hidden}, {rows}"),
                );
            } else {
                assert_eq!(blocks, whole, "H = {hidden}, blocks of {rows}");
            }
            tally.case();
        }
    }
}

#[test]
fn blocks_of_rows_give_the_bits_of_the_whole() {
    let mut tally = Tally::default();
    let (lr, alpha, momentum) = (0.1, 0.5, 0.9);
    blocks_do_not_matter(&mut tally, Sgd { lr });
    blocks_do_not_matter(&mut tally, Nesterov { lr, momentum });
    blocks_do_not_matter(&mut tally, NesterovAuthors { lr, momentum });
    blocks_do_not_matter(&mut tally, Adam::new(0.01, 0.9, 0.999, 1e-8));
    blocks_do_not_matter(&mut tally, Dlr::<true> { lr, alpha });
    blocks_do_not_matter(&mut tally, Dlr::<false> { lr, alpha });
    tally.finish("blocks", 6 * WIDTHS.len() * 4);
}
