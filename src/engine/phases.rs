//! Where the time of training goes: a probe in the training steps, that compiles to nothing where nobody asks.
//!
//! Every step tells its probe when a phase ends. Without a clock, `()`, that is an empty function. A [`Stopwatch`] reads
//! the processor's counter of cycles, and knows what that costs, some nanoseconds. Where several threads share a phase, each
//! has a watch of its own, and the time that passed is split as theirs say.

use super::names::named;
use dlr_kernels::peaks::multiply_add;
use quanta::Clock;
use std::sync::{Mutex, PoisonError};

named! {
    /// What a training step is doing.
    pub enum Phase {
        /// Finding the images' lit pixels and their values.
        Data = "data",
        /// From lit pixels to the hidden units' net inputs; rows that had a pause catch up here, and images that are learned
        /// together meet what those before them have done.
        Forward = "forward",
        /// Hidden activations, outputs, and the deltas of both layers.
        Output = "output",
        /// Gradients and the update of both layers.
        Update = "update",
    }
}

impl Phase {
    /// All of them, in their order.
    pub const ALL: [Self; 4] = [Self::Data, Self::Forward, Self::Output, Self::Update];
}

/// Whoever is told when phases end.
pub(super) trait Laps: Send + Sync {
    /// What has been done since the last lap was `phase`.
    fn lap(&mut self, phase: Phase);

    /// What has been done since the last lap was done by several threads, each with a watch that [`piece`](Self::piece)
    /// made.
    fn lap_together(&mut self);

    /// A watch for a thread's piece of work, which starts now.
    fn piece(&self) -> Self;

    /// Takes in what the watch of a piece says.
    fn gather(&self, piece: &Self);
}

/// Nobody is told.
impl Laps for () {
    #[inline(always)]
    fn lap(&mut self, _: Phase) {}
    #[inline(always)]
    fn lap_together(&mut self) {}
    #[inline(always)]
    fn piece(&self) {}
    #[inline(always)]
    fn gather(&self, (): &()) {}
}

/// A watch for one piece of work, which tells the common one when it is over.
pub(super) struct Piece<'a, L: Laps> {
    pub(super) own: L,
    common: &'a L,
}

impl<'a, L: Laps> Piece<'a, L> {
    pub(super) fn new(common: &'a L) -> Self {
        Self { own: common.piece(), common }
    }
}

impl<L: Laps> Drop for Piece<'_, L> {
    fn drop(&mut self) {
        self.common.gather(&self.own);
    }
}

/// Laps of each phase, and the clock's ticks in them.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    ticks: [f64; 4],
    laps: [u32; 4],
}

impl Sums {
    /// The phase's ticks without those of reading the clock.
    fn of(&self, phase: Phase, lap_ticks: f64) -> f64 {
        let phase = phase as usize;
        (self.ticks[phase] - f64::from(self.laps[phase]) * lap_ticks).max(0.0)
    }
}

/// Adds up the time of each phase.
#[derive(Debug)]
pub struct Stopwatch {
    clock: Clock,
    last: u64,
    sums: Sums,
    /// What the watches of pieces have said since the last lap.
    pieces: Mutex<Sums>,
    /// What a lap costs.
    lap_ticks: f64,
}

/// Laps in a row whose mean is one measurement of their cost.
const ROW: u32 = 500;
/// Rounds of arithmetic between two of them, 0.1 us: about what is between two laps of training. Without any, laps would
/// wait for each other, which they don't do where the processor has other work to go on with.
const BETWEEN: usize = 64;
/// Rows, of which the fastest counts: all that can happen to the others makes them slower.
const ROWS: u32 = 50;

impl Stopwatch {
    /// A watch that knows its own cost. Takes a fifth of a second the first time.
    pub fn new() -> Self {
        let mut watch = Self::free(Clock::new());
        let mut best = |laps| (0..ROWS).map(|_| watch.row(laps)).fold(f64::INFINITY, f64::min);
        watch.lap_ticks = (best(true) - best(false)).max(0.0);
        watch.restart();
        watch
    }

    /// A watch of which laps are thought to cost nothing.
    fn free(clock: Clock) -> Self {
        Self {
            last: clock.raw(),
            clock,
            sums: Sums::default(),
            pieces: Mutex::new(Sums::default()),
            lap_ticks: 0.0,
        }
    }

    /// The mean ticks of some arithmetic, followed by a lap or not.
    fn row(&mut self, laps: bool) -> f64 {
        self.restart();
        let start = self.last;
        for _ in 0..ROW {
            multiply_add(BETWEEN);
            if laps {
                self.lap(Phase::Data);
            }
        }
        self.clock.raw().saturating_sub(start) as f64 / f64::from(ROW)
    }

    /// Forgets all laps, and starts the next one.
    pub fn restart(&mut self) {
        self.sums = Sums::default();
        self.last = self.clock.raw();
    }

    /// Starts the next lap, so that what was done before is in none.
    pub(super) fn start(&mut self) {
        self.last = self.clock.raw();
    }

    /// Nanoseconds of each phase since the [restart](Self::restart), in the order of [`Phase::ALL`], without the laps' own.
    pub fn nanoseconds(&self) -> [f64; 4] {
        Phase::ALL.map(|phase| self.in_nanoseconds(self.sums.of(phase, self.lap_ticks)))
    }

    /// What a lap costs, in nanoseconds.
    pub fn lap_nanoseconds(&self) -> f64 {
        self.in_nanoseconds(self.lap_ticks)
    }

    fn in_nanoseconds(&self, ticks: f64) -> f64 {
        /// A span long enough for the rate to be exact.
        const SPAN: u64 = 1 << 40;
        ticks * self.clock.delta_as_nanos(0, SPAN) as f64 / SPAN as f64
    }

    /// Ticks since the last lap.
    #[inline]
    fn passed(&mut self) -> f64 {
        let now = self.clock.raw();
        let passed = now.saturating_sub(self.last);
        self.last = now;
        passed as f64
    }
}

impl Default for Stopwatch {
    fn default() -> Self {
        Self::new()
    }
}

impl Laps for Stopwatch {
    #[inline]
    fn lap(&mut self, phase: Phase) {
        self.sums.ticks[phase as usize] += self.passed();
        self.sums.laps[phase as usize] += 1;
    }

    fn lap_together(&mut self) {
        let passed = self.passed();
        let pieces = std::mem::take(self.pieces.get_mut().unwrap_or_else(PoisonError::into_inner));
        let all: f64 = pieces.ticks.iter().sum();
        if all > 0.0 {
            for phase in Phase::ALL {
                self.sums.ticks[phase as usize] += passed * pieces.of(phase, self.lap_ticks) / all;
            }
        }
    }

    fn piece(&self) -> Self {
        Self { lap_ticks: self.lap_ticks, ..Self::free(self.clock.clone()) }
    }

    fn gather(&self, piece: &Self) {
        let mut pieces = self.pieces.lock().unwrap_or_else(PoisonError::into_inner);
        for phase in 0..Phase::ALL.len() {
            pieces.ticks[phase] += piece.sums.ticks[phase];
            pieces.laps[phase] += piece.sums.laps[phase];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A watch whose clock is moved by hand.
    fn watch() -> (Stopwatch, std::sync::Arc<quanta::Mock>) {
        let (clock, hand) = Clock::mock();
        let mut watch = Stopwatch::free(clock);
        watch.lap_ticks = 2.0;
        (watch, hand)
    }

    #[test]
    fn laps_are_added_up_without_their_own_cost() {
        let (mut watch, hand) = watch();
        for (phase, ticks) in
            [(Phase::Data, 12), (Phase::Update, 102), (Phase::Data, 22), (Phase::Forward, 1)]
        {
            hand.increment(ticks);
            watch.lap(phase);
        }
        assert_eq!(watch.nanoseconds(), [30.0, 0.0, 0.0, 100.0]);
        watch.restart();
        assert_eq!(watch.nanoseconds(), [0.0; 4]);
    }

    #[test]
    fn what_is_done_together_is_split_by_the_pieces() {
        let (mut watch, hand) = watch();
        {
            let (mut one, mut other) = (Piece::new(&watch), Piece::new(&watch));
            hand.increment(100);
            one.own.lap(Phase::Forward);
            other.own.lap(Phase::Forward);
            hand.increment(300);
            one.own.lap(Phase::Output);
            other.own.lap(Phase::Output);
        }
        watch.lap_together();
        assert_eq!(watch.nanoseconds(), [0.0, 98.0, 298.0, 0.0]);
        // The pieces are forgotten.
        hand.increment(7);
        watch.lap_together();
        assert_eq!(watch.nanoseconds(), [0.0, 98.0, 298.0, 0.0]);
    }

    #[test]
    fn a_lap_costs_little() {
        let ns = Stopwatch::new().lap_nanoseconds();
        assert!((0.0..1e4).contains(&ns), "{ns} ns");
    }
}
