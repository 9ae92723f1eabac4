//! How many images a network classifies correctly, and whether that is enough.
//!
//! An image's class is the output with the largest net input, the first of equals.

use super::images::Images;
use super::threads::Threads;
use dlr_kernels::forward::{activate, hidden_sums};
use dlr_kernels::gemm::{View, ViewMut, gemm};
use dlr_kernels::lanes::{f32x8, vectors};
use dlr_kernels::output::{argmax, output_sums};
use dlr_kernels::panel::Panel;
use rayon::prelude::*;

/// Images that are one piece of work for a thread.
const IMAGES_PER_PIECE: usize = 100;

/// A test set, and what earlier tests have shown about its images.
pub struct Evaluator<'a> {
    images: Images<'a>,
    threads: Threads,
    /// All images, those that were last seen to be mistaken for others first.
    suspects: Vec<u32>,
}

/// What [`Evaluator::is_above`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the accuracy is above the one asked for.
    pub above: bool,
    /// How many images were classified to be sure.
    pub classified: usize,
}

impl<'a> Evaluator<'a> {
    /// An evaluator that knows nothing of its images yet.
    pub fn new(images: Images<'a>, threads: Threads) -> Self {
        let suspects = (0..images.len() as u32).collect();
        Self { images, threads, suspects }
    }

    /// The share of images that the network `(first, second)` puts in their right class.
    pub fn accuracy(&self, first: &Panel, second: &Panel) -> f64 {
        self.share(self.count_right(first, second))
    }

    /// Their number.
    pub fn count_right(&self, first: &Panel, second: &Panel) -> usize {
        let all: Vec<u32> = (0..self.images.len() as u32).collect(); // in the order in which they lie in memory
        let right = self.classify(&all, first, second);
        right.iter().filter(|&&right| right).count()
    }

    fn share(&self, right: usize) -> f64 {
        right as f64 / self.images.len() as f64
    }

    /// Whether [`accuracy`](Self::accuracy) is strictly above `target`, which fewer images can tell: it is not as soon as
    /// there are too many mistakes. Those of the last test come first, since most of them stay from one test to the next.
    pub fn is_above(&mut self, target: f64, first: &Panel, second: &Panel) -> Decision {
        let all = self.images.len();
        let threads = if self.threads == Threads::Pool { rayon::current_num_threads() } else { 1 };
        let (mut wrong, mut right) = (Vec::new(), Vec::new());
        for images in self.suspects.chunks(IMAGES_PER_PIECE * threads) {
            for (&image, is_right) in images.iter().zip(self.classify(images, first, second)) {
                if is_right { right.push(image) } else { wrong.push(image) }
            }
            // In the very words of the full count's comparison, so that rounding can't tell them apart.
            if self.share(right.len()) > target || self.share(all - wrong.len()) <= target {
                break;
            }
        }
        let decision =
            Decision { above: self.share(right.len()) > target, classified: right.len() + wrong.len() };
        let (mistaken, others) = self.suspects[..decision.classified].split_at_mut(wrong.len());
        mistaken.copy_from_slice(&wrong);
        others.copy_from_slice(&right);
        decision
    }

    /// Which of `images` the network puts in their right class.
    fn classify(&self, images: &[u32], first: &Panel, second: &Panel) -> Vec<bool> {
        let mut right = vec![false; images.len()];
        let one = |(images, right): (&[u32], &mut [bool])| {
            if self.images.are_dense() {
                classify_dense(&self.images, images, first, second, right);
            } else {
                classify_lit(&self.images, images, first, second, right);
            }
        };
        match self.threads {
            Threads::One => {
                images.chunks(IMAGES_PER_PIECE).zip(right.chunks_mut(IMAGES_PER_PIECE)).for_each(one)
            }
            Threads::Pool => {
                images.par_chunks(IMAGES_PER_PIECE).zip(right.par_chunks_mut(IMAGES_PER_PIECE)).for_each(one);
            }
        }
        right
    }
}

fn classify_lit(images: &Images, numbers: &[u32], first: &Panel, second: &Panel, right: &mut [bool]) {
    let mut values = Vec::with_capacity(images.inputs());
    let mut hidden = vec![f32x8::ZERO; first.vectors()];
    let mut sums = vec![f32x8::ZERO; vectors(second.rows())];
    for (&image, right) in numbers.iter().zip(right) {
        hidden_sums(images.lit(image as usize, &mut values), first, &mut hidden);
        *right = is_right(&mut hidden, &mut sums, second, images.label(image as usize));
    }
}

fn classify_dense(images: &Images, numbers: &[u32], first: &Panel, second: &Panel, right: &mut [bool]) {
    let mut hidden = Panel::zeros(numbers.len(), first.width());
    let mut x = vec![0.0; numbers.len() * images.inputs()];
    dense_sums(images, numbers, &mut x, first, &mut hidden);
    let mut sums = vec![f32x8::ZERO; vectors(second.rows())];
    let rows = hidden.as_vectors_mut().chunks_exact_mut(first.vectors());
    for ((row, &image), right) in rows.zip(numbers).zip(right) {
        *right = is_right(row, &mut sums, second, images.label(image as usize));
    }
}

/// Whether hidden sums, which become activations, lead to the class `label`.
fn is_right(hidden: &mut [f32x8], sums: &mut [f32x8], second: &Panel, label: u8) -> bool {
    activate(hidden, second.width());
    output_sums(hidden, second, sums);
    argmax(sums, second.rows()) == usize::from(label)
}

/// The hidden units' net inputs for some images, by a dense product; `x`, `[numbers][inputs]`, is overwritten with them.
pub(super) fn dense_sums(images: &Images, numbers: &[u32], x: &mut [f32], first: &Panel, hidden: &mut Panel) {
    let (inputs, stride) = (images.inputs(), first.stride());
    let x = &mut x[..numbers.len() * inputs];
    for (row, &image) in x.chunks_exact_mut(inputs).zip(numbers) {
        images.dense(image as usize, row);
    }
    let (x, w) =
        (View::new(x, numbers.len(), inputs, inputs), View::new(first.as_slice(), inputs, stride, stride));
    gemm(x, w, 0.0, &mut ViewMut::new(hidden.as_mut_slice(), numbers.len(), stride, stride));
}
