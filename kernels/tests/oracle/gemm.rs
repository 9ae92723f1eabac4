//! The dense products against plain loops in f64.

use crate::helpers::{Numbers, Tally, dot, reduction};
use dlr_kernels::gemm::{View, ViewMut, gemm};

const SIZES: [usize; 7] = [0, 1, 2, 7, 8, 9, 33];

fn filled(numbers: &mut Numbers, n: usize) -> Vec<f32> {
    (0..n).map(|_| numbers.signed()).collect()
}

#[test]
fn products_equal_plain_loops_at_every_shape_and_stride() {
    let mut tally = Tally::default();
    let mut numbers = Numbers(1);
    for m in SIZES {
        for k in SIZES {
            for n in SIZES {
                for (gap, beta, transposed) in
                    [(0, 0.0, false), (3, 1.0, false), (0, 0.0, true), (2, 1.0, true)]
                {
                    // a is stored `[k][m]` where it is used transposed.
                    let (rows, columns) = if transposed { (k, m) } else { (m, k) };
                    let (a_stride, b_stride, c_stride) = (columns + gap, n + gap, n + gap);
                    let a = filled(&mut numbers, rows * a_stride);
                    let b = filled(&mut numbers, k * b_stride);
                    let before = filled(&mut numbers, m * c_stride);
                    // What beta = 0 must not read is NaN.
                    let mut c = if beta == 0.0 { vec![f32::NAN; before.len()] } else { before.clone() };

                    let stored = View::new(&a, rows, columns, a_stride);
                    let a_view = if transposed { stored.transposed() } else { stored };
                    gemm(
                        a_view,
                        View::new(&b, k, n, b_stride),
                        beta,
                        &mut ViewMut::new(&mut c, m, n, c_stride),
                    );

                    let a_at = |i: usize, l: usize| {
                        if transposed { a[l * a_stride + i] } else { a[i * a_stride + l] }
                    };
                    for i in 0..m {
                        for j in 0..n {
                            let (sum, size) = dot((0..k).map(|l| (a_at(i, l), b[l * b_stride + j])));
                            let old = if beta == 0.0 { 0.0 } else { f64::from(before[i * c_stride + j]) };
                            tally.within(
                                (f64::from(c[i * c_stride + j]) - sum - old).abs(),
                                reduction(k, size + old.abs()),
                                format_args!(
                                    "{m} x {k} x {n}, gap {gap}, transposed {transposed}, ({i}, {j})"
                                ),
                            );
                        }
                    }
                    tally.case();
                }
            }
        }
    }
    tally.finish("gemm", SIZES.len().pow(3) * 4);
}

#[test]
#[should_panic(expected = "does not fit 11 numbers")]
fn a_view_outside_its_slice_is_refused() {
    View::new(&[0.0; 11], 3, 4, 4);
}

#[test]
#[should_panic(expected = "does not fit")]
fn a_view_whose_end_wraps_around_is_refused() {
    View::new(&[0.0; 11], usize::MAX, 2, usize::MAX);
}

#[test]
#[should_panic(expected = "overlap")]
fn overlapping_rows_are_refused() {
    ViewMut::new(&mut [0.0; 12], 3, 4, 3);
}

#[test]
#[should_panic(expected = "the shapes of a product")]
fn shapes_that_do_not_fit_are_refused() {
    let a = [0.0; 12];
    gemm(View::new(&a, 3, 4, 4), View::new(&a, 3, 4, 4), 0.0, &mut ViewMut::new(&mut [0.0; 12], 3, 4, 4));
}
