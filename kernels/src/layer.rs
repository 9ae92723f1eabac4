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
//! beforehand. So a dark pixel's row (in batches, one of a dark group) is left where it is, and [caught up](Rule::catch_up) with when it is read next: the
//! result is the plain one up to rounding, for the cost of the lit rows. Under a rule without pause there is nothing to
//! catch up with, and all of this compiles to nothing.

use crate::forward::{Rows, hidden_sums, sums_of};
use crate::gradient::{Gradient, OfImage};
use crate::lanes::{LANES, f32xN, fours};
use crate::lit::Lit;
use crate::norms::{LaneNorms, into_rates, room};
use crate::panel::Panel;
use crate::rule::{Norms, Rule, catch_up, rests};
use crate::sweep::{Block, BlockNorms, pause};
use bytemuck::Pod;
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
}

/// Everything about a layer that its updates have brought about. With the same shape and rule, it goes on from here to the
/// same bits. It knows nothing of vectors and padding, so a build with others goes on from it, too.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// Updates so far.
    pub updates: u64,
    /// The weights as they are stored, where rows that wait for their update are behind, `[rows][H]`.
    pub weights: Vec<f32>,
    /// What the rule remembers beside each weight, some numbers or none, `[rows][numbers][H]`.
    pub memory: Vec<f32>,
    /// The update that each row was last touched by, under a rule that pauses; `u64::MAX` before the first.
    pub last: Vec<u64>,
    /// The sum of squares of each lane, under a rule that wants norms of lanes, `[H]`.
    pub lane_squares: Vec<f64>,
}

/// Who waits for how long, under a rule that pauses; otherwise empty.
#[derive(Clone, Debug)]
struct Pauses {
    /// The update that each row was last touched by; [`NEVER`] before the first.
    last: Vec<u64>,
    /// Room for the lit pixels whose rows have missed anything, unless the rule peeks.
    late: Vec<u16>,
    /// The weights, all caught up, for whoever wants to see them all.
    view: Option<Panel>,
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
        const { assert!(R::LONGEST_PAUSE >= 2, "rows are woken every so many updates, half of the longest pause") };
        let memory = vec![R::Memory::default(); weights.as_vectors().len()];
        let (mut row_squares, mut lanes) = Default::default();
        let mut pauses = Pauses { last: Vec::new(), late: Vec::new(), view: None };
        match R::NORMS {
            Norms::Unused => {}
            Norms::OfRows => row_squares = vec![f32x8::ZERO; room(weights.rows())],
            Norms::OfLanes => lanes = LaneNorms::of(&weights, &rule),
        }
        if !rests::<R>() {
            pauses.last = vec![NEVER; weights.rows()];
            if !R::PEEKS {
                pauses.late = vec![0; weights.rows()];
            }
        }
        Self { weights, rule, memory, row_squares, lanes, updates: 0, pauses }
    }

    /// All that its updates have brought about.
    pub fn state(&self) -> State {
        State {
            updates: self.updates,
            weights: self.places(1).map(|place| self.weights.as_slice()[place]).collect(),
            memory: self.places(remembered::<R>()).map(|place| numbers(&self.memory)[place]).collect(),
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
        let own = [rows * width, rows * remembered::<R>() * width, self.pauses.last.len(), lanes];

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
        for (place, &number) in self.places(remembered::<R>()).zip(&state.memory) {
            numbers_mut(&mut self.memory)[place] = number;
        }
        self.pauses.last.copy_from_slice(&state.last);
        if R::NORMS == Norms::OfLanes {
            self.lanes.resume(&state.lane_squares, &self.rule);
        }
        self.updates = state.updates;
        self.rule.advance(state.updates);
    }

    /// The weights, `[rows][Hp]`, all of them caught up. Looking at them changes nothing that follows.
    pub fn weights(&mut self) -> &Panel {
        if rests::<R>() {
            return &self.weights;
        }
        self.rule.look_back();
        let (updates, Pauses { last, view, .. }) = (self.updates, &mut self.pauses);
        let view = view.get_or_insert_with(|| self.weights.clone());
        let n = self.weights.vectors();
        let rows = view.as_vectors_mut().chunks_exact_mut(n).zip(self.weights.as_vectors().chunks_exact(n));
        let mut memory_then = vec![R::Memory::default(); n];
        for (((seen, row), memory), last) in rows.zip(self.memory.chunks_exact(n)).zip(last) {
            seen.copy_from_slice(row);
            memory_then.copy_from_slice(memory);
            catch_up(&self.rule, updates.saturating_sub(*last), seen, &mut memory_then);
        }
        view
    }

    /// The weights as they lie in memory. Under a rule that pauses, only those rows are up to date that the last update
    /// had a gradient for, or that have [caught up](Self::catch_up) since.
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
        } else if R::PEEKS && !rests::<R>() {
            self.peeking_sums(lit, sums);
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
    /// Late rows are listed first. Nothing is kept of them but their numbers: what they have missed is looked up here, and
    /// once more by the update, which costs less than to store it.
    fn catch_up_weights(&mut self, lit: Lit) {
        self.rule.look_back();
        let mut late = 0;
        for &j in lit.index() {
            self.pauses.late[late] = j;
            late += usize::from(self.pauses.missed(usize::from(j), self.updates) > 0);
        }
        let n = self.weights.vectors();
        for visit in 0..late {
            let row = usize::from(self.pauses.late[visit]);
            let Some(pause) = self.rule.pause(self.pauses.missed(row, self.updates)) else {
                self.wake(row);
                continue;
            };
            let weights = &mut self.weights.as_vectors_mut()[row * n..][..n];
            for (w, memory) in weights.iter_mut().zip(&self.memory[row * n..][..n]) {
                *w = self.rule.catch_up(pause, *w, memory);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn wake(&mut self, row: usize) {
        self.catch_up([row].into_iter());
    }

    /// The hidden units' net inputs, by rows that are up to date.
    ///
    /// # Panics
    /// If `sums` is not a row long, or a lit pixel has no row.
    pub fn hidden_sums(&mut self, lit: Lit, sums: &mut [f32xN]) {
        assert_eq!(sums.len(), self.weights.vectors(), "one sum per hidden unit");
        if R::PEEKS && !rests::<R>() {
            return self.peeking_sums(lit, sums);
        }
        self.catch_up(lit.index().iter().map(|&j| usize::from(j)));
        hidden_sums(lit, &self.weights, sums);
    }

    /// The same by rows that are read as if they had caught up.
    #[inline(always)]
    fn peeking_sums(&self, lit: Lit, sums: &mut [f32xN]) {
        let Self { rule, weights, memory, updates, pauses: Pauses { last, .. }, .. } = self;
        let (vectors, weights) = (weights.vectors(), weights.as_vectors());
        sums_of(lit, Peeking { rule, vectors, weights, memory, updates: *updates, last }, sums);
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

    /// All rows as one block.
    #[inline(always)]
    fn whole(&mut self) -> Block<'_, R> {
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
    /// any order or at once. A row of the gradient that no block has is left out. Finish with [`settle`](Self::settle).
    ///
    /// # Panics
    /// If `rows` is zero.
    pub fn blocks(&mut self, rows: usize) -> impl Iterator<Item = Block<'_, R>> {
        assert!(rows > 0, "a block has at least one row");
        let (rule, n, total) = (&self.rule, self.weights.vectors(), self.weights.rows());
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

    /// Ends an update: combines what the blocks found out about norms that they share, and counts it.
    #[inline]
    pub fn settle(&mut self) {
        if R::NORMS == Norms::OfLanes {
            self.lanes.renew(&self.rule);
        }
        self.updates += 1;
        self.rule.advance(self.updates);
        if !rests::<R>() && self.updates.is_multiple_of(R::LONGEST_PAUSE / 2) {
            self.wake_sleepers();
        }
    }

    /// Wakes the rows that might else have waited for too long before this is called again.
    #[cold]
    fn wake_sleepers(&mut self) {
        let (last, updates) = (self.pauses.last.clone(), self.updates);
        let sleeps = |row: &usize| updates.saturating_sub(last[*row]) > R::LONGEST_PAUSE / 2;
        self.catch_up((0..last.len()).filter(sleeps));
    }
}

/// How many numbers are remembered beside each weight.
const fn remembered<R: Rule>() -> usize {
    size_of::<R::Memory>() / size_of::<f32xN>()
}

/// What is remembered, as plain numbers. Nothing has no numbers, which a cast could not tell from many nothings.
fn numbers<M: Pod>(memory: &[M]) -> &[f32] {
    if size_of::<M>() == 0 { &[] } else { bytemuck::cast_slice(memory) }
}

/// The same, to be written.
fn numbers_mut<M: Pod>(memory: &mut [M]) -> &mut [f32] {
    if size_of::<M>() == 0 { &mut [] } else { bytemuck::cast_slice_mut(memory) }
}

/// Rows whose squares are summed as the forward pass reads them.
struct Squaring<'a> {
    weights: &'a Panel,
    /// The sums for the rows of lit pixels, four at a time.
    squares: &'a mut [f32x8],
}

impl Rows for Squaring<'_> {
    #[inline(always)]
    fn whole<const T: usize>(&mut self, row: usize) -> [f32xN; T] {
        self.weights.whole(row)
    }

    #[inline(always)]
    fn part<const T: usize>(&mut self, row: usize, first: usize) -> [f32xN; T] {
        self.weights.part(row, first)
    }

    #[inline(always)]
    fn note(&self, before: f32xN, weights: f32xN) -> f32xN {
        weights.mul_add(weights, before)
    }

    #[inline(always)]
    fn keep(&mut self, n: usize, notes: [f32xN; 4], first: usize) {
        let (sums, before) = (fours(notes), self.squares[n]);
        self.squares[n] = if first == 0 { sums } else { before + sums };
    }
}

/// Rows as they would be had they caught up, under a rule that peeks. They stay as they are, and so does what is remembered
/// beside them: the update that follows sees to that.
struct Peeking<'a, R: Rule> {
    rule: &'a R,
    vectors: usize,
    weights: &'a [f32xN],
    memory: &'a [R::Memory],
    /// Updates so far, and the one that each row was last touched by.
    updates: u64,
    last: &'a [u64],
}

impl<R: Rule> Peeking<'_, R> {
    #[inline(always)]
    fn caught_up<const T: usize>(
        &self,
        row: usize,
        weights: &[f32xN; T],
        memory: &[R::Memory; T],
    ) -> [f32xN; T] {
        let pause = pause(self.rule, self.updates, self.last[row]);
        core::array::from_fn(|v| self.rule.catch_up(pause, weights[v], &memory[v]))
    }
}

impl<R: Rule> Rows for Peeking<'_, R> {
    #[inline(always)]
    fn whole<const T: usize>(&mut self, row: usize) -> [f32xN; T] {
        let (weights, memory) = (self.weights.as_chunks().0, self.memory.as_chunks().0);
        let memory = &memory[..weights.len()]; // the same, but now the compiler knows, and checks a row once
        self.caught_up(row, &weights[row], &memory[row])
    }

    #[inline(always)]
    fn part<const T: usize>(&mut self, row: usize, first: usize) -> [f32xN; T] {
        let (at, within) = (row * self.vectors + first, "a lit pixel has a row");
        let (weights, memory) = (&self.weights[at..], &self.memory[at..]);
        self.caught_up(row, weights.first_chunk().expect(within), memory.first_chunk().expect(within))
    }
}
