//! The curve along which DLR's mean learning rate falls (Li 2020, Fig. 3), fitted by least squares:
//!
//! ```text
//! y(t) = a exp(b t^(1/3) + c t) + d
//! ```
//!
//! by variable projection (Golub & Pereyra 1973). For any b and c, the best a and d are a line through (f,
//! y), with f = exp(b t^(1/3) + c t), so that only b and c are searched for, by Levenberg and Marquardt's
//! damped steps:
//!
//! ```text
//! r = y - a f - d                      with that a and d
//! J = -a [P(f t^(1/3)), P(f t)]        P takes out what a multiple of f and a constant explain
//! (J'J + lambda diag(J'J)) step = -J'r
//! ```
//!
//! J leaves out how P changes with b and c (Kaufman 1975), which keeps the gradient J'r exact. Times are
//! divided by the greatest, so that epochs and images are the same to it, and the search begins at twelve
//! places, since the residual may have several minima; the least that is found counts.

use serde::{Deserialize, Serialize};

/// Fewer points than these would be met by the curve's four numbers, whatever they are.
pub const LEAST_POINTS: usize = 5;

/// Where the search begins: b and c with times from 0 to 1. Falls and rises, early and late.
const STARTS: [[f64; 2]; 12] = [
    [-1.0, -1.0],
    [-3.0, -0.1],
    [-3.0, 2.0],
    [-10.0, 0.0],
    [-10.0, 5.0],
    [-30.0, 0.0],
    [-0.1, -5.0],
    [3.0, -10.0],
    [1.0, -1.0],
    [1.0, 1.0],
    [-0.1, 5.0],
    [0.1, 0.1],
];

/// The largest b and c that are looked at, with times from 0 to 1. From one point of a hundred to the next,
/// the curve then changes by e^2 at the least: it is a spike at one of them.
const LARGEST: f64 = 200.0;

/// The least variation of the exponent over all points. The curve is then straight within 1e-7 of its
/// height, and a is 1e6 times as large as that; beyond, a and d grow until nothing but their rounding is
/// left.
const STRAIGHTEST: f64 = 1e-6;

/// More steps than a search has needed in the tests below: most end within 150, where b and c can make up
/// for each other some within 330.
const STEPS: usize = 1000;

/// A fitted curve.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What falls away, in the unit of y.
    pub a: f64,
    /// How it falls at first, per cube root of the unit of t.
    pub b: f64,
    /// How it falls later, per unit of t.
    pub c: f64,
    /// What remains, in the unit of y.
    pub d: f64,
}

/// A curve, and how well it fits.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Fit {
    /// The curve with the least residual.
    pub curve: Curve,
    /// The sum of squares of what it leaves, in the square of the unit of y.
    pub residual: f64,
    /// The share of the variance of y that it explains, R^2; `None` if y does not vary.
    pub r_squared: Option<f64>,
}

/// Why there is no fit.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum Unfit {
    /// Too few points.
    #[error("{found} points at different times are too few for a curve of four numbers; give {LEAST_POINTS}")]
    TooFew {
        /// The number of different times.
        found: usize,
    },
    /// A time or a value is of no use.
    #[error("point {index} is ({t}, {y}); give finite numbers, and times of 0 or later")]
    Point {
        /// The point's place, from 0.
        index: usize,
        /// Its time.
        t: f64,
        /// Its value.
        y: f64,
    },
    /// No search came to an end with finite numbers.
    #[error("no curve of this form was found near the points; look at their plot")]
    Lost,
}

impl Curve {
    /// a, b, c and d.
    pub fn numbers(&self) -> [f64; 4] {
        [self.a, self.b, self.c, self.d]
    }

    /// Its value at `t`, in the units of the fit.
    pub fn at(&self, t: f64) -> f64 {
        self.a * (self.b * t.cbrt() + self.c * t).exp() + self.d
    }
}

/// Fits the curve to the points (`t`, `y`), in any order. If y is constant, but for rounding, so is the
/// curve: a, b and c are 0.
///
/// # Errors
/// If there are too few points, some are not finite, or no search ends.
///
/// # Panics
/// If the lengths differ.
pub fn fit(t: &[f64], y: &[f64]) -> Result<Fit, Unfit> {
    assert_eq!(t.len(), y.len(), "a value for each time");
    check(t, y)?;
    let (points, longest) = Points::of(t, y);
    let variation: f64 = points.y.iter().map(|y| y * y).sum();
    // A mean of equal values is off by a few roundings, and so then is each of the values.
    if variation <= y.len() as f64 * (4.0 * f64::EPSILON * points.mean).powi(2) {
        let curve = Curve { a: 0.0, b: 0.0, c: 0.0, d: points.mean };
        return Ok(Fit { curve, residual: variation, r_squared: None });
    }
    let searched = STARTS.iter().filter_map(|&start| points.search(start));
    let best = searched.min_by(|one, other| one.residual.total_cmp(&other.residual)).ok_or(Unfit::Lost)?;
    let curve = points.curve(&best, longest);
    let residual = t.iter().zip(y).map(|(&t, y)| (y - curve.at(t)).powi(2)).sum::<f64>();
    let finite = residual.is_finite().then_some(residual).ok_or(Unfit::Lost)?;
    Ok(Fit { curve, residual: finite, r_squared: Some(1.0 - finite / variation) })
}

fn check(t: &[f64], y: &[f64]) -> Result<(), Unfit> {
    let bad = |(t, y): (&f64, &f64)| !(t.is_finite() && y.is_finite() && *t >= 0.0);
    if let Some(index) = t.iter().zip(y).position(bad) {
        return Err(Unfit::Point { index, t: t[index], y: y[index] });
    }
    let mut times = t.to_vec();
    times.sort_by(f64::total_cmp);
    times.dedup();
    if times.len() < LEAST_POINTS { Err(Unfit::TooFew { found: times.len() }) } else { Ok(()) }
}

/// The points as the search sees them.
struct Points {
    /// Times from 0 to 1.
    t: Vec<f64>,
    /// Their cube roots.
    root: Vec<f64>,
    /// Values, less their mean.
    y: Vec<f64>,
    mean: f64,
}

/// b and c, and what is best for them: y = slope (f - mean of f), both less their means.
struct Trial {
    exponents: [f64; 2],
    /// f, divided by its greatest value, e^top.
    f: Vec<f64>,
    top: f64,
    /// f - 1, less its mean, and that mean. Of an f near 1, more digits are left than in f.
    centred: Vec<f64>,
    mean: f64,
    /// The sum of squares of `centred`.
    square: f64,
    slope: f64,
    left: Vec<f64>,
    residual: f64,
}

impl Points {
    /// The points, and the greatest time.
    fn of(t: &[f64], y: &[f64]) -> (Self, f64) {
        let longest = t.iter().copied().fold(0.0, f64::max);
        let t: Vec<f64> = t.iter().map(|t| t / longest).collect();
        let (mean, y) = centred(y);
        (Self { root: t.iter().map(|t| t.cbrt()).collect(), t, y, mean }, longest)
    }

    /// What is left with these b and c; `None` if that is not a number, or they are beyond the limits.
    fn trial(&self, exponents: [f64; 2]) -> Option<Trial> {
        let [b, c] = exponents;
        let exponent: Vec<f64> = self.root.iter().zip(&self.t).map(|(root, t)| b * root + c * t).collect();
        let top = exponent.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let bottom = exponent.iter().copied().fold(f64::INFINITY, f64::min);
        let f = exponent.iter().map(|exponent| (exponent - top).exp()).collect();
        let less_one: Vec<f64> = exponent.iter().map(|exponent| (exponent - top).exp_m1()).collect();
        let (mean, centred) = centred(&less_one);
        let square = dot(&centred, &centred);
        let slope = dot(&centred, &self.y) / square;
        let left: Vec<f64> = self.y.iter().zip(&centred).map(|(y, f)| y - slope * f).collect();
        let residual = dot(&left, &left);
        let within = b.abs() <= LARGEST && c.abs() <= LARGEST && top - bottom >= STRAIGHTEST;
        let usable = within && residual.is_finite();
        usable.then_some(Trial { exponents, f, top, centred, mean, square, slope, left, residual })
    }

    /// The way downhill from `start`, to its end.
    fn search(&self, start: [f64; 2]) -> Option<Trial> {
        let mut best = self.trial(start)?;
        let mut damping = 1e-3;
        for _ in 0..STEPS {
            let step = self.step(&best, damping);
            let next = [best.exponents[0] + step[0], best.exponents[1] + step[1]];
            match self.trial(next).filter(|trial| trial.residual < best.residual) {
                Some(better) => (best, damping) = (better, damping * 0.2),
                None => damping *= 5.0,
            }
            // So damped, steps are below the rounding of b and c; none of them led down.
            if damping > 1e18 {
                break;
            }
        }
        Some(best)
    }

    /// The damped step from `trial`.
    fn step(&self, trial: &Trial, damping: f64) -> [f64; 2] {
        let [to_b, to_c] = [trial.derivative(&self.root), trial.derivative(&self.t)];
        let (bb, bc, cc) = (dot(&to_b, &to_b), dot(&to_b, &to_c), dot(&to_c, &to_c));
        let (gradient_b, gradient_c) = (dot(&to_b, &trial.left), dot(&to_c, &trial.left));
        let (damped_b, damped_c) = (bb * (1.0 + damping), cc * (1.0 + damping));
        let determinant = damped_b * damped_c - bc * bc;
        [
            (bc * gradient_c - damped_c * gradient_b) / determinant,
            (bc * gradient_b - damped_b * gradient_c) / determinant,
        ]
    }

    /// The curve of `trial` in the units of the points, whose greatest time is `longest`.
    fn curve(&self, trial: &Trial, longest: f64) -> Curve {
        let [b, c] = trial.exponents;
        Curve {
            a: trial.slope * (-trial.top).exp(),
            b: b / longest.cbrt(),
            c: c / longest,
            d: self.mean - trial.slope * trial.mean - trial.slope,
        }
    }
}

impl Trial {
    /// A column of J: how what is left changes with the exponent of `power`.
    fn derivative(&self, power: &[f64]) -> Vec<f64> {
        let product: Vec<f64> = self.f.iter().zip(power).map(|(f, power)| f * power).collect();
        let (_, product) = centred(&product);
        let along = dot(&product, &self.centred) / self.square;
        product.iter().zip(&self.centred).map(|(product, f)| -self.slope * (product - along * f)).collect()
    }
}

/// The mean of `values`, and what is left of each without it.
fn centred(values: &[f64]) -> (f64, Vec<f64>) {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (mean, values.iter().map(|value| value - mean).collect())
}

fn dot(one: &[f64], other: &[f64]) -> f64 {
    one.iter().zip(other).map(|(one, other)| one * other).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXACT: Curve = Curve { a: 0.3, b: -1.5, c: -0.2, d: 0.35 };

    fn epochs() -> Vec<f64> {
        (0..21).map(|i| f64::from(i) / 10.0).collect()
    }

    fn close(fit: Fit, want: [f64; 4], tolerance: f64) {
        for (value, want) in fit.curve.numbers().into_iter().zip(want) {
            assert!((value - want).abs() <= tolerance * want.abs(), "{fit:?}");
        }
    }

    /// The line "curve_fit exact" of tests/scipy/make_numbers.py: SciPy 1.17.1 finds these numbers again,
    /// too.
    #[test]
    fn an_exact_curve_is_found_again() {
        let t = epochs();
        let y: Vec<f64> = t.iter().map(|&t| EXACT.at(t)).collect();
        let fit = fit(&t, &y).unwrap();
        // Roundings of y, 1e-16, grow by how nearly b and c can make up for each other; here to some 1e-15.
        close(fit, [0.3, -1.5, -0.2, 0.35], 1e-12);
        assert!(fit.residual < 1e-28 && fit.r_squared == Some(1.0), "{fit:?}");
        assert_eq!(fit.curve.at(0.0), fit.curve.a + fit.curve.d);
    }

    /// The line "curve_fit noisy": exact + 0.004 sin(i^2).
    #[test]
    fn a_noisy_curve_as_scipy_fits_it() {
        let t = epochs();
        let y: Vec<f64> =
            t.iter().enumerate().map(|(i, &t)| EXACT.at(t) + 0.004 * ((i * i) as f64).sin()).collect();
        let fit = fit(&t, &y).unwrap();
        // Around a minimum, the residual is flat within its rounding, 1e-16 of it, for changes of 1e-8 times
        // what b and c can trade for each other. From another start, SciPy ends with 0.000145.
        close(
            fit,
            [
                0.400_851_784_672_461_96,
                -1.055_044_508_630_539_1,
                0.101_104_493_747_347_13,
                0.249_326_443_341_105_99,
            ],
            1e-6,
        );
        assert!((fit.residual / 0.000_141_821_212_978_997_13 - 1.0).abs() < 1e-10, "{fit:?}");
        assert!((fit.r_squared.unwrap() - 0.998_082_298_314_063_7).abs() < 1e-10);
    }

    /// Learning rates averaged over 40 synapses whose weights grow, by images; as in make_numbers.py.
    fn rate() -> (Vec<f64>, Vec<f64>) {
        let images: Vec<f64> = (0..41).map(|i| f64::from(i) * 3_000.0).collect();
        let rate = |&t: &f64| {
            let weight = |k: u32| {
                let most = 0.1 + f64::from(k * 7 % 40) / 25.0;
                0.05 + most * (t / (t + 4_000.0 + 900.0 * f64::from(k))).sqrt()
            };
            let norm = ((0..40).map(|k| weight(k).powi(2)).sum::<f64>() / 10.0).sqrt();
            (0..40).map(|k| 0.6 * (weight(k) + 0.3) / (norm + 0.3)).sum::<f64>() / 40.0
        };
        let rates = images.iter().map(rate).collect();
        (images, rates)
    }

    /// The line "curve_fit rate".
    #[test]
    fn a_learning_rate_over_images_as_scipy_fits_it() {
        let (images, rates) = rate();
        let fit = fit(&images, &rates).unwrap();
        let want = [
            0.213_339_327_398_639_62,
            -0.108_848_611_730_427_4,
            8.088_275_069_674_95e-6,
            0.311_634_748_067_026_5,
        ];
        // As for the noisy curve.
        close(fit, want, 1e-6);
        assert!((fit.residual / 2.041_098_959_124_970_4e-6 - 1.0).abs() < 1e-9, "{fit:?}");
    }

    #[test]
    fn the_unit_of_time_and_of_y_and_the_order_make_no_difference() {
        let (images, rates) = rate();
        let Curve { a, b, c, d } = fit(&images, &rates).unwrap().curve;
        let epochs: Vec<f64> = images.iter().rev().map(|t| t / 60_000.0).collect();
        let thousandths: Vec<f64> = rates.iter().rev().map(|y| 1e3 * y).collect();
        let scaled = fit(&epochs, &thousandths).unwrap();
        // Two ends of searches, each within the flat bottom.
        close(scaled, [1e3 * a, b * 60_000.0_f64.cbrt(), c * 60_000.0, 1e3 * d], 1e-5);
    }

    #[test]
    fn curves_of_other_shapes() {
        let t = epochs();
        for want in [
            Curve { a: -0.2, b: -4.0, c: 0.0, d: 0.9 },
            Curve { a: 0.01, b: 0.5, c: 1.5, d: -3.0 },
            Curve { a: 1.0, b: 2.0, c: -4.0, d: 0.1 },
            Curve { a: 5.0, b: -20.0, c: 0.1, d: 0.3 },
            Curve { a: 1e-3, b: -0.5, c: -1.0, d: 1e-4 },
        ] {
            let y: Vec<f64> = t.iter().map(|&t| want.at(t)).collect();
            let fit = fit(&t, &y).unwrap();
            // The residual of roundings is 1e-26 of the variance at the most; R^2 itself is rounded to 1e-16.
            assert!(1.0 - fit.r_squared.unwrap() < 1e-15, "{want:?}: {fit:?}");
        }
    }

    #[test]
    fn neither_spikes_nor_straight_lines_are_tried() {
        let t = epochs();
        let (points, _) = Points::of(&t, &t);
        let is_tried = |b, c| points.trial([b, c]).is_some();
        for (most, more) in [(200.0, 200.1), (-200.0, -200.1)] {
            assert!(is_tried(most, 1.0) && is_tried(1.0, most) && is_tried(most, most));
            assert!(!is_tried(more, 1.0) && !is_tried(1.0, more) && !is_tried(more, more));
        }
        assert!(is_tried(0.0, 1.1e-6) && !is_tried(0.0, 0.9e-6) && !is_tried(0.0, 0.0));
    }

    /// The normal equations of least squares.
    #[test]
    fn an_undamped_step_leaves_nothing_along_the_derivatives() {
        let t = epochs();
        let (points, _) = Points::of(&t, &t.iter().map(|&t| EXACT.at(t)).collect::<Vec<_>>());
        let trial = points.trial([-3.0, 2.0]).unwrap();
        let derivatives = [&points.root, &points.t].map(|power| trial.derivative(power));
        let step = points.step(&trial, 0.0);
        let mut left = trial.left.clone();
        for (derivative, step) in derivatives.iter().zip(step) {
            left.iter_mut().zip(derivative).for_each(|(left, derivative)| *left += step * derivative);
        }
        for derivative in &derivatives {
            let before = dot(derivative, &trial.left);
            // Two nearly parallel derivatives lose some five digits of sixteen.
            assert!(dot(derivative, &left).abs() < 1e-9 * before.abs(), "{step:?}");
        }
    }

    #[test]
    fn a_straight_line_is_nearly_met() {
        // It is the limit of an infinite a and a c of 0: met as nearly as `STRAIGHTEST` lets it, 1e-7,
        // squared.
        let t = epochs();
        let y: Vec<f64> = t.iter().map(|t| 1.0 - 0.25 * t).collect();
        assert!(fit(&t, &y).unwrap().r_squared.unwrap() > 1.0 - 1e-13);
    }

    #[test]
    fn a_constant_has_nothing_that_falls() {
        for value in [0.0, 0.1, -3.7e5, 123_456.7] {
            let fit = fit(&epochs(), &[value; 21]).unwrap();
            assert_eq!((fit.curve.a, fit.curve.b, fit.curve.c, fit.r_squared), (0.0, 0.0, 0.0, None));
            assert!(
                (fit.curve.at(1.0) - value).abs() <= 4.0 * f64::EPSILON * value.abs(),
                "a mean's roundings"
            );
        }
    }

    #[test]
    fn what_can_t_be_fitted() {
        let y = [1.0, 0.8, 0.7, 0.6, 0.5];
        assert_eq!(fit(&[0.0, 1.0, 2.0, 3.0], &y[..4]), Err(Unfit::TooFew { found: 4 }));
        assert_eq!(fit(&[0.0, 1.0, 2.0, 3.0, 3.0], &y), Err(Unfit::TooFew { found: 4 }));
        assert_eq!(fit(&[], &[]), Err(Unfit::TooFew { found: 0 }));
        let early = fit(&[0.0, 1.0, -2.0, 3.0, 4.0], &y);
        assert_eq!(early, Err(Unfit::Point { index: 2, t: -2.0, y: 0.7 }));
        let never = fit(&[0.0, 1.0, 2.0, 3.0, f64::INFINITY], &y);
        assert_eq!(never, Err(Unfit::Point { index: 4, t: f64::INFINITY, y: 0.5 }));
        let unknown = fit(&[0.0, 1.0, 2.0, 3.0, 4.0], &[1.0, f64::NAN, 0.7, 0.6, 0.5]);
        assert!(matches!(unknown, Err(Unfit::Point { index: 1, .. })), "{unknown:?}");
        assert!(fit(&[0.0, 1.0, 2.0, 3.0, 4.0], &y).is_ok());
    }
}
