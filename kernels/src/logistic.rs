//! The logistic function, a vector at a time, to 2 units in the last place.
//!
//! ```text
//! s(z) = 1 / (1 + exp(-z))
//!
//! plain:  for z in v { *z = 1.0 / (1.0 + (-*z).exp()) }
//! ```
//!
//! Departures from the plain loop, and why each keeps the result:
//!
//! 1. t = exp(-|z|) lies in (0, 1], so it never overflows; s is 1/(1+t) on the right and t/(1+t) on the left, the same
//!    function with full relative accuracy on both sides. One division serves both: only the numerator is selected.
//! 2. exp(x) = 2^n exp(r) with n = round(x / ln 2) and |r| <= ln 2 / 2; n is found by adding 1.5 x 2^23, which rounds
//!    to nearest in the adder, and r with ln 2 split in two so that n ln 2 is exact in its first part.
//! 3. exp(r) = 1 + (r + r^2 q(r)), q of degree 4 interpolating (exp(r) - 1 - r)/r^2 at the Chebyshev nodes: 0.16 x 2^-24
//!    relative, well below the rounding of the last addition.
//! 4. The part of t that 1 + t rounds away would cost another ulp; it is known exactly, and its effect on s taken off:
//!    -s lost/(1 + t), where 1/(1 + t) is s on the right and 1 - s on the left.
//! 5. Where exp(-|z|) would be below the smallest normal number (z < -87.33), the result is 0: at most 1.2e-38 away.
//! 6. NaN stays NaN: nothing here clamps by `max` or `min`, which would hide it.
//!
//! Cost per vector: 9 FMA, 3 multiplications, 6 additions, 2 integer operations, one division.

use crate::lanes::{f32xN, i32xN};

/// ln 2 to 9 bits, so that its products with |n| <= 127 are exact; and the rest.
const LN2_HIGH: f32 = 355.0 / 512.0;
const LN2_LOW: f32 = -0.000_212_194_44;
/// Adding this to |x| < 2^22 leaves round(x) in the low bits of the mantissa.
const ROUND: f32 = 12_582_912.0;
/// (exp(r) - 1 - r)/r^2 on |r| <= ln 2 / 2, from the constant term up.
const Q: [f32; 5] = [0.5, 0.166_665_78, 0.041_666_556, 0.008_363_173, 0.001_392_617_6];
/// exp(-x) is normal up to here: 126 ln 2, rounded down.
const NORMAL: f32 = 87.336_54;

/// s(z), lane by lane; within 2 ulp where s(z) is a normal number, 0 below, NaN for NaN.
#[inline(always)]
pub fn logistic(z: f32xN) -> f32xN {
    let t = exp_of_minus(z.abs());
    let right = z.simd_ge(f32xN::ZERO);
    let denominator = f32xN::ONE + t;
    let lost = t - (denominator - f32xN::ONE);
    let s = right.select(f32xN::ONE, t) / denominator;
    let reciprocal = right.select(s, f32xN::ONE - s);
    (s * lost).mul_neg_add(reciprocal, s)
}

/// exp(-x) for x >= 0, flushed to zero where it would be subnormal.
#[inline(always)]
fn exp_of_minus(x: f32xN) -> f32xN {
    let shifted = x.mul_neg_add(f32xN::splat(core::f32::consts::LOG2_E), f32xN::splat(ROUND));
    let n = shifted - f32xN::splat(ROUND);
    let r = n.mul_neg_add(f32xN::splat(LN2_HIGH), -x);
    let r = n.mul_neg_add(f32xN::splat(LN2_LOW), r);
    let q = Q[..4].iter().rev().fold(f32xN::splat(Q[4]), |q, &c| q.mul_add(r, f32xN::splat(c)));
    let exp_r = f32xN::ONE + (r * r).mul_add(q, r);
    // The low bits of `shifted` hold n; moved to the exponent and added to 1.0's, they make 2^n.
    let bits: i32xN = bytemuck::cast(shifted);
    let power: f32xN = bytemuck::cast((bits << 23) + bytemuck::cast::<f32xN, i32xN>(f32xN::ONE));
    x.simd_gt(f32xN::splat(NORMAL)).select(f32xN::ZERO, exp_r * power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::LANES;

    /// The distance of `got` from `want` in units of `want`'s last place as an f32.
    fn ulps(got: f32, want: f64) -> f64 {
        let exponent = (want.abs().log2().floor() as i32).max(-126);
        (f64::from(got) - want).abs() / 2.0_f64.powi(exponent - 23)
    }

    /// Demands that all of these floats, but for those beyond -87.3, NaN and infinity, are within so many ulp.
    fn assert_within(bound: f64, bits: impl Iterator<Item = u32>) {
        let (mut worst, mut cases) = (0.0_f64, 0_u64);
        for z in bits.map(f32::from_bits).filter(|z| (-87.3..=f32::MAX).contains(z)) {
            let want = 1.0 / (1.0 + (-f64::from(z)).exp());
            let error = ulps(logistic(f32xN::splat(z)).to_array()[0], want);
            assert!(error <= bound, "{error} ulp at {z:e}");
            (worst, cases) = (worst.max(error), cases + 1);
        }
        println!("{cases} cases, at worst {worst} ulp");
        assert!(cases > 1_000_000, "only {cases} cases ran");
    }

    #[test]
    fn two_ulp_on_a_dense_sample_of_all_floats() {
        assert_within(2.0, (0..=u32::MAX).step_by(1_009));
    }

    /// What 1 + t rounds away counts most where s is just below 1/2: with 1 + s for 1 - s, it would be off by 1.5 ulp there.
    #[test]
    fn more_precise_than_that_from_minus_one_to_minus_a_half() {
        let [from, to] = [-0.5_f32, -1.0].map(f32::to_bits);
        assert_within(1.4, (from..=to).step_by(7));
    }

    #[test]
    #[ignore = "every float there is: 3 minutes"]
    fn two_ulp_on_every_float() {
        assert_within(2.0, 0..=u32::MAX);
    }

    #[test]
    fn specials_in_every_lane() {
        let cases = [
            (f32::INFINITY, 1.0),
            (f32::NEG_INFINITY, 0.0),
            (f32::MAX, 1.0),
            (f32::MIN, 0.0),
            (-88.0, 0.0),
            (0.0, 0.5),
            (-0.0, 0.5),
            (f32::MIN_POSITIVE / 2.0, 0.5),
        ];
        for lane in 0..LANES {
            for (z, want) in cases {
                let mut v = [1.0; LANES];
                v[lane] = z;
                assert_eq!(logistic(f32xN::from(v)).to_array()[lane], want, "s({z}) in lane {lane}");
            }
            let mut v = [1.0; LANES];
            v[lane] = f32::NAN;
            assert!(logistic(f32xN::from(v)).to_array()[lane].is_nan(), "NaN in lane {lane}");
        }
    }
}
