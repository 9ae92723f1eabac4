//! How a series looks: its colour, its marker and its dashes. Any one of them is enough to tell two optimizers apart, so
//! pictures are readable without colours; and an optimizer looks the same in every picture.

use super::numbers::px;
use std::fmt::Write as _;

/// The optimizers that have a look of their own, everywhere.
pub const KNOWN: [&str; 13] = [
    "dlr",
    "sgd",
    "nesterov",
    "adam",
    "nesterov-authors",
    "momentum",
    "dlr post",
    "rmsprop",
    "adagrad",
    "sgd-decay",
    "sgd-rates",
    "dlr-numerator",
    "dlr-denominator",
];

/// Their colours on white and on black. The first five and the seventh are Okabe and Ito's, which are told apart also
/// by those who see fewer colours, lightened where black needs it; the others fill the gaps between them.
const COLOURS: [[&str; 2]; 13] = [
    ["#0072b2", "#4aa3e0"],
    ["#d55e00", "#f0782d"],
    ["#009e73", "#1fb58b"],
    ["#cc79a7", "#dd8fba"],
    ["#e69f00", "#e69f00"],
    ["#7a8712", "#b3bd4a"],
    ["#56b4e9", "#8fd0f5"],
    ["#6a3d9a", "#b18fe0"],
    ["#808080", "#a0a0a0"],
    ["#8c510a", "#c88f55"],
    ["#a89200", "#f0e442"],
    ["#882255", "#e0759f"],
    ["#332288", "#8c84ee"],
];

/// Lengths of dashes and gaps; none for a line drawn through.
const DASHES: [&str; 13] = [
    "",
    "8 3",
    "2 2.5",
    "9 3 2 3",
    "5 3",
    "12 3",
    "6 2 1 2 1 2",
    "1 3",
    "4 2 1 2",
    "14 4 4 4",
    "3 5",
    "10 2 2 2 2 2",
    "6 6",
];

/// How a series looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look(usize);

impl Look {
    /// That of the optimizer `name`; other names take one by their `index` in the picture, from the other end.
    pub fn of(name: &str, index: usize) -> Self {
        let known = KNOWN.iter().position(|known| *known == name);
        Self(known.unwrap_or(KNOWN.len() - 1 - index % KNOWN.len()))
    }

    /// The colour on white.
    pub fn colour(self) -> &'static str {
        COLOURS[self.0][0]
    }

    /// The class whose `color` it is.
    pub(in crate::report) fn class(self) -> String {
        format!("c{}", self.0)
    }

    /// The attribute that dashes a line, with a space before it, or nothing.
    pub(super) fn dashes(self) -> String {
        match DASHES[self.0] {
            "" => String::new(),
            dashes => format!(" stroke-dasharray=\"{dashes}\""),
        }
    }

    /// The outline of its marker around the origin.
    pub(super) fn marker(self) -> String {
        match self.0 {
            0 => "M-4.5 0a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0 -9 0Z".to_owned(),
            1 => polygon(4, 5.7, 45.0),
            2 => polygon(3, 6.0, 0.0),
            3 => polygon(4, 6.2, 0.0),
            4 => polygon(3, 6.0, 180.0),
            5 => polygon(3, 6.0, 90.0),
            6 => polygon(5, 5.5, 0.0),
            7 => cross(0.0),
            8 => cross(45.0),
            9 => star(5, 6.6, 2.9),
            10 => polygon(3, 6.0, 270.0),
            11 => "M-4.5 -5H4.5L-4.5 5H4.5Z".to_owned(),
            _ => star(4, 6.8, 2.5),
        }
    }
}

/// The rules that give the classes their colours, on white (0) or on black (1), under the class `root`.
pub(super) fn rules(root: &str, dark: usize) -> String {
    let mut rules = String::new();
    for (number, colours) in COLOURS.iter().enumerate() {
        write!(rules, ".{root} .c{number}{{color:{}}}", colours[dark]).expect("a string takes all");
    }
    rules
}

/// So many corners around the origin, turned clockwise from one that points up.
fn polygon(corners: usize, radius: f64, turned: f64) -> String {
    let step = 360.0 / corners as f64;
    outline((0..corners).map(|corner| (radius, turned + step * corner as f64)))
}

fn star(points: usize, outer: f64, inner: f64) -> String {
    let step = 180.0 / points as f64;
    outline((0..2 * points).map(|corner| (if corner % 2 == 0 { outer } else { inner }, step * corner as f64)))
}

/// Two thick bars, crossed.
fn cross(turned: f64) -> String {
    let corners = [(5.7, -18.4), (5.7, 18.4), (2.55, 45.0)];
    outline((0..12).map(|corner| {
        let (radius, angle) = corners[corner % 3];
        (radius, turned + angle + 90.0 * (corner / 3) as f64)
    }))
}

/// A closed line through corners given by their distances from the origin and their angles from above, in degrees.
fn outline(corners: impl Iterator<Item = (f64, f64)>) -> String {
    let mut path = String::new();
    for (number, (radius, angle)) in corners.enumerate() {
        let (sine, cosine) = angle.to_radians().sin_cos();
        let step = if number == 0 { 'M' } else { 'L' };
        write!(path, "{step}{} {}", px(radius * sine), px(-radius * cosine)).expect("a string takes all");
    }
    path + "Z"
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_optimizer_has_its_colour_marker_and_dashes() {
        let looks = KNOWN.map(|name| Look::of(name, 5));
        assert_eq!(looks.map(Look::colour).into_iter().collect::<HashSet<_>>().len(), KNOWN.len());
        assert_eq!(looks.map(Look::marker).into_iter().collect::<HashSet<_>>().len(), KNOWN.len());
        assert_eq!(looks.map(Look::dashes).into_iter().collect::<HashSet<_>>().len(), KNOWN.len());
        assert_eq!(Look::of("dlr", 3), Look::of("dlr", 8));
        assert_ne!(Look::of("something", 0), Look::of("something else", 1));
    }
}
