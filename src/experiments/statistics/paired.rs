//! Two optimizers on the same seeds: who is faster how often, and Wilcoxon's signed-rank test (Wilcoxon
//! 1945).
//!
//! With d_i = ours_i - theirs_i, |d_i| are ranked from 1, equal ones sharing the mean of their ranks, and T
//! is the sum of the ranks of positive d_i. If the optimizers are alike, each d_i is as likely as -d_i, so
//! that T is the sum over i of rank_i or 0, with equal chances: 2^n equally likely sums, whose distribution
//! is exact, ties included:
//!
//! ```text
//! P(T = s) after i ranks = (P(T = s) + P(T = s - rank_i)) / 2 after i - 1 of them
//! p = min(1, 2 min(P(T <= observed), P(T >= observed)))
//! ```
//!
//! over doubled ranks, which are whole. Halving is exact, and so is every sum for n up to 53, where 2^n P is
//! a whole number that a double holds.
//!
//! - A miss is infinitely late. One in a pair is an infinite difference, which has the greatest rank, shared
//!   by all such pairs; two in a pair are a tie.
//! - Ties, d = 0, are dropped, as Wilcoxon did: they say nothing about who is faster, and make the test no
//!   surer.
//! - Times are multiples of the distance between tests, but as decimal fractions they are rounded: 0.3 - 0.2
//!   is not 0.2 - 0.1. Differences closer than [`SAME`] of the largest result count as equal.
//!
//! Few seeds can't prove much: p is 2^(1-n) at the least, so that n < 6 never goes below 0.05.

use serde::{Deserialize, Serialize};

/// Differences that are closer than this, as a share of the largest result, are the same: rounding moves one
/// by 3e-16, and two tests of a run are further apart than a millionth of it.
pub const SAME: f64 = 1e-12;

/// What the same seeds say about two optimizers. A win is ours: a smaller result.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Paired {
    /// Seeds.
    pub pairs: usize,
    /// Seeds on which ours is smaller.
    pub wins: usize,
    /// Seeds on which theirs is.
    pub losses: usize,
    /// Seeds on which both are the same, or both missing.
    pub ties: usize,
    /// The probability of ours being smaller on a seed, half of the ties counted; `None` without any pair.
    pub superiority: Option<f64>,
    /// The two-sided p of Wilcoxon's signed-rank test; 1 if there are only ties.
    pub p: f64,
}

impl Paired {
    /// Compares results of the same seeds in the same order. Takes time in the cube of their number: a
    /// hundred are a matter of milliseconds.
    ///
    /// # Panics
    /// If the lengths differ, or a result is not finite.
    pub fn of(ours: &[Option<f64>], theirs: &[Option<f64>]) -> Self {
        assert_eq!(ours.len(), theirs.len(), "results of the same seeds");
        let all = || ours.iter().chain(theirs).flatten();
        assert!(all().all(|result| result.is_finite()), "a miss is None, not a number");
        let same = SAME * all().fold(0.0, |most: f64, result| most.max(result.abs()));
        let mut differences: Vec<f64> = ours.iter().zip(theirs).map(difference).collect();
        differences.retain(|difference| difference.abs() > same);

        let pairs = ours.len();
        let wins = differences.iter().filter(|difference| difference.is_sign_negative()).count();
        let losses = differences.len() - wins;
        let ties = pairs - differences.len();
        let superiority = (pairs > 0).then(|| (wins as f64 + 0.5 * ties as f64) / pairs as f64);
        Self { pairs, wins, losses, ties, superiority, p: signed_rank(&mut differences, same) }
    }
}

fn difference((ours, theirs): (&Option<f64>, &Option<f64>)) -> f64 {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) => ours - theirs,
        (Some(_), None) => f64::NEG_INFINITY,
        (None, Some(_)) => f64::INFINITY,
        (None, None) => 0.0,
    }
}

/// The two-sided p of differences that are not zero.
fn signed_rank(differences: &mut [f64], same: f64) -> f64 {
    differences.sort_by(|one, other| one.abs().total_cmp(&other.abs()));
    let ranks = doubled_ranks(differences, same);
    let signed = differences.iter().zip(&ranks);
    let observed: usize =
        signed.filter(|(difference, _)| difference.is_sign_positive()).map(|(_, rank)| rank).sum();
    let chances = distribution(&ranks);
    let (at_most, at_least) = (&chances[..=observed], &chances[observed..]);
    let tail = f64::min(at_most.iter().sum(), at_least.iter().sum());
    (2.0 * tail).min(1.0)
}

/// Twice the rank of each of `differences`, which are sorted by size. Those from `first` on that share it
/// are alike.
fn doubled_ranks(differences: &[f64], same: f64) -> Vec<usize> {
    let mut ranks = Vec::with_capacity(differences.len());
    for alike in differences.chunk_by(|one, next| one.abs() == next.abs() || next.abs() - one.abs() <= same) {
        let (first, last) = (ranks.len() + 1, ranks.len() + alike.len());
        ranks.extend(std::iter::repeat_n(first + last, alike.len()));
    }
    ranks
}

/// The chance of each sum of `ranks` that are counted or not with equal chances, from 0 to the sum of them
/// all.
fn distribution(ranks: &[usize]) -> Vec<f64> {
    let mut chances = vec![0.0; ranks.iter().sum::<usize>() + 1];
    chances[0] = 1.0;
    let mut most = 0;
    for &rank in ranks {
        most += rank;
        for sum in (0..=most).rev() {
            let with = if sum < rank { 0.0 } else { chances[sum - rank] };
            chances[sum] = 0.5 * (chances[sum] + with);
        }
    }
    chances
}

/// Holm's correction (Holm 1979) of the p of several comparisons, in their order: with p_(1) <= ... <=
/// p_(m), the adjusted p_(k) is the greatest of min(1, (m - j + 1) p_(j)) over j <= k. Whoever calls those
/// below 0.05 differences is wrong about any of them in at most one family of comparisons out of 20, however
/// the comparisons depend on each other.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|&one, &other| p[one].total_cmp(&p[other]));
    let mut adjusted = vec![0.0; p.len()];
    let mut greatest = 0.0_f64;
    for (place, &comparison) in order.iter().enumerate() {
        greatest = greatest.max((p.len() - place) as f64 * p[comparison]).min(1.0);
        adjusted[comparison] = greatest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISS: f64 = f64::INFINITY;

    fn compared<const N: usize>(ours: [f64; N], theirs: [f64; N]) -> Paired {
        let results = |values: [f64; N]| values.map(|value| (value != MISS).then_some(value));
        Paired::of(&results(ours), &results(theirs))
    }

    /// The p of the lines "wilcoxon" of tests/scipy/make_numbers.py, SciPy 1.17.1: fractions of 2^n, and
    /// equal to the last bit.
    #[test]
    fn the_same_p_as_scipy() {
        let paired =
            compared([5.1, 4.9, 6.2, 7.7, 5.5, 6.1, 4.4, 8.0], [6.0, 5.2, 6.0, 9.1, 7.2, 6.6, 5.5, 7.9]);
        assert_eq!((paired.wins, paired.losses, paired.ties, paired.p), (6, 2, 0, 0.0390625));

        let paired = compared(
            [13.0, 15.0, 9.0, 11.0, 14.0, 13.0, 10.0, 16.0, 12.0, 11.0],
            [14.0, 15.0, 12.0, 13.0, 13.0, 15.0, 13.0, 18.0, 10.0, 14.0],
        );
        assert_eq!((paired.wins, paired.losses, paired.ties, paired.p), (7, 2, 1, 0.0625));
        assert_eq!((paired.pairs, paired.superiority), (10, Some(0.75)));

        let paired = compared(
            [7.0, 6.0, MISS, 8.0, MISS, 5.0, 9.0, 6.5, 7.5],
            [9.0, 5.5, 10.0, MISS, MISS, 8.0, MISS, 7.5, 11.0],
        );
        assert_eq!((paired.wins, paired.losses, paired.ties, paired.p), (6, 2, 1, 0.1953125));

        let fifty = std::array::from_fn(|i| (i + 1) as f64 * if i % 3 == 0 { -1.0 } else { 1.0 });
        assert_eq!(compared::<50>(fifty, [0.0; 50]).p, 0.039_968_346_528_423_74);
    }

    #[test]
    fn the_distribution_is_that_of_all_signs() {
        let ranks = [3, 3, 6, 9, 9, 12];
        let mut counts = vec![0.0; 43];
        for signs in 0..1_u32 << ranks.len() {
            let sum: usize = (0..ranks.len()).filter(|&i| signs >> i & 1 == 1).map(|i| ranks[i]).sum();
            counts[sum] += 1.0 / 64.0;
        }
        assert_eq!(distribution(&ranks), counts);
    }

    #[test]
    fn one_optimizer_always_faster_has_the_least_p_and_sides_don_t_matter() {
        let (fast, slow) = ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2.0, 4.0, 6.0, 8.0, 10.0, MISS]);
        let (won, lost) = (compared(fast, slow), compared(slow, fast));
        assert_eq!((won.p, won.superiority), (2.0 / 64.0, Some(1.0)));
        assert_eq!((lost.p, lost.superiority, lost.losses), (won.p, Some(0.0), 6));
    }

    #[test]
    fn rounded_decimals_tie() {
        // In floating point, these differences are 0.1 in three ways.
        let differences = |paired: Paired| (paired.wins, paired.losses, paired.ties);
        let paired = compared([0.3, 0.2, 0.9], [0.2, 0.1, 1.0]);
        assert_eq!((differences(paired), paired.p), ((1, 2, 0), 1.0));
        assert_eq!(doubled_ranks(&[0.3 - 0.2, 0.2 - 0.1, 0.9 - 1.0, 0.2], SAME), [4, 4, 4, 8]);
        assert_eq!(differences(compared([0.1 + 0.2], [0.3])), (0, 0, 1));
        // In whatever unit.
        for unit in [1e-9, 1e9] {
            let paired = compared([0.3 * unit, (0.1 + 0.2) * unit], [0.2 * unit, 0.3 * unit]);
            assert_eq!(differences(paired), (0, 1, 1), "{unit}");
        }
    }

    #[test]
    fn nothing_but_ties() {
        let paired = compared([1.0, MISS], [1.0, MISS]);
        assert_eq!((paired.ties, paired.superiority, paired.p), (2, Some(0.5), 1.0));
        assert_eq!(compared([0.0, MISS], [0.0, MISS]), paired, "however small the results");
        assert_eq!(Paired::of(&[], &[]).superiority, None);
    }

    #[test]
    fn holm_s_correction() {
        // Worked by hand: 0.01 * 4, 0.02 * 3, 0.03 * 2, and 0.04, which may not go below the one before.
        let adjusted = holm(&[0.04, 0.01, 0.03, 0.02]);
        let want = [0.06, 0.04, 0.06, 0.06];
        assert!(
            adjusted.iter().zip(want).all(|(p, want)| (p - want).abs() < 1e-15),
            "{adjusted:?}: one rounding"
        );
        assert_eq!(holm(&[0.9, 0.6]), [1.0, 1.0]);
        assert!(holm(&[]).is_empty());
    }
}
