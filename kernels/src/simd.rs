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
    /// 256-bit floats and integers with fused multiply-add.
    Avx2Fma,
    /// 512-bit floats and integers: with these, [vectors](crate::lanes) have sixteen lanes.
    Avx512,
}

impl Level {
    /// What the kernels were compiled for.
    pub const fn compiled() -> Self {
        if cfg!(target_feature = "avx512f") {
            Self::Avx512
        } else if cfg!(all(target_feature = "avx2", target_feature = "fma")) {
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
        return Self::of([
            std::is_x86_feature_detected!("avx"),
            std::is_x86_feature_detected!("avx2"),
            std::is_x86_feature_detected!("fma"),
            std::is_x86_feature_detected!("avx512f"),
        ]);
        #[cfg(not(target_arch = "x86_64"))]
        Self::Baseline
    }

    /// The level of a machine that has these or not: `avx`, `avx2`, `fma`, `avx512f`.
    #[cfg(target_arch = "x86_64")]
    fn of(features: [bool; 4]) -> Self {
        match features {
            [_, _, _, true] => Self::Avx512,
            [_, true, true, _] => Self::Avx2Fma,
            [true, ..] => Self::Avx,
            _ => Self::Baseline,
        }
    }

    /// The name in results and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Baseline if cfg!(target_arch = "x86_64") => "sse2",
            Self::Baseline if cfg!(target_arch = "aarch64") => "neon",
            Self::Baseline => "scalar",
            Self::Avx => "avx",
            Self::Avx2Fma => "avx2+fma",
            Self::Avx512 => "avx512",
        }
    }
}

/// The first instruction set that this build was compiled to use and this machine lacks: the build would die on it.
///
/// Covers what `target-cpu=native` turns on, as far as a compiler uses it without being told to. It asks the processor
/// itself: the standard library takes for granted whatever the build was compiled for. This function needs nothing beyond
/// what every machine of the architecture has, as long as the compiler finds nothing to turn into vectors here, so it is
/// scalar code with a way out after every question.
#[cold]
#[inline(never)]
pub fn missing() -> Option<&'static str> {
    #[cfg(target_arch = "x86_64")]
    return Cpu::read().lacks();
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// What `cpuid` says of the processor, and `xgetbv` of the operating system. The names are those of the leaves and registers.
#[cfg(target_arch = "x86_64")]
struct Cpu {
    one_ecx: u32,
    seven_ebx: u32,
    seven_ecx: u32,
    seven_edx: u32,
    seven_one_eax: u32,
    extended_ecx: u32,
    /// The registers that the operating system saves for a process.
    saved: u32,
}

/// Calls `$then` with all instruction sets, basic ones first: the name, where `cpuid` has its bit, and the registers that must
/// be saved for it.
#[cfg(target_arch = "x86_64")]
macro_rules! features {
    ($then:ident) => {
        $then! {
            "sse3" one_ecx 0 ANY, "ssse3" one_ecx 9 ANY, "sse4.1" one_ecx 19 ANY, "sse4.2" one_ecx 20 ANY,
            "popcnt" one_ecx 23 ANY, "cmpxchg16b" one_ecx 13 ANY, "avx" one_ecx 28 YMM, "avx2" seven_ebx 5 YMM,
            "fma" one_ecx 12 YMM, "f16c" one_ecx 29 YMM, "bmi1" seven_ebx 3 ANY, "bmi2" seven_ebx 8 ANY,
            "lzcnt" extended_ecx 5 ANY, "movbe" one_ecx 22 ANY, "adx" seven_ebx 19 ANY, "sse4a" extended_ecx 6 ANY,
            "avx512f" seven_ebx 16 ZMM, "avx512cd" seven_ebx 28 ZMM, "avx512bw" seven_ebx 30 ZMM,
            "avx512dq" seven_ebx 17 ZMM, "avx512vl" seven_ebx 31 ZMM, "avx512ifma" seven_ebx 21 ZMM,
            "avx512vbmi" seven_ecx 1 ZMM, "avx512vbmi2" seven_ecx 6 ZMM, "avx512vnni" seven_ecx 11 ZMM,
            "avx512bitalg" seven_ecx 12 ZMM, "avx512vpopcntdq" seven_ecx 14 ZMM,
            "avx512vp2intersect" seven_edx 8 ZMM, "avx512fp16" seven_edx 23 ZMM, "avx512bf16" seven_one_eax 5 ZMM,
            "avxvnni" seven_one_eax 4 YMM, "avxifma" seven_one_eax 23 YMM, "gfni" seven_ecx 8 ANY,
            "aes" one_ecx 25 ANY, "pclmulqdq" one_ecx 1 ANY, "vaes" seven_ecx 9 YMM, "vpclmulqdq" seven_ecx 10 YMM,
            "sha" seven_ebx 29 ANY
        }
    };
}

#[cfg(target_arch = "x86_64")]
impl Cpu {
    /// No registers but those that are always saved.
    const ANY: u32 = 0;
    /// Those of 128 and 256 bits.
    const YMM: u32 = 0b110;
    /// These, the masks, and those of 512 bits.
    const ZMM: u32 = 0b1110_0110;

    #[inline(always)]
    fn read() -> Self {
        use core::arch::x86_64::{__cpuid, __cpuid_count};
        const EXTENDED: u32 = 0x8000_0000;
        const OSXSAVE: u32 = 1 << 27;
        let one_ecx = __cpuid(1).ecx;
        let (mut seven_ebx, mut seven_ecx, mut seven_edx, mut seven_one_eax) = (0, 0, 0, 0);
        if __cpuid(0).eax >= 7 {
            let seven = __cpuid_count(7, 0);
            (seven_ebx, seven_ecx, seven_edx) = (seven.ebx, seven.ecx, seven.edx);
            if seven.eax >= 1 {
                seven_one_eax = __cpuid_count(7, 1).eax;
            }
        }
        let extended_ecx = if __cpuid(EXTENDED).eax > EXTENDED { __cpuid(EXTENDED + 1).ecx } else { 0 };
        let saved = if one_ecx & OSXSAVE == 0 { 0 } else { saved() };
        Self { one_ecx, seven_ebx, seven_ecx, seven_edx, seven_one_eax, extended_ecx, saved }
    }

    /// The first instruction set that the build uses and this processor lacks.
    #[inline(always)]
    fn lacks(&self) -> Option<&'static str> {
        macro_rules! each {
            ($($feature:tt $register:ident $bit:literal $saved:ident),+) => {
                $(if cfg!(target_feature = $feature) && !self.has(self.$register, $bit, Self::$saved) {
                    return Some($feature);
                })+
            };
        }
        features!(each);
        None
    }

    #[inline(always)]
    fn has(&self, register: u32, bit: u32, saved: u32) -> bool {
        register & (1 << bit) != 0 && self.saved & saved == saved
    }
}

/// The registers that the operating system saves, if it says so.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
#[allow(unsafe_code)]
fn saved() -> u32 {
    // SAFETY: who calls this has seen that the operating system has turned the instruction on. It reads a register.
    let [eax, _]: [u32; 2] = bytemuck::cast(unsafe { core::arch::x86_64::_xgetbv(0) });
    eax
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    const ALL: Cpu = Cpu {
        one_ecx: !0,
        seven_ebx: !0,
        seven_ecx: !0,
        seven_edx: !0,
        seven_one_eax: !0,
        extended_ecx: !0,
        saved: !0,
    };

    #[test]
    fn a_level_is_the_best_of_which_nothing_is_missing() {
        let levels = [
            ([false, false, false, false], Level::Baseline, "sse2"),
            ([true, false, false, false], Level::Avx, "avx"),
            ([true, true, false, false], Level::Avx, "avx"),
            ([true, false, true, false], Level::Avx, "avx"),
            ([true, true, true, false], Level::Avx2Fma, "avx2+fma"),
            ([true, true, true, true], Level::Avx512, "avx512"),
        ];
        for (features, level, name) in levels {
            assert_eq!((Level::of(features), level.name()), (level, name));
        }
        assert!(Level::detected() >= Level::compiled(), "or this would not run");
    }

    /// The standard library's word counts where the build does not use an instruction set.
    #[test]
    fn the_processor_says_what_the_standard_library_says() {
        let cpu = Cpu::read();
        macro_rules! each {
            ($($feature:tt $register:ident $bit:literal $saved:ident),+) => {
                $(assert_eq!(
                    cpu.has(cpu.$register, $bit, Cpu::$saved),
                    std::is_x86_feature_detected!($feature),
                    $feature
                );)+
            };
        }
        features!(each);
        assert_eq!(missing(), None);
    }

    #[test]
    fn what_the_build_uses_is_missed_and_nothing_else() {
        assert_eq!(ALL.lacks(), None);
        let first = |feature, used: bool| used.then_some(feature);
        macro_rules! each {
            ($($feature:tt $register:ident $bit:literal $saved:ident),+) => {
                $(let without = Cpu { $register: !(1 << $bit), ..ALL };
                assert_eq!(without.lacks(), first($feature, cfg!(target_feature = $feature)));)+
            };
        }
        features!(each);
        let unsaved = Cpu { saved: 0, ..ALL };
        assert_eq!(
            unsaved.lacks(),
            first("avx", cfg!(target_feature = "avx")),
            "the system is too old for it"
        );
        let halves = Cpu { saved: Cpu::YMM, ..ALL };
        assert_eq!(halves.lacks(), first("avx512f", cfg!(target_feature = "avx512f")));
    }
}
