//! The course of Adam's step sizes, and what a pause in it does to a weight.
//!
//! With g = 0 for k updates after update t, m and u = sqrt(v) decay, and the weight moves by
//!
//! ```text
//! -m sum_(i = 1..k) c_i / (u s_i + epsilon)      c_i = step_(t+i) beta1^i      s_i = root_(t+i) beta2^(i/2)
//! ```
//!
//! Only u and m differ from weight to weight, and s_i hardly moves over the few i for which c_i counts. With
//! S = sum c_i s_i / sum c_i, the mean of s_i, and r = u / (u S + epsilon), each term is a geometric series in (s_i - S) r, of
//! which four terms are enough:
//!
//! ```text
//! 1 / (u s_i + epsilon) = (1 - (s_i - S) r + (s_i - S)^2 r^2 - (s_i - S)^3 r^3 + ...) / (u S + epsilon)
//! ```
//!
//! The sum over i needs only the central moments M_n = sum c_i (s_i - S)^n, of which the first is zero: the weight moves by
//! -m (M_0 + r^2 (M_2 - r M_3)) / (u S + epsilon). As r <= 1/S, what is left out is about M_4 / S^4, which has to be at most
//! [`LEFT_OUT`] of M_0. Elsewhere, as in the first hundreds of updates, the pause is replayed update by
//! update.
//!
//! step and root depend only on the number of the update, so that the sums of c_i s_i^n over all updates to come can be
//! tabulated from the end: with q_n = beta1 beta2^(n/2),
//!
//! ```text
//! lr Q_n(t) = sum_(i = 1..infinity) c_i s_i^n = q_n (step_(t+1) root_(t+1)^n + lr Q_n(t+1))
//! sum_(i = 1..k) c_i s_i^n = lr (Q_n(t) - q_n^k Q_n(t + k))
//! ```

use super::power;

/// What some updates without gradient do to a weight, where the series serves.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Missed {
    /// What is left of m and u: beta1^k and beta2^(k/2).
    pub(super) left: [f32; 2],
    /// What is gone of m and v after one more update: 1 - beta1^(k+1) and 1 - beta2^(k+1).
    pub(super) gone: [f32; 2],
    /// S.
    pub(super) mean: f32,
    /// lr times M_0, M_2 and M_3.
    pub(super) moments: [f32; 3],
}

/// The part of a pause's effect that the series may leave out.
const LEFT_OUT: f64 = 1e-7;
/// The part of a second moment that may be gone after a pause that is at hand: what is left is a difference, and would have no
/// precision if it were far smaller. Rows that lose more are woken, and their moments multiplied by what is left of them.
const GONE: f32 = 0.9;
/// What is left of a moment, or of a correction, when it counts no more.
const NOTHING: f64 = 1e-12;
/// Entries of the table at most, 1.6 MB: enough for all of beta2 = 0.999. Where the corrections have not become 1 by its
/// end, it moves on.
const ENTRIES: u64 = 1 << 15;
/// Entries that the table keeps of what is past when it moves on. Longer pauses are replayed.
const PAST: u64 = 1 << 12;
/// Pauses that are prepared all at once while the corrections change, as every update makes them different: nearly all of
/// those between two images of MNIST that light the same pixel.
const SHORT: usize = 32;
/// Pauses whose powers of the betas are tabulated, and all that they do where the corrections are 1.
const LONG: usize = 1024;

/// step_t and root_t for all t, and the sums of those to come for some t.
#[derive(Debug)]
pub(super) struct Course {
    lr: f64,
    beta1: f64,
    beta2: f64,
    /// Q_n of update `start` and those after it. Columns, for the sake of [`look_back`](Self::look_back).
    sums: [Vec<f64>; N],
    /// step and root of the same updates.
    corrections: Vec<(f32, f32)>,
    start: u64,
    /// The first update from which on all corrections are 1, if the table reaches so far: then it goes on for SHORT more.
    settled_from: Option<u64>,
    /// Updates after which a moment without gradient counts no more.
    reach: u64,
    /// q_n^k for pauses of k = 0 to LONG - 1 updates.
    ratios: [Vec<f64>; N],
    /// beta1^k and beta2^(k/2) for the same.
    left: Vec<[f32; 2]>,
    /// 1 - beta1^(k+1) and 1 - beta2^(k+1) for the same.
    gone: Vec<[f32; 2]>,
    /// What the same pauses do after `settled_from`, up to the first for which the series does not serve or too much is
    /// [`GONE`].
    settled: Vec<Missed>,
}

/// Sums that the series needs, n = 0 to 4.
const N: usize = 5;

/// q_n^k, or sums of as many kinds.
type Sums = [f64; N];

/// Pauses of 0, 1, 2, ... updates that end with the same update, or, where the corrections have become 1, with any.
#[derive(Clone, Debug)]
pub(super) struct AtHand {
    /// That of no update always is.
    pauses: Vec<Missed>,
    /// Whether they are the same whenever they end.
    for_good: bool,
}

impl AtHand {
    /// What `k` updates did, if it is here.
    #[inline(always)]
    pub(super) fn pause(&self, k: u64) -> Option<Missed> {
        self.pauses.get(k as usize).copied()
    }
}

impl Course {
    pub(super) fn new(lr: f64, beta1: f64, beta2: f64) -> Self {
        Self::starting(lr, beta1, beta2, 0)
    }

    /// With a table that starts with update `start`.
    fn starting(lr: f64, beta1: f64, beta2: f64, start: u64) -> Self {
        let settled_from = settled_from(beta1, beta2);
        let needed = settled_from - start + SHORT as u64;
        let entries = needed.min(ENTRIES) as usize;
        let mut course = Self {
            lr,
            beta1,
            beta2,
            sums: core::array::from_fn(|_| vec![0.0; entries]),
            corrections: vec![(0.0, 0.0); entries],
            start,
            settled_from: (needed <= ENTRIES).then_some(settled_from),
            reach: until_nothing(beta1),
            ratios: core::array::from_fn(|_| Vec::new()),
            left: Vec::new(),
            gone: Vec::new(),
            settled: Vec::new(),
        };
        course.left = (0..LONG as u64).map(|k| course.left(k)).collect();
        course.gone = (0..LONG as u64).map(|k| course.gone(k)).collect();
        let powers: Vec<Sums> = (0..LONG as u64).map(|k| course.powers(k)).collect();
        course.ratios = core::array::from_fn(|n| powers.iter().map(|powers| powers[n]).collect());
        course.tabulate();
        if course.settled_from.is_some() {
            let missed = |k| course.missed(settled_from, k).filter(|missed| missed.gone[1] <= GONE);
            course.settled = (0..LONG as u64).map_while(missed).collect();
        }
        course
    }

    /// Fills the table from its end.
    fn tabulate(&mut self) {
        let ratios = self.powers(1);
        let end = self.start + self.corrections.len() as u64;
        let (behind, mut sums) = match self.settled_from {
            // What lies just behind the end is not in the table, but in its sums; so far behind it that nothing of it is left
            // there, in neither.
            _ if self.reach <= ENTRIES => (self.reach, [0.0; N]),
            // With a beta1 above 0.9991, that would be far. Behind the end, corrections are 1, so the sums are known;
            Some(_) => (0, ratios.map(|q| q / (1.0 - q))),
            // or there are none, the series serves nobody, and pauses are replayed.
            None => (0, [f64::NAN; N]),
        };
        for t in (self.start..end + behind).rev() {
            let (first, root) = self.exact(t + 1);
            let mut power = first;
            for (sum, q) in sums.iter_mut().zip(ratios) {
                *sum = q * (*sum + power);
                power *= root;
            }
            if t < end {
                let (place, (first, root)) = ((t - self.start) as usize, self.exact(t));
                self.corrections[place] = ((self.lr * first) as f32, root as f32);
                for (column, sum) in self.sums.iter_mut().zip(sums) {
                    column[place] = sum;
                }
            }
        }
    }

    /// The same course with a table for update `t` and those to come, if this one's is at its end. Where tables start depends
    /// on `t` alone, not on how it was come to.
    pub(super) fn moved_on(&self, t: u64) -> Option<Self> {
        const STRIDE: u64 = ENTRIES - PAST;
        let at_end = self.settled_from.is_none() && t >= self.start + self.corrections.len() as u64;
        at_end.then(|| {
            // The first that goes as far as to where corrections are 1 stays.
            let settled_from = settled_from(self.beta1, self.beta2);
            let last = (settled_from + SHORT as u64).saturating_sub(ENTRIES).next_multiple_of(STRIDE);
            let start = t.saturating_sub(PAST) / STRIDE * STRIDE;
            Self::starting(self.lr, self.beta1, self.beta2, start.min(last))
        })
    }

    /// q_n^k.
    fn powers(&self, k: u64) -> Sums {
        if k < self.ratios[0].len() as u64 {
            return self.ratios.each_ref().map(|column| column[k as usize]);
        }
        let root = self.beta2.sqrt();
        [1.0, root, self.beta2, self.beta2 * root, self.beta2 * self.beta2]
            .map(|of_root| power(self.beta1 * of_root, k))
    }

    /// beta1^k and beta2^(k/2).
    pub(super) fn left(&self, k: u64) -> [f32; 2] {
        if let Some(&left) = self.left.get(k as usize) {
            return left;
        }
        [power(self.beta1, k) as f32, power(self.beta2, k).sqrt() as f32]
    }

    /// 1 - beta1^(k+1) and 1 - beta2^(k+1).
    fn gone(&self, k: u64) -> [f32; 2] {
        if let Some(&gone) = self.gone.get(k as usize) {
            return gone;
        }
        [self.beta1, self.beta2].map(|beta| (1.0 - power(beta, k + 1)) as f32)
    }

    /// What no update does.
    #[inline(always)]
    pub(super) fn nothing(&self) -> Missed {
        Missed { left: [1.0; 2], gone: self.gone[0], mean: 1.0, moments: [0.0; 3] }
    }

    /// step_t / lr and root_t; infinite for t = 0, where there is no update.
    fn exact(&self, t: u64) -> (f64, f64) {
        let correction = |beta: f64| 1.0 - power(beta, t);
        (correction(self.beta1).recip(), correction(self.beta2).sqrt().recip())
    }

    /// Where the table has update t: at its end, if nothing changes after that.
    fn place(&self, t: u64) -> Option<usize> {
        let (place, end) = (t.checked_sub(self.start)? as usize, self.corrections.len());
        if place < end { Some(place) } else { self.settled_from.map(|_| end - 1) }
    }

    /// step_t and root_t.
    pub(super) fn corrections(&self, t: u64) -> (f32, f32) {
        self.place(t).map_or_else(
            || {
                let (first, root) = self.exact(t);
                ((self.lr * first) as f32, root as f32)
            },
            |place| self.corrections[place],
        )
    }

    /// For each of the `k` updates after update `from`, beta1^i step_(from+i) and beta2^(i/2) root_(from+i), until they move
    /// no weight any more.
    pub(super) fn steps(&self, from: u64, k: u64) -> impl Iterator<Item = [f32; 2]> {
        let (beta1, root) = (self.beta1, self.beta2.sqrt());
        let mut decayed = [1.0, 1.0];
        (from + 1..=from + k.min(self.reach)).map(move |t| {
            let (step, correction) = self.corrections(t);
            decayed = [decayed[0] * beta1, decayed[1] * root];
            [(decayed[0] * f64::from(step)) as f32, (decayed[1] * f64::from(correction)) as f32]
        })
    }

    /// What the `k` updates after update `from` did, if the series serves.
    pub(super) fn missed(&self, from: u64, k: u64) -> Option<Missed> {
        if k == 0 {
            return Some(self.nothing());
        }
        let (start, end) = (self.place(from)?, self.place(from + k)?);
        let powers = self.powers(k);
        let sums = core::array::from_fn(|n| self.sums[n][start] - powers[n] * self.sums[n][end]);
        let (mean, moments, serves) = self.series(sums);
        serves.then(|| Missed { left: self.left(k), gone: self.gone(k), mean, moments })
    }

    /// S, lr M_0, lr M_2 and lr M_3 of a pause with these sums, and whether the series leaves out next to nothing.
    #[inline(always)]
    fn series(&self, sums: Sums) -> (f32, [f32; 3], bool) {
        let mean = sums[1] / sums[0];
        let square = mean * mean;
        let second = sums[2] - mean * sums[1];
        let third = sums[3] - 3.0 * mean * sums[2] + 2.0 * square * sums[1];
        let fourth = sums[4] - 4.0 * mean * sums[3] + 6.0 * square * sums[2] - 3.0 * square * mean * sums[1];
        // False, too, where there is no mean, since nothing was missed or a beta is 0, or where r could overflow.
        let serves = (mean > 1e-9) & (fourth <= LEFT_OUT * sums[0] * square * square);
        (mean as f32, [sums[0], second, third].map(|moment| (self.lr * moment) as f32), serves)
    }

    /// What is at hand before any update.
    pub(super) fn at_hand(&self) -> AtHand {
        AtHand { pauses: vec![self.nothing()], for_good: false }
    }

    /// Makes what is at hand that of update `t`, which only grows: none until somebody [looks back](Self::look_back), or once the
    /// corrections have been 1 for a while, those that have begun since.
    #[inline]
    pub(super) fn turn_to(&self, t: u64, at_hand: &mut AtHand) {
        let settled = self.settled_from.and_then(|from| t.checked_sub(from)).filter(|&k| k >= SHORT as u64);
        if !at_hand.for_good {
            at_hand.pauses.truncate(1);
            at_hand.for_good = settled.is_some();
        }
        if let Some(longest) = settled {
            let known = at_hand.pauses.len();
            at_hand.pauses.extend(self.settled.iter().take(longest as usize + 1).skip(known));
        }
    }

    /// Prepares for short pauses that end with update `t`, which has been [turned to](Self::turn_to). They are computed in a loop
    /// without branches, that is done in vectors.
    pub(super) fn look_back(&self, t: u64, at_hand: &mut AtHand) {
        if at_hand.for_good || at_hand.pauses.len() > 1 {
            return;
        }
        let first = (t + 1).checked_sub(self.start + SHORT as u64).map(|first| first as usize);
        let Some(first) = first else { return };
        let start = self.sums.each_ref().map(|column| short(&column[first..]));
        let ratios = self.ratios.each_ref().map(|column| short(column));
        let end = start.map(|column| column[SHORT - 1]);
        let (mut series, mut all_serve) = ([[0.0; 4]; SHORT], [false; SHORT]);
        for k in 0..SHORT {
            let sums = core::array::from_fn(|n| start[n][SHORT - 1 - k] - ratios[n][k] * end[n]);
            let (mean, [zeroth, second, third], serves) = self.series(sums);
            series[k] = [mean, zeroth, second, third];
            all_serve[k] = serves & (self.gone[k][1] <= GONE);
        }
        let known = all_serve[1..].iter().take_while(|&&serves| serves).count();
        at_hand.pauses.extend((1..=known).map(|k| {
            let [mean, moments @ ..] = series[k];
            Missed { left: self.left[k], gone: self.gone[k], mean, moments }
        }));
    }
}

/// The first of a column.
fn short(column: &[f64]) -> &[f64; SHORT] {
    column.first_chunk().expect("the table goes so far")
}

/// The updates after which a power of `beta` counts no more.
fn until_nothing(beta: f64) -> u64 {
    if beta == 0.0 { 1 } else { (NOTHING.ln() / beta.ln()).ceil() as u64 }
}

/// The first update from which on all corrections are 1.
fn settled_from(beta1: f64, beta2: f64) -> u64 {
    until_nothing(beta1).max(until_nothing(beta2)) + 1
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
        for beta1 in [0.0, 1e-4, 1e-3, 0.01, 0.1, 0.5, 0.9, 0.97, 0.99, 0.9999] {
            for beta2 in [0.0, 0.01, 0.25, 0.9, 0.95, 0.99, 0.9978, 0.999, 0.9999, 0.99999] {
                let mut course = Course::new(1.0, beta1, beta2);
                for t in [40, 100, 400, 1000, 5000, 30_000, 40_000, 200_000, 300_000] {
                    course = course.moved_on(t).unwrap_or(course);
                    for k in [1, 2, 3, 8, 30, 63, 64, 200] {
                        let Some(from) = t.checked_sub(k) else { continue };
                        let Some(Missed { mean, moments, .. }) = course.missed(from, k) else {
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

    /// Sums over all that is to come would take as many steps as beta1 lasts.
    #[test]
    fn where_beta1_lasts_for_long_pauses_are_replayed_until_a_table_ends_with_corrections_of_1() {
        let first = Course::new(0.5, 0.9999, 0.999);
        assert_eq!((first.reach, first.missed(20_000, 10)), (276_297, None));
        let last = first.moved_on(276_000).unwrap();
        assert_eq!(last.settled_from, Some(276_298));
        assert!([275_900, 1 << 40].iter().all(|&update| last.missed(update, 10).is_some()));
        let longest = Course::new(0.5, f64::from(1.0 - f32::EPSILON / 2.0), 0.999);
        assert_eq!(longest.moved_on(1 << 25).unwrap().missed(1 << 25, 10), None);
    }

    #[test]
    fn a_table_that_has_moved_on_says_the_same() {
        let first = Course::new(0.5, 0.9, 0.9999);
        assert!(first.settled_from.is_none() && first.moved_on(ENTRIES - 1).is_none());
        let second = first.moved_on(ENTRIES).unwrap();
        assert_eq!(second.start, ENTRIES - PAST);
        for t in second.start..ENTRIES - 70 {
            for k in [1, 9, 70] {
                let [one, other] = [&first, &second].map(|course| course.missed(t, k).unwrap());
                for (a, b) in [(one.mean, other.mean), (one.moments[0], other.moments[0])] {
                    assert!((a / b - 1.0).abs() < 2e-7, "{t}, {k}: {a}, {b}");
                }
            }
        }
    }

    #[test]
    fn corrections_are_the_same_in_a_table_and_around_it() {
        let first = Course::new(0.5, 0.9999, 0.999_95);
        let second = first.moved_on(ENTRIES).unwrap();
        for t in second.start - 100..ENTRIES + 100 {
            assert_eq!(first.corrections(t), second.corrections(t), "{t}");
        }
    }

    #[test]
    fn where_corrections_have_become_1_no_table_moves_on() {
        let course = Course::new(0.5, 0.9, 0.9999).moved_on(270_000).unwrap();
        // 0.9999^t is 1e-12 at t = 276,297.
        assert_eq!(course.settled_from, Some(276_298));
        assert!(course.moved_on(1 << 40).is_none());
        assert_eq!(course.corrections(1 << 40), (0.5, 1.0));
        let mut at_hand = course.at_hand();
        course.turn_to(1 << 40, &mut at_hand);
        assert!(at_hand.pause(500).is_some());
    }

    /// So that a layer which goes on from a state goes on to the same bits.
    #[test]
    fn where_a_table_starts_depends_on_the_update_alone() {
        let first = Course::new(0.5, 0.9, 0.9999);
        let (mut course, mut moved) = (Course::new(0.5, 0.9, 0.9999), Vec::new());
        for t in 0..320_000 {
            if let Some(next) = course.moved_on(t) {
                course = next;
                moved.push((t, course.start));
                assert!(moved.len() <= 9, "{moved:?}");
            }
            if t > ENTRIES && t % 9_001 == 0 {
                assert_eq!(course.start, first.moved_on(t).unwrap().start, "{t}");
            }
        }
        // 4096 of the past are kept; the last goes as far as to where corrections are 1, and stays.
        let want: Vec<_> = (1..=9).map(|n| (28_672 * n + 4096, 28_672 * n)).collect();
        assert_eq!(moved, want);
        assert_eq!(course.settled_from, Some(276_298));
    }

    /// The same, but for moments of next to nothing, which are all rounding.
    fn alike(one: Option<Missed>, other: Option<Missed>) -> bool {
        let (Some(one), Some(other)) = (one, other) else { return one == other };
        let rounding = 1e-12 * one.moments[0];
        let near = one.moments.iter().zip(other.moments).all(|(a, b)| (a - b).abs() <= rounding);
        (one.left, one.mean) == (other.left, other.mean) && near
    }

    #[test]
    fn what_is_prepared_is_what_would_be_computed() {
        // With the pauses that are found at least, before corrections are 1 and after.
        let cases = [
            (0.9, 0.999, [12_000, 46_000]),
            (0.5, 0.9999, [36_000, 0]),
            (0.9, 0.9, [500, 1_800]),
            (0.0, 0.5, [70, 1_100]),
            (0.99, 0.0, [400, 800]),
        ];
        for (beta1, beta2, least) in cases {
            let mut course = Course::new(0.01, beta1, beta2);
            let mut at_hand = course.at_hand();
            let (mut prepared, mut settled) = (0, 0);
            for t in (0..400).chain(27_500..28_000).chain(32_700..33_000).chain([40_000]) {
                course = course.moved_on(t).unwrap_or(course);
                course.turn_to(t, &mut at_hand);
                let AtHand { for_good, .. } = at_hand;
                assert!(for_good || at_hand.pause(1).is_none(), "{t}: those of another update");
                for _ in 0..2 {
                    course.look_back(t, &mut at_hand);
                }
                let mut at_once = course.at_hand();
                course.turn_to(t, &mut at_once);
                course.look_back(t, &mut at_once);
                assert_eq!(
                    at_hand.pauses, at_once.pauses,
                    "{t}: step by step, and as after a start from there"
                );
                let end = at_hand.pauses.len() as u64;
                for k in (0..=70).chain([end, 1000, 1023, 1024, 5000]).filter(|&k| k <= t) {
                    let (found, computed) = (at_hand.pause(k), course.missed(t - k, k));
                    let same = if for_good { alike(found, computed) } else { found == computed };
                    assert!(same || found.is_none(), "{t}, {k}: {found:?}, {computed:?}");
                    // The first that is not at hand either does not serve, or is not prepared.
                    let serves = computed.is_some_and(|pause| pause.gone[1] <= GONE);
                    if serves && k == end {
                        let many = match course.settled_from {
                            Some(from) if for_good => (LONG as u64).min(t - from + 1),
                            _ if t + 1 < course.start + SHORT as u64 => 1,
                            _ => SHORT as u64,
                        };
                        assert!(k >= many, "{t}, {k}: {computed:?}");
                    }
                    settled += usize::from(for_good && found.is_some());
                    prepared += usize::from(!for_good && found.is_some());
                }
            }
            assert!(prepared >= least[0] && settled >= least[1], "{beta1}, {beta2}: {prepared}, {settled}");
        }
    }
}
