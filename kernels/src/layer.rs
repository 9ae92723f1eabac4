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
//! 1. The gradient's row is made in registers from its factors and used at once; there is no gradient matrix.
//! 2. A row without gradient is skipped where the rule [rests](Rule::RESTS), which then leaves it as it is.
//! 3. Norms of rows are summed from the new weights while these are in registers, so the next update finds every row's
//!    rate ready and never reads a row twice. The horizontal sum, root and division of eight rows are done together
//!    after the sweep, where they are independent of each other and of the sweep's loads and stores.
//! 4. Norms of lanes run over all rows, of which an update may touch a fifth: what each changes in the sum of squares,
//!    (new - old)(new + old), is summed along the sweep, and the totals are kept in f64, so that they don't drift away
//!    from the weights over millions of updates.
//! 5. Rows are independent, so blocks of them may be swept at once. What blocks share, the lanes' norms, is combined in
//!    the order of the blocks.
//!
//! Cost per row of V vectors, beside the rule's: one broadcast; with norms of rows V FMA and an eighth of (transpose, 7
//! additions, root, division); with norms of lanes V (subtraction, addition, FMA).

use crate::gradient::Gradient;
use crate::lanes::{LANES, f32x8, for_constant, sums};
use crate::panel::Panel;
use crate::rule::{Norms, Rule};
use core::ops::Range;

/// Vectors of a row that are worked on together.
const TILE: usize = 8;

/// The weights of a layer, [rows][Hp], and what its optimizer keeps about them.
#[derive(Clone, Debug)]
pub struct Layer<R: Rule> {
    weights: Panel,
    rule: R,
    memory: Vec<R::Memory>,
    /// The rate of each row, where the rule wants norms of rows.
    row_rates: Vec<f32>,
    /// The sums of squares of each visited row, a lane each, until they are reduced.
    row_squares: Vec<f32x8>,
    lanes: LaneNorms,
}

/// Where the rule wants norms of lanes, what is known about them; otherwise empty.
#[derive(Clone, Debug, Default)]
struct LaneNorms {
    rates: Vec<f32x8>,
    /// The sum of squares of each lane's column.
    squares: Vec<f64>,
    /// What each block of rows changed in them, [blocks][Hp].
    changes: Vec<f32x8>,
}

impl<R: Rule> Layer<R> {
    /// A layer before its first update.
    pub fn new(weights: Panel, rule: R) -> Self {
        let (rows, n) = (weights.rows(), weights.vectors());
        let by_row = if R::NORMS == Norms::OfRows { rows } else { 0 };
        let by_lane = if R::NORMS == Norms::OfLanes { n } else { 0 };
        let mut layer = Self {
            memory: vec![R::Memory::default(); rows * n],
            row_rates: vec![0.0; by_row],
            row_squares: vec![f32x8::ZERO; by_row],
            lanes: LaneNorms {
                rates: vec![f32x8::ZERO; by_lane],
                squares: vec![0.0; by_lane * LANES],
                changes: Vec::new(),
            },
            weights,
            rule,
        };
        layer.measure();
        layer
    }

    /// The weights, [rows][Hp].
    pub fn weights(&self) -> &Panel {
        &self.weights
    }

    /// Sets all norms from the weights.
    fn measure(&mut self) {
        match R::NORMS {
            Norms::Unused => {}
            Norms::OfRows => {
                for (squares, row) in self.row_squares.iter_mut().zip(0..) {
                    let row = self.weights.row_vectors(row);
                    *squares = row.iter().fold(f32x8::ZERO, |sum, w| w.mul_add(*w, sum));
                }
                let rows = 0..self.row_rates.len();
                renew_rates(&self.rule, &mut self.row_squares, rows, &mut self.row_rates);
            }
            Norms::OfLanes => {
                for row in self.weights.as_slice().chunks_exact(self.weights.stride()) {
                    for (sum, &w) in self.lanes.squares.iter_mut().zip(row) {
                        *sum += f64::from(w) * f64::from(w);
                    }
                }
                self.lanes.renew(&self.rule);
            }
        }
    }

    /// One update of the whole layer.
    #[inline]
    pub fn update(&mut self, gradient: &impl Gradient) {
        let rows = self.weights.rows();
        if let Some(mut block) = self.blocks(rows).next() {
            block.update(gradient);
        }
        self.settle();
    }

    /// Begins an update in blocks of `rows` rows (the last may have fewer), each to be [updated](Block::update) once, in
    /// any order or at once. Finish with [`settle`](Self::settle).
    ///
    /// # Panics
    /// If `rows` is zero.
    #[inline]
    pub fn blocks(&mut self, rows: usize) -> impl Iterator<Item = Block<'_, R>> {
        self.rule.begin();
        let (rule, n) = (self.rule, self.weights.vectors());
        let blocks = self.weights.rows().div_ceil(rows);
        self.lanes.changes.resize(blocks * self.lanes.rates.len(), f32x8::ZERO);

        // Where norms are unused, their slices are empty: every block then gets an empty one.
        let mut row_rates = self.row_rates.chunks_mut(rows);
        let mut row_squares = self.row_squares.chunks_mut(rows);
        let mut changes = self.lanes.changes.chunks_mut(n);
        let lane_rates = &self.lanes.rates[..];
        let weights = self.weights.as_vectors_mut().chunks_mut(rows * n);
        weights.zip(self.memory.chunks_mut(rows * n)).zip(0..).map(move |((weights, memory), block)| Block {
            rule,
            rows: block * rows..block * rows + weights.len() / n,
            cells: Cells { vectors: n, weights, memory },
            row_rates: row_rates.next().unwrap_or_default(),
            row_squares: row_squares.next().unwrap_or_default(),
            lane_rates,
            lane_changes: changes.next().unwrap_or_default(),
        })
    }

    /// Ends an update: combines what the blocks found out about norms that they share.
    #[inline]
    pub fn settle(&mut self) {
        if R::NORMS == Norms::OfLanes {
            self.lanes.renew(&self.rule);
        }
    }
}

impl LaneNorms {
    /// Takes in the changes of all blocks, in their order, and sets the rates.
    fn renew<R: Rule>(&mut self, rule: &R) {
        let n = self.rates.len();
        for change in self.changes.chunks_exact_mut(n) {
            for (sum, &change) in self.squares.iter_mut().zip(bytemuck::cast_slice::<_, f32>(change)) {
                *sum += f64::from(change);
            }
            change.fill(f32x8::ZERO);
        }
        let (squares, _) = self.squares.as_chunks::<LANES>();
        for (rate, squares) in self.rates.iter_mut().zip(squares) {
            // Rounding can leave a sum just below zero where all weights have become zero; NaN stays NaN.
            let squares = squares.map(|sum| if sum < 0.0 { 0.0 } else { sum as f32 });
            *rate = rule.rate(f32x8::from(squares).sqrt());
        }
    }
}

/// Sets the rates of `rows`, whose sums of squares are in the lanes of `squares`, a vector each.
#[inline(always)]
fn renew_rates<R: Rule>(
    rule: &R,
    squares: &mut [f32x8],
    rows: impl Iterator<Item = usize>,
    rates: &mut [f32],
) {
    // The rates of eight rows fill a vector, so all of them fit into the first eighth of `squares`, which has been read
    // by then.
    for n in 0..squares.len().div_ceil(LANES) {
        let rest = &squares[n * LANES..];
        let eight = rest.first_chunk().copied().unwrap_or_else(|| {
            let mut eight = [f32x8::ZERO; LANES];
            eight[..rest.len()].copy_from_slice(rest);
            eight
        });
        squares[n] = rule.rate(sums(eight).sqrt());
    }
    for (row, &rate) in rows.zip(bytemuck::cast_slice(squares)) {
        rates[row] = rate;
    }
}

/// Some consecutive rows of a layer in the midst of an update.
pub struct Block<'a, R: Rule> {
    rule: R,
    rows: Range<usize>,
    cells: Cells<'a, R::Memory>,
    row_rates: &'a mut [f32],
    row_squares: &'a mut [f32x8],
    lane_rates: &'a [f32x8],
    lane_changes: &'a mut [f32x8],
}

/// A block's weights and what is remembered beside each, row by row.
struct Cells<'a, M> {
    vectors: usize,
    weights: &'a mut [f32x8],
    memory: &'a mut [M],
}

impl<M> Cells<'_, M> {
    /// The T vectors of `row` that start with its vector `first`.
    #[inline(always)]
    fn tile<const T: usize>(&mut self, row: usize, first: usize) -> (&mut [f32x8; T], &mut [M; T]) {
        let at = row * self.vectors + first;
        let within = "a row of the gradient is one of the layer's";
        (
            self.weights[at..].first_chunk_mut().expect(within),
            self.memory[at..].first_chunk_mut().expect(within),
        )
    }
}

impl<R: Rule> Block<'_, R> {
    /// Sweeps the block's rows, a tile of lanes at a time.
    ///
    /// # Panics
    /// If the gradient has a row that the layer lacks, or its tiles are shorter than the layer's rows.
    #[inline]
    pub fn update(&mut self, gradient: &impl Gradient) {
        let visits = gradient.within(&self.rows);
        let vectors = self.cells.vectors;
        let mut first = 0;
        while first < vectors {
            let width = (vectors - first).min(TILE);
            for_constant!(width, [1 2 3 4 5 6 7 8],
                T => self.sweep::<T>(first, gradient, visits.clone()),
                else unreachable!("a tile is at most {TILE} vectors"));
            first += width;
        }
        if R::NORMS == Norms::OfRows {
            let rows = gradient.rows(visits.clone()).map(|(row, _)| row - self.rows.start);
            renew_rates(&self.rule, &mut self.row_squares[..visits.len()], rows, self.row_rates);
        }
    }

    /// Updates the T vectors of every row that start with its vector `first`.
    #[inline(always)]
    fn sweep<const T: usize>(&mut self, first: usize, gradient: &impl Gradient, visits: Range<usize>) {
        let Self { rule, rows, cells, row_rates, row_squares, lane_rates, lane_changes } = self;
        let uniform = if R::NORMS == Norms::Unused { rule.rate(f32x8::ZERO) } else { f32x8::ONE };
        let mut row_squares = row_squares.iter_mut();
        let mut dark = 0;
        for (number, factor) in gradient.rows(visits) {
            let row = number - rows.start;
            without_gradient::<R, T>(rule, cells, first, dark..row);
            dark = row + 1;

            let mut factor = f32x8::splat(factor) * uniform;
            if R::NORMS == Norms::OfRows {
                factor *= f32x8::splat(row_rates[row]);
            }
            let mut gradient = gradient.tile::<T>(number, first);
            let (weights, memory) = cells.tile::<T>(row, first);
            let mut squares = f32x8::ZERO;
            for v in 0..T {
                let old = weights[v];
                if R::NORMS == Norms::OfLanes {
                    gradient[v] *= lane_rates[first + v];
                }
                let new = rule.step(old, factor, gradient[v], &mut memory[v]);
                weights[v] = new;
                match R::NORMS {
                    Norms::Unused => {}
                    Norms::OfRows => squares = new.mul_add(new, squares),
                    Norms::OfLanes => {
                        let change = &mut lane_changes[first + v];
                        *change = (new - old).mul_add(new + old, *change);
                    }
                }
            }
            if let Some(row_squares) = row_squares.next() {
                *row_squares = if first == 0 { squares } else { *row_squares + squares };
            }
        }
        without_gradient::<R, T>(rule, cells, first, dark..rows.len());
    }
}

/// The sweep over `rows` (counted within the block) whose gradient is zero.
#[inline(always)]
fn without_gradient<R: Rule, const T: usize>(
    rule: &R,
    cells: &mut Cells<R::Memory>,
    first: usize,
    rows: Range<usize>,
) {
    if !R::RESTS {
        for row in rows {
            let (weights, memory) = cells.tile::<T>(row, first);
            for v in 0..T {
                weights[v] = rule.step(weights[v], f32x8::ZERO, f32x8::ZERO, &mut memory[v]);
            }
        }
    }
}

/// Bytes that a weight's memory takes under rule `R`, beside the weight itself.
pub const fn memory_per_weight<R: Rule>() -> usize {
    size_of::<R::Memory>() / LANES
}
