//! Files that are no results of `dlr --json`.

use crate::refused::{assert_refused, replaced};
use crate::samples;
use dlr::report::record;

fn read(bytes: &[u8]) -> Result<(), String> {
    record::parse(std::str::from_utf8(bytes).unwrap()).map(drop)
}

#[test]
fn bad_records_are_refused() {
    let good = samples::record();
    assert_eq!(read(good.as_bytes()), Ok(()));
    let one = |from: &str, to: &str| replaced(&good, from, to);
    // A record names its processor and its build, so that it is not as long everywhere.
    let two_on_a_line =
        format!("line 1 is no JSON (trailing characters at column {})", good.trim().len() + 2);
    let page = "x".repeat(5000);
    let whole = format!("line 1 has schema \"{page}\", expected \"dlr-run/1\"");
    let without_middle = format!("{} ... {}", &whole[..1000], &whole[whole.len() - 1000..]);
    let cases: Vec<(&str, String, &str)> = vec![
        ("empty", String::new(), "an empty file"),
        ("blank lines", "\n \n".into(), "an empty file"),
        ("text", "404: Not Found".into(), "line 1 is no JSON (trailing characters at column 4)"),
        ("half a record", good[..100].into(), "line 1 is no JSON (EOF while parsing a string at column 100)"),
        ("two records on a line", format!("{} {good}", good.trim()), &two_on_a_line),
        ("text behind a record", format!("{good}\nDone."), "line 3 is no JSON (expected value at column 1)"),
        (
            "nested too deep",
            "[".repeat(100_000),
            "line 1 is no JSON (recursion limit exceeded at column 128)",
        ),
        ("a list", "[1]".into(), "line 1 is no record of a run: it has no schema"),
        ("a number", "1".into(), "line 1 is no record of a run: it has no schema"),
        ("no schema", one("\"schema\"", "\"scheme\""), "line 1 is no record of a run: it has no schema"),
        (
            "a schema that is a number",
            one("\"dlr-run/1\"", "1"),
            "line 1 is no record of a run: it has no schema",
        ),
        (
            "another schema",
            one("dlr-run/1", "dlr-run/2"),
            "line 1 has schema \"dlr-run/2\", expected \"dlr-run/1\"",
        ),
        ("a schema of a page", one("\"dlr-run/1\"", &format!("\"{page}\"")), &without_middle),
        (
            "another program's schema",
            one("dlr-run/1", "dlr-profile/1"),
            "line 1 has schema \"dlr-profile/1\", expected \"dlr-run/1\"",
        ),
        (
            "no protocol",
            one("\"protocol\"", "\"porotocol\""),
            "line 1 is no whole record (missing field `protocol`)",
        ),
        (
            "a negative protocol",
            one("\"protocol\":1", "\"protocol\":-1"),
            "line 1 is no whole record (invalid value: integer `-1`, expected u32)",
        ),
        (
            "no hidden layer",
            one("\"hidden\":3", "\"hidden\":[]"),
            "line 1 is no whole record (expected a whole number from 1 to 4096, or up to 8 with commas between)",
        ),
        (
            "a hidden layer too wide",
            one("\"hidden\":3", "\"hidden\":4097"),
            "line 1 is no whole record (expected a whole number from 1 to 4096, or up to 8 with commas between)",
        ),
        (
            "nine hidden layers",
            one("\"hidden\":3", "\"hidden\":[1,1,1,1,1,1,1,1,1]"),
            "line 1 is no whole record (expected a whole number from 1 to 4096, or up to 8 with commas between)",
        ),
        (
            "an unknown optimizer",
            one("\"optimizer\":\"dlr\"", "\"optimizer\":\"magic\""),
            "line 1 is no whole record (there is no optimizer \"magic\")",
        ),
        (
            "somebody else's hyper-parameter",
            one("\"alpha\":", "\"momentum\":0.5,\"alpha\":"),
            "line 1 is no whole record (--momentum: dlr has no such hyper-parameter; leave it out, or choose another optimizer than dlr)",
        ),
        (
            "a hyper-parameter too few",
            one("\"alpha\":1.0,", ""),
            "line 1 is no whole record (dlr has more hyper-parameters than lr 0.8, norm pre)",
        ),
        (
            "a negative rate",
            one("\"lr\":", "\"lr\":-"),
            "line 1 is no whole record (lr is -8e-1, out of its range)",
        ),
        (
            "a rate beyond all numbers",
            one("\"lr\":", "\"lr\":1e309,\"l\":"),
            "line 1 is no JSON (number out of range at column 84)",
        ),
        (
            "more epochs than anybody waits for",
            one("\"epochs\":2,", "\"epochs\":100001,"),
            "line 1 is no whole record (expected at most 100000 epochs, found 100001)",
        ),
        (
            "batches of nothing",
            one("\"batch\":1", "\"batch\":0"),
            "line 1 is no whole record (expected 1 or more)",
        ),
        (
            "tests after nothing",
            one("\"test_every\":3", "\"test_every\":0"),
            "line 1 is no whole record (expected 1 or more)",
        ),
        (
            "an epoch and a half",
            one("\"epochs\":2", "\"epochs\":1.5"),
            "line 1 is no whole record (invalid type: floating point `1.5`, expected u64)",
        ),
        (
            "a seed beyond 2^64",
            one("\"seed\":1,\"order\"", "\"seed\":18446744073709551616,\"order\""),
            "line 1 is no whole record (invalid type: floating point `1.8446744073709552e+19`, expected u64)",
        ),
        (
            "an order that is none",
            one("\"order\":\"shuffled\"", "\"order\":\"random\""),
            "line 1 is no whole record (expected one of shuffled, fixed, file)",
        ),
        (
            "weights drawn in no known way",
            one("\"init\":\"fan-in\"", "\"init\":\"zeros\""),
            "line 1 is no whole record (expected fan-in, or normal:S with a standard deviation S from 0 to 1e6)",
        ),
        (
            "one target for all outputs",
            one("\"one_hot\":[0.0,1.0]", "\"one_hot\":[0.0]"),
            "line 1 is no whole record (invalid length 1, expected a tuple of size 2)",
        ),
        (
            "three hashes",
            one("\"test_labels\"", "\"test_label\""),
            "line 1 is no whole record (missing field `test_labels`)",
        ),
        (
            "an end that is none",
            one("\"stop\":\"epochs\"", "\"stop\":\"boredom\""),
            "line 1 is no whole record (expected one of target, epochs, diverged, stalled, outrun, interrupted)",
        ),
        (
            "a curve without images",
            one("\"curve\":[{\"images\"", "\"curve\":[{\"image\""),
            "line 1 is no whole record (missing field `images`)",
        ),
        ("no end", one("\"final\"", "\"finale\""), "line 1 is no whole record (missing field `final`)"),
        (
            "a second record that is none",
            format!("{good}{}", one("dlr-run/1", "dlr-run/3")),
            "line 2 has schema \"dlr-run/3\", expected \"dlr-run/1\"",
        ),
    ];
    assert_refused(
        read,
        cases.into_iter().map(|(case, text, said)| (case, text.into_bytes(), said.to_owned())),
    );
}
