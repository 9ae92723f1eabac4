//! Results: as records for programs, as text for people. Nothing here trains.

pub mod machine;
pub mod record;
pub mod runs;
pub mod summary;
