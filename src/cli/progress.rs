//! How runs look while they last: a bar on a terminal, a line an epoch elsewhere, nothing when quiet. On stderr.

use super::signals::Signals;
use dlr::Error;
use dlr::engine::checkpoint::{Checkpoint, Origin};
use dlr::engine::network::Weights;
use dlr::engine::settings::Settings;
use dlr::engine::trainer::{Observer, Point, Stop};
use dlr::experiments::sweep::Watcher;
use dlr::report::summary::{grouped, percent};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Watches one run.
pub(crate) struct Progress {
    signals: Signals,
    shown: Shown,
    epochs: u64,
    per_epoch: u64,
    /// Whether a curve is drawn, which wants the accuracy of every test.
    curve: bool,
    /// What tests see, in a word.
    tested_on: &'static str,
    keeper: Option<Keeper>,
}

/// Writes checkpoints.
pub(crate) struct Keeper {
    pub(crate) path: PathBuf,
    /// Images between two of them, if not only the last one counts.
    pub(crate) every: Option<u64>,
    pub(crate) origin: Origin,
    /// The images after which the last one was written.
    pub(crate) kept: u64,
    /// Why the last one could not be written.
    pub(crate) failed: Option<Error>,
}

enum Shown {
    Nothing,
    /// The last whole epoch that has been told.
    Lines(u64),
    /// The bar, and when it last moved.
    Bar(ProgressBar, Instant),
}

/// Between two moves of the bar.
const BLINK: Duration = Duration::from_millis(100);

impl Progress {
    /// For a run by `settings`, with epochs of `images` images, of which a `curve` is wanted or not.
    pub(crate) fn new(
        quiet: bool,
        curve: bool,
        settings: &Settings,
        images: u64,
        signals: Signals,
        keeper: Option<Keeper>,
    ) -> Self {
        let (epochs, tested_on) = (settings.epochs, settings.tested_on());
        let shown = if quiet {
            Shown::Nothing
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::new(epochs * images);
            let style = "{bar:10} at most {eta}, {wide_msg}"; // all of it in 80 columns, cut off in fewer
            bar.set_style(ProgressStyle::with_template(style).expect("the template is well formed"));
            Shown::Bar(bar, Instant::now())
        } else {
            Shown::Lines(0)
        };
        Self { signals, shown, epochs, per_epoch: images, curve, tested_on, keeper }
    }

    /// Why the last checkpoint could not be written, if it could not.
    pub(crate) fn failed(&mut self) -> Option<Error> {
        self.keeper.as_mut()?.failed.take()
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        if let Shown::Bar(bar, _) = &self.shown {
            bar.finish_and_clear();
        }
    }

    fn describe(&self, point: &Point) -> String {
        let rate = grouped((point.images as f64 / point.train_s.max(1e-9)).round() as u64);
        let accuracy = if matches!(self.shown, Shown::Bar(..)) { "" } else { " accuracy" };
        format!(
            "epoch {:.2} of {}, {}{accuracy} {}, {rate} images/s",
            point.epoch,
            self.epochs,
            self.tested_on,
            percent(point.test_accuracy)
        )
    }
}

impl Observer for Progress {
    fn wants_accuracy(&mut self, images: u64) -> bool {
        self.curve
            || match &self.shown {
                Shown::Nothing => false,
                Shown::Lines(told) => images >= (told + 1) * self.per_epoch,
                Shown::Bar(_, moved) => moved.elapsed() >= BLINK,
            }
    }

    fn tested(&mut self, point: &Point) {
        let text = self.describe(point);
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Lines(told) => {
                if point.epoch >= (*told + 1) as f64 {
                    *told = point.epoch as u64;
                    super::exit::complain(format_args!("{text}"));
                }
            }
            Shown::Bar(bar, moved) => {
                *moved = Instant::now();
                bar.set_position(point.images);
                bar.set_message(text);
            }
        }
    }

    fn wants_checkpoint(&mut self, images: u64) -> bool {
        let due = |keeper: &Keeper| keeper.every.is_some_and(|every| images / every > keeper.kept / every);
        self.keeper.as_ref().is_some_and(due)
    }

    fn wants_last_checkpoint(&mut self) -> bool {
        self.keeper.is_some()
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) {
        if let Some(Keeper { path, origin, kept, failed, .. }) = &mut self.keeper {
            *kept = checkpoint.images;
            // The run goes on: the disk may have room again later.
            let had_failed = failed.is_some();
            *failed = checkpoint.save(path, origin).err();
            if let (Some(error), false) = (&failed, had_failed) {
                super::exit::warn(&format!("{error}; the run goes on without"));
            }
        }
    }

    fn stop(&mut self, _: u64) -> Option<Stop> {
        self.signals.received().map(|_| Stop::Interrupted)
    }
}

/// Watches several runs at once.
pub(crate) struct RunsProgress {
    signals: Signals,
    /// What is shown: a bar on a terminal, a line a run elsewhere, or nothing.
    shown: Option<ProgressBar>,
    /// Runs that are over.
    done: Mutex<u64>,
    curve: bool,
}

impl RunsProgress {
    /// For so many runs, of which a `curve` each is wanted or not.
    pub(crate) fn new(quiet: bool, curve: bool, runs: u64, signals: Signals) -> Self {
        let style = "{bar:24} {pos} of {len} runs, {eta} to go";
        let style = ProgressStyle::with_template(style).expect("the template is well formed");
        let shown = (!quiet).then(|| ProgressBar::new(runs).with_style(style));
        Self { signals, shown, done: Mutex::new(0), curve }
    }

    /// An observer for one more run; none if the user wants no more.
    pub(crate) fn observer(&self) -> Option<impl Observer> {
        self.signals.received().is_none().then_some(OneOfMany { runs: self, has_begun: false })
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        self.shown.iter().for_each(ProgressBar::finish_and_clear);
    }
}

/// Watches one of several runs, and tells when it is over, if it has begun.
struct OneOfMany<'a> {
    runs: &'a RunsProgress,
    has_begun: bool,
}

impl Observer for OneOfMany<'_> {
    fn wants_accuracy(&mut self, _: u64) -> bool {
        self.runs.curve
    }

    fn reached(&mut self, _: u64, _: &Weights) {
        self.has_begun = true;
    }

    fn stop(&mut self, _: u64) -> Option<Stop> {
        self.runs.signals.received().map(|_| Stop::Interrupted)
    }
}

impl Drop for OneOfMany<'_> {
    fn drop(&mut self) {
        let RunsProgress { signals, shown, done, .. } = self.runs;
        if !self.has_begun {
            return;
        }
        let Some(bar) = shown.as_ref().filter(|_| signals.received().is_none()) else { return };
        // Counted and told in one, so that lines come in order.
        let mut done = done.lock().unwrap_or_else(PoisonError::into_inner);
        *done += 1;
        bar.set_position(*done);
        if bar.is_hidden() {
            super::exit::complain(format_args!("{done} of {} runs", bar.length().unwrap_or_default()));
        }
    }
}

/// Watches a sweep: a bar on a terminal, a line every few seconds elsewhere, or nothing.
pub(crate) struct SweepProgress {
    signals: Signals,
    shown: Option<ProgressBar>,
    /// When the last line was written.
    told: Mutex<Instant>,
}

/// Between two lines about a sweep.
const PAUSE: Duration = Duration::from_secs(15);

impl SweepProgress {
    pub(crate) fn new(quiet: bool, signals: Signals) -> Self {
        let style = "{bar:24} {pos} of {len} runs, {elapsed} so far, {eta} to go";
        let style = ProgressStyle::with_template(style).expect("the template is well formed");
        let shown = (!quiet).then(|| ProgressBar::new(0).with_style(style));
        Self { signals, shown, told: Mutex::new(Instant::now()) }
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        self.shown.iter().for_each(ProgressBar::finish_and_clear);
    }
}

impl Watcher for SweepProgress {
    fn wanted(&self, runs: usize) {
        self.shown.iter().for_each(|bar| bar.inc_length(runs as u64));
    }

    fn spared(&self, runs: usize) {
        self.shown.iter().for_each(|bar| bar.dec_length(runs as u64));
    }

    fn finished(&self, is_new: bool) {
        let Some(bar) = &self.shown else { return };
        bar.inc(1);
        if !is_new {
            bar.reset_eta(); // what was read took no time, and says nothing about the rest
        }
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if bar.is_hidden() && told.elapsed() >= PAUSE {
            *told = Instant::now();
            let (done, all) = (bar.position(), bar.length().unwrap_or_default());
            let left = bar.eta().as_secs().div_ceil(60);
            super::exit::complain(format_args!("{done} of {all} runs, about {left} min to go"));
        }
    }

    fn wants_to_stop(&self) -> bool {
        self.signals.received().is_some()
    }
}
