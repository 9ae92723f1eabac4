//! Results: as records for programs, as text, pictures and pages for people. Nothing here trains.

pub mod baseline;
pub mod compare;
pub mod data;
pub mod evaluation;
mod font;
pub mod html;
pub mod machine;
pub mod paper;
pub mod plot;
pub mod prediction;
pub mod profile;
pub mod record;
pub mod roofline;
pub mod runs;
pub mod sheet;
pub mod summary;
pub mod tune;
