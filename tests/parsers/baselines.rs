//! Files that are no profiles.

use crate::refused::{assert_refused, replaced};
use crate::samples::{CELL, MACHINE, baseline};
use dlr::report::baseline::Baseline;
use std::path::Path;

fn read(bytes: &[u8]) -> Result<(), String> {
    Baseline::from_bytes(Path::new("old"), bytes).map(drop).map_err(|error| error.to_string())
}

#[test]
fn bad_baselines_are_refused() {
    assert_eq!(read(baseline().as_bytes()), Ok(()));
    let machine = |from: &str, to: &str| format!("{}\n{CELL}\n", replaced(MACHINE, from, to)).into_bytes();
    let cell = |from: &str, to: &str| format!("{MACHINE}\n{}\n", replaced(CELL, from, to)).into_bytes();
    let lines = |lines: &[&str]| lines.join("\n").into_bytes();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("empty", vec![], "its first line does not tell the machine"),
        ("not text", vec![0xff, 0xfe], "not text"),
        ("a page", b"404: Not Found".to_vec(), "line 1 is not JSON"),
        ("nested too deep", "[".repeat(100_000).into_bytes(), "line 1 is not JSON"),
        ("an object of nothing", b"{}".to_vec(), "line 1 has no schema, expected \"dlr-profile/1\""),
        ("a list", b"[]".to_vec(), "line 1 has no schema, expected \"dlr-profile/1\""),
        (
            "a record of a run",
            b"{\"schema\":\"dlr-run/1\"}".to_vec(),
            "line 1 has the schema \"dlr-run/1\", expected \"dlr-profile/1\"",
        ),
        ("a machine alone", lines(&[MACHINE]), "it holds no measurement"),
        ("a cell alone", lines(&[CELL]), "its first line does not tell the machine"),
        (
            "a cell before the machine",
            lines(&[CELL, MACHINE]),
            "line 2 is of a kind that does not belong there",
        ),
        ("two machines", lines(&[MACHINE, MACHINE, CELL]), "line 2 is of a kind that does not belong there"),
        ("a cell twice", lines(&[MACHINE, CELL, CELL]), "line 3 has a cell that an earlier line has"),
        ("an empty line", lines(&[MACHINE, "", CELL]), "line 2 is not JSON"),
        ("half a cell", lines(&[MACHINE, &CELL[..100]]), "line 2 is not JSON"),
        (
            "another version",
            cell("dlr-profile/1", "dlr-profile/2"),
            "line 2 has the schema \"dlr-profile/2\", expected \"dlr-profile/1\"",
        ),
        ("another kind", cell("\"cell\"", "\"sell\""), "line 2 is of a kind that does not belong there"),
        (
            "a machine without a processor",
            machine("\"cpu\"", "\"gpu\""),
            "line 1 is damaged: missing field `cpu`",
        ),
        ("a machine without data", machine("\"data\":\"d\",", ""), "line 1 is damaged: missing field `data`"),
        (
            "fewer than no inputs",
            machine("\"inputs\":4", "\"inputs\":-4"),
            "line 1 is damaged: invalid value: integer `-4`, expected usize",
        ),
        (
            "a cell of no optimizer",
            cell("\"optimizer\"", "\"pessimizer\""),
            "line 2 is damaged: missing field `optimizer`",
        ),
        (
            "half a unit",
            cell("\"hidden\":30", "\"hidden\":0.5"),
            "line 2 is damaged: invalid type: floating point `0.5`, expected usize",
        ),
        ("a time too few", cell("\"least\":1,", ""), "line 2 is damaged: missing field `least`"),
        (
            "a time that is none",
            cell("\"least\":1", "\"least\":\"1\""),
            "line 2 is damaged: invalid type: string \"1\", expected f64",
        ),
        (
            "a time of nothing",
            cell("\"least\":1", "\"least\":0"),
            "line 2 is damaged: [0.0, 2.0, 3.0, 4.0] are no quartiles",
        ),
        (
            "a least time that is not the least",
            cell("\"least\":1", "\"least\":5"),
            "line 2 is damaged: [5.0, 2.0, 3.0, 4.0] are no quartiles",
        ),
        (
            "a time beyond all numbers",
            cell("\"third_quartile\":4", "\"third_quartile\":1e309"),
            "line 2 is not JSON",
        ),
    ];
    let said =
        |problem| format!("old: {problem}; give --baseline a file that `dlr profile --json` has written");
    assert_refused(read, cases.into_iter().map(|(case, bytes, problem)| (case, bytes, said(problem))));
}
