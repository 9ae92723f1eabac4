//! Sobol's sequence, Owen-scrambled: the first 2^k points have as many in each half, quarter and so on of
//! every dimension, down to one in each of its 2^k parts, and are random within these (Sobol 1967, Owen
//! 1995; Burley 2020 for the scramble, Joe & Kuo 2008 for the directions).
//!
//! Any other number of points covers the cube less evenly, but still better than chance: prefer powers of
//! two.

use crate::engine::streams::{Purpose, stream};
use rand::Rng;

/// The most points that a sequence has.
pub const MOST_POINTS: usize = 1 << 16;

/// The most dimensions.
pub const MOST_DIMENSIONS: usize = sobol_burley::NUM_DIMENSIONS as usize;

/// The first `n` points in the unit cube of so many `dimensions`; coordinates are below 1. Longer sequences
/// of one seed begin with the shorter ones.
///
/// # Panics
/// If there are more than [`MOST_POINTS`] or [`MOST_DIMENSIONS`].
pub fn sobol(n: usize, dimensions: usize, seed: u64) -> Vec<Vec<f64>> {
    points(0..n, dimensions, seed)
}

/// The points of these places, from 0, in the sequence of [`sobol`].
///
/// # Panics
/// As [`sobol`] does.
pub fn points(places: std::ops::Range<usize>, dimensions: usize, seed: u64) -> Vec<Vec<f64>> {
    assert!(
        places.end <= MOST_POINTS && dimensions <= MOST_DIMENSIONS,
        "{places:?} in {dimensions} dimensions"
    );
    let scramble = stream(seed, Purpose::Search).next_u32();
    let coordinate = |place, dimension| f64::from(sobol_burley::sample(place, dimension, scramble));
    let point = |place| (0..dimensions as u32).map(|dimension| coordinate(place as u32, dimension)).collect();
    places.map(point).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_power_of_two_is_spread_evenly() {
        for seed in 0..10 {
            let points = sobol(64, 7, seed);
            for n in [2, 16, 64] {
                for dimension in 0..7 {
                    let mut parts = vec![0; n];
                    points[..n].iter().for_each(|point| parts[(point[dimension] * n as f64) as usize] += 1);
                    assert!(
                        parts.iter().all(|&count| count == 1),
                        "{n} points, dimension {dimension}: {parts:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_first_two_dimensions_are_spread_together() {
        // 16 points are a net: one in each of 4 x 4 boxes, and of 2 x 8 and 8 x 2.
        for (across, down) in [(4, 4), (2, 8), (8, 2)] {
            let mut boxes = [0; 16];
            for point in sobol(16, 2, 5) {
                let (x, y) = ((point[0] * across as f64) as usize, (point[1] * down as f64) as usize);
                boxes[x * down + y] += 1;
            }
            assert_eq!(boxes, [1; 16], "{across} x {down}");
        }
    }

    #[test]
    fn a_seed_has_one_sequence() {
        assert_eq!(sobol(20, 3, 1)[..10], sobol(10, 3, 1));
        assert_eq!(sobol(20, 3, 1)[10..], points(10..20, 3, 1));
        assert_ne!(sobol(10, 3, 1), sobol(10, 3, 2));
        assert!(sobol(0, 3, 1).is_empty());
    }
}
