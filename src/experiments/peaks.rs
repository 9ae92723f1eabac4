//! The most that the machine can do with this build's vectors: arithmetic, and bandwidth of each level of its memory. The
//! roofs under which the kernels work.

use dlr_kernels::lanes::f32xN;
use dlr_kernels::peaks::{FLOPS_PER_ROUND, load, multiply_add, renew};
use rayon::ThreadPool;
use serde::Serialize;
use std::fs;
use std::sync::{Barrier, Mutex};
use std::time::{Duration, Instant};

/// A try, long enough for the clock and short enough to fall between two interruptions.
const TRY: Duration = Duration::from_millis(2);
/// Tries, of which the best counts: all that can happen to the others makes them slower.
const TRIES: usize = 12;

/// Bytes of the buffers: half of the smallest first-level cache there is today, which is 32 KB; half of the smallest second
/// level, 512 KB; more than any second level and less than most third ones; and beyond them.
const BUFFERS: [(&str, usize); 4] =
    [("L1", 16 << 10), ("L2", 256 << 10), ("L3", 8 << 20), ("memory", 128 << 20)];

/// Bytes of a thread's part at least, of the levels that threads share: more than a second level has.
const LEAST_SHARE: usize = 2 << 20;

/// Where the system does not tell the sizes of its caches: those that no machine of today falls short of.
const CACHES: [usize; 3] = [32 << 10, 512 << 10, 8 << 20];

/// The most that some threads can do.
#[derive(Clone, Debug, Serialize)]
pub struct Peaks {
    /// So many threads.
    pub threads: usize,
    /// Fused multiply-adds in registers, each counted as two operations; 10^9 a second.
    pub gflops: f64,
    /// From the first level of the caches to the memory.
    pub levels: Vec<Level>,
}

/// A cache, or the memory.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Level {
    /// "L1", "L2", "L3" or "memory".
    pub name: &'static str,
    /// Its size as far as known; the memory has none.
    pub bytes: Option<usize>,
    /// Bandwidth where vectors are loaded only, in 10^9 bytes a second; at least what is loaded where they are stored, too: a
    /// loop of loads alone can be the slower one.
    pub load_gbs: f64,
    /// Bandwidth where each vector is loaded and another is stored in its place; both ways are counted.
    pub renew_gbs: f64,
}

impl Level {
    /// The bandwidth for so many bytes loaded and stored, where each store goes with a load.
    pub fn bandwidth(&self, loads: f64, stores: f64) -> f64 {
        (loads + stores) / ((loads - stores).max(0.0) / self.load_gbs + 2.0 * stores / self.renew_gbs)
    }
}

impl Peaks {
    /// Measures what the threads of `pool` can do together, each with buffers of its own. Takes about half a second.
    pub fn measure(pool: &ThreadPool) -> Self {
        let threads = pool.current_num_threads();
        let rounds = 1_000;
        let flops =
            best(pool, vec![(); threads], |()| multiply_add(rounds)) * (rounds * FLOPS_PER_ROUND) as f64;
        let caches = caches();
        let level = |(number, (name, bytes)): (usize, (&'static str, usize))| {
            let bytes = if bytes > LEAST_SHARE { (bytes / threads).max(LEAST_SHARE) } else { bytes };
            let buffers = || vec![vec![f32xN::ONE; bytes / size_of::<f32xN>()]; threads];
            let [loaded, renewed] =
                [best(pool, buffers(), |buffer| load(buffer)), best(pool, buffers(), |buffer| renew(buffer))]
                    .map(|times| times * bytes as f64 / 1e9);
            Level {
                name,
                bytes: caches.get(number).copied(),
                load_gbs: loaded.max(renewed),
                renew_gbs: 2.0 * renewed,
            }
        };
        Self { threads, gflops: flops / 1e9, levels: BUFFERS.into_iter().enumerate().map(level).collect() }
    }

    /// The level in which so many bytes have room.
    pub fn level_of(&self, bytes: f64) -> &Level {
        let fits = |level: &&Level| level.bytes.is_none_or(|size| bytes <= size as f64);
        self.levels.iter().find(fits).expect("the memory has room for everything")
    }
}

/// How often a second the threads of `pool`, each with its one of `states`, do `work` together at their best.
fn best<S: Send>(pool: &ThreadPool, states: Vec<S>, work: impl Fn(&mut S) + Sync) -> f64 {
    let mut states: Vec<Mutex<S>> = states.into_iter().map(Mutex::new).collect();
    let run = |state: &mut S, times: u32| {
        let started = Instant::now();
        (0..times).for_each(|_| work(state));
        (started, Instant::now())
    };
    // Some work is over sooner than the clock can be read, so that it is done more and more often.
    let first = states.first_mut().expect("a pool has a thread").get_mut().expect("no panic");
    let mut times = 1;
    while let (started, ended) = run(first, times)
        && ended - started < TRY
    {
        times *= 2;
    }
    // From the first to start to the last to end, so that threads that have to take turns don't count as one each.
    let start = Barrier::new(states.len());
    let together = || {
        let spans = pool.broadcast(|thread| {
            let mut state = states[thread.index()].lock().expect("no panic");
            start.wait();
            run(&mut state, times)
        });
        let started = spans.iter().map(|(started, _)| *started).min();
        let ended = spans.iter().map(|(_, ended)| *ended).max();
        let wall = started.zip(ended).map_or(0.0, |(started, ended)| (ended - started).as_secs_f64());
        f64::from(times) * spans.len() as f64 / wall
    };
    (0..TRIES).map(|_| together()).fold(0.0, f64::max)
}

/// The sizes of the data caches, from the first level on.
pub fn caches() -> [usize; 3] {
    let mut sizes = CACHES;
    for index in 0..8 {
        let read = |what: &str| {
            fs::read_to_string(format!("/sys/devices/system/cpu/cpu0/cache/index{index}/{what}")).ok()
        };
        let (Some(level), Some(kind), Some(size)) = (read("level"), read("type"), read("size")) else {
            continue;
        };
        if let (Ok(level), Some(size)) = (level.trim().parse::<usize>(), bytes(size.trim()))
            && kind.trim() != "Instruction"
            && let Some(known) = sizes.get_mut(level.wrapping_sub(1))
        {
            *known = size;
        }
    }
    sizes
}

/// The bytes of a size as the system writes it: 32K, 1024K or 32M.
fn bytes(size: &str) -> Option<usize> {
    let unit = match size.chars().last()? {
        'K' => 1 << 10,
        'M' => 1 << 20,
        'G' => 1 << 30,
        _ => return size.parse().ok(),
    };
    size[..size.len() - 1].parse::<usize>().ok()?.checked_mul(unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(name: &'static str, bytes: Option<usize>) -> Level {
        Level { name, bytes, load_gbs: 100.0, renew_gbs: 50.0 }
    }

    #[test]
    fn a_working_set_lives_in_the_first_level_with_room() {
        let levels = vec![level("L1", Some(1000)), level("L2", Some(5000)), level("memory", None)];
        let peaks = Peaks { threads: 1, gflops: 1.0, levels };
        for (bytes, name) in
            [(0.0, "L1"), (1000.0, "L1"), (1001.0, "L2"), (5001.0, "memory"), (1e12, "memory")]
        {
            assert_eq!(peaks.level_of(bytes).name, name);
        }
    }

    #[test]
    fn bandwidth_is_that_of_the_mixture() {
        let level = level("L1", None);
        let near =
            |loads, stores, want: f64| assert!((level.bandwidth(loads, stores) / want - 1.0).abs() < 1e-12);
        near(7.0, 0.0, 100.0);
        near(7.0, 7.0, 50.0);
        // 200 bytes loaded at 100, 100 loaded and 100 stored at 50: 2 + 4 for 400.
        near(300.0, 100.0, 400.0 / 6.0);
    }

    #[test]
    fn sizes_as_the_system_writes_them() {
        let sizes = ["32K", "1024K", "32M", "2G", "512", "", "K", "big"];
        let want =
            [Some(32 << 10), Some(1 << 20), Some(32 << 20), Some(2 << 30), Some(512), None, None, None];
        assert_eq!(sizes.map(bytes), want);
        assert!(caches().is_sorted());
    }
}
