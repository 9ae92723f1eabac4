//! A matrix whose rows are padded with zeros to whole vectors.

use crate::lanes::{LANES, f32xN, vectors};

/// `rows` x `width` numbers, each row contiguous and padded with zero lanes to a multiple of [`LANES`].
#[derive(Clone, Debug, PartialEq)]
pub struct Panel {
    rows: usize,
    width: usize,
    data: Vec<f32xN>,
}

impl Panel {
    /// A panel of zeros.
    ///
    /// # Panics
    /// If `width` is zero, or no memory could be as large.
    pub fn zeros(rows: usize, width: usize) -> Self {
        assert!(width > 0, "a panel needs at least one column");
        let size = rows.checked_mul(vectors(width)).expect("a panel is not too large to be counted");
        Self { rows, width, data: vec![f32xN::ZERO; size] }
    }

    /// A panel filled from `value(row, column)`.
    ///
    /// # Panics
    /// As [`zeros`](Self::zeros).
    pub fn from_fn(rows: usize, width: usize, mut value: impl FnMut(usize, usize) -> f32) -> Self {
        let mut panel = Self::zeros(rows, width);
        for row in 0..rows {
            for (column, cell) in panel.row_mut(row).iter_mut().enumerate() {
                *cell = value(row, column);
            }
        }
        panel
    }

    /// Rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Numbers in a row, without the padding.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Vectors in a row, the padding included.
    #[inline(always)]
    pub fn vectors(&self) -> usize {
        vectors(self.width)
    }

    /// Row `row` without its padding.
    pub fn row(&self, row: usize) -> &[f32] {
        &bytemuck::cast_slice(self.row_vectors(row))[..self.width]
    }

    /// Row `row` without its padding, to be written.
    pub fn row_mut(&mut self, row: usize) -> &mut [f32] {
        let n = self.vectors();
        &mut bytemuck::cast_slice_mut(&mut self.data[row * n..][..n])[..self.width]
    }

    /// Row `row`, padding included.
    #[inline(always)]
    pub fn row_vectors(&self, row: usize) -> &[f32xN] {
        let n = self.vectors();
        &self.data[row * n..][..n]
    }

    /// All rows one after another, padding included.
    #[inline(always)]
    pub fn as_vectors(&self) -> &[f32xN] {
        &self.data
    }

    /// All rows one after another, padding included. Whoever writes here keeps the padding zero.
    #[inline(always)]
    pub fn as_vectors_mut(&mut self) -> &mut [f32xN] {
        &mut self.data
    }

    /// All rows one after another as plain numbers; a row is `vectors() * LANES` of them.
    pub fn as_slice(&self) -> &[f32] {
        bytemuck::cast_slice(&self.data)
    }

    /// As [`as_slice`](Self::as_slice), to be written. Whoever writes here keeps the padding zero.
    pub fn as_mut_slice(&mut self) -> &mut [f32] {
        bytemuck::cast_slice_mut(&mut self.data)
    }

    /// Numbers from the start of one row to the next.
    pub fn stride(&self) -> usize {
        self.vectors() * LANES
    }

    /// Whether every padding lane is (positive or negative) zero.
    pub fn padding_is_zero(&self) -> bool {
        (0..self.rows).all(|row| {
            let padded: &[f32] = bytemuck::cast_slice(self.row_vectors(row));
            padded[self.width..].iter().all(|&x| x == 0.0)
        })
    }

    /// Whether every number is finite, and the sum of all squares is: then so is every norm.
    pub fn norm_is_finite(&self) -> bool {
        // NaN and infinity are contagious under addition.
        let squares = self.data.iter().fold(f32xN::ZERO, |sum, &x| x.mul_add(x, sum));
        squares.to_array().iter().sum::<f32>().is_finite()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_padded_with_zeros() {
        for width in 1..=40 {
            let panel = Panel::from_fn(3, width, |r, c| (100 * r + c + 1) as f32);
            assert_eq!(panel.stride() % LANES, 0);
            assert!(panel.padding_is_zero());
            assert_eq!(panel.row(2)[width - 1], (200 + width) as f32);
        }
    }

    #[test]
    fn a_number_in_the_padding_is_seen_in_every_place() {
        let mut panel = Panel::from_fn(3, LANES + 3, |_, _| 1.0);
        for place in 0..panel.as_slice().len() {
            let is_padding = place % panel.stride() >= panel.width();
            let was = std::mem::replace(&mut panel.as_mut_slice()[place], 1e-45);
            assert_eq!(panel.padding_is_zero(), !is_padding, "{place}");
            panel.as_mut_slice()[place] = if is_padding { -0.0 } else { was };
        }
        assert!(panel.padding_is_zero(), "a negative zero is one, too");
    }

    #[test]
    fn one_bad_number_is_seen_in_every_place() {
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, 1e20] {
            for place in 0..3 * 11 {
                let panel = Panel::from_fn(3, 11, |r, c| if r * 11 + c == place { bad } else { 1.0 });
                assert!(!panel.norm_is_finite(), "{bad} at {place}");
            }
        }
        assert!(Panel::from_fn(3, 11, |_, _| 1e18).norm_is_finite());
    }
}
