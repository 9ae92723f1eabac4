//! How many images a network classifies correctly, and whether that is enough.
//!
//! An image's class is the output with the largest net input, the first of equals.

use super::images::Images;
use super::inner;
use super::network::Weights;
use super::threads::Threads;
use dlr_kernels::forward::{activate, hidden_sums};
use dlr_kernels::lanes::{LANES, f32xN, vectors};
use dlr_kernels::lighters::Lighters;
use dlr_kernels::output::{argmax, output_sums};
use dlr_kernels::panel::Panel;

/// Images that are one piece of work for a thread.
pub(super) const IMAGES_PER_PIECE: usize = Lighters::TOGETHER * Lighters::IMAGES;
/// Hidden units from which on images go forward together, as in batches. With 16 lanes, that takes 1.05 of the time of reading the
/// rows of each image's lit pixels anew at H = 30, 0.92 at 40, and 0.82 at 64; with eight, 1.07 at 56, 0.98 at 64 and 0.96 at 80.
/// Where half of the inputs are lit or more, with eight, 0.99 at 16, 0.96 at 30 and 0.63 at 48. Weights that are not finite then
/// make NaN of whole groups' sums, as in batches, too.
fn worth_turning(density: f64) -> usize {
    match density {
        0.5.. => 17,
        _ if LANES == 16 => 33,
        _ => 65,
    }
}

/// A test set, and what earlier tests have shown about its images.
pub struct Evaluator<'a> {
    images: Images<'a>,
    threads: Threads,
    /// All images, by rising margin at their last test: the mistaken and the doubtful first.
    suspects: Vec<Suspect>,
}

/// An image, and by how much its class was ahead when it was last looked at.
#[derive(Clone, Copy, Debug)]
struct Suspect {
    image: u32,
    margin: f32,
}

/// What the network makes of an image.
#[derive(Clone, Copy, Debug, Default)]
struct Verdict {
    /// Whether it is put in its class.
    right: bool,
    /// The net input of its class's output over the largest of the others.
    margin: f32,
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
        let suspects = (0..images.len() as u32).map(|image| Suspect { image, margin: f32::MIN }).collect();
        Self { images, threads, suspects }
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.images.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.images.is_empty()
    }

    /// The share of images that a network puts in their right class; of none, NaN.
    ///
    /// # Panics
    /// If the weights have not as many inputs as images have pixels, or fewer outputs than there are classes. The same holds for
    /// the other tests.
    pub fn accuracy(&self, weights: &Weights) -> f64 {
        self.share(self.count_right(weights))
    }

    /// Their number.
    pub fn count_right(&self, weights: &Weights) -> usize {
        let all: Vec<u32> = (0..self.images.len() as u32).collect(); // in the order in which they lie in memory
        self.classify(&all, weights).iter().filter(|verdict| verdict.right).count()
    }

    fn share(&self, right: usize) -> f64 {
        right as f64 / self.images.len() as f64
    }

    /// Whether [`accuracy`](Self::accuracy) is strictly above `target`, which fewer images can tell: it is not as soon as
    /// there are too many mistakes. The images that were mistaken or doubtful last time are looked at first, since most
    /// mistakes stay from one test to the next.
    pub fn is_above(&mut self, target: f64, weights: &Weights) -> Decision {
        let all = self.images.len();
        let threads = self.threads.count();
        let (mut right, mut wrong) = (0, 0);
        while right + wrong < all {
            let rest = &self.suspects[right + wrong..];
            let images: Vec<u32> =
                rest.iter().take(IMAGES_PER_PIECE * threads).map(|suspect| suspect.image).collect();
            let verdicts = self.classify(&images, weights);
            for (suspect, verdict) in self.suspects[right + wrong..].iter_mut().zip(&verdicts) {
                suspect.margin = verdict.margin;
            }
            let hits = verdicts.iter().filter(|verdict| verdict.right).count();
            right += hits;
            wrong += verdicts.len() - hits;
            // In the very words of the full count's comparison, so that rounding can't tell them apart.
            if self.share(right) > target || self.share(all - wrong) <= target {
                break;
            }
        }
        self.suspects.sort_by(|a, b| a.margin.total_cmp(&b.margin)); // most are sorted still
        Decision { above: self.share(right) > target, classified: right + wrong }
    }

    /// What the network makes of each of `images`.
    fn classify(&self, images: &[u32], weights: &Weights) -> Vec<Verdict> {
        let mut verdicts = vec![Verdict::default(); images.len()];
        let one = |(numbers, verdicts): (&[u32], &mut [Verdict])| {
            classify_each(&self.images, numbers, weights, |place, sums| {
                let label = self.images.label(numbers[place] as usize);
                verdicts[place] = Verdict::on(sums, label, weights.last.rows());
            });
        };
        let n = IMAGES_PER_PIECE;
        self.threads.each(images.chunks(n).zip(verdicts.chunks_mut(n)), one);
        verdicts
    }
}

impl Verdict {
    /// On an image of class `label`, by the net inputs of its so many outputs.
    fn on(sums: &[f32xN], label: u8, outputs: usize) -> Self {
        let label = usize::from(label);
        let right = argmax(sums, outputs) == label;
        let sums: &[f32] = &bytemuck::cast_slice(sums)[..outputs];
        let others = sums.iter().enumerate().filter(|&(k, _)| k != label).map(|(_, &sum)| sum);
        Self { right, margin: sums[label] - others.fold(f32::MIN, f32::max) }
    }
}

/// Tells `see` of each image in `numbers`, which are at most [`IMAGES_PER_PIECE`]: its place there, and the net inputs of its
/// outputs.
pub(super) fn classify_each(
    images: &Images,
    numbers: &[u32],
    weights: &Weights,
    mut see: impl FnMut(usize, &mut [f32xN]),
) {
    let Weights { first, inner, last } = weights;
    let sums = if first.width() < worth_turning(images.density()) { lit_sums } else { turned_sums };
    let mut hidden = Panel::zeros(numbers.len(), first.width());
    sums(images, numbers, first, &mut hidden);
    for weights in inner {
        let mut after = Panel::zeros(numbers.len(), weights.width());
        inner::forward(weights, &mut hidden, &mut after, numbers.len());
        hidden = after;
    }
    let mut outputs = vec![f32xN::ZERO; vectors(last.rows())];
    for (place, row) in hidden.as_vectors_mut().chunks_exact_mut(last.vectors()).enumerate() {
        activate(row, last.width());
        output_sums(row, last, &mut outputs);
        see(place, &mut outputs);
    }
}

/// The hidden units' net inputs for some images, by their lit pixels, one image after the other.
fn lit_sums(images: &Images, numbers: &[u32], first: &Panel, hidden: &mut Panel) {
    let mut values = Vec::with_capacity(images.inputs());
    for (row, &image) in hidden.as_vectors_mut().chunks_exact_mut(first.vectors()).zip(numbers) {
        hidden_sums(images.lit(image as usize, &mut values), first, row);
    }
}

/// The same, turned around.
fn turned_sums(images: &Images, numbers: &[u32], first: &Panel, hidden: &mut Panel) {
    let part = |numbers: &[u32]| {
        let mut part = Lighters::new(images.grouping());
        part.turn(images.levels(), numbers.iter().map(|&image| images.groups().of(image as usize)));
        part
    };
    let parts: Vec<_> = numbers.chunks(Lighters::IMAGES).map(part).collect();
    Lighters::hidden_sums(&parts, first.as_vectors(), 0..first.vectors(), hidden.as_vectors_mut());
}
