//! The optimizers, one short file each.

mod adam;
mod course;
mod dlr;
mod geometric;
mod nesterov;
mod nesterov_authors;
mod sgd;

pub use adam::Adam;
pub use dlr::Dlr;
pub use nesterov::Nesterov;
pub use nesterov_authors::NesterovAuthors;
pub use sgd::Sgd;
