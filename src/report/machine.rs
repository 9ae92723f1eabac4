//! What produced a result: this build and this machine.

use dlr_kernels::simd::Level;
use serde::Serialize;
use std::{fmt, fs};

/// The build and the machine.
#[derive(Clone, Debug, Serialize)]
pub struct Engine {
    /// Version of this crate.
    pub version: &'static str,
    /// Commit that it was built from, or "unknown".
    pub commit: &'static str,
    /// Compiler that built it.
    pub rustc: &'static str,
    /// "release" or "debug".
    pub profile: &'static str,
    /// Instruction set that the kernels use.
    pub simd: &'static str,
    /// Best instruction set of the machine that the kernels could use.
    pub simd_detected: &'static str,
    /// Threads for tests and batches.
    pub threads: usize,
    /// The processor's name, or "unknown".
    pub cpu: String,
}

impl Engine {
    /// This build on this machine, with `threads` threads.
    pub fn here(threads: usize) -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION"),
            commit: env!("DLR_COMMIT"),
            rustc: env!("DLR_RUSTC"),
            profile: if cfg!(debug_assertions) { "debug" } else { "release" },
            simd: Level::compiled().name(),
            simd_detected: Level::detected().name(),
            threads,
            cpu: processor().unwrap_or_else(|| "unknown".into()),
        }
    }

    /// What makes this build slower than it could be, a line each.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.profile == "debug" {
            warnings.push(
                "this is a debug build, some 30 times slower than it could be; build with --release"
                    .to_owned(),
            );
        }
        if Level::compiled() < Level::detected() {
            warnings.push(format!(
                "this build uses {}, but this machine has {}; build with RUSTFLAGS unset, or with -C target-cpu=native",
                self.simd, self.simd_detected
            ));
        }
        warnings
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Self { version, commit, profile, simd, threads, cpu, .. } = self;
        let plural = if *threads == 1 { "" } else { "s" };
        write!(f, "dlr {version} ({commit}), {profile} build, {simd}, {threads} thread{plural} on {cpu}")
    }
}

fn processor() -> Option<String> {
    let info = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}
