//! Loops that do one thing as fast as the machine can, for the kernels to be compared with: arithmetic without memory, and
//! memory without arithmetic. They know no clock; whoever has one runs them often enough for it.
//!
//! All use the kernels' own vectors, so a peak is that of this build, not the best that the machine could do.

use crate::lanes::{LANES, f32xN};
use core::hint::black_box;

/// Independent chains of fused multiply-adds: at least latency 4 times two a cycle, and with the two factors no more than
/// 16 registers.
const CHAINS: usize = 12;
/// Independent sums of loads: additions have latency 3, two a cycle.
const SUMS: usize = 8;

/// Floating-point operations of a round of [`multiply_add`].
pub const FLOPS_PER_ROUND: usize = CHAINS * LANES * 2;

/// Fused multiply-adds in registers alone.
#[inline(never)]
pub fn multiply_add(rounds: usize) {
    // Unknown to the compiler, and so that all values stay at 1, far from whatever might be slow.
    let (factor, term) = black_box((f32xN::splat(0.5), f32xN::splat(0.5)));
    let mut chains = black_box([f32xN::ONE; CHAINS]);
    for _ in 0..rounds {
        for chain in &mut chains {
            *chain = chain.mul_add(factor, term);
        }
    }
    black_box(chains);
}

/// Loads every vector of `buffer` once, to be summed. Where the compiler unrolls this to 32 loads, [`renew`] may load faster
/// from the second-level cache of a Zen 5, by half.
#[inline(never)]
pub fn load(buffer: &[f32xN]) {
    let mut sums = [f32xN::ZERO; SUMS];
    let (chunks, rest) = black_box(buffer).as_chunks::<SUMS>();
    for chunk in chunks {
        for (sum, vector) in sums.iter_mut().zip(chunk) {
            *sum += *vector;
        }
    }
    for (sum, vector) in sums.iter_mut().zip(rest) {
        *sum += *vector;
    }
    black_box(sums);
}

/// Loads every vector of `buffer` once and stores another in its place, as an update does. A copy to elsewhere would be
/// the library's, which has instructions of its own for that.
#[inline(never)]
pub fn renew(buffer: &mut [f32xN]) {
    let sign = black_box(f32xN::splat(-0.0));
    for vector in black_box(&mut *buffer) {
        *vector ^= sign;
    }
    black_box(buffer);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewed_buffer_has_changed_everywhere() {
        let mut buffer = vec![f32xN::ONE; 21];
        renew(&mut buffer);
        assert!(buffer.iter().all(|vector| vector.to_array() == [-1.0; LANES]));
        load(&buffer);
        multiply_add(3);
    }
}
