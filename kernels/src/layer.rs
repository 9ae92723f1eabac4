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
//! beforehand. So a dark pixel's row is left where it is, and [caught up](Rule::catch_up) with when it is read next: the
//! result is the plain one up to rounding, for the cost of the lit rows. Under a rule without pause there is nothing to
//! catch up with, and all of this compiles to nothing.

use crate::forward::{Rows, hidden_sums, sums_of};
use crate::gradient::Gradient;
use crate::lanes::f32x8;
use crate::lit::Lit;
use crate::norms::{LaneNorms, RowNorms};
use crate::panel::Panel;
use crate::rule::{Norms, Rule, rests};
use crate::sweep::{Block, BlockNorms, Tiles, TilesOfParts, TilesOfWholes, catch_up};

/// The weights of a layer, `[rows][Hp]`, and what its optimizer keeps about them.
#[derive(Clone, Debug)]
pub struct Layer<R: Rule> {
    weights: Panel,
    rule: R,
    memory: Vec<R::Memory>,
    rows: RowNorms,
    lanes: LaneNorms,
    pauses: Pauses,
}

/// Who waits for how long, under a rule that pauses; otherwise empty.
#[derive(Clone, Debug, Default)]
struct Pauses {
    /// Updates so far.
    updates: u64,
    /// The update that each row was last touched by; [`NEVER`] before the first.
    last: Vec<u64>,
    /// The weights, all caught up, for whoever wants to see them all.
    view: Option<Panel>,
}

/// A row that no update has touched remembers nothing, so it has missed nothing that would be worth replaying.
const NEVER: u64 = u64::MAX;

impl Pauses {
    /// How many updates `row` has missed.
    #[inline(always)]
    fn missed(&self, row: usize) -> u64 {
        self.updates.saturating_sub(self.last[row])
    }
}

impl<R: Rule> Layer<R> {
    /// A layer before its first update.
    pub fn new(weights: Panel, rule: R) -> Self {
        const { assert!(rests::<R>() || matches!(R::NORMS, Norms::Unused), "norms know nothing of pauses") };
        let memory = vec![R::Memory::default(); weights.as_vectors().len()];
        let (mut rows, mut lanes, mut pauses) = Default::default();
        match R::NORMS {
            Norms::Unused => {}
            Norms::OfRows => rows = RowNorms::of(&weights, &rule),
            Norms::OfLanes => lanes = LaneNorms::of(&weights, &rule),
        }
        if !rests::<R>() {
            pauses = Pauses { last: vec![NEVER; weights.rows()], ..Pauses::default() };
        }
        Self { weights, rule, memory, rows, lanes, pauses }
    }

    /// The weights, `[rows][Hp]`, all of them caught up. Looking at them changes nothing that follows.
    pub fn weights(&mut self) -> &Panel {
        if rests::<R>() {
            return &self.weights;
        }
        self.rule.look_back();
        let Pauses { updates, last, view } = &mut self.pauses;
        let view = view.get_or_insert_with(|| self.weights.clone());
        let n = self.weights.vectors();
        let rows = view.as_vectors_mut().chunks_exact_mut(n).zip(self.weights.as_vectors().chunks_exact(n));
        for (((seen, row), memory), last) in rows.zip(self.memory.chunks_exact(n)).zip(last) {
            let pause = self.rule.pause(updates.saturating_sub(*last));
            for ((seen, &w), &memory) in seen.iter_mut().zip(row).zip(memory) {
                *seen = self.rule.catch_up(pause, w, &mut { memory });
            }
        }
        view
    }

    /// The weights as they lie in memory. Under a rule that pauses, only those rows are up to date that the last update
    /// had a gradient for, or that have [caught up](Self::catch_up) since.
    pub fn stored(&self) -> &Panel {
        &self.weights
    }

    /// The hidden units' net inputs, by rows that are up to date: `sums[i] = sum_j x_j weights[j][i]`.
    ///
    /// # Panics
    /// If `sums` is not a row long, or a lit pixel has no row.
    pub fn hidden_sums(&mut self, lit: Lit, sums: &mut [f32x8]) {
        if rests::<R>() {
            return hidden_sums(lit, &self.weights, sums);
        }
        assert_eq!(sums.len(), self.weights.vectors(), "one sum per hidden unit");
        self.rule.look_back();
        sums_of(lit, CatchingUp { layer: self }, sums);
        if !R::PEEKS {
            for &j in lit.index() {
                self.pauses.last[usize::from(j)] = self.pauses.updates;
            }
        }
    }

    /// Brings `rows` up to date.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn catch_up(&mut self, rows: impl Iterator<Item = usize>) {
        if rests::<R>() {
            return;
        }
        self.rule.look_back();
        let n = self.weights.vectors();
        for row in rows {
            let missed = self.pauses.missed(row);
            self.pauses.last[row] = self.pauses.updates;
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
        self.lanes.changes.resize(self.lanes.rates.len(), f32x8::ZERO);
        let mut whole = Block {
            rule: &self.rule,
            rows: 0..self.weights.rows(),
            vectors: self.weights.vectors(),
            weights: self.weights.as_vectors_mut(),
            memory: &mut self.memory,
            updates: self.pauses.updates,
            last: &mut self.pauses.last,
            norms: BlockNorms {
                row_rates: &mut self.rows.rates,
                row_squares: &mut self.rows.squares,
                lane_rates: &self.lanes.rates,
                lane_changes: &mut self.lanes.changes,
            },
        };
        whole.update(gradient);
        self.settle();
    }

    /// Begins an update in blocks of `rows` rows (the last may have fewer), each to be [updated](Block::update) once, in
    /// any order or at once. A row of the gradient that no block has is left out. Finish with [`settle`](Self::settle).
    ///
    /// # Panics
    /// If `rows` is zero.
    pub fn blocks(&mut self, rows: usize) -> impl Iterator<Item = Block<'_, R>> {
        let (rule, n, total) = (&self.rule, self.weights.vectors(), self.weights.rows());
        self.lanes.changes.resize(total.div_ceil(rows) * self.lanes.rates.len(), f32x8::ZERO);

        // Where norms or pauses are unused, there are no slices of them: every block then gets empty ones.
        let mut row_rates = self.rows.rates.chunks_mut(rows);
        let mut row_squares = self.rows.squares.chunks_mut(rows);
        let mut lane_changes = self.lanes.changes.chunks_mut(n);
        let lane_rates = &self.lanes.rates[..];
        let mut weights = self.weights.as_vectors_mut().chunks_mut(rows * n);
        let mut memory = self.memory.chunks_mut(rows * n);
        let updates = self.pauses.updates;
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
                row_rates: row_rates.next().unwrap_or_default(),
                row_squares: row_squares.next().unwrap_or_default(),
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
        if !rests::<R>() {
            self.pauses.updates += 1;
        }
        self.rule.advance();
    }
}

/// A layer whose rows catch up as the forward pass reads them.
struct CatchingUp<'a, R: Rule> {
    layer: &'a mut Layer<R>,
}

/// Some vectors of `row`, as they are after its pause.
#[inline(always)]
fn caught_up<R: Rule, const T: usize>(
    rule: &R,
    pauses: &Pauses,
    mut tiles: impl Tiles<R::Memory, T>,
    row: usize,
) -> [f32x8; T] {
    let missed = pauses.missed(row);
    let (weights, memory) = tiles.of_row(row);
    if R::PEEKS {
        let pause = rule.pause(missed);
        core::array::from_fn(|v| rule.catch_up(pause, weights[v], &mut { memory[v] }))
    } else {
        catch_up(rule, missed, weights, memory);
        *weights
    }
}

impl<R: Rule> Rows for CatchingUp<'_, R> {
    #[inline(always)]
    fn whole<const T: usize>(&mut self, row: usize) -> [f32x8; T] {
        let Layer { weights, memory, rule, pauses, .. } = &mut *self.layer;
        caught_up(rule, pauses, TilesOfWholes::new(weights.as_vectors_mut(), memory), row)
    }

    #[inline(always)]
    fn part<const T: usize>(&mut self, row: usize, first: usize) -> [f32x8; T] {
        let Layer { weights, memory, rule, pauses, .. } = &mut *self.layer;
        let vectors = weights.vectors();
        let tiles = TilesOfParts { first, vectors, weights: weights.as_vectors_mut(), memory };
        caught_up(rule, pauses, tiles, row)
    }
}
