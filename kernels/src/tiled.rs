//! Rows kept tile by tile, as the sweep of a batch goes through its deltas.
//!
//! ```text
//! tiles  [tile][row][T]     of a panel  [rows][Hp]
//! ```
//!
//! For every group of inputs, the sweep reads what the tile at hand has of many rows. In the panel, as far apart as rows are,
//! that might displace itself from the cache; here it lies side by side. It is copied once, for all blocks of a sweep: then these
//! can be small without each of them having to copy it.

use crate::lanes::{NARROW_TILE, f32xN, for_narrow_widths, tile_width};
use crate::panel::Panel;

/// Some rows of a panel, cut into narrow tiles.
#[derive(Clone, Debug, Default)]
pub struct Tiled {
    rows: usize,
    vectors: usize,
    /// `[tile][row][T]`. The last tile may be narrower.
    tiles: Vec<f32xN>,
}

/// What a tile is to be filled with, and where.
pub struct Tile<'a> {
    panel: &'a Panel,
    first: usize,
    place: &'a mut [f32xN],
    rows: usize,
}

impl Tiled {
    /// The first `rows` rows of `panel`.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn of(panel: &Panel, rows: usize) -> Self {
        let mut tiled = Self::default();
        tiled.refill(panel, rows).for_each(Tile::fill);
        tiled
    }

    /// The same in the place of what was here: tiles, each to be [filled](Tile::fill), in any order and by any thread.
    ///
    /// # Panics
    /// If there are not so many rows.
    pub fn refill<'a>(&'a mut self, panel: &'a Panel, rows: usize) -> impl Iterator<Item = Tile<'a>> {
        assert!(rows <= panel.rows(), "{rows} of {} rows", panel.rows());
        (self.rows, self.vectors) = (rows, panel.vectors());
        self.tiles.resize(rows * self.vectors, f32xN::ZERO);
        let width = tile_width(self.vectors, NARROW_TILE);
        let places = self.tiles.chunks_mut((rows * width).max(1));
        places.enumerate().map(move |(n, place)| Tile { panel, first: n * width, place, rows })
    }

    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Vectors in a row.
    pub fn vectors(&self) -> usize {
        self.vectors
    }

    /// The T vectors from `first` on of every row.
    ///
    /// # Panics
    /// If these are no tile.
    #[inline]
    pub(crate) fn tile<const T: usize>(&self, first: usize) -> &[[f32xN; T]] {
        let width = tile_width(self.vectors, NARROW_TILE);
        let is_tile = first.is_multiple_of(width) && first + T == self.vectors.min(first + width);
        assert!(is_tile, "vectors {first} to {} of {} are no tile", first + T, self.vectors);
        self.tiles[self.rows * first..][..self.rows * T].as_chunks().0
    }
}

impl Tile<'_> {
    /// Copies its part of every row.
    pub fn fill(self) {
        let Self { panel, first, place, rows } = self;
        for_narrow_widths!(place.len() / rows, T => {
            let rows = panel.as_vectors().chunks_exact(panel.vectors());
            for (to, row) in place.as_chunks_mut::<T>().0.iter_mut().zip(rows) {
                *to = *row[first..].first_chunk().expect("a tile lies within a row");
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lanes::LANES;

    fn panel(rows: usize, vectors: usize) -> Panel {
        Panel::from_fn(rows, vectors * LANES, |row, i| (1000 * row + i) as f32)
    }

    #[test]
    fn every_tile_has_its_part_of_every_row() {
        let mut tiled = Tiled::of(&panel(9, 3 * NARROW_TILE), 9);
        for vectors in 1..=3 * NARROW_TILE {
            for rows in 1..=3 {
                let panel = panel(3, vectors);
                // In any order.
                let tiles: Vec<_> = tiled.refill(&panel, rows).collect();
                tiles.into_iter().rev().for_each(Tile::fill);
                assert_eq!((tiled.rows(), tiled.vectors()), (rows, vectors));
                let width = tile_width(vectors, NARROW_TILE);
                for first in (0..vectors).step_by(width) {
                    for_narrow_widths!((vectors - first).min(width), T => {
                        let tile = tiled.tile::<T>(first);
                        assert_eq!(tile.len(), rows);
                        for (row, tile) in tile.iter().enumerate() {
                            assert_eq!(tile[..], panel.row_vectors(row)[first..first + T]);
                        }
                    });
                }
            }
        }
    }

    #[test]
    fn no_rows_have_no_tiles() {
        assert_eq!(Tiled::default().refill(&panel(2, 3), 0).count(), 0);
    }

    #[test]
    #[should_panic(expected = "vectors 1 to 2 of 2 are no tile")]
    fn what_is_no_tile_is_refused() {
        _ = Tiled::of(&panel(1, 2), 1).tile::<1>(1);
    }

    #[test]
    #[should_panic(expected = "3 of 2 rows")]
    fn rows_that_are_not_there_are_refused() {
        _ = Tiled::of(&panel(2, 1), 3);
    }
}
