//! The paper's experiments: as tables, as pictures, and as one page with what became of its claims.
//!
//! | file | what lives there |
//! | --- | --- |
//! | [`tables`] | for people, and as CSV and JSON with a line for each run |
//! | [`pictures`] | the figures, as SVG |
//! | [`claims`] | what the paper says, and whether it holds here |
//! | `page` | all of it in one file of HTML |

pub mod claims;
mod page;
pub mod pictures;
pub mod tables;

use self::tables::Rows;
use super::machine::Engine;
use super::plot::beside;
use crate::data::Dataset;
use crate::experiments::paper::Preset;
use crate::experiments::paper::beyond::Beyond;
use crate::experiments::paper::clock::Seconds;
use crate::experiments::paper::fig1::Fig1;
use crate::experiments::paper::fig2::Fig2;
use crate::experiments::paper::fig3::Fig3;
use crate::experiments::statistics::Sample;

/// What was made under one preset.
#[derive(Clone, Debug)]
pub struct Reproduction {
    /// Whose settings.
    pub preset: Preset,
    /// Whether less was done than there is.
    pub quick: bool,
    /// Fig. 1.
    pub fig1: Option<Fig1>,
    /// Fig. 2.
    pub fig2: Option<Fig2>,
    /// Fig. 3.
    pub fig3: Option<Fig3>,
    /// What the paper leaves open.
    pub beyond: Option<Beyond>,
    /// What an epoch of the networks of Fig. 1 costs here, which is another matter each time.
    pub seconds: Vec<Seconds>,
}

impl Reproduction {
    /// Whether settings were searched for.
    fn has_searches(&self) -> bool {
        self.preset == Preset::Mse || self.beyond.is_some()
    }
}

/// The name of the page.
pub const PAGE: &str = "report.html";

/// The page of everything that was made, and its name.
pub fn page(made: &[Reproduction], data: &Dataset, engine: &Engine) -> (String, String) {
    (PAGE.to_owned(), page::page(made, data, engine))
}

/// All other files: names and contents. They are the same, byte for byte, whenever the same is made by the same build; what
/// was measured by the clock is [apart](timings), and on the page.
pub fn results(made: &[Reproduction]) -> Vec<(String, String)> {
    made.iter().flat_map(files).collect()
}

/// What was measured by the clock, in the same form: names and contents.
pub fn timings(made: &[Reproduction]) -> Vec<(String, String)> {
    let of = |one: &Reproduction| {
        let rows = one.fig1.as_ref().filter(|_| !one.seconds.is_empty()).map(|fig1| {
            let (name, rows) = (one.preset.name(), tables::seconds_data(fig1, &one.seconds));
            [
                (format!("{name}-fig1-seconds.csv"), rows.csv()),
                (format!("{name}-fig1-seconds.jsonl"), rows.json_lines()),
            ]
        });
        rows.into_iter().flatten()
    };
    made.iter().flat_map(of).collect()
}

fn files(made: &Reproduction) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut add =
        |name: &str, content: String| files.push((format!("{}-{name}", made.preset.name()), content));
    let both = |add: &mut dyn FnMut(&str, String), name: &str, rows: &Rows| {
        add(&format!("{name}.csv"), rows.csv());
        add(&format!("{name}.jsonl"), rows.json_lines());
    };
    let mut searches = Vec::new();
    if let Some(fig1) = &made.fig1 {
        both(&mut add, "fig1", &tables::fig1_data(fig1));
        add("fig1.svg", beside("Fig. 1", &pictures::fig1(fig1)));
        searches.extend(
            fig1.cells
                .iter()
                .filter_map(|cell| Some((cell.hidden, cell.algorithm.entry.name, cell.search.as_ref()?))),
        );
    }
    if let Some(fig2) = &made.fig2 {
        both(&mut add, "fig2", &tables::fig2_data(fig2));
        add("fig2.svg", pictures::fig2(fig2));
    }
    if let Some(fig3) = &made.fig3 {
        both(&mut add, "fig3", &tables::fig3_data(fig3));
        both(&mut add, "fig3-runs", &tables::fig3_runs_data(fig3));
        add("fig3.svg", beside("Fig. 3", &pictures::fig3(fig3)));
    }
    if let Some(beyond) = &made.beyond {
        both(&mut add, "beyond", &tables::beyond_data(beyond));
        add("beyond.svg", beside("Beyond the paper", &pictures::beyond(beyond)));
        searches.extend(beyond.cells.iter().map(|cell| (cell.hidden, cell.rival.label, &cell.search)));
    }
    if !searches.is_empty() {
        both(&mut add, "searches", &tables::searches_data(searches.into_iter()));
    }
    files
}

/// What a preset is called.
pub(super) fn title(preset: Preset) -> &'static str {
    match preset {
        Preset::Authors => "the author's settings",
        Preset::Mse => "the true gradient",
    }
}

/// As the paper gives its numbers, with how many runs hit, if not all did.
pub(super) fn mean_and_deviation(sample: &Sample, runs: usize) -> String {
    let Some(mean) = sample.mean else { return format!("0 of {runs}") };
    let deviation = sample.deviation.map_or_else(String::new, |deviation| format!(" +- {deviation:.2}"));
    let misses = if sample.hits < runs { format!(" ({}/{runs})", sample.hits) } else { String::new() };
    format!("{mean:.2}{deviation}{misses}")
}
