//! Experiments: many runs, and what they say together.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`profile`] | how fast every optimizer trains, and where the time goes |
//! | [`peaks`] | the most that the machine can do, to compare with |
//! | [`noise`] | what else the machine did meanwhile |
//! | [`seeds`] | runs that differ in nothing but their seeds, as many at once as there are threads |
//! | [`statistics`] | means, deviations and medians of results that may be missing, quartiles of times |

pub mod noise;
pub mod peaks;
pub mod profile;
pub mod seeds;
pub mod statistics;
