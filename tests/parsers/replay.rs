//! What fuzzing began with, and what it has found: each input is a file, in a folder by the name of its check.

use crate::checks::{self, Check};
use std::fs;
use std::path::Path;

const CHECKS: [(&str, &[Check]); 10] = [
    ("baseline", &[checks::baseline]),
    ("cache", &[checks::cache, checks::sealed_cache]),
    ("checkpoint", &[checks::checkpoint]),
    ("gzip", &[checks::gzip]),
    ("idx", &[checks::idx]),
    ("journal", &[checks::journal, checks::sealed_journal]),
    ("model", &[checks::model]),
    ("png", &[checks::png]),
    ("records", &[checks::records]),
    ("times", &[checks::times]),
];

#[test]
fn every_input_that_is_kept_does_no_harm() {
    let mut files = 0;
    for (name, checks) in CHECKS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/inputs").join(name);
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap().path();
            println!("{}", path.display()); // the one that does harm is the last that is told
            let bytes = fs::read(&path).unwrap();
            checks.iter().for_each(|check| _ = check(&bytes));
            files += 1;
        }
    }
    assert!(files >= CHECKS.len(), "only {files} files");
}

/// The samples, to be fuzzed from. Written anew by `cargo test --test parsers -- --ignored write_samples`.
#[test]
#[ignore = "it writes into the source tree"]
fn write_samples() {
    use crate::samples::*;
    for (name, bytes) in [
        ("baseline/sample", baseline().into_bytes()),
        ("cache/sample", cache()),
        ("checkpoint/sample", checkpoint_file()),
        ("gzip/sample", gzip()),
        ("gzip/compressed", compressed()),
        ("idx/images", images()),
        ("idx/labels", labels()),
        ("journal/sample", journal()),
        ("model/sample", model()),
        ("png/sample", png()),
        ("records/sample", record().into_bytes()),
        ("times/sample", times()),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/inputs").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
}
