//! The pauses of momentum: a geometric series.

/// How much of a velocity is left after k updates without gradient, and how far it has carried the weight meanwhile: in
/// each of them the velocity becomes `ratio` times itself, and then moves the weight by `-scale` times itself.
///
/// ```text
/// left(k) = ratio^k        drift(k) = scale (ratio + ratio^2 + ... + ratio^k) = scale ratio (1 - ratio^k) / (1 - ratio)
/// ```
#[derive(Clone, Debug)]
pub(super) struct Geometric {
    ratio: f64,
    scale: f64,
    table: Box<[Drift; GAPS]>,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, Default)]
pub struct Drift {
    pub(super) left: f32,
    pub(super) drift: f32,
}

/// Longer pauses are computed when they come: in MNIST fewer than one visit in a thousand comes after such a long one.
const GAPS: usize = 1024;

impl Geometric {
    /// For a `ratio` in `0..1`.
    pub(super) fn new(ratio: f64, scale: f64) -> Self {
        let mut series = Self { ratio, scale, table: Box::new([Drift::default(); GAPS]) };
        for k in 0..GAPS {
            series.table[k] = series.compute(k as u64);
        }
        series
    }

    /// After `k` updates.
    #[inline(always)]
    pub(super) fn after(&self, k: u64) -> Drift {
        match self.table.get(k as usize) {
            Some(drift) => *drift,
            None => self.compute(k),
        }
    }

    #[cold]
    fn compute(&self, k: u64) -> Drift {
        let (left, gone) = if self.ratio == 0.0 {
            (if k == 0 { 1.0 } else { 0.0 }, if k == 0 { 0.0 } else { 1.0 })
        } else {
            // expm1 keeps 1 - ratio^k where the ratio is next to 1.
            let power = k as f64 * self.ratio.ln();
            (power.exp(), -power.exp_m1())
        };
        Drift { left: left as f32, drift: (self.scale * self.ratio * gone / (1.0 - self.ratio)) as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closed_form_is_the_sum() {
        for ratio in [0.0, 1e-3, 0.5, 0.8, 0.99, 1.0 - 6e-8] {
            let series = Geometric::new(ratio, 0.3);
            let (mut left, mut drift) = (1.0_f64, 0.0);
            for k in 0..3000 {
                let found = series.after(k);
                for (found, want) in [(found.left, left), (found.drift, drift)] {
                    // A rounding to f32, and one in f64 per term.
                    let error = (f64::from(found) - want).abs();
                    assert!(error <= want * 1.2e-7 + 1e-45, "{ratio}, {k}: {found} for {want}");
                }
                left *= ratio;
                drift += 0.3 * left;
            }
        }
    }
}
