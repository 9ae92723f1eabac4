//! A tree-structured Parzen estimator (Bergstra et al. 2011): where to look next, given what was found so
//! far. For a box of settings the tree is a single node, and what remains is this:
//!
//! 1. The best ceil(n / 10) of n results, 25 at most, are good, all others bad. A miss is worst, and never
//!    good.
//! 2. Densities l of the good and g of the bad: a Gaussian about each point, the product of one in each
//!    dimension, cut off at the cube's faces; and, as one more kernel, a wide Gaussian about the centre, so
//!    that no place is excluded.
//! 3. Of 24 candidates drawn from l, the one with the largest l / g is proposed. In this model that is the
//!    one with the greatest expected improvement.
//!
//! ```text
//! l(x) = 1/(m + 1) sum_k prod_i N(x_i; mu_ki, sigma_k) / (Phi((1 - mu_ki) / sigma_k) - Phi(-mu_ki / sigma_k))
//! sigma = max(0.2 m^(-1/(d + 4)), 1/min(100, m + 2)) of m points in d dimensions, 1 of the kernel at the centre
//! ```
//!
//! These are the defaults of Optuna's multivariate sampler (4.x; Falkner et al. 2018 for the products of
//! kernels), but for its weights, which forget old trials: ours are all alike, since results here don't age.
//! The first [`STARTUP`] points, and all until something has hit, are [Sobol's](super::sobol), so that
//! searches of one seed share their beginning.
//!
//! A batch is proposed one by one: each point counts as bad for those that follow (a constant liar,
//! Ginsbourger et al. 2010, who lies that it missed), which keeps them apart.

use super::sobol;
use crate::engine::streams::{Purpose, below, stream};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use statrs::function::erf::erf;

/// How many points come before any model.
pub const STARTUP: usize = 10;

/// The most points that are good, however many there are.
const MOST_GOOD: usize = 25;

/// How many points of l are looked at for a proposal.
const CANDIDATES: usize = 24;

/// A point of the unit cube, and what was found there: smaller is better, `None` is a miss.
pub type Trial = (Vec<f64>, Option<f64>);

/// Proposes the next `q` points of a search in so many `dimensions`, given all `results` of it so far, in
/// the order in which they were proposed. The same arguments have the same answer.
///
/// # Panics
/// If a point has another number of coordinates, a result is NaN, or the search is longer than
/// [`sobol::MOST_POINTS`] without a hit.
pub fn propose(results: &[Trial], dimensions: usize, q: usize, seed: u64) -> Vec<Vec<f64>> {
    assert!(results.iter().all(|(point, _)| point.len() == dimensions), "points of {dimensions} coordinates");
    let [good, mut bad] = split(results);
    let known = bad.len();
    for place in results.len()..results.len() + q {
        let next = if place < STARTUP || good.is_empty() {
            sobol::points(place..place + 1, dimensions, seed).remove(0)
        } else {
            best_candidate(
                &Parzen::of(&good, dimensions),
                &Parzen::of(&bad, dimensions),
                &mut draws(seed, place),
            )
        };
        bad.push(next);
    }
    bad.split_off(known)
}

/// The random numbers for the proposal at `place`, its own part of the stream, and so the same in any batch:
/// 2^20 words, of which 24 candidates take some hundreds. The first part is Sobol's.
fn draws(seed: u64, place: usize) -> ChaCha8Rng {
    let mut rng = stream(seed, Purpose::Search);
    rng.set_word_pos((place as u128 + 1) << 20);
    rng
}

/// The good and the bad points.
fn split(results: &[Trial]) -> [Vec<Vec<f64>>; 2] {
    let found = |(_, result): &&Trial| {
        let result = result.unwrap_or(f64::INFINITY);
        assert!(!result.is_nan(), "a result is a number, or a miss");
        result
    };
    let mut sorted: Vec<&Trial> = results.iter().collect();
    sorted.sort_by(|one, other| found(one).total_cmp(&found(other)));
    let hits = sorted.iter().filter(|trial| found(trial).is_finite()).count();
    let good = results.len().div_ceil(10).min(MOST_GOOD).min(hits);
    let points = |trials: &[&Trial]| trials.iter().map(|(point, _)| point.clone()).collect();
    [points(&sorted[..good]), points(&sorted[good..])]
}

fn best_candidate(good: &Parzen, bad: &Parzen, rng: &mut ChaCha8Rng) -> Vec<f64> {
    let scored = (0..CANDIDATES).map(|_| {
        let point = good.draw(rng);
        (good.log_density(&point) - bad.log_density(&point), point)
    });
    scored.max_by(|one, other| one.0.total_cmp(&other.0)).expect("there are candidates").1
}

/// A density over the unit cube.
struct Parzen {
    kernels: Vec<Kernel>,
}

/// A product of Gaussians, one in each dimension, within the cube.
struct Kernel {
    centre: Vec<f64>,
    sigma: f64,
    /// The logarithm of what it is divided by to be a density.
    log_norm: f64,
}

impl Parzen {
    /// The density of `points`.
    fn of(points: &[Vec<f64>], dimensions: usize) -> Self {
        let m = points.len() as f64;
        let sigma = (0.2 * m.powf(-1.0 / (dimensions as f64 + 4.0))).max(1.0 / (m + 2.0).min(100.0));
        let about_points = points.iter().map(|point| Kernel::about(point.clone(), sigma));
        Self { kernels: about_points.chain([Kernel::about(vec![0.5; dimensions], 1.0)]).collect() }
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Vec<f64> {
        let kernel = &self.kernels[below(self.kernels.len(), rng)];
        kernel.centre.iter().map(|&centre| within(centre, kernel.sigma, rng)).collect()
    }

    fn log_density(&self, point: &[f64]) -> f64 {
        let logs: Vec<f64> = self.kernels.iter().map(|kernel| kernel.log_density(point)).collect();
        let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum: f64 = logs.iter().map(|log| (log - most).exp()).sum();
        most + (sum / logs.len() as f64).ln()
    }
}

impl Kernel {
    fn about(centre: Vec<f64>, sigma: f64) -> Self {
        let width = sigma * std::f64::consts::SQRT_2;
        let inside = |mu: &f64| 0.5 * (erf((1.0 - mu) / width) + erf(mu / width));
        let norm = |mu| (inside(mu) * sigma * (2.0 * std::f64::consts::PI).sqrt()).ln();
        let log_norm = centre.iter().map(norm).sum();
        Self { centre, sigma, log_norm }
    }

    fn log_density(&self, point: &[f64]) -> f64 {
        let square: f64 = point.iter().zip(&self.centre).map(|(x, mu)| ((x - mu) / self.sigma).powi(2)).sum();
        -0.5 * square - self.log_norm
    }
}

/// A normal number from 0 to 1: drawn again until it is, which every third is at least, with a `centre` from
/// 0 to 1 and a `sigma` of 1 at most.
fn within(centre: f64, sigma: f64, rng: &mut ChaCha8Rng) -> f64 {
    loop {
        let normal: f64 = StandardNormal.sample(rng);
        let value = centre + sigma * normal;
        if (0.0..=1.0).contains(&value) {
            return value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: u64 = 20;

    /// Of 20 coins, 15 or more show heads once in 48 times.
    const WON: usize = 15;

    /// Mann and Whitney's U: of all 400 pairs of a seed of one search and a seed of another, how often the
    /// first is better. Of two searches that are alike, 200 +- sqrt(20 * 20 * 41 / 12) = 37; this many once
    /// in a hundred times.
    const BETTER: usize = 200 + 86;

    fn pairs_won(one: impl Fn(u64) -> f64, other: impl Fn(u64) -> f64) -> usize {
        let all = |search: &dyn Fn(u64) -> f64| (0..SEEDS).map(search).collect::<Vec<f64>>();
        let (one, other) = (all(&one), all(&other));
        one.iter().map(|one| other.iter().filter(|other| one < other).count()).sum()
    }

    fn bowl(point: &[f64]) -> Option<f64> {
        Some((point[0] - 0.3).powi(2) + (point[1] - 0.7).powi(2))
    }

    /// Along the diagonal, a fifth as wide as it is long.
    fn valley(point: &[f64]) -> Option<f64> {
        Some(25.0 * (point[0] - point[1]).powi(2) + (point[0] - 0.7).powi(2))
    }

    /// The valley's floor, which is a fifth of the square; beyond, all miss.
    fn valley_between_misses(point: &[f64]) -> Option<f64> {
        valley(point).filter(|&height| height < 0.5)
    }

    /// Trials of a search in batches of `q`.
    fn searched(f: fn(&[f64]) -> Option<f64>, trials: usize, q: usize, seed: u64) -> Vec<Trial> {
        let mut results: Vec<Trial> = Vec::new();
        while results.len() < trials {
            let batch = propose(&results, 2, q, seed);
            results.extend(batch.into_iter().map(|point| (point.clone(), f(&point))));
        }
        results
    }

    fn best(results: impl IntoIterator<Item = Option<f64>>) -> f64 {
        results.into_iter().flatten().fold(f64::INFINITY, f64::min)
    }

    fn best_of_tpe(f: fn(&[f64]) -> Option<f64>, q: usize, seed: u64) -> f64 {
        best(searched(f, 40, q, seed).into_iter().map(|(_, result)| result))
    }

    fn best_of_random(f: fn(&[f64]) -> Option<f64>, seed: u64) -> f64 {
        // Numbers that the search doesn't draw, too.
        let mut rng = stream(seed, Purpose::Order);
        let mut unit = || below(1 << 53, &mut rng) as f64 * 2.0_f64.powi(-53);
        best((0..40).map(|_| f(&[unit(), unit()])))
    }

    #[test]
    fn forty_trials_are_better_than_chance_also_in_batches() {
        for (name, f) in
            [("bowl", bowl as fn(&[f64]) -> _), ("valley", valley), ("misses", valley_between_misses)]
        {
            for q in [1, 4] {
                let won = pairs_won(|seed| best_of_tpe(f, q, seed), |seed| best_of_random(f, seed));
                assert!(won >= BETTER, "{name} in batches of {q}: {won} of 400 pairs");
            }
        }
    }

    #[test]
    fn a_valley_is_searched_better_than_evenly() {
        let evenly = |seed| best(sobol::sobol(40, 2, seed).iter().map(|point| valley(point)));
        let won = pairs_won(|seed| best_of_tpe(valley, 1, seed), evenly);
        assert!(won >= BETTER, "{won} of 400 pairs");
    }

    #[test]
    fn the_beginning_is_sobol_s_and_lasts_until_something_hits() {
        assert_eq!(propose(&[], 2, 16, 3), sobol::sobol(16, 2, 3));
        let missed = searched(|_| None, 30, 3, 3);
        assert!(missed.iter().map(|(point, _)| point).eq(&sobol::sobol(30, 2, 3)));
        let begun = searched(bowl, 10, 5, 3);
        assert!(begun.iter().map(|(point, _)| point).eq(&sobol::sobol(10, 2, 3)));
        assert_ne!(propose(&begun, 2, 1, 3), sobol::points(10..11, 2, 3));
    }

    #[test]
    fn a_search_can_be_repeated_and_continues_in_any_batch() {
        let results = searched(bowl, 20, 5, 7);
        assert_eq!(propose(&results, 2, 4, 7), propose(&results, 2, 4, 7));
        assert_eq!(propose(&results, 2, 4, 7)[..1], propose(&results, 2, 1, 7));
        assert_ne!(propose(&results, 2, 1, 7), propose(&results, 2, 1, 8));
        assert!(propose(&results, 2, 0, 7).is_empty());
        assert!(propose(&results, 2, 100, 7).iter().flatten().all(|x| (0.0..=1.0).contains(x)));
    }

    #[test]
    fn a_batch_keeps_apart() {
        // With equal draws, but without the lie, the points of a batch would be drawn alike: count each
        // batch's least distance between two of them against that.
        let least = |points: &[Vec<f64>]| {
            let square = |i: usize, j: usize| -> f64 {
                points[i].iter().zip(&points[j]).map(|(a, b)| (a - b).powi(2)).sum()
            };
            let pairs = (0..points.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
            pairs.map(|(i, j)| square(i, j)).fold(f64::INFINITY, f64::min)
        };
        let won = (0..SEEDS).filter(|&seed| {
            let results = searched(bowl, 20, 1, seed);
            let [good, bad] = split(&results);
            let (good, bad) = (Parzen::of(&good, 2), Parzen::of(&bad, 2));
            let alone: Vec<Vec<f64>> =
                (20..28).map(|place| best_candidate(&good, &bad, &mut draws(seed, place))).collect();
            least(&propose(&results, 2, 8, seed)) > least(&alone)
        });
        let won = won.count();
        assert!(won >= WON, "{won} of {SEEDS}");
    }

    #[test]
    fn misses_are_bad_and_a_tenth_is_good() {
        let trial = |x: u32, result| (vec![f64::from(x)], result);
        let results: Vec<Trial> =
            (0..21).map(|x| trial(x, (x % 2 == 1).then_some(f64::from(21 - x)))).collect();
        let [good, bad] = split(&results);
        assert_eq!((good, bad.len()), (vec![vec![19.0], vec![17.0], vec![15.0]], 18));
        let [good, bad] = split(&[trial(0, None), trial(1, Some(f64::INFINITY)), trial(2, None)]);
        assert_eq!((good.len(), bad.len()), (0, 3));
        let many: Vec<Trial> = (0..400).map(|x| trial(x, Some(1.0))).collect();
        assert_eq!(split(&many)[0].len(), 25);
    }

    #[test]
    fn a_density_has_an_integral_of_one() {
        // Midpoints of 200 x 200 cells: the error is h^2 / 24 times the second derivative, some 1e2 here:
        // 1e-4.
        let density = Parzen::of(&[vec![0.0, 0.4], vec![0.9, 1.0], vec![0.5, 0.5]], 2);
        let middle = |i: u32| (f64::from(i) + 0.5) / 200.0;
        let cells = (0..200).flat_map(|i| (0..200).map(move |j| [middle(i), middle(j)]));
        let integral: f64 = cells.map(|point| density.log_density(&point).exp()).sum::<f64>() / 4e4;
        assert!((integral - 1.0).abs() < 1e-4, "{integral}");
    }

    #[test]
    fn draws_follow_the_density() {
        // The share of draws below 0.2 in the first dimension, against the density's: ten thousand have a
        // standard deviation of 0.005 at most; four of them.
        let density = Parzen::of(&[vec![0.0], vec![0.9]], 1);
        let cells = (0..1000).map(|i| (f64::from(i) + 0.5) / 5000.0);
        let share: f64 = cells.map(|x| density.log_density(&[x]).exp()).sum::<f64>() / 5000.0;
        let mut rng = draws(1, 0);
        let below = (0..10_000).filter(|_| density.draw(&mut rng)[0] < 0.2).count();
        assert!((below as f64 / 1e4 - share).abs() < 0.02, "{below} of 10,000, not {share}");
    }
}
