//! Axes: which values they span, where their ticks are, and the frame that two of them make.

use super::canvas::{Anchor, Area, Canvas, SMALL, text_width};
use super::numbers::{fixed, power_of_ten, tick};

/// How values become distances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Evenly.
    Linear,
    /// By their logarithms, with ticks at powers of two.
    Log2,
    /// By their logarithms, with ticks at 1, 2 and 5 times powers of ten, or at the powers only.
    Log10,
}

/// An axis as it is asked for: what is not said follows from the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// What its values are, with the unit.
    pub title: String,
    /// How values become distances.
    pub scale: Scale,
    /// Where it begins; else at a round number below the data.
    pub from: Option<f64>,
    /// Where it ends; else at a round number above the data.
    pub to: Option<f64>,
    /// Its ticks; then it ends where they or the data do. Else at round numbers.
    pub ticks: Vec<f64>,
}

impl Axis {
    /// An axis over the data.
    pub fn new(scale: Scale, title: impl Into<String>) -> Self {
        Self { title: title.into(), scale, from: None, to: None, ticks: Vec::new() }
    }

    /// A linear axis over the data.
    pub fn linear(title: impl Into<String>) -> Self {
        Self::new(Scale::Linear, title)
    }

    /// A logarithmic axis over the data, with ticks at powers of two.
    pub fn log2(title: impl Into<String>) -> Self {
        Self::new(Scale::Log2, title)
    }

    /// A logarithmic axis over the data, with ticks at 1, 2 and 5 times powers of ten.
    pub fn log10(title: impl Into<String>) -> Self {
        Self::new(Scale::Log10, title)
    }

    /// The same, beginning at `value`.
    pub fn starting_at(self, value: f64) -> Self {
        Self { from: Some(value), ..self }
    }

    /// The same, ending at `value`.
    pub fn ending_at(self, value: f64) -> Self {
        Self { to: Some(value), ..self }
    }

    /// The same, with these ticks.
    pub fn with_ticks(self, ticks: &[f64]) -> Self {
        Self { ticks: ticks.to_vec(), ..self }
    }

    /// The axis for `values`; those that have no place on any such axis don't count.
    pub(in crate::report) fn ruler(&self, values: impl IntoIterator<Item = f64>) -> Ruler {
        let can = |value: &f64| has_place(self.scale, *value);
        let values: Vec<f64> = values.into_iter().chain(self.ticks.iter().copied()).filter(can).collect();
        let least = values.iter().copied().reduce(f64::min);
        let most = values.iter().copied().reduce(f64::max);
        let (fixed_from, fixed_to) = (self.from.filter(can), self.to.filter(can));
        let nothing = if self.scale == Scale::Linear { [0.0, 1.0] } else { [1.0, 10.0] };
        let from = fixed_from.or(least).or(fixed_to).unwrap_or(nothing[0]);
        let to = fixed_to.or(most).or(fixed_from).unwrap_or(nothing[1]);
        let [from, to] = widened(self.scale, from.min(to), from.max(to));
        let step = nice((to - from) / 5.0);
        let rounded = |value: f64, up: bool| match self.scale {
            _ if !self.ticks.is_empty() => value,
            Scale::Linear => round_to(value / step, up) * step,
            Scale::Log2 => round_to(value.log2(), up).exp2(),
            Scale::Log10 => nice_beside(value, up),
        };
        let mut ruler = Ruler {
            scale: self.scale,
            from: fixed_from.unwrap_or_else(|| rounded(from, false)),
            to: fixed_to.unwrap_or_else(|| rounded(to, true)),
            ticks: Vec::new(),
            labels: Labels::Each,
        };
        if ruler.from >= ruler.to {
            [ruler.from, ruler.to] = widened(self.scale, ruler.to.min(ruler.from), ruler.from);
        }
        if self.ticks.is_empty() {
            (ruler.ticks, ruler.labels) = ruler.round_ticks();
        } else {
            ruler.ticks = self.ticks.iter().copied().filter(|tick| ruler.holds(*tick)).collect();
        }
        ruler
    }
}

/// Whether `value` can be on an axis: it is neither infinite nor as good as, and positive if the axis is logarithmic.
fn has_place(scale: Scale, value: f64) -> bool {
    value.abs() < 1e100 && (scale == Scale::Linear || value > 1e-100)
}

/// Some room around one value.
fn widened(scale: Scale, from: f64, to: f64) -> [f64; 2] {
    match scale {
        Scale::Linear if to - from > 1e-12 * from.abs().max(to.abs()) => [from, to],
        Scale::Linear if from == 0.0 => [0.0, 1.0],
        Scale::Linear => [from - from.abs() / 4.0, to + to.abs() / 4.0],
        _ if to / from > 1.0 + 1e-9 => [from, to],
        _ => [from / 1.5, to * 1.5],
    }
}

/// `value` to the next whole number, unless it is one up to rounding.
fn round_to(value: f64, up: bool) -> f64 {
    if (value - value.round()).abs() < 1e-6 {
        value.round()
    } else if up {
        value.ceil()
    } else {
        value.floor()
    }
}

/// The least of 1, 2 and 5 times the powers of ten that is at least `value`.
fn nice(value: f64) -> f64 {
    nice_beside(value, true)
}

/// The nearest of 1, 2 and 5 times the powers of ten, at or above `value`, or at or below it.
fn nice_beside(value: f64, up: bool) -> f64 {
    let power = value.log10().floor() as i32;
    let mut steps = (power - 1..=power + 1).flat_map(|power| [1.0, 2.0, 5.0].map(|first| ten(first, power)));
    if up {
        steps.find(|step| *step >= value * (1.0 - 1e-9)).unwrap_or(value)
    } else {
        steps.rfind(|step| *step <= value * (1.0 + 1e-9)).unwrap_or(value)
    }
}

/// `first` times ten to the `power`, rounded once.
fn ten(first: f64, power: i32) -> f64 {
    if power < 0 { first / 10f64.powi(-power) } else { first * 10f64.powi(power) }
}

/// An axis that knows its data.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Ruler {
    scale: Scale,
    pub(in crate::report) from: f64,
    pub(in crate::report) to: f64,
    pub(in crate::report) ticks: Vec<f64>,
    labels: Labels,
}

/// How ticks are labelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Labels {
    /// Each as short as it can be.
    Each,
    /// All with so many decimals.
    Fixed(usize),
    /// All with powers of ten.
    Powers,
}

impl Ruler {
    /// Whether `value` could be on it or beyond its ends.
    pub(in crate::report) fn knows(&self, value: f64) -> bool {
        has_place(self.scale, value)
    }

    /// Whether `value` has a place on it.
    pub(in crate::report) fn holds(&self, value: f64) -> bool {
        let room = 1e-9 * (self.to - self.from);
        value.is_finite() && value >= self.from - room && value <= self.to + room
    }

    /// How far along `value` is: 0 at its beginning, 1 at its end, and further beyond. What is not positive lies far
    /// before the beginning of a logarithmic one.
    pub(in crate::report) fn share(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            _ if value <= 0.0 => -10.0,
            _ => (value / self.from).ln() / (self.to / self.from).ln(),
        };
        share.clamp(-10.0, 11.0)
    }

    /// Where `value` is between two pixels.
    pub(in crate::report) fn at(&self, value: f64, [start, end]: [f64; 2]) -> f64 {
        start + self.share(value) * (end - start)
    }

    /// The same, with what lies beyond an end at that end.
    pub(in crate::report) fn held(&self, value: f64, [start, end]: [f64; 2]) -> f64 {
        start + self.share(value).clamp(0.0, 1.0) * (end - start)
    }

    /// A tick's label.
    pub(in crate::report) fn label(&self, value: f64) -> String {
        match self.labels {
            Labels::Each => tick(value),
            Labels::Fixed(decimals) => fixed(value, decimals),
            Labels::Powers => power_of_ten(value),
        }
    }

    /// The widest label in pixels.
    pub(in crate::report) fn widest(&self) -> f64 {
        self.ticks.iter().map(|tick| text_width(&self.label(*tick), SMALL)).fold(0.0, f64::max)
    }

    /// Ticks at round numbers, and how they are labelled.
    fn round_ticks(&self) -> (Vec<f64>, Labels) {
        match self.scale {
            Scale::Linear => self.linear_ticks(),
            Scale::Log2 => (self.powers_of_two(), Labels::Each),
            Scale::Log10 => match self.decades() {
                ticks if ticks.len() >= 2 => (ticks, Labels::Each),
                _ => self.linear_ticks(),
            },
        }
    }

    fn linear_ticks(&self) -> (Vec<f64>, Labels) {
        let step = nice((self.to - self.from) / 6.0);
        let first = round_to(self.from / step, true);
        let ticks: Vec<f64> = (0..=20)
            .map(|place| (first + f64::from(place)) * step)
            .take_while(|tick| *tick <= self.to + step * 1e-6)
            .map(|tick| if tick.abs() < step * 1e-6 { 0.0 } else { tick })
            .collect();
        let most = self.from.abs().max(self.to.abs());
        let decimals = (-(step * 1.000_001).log10().floor()).max(0.0) as usize;
        let plain = (1e-3..1e6).contains(&most);
        (ticks, if plain { Labels::Fixed(decimals) } else { Labels::Powers })
    }

    fn powers_of_two(&self) -> Vec<f64> {
        let (first, last) = (round_to(self.from.log2(), true) as i32, round_to(self.to.log2(), false) as i32);
        let stride = (last - first) / 12 + 1;
        (first..=last)
            .filter(|power| power.rem_euclid(stride) == 0)
            .map(|power| f64::from(power).exp2())
            .collect()
    }

    /// 1, 2 and 5 times the powers of ten within a few powers, else the powers, or some of them.
    fn decades(&self) -> Vec<f64> {
        let (first, last) = (self.from.log10().floor() as i32, self.to.log10().ceil() as i32);
        let firsts: &[f64] =
            if (self.to / self.from).log10() <= 3.0 + 1e-9 { &[1.0, 2.0, 5.0] } else { &[1.0] };
        let stride = (last - first) / 9 + 1;
        (first..=last)
            .filter(|power| power.rem_euclid(stride) == 0)
            .flat_map(|power| firsts.iter().map(move |first| ten(*first, power)))
            .filter(|tick| *tick >= self.from * (1.0 - 1e-9) && *tick <= self.to * (1.0 + 1e-9))
            .collect()
    }
}

/// The x axis below `area`, with grid lines: values go from `span[0]` to `span[1]`. Labels that have no room are left out.
pub(in crate::report) fn draw_x(canvas: &mut Canvas, ruler: &Ruler, area: Area, span: [f64; 2], title: &str) {
    let mut free = f64::NEG_INFINITY;
    for &tick in &ruler.ticks {
        let (at, label) = (ruler.at(tick, span), ruler.label(tick));
        canvas.line("grid", [at, area.top], [at, area.bottom]);
        let half = text_width(&label, SMALL) / 2.0;
        if at - half >= free {
            canvas.line("axis", [at, area.bottom], [at, area.bottom + 4.0]);
            canvas.text("small", Anchor::Middle, [at, area.bottom + 18.0], &label);
            free = at + half + 5.0;
        }
    }
    canvas.text("", Anchor::Middle, [(area.left + area.right) / 2.0, area.bottom + 40.0], title);
}

/// The y axis left of `area`, with grid lines; its title is centred `across` pixels from the left.
pub(in crate::report) fn draw_y(canvas: &mut Canvas, ruler: &Ruler, area: Area, across: f64, title: &str) {
    for &tick in &ruler.ticks {
        let at = ruler.at(tick, [area.bottom, area.top]);
        canvas.line("grid", [area.left, at], [area.right, at]);
        canvas.text("small", Anchor::End, [area.left - 8.0, at + 4.0], &ruler.label(tick));
    }
    canvas.turned_text("", [across, (area.top + area.bottom) / 2.0], -90.0, title);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The axis for `values`: its ends hold them, and so do its ticks, or all but a step of them.
    #[track_caller]
    fn ruler(axis: Axis, values: &[f64]) -> Ruler {
        let ruler = axis.ruler(values.iter().copied());
        assert!(values.iter().all(|value| ruler.holds(*value)), "{values:?} {ruler:?}");
        assert!(ruler.from < ruler.to && (2..=14).contains(&ruler.ticks.len()), "{ruler:?}");
        assert!(ruler.ticks.iter().all(|tick| ruler.holds(*tick)) && ruler.ticks.is_sorted(), "{ruler:?}");
        ruler
    }

    fn labels(ruler: &Ruler) -> Vec<String> {
        ruler.ticks.iter().map(|tick| ruler.label(*tick)).collect()
    }

    #[test]
    fn linear_ticks_are_round() {
        assert_eq!(labels(&ruler(Axis::linear(""), &[0.3, 9.2])), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(
            labels(&ruler(Axis::linear(""), &[0.951, 0.969])),
            ["0.950", "0.955", "0.960", "0.965", "0.970"]
        );
        assert_eq!(labels(&ruler(Axis::linear("").starting_at(0.0), &[2.5e6]))[..2], ["0", "5×10⁵"]);
        assert_eq!(labels(&ruler(Axis::linear(""), &[1e-6, 3e-6]))[..2], ["10⁻⁶", "1.5×10⁻⁶"]);
        assert_eq!(labels(&ruler(Axis::linear(""), &[-1.0, 1.0])), ["−1.0", "−0.5", "0.0", "0.5", "1.0"]);
    }

    #[test]
    fn logarithmic_ticks_are_one_two_five() {
        assert_eq!(labels(&ruler(Axis::log10(""), &[0.7, 12.0])), ["0.5", "1", "2", "5", "10", "20"]);
        assert_eq!(labels(&ruler(Axis::log10(""), &[1e-6, 1e2]))[..2], ["10⁻⁶", "10⁻⁵"]);
        assert_eq!(labels(&ruler(Axis::log10(""), &[3.0])), ["2", "5"]);
        assert_eq!(labels(&ruler(Axis::log10(""), &[1e6, 5e6])), ["10⁶", "2×10⁶", "5×10⁶"]);
        assert_eq!(labels(&ruler(Axis::log2(""), &[3.0, 40.0])), ["2", "4", "8", "16", "32", "64"]);
        assert!(ruler(Axis::log10("").starting_at(0.9).ending_at(0.99), &[0.95]).ticks.len() > 3);
        ruler(Axis::log10(""), &[1e-30, 1e30]);
        ruler(Axis::log2(""), &[1e-30, 1e30]);
    }

    #[test]
    fn nothing_and_nonsense_make_an_axis_too() {
        for scale in [Scale::Linear, Scale::Log2, Scale::Log10] {
            ruler(Axis::new(scale, ""), &[]);
            let found = Axis::new(scale, "").ruler([f64::NAN, f64::INFINITY, -0.0, 1e308, -1e308, 1e-310]);
            assert!(found.from.is_finite() && found.from < found.to, "{found:?}");
            for value in [1e-6, 7.0, 1e6] {
                ruler(Axis::new(scale, ""), &[value, value]);
            }
        }
        ruler(Axis::linear(""), &[0.0]);
        ruler(Axis::linear(""), &[-5.0]);
    }

    #[test]
    fn values_find_their_places() {
        let ruler = Axis::log10("").ruler([1.0, 100.0]);
        assert_eq!(
            [1.0, 10.0, 100.0].map(|value| ruler.at(value, [50.0, 250.0]).round()),
            [50.0, 150.0, 250.0]
        );
        assert_eq!(ruler.held(0.0, [50.0, 250.0]), 50.0);
        assert_eq!(ruler.held(1e9, [50.0, 250.0]), 250.0);
        let ticked = Axis::log10("").with_ticks(&[10.0, 30.0, 100.0]).ruler([20.0, 200.0]);
        assert_eq!((ticked.from, ticked.to, ticked.ticks.len()), (10.0, 200.0, 3));
    }
}
