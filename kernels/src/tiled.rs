//! Rows kept tile by tile, as the sweep of a batch goes through its deltas.
//!
//! ```text
//! tiles  [tile][row][T]     of a panel  [rows][Hp]
//! ```
//!
//! For every group of inputs, the sweep reads what the tile at hand has of many rows. In the panel, as far apart as rows are,
//! that might displace itself from the cache; here it lies side by side. It is written once for all blocks of a sweep, so that
//! these can be small; some rows at a time, so that whoever has made a row can write it while it is at hand.

use crate::lanes::{NARROW_TILE, f32xN, for_narrow_tiles, tile_width};
use crate::panel::Panel;

/// Some rows of a panel, cut into narrow tiles.
#[derive(Clone, Debug, Default)]
pub struct Tiled {
    rows: usize,
    vectors: usize,
    /// `[tile][row][T]`. The last tile may be narrower.
    tiles: Vec<f32xN>,
}

/// Some rows, neighbours, that are to be written.
pub struct RowsMut<'a> {
    /// Their part of each tile, `[tile][row][T]`.
    parts: Vec<&'a mut [f32xN]>,
    vectors: usize,
}

impl Tiled {
    /// The first `rows` rows of `panel`.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn of(panel: &Panel, rows: usize) -> Self {
        let mut tiled = Self::default();
        tiled.take(panel, rows);
        tiled
    }

    /// The first `rows` rows of `panel` in the place of those that were here.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn take(&mut self, panel: &Panel, rows: usize) {
        assert!(rows <= panel.rows(), "{rows} of {} rows", panel.rows());
        let vectors = panel.vectors();
        let rows_of_panel = &panel.as_vectors()[..rows * vectors];
        self.rewrite(rows, vectors, rows.max(1)).for_each(|piece| piece.write(rows_of_panel));
    }

    /// Other rows in the place of those that were here, `[rows][vectors]`. They are to be [written](RowsMut::write), `piece` of
    /// them at a time, or what is left at the end, in any order and by any thread.
    ///
    /// # Panics
    /// If `vectors` or `piece` is zero.
    pub fn rewrite(
        &mut self,
        rows: usize,
        vectors: usize,
        piece: usize,
    ) -> impl Iterator<Item = RowsMut<'_>> {
        assert!(vectors > 0 && piece > 0, "a row has a vector at least, and a piece a row");
        (self.rows, self.vectors) = (rows, vectors);
        self.tiles.resize(rows * vectors, f32xN::ZERO);
        let width = tile_width(vectors, NARROW_TILE);
        let mut tiles: Vec<_> = self
            .tiles
            .chunks_mut((rows * width).max(1))
            .map(|tile| tile.chunks_mut(piece * (tile.len() / rows)))
            .collect();
        (0..rows.div_ceil(piece)).map(move |_| {
            let parts = tiles.iter_mut().map(|tile| tile.next().expect("a tile has its part of every row"));
            RowsMut { parts: parts.collect(), vectors }
        })
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

impl RowsMut<'_> {
    /// Writes them: `rows` is `[row][vectors]`.
    ///
    /// # Panics
    /// If it has more vectors, or fewer.
    pub fn write(self, rows: &[f32xN]) {
        let mut parts = self.parts.into_iter();
        for_narrow_tiles!(self.vectors, first, T => {
            let part = parts.next().expect("a part for every tile").as_chunks_mut::<T>().0;
            assert_eq!(part.len() * self.vectors, rows.len(), "as many rows");
            for (to, row) in part.iter_mut().zip(rows.chunks_exact(self.vectors)) {
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
            for (rows, piece) in [(1, 1), (2, 3), (3, 1), (5, 2)] {
                let panel = panel(rows, vectors);
                let pieces: Vec<_> = tiled.rewrite(rows, vectors, piece).collect();
                let written = pieces.into_iter().zip(panel.as_vectors().chunks(piece * vectors));
                // In any order.
                written.rev().for_each(|(piece, rows)| piece.write(rows));
                assert_eq!((tiled.rows(), tiled.vectors()), (rows, vectors));
                for_narrow_tiles!(vectors, first, T => {
                    let tile = tiled.tile::<T>(first);
                    assert_eq!(tile.len(), rows);
                    for (row, tile) in tile.iter().enumerate() {
                        assert_eq!(tile[..], panel.row_vectors(row)[first..first + T]);
                    }
                });
            }
        }
    }

    #[test]
    fn no_rows_have_no_pieces() {
        assert_eq!(Tiled::default().rewrite(0, 3, 2).count(), 0);
        assert_eq!(Tiled::of(&panel(2, 3), 0).rows(), 0);
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

    #[test]
    #[should_panic(expected = "as many rows")]
    fn another_number_of_rows_is_refused() {
        let mut tiled = Tiled::default();
        let piece = tiled.rewrite(3, 2, 2).next().expect("there are three rows");
        piece.write(panel(1, 2).as_vectors());
    }
}
