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

/// Sums that a row's squares are spread over: one would make a row wait for 4 cycles per vector at its end.
const CHAINS: usize = 2;

/// The weights of a layer, `[rows][Hp]`, and what its optimizer keeps about them.
#[derive(Clone, Debug)]
pub struct Layer<R: Rule> {
    weights: Panel,
    rule: R,
    memory: Vec<R::Memory>,
    rows: RowNorms,
    lanes: LaneNorms,
}

/// Where the rule wants norms of rows, what is known about them; otherwise empty.
#[derive(Clone, Debug, Default)]
struct RowNorms {
    /// The rate of each row.
    rates: Vec<f32>,
    /// The sums of squares of each visited row, a lane each, until they are reduced.
    squares: Vec<f32x8>,
}

/// Where the rule wants norms of lanes, what is known about them; otherwise empty.
#[derive(Clone, Debug, Default)]
struct LaneNorms {
    rates: Vec<f32x8>,
    /// The sum of squares of each lane's column.
    squares: Vec<f64>,
    /// What each block of rows changed in them, `[blocks][Hp]`.
    changes: Vec<f32x8>,
}

impl<R: Rule> Layer<R> {
    /// A layer before its first update.
    pub fn new(weights: Panel, rule: R) -> Self {
        let memory = vec![R::Memory::default(); weights.as_vectors().len()];
        let (mut rows, mut lanes) = (RowNorms::default(), LaneNorms::default());
        match R::NORMS {
            Norms::Unused => {}
            Norms::OfRows => rows = RowNorms::of(&weights, &rule),
            Norms::OfLanes => lanes = LaneNorms::of(&weights, &rule),
        }
        Self { weights, rule, memory, rows, lanes }
    }

    /// The weights, `[rows][Hp]`.
    pub fn weights(&self) -> &Panel {
        &self.weights
    }

    /// One update of the whole layer.
    #[inline]
    pub fn update(&mut self, gradient: &impl Gradient) {
        let rows = self.weights.rows().max(1);
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
        let (rule, n, total) = (self.rule, self.weights.vectors(), self.weights.rows());
        self.lanes.changes.resize(total.div_ceil(rows) * self.lanes.rates.len(), f32x8::ZERO);

        // Where norms are unused, there are no slices of them: every block then gets empty ones.
        let mut row_rates = self.rows.rates.chunks_mut(rows);
        let mut row_squares = self.rows.squares.chunks_mut(rows);
        let mut lane_changes = self.lanes.changes.chunks_mut(n);
        let lane_rates = &self.lanes.rates[..];
        let mut weights = self.weights.as_vectors_mut().chunks_mut(rows * n);
        let mut memory = self.memory.chunks_mut(rows * n);
        (0..total).step_by(rows).map(move |first| Block {
            rule,
            rows: first..total.min(first + rows),
            vectors: n,
            weights: weights.next().unwrap_or_default(),
            memory: memory.next().unwrap_or_default(),
            norms: BlockNorms {
                row_rates: row_rates.next().unwrap_or_default(),
                row_squares: row_squares.next().unwrap_or_default(),
                lane_rates,
                lane_changes: lane_changes.next().unwrap_or_default(),
            },
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

impl RowNorms {
    fn of<R: Rule>(weights: &Panel, rule: &R) -> Self {
        let row = |row| weights.row_vectors(row).iter().fold(f32x8::ZERO, |sum, w| w.mul_add(*w, sum));
        let mut norms =
            Self { rates: vec![0.0; weights.rows()], squares: (0..weights.rows()).map(row).collect() };
        renew_rates(rule, &mut norms.squares, 0..weights.rows(), &mut norms.rates);
        norms
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

impl LaneNorms {
    fn of<R: Rule>(weights: &Panel, rule: &R) -> Self {
        let mut squares = vec![0.0; weights.stride()];
        for row in weights.as_slice().chunks_exact(weights.stride()) {
            for (sum, &w) in squares.iter_mut().zip(row) {
                *sum += f64::from(w) * f64::from(w);
            }
        }
        let mut norms = Self { rates: vec![f32x8::ZERO; weights.vectors()], squares, changes: Vec::new() };
        norms.renew(rule);
        norms
    }

    /// Takes in the changes of all blocks, in their order, and sets the rates.
    fn renew<R: Rule>(&mut self, rule: &R) {
        for change in self.changes.chunks_exact_mut(self.rates.len()) {
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

/// Some consecutive rows of a layer in the midst of an update.
pub struct Block<'a, R: Rule> {
    rule: R,
    rows: Range<usize>,
    vectors: usize,
    weights: &'a mut [f32x8],
    memory: &'a mut [R::Memory],
    norms: BlockNorms<'a>,
}

/// A block's part of what the layer knows about norms.
struct BlockNorms<'a> {
    row_rates: &'a mut [f32],
    row_squares: &'a mut [f32x8],
    lane_rates: &'a [f32x8],
    lane_changes: &'a mut [f32x8],
}

impl<R: Rule> Block<'_, R> {
    /// Sweeps the block's rows, a tile of lanes at a time.
    ///
    /// # Panics
    /// If the gradient has a row that the layer lacks, or its tiles are shorter than the layer's rows.
    #[inline]
    pub fn update(&mut self, gradient: &impl Gradient) {
        let Self { rule, rows, vectors, weights, memory, norms } = self;
        let visits = gradient.within(rows);
        let sweep = Sweep { rule: *rule, rows: rows.clone(), gradient, visits: visits.clone() };
        for_constant!(*vectors, [1 2 3 4 5 6 7 8], T => {
            let whole = WholeRows::<_, T> { weights: weights.as_chunks_mut().0, memory: memory.as_chunks_mut().0 };
            sweep.run(0, whole, norms);
        }, else for first in (0..*vectors).step_by(TILE) {
            for_constant!((*vectors - first).min(TILE), [1 2 3 4 5 6 7 8], T => {
                let part = PartOfRows::<_, T> { first, vectors: *vectors, weights, memory };
                sweep.run(first, part, norms);
            }, else unreachable!("a tile is at most {TILE} vectors"));
        });
        if R::NORMS == Norms::OfRows {
            let visited = gradient.rows(visits.clone()).map(|(row, _)| row - rows.start);
            renew_rates(rule, &mut norms.row_squares[..visits.len()], visited, norms.row_rates);
        }
    }
}

/// T vectors of every row of a block, and what is remembered beside them.
trait Tiles<M, const T: usize> {
    fn of_row(&mut self, row: usize) -> (&mut [f32x8; T], &mut [M; T]);
}

/// Rows of T vectors, all of them.
struct WholeRows<'a, M, const T: usize> {
    weights: &'a mut [[f32x8; T]],
    memory: &'a mut [[M; T]],
}

impl<M, const T: usize> Tiles<M, T> for WholeRows<'_, M, T> {
    #[inline(always)]
    fn of_row(&mut self, row: usize) -> (&mut [f32x8; T], &mut [M; T]) {
        (&mut self.weights[row], &mut self.memory[row])
    }
}

/// Longer rows, of which only the T vectors from `first` on.
struct PartOfRows<'a, M, const T: usize> {
    first: usize,
    vectors: usize,
    weights: &'a mut [f32x8],
    memory: &'a mut [M],
}

impl<M, const T: usize> Tiles<M, T> for PartOfRows<'_, M, T> {
    #[inline(always)]
    fn of_row(&mut self, row: usize) -> (&mut [f32x8; T], &mut [M; T]) {
        let at = row * self.vectors + self.first;
        let within = "a row of the gradient is one of the layer's";
        (
            self.weights[at..].first_chunk_mut().expect(within),
            self.memory[at..].first_chunk_mut().expect(within),
        )
    }
}

/// What one sweep over a block does, whatever the width of its tile.
struct Sweep<'a, R: Rule, G: Gradient> {
    rule: R,
    rows: Range<usize>,
    gradient: &'a G,
    visits: Range<usize>,
}

impl<R: Rule, G: Gradient> Sweep<'_, R, G> {
    /// Updates the T vectors of every row that start with its vector `first`.
    #[inline(always)]
    fn run<const T: usize>(&self, first: usize, mut tiles: impl Tiles<R::Memory, T>, norms: &mut BlockNorms) {
        let rule = self.rule;
        let uniform = if R::NORMS == Norms::Unused { rule.rate(f32x8::ZERO) } else { f32x8::ONE };
        let mut row_squares = norms.row_squares.iter_mut();
        let mut dark = 0;
        for (number, factor) in self.gradient.rows(self.visits.clone()) {
            let row = number - self.rows.start;
            without_gradient(&rule, &mut tiles, dark..row);
            dark = row + 1;

            let mut factor = f32x8::splat(factor) * uniform;
            if R::NORMS == Norms::OfRows {
                factor *= f32x8::splat(norms.row_rates[row]);
            }
            let mut gradient = self.gradient.tile::<T>(number, first);
            let (weights, memory) = tiles.of_row(row);
            let mut squares = [f32x8::ZERO; CHAINS];
            for v in 0..T {
                let old = weights[v];
                if R::NORMS == Norms::OfLanes {
                    gradient[v] *= norms.lane_rates[first + v];
                }
                let new = rule.step(old, factor, gradient[v], &mut memory[v]);
                weights[v] = new;
                match R::NORMS {
                    Norms::Unused => {}
                    Norms::OfRows => squares[v % CHAINS] = new.mul_add(new, squares[v % CHAINS]),
                    Norms::OfLanes => {
                        let change = &mut norms.lane_changes[first + v];
                        *change = (new - old).mul_add(new + old, *change);
                    }
                }
            }
            if R::NORMS == Norms::OfRows {
                let sum = row_squares.next().expect("every visited row has a place for its squares");
                let squares = squares[0] + squares[1];
                *sum = if first == 0 { squares } else { *sum + squares };
            }
        }
        without_gradient(&rule, &mut tiles, dark..self.rows.len());
    }
}

/// The sweep over `rows` (counted within the block) whose gradient is zero.
#[inline(always)]
fn without_gradient<R: Rule, const T: usize>(
    rule: &R,
    tiles: &mut impl Tiles<R::Memory, T>,
    rows: Range<usize>,
) {
    if !R::RESTS {
        for row in rows {
            let (weights, memory) = tiles.of_row(row);
            for v in 0..T {
                weights[v] = rule.step(weights[v], f32x8::ZERO, f32x8::ZERO, &mut memory[v]);
            }
        }
    }
}
