//! What decays by the same factor at every update, kept so that nobody has to see to it: in a unit that decays with it.
//!
//! ```text
//! x <- mu x + g                     at every update, for all weights
//!
//! here:  y = x / mu^k               k = t mod P after t updates, so that y stays what it is while g = 0
//!        y <- y + g / mu^k          with the k after the update
//!        y <- y mu^P                before an update that takes k back to 0: all of them are rescaled at once
//! ```
//!
//! P is as long as y stays far from the largest number, or a thousand. With mu = 0.8, all that is remembered is rescaled once in 298
//! updates, which costs next to nothing; with 0.01 once in 14, and with 0 at every update.

/// What is left of a 1, and how many updates are left of a period.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fading {
    mu: f64,
    /// P.
    period: u64,
    /// k.
    phase: u64,
    /// mu^k, multiplied up from 1: so it does not matter where somebody went on from a state.
    left: f64,
}

/// P at most.
const LONGEST: f64 = 1000.0;

/// y is at most 2^96 times x, which leaves 2^31 for that: what learns something comes nowhere near it.
const ROOM: f64 = 96.0;

impl Fading {
    /// Before the first update. `mu` lies in `0..=1`; of less than 2^-96, nothing is left after an update, so it is as good as that.
    pub(super) fn new(mu: f64) -> Self {
        let mu = mu.max((-ROOM).exp2());
        let period = (ROOM / mu.log2().abs()).clamp(1.0, LONGEST) as u64;
        Self { mu, period, phase: 0, left: 1.0 }
    }

    /// To where so many updates have been made.
    #[inline(always)]
    pub(super) fn advance(&mut self, updates: u64) {
        let phase = updates % self.period;
        if phase < self.phase {
            (self.phase, self.left) = (0, 1.0);
        }
        while self.phase < phase {
            self.left *= self.mu;
            self.phase += 1;
        }
    }

    /// mu^updates.
    #[inline(always)]
    pub(super) fn left(&self, updates: usize) -> f64 {
        power(self.mu, updates)
    }

    /// What a y of 1 is after so many more updates, if it is not rescaled before.
    #[inline(always)]
    pub(super) fn worth(&self, updates: usize) -> f64 {
        self.left * self.left(updates)
    }

    /// What a y of 1 is after so many more updates, if it was [rescaled](Self::rescale) for them.
    #[inline(always)]
    pub(super) fn worth_rescaled(&self, updates: usize) -> f64 {
        match self.phase + updates as u64 {
            end if end < self.period => self.worth(updates),
            end => self.left((end % self.period) as usize),
        }
    }

    /// What all y are to be multiplied by before so many updates.
    #[inline(always)]
    pub(super) fn rescale(&self, updates: usize) -> Option<f32> {
        let end = self.phase + updates as u64;
        (end >= self.period).then(|| self.left((end - end % self.period) as usize) as f32)
    }
}

/// x^n by squaring. The standard library's may round in another way from build to build.
#[inline(always)]
fn power(mut x: f64, mut n: usize) -> f64 {
    let mut product = 1.0;
    while n > 0 {
        if n % 2 == 1 {
            product *= x;
        }
        x *= x;
        n /= 2;
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By single updates, and by leaps over up to 64 of them, to the sum in f64.
    #[test]
    fn what_fades_is_the_sum_of_what_is_left() {
        for mu in [0.0_f64, 1e-30, 0.01, 0.3, 0.8, 0.99, 0.9999, 1.0] {
            for together in [1, 2, 7, 64] {
                let mut fading = Fading::new(mu);
                let (mut y, mut want, mut size, mut updates) = (0.0_f32, 0.0, 0.0, 0);
                while updates < 3000 {
                    let gradient = |update: usize| f64::from((update % 5) as f32 - 2.0);
                    for ahead in 0..together {
                        let got = f64::from(y) * fading.worth(ahead);
                        let faded = want * mu.powf(ahead as f64);
                        // A rounding or two for each update that counts; of mu = 0, 2^-96 is left.
                        let bound = 1e-6 * size + 1e-28;
                        assert!((got - faded).abs() < bound, "{mu}, {updates} + {ahead}: {got}, not {faded}");
                    }
                    y *= fading.rescale(together).unwrap_or(1.0);
                    for update in updates..updates + together {
                        let later = updates + together - 1 - update;
                        y += (gradient(update) * fading.left(later) / fading.worth_rescaled(together)) as f32;
                        want = mu * want + gradient(update);
                        size = mu * size + gradient(update).abs();
                    }
                    updates += together;
                    fading.advance(updates as u64);
                    assert!(y.is_finite() && y.abs() < 2.0_f32.powi(112), "{mu}, {updates}: {y}");
                }
            }
        }
    }

    #[test]
    fn nothing_is_rescaled_while_there_is_room() {
        let mut fading = Fading::new(0.5);
        assert_eq!((fading.rescale(95), fading.rescale(96)), (None, Some(2.0_f32.powi(-96))));
        fading.advance(90);
        assert_eq!((fading.rescale(5), fading.rescale(6)), (None, Some(2.0_f32.powi(-96))));
        assert_eq!((fading.worth(6), fading.worth_rescaled(6)), (2.0_f64.powi(-96), 1.0));
        for slow in [0.99, 1.0] {
            assert_eq!(Fading::new(slow).rescale(999), None, "{slow}");
        }
    }
}
