//! Experiments: many runs, and what they say together.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`seeds`] | runs that differ in nothing but their seeds, as many at once as there are threads |
//! | [`statistics`] | means, deviations and medians of results that may be missing |

pub mod seeds;
pub mod statistics;
