//! Experiments: many runs, and what they say together.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`profile`] | how fast every optimizer trains, and where the time goes |
//! | [`peaks`] | the most that the machine can do, to compare with |
//! | [`noise`] | what else the machine did meanwhile |
//! | [`seeds`] | runs that differ in nothing but their seeds, as many at once as there are threads |
//! | [`statistics`] | what samples of results say, some of which may be missing, and whether two of them differ |
//! | [`curve_fit`] | the curve that a learning rate falls along |
//! | [`search`] | which settings to try next |

pub mod curve_fit;
pub mod noise;
pub mod peaks;
pub mod profile;
pub mod search;
pub mod seeds;
pub mod statistics;
