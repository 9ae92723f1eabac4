//! The first layer, forwards: the weighted sum over lit pixels, and the hidden units' activations.
//!
//! ```text
//! h_i = s(sum_j x_j W1[j][i])
//!
//! x   lit pixels of one image      W1  [inputs][Hp]      h  [Hp], padding zero
//!
//! plain:  for (j, x) in lit { for i in 0..H { h[i] += x * w1[j][i] } }
//!         for i in 0..H { h[i] = s(h[i]) }
//! ```
//!
//! Departures from the plain loop, and why each keeps the result:
//!
//! 1. Dark pixels are left out: they add zero.
//! 2. The sums stay in registers: the hidden units are cut into even tiles of at most `Rows::widest` vectors, and a tile's
//!    accumulators are stored once, after the last pixel.
//! 3. Where tiles are narrow, pixels take turns at several sets of accumulators, so that a fused multiply-add never waits for
//!    the last one (latency 4, two a cycle: `IN_FLIGHT` are best). The sets are added in a fixed order. This only reorders
//!    the sum: within the bound for reductions, (n + 2) 2^-24 sum |x_j w_ji|.
//! 4. The loop is unrolled to four pixels, so that their rows are all asked for before the first has come; not in tiles wider
//!    than `Rows::UNROLLED`, where registers would run out.
//! 5. Padding lanes are masked after the logistic, since s(0) = 1/2.
//!
//! Cost per lit pixel: Hp/LANES FMA with a load each, one broadcast per tile; 4 accumulators for one vector,
//! 8 to 16 for more. The rows come from the second-level cache, which bounds this: 32 to 64 bytes a cycle.

use crate::lanes::{TILE, f32xN, for_tile, for_tiles, tail_mask, vectors};
use crate::lit::Lit;
use crate::logistic::logistic;
use crate::panel::Panel;

/// Sums that hide the latency of FMA.
const IN_FLIGHT: usize = 8;

/// Sets of accumulators for a tile of `tile` vectors: enough to have that many sums in flight, and no more than 4, since a
/// set costs an addition per vector at the end.
const fn sets(tile: usize) -> usize {
    match tile {
        0..=3 => 4,
        4..IN_FLIGHT => 2,
        _ => 1,
    }
}

/// Where the forward pass finds the weights of a lit pixel, and what it notes of them beside the sums. Methods, not closures,
/// since only these can be made sure to be inlined: the sums would not stay in registers across a call.
pub(crate) trait Rows {
    /// The widest tile of rows that have so many vectors.
    fn widest(_vectors: usize) -> usize {
        TILE
    }

    /// The widest tile for which the loop is unrolled. What makes the weights takes registers, too.
    const UNROLLED: usize = 7;

    /// A whole row, which has T vectors.
    fn whole<const T: usize>(&mut self, row: usize) -> [f32xN; T];

    /// The T vectors from `first` on of a row that has more.
    fn part<const T: usize>(&mut self, row: usize, first: usize) -> [f32xN; T];

    /// What is noted of a vector of a row's weights.
    #[inline(always)]
    fn note(&self, _weights: f32xN) -> f32xN {
        f32xN::ZERO
    }

    /// Adds that to what has been noted of the row's other vectors, `so_far`.
    #[inline(always)]
    fn add_note(&self, so_far: f32xN, _weights: f32xN) -> f32xN {
        so_far
    }

    /// Takes the notes on the lit pixels 4n to 4n + 3, zero for those that are not there, of their vectors from `first` on.
    #[inline(always)]
    fn keep(&mut self, _n: usize, _notes: [f32xN; 4], _first: usize) {}
}

impl Rows for &Panel {
    const UNROLLED: usize = TILE;

    #[inline(always)]
    fn whole<const T: usize>(&mut self, row: usize) -> [f32xN; T] {
        self.as_vectors().as_chunks().0[row]
    }

    #[inline(always)]
    fn part<const T: usize>(&mut self, row: usize, first: usize) -> [f32xN; T] {
        *self.as_vectors()[row * self.vectors() + first..].first_chunk().expect("a lit pixel has a row")
    }
}

/// The hidden units' net inputs: `sums[i] = sum_j x_j weights[j][i]`.
///
/// # Panics
/// If `sums` is not a row of `weights` long, or a lit pixel has no row.
pub fn hidden_sums(lit: Lit, weights: &Panel, sums: &mut [f32xN]) {
    assert_eq!(sums.len(), weights.vectors(), "one sum per hidden unit");
    sums_of(lit, weights, sums);
}

/// The same for rows of any origin, as long as `sums`.
#[inline(always)]
pub(crate) fn sums_of<R: Rows>(lit: Lit, mut rows: R, sums: &mut [f32xN]) {
    let widest = R::widest(sums.len());
    if sums.len() <= widest {
        for_tile!(sums.len(), T => {
            const SETS: usize = sets(T);
            sums.copy_from_slice(&tile::<T, SETS, _>(lit, &mut rows, None));
        }, else unreachable!("a tile is one to {widest} vectors"));
    } else {
        for_tiles!(@most widest, sums.len(), first, T => {
            const SETS: usize = sets(T);
            sums[first..first + T].copy_from_slice(&tile::<T, SETS, _>(lit, &mut rows, Some(first)));
        });
    }
}

/// The sums of one tile: whole rows, or their part from `first` on.
#[inline(always)]
fn tile<const T: usize, const SETS: usize, R: Rows>(
    lit: Lit,
    rows: &mut R,
    first: Option<usize>,
) -> [f32xN; T] {
    let mut sums = [[f32xN::ZERO; T]; SETS];
    let mut n = 0;
    if T <= R::UNROLLED {
        let (index, _) = lit.index().as_chunks::<4>();
        let (value, _) = lit.value().as_chunks::<4>();
        for (index, value) in index.iter().zip(value) {
            let mut notes = [f32xN::ZERO; 4];
            for k in 0..4 {
                notes[k] = add(&mut sums[k % SETS], rows, first, index[k], value[k]);
            }
            rows.keep(n, notes, first.unwrap_or(0));
            n += 1;
        }
    }
    // Not by `as_chunks`, which would be unrolled, too.
    for (index, value) in lit.index()[4 * n..].chunks(4).zip(lit.value()[4 * n..].chunks(4)) {
        let mut notes = [f32xN::ZERO; 4];
        for ((note, &j), &x) in notes.iter_mut().zip(index).zip(value) {
            *note = add(&mut sums[0], rows, first, j, x);
        }
        rows.keep(n, notes, first.unwrap_or(0));
        n += 1;
    }
    core::array::from_fn(|v| sums[1..].iter().fold(sums[0][v], |sum, set| sum + set[v]))
}

/// Adds one pixel's part to the sums. Returns what is to be kept of its row.
#[inline(always)]
fn add<const T: usize>(
    sums: &mut [f32xN; T],
    rows: &mut impl Rows,
    first: Option<usize>,
    j: u16,
    x: f32,
) -> f32xN {
    let (row, x) = (usize::from(j), f32xN::splat(x));
    let row: [f32xN; T] = match first {
        None => rows.whole(row),
        Some(first) => rows.part(row, first),
    };
    // In two chains, so that a note waits for half of the latencies; beside the sums, so that no weight is held for long.
    let mut notes = [f32xN::ZERO; 2];
    for v in 0..T {
        sums[v] = row[v].mul_add(x, sums[v]);
        notes[v % 2] = if v < 2 { rows.note(row[v]) } else { rows.add_note(notes[v % 2], row[v]) };
    }
    notes[0] + notes[1]
}

/// The hidden units' activations in place of their net inputs, for `width` units; the padding becomes zero.
///
/// # Panics
/// If `sums` is not as long as `width` units.
pub fn activate(sums: &mut [f32xN], width: usize) {
    assert_eq!(sums.len(), vectors(width), "one sum per hidden unit");
    for sum in sums.iter_mut() {
        *sum = logistic(*sum);
    }
    if let Some(last) = sums.last_mut() {
        *last &= tail_mask(width);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::{LANES, TILE};

    #[test]
    fn sums_in_flight_hide_the_latency_and_half_as_many_would_not() {
        assert_eq!(sets(1), 4, "no more, though they are too few");
        for tile in 2..=TILE {
            let sets = sets(tile);
            assert!(tile * sets >= IN_FLIGHT, "{sets} sets of {tile}");
            assert!(sets == 1 || sets <= 4 && tile * (sets / 2) < IN_FLIGHT, "{sets} sets of {tile}");
        }
    }

    /// Each lit pixel is worth 2^-k to a row of 2^k times the number of the unit, so that a unit has as often its number as
    /// pixels are lit. Powers of two, so exact.
    #[test]
    fn every_lit_pixel_finds_its_row_in_tiles_of_every_width() {
        let (index, value): (Vec<u16>, Vec<f32>) =
            (0..=9).map(|k| ((1 << k) - 1, 1.0 / f32::from(1_u16 << k))).unzip();
        for vectors in 1..=2 * TILE + 1 {
            let width = vectors * LANES - 1;
            let weights = Panel::from_fn(512, width, |j, i| ((j + 1) * (i + 1)) as f32);
            for lit in 0..=index.len() {
                let mut sums = vec![f32xN::splat(f32::NAN); vectors];
                hidden_sums(Lit::new(&index[..lit], &value[..lit]), &weights, &mut sums);
                let mut want = Panel::from_fn(1, width, |_, i| (lit * (i + 1)) as f32);
                assert_eq!(sums, want.as_vectors_mut(), "{lit} pixels, {vectors} vectors");
            }
        }
    }

    /// s(0) = 1/2.
    #[test]
    fn units_without_input_are_halves_and_the_padding_is_zero() {
        for width in 1..=2 * LANES {
            let mut units = vec![f32xN::ZERO; vectors(width)];
            activate(&mut units, width);
            assert_eq!(units, Panel::from_fn(1, width, |_, _| 0.5).as_vectors(), "{width} units");
        }
    }
}
