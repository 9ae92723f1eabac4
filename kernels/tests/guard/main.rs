//! No kernel touches what lies outside of its arguments, or of anything else that it has in memory: all of it lies between
//! [forbidden pages](fence), in one run right after one, in another right before one, for every rule and shape.
#![cfg(all(unix, target_arch = "x86_64"))]

#[allow(dead_code)]
#[path = "../oracle/errors.rs"]
mod errors;
mod fence;
#[allow(dead_code)]
#[path = "../oracle/helpers.rs"]
mod helpers;
#[allow(dead_code)]
#[path = "../oracle/layers.rs"]
mod layers;
#[path = "../oracle/turned.rs"]
mod turned;

use dlr_kernels::forward::activate;
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::gradient::{OfBatchOutputs, OfImage, OfMatrix, OfOutputs};
use dlr_kernels::inner::deltas_before;
use dlr_kernels::lit::Lit;
use dlr_kernels::output::{Backprop, OneHot, argmax, hidden_deltas, output_deltas, output_sums};
use dlr_kernels::panel::Panel;
use dlr_kernels::peaks;
use dlr_kernels::prefetch::prefetch;
use dlr_kernels::reference::Optimizer;
use dlr_kernels::tiled::Tiled;
use errors::Tally;
use fence::{Fence, SIDES, Side, lean};
use helpers::{
    ALL_WIDTHS, LIGHTINGS, Lighting, Numbers, bits, padded, plain, unwritten, unwritten_panel, widths,
};
use layers::{Gradient, Pieces, Place, RULES, layer, optimizers};
use std::env;
use std::hint::black_box;
use std::process::Command;
use turned::{Turned, squarest};

#[global_allocator]
static FENCE: Fence = Fence;

/// Inputs and outputs: around a vector of either, and one.
const SHAPES: [(usize, usize); 4] = [(40, 10), (9, 7), (17, 16), (1, 1)];

/// Every kernel once, in the order of a training step and then of a batch; the bits of all weights that come of it.
fn every_kernel(
    optimizer: Optimizer,
    hidden: usize,
    (inputs, outputs): (usize, usize),
    lighting: Lighting,
) -> Vec<u32> {
    let mut numbers = Numbers(53);
    let image = numbers.image(inputs, lighting, Numbers::unit);
    // Boxed, since a vector may have more room than it needs.
    let (index, value): (Vec<u16>, Vec<f32>) = (0..).zip(&image).filter(|(_, x)| **x != 0.0).unzip();
    let (index, value) = (index.into_boxed_slice(), value.into_boxed_slice());
    let lit = Lit::new(&index, &value);
    let mut panel = |rows, width| Panel::from_fn(rows, width, |_, _| 0.125 * numbers.signed());
    let mut first = layer(optimizer, Place::First, panel(inputs, hidden));
    let mut second = layer(optimizer, Place::Second, panel(outputs, hidden));

    // An image, forwards and back.
    let [mut h, mut d1] = [(); 2].map(|()| unwritten(hidden));
    let [mut y, mut d2, mut errors] = [(); 3].map(|()| unwritten(outputs));
    first.hidden_sums(lit, &mut h);
    activate(&mut h, hidden);
    prefetch(&h);
    output_sums(&h, second.stored(), &mut y);
    argmax(&y, outputs);
    output_deltas(&mut y, 0, OneHot { low: 0.0, high: 1.0 }, Backprop::Mse, &mut d2, &mut errors);
    hidden_deltas(&errors, second.stored(), &h, &mut d1);
    let d2: Box<[f32]> = plain(&d2)[..outputs].into();
    second.step(&Gradient::Outputs(OfOutputs { deltas: &d2, hidden: &h }));
    first.step(&Gradient::Image(OfImage { lit, deltas: &d1 }));
    first.learn(lit, &mut h, &mut |sums| sums.copy_from_slice(&d1));
    let units = padded(inputs, || 0.5);
    let mut before = unwritten(inputs);
    deltas_before(first.stored(), &d1, &units, &mut before);

    // A batch of it, nothing, and it again: by its lit pixels in all pieces, then dense.
    let groups = squarest(inputs);
    let turned = Turned::new(&groups, &[lit, Lit::new(&[], &[]), lit], 1);
    first.catch_up(&turned.rows());
    let mut sums = unwritten_panel(3, hidden);
    turned.hidden_sums(first.stored(), sums.as_vectors_mut());
    let deltas = panel(3, hidden);
    let tiled = Tiled::of(&deltas, 3);
    let band = groups.band();
    for pieces in [Pieces::Whole, Pieces::Blocks(band), Pieces::BlocksBackwards(2 * band)] {
        let gradient = turned.gradient(&tiled, 0.5);
        first.step_in(pieces, &Gradient::Batch(gradient));
    }
    let dense: Box<[f32]> = [&image[..], &image, &image].concat().into();
    let mut sums = unwritten_panel(inputs, hidden);
    let stride = sums.stride();
    gemm(
        View::new(&dense, 3, inputs, inputs).transposed(),
        View::new(deltas.as_slice(), 3, stride, stride),
        0.0,
        &mut ViewMut::new(sums.as_mut_slice(), inputs, stride, stride),
    );
    first.step(&Gradient::Matrix(OfMatrix { sums: &sums, scale: 0.5 }));
    let [d2, h] = [outputs, hidden].map(|width| panel(3, width));
    second.step(&Gradient::BatchOutputs(OfBatchOutputs { deltas: &d2, hidden: &h, images: 3, scale: 0.5 }));

    let mut again = layer(optimizer, Place::First, panel(inputs, hidden));
    again.resume(&first.state());
    peaks::load(sums.as_vectors());
    peaks::renew(sums.as_vectors_mut());
    let [first, second] = [&mut again, &mut second].map(|layer| layer.weights());
    assert!([first, second].iter().all(|panel| panel.norm_is_finite() && panel.padding_is_zero()));
    [first, second].map(|panel| bits(panel.as_slice()).to_vec()).concat()
}

#[test]
fn nothing_is_touched_before_its_start_or_beyond_its_end() {
    let mut tally = Tally::default();
    for optimizer in optimizers(0.001) {
        for hidden in widths() {
            for (n, shape) in SHAPES.into_iter().enumerate() {
                // From width to width, every shape meets every lighting.
                let lighting = LIGHTINGS[(n + hidden) % LIGHTINGS.len()];
                let [start, end] = SIDES.map(|side| {
                    lean(side);
                    every_kernel(optimizer, hidden, shape, lighting)
                });
                // Nor does it matter where in memory the arguments lie.
                assert!(start == end, "{optimizer:?}, H = {hidden}, {shape:?}, {lighting:?}");
                tally.case();
            }
        }
    }
    tally.finish("between forbidden pages", RULES * ALL_WIDTHS * SHAPES.len());
}

/// What the test above relies on. The program calls itself, since it dies of this.
#[test]
fn one_number_too_far_is_deadly() {
    const TRESPASS: &str = "DLR_KERNELS_TRESPASS";
    if let Ok(side) = env::var(TRESPASS) {
        let start = side == "Start";
        lean(if start { Side::Start } else { Side::End });
        let numbers: Box<[f32]> = vec![1.0; 1027].into();
        let beyond = if start { usize::MAX } else { numbers.len() };
        // SAFETY: none. The page is forbidden, and if it were not, nothing would depend on what is read.
        #[allow(unsafe_code)]
        black_box(unsafe { numbers.as_ptr().wrapping_add(beyond).read_volatile() });
        return;
    }
    for trespass in ["Start", "End"] {
        let mut program = Command::new(env::current_exe().expect("this test is a program"));
        let arguments = ["--exact", "one_number_too_far_is_deadly"];
        let died = program.args(arguments).env(TRESPASS, trespass).output().expect("it can be called");
        assert!(!died.status.success(), "{trespass}: {}", String::from_utf8_lossy(&died.stdout));
    }
}
