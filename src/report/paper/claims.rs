//! What the paper claims, and whether it holds here: judged by fixed rules, not by eye.
//!
//! A claim holds under a preset if it does at every size that it is about. Who is first is judged by the hits, then by the
//! means; beside it stands what chance could do, by Welch's test, since the author's five runs are too few for a rank test
//! to tell anything at the level of 5 %. A number counts as reproduced if that test does not tell it from the paper's, which
//! is less than to say that it is the same. Nothing is corrected for the number of claims, and where settings are chosen by
//! the runs that are told, as in the author's grids, chance has had a hand in every one of them.

use super::{Reproduction, mean_and_deviation};
use crate::experiments::paper::Preset;
use crate::experiments::paper::fig1::{Cell, Fig1};
use crate::experiments::paper::fig2::Fig2;
use crate::experiments::paper::fig3::Fig3;
use crate::experiments::paper::numbers::{self, Published};
use crate::experiments::statistics::Sample;
use crate::experiments::statistics::unpaired::{Summary, welch};
use crate::report::html::{Finding, Verdict};
use std::cmp::Ordering;

/// Below this, chance is not what made a difference.
const LEVEL: f64 = 0.05;

/// What a claim comes to under one preset.
struct Judged {
    holds: Option<bool>,
    ours: String,
    why: String,
}

/// All claims, with those that nothing was made for left out.
pub fn claims(all: &[Reproduction]) -> Vec<Verdict> {
    let fig1 = |judge: fn(&Fig1) -> Judged| -> Vec<(Preset, Judged)> {
        all.iter().filter_map(|one| Some((one.preset, judge(one.fig1.as_ref()?)))).collect()
    };
    let fig2 = |judge: &dyn Fn(&Fig2) -> Judged| -> Vec<(Preset, Judged)> {
        all.iter().filter_map(|one| Some((one.preset, judge(one.fig2.as_ref()?)))).collect()
    };
    let fig3 = |judge: fn(&Fig3) -> Judged| -> Vec<(Preset, Judged)> {
        all.iter().filter_map(|one| Some((one.preset, judge(one.fig3.as_ref()?)))).collect()
    };
    let mut found = vec![
        verdict("Below 100 hidden units, DLR trains fastest", "Fig. 1", fig1(dlr_is_fastest_below_100)),
        verdict("There, Adam is not significantly slower than DLR", "Fig. 1", fig1(adam_is_near_below_100)),
        verdict("Above 100 hidden units, Adam trains fastest", "Fig. 1", fig1(adam_is_fastest_above_100)),
        verdict(
            "DLR needs the smallest networks, then Nesterov, Adam, and SGD",
            "29.7, 33.7, 35.3, 36.3 hidden units",
            fig2(&order_of_the_smallest),
        ),
    ];
    for label in ["DLR", "Nesterov", "Adam", "SGD"] {
        let paper = numbers::smallest(label).expect("the paper has a number for each");
        found.push(verdict(
            &format!("The smallest hidden layer with {label}"),
            &format!("{:.1} +- {:.1}", paper.mean, paper.deviation),
            fig2(&|fig2| as_published(&fig2.smallest(label), paper)),
        ));
    }
    let words = |paper: Published| format!("{:.2} +- {:.2}", paper.mean, paper.deviation);
    found.extend([
        verdict("Epochs to 96 % with DLR, 100 hidden units", &words(numbers::DLR_EPOCHS), fig3(dlr_epochs)),
        verdict("The same at DLR's mean rates", &words(numbers::MEAN_RATE_EPOCHS), fig3(mean_rate_epochs)),
        verdict("DLR is faster than its mean rates", "0.77 against 1.14 epochs", fig3(dlr_beats_its_mean)),
    ]);
    found.into_iter().flatten().collect()
}

fn verdict(claim: &str, paper: &str, judged: Vec<(Preset, Judged)>) -> Option<Verdict> {
    let holds = |preset| judged.iter().find(|(of, _)| *of == preset).map(|(_, judged)| judged.holds);
    let finding = match (holds(Preset::Authors), holds(Preset::Mse)) {
        (None, None) => return None,
        (Some(Some(true)), Some(Some(true))) | (Some(Some(true)), None) | (None, Some(Some(true))) => {
            Finding::Reproduced
        }
        (Some(Some(true)), Some(Some(false))) => Finding::OnlyUnderAuthors,
        (Some(Some(false)), Some(Some(true))) => Finding::OnlyUnderMse,
        (Some(Some(false)), _) | (None, Some(Some(false))) => Finding::NotReproduced,
        _ => Finding::Undecided,
    };
    let each = |part: fn(&Judged) -> &String| {
        let lines = judged.iter().map(|(preset, judged)| format!("{}: {}", preset.name(), part(judged)));
        lines.collect::<Vec<_>>().join("; ")
    };
    Some(Verdict {
        claim: claim.to_owned(),
        paper: paper.to_owned(),
        ours: each(|judged| &judged.ours),
        verdict: finding,
        why: each(|judged| &judged.why),
    })
}

/// The cells of some sizes, size by size.
fn rows(fig1: &Fig1, of: impl Fn(usize) -> bool) -> Vec<&[Cell]> {
    let columns = fig1.preset.algorithms().len();
    fig1.cells.chunks(columns).filter(|row| of(row[0].hidden)).collect()
}

/// The cell that gets there first: more hits come first, then the lower mean.
fn fastest(row: &[Cell]) -> &Cell {
    row.iter().min_by(|a, b| a.best().order(b.best())).expect("a size has algorithms")
}

fn of<'a>(row: &'a [Cell], label: &str) -> &'a Cell {
    row.iter().find(|cell| cell.algorithm.label == label).expect("each size has each algorithm")
}

/// How likely means as far apart would be by chance; `None` if there are too few hits to say.
fn chance(a: &Cell, b: &Cell) -> Option<f64> {
    let summary = |cell: &Cell| Summary::of(&cell.best().sample(), cell.best().runs.len());
    Some(welch(summary(a)?, summary(b)?)?.p)
}

fn p(chance: Option<f64>) -> String {
    chance.map_or_else(|| "no test, since not all hit".to_owned(), |p| format!("p = {p:.1e}"))
}

fn leader(fig1: &Fig1, label: &str, sizes: impl Fn(usize) -> bool) -> Judged {
    let rows = rows(fig1, sizes);
    let is_first = |row: &&[Cell]| fastest(row).algorithm.label == label;
    let ours = rows.iter().map(|row| format!("{} at {}", fastest(row).algorithm.label, row[0].hidden));
    let why = rows.iter().map(|row| {
        let (first, ours) = (fastest(row), of(row, label));
        let others: Vec<Cell> = row.iter().filter(|cell| cell.algorithm.label != label).cloned().collect();
        let rival = if first.algorithm.label == label { fastest(&others) } else { first };
        format!(
            "{}: {} against {}'s {}, {}",
            row[0].hidden,
            words(ours),
            rival.algorithm.label,
            words(rival),
            p(chance(ours, rival))
        )
    });
    let (ours, why) = (ours.collect::<Vec<_>>().join(", "), why.collect::<Vec<_>>().join("; "));
    Judged {
        holds: (!rows.is_empty()).then(|| rows.iter().all(is_first)),
        ours: format!("first is {ours}"),
        why,
    }
}

fn words(cell: &Cell) -> String {
    mean_and_deviation(&cell.best().sample(), cell.best().runs.len())
}

fn dlr_is_fastest_below_100(fig1: &Fig1) -> Judged {
    leader(fig1, "DLR", |hidden| hidden < 100)
}

fn adam_is_fastest_above_100(fig1: &Fig1) -> Judged {
    leader(fig1, "Adam", |hidden| hidden > 100)
}

fn adam_is_near_below_100(fig1: &Fig1) -> Judged {
    let rows = rows(fig1, |hidden| hidden < 100);
    // Who hits more often is ahead; where both hit as often, the means decide.
    let holds = |row: &[Cell]| -> Option<bool> {
        let (adam, dlr) = (of(row, "Adam"), of(row, "DLR"));
        let (ours, theirs) = (adam.best().sample(), dlr.best().sample());
        match ours.hits.cmp(&theirs.hits) {
            Ordering::Less => Some(false),
            Ordering::Greater => Some(true),
            Ordering::Equal if ours.mean? <= theirs.mean? => Some(true),
            Ordering::Equal => Some(chance(adam, dlr)? >= LEVEL),
        }
    };
    let all: Option<Vec<bool>> = rows.iter().map(|row| holds(row)).collect();
    let ours = rows.iter().map(|row| {
        format!("{}: {} against {}", row[0].hidden, words(of(row, "Adam")), words(of(row, "DLR")))
    });
    let why =
        rows.iter().map(|row| format!("{}: {}", row[0].hidden, p(chance(of(row, "Adam"), of(row, "DLR")))));
    let (ours, why) = (ours.collect::<Vec<_>>().join(", "), why.collect::<Vec<_>>().join(", "));
    let holds = all.filter(|all| !all.is_empty()).map(|all| all.into_iter().all(|holds| holds));
    Judged { holds, ours, why }
}

fn order_of_the_smallest(fig2: &Fig2) -> Judged {
    // An algorithm that never got there needs more than any that did.
    let mean = |label: &str| Sample::of(&fig2.smallest(label)).mean.unwrap_or(f64::INFINITY);
    let all_hit = |label: &&str| fig2.smallest(label).iter().all(Option::is_some);
    let labels = ["DLR", "Nesterov", "Adam", "SGD"];
    let is_ordered = labels.windows(2).all(|pair| mean(pair[0]) < mean(pair[1]));
    let mut ours = labels;
    ours.sort_by(|a, b| mean(a).total_cmp(&mean(b)));
    let words = |label: &str| match mean(label) {
        mean if mean.is_finite() => format!("{label} {mean:.1}"),
        _ => format!("{label} never"),
    };
    let why = if ours[0] == "DLR" { "DLR needs the fewest" } else { "DLR does not need the fewest" };
    let holds = labels.iter().all(all_hit).then_some(is_ordered);
    Judged { holds, ours: ours.map(words).join(", "), why: why.to_owned() }
}

/// Whether ours and the paper's may be means of the same.
fn as_published(values: &[Option<f64>], paper: Published) -> Judged {
    let sample = Sample::of(values);
    let ours = mean_and_deviation(&sample, values.len());
    let theirs = Summary { mean: paper.mean, deviation: paper.deviation, n: numbers::RUNS };
    let test = Summary::of(&sample, values.len()).and_then(|ours| welch(ours, theirs));
    let why = test.map_or_else(|| "too few runs for a test".to_owned(), |test| format!("p = {:.3}", test.p));
    Judged { holds: test.map(|test| test.p >= LEVEL), ours, why }
}

fn dlr_epochs(fig3: &Fig3) -> Judged {
    as_published(&fig3.epochs(&fig3.dlr), numbers::DLR_EPOCHS)
}

fn mean_rate_epochs(fig3: &Fig3) -> Judged {
    as_published(&fig3.epochs(&fig3.mean_rate), numbers::MEAN_RATE_EPOCHS)
}

fn dlr_beats_its_mean(fig3: &Fig3) -> Judged {
    let (dlr, mean) = (fig3.epochs(&fig3.dlr), fig3.epochs(&fig3.mean_rate));
    let test = crate::experiments::statistics::paired::Paired::of(&dlr, &mean);
    let ours = format!(
        "{} against {}",
        mean_and_deviation(&Sample::of(&dlr), dlr.len()),
        mean_and_deviation(&Sample::of(&mean), mean.len())
    );
    let why = format!("faster on {} of {} seeds, p = {:.1e} (Wilcoxon)", test.wins, test.pairs, test.p);
    let holds = (test.p < LEVEL).then_some(test.wins > test.losses);
    Judged { holds: holds.or((test.pairs > 10).then_some(false)), ours, why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::optimizer::Hyper;
    use crate::engine::trainer::Stop;
    use crate::experiments::paper::fig1::Tried;
    use crate::experiments::paper::fig2::Search;
    use crate::experiments::sweep::run::Outcome;

    fn outcome(epochs: Option<f64>) -> Outcome {
        Outcome {
            stop: if epochs.is_some() { Stop::Target } else { Stop::Stalled },
            images: (epochs.unwrap_or(10.0) * 60_000.0) as u64,
            epochs: epochs.unwrap_or(10.0),
            test_accuracy: 0.9601,
            validation_accuracy: None,
            weights_sha256: String::new(),
            curve: Vec::new(),
            rates: Vec::new(),
        }
    }

    /// Cells of these sizes, whose runs take the given epochs, in the order SGD, Nesterov, Adam, DLR.
    fn fig1(preset: Preset, rows: &[(usize, [[Option<f64>; 3]; 4])]) -> Fig1 {
        let cells = rows.iter().flat_map(|(hidden, epochs)| {
            preset.algorithms().into_iter().zip(epochs).map(|(algorithm, epochs)| {
                let runs = (1..).zip(epochs.map(outcome)).collect();
                let tried = vec![Tried { hyper: Hyper::NONE, runs }];
                Cell { hidden: *hidden, algorithm, tried, best: 0, search: None }
            })
        });
        Fig1 { preset, cells: cells.collect() }
    }

    fn reproduction(preset: Preset, fig1: Option<Fig1>, fig2: Option<Fig2>) -> Reproduction {
        Reproduction { preset, quick: false, fig1, fig2, fig3: None, beyond: None, seconds: Vec::new() }
    }

    fn near(mean: f64) -> [Option<f64>; 3] {
        [mean - 0.1, mean, mean + 0.1].map(Some)
    }

    /// DLR first below 100, Adam there not far behind it or far, and Adam first above.
    fn as_in_the_paper(preset: Preset, adam: f64) -> Reproduction {
        let small = [near(3.0), near(2.9), near(adam), near(2.0)];
        let large = [near(0.9), near(0.8), near(0.5), near(0.7)];
        reproduction(
            preset,
            Some(fig1(preset, &[(45, small), (80, small), (100, large), (200, large)])),
            None,
        )
    }

    fn findings(all: &[Reproduction]) -> Vec<Finding> {
        claims(all).iter().map(|claim| claim.verdict).collect()
    }

    #[test]
    fn what_is_as_in_the_paper_is_reproduced() {
        use Finding::{NotReproduced, OnlyUnderAuthors, OnlyUnderMse, Reproduced};
        let [authors, mse] = [Preset::Authors, Preset::Mse];
        assert_eq!(findings(&[as_in_the_paper(authors, 2.05)]), [Reproduced; 3]);
        assert_eq!(findings(&[as_in_the_paper(mse, 2.05)]), [Reproduced; 3]);
        // Adam far behind is significantly slower; ahead, it is first.
        let far = [Reproduced, NotReproduced, Reproduced];
        assert_eq!(findings(&[as_in_the_paper(authors, 2.9)]), far);
        let ahead = [NotReproduced, Reproduced, Reproduced];
        assert_eq!(findings(&[as_in_the_paper(authors, 1.5)]), ahead);
        let both = [as_in_the_paper(authors, 2.05), as_in_the_paper(mse, 2.9)];
        assert_eq!(findings(&both), [Reproduced, OnlyUnderAuthors, Reproduced]);
        let both = [as_in_the_paper(authors, 2.9), as_in_the_paper(mse, 2.05)];
        assert_eq!(findings(&both), [Reproduced, OnlyUnderMse, Reproduced]);
        assert_eq!(findings(&[]), []);
    }

    #[test]
    fn an_algorithm_that_misses_is_behind_one_that_hits() {
        let mut early = near(0.1);
        early[2] = None;
        let row = [near(3.0), near(2.9), early, near(2.0)];
        let missing = reproduction(Preset::Authors, Some(fig1(Preset::Authors, &[(45, row)])), None);
        let claims = claims(&[missing]);
        assert_eq!(claims[0].verdict, Finding::Reproduced, "DLR is first: {}", claims[0].ours);
        assert_eq!(claims[1].verdict, Finding::NotReproduced, "{}", claims[1].why);
        // Nothing was made above 100.
        assert_eq!(claims[2].verdict, Finding::Undecided);
    }

    #[test]
    fn adam_is_no_slower_than_a_dlr_that_misses_more_often() {
        let mut missing = near(2.0);
        missing[0] = None;
        let of = |adam, dlr| {
            let row = [near(3.0), near(2.9), adam, dlr];
            let made = reproduction(Preset::Authors, Some(fig1(Preset::Authors, &[(45, row)])), None);
            claims(&[made])[1].verdict
        };
        assert_eq!(of(near(9.0), missing), Finding::Reproduced);
        assert_eq!(of(missing, near(9.0)), Finding::NotReproduced);
        assert_eq!(of([None; 3], [None; 3]), Finding::Undecided);
    }

    #[test]
    fn the_smallest_networks_are_held_against_the_paper_s() {
        let sizes = |label: &str| match label {
            "SGD" => [36, 36, 37, 37, 35],
            "Nesterov" => [33, 34, 34, 35, 33],
            "Adam" => [45, 46, 45, 47, 45],
            _ => [29, 30, 30, 31, 29],
        };
        let searches = Preset::Authors.algorithms().into_iter().flat_map(|algorithm| {
            (1..).zip(sizes(algorithm.label)).map(move |(seed, hidden)| Search {
                algorithm,
                seed,
                runs: Vec::new(),
                smallest: Some(hidden),
            })
        });
        let fig2 = Fig2 { preset: Preset::Authors, searches: searches.collect() };
        let found = claims(&[reproduction(Preset::Authors, None, Some(fig2))]);
        let findings: Vec<_> = found.iter().map(|claim| claim.verdict).collect();
        use Finding::{NotReproduced, Reproduced};
        // The order as a whole, then DLR, Nesterov, Adam and SGD.
        assert_eq!(findings, [NotReproduced, Reproduced, Reproduced, NotReproduced, Reproduced], "{found:?}");
        assert_eq!(found[0].ours, "authors: DLR 29.8, Nesterov 33.8, SGD 36.2, Adam 45.6");
    }
}
