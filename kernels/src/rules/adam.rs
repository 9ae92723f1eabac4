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
//!    forget 1.3e-5 of v.
//! 3. The corrections depend only on the number of the update t, so they are folded into two scalars once per update, in
//!    f64: step_t = lr / (1 - beta1^t) and root_t = 1 / sqrt(1 - beta2^t).
//! 4. A weight with a zero gradient still moves while its moments last. What k such updates after update t do to it has a
//!    [closed form](Course), up to 1e-7 of the way that it moves.
//!
//! Cost per vector: catching up, 3 loads, division, 3 multiplications, 4 FMA, store; updating, 3 loads, square root,
//! division, 6 multiplications, 5 FMA, subtraction, 3 stores.

use super::course::{Course, Missed, Recent};
use crate::lanes::f32x8;
use crate::rule::{Cost, Rule};
use std::sync::Arc;

/// First moment and root of the second moment for every weight.
#[derive(Clone, Debug)]
pub struct Adam {
    /// 1 - beta1 and 1 - beta2.
    new: [f32x8; 2],
    epsilon: f32x8,
    /// step_t and root_t of the update to come.
    step: f32x8,
    root: f32x8,
    /// Updates so far.
    updates: u64,
    course: Arc<Course>,
    recent: Recent,
}

impl Adam {
    /// Adam before its first update. `epsilon` is positive and no subnormal, the betas lie in `0..1`.
    pub fn new(lr: f64, beta1: f64, beta2: f64, epsilon: f32) -> Self {
        let course = Arc::new(Course::new(lr, beta1, beta2));
        let (step, root) = course.corrections(1);
        Self {
            new: [1.0 - beta1, 1.0 - beta2].map(|new| f32x8::splat(new as f32)),
            epsilon: f32x8::splat(epsilon),
            step: f32x8::splat(step),
            root: f32x8::splat(root),
            updates: 0,
            course,
            recent: Recent::NONE,
        }
    }

    /// The weights after [steps](Course::steps) without gradient, one after another.
    fn replay(&self, steps: &[[f32; 2]], weights: f32x8, [m, u]: &[f32x8; 2]) -> f32x8 {
        // The steps are added up before they meet the weight, so that a long pause takes no more roundings than a short
        // one.
        let mut moved = f32x8::ZERO;
        for &[first, second] in steps {
            moved += *m * f32x8::splat(first) / (*u * f32x8::splat(second) + self.epsilon);
        }
        weights - moved
    }

    /// [`step`](Rule::step) by value: m and u go through registers only.
    #[inline(always)]
    fn stepped(&self, weights: f32x8, a: f32x8, b: f32x8, [m, u]: [f32x8; 2]) -> (f32x8, [f32x8; 2]) {
        let [new1, new2] = self.new;
        let gradient = a * b;
        let v = u * u;
        let m = gradient.mul_add(new1, m.mul_neg_add(new1, m));
        let u = (gradient * new2).mul_add(gradient, v.mul_neg_add(new2, v)).sqrt();
        (weights - m * self.step / u.mul_add(self.root, self.epsilon), [m, u])
    }
}

impl Rule for Adam {
    /// m and u = sqrt(v).
    type Memory = [f32x8; 2];
    type Pause = Missed;
    const COST: Cost = Cost { step: 19, catch_up: 12 };

    fn advance(&mut self, updates: u64) {
        self.updates = updates;
        // Here, not when somebody looks back, so that it depends on nothing but the number of updates.
        if let Some(course) = self.course.moved_on(self.updates) {
            self.course = Arc::new(course);
        }
        let (step, root) = self.course.corrections(self.updates + 1);
        (self.step, self.root) = (f32x8::splat(step), f32x8::splat(root));
    }

    fn look_back(&mut self) {
        self.course.look_back(self.updates, &mut self.recent);
    }

    #[inline(always)]
    fn pause(&self, missed: u64) -> Option<Missed> {
        self.course.pause(self.updates, missed, &self.recent)
    }

    /// By the series, if it serves; otherwise update by update.
    #[cold]
    fn sit_through(&self, missed: u64, weights: &mut [f32x8], memory: &mut [[f32x8; 2]]) {
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
    fn catch_up(&self, missed: Missed, weights: f32x8, [m, u]: &[f32x8; 2]) -> f32x8 {
        let [zeroth, second, third] = missed.moments.map(f32x8::splat);
        let scale = f32x8::ONE / u.mul_add(f32x8::splat(missed.mean), self.epsilon);
        let relative = *u * scale;
        let series = relative.mul_neg_add(third, second).mul_add(relative * relative, zeroth);
        (*m * scale).mul_neg_add(series, weights)
    }

    #[inline(always)]
    fn fade(&self, Missed { left, .. }: Missed, memory: &mut [f32x8; 2]) {
        *memory = faded(left, *memory);
    }

    #[inline(always)]
    fn step_after(
        &self,
        Missed { left, .. }: Missed,
        weights: f32x8,
        a: f32x8,
        b: f32x8,
        memory: &mut [f32x8; 2],
    ) -> f32x8 {
        let (stepped, new) = self.stepped(weights, a, b, faded(left, *memory));
        *memory = new;
        stepped
    }

    #[inline(always)]
    fn step(&self, weights: f32x8, a: f32x8, b: f32x8, memory: &mut [f32x8; 2]) -> f32x8 {
        let (stepped, new) = self.stepped(weights, a, b, *memory);
        *memory = new;
        stepped
    }
}

/// What is left of the moments.
#[inline(always)]
fn faded(left: [f32; 2], [m, u]: [f32x8; 2]) -> [f32x8; 2] {
    [m * f32x8::splat(left[0]), u * f32x8::splat(left[1])]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From a weight of zero, whose own rounding hides nothing, and where the third moment counts for 2e-6.
    #[test]
    fn a_pause_is_as_precise_as_its_moments() {
        let (beta1, beta2, epsilon) = (0.9, 0.9978, 1e-8);
        let mut adam = Adam::new(1.0, beta1, beta2, epsilon as f32);
        adam.advance(20_000);
        adam.look_back();
        for k in [1, 5, 40, 150] {
            let missed = adam.pause(k).expect("the series serves");
            let memory = [f32x8::splat(0.5), f32x8::splat(0.25)];
            let [got, ..] = adam.catch_up(missed, f32x8::ZERO, &memory).to_array();
            let (mut m, mut u, mut want) = (0.5_f64, 0.25, 0.0);
            for _ in 0..k {
                (m, u) = (beta1 * m, beta2.sqrt() * u);
                want -= m / (u + f64::from(epsilon as f32));
            }
            assert!((f64::from(got) / want - 1.0).abs() < 6e-7, "{k}: {got}, {want}");
        }
    }
}
