//! Which instructions this build uses, and which the machine would have.
//!
//! The `wide` vectors choose their instructions when they are compiled, so a build for a plain x86-64 runs the kernels
//! several times slower than the machine could, and a build for a newer machine dies on an older one. Both can be told
//! before any kernel runs.

/// The instruction sets that matter to the kernels, slowest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// What every machine of the architecture has: SSE2 on x86-64, NEON on aarch64, nothing elsewhere.
    Baseline,
    /// 256-bit floats, without fused multiply-add.
    Avx,
    /// 256-bit floats and integers with fused multiply-add: what the kernels are tuned for.
    Avx2Fma,
}

impl Level {
    /// What the kernels were compiled for.
    pub const fn compiled() -> Self {
        if cfg!(all(target_feature = "avx2", target_feature = "fma")) {
            Self::Avx2Fma
        } else if cfg!(target_feature = "avx") {
            Self::Avx
        } else {
            Self::Baseline
        }
    }

    /// What this machine has.
    pub fn detected() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("fma") {
                return Self::Avx2Fma;
            }
            if std::is_x86_feature_detected!("avx") {
                return Self::Avx;
            }
        }
        Self::Baseline
    }

    /// The name in results and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline if cfg!(target_arch = "x86_64") => "sse2",
            Self::Baseline if cfg!(target_arch = "aarch64") => "neon",
            Self::Baseline => "scalar",
            Self::Avx => "avx",
            Self::Avx2Fma => "avx2+fma",
        }
    }
}

/// The first instruction set that this build was compiled to use and this machine lacks: the build would die on it.
///
/// Covers what `target-cpu=native` commonly turns on beyond the [`Level`]s.
pub fn missing() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    {
        macro_rules! first_missing {
            ($($feature:tt)+) => {
                $(if cfg!(target_feature = $feature) && !std::is_x86_feature_detected!($feature) {
                    return Some($feature);
                })+
            };
        }
        first_missing!("sse3" "ssse3" "sse4.1" "sse4.2" "popcnt" "avx" "f16c" "fma" "avx2" "bmi1" "bmi2" "lzcnt"
            "movbe" "avx512f" "avx512vl" "avx512bw" "avx512dq" "avx512cd" "avx512vnni" "avx512vbmi");
    }
    None
}
