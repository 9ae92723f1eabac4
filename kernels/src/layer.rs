//! A layer of weights under an optimizer: what it keeps, how it is read, and how its rows catch up with pauses.
//!
//! ```text
//! weights, memory  [rows][Hp]       last  [rows]: the update that a row was last touched by
//!
//! plain:  after update t, for every row r:  weights[r], memory[r] are those of update t
//! here:   after update t, for every row r:  weights[r], memory[r] are those of update last[r] <= t,
//!         and r had no gradient in the updates last[r] + 1 to t
//! ```
//!
//! Under a rule that [pauses](Rule::Pause), a weight moves on while its gradient is zero, but in a way that is known
//! beforehand. So a dark pixel's row (where images go together, one of a dark group) is left where it is, and
//! [caught up](Rule::catch_up) with when it is read next: the result is the plain one up to rounding, for the cost of the lit
//! rows. Under a rule without pause there is nothing to catch up with, and all of this compiles to nothing.
//!
//! Under a rule of which weights are [derived](Rule::DERIVED), `weights` above are what it stores in their place.

use crate::forward::{Rows, hidden_sums, sums_of};
use crate::gradient::{Gradient, OfImage};
use crate::lanes::{LANES, REGISTERS, TILE, f32xN, fours};
use crate::lit::Lit;
use crate::norms::{LaneNorms, into_rates, room};
use crate::panel::Panel;
use crate::rule::{Echo, Norms, Rule, catch_up, memories, numbers, numbers_mut, rests};
use crate::sweep::{Block, BlockNorms};
use wide::f32x8;

/// The weights of a layer, `[rows][Hp]`, and what its optimizer keeps about them.
#[derive(Clone, Debug)]
pub struct Layer<R: Rule> {
    weights: Panel,
    rule: R,
    memory: Vec<R::Memory>,
    /// Room for the sums of squares of every row, under a rule that wants norms of rows; otherwise empty.
    row_squares: Vec<f32x8>,
    lanes: LaneNorms,
    /// Updates so far.
    updates: u64,
    pauses: Pauses,
    /// The weights as the network sees them, for whoever wants to see them all, unless they are stored.
    view: Option<Panel>,
}

/// Everything about a layer that its updates have brought about. With the same shape and rule, it goes on from here to the
/// same bits. It knows nothing of vectors and padding, so a build with others goes on from it, too.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Updates so far.
    pub updates: u64,
    /// The weights as they are stored, where rows that wait for their update are behind, or what they are
    /// [derived](Rule::DERIVED) of, `[rows][H]`.
    pub weights: Vec<f32>,
    /// What the rule remembers beside each weight, some numbers or none, in a unit that may depend on the updates so far,
    /// `[rows][numbers][H]`.
    pub memory: Vec<f32>,
    /// The update that each row was last touched by, under a rule that pauses; `u64::MAX` before the first.
    pub last: Vec<u64>,
    /// The sum of squares of each lane, under a rule that wants norms of lanes, `[H]`.
    pub lane_squares: Vec<f64>,
}

/// Who waits for how long, under a rule that pauses; otherwise empty.
#[derive(Clone, Debug, Default)]
struct Pauses {
    /// The update that each row was last touched by; [`NEVER`] before the first.
    last: Vec<u64>,
    /// Room for the lit pixels whose rows have missed anything.
    late: Vec<u16>,
}

/// A row that no update has touched remembers nothing, so it has missed nothing that would be worth replaying.
const NEVER: u64 = u64::MAX;

impl Pauses {
    /// How many of so many updates `row` has missed.
    #[inline(always)]
    fn missed(&self, row: usize, updates: u64) -> u64 {
        updates.saturating_sub(self.last[row])
    }
}

impl<R: Rule> Layer<R> {
    /// A layer before its first update.
    pub fn new(weights: Panel, rule: R) -> Self {
        const { assert!(rests::<R>() || matches!(R::NORMS, Norms::Unused), "norms know nothing of pauses") };
        const {
            assert!(!R::DERIVED || rests::<R>() && memories::<R>() == 1, "weights are derived of two vectors")
        };
        const {
            assert!(!R::DERIVED || matches!(R::NORMS, Norms::Unused), "norms know nothing of derived weights")
        };
        const { assert!(!R::ADDS_UP || matches!(R::NORMS, Norms::Unused), "norms do not add up") };
        const { assert!(!R::ADDS_UP || rests::<R>() && memories::<R>() == R::DERIVED as usize, "weights add up") };
        const { assert!(R::LONGEST_PAUSE >= 2, "rows are woken every so many updates, half of the longest pause") };
        let memory = vec![R::Memory::default(); weights.as_vectors().len()];
        let (mut row_squares, mut lanes) = Default::default();
        let mut pauses = Pauses::default();
        match R::NORMS {
            Norms::Unused => {}
            Norms::OfRows => row_squares = vec![f32x8::ZERO; room(weights.rows())],
            Norms::OfLanes => lanes = LaneNorms::of(&weights, &rule),
        }
        if !rests::<R>() {
            pauses = Pauses { last: vec![NEVER; weights.rows()], late: vec![0; weights.rows()] };
        }
        Self { weights, rule, memory, row_squares, lanes, updates: 0, pauses, view: None }
    }

    /// All that its updates have brought about.
    pub fn state(&self) -> State {
        State {
            updates: self.updates,
            weights: self.places(1).map(|place| self.weights.as_slice()[place]).collect(),
            memory: self.places(memories::<R>()).map(|place| numbers(&self.memory)[place]).collect(),
            last: self.pauses.last.clone(),
            lane_squares: self.lanes.squares().iter().copied().take(self.weights.width()).collect(),
        }
    }

    /// Whether it can go on from `state`: one of its own shape and rule, in which no row was touched after the last update,
    /// or has slept through the last time that [sleepers were woken](Self::settle).
    pub fn takes(&self, state: &State) -> bool {
        let (rows, width) = (self.weights.rows(), self.weights.width());
        let sizes = [state.weights.len(), state.memory.len(), state.last.len(), state.lane_squares.len()];
        let lanes = if R::NORMS == Norms::OfLanes { width } else { 0 };
        let own = [rows * width, rows * memories::<R>() * width, self.pauses.last.len(), lanes];

        let half = R::LONGEST_PAUSE / 2;
        let longest = half.saturating_add(state.updates % half);
        let can_be =
            |last| last == NEVER || state.updates.checked_sub(last).is_some_and(|missed| missed <= longest);
        sizes == own && state.last.iter().copied().all(can_be)
    }

    /// Where the numbers lie that have no padding, `[rows][numbers][H]`, if there are so many `numbers` for each weight: in
    /// memory, `[rows][vectors][numbers][LANES]`.
    fn places(&self, numbers: usize) -> impl Iterator<Item = usize> + use<R> {
        let (rows, width, vectors) = (self.weights.rows(), self.weights.width(), self.weights.vectors());
        let place =
            move |row, number, i| ((row * vectors + i / LANES) * numbers + number) * LANES + i % LANES;
        let row =
            move |row| (0..numbers).flat_map(move |number| (0..width).map(move |i| place(row, number, i)));
        (0..rows).flat_map(row)
    }

    /// Goes on from `state`, which is that of a layer of the same shape under the same rule. This one has had no update yet.
    ///
    /// # Panics
    /// If it does not [take](Self::takes) the state, or has had an update.
    pub fn resume(&mut self, state: &State) {
        assert!(self.updates == 0 && self.takes(state), "a new layer goes on from a state that it takes");
        for (place, &weight) in self.places(1).zip(&state.weights) {
            self.weights.as_mut_slice()[place] = weight;
        }
        for (place, &number) in self.places(memories::<R>()).zip(&state.memory) {
            numbers_mut(&mut self.memory)[place] = number;
        }
        self.pauses.last.copy_from_slice(&state.last);
        self.updates = state.updates;
        self.rule.advance(state.updates);
        if R::NORMS == Norms::OfLanes {
            self.lanes.resume(&state.lane_squares, &self.rule);
        }
    }

    /// The weights, `[rows][Hp]`, all of them caught up. Looking at them changes nothing that follows.
    pub fn weights(&mut self) -> &Panel {
        if rests::<R>() && !R::DERIVED {
            return &self.weights;
        }
        self.rule.look_back();
        let Self { rule, weights, memory, updates, pauses: Pauses { last, .. }, view, .. } = self;
        let view = view.get_or_insert_with(|| weights.clone());
        let (seen, stored, n) = (view.as_vectors_mut(), weights.as_vectors(), weights.vectors());
        if R::DERIVED {
            for ((seen, &stored), memory) in seen.iter_mut().zip(stored).zip(memory) {
                *seen = rule.derive(stored, memory);
            }
            return view;
        }
        seen.copy_from_slice(stored);
        let mut memory_then = vec![R::Memory::default(); n];
        for ((seen, memory), last) in seen.chunks_exact_mut(n).zip(memory.chunks_exact(n)).zip(last) {
            memory_then.copy_from_slice(memory);
            catch_up(rule, updates.saturating_sub(*last), seen, &mut memory_then);
        }
        view
    }

    /// The weights as they lie in memory. Under a rule that pauses, only those rows are up to date that the last update
    /// had a gradient for, or that have [caught up](Self::catch_up) since. Where weights are [derived](Rule::DERIVED), this is
    /// what they are derived of.
    pub fn stored(&self) -> &Panel {
        &self.weights
    }

    /// One image: its hidden units' net inputs, `sums[i] = sum_j x_j weights[j][i]`, what `deltas` makes of them, and the
    /// update by these deltas. Both ways read the same rows, and what the first finds out about them serves the second.
    ///
    /// # Panics
    /// If `sums` or the deltas are not a row long, or a lit pixel has no row.
    #[inline]
    pub fn learn<'d>(
        &mut self,
        lit: Lit,
        sums: &'d mut [f32xN],
        deltas: impl FnOnce(&'d mut [f32xN]) -> &'d [f32xN],
    ) {
        self.look(lit, sums);
        let deltas = deltas(sums);
        self.descend(lit, deltas);
    }

    /// The first half of [`learn`](Self::learn), for whoever needs the layer in between: the net inputs.
    ///
    /// # Panics
    /// If `sums` is not a row long, or a lit pixel has no row.
    #[inline]
    pub fn look(&mut self, lit: Lit, sums: &mut [f32xN]) {
        assert_eq!(sums.len(), self.weights.vectors(), "one sum per hidden unit");
        if R::NORMS == Norms::OfRows {
            sums_of(lit, Squaring { weights: &self.weights, squares: &mut self.row_squares }, sums);
            into_rates(&self.rule, &mut self.row_squares, lit.len());
        } else if R::DERIVED {
            self.derived_sums(lit, sums);
        } else {
            if !rests::<R>() {
                self.catch_up_weights(lit);
            }
            hidden_sums(lit, &self.weights, sums);
        }
    }

    /// The second half: the update, by what [`look`](Self::look) has found out about the rows of the same `lit`, after
    /// which nothing else may have happened to the layer.
    ///
    /// # Panics
    /// If the deltas are not a row long.
    #[inline]
    pub fn descend(&mut self, lit: Lit, deltas: &[f32xN]) {
        self.whole().sweep(&OfImage { lit, deltas });
        self.settle();
    }

    /// Brings the weights of lit pixels' rows up to date. What is remembered beside them stays as it is, for the update to
    /// see to it, unless what they have missed is not at hand.
    ///
    /// Late rows are listed first. Nothing is kept of them but their numbers: what they have missed is looked up when they catch
    /// up, and once more by the update, which costs less than to store it.
    fn catch_up_weights(&mut self, lit: Lit) {
        self.rule.look_back();
        let mut list = core::mem::take(&mut self.pauses.late);
        let (updates, last, room) = (self.updates, &self.pauses.last[..], &mut list[..]);
        let mut late = 0;
        for &j in lit.index() {
            room[late] = j;
            late += usize::from(last[usize::from(j)] < updates);
        }
        self.whole().catch_up_weights(&list[..late]);
        self.pauses.late = list;
    }

    /// The hidden units' net inputs, by rows that are up to date.
    ///
    /// # Panics
    /// If `sums` is not a row long, or a lit pixel has no row.
    pub fn hidden_sums(&mut self, lit: Lit, sums: &mut [f32xN]) {
        assert_eq!(sums.len(), self.weights.vectors(), "one sum per hidden unit");
        if R::DERIVED {
            return self.derived_sums(lit, sums);
        }
        self.catch_up(lit.index().iter().map(|&j| usize::from(j)));
        hidden_sums(lit, &self.weights, sums);
    }

    /// The same by weights that are derived.
    #[inline(always)]
    fn derived_sums(&self, lit: Lit, sums: &mut [f32xN]) {
        let Self { rule, weights, memory, .. } = self;
        let (vectors, stored) = (weights.vectors(), weights.as_vectors());
        sums_of(lit, Deriving { rule, vectors, stored, memory }, sums);
    }

    /// Brings `rows` up to date.
    ///
    /// # Panics
    /// If there is no such row, under a rule that pauses. Under others there is nothing to bring up to date.
    pub fn catch_up(&mut self, rows: impl Iterator<Item = usize>) {
        if rests::<R>() {
            return;
        }
        self.rule.look_back();
        let n = self.weights.vectors();
        for row in rows {
            let missed = self.pauses.missed(row, self.updates);
            self.pauses.last[row] = self.updates;
            let weights = &mut self.weights.as_vectors_mut()[row * n..][..n];
            catch_up(&self.rule, missed, weights, &mut self.memory[row * n..][..n]);
        }
    }

    /// One update of the whole layer.
    ///
    /// # Panics
    /// If the gradient's rows are not as long as the layer's, or are not the layer's.
    #[inline]
    pub fn update(&mut self, gradient: &impl Gradient) {
        let end = gradient.len();
        let last = gradient.rows(end.saturating_sub(1)..end).last();
        assert!(
            last.is_none_or(|(row, _)| row < self.weights.rows()),
            "a row of the gradient is one of the layer's"
        );
        self.whole().update(gradient);
        self.settle();
    }

    /// All rows as one block. What [`blocks`](Self::blocks) says of updates holds.
    #[inline(always)]
    pub fn whole(&mut self) -> Block<'_, R> {
        self.lanes.changes.resize(self.lanes.rates.len(), f32xN::ZERO);
        Block {
            rule: &self.rule,
            rows: 0..self.weights.rows(),
            vectors: self.weights.vectors(),
            weights: self.weights.as_vectors_mut(),
            memory: &mut self.memory,
            updates: self.updates,
            last: &mut self.pauses.last,
            norms: BlockNorms {
                rows: &mut self.row_squares,
                lane_rates: &self.lanes.rates,
                lane_changes: &mut self.lanes.changes,
            },
        }
    }

    /// Begins an update in blocks of `rows` rows (the last may have fewer), each to be [updated](Block::update) once, in
    /// any order or at once. A row of the gradient that no block has is left out, or refused if its
    /// [band](crate::gradient::Gradient::band) has others. Finish with [`settle`](Self::settle).
    ///
    /// # Panics
    /// If `rows` is zero.
    pub fn blocks(&mut self, rows: usize) -> impl Iterator<Item = Block<'_, R>> {
        assert!(rows > 0, "a block has at least one row");
        let (rule, n, total) = (&self.rule, self.weights.vectors(), self.weights.rows());
        let rows = rows.min(total.max(1)); // more would take room for rows that are not there
        self.lanes.changes.resize(total.div_ceil(rows) * self.lanes.rates.len(), f32xN::ZERO);

        if R::NORMS == Norms::OfRows {
            self.row_squares.resize(total.div_ceil(rows) * room(rows), f32x8::ZERO);
        }

        // Where norms or pauses are unused, there are no slices of them: every block then gets empty ones.
        let mut row_squares = self.row_squares.chunks_mut(room(rows));
        let mut lane_changes = self.lanes.changes.chunks_mut(n);
        let lane_rates = &self.lanes.rates[..];
        let mut weights = self.weights.as_vectors_mut().chunks_mut(rows * n);
        let mut memory = self.memory.chunks_mut(rows * n);
        let updates = self.updates;
        let mut last = self.pauses.last.chunks_mut(rows);
        (0..total).step_by(rows).map(move |first| Block {
            rule,
            rows: first..total.min(first + rows),
            vectors: n,
            weights: weights.next().unwrap_or_default(),
            memory: memory.next().unwrap_or_default(),
            updates,
            last: last.next().unwrap_or_default(),
            norms: BlockNorms {
                rows: row_squares.next().unwrap_or_default(),
                lane_rates,
                lane_changes: lane_changes.next().unwrap_or_default(),
            },
        })
    }

    /// The [rates](Rule::rate) of the next `updates` updates: where weights are [derived](Rule::DERIVED), those of what is stored.
    ///
    /// # Panics
    /// If the rule's updates do not [add up](Rule::ADDS_UP).
    pub fn rates(&self, updates: usize) -> impl Iterator<Item = f32> {
        assert!(R::ADDS_UP, "only then is a rate all there is to an update");
        let mut rule = self.rule.clone();
        (self.updates..).take(updates).map(move |updates| {
            rule.advance(updates);
            let [rate, ..] = rule.rate(f32xN::ZERO).to_array();
            rate
        })
    }

    /// What the weights are [derived](Rule::DERIVED) of besides those that are [stored](Self::stored), `[rows][Hp]`, if they are;
    /// otherwise empty.
    pub fn remembered(&self) -> &[f32xN] {
        if R::DERIVED { bytemuck::cast_slice(&self.memory) } else { &[] }
    }

    /// What some net inputs by [stored](Self::stored) weights become with that many updates without gradient: `past`
    /// are the sums for the same units by what is [remembered](Self::remembered).
    ///
    /// # Panics
    /// If the rule's updates do not [add up](Rule::ADDS_UP), or `past` is not as long as `sums` where weights are derived.
    pub fn foresee(&self, updates: usize, sums: &mut [f32xN], past: &[f32xN]) {
        assert!(R::ADDS_UP, "only then are sums what weights are");
        if !R::DERIVED {
            return;
        }
        assert_eq!(past.len(), sums.len(), "two sums for each unit");
        for (sum, &past) in sums.iter_mut().zip(past) {
            *sum = self.rule.foresee(updates, *sum, past);
        }
    }

    /// What has become of gradients after the next `updates`: of the last of them, the one before, and so on, without end.
    pub fn echoes(&self, updates: usize) -> impl Iterator<Item = Echo> {
        (0..).map(move |later| self.rule.echo(later, updates))
    }

    /// How many updates it takes until next to nothing is [to come](Echo::to_come) of a gradient.
    pub fn span(&self) -> usize {
        self.rule.span()
    }

    /// [Ends](Self::settle) so many updates that [were made in one](Block::leap).
    ///
    /// # Panics
    /// If the rule's updates do not [add up](Rule::ADDS_UP).
    pub fn settle_all(&mut self, updates: usize) {
        assert!(R::ADDS_UP, "only then are several updates one");
        self.updates += updates as u64;
        self.rule.advance(self.updates);
    }

    /// Ends an update: combines what the blocks found out about norms that they share, and counts it.
    #[inline]
    pub fn settle(&mut self) {
        self.updates += 1;
        self.rule.advance(self.updates);
        if R::NORMS == Norms::OfLanes {
            self.lanes.renew(&self.rule);
        }
        if !rests::<R>() && self.updates.is_multiple_of(R::LONGEST_PAUSE / 2) {
            self.wake_sleepers();
        }
    }

    /// Wakes the rows that have missed more than half of the longest pause: they might else have waited for too long before this
    /// is called again.
    #[cold]
    fn wake_sleepers(&mut self) {
        let (last, updates) = (self.pauses.last.clone(), self.updates);
        let sleeps = |row: &usize| updates.saturating_sub(last[*row]) > R::LONGEST_PAUSE / 2;
        self.catch_up((0..last.len()).filter(sleeps));
    }
}

/// Rows of which the forward pass notes the sums of squares.
struct Squaring<'a> {
    weights: &'a Panel,
    /// The sums for the rows of lit pixels, four at a time.
    squares: &'a mut [f32x8],
}

impl Rows for Squaring<'_> {
    // Beside a tile's sums, a row's weights and two sums of their squares take registers. Of sixteen, a wide tile has not enough, but
    // to go through the rows once more costs more: in tiles of up to fifteen vectors instead of eight, learning took 0.94 of the time
    // on a Zen 3 (0.83 to 1.04) where one or two are a row, from H = 72 to 240. Where it takes more, nothing was gained.
    fn widest(vectors: usize) -> usize {
        match vectors {
            _ if REGISTERS > 16 => TILE,
            ..=30 => 15,
            _ => 8,
        }
    }

    // With 32 registers, ten vectors took a fifth longer unrolled.
    const UNROLLED: usize = if REGISTERS > 16 { 7 } else { 4 };

    #[inline(always)]
    fn whole<const T: usize>(&mut self, row: usize) -> [f32xN; T] {
        self.weights.whole(row)
    }

    #[inline(always)]
    fn part<const T: usize>(&mut self, row: usize, first: usize) -> [f32xN; T] {
        self.weights.part(row, first)
    }

    #[inline(always)]
    fn note(&self, weights: f32xN) -> f32xN {
        weights * weights
    }

    #[inline(always)]
    fn add_note(&self, so_far: f32xN, weights: f32xN) -> f32xN {
        weights.mul_add(weights, so_far)
    }

    #[inline(always)]
    fn keep(&mut self, n: usize, notes: [f32xN; 4], first: usize) {
        let (sums, before) = (fours(notes), self.squares[n]);
        self.squares[n] = if first == 0 { sums } else { before + sums };
    }
}

/// Rows of weights that are derived of what is stored.
struct Deriving<'a, R: Rule> {
    rule: &'a R,
    vectors: usize,
    stored: &'a [f32xN],
    memory: &'a [R::Memory],
}

impl<R: Rule> Deriving<'_, R> {
    #[inline(always)]
    fn derived<const T: usize>(&self, stored: &[f32xN; T], memory: &[R::Memory; T]) -> [f32xN; T] {
        core::array::from_fn(|v| self.rule.derive(stored[v], &memory[v]))
    }
}

impl<R: Rule> Rows for Deriving<'_, R> {
    #[inline(always)]
    fn whole<const T: usize>(&mut self, row: usize) -> [f32xN; T] {
        let (stored, memory) = (self.stored.as_chunks().0, self.memory.as_chunks().0);
        let memory = &memory[..stored.len()]; // the same, but now the compiler knows, and checks a row once
        self.derived(&stored[row], &memory[row])
    }

    #[inline(always)]
    fn part<const T: usize>(&mut self, row: usize, first: usize) -> [f32xN; T] {
        let (at, within) = (row * self.vectors + first, "a lit pixel has a row");
        let (stored, memory) = (&self.stored[at..], &self.memory[at..]);
        self.derived(stored.first_chunk().expect(within), memory.first_chunk().expect(within))
    }
}

/// What a layer does whatever its rule: in whole numbers, so exact. The oracle tests it under the rules that there are.
#[cfg(test)]
mod tests {
    use super::*;
    use crate::gradient::{OfMatrix, Visitor, one_by_one, tile};
    use crate::lanes::TILE;
    use crate::rule::Cost;
    use core::ops::Range;

    const ROWS: usize = 7;
    /// Rows of two vectors, which are one tile, and of two tiles or more; both have padding.
    const WIDTHS: [usize; 2] = [LANES + 1, TILE * LANES + 1];

    /// A weight without gradient goes on at the speed that it has: momentum without loss. Beside its speed, it remembers its
    /// last gradient.
    #[derive(Clone, Debug)]
    struct Coast;

    impl Rule for Coast {
        type Memory = [f32xN; 2];
        type Pause = f32;
        const COST: Cost = Cost { step: 0, see: 0 };
        const LONGEST_PAUSE: u64 = 6;

        fn step(&self, weights: f32xN, a: f32xN, b: f32xN, [speed, last]: &mut [f32xN; 2]) -> f32xN {
            *last = a * b;
            *speed += *last;
            weights - *speed
        }

        fn pause(&self, missed: u64) -> Option<f32> {
            assert!(missed <= Self::LONGEST_PAUSE, "a row has waited for {missed} updates");
            (missed != 2).then_some(missed as f32)
        }

        fn sit_through(&self, missed: u64, weights: &mut [f32xN], memory: &mut [[f32xN; 2]]) {
            for (w, memory) in weights.iter_mut().zip(memory) {
                *w = self.catch_up(missed as f32, *w, memory);
            }
        }

        fn catch_up(&self, missed: f32, weights: f32xN, [speed, _]: &[f32xN; 2]) -> f32xN {
            speed.mul_neg_add(f32xN::splat(missed), weights)
        }
    }

    /// The pixels that are lit at update t, from 1 on: row r is where t is a multiple of its gap. Of ten updates, three are
    /// missed by rows that are woken meanwhile.
    fn lit_at(t: usize) -> (Vec<u16>, Vec<f32>) {
        const GAPS: [usize; ROWS] = [1, 2, 3, 4, 7, 10, 40];
        let lit = (0..ROWS).filter(|&row| t.is_multiple_of(GAPS[row]));
        lit.map(|row| (row as u16, (1 + (t + row) % 3) as f32)).unzip()
    }

    fn row_of(width: usize, number: impl Fn(usize) -> usize) -> Panel {
        Panel::from_fn(1, width, |_, i| number(i) as f32 - 3.0)
    }

    #[test]
    fn rows_that_wait_are_seen_as_if_they_had_moved() {
        for width in WIDTHS {
            let start = Panel::from_fn(ROWS, width, |row, i| (row * 10 + i % 10) as f32);
            let mut layer = Layer::new(start.clone(), Coast);
            let (mut weights, mut speeds) = (start.clone(), Panel::zeros(ROWS, width));
            for t in 1..=60 {
                let (index, value) = lit_at(t);
                let lit = Lit::new(&index, &value);
                let deltas = row_of(width, |i| (5 * t + i) % 7);
                let image = OfImage { lit, deltas: deltas.as_vectors() };
                let mut sums = vec![f32xN::splat(f32::NAN); deltas.vectors()];
                let mut seen = Panel::zeros(1, width);
                for (&row, &x) in index.iter().zip(&value) {
                    for (sum, w) in seen.row_mut(0).iter_mut().zip(weights.row(usize::from(row))) {
                        *sum += x * w;
                    }
                }
                match t % 5 {
                    0 => layer.learn(lit, &mut sums, |sums| {
                        assert_eq!(sums, seen.as_vectors(), "update {t}");
                        deltas.as_vectors()
                    }),
                    1 => {
                        layer.hidden_sums(lit, &mut sums);
                        assert_eq!(sums, seen.as_vectors(), "update {t}");
                        layer.update(&image);
                    }
                    2 => {
                        layer.blocks(3).for_each(|mut block| block.update(&image));
                        layer.settle();
                    }
                    3 => {
                        layer.catch_up([1, ROWS - 1].into_iter());
                        for row in [1, ROWS - 1] {
                            assert_eq!(layer.stored().row(row), weights.row(row), "update {t}, row {row}");
                        }
                        layer.update(&image);
                    }
                    _ => {
                        let state = layer.state();
                        layer = Layer::new(start.clone(), Coast);
                        layer.resume(&state);
                        layer.update(&image);
                    }
                }
                // All rows, whether there is a gradient or not.
                for row in 0..ROWS {
                    let x = index.iter().position(|&lit| usize::from(lit) == row).map_or(0.0, |n| value[n]);
                    let cells = weights.row_mut(row).iter_mut().zip(speeds.row_mut(row));
                    for ((w, speed), delta) in cells.zip(deltas.row(0)) {
                        *speed += x * delta;
                        *w -= *speed;
                    }
                }
                assert!(layer.weights() == &weights, "update {t}, width {width}");
            }
            assert!(layer.stored() != &weights, "nothing waits");
        }
    }

    /// Every three updates, half of the longest pause, those wake that have missed more than three: before the next time, it
    /// would be too late. A row that has never been touched sleeps on.
    #[test]
    fn sleepers_are_woken_in_time_and_no_sooner() {
        let mut layer = Layer::new(Panel::zeros(3, 1), Coast);
        let mut touched = Vec::new();
        for update in 0..10 {
            let index: &[u16] = if update == 0 { &[0] } else { &[1] };
            let index = if update < 3 { index } else { &[] };
            layer.update(&OfImage { lit: Lit::new(index, &[1.0][..index.len()]), deltas: &[f32xN::ONE] });
            touched.push(layer.state().last);
        }
        let never = NEVER;
        let after = |update: usize| &touched[update - 1];
        assert_eq!(after(1), &[1, never, never]);
        assert_eq!(after(3), &[1, 3, never]);
        assert_eq!(after(5), &[1, 3, never], "the first has missed four, but it is not time");
        assert_eq!(after(6), &[6, 3, never], "the second has missed three, which can be six the next time");
        assert_eq!(after(8), &[6, 3, never]);
        assert_eq!(after(9), &[6, 9, never]);
    }

    /// Momentum whose velocity changes its sign at every update and is otherwise lost no more than [`Coast`]'s: mu = -1. Twice the
    /// velocity is added to what is stored, and of three updates, the last changes the sign of all that is remembered instead.
    #[derive(Clone, Debug, Default)]
    struct Swing {
        phase: usize,
    }

    fn sign(n: usize) -> f32 {
        if n.is_multiple_of(2) { 1.0 } else { -1.0 }
    }

    impl Rule for Swing {
        type Memory = f32xN;
        type Pause = ();
        const COST: Cost = Cost { step: 0, see: 0 };
        const DERIVED: bool = true;
        const ADDS_UP: bool = true;

        fn rate(&self, _: f32xN) -> f32xN {
            f32xN::splat(2.0)
        }

        fn step(&self, stored: f32xN, a: f32xN, b: f32xN, velocity: &mut f32xN) -> f32xN {
            *velocity += a * b * f32xN::splat(sign((self.phase + 1) % 3));
            stored - a * b
        }

        fn advance(&mut self, updates: u64) {
            self.phase = updates as usize % 3;
        }

        fn rescale(&self, updates: usize) -> Option<f32> {
            let end = self.phase + updates;
            (end >= 3).then(|| sign(end / 3))
        }

        fn derive(&self, stored: f32xN, velocity: &f32xN) -> f32xN {
            self.foresee(0, stored, *velocity)
        }

        fn foresee(&self, updates: usize, stored: f32xN, velocity: f32xN) -> f32xN {
            velocity.mul_add(f32xN::splat(2.0 * sign(self.phase + updates)), stored)
        }

        fn echo(&self, later: usize, updates: usize) -> Echo {
            let remembered = sign(later + (self.phase + updates) % 3);
            Echo { seen: 1.0 - 2.0 * sign(later), to_come: 2.0 * sign(later), remembered }
        }
    }

    /// One update of what [`Swing`] stores, and of its velocities, as they are.
    fn swing(
        stored: &mut Panel,
        velocities: &mut Panel,
        (index, value): &(Vec<u16>, Vec<f32>),
        deltas: &Panel,
    ) {
        velocities.as_mut_slice().iter_mut().for_each(|v| *v = -*v);
        for (&j, x) in index.iter().zip(value) {
            let (row, velocities) = (stored.row_mut(j.into()), velocities.row_mut(j.into()));
            for ((z, v), delta) in row.iter_mut().zip(velocities).zip(deltas.row(0)) {
                *z -= 2.0 * x * delta;
                *v += 2.0 * x * delta;
            }
        }
    }

    /// The weights that the network sees.
    fn swung(stored: &Panel, velocities: &Panel) -> Panel {
        Panel::from_fn(stored.rows(), stored.width(), |row, i| {
            stored.row(row)[i] + 2.0 * velocities.row(row)[i]
        })
    }

    #[test]
    fn derived_weights_are_what_is_seen() {
        for width in WIDTHS {
            let start = Panel::from_fn(ROWS, width, |row, i| (row * 10 + i % 10) as f32);
            let mut layer = Layer::new(start.clone(), Swing::default());
            let (mut stored, mut velocities) = (start.clone(), Panel::zeros(ROWS, width));
            for t in 1..=60 {
                let lit = lit_at(t);
                let deltas = row_of(width, |i| (5 * t + i) % 7);
                let mut want = vec![f32xN::ZERO; deltas.vectors()];
                hidden_sums(Lit::new(&lit.0, &lit.1), &swung(&stored, &velocities), &mut want);
                let image = Lit::new(&lit.0, &lit.1);
                let gradient = OfImage { lit: image, deltas: deltas.as_vectors() };
                let mut sums = vec![f32xN::splat(f32::NAN); deltas.vectors()];
                if t % 4 == 0 {
                    layer.learn(image, &mut sums, |sums| {
                        assert_eq!(sums, want, "update {t}");
                        deltas.as_vectors()
                    });
                } else {
                    layer.hidden_sums(image, &mut sums);
                    assert_eq!(sums, want, "update {t}");
                    if t % 4 == 1 {
                        layer.blocks(3).for_each(|mut block| block.update(&gradient));
                        layer.settle();
                    } else {
                        layer.update(&gradient);
                    }
                }
                if t % 7 == 0 {
                    let state = layer.state();
                    layer = Layer::new(start.clone(), Swing::default());
                    layer.resume(&state);
                }
                swing(&mut stored, &mut velocities, &lit, &deltas);
                assert!(layer.weights() == &swung(&stored, &velocities), "update {t}, width {width}");
                assert!(layer.stored() == &stored);
            }
        }
    }

    /// Several updates in one, beside all of them one by one.
    #[test]
    fn a_leap_ends_where_its_updates_end() {
        for width in WIDTHS {
            let start = Panel::from_fn(ROWS, width, |row, i| (row * 10 + i % 10) as f32);
            let mut layer = Layer::new(start.clone(), Swing::default());
            let (mut stored, mut velocities) = (start.clone(), Panel::zeros(ROWS, width));
            let mut updates = 0;
            for together in [3, 1, 2, 3, 8, 2, 3, 1].into_iter().cycle().take(24) {
                assert!(layer.rates(together).eq(vec![2.0; together]));
                let lit: Vec<_> = (1..=together).map(|t| lit_at(updates + t)).collect();
                let deltas: Vec<_> =
                    (0..together).map(|t| row_of(width, |i| (5 * (updates + t) + i) % 7)).collect();
                let mut rows: Vec<usize> =
                    lit.iter().flat_map(|(index, _)| index).map(|&j| j.into()).collect();
                rows.sort_unstable();
                rows.dedup();

                let n = start.vectors();
                let other = (index_of(&rows), vec![1.0; rows.len()]);
                let other = Lit::new(&other.0, &other.1);
                for later in 0..together {
                    let [mut seen, mut past] = [(); 2].map(|()| vec![f32xN::ZERO; n]);
                    hidden_sums(other, layer.stored(), &mut seen);
                    for &row in &rows {
                        past.iter_mut().zip(&layer.remembered()[row * n..]).for_each(|(past, &m)| *past += m);
                    }
                    layer.foresee(later, &mut seen, &past);
                    let mut then = velocities.clone();
                    then.as_mut_slice().iter_mut().for_each(|v| *v *= sign(later));
                    let mut want = vec![f32xN::ZERO; n];
                    hidden_sums(other, &swung(&stored, &then), &mut want);
                    assert_eq!(seen, want, "after {updates} and {later} more");
                }

                let [mut taken, mut remembered] = [(); 2].map(|()| Panel::zeros(ROWS, width));
                velocities.as_mut_slice().iter_mut().for_each(|v| *v *= sign(together));
                let dark = swung(&stored, &velocities);
                velocities.as_mut_slice().iter_mut().for_each(|v| *v *= sign(together));
                let mut lost = Panel::zeros(ROWS, width);
                let echoes: Vec<_> = layer.echoes(together).take(together).collect();
                for ((lit, deltas), echo) in lit.iter().zip(&deltas).zip(echoes.iter().rev()) {
                    for (&j, x) in lit.0.iter().zip(&lit.1) {
                        for (i, delta) in deltas.row(0).iter().enumerate() {
                            taken.row_mut(j.into())[i] += 2.0 * x * delta;
                            remembered.row_mut(j.into())[i] += 2.0 * x * delta * echo.remembered;
                            lost.row_mut(j.into())[i] += 2.0 * x * delta * echo.seen;
                        }
                    }
                    swing(&mut stored, &mut velocities, lit, deltas);
                }
                let blocks = if together == 2 { ROWS } else { 3 };
                let [taken, remembered] = [&taken, &remembered]
                    .map(|sums| OfRows { rows: &rows, all: OfMatrix { sums, scale: 1.0 } });
                layer.blocks(blocks).for_each(|mut block| {
                    block.leap(&taken);
                    block.rescale(together);
                    block.remember(&remembered);
                });
                layer.settle_all(together);
                updates += together;
                let seen = Panel::from_fn(ROWS, width, |row, i| dark.row(row)[i] - lost.row(row)[i]);
                let want = swung(&stored, &velocities);
                assert!(layer.weights() == &want && seen == want, "update {updates}, width {width}");
                assert!(layer.stored() != &want, "nothing swings");
            }
            layer.whole().forget();
            assert!(layer.weights() == &stored, "what is forgotten swings on");
        }
    }

    fn index_of(rows: &[usize]) -> Vec<u16> {
        rows.iter().map(|&row| row as u16).collect()
    }

    /// Some rows of a sum of gradients.
    struct OfRows<'a> {
        rows: &'a [usize],
        all: OfMatrix<'a>,
    }

    impl Gradient for OfRows<'_> {
        fn len(&self) -> usize {
            self.rows.len()
        }

        fn vectors(&self) -> usize {
            self.all.vectors()
        }

        fn rows(
            &self,
            visits: Range<usize>,
        ) -> impl DoubleEndedIterator<Item = (usize, f32)> + ExactSizeIterator {
            self.rows[visits].iter().map(|&row| (row, 1.0))
        }

        fn tour<const T: usize>(&self, visits: Range<usize>, first: usize, visitor: &mut impl Visitor<T>) {
            one_by_one(self.rows(visits), visitor, |_, row| tile(self.all.sums.row_vectors(row), first));
        }
    }

    /// Two numbers beside each weight: of a row, all of the first come before all of the second.
    #[test]
    fn a_state_has_all_numbers_and_no_padding() {
        for width in WIDTHS {
            let deltas = row_of(width, |i| i % 7);
            let mut layer = Layer::new(Panel::from_fn(3, width, |row, i| (100 * row + i) as f32), Coast);
            layer.update(&OfImage { lit: Lit::new(&[0, 2], &[1.0, 2.0]), deltas: deltas.as_vectors() });
            layer.update(&OfImage { lit: Lit::new(&[0], &[5.0]), deltas: deltas.as_vectors() });
            let numbers = |times: [f32; 3]| times.map(|times| deltas.row(0).iter().map(move |d| times * d));
            // The first row has moved by one delta, then by six of them; the third by two, and waits.
            let moved = numbers([7.0, 0.0, 2.0]).into_iter().flatten();
            let start = (0..3).flat_map(|row| (0..width).map(move |i| (100 * row + i) as f32));
            let [speeds, last] = [[6.0, 0.0, 2.0], [5.0, 0.0, 2.0]].map(numbers);
            let memory = speeds.into_iter().zip(last).flat_map(|(speeds, last)| speeds.chain(last));
            let want = State {
                updates: 2,
                weights: start.zip(moved).map(|(w, moved)| w - moved).collect(),
                memory: memory.collect(),
                last: vec![2, NEVER, 1],
                lane_squares: Vec::new(),
            };
            assert!(layer.state() == want, "width {width}");
        }
    }

    #[test]
    fn a_state_of_another_shape_or_of_no_time_is_not_taken() {
        let layer = Layer::new(Panel::zeros(3, 5), Coast);
        let own = State { updates: 7, last: vec![7, NEVER, 3], ..layer.state() };
        assert!(layer.takes(&own));
        let but = |change: fn(&mut State)| {
            let mut other = own.clone();
            change(&mut other);
            layer.takes(&other)
        };
        assert!(!but(|state| _ = state.weights.pop()));
        assert!(!but(|state| state.memory.push(0.0)));
        assert!(!but(|state| _ = state.last.pop()));
        assert!(!but(|state| state.lane_squares.push(0.0)));
        assert!(!but(|state| state.last[0] = 8), "an update to come");
        assert!(!but(|state| state.last[2] = 2), "it would have been woken after six");
        assert!(!Layer::new(Panel::zeros(3, 5), Coast).takes(&Layer::new(Panel::zeros(5, 3), Coast).state()));
    }

    /// Its rate is the norm, and nothing else.
    #[derive(Clone, Debug)]
    struct ByNorm<const BY_ROW: bool>;

    impl<const BY_ROW: bool> Rule for ByNorm<BY_ROW> {
        type Memory = ();
        type Pause = ();
        const COST: Cost = Cost { step: 0, see: 0 };
        const NORMS: Norms = if BY_ROW { Norms::OfRows } else { Norms::OfLanes };

        fn rate(&self, norms: f32xN) -> f32xN {
            norms
        }

        fn step(&self, weights: f32xN, a: f32xN, b: f32xN, (): &mut ()) -> f32xN {
            a.mul_neg_add(b, weights)
        }
    }

    /// The ways to make an update: after a look at its rows, without, and in blocks.
    const WAYS: usize = 3;

    fn update<R: Rule>(layer: &mut Layer<R>, way: usize, lit: Lit, deltas: &[f32xN]) {
        match way {
            0 => layer.learn(lit, &mut vec![f32xN::ZERO; deltas.len()], |_| deltas),
            1 => layer.update(&OfImage { lit, deltas }),
            _ => {
                layer.blocks(3).for_each(|mut block| block.update(&OfImage { lit, deltas }));
                layer.settle();
            }
        }
    }

    /// The legs of right triangles, in the first and the last lane, so that the norm of row r is 5 (r + 1).
    #[test]
    fn rates_go_by_the_norms_of_rows() {
        const ROWS: usize = 12; // more than are looked at together
        let wide_tiles_and_one_of_four_vectors = [195 * LANES + 1];
        let widths = WIDTHS.into_iter().chain(wide_tiles_and_one_of_four_vectors);
        for (width, way) in widths.flat_map(|width| (0..WAYS).map(move |way| (width, way))) {
            let legs = |i: usize| if i == 0 { 3.0 } else { 4.0 * f32::from(i + 1 == width) };
            let mut layer =
                Layer::new(Panel::from_fn(ROWS, width, |row, i| legs(i) * (row + 1) as f32), ByNorm::<true>);
            let deltas = row_of(width, |i| i % 7);
            // Two images of other rows each.
            update(&mut layer, way, Lit::new(&[0, 2, 5], &[2.0; 3]), deltas.as_vectors());
            update(&mut layer, way, Lit::new(&[1, 3, 4, 6, 7, 8, 9, 10, 11], &[2.0; 9]), deltas.as_vectors());
            let moved = |i: usize| 5.0 * 2.0 * deltas.row(0)[i];
            let want = Panel::from_fn(ROWS, width, |row, i| (legs(i) - moved(i)) * (row + 1) as f32);
            assert!(layer.stored() == &want, "width {width}, way {way}");
        }
    }

    /// The same for lanes, whose squares are kept account of.
    #[test]
    fn rates_go_by_the_norms_of_lanes() {
        for (width, way) in WIDTHS.into_iter().flat_map(|width| (0..WAYS).map(move |way| (width, way))) {
            let start = Panel::from_fn(ROWS, width, |row, i| {
                [3.0, 0.0, 0.0, 0.0, 0.0, 0.0, 4.0][row] * (i + 1) as f32
            });
            let mut layer = Layer::new(start.clone(), ByNorm::<false>);
            let deltas = row_of(width, |_| 4);
            update(&mut layer, way, Lit::new(&[1, 6], &[1.0, 1.0]), deltas.as_vectors());
            let want = Panel::from_fn(ROWS, width, |row, i| {
                [3.0, -5.0, 0.0, 0.0, 0.0, 0.0, -1.0][row] * (i + 1) as f32
            });
            assert!(layer.stored() == &want, "width {width}, way {way}");
            let squares = |norm: f64| (1..=width).map(|lane| norm * (lane * lane) as f64).collect::<Vec<_>>();
            let state = layer.state();
            assert_eq!(state.lane_squares, squares(9.0 + 25.0 + 1.0), "width {width}, way {way}");
            assert!(state.memory.is_empty() && state.last.is_empty());

            let mut resumed = Layer::new(start, ByNorm::<false>);
            resumed.resume(&state);
            for layer in [&mut layer, &mut resumed] {
                update(layer, way, Lit::new(&[0, 6], &[1.0, 1.0]), deltas.as_vectors());
            }
            assert!(layer.state() == resumed.state() && layer.state() != state);
        }
    }

    /// A rate that does not care for norms, and halves from update to update.
    #[derive(Clone, Debug)]
    struct Halving<const BY_ROW: bool>(f32);

    impl<const BY_ROW: bool> Rule for Halving<BY_ROW> {
        type Memory = ();
        type Pause = ();
        const COST: Cost = Cost { step: 0, see: 0 };
        const NORMS: Norms = ByNorm::<BY_ROW>::NORMS;

        fn rate(&self, _: f32xN) -> f32xN {
            f32xN::splat(self.0)
        }

        fn step(&self, weights: f32xN, a: f32xN, b: f32xN, (): &mut ()) -> f32xN {
            a.mul_neg_add(b, weights)
        }

        fn advance(&mut self, updates: u64) {
            self.0 = 2.0_f32.powi(-(updates as i32));
        }
    }

    /// Whatever they go by, rates are those of the rule as it is before the update, and of a layer that goes on from there.
    fn assert_rates_are_of_their_update<const BY_ROW: bool>() {
        let layer = || Layer::new(Panel::zeros(ROWS, 1), Halving::<BY_ROW>(1.0));
        let ways = (0..WAYS).flat_map(|way| [(way, false), (way, true)]);
        for (way, resumes) in ways {
            let mut halving = layer();
            for _ in 0..3 {
                update(&mut halving, way, Lit::new(&[2], &[1.0]), row_of(1, |_| 4).as_vectors());
                if resumes {
                    let state = halving.state();
                    halving = layer();
                    halving.resume(&state);
                }
            }
            assert_eq!(halving.stored().row(2), [-1.75], "way {way}, {resumes}");
        }
    }

    #[test]
    fn rates_are_those_of_their_update() {
        assert_rates_are_of_their_update::<true>();
        assert_rates_are_of_their_update::<false>();
    }
}
