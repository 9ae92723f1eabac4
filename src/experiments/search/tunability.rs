//! How good the best of k trials is, for every k, from one search of n trials (Dodge et al. 2019, Show Your
//! Work; here without replacement, as in Tang et al. 2020, so that k = n is the search itself).
//!
//! All C(n, k) choices of k trials out of n are equally likely. With the results ranked, x_1 <= x_2 <= ...,
//! the best of k is x_r if r is chosen and none before it:
//!
//! ```text
//! P(best = x_r) = C(n - r, k - 1) / C(n, k)         P(best > x_r) = C(n - r, k) / C(n, k)
//! ```
//!
//! A trial that missed ranks after all others, with a result that is not known, only that it is later than
//! its budget. If k trials may all be misses, the mean of the best is not known either, and infinite if
//! misses are. Three numbers are true all the same: the probability that one of the k hits; the mean of the
//! best of those choices that have a hit; and the median of the best over all choices, which is a number
//! once more than half of them have one.
//!
//! **The mean given a hit flatters an optimizer that mostly misses.** Compare it only beside the
//! probability; plot the median.
//!
//! Trials are taken as draws of one random search. Of Sobol's points that is nearly so; those of a [Parzen
//! estimator](super::tpe) depend on each other, the later ones are better, and the curve is then not that of
//! shorter searches.

use serde::{Deserialize, Serialize};

/// The best of a number of trials.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestOf {
    /// How many trials, k.
    pub trials: usize,
    /// The probability that any of them is a hit.
    pub hit: f64,
    /// The mean of the best where any is, in the unit of the results; `None` if there is no hit at all.
    pub mean_of_hits: Option<f64>,
    /// The median of the best, misses being infinite; `None` if it is.
    pub median: Option<f64>,
}

impl BestOf {
    /// The mean of the best, misses being infinite: `None` unless every choice has a hit.
    pub fn mean(&self) -> Option<f64> {
        self.mean_of_hits.filter(|_| self.hit == 1.0)
    }
}

/// The best of 1, 2, ... n trials, of which `values` are the results, smaller ones better and `None` a miss.
pub fn tunability(values: &[Option<f64>]) -> Vec<BestOf> {
    let mut hits: Vec<f64> = values.iter().copied().flatten().collect();
    hits.sort_by(f64::total_cmp);
    (1..=values.len()).map(|k| best_of(k, values.len(), &hits)).collect()
}

/// The best of `k` out of `n` trials, of which `hits` are the results, sorted.
fn best_of(k: usize, n: usize, hits: &[f64]) -> BestOf {
    let beyond: Vec<f64> = (0..=hits.len()).map(|r| all_beyond(r, k, n)).collect();
    // P(best = x_r) is a difference of two of them.
    let chances = beyond.windows(2).map(|pair| pair[0] - pair[1]);
    let hit = 1.0 - beyond[hits.len()];
    let mean = chances.zip(hits).map(|(chance, value)| chance * value).sum::<f64>() / hit;
    let median = median(&beyond[1..], hits, k);
    BestOf { trials: k, hit, mean_of_hits: (!hits.is_empty()).then_some(mean), median }
}

/// The probability that all of `k` are beyond rank `r` of `n`: C(n - r, k) / C(n, k), a factor for each of
/// the k.
fn all_beyond(r: usize, k: usize, n: usize) -> f64 {
    (0..k).map(|taken| (n - r).saturating_sub(taken) as f64 / (n - taken) as f64).product()
}

/// The first of `hits` that the best is beyond in less than half of all choices; if it is beyond one in just
/// half of them, the middle between that and the next.
fn median(beyond: &[f64], hits: &[f64], k: usize) -> Option<f64> {
    // A product of k quotients, each rounded.
    let rounding = k as f64 * 4.0 * f64::EPSILON;
    let place = beyond.iter().position(|chance| *chance <= 0.5 + rounding)?;
    let in_half = (beyond[place] - 0.5).abs() <= rounding;
    let next = if in_half { *hits.get(place + 1)? } else { hits[place] };
    Some(f64::midpoint(hits[place], next))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::statistics::Sample;

    /// The best of every choice of `k`, by enumeration.
    fn bests(values: &[Option<f64>], k: u32) -> Vec<Option<f64>> {
        let choices = (0..1_u32 << values.len()).filter(|choice| choice.count_ones() == k);
        let best = |choice: u32| {
            let chosen = values.iter().enumerate().filter(|(i, _)| choice >> i & 1 == 1);
            chosen.filter_map(|(_, value)| *value).min_by(f64::total_cmp)
        };
        choices.map(best).collect()
    }

    fn same(one: Option<f64>, other: Option<f64>) -> bool {
        // Sums and products of some ten numbers.
        one.is_some() == other.is_some()
            && one.zip(other).is_none_or(|(a, b)| (a - b).abs() < 1e-13 * b.abs())
    }

    #[test]
    fn as_by_enumeration() {
        let (x, miss) = (Some, None);
        let searches = [
            vec![x(3.0)],
            vec![miss],
            vec![miss, x(2.0)],
            vec![x(5.0), x(1.0), x(4.0), x(2.5)],
            vec![x(5.0), miss, x(4.0), miss, x(2.0)],
            vec![miss, miss, miss, x(4.0), miss, miss],
            vec![x(1.0), x(7.0), x(1.0), miss, x(3.0), x(3.0)],
            vec![x(6.0), x(5.0), x(4.0), x(3.0), x(2.0), x(1.0)],
            vec![miss; 4],
        ];
        for values in searches {
            for best in tunability(&values) {
                let sample = bests(&values, best.trials as u32);
                let enumerated = Sample::of(&sample);
                let share = enumerated.hits as f64 / sample.len() as f64;
                assert!((best.hit - share).abs() < 1e-15, "one rounding: {best:?} of {values:?}");
                assert!(same(best.mean_of_hits, enumerated.mean), "{best:?} of {values:?}: {enumerated:?}");
                assert!(same(best.median, enumerated.median), "{best:?} of {values:?}: {enumerated:?}");
                assert_eq!(best.mean().is_some(), enumerated.hits == sample.len(), "{best:?} of {values:?}");
            }
        }
    }

    #[test]
    fn one_trial_is_the_sample_and_all_are_its_least() {
        let values: Vec<Option<f64>> = (0..100).map(|i| Some(f64::from(i * 37 % 100))).collect();
        let curve = tunability(&values);
        assert_eq!((curve.len(), curve[0].trials, curve[99].trials), (100, 1, 100));
        assert!(same(curve[0].mean(), Some(49.5)) && same(curve[0].median, Some(49.5)), "{:?}", curve[0]);
        assert_eq!((curve[99].mean(), curve[99].median), (Some(0.0), Some(0.0)));
        assert!(
            curve.windows(2).all(|pair| pair[1].mean() < pair[0].mean() && pair[1].median <= pair[0].median)
        );
        assert!(tunability(&[]).is_empty());
    }
}
