//! Adam (Kingma & Ba, 2015, Algorithm 1), with bias correction, epsilon outside the root.
//!
//! ```text
//! m <- beta1 m + (1 - beta1) g          v <- beta2 v + (1 - beta2) g^2
//! w <- w - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)
//! ```
//!
//! Departures from the formula, and why each keeps the result:
//!
//! 1. What is remembered of v is its root u: a step needs it anyway, and a pause needs nothing else.
//! 2. beta m is taken as m - (1 - beta) m: the same, but 1 - 0.999 keeps its precision in f32, where 0.999 itself would
//!    forget 1.3e-5 of v. After k updates without gradient, beta is beta^(k + 1).
//! 3. The corrections depend only on the number of the update t: with step_t = lr / (1 - beta1^t) and
//!    root_t = 1 / sqrt(1 - beta2^t), the weight moves by step_t m / (root_t u + epsilon). What is divided by is divided by step_t
//!    instead, in two quotients that are taken once per update.
//! 4. The gradient comes times sqrt(1 - beta2), so that v takes its square as it is, and only m has to scale it.
//! 5. A weight with a zero gradient still moves while its moments last. What k such updates after update t do to it has a
//!    [closed form](Course), up to 1e-7 of the way that it moves.
//!
//! Cost per vector: catching up, 3 loads, division, 3 multiplications, 4 FMA, store; updating, 3 loads, square root,
//! division, 2 multiplications, 5 FMA, subtraction, 3 stores.

use super::course::{AtHand, Course, Missed};
use crate::lanes::f32xN;
use crate::rule::{Cost, Rule};
use std::sync::Arc;

/// First moment and root of the second moment for every weight.
#[derive(Clone, Debug)]
pub struct Adam {
    /// sqrt(1 - beta2), and (1 - beta1) over that.
    new: [f32xN; 2],
    epsilon: f32xN,
    /// root_t and epsilon over step_t, for the update to come.
    over_step: [f32xN; 2],
    /// Updates so far.
    updates: u64,
    course: Arc<Course>,
    at_hand: AtHand,
}

impl Adam {
    /// Adam before its first update. `epsilon` is positive and no subnormal, the betas lie in `0..1`.
    pub fn new(lr: f64, beta1: f64, beta2: f64, epsilon: f32) -> Self {
        let root = (1.0 - beta2).sqrt();
        let course = Course::new(lr, beta1, beta2);
        let at_hand = course.at_hand();
        let mut adam = Self {
            new: [root, (1.0 - beta1) / root].map(|new| f32xN::splat(new as f32)),
            epsilon: f32xN::splat(epsilon),
            over_step: [f32xN::ZERO; 2],
            updates: 0,
            course: Arc::new(course),
            at_hand,
        };
        adam.advance(0);
        adam
    }

    /// The weights after [steps](Course::steps) without gradient, one after another.
    fn replay(&self, steps: &[[f32; 2]], weights: f32xN, [m, u]: &[f32xN; 2]) -> f32xN {
        // The steps are added up before they meet the weight, so that a long pause takes no more roundings than a short
        // one.
        let mut moved = f32xN::ZERO;
        for &[first, second] in steps {
            moved += *m * f32xN::splat(first) / (*u * f32xN::splat(second) + self.epsilon);
        }
        weights - moved
    }
}

impl Rule for Adam {
    /// m and u = sqrt(v).
    type Memory = [f32xN; 2];
    type Pause = Missed;
    const COST: Cost = Cost { step: 15, see: 12 };

    #[inline(always)]
    fn rate(&self, _: f32xN) -> f32xN {
        self.new[0]
    }

    fn advance(&mut self, updates: u64) {
        self.updates = updates;
        // Here, not when somebody looks back, so that it depends on nothing but the number of updates.
        if let Some(course) = self.course.moved_on(self.updates) {
            self.course = Arc::new(course);
        }
        self.course.turn_to(self.updates, &mut self.at_hand);
        let (step, root) = self.course.corrections(self.updates + 1);
        // With a learning rate of 0, what is divided by is infinite and nothing moves; but a u of 0 times infinity is no
        // number, and neither is 0 / 0, where the learning rate is large beyond all reason.
        let [epsilon, ..] = self.epsilon.to_array();
        let (root, epsilon) = ((root / step).min(f32::MAX), (epsilon / step).max(f32::MIN_POSITIVE));
        self.over_step = [root, epsilon].map(f32xN::splat);
    }

    fn look_back(&mut self) {
        self.course.look_back(self.updates, &mut self.at_hand);
    }

    #[inline(always)]
    fn pause(&self, missed: u64) -> Option<Missed> {
        self.at_hand.pause(missed)
    }

    /// By the series, if it serves; otherwise update by update.
    #[cold]
    fn sit_through(&self, missed: u64, weights: &mut [f32xN], memory: &mut [[f32xN; 2]]) {
        let (from, left) = (self.updates - missed, self.course.left(missed));
        let pause = self.course.missed(from, missed);
        let steps: Vec<_> = pause.map_or_else(|| self.course.steps(from, missed).collect(), |_| Vec::new());
        for (w, memory) in weights.iter_mut().zip(memory) {
            *w = match pause {
                Some(pause) => self.catch_up(pause, *w, memory),
                None => self.replay(&steps, *w, memory),
            };
            *memory = faded(left, *memory);
        }
    }

    #[inline(always)]
    fn catch_up(&self, missed: Missed, weights: f32xN, [m, u]: &[f32xN; 2]) -> f32xN {
        let [zeroth, second, third] = missed.moments.map(f32xN::splat);
        let scale = f32xN::ONE / u.mul_add(f32xN::splat(missed.mean), self.epsilon);
        let relative = *u * scale;
        let series = relative.mul_neg_add(third, second).mul_add(relative * relative, zeroth);
        (*m * scale).mul_neg_add(series, weights)
    }

    #[inline(always)]
    fn fade(&self, Missed { left, .. }: Missed, memory: &mut [f32xN; 2]) {
        *memory = faded(left, *memory);
    }

    #[inline(always)]
    fn step_after(
        &self,
        Missed { gone, .. }: Missed,
        weights: f32xN,
        a: f32xN,
        b: f32xN,
        memory: &mut [f32xN; 2],
    ) -> f32xN {
        let ([m, u], gradient, [gone1, gone2]) = (*memory, a * b, gone.map(f32xN::splat));
        let v = u * u;
        let m = gradient.mul_add(self.new[1], m.mul_neg_add(gone1, m));
        let u = gradient.mul_add(gradient, v.mul_neg_add(gone2, v)).sqrt();
        *memory = [m, u];
        let [root, epsilon] = self.over_step;
        weights - m / u.mul_add(root, epsilon)
    }

    #[inline(always)]
    fn step(&self, weights: f32xN, a: f32xN, b: f32xN, memory: &mut [f32xN; 2]) -> f32xN {
        self.step_after(self.course.nothing(), weights, a, b, memory)
    }
}

/// What is left of the moments.
#[inline(always)]
fn faded(left: [f32; 2], [m, u]: [f32xN; 2]) -> [f32xN; 2] {
    [m * f32xN::splat(left[0]), u * f32xN::splat(left[1])]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// m / (1 - beta1) and the root of v / (1 - beta2) are then the gradient and its size.
    #[test]
    fn the_first_step_is_as_long_as_the_learning_rate() {
        let adam = Adam::new(0.25, 0.9, 0.999, 1e-12);
        let rate = adam.rate(f32xN::ZERO);
        for gradient in [4.0, 0.125, -0.125, -1e-3] {
            let mut memory = [f32xN::ZERO; 2];
            let [got, ..] = adam.step(f32xN::ONE, rate, f32xN::splat(gradient), &mut memory).to_array();
            assert!((got - 1.0 + 0.25 * gradient.signum()).abs() < 1e-6, "{gradient}: {got}");
        }
    }

    /// From a weight of zero, whose own rounding hides nothing, and where the third moment counts for 2e-6.
    #[test]
    fn a_pause_is_as_precise_as_its_moments() {
        let (beta1, beta2, epsilon) = (0.9, 0.9978, 1e-8);
        let mut adam = Adam::new(1.0, beta1, beta2, epsilon as f32);
        adam.advance(20_000);
        adam.look_back();
        for k in [1, 5, 40, 150] {
            let missed = adam.pause(k).expect("the series serves");
            let memory = [f32xN::splat(0.5), f32xN::splat(0.25)];
            let [got, ..] = adam.catch_up(missed, f32xN::ZERO, &memory).to_array();
            let (mut m, mut u, mut want) = (0.5_f64, 0.25, 0.0);
            for _ in 0..k {
                (m, u) = (beta1 * m, beta2.sqrt() * u);
                want -= m / (u + f64::from(epsilon as f32));
            }
            assert!((f64::from(got) / want - 1.0).abs() < 6e-7, "{k}: {got}, {want}");
        }
    }

    /// Otherwise each would be computed by itself, row by row.
    #[test]
    fn while_corrections_change_short_pauses_are_at_hand_once_somebody_has_looked_back() {
        let mut adam = Adam::new(1.0, 0.9, 0.999, 1e-8);
        adam.advance(500);
        assert!(adam.pause(5).is_none());
        adam.look_back();
        assert!(adam.pause(5).is_some() && adam.pause(31).is_some() && adam.pause(32).is_none());
    }

    /// Where the gradient adds next to nothing, u is what the pause has left of it, to the last bits.
    #[test]
    fn what_a_pause_leaves_is_as_precise_as_what_was_there() {
        let mut tried = 0;
        for (beta1, beta2) in [(0.9, 0.999), (0.5, 0.987), (0.1, 0.96)] {
            let mut adam = Adam::new(1.0, beta1, beta2, 1e-8);
            adam.advance(40_000);
            adam.look_back();
            for k in [0, 1, 10, 31, 55, 175, 511, 1023] {
                let Some(pause) = adam.pause(k) else { continue };
                let mut memory = [f32xN::splat(0.5), f32xN::splat(0.25)];
                let tiny = adam.rate(f32xN::ZERO) * f32xN::splat(1e-6);
                adam.step_after(pause, f32xN::ZERO, tiny, f32xN::ONE, &mut memory);
                let left = 0.25_f64.powi(2) * beta2.powi(k as i32 + 1);
                let want = ((1.0 - beta2) * 1e-12 + left).sqrt();
                let u = f64::from(memory[1].to_array()[0]);
                assert!((u / want - 1.0).abs() < 1e-6, "{beta1}, {beta2}, {k}: {u:e} for {want:e}");
                tried += 1;
            }
        }
        assert_eq!(tried, 8 + 5 + 5);
    }
}
