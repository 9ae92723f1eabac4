//! What decays by the same factor at every update, kept so that nobody has to see to it: as what will be left of it at the end of
//! a period.
//!
//! ```text
//! x <- mu x + g                     at every update, for all weights
//!
//! here:  y = mu^r x                 r updates before a period of P ends, so that y stays what it is while g = 0
//!        y <- y + mu^r g            with the r after the update
//!        y <- mu^P y                before an update that begins a period: all of them are rescaled at once
//! ```
//!
//! P is as long as mu^r does not become too small, or a thousand. With mu = 0.8 and room for 2^-64, all that is remembered is
//! rescaled once in 199 updates, which costs next to nothing; with 0.01 once in 10. With 0 it is at every update, and y is x.

use super::power;

/// How many updates are left of a period, and how much of a 1 will be left after them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fading {
    mu: f64,
    /// 1 / mu, which multiplies faster than mu divides.
    over_mu: f64,
    /// P.
    period: u64,
    /// r.
    to_end: u64,
    /// mu^r, made up from that of the beginning of the period: so it does not matter where somebody went on from a state.
    part: f64,
}

/// P at most.
const LONGEST: f64 = 1000.0;

impl Fading {
    /// Before the first update. `mu` lies in `0..=1`, and mu^r will be at least 2^-`room`, and at most 1. So y is finite where x is,
    /// and precise where x is not below 2^`room` times the smallest number that is.
    pub(super) fn new(mu: f64, room: f64) -> Self {
        let period = 1.0 + (room / mu.log2().abs()).min(LONGEST - 1.0).floor();
        Self { mu, over_mu: 1.0 / mu, period: period as u64, to_end: 0, part: 1.0 }
    }

    /// To where so many updates have been made.
    #[inline(always)]
    pub(super) fn advance(&mut self, updates: u64) {
        let begun = updates % self.period;
        if begun == 0 {
            // Not 1 up to a rounding, as what follows would leave it.
            (self.to_end, self.part) = (0, 1.0);
            return;
        }
        let to_end = self.period - begun;
        if to_end > self.to_end {
            (self.to_end, self.part) = (self.period - 1, self.left(self.period - 1));
        }
        while self.to_end > to_end {
            self.part *= self.over_mu;
            self.to_end -= 1;
        }
    }

    /// How many updates leave at most a part of 2^`power`.
    pub(super) fn span(&self, power: f64) -> usize {
        (power / self.mu.log2()).ceil() as usize
    }

    /// mu^updates.
    #[inline(always)]
    pub(super) fn left(&self, updates: u64) -> f64 {
        power(self.mu, updates)
    }

    /// What x is for a y of 1, after so many more updates before which y is not [rescaled](Self::rescale).
    #[inline(always)]
    pub(super) fn worth(&self, updates: usize) -> f64 {
        self.left(updates as u64) / self.part
    }

    /// What is added to y for a g of 1 by the last of so many more updates.
    #[inline(always)]
    pub(super) fn gain(&self, updates: usize) -> f64 {
        match self.to_end.checked_sub(updates as u64) {
            Some(to_end) if to_end + 1 == self.to_end => self.part * self.over_mu,
            Some(to_end) => self.left(to_end),
            None => self.left(self.to_end + self.periods(updates) * self.period - updates as u64),
        }
    }

    /// What all y are to be multiplied by before so many updates.
    #[inline(always)]
    pub(super) fn rescale(&self, updates: usize) -> Option<f32> {
        (updates as u64 > self.to_end).then(|| self.left(self.periods(updates) * self.period) as f32)
    }

    /// How many periods so many updates begin.
    fn periods(&self, updates: usize) -> u64 {
        (updates as u64).saturating_sub(self.to_end).div_ceil(self.period)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By single updates, and by leaps over up to 64 of them, to the sum in f64.
    #[test]
    fn what_fades_is_the_sum_of_what_is_left() {
        for mu in [0.0_f64, 1e-30, 0.01, 0.3, 0.8, 0.99, 0.9999, 1.0] {
            for together in [1, 2, 7, 64] {
                let mut fading = Fading::new(mu, 64.0);
                let (mut y, mut want, mut size, mut updates) = (0.0_f32, 0.0, 0.0_f64, 0);
                while updates < 3000 {
                    let gradient = |update: usize| f64::from((update % 5) as f32 - 2.0);
                    for ahead in 0..together {
                        let got = f64::from(y) * fading.worth(ahead);
                        let faded = want * mu.powf(ahead as f64);
                        // A rounding or two for each update that counts.
                        let bound = 1e-6 * size;
                        assert!(
                            (got - faded).abs() <= bound,
                            "{mu}, {updates} + {ahead}: {got}, not {faded}"
                        );
                    }
                    y *= fading.rescale(together).unwrap_or(1.0);
                    for update in updates..updates + together {
                        let later = (updates + together - 1 - update) as u64;
                        y += (gradient(update) * fading.left(later) * fading.gain(together)) as f32;
                        want = mu * want + gradient(update);
                        size = mu * size + gradient(update).abs();
                    }
                    updates += together;
                    fading.advance(updates as u64);
                    assert!(f64::from(y.abs()) <= size * 1.000_001, "{mu}, {updates}: {y}");
                }
            }
        }
    }

    #[test]
    fn where_somebody_went_on_does_not_matter() {
        // Periods of 10 to 1000 updates; after that of 0.5004..., mu^r would not come back to 1.
        for mu in [0.01, 0.3, 0.5004995089464576, 0.8, 0.9, 0.99] {
            let mut fading = Fading::new(mu, 64.0);
            for updates in 0..2500 {
                fading.advance(updates);
                let mut resumed = Fading::new(mu, 64.0);
                resumed.advance(updates);
                let [one, other] = [fading, resumed].map(|fading| (fading.to_end, fading.part.to_bits()));
                assert_eq!(one, other, "{mu}, {updates}");
            }
        }
    }

    #[test]
    fn nothing_is_rescaled_within_a_period() {
        let mut fading = Fading::new(0.5, 64.0);
        let factor = 2.0_f32.powi(-65);
        assert_eq!(
            (fading.rescale(1), fading.rescale(65), fading.rescale(66)),
            (Some(factor), Some(factor), Some(2.0_f64.powi(-130) as f32))
        );
        fading.advance(60);
        assert_eq!((fading.rescale(5), fading.rescale(6)), (None, Some(factor)));
        assert_eq!((fading.worth(0), fading.worth(5)), (32.0, 1.0));
        assert_eq!((fading.gain(1), fading.gain(5), fading.gain(6)), (0.0625, 1.0, 2.0_f64.powi(-64)));
        for slow in [0.99, 1.0] {
            let mut fading = Fading::new(slow, 64.0);
            fading.advance(1);
            assert_eq!(fading.rescale(999), None, "{slow}");
        }
    }
}
