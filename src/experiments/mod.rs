//! Experiments: many runs, and what they say together.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`compare`] | several optimizers on the same task, seed by seed |
//! | [`evaluation`] | what a trained network gets right, and what it mistakes for what |
//! | [`spaces`] | where each optimizer is searched |
//! | [`tune`] | which setting of an optimizer gets to the target first |
//! | [`profile`] | how fast every optimizer trains, and where the time goes |
//! | [`paper`] | the paper's figures |
//! | [`peaks`] | the most that the machine can do, to compare with |
//! | [`noise`] | what else the machine did meanwhile |
//! | [`seeds`] | runs that differ in nothing but their seeds, as many at once as there are threads |
//! | [`replay`] | a run again by its own record |
//! | [`sweep`] | many runs that survive the program's end, on one machine or several |
//! | [`rates`] | DLR's learning rates on the average |
//! | [`statistics`] | what samples of results say, some of which may be missing, and whether two of them differ |
//! | [`curve_fit`] | the curve that a learning rate falls along |
//! | [`search`] | which settings to try next |

pub mod compare;
pub mod curve_fit;
pub mod evaluation;
pub mod noise;
pub mod paper;
pub mod peaks;
pub mod profile;
pub mod rates;
pub mod replay;
pub mod search;
pub mod seeds;
pub mod spaces;
pub mod statistics;
pub mod sweep;
pub mod tune;

/// Four images of 2 x 2 grey levels in two classes, for tests.
#[cfg(test)]
fn stripes() -> crate::Dataset {
    let pixels = [255, 255, 0, 0, 0, 0, 255, 255, 200, 180, 0, 9, 9, 0, 180, 200];
    let split = (&pixels[..], &[0, 1, 0, 1][..]);
    crate::Dataset::from_arrays("stripes", (2, 2), split, split).unwrap()
}
