//! The tables that the tests run over, the numbers that they fill their arguments with, and the families of errors.
//!
//! | family | bound | where |
//! | --- | --- | --- |
//! | exact | `==` | small integers, whose partial sums are all numbers of f32, in whatever order they are added |
//! | ulps | 2 units in the last place | the logistic |
//! | reduction | [`reduction`] | sums of products of real numbers |
//! | training | roundings a step, of the largest weight | whole steps; each rule argues for its own |

use std::fmt;

/// Hidden units: every number of lanes in the last vector for up to five vectors, then the edges of the tiles of eight
/// vectors, then rows of many tiles.
pub fn widths() -> impl Iterator<Item = usize> {
    (1..=40).chain([63, 64, 65, 71, 72, 73, 127, 128, 129, 300, 1000, 4096])
}

/// Which pixels of an image are lit.
#[derive(Clone, Copy, Debug)]
pub enum Lighting {
    None,
    OnePixel,
    /// 0.19 of them, as in MNIST.
    Fifth,
    All,
}

pub const LIGHTINGS: [Lighting; 4] = [Lighting::None, Lighting::OnePixel, Lighting::Fifth, Lighting::All];

/// Steele's SplitMix64.
pub struct Numbers(pub u64);

impl Numbers {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to n - 1.
    pub fn below(&mut self, n: usize) -> usize {
        (self.bits() % n as u64) as usize
    }

    /// In (0, 1], of 24 random bits.
    pub fn unit(&mut self) -> f32 {
        ((self.bits() >> 40) + 1) as f32 / 16_777_216.0
    }

    /// In (-1, 1].
    pub fn signed(&mut self) -> f32 {
        2.0 * self.unit() - 1.0
    }

    /// A whole number from -4 to 4.
    pub fn integer(&mut self) -> f32 {
        self.below(9) as f32 - 4.0
    }

    /// A whole number from 1 to 4.
    pub fn positive(&mut self) -> f32 {
        self.below(4) as f32 + 1.0
    }

    /// An image whose lit pixels come from `value`.
    pub fn image(&mut self, inputs: usize, lighting: Lighting, value: fn(&mut Self) -> f32) -> Vec<f32> {
        let one = self.below(inputs);
        let mut pixel = |j| {
            let lit = match lighting {
                Lighting::None => false,
                Lighting::OnePixel => j == one,
                Lighting::Fifth => self.unit() < 0.19,
                Lighting::All => true,
            };
            if lit { value(self) } else { 0.0 }
        };
        (0..inputs).map(&mut pixel).collect()
    }
}

/// Half the distance from 1 to the next f32: the largest relative error of one rounding.
pub const U: f64 = 1.0 / 16_777_216.0;

/// How far a sum of `terms` products in f32 may be off, in whatever order it is taken: each product goes through at most
/// `terms` roundings, and the factor of 2 leaves room for a few operations before or after.
pub fn reduction(terms: usize, sum_of_magnitudes: f64) -> f64 {
    2.0 * (terms + 2) as f64 * U * sum_of_magnitudes
}

/// A sum of products in f64, and the sum of their magnitudes.
pub fn dot(products: impl Iterator<Item = (f32, f32)>) -> (f64, f64) {
    products.fold((0.0, 0.0), |(sum, magnitudes), (a, b)| {
        let product = f64::from(a) * f64::from(b);
        (sum + product, magnitudes + product.abs())
    })
}

/// max |got - want| / max |want|, and NaN if any number is.
pub fn deviation(got: &[f64], want: &[f64]) -> f64 {
    assert_eq!(got.len(), want.len());
    // f64::max would pass over a NaN.
    let larger = |a: f64, b: f64| if a >= b || a.is_nan() { a } else { b };
    let difference = got.iter().zip(want).map(|(a, b)| (a - b).abs()).fold(0.0, larger);
    difference / want.iter().map(|b| b.abs()).fold(0.0, larger)
}

/// Counts a test's cases, so that one which ran none cannot pass, and remembers how close they came to their bounds.
#[derive(Default)]
pub struct Tally {
    cases: usize,
    /// The largest error as a share of its bound.
    worst: f64,
}

impl Tally {
    pub fn case(&mut self) {
        self.cases += 1;
    }

    /// Demands that `error` keeps within `bound`, which NaN does not.
    pub fn within(&mut self, error: f64, bound: f64, place: fmt::Arguments) {
        assert!(error <= bound, "{place}: off by {error:e}, more than {bound:e}");
        if error > 0.0 {
            self.worst = self.worst.max(error / bound);
        }
    }

    /// Demands that `cases` cases were executed.
    pub fn finish(self, test: &str, cases: usize) {
        println!("{test}: {cases} cases, at worst {:.3} of the bound", self.worst);
        assert_eq!(self.cases, cases, "cases executed by {test}");
    }
}
