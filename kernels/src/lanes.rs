//! Vectors of as many lanes as the build's registers have, sixteen with AVX-512 and else eight: counting, masking and
//! summing them.

use core::array;
use wide::f32x8;
#[cfg(not(target_feature = "avx512f"))]
pub use wide::{f32x8 as f32xN, i16x16 as i16xN, i32x8 as i32xN};
#[cfg(target_feature = "avx512f")]
pub use wide::{f32x16 as f32xN, i16x32 as i16xN, i32x16 as i32xN};

/// Numbers in a vector.
pub const LANES: usize = size_of::<f32xN>() / size_of::<f32>();

/// Registers that hold a vector.
pub(crate) const REGISTERS: usize = if cfg!(target_feature = "avx512f") { 32 } else { 16 };

/// The number of each lane.
pub(crate) const NUMBERS: [f32; LANES] = {
    let mut numbers = [0.0; LANES];
    let mut lane = 1;
    while lane < LANES {
        numbers[lane] = numbers[lane - 1] + 1.0;
        lane += 1;
    }
    numbers
};

/// Vectors of a row that are worked on together at most. Where there are 16 registers, not all of 16 sums have one, but
/// what that costs is less than a second pass over the rows would: 0.83 to 0.88 of the time at H = 128 on AVX2, and less
/// with the 32 registers of AVX-512. Where a sum of squares is taken on the way, tiles are narrower there.
pub(crate) const TILE: usize = 16;

/// Vectors of a row at most where those of [four rows](crate::lighters) have to stay in registers, with a value for each of
/// these: 4 x 7 + 4 of 32, 4 x 3 + 4 of 16.
pub(crate) const FOUR_ROWS_TILE: usize = if REGISTERS > 16 { 7 } else { 3 };

/// The same where there is more to keep: beside the sums of four rows a row of deltas, 4 x 6 + 6 of 32 or 4 x 3 + 3 of 16,
/// where values come from memory; or, in the first-level cache, a tile of the sums of the images of two parts.
pub(crate) const NARROW_TILE: usize = if REGISTERS > 16 { 6 } else { 3 };

/// The width of the tiles that rows of `vectors` are cut into, at `most` so many: as few as can be, and even, but for the
/// last.
pub(crate) const fn tile_width(vectors: usize, most: usize) -> usize {
    vectors.div_ceil(vectors.div_ceil(most))
}

/// Vectors that hold `width` numbers.
pub const fn vectors(width: usize) -> usize {
    width.div_ceil(LANES)
}

/// All bits set in the lanes that the last of `width` numbers' vectors really uses, none in its padding.
///
/// A mask, not a factor of 0 or 1: 0 x NaN is NaN, and a NaN must not leak into the padding.
///
/// # Panics
/// If `width` is zero.
pub fn tail_mask(width: usize) -> f32xN {
    assert!(width > 0, "no numbers have no last vector");
    let used = width - (vectors(width) - 1) * LANES;
    // By comparison, not by filling an array: bytes stored one by one and loaded as a vector would stall.
    f32xN::from(NUMBERS).simd_lt(f32xN::splat(used as f32))
}

/// Lane k of the result is the sum of the lanes of `v[k]`: of each four lanes, (0 + 2) + (1 + 3); four such sums are added in
/// the same order, two as 0 + 1.
#[inline(always)]
pub fn sums(v: [f32xN; LANES]) -> f32xN {
    let (v, _) = v.as_chunks();
    sums_of_fours(array::from_fn(|n| fours(v[n])))
}

/// The first half of [`sums`], for four vectors: lanes k and 4 + k of the result make up the sum of the lanes of `v[k]`. By
/// halving: of two vectors, what is to be added is brought into the same lanes of two others, whose sum is one vector with
/// half as much of each.
#[inline(always)]
#[cfg(target_feature = "avx512f")]
pub(crate) fn fours(v: [f32xN; 4]) -> f32x8 {
    use safe_arch::{
        m512i, unpack_high_i32_m512i, unpack_high_i64_m512i, unpack_low_i32_m512i, unpack_low_i64_m512i,
    };
    let add = |a: m512i, b: m512i| -> m512i {
        bytemuck::cast(bytemuck::cast::<_, f32xN>(a) + bytemuck::cast::<_, f32xN>(b))
    };
    let halve = |a, b| add(unpack_low_i32_m512i(a, b), unpack_high_i32_m512i(a, b));
    let halve_pairs = |a, b| add(unpack_low_i64_m512i(a, b), unpack_high_i64_m512i(a, b));
    let [a, b, c, d] = v.map(bytemuck::cast);
    let [low, high]: [f32x8; 2] = bytemuck::cast(halve_pairs(halve(a, b), halve(c, d)));
    low + high
}

/// The same for eight lanes.
#[inline(always)]
#[cfg(all(target_feature = "avx", not(target_feature = "avx512f")))]
pub(crate) fn fours(v: [f32xN; 4]) -> f32x8 {
    use safe_arch::{add_m256, m256, unpack_hi_m256, unpack_hi_m256d, unpack_lo_m256, unpack_lo_m256d};
    let halve = |a, b| add_m256(unpack_lo_m256(a, b), unpack_hi_m256(a, b));
    let halve_pairs = |a: m256, b: m256| {
        let (a, b) = (bytemuck::cast(a), bytemuck::cast(b));
        add_m256(bytemuck::cast(unpack_lo_m256d(a, b)), bytemuck::cast(unpack_hi_m256d(a, b)))
    };
    let [a, b, c, d] = v.map(bytemuck::cast);
    bytemuck::cast(halve_pairs(halve(a, b), halve(c, d)))
}

/// The same by a transpose.
#[inline(always)]
#[cfg(not(target_feature = "avx"))]
pub(crate) fn fours(v: [f32xN; 4]) -> f32x8 {
    let lane = |k: usize| f32x8::from(array::from_fn(|n| v[n % 4].as_array()[n / 4 * 4 + k]));
    (lane(0) + lane(2)) + (lane(1) + lane(3))
}

/// The second half: the halves of each four sums, added.
#[inline(always)]
pub(crate) fn sums_of_fours(halves: [f32x8; LANES / 4]) -> f32xN {
    let (pairs, _) = halves.as_chunks();
    let sums: [f32x8; LANES / 8] = array::from_fn(|n| {
        let [a, b] = pairs[n];
        add_halves(a, b)
    });
    bytemuck::cast(sums)
}

/// The lower half of each, and the upper, added.
#[inline(always)]
#[cfg(target_feature = "avx")]
fn add_halves(a: f32x8, b: f32x8) -> f32x8 {
    use safe_arch::{add_m256, permute2z_m256};
    let (a, b) = (bytemuck::cast(a), bytemuck::cast(b));
    bytemuck::cast(add_m256(permute2z_m256::<0x20>(a, b), permute2z_m256::<0x31>(a, b)))
}

/// The same lane by lane.
#[inline(always)]
#[cfg(not(target_feature = "avx"))]
fn add_halves(a: f32x8, b: f32x8) -> f32x8 {
    let half = |k: usize| f32x8::from(array::from_fn(|n| [a, b][n / 4].as_array()[k + n % 4]));
    half(0) + half(4)
}

/// Runs `$body` with `$T` bound to a constant if `$value` is the width of a tile, or another number up to that and up to the
/// number of lanes, so that the loops in it unroll and their sums live in registers.
macro_rules! for_tile {
    (@widths $($width:literal)+, $value:expr, $T:ident => $body:expr, else $other:expr) => {
        match $value {
            $($width => { const $T: usize = $width; $body })+
            _ => $other,
        }
    };
    ($value:expr, $T:ident => $body:expr, else $other:expr) => {
        $crate::lanes::for_tile!(@widths 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16, $value, $T => $body, else $other)
    };
}
pub(crate) use for_tile;

/// Runs `$body` for each tile of `$most` vectors at most that rows of `$vectors` are cut into, with `$first` bound to its first
/// vector, and `$T` to the constant of its width.
macro_rules! for_tiles {
    (@most $most:expr, @widths $($width:literal)+, $vectors:expr, $first:ident, $T:ident => $body:expr) => {
        let vectors: usize = $vectors;
        let width = $crate::lanes::tile_width(vectors, $most);
        for $first in (0..vectors).step_by(width) {
            $crate::lanes::for_tile!(@widths $($width)+, (vectors - $first).min(width), $T => $body, else {
                unreachable!("a tile is at most {} vectors", $most)
            });
        }
    };
    (@most $most:expr, $vectors:expr, $first:ident, $T:ident => $body:expr) => {
        $crate::lanes::for_tiles!(
            @most $most, @widths 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16, $vectors, $first, $T => $body
        );
    };
    ($vectors:expr, $first:ident, $T:ident => $body:expr) => {
        $crate::lanes::for_tiles!(@most $crate::lanes::TILE, $vectors, $first, $T => $body);
    };
}
pub(crate) use for_tiles;

/// [`for_tiles`] where they are [narrow](NARROW_TILE).
macro_rules! for_narrow_tiles {
    ($vectors:expr, $first:ident, $T:ident => $body:expr) => {
        $crate::lanes::for_tiles!(
            @most $crate::lanes::NARROW_TILE, @widths 1 2 3 4 5 6, $vectors, $first, $T => $body
        );
    };
}
pub(crate) use for_narrow_tiles;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn horizontal_sums_in_their_order() {
        let number = |k: usize, lane: usize| ((k * LANES + lane) as f32 + 0.1).sqrt();
        let v: [f32xN; LANES] =
            core::array::from_fn(|k| f32xN::from(core::array::from_fn(|lane| number(k, lane))));
        let want = core::array::from_fn(|k| {
            let four = |n: usize| {
                let x = |lane| number(k, 4 * n + lane);
                (x(0) + x(2)) + (x(1) + x(3))
            };
            if LANES == 16 { (four(0) + four(2)) + (four(1) + four(3)) } else { four(0) + four(1) }
        });
        assert_eq!(sums(v).to_array(), want);
    }

    #[test]
    fn tiles_are_even_and_every_width_is_one() {
        assert_eq!(
            [1, 16, 17, 31, 32, 33, 38, 512].map(|vectors| tile_width(vectors, TILE)),
            [1, 16, 9, 16, 16, 11, 13, 16]
        );
        for width in 1..=TILE {
            assert_eq!(for_tile!(width, T => T, else 0), width);
        }
        assert_eq!(for_tile!(TILE + 1, T => T, else 0), 0);
        for vectors in 1..=4 * NARROW_TILE {
            let mut end = 0;
            for_narrow_tiles!(vectors, first, T => {
                assert_eq!(first, end);
                end += T;
            });
            assert_eq!(end, vectors);
        }
    }

    #[test]
    fn the_mask_covers_exactly_the_used_lanes() {
        for width in 1..=40 {
            let used = (width - 1) % LANES + 1;
            let masked = (f32xN::splat(f32::NAN) & tail_mask(width)).to_array();
            assert!(masked[..used].iter().all(|x| x.is_nan()), "width {width}");
            assert!(masked[used..].iter().all(|&x| x.to_bits() == 0), "width {width}");
        }
    }
}
