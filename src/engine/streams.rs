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
    /// The samples that a bootstrap draws.
    Bootstrap = 2,
    /// The settings that a search proposes.
    Search = 3,
}

/// The stream of random numbers for one purpose under one seed.
pub fn stream(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    numbered(seed, purpose, 0)
}

/// One of many streams for the same purpose: number 0 is that of [`stream`].
pub fn numbered(seed: u64, purpose: Purpose, number: u32) -> ChaCha8Rng {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(purpose as u64 | u64::from(number) << 32);
    rng
}

/// One of 0 to n - 1, as likely as any other (Lemire's multiplication, whose bias, below n / 2^64, is far out of reach).
/// Written out, as is the other one here, since a library's may change with its version, and so what a seed means. Weights are
/// drawn by a library, as a test of [networks](super::network) knows them.
pub fn below(n: usize, rng: &mut ChaCha8Rng) -> usize {
    ((u128::from(rng.next_u64()) * n as u128) >> 64) as usize
}

/// Puts `items` in a random order (Fisher and Yates).
pub fn shuffle(items: &mut [u32], rng: &mut ChaCha8Rng) {
    for n in (1..items.len()).rev() {
        items.swap(n, below(n + 1, rng));
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
