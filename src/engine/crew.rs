//! Threads that share a step's work, some ten microseconds of it.
//!
//! Whoever leads a crew opens a round, does its own part and, with pieces that are not shared out evenly, that of others; then
//! it closes the round and waits for those who are in it. Helpers stay awake for a while between rounds and look for the
//! next one, so that a round costs two tenths of a microsecond; asleep, or on a processor that other programs have, they
//! come late or not at all, and nobody waits for them.

use std::any::Any;
use std::collections::BTreeMap;
use std::hint::spin_loop;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::{self, JoinHandle};

/// Looks at the gate before a helper goes to sleep, or the leader lets others have its processor: some 100 us.
const LOOKS: usize = 5_000;

/// A leader and its helpers, all of which work on the pieces of what is to be done.
#[derive(Clone)]
pub(super) struct Crew(Option<Arc<Helpers>>);

impl Crew {
    /// A leader without helpers.
    pub(super) const ALONE: Self = Self(None);

    /// So many threads, of which the leader is one, or fewer if the system has none left. Crews of a size share their helpers while
    /// there are any, and lead one at a time: a profile has dozens of networks.
    pub(super) fn of(threads: usize) -> Self {
        static CREWS: Mutex<BTreeMap<usize, Weak<Helpers>>> = Mutex::new(BTreeMap::new());
        if threads <= 1 {
            return Self::ALONE;
        }
        let mut crews = CREWS.lock().unwrap_or_else(PoisonError::into_inner);
        let helpers = crews.get(&threads).and_then(Weak::upgrade).unwrap_or_else(|| {
            let helpers = Arc::new(Helpers::new(threads - 1));
            crews.insert(threads, Arc::downgrade(&helpers));
            helpers
        });
        Self(Some(helpers))
    }

    /// How many threads there are.
    pub(super) fn threads(&self) -> usize {
        self.0.as_ref().map_or(1, |helpers| helpers.threads.len() + 1)
    }

    /// Does `work` with each of `pieces`, in any order.
    pub(super) fn each<T: Send>(&self, pieces: impl Iterator<Item = T>, work: impl Fn(T) + Sync) {
        match self.0 {
            None => pieces.for_each(work),
            Some(_) => self.share(&[&Pieces::new(pieces, work)]),
        }
    }

    /// Does all pieces of all jobs, in any order. Threads begin with an even share of each job, neighbours, and the same ones
    /// every time, which leaves what they work on in their caches; then they take what others have left.
    pub(super) fn share(&self, jobs: &[&dyn Job]) {
        let threads = self.threads();
        let work = |thread| {
            for of in (thread..threads).chain(0..thread) {
                for job in jobs {
                    let pieces = job.pieces();
                    for piece in of * pieces / threads..(of + 1) * pieces / threads {
                        job.attempt(piece);
                    }
                }
            }
        };
        match &self.0 {
            None => work(0),
            Some(helpers) => helpers.lead(&work),
        }
    }
}

/// As many threads as do a step of training soonest, at least one: the more there are, the less is left for each, but the longer
/// they wait for each other. The step is that of a batch of so many images, in a network of so many inputs and, in its first
/// hidden layer, units.
///
/// Two pay from half a million weights times images on, and twice as many where there are four times as many of these. That is a
/// rule of thumb, for what was measured of up to 16 threads at H = 30 to 1000.
pub(super) fn useful_threads(images: usize, inputs: usize, units: usize) -> usize {
    let work = images as f64 * inputs as f64 * units as f64;
    // An even number can be cut into a grid.
    (((work / 120_000.0).sqrt() as usize) & !1).max(1)
}

/// Work in pieces.
pub(super) trait Job: Sync {
    /// How many.
    fn pieces(&self) -> usize;

    /// Does one of them, unless somebody has begun it.
    fn attempt(&self, piece: usize);
}

/// Pieces, and what is done with each.
pub(super) struct Pieces<T, W> {
    begun: Vec<AtomicBool>,
    pieces: Vec<Mutex<Option<T>>>,
    work: W,
}

impl<T: Send, W: Fn(T) + Sync> Pieces<T, W> {
    pub(super) fn new(pieces: impl Iterator<Item = T>, work: W) -> Self {
        let pieces: Vec<_> = pieces.map(|piece| Mutex::new(Some(piece))).collect();
        let begun = iter::repeat_with(|| AtomicBool::new(false)).take(pieces.len());
        Self { begun: begun.collect(), pieces, work }
    }
}

impl<T: Send, W: Fn(T) + Sync> Job for Pieces<T, W> {
    fn pieces(&self) -> usize {
        self.pieces.len()
    }

    fn attempt(&self, piece: usize) {
        let begun = &self.begun[piece];
        // Looked at first, since to write it takes it out of the others' caches.
        if !begun.load(Ordering::Relaxed) && !begun.swap(true, Ordering::Relaxed) {
            let piece = lock(&self.pieces[piece]).take();
            (self.work)(piece.expect("nobody else has begun it"));
        }
    }
}

/// Threads that help whoever leads.
struct Helpers {
    common: Arc<Common>,
    threads: Vec<JoinHandle<()>>,
    /// Held by whoever leads.
    lead: Mutex<()>,
}

impl Helpers {
    /// So many, or as many as there can be.
    fn new(count: usize) -> Self {
        let common = Arc::new(Common {
            gate: Gate::new(),
            is_over: AtomicBool::new(false),
            is_asleep: iter::repeat_with(|| Apart(AtomicBool::new(false))).take(count).collect(),
            panic: Mutex::new(None),
        });
        let start = |number| {
            let common = Arc::clone(&common);
            thread::Builder::new().name("crew".into()).spawn(move || common.help(number)).ok()
        };
        let threads = (0..count).map_while(start).collect();
        Self { common, threads, lead: Mutex::new(()) }
    }

    /// Does `work(0)`, while helpers that are awake in time do `work(1)` and so on.
    fn lead(&self, work: &(dyn Fn(usize) + Sync)) {
        let Self { common, threads, lead } = self;
        let leads = lock(lead);
        common.gate.open(work, || {
            for (helper, is_asleep) in threads.iter().zip(&common.is_asleep) {
                if is_asleep.0.load(Ordering::SeqCst) {
                    helper.thread().unpark();
                }
            }
            work(0);
        });
        let panic = lock(&common.panic).take();
        drop(leads);
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }
}

impl Drop for Helpers {
    fn drop(&mut self) {
        self.common.is_over.store(true, Ordering::SeqCst);
        for helper in self.threads.drain(..) {
            helper.thread().unpark();
            _ = helper.join();
        }
    }
}

/// What helpers and their leader know in common.
struct Common {
    gate: Gate,
    is_over: AtomicBool,
    is_asleep: Vec<Apart<AtomicBool>>,
    /// What the work of a helper panicked with.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Common {
    /// Goes through all rounds as helper `number`, counted from 0.
    fn help(&self, number: usize) {
        let mut seen = 0;
        while let Some(round) = self.wait(seen, number) {
            seen = round;
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| self.gate.enter(round, number + 1))) {
                *lock(&self.panic) = Some(panic);
                self.gate.leave();
            }
        }
    }

    /// Waits for the round after those that have been seen.
    fn wait(&self, seen: u32, number: usize) -> Option<u32> {
        let next = || Some(self.gate.round()).filter(|&round| round != seen);
        for _ in 0..LOOKS {
            if let Some(round) = next() {
                return Some(round);
            }
            spin_loop();
        }
        let is_asleep = &self.is_asleep[number].0;
        is_asleep.store(true, Ordering::SeqCst);
        let round = loop {
            // Either this sees what has been opened, or who has opened it sees who is asleep.
            match next() {
                None if self.is_over.load(Ordering::SeqCst) => break None,
                None => thread::park(),
                round => break round,
            }
        };
        is_asleep.store(false, Ordering::SeqCst);
        round
    }
}

/// What has cache lines of its own: two, which some processors fetch together.
#[repr(align(128))]
struct Apart<T>(T);

/// What is done in a round, by a thread of that number.
type Work<'a> = &'a (dyn Fn(usize) + Sync);

/// Where helpers come in: a round's work, and how many are at it.
#[repr(align(128))]
struct Gate {
    /// The number of the round in the upper half; then whether it is closed; in the rest, how many helpers are in.
    state: AtomicU64,
    /// Where the leader has the round's [`Work`].
    work: AtomicPtr<()>,
}

impl Gate {
    const CLOSED: u64 = 1 << 31;

    fn new() -> Self {
        Self { state: AtomicU64::new(Self::CLOSED), work: AtomicPtr::default() }
    }

    fn round(&self) -> u32 {
        (self.state.load(Ordering::SeqCst) >> 32) as u32
    }

    /// Opens it for a round of `work`, which the caller leads by `lead`, and closes it.
    fn open(&self, work: Work, lead: impl FnOnce()) {
        self.work.store((&raw const work).cast_mut().cast(), Ordering::Relaxed);
        let next = self.round().wrapping_add(1);
        self.state.store(u64::from(next) << 32, Ordering::SeqCst);
        let closes = Closes(self); // even if `lead` panics
        lead();
        drop(closes);
    }

    /// Lets nobody in any more, and waits for those who are.
    fn close(&self) {
        let mut state = self.state.fetch_or(Self::CLOSED, Ordering::AcqRel);
        let mut looks = 0;
        while state & (Self::CLOSED - 1) > 0 {
            looks += 1;
            if looks > LOOKS {
                thread::yield_now()
            } else {
                spin_loop()
            }
            state = self.state.load(Ordering::Acquire);
        }
    }

    /// Does the work of this round as thread `number`, unless it is closed.
    #[allow(unsafe_code)]
    fn enter(&self, round: u32, number: usize) {
        let is_open = |&state: &u64| state >> 32 == u64::from(round) && state & Self::CLOSED == 0;
        let enter = |state| Some(state).filter(is_open).map(|state| state + 1);
        if self.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, enter).is_ok() {
            let work = self.work.load(Ordering::Relaxed).cast::<Work>();
            // SAFETY: `open` has it, put it there before it opened the gate, and ends when the last who came in has left.
            let work = unsafe { *work };
            work(number);
            self.leave();
        }
    }

    /// Whoever was let in is done.
    fn leave(&self) {
        self.state.fetch_sub(1, Ordering::Release);
    }
}

/// Closes a gate when it is dropped.
struct Closes<'a>(&'a Gate);

impl Drop for Closes<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::sync::atomic::AtomicUsize;
    use std::time::Duration;

    #[test]
    fn more_threads_share_more_work() {
        let of_mnist = |images| [30, 100, 300, 1000].map(|units| useful_threads(images, 784, units));
        assert_eq!(of_mnist(1), [1, 1, 1, 2]);
        assert_eq!(of_mnist(10), [1, 2, 4, 8]);
        assert_eq!(of_mnist(100), [4, 8, 14, 24]);
        assert_eq!(of_mnist(1000), [14, 24, 44, 80]);
    }

    /// Adds to each of some numbers, in two jobs of other pieces.
    fn add(crew: &Crew, numbers: &mut [u32], others: &mut [u32]) {
        let one = Pieces::new(numbers.chunks_mut(3), |piece| piece.iter_mut().for_each(|n| *n += 1));
        let other = Pieces::new(others.iter_mut(), |n| *n += 10);
        crew.share(&[&one, &other]);
    }

    #[test]
    fn every_piece_is_done_once() {
        for threads in 1..=4 {
            let crew = Crew::of(threads);
            assert_eq!(crew.threads(), threads);
            for count in [0, 1, 2, 10, 100] {
                let (mut numbers, mut others) = (vec![0; count], vec![0; count / 2]);
                for _ in 0..50 {
                    add(&crew, &mut numbers, &mut others);
                    crew.each(numbers.iter_mut(), |n| *n += 100);
                }
                assert_eq!((numbers, others), (vec![50 * 101; count], vec![500; count / 2]));
            }
        }
    }

    #[test]
    fn several_may_lead() {
        let total = AtomicUsize::new(0);
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let crew = Crew::of(3);
                    for _ in 0..200 {
                        let mut numbers = [0_u32; 9];
                        add(&crew, &mut numbers, &mut []);
                        assert_eq!(numbers, [1; 9]);
                        total.fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(total.into_inner(), 600);
    }

    /// Pieces that wait for each other are not done unless somebody helps.
    #[test]
    fn helpers_come_awake_or_asleep() {
        let crew = Crew::of(3);
        for pause in [0, 10, 100, 200, 1_000, 50_000].repeat(10) {
            thread::sleep(Duration::from_micros(pause));
            let meeting = Barrier::new(3);
            crew.each(0..3, |_| _ = meeting.wait());
        }
    }

    /// Whoever's work it is, helpers have left it before the leader goes on, and all work on.
    #[test]
    fn a_panic_comes_to_the_leader() {
        let crew = Crew::of(2);
        for bad in 0..2 {
            let (meeting, done) = (Barrier::new(2), AtomicUsize::new(0));
            let work = |piece| {
                meeting.wait();
                assert!(piece != bad, "piece {piece} is bad");
                thread::sleep(Duration::from_millis(5));
                done.fetch_add(1, Ordering::SeqCst);
            };
            let panic = catch_unwind(AssertUnwindSafe(|| crew.each(0..2, work))).unwrap_err();
            assert_eq!(panic.downcast_ref::<String>().unwrap(), &format!("piece {bad} is bad"));
            assert_eq!(done.into_inner(), 1);
            let mut numbers = [0; 20];
            add(&crew, &mut numbers, &mut []);
            assert_eq!(numbers, [1; 20]);
        }
    }

    #[test]
    fn helpers_are_shared_while_anybody_has_them() {
        let [one, other] = [5, 5].map(|threads| Crew::of(threads).0.unwrap()); // no other test's number
        assert!(Arc::ptr_eq(&one, &other));
        let common = Arc::downgrade(&one.common);
        drop((one, other));
        assert!(common.upgrade().is_none(), "threads have ended");
    }
}
