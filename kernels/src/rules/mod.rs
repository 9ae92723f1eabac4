//! The optimizers, one short file each; Adam's pauses have one of their own.

mod adam;
mod course;
mod dlr;
mod momentum;
mod sgd;

pub use adam::Adam;
pub use dlr::Dlr;
pub use momentum::Momentum;
pub use sgd::Sgd;
