//! The paper's figures. The same results make the same bytes.

use super::{mean_and_deviation, title};
use crate::experiments::paper::beyond::Beyond;
use crate::experiments::paper::clock::Seconds;
use crate::experiments::paper::fig1::{Cell, Fig1};
use crate::experiments::paper::fig2::Fig2;
use crate::experiments::paper::fig3::Fig3;
use crate::experiments::paper::numbers;
use crate::experiments::statistics::{Sample, Spread};
use crate::experiments::sweep::run::Outcome;
use crate::report::plot::{Axis, Bar, Bars, Chart, Group, Look, Point, Rule, Series, Span};

const OPEN: &str = "Open markers: not every run got there; the mean is that of those that did.";

/// The panels of Fig. 1: epochs to the target, and each algorithm's time over SGD's.
pub fn fig1(fig1: &Fig1) -> Vec<String> {
    let sizes: Vec<f64> = sizes(fig1);
    let x = || Axis::log10("hidden units").with_ticks(&sizes);
    let mut epochs = Chart::new("Epochs to 96 %", x(), Axis::log10("epochs, mean and standard deviation"));
    epochs.about =
        format!("Training time under each algorithm by network size, with {}.", title(fig1.preset));
    epochs.note = OPEN.to_owned();
    let mut ratio = Chart::new("Epochs over SGD's", x(), Axis::linear("ratio of means").starting_at(0.0));
    ratio.about = "The same, divided by SGD's.".to_owned();
    ratio.rules = vec![Rule { y: 1.0, label: "SGD".to_owned() }];
    for (place, algorithm) in fig1.preset.algorithms().into_iter().enumerate() {
        let of_it = || fig1.cells.iter().filter(move |cell| cell.algorithm.label == algorithm.label);
        epochs.series.push(series(
            algorithm.label,
            algorithm.entry.name,
            place,
            of_it().map(point).collect(),
        ));
        if place > 0 {
            let points = of_it().filter_map(|cell| over_sgd(fig1, cell)).collect();
            ratio.series.push(series(algorithm.label, algorithm.entry.name, place, points));
        }
    }
    vec![epochs.svg(), ratio.svg()]
}

/// Fig. 1 in seconds: epochs to the target times what an epoch costs.
pub fn fig1_seconds(fig1: &Fig1, seconds: &[Seconds]) -> String {
    let x = Axis::log10("hidden units").with_ticks(&sizes(fig1));
    let mut chart = Chart::new("Seconds of training to 96 %, on one core", x, Axis::log10("seconds"));
    chart.about = "Mean epochs to the target, times the seconds of an epoch.".to_owned();
    chart.note = OPEN.to_owned();
    for (place, algorithm) in fig1.preset.algorithms().into_iter().enumerate() {
        let of_it = fig1.cells.iter().filter(|cell| cell.algorithm.label == algorithm.label);
        let scaled = of_it.filter_map(|cell| {
            let is_it = |one: &&Seconds| one.hidden == cell.hidden && one.label == algorithm.label;
            let epoch = seconds.iter().find(is_it)?.epoch;
            let at = point(cell);
            Some(Point { y: at.y * epoch, error: at.error.map(|error| error * epoch), ..at })
        });
        chart.series.push(series(algorithm.label, algorithm.entry.name, place, scaled.collect()));
    }
    chart.svg()
}

fn sizes(fig1: &Fig1) -> Vec<f64> {
    fig1.sizes().into_iter().map(|hidden| hidden as f64).collect()
}

/// A series called `name` that looks like `optimizer`.
fn series(name: &str, optimizer: &str, place: usize, points: Vec<Point>) -> Series {
    Series { look: Look::of(optimizer, place), ..Series::points(name, place, points) }
}

fn point(cell: &Cell) -> Point {
    let sample = cell.best().sample();
    let at = Point::new(cell.hidden as f64, sample.mean.unwrap_or(f64::INFINITY));
    let at = sample.deviation.map_or(at, |deviation| at.with_error(deviation));
    if sample.hits < cell.best().runs.len() { at.opened() } else { at }
}

/// A cell's mean over that of SGD at the same size; its error from the relative deviations of both, as if their runs had
/// nothing in common.
fn over_sgd(fig1: &Fig1, cell: &Cell) -> Option<Point> {
    let sgd = fig1.cells.iter().find(|one| one.hidden == cell.hidden && one.algorithm.label == "SGD")?;
    let (ours, theirs) = (cell.best().sample(), sgd.best().sample());
    let ratio = ours.mean? / theirs.mean?;
    let share = |sample: &Sample| Some((sample.deviation? / sample.mean?).powi(2));
    let at = Point { y: ratio, error: None, ..point(cell) };
    Some(match share(&ours).zip(share(&theirs)) {
        Some((a, b)) => at.with_error(ratio * (a + b).sqrt()),
        None => at,
    })
}

/// Fig. 2: the smallest networks, ours beside the paper's.
pub fn fig2(fig2: &Fig2) -> String {
    let y = Axis::linear("hidden units").starting_at(0.0);
    let mut bars = Bars::new("The smallest hidden layer that reaches 96 %", y, &["here", "the paper"]);
    bars.about = format!("Mean and standard deviation over runs, with {}.", title(fig2.preset));
    for (place, algorithm) in fig2.preset.algorithms().into_iter().enumerate() {
        let ours = Sample::of(&fig2.smallest(algorithm.label));
        let ours = ours.mean.map(|mean| Bar::new(mean, ours.deviation));
        let paper =
            numbers::smallest(algorithm.label).map(|paper| Bar::new(paper.mean, Some(paper.deviation)));
        let look = Look::of(algorithm.entry.name, place);
        bars.groups.push(Group { look, ..Group::new(algorithm.label, place, vec![ours, paper]) });
    }
    bars.svg()
}

/// The panels of Fig. 3: test accuracy under DLR and at its mean rates, and these rates.
pub fn fig3(fig3: &Fig3) -> Vec<String> {
    let x = || Axis::linear("epochs").starting_at(0.0);
    let mut accuracy =
        Chart::new("Test accuracy", x(), Axis::linear("%, median of runs").starting_at(88.0).ending_at(98.0));
    accuracy.about = "The median of test accuracy over training, and the quartiles around it.".to_owned();
    accuracy.rules = vec![Rule { y: 96.0, label: "96 %".to_owned() }];
    for (place, (name, look, runs)) in
        [("DLR", "dlr", &fig3.dlr), ("SGD at DLR's mean rates", "sgd-rates", &fig3.mean_rate)]
            .into_iter()
            .enumerate()
    {
        let (points, band) = curve(fig3, runs);
        let curve = Series::curve(name, place, points).with_band(band);
        accuracy.series.push(Series { look: Look::of(look, place), ..curve });
    }
    let mut rates = Chart::new("DLR's mean learning rate", x(), Axis::linear("rate").starting_at(0.0));
    rates.about = "DLR's mean rate in each layer, and a exp(b t^(1/3) + c t) + d fitted to it.".to_owned();
    let epoch = |test: usize| test.checked_sub(1).map_or(0.0, |test| fig3.epoch(test));
    for (layer, name) in ["first layer", "second layer"].into_iter().enumerate() {
        let found = fig3.rates.iter().enumerate().map(|(test, rates)| Point::new(epoch(test), rates[layer]));
        let fitted = (0..fig3.rates.len()).map(|test| {
            let images = test.checked_sub(1).map_or(0, |test| fig3.images(test)) as f64;
            Point::new(epoch(test), fig3.fits[layer].curve.at(images))
        });
        rates.series.push(Series::curve(name, 2 * layer, found.collect()));
        rates.series.push(Series::curve(format!("{name}, fit"), 2 * layer + 1, fitted.collect()));
    }
    vec![accuracy.svg(), rates.svg()]
}

fn curve(fig3: &Fig3, runs: &[Outcome]) -> (Vec<Point>, Vec<Span>) {
    let spreads = Fig3::accuracies(runs);
    let at = |(test, spread): (usize, &Spread)| Point::new(fig3.epoch(test), 100.0 * spread.median);
    let around = |(test, spread): (usize, &Spread)| Span {
        x: fig3.epoch(test),
        low: 100.0 * spread.first_quartile,
        high: 100.0 * spread.third_quartile,
    };
    (spreads.iter().enumerate().map(at).collect(), spreads.iter().enumerate().map(around).collect())
}

/// What the paper leaves open: a picture for each size.
pub fn beyond(beyond: &Beyond) -> Vec<String> {
    let mut sizes: Vec<usize> = beyond.cells.iter().map(|cell| cell.hidden).collect();
    sizes.dedup();
    let picture = |hidden: usize| {
        let y = Axis::linear("epochs to 96 %").starting_at(0.0);
        let mut bars = Bars::new(format!("{hidden} hidden units"), y, &["here"]);
        bars.decimals = 2;
        bars.size = [900.0, bars.size[1]];
        bars.about = format!("Epochs to the target under each optimizer, with {}.", title(beyond.preset));
        let cells = beyond.cells.iter().filter(|cell| cell.hidden == hidden);
        for (place, cell) in cells.enumerate() {
            let sample = cell.tried.sample();
            let bar = sample.mean.map(|mean| Bar::new(mean, sample.deviation));
            let runs = cell.tried.runs.len();
            let name = match sample.hits {
                hits if hits < runs => format!("{} ({hits}/{runs})", cell.rival.label),
                _ => cell.rival.label.to_owned(),
            };
            let look = Look::of(cell.rival.label, place);
            bars.groups.push(Group { look, ..Group::new(name, place, vec![bar]) });
        }
        bars.svg()
    };
    sizes.into_iter().map(picture).collect()
}

/// Fig. 1 as a table: sizes and labels, and each cell in words.
pub(super) fn fig1_cells(fig1: &Fig1) -> Vec<Vec<String>> {
    let columns = fig1.preset.algorithms().len();
    let row = |cells: &[Cell]| {
        let words =
            cells.iter().map(|cell| mean_and_deviation(&cell.best().sample(), cell.best().runs.len()));
        std::iter::once(cells[0].hidden.to_string()).chain(words).collect()
    };
    fig1.cells.chunks(columns).map(row).collect()
}
