//! The sweep: backward pass and update of a layer in one pass over its rows, for every optimizer.
//!
//! ```text
//! w[r][i] <- rule(w[r][i], g[r][i])      for every row r and lane i
//!
//! weights, memory  [rows][Hp]     g  the same shape, zero but for the gradient's rows
//!
//! plain:  for r in 0..rows {
//!             for i in 0..H {
//!                 let rate = rule.rate(norm(row r or column i, before the update));
//!                 w[r][i] = rule.step(w[r][i], rate * g[r][i], &mut memory[r][i]);
//!             }
//!         }
//! ```
//!
//! Departures from the plain loop, and why each keeps the result:
//!
//! 1. The gradient's row is made from its factors and used at once; there is no gradient matrix, but of dense products, and
//!    but for 8.
//! 2. Rows without gradient are skipped: the rule leaves them alone, or they [catch up](crate::layer) later. In batches, a
//!    row has one if any of its [group](crate::groups) is lit; it may be zero.
//! 3. Norms of rows are taken where the rows are read anyway, on the way forward
//!    ([`Layer::learn`](crate::layer::Layer::learn)): the loads that it waits for leave room for the squares. Horizontal
//!    sums are half done four rows at a time, and the rest of them, roots and divisions for as many rows as there are lanes. An
//!    update that nothing went before looks at its rows first.
//! 4. Norms of lanes run over all rows, of which an update may touch a fifth: what each changes in the sum of squares,
//!    (new - old)(new + old), is summed along the sweep, and the totals are kept in f64, so that they don't drift away
//!    from the weights over millions of updates.
//! 5. Rows are independent, so blocks of them may be swept at once. What blocks share, the lanes' norms, is combined in
//!    the order of the blocks.
//! 6. The sweep goes through its rows backwards. The way forward went through the same rows in their order, so it meets
//!    the latest of them first, while they are still in the nearest cache, and leaves the first of them there for the next
//!    image.
//! 7. Several updates are [one](Block::leap) where the rule [adds up](Rule::ADDS_UP): rows are read and written once for all
//!    of them, and once more if something is [remembered](Block::remember).
//! 8. Of long rows under rules that remember much, the gradient is made in narrow tiles, put down for some rows, and then taken
//!    up in wide ones: the same sums and steps, only later.
//!
//! Before that, under rules with pauses, late rows of a block catch up. Under rules that remember in a unit which changes with
//! time, all of a block is rescaled when it does.
//!
//! Cost per row of V vectors, beside the rule's: one broadcast; with norms of lanes V (multiplication by the rate,
//! subtraction, addition, FMA).

use crate::gradient::{Gathered, Gradient, Visitor};
use crate::lanes::{f32xN, for_narrow_tiles, for_tile, for_tiles, fours};
use crate::norms::{into_rates, sum_of_squares};
use crate::rule::{Norms, Rule, catch_up, numbers_mut, rests};
use bytemuck::Pod;
use core::mem::needs_drop;
use core::ops::Range;
use wide::f32x8;

/// Some consecutive rows of a layer in the midst of an update.
pub struct Block<'a, R: Rule> {
    pub(crate) rule: &'a R,
    pub(crate) rows: Range<usize>,
    pub(crate) vectors: usize,
    pub(crate) weights: &'a mut [f32xN],
    pub(crate) memory: &'a mut [R::Memory],
    /// Updates before this one.
    pub(crate) updates: u64,
    /// The update that each row was last touched by; empty where that does not matter.
    pub(crate) last: &'a mut [u64],
    pub(crate) norms: BlockNorms<'a>,
}

/// A block's part of what the layer knows about norms.
pub(crate) struct BlockNorms<'a> {
    /// The sums of squares of the rows that have a gradient, in their order, four at a time; then their rates, packed.
    pub(crate) rows: &'a mut [f32x8],
    pub(crate) lane_rates: &'a [f32xN],
    pub(crate) lane_changes: &'a mut [f32xN],
}

impl<'a, R: Rule> Block<'a, R> {
    /// Updates those of the block's rows that have a gradient.
    ///
    /// # Panics
    /// If the gradient's rows are not as long as the layer's, or the block begins or ends within a [band](Gradient::band) of them.
    pub fn update(&mut self, gradient: &impl Gradient) {
        let visits = gradient.within(&self.rows);
        let mut visited = gradient.rows(visits.clone()).map(|(row, _)| row - self.rows.start);
        if R::NORMS == Norms::OfRows {
            for four in &mut self.norms.rows[..visits.len().div_ceil(4)] {
                let mut squares = [f32xN::ZERO; 4];
                // In this order: a row that has no place any more is not taken.
                for (squares, row) in squares.iter_mut().zip(&mut visited) {
                    *squares = sum_of_squares(&self.weights[row * self.vectors..][..self.vectors]);
                }
                *four = fours(squares);
            }
            into_rates(self.rule, self.norms.rows, visits.len());
        } else if !rests::<R>() {
            for row in visited {
                let missed = self.updates.saturating_sub(self.last[row]);
                self.last[row] = self.updates;
                let at = row * self.vectors..(row + 1) * self.vectors;
                catch_up(self.rule, missed, &mut self.weights[at.clone()], &mut self.memory[at]);
            }
        }
        self.sweep(gradient);
    }

    /// Makes several updates in one, under a rule whose updates [add up](Rule::ADDS_UP), but for what is
    /// [remembered](Self::remember): `taken` is the sum of all that their gradients take off the stored weights.
    ///
    /// # Panics
    /// If the rule is another one, the gradient's rows are not as long as the layer's, or the block begins or ends within a
    /// [band](Gradient::band) of them.
    pub fn leap(&mut self, taken: &impl Gradient) {
        let (visits, vectors) = (self.visits_of_several(taken), self.vectors);
        for_narrow_tiles!(vectors, first, T => {
            let tiles = PartsOfRows::<_, T> { first, vectors, weights: self.weights, memory: self.memory };
            taken.tour(visits.clone(), first, &mut Leap { start: self.rows.start, tiles });
        });
    }

    /// Adds to what is remembered: `remembered` is a sum of what gradients leave there. Where nothing ever is, it does nothing.
    ///
    /// # Panics
    /// As [`leap`](Self::leap) does.
    pub fn remember(&mut self, remembered: &impl Gradient) {
        if !R::DERIVED {
            return;
        }
        let (visits, vectors) = (self.visits_of_several(remembered), self.vectors);
        for_narrow_tiles!(vectors, first, T => {
            let tiles = PartsOfRows::<_, T> { first, vectors, weights: self.weights, memory: self.memory };
            remembered.tour(visits.clone(), first, &mut Remember { start: self.rows.start, tiles });
        });
    }

    /// The visits of a gradient of several updates.
    fn visits_of_several(&self, gradient: &impl Gradient) -> Range<usize> {
        assert!(R::ADDS_UP, "several updates are one only where they add up");
        assert_eq!(gradient.vectors(), self.vectors, "the gradient's rows are as long as the layer's");
        gradient.within(&self.rows)
    }

    /// Brings what is remembered to the unit that it has after so many more updates.
    #[inline(always)]
    pub fn rescale(&mut self, updates: usize) {
        if let Some(factor) = self.rule.rescale(updates) {
            multiply(numbers_mut(self.memory), factor);
        }
    }

    /// Forgets what is remembered.
    pub fn forget(&mut self) {
        numbers_mut(self.memory).fill(0.0);
    }

    /// [`update`](Self::update) for rows that the way forward has just seen: their rates are there, and their weights
    /// have caught up.
    #[inline(always)]
    pub(crate) fn sweep<G: Gradient>(&mut self, gradient: &G) {
        assert_eq!(gradient.vectors(), self.vectors, "the gradient's rows are as long as the layer's");
        self.rescale(1);
        let (row, band) = (self.vectors * size_of::<f32xN>(), gradient.band());
        if const { G::NARROW && gathers::<R>() } && self.vectors > LONG && band * row <= 2 * ROOM {
            return self.sweep_gathered(gradient, (ROOM / row).max(1).next_multiple_of(band));
        }
        let visits = gradient.within(&self.rows);
        if G::NARROW {
            for_narrow_tiles!(self.vectors, first, T => self.sweep_part::<T>(gradient, visits.clone(), first));
        } else {
            for_tile!(self.vectors, T => {
                let (rule, (sweep, weights, memory)) = (self.rule, self.sweep_of(visits, 0, T));
                sweep.run(rule, gradient, WholeRows::<_, T>::new(weights, memory));
            }, else {
                for_tiles!(self.vectors, first, T => self.sweep_part::<T>(gradient, visits.clone(), first));
            });
        }
    }

    /// The same for [long](LONG) rows, so many at a time: their gradient is put down first.
    fn sweep_gathered(&mut self, gradient: &impl Gradient, rows: usize) {
        let all = self.rows.clone();
        let mut gathered = Gathered::new(rows.min(all.len()), self.vectors);
        for start in all.clone().step_by(rows).rev() {
            gathered.take(gradient, gradient.within(&(start..all.end.min(start + rows))));
            for_tiles!(self.vectors, first, T => self.sweep_part::<T>(&gathered, 0..gathered.len(), first));
        }
    }

    /// Brings the weights of `late` rows up to date, if the block has all rows. What is remembered beside them stays as it is, for
    /// the update to see to it, unless what they have missed is not at hand.
    #[inline(always)]
    pub(crate) fn catch_up_weights(&mut self, late: &[u16]) {
        debug_assert_eq!(self.rows.start, 0, "late rows are numbered from the first of the layer");
        let Self { rule, updates, vectors, .. } = *self;
        for_tile!(vectors, T => {
            catch_up_rows(rule, updates, self.last, late, WholeRows::<_, T>::new(self.weights, self.memory));
        }, else {
            let rows = WideRows { vectors, weights: self.weights, memory: self.memory };
            catch_up_rows(rule, updates, self.last, late, rows);
        });
    }

    /// Updates the T vectors of every row that start with its vector `first`.
    #[inline(always)]
    fn sweep_part<const T: usize>(&mut self, gradient: &impl Gradient, visits: Range<usize>, first: usize) {
        let (rule, vectors) = (self.rule, self.vectors);
        let (sweep, weights, memory) = self.sweep_of(visits, first, T);
        sweep.run(rule, gradient, PartsOfRows::<_, T> { first, vectors, weights, memory });
    }

    /// What a sweep over `width` vectors of every row takes, and what it goes over.
    #[inline(always)]
    fn sweep_of(
        &mut self,
        visits: Range<usize>,
        first: usize,
        width: usize,
    ) -> (Sweep<'_, 'a>, &mut [f32xN], &mut [R::Memory]) {
        let sweep = Sweep {
            rows: self.rows.clone(),
            visits,
            first,
            is_last: first + width == self.vectors,
            updates: self.updates,
            last: self.last,
            norms: &mut self.norms,
        };
        (sweep, self.weights, self.memory)
    }
}

/// Whether a gradient made in narrow tiles is put down before the weights are gone through: where more is remembered than there
/// are weights, as by Adam, since then a narrow tile is little of much memory. With vectors of eight, its batches took 0.75 to
/// 0.93 of the time so at H = 500 to 2000, and 0.97 to 1.12 at 300 to 400. Where as much is remembered as there are weights, it
/// was 0.78 to 0.98 on one thread, but up to 1.6 on two; where nothing is, 1.01 to 1.10. Rates of rows are numbered from the first
/// of a block, and those of some of its rows are not at hand.
const fn gathers<R: Rule>() -> bool {
    size_of::<R::Memory>() > size_of::<f32xN>() && matches!(R::NORMS, Norms::Unused)
}

/// Rows of more vectors than these are long: their gradient is put down. The tests in `kernels/tests/oracle/tiles.rs` go beyond it.
const LONG: usize = 60;

/// About so many bytes of a gradient are put down at a time, where all rows have one, in whole bands; at most twice as many, which
/// is what a second-level cache has, or nothing is.
const ROOM: usize = 256 << 10;

/// T vectors of every row of a block, and what is remembered beside them.
trait Weights<M, const T: usize> {
    fn of_row(&mut self, row: usize) -> (&mut [f32xN; T], &mut [M; T]);
}

/// All rows of a block, and what is remembered beside them.
trait AllRows<M> {
    fn row(&mut self, row: usize) -> (&mut [f32xN], &mut [M]);
}

/// Rows of T vectors, all of them.
struct WholeRows<'a, M, const T: usize> {
    weights: &'a mut [[f32xN; T]],
    memory: &'a mut [[M; T]],
}

impl<'a, M, const T: usize> WholeRows<'a, M, T> {
    #[inline(always)]
    fn new(weights: &'a mut [f32xN], memory: &'a mut [M]) -> Self {
        let (weights, memory) = (weights.as_chunks_mut().0, memory.as_chunks_mut().0);
        let rows = weights.len().min(memory.len()); // the same, but now the compiler knows, and checks a row once
        Self { weights: &mut weights[..rows], memory: &mut memory[..rows] }
    }
}

impl<M, const T: usize> Weights<M, T> for WholeRows<'_, M, T> {
    #[inline(always)]
    fn of_row(&mut self, row: usize) -> (&mut [f32xN; T], &mut [M; T]) {
        (&mut self.weights[row], &mut self.memory[row])
    }
}

impl<M, const T: usize> AllRows<M> for WholeRows<'_, M, T> {
    #[inline(always)]
    fn row(&mut self, row: usize) -> (&mut [f32xN], &mut [M]) {
        let (weights, memory) = self.of_row(row);
        (weights, memory)
    }
}

/// Rows of any number of vectors, all of them.
struct WideRows<'a, M> {
    vectors: usize,
    weights: &'a mut [f32xN],
    memory: &'a mut [M],
}

impl<M> AllRows<M> for WideRows<'_, M> {
    #[inline(always)]
    fn row(&mut self, row: usize) -> (&mut [f32xN], &mut [M]) {
        let at = row * self.vectors..(row + 1) * self.vectors;
        (&mut self.weights[at.clone()], &mut self.memory[at])
    }
}

/// Longer rows, of which only the T vectors from `first` on.
struct PartsOfRows<'a, M, const T: usize> {
    first: usize,
    vectors: usize,
    weights: &'a mut [f32xN],
    memory: &'a mut [M],
}

impl<M, const T: usize> Weights<M, T> for PartsOfRows<'_, M, T> {
    #[inline(always)]
    fn of_row(&mut self, row: usize) -> (&mut [f32xN; T], &mut [M; T]) {
        let at = row * self.vectors + self.first;
        let within = "a row of the gradient is one of the layer's";
        let (weights, memory) = (&mut self.weights[at..], &mut self.memory[at..]);
        (weights.first_chunk_mut().expect(within), memory.first_chunk_mut().expect(within))
    }
}

/// What one sweep over a block does, whatever the width of its tile.
struct Sweep<'a, 'n> {
    rows: Range<usize>,
    /// The visits of the gradient to these rows.
    visits: Range<usize>,
    /// The first of the vectors of every row that it updates, and whether the row's last is among them.
    first: usize,
    is_last: bool,
    updates: u64,
    last: &'a mut [u64],
    norms: &'a mut BlockNorms<'n>,
}

impl Sweep<'_, '_> {
    /// Updates T vectors of every row that it visits.
    #[inline(always)]
    fn run<R: Rule, const T: usize>(
        self,
        rule: &R,
        gradient: &impl Gradient,
        tiles: impl Weights<R::Memory, T>,
    ) {
        if rests::<R>() && !needs_drop::<R>() {
            // It is small, and counts no references. Of a copy, the compiler knows that no store changes it, and keeps its numbers
            // in registers.
            self.run_inlined(&rule.clone(), gradient, tiles);
        } else {
            self.run_apart(rule, gradient, tiles);
        }
    }

    /// Behind a call, the compiler knows that nothing which is written is the rule, and keeps its numbers in registers.
    #[inline(never)]
    fn run_apart<R: Rule, const T: usize>(
        self,
        rule: &R,
        gradient: &impl Gradient,
        tiles: impl Weights<R::Memory, T>,
    ) {
        self.run_inlined(rule, gradient, tiles);
    }

    #[inline(always)]
    fn run_inlined<R: Rule, const T: usize>(
        self,
        rule: &R,
        gradient: &impl Gradient,
        tiles: impl Weights<R::Memory, T>,
    ) {
        let Self { rows, visits, first, is_last, updates, last, norms } = self;
        let uniform = if R::NORMS == Norms::Unused { rule.rate(f32xN::ZERO) } else { f32xN::ONE };
        let rates = if R::NORMS == Norms::OfRows { visits.len() } else { 0 };
        let row_rates = &bytemuck::cast_slice(norms.rows)[..rates];
        // Where lanes have norms, their rates and what changes, in registers as far as there are enough.
        let (mut lane_rates, mut lane_changes) = ([f32xN::ZERO; T], [f32xN::ZERO; T]);
        if R::NORMS == Norms::OfLanes {
            lane_rates = *norms.lane_rates[first..].first_chunk().expect("a lane has a rate");
            lane_changes = *norms.lane_changes[first..].first_chunk().expect("a lane has a norm");
        }
        let mut steps = Steps {
            rule,
            start: rows.start,
            tiles,
            is_last,
            updates,
            last,
            uniform,
            row_rates,
            lane_rates,
            lane_changes,
        };
        gradient.tour(visits, first, &mut steps);
        if R::NORMS == Norms::OfLanes {
            norms.lane_changes[first..][..T].copy_from_slice(&steps.lane_changes);
        }
    }
}

/// Updates T vectors of each row that it is shown.
struct Steps<'a, R: Rule, W, const T: usize> {
    rule: &'a R,
    /// The first row of the block.
    start: usize,
    tiles: W,
    is_last: bool,
    updates: u64,
    last: &'a mut [u64],
    /// The rate of all, of each row, and of each lane: what the rule goes by, and the others have no effect.
    uniform: f32xN,
    row_rates: &'a [f32],
    lane_rates: [f32xN; T],
    lane_changes: [f32xN; T],
}

impl<R: Rule, W: Weights<R::Memory, T>, const T: usize> Visitor<T> for Steps<'_, R, W, T> {
    #[inline(always)]
    fn row(&mut self, number: usize, row: usize, factor: f32, gradient: &[f32xN; T]) {
        let (rule, row) = (self.rule, row - self.start);
        // No closure, which might not be inlined.
        let pause = if rests::<R>() { None } else { Some(pause(rule, self.updates, self.last[row])) };
        if !rests::<R>() && self.is_last {
            self.last[row] = self.updates + 1;
        }
        let mut factor = f32xN::splat(factor) * self.uniform;
        if R::NORMS == Norms::OfRows {
            factor *= f32xN::splat(self.row_rates[number]);
        }
        let (weights, memory) = self.tiles.of_row(row);
        if R::NORMS == Norms::OfLanes {
            let (rates, changes) = (&self.lane_rates, &mut self.lane_changes);
            step_by_lanes(rule, factor, gradient, weights, memory, rates, changes);
        } else {
            step(rule, pause, factor, gradient, weights, memory);
        }
    }
}

/// Takes the gradients of several updates off what is stored.
struct Leap<W> {
    /// The first row of the block.
    start: usize,
    tiles: W,
}

impl<M, const T: usize> Visitor<T> for Leap<PartsOfRows<'_, M, T>> {
    #[inline(always)]
    fn row(&mut self, _: usize, row: usize, factor: f32, gradient: &[f32xN; T]) {
        let (factor, (weights, _)) = (f32xN::splat(factor), self.tiles.of_row(row - self.start));
        for (weights, gradient) in weights.iter_mut().zip(gradient) {
            *weights = gradient.mul_neg_add(factor, *weights);
        }
    }
}

/// Adds the gradients of several updates, as far as they are remembered, to what is remembered.
struct Remember<W> {
    /// The first row of the block.
    start: usize,
    tiles: W,
}

impl<M: Pod, const T: usize> Visitor<T> for Remember<PartsOfRows<'_, M, T>> {
    #[inline(always)]
    fn row(&mut self, _: usize, row: usize, factor: f32, gradient: &[f32xN; T]) {
        let (factor, (_, memory)) = (f32xN::splat(factor), self.tiles.of_row(row - self.start));
        let memory: &mut [f32xN] = bytemuck::cast_slice_mut(memory);
        for (memory, gradient) in memory.iter_mut().zip(gradient) {
            *memory = gradient.mul_add(factor, *memory);
        }
    }
}

/// Brings the weights of late rows up to date, and what is remembered beside them only where what was missed is not at hand. It
/// stands apart as [`Sweep::run_apart`] does.
#[inline(never)]
fn catch_up_rows<R: Rule>(
    rule: &R,
    updates: u64,
    last: &mut [u64],
    late: &[u16],
    mut rows: impl AllRows<R::Memory>,
) {
    for row in late.iter().map(|&row| usize::from(row)) {
        let missed = updates.saturating_sub(last[row]);
        let (weights, memory) = rows.row(row);
        if let Some(pause) = rule.pause(missed) {
            for (w, memory) in weights.iter_mut().zip(memory) {
                *w = rule.catch_up(pause, *w, memory);
            }
        } else {
            rule.sit_through(missed, weights, memory);
            last[row] = updates;
        }
    }
}

/// Multiplies numbers that are remembered, and forgets those of which a subnormal would be left, which are slow to work with.
#[cold]
fn multiply(numbers: &mut [f32], factor: f32) {
    for number in numbers {
        let product = *number * factor;
        *number = if product.abs() < f32::MIN_POSITIVE { 0.0 } else { product };
    }
}

/// The pause of a row since the update `last`, which the way forward has seen.
#[inline(always)]
fn pause<R: Rule>(rule: &R, updates: u64, last: u64) -> R::Pause {
    rule.pause(updates.saturating_sub(last)).expect("the pause of a row that was not woken is at hand")
}

/// One row's update. A function, so that the compiler knows that what it writes is not what it reads.
#[inline(always)]
fn step<R: Rule, const T: usize>(
    rule: &R,
    pause: Option<R::Pause>,
    factor: f32xN,
    gradient: &[f32xN; T],
    weights: &mut [f32xN; T],
    memory: &mut [R::Memory; T],
) {
    for v in 0..T {
        weights[v] = match pause {
            Some(pause) => rule.step_after(pause, weights[v], factor, gradient[v], &mut memory[v]),
            None => rule.step(weights[v], factor, gradient[v], &mut memory[v]),
        };
    }
}

/// The same by norms of lanes, of which it keeps account.
#[inline(always)]
fn step_by_lanes<R: Rule, const T: usize>(
    rule: &R,
    factor: f32xN,
    gradient: &[f32xN; T],
    weights: &mut [f32xN; T],
    memory: &mut [R::Memory; T],
    rates: &[f32xN; T],
    changes: &mut [f32xN; T],
) {
    for v in 0..T {
        let old = weights[v];
        let new = rule.step(old, factor, gradient[v] * rates[v], &mut memory[v]);
        weights[v] = new;
        changes[v] = (new - old).mul_add(new + old, changes[v]);
    }
}
