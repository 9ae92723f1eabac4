//! The dense product against a plain loop in f64, and what its views refuse.

use crate::errors::{Tally, dot, reduction};
use crate::helpers::Numbers;
use dlr_kernels::gemm::{View, ViewMut, gemm};

/// Rows, inner size and columns: nothing at all, single numbers, and around the product's own tiles of 8.
const SIZES: [usize; 9] = [0, 1, 2, 7, 8, 9, 17, 33, 40];
const INNER: [usize; 8] = [0, 1, 2, 7, 8, 9, 33, 300];
/// Numbers between the end of a row and the start of the next.
const GAPS: [usize; 2] = [0, 3];

/// A matrix in memory, transposed or not, and the view of it.
struct Matrix {
    data: Vec<f32>,
    stride: usize,
    rows: usize,
    columns: usize,
    transposed: bool,
}

impl Matrix {
    /// Between the rows lies NaN, which must be neither read nor written.
    fn new(
        [rows, columns]: [usize; 2],
        gap: usize,
        transposed: bool,
        mut value: impl FnMut() -> f32,
    ) -> Self {
        let (major, minor) = if transposed { (columns, rows) } else { (rows, columns) };
        let stride = minor + gap;
        let data = (0..major * stride).map(|n| if n % stride < minor { value() } else { f32::NAN }).collect();
        Self { data, stride, rows, columns, transposed }
    }

    fn view(&self) -> View<'_> {
        if self.transposed {
            View::new(&self.data, self.columns, self.rows, self.stride).transposed()
        } else {
            View::new(&self.data, self.rows, self.columns, self.stride)
        }
    }

    fn at(&self, row: usize, column: usize) -> f32 {
        let (major, minor) = if self.transposed { (column, row) } else { (row, column) };
        self.data[major * self.stride + minor]
    }
}

/// Calls `check` with got, want and the reduction bound for every element of products of all shapes, strides and uses.
fn products(value: fn(&mut Numbers) -> f32, mut check: impl FnMut(f32, f64, f64)) -> Tally {
    let (mut numbers, mut tally) = (Numbers(11), Tally::default());
    let shapes =
        SIZES.into_iter().flat_map(|m| INNER.into_iter().flat_map(move |k| SIZES.map(|n| (m, k, n))));
    for (m, k, n) in shapes {
        for variant in 0..16 {
            let bit = |b: usize| variant >> b & 1;
            let (gap, add) = (GAPS[bit(0)], bit(3) == 1);
            let a = Matrix::new([m, k], gap, bit(1) == 1, || value(&mut numbers));
            let b = Matrix::new([k, n], gap, bit(2) == 1, || value(&mut numbers));
            // With beta = 0, c is not read: NaN in it must be gone.
            let mut c = Matrix::new([m, n], gap, false, || if add { value(&mut numbers) } else { f32::NAN });
            let before = c.data.clone();
            let beta = if add { 1.0 } else { 0.0 };
            gemm(a.view(), b.view(), beta, &mut ViewMut::new(&mut c.data, m, n, c.stride));
            for row in 0..m {
                for column in 0..n {
                    let (sum, magnitudes) = dot((0..k).map(|l| (a.at(row, l), b.at(l, column))));
                    let old = if add { f64::from(before[row * c.stride + column]) } else { 0.0 };
                    check(c.at(row, column), sum + old, reduction(k, magnitudes + old.abs()));
                }
                assert!(c.data[row * c.stride..][..c.stride][n..].iter().all(|gap| gap.is_nan()));
            }
            tally.case();
        }
    }
    tally
}

const CASES: usize = SIZES.len() * INNER.len() * SIZES.len() * 16;

#[test]
fn products_of_integers_are_exact() {
    let tally = products(Numbers::integer, |got, want, _| assert_eq!(f64::from(got), want));
    tally.finish("gemm, exact", CASES);
}

#[test]
fn products_of_reals_are_within_the_reduction_bound() {
    let mut errors = Tally::default();
    let tally = products(Numbers::signed, |got, want, bound| {
        errors.within((f64::from(got) - want).abs(), bound, format_args!("product"));
        errors.case();
    });
    tally.finish("gemm, shapes", CASES);
    let elements = SIZES.iter().sum::<usize>().pow(2) * INNER.len() * 16;
    errors.finish("gemm, reduction", elements);
}

macro_rules! refused {
    ($($name:ident: $words:literal, $call:expr;)+) => {
        $(#[test]
        #[should_panic(expected = $words)]
        fn $name() {
            let _ = $call;
        })+
    };
}

refused! {
    a_row_too_many_is_refused: "does not fit 11 numbers", View::new(&[0.0; 11], 3, 4, 4);
    a_last_row_too_short_is_refused: "does not fit 13 numbers", View::new(&[0.0; 13], 3, 4, 5);
    a_product_of_strides_that_overflows_is_refused: "does not fit 8 numbers",
        View::new(&[0.0; 8], 3, 1, usize::MAX / 2 + 1);
    a_sum_of_offsets_that_overflows_is_refused: "does not fit 8 numbers", View::new(&[0.0; 8], 2, 2, usize::MAX);
    an_empty_matrix_of_endless_stride_is_refused: "isize::MAX", View::new(&[], 0, 1, usize::MAX);
    a_row_too_many_to_write_is_refused: "does not fit 11 numbers", ViewMut::new(&mut [0.0; 11], 3, 4, 4);
    rows_that_overlap_are_refused: "rows of 4 overlap at a stride of 3", ViewMut::new(&mut [0.0; 12], 3, 4, 3);
    inner_sizes_that_differ_are_refused: "the shapes of a product",
        gemm(View::new(&[0.0; 6], 2, 3, 3), View::new(&[0.0; 6], 2, 3, 3), 0.0, &mut ViewMut::new(&mut [0.0; 6], 2, 3, 3));
    a_result_of_another_shape_is_refused: "the shapes of a product",
        gemm(View::new(&[0.0; 6], 2, 3, 3), View::new(&[0.0; 6], 3, 2, 2), 0.0, &mut ViewMut::new(&mut [0.0; 6], 2, 3, 3));
}
