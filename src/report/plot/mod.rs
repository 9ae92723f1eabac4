//! Pictures of results, drawn by hand as SVG: the same data give the same bytes, and nothing is read or fetched.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`axis`] | linear and logarithmic axes, their ticks, and the frame they make |
//! | [`chart`] | points with error bars, curves with bands, over an x |
//! | [`bars`] | bars beside one another, ours beside somebody else's |
//! | [`heat`] | values over two lists, as colours |
//! | [`look`] | the colour, marker and dashes of every optimizer |
//! | [`numbers`] | numbers as text, the same everywhere |
//! | `canvas` | the SVG that all of them write |
//!
//! Every picture scales, follows light and dark, names itself in `<title>` and `<desc>`, and can stand in a page with
//! others: its styles hold under its own class only, and it has no ids.

pub mod axis;
pub mod bars;
pub(super) mod canvas;
pub mod chart;
pub mod heat;
pub mod look;
pub mod numbers;
#[cfg(test)]
mod tests;

pub use axis::{Axis, Scale};
pub use bars::{Bar, Bars, Group};
pub use canvas::beside;
pub use chart::{Chart, Point, Rule, Series, Span};
pub use heat::{Cell, Heat};
pub use look::Look;
