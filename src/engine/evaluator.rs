//! How many images a network classifies correctly.

use super::images::Images;
use dlr_kernels::forward::{activate, hidden_sums};
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::lanes::{f32x8, vectors};
use dlr_kernels::output::{argmax, output_sums};
use dlr_kernels::panel::Panel;
use rayon::prelude::*;

/// Images that are one piece of work for a thread.
const IMAGES_PER_PIECE: usize = 250;

/// The images that the network `(first, second)` puts in their right class; spread over the current rayon pool.
///
/// The class is the output with the largest net input, the first of equals.
pub fn count_right(images: &Images, first: &Panel, second: &Panel) -> usize {
    let dense = images.are_dense();
    let pieces = images.len().div_ceil(IMAGES_PER_PIECE);
    (0..pieces)
        .into_par_iter()
        .map(|piece| {
            let range = piece * IMAGES_PER_PIECE..images.len().min((piece + 1) * IMAGES_PER_PIECE);
            if dense {
                count_dense(images, range, first, second)
            } else {
                count_lit(images, range, first, second)
            }
        })
        .sum()
}

/// The same number as a share of all images.
pub fn accuracy(images: &Images, first: &Panel, second: &Panel) -> f64 {
    count_right(images, first, second) as f64 / images.len() as f64
}

fn is_right(hidden: &mut [f32x8], sums: &mut [f32x8], second: &Panel, label: u8) -> bool {
    activate(hidden, second.width());
    output_sums(hidden, second, sums);
    argmax(sums, second.rows()) == usize::from(label)
}

fn count_lit(images: &Images, range: std::ops::Range<usize>, first: &Panel, second: &Panel) -> usize {
    let mut values = Vec::with_capacity(images.inputs());
    let mut hidden = vec![f32x8::ZERO; first.vectors()];
    let mut sums = vec![f32x8::ZERO; vectors(second.rows())];
    let right = |&image: &usize| {
        hidden_sums(images.lit(image, &mut values), first, &mut hidden);
        is_right(&mut hidden, &mut sums, second, images.label(image))
    };
    range.filter(right).count()
}

fn count_dense(images: &Images, range: std::ops::Range<usize>, first: &Panel, second: &Panel) -> usize {
    let (inputs, stride, n) = (images.inputs(), first.stride(), range.len());
    let mut x = vec![0.0; n * inputs];
    for (row, image) in x.chunks_exact_mut(inputs).zip(range.clone()) {
        images.dense(image, row);
    }
    let mut hidden = Panel::zeros(n, first.width());
    gemm(
        View::new(&x, n, inputs, inputs),
        View::new(first.as_slice(), inputs, stride, stride),
        0.0,
        &mut ViewMut::new(hidden.as_mut_slice(), n, stride, stride),
    );
    let mut sums = vec![f32x8::ZERO; vectors(second.rows())];
    let rows = hidden.as_vectors_mut().chunks_exact_mut(first.vectors());
    rows.zip(range)
        .filter_map(|(row, image)| is_right(row, &mut sums, second, images.label(image)).then_some(()))
        .count()
}
