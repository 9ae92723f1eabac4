//! Welch's test of two means from what papers publish of them (Welch 1947):
//!
//! ```text
//! t  = (m1 - m2) / sqrt(v1 + v2)                       v = s^2 / n
//! df = (v1 + v2)^2 / (v1^2 / (n1 - 1) + v2^2 / (n2 - 1))
//! p  = P(|T| >= |t|) = I(df / (df + t^2); df / 2, 1/2)   T has Student's distribution with df degrees of freedom
//! ```
//!
//! with the regularized incomplete beta function I. Variances need not be equal. Samples that share no seeds
//! can't be paired, and of others' we have no values to rank: this is the test that is left. It takes the
//! results to be normal, and misses have no place in it: a mean of the hits alone is not the mean of all.

use super::Sample;
use serde::{Deserialize, Serialize};
use statrs::function::beta::beta_reg;

/// A mean +- a standard deviation of n values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// The mean.
    pub mean: f64,
    /// The standard deviation, with n - 1 in the denominator, and not the standard error.
    pub deviation: f64,
    /// How many values.
    pub n: usize,
}

impl Summary {
    /// What `sample` says, of `runs` runs; `None` if any of them missed, or there are fewer than two.
    pub fn of(sample: &Sample, runs: usize) -> Option<Self> {
        let (mean, deviation) = sample.mean.zip(sample.deviation)?;
        (sample.hits == runs).then_some(Self { mean, deviation, n: runs })
    }
}

/// Whether two means differ by more than chance.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Welch {
    /// The difference, first less second, in its standard errors.
    pub t: f64,
    /// The degrees of freedom.
    pub df: f64,
    /// The probability of so large a difference, in either direction, between samples of one mean. That it
    /// is large doesn't prove the means equal: few values are consistent with much.
    pub p: f64,
}

/// Welch's test of `first` against `second`. `None` if it is undefined: fewer than two values on a side, no
/// deviation on either, or a number that is not finite.
pub fn welch(first: Summary, second: Summary) -> Option<Welch> {
    if first.n < 2 || second.n < 2 {
        return None;
    }
    let variance = |one: Summary| one.deviation.powi(2) / one.n as f64;
    let (v1, v2) = (variance(first), variance(second));
    let t = (first.mean - second.mean) / (v1 + v2).sqrt();
    let df = (v1 + v2).powi(2) / (v1.powi(2) / (first.n - 1) as f64 + v2.powi(2) / (second.n - 1) as f64);
    (t.is_finite() && df.is_finite()).then(|| Welch { t, df, p: two_sided(t, df) })
}

fn two_sided(t: f64, df: f64) -> f64 {
    beta_reg(0.5 * df, 0.5, df / (df + t * t))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(mean: f64, deviation: f64, n: usize) -> Summary {
        Summary { mean, deviation, n }
    }

    /// The lines "welch" of tests/scipy/make_numbers.py, SciPy 1.17.1.
    #[test]
    fn the_same_numbers_as_scipy() {
        let paper = summary(0.77, 0.10, 5);
        let cases = [
            (
                summary(0.95, 0.09, 10),
                paper,
                [3.395_622_050_570_451, 7.359_586_168_328_828, 0.010_672_045_491_549_981],
            ),
            (
                summary(0.75, 0.09, 10),
                paper,
                [-0.377_291_338_952_272_8, 7.359_586_168_328_828, 0.716_602_605_253_771],
            ),
            (
                summary(36.3, 1.2, 5),
                summary(29.7, 1.6, 5),
                [7.379_024_325_749_304, 7.418_397_626_112_759_5, 0.000_114_039_740_022_275_21],
            ),
            (
                summary(10.0, 0.1, 50),
                summary(9.0, 0.2, 40),
                [28.867_513_459_481_284, 54.427_215_189_873_43, 1.120_281_089_079_991e-34],
            ),
            (summary(1.0, 2.0, 2), summary(1.0, 3.0, 3), [0.0, 2.941_176_470_588_235_5, 1.0]),
            (summary(1.0, 3.0, 3), summary(1.0, 2.0, 2), [0.0, 2.941_176_470_588_235_5, 1.0]),
        ];
        for (first, second, want) in cases {
            let Welch { t, df, p } = welch(first, second).unwrap();
            // t and df are a dozen roundings; p is a continued fraction that stops at 1e-15 and powers of
            // which logarithms of 100 or so are taken: 1e-12.
            for (value, want, tolerance) in [(t, want[0], 1e-14), (df, want[1], 1e-14), (p, want[2], 1e-12)] {
                assert!((value - want).abs() <= tolerance * want.abs(), "{value} instead of {want}");
            }
        }
    }

    #[test]
    fn p_of_one_and_two_degrees_of_freedom() {
        // Student's distribution is Cauchy's for one, and has a closed form for two.
        for t in [0.1_f64, 1.0, 3.0, 100.0] {
            let cauchy = 1.0 - 2.0 / std::f64::consts::PI * t.atan();
            let two = 1.0 - t / (2.0 + t * t).sqrt();
            // Of a p near 0 the closed forms lose what 1 swallows: absolute, 4 roundings of 1.
            assert!((two_sided(t, 1.0) - cauchy).abs() < 1e-14, "{t}");
            assert!((two_sided(-t, 2.0) - two).abs() < 1e-14, "{t}");
        }
    }

    #[test]
    fn what_can_t_be_tested() {
        let one = summary(1.0, 0.5, 5);
        for other in [summary(1.0, 0.5, 1), summary(f64::NAN, 0.5, 5), summary(1.0, f64::INFINITY, 5)] {
            assert_eq!(welch(one, other), None, "{other:?}");
        }
        assert_eq!(welch(summary(1.0, 0.0, 5), summary(2.0, 0.0, 5)), None);
        assert!(welch(one, summary(2.0, 0.0, 5)).is_some());
    }

    #[test]
    fn a_sample_with_a_miss_has_no_summary() {
        let hits = Sample::of(&[Some(1.0), Some(3.0)]);
        assert_eq!(Summary::of(&hits, 2), Some(summary(2.0, 2.0_f64.sqrt(), 2)));
        assert_eq!(Summary::of(&hits, 3), None);
        assert_eq!(Summary::of(&Sample::of(&[Some(1.0)]), 1), None);
    }
}
