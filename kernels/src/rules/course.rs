//! The course of Adam's step sizes, and what a pause in it does to a weight.
//!
//! With g = 0 for k updates after update t, m and u = sqrt(v) decay, and the weight moves by
//!
//! ```text
//! -m sum_(i = 1..k) c_i / (u s_i + epsilon)      c_i = step_(t+i) beta1^i      s_i = root_(t+i) beta2^(i/2)
//! ```
//!
//! Only u and m differ from weight to weight, and s_i hardly moves over the few i for which c_i
//! counts. With
//! S = sum c_i s_i / sum c_i, the mean of s_i, and r = u / (u S + epsilon), each term is a geometric series in
//! (s_i - S) r, of which four terms are enough:
//!
//! ```text
//! 1 / (u s_i + epsilon) = (1 - (s_i - S) r + (s_i - S)^2 r^2 - (s_i - S)^3 r^3 + ...) / (u S + epsilon)
//! ```
//!
//! The sum over i needs only the central moments M_n = sum c_i (s_i - S)^n, of which the first is zero: the weight moves by
//! -m (M_0 + r^2 (M_2 - r M_3)) / (u S + epsilon). As r <= 1/S, what is left out is about M_4 / S^4, which has to be at most
//! [`LEFT_OUT`] of M_0. Elsewhere, as in the first hundred updates, the pause is replayed update by update.
//!
//! step and root depend only on the number of the update, so that the sums of c_i s_i^n over all updates to come can be
//! tabulated from the end: with q_n = beta1 beta2^(n/2),
//!
//! ```text
//! lr Q_n(t) = sum_(i = 1..infinity) c_i s_i^n = q_n (step_(t+1) root_(t+1)^n + lr Q_n(t+1))
//! sum_(i = 1..k) c_i s_i^n = lr (Q_n(t) - q_n^k Q_n(t + k))
//! ```

/// What some updates without gradient do to a weight.
#[derive(Clone, Copy, Debug, Default)]
pub struct Missed {
    /// What is left of m and u: beta1^k and beta2^(k/2).
    pub(super) left: [f32; 2],
    /// How the weight moves.
    pub(super) how: How,
}

/// How a pause is made up for.
#[derive(Clone, Copy, Debug)]
pub(super) enum How {
    /// By the series of S = `mean` and the `moments` M_0, M_2 and M_3.
    Series { mean: f32, moments: [f32; 3] },
    /// By `steps` updates after update `from`, one after another; later ones move no weight any more.
    Replay { from: u64, steps: u64 },
}

impl Default for How {
    fn default() -> Self {
        Self::Replay { from: 0, steps: 0 }
    }
}

/// The part of a pause's effect that the series may leave out.
const LEFT_OUT: f64 = 1e-7;
/// What is left of a moment, or of a correction, when it counts no more.
const NOTHING: f64 = 1e-12;
/// Entries of the table at most, 1.5 MB: enough for all of beta2 = 0.999. Where the corrections have not become 1 by its
/// end, it moves on.
const ENTRIES: u64 = 1 << 15;
/// Entries that the table keeps of what is past when it moves on. Longer pauses are replayed.
const PAST: u64 = 1 << 12;
/// Pauses whose powers of the betas are tabulated: nearly all of those between two images of MNIST that light the same
/// pixel.
pub(super) const SHORT: usize = 64;

/// step_t and root_t for all t, and the sums of those to come for some t.
#[derive(Debug)]
pub(super) struct Course {
    lr: f64,
    beta1: f64,
    beta2: f64,
    /// The entries of `start` and the updates after it.
    table: Vec<Entry>,
    start: u64,
    /// Whether all later entries are like the last.
    complete: bool,
    /// Updates after which a moment without gradient counts no more.
    reach: u64,
    /// For pauses of 0 to SHORT - 1 updates.
    powers: Vec<Powers>,
}

/// q_n^k for n = 0 to 4, or sums of as many kinds.
type Sums = [f64; 5];

/// Powers that belong to a pause of k updates.
#[derive(Clone, Copy, Debug)]
struct Powers {
    ratios: Sums,
    /// beta1^k and beta2^(k/2)
    left: [f32; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    /// Q_n
    sums: Sums,
    step: f32,
    root: f32,
}

impl Course {
    pub(super) fn new(lr: f64, beta1: f64, beta2: f64) -> Self {
        Self::starting(lr, beta1, beta2, 0)
    }

    /// With a table that starts with update `start`.
    fn starting(lr: f64, beta1: f64, beta2: f64, start: u64) -> Self {
        let until = |beta: f64| if beta == 0.0 { 1 } else { (NOTHING.ln() / beta.ln()).ceil() as u64 };
        let needed = (until(beta1).max(until(beta2)) + 1).saturating_sub(start).max(1);
        let (complete, reach) = (needed <= ENTRIES, until(beta1));
        let mut course =
            Self { lr, beta1, beta2, table: Vec::new(), start, complete, reach, powers: Vec::new() };
        course.powers = (0..SHORT as u64).map(|k| course.powers(k)).collect();
        course.table = vec![Entry::default(); needed.min(ENTRIES) as usize];
        // What lies so far behind the end that nothing of it is left there is taken for a geometric series. What lies just
        // behind it is not in the table, but in its sums.
        let ratios = course.ratios();
        let end = start + course.table.len() as u64;
        let mut sums = ratios.map(|q| q / (1.0 - q));
        for t in (start..end + reach).rev() {
            let (first, root) = course.exact(t + 1);
            let mut power = first;
            for (sum, q) in sums.iter_mut().zip(ratios) {
                *sum = q * (power + *sum);
                power *= root;
            }
            if t < end {
                let (first, root) = course.exact(t);
                course.table[(t - start) as usize] =
                    Entry { sums, step: (lr * first) as f32, root: root as f32 };
            }
        }
        course
    }

    /// The same course with a table for update `t` and those to come, if this one's is at its end.
    pub(super) fn moved_on(&self, t: u64) -> Option<Self> {
        let at_end = !self.complete && t >= self.start + self.table.len() as u64;
        at_end.then(|| Self::starting(self.lr, self.beta1, self.beta2, t.saturating_sub(PAST)))
    }

    /// q_n for n = 0 to 4.
    fn ratios(&self) -> Sums {
        let root = self.beta2.sqrt();
        [1.0, root, self.beta2, self.beta2 * root, self.beta2 * self.beta2].map(|power| self.beta1 * power)
    }

    /// beta1 and sqrt(beta2).
    pub(super) fn decays(&self) -> [f64; 2] {
        [self.beta1, self.beta2.sqrt()]
    }

    /// step_t / lr and root_t; infinite for t = 0, where there is no update.
    fn exact(&self, t: u64) -> (f64, f64) {
        let correction = |beta: f64| 1.0 - power(beta, t);
        (correction(self.beta1).recip(), correction(self.beta2).sqrt().recip())
    }

    fn powers(&self, k: u64) -> Powers {
        self.powers.get(k as usize).copied().unwrap_or_else(|| Powers {
            ratios: self.ratios().map(|q| power(q, k)),
            left: [power(self.beta1, k) as f32, power(self.beta2, k).sqrt() as f32],
        })
    }

    fn entry(&self, t: u64) -> Option<&Entry> {
        let last = if self.complete { self.table.last() } else { None };
        self.table.get(t.checked_sub(self.start)? as usize).or(last)
    }

    /// step_t and root_t.
    pub(super) fn corrections(&self, t: u64) -> (f32, f32) {
        self.entry(t).map_or_else(
            || {
                let (first, root) = self.exact(t);
                ((self.lr * first) as f32, root as f32)
            },
            |entry| (entry.step, entry.root),
        )
    }

    /// Whether the corrections are 1 at all updates from t on.
    pub(super) fn is_over(&self, t: u64) -> bool {
        self.complete && t >= self.start + self.table.len() as u64
    }

    /// What the `k` updates after update `from` did.
    pub(super) fn missed(&self, from: u64, k: u64) -> Missed {
        let powers = self.powers(k);
        let replay = How::Replay { from, steps: k.min(self.reach) };
        Missed { left: powers.left, how: self.series(from, k, &powers).unwrap_or(replay) }
    }

    fn series(&self, from: u64, k: u64, powers: &Powers) -> Option<How> {
        let (start, end) = (self.entry(from)?.sums, self.entry(from + k)?.sums);
        let sums: Sums = core::array::from_fn(|n| start[n] - powers.ratios[n] * end[n]);
        let mean = sums[1] / sums[0];
        let square = mean * mean;
        let second = sums[2] - mean * sums[1];
        let third = sums[3] - 3.0 * mean * sums[2] + 2.0 * square * sums[1];
        let fourth = sums[4] - 4.0 * mean * sums[3] + 6.0 * square * sums[2] - 3.0 * square * mean * sums[1];
        // False, too, where there is no mean, since nothing was missed or a beta is 0, or where r could overflow.
        (mean > 1e-9 && fourth <= LEFT_OUT * sums[0] * square * square).then(|| How::Series {
            mean: mean as f32,
            moments: [sums[0], second, third].map(|moment| (self.lr * moment) as f32),
        })
    }
}

/// beta^k, 0 when that is far below what counts.
fn power(beta: f64, k: u64) -> f64 {
    beta.powi(i32::try_from(k).unwrap_or(i32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of all steps that a weight takes in a pause, by its definition.
    fn plain([beta1, beta2]: [f64; 2], epsilon: f64, u: f64, from: u64, k: u64) -> f64 {
        let step = |i: u64| {
            let t = (from + i) as f64;
            let (first, root) = (1.0 / (1.0 - beta1.powf(t)), 1.0 / (1.0 - beta2.powf(t)).sqrt());
            first * beta1.powf(i as f64) / (u * root * beta2.powf(i as f64 / 2.0) + epsilon)
        };
        (1..=k).map(step).sum()
    }

    #[test]
    fn the_series_is_taken_only_where_it_leaves_out_next_to_nothing() {
        let (mut series, mut replays) = (0, 0);
        for beta1 in [0.0, 1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.97, 0.99] {
            for beta2 in [0.0, 0.01, 0.25, 0.9, 0.95, 0.99, 0.9978, 0.999, 0.9999, 0.99999] {
                let mut course = Course::new(1.0, beta1, beta2);
                for t in [40, 100, 400, 1000, 5000, 30_000, 40_000, 200_000] {
                    course = course.moved_on(t).unwrap_or(course);
                    for k in [1, 2, 3, 8, 30, 63, 64, 200] {
                        let Some(from) = t.checked_sub(k) else { continue };
                        let How::Series { mean, moments } = course.missed(from, k).how else {
                            replays += 1;
                            continue;
                        };
                        series += 1;
                        for (u, epsilon) in [(1.0, 0.0), (1.0, 0.1), (1.0, 10.0), (1e-3, 1e-8)] {
                            let scale = 1.0 / (u * f64::from(mean) + epsilon);
                            let r = u * scale;
                            let [m0, m2, m3] = moments.map(f64::from);
                            let found = scale * (m0 + r * r * (m2 - r * m3));
                            let want = plain([beta1, beta2], epsilon, u, from, k);
                            // What is left out, and four roundings to f32.
                            let error = (found / want - 1.0).abs();
                            let place =
                                format!("{beta1}, {beta2}, update {t}, {k} missed, epsilon {epsilon}");
                            assert!(error < 2.0 * LEFT_OUT + 2.4e-7, "{place}: {error:e}");
                        }
                    }
                }
            }
        }
        assert!(series > 1000 && replays > 1000, "{series} series, {replays} replays");
    }

    #[test]
    fn a_table_that_has_moved_on_says_the_same() {
        let first = Course::new(0.5, 0.9, 0.9999);
        assert!(!first.complete && first.moved_on(ENTRIES - 1).is_none());
        let second = first.moved_on(ENTRIES).unwrap();
        assert_eq!(second.start, ENTRIES - PAST);
        for t in second.start..ENTRIES - 70 {
            assert_eq!(first.corrections(t), second.corrections(t));
            for k in [1, 9, 70] {
                let [one, other] = [&first, &second].map(|course| match course.missed(t, k).how {
                    How::Series { mean, moments } => (mean, moments[0]),
                    How::Replay { .. } => unreachable!("the series serves so late"),
                });
                assert!((one.0 / other.0 - 1.0).abs() < 2e-7 && (one.1 / other.1 - 1.0).abs() < 2e-7);
            }
        }
    }
}
