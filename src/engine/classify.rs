//! What a network says of images: all outputs of each, and the class that it puts it in.
//!
//! The class is the output with the largest net input, the first of equals, by the very steps in which tests during
//! training take it, so that both count the same.

use super::evaluator::{IMAGES_PER_PIECE, classify_each};
use super::images::{Images, Inputs};
use super::network::Network;
use super::threads::Threads;
use crate::data::Split;
use crate::error::{Error, Result};
use dlr_kernels::logistic::logistic;
use dlr_kernels::output::argmax;
use std::io;

/// What a network says of some images.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// Outputs of the network.
    outputs: usize,
    /// `[images]`
    classes: Vec<u8>,
    /// `[images][outputs]`
    values: Vec<f32>,
}

impl Answers {
    /// Number of images.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The class that image `n` is put in.
    pub fn class(&self, n: usize) -> u8 {
        self.classes[n]
    }

    /// What every output unit says of image `n`, each from 0 to 1. The units are independent of one another: this is no
    /// distribution, and need not add up to 1.
    pub fn outputs(&self, n: usize) -> &[f32] {
        &self.values[n * self.outputs..][..self.outputs]
    }
}

/// What `network` says of `images`, which have as many pixels as it has inputs.
pub fn classify(network: &Network, images: &Images, threads: Threads) -> Answers {
    let (all, outputs) = (images.len(), network.outputs());
    let numbers: Vec<u32> = (0..all as u32).collect();
    let mut answers = Answers { outputs, classes: vec![0; all], values: vec![0.0; all * outputs] };
    let one = |((numbers, classes), values): ((&[u32], &mut [u8]), &mut [f32])| {
        classify_piece(network, images, numbers, classes, values);
    };
    let (n, classes, values) = (IMAGES_PER_PIECE, &mut answers.classes, &mut answers.values);
    threads.each(numbers.chunks(n).zip(classes.chunks_mut(n)).zip(values.chunks_mut(n * outputs)), one);
    answers
}

/// What `network` says of one image of so many rows and columns, whose grey levels are `grey`, `[inputs]`.
///
/// # Errors
/// [`Error::Resource`] if there is no memory left for it.
///
/// # Panics
/// If the image has other pixels than the network inputs, or `grey` others than the image.
pub fn classify_one(
    network: &Network,
    shape: (usize, usize),
    grey: &[u8],
    inputs: Inputs,
) -> Result<Answers> {
    let split = Split::from_images(shape, grey, &[0]).map_err(|error| Error::Resource {
        action: "hold an image",
        source: io::Error::other(error),
        cure: "free some memory",
    })?;
    Ok(classify(network, &Images::new(&split, inputs), Threads::One))
}

/// The classes and outputs of the images in `numbers`.
fn classify_piece(
    network: &Network,
    images: &Images,
    numbers: &[u32],
    classes: &mut [u8],
    values: &mut [f32],
) {
    let (weights, outputs) = (network.weights(), network.outputs());
    classify_each(images, numbers, &weights, |place, sums| {
        classes[place] = argmax(sums, outputs) as u8;
        sums.iter_mut().for_each(|sum| *sum = logistic(*sum));
        values[place * outputs..][..outputs].copy_from_slice(&bytemuck::cast_slice(sums)[..outputs]);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::evaluator::Evaluator;
    use crate::engine::hidden::Hidden;
    use crate::engine::network::Matrix;
    use crate::engine::settings::Init;

    const SHAPE: (usize, usize) = (3, 5);
    const INPUTS: usize = SHAPE.0 * SHAPE.1;

    /// Images of 3 x 5 pixels in 5 classes, of which about every third pixel is lit.
    fn split() -> Split {
        let images = 350;
        let pixels: Vec<u8> =
            (0..images * INPUTS).map(|n| if n * n % 7 < 2 { (n * 31 % 256) as u8 } else { 0 }).collect();
        let labels: Vec<u8> = (0..images).map(|n| (n % 5) as u8).collect();
        Split::from_images(SHAPE, &pixels, &labels).unwrap()
    }

    /// Networks whose first layer images go through one by one, and turned around, with hidden layers after it and without.
    fn sizes() -> impl Iterator<Item = Hidden> {
        ["13", "70", "13,6,9", "300,20"].into_iter().map(|hidden| hidden.parse().unwrap())
    }

    /// These, with dark pixels and without.
    fn ways() -> impl Iterator<Item = (Inputs, Hidden)> {
        [Inputs::Unit, Inputs::Offset]
            .into_iter()
            .flat_map(|inputs| sizes().map(move |hidden| (inputs, hidden)))
    }

    #[test]
    fn the_answers_are_those_of_the_plain_formula() {
        let split = split();
        let logistic = |z: f64| 1.0 / (1.0 + (-z).exp());
        for (inputs, hidden) in ways() {
            let network = Network::draw(INPUTS, hidden, 5, Init::Normal(1.0), 3);
            let images = Images::new(&split, inputs);
            let answers = classify(&network, &images, Threads::One);
            for n in 0..images.len() {
                let mut x = [0.0; INPUTS];
                images.dense(n, &mut x);
                let through = |before: Vec<f64>, layer: Matrix| -> Vec<f64> {
                    let rows = layer.numbers.chunks(layer.before);
                    let sum = |row: &[f32]| before.iter().zip(row).map(|(x, &w)| x * f64::from(w)).sum();
                    rows.map(sum).map(logistic).collect()
                };
                let outputs = network.to_torch().into_iter().fold(x.map(f64::from).to_vec(), through);
                for (found, want) in answers.outputs(n).iter().zip(&outputs) {
                    // Sums of 6 to 300 numbers of about 1, each rounded to 6e-8, through functions of slope 1/4.
                    assert!((f64::from(*found) - want).abs() < 3e-6, "image {n}: {found}, not {want}");
                }
                let class = usize::from(answers.class(n));
                assert!(outputs.iter().all(|output| *output <= outputs[class] + 3e-6), "image {n}");
            }
        }
    }

    #[test]
    fn as_many_are_right_as_in_a_test_during_training() {
        let split = split();
        for ((inputs, hidden), seed) in ways().flat_map(|way| [(way.clone(), 1), (way, 2)]) {
            let network = Network::draw(INPUTS, hidden, 5, Init::FanIn, seed);
            let answers = classify(&network, &Images::new(&split, inputs), Threads::One);
            assert_eq!(answers, classify(&network, &Images::new(&split, inputs), Threads::Pool));
            let right = (0..split.len()).filter(|&n| answers.class(n) == split.label(n)).count();
            let test = Evaluator::new(Images::new(&split, inputs), Threads::One);
            assert_eq!(right, test.count_right(&network.weights()));
            assert!(right > 0 && right < split.len(), "{right} prove nothing");
        }
    }

    #[test]
    fn one_image_is_answered_as_among_others() {
        let split = split();
        for (hidden, n) in sizes().flat_map(|hidden| (0..20).map(move |n| (hidden.clone(), n))) {
            let network = Network::draw(INPUTS, hidden, 5, Init::Normal(1.0), 4);
            let all = classify(&network, &Images::new(&split, Inputs::Unit), Threads::One);
            let mut grey = [0; INPUTS];
            let (index, value) = split.pixels().of(n);
            index.iter().zip(value).for_each(|(&j, &level)| grey[usize::from(j)] = level);
            let one = classify_one(&network, SHAPE, &grey, Inputs::Unit).unwrap();
            assert_eq!((one.len(), one.class(0)), (1, all.class(n)));
            assert_eq!(one.outputs(0), all.outputs(n), "image {n}");
        }
    }
}
