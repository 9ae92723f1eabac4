//! What else a machine did while something was measured on it, where the system tells (Linux).

use std::fs;

/// How busy the machine and this process have been since some moment, in the system's ticks.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    processors: f64,
    all: f64,
    busy: f64,
    stolen: f64,
    own: f64,
}

/// What was found between two moments, in processors: 0.5 is half of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Others {
    /// Used by other programs.
    pub used: f64,
    /// Withheld from this machine by the one that it is a guest of.
    pub stolen: f64,
}

/// Processors that others may use without a word: what an idle system does for itself.
const USUAL: f64 = 0.1;
/// Processors that may be withheld without a word.
const USUAL_STOLEN: f64 = 0.02;

impl Noise {
    /// As it is now; `None` where the system does not tell.
    pub fn now() -> Option<Self> {
        let (stat, own) =
            (fs::read_to_string("/proc/stat").ok()?, fs::read_to_string("/proc/self/stat").ok()?);
        Self::from_text(&stat, &own)
    }

    fn from_text(stat: &str, own: &str) -> Option<Self> {
        let numbers = |text: &str| -> Vec<f64> {
            text.split_whitespace().map_while(|number| number.parse().ok()).collect()
        };
        let processors = stat.lines().filter(|line| line.starts_with("cpu")).count().checked_sub(1)?;
        // user nice system idle iowait irq softirq steal; what guests of ours use is in the first two.
        let total = numbers(stat.strip_prefix("cpu ")?.lines().next()?);
        let &[user, nice, system, idle, iowait, irq, softirq, stolen, ..] = &total[..] else { return None };
        let busy = user + nice + system + irq + softirq;
        // The name, in brackets, may hold anything; utime and stime are fields 14 and 15, counted from its own as 2.
        let fields = own.rsplit_once(')')?.1.split_whitespace();
        let own: f64 = fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<f64>().ok()).sum();
        let all = busy + idle + iowait + stolen;
        Some(Self { processors: processors as f64, all, busy, stolen, own })
    }

    /// What others did since; `None` where the system does not tell, or no tick has passed.
    pub fn others_since(&self) -> Option<Others> {
        Self::now()?.others_from(self)
    }

    fn others_from(&self, before: &Self) -> Option<Others> {
        let passed = (self.all - before.all) / self.processors;
        (passed > 0.0).then(|| Others {
            used: ((self.busy - before.busy - (self.own - before.own)) / passed).max(0.0),
            stolen: ((self.stolen - before.stolen) / passed).max(0.0),
        })
    }
}

impl Others {
    /// What to say of it, if it may have disturbed a measurement.
    pub fn warning(&self) -> Option<String> {
        let Self { used, stolen } = self;
        let mut parts = Vec::new();
        if *used > USUAL {
            parts.push(format!("other programs used {used:.1} processors"));
        }
        if *stolen > USUAL_STOLEN {
            parts.push(format!("the host withheld {stolen:.2} processors"));
        }
        (!parts.is_empty()).then(|| {
            format!(
                "the machine was busy: {} meanwhile; the least times are the safest",
                parts.join(", and ")
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    #[test]
    fn others_are_what_is_not_our_own() {
        let own = |utime, stime| format!("7 (a name) with) S 1 7 7 0 -1 4 100 0 0 0 {utime} {stime} 0 0 20");
        let stat = |ticks: [u64; 8]| {
            let [user, nice, system, idle, iowait, irq, softirq, steal] = ticks;
            format!(
                "cpu  {user} {nice} {system} {idle} {iowait} {irq} {softirq} {steal} 9 9\n\
                 cpu0 1 2\ncpu1 3 4\nintr 5\n"
            )
        };
        let before = Noise::from_text(&stat([100, 20, 10, 1000, 30, 4, 6, 5]), &own(50, 10)).unwrap();
        let after = Noise::from_text(&stat([190, 50, 20, 1035, 35, 9, 21, 15]), &own(140, 20)).unwrap();
        // 200 ticks of two processors: 100 each. 150 were busy, 100 of them our own.
        let others = after.others_from(&before).unwrap();
        assert_eq!(others, Others { used: 0.5, stolen: 0.1 });
        let warning = others.warning().unwrap();
        assert!(warning.contains("used 0.5 processors, and the host withheld 0.10"), "{warning}");
        assert_eq!(Others { used: 0.1, stolen: 0.02 }.warning(), None, "this is usual");
        assert_eq!(before.others_from(&before), None);
        assert!(Noise::from_text("", &own(1, 1)).is_none());
        assert!(Noise::from_text("cpu  1 2 3\ncpu0 1\n", &own(1, 1)).is_none());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_tells() {
        let before = Noise::now().unwrap();
        let since = Instant::now();
        // A tick is a hundredth of a second.
        let others = loop {
            match before.others_since() {
                Some(others) => break others,
                None => assert!(since.elapsed() < Duration::from_secs(10), "{before:?}"),
            }
        };
        assert!(others.used.is_finite() && others.stolen.is_finite(), "{others:?}");
    }
}
