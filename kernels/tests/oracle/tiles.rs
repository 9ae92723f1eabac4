//! A wide layer is its vectors side by side: lanes know nothing of each other, however rows are cut into tiles, and
//! through pauses of every length. Only norms of rows tie them together.

use crate::assembly::Pattern;
use crate::errors::Tally;
use crate::helpers::{Lighting, Numbers, bits};
use crate::layers::{
    AnyLayer, Gradient, Pieces, Place, RULES, lanes_share_norms, layer, optimizers, rows_share_norms,
};
use crate::turned::{Turned, squarest};
use dlr_kernels::gradient::{OfBatchOutputs, OfImage};
use dlr_kernels::groups::Groups;
use dlr_kernels::lanes::{LANES, f32xN};
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;
use dlr_kernels::tiled::Tiled;

/// One tile of 16 vectors; two of 9, the last with 8 in use or not; two of 16; three of 11.
const VECTORS: [usize; 5] = [16, 17, 18, 32, 33];
/// Row r has a gradient in every update that is a multiple of its gap: around the longest pause of momentum, which is
/// 1023, around two of them, and beyond.
const GAPS: [u64; 14] = [1, 2, 3, 5, 64, 300, 1022, 1023, 1024, 1025, 2045, 2046, 2048, 3001];
const UPDATES: u64 = 6_100;

/// How a layer meets an image.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Forwards and back in one call.
    Learn,
    /// Both in calls of their own.
    SumsAndUpdate,
    /// No way forward.
    Update,
    /// As a batch of two images, the second dark.
    Batch,
}

const WAYS: [Way; 4] = [Way::Learn, Way::SumsAndUpdate, Way::Update, Way::Batch];

fn meet(layer: &mut dyn AnyLayer, way: Way, lit: Lit, deltas: &[f32xN]) {
    let mut sums = vec![f32xN::splat(f32::NAN); deltas.len()];
    let gradient = Gradient::Image(OfImage { lit, deltas });
    match way {
        Way::Learn => layer.learn(lit, &mut sums, &mut |sums| sums.copy_from_slice(deltas)),
        Way::SumsAndUpdate => {
            layer.hidden_sums(lit, &mut sums);
            layer.step(&gradient);
        }
        Way::Update => layer.step(&gradient),
        Way::Batch => {
            let turned = Turned::new(&squarest(GAPS.len()), &[lit, Lit::new(&[], &[])], 2);
            layer.catch_up(&turned.rows());
            let mut panel = Panel::zeros(2, deltas.len() * LANES);
            panel.as_vectors_mut()[..deltas.len()].copy_from_slice(deltas);
            layer.step(&Gradient::Batch(turned.gradient(&Tiled::of(&panel, 2), 1.0)));
        }
    }
}

#[test]
fn a_wide_layer_is_its_vectors_side_by_side() {
    let mut tally = Tally::default();
    let rules = optimizers(0.001).into_iter().filter(|&rule| !rows_share_norms(rule));
    for (optimizer, place) in rules.flat_map(|rule| [Place::First, Place::Online].map(|place| (rule, place)))
    {
        for vectors in VECTORS {
            let mut numbers = Numbers(43);
            let start = Panel::from_fn(GAPS.len(), vectors * LANES, |_, _| numbers.signed());
            let part = |panel: &Panel, v: usize| {
                Panel::from_fn(GAPS.len(), LANES, |row, i| panel.row(row)[v * LANES + i])
            };
            let mut wide = layer(optimizer, place, start.clone());
            // The first, the last, and some between: a layer each.
            let picked = [0, 6, 7, 8, 9, vectors - 1];
            let mut narrow = picked.map(|v| layer(optimizer, place, part(&start, v.min(vectors - 1))));
            for t in 1..=UPDATES {
                let index: Vec<u16> =
                    (0..).zip(GAPS).filter(|(_, gap)| t.is_multiple_of(*gap)).map(|(row, _)| row).collect();
                let value: Vec<f32> = index.iter().map(|_| numbers.unit()).collect();
                let deltas: Vec<f32xN> =
                    (0..vectors).map(|_| f32xN::from([(); LANES].map(|()| numbers.signed()))).collect();
                // Not in step with the gaps.
                let way = WAYS[numbers.below(WAYS.len())];
                let lit = Lit::new(&index, &value);
                meet(&mut *wide, way, lit, &deltas);
                for (&v, narrow) in picked.iter().zip(&mut narrow) {
                    meet(&mut **narrow, way, lit, &deltas[v.min(vectors - 1)..][..1]);
                }
                if t % 1009 == 0 || t == UPDATES {
                    let wide = wide.weights();
                    for (&v, narrow) in picked.iter().zip(&mut narrow) {
                        let (got, want) = (part(wide, v.min(vectors - 1)), narrow.weights());
                        let place = format_args!(
                            "{optimizer:?}, {place:?}, vector {v} of {vectors}, update {t}, {way:?}"
                        );
                        assert_eq!(bits(got.as_slice()), bits(want.as_slice()), "{place}");
                    }
                }
            }
            tally.case();
        }
    }
    tally.finish("vectors side by side", 2 * (RULES - 2) * VECTORS.len());
}

/// Rows so long, and so many, that gradients may be put down before they are used, some bands of rows at a time.
#[test]
fn so_is_one_of_many_long_rows() {
    const SIDE: usize = 28;
    const ROWS: usize = SIDE * SIDE;
    const IMAGES: usize = 3;
    const VECTORS: usize = 61;
    let groups = Groups::of_images(SIDE, SIDE);
    let mut tally = Tally::default();
    let places = [Place::First, Place::Second];
    let rules = optimizers(0.001).into_iter().filter(|&rule| !rows_share_norms(rule));
    for (optimizer, place) in rules.flat_map(|rule| places.map(|place| (rule, place))) {
        if matches!(place, Place::Second) && lanes_share_norms(optimizer) {
            continue; // there, its rows share norms
        }
        let mut numbers = Numbers(47);
        let mut signed = |rows| Panel::from_fn(rows, VECTORS * LANES, |_, _| numbers.signed());
        let start = signed(ROWS);
        let part = |panel: &Panel, v: usize| {
            Panel::from_fn(panel.rows(), LANES, |row, i| panel.row(row)[v * LANES + i])
        };
        let picked = [0, 1, 15, 16, 40, 47, 48, VECTORS - 1];
        let mut wide = layer(optimizer, place, start.clone());
        let mut narrow = picked.map(|v| layer(optimizer, place, part(&start, v)));
        // One block, two, and many; of some bands at a time, the last has fewer.
        for bands in [14, 7, 2, 14] {
            let pieces = Pieces::Blocks(bands * groups.band());
            let along = signed(IMAGES);
            let mut numbers = Numbers(bands as u64);
            let images = [(); IMAGES].map(|()| Pattern::grey(&mut numbers, ROWS, 1, Lighting::Fifth));
            let turned = Turned::new(&groups, &images.each_ref().map(Pattern::lit), 2);
            let deltas = Panel::from_fn(IMAGES, ROWS, |_, _| numbers.signed());
            let meet = |layer: &mut dyn AnyLayer, along: &Panel| {
                if matches!(place, Place::Second) {
                    let outputs =
                        OfBatchOutputs { deltas: &deltas, hidden: along, images: IMAGES, scale: 0.25 };
                    return layer.step_in(pieces, &Gradient::BatchOutputs(outputs));
                }
                layer.catch_up(&turned.rows());
                let tiled = Tiled::of(along, IMAGES);
                layer.step_in(pieces, &Gradient::Batch(turned.gradient(&tiled, 0.25)));
            };
            meet(&mut *wide, &along);
            for (&v, narrow) in picked.iter().zip(&mut narrow) {
                meet(&mut **narrow, &part(&along, v));
            }
        }
        let wide = wide.weights();
        for (&v, narrow) in picked.iter().zip(&mut narrow) {
            let (got, want) = (part(wide, v), narrow.weights());
            assert_eq!(bits(got.as_slice()), bits(want.as_slice()), "{optimizer:?}, {place:?}, vector {v}");
            assert!(got != part(&start, v), "{optimizer:?} moves nothing");
        }
        tally.case();
    }
    tally.finish("long rows", 2 * (RULES - 2) - 2);
}
