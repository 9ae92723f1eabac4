//! What a trained network gets right, what it mistakes for what, and how far off it is.
//!
//! ```text
//! confusion[t][p]   images of class t that are put in class p
//! accuracy          sum_c confusion[c][c] / images
//! precision of c    confusion[c][c] / sum_t confusion[t][c]       of what is put in c, the part that belongs there
//! recall of c       confusion[c][c] / sum_p confusion[c][p]       of what belongs in c, the part that is put there
//! F1 of c           their harmonic mean: 2 confusion[c][c] / (sum_t confusion[t][c] + sum_p confusion[c][p])
//! error of an image 1/2 sum_k (y_k - t_k)^2
//! ```
//!
//! with an image's outputs y and their targets t. The error is what training lowers, and is told as its mean over images.
//! A quotient whose denominator is 0 is undefined, and has no value.

use super::statistics::proportion::wilson;
use crate::data::Split;
use crate::engine::classify::Answers;
use serde::Serialize;

/// What a network does with the images of a split.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    /// Images, at least one.
    pub images: u64,
    /// Those that are put in their class.
    pub right: u64,
    /// The mean over images of half the sum of squared errors of their outputs.
    pub half_squared_error: f64,
    /// `[true class][predicted class]`: how many images.
    pub confusion: Vec<Vec<u64>>,
    /// The images with the largest errors, the largest first; of equal ones, the first in the file.
    pub worst: Vec<Mistake>,
}

/// An image of which the network says something else than it should. Not all of these are put in a wrong class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mistake {
    /// Its number in the file, from 0.
    pub image: usize,
    /// Its class.
    #[serde(rename = "true")]
    pub label: u8,
    /// The class that it is put in.
    pub predicted: u8,
    /// Half the sum of the squared errors of its outputs.
    pub half_squared_error: f64,
    /// All outputs.
    pub outputs: Vec<f32>,
}

/// What becomes of one class.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Class {
    /// Its images.
    pub support: u64,
    /// Images that are put in it.
    pub predicted: u64,
    /// Those of them that belong in it.
    pub right: u64,
    /// The part of the images put in it that belong there.
    pub precision: Option<f64>,
    /// The part of its images that are put in it.
    pub recall: Option<f64>,
    /// The harmonic mean of both.
    pub f1: Option<f64>,
}

impl Evaluation {
    /// Compares `answers` with the classes of `split`, of which they are, and the targets `one_hot` (others, right). The
    /// `worst` so many images are named.
    ///
    /// # Panics
    /// If the numbers of images differ, there is none, or a label is no output.
    pub fn of(answers: &Answers, split: &Split, one_hot: (f64, f64), worst: usize) -> Self {
        assert_eq!(answers.len(), split.len(), "an answer for each image");
        let classes = answers.outputs(0).len();
        let mut confusion = vec![vec![0; classes]; classes];
        for (n, &label) in split.labels().iter().enumerate() {
            confusion[usize::from(label)][usize::from(answers.class(n))] += 1;
        }
        let error = |n: usize| half_squared_error(answers.outputs(n), split.label(n), one_hot);
        let errors: Vec<f64> = (0..split.len()).map(error).collect();
        let mut order: Vec<usize> = (0..split.len()).collect();
        order.sort_by(|&a, &b| errors[b].total_cmp(&errors[a])); // stable
        let mistake = |&image: &usize| Mistake {
            image,
            label: split.label(image),
            predicted: answers.class(image),
            half_squared_error: errors[image],
            outputs: answers.outputs(image).to_vec(),
        };
        Self {
            images: split.len() as u64,
            right: (0..classes).map(|class| confusion[class][class]).sum(),
            half_squared_error: errors.iter().sum::<f64>() / split.len() as f64,
            confusion,
            worst: order.iter().take(worst).map(mistake).collect(),
        }
    }

    /// The share of images that are put in their class.
    pub fn accuracy(&self) -> f64 {
        self.right as f64 / self.images as f64
    }

    /// The interval in which the accuracy on images of this kind lies, at the level of [`wilson`].
    pub fn accuracy_interval(&self) -> [f64; 2] {
        wilson(self.right, self.images)
    }

    /// The mean over images and outputs of the squared error, without the half.
    pub fn mean_squared_error(&self) -> f64 {
        2.0 * self.half_squared_error / self.confusion.len() as f64
    }

    /// What becomes of every class.
    pub fn classes(&self) -> Vec<Class> {
        let of = |class: usize| {
            let right = self.confusion[class][class];
            let support = self.confusion[class].iter().sum();
            let predicted = self.confusion.iter().map(|row| row[class]).sum();
            let share = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
            Class {
                support,
                predicted,
                right,
                precision: share(right, predicted),
                recall: share(right, support),
                f1: share(2 * right, predicted + support),
            }
        };
        (0..self.confusion.len()).map(of).collect()
    }
}

fn half_squared_error(outputs: &[f32], label: u8, (low, high): (f64, f64)) -> f64 {
    let square = |(k, &y): (usize, &f32)| {
        let target = if k == usize::from(label) { high } else { low };
        (f64::from(y) - target).powi(2)
    };
    0.5 * outputs.iter().enumerate().map(square).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::classify::classify;
    use crate::engine::images::{Images, Inputs};
    use crate::engine::network::Network;
    use crate::engine::threads::Threads;
    use dlr_kernels::panel::Panel;

    /// Three classes; the second is never predicted, the third has no image.
    #[test]
    fn a_small_confusion_matrix_by_hand() {
        let evaluation = Evaluation {
            images: 10,
            right: 5,
            half_squared_error: 0.375,
            confusion: vec![vec![5, 0, 1], vec![4, 0, 0], vec![0, 0, 0]],
            worst: vec![],
        };
        assert_eq!((evaluation.accuracy(), evaluation.mean_squared_error()), (0.5, 0.25));
        assert_eq!(evaluation.accuracy_interval(), wilson(5, 10));
        let [first, second, third] = evaluation.classes().try_into().unwrap();
        let class = Class {
            support: 6,
            predicted: 9,
            right: 5,
            precision: Some(5.0 / 9.0),
            recall: Some(5.0 / 6.0),
            f1: Some(10.0 / 15.0),
        };
        assert_eq!(first, class);
        let never = Class { support: 4, predicted: 0, right: 0, precision: None, ..class };
        assert_eq!(second, Class { recall: Some(0.0), f1: Some(0.0), ..never });
        let empty = Class { support: 0, predicted: 1, recall: None, ..never };
        assert_eq!(third, Class { precision: Some(0.0), f1: Some(0.0), ..empty });
    }

    /// A class that is neither there nor predicted has no quotient at all.
    #[test]
    fn undefined_quotients_have_no_value() {
        let confusion = vec![vec![1, 0], vec![0, 0]];
        let evaluation =
            Evaluation { images: 1, right: 1, half_squared_error: 0.0, confusion, worst: vec![] };
        let nothing = Class { support: 0, predicted: 0, right: 0, precision: None, recall: None, f1: None };
        assert_eq!(evaluation.classes()[1], nothing);
    }

    /// A network of one hidden unit whose outputs don't depend on the image: hidden sum 0, so 1/2, and outputs
    /// s(w / 2), which are 1/2, s(1) and s(-1).
    #[test]
    fn errors_are_half_the_sum_of_squares() {
        let network = Network {
            first: Panel::zeros(2, 1),
            inner: Vec::new(),
            last: Panel::from_fn(3, 1, |k, _| [0.0, 2.0, -2.0][k]),
        };
        let split = Split::from_pixels(2, &[1, 2, 3, 4, 5, 6, 7, 8], &[1, 0, 2, 1]).unwrap();
        let answers = classify(&network, &Images::new(&split, Inputs::Unit), Threads::One);
        let s = 1.0 / (1.0 + (-1.0_f64).exp());
        for (low, high) in [(0.0, 1.0), (0.1, 0.9)] {
            let found = Evaluation::of(&answers, &split, (low, high), 3);
            let of =
                |[a, b, c]: [f64; 3]| 0.5 * ((0.5 - a).powi(2) + (s - b).powi(2) + (1.0 - s - c).powi(2));
            let [first, second, third] = [of([high, low, low]), of([low, high, low]), of([low, low, high])];
            let near = |found: f64, want: f64| assert!((found - want).abs() < 1e-7, "{found}, not {want}");
            near(found.half_squared_error, (first + 2.0 * second + third) / 4.0);
            // All are put in class 1, which two of them belong in.
            assert_eq!(found.confusion, [[0, 1, 0], [0, 2, 0], [0, 1, 0]]);
            assert_eq!((found.images, found.right), (4, 2));
            let worst: Vec<_> =
                found.worst.iter().map(|worst| (worst.image, worst.label, worst.predicted)).collect();
            assert_eq!(worst, [(2, 2, 1), (1, 0, 1), (0, 1, 1)], "of two alike, the first in the file");
            near(found.worst[0].half_squared_error, third);
            near(f64::from(found.worst[0].outputs[1]), s);
        }
    }
}
