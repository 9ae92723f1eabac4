//! What the manifests say is true of the packages they describe.

use serde_json::Value;
use std::process::Command;

/// `cargo metadata`, of what this machine's build is made of.
fn metadata() -> Value {
    let version = Command::new(env!("CARGO")).arg("-vV").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--offline", "--filter-platform", host])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// "1.89" or "1.89.0" as numbers.
fn version(text: &str) -> Vec<u32> {
    let mut numbers: Vec<u32> = text.split('.').map(|number| number.parse().unwrap()).collect();
    numbers.resize(3, 0);
    numbers
}

#[test]
fn no_dependency_needs_a_newer_rust_than_ours() {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let ours = version(env!("CARGO_PKG_RUST_VERSION"));
    let mut told = 0;
    for package in packages {
        let Some(needed) = package["rust_version"].as_str() else { continue };
        assert!(version(needed) <= ours, "{} needs Rust {needed}", package["name"]);
        told += 1;
    }
    assert!(told > 30, "only {told} of {} packages say which Rust they need", packages.len());
}

#[test]
fn the_documented_rust_is_the_one_that_is_needed() {
    let readme = include_str!("../README.md");
    let sentence = format!("Rust {} or newer", env!("CARGO_PKG_RUST_VERSION"));
    assert!(readme.contains(&sentence), "no {sentence:?} in the README");
}
