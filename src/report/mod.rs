//! Results: as records for programs, as text, pictures and pages for people. Nothing here trains.

pub mod baseline;
pub mod compare;
pub mod data;
mod font;
pub mod html;
pub mod machine;
pub mod paper;
pub mod plot;
pub mod profile;
pub mod record;
pub mod roofline;
pub mod runs;
pub mod sheet;
pub mod summary;
pub mod tune;
