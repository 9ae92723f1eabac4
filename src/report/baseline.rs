//! An earlier profile, read back to compare a new one with.

use super::machine::Engine;
use super::profile::SCHEMA;
use super::summary::percent;
use crate::data::Dataset;
use crate::error::{Error, Result};
use crate::experiments::profile::{Cell, LEAST_ROUNDS, Profile};
use crate::experiments::statistics::Spread;
use crate::memory;
use crate::text::{name, readable};
use serde::Deserialize;
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What is wanted of a profile that was saved.
#[derive(Clone, Debug)]
pub struct Baseline {
    path: PathBuf,
    machine: Machine,
    data: Data,
    cells: Vec<Saved>,
}

/// The machine and the build that it comes from.
#[derive(Clone, Debug, Deserialize)]
struct Machine {
    cpu: String,
    simd: String,
    profile: String,
}

/// The data that it was measured on.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Data {
    data: String,
    inputs: usize,
    classes: usize,
    train_images: usize,
}

/// A cell, and its nanoseconds for an image.
#[derive(Clone, Debug, Deserialize)]
struct Saved {
    #[serde(flatten)]
    cell: Cell,
    rounds: u64,
    ns: Spread,
}

/// A cell then and now.
#[derive(Clone, Debug)]
pub struct Compared {
    /// The cell.
    pub cell: Cell,
    /// Nanoseconds for an image then.
    pub then: Spread,
    /// Nanoseconds for an image now.
    pub now: Spread,
}

/// No profile of ours is larger: a kilobyte for each of some thousand cells.
const MAX_BYTES: u64 = 16 << 20;

const CURE: &str = "give --baseline a file that `dlr profile --json` has written";

impl Baseline {
    /// Reads what `dlr profile --json` has written.
    ///
    /// # Errors
    /// [`Error::Read`] if the file can't be read; [`Error::Data`] if it is no such profile.
    pub fn read(path: &Path) -> Result<Self> {
        let failed = |source| Error::Read { path: path.to_owned(), source, cure: CURE };
        let meta = fs::metadata(path).map_err(failed)?;
        if !meta.is_file() {
            return Err(Error::data(path, "not a file", CURE));
        }
        if meta.len() > MAX_BYTES {
            return Err(Error::data(
                path,
                format!("{} bytes are more than any profile has", meta.len()),
                CURE,
            ));
        }
        Self::from_bytes(path, &memory::attempt(|| fs::read(path)).map_err(failed)?)
    }

    /// The same from the bytes of a file, which errors call `path`.
    ///
    /// # Errors
    /// [`Error::Data`] if it is no such profile.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> Result<Self> {
        let (machine, data, cells) = parse(bytes).map_err(|problem| Error::data(path, problem, CURE))?;
        Ok(Self { path: path.to_owned(), machine, data, cells })
    }

    /// Whether it was measured on `data`.
    ///
    /// # Errors
    /// [`Error::Data`] if it was not.
    pub fn check_data(&self, data: &Dataset) -> Result<()> {
        let now = Data {
            data: data.name.clone(),
            inputs: data.inputs,
            classes: data.classes,
            train_images: data.train.len(),
        };
        if self.data == now {
            return Ok(());
        }
        let told = |data: &Data| {
            let Data { data, inputs, classes, train_images } = data;
            format!("{data} ({train_images} images of {inputs} inputs, {classes} classes)")
        };
        let problem = format!("measured on {}, but this is {}", told(&self.data), told(&now));
        Err(Error::data(&self.path, problem, "give another --baseline, or its --data"))
    }

    /// Whether its times are from rounds enough for a verdict.
    ///
    /// # Errors
    /// [`Error::Data`] if they are not.
    pub fn check_rounds(&self) -> Result<()> {
        match self.cells.iter().map(|cell| cell.rounds).min() {
            Some(rounds) if rounds < LEAST_ROUNDS => {
                let problem = format!(
                    "measured in {rounds} rounds, too few for --fail-if-slower, which wants {LEAST_ROUNDS}"
                );
                Err(Error::data(&self.path, problem, "measure it again without --rounds"))
            }
            _ => Ok(()),
        }
    }

    /// What makes it another machine's or build's than `engine`.
    pub fn warning(&self, engine: &Engine) -> Option<String> {
        let Machine { cpu, simd, profile } = &self.machine;
        let then = (&**cpu, &**simd, &**profile);
        let now = (&*engine.cpu, engine.simd, engine.profile);
        (then != now).then(|| {
            let then = (readable(cpu), readable(simd), readable(profile));
            format!(
                "{} was measured on {} with {} ({} build), this is {} with {} ({} build): their times differ for that alone",
                name(&self.path), then.0, then.1, then.2, now.0, now.1, now.2
            )
        })
    }

    /// The cells that are in both.
    ///
    /// # Errors
    /// [`Error::Data`] if there are none.
    pub fn compare(&self, profile: &Profile) -> Result<Vec<Compared>> {
        let compared: Vec<_> = profile
            .cells
            .iter()
            .filter_map(|now| {
                let then = self.cells.iter().find(|then| then.cell == now.cell)?.ns;
                Some(Compared { cell: now.cell.clone(), then, now: now.whole })
            })
            .collect();
        self.check(&compared.iter().map(|compared| compared.cell.clone()).collect::<Vec<_>>())?;
        Ok(compared)
    }

    /// Whether it has any of `cells`: to be asked before they are measured.
    ///
    /// # Errors
    /// [`Error::Data`] if it has none.
    pub fn check(&self, cells: &[Cell]) -> Result<()> {
        if cells.iter().any(|cell| self.cells.iter().any(|saved| saved.cell == *cell)) {
            return Ok(());
        }
        let problem = "none of the optimizers, sizes, batches and threads asked for is in it";
        Err(Error::data(&self.path, problem, "ask for what it has, or give another --baseline"))
    }
}

fn parse(bytes: &[u8]) -> std::result::Result<(Machine, Data, Vec<Saved>), String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "not text".to_owned())?;
    let (mut head, mut cells): (Option<(Machine, Data)>, Vec<Saved>) = (None, Vec::new());
    for (number, line) in (1..).zip(text.lines()) {
        let value: Value = serde_json::from_str(line).map_err(|_| format!("line {number} is not JSON"))?;
        match value["schema"].as_str() {
            Some(SCHEMA) => {}
            Some(other) => {
                return Err(format!("line {number} has the schema {other:?}, expected {SCHEMA:?}"));
            }
            None => return Err(format!("line {number} has no schema, expected {SCHEMA:?}")),
        }
        let damaged = |error: serde_json::Error| format!("line {number} is damaged: {error}");
        match value["kind"].as_str() {
            Some("machine") if number == 1 => {
                let machine = Machine::deserialize(&value["engine"]).map_err(damaged)?;
                head = Some((machine, Data::deserialize(&value).map_err(damaged)?));
            }
            Some("cell") => {
                let saved = Saved::deserialize(&value).map_err(damaged)?;
                let Spread { least, first_quartile, median, third_quartile } = saved.ns;
                let times = [least, first_quartile, median, third_quartile];
                if !(times[0] > 0.0 && times.is_sorted()) {
                    return Err(format!("line {number} is damaged: {times:?} are no quartiles"));
                }
                if cells.iter().any(|earlier| earlier.cell == saved.cell) {
                    return Err(format!("line {number} has a cell that an earlier line has"));
                }
                cells.push(saved);
            }
            _ => return Err(format!("line {number} is of a kind that does not belong there")),
        }
    }
    match head {
        Some((machine, data)) if !cells.is_empty() => Ok((machine, data, cells)),
        Some(_) => Err("it holds no measurement".to_owned()),
        None => Err("its first line does not tell the machine".to_owned()),
    }
}

impl Compared {
    /// How many times as long it takes now, by the medians.
    pub fn times(&self) -> f64 {
        self.now.median / self.then.median
    }

    /// Whether it is slower by more than `share`, and not by chance: by its median as well as by its least time, and so
    /// that the middle halves of both measurements lie apart. What disturbs a measurement makes it longer, so that one
    /// disturbed median alone proves nothing.
    pub fn is_slower(&self, share: f64) -> bool {
        let slower = |now: f64, then: f64| now > then * (1.0 + share);
        slower(self.now.median, self.then.median)
            && slower(self.now.least, self.then.least)
            && self.now.first_quartile > self.then.third_quartile
    }
}

/// What has become slower by more than `share` in one line, or that nothing has; and each cell's change.
pub fn comparison(compared: &[Compared], share: Option<f64>) -> String {
    let mut text = String::new();
    for one in compared {
        let Cell { optimizer, hidden, batch, threads } = &one.cell;
        let verdict = if share.is_some_and(|share| one.is_slower(share)) { ", SLOWER" } else { "" };
        writeln!(
            text,
            "{optimizer}, hidden {hidden}, batch {batch}, threads {threads}: {:.0} ns then, {:.0} ns now, {:+.1} %{verdict}",
            one.then.median,
            one.now.median,
            100.0 * (one.times() - 1.0)
        )
        .expect("a string takes all");
    }
    let slower = |share: f64| compared.iter().filter(|one| one.is_slower(share)).count();
    if let Some(share) = share {
        let found = format!(
            "{} of {} cells are slower by more than {}",
            slower(share),
            compared.len(),
            percent(share)
        );
        writeln!(text, "{found}").expect("a string takes all");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(least: f64, first_quartile: f64, median: f64, third_quartile: f64) -> Spread {
        Spread { least, first_quartile, median, third_quartile }
    }

    #[test]
    fn slower_is_what_is_so_by_every_measure() {
        let cell = Cell { optimizer: "sgd".into(), hidden: 30, batch: 1, threads: 1 };
        let then = spread(90.0, 95.0, 100.0, 110.0);
        let is_slower = |now| Compared { cell: cell.clone(), then, now }.is_slower(0.05);
        assert!(is_slower(spread(100.0, 112.0, 115.0, 120.0)));
        assert!(!is_slower(spread(94.0, 112.0, 115.0, 120.0)), "its least time is not");
        assert!(!is_slower(spread(100.0, 109.0, 115.0, 120.0)), "the middle halves meet");
        assert!(!is_slower(then));
    }

    #[test]
    fn what_is_no_profile_is_refused() {
        let head = r#"{"schema":"dlr-profile/1","kind":"machine","engine":{"cpu":"c","simd":"s","profile":"release"},"data":"d","inputs":4,"classes":2,"train_images":9}"#;
        let cell = r#"{"schema":"dlr-profile/1","kind":"cell","optimizer":"sgd","hidden":30,"batch":1,"threads":1,"rounds":5,"ns":{"least":1,"first_quartile":2,"median":3,"third_quartile":4}}"#;
        assert!(parse(format!("{head}\n{cell}\n").as_bytes()).is_ok());
        let cases = [
            (String::new(), "its first line does not tell the machine"),
            (head.to_owned(), "it holds no measurement"),
            (cell.to_owned(), "its first line does not tell the machine"),
            (format!("{head}\n{cell}\n{cell}"), "line 3 has a cell that an earlier line has"),
            (format!("{head}\n{}", &cell[..100]), "line 2 is not JSON"),
            (cell.replace("profile/1", "profile/2"), "line 1 has the schema \"dlr-profile/2\""),
            ("{}".to_owned(), "line 1 has no schema"),
            (format!("{head}\n{head}"), "line 2 is of a kind"),
            (format!("{head}\n{}", cell.replace("\"least\":1", "\"least\":5")), "line 2 is damaged"),
            (
                format!("{head}\n{}", cell.replace("\"least\":1,", "")),
                "line 2 is damaged: missing field `least`",
            ),
        ];
        for (text, problem) in cases {
            let found = parse(text.as_bytes()).unwrap_err();
            assert!(found.starts_with(problem), "{found:?} for {problem:?}");
        }
    }
}
