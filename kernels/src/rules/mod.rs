//! The optimizers, one short file each; Adam's pauses have one of their own.

mod adagrad;
mod adam;
mod course;
mod dlr;
mod dlr_halves;
mod momentum;
mod rmsprop;
mod scheduled;
mod sgd;

pub use adagrad::AdaGrad;
pub use adam::Adam;
pub use dlr::Dlr;
pub use dlr_halves::{DlrDenominator, DlrNumerator};
pub use momentum::Momentum;
pub use rmsprop::RmsProp;
pub use scheduled::Scheduled;
pub use sgd::Sgd;
