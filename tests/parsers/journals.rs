//! Files that are no journals of a sweep.

use crate::checks::sealed;
use crate::refused::{assert_refused, replaced};
use crate::samples;
use dlr::experiments::sweep::journal::parse;
use std::path::Path;

const OTHER: &str = "choose another place for the journal";
const RESTORE: &str = "restore it from a copy, or remove it, which loses its runs";

fn read(bytes: &[u8]) -> Result<(), String> {
    parse(Path::new("j"), bytes).map(drop).map_err(|error| error.to_string())
}

#[test]
fn bad_journals_are_refused() {
    let good = String::from_utf8(samples::journal()).unwrap();
    assert_eq!(read(good.as_bytes()), Ok(()));
    let lines: Vec<&str> = good.lines().collect();
    let json = |line: usize| &lines[line][18..];
    let of =
        |lines: &[&str]| lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect::<Vec<u8>>();
    let header = |from: &str, to: &str| sealed([&*replaced(json(0), from, to)]);
    let run = |from: &str, to: &str| sealed([json(0), &*replaced(json(1), from, to)]);
    let second = |line: &str| of(&[lines[0], line, lines[2]]);
    // A header names its build, so that it is not as long everywhere.
    let without_plan = format!(
        "line 1 is damaged: missing field `plan_sha256` at column {}",
        json(0).len() - "_sha256".len()
    );
    let twice = format!("line 2 is damaged: missing field `key` at column {}", json(0).len());

    let cases: Vec<(&str, Vec<u8>, &str, &str)> = vec![
        (
            "an empty line",
            b"\n".to_vec(),
            "no journal of dlr: it does not begin with a length and a checksum",
            OTHER,
        ),
        (
            "text",
            b"some text\n".to_vec(),
            "no journal of dlr: it does not begin with a length and a checksum",
            OTHER,
        ),
        ("text without an end", b"some text".to_vec(), "no journal of dlr: it has no end", OTHER),
        ("zeros", vec![0; 100], "no journal of dlr: it has no end", OTHER),
        (
            "a line of JSON",
            of(&[json(0)]),
            "no journal of dlr: it does not begin with a length and a checksum",
            OTHER,
        ),
        (
            "a header of another length",
            of(&[&lines[0][..lines[0].len() - 1]]),
            "no journal of dlr: its length is wrong",
            OTHER,
        ),
        (
            "a header with another checksum",
            of(&[&lines[0].replace("sweep", "sweet")]),
            "no journal of dlr: its checksum is wrong",
            OTHER,
        ),
        (
            "a header that is no JSON",
            sealed(["journal"]),
            "line 1 is damaged: expected value at column 1",
            RESTORE,
        ),
        (
            "a header nested too deep",
            sealed([&*"[".repeat(100_000)]),
            "line 1 is damaged: invalid type: sequence, expected a string at column 1",
            RESTORE,
        ),
        ("a header without a plan", header("plan_sha256", "plan"), &without_plan, RESTORE),
        (
            "a header with a number for a name",
            header("\"sweep\":\"s\"", "\"sweep\":1"),
            "line 1 is damaged: invalid type: integer `1`, expected a string at column 34",
            RESTORE,
        ),
        (
            "a header of another form",
            header("dlr-sweep/1", "dlr-sweep/2"),
            "a journal of the form dlr-sweep/2, not dlr-sweep/1",
            "use the dlr that wrote it",
        ),
        (
            "a header of a form of two lines",
            header("dlr-sweep/1", "dlr-\\nsweep"),
            r"a journal of the form dlr-\nsweep, not dlr-sweep/1",
            "use the dlr that wrote it",
        ),
        (
            "a run in place of the header",
            of(&[lines[1]]),
            "line 1 is damaged: missing field `journal` at column 117",
            RESTORE,
        ),
        ("the header twice", of(&[lines[0], lines[0]]), &twice, RESTORE),
        (
            "an empty line between",
            second(""),
            "line 2 is damaged: it does not begin with a length and a checksum",
            RESTORE,
        ),
        (
            "text between",
            second("some text"),
            "line 2 is damaged: it does not begin with a length and a checksum",
            RESTORE,
        ),
        (
            "a length that is no number",
            second(&format!("0000001g{}", &lines[1][8..])),
            "line 2 is damaged: its length is wrong",
            RESTORE,
        ),
        (
            "another length",
            second(&lines[1][..lines[1].len() - 1]),
            "line 2 is damaged: its length is wrong",
            RESTORE,
        ),
        (
            "another checksum",
            second(&lines[1].replace("600", "601")),
            "line 2 is damaged: its checksum is wrong",
            RESTORE,
        ),
        (
            "a checksum that is no number",
            second(&format!("{} xxxxxxxx {}", &lines[1][..8], json(1))),
            "line 2 is damaged: its checksum is wrong",
            RESTORE,
        ),
        (
            "two runs on one line",
            second(&format!("{}{}", lines[1], lines[2])),
            "line 2 is damaged: its length is wrong",
            RESTORE,
        ),
        (
            "a run twice",
            of(&[lines[0], lines[1], lines[2], lines[1]]),
            "line 4 is damaged: its run is there already",
            RESTORE,
        ),
        (
            "a run without a key",
            run("\"key\"", "\"kay\""),
            "line 2 is damaged: missing field `key` at column 117",
            RESTORE,
        ),
        (
            "a run without an outcome",
            run("\"outcome\"", "\"income\""),
            "line 2 is damaged: missing field `outcome` at column 116",
            RESTORE,
        ),
        (
            "a run that ended in no known way",
            run("\"target\"", "\"boredom\""),
            "line 2 is damaged: expected one of target, epochs, diverged, stalled, outrun, interrupted at column 38",
            RESTORE,
        ),
        (
            "fewer than no images",
            run("600", "-600"),
            "line 2 is damaged: invalid value: integer `-600`, expected u64 at column 51",
            RESTORE,
        ),
        (
            "more images than can be counted",
            run("600", "18446744073709551616"),
            "line 2 is damaged: invalid type: floating point `1.8446744073709552e+19`, expected u64 at column 67",
            RESTORE,
        ),
        (
            "an accuracy beyond all numbers",
            run("0.9601", "1e309"),
            "line 2 is damaged: number out of range at column 86",
            RESTORE,
        ),
        (
            "an accuracy that is none",
            run("0.9601", "NaN"),
            "line 2 is damaged: expected value at column 82",
            RESTORE,
        ),
        (
            "more behind the run",
            run("}}", "}},1"),
            "line 2 is damaged: trailing characters at column 118",
            RESTORE,
        ),
    ];
    let said = |problem, cure| format!("j: {problem}; {cure}");
    assert_refused(
        read,
        cases.into_iter().map(|(case, bytes, problem, cure)| (case, bytes, said(problem, cure))),
    );
}
