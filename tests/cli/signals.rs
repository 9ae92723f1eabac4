//! Ctrl-C and SIGTERM end a run early, but never without its result.

use crate::helpers::*;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

/// Starts a run of hours, sends it a signal once it has told how far it is, and waits for its end.
fn interrupt(desk: &Desk, arguments: &str, name: &str) -> Finished {
    let mut command = desk.command(&format!("--images 600 --epochs 100000 {arguments}"));
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut told = String::new();
    while !told.contains("of 100000, test accuracy") {
        assert_ne!(stderr.read_line(&mut told).unwrap(), 0, "it ended by itself: {told}");
    }
    signal(&child, name);
    stderr.read_to_string(&mut told).unwrap();
    Finished { stderr: told, ..child.wait_with_output().unwrap().into() }
}

#[test]
fn an_interrupted_run_tells_and_saves_what_it_has() {
    let desk = Desk::new();
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let run = interrupt(&desk, "--json --target none --save net", name);
        assert_eq!(run.code, Some(code), "SIG{name}: {run:?}");
        assert!(!run.stderr.contains("error"), "{run:?}");
        let record = run.json();
        assert_eq!((&record["stop"], &record["target"]["hit"]), (&"interrupted".into(), &false.into()));
        let last = record["curve"].as_array().unwrap().last().unwrap();
        assert_eq!(
            (&record["images"], &record["final"]["test_accuracy"]),
            (&last["images"], &last["test_accuracy"])
        );

        let loaded = desk.json("--load net --epochs 0");
        assert_eq!(weights(&record), weights(&loaded), "another network was saved than the record tells of");
        assert_eq!(desk.files(), ["net"]);
        std::fs::remove_file(desk.path("net")).unwrap();
    }
}

#[test]
fn an_interrupted_run_has_a_summary_too() {
    let run = interrupt(&Desk::new(), "--target 0.9999 --require-target", "INT");
    assert_eq!(run.code, Some(130), "{run:?}");
    assert!(run.stdout.contains("interrupted after ") && run.stdout.contains("test accuracy"), "{run:?}");
}

/// Two runs at a time of six, interrupted once two are over.
#[test]
fn interrupted_runs_count_for_nothing_and_those_before_are_told() {
    for json in ["", "--json"] {
        let desk = Desk::new();
        let arguments =
            format!("--runs 6 --threads 2 --epochs 800 --images 600 --target none --test-every 60000 {json}");
        let mut child =
            desk.command(&arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let mut told = String::new();
        while !told.contains("2 of 6 runs") {
            assert_ne!(stderr.read_line(&mut told).unwrap(), 0, "it ended by itself: {told}");
        }
        signal(&child, "INT");
        stderr.read_to_string(&mut told).unwrap();
        let run = Finished { stderr: told, ..child.wait_with_output().unwrap().into() };
        assert!(run.stderr.starts_with("1 of 6 runs\n2 of 6 runs\n"), "{run:?}");
        assert_eq!(run.code, Some(130), "{run:?}");
        if json.is_empty() {
            // The one that ended first had perhaps begun no other yet.
            let interrupted = ["cut off: 2, not begun: 2", "cut off: 1, not begun: 3"];
            assert!(interrupted.iter().any(|words| run.stdout.contains(words)), "{run:?}");
            assert_eq!(run.stdout.matches("trained for 800.00 epochs").count(), 2, "{run:?}");
        } else {
            let seeds =
                run.stdout.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
            let seeds: Vec<_> = seeds.map(|record| record["seed"].as_u64().unwrap()).collect();
            assert!(seeds == [1, 2, 3] || seeds == [1, 2, 3, 4], "{run:?}");
        }
    }
}

/// However far apart the tests are, a run ends soon.
#[test]
fn a_run_ends_between_tests_as_well() {
    let run = interrupt(&Desk::new(), "--json --target none --test-every 600000", "TERM");
    assert_eq!(run.code, Some(143), "{run:?}");
    let record = run.json();
    assert_eq!(record["stop"], "interrupted");
    // The signal may have come at once after the first.
    assert!(record["images"].as_u64().unwrap() < 2 * 600_000, "it waited for a test: {record}");
}
