//! A comparison as a table for people, as JSON lines, and as a picture.

use super::machine::Engine;
use super::plot::{Axis, Chart, Look, Point, Rule, Series, Span};
use super::summary::{line, percent};
use crate::data::Dataset;
use crate::engine::trainer::Stop;
use crate::experiments::compare::{Comparison, Contestant};
use crate::experiments::statistics::bootstrap::{self, Interval};
use crate::experiments::statistics::paired::{Paired, holm};
use crate::experiments::statistics::{Sample, Spread};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The optimizer that all others are set beside.
const SGD: &str = "sgd";
/// What the first column has.
const HEADING: &str = "epochs to target";

/// The version of the JSON lines' form.
pub const SCHEMA: &str = "dlr-compare/1";

/// What the runs say about one contestant.
struct Verdict<'a> {
    contestant: &'a Contestant,
    epochs: Sample,
    median: Option<Interval>,
    /// The ratio of its median to SGD's, if that is defined; `None` for SGD itself, or if there is no SGD.
    ratio: Option<Option<Interval>>,
    /// The paired tests against SGD and against the best, each with its p by Holm's correction.
    beside_sgd: Option<(Paired, f64)>,
    beside_best: Option<(Paired, f64)>,
}

/// Where SGD stands, if it is there, rather with its defaults than with other numbers; and who is best: the least median, then the
/// most hits, then the least mean.
fn places(found: &Comparison) -> (Option<usize>, usize) {
    let place = |is_it: &dyn Fn(&Contestant) -> bool| found.contestants.iter().position(is_it);
    let sgd = place(&|one| one.label == SGD).or_else(|| place(&|one| one.settings.optimizer.name() == SGD));
    let merit = |one: &Contestant| {
        let sample = Sample::of(&one.epochs());
        let late = |value: Option<f64>| value.unwrap_or(f64::INFINITY);
        (late(sample.median), late(sample.mean), one.runs.len() - sample.hits)
    };
    let best = found.contestants.iter().enumerate().min_by(|(_, a), (_, b)| {
        let (a, b) = (merit(a), merit(b));
        a.0.total_cmp(&b.0).then(a.2.cmp(&b.2)).then(a.1.total_cmp(&b.1))
    });
    (sgd, best.map_or(0, |(place, _)| place))
}

fn verdicts(found: &Comparison) -> Vec<Verdict<'_>> {
    let (sgd, best) = places(found);
    let all: Vec<Vec<Option<f64>>> = found.contestants.iter().map(Contestant::epochs).collect();
    // Each beside the one in that place, which is not tested against itself, and the corrected p of these tests.
    let beside = |other: Option<usize>| -> Vec<Option<(Paired, f64)>> {
        let test = |place: usize| {
            other.filter(|&other| other != place).map(|other| Paired::of(&all[place], &all[other]))
        };
        let tests: Vec<Option<Paired>> = (0..all.len()).map(test).collect();
        let p: Vec<f64> = tests.iter().flatten().map(|test| test.p).collect();
        let mut corrected = holm(&p).into_iter();
        tests
            .into_iter()
            .map(|test| test.map(|test| (test, corrected.next().expect("a p for each test"))))
            .collect()
    };
    let mut verdicts = Vec::new();
    for (place, (beside_sgd, beside_best)) in beside(sgd).into_iter().zip(beside(Some(best))).enumerate() {
        verdicts.push(Verdict {
            contestant: &found.contestants[place],
            epochs: Sample::of(&all[place]),
            median: bootstrap::median(&all[place]),
            ratio: sgd
                .filter(|&sgd| sgd != place)
                .map(|sgd| bootstrap::ratio_of_medians(&all[place], &all[sgd])),
            beside_sgd,
            beside_best,
        });
    }
    verdicts
}

/// The comparison for people.
pub fn table(found: &Comparison, data: &Dataset, engine: &Engine) -> String {
    let settings = &found.contestants[0].settings;
    let target = settings.target.expect("a comparison has a target");
    let mut out = String::new();
    let network = format!("{} on {}", settings.hidden.between(data.inputs, data.classes), data.name);
    line(&mut out, "network", &network);
    line(&mut out, "settings", &settings.details());
    let (first, last) = (found.seeds[0], found.seeds[found.seeds.len() - 1]);
    line(&mut out, "seeds", &format!("{first} to {last}, the same for each optimizer"));
    line(&mut out, "target", &format!("above {} within {} epochs", percent(target), settings.epochs));
    let timed = found.contestants.iter().all(|one| one.seconds_per_epoch().is_some());

    let names: Vec<&str> = found.contestants.iter().map(|one| one.label.as_str()).collect();
    let width = names.iter().map(|name| name.len()).max().unwrap_or_default().max(HEADING.len());
    write!(
        out,
        "\n{:width$}  {:>7}  {:>22}  {:>14}  {:>20}  {:>7}  {:>7}",
        HEADING, "hits", "median", "mean", "ratio to sgd", "p, sgd", "p, best"
    )
    .expect("a string takes all");
    if timed {
        out += "   s/epoch   train s    wall s";
    }
    out.push('\n');
    for verdict in verdicts(found) {
        let Verdict { contestant, epochs, .. } = &verdict;
        let hits = format!("{}/{}", epochs.hits, contestant.runs.len());
        let undefined = || "-".to_owned();
        let ratio = verdict.ratio.as_ref().map(|ratio| ratio.as_ref().map_or_else(undefined, interval));
        let ratio = ratio.unwrap_or_default();
        write!(
            out,
            "{:width$}  {hits:>7}  {:>22}  {:>14}  {ratio:>20}  {:>7}  {:>7}",
            contestant.label,
            verdict.median.as_ref().map_or_else(|| late(epochs.median), interval),
            mean(epochs),
            chance(verdict.beside_sgd),
            chance(verdict.beside_best),
        )
        .expect("a string takes all");
        if timed {
            let clock = |clock| {
                let seconds = contestant.seconds(clock).map(|seconds| Sample::of(&seconds).median);
                seconds.flatten().map_or_else(|| "inf".to_owned(), |seconds| format!("{seconds:.3}"))
            };
            let epoch = contestant.seconds_per_epoch().unwrap_or_default();
            write!(
                out,
                "  {epoch:>8.4}  {:>8}  {:>8}",
                clock(|times| times.train_s),
                clock(|times| times.wall_s)
            )
            .expect("a string takes all");
        }
        out.push('\n');
    }
    out.push('\n');
    let (sgd, _) = places(found);
    if let Some(Contestant { label, .. }) =
        sgd.map(|place| &found.contestants[place]).filter(|sgd| sgd.label != SGD)
    {
        line(&mut out, "sgd", &format!("{label:?} stands for it in ratios and p"));
    }
    for Contestant { label, runs, .. } in &found.contestants {
        let diverged = runs.iter().filter(|(outcome, _)| outcome.stop == Stop::Diverged).count();
        if diverged > 0 {
            line(&mut out, "diverged", &format!("{diverged} of {} runs of {label}", runs.len()));
        }
    }
    if !timed {
        line(
            &mut out,
            "times",
            "not measured for every run; --jobs 1, with a new --journal if there is one, measures them",
        );
    }
    line(&mut out, "engine", &engine.to_string());
    out
}

fn late(value: Option<f64>) -> String {
    value.map_or_else(|| "inf".to_owned(), |value| format!("{value:.2}"))
}

fn interval(interval: &Interval) -> String {
    format!("{} ({} - {})", late(interval.estimate), late(interval.low), late(interval.high))
}

fn mean(sample: &Sample) -> String {
    let Some(mean) = sample.mean else { return "-".to_owned() };
    let deviation = sample.deviation.map_or_else(String::new, |deviation| format!(" +- {deviation:.2}"));
    format!("{mean:.2}{deviation}")
}

fn chance(test: Option<(Paired, f64)>) -> String {
    test.map_or_else(String::new, |(_, p)| if p < 0.001 { format!("{p:.0e}") } else { format!("{p:.3}") })
}

fn test(test: Option<(Paired, f64)>) -> Option<Value> {
    test.map(|(paired, p_holm)| json!({ "test": paired, "p_holm": p_holm }))
}

/// The comparison for programs: a line about all, a line for each optimizer, and a line for each run.
pub fn json_lines(found: &Comparison, data: &Dataset, engine: &Engine) -> String {
    let (sgd, best) = places(found);
    let label = |place: usize| &found.contestants[place].label;
    let mut lines = vec![json!({
        "schema": SCHEMA,
        "protocol": crate::engine::trainer::PROTOCOL,
        "engine": engine,
        "data": { "name": data.name, "sha256": data.hashes },
        "seeds": found.seeds,
        "sgd": sgd.map(label),
        "best": label(best),
    })];
    lines.extend(verdicts(found).iter().map(|verdict| {
        let contestant = verdict.contestant;
        let seconds = |clock| contestant.seconds(clock).map(|seconds| Sample::of(&seconds).median);
        json!({
            "optimizer": contestant.label,
            "config": without_seed(contestant),
            "runs": contestant.runs.len(),
            "hits": verdict.epochs.hits,
            "epochs_to_target": {
                "median": verdict.epochs.median,
                "median_interval": verdict.median,
                "mean_of_hits": verdict.epochs.mean,
                "standard_deviation": verdict.epochs.deviation,
            },
            "ratio_to_sgd": verdict.ratio,
            "beside_sgd": test(verdict.beside_sgd),
            "beside_best": test(verdict.beside_best),
            "seconds_per_epoch": contestant.seconds_per_epoch(),
            "train_s_to_target": seconds(|times| times.train_s),
            "wall_s_to_target": seconds(|times| times.wall_s),
        })
    }));
    for contestant in &found.contestants {
        lines.extend(found.seeds.iter().zip(&contestant.runs).map(|(seed, (outcome, times))| {
            json!({ "optimizer": contestant.label, "seed": seed, "outcome": outcome, "times": times })
        }));
    }
    lines.iter().fold(String::new(), |text, line| text + &line.to_string() + "\n")
}

fn without_seed(contestant: &Contestant) -> Value {
    let mut config = serde_json::to_value(&contestant.settings).expect("settings are JSON");
    config.as_object_mut().map(|config| config.remove("seed"));
    config
}

/// The picture: the median of each contestant's test accuracies and the quartiles around it. A run that has ended keeps its
/// last accuracy; a curve ends where more than half of its runs have.
pub fn svg(found: &Comparison) -> String {
    let settings = &found.contestants[0].settings;
    let target = settings.target.expect("a comparison has a target");
    let x = Axis::linear("epochs").starting_at(0.0);
    // The last percents are what it is about.
    let y = Axis::linear("%, median of runs").starting_at((100.0 * target - 12.0).max(0.0));
    let mut chart = Chart::new("Test accuracy", x, y);
    chart.about = format!("Test accuracy over training, {} runs each.", found.seeds.len());
    chart.rules = vec![Rule { y: 100.0 * target, label: percent(target) }];
    for (place, contestant) in found.contestants.iter().enumerate() {
        let (points, band) = curve(contestant);
        let curve = Series::curve(contestant.label.as_str(), place, points).with_band(band);
        let look = match contestant.label.as_str() {
            label if label.contains(' ') => curve.look, // several may have one optimizer
            _ => Look::of(contestant.settings.optimizer.name(), place),
        };
        chart.series.push(Series { look, ..curve });
    }
    chart.svg()
}

fn curve(contestant: &Contestant) -> (Vec<Point>, Vec<Span>) {
    let curves: Vec<&[f64]> = contestant.runs.iter().map(|(outcome, _)| &outcome.curve[..]).collect();
    let longest =
        contestant.runs.iter().map(|(outcome, _)| outcome).max_by_key(|outcome| outcome.curve.len());
    let step = longest.map_or(0.0, |longest| longest.epochs / longest.curve.len().max(1) as f64);
    let lasting =
        |test: &usize| 2 * curves.iter().filter(|curve| curve.len() > *test).count() >= curves.len();
    let (mut points, mut band) = (Vec::new(), Vec::new());
    for test in (0..longest.map_or(0, |longest| longest.curve.len())).take_while(lasting) {
        let now = curves.iter().filter_map(|curve| curve.get(test).or(curve.last()));
        let Some(spread) = Spread::of(now.map(|accuracy| 100.0 * accuracy)) else { continue };
        let epoch = (test + 1) as f64 * step;
        points.push(Point::new(epoch, spread.median));
        band.push(Span { x: epoch, low: spread.first_quartile, high: spread.third_quartile });
    }
    (points, band)
}
