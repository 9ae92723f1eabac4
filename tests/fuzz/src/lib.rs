//! Fuzzing for every parser, by the checks that `cargo test` makes, too (see `run`, beside this crate).

#[path = "../../parsers/checks.rs"]
pub mod checks;
#[path = "../../parsers/naive.rs"]
mod naive;
#[allow(dead_code)] // parts of it serve tests that have no target
#[path = "../../parsers/prepared.rs"]
mod prepared;

/// A target that makes these checks.
#[macro_export]
macro_rules! target {
    ($($check:ident),+) => {
        libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
            $($crate::checks::$check(bytes);)+
        });
    };
}
