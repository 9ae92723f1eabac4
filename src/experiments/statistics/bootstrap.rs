//! Percentile bootstrap intervals (Efron & Tibshirani 1993, An Introduction to the Bootstrap, chapter 13).
//!
//! A sample of n results is drawn again [`RESAMPLES`] times, n results each with replacement, and the
//! statistic taken of each: the interval goes from the 2.5th to the 97.5th percentile of what comes out. The
//! ends are values that came out, never something between two of them, since there is nothing between a
//! number and infinity.
//!
//! A miss is drawn like any other result and is infinitely large. So an end of an interval may be infinite,
//! and says then that a miss is as good a bet as a hit.
//!
//! For few results, the level is nominal: no end reaches beyond the least and the greatest of them, and the
//! percentiles of a median jump from one result to the next. The true median lies in the interval in 94, 88,
//! 96 and 93 of 100 samples of 5, 7, 9 and 11 results (from the binomial distribution, whatever that of the
//! results). The mean's interval is too narrow by sqrt(1 - 1/n) and by what Student's distribution is wider
//! than the normal one.

use crate::engine::streams::{Purpose, below, stream};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// How often the true value should lie in the interval.
pub const LEVEL: f64 = 0.95;

/// How often a sample is drawn again. An end at the 2.5th percentile is the 250th value: another seed would
/// give one within 2 * sqrt(250) or so places of it.
pub const RESAMPLES: usize = 10_000;

/// The seed of all bootstraps: the same sample always has the same interval.
const SEED: u64 = 0;

/// A statistic, and where its true value should lie. `None` is infinitely large.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The statistic of the sample itself.
    pub estimate: Option<f64>,
    /// The lower end.
    pub low: Option<f64>,
    /// The upper end.
    pub high: Option<f64>,
}

/// The median of `results`, in their unit; `None` if there are fewer than two.
pub fn median(results: &[Option<f64>]) -> Option<Interval> {
    let all = censored(results);
    (all.len() > 1).then(|| {
        let mut medians = resampled(all.len(), |places| median_of(places, &all));
        Interval::between(median_of_all(&all), &mut medians)
    })
}

/// The mean of those of `results` that are there, in their unit: what a hit takes, given that it is one.
/// `None` if there are fewer than two hits. Misses are drawn too, and so move the number of hits; a sample
/// drawn without any hit has no mean and is left out.
pub fn mean_of_hits(results: &[Option<f64>]) -> Option<Interval> {
    let mean = |hits: &mut dyn Iterator<Item = f64>| {
        let (n, sum) = hits.fold((0, 0.0), |(n, sum), hit| (n + 1, sum + hit));
        sum / f64::from(n)
    };
    let hits = results.iter().flatten().count();
    (hits > 1).then(|| {
        let mut means =
            resampled(results.len(), |places| mean(&mut places.iter().filter_map(|&i| results[i])));
        means.retain(|mean| !mean.is_nan());
        Interval::between(mean(&mut results.iter().flatten().copied()), &mut means)
    })
}

/// The median of `ours` over that of `theirs`, which are results of the same seeds in the same order: seeds
/// are drawn, each with both its results, so that what a seed does to both cancels. Below 1, ours is
/// smaller.
///
/// `None` if there are fewer than two seeds, if the median of `theirs` is infinite, to which nothing has a ratio
/// that says anything, or if both are 0. A sample drawn in which only theirs is infinite has the ratio 0; one in
/// which both are infinite, or both 0, counts as 0 for the lower end, and as infinite for the upper one, which
/// errs on the wide side.
///
/// # Panics
/// If the lengths differ.
pub fn ratio_of_medians(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Option<Interval> {
    assert_eq!(ours.len(), theirs.len(), "results of the same seeds");
    let (ours, theirs) = (censored(ours), censored(theirs));
    if ours.len() < 2 {
        return None;
    }
    let (our_median, their_median) = (median_of_all(&ours), median_of_all(&theirs));
    let estimate = our_median / their_median;
    if estimate.is_nan() || their_median.is_infinite() {
        return None;
    }
    let ratios = resampled(ours.len(), |places| median_of(places, &ours) / median_of(places, &theirs));
    let undefined_as = |value: f64| -> Vec<f64> {
        ratios.iter().map(|&ratio| if ratio.is_nan() { value } else { ratio }).collect()
    };
    let low = Interval::between(estimate, &mut undefined_as(0.0)).low;
    let high = Interval::between(estimate, &mut undefined_as(f64::INFINITY)).high;
    Some(Interval { estimate: finite(estimate), low, high })
}

impl Interval {
    /// The middle [`LEVEL`] of `statistics`, at least: the ends are nearest ranks outwards.
    fn between(estimate: f64, statistics: &mut [f64]) -> Self {
        statistics.sort_unstable_by(f64::total_cmp);
        let beyond = ((1.0 - LEVEL) / 2.0 * statistics.len() as f64).floor() as usize;
        let (low, high) = (statistics[beyond], statistics[statistics.len() - 1 - beyond]);
        Self { estimate: finite(estimate), low: finite(low), high: finite(high) }
    }
}

fn censored(results: &[Option<f64>]) -> Vec<f64> {
    results.iter().map(|result| result.unwrap_or(f64::INFINITY)).collect()
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

/// `statistic` of [`RESAMPLES`] draws of n places from 0 to n - 1, with replacement.
fn resampled(n: usize, mut statistic: impl FnMut(&[usize]) -> f64) -> Vec<f64> {
    let mut rng: ChaCha8Rng = stream(SEED, Purpose::Bootstrap);
    let mut places = vec![0; n];
    let mut draw = || {
        places.fill_with(|| below(n, &mut rng));
        statistic(&places)
    };
    (0..RESAMPLES).map(|_| draw()).collect()
}

fn median_of(places: &[usize], values: &[f64]) -> f64 {
    let mut drawn: Vec<f64> = places.iter().map(|&place| values[place]).collect();
    let upper = drawn.len() / 2;
    let (before, &mut median, _) = drawn.select_nth_unstable_by(upper, f64::total_cmp);
    if places.len() % 2 == 1 {
        return median;
    }
    let below = before.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    f64::midpoint(below, median)
}

fn median_of_all(values: &[f64]) -> f64 {
    let places: Vec<usize> = (0..values.len()).collect();
    median_of(&places, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiments::statistics::Sample;

    const TIMES: [f64; 11] = [5.2, 7.4, 6.1, 9.8, 5.9, 6.6, 8.3, 7.0, 12.5, 6.3, 9.1];

    #[test]
    fn the_median_of_eleven_lies_between_order_statistics_that_the_binomial_gives() {
        // A resample's median is at most the k-th least of eleven if six draws or more are: P(Binomial(11,
        // k/11) >= 6), 0.0072 for k = 2 and 0.0512 for k = 3, so that the 2.5th percentile is the third
        // least, and by symmetry the 97.5th is the third greatest. Both are more than ten standard
        // deviations of 10,000 draws away.
        let mut sorted = TIMES;
        sorted.sort_by(f64::total_cmp);
        let want = Interval { estimate: Some(sorted[5]), low: Some(sorted[2]), high: Some(sorted[8]) };
        assert_eq!(median(&TIMES.map(Some)), Some(want));
    }

    #[test]
    fn misses_make_ends_infinite_and_then_all() {
        let mut results = TIMES.map(Some);
        // The three greatest are 9.1, 9.8 and 12.5: the upper end above is the least of them. Of nine
        // misses, the third least is one.
        for (missing, ends) in [(1, (true, true)), (2, (true, true)), (3, (true, false)), (9, (false, false))]
        {
            let mut greatest_first: Vec<usize> = (0..11).collect();
            greatest_first.sort_by(|&one, &other| TIMES[other].total_cmp(&TIMES[one]));
            greatest_first[..missing].iter().for_each(|&place| results[place] = None);
            let interval = median(&results).unwrap();
            assert_eq!((interval.low.is_some(), interval.high.is_some()), ends, "{missing}");
            assert_eq!(interval.estimate, Sample::of(&results).median);
        }
        let all = Interval { estimate: None, low: None, high: None };
        assert_eq!(median(&[None; 5]), Some(all));
        assert_eq!((median(&[]), median(&[Some(1.0)])), (None, None));
    }

    #[test]
    fn an_even_number_has_the_median_between_two() {
        let results = [Some(4.0), Some(1.0), Some(3.0), Some(2.0)];
        assert_eq!(median(&results).unwrap().estimate, Some(2.5));
        assert_eq!(median(&[Some(1.0), None]).unwrap().estimate, None);
    }

    #[test]
    fn the_mean_of_hits_is_as_wide_as_its_standard_error_says() {
        let interval = mean_of_hits(&TIMES.map(Some)).unwrap();
        let mean = TIMES.iter().sum::<f64>() / 11.0;
        assert!((interval.estimate.unwrap() - mean).abs() < 1e-12, "sums in one order or another");
        // The bootstrap's standard error is that with n in the denominator. The sample is skewed, and so is
        // the interval, by a tenth or so on either side; the width agrees within 5 %.
        let deviation = (TIMES.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 11.0).sqrt();
        let width = interval.high.unwrap() - interval.low.unwrap();
        assert!((width / (2.0 * 1.96 * deviation / 11.0_f64.sqrt()) - 1.0).abs() < 0.05, "{interval:?}");
    }

    #[test]
    fn a_mean_of_hits_never_counts_a_miss() {
        let interval = mean_of_hits(&[Some(2.0), None, Some(2.0), None]).unwrap();
        assert_eq!(interval, Interval { estimate: Some(2.0), low: Some(2.0), high: Some(2.0) });
        assert_eq!(mean_of_hits(&[Some(2.0), None, None]), None);
    }

    #[test]
    fn seeds_stay_together_in_a_ratio() {
        let slower = TIMES.map(|time| Some(1.5 * time));
        let interval = ratio_of_medians(&slower, &TIMES.map(Some)).unwrap();
        for end in [interval.estimate, interval.low, interval.high] {
            assert!((end.unwrap() - 1.5).abs() < 1e-15, "one rounding: {interval:?}");
        }
        let mut reversed = TIMES.map(Some);
        reversed.reverse();
        let interval = ratio_of_medians(&reversed, &TIMES.map(Some)).unwrap();
        assert!(interval.low.unwrap() < 0.9 && interval.high.unwrap() > 1.1, "{interval:?}");
    }

    #[test]
    fn a_ratio_to_or_of_misses() {
        let (hits, misses) = (TIMES.map(Some), [None; 11]);
        assert_eq!(ratio_of_medians(&hits, &misses), None);
        let infinite = Interval { estimate: None, low: None, high: None };
        assert_eq!(ratio_of_medians(&misses, &hits), Some(infinite));
        assert_eq!(ratio_of_medians(&misses, &misses), None);
    }

    #[test]
    fn an_undefined_ratio_widens_both_ends() {
        // The same four seeds of eleven miss for both: both medians are infinite in 17 % of the resamples,
        // or 1.
        let mut results = TIMES.map(Some);
        results[..4].fill(None);
        let want = Interval { estimate: Some(1.0), low: Some(0.0), high: None };
        assert_eq!(ratio_of_medians(&results, &results), Some(want));
    }

    #[test]
    fn a_ratio_needs_two_seeds() {
        let two = [Some(1.0), Some(2.0)];
        assert_eq!([0, 1, 2].map(|n| ratio_of_medians(&two[..n], &two[..n]).is_some()), [false, false, true]);
    }

    #[test]
    fn the_ends_are_as_far_from_either_side() {
        let mut statistics: Vec<f64> = (0..10_000).rev().map(f64::from).collect();
        let want = Interval { estimate: Some(7.0), low: Some(250.0), high: Some(9_749.0) };
        assert_eq!(Interval::between(7.0, &mut statistics), want);
    }

    #[test]
    #[should_panic(expected = "same seeds")]
    fn a_ratio_needs_pairs() {
        ratio_of_medians(&[Some(1.0)], &[]);
    }
}
