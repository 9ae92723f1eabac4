//! How far a proportion is to be trusted: Wilson's score interval (Wilson 1927).
//!
//! ```text
//! (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n)      p = hits / n, z = 1.96
//! ```
//!
//! It holds all proportions of which p is no surprise: those from which it is at most z standard errors away. Unlike p +- z
//! standard errors of p itself, it has a width where p is 0 or 1, and does not go beyond them.

/// How often the true proportion should lie in the interval.
pub const LEVEL: f64 = 0.95;

/// The deviation within which a share of [`LEVEL`] of the normal distribution lies.
const Z: f64 = 1.959_963_984_540_054;

/// The ends of the interval for `hits` of `n`.
///
/// # Panics
/// If `n` is 0 or `hits` is more.
pub fn wilson(hits: u64, n: u64) -> [f64; 2] {
    assert!(n > 0 && hits <= n, "{hits} of {n}");
    let all = n as f64;
    let p = hits as f64 / all;
    let square = Z * Z / all;
    let middle = p + square / 2.0;
    let half = (square * (p * (1.0 - p) + square / 4.0)).sqrt();
    // Where p is 0 or 1, so is an end; rounding may be on either side of it.
    [(middle - half) / (1.0 + square), (middle + half) / (1.0 + square)].map(|end| end.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines "wilson" of tests/scipy/make_numbers.py, SciPy 1.17.1.
    #[test]
    fn the_same_numbers_as_scipy() {
        for (hits, n, want) in [
            (0, 10, [0.0, 0.277_532_799_862_889_26]),
            (8, 10, [0.490_162_471_536_641_8, 0.943_317_848_545_624_8]),
            (9_601, 10_000, [0.956_083_866_563_211_6, 0.963_762_778_136_091_8]),
            (1, 1, [0.206_549_314_377_237_45, 1.0]),
            (59_999, 60_000, [0.999_905_590_667_819_9, 0.999_997_057_918_026_1]),
        ] {
            for (end, want) in wilson(hits, n).into_iter().zip(want) {
                // A dozen roundings of numbers up to 1.
                assert!((end - want).abs() < 1e-15, "{hits} of {n}: {end} instead of {want}");
            }
        }
    }

    #[test]
    fn both_sides_are_alike() {
        for n in [1, 2, 7, 10_000] {
            for hits in 0..n.min(50) {
                let ([low, high], [other_low, other_high]) = (wilson(hits, n), wilson(n - hits, n));
                assert!(0.0 <= low && low < high && high <= 1.0, "{hits} of {n}: {low} to {high}");
                let differences = [low - (1.0 - other_high), high - (1.0 - other_low)];
                assert!(differences.iter().all(|difference| difference.abs() < 1e-15), "{hits} of {n}");
            }
        }
    }
}
