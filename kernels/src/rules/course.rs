//! The course of Adam's step sizes, and what a pause in it does to a weight.
//!
//! With g = 0 for k updates after update t, m and u = sqrt(v) decay, and the weight moves by
//!
//! ```text
//! -m sum_(i = 1..k) c_i / (u s_i + epsilon)      c_i = step_(t+i) beta1^i      s_i = root_(t+i) beta2^(i/2)
//! ```
//!
//! Only u and m differ from weight to weight, and s_i hardly moves over the few i for which c_i counts. With
//! S = sum c_i s_i / sum c_i, the mean of s_i, and r = u / (u S + epsilon), each term is a geometric series in
//! (s_i - S) r, of which four terms are enough:
//!
//! ```text
//! 1 / (u s_i + epsilon) = (1 - (s_i - S) r + (s_i - S)^2 r^2 - (s_i - S)^3 r^3 + ...) / (u S + epsilon)
//! ```
//!
//! The sum over i needs only the central moments M_n = sum c_i (s_i - S)^n, of which the first is zero: the weight moves by
//! -m (M_0 + r^2 (M_2 - r M_3)) / (u S + epsilon). As r <= 1/S, what is left out is about M_4 / S^4: where the relative
//! variance M_2 / (M_0 S^2) is at most [`VARIANCE`], less than 4e-7 of the whole. Elsewhere, as in the first hundred
//! updates, the pause is replayed update by update.
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

/// The relative variance of s_i up to which the series is used: a relative deviation of a hundredth.
const VARIANCE: f64 = 1e-4;
/// What is left of a moment, or of a correction, when it counts no more.
const NOTHING: f64 = 1e-12;
/// Entries of the table at most, 10 MB; it ends earlier where the corrections have become 1. Later pauses are replayed.
const ENTRIES: u64 = 1 << 18;
/// Pauses whose powers of the betas are tabulated: nearly all of those between two images of MNIST that light the same
/// pixel.
pub(super) const SHORT: usize = 64;

/// step_t and root_t for all t.
#[derive(Debug)]
pub(super) struct Course {
    lr: f64,
    beta1: f64,
    beta2: f64,
    /// The first entries; if it is `complete`, all others are like the last.
    table: Vec<Entry>,
    complete: bool,
    /// Updates after which a moment without gradient counts no more.
    reach: u64,
    /// For pauses of 0 to SHORT - 1 updates.
    powers: Vec<Powers>,
}

/// Powers that belong to a pause of k updates.
#[derive(Clone, Copy, Debug)]
struct Powers {
    /// q_n^k
    ratios: [f64; 4],
    /// beta1^k and beta2^(k/2)
    left: [f32; 2],
}

#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    sums: [f64; 4],
    step: f32,
    root: f32,
}

impl Course {
    pub(super) fn new(lr: f64, beta1: f64, beta2: f64) -> Self {
        let until = |beta: f64| if beta == 0.0 { 1 } else { (NOTHING.ln() / beta.ln()).ceil() as u64 };
        let needed = until(beta1).max(until(beta2)) + 1;
        let mut course = Self {
            lr,
            beta1,
            beta2,
            table: vec![Entry::default(); needed.min(ENTRIES) as usize],
            complete: needed <= ENTRIES,
            reach: until(beta1),
            powers: Vec::new(),
        };
        course.powers = (0..SHORT as u64).map(|k| course.powers(k)).collect();
        let ratios = course.ratios();
        // Behind the end, corrections are 1 and Q_n is a geometric series; for a table that ends too early, no pause that
        // would need what lies behind is taken from it.
        let mut next = ratios.map(|q| q / (1.0 - q));
        for t in (0..course.table.len()).rev() {
            let (first, root) = course.exact(t as u64 + 1);
            let power = [1.0, root, root * root, root * root * root];
            if t + 1 < course.table.len() {
                next = core::array::from_fn(|n| ratios[n] * (first * power[n] + next[n]));
            }
            let (first, root) = course.exact(t as u64);
            course.table[t] = Entry { sums: next, step: (lr * first) as f32, root: root as f32 };
        }
        course
    }

    /// q_n for n = 0 to 3.
    fn ratios(&self) -> [f64; 4] {
        let root = self.beta2.sqrt();
        [1.0, root, self.beta2, self.beta2 * root].map(|power| self.beta1 * power)
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
        self.table.get(t as usize).or(last)
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
        self.complete && t >= self.table.len() as u64
    }

    /// What the `k` updates after update `from` did.
    pub(super) fn missed(&self, from: u64, k: u64) -> Missed {
        let powers = self.powers(k);
        let replay = How::Replay { from, steps: k.min(self.reach) };
        Missed { left: powers.left, how: self.series(from, k, &powers).unwrap_or(replay) }
    }

    fn series(&self, from: u64, k: u64, powers: &Powers) -> Option<How> {
        let (start, end) = (self.entry(from)?.sums, self.entry(from + k)?.sums);
        let sums: [f64; 4] = core::array::from_fn(|n| start[n] - powers.ratios[n] * end[n]);
        let mean = sums[1] / sums[0];
        let second = sums[2] - mean * sums[1];
        let third = sums[3] - 3.0 * mean * sums[2] + 2.0 * mean * mean * sums[1];
        // False where there is no mean, since nothing was missed or beta1 is 0: then there is nothing to replay, either.
        (second <= VARIANCE * sums[0] * mean * mean).then(|| How::Series {
            mean: mean as f32,
            moments: [sums[0], second, third].map(|moment| (self.lr * moment) as f32),
        })
    }
}

/// beta^k, 0 when that is far below what counts.
fn power(beta: f64, k: u64) -> f64 {
    beta.powi(i32::try_from(k).unwrap_or(i32::MAX))
}
