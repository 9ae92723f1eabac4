//! Named random streams: one seed gives every purpose numbers of its own, so that drawing more for one never changes
//! another. Networks of all sizes and optimizers share them, which makes their runs paired.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// What random numbers are drawn for. The discriminants are part of what a seed means: never renumber them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The initial weights.
    Weights = 0,
    /// The order of the training images.
    Order = 1,
}

/// The stream of random numbers for one purpose under one seed.
pub fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64);
    rng
}

/// Puts `items` in a random order (Fisher and Yates; Lemire's multiplication picks each place, whose bias, below
/// n / 2^64, is far out of reach). Written out, since a library's shuffle may change with its version, and so what a
/// seed means.
pub fn shuffle(items: &mut [u32], rng: &mut ChaCha8Rng) {
    for n in (1..items.len()).rev() {
        let place = (u128::from(rng.next_u64()) * (n as u128 + 1)) >> 64;
        items.swap(n, place as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shuffle_is_a_permutation_and_depends_on_seed_and_purpose() {
        let shuffled = |seed, purpose| {
            let mut items: Vec<u32> = (0..1000).collect();
            shuffle(&mut items, &mut stream(seed, purpose));
            items
        };
        let order = shuffled(1, Purpose::Order);
        assert_eq!(order, shuffled(1, Purpose::Order));
        assert_ne!(order, shuffled(2, Purpose::Order));
        assert_ne!(order, shuffled(1, Purpose::Weights));
        let mut sorted = order;
        sorted.sort_unstable();
        assert!(sorted.into_iter().eq(0..1000));
    }

    #[test]
    fn every_place_is_equally_likely() {
        let mut counts = [[0_u32; 4]; 4];
        let mut rng = stream(7, Purpose::Order);
        for _ in 0..40_000 {
            let mut items = [0, 1, 2, 3];
            shuffle(&mut items, &mut rng);
            for (place, &item) in items.iter().enumerate() {
                counts[place][item as usize] += 1;
            }
        }
        // 10,000 expected in each cell, standard deviation 87: five of them.
        assert!(counts.iter().flatten().all(|&c| (9_565..=10_435).contains(&c)), "{counts:?}");
    }
}
