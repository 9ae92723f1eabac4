//! A search for settings as a table for people, as JSON lines, and as a picture.

use super::machine::Engine;
use super::plot::{Axis, Cell, Chart, Heat, Point, Series, beside};
use super::summary::{heading, line, percent};
use crate::data::Dataset;
use crate::engine::optimizer::Shown;
use crate::engine::settings::Settings;
use crate::engine::trainer::PROTOCOL;
use crate::experiments::search::tunability::{BestOf, tunability};
use crate::experiments::search::{Dimension, Scale, Space};
use crate::experiments::spaces::point;
use crate::experiments::tune::{Trial, Tuned};
use serde_json::json;
use std::fmt::Write as _;

/// The version of the JSON lines' form.
pub const SCHEMA: &str = "dlr-tune/1";

/// Parts that each dimension is divided in, to see how much it matters.
const PARTS: usize = 5;

/// A search that is over.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The optimizer's name.
    pub optimizer: &'a str,
    /// The settings of a run at the default.
    pub settings: &'a Settings,
    /// Where was searched.
    pub space: &'a Space,
    /// The seeds of each trial.
    pub seeds: &'a [u64],
    /// What was found.
    pub tuned: &'a Tuned,
    /// Images of an epoch.
    pub per_epoch: u64,
}

impl Search<'_> {
    fn epochs(&self, images: u64) -> f64 {
        images as f64 / self.per_epoch as f64
    }

    /// A trial's epochs to the target; `None` if it was stopped, or never hit.
    fn time(&self, trial: &Trial) -> Option<f64> {
        trial.images.map(|images| self.epochs(images))
    }

    /// What a trial came to, in words.
    fn words(&self, trial: &Trial) -> String {
        match (trial.images, trial.limit) {
            (Some(images), _) => format!("{:.2}", self.epochs(images)),
            (None, Some(limit)) => format!("> {:.2}", self.epochs(limit)),
            (None, None) => "missed".to_owned(),
        }
    }

    /// How good the best of 1, 2, ... trials is. The default, which is tried first, is none of them.
    fn best_of_few(&self) -> Vec<BestOf> {
        let times: Vec<Option<f64>> =
            self.tuned.trials.iter().skip(1).map(|trial| self.time(trial)).collect();
        tunability(&times)
    }

    /// Whether any trial was stopped before its end was known.
    fn was_cut(&self) -> bool {
        self.tuned.trials.iter().any(|trial| trial.images.is_none() && trial.limit.is_some())
    }

    /// For each part of a dimension, from the lowest: the best time there, and the trials.
    fn parts(&self, dimension: usize) -> [(Option<f64>, usize); PARTS] {
        let mut parts = [(None, 0); PARTS];
        for trial in &self.tuned.trials {
            let Some(at) = point(self.space, &trial.hyper) else { continue };
            let part = &mut parts[((at[dimension] * PARTS as f64) as usize).min(PARTS - 1)];
            part.1 += 1;
            part.0 = [part.0, self.time(trial)].into_iter().flatten().reduce(f64::min);
        }
        parts
    }

    /// The search for people.
    pub fn table(&self, data: &Dataset, engine: &Engine) -> String {
        let mut out = heading(self.settings, data);
        let target = self.settings.target.expect("a search has a target");
        line(
            &mut out,
            "target",
            &format!("above {} within {} epochs", percent(target), self.settings.epochs),
        );
        let seeds: Vec<String> = self.seeds.iter().map(u64::to_string).collect();
        line(&mut out, "seeds", &seeds.join(", "));
        line(&mut out, "searched", &self.space.dimensions().iter().map(range).collect::<Vec<_>>().join(", "));
        out += "\nepochs to target, by which more than half of a trial's runs have hit; best first\n";
        let mut order: Vec<&Trial> = self.tuned.trials.iter().collect();
        let late =
            |trial: &Trial| (trial.images.unwrap_or(u64::MAX), u64::MAX - trial.limit.unwrap_or(u64::MAX));
        order.sort_by_key(|trial| late(trial));
        for trial in order {
            writeln!(out, "{:>10}  {}", self.words(trial), trial.hyper).expect("a string takes all");
        }

        out += "\nthe best in each fifth of a number's range, and its trials\n";
        for (place, dimension) in self.space.dimensions().iter().enumerate() {
            write!(out, "{:<10}", dimension.name).expect("a string takes all");
            for (part, (best, trials)) in self.parts(place).into_iter().enumerate() {
                let from = Shown(dimension.value(part as f64 / PARTS as f64));
                let best = best.map_or_else(|| "-".to_owned(), |best| format!("{best:.2}"));
                write!(out, "  from {from}: {best} ({trials})").expect("a string takes all");
            }
            out.push('\n');
        }

        out += "\nthe best of fewer trials, the median over all choices of them\n";
        let few = self.best_of_few();
        let shown = [1, 2, 4, 8, 16, 32, 64, 128, 256].into_iter().filter(|&trials| trials < few.len());
        for trials in shown.chain((!few.is_empty()).then_some(few.len())) {
            let best = &few[trials - 1];
            let median = best.median.map_or_else(|| "none".to_owned(), |median| format!("{median:.2}"));
            let hit = 100.0 * best.hit;
            writeln!(out, "{trials:>10}  {median}, any hit in {hit:.2} %").expect("a string takes all");
        }
        if self.was_cut() {
            out += "            (what was stopped early counts as a miss here; --whole tells it exactly)\n";
        }
        out.push('\n');
        let best = self.tuned.best().map_or_else(
            || "no setting reached the target".to_owned(),
            |best| format!("{}: {} epochs", best.hyper, self.words(best)),
        );
        line(&mut out, "best", &best);
        line(&mut out, "engine", &engine.to_string());
        out
    }

    /// The search for programs: a line about it, and a line for each trial.
    pub fn json_lines(&self, data: &Dataset, engine: &Engine) -> String {
        let ranges: Vec<_> = self
            .space
            .dimensions()
            .iter()
            .map(|one| json!({ "name": one.name, "low": one.low, "high": one.high }))
            .collect();
        let first = json!({
            "schema": SCHEMA,
            "protocol": PROTOCOL,
            "engine": engine,
            "data": { "name": data.name, "sha256": data.hashes },
            "config": self.settings,
            "searched": ranges,
            "seeds": self.seeds,
            "best": self.tuned.best,
            "best_of_fewer": self.best_of_few(),
        });
        let trials = self.tuned.trials.iter().map(|trial| {
            let runs: Vec<_> = trial
                .runs
                .iter()
                .map(|(seed, outcome)| json!({ "seed": seed, "outcome": outcome }))
                .collect();
            json!({
                "setting": trial.hyper,
                "images_to_target": trial.images,
                "epochs_to_target": self.time(trial),
                "limit": trial.limit,
                "runs": runs,
            })
        });
        std::iter::once(first).chain(trials).fold(String::new(), |text, line| text + &line.to_string() + "\n")
    }

    /// The picture: the trials, over one number or as a map over two, and how good the best of few is.
    pub fn svg(&self) -> String {
        let mut best = Chart::new(
            "The best of fewer trials",
            Axis::log2("trials"),
            Axis::linear("epochs to target, median").starting_at(0.0),
        );
        let few = self.best_of_few();
        let points = few.iter().map(|one| Point::new(one.trials as f64, one.median.unwrap_or(f64::NAN)));
        best.series.push(Series::curve(self.optimizer, 0, points.collect()));
        let trials = match self.space.dimensions() {
            [x] => self.over_one(x),
            [x, y, ..] => self.over_two(x, y),
            [] => return best.svg(),
        };
        beside("A search", &[trials, best.svg()])
    }

    fn over_one(&self, x: &Dimension) -> String {
        let axis = if x.scale == Scale::Log { Axis::log10(x.name) } else { Axis::linear(x.name) };
        let mut chart = Chart::new("Trials", axis, Axis::log10("epochs to target"));
        let mut points: Vec<Point> = self
            .tuned
            .trials
            .iter()
            .filter_map(|trial| {
                let at = x.value(point(self.space, &trial.hyper)?[0]);
                Some(Point::new(at, self.time(trial).unwrap_or(f64::INFINITY)))
            })
            .collect();
        points.sort_by(|a, b| a.x.total_cmp(&b.x));
        chart.series.push(Series::points(self.optimizer, 0, points));
        chart.svg()
    }

    /// The best trial in each part of two dimensions.
    fn over_two(&self, x: &Dimension, y: &Dimension) -> String {
        let mut cells = vec![vec![Cell::Missing; PARTS]; PARTS];
        let mut least: Option<(f64, [usize; 2])> = None;
        for trial in &self.tuned.trials {
            let Some(at) = point(self.space, &trial.hyper) else { continue };
            let part = |unit: f64| ((unit * PARTS as f64) as usize).min(PARTS - 1);
            let place = [PARTS - 1 - part(at[1]), part(at[0])];
            let cell = &mut cells[place[0]][place[1]];
            match (self.time(trial), *cell) {
                (Some(time), Cell::Value(best)) if best <= time => {}
                (Some(time), _) => *cell = Cell::Value(time),
                (None, Cell::Missing) => *cell = Cell::Missed,
                (None, _) => {}
            }
            if let Some(time) = self.time(trial)
                && least.is_none_or(|(best, _)| time < best)
            {
                least = Some((time, place));
            }
        }
        let names = |dimension: &Dimension| -> Vec<String> {
            (0..PARTS)
                .map(|part| format!("from {}", Shown(dimension.value(part as f64 / PARTS as f64))))
                .collect()
        };
        let rows: Vec<String> = names(y).into_iter().rev().collect();
        let value = Axis::log10("epochs to target");
        let mut heat = Heat::new("The best trial in each part", value, &names(x), &rows);
        (heat.x_title, heat.y_title) = (x.name.to_owned(), y.name.to_owned());
        (heat.cells, heat.decimals) = (cells, 2);
        heat.best = least.map(|(_, place)| place);
        heat.note =
            "What was stopped early, since it was later than the best by then, counts as no hit.".to_owned();
        heat.svg()
    }
}

fn range(dimension: &Dimension) -> String {
    format!("{} from {} to {}", dimension.name, Shown(dimension.low), Shown(dimension.high))
}
