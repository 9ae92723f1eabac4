//! Products of dense matrices, blocked, by `matrixmultiply`, behind views whose bounds are checked.
//!
//! ```text
//! c <- a b + beta c        a [m][k]     b [k][n]     c [m][n]
//! ```
//!
//! Layers between two hidden ones are so where several images go together, and the tests take them for a second opinion on the
//! first layer. There, groups of [lit inputs](crate::lighters) are mostly faster, even where all inputs are lit.

/// A matrix inside a slice: element (r, c) is at `r * row_stride + c * column_stride`.
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    data: &'a [f32],
    shape: Shape,
}

/// A view to be written.
#[derive(Debug)]
pub struct ViewMut<'a> {
    data: &'a mut [f32],
    shape: Shape,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl Shape {
    /// A shape whose every element lies within `len`, and strides that fit the isize of the product's interface.
    fn checked(self, len: usize) -> Self {
        let last = |n: usize, stride: usize| n.saturating_sub(1).checked_mul(stride);
        let end = last(self.rows, self.row_stride)
            .zip(last(self.columns, self.column_stride))
            .and_then(|(r, c)| r.checked_add(c));
        let empty = self.rows == 0 || self.columns == 0;
        assert!(empty || end.is_some_and(|end| end < len), "a matrix of {self:?} does not fit {len} numbers");
        assert!(self.row_stride <= isize::MAX as usize && self.column_stride <= isize::MAX as usize);
        self
    }
}

impl<'a> View<'a> {
    /// `rows` x `columns`, each row contiguous and `stride` after the one before.
    ///
    /// # Panics
    /// If an element would lie outside of `data`.
    pub fn new(data: &'a [f32], rows: usize, columns: usize, stride: usize) -> Self {
        let shape = Shape { rows, columns, row_stride: stride, column_stride: 1 }.checked(data.len());
        Self { data, shape }
    }

    /// How many rows it has.
    pub fn rows(&self) -> usize {
        self.shape.rows
    }

    /// The transposed matrix: rows and columns change places, nothing moves.
    pub fn transposed(self) -> Self {
        let Shape { rows, columns, row_stride, column_stride } = self.shape;
        let shape =
            Shape { rows: columns, columns: rows, row_stride: column_stride, column_stride: row_stride };
        Self { shape, ..self }
    }
}

impl<'a> ViewMut<'a> {
    /// As [`View::new`]; rows must not overlap.
    ///
    /// # Panics
    /// If an element would lie outside of `data`, or rows overlap.
    pub fn new(data: &'a mut [f32], rows: usize, columns: usize, stride: usize) -> Self {
        assert!(stride >= columns, "rows of {columns} overlap at a stride of {stride}");
        let shape = Shape { rows, columns, row_stride: stride, column_stride: 1 }.checked(data.len());
        Self { data, shape }
    }
}

/// c <- a b + beta c. With `beta` = 0, what was in c is not read.
///
/// # Panics
/// If the shapes don't fit each other.
#[allow(unsafe_code)]
pub fn gemm(a: View, b: View, beta: f32, c: &mut ViewMut) {
    let (m, k, n) = (a.shape.rows, a.shape.columns, b.shape.columns);
    assert_eq!((b.shape.rows, c.shape.rows, c.shape.columns), (k, m, n), "the shapes of a product");
    let stride = |s: usize| isize::try_from(s).expect("checked when the view was made");
    let [[ar, ac], [br, bc], [cr, cc]] =
        [a.shape, b.shape, c.shape].map(|s| [stride(s.row_stride), stride(s.column_stride)]);
    // SAFETY: `Shape::checked` keeps every element of the three views inside its slice, `c` is borrowed mutably, so it
    // overlaps neither `a` nor `b`, and its own rows don't overlap (`ViewMut::new`).
    unsafe {
        matrixmultiply::sgemm(
            m,
            k,
            n,
            1.0,
            a.data.as_ptr(),
            ar,
            ac,
            b.data.as_ptr(),
            br,
            bc,
            beta,
            c.data.as_mut_ptr(),
            cr,
            cc,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix of 2 x 3 and its transpose, in either order; between the rows lies what must not be read.
    #[test]
    fn products_by_hand() {
        let data = [1.0, 2.0, 3.0, f32::NAN, 4.0, 5.0, 6.0];
        let matrix = View::new(&data, 2, 3, 4);
        let mut product = [f32::NAN; 4];
        gemm(matrix, matrix.transposed(), 0.0, &mut ViewMut::new(&mut product, 2, 2, 2));
        assert_eq!(product, [14.0, 32.0, 32.0, 77.0]);
        let mut product = [1.0; 9];
        gemm(matrix.transposed(), matrix, 1.0, &mut ViewMut::new(&mut product, 3, 3, 3));
        assert_eq!(product, [18.0, 23.0, 28.0, 23.0, 30.0, 37.0, 28.0, 37.0, 46.0]);
    }

    /// What has no elements fits into nothing, and a sum of no products is zero.
    #[test]
    fn empty_matrices_are_matrices() {
        let [no_rows, no_columns] = [View::new(&[], 0, 3, 3), View::new(&[], 3, 0, 0)];
        let mut product = [f32::NAN; 9];
        gemm(no_columns, no_rows, 0.0, &mut ViewMut::new(&mut product, 3, 3, 3));
        assert_eq!(product, [0.0; 9]);
    }

    #[test]
    #[should_panic(expected = "does not fit 11 numbers")]
    fn no_element_lies_outside() {
        _ = View::new(&[0.0; 11], 3, 4, 4);
    }
}
