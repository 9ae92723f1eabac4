//! Vectors of eight lanes: counting, masking and summing them.

pub use wide::f32x8;

/// Numbers in a vector.
pub const LANES: usize = 8;

/// Vectors of a row that are worked on together at most. Where there are 16 registers, not all of 16 sums have one, but
/// what that costs is less than a second pass over the rows would: 0.83 to 0.88 of the time at H = 128 on AVX2, but for
/// DLR's 1.1, and less with the 32 registers of AVX-512.
pub(crate) const TILE: usize = 16;

/// The width of the tiles that rows of `vectors` are cut into: as few as can be, and even, but for the last.
pub(crate) const fn tile_width(vectors: usize) -> usize {
    vectors.div_ceil(vectors.div_ceil(TILE))
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
pub fn tail_mask(width: usize) -> f32x8 {
    assert!(width > 0, "no numbers have no last vector");
    let used = width - (vectors(width) - 1) * LANES;
    // By comparison, not by filling an array: bytes stored one by one and loaded as a vector would stall.
    f32x8::from([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]).simd_lt(f32x8::splat(used as f32))
}

/// Lane k of the result is the sum of the lanes of `v[k]`, ((0 + 2) + (1 + 3)) + ((4 + 6) + (5 + 7)): eight horizontal sums
/// by halving eight vectors to four, two and one, with 14 shuffles.
#[inline(always)]
#[cfg(target_feature = "avx")]
pub fn sums(v: [f32x8; LANES]) -> f32x8 {
    use safe_arch::{
        add_m256, m256, permute2z_m256, unpack_hi_m256, unpack_hi_m256d, unpack_lo_m256, unpack_lo_m256d,
    };
    let halve = |a, b| add_m256(unpack_lo_m256(a, b), unpack_hi_m256(a, b));
    let halve_pairs = |a: m256, b: m256| {
        let (a, b) = (bytemuck::cast(a), bytemuck::cast(b));
        add_m256(bytemuck::cast(unpack_lo_m256d(a, b)), bytemuck::cast(unpack_hi_m256d(a, b)))
    };
    let [a, b, c, d, e, f, g, h] = v.map(bytemuck::cast);
    let low = halve_pairs(halve(a, b), halve(c, d));
    let high = halve_pairs(halve(e, f), halve(g, h));
    bytemuck::cast(add_m256(permute2z_m256::<0x20>(low, high), permute2z_m256::<0x31>(low, high)))
}

/// The same sums in the same order, by a transpose.
#[inline(always)]
#[cfg(not(target_feature = "avx"))]
pub fn sums(v: [f32x8; LANES]) -> f32x8 {
    let [a, b, c, d, e, f, g, h] = f32x8::transpose(v);
    ((a + c) + (b + d)) + ((e + g) + (f + h))
}

/// Runs `$body` with `$T` bound to a constant if `$value` is the width of a tile, so that the loops in it unroll and their
/// sums live in registers.
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

/// Runs `$body` for each tile that rows of `$vectors` are cut into, with `$first` bound to its first vector, and `$T` to the
/// constant of its width.
macro_rules! for_tiles {
    ($vectors:expr, $first:ident, $T:ident => $body:expr) => {
        let vectors: usize = $vectors;
        let width = $crate::lanes::tile_width(vectors);
        for $first in (0..vectors).step_by(width) {
            $crate::lanes::for_tile!((vectors - $first).min(width), $T => $body, else {
                unreachable!("a tile is at most {} vectors", $crate::lanes::TILE)
            });
        }
    };
}
pub(crate) use for_tiles;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn eight_horizontal_sums_in_their_order() {
        let number = |k: usize, lane: usize| ((k * LANES + lane) as f32 + 0.1).sqrt();
        let v: [f32x8; LANES] =
            core::array::from_fn(|k| f32x8::from(core::array::from_fn(|lane| number(k, lane))));
        let want = core::array::from_fn(|k| {
            let x = |lane| number(k, lane);
            ((x(0) + x(2)) + (x(1) + x(3))) + ((x(4) + x(6)) + (x(5) + x(7)))
        });
        assert_eq!(sums(v).to_array(), want);
    }

    #[test]
    fn tiles_are_even_and_every_width_is_one() {
        assert_eq!([1, 16, 17, 31, 32, 33, 38, 512].map(tile_width), [1, 16, 9, 16, 16, 11, 13, 16]);
        for width in 1..=TILE {
            assert_eq!(for_tile!(width, T => T, else 0), width);
        }
        assert_eq!(for_tile!(TILE + 1, T => T, else 0), 0);
    }

    #[test]
    fn the_mask_covers_exactly_the_used_lanes() {
        for width in 1..=40 {
            let used = (width - 1) % LANES + 1;
            let masked = (f32x8::splat(f32::NAN) & tail_mask(width)).to_array();
            assert!(masked[..used].iter().all(|x| x.is_nan()), "width {width}");
            assert!(masked[used..].iter().all(|&x| x.to_bits() == 0), "width {width}");
        }
    }
}
