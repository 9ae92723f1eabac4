//! Momentum without pauses, for the first layer of a network that learns online: instead of a weight, where it would come to
//! rest, and instead of its velocity, what will be left of that [r updates from now](super::fading).
//!
//! ```text
//! v <- mu v + rate g
//! w <- w - scale mu v - rate g                 with the v before the update: as in `momentum`
//!
//! here:  w = z + way v,  v = y / mu^r          way = scale mu / (1 - mu): what scale (mu + mu^2 + ...) v adds up to
//!        z <- z - (1 + way) rate g
//!        y <- y + rate g mu^r                  with the r after the update
//! ```
//!
//! Departures from the plain rule, and why each keeps the result:
//!
//! 1. With g = 0, w moves towards z and v decays, but z and y stay what they are. So the rows of dark pixels have nothing to catch
//!    up with, and nobody needs to know for how long they have been dark.
//! 2. The weights are made where they are read, by an FMA with a number that is the same for all of them.
//! 3. Where z is much larger than w, its roundings are, too: those of w come to 2^-24 (|w| + 2 way |v|) an update. Up to mu =
//!    0.99999, w is nearer to that of the plain rule in f64 than the plain rule in f32 is; beyond, it is not.
//!
//! Cost per vector: reading, 2 loads and FMA; updating, 2 loads, FMA, multiplication, subtraction, 2 stores; per row, a
//! multiplication. As under [`Sgd`](super::Sgd), a second FMA would take longer.

use super::fading::Fading;
use crate::lanes::f32xN;
use crate::rule::{Cost, Echo, Rule};

/// What is left of a velocity that is as good as at rest, as a power of two.
const NEXT_TO_NOTHING: f64 = -19.0;

/// y is at least 2^-64 of a velocity.
const ROOM: f64 = 64.0;

/// The place where every weight would come to rest, and its velocity.
#[derive(Clone, Copy, Debug)]
pub struct MomentumAtRest {
    /// (1 + way) rate.
    rate: f32xN,
    way: f64,
    fading: Fading,
    /// How far a y of 1 has to go now, way / mu^r.
    to_go: f32xN,
    /// What y gains at the next update for every 1 that z loses, mu^r / (1 + way) with the r after it.
    gain: f32xN,
}

impl MomentumAtRest {
    /// [`Momentum`](super::Momentum) of these numbers.
    pub(super) fn new(rate: f64, mu: f64, scale: f64) -> Self {
        let way = scale * mu / (1.0 - mu);
        // A velocity that is gone at once moves nothing, so it may stay what it is.
        let fading = Fading::new(if mu > 0.0 { mu } else { 1.0 }, ROOM);
        let rate = f32xN::splat(((1.0 + way) * rate) as f32);
        let mut rule = Self { rate, way, fading, to_go: f32xN::ZERO, gain: f32xN::ZERO };
        rule.advance(0);
        rule
    }

    /// What y gains for a 1, if that update is the last of some to come.
    #[inline(always)]
    fn gain(&self, updates: usize) -> f64 {
        self.fading.gain(updates) / (1.0 + self.way)
    }
}

impl Rule for MomentumAtRest {
    type Memory = f32xN;
    type Pause = ();
    const COST: Cost = Cost { step: 4, see: 2 };
    const DERIVED: bool = true;
    const ADDS_UP: bool = true;

    #[inline(always)]
    fn rate(&self, _: f32xN) -> f32xN {
        self.rate
    }

    #[inline(always)]
    fn step(&self, rest: f32xN, a: f32xN, b: f32xN, velocity: &mut f32xN) -> f32xN {
        *velocity = (a * self.gain).mul_add(b, *velocity); // no product by itself, which might be subnormal
        rest - a * b
    }

    #[inline(always)]
    fn advance(&mut self, updates: u64) {
        self.fading.advance(updates);
        self.to_go = f32xN::splat((self.way * self.fading.worth(0)) as f32);
        self.gain = f32xN::splat(self.gain(1) as f32);
    }

    #[inline(always)]
    fn rescale(&self, updates: usize) -> Option<f32> {
        self.fading.rescale(updates)
    }

    #[inline(always)]
    fn derive(&self, rest: f32xN, velocity: &f32xN) -> f32xN {
        velocity.mul_add(self.to_go, rest)
    }

    #[inline(always)]
    fn foresee(&self, updates: usize, rest: f32xN, velocity: f32xN) -> f32xN {
        velocity.mul_add(f32xN::splat((self.way * self.fading.worth(updates)) as f32), rest)
    }

    #[inline(always)]
    fn echo(&self, later: usize, updates: usize) -> Echo {
        let left = self.fading.left(later as u64);
        let [seen, to_come] =
            [1.0 + self.way * (1.0 - left), self.way * left].map(|part| part / (1.0 + self.way));
        let remembered = left * self.gain(updates);
        Echo { seen: seen as f32, to_come: to_come as f32, remembered: remembered as f32 }
    }

    fn span(&self) -> usize {
        if self.way > 0.0 { self.fading.span(NEXT_TO_NOTHING) } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Momentum;

    /// The velocity was zero.
    #[test]
    fn the_first_step_is_the_gradient_times_the_rate() {
        let mut rule = Momentum::classical(0.25, 0.5).at_rest();
        let mut velocity = f32xN::ZERO;
        let rest = rule.step(f32xN::ONE, rule.rate(f32xN::ZERO), f32xN::splat(0.5), &mut velocity);
        rule.advance(1);
        assert_eq!(rule.derive(rest, &velocity), f32xN::splat(1.0 - 0.125));
    }

    /// A gradient that is to come counts as much as if it had come.
    #[test]
    fn echoes_are_what_becomes_of_a_step() {
        for mu in [0.0, 0.01, 0.5, 0.8, 0.99] {
            for before in [0, 1, 3, 94, 297, 1000] {
                for updates in [1, 2, 64] {
                    let mut rule = Momentum::nesterov(0.25, mu).at_rest();
                    rule.advance(before);
                    let start = rule;
                    for later in [0, 1, updates - 1].into_iter().filter(|&later| later < updates) {
                        // The step, and `later` more without gradient.
                        let mut rule = start;
                        rule.advance(before + (updates - later - 1) as u64);
                        let mut velocity = f32xN::ZERO;
                        let rest = rule.step(f32xN::ZERO, f32xN::ONE, f32xN::ONE, &mut velocity);
                        for update in updates - later..=updates {
                            rule.advance(before + update as u64);
                            if update < updates {
                                velocity *= f32xN::splat(rule.rescale(1).unwrap_or(1.0));
                            }
                        }
                        let want = [-rule.derive(rest, &velocity), velocity].map(|x| x.to_array()[0]);
                        let echo = start.echo(later, updates);
                        // An update of 1 + way off z is one of 1 off w, and then of mu, mu^2, ... more, in the unit of Nesterov's.
                        let more: f64 = (1..=later).map(|k| mu.powf(k as f64)).sum();
                        let all = 1.0 + mu / (1.0 + mu) * mu / (1.0 - mu);
                        let part = (1.0 + mu / (1.0 + mu) * more) / all;
                        assert!((f64::from(echo.seen) / part - 1.0).abs() < 1e-7, "{mu}, {later}");
                        assert!((f64::from(echo.to_come) + part - 1.0).abs() < 1e-7, "{mu}, {later}");
                        // What is seen is the difference of what is stored and what is still to go.
                        let sizes = [1.0, want[1].abs()];
                        for ((got, want), size) in
                            [echo.seen, echo.remembered].into_iter().zip(want).zip(sizes)
                        {
                            let case = format!("{mu}, {before}, {updates}, {later}");
                            assert!((got - want).abs() <= 1e-6 * size, "{case}: {got}, not {want}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn next_to_nothing_is_to_come_after_the_span() {
        for (mu, span) in [(0.0, 0), (0.01, 3), (0.5, 19), (0.8, 60), (0.99, 1311)] {
            let rule = Momentum::nesterov(0.25, mu).at_rest();
            assert_eq!(rule.span(), span, "{mu}");
            let left = |later: usize| mu.powf(later as f64);
            assert!(span == 0 || left(span) <= 2_f64.powi(-19) && left(span - 1) > 2_f64.powi(-19), "{mu}");
            assert!(f64::from(rule.echo(span, 1).to_come) < 2_f64.powi(-19), "{mu}");
        }
    }
}
