//! The families of errors, and the tally of how close the kernels come to them.
//!
//! | family | bound | where |
//! | --- | --- | --- |
//! | exact | `==` | small integers, whose partial sums are all numbers of f32, in whatever order they are added |
//! | bits | [`bits`](crate::helpers::bits) | weights that must not be touched, and work that is only cut in other pieces |
//! | roundings, ulps | [`roundings`], [`ulps`] | the logistic, and what a few operations make of it |
//! | reduction | [`reduction`] | sums of products of real numbers |
//! | training | [`training`] | whole steps, of the largest weight |
//! | regrouping | [`regrouping`] | steps whose lanes' norms are summed in another order, of the largest weight |
//! | drift | [`drift`] | norms that are amended, never taken anew |
//! | pauses | [`bound`](crate::pauses) | rows that wait while they have no gradient |

use dlr_kernels::reference::Optimizer;
use std::fmt;

/// Half the distance from 1 to the next f32: the largest relative error of one rounding.
pub const U: f64 = 1.0 / 16_777_216.0;

/// The error of `n` roundings of a number.
pub fn roundings(n: f64, of: f64) -> f64 {
    n * U * of.abs()
}

/// The size of `n` units in the last place of a number: one is at most two roundings.
pub fn ulps(n: f64, of: f64) -> f64 {
    roundings(2.0 * n, of)
}

/// How far a sum of `terms` products in f32 may be off, in whatever order it is taken: each product goes through at most
/// `terms` roundings, and the factor of 2 leaves room for a few operations before or after.
pub fn reduction(terms: usize, sum_of_magnitudes: f64) -> f64 {
    2.0 * (terms + 2) as f64 * U * sum_of_magnitudes
}

/// How far a layer may be from the reference after `steps` steps, relative to its largest weight.
///
/// A step rounds every weight once, by at most U of itself, after adding a change that is smaller than the largest weight
/// and itself off by a few U: long sums are off by far less than their worst case, as roundings are of either sign.
/// Steps are small, so what one is off by neither grows nor shrinks much in the next, and errors add up.
///
/// Adam, AdaGrad and RMSProp divide a gradient by its own size, so where one nearly cancels, its rounding error is not small
/// beside the step. It is multiplied by no more than lr / epsilon, which is at most 32 in
/// [`optimizers`](crate::layers::optimizers): gradients are sums of terms some hundred times smaller than the largest
/// weight, and off by a few U of these.
///
/// Where there is no fused multiply-add, every product is rounded, too: twice as often.
pub fn training(optimizer: Optimizer, steps: usize) -> f64 {
    let roundings_per_step = match optimizer {
        Optimizer::Adam { .. } | Optimizer::AdaGrad { .. } | Optimizer::RmsProp { .. } => 8.0,
        _ => 4.0,
    };
    let per_product = if cfg!(target_feature = "fma") { 1.0 } else { 2.0 };
    per_product * roundings_per_step * U * steps as f64
}

/// How far apart layers may be after `steps` steps in which the changes of a lane's norm are summed in different orders,
/// relative to the largest weight: the rates then differ by about a rounding, the steps by as much of themselves, and
/// these are smaller than the weights that they change, so no weight is rounded differently by more than U.
pub fn regrouping(steps: usize) -> f64 {
    U * steps as f64
}

/// The relative error of a norm after `steps` steps that each amended its square. The changes are rounded, not the square:
/// at a fifth of lit rows and steps smaller than the weights, what changes is less than an eighth of the norm, and
/// roundings of either sign add up as the square root of their number.
pub fn drift(steps: usize) -> f64 {
    U * (steps as f64).sqrt() / 8.0
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
