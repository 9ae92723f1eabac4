//! The optimizers, one short file each.

mod adam;
mod dlr;
mod nesterov;
mod nesterov_authors;
mod sgd;

pub use adam::Adam;
pub use dlr::Dlr;
pub use nesterov::Nesterov;
pub use nesterov_authors::NesterovAuthors;
pub use sgd::Sgd;
