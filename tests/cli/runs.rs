//! Several runs at once: each is the run that its seed has alone, and together they are what their summary says.

use crate::helpers::*;
use serde_json::Value;

/// The records of several runs, a line each.
#[track_caller]
fn records(run: &Finished) -> Vec<Value> {
    assert_eq!(run.code, Some(0), "{run:?}");
    run.stdout.lines().map(|line| serde_json::from_str(line).expect("every line is JSON")).collect()
}

#[test]
fn each_run_is_the_one_that_its_seed_has_alone() {
    let desk = Desk::new();
    let alone: Vec<Value> =
        (7..11).map(|seed| desk.json(&format!("--seed {seed} --test-every 100"))).collect();
    for threads in [1, 2, 3] {
        let runs = format!("--runs 4 --seed 7 --test-every 100 --images 600 --json -q --threads {threads}");
        let together = records(&desk.dlr(&runs));
        assert_eq!(together.len(), alone.len());
        for (one, alone) in together.iter().zip(&alone) {
            for key in ["config", "seed", "data", "initial", "final", "images", "stop"] {
                assert_eq!(one[key], alone[key], "{key}, {threads} threads");
            }
            let accuracies = |record: &Value| {
                let curve = record["curve"].as_array().unwrap().iter();
                curve
                    .map(|point| (point["images"].clone(), point["test_accuracy"].clone()))
                    .collect::<Vec<_>>()
            };
            assert_eq!(accuracies(one), accuracies(alone));
        }
    }
}

#[test]
fn times_are_told_only_where_runs_did_not_share_the_processor() {
    let desk = Desk::new();
    for (threads, timed) in [(1, true), (2, false)] {
        let runs = format!("--runs 2 --images 600 --target 0.1 -q --threads {threads}");
        for record in records(&desk.dlr(&format!("{runs} --json"))) {
            let point = &record["curve"][0];
            let (run, target) = (&record, &record["target"]);
            for place in [run, target, point] {
                assert_eq!(
                    (place["train_s"].is_number(), place["wall_s"].is_number()),
                    (timed, timed),
                    "{record}"
                );
            }
            assert_eq!(run["ns_per_image"].is_number(), timed, "{record}");
        }
        let summary = desk.dlr(&runs).stdout;
        assert_eq!(summary.contains("train_s"), timed, "{summary}");
        assert_eq!(summary.contains("no times, since runs shared the processor"), !timed, "{summary}");
    }
}

#[test]
fn the_summary_says_what_the_records_say() {
    let desk = Desk::new();
    let runs = "--runs 5 --images 3000 --target 0.88 --test-every 300 -q";
    let epochs: Vec<f64> = records(&desk.dlr(&format!("{runs} --json")))
        .iter()
        .filter_map(|r| r["target"]["epoch"].as_f64())
        .collect();
    assert!((1..5).contains(&epochs.len()), "the target should be hit by some: {epochs:?}");
    let summary = desk.dlr(runs).stdout;
    let mean = epochs.iter().sum::<f64>() / epochs.len() as f64;
    for words in [
        format!("hits           {} of 5 runs above 88.00 %\n", epochs.len()),
        format!("epochs         mean {mean:.2} "),
        "seed 1         ".to_owned(),
        "seed 5         ".to_owned(),
    ] {
        assert!(summary.contains(&words), "no {words:?} in {summary}");
    }
    assert_eq!(desk.dlr(&format!("{runs} --require-target")).code, Some(3));
    assert_eq!(desk.dlr("--runs 2 --images 600 --target 0.1 --require-target -q").code, Some(0));
}

#[test]
fn runs_from_one_file_differ_by_their_order_alone() {
    let desk = Desk::new();
    desk.json("--save start --epochs 0");
    let shuffled = records(&desk.dlr("--runs 2 --load start --images 600 --json -q"));
    assert_eq!(shuffled[0]["initial"], shuffled[1]["initial"]);
    assert_ne!(weights(&shuffled[0]), weights(&shuffled[1]));
    let ordered = records(&desk.dlr("--runs 2 --load start --images 600 --order file --json -q"));
    assert_eq!(weights(&ordered[0]), weights(&ordered[1]));
}

#[test]
fn runs_that_cannot_be_are_refused() {
    let last = dlr("--runs 2 --seed 18446744073709551615");
    last.failed(2, &["--runs: 2 seeds from 18446744073709551615", "smaller --seed"]);
    for (arguments, words) in [
        ("--runs 0", "whole number from 1 to 100000"),
        ("--runs -1", "whole number from 1"),
        ("--runs 2 --save net", "--save"),
    ] {
        let run = dlr(arguments);
        assert!(run.code == Some(2) && run.stderr.contains(words) && run.stdout.is_empty(), "{run:?}");
    }
}

#[test]
fn a_run_that_diverges_is_told_among_the_others() {
    let run = dlr("--runs 2 --images 600 --lr 1e20 -q");
    run.complained(5, &["diverged"]);
    assert_eq!(run.stdout.matches("diverged within").count(), 2, "{run:?}");
}
