//! Products of grey levels, which are bytes: four at a time, summed in numbers of 32 bits, and exact as long as these can hold the
//! sums.

use crate::groups::GROUP;
use crate::lanes::i32xN;

#[cfg(all(target_arch = "x86_64", target_feature = "avx512vnni"))]
pub(crate) use bytes::{Levels, Sums};
#[cfg(not(all(target_arch = "x86_64", target_feature = "avx512vnni")))]
pub(crate) use pairs::{Levels, Sums};

/// By an instruction for products of unsigned bytes and signed ones. Since these end at 127, the levels of one side are cut into
/// their low seven bits and the eighth.
#[cfg(all(target_arch = "x86_64", target_feature = "avx512vnni"))]
mod bytes {
    use super::{GROUP, i32xN};
    use core::arch::x86_64::_mm512_dpbusd_epi32;
    use safe_arch::m512i;

    /// The levels of a group in one image, made ready to be multiplied.
    #[derive(Clone, Copy)]
    pub(crate) struct Levels([i32xN; 2]);

    /// Sums of products: with the low bits, and with the eighth.
    #[derive(Clone, Copy)]
    pub(crate) struct Sums([i32xN; 2]);

    impl Levels {
        #[inline(always)]
        pub(crate) fn new(levels: [u8; GROUP]) -> Self {
            let levels = i32xN::splat(i32::from_ne_bytes(levels));
            Self([levels & i32xN::splat(0x7f7f_7f7f), (levels >> 7_u32) & i32xN::splat(0x0101_0101)])
        }

        /// Adds, in each lane, the products with the levels of another image.
        #[inline(always)]
        #[allow(unsafe_code)]
        pub(crate) fn add_products(self, others: i32xN, sums: &mut Sums) {
            for (sum, own) in sums.0.iter_mut().zip(self.0) {
                let [m512i(before), m512i(others), m512i(own)] = [*sum, others, own].map(bytemuck::cast);
                // SAFETY: a build that has the instruction, as the condition above says, runs on no processor that lacks it
                // (`simd::missing`).
                *sum = bytemuck::cast(m512i(unsafe { _mm512_dpbusd_epi32(before, others, own) }));
            }
        }
    }

    impl Sums {
        /// How many had better take turns, since each addition waits for the one before.
        pub(crate) const TURNS: usize = 2;
        pub(crate) const ZERO: Self = Self([i32xN::ZERO; 2]);

        #[inline(always)]
        pub(crate) fn total(self) -> i32xN {
            let [low, eighth] = self.0;
            low + (eighth << 7_u32)
        }
    }
}

/// By one for numbers of 16 bits: the even ones of four bytes are two of them, and the odd ones.
#[cfg(not(all(target_arch = "x86_64", target_feature = "avx512vnni")))]
mod pairs {
    use super::{GROUP, i32xN};
    use crate::lanes::i16xN;

    /// The levels of a group in one image, made ready to be multiplied.
    #[derive(Clone, Copy)]
    pub(crate) struct Levels([i16xN; 2]);

    /// Sums of products.
    #[derive(Clone, Copy)]
    pub(crate) struct Sums(i32xN);

    #[inline(always)]
    fn pairs(levels: i32xN) -> [i16xN; 2] {
        const EVEN: i32 = 0x00ff_00ff;
        [levels, levels >> 8_u32].map(|levels| bytemuck::cast(levels & i32xN::splat(EVEN)))
    }

    impl Levels {
        #[inline(always)]
        pub(crate) fn new(levels: [u8; GROUP]) -> Self {
            Self(pairs(i32xN::splat(i32::from_ne_bytes(levels))))
        }

        /// Adds, in each lane, the products with the levels of another image.
        #[inline(always)]
        pub(crate) fn add_products(self, others: i32xN, sums: &mut Sums) {
            let [even, odd] = pairs(others);
            sums.0 += self.0[0].dot(even) + self.0[1].dot(odd);
        }
    }

    impl Sums {
        /// How many had better take turns.
        pub(crate) const TURNS: usize = 1;
        pub(crate) const ZERO: Self = Self(i32xN::ZERO);

        #[inline(always)]
        pub(crate) fn total(self) -> i32xN {
            self.0
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::LANES;
    use core::array;

    /// Every level, in each place, with others of all bits, after what was there before.
    #[test]
    fn products_are_those_of_whole_numbers() {
        for (own, shift) in (0..=255_u8).flat_map(|own| [1, 17, 93, 128].map(|shift| (own, shift))) {
            let group = [own, own ^ 0x80, 255 - own, own.wrapping_add(shift)];
            let other = |lane: usize| -> [u8; GROUP] {
                array::from_fn(|n| (lane * 16 + n * 67 + usize::from(shift)) as u8)
            };
            let others: [i32; LANES] = array::from_fn(|lane| i32::from_ne_bytes(other(lane)));
            let mut sums = Sums::ZERO;
            for _ in 0..3 {
                Levels::new(group).add_products(i32xN::from(others), &mut sums);
            }
            for (lane, sum) in sums.total().to_array().into_iter().enumerate() {
                let products = group.into_iter().zip(other(lane)).map(|(p, q)| i32::from(p) * i32::from(q));
                assert_eq!(sum, 3 * products.sum::<i32>(), "{group:?} with {:?}", other(lane));
            }
        }
    }
}
