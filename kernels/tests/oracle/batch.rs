//! Batches: by lit pixels, by dense products and by the reference they are the same; and so are blocks of rows.

use crate::assembly::{
    BACKPROPS, Learner, Path, Pattern, assert_near, deviations, network, step_reference, transposed_product,
};
use crate::errors::{Tally, deviation, dot, reduction, regrouping, training};
use crate::helpers::{
    ALL_WIDTHS, LIGHTINGS, Lighting, Numbers, bits, plain, unwritten, unwritten_panel, widths,
};
use crate::layers::{Gradient, Pieces, Place, RULES, lanes_share_norms, layer, optimizers};
use crate::turned::{Turned, squarest};
use dlr_kernels::forward::hidden_sums;
use dlr_kernels::gemm::View;
use dlr_kernels::gradient::{OfImage, OfMatrix};
use dlr_kernels::groups::Groups;
use dlr_kernels::lanes::LANES;
use dlr_kernels::lighters::Lighters;
use dlr_kernels::lit::Lit;
use dlr_kernels::panel::Panel;
use dlr_kernels::reference::{Optimizer, Trainer};
use dlr_kernels::tiled::Tiled;

const INPUTS: usize = 40;
const BATCHES: [usize; 3] = [1, 7, 32];
/// Batches of more than a part, too.
const MORE_BATCHES: [usize; 4] = [1, 7, 64, 70];
/// Images of a part: few, and as many as it takes.
const PARTS: [usize; 2] = [9, Lighters::IMAGES];

#[test]
fn both_paths_equal_the_reference_and_each_other() {
    const WIDTHS: [usize; 11] = [1, 7, 8, 9, 17, 30, 33, 64, 128, 129, 136];
    const OUTPUTS: usize = 10;
    const STEPS: usize = 10;
    let (mut numbers, mut tally) = (Numbers(7), Tally::default());
    for optimizer in optimizers(1.0) {
        for hidden in WIDTHS {
            for lighting in LIGHTINGS {
                for size in BATCHES {
                    for backprop in BACKPROPS {
                        let start = network(&mut numbers, INPUTS, hidden, OUTPUTS);
                        let [mut lit, mut dense] =
                            [(); 2].map(|()| Learner::new(&start, optimizer, backprop));
                        let mut trainer = Trainer::new(start, optimizer, backprop);
                        for _ in 0..STEPS {
                            let patterns: Vec<Pattern> = (0..size)
                                .map(|_| Pattern::grey(&mut numbers, INPUTS, OUTPUTS, lighting))
                                .collect();
                            let batch: Vec<&Pattern> = patterns.iter().collect();
                            lit.learn_batch(&batch, Path::Lit);
                            dense.learn_batch(&batch, Path::Dense);
                            step_reference(&mut trainer, &batch);
                        }
                        let place = format_args!(
                            "{optimizer:?}, H = {hidden}, {lighting:?}, {size} images, {backprop:?}"
                        );
                        let [lit, dense] = [lit, dense].map(|mut learner| learner.network());
                        assert_near(&mut tally, &lit, &trainer, format_args!("lit, {place}"));
                        assert_near(&mut tally, &dense, &trainer, format_args!("dense, {place}"));
                        for off in deviations(&lit, &dense) {
                            let place = format_args!("lit against dense, {place}");
                            tally.within(off, training(optimizer, STEPS), place);
                        }
                        tally.case();
                    }
                }
            }
        }
    }
    tally.finish("batches", RULES * WIDTHS.len() * LIGHTINGS.len() * BATCHES.len() * BACKPROPS.len());
}

/// A batch's images and hidden deltas, and its gradient by all ways that there are.
struct Batch {
    images: Vec<Pattern>,
    deltas: Panel,
    tiled: Tiled,
    turned: Turned,
    sums: Panel,
    scale: f32,
}

impl Batch {
    /// `scale` is what the sum over the images is multiplied by. They are turned around in parts of so many.
    fn new(images: &[Vec<f32>], deltas: Panel, scale: f32, part: usize) -> Self {
        let (inputs, dense) = (images[0].len(), images.concat());
        let sums = transposed_product(View::new(&dense, images.len(), inputs, inputs), inputs, &deltas);
        let images: Vec<Pattern> = images.iter().map(|image| Pattern::new(image, 0, 1)).collect();
        let lits: Vec<_> = images.iter().map(Pattern::lit).collect();
        let turned = Turned::new(&squarest(inputs), &lits, part);
        let tiled = Tiled::of(&deltas, deltas.rows());
        Self { images, deltas, tiled, turned, sums, scale }
    }

    fn by_lit_pixels(&self) -> Gradient<'_> {
        Gradient::Batch(self.turned.gradient(&self.tiled, self.scale))
    }

    fn by_dense_product(&self) -> Gradient<'_> {
        Gradient::Matrix(OfMatrix { sums: &self.sums, scale: self.scale })
    }

    /// What plain gradient descent at rate 1 makes of `start`: by lit pixels, by a dense product, image by image.
    fn descended(&self, start: &Panel) -> [Panel; 3] {
        let layers = [(); 3].map(|()| layer(Optimizer::Sgd { lr: 1.0 }, Place::First, start.clone()));
        let [mut lit, mut dense, mut online] = layers;
        lit.step(&self.by_lit_pixels());
        dense.step(&self.by_dense_product());
        for (b, image) in self.images.iter().enumerate() {
            let deltas: Vec<_> = self.deltas.row_vectors(b).iter().map(|&d| d * self.scale).collect();
            online.step(&Gradient::Image(OfImage { lit: image.lit(), deltas: &deltas }));
        }
        [lit, dense, online].map(|mut layer| layer.weights().clone())
    }
}

/// The net inputs of images by such weights: of images one by one, and of all at once, in parts.
fn sums_of(images: &[Vec<f32>], weights: &Panel, part: usize) -> [Panel; 2] {
    let images: Vec<Pattern> = images.iter().map(|image| Pattern::new(image, 0, 1)).collect();
    let lits: Vec<_> = images.iter().map(Pattern::lit).collect();
    let [mut single, mut turned] = [(); 2].map(|()| unwritten_panel(images.len(), weights.width()));
    for (lit, row) in lits.iter().zip(single.as_vectors_mut().chunks_exact_mut(weights.vectors())) {
        hidden_sums(*lit, weights, row);
    }
    Turned::new(&squarest(weights.rows()), &lits, part).hidden_sums(weights, turned.as_vectors_mut());
    [single, turned]
}

/// Inputs in a line, and of images of 2 x 5, 6 x 6 and 3 x 13: their last groups have three, two, four and one.
const GROUPS: [usize; 4] = [7, 10, 36, 39];

#[test]
fn net_inputs_of_integers_are_exact() {
    let (mut numbers, mut tally) = (Numbers(44), Tally::default());
    for hidden in widths().filter(|&hidden| hidden < 1000) {
        for (inputs, size) in GROUPS.into_iter().zip(MORE_BATCHES) {
            for lighting in LIGHTINGS {
                let weights = Panel::from_fn(inputs, hidden, |_, _| numbers.integer());
                let images: Vec<Vec<f32>> =
                    (0..size).map(|_| numbers.image(inputs, lighting, Numbers::positive)).collect();
                for part in PARTS {
                    let [single, turned] = sums_of(&images, &weights, part);
                    let place =
                        format_args!("{inputs} to {hidden}, {lighting:?}, {size} images, {part} a part");
                    assert!(turned.padding_is_zero(), "{place}");
                    assert_eq!(turned.as_slice(), single.as_slice(), "{place}");
                }
                tally.case();
            }
        }
    }
    tally.finish("net inputs of batches, exact", (ALL_WIDTHS - 2) * GROUPS.len() * LIGHTINGS.len());
}

#[test]
fn net_inputs_of_reals_are_within_the_reduction_bound() {
    const HIDDEN: [usize; 3] = [19, 100, 129];
    let (mut numbers, mut tally) = (Numbers(45), Tally::default());
    for hidden in HIDDEN {
        for size in MORE_BATCHES {
            for lighting in LIGHTINGS {
                let weights = Panel::from_fn(INPUTS, hidden, |_, _| numbers.signed());
                let images: Vec<Vec<f32>> =
                    (0..size).map(|_| numbers.image(INPUTS, lighting, Numbers::grey)).collect();
                let [_, turned] = sums_of(&images, &weights, Lighters::IMAGES);
                for (b, i) in (0..size).flat_map(|b| (0..hidden).map(move |i| (b, i))) {
                    let lit = images[b].iter().filter(|&&x| x != 0.0).count();
                    let (want, magnitudes) = dot((0..INPUTS).map(|j| (images[b][j], weights.row(j)[i])));
                    let error = (f64::from(turned.row(b)[i]) - want).abs();
                    let place = format_args!("{hidden} units, {lighting:?}, image {b} of {size}, unit {i}");
                    tally.within(error, reduction(lit, magnitudes), place);
                }
                tally.case();
            }
        }
    }
    tally.finish("net inputs of batches, reduction", HIDDEN.len() * MORE_BATCHES.len() * LIGHTINGS.len());
}

/// Threads take parts of any size.
#[test]
fn parts_of_any_size_give_the_same_bits() {
    const IMAGES: usize = 50;
    const WIDTHS: [usize; 4] = [1, 30, 100, 129];
    let (mut numbers, mut tally) = (Numbers(46), Tally::default());
    for hidden in WIDTHS {
        let weights = Panel::from_fn(INPUTS, hidden, |_, _| numbers.signed());
        let deltas = Panel::from_fn(IMAGES, hidden, |_, _| numbers.signed());
        let images: Vec<Vec<f32>> =
            (0..IMAGES).map(|_| numbers.image(INPUTS, Lighting::Fifth, Numbers::grey)).collect();
        let all = |part| {
            let [_, sums] = sums_of(&images, &weights, part);
            let [lit, ..] = Batch::new(&images, deltas.clone(), 1.0, part).descended(&weights);
            [sums, lit].map(|panel| bits(panel.as_slice()).to_vec())
        };
        let want = all(IMAGES);
        for part in 1..IMAGES {
            assert_eq!(all(part), want, "H = {hidden}, {part} images a part");
            tally.case();
        }
    }
    tally.finish("parts", WIDTHS.len() * (IMAGES - 1));
}

/// Threads take slices of rows, too.
#[test]
fn slices_of_any_width_give_the_same_bits() {
    const IMAGES: usize = 9;
    const HIDDEN: usize = 129;
    let (mut numbers, mut tally) = (Numbers(47), Tally::default());
    let weights = Panel::from_fn(INPUTS, HIDDEN, |_, _| numbers.signed());
    let images: Vec<Vec<f32>> =
        (0..IMAGES).map(|_| numbers.image(INPUTS, Lighting::Fifth, Numbers::grey)).collect();
    let [_, whole] = sums_of(&images, &weights, IMAGES);
    let images: Vec<Pattern> = images.iter().map(|image| Pattern::new(image, 0, 1)).collect();
    let lits: Vec<_> = images.iter().map(Pattern::lit).collect();
    let turned = Turned::new(&squarest(INPUTS), &lits, 4); // two parts, and one

    let n = weights.vectors();
    for (start, end) in (0..n).flat_map(|start| (start + 1..=n).map(move |end| (start, end))) {
        let mut sums = unwritten(IMAGES * LANES * (end - start));
        Lighters::hidden_sums(&turned.parts, weights.as_vectors(), start..end, &mut sums);
        for (b, got) in sums.chunks_exact(end - start).enumerate() {
            let want = &whole.row_vectors(b)[start..end];
            assert_eq!(bits(plain(got)), bits(plain(want)), "image {b}, {start}..{end}");
        }
        tally.case();
    }
    tally.finish("slices", n * (n + 1) / 2);
}

/// Zeros that are added for the dark inputs of a lit group are none if they are multiplied by what is not finite.
#[test]
fn what_is_not_finite_reaches_its_whole_group() {
    let lit = Lit::new(&[1], &[1.0]);
    let turned = Turned::new(&Groups::of_inputs(8), &[lit], 1);
    for (row, spoilt) in [(0, true), (1, true), (3, true), (4, false)] {
        let weights = Panel::from_fn(8, 1, |r, _| if r == row { f32::INFINITY } else { 1.0 });
        let mut sums = unwritten(1);
        turned.hidden_sums(&weights, &mut sums);
        assert_eq!(!plain(&sums)[0].is_finite(), spoilt, "row {row}");
    }
    let mut layer = layer(Optimizer::Sgd { lr: 1.0 }, Place::First, Panel::zeros(8, 1));
    let deltas = Tiled::of(&Panel::from_fn(1, 1, |_, _| f32::INFINITY), 1);
    layer.step(&Gradient::Batch(turned.gradient(&deltas, 1.0)));
    let spoilt = |row: usize| !layer.weights().row(row)[0].is_finite();
    assert!((0..8).map(spoilt).eq([true, true, true, true, false, false, false, false]));
}

/// Rows of groups that no image lights have no gradient.
#[test]
fn rows_of_lit_groups_are_listed() {
    let lit = |groups: &Groups, index: &[u16]| {
        let values = vec![1.0; index.len()];
        Turned::new(groups, &[Lit::new(&[], &[]), Lit::new(index, &values), Lit::new(&[], &[])], 2).lit
    };
    let inputs = &Groups::of_inputs(11);
    assert_eq!(lit(inputs, &[]), [0; 0]);
    assert_eq!(lit(inputs, &[0]), [0, 1, 2, 3]);
    assert_eq!(lit(inputs, &[3, 10]), [0, 1, 2, 3, 8, 9, 10]);
    assert_eq!(lit(inputs, &[4, 6]), [4, 5, 6, 7]);
    let image = &Groups::of_images(3, 5);
    assert_eq!(lit(image, &[]), [0; 0]);
    assert_eq!(lit(image, &[3, 4]), [2, 3, 7, 8, 4, 9]);
    assert_eq!(lit(image, &[6, 14]), [0, 1, 5, 6, 14]);
    let mut none = vec![1];
    Lighters::list(&[], &mut none);
    assert!(none.is_empty());
}

#[test]
fn gradients_of_integers_are_exact() {
    let (mut numbers, mut tally) = (Numbers(8), Tally::default());
    for hidden in widths().filter(|&hidden| hidden < 1000) {
        for (inputs, size) in GROUPS.into_iter().zip(MORE_BATCHES) {
            for lighting in LIGHTINGS {
                let start = Panel::from_fn(inputs, hidden, |_, _| numbers.integer());
                let images: Vec<Vec<f32>> =
                    (0..size).map(|_| numbers.image(inputs, lighting, Numbers::positive)).collect();
                let deltas = Panel::from_fn(size, hidden, |_, _| numbers.integer());
                let sum =
                    |j: usize, i: usize| (0..size).map(|b| images[b][j] * deltas.row(b)[i]).sum::<f32>();
                let want = Panel::from_fn(inputs, hidden, |j, i| start.row(j)[i] - sum(j, i) / 4.0);
                for part in PARTS {
                    for got in Batch::new(&images, deltas.clone(), 0.25, part).descended(&start) {
                        let place =
                            format_args!("{inputs} to {hidden}, {lighting:?}, {size} images, {part} a part");
                        assert_eq!(got.as_slice(), want.as_slice(), "{place}");
                    }
                }
                tally.case();
            }
        }
    }
    tally.finish("gradients, exact", (ALL_WIDTHS - 2) * MORE_BATCHES.len() * LIGHTINGS.len());
}

#[test]
fn gradients_of_reals_are_within_the_reduction_bound() {
    const HIDDEN: usize = 19;
    let (mut numbers, mut tally) = (Numbers(9), Tally::default());
    let start = Panel::zeros(INPUTS, HIDDEN);
    for size in MORE_BATCHES {
        for lighting in LIGHTINGS {
            let images: Vec<Vec<f32>> =
                (0..size).map(|_| numbers.image(INPUTS, lighting, Numbers::grey)).collect();
            let deltas = Panel::from_fn(size, HIDDEN, |_, _| numbers.signed());
            for got in
                Batch::new(&images, deltas.clone(), 1.0 / size as f32, Lighters::IMAGES).descended(&start)
            {
                for (j, i) in (0..INPUTS).flat_map(|j| (0..HIDDEN).map(move |i| (j, i))) {
                    let products = images.iter().enumerate().map(|(b, image)| (image[j], deltas.row(b)[i]));
                    let (sum, magnitudes) = dot(products);
                    let error = (f64::from(got.row(j)[i]) + sum / size as f64).abs();
                    let bound = reduction(size, magnitudes / size as f64);
                    tally.within(error, bound, format_args!("{lighting:?}, {size} images, weight {j}, {i}"));
                }
                tally.case();
            }
        }
    }
    tally.finish("gradients, reduction", MORE_BATCHES.len() * LIGHTINGS.len() * 3);
}

/// Blocks share nothing but norms of lanes, whose changes are then summed block by block.
#[test]
fn blocks_of_rows_give_the_bits_of_the_whole() {
    const WIDTHS: [usize; 8] = [1, 7, 8, 30, 33, 64, 100, 257];
    /// Images of 7 x 9. By lit pixels, blocks have whole bands of squares: one, two, three or all.
    const ROWS: usize = 63;
    const BLOCKS: [usize; 6] = [1, 19, 40, 62, 63, 1000];
    const STEPS: usize = 10;
    const IMAGES: usize = 4;
    type Pick = for<'a> fn(&'a Batch) -> Gradient<'a>;
    const LIT: &str = "lit pixels";
    const GRADIENTS: [(&str, Pick); 3] = [
        ("an image", |batch| {
            Gradient::Image(OfImage { lit: batch.images[0].lit(), deltas: batch.deltas.row_vectors(0) })
        }),
        (LIT, Batch::by_lit_pixels),
        ("a dense product", Batch::by_dense_product),
    ];

    let (band, mut tally) = (squarest(ROWS).band(), Tally::default());
    for optimizer in optimizers(1.0) {
        for hidden in WIDTHS {
            let mut numbers = Numbers(10);
            let start = Panel::from_fn(ROWS, hidden, |_, _| numbers.signed());
            let batches = [(); STEPS].map(|()| {
                let images = [(); IMAGES].map(|()| numbers.image(ROWS, Lighting::Fifth, Numbers::grey));
                let deltas = Panel::from_fn(IMAGES, hidden, |_, _| numbers.signed());
                Batch::new(&images, deltas, 1.0 / IMAGES as f32, 3)
            });
            for (name, pick) in GRADIENTS {
                let trained = |pieces: Pieces| {
                    let mut layer = layer(optimizer, Place::First, start.clone());
                    batches.iter().for_each(|batch| layer.step_in(pieces, &pick(batch)));
                    layer.weights().clone()
                };
                let whole = trained(Pieces::Whole);
                for rows in BLOCKS.map(|rows| if name == LIT { rows.next_multiple_of(band) } else { rows }) {
                    let place = format_args!("{optimizer:?}, H = {hidden}, blocks of {rows} by {name}");
                    let [got, backwards] = [Pieces::Blocks(rows), Pieces::BlocksBackwards(rows)].map(trained);
                    assert_eq!(bits(got.as_slice()), bits(backwards.as_slice()), "in any order, {place}");
                    if lanes_share_norms(optimizer) {
                        let [got, whole] = [&got, &whole]
                            .map(|panel| panel.as_slice().iter().map(|&w| f64::from(w)).collect::<Vec<_>>());
                        tally.within(deviation(&got, &whole), regrouping(STEPS), place);
                    } else {
                        assert_eq!(bits(got.as_slice()), bits(whole.as_slice()), "{place}");
                    }
                    tally.case();
                }
            }
        }
    }
    tally.finish("blocks", RULES * WIDTHS.len() * GRADIENTS.len() * BLOCKS.len());
}
