//! The whole reproduction as one page.

use super::{Reproduction, claims, pictures, tables, title};
use crate::data::Dataset;
use crate::experiments::paper::beyond::Beyond;
use crate::experiments::paper::fig3::Fig3;
use crate::experiments::paper::{Scale, search};
use crate::report::html::{Align, Block, Report, Section, Table, html};
use crate::report::machine::Engine;
use crate::report::summary::grouped;

/// The page of everything in `all`.
pub fn page(all: &[Reproduction], data: &Dataset, engine: &Engine) -> String {
    let mut sections = vec![Section { heading: "What the paper claims".into(), blocks: verdicts(all) }];
    for one in all {
        sections.extend(figures(one));
    }
    sections.push(Section { heading: "How it was made".into(), blocks: made(all, data, engine) });
    html(&Report {
        title: "Faster Biological Gradient Descent Learning, reproduced".into(),
        subtitle: format!("The experiments of Li (2020), repeated by dlr on {}", data.name),
        sections,
    })
}

fn verdicts(all: &[Reproduction]) -> Vec<Block> {
    let mut blocks = Vec::new();
    if all.iter().any(|one| one.quick) {
        blocks.push(Block::Text(
            "This is a quick look: few sizes, settings and runs. It proves little.".into(),
        ));
    }
    let claims = claims::claims(all);
    if !claims.is_empty() {
        blocks.push(Block::Verdicts(claims));
    }
    blocks.push(Block::Text(VERDICTS.into()));
    blocks
}

const VERDICTS: &str = "Who is first is judged by the hits, then by the means. A number counts as reproduced if Welch's test \
    does not tell it from the paper's at the level of 5 %, taking the paper's to be of 5 runs: with so few, that is less \
    than to say that it is the same. Whether DLR beats its mean rates is judged by Wilcoxon's signed-rank test over seeds. \
    Nothing is corrected for the number of claims. In the author's grids the best setting is chosen by the very runs that \
    are told, and DLR, Adam and Nesterov have three times as many settings to choose from as SGD.\n\n\
    \"authors\" has the settings of the author's own experiments, whose hidden layer receives the output error without the \
    factor y(1-y); \"mse\" has the true gradient of the mean squared error, as the paper's Methods say, Nesterov's own \
    momentum, and settings searched for here, with other seeds than those of the results. Adam is Adam in both; the \
    author's ran without bias correction in effect.";

fn figures(one: &Reproduction) -> Vec<Section> {
    let mut sections = Vec::new();
    let mut add = |heading: &str, blocks: Vec<Block>| {
        sections.push(Section { heading: format!("{heading}, {}", title(one.preset)), blocks });
    };
    if let Some(fig1) = &one.fig1 {
        let caption = "Fig. 1. Left: epochs to 96 %, each algorithm at its best setting for each size. Right: over SGD's.";
        let mut blocks = vec![Block::Panels { svgs: pictures::fig1(fig1), caption: caption.into() }];
        let labels = fig1.preset.algorithms().map(|algorithm| algorithm.label);
        blocks.push(table(
            "Epochs to 96 %: mean +- standard deviation (hits/runs, if not all hit)",
            &[&["hidden"][..], &labels].concat(),
            pictures::fig1_cells(fig1),
        ));
        blocks.push(table(
            "The best settings",
            &["hidden", "algorithm", "setting"],
            tables::fig1_settings(fig1),
        ));
        if !one.seconds.is_empty() {
            let caption =
                "The same in seconds: epochs times what an epoch costs here, on one core, tests not counted.";
            blocks.push(Block::Figure {
                svg: pictures::fig1_seconds(fig1, &one.seconds),
                caption: caption.into(),
            });
        }
        add("Training time", blocks);
    }
    if let Some(fig2) = &one.fig2 {
        let caption =
            "Fig. 2. The smallest hidden layer with which any setting of the algorithm reaches 96 %.";
        add(
            "The smallest network",
            vec![Block::Figure { svg: pictures::fig2(fig2), caption: caption.into() }],
        );
    }
    if let Some(fig3) = &one.fig3 {
        add("A rate for each synapse", fig3_blocks(fig3));
    }
    if let Some(beyond) = &one.beyond {
        add("Beyond the paper", beyond_blocks(beyond));
    }
    sections
}

fn fig3_blocks(fig3: &Fig3) -> Vec<Block> {
    let caption = "Fig. 3. Left: the median of test accuracy and its quartiles, 100 hidden units. Right: DLR's mean rate in \
        each layer, and the fit that SGD then used.";
    vec![
        Block::Panels { svgs: pictures::fig3(fig3), caption: caption.into() },
        Block::Facts(vec![("DLR's setting".into(), fig3.hyper.to_string())]),
        table("Epochs to 96 %", &["", "here", "the paper"], tables::fig3_rows(fig3).map(Vec::from).into()),
        table("The fits, for t images", &["layer", "a", "b", "c", "d", "R²"], tables::fig3_fits(fig3)),
    ]
}

fn beyond_blocks(beyond: &Beyond) -> Vec<Block> {
    let caption = "Epochs to 96 % with each optimizer at the best setting of an equal search: mean and standard deviation.";
    vec![
        Block::Panels { svgs: pictures::beyond(beyond), caption: caption.into() },
        table(
            "p: Wilcoxon's exact signed-rank test over seeds against SGD, and against DLR, corrected as Holm has it",
            &["hidden", "optimizer", "epochs to 96 %", "over SGD's", "p, SGD", "p, DLR", "setting"],
            tables::beyond_cells(beyond),
        ),
    ]
}

fn table(caption: &str, head: &[&str], rows: Vec<Vec<String>>) -> Block {
    let alignment = head.iter().map(|_| Align::Text).collect();
    let head = head.iter().map(|&name| name.to_owned()).collect();
    Block::Table(Table { head, rows, caption: caption.into(), alignment })
}

fn made(all: &[Reproduction], data: &Dataset, engine: &Engine) -> Vec<Block> {
    let presets: Vec<&str> = all.iter().map(|one| one.preset.name()).collect();
    let fact = |name: &str, value: String| (name.to_owned(), value);
    let (train, test) = (grouped(data.train.len() as u64), grouped(data.test.len() as u64));
    let mut facts = vec![
        fact("program", engine.to_string()),
        fact("compiler", engine.rustc.to_owned()),
        fact("data", format!("{}, {train} images to train on and {test} to test on", data.name)),
        fact("presets", presets.join(", ")),
        fact("network", "one hidden layer of logistic units, no bias, mean squared error, one image at a time".into()),
        fact(
            "initial weights",
            "N(0, 0.01²) in both layers; a smaller network has the first units of a larger one".into(),
        ),
        fact("targets", "0.01 and 0.99".into()),
        fact("order", "one random permutation for all epochs of a run, the same for every optimizer".into()),
        fact("tests", format!("all {test} test images after every 600 training images; above 96 %, strictly")),
        fact(
            "misses",
            "not within 30 epochs, or stalled: an epoch ends no more accurate than any of the five before it, the first \
             not counted; in Fig. 3, not within 2 epochs"
                .into(),
        ),
    ];
    if all.iter().any(Reproduction::has_searches) {
        let seeds = search::SEEDS.map(|seed| seed.to_string()).join(", ");
        let trials = |quick: bool| 1 + search::trials(if quick { Scale::Quick } else { Scale::Full });
        let trials = all.first().map_or(0, |one| trials(one.quick));
        facts.push(fact(
            "searches",
            format!(
                "{trials} trials each, with the seeds {seeds}: the default, quasi-random settings, then a \
                 tree-structured Parzen estimator; the best has the least median of epochs to 96 %"
            ),
        ));
    }
    vec![
        Block::Facts(facts),
        Block::Text(
            "Every run at the settings that are told is in the CSV files beside this page, with the hash of its final \
             weights; the journals have those of the searches as well."
                .into(),
        ),
    ]
}
